//! Memory is bounded by configuration, whatever comes in.
#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod common;
#[path = "../benches/domain/counting.rs"]
mod counting;

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use common::{Bench, Pbu, SECOND, datagram};
use pmip_binding::testing::{LMA_ADDRESS, UNIX_START, address, control, lma_config, mag_config};
use pmip_binding::{
    Attachment, Carrier, ClockAnchor, DropReason, Input, InterfaceChange, InterfaceState,
    LmaConfig, Mag, MobileNode, Output,
};
use pmip_wire::types::Instant;
use pmip_wire::{
    AccessTechnologyType, ChecksumContext, Heartbeat, HomeNetworkPrefix, MagIdentifier,
    MagMultipathBinding, Message, MobilityOptions, OptionType,
};

/// Names that nobody used before, in each round.
const MANY: u32 = 3_000;
/// What the books of an allocator, and tables that double, may add to what is bounded.
const SLACK: usize = 16 * 1024;

fn small() -> LmaConfig {
    let mut config = lma_config();
    config.heartbeat.rules[0].nat_reboot = true;
    let limits = &mut config.limits;
    limits.bindings = 40;
    limits.sessions_per_node = 2;
    limits.paths_per_binding = 3;
    limits.pending_creates = 5;
    limits.sources = 16;
    limits.updates_per_second = u32::MAX;
    config
}

fn source(number: u32) -> IpAddr {
    let [_, a, b, c] = number.to_be_bytes();
    IpAddr::from([20, a, b, c])
}

/// Everything that a stranger may try, under a number.
fn attempts(number: u32) -> Vec<Input> {
    let here = source(number + 1);
    let mag = format!("mag{number}");
    let nai = format!("mn{number}@example.com");
    let known = format!("mn{}@example.com", number % 40);
    let sequence = |step| u16::try_from(number % 15_000 * 4 + step).unwrap();
    let binding_id = u8::try_from(number % 240 + 1).unwrap();
    let mut other = Pbu::new(&known, sequence(3)).handoff(4).from(here);
    other
        .options
        .retain(|option| !matches!(option, pmip_wire::MobilityOption::LinkLayerIdentifier(_)));
    let pbus = [
        // New mobile nodes, gateways, sessions of one node, paths of one session, held ones.
        Pbu::new(&nai, 1).multipath(&mag, 1).from(here),
        Pbu::new(&known, sequence(1)).from(here),
        Pbu::new(&known, sequence(2))
            .multipath("mag0", binding_id)
            .from(here)
            .handoff(5),
        other,
        // Another gateway at a taken address; a de-registration of nothing.
        Pbu::new(&nai, 1).multipath(&mag, 1).from(source(0)),
        Pbu::new(&nai, 2).lifetime(0).from(here),
    ];
    let options = MobilityOptions::new()
        .with(MagMultipathBinding {
            access_technology: AccessTechnologyType::from_code(8),
            label: 1,
            binding_id,
            bulk: false,
            overwrite: false,
        })
        .unwrap()
        .with(MagIdentifier::nai("mag0").unwrap())
        .unwrap();
    let beat = Message::Heartbeat(Heartbeat {
        options,
        ..Heartbeat::request(number)
    });
    let mut beats = [control(here), SocketAddr::new(source(0), 5437)]
        .map(|from| datagram(from, beat.to_bytes(ChecksumContext::Udp)));
    beats[1].carrier = Carrier::UnknownTunnel;
    let answer = Message::Heartbeat(Heartbeat::response(number));
    let answer = datagram(control(source(0)), answer.to_bytes(ChecksumContext::Udp));
    let unknown = datagram(
        control(here),
        Bytes::from_static(&[59, 0, 99, 0, 0, 0, 0, 0]),
    );
    let pbus = pbus.iter().map(Pbu::datagram);
    let all = pbus.chain(beats).chain([answer, unknown]);
    all.map(Input::Signalling).collect()
}

/// The gateway whose address others claim.
fn keep(bench: &mut Bench, sequence: u32) {
    let sequence = u16::try_from(sequence).unwrap();
    let pbu = Pbu::new("keeper@example.com", sequence).multipath("keeper", 1);
    bench.send(
        &pbu.from(source(0))
            .handoff(if sequence == 1 { 1 } else { 5 }),
    );
}

