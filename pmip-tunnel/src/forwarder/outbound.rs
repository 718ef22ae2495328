//! Into the tunnel.

use core::net::{IpAddr, Ipv4Addr};
use core::ops::Range;

use pmip_policy::{Choice, NoPath};
use pmip_wire::types::Instant;

use super::{Forwarder, Outbound, TunnelSend};
use crate::counters::DropReason;
use crate::ecn::Ecn;
use crate::encap::{Carrier, Gre, InnerLimit, LIMIT_OVERHEAD, Shim, outer_limit, outer_protocol};
use crate::icmp::{self, Problem};
use crate::mss;
use crate::offload::PacketOffload;
use crate::packet::Packet;
use crate::segment::{Segment, SegmentArena, cut, header_length};
use crate::table::{ForwardingTable, KeyRow, Role, Routed, TunnelPath, VrfId, draw};

/// Source of ICMPv4 errors of a node without an address (RFC 7600 section 4.8).
const DUMMY_ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 0, 8);
/// The minimum MTU of IPv6: smaller is never asked of a sender (RFC 2473 section 7.1).
const IPV6_MINIMUM_MTU: u16 = 1280;

/// How a packet relates to the path's MTU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fit {
    Whole,
    /// The outer packet is to be fragmented.
    Fragment,
    /// The sender is to be told this MTU.
    TooBig(u16),
}

/// Why a packet does not go into a tunnel.
pub(super) enum Refusal {
    Drop(DropReason),
    /// Its sender is told.
    Tell(DropReason, Problem),
}

impl From<DropReason> for Refusal {
    fn from(reason: DropReason) -> Self {
        Self::Drop(reason)
    }
}

/// One packet on its way into a tunnel.
#[derive(Clone, Copy)]
struct Packeted<'a> {
    data: &'a [u8],
    packet: Packet,
    offload: PacketOffload,
}

impl Forwarder {
    /// Decides where `data`, an inner packet or a super-packet of `offload`, goes, and cuts it into
    /// `arena`. The packet is of the routing instance without a name; see [`Self::outbound_in`].
    pub fn outbound(
        &mut self,
        now: Instant,
        table: &ForwardingTable,
        data: &[u8],
        offload: PacketOffload,
        arena: &mut SegmentArena,
    ) -> Outbound {
        self.outbound_in(now, table, VrfId::DEFAULT, data, offload, arena)
    }

    /// Decides where `data`, an inner packet of the routing instance `vrf` or a super-packet of
    /// `offload`, goes, and cuts it into `arena`, with TLV and GRE headers in front where the path
    /// has them.
    ///
    /// A MAG looks its session up by source and lets no other sources into tunnels; an LMA by
    /// destination. The hop limit is as the routing kernel left it (see [`crate::encap`]).
    ///
    /// Too large for the path (RFC 2473 section 7): IPv6 above 1280 octets and IPv4 with Don't
    /// Fragment are answered with an ICMP error, others are sent to be fragmented outside.
    pub fn outbound_in(
        &mut self,
        now: Instant,
        table: &ForwardingTable,
        vrf: VrfId,
        data: &[u8],
        offload: PacketOffload,
        arena: &mut SegmentArena,
    ) -> Outbound {
        let Ok(packet) = Packet::parse(data) else {
            return self.dropped(DropReason::Malformed);
        };
        let packeted = Packeted {
            data,
            packet,
            offload,
        };
        match self.try_outbound(now, table, vrf, packeted, arena) {
            Ok(send) => Outbound::Tunnel(send),
            Err(Refusal::Drop(reason)) => self.dropped(reason),
            Err(Refusal::Tell(reason, problem)) => {
                let quoted = data.get(..packet.length).unwrap_or(data);
                match self.answer(now, &packet, quoted, problem, arena) {
                    Some(reply) => {
                        self.counters.count_drop(reason);
                        Outbound::Reply(reply)
                    }
                    None => self.dropped(reason),
                }
            }
        }
    }

    fn dropped(&mut self, reason: DropReason) -> Outbound {
        self.counters.count_drop(reason);
        Outbound::Drop(reason)
    }

