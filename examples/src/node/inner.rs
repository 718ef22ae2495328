//! Signalling as inner packets of a tunnel (signalling rules section 9): UDP port 5436 between
//! IPv4 ends, the Mobility Header itself between IPv6 ends.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use bytes::{BufMut, Bytes, BytesMut};
use pmip_wire::checksum::{Checksum, MOBILITY_HEADER_PROTOCOL};
use pmip_wire::udp::CONTROL_PORT;

const UDP: u8 = 17;
const HOP_LIMIT: u8 = 64;
/// Where a Mobility Header has its checksum (RFC 6275 section 6.1.1).
const CHECKSUM: usize = 4;

/// The inner packet that carries `payload`; `None` when the ends are of different families or
/// the payload is too long.
pub fn build(source: IpAddr, destination: IpAddr, payload: &Bytes) -> Option<Bytes> {
    match (source, destination) {
        (IpAddr::V4(from), IpAddr::V4(to)) => ipv4(from, to, payload),
        (IpAddr::V6(from), IpAddr::V6(to)) => ipv6(from, to, payload),
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => None,
    }
}

/// The ends and the Mobility Header of an inner packet; `None` when it carries none, or over IPv6
/// one with a wrong checksum: over IPv4 it is UDP's, which nobody has verified either, but its
/// tunnel has one.
pub fn parse(packet: &Bytes) -> Option<(SocketAddr, SocketAddr, Bytes)> {
    match packet.first()? >> 4 {
        4 => parse_ipv4(packet),
        6 => parse_ipv6(packet),
        _ => None,
    }
}

fn ipv4(from: Ipv4Addr, to: Ipv4Addr, payload: &Bytes) -> Option<Bytes> {
    let udp_length = u16::try_from(payload.len().checked_add(8)?).ok()?;
    let total = udp_length.checked_add(20)?;
    let mut packet = BytesMut::with_capacity(total.into());
    packet.put_slice(&[0x45, 0xc0]); // Class selector 6: network control.
    packet.put_u16(total);
    packet.put_slice(&[0, 0, 0x40, 0]); // Do not fragment.
    packet.put_slice(&[HOP_LIMIT, UDP, 0, 0]);
    packet.put_slice(&from.octets());
    packet.put_slice(&to.octets());
    let mut sum = Checksum::new();
    sum.add(&packet);
    let header_sum = sum.finish();
    packet.put_u16(CONTROL_PORT);
    packet.put_u16(CONTROL_PORT);
    packet.put_u16(udp_length);
    let mut sum = Checksum::ipv4_pseudo_header(from, to, udp_length, UDP);
    sum.add(packet.get(20..)?);
    sum.add(&[0, 0]);
    sum.add(payload);
    // Zero would say "no checksum" (RFC 768).
    packet.put_u16(match sum.finish() {
        0 => 0xffff,
        sum => sum,
    });
    packet.put_slice(payload);
    packet
        .get_mut(10..12)?
        .copy_from_slice(&header_sum.to_be_bytes());
    Some(packet.freeze())
}

fn ipv6(from: Ipv6Addr, to: Ipv6Addr, payload: &Bytes) -> Option<Bytes> {
    let length = u16::try_from(payload.len()).ok()?;
    // The engine leaves the checksum of tunnelled messages 0, as UDP would have one.
    let mut sum = Checksum::ipv6_pseudo_header(from, to, length.into(), MOBILITY_HEADER_PROTOCOL);
    sum.add(payload.get(..CHECKSUM)?);
    sum.add(&[0, 0]);
    sum.add(payload.get(CHECKSUM + 2..)?);
    let mut packet = BytesMut::with_capacity(40 + payload.len());
    packet.put_slice(&[0x6c, 0, 0, 0]);
    packet.put_u16(length);
    packet.put_slice(&[MOBILITY_HEADER_PROTOCOL, HOP_LIMIT]);
    packet.put_slice(&from.octets());
    packet.put_slice(&to.octets());
    packet.put_slice(payload);
    packet
        .get_mut(40 + CHECKSUM..42 + CHECKSUM)?
        .copy_from_slice(&sum.finish().to_be_bytes());
    Some(packet.freeze())
}

fn parse_ipv4(packet: &Bytes) -> Option<(SocketAddr, SocketAddr, Bytes)> {
    let header = usize::from(packet.first()? & 0x0f) * 4;
    let total = usize::from(u16_at(packet, 2)?);
    if *packet.get(9)? != UDP || header < 20 {
        return None;
    }
    let source: [u8; 4] = packet.get(12..16)?.try_into().ok()?;
    let destination: [u8; 4] = packet.get(16..20)?.try_into().ok()?;
    let udp = packet.get(header..total)?;
    let (from, to) = (u16_at(udp, 0)?, u16_at(udp, 2)?);
    let payload = udp.get(8..usize::from(u16_at(udp, 4)?))?;
    (to == CONTROL_PORT).then(|| {
        (
            SocketAddr::new(source.into(), from),
            SocketAddr::new(destination.into(), to),
            packet.slice_ref(payload),
        )
    })
}

