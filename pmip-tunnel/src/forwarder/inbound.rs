//! Out of the tunnel.

use core::net::{IpAddr, SocketAddr};

use pmip_wire::types::PathId;

use super::local::is_local;
use super::outbound::stays_on_link;
use super::{Arrival, Delivery, Forwarder, Inbound, LocalDelivery};
use crate::counters::DropReason;
use crate::ecn::Ecn;
use crate::encap::{Carried, Carrier, DecapError, Gre, Opened, open};
use crate::mss::{self, ChecksumState};
use crate::octets::{put_u8, put_u16, u8_at, u16_at, update_checksum};
use crate::packet::Packet;
use crate::table::{ForwardingTable, Refused, Role, SessionKey, VrfId};

impl Forwarder {
    /// The path whose datagrams come from `remote` and arrive at `local`. `None` = a stranger:
    /// drop what it sent, it is counted; see [`Self::from_stranger`].
    pub fn path_from(
        &mut self,
        table: &ForwardingTable,
        local: IpAddr,
        remote: SocketAddr,
    ) -> Option<PathId> {
        self.path_from_in(table, VrfId::DEFAULT, local, remote)
    }

    /// The same in the transport routing instance `vrf`. Without UDP the port of `remote` is 0.
    pub fn path_from_in(
        &mut self,
        table: &ForwardingTable,
        vrf: VrfId,
        local: IpAddr,
        remote: SocketAddr,
    ) -> Option<PathId> {
        let path = table.path_from_in(vrf, local, remote);
        if path.is_none() {
            self.counters.count_drop(DropReason::UnknownPeer);
        }
        path
    }

    /// Decides what becomes of `data`, a whole outer IP packet that arrived in the transport routing
    /// instance `vrf`, such as a raw IPv4 socket gives out. Fragments have to be put together
    /// before ([`Reassembler`](crate::encap::Reassembler)).
    pub fn inbound_packet(
        &mut self,
        table: &ForwardingTable,
        vrf: VrfId,
        data: &mut [u8],
    ) -> Inbound {
        let carried = match Carried::parse(data) {
            Ok(carried) => carried,
            Err(DecapError::Outer(_)) => return self.refused(DropReason::Malformed),
            Err(_) => return self.refused(DropReason::BadEncapsulation),
        };
        let local = carried.destination.ip();
        let Some(path) = self.path_from_in(table, vrf, local, carried.source) else {
            return Inbound::Drop(DropReason::UnknownPeer);
        };
        let arrival = Arrival {
            path,
            carrier: carried.carrier,
            ecn: carried.ecn,
        };
        let before = carried.payload.start;
        let payload = data.get_mut(carried.payload).unwrap_or(&mut []);
        match self.inbound(table, arrival, payload) {
            Inbound::Deliver(delivery) => Inbound::Deliver(Delivery {
                start: delivery.start.saturating_add(before),
                ..delivery
            }),
            Inbound::Local(local) => Inbound::Local(LocalDelivery {
                start: local.start.saturating_add(before),
                ..local
            }),
            Inbound::Drop(reason) => Inbound::Drop(reason),
        }
    }

    /// Decides what becomes of `data`, which came through a path behind its outer IP header, or
    /// behind the UDP header where there is one: an inner packet, or a TLV or GRE header before it.
    ///
    /// Packets between the tunnel's own ends on the ports of heartbeats and probes are
    /// [`Inbound::Local`], before the anti-spoofing check. An LMA accepts no inner source outside
    /// the sessions bound to the path, a MAG no inner destination outside its sessions; neither
    /// accepts link-local or multicast addresses. A GRE key must be that of the session.
    #[inline]
    pub fn inbound(
        &mut self,
        table: &ForwardingTable,
        arrival: Arrival,
        data: &mut [u8],
    ) -> Inbound {
        match self.try_inbound(table, arrival, data) {
            Ok(inbound) => inbound,
            Err(reason) => self.refused(reason),
        }
    }

    fn refused(&mut self, reason: DropReason) -> Inbound {
        self.counters.count_drop(reason);
        Inbound::Drop(reason)
    }

