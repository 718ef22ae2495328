//! The coverage report.

use std::{collections::BTreeMap, fmt::Write};

use super::{
    extract::Strength,
    list::{List, Requirement},
};

/// How many requirements of one strength there are, and what shows them.
#[derive(Default)]
struct Count {
    covered: usize,
    excepted: usize,
    total: usize,
}

impl Count {
    fn of(list: &List, strength: Strength) -> Self {
        let mut count = Self::default();
        for entry in list
            .requirements
            .iter()
            .filter(|entry| entry.strength() == strength)
        {
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
        let (must, should) = (
            Count::of(list, Strength::Must),
            Count::of(list, Strength::Should),
        );
        let may = Count::of(list, Strength::May).total;
        let row = [
            must.covered,
            must.excepted,
            must.total,
            should.covered,
            should.excepted,
            should.total,
            may,
        ];
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
         Written by `tests/requirements/update`; `cargo test -p {package} --test requirements` fails when it\n\
         is stale. MUST stands for SHALL and REQUIRED too, SHOULD for RECOMMENDED, each with its negation.\n\
         Tests are seen from `{package}/`.\n\n{}",
        summary(lists)
    );
    for list in lists {
        let _ = write!(out, "\n## RFC {}\n\n", list.rfc);
        out.push_str("| requirement | level | in our words | shown by |\n|---|---|---|---|\n");
        for entry in &list.requirements {
            let _ = writeln!(
                out,
                "| {} | {} | {} | {} |",
                link(list.rfc, entry),
                entry.level,
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

/// Reasons of the exceptions, each with its requirements.
fn exceptions(lists: &[List]) -> String {
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for entry in lists.iter().flat_map(|list| &list.requirements) {
        if let Some(reason) = &entry.exception {
            reasons.entry(reason).or_default().push(&entry.id);
        }
    }
    let mut out = String::from("\n## Exceptions\n\n| reason | requirements |\n|---|---|\n");
    for (reason, ids) in reasons {
        let _ = writeln!(out, "| {} | {} |", cell(reason), ids.join(", "));
    }
    out
}
