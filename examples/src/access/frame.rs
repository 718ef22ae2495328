//! Ethernet frames of access links: what hosts send, and what they are sent.

use std::net::{Ipv4Addr, Ipv6Addr};

use pmip_wire::checksum::Checksum;
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    ArpOperation, ArpPacket, ArpRepr, EthernetAddress, EthernetFrame, EthernetProtocol,
    EthernetRepr, Icmpv6Message, Icmpv6Packet, IpAddress, IpProtocol, IpRepr, Ipv4Packet,
    Ipv6Packet, Ipv6Repr, UdpPacket, UdpRepr,
};

use super::Mac;

/// Every station on the link.
pub const BROADCAST: Mac = [0xff; 6];
/// UDP ports of DHCPv4 (RFC 2131 section 4.1).
pub const DHCP4_PORTS: (u16, u16) = (67, 68);
/// UDP ports of DHCPv6 (RFC 8415 section 7.2).
pub const DHCP6_PORTS: (u16, u16) = (547, 546);
/// Neighbour discovery never crosses a router (RFC 4861 section 11.2).
const ON_LINK: u8 = 255;
const HOP_LIMIT: u8 = 64;
const ICMPV6: u8 = 58;
/// Ethernet payloads are padded to this.
const SHORTEST: usize = 60;

/// What a host said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said<'a> {
    /// An ARP packet.
    Arp {
        /// A request; otherwise a reply.
        request: bool,
        /// The sender's address; unspecified in a probe (RFC 5227 section 1.1).
        sender: Ipv4Addr,
        /// Whom it is about.
        target: Ipv4Addr,
    },
    /// A DHCPv4 message to a server.
    Dhcp4(&'a [u8]),
    /// A Router Solicitation from this address.
    Solicitation(Ipv6Addr),
    /// A Neighbour Advertisement from this address.
    Neighbour(Ipv6Addr),
    /// A DHCPv6 message to servers, from this address.
    Dhcp6(Ipv6Addr, &'a [u8]),
}

/// What is wrong with a frame: the layer that does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

/// The sender of a frame and what it says; `None` where it is nothing for us.
///
/// # Errors
/// Which layer is wrong. UDP checksums are not looked at: a frame from the same machine leaves
/// them to hardware that never sees it.
pub fn parse(octets: &[u8]) -> Result<Option<(Mac, Said<'_>)>, Malformed> {
    let frame = EthernetFrame::new_checked(octets).map_err(|_| Malformed("ethernet"))?;
    let source = frame.src_addr();
    if !source.is_unicast() || source.0 == [0; 6] {
        return Err(Malformed("ethernet-source"));
    }
    let said = match frame.ethertype() {
        EthernetProtocol::Arp => arp(frame.payload())?,
        EthernetProtocol::Ipv4 => ipv4(frame.payload())?,
        EthernetProtocol::Ipv6 => ipv6(frame.payload())?,
        EthernetProtocol::Unknown(_) => None,
    };
    Ok(said.map(|said| (source.0, said)))
}

fn arp(octets: &[u8]) -> Result<Option<Said<'_>>, Malformed> {
    let packet = ArpPacket::new_checked(octets).map_err(|_| Malformed("arp"))?;
    let ArpRepr::EthernetIpv4 {
        operation,
        source_protocol_addr: sender,
        target_protocol_addr: target,
        ..
    } = ArpRepr::parse(&packet).map_err(|_| Malformed("arp"))?
    else {
        return Ok(None);
    };
    let request = match operation {
        ArpOperation::Request => true,
        ArpOperation::Reply => false,
        ArpOperation::Unknown(_) => return Ok(None),
    };
    Ok(Some(Said::Arp {
        request,
        sender,
        target,
    }))
}

fn ipv4(octets: &[u8]) -> Result<Option<Said<'_>>, Malformed> {
    let packet = Ipv4Packet::new_checked(octets).map_err(|_| Malformed("ipv4"))?;
    if !packet.verify_checksum() {
        return Err(Malformed("ipv4"));
    }
    let fragment = packet.more_frags() || packet.frag_offset() != 0;
    if fragment || packet.next_header() != IpProtocol::Udp {
        return Ok(None);
    }
    let udp = UdpPacket::new_checked(packet.payload()).map_err(|_| Malformed("udp"))?;
    if udp.dst_port() != DHCP4_PORTS.0 {
        return Ok(None);
    }
    Ok(Some(Said::Dhcp4(udp.payload())))
}

