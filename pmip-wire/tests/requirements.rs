//! Every MUST and SHOULD of the sections in scope has a test or a reasoned exception. How it is run and
//! kept: `tests/requirements/README.md`. pmip-binding takes this file in for its own lists.
#![allow(clippy::print_stdout, reason = "coverage is there to be read")]

#[path = "requirements/mod.rs"]
mod requirements;

use requirements::Tracing;

const SKIP: &str = "SKIP: no RFC texts at hand (PMIP_RFC_DIR, default ../shared/rfc): the lists were not compared with them";
const UPDATE: &str = concat!(
    "run pmip-wire/tests/requirements/update ",
    env!("CARGO_PKG_NAME")
);

#[test]
fn every_requirement_has_a_test_or_a_reasoned_exception() {
    let tracing = Tracing::load();
    println!("{}", tracing.summary());
    assert_eq!(tracing.problems(), Vec::<String>::new());
}

#[test]
fn the_lists_are_those_of_the_rfc_texts() {
    let Some(differences) = Tracing::load().differences() else {
        println!("{SKIP}");
        return;
    };
    assert_eq!(differences, Vec::<String>::new(), "{UPDATE}");
}

#[test]
fn the_report_is_current() {
    assert!(
        Tracing::load().report_is_current(),
        "REQUIREMENTS.md is stale: {UPDATE}"
    );
}

/// Not a test: what `tests/requirements/update` runs.
#[test]
#[ignore = "writes the lists and the report"]
fn update() {
    let mut tracing = Tracing::load();
    match tracing.update() {
        Some(news) => news.iter().for_each(|news| println!("{news}")),
        None => println!("{SKIP}"),
    }
    println!("{}", tracing.summary());
}
