//! Heartbeats that nobody asked for after a restart, and peers that know none (RFC 5847
//! sections 3 and 3.2).
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at what it did not expect"
)]

mod common;
mod gateway;

use std::time::Duration;

use common::{Bench, Pbu, SECOND, registered};
use gateway::{Gateway, plain_config};
use pmip_binding::config::HeartbeatConfig;
use pmip_binding::snapshot::LmaSnapshot;
use pmip_binding::testing::{Node, UNIX_START, address, lma_config, mag_config};
use pmip_binding::{
    Carrier, ClockAnchor, Command, Event, Input, Lma, Output, PathEvent, PathState,
};
use pmip_wire::types::Instant;
use pmip_wire::{BindingError, ChecksumContext, Heartbeat, Message};

fn heartbeats(sent: &[bytes::Bytes]) -> Vec<Heartbeat> {
    let sent = sent.iter();
    sent.filter_map(
        |octets| match Message::decode(octets, ChecksumContext::Udp).unwrap() {
            Message::Heartbeat(beat) => Some(beat),
            _ => None,
        },
    )
    .collect()
}

/// The octets by figures 2 and 3 of RFC 5847: U and R, a sequence number that means nothing, and
/// the Restart Counter behind two octets of padding.
#[test]
fn a_gateway_that_lost_its_state_says_so_before_it_registers() {
    let mut config = plain_config();
    config.restarted = true;
    config.restart_counter = 0x0102_0304;
    let gateway = Gateway::new(config);
    let first = &gateway.sent[0];
    assert_eq!(first[2], 13);
    assert_eq!(first[8 - 2..8], [0, 3]);
    let counter = [28, 4, 1, 2, 3, 4];
    assert!(first.windows(6).any(|window| window == counter));
    assert_eq!(heartbeats(&gateway.sent).len(), 1);
    let fresh = Gateway::new(plain_config());
    assert_eq!(heartbeats(&fresh.sent), [], "no state was lost");
}

#[test]
fn the_anchor_finds_out_at_once() {
    let mut world = registered(2);
    world.run_for(3 * SECOND);
    let mut config = mag_config(1, 2);
    config.restart_counter = 2;
    config.restarted = true;
    config.logical_mobile_nodes.clear();
    world.restart_mag(0, config, 77);
    world.interface_down(0, 1);
    world.interface_up(0, 1);
    // 10 ms there, 20 ms for the request that it leads to and its answer.
    world.run_for(Duration::from_millis(35));
    let restarts = world
        .events
        .iter()
        .filter(|(_, _, event)| matches!(event, Event::Path(PathEvent::PeerRestarted { .. })));
    assert_eq!(restarts.count(), 1, "{}", world.tail());
}

#[test]
fn an_anchor_that_may_have_lost_some_state_tells_the_gateways_it_remembers() {
    let mut world = registered(2);
    world.run_for(3 * SECOND);
    let text = serde_json::to_string(&world.lma.snapshot()).unwrap();
    let snapshot: LmaSnapshot = serde_json::from_str(&text).unwrap();
    let clock = ClockAnchor {
        instant: Instant::ZERO,
        unix: UNIX_START,
    };
    let told = |counter| {
        let mut config = lma_config();
        config.restart_counter = counter;
        let now = world.now;
        let (mut lma, _) = Lma::restore(config, &snapshot, [8; 32], clock, now).unwrap();
        let mut sent = Vec::new();
        loop {
            match lma.poll_output() {
                Output::Transmit(transmit) => {
                    assert_eq!(transmit.carrier, Carrier::Udp);
                    sent.push((transmit.destination.ip(), transmit.payload));
                }
                Output::Event(_) => {}
                _ => return sent,
            }
        }
    };
    assert_eq!(told(1), [], "nothing was lost");
    let (addresses, payloads): (Vec<_>, Vec<_>) = told(2).into_iter().unzip();
    assert_eq!(addresses, [address(1, 1), address(1, 2)]);
    for beat in heartbeats(&payloads) {
        assert!(beat.unsolicited && beat.response);
        assert_eq!(beat.options.restart_counter(), Some(2));
    }
    let mut config = lma_config();
    config.restart_counter = 2;
    world.resume_lma(config, &snapshot, 9);
    world.run_for(Duration::from_millis(100));
    let restarts = world.events.iter().filter(|(_, node, event)| {
        *node == Node::Mag(0) && matches!(event, Event::Path(PathEvent::PeerRestarted { .. }))
    });
    assert_eq!(restarts.count(), 1, "found out at once");
}

fn binding_error() -> Message {
    Message::BindingError(BindingError::unrecognized_mh_type())
}

#[test]
fn an_anchor_that_knows_no_heartbeat_is_asked_no_more_on_any_path() {
    let mut config = plain_config();
    config.heartbeat = HeartbeatConfig::every(SECOND, 2);
    let mut gateway = Gateway::new(config);
    gateway.answer(0, []);
    gateway.wait(Duration::ZERO);
    assert!(!heartbeats(&gateway.sent).is_empty());
    gateway.receive(&binding_error());
    let asked = heartbeats(&gateway.sent).len();
    for _ in 0..500 {
        gateway.wait(SECOND);
    }
    assert_eq!(heartbeats(&gateway.sent).len(), asked);
    let path = gateway.mag.paths().next().unwrap();
    assert_eq!((path.state, path.heartbeat), (PathState::Up, None));
    gateway.give(Input::Command(Command::ClearBindings));
    gateway.answer(0, []);
    gateway.answer(0, []);
    gateway.wait(SECOND);
    assert!(heartbeats(&gateway.sent).len() > asked, "asked anew");
}

fn on(sequence: u16, binding_id: u8) -> Pbu {
    Pbu::new("mn@example.com", sequence)
        .handoff(5)
        .multipath("mag9", binding_id)
        .from(address(9, binding_id))
}

fn refuse(bench: &mut Bench, binding_id: u8) {
    let payload = binding_error().to_bytes(ChecksumContext::Udp);
    let source = on(1, binding_id).source;
    bench.give(Input::Signalling(common::datagram(source, payload)));
}

#[test]
fn a_gateway_that_knows_no_heartbeat_is_asked_no_more_on_any_path() {
    let mut bench = Bench::new(lma_config());
    bench.send(&on(1, 1));
    bench.send(&on(2, 2));
    let asked = |bench: &mut Bench| {
        bench.now += SECOND;
        let sent = bench.give(Input::Timeout);
        heartbeats(&sent).len()
    };
    assert_eq!(asked(&mut bench), 2);
    refuse(&mut bench, 1);
    assert_eq!(asked(&mut bench), 0);
    bench.send(&on(3, 3));
    bench.send(&on(4, 1));
    assert_eq!(asked(&mut bench), 0, "new paths and refreshes too");
    let text = serde_json::to_string(&bench.lma.snapshot()).unwrap();
    let snapshot: LmaSnapshot = serde_json::from_str(&text).unwrap();
    let clock = ClockAnchor {
        instant: Instant::ZERO,
        unix: UNIX_START,
    };
    let now = bench.now;
    bench.lma = Lma::restore(lma_config(), &snapshot, [8; 32], clock, now)
        .unwrap()
        .0;
    assert_eq!(asked(&mut bench), 0, "nor after a restart");
    bench.give(Input::Command(Command::ClearBindings));
    // Nobody answers the revocation; what is being revoked cannot register.
    for _ in 0..10 {
        asked(&mut bench);
    }
    bench.send(&on(5, 1));
    assert_eq!(asked(&mut bench), 1, "until an administrative action");
}
