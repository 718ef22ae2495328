//! Behind a NAT the anchor answers where the signalling came from, and sends tunnelled packets
//! only to a mapping that was shown to it (signalling rules sections 7 and 9).
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at what it did not expect"
)]

mod common;

use std::net::{IpAddr, SocketAddr};

use common::{SECOND, downlink, lma_path, uplink, world};
use pmip_binding::testing::{Node, World};
use pmip_binding::{Carrier, Input, PathState};
use pmip_wire::udp::DATA_PORT;
use pmip_wire::{
    AccessTechnologyType, ChecksumContext, Heartbeat, MagIdentifier, MagMultipathBinding, Message,
    MobilityOptions,
};

const OUTER: [u8; 4] = [203, 0, 113, 9];

fn behind_nat() -> World {
    let mut world = world(2);
    world.set_nat(0, 1, IpAddr::from(OUTER), 40_000);
    world.all_up();
    world
}

/// A heartbeat request through the tunnel that names the gateway and its first path.
fn tunnelled(world: &mut World, source: SocketAddr) {
    let options = MobilityOptions::new()
        .with(MagMultipathBinding {
            access_technology: AccessTechnologyType::from_code(8),
            label: 11,
            binding_id: 1,
            bulk: false,
            overwrite: false,
        })
        .unwrap()
        .with(MagIdentifier::nai("mag1").unwrap())
        .unwrap();
    let beat = Heartbeat {
        options,
        ..Heartbeat::request(1)
    };
    let payload = Message::Heartbeat(beat).to_bytes(ChecksumContext::Udp);
    let mut datagram = common::datagram(source, payload);
    datagram.carrier = Carrier::UnknownTunnel;
    world.input(Node::Lma, Input::Signalling(datagram));
}

#[test]
fn a_path_behind_a_nat_carries_downlink_once_its_data_mapping_is_shown() {
    let mut world = behind_nat();
    world.run_until_idle(SECOND);
    let path = lma_path(&world, 1);
    assert!(path.nat);
    assert_eq!(path.observed, SocketAddr::from((OUTER, 40_000)));
    world.run_for(SECOND);
    let path = lma_path(&world, 1);
    assert_eq!(
        path.remote,
        SocketAddr::from((OUTER, 40_001)),
        "the data mapping"
    );
    assert_eq!(path.state, PathState::Up);
    assert_eq!(downlink(&world), [1, 2]);
    assert!(!lma_path(&world, 2).nat);
}

#[test]
fn until_then_it_carries_none() {
    let mut world = behind_nat();
    // The first answer is out at 10 ms; the request through the tunnel arrives at 30 ms.
    world.run_until(pmip_wire::types::Instant::from_millis(25));
    let path = lma_path(&world, 1);
    assert_eq!(path.state, PathState::Registering);
    assert_eq!(downlink(&world), []);
    assert_eq!(uplink(&world), [1], "the uplink needs no mapping");
}

#[test]
fn heartbeats_reach_the_gateway_through_its_mapping() {
    let mut world = behind_nat();
    world.run_for(5 * SECOND);
    assert!(lma_path(&world, 1).heartbeat.unwrap().received >= 3);
}

#[test]
fn a_forged_heartbeat_from_another_address_moves_nothing() {
    let mut world = behind_nat();
    world.run_for(2 * SECOND);
    let before = lma_path(&world, 1);
    tunnelled(&mut world, SocketAddr::from(([203, 0, 113, 66], DATA_PORT)));
    world.run_for(2 * SECOND);
    assert_eq!(lma_path(&world, 1).remote, before.remote);
}

#[test]
fn without_a_nat_even_a_heartbeat_from_the_right_address_moves_nothing() {
    let mut world = world(2);
    world.all_up();
    world.run_for(2 * SECOND);
    let before = lma_path(&world, 1);
    tunnelled(&mut world, SocketAddr::new(before.care_of, 9999));
    assert_eq!(lma_path(&world, 1).remote, before.remote);
}

#[test]
fn a_nat_that_restarts_is_healed_by_the_next_registration() {
    let mut world = behind_nat();
    world.run_for(2 * SECOND);
    world.set_nat(0, 1, IpAddr::from(OUTER), 50_000);
    // Our own heartbeats make a new mapping, but nothing unauthenticated moves the old one. The
    // gateway's requests are still answered, so only the anchor finds the path dead.
    world.run_for(10 * SECOND);
    assert_eq!(downlink(&world), [2]);
    world.interface_down(0, 1);
    world.interface_up(0, 1);
    world.run_for(3 * SECOND);
    let path = lma_path(&world, 1);
    assert_eq!(path.state, PathState::Up, "{}", world.tail());
    assert!(path.observed.port() >= 50_000);
    let mut both = downlink(&world);
    both.sort_unstable();
    assert_eq!(both, [1, 2]);
}
