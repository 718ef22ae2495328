//! Golden vectors of IPv4, UDP, TLV and GRE framing, written by hand from the figures of the RFCs,
//! and what must be refused.

use std::net::{Ipv4Addr, Ipv6Addr};

use pmip_wire::carrier::{
    AddressPair, DataFrame, GreHeader, GrePacket, Ipv4Header, Ipv4Packet, TlvPacket, UdpDatagram,
    UdpHeader, ether_type, protocol,
};
use pmip_wire::udp::{CONTROL_PORT, DATA_PORT};
use pmip_wire::{ChecksumContext, DecodeError, DecodeErrorKind, Field, Heartbeat, Layer, Message};

const SOURCE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const DESTINATION: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 7);
const V4: AddressPair = AddressPair::V4 {
    source: SOURCE,
    destination: DESTINATION,
};

/// A Heartbeat request from 192.0.2.1:50000 to 198.51.100.7:5436, 44 octets.
///
/// IPv4 checksum: 4500 + 002c + 0007 + 4000 + 4011 + c000 + 0201 + c633 + 6407 is 2b17f, folded
/// b181, complement 4e7e. UDP: pseudo header c000 + 0201 + c633 + 6407 + 0011 + 0018 is 1ec64;
/// c350 + 153c + 0018 is d8a4; 3b01 + 0d00 + 0007 + 0102 is 490a; together 30e12, folded 0e15,
/// complement f1ea.
const CONTROL: [u8; 44] = [
    0x45, 0, 0, 44, 0, 7, 0x40, 0, 64, 17, 0x4e, 0x7e, 192, 0, 2, 1, 198, 51, 100, 7, // IPv4
    0xc3, 0x50, 0x15, 0x3c, 0, 24, 0xf1, 0xea, // UDP
    59, 1, 13, 0, 0, 0, 0, 0, 0, 0, 0, 7, 1, 2, 0, 0, // Heartbeat
];

fn ipv4() -> Ipv4Header {
    let mut header = Ipv4Header::new(SOURCE, DESTINATION, protocol::UDP);
    header.identification = 7;
    header.dont_fragment = true;
    header
}

const PORTS: UdpHeader = UdpHeader {
    source_port: 50_000,
    destination_port: CONTROL_PORT,
};

#[test]
fn signalling_over_ipv4_and_udp() {
    let message = Message::from(Heartbeat::request(7));
    let mut written = Vec::new();
    ipv4().encode_message(PORTS, &message, &mut written);
    assert_eq!(written, CONTROL);

    let packet = Ipv4Packet::parse(&CONTROL).expect("well-formed");
    assert_eq!(packet.header, ipv4());
    assert!(packet.options.is_empty() && !packet.is_fragment());
    let datagram = UdpDatagram::parse(packet.payload, packet.header.addresses());
    let datagram = datagram.expect("well-formed");
    assert_eq!(datagram.header, PORTS);
    assert!(datagram.checksummed);
    assert_eq!(datagram.data(), None);
    let mobility = datagram
        .mobility_header()
        .expect("checksummed")
        .expect("5436");
    assert_eq!(
        Message::decode_slice(mobility, ChecksumContext::Udp),
        Ok(message)
    );
}

/// RFC 5844 section 4.2.2.1: the UDP checksum must be used on the control port; on the data port
/// it may be left out.
#[test]
fn signalling_without_a_udp_checksum_is_refused() {
    let mut datagram = CONTROL[20..].to_vec();
    datagram[6..8].fill(0);
    let parsed = UdpDatagram::parse(&datagram, V4).expect("IPv4 allows it");
    let error = parsed.mobility_header().unwrap_err();
    assert_eq!(
        error.to_string(),
        "UDP header at octet 6: the checksum must not be 0"
    );
    datagram[2..4].copy_from_slice(&DATA_PORT.to_be_bytes());
    let parsed = UdpDatagram::parse(&datagram, V4).expect("IPv4 allows it");
    assert_eq!(parsed.mobility_header(), Ok(None));
    assert_eq!(parsed.data(), Some(&CONTROL[28..]));

    let v6 = AddressPair::V6 {
        source: Ipv6Addr::LOCALHOST,
        destination: Ipv6Addr::LOCALHOST,
    };
    let error = UdpDatagram::parse(&datagram, v6).unwrap_err();
    assert_eq!(error.kind, bad(Field::Checksum, 0));
}

