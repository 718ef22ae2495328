//! `cargo bench -p pmip-policy`: what a packet and a first packet cost, each as a ratio to one bare
//! hash-map get of the same key in the same run.
//!
//! Yardstick and subject take turns, round by round; what is printed is the median of the rounds'
//! ratios, so that a busy machine disturbs both alike. The map's value is as large as what a flow
//! entry keeps beside its key. `cargo bench -p pmip-policy -- hit` runs the rows with that word.
#![allow(clippy::print_stdout, clippy::disallowed_methods)] // A bench reads the clock and prints.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant as Clock;

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use pmip_policy::{
    AccessList, Action, AddressMatch, Buckets, Candidate, Family, FlowKey, FlowTable,
    FlowTableConfig, MapEntry, MapPolicy, MobileMap, PathSet, PortMatch, Rule, Selector,
    SteeringTable, Verdicts,
};
use pmip_wire::types::{Instant, IpPrefix, PathId};

const ROUNDS: usize = 31;
/// Calls per round.
const CALLS: usize = 200_000;

type Map = HashMap<FlowKey, [u64; 6], FixedState>;

fn main() {
    let wanted = std::env::args().skip(1).find(|word| !word.starts_with('-'));
    let rows: &[(&str, fn())] = &[
        ("hit", hit),
        ("miss", miss),
        ("rules", rules),
        ("choice", choice),
    ];
    println!(
        "{:48} {:>7} {:>7} {:>6} {:>5}",
        "", "get ns", "ns", "ratio", "goal"
    );
    for (name, run) in rows {
        if wanted.as_ref().is_none_or(|wanted| name.contains(wanted)) {
            run();
        }
    }
}

/// F1: a packet of a known flow.
fn hit() {
    for count in [1_000, 100_000, 1_000_000] {
        let (keys, map) = (shuffled(count), map(count));
        let (mut flows, set, now) = (table(count), two_paths(), Instant::ZERO);
        for n in 0..count {
            let _ = flows.choose(now, key(n), 0, &set, 1);
        }
        compare(&format!("hit, {count} flows"), "1.5", &keys, &map, |key| {
            black_box(flows.choose(now, *key, 0, &set, 1).is_ok());
        });
        let name = format!("hit and record, {count} flows");
        compare(&name, "", &keys, &map, |key| {
            if let Ok(choice) = flows.choose(now, *key, 0, &set, 1) {
                flows.record(choice.flow, 1, 1_400);
            }
        });
    }
}

/// The whole first packet in a full table: miss, classification, choice, eviction, insertion.
fn miss() {
    let count = 100_000;
    let (keys, map) = (shuffled(count), map(count));
    for rules in [10, 100, 1_000] {
        let mut flows = table(count);
        let policy = Arc::new(policy(rules, Family::Ipv4));
        let steering = SteeringTable::new(Some(policy), &two_paths(), &Verdicts::new());
        let mut n = 0u32;
        let name = format!("whole first packet, full table, {rules} rules");
        compare(&name, "", &keys, &map, |_| {
            n = n.wrapping_add(1);
            let now = Instant::from_nanos(u64::from(n) * 1_000);
            black_box(flows.choose(now, key(n), 0, &steering, 1).is_ok());
        });
    }
}

/// F2: which entry of a mobile map takes a first packet.
fn rules() {
    for family in [Family::Ipv4, Family::Ipv6] {
        let keys: Vec<FlowKey> = (0..1_000).map(|n| family_key(n, family)).collect();
        let mut map = Map::with_hasher(FixedState::with_seed(1));
        map.extend(keys.iter().map(|key| (*key, [0; 6])));
        for (rules, goal) in [(10, "1"), (30, ""), (100, "4"), (1_000, "8")] {
            let policy = policy(rules, family);
            let name = format!("{family:?}, {rules} rules");
            compare(&name, goal, &keys, &map, |key| {
                black_box(policy.classify(key));
            });
        }
    }
}

/// F3: which path a hash falls to.
fn choice() {
    let (keys, map) = (shuffled(1_000), map(1_000));
    for count in [2, 8, 254] {
        let buckets = Buckets::new((1..=count).map(|n| (PathId(n), n % 100 + 1)));
        let mut hash = 0u64;
        let name = format!("choice of {count} paths");
        compare(&name, "0.25", &keys, &map, |_| {
            hash = hash.wrapping_add(0x9e37_79b9_7f4a_7c15);
            black_box(buckets.pick(hash));
        });
    }
}

