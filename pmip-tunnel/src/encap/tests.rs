use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use pmip_wire::types::Instant;
use proptest::prelude::*;

use super::*;
use crate::testing::{Build, V4_HOST, V4_PEER, V6_HOST, V6_PEER, assert_valid, naive_sum};

fn tunnel(encapsulation: Encapsulation) -> Tunnel {
    let ends = match encapsulation.is_ipv4_transport() {
        true => ["198.51.100.1:5437", "203.0.113.1:5437"],
        false => ["[2001:db8::1]:0", "[2001:db8::2]:0"],
    };
    let [source, destination] = ends.map(|end| end.parse().expect("an end"));
    Tunnel::new(encapsulation, source, destination)
}

/// The packet in a buffer with `headroom`, encapsulated.
fn encapsulated(packet: &[u8], headroom: usize, tunnel: &Tunnel) -> Result<Vec<u8>, EncapError> {
    let mut data = vec![0xaa; headroom];
    data.extend_from_slice(packet);
    let mut buffer = PacketBuf::new(&mut data, headroom)?;
    encapsulate(&mut buffer, tunnel)?;
    Ok(buffer.packet().to_vec())
}

fn outer(packet: &[u8], tunnel: &Tunnel) -> Vec<u8> {
    encapsulated(packet, 64, tunnel).expect("64 octets suffice")
}

fn inners() -> [Vec<u8>; 2] {
    [
        Build::tcp(V4_HOST, V4_PEER, 100).packet(),
        Build::udp(V6_HOST, V6_PEER, 101).packet(),
    ]
}

/// Signalling rules section 11, and protocol numbers of wire-formats sections 6 and 7.
#[test]
fn each_encapsulation_has_its_overhead_and_protocol_numbers() {
    let cases = [
        (Encapsulation::Ipv6, None, 40, [4, 41]),
        (Encapsulation::Ipv4, None, 20, [4, 41]),
        (Encapsulation::Ipv4Udp, None, 28, [17, 17]),
        (Encapsulation::Ipv4UdpTlv, Some(7), 40, [17, 17]),
        (Encapsulation::GreIpv4, None, 24, [47, 47]),
        (Encapsulation::GreIpv4, Some(7), 28, [47, 47]),
        (Encapsulation::GreIpv6, None, 44, [47, 47]),
        (Encapsulation::GreIpv6, Some(7), 48, [47, 47]),
    ];
    for (encapsulation, key, overhead, numbers) in cases {
        let mut tunnel = tunnel(encapsulation);
        tunnel.key = key;
        for (inner, number) in inners().iter().zip(numbers) {
            let packet = outer(inner, &tunnel);
            assert_eq!(packet.len() - inner.len(), overhead, "{encapsulation:?}");
            let (at, hops) = match encapsulation.is_ipv4_transport() {
                true => (9, 8),
                false => (6, 7),
            };
            assert_eq!(
                (packet[at], packet[hops]),
                (number, 64),
                "{encapsulation:?}"
            );
            if encapsulation.is_ipv4_transport() {
                assert_eq!(naive_sum(&packet[..20]), 0xffff, "header checksum");
            }
        }
        if key.is_some() || Carrier::of(encapsulation) != Some(Carrier::Gre) {
            assert_eq!(overhead, usize::from(encapsulation.overhead()));
        }
    }
}

/// Would break: drivers that gather instead of copying send other headers than those that copy.
#[test]
fn headers_written_alone_are_those_of_the_whole_packet() {
    for encapsulation in Encapsulation::ALL {
        let tunnel = tunnel(*encapsulation);
        for inner in inners() {
            let whole = outer(&inner, &tunnel);
            let known = Inner::of(&inner).expect("an IP packet");
            let head = tunnel.outer(known, None).expect("of one family");
            let (mut alone, own) = ([0xaa; 64], head.length());
            let written = head.write_before(&mut alone, whole.len() - own);
            if head.protocol == 17 {
                assert_eq!(written, Err(EncapError::Udp));
                continue;
            }
            assert_eq!(written, Ok(()));
            assert_eq!(alone[..own], whole[..own], "{encapsulation:?}");
        }
    }
}

#[test]
fn udp_has_a_checksum_unless_told_not_to() {
    for packet in inners() {
        let mut tunnel = tunnel(Encapsulation::Ipv4Udp);
        assert_valid(&outer(&packet, &tunnel));
        tunnel.options.udp_checksum = false;
        assert_eq!(outer(&packet, &tunnel)[26..28], [0, 0]);
    }
}

