//! Reports and conversions compared with files; `PMIP_UPDATE_GOLDEN=1` writes them anew.

use pmip_examples::config::{self, Format};

use super::{path, read};

fn compare(name: &str, actual: &str) {
    let name = format!("tests/golden/{name}");
    if std::env::var_os("PMIP_UPDATE_GOLDEN").is_some() {
        std::fs::write(path(&name), actual).expect("the golden file can be written");
    }
    let expected = read(&name);
    assert_eq!(
        actual, expected,
        "{name} differs; PMIP_UPDATE_GOLDEN=1 writes it anew"
    );
}

fn report(name: &str) -> String {
    let source = read(&format!("tests/golden/{name}"));
    let format = Format::of(name.as_ref());
    match config::parse(name, &source, format) {
        Ok(loaded) => loaded.warnings.to_string(),
        Err(report) => report.to_string(),
    }
}

#[test]
fn every_error_of_a_text_is_reported_with_its_place_and_a_way_out() {
    compare("errors.cfg.txt", &report("errors.cfg"));
}

#[test]
fn what_is_probably_not_meant_is_a_warning() {
    compare("warnings.cfg.txt", &report("warnings.cfg"));
}

#[test]
fn every_error_of_a_toml_is_reported_with_its_place_and_a_way_out() {
    compare("errors.toml.txt", &report("errors.toml"));
}

#[test]
fn broken_toml_shows_every_broken_line() {
    compare("syntax.toml.txt", &report("syntax.toml"));
}

#[test]
fn the_guide_loads_as_printed() {
    let source = read("tests/golden/guide.cfg");
    let loaded = super::text(&source);
    compare("guide.canonical.cfg", &config::to_text(&loaded.config));
    compare("guide.warnings.txt", &loaded.warnings.to_string());
}

#[test]
fn everything_prints_canonically() {
    let loaded = super::text(&read("tests/golden/everything.cfg"));
    compare("everything.canonical.cfg", &config::to_text(&loaded.config));
    let toml = config::to_toml(&loaded.config).expect("TOML has a form for it");
    compare("everything.toml", &toml);
}
