use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicUsize, Ordering};

use pmip_wire::types::PathId;

use super::mobile_map::{LinkPreference, MobileMap};
use crate::acl::{AccessList, CompiledAccessList, Fields, LineHits};
use crate::key::FlowKey;
use crate::path::PathSet;
use crate::steering::{NoPath, Selection, Steering};

/// A [`MobileMap`] with its access lists, compiled for traffic and counting.
///
/// It holds copies: a change of the map or of a list takes effect when the map is compiled again,
/// that is taken off the node and set again.
///
/// ```
/// use pmip_policy::{
///     AccessList, Action, Candidate, Family, FlowKey, LinkPreference, MapEntry, MapPolicy,
///     MobileMap, NoPath, PathSet, Rule, Selector, Steering,
/// };
/// use pmip_wire::types::{Label, PathId};
///
/// // mobile-map MAP 10: match access-list icmp, set link-type lte null
/// let (lte, dsl) = (Label(1), Label(2));
/// let mut icmp = AccessList::new(Family::Ipv4);
/// icmp.append(Rule::new(Action::Permit, Selector::any().with_protocol(FlowKey::ICMP)))?;
/// let entry = MapEntry::new().with_access_list("icmp");
/// let mut map = MobileMap::new();
/// map.insert(10, entry.with_links(LinkPreference::with_null(&[lte])?))?;
/// let policy = MapPolicy::compile(&map, |name| (name == "icmp").then_some(&icmp));
///
/// let mut paths: PathSet = [
///     Candidate::new(PathId(1), 1).with_label(lte),
///     Candidate::new(PathId(2), 1).with_label(dsl),
/// ]
/// .into_iter()
/// .collect();
/// let ping = FlowKey::new([10, 0, 0, 2].into(), [192, 0, 2, 1].into(), FlowKey::ICMP);
/// let chosen = policy.steer(&paths).select(&ping, 42)?;
/// assert_eq!((chosen.path, chosen.rule), (PathId(1), 10));
///
/// paths.set_usable(PathId(1), false);
/// let dropped = policy.steer(&paths).select(&ping, 42);
/// assert_eq!(dropped, Err(NoPath::Null { entry: 10 }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct MapPolicy {
    entries: Box<[Entry]>,
    missing: Vec<String>,
}

impl MapPolicy {
    /// Compiles a map; `access_list` finds a list by its name. An entry whose list it does not find
    /// matches nothing; see [`missing`](Self::missing).
    pub fn compile<'a>(
        map: &MobileMap,
        access_list: impl Fn(&str) -> Option<&'a AccessList>,
    ) -> Self {
        let mut missing = Vec::new();
        let mut compile = |name: &str| match access_list(name) {
            Some(list) => CompiledAccessList::new(list),
            None => {
                missing.push(name.into());
                CompiledAccessList::empty()
            }
        };
        let entries = map
            .entries()
            .map(|(sequence, entry)| Entry {
                sequence,
                access_list: entry.access_list.as_deref().map(&mut compile),
                links: entry.links.clone(),
                counters: Counters::default(),
            })
            .collect();
        Self { entries, missing }
    }

    /// Access lists that entries name and that do not exist: worth a warning.
    pub fn missing(&self) -> &[String] {
        &self.missing
    }

    /// The entry that decides for a flow; `None` is the default class. Counts nothing.
    pub fn classify(&self, key: &FlowKey) -> Option<u8> {
        let flow = Fields::new(key);
        let permits = |list: &CompiledAccessList| list.permits_fields(&flow);
        self.entries
            .iter()
            .find(|entry| entry.access_list.as_ref().is_none_or(permits))
            .map(|entry| entry.sequence)
    }

    /// This policy over these paths, for [`FlowTable::choose`](crate::FlowTable::choose).
    pub const fn steer<'a>(&'a self, paths: &'a PathSet) -> MapSteering<'a> {
        MapSteering {
            policy: self,
            paths,
        }
    }

    /// What each entry did so far, in order.
    pub fn counters(&self) -> impl Iterator<Item = EntryCounters> {
        self.entries.iter().map(Entry::counters)
    }

    /// How often each line of an entry's access list decided; empty where there is none.
    pub fn line_hits(&self, entry: u8) -> Vec<LineHits> {
        let list = self
            .entry(entry)
            .and_then(|found| found.access_list.as_ref());
        list.map(|list| list.hits().collect()).unwrap_or_default()
    }

    fn entry(&self, sequence: u8) -> Option<&Entry> {
        let at = self
            .entries
            .binary_search_by_key(&sequence, |entry| entry.sequence);
        at.ok().map(|at| &self.entries[at])
    }
}

