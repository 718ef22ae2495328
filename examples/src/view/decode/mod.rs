//! `pmip decode`: a Mobility Header as a tree, for people and as JSON.
//!
//! The JSON is a contract with outside programs: names are the UpperCamel registry names, fields
//! the RFCs' in snake_case, options in wire order.

mod options;

use bytes::Bytes;
use pmip_wire::checksum::ChecksumContext;
use pmip_wire::{BindingAckFlags, BindingUpdateFlags, DecodeError, Message, MobilityHeader};
use serde_json::{Map, Value, json};

/// What carried a Mobility Header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Transport {
    /// IPv6, next header 135
    Ipv6,
    /// IPv4 and UDP, port 5436
    #[default]
    Udp,
}

/// What else to show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::Args)]
pub struct DecodeOptions {
    /// Add the octets of every option and of the message, in hexadecimal
    #[arg(long)]
    pub raw: bool,
    /// Encode every message again and say whether that gives the same octets
    #[arg(long)]
    pub verify: bool,
    /// Show padding options too
    #[arg(long)]
    pub padding: bool,
}

/// A decoded Mobility Header, or what is wrong with it.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded {
    /// One object of the contract.
    pub json: Value,
    /// Whether something could not be decoded.
    pub failed: bool,
}

/// Octets from hexadecimal text; blanks, colons and `0x` are skipped.
///
/// # Errors
/// In plain words what is wrong.
pub fn from_hex(text: &str) -> Result<Bytes, String> {
    let text = text.trim();
    let text = text.strip_prefix("0x").unwrap_or(text);
    let digits: Vec<char> = text
        .chars()
        .filter(|character| !character.is_whitespace() && *character != ':')
        .collect();
    if let Some(wrong) = digits.iter().find(|digit| !digit.is_ascii_hexdigit()) {
        return Err(format!("`{wrong}` is no hexadecimal digit"));
    }
    if digits.is_empty() || digits.len() % 2 == 1 {
        let count = digits.len();
        return Err(format!("{count} hexadecimal digits are no whole octets"));
    }
    let nibble = |digit: &char| digit.to_digit(16).unwrap_or(0) as u8;
    let octets = digits.chunks(2).map(|pair| {
        let octets = pair.iter().map(nibble);
        octets.fold(0, |octet, nibble| octet << 4 | nibble)
    });
    Ok(octets.collect())
}

/// Decodes the Mobility Header that `wire` starts with. Its checksum is not verified: that takes
/// the addresses of the packet.
pub fn decode(wire: &Bytes, transport: Transport, options: DecodeOptions) -> Decoded {
    let mut tree = Map::new();
    tree.insert("frame".into(), json!(1));
    tree.insert("time".into(), Value::Null);
    let transport = match transport {
        Transport::Ipv6 => "ipv6",
        Transport::Udp => "udp",
    };
    tree.insert("transport".into(), json!(transport));
    tree.insert("src".into(), Value::Null);
    tree.insert("dst".into(), Value::Null);
    let result = fill(&mut tree, wire, options);
    if let Err(error) = &result {
        tree.insert("error".into(), error_json(error));
    }
    Decoded {
        json: Value::Object(tree),
        failed: result.is_err(),
    }
}

fn fill(
    tree: &mut Map<String, Value>,
    wire: &Bytes,
    options: DecodeOptions,
) -> Result<(), DecodeError> {
    let header = MobilityHeader::parse(wire, ChecksumContext::Udp)?;
    let number = u8::from(header.mh_type());
    tree.insert("type".into(), json!(number));
    tree.insert("name".into(), json!(format!("{:?}", header.mh_type())));
    let message = Message::decode(wire, ChecksumContext::Udp)?;
    tree.insert("name".into(), json!(name(&message)));
    fields(tree, &message);
    if let Some(raw) = header.options() {
        let mut list = Vec::new();
        for option in raw {
            let option = option?;
            if options.padding || !option.is_padding() {
                list.push(options::option(option, options.raw)?);
            }
        }
        tree.insert("options".into(), list.into());
    }
    if options.raw {
        tree.insert("mh".into(), json!(hex(header.as_bytes())));
    }
    if options.verify {
        let verdict = reencode(&message, header.as_bytes());
        tree.insert("reencode".into(), json!(verdict));
    }
    Ok(())
}

/// The registry's name; a proxy's registrations have their own.
fn name(message: &Message) -> String {
    let proxy = match message {
        Message::BindingUpdate(update) => update.is_proxy(),
        Message::BindingAcknowledgement(answer) => answer.is_proxy(),
        Message::BindingError(_) | Message::Heartbeat(_) | Message::Unknown(_) => false,
        _ => false,
    };
    format!(
        "{}{:?}",
        if proxy { "Proxy" } else { "" },
        message.mh_type()
    )
}

fn fields(tree: &mut Map<String, Value>, message: &Message) {
    let fields = match message {
        Message::BindingUpdate(update) => json!({
            "sequence_number": update.sequence.0,
            "flags": update_flags(update.flags),
            "lifetime_seconds": update.lifetime.as_secs(),
        }),
        Message::BindingAcknowledgement(answer) => json!({
            "status": u8::from(answer.status),
            "status_name": format!("{:?}", answer.status),
            "flags": acknowledgement_flags(answer.flags),
            "sequence_number": answer.sequence.0,
            "lifetime_seconds": answer.lifetime.as_secs(),
        }),
        Message::BindingError(error) => json!({
            "status": u8::from(error.status),
            "status_name": format!("{:?}", error.status),
            "home_address": error.home_address,
        }),
        Message::Heartbeat(heartbeat) => {
            let flags = [(heartbeat.unsolicited, "U"), (heartbeat.response, "R")];
            json!({
                "flags": letters(&flags),
                "sequence_number": heartbeat.sequence,
            })
        }
        Message::Unknown(unknown) => json!({ "data": hex(unknown.data()) }),
        _ => json!({}),
    };
    if let Value::Object(fields) = fields {
        tree.extend(fields);
    }
}

