use alloc::vec::Vec;

use super::entry::Entry;

/// Entries under stable small numbers. Freed numbers are used again, last freed first.
#[derive(Clone, Debug)]
pub(super) struct Slab {
    slots: Vec<Slot>,
    free: u32,
    limit: u32,
    len: u32,
}

#[derive(Clone, Debug)]
enum Slot {
    Used(Entry),
    Free { next: u32 },
}

/// Ends the list of free slots.
const NONE: u32 = u32::MAX;

impl Slab {
    /// A slab for at most `limit` entries, its memory taken at once.
    pub(super) fn new(limit: u32) -> Self {
        Self {
            slots: Vec::with_capacity(limit as usize),
            free: NONE,
            limit,
            len: 0,
        }
    }

    pub(super) fn len(&self) -> u32 {
        self.len
    }

    pub(super) fn is_full(&self) -> bool {
        self.len >= self.limit
    }

    /// One above the highest slot ever used.
    pub(super) fn slots(&self) -> u32 {
        // `limit` is a u32 and bounds the vector.
        self.slots.len() as u32
    }

    /// The entry's slot, or the entry back when the slab is full.
    pub(super) fn insert(&mut self, entry: Entry) -> Option<u32> {
        if self.is_full() {
            return None;
        }
        self.len += 1;
        let Some(Slot::Free { next }) = self.slots.get(self.free as usize) else {
            self.slots.push(Slot::Used(entry));
            return Some(self.slots() - 1);
        };
        let slot = core::mem::replace(&mut self.free, *next);
        self.slots[slot as usize] = Slot::Used(entry);
        Some(slot)
    }

    pub(super) fn remove(&mut self, slot: u32) -> Option<Entry> {
        let place = self.slots.get_mut(slot as usize)?;
        match core::mem::replace(place, Slot::Free { next: self.free }) {
            Slot::Used(entry) => {
                self.free = slot;
                self.len -= 1;
                Some(entry)
            }
            // It was free before: leave the list as it was.
            free @ Slot::Free { .. } => {
                *place = free;
                None
            }
        }
    }

    #[inline]
    pub(super) fn entry(&self, slot: u32) -> Option<&Entry> {
        match self.slots.get(slot as usize) {
            Some(Slot::Used(entry)) => Some(entry),
            Some(Slot::Free { .. }) | None => None,
        }
    }

    #[inline]
    pub(super) fn entry_mut(&mut self, slot: u32) -> Option<&mut Entry> {
        match self.slots.get_mut(slot as usize) {
            Some(Slot::Used(entry)) => Some(entry),
            Some(Slot::Free { .. }) | None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flow_takes_at_most_96_octets() {
        assert!(size_of::<Slot>() <= 96, "{}", size_of::<Slot>());
    }
}
