//! A NAT that restarts gives a gateway another mapping. With `natreboot` the anchor finds out by
//! heartbeats, and moves the tunnel by nothing that a stranger could bring about (signalling rules
//! section 7, feature semantics section 5).
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at what it did not expect"
)]

mod common;

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use common::messages::beat_of;
use common::{Bench, Pbu, SECOND, datagram, downlink, lma_path};
use pmip_binding::config::SharedKey;
use pmip_binding::testing::{Node, World, address, lma_config, mag_config};
use pmip_binding::{
    Carrier, Datagram, Event, Input, LmaConfig, Output, PathEvent, PathState, Transmit,
};
use pmip_wire::auth::{Addresses, SecurityAssociation};
use pmip_wire::{ChecksumContext, Heartbeat, Message, MobilityOption, Status};

const OUTER: [u8; 4] = [203, 0, 113, 9];
const STRANGER: [u8; 4] = [203, 0, 113, 66];
const KEY: [u8; 16] = *b"0123456789abcdef";
const SPI: u32 = 0x100;

fn repairing() -> LmaConfig {
    let mut config = lma_config();
    config.heartbeat.rules[0].nat_reboot = true;
    config
}

/// A gateway with two uplinks, the first behind a NAT.
fn world(lma: LmaConfig, key: bool) -> World {
    let (mut lma, mut mag) = (lma, mag_config(1, 2));
    if key {
        lma.keys = vec![SharedKey::new(SPI, KEY)];
        mag.lmas[0].keys = vec![SharedKey::new(SPI, KEY)];
    }
    let mut world = World::new(lma, 1);
    world.add_mag(mag, &[address(1, 1), address(1, 2)], &common::link(10));
    world.set_nat(0, 1, IpAddr::from(OUTER), 40_000);
    world.all_up();
    world.run_for(3 * SECOND);
    assert_eq!(lma_path(&world, 1).state, PathState::Up);
    world
}

fn reboot(world: &mut World) {
    world.set_nat(0, 1, IpAddr::from(OUTER), 50_000);
}

fn mappings(world: &World) -> Vec<SocketAddr> {
    let events = world.events.iter();
    events
        .filter_map(|(_, _, event)| match event {
            Event::Path(PathEvent::Mapping { observed, .. }) => Some(*observed),
            _ => None,
        })
        .collect()
}

/// How long after now the path is back at its new mapping, in seconds.
fn healed_after(world: &mut World) -> u64 {
    let before = world.now;
    for _ in 0..600 {
        world.run_for(SECOND / 10);
        let path = lma_path(world, 1);
        if path.usable && path.observed.port() >= 50_000 && path.remote.port() >= 50_000 {
            return world.now.saturating_since(before).as_secs();
        }
    }
    panic!("it does not heal\n{}", world.tail());
}

#[test]
fn with_the_keyword_the_downlink_is_back_within_an_interval() {
    for key in [false, true] {
        let mut world = world(repairing(), key);
        reboot(&mut world);
        assert!(healed_after(&mut world) <= 1, "key: {key}");
        assert_eq!(lma_path(&world, 1).state, PathState::Up);
        let mut both = downlink(&world);
        both.sort_unstable();
        assert_eq!(both, [1, 2]);
        let challenged = mappings(&world).len();
        assert_eq!(
            challenged,
            usize::from(key),
            "only a key makes an answer worth anything"
        );
    }
}

#[test]
fn without_it_only_after_the_path_has_failed() {
    let mut world = world(lma_config(), false);
    reboot(&mut world);
    assert!(healed_after(&mut world) >= 2);
    let states = common::moments(&world, Node::Lma, PathState::NatChanged);
    assert_eq!(states, []);
    assert_eq!(common::moments(&world, Node::Lma, PathState::Down).len(), 1);
}

#[test]
fn the_keyword_holds_for_the_labels_that_have_it() {
    let mut config = lma_config();
    let other = config.heartbeat.rules[0].for_label(pmip_wire::types::Label(12));
    config.heartbeat.rules.push(other);
    config.heartbeat.rules[1].nat_reboot = true;
    let mut world = world(config, false);
    reboot(&mut world);
    assert!(healed_after(&mut world) >= 2, "path 1 has label 11");
}

// An anchor alone, so that every message is in our hands.

fn association() -> SecurityAssociation {
    SecurityAssociation::new(SPI, &KEY).unwrap()
}

fn sign(message: &Message) -> Bytes {
    let signed = association().sign(message, Addresses::ZERO, ChecksumContext::Udp);
    signed.unwrap()
}