    #[inline]
    fn try_outbound(
        &mut self,
        now: Instant,
        table: &ForwardingTable,
        vrf: VrfId,
        packeted: Packeted<'_>,
        arena: &mut SegmentArena,
    ) -> Result<TunnelSend, Refusal> {
        let Packeted { data, packet, .. } = packeted;
        let routed = route(table, vrf, &packet)?;
        self.follow_policy(table);
        let choice = self.choose_path(now, &packet, &routed)?;
        let path = choice.path;
        let tunnel = table.path(path).ok_or(DropReason::NoTunnel)?;
        refuse_loop(tunnel, &packet)?;
        let limit = tunnel_limit(tunnel, data)?;
        let mtu = table.path_mtu(path).ok_or(DropReason::NoTunnel)?;
        let mtu = mtu.saturating_sub(unplanned(tunnel, limit));
        let fragment = match fit(packeted, mtu)? {
            Fit::Whole => false,
            Fit::Fragment => true,
            Fit::TooBig(mtu) => {
                return Err(Refusal::Tell(DropReason::TooBig, Problem::TooBig(mtu)));
            }
        };
        let is_syn = self.config.clamp_mss && mss::syn_header_length(data, &packet).is_some();
        let mss_limit = is_syn.then(|| mss::limit(&packet, table.smallest_mtu(routed.group)));
        let shim = Front::of(table, tunnel, routed.keys(path));
        let segments = shim.cut(packeted, mss_limit, arena)?;
        let (packets, bytes) = self.count_sent(tunnel, &packet, arena, segments.clone(), shim);
        self.flows.record(choice.flow, packets, bytes);
        Ok(TunnelSend {
            path,
            segments,
            ecn: Ecn::of(packet.traffic_class).at_ingress(),
            dscp: tunnel.outer.dscp.bits(packet.traffic_class) >> 2,
            protocol: outer_protocol_of(tunnel, &packet)?,
            encapsulation_limit: limit,
            fragment,
        })
    }

    /// The one place that asks the policy.
    #[inline]
    fn choose_path(
        &mut self,
        now: Instant,
        packet: &Packet,
        routed: &Routed<'_>,
    ) -> Result<Choice, Refusal> {
        let group = routed.group;
        let scope = routed.session.0;
        self.flows
            .choose(now, packet.flow_key(), scope, group, group.generation)
            .map_err(|refused| match refused {
                NoPath::Null { .. } => self.forbidden(DropReason::MapNull),
                NoPath::Strict { .. } => self.forbidden(DropReason::MapStrict),
                NoPath::NoneUsable | _ => Refusal::Drop(DropReason::NoUsablePath),
            })
    }

    /// What the map drops: silently, or told.
    const fn forbidden(&self, reason: DropReason) -> Refusal {
        if self.config.tell_prohibited {
            Refusal::Tell(reason, Problem::Prohibited)
        } else {
            Refusal::Drop(reason)
        }
    }

    /// Under another mobile map every flow is placed anew: an entry's number says nothing of the
    /// entry that has it there.
    #[inline]
    pub(super) fn follow_policy(&mut self, table: &ForwardingTable) {
        if self.policy_epoch != table.policy_epoch() {
            self.policy_epoch = table.policy_epoch();
            self.flows.clear();
        }
    }

    /// What was cut, not what was announced: the kernel's header length is a hint that may cover
    /// payload.
    fn count_sent(
        &mut self,
        tunnel: &TunnelPath,
        packet: &Packet,
        arena: &SegmentArena,
        segments: Range<usize>,
        front: Front<'_>,
    ) -> (u64, u64) {
        let sent = arena.segments().get(segments).unwrap_or(&[]);
        let packets = u64::try_from(sent.len()).unwrap_or(u64::MAX);
        let octets = sent.iter().map(Segment::length);
        let octets = octets.fold(0usize, usize::saturating_add);
        let own = front.length.saturating_mul(sent.len());
        let bytes = u64::try_from(octets.saturating_sub(own)).unwrap_or(u64::MAX);
        self.counters
            .count_tx(tunnel.path, packet.traffic_class, packets, bytes);
        (packets, bytes)
    }

