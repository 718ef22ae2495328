//! The life of flows, as short stories and against a naive model.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use pmip_policy::{
    Candidate, FlowKey, FlowTable, FlowTableConfig, NoPath, Outcome, PathSet, Reason,
};
use pmip_wire::types::{Instant, PathId};
use proptest::prelude::*;

const SESSION: u32 = 7;

fn udp(n: u32) -> FlowKey {
    let [_, a, b, c] = n.to_be_bytes();
    FlowKey::new([10, a, b, c].into(), [192, 0, 2, 1].into(), FlowKey::UDP).with_ports(5_000, 53)
}

fn tcp(n: u32) -> FlowKey {
    let key = udp(n);
    FlowKey::new(key.source(), key.destination(), FlowKey::TCP).with_ports(5_000, 443)
}

fn two_paths() -> PathSet {
    [1, 2]
        .map(|n| Candidate::new(PathId(n), 1))
        .into_iter()
        .collect()
}

fn table(max_flows: u32) -> FlowTable {
    FlowTable::new(FlowTableConfig::default().with_max_flows(max_flows), 99)
}

fn secs(secs: u64) -> Instant {
    Instant::from_secs(secs)
}

#[test]
fn a_dead_path_moves_only_its_own_flows_and_a_returning_one_none() {
    let mut flows = table(10_000);
    let mut paths = two_paths();
    let before: Vec<_> = (0..1_000)
        .map(|n| {
            flows
                .choose(secs(1), udp(n), SESSION, &paths, 1)
                .expect("a path")
                .path
        })
        .collect();

    paths.set_usable(PathId(1), false);
    for (n, &was) in (0..).zip(&before) {
        let choice = flows
            .choose(secs(2), udp(n), SESSION, &paths, 2)
            .expect("a path");
        assert_eq!(choice.path, PathId(2));
        let moved = Outcome::Moved { from: PathId(1) };
        let expected = if was == PathId(1) {
            moved
        } else {
            Outcome::Kept
        };
        assert_eq!(choice.outcome, expected);
    }

    paths.set_usable(PathId(1), true);
    for n in 0..1_000 {
        let choice = flows
            .choose(secs(3), udp(n), SESSION, &paths, 3)
            .expect("a path");
        assert_eq!((choice.path, choice.outcome), (PathId(2), Outcome::Kept));
    }
    let on_first = before.iter().filter(|path| **path == PathId(1)).count();
    assert_eq!(flows.stats().moved, on_first as u64);
}

#[test]
fn the_generation_alone_makes_a_flow_look_at_its_path() {
    // The caller promises to raise it with every change; that is what makes a hit cheap.
    let mut flows = table(10);
    let mut paths = two_paths();
    let first = flows
        .choose(secs(1), udp(1), SESSION, &paths, 1)
        .expect("a path");
    paths.set_usable(first.path, false);
    let same = flows
        .choose(secs(1), udp(1), SESSION, &paths, 1)
        .expect("a path");
    assert_eq!(same.path, first.path);
    let next = flows
        .choose(secs(1), udp(1), SESSION, &paths, 2)
        .expect("a path");
    assert_ne!(next.path, first.path);
}

#[test]
fn without_a_path_the_flow_keeps_its_place() {
    let mut flows = table(10);
    let mut paths = two_paths();
    let first = flows
        .choose(secs(1), udp(1), SESSION, &paths, 1)
        .expect("a path");
    paths.set_usable(PathId(1), false);
    paths.set_usable(PathId(2), false);
    let refused = flows.choose(secs(2), udp(1), SESSION, &paths, 2);
    assert_eq!(refused, Err(NoPath::NoneUsable));
    assert_eq!(
        flows.choose(secs(2), udp(2), SESSION, &paths, 2),
        Err(NoPath::NoneUsable)
    );
    assert_eq!((flows.len(), flows.stats().no_path), (1, 2));

    paths.set_usable(first.path, true);
    let again = flows
        .choose(secs(3), udp(1), SESSION, &paths, 3)
        .expect("a path");
    assert_eq!((again.path, again.outcome), (first.path, Outcome::Kept));
}

#[test]
fn udp_is_forgotten_after_60_seconds_and_tcp_after_300() {
    let mut flows = table(10);
    let paths = two_paths();
    for key in [udp(1), tcp(1)] {
        let choice = flows
            .choose(secs(0), key, SESSION, &paths, 1)
            .expect("a path");
        flows.record(choice.flow, 2, 80);
    }
    assert_eq!(flows.remove_expired(secs(59), 100), 0);
    assert_eq!(flows.remove_expired(secs(60), 100), 1);
    assert!(flows.explain(&tcp(1), SESSION).is_some());
    assert_eq!(flows.remove_expired(secs(299), 100), 0);
    assert_eq!(flows.remove_expired(secs(300), 100), 1);
    assert!(flows.is_empty());
    assert_eq!(flows.stats().expired, 2);
}

