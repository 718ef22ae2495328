//! Bucket tables, steering by labels and profiles, and what flow tables make of them.

use core::time::Duration;
use std::sync::Arc;

use pmip_policy::{
    Buckets, Candidate, FlowKey, FlowTable, FlowTableConfig, LinkPreference, MapEntry, MapPolicy,
    MobileMap, NoPath, Outcome, PathSet, ProfileId, ProfileState, Reason, Spread, Standing,
    Steering, SteeringTable, Verdict, Verdicts,
};
use pmip_wire::types::{Instant, Label, PathId};
use proptest::prelude::*;

const LTE: Label = Label(1);
const DSL: Label = Label(2);
const VOICE: ProfileId = ProfileId(1);
const A: PathId = PathId(1);
const B: PathId = PathId(2);

fn key(n: u32) -> FlowKey {
    let [_, a, b, c] = n.to_be_bytes();
    FlowKey::new([10, a, b, c].into(), [192, 0, 2, 1].into(), FlowKey::UDP).with_ports(5_000, 53)
}

/// A is LTE, B is DSL, of these weights.
fn paths(a: u32, b: u32) -> PathSet {
    [(A, LTE, a), (B, DSL, b)]
        .map(|(path, label, weight)| Candidate::new(path, weight).with_label(label))
        .into_iter()
        .collect()
}

fn policy(entry: MapEntry) -> Option<Arc<MapPolicy>> {
    let mut map = MobileMap::new();
    map.insert(10, entry).expect("not 0");
    let profile = |name: &str| (name == "voice").then_some(VOICE);
    Some(Arc::new(MapPolicy::compile(&map, |_| None, profile)))
}

fn voice() -> MapEntry {
    let links = LinkPreference::with_null(&[LTE, DSL]).expect("two");
    MapEntry::new()
        .with_links(links)
        .with_traffic_profile("voice")
}

fn violating(pairs: &[(PathId, u32)]) -> Verdicts {
    let mut verdicts = Verdicts::new();
    for (path, ratio) in pairs {
        verdicts.set(*path, VOICE, Verdict::new(ProfileState::Violating, *ratio));
    }
    verdicts
}

fn pick(table: &SteeringTable) -> Result<PathId, NoPath> {
    table.select(&key(1), 7).map(|selection| selection.path)
}

#[test]
fn a_violating_path_leaves_its_profile_and_the_least_bad_one_is_kept() {
    let policy = policy(voice());
    let paths = paths(1, 1);
    let mut table = SteeringTable::new(policy.clone(), &paths, &Verdicts::new());
    assert_eq!(pick(&table), Ok(A));
    table.update(&paths, &violating(&[(A, 1_400)]));
    assert_eq!(pick(&table), Ok(B));
    table.update(&paths, &violating(&[(A, 1_400), (B, 1_300)]));
    assert_eq!(pick(&table), Ok(B), "never dropped, also with null");
    table.update(&paths, &violating(&[(A, 1_100), (B, 1_300)]));
    assert_eq!(pick(&table), Ok(B), "sticky");
    table.update(&paths, &violating(&[(B, 1_300)]));
    assert_eq!(pick(&table), Ok(A));
    let counters = policy.expect("given").counters().next().expect("one entry");
    assert_eq!(
        (counters.hits, counters.falls, counters.profile_fallbacks),
        (5, 1, 2)
    );
}

#[test]
fn strict_drops_what_no_path_serves() {
    let policy = policy(voice().with_strict());
    let both = violating(&[(A, 1_400), (B, 1_300)]);
    let table = SteeringTable::new(policy.clone(), &paths(1, 1), &both);
    assert_eq!(pick(&table), Err(NoPath::Strict { entry: 10 }));
    let counters = policy.expect("given").counters().next().expect("one entry");
    assert_eq!(counters.strict_drops, 1);
}