    /// Puts an ICMP error about `quoted`, the packet whose headers are `packet`, into `arena`;
    /// `None` where its sender is not told.
    pub(super) fn answer(
        &mut self,
        now: Instant,
        packet: &Packet,
        quoted: &[u8],
        problem: Problem,
        arena: &mut SegmentArena,
    ) -> Option<usize> {
        let source_v6 = self.config.icmp_source_v6;
        let possible = packet.is_ipv4() || source_v6.is_some();
        if !possible || !icmp::may_answer(quoted, packet) || !self.limiter.allows(now) {
            return None;
        }
        let reply = arena.segments().len();
        match (packet.source, source_v6) {
            (IpAddr::V4(sender), _) => {
                let source = self.config.icmp_source_v4.unwrap_or(DUMMY_ADDRESS);
                arena.push_built(|out| icmp::build_v4(source, sender, problem, quoted, out));
            }
            (IpAddr::V6(sender), Some(source)) => {
                arena.push_built(|out| icmp::build_v6(source, sender, problem, quoted, out));
            }
            (IpAddr::V6(_), None) => return None,
        }
        self.counters.count_icmp();
        Some(reply)
    }
}

/// What a path puts in front of inner packets.
#[derive(Clone, Copy)]
pub(super) struct Front<'a> {
    shim: Shim,
    length: usize,
    sequence: Option<&'a core::sync::atomic::AtomicU32>,
}

impl<'a> Front<'a> {
    #[inline]
    pub(super) fn of(
        table: &'a ForwardingTable,
        tunnel: &TunnelPath,
        keys: Option<&'a KeyRow>,
    ) -> Self {
        let numbered = tunnel.outer.gre_sequence;
        let gre = Gre {
            key: keys.map(|keys| keys.sent),
            sequence: numbered.then_some(0),
        };
        let shim = Shim::of(tunnel.encapsulation, tunnel.outer.gre_in_tlv, gre);
        let sequence = match (numbered, keys) {
            (false, _) => None,
            (true, Some(keys)) => Some(&*keys.sequence),
            (true, None) => table.path_sequence(tunnel.path),
        };
        Self {
            length: shim.length(),
            shim,
            sequence: sequence.filter(|_| shim.gre.is_some()),
        }
    }

    /// Cuts into `arena`, where what stands in front is written too.
    #[inline]
    fn cut(
        self,
        packeted: Packeted<'_>,
        mss_limit: Option<u16>,
        arena: &mut SegmentArena,
    ) -> Result<Range<usize>, DropReason> {
        let Packeted {
            data,
            packet,
            offload,
        } = packeted;
        let first = arena.segments().len();
        arena.leave_front(self.length);
        let outcome = cut(data, &packet, offload, mss_limit, arena);
        arena.leave_front(0);
        outcome.map_err(|_| DropReason::Malformed)?;
        let segments = first..arena.segments().len();
        self.write(&packet, segments.clone(), arena)?;
        Ok(segments)
    }

    /// Adds a packet that goes as it is.
    pub(super) fn push(
        self,
        packet: &Packet,
        arena: &mut SegmentArena,
    ) -> Result<Range<usize>, DropReason> {
        let first = arena.segments().len();
        arena.leave_front(self.length);
        arena.push_packet(packet.length);
        arena.leave_front(0);
        let segments = first..arena.segments().len();
        self.write(packet, segments.clone(), arena)?;
        Ok(segments)
    }

    /// Writes TLV and GRE headers. The seam of a bonding stage on its way out: packets of one key
    /// leave here in the order of their sequence numbers.
    fn write(
        mut self,
        packet: &Packet,
        segments: Range<usize>,
        arena: &mut SegmentArena,
    ) -> Result<(), DropReason> {
        if self.length == 0 {
            return Ok(());
        }
        let count = u32::try_from(segments.len()).unwrap_or(u32::MAX);
        let mut number = self.sequence.map(|sequence| draw(sequence, count));
        let first = segments.start;
        for index in segments {
            if let (Some(gre), Some(number)) = (&mut self.shim.gre, &mut number) {
                gre.sequence = Some(*number);
                *number = number.wrapping_add(1);
            }
            if self.write_one(packet, index, arena).is_none() {
                arena.truncate(first);
                return Err(DropReason::TooBig);
            }
        }
        Ok(())
    }

