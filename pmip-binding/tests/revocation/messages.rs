//! Hostile and odd messages, and their octets.

use std::net::IpAddr;
use std::time::Duration;

use super::{NAI, answered, ask_anchor, dropped, revocations, revoke, session};
use crate::common::{
    self, Bench, Pbu, SECOND, downlink, lma_binding, mag_binding, registered, uplink,
};
use pmip_binding::testing::{
    LMA_ADDRESS, Loss, Node, World, address, control, lma_config, mag_config,
};
use pmip_binding::{BindingState, Command, DropReason, Input, RevocationEvent};
use pmip_wire::{
    BindingError, BindingRevocationAcknowledgement, BindingRevocationFlags,
    BindingRevocationIndication, BindingRevocationStatus as Status, ChecksumContext,
    HomeNetworkPrefix, Message, MobileNodeIdentifier, MobilityOption, MobilityOptions,
    RevocationTrigger as Trigger, SequenceNumber,
};

fn indication(trigger: Trigger, flags: u16, options: Vec<MobilityOption>) -> Message {
    Message::BindingRevocationIndication(BindingRevocationIndication {
        trigger,
        sequence: SequenceNumber(7),
        flags: BindingRevocationFlags::from_bits_retain(flags),
        options: MobilityOptions::try_from(options).unwrap(),
    })
}

fn mn(name: &str) -> MobilityOption {
    MobileNodeIdentifier::nai(name).unwrap().into()
}

const P: u16 = 0x8000;
const G: u16 = 0x2000;
const V: u16 = 0x4000;

/// The gateway's answer to a message from this address.
fn ask_gateway(world: &mut World, from: IpAddr, message: &Message) -> Option<Status> {
    world.record();
    let payload = message.to_bytes(ChecksumContext::Udp);
    let mut datagram = common::datagram(control(from), payload);
    datagram.destination = control(address(1, 1));
    let before = revocations(world, Node::Mag(0)).len();
    world.input(Node::Mag(0), Input::Signalling(datagram));
    let events = revocations(world, Node::Mag(0));
    events.get(before).map(|event| match event {
        RevocationEvent::Received { status, .. } => *status,
        other => panic!("{other:?}"),
    })
}

#[test]
fn a_gateway_answers_each_mistake_with_its_status() {
    let cases = [
        (indication(Trigger::from_code(9), P, vec![mn(NAI)]), 133),
        (indication(Trigger::PerPeerPolicy, P, vec![mn(NAI)]), 134),
        (
            indication(Trigger::AdministrativeReason, P | G, vec![mn(NAI)]),
            134,
        ),
        (
            indication(Trigger::PerPeerPolicy, P | G, vec![mn(NAI)]),
            134,
        ),
        (indication(Trigger::from_code(129), P | G, vec![]), 131),
        (
            indication(Trigger::from_code(129), P | G, vec![mn("@example.org")]),
            131,
        ),
        (
            indication(Trigger::from_code(129), P | G, vec![mn(NAI)]),
            131,
        ),
        (
            indication(Trigger::AdministrativeReason, 0, vec![mn(NAI)]),
            128,
        ),
        (indication(Trigger::AdministrativeReason, P, vec![]), 128),
        (
            indication(Trigger::AdministrativeReason, P, vec![mn("x@example.com")]),
            128,
        ),
        (
            indication(Trigger::AdministrativeReason, P | V, vec![mn(NAI)]),
            129,
        ),
        (
            indication(Trigger::InterMagHandoverUnknown, P, vec![mn(NAI)]),
            132,
        ),
        (
            indication(
                Trigger::AdministrativeReason,
                P,
                vec![
                    mn(NAI),
                    HomeNetworkPrefix::new("2001:db8:ffff::".parse().unwrap(), 64)
                        .unwrap()
                        .into(),
                ],
            ),
            128,
        ),
    ];
    let mut world = registered(1);
    for (message, status) in cases {
        let given = ask_gateway(&mut world, LMA_ADDRESS.into(), &message);
        assert_eq!(given, Some(Status::from_code(status)), "{message:?}");
        assert_eq!(uplink(&world), [1], "{message:?}");
    }
}

#[test]
fn a_prefix_that_is_gone_already_makes_it_a_partial_success() {
    let mut world = registered(1);
    let held = mag_binding(&world).home_prefixes[0];
    let IpAddr::V6(held) = held.address() else {
        unreachable!()
    };
    let prefixes = [held, "2001:db8:ffff::".parse().unwrap()];
    let mut options = vec![mn(NAI)];
    options.extend(prefixes.map(|prefix| HomeNetworkPrefix::new(prefix, 64).unwrap().into()));
    let message = indication(Trigger::AdministrativeReason, P, options);
    let given = ask_gateway(&mut world, LMA_ADDRESS.into(), &message);
    assert_eq!(given, Some(Status::PartialSuccess));
    assert_eq!(uplink(&world), [0u8; 0]);
}

#[test]
fn nobody_but_an_anchor_revokes_at_a_gateway() {
    let mut world = registered(1);
    let message = indication(Trigger::PerPeerPolicy, P | G, vec![]);
    let stranger = IpAddr::from([203, 0, 113, 66]);
    assert_eq!(ask_gateway(&mut world, stranger, &message), None);
    assert_eq!(dropped(&world, Node::Mag(0), DropReason::UnknownPeer), 1);
    assert_eq!(uplink(&world), [1]);
}

