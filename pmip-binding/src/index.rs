//! Where in a slab something is, found by a hash of what it is.

use std::hash::{BuildHasher, Hash};

use foldhash::quality::FixedState;
use smallvec::SmallVec;

/// A slot without a reference; no slab has an item of this number.
const EMPTY: Reference = Reference {
    hash: u32::MAX,
    number: u32::MAX,
};
/// Slots of a table that is not empty.
const LEAST: usize = 8;

/// Numbers of slab items by key. The keys themselves are in the slab alone: a look-up asks there
/// whether a number is meant. Part of the hash is kept, so growing never visits the slab.
///
/// An open table with linear probing: what is looked up stands where its hash points, or close
/// behind, so that a look-up among millions waits for one line of memory. At most three of four
/// slots are taken.
#[derive(Clone, Debug)]
pub(crate) struct Index {
    slots: Vec<Reference>,
    taken: usize,
    hasher: FixedState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Reference {
    hash: u32,
    number: u32,
}

impl Index {
    pub(crate) const fn new(seed: u64) -> Self {
        Self {
            slots: Vec::new(),
            taken: 0,
            hasher: FixedState::with_seed(seed),
        }
    }

    /// The number under `key` that `is_meant` confirms.
    pub(crate) fn get(&self, key: &impl Hash, is_meant: impl Fn(u32) -> bool) -> Option<u32> {
        self.under(self.hash(key)).find(|number| is_meant(*number))
    }

    /// All numbers under `key` that `is_meant` confirms, in order.
    pub(crate) fn all(
        &self,
        key: &impl Hash,
        is_meant: impl Fn(u32) -> bool,
    ) -> SmallVec<[u32; 4]> {
        let same = self.under(self.hash(key));
        let mut numbers: SmallVec<[u32; 4]> = same.filter(|number| is_meant(*number)).collect();
        numbers.sort_unstable();
        numbers
    }

    /// The lowest number under `key` that `is_meant` confirms.
    pub(crate) fn lowest(&self, key: &impl Hash, is_meant: impl Fn(u32) -> bool) -> Option<u32> {
        let same = self.under(self.hash(key));
        same.filter(|number| is_meant(*number)).min()
    }

    /// Brings near where a look-up of `key` starts, so that the wait for far memory passes with
    /// other work.
    pub(crate) fn warm(&self, key: &impl Hash) {
        std::hint::black_box(self.slots.get(self.home(self.hash(key))).copied());
    }

    /// Adds a number under `key`, beside others that are there.
    pub(crate) fn insert(&mut self, key: &impl Hash, number: u32) {
        let hash = self.hash(key);
        if (self.taken + 1) * 4 > self.slots.len() * 3 {
            self.grow();
        }
        self.place(Reference { hash, number });
        self.taken += 1;
    }

    pub(crate) fn remove(&mut self, key: &impl Hash, number: u32) {
        let hash = self.hash(key);
        let wanted = Reference { hash, number };
        let mut at = self.home(hash);
        loop {
            match self.slots.get(at) {
                Some(found) if *found == wanted => break,
                Some(&EMPTY) | None => return,
                Some(_) => at = self.after(at),
            }
        }
        self.taken -= 1;
        self.close_gap(at);
    }

    /// Numbers whose key has this hash.
    fn under(&self, hash: u32) -> impl Iterator<Item = u32> + '_ {
        let (before, from) = self.slots.split_at(self.home(hash));
        let run = from.iter().chain(before).take_while(|slot| **slot != EMPTY);
        run.filter(move |slot| slot.hash == hash)
            .map(|slot| slot.number)
    }

    fn place(&mut self, reference: Reference) {
        let mut at = self.home(reference.hash);
        while self.slots.get(at).is_some_and(|slot| *slot != EMPTY) {
            at = self.after(at);
        }
        if let Some(slot) = self.slots.get_mut(at) {
            *slot = reference;
        }
    }

    /// Moves up who stands behind its place because of what was in this slot.
    fn close_gap(&mut self, mut gap: usize) {
        let mut at = gap;
        loop {
            at = self.after(at);
            let Some(&slot) = self.slots.get(at).filter(|slot| **slot != EMPTY) else {
                break;
            };
            let home = self.home(slot.hash);
            if self.distance(home, at) >= self.distance(gap, at) {
                self.set(gap, slot);
                gap = at;
            }
        }
        self.set(gap, EMPTY);
    }

    fn set(&mut self, at: usize, reference: Reference) {
        if let Some(slot) = self.slots.get_mut(at) {
            *slot = reference;
        }
    }

    /// From a slot onwards to another one.
    const fn distance(&self, from: usize, to: usize) -> usize {
        if to >= from {
            to - from
        } else {
            self.slots.len() - from + to
        }
    }

    const fn after(&self, at: usize) -> usize {
        if at + 1 < self.slots.len() { at + 1 } else { 0 }
    }

    /// The slot that a hash points to.
    const fn home(&self, hash: u32) -> usize {
        ((hash as u64 * self.slots.len() as u64) >> 32) as usize
    }

    fn grow(&mut self) {
        let size = (self.slots.len() * 2).max(LEAST);
        let before = std::mem::replace(&mut self.slots, vec![EMPTY; size]);
        for reference in before.into_iter().filter(|slot| *slot != EMPTY) {
            self.place(reference);
        }
    }

    fn hash(&self, key: &impl Hash) -> u32 {
        (self.hasher.hash_one(key) >> 32) as u32
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn equal_keys_stand_beside_each_other() {
        let mut index = Index::new(1);
        assert_eq!(index.get(&"key", |_| true), None, "nothing is there");
        for number in [3, 1, 2] {
            index.insert(&"key", number);
        }
        index.insert(&"other", 4);
        assert_eq!(index.all(&"key", |_| true).to_vec(), [1, 2, 3]);
        assert_eq!(index.get(&"key", |number| number == 2), Some(2));
        assert_eq!(index.get(&"key", |number| number == 4), None);
        index.remove(&"key", 2);
        assert_eq!(index.all(&"key", |_| true).to_vec(), [1, 3]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Few keys, so that runs are long and gaps are closed across the end of the table.
        #[test]
        fn it_finds_what_a_set_of_pairs_finds(
            seed in any::<u64>(),
            operations in proptest::collection::vec((any::<bool>(), 0u8..12, 0u32..40), 1..400),
        ) {
            let (mut index, mut model) = (Index::new(seed), BTreeSet::new());
            for (insert, key, number) in operations {
                if insert && model.insert((key, number)) {
                    index.insert(&key, number);
                } else if !insert {
                    model.remove(&(key, number));
                    index.remove(&key, number);
                }
                prop_assert_eq!(index.taken, model.len());
                for key in 0..12u8 {
                    let found = index.all(&key, |_| true);
                    let wanted = model.range((key, 0)..=(key, u32::MAX)).map(|pair| pair.1);
                    prop_assert_eq!(index.lowest(&key, |_| true), found.first().copied());
                    prop_assert!(found.into_iter().eq(wanted));
                }
            }
        }
    }
}
