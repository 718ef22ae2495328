//! What stands in a Proxy Binding Acknowledgement (RFC 5213 section 5.3.6).
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at what it did not expect"
)]

mod common;

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use common::{Bench, Pbu, SECOND};
use pmip_binding::testing::{LMA_ADDRESS, lma_config};
use pmip_binding::{Carrier, Input, Output, Transmit};
use pmip_wire::types::IpPrefix;
use pmip_wire::udp::CONTROL_PORT;
use pmip_wire::{
    BindingAckFlags, BindingAcknowledgement, ChecksumContext, Message, MobilityOption, OptionType,
    Timestamp,
};

const MN: &str = "mn@example.com";

fn link_local(text: &str) -> MobilityOption {
    MobilityOption::LinkLocalAddress(text.parse().unwrap())
}

fn has(answer: &BindingAcknowledgement, option_type: OptionType) -> bool {
    let mut options = answer.options.iter();
    options.any(|option| option.option_type() == option_type)
}

/// What the anchor sends on this PBU, with its addresses.
fn transmit(bench: &mut Bench, pbu: &Pbu, carrier: Carrier, destination: IpAddr) -> Transmit {
    let mut datagram = pbu.datagram();
    datagram.carrier = carrier;
    datagram.destination = SocketAddr::new(destination, CONTROL_PORT);
    if carrier == Carrier::Ipv6 {
        let context = ChecksumContext::Udp;
        let message = Message::decode(&datagram.payload, context).unwrap();
        let (from, to) = (datagram.source.ip(), destination);
        let (IpAddr::V6(source), IpAddr::V6(destination)) = (from, to) else {
            unreachable!()
        };
        let context = ChecksumContext::Ipv6 {
            source,
            destination,
        };
        datagram.payload = message.to_bytes(context);
    }
    bench
        .lma
        .handle_input(bench.now, Input::Signalling(datagram));
    loop {
        match bench.lma.poll_output() {
            Output::Transmit(transmit) => return transmit,
            Output::Timeout(_) => panic!("no answer"),
            _ => {}
        }
    }
}

#[test]
fn an_acceptance_echoes_the_options_of_the_request() {
    let mut bench = Bench::new(lma_config());
    let now = bench.timestamp();
    let pbu = Pbu::new(MN, 7).with(now).with(link_local("fe80::7"));
    let answer = bench.send(&pbu).unwrap();
    assert_eq!(answer.status.code(), 0);
    assert_eq!(answer.sequence.0, 7);
    assert!(answer.flags.contains(BindingAckFlags::PROXY));
    let identifier = answer.options.mn_identifier().unwrap();
    assert_eq!(*identifier.identifier(), MN.as_bytes());
    assert_eq!(answer.options.handoff_indicator().unwrap().code(), 1);
    assert_eq!(answer.options.access_technology_type().unwrap().code(), 3);
    assert_eq!(answer.options.timestamp(), Some(now));
    let link_layer = |options: &[MobilityOption]| {
        let mut options = options.iter();
        options
            .find(|option| option.option_type() == OptionType::LinkLayerIdentifier)
            .cloned()
    };
    let asked = link_layer(&pbu.options);
    assert!(asked.is_some());
    assert_eq!(link_layer(&answer.options.to_vec()), asked);
    let held: Vec<_> = bench.binding().home_prefixes;
    let told = answer.options.home_network_prefixes();
    let told: Vec<_> = told
        .map(|p| IpPrefix::new(p.prefix().into(), 64).unwrap())
        .collect();
    assert_eq!((told.len(), told), (1, held));
}

#[test]
fn what_was_not_asked_is_not_answered() {
    let mut bench = Bench::new(lma_config());
    let absent = [
        OptionType::Timestamp,
        OptionType::LinkLayerIdentifier,
        OptionType::LinkLocalAddress,
    ];
    let mut pbu = Pbu::new(MN, 1).without(OptionType::LinkLayerIdentifier);
    for status in [0, 161] {
        let answer = bench.send(&pbu).unwrap();
        assert_eq!(answer.status.code(), status);
        for option_type in absent {
            assert!(!has(&answer, option_type), "{option_type:?} of {status}");
        }
        pbu.sequence = 2;
        pbu = pbu.without(OptionType::HandoffIndicator);
    }
}

#[test]
fn a_refusal_has_the_prefixes_of_the_request_and_zeros_for_what_was_missing() {
    let mut bench = Bench::new(lma_config());
    let none = Pbu::new(MN, 1)
        .without(OptionType::HomeNetworkPrefix)
        .without(OptionType::HandoffIndicator)
        .without(OptionType::AccessTechnologyType)
        .with(link_local("fe80::9"));
    let answer = bench.send(&none).unwrap();
    assert_eq!(answer.status.code(), 158);
    let prefixes: Vec<_> = answer.options.home_network_prefixes().collect();
    assert_eq!(prefixes.len(), 1);
    assert_eq!(prefixes[0], pmip_wire::HomeNetworkPrefix::ALL_ZERO);
    assert_eq!(answer.options.handoff_indicator().unwrap().code(), 0);
    assert_eq!(answer.options.access_technology_type().unwrap().code(), 0);
    let asked: Ipv6Addr = "fe80::9".parse().unwrap();
    assert_eq!(answer.options.link_local_address(), Some(asked));
    let zero = Pbu::new(MN, 1).with(link_local("::"));
    let answer = bench
        .send(&zero.without(OptionType::HandoffIndicator))
        .unwrap();
    assert_eq!(answer.status.code(), 161);
    let told = answer.options.link_local_address();
    assert_eq!(told, Some(Ipv6Addr::UNSPECIFIED), "nothing is made up");
}

