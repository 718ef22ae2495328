//! What is built survives encoding and decoding in every carrier and measurement format; what is
//! not well-formed is an error, never a panic.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr};

use arbitrary::{Arbitrary, Unstructured};
use pmip_wire::carrier::{
    AddressPair, DataFrame, GreHeader, GrePacket, Ipv4Header, Ipv4Packet, Ipv6Header, Ipv6Packet,
    TlvPacket, UdpDatagram, UdpHeader, protocol,
};
use pmip_wire::sla::{ControlPacket, Csld, MeasurementHeader, MeasurementPacket};
use pmip_wire::stamp::{
    AccessReport, ClassOfService, DirectMeasurement, ErrorEstimate, FollowUpTelemetry,
    LocationSubTlv, ReflectorPacket, SenderPacket, StampKey, StampMode, TlvFlags, TlvIntegrity,
    TlvValue, Tlvs,
};
use pmip_wire::types::{ProbeTimestamp, TimestampFormat};
use pmip_wire::{ChecksumContext, Message};
use proptest::prelude::*;

/// Values drawn through `Arbitrary`, so that a failing case is one for the fuzzer too.
fn drawn<T: for<'a> Arbitrary<'a> + std::fmt::Debug>() -> impl Strategy<Value = T> {
    proptest::collection::vec(any::<u8>(), 64..512).prop_filter_map("too few octets", |octets| {
        T::arbitrary_take_rest(Unstructured::new(&octets)).ok()
    })
}

fn octets(most: usize) -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..most)
}

fn through_serde<T: serde::Serialize + serde::de::DeserializeOwned>(value: &T) -> T {
    let text = serde_json::to_string(value).expect("serializable");
    serde_json::from_str(&text).expect("readable")
}

/// The properties below say nothing about a kind that is never drawn.
#[test]
fn every_kind_is_drawn() {
    let mut kinds = BTreeSet::new();
    for seed in 0..2_000u64 {
        let mut state = seed;
        let mut octet = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 56) as u8
        };
        let octets: Vec<u8> = (0..400).map(|_| octet()).collect();
        let Ok(packet) = ControlPacket::arbitrary_take_rest(Unstructured::new(&octets)) else {
            continue;
        };
        let ControlPacket::Version2(message) = packet else {
            kinds.insert("another version".to_owned());
            continue;
        };
        kinds.insert(format!(
            "mode {}",
            message.authentication.mode().code().min(3)
        ));
        for csld in message.cslds() {
            let typed = matches!(csld, Csld::UdpMeasurement(_));
            kinds.insert(if typed { "udp" } else { "unknown section" }.to_owned());
        }
    }
    assert_eq!(
        kinds.into_iter().collect::<Vec<_>>(),
        [
            "another version",
            "mode 0",
            "mode 1",
            "mode 2",
            "mode 3",
            "udp",
            "unknown section"
        ]
    );
}