fn plain(message: &Message) -> Bytes {
    message.to_bytes(ChecksumContext::Udp)
}

/// A registered path of `mag9` behind a NAT, its data mapping shown.
fn bench(key: bool) -> Bench {
    let mut config = repairing();
    config.heartbeat.rules[0].interval = 60 * SECOND;
    if key {
        config.keys = vec![SharedKey::new(SPI, KEY)];
    }
    let mut bench = Bench::new(config);
    register(&mut bench, 1, 40_000, key);
    let mut shown = datagram(outer(40_001), beat(1, key));
    shown.carrier = Carrier::UnknownTunnel;
    let sent = give(&mut bench, Input::Signalling(shown));
    if key {
        let sequence = challenge(&sent, outer(40_001)).unwrap();
        give(&mut bench, tunnelled(outer(40_001), answer(sequence, true)));
    }
    assert_eq!(path(&bench).remote, outer(40_001));
    assert!(path(&bench).usable);
    bench
}

fn register(bench: &mut Bench, sequence: u16, port: u16, key: bool) {
    register_of(bench, "mag9", sequence, port, key);
}

fn register_of(bench: &mut Bench, mag: &str, sequence: u16, port: u16, key: bool) {
    let own = MobilityOption::Ipv4CareOfAddress([192, 168, 0, 9].into());
    let nai = format!("mn{}@example.com", mag.trim_start_matches("mag"));
    let pbu = Pbu::new(&nai, sequence).multipath(mag, 1).with(own);
    let message = Message::decode(&pbu.datagram().payload, ChecksumContext::Udp).unwrap();
    let payload = if key { sign(&message) } else { plain(&message) };
    let sent = bench.give(Input::Signalling(datagram(outer(port), payload)));
    let answer = sent.iter().find_map(|payload| match decode(payload) {
        Message::BindingAcknowledgement(answer) => Some(answer.status),
        _ => None,
    });
    assert_eq!(answer, Some(Status::Accepted));
}

fn decode(payload: &Bytes) -> Message {
    Message::decode(payload, ChecksumContext::Udp).unwrap()
}

fn outer(port: u16) -> SocketAddr {
    SocketAddr::from((OUTER, port))
}

fn stranger(port: u16) -> SocketAddr {
    SocketAddr::from((STRANGER, port))
}

fn path(bench: &Bench) -> pmip_binding::PathStatus {
    bench.lma.paths().next().unwrap()
}

/// A heartbeat request that names `mag9` and its path.
fn beat(sequence: u32, key: bool) -> Bytes {
    beat_by("mag9", sequence, key)
}

fn beat_by(mag: &str, sequence: u32, key: bool) -> Bytes {
    let message = beat_of(mag, 1, sequence, []);
    if key { sign(&message) } else { plain(&message) }
}

/// Everything that the anchor sends at this moment.
fn give(bench: &mut Bench, input: Input) -> Vec<Transmit> {
    bench.lma.handle_input(bench.now, input);
    let mut sent = Vec::new();
    loop {
        match bench.lma.poll_output() {
            Output::Transmit(transmit) => sent.push(transmit),
            Output::Event(event) => bench.events.push(event),
            _ => return sent,
        }
    }
}

/// The sequence number of a heartbeat request to `to`, if one is among these.
fn challenge(sent: &[Transmit], to: SocketAddr) -> Option<u32> {
    let mut there = sent.iter().filter(|transmit| transmit.destination == to);
    there.find_map(|transmit| match decode(&transmit.payload) {
        Message::Heartbeat(beat) if !beat.response => Some(beat.sequence),
        _ => None,
    })
}

/// How many update notifications go to `to`.
fn asked_to_register(sent: &[Transmit], to: SocketAddr) -> usize {
    let there = sent.iter().filter(|transmit| transmit.destination == to);
    there
        .filter(|transmit| matches!(decode(&transmit.payload), Message::UpdateNotification(_)))
        .count()
}

fn signalling(source: SocketAddr, payload: Bytes) -> Input {
    Input::Signalling(datagram(source, payload))
}

/// Out of a tunnel that is no path's.
fn tunnelled(source: SocketAddr, payload: Bytes) -> Input {
    let mut datagram = datagram(source, payload);
    datagram.carrier = Carrier::UnknownTunnel;
    Input::Signalling(datagram)
}

fn answer(sequence: u32, key: bool) -> Bytes {
    let message = Message::Heartbeat(Heartbeat::response(sequence));
    if key { sign(&message) } else { plain(&message) }
}

