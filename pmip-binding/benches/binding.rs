//! `cargo bench -p pmip-binding --bench binding`: an anchor at 1,000, 128,000 and 1,000,000 two-path
//! bindings. A PBU is decoded, processed, answered by an encoded PBA; all outputs are taken. Beside it an update of a bare hash
//! map with the same keys and as much of a value as a binding has.

#[path = "domain/mod.rs"]
mod domain;

use std::hint::black_box;
use std::time::{Duration, Instant as Stopwatch};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use domain::{Ask, Domain, Homes, shuffled};
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use pmip_binding::Datagram;
use pmip_binding::testing::{OrderedSet, Wheel};
use pmip_wire::types::Instant;

const SIZES: [u32; 3] = [1_000, 128_000, 1_000_000];
/// PBUs made before the clock runs.
const BATCH: u64 = 256;

/// The time that the anchor takes for `count` PBUs that `next` describes, `after` each batch apart.
fn measure(
    domain: &mut Domain,
    count: u64,
    mut next: impl FnMut(&Domain) -> Ask,
    mut after: impl FnMut(&mut Domain),
) -> Duration {
    let (mut left, mut taken) = (count, Duration::ZERO);
    while left > 0 {
        let batch = left.min(BATCH);
        left -= batch;
        let mut datagrams: Vec<Datagram> = Vec::new();
        for _ in 0..batch {
            let ask = next(domain);
            datagrams.push(domain.datagram(&ask));
        }
        #[allow(clippy::disallowed_methods, reason = "a bench measures time")]
        let start = Stopwatch::now();
        for datagram in datagrams {
            black_box(domain.give(datagram));
        }
        taken += start.elapsed();
        after(domain);
    }
    taken
}

fn updates(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pbu");
    for size in SIZES {
        let mut domain = Domain::new(domain::config(size + 10_000), size, 1_000);
        let mut order = shuffled(size).into_iter().cycle();
        let mut binding_id = 1;
        group.bench_function(BenchmarkId::new("refresh", size), |b| {
            b.iter_custom(|count| {
                let next = |domain: &Domain| {
                    binding_id = 3 - binding_id;
                    domain.ask(order.next().expect("endless"), binding_id, 5)
                };
                measure(&mut domain, count, next, |_| {})
            });
        });
        let mut number = size;
        group.bench_function(BenchmarkId::new("new", size), |b| {
            b.iter_custom(|count| {
                let next = |domain: &Domain| {
                    number = size + (number - size + 1) % 1_000_000;
                    Ask {
                        homes: Homes::NONE,
                        lifetime: 1,
                        ..domain.ask(number, 1, 1)
                    }
                };
                // The new ones expire again.
                measure(&mut domain, count, next, |domain| {
                    domain.wait(Duration::from_secs(5))
                })
            });
        });
        let mut turn = 0;
        group.bench_function(BenchmarkId::new("handoff", size), |b| {
            b.iter_custom(|count| {
                let next = |domain: &Domain| {
                    turn += 1;
                    Ask {
                        gateway: 1_000_000 + turn % 1_000,
                        ..domain.ask(order.next().expect("endless"), 1, 3)
                    }
                };
                measure(&mut domain, count, next, |_| {})
            });
        });
        let mut map = HashMap::with_hasher(FixedState::with_seed(1));
        for n in 0..size {
            map.insert(domain::key(n), [0u64; 26]);
        }
        let keys: Vec<[u8; 22]> = shuffled(size).into_iter().map(domain::key).collect();
        let mut key = keys.iter().cycle();
        group.bench_function(BenchmarkId::new("bare-map-update", size), |b| {
            b.iter(|| {
                if let Some(value) = map.get_mut(key.next().expect("endless")) {
                    *value = black_box([1; 26]);
                }
            });
        });
        group.bench_function(BenchmarkId::new("idle-poll", size), |b| {
            b.iter(|| domain.lma.poll_output());
        });
    }
    let mut domain = Domain::new(domain::config(1), 1, 1);
    group.bench_function(BenchmarkId::new("idle-poll", 1), |b| {
        b.iter(|| domain.lma.poll_output());
    });
}

/// Moves a timer of many to a later deadline.
fn timers(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("timers");
    for size in SIZES {
        let deadline =
            |n: u32| Instant::from_nanos(u64::from(n) * 3_600_000_000_000 / u64::from(size));
        let (mut wheel, mut set) = (Wheel::new(size), OrderedSet::new());
        for n in 0..size {
            wheel.set(n, deadline(n));
            set.set(n, deadline(n));
        }
        let later = |n: u32, round: u64| deadline(n) + Duration::from_secs(1) * (round as u32);
        let order = shuffled(size);
        let mut turns = (1u64..).flat_map(|round| order.iter().map(move |n| (*n, round)));
        group.bench_function(BenchmarkId::new("wheel", size), |b| {
            b.iter(|| {
                let (n, round) = turns.next().expect("endless");
                wheel.set(n, later(n, round));
            });
        });
        let mut turns = (1u64..).flat_map(|round| order.iter().map(move |n| (*n, round)));
        group.bench_function(BenchmarkId::new("ordered-set", size), |b| {
            b.iter(|| {
                let (n, round) = turns.next().expect("endless");
                set.set(n, later(n, round));
            });
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = updates, timers
}
criterion_main!(benches);
