//! A stranger who knows names and addresses but sees no signalling moves nothing, whatever he
//! claims to be (signalling rules sections 5 to 9).
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at what it did not expect"
)]

mod common;

use std::time::Duration;

use bytes::Bytes;
use common::{SECOND, mag_binding, mag_path, moments, registered, uplink};
use pmip_binding::testing::{LMA_ADDRESS, Node, World, address, control, lma_config, mag_config};
use pmip_binding::{BindingState, Carrier, DropReason, Input, PathState};
use pmip_wire::types::PathId;
use pmip_wire::{
    BindingAckFlags, BindingAcknowledgement, BindingError, ChecksumContext, HandoffIndicator,
    Heartbeat, Lifetime, Message, MobileNodeIdentifier, MobilityOption, MobilityOptions,
    SequenceNumber, Status,
};

/// Two registered paths; bindings last 40 s.
fn short_lived() -> World {
    let mut config = mag_config(1, 2);
    config.lifetime = 40 * SECOND;
    let mut world = World::new(lma_config(), 1);
    let addresses = [address(1, 1), address(1, 2)];
    world.add_mag(config, &addresses, &common::link(10));
    world.all_up();
    world.run_until_idle(SECOND);
    world
}

/// A message to the gateway's first path, with the anchor's address as source.
fn from_anchor(world: &mut World, message: &Message) {
    let payload = message.to_bytes(ChecksumContext::Udp);
    let mut datagram = common::datagram(control(LMA_ADDRESS.into()), payload);
    datagram.destination = control(address(1, 1));
    world.input(Node::Mag(0), Input::Signalling(datagram));
}

fn acknowledgement(status: u8, sequence: u16, option: Option<MobilityOption>) -> Message {
    let mut options: Vec<MobilityOption> = vec![
        MobileNodeIdentifier::nai("lmn1@example.com")
            .unwrap()
            .into(),
    ];
    options.extend(option);
    Message::BindingAcknowledgement(BindingAcknowledgement {
        status: Status::from_code(status),
        flags: BindingAckFlags::PROXY,
        sequence: SequenceNumber(sequence),
        lifetime: Lifetime::from_units(0),
        options: MobilityOptions::try_from(options).unwrap(),
    })
}

fn dropped(world: &World, node: Node, reason: DropReason) -> u64 {
    let stats = match node {
        Node::Lma => world.lma.stats(),
        Node::Mag(mag) => world.mags[mag].stats(),
    };
    stats.dropped.get(&reason).copied().unwrap_or(0)
}

#[test]
fn status_135_needs_no_sequence_number_but_our_timestamp() {
    let mut world = short_lived();
    // A PBU is outstanding as long as the path is dark: plenty of time to guess.
    world.black_hole(0, 1, true);
    world.run_for(8 * SECOND);
    let before = world.mags[0].stats().binding_updates;
    for sequence in (0..u16::MAX).step_by(16) {
        from_anchor(&mut world, &acknowledgement(135, sequence, None));
    }
    assert_eq!(
        world.mags[0].stats().binding_updates,
        before,
        "no answer to each"
    );
    assert!(dropped(&world, Node::Mag(0), DropReason::UnmatchedSequence) >= 4096);
}

#[test]
fn a_refusal_without_our_timestamp_is_dropped_although_its_number_is_right() {
    let mut world = short_lived();
    world.black_hole(0, 1, true);
    world.run_for(8 * SECOND);
    let strange = MobilityOption::from(HandoffIndicator::from_code(2));
    for sequence in 0..=u16::MAX {
        // 152 would end the service until an operator comes, and so would a contradiction.
        from_anchor(&mut world, &acknowledgement(152, sequence, None));
        from_anchor(
            &mut world,
            &acknowledgement(156, sequence, Some(strange.clone())),
        );
    }
    assert!(dropped(&world, Node::Mag(0), DropReason::OptionMismatch) > 0);
    world.black_hole(0, 1, false);
    world.run_for(200 * SECOND);
    assert_eq!(mag_binding(&world).state, BindingState::Active);
    assert_eq!(uplink(&world), [1, 2], "{}", world.tail());
    assert_eq!(world.mags[0].stats().expired, 0);
}

#[test]
fn a_flood_in_the_gateways_name_does_not_keep_its_heartbeats_away() {
    let mut config = lma_config();
    config.limits.updates_per_second = 20;
    let mut world = World::new(config, 1);
    let addresses = [address(1, 1), address(1, 2)];
    world.add_mag(mag_config(1, 2), &addresses, &common::link(10));
    world.all_up();
    world.run_until_idle(SECOND);
    let rubbish = Bytes::from_static(&[59, 0, 5, 0]);
    let beat = Message::Heartbeat(Heartbeat::request(1)).to_bytes(ChecksumContext::Udp);
    let unknown = Bytes::from_static(&[59, 0, 99, 0, 0, 0, 0, 0]);
    for _ in 0..100 {
        for source in addresses {
            for payload in [&rubbish, &beat, &unknown] {
                for _ in 0..10 {
                    let datagram = common::datagram(control(source), payload.clone());
                    world.input(Node::Lma, Input::Signalling(datagram));
                }
            }
        }
        world.run_for(SECOND / 10);
    }
    assert!(dropped(&world, Node::Lma, DropReason::RateLimited) > 0);
    for node in [Node::Lma, Node::Mag(0)] {
        assert_eq!(moments(&world, node, PathState::Down), [], "{node:?}");
    }
}

#[test]
fn a_forged_binding_error_ends_no_heartbeat_of_a_peer_that_knows_it() {
    let mut world = registered(2);
    world.run_for(3 * SECOND);
    // The path starts anew, and its first request is out: the peer has answered on the other one.
    world.renumber(0, 1, address(1, 77));
    world.run_for(Duration::from_millis(21));
    let error = Message::BindingError(BindingError::unrecognized_mh_type());
    let payload = error.to_bytes(ChecksumContext::Udp);
    let mut at_mag = common::datagram(control(LMA_ADDRESS.into()), payload.clone());
    at_mag.destination = control(address(1, 77));
    world.input(Node::Mag(0), Input::Signalling(at_mag));
    let at_lma = common::datagram(control(address(1, 77)), payload);
    world.input(Node::Lma, Input::Signalling(at_lma));
    assert_eq!(
        dropped(&world, Node::Mag(0), DropReason::UnexpectedMessage),
        1
    );
    assert_eq!(dropped(&world, Node::Lma, DropReason::UnexpectedMessage), 1);
    world.run_for(3 * SECOND);
    assert!(mag_path(&world, 1).heartbeat.unwrap().received >= 2);
}

#[test]
fn an_acknowledgement_inside_the_tunnel_is_not_looked_at() {
    let mut config = mag_config(1, 1);
    config.timestamps = false;
    let mut world = World::new(lma_config(), 1);
    world.add_mag(config, &[address(1, 1)], &common::link(10));
    world.black_hole(0, 1, true);
    world.all_up();
    for sequence in 0..=u16::MAX {
        let message = acknowledgement(0, sequence, None);
        let payload = message.to_bytes(ChecksumContext::Udp);
        let mut datagram = common::datagram(control(LMA_ADDRESS.into()), payload);
        datagram.carrier = Carrier::Tunnel(PathId(1));
        world.input(Node::Mag(0), Input::Signalling(datagram));
    }
    assert_eq!(
        dropped(&world, Node::Mag(0), DropReason::UnexpectedMessage),
        65_536
    );
    assert_eq!(uplink(&world), []);
}
