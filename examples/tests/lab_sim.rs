//! The lab's scenarios on the simulated domain: they pass, they are deterministic, and every fault
//! they know makes them fail.

use pmip_examples::lab::result::RunResult;
use pmip_examples::lab::{breaks, simulate};

fn quickstart(broken: Option<&str>, seed: u64) -> RunResult {
    simulate("quickstart", broken, seed).expect("the scenario and the fault exist")
}

fn json(result: &RunResult) -> String {
    serde_json::to_string_pretty(result).expect("a result is JSON")
}

/// Would break: registration, forwarding, path choice, failure detection or the move of flows.
#[test]
fn quickstart_passes_and_measures_both_outages() {
    let result = quickstart(None, 1);
    assert!(result.ok, "{}", json(&result));
    assert!(result.failed_rows.is_empty());
    assert_eq!(result.outages.len(), 2);
    for outage in &result.outages {
        assert!(outage.mag_down_after_ms.is_some(), "{outage:?}");
        assert!(outage.lma_down_after_ms.is_some(), "{outage:?}");
        assert_eq!(outage.resets, 0, "{outage:?}");
    }
    let traffic = &result.traffic;
    assert!(
        traffic.up_bytes > 0 && traffic.down_bytes > 0,
        "{traffic:?}"
    );
}

/// Would break: anything that takes its order from a hash table, a clock or the system's chance.
#[test]
fn the_same_seed_gives_the_same_run() {
    assert_eq!(json(&quickstart(None, 7)), json(&quickstart(None, 7)));
}

/// Would break: a claim that holds only for one lucky placement of flows.
#[test]
fn other_seeds_pass_too() {
    for seed in [2, 3, 1_000_003] {
        let result = quickstart(None, seed);
        assert!(result.ok, "seed {seed}: {}", json(&result));
    }
}

/// Would break: a claim whose check cannot fail, or a fault that is applied to nothing.
#[test]
fn every_fault_makes_its_claim_fall() {
    let expected = [
        ("no-heartbeat", "black-hole-seen", 38),
        ("no-multipath", "both-paths", 16),
        ("no-logical-mobile-node", "registers", 63),
        ("no-core-route", "reachable", 8),
    ];
    let known: Vec<&str> = expected.iter().map(|(fault, _, _)| *fault).collect();
    assert_eq!(breaks("quickstart"), known);
    for (fault, claim, row) in expected {
        let result = quickstart(Some(fault), 1);
        assert!(!result.ok, "{fault}");
        assert_eq!(result.error, None, "{fault}");
        assert_eq!(result.failed_rows, [row], "{fault}: {}", json(&result));
        let fell: Vec<&str> = result
            .claims
            .iter()
            .filter(|claim| !claim.holds)
            .map(|claim| claim.name)
            .collect();
        assert_eq!(fell, [claim], "{fault}");
    }
}

#[test]
fn what_does_not_exist_is_not_played() {
    assert!(simulate("no-such-scenario", None, 1).is_none());
    assert!(simulate("quickstart", Some("no-such-fault"), 1).is_none());
}
