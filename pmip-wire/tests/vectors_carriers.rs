//! Golden vectors of the carriers, written by hand from the figures of the RFCs, and what must be
//! refused, each with the field it is refused for.

use std::net::Ipv6Addr;

use pmip_wire::carrier::{
    FlowLabel, HomeAddress, Ipv6Fragment, Ipv6Header, Ipv6Packet, MAX_EXTENSION_HEADERS, protocol,
};
use pmip_wire::{
    ChecksumContext, DecodeError, DecodeErrorKind, ExpectedLength, Field, Heartbeat, Layer,
    Message, MobilityHeader,
};

/// 2001:db8:N::1
const fn address(n: u16) -> Ipv6Addr {
    Ipv6Addr::new(0x2001, 0xdb8, n, 0, 0, 0, 0, 1)
}

/// The same as octets, by hand.
const fn octets(n: u8) -> [u8; 16] {
    [0x20, 0x01, 0x0d, 0xb8, 0, n, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
}

fn home(n: u16) -> Option<HomeAddress> {
    HomeAddress::new(address(n))
}

/// A fixed header from 2001:db8:a::1 to 2001:db8:b::1 with traffic class 0xb8, flow label 0x12345
/// and hop limit 255.
fn fixed(next_header: u8, payload: &[&[u8]]) -> Vec<u8> {
    let payload = payload.concat();
    let length = u16::try_from(payload.len()).expect("short").to_be_bytes();
    let mut wire = vec![0x6b, 0x81, 0x23, 0x45];
    wire.extend_from_slice(&[length[0], length[1], next_header, 255]);
    wire.extend_from_slice(&octets(0xa));
    wire.extend_from_slice(&octets(0xb));
    wire.extend_from_slice(&payload);
    wire
}

/// RFC 6275 section 6.3: PadN of four octets puts the option at 8n + 6.
fn home_address_option(next_header: u8, n: u8) -> Vec<u8> {
    [&[next_header, 2, 1, 2, 0, 0, 201, 16][..], &octets(n)].concat()
}

/// RFC 6275 section 6.4.1.
fn type_2_routing(next_header: u8, n: u8) -> Vec<u8> {
    [&[next_header, 2, 2, 1, 0, 0, 0, 0][..], &octets(n)].concat()
}

/// A Heartbeat request, sequence 7, with PadN; `checksum` is by hand.
fn heartbeat(checksum: u16) -> [u8; 16] {
    let [high, low] = checksum.to_be_bytes();
    [59, 1, 13, 0, high, low, 0, 0, 0, 0, 0, 7, 1, 2, 0, 0]
}

/// Between 2001:db8:X::1 and 2001:db8:Y::1. Twice 2001 + 0db8 + 1 is 5b74; X + Y; length 10, next
/// header 87; 3b01 + 0d00 + 0007 + 0102 is 490a.
fn heartbeat_checksum(x: u16, y: u16) -> u16 {
    !(0x5b74 + x + y + 0x10 + 0x87 + 0x490a)
}

fn header() -> Ipv6Header {
    let mut header = Ipv6Header::new(address(0xa), address(0xb));
    header.traffic_class = 0xb8;
    header.flow_label = FlowLabel::from_bits_truncate(0x12345);
    header.hop_limit = 255;
    header
}

fn message() -> Message {
    Heartbeat::request(7).into()
}

/// Both directions, and the checksum, which only the right addresses make right.
fn assert_vector(header: &Ipv6Header, wire: &[u8]) {
    let mut written = Vec::new();
    header.encode_message(&message(), &mut written);
    assert_eq!(written, wire);
    assert_eq!(
        written.len(),
        header.encoded_len() + message().encoded_len()
    );
    let packet = Ipv6Packet::parse(wire).expect("well-formed");
    assert_eq!(packet.header(), header);
    assert_eq!(packet.upper_layer(), protocol::MOBILITY);
    let mobility = packet.mobility_header().expect("whole");
    let context = packet.checksum_context();
    MobilityHeader::parse(mobility, context).expect("a right checksum");
    assert_eq!(Message::decode_slice(mobility, context), Ok(message()));
}

#[test]
fn a_mobility_header_in_plain_ipv6() {
    let wire = fixed(135, &[&heartbeat(heartbeat_checksum(0xa, 0xb))]);
    assert_vector(&header(), &wire);
}

#[test]
fn the_home_address_option_replaces_the_source_in_the_checksum() {
    let wire = fixed(
        60,
        &[
            &home_address_option(135, 0xc),
            &heartbeat(heartbeat_checksum(0xc, 0xb)),
        ],
    );
    let mut header = header();
    header.source_home_address = home(0xc);
    assert_vector(&header, &wire);
}

#[test]
fn the_type_2_routing_header_replaces_the_destination_in_the_checksum() {
    let wire = fixed(
        43,
        &[
            &type_2_routing(135, 0xd),
            &heartbeat(heartbeat_checksum(0xa, 0xd)),
        ],
    );
    let mut header = header();
    header.destination_home_address = home(0xd);
    assert_vector(&header, &wire);
}

/// The option stands behind the routing header (RFC 6275 section 6.3).
#[test]
fn both_home_addresses_replace_both() {
    let wire = fixed(
        43,
        &[
            &type_2_routing(60, 0xd),
            &home_address_option(135, 0xc),
            &heartbeat(heartbeat_checksum(0xc, 0xd)),
        ],
    );
    let mut header = header();
    header.source_home_address = home(0xc);
    header.destination_home_address = home(0xd);
    assert_vector(&header, &wire);
    let context = ChecksumContext::Ipv6 {
        source: address(0xc),
        destination: address(0xd),
    };
    assert_eq!(header.checksum_context(), context);
}

#[test]
fn every_kind_of_extension_header_is_walked_over() {
    let wire = fixed(
        0,
        &[
            &[60, 0, 5, 2, 0, 0, 1, 0],             // hop-by-hop: router alert, PadN
            &[43, 0, 0, 0, 1, 2, 0, 0],             // destination options: Pad1, Pad1, PadN
            &[43, 0, 4, 0, 0, 0, 0, 0],             // a segment routing header that is used up
            &type_2_routing(60, 0xd),               // at 64
            &home_address_option(44, 0xc),          // at 88
            &[51, 0, 0, 0, 0xde, 0xad, 0, 1],       // an atomic fragment at 112
            &[60, 4, 0, 0, 0, 0, 1, 0, 0, 0, 0, 9], // AH at 120: SPI 256, sequence 9
            &[7; 12],                               // its check value
            &[135, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], // at 144
            &heartbeat(heartbeat_checksum(0xc, 0xd)),
        ],
    );
    let packet = Ipv6Packet::parse(&wire).expect("well-formed");
    let mobility = packet
        .mobility_header()
        .expect("an atomic fragment is whole");
    MobilityHeader::parse(mobility, packet.checksum_context()).expect("a right checksum");
    assert_eq!(packet.upper_layer_offset(), 160);
    assert_eq!(packet.header().source_home_address, home(0xc));
    assert_eq!(packet.header().destination_home_address, home(0xd));
    let fragment = packet.fragment().expect("there is a Fragment header");
    assert_eq!(fragment.identification, 0xdead_0001);
    assert!(fragment.is_atomic() && !packet.is_fragment());
    let walked: Vec<_> = packet
        .extension_headers()
        .map(|header| (header.protocol(), header.offset()))
        .collect();
    let expected = [
        (0, 40),
        (60, 48),
        (43, 56),
        (43, 64),
        (60, 88),
        (44, 112),
        (51, 120),
        (60, 144),
    ];
    assert_eq!(walked, expected);
}

#[test]
fn fragments_are_reported_and_not_reassembled() {
    let part = heartbeat(0);
    let fragment = |offset, more| Ipv6Fragment {
        offset,
        more,
        identification: 0x0102_0304,
    };
    let first = fixed(44, &[&[135, 0, 0, 1, 1, 2, 3, 4], &part]);
    let packet = Ipv6Packet::parse(&first).expect("well-formed");
    assert_eq!(packet.fragment(), Some(fragment(0, true)));
    assert_eq!(packet.upper_layer(), protocol::MOBILITY);
    assert_eq!(packet.mobility_header(), None, "it is not whole");
    assert_eq!(packet.upper_layer_octets(), part);

    // What looks like an extension header in a later fragment is none.
    let later = fixed(44, &[&[60, 0, 0x05, 0xa8, 1, 2, 3, 4], &[9; 5]]);
    let packet = Ipv6Packet::parse(&later).expect("well-formed");
    assert_eq!(packet.fragment(), Some(fragment(0x5a8, false)));
    assert_eq!(packet.upper_layer(), protocol::DESTINATION_OPTIONS);
    assert_eq!(packet.upper_layer_octets(), [9; 5]);
    assert_eq!(packet.extension_headers().count(), 1);
}

#[test]
fn octets_behind_the_payload_are_the_links() {
    let mut wire = fixed(135, &[&heartbeat(0)]);
    wire.extend_from_slice(&[0xff; 6]);
    let packet = Ipv6Packet::parse(&wire).expect("well-formed");
    assert_eq!(packet.upper_layer_octets(), heartbeat(0));
}

#[test]
fn nothing_can_be_read_behind_esp() {
    let wire = fixed(50, &[&[60; 16]]);
    let packet = Ipv6Packet::parse(&wire).expect("well-formed");
    assert_eq!(packet.upper_layer(), protocol::ESP);
    assert_eq!(packet.mobility_header(), None);
}

fn misplaced(field: Field) -> DecodeErrorKind {
    DecodeErrorKind::Misplaced { field }
}

fn bad(field: Field, found: u32) -> DecodeErrorKind {
    DecodeErrorKind::BadValue { field, found }
}

/// Each broken rule is found under its name, at its place.
#[test]
fn what_the_rfcs_forbid_is_refused() {
    let option = home_address_option(135, 0xc);
    let routing = type_2_routing(135, 0xd);
    let home = misplaced(Field::HomeAddress);
    let unroutable = DecodeErrorKind::NotRoutable {
        field: Field::HomeAddress,
    };
    let length = DecodeErrorKind::BadOptionLength {
        expected: ExpectedLength::Exactly(16),
        found: 4,
    };
    let replaced = |header: &[u8], at: usize, with: &[u8]| {
        let mut header = header.to_vec();
        header[at..at + with.len()].copy_from_slice(with);
        header
    };
    let again = |header: &[u8], next: u8| replaced(header, 0, &[next]);
    let link_local = [0xfe, 0x80];
    let cases: Vec<(Vec<u8>, u8, DecodeErrorKind, u8, u16)> = vec![
        // Two options, in one header and in two.
        (
            [again(&option, 60), option.clone()].concat(),
            60,
            home,
            60,
            70,
        ),
        // Before a routing header, behind a Fragment header, behind AH.
        (
            [again(&option, 43), routing.clone()].concat(),
            60,
            home,
            43,
            64,
        ),
        (
            [&[60, 0, 0, 0, 0, 0, 0, 1][..], &option].concat(),
            44,
            home,
            60,
            54,
        ),
        (
            [&[60, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1][..], &option].concat(),
            51,
            home,
            60,
            58,
        ),
        // Option Length 4.
        (replaced(&option, 7, &[4]), 60, length, 60, 46),
        // No unicast routable address: link-local, multicast, unspecified.
        (replaced(&option, 8, &link_local), 60, unroutable, 60, 48),
        (replaced(&routing, 8, &[0xff]), 43, unroutable, 43, 48),
        (replaced(&routing, 8, &[0; 16]), 43, unroutable, 43, 48),
        // Two type 2 routing headers, Segments Left 0 and 2, Hdr Ext Len 0 (all of it 8 octets).
        (
            [again(&routing, 43), routing.clone()].concat(),
            43,
            home,
            43,
            64,
        ),
        (
            replaced(&routing, 3, &[0]),
            43,
            bad(Field::SegmentsLeft, 0),
            43,
            43,
        ),
        (
            replaced(&routing, 3, &[2]),
            43,
            bad(Field::SegmentsLeft, 2),
            43,
            43,
        ),
        (
            vec![135, 0, 2, 1, 0, 0, 0, 0],
            43,
            bad(Field::HeaderLength, 0),
            43,
            41,
        ),
        // Type 0 with a segment left.
        (
            replaced(&routing, 2, &[0]),
            43,
            bad(Field::SegmentsLeft, 1),
            43,
            43,
        ),
        // Hop-by-Hop Options that are not first.
        (
            vec![0, 0, 1, 4, 0, 0, 0, 0, 135, 0, 1, 4, 0, 0, 0, 0],
            60,
            misplaced(Field::HopByHopOptions),
            0,
            48,
        ),
        // Two Fragment headers, and one beyond 65,535 octets.
        (
            vec![44, 0, 0, 0, 0, 0, 0, 1, 135, 0, 0, 0, 0, 0, 0, 1],
            44,
            misplaced(Field::FragmentOffset),
            44,
            48,
        ),
        (
            vec![135, 0, 0xff, 0xf8, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8],
            44,
            bad(Field::FragmentOffset, 0xfff8),
            44,
            42,
        ),
        // AH of eight octets.
        (
            vec![135, 0, 0, 0, 0, 0, 0, 1],
            51,
            bad(Field::HeaderLength, 0),
            51,
            41,
        ),
    ];
    for (payload, next_header, kind, layer, offset) in cases {
        let error = Ipv6Packet::parse(&fixed(next_header, &[&payload])).unwrap_err();
        let expected = (kind, Layer::ExtensionHeader(layer), offset);
        assert_eq!((error.kind, error.layer, error.offset), expected, "{error}");
    }
}

#[test]
fn a_fragment_that_is_not_the_last_is_a_multiple_of_eight_long() {
    let wire = fixed(44, &[&[135, 0, 0, 1, 0, 0, 0, 1], &[0; 9]]);
    let error = Ipv6Packet::parse(&wire).unwrap_err();
    assert_eq!(error.kind, bad(Field::PayloadLength, 9));
    assert_eq!((error.layer, error.offset), (Layer::Ipv6Header, 4));
}

#[test]
fn another_version_is_refused() {
    let mut wire = fixed(59, &[]);
    wire[0] = 0x45;
    let error = Ipv6Packet::parse(&wire).unwrap_err();
    assert_eq!(error.kind, bad(Field::Version, 4));
    assert_eq!(
        error.to_string(),
        "IPv6 header at octet 0: the version must not be 4"
    );
}

/// Endless chains cost no more than the limit.
#[test]
fn too_many_headers_are_refused() {
    let chain = |headers: usize| {
        let mut payload = [60, 0, 1, 4, 0, 0, 0, 0].repeat(headers);
        let last = payload.len() - 8;
        payload[last] = 59;
        fixed(60, &[&payload])
    };
    Ipv6Packet::parse(&chain(MAX_EXTENSION_HEADERS)).expect("as many as are walked");
    let error = Ipv6Packet::parse(&chain(MAX_EXTENSION_HEADERS + 1)).unwrap_err();
    assert_eq!(error.kind, bad(Field::ExtensionHeaderCount, 17));
}

fn truncated(error: DecodeError) -> Field {
    let DecodeErrorKind::Truncated { field, .. } = error.kind else {
        panic!("{error}");
    };
    field
}

#[test]
fn every_cut_names_the_field_it_falls_into() {
    let wire = fixed(
        43,
        &[
            &type_2_routing(60, 0xd),
            &home_address_option(135, 0xc),
            &heartbeat(0),
        ],
    );
    for length in 0..wire.len() {
        let error = Ipv6Packet::parse(&wire[..length]).unwrap_err();
        let (fixed, routing, options) = (
            Layer::Ipv6Header,
            Layer::ExtensionHeader(43),
            Layer::ExtensionHeader(60),
        );
        let expected = match length {
            0..=3 => (fixed, Field::Version, 0),
            4 | 5 => (fixed, Field::PayloadLength, 4),
            6 => (fixed, Field::NextHeader, 6),
            7 => (fixed, Field::HopLimit, 7),
            8..=23 => (fixed, Field::SourceAddress, 8),
            24..=39 => (fixed, Field::DestinationAddress, 24),
            40 => (routing, Field::NextHeader, 40),
            41 => (routing, Field::HeaderLength, 41),
            42..=63 => (routing, Field::HeaderData, 42),
            64 => (options, Field::NextHeader, 64),
            65 => (options, Field::HeaderLength, 65),
            66..=87 => (options, Field::HeaderData, 66),
            _ => (fixed, Field::Payload, 88),
        };
        let found = (error.layer, truncated(error), error.offset);
        assert_eq!(found, expected, "{length}: {error}");
    }
}

#[test]
fn an_option_that_runs_past_its_header_is_found() {
    let wire = fixed(60, &[&[135, 0, 1, 1, 0, 77, 9, 0], &heartbeat(0)]);
    let error = Ipv6Packet::parse(&wire).unwrap_err();
    assert_eq!(
        error.to_string(),
        "IPv6 extension header 60 at octet 47: the option data is cut short: needs 9 octets, 1 left"
    );
}

#[test]
fn a_payload_that_no_length_holds_is_not_written() {
    let mut wire = Vec::new();
    let mut header = header();
    assert_eq!(header.encode(protocol::UDP, 65_536, &mut wire), None);
    header.source_home_address = home(0xc);
    assert_eq!(header.encode(protocol::UDP, 65_512, &mut wire), None);
    assert_eq!(wire, []);
    assert_eq!(header.encode(protocol::UDP, 65_511, &mut wire), Some(()));
    assert_eq!(wire[4..6], [0xff, 0xff]);
}
