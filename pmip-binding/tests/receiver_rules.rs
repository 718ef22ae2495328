//! What a receiver drops, and what it answers to messages it cannot use (RFC 6275).
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at what it did not expect"
)]

mod common;

use std::net::{Ipv4Addr, Ipv6Addr};

use bytes::Bytes;
use common::{Bench, Pbu};
use pmip_binding::testing::lma_config;
use pmip_binding::{DropReason, Input};
use pmip_wire::MobilityOption;

/// RFC 6275 section 6.1.7: a tunnel to such an address would loop, or flood a link.
#[test]
fn a_care_of_address_that_is_no_unicast_address_is_not_answered() {
    let mut bench = Bench::new(lma_config());
    let ipv4 = |octets: [u8; 4]| MobilityOption::Ipv4CareOfAddress(Ipv4Addr::from(octets));
    let ipv6 = |text: &str| {
        let address: Ipv6Addr = text.parse().unwrap();
        MobilityOption::AlternateCareOfAddress(address)
    };
    let unroutable = [
        ipv4([224, 0, 0, 5]),
        ipv4([255, 255, 255, 255]),
        ipv4([127, 0, 0, 1]),
        ipv4([169, 254, 1, 1]),
        ipv4([0, 0, 0, 0]),
        ipv6("ff02::1"),
        ipv6("::1"),
        ipv6("fe80::1"),
        ipv6("::"),
    ];
    for (place, option) in unroutable.into_iter().enumerate() {
        let pbu = Pbu::new("mn@example.com", 1).with(option.clone());
        assert!(bench.send(&pbu).is_none(), "{option:?}");
        let dropped = bench.lma.stats().dropped.get(&DropReason::UnroutableCareOf);
        assert_eq!(dropped.copied(), Some(place as u64 + 1), "{option:?}");
    }
    assert_eq!(bench.lma.bindings(bench.now).count(), 0);

    // Behind a NAT the own address may well be a private one.
    let private = Pbu::new("mn@example.com", 1).with(ipv4([192, 168, 1, 7]));
    assert!(bench.status(&private).is_accepted());
}

/// RFC 6275 sections 9.2 and 9.3.3, the octets by the figure of section 6.1.9.
#[test]
fn a_message_of_unknown_type_is_answered_with_binding_error_2() {
    let mut bench = Bench::new(lma_config());
    let unknown = Bytes::from_static(&[59, 0, 99, 0, 0, 0, 0, 0]);
    let source = Pbu::new("mn@example.com", 1).source;
    let sent = bench.give(Input::Signalling(common::datagram(source, unknown)));
    let error = [
        59, 2, 7, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ];
    assert_eq!(sent, [&error[..]]);
}