#[test]
fn without_a_key_a_forged_heartbeat_moves_nothing_whatever_it_answers() {
    let mut bench = bench(false);
    let before = path(&bench);
    for port in [40_000, 5436] {
        let sent = give(&mut bench, signalling(stranger(port), beat(7, false)));
        assert_eq!(
            challenge(&sent, stranger(port)),
            None,
            "an answer would prove nothing"
        );
        for sequence in 0..1000 {
            give(
                &mut bench,
                signalling(stranger(port), answer(sequence, false)),
            );
        }
        let mut tunnelled = datagram(stranger(port), beat(8, false));
        tunnelled.carrier = Carrier::UnknownTunnel;
        give(&mut bench, Input::Signalling(tunnelled));
        bench.wait(SECOND);
    }
    let after = path(&bench);
    assert_eq!(
        (after.observed, after.remote),
        (before.observed, before.remote)
    );
    assert!(after.usable, "nor does it take the path out of use");
}

#[test]
fn a_recorded_heartbeat_replayed_from_a_third_address_moves_nothing() {
    let mut bench = bench(true);
    let before = path(&bench);
    let recorded = beat(7, true);
    let sent = give(&mut bench, signalling(stranger(1), recorded.clone()));
    let sequence = challenge(&sent, stranger(1)).expect("the anchor asks there");
    assert_eq!(path(&bench).state, PathState::NatChanged);
    assert!(path(&bench).usable, "the old mapping serves meanwhile");
    // The stranger sees the challenge, and answers it without the key, or with another's answer.
    give(&mut bench, signalling(stranger(1), answer(sequence, false)));
    give(&mut bench, signalling(stranger(1), recorded));
    give(&mut bench, signalling(stranger(2), answer(sequence, true)));
    let after = path(&bench);
    assert_eq!(
        (after.observed, after.remote),
        (before.observed, before.remote)
    );
    bench.wait(3 * SECOND);
    assert_eq!(path(&bench).state, PathState::Up, "the suspicion ends");
}

#[test]
fn an_answered_challenge_moves_the_mapping_and_a_registration_confirms_it() {
    let mut bench = bench(true);
    let sent = give(&mut bench, signalling(outer(50_000), beat(7, true)));
    let sequence = challenge(&sent, outer(50_000)).unwrap();
    assert_eq!(
        path(&bench).observed,
        outer(40_000),
        "not before the answer"
    );
    let sent = give(
        &mut bench,
        signalling(outer(50_000), answer(sequence, true)),
    );
    assert_eq!(path(&bench).observed, outer(50_000));
    assert_eq!(path(&bench).state, PathState::NatChanged);
    assert_eq!(asked_to_register(&sent, outer(50_000)), 1);
    assert_eq!(bench.lma.stats().nat_changes, 1);
    register(&mut bench, 2, 50_000, true);
    assert_eq!(path(&bench).state, PathState::Up);
    bench.wait(11 * SECOND);
    assert_eq!(path(&bench).observed, outer(50_000), "it stays");
}

#[test]
fn without_a_registration_the_old_mapping_is_back_after_ten_seconds() {
    let mut bench = bench(true);
    let before = path(&bench);
    let sent = give(&mut bench, signalling(stranger(1), beat(7, true)));
    let sequence = challenge(&sent, stranger(1)).unwrap();
    give(&mut bench, signalling(stranger(1), answer(sequence, true)));
    assert_eq!(path(&bench).observed, stranger(1));
    assert!(!path(&bench).usable, "its data mapping is not known");
    let moved_at = bench.now;
    let mut asked = 0;
    while path(&bench).observed == stranger(1) {
        bench.now += SECOND;
        let sent = give(&mut bench, Input::Timeout);
        asked += asked_to_register(&sent, stranger(1));
    }
    assert_eq!(bench.now.saturating_since(moved_at), 10 * SECOND);
    assert_eq!(asked, 9, "once a second");
    let after = path(&bench);
    assert_eq!(
        (after.observed, after.remote),
        (before.observed, before.remote)
    );
    assert!(after.usable);
    // Nothing of it outlives a restart either.
    let kept = bench.lma.snapshot();
    assert_eq!(kept.paths().next().unwrap().observed, before.observed);
}

#[test]
fn a_mapping_that_is_not_confirmed_is_not_kept_over_a_restart() {
    let mut bench = bench(true);
    let sent = give(&mut bench, signalling(stranger(1), beat(7, true)));
    let sequence = challenge(&sent, stranger(1)).unwrap();
    give(&mut bench, signalling(stranger(1), answer(sequence, true)));
    let kept = bench.lma.snapshot();
    let path = kept.paths().next().unwrap();
    assert_eq!(path.observed, outer(40_000));
    assert_eq!(path.observed_data, Some(outer(40_001)));
}

