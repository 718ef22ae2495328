//! Commands as data: a command's syntax is a line such as
//! `heartbeat [interval <interval:heartbeat-interval>] retries <retries:heartbeat-retries>`.
//!
//! `word` is a keyword (`word=other` also reads `other`), `<name:kind>` an argument,
//! `<name:kind...>` one or more, `{a | b}` a choice, `[a]` may be left out; neighbouring optional
//! groups may come in any order.

use super::super::limits::{Limit, limit};
use super::super::model::TOLERANCES;

/// A compiled syntax.
#[derive(Debug, Default)]
pub(super) struct Pattern {
    pub(super) items: Vec<Item>,
}

#[derive(Debug)]
pub(super) enum Item {
    /// Names of one keyword, the one that is printed first.
    Word(Vec<&'static str>),
    Argument(Argument),
    Choice(Vec<Vec<Self>>),
    Optional(Vec<Self>),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Argument {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// Takes every word that is left, at least one.
    pub(super) many: bool,
}

/// What an argument may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    Number(&'static Limit),
    /// 1 to 125 characters.
    Name,
    /// 1 to 32 characters.
    ShortName,
    /// Any word.
    Word,
    Ipv4,
    Ipv6,
    /// An address of either family.
    Address,
    /// ADDRESS/LENGTH, IPv6.
    Prefix6,
    /// ADDRESS/LENGTH keeping the host bits, either family.
    InterfaceAddress,
    /// An IPv4 network mask.
    Mask,
    /// `TYPE NUM` or one word.
    Interface,
    Mac,
    Technology,
    Percent,
    /// 1 to 8 hexadecimal digits.
    Spi,
    /// `USER@REALM` or `@REALM`.
    Nai,
    /// A bend of the rules.
    Tolerance,
}

impl Kind {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "name" => Self::Name,
            "short-name" => Self::ShortName,
            "word" => Self::Word,
            "ipv4" => Self::Ipv4,
            "ipv6" => Self::Ipv6,
            "address" => Self::Address,
            "prefix6" => Self::Prefix6,
            "interface-address" => Self::InterfaceAddress,
            "mask" => Self::Mask,
            "interface" => Self::Interface,
            "mac" => Self::Mac,
            "technology" => Self::Technology,
            "percent" => Self::Percent,
            "spi" => Self::Spi,
            "nai" => Self::Nai,
            "tolerance" => Self::Tolerance,
            other => Self::Number(limit(other)?),
        })
    }

    /// What would be right, in plain words.
    pub(super) fn expected(self) -> String {
        match self {
            Self::Number(limit) => format!("a number from {}", limit.words()),
            Self::Name => "a name of 1 to 125 characters".into(),
            Self::ShortName => "a name of 1 to 32 characters".into(),
            Self::Word => "a word".into(),
            Self::Ipv4 => "an IPv4 address such as 192.0.2.1".into(),
            Self::Ipv6 => "an IPv6 address such as 2001:db8::1".into(),
            Self::Address => "an address such as 192.0.2.0 or 2001:db8::".into(),
            Self::Prefix6 => "an IPv6 prefix such as 2001:db8::/40".into(),
            Self::InterfaceAddress => "an address with its length such as 192.0.2.1/24".into(),
            Self::Mask => "a network mask such as 255.255.255.0".into(),
            Self::Interface => "an interface such as eth0 or Ethernet0/0".into(),
            Self::Mac => "a link-layer address such as 00:00:5e:00:53:01".into(),
            Self::Technology => {
                "an access technology such as LTE, 3G, WLAN or ETHERNET, or its number 1 to 255"
                    .into()
            }
            Self::Percent => "a percentage from 0 to 100, such as 2 or 0.5".into(),
            Self::Spi => "a security parameter index of 1 to 8 hexadecimal digits".into(),
            Self::Nai => "an identifier such as user@example.com or @example.com".into(),
            Self::Tolerance => {
                let words: Vec<&str> = TOLERANCES.iter().map(|(word, _)| *word).collect();
                format!("a tolerance: {}", words.join(", "))
            }
        }
    }
}

impl Pattern {
    /// Compiles a syntax. Every syntax is a constant of this program, and a test compiles them
    /// all; `None` marks a mistake in one.
    pub(super) fn compile(syntax: &'static str) -> Option<Self> {
        let mut rest = syntax;
        let items = sequence(&mut rest)?;
        rest.is_empty().then_some(Self { items })
    }

    /// The keywords in front, before anything that varies.
    pub(super) fn lead(&self) -> impl Iterator<Item = &[&'static str]> {
        self.items.iter().map_while(|item| match item {
            Item::Word(names) => Some(names.as_slice()),
            Item::Argument(_) | Item::Choice(_) | Item::Optional(_) => None,
        })
    }
}

/// Items up to a closing bracket or bar.
fn sequence(rest: &mut &'static str) -> Option<Vec<Item>> {
    let mut items = Vec::new();
    loop {
        *rest = rest.trim_start();
        let Some(first) = rest.chars().next() else {
            return Some(items);
        };
        match first {
            '}' | ']' | '|' => return Some(items),
            '[' => {
                *rest = rest.get(1..)?;
                items.push(Item::Optional(sequence(rest)?));
                *rest = rest.strip_prefix(']')?;
            }
            '{' => items.push(choice(rest)?),
            '<' => {
                let end = rest.find('>')?;
                items.push(Item::Argument(argument(rest.get(1..end)?)?));
                *rest = rest.get(end + 1..)?;
            }
            _ => {
                let end = rest.find([' ', '{', '[', '<', '|', '}', ']']);
                let (word, after) = rest.split_at(end.unwrap_or(rest.len()));
                items.push(Item::Word(word.split('=').collect()));
                *rest = after;
            }
        }
    }
}

fn choice(rest: &mut &'static str) -> Option<Item> {
    let mut alternatives = Vec::new();
    *rest = rest.strip_prefix('{')?;
    loop {
        alternatives.push(sequence(rest)?);
        match rest.strip_prefix('|') {
            Some(after) => *rest = after,
            None => break,
        }
    }
    *rest = rest.strip_prefix('}')?;
    Some(Item::Choice(alternatives))
}

fn argument(text: &'static str) -> Option<Argument> {
    let (name, kind) = text.split_once(':')?;
    let (kind, many) = match kind.strip_suffix("...") {
        Some(kind) => (kind, true),
        None => (kind, false),
    };
    Some(Argument {
        name,
        kind: Kind::named(kind)?,
        many,
    })
}

/// A syntax as people read it: `heartbeat [interval INTERVAL] retries RETRIES`.
pub(super) fn readable(syntax: &str) -> String {
    let mut text = String::new();
    let mut argument = false;
    let mut skipping = false;
    for character in syntax.chars() {
        match character {
            '<' => argument = true,
            '>' => (argument, skipping) = (false, false),
            ':' if argument => skipping = true,
            '=' => skipping = true,
            ' ' | ']' | '}' | '|' if !argument => {
                skipping = false;
                text.push(character);
            }
            _ if skipping => {}
            character if argument => text.extend(character.to_uppercase()),
            character => text.push(character),
        }
    }
    text
}
