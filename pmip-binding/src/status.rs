//! What an engine shows of itself.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use pmip_wire::AccessNetworkIdentifier;
use pmip_wire::types::{Encapsulation, IpPrefix, Label, PathId};

use crate::config::Tolerance;
use crate::event::{DropReason, GreKeys, PathState, SessionId};

/// One mobility session.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct BindingStatus {
    /// Its number, as in the forwarding events.
    pub session: SessionId,
    /// The mobile node's identifier (NAI).
    pub mn_id: String,
    /// Whether it is a logical mobile node. An LMA calls so what has delegated prefixes.
    pub logical: bool,
    /// How it stands.
    pub state: BindingState,
    /// The peer's name: the MAG Identifier or address on an LMA, the anchor's name on a MAG.
    pub peer: String,
    /// The customer whose it is (LMA).
    #[cfg_attr(feature = "serde", serde(default))]
    pub customer: Option<String>,
    /// Home network prefixes.
    pub home_prefixes: Vec<IpPrefix>,
    /// IPv4 home address with its prefix length, and the default router.
    pub ipv4_home: Option<(Ipv4Addr, u8, Ipv4Addr)>,
    /// Delegated mobile network prefixes.
    pub delegated: Vec<IpPrefix>,
    /// The service selected (RFC 5149).
    pub service_selection: Option<String>,
    /// The access network behind the mobile node, as told to or by the peer (RFC 6757).
    pub access_network: Option<AccessNetworkIdentifier>,
    /// Lifetime granted, the longest over its paths.
    pub lifetime: Duration,
    /// What remains of it.
    pub remaining: Duration,
    /// Its paths, in order of registration.
    pub paths: Vec<PathBindingStatus>,
}

/// How a binding stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum BindingState {
    /// Asked for, not answered yet (MAG).
    Init,
    /// Registered.
    Active,
    /// Registered, and a refresh is under way (MAG).
    RefreshPending,
    /// Being de-registered; an LMA holds the prefixes until the delete wait ends.
    Disconnecting,
}

/// One path of one session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct PathBindingStatus {
    /// Which path.
    pub path: PathId,
    /// Its Binding ID in this session; 0 without multipath.
    pub binding_id: u8,
    /// How this binding stands.
    pub state: BindingState,
    /// Lifetime granted.
    pub lifetime: Duration,
    /// What remains of it.
    pub remaining: Duration,
    /// GRE keys, where exchanged (RFC 5845).
    pub keys: Option<GreKeys>,
}

/// One path, which many sessions may share.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct PathStatus {
    /// Its number, as in the forwarding events.
    pub path: PathId,
    /// The peer's name: the MAG Identifier or address on an LMA, the anchor's name on a MAG.
    pub peer: String,
    /// The customer whose it is (LMA).
    #[cfg_attr(feature = "serde", serde(default))]
    pub customer: Option<String>,
    /// The roaming interface (MAG).
    pub interface: Option<String>,
    /// The Binding ID it was registered with; 0 without multipath.
    pub binding_id: u8,
    /// Its label.
    pub label: Label,
    /// The name of the label, where it is known from the configuration (MAG) or from the gateway
    /// (LMA).
    pub label_name: Option<String>,
    /// Access technology (RFC 5213 section 8.5 registry).
    pub access_technology: u8,
    /// The care-of address as the MAG knows it.
    pub care_of: IpAddr,
    /// Where the peer's signalling comes from, after any NAT: address and port.
    pub observed: SocketAddr,
    /// Where tunnelled packets go.
    pub remote: SocketAddr,
    /// Whether a NAT stands between.
    pub nat: bool,
    /// The encapsulation.
    pub encapsulation: Encapsulation,
    /// How it stands.
    pub state: PathState,
    /// Whether it may carry traffic now.
    pub usable: bool,
    /// Share of new flows in our sending direction.
    pub weight: u32,
    /// Sessions bound to it.
    pub sessions: u32,
    /// Its heartbeat; `None` when no rule asks for one.
    pub heartbeat: Option<HeartbeatStatus>,
}

/// The heartbeat of one path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct HeartbeatStatus {
    /// From request to request.
    pub interval: Duration,
    /// Missed answers allowed.
    pub retries: u32,
    /// Requests sent.
    pub sent: u64,
    /// Answers received.
    pub received: u64,
    /// Requests unanswered since the last answer.
    pub missed: u32,
    /// Round-trip time of the last answer.
    pub rtt: Option<Duration>,
    /// The peer's Restart Counter, once known.
    pub restart_counter: Option<u32>,
}

/// A customer of an anchor (feature semantics section 2.6).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct CustomerStatus {
    /// Its name.
    pub name: String,
    /// Where its mobile nodes' traffic is routed; `None` = the default routing instance.
    pub vrf: Option<String>,
    /// Where its gateways are; `None` = the default routing instance.
    pub transport_vrf: Option<String>,
    /// The anchor's addresses for its gateways.
    pub addresses: Vec<IpAddr>,
    /// Its mobility sessions, those that wait for their end included.
    pub bindings: u32,
    /// Their IPv4 mobile network prefixes.
    pub delegated_ipv4: u32,
    /// Their IPv6 mobile network prefixes.
    pub delegated_ipv6: u32,
    /// What was counted since the start.
    pub stats: CustomerStats,
}

/// What an anchor counts for one customer since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct CustomerStats {
    /// PBUs received, retransmissions included.
    pub binding_updates: u64,
    /// PBAs sent, by Status.
    pub acknowledgements: BTreeMap<u8, u64>,
    /// Sessions that moved between its gateways.
    pub handoffs: u64,
    /// Sessions created.
    pub sessions_created: u64,
    /// Sessions or paths that ended because nothing refreshed them.
    pub expired: u64,
}

/// Counters since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Stats {
    /// Signalling datagrams received.
    pub received: u64,
    /// Signalling datagrams sent.
    pub sent: u64,
    /// PBUs received (LMA) or sent (MAG), retransmissions included.
    pub binding_updates: u64,
    /// PBUs sent again because no answer came (MAG).
    pub retransmissions: u64,
    /// PBAs sent (LMA) or taken (MAG), by Status.
    pub acknowledgements: BTreeMap<u8, u64>,
    /// Datagrams dropped, by reason.
    pub dropped: BTreeMap<DropReason, u64>,
    /// Bends of the rules taken from peers that may, by tolerance.
    pub tolerated: BTreeMap<Tolerance, u64>,
    /// Heartbeat requests sent.
    pub heartbeats_sent: u64,
    /// Heartbeat answers received.
    pub heartbeats_answered: u64,
    /// NAT mappings moved by a challenge (LMA, `natreboot`).
    #[cfg_attr(feature = "serde", serde(default))]
    pub nat_changes: u64,
    /// Sessions that moved between access gateways (LMA).
    pub handoffs: u64,
    /// Sessions created.
    pub sessions_created: u64,
    /// Sessions that ended because nothing refreshed them.
    pub expired: u64,
}

impl Stats {
    pub(crate) fn count_drop(&mut self, reason: DropReason) {
        let counter = self.dropped.entry(reason).or_insert(0);
        *counter = counter.saturating_add(1);
    }

    pub(crate) fn count_tolerated(&mut self, used: &[Tolerance]) {
        for tolerance in used {
            let counter = self.tolerated.entry(*tolerance).or_insert(0);
            *counter = counter.saturating_add(1);
        }
    }

    pub(crate) fn count_status(&mut self, status: u8) {
        let counter = self.acknowledgements.entry(status).or_insert(0);
        *counter = counter.saturating_add(1);
    }
}
