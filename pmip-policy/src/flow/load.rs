use alloc::vec::Vec;

use pmip_wire::types::{Instant, PathId};

use super::index::Index;
use crate::steering::Selection;

/// What each path carried lately, in octets that fade: a half-life is [`HALF_LIFE`].
///
/// A guide for new flows, not an account: when more paths were seen than it holds, it starts again.
#[derive(Clone, Debug)]
pub(super) struct Loads {
    /// Finds places in `loads`; never iterated.
    index: Index,
    loads: Vec<Load>,
    limit: u32,
}

#[derive(Clone, Copy, Debug)]
struct Load {
    path: PathId,
    octets: u64,
    /// The half-life that `octets` are of.
    epoch: u64,
}

/// 2^33 ns: 8.6 s.
const HALF_LIFE: u32 = 33;
/// First and last size.
const LIMITS: (u32, u32) = (64, 65_536);
/// A path that carried less lately is never too full.
const SMALL: u64 = 256 * 1024;

impl Loads {
    pub(super) fn new() -> Self {
        Self {
            index: Index::new(LIMITS.0),
            loads: Vec::new(),
            limit: LIMITS.0,
        }
    }

    /// Adds what a path carried.
    #[inline]
    pub(super) fn add(&mut self, now: Instant, path: PathId, octets: u64) {
        let at = match self.place(path) {
            Some(at) => at,
            None => self.insert(path),
        };
        let epoch = epoch(now);
        if let Some(load) = self.loads.get_mut(at) {
            load.octets = load.at(epoch).saturating_add(octets);
            load.epoch = load.epoch.max(epoch);
        }
    }

    /// Octets of late.
    pub(super) fn of(&self, now: Instant, path: PathId) -> u64 {
        let load = self.place(path).and_then(|at| self.loads.get(at));
        load.map_or(0, |load| load.at(epoch(now)))
    }

    /// Whether a path carried so little that nothing need be compared.
    pub(super) fn is_small(&self, now: Instant, path: PathId) -> bool {
        self.of(now, path) <= SMALL
    }

    /// Whether `a` carries clearly less than `b`, each relative to its weight: an eighth less, and
    /// `b` more than a trifle.
    pub(super) fn is_lighter(&self, now: Instant, a: &Selection, b: &Selection) -> bool {
        if a.path == b.path {
            return false;
        }
        let (load_a, load_b) = (self.of(now, a.path), self.of(now, b.path));
        let scaled = |load: u64, weight: u32| u128::from(load) * u128::from(weight.max(1));
        load_b > SMALL && scaled(load_a, b.weight) * 9 < scaled(load_b, a.weight) * 8
    }

    #[inline]
    fn place(&self, path: PathId) -> Option<usize> {
        let found = self.index.find(hash(path), |at| {
            self.loads
                .get(at as usize)
                .is_some_and(|load| load.path == path)
        });
        found.map(|at| at as usize)
    }

    #[cold]
    fn insert(&mut self, path: PathId) -> usize {
        if self.loads.len() >= self.limit as usize {
            self.grow();
        }
        let at = self.loads.len();
        self.loads.push(Load {
            path,
            octets: 0,
            epoch: 0,
        });
        // The limit is below 2^32.
        self.index.insert(hash(path), at as u32);
        at
    }

    fn grow(&mut self) {
        if self.limit < LIMITS.1 {
            self.limit *= 2;
        } else {
            self.loads.clear();
        }
        self.index = Index::new(self.limit);
        for (at, load) in (0..).zip(&self.loads) {
            self.index.insert(hash(load.path), at);
        }
    }
}

impl Load {
    fn at(&self, epoch: u64) -> u64 {
        let halvings = epoch.saturating_sub(self.epoch);
        self.octets
            .checked_shr(halvings.min(64) as u32)
            .unwrap_or(0)
    }
}

const fn epoch(now: Instant) -> u64 {
    now.as_nanos() >> HALF_LIFE
}

/// Paths are numbered by this node: nobody aims at collisions.
#[inline]
fn hash(path: PathId) -> u64 {
    u64::from(path.0).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selection(path: u32, weight: u32) -> Selection {
        Selection::new(PathId(path), 0, weight)
    }

    #[test]
    fn loads_fade_and_compare_by_weight() {
        let mut loads = Loads::new();
        let start = Instant::ZERO;
        loads.add(start, PathId(1), 3_000_000);
        loads.add(start, PathId(2), 1_000_000);
        assert!(loads.is_lighter(start, &selection(2, 1), &selection(1, 1)));
        assert!(!loads.is_lighter(start, &selection(2, 1), &selection(1, 3)));
        assert!(!loads.is_lighter(start, &selection(1, 3), &selection(2, 1)));
        assert!(loads.is_lighter(start, &selection(3, 1), &selection(1, 3)));
        assert_eq!(loads.of(Instant::from_secs(9), PathId(1)), 1_500_000);
        assert_eq!(loads.of(Instant::from_secs(10_000), PathId(1)), 0);
        let late = Instant::from_secs(60);
        assert!(!loads.is_lighter(late, &selection(2, 1), &selection(1, 1)));
    }

    #[test]
    fn it_grows_with_the_paths_and_stays_bounded() {
        let mut loads = Loads::new();
        for path in 0..100_000 {
            loads.add(Instant::ZERO, PathId(path), u64::from(path));
            assert_eq!(loads.of(Instant::ZERO, PathId(path)), u64::from(path));
        }
        assert_eq!(loads.loads.len(), 100_000 - 65_536);
    }
}
