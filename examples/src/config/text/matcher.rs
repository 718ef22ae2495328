//! Matching a line's words against a command's syntax.

use std::ops::Range;

use super::grammar::{Argument, Item, Kind, Pattern};
use super::lexer::Token;
use crate::config::model::{AccessTechnology, InterfaceAddress, MacAddress, Percent, TOLERANCES};

/// What a line says in terms of its command's syntax.
#[derive(Clone, Debug, Default)]
pub(super) struct Args<'a> {
    /// The line began with `no`.
    pub(super) no: bool,
    /// Keywords that were written.
    words: Vec<(&'static str, Range<usize>)>,
    /// Arguments that were written.
    values: Vec<(&'static str, String, Range<usize>)>,
    /// The words of the whole line, without `no`.
    pub(super) tokens: Vec<Token<'a>>,
    /// The whole line.
    pub(super) span: Range<usize>,
}

impl Args<'_> {
    /// Whether a keyword was written.
    pub(super) fn has(&self, word: &str) -> bool {
        self.words.iter().any(|(known, _)| *known == word)
    }

    /// An argument's text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let found = self.values.iter().find(|(known, ..)| *known == name);
        found.map(|(_, text, _)| text.as_str())
    }

    /// An argument's text, owned.
    pub(super) fn string(&self, name: &str) -> Option<String> {
        self.text(name).map(str::to_owned)
    }

    /// An argument that its kind has checked already.
    pub(super) fn get<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.text(name)?.parse().ok()
    }

    /// Every value of an argument that may repeat.
    pub(super) fn all<'s>(
        &'s self,
        name: &'s str,
    ) -> impl Iterator<Item = (&'s str, Range<usize>)> {
        let values = self.values.iter();
        values
            .filter(move |(known, ..)| *known == name)
            .map(|(_, text, span)| (text.as_str(), span.clone()))
    }

    /// Where an argument stands; the whole line when it was not written.
    pub(super) fn span_of(&self, name: &str) -> Range<usize> {
        let found = self.values.iter().find(|(known, ..)| *known == name);
        found.map_or_else(|| self.span.clone(), |(.., span)| span.clone())
    }

    /// Where a keyword stands; the whole line when it was not written.
    pub(super) fn span_of_word(&self, word: &str) -> Range<usize> {
        let found = self.words.iter().find(|(known, _)| *known == word);
        found.map_or_else(|| self.span.clone(), |(_, span)| span.clone())
    }
}

/// Why a line does not match.
#[derive(Clone, Debug)]
pub(super) struct Mismatch {
    /// The word that is wrong; the number of words when the line ends too early.
    pub(super) at: usize,
    /// What is wrong with it.
    pub(super) kind: MismatchKind,
    /// Keywords that would be right there.
    pub(super) words: Vec<&'static str>,
    /// Other things that would be right there.
    pub(super) expected: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum MismatchKind {
    /// Nothing of that kind is expected there.
    Unexpected,
    /// The value is not of its kind; a value that would be.
    BadValue(Option<String>),
    /// The abbreviation stands for several keywords.
    Ambiguous,
}

/// Matches all of `tokens`. In a `no` line everything after the first keywords may be left out.
///
/// # Errors
/// Every mistake that can be told apart: after a wrong value the line goes on behind it.
pub(super) fn matches<'a>(
    pattern: &Pattern,
    tokens: &[Token<'a>],
    no: bool,
) -> Result<Args<'a>, Vec<Mismatch>> {
    let mut matcher = Matcher {
        tokens,
        next: 0,
        no,
        args: Args::default(),
        open: Vec::new(),
        keywords: &pattern.items,
        wrong: Vec::new(),
    };
    match matcher.sequence(&pattern.items) {
        Err(mismatch) => matcher.wrong.push(mismatch),
        Ok(()) if matcher.next < tokens.len() => {
            let mismatch = Mismatch {
                at: matcher.next,
                kind: MismatchKind::Unexpected,
                words: matcher.open,
                expected: vec!["the end of the command".into()],
            };
            matcher.wrong.push(mismatch);
        }
        Ok(()) => {}
    }
    match matcher.wrong.is_empty() {
        true => Ok(matcher.args),
        false => Err(matcher.wrong),
    }
}

