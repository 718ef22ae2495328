//! `cargo bench -p pmip-policy --bench flow`: a packet's way to its path, beside one bare hash-map
//! get of the same key in the same run.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use pmip_policy::{Candidate, FlowKey, FlowTable, FlowTableConfig, PathSet};
use pmip_wire::types::{Instant, PathId};

/// A value as large as what a flow table must keep per flow beside the key.
type Value = [u64; 6];

fn key(n: u32) -> FlowKey {
    let [_, a, b, c] = n.wrapping_mul(0x9e37_79b1).to_be_bytes();
    let host = [10, a, b, c].into();
    FlowKey::new(host, [192, 0, 2, 1].into(), FlowKey::TCP).with_ports((n % 60_000) as u16, 443)
}

fn paths(count: u32) -> PathSet {
    (1..=count)
        .map(|n| Candidate::new(PathId(n), n % 100 + 1))
        .collect()
}

/// Keys in an order that defeats the prefetcher, as packets of many flows come.
fn shuffled(count: u32) -> Vec<FlowKey> {
    let mut order: Vec<u32> = (0..count).collect();
    let mut state = 1u64;
    for i in (1..order.len()).rev() {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        order.swap(i, (state >> 33) as usize % (i + 1));
    }
    order.into_iter().map(key).collect()
}

fn hit(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("hit");
    for count in [1_000, 100_000, 1_000_000] {
        let keys = shuffled(count);
        let mut map: HashMap<FlowKey, Value, FixedState> =
            HashMap::with_capacity_and_hasher(count as usize, FixedState::with_seed(1));
        let config = FlowTableConfig::default().with_max_flows(count);
        let (mut flows, set, now) = (FlowTable::new(config, 1), paths(2), Instant::ZERO);
        for n in 0..count {
            map.insert(key(n), [0; 6]);
            let _ = flows.choose(now, key(n), 0, &set, 1);
        }
        let mut next = keys.iter().cycle();
        group.bench_function(BenchmarkId::new("bare-get", count), |b| {
            b.iter(|| black_box(map.get(next.next().expect("endless"))));
        });
        let mut next = keys.iter().cycle();
        group.bench_function(BenchmarkId::new("flow-table", count), |b| {
            b.iter(|| flows.choose(now, *next.next().expect("endless"), 0, &set, 1));
        });
        let mut next = keys.iter().cycle();
        group.bench_function(BenchmarkId::new("flow-table-and-record", count), |b| {
            b.iter(|| {
                let choice = flows.choose(now, *next.next().expect("endless"), 0, &set, 1);
                if let Ok(choice) = choice {
                    flows.record(choice.flow, 1, 1_400);
                }
            });
        });
    }
}

/// New flows in a full table: a miss, a pick over two paths, an eviction.
fn miss(criterion: &mut Criterion) {
    let config = FlowTableConfig::default().with_max_flows(100_000);
    let (mut flows, set) = (FlowTable::new(config, 1), paths(2));
    let mut n = 0u32;
    let mut new_flow = move || {
        n = n.wrapping_add(1);
        let now = Instant::from_nanos(u64::from(n) * 1_000);
        flows.choose(now, key(n), 0, &set, 1)
    };
    for _ in 0..100_000 {
        let _ = new_flow();
    }
    criterion.bench_function("miss/full-table-of-100000", |b| b.iter(&mut new_flow));
}

fn choice(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("choice");
    for count in [2, 8, 254] {
        let set = paths(count);
        let mut hash = 0u64;
        group.bench_function(BenchmarkId::new("rendezvous", count), |b| {
            b.iter(|| {
                hash = hash.wrapping_add(0x9e37_79b9_7f4a_7c15);
                set.pick(black_box(hash))
            });
        });
    }
}

criterion_group!(benches, hit, miss, choice);
criterion_main!(benches);
