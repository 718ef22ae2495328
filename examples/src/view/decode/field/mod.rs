//! Parts as fields: under the RFCs' names for programs, in words for people.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a part of any other shape is shown as it is"
)]

mod code_point;
mod value;

use std::fmt::Write;
use std::net::IpAddr;

use pmip_wire::OperatorIdentifierType;
use serde_json::{Map, Value, json};

use super::hex;
use super::node::Node;
use value::leaf;
pub(super) use value::letter;

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
        other => vec![field(&value_key(name), other)],
    }
}

/// What the RFCs call the value of an option that has just one.
fn value_key(name: &str) -> String {
    match name {
        "BindingRefreshAdvice" => "refresh_interval".into(),
        "CareOfTest" => "care_of_keygen_token".into(),
        "MobileNodeLinkLocalAddressInterfaceIdentifier" => "interface_identifier".into(),
        name => snake_case(name),
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
    let is_realm = parts.iter().any(|(_, part)| is_realm(part));
    let mut fields = Vec::new();
    for (key, part) in parts {
        match part {
            Node::Nothing => {}
            // The type is shown beside the name already.
            Node::Named("OptionType" | "MhType", _) => {}
            Node::Octets(octets) if key == "identifier" && subtype.is_some() => {
                fields.push(value::identifier(subtype.as_ref(), &octets));
                let subtypes = fields.iter_mut().filter(|field| field.key == "subtype");
                subtypes.for_each(Field::hush);
            }
            Node::Octets(octets) if key == "identifier" && is_realm => {
                fields.push(value::text(key, &octets));
            }
            Node::Octets(octets) => fields.push(octets_field(structure, key, &octets)),
            Node::Fields("Ipv6Prefix", parts) => fields.extend(structure_fields(structure, parts)),
            part => fields.push(part_field(structure, key, part)),
        }
    }
    join_prefix(&mut fields);
    fields
}

/// Whether this says that an operator is named by its realm, in ASCII (RFC 6757 section 3.1.3).
fn is_realm(part: &Node) -> bool {
    let realm = Node::Number(OperatorIdentifierType::Realm.code().into());
    matches!(part, Node::Named("OperatorIdentifierType", code) if **code == realm)
}

/// Octets that mean something.
fn octets_field(structure: &str, key: &'static str, octets: &[u8]) -> Field {
    match (structure, key) {
        ("LinkLayerIdentifier", _) => {
            let words = value::colons(octets);
            Field::new("link_layer_identifier", json!(hex(octets)), words)
        }
        // An address of a link layer: others come as text.
        (_, "address") => Field::new(key, json!(hex(octets)), value::colons(octets)),
        ("FlowSummary", "flow_ids") => flow_ids(key, octets),
        ("ContextRequest", "requests") => context_requests(key, octets),
        ("ServiceSelection", "identifier")
        | ("DnsUpdate", "fqdn")
        | ("NetworkIdentifier", "network_name" | "access_point_name") => value::text(key, octets),
        _ => leaf(rename(structure, key), Node::Octets(octets.into())),
    }
}

/// A part by what its structure says of it.
fn part_field(structure: &str, key: &'static str, part: Node) -> Field {
    match part {
        // Nothing tells an empty sequence of octets from a list of nothing but its name.
        Node::List(items) if items.is_empty() && !key.ends_with('s') => {
            leaf(rename(structure, key), Node::Octets(Vec::new()))
        }
        Node::Number(units) if (structure, key) == ("TransientBinding", "lifetime") => {
            // RFC 6058 section 5.1 counts units of 100 ms.
            let milliseconds = units.saturating_mul(100);
            let words = format!("{milliseconds} ms");
            Field::new("lifetime_milliseconds", json!(milliseconds), words)
        }
        Node::Number(number) if structure == "GreKey" => {
            Field::new(key, json!(number), format!("{number:#010x}"))
        }
        Node::Number(number) if key.starts_with("preemption_") => {
            let inner = Box::new(Node::Number(number));
            leaf(key, Node::Named("Preemption", inner))
        }
        Node::Number(_) | Node::Negative(_) if structure == "GeoLocation" => {
            value::degrees(key, &part)
        }
        Node::List(items) if code_point::has_sub_options(structure) => Field {
            key: key.into(),
            value: Shown::List(
                items
                    .into_iter()
                    .map(|item| sub_option(structure, item))
                    .collect(),
            ),
        },
        part => field(rename(structure, key), part),
    }
}

/// A sub-option with its type.
fn sub_option(structure: &str, item: Node) -> Vec<Field> {
    let Node::Variant(name, inner) = item else {
        return fields("sub_option", item);
    };
    let mut all = Vec::new();
    if let Some(number) = code_point::sub_option(structure, name) {
        all.push(Field::silent("type", json!(number)));
    }
    all.extend(variant_fields("name", name, *inner));
    all
}

/// Flow identifiers of two octets each (RFC 6089 section 4.2.2).
fn flow_ids(key: &str, octets: &[u8]) -> Field {
    let number = |id: &[u8]| id.iter().fold(0, |id, octet| id << 8 | u64::from(*octet));
    let ids = octets.chunks(2).map(|id| Node::Number(number(id)));
    leaf(key, Node::List(ids.collect()))
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
        Node::Fields("ValueRange", parts) => value::range(key, &parts),
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
        ("MobilityMessageAuthentication", "data") => "authentication_data",
        ("NonceIndices", "home") => "home_nonce_index",
        ("NonceIndices", "care_of") => "care_of_nonce_index",
        ("HomeAgentSwitch" | "Parts", "addresses") => "home_agent_addresses",
        ("UnknownOption" | "UnknownMessage" | "UnknownSubOption", "data") => "data",
        ("UnknownSubOption", "number") => "type",
        (_, "length") => "prefix_length",
        (_, "data") => "content",
        (_, "type" | "kind") => "sub_type",
        (_, "name") => "label",
        (_, "offset") => "place",
        (_, key) => key,
    }
}

/// A key in words; the unit stands behind the value.
pub(super) fn spaced(key: &str) -> String {
    let key = key.strip_suffix("_seconds").unwrap_or(key);
    let key = key.strip_suffix("_milliseconds").unwrap_or(key);
    key.replace('_', " ")
}

/// `HomeNetworkPrefix` as `home_network_prefix`.
pub(super) fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for character in name.chars() {
        if character.is_ascii_uppercase() && !snake.is_empty() && !snake.ends_with('_') {
            snake.push('_');
        }
        snake.push(character.to_ascii_lowercase());
    }
    snake
}

/// Whether numbers of this type are shown in words.
#[cfg(test)]
pub(super) fn is_known_wrapper(name: &str) -> bool {
    let plain = [
        "Dscp",
        "FlowLabel",
        "Lifetime",
        "SequenceNumber",
        "Timestamp",
    ];
    plain.contains(&name) || code_point::of(name, 0).is_some()
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
