//! What was carried and what was dropped.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use pmip_wire::types::PathId;

/// Why a packet was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DropReason {
    /// The octets are no IP packet, or contradict what the kernel said about them.
    Malformed,
    /// Multicast or link-local: such packets never leave their link.
    LinkScope,
    /// The inner source belongs to no session, or to one that is not bound to the path.
    SpoofedSource,
    /// The inner destination belongs to no session.
    NoSession,
    /// The session has no usable path.
    NoUsablePath,
    /// `null` of a mobile-map entry: none of the links that it names is usable.
    MapNull,
    /// A `strict` mobile-map entry: no path meets its traffic profile.
    MapStrict,
    /// Larger than the tunnel takes; the sender was told unless errors are being limited.
    TooBig,
    /// The outer source is no peer of ours.
    UnknownPeer,
    /// Congestion was marked on a packet whose sender knows no ECN (RFC 6040 section 4.2).
    EcnNotCapable,
    /// The path's encapsulation or socket is not there.
    NoTunnel,
    /// A TLV or GRE header is malformed, or does not announce what it carries.
    BadEncapsulation,
    /// The GRE key is missing, unknown, or another session's.
    WrongKey,
    /// The tunnel ACL does not permit it.
    TunnelAcl,
    /// From one pool of the anchor to another, or within one (`tunnel acl auto-pools`).
    BetweenPools,
    /// It would come back for ever: between the tunnel's own ends (RFC 2473 section 4.1.2), or its
    /// encapsulation limit is used up (section 4.1.1).
    Loop,
    /// A packet for the tunnel's other end that is not between the two ends.
    NotLocal,
}

impl DropReason {
    /// All reasons, in order.
    pub const ALL: [Self; 17] = [
        Self::Malformed,
        Self::LinkScope,
        Self::SpoofedSource,
        Self::NoSession,
        Self::NoUsablePath,
        Self::MapNull,
        Self::MapStrict,
        Self::TooBig,
        Self::UnknownPeer,
        Self::EcnNotCapable,
        Self::NoTunnel,
        Self::BadEncapsulation,
        Self::WrongKey,
        Self::TunnelAcl,
        Self::BetweenPools,
        Self::Loop,
        Self::NotLocal,
    ];

    /// The name that counters go by: `spoofed-source`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::LinkScope => "link-scope",
            Self::SpoofedSource => "spoofed-source",
            Self::NoSession => "no-session",
            Self::NoUsablePath => "no-usable-path",
            Self::MapNull => "map-null",
            Self::MapStrict => "map-strict",
            Self::TooBig => "too-big",
            Self::UnknownPeer => "unknown-peer",
            Self::EcnNotCapable => "ecn-not-capable",
            Self::NoTunnel => "no-tunnel",
            Self::BadEncapsulation => "bad-encapsulation",
            Self::WrongKey => "wrong-key",
            Self::TunnelAcl => "tunnel-acl",
            Self::BetweenPools => "between-pools",
            Self::Loop => "loop",
            Self::NotLocal => "not-local",
        }
    }
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What was carried, in inner packets and octets: outer headers, TLV and GRE do not count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Carried {
    /// Packets sent into tunnels.
    pub tx_packets: u64,
    /// Octets sent into tunnels.
    pub tx_bytes: u64,
    /// Packets that came out of tunnels and were accepted.
    pub rx_packets: u64,
    /// Octets that came out of tunnels and were accepted.
    pub rx_bytes: u64,
}

impl Carried {
    const fn sent(&mut self, packets: u64, bytes: u64) {
        self.tx_packets = self.tx_packets.wrapping_add(packets);
        self.tx_bytes = self.tx_bytes.wrapping_add(bytes);
    }

    const fn received(&mut self, bytes: u64) {
        self.rx_packets = self.rx_packets.wrapping_add(1);
        self.rx_bytes = self.rx_bytes.wrapping_add(bytes);
    }
}

/// What one path carried.
pub type PathCounters = Carried;

