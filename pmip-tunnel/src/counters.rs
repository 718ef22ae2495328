//! What was carried and what was dropped.

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
    /// Larger than the tunnel takes; the sender was told unless errors are being limited.
    TooBig,
    /// The outer source is no peer of ours.
    UnknownPeer,
    /// Congestion was marked on a packet whose sender knows no ECN (RFC 6040 section 4.2).
    EcnNotCapable,
    /// The path's encapsulation or socket is not there.
    NoTunnel,
}

impl DropReason {
    /// All reasons, in order.
    pub const ALL: [Self; 9] = [
        Self::Malformed,
        Self::LinkScope,
        Self::SpoofedSource,
        Self::NoSession,
        Self::NoUsablePath,
        Self::TooBig,
        Self::UnknownPeer,
        Self::EcnNotCapable,
        Self::NoTunnel,
    ];

    /// The name that counters go by: `spoofed-source`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::LinkScope => "link-scope",
            Self::SpoofedSource => "spoofed-source",
            Self::NoSession => "no-session",
            Self::NoUsablePath => "no-usable-path",
            Self::TooBig => "too-big",
            Self::UnknownPeer => "unknown-peer",
            Self::EcnNotCapable => "ecn-not-capable",
            Self::NoTunnel => "no-tunnel",
        }
    }
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What one path carried, in inner packets and octets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PathCounters {
    /// Packets sent into the tunnel.
    pub tx_packets: u64,
    /// Octets sent into the tunnel.
    pub tx_bytes: u64,
    /// Packets that came out of the tunnel and were accepted.
    pub rx_packets: u64,
    /// Octets that came out of the tunnel and were accepted.
    pub rx_bytes: u64,
}

/// The counters of one forwarder; all wrap at 2^64.
#[derive(Clone, Debug, Default)]
pub struct Counters {
    /// Slots of `paths`; never iterated.
    index: HashMap<PathId, usize, FixedState>,
    paths: Vec<(PathId, PathCounters)>,
    drops: [u64; DropReason::ALL.len()],
    icmp_sent: u64,
}

impl Counters {
    /// What `path` carried.
    pub fn path(&self, path: PathId) -> PathCounters {
        self.index
            .get(&path)
            .and_then(|slot| self.paths.get(*slot))
            .map_or_else(PathCounters::default, |(_, counters)| *counters)
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

    pub(crate) fn count_tx(&mut self, path: PathId, packets: u64, bytes: u64) {
        if let Some(counters) = self.path_mut(path) {
            counters.tx_packets = counters.tx_packets.wrapping_add(packets);
            counters.tx_bytes = counters.tx_bytes.wrapping_add(bytes);
        }
    }

    pub(crate) fn count_rx(&mut self, path: PathId, bytes: u64) {
        if let Some(counters) = self.path_mut(path) {
            counters.rx_packets = counters.rx_packets.wrapping_add(1);
            counters.rx_bytes = counters.rx_bytes.wrapping_add(bytes);
        }
    }

    fn path_mut(&mut self, path: PathId) -> Option<&mut PathCounters> {
        let paths = &mut self.paths;
        let slot = *self.index.entry(path).or_insert_with(|| {
            paths.push((path, PathCounters::default()));
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
