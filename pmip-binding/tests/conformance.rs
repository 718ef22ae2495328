//! Recorded procedures: what each engine was told and what it wanted, line by line.
//!
//! A file of `tests/conformance/CASE/` is one engine's life: a first line with its configuration,
//! then inputs and outputs with their time in nanoseconds. Datagrams are in hexadecimal, with what
//! they say beside. `PMIP_CONFORMANCE=write cargo test -p pmip-binding --test conformance` records
//! them anew. A new procedure is one more function in `cases/`.
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at what it did not expect"
)]

#[path = "conformance/cases.rs"]
mod cases;
mod common;
#[path = "conformance/recorder.rs"]
mod recorder;

use std::fs;
use std::path::{Path, PathBuf};

use pmip_binding::snapshot::LmaSnapshot;
use pmip_binding::{Input, Lma, Mag, Output};
use pmip_wire::types::Instant;
use serde_json::Value;

/// An engine that is told what a file says.
enum Engine {
    Lma(Box<Lma>),
    Mag(Box<Mag>),
}

#[test]
fn every_case_goes_as_recorded() {
    let write = std::env::var("PMIP_CONFORMANCE").is_ok_and(|what| what == "write");
    for (name, case) in cases::CASES {
        let mut recorder = case();
        let folder = root().join(name);
        if write {
            let _absent = fs::remove_dir_all(&folder);
            fs::create_dir_all(&folder).unwrap();
        }
        let files = recorder.finish();
        for (file, text) in &files {
            let path = folder.join(file);
            if write {
                fs::write(&path, text).unwrap();
            }
            let recorded = fs::read_to_string(&path).unwrap_or_default();
            for (number, (recorded, now)) in recorded.lines().zip(text.lines()).enumerate() {
                // The order of members is whatever features serde_json was built with.
                let [recorded, now] =
                    [recorded, now].map(|line| serde_json::from_str::<Value>(line).unwrap());
                assert_eq!(recorded, now, "{}:{}", path.display(), number + 1);
            }
            let (recorded, now) = (recorded.lines().count(), text.lines().count());
            assert_eq!(recorded, now, "lines of {}", path.display());
        }
        let recorded = fs::read_dir(&folder).unwrap().count();
        assert_eq!(recorded, files.len(), "files of {name}");
    }
}

#[test]
fn every_file_replays() {
    let mut files = 0;
    for folder in entries(&root()).into_iter().filter(|path| path.is_dir()) {
        for file in entries(&folder) {
            replay(&file);
            files += 1;
        }
    }
    assert!(files >= cases::CASES.len(), "{files} files");
}

/// Tells an engine what the file says, and compares what it wants.
fn replay(file: &Path) {
    let text = fs::read_to_string(file).unwrap();
    let mut lines = text.lines().enumerate();
    let header: Value = serde_json::from_str(lines.next().unwrap().1).unwrap();
    let mut engine = Engine::new(&header);
    // A restored anchor first says what it restored.
    let mut wanted = match header.get("snapshot") {
        Some(_) => engine.drain(),
        None => Vec::new(),
    };
    wanted.reverse();
    for (number, line) in lines {
        let line: Value = serde_json::from_str(line).unwrap();
        let at = Instant::from_nanos(line["at"].as_u64().unwrap());
        if let Some(input) = line.get("in") {
            assert!(
                wanted.is_empty(),
                "{}:{}: {wanted:?}",
                file.display(),
                number + 1
            );
            engine.give(at, recorder::read_input(input));
            wanted = engine.drain();
            wanted.reverse();
        } else {
            let expected = &line["out"];
            let next = wanted.pop();
            assert_eq!(
                next.as_ref(),
                Some(expected),
                "{}:{}",
                file.display(),
                number + 1
            );
        }
    }
    assert!(wanted.is_empty(), "{}: {wanted:?}", file.display());
}

impl Engine {
    fn new(header: &Value) -> Self {
        let part = |name: &str| header[name].clone();
        let clock = serde_json::from_value(part("clock")).unwrap();
        let now = Instant::from_nanos(header["now"].as_u64().unwrap());
        let seed = [u8::try_from(header["seed"].as_u64().unwrap()).unwrap(); 32];
        if header.get("lma").is_none() {
            let config = serde_json::from_value(part("mag")).unwrap();
            return Self::Mag(Box::new(Mag::new(config, seed, clock, now).unwrap()));
        }
        let config = serde_json::from_value(part("lma")).unwrap();
        let lma = match header.get("snapshot") {
            Some(snapshot) => {
                let snapshot: LmaSnapshot = serde_json::from_value(snapshot.clone()).unwrap();
                Lma::restore(config, &snapshot, seed, clock, now).unwrap().0
            }
            None => Lma::new(config, seed, clock, now).unwrap(),
        };
        Self::Lma(Box::new(lma))
    }

    fn give(&mut self, at: Instant, input: Input) {
        match self {
            Self::Lma(lma) => lma.handle_input(at, input),
            Self::Mag(mag) => mag.handle_input(at, input),
        }
    }

    /// What it wants, but for nothing at all.
    fn drain(&mut self) -> Vec<Value> {
        let mut wanted = Vec::new();
        loop {
            let output = match self {
                Self::Lma(lma) => lma.poll_output(),
                Self::Mag(mag) => mag.poll_output(),
            };
            let last = matches!(output, Output::Timeout(_));
            wanted.push(recorder::write_output(&output));
            if last {
                return wanted;
            }
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance")
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}