/// The counters of one forwarder; all wrap at 2^64.
///
/// Classes of a mobile map are counted by the map itself, lines of access lists by those.
#[derive(Clone, Debug)]
pub struct Counters {
    /// Slots of `paths`; never iterated.
    index: HashMap<PathId, usize, FixedState>,
    paths: Vec<(PathId, Carried)>,
    classes: Box<[Carried; CLASSES]>,
    local: Carried,
    drops: [u64; DropReason::ALL.len()],
    icmp_sent: u64,
}

/// One for each Differentiated Services code point.
const CLASSES: usize = 64;

impl Default for Counters {
    fn default() -> Self {
        Self {
            index: HashMap::default(),
            paths: Vec::new(),
            classes: Box::new([Carried::default(); CLASSES]),
            local: Carried::default(),
            drops: [0; DropReason::ALL.len()],
            icmp_sent: 0,
        }
    }
}

impl Counters {
    /// What `path` carried.
    pub fn path(&self, path: PathId) -> PathCounters {
        self.index
            .get(&path)
            .and_then(|slot| self.paths.get(*slot))
            .map_or_else(Carried::default, |(_, counters)| *counters)
    }

    /// What was carried with the inner Differentiated Services code point `dscp`, 0 to 63, on all
    /// paths.
    pub fn class(&self, dscp: u8) -> Carried {
        self.classes
            .get(usize::from(dscp))
            .copied()
            .unwrap_or_default()
    }

    /// Heartbeats and probes between the ends of tunnels; they count nowhere else.
    pub const fn local(&self) -> Carried {
        self.local
    }

    /// All paths that ever carried something, in the order of their first packet.
    pub fn paths(&self) -> &[(PathId, PathCounters)] {
        &self.paths
    }

    /// Packets dropped for `reason`.
    pub fn drops(&self, reason: DropReason) -> u64 {
        slot(reason)
            .and_then(|slot| self.drops.get(slot).copied())
            .unwrap_or(0)
    }

    /// ICMP errors sent to inner hosts.
    pub const fn icmp_sent(&self) -> u64 {
        self.icmp_sent
    }

    /// Counts a drop that the driver decided.
    pub fn count_drop(&mut self, reason: DropReason) {
        if let Some(count) = slot(reason).and_then(|slot| self.drops.get_mut(slot)) {
            *count = count.wrapping_add(1);
        }
    }

    pub(crate) fn count_icmp(&mut self) {
        self.icmp_sent = self.icmp_sent.wrapping_add(1);
    }

    pub(crate) fn count_tx(&mut self, path: PathId, traffic_class: u8, packets: u64, bytes: u64) {
        if let Some(class) = self.class_mut(traffic_class) {
            class.sent(packets, bytes);
        }
        if let Some(counters) = self.path_mut(path) {
            counters.sent(packets, bytes);
        }
    }

    pub(crate) fn count_rx(&mut self, path: PathId, traffic_class: u8, bytes: u64) {
        if let Some(class) = self.class_mut(traffic_class) {
            class.received(bytes);
        }
        if let Some(counters) = self.path_mut(path) {
            counters.received(bytes);
        }
    }

    pub(crate) const fn count_local_tx(&mut self, bytes: u64) {
        self.local.sent(1, bytes);
    }

    pub(crate) const fn count_local_rx(&mut self, bytes: u64) {
        self.local.received(bytes);
    }

    fn class_mut(&mut self, traffic_class: u8) -> Option<&mut Carried> {
        self.classes.get_mut(usize::from(traffic_class >> 2))
    }

    fn path_mut(&mut self, path: PathId) -> Option<&mut Carried> {
        let paths = &mut self.paths;
        let slot = *self.index.entry(path).or_insert_with(|| {
            paths.push((path, Carried::default()));
            paths.len().saturating_sub(1)
        });
        paths.get_mut(slot).map(|(_, counters)| counters)
    }
}

fn slot(reason: DropReason) -> Option<usize> {
    DropReason::ALL.iter().position(|known| *known == reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_own_counter() {
        let mut counters = Counters::default();
        for (index, reason) in DropReason::ALL.into_iter().enumerate() {
            for _ in 0..=index {
                counters.count_drop(reason);
            }
        }
        for (index, reason) in DropReason::ALL.into_iter().enumerate() {
            assert_eq!(counters.drops(reason), index as u64 + 1, "{reason}");
        }
    }
}
