//! Two mobile nodes of one gateway may talk without their anchor, if both may (RFC 5213 section
//! 6.10.3).
#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod common;

use common::SECOND;
use pmip_binding::testing::{Node, World, address, lma_config, mag_config};
use pmip_binding::{Attachment, Input, MagConfig, MobileNode};

/// Whether each session's packets may go directly at the gateway; the logical node comes first.
fn may(config: MagConfig, nodes: &[Option<bool>]) -> Vec<bool> {
    let mut world = World::new(lma_config(), 1);
    world.add_mag(config, &[address(1, 1)], &common::link(10));
    world.all_up();
    for (number, policy) in nodes.iter().enumerate() {
        let mut node = MobileNode::new(format!("mn{number}@example.com"));
        node.local_routing = *policy;
        world.input(Node::Mag(0), Input::Attachment(Attachment::Attach(node)));
    }
    world.run_for(5 * SECOND);
    let sessions = world.lma_tables.sessions.values();
    assert!(
        sessions.into_iter().all(|session| !session.local_routing),
        "it is nothing that an anchor could do"
    );
    let sessions = world.mag_tables[0].sessions.values();
    sessions.map(|session| session.local_routing).collect()
}

fn config(local_routing: bool) -> MagConfig {
    let mut config = mag_config(1, 1);
    config.local_routing = local_routing;
    config
}

#[test]
fn by_default_everything_passes_the_anchor() {
    assert_eq!(may(mag_config(1, 1), &[None, None]), [false, false, false]);
}

#[test]
fn the_gateways_flag_holds_for_all_without_a_policy() {
    assert_eq!(may(config(true), &[None, None]), [true, true, true]);
}

#[test]
fn a_mobile_nodes_policy_goes_before_the_flag() {
    assert_eq!(may(config(true), &[Some(false), None]), [true, false, true]);
    assert_eq!(
        may(config(false), &[Some(true), None]),
        [false, true, false]
    );
    let mut own = config(false);
    own.logical_mobile_nodes[0].local_routing = Some(true);
    assert_eq!(may(own, &[]), [true]);
}

#[test]
fn a_flag_that_is_set_while_they_talk_is_told_to_the_forwarding_plane() {
    let mut world = World::new(lma_config(), 1);
    world.add_mag(config(false), &[address(1, 1)], &common::link(10));
    world.all_up();
    world.run_for(SECOND);
    world.mags[0].reconfigure(world.now, config(true)).unwrap();
    world.input(Node::Mag(0), Input::Timeout);
    let session = world.mag_tables[0].sessions.values().next().unwrap();
    assert!(session.local_routing);
}

#[test]
fn a_policy_that_changes_is_told_to_the_forwarding_plane() {
    let mut world = World::new(lma_config(), 1);
    let mut mag = config(true);
    mag.logical_mobile_nodes.clear();
    world.add_mag(mag, &[address(1, 1)], &common::link(10));
    world.all_up();
    let mut seen = Vec::new();
    for policy in [Some(true), Some(false), None] {
        let mut node = MobileNode::new("mn@example.com");
        node.local_routing = policy;
        world.input(Node::Mag(0), Input::Attachment(Attachment::Attach(node)));
        world.run_for(SECOND);
        let session = world.mag_tables[0].sessions.values().next().unwrap();
        seen.push(session.local_routing);
    }
    assert_eq!(seen, [true, false, true]);
}
