//! The rows of `show`: their JSON is a contract with outside programs.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use pmip_wire::types::{Encapsulation, IpPrefix};
use serde::{Deserialize, Serialize};

/// One mobility session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BindingRow {
    /// Its number inside the node.
    pub session: u32,
    /// The mobile node's identifier (NAI).
    pub mn_id: String,
    /// Whether it is a logical mobile node.
    pub lmn: bool,
    /// `init`, `active`, `refresh-pending` or `disconnecting`.
    pub state: String,
    /// The peer's name or address.
    pub peer: String,
    /// The customer whose it is (LMA); none: the anchor's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
    /// Home network prefixes.
    pub hnp: Vec<IpPrefix>,
    /// IPv4 home address.
    pub ipv4_hoa: Option<Ipv4Addr>,
    /// The prefix length told to the mobile node with it.
    pub ipv4_prefix_length: Option<u8>,
    /// The default router told to the mobile node.
    pub default_router: Option<Ipv4Addr>,
    /// Delegated mobile network prefixes.
    pub dmnp: Vec<IpPrefix>,
    /// The service selected (RFC 5149).
    pub service: Option<String>,
    /// The access network behind the mobile node (RFC 6757).
    pub access_network: Option<serde_json::Value>,
    /// Lifetime granted, in seconds.
    pub lifetime_s: u64,
    /// What remains of it, in seconds.
    pub remaining_s: u64,
    /// Its paths, in order of registration.
    pub paths: Vec<PathRow>,
}

/// One path.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PathRow {
    /// Its number inside the node.
    pub path: u32,
    /// Its Binding ID.
    pub bid: u8,
    /// Its label's name; none without a label.
    pub label: Option<String>,
    /// Access technology, in the names of the configuration language.
    pub att: String,
    /// The care-of address as the MAG knows it.
    pub care_of: IpAddr,
    /// Where the peer's signalling comes from.
    pub observed: SocketAddr,
    /// Where tunnelled packets go.
    pub remote: SocketAddr,
    /// Whether a NAT stands between.
    pub nat: bool,
    /// Encapsulation.
    pub encap: Encapsulation,
    /// `up`, `down`, `registering` or `nat-changed`.
    pub state: String,
    /// Whether it may carry traffic now.
    pub usable: bool,
    /// What outside programs say of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Share of new flows in our sending direction.
    pub weight: u32,
    /// `load-balance dynamic`: what the weight is now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dynamic_weight: Option<f64>,
    /// `load-balance dynamic`: whether the path is congested, as far as measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub congested: Option<bool>,
    /// The roaming interface (MAG).
    pub interface: Option<String>,
    /// The peer's name or address.
    pub peer: String,
    /// Sessions bound to it.
    pub sessions: u32,
    /// Its heartbeat; none when no rule asks for one.
    pub heartbeat: Option<HeartbeatSummary>,
    /// Round-trip time of the last heartbeat, in milliseconds.
    pub rtt_ms: Option<f64>,
    /// Its smoothed variation, in milliseconds.
    pub jitter_ms: Option<f64>,
    /// Heartbeats without answer, in per cent since the start.
    pub loss_pct: Option<f64>,
    /// Inner packets sent.
    pub tx_packets: u64,
    /// Inner octets sent.
    pub tx_bytes: u64,
    /// Inner packets received.
    pub rx_packets: u64,
    /// Inner octets received.
    pub rx_bytes: u64,
    /// Flows that use it now.
    pub flows: u64,
    /// Under a binding: its lifetime over this path, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifetime_s: Option<u64>,
    /// Under a binding: what remains of it, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remaining_s: Option<u64>,
    /// Under a binding: the GRE key from the MAG, where exchanged (RFC 5845).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gre_key_up: Option<u32>,
    /// Under a binding: the GRE key towards the MAG.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gre_key_down: Option<u32>,
}

/// What passes between this node and one peer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerRow {
    /// The peer's name or address.
    pub peer: String,
    /// Bindings with it.
    pub bindings: u64,
    /// Paths to it.
    pub paths: u64,
    /// Paths to it that may carry traffic.
    pub paths_up: u64,
    /// Heartbeat requests sent.
    pub heartbeats_sent: u64,
    /// Heartbeat answers received.
    pub heartbeats_answered: u64,
    /// Inner packets sent.
    pub tx_packets: u64,
    /// Inner octets sent.
    pub tx_bytes: u64,
    /// Sends that failed.
    pub tx_errors: u64,
    /// Inner packets received.
    pub rx_packets: u64,
    /// Inner octets received.
    pub rx_bytes: u64,
}

