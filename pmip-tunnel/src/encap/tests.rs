use alloc::vec;
use alloc::vec::Vec;
use core::net::SocketAddr;

use pmip_wire::types::Encapsulation;
use proptest::prelude::*;

use super::*;
use crate::testing::{Build, V4_HOST, V4_PEER, V6_HOST, V6_PEER, assert_valid, ip, naive_sum};

const FROM: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(198, 51, 100, 1), 5437);
const TO: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(203, 0, 113, 1), 5437);

fn v6(text: &str) -> Ipv6Addr {
    text.parse().expect("an IPv6 address")
}

/// The packet in a buffer with `headroom`, encapsulated by `encapsulate`.
fn encapsulated(
    packet: &[u8],
    headroom: usize,
    encapsulate: impl FnOnce(&mut PacketBuf<'_>) -> Result<(), EncapError>,
) -> Result<Vec<u8>, EncapError> {
    let mut data = vec![0xaa; headroom];
    data.extend_from_slice(packet);
    let mut buffer = PacketBuf::new(&mut data, headroom)?;
    encapsulate(&mut buffer)?;
    Ok(buffer.packet().to_vec())
}

fn inners() -> [Vec<u8>; 2] {
    [
        Build::tcp(V4_HOST, V4_PEER, 100).packet(),
        Build::udp(V6_HOST, V6_PEER, 101).packet(),
    ]
}

#[test]
fn udp_round_trips_with_and_without_checksum() {
    for packet in inners() {
        for udp_checksum in [true, false] {
            let options = OuterOptions {
                udp_checksum,
                ..OuterOptions::default()
            };
            let outer = encapsulated(&packet, 28, |buffer| {
                encapsulate_ipv4_udp(buffer, FROM, TO, &options)
            })
            .expect("28 octets suffice");
            assert_eq!(outer.len(), packet.len() + 28);
            assert_eq!(outer[8], 64, "hop limit of its own");
            match udp_checksum {
                true => assert_valid(&outer),
                false => assert_eq!(outer[26..28], [0, 0]),
            }
            let read = decapsulate(&outer).expect("our own");
            assert_eq!(read.encapsulation, Encapsulation::Ipv4Udp);
            assert_eq!(read.source, SocketAddr::from(FROM));
            assert_eq!(read.destination, SocketAddr::from(TO));
            assert_eq!(outer[read.inner], packet);
        }
    }
}

#[test]
fn ip_in_ip_round_trips_with_the_right_protocol_numbers() {
    let [inner_v4, inner_v6] = inners();
    for (packet, number) in [(inner_v4, 4), (inner_v6, 41)] {
        let options = OuterOptions::default();
        let over_v4 = encapsulated(&packet, 20, |buffer| {
            encapsulate_ipv4(buffer, *FROM.ip(), *TO.ip(), &options)
        })
        .expect("20 octets suffice");
        assert_eq!(over_v4[9], number);
        assert_eq!(naive_sum(&over_v4[..20]), 0xffff);
        let read = decapsulate(&over_v4).expect("our own");
        assert_eq!(read.encapsulation, Encapsulation::Ipv4);
        assert_eq!(over_v4[read.inner], packet);

        let over_v6 = encapsulated(&packet, 40, |buffer| {
            encapsulate_ipv6(buffer, v6("2001:db8::1"), v6("2001:db8::2"), &options)
        })
        .expect("40 octets suffice");
        assert_eq!((over_v6[6], over_v6[7]), (number, 64));
        let read = decapsulate(&over_v6).expect("our own");
        assert_eq!(read.encapsulation, Encapsulation::Ipv6);
        assert_eq!(read.source.ip(), ip("2001:db8::1"));
        assert_eq!(over_v6[read.inner], packet);
    }
}

#[test]
fn the_encapsulation_limit_is_a_destination_option_of_8_octets() {
    let [packet, _] = inners();
    let options = OuterOptions {
        encapsulation_limit: Some(4),
        ..OuterOptions::default()
    };
    let outer = encapsulated(&packet, 48, |buffer| {
        encapsulate_ipv6(buffer, v6("2001:db8::1"), v6("2001:db8::2"), &options)
    })
    .expect("48 octets suffice");
    assert_eq!(outer[6], 60);
    assert_eq!(outer[40..48], [4, 0, 4, 1, 4, 1, 1, 0]);
    let read = decapsulate(&outer).expect("our own");
    assert_eq!(outer[read.inner], packet);
}

#[test]
fn ecn_is_copied_and_dscp_only_when_asked() {
    for (source, destination) in [(V4_HOST, V4_PEER), (V6_HOST, V6_PEER)] {
        for ecn in 0..4u8 {
            let build = Build {
                traffic_class: 0xb8 | ecn,
                ..Build::udp(source, destination, 9)
            };
            for copy_dscp in [false, true] {
                let options = OuterOptions {
                    copy_dscp,
                    ..OuterOptions::default()
                };
                let expected = if copy_dscp { 0xb8 | ecn } else { ecn };
                let v4 = encapsulated(&build.packet(), 28, |buffer| {
                    encapsulate_ipv4_udp(buffer, FROM, TO, &options)
                })
                .expect("fits");
                assert_eq!(v4[1], expected);
                let v6 = encapsulated(&build.packet(), 40, |buffer| {
                    encapsulate_ipv6(buffer, v6("2001:db8::1"), v6("2001:db8::2"), &options)
                })
                .expect("fits");
                assert_eq!(v6[0] << 4 | v6[1] >> 4, expected);
                assert_eq!(v6[0] >> 4, 6);
            }
        }
    }
}

#[test]
fn missing_headroom_and_too_long_packets_change_nothing() {
    let [packet, _] = inners();
    let options = OuterOptions::default();
    let mut data = vec![0; 27];
    data.extend_from_slice(&packet);
    let mut buffer = PacketBuf::new(&mut data, 27).expect("inside");
    let result = encapsulate_ipv4_udp(&mut buffer, FROM, TO, &options);
    assert_eq!(result, Err(EncapError::Headroom { need: 28, have: 27 }));
    assert_eq!(buffer.packet(), packet);
    assert_eq!(buffer.headroom(), 27);

    let long = Build::tcp(V4_HOST, V4_PEER, 65_490).packet();
    let result = encapsulated(&long, 64, |buffer| {
        encapsulate_ipv4_udp(buffer, FROM, TO, &options)
    });
    assert_eq!(result, Err(EncapError::TooLong(long.len() + 28)));
    assert!(PacketBuf::new(&mut [0; 4], 5).is_err());
}

#[test]
fn damaged_outer_packets_are_refused() {
    let [packet, _] = inners();
    let options = OuterOptions::default();
    let good = encapsulated(&packet, 28, |buffer| {
        encapsulate_ipv4_udp(buffer, FROM, TO, &options)
    })
    .expect("fits");
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

proptest! {
    #[test]
    fn reading_any_octets_never_panics_and_stays_inside(
        data in proptest::collection::vec(any::<u8>(), 0..120),
        first in prop_oneof![Just(0x45u8), Just(0x60), any::<u8>()],
    ) {
        let mut data = data;
        if let Some(octet) = data.first_mut() {
            *octet = first;
        }
        if let Ok(read) = decapsulate(&data) {
            prop_assert!(read.inner.end <= data.len());
        }
    }
}
