//! Shares follow the weights, and a change moves only what it must.

use pmip_policy::{Candidate, FlowKey, FlowSeed, PathSet};
use pmip_wire::types::{Label, PathId};
use proptest::prelude::*;

/// Flows as a network has them: few hosts, rising source ports, one server.
fn flow_hashes(count: u32, seed: u64) -> Vec<u64> {
    let seed = FlowSeed::new(seed);
    let hash_of = |n: u32| {
        let host = [10, 0, (n % 7) as u8, (n % 3) as u8].into();
        let ports = (32_768 + (n / 21 % 28_000) as u16, 443);
        FlowKey::new(host, [192, 0, 2, 1].into(), FlowKey::TCP)
            .with_ports(ports.0, ports.1)
            .hash(&seed)
    };
    (0..count).map(hash_of).collect()
}

fn path_set(weights: &[u32]) -> PathSet {
    (1..)
        .zip(weights)
        .map(|(n, &weight)| Candidate::new(PathId(n), weight))
        .collect()
}

/// Flows per path, in the order of the weights.
fn spread(paths: &PathSet, hashes: &[u64]) -> Vec<u32> {
    let mut counts = vec![0; paths.len()];
    for &hash in hashes {
        let path = paths.pick(hash).expect("a usable path");
        counts[path.0 as usize - 1] += 1;
    }
    counts
}

#[test]
fn three_to_one_over_10_000_flows_is_75_percent_within_2_points() {
    for seed in 0..20 {
        let counts = spread(&path_set(&[75, 25]), &flow_hashes(10_000, seed));
        assert!(
            (7_300..=7_700).contains(&counts[0]),
            "seed {seed}: {counts:?}"
        );
    }
}

#[test]
fn equal_weights_spread_equally_over_254_paths() {
    let hashes = flow_hashes(254_000, 3);
    let counts = spread(&path_set(&[1; 254]), &hashes);
    // 1,000 expected each; six standard deviations.
    for (path, count) in counts.iter().enumerate() {
        assert!((810..=1_190).contains(count), "path {path}: {count}");
    }
}

#[test]
fn weights_may_stand_for_capacities_in_kbit_per_second() {
    let counts = spread(&path_set(&[3_000_000, 1_000_000]), &flow_hashes(10_000, 5));
    assert!((7_300..=7_700).contains(&counts[0]), "{counts:?}");
}

#[test]
fn only_usable_paths_are_picked_and_none_means_none() {
    let mut paths = path_set(&[10, 1]);
    paths.set_usable(PathId(1), false);
    for hash in flow_hashes(1_000, 1) {
        assert_eq!(paths.pick(hash), Some(PathId(2)));
    }
    paths.set_usable(PathId(2), false);
    assert_eq!(paths.pick(1), None);
}

#[test]
fn a_label_narrows_the_choice() {
    let lte = Label(9);
    let mut paths = path_set(&[1, 1, 1]);
    paths
        .insert(Candidate::new(PathId(2), 1).with_label(lte))
        .expect("room");
    for hash in flow_hashes(100, 1) {
        assert_eq!(paths.pick_labelled(hash, lte), Some(PathId(2)));
        assert_eq!(paths.pick_labelled(hash, Label(8)), None);
    }
}

#[test]
fn the_255th_path_is_refused_and_a_known_one_is_replaced() {
    let mut paths = path_set(&[1; 254]);
    assert!(paths.insert(Candidate::new(PathId(255), 1)).is_err());
    let former = paths.insert(Candidate::new(PathId(254), 7)).expect("known");
    assert_eq!(former.map(|found| found.weight), Some(1));
    assert_eq!(paths.len(), 254);
}

fn weights() -> impl Strategy<Value = Vec<u32>> {
    prop::collection::vec(1u32..=100, 1..=12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The stated bound: sampling noise alone, here seven standard deviations and three flows.
    #[test]
    fn any_weights_are_respected(weights in weights(), seed in any::<u64>()) {
        const FLOWS: u32 = 20_000;
        let counts = spread(&path_set(&weights), &flow_hashes(FLOWS, seed));
        let total: u32 = weights.iter().sum();
        for (weight, count) in weights.iter().zip(counts) {
            let share = f64::from(*weight) / f64::from(total);
            let expected = share * f64::from(FLOWS);
            let deviation = (expected * (1.0 - share)).sqrt();
            let off = (f64::from(count) - expected).abs();
            prop_assert!(off <= 7.0 * deviation + 3.0, "{weight}/{total}: {count}");
        }
    }

    #[test]
    fn a_lost_path_moves_only_its_own_flows(
        weights in prop::collection::vec(1u32..=100, 2..=12),
        lost in any::<prop::sample::Index>(),
        seed in any::<u64>(),
    ) {
        let before = path_set(&weights);
        let lost = PathId(lost.index(weights.len()) as u32 + 1);
        let mut unusable = before.clone();
        unusable.set_usable(lost, false);
        let mut removed = before.clone();
        removed.remove(lost);
        for hash in flow_hashes(2_000, seed) {
            let was = before.pick(hash);
            let is = unusable.pick(hash);
            prop_assert_eq!(is, removed.pick(hash));
            prop_assert!(is != Some(lost));
            prop_assert!(was == is || was == Some(lost));
        }
    }

    /// Read backwards, this is also the addition of a path: it takes flows, no others change.
    #[test]
    fn a_weight_change_moves_flows_one_way_and_no_more_than_the_shares_differ(
        weights in prop::collection::vec(1u32..=100, 2..=8),
        changed in any::<prop::sample::Index>(),
        to in 1u32..=100,
        seed in any::<u64>(),
    ) {
        const FLOWS: u32 = 20_000;
        let before = path_set(&weights);
        let at = changed.index(weights.len());
        let path = PathId(at as u32 + 1);
        let mut after = before.clone();
        after.set_weight(path, to);
        let mut moved = 0;
        for hash in flow_hashes(FLOWS, seed) {
            let (was, is) = (before.pick(hash), after.pick(hash));
            if was != is {
                moved += 1;
                let expected_side = if to > weights[at] { is } else { was };
                prop_assert_eq!(expected_side, Some(path));
            }
        }
        let rest = f64::from(weights.iter().sum::<u32>() - weights[at]);
        let share = |weight: u32| f64::from(weight) / (f64::from(weight) + rest);
        let must_move = (share(to) - share(weights[at])).abs();
        let noise = 7.0 * (must_move / f64::from(FLOWS)).sqrt() + 3.0 / f64::from(FLOWS);
        prop_assert!(f64::from(moved) / f64::from(FLOWS) <= must_move + noise);
    }

    #[test]
    fn the_set_does_not_remember_how_it_was_built(
        weights in weights(),
        seed in any::<u64>(),
    ) {
        let forward = path_set(&weights);
        let mut candidates: Vec<_> = forward.iter().copied().collect();
        candidates.reverse();
        let backward: PathSet = candidates.into_iter().collect();
        prop_assert_eq!(&forward, &backward);
        for hash in flow_hashes(100, seed) {
            prop_assert_eq!(forward.pick(hash), backward.pick(hash));
        }
    }
}
