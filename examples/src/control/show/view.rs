//! The rows of what a node has: sessions, paths, heartbeats, tunnels, flows.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use pmip_binding::{BindingState, BindingStatus, HeartbeatStatus, PathBindingStatus, PathStatus};
use pmip_wire::types::{Instant, Label, PathId};
use pmip_wire::udp::CONTROL_PORT;
use serde_json::{Value, json};

use super::super::Only;
use super::super::rows::{
    BindingRow, FlowTableRow, HeartbeatRow, HeartbeatSummary, PathRow, PeerRow, TunnelRow,
};
use crate::config::model::{AccessTechnology, TunnelAcl};
use crate::node::Node;
use crate::node::track::state_name;
use crate::platform::dataplane::PathStats;

/// Flows shown at most.
const FLOW_LIMIT: usize = 10_000;
/// A flow without packets for this long is quiet.
const QUIET_MS: u64 = 5_000;

/// One look at a node: its paths and its data plane's counters at one moment.
pub(super) struct View<'a> {
    pub(super) node: &'a Node,
    paths: Vec<PathStatus>,
    traffic: BTreeMap<PathId, PathStats>,
}

impl<'a> View<'a> {
    pub(super) fn new(node: &'a Node) -> Self {
        let stats = node.ports().tunnels.stats();
        Self {
            node,
            paths: node.engine().paths(),
            traffic: stats.paths.into_iter().collect(),
        }
    }

    pub(super) fn bindings(&self, now: Instant, only: Option<&Only>) -> Vec<BindingRow> {
        let bindings = self.node.engine().bindings(now).into_iter();
        bindings
            .filter(|binding| match only {
                Some(Only::Nai(nai)) => binding.mn_id == *nai,
                Some(Only::Peer(peer)) => binding.peer == *peer,
                Some(Only::Customer(name)) => binding.customer.as_ref() == Some(name),
                Some(Only::Summary | Only::History | Only::Flow(_) | Only::Busiest(_)) | None => {
                    true
                }
            })
            .map(|binding| self.binding_row(binding))
            .collect()
    }

    fn binding_row(&self, binding: BindingStatus) -> BindingRow {
        let bound = binding.paths.iter();
        let bound =
            bound.filter_map(|bound| Some(self.bound_path(self.status(bound.path)?, bound)));
        BindingRow {
            paths: bound.collect(),
            session: binding.session.0,
            mn_id: binding.mn_id,
            lmn: binding.logical,
            state: binding_state(binding.state).into(),
            peer: binding.peer,
            customer: binding.customer,
            hnp: binding.home_prefixes,
            ipv4_hoa: binding.ipv4_home.map(|(address, _, _)| address),
            ipv4_prefix_length: binding.ipv4_home.map(|(_, length, _)| length),
            default_router: binding.ipv4_home.map(|(_, _, router)| router),
            dmnp: binding.delegated,
            service: binding.service_selection,
            access_network: binding
                .access_network
                .and_then(|network| serde_json::to_value(network).ok()),
            lifetime_s: binding.lifetime.as_secs(),
            remaining_s: binding.remaining.as_secs(),
        }
    }

    /// A path with what one session has of it.
    fn bound_path(&self, status: &PathStatus, bound: &PathBindingStatus) -> PathRow {
        let mut row = self.path_row(status);
        row.bid = bound.binding_id;
        row.lifetime_s = Some(bound.lifetime.as_secs());
        row.remaining_s = Some(bound.remaining.as_secs());
        row.gre_key_up = bound.keys.map(|keys| keys.uplink);
        row.gre_key_down = bound.keys.map(|keys| keys.downlink);
        row
    }

    /// How many bindings there are, by state and by peer.
    pub(super) fn summary(&self, now: Instant) -> Value {
        let mut states: BTreeMap<&str, u64> = BTreeMap::new();
        let mut peers: BTreeMap<String, u64> = BTreeMap::new();
        let (mut count, mut logical) = (0_u64, 0_u64);
        for binding in self.node.engine().bindings(now) {
            *states.entry(binding_state(binding.state)).or_default() += 1;
            *peers.entry(binding.peer).or_default() += 1;
            count += 1;
            logical += u64::from(binding.logical);
        }
        json!({
            "bindings": count,
            "logical_mobile_nodes": logical,
            "by_state": states,
            "by_peer": peers,
            "paths": self.paths.len(),
        })
    }

    /// What passes between this node and one peer.
    pub(super) fn peer(&self, now: Instant, peer: &str) -> PeerRow {
        let bindings = self.node.engine().bindings(now).into_iter();
        let mut row = PeerRow {
            peer: peer.to_owned(),
            bindings: bindings.filter(|binding| binding.peer == peer).count() as u64,
            ..PeerRow::default()
        };
        for status in self.paths.iter().filter(|status| status.peer == peer) {
            let traffic = self.traffic(status.path);
            row.paths += 1;
            row.paths_up += u64::from(status.usable);
            if let Some(heartbeat) = status.heartbeat {
                row.heartbeats_sent += heartbeat.sent;
                row.heartbeats_answered += heartbeat.received;
            }
            row.tx_packets += traffic.tx_packets;
            row.tx_bytes += traffic.tx_bytes;
            row.tx_errors += traffic.tx_errors;
            row.rx_packets += traffic.rx_packets;
            row.rx_bytes += traffic.rx_bytes;
        }
        row
    }

