//! The old gateway is told or asked at a handoff.

use std::time::Duration;

use super::{answered, revocations};
use crate::common::{self, SECOND, lma_binding};
use bytes::Bytes;
use pmip_binding::testing::{Loss, Node, World, address, lma_config, mag_config};
use pmip_binding::{Attachment, Input, MobileNode, RevocationEvent};
use pmip_wire::{BindingRevocationStatus as Status, RevocationTrigger as Trigger};

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
