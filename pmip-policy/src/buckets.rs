use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use pmip_wire::types::PathId;
use smallvec::SmallVec;

use crate::path::PathSet;
use crate::rendezvous;

/// Weighted choice in one table read: the flow hashes are cut into equal buckets, and each path owns
/// buckets in proportion to its weight.
///
/// - Every path owns at least one bucket, and its share is off its weight by less than one bucket:
///   1/256 with up to four paths, then 1/(64 n), and 1/4096 from 64 paths on.
/// - An [`update`](Self::update) moves the fewest buckets that the new shares allow: a path that
///   goes gives its buckets away and no others move, a path that gains takes and none but it gains.
/// - Which buckets a path gains or gives up, its rendezvous draws say ([`rendezvous`]), so that
///   tables of different history are much alike and those of equal history equal.
///
/// ```
/// use pmip_policy::{Buckets, Candidate, PathSet};
/// use pmip_wire::types::PathId;
///
/// let mut paths: PathSet = [Candidate::new(PathId(1), 3), Candidate::new(PathId(2), 1)]
///     .into_iter()
///     .collect();
/// let mut buckets = Buckets::new(paths.iter().map(|path| (path.path, path.weight)));
/// assert_eq!((buckets.owned_by(PathId(1)), buckets.len()), (192, 256));
///
/// // One to one: 64 buckets go over, the others stay.
/// let moved = buckets.update([(PathId(1), 1), (PathId(2), 1)]);
/// assert_eq!(moved, 64);
/// # let _ = &mut paths;
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Buckets {
    /// Sorted by path.
    shares: SmallVec<[Share; 4]>,
    /// Per bucket, the place of its owner in `shares`. The length is a power of two, or 0.
    owners: Box<[u8]>,
}

/// One path's part of the buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Share {
    path: PathId,
    weight: u32,
    seats: u32,
}

/// Nobody's bucket; as a place in `shares` it does not occur, [`PathSet::MAX`] being 254.
const FREE: u8 = u8::MAX;
/// Buckets per path.
const PER_PATH: usize = 64;
/// Least and most buckets of more than one path.
const BOUNDS: (usize, usize) = (256, 4096);

impl Buckets {
    /// The table of these paths, each with its weight; 0 counts as 1, and paths beyond
    /// [`PathSet::MAX`] are left out.
    pub fn new(paths: impl IntoIterator<Item = (PathId, u32)>) -> Self {
        let mut buckets = Self::default();
        buckets.update(paths);
        buckets
    }

    /// The path that a flow hash falls to; `None` when there is no path.
    #[inline]
    pub fn pick(&self, hash: u64) -> Option<PathId> {
        self.share(hash).map(|share| share.path)
    }

    /// The same with the path's weight.
    #[inline]
    pub fn pick_weighted(&self, hash: u64) -> Option<(PathId, u32)> {
        self.share(hash).map(|share| (share.path, share.weight))
    }

    /// The bucket that a flow hash falls into, below [`len`](Self::len).
    #[inline]
    pub const fn bucket_of(&self, hash: u64) -> usize {
        // Spread by the golden ratio, then scaled: hashes need not be good in any one bit.
        let spread = hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        ((spread * self.owners.len() as u64) >> 32) as usize
    }

    /// Number of buckets.
    pub const fn len(&self) -> usize {
        self.owners.len()
    }

    /// Whether there is no path.
    pub const fn is_empty(&self) -> bool {
        self.owners.is_empty()
    }

    /// Buckets of a path.
    pub fn owned_by(&self, path: PathId) -> usize {
        self.place(path)
            .map_or(0, |at| self.shares[at].seats as usize)
    }

    /// Whether the path is among those that the table chooses from.
    pub fn holds(&self, path: PathId) -> bool {
        self.place(path).is_some()
    }

    /// The weight of a path that the table holds.
    pub fn weight(&self, path: PathId) -> Option<u32> {
        self.place(path).map(|at| self.shares[at].weight)
    }

    /// Brings the table to these paths and weights; returns how many buckets of paths that stay
    /// changed hands.
    pub fn update(&mut self, paths: impl IntoIterator<Item = (PathId, u32)>) -> usize {
        let mut shares: SmallVec<[Share; 4]> = paths
            .into_iter()
            .map(|(path, weight)| Share {
                path,
                weight: weight.max(1),
                seats: 0,
            })
            .collect();
        shares.sort_by_key(|share| share.path);
        shares.dedup_by_key(|share| share.path);
        shares.truncate(PathSet::MAX);
        if shares.is_empty() {
            *self = Self::default();
            return 0;
        }
        self.rename(&shares);
        self.grow(shares.len());
        apportion(&mut shares, self.owners.len() as u32);
        self.shares = shares;
        let released = self.release();
        self.hand_out();
        released
    }

    #[inline]
    fn share(&self, hash: u64) -> Option<&Share> {
        let owner = self.owners.get(self.bucket_of(hash))?;
        self.shares.get(usize::from(*owner))
    }

    fn place(&self, path: PathId) -> Option<usize> {
        self.shares
            .binary_search_by_key(&path, |share| share.path)
            .ok()
    }