fn storm(bench: &mut Bench, round: u32) {
    for number in round * MANY..(round + 1) * MANY {
        if number % 50 == 0 {
            bench.now += SECOND;
            keep(bench, number / 50 + 1);
        }
        for input in attempts(number) {
            bench.give(input);
            bench.events.clear();
        }
    }
    bench.events.shrink_to_fit();
    assert!(bench.lma.bindings(bench.now).count() <= 40);
    assert!(bench.lma.paths().count() <= 40 * 3);
    assert!(
        bench
            .lma
            .bindings(bench.now)
            .all(|binding| binding.paths.len() <= 3)
    );
}

fn drain(mag: &mut Mag) {
    while !matches!(mag.poll_output(), Output::Timeout(_)) {}
}

fn attach_many(mag: &mut Mag, now: Instant, round: u32) {
    for number in round * MANY..(round + 1) * MANY {
        let node = MobileNode::new(format!("mn{number}@example.com"));
        mag.handle_input(now, Input::Attachment(Attachment::Attach(node)));
        drain(mag);
        for attachment in attempts(number) {
            // From the anchor's address: any of it may be the anchor's word.
            if let Input::Signalling(mut datagram) = attachment {
                datagram.source = control(LMA_ADDRESS.into());
                datagram.destination = control(address(1, 1));
                mag.handle_input(now, Input::Signalling(datagram));
                drain(mag);
            }
        }
    }
    assert!(mag.bindings(now).count() <= 20);
}

/// One test alone: the count is of the whole process.
#[test]
fn a_storm_of_strangers_takes_no_more_memory_the_longer_it_lasts() {
    let mut bench = Bench::new(small());
    storm(&mut bench, 0);
    storm(&mut bench, 1);
    let before = counting::requested();
    for round in 2..6 {
        storm(&mut bench, round);
    }
    let after = counting::requested();
    assert!(after <= before + SLACK, "{before} octets, then {after}");
    let stats = bench.lma.stats();
    assert!(stats.acknowledgements[&130] > 1_000, "limits were met");
    assert!(stats.acknowledgements[&0] > 1_000, "and others served");
    assert!(stats.dropped[&DropReason::CareOfInUse] > 50);
    let outcomes: u64 = stats
        .acknowledgements
        .values()
        .chain(stats.dropped.values())
        .sum();
    assert!(outcomes < stats.received, "some were held");
    drop(bench);

    let clock = ClockAnchor {
        instant: Instant::ZERO,
        unix: UNIX_START,
    };
    let mut config = mag_config(1, 1);
    config.maximum_bindings = 20;
    let mut mag = Mag::new(config, [3; 32], clock, Instant::ZERO).unwrap();
    let state = InterfaceState::Up(address(1, 1));
    let up = InterfaceChange {
        binding_id: 1,
        state,
    };
    mag.handle_input(Instant::ZERO, Input::Interface(up));
    drain(&mut mag);
    attach_many(&mut mag, Instant::from_secs(1), 0);
    let before = counting::requested();
    for round in 1..4 {
        attach_many(&mut mag, Instant::from_secs(u64::from(round) + 1), round);
    }
    let after = counting::requested();
    assert!(after <= before + SLACK, "{before} octets, then {after}");
}

/// `hnp maximum`: a message has room for dozens of prefixes.
#[test]
fn a_session_gets_no_more_home_prefixes_than_allowed() {
    let asked = |most, count: u16| {
        let mut config = lma_config();
        config.limits.home_prefixes_per_binding = most;
        let mut bench = Bench::new(config);
        let mut pbu = Pbu::new("mn@example.com", 1).without(OptionType::HomeNetworkPrefix);
        for number in 0..count {
            let [high, low] = number.to_be_bytes();
            let prefix = format!("2001:db8:100:{high:02x}{low:02x}::")
                .parse()
                .unwrap();
            pbu = pbu.with(HomeNetworkPrefix::new(prefix, 64).unwrap());
        }
        let status = bench.status(&pbu).code();
        let bindings = bench.lma.bindings(bench.now);
        (
            status,
            bindings.map(|b| b.home_prefixes.len()).sum::<usize>(),
        )
    };
    assert_eq!(asked(3, 3), (0, 3));
    assert_eq!(asked(3, 4), (130, 0));
    assert_eq!(asked(32, 32), (0, 32));
}
