//! Into the tunnel.

use core::net::{IpAddr, Ipv4Addr};
use core::ops::Range;

use pmip_wire::types::{Instant, PathId};

use super::{Forwarder, Outbound, TunnelSend};
use crate::counters::DropReason;
use crate::ecn::Ecn;
use crate::icmp;
use crate::mss;
use crate::offload::PacketOffload;
use crate::packet::Packet;
use crate::segment::{Segment, SegmentArena, cut, header_length};
use crate::table::{ForwardingTable, Group, Role, SessionKey};

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

impl Forwarder {
    /// Decides where `data`, an inner packet or a super-packet of `offload`, goes, and cuts it into
    /// `arena`.
    ///
    /// A MAG looks its session up by source and lets no other sources into tunnels; an LMA by
    /// destination. The hop limit is as the routing kernel left it (see [`crate::encap`]).
    ///
    /// Too large for the path (RFC 2473 section 7): IPv6 above 1280 octets and IPv4 with Don't
    /// Fragment are answered with an ICMP error, others are sent to be fragmented outside.
    pub fn outbound(
        &mut self,
        now: Instant,
        table: &ForwardingTable,
        data: &[u8],
        offload: PacketOffload,
        arena: &mut SegmentArena,
    ) -> Outbound {
        match self.try_outbound(now, table, data, offload, arena) {
            Ok(outbound) => outbound,
            Err(reason) => {
                self.counters.count_drop(reason);
                Outbound::Drop(reason)
            }
        }
    }

    #[inline]
    fn try_outbound(
        &mut self,
        now: Instant,
        table: &ForwardingTable,
        data: &[u8],
        offload: PacketOffload,
        arena: &mut SegmentArena,
    ) -> Result<Outbound, DropReason> {
        let packet = Packet::parse(data).map_err(|_| DropReason::Malformed)?;
        let (session, group) = route(table, &packet)?;
        let choice = self
            .flows
            .choose(
                now,
                packet.flow_key(),
                session.0,
                &group.paths,
                group.generation,
            )
            .map_err(|_| DropReason::NoUsablePath)?;
        let path = choice.path;
        let mtu = table.path_mtu(path).ok_or(DropReason::NoTunnel)?;
        let fragment = match fit(data, &packet, offload, mtu)? {
            Fit::Whole => false,
            Fit::Fragment => true,
            Fit::TooBig(mtu) => return self.answer_too_big(now, data, &packet, mtu, arena),
        };
        let is_syn = self.config.clamp_mss && mss::syn_header_length(data, &packet).is_some();
        let mss_limit = is_syn.then(|| mss::limit(&packet, table.smallest_mtu(group)));
        let first = arena.segments().len();
        cut(data, &packet, offload, mss_limit, arena).map_err(|_| DropReason::Malformed)?;
        let segments = first..arena.segments().len();
        let (packets, bytes) = self.count_sent(path, arena, segments.clone());
        self.flows.record(choice.flow, packets, bytes);
        Ok(Outbound::Tunnel(TunnelSend {
            path,
            segments,
            ecn: Ecn::of(packet.traffic_class).at_ingress(),
            fragment,
        }))
    }

    /// What was cut, not what was announced: the kernel's header length is a hint that may cover
    /// payload.
    fn count_sent(
        &mut self,
        path: PathId,
        arena: &SegmentArena,
        segments: Range<usize>,
    ) -> (u64, u64) {
        let sent = arena.segments().get(segments).unwrap_or(&[]);
        let packets = u64::try_from(sent.len()).unwrap_or(u64::MAX);
        let octets = sent.iter().map(Segment::length);
        let octets = octets.fold(0usize, usize::saturating_add);
        let bytes = u64::try_from(octets).unwrap_or(u64::MAX);
        self.counters.count_tx(path, packets, bytes);
        (packets, bytes)
    }

    fn answer_too_big(
        &mut self,
        now: Instant,
        data: &[u8],
        packet: &Packet,
        mtu: u16,
        arena: &mut SegmentArena,
    ) -> Result<Outbound, DropReason> {
        let source_v6 = self.config.icmp_source_v6;
        let possible = packet.is_ipv4() || source_v6.is_some();
        if !possible || !icmp::may_answer(data, packet) || !self.limiter.allows(now) {
            return Err(DropReason::TooBig);
        }
        let quoted = data.get(..packet.length).unwrap_or(data);
        let reply = arena.segments().len();
        match (packet.source, source_v6) {
            (IpAddr::V4(sender), _) => {
                let source = self.config.icmp_source_v4.unwrap_or(DUMMY_ADDRESS);
                arena.push_built(|out| {
                    icmp::fragmentation_needed(source, sender, mtu, quoted, out);
                });
            }
            (IpAddr::V6(sender), Some(source)) => {
                arena.push_built(|out| {
                    icmp::packet_too_big(source, sender, mtu.into(), quoted, out);
                });
            }
            (IpAddr::V6(_), None) => return Err(DropReason::TooBig),
        }
        self.counters.count_drop(DropReason::TooBig);
        self.counters.count_icmp();
        Ok(Outbound::Reply(reply))
    }
}

#[inline]
fn route<'a>(
    table: &'a ForwardingTable,
    packet: &Packet,
) -> Result<(SessionKey, &'a Group), DropReason> {
    if stays_on_link(packet.source) || stays_on_link(packet.destination) {
        return Err(DropReason::LinkScope);
    }
    match table.role() {
        Role::Mag => table.route(packet.source).ok_or(DropReason::SpoofedSource),
        Role::Lma => table.route(packet.destination).ok_or(DropReason::NoSession),
    }
}

pub(super) fn stays_on_link(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_link_local() || v4.is_multicast() || v4.is_broadcast(),
        IpAddr::V6(v6) => v6.is_unicast_link_local() || v6.is_multicast(),
    }
}

#[inline]
fn fit(data: &[u8], packet: &Packet, offload: PacketOffload, mtu: u16) -> Result<Fit, DropReason> {
    let largest = match offload.segmentation {
        None => packet.length,
        Some(cut) => header_length(data, packet, cut)
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