proptest! {
    #[test]
    fn a_message_survives_ipv6(header in drawn::<Ipv6Header>(), message in drawn::<Message>()) {
        let mut wire = Vec::new();
        header.encode_message(&message, &mut wire);
        prop_assert_eq!(wire.len(), header.encoded_len() + message.encoded_len());
        let packet = Ipv6Packet::parse(&wire).expect("well-formed");
        prop_assert_eq!(packet.header(), &header);
        let mobility = packet.mobility_header().expect("whole");
        let context = packet.checksum_context();
        prop_assert_eq!(Message::decode_slice(mobility, context), Ok(message));
        prop_assert_eq!(through_serde(&header), header);
    }

    #[test]
    fn a_message_survives_ipv4_and_udp(
        header in drawn::<Ipv4Header>(), ports in drawn::<UdpHeader>(), message in drawn::<Message>(),
    ) {
        let mut wire = Vec::new();
        header.encode_message(ports, &message, &mut wire);
        let packet = Ipv4Packet::parse(&wire).expect("well-formed");
        let expected = { let mut header = header; header.protocol = protocol::UDP; header };
        prop_assert_eq!(packet.header, expected);
        let datagram = UdpDatagram::parse(packet.payload, packet.header.addresses());
        let datagram = datagram.expect("well-formed");
        prop_assert_eq!(datagram.header, ports);
        let read = Message::decode_slice(datagram.payload, ChecksumContext::Udp);
        prop_assert_eq!(read, Ok(message));
        prop_assert_eq!(through_serde(&header), header);
    }

    /// Over IPv6 UDP's checksum is as good as over IPv4, and one flipped bit breaks it.
    #[test]
    fn udp_over_ipv6(
        source in any::<u128>(), destination in any::<u128>(), payload in octets(80),
        place in any::<prop::sample::Index>(), bit in 0..8u8,
    ) {
        let addresses = AddressPair::V6 {
            source: Ipv6Addr::from(source),
            destination: Ipv6Addr::from(destination),
        };
        let ports = UdpHeader { source_port: 5437, destination_port: 9 };
        let mut wire = Vec::new();
        prop_assert!(ports.encode(addresses, &payload, &mut wire).is_some());
        wire.extend_from_slice(&payload);
        let datagram = UdpDatagram::parse(&wire, addresses).expect("well-formed");
        prop_assert_eq!(datagram.data(), Some(&payload[..]));
        // Length decides what is summed, so it is left alone.
        let place = place.index(wire.len());
        prop_assume!(place != 4 && place != 5);
        wire[place] ^= 1 << bit;
        prop_assert!(UdpDatagram::parse(&wire, addresses).is_err());
    }

    #[test]
    fn gre_and_tlv_survive(header in drawn::<GreHeader>(), payload in octets(80)) {
        let mut gre = Vec::new();
        header.encode(&payload, &mut gre);
        prop_assert_eq!(gre.len(), header.encoded_len());
        gre.extend_from_slice(&payload);
        let mut wire = Vec::new();
        prop_assert!(TlvPacket::encode_header(protocol::GRE, gre.len(), &mut wire).is_some());
        wire.extend_from_slice(&gre);
        let Ok(DataFrame::Tlv(tlv)) = DataFrame::parse(&wire) else {
            panic!("a TLV header");
        };
        let packet = GrePacket::parse(tlv.payload).expect("well-formed");
        prop_assert_eq!(packet.header, header);
        prop_assert_eq!(packet.payload, payload);
        prop_assert_eq!(through_serde(&header), header);
    }

    #[test]
    fn control_packets_survive(packet in drawn::<ControlPacket>()) {
        let mut wire = Vec::new();
        packet.encode(&mut wire);
        prop_assert_eq!(ControlPacket::decode_slice(&wire), Ok(packet.clone()));
        prop_assert_eq!(through_serde(&packet), packet);
    }

    #[test]
    fn measurement_packets_survive(header in drawn::<MeasurementHeader>(), data in octets(80)) {
        let mut wire = Vec::new();
        header.encode(&data, &mut wire);
        let packet = MeasurementPacket::parse(&wire).expect("well-formed");
        prop_assert_eq!(packet.header, header);
        prop_assert_eq!(packet.data, data);
        prop_assert_eq!(through_serde(&header), header);
    }

    #[test]
    fn test_packets_survive_both_modes(
        sender in drawn::<SenderPacket>(), reflector in drawn::<ReflectorPacket>(),
        key in octets(100), rest in octets(80),
    ) {
        let Ok(key) = StampKey::new(&key) else {
            prop_assert!(key.is_empty(), "only no key is refused");
            return Ok(());
        };
        for mode in [StampMode::Unauthenticated, StampMode::Authenticated(&key)] {
            let mut wire = Vec::new();
            sender.encode(mode, &mut wire);
            prop_assert_eq!(wire.len(), mode.base_len());
            wire.extend_from_slice(&rest);
            let packet = SenderPacket::parse(&wire, mode).expect("well-formed");
            prop_assert_eq!((packet.base, packet.extension), (sender, &rest[..]));

            let mut wire = Vec::new();
            reflector.encode(mode, &mut wire);
            prop_assert_eq!(wire.len(), mode.base_len());
            wire.extend_from_slice(&rest);
            let packet = ReflectorPacket::parse(&wire, mode).expect("well-formed");
            prop_assert_eq!((packet.base, packet.extension), (reflector, &rest[..]));
        }
        prop_assert_eq!(through_serde(&sender), sender);
        prop_assert_eq!(through_serde(&reflector), reflector);
    }

    #[test]
    fn tlvs_survive(
        class in drawn::<ClassOfService>(), counters in drawn::<DirectMeasurement>(),
        report in drawn::<AccessReport>(), follow_up in drawn::<FollowUpTelemetry>(),
        flags in drawn::<TlvFlags>(), padding in octets(40), sequence in any::<u32>(),
    ) {
        let key = StampKey::new(b"key").expect("not empty");
        let mut wire = Vec::new();
        for value in [
            TlvValue::ClassOfService(class),
            TlvValue::DirectMeasurement(counters),
            TlvValue::AccessReport(report),
            TlvValue::FollowUpTelemetry(follow_up),
        ] {
            prop_assert!(value.encode(flags, &mut wire).is_some());
        }
        let hmac = TlvValue::hmac(sequence, &wire, &key);
        prop_assert!(hmac.encode(flags, &mut wire).is_some());
        prop_assert!(TlvValue::ExtraPadding(&padding).encode(flags, &mut wire).is_some());
        let mut again = Vec::new();
        for tlv in Tlvs::new(&wire) {
            let tlv = tlv.expect("whole");
            prop_assert_eq!(tlv.flags, flags);
            let value = tlv.decode().expect("well-formed");
            prop_assert!(value.encode(flags, &mut again).is_some());
        }
        prop_assert_eq!(&again, &wire);
        let integrity = Tlvs::new(&wire).integrity(sequence, &key);
        prop_assert_eq!(integrity, Ok(TlvIntegrity::Verified));
        prop_assert_eq!(through_serde(&class), class);
    }

    #[test]
    fn location_sub_tlvs_survive(sub_tlv in drawn::<LocationSubTlv>()) {
        let mut wire = Vec::new();
        sub_tlv.encode(TlvFlags::UNRECOGNIZED, &mut wire);
        let read = Tlvs::new(&wire).next().expect("one").expect("whole");
        prop_assert_eq!(LocationSubTlv::decode(&read), Ok(Some(sub_tlv)));
        prop_assert_eq!(through_serde(&sub_tlv), sub_tlv);
    }

    #[test]
    fn error_estimates_are_their_parts(bits in any::<u16>()) {
        let estimate = ErrorEstimate::from_bits(bits);
        let built = ErrorEstimate::new(
            estimate.is_synchronized(), estimate.format(), estimate.scale(), estimate.multiplier(),
        );
        prop_assert_eq!(built, (estimate.multiplier() != 0).then_some(estimate));
    }

    /// What NTP and PTP say of the same two moments differs by no more than their resolution.
    #[test]
    fn timestamps_measure_the_same_in_both_formats(
        from in 0..4_000_000_000u64, nanos in 0..1_000_000_000u32, gap in 0..1_000_000_000_000u64,
    ) {
        let start = std::time::Duration::new(from, nanos);
        let end = start + std::time::Duration::from_nanos(gap);
        for format in [TimestampFormat::Ntp, TimestampFormat::Ptp] {
            let earlier = ProbeTimestamp::from_unix(start, format);
            let later = ProbeTimestamp::from_unix(end, format);
            let measured = later.nanos_since(earlier, format);
            prop_assert!((measured - gap.cast_signed()).abs() <= 1, "{measured} {gap}");
            let back = earlier.nanos_since(later, format);
            prop_assert!((back + gap.cast_signed()).abs() <= 1, "{back} {gap}");
        }
    }

    #[test]
    fn any_octets(data in octets(200)) {
        let _ = Ipv6Packet::parse(&data);
        let _ = Ipv4Packet::parse(&data);
        let addresses = AddressPair::V4 {
            source: Ipv4Addr::LOCALHOST,
            destination: Ipv4Addr::LOCALHOST,
        };
        let _ = UdpDatagram::parse(&data, addresses);
        let _ = DataFrame::parse(&data);
        let _ = GrePacket::parse(&data);
        let _ = ControlPacket::decode_slice(&data);
        let _ = MeasurementPacket::parse(&data);
        let _ = SenderPacket::parse(&data, StampMode::Unauthenticated);
        let _ = ReflectorPacket::parse(&data, StampMode::Unauthenticated);
    }
}
