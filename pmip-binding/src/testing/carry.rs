//! How datagrams travel between the engines of a world.

use std::net::{IpAddr, SocketAddr};

use pmip_wire::types::PathId;

use super::link::Link;
use super::nat::Nat;
use super::world::{Node, World};
use crate::{Carrier, DATA_PORT, Datagram, Input, Transmit};

/// Octets of IPv4 and UDP in front of a Mobility Header.
const OVERHEAD: usize = 28;

/// The two directions of one path, and the NAT before the gateway.
#[derive(Clone, Debug)]
pub(super) struct Duplex {
    pub(super) address: IpAddr,
    /// The gateway's interface is up.
    pub(super) is_up: bool,
    pub(super) up: Link<Packet>,
    pub(super) down: Link<Packet>,
    pub(super) nat: Option<Nat>,
}

/// What travels on a link.
#[derive(Clone, Debug)]
pub(super) struct Packet {
    carrier: Carrier,
    source: SocketAddr,
    destination: SocketAddr,
    payload: bytes::Bytes,
}

impl World {
    pub(super) fn deliver(&mut self) {
        let keys: Vec<(usize, u8)> = self.links.keys().copied().collect();
        for key in keys {
            while let Some(packet) = self.links.get_mut(&key).and_then(|d| d.up.pop(self.now)) {
                self.arrive_at_lma(packet);
            }
            while let Some(packet) = self.links.get_mut(&key).and_then(|d| d.down.pop(self.now)) {
                self.arrive_at_mag(key, packet);
            }
        }
    }

    fn arrive_at_lma(&mut self, packet: Packet) {
        let carrier = match packet.carrier {
            Carrier::Tunnel(_) | Carrier::UnknownTunnel => self
                .lma_tables
                .path_from(packet.source)
                .map_or(Carrier::UnknownTunnel, Carrier::Tunnel),
            direct @ (Carrier::Udp | Carrier::Ipv6) => direct,
        };
        let datagram = packet.into_datagram(carrier);
        if self.captured.len() == 32 {
            self.captured.pop_front();
        }
        self.captured.push_back(datagram.clone());
        self.input(Node::Lma, Input::Signalling(datagram));
    }

    fn arrive_at_mag(&mut self, (mag, binding_id): (usize, u8), mut packet: Packet) {
        let Some(duplex) = self.links.get(&(mag, binding_id)) else {
            return;
        };
        if let Some(nat) = &duplex.nat {
            let Some(inner) = nat.inward(packet.destination) else {
                return self.note(Node::Mag(mag), "a datagram found no NAT mapping");
            };
            packet.destination = inner;
        }
        if packet.destination.ip() != duplex.address || !duplex.is_up {
            return self.note(Node::Mag(mag), "a datagram for an address of before");
        }
        let carrier = match packet.carrier {
            Carrier::Tunnel(_) | Carrier::UnknownTunnel => {
                Carrier::Tunnel(PathId(u32::from(binding_id)))
            }
            direct @ (Carrier::Udp | Carrier::Ipv6) => direct,
        };
        let datagram = packet.into_datagram(carrier);
        self.input(Node::Mag(mag), Input::Signalling(datagram));
    }

    pub(super) fn send_up(&mut self, mag: usize, transmit: Transmit) {
        let path = transmit
            .path
            .and_then(|path| self.mags[mag].interface_of(path));
        let Some(binding_id) = path else {
            panic!("a gateway sends without naming a path\n{}", self.tail());
        };
        let now = self.now;
        let Some(duplex) = self.links.get_mut(&(mag, binding_id)) else {
            return;
        };
        let mut packet = Packet::from(transmit);
        if packet.source.ip() != duplex.address {
            // The interface lost its address in the same moment: the socket would refuse.
            return;
        }
        if let Carrier::Tunnel(_) = packet.carrier {
            packet.source.set_port(DATA_PORT);
            packet.destination.set_port(DATA_PORT);
        }
        if let Some(nat) = &mut duplex.nat {
            packet.source = nat.outward(packet.source);
        }
        let octets = packet.payload.len() + OVERHEAD;
        duplex.up.push(now, packet, octets);
    }

    pub(super) fn send_down(&mut self, transmit: Transmit) {
        let now = self.now;
        let mut packet = Packet::from(transmit);
        if let Carrier::Tunnel(path) = packet.carrier {
            let Some(remote) = self.lma_tables.remote(path) else {
                return;
            };
            // Tunnelled UDP goes where the anchor says, which need not be where the path's other
            // packets go: so a mapping is challenged.
            if remote.port() == 0 {
                packet.destination = remote;
            }
        }
        let target = packet.destination.ip();
        let at = |duplex: &&mut Duplex| match &duplex.nat {
            Some(nat) => nat.outer() == target,
            None => duplex.address == target,
        };
        let Some(duplex) = self.links.values_mut().find(at) else {
            return;
        };
        let octets = packet.payload.len() + OVERHEAD;
        duplex.down.push(now, packet, octets);
    }
}

impl Packet {
    fn into_datagram(self, carrier: Carrier) -> Datagram {
        Datagram {
            carrier,
            source: self.source,
            destination: self.destination,
            payload: self.payload,
            vrf: crate::VrfId::DEFAULT,
        }
    }
}

impl From<Transmit> for Packet {
    fn from(transmit: Transmit) -> Self {
        Self {
            carrier: transmit.carrier,
            source: transmit.source,
            destination: transmit.destination,
            payload: transmit.payload,
        }
    }
}
