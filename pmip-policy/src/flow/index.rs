use alloc::boxed::Box;
use alloc::vec;

/// Finds slab slots by hash: open addressing with linear probing, never more than half full, and
/// backward-shift deletion.
///
/// A general hash map marks deletions and now and then rehashes itself to be rid of the marks: at a
/// million flows that is a pause of many milliseconds in the middle of traffic. This one has a fixed
/// size, leaves no marks and never rehashes. A probe is one read of a neighbouring eight octets, and
/// the part of the hash kept there spares nearly every look at a wrong entry.
#[derive(Clone, Debug)]
pub(super) struct Index {
    /// 0 is empty; else the slot plus one above the lower half of its hash. The length is a power
    /// of two.
    buckets: Box<[u64]>,
}

impl Index {
    /// An index for at most `limit` slots, its memory taken at once.
    pub(super) fn new(limit: u32) -> Self {
        let len = (limit as usize * 2).next_power_of_two();
        Self {
            buckets: vec![0; len].into_boxed_slice(),
        }
    }

    /// The first slot stored under `hash` for which `is_it` holds.
    #[inline]
    pub(super) fn find(&self, hash: u64, mut is_it: impl FnMut(u32) -> bool) -> Option<u32> {
        let mut at = self.home(hash);
        loop {
            let bucket = self.buckets[at];
            if bucket == 0 {
                return None;
            }
            if tag(bucket) == hash as u32 && is_it(slot(bucket)) {
                return Some(slot(bucket));
            }
            at = self.after(at);
        }
    }

    /// Stores a slot under `hash`. At most `limit` may be stored at once.
    pub(super) fn insert(&mut self, hash: u64, slot: u32) {
        let mut at = self.home(hash);
        while self.buckets[at] != 0 {
            at = self.after(at);
        }
        self.buckets[at] = bucket(hash, slot);
    }

    /// Forgets a slot stored under `hash`; nothing happens when it is not there.
    pub(super) fn remove(&mut self, hash: u64, slot: u32) {
        let wanted = bucket(hash, slot);
        let mut at = self.home(hash);
        while self.buckets[at] != wanted {
            if self.buckets[at] == 0 {
                return;
            }
            at = self.after(at);
        }
        self.close(at);
    }

    /// Moves later members of the run into the hole, so that no probe stops short of them.
    fn close(&mut self, mut hole: usize) {
        let mut at = self.after(hole);
        while self.buckets[at] != 0 {
            let home = self.home(tag(self.buckets[at]).into());
            // It may move when its home does not lie between the hole and itself.
            if self.distance(home, at) >= self.distance(hole, at) {
                self.buckets[hole] = self.buckets[at];
                hole = at;
            }
            at = self.after(at);
        }
        self.buckets[hole] = 0;
    }

    #[inline]
    fn home(&self, hash: u64) -> usize {
        hash as u32 as usize & (self.buckets.len() - 1)
    }

    #[inline]
    fn after(&self, at: usize) -> usize {
        (at + 1) & (self.buckets.len() - 1)
    }

    /// Steps from `from` forward to `to`.
    fn distance(&self, from: usize, to: usize) -> usize {
        to.wrapping_sub(from) & (self.buckets.len() - 1)
    }
}

#[inline]
fn bucket(hash: u64, slot: u32) -> u64 {
    (u64::from(slot) + 1) << 32 | hash & 0xffff_ffff
}

#[inline]
fn tag(bucket: u64) -> u32 {
    bucket as u32
}

/// The slot in a bucket that is not empty.
#[inline]
fn slot(bucket: u64) -> u32 {
    (bucket >> 32) as u32 - 1
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeMap;
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// A deletion that shifted a run wrongly would lose a slot or leave one behind. Hashes are
        /// few, so that runs collide and wrap around the end.
        #[test]
        fn finds_exactly_what_is_stored(
            steps in prop::collection::vec((0u32..16, 0u64..40, any::<bool>()), 1..200),
        ) {
            let mut index = Index::new(16);
            let mut model = BTreeMap::new();
            for (slot, hash, remove) in steps {
                match (model.get(&slot).copied(), remove) {
                    (Some(stored), true) => {
                        index.remove(stored, slot);
                        model.remove(&slot);
                    }
                    (None, false) => {
                        index.insert(hash, slot);
                        model.insert(slot, hash);
                    }
                    (Some(_), false) | (None, true) => index.remove(hash + 100, slot),
                }
                for slot in 0..16 {
                    let hashes: Vec<_> = (0..40)
                        .filter(|&hash| index.find(hash, |found| found == slot).is_some())
                        .collect();
                    let expected: Vec<_> = model.get(&slot).copied().into_iter().collect();
                    prop_assert_eq!(hashes, expected);
                }
            }
        }
    }
}
