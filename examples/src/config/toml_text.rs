//! The model as TOML.

use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::model::Config;
use super::report::{Problem, Report};
use super::text::{Origins, nearest};

/// Reads TOML. The model is complete where there is no error.
///
/// After a wrong key or value the rest is still read: what is wrong is reported, taken out, and
/// reading starts again, so that one run shows every mistake.
pub(super) fn parse(source: &str) -> (Config, Origins, Vec<Problem>) {
    let (mut root, errors) = DeTable::parse_recoverable(source);
    // A file that is no TOML at all has an error in every line.
    let shown = errors.iter().take(Report::LIMIT);
    let mut problems: Vec<Problem> = shown.map(syntax).collect();
    let damaged = Damage::new(source, &problems);
    // Each mistake costs one more reading, so huge files get fewer.
    let most = (WORK / source.len().max(1)).clamp(1, Report::LIMIT) + problems.len();
    loop {
        let error = match Config::deserialize(toml::Deserializer::from(root.clone())) {
            Ok(config) => {
                if !errors.is_empty() {
                    // The damaged places may have said anything, so nothing more is concluded.
                    return (Config::default(), Origins::new(), problems);
                }
                let mut origins = Origins::new();
                table_origins(root.get_ref(), "", &mut origins);
                return (config, origins, problems);
            }
            Err(error) => error,
        };
        let span = error.span();
        let line = span.as_ref().map(|span| line_of(source, span.start));
        if line.is_none_or(|line| damaged.spares(line)) {
            problems.push(meaning(&error));
        }
        let removed = span.is_some_and(|span| remove(root.get_mut(), &span));
        if !removed || problems.len() >= most {
            return (Config::default(), Origins::new(), problems);
        }
    }
}

/// Octets that may be read again in search of more mistakes.
const WORK: usize = 64 << 20;

/// The model as TOML text; reading it gives the same model.
///
/// # Errors
/// What TOML has no form for; no model that was read holds such a thing.
pub fn print(config: &Config) -> Result<String, String> {
    toml::to_string(config).map_err(|error| error.to_string())
}

/// Lines whose meaning is lost to mistakes in the syntax.
struct Damage {
    lines: Vec<usize>,
    /// A table's header is broken: what follows seems to belong to another table.
    from: usize,
}

impl Damage {
    fn new(source: &str, problems: &[Problem]) -> Self {
        let starts = problems
            .iter()
            .filter_map(|problem| Some(problem.span.as_ref()?.start));
        let lines: Vec<usize> = starts.map(|start| line_of(source, start)).collect();
        let header = |line: &&usize| {
            let text = source.lines().nth(**line).unwrap_or_default();
            text.trim_start().starts_with('[')
        };
        let from = lines.iter().filter(header).min().copied();
        Self {
            from: from.unwrap_or(usize::MAX),
            lines,
        }
    }

    fn spares(&self, line: usize) -> bool {
        line < self.from && !self.lines.contains(&line)
    }
}

fn line_of(source: &str, offset: usize) -> usize {
    let before = source.bytes().take(offset);
    before.filter(|byte| *byte == b'\n').count()
}

fn syntax(error: &toml::de::Error) -> Problem {
    let span = error.span().unwrap_or(0..0);
    Problem::error(span, format!("not TOML: {}", error.message())).label("here")
}

/// What serde says, in our words.
fn meaning(error: &toml::de::Error) -> Problem {
    let message = error.message();
    let span = error.span().unwrap_or(0..0);
    for (start, what, label) in [
        ("unknown field `", "is no key of this table", "unknown key"),
        ("unknown variant `", "is not allowed here", "unknown value"),
    ] {
        let parts = message
            .strip_prefix(start)
            .and_then(|rest| rest.split_once('`'));
        let Some((written, rest)) = parts else {
            continue;
        };
        let known: Vec<&str> = rest.split('`').skip(1).step_by(2).collect();
        let problem = Problem::error(span, format!("`{written}` {what}")).label(label);
        let problem = match nearest(written, known.iter().copied()) {
            Some(near) => problem.help(format!("did you mean `{near}`?")),
            None => problem,
        };
        return problem.note(format!("known: {}", known.join(", ")));
    }
    let message = message
        .replace("expected u32", "expected a whole number")
        .replace("expected u8", "expected a whole number")
        .replace(
            "invalid IPv4 address syntax",
            "not an IPv4 address such as 192.0.2.1",
        )
        .replace(
            "invalid IPv6 address syntax",
            "not an IPv6 address such as 2001:db8::1",
        )
        .replace(
            "invalid IP address syntax",
            "not an address such as 192.0.2.0",
        )
        .replace("missing field", "missing key");
    Problem::error(span, message).label("here")
}

/// Takes out what stands at `span`: a key with its value, or an element of an array.
fn remove(table: &mut DeTable<'_>, span: &Range<usize>) -> bool {
    let entry = table
        .iter()
        .find(|(key, value)| key.span() == *span || value.span() == *span);
    let name = entry.map(|(key, _)| key.get_ref().to_string());
    name.is_some_and(|name| table.remove(name.as_str()).is_some())
        || table
            .iter_mut()
            .any(|(_, value)| remove_inside(value.get_mut(), span))
}

fn remove_inside(value: &mut DeValue<'_>, span: &Range<usize>) -> bool {
    if let DeValue::Table(table) = value {
        remove(table, span)
    } else if let DeValue::Array(array) = value {
        remove_element(array, span)
    } else {
        false
    }
}

fn remove_element(array: &mut DeArray<'_>, span: &Range<usize>) -> bool {
    if array.iter().any(|value| value.span() == *span) {
        let kept = array.iter().filter(|value| value.span() != *span);
        *array = kept.cloned().collect();
        return true;
    }
    array
        .iter_mut()
        .any(|value| remove_inside(value.get_mut(), span))
}

/// Remembers where every key and element stands.
fn table_origins(table: &DeTable<'_>, path: &str, origins: &mut Origins) {
    for (key, value) in table.iter() {
        let dot = if path.is_empty() { "" } else { "." };
        let path = format!("{path}{dot}{}", key.get_ref());
        value_origins(value, &path, key.span(), origins);
    }
}

fn value_origins(
    value: &Spanned<DeValue<'_>>,
    path: &str,
    key: Range<usize>,
    origins: &mut Origins,
) {
    let value_span = value.span();
    if let DeValue::Table(table) = value.get_ref() {
        origins.insert(path.to_owned(), key);
        table_origins(table, path, origins);
    } else if let DeValue::Array(array) = value.get_ref() {
        origins.insert(path.to_owned(), key);
        for (index, element) in array.iter().enumerate() {
            let sequence = sequence(path, element.get_ref());
            let index = sequence.unwrap_or_else(|| index.to_string());
            let path = format!("{path}[{index}]");
            value_origins(element, &path, element.span(), origins);
        }
    } else {
        origins.insert(path.to_owned(), value_span);
    }
}

/// Entries of a mobile map are named by their sequence, as the language does.
fn sequence(path: &str, element: &DeValue<'_>) -> Option<String> {
    let DeValue::Table(table) = element else {
        return None;
    };
    if !path.ends_with(".entry") {
        return None;
    }
    let value = table.get("sequence")?.get_ref();
    Some(value.as_integer()?.as_str().to_owned())
}
