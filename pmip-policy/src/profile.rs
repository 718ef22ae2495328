//! Traffic profiles: which paths meet them now.

use alloc::collections::BTreeMap;

use pmip_wire::types::PathId;

/// Names a traffic profile (`profile-definition`) inside one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ProfileId(pub u16);

/// Whether a path meets a profile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum ProfileState {
    /// Nothing was measured yet, or probes are off; counts as conforming.
    #[default]
    Unknown,
    /// It does.
    Conforming,
    /// It does not.
    Violating,
}

/// A path seen through a profile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Verdict {
    /// Whether it meets the profile.
    pub state: ProfileState,
    /// The greatest value / limit of the last operation, per mille: 1,000 is at the limit. Where no
    /// path conforms, the least of these is taken.
    pub worst_per_mille: u32,
}

impl Verdict {
    /// This state, with this worst ratio.
    pub const fn new(state: ProfileState, worst_per_mille: u32) -> Self {
        Self {
            state,
            worst_per_mille,
        }
    }

    /// Whether the path may carry traffic of the profile.
    pub const fn conforms(&self) -> bool {
        !matches!(self.state, ProfileState::Violating)
    }
}

/// What the measurements say of each path and profile; a pair that is not here is unknown.
///
/// Feed it with the verdict changes of `pmip-sla`, and with the ratio of each completed operation,
/// then update the steering tables.
///
/// ```
/// use pmip_policy::{ProfileId, ProfileState, Verdict, Verdicts};
/// use pmip_wire::types::PathId;
///
/// let (voice, lte) = (ProfileId(1), PathId(1));
/// let mut verdicts = Verdicts::new();
/// assert!(verdicts.get(lte, voice).conforms());
/// assert!(verdicts.set(lte, voice, Verdict::new(ProfileState::Violating, 1_400)));
/// assert!(!verdicts.get(lte, voice).conforms());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdicts {
    by_path: BTreeMap<(PathId, ProfileId), Verdict>,
}

impl Verdicts {
    /// Nothing known.
    pub const fn new() -> Self {
        Self {
            by_path: BTreeMap::new(),
        }
    }

    /// Notes a verdict; returns whether the path's state changed, that is whether steering tables
    /// have to be updated.
    pub fn set(&mut self, path: PathId, profile: ProfileId, verdict: Verdict) -> bool {
        let former = self.by_path.insert((path, profile), verdict);
        former.unwrap_or_default().state != verdict.state
    }

    /// What is known of a path.
    pub fn get(&self, path: PathId, profile: ProfileId) -> Verdict {
        let found = self.by_path.get(&(path, profile));
        found.copied().unwrap_or_default()
    }

    /// Forgets a path.
    pub fn remove_path(&mut self, path: PathId) {
        self.by_path.retain(|(of, _), _| *of != path);
    }

    /// All that is known, by path and profile.
    pub fn iter(&self) -> impl Iterator<Item = (PathId, ProfileId, Verdict)> {
        self.by_path
            .iter()
            .map(|((path, profile), verdict)| (*path, *profile, *verdict))
    }
}
