//! The coverage report.

use std::{collections::BTreeMap, fmt::Write};

use super::{
    extract::Strength,
    list::{KINDS, List, Requirement},
};

/// A section in the table is one of this many parts, as in `5.3`.
const DEPTH: usize = 2;

/// How many requirements of one strength there are, and what shows them.
#[derive(Default)]
struct Count {
    covered: usize,
    excepted: usize,
    total: usize,
}

impl Count {
    fn of<'a>(entries: impl IntoIterator<Item = &'a Requirement>, strength: Strength) -> Self {
        let mut count = Self::default();
        let entries = entries.into_iter();
        for entry in entries.filter(|entry| entry.strength() == strength) {
            count.total += 1;
            count.covered += usize::from(!entry.test.is_empty());
            count.excepted += usize::from(entry.test.is_empty() && entry.exception.is_some());
        }
        count
    }
}

/// Coverage per RFC, MUST and SHOULD apart: a Markdown table.
pub(crate) fn summary(lists: &[List]) -> String {
    let mut out = String::from(
        "| RFC | sections | MUST covered | excepted | total | SHOULD covered | excepted | total | MAY |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    let mut sums = [0; 7];
    for list in lists {
        let row = row(&list.requirements.iter().collect::<Vec<_>>());
        for (sum, number) in sums.iter_mut().zip(row) {
            *sum += number;
        }
        let _ = writeln!(
            out,
            "| {} | {} | {} |",
            list.rfc,
            list.sections.join(", "),
            cells(&row)
        );
    }
    let _ = writeln!(out, "| all | | {} |", cells(&sums));
    out
}

/// MUST and SHOULD, each with a test, excepted and all; then all MAY.
fn row(entries: &[&Requirement]) -> [usize; 7] {
    let count = |strength| Count::of(entries.iter().copied(), strength);
    let (must, should) = (count(Strength::Must), count(Strength::Should));
    [
        must.covered,
        must.excepted,
        must.total,
        should.covered,
        should.excepted,
        should.total,
        count(Strength::May).total,
    ]
}

/// The same per section of an RFC.
fn by_section(list: &List) -> String {
    let mut out = String::from(
        "| section | MUST covered | excepted | total | SHOULD covered | excepted | total | MAY |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    let section = |entry: &Requirement| {
        let parts: Vec<&str> = entry.section().split('.').take(DEPTH).collect();
        parts.join(".")
    };
    for chunk in list.requirements.chunk_by(|a, b| section(a) == section(b)) {
        let entries: Vec<&Requirement> = chunk.iter().collect();
        let name = chunk.first().map(section).unwrap_or_default();
        let _ = writeln!(out, "| {name} | {} |", cells(&row(&entries)));
    }
    out
}

fn cells(numbers: &[usize]) -> String {
    numbers
        .iter()
        .map(usize::to_string)
        .collect::<Vec<_>>()
        .join(" | ")
}

/// The whole report of a crate.
pub(crate) fn render(package: &str, lists: &[List]) -> String {
    let mut out = format!(
        "# Requirements traced in {package}\n\n\
         Written by `pmip-wire/tests/requirements/update {package}`; `cargo test -p {package} --test\n\
         requirements` fails when it is stale. MUST stands for SHALL and REQUIRED too, SHOULD for\n\
         RECOMMENDED, each with its negation. Tests are seen from `{package}/`.\n\n{}",
        summary(lists)
    );
    for list in lists {
        let _ = write!(out, "\n## RFC {}\n\n", list.rfc);
        out.push_str(&by_section(list));
        out.push_str(
            "\n| requirement | level | binds | in our words | shown by |\n|---|---|---|---|---|\n",
        );
        for entry in &list.requirements {
            let _ = writeln!(
                out,
                "| {} | {} | {} | {} | {} |",
                link(list.rfc, entry),
                entry.level,
                entry.role.as_deref().unwrap_or("both"),
                cell(&entry.says),
                shown(entry)
            );
        }
    }
    out.push_str(&exceptions(lists));
    out
}

fn link(rfc: u16, entry: &Requirement) -> String {
    format!(
        "[{}](https://www.rfc-editor.org/rfc/rfc{rfc}#section-{})",
        entry.id,
        entry.section()
    )
}

/// What may stand in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn shown(entry: &Requirement) -> String {
    if entry.exception.is_some() {
        return "exception, see below".to_owned();
    }
    let tests: Vec<String> = entry.test.iter().map(|test| format!("`{test}`")).collect();
    match &tests[..] {
        [] => "needs none".to_owned(),
        _ => tests.join(", "),
    }
}

/// Reasons of the exceptions by their kind, each with its requirements.
fn exceptions(lists: &[List]) -> String {
    let mut out = String::from("\n## Exceptions\n");
    for (kind, means) in KINDS {
        let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let entries = lists.iter().flat_map(|list| &list.requirements);
        for entry in entries.filter(|entry| entry.kind.as_deref() == Some(kind)) {
            if let Some(reason) = &entry.exception {
                reasons.entry(reason).or_default().push(&entry.id);
            }
        }
        if reasons.is_empty() {
            continue;
        }
        let count: usize = reasons.values().map(Vec::len).sum();
        let _ = write!(
            out,
            "\n### {means}: {count}\n\n| reason | requirements |\n|---|---|\n"
        );
        for (reason, ids) in reasons {
            let _ = writeln!(out, "| {} | {} |", cell(reason), ids.join(", "));
        }
    }
    out
}