#[test]
fn a_heartbeat_answered_at_the_old_mapping_ends_an_unproved_suspicion() {
    let mut bench = bench(false);
    give(&mut bench, signalling(stranger(1), beat(7, false)));
    assert_eq!(path(&bench).state, PathState::NatChanged);
    assert!(path(&bench).usable);
    bench.now += 60 * SECOND;
    let sent = give(&mut bench, Input::Timeout);
    let sequence = challenge(&sent, outer(40_000)).unwrap();
    give(
        &mut bench,
        signalling(outer(40_000), answer(sequence, false)),
    );
    assert_eq!(path(&bench).state, PathState::Up);
}

#[test]
fn a_silent_mapping_makes_the_anchor_ask_over_the_living_path() {
    let mut bench = bench(false);
    let other = Pbu::new("mn9@example.com", 5)
        .multipath("mag9", 2)
        .handoff(5);
    assert_eq!(bench.status(&other), Status::Accepted);
    let living = SocketAddr::new(address(9, 1), 5436);
    let mut asked = Vec::new();
    for second in 0..400 {
        bench.now += SECOND;
        let sent = give(&mut bench, Input::Timeout);
        if let Some(sequence) = challenge(&sent, living) {
            give(&mut bench, signalling(living, answer(sequence, false)));
        }
        if asked_to_register(&sent, living) > 0 {
            asked.push(second);
        }
    }
    assert_eq!(asked.len(), 1, "once for each failure: {asked:?}");
}

/// A gateway registered over a path behind a NAT, without multipath.
#[test]
fn a_single_path_behind_a_nat_gets_its_downlink() {
    let mut lma = lma_config();
    lma.multipath = false;
    let mut mag = mag_config(1, 1);
    mag.multipath = false;
    let mut world = World::new(lma, 1);
    world.add_mag(mag, &[address(1, 1)], &common::link(10));
    world.set_nat(0, 1, IpAddr::from(OUTER), 40_000);
    world.all_up();
    world.run_for(SECOND);
    let path = lma_path(&world, 0);
    assert!(path.nat);
    assert_eq!(path.remote, outer(40_001), "the data mapping");
    assert!(path.usable, "{}", world.tail());
    assert_eq!(downlink(&world), [0]);
}

/// Two gateways without multipath behind one NAT: each shows its own path.
#[test]
fn single_paths_behind_one_nat_are_told_apart_by_their_own_addresses() {
    let mut config = lma_config();
    config.multipath = false;
    let mut bench = Bench::new(config);
    let own = |host: u8| std::net::Ipv4Addr::new(192, 168, 0, host);
    for host in [1, 2] {
        let mut pbu = Pbu::new(&format!("mn{host}@example.com"), 1)
            .with(MobilityOption::Ipv4CareOfAddress(own(host)));
        pbu.source = outer(41_000 + u16::from(host));
        assert_eq!(bench.status(&pbu), Status::Accepted);
    }
    let shown = |host: u8, source: SocketAddr| -> Datagram {
        let care_of = MobilityOption::Ipv4CareOfAddress(own(host));
        let message = beat_of(&format!("mag{host}"), 1, 1, [care_of]);
        Datagram {
            carrier: Carrier::UnknownTunnel,
            ..datagram(source, plain(&message))
        }
    };
    bench.give(Input::Signalling(shown(2, outer(42_002))));
    // From another address it counts for nobody.
    bench.give(Input::Signalling(shown(1, stranger(42_001))));
    let remote = |host: u8| {
        let mut paths = bench.lma.paths();
        let path = paths.find(|path| path.care_of == IpAddr::V4(own(host)));
        path.map(|path| (path.usable, path.remote.port())).unwrap()
    };
    assert_eq!(remote(1), (false, 5437));
    assert_eq!(remote(2), (true, 42_002));
}

/// Waking at the reported moments is enough: the engine says when it reverts.
#[test]
fn the_moment_of_return_is_reported() {
    let mut bench = bench(true);
    let sent = give(&mut bench, signalling(stranger(1), beat(7, true)));
    let sequence = challenge(&sent, stranger(1)).unwrap();
    give(&mut bench, signalling(stranger(1), answer(sequence, true)));
    let end = bench.now + 10 * SECOND;
    while path(&bench).observed == stranger(1) {
        bench.lma.handle_input(bench.now, Input::Timeout);
        if path(&bench).observed != stranger(1) {
            break;
        }
        bench.now = loop {
            if let Output::Timeout(at) = bench.lma.poll_output() {
                break at.unwrap();
            }
        };
        assert!(bench.now <= end);
    }
    assert_eq!(bench.now, end);
}

