//! Printing a model and reading it back gives the same model, in both texts.

use std::path::Path;

use pmip_examples::config::{self, Config, Format, cli};
use proptest::prelude::*;

use super::{path, read};

/// Reads `config` back from both texts.
fn survives(config: &Config) -> Result<(), String> {
    let text = config::to_text(config);
    let toml = config::to_toml(config)?;
    for (printed, format) in [(&text, Format::Text), (&toml, Format::Toml)] {
        let again = config::parse("again", printed, format)
            .map_err(|report| format!("{report}\n{printed}"))?;
        if again.config != *config {
            return Err(format!("{format:?} reads back otherwise:\n{printed}"));
        }
    }
    Ok(())
}

#[test]
fn samples_load_and_convert_both_ways() {
    for name in ["lma.cfg", "mag.cfg"] {
        let file = path("../docs/samples").join(name);
        let loaded = config::load(&file).unwrap_or_else(|report| panic!("{report}"));
        assert_eq!(survives(&loaded.config), Ok(()), "{name}");
        let toml = cli::convert(&file, Format::Toml, false);
        assert_eq!(toml.code, 0, "{}", toml.stderr);
        let again = super::toml(&toml.stdout);
        assert_eq!(again.config, loaded.config);
    }
}

#[test]
fn the_file_of_everything_survives() {
    let loaded = super::text(&read("tests/golden/everything.cfg"));
    assert_eq!(survives(&loaded.config), Ok(()));
}

#[test]
fn empty_blocks_survive() {
    let source = "ipv6 mobile pmipv6-mag M domain D\n exit\ninterface eth0\n exit\n";
    let loaded = super::text(source);
    assert_eq!(loaded.config.interfaces.len(), 1);
    assert!(loaded.config.mags[0].interface.is_empty());
    assert_eq!(survives(&loaded.config), Ok(()));
}

#[test]
fn a_missing_file_is_said() {
    let outcome = cli::check(Path::new("does/not/exist.cfg"), false, false);
    assert_eq!(outcome.code, 2);
    assert!(outcome.stdout.contains("cannot read"), "{}", outcome.stdout);
}

/// The file of everything with some lines left out and some numbers changed.
fn variation() -> impl Strategy<Value = String> {
    let lines: Vec<String> = read("tests/golden/everything.cfg")
        .lines()
        .map(str::to_owned)
        .collect();
    let count = lines.len();
    let keep = prop::collection::vec(prop::bool::weighted(0.8), count);
    let numbers = prop::collection::vec(prop::option::weighted(0.2, 1u32..300), count);
    (keep, numbers).prop_map(move |(keep, numbers)| {
        let chosen = lines.iter().zip(keep).zip(numbers);
        let chosen = chosen.filter(|((_, keep), _)| *keep);
        let changed = chosen.map(
            |((line, _), number)| match (line.rsplit_once(' '), number) {
                (Some((start, last)), Some(number)) if last.parse::<u32>().is_ok() => {
                    format!("{start} {number}\n")
                }
                _ => format!("{line}\n"),
            },
        );
        changed.collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_loads_survives(source in variation()) {
        if let Ok(loaded) = config::parse("varied.cfg", &source, Format::Text) {
            prop_assert_eq!(survives(&loaded.config), Ok(()));
        }
    }

    #[test]
    fn canonical_text_is_a_fixed_point(source in variation()) {
        if let Ok(loaded) = config::parse("varied.cfg", &source, Format::Text) {
            let once = config::to_text(&loaded.config);
            let twice = config::to_text(&super::model(&once));
            prop_assert_eq!(once, twice);
        }
    }
}