#[test]
fn a_reply_is_told_by_its_source_port() {
    let reply = UdpHeader {
        source_port: CONTROL_PORT,
        destination_port: 50_000,
    };
    let mut wire = Vec::new();
    assert!(reply.encode(V4, &[1, 2, 3], &mut wire).is_some());
    wire.extend_from_slice(&[1, 2, 3]);
    let parsed = UdpDatagram::parse(&wire, V4).expect("an odd length is fine");
    assert_eq!(parsed.mobility_header(), Ok(Some(&[1, 2, 3][..])));
}

fn bad(field: Field, found: u32) -> DecodeErrorKind {
    DecodeErrorKind::BadValue { field, found }
}

fn truncated(error: DecodeError) -> Field {
    let DecodeErrorKind::Truncated { field, .. } = error.kind else {
        panic!("{error}");
    };
    field
}

#[test]
fn ipv4_options_and_fragments_are_reported() {
    let mut wire = [0u8; 32];
    wire[..12].copy_from_slice(&[0x46, 0xb9, 0, 28, 0, 7, 0x20, 0x03, 5, 4, 0, 0]);
    wire[12..16].copy_from_slice(&SOURCE.octets());
    wire[16..20].copy_from_slice(&DESTINATION.octets());
    wire[20..24].copy_from_slice(&[0x94, 4, 0, 0]); // router alert
    wire[24..28].fill(0xee);
    // 46b9 + 001c + 0007 + 2003 + 0504 + c000 + 0201 + c633 + 6407 + 9404 is 2ec22 -> ec24.
    wire[10..12].copy_from_slice(&(!0xec24u16).to_be_bytes());
    let packet = Ipv4Packet::parse(&wire).expect("well-formed");
    assert_eq!(packet.options, [0x94, 4, 0, 0]);
    assert_eq!((packet.fragment_offset, packet.more_fragments), (24, true));
    assert_eq!(packet.header.traffic_class, 0xb9);
    assert_eq!(packet.header.hop_limit, 5);
    assert_eq!(packet.payload, [0xee; 4], "not what the link padded");
}

#[test]
fn ipv4_headers_that_contradict_themselves_are_refused() {
    let with = |at: usize, value: u8| {
        let mut wire = CONTROL;
        wire[at] = value;
        Ipv4Packet::parse(&wire).unwrap_err().kind
    };
    assert_eq!(with(0, 0x65), bad(Field::Version, 6));
    assert_eq!(with(0, 0x44), bad(Field::HeaderLength, 4));
    assert_eq!(with(3, 19), bad(Field::TotalLength, 19));
    let wrong = DecodeErrorKind::BadChecksum {
        expected: 0x4f7e,
        found: 0x4e7e,
    };
    assert_eq!(with(8, 63), wrong);
}

#[test]
fn udp_lengths_and_checksums_that_are_wrong_are_refused() {
    let with = |at: usize, value: u8| {
        let mut wire = CONTROL[20..].to_vec();
        wire[at] = value;
        UdpDatagram::parse(&wire, V4).unwrap_err()
    };
    assert_eq!(with(5, 7).kind, bad(Field::Length, 7));
    assert_eq!(truncated(with(5, 25)), Field::Payload);
    let wrong = DecodeErrorKind::BadChecksum {
        expected: 0xf1e9,
        found: 0xf1ea,
    };
    assert_eq!(with(19, 8).kind, wrong);
}

