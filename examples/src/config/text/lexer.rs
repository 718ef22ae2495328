//! Lines and words with their places; prompts and comments are taken off here.

use std::ops::Range;

/// One word of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) text: &'a str,
    /// Octet of the source where it starts.
    pub(super) start: usize,
}

impl Token<'_> {
    pub(super) fn span(&self) -> Range<usize> {
        self.start..self.start + self.text.len()
    }
}

/// One line that holds a command.
#[derive(Clone, Debug)]
pub(super) struct Line<'a> {
    pub(super) tokens: Vec<Token<'a>>,
    /// Columns of white space in front; `None` after a prompt, which says nothing of nesting.
    pub(super) indent: Option<usize>,
    /// The prompt said plain `(config)`.
    pub(super) at_global: bool,
    /// Octet of the source where the last word ends.
    pub(super) end: usize,
}

impl Line<'_> {
    pub(super) fn span(&self) -> Range<usize> {
        let start = self.tokens.first().map_or(self.end, |token| token.start);
        start..self.end
    }
}

/// Words of one line at most; more is no configuration.
const MAX_WORDS: usize = 256;

/// The lines of a text that hold commands.
pub(super) fn lines(source: &str) -> impl Iterator<Item = Line<'_>> {
    let mut offset = 0;
    source.split('\n').filter_map(move |text| {
        let start = offset;
        offset += text.len() + 1;
        line(text, start)
    })
}

fn line(text: &str, start: usize) -> Option<Line<'_>> {
    // A byte order mark may stand in front of the first line.
    let (text, start) = match text.strip_prefix('\u{feff}') {
        Some(rest) if start == 0 => (rest, '\u{feff}'.len_utf8()),
        Some(_) | None => (text, start),
    };
    let prompt = prompt(text);
    let skip = prompt.as_ref().map_or(0, |prompt| prompt.len);
    let body = text.get(skip..)?;
    let tokens = words(body, start + skip);
    let last = tokens.last()?;
    if tokens.first()?.text.starts_with('!') {
        return None;
    }
    Some(Line {
        end: last.span().end,
        indent: prompt.is_none().then(|| indentation(text)),
        at_global: prompt.is_some_and(|prompt| prompt.at_global),
        tokens,
    })
}

struct Prompt {
    /// Octets to skip.
    len: usize,
    at_global: bool,
}

/// `Device>`, `Device#`, `Device(config-mode)#`, also with spaces inside or without the `#`.
fn prompt(text: &str) -> Option<Prompt> {
    let indent = text.len() - text.trim_start().len();
    let rest = text.get(indent..)?;
    let name = rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')))?;
    if !rest.starts_with(|first: char| first.is_ascii_alphabetic()) {
        return None;
    }
    let after = rest.get(name..)?;
    if after.starts_with(['>', '#']) {
        return Some(Prompt {
            len: indent + name + 1,
            at_global: false,
        });
    }
    let spaces = after.len() - after.trim_start_matches(' ').len();
    let inner = after.get(spaces..)?.strip_prefix('(')?;
    let close = inner.find(')')?;
    let mode = inner.get(..close)?;
    // `(config...)`, and the guide's own `(onfig...)`.
    if !mode.contains("onfig") {
        return None;
    }
    let tail = inner.get(close + 1..)?;
    let hash = usize::from(tail.trim_start_matches(' ').starts_with('#'));
    let gap = if hash == 1 {
        tail.len() - tail.trim_start_matches(' ').len()
    } else {
        0
    };
    Some(Prompt {
        len: indent + name + spaces + 1 + close + 1 + gap + hash,
        at_global: mode == "config",
    })
}

/// Columns of white space in front; a tab reaches to the next multiple of eight.
fn indentation(text: &str) -> usize {
    let mut columns = 0;
    for character in text.chars() {
        match character {
            ' ' => columns += 1,
            '\t' => columns += 8 - columns % 8,
            _ => break,
        }
    }
    columns
}

/// Splits at white space; a word in double quotes may hold spaces.
fn words(body: &str, start: usize) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = body;
    let mut at = start;
    loop {
        let trimmed = rest.trim_start();
        at += rest.len() - trimmed.len();
        if trimmed.is_empty() || tokens.len() == MAX_WORDS {
            return tokens;
        }
        let quoted = trimmed.strip_prefix('"').and_then(|inner| {
            let close = inner.find('"')?;
            Some((1, close, close + 2))
        });
        let length = trimmed.find(char::is_whitespace).unwrap_or(trimmed.len());
        let (from, to, used) = quoted.unwrap_or((0, length, length));
        tokens.push(Token {
            text: trimmed.get(from..from + to).unwrap_or_default(),
            start: at + from,
        });
        rest = trimmed.get(used..).unwrap_or_default();
        at += used;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands(source: &str) -> Vec<String> {
        lines(source)
            .map(|line| {
                let words: Vec<&str> = line.tokens.iter().map(|token| token.text).collect();
                words.join(" ")
            })
            .collect()
    }

    #[test]
    fn prompts_of_every_broken_kind_are_skipped() {
        let source = "Device> enable\nDevice# configure terminal\n\
            Device(config)# multipath\nDevice (config-ipv6-pmipv6-lma)# multipath\n\
            Device(config-ipv6-pmipv6- mag)# multipath\nDevice(onfig-ipv6-pmipv6-domain)# end\n\
            Device(config) ipv6 mobile pmipv6-domain D1\n  Device(config-x)#sla\nr1.lab#exit\n";
        let expected = [
            "enable",
            "configure terminal",
            "multipath",
            "multipath",
            "multipath",
            "end",
            "ipv6 mobile pmipv6-domain D1",
            "sla",
            "exit",
        ];
        assert_eq!(commands(source), expected);
    }

    #[test]
    fn comments_blank_lines_and_line_ends_do_not_matter() {
        let source = "\u{feff}! comment\r\n\r\n \t multipath \t\r\n  ! more\nend";
        assert_eq!(commands(source), ["multipath", "end"]);
    }

    #[test]
    fn places_point_into_the_source() {
        let source = "a\n  description \"två ord\" x\n";
        let line = lines(source).nth(1).expect("a second line");
        let texts: Vec<&str> = line
            .tokens
            .iter()
            .map(|token| &source[token.span()])
            .collect();
        assert_eq!(texts, ["description", "två ord", "x"]);
        assert_eq!(line.indent, Some(2));
    }
}
