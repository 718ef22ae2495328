//! The old gateway is told or asked at a handoff.

use std::time::Duration;

use super::{answered, revocations};
use crate::common::{self, Bench, Pbu, SECOND, lma_binding};
use bytes::Bytes;
use pmip_binding::testing::{Loss, Node, World, address, lma_config, mag_config};
use pmip_binding::{Attachment, Event, Input, MobileNode, RevocationEvent};
use pmip_wire::{
    BindingRevocationStatus as Status, ChecksumContext, Message, RevocationTrigger as Trigger,
};

fn walkers() -> World {
    let mut world = World::new(lma_config(), 1);
    for index in 1..=2 {
        let mut config = mag_config(index, 1);
        config.logical_mobile_nodes.clear();
        config.multipath = false;
        world.add_mag(config, &[address(index, 1)], &common::link(10));
    }
    world.all_up();
    world
}

fn attach(world: &mut World, mag: usize, handoff: u8, mac: u8) {
    let mut node = MobileNode::new("walker@example.com");
    node.handoff_indicator = handoff;
    node.link_layer_identifier = Some(Bytes::copy_from_slice(&[2, 0, 0, 0, 0, mac]));
    let input = Input::Attachment(Attachment::Attach(node));
    world.input(Node::Mag(mag), input);
}

fn detach(world: &mut World, mag: usize) {
    let nai = "walker@example.com".to_owned();
    world.input(
        Node::Mag(mag),
        Input::Attachment(Attachment::Detach { nai }),
    );
}

#[test]
fn a_gateway_that_still_sees_the_mobile_node_says_so() {
    let mut world = walkers();
    attach(&mut world, 0, 1, 5);
    world.run_until_idle(SECOND);
    attach(&mut world, 1, 3, 5);
    world.run_for(Duration::from_millis(100));
    assert_eq!(answered(&world, Node::Lma), [Status::MobileNodeIsAttached]);
    assert_eq!(world.lma.stats().handoffs, 1, "the handoff stands");
    let seen = revocations(&world, Node::Mag(0));
    let trigger = Trigger::InterMagHandoverSameAccessType;
    assert!(matches!(&seen[..], [RevocationEvent::Received { trigger: t, .. }] if *t == trigger));
}

#[test]
fn with_unknown_handoff_state_the_old_gateway_is_asked_and_its_answer_decides() {
    // It has lost its de-registration on the way, so only its answer tells.
    let mut world = walkers();
    attach(&mut world, 0, 1, 5);
    world.run_until_idle(SECOND);
    let before = lma_binding(&world);
    world.set_links(|link| link.loss = Loss::Random(1.0));
    detach(&mut world, 0);
    world.set_links(|link| link.loss = Loss::None);
    attach(&mut world, 1, 4, 6);
    world.run_for(Duration::from_millis(100));
    assert_eq!(answered(&world, Node::Lma), [Status::Success]);
    let after = lma_binding(&world);
    assert_eq!(before.session, after.session);
    assert_eq!(before.home_prefixes, after.home_prefixes);
    assert_eq!(world.mag_tables[1].sessions.len(), 1);
    assert!(world.mag_tables[0].sessions.is_empty());
}

#[test]
fn a_mobile_node_that_is_attached_twice_gets_a_second_session_without_waiting() {
    let mut world = walkers();
    attach(&mut world, 0, 1, 5);
    world.run_until_idle(SECOND);
    attach(&mut world, 1, 4, 6);
    world.run_for(Duration::from_millis(100));
    assert_eq!(answered(&world, Node::Lma), [Status::MobileNodeIsAttached]);
    assert_eq!(world.lma.bindings(world.now).count(), 2);
}

#[test]
fn an_old_gateway_that_is_silent_delays_the_second_session_by_its_retransmissions_alone() {
    let mut world = walkers();
    attach(&mut world, 0, 1, 5);
    world.run_until_idle(SECOND);
    world.black_hole(0, 1, true);
    attach(&mut world, 1, 4, 6);
    world.run_for(Duration::from_millis(2900));
    assert_eq!(world.lma.bindings(world.now).count(), 1);
    world.run_for(Duration::from_millis(200));
    assert_eq!(world.lma.bindings(world.now).count(), 2);
}

/// However many mobile nodes leave a gateway that does not answer, what is to be told waits in no
/// queue without end.
#[test]
fn what_a_silent_gateway_is_told_is_bounded() {
    const OUTSTANDING: usize = 4096;
    let mut config = lma_config();
    config.limits.updates_per_second = u32::MAX;
    config.limits.bindings = 10_000;
    config.heartbeat.rules.clear();
    config.multipath = false;
    let mut bench = Bench::new(config);
    let all = OUTSTANDING + 100;
    let is_told = |payload: &Bytes| {
        let message = Message::decode(payload, ChecksumContext::Udp).unwrap();
        matches!(message, Message::BindingRevocationIndication(_))
    };
    let mut told = 0;
    for number in 0..all {
        let nai = format!("mn{number}@example.com");
        bench.give(Input::Signalling(Pbu::new(&nai, 1).datagram()));
        let moved = Pbu::new(&nai, 2).handoff(3).from(address(9, 2));
        let sent = bench.give(Input::Signalling(moved.datagram()));
        told += sent.iter().filter(|payload| is_told(payload)).count();
    }
    assert_eq!(told, OUTSTANDING);
    let unanswered = |bench: &Bench| {
        let events = bench.events.iter();
        let over =
            |event: &&Event| matches!(event, Event::Revocation(RevocationEvent::Unanswered { .. }));
        events.filter(over).count()
    };
    assert_eq!(unanswered(&bench), all - OUTSTANDING, "said at once");
    for _ in 0..10 {
        bench.now += SECOND;
        let sent = bench.give(Input::Timeout);
        told += sent.iter().filter(|payload| is_told(payload)).count();
    }
    assert_eq!(unanswered(&bench), all);
    let times = 1 + bench.lma.config().revocation.retries as usize;
    assert_eq!(told, OUTSTANDING * times, "nobody else was told later");
}
