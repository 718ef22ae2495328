//! An anchor sets the timers of its gateways (RFC 8127).
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at what it did not expect"
)]

mod common;

use std::time::Duration;

use common::{Bench, Pbu, SECOND, mag_binding, mag_path};
use pmip_binding::config::{
    ControlledConfig, HeartbeatConfig, HeartbeatControl, HeartbeatRule, ReregistrationControl,
};
use pmip_binding::testing::{LMA_ADDRESS, Node, World, address, control, lma_config, mag_config};
use pmip_binding::{BindingState, DropReason, Input, LmaConfig};
use pmip_wire::types::Label;
use pmip_wire::{
    BindingReregistrationControl, ChecksumContext, HeartbeatControl as WireHeartbeat,
    LcmpSubOption, Lifetime, LmaControlledMagParameters, Message,
};

fn controlling(reregistration: bool, heartbeat: bool) -> LmaConfig {
    let mut config = lma_config();
    let mut controlled = ControlledConfig::default();
    controlled.reregistration = reregistration.then(ReregistrationControl::default);
    controlled.heartbeat = heartbeat.then(HeartbeatControl::default);
    config.controlled = controlled;
    config
}

fn world(config: LmaConfig) -> World {
    let quick = HeartbeatRule::new(2 * SECOND, 1).for_label(Label(12));
    let mut heartbeat = HeartbeatConfig::every(SECOND, 2);
    heartbeat.rules.push(quick);
    world_with(config, heartbeat)
}

fn world_with(config: LmaConfig, heartbeat: HeartbeatConfig) -> World {
    let mut world = World::new(config, 1);
    let mut mag = mag_config(1, 2);
    mag.heartbeat = heartbeat;
    let addresses = [address(1, 1), address(1, 2)];
    world.add_mag(mag, &addresses, &common::link(10));
    world.all_up();
    world.run_until_idle(SECOND);
    world
}

/// The option of an acknowledgement, as octets.
fn option_62(config: LmaConfig) -> Option<Vec<u8>> {
    let mut bench = Bench::new(config);
    let pbu = Pbu::new("a@example.com", 1);
    let sent = bench.give(Input::Signalling(pbu.datagram()));
    let answer = sent.iter().find(|payload| payload[2] == 6).unwrap();
    let at = answer
        .windows(3)
        .position(|w| matches!(w, [62, 8 | 16, 1 | 2]))?;
    let length = usize::from(answer[at + 1]);
    Some(answer[at..at + 2 + length].to_vec())
}

#[test]
fn the_defaults_of_the_rfc_travel_in_option_62() {
    let registration = [1, 6, 0, 10, 0, 1, 0, 32];
    let heartbeat = [2, 6, 0, 60, 0, 5, 0, 3];
    let both = [&[62, 16][..], &registration, &heartbeat].concat();
    assert_eq!(option_62(controlling(true, true)), Some(both));
    let one = [&[62, 8][..], &registration].concat();
    assert_eq!(option_62(controlling(true, false)), Some(one));
    let one = [&[62, 8][..], &heartbeat].concat();
    assert_eq!(option_62(controlling(false, true)), Some(one));
    assert_eq!(option_62(controlling(false, false)), None, "off by default");
}

#[test]
fn zero_is_a_mistake_of_the_anchors_configuration() {
    let mut config = controlling(true, true);
    config
        .controlled
        .reregistration
        .as_mut()
        .unwrap()
        .start_time = Duration::ZERO;
    let heartbeat = config.controlled.heartbeat.as_mut().unwrap();
    heartbeat.max_retransmissions = 0;
    heartbeat.retransmission_delay = heartbeat.interval;
    assert_eq!(config.validate().unwrap_err().iter().count(), 3);
}

#[test]
fn the_gateway_registers_again_when_the_anchor_says() {
    // Configured here: 300 s before the end of an hour; the anchor wants 40 s.
    let mut world = world(controlling(true, false));
    let before = world.mags[0].stats().binding_updates;
    world.run_for(3500 * SECOND);
    assert_eq!(world.mags[0].stats().binding_updates, before);
    world.run_for(70 * SECOND);
    assert_eq!(world.mags[0].stats().binding_updates, before + 2);
    assert_eq!(mag_binding(&world).state, BindingState::Active);
}

#[test]
fn retransmissions_go_as_the_anchor_says() {
    let mut config = controlling(true, false);
    let control = config.controlled.reregistration.as_mut().unwrap();
    control.initial_retransmission = 3 * SECOND;
    control.maximum_retransmission = 5 * SECOND;
    config.heartbeat = HeartbeatConfig::default();
    let mut world = world_with(config, HeartbeatConfig::default());
    let before = world.mags[0].stats().binding_updates;
    world.black_hole(0, 1, true);
    world.black_hole(0, 2, true);
    // The refresh is due 40 s before the hour ends.
    world.run_for(3561 * SECOND);
    let sent = |world: &World| world.mags[0].stats().binding_updates - before;
    assert_eq!(sent(&world), 2);
    world.run_for(Duration::from_millis(2500));
    assert_eq!(sent(&world), 4, "3 s after the first");
    world.run_for(Duration::from_secs(4));
    assert_eq!(sent(&world), 4);
    world.run_for(SECOND);
    assert_eq!(sent(&world), 6, "5 s and not 6 s later");
}

