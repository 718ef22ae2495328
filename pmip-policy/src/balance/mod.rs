//! Unequal load balancing: which weight each path has now.

mod congestion;

use alloc::collections::BTreeMap;

use pmip_wire::types::PathId;

use congestion::Congestion;
pub use congestion::PathSample;

/// `load-balance ...`: how new flows are divided among paths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum LoadBalance {
    /// Every path alike.
    #[default]
    Equal,
    /// By configured weight or bandwidth.
    Weighted,
    /// By configured weight or bandwidth, lowered while a path violates or is congested and restored
    /// after.
    Dynamic,
}

/// Which way this node sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum Direction {
    /// A MAG, by the up weights.
    Up,
    /// An LMA, by the down weights.
    Down,
}

/// `link LABEL weight ...` or `link LABEL bandwidth ...`: what a link can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum LinkShare {
    /// Relative weights, 1 to 100.
    Weight {
        /// MAG to LMA.
        up: u8,
        /// LMA to MAG.
        down: u8,
    },
    /// Capacities in kbit/s, from 1.
    Bandwidth {
        /// MAG to LMA.
        up: u32,
        /// LMA to MAG.
        down: u32,
    },
}

/// Why a link's share cannot be so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LinkShareError {
    /// A weight outside 1 to 100.
    #[error("weight {0} is out of range: give 1 to 100, and use a mobile map to keep traffic off")]
    Weight(u8),
    /// A bandwidth of 0.
    #[error("a bandwidth of 0 carries nothing: give 1 kbit/s or more")]
    Bandwidth,
}

impl LinkShare {
    /// Weight 1 both ways.
    pub const ONE: Self = Self::Weight { up: 1, down: 1 };

    /// `weight UP [down-weight DOWN]`; without the second both are alike.
    ///
    /// # Errors
    /// [`LinkShareError::Weight`] outside 1 to 100.
    pub fn weight(up: u8, down: Option<u8>) -> Result<Self, LinkShareError> {
        let down = down.unwrap_or(up);
        for weight in [up, down] {
            if !(1..=100).contains(&weight) {
                return Err(LinkShareError::Weight(weight));
            }
        }
        Ok(Self::Weight { up, down })
    }

    /// `bandwidth up KBPS down KBPS`.
    ///
    /// # Errors
    /// [`LinkShareError::Bandwidth`] for 0.
    pub const fn bandwidth(up: u32, down: u32) -> Result<Self, LinkShareError> {
        if up == 0 || down == 0 {
            return Err(LinkShareError::Bandwidth);
        }
        Ok(Self::Bandwidth { up, down })
    }

    /// In thousandths of a weight, or in bit/s: room for parts of a small number.
    fn fine(self, direction: Direction) -> u64 {
        let (up, down) = match self {
            Self::Weight { up, down } => (u32::from(up), u32::from(down)),
            Self::Bandwidth { up, down } => (up, down),
        };
        let coarse = match direction {
            Direction::Up => up,
            Direction::Down => down,
        };
        u64::from(coarse) * 1_000
    }
}

/// Turns configuration and measurements into the weights of a
/// [`PathSet`](crate::PathSet).
///
/// `equal` and `weighted` need no measurements. `dynamic` multiplies the configured share with
///
/// - *health*: 1, 1/2, 1/4; a step down per violating operation, up per conforming one;
/// - *relief*: how much of its share the path can take. While any path is congested, each
///   [`adjust`](Self::adjust), which is meant to come every second, brings the estimate of a congested
///   path a quarter of the way to what it delivers, and gives the others a twelfth more: a bad path
///   loses its own share alone. While none is, calm paths get back a fortieth.
///
/// A path is congested when its mean of late is, twice in a row, a loss of one per cent above the
/// least of late, or a queue of 50 ms (half its delay, where that is more) while it delivers nearly
/// the most of late. A delay that wanders while little is sent so says nothing, and a loss that is always
/// there neither. It is calm after three in a row without.
///
/// Only a weight that differs by an eighth is given out. Flows under way never move for a weight.
///
/// ```
/// use pmip_policy::{Balancer, Direction, LinkShare, LoadBalance};
/// use pmip_wire::types::PathId;
///
/// let mut balancer = Balancer::new(LoadBalance::Dynamic, Direction::Up);
/// balancer.set_path(PathId(1), LinkShare::weight(3, None)?);
/// balancer.set_path(PathId(2), LinkShare::weight(1, None)?);
/// assert_eq!(balancer.weight(PathId(1)), Some(3_000));
/// assert!(balancer.judged(PathId(1), false));
/// assert_eq!(balancer.weight(PathId(1)), Some(1_500));
/// # Ok::<(), pmip_policy::LinkShareError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Balancer {
    mode: LoadBalance,
    direction: Direction,
    paths: BTreeMap<PathId, PathBalance>,
}

#[derive(Clone, Debug)]
struct PathBalance {
    share: LinkShare,
    /// Halvings of health, 0 to 2.
    sick: u32,
    /// Per mille, [`LEAST_RELIEF`] to 1,000.
    relief: u32,
    congestion: Congestion,
    /// Octets per second that the path can take, as estimated; 0 until any path was congested.
    capacity: u64,
    /// The weight given out.
    weight: u32,
}

/// The part of its capacity that an uncongested path takes more per second.
const GROWTH: u64 = 12;

/// What a relieved path keeps: enough to see when it gets better.
const LEAST_RELIEF: u32 = 16;

impl Balancer {
    /// A balancer without paths.
    pub const fn new(mode: LoadBalance, direction: Direction) -> Self {
        Self {
            mode,
            direction,
            paths: BTreeMap::new(),
        }
    }

