//! What the engines do not do, and what each RFC wants of a node like that: options are skipped,
//! flags answered by their absence, message types refused by Binding Error 2 (RFC 6275 section
//! 9.2). RFC 6610 and RFC 6611 (bootstrapping by DHCP and AAA) put nothing into our messages.
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at what it did not expect"
)]

mod common;
mod gateway;

use bytes::Bytes;
use common::{Bench, Pbu};
use gateway::{Gateway, plain_config};
use pmip_binding::testing::{LMA_ADDRESS, address, lma_config};
use pmip_binding::{BindingStatus, Carrier, Datagram, DropReason, Input};
use pmip_wire::udp::CONTROL_PORT;
use pmip_wire::{
    BindingAckFlags, BindingAcknowledgement, BindingUpdateFlags, ChecksumContext, HandoffIndicator,
    HomeNetworkPrefix, Message,
};

/// An IPv6 address in an option.
macro_rules! with_address {
    ($($octet:expr),*) => {
        &[$($octet,)* 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    };
}

/// Options by the figures of their RFCs.
const OPTIONS: &[(&str, &[u8])] = &[
    ("RFC 5949, Context Request", &[40, 4, 0, 0, 22, 0]),
    ("RFC 5949, LMA Address", &[41, 6, 2, 0, 192, 0, 2, 9]),
    (
        "RFC 5949, Link-local Address Interface Identifier",
        &[42, 10, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8],
    ),
    ("RFC 6058, Transient Binding", &[43, 2, 1, 20]),
    ("RFC 6089, Binding Identifier", &[35, 4, 0, 1, 0, 1]),
    ("RFC 6089, Flow Summary", &[44, 4, 0, 1, 1, 2]),
    ("RFC 6089, Flow Identification", &[45, 6, 0, 1, 0, 1, 0, 0]),
    (
        "RFC 6089, Flow Identification with a sub-option that is cut",
        &[45, 8, 0, 1, 0, 1, 0, 0, 5, 6],
    ),
    (
        "RFC 6602, Mobile Node Group Identifier",
        &[50, 6, 1, 0, 0, 0, 0, 9],
    ),
    ("RFC 6705, MAG IPv6 Address", with_address!(51, 18, 0, 128)),
    (
        "RFC 6909, IPv4 Traffic Offload Selector",
        &[53, 10, 0, 0, 3, 6, 1, 0, 0, 0, 0, 0],
    ),
    (
        "RFC 7028, Dynamic IP Multicast Selector",
        &[54, 8, 143, 0x80, 0, 1, 4, 0, 0, 1],
    ),
    (
        "RFC 7161, Active Multicast Subscription IPv4",
        &[56, 5, 0x16, 239, 1, 2, 3],
    ),
    (
        "RFC 7161, Active Multicast Subscription IPv6",
        with_address!(57, 21, 131, 0, 0, 0, 0),
    ),
    (
        "RFC 7222, Quality of Service",
        &[58, 14, 0, 184, 1, 0, 0, 0, 1, 6, 0, 0, 0, 0, 3, 232],
    ),
    (
        "RFC 7389, LMA User-Plane Address",
        &[59, 6, 0, 0, 192, 0, 2, 1],
    ),
    ("RFC 7411, Multicast Mobility", &[60, 1, 2, 0, 0, 0, 0, 0]),
    (
        "RFC 7411, Multicast Acknowledgement",
        &[61, 2, 0, 3, 0, 0, 0, 1, 4, 0, 0, 0],
    ),
    ("RFC 8885, Anchored Prefix", with_address!(65, 18, 0, 64)),
    ("RFC 8885, Local Prefix", with_address!(66, 18, 0, 64)),
    ("RFC 8885, Serving MAAR", with_address!(68, 16)),
    ("RFC 8885, DLIF Link-local Address", with_address!(69, 16)),
    (
        "RFC 8885, DLIF Link-layer Address",
        &[70, 8, 0, 0, 2, 0, 0, 0, 0, 1],
    ),
];

/// Message types with a body by the figure of each.
const MESSAGES: &[(&str, &[u8])] = &[
    (
        "RFC 5949, Handover Initiate",
        &[59, 1, 14, 0, 0, 0, 0, 1, 0x30, 3, 1, 4, 0, 0, 0, 0],
    ),
    (
        "RFC 5949, Handover Acknowledge",
        &[59, 1, 15, 0, 0, 0, 0, 1, 0x60, 132, 1, 4, 0, 0, 0, 0],
    ),
    (
        "RFC 6705, Localized Routing Initiation",
        &[59, 1, 17, 0, 0, 0, 0, 1, 0, 0, 1, 2, 1, 2, 0, 0],
    ),
    (
        "RFC 6705, Localized Routing Acknowledgment",
        &[59, 1, 18, 0, 0, 0, 0, 1, 0x80, 129, 1, 2, 1, 2, 0, 0],
    ),
    (
        "RFC 7109, Flow Binding Indication",
        &[59, 1, 21, 0, 0, 0, 0, 1, 0, 1, 2, 0x80, 1, 2, 0, 0],
    ),
    (
        "RFC 7161, Subscription Query",
        &[59, 0, 22, 0, 0, 0, 0xf1, 0],
    ),
    (
        "RFC 7161, Subscription Response",
        &[59, 0, 23, 0, 0, 0, 0xf1, 0x80],
    ),
];

/// Binding Error of status 2 by the figure of RFC 6275 section 6.1.9.
const BINDING_ERROR: [u8; 24] = [
    59, 2, 7, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
];

/// The message with an option behind all others, filled up with Pad1 options.
fn append(message: &[u8], option: &[u8]) -> Bytes {
    let mut octets = message.to_vec();
    octets.extend_from_slice(option);
    octets.resize(octets.len().next_multiple_of(8), 0);
    octets[1] = u8::try_from(octets.len() / 8 - 1).unwrap();
    octets.into()
}

/// A PBU, changed as octets, at a fresh anchor: the answer and the binding.
fn registered(change: impl Fn(&[u8]) -> Bytes) -> (BindingAcknowledgement, BindingStatus) {
    let mut bench = Bench::new(lma_config());
    let mut datagram = Pbu::new("mn@example.com", 1).datagram();
    datagram.payload = change(&datagram.payload);
    let sent = bench.give(Input::Signalling(datagram));
    let first = sent.first().expect("an answer");
    let Message::BindingAcknowledgement(answer) =
        Message::decode(first, ChecksumContext::Udp).unwrap()
    else {
        panic!("{sent:?}");
    };
    (answer, bench.binding())
}

/// RFC 6275 section 6.2.1: an option that is not understood is skipped.
#[test]
fn an_anchor_answers_as_if_the_option_were_not_there() {
    let plain = registered(Bytes::copy_from_slice);
    assert_eq!(plain.0.status.code(), 0);
    for (name, option) in OPTIONS {
        let with = registered(|octets| append(octets, option));
        assert_eq!(with, plain, "{name}");
    }
}

/// A gateway whose anchor answers with this option.
fn answered(option: Option<&[u8]>) -> Gateway {
    let mut gateway = Gateway::new(plain_config());
    let update = gateway.last_update();
    let answer = gateway.answer_to(&update, 0, BindingAckFlags::PROXY, []);
    let octets = answer.to_bytes(ChecksumContext::Udp);
    let octets = match option {
        Some(option) => append(&octets, option),
        None => octets,
    };
    gateway.receive_octets(octets);
    gateway
}

#[test]
fn a_gateway_takes_an_answer_as_if_the_option_were_not_there() {
    let plain = answered(None);
    let shown = |gateway: &Gateway| {
        let binding = gateway.mag.bindings(gateway.now).next().unwrap();
        let path = gateway.mag.paths().next().unwrap();
        (binding, path)
    };
    assert_eq!(shown(&plain).0.paths.len(), 1);
    for (name, option) in OPTIONS {
        let with = answered(Some(option));
        assert_eq!(shown(&with), shown(&plain), "{name}");
        assert_eq!(with.events, plain.events, "{name}");
    }
}

#[test]
fn both_engines_refuse_the_message_types_by_binding_error() {
    for (name, octets) in MESSAGES {
        let mut bench = Bench::new(lma_config());
        let source = Pbu::new("mn@example.com", 1).source;
        let datagram = common::datagram(source, Bytes::from_static(octets));
        let sent = bench.give(Input::Signalling(datagram));
        assert_eq!(sent, [&BINDING_ERROR[..]], "{name}");
        let reason = DropReason::UnexpectedMessage;
        assert_eq!(bench.lma.stats().dropped.get(&reason), Some(&1), "{name}");

        let mut gateway = Gateway::new(plain_config());
        let before = gateway.sent.len();
        gateway.receive_octets(Bytes::from_static(octets));
        assert_eq!(gateway.sent[before..], [&BINDING_ERROR[..]], "{name}");
        let dropped = &gateway.mag.stats().dropped;
        assert_eq!(dropped.get(&reason), Some(&1), "{name}");
    }
}

/// The same PBU with more flags.
fn flagged(flags: BindingUpdateFlags) -> impl Fn(&[u8]) -> Bytes {
    move |octets| {
        let mut octets = octets.to_vec();
        let [high, low] = flags.bits().to_be_bytes();
        octets[8] |= high;
        octets[9] |= low;
        octets.into()
    }
}

/// B = 0 means that no bulk group was made (RFC 6602 section 4.2), S = 0 that nothing is known of
/// multicast (RFC 7161 section 4.2.1.1).
#[test]
fn flags_of_bulk_binding_and_multicast_are_answered_by_zeros() {
    let plain = registered(Bytes::copy_from_slice);
    for flags in [
        BindingUpdateFlags::BULK,
        BindingUpdateFlags::MULTICAST_SIGNALLING,
    ] {
        let with = registered(flagged(flags));
        assert_eq!(with.0.flags, BindingAckFlags::PROXY);
        assert_eq!(with, plain);
    }
}

/// RFC 6602 section 5.1.3: an update of a whole group names no mobile node.
#[test]
fn an_update_of_a_group_is_refused_for_want_of_a_mobile_node() {
    let mut bench = Bench::new(lma_config());
    let mut datagram = Pbu::new("mn@example.com", 1)
        .without(pmip_wire::OptionType::MobileNodeIdentifier)
        .datagram();
    datagram.payload = append(&datagram.payload, &[50, 6, 1, 0, 0, 0, 0, 9]);
    let sent = bench.give(Input::Signalling(datagram));
    assert_eq!(sent[0][6], 160);
}

/// RFC 8885 sections 4.1 and 4.2: such a PBU is not processed and an error is returned, such a PBA
/// is ignored.
#[test]
fn messages_of_distributed_mobility_are_not_processed() {
    let mut bench = Bench::new(lma_config());
    let mut datagram = Pbu::new("mn@example.com", 1).datagram();
    datagram.payload = flagged(BindingUpdateFlags::DISTRIBUTED)(&datagram.payload);
    let sent = bench.give(Input::Signalling(datagram));
    assert_eq!(sent[0][6], 128);
    assert_eq!(bench.lma.bindings(bench.now).count(), 0);

    let mut gateway = Gateway::new(plain_config());
    gateway.answer_flagged(0, BindingAckFlags::PROXY | BindingAckFlags::DISTRIBUTED, []);
    let binding = gateway.mag.bindings(gateway.now).next().unwrap();
    assert!(binding.home_prefixes.is_empty());
    let dropped = &gateway.mag.stats().dropped;
    assert_eq!(dropped.get(&DropReason::UnexpectedMessage), Some(&1));
}

/// RFC 7864: the L flag of the home network prefix and handoff indicator 6 are for anchors that
/// move flows; to others the one is reserved and the other unknown.
#[test]
fn a_shared_prefix_of_flow_mobility_is_an_ordinary_one() {
    let mut bench = Bench::new(lma_config());
    let pbu = Pbu::new("mn@example.com", 1).replacing(HandoffIndicator::from_code(6));
    let answer = bench.send(&pbu).unwrap();
    assert_eq!(answer.status.code(), 0);
    assert_eq!(answer.options.handoff_indicator().unwrap().code(), 6);
    let given: Vec<HomeNetworkPrefix> = answer.options.home_network_prefixes().collect();
    assert_eq!(given.len(), 1);
    // Octet 2 of option 22 holds the flag; the address begins two octets behind.
    let with_flag = registered(|octets| {
        let mut octets = octets.to_vec();
        let place = octets.windows(2).position(|two| two == [22, 18]).unwrap();
        octets[place + 2] |= 0x80;
        octets.into()
    });
    assert_eq!(with_flag.0.status.code(), 0);
    assert_eq!(with_flag.1, registered(Bytes::copy_from_slice).1);
}

/// Signalling rules section 9: nothing but heartbeats and binding errors is looked at there.
#[test]
fn no_message_type_is_refused_inside_a_tunnel() {
    let mut gateway = Gateway::new(plain_config());
    let before = gateway.sent.len();
    for (name, octets) in MESSAGES {
        let at = |address: std::net::IpAddr| std::net::SocketAddr::new(address, CONTROL_PORT);
        gateway.give(Input::Signalling(Datagram {
            carrier: Carrier::Tunnel(pmip_wire::types::PathId(1)),
            source: at(LMA_ADDRESS.into()),
            destination: at(address(1, 1)),
            payload: Bytes::from_static(octets),
            vrf: pmip_binding::VrfId::DEFAULT,
        }));
        assert_eq!(gateway.sent.len(), before, "{name}");
    }
}
