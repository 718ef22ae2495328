use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::testing::{Build, V4_HOST, V4_PEER, V6_HOST, V6_PEER};

/// An IPv6 packet whose headers after the fixed one are `chain`.
fn ipv6(first: u8, chain: &[u8]) -> Vec<u8> {
    let mut packet = Build::udp(V6_HOST, V6_PEER, 0).packet();
    packet.truncate(40);
    packet[6] = first;
    packet[4..6].copy_from_slice(&(chain.len() as u16).to_be_bytes());
    packet.extend_from_slice(chain);
    packet
}

fn parse(data: &[u8]) -> Packet {
    Packet::parse(data).expect("a packet")
}

#[test]
fn ports_and_class_are_read_in_both_families() {
    for (source, destination, transport) in [(V4_HOST, V4_PEER, 20), (V6_HOST, V6_PEER, 40)] {
        let build = Build {
            traffic_class: 0xb9,
            ..Build::tcp(source, destination, 3)
        };
        let packet = parse(&build.packet());
        assert_eq!(packet.ports, (40_000, 443));
        assert_eq!(packet.traffic_class, 0xb9);
        assert_eq!(packet.transport, Some(transport));
        let key = packet.flow_key();
        assert_eq!(key.source(), build.source);
        assert_eq!(key.dscp(), 0xb9 >> 2);
        assert_eq!(key.flow_label(), 0, "ports name the flow");
    }
}

#[test]
fn extension_headers_are_walked_to_the_ports() {
    let udp = [0x9c, 0x40, 0x01, 0xbb, 0, 8, 0, 0];
    let mut chain = Vec::from([43, 0, 1, 4, 0, 0, 0, 0]); // Hop-by-hop, then routing.
    chain.extend_from_slice(&[51, 0, 0, 0, 0, 0, 0, 0]); // Routing, then authentication.
    chain.extend_from_slice(&[
        60, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ]);
    chain.extend_from_slice(&[17, 0, 1, 4, 0, 0, 0, 0]); // Destination options, then UDP.
    chain.extend_from_slice(&udp);
    let packet = parse(&ipv6(protocol::HOP_BY_HOP, &chain));
    assert_eq!(packet.protocol, protocol::UDP);
    assert_eq!(packet.ports, (40_000, 443));
    assert_eq!(packet.transport, Some(40 + 48));
}

#[test]
fn fragments_have_no_ports_so_that_they_stay_together() {
    let udp = [0x9c, 0x40, 0x01, 0xbb, 0, 8, 0, 0];
    let fragment = |field: [u8; 2]| {
        let mut chain = Vec::from([17, 0, field[0], field[1], 0, 0, 0, 9]);
        chain.extend_from_slice(&udp);
        parse(&ipv6(protocol::FRAGMENT, &chain))
    };
    let (first, later, atomic) = (fragment([0, 1]), fragment([1, 0]), fragment([0, 0]));
    assert_eq!((first.fragment, first.ports), (Fragment::First, (0, 0)));
    assert_eq!((later.fragment, later.ports), (Fragment::Later, (0, 0)));
    assert_eq!(later.transport, None);
    assert_eq!(first.flow_key(), later.flow_key());
    assert_eq!(
        (atomic.fragment, atomic.ports),
        (Fragment::None, (40_000, 443))
    );

    let mut data = Build::udp(V4_HOST, V4_PEER, 8).packet();
    data[6] = 0x20;
    assert_eq!(parse(&data).ports, (0, 0));
    data[7] = 1;
    assert_eq!(parse(&data).transport, None);
}

#[test]
fn a_chain_cut_short_is_a_packet_without_ports() {
    let packet = parse(&ipv6(protocol::HOP_BY_HOP, &[17, 9, 0, 0]));
    assert_eq!((packet.transport, packet.ports), (None, (0, 0)));
    // Seventeen empty option headers: a chain that only costs time.
    let mut chain = Vec::new();
    for _ in 0..17 {
        chain.extend_from_slice(&[60, 0, 1, 4, 0, 0, 0, 0]);
    }
    assert_eq!(parse(&ipv6(60, &chain)).transport, None);
}

#[test]
fn contradicting_lengths_are_refused() {
    let good = Build::udp(V4_HOST, V4_PEER, 8).packet();
    let with = |at: usize, value: u8| {
        let mut data = good.clone();
        data[at] = value;
        Packet::parse(&data)
    };
    assert!(matches!(with(3, 200), Err(PacketError::Truncated { .. })));
    assert_eq!(with(3, 19), Err(PacketError::Length));
    assert_eq!(with(0, 0x44), Err(PacketError::Length));
    assert_eq!(with(0, 0x75), Err(PacketError::Version(7)));
    assert!(Packet::parse(&[]).is_err());
}

proptest! {
    #[test]
    fn offsets_lie_inside(
        data in proptest::collection::vec(any::<u8>(), 0..200),
        first in prop_oneof![Just(0x45u8), Just(0x60), any::<u8>()],
    ) {
        let mut data = data;
        if let Some(octet) = data.first_mut() {
            *octet = first;
        }
        if data.len() >= 40 && first == 0x60 {
            let payload = (data.len() - 40) as u16;
            data[4..6].copy_from_slice(&payload.to_be_bytes());
        }
        if let Ok(packet) = Packet::parse(&data) {
            prop_assert!(packet.length <= data.len());
            prop_assert!(packet.transport.is_none_or(|at| at <= packet.length));
        }
    }
}
