//! The words in which each oracle's tables are written.

use crate::flatten::{Fields, Leaf};

/// One field of ours beside the oracle's field for it.
pub(crate) struct Row {
    /// The paths to our leaves, with `|` between, or `*` for all; empty where the oracle shows what we do not keep.
    pub ours: &'static str,
    /// The oracle's names, with `|` between; empty where it does not show the field.
    pub theirs: &'static str,
    pub how: How,
}

/// How the values of a row compare.
pub(crate) enum How {
    /// They are the same number or octets.
    Same,
    /// Theirs is ours times this.
    Times(i128),
    /// Theirs is these bits of ours, zeros where we have none.
    Bits(i128),
    /// Theirs is what the function makes of ours.
    With(fn(&Leaf) -> Vec<Leaf>),
    /// Theirs is 1 where we have a value, else 0.
    Present,
    /// Theirs is which of our paths has a value, counted from 1.
    Which,
    /// Theirs is reserved: zero.
    Zero,
    /// Theirs is not a field of the message, or another row compares it.
    Ignored,
    /// The oracle does not show it.
    Unseen,
    /// The oracle does not show these bits.
    UnseenBits(i128),
}

pub(crate) const fn same(ours: &'static str, theirs: &'static str) -> Row {
    row(ours, theirs, How::Same)
}

pub(crate) const fn times(ours: &'static str, theirs: &'static str, factor: i128) -> Row {
    row(ours, theirs, How::Times(factor))
}

pub(crate) const fn bits(ours: &'static str, mask: i128, theirs: &'static str) -> Row {
    row(ours, theirs, How::Bits(mask))
}

pub(crate) const fn with(
    ours: &'static str,
    theirs: &'static str,
    f: fn(&Leaf) -> Vec<Leaf>,
) -> Row {
    row(ours, theirs, How::With(f))
}

pub(crate) const fn present(ours: &'static str, theirs: &'static str) -> Row {
    row(ours, theirs, How::Present)
}

pub(crate) const fn which(ours: &'static str, theirs: &'static str) -> Row {
    row(ours, theirs, How::Which)
}

pub(crate) const fn zero(theirs: &'static str) -> Row {
    row("", theirs, How::Zero)
}

pub(crate) const fn ignored(theirs: &'static str) -> Row {
    row("", theirs, How::Ignored)
}

pub(crate) const fn unseen(ours: &'static str) -> Row {
    row(ours, "", How::Unseen)
}

pub(crate) const fn unseen_bits(ours: &'static str, mask: i128) -> Row {
    row(ours, "", How::UnseenBits(mask))
}

const fn row(ours: &'static str, theirs: &'static str, how: How) -> Row {
    Row { ours, theirs, how }
}

/// What a table or an exception is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Subject {
    Message(u8),
    Option(u8),
    /// Kept as it came.
    UntypedMessage,
    UntypedOption,
}

/// Where the oracle is wrong or knows less, and why.
pub(crate) struct Exception {
    pub subject: Subject,
    pub about: About,
    /// For which values.
    pub when: fn(&Fields) -> bool,
    /// What the RFC says.
    pub reason: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum About {
    /// It reads another value for its field of this name, or shows none or one too many.
    Field(&'static str),
    /// It complains in these words, and reads on.
    Note(&'static str),
    /// It gives up on the whole message.
    GivesUp,
    /// What it makes of what it read is not what it read.
    Makes,
    /// It knows another layout: whatever it reads differs.
    Layout,
}

/// All that is known of an oracle.
pub(crate) struct Rules {
    /// Rows of every message.
    pub header: &'static [Row],
    /// Rows of bodies by message type.
    pub messages: Table,
    /// Rows of every option.
    pub option_header: &'static [Row],
    /// Rows by option type.
    pub options: Table,
    /// Rows of what has no typed form here.
    pub untyped_message: &'static [Row],
    pub untyped_option: &'static [Row],
    /// Of which options the oracle knows the alignment: a message of such alone it must make octet
    /// for octet.
    pub aligns: fn(u8) -> bool,
    pub exceptions: &'static [Exception],
}

pub(crate) type Table = &'static [(u8, &'static [Row])];

fn find(table: Table, number: u8) -> &'static [Row] {
    let mut rows = table.iter().filter(|(of, _)| *of == number);
    rows.next().map_or(&[], |(_, rows)| *rows)
}

impl How {
    /// The bits it is about, where it is about bits.
    pub(crate) fn mask(&self) -> Option<i128> {
        if let Self::Bits(mask) | Self::UnseenBits(mask) = self {
            return Some(*mask);
        }
        None
    }
}

impl Row {
    /// Whether it looks at the oracle's field of this name.
    pub(crate) fn shows(&self, name: &str) -> bool {
        self.theirs.split('|').any(|theirs| theirs == name)
    }

