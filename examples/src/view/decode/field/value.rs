//! Values as they stand in JSON, and in words.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a part of any other shape is shown as it is"
)]

use std::net::Ipv6Addr;

use pmip_capture::CaptureTime;
use pmip_wire::MnIdSubtype;
use pmip_wire::types::{Lifetime, Timestamp};
use serde_json::{Value, json};

use super::{Field, code_point, spaced};
use crate::view::decode::hex;
use crate::view::decode::node::Node;

/// Opaque octets in words: more than this many make a line that nobody reads, and stand there by their
/// start. JSON and --raw have them all.
const LONG: usize = 32;
const LONG_START: usize = 16;

pub(super) fn leaf(key: &str, node: Node) -> Field {
    match node {
        Node::Named(name, inner) => named(key, name, *inner),
        Node::Nothing => Field::silent(key, Value::Null),
        Node::Bool(set) => {
            let words = set.then(|| spaced(key));
            Field::leaf(key, vec![(key.into(), json!(set))], words)
        }
        Node::Octets(octets) => Field::new(key, json!(hex(&octets)), octets_in_words(&octets)),
        Node::Number(number) if is_in_seconds(key) => {
            Field::new(key, json!(number), format!("{number} s"))
        }
        Node::Number(number) if key.ends_with("bit_rate") => {
            Field::new(key, json!(number), format!("{number} bit/s"))
        }
        other => {
            let value = plain(&other);
            let words = match &value {
                Value::Array(items) => {
                    let items: Vec<String> = items.iter().map(bare).collect();
                    items.join(", ")
                }
                value => bare(value),
            };
            Field::new(key, value, words)
        }
    }
}

/// A wrapped value: a unit, a set of flags, a code point.
fn named(key: &str, name: &'static str, inner: Node) -> Field {
    match (name, &inner) {
        ("Lifetime", Node::Number(units)) => lifetime(key, *units),
        ("Timestamp", Node::Number(bits)) => timestamp(key, *bits),
        (name, Node::Text(text)) if name.ends_with("Flags") => flags(key, name, text),
        (name, Node::Number(number)) => match code_point::of(name, *number) {
            Some(point) => {
                let members = vec![
                    (key.into(), json!(number)),
                    (format!("{key}_name"), json!(point.name)),
                ];
                Field::leaf(key, members, Some(point.words))
            }
            None => leaf(key, inner),
        },
        _ => leaf(key, inner),
    }
}

fn lifetime(key: &str, units: u64) -> Field {
    let units = u16::try_from(units).unwrap_or(u16::MAX);
    let seconds = Lifetime::from_units(units).as_secs();
    let words = format!("{seconds} s");
    Field::leaf(
        key,
        vec![(format!("{key}_seconds"), json!(seconds))],
        Some(words),
    )
}

fn timestamp(key: &str, bits: u64) -> Field {
    let unix = Timestamp::from_bits(bits).as_unix();
    let seconds = i64::try_from(unix.as_secs()).ok();
    let time = seconds.and_then(|seconds| CaptureTime::from_unix(seconds, unix.subsec_nanos()));
    let words = time.map_or_else(
        || format!("{} s after 1970", unix.as_secs()),
        |time| time.to_string(),
    );
    let members = vec![
        (key.into(), json!(format!("{bits:016x}"))),
        ("unix_seconds".into(), json!(unix.as_secs_f64())),
    ];
    Field::leaf(key, members, Some(words))
}

/// Flags by the letters of the RFCs' figures.
fn flags(key: &str, name: &str, text: &str) -> Field {
    let set: Vec<&str> = text
        .split('|')
        .map(str::trim)
        .filter(|flag| !flag.is_empty())
        .collect();
    let letters = |flag: &&str| -> String { letter(name, flag) };
    let words: Vec<String> = set
        .iter()
        .map(|flag| {
            let meaning = if flag.starts_with("0x") {
                "reserved".into()
            } else {
                flag.to_lowercase().replace('_', " ")
            };
            format!("{} ({meaning})", letter(name, flag))
        })
        .collect();
    let words = if words.is_empty() {
        "none".into()
    } else {
        words.join(", ")
    };
    let letters: Vec<String> = set.iter().map(letters).collect();
    Field::new(key, json!(letters), words)
}

/// The letter of a flag: the first of its name, but for those that the RFCs call otherwise.
/// Reserved bits stay hexadecimal.
pub(in crate::view::decode) fn letter(name: &str, flag: &str) -> String {
    match (name, flag) {
        (_, "MOBILE_ROUTER") => "R".into(),
        (_, "MULTICAST_SIGNALLING" | "ASSIGNED_ADDRESS") => "S".into(),
        (_, "MULTICAST_INFORMATION") => "I".into(),
        (_, "RETRANSMIT") => "D".into(),
        ("HandoverInitiateFlags" | "HandoverAcknowledgeFlags", "BUFFER") => "U".into(),
        ("BindingRevocationFlags", flag) if flag.starts_with("IPV4") => "V".into(),
        _ if flag.starts_with("0x") => flag.into(),
        _ => flag.chars().take(1).collect::<String>().to_uppercase(),
    }
}

