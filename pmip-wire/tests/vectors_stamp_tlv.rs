//! Golden vectors of the TLVs of RFC 8972, written by hand from its figures, with an HMAC that
//! another implementation gave, and what must be refused.

use std::net::{Ipv4Addr, Ipv6Addr};

use pmip_wire::stamp::{
    AccessNetwork, AccessReport, AccessReturnCode, ClassOfService, DirectMeasurement,
    FollowUpTelemetry, LocationSubTlv, SenderPacket, StampKey, StampMode, SynchronizationSource,
    TimestampingMethod, Tlv, TlvFlags, TlvIntegrity, TlvType, TlvValue, Tlvs,
};
use pmip_wire::types::ProbeTimestamp;
use pmip_wire::{DecodeError, DecodeErrorKind, ExpectedLength, Field, Layer};

const KEY: &[u8] = b"a STAMP key";

/// Over sequence number 7 and the two TLVs of `protected_tlvs`.
const TLV_HMAC: [u8; 16] = [
    0xb9, 0xf9, 0x13, 0x22, 0x21, 0x06, 0x24, 0xec, 0x73, 0xd2, 0xdf, 0x1d, 0xcc, 0xe6, 0x09, 0x87,
];

fn truncated(error: DecodeError) -> Field {
    let DecodeErrorKind::Truncated { field, .. } = error.kind else {
        panic!("{error}");
    };
    field
}

/// One TLV, read and written again.
fn tlv(wire: &[u8]) -> Tlv<'_> {
    let mut tlvs = Tlvs::new(wire);
    let tlv = tlvs.next().expect("there is one").expect("whole");
    assert!(tlvs.next().is_none());
    let value = tlv.decode().expect("well-formed");
    let mut written = Vec::new();
    assert_eq!(value.encode(tlv.flags, &mut written), Some(()));
    assert_eq!(written, wire);
    tlv
}

