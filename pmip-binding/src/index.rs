//! Where in a slab something is, found by a hash of what it is.

use std::hash::{BuildHasher, Hash};

use foldhash::quality::FixedState;
use hashbrown::HashTable;
use smallvec::SmallVec;

/// Numbers of slab items by key. The keys themselves are in the slab alone: a look-up asks there
/// whether a number is meant. Part of the hash is kept, so growing never visits the slab.
#[derive(Clone, Debug)]
pub(crate) struct Index {
    table: HashTable<Reference>,
    hasher: FixedState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Reference {
    hash: u32,
    number: u32,
}

impl Index {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            table: HashTable::new(),
            hasher: FixedState::with_seed(seed),
        }
    }

    /// The number under `key` that `is_meant` confirms.
    pub(crate) fn get(&self, key: &impl Hash, is_meant: impl Fn(u32) -> bool) -> Option<u32> {
        let hash = self.hash(key);
        let found = self.table.find(spread(hash), |reference| {
            reference.hash == hash && is_meant(reference.number)
        });
        found.map(|reference| reference.number)
    }

    /// All numbers under `key` that `is_meant` confirms, in order.
    pub(crate) fn all(
        &self,
        key: &impl Hash,
        is_meant: impl Fn(u32) -> bool,
    ) -> SmallVec<[u32; 4]> {
        let hash = self.hash(key);
        let same = self.table.iter_hash(spread(hash));
        let mut numbers: SmallVec<[u32; 4]> = same
            .filter(|reference| reference.hash == hash && is_meant(reference.number))
            .map(|reference| reference.number)
            .collect();
        numbers.sort_unstable();
        numbers
    }

    /// Adds a number under `key`, beside others that are there.
    pub(crate) fn insert(&mut self, key: &impl Hash, number: u32) {
        let hash = self.hash(key);
        let reference = Reference { hash, number };
        self.table
            .insert_unique(spread(hash), reference, |other| spread(other.hash));
    }

    pub(crate) fn remove(&mut self, key: &impl Hash, number: u32) {
        let hash = self.hash(key);
        let reference = Reference { hash, number };
        if let Ok(entry) = self
            .table
            .find_entry(spread(hash), |other| *other == reference)
        {
            entry.remove();
        }
    }

    fn hash(&self, key: &impl Hash) -> u32 {
        (self.hasher.hash_one(key) >> 32) as u32
    }
}

/// The table takes some bits from either end.
fn spread(hash: u32) -> u64 {
    (u64::from(hash) << 32) | u64::from(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_keys_stand_beside_each_other() {
        let mut index = Index::new(1);
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
}