fn ipv6(octets: &[u8]) -> Result<Option<Said<'_>>, Malformed> {
    let packet = Ipv6Packet::new_checked(octets).map_err(|_| Malformed("ipv6"))?;
    let from = packet.src_addr();
    match packet.next_header() {
        IpProtocol::Icmpv6 => neighbour_discovery(&packet),
        IpProtocol::Udp => {
            let udp = UdpPacket::new_checked(packet.payload()).map_err(|_| Malformed("udp"))?;
            let asked = udp.dst_port() == DHCP6_PORTS.0;
            Ok(asked.then(|| Said::Dhcp6(from, udp.payload())))
        }
        _ => Ok(None),
    }
}

/// The checks of RFC 4861 sections 6.1.1 and 7.1.2.
fn neighbour_discovery<'a>(packet: &Ipv6Packet<&'a [u8]>) -> Result<Option<Said<'a>>, Malformed> {
    let wrong = Malformed("neighbour-discovery");
    let icmp = Icmpv6Packet::new_checked(packet.payload()).map_err(|_| wrong)?;
    let from = packet.src_addr();
    let (said, shortest) = match icmp.msg_type() {
        Icmpv6Message::RouterSolicit => (Said::Solicitation(from), 8),
        Icmpv6Message::NeighborAdvert => (Said::Neighbour(from), 24),
        _ => return Ok(None),
    };
    let octets = packet.payload();
    let length = u32::try_from(octets.len()).map_err(|_| wrong)?;
    let mut sum = Checksum::ipv6_pseudo_header(from, packet.dst_addr(), length, ICMPV6);
    sum.add(octets);
    let held = sum.is_valid() && packet.hop_limit() == ON_LINK && icmp.msg_code() == 0;
    if !held || octets.len() < shortest || from.is_multicast() {
        return Err(wrong);
    }
    Ok(Some(said))
}

/// An ARP packet: a reply, or a request where `to_mac` is only where it is sent.
pub fn build_arp(
    request: bool,
    (from_mac, from): (Mac, Ipv4Addr),
    (to_mac, to): (Mac, Ipv4Addr),
) -> Vec<u8> {
    let repr = ArpRepr::EthernetIpv4 {
        operation: if request {
            ArpOperation::Request
        } else {
            ArpOperation::Reply
        },
        source_hardware_addr: EthernetAddress(from_mac),
        source_protocol_addr: from,
        target_hardware_addr: EthernetAddress(if request { [0; 6] } else { to_mac }),
        target_protocol_addr: to,
    };
    let link = Link {
        from: from_mac,
        to: to_mac,
        kind: EthernetProtocol::Arp,
    };
    link.frame(repr.buffer_len(), |payload| {
        repr.emit(&mut ArpPacket::new_unchecked(payload));
    })
}

/// A UDP datagram over IPv4.
pub fn build_udp4(
    macs: (Mac, Mac),
    (from, to): (Ipv4Addr, Ipv4Addr),
    ports: (u16, u16),
    payload: &[u8],
) -> Vec<u8> {
    let link = Link::new(macs, EthernetProtocol::Ipv4);
    build_udp(link, (from.into(), to.into()), ports, payload)
}

/// A UDP datagram over IPv6.
pub fn build_udp6(
    macs: (Mac, Mac),
    (from, to): (Ipv6Addr, Ipv6Addr),
    ports: (u16, u16),
    payload: &[u8],
) -> Vec<u8> {
    let link = Link::new(macs, EthernetProtocol::Ipv6);
    build_udp(link, (from.into(), to.into()), ports, payload)
}

/// The addresses are of one family, that of the link's protocol.
fn build_udp(
    link: Link,
    (from, to): (IpAddress, IpAddress),
    ports: (u16, u16),
    payload: &[u8],
) -> Vec<u8> {
    let udp = UdpRepr {
        src_port: ports.0,
        dst_port: ports.1,
    };
    let length = udp.header_len() + payload.len();
    let ip = IpRepr::new(from, to, IpProtocol::Udp, length, HOP_LIMIT);
    let all = ChecksumCapabilities::default();
    link.frame(ip.buffer_len(), |buffer| {
        ip.emit(&mut *buffer, &all);
        let room = buffer.get_mut(ip.header_len()..).unwrap_or_default();
        udp.emit(
            &mut UdpPacket::new_unchecked(room),
            &from,
            &to,
            payload.len(),
            |room| room.copy_from_slice(payload),
            &all,
        );
    })
}