/// A UDP checksum that computes to 0 is sent as all ones (RFC 768), and accepted.
#[test]
fn a_checksum_of_zero_is_sent_as_ones() {
    // 1ec64 - 0018 + 000a (pseudo header), c350 + 153c + 000a, and what makes it ffff.
    let payload = (!fold(0x1_ec64 - 0x18 + 0x0a + 0xc350 + 0x153c + 0x0a)).to_be_bytes();
    let mut wire = Vec::new();
    assert!(PORTS.encode(V4, &payload, &mut wire).is_some());
    assert_eq!(wire[6..], [0xff, 0xff]);
    wire.extend_from_slice(&payload);
    assert!(UdpDatagram::parse(&wire, V4).is_ok());
}

fn fold(sum: u32) -> u16 {
    let sum = (sum & 0xffff) + (sum >> 16);
    ((sum & 0xffff) + (sum >> 16)) as u16
}

/// RFC 5845 section 7.2: Type 0, reserved bits ignored, Length without the header.
#[test]
fn tlv_headers() {
    let wire = [0x0f, 47, 0, 3, 7, 8, 9];
    let tlv = TlvPacket::parse(&wire).expect("well-formed");
    assert_eq!(
        (tlv.next_header, tlv.payload),
        (protocol::GRE, &[7, 8, 9][..])
    );
    let mut written = Vec::new();
    assert_eq!(TlvPacket::encode_header(47, 3, &mut written), Some(()));
    assert_eq!(written, [0, 47, 0, 3]);
    assert_eq!(TlvPacket::encode_header(47, 65_536, &mut written), None);

    let longer = TlvPacket::parse(&[0, 41, 0, 2, 1, 2, 3]).unwrap_err();
    assert_eq!((longer.kind, longer.offset), (bad(Field::Length, 2), 2));
    let shorter = TlvPacket::parse(&[0, 41, 0, 4, 1, 2, 3]).unwrap_err();
    assert_eq!(
        (truncated(shorter), shorter.layer),
        (Field::Payload, Layer::TlvHeader)
    );
}

#[test]
fn the_first_four_bits_tell_what_a_data_datagram_holds() {
    assert_eq!(
        DataFrame::parse(&[0x45, 0]),
        Ok(DataFrame::Ipv4(&[0x45, 0]))
    );
    assert_eq!(
        DataFrame::parse(&[0x60, 0]),
        Ok(DataFrame::Ipv6(&[0x60, 0]))
    );
    let tlv = DataFrame::parse(&[0, 4, 0, 1, 0x45]);
    assert!(matches!(tlv, Ok(DataFrame::Tlv(tlv)) if tlv.payload == [0x45]));
    for nibble in [1, 2, 3, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15u8] {
        let error = DataFrame::parse(&[nibble << 4; 8]).unwrap_err();
        assert_eq!(error.kind, bad(Field::Type, nibble.into()));
    }
    assert_eq!(truncated(DataFrame::parse(&[]).unwrap_err()), Field::Type);
}

/// RFC 2784 section 2.1 and RFC 2890 section 2, with every optional part.
///
/// Checksum: b000 + 86dd + 0102 + 0304 + 0000 + 0009 + 6162 + 6300 is 1ff4e, folded ff4f,
/// complement 00b0.
const GRE: [u8; 19] = [
    0xb0, 0, 0x86, 0xdd, // C, K, S
    0x00, 0xb0, 0, 0, // checksum
    1, 2, 3, 4, // key
    0, 0, 0, 9, // sequence
    b'a', b'b', b'c',
];

#[test]
fn gre_with_every_part() {
    let header = GreHeader {
        protocol_type: ether_type::IPV6,
        checksum: true,
        key: Some(0x0102_0304),
        sequence: Some(9),
    };
    let packet = GrePacket::parse(&GRE).expect("well-formed");
    assert_eq!((packet.header, packet.payload), (header, &b"abc"[..]));
    let mut written = Vec::new();
    header.encode(b"abc", &mut written);
    assert_eq!(written.len(), header.encoded_len());
    assert_eq!(written, GRE[..16]);
}