/// What an entry of a mobile map did so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct EntryCounters {
    /// The entry.
    pub sequence: u8,
    /// Flows that it decided.
    pub hits: u64,
    /// Flows that went past its first label, because that had no usable path.
    pub falls: u64,
    /// Packets dropped by `null`.
    pub null_drops: u64,
}

/// A [`MapPolicy`] over a [`PathSet`]: the map's answer to "which path?".
#[derive(Clone, Copy, Debug)]
pub struct MapSteering<'a> {
    policy: &'a MapPolicy,
    paths: &'a PathSet,
}

impl Steering for MapSteering<'_> {
    fn select(&self, key: &FlowKey, hash: u64) -> Result<Selection, NoPath> {
        let flow = Fields::new(key);
        let permits = |list: &CompiledAccessList| list.permits_fields_counted(&flow);
        let entry = self
            .policy
            .entries
            .iter()
            .find(|entry| entry.access_list.as_ref().is_none_or(permits));
        match entry {
            None => self.paths.select(key, hash),
            Some(entry) => entry.select(self.paths, hash),
        }
    }

    /// A flow stays while its path is usable and the entry that put it there would still take that
    /// path; a label of higher preference that returns gets new flows only.
    fn allows(&self, path: PathId, rule: u8) -> bool {
        let Some(candidate) = self.paths.candidate(path).filter(|found| found.usable) else {
            return false;
        };
        if rule == 0 {
            return true;
        }
        let Some(entry) = self.policy.entry(rule) else {
            return false;
        };
        entry
            .links
            .as_ref()
            .is_none_or(|links| !links.null() || links.labels().contains(&candidate.label))
    }
}

#[derive(Debug)]
struct Entry {
    sequence: u8,
    access_list: Option<CompiledAccessList>,
    links: Option<LinkPreference>,
    counters: Counters,
}

#[derive(Debug, Default)]
struct Counters {
    hits: AtomicUsize,
    falls: AtomicUsize,
    null_drops: AtomicUsize,
}

impl Entry {
    /// The path that this entry gives to a flow that it matched.
    fn select(&self, paths: &PathSet, hash: u64) -> Result<Selection, NoPath> {
        count(&self.counters.hits);
        let Some(links) = &self.links else {
            return self.default_class(paths, hash);
        };
        let mut labels = links.labels().iter().enumerate();
        let found = labels.find_map(|(rank, label)| {
            let path = paths.pick_labelled(hash, *label)?;
            Some((rank, path))
        });
        match found {
            Some((rank, path)) => {
                if rank > 0 {
                    count(&self.counters.falls);
                }
                Ok(Selection::new(path, self.sequence))
            }
            None if links.null() => {
                count(&self.counters.null_drops);
                Err(NoPath::Null {
                    entry: self.sequence,
                })
            }
            None => {
                count(&self.counters.falls);
                self.default_class(paths, hash)
            }
        }
    }

    fn default_class(&self, paths: &PathSet, hash: u64) -> Result<Selection, NoPath> {
        let path = paths.pick(hash).ok_or(NoPath::NoneUsable)?;
        Ok(Selection::new(path, self.sequence))
    }

    fn counters(&self) -> EntryCounters {
        let load = |counter: &AtomicUsize| counter.load(Ordering::Relaxed) as u64;
        EntryCounters {
            sequence: self.sequence,
            hits: load(&self.counters.hits),
            falls: load(&self.counters.falls),
            null_drops: load(&self.counters.null_drops),
        }
    }
}

fn count(counter: &AtomicUsize) {
    counter.fetch_add(1, Ordering::Relaxed);
}
