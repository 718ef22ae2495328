//! One heartbeat per path tells within seconds which path is dead (RFC 5847).
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at what it did not expect"
)]

mod common;

use std::time::Duration;

use bytes::Bytes;
use common::{
    Bench, Pbu, SECOND, downlink, lma_binding, lma_path, mag_path, moments, registered, uplink,
};
use pmip_binding::testing::{Node, World, address, lma_config, mag_config};
use pmip_binding::{Event, Input, PathEvent, PathState};
use pmip_wire::{ChecksumContext, Heartbeat, Message};

#[test]
fn round_trip_times_are_reported_by_both_ends() {
    let mut world = registered(2);
    world.run_for(3 * SECOND);
    for node in [Node::Lma, Node::Mag(0)] {
        let rtts = world
            .events
            .iter()
            .filter_map(|(_, who, event)| match event {
                Event::Path(PathEvent::Rtt { rtt, .. }) if *who == node => Some(*rtt),
                _ => None,
            });
        let rtts: Vec<Duration> = rtts.collect();
        assert!(rtts.len() >= 4, "{node:?}: {rtts:?}");
        assert!(rtts.iter().all(|rtt| *rtt == Duration::from_millis(20)));
    }
    let status = lma_path(&world, 1).heartbeat.unwrap();
    assert_eq!(status.rtt, Some(Duration::from_millis(20)));
    assert!(status.received >= 2 && status.missed == 0);
}

#[test]
fn a_black_hole_is_found_by_both_ends_and_leaves_the_binding_alone() {
    let mut world = registered(2);
    world.run_for(2 * SECOND);
    world.black_hole(0, 1, true);
    let cut = world.now.as_millis();
    world.run_for(6 * SECOND);
    for node in [Node::Lma, Node::Mag(0)] {
        let down = moments(&world, node, PathState::Down);
        assert_eq!(down.len(), 1, "{node:?}");
        // Retries 2: the third miss decides. One second apart, with one second to answer.
        assert!(
            (2000..=4000).contains(&(down[0] - cut)),
            "{node:?}: {down:?}"
        );
    }
    assert_eq!(downlink(&world), [2]);
    assert_eq!(uplink(&world), [2]);
    let binding = lma_binding(&world);
    assert_eq!(
        binding.paths.len(),
        2,
        "a heartbeat verdict never de-registers"
    );
}

#[test]
fn the_path_comes_back_by_itself() {
    let mut world = registered(2);
    world.black_hole(0, 1, true);
    world.run_for(30 * SECOND);
    assert_eq!(downlink(&world), [2]);
    world.black_hole(0, 1, false);
    world.run_for(3 * SECOND);
    assert_eq!(downlink(&world), [1, 2], "{}", world.tail());
    assert_eq!(uplink(&world), [1, 2]);
    assert_eq!(mag_path(&world, 1).state, PathState::Up);
}

#[test]
fn while_a_path_is_down_its_registration_is_tried_again_with_back_off() {
    let mut world = registered(2);
    world.black_hole(0, 1, true);
    let before = world.mags[0].stats().binding_updates;
    world.run_for(70 * SECOND);
    let tried = world.mags[0].stats().binding_updates - before;
    assert!((5..=8).contains(&tried), "{tried} in 70 s");
}

#[test]
fn without_a_rule_nothing_is_sent_and_requests_are_still_answered() {
    let mut config = mag_config(1, 1);
    config.heartbeat.rules.clear();
    let mut world = World::new(lma_config(), 1);
    world.add_mag(config, &[address(1, 1)], &common::link(10));
    world.all_up();
    world.run_for(5 * SECOND);
    assert_eq!(world.mags[0].stats().heartbeats_sent, 0);
    assert!(lma_path(&world, 1).heartbeat.unwrap().received >= 3);
}

#[test]
fn a_label_of_its_own_has_its_own_interval() {
    let mut config = mag_config(1, 2);
    let slow = pmip_binding::config::HeartbeatRule::new(10 * SECOND, 1);
    config
        .heartbeat
        .rules
        .push(slow.for_label(pmip_wire::types::Label(12)));
    let mut world = World::new(lma_config(), 1);
    let addresses = [address(1, 1), address(1, 2)];
    world.add_mag(config, &addresses, &common::link(10));
    world.all_up();
    world.run_for(30 * SECOND);
    let sent = |id| mag_path(&world, id).heartbeat.unwrap().sent;
    assert!((29..=31).contains(&sent(1)));
    assert_eq!(sent(2), 3);
}

#[test]
fn with_both_paths_dark_everything_returns_when_they_do() {
    let mut world = registered(2);
    let before = lma_binding(&world);
    world.black_hole(0, 1, true);
    world.black_hole(0, 2, true);
    world.run_for(100 * SECOND);
    assert_eq!(downlink(&world), []);
    world.black_hole(0, 1, false);
    world.black_hole(0, 2, false);
    world.run_for(5 * SECOND);
    let mut both = downlink(&world);
    both.sort_unstable();
    assert_eq!(both, [1, 2]);
    assert_eq!(lma_binding(&world).delegated, before.delegated);
}

#[test]
fn a_registration_that_gets_through_is_no_proof_that_anything_gets_back() {
    let mut bench = Bench::new(lma_config());
    let pbu = |sequence, binding_id: u8| {
        Pbu::new("mn@example.com", sequence)
            .multipath("mag9", binding_id)
            .from(address(9, binding_id))
    };
    bench.send(&pbu(1, 1));
    bench.send(&pbu(2, 2));
    let answer = |bench: &mut Bench, sent: &[Bytes], binding_id: u8| {
        for payload in sent {
            let message = Message::decode(payload, ChecksumContext::Udp).unwrap();
            if let Message::Heartbeat(asked) = message {
                let answer = Message::Heartbeat(Heartbeat::response(asked.sequence));
                let answer = answer.to_bytes(ChecksumContext::Udp);
                let answer = common::datagram(pbu(0, binding_id).source, answer);
                bench.give(Input::Signalling(answer));
            }
        }
    };
    for _ in 0..6 {
        bench.now += SECOND;
        let sent = bench.give(Input::Timeout);
        answer(&mut bench, &sent, 2);
    }
    let state = |bench: &Bench, binding_id| {
        let mut paths = bench.lma.paths();
        let path = paths.find(|path| path.binding_id == binding_id);
        path.unwrap().state
    };
    assert_eq!(state(&bench, 1), PathState::Down);
    let sent = bench.give(Input::Signalling(pbu(3, 1).datagram()));
    assert_eq!(
        sent.len(),
        2,
        "the acknowledgement, then a heartbeat at once"
    );
    assert_eq!(
        state(&bench, 1),
        PathState::Down,
        "the flows stay where they are"
    );
    answer(&mut bench, &sent, 1);
    assert_eq!(state(&bench, 1), PathState::Up);
    assert_eq!(state(&bench, 2), PathState::Up);
}
