//! Text that peers chose, made fit for a terminal: a mobile node's identifier may hold whatever its
//! gateway likes, and a terminal obeys escape sequences.

use std::fmt::{self, Write};

use serde_json::Value;

/// A writer that escapes what terminals obey. Lines go on indented, so that nothing that is written
/// looks like a line of its own.
pub struct Plain<W>(pub W);

impl<W: Write> Write for Plain<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some(at) = rest.find(is_unfit) {
            let (fit, from) = rest.split_at(at);
            self.0.write_str(fit)?;
            let mut characters = from.chars();
            match characters.next() {
                Some('\n') => self.0.write_str("\n    ")?,
                Some(unfit) => write!(self.0, "{}", unfit.escape_default())?,
                None => {}
            }
            rest = characters.as_str();
        }
        self.0.write_str(rest)
    }
}

/// `text` in one line, with what terminals obey escaped: `\u{1b}`.
pub fn plain(text: &str) -> String {
    let mut fit = String::with_capacity(text.len());
    for character in text.chars() {
        match is_unfit(character) {
            true => fit.extend(character.escape_default()),
            false => fit.push(character),
        }
    }
    fit
}

/// The same for several lines, which stay lines.
pub fn plain_lines(text: &str) -> String {
    let lines = text.split('\n').map(plain);
    lines.collect::<Vec<String>>().join("\n")
}

/// The same for every text in `value`, names of fields included.
pub(super) fn plain_value(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(match text.contains(is_unfit) {
            true => plain(&text),
            false => text,
        }),
        Value::Array(items) => items.into_iter().map(plain_value).collect(),
        Value::Object(fields) => {
            let fields = fields.into_iter();
            fields
                .map(|(name, field)| (plain(&name), plain_value(field)))
                .collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}

/// Control characters, and those that turn the direction of writing or separate lines.
fn is_unfit(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_shown_and_not_obeyed() {
        assert_eq!(
            plain("van\u{1b}[2J\u{9b}\r\n"),
            "van\\u{1b}[2J\\u{9b}\\r\\n"
        );
        assert_eq!(plain("\u{202e}gro"), "\\u{202e}gro");
        assert_eq!(plain("Straße 日本 \u{301}"), "Straße 日本 \u{301}");
        assert_eq!(plain_lines("a\n\u{7}b\n"), "a\n\\u{7}b\n");
    }

    #[test]
    fn a_line_break_in_a_log_line_begins_no_line_of_its_own() {
        let mut log = String::new();
        let forged = "van\n2026-01-01T00:00:00Z ERROR all is lost\u{1b}[0m";
        write!(Plain(&mut log), "{forged} is registered").expect("a string");
        assert_eq!(
            log,
            "van\n    2026-01-01T00:00:00Z ERROR all is lost\\u{1b}[0m is registered"
        );
    }

    #[test]
    fn names_of_fields_are_escaped_too() {
        let value = serde_json::json!({ "MAG\u{1b}": [1, "x\ny"] });
        let expected = serde_json::json!({ "MAG\\u{1b}": [1, "x\\ny"] });
        assert_eq!(plain_value(value), expected);
    }
}