#[test]
fn flows_leave_a_violating_path_at_once_and_return_with_preempt_only() {
    for preempt in [false, true] {
        let paths = paths(1, 1);
        let table = SteeringTable::new(policy(voice()), &paths, &Verdicts::new());
        let mut table = table.with_preempt(preempt);
        let mut flows = FlowTable::new(FlowTableConfig::default().with_max_flows(8), 1);
        let now = Instant::from_secs(1);
        let mut at = |table: &SteeringTable, generation| {
            let choice = flows.choose(now, key(1), 0, table, generation);
            choice.map(|choice| choice.path)
        };
        assert_eq!(at(&table, 1), Ok(A));
        table.update(&paths, &violating(&[(A, 2_000)]));
        assert_eq!(at(&table, 2), Ok(B));
        table.update(&paths, &Verdicts::new());
        assert_eq!(at(&table, 3), Ok(if preempt { A } else { B }));
        let reason = flows.explain(&key(1), 0).expect("known").reason;
        let expected = if preempt {
            Reason::Returned { from: B }
        } else {
            Reason::Moved { from: A }
        };
        assert_eq!(reason, expected);
    }
}

#[test]
fn explain_tells_entry_label_bucket_and_standing() {
    let table = SteeringTable::new(policy(voice()), &paths(3, 1), &violating(&[(A, 2_000)]));
    let told = table.explain(&key(1), 7);
    assert_eq!((told.entry, told.label, told.fallen), (10, Some(DSL), 1));
    assert_eq!((told.path, told.profile), (Ok(B), Some(VOICE)));
    let standings: Vec<_> = told.candidates.iter().map(|found| found.standing).collect();
    assert_eq!(standings, [Standing::Violating, Standing::Eligible]);
}

/// Pareto 1.2, 10,000 flows, none above 2 % of the octets: placement by octets keeps the split.
#[test]
fn a_few_heavy_flows_do_not_defeat_the_weights() {
    for seed in 0..10u64 {
        let mut flows = FlowTable::new(FlowTableConfig::default(), seed);
        let table = SteeringTable::new(None, &paths(3, 1), &Verdicts::new());
        let mut state = seed;
        let sizes: Vec<f64> = (0..10_000)
            .map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                let even = ((state >> 11) as f64 / (1u64 << 53) as f64).max(1e-9);
                10_000.0 * even.powf(-1.0 / 1.2)
            })
            .collect();
        let capped = |cap: f64| -> Vec<u64> {
            let sizes = sizes.iter();
            sizes.map(|size| size.min(cap) as u64).collect()
        };
        let mut sizes = capped(f64::MAX);
        let fits = |sizes: &[u64]| {
            let total: u64 = sizes.iter().sum();
            sizes.iter().all(|size| size * 50 <= total)
        };
        while !fits(&sizes) {
            sizes = capped(sizes.iter().sum::<u64>() as f64 * 0.0195);
        }
        let total: u64 = sizes.iter().sum();
        let mut on_a = 0;
        for (n, size) in (0..).zip(sizes) {
            let now = Instant::from_millis(u64::from(n));
            let choice = flows.choose(now, key(n), 0, &table, 1).expect("a path");
            flows.record(choice.flow, 10, size);
            on_a += if choice.path == A { size } else { 0 };
        }
        let share = on_a as f64 / total as f64;
        assert!((0.70..=0.80).contains(&share), "seed {seed}: {share}");
        assert_eq!(flows.stats().moved, 0);
    }
}