#[test]
fn a_flow_that_was_silent_too_long_is_new_even_before_a_sweep() {
    let mut flows = table(10);
    let mut paths = two_paths();
    let first = flows
        .choose(secs(0), udp(1), SESSION, &paths, 1)
        .expect("a path");
    flows.record(first.flow, 1, 100);
    // It moves, its own path returns, and after the silence it goes home again.
    paths.set_usable(first.path, false);
    flows
        .choose(secs(1), udp(1), SESSION, &paths, 2)
        .expect("a path");
    paths.set_usable(first.path, true);
    let again = flows
        .choose(secs(61), udp(1), SESSION, &paths, 3)
        .expect("a path");
    assert_eq!((again.path, again.outcome), (first.path, Outcome::New));
    let info = flows.explain(&udp(1), SESSION).expect("known");
    assert_eq!((info.packets, info.since, info.moves), (0, secs(61), 0));
    assert_eq!(flows.len(), 1);
}

#[test]
fn traffic_keeps_a_flow_alive_and_time_that_runs_back_is_clamped() {
    let mut flows = table(10);
    let paths = two_paths();
    for now in [0, 50, 100, 20] {
        flows
            .choose(secs(now), udp(1), SESSION, &paths, 1)
            .expect("a path");
    }
    assert_eq!(flows.remove_expired(secs(159), 10), 0);
    assert_eq!(
        flows.explain(&udp(1), SESSION).expect("known").last_seen,
        secs(100)
    );
}

#[test]
fn a_sweep_looks_at_no_more_than_its_budget() {
    let mut flows = table(100);
    let paths = two_paths();
    for n in 0..100 {
        flows
            .choose(secs(0), udp(n), SESSION, &paths, 1)
            .expect("a path");
    }
    let mut rounds = 0;
    while !flows.is_empty() {
        assert_eq!(flows.remove_expired(secs(60), 10), 10);
        rounds += 1;
    }
    assert_eq!(rounds, 10);
}

#[test]
fn a_full_table_gives_up_idle_flows_first() {
    let mut flows = table(16);
    let paths = two_paths();
    for n in 0..16 {
        flows
            .choose(secs(u64::from(n != 9) * 30), udp(n), SESSION, &paths, 1)
            .expect("a path");
    }
    flows
        .choose(secs(61), udp(100), SESSION, &paths, 1)
        .expect("a path");
    assert_eq!(flows.explain(&udp(9), SESSION), None);
    assert_eq!(
        (flows.len(), flows.stats().evicted, flows.stats().expired),
        (16, 0, 1)
    );
}

#[test]
fn a_full_table_of_live_flows_gives_up_the_one_silent_for_longest() {
    let mut flows = table(16);
    let paths = two_paths();
    for n in 0..16 {
        let now = secs(if n == 5 { 10 } else { 20 });
        flows
            .choose(now, udp(n), SESSION, &paths, 1)
            .expect("a path");
    }
    flows
        .choose(secs(21), udp(100), SESSION, &paths, 1)
        .expect("a path");
    assert_eq!(flows.explain(&udp(5), SESSION), None);
    assert_eq!((flows.len(), flows.stats().evicted), (16, 1));
}

#[test]
fn a_flood_of_new_flows_never_outgrows_the_table_and_busy_flows_survive_it() {
    let mut flows = table(1_024);
    let paths = two_paths();
    for round in 0..10_000u32 {
        let now = Instant::from_millis(u64::from(round));
        flows
            .choose(now, udp(1_000_000 + round), SESSION, &paths, 1)
            .expect("a path");
        // Ten conversations with a packet every ten rounds.
        flows
            .choose(now, tcp(round % 10), SESSION, &paths, 1)
            .expect("a path");
        assert!(flows.len() <= 1_024);
    }
    // Each of the ten was placed once: none was evicted in between.
    assert_eq!(flows.stats().created, 10_000 + 10);
}

#[test]
fn scopes_and_code_points_keep_flows_apart_on_one_path() {
    let mut flows = table(10_000);
    let paths = two_paths();
    // Scopes 1 and `far` are alike in all that the index keeps of their hashes.
    let far = 1 + (1 << 26);
    for n in 0..500 {
        let key = udp(n);
        let base = flows.choose(secs(1), key, 1, &paths, 1).expect("a path");
        for (key, scope) in [(key, far), (key.with_dscp(46), 1)] {
            let other = flows
                .choose(secs(1), key, scope, &paths, 1)
                .expect("a path");
            assert_eq!((other.outcome, other.path), (Outcome::New, base.path));
            assert_ne!(other.flow, base.flow);
        }
    }
    assert_eq!(flows.remove_scope(far), 500);
    assert_eq!(flows.len(), 1_000);
    flows.clear();
    assert!(flows.is_empty() && flows.flows().next().is_none());
}