#[test]
fn heartbeats_go_as_the_anchor_says_and_by_label_where_it_says_nothing() {
    for controlled in [true, false] {
        let world = world(controlling(false, controlled));
        let beat = |binding_id| {
            let heartbeat = mag_path(&world, binding_id).heartbeat.unwrap();
            (heartbeat.interval, heartbeat.retries)
        };
        if controlled {
            assert_eq!(beat(1), (60 * SECOND, 3));
            assert_eq!(beat(2), (60 * SECOND, 3));
        } else {
            assert_eq!(beat(1), (SECOND, 2));
            assert_eq!(beat(2), (2 * SECOND, 1));
        }
    }
}

#[test]
fn a_dead_path_is_found_after_the_anchors_retransmissions() {
    let mut config = controlling(false, true);
    config.heartbeat = HeartbeatConfig::default();
    let mut world = world(config);
    world.run_for(SECOND);
    world.black_hole(0, 2, true);
    // The next request goes out after 60 s.
    world.run_for(60 * SECOND + 15 * SECOND);
    assert!(
        mag_path(&world, 2).usable,
        "three retransmissions 5 s apart"
    );
    world.run_for(10 * SECOND);
    assert!(!mag_path(&world, 2).usable);
}

/// Hands the gateway an acknowledgement whose parameters were changed on the way.
fn answer_with(orders: &[LcmpSubOption]) -> World {
    let mut world = World::new(lma_config(), 1);
    world.add_mag(mag_config(1, 1), &[address(1, 1)], &common::link(10));
    world.record();
    world.all_up();
    let pbu = {
        world.run_for(Duration::from_millis(11));
        world.captured().next().unwrap().clone()
    };
    // The anchor's own answer is still on its way.
    let mut bench = Bench::new(lma_config());
    bench.now = pmip_wire::types::Instant::from_millis(10);
    let answer = bench.give(Input::Signalling(pbu)).remove(0);
    let decoded = Message::decode(&answer, ChecksumContext::Udp).unwrap();
    let Message::BindingAcknowledgement(mut answer) = decoded else {
        unreachable!()
    };
    let mut all = orders.iter().cloned();
    let first = LmaControlledMagParameters::new(all.next().unwrap()).unwrap();
    let orders = all.fold(first, |all, order| all.with(order).unwrap());
    answer.options.push(orders).unwrap();
    let payload = Message::BindingAcknowledgement(answer).to_bytes(ChecksumContext::Udp);
    let mut datagram = common::datagram(control(LMA_ADDRESS.into()), payload);
    datagram.destination = control(address(1, 1));
    world.input(Node::Mag(0), Input::Signalling(datagram));
    world
}

fn registration(start: u16, initial: u16, maximum: u16) -> LcmpSubOption {
    LcmpSubOption::BindingReregistrationControl(BindingReregistrationControl {
        start_time: Lifetime::from_units(start),
        initial_retransmission_time: initial,
        maximum_retransmission_time: maximum,
    })
}

fn heartbeat(interval: u16, delay: u16, retries: u16) -> LcmpSubOption {
    LcmpSubOption::HeartbeatControl(WireHeartbeat {
        interval,
        retransmission_delay: delay,
        max_retransmissions: retries,
    })
}

#[test]
fn an_acknowledgement_with_a_zero_parameter_is_ignored_as_a_whole() {
    let cases = [
        registration(0, 1, 32),
        registration(10, 0, 32),
        registration(10, 1, 0),
        heartbeat(0, 5, 3),
        heartbeat(60, 5, 0),
    ];
    for case in cases {
        let world = answer_with(std::slice::from_ref(&case));
        let dropped = &world.mags[0].stats().dropped;
        assert_eq!(
            dropped.get(&DropReason::ZeroParameter),
            Some(&1),
            "{case:?}"
        );
        assert_eq!(mag_binding(&world).state, BindingState::Init, "{case:?}");
    }
}

#[test]
fn a_heartbeat_delay_of_zero_is_none() {
    let world = answer_with(&[heartbeat(60, 0, 3), registration(10, 1, 32)]);
    assert_eq!(mag_binding(&world).paths[0].state, BindingState::Active);
    assert_eq!(mag_path(&world, 1).heartbeat.unwrap().interval, 60 * SECOND);
}
