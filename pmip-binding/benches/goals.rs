//! `cargo bench -p pmip-binding --bench goals`: the figures of goals S1 to S3, what each kind of PBU costs
//! in updates of a bare hash map, and the times of a snapshot and its restoration. Ratios are medians
//! over rounds in which both sides take turns, so that a busy machine disturbs both. With the word
//! `loop` behind `--` it refreshes bindings and measures nothing, for whoever counts instructions.
#![allow(clippy::print_stdout, reason = "what it prints is what it is for")]
#![allow(clippy::disallowed_methods, reason = "a bench measures time")]

#[path = "domain/counting.rs"]
mod counting;
#[path = "domain/mod.rs"]
mod domain;

use std::hint::black_box;
use std::time::{Duration, Instant as Stopwatch};

use domain::{Ask, Domain, Homes, shuffled};
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use pmip_binding::config::HeartbeatConfig;
use pmip_binding::testing::{OrderedSet, Wheel};
use pmip_binding::{Datagram, Lma};
use pmip_wire::types::Instant;

const ROUNDS: usize = 2_001;
/// Rounds of each kind of PBU.
const KIND_ROUNDS: u32 = 301;
/// Operations of one side in a round: short enough that the scheduler seldom gets in between.
const TURN: u32 = 64;

fn main() {
    let wanted = |part: &str| {
        let mut chosen = std::env::args()
            .skip(1)
            .filter(|word| !word.starts_with('-'));
        let first = chosen.next();
        first.is_none_or(|first| first == part)
    };
    if wanted("memory") {
        memory();
    }
    if wanted("speed") {
        speed();
    }
    if wanted("kinds") {
        kinds();
    }
    if wanted("timers") {
        timers();
    }
    if wanted("snapshot") {
        snapshot();
    }
    if std::env::args().any(|word| word == "loop") {
        refreshes();
    }
}

/// For `valgrind --tool=callgrind --toggle-collect='*give_all*'`.
fn refreshes() {
    let mut pair = Pair::new(1_000);
    for round in 0..100 {
        pair.refresh(1 + round % 2);
    }
    println!("{} refreshes among 1000 bindings", 100 * TURN);
}

