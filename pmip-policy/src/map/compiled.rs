use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicUsize, Ordering};

use pmip_wire::types::Label;

use super::mobile_map::{LinkPreference, MapEntry, MobileMap};
use crate::acl::{AccessList, Action, LineHits, RuleSet, RuleSetBuilder};
use crate::key::FlowKey;
use crate::profile::ProfileId;

/// A [`MobileMap`] with its access lists, compiled for traffic and counting.
///
/// It holds copies: a change of the map or of a list takes effect when the map is compiled again,
/// that is taken off the node and set again. A [`SteeringTable`](crate::SteeringTable) puts it over
/// paths.
#[derive(Debug)]
pub struct MapPolicy {
    /// One list per entry, in order.
    rules: RuleSet,
    entries: Box<[Entry]>,
    /// What entries do with their traffic, each once.
    treatments: Box<[Treatment]>,
    /// The profiles that entries ask for, sorted.
    profiles: Box<[ProfileId]>,
    missing: Box<[Missing]>,
}

/// Something that an entry names and that does not exist: worth a warning.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Missing {
    /// The entry matches nothing.
    #[error("mobile-map entry {entry}: there is no access list {name}, so it matches nothing")]
    AccessList {
        /// The entry.
        entry: u8,
        /// The name.
        name: String,
    },
    /// The entry asks for nothing.
    #[error("mobile-map entry {entry}: there is no traffic profile {name}, so none is asked for")]
    TrafficProfile {
        /// The entry.
        entry: u8,
        /// The name.
        name: String,
    },
}

impl MapPolicy {
    /// Compiles a map; `access_list` and `profile` find a list and a profile by name. An entry whose
    /// list they do not find matches nothing, one without its profile asks for none; see
    /// [`missing`](Self::missing).
    pub fn compile<'a, L>(
        map: &MobileMap,
        access_list: impl Fn(&str) -> L,
        profile: impl Fn(&str) -> Option<ProfileId>,
    ) -> Self
    where
        L: IntoIterator<Item = &'a AccessList>,
    {
        let mut compiler = Compiler {
            rules: RuleSetBuilder::default(),
            entries: Vec::new(),
            treatments: Vec::new(),
            missing: Vec::new(),
        };
        for (sequence, entry) in map.entries() {
            compiler.list(sequence, entry, &access_list);
            compiler.treatment(sequence, entry, &profile);
        }
        compiler.finish()
    }

    /// What entries name and what does not exist.
    pub fn missing(&self) -> &[Missing] {
        &self.missing
    }

    /// The entry that decides for a flow; `None` is the default class. Counts nothing.
    pub fn classify(&self, key: &FlowKey) -> Option<u8> {
        let decision = self.rules.decide(key, false, |_| ())?;
        self.entries
            .get(decision.list as usize)
            .map(|entry| entry.sequence)
    }

    /// What each entry did so far, in order.
    pub fn counters(&self) -> impl Iterator<Item = EntryCounters> {
        let entries = (0..).zip(&self.entries);
        entries.map(|(list, entry)| EntryCounters {
            sequence: entry.sequence,
            hits: self.rules.list_hits(list, Action::Permit),
            falls: load(&entry.counters.falls),
            null_drops: load(&entry.counters.null_drops),
            profile_fallbacks: load(&entry.counters.profile_fallbacks),
            strict_drops: load(&entry.counters.strict_drops),
        })
    }

    /// Flows that no entry matched: the default class.
    pub fn default_hits(&self) -> u64 {
        self.rules.passed_all()
    }

    /// How often each line of an entry's access list decided, the implicit deny last; empty where
    /// there is none.
    pub fn line_hits(&self, entry: u8) -> Vec<LineHits> {
        let Some(list) = self.position(entry) else {
            return Vec::new();
        };
        let lines = self.rules.lines().iter().enumerate();
        let ours = lines.filter(|(_, line)| line.list as usize == list && line.sequence.is_some());
        let mut hits: Vec<_> = ours
            .map(|(at, line)| LineHits {
                sequence: line.sequence,
                action: line.action,
                hits: self.rules.line_hits(at),
            })
            .collect();
        if self.entries[list].has_list {
            hits.push(LineHits {
                sequence: None,
                action: Action::Deny,
                hits: self.implicit_denies(list as u32),
            });
        }
        hits
    }

    /// Flows that reached the entry and that no line of its list matched. They are not counted, since
    /// they are all that reached it without the others.
    fn implicit_denies(&self, list: u32) -> u64 {
        let later = list..self.entries.len() as u32;
        let taken_from_here: u64 = later
            .map(|list| self.rules.list_hits(list, Action::Permit))
            .sum();
        let reached = taken_from_here + self.rules.passed_all();
        let matched =
            self.rules.list_hits(list, Action::Permit) + self.rules.list_hits(list, Action::Deny);
        reached.saturating_sub(matched)
    }

    fn position(&self, sequence: u8) -> Option<usize> {
        let at = self
            .entries
            .binary_search_by_key(&sequence, |entry| entry.sequence);
        at.ok()
    }
}

/// For the steering table.
impl MapPolicy {
    /// The entry that decides, counted; `None` is the default class.
    #[inline]
    pub(crate) fn decide(&self, key: &FlowKey) -> Option<&Entry> {
        let decision = self.rules.decide_counted(key, false)?;
        self.entries.get(decision.list as usize)
    }

