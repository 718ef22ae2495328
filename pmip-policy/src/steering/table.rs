use alloc::sync::Arc;
use alloc::vec::Vec;

use pmip_wire::types::{Label, PathId};

use super::{NoPath, PlacedFlow, Review, Selection, Steering};
use crate::buckets::Buckets;
use crate::key::FlowKey;
use crate::map::{Fate, MapPolicy, Treatment};
use crate::path::{Candidate, PathSet};
use crate::profile::{ProfileId, Verdicts};

/// A mobile map over a path set, worked out: what each entry may use now, with buckets for the
/// weighted choice.
///
/// The control side owns one per set of paths, [updates](Self::update) it whenever a path, a weight
/// or a verdict changes, and gives workers a clone with a new generation. An update moves the fewest
/// buckets and keeps the fall-backs that it had (rules of feature-semantics, section 4):
///
/// 1. The first label of the entry with a usable path that meets the profile; among its paths by
///    weight.
/// 2. If none meets it: the usable path of the entry's labels with the smallest worst ratio, kept
///    until it dies or a path conforms; with `strict` a drop.
/// 3. If no label has a usable path: with `null` a drop, else the same among all paths.
///
/// ```
/// use std::sync::Arc;
/// use pmip_policy::{
///     Candidate, FlowKey, LinkPreference, MapEntry, MapPolicy, MobileMap, NoPath, PathSet,
///     SteeringTable, Steering, Verdicts,
/// };
/// use pmip_wire::types::{Label, PathId};
///
/// // mobile-map MAP 10: set link-type lte null
/// let lte = Label(1);
/// let mut map = MobileMap::new();
/// map.insert(10, MapEntry::new().with_links(LinkPreference::with_null(&[lte])?))?;
/// let policy = Arc::new(MapPolicy::compile(&map, |_| None, |_| None));
///
/// let mut paths: PathSet = [
///     Candidate::new(PathId(1), 1).with_label(lte),
///     Candidate::new(PathId(2), 1),
/// ]
/// .into_iter()
/// .collect();
/// let mut table = SteeringTable::new(Some(policy), &paths, &Verdicts::new());
/// let ping = FlowKey::new([10, 0, 0, 2].into(), [192, 0, 2, 1].into(), FlowKey::ICMP);
/// let chosen = table.select(&ping, 42)?;
/// assert_eq!((chosen.path, chosen.rule), (PathId(1), 10));
///
/// paths.set_usable(PathId(1), false);
/// table.update(&paths, &Verdicts::new());
/// assert_eq!(table.select(&ping, 42), Err(NoPath::Null { entry: 10 }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct SteeringTable {
    policy: Option<Arc<MapPolicy>>,
    preempt: bool,
    paths: PathSet,
    /// Paths that violate a profile which the map uses; sorted.
    violating: Vec<(ProfileId, PathId)>,
    /// Sorted by key.
    classes: Vec<(ClassKey, Buckets)>,
    /// What the default class and then each treatment of the policy comes to.
    outcomes: Vec<Outcome>,
}

/// Usable paths of a label, or all, that meet a profile, or any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ClassKey {
    label: Option<Label>,
    profile: Option<ProfileId>,
}

/// What a treatment comes to now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// These paths by weight. `rank` is the place of the label; the number of labels where the
    /// default class has taken over.
    Class { class: ClassKey, rank: u8 },
    /// No path conforms: this one violates least.
    Fallback { path: PathId, weight: u32 },
    /// Dropped by `null`.
    Null,
    /// Dropped by `strict`.
    Strict,
    /// There is no usable path.
    NoneUsable,
}

impl SteeringTable {
    /// The table of a policy, or of none: all usable paths, by weight.
    pub fn new(policy: Option<Arc<MapPolicy>>, paths: &PathSet, verdicts: &Verdicts) -> Self {
        let mut table = Self {
            policy,
            preempt: false,
            paths: PathSet::new(),
            violating: Vec::new(),
            classes: Vec::new(),
            outcomes: Vec::new(),
        };
        table.update(paths, verdicts);
        table
    }

    /// With `preempt`: flows that had to leave a path, or that a lower preference got, go back when
    /// they can. Without it they stay until they end.
    #[must_use]
    pub const fn with_preempt(mut self, preempt: bool) -> Self {
        self.preempt = preempt;
        self
    }

    /// Brings the table to these paths and verdicts. Raise the generation that flow tables get with
    /// it.
    pub fn update(&mut self, paths: &PathSet, verdicts: &Verdicts) {
        self.paths = paths.clone();
        self.violating = self.find_violating(verdicts);
        let policy = self.policy.clone();
        let treatments = policy.as_deref().map_or(&[][..], MapPolicy::treatments);
        let default = core::iter::once(self.judge(&Treatment::DEFAULT, 0, verdicts));
        let others = treatments.iter().zip(1..);
        let others = others.map(|(treatment, at)| self.judge(treatment, at, verdicts));
        self.outcomes = default.chain(others).collect();
        self.rebuild_classes();
    }

