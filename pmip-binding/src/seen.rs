//! Messages that were handled, so that a copy of one counts for nothing.
//!
//! RFC 4285 protects no message but a Binding Update against replay, RFC 5846 lists the options of
//! a Binding Revocation Indication, with none for the time among them, and its sequence numbers
//! may be random, as those of RFC 7077 may be at each start. So the messages themselves are
//! remembered. What remains: a message older than the last [`Seen::new`] many, or from before a
//! restart, counts once more.

use std::collections::VecDeque;
use std::hash::{BuildHasher, Hash};

use foldhash::quality::FixedState;
use hashbrown::HashMap;

/// What came of the latest messages, by a hash of their sender and octets.
///
/// A message that is new and has the hash of an old one is taken for it: one of 2^64 by chance, and
/// whoever can make messages that count needs no such chance.
#[derive(Clone, Debug)]
pub(crate) struct Seen<T> {
    outcomes: HashMap<u64, T, FixedState>,
    /// The oldest first.
    order: VecDeque<u64>,
    hasher: FixedState,
    most: usize,
}

impl<T: Copy> Seen<T> {
    /// Remembers this many messages.
    pub(crate) fn new(most: usize, seed: u64) -> Self {
        Self {
            outcomes: HashMap::with_hasher(FixedState::with_seed(seed)),
            order: VecDeque::new(),
            hasher: FixedState::with_seed(seed.wrapping_add(1)),
            most,
        }
    }

    /// What came of exactly these octets before, from the same peer: two may say the same.
    pub(crate) fn get(&self, peer: impl Hash, octets: &[u8]) -> Option<T> {
        let hash = self.hasher.hash_one((peer, octets));
        self.outcomes.get(&hash).copied()
    }

    pub(crate) fn note(&mut self, peer: impl Hash, octets: &[u8], outcome: T) {
        let hash = self.hasher.hash_one((peer, octets));
        if self.outcomes.insert(hash, outcome).is_some() {
            return;
        }
        self.order.push_back(hash);
        if self.order.len() > self.most
            && let Some(oldest) = self.order.pop_front()
        {
            self.outcomes.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_are_remembered_and_no_more() {
        let mut seen = Seen::new(2, 7);
        seen.note(1, b"a", 1);
        seen.note(1, b"b", 2);
        seen.note(1, b"a", 3);
        assert_eq!(seen.get(1, b"a"), Some(3));
        assert_eq!(seen.get(2, b"a"), None, "somebody else's");
        seen.note(1, b"c", 4);
        assert_eq!(seen.get(1, b"a"), None, "the oldest went");
        assert_eq!((seen.get(1, b"b"), seen.get(1, b"c")), (Some(2), Some(4)));
        assert_eq!((seen.order.len(), seen.outcomes.len()), (2, 2));
    }
}