fn parse_ipv6(packet: &Bytes) -> Option<(SocketAddr, SocketAddr, Bytes)> {
    let length = usize::from(u16_at(packet, 4)?);
    if *packet.get(6)? != MOBILITY_HEADER_PROTOCOL {
        return None;
    }
    let source: [u8; 16] = packet.get(8..24)?.try_into().ok()?;
    let destination: [u8; 16] = packet.get(24..40)?.try_into().ok()?;
    let payload = packet.get(40..)?.get(..length)?;
    // What stands behind the Mobility Header fills a probe up.
    let own = (usize::from(*payload.get(1)?) + 1) * 8;
    let payload = payload.get(..own)?;
    let (from, to) = (Ipv6Addr::from(source), Ipv6Addr::from(destination));
    let length = u32::try_from(own).ok()?;
    let mut sum = Checksum::ipv6_pseudo_header(from, to, length, MOBILITY_HEADER_PROTOCOL);
    sum.add(payload);
    sum.is_valid().then_some(())?;
    Some((
        SocketAddr::new(from.into(), 0),
        SocketAddr::new(to.into(), 0),
        packet.slice_ref(payload),
    ))
}

fn u16_at(octets: &[u8], at: usize) -> Option<u16> {
    let pair = octets.get(at..at.checked_add(2)?)?;
    Some(u16::from_be_bytes(pair.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_built_is_parsed_again() {
        let payload = Bytes::from_static(b"\x3b\x00\x0d\x00\x00\x00\x00\x01");
        for (source, destination, cover) in [
            ("192.0.2.1:5436", "198.51.100.1:5436", 0),
            ("[2001:db8::1]:0", "[2001:db8::2]:0", 2),
        ] {
            let source: SocketAddr = source.parse().expect("an address");
            let destination: SocketAddr = destination.parse().expect("an address");
            let packet = build(source.ip(), destination.ip(), &payload).expect("of one family");
            let (from, to, read) = parse(&packet).expect("its own");
            assert_eq!((from, to), (source, destination));
            // Between IPv6 ends the checksum is filled in.
            assert_eq!(read[..4], payload[..4]);
            assert_eq!(read[4 + cover..], payload[4 + cover..]);
        }
    }

    /// RFC 6275 section 6.1.1: the sum of pseudo-header and Mobility Header; what fills a probe up
    /// is not part of it.
    #[test]
    fn a_heartbeat_between_ipv6_ends_has_a_checksum_that_is_verified() {
        let ends = ["2001:db8::1", "2001:db8::2"];
        let [from, to] = ends.map(|end| end.parse::<Ipv6Addr>().expect("an address"));
        let payload = Bytes::from_static(b"\x3b\x00\x0d\x00\x00\x00\x00\x01");
        let packet = build(from.into(), to.into(), &payload).expect("IPv6");
        let mut sum = Checksum::ipv6_pseudo_header(from, to, 8, MOBILITY_HEADER_PROTOCOL);
        sum.add(&packet[40..]);
        assert!(sum.is_valid());
        let mut filled = packet.to_vec();
        filled.extend_from_slice(&[0xff; 100]);
        filled[5] += 100;
        let (_, _, read) = parse(&filled.into()).expect("filled up");
        assert_eq!(read, packet[40..]);
        let mut damaged = packet.to_vec();
        damaged[47] ^= 1;
        assert_eq!(parse(&damaged.into()), None);
    }

    #[test]
    fn both_checksums_of_an_ipv4_packet_are_right() {
        let payload = Bytes::from_static(b"\x3b\x01\x0d\x00\x00\x00\x01");
        let ends = ["192.0.2.1", "198.51.100.1"];
        let [from, to] = ends.map(|end| end.parse::<Ipv4Addr>().expect("an address"));
        let packet = build(from.into(), to.into(), &payload).expect("IPv4");
        let mut header = Checksum::new();
        header.add(packet.get(..20).expect("a header"));
        assert_eq!(header.finish(), 0);
        let udp = packet.get(20..).expect("a UDP header");
        let length = u16::try_from(udp.len()).expect("short");
        let mut sum = Checksum::ipv4_pseudo_header(from, to, length, UDP);
        sum.add(udp);
        assert_eq!(sum.finish(), 0);
    }

    proptest! {
        #[test]
        fn no_packet_makes_parse_panic(packet in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = parse(&Bytes::from(packet));
        }
    }
}
