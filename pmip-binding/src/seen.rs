//! Messages that were handled, so that a copy of one counts for nothing.
//!
//! RFC 4285 protects no message but a Binding Update against replay, RFC 5846 lists the options of
//! a Binding Revocation Indication, with none for the time among them, and its sequence numbers
//! may be random, as those of RFC 7077 may be at each start. So the messages themselves are
//! remembered: for a day, for their numbers have 16 bits and come again. What remains: a message
//! older than that or than the last [`Seen::new`] many counts once more.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use pmip_wire::types::Instant;
use sha1::{Digest, Sha1};

/// How long a message is remembered.
const MEMORY: Duration = Duration::from_secs(24 * 3600);

/// What came of the latest messages, by a digest of their sender and octets.
///
/// A message that is new and has the digest of an old one is taken for it: one of 2^64 by chance,
/// and whoever can make messages that count needs no such chance. The digest is the same in every
/// version and on every machine, so that it can be kept.
#[derive(Clone, Debug)]
pub(crate) struct Seen<T> {
    outcomes: BTreeMap<u64, Outcome<T>>,
    /// The oldest first.
    order: VecDeque<u64>,
    most: usize,
}

/// What came of one message, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outcome<T> {
    pub(crate) what: T,
    pub(crate) at: Instant,
}

impl<T: Copy> Seen<T> {
    /// Remembers this many messages.
    pub(crate) const fn new(most: usize) -> Self {
        Self {
            outcomes: BTreeMap::new(),
            order: VecDeque::new(),
            most,
        }
    }

    /// What came of the message with this digest before.
    pub(crate) fn get(&self, now: Instant, digest: u64) -> Option<T> {
        let outcome = self.outcomes.get(&digest);
        let outcome = outcome.filter(|outcome| is_remembered(now, outcome.at))?;
        Some(outcome.what)
    }

    /// Remembers a message. Gives the digests of those that are forgotten for it.
    pub(crate) fn note(&mut self, now: Instant, digest: u64, what: T) -> Vec<u64> {
        let mut gone = Vec::new();
        while let Some(&oldest) = self.order.front() {
            let at = self.outcomes.get(&oldest).map(|outcome| outcome.at);
            let full = self.order.len() >= self.most && !self.outcomes.contains_key(&digest);
            if !full && at.is_some_and(|at| is_remembered(now, at)) {
                break;
            }
            self.order.pop_front();
            self.outcomes.remove(&oldest);
            gone.push(oldest);
        }
        self.insert(digest, Outcome { what, at: now });
        gone
    }

    /// Takes over what an engine before remembered, the oldest first.
    pub(crate) fn restore(&mut self, now: Instant, digest: u64, outcome: Outcome<T>) {
        if is_remembered(now, outcome.at) && self.order.len() < self.most {
            self.insert(digest, outcome);
        }
    }

    fn insert(&mut self, digest: u64, outcome: Outcome<T>) {
        match self.outcomes.get_mut(&digest) {
            // Its age stays, for its place does.
            Some(known) => known.what = outcome.what,
            None => {
                self.outcomes.insert(digest, outcome);
                self.order.push_back(digest);
            }
        }
    }

    /// What is remembered about a digest, still valid or not.
    pub(crate) fn record(&self, digest: u64) -> Option<Outcome<T>> {
        self.outcomes.get(&digest).copied()
    }

    /// In order of digest.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, Outcome<T>)> + '_ {
        let outcomes = self.outcomes.iter();
        outcomes.map(|(digest, outcome)| (*digest, *outcome))
    }
}

fn is_remembered(now: Instant, at: Instant) -> bool {
    now.saturating_since(at) < MEMORY
}

/// What a message of a sender is known by: two senders may say the same.
pub(crate) fn digest(sender: &[u8], octets: &[u8]) -> u64 {
    let mut hash = Sha1::new();
    hash.update(
        u64::try_from(sender.len())
            .unwrap_or(u64::MAX)
            .to_be_bytes(),
    );
    hash.update(sender);
    hash.update(octets);
    let hash = hash.finalize();
    let first = hash.iter().take(8);
    first.fold(0, |number, octet| (number << 8) | u64::from(*octet))
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Instant = Instant::ZERO;

    #[test]
    fn the_latest_are_remembered_and_no_more() {
        let [a, b, c] = [b"a", b"b", b"c"].map(|octets| digest(b"peer", octets));
        let mut seen = Seen::new(2);
        assert!(seen.note(START, a, 1).is_empty());
        assert!(seen.note(START, b, 2).is_empty());
        assert!(seen.note(START, a, 3).is_empty());
        assert_eq!(seen.get(START, a), Some(3));
        assert_eq!(seen.note(START, c, 4), [a]);
        assert_eq!(seen.get(START, a), None, "the oldest went");
        assert_eq!((seen.get(START, b), seen.get(START, c)), (Some(2), Some(4)));
        assert_eq!((seen.order.len(), seen.outcomes.len()), (2, 2));
    }

    #[test]
    fn the_same_octets_of_another_sender_are_another_message() {
        assert_ne!(digest(b"ab", b"c"), digest(b"a", b"bc"));
        assert_ne!(digest(b"a", b"c"), digest(b"b", b"c"));
    }

    /// Snapshots of any version and machine name messages alike.
    #[test]
    fn a_digest_is_the_beginning_of_sha_1() {
        let [low, high] = [digest(b"", b""), digest(b"mag1", b"\x10\x01")];
        // SHA-1 of eight zeros.
        assert_eq!(low, 0x05fe_4057_5316_6f12);
        assert_ne!(low, high);
    }

    #[test]
    fn a_day_later_a_message_counts_again() {
        let mut seen = Seen::new(8);
        seen.note(START, 1, 'a');
        let before = START + MEMORY - Duration::from_nanos(1);
        assert_eq!(seen.get(before, 1), Some('a'));
        assert_eq!(seen.get(START + MEMORY, 1), None);
        assert_eq!(seen.note(START + MEMORY, 2, 'b'), [1], "nor is it kept");
    }
}
