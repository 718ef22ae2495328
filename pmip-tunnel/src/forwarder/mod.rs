//! One worker's packet path: lookup, path choice, guards, cutting.

mod inbound;
mod outbound;

use core::net::{Ipv4Addr, Ipv6Addr};
use core::ops::Range;

use pmip_policy::{FlowTable, FlowTableConfig};
use pmip_wire::types::PathId;

use crate::counters::{Counters, DropReason};
use crate::ecn::Ecn;
use crate::icmp::Limiter;
use crate::packet::Packet;

/// What a forwarder needs to know besides the table.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ForwarderConfig {
    /// Bounds and idle times of the flow table.
    pub flows: FlowTableConfig,
    /// Keys the flow hash; random, so that nobody can aim at one path.
    pub seed: u64,
    /// Source of ICMPv4 errors; without one the dummy address 192.0.0.8 (RFC 7600 section 4.8).
    pub icmp_source_v4: Option<Ipv4Addr>,
    /// Source of ICMPv6 errors; without one no such errors are sent.
    pub icmp_source_v6: Option<Ipv6Addr>,
    /// Whether the MSS option of TCP SYN segments is lowered to what the tunnel takes.
    pub clamp_mss: bool,
}

impl Default for ForwarderConfig {
    fn default() -> Self {
        Self {
            flows: FlowTableConfig::default(),
            seed: 0,
            icmp_source_v4: None,
            icmp_source_v6: None,
            clamp_mss: true,
        }
    }
}

/// The packet path of one worker thread: its share of the flows, its counters.
///
/// It holds no table: every call takes the snapshot that the worker read at the start of its batch.
/// All snapshots that one forwarder sees must be clones of one table at different times, since it
/// tells them apart by their [generation](crate::ForwardingTable::generation).
///
/// ```
/// use pmip_tunnel::{
///     DropReason, Forwarder, ForwarderConfig, ForwardingTable, Outbound, PacketOffload, Role,
///     SegmentArena,
/// };
/// use pmip_wire::types::Instant;
///
/// let table = ForwardingTable::new(Role::Mag);
/// let mut forwarder = Forwarder::new(ForwarderConfig::default());
/// let mut arena = SegmentArena::new();
/// let noise = [0u8; 40];
/// let verdict = forwarder.outbound(Instant::ZERO, &table, &noise, PacketOffload::NONE, &mut arena);
/// assert_eq!(verdict, Outbound::Drop(DropReason::Malformed));
/// ```
#[derive(Debug)]
pub struct Forwarder {
    config: ForwarderConfig,
    flows: FlowTable,
    limiter: Limiter,
    counters: Counters,
    admitted: Option<inbound::Admission>,
}

/// What becomes of a packet on its way into a tunnel: a driver has to act on each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outbound {
    /// Send it through a tunnel.
    Tunnel(TunnelSend),
    /// Send this segment of the arena, an ICMP error, back to where the packet came from.
    Reply(usize),
    /// Nothing; it is counted.
    Drop(DropReason),
}

/// A packet to send through a tunnel.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TunnelSend {
    /// Through which path.
    pub path: PathId,
    /// The segments in the arena that it was cut into. All but the last have one length.
    pub segments: Range<usize>,
    /// ECN field of the outer header (RFC 6040 section 4.1).
    pub ecn: Ecn,
    /// The outer packet is larger than the path takes and has to be fragmented: send every segment
    /// by itself, with Don't Fragment clear (RFC 2473 section 7).
    pub fragment: bool,
}

/// What becomes of a packet that came out of a tunnel: a driver has to act on each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inbound {
    /// Deliver it; these are its headers. Its ECN field and MSS option are adjusted in place.
    Deliver(Packet),
    /// It is for this end of the tunnel: a heartbeat or a probe.
    Local,
    /// Nothing; it is counted.
    Drop(DropReason),
}

impl Forwarder {
    /// A forwarder without flows.
    pub fn new(config: ForwarderConfig) -> Self {
        Self {
            flows: FlowTable::new(config.flows, config.seed),
            limiter: Limiter::new(),
            counters: Counters::default(),
            admitted: None,
            config,
        }
    }

    /// The flows it remembers.
    pub const fn flows(&self) -> &FlowTable {
        &self.flows
    }

    /// The flows it remembers, to forget some.
    pub const fn flows_mut(&mut self) -> &mut FlowTable {
        &mut self.flows
    }

    /// What it carried and dropped.
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Counts a packet that the driver had to drop.
    pub fn count_drop(&mut self, reason: DropReason) {
        self.counters.count_drop(reason);
    }
}

#[cfg(test)]
mod tests;
