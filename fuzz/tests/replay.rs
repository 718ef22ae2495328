//! Replays the committed corpora, and a fixed stream of mutations of them, without libFuzzer.

use std::fs;
use std::path::{Path, PathBuf};

/// Mutations of the corpus that each target runs.
const MUTATIONS: usize = 4_000;
/// Those of a target whose inputs are minutes in the life of a domain.
const SCENARIOS: usize = 100;

#[test]
fn committed_corpora_hold() {
    for (name, run) in pmip_fuzz::TARGETS {
        for (path, input) in corpus(name) {
            let _shown = OnPanic(|| format!("{}", path.display()));
            run(&input);
        }
    }
}

#[test]
fn mutations_of_the_corpora_hold() {
    for (name, run) in pmip_fuzz::TARGETS {
        let seeds: Vec<Vec<u8>> = corpus(name).into_iter().map(|(_, input)| input).collect();
        let mut random = Lcg(0x9e37_79b9_7f4a_7c15);
        let rounds = if *name == "scenario" {
            SCENARIOS
        } else {
            MUTATIONS
        };
        for round in 0..rounds {
            let mut input = seeds[round % seeds.len()].clone();
            for _ in 0..=random.below(4) {
                mutate(&mut input, &seeds, &mut random);
            }
            let _shown = OnPanic(|| format!("{name}, as a corpus file: {input:02x?}"));
            run(&input);
        }
    }
}

/// Says which input broke a promise.
struct OnPanic<F: Fn() -> String>(F);

impl<F: Fn() -> String> Drop for OnPanic<F> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", (self.0)());
        }
    }
}

/// The corpus of a target in the order of its names, so that every run does the same.
fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target);
    let entries =
        fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("a readable folder").path())
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "{}: no seeds", folder.display());
    paths
        .into_iter()
        .map(|path| {
            let input = fs::read(&path).expect("a readable seed");
            (path, input)
        })
        .collect()
}

fn mutate(input: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut Lcg) {
    let place = random.below(input.len() + 1);
    match random.below(6) {
        0 => input.truncate(place),
        1 => input.insert(place, random.octet()),
        2 => {
            let other = &seeds[random.below(seeds.len())];
            let from = random.below(other.len() + 1);
            input.truncate(place);
            input.extend_from_slice(&other[from..]);
        }
        3 => {
            let interesting = [0, 1, 2, 18, 0x7f, 0x80, 0xff];
            if let Some(octet) = input.get_mut(place) {
                *octet = interesting[random.below(interesting.len())];
            }
        }
        4 => {
            if let Some(octet) = input.get_mut(place) {
                *octet ^= 1 << random.below(8);
            }
        }
        _ => {
            if let Some(octet) = input.get_mut(place) {
                *octet = random.octet();
            }
        }
    }
    input.truncate(4096);
}

/// Knuth's MMIX generator: the same mutations on every machine.
struct Lcg(u64);

impl Lcg {
    fn next(&mut self) -> u32 {
        let Self(state) = self;
        *state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (*state >> 32) as u32
    }

    fn below(&mut self, limit: usize) -> usize {
        self.next() as usize % limit.max(1)
    }

    fn octet(&mut self) -> u8 {
        (self.next() >> 8) as u8
    }
}
