//! Scenarios of gateways, mobile nodes and everything that may befall them, against a model.
//!
//! What is drawn here is the same for every run. More, and drawn anew each time:
//! `PROPTEST_CASES=10000 cargo test -p pmip-binding --test scenario`. A case that fails is shown
//! shortened, as JSON. One file, JSON or input of the fuzz target `scenario`, is played by
//! `PMIP_SCENARIO=FILE cargo test -p pmip-binding --test scenario one_file`; those of
//! `tests/scenarios` are played by every run.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test stops at what it did not expect, and a replay shows what it plays"
)]

mod common;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use pmip_binding::testing::{Scenario, Wake};
use proptest::prelude::*;

/// Shown as the file that replays it.
#[derive(Clone)]
struct Shown(Scenario);

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(&self.0).unwrap())
    }
}

fn scenario(most: usize) -> impl Strategy<Value = Shown> {
    let head = any::<[u8; 16]>();
    let steps = proptest::collection::vec(any::<[u8; 4]>(), 1..most);
    (head, steps).prop_map(|(head, steps)| {
        let octets = [&head[..], &steps.concat()].concat();
        Shown(Scenario::from_octets(&octets))
    })
}

/// What failed is kept as a file of `tests/scenarios`.
fn cases(usual: u32) -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..common::cases(usual)
    }
}

proptest! {
    #![proptest_config(cases(128))]

    #[test]
    fn whatever_happens_the_model_holds(Shown(scenario) in scenario(40)) {
        scenario.play();
    }
}

proptest! {
    #![proptest_config(cases(12))]

    #[test]
    fn waking_only_at_the_reported_moments_is_enough(Shown(scenario) in scenario(16)) {
        let reported = scenario.trace(Wake::Reported, 1_500);
        let every = scenario.trace(Wake::EveryMillisecond, 1_500);
        for (reported, every) in reported.iter().zip(&every) {
            prop_assert_eq!(reported, every);
        }
        prop_assert_eq!(reported.len(), every.len());
    }
}

#[test]
fn kept_scenarios_hold() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let files = fs::read_dir(folder).unwrap();
    let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    for file in files {
        println!("{}", file.display());
        read(&file).play();
    }
}

#[test]
fn one_file() {
    if let Some(file) = std::env::var_os("PMIP_SCENARIO") {
        let scenario = read(Path::new(&file));
        println!("{}", serde_json::to_string_pretty(&scenario).unwrap());
        let played = scenario.play();
        println!("{}", played.world.tail());
    }
}

fn read(file: &Path) -> Scenario {
    let octets = fs::read(file).unwrap();
    serde_json::from_slice(&octets).unwrap_or_else(|_| Scenario::from_octets(&octets))
}