    /// Whether it looks at our leaf at `path`.
    pub(crate) fn looks_at(&self, path: &str) -> bool {
        self.ours == "*" || !self.ours.is_empty() && self.ours.split('|').any(|ours| ours == path)
    }
}

impl Rules {
    /// The rows of `subject`.
    pub(crate) fn rows(&self, subject: Subject) -> Vec<&'static Row> {
        let (header, rows) = match subject {
            Subject::Message(number) => (self.header, find(self.messages, number)),
            Subject::Option(number) => (self.option_header, find(self.options, number)),
            Subject::UntypedMessage => (self.header, self.untyped_message),
            Subject::UntypedOption => (self.option_header, self.untyped_option),
        };
        header.iter().chain(rows).collect()
    }

    /// Everything that has rows.
    pub(crate) fn subjects(&self) -> impl Iterator<Item = Subject> {
        let messages = self
            .messages
            .iter()
            .map(|(number, _)| Subject::Message(*number));
        let options = self
            .options
            .iter()
            .map(|(number, _)| Subject::Option(*number));
        let message = (!self.untyped_message.is_empty()).then_some(Subject::UntypedMessage);
        let option = (!self.untyped_option.is_empty()).then_some(Subject::UntypedOption);
        messages.chain(options).chain(message).chain(option)
    }

    /// The places in the table of the exceptions for a subject with these values.
    pub(crate) fn exceptions(&self, subject: Subject, fields: &Fields) -> Vec<(usize, About)> {
        let exceptions = self.exceptions.iter().enumerate();
        exceptions
            .filter(|(_, exception)| exception.subject == subject && (exception.when)(fields))
            .map(|(index, exception)| (index, exception.about))
            .collect()
    }

    /// Whether the oracle reads the body and the options of `subject`, not its octets alone.
    pub(crate) fn reads_options(&self, subject: Subject) -> bool {
        self.rows(subject).iter().all(|row| row.ours != "*")
    }

    /// Whether the oracle reads on behind an option with these values.
    pub(crate) fn joins(&self, subject: Subject, fields: &Fields) -> bool {
        let exceptions = self.exceptions(subject, fields);
        exceptions
            .iter()
            .all(|(_, about)| !matches!(about, About::GivesUp | About::Makes | About::Layout))
    }
}

/// For every value.
pub(crate) fn always(_: &Fields) -> bool {
    true
}

/// The first number at `path`, else -1, which no field is.
pub(crate) fn number(fields: &Fields, path: &str) -> i128 {
    let mut leaves = fields.iter().filter(|(name, _)| name == path);
    match leaves.next() {
        Some((_, Leaf::Number(number))) => *number,
        Some((_, Leaf::Octets(_) | Leaf::Name(_))) | None => -1,
    }
}

/// The first octets at `path`, else none.
pub(crate) fn octets<'a>(fields: &'a Fields, path: &str) -> &'a [u8] {
    let mut leaves = fields.iter().filter(|(name, _)| name == path);
    match leaves.next() {
        Some((_, Leaf::Octets(octets))) => octets,
        Some((_, Leaf::Number(_) | Leaf::Name(_))) | None => &[],
    }
}

/// The code of an LMA address: 1 for IPv6, 2 for IPv4 (RFC 5949 section 6.2.2).
pub(crate) fn code_of_family(address: &Leaf) -> Vec<Leaf> {
    vec![Leaf::Number(if ipv6(address).is_empty() { 2 } else { 1 })]
}

/// How many bits an address has.
pub(crate) fn bits_of_address(address: &Leaf) -> Vec<Leaf> {
    vec![Leaf::Number(if ipv6(address).is_empty() {
        32
    } else {
        128
    })]
}

/// 1 for IPv4, else 0.
pub(crate) fn is_ipv4(address: &Leaf) -> Vec<Leaf> {
    vec![Leaf::Number(ipv4(address).len() as i128)]
}

/// 1 for IPv6, else 0.
pub(crate) fn is_ipv6(address: &Leaf) -> Vec<Leaf> {
    vec![Leaf::Number(ipv6(address).len() as i128)]
}

/// The address, where it is IPv4.
pub(crate) fn ipv4(address: &Leaf) -> Vec<Leaf> {
    of_length(address, 4)
}

/// The address, where it is IPv6.
pub(crate) fn ipv6(address: &Leaf) -> Vec<Leaf> {
    of_length(address, 16)
}

fn of_length(leaf: &Leaf, length: usize) -> Vec<Leaf> {
    match leaf {
        Leaf::Octets(octets) if octets.len() == length => vec![leaf.clone()],
        Leaf::Octets(_) | Leaf::Number(_) | Leaf::Name(_) => Vec::new(),
    }
}
