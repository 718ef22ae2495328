//! Golden vectors of RFC 8762 and TWAMP Light (RFC 5357), written by hand from their
//! figures, with HMACs that another implementation gave, and what must be refused.

use std::time::Duration;

use pmip_wire::stamp::{ErrorEstimate, ReflectorPacket, SenderPacket, StampKey, StampMode};
use pmip_wire::types::{ProbeTimestamp, TimestampFormat};
use pmip_wire::{DecodeError, DecodeErrorKind, Field, Layer};

const PLAIN: StampMode<'_> = StampMode::Unauthenticated;
const KEY: &[u8] = b"a STAMP key";

/// 14 octets that TWAMP has too, the SSID, 28 octets of zeros.
const SENDER: [u8; 44] = [
    0, 0, 0, 7, 0x83, 0xaa, 0x7e, 0x80, 0x80, 0, 0, 0, 0x81, 5, 0x12, 0x34, // SSID
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
];

fn sender() -> SenderPacket {
    SenderPacket {
        sequence: 7,
        timestamp: ProbeTimestamp::from_bits(0x83aa_7e80_8000_0000),
        error_estimate: ErrorEstimate::from_bits(0x8105),
        ssid: 0x1234,
    }
}

const REFLECTOR: [u8; 44] = [
    0, 0, 0, 9, 0x83, 0xaa, 0x7e, 0x82, 0, 0, 0, 1, 0x41, 1, 0x12, 0x34, // the reflector's
    0x83, 0xaa, 0x7e, 0x81, 0xc0, 0, 0, 0, // received
    0, 0, 0, 7, 0x83, 0xaa, 0x7e, 0x80, 0x80, 0, 0, 0, 0x81, 5, 0, 0, // the sender's
    63, 0, 0, 0,
];

fn reflector() -> ReflectorPacket {
    let receive_timestamp = ProbeTimestamp::from_bits(0x83aa_7e81_c000_0000);
    ReflectorPacket {
        sequence: 9,
        timestamp: ProbeTimestamp::from_bits(0x83aa_7e82_0000_0001),
        error_estimate: ErrorEstimate::from_bits(0x4101),
        ..ReflectorPacket::reflecting(&sender(), receive_timestamp, 63)
    }
}

/// RFC 8762 figure 4.
fn authenticated_sender() -> Vec<u8> {
    let mut wire = vec![0; 96];
    wire[..4].copy_from_slice(&SENDER[..4]);
    wire[16..28].copy_from_slice(&SENDER[4..16]);
    wire.extend_from_slice(&SENDER_HMAC);
    wire
}

/// RFC 8762 figure 6.
fn authenticated_reflector() -> Vec<u8> {
    let mut wire = vec![0; 96];
    wire[..4].copy_from_slice(&REFLECTOR[..4]);
    wire[16..28].copy_from_slice(&REFLECTOR[4..16]);
    wire[32..40].copy_from_slice(&REFLECTOR[16..24]);
    wire[48..52].copy_from_slice(&REFLECTOR[24..28]);
    wire[64..74].copy_from_slice(&REFLECTOR[28..38]);
    wire[80] = 63;
    wire.extend_from_slice(&REFLECTOR_HMAC);
    wire
}

/// HMAC-SHA-256 of the first 96 octets, its first 16, by Python's hmac.
const SENDER_HMAC: [u8; 16] = [
    0x08, 0xda, 0x49, 0x5d, 0x53, 0xfc, 0xe2, 0xe1, 0x64, 0x0f, 0xcf, 0x54, 0xb7, 0xce, 0x5d, 0x5d,
];
const REFLECTOR_HMAC: [u8; 16] = [
    0x2a, 0xc6, 0x1c, 0xa0, 0xd8, 0xd6, 0xad, 0x5c, 0x73, 0xcb, 0x56, 0x2e, 0xfc, 0x2f, 0x83, 0x53,
];

#[test]
fn base_packets_in_both_modes() {
    let key = StampKey::new(KEY).expect("not empty");
    let authenticated = StampMode::Authenticated(&key);
    let cases = [
        (PLAIN, SENDER.to_vec(), REFLECTOR.to_vec()),
        (
            authenticated,
            authenticated_sender(),
            authenticated_reflector(),
        ),
    ];
    for (mode, there, back) in cases {
        let mut written = Vec::new();
        sender().encode(mode, &mut written);
        assert_eq!(written, there);
        let read = SenderPacket::parse(&there, mode).expect("well-formed");
        assert_eq!((read.base, read.extension), (sender(), &[][..]));

        let mut written = Vec::new();
        reflector().encode(mode, &mut written);
        assert_eq!(written, back);
        assert_eq!(written.len(), mode.base_len());
        let read = ReflectorPacket::parse(&back, mode).expect("well-formed");
        assert_eq!((read.base, read.extension), (reflector(), &[][..]));
    }
}

/// RFC 8762 section 4.2.1: fields that must be zero are ignored on receipt.
#[test]
fn what_must_be_zero_is_ignored() {
    let mut wire = SENDER;
    wire[16..].fill(0xff);
    assert_eq!(
        SenderPacket::parse(&wire, PLAIN).map(|packet| packet.base),
        Ok(sender())
    );
    let mut wire = REFLECTOR;
    wire[38..40].fill(0xff);
    wire[41..].fill(0xff);
    assert_eq!(
        ReflectorPacket::parse(&wire, PLAIN).map(|packet| packet.base),
        Ok(reflector())
    );
}

