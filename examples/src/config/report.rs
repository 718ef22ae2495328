//! What is wrong with a configuration file: every problem with its place, the rule and a way out.

use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The file is refused.
    Error,
    /// The file is taken; something in it is probably not meant so.
    Warning,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Error or warning.
    pub severity: Severity,
    /// Where: octets of the source; `None` for the file as a whole.
    pub span: Option<Range<usize>>,
    /// What is wrong, one line.
    pub message: String,
    /// What stands at the caret.
    pub label: String,
    /// The rule that is broken, such as the command's syntax.
    pub note: Option<String>,
    /// What would be right.
    pub help: Option<String>,
}

impl Problem {
    /// An error at `span`.
    pub fn error(span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            span: Some(span),
            message: message.into(),
            label: String::new(),
            note: None,
            help: None,
        }
    }

    /// A warning at `span`.
    pub fn warning(span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(span, message)
        }
    }

    /// Adds what stands at the caret.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Adds the rule.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    /// Adds what would be right.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Problems of one file, in the order of their places.
///
/// `Display` shows each with line, column, a caret, the rule and a way out.
#[derive(Clone, PartialEq, Eq)]
pub struct Report {
    path: String,
    source: String,
    problems: Vec<Problem>,
    /// Problems beyond [`Report::LIMIT`].
    more: usize,
}

impl Report {
    /// What a program exits with when its configuration is refused.
    pub const EXIT_CODE: u8 = 2;

    /// Problems shown at most; a file with more is wrong from its first lines.
    pub const LIMIT: usize = 100;

    /// Sorts the problems of the file at `path` by place.
    pub fn new(path: &str, source: &str, mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| {
            let span = problem.span.clone().unwrap_or(0..0);
            (span.start, span.end, problem.severity)
        });
        problems.dedup();
        let more = problems.len().saturating_sub(Self::LIMIT);
        problems.truncate(Self::LIMIT);
        Self {
            path: path.to_owned(),
            source: source.to_owned(),
            problems,
            more,
        }
    }

    /// A file that could not be read at all.
    pub fn unreadable(path: &str, why: &str) -> Self {
        let mut problem = Problem::error(0..0, format!("cannot read the configuration: {why}"));
        problem.span = None;
        Self::new(path, "", vec![problem])
    }

    /// All problems, by place.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }

    /// How many errors and how many warnings.
    pub fn counts(&self) -> (usize, usize) {
        let errors = self
            .problems
            .iter()
            .filter(|problem| problem.severity == Severity::Error)
            .count();
        (errors, self.problems.len() - errors)
    }

    /// The place of a problem: line and column, counted from 1, columns in characters.
    pub fn place(&self, problem: &Problem) -> Option<(usize, usize)> {
        let start = problem.span.as_ref()?.start.min(self.source.len());
        let before = self.source.get(..start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        Some((line, column))
    }

    /// The problems as JSON: an array of `{severity, line, column, message, label, note, help}`.
    pub fn to_json(&self) -> serde_json::Value {
        let problems = self.problems.iter().map(|problem| {
            let (line, column) = self.place(problem).unzip();
            serde_json::json!({
                "severity": problem.severity,
                "line": line,
                "column": column,
                "message": problem.message,
                "label": problem.label,
                "note": problem.note,
                "help": problem.help,
            })
        });
        problems.collect()
    }

    /// The text for people, with colours for a terminal.
    pub fn render(&self, colours: bool) -> String {
        let renderer = if colours {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        let mut text = String::new();
        for problem in &self.problems {
            text.push_str(&self.render_one(&renderer, problem));
            text.push_str("\n\n");
        }
        if self.more > 0 {
            text.push_str(&format!("... and {} more\n\n", self.more));
        }
        text.push_str(&self.summary());
        text.push('\n');
        text
    }

    fn render_one(&self, renderer: &Renderer, problem: &Problem) -> String {
        let level = match problem.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let title = level.primary_title(printable(&problem.message));
        let mut group = match &problem.span {
            None => Group::with_title(title)
                .element(annotate_snippets::Origin::path(self.path.as_str())),
            Some(span) => title.element(self.snippet(span, &problem.label)),
        };
        if let Some(note) = &problem.note {
            group = group.element(Level::NOTE.message(printable(note)));
        }
        if let Some(help) = &problem.help {
            group = group.element(Level::HELP.message(printable(help)));
        }
        renderer.render(&[group])
    }

    /// The line of the problem alone: a huge file costs nothing, a huge line is cut.
    fn snippet<'a>(
        &'a self,
        span: &Range<usize>,
        label: &'a str,
    ) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
        let start = floor(&self.source, span.start);
        let before = self.source.get(..start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line_number = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let after = self.source.get(start..).unwrap_or_default();
        let line_end = start + after.find(['\n', '\r']).unwrap_or(after.len());
        let line = self.source.get(line_start..line_end).unwrap_or_default();
        let line = redact(line);
        let (window, line) = cut(&line, start - line_start);
        let from = start - line_start - window;
        let to = floor(&self.source, span.end).clamp(start, line_end) - line_start;
        let to = to.saturating_sub(window).clamp(from, line.len());
        Snippet::source(line.to_owned())
            .path(self.path.as_str())
            .line_start(line_number)
            .annotation(AnnotationKind::Primary.span(from..to).label(label))
    }

    fn summary(&self) -> String {
        let (errors, warnings) = self.counts();
        let plural = |count: usize, word: &str| match count {
            1 => format!("1 {word}"),
            count => format!("{count} {word}s"),
        };
        let errors = plural(errors + self.more, "error");
        let warnings = plural(warnings, "warning");
        format!("{}: {errors}, {warnings}", self.path)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Report {}

/// The nearest character boundary at or below `offset`.
fn floor(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

/// Cuts a very long line to a window around `at`; gives the window's start and text.
fn cut(line: &str, at: usize) -> (usize, &str) {
    const BEFORE: usize = 100;
    const AFTER: usize = 200;
    let start = if at > BEFORE {
        floor(line, at - BEFORE)
    } else {
        0
    };
    let end = floor(line, at.saturating_add(AFTER));
    (start, line.get(start..end).unwrap_or_default())
}

/// Stars in place of a key, octet for octet, so that places stay right: a report may be pasted into
/// a ticket.
fn redact(line: &str) -> String {
    let Some(from) = key_start(&line.to_ascii_lowercase()) else {
        return line.to_owned();
    };
    let (shown, secret) = line.split_at(from);
    let mut text = shown.to_owned();
    for character in secret.chars() {
        if character.is_whitespace() {
            text.push(character);
        } else {
            text.extend(std::iter::repeat_n('*', character.len_utf8()));
        }
    }
    text
}

/// Where the part of a line starts that may hold a key.
fn key_start(line: &str) -> Option<usize> {
    let command = line
        .find(" auth")
        .or_else(|| line.starts_with("auth").then_some(0));
    if let Some(command) = command {
        // A wrong line may have the key anywhere after its first word.
        let after = line.get(command..)?;
        let indent = after.len() - after.trim_start().len();
        let word = after.trim_start().find(char::is_whitespace)?;
        return Some(command + indent + word);
    }
    ["key", "ascii", "hex"].into_iter().find_map(|name| {
        let after = line.find(name)? + name.len();
        let value = line.get(after..)?.trim_start();
        value.starts_with('=').then_some(after)
    })
}

/// Control characters of a hostile file must not reach a terminal.
fn printable(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '\n' => '\n',
            character if character.is_control() => char::REPLACEMENT_CHARACTER,
            character => character,
        })
        .collect()
}
