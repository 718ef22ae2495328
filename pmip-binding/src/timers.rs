//! Deadlines, ordered by time and, at the same time, by key: [`Timers`] for owners that keep the
//! number of their timer, [`KeyedTimers`] for those that name it.

mod wheel;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use pmip_wire::types::Instant;

pub(crate) use wheel::Timers;

/// What a deadline is about.
pub(crate) trait TimerKey: Copy {
    /// Unique per key. Of equal deadlines the lowest rank comes first.
    fn rank(self) -> u64;
}

/// The number of a timer, kept by its owner. It serves one key at a time: cancel before another.
/// It need not be reset when the timer fired, for a number whose key is not the owner's is nobody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimerSlot(u32);

impl Default for TimerSlot {
    fn default() -> Self {
        Self(u32::MAX)
    }
}

/// At most one deadline per key.
#[derive(Clone, Debug)]
pub(crate) struct KeyedTimers<K> {
    timers: Timers<K>,
    slots: BTreeMap<K, TimerSlot>,
}

impl<K: TimerKey + Ord> KeyedTimers<K> {
    pub(crate) fn new() -> Self {
        Self {
            timers: Timers::new(),
            slots: BTreeMap::new(),
        }
    }

    /// Sets or moves the deadline of `key`; the end of time never comes.
    pub(crate) fn set(&mut self, key: K, at: Instant) {
        if at == Instant::MAX {
            return self.cancel(key);
        }
        self.timers.set(self.slots.entry(key).or_default(), key, at);
    }

    pub(crate) fn cancel(&mut self, key: K) {
        if let Some(slot) = self.slots.remove(&key) {
            self.timers.cancel(slot, key);
        }
    }

    /// The next deadline, due or not.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// Takes one deadline that has come, the earliest first.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<K> {
        let key = self.timers.pop_due(now)?;
        self.slots.remove(&key);
        Some(key)
    }
}