#[test]
fn a_flowlet_moves_after_a_pause_that_keeps_order_and_not_before() {
    let mut paths = paths(1, 1);
    let slow = Candidate::new(A, 1).with_delay(Duration::from_millis(80));
    paths.insert(slow).expect("known");
    let spread = Spread::Flowlets {
        gap: Duration::from_millis(50),
    };
    let config = FlowTableConfig::default().with_spread(spread);
    let mut flows = FlowTable::new(config, 3);
    let at = |ms| Instant::from_millis(ms);
    let on_a = (0..).find(|n| paths.pick(flows.hash_of(&key(*n))) == Some(A));
    let key = key(on_a.expect("one of two"));
    let first = flows.choose(at(0), key, 0, &paths, 1).expect("a path");
    flows.record(first.flow, 1_000, 10_000_000);
    // A is slower by 80 ms: less than 130 ms could reorder.
    for n in 1..50 {
        let choice = flows
            .choose(at(n * 120), key, 0, &paths, 1)
            .expect("a path");
        assert_eq!(choice.outcome, Outcome::Kept);
    }
    let moved = (0..20).any(|n| {
        let choice = flows.choose(at(6_000 + n * 140), key, 0, &paths, 1);
        choice.expect("a path").path == B
    });
    assert!(moved && flows.stats().flowlets == 1);
}

#[test]
fn per_packet_spreads_one_flow_by_weight() {
    let config = FlowTableConfig::default().with_spread(Spread::Packets);
    let mut flows = FlowTable::new(config, 3);
    let table = SteeringTable::new(None, &paths(3, 1), &Verdicts::new());
    let on_a = (0..1_000)
        .filter(|n| {
            let now = Instant::from_millis(*n);
            let choice = flows.choose(now, key(1), 0, &table, 1).expect("a path");
            choice.path == A
        })
        .count();
    assert!((730..=770).contains(&on_a), "{on_a}");
}

#[test]
fn mirrored_answers_follow_the_flow() {
    let config = FlowTableConfig::default().with_mirror(true);
    let mut flows = FlowTable::new(config, 3);
    let table = SteeringTable::new(None, &paths(1, 1), &Verdicts::new());
    let now = Instant::from_secs(1);
    for n in 0..50 {
        for path in [A, B, A] {
            let inbound = key(n).reversed().with_dscp(46);
            flows.arrived(now, inbound, 0, path, &table, 1);
            let answer = flows.choose(now, key(n), 0, &table, 1).expect("a path");
            assert_eq!(answer.path, path);
        }
    }
}

fn owners(buckets: &Buckets) -> Vec<Option<PathId>> {
    (0..4_096u64)
        .map(|n| buckets.pick(n.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Shares are right to a bucket; a loss moves only the lost path's, a weight only towards or
    /// away from its path, and no more than the shares differ.
    #[test]
    fn buckets_follow_weights_and_move_what_they_must(
        weights in prop::collection::vec(1u32..=100, 2..=4),
        changed in any::<prop::sample::Index>(),
        to in 1u32..=100,
    ) {
        let list = |weights: &[u32]| -> Vec<(PathId, u32)> {
            (1..).map(PathId).zip(weights.iter().copied()).collect()
        };
        let mut buckets = Buckets::new(list(&weights));
        let total: u32 = weights.iter().sum();
        for (path, weight) in list(&weights) {
            let exact = f64::from(weight) / f64::from(total) * 256.0;
            let off = (buckets.owned_by(path) as f64 - exact).abs();
            prop_assert!(off < 1.0, "{off} of {weights:?}");
        }
        let before = owners(&buckets);
        let at = changed.index(weights.len());
        let path = PathId(at as u32 + 1);
        let mut lost = buckets.clone();
        let rest: Vec<_> = list(&weights).into_iter().filter(|(of, _)| *of != path).collect();
        prop_assert_eq!(lost.update(rest), 0);
        for (was, is) in before.iter().zip(owners(&lost)) {
            prop_assert!(*was == is || *was == Some(path));
            prop_assert!(is != Some(path));
        }
        let had = buckets.owned_by(path);
        let mut changed = weights.clone();
        changed[at] = to;
        let moved = buckets.update(list(&changed));
        prop_assert_eq!(moved, had.abs_diff(buckets.owned_by(path)));
        for (was, is) in before.iter().zip(owners(&buckets)) {
            let side = if to > weights[at] { is } else { *was };
            prop_assert!(*was == is || side == Some(path));
        }
    }
}
