//! Old open implementations bend the rules. Each bend is refused by its own name, and taken from a
//! peer whose profile names it, counted.
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at what it did not expect"
)]

mod common;

use std::net::IpAddr;

use bytes::Bytes;
use common::{Bench, Pbu, datagram};
use pmip_binding::config::{MagPeer, Tolerance};
use pmip_binding::testing::{LMA_ADDRESS, UNIX_START, address, control, lma_config, mag_config};
use pmip_binding::{
    BindingState, Carrier, ClockAnchor, Datagram, DropReason, Input, InterfaceChange,
    InterfaceState, Mag, Output, Stats,
};
use pmip_wire::types::Instant;
use pmip_wire::{
    AccessTechnologyType, BindingAckFlags, BindingAcknowledgement, ChecksumContext,
    HomeNetworkPrefix, Message, MnIdSubtype, MobileNodeIdentifier, MobilityOption, MobilityOptions,
    Status,
};

const MN: &str = "mn1@example.com";
const UDP: ChecksumContext = ChecksumContext::Udp;

/// An anchor that knows one gateway, by its address, with these tolerances.
fn anchor(lenient: &[Tolerance]) -> Bench {
    let mut config = lma_config();
    config.dynamic_mag_learning = false;
    let mut peer = MagPeer::new("mag9");
    peer.addresses = vec![address(9, 1)];
    peer.lenient = lenient.to_vec();
    config.peers = vec![peer];
    Bench::new(config)
}

fn dropped(stats: &Stats, reason: DropReason) -> u64 {
    stats.dropped.get(&reason).copied().unwrap_or(0)
}

fn tolerated(stats: &Stats) -> Vec<(Tolerance, u64)> {
    stats.tolerated.iter().map(|(t, n)| (*t, *n)).collect()
}

#[test]
fn an_update_without_the_home_registration_flag() {
    let mut pbu = Pbu::new(MN, 1);
    pbu.no_home_registration = true;
    let mut strict = anchor(&[]);
    assert!(strict.send(&pbu).is_none());
    assert_eq!(
        dropped(strict.lma.stats(), DropReason::NoHomeRegistration),
        1
    );
    let mut lenient = anchor(&[Tolerance::NoHomeRegistration]);
    assert_eq!(lenient.status(&pbu).code(), 0);
    let stats = lenient.lma.stats();
    assert_eq!(tolerated(stats), [(Tolerance::NoHomeRegistration, 1)]);
}

#[test]
fn access_technology_zero() {
    let pbu = Pbu::new(MN, 1).replacing(AccessTechnologyType::from_code(0));
    assert_eq!(anchor(&[]).status(&pbu).code(), 162);
    let mut lenient = anchor(&[Tolerance::AccessTechnologyZero]);
    let answer = lenient.send(&pbu).unwrap();
    assert_eq!(answer.status.code(), 0);
    assert_eq!(answer.options.access_technology_type().unwrap().code(), 0);
    let stats = lenient.lma.stats();
    assert_eq!(tolerated(stats), [(Tolerance::AccessTechnologyZero, 1)]);
}

#[test]
fn an_identifier_with_other_octets_behind_it() {
    let mut padded = MN.as_bytes().to_vec();
    padded.extend([0, 0, 7]);
    let id = MobileNodeIdentifier::new(MnIdSubtype::Nai, Bytes::from(padded)).unwrap();
    let pbu = Pbu::new(MN, 1).replacing(id);
    assert_eq!(
        anchor(&[]).status(&pbu).code(),
        153,
        "nobody is called that"
    );
    let mut lenient = anchor(&[Tolerance::PaddedMnId]);
    assert_eq!(lenient.status(&pbu).code(), 0);
    assert_eq!(lenient.binding().mn_id, MN);
}

#[test]
fn a_host_prefix_for_the_network_around_it() {
    let register = |bench: &mut Bench| {
        assert_eq!(bench.status(&Pbu::new(MN, 1)).code(), 0);
        let held = bench.binding().home_prefixes[0];
        let IpAddr::V6(network) = held.address() else {
            panic!("an IPv6 prefix");
        };
        let host = HomeNetworkPrefix::new(network, 128).unwrap();
        Pbu::new(MN, 2).handoff(5).replacing(host)
    };
    let mut strict = anchor(&[]);
    let pbu = register(&mut strict);
    assert_ne!(strict.status(&pbu).code(), 0);
    let mut lenient = anchor(&[Tolerance::HostPrefix]);
    let pbu = register(&mut lenient);
    assert_eq!(lenient.status(&pbu).code(), 0);
    assert_eq!(lenient.binding().home_prefixes[0].length(), 64);
}

#[test]
fn a_last_option_that_the_end_of_the_header_cuts_off() {
    let mut payload = Pbu::new(MN, 1).datagram().payload.to_vec();
    // Eight octets more, in which a Timestamp option has no room.
    payload.extend([1, 0, 1, 0, 27, 8, 0, 0]);
    payload[1] += 1;
    let send = |bench: &mut Bench| {
        let payload = payload.clone().into();
        let datagram = datagram(control(address(9, 1)), payload);
        bench.give(Input::Signalling(datagram)).len()
    };
    let mut strict = anchor(&[]);
    assert_eq!(send(&mut strict), 0);
    assert_eq!(dropped(strict.lma.stats(), DropReason::Malformed), 1);
    let mut lenient = anchor(&[Tolerance::LastOptionCut]);
    assert!(send(&mut lenient) > 0);
    assert_eq!(lenient.binding().mn_id, MN);
    let stats = lenient.lma.stats();
    assert_eq!(tolerated(stats), [(Tolerance::LastOptionCut, 1)]);
}