#[test]
fn the_encapsulation_limit_is_a_destination_option_of_8_octets() {
    let [packet, _] = inners();
    let mut tunnel = tunnel(Encapsulation::Ipv6);
    tunnel.options.encapsulation_limit = Some(4);
    let outer = outer(&packet, &tunnel);
    assert_eq!(outer.len(), packet.len() + 48);
    assert_eq!(outer[6], 60);
    assert_eq!(outer[40..48], [4, 0, 4, 1, 4, 1, 1, 0]);
    let read = decapsulate(&outer).expect("our own");
    assert_eq!(outer[read.inner], packet);
}

/// RFC 2473 section 4.1.1 (b) to (e).
#[test]
fn a_nested_limit_counts_down_and_ends_at_0() {
    let plain = tunnel(Encapsulation::Ipv6);
    let [packet, _] = inners();
    let mut limited = plain;
    limited.options.encapsulation_limit = Some(1);
    let first = outer(&packet, &limited);
    let second = outer(&first, &plain);
    assert_eq!(second[44], 0, "one less, although none is configured");
    assert_eq!(
        encapsulated(&second, 64, &limited),
        Err(EncapError::LimitExhausted)
    );
    let over_ipv4 = encapsulated(&first, 64, &tunnel(Encapsulation::Ipv4)).expect("no option");
    assert_eq!(over_ipv4.len(), first.len() + 20);
}

#[test]
fn dscp_is_zero_copied_or_set_and_ecn_always_copied() {
    let inner = Build {
        traffic_class: 0xb8 | 0b10,
        ..Build::udp(V6_HOST, V6_PEER, 10)
    }
    .packet();
    for (dscp, expected) in [
        (OuterDscp::Zero, 0b10),
        (OuterDscp::Copy, 0xba),
        (OuterDscp::Value(10), (10 << 2) | 0b10),
        (OuterDscp::Value(255), 0xfe),
    ] {
        for encapsulation in Encapsulation::ALL.iter().copied() {
            let mut tunnel = tunnel(encapsulation);
            tunnel.options.dscp = dscp;
            let packet = outer(&inner, &tunnel);
            let class = crate::Packet::parse(&packet).expect("ours").traffic_class;
            assert_eq!(class, expected, "{dscp:?} {encapsulation:?}");
        }
    }
}

#[test]
fn what_does_not_fit_leaves_the_packet_alone() {
    let [packet, _] = inners();
    for encapsulation in Encapsulation::ALL.iter().copied() {
        let tunnel = tunnel(encapsulation);
        let need = outer(&packet, &tunnel).len() - packet.len();
        let mut data = vec![0; need - 1];
        data.extend_from_slice(&packet);
        let mut buffer = PacketBuf::new(&mut data, need - 1).expect("inside");
        let have = need - 1;
        let result = encapsulate(&mut buffer, &tunnel);
        assert_eq!(result, Err(EncapError::Headroom { need, have }));
        assert_eq!(buffer.packet(), packet);
        assert_eq!(buffer.headroom(), have);
    }
    let long = Build::tcp(V4_HOST, V4_PEER, 65_490).packet();
    let result = encapsulated(&long, 64, &tunnel(Encapsulation::Ipv4Udp));
    assert_eq!(result, Err(EncapError::TooLong(long.len() + 28)));
    let result = encapsulated(&[0x25; 40], 64, &tunnel(Encapsulation::Ipv4Udp));
    assert_eq!(result, Err(EncapError::NotIp));
    assert!(PacketBuf::new(&mut [0; 4], 5).is_err());
}

#[test]
fn ends_of_the_wrong_family_are_refused() {
    let [packet, _] = inners();
    for (encapsulation, ends) in [
        (Encapsulation::Ipv4Udp, Encapsulation::Ipv6),
        (Encapsulation::GreIpv6, Encapsulation::Ipv4),
    ] {
        let wrong = Tunnel {
            encapsulation,
            ..tunnel(ends)
        };
        assert_eq!(encapsulated(&packet, 64, &wrong), Err(EncapError::Family));
    }
}

#[test]
fn damaged_outer_packets_are_refused() {
    let [packet, _] = inners();
    let good = outer(&packet, &tunnel(Encapsulation::Ipv4Udp));
    let broken = |at: usize, value: u8| {
        let mut outer = good.clone();
        outer[at] = value;
        decapsulate(&outer)
    };
    assert!(matches!(broken(25, 9), Err(DecapError::UdpLength(_))));
    assert_eq!(broken(60, !good[60]), Err(DecapError::UdpChecksum));
    assert_eq!(broken(6, 0x20), Err(DecapError::Fragment));
    assert_eq!(broken(9, 89), Err(DecapError::Protocol(89)));
    let mut unchecked = good.clone();
    unchecked[26..29].copy_from_slice(&[0, 0, 0x95]);
    assert_eq!(decapsulate(&unchecked), Err(DecapError::Inner));
}