struct Matcher<'t, 'a> {
    tokens: &'t [Token<'a>],
    next: usize,
    no: bool,
    args: Args<'a>,
    /// Keywords of optional groups that could have followed.
    open: Vec<&'static str>,
    /// The whole syntax.
    keywords: &'t [Item],
    /// Values that were wrong so far.
    wrong: Vec<Mismatch>,
}

/// How well a word fits a keyword.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    No,
    Abbreviation,
    Exact,
}

/// How well `text` fits the keyword with these names.
pub(super) fn fit(names: &[&str], text: &str) -> Fit {
    let text = text.to_ascii_lowercase();
    if names.contains(&text.as_str()) {
        Fit::Exact
    } else if names.iter().any(|name| name.starts_with(&text)) && !text.is_empty() {
        Fit::Abbreviation
    } else {
        Fit::No
    }
}

impl<'a> Matcher<'_, 'a> {
    fn sequence(&mut self, items: &[Item]) -> Result<(), Mismatch> {
        let mut index = 0;
        while let Some(item) = items.get(index) {
            let exhausted = self.next >= self.tokens.len();
            match item {
                Item::Optional(_) => {
                    let run = items
                        .iter()
                        .skip(index)
                        .take_while(|item| matches!(item, Item::Optional(_)))
                        .count();
                    self.optionals(items.get(index..index + run).unwrap_or_default())?;
                    index += run;
                    continue;
                }
                _ if exhausted && self.no => return Ok(()),
                Item::Word(names) => self.word(names)?,
                Item::Argument(argument) => self.argument(argument)?,
                Item::Choice(alternatives) => self.choice(alternatives)?,
            }
            self.open.clear();
            index += 1;
        }
        Ok(())
    }

    fn token(&self) -> Option<&Token<'a>> {
        self.tokens.get(self.next)
    }

    fn word(&mut self, names: &[&'static str]) -> Result<(), Mismatch> {
        let Some(token) = self.token() else {
            return Err(self.mismatch(names.iter().take(1).copied().collect(), Vec::new()));
        };
        if fit(names, token.text) == Fit::No {
            return Err(self.mismatch(names.iter().take(1).copied().collect(), Vec::new()));
        }
        let span = token.span();
        self.args
            .words
            .extend(names.first().map(|name| (*name, span)));
        self.next += 1;
        Ok(())
    }

    fn argument(&mut self, argument: &Argument) -> Result<(), Mismatch> {
        self.value(argument)?;
        while argument.many && self.next < self.tokens.len() {
            self.value(argument)?;
        }
        Ok(())
    }

    fn value(&mut self, argument: &Argument) -> Result<(), Mismatch> {
        let expected = || vec![argument.kind.expected()];
        let Some(token) = self.token().copied() else {
            return Err(self.mismatch(Vec::new(), expected()));
        };
        let following = self.tokens.get(self.next + 1);
        if argument.kind == Kind::Interface {
            let (name, used, span) = interface(&token, following);
            self.args.values.push((argument.name, name, span));
            self.next += used;
            return Ok(());
        }
        if let Err(nearest) = accepts(argument.kind, token.text) {
            let mismatch = Mismatch {
                kind: MismatchKind::BadValue(nearest),
                ..self.mismatch(Vec::new(), expected())
            };
            // A keyword in its place: the value is missing, and what follows is no mistake.
            if is_keyword(self.keywords, token.text) {
                return Err(mismatch);
            }
            self.wrong.push(mismatch);
            self.next += 1;
            return Ok(());
        }
        let text = token.text.to_owned();
        self.args.values.push((argument.name, text, token.span()));
        self.next += 1;
        Ok(())
    }

    fn choice(&mut self, alternatives: &[Vec<Item>]) -> Result<(), Mismatch> {
        let starts: Vec<&[Item]> = alternatives.iter().map(Vec::as_slice).collect();
        match self.pick(&starts)? {
            Some(chosen) => self.sequence(starts.get(chosen).copied().unwrap_or_default()),
            None => Err(self.expecting(&starts)),
        }
    }

    /// Neighbouring optional groups, each at most once, in any order.
    fn optionals(&mut self, run: &[Item]) -> Result<(), Mismatch> {
        let mut left: Vec<&[Item]> = run
            .iter()
            .map(|item| match item {
                Item::Optional(items) => items.as_slice(),
                Item::Word(_) | Item::Argument(_) | Item::Choice(_) => &[],
            })
            .collect();
        while self.next < self.tokens.len() {
            match self.pick(&left)? {
                Some(chosen) => {
                    let items = left.remove(chosen);
                    self.sequence(items)?;
                }
                None => break,
            }
        }
        let words = left.iter().flat_map(|items| first_words(items));
        self.open = words.collect();
        Ok(())
    }

    /// Which of several groups the next word starts.
    fn pick(&self, groups: &[&[Item]]) -> Result<Option<usize>, Mismatch> {
        let Some(token) = self.token() else {
            return Ok(None);
        };
        let mut abbreviated: Vec<(usize, &'static str)> = Vec::new();
        for (index, items) in groups.iter().enumerate() {
            for names in first_names(items) {
                match fit(names, token.text) {
                    Fit::Exact => return Ok(Some(index)),
                    Fit::Abbreviation => {
                        abbreviated.extend(names.first().map(|name| (index, *name)));
                    }
                    Fit::No => {}
                }
            }
        }
        if let [(index, _)] = abbreviated.as_slice() {
            return Ok(Some(*index));
        }
        let argument = groups.iter().position(|items| match items.first() {
            Some(Item::Argument(argument)) => accepts(argument.kind, token.text).is_ok(),
            Some(Item::Word(_) | Item::Choice(_) | Item::Optional(_)) | None => false,
        });
        if argument.is_some() || abbreviated.is_empty() {
            return Ok(argument);
        }
        let words = abbreviated.into_iter().map(|(_, name)| name).collect();
        Err(Mismatch {
            kind: MismatchKind::Ambiguous,
            ..self.mismatch(words, Vec::new())
        })
    }

    fn expecting(&self, groups: &[&[Item]]) -> Mismatch {
        let words = groups.iter().flat_map(|items| first_words(items)).collect();
        let arguments: Vec<&Argument> = groups
            .iter()
            .filter_map(|items| match items.first() {
                Some(Item::Argument(argument)) => Some(argument),
                Some(Item::Word(_) | Item::Choice(_) | Item::Optional(_)) | None => None,
            })
            .collect();
        let expected = arguments.iter().map(|argument| argument.kind.expected());
        let mut mismatch = self.mismatch(words, expected.collect());
        // Where only one kind of value could stand, the value is what is wrong.
        if let ([argument], Some(token), true) = (
            arguments.as_slice(),
            self.token(),
            mismatch.words.is_empty(),
        ) && let Err(nearest) = accepts(argument.kind, token.text)
        {
            mismatch.kind = MismatchKind::BadValue(nearest);
        }
        mismatch
    }

    fn mismatch(&self, words: Vec<&'static str>, expected: Vec<String>) -> Mismatch {
        // What an optional group in front could have taken counts too.
        let mut all = self.open.clone();
        all.extend(words);
        Mismatch {
            at: self.next,
            kind: MismatchKind::Unexpected,
            words: all,
            expected,
        }
    }
}

/// Whether a word is a keyword somewhere in a syntax.
fn is_keyword(items: &[Item], text: &str) -> bool {
    items.iter().any(|item| match item {
        Item::Word(names) => fit(names, text) == Fit::Exact,
        Item::Argument(_) => false,
        Item::Choice(alternatives) => alternatives.iter().any(|items| is_keyword(items, text)),
        Item::Optional(items) => is_keyword(items, text),
    })
}

/// The keywords that a group can start with.
fn first_names(items: &[Item]) -> Vec<&[&'static str]> {
    match items.first() {
        Some(Item::Word(names)) => vec![names.as_slice()],
        Some(Item::Choice(alternatives)) => {
            let alternatives = alternatives.iter();
            alternatives.flat_map(|items| first_names(items)).collect()
        }
        Some(Item::Argument(_) | Item::Optional(_)) | None => Vec::new(),
    }
}

fn first_words(items: &[Item]) -> Vec<&'static str> {
    let names = first_names(items).into_iter();
    names.filter_map(|names| names.first().copied()).collect()
}