    /// Adds a path with the share of its link, or gives it another share. Links of one node are to
    /// have weights all or bandwidths all.
    pub fn set_path(&mut self, path: PathId, share: LinkShare) {
        let balance = self.paths.entry(path).or_insert_with(|| PathBalance {
            share,
            sick: 0,
            relief: 1_000,
            congestion: Congestion::default(),
            capacity: 0,
            weight: 0,
        });
        balance.share = share;
        balance.weight = balance.exact(self.mode, self.direction);
    }

    /// Forgets a path.
    pub fn remove_path(&mut self, path: PathId) {
        self.paths.remove(&path);
    }

    /// A path came back after it was down: what was measured before says nothing any more.
    pub fn restart_path(&mut self, path: PathId) {
        if let Some(balance) = self.paths.get_mut(&path) {
            balance.congestion = Congestion::default();
        }
    }

    /// Notes the outcome of a measurement operation; returns whether a weight changed.
    pub fn judged(&mut self, path: PathId, conforms: bool) -> bool {
        if let Some(balance) = self.paths.get_mut(&path) {
            balance.sick = match conforms {
                true => balance.sick.saturating_sub(1),
                false => (balance.sick + 1).min(2),
            };
        }
        self.give_out()
    }

    /// Notes what a path carried since the last sample.
    pub fn observe(&mut self, path: PathId, sample: PathSample) {
        if let Some(balance) = self.paths.get_mut(&path) {
            balance.congestion.observe(sample);
        }
    }

    /// Weighs the samples since the last call; returns whether a weight changed. Call it once a
    /// second, after a sample of each path.
    pub fn adjust(&mut self) -> bool {
        if self.mode != LoadBalance::Dynamic {
            return false;
        }
        let pressed = self.paths.values().any(PathBalance::is_congested);
        if pressed && self.paths.len() > 1 {
            self.estimate();
        } else {
            for balance in self.paths.values_mut() {
                balance.restore();
            }
        }
        self.normalise();
        self.give_out()
    }

    /// The weight of a path now, from 1; `None` for one that it does not know.
    pub fn weight(&self, path: PathId) -> Option<u32> {
        self.paths.get(&path).map(|balance| balance.weight)
    }

    /// All paths and their weights, in order.
    pub fn weights(&self) -> impl Iterator<Item = (PathId, u32)> {
        self.paths.iter().map(|(path, of)| (*path, of.weight))
    }

    /// Whether the path is congested, as far as measured.
    pub fn is_congested(&self, path: PathId) -> bool {
        self.paths.get(&path).is_some_and(PathBalance::is_congested)
    }

    /// A congested path can take what it delivers; the others take a little more at a time, until
    /// they are congested too.
    fn estimate(&mut self) {
        let direction = self.direction;
        let congested = self.paths.values().filter(|balance| balance.is_congested());
        let per_share = congested.map(|balance| {
            let known = balance.capacity.max(balance.congestion.delivered());
            known / balance.share.fine(direction).max(1)
        });
        let first_guess = per_share.max().unwrap_or(0);
        for balance in self.paths.values_mut() {
            let delivered = balance.congestion.delivered();
            let fine = balance.share.fine(direction);
            if balance.is_congested() {
                let known = if balance.capacity == 0 {
                    delivered
                } else {
                    balance.capacity
                };
                balance.capacity = known - known / 4 + delivered / 4;
                continue;
            }
            if balance.capacity == 0 {
                balance.capacity = first_guess.saturating_mul(fine);
            }
            // What it never delivered is worth half as much again at most.
            let most = balance.congestion.most();
            let bound = balance.capacity.max(most.saturating_add(most / 2));
            let more = balance.capacity.saturating_add(balance.capacity / GROWTH);
            balance.capacity = more.min(bound).max(delivered);
        }
        let per_share = |balance: &PathBalance| {
            balance.capacity.saturating_mul(1_000) / balance.share.fine(direction).max(1)
        };
        let most = self.paths.values().map(per_share).max().unwrap_or(0).max(1);
        for balance in self.paths.values_mut() {
            // At most 1,000.
            balance.relief =
                ((per_share(balance).saturating_mul(1_000) / most) as u32).max(LEAST_RELIEF);
        }
    }

    /// Relief is relative: the path that needs least of it has all of its share.
    fn normalise(&mut self) {
        let most = self.paths.values().map(|balance| balance.relief).max();
        let most = most.unwrap_or(1_000).max(1);
        for balance in self.paths.values_mut() {
            balance.relief = (balance.relief * 1_000 / most).max(LEAST_RELIEF);
        }
    }

    fn give_out(&mut self) -> bool {
        let mut changed = false;
        for balance in self.paths.values_mut() {
            let exact = balance.exact(self.mode, self.direction);
            if exact.abs_diff(balance.weight) > balance.weight / 8 {
                balance.weight = exact;
                changed = true;
            }
        }
        changed
    }
}

impl PathBalance {
    fn exact(&self, mode: LoadBalance, direction: Direction) -> u32 {
        let fine = self.share.fine(direction);
        let weight = match mode {
            LoadBalance::Equal => 1,
            LoadBalance::Weighted => fine,
            LoadBalance::Dynamic => (fine >> self.sick) * u64::from(self.relief) / 1_000,
        };
        u32::try_from(weight).unwrap_or(u32::MAX).max(1)
    }

    const fn is_congested(&self) -> bool {
        self.congestion.is_congested()
    }

    /// Gives a calm path a fortieth more of its share.
    fn restore(&mut self) {
        if self.congestion.is_calm() {
            self.relief = (self.relief + (self.relief / 40).max(1)).min(1_000);
        }
    }
}
