//! Parts as fields: under the RFCs' names for programs, in words for people.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a part of any other shape is shown as it is"
)]

use std::fmt::Write;
use std::net::{IpAddr, Ipv6Addr};

use pmip_capture::CaptureTime;
use pmip_wire::types::{Lifetime, Timestamp};
use pmip_wire::{
    AccessTechnologyType, AuthenticationSubtype, BindingErrorStatus, BindingRevocationStatus,
    DnsUpdateStatus, FastBindingStatus, FlowBindingStatus, FlowBindingTrigger, HandoffIndicator,
    HandoverAcknowledgeCode, HandoverAddressCode, HandoverInitiateCode,
    Ipv4AddressAcknowledgementStatus, Ipv4HomeAddressStatus, LinkLayerAddressCode, LmaAddressCode,
    LocalizedRoutingStatus, MhType, MnIdSubtype, MobileNodeGroupSubtype,
    MulticastAcknowledgementStatus, MulticastPayload, MulticastReportType, NotificationReason,
    OptionType, RevocationTrigger, Status, UpdateNotificationStatus,
};
use serde_json::{Map, Value, json};

use super::hex;
use super::node::Node;

/// One field.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Field {
    /// Its name in snake_case.
    pub(super) key: String,
    pub(super) value: Shown,
}

/// What a field shows.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shown {
    /// A value: its members of the JSON object, and its words; none where another field's words
    /// tell it too.
    Leaf {
        json: Vec<(String, Value)>,
        words: Option<String>,
    },
    /// Fields of its own.
    Group(Vec<Field>),
    /// Groups of the same kind, such as sub-options.
    List(Vec<Vec<Field>>),
}

/// The fields of `node`; `name` is that of the message or option they belong to.
pub(super) fn fields(name: &str, node: Node) -> Vec<Field> {
    match node {
        Node::Nothing => Vec::new(),
        Node::Fields(structure, parts) => structure_fields(structure, parts),
        Node::Named(wrapper, inner) if !is_leaf(&inner) => fields(wrapper, *inner),
        Node::Variant(variant, inner) if *inner != Node::Nothing => {
            variant_fields("kind", variant, *inner)
        }
        Node::Text(text) if text.parse::<IpAddr>().is_ok() => {
            vec![leaf("address", Node::Text(text))]
        }
        other => vec![field(&snake_case(name), other)],
    }
}

/// The members of a JSON object.
pub(super) fn to_json(fields: &[Field]) -> Map<String, Value> {
    let mut map = Map::new();
    for field in fields {
        match &field.value {
            Shown::Leaf { json, .. } => map.extend(json.iter().cloned()),
            Shown::Group(inner) => {
                map.insert(field.key.clone(), Value::Object(to_json(inner)));
            }
            Shown::List(groups) => {
                let list = groups.iter().map(|group| Value::Object(to_json(group)));
                map.insert(field.key.clone(), list.collect());
            }
        }
    }
    map
}