    /// The same with the access-list line, not counted.
    pub(crate) fn decide_uncounted(&self, key: &FlowKey) -> Option<(u8, Option<u32>)> {
        let decision = self.rules.decide(key, false, |_| ())?;
        let entry = self.entries.get(decision.list as usize)?;
        let line = self.rules.lines().get(decision.line as usize);
        Some((entry.sequence, line.and_then(|line| line.sequence)))
    }

    /// Counts what became of a flow of an entry.
    #[inline]
    pub(crate) fn count(&self, entry: &Entry, fate: &Fate) {
        let counters = &entry.counters;
        match fate {
            Fate::FirstChoice => return,
            Fate::Fell => &counters.falls,
            Fate::ProfileFallback => &counters.profile_fallbacks,
            Fate::NullDrop => &counters.null_drops,
            Fate::StrictDrop => &counters.strict_drops,
        }
        .fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn treatments(&self) -> &[Treatment] {
        &self.treatments
    }

    /// Place of an entry's treatment.
    pub(crate) fn treatment_of(&self, sequence: u8) -> Option<usize> {
        self.position(sequence).map(|at| self.entries[at].treatment)
    }

    pub(crate) fn profiles(&self) -> &[ProfileId] {
        &self.profiles
    }
}

/// What became of a flow that an entry took.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fate {
    FirstChoice,
    Fell,
    ProfileFallback,
    NullDrop,
    StrictDrop,
}

/// What an entry of a mobile map did so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct EntryCounters {
    /// The entry.
    pub sequence: u8,
    /// Flows that it took. A packet that it drops begins no flow, so each such packet counts.
    pub hits: u64,
    /// Of these, flows that went past its first label, because that had no path to give.
    pub falls: u64,
    /// Packets dropped by `null`.
    pub null_drops: u64,
    /// Flows that went by a path that violates the entry's profile, because all did.
    pub profile_fallbacks: u64,
    /// Packets dropped by `strict`.
    pub strict_drops: u64,
}

#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) sequence: u8,
    /// Place of its treatment.
    pub(crate) treatment: usize,
    has_list: bool,
    counters: Counters,
}

#[derive(Debug, Default)]
struct Counters {
    falls: AtomicUsize,
    null_drops: AtomicUsize,
    profile_fallbacks: AtomicUsize,
    strict_drops: AtomicUsize,
}

/// What an entry does with its traffic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Treatment {
    links: Option<LinkPreference>,
    pub(crate) profile: Option<ProfileId>,
    pub(crate) strict: bool,
}

impl Treatment {
    /// All usable paths, by weight.
    pub(crate) const DEFAULT: Self = Self {
        links: None,
        profile: None,
        strict: false,
    };

    pub(crate) fn labels(&self) -> &[Label] {
        self.links.as_ref().map_or(&[], LinkPreference::labels)
    }

    pub(crate) fn null(&self) -> bool {
        self.links.as_ref().is_some_and(LinkPreference::null)
    }
}

struct Compiler {
    rules: RuleSetBuilder,
    entries: Vec<Entry>,
    treatments: Vec<Treatment>,
    missing: Vec<Missing>,
}

impl Compiler {
    fn list<'a, L>(&mut self, sequence: u8, entry: &MapEntry, access_list: &impl Fn(&str) -> L)
    where
        L: IntoIterator<Item = &'a AccessList>,
    {
        let Some(name) = &entry.access_list else {
            return self.rules.everything();
        };
        let mut lists = access_list(name).into_iter().peekable();
        if lists.peek().is_none() {
            self.missing.push(Missing::AccessList {
                entry: sequence,
                name: name.clone(),
            });
            return self.rules.nothing();
        }
        self.rules.list(lists);
    }

    fn treatment(
        &mut self,
        sequence: u8,
        entry: &MapEntry,
        profile: &impl Fn(&str) -> Option<ProfileId>,
    ) {
        let named = entry.traffic_profile.as_deref();
        let found = named.and_then(profile);
        if let (Some(name), None) = (named, found) {
            self.missing.push(Missing::TrafficProfile {
                entry: sequence,
                name: name.into(),
            });
        }
        let treatment = Treatment {
            links: entry.links.clone(),
            profile: found,
            strict: entry.strict,
        };
        let known = self.treatments.iter().position(|known| *known == treatment);
        let at = known.unwrap_or_else(|| {
            self.treatments.push(treatment);
            self.treatments.len() - 1
        });
        self.entries.push(Entry {
            sequence,
            treatment: at,
            has_list: entry.access_list.is_some(),
            counters: Counters::default(),
        });
    }

    fn finish(self) -> MapPolicy {
        let profiles = self.treatments.iter();
        let mut profiles: Vec<_> = profiles.filter_map(|found| found.profile).collect();
        profiles.sort_unstable();
        profiles.dedup();
        MapPolicy {
            rules: self.rules.build(),
            entries: self.entries.into_boxed_slice(),
            treatments: self.treatments.into_boxed_slice(),
            profiles: profiles.into_boxed_slice(),
            missing: self.missing.into_boxed_slice(),
        }
    }
}

fn load(counter: &AtomicUsize) -> u64 {
    counter.load(Ordering::Relaxed) as u64
}
