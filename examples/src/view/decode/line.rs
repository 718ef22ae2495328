//! A line of words that breaks where a terminal would wrap it.

use anstyle::Style;

/// What lines behind the first of a message begin with.
const INDENT: &str = "      ";

/// Words that are kept whole, each with what parts it from the one before.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    pub(super) words: Vec<Word>,
}

/// Text of one style.
#[derive(Clone, Debug)]
pub(super) struct Word {
    pub(super) gap: &'static str,
    pub(super) style: Style,
    pub(super) text: String,
}

impl Line {
    pub(super) fn push(&mut self, gap: &'static str, style: Style, text: &str) {
        let text = text.to_owned();
        self.words.push(Word { gap, style, text });
    }

    /// With the words of `other` behind its own.
    pub(super) fn then(mut self, other: &Self) -> Self {
        self.words.extend(other.words.iter().cloned());
        self
    }

    /// As a line below the first one.
    pub(super) fn indented(mut self) -> Self {
        if let Some(first) = self.words.first_mut() {
            first.gap = INDENT;
        }
        self
    }

    /// The columns that it takes.
    pub(super) fn width(&self) -> usize {
        self.words.iter().map(Word::width).sum()
    }

    /// The same in lines of up to `width` columns, as far as single words allow.
    pub(super) fn broken(self, width: usize) -> Vec<Self> {
        let mut lines: Vec<Self> = Vec::new();
        for word in self.words {
            match lines.last_mut() {
                Some(line) if line.width().saturating_add(word.width()) <= width => {
                    line.words.push(word);
                }
                None => lines.push(Self { words: vec![word] }),
                Some(_) => lines.push(Self { words: vec![word] }.indented()),
            }
        }
        lines
    }
}

impl Word {
    fn width(&self) -> usize {
        let columns = self.gap.len();
        columns.saturating_add(self.text.chars().count())
    }
}
