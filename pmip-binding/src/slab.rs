//! A store whose items keep one small number as long as they live.

use std::collections::VecDeque;

/// Items by number. Freed numbers are used again as late as possible, so that a stale reference
/// rarely meets a new owner.
#[derive(Clone, Debug)]
pub(crate) struct Slab<T> {
    items: Vec<Option<T>>,
    free: VecDeque<u32>,
    len: usize,
}

impl<T> Slab<T> {
    pub(crate) const fn new() -> Self {
        Self {
            items: Vec::new(),
            free: VecDeque::new(),
            len: 0,
        }
    }

    /// The number that the next `insert` will use.
    pub(crate) fn next_key(&self) -> u32 {
        let end = u32::try_from(self.items.len()).unwrap_or(u32::MAX);
        self.free.front().copied().unwrap_or(end)
    }

    pub(crate) fn insert(&mut self, item: T) -> u32 {
        let key = self.next_key();
        match self.free.pop_front() {
            Some(_) => {
                if let Some(slot) = self.items.get_mut(key as usize) {
                    *slot = Some(item);
                }
            }
            None => self.items.push(Some(item)),
        }
        self.len += 1;
        key
    }

    pub(crate) fn remove(&mut self, key: u32) -> Option<T> {
        let item = self.items.get_mut(key as usize)?.take()?;
        self.free.push_back(key);
        self.len -= 1;
        Some(item)
    }

    pub(crate) fn get(&self, key: u32) -> Option<&T> {
        self.items.get(key as usize)?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, key: u32) -> Option<&mut T> {
        self.items.get_mut(key as usize)?.as_mut()
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// In order of number.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        let numbered = (0u32..).zip(&self.items);
        numbered.filter_map(|(key, slot)| slot.as_ref().map(|item| (key, item)))
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
}
