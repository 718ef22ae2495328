//! Mobile maps and what they did.

use pmip_policy::{EntryCounters, MapPolicy};

use crate::config::model::{MapEntry, MobileMap};
use crate::control::{MapEntryRow, MobileMapRow};
use crate::node::{ClearedMap, Node};

/// The maps of the node's domain.
pub(super) fn rows(node: &Node) -> Vec<MobileMapRow> {
    let config = node.config();
    let maps = config.mobile_maps().iter();
    maps.map(|map| {
        let active = config.active_map() == Some(map.name.as_str());
        let policy = node.table().policy().filter(|_| active);
        let cleared = node.cleared_map().filter(|_| active);
        row(map, active, policy.map(|policy| &**policy), cleared)
    })
    .collect()
}

fn row(
    map: &MobileMap,
    active: bool,
    policy: Option<&MapPolicy>,
    cleared: Option<&ClearedMap>,
) -> MobileMapRow {
    let counters: Vec<EntryCounters> = policy.into_iter().flat_map(MapPolicy::counters).collect();
    let of = |counters: &[EntryCounters], sequence: u32| {
        let mut counters = counters.iter();
        let found = counters.find(|counted| u32::from(counted.sequence) == sequence);
        found.copied()
    };
    let before = cleared.map_or(&[][..], |cleared| &cleared.entries);
    let default_hits = policy.map_or(0, MapPolicy::default_hits);
    let entries = map.entries.iter();
    MobileMapRow {
        name: map.name.clone(),
        active,
        entries: entries
            .map(|entry| {
                let sequence = entry.sequence;
                entry_row(entry, of(&counters, sequence), of(before, sequence))
            })
            .collect(),
        default_hits: default_hits
            .saturating_sub(cleared.map_or(0, |cleared| cleared.default_hits)),
    }
}

fn entry_row(
    entry: &MapEntry,
    counted: Option<EntryCounters>,
    cleared: Option<EntryCounters>,
) -> MapEntryRow {
    let count = |of: fn(&EntryCounters) -> u64| {
        let (now, before) = (
            counted.as_ref().map_or(0, of),
            cleared.as_ref().map_or(0, of),
        );
        now.saturating_sub(before)
    };
    MapEntryRow {
        sequence: entry.sequence,
        access_list: entry.access_list.clone(),
        link_type: entry.link_type.clone(),
        null: entry.null,
        traffic_profile: entry.traffic_profile.clone(),
        strict: entry.strict,
        hits: count(|counted| counted.hits),
        falls: count(|counted| counted.falls),
        null_drops: count(|counted| counted.null_drops),
        profile_fallbacks: count(|counted| counted.profile_fallbacks),
        strict_drops: count(|counted| counted.strict_drops),
    }
}
