//! What a node shows of itself.

mod decision;
mod globals;
mod maps;
mod sla;
mod stats;
mod view;

use pmip_wire::types::Instant;
use serde_json::{Value, json};

use self::view::View;
use super::{Only, What, flow_spec};
use crate::node::Node;

pub(super) use self::stats::clear;

/// The paths.
pub(super) fn path_rows(node: &Node) -> Vec<super::PathRow> {
    View::new(node).paths(None)
}

/// The JSON of what was asked for.
pub(super) fn show(
    node: &Node,
    now: Instant,
    what: What,
    only: Option<&Only>,
) -> Result<Value, String> {
    let view = View::new(node);
    if what == What::PathDecision {
        let Some(Only::Flow(flow)) = only else {
            return Err(format!("which flow? {}", flow_spec::USAGE));
        };
        let decision = view.path_decision(&flow.parse()?)?;
        return serde_json::to_value(decision).map_err(|error| error.to_string());
    }
    json_of(node, &view, now, what, only).map_err(|error| error.to_string())
}

fn json_of(
    node: &Node,
    view: &View<'_>,
    now: Instant,
    what: What,
    only: Option<&Only>,
) -> serde_json::Result<Value> {
    match (what, only) {
        (What::Bindings, Some(Only::Summary)) => Ok(view.summary(now)),
        (What::Bindings, only) => serde_json::to_value(view.bindings(now, only)),
        (What::Paths, only) => serde_json::to_value(view.paths(only)),
        (What::Heartbeat, only) => serde_json::to_value(view.heartbeats(only)),
        (What::Flows, only) => serde_json::to_value(view.flows(only)),
        (What::MobileMap, _) => serde_json::to_value(maps::rows(node)),
        (What::Tunnels, only) => serde_json::to_value(view.tunnels(only)),
        (What::Stats, Some(Only::Peer(peer))) => serde_json::to_value(view.peer(now, peer)),
        (What::Stats, Some(Only::Customer(_))) => Ok(view.customers(only)),
        (What::PathDecision, _) => Ok(Value::Null),
        (What::Stats, _) => stats::shown(node, now),
        (What::Sla, only) => serde_json::to_value(view.sla(now, only)),
        (What::Customers, _) => Ok(view.customers(only)),
        (What::Globals, _) => Ok(view.globals(now)),
        (What::RunningConfig, _) => serde_json::to_value(&node.config().config).map(without_keys),
    }
}

/// A configuration for people: stars in place of every key.
fn without_keys(mut config: Value) -> Value {
    match &mut config {
        Value::Object(fields) => {
            let secret = fields.contains_key("spi");
            for (name, value) in fields.iter_mut() {
                *value = match name.as_str() {
                    "key" if secret => json!({"ascii": "********"}),
                    _ => without_keys(value.take()),
                };
            }
        }
        Value::Array(list) => {
            for value in list {
                *value = without_keys(value.take());
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_for_people_has_no_keys() {
        let config = json!({"domain": [{"name": "D", "mag": [
            {"id": "MAG1", "auth-option": {"spi": 256, "key": {"hex": "c0ffee"}}},
        ], "auth-option": [
            {"spi": 257, "key": {"ascii": "c0ffee"}},
            {"spi": 258, "key": {"ascii": "c0ffee"}},
        ]}]});
        let shown = without_keys(config).to_string();
        assert!(!shown.contains("c0ffee"), "{shown}");
        assert!(shown.contains("MAG1") && shown.contains("256"), "{shown}");
    }
}