    pub(super) fn paths(&self, only: Option<&Only>) -> Vec<PathRow> {
        let paths = self.statuses(only);
        paths.map(|path| self.path_row(path)).collect()
    }

    /// The paths, or those with one peer.
    pub(super) fn statuses<'s>(
        &'s self,
        only: Option<&'s Only>,
    ) -> impl Iterator<Item = &'s PathStatus> {
        let paths = self.paths.iter();
        paths.filter(move |status| match only {
            Some(Only::Peer(peer)) => status.peer == *peer,
            Some(Only::Customer(name)) => status.customer.as_ref() == Some(name),
            None
            | Some(
                Only::Nai(_) | Only::Summary | Only::History | Only::Flow(_) | Only::Busiest(_),
            ) => true,
        })
    }

    /// One path; they stand in order of their number.
    pub(super) fn status(&self, path: PathId) -> Option<&PathStatus> {
        let found = self.paths.binary_search_by_key(&path, |status| status.path);
        self.paths.get(found.ok()?)
    }

    fn path_row(&self, status: &PathStatus) -> PathRow {
        let traffic = self.traffic(status.path);
        let track = self.node.track(status.path);
        let heartbeat = status.heartbeat;
        let balance = self.node.balance();
        let dynamic_weight = balance.weight(status.path).map(round);
        PathRow {
            path: status.path.0,
            bid: status.binding_id,
            label: self.label_of(status),
            att: AccessTechnology(status.access_technology).to_string(),
            care_of: status.care_of,
            observed: status.observed,
            remote: status.remote,
            nat: status.nat,
            encap: status.encapsulation,
            state: state_name(status.state).into(),
            usable: status.usable,
            weight: status.weight,
            hint: self.node.hinted(status).map(|hinted| hinted.to_string()),
            dynamic_weight,
            congested: dynamic_weight.map(|_| balance.is_congested(status.path)),
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
            lifetime_s: None,
            remaining_s: None,
            gre_key_up: None,
            gre_key_down: None,
        }
    }

    pub(super) fn heartbeats(&self, only: Option<&Only>) -> Vec<HeartbeatRow> {
        let paths = self.statuses(only);
        paths
            .map(|status| HeartbeatRow {
                path: status.path.0,
                peer: status.peer.clone(),
                label: self.label_of(status),
                vrf: None,
                customer: status.customer.clone(),
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

    pub(super) fn tunnels(&self, only: Option<&Only>) -> Vec<TunnelRow> {
        let table = self.node.table();
        let paths = self.statuses(only);
        let acl = self.tunnel_acl();
        paths
            .map(|status| {
                let traffic = self.traffic(status.path);
                TunnelRow {
                    path: status.path.0,
                    label: self.label_of(status),
                    encap: status.encapsulation,
                    local: table.path(status.path).map(|path| path.local),
                    remote: status.remote,
                    mtu: table.path_mtu(status.path),
                    acl: acl.clone(),
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

    pub(super) fn flows(&self, only: Option<&Only>) -> Vec<FlowTableRow> {
        let mut flows = self.node.ports().tunnels.flows(FLOW_LIMIT);
        if let Some(Only::Busiest(most)) = only {
            // Of those that are quiet, only what they once carried could tell.
            flows.sort_by_key(|flow| (flow.idle_ms > QUIET_MS, Reverse(flow.bytes)));
            flows.truncate(*most);
        }
        flows.iter().map(|flow| self.flow_row(flow)).collect()
    }

    pub(super) fn label(&self, label: Label) -> Option<String> {
        if label == Label::NONE {
            return None;
        }
        let name = self.node.config().labels.name(label);
        Some(name.map_or_else(|| label.to_string(), str::to_owned))
    }

    /// The name of a path's label: ours, else the peer's, else its number.
    pub(super) fn label_of(&self, status: &PathStatus) -> Option<String> {
        let ours = self.node.config().labels.name(status.label);
        let name = ours.or(status.label_name.as_deref());
        name.map(str::to_owned).or_else(|| self.label(status.label))
    }

    fn tunnel_acl(&self) -> Option<String> {
        match &self.node.config().tunnel()?.acl {
            Some(TunnelAcl::List(name)) => Some(name.clone()),
            Some(TunnelAcl::AutoPools) => Some("auto-pools".into()),
            None => None,
        }
    }

    pub(super) fn traffic(&self, path: PathId) -> PathStats {
        self.traffic.get(&path).copied().unwrap_or_default()
    }
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

pub(super) fn millis(time: Duration) -> f64 {
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