#[test]
fn a_link_local_address_that_is_asked_for_is_made_once_and_stays() {
    let mut bench = Bench::new(lma_config());
    let ask = |sequence: u16| Pbu::new(MN, sequence).with(link_local("::"));
    let told = |answer: BindingAcknowledgement| answer.options.link_local_address().unwrap();
    let first = told(bench.send(&ask(1)).unwrap());
    assert_eq!(first.segments()[..4], [0xfe80, 0, 0, 0]);
    assert_ne!(first, Ipv6Addr::from_bits(0xfe80 << 112));
    assert_eq!(told(bench.send(&ask(2).handoff(5)).unwrap()), first);
    let elsewhere = ask(3).handoff(3).from(pmip_binding::testing::address(8, 1));
    assert_eq!(told(bench.send(&elsewhere).unwrap()), first, "a handoff");
    let other = Pbu::new("other@example.com", 1).with(link_local("::"));
    assert_ne!(told(bench.send(&other).unwrap()), first);
}

#[test]
fn a_link_local_address_that_is_told_is_kept() {
    let mut bench = Bench::new(lma_config());
    let own: Ipv6Addr = "fe80::1234".parse().unwrap();
    let told = |answer: BindingAcknowledgement| answer.options.link_local_address();
    let tell = Pbu::new(MN, 1).with(link_local("fe80::1234"));
    assert_eq!(told(bench.send(&tell).unwrap()), Some(own));
    let ask = Pbu::new(MN, 2).handoff(5).with(link_local("::"));
    assert_eq!(told(bench.send(&ask).unwrap()), Some(own));
    let change = Pbu::new(MN, 3).handoff(5).with(link_local("fe80::5"));
    let changed: Ipv6Addr = "fe80::5".parse().unwrap();
    assert_eq!(told(bench.send(&change).unwrap()), Some(changed));
    let ask = Pbu::new(MN, 4).handoff(5).with(link_local("::"));
    assert_eq!(told(bench.send(&ask).unwrap()), Some(changed));
}

/// Also RFC 5844 section 4.1.3.2: over IPv4 the checksum is that of UDP.
#[test]
fn it_goes_back_from_where_the_request_came_to() {
    let mut bench = Bench::new(lma_config());
    let pbu = Pbu::new(MN, 1);
    let ours = IpAddr::from(LMA_ADDRESS);
    let sent = transmit(&mut bench, &pbu, Carrier::Udp, ours);
    assert_eq!(sent.source, SocketAddr::new(ours, CONTROL_PORT));
    assert_eq!(sent.destination, pbu.source);
    assert_eq!(sent.payload[4..6], [0, 0], "no checksum of its own");

    let mut config = lma_config();
    let own: Ipv6Addr = "2001:db8::1".parse().unwrap();
    config.ipv6_address = Some(own);
    let mut bench = Bench::new(config);
    let care_of: IpAddr = "2001:db8:a::1".parse().unwrap();
    let mut pbu = Pbu::new(MN, 1);
    pbu.source = SocketAddr::new(care_of, CONTROL_PORT);
    pbu.force_udp = false;
    let sent = transmit(&mut bench, &pbu, Carrier::Ipv6, own.into());
    assert_eq!(sent.carrier, Carrier::Ipv6);
    assert_eq!(sent.source.ip(), IpAddr::from(own));
    assert_eq!(sent.destination.ip(), care_of);
}

#[test]
fn a_right_timestamp_comes_back_and_a_wrong_one_does_not() {
    let mut bench = Bench::new(lma_config());
    let now = bench.timestamp();
    let late = Timestamp::from_unix(now.as_unix() - 60 * SECOND);
    let answer = bench.send(&Pbu::new(MN, 1).with(late)).unwrap();
    assert_eq!(answer.status.code(), 156);
    assert_eq!(answer.options.timestamp(), Some(now));
    // Refused for something else, the timestamp is as it was.
    let foreign = Pbu::new("mn@example.org", 1).with(now);
    let answer = bench.send(&foreign).unwrap();
    assert_eq!(answer.status.code(), 153);
    assert_eq!(answer.options.timestamp(), Some(now));
    let lower = Timestamp::from_bits(now.to_bits() - 1);
    assert_eq!(bench.status(&Pbu::new(MN, 2).with(now)).code(), 0);
    let answer = bench.send(&Pbu::new(MN, 3).handoff(5).with(lower)).unwrap();
    assert_eq!(answer.status.code(), 157);
    assert_eq!(answer.options.timestamp(), Some(bench.timestamp()));
}

/// MobileNodeGeneratedTimestampInUse: the clock of the mobile node need not be ours.
#[test]
fn a_mobile_nodes_timestamp_need_not_be_near_our_clock() {
    let mut config = lma_config();
    config.mobile_node_timestamps = true;
    let mut bench = Bench::new(config);
    let far = Timestamp::from_unix(100 * SECOND);
    let answer = bench.send(&Pbu::new(MN, 1).with(far)).unwrap();
    assert_eq!(answer.status.code(), 0);
    assert_eq!(answer.options.timestamp(), Some(far));
    let lower = Timestamp::from_unix(99 * SECOND);
    let refresh = Pbu::new(MN, 2).handoff(5).with(lower);
    assert_eq!(bench.status(&refresh).code(), 157, "order still counts");
}
