use core::fmt;
use core::time::Duration;

use pmip_wire::types::{Label, PathId};
use smallvec::SmallVec;

use crate::rendezvous;

/// One path that could carry traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Candidate {
    /// Which path.
    pub path: PathId,
    /// The label it carries; mobile maps name paths by it.
    pub label: Label,
    /// Relative share of new flows: 1 to 100 as configured, larger where it stands for a capacity.
    /// 0 counts as 1: to keep traffic off a path, say that it is not usable.
    pub weight: u32,
    /// Whether it may carry traffic now.
    pub usable: bool,
    /// How long a packet takes over it, as far as known: flowlets keep order by it.
    #[cfg_attr(feature = "serde", serde(default))]
    pub delay: Duration,
}

impl Candidate {
    /// A usable path without a label.
    pub const fn new(path: PathId, weight: u32) -> Self {
        Self {
            path,
            label: Label::NONE,
            weight,
            usable: true,
            delay: Duration::ZERO,
        }
    }

    /// With this label.
    #[must_use]
    pub const fn with_label(mut self, label: Label) -> Self {
        self.label = label;
        self
    }

    /// With this delay: half the round trip where nothing better is known.
    #[must_use]
    pub const fn with_delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Usable or not.
    #[must_use]
    pub const fn with_usable(mut self, usable: bool) -> Self {
        self.usable = usable;
        self
    }
}

/// The paths that could carry a session's traffic, at most [`PathSet::MAX`], one entry per path.
///
/// ```
/// use pmip_policy::{Candidate, PathSet};
/// use pmip_wire::types::PathId;
///
/// let mut paths: PathSet = [Candidate::new(PathId(1), 3), Candidate::new(PathId(2), 1)]
///     .into_iter()
///     .collect();
/// paths.set_usable(PathId(1), false);
/// assert_eq!(paths.pick(42), Some(PathId(2)));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathSet {
    /// Sorted by path.
    candidates: SmallVec<[Candidate; 4]>,
}

impl PathSet {
    /// The most paths that a set holds: Binding IDs run from 1 to 254 (RFC 8278 section 4.1).
    pub const MAX: usize = 254;

    /// A set without paths.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a path, or replaces what the set knows of it; the former entry comes back.
    ///
    /// # Errors
    /// [`PathSetFull`] when a new path would be the 255th.
    pub fn insert(&mut self, candidate: Candidate) -> Result<Option<Candidate>, PathSetFull> {
        match self.position(candidate.path) {
            Ok(at) => Ok(Some(core::mem::replace(
                &mut self.candidates[at],
                candidate,
            ))),
            Err(_) if self.candidates.len() >= Self::MAX => Err(PathSetFull),
            Err(at) => {
                self.candidates.insert(at, candidate);
                Ok(None)
            }
        }
    }

    /// Removes a path; its entry comes back.
    pub fn remove(&mut self, path: PathId) -> Option<Candidate> {
        let at = self.position(path).ok()?;
        Some(self.candidates.remove(at))
    }

    /// Says whether a path may carry traffic; returns whether that changed anything.
    pub fn set_usable(&mut self, path: PathId, usable: bool) -> bool {
        self.update(path, |candidate| {
            core::mem::replace(&mut candidate.usable, usable) != usable
        })
    }

    /// Gives a path another weight; returns whether that changed anything.
    pub fn set_weight(&mut self, path: PathId, weight: u32) -> bool {
        self.update(path, |candidate| {
            core::mem::replace(&mut candidate.weight, weight) != weight
        })
    }

    /// What the set knows of a path.
    #[inline]
    pub fn candidate(&self, path: PathId) -> Option<&Candidate> {
        self.position(path).ok().map(|at| &self.candidates[at])
    }

    /// Whether a path is in the set and may carry traffic.
    #[inline]
    pub fn is_usable(&self, path: PathId) -> bool {
        self.candidate(path).is_some_and(|found| found.usable)
    }

    /// All paths, in the order of their identifiers.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Candidate> {
        self.candidates.iter()
    }

    /// Number of paths, usable or not.
    pub fn len(&self) -> usize {
        self.candidates.len()
    }

    /// Whether there is no path at all.
    pub fn is_empty(&self) -> bool {
        self.candidates.is_empty()
    }

    /// The usable path that weighted rendezvous gives to a flow with this hash
    /// (see [`rendezvous`]); `None` when none is usable.
    #[inline]
    pub fn pick(&self, hash: u64) -> Option<PathId> {
        self.pick_where(hash, |_| true)
    }

    /// The same among the usable paths of one label.
    #[inline]
    pub fn pick_labelled(&self, hash: u64, label: Label) -> Option<PathId> {
        self.pick_where(hash, |candidate| candidate.label == label)
    }

    #[inline]
    fn pick_where(&self, hash: u64, eligible: impl Fn(&Candidate) -> bool) -> Option<PathId> {
        let usable = self
            .candidates
            .iter()
            .filter(|candidate| candidate.usable && eligible(candidate));
        rendezvous::pick(
            hash,
            usable.map(|candidate| (candidate.path, candidate.weight)),
        )
    }

    fn update(&mut self, path: PathId, change: impl FnOnce(&mut Candidate) -> bool) -> bool {
        let Ok(at) = self.position(path) else {
            return false;
        };
        change(&mut self.candidates[at])
    }

    #[inline]
    fn position(&self, path: PathId) -> Result<usize, usize> {
        self.candidates
            .binary_search_by_key(&path, |candidate| candidate.path)
    }
}

/// Later entries for a path replace earlier ones; paths beyond [`PathSet::MAX`] are left out.
impl Extend<Candidate> for PathSet {
    fn extend<I: IntoIterator<Item = Candidate>>(&mut self, candidates: I) {
        for candidate in candidates {
            // A full set is the documented limit of this convenience.
            let _ = self.insert(candidate);
        }
    }
}

/// As [`Extend`].
impl FromIterator<Candidate> for PathSet {
    fn from_iter<I: IntoIterator<Item = Candidate>>(candidates: I) -> Self {
        let mut set = Self::new();
        set.extend(candidates);
        set
    }
}

/// A [`PathSet`] has no room for another path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub struct PathSetFull;

impl fmt::Display for PathSetFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let max = PathSet::MAX;
        write!(f, "a path set holds {max} paths: remove one first")
    }
}