#[test]
fn gre_with_a_key_is_eight_octets() {
    let header = GreHeader::with_key(ether_type::IPV4, 0xdead_beef);
    let mut written = Vec::new();
    header.encode(&[0x45], &mut written);
    assert_eq!(written, [0x20, 0, 0x08, 0, 0xde, 0xad, 0xbe, 0xef]);
    assert_eq!(
        GrePacket::parse(&written).map(|packet| packet.header),
        Ok(header)
    );
    // The least header of RFC 2784.
    let least = GrePacket::parse(&[0, 0, 0x08, 0]).expect("well-formed");
    assert_eq!((least.header.key, least.header.encoded_len()), (None, 4));
}

/// RFC 2784 section 2.3: bits 1 to 5 that have no meaning refuse the packet, bits 6 to 12 do not;
/// section 2.3.1: Version is 0.
#[test]
fn gre_reserved_bits() {
    for bit in 0..16 {
        let flags = 0x8000u16 >> bit;
        let [high, low] = flags.to_be_bytes();
        let wire = [high, low, 0x08, 0, 0, 0, 0, 0];
        let result = GrePacket::parse(&wire).map_err(|error| error.kind);
        match bit {
            1 | 4 | 5 => assert_eq!(result, Err(bad(Field::Flags, flags.into()))),
            13..=15 => assert_eq!(result, Err(bad(Field::Version, flags.into()))),
            // The checksum of zeros is not zero.
            0 => assert!(matches!(result, Err(DecodeErrorKind::BadChecksum { .. }))),
            _ => assert!(result.is_ok(), "bit {bit}"),
        }
    }
}

#[test]
fn a_wrong_gre_checksum_is_refused() {
    for at in [2, 11, 15, 18] {
        let mut wire = GRE;
        wire[at] ^= 0x10;
        let error = GrePacket::parse(&wire).unwrap_err();
        assert!(error.is_bad_checksum(), "{error}");
        assert_eq!((error.layer, error.offset), (Layer::GreHeader, 4));
    }
    let mut wire = GRE;
    wire[5] = 0;
    let kind = DecodeErrorKind::BadChecksum {
        expected: 0x00b0,
        found: 0,
    };
    assert_eq!(GrePacket::parse(&wire).unwrap_err().kind, kind);
}

#[test]
fn every_cut_names_the_field_it_falls_into() {
    let ipv4 = |length| match length {
        0 => Field::Version,
        1 => Field::TrafficClass,
        2 | 3 => Field::TotalLength,
        4 | 5 => Field::Identification,
        6 | 7 => Field::FragmentOffset,
        8 => Field::HopLimit,
        9 => Field::NextHeader,
        10 | 11 => Field::Checksum,
        12..=15 => Field::SourceAddress,
        16..=19 => Field::DestinationAddress,
        _ => Field::Payload,
    };
    for length in 0..CONTROL.len() {
        let error = Ipv4Packet::parse(&CONTROL[..length]).unwrap_err();
        assert_eq!(truncated(error), ipv4(length), "{length}: {error}");
    }
    let udp = |length| match length {
        0 | 1 => Field::SourcePort,
        2 | 3 => Field::DestinationPort,
        4 | 5 => Field::Length,
        6 | 7 => Field::Checksum,
        _ => Field::Payload,
    };
    for length in 0..24 {
        let error = UdpDatagram::parse(&CONTROL[20..20 + length], V4).unwrap_err();
        assert_eq!(truncated(error), udp(length), "{length}: {error}");
    }
    let gre = |length| match length {
        0 | 1 => Field::Flags,
        2 | 3 => Field::ProtocolType,
        4 | 5 => Field::Checksum,
        6 | 7 => Field::Reserved,
        8..=11 => Field::Key,
        _ => Field::Sequence,
    };
    for length in 0..16 {
        let error = GrePacket::parse(&GRE[..length]).unwrap_err();
        assert_eq!(truncated(error), gre(length), "{length}: {error}");
    }
    let tlv = |length| match length {
        0 => Field::Type,
        1 => Field::NextHeader,
        2 | 3 => Field::Length,
        _ => Field::Payload,
    };
    for length in 0..6 {
        let error = TlvPacket::parse(&[0, 41, 0, 2, 0x60, 0][..length]).unwrap_err();
        assert_eq!(truncated(error), tlv(length), "{length}: {error}");
    }
}