/// Whether a word is a value of this kind; if not, perhaps one that would be.
fn accepts(kind: Kind, text: &str) -> Result<(), Option<String>> {
    let check = |fine: bool| if fine { Ok(()) } else { Err(None) };
    let length = |most: usize| check((1..=most).contains(&text.chars().count()));
    match kind {
        Kind::Number(limit) => match text.parse::<u64>() {
            Ok(value) if u32::try_from(value).is_ok_and(|value| limit.contains(value)) => Ok(()),
            Ok(value) => Err(Some(limit.nearest(value).to_string())),
            Err(_) => Err(None),
        },
        Kind::Name => length(crate::config::limits::NAME_CHARACTERS),
        Kind::ShortName => length(crate::config::limits::SHORT_NAME_CHARACTERS),
        Kind::Word | Kind::Interface => Ok(()),
        Kind::Ipv4 => check(text.parse::<std::net::Ipv4Addr>().is_ok()),
        Kind::Ipv6 => check(text.parse::<std::net::Ipv6Addr>().is_ok()),
        Kind::Address => check(text.parse::<std::net::IpAddr>().is_ok()),
        Kind::Prefix6 => {
            let prefix = text.parse::<pmip_wire::types::IpPrefix>();
            check(prefix.is_ok_and(|prefix| !prefix.is_ipv4()))
        }
        Kind::InterfaceAddress => check(text.parse::<InterfaceAddress>().is_ok()),
        Kind::Mask => check(mask_length(text).is_some()),
        Kind::Mac => check(text.parse::<MacAddress>().is_ok()),
        Kind::Technology => check(text.parse::<AccessTechnology>().is_ok()),
        Kind::Percent => check(text.parse::<Percent>().is_ok()),
        Kind::Spi => {
            check(u32::from_str_radix(text, 16).is_ok_and(|spi| spi > 0 && text.len() <= 8))
        }
        Kind::Tolerance => {
            let words = || TOLERANCES.iter().map(|(word, _)| *word);
            match words().any(|word| word == text) {
                true => Ok(()),
                false => Err(super::nearest(text, words()).map(str::to_owned)),
            }
        }
        Kind::Nai => check(text.contains('@') && !text.ends_with('@') && length(125).is_ok()),
    }
}

