//! How much signalling each of many sources may send, in little memory.

use std::hash::{BuildHasher, Hash};

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
}