/// The heartbeat of a path, in short.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeartbeatSummary {
    /// Seconds from request to request.
    pub interval_s: f64,
    /// Missed answers allowed.
    pub retries: u32,
    /// Requests sent.
    pub sent: u64,
    /// Answers received.
    pub received: u64,
    /// Requests unanswered since the last answer.
    pub missed: u32,
}

/// The heartbeat of a path, in full.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeartbeatRow {
    /// The path's number.
    pub path: u32,
    /// The peer's name or address.
    pub peer: String,
    /// Its label's name.
    pub label: Option<String>,
    /// The transport VRF; none = the namespace of the node.
    pub vrf: Option<String>,
    /// The customer.
    pub customer: Option<String>,
    /// Our address and port.
    pub source: SocketAddr,
    /// The peer's address and port, after any NAT.
    pub destination: SocketAddr,
    /// `up` or `down`.
    pub status: String,
    /// Whether the transport is IPv6.
    pub ipv6: bool,
    /// Figures; none when no rule asks for a heartbeat.
    pub heartbeat: Option<HeartbeatSummary>,
    /// Round-trip time of the last answer, in milliseconds.
    pub rtt_ms: Option<f64>,
    /// The peer's Restart Counter, once known.
    pub restart_counter: Option<u32>,
    /// NAT mappings that changed under the path.
    pub nat_changes: u64,
}

/// One tunnel: there is one for each path.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TunnelRow {
    /// The path's number.
    pub path: u32,
    /// Its label's name.
    pub label: Option<String>,
    /// Encapsulation.
    pub encap: Encapsulation,
    /// Our outer address.
    pub local: Option<IpAddr>,
    /// The peer's outer address and port.
    pub remote: SocketAddr,
    /// The largest inner packet, in octets.
    pub mtu: Option<u16>,
    /// The access list on it.
    pub acl: Option<String>,
    /// Whether it may carry traffic now.
    pub usable: bool,
    /// Inner packets sent.
    pub tx_packets: u64,
    /// Inner octets sent.
    pub tx_bytes: u64,
    /// Inner packets received.
    pub rx_packets: u64,
    /// Inner octets received.
    pub rx_bytes: u64,
    /// Sends that failed.
    pub tx_errors: u64,
}

/// One remembered flow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FlowTableRow {
    /// Inner source and port.
    pub source: SocketAddr,
    /// Inner destination and port.
    pub destination: SocketAddr,
    /// IP protocol: its name where it has one, else its number.
    pub protocol: String,
    /// The path's number.
    pub path: u32,
    /// The path as people call it: its label, else its interface or peer.
    #[serde(default)]
    pub link: String,
    /// The path's label.
    pub label: Option<String>,
    /// Packets seen.
    pub packets: u64,
    /// Octets seen.
    pub bytes: u64,
    /// Seconds since its last packet.
    pub idle_s: f64,
    /// The mobile-map entry that decided; none = the default class.
    #[serde(default)]
    pub entry: Option<u8>,
    /// `new`, `balanced`, `kept`, `moved`, `returned`, `flowlet` or `mirrored`.
    #[serde(default)]
    pub reason: String,
    /// How often it moved since it began.
    #[serde(default)]
    pub moves: u16,
    /// Seconds on this path.
    #[serde(default)]
    pub on_path_s: f64,
    /// Why it is there, in words.
    #[serde(default)]
    pub why: String,
}

/// Where one flow goes, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PathDecisionRow {
    /// The flow.
    pub flow: String,
    /// The number of its session.
    pub session: u32,
    /// The mobile map in force.
    pub mobile_map: Option<String>,
    /// The entry that decides; none = the default class.
    pub entry: Option<u8>,
    /// The access list of the entry.
    pub access_list: Option<String>,
    /// The sequence number of the line of it that permits the flow.
    pub line: Option<u32>,
    /// The entry's labels in order of preference.
    pub link_type: Vec<String>,
    /// The entry's traffic profile.
    pub traffic_profile: Option<String>,
    /// The path where the flow would be placed now.
    pub path: Option<u32>,
    /// That path as people call it.
    pub link: Option<String>,
    /// Labels of the entry that have no path to give.
    pub fallen: u8,
    /// No path meets the profile: the one that violates it least is taken.
    pub profile_fallback: bool,
    /// The hash that places it, in hexadecimal.
    pub hash: String,
    /// The bucket of the hash.
    pub bucket: Option<usize>,
    /// Of how many.
    pub buckets: Option<usize>,
    /// Why it is dropped.
    pub dropped: Option<String>,
    /// The decision in words, one step each.
    pub why: Vec<String>,
    /// Every path of the session and its part in it.
    pub candidates: Vec<CandidateRow>,
    /// What the flow table has of it; none where it does not know it.
    pub known: Option<FlowTableRow>,
}

