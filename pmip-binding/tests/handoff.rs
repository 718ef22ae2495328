//! A mobile node moves between gateways and keeps its address (RFC 5213 section 5.3.4).
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at what it did not expect"
)]

mod common;

use std::time::Duration;

use bytes::Bytes;
use common::{SECOND, link};
use pmip_binding::testing::{Node, World, address, lma_config, mag_config};
use pmip_binding::{Attachment, Input, MobileNode};

const MN: &str = "walker@example.com";

fn world() -> World {
    let mut config = lma_config();
    // Told or asked by revocation is another story.
    config.revocation.on_handoff = false;
    let mut world = World::new(config, 1);
    for index in 1..=2 {
        let mut config = mag_config(index, 1);
        config.logical_mobile_nodes.clear();
        config.multipath = false;
        world.add_mag(config, &[address(index, 1)], &link(10));
    }
    world.all_up();
    world
}

fn attach(world: &mut World, mag: usize, handoff: u8) {
    let mut node = MobileNode::new(MN);
    node.handoff_indicator = handoff;
    node.link_layer_identifier = Some(Bytes::from_static(&[2, 0, 0, 0, 0, 5]));
    let input = Input::Attachment(Attachment::Attach(node));
    world.input(Node::Mag(mag), input);
}

fn detach(world: &mut World, mag: usize) {
    let nai = MN.to_owned();
    world.input(
        Node::Mag(mag),
        Input::Attachment(Attachment::Detach { nai }),
    );
}

#[test]
fn the_address_is_kept_and_the_route_moves() {
    let mut world = world();
    attach(&mut world, 0, 1);
    world.run_until_idle(SECOND);
    let before = common::lma_binding(&world);
    attach(&mut world, 1, 3);
    world.run_until_idle(SECOND);
    let after = common::lma_binding(&world);
    assert_eq!(before.session, after.session);
    assert_eq!(before.home_prefixes, after.home_prefixes);
    assert_eq!(before.ipv4_home, after.ipv4_home);
    assert_eq!(world.lma.stats().handoffs, 1);
    assert_eq!(world.lma.paths().next().unwrap().care_of, address(2, 1));
    assert_eq!(world.mag_tables[1].sessions.len(), 1);
}

#[test]
fn the_old_gateways_late_deregistration_is_ignored() {
    let mut world = world();
    attach(&mut world, 0, 1);
    world.run_until_idle(SECOND);
    attach(&mut world, 1, 3);
    world.run_until_idle(SECOND);
    detach(&mut world, 0);
    world.run_for(20 * SECOND);
    let binding = common::lma_binding(&world);
    assert_eq!(binding.state, pmip_binding::BindingState::Active);
    assert_eq!(world.lma_tables.sessions.len(), 1);
    assert!(world.mags[0].bindings(world.now).next().is_none());
}

#[test]
fn with_unknown_handoff_state_the_anchor_waits_for_the_old_gateway() {
    let mut world = world();
    // Another interface of the same mobile node, so that nothing but its name is known.
    attach(&mut world, 0, 1);
    world.run_until_idle(SECOND);
    let before = common::lma_binding(&world);
    let mut node = MobileNode::new(MN);
    node.link_layer_identifier = Some(Bytes::from_static(&[2, 0, 0, 0, 0, 6]));
    world.input(Node::Mag(1), Input::Attachment(Attachment::Attach(node)));
    world.run_for(Duration::from_millis(300));
    assert!(
        world.mag_tables[1].sessions.is_empty(),
        "it is not answered yet"
    );
    detach(&mut world, 0);
    world.run_for(Duration::from_millis(300));
    let after = common::lma_binding(&world);
    assert_eq!(before.session, after.session);
    assert_eq!(before.home_prefixes, after.home_prefixes);
    assert_eq!(world.mag_tables[1].sessions.len(), 1);
}

#[test]
fn without_a_deregistration_it_becomes_a_second_session_after_the_wait() {
    let mut world = world();
    attach(&mut world, 0, 1);
    world.run_until_idle(SECOND);
    let mut node = MobileNode::new(MN);
    node.link_layer_identifier = Some(Bytes::from_static(&[2, 0, 0, 0, 0, 6]));
    world.input(Node::Mag(1), Input::Attachment(Attachment::Attach(node)));
    world.run_for(Duration::from_millis(1400));
    assert_eq!(world.lma.bindings(world.now).count(), 1);
    world.run_for(Duration::from_millis(300));
    assert_eq!(world.lma.bindings(world.now).count(), 2);
    world.run_until_idle(5 * SECOND);
    assert_eq!(world.mag_tables[1].sessions.len(), 1);
}

#[test]
fn who_leaves_before_the_registration_is_answered_is_deregistered() {
    let mut world = world();
    attach(&mut world, 0, 1);
    world.run_for(Duration::from_millis(15));
    assert_eq!(world.lma.bindings(world.now).count(), 1);
    assert!(world.mag_tables[0].sessions.is_empty(), "not answered yet");
    detach(&mut world, 0);
    world.run_for(15 * SECOND);
    assert_eq!(
        world.lma.bindings(world.now).count(),
        0,
        "it would draw the node's packets for an hour\n{}",
        world.tail()
    );
}
