//! What is known of many sources in little memory: how much signalling one may send, and whether
//! a mobile node moved on from one.

use std::hash::{BuildHasher, Hash};
use std::time::Duration;

use foldhash::quality::FixedState;
use pmip_wire::types::Instant;

/// Counts per source and second in a fixed table: memory does not grow with the number of
/// sources. Sources that share a cell share its allowance; the hash is keyed, so a stranger
/// can't aim at a victim's cell.
#[derive(Clone, Debug)]
pub(super) struct RateLimiter {
    cells: Vec<(u64, u32)>,
    hasher: FixedState,
    allowance: u32,
}

impl RateLimiter {
    pub(super) fn new(cells: u32, allowance: u32, seed: u64) -> Self {
        Self {
            cells: vec![(u64::MAX, 0); cells.max(1) as usize],
            hasher: FixedState::with_seed(seed),
            allowance,
        }
    }

    /// Counts one message; false when the source has used up this second's allowance.
    pub(super) fn admit(&mut self, now: Instant, source: impl Hash) -> bool {
        let second = now.as_millis() / 1000;
        let hash = self.hasher.hash_one(source);
        let index = (hash % (self.cells.len() as u64)) as usize;
        let Some(cell) = self.cells.get_mut(index) else {
            return false;
        };
        if cell.0 != second {
            *cell = (second, 0);
        }
        cell.1 = cell.1.saturating_add(1);
        cell.1 <= self.allowance
    }
}

/// When a mobile node moved on from a source last, in a fixed table as above. Sources that share
/// a cell share the later moment: one may count as left though nobody left it.
#[derive(Clone, Debug)]
pub(super) struct Departures {
    cells: Vec<Option<Instant>>,
    hasher: FixedState,
}

impl Departures {
    pub(super) fn new(cells: u32, seed: u64) -> Self {
        Self {
            cells: vec![None; cells.max(1) as usize],
            hasher: FixedState::with_seed(seed),
        }
    }

    pub(super) fn note(&mut self, now: Instant, source: impl Hash) {
        if let Some(cell) = self.cell(source) {
            *cell = Some(now);
        }
    }

    /// A mobile node came there.
    pub(super) fn forget(&mut self, source: impl Hash) {
        if let Some(cell) = self.cell(source) {
            *cell = None;
        }
    }

    /// Whether a mobile node may have moved on from there within this span, and none came since.
    pub(super) fn within(&mut self, span: Duration, now: Instant, source: impl Hash) -> bool {
        let left = self.cell(source).and_then(|cell| *cell);
        left.is_some_and(|left| now.saturating_since(left) < span)
    }

    fn cell(&mut self, source: impl Hash) -> Option<&mut Option<Instant>> {
        let hash = self.hasher.hash_one(source);
        let index = (hash % (self.cells.len() as u64)) as usize;
        self.cells.get_mut(index)
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    #[test]
    fn the_allowance_is_per_source_and_second() {
        let mut limiter = RateLimiter::new(1024, 2, 1);
        let (a, b) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let now = Instant::from_millis(500);
        let admitted: Vec<bool> = [a, a, a, b].map(|s| limiter.admit(now, s)).to_vec();
        assert_eq!(admitted, [true, true, false, true]);
        assert!(limiter.admit(Instant::from_millis(1000), a));
    }

    #[test]
    fn a_source_counts_as_left_until_somebody_comes_or_the_span_is_over() {
        let mut departures = Departures::new(1024, 1);
        let (a, b) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let (hour, at) = (Duration::from_secs(3_600), Instant::from_secs);
        departures.note(at(10), a);
        assert!(departures.within(hour, at(3_609), a));
        assert!(!departures.within(hour, at(3_609), b));
        assert!(!departures.within(hour, at(3_610), a));
        departures.forget(a);
        assert!(!departures.within(hour, at(11), a));
    }
}