/// Prints how `subject` compares with a get, both over the same keys.
fn compare(name: &str, goal: &str, keys: &[FlowKey], map: &Map, mut subject: impl FnMut(&FlowKey)) {
    let mut rounds: Vec<(f64, f64)> = Vec::new();
    for _ in 0..=ROUNDS {
        let get = time(keys, |key| {
            black_box(map.get(key));
        });
        rounds.push((get, time(keys, &mut subject)));
    }
    rounds.remove(0); // It warmed up.
    let get = median(rounds.iter().map(|(get, _)| *get));
    let ours = median(rounds.iter().map(|(_, ours)| *ours));
    let ratio = median(rounds.iter().map(|(get, ours)| ours / get));
    println!("{name:48} {get:7.2} {ours:7.2} {ratio:6.2} {goal:>5}");
}

/// Nanoseconds per call.
fn time(keys: &[FlowKey], mut call: impl FnMut(&FlowKey)) -> f64 {
    let start = Clock::now();
    for key in keys.iter().cycle().take(CALLS) {
        call(key);
    }
    start.elapsed().as_nanos() as f64 / CALLS as f64
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn key(n: u32) -> FlowKey {
    let [_, a, b, c] = n.wrapping_mul(0x9e37_79b1).to_be_bytes();
    let host = [10, a, b, c].into();
    FlowKey::new(host, [192, 0, 2, 1].into(), FlowKey::TCP).with_ports((n % 60_000) as u16, 443)
}

/// Keys in an order that defeats the prefetcher, as packets of many flows come.
fn shuffled(count: u32) -> Vec<FlowKey> {
    let mut order: Vec<u32> = (0..count).collect();
    let mut random = Lcg(1);
    for i in (1..order.len()).rev() {
        order.swap(i, random.below(i as u32 + 1) as usize);
    }
    order.into_iter().map(key).collect()
}

fn map(count: u32) -> Map {
    let mut map = Map::with_capacity_and_hasher(count as usize, FixedState::with_seed(1));
    map.extend((0..count).map(|n| (key(n), [0; 6])));
    map
}

fn table(flows: u32) -> FlowTable {
    FlowTable::new(FlowTableConfig::default().with_max_flows(flows), 1)
}

fn two_paths() -> PathSet {
    [1, 2]
        .map(|n| Candidate::new(PathId(n), n))
        .into_iter()
        .collect()
}

/// Five entries whose lists share the rules; most flows meet none.
fn policy(rules: u32, family: Family) -> MapPolicy {
    const ENTRIES: u8 = 5;
    let mut map = MobileMap::new();
    let mut random = Lcg(7);
    let mut lists = Vec::new();
    for entry in 0..ENTRIES {
        let mut list = AccessList::new(family);
        for _ in 0..rules / u32::from(ENTRIES) {
            let _ = list.append(rule(&mut random, family));
        }
        lists.push(list);
        let named = MapEntry::new().with_access_list(entry.to_string());
        let _ = map.insert(entry + 1, named);
    }
    let find = |name: &str| lists.get(name.parse::<usize>().ok()?);
    MapPolicy::compile(&map, find, |_| None)
}

/// A server or its neighbourhood, and what it offers.
fn rule(random: &mut Lcg, family: Family) -> Rule {
    let width = if family == Family::Ipv4 { 32 } else { 128 };
    let length = width - 4 * (random.below(2) as u8);
    let mut selector = Selector::any();
    if let Ok(prefix) = IpPrefix::new(address(random.below(4_096) << 4, family), length) {
        selector = selector.with_destination(AddressMatch::Prefix(prefix));
    }
    let selector = match random.below(3) {
        0 => selector.with_protocol(FlowKey::TCP),
        1 => selector
            .with_protocol(FlowKey::UDP)
            .with_destination_port(PortMatch::Range(16_384, 32_767)),
        _ => {
            let port = [80, 443, 5_060, 22][random.below(4) as usize];
            selector.with_destination_port(PortMatch::Eq(port))
        }
    };
    let action = if random.below(4) == 0 {
        Action::Deny
    } else {
        Action::Permit
    };
    Rule::new(action, selector)
}

fn address(n: u32, family: Family) -> std::net::IpAddr {
    let [_, _, a, b] = n.to_be_bytes();
    match family {
        Family::Ipv4 => [198, 51, a, b].into(),
        Family::Ipv6 => [0x2001, 0xdb8, 7, 0, 0, 0, a.into(), b.into()].into(),
    }
}

fn family_key(n: u32, family: Family) -> FlowKey {
    let mut random = Lcg(u64::from(n) + 99);
    let source = match family {
        Family::Ipv4 => [10, 0, 0, 2].into(),
        Family::Ipv6 => [0x2001, 0xdb8, 1, 0, 0, 0, 0, 2].into(),
    };
    let protocol = [FlowKey::TCP, FlowKey::UDP][random.below(2) as usize];
    let port = [80, 443, 5_060, 22, 20_000][random.below(5) as usize];
    FlowKey::new(source, address(random.below(65_536), family), protocol)
        .with_ports(random.below(60_000) as u16, port)
}

struct Lcg(u64);

impl Lcg {
    fn below(&mut self, limit: u32) -> u32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as u32 % limit
    }
}