    #[inline]
    fn write_one(&self, packet: &Packet, index: usize, arena: &mut SegmentArena) -> Option<()> {
        let (place, length) = arena.front_mut(index, self.length)?;
        let inner = outer_protocol(Carrier::Ip, packet.is_ipv4());
        let (octets, own) = self.shim.octets(inner, length)?;
        let octets = octets.get(..own)?;
        place.get_mut(..own)?.copy_from_slice(octets);
        Some(())
    }
}

pub(super) fn outer_protocol_of(tunnel: &TunnelPath, packet: &Packet) -> Result<u8, DropReason> {
    let carrier = Carrier::of(tunnel.encapsulation).ok_or(DropReason::NoTunnel)?;
    Ok(outer_protocol(carrier, packet.is_ipv4()))
}

#[inline]
fn route<'a>(
    table: &'a ForwardingTable,
    vrf: VrfId,
    packet: &Packet,
) -> Result<Routed<'a>, DropReason> {
    if stays_on_link(packet.source) || stays_on_link(packet.destination) {
        return Err(DropReason::LinkScope);
    }
    match table.role() {
        Role::Mag => table
            .route(vrf, packet.source)
            .ok_or(DropReason::SpoofedSource),
        Role::Lma => table
            .route(vrf, packet.destination)
            .ok_or(DropReason::NoSession),
    }
}

pub(super) fn stays_on_link(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_link_local() || v4.is_multicast() || v4.is_broadcast(),
        IpAddr::V6(v6) => v6.is_unicast_link_local() || v6.is_multicast(),
    }
}

/// A packet between the tunnel's own ends would enter it for ever, and so would any packet where
/// both ends are one (RFC 2473 section 4.1.2).
#[inline]
fn refuse_loop(tunnel: &TunnelPath, packet: &Packet) -> Result<(), DropReason> {
    let own = packet.source == tunnel.local && packet.destination == tunnel.remote.ip();
    match own || tunnel.is_loopback() {
        true => Err(DropReason::Loop),
        false => Ok(()),
    }
}

/// The encapsulation limit that the outer header states; IPv4 has none.
#[inline]
fn tunnel_limit(tunnel: &TunnelPath, data: &[u8]) -> Result<Option<u8>, Refusal> {
    if tunnel.encapsulation.is_ipv4_transport() {
        return Ok(None);
    }
    outer_limit(tunnel.outer.encapsulation_limit, InnerLimit::of(data))
        .map_err(|inner| Refusal::Tell(DropReason::Loop, Problem::Octet(inner.offset)))
}

/// Octets of the outer header that the path's MTU does not count: only some packets have them.
fn unplanned(tunnel: &TunnelPath, limit: Option<u8>) -> u16 {
    match (limit, tunnel.outer.encapsulation_limit) {
        (Some(_), None) => LIMIT_OVERHEAD,
        _ => 0,
    }
}

#[inline]
fn fit(packeted: Packeted<'_>, mtu: u16) -> Result<Fit, DropReason> {
    let Packeted {
        data,
        packet,
        offload,
    } = packeted;
    let largest = match offload.segmentation {
        None => packet.length,
        Some(cut) => header_length(data, &packet, cut)
            .ok_or(DropReason::Malformed)?
            .saturating_add(cut.size.into())
            .min(packet.length),
    };
    let fits = |mtu: u16| largest <= usize::from(mtu);
    if fits(mtu) {
        return Ok(Fit::Whole);
    }
    if packet.is_ipv4() {
        return Ok(match packet.dont_fragment {
            true => Fit::TooBig(mtu),
            false => Fit::Fragment,
        });
    }
    let asked = mtu.max(IPV6_MINIMUM_MTU);
    Ok(match fits(asked) {
        true => Fit::Fragment,
        false => Fit::TooBig(asked),
    })
}