#[test]
fn twamp_light_is_understood() {
    // RFC 5357 section 4.1.2: no padding, and padding of 27 octets, which is no SSID.
    for length in 14..44 {
        let mut wire = SENDER;
        wire[14..].fill(0xaa);
        let read = SenderPacket::parse(&wire[..length], PLAIN).expect("14 or more");
        let expected = SenderPacket {
            ssid: 0,
            ..sender()
        };
        assert_eq!((read.base, read.extension), (expected, &[][..]), "{length}");
    }
    // RFC 5357 section 4.2.1: 41 octets, and reflectors that end before the TTL.
    for length in 38..44 {
        let read = ReflectorPacket::parse(&REFLECTOR[..length], PLAIN).expect("38 or more");
        let sender_ttl = if length <= 40 { 255 } else { 63 };
        let expected = ReflectorPacket {
            sender_ttl,
            ..reflector()
        };
        assert_eq!((read.base, read.extension), (expected, &[][..]), "{length}");
    }
}

#[test]
fn a_forged_packet_is_not_believed() {
    let key = StampKey::new(KEY).expect("not empty");
    let mode = StampMode::Authenticated(&key);
    for at in 0..112 {
        let mut wire = authenticated_reflector();
        wire[at] ^= 1;
        let error = ReflectorPacket::parse(&wire, mode).unwrap_err();
        let expected = (DecodeErrorKind::BadDigest, Layer::Stamp, 96);
        assert_eq!(
            (error.kind, error.layer, error.offset),
            expected,
            "octet {at}"
        );
    }
    let another = StampKey::new(b"another").expect("not empty");
    let wire = authenticated_sender();
    let error = SenderPacket::parse(&wire, StampMode::Authenticated(&another)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "STAMP packet at octet 96: the digest is not the one that the key gives"
    );
    assert_eq!(format!("{key:?}"), "StampKey", "a key is never printed");
}

/// RFC 8762 figure 3, RFC 4656 section 4.1.2.
#[test]
fn error_estimates() {
    let estimate = ErrorEstimate::from_bits(0xe005);
    assert!(estimate.is_synchronized());
    assert_eq!(estimate.format(), TimestampFormat::Ptp);
    assert_eq!((estimate.scale(), estimate.multiplier()), (32, 5));
    assert_eq!(estimate.error(), Some(Duration::from_secs(5)));
    let built = ErrorEstimate::new(true, TimestampFormat::Ptp, 32, 5);
    assert_eq!(built, Some(estimate));
    assert_eq!(ErrorEstimate::new(true, TimestampFormat::Ntp, 64, 5), None);
    assert_eq!(ErrorEstimate::new(true, TimestampFormat::Ntp, 1, 0), None);
    assert_eq!(ErrorEstimate::from_bits(0x8000).error(), None);
    assert!(
        ErrorEstimate::from_bits(0x3fff).error().is_some(),
        "the largest does not overflow"
    );
}

fn truncated(error: DecodeError) -> Field {
    let DecodeErrorKind::Truncated { field, .. } = error.kind else {
        panic!("{error}");
    };
    field
}

#[test]
fn every_cut_names_the_field_it_falls_into() {
    for length in 0..14 {
        let error = SenderPacket::parse(&SENDER[..length], PLAIN).unwrap_err();
        let expected = match length {
            0..=3 => Field::Sequence,
            4..=11 => Field::Timestamp,
            _ => Field::ErrorEstimate,
        };
        assert_eq!(truncated(error), expected, "{length}");
    }
    for length in 0..38 {
        let error = ReflectorPacket::parse(&REFLECTOR[..length], PLAIN).unwrap_err();
        let expected = match length {
            0..=3 => Field::Sequence,
            4..=11 => Field::Timestamp,
            12 | 13 => Field::ErrorEstimate,
            14 | 15 => Field::SessionId,
            16..=23 => Field::ReceiveTimestamp,
            24..=27 => Field::SenderSequence,
            28..=35 => Field::SenderTimestamp,
            _ => Field::SenderErrorEstimate,
        };
        assert_eq!(truncated(error), expected, "{length}");
    }
    let key = StampKey::new(KEY).expect("not empty");
    let mode = StampMode::Authenticated(&key);
    for length in 0..112 {
        let error = SenderPacket::parse(&authenticated_sender()[..length], mode).unwrap_err();
        let expected = match length {
            0..=3 => Field::Sequence,
            4..=15 | 28..=95 => Field::Reserved,
            16..=23 => Field::Timestamp,
            24 | 25 => Field::ErrorEstimate,
            26 | 27 => Field::SessionId,
            _ => Field::Hmac,
        };
        assert_eq!(truncated(error), expected, "{length}");
        let error = ReflectorPacket::parse(&authenticated_reflector()[..length], mode).unwrap_err();
        let expected = match length {
            0..=3 => Field::Sequence,
            4..=15 | 28..=31 | 40..=47 | 52..=63 | 74..=79 | 81..=95 => Field::Reserved,
            16..=23 => Field::Timestamp,
            24 | 25 => Field::ErrorEstimate,
            26 | 27 => Field::SessionId,
            32..=39 => Field::ReceiveTimestamp,
            48..=51 => Field::SenderSequence,
            64..=71 => Field::SenderTimestamp,
            72 | 73 => Field::SenderErrorEstimate,
            80 => Field::HopLimit,
            _ => Field::Hmac,
        };
        assert_eq!(truncated(error), expected, "{length}");
    }
}