#[test]
fn explain_tells_path_reason_since_and_counts() {
    let mut flows = table(10);
    let mut paths = two_paths();
    let first = flows
        .choose(secs(1), udp(1), SESSION, &paths, 1)
        .expect("a path");
    flows.record(first.flow, 44, 60_000);
    let told = |flows: &FlowTable| flows.explain(&udp(1), SESSION).expect("known");
    assert_eq!(told(&flows).reason, Reason::New);
    assert_eq!(paths.pick(told(&flows).hash), Some(first.path));

    flows
        .choose(secs(2), udp(1), SESSION, &paths, 2)
        .expect("a path");
    assert_eq!(
        (told(&flows).reason, told(&flows).since),
        (Reason::Kept, secs(1))
    );

    paths.set_usable(first.path, false);
    flows
        .choose(secs(3), udp(1), SESSION, &paths, 3)
        .expect("a path");
    flows
        .choose(secs(4), udp(1), SESSION, &paths, 4)
        .expect("a path");
    let info = told(&flows);
    assert_eq!(info.reason, Reason::Moved { from: first.path });
    assert_eq!(
        (info.since, info.moves, info.last_seen),
        (secs(3), 1, secs(4))
    );
    assert_eq!((info.packets, info.bytes), (44, 60_000));
    assert_eq!(flows.flows().collect::<Vec<_>>(), [info]);
    assert_eq!(flows.explain(&udp(2), SESSION), None);
}

/// What may happen to a table.
#[derive(Clone, Debug)]
enum Step {
    Packet { flow: u32, tcp: bool, scope: u32 },
    Wait { secs: u64 },
    Usable { path: u32, usable: bool },
    Sweep,
    Forget { scope: u32 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0u32..12, any::<bool>(), 0u32..2)
            .prop_map(|(flow, tcp, scope)| Step::Packet { flow, tcp, scope }),
        2 => (0u64..100).prop_map(|secs| Step::Wait { secs }),
        2 => (1u32..4, any::<bool>()).prop_map(|(path, usable)| Step::Usable { path, usable }),
        1 => Just(Step::Sweep),
        1 => (0u32..2).prop_map(|scope| Step::Forget { scope }),
    ]
}

/// The same rules without bounds, slots or hashes: an ordered map.
#[derive(Default)]
struct Model {
    flows: BTreeMap<(FlowKey, u32), (PathId, Instant)>,
}

impl Model {
    fn choose(
        &mut self,
        now: Instant,
        flow: (FlowKey, u32),
        usable: &BTreeSet<PathId>,
        pick: Option<PathId>,
    ) -> Option<(PathId, Outcome)> {
        if self
            .flows
            .get(&flow)
            .is_some_and(|&(_, seen)| now >= seen + idle(&flow.0))
        {
            self.flows.remove(&flow);
        }
        let (path, outcome) = match self.flows.get(&flow) {
            None => (pick?, Outcome::New),
            Some(&(path, _)) if usable.contains(&path) => (path, Outcome::Kept),
            Some(&(from, _)) => (pick?, Outcome::Moved { from }),
        };
        self.flows.insert(flow, (path, now));
        Some((path, outcome))
    }

    fn sweep(&mut self, now: Instant) {
        self.flows
            .retain(|(key, _), (_, seen)| now < *seen + idle(key));
    }
}

fn idle(key: &FlowKey) -> Duration {
    Duration::from_secs(if key.protocol() == FlowKey::TCP {
        300
    } else {
        60
    })
}

proptest! {
    #[test]
    fn the_table_equals_the_model(steps in prop::collection::vec(step(), 1..150)) {
        // Room for all 48 flows: eviction has its own tests.
        let mut flows = table(48);
        let mut model = Model::default();
        let mut paths: PathSet =
            (1..4).map(|n| Candidate::new(PathId(n), n * 10)).collect();
        let (mut now, mut generation) = (secs(0), 0);
        for step in steps {
            match step {
                Step::Packet { flow, tcp: is_tcp, scope } => {
                    let key = if is_tcp { tcp(flow) } else { udp(flow) };
                    let usable = paths.iter().filter(|found| found.usable);
                    let usable = usable.map(|found| found.path).collect();
                    let pick = paths.pick(flows.hash_of(&key));
                    let expected = model.choose(now, (key, scope), &usable, pick);
                    let choice = flows.choose(now, key, scope, &paths, generation).ok();
                    if let Some(choice) = choice {
                        // Two packets establish a TCP flow.
                        flows.record(choice.flow, 2, 0);
                    }
                    prop_assert_eq!(choice.map(|got| (got.path, got.outcome)), expected);
                }
                Step::Wait { secs } => now += Duration::from_secs(secs),
                Step::Usable { path, usable } => {
                    generation += u32::from(paths.set_usable(PathId(path), usable));
                }
                Step::Sweep => {
                    flows.remove_expired(now, 48);
                    model.sweep(now);
                }
                Step::Forget { scope } => {
                    flows.remove_scope(scope);
                    model.flows.retain(|(_, of), _| *of != scope);
                }
            }
        }
        flows.remove_expired(now, 48);
        model.sweep(now);
        let mut ours: Vec<_> = flows
            .flows()
            .map(|info| ((info.key, info.scope), (info.path, info.last_seen)))
            .collect();
        ours.sort();
        prop_assert_eq!(ours, model.flows.into_iter().collect::<Vec<_>>());
    }
}
