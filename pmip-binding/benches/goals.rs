//! `cargo bench -p pmip-binding --bench goals`: the figures of goals S1 to S3. Ratios are medians
//! over rounds in which both sides take turns, so that a busy machine disturbs both.
#![allow(clippy::print_stdout, reason = "what it prints is what it is for")]
#![allow(clippy::disallowed_methods, reason = "a bench measures time")]

#[path = "domain/counting.rs"]
mod counting;
#[path = "domain/mod.rs"]
mod domain;

use std::hint::black_box;
use std::time::{Duration, Instant as Stopwatch};

use domain::{Domain, shuffled};
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use pmip_binding::config::HeartbeatConfig;
use pmip_binding::testing::{OrderedSet, Wheel};
use pmip_wire::types::Instant;

const ROUNDS: usize = 21;
/// Operations of one side in a round.
const TURN: u32 = 20_000;

fn main() {
    let small = memory();
    speed(small);
    timers();
}

/// S1. Gives the octets per binding.
fn memory() -> usize {
    let mut octets = 0;
    for sessions in [128_000u32, 1_000_000] {
        octets = per_binding(sessions, 1_000, false);
        println!("S1 {sessions} bindings, 1000 to a gateway: {octets} octets each");
    }
    for heartbeat in [false, true] {
        let own = per_binding(128_000, 1, heartbeat);
        let beats = if heartbeat { " and heartbeats" } else { "" };
        println!(
            "   128000 bindings, each with a gateway, two paths{beats} of its own: {own} octets each"
        );
    }
    octets
}

fn per_binding(sessions: u32, per_gateway: u32, heartbeat: bool) -> usize {
    let before = counting::requested();
    let mut config = domain::config(sessions);
    if heartbeat {
        config.heartbeat = HeartbeatConfig::every(Duration::from_secs(86_400), 3);
    }
    let domain = Domain::new(config, sessions, per_gateway);
    let homes = domain.homes.capacity() * size_of::<domain::Homes>();
    (counting::requested() - before - homes) / (sessions as usize)
}

/// One size of anchor with the bare hash map of the same keys.
struct Pair {
    domain: Domain,
    map: HashMap<[u8; 22], [u64; 26], FixedState>,
    order: std::iter::Cycle<std::vec::IntoIter<u32>>,
}

impl Pair {
    fn new(size: u32) -> Self {
        let domain = Domain::new(domain::config(size), size, 1_000);
        let mut map = HashMap::with_capacity_and_hasher(size as usize, FixedState::with_seed(1));
        for n in 0..size {
            map.insert(key(n), [0; 26]);
        }
        Self {
            domain,
            map,
            order: shuffled(size).into_iter().cycle(),
        }
    }

    /// Nanoseconds per refresh.
    fn refresh(&mut self, binding_id: u8) -> f64 {
        let sessions: Vec<u32> = self.order.by_ref().take(TURN as usize).collect();
        let asks: Vec<_> = sessions
            .iter()
            .map(|session| self.domain.ask(*session, binding_id, 5))
            .collect();
        let datagrams: Vec<_> = asks.iter().map(|ask| self.domain.datagram(ask)).collect();
        let start = Stopwatch::now();
        for datagram in datagrams {
            black_box(self.domain.give(datagram));
        }
        nanos(start)
    }

    /// Nanoseconds per update of the bare map.
    fn update(&mut self, value: u64) -> f64 {
        let keys: Vec<_> = self.order.by_ref().take(TURN as usize).map(key).collect();
        let start = Stopwatch::now();
        for key in &keys {
            if let Some(found) = self.map.get_mut(key) {
                *found = black_box([value; 26]);
            }
        }
        nanos(start)
    }
}

/// S2.
fn speed(octets: usize) {
    let (mut small, mut large) = (Pair::new(1_000), Pair::new(1_000_000));
    let (mut ours, mut bare, mut ratios, mut times) = (vec![], vec![], vec![], vec![]);
    for round in 0..ROUNDS {
        let binding_id = if round % 2 == 0 { 1 } else { 2 };
        let (few, many) = (small.refresh(binding_id), large.refresh(binding_id));
        let (few_bare, many_bare) = (small.update(round as u64), large.update(round as u64));
        ours.push(many / few);
        bare.push(many_bare / few_bare);
        ratios.push((many / few) / (many_bare / few_bare));
        times.push((few, many, few_bare, many_bare));
    }
    println!(
        "S2 refresh, slowdown from 1000 to 1000000 bindings: {:.2}; bare map of 232-octet entries \
         (a binding has {octets}): {:.2}; ratio {:.2}",
        median(ours),
        median(bare),
        median(ratios),
    );
    let of = |pick: fn(&(f64, f64, f64, f64)) -> f64| median(times.iter().map(pick).collect());
    println!(
        "   refresh {:.0} and {:.0} ns, bare update {:.0} and {:.0} ns",
        of(|t| t.0),
        of(|t| t.1),
        of(|t| t.2),
        of(|t| t.3),
    );
}

/// S3.
fn timers() {
    for size in [1_000u32, 128_000, 1_000_000] {
        let deadline =
            |n: u32| Instant::from_nanos(u64::from(n) * 3_600_000_000_000 / u64::from(size));
        let (mut wheel, mut set) = (Wheel::new(size), OrderedSet::new());
        for n in 0..size {
            wheel.set(n, deadline(n));
            set.set(n, deadline(n));
        }
        let mut order = shuffled(size).into_iter().cycle();
        let (mut ratios, mut ours) = (vec![], vec![]);
        for round in 1..=ROUNDS {
            let turn: Vec<u32> = order.by_ref().take(TURN as usize).collect();
            let later = Duration::from_millis(700) * (round as u32);
            let start = Stopwatch::now();
            for n in &turn {
                wheel.set(*n, deadline(*n) + later);
            }
            let wheel_time = nanos(start);
            let start = Stopwatch::now();
            for n in &turn {
                set.set(*n, deadline(*n) + later);
            }
            ratios.push(wheel_time / nanos(start));
            ours.push(wheel_time);
        }
        println!(
            "S3 moving one of {size} timers: {:.0} ns, {:.3} of the ordered set",
            median(ours),
            median(ratios)
        );
    }
}

fn key(n: u32) -> [u8; 22] {
    let name = domain::nai(n);
    std::array::from_fn(|i| name.as_bytes().get(i).copied().unwrap_or(0))
}

fn nanos(start: Stopwatch) -> f64 {
    start.elapsed().as_secs_f64() * 1e9 / f64::from(TURN)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