/// Somebody behind the same NAT has recorded how the gateway showed its mapping.
#[test]
fn a_replay_from_behind_the_same_nat_draws_no_downlink_to_itself() {
    let mut bench = bench(true);
    let recorded = beat(1, true);
    let sent = give(&mut bench, tunnelled(outer(6_666), recorded));
    assert_eq!(path(&bench).remote, outer(40_001), "nothing moves");
    assert!(path(&bench).usable);
    let sequence = challenge(&sent, outer(6_666)).expect("it is asked there");
    let through = sent.iter().all(|transmit| {
        transmit.destination != outer(6_666) || matches!(transmit.carrier, Carrier::Tunnel(_))
    });
    assert!(through, "what it must show is the tunnel");
    give(&mut bench, tunnelled(outer(6_666), answer(sequence, false)));
    give(&mut bench, tunnelled(outer(6_667), answer(sequence, true)));
    give(&mut bench, signalling(outer(6_666), answer(sequence, true)));
    assert_eq!(path(&bench).remote, outer(40_001));
    for _ in 0..3 {
        bench.wait(SECOND);
    }
    give(&mut bench, tunnelled(outer(6_666), answer(sequence, true)));
    assert_eq!(path(&bench).remote, outer(40_001), "too late");
}

/// The gateway's own NAT gave its data another port; the first challenge is lost.
#[test]
fn an_answered_challenge_moves_the_data_mapping_though_one_was_lost() {
    let mut bench = bench(true);
    let sent = give(&mut bench, tunnelled(outer(40_077), beat(2, true)));
    let first = challenge(&sent, outer(40_077)).unwrap();
    bench.now += SECOND;
    let sent = give(&mut bench, Input::Timeout);
    assert_eq!(challenge(&sent, outer(40_077)), Some(first), "once more");
    let payload = answer(first, true);
    give(&mut bench, tunnelled(outer(40_077), payload));
    assert_eq!(path(&bench).remote, outer(40_077));
    bench.now += SECOND;
    let sent = give(&mut bench, Input::Timeout);
    assert_eq!(challenge(&sent, outer(40_077)), None, "it is settled");
}

/// Who replays from many ports does not keep the gateway's own mapping from being asked, nor is he
/// asked without end.
#[test]
fn few_mappings_of_one_path_are_challenged_at_once() {
    let mut bench = bench(true);
    let mut asked = 0;
    for port in 7_000..7_100 {
        let sent = give(&mut bench, tunnelled(outer(port), beat(1, true)));
        asked += usize::from(challenge(&sent, outer(port)).is_some());
    }
    assert_eq!(asked, 4);
    bench.wait(SECOND);
    bench.wait(SECOND);
    bench.wait(SECOND);
    let sent = give(&mut bench, tunnelled(outer(40_077), beat(2, true)));
    assert!(challenge(&sent, outer(40_077)).is_some());
}

/// A challenge outlives another configuration: the gateway does not show its mapping again soon.
#[test]
fn a_new_configuration_does_not_end_a_challenge() {
    let mut bench = bench(true);
    let sent = give(&mut bench, tunnelled(outer(40_077), beat(2, true)));
    let sequence = challenge(&sent, outer(40_077)).unwrap();
    let config = bench.lma.config().clone();
    bench.lma.reconfigure(bench.now, config).unwrap();
    give(&mut bench, tunnelled(outer(40_077), answer(sequence, true)));
    assert_eq!(path(&bench).remote, outer(40_077));
}

#[test]
fn two_gateways_that_seem_to_be_in_one_place_are_challenged_both() {
    let mut bench = bench(true);
    register_of(&mut bench, "mag8", 1, 40_010, true);
    let mut sequences = Vec::new();
    for mag in ["mag9", "mag8"] {
        let sent = give(&mut bench, signalling(outer(50_000), beat_by(mag, 7, true)));
        sequences.push(challenge(&sent, outer(50_000)).unwrap());
    }
    for sequence in sequences {
        let payload = answer(sequence, true);
        give(&mut bench, signalling(outer(50_000), payload));
    }
    let moved: Vec<SocketAddr> = bench.lma.paths().map(|path| path.observed).collect();
    assert_eq!(moved, [outer(50_000); 2]);
}
