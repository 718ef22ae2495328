//! Deadlines, ordered by time and, at the same time, by key.
//!
//! The rest of the crate knows only this interface, so that the ordered set behind it can become
//! a hierarchical wheel without another change.

use std::collections::{BTreeMap, BTreeSet};

use pmip_wire::types::Instant;

/// At most one deadline per key.
#[derive(Clone, Debug)]
pub(crate) struct Timers<K> {
    queue: BTreeSet<(Instant, K)>,
    deadlines: BTreeMap<K, Instant>,
}

impl<K: Ord + Copy> Timers<K> {
    pub(crate) const fn new() -> Self {
        Self {
            queue: BTreeSet::new(),
            deadlines: BTreeMap::new(),
        }
    }

    /// Sets or moves the deadline of `key`. The end of time never comes: arithmetic that saturates
    /// there would make a timer that re-arms itself due at once, forever.
    pub(crate) fn set(&mut self, key: K, at: Instant) {
        if at == Instant::MAX {
            return self.cancel(key);
        }
        if let Some(before) = self.deadlines.insert(key, at) {
            self.queue.remove(&(before, key));
        }
        self.queue.insert((at, key));
    }

    pub(crate) fn cancel(&mut self, key: K) {
        if let Some(before) = self.deadlines.remove(&key) {
            self.queue.remove(&(before, key));
        }
    }

    /// The next deadline, due or not.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.queue.first().map(|&(at, _)| at)
    }

    /// Takes one deadline that has come, the earliest first.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<K> {
        let &(at, key) = self.queue.first()?;
        if at > now {
            return None;
        }
        self.queue.pop_first();
        self.deadlines.remove(&key);
        Some(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moved_deadline_fires_once_and_late() {
        let mut timers = Timers::new();
        timers.set('a', Instant::from_secs(1));
        timers.set('a', Instant::from_secs(3));
        timers.set('b', Instant::from_secs(2));
        assert_eq!(timers.next(), Some(Instant::from_secs(2)));
        assert_eq!(timers.pop_due(Instant::from_secs(2)), Some('b'));
        assert_eq!(timers.pop_due(Instant::from_secs(2)), None);
        assert_eq!(timers.pop_due(Instant::from_secs(3)), Some('a'));
        assert_eq!(timers.next(), None);
    }

    #[test]
    fn a_deadline_at_the_end_of_time_never_comes() {
        let mut timers = Timers::new();
        timers.set(1, Instant::from_secs(1));
        timers.set(1, Instant::MAX);
        assert_eq!(timers.next(), None);
        assert_eq!(timers.pop_due(Instant::MAX), None);
    }

    #[test]
    fn a_cancelled_deadline_never_fires() {
        let mut timers = Timers::new();
        timers.set(1, Instant::from_secs(1));
        timers.cancel(1);
        timers.cancel(2);
        assert_eq!(timers.pop_due(Instant::MAX), None);
    }
}