fn structure_fields(structure: &'static str, parts: Vec<(&'static str, Node)>) -> Vec<Field> {
    let subtype = parts.iter().find_map(|(key, part)| match part {
        Node::Named("MnIdSubtype", code) if *key == "subtype" => Some(code.as_ref().clone()),
        _ => None,
    });
    let mut fields = Vec::new();
    for (key, part) in parts {
        match part {
            Node::Nothing => {}
            // The type is shown beside the name already.
            Node::Named("OptionType" | "MhType", _) => {}
            Node::Octets(octets) if key == "identifier" && subtype.is_some() => {
                fields.push(identifier(subtype.as_ref(), &octets));
                fields
                    .iter_mut()
                    .filter(|field| field.key == "subtype")
                    .for_each(Field::hush);
            }
            Node::Octets(octets) if structure == "LinkLayerIdentifier" => {
                fields.push(Field::new(
                    "link_layer_identifier",
                    json!(hex(&octets)),
                    colons(&octets),
                ));
            }
            Node::Octets(octets) if (structure, key) == ("FlowSummary", "flow_ids") => {
                let ids = octets
                    .chunks(2)
                    .map(|id| id.iter().fold(0, |id, octet| id << 8 | u64::from(*octet)));
                fields.push(leaf(key, Node::List(ids.map(Node::Number).collect())));
            }
            Node::Octets(octets) if (structure, key) == ("ContextRequest", "requests") => {
                fields.push(context_requests(key, &octets));
            }
            // An address of a link layer: others come as text.
            Node::Octets(octets) if key == "address" => {
                fields.push(Field::new(key, json!(hex(&octets)), colons(&octets)));
            }
            Node::Fields("Ipv6Prefix", parts) => {
                fields.extend(structure_fields("Ipv6Prefix", parts))
            }
            Node::Number(number) if structure == "GreKey" => {
                fields.push(Field::new(key, json!(number), format!("{number:#010x}")));
            }
            Node::Octets(octets) if is_text(structure, key) => fields.push(text(key, &octets)),
            // Nothing tells an empty sequence of octets from a list of nothing but its name.
            Node::List(items) if items.is_empty() && !key.ends_with('s') => {
                fields.push(leaf(rename(structure, key), Node::Octets(Vec::new())));
            }
            Node::Number(units) if structure == "TransientBinding" && key == "lifetime" => {
                // RFC 6058 section 5.1 counts units of 100 ms.
                let milliseconds = units.saturating_mul(100);
                let words = format!("{milliseconds} ms");
                fields.push(Field::new(
                    "lifetime_milliseconds",
                    json!(milliseconds),
                    words,
                ));
            }
            part => fields.push(field(rename(structure, key), part)),
        }
    }
    join_prefix(&mut fields);
    fields
}

/// Which options the target gateway is to have (RFC 5949 section 6.2.1): type, length, data.
fn context_requests(key: &str, mut octets: &[u8]) -> Field {
    let mut groups = Vec::new();
    while let [option_type, length, rest @ ..] = octets
        && let Some((data, rest)) = rest.split_at_checked(usize::from(*length))
    {
        let code = Node::Named("OptionType", Box::new(Node::Number((*option_type).into())));
        let mut group = vec![leaf("option_type", code)];
        if !data.is_empty() {
            group.push(leaf("content", Node::Octets(data.into())));
        }
        groups.push(group);
        octets = rest;
    }
    Field {
        key: key.into(),
        value: Shown::List(groups),
    }
}

/// What a variant holds, with its name under `key`.
fn variant_fields(key: &str, variant: &'static str, inner: Node) -> Vec<Field> {
    // A prefix of either family.
    if let ("Ipv4" | "Ipv6", Node::List(parts)) = (variant, &inner)
        && let [Node::Text(prefix), length] = parts.as_slice()
    {
        let mut fields = vec![
            Field::silent("ipv4", json!(variant == "Ipv4")),
            field("prefix_length", length.clone()),
            field("prefix", Node::Text(prefix.clone())),
        ];
        join_prefix(&mut fields);
        return fields;
    }
    let mut all = vec![Field::silent(key, json!(variant))];
    all.extend(fields(variant, inner));
    all
}

fn field(key: &str, node: Node) -> Field {
    match node {
        Node::Fields("ValueRange", parts) => range(key, &parts),
        Node::Fields(structure, parts) => Field {
            key: key.into(),
            value: Shown::Group(structure_fields(structure, parts)),
        },
        Node::Named(_, inner) if !is_leaf(&inner) => field(key, *inner),
        Node::Variant(variant, inner) if *inner != Node::Nothing => Field {
            key: key.into(),
            value: Shown::Group(variant_fields("kind", variant, *inner)),
        },
        Node::List(items) if !items.iter().all(is_leaf) => {
            let groups = items.into_iter().map(|item| list_item(key, item));
            Field {
                key: key.into(),
                value: Shown::List(groups.collect()),
            }
        }
        other => leaf(key, other),
    }
}

/// A sub-option or the like: its name and fields.
fn list_item(key: &str, item: Node) -> Vec<Field> {
    match item {
        Node::Variant(variant, inner) => variant_fields("name", variant, *inner),
        other => fields(key, other),
    }
}

