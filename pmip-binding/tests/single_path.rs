//! With multipath off the best interface is used, and a change is a plain handoff.
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at what it did not expect"
)]

mod common;

use common::{SECOND, link, uplink};
use pmip_binding::testing::{World, address, lma_config, mag_config};

fn world() -> World {
    let mut config = mag_config(1, 2);
    config.multipath = false;
    let mut world = World::new(lma_config(), 1);
    let addresses = [address(1, 1), address(1, 2)];
    world.add_mag(config, &addresses, &link(10));
    world.all_up();
    world.run_until_idle(SECOND);
    world
}

#[test]
fn the_lowest_priority_number_is_used_alone() {
    let world = world();
    assert_eq!(uplink(&world), [1]);
    assert_eq!(common::lma_binding(&world).paths.len(), 1);
}

#[test]
fn losing_it_hands_off_to_the_next_with_the_same_addresses() {
    let mut world = world();
    let before = common::lma_binding(&world);
    world.interface_down(0, 1);
    world.run_until_idle(SECOND);
    let after = common::lma_binding(&world);
    assert_eq!(uplink(&world), [2]);
    assert_eq!(before.session, after.session);
    assert_eq!(before.delegated, after.delegated);
    assert_eq!(world.lma.paths().next().unwrap().care_of, address(1, 2));
    assert_eq!(world.lma.paths().count(), 1);
}

#[test]
fn the_better_one_is_returned_to_after_the_hold_and_not_before() {
    let mut world = world();
    world.interface_down(0, 1);
    world.run_for(5 * SECOND);
    world.interface_up(0, 1);
    world.run_for(29 * SECOND);
    assert_eq!(uplink(&world), [2]);
    world.run_for(2 * SECOND);
    assert_eq!(uplink(&world), [1]);
}

#[test]
fn a_dead_path_is_left_by_heartbeat_and_returned_to_when_it_has_been_good() {
    let mut world = world();
    world.run_for(2 * SECOND);
    world.black_hole(0, 1, true);
    world.run_for(6 * SECOND);
    assert_eq!(uplink(&world), [2], "{}", world.tail());
    world.black_hole(0, 1, false);
    world.run_for(20 * SECOND);
    assert_eq!(uplink(&world), [2], "not yet");
    world.run_for(15 * SECOND);
    assert_eq!(uplink(&world), [1]);
    assert_eq!(world.lma.bindings(world.now).count(), 1);
}

/// Without an identifier a gateway is its address to the anchor: another address is not another
/// gateway, and nobody is at the old one to be told of a handoff (RFC 5846 section 8.1).
#[test]
fn another_address_of_the_interface_is_no_handoff_to_tell_of() {
    let mut world = world();
    world.record();
    let held = common::lma_binding(&world);
    let next = address(7, 1);
    world.renumber(0, 1, next);
    world.run_for(10 * SECOND);
    let now = common::lma_binding(&world);
    assert_eq!(now.session, held.session);
    assert_eq!(now.delegated, held.delegated);
    assert_eq!(world.lma.paths().next().unwrap().care_of, next);
    let told = |line: &&String| line.contains("BindingRevocationIndication(");
    assert_eq!(world.history().iter().find(told), None);
}