fn update_flags(flags: BindingUpdateFlags) -> Value {
    letters(&[
        (flags.contains(BindingUpdateFlags::ACKNOWLEDGE), "A"),
        (flags.contains(BindingUpdateFlags::HOME_REGISTRATION), "H"),
        (
            flags.contains(BindingUpdateFlags::LINK_LOCAL_COMPATIBILITY),
            "L",
        ),
        (flags.contains(BindingUpdateFlags::KEY_MANAGEMENT), "K"),
        (flags.contains(BindingUpdateFlags::MAP_REGISTRATION), "M"),
        (flags.contains(BindingUpdateFlags::MOBILE_ROUTER), "R"),
        (flags.contains(BindingUpdateFlags::PROXY), "P"),
        (flags.contains(BindingUpdateFlags::FORCE_UDP), "F"),
        (flags.contains(BindingUpdateFlags::TLV_HEADER), "T"),
        (flags.contains(BindingUpdateFlags::BULK), "B"),
        (
            flags.contains(BindingUpdateFlags::MULTICAST_SIGNALLING),
            "S",
        ),
        (flags.contains(BindingUpdateFlags::DISTRIBUTED), "D"),
    ])
}

fn acknowledgement_flags(flags: BindingAckFlags) -> Value {
    letters(&[
        (flags.contains(BindingAckFlags::KEY_MANAGEMENT), "K"),
        (flags.contains(BindingAckFlags::MOBILE_ROUTER), "R"),
        (flags.contains(BindingAckFlags::PROXY), "P"),
        (flags.contains(BindingAckFlags::TLV_HEADER), "T"),
        (flags.contains(BindingAckFlags::BULK), "B"),
        (flags.contains(BindingAckFlags::MULTICAST_SIGNALLING), "S"),
        (flags.contains(BindingAckFlags::DISTRIBUTED), "D"),
    ])
}

/// The letters of the set flags, in the order of the wire.
fn letters(flags: &[(bool, &str)]) -> Value {
    let set = flags.iter().filter(|(set, _)| *set);
    set.map(|(_, letter)| *letter).collect()
}

fn error_json(error: &DecodeError) -> Value {
    // The kind's name alone: its figures are in the message.
    let kind = format!("{:?}", error.kind);
    let kind = kind.split([' ', '(', '{']).next().unwrap_or_default();
    json!({
        "kind": kind,
        "layer": error.layer.to_string(),
        "offset": error.offset,
        "message": error.to_string(),
    })
}

/// Whether encoding gives the octets again: `same`, `canonical` (other padding or reserved bits)
/// or `different`.
fn reencode(message: &Message, wire: &[u8]) -> &'static str {
    let again = message.to_bytes(ChecksumContext::Udp);
    let checksum = 4..6;
    let without = |octets: &[u8]| {
        let mut octets = octets.to_vec();
        if let Some(field) = octets.get_mut(checksum.clone()) {
            field.fill(0);
        }
        octets
    };
    if without(&again) == without(wire) {
        return "same";
    }
    match Message::decode(&again, ChecksumContext::Udp) {
        Ok(decoded) if decoded == *message => "canonical",
        Ok(_) | Err(_) => "different",
    }
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A heartbeat request, sequence number 7, without options.
    const HEARTBEAT: &str = "3b01 0d00 0000 0000 0000 0007 0102 0000";

    fn decoded(text: &str, options: DecodeOptions) -> Decoded {
        let wire = from_hex(text).expect("hexadecimal");
        decode(&wire, Transport::Udp, options)
    }

    #[test]
    fn a_heartbeat_has_the_fields_of_the_contract() {
        let options = DecodeOptions {
            verify: true,
            ..DecodeOptions::default()
        };
        let decoded = decoded(HEARTBEAT, options);
        assert!(!decoded.failed, "{}", decoded.json);
        assert_eq!(decoded.json["name"], "Heartbeat");
        assert_eq!(decoded.json["type"], 13);
        assert_eq!(decoded.json["sequence_number"], 7);
        assert_eq!(decoded.json["flags"], json!([]));
        assert_eq!(decoded.json["options"], json!([]));
        assert_eq!(decoded.json["reencode"], "same");
    }

    #[test]
    fn padding_is_shown_on_demand() {
        let options = DecodeOptions {
            padding: true,
            ..DecodeOptions::default()
        };
        let decoded = decoded(HEARTBEAT, options);
        assert_eq!(decoded.json["options"][0]["name"], "PadN");
        assert_eq!(decoded.json["options"][0]["offset"], 12);
    }

    #[test]
    fn what_cannot_be_decoded_says_where_and_why() {
        let decoded = decoded("3b01 0d00", DecodeOptions::default());
        assert!(decoded.failed);
        assert_eq!(decoded.json["error"]["kind"], "Truncated");
        assert!(decoded.json["error"]["message"].is_string());
    }

    #[test]
    fn hexadecimal_is_forgiving_in_form_and_strict_in_digits() {
        assert_eq!(
            from_hex("0x3b:01 0D").expect("hex").as_ref(),
            [0x3b, 1, 0xd]
        );
        assert!(from_hex("3b0").is_err());
        assert!(from_hex("3g").is_err());
        assert!(from_hex("").is_err());
    }
}
