//! The question that a flow table asks, and who answers it.

mod explain;
mod table;

pub use explain::{CandidateStanding, PathDecision, Standing};
pub use table::SteeringTable;

use pmip_wire::types::PathId;

use crate::key::FlowKey;
use crate::path::{Candidate, PathSet};

/// What decides where a flow goes when the [flow table](crate::FlowTable) has to ask.
///
/// [`SteeringTable`] is the full answer: mobile map, profiles, weights. A [`PathSet`] is the plain
/// one: any usable path, by weight. The table asks once per flow and once per flow and generation,
/// never per packet (unless told to spread packets).
pub trait Steering {
    /// The path for a flow that has none, or whose path is no longer allowed.
    ///
    /// # Errors
    /// [`NoPath`] when nothing may carry it now.
    fn select(&self, key: &FlowKey, hash: u64) -> Result<Selection, NoPath>;

    /// Another draw among the paths that `rule` may use now, without looking at the flow; counts
    /// nothing. `None` when there is none.
    fn draw(&self, rule: u8, hash: u64) -> Option<Selection>;

    /// Whether a flow that was put on a path may stay there.
    fn review(&self, flow: &PlacedFlow) -> Review;

    /// What is known of a path: its weight and delay.
    fn candidate(&self, path: PathId) -> Option<&Candidate>;
}

/// An answer of [`Steering::select`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Selection {
    /// The path.
    pub path: PathId,
    /// The mobile-map entry that decided, 1 to 255; 0 is the default class.
    pub rule: u8,
    /// The path's weight, in the units of its path set.
    pub weight: u32,
}

impl Selection {
    /// `path` of this weight, chosen by `rule` (0: the default class).
    pub const fn new(path: PathId, rule: u8, weight: u32) -> Self {
        Self { path, rule, weight }
    }
}

/// A flow on its path, as [`Steering::review`] sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlacedFlow {
    /// Where it is.
    pub path: PathId,
    /// The mobile-map entry that put it there; 0 is the default class.
    pub rule: u8,
    /// The path that it had to leave for this one.
    pub left: Option<PathId>,
}

impl PlacedFlow {
    /// A flow that `rule` put on `path`, and that left no other path.
    pub const fn new(path: PathId, rule: u8) -> Self {
        Self {
            path,
            rule,
            left: None,
        }
    }

    /// Driven away from `left`.
    #[must_use]
    pub const fn with_left(mut self, left: Option<PathId>) -> Self {
        self.left = left;
        self
    }
}

/// An answer of [`Steering::review`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Review {
    /// It stays.
    Stay,
    /// It must leave: place it anew.
    Leave,
    /// It may stay, but `preempt` wants it back on this path, which it had to leave.
    Return(PathId),
    /// It may stay, but `preempt` wants it placed anew: a link of higher preference is back.
    Prefer,
}

/// Why a packet has no path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum NoPath {
    /// No path of the set may carry traffic now; the flow keeps its place for when one returns.
    #[error("no usable path: wait for a path to come up")]
    NoneUsable,
    /// No link that the mobile-map entry names may carry it, and `null` ends the entry's list.
    #[error("dropped by null of mobile-map entry {entry}: none of its links is usable")]
    Null {
        /// The entry, 1 to 255.
        entry: u8,
    },
    /// No path meets the entry's traffic profile, and the entry is `strict`.
    #[error("dropped by mobile-map entry {entry}, which is strict: no path meets its profile")]
    Strict {
        /// The entry, 1 to 255.
        entry: u8,
    },
}

impl Steering for PathSet {
    #[inline]
    fn select(&self, _key: &FlowKey, hash: u64) -> Result<Selection, NoPath> {
        self.draw(0, hash).ok_or(NoPath::NoneUsable)
    }

    #[inline]
    fn draw(&self, _rule: u8, hash: u64) -> Option<Selection> {
        let path = self.pick(hash)?;
        let weight = self.candidate(path).map_or(1, |found| found.weight);
        Some(Selection::new(path, 0, weight.max(1)))
    }

    #[inline]
    fn review(&self, flow: &PlacedFlow) -> Review {
        if self.is_usable(flow.path) {
            Review::Stay
        } else {
            Review::Leave
        }
    }

    #[inline]
    fn candidate(&self, path: PathId) -> Option<&Candidate> {
        Self::candidate(self, path)
    }
}
