//! Configuration: samples, the guide's transcript, error reports, conversion, hostile input.

#[path = "config/golden.rs"]
mod golden;
#[path = "config/hostile.rs"]
mod hostile;
#[path = "config/language.rs"]
mod language;
#[path = "config/nodes.rs"]
mod nodes;
#[path = "config/round_trip.rs"]
mod round_trip;

use std::path::PathBuf;

use pmip_examples::config::{self, Config, Format, Loaded};

/// A file of the repository, from the package's folder.
fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn read(name: &str) -> String {
    std::fs::read_to_string(path(name)).expect("a file of the repository")
}

/// Text that must load.
fn text(source: &str) -> Loaded {
    config::parse("test.cfg", source, Format::Text).unwrap_or_else(|report| panic!("{report}"))
}

/// TOML that must load.
fn toml(source: &str) -> Loaded {
    config::parse("test.toml", source, Format::Toml).unwrap_or_else(|report| panic!("{report}"))
}

/// What is wrong with text that must not load.
fn refused(source: &str) -> String {
    match config::parse("test.cfg", source, Format::Text) {
        Ok(_) => panic!("{source:?} was accepted"),
        Err(report) => report.to_string(),
    }
}

fn model(source: &str) -> Config {
    text(source).config
}