    /// Sets another policy, or takes it off: a map that was applied again.
    pub fn set_policy(&mut self, policy: Option<Arc<MapPolicy>>, verdicts: &Verdicts) {
        self.policy = policy;
        let paths = core::mem::take(&mut self.paths);
        self.update(&paths, verdicts);
    }

    /// The paths that it chooses from.
    pub const fn paths(&self) -> &PathSet {
        &self.paths
    }

    /// The mobile map in force.
    pub fn policy(&self) -> Option<&MapPolicy> {
        self.policy.as_deref()
    }

    fn find_violating(&self, verdicts: &Verdicts) -> Vec<(ProfileId, PathId)> {
        let profiles = self
            .policy
            .as_deref()
            .map_or(&[][..], MapPolicy::profiles)
            .iter();
        let pairs = profiles.flat_map(|profile| {
            let paths = self.paths.iter();
            paths.map(|candidate| (*profile, candidate.path))
        });
        let mut violating: Vec<_> = pairs
            .filter(|(profile, path)| !verdicts.get(*path, *profile).conforms())
            .collect();
        violating.sort_unstable();
        violating
    }

    /// Whether the path meets the profile, if there is one.
    pub(super) fn conforms(&self, path: PathId, profile: Option<ProfileId>) -> bool {
        profile.is_none_or(|profile| self.violating.binary_search(&(profile, path)).is_err())
    }

    /// Whether the path is usable and in the class.
    fn in_class(&self, candidate: &Candidate, class: ClassKey) -> bool {
        candidate.usable
            && class.label.is_none_or(|label| label == candidate.label)
            && self.conforms(candidate.path, class.profile)
    }

    /// What the treatment, the one at `at` among the outcomes, comes to.
    fn judge(&self, treatment: &Treatment, at: usize, verdicts: &Verdicts) -> Outcome {
        let profile = treatment.profile;
        let labels = treatment.labels();
        let classes = labels.iter().map(|label| ClassKey {
            label: Some(*label),
            profile,
        });
        let everything = ClassKey {
            label: None,
            profile,
        };
        let has_path = |class: &ClassKey| self.paths.iter().any(|path| self.in_class(path, *class));
        if let Some((rank, class)) = (0..).zip(classes).find(|(_, class)| has_path(class)) {
            return Outcome::Class { class, rank };
        }
        let listed = |candidate: &Candidate| labels.contains(&candidate.label);
        if self.paths.iter().any(|path| path.usable && listed(path)) {
            return self.fall_back(treatment, at, verdicts, listed);
        }
        if treatment.null() {
            return Outcome::Null;
        }
        if has_path(&everything) {
            let rank = labels.len() as u8; // At most three.
            return Outcome::Class {
                class: everything,
                rank,
            };
        }
        if self.paths.iter().any(|path| path.usable) {
            return self.fall_back(treatment, at, verdicts, |_| true);
        }
        Outcome::NoneUsable
    }

    /// The usable path of these that violates least; the former one stays while it is usable.
    fn fall_back(
        &self,
        treatment: &Treatment,
        at: usize,
        verdicts: &Verdicts,
        eligible: impl Fn(&Candidate) -> bool,
    ) -> Outcome {
        let (Some(profile), false) = (treatment.profile, treatment.strict) else {
            return Outcome::Strict;
        };
        let former = match self.outcomes.get(at) {
            Some(Outcome::Fallback { path, .. }) => Some(*path),
            Some(_) | None => None,
        };
        let usable = self.paths.iter();
        let usable = usable.filter(|candidate| candidate.usable && eligible(candidate));
        let best = usable.min_by_key(|candidate| {
            let other = former != Some(candidate.path);
            let worst = verdicts.get(candidate.path, profile).worst_per_mille;
            (other, worst, candidate.path)
        });
        best.map_or(Outcome::NoneUsable, |candidate| Outcome::Fallback {
            path: candidate.path,
            weight: candidate.weight.max(1),
        })
    }

    /// Builds the classes in use, each from what it was before.
    fn rebuild_classes(&mut self) {
        let in_use = self.outcomes.iter().filter_map(|outcome| match outcome {
            Outcome::Class { class, .. } => Some(*class),
            Outcome::Fallback { .. } | Outcome::Null | Outcome::Strict | Outcome::NoneUsable => {
                None
            }
        });
        let mut keys: Vec<_> = in_use.collect();
        keys.sort_unstable();
        keys.dedup();
        let mut former = core::mem::take(&mut self.classes);
        let build = |class: ClassKey| {
            let known = former.binary_search_by_key(&class, |(key, _)| *key);
            let mut buckets = known.map_or_else(
                |_| Buckets::default(),
                |at| core::mem::take(&mut former[at].1),
            );
            let members = self.paths.iter();
            let members = members.filter(|path| self.in_class(path, class));
            buckets.update(members.map(|path| (path.path, path.weight)));
            (class, buckets)
        };
        self.classes = keys.into_iter().map(build).collect();
    }