#[test]
fn the_answer_has_the_octets_of_the_figure() {
    let mut bench = Bench::new(lma_config());
    let pbu = Pbu::new("a@example.com", 1);
    assert!(bench.send(&pbu).unwrap().status.code() < 128);
    let message = indication(Trigger::AdministrativeReason, P, vec![mn("a@example.com")]);
    let answer = ask_anchor(&mut bench, pbu.source.ip(), &message).unwrap();
    // Header: no next header, 2 * 8 - 8 octets follow, type 16; B.R. Type 2, status 0; sequence
    // number 7, flag P; four octets of padding.
    let expected = [59, 1, 16, 0, 0, 0, 2, 0, 0, 7, 0x80, 0, 1, 2, 0, 0];
    assert_eq!(answer.as_ref(), expected);
    assert_eq!(bench.lma.bindings(bench.now).count(), 0);
}

#[test]
fn a_gateway_revokes_nothing_of_another_one() {
    let mut bench = Bench::new(lma_config());
    let theirs = Pbu::new("a@example.com", 1);
    let ours = Pbu::new("b@example.com", 1).from(address(9, 2));
    for pbu in [&theirs, &ours] {
        assert!(bench.send(pbu).unwrap().status.code() < 128);
    }
    let message = indication(Trigger::AdministrativeReason, P, vec![mn("a@example.com")]);
    let answer = ask_anchor(&mut bench, address(9, 2), &message).unwrap();
    assert_eq!(answer[7], 128, "Binding Does NOT Exist");
    let stranger = ask_anchor(&mut bench, address(9, 3), &message);
    assert_eq!(stranger, None, "no path, no answer");
    assert_eq!(bench.lma.bindings(bench.now).count(), 2);
}

#[test]
fn forged_answers_end_no_revocation() {
    let mut world = registered(1);
    world.black_hole(0, 1, true);
    revoke(
        &mut world,
        Node::Lma,
        session(Trigger::AdministrativeReason),
    );
    let forge = |sequence: u16| {
        let answer = BindingRevocationAcknowledgement {
            status: Status::Success,
            sequence: SequenceNumber(sequence),
            flags: BindingRevocationFlags::PROXY,
            options: MobilityOptions::new(),
        };
        Message::BindingRevocationAcknowledgement(answer).to_bytes(ChecksumContext::Udp)
    };
    // A stranger does not send from the path; somebody else's unsolicited answer fits nothing.
    for sequence in 0..=u16::MAX {
        let datagram = common::datagram(control(address(7, 7)), forge(sequence));
        world.input(Node::Lma, Input::Signalling(datagram));
    }
    assert_eq!(answered(&world, Node::Lma), []);
    let unmatched = dropped(&world, Node::Lma, DropReason::UnmatchedSequence);
    assert_eq!(unmatched, 65_536);
    let datagram = common::datagram(control(address(1, 1)), forge(1));
    world.input(Node::Mag(0), Input::Signalling(datagram));
    assert_eq!(answered(&world, Node::Mag(0)), []);
}

#[test]
fn duplicates_and_loss_leave_both_ends_of_one_mind() {
    for seed in 0..20 {
        let mut world = World::new(lma_config(), seed);
        let mut link = common::link(10);
        link.seed = u64::from(seed);
        link.loss = Loss::Random(0.3);
        link.duplicate = 0.3;
        world.add_mag(mag_config(1, 2), &[address(1, 1), address(1, 2)], &link);
        world.all_up();
        world.run_for(20 * SECOND);
        world.command(Node::Lma, Command::ClearBindings);
        world.run_for(100 * SECOND);
        world.set_links(|link| link.loss = Loss::None);
        world.run_for(100 * SECOND);
        assert_eq!(lma_binding(&world).state, BindingState::Active);
        assert_eq!(downlink(&world).len(), 2, "seed {seed}\n{}", world.tail());
        assert_eq!(uplink(&world), [1, 2], "seed {seed}\n{}", world.tail());
    }
}

#[test]
fn a_gateway_that_does_not_know_revocation_is_not_waited_for() {
    let mut bench = Bench::new(lma_config());
    let pbu = Pbu::new("a@example.com", 1);
    assert!(bench.send(&pbu).unwrap().status.code() < 128);
    let sent = bench.give(Input::Command(Command::ClearBindings));
    assert_eq!(sent[0][2], 16, "a revocation is out");
    let error = Message::BindingError(BindingError::unrecognized_mh_type());
    ask_anchor(&mut bench, pbu.source.ip(), &error);
    assert_eq!(bench.lma.bindings(bench.now).count(), 0);
    assert!(bench.send(&Pbu::new("a@example.com", 2)).is_some());
    let sent = bench.give(Input::Command(Command::ClearBindings));
    assert!(sent.is_empty(), "it is asked no more");
}

#[test]
fn over_ipv6_it_is_the_same() {
    let mut config = lma_config();
    config.ipv6_address = Some("2001:db8::1".parse().unwrap());
    let mut world = World::new(config, 1);
    let mut config = mag_config(1, 1);
    config.encapsulation = pmip_wire::types::Encapsulation::Ipv6;
    config.lmas[0].ipv6_address = Some("2001:db8::1".parse().unwrap());
    let care_of = "2001:db8:a::1".parse().unwrap();
    world.add_mag(config, &[care_of], &common::link(10));
    world.all_up();
    world.run_until_idle(SECOND);
    world.command(Node::Lma, Command::ClearBindings);
    world.run_for(Duration::from_millis(30));
    assert_eq!(answered(&world, Node::Lma), [Status::Success]);
    world.run_for(2 * SECOND);
    revoke(&mut world, Node::Mag(0), session(Trigger::Unspecified));
    world.run_for(Duration::from_millis(30));
    assert_eq!(answered(&world, Node::Mag(0)), [Status::Success]);
    assert_eq!(world.lma.bindings(world.now).count(), 0);
}