/// S1.
fn memory() {
    for sessions in [128_000u32, 1_000_000] {
        let octets = per_binding(sessions, 1_000, false);
        println!("S1 {sessions} bindings, 1000 to a gateway: {octets} octets each");
    }
    for heartbeat in [false, true] {
        let own = per_binding(128_000, 1, heartbeat);
        let beats = if heartbeat { " and heartbeats" } else { "" };
        println!(
            "   128000 bindings, each with a gateway, two paths{beats} of its own: {own} octets each"
        );
    }
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
        // With room for new ones.
        let domain = Domain::new(domain::config(size + TURN), size, 1_000);
        let mut map = HashMap::with_capacity_and_hasher(size as usize, FixedState::with_seed(1));
        for n in 0..size {
            map.insert(domain::key(n), [0; 26]);
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
        self.take(&asks)
    }

    /// Nanoseconds per PBU of these.
    fn take(&mut self, asks: &[Ask]) -> f64 {
        let datagrams: Vec<_> = asks.iter().map(|ask| self.domain.datagram(ask)).collect();
        let start = Stopwatch::now();
        self.give_all(datagrams);
        nanos(start)
    }

    #[inline(never)]
    fn give_all(&mut self, datagrams: Vec<Datagram>) {
        for datagram in datagrams {
            black_box(self.domain.give(datagram));
        }
    }

    /// New sessions, which end again at once.
    fn new_sessions(&mut self, round: u32) -> f64 {
        let first = self.domain.sessions() + round % 1_000 * TURN;
        let asks: Vec<Ask> = (first..first + TURN)
            .map(|session| Ask {
                homes: Homes::NONE,
                lifetime: 1,
                ..self.domain.ask(session, 1, 1)
            })
            .collect();
        let taken = self.take(&asks);
        self.domain.wait(Duration::from_secs(5));
        taken
    }

    fn handoffs(&mut self, round: u32) -> f64 {
        let sessions: Vec<u32> = self.order.by_ref().take(TURN as usize).collect();
        let to = 1_000_000 + round % 1_000;
        let asks: Vec<Ask> = sessions
            .into_iter()
            .map(|session| Ask {
                gateway: to,
                ..self.domain.ask(session, 1, 3)
            })
            .collect();
        self.take(&asks)
    }

    /// Nanoseconds per look at an idle anchor.
    fn idle(&mut self) -> f64 {
        let start = Stopwatch::now();
        for _ in 0..TURN {
            black_box(self.domain.lma.poll_output());
        }
        nanos(start)
    }

    /// Nanoseconds per update of the bare map.
    fn update(&mut self, value: u64) -> f64 {
        let keys: Vec<_> = self
            .order
            .by_ref()
            .take(TURN as usize)
            .map(domain::key)
            .collect();
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
fn speed() {
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
        "S2 refresh, slowdown from 1000 to 1000000 bindings: {:.2}; bare map of entries of \
         232 octets: {:.2}; ratio {:.2}",
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

/// The time of one kind of PBU in a round.
type Kind = fn(&mut Pair, u32) -> f64;

/// What each kind of PBU costs, in updates of a bare map of the same keys that take turns with it.
/// Handoffs come last, for they change whose gateway a session is behind.
fn kinds() {
    for size in [1_000u32, 128_000, 1_000_000] {
        let mut pair = Pair::new(size);
        let kinds: [(&str, Kind); 4] = [
            ("refresh", |pair, round| pair.refresh(1 + (round % 2) as u8)),
            ("new", Pair::new_sessions),
            ("handoff", Pair::handoffs),
            ("idle poll", |pair, _| pair.idle()),
        ];
        for (name, kind) in kinds {
            let (mut times, mut ratios) = (vec![], vec![]);
            for round in 0..KIND_ROUNDS {
                let time = kind(&mut pair, round);
                ratios.push(time / pair.update(round.into()));
                times.push(time);
            }
            let (time, ratio) = (median(times), median(ratios));
            println!("{name} among {size}: {time:.0} ns, {ratio:.1} updates of the bare map");
        }
    }
    let mut alone = Pair::new(1);
    let idle = median((0..KIND_ROUNDS).map(|_| alone.idle()).collect());
    println!("idle poll among 1: {idle:.0} ns");
}

/// S3: bindings refreshed at random, each about three times in an hour, and given half an hour to
/// an hour more. First the refreshes alone, then with time passing: who is late is taken out and
/// set anew, and the wheel pays for what it put off.
fn timers() {
    for size in [1_000u32, 128_000, 1_000_000] {
        let (alone, ratio) = moving(size, false);
        println!("S3 moving one of {size} timers: {alone:.0} ns, {ratio:.3} of the ordered set");
        let (passing, ratio) = moving(size, true);
        println!("   with time passing: {passing:.0} ns, {ratio:.3} of the ordered set");
    }
}

/// Nanoseconds per refresh on the wheel, and the ratio to the ordered set.
fn moving(size: u32, time_passes: bool) -> (f64, f64) {
    let (mut wheel, mut set) = (Wheel::new(size), OrderedSet::new());
    let mut chance = Chance(1);
    for n in 0..size {
        let at = Instant::from_nanos(chance.below(3_600_000_000_000));
        wheel.set(n, at);
        set.set(n, at);
    }
    let (mut ratios, mut ours, mut now) = (vec![], vec![], Instant::ZERO);
    // Every timer is moved once before the rounds that count.
    let warm_up = size.div_ceil(TURN) as usize;
    for round in 0..warm_up + ROUNDS {
        let turn: Vec<Refresh> = (0..TURN)
            .map(|_| {
                now += Duration::from_secs(1_200) / size;
                Refresh::draw(&mut chance, now, size)
            })
            .collect();
        let due = |refresh: &Refresh| {
            if time_passes {
                refresh.now
            } else {
                Instant::ZERO
            }
        };
        let start = Stopwatch::now();
        for refresh in &turn {
            while let Some(late) = wheel.pop_due(due(refresh)) {
                wheel.set(late, refresh.at);
            }
            wheel.set(refresh.timer, refresh.at);
        }
        let wheel_time = nanos(start);
        let start = Stopwatch::now();
        for refresh in &turn {
            while let Some(late) = set.pop_due(due(refresh)) {
                set.set(late, refresh.at);
            }
            set.set(refresh.timer, refresh.at);
        }
        let set_time = nanos(start);
        if round >= warm_up {
            ratios.push(wheel_time / set_time);
            ours.push(wheel_time);
        }
    }
    (median(ours), median(ratios))
}

/// Each must take less than two seconds.
fn snapshot() {
    let sessions = 128_000;
    let domain = Domain::new(domain::config(sessions), sessions, 1_000);
    let start = Stopwatch::now();
    let snapshot = domain.lma.snapshot();
    let written = start.elapsed();
    let start = Stopwatch::now();
    let text = serde_json::to_vec(&snapshot).expect("plain data");
    let encoded = start.elapsed();
    let config = domain::config(sessions);
    let start = Stopwatch::now();
    let restored = Lma::restore(config, &snapshot, [8; 32], domain::clock(), domain.now);
    let read = start.elapsed();
    let (lma, refusals) = restored.expect("a right snapshot");
    assert!(refusals.is_empty() && lma.snapshot() == snapshot);
    println!(
        "snapshot of {sessions} bindings: {written:.1?}, restored in {read:.1?}; as JSON in \
         {encoded:.1?}, {} octets each",
        text.len() / (sessions as usize)
    );
}

struct Refresh {
    now: Instant,
    timer: u32,
    at: Instant,
}

impl Refresh {
    fn draw(chance: &mut Chance, now: Instant, size: u32) -> Self {
        Self {
            now,
            timer: chance.below(size.into()) as u32,
            at: now + Duration::from_millis(1_800_000 + chance.below(1_800_000)),
        }
    }
}

struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 24) % limit
    }
}

fn nanos(start: Stopwatch) -> f64 {
    start.elapsed().as_secs_f64() * 1e9 / f64::from(TURN)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
