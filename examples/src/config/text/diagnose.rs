//! From a line that does not match to a problem that helps.

use super::grammar::readable;
use super::lexer::Token;
use super::matcher::{Mismatch, MismatchKind};
use super::modes::{self, Command, Mode};
use crate::config::report::Problem;

/// A line whose command is known, or known up to some word.
pub(super) fn mismatch(
    mode: Mode,
    command: Option<&Command>,
    tokens: &[Token<'_>],
    end: usize,
    mismatch: &Mismatch,
) -> Problem {
    let wanted = wanted(mismatch);
    let token = tokens.get(mismatch.at);
    let span = token.map_or(end..end, Token::span);
    // A word of a command with a key may be the key.
    let secret = command.is_some_and(|command| command.syntax.starts_with("auth-option spi"));
    let shown = |token: &Token<'_>| match secret {
        true => "this word".to_owned(),
        false => format!("`{}`", token.text),
    };
    let problem = match (token, &mismatch.kind) {
        (None, _) => Problem::error(span, "the command ends too early")
            .label(format!("expected {wanted} here")),
        (Some(token), MismatchKind::Ambiguous) => {
            let message = format!("{} is ambiguous", shown(token));
            Problem::error(span, message).label(format!("it could be {wanted}"))
        }
        (Some(token), MismatchKind::BadValue(_)) => {
            let message = format!("{} is not {wanted}", shown(token));
            Problem::error(span, message).label("not allowed here")
        }
        (Some(token), MismatchKind::Unexpected) => {
            let message = format!("{} is not understood here", shown(token));
            Problem::error(span, message).label(format!("expected {wanted}"))
        }
    };
    let problem = match command {
        Some(command) => problem.note(format!("syntax: {}", readable(command.syntax))),
        None => problem.note(format!("this is {}", mode.description())),
    };
    match suggestion(tokens, mismatch).filter(|_| !secret) {
        Some(help) => problem.help(help),
        None => problem,
    }
}

/// A line that no mode on the way out knows; and whether it was to open a block.
pub(super) fn unknown(around: &[Mode], tokens: &[Token<'_>]) -> (Problem, bool) {
    let Some(first) = tokens.first() else {
        return (Problem::error(0..0, "an empty command"), false);
    };
    let mode = around.last().copied().unwrap_or_default();
    let message = format!("`{}` is no command of {}", first.text, mode.description());
    let problem = Problem::error(first.span(), message).label("unknown command");
    let elsewhere = Mode::ALL
        .into_iter()
        .filter(|mode| !around.contains(mode))
        .find(|mode| matches!(modes::find(*mode, tokens), Ok(Some(_))));
    let line = tokens.iter().map(|token| token.text).take(4);
    let line = line.collect::<Vec<_>>().join(" ").to_ascii_lowercase();
    let leads = around.iter().rev().flat_map(|mode| modes::leads(*mode));
    match (elsewhere, nearest_lead(&line, leads)) {
        (_, Some((lead, opens))) => (problem.help(format!("did you mean `{lead}`?")), opens),
        (Some(mode), None) => {
            let help = format!(
                "it is a command of {}; enter that with `{}` first",
                mode.description(),
                mode.entered_by()
            );
            (problem.help(help), false)
        }
        (None, None) => (problem, false),
    }
}

/// What would be right, as a phrase.
fn wanted(mismatch: &Mismatch) -> String {
    let mut all: Vec<String> = Vec::new();
    for word in &mismatch.words {
        let word = format!("`{word}`");
        if !all.contains(&word) {
            all.push(word);
        }
    }
    all.extend(mismatch.expected.iter().cloned());
    match all.split_last() {
        None => "the end of the command".into(),
        Some((only, [])) => only.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
    }
}

fn suggestion(tokens: &[Token<'_>], mismatch: &Mismatch) -> Option<String> {
    let written = tokens.get(mismatch.at)?.text;
    let right = match &mismatch.kind {
        MismatchKind::Ambiguous => return Some("write more of the word".into()),
        MismatchKind::BadValue(nearest) => nearest.clone()?,
        MismatchKind::Unexpected => {
            let word = written.to_ascii_lowercase();
            nearest(&word, mismatch.words.iter().copied())?.to_owned()
        }
    };
    let line = tokens.iter().enumerate().map(|(index, token)| {
        if index == mismatch.at {
            right.as_str()
        } else {
            token.text
        }
    });
    Some(format!("write `{}`", line.collect::<Vec<_>>().join(" ")))
}

/// The word nearest to what was written, when it is near.
pub(in crate::config) fn nearest<'a>(
    written: &str,
    words: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    let allowed = written.chars().count() / 3 + 1;
    words
        .map(|word| (distance(written, word), word))
        .filter(|(distance, word)| *distance <= allowed.min(word.len() / 2 + 1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// The first words of a command nearest to the first words of a line.
fn nearest_lead(line: &str, leads: impl Iterator<Item = (String, bool)>) -> Option<(String, bool)> {
    leads
        .map(|(lead, opens)| {
            let words = lead.split(' ').count();
            let start = |count: usize| -> String { line.split(' ').take(count).collect() };
            let whole = lead.replace(' ', "");
            // Words that ran together count as one mistake.
            let same = distance(&start(words), &whole);
            let joined = distance(&start(words.max(2) - 1), &whole) + 1;
            (same.min(joined), lead, opens)
        })
        .filter(|(distance, lead, _)| *distance <= lead.len() / 4 + 1)
        .min_by_key(|(distance, ..)| *distance)
        .map(|(_, lead, opens)| (lead, opens))
}

/// Edit distance of two short words; long ones are told apart by their beginning alone.
fn distance(a: &str, b: &str) -> usize {
    const MOST: usize = 48;
    let b: Vec<char> = b.chars().take(MOST).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().take(MOST).enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, y) in row.iter_mut().skip(1).zip(&b) {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = *cell;
            left = replaced.min(left + 1).min(diagonal + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_edits() {
        assert_eq!(distance("multipath", "multipath"), 0);
        assert_eq!(distance("mutipath", "multipath"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