/// Values from a start to an end, which a single one has none of.
fn range(key: &str, parts: &[(&'static str, Node)]) -> Field {
    let ends: Vec<(String, Value)> = parts
        .iter()
        .filter(|(_, part)| *part != Node::Nothing)
        .map(|(end, part)| ((*end).into(), plain(part)))
        .collect();
    let words: Vec<String> = ends.iter().map(|(_, value)| bare(value)).collect();
    let json = Value::Object(ends.into_iter().collect());
    Field::new(key, json, words.join(" to "))
}

/// Whether a part is one value.
fn is_leaf(node: &Node) -> bool {
    match node {
        Node::Fields(..) => false,
        Node::Named(_, inner) => is_leaf(inner),
        Node::Variant(_, inner) => **inner == Node::Nothing,
        Node::List(items) => items.iter().all(is_leaf),
        Node::Nothing
        | Node::Bool(_)
        | Node::Number(_)
        | Node::Octet(_)
        | Node::Negative(_)
        | Node::Float(_)
        | Node::Text(_)
        | Node::Octets(_) => true,
    }
}

fn leaf(key: &str, node: Node) -> Field {
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
        (name, Node::Number(number)) => match code_point(name, *number) {
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

/// A value without quotes.
fn bare(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
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
            format!(
                "{} ({})",
                letter(name, flag),
                flag.to_lowercase().replace('_', " ")
            )
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
pub(super) fn letter(name: &str, flag: &str) -> String {
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

/// A code point's names.
struct CodePoint {
    /// UpperCamel; absent where the number has none.
    name: Option<&'static str>,
    words: String,
}

macro_rules! registries {
    ($($name:ident)+) => {
        /// The name of a number in the registry that the type called `registry` stands for.
        fn code_point(registry: &str, number: u64) -> Option<CodePoint> {
            $(
                if registry == stringify!($name) {
                    let value = $name::from_code(number.try_into().ok()?);
                    return Some(CodePoint { name: value.name(), words: value.to_string() });
                }
            )+
            None
        }
    };
}

registries! {
    AccessTechnologyType AuthenticationSubtype BindingErrorStatus BindingRevocationStatus
    DnsUpdateStatus FastBindingStatus FlowBindingStatus FlowBindingTrigger HandoffIndicator
    HandoverAcknowledgeCode HandoverAddressCode HandoverInitiateCode
    Ipv4AddressAcknowledgementStatus Ipv4HomeAddressStatus LinkLayerAddressCode LmaAddressCode
    LocalizedRoutingStatus MhType MnIdSubtype MobileNodeGroupSubtype
    MulticastAcknowledgementStatus MulticastPayload MulticastReportType NotificationReason
    OptionType RevocationTrigger Status UpdateNotificationStatus
}

/// Whether numbers of this type are shown in words.
#[cfg(test)]
pub(super) fn is_known_wrapper(name: &str) -> bool {
    let plain = ["Lifetime", "SequenceNumber", "Timestamp"];
    plain.contains(&name) || code_point(name, 0).is_some()
}

/// An identifier as text where it is text, else in hexadecimal.
fn identifier(subtype: Option<&Node>, octets: &[u8]) -> Field {
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

/// Whether octets are meant as text.
fn is_text(structure: &str, key: &str) -> bool {
    matches!(
        (structure, key),
        ("ServiceSelection", "identifier")
            | ("DnsUpdate", "fqdn")
            | ("NetworkIdentifier", "network_name" | "access_point_name")
    )
}

/// Octets as text, as [`identifier`] has it.
fn text(key: &str, octets: &[u8]) -> Field {
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

/// Puts a prefix and its length into one word: `2001:db8::/64`.
fn join_prefix(fields: &mut [Field]) {
    let place = |key: &str| fields.iter().position(|field| field.key == key);
    let length = place("prefix_length");
    let prefix = place("prefix").or_else(|| place("address"));
    let (Some(length), Some(prefix)) = (length, prefix) else {
        return;
    };
    let length = fields.get_mut(length).and_then(|field| field.take_words());
    if let (Some(length), Some(words)) = (length, fields.get_mut(prefix).and_then(Field::words_mut))
    {
        let _ = write!(words, "/{length}");
    }
}

/// What the RFCs call a field that the library names otherwise, and names that the contract of the
/// option itself takes.
fn rename(structure: &str, key: &'static str) -> &'static str {
    match (structure, key) {
        (_, "sequence") => "sequence_number",
        ("MagMultipathBinding", "access_technology") => "interface_access_technology",
        ("MagMultipathBinding", "label") => "interface_label",
        ("VendorSpecific" | "QosVendorSpecific", "data") => "vendor_data",
        ("NonceIndices", "home") => "home_nonce_index",
        ("NonceIndices", "care_of") => "care_of_nonce_index",
        ("HomeAgentSwitch" | "Parts", "addresses") => "home_agent_addresses",
        ("UnknownOption" | "UnknownMessage", "data") => "data",
        (_, "length") => "prefix_length",
        (_, "data") => "content",
        (_, "type" | "kind") => "sub_type",
        (_, "name") => "label",
        (_, "offset") => "place",
        (_, key) => key,
    }
}

/// Fields that hold whole seconds.
fn is_in_seconds(key: &str) -> bool {
    key == "refresh_time" || key.ends_with("_seconds")
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

/// Opaque octets: hexadecimal, and the text that they may be.
fn octets_in_words(octets: &[u8]) -> String {
    let is_text = octets.len() > 2 && octets.iter().all(|octet| (0x20..0x7f).contains(octet));
    if octets.is_empty() {
        return "(empty)".into();
    }
    if is_text {
        return format!("{} {:?}", hex(octets), String::from_utf8_lossy(octets));
    }
    hex(octets)
}

fn colons(octets: &[u8]) -> String {
    let octets: Vec<String> = octets.iter().map(|octet| format!("{octet:02x}")).collect();
    octets.join(":")
}

/// A key in words; the unit stands behind the value.
pub(super) fn spaced(key: &str) -> String {
    let key = key.strip_suffix("_seconds").unwrap_or(key);
    let key = key.strip_suffix("_milliseconds").unwrap_or(key);
    key.replace('_', " ")
}

/// `HomeNetworkPrefix` as `home_network_prefix`.
fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for character in name.chars() {
        if character.is_ascii_uppercase() && !snake.is_empty() && !snake.ends_with('_') {
            snake.push('_');
        }
        snake.push(character.to_ascii_lowercase());
    }
    snake
}

impl Field {
    /// A value under its own key.
    pub(super) fn new(key: &str, json: Value, words: String) -> Self {
        Self::leaf(key, vec![(key.into(), json)], Some(words))
    }

    /// A value that has no words of its own.
    fn silent(key: &str, json: Value) -> Self {
        Self::leaf(key, vec![(key.into(), json)], None)
    }

    fn leaf(key: &str, json: Vec<(String, Value)>, words: Option<String>) -> Self {
        Self {
            key: key.into(),
            value: Shown::Leaf { json, words },
        }
    }

    /// What a person reads.
    pub(super) fn words(&self) -> Option<&str> {
        match &self.value {
            Shown::Leaf { words, .. } => words.as_deref(),
            Shown::Group(_) | Shown::List(_) => None,
        }
    }

    const fn words_mut(&mut self) -> Option<&mut String> {
        match &mut self.value {
            Shown::Leaf { words, .. } => words.as_mut(),
            Shown::Group(_) | Shown::List(_) => None,
        }
    }

    const fn take_words(&mut self) -> Option<String> {
        match &mut self.value {
            Shown::Leaf { words, .. } => words.take(),
            Shown::Group(_) | Shown::List(_) => None,
        }
    }

    /// Takes its words away: another field tells it too.
    fn hush(&mut self) {
        self.take_words();
    }

    /// Whether it says yes or no.
    pub(super) fn as_bool(&self) -> Option<bool> {
        match &self.value {
            Shown::Leaf { json, .. } => json.first().and_then(|(_, value)| value.as_bool()),
            Shown::Group(_) | Shown::List(_) => None,
        }
    }

    /// Its JSON value under its own key.
    pub(super) fn json(&self) -> Option<&Value> {
        match &self.value {
            Shown::Leaf { json, .. } => json.first().map(|(_, value)| value),
            Shown::Group(_) | Shown::List(_) => None,
        }
    }
}
