//! From the text of an RFC to its sentences that hold an RFC 2119 keyword.
//!
//! The text is read as the RFC Editor lays it out: headings at the left margin, page breaks of a
//! footer, a form feed and a header, figures drawn with `+-` and `|`.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// Keywords, a longer one before its own beginning.
const KEYWORDS: [&str; 10] = [
    "MUST NOT",
    "MUST",
    "SHALL NOT",
    "SHALL",
    "REQUIRED",
    "SHOULD NOT",
    "SHOULD",
    "NOT RECOMMENDED",
    "RECOMMENDED",
    "MAY",
];

/// Abbreviations whose full stop ends no sentence.
const ABBREVIATIONS: [&str; 5] = ["e.g.", "i.e.", "al.", "vs.", "cf."];

/// A line of more words is no term.
const TERM_WORDS: usize = 6;

/// Octets of the hash that are kept: enough to notice a change, too few to be the text.
const HASH_OCTETS: usize = 8;

/// How much a keyword asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Strength {
    /// MAY.
    May,
    /// SHOULD, RECOMMENDED and their negations.
    Should,
    /// MUST, SHALL, REQUIRED and their negations.
    Must,
}

impl Strength {
    /// The strength of a level, `None` for what is no RFC 2119 keyword.
    pub(crate) fn of(level: &str) -> Option<Self> {
        match level {
            "MUST" | "MUST NOT" | "SHALL" | "SHALL NOT" | "REQUIRED" => Some(Self::Must),
            "SHOULD" | "SHOULD NOT" | "RECOMMENDED" | "NOT RECOMMENDED" => Some(Self::Should),
            "MAY" => Some(Self::May),
            _ => None,
        }
    }
}

/// One sentence with a keyword.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sentence {
    /// Section number, such as `8.3`.
    pub(crate) section: String,
    /// Place among such sentences of the section, from 1.
    pub(crate) ordinal: usize,
    /// The first of its strongest keywords.
    pub(crate) level: &'static str,
    /// The sentence, its white space made single spaces.
    pub(crate) text: String,
}

impl Sentence {
    /// Start of the SHA-256 of the sentence, in hexadecimal.
    pub(crate) fn hash(&self) -> String {
        let digest = Sha256::digest(self.text.as_bytes());
        digest
            .iter()
            .take(HASH_OCTETS)
            .fold(String::new(), |mut hash, octet| {
                let _ = write!(hash, "{octet:02x}");
                hash
            })
    }
}

/// The sentences with a keyword of `sections` and of all sections below them, in the text's order.
pub(crate) fn sentences(text: &str, sections: &[String]) -> Vec<Sentence> {
    let mut found: Vec<Sentence> = Vec::new();
    let mut section = String::new();
    let mut ordinal = 0;
    for block in blocks(text) {
        if let Some(number) = heading(block.first().map_or("", |line| line)) {
            section = number.to_owned();
            ordinal = 0;
            continue;
        }
        if !sections.iter().any(|scope| within(&section, scope)) {
            continue;
        }
        for text in paragraphs(&block)
            .iter()
            .flat_map(|paragraph| split(paragraph))
        {
            if let Some(level) = level(&text) {
                ordinal += 1;
                found.push(Sentence {
                    section: section.clone(),
                    ordinal,
                    level,
                    text,
                });
            }
        }
    }
    found
}