/// Values from a start to an end, which a single one has none of.
pub(super) fn range(key: &str, parts: &[(&'static str, Node)]) -> Field {
    let ends: Vec<(String, Value)> = parts
        .iter()
        .filter(|(_, part)| *part != Node::Nothing)
        .map(|(end, part)| ((*end).into(), plain(part)))
        .collect();
    let words: Vec<String> = ends.iter().map(|(_, value)| bare(value)).collect();
    let json = Value::Object(ends.into_iter().collect());
    Field::new(key, json, words.join(" to "))
}

/// An identifier as text where it is text, else in hexadecimal.
pub(super) fn identifier(subtype: Option<&Node>, octets: &[u8]) -> Field {
    let code = match subtype {
        Some(Node::Number(number)) => u8::try_from(*number).ok().map(MnIdSubtype::from_code),
        _ => None,
    };
    let text = std::str::from_utf8(octets).ok();
    let text = text.filter(|text| !text.contains(char::is_control));
    let json = text.map_or_else(|| hex(octets), str::to_owned);
    let words = match code {
        Some(MnIdSubtype::Ipv6Address) => <[u8; 16]>::try_from(octets).map_or_else(
            |_| json.clone(),
            |octets| Ipv6Addr::from(octets).to_string(),
        ),
        Some(MnIdSubtype::Eui48 | MnIdSubtype::Eui64) => colons(octets),
        _ if octets.is_empty() => "no octets".into(),
        _ => json.clone(),
    };
    let kind = match code {
        Some(MnIdSubtype::Nai) => "NAI".into(),
        Some(code) => code.to_string(),
        None => "no subtype".into(),
    };
    Field::new("identifier", json!(json), format!("{words} ({kind})"))
}

/// Octets as text, as identifiers are.
pub(super) fn text(key: &str, octets: &[u8]) -> Field {
    let text = std::str::from_utf8(octets).ok();
    let text = text.filter(|text| !text.contains(char::is_control));
    let json = text.map_or_else(|| hex(octets), str::to_owned);
    let words = if octets.is_empty() {
        "none".into()
    } else {
        json.clone()
    };
    Field::new(key, json!(json), words)
}

/// Fields that hold whole seconds.
fn is_in_seconds(key: &str) -> bool {
    matches!(
        key,
        "refresh_time"
            | "initial_retransmission_time"
            | "maximum_retransmission_time"
            | "interval"
            | "retransmission_delay"
    ) || key.ends_with("_seconds")
}

/// Units of 2^-15 degrees (RFC 6757 section 3.1.2).
pub(super) fn degrees(key: &str, units: &Node) -> Field {
    let units = plain(units).as_f64().unwrap_or_default();
    let degrees = units / 32_768.0;
    Field::new(key, json!(degrees), format!("{degrees:.5}\u{b0}"))
}

fn plain(node: &Node) -> Value {
    match node {
        Node::Nothing => Value::Null,
        Node::Bool(set) => json!(set),
        Node::Number(number) => json!(number),
        Node::Octet(number) => json!(number),
        Node::Negative(number) => json!(number),
        Node::Float(number) => json!(number),
        Node::Text(text) => json!(text),
        Node::Octets(octets) => json!(hex(octets)),
        Node::List(items) => items.iter().map(plain).collect(),
        Node::Named(_, inner) => plain(inner),
        Node::Variant(variant, _) => json!(variant),
        Node::Fields(..) => Value::Null,
    }
}

/// A value without quotes.
fn bare(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

/// Opaque octets: hexadecimal, and the text that they may be.
fn octets_in_words(octets: &[u8]) -> String {
    let is_text = octets.len() > 2 && octets.iter().all(|octet| (0x20..0x7f).contains(octet));
    if octets.is_empty() {
        return "(empty)".into();
    }
    if let Some(start) = octets.get(..LONG_START).filter(|_| octets.len() > LONG) {
        return format!("{}... ({} octets)", hex(start), octets.len());
    }
    if is_text {
        return format!("{} {:?}", hex(octets), String::from_utf8_lossy(octets));
    }
    hex(octets)
}

pub(super) fn colons(octets: &[u8]) -> String {
    if octets.is_empty() {
        return "(empty)".into();
    }
    let octets: Vec<String> = octets.iter().map(|octet| format!("{octet:02x}")).collect();
    octets.join(":")
}