/// One peer's profile says nothing about another.
#[test]
fn a_tolerance_is_for_its_peer_alone() {
    let mut bench = anchor(&[Tolerance::LastOptionCut, Tolerance::NoHomeRegistration]);
    let mut pbu = Pbu::new(MN, 1).from(address(8, 1));
    pbu.no_home_registration = true;
    assert!(bench.send(&pbu).is_none());
    let mut payload = pbu.datagram().payload.to_vec();
    payload.extend([1, 0, 1, 0, 27, 8, 0, 0]);
    payload[1] += 1;
    let stranger = datagram(control(address(8, 1)), payload.into());
    assert!(bench.give(Input::Signalling(stranger)).is_empty());
    assert!(bench.lma.stats().tolerated.is_empty());
}

#[test]
fn runs_of_pad1_need_no_tolerance() {
    let mut payload = Pbu::new(MN, 1).datagram().payload.to_vec();
    payload.extend([0; 16]);
    payload[1] += 2;
    let mut bench = anchor(&[]);
    bench.give(Input::Signalling(datagram(
        control(address(9, 1)),
        payload.into(),
    )));
    assert_eq!(bench.binding().mn_id, MN);
}

/// A gateway whose anchor answers by `change`d acknowledgements; whether it is registered.
fn answered(lenient: &[Tolerance], change: impl Fn(&mut BindingAcknowledgement)) -> Mag {
    let mut config = mag_config(1, 1);
    config.multipath = false;
    config.lmas[0].lenient = lenient.to_vec();
    let clock = ClockAnchor {
        instant: Instant::ZERO,
        unix: UNIX_START,
    };
    let now = Instant::from_secs(1);
    let mut mag = Mag::new(config, [3; 32], clock, Instant::ZERO).unwrap();
    let state = InterfaceState::Up(address(1, 1));
    let binding_id = 1;
    mag.handle_input(now, Input::Interface(InterfaceChange { binding_id, state }));
    let sent = loop {
        match mag.poll_output() {
            Output::Transmit(transmit) => break transmit,
            Output::Timeout(_) => panic!("a PBU"),
            _ => {}
        }
    };
    let Message::BindingUpdate(update) = Message::decode(&sent.payload, UDP).unwrap() else {
        panic!("a PBU");
    };
    let mut answer = BindingAcknowledgement {
        status: Status::from_code(0),
        flags: BindingAckFlags::PROXY,
        sequence: update.sequence,
        lifetime: update.lifetime,
        options: update.options,
    };
    change(&mut answer);
    mag.handle_input(
        now,
        Input::Signalling(Datagram {
            carrier: Carrier::Udp,
            source: control(LMA_ADDRESS.into()),
            destination: control(address(1, 1)),
            payload: Message::from(answer).to_bytes(UDP),
            vrf: pmip_binding::VrfId::DEFAULT,
        }),
    );
    mag
}

fn is_registered(mag: &Mag) -> bool {
    let binding = mag.bindings(Instant::from_secs(1)).next().unwrap();
    binding.state == BindingState::Active
}

fn replace(answer: &mut BindingAcknowledgement, option: impl Into<MobilityOption>) {
    let option = option.into();
    let mut options: Vec<MobilityOption> = answer.options.to_vec();
    options.retain(|other| other.option_type() != option.option_type());
    options.push(option);
    answer.options = MobilityOptions::try_from(options).unwrap();
}

#[test]
fn an_acknowledgement_without_the_proxy_flag() {
    let bare = |answer: &mut BindingAcknowledgement| answer.flags = BindingAckFlags::empty();
    let strict = answered(&[], bare);
    assert!(!is_registered(&strict));
    assert_eq!(dropped(strict.stats(), DropReason::NoProxyFlag), 1);
    let lenient = answered(&[Tolerance::NoProxyFlag], bare);
    assert!(is_registered(&lenient));
    assert_eq!(tolerated(lenient.stats()), [(Tolerance::NoProxyFlag, 1)]);
}

#[test]
fn an_acknowledgement_whose_identifier_and_prefix_are_off() {
    let bend = |answer: &mut BindingAcknowledgement| {
        let padded = Bytes::from_static(b"lmn1@example.com\0\0\0");
        let id = MobileNodeIdentifier::new(MnIdSubtype::Nai, padded).unwrap();
        replace(answer, id);
        let host = HomeNetworkPrefix::new("2001:db8:5::".parse().unwrap(), 128).unwrap();
        replace(answer, host);
    };
    assert!(!is_registered(&answered(&[], bend)));
    let both = [Tolerance::PaddedMnId, Tolerance::HostPrefix];
    let lenient = answered(&both, bend);
    let binding = lenient.bindings(Instant::from_secs(1)).next().unwrap();
    assert_eq!(binding.home_prefixes[0].to_string(), "2001:db8:5::/64");
    assert_eq!(tolerated(lenient.stats()).len(), 2);
}
