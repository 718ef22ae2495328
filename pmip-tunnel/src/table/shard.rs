//! A hash map in shards behind reference counts: a clone costs nothing, an edit copies the shards
//! it touches and no others.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::hash::{BuildHasher, Hash};

use foldhash::quality::FixedState;
use hashbrown::HashMap;

/// A table of 128,000 sessions has 500 in a shard: an edit after a snapshot copies those, a clone
/// 256 reference counts at most.
const SHARDS: usize = 256;

type Shard<K, V> = HashMap<K, V, FixedState>;

#[derive(Clone, Debug)]
pub(super) struct Sharded<K, V> {
    shards: Arc<Vec<Arc<Shard<K, V>>>>,
    state: FixedState,
    length: usize,
}

impl<K: Clone + Eq + Hash, V: Clone> Sharded<K, V> {
    pub(super) fn new(seed: u64) -> Self {
        let state = FixedState::with_seed(seed);
        let empty = Arc::new(Shard::with_hasher(state.clone()));
        Self {
            shards: Arc::new((0..SHARDS).map(|_| Arc::clone(&empty)).collect()),
            state,
            length: 0,
        }
    }

    #[inline]
    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.shards.get(self.shard_of(key))?.get(key)
    }

    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        // Look first: a miss must not copy a shard.
        self.get(key)?;
        self.shard_mut(key)?.get_mut(key)
    }

    pub(super) fn insert(&mut self, key: K, value: V) -> Option<V> {
        let former = self.shard_mut(&key)?.insert(key, value);
        if former.is_none() {
            self.length = self.length.saturating_add(1);
        }
        former
    }

    pub(super) fn remove(&mut self, key: &K) -> Option<V> {
        self.get(key)?;
        let former = self.shard_mut(key)?.remove(key);
        self.length = self.length.saturating_sub(1);
        former
    }

    /// All keys, in no order to rely on.
    pub(super) fn keys(&self) -> impl Iterator<Item = &K> {
        self.shards.iter().flat_map(|shard| shard.keys())
    }

    pub(super) fn len(&self) -> usize {
        self.length
    }

    fn shard_mut(&mut self, key: &K) -> Option<&mut Shard<K, V>> {
        let index = self.shard_of(key);
        Arc::make_mut(&mut self.shards)
            .get_mut(index)
            .map(Arc::make_mut)
    }

    #[inline]
    fn shard_of(&self, key: &K) -> usize {
        // hashbrown uses the lowest bits and the highest seven: take others.
        let hash = self.state.hash_one(key) >> 32;
        usize::try_from(hash & 0xff).unwrap_or(0)
    }
}