/// RFC 8200 section 8.1 and RFC 6935: a checksum of 0 is for tunnels that were told so, and no RFC
/// puts Proxy Mobile IPv6 into UDP over IPv6.
#[test]
fn udp_over_ipv6_is_refused_with_and_without_checksum() {
    for checksum in [0, 0x1234u16] {
        let mut packet = Build::udp("2001:db8::1", "2001:db8::2", 0).packet();
        packet[46..48].copy_from_slice(&checksum.to_be_bytes());
        assert_eq!(decapsulate(&packet), Err(DecapError::Protocol(17)));
    }
}

#[test]
fn the_announced_version_must_be_the_packets() {
    let [packet, _] = inners();
    let mut outer = outer(&packet, &tunnel(Encapsulation::Ipv6));
    outer[6] = 41;
    assert_eq!(decapsulate(&outer), Err(DecapError::Inner));
}

/// The pieces as packets of their own.
fn cut(packet: &[u8], mtu: u16) -> Vec<Vec<u8>> {
    fragments(packet, mtu, 0xabcd_0123)
        .expect("may be cut")
        .map(|piece| [piece.header(), &packet[piece.payload.clone()]].concat())
        .collect()
}

fn together(pieces: &[Vec<u8>]) -> Option<Vec<u8>> {
    let mut reassembler = Reassembler::new(ReassemblerConfig::default());
    let mut whole = None;
    for piece in pieces {
        match reassembler.push(Instant::ZERO, piece) {
            Whole::Complete(packet) => whole = Some(packet.to_vec()),
            Whole::AsItIs => whole = Some(piece.clone()),
            Whole::Nothing => {}
        }
    }
    assert!(reassembler.waiting() == 0 || whole.is_none());
    whole
}

#[test]
fn dont_fragment_and_hopeless_mtus_are_respected() {
    let [packet, _] = inners();
    let mut tunnel = tunnel(Encapsulation::Ipv4);
    tunnel.dont_fragment = true;
    let whole = outer(&packet, &tunnel);
    assert_eq!(
        fragments(&whole, 100, 1).err(),
        Some(FragmentError::DontFragment)
    );
    assert_eq!(cut(&whole, 1_500).len(), 1, "what fits is not cut");
    tunnel.dont_fragment = false;
    let whole = outer(&packet, &tunnel);
    assert_eq!(fragments(&whole, 27, 1).err(), Some(FragmentError::Mtu(27)));
    assert_eq!(fragments(&packet[..30], 27, 1).err().map(|_| ()), Some(()));
}

#[test]
fn overlapping_pieces_end_a_packet() {
    let inner = Build::udp(V4_HOST, V4_PEER, 900).packet();
    let whole = outer(&inner, &tunnel(Encapsulation::GreIpv6));
    let pieces = cut(&whole, 400);
    let mut evil = pieces[1].clone();
    // 8 octets earlier than it belongs.
    let offset = u16::from_be_bytes([evil[42], evil[43]]) - 8;
    evil[42..44].copy_from_slice(&offset.to_be_bytes());
    let mut all = vec![pieces[0].clone(), evil];
    all.extend_from_slice(&pieces[1..]);
    assert_eq!(together(&all), None);
    let twice: Vec<_> = [&pieces[..1], &pieces[..]].concat();
    assert_eq!(
        together(&twice).as_deref(),
        Some(&whole[..]),
        "twice is no overlap"
    );
}

#[test]
fn pieces_wait_60_seconds_and_no_more_than_there_is_room_for() {
    let config = ReassemblerConfig {
        max_datagrams: 2,
        ..ReassemblerConfig::default()
    };
    let mut reassembler = Reassembler::new(config);
    let inner = Build::udp(V4_HOST, V4_PEER, 900).packet();
    let whole = outer(&inner, &tunnel(Encapsulation::Ipv4));
    let piece = |identification: u32, at: usize| {
        let mut pieces = fragments(&whole, 400, identification).expect("may be cut");
        let piece = pieces.nth(at).expect("there");
        [piece.header(), &whole[piece.payload.clone()]].concat()
    };
    for identification in 0..5 {
        reassembler.push(Instant::ZERO, &piece(identification, 0));
    }
    assert_eq!(
        (reassembler.waiting(), reassembler.counters().evicted),
        (2, 3)
    );
    let late = Instant::ZERO + Duration::from_secs(60);
    reassembler.push(late, &piece(9, 0));
    assert_eq!(
        (reassembler.waiting(), reassembler.counters().timed_out),
        (1, 2)
    );
}

