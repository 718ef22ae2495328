//! Options that hold sub-options, written by hand from the figures of the RFCs: the encoder must
//! produce these octets and the decoder must read them. Then what hostile or cut octets do.

mod properties;
mod refusals;
mod vectors;

use std::net::Ipv6Addr;
use std::num::NonZeroU16;

use pmip_wire::traffic_selector::{
    Dscp, FlowLabel, Ipv4TrafficSelector, Ipv6TrafficSelector, ValueRange,
};
use pmip_wire::{
    AccessNetworkIdentifier, AniSubOption, BindingUpdate, ChecksumContext, DecodeError,
    FlowIdentification, Message, MobilityOption, MobilityOptions, QosOperation, QualityOfService,
};

const UDP: ChecksumContext = ChecksumContext::Udp;
const OPTIONS: [u8; 5] = [45, 52, 53, 58, 62];
const V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);

/// Padding as RFC 6275 sections 6.2.2 and 6.2.3 draw it.
fn padding(octets: usize) -> &'static [u8] {
    [
        &[][..],
        &[0],
        &[1, 0],
        &[1, 1, 0],
        &[1, 2, 0, 0],
        &[1, 3, 0, 0, 0],
        &[1, 4, 0, 0, 0, 0],
        &[1, 5, 0, 0, 0, 0, 0],
    ][octets]
}

/// A Binding Update that holds these octets behind its fixed part and `leading` octets of padding.
fn update(leading: usize, option: &[u8]) -> Vec<u8> {
    let end = (12 + leading + option.len()).next_multiple_of(8);
    let header = [59, (end / 8 - 1) as u8, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let trailing = padding(end - 12 - leading - option.len());
    [&header, padding(leading), option, trailing].concat()
}

/// `option` is `octets`, both ways, and stands behind `leading` octets of padding where it comes
/// first in a message.
#[track_caller]
fn same(option: impl Into<MobilityOption>, leading: usize, octets: &[u8]) {
    let message = Message::from(BindingUpdate {
        options: MobilityOptions::new().with(option).expect("fits"),
        ..BindingUpdate::default()
    });
    let wire = update(leading, octets);
    assert_eq!(message.to_bytes(UDP), wire);
    assert_eq!(message.encoded_len(), wire.len());
    assert_eq!(Message::decode_slice(&wire, UDP), Ok(message));
}

fn decode(octets: &[u8]) -> Result<MobilityOption, DecodeError> {
    Message::decode_slice(&update(0, octets), UDP).map(|message| {
        let options = message.options().expect("it has options");
        options.iter().next().expect("it has one").to_bytes()
    })
}

/// An option of this type with `data`.
fn option(option_type: u8, data: &[u8]) -> Vec<u8> {
    [&[option_type, data.len() as u8], data].concat()
}

fn number(number: u16) -> NonZeroU16 {
    NonZeroU16::new(number).expect("not zero")
}

fn range<T: Copy + Ord>(start: T, end: T) -> ValueRange<T> {
    ValueRange::new(start, end).expect("in order")
}

fn flow() -> FlowIdentification {
    FlowIdentification::new(number(0x0102), number(0x0304))
}

/// The fixed part of [`flow`] in an option with `length` octets of data.
const fn flow_head(length: u8) -> [u8; 8] {
    [45, length, 1, 2, 3, 4, 0, 0]
}

fn dscp(number: u8) -> Dscp {
    Dscp::new(number).expect("six bits")
}

fn full_ipv4() -> Ipv4TrafficSelector {
    Ipv4TrafficSelector::new()
        .with_source_address(range([192, 0, 2, 1].into(), [192, 0, 2, 9].into()))
        .with_destination_address(range([10, 0, 0, 1].into(), [10, 0, 0, 2].into()))
        .with_spi(range(0x0100_0000, 0x0100_00ff))
        .with_source_port(range(0x1000, 0x1fff))
        .with_destination_port(range(0x2000, 0x2fff))
        .with_dscp(range(dscp(10), dscp(46)))
        .with_protocol(range(6, 17))
}

/// RFC 6088 figure 1 with all fields.
#[rustfmt::skip]
const FULL_IPV4: [u8; 40] = [
    0xff, 0xfc, 0, 0,
    192, 0, 2, 1, 192, 0, 2, 9,
    10, 0, 0, 1, 10, 0, 0, 2,
    1, 0, 0, 0, 1, 0, 0, 0xff,
    0x10, 0, 0x1f, 0xff,
    0x20, 0, 0x2f, 0xff,
    0x28, 0xb8, 6, 17,
];

fn full_ipv6() -> Ipv6TrafficSelector {
    let label = |number| FlowLabel::new(number).expect("twenty bits");
    let last = |octet: u16| Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, octet);
    Ipv6TrafficSelector::new()
        .with_source_address(range(last(1), last(2)))
        .with_destination_address(range(last(3), last(4)))
        .with_spi(range(5, 6))
        .with_flow_label(range(label(7), label(0xf_ffff)))
        .with_source_port(range(0x1000, 0x1fff))
        .with_destination_port(range(0x2000, 0x2fff))
        .with_dscp(range(dscp(0), dscp(63)))
        .with_next_header(range(6, 17))
}

/// RFC 6088 figure 2 with all fields.
#[rustfmt::skip]
const FULL_IPV6: [u8; 96] = [
    0xff, 0xff, 0, 0,
    0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
    0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2,
    0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3,
    0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4,
    0, 0, 0, 5, 0, 0, 0, 6,
    0, 0, 0, 7, 0, 0x0f, 0xff, 0xff,
    0x10, 0, 0x1f, 0xff,
    0x20, 0, 0x2f, 0xff,
    0, 0xfc, 6, 17,
];

fn ani(sub_option: AniSubOption) -> AccessNetworkIdentifier {
    AccessNetworkIdentifier::new(sub_option).expect("fits")
}

fn qos() -> QualityOfService {
    QualityOfService::new(7, dscp(46), QosOperation::Allocate)
}
