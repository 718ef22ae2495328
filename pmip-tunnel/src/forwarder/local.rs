//! Packets between the tunnel's own ends: heartbeats, probes and measurements.

use core::net::IpAddr;
use core::ops::Range;

use pmip_wire::types::PathId;

use super::outbound::{Front, outer_protocol_of};
use super::{Forwarder, TunnelSend};
use crate::counters::DropReason;
use crate::ecn::Ecn;
use crate::encap::{Carrier, open};
use crate::octets::u8_at;
use crate::packet::{Packet, protocol};
use crate::segment::SegmentArena;
use crate::table::{ForwardingTable, Role, TunnelPath};

/// UDP port of IPv4 signalling (RFC 5844 section 4.1.3).
const CONTROL_PORT: u16 = 5436;
/// UDP ports of probes: STAMP (RFC 8762 section 4.1) and IP SLA control (RFC 6812 section 3.1.1).
pub(super) const PROBE_PORTS: [u16; 2] = [862, 1167];
const HEARTBEAT: u8 = 13;
/// Mobility Header types accepted inside tunnels: Heartbeat, and Binding Error as what answers it
/// (signalling rules, "`Local` packets inside tunnels").
const LOCAL_MESSAGES: [u8; 2] = [HEARTBEAT, 7];

impl Forwarder {
    /// Puts `packet`, a heartbeat or probe for the other end of `path`, into the tunnel: its source
    /// and destination must be the two ends, as [`Inbound::Local`](super::Inbound::Local) wants
    /// them there. The path need not be usable: that is what is asked. The MTU is not looked at and
    /// nothing is fragmented, so that [probes](crate::pmtu) can find it. There is no GRE key, for
    /// no session sent it.
    ///
    /// # Errors
    /// [`DropReason`], and it is counted.
    pub fn local(
        &mut self,
        table: &ForwardingTable,
        path: PathId,
        packet: &[u8],
        arena: &mut SegmentArena,
    ) -> Result<TunnelSend, DropReason> {
        self.try_local(table, path, packet, arena)
            .inspect_err(|reason| self.counters.count_drop(*reason))
    }

    fn try_local(
        &mut self,
        table: &ForwardingTable,
        path: PathId,
        data: &[u8],
        arena: &mut SegmentArena,
    ) -> Result<TunnelSend, DropReason> {
        let packet = Packet::parse(data).map_err(|_| DropReason::Malformed)?;
        let tunnel = table.path(path).ok_or(DropReason::NoTunnel)?;
        if (packet.source, packet.destination) != ends(table.role(), tunnel) {
            return Err(DropReason::NotLocal);
        }
        let segments = Front::of(table, tunnel, None).push(&packet, arena)?;
        let bytes = u64::try_from(packet.length).unwrap_or(u64::MAX);
        self.counters.count_local_tx(bytes);
        Ok(TunnelSend {
            path,
            segments,
            ecn: Ecn::of(packet.traffic_class).at_ingress(),
            dscp: tunnel.outer.dscp.bits(packet.traffic_class) >> 2,
            protocol: outer_protocol_of(tunnel, &packet)?,
            encapsulation_limit: tunnel
                .outer
                .encapsulation_limit
                .filter(|_| !tunnel.encapsulation.is_ipv4_transport()),
            fragment: false,
        })
    }

    /// Where in `data` a heartbeat is that came to `local` from a stranger, which
    /// [`path_from`](Self::path_from) did not know; `None` where it is anything else. A MAG whose
    /// NAT mapping changed comes so: the engine decides (signalling rules, sections 7 and 9).
    pub fn from_stranger(local: IpAddr, carrier: Carrier, data: &[u8]) -> Option<Range<usize>> {
        let opened = open(carrier, data)?;
        let inner = data.get(opened.start..)?;
        let packet = Packet::parse(inner).ok()?;
        let is_heartbeat = message_type(inner, &packet) == Some(HEARTBEAT);
        let end = opened.start.saturating_add(packet.length);
        (packet.destination == local && is_heartbeat).then_some(opened.start..end)
    }
}

/// Source and destination of what this end sends to the other one: the care-of address, as the MAG
/// knows it, and the LMA's.
pub(crate) const fn ends(role: Role, tunnel: &TunnelPath) -> (IpAddr, IpAddr) {
    match role {
        Role::Mag => (tunnel.care_of, tunnel.remote.ip()),
        Role::Lma => (tunnel.local, tunnel.care_of),
    }
}

/// Whether the packet came from exactly the tunnel's other end to this one, and is a heartbeat or a
/// probe.
pub(super) fn is_local(
    role: Role,
    tunnel: &TunnelPath,
    ports: &[u16],
    data: &[u8],
    packet: &Packet,
) -> bool {
    let (own, other) = ends(role, tunnel);
    if packet.source != other || packet.destination != own || packet.transport.is_none() {
        return false;
    }
    let (from, to) = packet.ports;
    match message_type(data, packet) {
        Some(kind) => LOCAL_MESSAGES.contains(&kind),
        None => packet.protocol == protocol::UDP && (ports.contains(&from) || ports.contains(&to)),
    }
}

/// The MH Type of signalling, behind the IP header or in UDP.
fn message_type(data: &[u8], packet: &Packet) -> Option<u8> {
    let (from, to) = packet.ports;
    let header = match packet.protocol {
        protocol::MOBILITY => packet.transport?,
        protocol::UDP if from == CONTROL_PORT || to == CONTROL_PORT => {
            packet.transport?.saturating_add(8)
        }
        _ => return None,
    };
    u8_at(data, header.saturating_add(2))
}
