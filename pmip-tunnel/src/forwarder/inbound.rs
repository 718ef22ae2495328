//! Out of the tunnel.

use core::net::{IpAddr, SocketAddr};

use pmip_wire::types::PathId;

use super::outbound::stays_on_link;
use super::{Forwarder, Inbound};
use crate::counters::DropReason;
use crate::ecn::Ecn;
use crate::mss::{self, ChecksumState};
use crate::octets::{put_u8, put_u16, u8_at, u16_at, update_checksum};
use crate::packet::{Packet, protocol};
use crate::table::{ForwardingTable, Group, Role, TunnelPath};

/// UDP port of IPv4 signalling (RFC 5844 section 4.1.3).
const CONTROL_PORT: u16 = 5436;
/// UDP port of STAMP (RFC 8762 section 4.1).
const STAMP_PORT: u16 = 862;
/// UDP port of IP SLA control (RFC 6812 section 3.1.1).
const SLA_CONTROL_PORT: u16 = 1167;
/// Mobility Header types accepted inside tunnels: Heartbeat, and Binding Error as what answers it
/// (signalling rules, "`Local` packets inside tunnels").
const LOCAL_MESSAGES: [u8; 2] = [13, 7];

impl Forwarder {
    /// The path whose datagrams come from `remote` and arrive at `local`. `None` = a stranger:
    /// drop what it sent, it is counted.
    pub fn path_from(
        &mut self,
        table: &ForwardingTable,
        local: IpAddr,
        remote: SocketAddr,
    ) -> Option<PathId> {
        let path = table.path_from(local, remote);
        if path.is_none() {
            self.counters.count_drop(DropReason::UnknownPeer);
        }
        path
    }

    /// Decides what becomes of `data`, an inner packet that came through `path` with the outer ECN
    /// field `outer`.
    ///
    /// Packets between the tunnel's own ends on the ports of heartbeats and probes are
    /// [`Inbound::Local`], before the anti-spoofing check. An LMA accepts no inner source outside
    /// the sessions bound to the path, a MAG no inner destination outside its sessions; neither
    /// accepts link-local or multicast addresses.
    pub fn inbound(
        &mut self,
        table: &ForwardingTable,
        path: PathId,
        outer: Ecn,
        data: &mut [u8],
    ) -> Inbound {
        match self.try_inbound(table, path, outer, data) {
            Ok(inbound) => inbound,
            Err(reason) => {
                self.counters.count_drop(reason);
                Inbound::Drop(reason)
            }
        }
    }

    #[inline]
    fn try_inbound(
        &mut self,
        table: &ForwardingTable,
        path: PathId,
        outer: Ecn,
        data: &mut [u8],
    ) -> Result<Inbound, DropReason> {
        let mut packet = Packet::parse(data).map_err(|_| DropReason::Malformed)?;
        let admission = Admission::of(table, path, &packet);
        if self.admitted != Some(admission) {
            let tunnel = table.path(path).ok_or(DropReason::NoTunnel)?;
            if is_local(table.role(), tunnel, data, &packet) {
                return Ok(Inbound::Local);
            }
            admit(table, path, &packet)?;
            // An end of the tunnel has to be looked at each time.
            let is_end = [tunnel.care_of, tunnel.local].contains(&admission.address);
            self.admitted = (!is_end).then_some(admission);
        }
        if stays_on_link(packet.source) || stays_on_link(packet.destination) {
            return Err(DropReason::LinkScope);
        }
        let inner = Ecn::of(packet.traffic_class);
        let ecn = inner.at_egress(outer).ok_or(DropReason::EcnNotCapable)?;
        if ecn != inner {
            packet.traffic_class = (packet.traffic_class & 0xfc) | ecn.bits();
            write_ecn(data, &packet);
        }
        if self.config.clamp_mss && mss::syn_header_length(data, &packet).is_some() {
            self.clamp(table, path, data, &packet);
        }
        let bytes = u64::try_from(packet.length).unwrap_or(u64::MAX);
        self.counters.count_rx(path, bytes);
        Ok(Inbound::Deliver(packet))
    }

    /// Lowers the MSS that a SYN out of the tunnel announces, for what is sent into it.
    fn clamp(&self, table: &ForwardingTable, path: PathId, data: &mut [u8], packet: &Packet) {
        if let Ok(group) = admit(table, path, packet) {
            let limit = mss::limit(packet, table.smallest_mtu(group));
            mss::clamp(data, packet, limit, ChecksumState::Full);
        }
    }
}

/// Whom the anti-spoofing check let through last: a train of segments asks once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Admission {
    generation: u32,
    path: PathId,
    address: IpAddr,
}

impl Admission {
    #[inline]
    fn of(table: &ForwardingTable, path: PathId, packet: &Packet) -> Self {
        Self {
            generation: table.generation(),
            path,
            address: judged(table.role(), packet),
        }
    }
}

/// The address that must belong to a session.
#[inline]
const fn judged(role: Role, packet: &Packet) -> IpAddr {
    match role {
        Role::Lma => packet.source,
        Role::Mag => packet.destination,
    }
}

/// The anti-spoofing check.
#[inline]
fn admit<'a>(
    table: &'a ForwardingTable,
    path: PathId,
    packet: &Packet,
) -> Result<&'a Group, DropReason> {
    let role = table.role();
    let group = table.route(judged(role, packet)).map(|(_, group)| group);
    match role {
        Role::Lma => group
            .filter(|group| group.paths.candidate(path).is_some())
            .ok_or(DropReason::SpoofedSource),
        Role::Mag => group.ok_or(DropReason::NoSession),
    }
}

/// Whether the packet goes between exactly the tunnel's own ends, as the MAG knows them, and is
/// a heartbeat or a probe.
fn is_local(role: Role, tunnel: &TunnelPath, data: &[u8], packet: &Packet) -> bool {
    let (source, destination) = match role {
        Role::Mag => (tunnel.remote.ip(), tunnel.care_of),
        Role::Lma => (tunnel.care_of, tunnel.local),
    };
    if packet.source != source || packet.destination != destination {
        return false;
    }
    let Some(transport) = packet.transport else {
        return false;
    };
    let message_type = |header: usize| u8_at(data, header.saturating_add(2));
    match packet.protocol {
        protocol::MOBILITY => is_local_message(message_type(transport)),
        protocol::UDP => {
            let (from, to) = packet.ports;
            match from == CONTROL_PORT || to == CONTROL_PORT {
                true => is_local_message(message_type(transport.saturating_add(8))),
                false => [from, to]
                    .iter()
                    .any(|port| matches!(*port, STAMP_PORT | SLA_CONTROL_PORT)),
            }
        }
        _ => false,
    }
}

fn is_local_message(message_type: Option<u8>) -> bool {
    message_type.is_some_and(|kind| LOCAL_MESSAGES.contains(&kind))
}

/// Writes the ECN bits of `packet.traffic_class` into `data`.
fn write_ecn(data: &mut [u8], packet: &Packet) {
    if !packet.is_ipv4() {
        // The traffic class lies across the first two octets; ECN is its low end.
        let second = u8_at(data, 1).unwrap_or(0);
        let bits = (packet.traffic_class & 0b11) << 4;
        put_u8(data, 1, (second & 0xcf) | bits);
        return;
    }
    let old = u16_at(data, 0).unwrap_or(0);
    put_u8(data, 1, packet.traffic_class);
    let new = u16_at(data, 0).unwrap_or(0);
    let checksum = u16_at(data, 10).unwrap_or(0);
    put_u16(data, 10, update_checksum(checksum, old, new));
}
