//! One worker's packet path: lookup, path choice, guards, cutting.

mod inbound;
mod local;
mod outbound;
mod underlay;

use alloc::vec::Vec;
use core::net::{Ipv4Addr, Ipv6Addr};
use core::ops::Range;

use pmip_policy::{FlowKey, FlowTable, FlowTableConfig, Spread};
use pmip_wire::types::{Instant, PathId};

use crate::counters::{Counters, DropReason};
use crate::ecn::Ecn;
use crate::encap::Carrier;
use crate::icmp::Limiter;
use crate::packet::Packet;
use crate::table::{ForwardingTable, SessionKey, VrfId};

pub use underlay::Underlay;

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
    /// Whether senders are told of what a mobile map drops by `null` or `strict`: ICMP
    /// administratively prohibited (default no).
    pub tell_prohibited: bool,
    /// UDP ports of probes between the ends of tunnels, whose packets come out as
    /// [`Inbound::Local`]: STAMP and IP SLA control by default. Add those that IP SLA measures on.
    pub local_ports: Vec<u16>,
}

impl Default for ForwarderConfig {
    fn default() -> Self {
        Self {
            flows: FlowTableConfig::default(),
            seed: 0,
            icmp_source_v4: None,
            icmp_source_v6: None,
            clamp_mss: true,
            tell_prohibited: false,
            local_ports: local::PROBE_PORTS.into(),
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
    /// The mobile map that placed the flows.
    policy_epoch: u32,
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

/// A packet to send through a tunnel. [`crate::encap`] says who writes which header.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TunnelSend {
    /// Through which path.
    pub path: PathId,
    /// The segments in the arena that it was cut into, with TLV and GRE headers in front. All but
    /// the last have one length.
    pub segments: Range<usize>,
    /// ECN field of the outer header (RFC 6040 section 4.1).
    pub ecn: Ecn,
    /// Differentiated Services code point of the outer header, 0 to 63.
    pub dscp: u8,
    /// Protocol number of the outer header: 17, 4, 41 or 47.
    pub protocol: u8,
    /// What the outer header's Tunnel Encapsulation Limit option states, where it has one (IPv6
    /// alone; [`limit_header`](crate::encap::limit_header)).
    pub encapsulation_limit: Option<u8>,
    /// The outer packet is larger than the path takes and has to be fragmented: send every segment
    /// by itself, with Don't Fragment clear (RFC 2473 section 7). Otherwise Don't Fragment is set,
    /// so that the path's MTU is learnt.
    pub fragment: bool,
}

impl TunnelSend {
    /// Traffic class or type of service octet of the outer header.
    pub const fn traffic_class(&self) -> u8 {
        (self.dscp << 2) | self.ecn.bits()
    }
}

/// How a packet came through a tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Arrival {
    /// Through which path.
    pub path: PathId,
    /// What its outer header was.
    pub carrier: Carrier,
    /// The outer ECN field.
    pub ecn: Ecn,
}

impl Arrival {
    /// Through `path`.
    pub const fn new(path: PathId, carrier: Carrier, ecn: Ecn) -> Self {
        Self { path, carrier, ecn }
    }

    /// Through `path` in UDP.
    pub const fn udp(path: PathId, ecn: Ecn) -> Self {
        Self::new(path, Carrier::Udp, ecn)
    }
}

/// What becomes of a packet that came out of a tunnel: a driver has to act on each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inbound {
    /// Deliver it. Its ECN field and MSS option are adjusted in place.
    Deliver(Delivery),
    /// It is for this end of the tunnel: a heartbeat or a probe.
    Local(LocalDelivery),
    /// Nothing; it is counted.
    Drop(DropReason),
}

/// A packet to deliver.
///
/// The seam of a bonding stage on its way in: a driver that has one puts it between here and the
/// [`Coalescer`](crate::Coalescer), and holds back what comes too early by `path`, `session` and
/// `sequence`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivery {
    /// Its headers.
    pub packet: Packet,
    /// Where it starts in what was given.
    pub start: usize,
    /// The path it came through.
    pub path: PathId,
    /// Whose it is.
    pub session: SessionKey,
    /// The routing instance to deliver it in.
    pub vrf: VrfId,
    /// Sequence Number of its GRE header (RFC 2890). Packets are delivered as they come, since
    /// the tunnel's users order what they need in order.
    pub sequence: Option<u32>,
}

impl Delivery {
    /// What the worker that has the flow's other direction may want to know (`flow-mirror`): that
    /// packets of this flow came through this path.
    pub fn hint(&self) -> FlowHint {
        FlowHint {
            flow: self.packet.flow_key(),
            session: self.session,
            path: self.path,
        }
    }
}

/// Where a flow arrived, for the answers to go back there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FlowHint {
    /// The flow as it arrived: answers have source and destination the other way round.
    pub flow: FlowKey,
    /// Whose it is.
    pub session: SessionKey,
    /// The path that it last came through.
    pub path: PathId,
}

/// A packet for this end of the tunnel.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LocalDelivery {
    /// Its headers.
    pub packet: Packet,
    /// Where it starts in what was given.
    pub start: usize,
    /// The path it came through.
    pub path: PathId,
}

impl FlowHint {
    /// Packets of `flow`, of this session, came through `path`.
    pub const fn new(flow: FlowKey, session: SessionKey, path: PathId) -> Self {
        Self {
            flow,
            session,
            path,
        }
    }
}

impl Forwarder {
    /// A forwarder without flows.
    pub fn new(config: ForwarderConfig) -> Self {
        Self {
            flows: FlowTable::new(config.flows, config.seed),
            limiter: Limiter::new(),
            counters: Counters::default(),
            admitted: None,
            policy_epoch: 0,
            config,
        }
    }

    /// Notes where a flow arrived, so that its answers go back there while the mobile map lets them
    /// (`flow-mirror`). Without [`mirror`](FlowTableConfig::mirror) nothing happens.
    pub fn arrived(&mut self, now: Instant, table: &ForwardingTable, hint: &FlowHint) {
        if !self.config.flows.mirror {
            return;
        }
        self.follow_policy(table);
        if let Some(group) = table.group_of_session(hint.session) {
            let (scope, generation) = (hint.session.0, group.generation);
            self.flows
                .arrived(now, hint.flow, scope, hint.path, group, generation);
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

    /// Keeps together what `spread` says from now on, and answers where flows arrived (`mirror`) or
    /// not. Where one of them differs all flows are placed anew.
    pub fn set_flow_rules(&mut self, spread: Spread, mirror: bool) {
        self.config.flows = self.config.flows.with_spread(spread).with_mirror(mirror);
        self.flows.set_rules(spread, mirror);
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
mod edge_tests;
#[cfg(test)]
mod tests;
