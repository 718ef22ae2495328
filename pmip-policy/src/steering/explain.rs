use alloc::vec::Vec;

use pmip_wire::types::{Label, PathId};

use super::table::{ClassKey, Outcome, SteeringTable};
use super::{NoPath, Selection};
use crate::key::FlowKey;
use crate::path::Candidate;
use crate::profile::ProfileId;

/// Where a flow would be placed now, and why: `show path-decision`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PathDecision {
    /// The mobile-map entry that decides, 1 to 255; 0 is the default class.
    pub entry: u8,
    /// The access-list line by which the flow got there; `None` without an access list.
    pub line: Option<u32>,
    /// The traffic profile that the entry asks for.
    pub profile: Option<ProfileId>,
    /// The entry's label that carries it; `None` where all paths do.
    pub label: Option<Label>,
    /// How many labels of the entry had no path to give.
    pub fallen: u8,
    /// No path meets the profile: the one that violates least was taken.
    pub profile_fallback: bool,
    /// The hash that places the flow.
    pub hash: u64,
    /// The bucket of the hash and the number of buckets; `None` where nothing is to be chosen.
    pub bucket: Option<(usize, usize)>,
    /// The path, or why there is none.
    pub path: Result<PathId, NoPath>,
    /// Every path of the set and its part in the decision, by path.
    pub candidates: Vec<CandidateStanding>,
}

/// One path in a [`PathDecision`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct CandidateStanding {
    /// The path.
    pub path: PathId,
    /// Its label.
    pub label: Label,
    /// Its weight now.
    pub weight: u32,
    /// Its share of the flows that are placed like this one, per mille.
    pub share_per_mille: u32,
    /// Why it can, or cannot, be chosen.
    pub standing: Standing,
}

/// Why a path can be chosen, or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Standing {
    /// It can.
    Eligible,
    /// It may carry nothing now.
    Down,
    /// It does not meet the entry's profile.
    Violating,
    /// The entry does not name its label.
    NotNamed,
    /// A label of higher preference has a path.
    LowerPreference,
}

impl SteeringTable {
    /// Where a flow with this key and [hash](crate::FlowTable::hash_of) would be placed now, and why;
    /// counts nothing.
    pub fn explain(&self, key: &FlowKey, hash: u64) -> PathDecision {
        let decided = self
            .policy()
            .and_then(|policy| policy.decide_uncounted(key));
        let (entry, line) = decided.map_or((0, None), |(entry, line)| (entry, line));
        let outcome = self.outcome(entry).unwrap_or(Outcome::NoneUsable);
        let taken = self.take(outcome, entry, hash);
        let class = match outcome {
            Outcome::Class { class, rank } => Some((class, rank)),
            Outcome::Fallback { .. } | Outcome::Null | Outcome::Strict | Outcome::NoneUsable => {
                None
            }
        };
        let buckets = class.and_then(|(class, _)| self.buckets(class));
        let treatment = self.treatment(entry);
        PathDecision {
            entry,
            line,
            profile: treatment.and_then(|treatment| treatment.profile),
            label: self.label_of(entry, taken),
            fallen: class.map_or(0, |(_, rank)| rank),
            profile_fallback: matches!(outcome, Outcome::Fallback { .. }),
            hash,
            bucket: buckets.map(|buckets| (buckets.bucket_of(hash), buckets.len())),
            path: taken.map(|selection| selection.path),
            candidates: self
                .paths()
                .iter()
                .map(|candidate| self.standing_of(candidate, entry, outcome))
                .collect(),
        }
    }

    fn label_of(&self, entry: u8, taken: Result<Selection, NoPath>) -> Option<Label> {
        let candidate = self.paths().candidate(taken.ok()?.path)?;
        let named = self.treatment(entry)?.labels().contains(&candidate.label);
        named.then_some(candidate.label)
    }

    fn standing_of(&self, candidate: &Candidate, entry: u8, outcome: Outcome) -> CandidateStanding {
        let share_per_mille = match outcome {
            Outcome::Class { class, .. } => self.share_of(candidate.path, class),
            Outcome::Fallback { path, .. } if path == candidate.path => 1_000,
            Outcome::Fallback { .. } | Outcome::Null | Outcome::Strict | Outcome::NoneUsable => 0,
        };
        let treatment = self.treatment(entry);
        let named = treatment.is_none_or(|treatment| {
            let labels = treatment.labels();
            labels.contains(&candidate.label) || (labels.is_empty() && !treatment.null())
        });
        let profile = treatment.and_then(|treatment| treatment.profile);
        let standing = if !candidate.usable {
            Standing::Down
        } else if share_per_mille > 0 {
            Standing::Eligible
        } else if !self.conforms(candidate.path, profile) {
            Standing::Violating
        } else if named {
            Standing::LowerPreference
        } else {
            Standing::NotNamed
        };
        CandidateStanding {
            path: candidate.path,
            label: candidate.label,
            weight: candidate.weight,
            share_per_mille,
            standing,
        }
    }

    fn share_of(&self, path: PathId, class: ClassKey) -> u32 {
        let Some(buckets) = self.buckets(class) else {
            return 0;
        };
        // At most 4,096 buckets.
        (buckets.owned_by(path) * 1_000).div_ceil(buckets.len().max(1)) as u32
    }
}
