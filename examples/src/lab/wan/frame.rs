//! What a filter may ask of a frame.

use std::net::{IpAddr, SocketAddr};

/// The port of tunnelled packets (RFC 5844 section 4.4): the inner packet follows the UDP header.
const DATA_PORT: u16 = 5437;
const ETHERNET_HEADER: usize = 14;
const IPV4_HEADER: usize = 20;
const IPV6_HEADER: usize = 40;
const UDP_HEADER: usize = 8;
const ICMP: u8 = 1;
const UDP: u8 = 17;

/// One Ethernet frame on its way.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    octets: &'a [u8],
}

/// An IP packet as far as checks need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow<'a> {
    /// The protocol number.
    pub protocol: u8,
    /// Source; the port is 0 where there is none.
    pub source: SocketAddr,
    /// Destination; the port is 0 where there is none.
    pub destination: SocketAddr,
    /// What follows the UDP header, or the IP header of another protocol.
    pub payload: &'a [u8],
}

impl<'a> Frame<'a> {
    /// The frame in these octets.
    pub const fn new(octets: &'a [u8]) -> Self {
        Self { octets }
    }

    /// Its IP packet; none in ARP and its kin, in fragments, and behind options.
    pub fn outer(&self) -> Option<Flow<'a>> {
        Flow::parse(self.octets.get(ETHERNET_HEADER..)?)
    }

    /// The packet inside the tunnel that its packet belongs to.
    pub fn inner(&self) -> Option<Flow<'a>> {
        let outer = self.outer()?;
        let tunnelled = outer.protocol == UDP && outer.destination.port() == DATA_PORT;
        Flow::parse(outer.payload).filter(|_| tunnelled)
    }

    /// Whether it carries tunnelled UDP from or to `port`.
    pub fn is_inner_udp(&self, port: u16) -> bool {
        let inner = self.inner().filter(|inner| inner.protocol == UDP);
        inner.is_some_and(|inner| inner.is_of_port(port))
    }

    /// Whether it carries tunnelled ICMP.
    pub fn is_inner_icmp(&self) -> bool {
        self.inner().is_some_and(|inner| inner.protocol == ICMP)
    }
}

impl<'a> Flow<'a> {
    fn parse(packet: &'a [u8]) -> Option<Self> {
        let (protocol, source, destination, rest) = match packet.first()? >> 4 {
            4 => ipv4(packet)?,
            6 => ipv6(packet)?,
            _ => return None,
        };
        let (ports, payload) = match protocol {
            UDP => ([port(rest, 0)?, port(rest, 2)?], rest.get(UDP_HEADER..)?),
            _ => ([0, 0], rest),
        };
        Some(Self {
            protocol,
            source: SocketAddr::new(source, ports[0]),
            destination: SocketAddr::new(destination, ports[1]),
            payload,
        })
    }

    /// Whether one of its ports is `port`.
    pub fn is_of_port(&self, port: u16) -> bool {
        self.source.port() == port || self.destination.port() == port
    }
}

type Network<'a> = (u8, IpAddr, IpAddr, &'a [u8]);

fn ipv4(packet: &[u8]) -> Option<Network<'_>> {
    let header: &[u8; IPV4_HEADER] = packet.first_chunk()?;
    let fragment = u16::from_be_bytes([header[6], header[7]]) & 0x3fff;
    if header[0] != 0x45 || fragment != 0 {
        return None;
    }
    let address = |at: usize| -> Option<IpAddr> {
        let octets: [u8; 4] = header.get(at..at + 4)?.try_into().ok()?;
        Some(octets.into())
    };
    let rest = packet.get(IPV4_HEADER..)?;
    Some((header[9], address(12)?, address(16)?, rest))
}

fn ipv6(packet: &[u8]) -> Option<Network<'_>> {
    let header: &[u8; IPV6_HEADER] = packet.first_chunk()?;
    let address = |at: usize| -> Option<IpAddr> {
        let octets: [u8; 16] = header.get(at..at + 16)?.try_into().ok()?;
        Some(octets.into())
    };
    let rest = packet.get(IPV6_HEADER..)?;
    Some((header[6], address(8)?, address(24)?, rest))
}

fn port(segment: &[u8], at: usize) -> Option<u16> {
    let octets: [u8; 2] = segment.get(at..at + 2)?.try_into().ok()?;
    Some(u16::from_be_bytes(octets))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A UDP packet over IPv4 from 10.0.0.1 to 10.0.0.2, checksums left out.
    pub(in super::super) fn udp(ports: [u16; 2], payload: &[u8]) -> Vec<u8> {
        let mut packet = vec![0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, UDP, 0, 0];
        packet.extend([10, 0, 0, 1, 10, 0, 0, 2]);
        packet.extend(ports.iter().flat_map(|port| port.to_be_bytes()));
        packet.extend([0; 4]);
        packet.extend(payload);
        packet
    }

    pub(in super::super) fn ethernet(packet: &[u8]) -> Vec<u8> {
        let mut frame = vec![0; 12];
        frame.extend([8, 0]);
        frame.extend(packet);
        frame
    }

    #[test]
    fn the_packet_in_the_tunnel_is_found_and_no_other_taken_for_it() {
        let inner = udp([16_500, 7], b"voice");
        let tunnelled = ethernet(&udp([5_437, 5_437], &inner));
        let frame = Frame::new(&tunnelled);
        assert!(frame.is_inner_udp(16_500) && frame.is_inner_udp(7));
        assert!(!frame.is_inner_udp(5_437) && !frame.is_inner_icmp());
        assert_eq!(
            frame.inner().map(|inner| inner.payload),
            Some(&b"voice"[..])
        );
        let bare = ethernet(&inner);
        assert!(!Frame::new(&bare).is_inner_udp(16_500));
        let other = ethernet(&udp([5_436, 5_436], &inner));
        assert_eq!(Frame::new(&other).inner(), None);
    }

    #[test]
    fn fragments_and_stumps_are_nothing() {
        let whole = ethernet(&udp([1, 2], b""));
        for length in 0..whole.len() {
            assert_eq!(Frame::new(&whole[..length]).outer(), None, "{length}");
        }
        let mut fragment = whole;
        fragment[ETHERNET_HEADER + 6] = 0x20;
        assert_eq!(Frame::new(&fragment).outer(), None);
    }
}