/// RFC 3168 section 5.3.
#[test]
fn congestion_on_one_piece_is_congestion_on_the_packet() {
    for (marks, expected) in [([0b10, 0b11], Some(0b11)), ([0b00, 0b11], None)] {
        let inner = Build::udp(V4_HOST, V4_PEER, 500).packet();
        let whole = outer(&inner, &tunnel(Encapsulation::Ipv4));
        let mut pieces = cut(&whole, 400);
        for (piece, mark) in pieces.iter_mut().zip(marks) {
            piece[1] = mark;
        }
        let class = together(&pieces).map(|packet| packet[1]);
        assert_eq!(class, expected);
    }
}

fn any_encapsulation() -> impl Strategy<Value = Encapsulation> {
    proptest::sample::select(Encapsulation::ALL)
}

proptest! {
    #[test]
    fn every_encapsulation_round_trips(
        encapsulation in any_encapsulation(),
        v6: bool,
        payload in 0usize..1_400,
        class: u8,
        key: Option<u32>,
        sequence: Option<u32>,
        limit in proptest::option::of(1u8..=255),
        udp_checksum: bool,
        gre_in_tlv: bool,
    ) {
        let (host, peer) = if v6 { (V6_HOST, V6_PEER) } else { (V4_HOST, V4_PEER) };
        let inner = Build { traffic_class: class, ..Build::udp(host, peer, payload) }.packet();
        let mut tunnel = tunnel(encapsulation);
        (tunnel.key, tunnel.sequence) = (key, sequence);
        tunnel.options.encapsulation_limit = limit;
        tunnel.options.udp_checksum = udp_checksum;
        tunnel.options.gre_in_tlv = gre_in_tlv;
        let packet = outer(&inner, &tunnel);
        let read = decapsulate(&packet).expect("our own");
        prop_assert_eq!(read.encapsulation, encapsulation);
        prop_assert_eq!(read.source.ip(), tunnel.source.ip());
        prop_assert_eq!(read.destination.ip(), tunnel.destination.ip());
        prop_assert_eq!(read.ecn.bits(), class & 3);
        prop_assert_eq!(&packet[read.inner.clone()], &inner[..]);
        let gre = match encapsulation {
            Encapsulation::GreIpv4 | Encapsulation::GreIpv6 => true,
            Encapsulation::Ipv4UdpTlv => gre_in_tlv,
            Encapsulation::Ipv6 | Encapsulation::Ipv4 | Encapsulation::Ipv4Udp | _ => false,
        };
        let expected = if gre { (key, sequence) } else { (None, None) };
        prop_assert_eq!((read.key, read.sequence), expected);
    }

    #[test]
    fn cutting_and_putting_together_is_the_identity(
        encapsulation in any_encapsulation(),
        payload in 0usize..4_000,
        mtu in 120u16..1_600,
        limit in proptest::option::of(1u8..=255),
        order: u64,
    ) {
        let inner = Build::udp(V4_HOST, V4_PEER, payload).packet();
        let mut tunnel = tunnel(encapsulation);
        tunnel.identification = 0x0123;
        tunnel.options.encapsulation_limit = limit;
        let whole = outer(&inner, &tunnel);
        let mut pieces = cut(&whole, mtu);
        prop_assert!(pieces.iter().all(|piece| piece.len() <= mtu.into()));
        // Any order will do.
        let mut keys = order;
        pieces.sort_by_cached_key(|_| {
            keys = keys.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            keys >> 33
        });
        prop_assert_eq!(together(&pieces), Some(whole));
    }

    #[test]
    fn reading_any_octets_never_panics_and_stays_inside(
        data in proptest::collection::vec(any::<u8>(), 0..120),
        first in prop_oneof![Just(0x45u8), Just(0x60), any::<u8>()],
        protocol in prop_oneof![Just(47u8), Just(44), Just(60), Just(17), any::<u8>()],
    ) {
        let mut data = data;
        let at = if first == 0x60 { 6 } else { 9 };
        if data.len() > 9 {
            (data[0], data[at]) = (first, protocol);
        }
        if let Ok(read) = decapsulate(&data) {
            prop_assert!(read.inner.end <= data.len());
        }
        let _ = fragments(&data, 100, 1).map(|pieces| pieces.take(200).count());
        let mut reassembler = Reassembler::new(ReassemblerConfig::default());
        for _ in 0..2 {
            reassembler.push(Instant::ZERO, &data);
        }
    }
}
