//! Probes as inner packets of a tunnel: whole IP packets with UDP in them.

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use pmip_wire::carrier::{
    AddressPair, Ipv4Header, Ipv4Packet, Ipv6Header, Ipv6Packet, UdpDatagram, UdpHeader, protocol,
};

/// The packet that carries `payload`; `None` where the ends are of different families or it is too
/// long.
pub(super) fn build(
    source: SocketAddr,
    destination: SocketAddr,
    traffic_class: u8,
    payload: &[u8],
) -> Option<Bytes> {
    let length = payload.len().checked_add(UdpHeader::LEN)?;
    let mut packet = Vec::with_capacity(Ipv6Header::new(NOWHERE, NOWHERE).encoded_len() + length);
    let addresses = match (source.ip(), destination.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            let mut header = Ipv4Header::new(from, to, protocol::UDP);
            header.traffic_class = traffic_class;
            header.dont_fragment = true;
            header.hop_limit = HOP_LIMIT;
            header.encode(length, &mut packet)?;
            header.addresses()
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            let mut header = Ipv6Header::new(from, to);
            header.traffic_class = traffic_class;
            header.hop_limit = HOP_LIMIT;
            header.encode(protocol::UDP, length, &mut packet)?;
            AddressPair::V6 {
                source: from,
                destination: to,
            }
        }
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return None,
    };
    let ports = UdpHeader {
        source_port: source.port(),
        destination_port: destination.port(),
    };
    ports.encode(addresses, payload, &mut packet)?;
    packet.extend_from_slice(payload);
    Some(packet.into())
}

/// STAMP asks for it (RFC 8762 section 4.2.1), and it tells how many routers a packet passed.
const HOP_LIMIT: u8 = 255;
const NOWHERE: std::net::Ipv6Addr = std::net::Ipv6Addr::UNSPECIFIED;

/// What an inner packet holds.
pub(super) struct Inner<'a> {
    pub source: SocketAddr,
    pub destination: SocketAddr,
    pub hop_limit: u8,
    pub traffic_class: u8,
    pub payload: &'a [u8],
}

/// Reads a UDP packet; `None` where it is none, a fragment, or damaged.
pub(super) fn parse(packet: &[u8]) -> Option<Inner<'_>> {
    match packet.first()? >> 4 {
        4 => parse_ipv4(packet),
        6 => parse_ipv6(packet),
        _ => None,
    }
}

fn parse_ipv4(packet: &[u8]) -> Option<Inner<'_>> {
    let packet = Ipv4Packet::parse(packet).ok()?;
    let header = packet.header;
    if header.protocol != protocol::UDP || packet.more_fragments || packet.fragment_offset > 0 {
        return None;
    }
    let udp = UdpDatagram::parse(packet.payload, header.addresses()).ok()?;
    Some(Inner {
        source: SocketAddr::new(header.source.into(), udp.header.source_port),
        destination: SocketAddr::new(header.destination.into(), udp.header.destination_port),
        hop_limit: header.hop_limit,
        traffic_class: header.traffic_class,
        payload: udp.payload,
    })
}

fn parse_ipv6(packet: &[u8]) -> Option<Inner<'_>> {
    let packet = Ipv6Packet::parse(packet).ok()?;
    if packet.upper_layer() != protocol::UDP || packet.is_fragment() {
        return None;
    }
    let header = packet.header();
    let addresses = AddressPair::V6 {
        source: header.source,
        destination: header.destination,
    };
    let udp = UdpDatagram::parse(packet.upper_layer_octets(), addresses).ok()?;
    Some(Inner {
        source: SocketAddr::new(header.source.into(), udp.header.source_port),
        destination: SocketAddr::new(header.destination.into(), udp.header.destination_port),
        hop_limit: header.hop_limit,
        traffic_class: header.traffic_class,
        payload: udp.payload,
    })
}
