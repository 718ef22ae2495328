//! No input panics, and a report stays small.

use pmip_examples::config::{self, Format, Report};
use proptest::prelude::*;

use super::read;

/// Reads in both formats and shows whatever came out.
fn try_both(source: &str) {
    for format in [Format::Text, Format::Toml] {
        match config::parse("hostile", source, format) {
            Ok(loaded) => {
                let _ = (loaded.warnings.to_string(), config::to_text(&loaded.config));
            }
            Err(report) => {
                assert!(report.problems().len() <= Report::LIMIT);
                let _ = (report.render(true), report.to_json());
            }
        }
    }
}

#[test]
fn deep_and_huge_input_is_bounded() {
    try_both(&"[".repeat(100_000));
    try_both(&format!("a = {}", "[".repeat(100_000)));
    try_both(&format!("{}x", "a.".repeat(50_000)));
    try_both(&"x".repeat(1 << 20));
    try_both(&"frobnicate now\n".repeat(100_000));
    try_both(&"x ".repeat(1 << 19));
    try_both(&"ipv6 mobile pmipv6-domain D\n".repeat(20_000));
    let nested = "ipv6 mobile pmipv6-lma L domain D\n mobility-service hybrid-access\n";
    try_both(&nested.repeat(5_000));
}

#[test]
fn odd_characters_stay_out_of_the_terminal() {
    let report = super::refused("multi\u{1b}[31mpath \u{7}\n");
    assert!(!report.contains('\u{1b}'), "{report:?}");
}

#[test]
fn a_line_in_another_script_is_placed_by_characters() {
    let report = config::parse("f", "ipv6 mobile pmipv6-domain däöü x\n", Format::Text)
        .expect_err("one word too many");
    let place = report.place(&report.problems()[0]);
    assert_eq!(place, Some((1, 32)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_or_refused(source in "\\PC{0,200}(\n\\PC{0,60}){0,5}") {
        try_both(&source);
    }

    #[test]
    fn damaged_configurations_are_read_or_refused(
        places in prop::collection::vec((0usize..8000, any::<char>()), 1..20),
        toml in any::<bool>(),
    ) {
        let name = if toml { "tests/golden/everything.toml" } else { "tests/golden/everything.cfg" };
        let mut characters: Vec<char> = read(name).chars().collect();
        let count = characters.len();
        for (place, character) in places {
            characters[place % count] = character;
        }
        let source: String = characters.into_iter().collect();
        try_both(&source);
    }

    #[test]
    fn words_in_any_order_are_read_or_refused(
        picks in prop::collection::vec((0usize..2000, any::<bool>()), 1..60),
    ) {
        let everything = read("tests/golden/everything.cfg");
        let words: Vec<&str> = everything.split_whitespace().collect();
        let mut source = String::new();
        for (pick, new_line) in picks {
            source.push_str(words[pick % words.len()]);
            source.push(if new_line { '\n' } else { ' ' });
        }
        try_both(&source);
    }
}
