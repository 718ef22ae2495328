//! Golden vectors of RFC 6812, written by hand from its figures, with digests that other
//! implementations of the hashes gave, and what must be refused.

use std::net::{Ipv4Addr, Ipv6Addr};

use bytes::Bytes;
use pmip_wire::sla::{
    Authentication, AuthenticationFailure, AuthenticationMode, ControlHeader, ControlMessage,
    ControlPacket, Csld, CsldCommand, MAX_CSLDS, MeasurementAddresses, SlaAddresses, SlaRole,
    SlaStatus, UdpMeasurement, UnknownControl, UnknownCsld,
};
use pmip_wire::types::ProbeTimestamp;
use pmip_wire::{DecodeError, DecodeErrorKind, EmptySecret, Field, Layer};

/// Sequence 0x01020304, Total Length `total`, Send Timestamp 0x83aa7e8080000000.
fn header(total: u8) -> Vec<u8> {
    vec![
        2, 0, 0, 0, 1, 2, 3, 4, 0, 0, 0, total, 0x83, 0xaa, 0x7e, 0x80, 0x80, 0, 0, 0,
    ]
}

/// Key ID 0x0102 and Random Number 00 to 0f.
fn authentication(mode: u8, digest: &[u8; 32]) -> Vec<u8> {
    let mut section = vec![0, 1, 0, 0, 0, 0, 0, 60, mode, 0, 1, 2];
    section.extend(0..16u8);
    section.extend_from_slice(digest);
    section
}

const NO_AUTHENTICATION: [u8; 12] = [0, 1, 0, 0, 0, 0, 0, 12, 0, 0, 0, 0];

