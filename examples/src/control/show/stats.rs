//! Counters, and since when they count.

use std::collections::BTreeMap;

use pmip_wire::Status;
use pmip_wire::types::Instant;
use serde_json::{Value, json};

use crate::config::node::Role;
use crate::node::Node;

/// The counters since they were cleared, and how much there is now.
pub(super) fn shown(node: &Node, now: Instant) -> serde_json::Result<Value> {
    let mut stats = counted(node)?;
    if let Some(cleared) = node.cleared_stats() {
        subtract(&mut stats, cleared);
    }
    let paths = node.engine().paths();
    let usable = paths.iter().filter(|path| path.usable).count();
    let flows = node.ports().tunnels.stats().flows;
    if let Some(fields) = stats.as_object_mut() {
        let there = json!({
            "bindings": node.engine().bindings(now).len(),
            "paths": paths.len(),
            "paths_up": usable,
            "flows": flows,
        });
        fields.insert("now".into(), there);
    }
    // Where it always was.
    if let Some(packets) = stats.get_mut("packets").and_then(Value::as_object_mut) {
        packets.insert("flows".into(), json!(flows));
    }
    Ok(stats)
}

/// Counts from here on.
pub(in crate::control) fn clear(node: &mut Node) -> serde_json::Result<()> {
    let stats = counted(node)?;
    node.clear_stats(stats);
    Ok(())
}

/// The counters since the start.
fn counted(node: &Node) -> serde_json::Result<Value> {
    let stats = node.engine().stats();
    let data_plane = node.ports().tunnels.stats();
    let drops: BTreeMap<String, u64> = data_plane.drops.into_iter().collect();
    let by_status = stats.acknowledgements.iter();
    let by_status: BTreeMap<String, u64> = by_status
        .map(|(status, count)| (Status::from_code(*status).to_string(), *count))
        .collect();
    let mut counted = json!({
        "signalling": stats,
        "signalling_send_errors": node.send_errors(),
        "acknowledgements": by_status,
        "packets": {
            "dropped": drops,
            "icmp_sent": data_plane.icmp_sent,
        },
    });
    if node.role() == Role::Mag
        && let Some(fields) = counted.as_object_mut()
    {
        // Frames of hosts that were not served.
        let dropped = json!({ "dropped": node.access_drops() });
        fields.insert("access".into(), dropped);
    }
    let more = serde_json::to_value(node.counters())?;
    if let (Some(fields), Value::Object(more)) = (counted.as_object_mut(), more) {
        fields.extend(more);
    }
    Ok(counted)
}

/// Takes the numbers of `cleared` from those at the same places.
fn subtract(stats: &mut Value, cleared: &Value) {
    match stats {
        Value::Object(fields) => {
            for (name, field) in fields {
                if let Some(cleared) = cleared.get(name) {
                    subtract(field, cleared);
                }
            }
        }
        Value::Number(number) => {
            if let (Some(now), Some(before)) = (number.as_u64(), cleared.as_u64()) {
                *stats = json!(now.saturating_sub(before));
            }
        }
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cleared_counts_from_zero_and_what_is_new_from_its_beginning() {
        let mut stats = json!({"a": 7, "by": {"x": 3, "y": 4}, "name": "n"});
        subtract(&mut stats, &json!({"a": 5, "by": {"x": 3}}));
        assert_eq!(stats, json!({"a": 2, "by": {"x": 0, "y": 4}, "name": "n"}));
    }
}
