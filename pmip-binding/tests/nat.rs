//! Behind a NAT the anchor answers where the signalling came from, and sends tunnelled packets
//! only to a mapping that was shown to it (signalling rules sections 7 and 9).
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at what it did not expect"
)]

mod common;

use std::net::{IpAddr, SocketAddr};

use common::messages::beat_of;
use common::{Bench, Pbu, SECOND, downlink, lma_path, uplink, world};
use pmip_binding::testing::{Node, World, address, mag_config};
use pmip_binding::{
    Carrier, Datagram, Input, InterfaceChange, InterfaceState, Mag, Output, PathState, Transmit,
};
use pmip_wire::types::Instant;
use pmip_wire::udp::DATA_PORT;
use pmip_wire::{
    BindingAckFlags, BindingAcknowledgement, ChecksumContext, Heartbeat, Lifetime, Message,
    MobileNodeIdentifier, MobilityOption, MobilityOptions, NatDetection, Status,
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
    let payload = beat_of("mag1", 1, 1, []).to_bytes(ChecksumContext::Udp);
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
    world.run_until(Instant::from_millis(25));
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
fn a_nat_that_restarts_is_healed_by_a_registration_that_the_anchor_asks_for() {
    let mut world = behind_nat();
    world.run_for(2 * SECOND);
    world.set_nat(0, 1, IpAddr::from(OUTER), 50_000);
    // Our own heartbeats make a new mapping, but nothing unauthenticated moves the old one: the
    // anchor asks where they came from for a PBU, and that does.
    world.run_for(4 * SECOND);
    let path = lma_path(&world, 1);
    assert_eq!(path.state, PathState::Up, "{}", world.tail());
    assert!(path.observed.port() >= 50_000);
    let mut both = downlink(&world);
    both.sort_unstable();
    assert_eq!(both, [1, 2]);
}

/// What a gateway alone sends next, the pace of its clock being its own deadlines.
fn next_transmit(mag: &mut Mag, now: &mut Instant) -> Option<Transmit> {
    for _ in 0..100 {
        match mag.poll_output() {
            Output::Transmit(transmit) => return Some(transmit),
            Output::Timeout(None) => return None,
            Output::Timeout(Some(at)) => {
                *now = at.max(*now);
                mag.handle_input(*now, Input::Timeout);
            }
            _ => {}
        }
    }
    None
}

fn answer(mag: &mut Mag, now: Instant, to: &Transmit, message: &Message) {
    let datagram = Datagram {
        carrier: to.carrier,
        source: to.destination,
        destination: to.source,
        payload: message.to_bytes(ChecksumContext::Udp),
        vrf: pmip_binding::VrfId::DEFAULT,
    };
    mag.handle_input(now, Input::Signalling(datagram));
}

/// Seconds until the mapping is kept alive, when the anchor suggests this many; `None` when that
/// does not happen within the lifetime of the binding.
fn keep_alive(suggested: Option<u32>) -> Option<u64> {
    let mut config = mag_config(1, 1);
    config.heartbeat.rules.clear();
    let clock = world(1).clock();
    let mut now = Instant::ZERO;
    let mut mag = Mag::new(config, [3; 32], clock, now).unwrap();
    let state = InterfaceState::Up(address(1, 1));
    let up = InterfaceChange {
        binding_id: 1,
        state,
    };
    mag.handle_input(now, Input::Interface(up));
    let pbu = next_transmit(&mut mag, &mut now).unwrap();
    let Message::BindingUpdate(update) =
        Message::decode(&pbu.payload, ChecksumContext::Udp).unwrap()
    else {
        panic!("a PBU comes first");
    };
    let mut options: Vec<MobilityOption> = vec![
        MobileNodeIdentifier::nai("lmn1@example.com")
            .unwrap()
            .into(),
    ];
    options.extend(update.options.timestamp().map(MobilityOption::from));
    options.extend(suggested.map(|refresh_time| {
        let force_udp = true;
        MobilityOption::from(NatDetection {
            force_udp,
            refresh_time,
        })
    }));
    let accepted = Message::BindingAcknowledgement(BindingAcknowledgement {
        status: Status::Accepted,
        flags: BindingAckFlags::PROXY,
        sequence: update.sequence,
        lifetime: Lifetime::from_units(900),
        options: MobilityOptions::try_from(options).unwrap(),
    });
    answer(&mut mag, now, &pbu, &accepted);
    let probe = next_transmit(&mut mag, &mut now).unwrap();
    let Message::Heartbeat(beat) = Message::decode(&probe.payload, ChecksumContext::Udp).unwrap()
    else {
        panic!("then the mapping is shown");
    };
    let shown = now;
    answer(
        &mut mag,
        now,
        &probe,
        &Message::Heartbeat(Heartbeat::response(beat.sequence)),
    );
    let next = next_transmit(&mut mag, &mut now)?;
    let kept = matches!(next.carrier, Carrier::Tunnel(_));
    kept.then(|| now.saturating_since(shown).as_secs())
}

#[test]
fn the_mapping_is_kept_alive_as_often_as_the_anchor_suggests() {
    assert_eq!(keep_alive(None), Some(110));
    assert_eq!(keep_alive(Some(0)), Some(110));
    assert_eq!(keep_alive(Some(25)), Some(25));
    assert_eq!(
        keep_alive(Some(u32::MAX)),
        None,
        "not at all: the refresh is next"
    );
}

#[test]
fn a_mapping_learnt_while_a_nat_was_suspected_ends_with_the_suspicion() {
    let mut bench = Bench::new(pmip_binding::testing::lma_config());
    let pbu = |sequence, port| {
        let mut pbu = Pbu::new("mn@example.com", sequence).multipath("mag9", 1);
        pbu.source.set_port(port);
        pbu
    };
    bench.send(&pbu(1, 4444));
    let path = bench.lma.paths().next().unwrap();
    let beat = Message::Heartbeat(Heartbeat::request(1)).to_bytes(ChecksumContext::Udp);
    let mut shown = common::datagram(SocketAddr::new(address(9, 1), 7777), beat);
    shown.carrier = Carrier::Tunnel(path.path);
    bench.give(Input::Signalling(shown));
    assert_eq!(bench.lma.paths().next().unwrap().remote.port(), 7777);
    bench.send(&pbu(2, 5436));
    let path = bench.lma.paths().next().unwrap();
    assert_eq!(path.remote, SocketAddr::new(address(9, 1), DATA_PORT));
}

#[test]
fn two_gateways_without_identifier_behind_one_nat_are_not_one_that_restarts() {
    let mut config = pmip_binding::testing::lma_config();
    config.multipath = false;
    let mut bench = Bench::new(config);
    let ports = [40_001, 40_002];
    let answer = |bench: &mut Bench, sent: &[bytes::Bytes]| {
        for payload in sent {
            let message = Message::decode(payload, ChecksumContext::Udp).unwrap();
            let Message::Heartbeat(asked) = message else {
                continue;
            };
            for (counter, port) in (5..).zip(ports) {
                let mut response = Heartbeat::response(asked.sequence);
                response
                    .options
                    .push(MobilityOption::RestartCounter(counter))
                    .unwrap();
                let payload = Message::Heartbeat(response).to_bytes(ChecksumContext::Udp);
                let source = SocketAddr::from((OUTER, port));
                bench.give(Input::Signalling(common::datagram(source, payload)));
            }
        }
    };
    for (host, port) in (1..).zip(ports) {
        let nai = format!("mn{host}@example.com");
        let own = std::net::Ipv4Addr::new(192, 168, 0, host);
        let mut pbu = Pbu::new(&nai, 1).with(MobilityOption::Ipv4CareOfAddress(own));
        pbu.source = SocketAddr::from((OUTER, port));
        assert_eq!(bench.status(&pbu), Status::Accepted);
    }
    for _ in 0..5 {
        bench.now += SECOND;
        let sent = bench.give(Input::Timeout);
        assert_eq!(sent.len(), 2);
        answer(&mut bench, &sent);
    }
    let live = bench
        .lma
        .bindings(bench.now)
        .filter(|binding| binding.paths.len() == 1);
    assert_eq!(live.count(), 2);
}