    #[inline]
    fn try_inbound(
        &mut self,
        table: &ForwardingTable,
        arrival: Arrival,
        data: &mut [u8],
    ) -> Result<Inbound, DropReason> {
        let Opened { start, gre, .. } =
            open(arrival.carrier, data).ok_or_else(|| unopened(arrival, data))?;
        let data = data.get_mut(start..).unwrap_or(&mut []);
        let mut packet = Packet::parse(data).map_err(|_| DropReason::Malformed)?;
        let asked = Asked::of(table, arrival.path, gre, &packet);
        let admission = match self.admitted {
            Some(known) if known.asked == asked => known,
            _ => match self.admit(table, arrival, asked, data, &packet)? {
                Some(admission) => admission,
                None => return Ok(self.local_delivery(arrival, start, &packet)),
            },
        };
        if stays_on_link(packet.source) || stays_on_link(packet.destination) {
            return Err(DropReason::LinkScope);
        }
        if let Some(acl) = table.acl() {
            acl.check(&packet)?;
        }
        let inner = Ecn::of(packet.traffic_class);
        let ecn = inner
            .at_egress(arrival.ecn)
            .ok_or(DropReason::EcnNotCapable)?;
        if ecn != inner {
            packet.traffic_class = (packet.traffic_class & 0xfc) | ecn.bits();
            write_ecn(data, &packet);
        }
        if self.config.clamp_mss && mss::syn_header_length(data, &packet).is_some() {
            clamp(table, arrival.path, gre, data, &packet);
        }
        let bytes = u64::try_from(packet.length).unwrap_or(u64::MAX);
        self.counters
            .count_rx(arrival.path, packet.traffic_class, bytes);
        Ok(Inbound::Deliver(Delivery {
            packet,
            start,
            path: arrival.path,
            session: admission.session,
            vrf: admission.vrf,
            sequence: gre.and_then(|gre| gre.sequence),
        }))
    }

    /// Who the packet belongs to; `None` = it is for this end of the tunnel.
    fn admit(
        &mut self,
        table: &ForwardingTable,
        arrival: Arrival,
        asked: Asked,
        data: &[u8],
        packet: &Packet,
    ) -> Result<Option<Admission>, DropReason> {
        let tunnel = table.path(arrival.path).ok_or(DropReason::NoTunnel)?;
        if is_local(table.role(), tunnel, &self.config.local_ports, data, packet) {
            return Ok(None);
        }
        let admitted = table
            .admit(asked.path, asked.key, asked.address)
            .map_err(|refused| reason(table.role(), refused))?;
        let admission = Admission {
            asked,
            session: admitted.session,
            vrf: admitted.vrf,
        };
        // An end of the tunnel has to be looked at each time.
        let is_end = [tunnel.care_of, tunnel.local].contains(&asked.address);
        self.admitted = (!is_end).then_some(admission);
        Ok(Some(admission))
    }

    fn local_delivery(&mut self, arrival: Arrival, start: usize, packet: &Packet) -> Inbound {
        let bytes = u64::try_from(packet.length).unwrap_or(u64::MAX);
        self.counters.count_local_rx(bytes);
        Inbound::Local(LocalDelivery {
            packet: *packet,
            start,
            path: arrival.path,
        })
    }
}

/// What octets that open nothing are: an inner packet was expected, or headers before it.
fn unopened(arrival: Arrival, data: &[u8]) -> DropReason {
    let framed = u8_at(data, 0).is_some_and(|first| first >> 4 == 0);
    match framed || arrival.carrier == Carrier::Gre {
        true => DropReason::BadEncapsulation,
        false => DropReason::Malformed,
    }
}

const fn reason(role: Role, refused: Refused) -> DropReason {
    match (refused, role) {
        (Refused::Key, _) => DropReason::WrongKey,
        (Refused::Address, Role::Lma) => DropReason::SpoofedSource,
        (Refused::Address, Role::Mag) => DropReason::NoSession,
    }
}

/// What the anti-spoofing check is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    generation: u32,
    path: PathId,
    key: Option<u32>,
    address: IpAddr,
}

/// Whom the anti-spoofing check let through last: a train of segments asks once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Admission {
    asked: Asked,
    session: SessionKey,
    vrf: VrfId,
}

impl Asked {
    #[inline]
    fn of(table: &ForwardingTable, path: PathId, gre: Option<Gre>, packet: &Packet) -> Self {
        Self {
            generation: table.generation(),
            path,
            key: gre.and_then(|gre| gre.key),
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

/// Lowers the MSS that a SYN out of the tunnel announces, for what is sent into it.
fn clamp(
    table: &ForwardingTable,
    path: PathId,
    gre: Option<Gre>,
    data: &mut [u8],
    packet: &Packet,
) {
    let key = gre.and_then(|gre| gre.key);
    if let Ok(admitted) = table.admit(path, key, judged(table.role(), packet)) {
        let limit = mss::limit(packet, table.smallest_mtu(admitted.group));
        mss::clamp(data, packet, limit, ChecksumState::Full);
    }
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