/// RFC 8972 sections 4.1 to 4.8.
#[test]
fn tlvs_of_every_type() {
    let padding = tlv(&[0x80, 1, 0, 3, 7, 8, 9]);
    assert_eq!(padding.flags, TlvFlags::UNRECOGNIZED);
    assert!(matches!(
        padding.decode(),
        Ok(TlvValue::ExtraPadding([7, 8, 9]))
    ));

    let location = tlv(&[
        0, 2, 0, 16, 0x03, 0x5e, 0xc3, 0x50, // ports 862 and 50000
        0x80, 2, 0, 8, 2, 0, 0, 0, 0, 1, 0, 0,
    ]);
    let Ok(TlvValue::Location(location)) = location.decode() else {
        panic!("a location");
    };
    assert_eq!(
        (location.destination_port, location.source_port),
        (862, 50_000)
    );
    let sub_tlvs: Vec<_> = location
        .sub_tlvs
        .map(|sub_tlv| LocationSubTlv::decode(&sub_tlv.expect("whole")))
        .collect();
    let eui48 = LocationSubTlv::SourceEui48([2, 0, 0, 0, 0, 1]);
    assert_eq!(sub_tlvs, [Ok(Some(eui48))]);

    let information = tlv(&[0, 3, 0, 4, 1, 2, 5, 3]);
    let Ok(TlvValue::TimestampInformation(information)) = information.decode() else {
        panic!("timestamp information");
    };
    assert_eq!(information.synchronization_in, SynchronizationSource::Ntp);
    assert_eq!(information.timestamp_in, TimestampingMethod::SoftwareLocal);
    assert_eq!(
        information.synchronization_out,
        SynchronizationSource::LocalFreeRunning
    );
    assert_eq!(information.timestamp_out, TimestampingMethod::ControlPlane);

    // DSCP1 46 (101110), DSCP2 10 (001010), ECN 1, RP 1.
    let class = tlv(&[0, 4, 0, 4, 0b1011_1000, 0b1010_0101, 0, 0]);
    let Ok(TlvValue::ClassOfService(class)) = class.decode() else {
        panic!("a class of service");
    };
    assert_eq!(Some(class), ClassOfService::new(46, 10, 1, 1));
    assert_eq!((class.dscp1(), class.dscp2()), (46, 10));
    assert_eq!((class.ecn(), class.reverse_path()), (1, 1));
    assert_eq!(ClassOfService::new(64, 0, 0, 0), None);

    let counters = tlv(&[0, 5, 0, 12, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3]);
    let expected = DirectMeasurement {
        sender_tx: 1,
        reflector_rx: 2,
        reflector_tx: 3,
    };
    assert!(matches!(counters.decode(), Ok(TlvValue::DirectMeasurement(it)) if it == expected));

    let report = tlv(&[0, 6, 0, 4, 0x20, 2, 0, 0]);
    let expected = AccessReport {
        network: AccessNetwork::NonThreeGpp,
        return_code: AccessReturnCode::NetworkUnavailable,
    };
    assert!(matches!(report.decode(), Ok(TlvValue::AccessReport(it)) if it == expected));

    let follow_up = tlv(&[0, 7, 0, 16, 0, 0, 0, 6, 1, 2, 3, 4, 5, 6, 7, 8, 1, 0, 0, 0]);
    let expected = FollowUpTelemetry {
        sequence: 6,
        timestamp: ProbeTimestamp::from_bits(0x0102_0304_0506_0708),
        method: TimestampingMethod::HardwareAssist,
    };
    assert!(matches!(follow_up.decode(), Ok(TlvValue::FollowUpTelemetry(it)) if it == expected));

    let hmac = tlv(&[0, 8, 0, 16, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
    assert!(matches!(hmac.decode(), Ok(TlvValue::Hmac([1, ..]))));

    let unknown = tlv(&[0x1f, 200, 0, 2, 7, 8]);
    let value = unknown.decode().expect("kept");
    assert!(matches!(
        value,
        TlvValue::Unknown(TlvType::Unknown(200), [7, 8])
    ));
}

/// RFC 8972 section 4.2.1.
#[test]
fn location_sub_tlvs_of_every_type() {
    let ipv4 = [192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let mut ipv6 = [0; 16];
    ipv6[15] = 1;
    let v4 = Ipv4Addr::new(192, 0, 2, 1);
    let cases: [(u8, &[u8], LocationSubTlv); 9] = [
        (1, &[0; 8], LocationSubTlv::SourceMac),
        (
            2,
            &[2, 0, 0, 0, 0, 1, 0, 0],
            LocationSubTlv::SourceEui48([2, 0, 0, 0, 0, 1]),
        ),
        (
            3,
            &[1, 2, 3, 4, 5, 6, 7, 8],
            LocationSubTlv::SourceEui64([1, 2, 3, 4, 5, 6, 7, 8]),
        ),
        (4, &[0; 16], LocationSubTlv::DestinationIp),
        (5, &ipv4, LocationSubTlv::DestinationIpv4(v4)),
        (
            6,
            &ipv6,
            LocationSubTlv::DestinationIpv6(Ipv6Addr::LOCALHOST),
        ),
        (7, &[0; 16], LocationSubTlv::SourceIp),
        (8, &ipv4, LocationSubTlv::SourceIpv4(v4)),
        (9, &ipv6, LocationSubTlv::SourceIpv6(Ipv6Addr::LOCALHOST)),
    ];
    for (number, value, expected) in cases {
        let wire = [&[0x80, number, 0, value.len() as u8][..], value].concat();
        let sub_tlv = Tlvs::new(&wire).next().expect("one").expect("whole");
        assert_eq!(LocationSubTlv::decode(&sub_tlv), Ok(Some(expected)));
        let mut written = Vec::new();
        expected.encode(TlvFlags::UNRECOGNIZED, &mut written);
        assert_eq!(written, wire);
        let mut short = sub_tlv;
        short.value = &value[1..];
        assert!(LocationSubTlv::decode(&short).is_err());
    }
}

#[test]
fn malformed_tlvs_are_told_apart() {
    let length = |wire: &[u8]| {
        let tlv = Tlvs::new(wire).next().expect("one").expect("whole");
        let error = tlv.decode().expect_err("malformed");
        assert_eq!(error.layer, Layer::Stamp);
        error.kind
    };
    let exactly = |expected, found| DecodeErrorKind::BadOptionLength {
        expected: ExpectedLength::Exactly(expected),
        found,
    };
    let at_least = DecodeErrorKind::BadOptionLength {
        expected: ExpectedLength::AtLeast(4),
        found: 3,
    };
    assert_eq!(length(&[0, 2, 0, 3, 0, 0, 0]), at_least);
    assert_eq!(length(&[0, 3, 0, 3, 0, 0, 0]), at_least);
    assert_eq!(length(&[0, 4, 0, 1, 0]), exactly(4, 1));
    assert_eq!(length(&[0, 5, 0, 0]), exactly(12, 0));
    assert_eq!(length(&[0, 6, 0, 0]), exactly(4, 0));
    assert_eq!(length(&[0, 7, 0, 0]), exactly(16, 0));
    assert_eq!(length(&[0, 8, 0, 0]), exactly(16, 0));
    // RFC 8972 section 4.6: other identifiers are invalid.
    let access = DecodeErrorKind::BadValue {
        field: Field::AccessId,
        found: 3,
    };
    assert_eq!(length(&[0, 6, 0, 4, 0x30, 1, 0, 0]), access);

    let whole = [0x80, 1, 0, 2, 7, 8];
    for cut in 1..whole.len() {
        let mut tlvs = Tlvs::new(&whole[..cut]);
        let error = tlvs.next().expect("one").unwrap_err();
        let expected = match cut {
            1 => Field::Type,
            2 | 3 => Field::Length,
            _ => Field::Value,
        };
        assert_eq!(truncated(error), expected, "{cut}");
        assert!(tlvs.next().is_none(), "nothing comes after an error");
    }
}

/// A Direct Measurement TLV, a Timestamp Information TLV, their HMAC.
fn protected_tlvs() -> Vec<u8> {
    let mut wire = vec![0x80, 5, 0, 12, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3];
    wire.extend_from_slice(&[0x80, 3, 0, 4, 0, 0, 0, 0]);
    wire.extend_from_slice(&[0x80, 8, 0, 16]);
    wire.extend_from_slice(&TLV_HMAC);
    wire
}

/// RFC 8972 section 4.8: the HMAC covers the sequence number and what stands before it; only
/// padding may stand behind it.
#[test]
fn the_hmac_tlv_protects_the_others() {
    let key = StampKey::new(KEY).expect("not empty");
    let mut wire = protected_tlvs();
    assert_eq!(
        Tlvs::new(&wire).integrity(7, &key),
        Ok(TlvIntegrity::Verified)
    );
    let TlvValue::Hmac(tag) = TlvValue::hmac(7, &wire[..24], &key) else {
        panic!("an HMAC");
    };
    assert_eq!(tag, TLV_HMAC);
    let bad = DecodeErrorKind::BadDigest;
    let failure = |wire: &[u8], sequence| {
        let error = Tlvs::new(wire).integrity(sequence, &key).unwrap_err();
        (error.kind, error.offset)
    };
    assert_eq!(failure(&wire, 8), (bad, 28), "another sequence number");
    for at in [0, 7, 20, 28, 43] {
        let mut forged = wire.clone();
        forged[at] ^= 1;
        assert_eq!(failure(&forged, 7), (bad, 28), "octet {at}");
    }
    wire.extend_from_slice(&[0x80, 1, 0, 1, 0]);
    assert_eq!(
        Tlvs::new(&wire).integrity(7, &key),
        Ok(TlvIntegrity::Verified)
    );
    wire.extend_from_slice(&[0x80, 4, 0, 4, 0, 0, 0, 0]);
    let misplaced = DecodeErrorKind::Misplaced { field: Field::Type };
    assert_eq!(failure(&wire, 7), (misplaced, 49));
}

/// RFC 8972 section 4.8: only one Extra Padding TLV alone goes without an HMAC. Else whoever takes
/// the HMAC TLV out could change what it protected.
#[test]
fn tlvs_without_their_hmac_are_not_believed() {
    let key = StampKey::new(KEY).expect("not empty");
    let integrity = |wire: &[u8]| Tlvs::new(wire).integrity(7, &key);
    let padding = [0x80, 1, 0, 0];
    assert_eq!(integrity(&[]), Ok(TlvIntegrity::Absent));
    assert_eq!(integrity(&padding), Ok(TlvIntegrity::Absent));

    let refused = |wire: &[u8]| {
        let error = integrity(wire).unwrap_err();
        assert_eq!(error.kind, DecodeErrorKind::BadDigest);
        error.offset
    };
    assert_eq!(refused(&protected_tlvs()[..24]), 0, "stripped");
    assert_eq!(refused(&[padding, padding].concat()), 4);
    assert_eq!(
        refused(&[&padding[..], &[0x80, 4, 0, 4, 0, 0, 0, 0]].concat()),
        4
    );
}

#[test]
fn tlvs_follow_the_base_packet_of_either_mode() {
    let key = StampKey::new(KEY).expect("not empty");
    let sender = SenderPacket {
        sequence: 7,
        ..SenderPacket::default()
    };
    for mode in [StampMode::Unauthenticated, StampMode::Authenticated(&key)] {
        let mut wire = Vec::new();
        sender.encode(mode, &mut wire);
        wire.extend_from_slice(&protected_tlvs());
        let packet = SenderPacket::parse(&wire, mode).expect("well-formed");
        assert_eq!(packet.extension, protected_tlvs());
        assert_eq!(packet.tlvs().count(), 3);
        let integrity = packet.tlvs().integrity(packet.base.sequence, &key);
        assert_eq!(integrity, Ok(TlvIntegrity::Verified));
    }
}