    /// Owners by their places in the new `shares`; the buckets of those that go are free.
    fn rename(&mut self, shares: &[Share]) {
        let new_place = |old: &Share| {
            let at = shares.binary_search_by_key(&old.path, |share| share.path);
            at.map_or(FREE, |at| at as u8)
        };
        let names: SmallVec<[u8; 4]> = self.shares.iter().map(new_place).collect();
        for owner in &mut self.owners {
            *owner = names.get(usize::from(*owner)).copied().unwrap_or(FREE);
        }
    }

    /// Cuts buckets into smaller ones where there are too few for so many paths. It never shrinks.
    fn grow(&mut self, paths: usize) {
        let wanted = match paths {
            1 => 1,
            _ => (paths * PER_PATH)
                .next_power_of_two()
                .clamp(BOUNDS.0, BOUNDS.1),
        };
        let old = self.owners.len();
        if old >= wanted {
            return;
        }
        let owner = |at: usize| match old {
            0 => FREE,
            _ => self.owners[at * old / wanted],
        };
        self.owners = (0..wanted).map(owner).collect();
    }

    /// Frees what paths own beyond their seats: the buckets that they would rather lose.
    fn release(&mut self) -> usize {
        let mut owned: Vec<Vec<u16>> = vec![Vec::new(); self.shares.len()];
        for (bucket, owner) in self.owners.iter().enumerate() {
            if let Some(owned) = owned.get_mut(usize::from(*owner)) {
                owned.push(bucket as u16);
            }
        }
        let mut released = 0;
        for (share, mut owned) in self.shares.iter().zip(owned) {
            let surplus = owned.len().saturating_sub(share.seats as usize);
            if surplus == 0 {
                continue;
            }
            owned.sort_by_cached_key(|bucket| {
                let draw = rendezvous::draw(u64::from(*bucket), share.path);
                core::cmp::Reverse((draw, *bucket))
            });
            for bucket in &owned[..surplus] {
                self.owners[usize::from(*bucket)] = FREE;
            }
            released += surplus;
        }
        released
    }

    /// Gives free buckets to paths that own less than their seats, by draws weighted with what they
    /// still lack.
    fn hand_out(&mut self) {
        let mut lacks: SmallVec<[u32; 4]> = self.shares.iter().map(|share| share.seats).collect();
        for owner in &self.owners {
            if let Some(lack) = lacks.get_mut(usize::from(*owner)) {
                *lack = lack.saturating_sub(1);
            }
        }
        for bucket in 0..self.owners.len() {
            if self.owners[bucket] != FREE {
                continue;
            }
            let takers = self.shares.iter().zip(&lacks);
            let takers = takers
                .filter(|(_, lack)| **lack > 0)
                .map(|(share, lack)| (share.path, *lack));
            let taker = rendezvous::pick(bucket as u64, takers).and_then(|path| self.place(path));
            if let Some(at) = taker {
                self.owners[bucket] = at as u8;
                lacks[at] -= 1;
            }
        }
    }
}

/// Divides `seats` among the shares in proportion to their weights, at least one each.
///
/// A divisor method (Webster's, with a first seat for everybody): unlike the method of the largest
/// remainders it is monotone, so that a path's loss is never another's loss too. Fewer seats than
/// shares cannot be.
fn apportion(shares: &mut [Share], seats: u32) {
    let total: u64 = shares.iter().map(|share| u64::from(share.weight)).sum();
    let mut given = 0;
    for share in &mut *shares {
        let exact = u64::from(share.weight) * u64::from(seats) * 2;
        // Rounded to the nearest; at most `seats`.
        share.seats = ((exact / total).div_ceil(2) as u32).max(1);
        given += share.seats;
    }
    while given < seats {
        let gains = |a: &&mut Share, b: &&mut Share| claim(a, 1).cmp(&claim(b, 1), b.path, a.path);
        if let Some(share) = shares.iter_mut().max_by(gains) {
            share.seats += 1;
        }
        given += 1;
    }
    while given > seats {
        let gives =
            |a: &&mut Share, b: &&mut Share| claim(a, -1).cmp(&claim(b, -1), b.path, a.path);
        let rich = shares.iter_mut().filter(|share| share.seats > 1);
        if let Some(share) = rich.min_by(gives) {
            share.seats -= 1;
        }
        given -= 1;
    }
}

/// A path's claim on its next seat (`+ 1`), or to its last one (`- 1`): weight / (2 seats + 1 or - 1).
const fn claim(share: &Share, side: i64) -> Claim {
    Claim {
        weight: share.weight as u64,
        divisor: (2 * share.seats as i64 + side) as u64,
    }
}

struct Claim {
    weight: u64,
    divisor: u64,
}

impl Claim {
    /// By size; equal claims by path, so that there is one outcome.
    fn cmp(&self, other: &Self, ours: PathId, theirs: PathId) -> core::cmp::Ordering {
        let (left, right) = (self.weight * other.divisor, other.weight * self.divisor);
        left.cmp(&right).then_with(|| ours.cmp(&theirs))
    }
}
