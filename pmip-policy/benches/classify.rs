//! `cargo bench -p pmip-policy --bench classify`: a first packet's way through a mobile map of 10,
//! 100 and 1,000 rules, beside one bare hash-map get of the same key in the same run.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use pmip_policy::{
    AccessList, Action, AddressMatch, Family, FlowKey, MapEntry, MapPolicy, MobileMap, PortMatch,
    Rule, Selector,
};

fn key(n: u32) -> FlowKey {
    let [_, a, b, c] = n.wrapping_mul(0x9e37_79b1).to_be_bytes();
    FlowKey::new([10, a, b, c].into(), [192, 0, 2, 1].into(), FlowKey::TCP)
        .with_ports((n % 60_000) as u16, 443)
}

/// Ten entries that share `rules` lines, each naming a server and a port; no flow matches any, so
/// every line is looked at.
fn policy(rules: u32) -> MapPolicy {
    let mut map = MobileMap::new();
    let mut list = AccessList::new(Family::Ipv4);
    for n in 0..rules / 10 {
        let [_, _, a, b] = n.to_be_bytes();
        let server = AddressMatch::host([198, 51, a, b].into());
        let selector = Selector::any()
            .with_protocol(FlowKey::TCP)
            .with_destination(server)
            .with_destination_port(PortMatch::Eq(443));
        let _ = list.append(Rule::new(Action::Permit, selector));
    }
    for sequence in 1..=10 {
        let _ = map.insert(sequence, MapEntry::new().with_access_list("servers"));
    }
    MapPolicy::compile(&map, |_| Some(&list))
}

fn classify(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("classify");
    let mut map: HashMap<FlowKey, u64, FixedState> = HashMap::with_hasher(FixedState::with_seed(1));
    for n in 0..1_000 {
        map.insert(key(n), 0);
    }
    let mut n = 0;
    let mut next = move || {
        n = (n + 1) % 1_000;
        key(n)
    };
    group.bench_function("bare-get", |b| b.iter(|| black_box(map.get(&next()))));
    for rules in [10, 100, 1_000] {
        let policy = policy(rules);
        group.bench_function(BenchmarkId::new("map", rules), |b| {
            b.iter(|| policy.classify(black_box(&next())));
        });
    }
}

criterion_group!(benches, classify);
criterion_main!(benches);