/// Whether `section` is `scope` or below it.
pub(crate) fn within(section: &str, scope: &str) -> bool {
    section
        .strip_prefix(scope)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Runs of lines between blank lines. Figures are left out; a paragraph that a page break cuts is whole.
fn blocks(text: &str) -> Vec<Vec<&str>> {
    let mut blocks: Vec<Vec<&str>> = Vec::new();
    let mut open = false;
    let mut page_broke = false;
    let mut after_form_feed = false;
    for line in text.lines() {
        if line.contains('\u{c}') {
            after_form_feed = true;
            continue;
        }
        if footer(line) || (after_form_feed && line.starts_with("RFC ")) {
            page_broke = true;
            after_form_feed = false;
            open = false;
            continue;
        }
        if line.trim().is_empty() || figure(line) {
            open = false;
            // A figure at the top of a page follows no paragraph of the page before.
            page_broke &= line.trim().is_empty();
            continue;
        }
        let goes_on = open || (page_broke && blocks.last().is_some_and(|last| cut(last, line)));
        match blocks.last_mut().filter(|_| goes_on) {
            Some(last) => last.push(line),
            None => blocks.push(vec![line]),
        }
        open = true;
        page_broke = false;
    }
    blocks
}

/// Whether the page broke within the paragraph that ends with `last`, so that `line` belongs to it.
fn cut(last: &[&str], line: &str) -> bool {
    let end = last.last().map_or("", |line| line.trim_end());
    let start = last.first().map_or("", |line| line);
    let ended = end.ends_with(['.', ':', '?', '!']) || start.trim_start().starts_with("Figure ");
    !ended && heading(start).is_none() && heading(line).is_none() && !bullet(line)
}

fn footer(line: &str) -> bool {
    line.trim_end().ends_with(']') && line.contains("[Page ")
}

fn figure(line: &str) -> bool {
    let line = line.trim();
    line.contains("+-") || line.contains("-+") || line.starts_with('|') || line.ends_with('|')
}

/// The number of a section heading: at the left margin, as in `8.3.  Home Network Prefix Option`.
fn heading(line: &str) -> Option<&str> {
    let (number, title) = line.split_once("  ").or_else(|| line.split_once(' '))?;
    let number = number.strip_suffix('.').unwrap_or(number);
    let numbered = !number.is_empty()
        && number
            .split('.')
            .all(|part| !part.is_empty() && part.bytes().all(|octet| octet.is_ascii_digit()));
    (numbered
        && title
            .trim_start()
            .starts_with(|first: char| first.is_alphabetic()))
    .then_some(number)
}

/// The paragraphs and list items of a block, each on one line; a term before its definition is one of
/// its own.
fn paragraphs(block: &[&str]) -> Vec<String> {
    let mut paragraphs: Vec<String> = Vec::new();
    let mut before: Option<&str> = None;
    for (place, line) in block.iter().enumerate() {
        let defines = before
            .is_some_and(|before| place == 1 && term(before) && indent(line) > indent(before));
        let starts = before.is_none_or(|before| starts_item(before, line));
        match paragraphs.last_mut().filter(|_| !defines && !starts) {
            Some(last) => join(last, line.trim()),
            None => paragraphs.push(line.trim().to_owned()),
        }
        before = Some(line);
    }
    paragraphs
}

/// Whether `line` can be a term whose definition stands below it, such as `Prefix Length`.
fn term(line: &str) -> bool {
    !item(line) && !line.contains(": ") && line.split_whitespace().count() <= TERM_WORDS
}

/// A line that ends with a hyphen goes on without a space.
fn join(text: &mut String, line: &str) {
    if !text.ends_with('-') || text.ends_with(" -") {
        text.push(' ');
    }
    text.push_str(line);
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

fn item(line: &str) -> bool {
    bullet(line) || numbered(line)
}

fn bullet(line: &str) -> bool {
    ["o ", "* ", "- ", "+ "]
        .iter()
        .any(|mark| line.trim_start().starts_with(mark))
}

/// `1.`, `(10)`, `a)` and the like.
fn numbered(line: &str) -> bool {
    let mark = line.split_whitespace().next().unwrap_or("");
    let inner = mark.trim_start_matches('(').trim_end_matches(['.', ')']);
    let digits = inner.len() <= 2 && inner.bytes().all(|octet| octet.is_ascii_digit());
    let letter = inner.len() == 1 && inner.bytes().all(|octet| octet.is_ascii_lowercase());
    mark.ends_with(['.', ')']) && !inner.is_empty() && (digits || letter)
}

/// Whether `line`, behind `before`, starts an item, and is no wrapped line that begins with a dash or
/// a number: those stand below the text of their paragraph.
fn starts_item(before: &str, line: &str) -> bool {
    let (above, own) = (indent(before), indent(line));
    item(line)
        && (own < above || (own == above && item(before)) || before.trim_end().ends_with(':'))
}

/// The sentences of a paragraph.
fn split(paragraph: &str) -> Vec<String> {
    let mut sentences = Vec::new();
    let mut sentence = String::new();
    let mut words = paragraph.split_whitespace().peekable();
    while let Some(word) = words.next() {
        if !sentence.is_empty() {
            sentence.push(' ');
        }
        sentence.push_str(word);
        let next_starts = words.peek().is_none_or(|next| starts_sentence(next));
        if next_starts && ends_sentence(word) {
            sentences.push(std::mem::take(&mut sentence));
        }
    }
    if !sentence.is_empty() {
        sentences.push(sentence);
    }
    sentences
}

fn ends_sentence(word: &str) -> bool {
    let word = word.trim_end_matches([')', '"']);
    word.ends_with(['.', '?', '!']) && !ABBREVIATIONS.iter().any(|short| word.ends_with(short))
}

fn starts_sentence(word: &str) -> bool {
    let word = word.trim_start_matches(['(', '"', '\'', '[']);
    word.starts_with(|first: char| first.is_uppercase() || first.is_ascii_digit())
}

/// The first of the strongest keywords in a sentence.
fn level(sentence: &str) -> Option<&'static str> {
    let words: Vec<&str> = sentence
        .split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
        .filter(|word| !word.is_empty())
        .collect();
    let keywords = (0..words.len()).filter_map(|place| {
        let rest = words.get(place..)?;
        KEYWORDS.into_iter().find(|keyword| {
            let mut parts = keyword.split(' ').zip(rest);
            keyword.split(' ').count() <= rest.len() && parts.all(|(part, word)| part == *word)
        })
    });
    // `max_by_key` would give the last of equals.
    keywords.reduce(|best, next| {
        if Strength::of(next) > Strength::of(best) {
            next
        } else {
            best
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(String, usize, &'static str, String)> {
        let all = sentences(text, &["8".to_owned()]);
        all.into_iter()
            .map(|one| (one.section, one.ordinal, one.level, one.text))
            .collect()
    }

    #[test]
    fn a_sentence_goes_on_over_lines_and_pages() {
        let text = "8.  Formats\n\n   A receiver MUST skip\n\n\nAuthor        Standards Track     [Page 7]\n\u{c}\nRFC 1  \
                    A Title  August 2008\n\n\n   what it does not under-\n   stand.  It MAY\n   count it.\n";
        let expected = [
            (
                "8".into(),
                1,
                "MUST",
                "A receiver MUST skip what it does not under-stand.".into(),
            ),
            ("8".into(), 2, "MAY", "It MAY count it.".into()),
        ];
        assert_eq!(found(text), expected);
    }

    #[test]
    fn terms_lists_and_figures_are_no_part_of_a_sentence() {
        let text = "8.1.  One\n\n   +-+-+-+\n   | MUST |\n   +-+-+-+\n\n   Length\n      It SHOULD be 2, e.g. with\n      \
                    Section 6.1. It is.\n\n   Type: MUST be set to one\n      value.\n\n   o  Items MUST end;\n   o  others \
                    SHALL NOT\n      start (it wraps\n      - at a dash) MAY\n      be.\n   1.  A number is \
                    RECOMMENDED.\n";
        let expected = [
            (
                "8.1".into(),
                1,
                "SHOULD",
                "It SHOULD be 2, e.g. with Section 6.1.".into(),
            ),
            (
                "8.1".into(),
                2,
                "MUST",
                "Type: MUST be set to one value.".into(),
            ),
            ("8.1".into(), 3, "MUST", "o Items MUST end;".into()),
            (
                "8.1".into(),
                4,
                "SHALL NOT",
                "o others SHALL NOT start (it wraps - at a dash) MAY be.".into(),
            ),
            (
                "8.1".into(),
                5,
                "RECOMMENDED",
                "A number is RECOMMENDED.".into(),
            ),
        ];
        assert_eq!(found(text), expected);
    }

    #[test]
    fn only_the_scope_is_read() {
        let text = "   8.  Contents MUST ........ 4\n\n7.  Seven\n\n   A MUST.\n\n8.2.  Two\n\n   B MUST.\n\n80.  \
                    Eighty\n\n   C MUST.\n\n8.10.1 Ten\n\n   D SHOULD be, and MUST NOT.\n";
        let expected = [
            ("8.2".into(), 1, "MUST", "B MUST.".into()),
            (
                "8.10.1".into(),
                1,
                "MUST NOT",
                "D SHOULD be, and MUST NOT.".into(),
            ),
        ];
        assert_eq!(found(text), expected);
    }
}