/// The prefix length of a network mask.
pub(super) fn mask_length(text: &str) -> Option<u8> {
    let mask: std::net::Ipv4Addr = text.parse().ok()?;
    let ones = mask.to_bits().leading_ones();
    (mask.to_bits().count_ones() == ones).then(|| u8::try_from(ones).ok())?
}

/// Interface types whose short or oddly cased forms we spell out.
const INTERFACE_TYPES: [&str; 8] = [
    "Ethernet",
    "FastEthernet",
    "GigabitEthernet",
    "TenGigabitEthernet",
    "Loopback",
    "Cellular",
    "Tunnel",
    "Vlan",
];

/// An interface's name: one word, or a type and its number; with how many words it took.
fn interface(token: &Token<'_>, following: Option<&Token<'_>>) -> (String, usize, Range<usize>) {
    let digit = |text: &str| text.starts_with(|first: char| first.is_ascii_digit());
    let is_type = token.text.chars().all(|c| c.is_ascii_alphabetic());
    let number = following.filter(|next| is_type && digit(next.text));
    match number {
        Some(number) => {
            let name = format!("{}{}", token.text, number.text);
            (spell_out(&name), 2, token.start..number.span().end)
        }
        None => (spell_out(token.text), 1, token.span()),
    }
}

/// `gigabitethernet0/0/0` and `Gi0/0/0` are `GigabitEthernet0/0/0`; a Linux name stays.
fn spell_out(name: &str) -> String {
    let Some(split) = name.find(|c: char| c.is_ascii_digit()) else {
        return name.to_owned();
    };
    let (kind, number) = name.split_at(split);
    let lower = kind.to_ascii_lowercase();
    let whole = INTERFACE_TYPES
        .iter()
        .find(|known| known.eq_ignore_ascii_case(kind));
    // No Linux name holds a slash, so an abbreviation with one is safe to spell out.
    let abbreviated = INTERFACE_TYPES.iter().find(|known| {
        number.contains('/') && !lower.is_empty() && known.to_ascii_lowercase().starts_with(&lower)
    });
    match whole.or(abbreviated) {
        Some(known) => format!("{known}{number}"),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<Token<'_>> {
        let mut at = 0;
        let words = text.split(' ');
        words
            .map(|word| {
                let token = Token {
                    text: word,
                    start: at,
                };
                at += word.len() + 1;
                token
            })
            .collect()
    }

    fn run(syntax: &'static str, text: &str) -> Result<Args<'static>, Mismatch> {
        run_all(syntax, text).map_err(|mut all| all.remove(0))
    }

    fn run_all(syntax: &'static str, text: &str) -> Result<Args<'static>, Vec<Mismatch>> {
        let pattern = Pattern::compile(syntax).expect("a valid syntax");
        let tokens = tokens(text);
        let args = matches(&pattern, &tokens, false)?;
        Ok(Args {
            tokens: Vec::new(),
            ..args
        })
    }

    const SLA: &str = "sla [num-packets=numpackets <n:sla-packets>] [interval <i:sla-interval>] \
        [frequency <f:sla-frequency>]";

    #[test]
    fn optional_groups_come_in_any_order_and_abbreviated() {
        let args = run(SLA, "sla freq 60 numpackets 10").expect("matches");
        assert_eq!(args.get("f"), Some(60));
        assert_eq!(args.get("n"), Some(10));
        assert_eq!(args.text("i"), None);
        let again = run(SLA, "sla interval 10 interval 20").expect_err("twice");
        assert_eq!(again.at, 3);
    }

    #[test]
    fn a_value_out_of_range_names_the_nearest() {
        let mismatch = run(SLA, "sla interval 3").expect_err("too small");
        assert_eq!(mismatch.at, 2);
        assert_eq!(mismatch.kind, MismatchKind::BadValue(Some("4".into())));
    }

    #[test]
    fn every_wrong_value_of_a_line_is_told() {
        let places = |text: &str| -> Vec<usize> {
            let all = run_all(SLA, text).expect_err("wrong");
            all.iter().map(|mismatch| mismatch.at).collect()
        };
        assert_eq!(
            places("sla interval 3 frequency x num-packets 101"),
            [2, 4, 6]
        );
        assert_eq!(places("sla interval 3 frob"), [2, 3]);
        // The value of `interval` is missing; `frequency` and its value are right.
        assert_eq!(places("sla interval frequency 60"), [2]);
    }

    #[test]
    fn an_abbreviation_of_two_keywords_is_ambiguous() {
        let syntax = "encap {gre-ipv4 | gre-ipv6 | udptunnel}";
        let mismatch = run(syntax, "encap gre").expect_err("ambiguous");
        assert_eq!(mismatch.kind, MismatchKind::Ambiguous);
        assert_eq!(mismatch.words, ["gre-ipv4", "gre-ipv6"]);
        assert!(run(syntax, "encap u").is_ok());
    }

    #[test]
    fn interface_names_are_spelled_out() {
        for (text, name) in [
            ("interface Ethernet 0/0", "Ethernet0/0"),
            ("interface gigabitethernet 0/0/0", "GigabitEthernet0/0/0"),
            ("interface Gi0/0/0", "GigabitEthernet0/0/0"),
            ("interface loopback0", "Loopback0"),
            ("interface eth0", "eth0"),
            ("interface lo", "lo"),
        ] {
            let args = run("interface <name:interface>", text).expect("matches");
            assert_eq!(args.text("name"), Some(name));
        }
    }

    #[test]
    fn masks_with_holes_are_no_masks() {
        assert_eq!(mask_length("255.255.255.128"), Some(25));
        assert_eq!(mask_length("255.0.255.0"), None);
    }
}
