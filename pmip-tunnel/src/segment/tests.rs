use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::testing::{Build, V4_HOST, V4_PEER, V6_HOST, V6_PEER, assert_valid};

fn cut_all(data: &[u8], offload: PacketOffload, mss: Option<u16>) -> Vec<Vec<u8>> {
    let packet = Packet::parse(data).expect("a packet");
    let mut arena = SegmentArena::new();
    cut(data, &packet, offload, mss, &mut arena).expect("fits its offload");
    arena
        .segments()
        .iter()
        .map(|segment| {
            let mut out = Vec::new();
            arena.copy_to(segment, data, &mut out);
            assert_eq!(out.len(), segment.length());
            out
        })
        .collect()
}

fn sequence(packet: &[u8], transport: usize) -> u32 {
    u32_at(packet, transport + 4).expect("a TCP header")
}

#[test]
fn tcp_segments_carry_the_payload_in_order_with_right_headers() {
    for (build, transport) in [
        (Build::tcp(V4_HOST, V4_PEER, 5_000), 20),
        (Build::tcp(V6_HOST, V6_PEER, 5_000), 40),
    ] {
        let build = Build {
            flags: flag::ACK | flag::PSH | flag::FIN | flag::CWR,
            options: Vec::from([1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8]),
            ..build
        };
        let (data, offload) = build.super_packet(1_400);
        let segments = cut_all(&data, offload, None);
        assert_eq!(segments.len(), 4);
        let mut payload = Vec::new();
        for (index, segment) in segments.iter().enumerate() {
            assert_valid(segment);
            let expected = build.sequence.wrapping_add(payload.len() as u32);
            assert_eq!(sequence(segment, transport), expected);
            let flags = segment[transport + 13];
            assert_eq!(flags & flag::CWR != 0, index == 0, "CWR on the first alone");
            assert_eq!(flags & flag::FIN != 0, index == 3, "FIN on the last alone");
            assert_eq!(flags & flag::PSH != 0, index == 3, "PSH on the last alone");
            if transport == 20 {
                let expected = build.identification.wrapping_add(index as u16);
                assert_eq!(u16_at(segment, 4), Some(expected));
            }
            payload.extend_from_slice(&segment[transport + 32..]);
        }
        assert_eq!(payload, build.payload);
    }
}

#[test]
fn udp_super_packets_become_datagrams() {
    for (source, destination) in [(V4_HOST, V4_PEER), (V6_HOST, V6_PEER)] {
        let build = Build::udp(source, destination, 3_500);
        let (data, offload) = build.super_packet(1_000);
        let segments = cut_all(&data, offload, None);
        assert_eq!(segments.len(), 4);
        for segment in &segments {
            assert_valid(segment);
        }
    }
}

#[test]
fn a_partial_checksum_is_completed() {
    for build in [
        Build::tcp(V4_HOST, V4_PEER, 333),
        Build::udp(V6_HOST, V6_PEER, 334),
    ] {
        let (data, offload) = build.super_packet(1);
        let offload = PacketOffload {
            segmentation: None,
            ..offload
        };
        assert_eq!(cut_all(&data, offload, None), [build.packet()]);
    }
}

#[test]
fn an_ordinary_packet_goes_untouched_without_its_padding() {
    let mut data = Build::udp(V4_HOST, V4_PEER, 20).packet();
    let packet = data.clone();
    data.extend_from_slice(&[0; 6]);
    assert_eq!(cut_all(&data, PacketOffload::NONE, Some(1_400)), [packet]);
}

