//! Golden vectors of measurement packets of RFC 6812, written by hand from its figure.

use pmip_wire::sla::{MeasurementHeader, MeasurementPacket};
use pmip_wire::types::ProbeTimestamp;
use pmip_wire::{DecodeErrorKind, Field, Layer};

fn bad(field: Field, found: u32) -> DecodeErrorKind {
    DecodeErrorKind::BadValue { field, found }
}

fn truncated(kind: DecodeErrorKind) -> Field {
    let DecodeErrorKind::Truncated { field, .. } = kind else {
        panic!("{kind}");
    };
    field
}

/// RFC 6812 section 3.2.
fn measurement_packet() -> Vec<u8> {
    let mut wire = vec![0, 3, 0, 0];
    for first in [0x10, 0x20, 0x30, 0, 0x50, 0x60u8] {
        wire.extend_from_slice(&[first, 1, 2, 3, 4, 5, 6, first]);
    }
    wire.extend_from_slice(&[0, 0, 0, 7, 0, 0, 0, 8]);
    wire.extend_from_slice(&[0xaa; 64]);
    wire
}

#[test]
fn measurement_packets() {
    let wire = measurement_packet();
    let header = MeasurementHeader {
        sender_send_time: ProbeTimestamp::from_bits(0x1001_0203_0405_0610),
        responder_receive_time: ProbeTimestamp::from_bits(0x2001_0203_0405_0620),
        responder_send_time: ProbeTimestamp::from_bits(0x3001_0203_0405_0630),
        sender_receive_time: ProbeTimestamp::from_bits(0x0001_0203_0405_0600),
        sender_clock_offset: 0x5001_0203_0405_0650,
        responder_clock_offset: 0x6001_0203_0405_0660,
        sender_sequence: 7,
        responder_sequence: 8,
    };
    let packet = MeasurementPacket::parse(&wire).expect("well-formed");
    assert_eq!((packet.header, packet.data), (header, &[0xaa; 64][..]));
    let mut written = Vec::new();
    header.encode(packet.data, &mut written);
    assert_eq!(written, wire);
    assert_eq!(written.len(), 124);
}

/// RFC 6812 section 3.2: only fields with the Responder prefix change.
#[test]
fn a_responder_changes_only_its_own_fields() {
    let wire = measurement_packet();
    let packet = MeasurementPacket::parse(&wire).expect("well-formed");
    let time = ProbeTimestamp::from_bits;
    let mut answer = Vec::new();
    let header = packet
        .header
        .reflected(time(u64::MAX), time(u64::MAX - 1), 0, 0xffff);
    header.encode(packet.data, &mut answer);
    let mut expected = wire.clone();
    expected[12..20].fill(0xff);
    expected[20..28].copy_from_slice(&(u64::MAX - 1).to_be_bytes());
    expected[44..52].fill(0);
    expected[56..60].copy_from_slice(&[0, 0, 0xff, 0xff]);
    assert_eq!(answer, expected);
}

#[test]
fn another_measurement_type_is_refused() {
    let mut wire = measurement_packet();
    wire[1] = 2;
    let error = MeasurementPacket::parse(&wire).unwrap_err();
    assert_eq!(
        (error.kind, error.layer),
        (bad(Field::MeasurementType, 2), Layer::SlaMeasurement)
    );
}

#[test]
fn every_cut_of_a_measurement_packet_names_the_field_it_falls_into() {
    let wire = measurement_packet();
    for length in 0..60 {
        let error = MeasurementPacket::parse(&wire[..length]).unwrap_err();
        let expected = match length {
            0 | 1 => Field::MeasurementType,
            2 | 3 => Field::Reserved,
            4..=11 => Field::SenderSendTime,
            12..=19 => Field::ResponderReceiveTime,
            20..=27 => Field::ResponderSendTime,
            28..=35 => Field::SenderReceiveTime,
            36..=43 => Field::SenderClockOffset,
            44..=51 => Field::ResponderClockOffset,
            52..=55 => Field::SenderSequence,
            _ => Field::ResponderSequence,
        };
        assert_eq!(truncated(error.kind), expected, "{length}: {error}");
    }
}