/// A message of neighbour discovery; its checksum field, octets 2 and 3, is filled in.
pub fn build_icmp6(
    macs: (Mac, Mac),
    addresses: (Ipv6Addr, Ipv6Addr),
    mut message: Vec<u8>,
) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    let mut sum = Checksum::ipv6_pseudo_header(addresses.0, addresses.1, length, ICMPV6);
    sum.add(&message);
    if let Some(field) = message.get_mut(2..4) {
        field.copy_from_slice(&sum.finish().to_be_bytes());
    }
    let ip = Ipv6Repr {
        src_addr: addresses.0,
        dst_addr: addresses.1,
        next_header: IpProtocol::Icmpv6,
        payload_len: message.len(),
        hop_limit: ON_LINK,
    };
    let link = Link::new(macs, EthernetProtocol::Ipv6);
    link.frame(ip.buffer_len() + message.len(), |buffer| {
        let mut packet = Ipv6Packet::new_unchecked(buffer);
        ip.emit(&mut packet);
        packet.payload_mut().copy_from_slice(&message);
    })
}

/// The Ethernet header of a frame.
struct Link {
    from: Mac,
    to: Mac,
    kind: EthernetProtocol,
}

impl Link {
    fn new((from, to): (Mac, Mac), kind: EthernetProtocol) -> Self {
        Self { from, to, kind }
    }

    fn frame(self, length: usize, fill: impl FnOnce(&mut [u8])) -> Vec<u8> {
        let whole = EthernetFrame::<&[u8]>::buffer_len(length);
        let mut octets = vec![0; whole.max(SHORTEST)];
        let header = EthernetRepr {
            src_addr: EthernetAddress(self.from),
            dst_addr: EthernetAddress(self.to),
            ethertype: self.kind,
        };
        let mut frame = EthernetFrame::new_unchecked(octets.as_mut_slice());
        header.emit(&mut frame);
        fill(frame.payload_mut().get_mut(..length).unwrap_or_default());
        octets
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOST: Mac = [2, 0, 0, 0, 0, 9];
    const US: Mac = [2, 0, 0, 0, 0, 1];

    fn address(text: &str) -> Ipv6Addr {
        text.parse().expect("an address")
    }

    #[test]
    fn what_is_built_is_parsed_again() {
        let (ours, theirs) = (Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 9));
        let frame = build_udp4((HOST, US), (theirs, ours), (68, 67), b"dhcp");
        assert_eq!(parse(&frame), Ok(Some((HOST, Said::Dhcp4(b"dhcp")))));
        let frame = build_arp(true, (HOST, theirs), (BROADCAST, ours));
        let asked = Said::Arp {
            request: true,
            sender: theirs,
            target: ours,
        };
        assert_eq!(parse(&frame), Ok(Some((HOST, asked))));
        let (from, to) = (address("fe80::9"), address("ff02::1:2"));
        let frame = build_udp6((HOST, US), (from, to), (546, 547), b"dhcp6");
        assert_eq!(parse(&frame), Ok(Some((HOST, Said::Dhcp6(from, b"dhcp6")))));
        let message = vec![133, 0, 0, 0, 0, 0, 0, 0];
        let frame = build_icmp6((HOST, US), (from, address("ff02::2")), message);
        assert_eq!(parse(&frame), Ok(Some((HOST, Said::Solicitation(from)))));
    }

    /// Would break: a solicitation that a router on another link forged.
    #[test]
    fn neighbour_discovery_from_afar_or_with_a_wrong_checksum_is_malformed() {
        let (from, to) = (address("fe80::9"), address("ff02::2"));
        let good = build_icmp6((HOST, US), (from, to), vec![133, 0, 0, 0, 0, 0, 0, 0]);
        let wrong = Err(Malformed("neighbour-discovery"));
        for (at, value) in [(21, 254), (56, 1)] {
            let mut bad = good.clone();
            *bad.get_mut(at).expect("inside") = value;
            assert_eq!(parse(&bad), wrong, "octet {at}");
        }
    }

    #[test]
    fn nobody_sends_from_a_group_address() {
        let (ours, theirs) = (Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 9));
        for source in [BROADCAST, [0; 6], [0x33, 0x33, 0, 0, 0, 1]] {
            let frame = build_arp(true, (source, theirs), (BROADCAST, ours));
            assert_eq!(parse(&frame), Err(Malformed("ethernet-source")));
        }
    }

    proptest! {
        #[test]
        fn no_frame_makes_parse_panic(
            kind in prop::sample::select(vec![[8, 0], [8, 6], [0x86, 0xdd]]),
            rest in prop::collection::vec(any::<u8>(), 0..120),
        ) {
            let mut octets = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 9];
            octets.extend(kind);
            octets.extend(rest);
            let _ = parse(&octets);
        }
    }
}
