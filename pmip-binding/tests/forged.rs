//! A stranger who knows names and addresses but sees no signalling moves nothing, whatever he
//! claims to be (signalling rules sections 5 to 9).
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at what it did not expect"
)]

mod common;

use common::{SECOND, mag_binding, uplink};
use pmip_binding::testing::{LMA_ADDRESS, Node, World, address, control, lma_config, mag_config};
use pmip_binding::{BindingState, DropReason, Input};
use pmip_wire::{
    BindingAckFlags, BindingAcknowledgement, ChecksumContext, HandoffIndicator, Lifetime, Message,
    MobileNodeIdentifier, MobilityOption, MobilityOptions, SequenceNumber, Status,
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
