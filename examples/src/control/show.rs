//! What a node shows of itself.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use pmip_binding::config::{HeartbeatConfig, SharedKey};
use pmip_binding::{BindingState, HeartbeatStatus, LmaConfig, PathStatus};
use pmip_wire::types::{Instant, Label, PathId};
use pmip_wire::udp::CONTROL_PORT;
use serde_json::{Value, json};

use super::What;
use super::rows::{BindingRow, FlowTableRow, HeartbeatRow, HeartbeatSummary, PathRow, TunnelRow};
use crate::config::model::AccessTechnology;
use crate::config::node::Engine;
use crate::node::Node;
use crate::node::track::state_name;
use crate::node::uplinks::UplinkState;
use crate::platform::dataplane::PathStats;

/// Flows shown at most.
const FLOW_LIMIT: usize = 10_000;

/// The JSON of what was asked for.
pub(super) fn show(node: &Node, now: Instant, what: What) -> serde_json::Result<Value> {
    let view = View::new(node);
    match what {
        What::Bindings => serde_json::to_value(view.bindings(now)),
        What::Paths => serde_json::to_value(view.paths()),
        What::Heartbeat => serde_json::to_value(view.heartbeats()),
        What::Flows => serde_json::to_value(view.flows()),
        What::Tunnels => serde_json::to_value(view.tunnels()),
        What::Stats => view.stats(),
        What::Globals => Ok(view.globals(now)),
        What::RunningConfig => serde_json::to_value(&node.config().config).map(without_keys),
    }
}

/// One look at a node: its paths and its data plane's counters at one moment.
struct View<'a> {
    node: &'a Node,
    paths: Vec<PathStatus>,
    traffic: BTreeMap<PathId, PathStats>,
}

impl<'a> View<'a> {
    fn new(node: &'a Node) -> Self {
        let stats = node.ports().tunnels.stats();
        Self {
            node,
            paths: node.engine().paths(),
            traffic: stats.paths.into_iter().collect(),
        }
    }

    fn bindings(&self, now: Instant) -> Vec<BindingRow> {
        let bindings = self.node.engine().bindings(now).into_iter();
        bindings
            .map(|binding| BindingRow {
                paths: binding
                    .paths
                    .iter()
                    .filter_map(|path| {
                        let status = self.status(path.path)?;
                        let mut row = self.path_row(status);
                        row.bid = path.binding_id;
                        Some(row)
                    })
                    .collect(),
                mn_id: binding.mn_id,
                lmn: binding.logical,
                state: binding_state(binding.state).into(),
                peer: binding.peer,
                hnp: binding.home_prefixes,
                ipv4_hoa: binding.ipv4_home.map(|(address, _, _)| address),
                dmnp: binding.delegated,
                lifetime_s: binding.lifetime.as_secs(),
                remaining_s: binding.remaining.as_secs(),
            })
            .collect()
    }

    fn paths(&self) -> Vec<PathRow> {
        self.paths.iter().map(|path| self.path_row(path)).collect()
    }

    fn status(&self, path: PathId) -> Option<&PathStatus> {
        self.paths.iter().find(|status| status.path == path)
    }

    fn path_row(&self, status: &PathStatus) -> PathRow {
        let traffic = self.traffic(status.path);
        let track = self.node.track(status.path);
        let heartbeat = status.heartbeat;
        PathRow {
            path: status.path.0,
            bid: status.binding_id,
            label: self.label(status.label),
            att: AccessTechnology(status.access_technology).to_string(),
            care_of: status.care_of,
            observed: status.observed,
            remote: status.remote,
            nat: status.nat,
            encap: status.encapsulation,
            state: state_name(status.state).into(),
            usable: status.usable,
            weight: status.weight,
            interface: status.interface.clone(),
            peer: status.peer.clone(),
            sessions: status.sessions,
            heartbeat: heartbeat.map(summary),
            rtt_ms: heartbeat.and_then(|heartbeat| heartbeat.rtt).map(millis),
            jitter_ms: track.jitter().map(millis),
            loss_pct: heartbeat.and_then(loss),
            tx_packets: traffic.tx_packets,
            tx_bytes: traffic.tx_bytes,
            rx_packets: traffic.rx_packets,
            rx_bytes: traffic.rx_bytes,
            flows: traffic.flows,
        }
    }

    fn heartbeats(&self) -> Vec<HeartbeatRow> {
        let paths = self.paths.iter();
        paths
            .map(|status| HeartbeatRow {
                path: status.path.0,
                peer: status.peer.clone(),
                label: self.label(status.label),
                vrf: None,
                customer: None,
                source: self.signalling_source(status),
                destination: status.observed,
                status: if status.usable { "up" } else { "down" }.into(),
                ipv6: status.observed.is_ipv6(),
                heartbeat: status.heartbeat.map(summary),
                rtt_ms: status.heartbeat.and_then(|h| h.rtt).map(millis),
                restart_counter: status.heartbeat.and_then(|h| h.restart_counter),
                nat_changes: self.node.track(status.path).nat_changes,
            })
            .collect()
    }