/// One path in a decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CandidateRow {
    /// The path's number.
    pub path: u32,
    /// The path as people call it.
    pub link: String,
    /// Its label.
    pub label: Option<String>,
    /// Its weight now.
    pub weight: f64,
    /// Its share of the flows that are placed like this one, in per cent.
    pub share_pct: f64,
    /// `eligible`, `down`, `held-back` by failure detection or a hint, `violating`, `not-named` or `lower-preference`.
    pub standing: String,
}

/// What the hybrid-access service measured on one path.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SlaRow {
    /// The path's number.
    pub path: u32,
    /// The peer's name or address.
    pub peer: String,
    /// Its label's name.
    pub label: Option<String>,
    /// The roaming interface (MAG).
    pub interface: Option<String>,
    /// The customer.
    pub customer: Option<String>,
    /// Our address in its tunnel.
    pub source: IpAddr,
    /// The peer's address in its tunnel.
    pub destination: IpAddr,
    /// Whether it is probed.
    pub probed: bool,
    /// What failure detection says; none where the peer never answered it.
    pub alive: Option<bool>,
    /// Round-trip time as failure detection measured it last, in milliseconds.
    pub alive_rtt_ms: Option<f64>,
    /// How often it died, as far as that is not forgiven.
    pub deaths: u32,
    /// Whether it carries traffic now: the engine and failure detection agree.
    pub usable: bool,
    /// Share of new flows in our sending direction.
    pub weight: u32,
    /// Flows that use it now.
    pub flows: u64,
    /// Operations that ended.
    pub operations: u64,
    /// What the last one showed, in full; durations in milliseconds.
    pub last: Option<serde_json::Value>,
    /// When the last one began, in seconds since 1970-01-01 00:00 UTC.
    pub last_started: Option<f64>,
    /// The path against each traffic profile.
    pub profiles: Vec<SlaProfileRow>,
    /// Operations that are remembered, the oldest first; only where they were asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<SlaOperationRow>,
}

/// A path against a traffic profile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SlaProfileRow {
    /// The profile's name.
    pub profile: String,
    /// `unknown`, `conforming` or `violating`.
    pub state: String,
    /// Seconds since it came into this state; none while it is in its first.
    pub since_s: Option<f64>,
    /// Changes of the state.
    pub transitions: u64,
    /// What the last operation violated most: `jitter`, `rtt` or `loss`.
    pub violated: Option<String>,
    /// The largest value of the last operation in parts of its limit.
    pub worst: Option<f64>,
}

/// One operation in short.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SlaOperationRow {
    /// When it began, in seconds since 1970-01-01 00:00 UTC.
    pub started: f64,
    /// How it ended.
    pub outcome: String,
    /// Probes sent.
    pub sent: u64,
    /// Probes answered.
    pub received: u64,
    /// Probes lost, in per cent.
    pub loss_pct: Option<f64>,
    /// Mean round-trip time, in milliseconds.
    pub rtt_ms: Option<f64>,
    /// Mean jitter of the worse direction, in milliseconds.
    pub jitter_ms: Option<f64>,
}

/// A mobile map.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MobileMapRow {
    /// Its name.
    pub name: String,
    /// Whether it is in force; the others count nothing.
    pub active: bool,
    /// Its entries in order.
    pub entries: Vec<MapEntryRow>,
    /// Flows that no entry took: they use every path.
    pub default_hits: u64,
}

/// One entry of a mobile map.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MapEntryRow {
    /// Its place.
    pub sequence: u32,
    /// What it matches; none = everything.
    pub access_list: Option<String>,
    /// Labels in order of preference; none = every path.
    pub link_type: Vec<String>,
    /// Whether it drops when none of them is usable.
    pub null: bool,
    /// The profile that a path must meet.
    pub traffic_profile: Option<String>,
    /// Whether it drops when no path does.
    pub strict: bool,
    /// Flows that it took; of what it drops, packets.
    pub hits: u64,
    /// Of these, flows that went past its first label.
    pub falls: u64,
    /// Packets dropped by `null`.
    pub null_drops: u64,
    /// Flows on a path that violates the profile, because all did.
    pub profile_fallbacks: u64,
    /// Packets dropped by `strict`.
    pub strict_drops: u64,
}