#[test]
fn mss_is_lowered_in_syn_alone_and_the_checksum_follows() {
    // An MSS option at an even and, behind a NOP, at an odd offset.
    for options in [
        Vec::from([2, 4, 0x05, 0xb4, 1, 1, 1, 0]),
        Vec::from([1, 2, 4, 0x05, 0xb4, 1, 1, 0]),
    ] {
        let syn = Build {
            flags: flag::SYN,
            options,
            ..Build::tcp(V4_HOST, V4_PEER, 0)
        };
        let expected = |limit: [u8; 2]| {
            let mut clamped = syn.clone();
            let at = clamped.options.iter().position(|o| *o == 5).expect("MSS");
            clamped.options[at..at + 2].copy_from_slice(&limit);
            clamped.packet()
        };
        let data = syn.packet();
        let clamped = cut_all(&data, PacketOffload::NONE, Some(1_400));
        assert_eq!(clamped, [expected([0x05, 0x78])]);
        assert_eq!(
            cut_all(&data, PacketOffload::NONE, Some(1_460)),
            [syn.packet()]
        );
        let (partial, offload) = syn.super_packet(1);
        let offload = PacketOffload {
            segmentation: None,
            ..offload
        };
        let clamped = cut_all(&partial, offload, Some(1_400));
        assert_eq!(clamped, [expected([0x05, 0x78])]);
    }
}

#[test]
fn a_partial_checksum_never_touches_the_ip_header() {
    for (build, transport) in [
        (Build::udp(V4_HOST, V4_PEER, 30), 20),
        (Build::udp(V6_HOST, V6_PEER, 30), 40),
    ] {
        let data = build.packet();
        let packet = Packet::parse(&data).expect("a packet");
        for start in 0..transport {
            let partial = PartialChecksum { start, offset: 0 };
            let offload = PacketOffload::new(Some(partial), None);
            let mut arena = SegmentArena::new();
            let result = cut(&data, &packet, offload, None, &mut arena);
            assert_eq!(result, Err(OffloadMismatch), "start {start}");
            assert!(arena.segments().is_empty());
        }
    }
}

#[test]
fn an_offload_that_does_not_fit_is_refused_and_leaves_no_segment() {
    let (data, offload) = Build::tcp(V4_HOST, V4_PEER, 100).super_packet(50);
    let packet = Packet::parse(&data).expect("a packet");
    let wrong = [
        PacketOffload {
            segmentation: offload.segmentation.map(|cut| Segmentation {
                kind: SegmentationKind::TcpIpv6,
                ..cut
            }),
            ..offload
        },
        PacketOffload {
            segmentation: offload.segmentation.map(|cut| Segmentation {
                kind: SegmentationKind::Udp,
                ..cut
            }),
            ..offload
        },
        PacketOffload::new(
            Some(PartialChecksum {
                start: 65_000,
                offset: 16,
            }),
            None,
        ),
    ];
    for offload in wrong {
        let mut arena = SegmentArena::new();
        let result = cut(&data, &packet, offload, None, &mut arena);
        assert_eq!(result, Err(OffloadMismatch));
        assert!(arena.segments().is_empty());
    }
}

proptest! {
    #[test]
    fn every_segment_is_valid_and_nothing_is_lost(
        payload in 1usize..20_000,
        size in 1u16..9_000,
        v6: bool,
        udp: bool,
    ) {
        prop_assume!(payload / usize::from(size) < 200);
        let (source, destination) = if v6 { (V6_HOST, V6_PEER) } else { (V4_HOST, V4_PEER) };
        let build = match udp {
            true => Build::udp(source, destination, payload),
            false => Build::tcp(source, destination, payload),
        };
        let (data, offload) = build.super_packet(size);
        let header = data.len() - payload;
        let mut joined = Vec::new();
        for segment in cut_all(&data, offload, None) {
            assert_valid(&segment);
            joined.extend_from_slice(&segment[header..]);
        }
        prop_assert_eq!(joined, build.payload);
    }

    #[test]
    fn no_offload_on_any_octets_panics(
        data in proptest::collection::vec(any::<u8>(), 0..200),
        first in prop_oneof![Just(0x45u8), Just(0x60), any::<u8>()],
        header: [u8; 10],
    ) {
        let mut data = data;
        if let Some(octet) = data.first_mut() {
            *octet = first;
        }
        if let (Ok(packet), Ok(offload)) = (Packet::parse(&data), PacketOffload::from_virtio(&header)) {
            let mut arena = SegmentArena::new();
            let _ = cut(&data, &packet, offload, Some(500), &mut arena);
        }
    }
}