    /// Our signalling address of a path: its care-of address on a MAG, our own on an LMA.
    fn signalling_source(&self, status: &PathStatus) -> SocketAddr {
        let local = self.node.table().path(status.path).map(|path| path.local);
        let port = if status.observed.is_ipv4() {
            CONTROL_PORT
        } else {
            0
        };
        SocketAddr::new(local.unwrap_or(status.care_of), port)
    }

    fn tunnels(&self) -> Vec<TunnelRow> {
        let table = self.node.table();
        let paths = self.paths.iter();
        paths
            .map(|status| {
                let traffic = self.traffic(status.path);
                TunnelRow {
                    path: status.path.0,
                    label: self.label(status.label),
                    encap: status.encapsulation,
                    local: table.path(status.path).map(|path| path.local),
                    remote: status.remote,
                    mtu: table.path_mtu(status.path),
                    acl: None,
                    usable: status.usable,
                    tx_packets: traffic.tx_packets,
                    tx_bytes: traffic.tx_bytes,
                    rx_packets: traffic.rx_packets,
                    rx_bytes: traffic.rx_bytes,
                    tx_errors: traffic.tx_errors,
                }
            })
            .collect()
    }

    fn flows(&self) -> Vec<FlowTableRow> {
        let flows = self.node.ports().tunnels.flows(FLOW_LIMIT).into_iter();
        flows
            .map(|flow| FlowTableRow {
                source: SocketAddr::new(flow.source, flow.source_port),
                destination: SocketAddr::new(flow.destination, flow.destination_port),
                protocol: protocol_name(flow.protocol),
                path: flow.path.0,
                label: self
                    .status(flow.path)
                    .and_then(|path| self.label(path.label)),
                packets: flow.packets,
                bytes: flow.bytes,
                idle_s: Duration::from_millis(flow.idle_ms).as_secs_f64(),
            })
            .collect()
    }

    fn stats(&self) -> serde_json::Result<Value> {
        let data_plane = self.node.ports().tunnels.stats();
        let drops: BTreeMap<String, u64> = data_plane.drops.into_iter().collect();
        Ok(json!({
            "signalling": serde_json::to_value(self.node.engine().stats())?,
            "signalling_send_errors": self.node.send_errors(),
            "packets": {
                "dropped": drops,
                "flows": data_plane.flows,
                "icmp_sent": data_plane.icmp_sent,
            },
        }))
    }

    fn globals(&self, now: Instant) -> Value {
        let config = self.node.config();
        let mut globals = match &config.engine {
            Engine::Lma(lma) => json!({
                "role": "lma",
                "ipv4_address": lma.ipv4_address,
                "ipv6_address": lma.ipv6_address,
                "peers": lma.peers.iter().map(|peer| &peer.identity).collect::<Vec<_>>(),
                "dynamic_mag_learning": lma.dynamic_mag_learning,
                "authentication": authentication(!lma.keys.is_empty(), lma.peers.iter().map(|peer| &peer.keys)),
                "warnings": open_to_all(lma),
                "multipath": lma.multipath,
                "encap": lma.encapsulation,
                "networks": lma.networks.iter().map(|network| &network.name).collect::<Vec<_>>(),
                "default_profile": lma.default_profile,
                "lifetime_s": lma.lifetime.as_secs_f64(),
                "delete_wait_ms": millis(lma.delete_wait),
                "create_wait_ms": millis(lma.create_wait),
                "timestamp_window_ms": millis(lma.timestamp_window),
                "heartbeat": self.rules(&lma.heartbeat),
                "maximum_bindings": lma.limits.bindings,
                "restart_counter": lma.restart_counter,
            }),
            Engine::Mag(mag) => json!({
                "role": "mag",
                "peers": mag.lmas.iter().map(|lma| json!({
                    "id": lma.identity,
                    "ipv4_address": lma.ipv4_address,
                    "ipv6_address": lma.ipv6_address,
                    "encap": mag.encapsulation_with(lma),
                })).collect::<Vec<_>>(),
                "authentication": authentication(false, mag.lmas.iter().map(|lma| &lma.keys)),
                "multipath": mag.multipath,
                "roaming_interfaces": self.roaming_interfaces(),
                "mobile_networks": config.mobile_networks.iter().map(|network| json!({
                    "lmn": network.nai,
                    "interface": network.device,
                })).collect::<Vec<_>>(),
                "lifetime_s": mag.lifetime.as_secs_f64(),
                "refresh_s": mag.refresh_time.as_secs_f64(),
                "init_retx_ms": millis(mag.initial_retransmission),
                "max_retx_ms": millis(mag.maximum_retransmission),
                "heartbeat": self.rules(&mag.heartbeat),
                "maximum_bindings": mag.maximum_bindings,
                "restart_counter": mag.restart_counter,
            }),
        };
        if let Some(fields) = globals.as_object_mut() {
            fields.insert("domain".into(), json!(config.domain));
            fields.insert("id".into(), json!(config.id));
            fields.insert("interfaces".into(), json!(config.interfaces));
            fields.insert("tunnel_mtu".into(), json!(config.tunnel_mtu));
            let uptime = now.saturating_since(self.node.started());
            fields.insert("uptime_s".into(), json!(uptime.as_secs()));
            fields.insert("version".into(), json!(env!("CARGO_PKG_VERSION")));
        }
        globals
    }