    pub(super) fn buckets(&self, class: ClassKey) -> Option<&Buckets> {
        let at = self.classes.binary_search_by_key(&class, |(key, _)| *key);
        at.ok().map(|at| &self.classes[at].1)
    }

    /// What an entry comes to; 0 is the default class. `None` for one that the map does not have.
    pub(super) fn outcome(&self, rule: u8) -> Option<Outcome> {
        if rule == 0 {
            return self.outcomes.first().copied();
        }
        let treatment = self.policy.as_deref()?.treatment_of(rule)?;
        self.outcomes.get(1 + treatment).copied()
    }

    pub(super) fn treatment(&self, rule: u8) -> Option<&Treatment> {
        if rule == 0 {
            return Some(&Treatment::DEFAULT);
        }
        let policy = self.policy.as_deref()?;
        policy.treatments().get(policy.treatment_of(rule)?)
    }

    #[inline]
    pub(super) fn take(&self, outcome: Outcome, rule: u8, hash: u64) -> Result<Selection, NoPath> {
        match outcome {
            Outcome::Class { class, .. } => {
                let picked = self
                    .buckets(class)
                    .and_then(|buckets| buckets.pick_weighted(hash));
                let (path, weight) = picked.ok_or(NoPath::NoneUsable)?;
                Ok(Selection::new(path, rule, weight))
            }
            Outcome::Fallback { path, weight } => Ok(Selection::new(path, rule, weight)),
            Outcome::Null => Err(NoPath::Null { entry: rule }),
            Outcome::Strict => Err(NoPath::Strict { entry: rule }),
            Outcome::NoneUsable => Err(NoPath::NoneUsable),
        }
    }
}

impl Steering for SteeringTable {
    #[inline]
    fn select(&self, key: &FlowKey, hash: u64) -> Result<Selection, NoPath> {
        let policy = self.policy.as_deref();
        let Some((entry, policy)) = policy.and_then(|policy| Some((policy.decide(key)?, policy)))
        else {
            let outcome = self.outcomes.first().copied();
            return self.take(outcome.unwrap_or(Outcome::NoneUsable), 0, hash);
        };
        let outcome = self.outcomes.get(1 + entry.treatment);
        let outcome = outcome.copied().unwrap_or(Outcome::NoneUsable);
        policy.count(entry, &outcome.into());
        self.take(outcome, entry.sequence, hash)
    }

    #[inline]
    fn draw(&self, rule: u8, hash: u64) -> Option<Selection> {
        self.take(self.outcome(rule)?, rule, hash).ok()
    }

    /// A flow stays while its path is usable, meets the entry's profile, and the entry would still
    /// take that path; a label of higher preference that returns gets new flows only, unless
    /// `preempt` is on.
    fn review(&self, flow: &PlacedFlow) -> Review {
        let (Some(outcome), Some(treatment)) = (self.outcome(flow.rule), self.treatment(flow.rule))
        else {
            return Review::Leave;
        };
        let class = match outcome {
            Outcome::Class { class, .. } => class,
            Outcome::Fallback { path, .. } if path == flow.path => return Review::Stay,
            Outcome::Fallback { .. } | Outcome::Null | Outcome::Strict | Outcome::NoneUsable => {
                return Review::Leave;
            }
        };
        let usable = self.paths.candidate(flow.path).filter(|path| path.usable);
        let Some(candidate) = usable else {
            return Review::Leave;
        };
        let named = treatment.labels().contains(&candidate.label) || !treatment.null();
        if !named || !self.conforms(flow.path, treatment.profile) {
            return Review::Leave;
        }
        if !self.preempt {
            return Review::Stay;
        }
        let home = flow.left.and_then(|left| self.paths.candidate(left));
        match home.filter(|home| self.in_class(home, class)) {
            Some(home) => Review::Return(home.path),
            None if self.in_class(candidate, class) => Review::Stay,
            None => Review::Prefer,
        }
    }

    #[inline]
    fn candidate(&self, path: PathId) -> Option<&Candidate> {
        self.paths.candidate(path)
    }
}

/// What the counters of the entry call it.
impl From<Outcome> for Fate {
    #[inline]
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Class { rank: 0, .. } | Outcome::NoneUsable => Self::FirstChoice,
            Outcome::Class { .. } => Self::Fell,
            Outcome::Fallback { .. } => Self::ProfileFallback,
            Outcome::Null => Self::NullDrop,
            Outcome::Strict => Self::StrictDrop,
        }
    }
}
