//! A store whose items keep one small number as long as they live.

use std::collections::VecDeque;

/// Items of one chunk.
const CHUNK: usize = 256;

/// Items by number. Freed numbers are used again as late as possible, so that a stale reference
/// rarely meets a new owner. Items stay where they are, in chunks, so that growing moves nothing.
#[derive(Clone, Debug)]
pub(crate) struct Slab<T> {
    chunks: Vec<Vec<Option<T>>>,
    /// Numbers ever used.
    end: u32,
    free: VecDeque<u32>,
    len: usize,
}

impl<T> Slab<T> {
    pub(crate) const fn new() -> Self {
        Self {
            chunks: Vec::new(),
            end: 0,
            free: VecDeque::new(),
            len: 0,
        }
    }

    /// The number that the next `insert` will use.
    pub(crate) fn next_key(&self) -> u32 {
        self.free.front().copied().unwrap_or(self.end)
    }

    pub(crate) fn insert(&mut self, item: T) -> u32 {
        let key = self.next_key();
        if self.free.pop_front().is_none() {
            self.extend();
        }
        if let Some(slot) = self.slot_mut(key) {
            *slot = Some(item);
        }
        self.len += 1;
        key
    }

    /// Inserts under a number at or above every one used so far; those in between are free.
    pub(crate) fn insert_at(&mut self, key: u32, item: T) -> u32 {
        if key < self.end {
            return self.insert(item);
        }
        while self.end < key {
            self.free.push_back(self.end);
            self.extend();
        }
        self.extend();
        if let Some(slot) = self.slot_mut(key) {
            *slot = Some(item);
        }
        self.len += 1;
        key
    }

    /// Above every number ever used.
    pub(crate) const fn end(&self) -> u32 {
        self.end
    }

    pub(crate) fn remove(&mut self, key: u32) -> Option<T> {
        let item = self.slot_mut(key)?.take()?;
        self.free.push_back(key);
        self.len -= 1;
        Some(item)
    }

    pub(crate) fn get(&self, key: u32) -> Option<&T> {
        let chunk = self.chunks.get(key as usize / CHUNK)?;
        chunk.get(key as usize % CHUNK)?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, key: u32) -> Option<&mut T> {
        self.slot_mut(key)?.as_mut()
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// In order of number.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        let numbered = (0u32..).zip(self.chunks.iter().flatten());
        numbered.filter_map(|(key, slot)| slot.as_ref().map(|item| (key, item)))
    }

    fn slot_mut(&mut self, key: u32) -> Option<&mut Option<T>> {
        let chunk = self.chunks.get_mut(key as usize / CHUNK)?;
        chunk.get_mut(key as usize % CHUNK)
    }

    /// One more empty slot at the end. The first chunk grows as it fills, for most nodes are small.
    fn extend(&mut self) {
        self.end = self.end.saturating_add(1);
        match self.chunks.last_mut() {
            Some(chunk) if chunk.len() < CHUNK => chunk.push(None),
            Some(_) => {
                let mut chunk = Vec::with_capacity(CHUNK);
                chunk.push(None);
                self.chunks.push(chunk);
            }
            None => self.chunks.push(vec![None]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_freed_number_is_used_again_and_forgets_its_item() {
        let mut slab = Slab::new();
        let (a, b) = (slab.insert('a'), slab.insert('b'));
        assert_eq!(slab.remove(a), Some('a'));
        assert_eq!(slab.remove(a), None);
        assert_eq!(slab.get(a), None);
        assert_eq!(slab.insert('c'), a);
        assert_eq!(slab.iter().collect::<Vec<_>>(), [(a, &'c'), (b, &'b')]);
        assert_eq!(slab.len(), 2);
    }

    #[test]
    fn a_number_may_be_chosen_above_all_others() {
        let mut slab = Slab::new();
        assert_eq!(slab.insert_at(2, 'c'), 2);
        assert_eq!(slab.insert_at(1, 'a'), 0, "1 is not above");
        assert_eq!(slab.insert('b'), 1);
        assert_eq!(slab.insert('d'), 3);
        assert_eq!(slab.len(), 4);
    }

    #[test]
    fn numbers_go_on_across_chunks() {
        let mut slab = Slab::new();
        for n in 0..1_000 {
            assert_eq!(slab.insert(n), n);
        }
        assert_eq!(slab.remove(700), Some(700));
        assert_eq!(slab.iter().count(), 999);
        assert_eq!(slab.get(999), Some(&999));
        assert_eq!(slab.insert(1), 700);
    }
}