    fn roaming_interfaces(&self) -> Vec<Value> {
        let uplinks = self.node.uplinks().into_iter().flat_map(|all| all.iter());
        uplinks
            .map(|uplink| {
                let (care_of, why) = match uplink.state() {
                    UplinkState::Up(address) => (Some(address), None),
                    UplinkState::Down(why) => (None, Some(why)),
                };
                json!({
                    "bid": uplink.binding_id(),
                    "interface": uplink.name(),
                    "egress": uplink.egress(),
                    "care_of": care_of,
                    "down_because": why,
                })
            })
            .collect()
    }

    fn rules(&self, heartbeat: &HeartbeatConfig) -> Vec<Value> {
        let rules = heartbeat.rules.iter();
        rules
            .map(|rule| {
                json!({
                    "label": rule.label.and_then(|label| self.label(label)),
                    "interval_s": rule.interval.as_secs_f64(),
                    "retries": rule.retries,
                    "timeout_s": rule.answer_timeout().as_secs_f64(),
                    "natreboot": rule.nat_reboot,
                })
            })
            .collect()
    }

    fn label(&self, label: Label) -> Option<String> {
        if label == Label::NONE {
            return None;
        }
        let name = self.node.config().labels.name(label);
        Some(name.map_or_else(|| label.to_string(), str::to_owned))
    }

    fn traffic(&self, path: PathId) -> PathStats {
        self.traffic.get(&path).copied().unwrap_or_default()
    }
}

/// Whether signalling is authenticated: with nobody, with some peers or with all.
fn authentication<'a>(
    shared: bool,
    mut peers: impl Iterator<Item = &'a Vec<SharedKey>> + Clone,
) -> &'static str {
    let keyed = peers.clone().any(|keys| !keys.is_empty());
    let keyless = peers.any(Vec::is_empty);
    match (shared, keyed, keyless) {
        (true, _, _) | (false, true, false) => "all",
        (false, true, true) => "some",
        (false, false, _) => "none",
    }
}

fn open_to_all(lma: &LmaConfig) -> Vec<&'static str> {
    let warning = "any host that reaches this LMA can register mobile nodes: it learns MAGs and has \
                   no authentication";
    lma.is_open_to_all()
        .then_some(warning)
        .into_iter()
        .collect()
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

fn summary(heartbeat: HeartbeatStatus) -> HeartbeatSummary {
    HeartbeatSummary {
        interval_s: heartbeat.interval.as_secs_f64(),
        retries: heartbeat.retries,
        sent: heartbeat.sent,
        received: heartbeat.received,
        missed: heartbeat.missed,
    }
}

/// Heartbeats lost for good: a request that still waits for its answer is not lost.
fn loss(heartbeat: HeartbeatStatus) -> Option<f64> {
    let waiting = u64::from(heartbeat.missed == 0 && heartbeat.sent > heartbeat.received);
    let asked = heartbeat.sent.saturating_sub(waiting);
    let lost = asked.saturating_sub(heartbeat.received);
    (asked > 0).then(|| round(lost as f64 * 100.0 / asked as f64))
}

fn millis(time: Duration) -> f64 {
    round(time.as_secs_f64() * 1000.0)
}

/// Three decimals are enough for a person and short in JSON.
fn round(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

fn binding_state(state: BindingState) -> &'static str {
    match state {
        BindingState::Init => "init",
        BindingState::Active => "active",
        BindingState::RefreshPending => "refresh-pending",
        BindingState::Disconnecting => "disconnecting",
        _ => "unknown",
    }
}

fn protocol_name(protocol: u8) -> String {
    match protocol {
        1 => "icmp".into(),
        6 => "tcp".into(),
        17 => "udp".into(),
        58 => "icmpv6".into(),
        other => other.to_string(),
    }
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