fn measurement() -> Vec<u8> {
    let mut section = vec![0, 2, 0, 0, 0, 0, 0, 92, 2, 1, 0, 0, 0, 0, 0, 9];
    for last in 1..=4 {
        section.extend_from_slice(&[192, 0, 2, last, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    }
    // Ports 50000, reserved, 50001, 50002; 60,000 ms.
    section.extend_from_slice(&[0xc3, 0x50, 0, 0, 0xc3, 0x51, 0xc3, 0x52, 0, 0, 0xea, 0x60]);
    section
}

fn typed_measurement() -> UdpMeasurement {
    let address = |last| Ipv4Addr::new(192, 0, 2, last);
    UdpMeasurement {
        status: SlaStatus::Success,
        role: SlaRole::Responder,
        session_id: 9,
        addresses: MeasurementAddresses::Ipv4(SlaAddresses {
            control_source: address(1),
            control_destination: address(2),
            measurement_source: address(3),
            measurement_destination: address(4),
        }),
        control_source_port: 50_000,
        measurement_source_port: 50_001,
        measurement_destination_port: 50_002,
        duration_ms: 60_000,
    }
}

fn typed_header() -> ControlHeader {
    ControlHeader {
        status: SlaStatus::Success,
        sequence: 0x0102_0304,
        send_timestamp: ProbeTimestamp::from_bits(0x83aa_7e80_8000_0000),
    }
}

fn typed(authentication: Authentication) -> ControlMessage {
    let mut message = ControlMessage::new(typed_header(), authentication);
    message
        .push(Csld::UdpMeasurement(typed_measurement()))
        .expect("the first");
    message
}

fn decode(wire: &[u8]) -> Result<ControlMessage, DecodeError> {
    let packet = ControlPacket::decode_slice(wire)?;
    let ControlPacket::Version2(message) = packet else {
        panic!("{packet:?}");
    };
    Ok(message)
}

const SECRET: &[u8] = b"a shared secret";
const RANDOM: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// Over the 172 octets with the digest all-zero, by Python's hashlib.
const SHA256: [u8; 32] = [
    0x72, 0x36, 0xc3, 0x91, 0x40, 0x79, 0xf3, 0xf7, 0x2e, 0x27, 0xc9, 0x25, 0xce, 0x92, 0x18, 0x89,
    0x96, 0xc2, 0xd8, 0xaa, 0xcf, 0x8f, 0xc8, 0x61, 0x18, 0x50, 0xbe, 0x22, 0x88, 0x14, 0x3f, 0xe9,
];
/// The same by Python's hmac.
const HMAC_SHA256: [u8; 32] = [
    0xf6, 0x2d, 0x12, 0x49, 0x6b, 0x34, 0x35, 0x2e, 0x5b, 0xea, 0xf2, 0x9a, 0x1f, 0xdd, 0x67, 0x46,
    0xab, 0x7d, 0x55, 0x12, 0x95, 0x6e, 0x36, 0x6c, 0xde, 0x55, 0x5b, 0x38, 0xf4, 0xa6, 0x52, 0xc1,
];

#[test]
fn a_request_in_every_mode() {
    use AuthenticationMode::{HmacSha256, NoAuthentication, Sha256};
    let mut zeros = authentication(0, &[0; 32]);
    zeros[10..28].fill(0);
    let modes = [
        (
            Authentication::NONE,
            124,
            NO_AUTHENTICATION.to_vec(),
            NoAuthentication,
        ),
        (Authentication::NONE_IN_FULL, 172, zeros, NoAuthentication),
        (
            Authentication::new(Sha256, 0x0102, RANDOM),
            172,
            authentication(1, &SHA256),
            Sha256,
        ),
        (
            Authentication::new(HmacSha256, 0x0102, RANDOM),
            172,
            authentication(2, &HMAC_SHA256),
            HmacSha256,
        ),
    ];
    for (authentication, total, section, mode) in modes {
        let wire = [header(total), section, measurement()].concat();
        let mut message = typed(authentication);
        message.sign(SECRET).expect("not empty");
        let mut written = Vec::new();
        message.encode(&mut written);
        assert_eq!(written, wire, "{mode}");
        assert_eq!(message.encoded_len(), wire.len());
        let read = decode(&wire).expect("well-formed");
        assert_eq!(read, message);
        assert_eq!(read.verify(&wire, mode, SECRET), Ok(()));
    }
}

#[test]
fn ipv6_addresses_and_reserved_fields() {
    let mut section = measurement();
    section[8] = 3;
    section[9] = 2;
    section[10..12].fill(0xff); // reserved
    section[82..84].fill(0xff); // reserved
    section[16..32].copy_from_slice(&Ipv6Addr::LOCALHOST.octets());
    let mut head = header(124);
    head[1] = 0xff; // reserved
    let message = decode(&[head, NO_AUTHENTICATION.to_vec(), section].concat());
    let message = message.expect("reserved fields say nothing");
    let read = message.udp_measurement().expect("there is one");
    let MeasurementAddresses::Ipv6(addresses) = read.addresses else {
        panic!("{read:?}");
    };
    assert_eq!(addresses.control_source, Ipv6Addr::LOCALHOST);
    // Both numberings of a responder are understood.
    assert!(read.role.is_responder() && SlaRole::Responder.is_responder());
    assert!(!SlaRole::Unknown(0).is_responder());
}

#[test]
fn a_forged_message_is_not_believed() {
    for mode in [AuthenticationMode::Sha256, AuthenticationMode::HmacSha256] {
        let mut message = typed(Authentication::new(mode, 0x0102, RANDOM));
        message.sign(SECRET).expect("not empty");
        let mut wire = Vec::new();
        message.encode(&mut wire);
        assert_eq!(message.verify(&wire, mode, SECRET), Ok(()));
        let wrong = Err(AuthenticationFailure::Digest);
        assert_eq!(message.verify(&wire, mode, b"another"), wrong);
        for at in 0..wire.len() {
            let mut forged = wire.clone();
            forged[at] ^= 1;
            assert_eq!(message.verify(&forged, mode, SECRET), wrong, "octet {at}");
        }
    }
    // An empty secret is known to everybody.
    for mode in [AuthenticationMode::Sha256, AuthenticationMode::HmacSha256] {
        let mut message = typed(Authentication::new(mode, 0x0102, RANDOM));
        let before = message.clone();
        assert_eq!(message.sign(b""), Err(EmptySecret));
        assert_eq!(message, before, "not half signed");
        let failure = Err(AuthenticationFailure::EmptySecret(EmptySecret));
        assert_eq!(message.verify(&[0; 172], mode, b""), failure);
    }
    assert_eq!(
        typed(Authentication::NONE).sign(b""),
        Ok(()),
        "no digest, no secret"
    );
    // Who wants authentication is not content with none.
    let none = typed(Authentication::NONE);
    let failure = none.verify(&[], AuthenticationMode::HmacSha256, SECRET);
    assert!(matches!(failure, Err(AuthenticationFailure::Mode { .. })));
    let mode = AuthenticationMode::Unknown(77);
    let unknown = typed(Authentication::new(mode, 0, RANDOM));
    let failure = Err(AuthenticationFailure::UnknownMode(mode));
    assert_eq!(unknown.verify(&[0; 172], mode, SECRET), failure);
}

#[test]
fn a_response_reflects_and_reports() {
    let mut response = typed(Authentication::new(
        AuthenticationMode::HmacSha256,
        1,
        RANDOM,
    ));
    response.header.status = SlaStatus::Fail;
    response.authentication.status = SlaStatus::Success;
    if let [Csld::UdpMeasurement(measurement)] = response.cslds_mut() {
        measurement.status = SlaStatus::PortInUse;
    }
    response.sign(SECRET).expect("not empty");
    let mut wire = Vec::new();
    response.encode(&mut wire);
    assert_eq!(wire[2..4], [0, 1]);
    assert_eq!(wire[22..24], [0, 0]);
    assert_eq!(wire[82..84], [0, 4]);
    assert_eq!(decode(&wire), Ok(response));
}

#[test]
fn unknown_sections_are_kept() {
    let wire = [
        header(32 + 11 + 92),
        NO_AUTHENTICATION.to_vec(),
        vec![0x28, 0, 0, 3, 0, 0, 0, 11, 7, 8, 9],
        measurement(),
    ]
    .concat();
    let message = decode(&wire).expect("well-formed");
    let unknown = UnknownCsld::new(
        CsldCommand::Unknown(0x2800),
        SlaStatus::FormatError,
        Bytes::from_static(&[7, 8, 9]),
    );
    let unknown = unknown.map(Csld::Unknown).expect("an unknown command");
    assert_eq!(
        message.cslds(),
        [unknown, Csld::UdpMeasurement(typed_measurement())]
    );
    let mut written = Vec::new();
    message.encode(&mut written);
    assert_eq!(written, wire);
    assert!(UnknownCsld::new(CsldCommand::UdpMeasurement, SlaStatus::Fail, Bytes::new()).is_none());
}

/// RFC 6812 does not say whether Command-Length counts the section's head. With it is how we read
/// it; without it where only that fits.
#[test]
fn lengths_that_leave_out_the_head_are_understood() {
    let mut short = NO_AUTHENTICATION.to_vec();
    short[7] = 4;
    let mut section = measurement();
    section[7] = 84;
    let wire = [header(124), short, section].concat();
    assert_eq!(decode(&wire), Ok(typed(Authentication::NONE)));

    let mut long = authentication(0, &[0; 32]);
    long[8..].fill(0);
    long[7] = 52;
    let mut section = measurement();
    section[7] = 84;
    let wire = [header(172), long, section].concat();
    assert_eq!(decode(&wire), Ok(typed(Authentication::NONE_IN_FULL)));
}

#[test]
fn other_versions_are_kept() {
    let wire = Bytes::from_static(&[1, 0, 0, 4, 0, 0, 0, 52, 9]);
    let packet = ControlPacket::decode(&wire).expect("kept");
    let unknown = UnknownControl::new(wire.clone()).expect("version 1");
    assert_eq!(unknown.version(), 1);
    assert_eq!(packet, ControlPacket::Unknown(unknown));
    let mut written = Vec::new();
    packet.encode(&mut written);
    assert_eq!(written, wire);
    assert!(UnknownControl::new(Bytes::from_static(&[2, 0])).is_err());
    assert!(UnknownControl::new(Bytes::new()).is_err());
}

fn bad(field: Field, found: u32) -> DecodeErrorKind {
    DecodeErrorKind::BadValue { field, found }
}

#[test]
fn what_the_rfc_forbids_is_refused() {
    let none = || NO_AUTHENTICATION.to_vec();
    let misplaced = |field| DecodeErrorKind::Misplaced { field };
    let zeros = [0; 32];
    let with = |mut section: Vec<u8>, at: usize, value: u8| {
        section[at] = value;
        section
    };
    let cases = [
        // Total Length below the datagram.
        (
            [header(123), none(), measurement()].concat(),
            bad(Field::TotalLength, 123),
            8,
        ),
        // Not the Authentication CSLD first; twice; not at all.
        (
            [header(112), measurement()].concat(),
            bad(Field::Command, 2),
            20,
        ),
        (
            [header(44), none(), none()].concat(),
            misplaced(Field::Authentication),
            32,
        ),
        // Mode 1 without a digest; mode 0 with a random number and with a digest.
        (
            [header(32), with(none(), 8, 1)].concat(),
            bad(Field::CommandLength, 12),
            24,
        ),
        (
            [header(80), authentication(0, &zeros)].concat(),
            misplaced(Field::RandomNumber),
            32,
        ),
        (
            [header(80), with(with(zero_authentication(), 28, 1), 8, 0)].concat(),
            misplaced(Field::Digest),
            48,
        ),
        // Lengths that fit no command.
        (
            [header(33), with(none(), 7, 13), vec![0]].concat(),
            bad(Field::CommandLength, 13),
            24,
        ),
        (
            [header(124), none(), with(measurement(), 7, 91)].concat(),
            bad(Field::CommandLength, 91),
            36,
        ),
        (
            [header(40), none(), vec![0x28, 0, 0, 0, 0, 0, 0, 7]].concat(),
            bad(Field::CommandLength, 7),
            36,
        ),
        // Address Type 1.
        (
            [header(124), none(), with(measurement(), 8, 1)].concat(),
            bad(Field::AddressType, 1),
            40,
        ),
    ];
    for (wire, kind, offset) in cases {
        let error = decode(&wire).unwrap_err();
        let expected = (kind, Layer::SlaControl, offset);
        assert_eq!((error.kind, error.layer, error.offset), expected, "{error}");
    }
}

/// An Authentication CSLD in full with everything all-zero.
fn zero_authentication() -> Vec<u8> {
    let mut section = authentication(0, &[0; 32]);
    section[8..].fill(0);
    section
}

#[test]
fn sections_without_end_are_refused() {
    let wire = |sections: usize| {
        let body = [0x28, 0, 0, 0, 0, 0, 0, 8].repeat(sections);
        [
            header((32 + body.len()) as u8),
            NO_AUTHENTICATION.to_vec(),
            body,
        ]
        .concat()
    };
    let mut most = decode(&wire(MAX_CSLDS)).expect("as many as there may be");
    let error = decode(&wire(MAX_CSLDS + 1)).unwrap_err();
    assert_eq!(error.kind, bad(Field::CsldCount, 17));
    assert!(
        most.push(Csld::UdpMeasurement(typed_measurement()))
            .is_err()
    );
}

fn truncated(error: DecodeError) -> Field {
    let DecodeErrorKind::Truncated { field, .. } = error.kind else {
        panic!("{error}");
    };
    field
}

#[test]
fn every_cut_of_a_control_message_names_the_field_it_falls_into() {
    let wire = [header(172), authentication(2, &[9; 32]), measurement()].concat();
    for length in 0..wire.len() {
        let error = ControlPacket::decode_slice(&wire[..length]).unwrap_err();
        let expected = match length {
            0 => Field::Version,
            1 => Field::Reserved,
            2 | 3 => Field::Status,
            4..=7 => Field::Sequence,
            8..=11 => Field::TotalLength,
            12..=19 => Field::Timestamp,
            20 | 21 => Field::Command,
            22 | 23 => Field::Status,
            24..=27 => Field::CommandLength,
            28 => Field::AuthenticationMode,
            29 => Field::Reserved,
            30 | 31 => Field::KeyId,
            32..=47 => Field::RandomNumber,
            48..=79 => Field::Digest,
            80 => Field::Csld,
            81 => Field::Command,
            82 | 83 => Field::Status,
            84..=87 => Field::CommandLength,
            88 => Field::AddressType,
            89 => Field::Role,
            90 | 91 => Field::Reserved,
            92..=95 => Field::SessionId,
            96..=111 => Field::ControlSource,
            112..=127 => Field::ControlDestination,
            128..=143 => Field::MeasurementSource,
            144..=159 => Field::MeasurementDestination,
            160 | 161 => Field::ControlSourcePort,
            162 | 163 => Field::Reserved,
            164 | 165 => Field::MeasurementSourcePort,
            166 | 167 => Field::MeasurementDestinationPort,
            _ => Field::Duration,
        };
        assert_eq!(truncated(error), expected, "{length}: {error}");
    }
}
