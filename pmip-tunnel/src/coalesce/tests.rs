use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::segment::{SegmentArena, cut};
use crate::testing::{Build, V4_HOST, V4_PEER, V6_HOST, V6_PEER};

/// Packets one after the other in one area, joined; each output as it would be delivered.
fn join(packets: &[Vec<u8>]) -> Vec<(Vec<u8>, PacketOffload)> {
    let area = packets.concat();
    let mut coalescer = Coalescer::new();
    let mut start = 0;
    for packet in packets {
        let facts = Packet::parse(packet).expect("a packet");
        coalescer.push(&area, start, &facts);
        start += packet.len();
    }
    coalescer.finish(&area);
    coalescer
        .outputs()
        .iter()
        .map(|merged| {
            let mut out = coalescer.header(merged).to_vec();
            for piece in coalescer.pieces(merged) {
                out.extend_from_slice(&area[piece]);
            }
            (out, merged.offload())
        })
        .collect()
}

fn split(data: &[u8], offload: PacketOffload) -> Vec<Vec<u8>> {
    let packet = Packet::parse(data).expect("a packet");
    let mut arena = SegmentArena::new();
    cut(data, &packet, offload, None, &mut arena).expect("fits");
    arena
        .segments()
        .iter()
        .map(|segment| {
            let mut out = Vec::new();
            arena.copy_to(segment, data, &mut out);
            out
        })
        .collect()
}

proptest! {
    #[test]
    fn cut_then_join_is_the_identity(
        payload in 2_001usize..20_000,
        size in 1_000u16..2_000,
        flags in prop_oneof![Just(0x10u8), Just(0x18), Just(0x19), Just(0x90)],
        v6: bool,
        udp: bool,
    ) {
        let (source, destination) = if v6 { (V6_HOST, V6_PEER) } else { (V4_HOST, V4_PEER) };
        let build = match udp {
            true => Build::udp(source, destination, payload),
            false => Build { flags, ..Build::tcp(source, destination, payload) },
        };
        let (data, offload) = build.super_packet(size);
        prop_assert_eq!(join(&split(&data, offload)), [(data, offload)]);
    }

    #[test]
    fn two_interleaved_flows_are_both_joined(payload in 3_000usize..12_000) {
        let first = Build::tcp(V4_HOST, V4_PEER, payload);
        let second = Build { ports: (50_000, 80), ..first.clone() };
        let (one, offload) = first.super_packet(1_000);
        let (two, _) = second.super_packet(1_000);
        let packets: Vec<_> = split(&one, offload)
            .into_iter()
            .zip(split(&two, offload))
            .flat_map(|(a, b)| [a, b])
            .collect();
        prop_assert_eq!(join(&packets), [(one, offload), (two, offload)]);
    }

    #[test]
    fn any_octets_come_out_as_they_went_in(
        packets in proptest::collection::vec(
            (proptest::collection::vec(any::<u8>(), 40..120), any::<bool>()), 1..12)
    ) {
        let packets: Vec<Vec<u8>> = packets
            .into_iter()
            .map(|(mut octets, v6)| {
                let length = octets.len() as u16;
                octets[0] = if v6 { 0x60 } else { 0x45 };
                let at = if v6 { 4 } else { 2 };
                let stated = if v6 { length - 40 } else { length };
                octets[at..at + 2].copy_from_slice(&stated.to_be_bytes());
                octets
            })
            .collect();
        let joined: Vec<_> = join(&packets).into_iter().map(|(octets, _)| octets).collect();
        prop_assert_eq!(joined, packets);
    }
}

fn segments_of(build: &Build) -> Vec<Vec<u8>> {
    let (data, offload) = build.super_packet(1_000);
    split(&data, offload)
}

#[test]
fn damaged_segments_are_never_joined() {
    let mut packets = segments_of(&Build::tcp(V4_HOST, V4_PEER, 4_000));
    packets[1][500] ^= 1;
    let joined = join(&packets);
    assert_eq!(
        joined[1].0, packets[1],
        "the damaged one is delivered alone, for the host to drop"
    );
    let lengths: Vec<_> = joined.iter().map(|(octets, _)| octets.len()).collect();
    assert_eq!(lengths, [1_040, 1_040, 2_040]);
}

#[test]
fn a_damaged_ipv4_header_checksum_is_not_healed() {
    let mut packets = segments_of(&Build::tcp(V4_HOST, V4_PEER, 2_000));
    packets[0][10] ^= 1;
    let joined = join(&packets);
    assert_eq!(joined.len(), 2);
    assert_eq!(joined[0].0, packets[0]);
}

#[test]
fn gaps_and_reordering_are_not_joined_over() {
    let packets = segments_of(&Build::tcp(V6_HOST, V6_PEER, 4_000));
    let gap = [packets[0].clone(), packets[2].clone()];
    assert_eq!(join(&gap).len(), 2);
    let swapped = [packets[1].clone(), packets[0].clone()];
    assert_eq!(join(&swapped).len(), 2);
}

#[test]
fn nothing_overtakes_within_a_flow() {
    let build = Build::tcp(V4_HOST, V4_PEER, 4_000);
    let packets = segments_of(&build);
    let pure_ack = Build {
        payload: Vec::new(),
        ..build
    }
    .packet();
    let order = [
        packets[0].clone(),
        packets[1].clone(),
        pure_ack.clone(),
        packets[2].clone(),
    ];
    let joined = join(&order);
    let lengths: Vec<_> = joined.iter().map(|(octets, _)| octets.len()).collect();
    assert_eq!(lengths, [2_040, 40, 1_040]);
}

#[test]
fn datagrams_without_checksum_are_not_joined() {
    let build = Build {
        payload: alloc::vec![1; 500],
        ..Build::udp(V4_HOST, V4_PEER, 0)
    };
    let mut first = build.packet();
    first[26..28].copy_from_slice(&[0, 0]);
    let mut second = Build {
        identification: build.identification.wrapping_add(1),
        ..build
    }
    .packet();
    second[26..28].copy_from_slice(&[0, 0]);
    assert_eq!(join(&[first, second]).len(), 2);
}

#[test]
fn a_super_packet_never_exceeds_an_ip_packet() {
    let build = Build::tcp(V4_HOST, V4_PEER, 64_000);
    let mut packets = segments_of(&build);
    let next = Build {
        sequence: build.sequence.wrapping_add(64_000),
        identification: build.identification.wrapping_add(64),
        ..build
    };
    packets.extend(segments_of(&next));
    for (octets, _) in join(&packets) {
        assert!(octets.len() <= 65_535);
    }
}

#[test]
fn segments_that_differ_in_window_or_class_are_kept_apart() {
    let build = Build::tcp(V4_HOST, V4_PEER, 1_000);
    let next = Build {
        sequence: build.sequence.wrapping_add(1_000),
        identification: build.identification.wrapping_add(1),
        ..build.clone()
    };
    assert_eq!(
        join(&[build.packet(), next.packet()]).len(),
        1,
        "the control"
    );
    let marked = Build {
        traffic_class: 3,
        ..next
    };
    assert_eq!(join(&[build.packet(), marked.packet()]).len(), 2);
}
