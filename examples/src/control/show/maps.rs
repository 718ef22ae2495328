//! Mobile maps and what they did.

use pmip_policy::{EntryCounters, MapPolicy};

use crate::config::model::{MapEntry, MobileMap};
use crate::control::{MapEntryRow, MobileMapRow};
use crate::node::Node;

/// The maps of the node's domain.
pub(super) fn rows(node: &Node) -> Vec<MobileMapRow> {
    let config = node.config();
    let maps = config.mobile_maps().iter();
    maps.map(|map| {
        let active = config.active_map() == Some(map.name.as_str());
        let policy = node.table().policy().filter(|_| active);
        row(map, active, policy.map(|policy| &**policy))
    })
    .collect()
}

fn row(map: &MobileMap, active: bool, policy: Option<&MapPolicy>) -> MobileMapRow {
    let counters: Vec<EntryCounters> = policy.into_iter().flat_map(MapPolicy::counters).collect();
    let counted = |sequence: u32| {
        let mut counters = counters.iter();
        counters.find(|counted| u32::from(counted.sequence) == sequence)
    };
    let entries = map.entries.iter();
    MobileMapRow {
        name: map.name.clone(),
        active,
        entries: entries
            .map(|entry| entry_row(entry, counted(entry.sequence)))
            .collect(),
        default_hits: policy.map_or(0, MapPolicy::default_hits),
    }
}

fn entry_row(entry: &MapEntry, counted: Option<&EntryCounters>) -> MapEntryRow {
    let count = |of: fn(&EntryCounters) -> u64| counted.map_or(0, of);
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
