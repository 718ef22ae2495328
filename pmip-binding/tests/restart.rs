//! A node that lost its state is found out by its Restart Counter (RFC 5847 section 3.2,
//! signalling rules section 8).
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at what it did not expect"
)]

mod common;

use common::{SECOND, downlink, lma_binding, registered, uplink};
use pmip_binding::testing::{Node, lma_config, mag_config};
use pmip_binding::{Attachment, BindingState, Event, Input, MobileNode, PathEvent};

fn restarts(world: &pmip_binding::testing::World) -> usize {
    let events = world.events.iter();
    events
        .filter(|(_, _, event)| matches!(event, Event::Path(PathEvent::PeerRestarted { .. })))
        .count()
}

#[test]
fn an_anchor_that_restarts_gets_its_bindings_back_within_an_interval() {
    let mut world = registered(2);
    world.run_for(3 * SECOND);
    let before = lma_binding(&world);
    let mut config = lma_config();
    config.restart_counter = 2;
    world.restart_lma(config, 9);
    world.run_for(2 * SECOND);
    let after = lma_binding(&world);
    assert_eq!(after.paths.len(), 2, "{}", world.tail());
    assert_eq!(
        before.delegated, after.delegated,
        "asked for again, and free"
    );
    assert_eq!(before.home_prefixes, after.home_prefixes);
    assert_eq!(before.ipv4_home, after.ipv4_home);
    assert_eq!(downlink(&world).len(), 2);
    assert_eq!(uplink(&world).len(), 2);
    assert_eq!(restarts(&world), 1, "seen on one path, it holds for both");
}

#[test]
fn a_gateway_that_restarts_takes_its_old_paths_over() {
    let mut world = registered(2);
    world.run_for(3 * SECOND);
    let before = lma_binding(&world);
    let mut config = mag_config(1, 2);
    config.restart_counter = 2;
    config.restarted = true;
    world.restart_mag(0, config, 77);
    world.interface_up(0, 1);
    world.interface_up(0, 2);
    world.run_for(3 * SECOND);
    let after = lma_binding(&world);
    assert_eq!(after.session, before.session);
    assert_eq!(after.delegated, before.delegated);
    assert_eq!(after.paths.len(), 2, "{}", world.tail());
    assert_eq!(
        after.state,
        BindingState::Active,
        "registered anew before it was noticed"
    );
}

#[test]
fn the_bindings_of_a_gateway_that_came_back_empty_stop_forwarding() {
    let mut world = registered(2);
    world.run_for(3 * SECOND);
    let mut config = mag_config(1, 2);
    config.restart_counter = 2;
    config.logical_mobile_nodes.clear();
    world.restart_mag(0, config, 77);
    world.interface_up(0, 1);
    world.interface_up(0, 2);
    world.run_for(3 * SECOND);
    assert_eq!(lma_binding(&world).state, BindingState::Disconnecting);
    assert!(world.lma_tables.sessions.is_empty());
    world.run_for(15 * SECOND);
    assert_eq!(world.lma.bindings(world.now).count(), 0);
}

#[test]
fn an_anchor_that_restarts_is_asked_at_once_for_what_it_refused_before() {
    let mut world = common::world(1);
    let mut full = lma_config();
    full.limits.bindings = 1;
    world.restart_lma(full, 9);
    world.all_up();
    world.run_for(3 * SECOND);
    let node = MobileNode::new("second@example.com");
    let input = Input::Attachment(Attachment::Attach(node));
    world.input(Node::Mag(0), input);
    world.run_for(SECOND);
    assert_eq!(world.mags[0].stats().acknowledgements.get(&130), Some(&1));
    let mut config = lma_config();
    config.restart_counter = 2;
    world.restart_lma(config, 9);
    world.run_for(2 * SECOND);
    assert_eq!(restarts(&world), 1);
    let registered = world.lma.bindings(world.now).count();
    assert_eq!(registered, 2, "not after half a minute\n{}", world.tail());
}
