//! One Mobility Header, read as far as it can be.

use bytes::Bytes;
use pmip_wire::{
    Answer, ChecksumContext, DecodeError, Message, MhType, MobilityHeader, OptionType, RawOption,
};
use serde_json::{Value, json};

use super::field::{self, Field};
use super::node::Node;

/// What an octet sequence says, and what is wrong with it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reading {
    pub(super) mh_type: Option<MhType>,
    pub(super) name: Option<String>,
    /// The message's own fields.
    pub(super) fields: Vec<Field>,
    /// In wire order, padding included.
    pub(super) options: Vec<OptionReading>,
    /// Whether it is known where they start.
    pub(super) has_options: bool,
    pub(super) problem: Option<Problem>,
    /// Whether the fields hold although there is a problem.
    pub(super) stands: bool,
    /// The Mobility Header, or what is there of it.
    pub(super) octets: Bytes,
    /// Octets behind it, which receivers ignore (RFC 8200 section 4.7); `None` where its end is not
    /// known.
    pub(super) trailing: Option<usize>,
    /// Whether encoding gives the octets again.
    pub(super) reencode: Option<&'static str>,
}

/// One option.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct OptionReading {
    pub(super) option_type: OptionType,
    pub(super) name: String,
    pub(super) offset: u16,
    /// The Length octet, whatever it counts.
    pub(super) length: u8,
    pub(super) data: Bytes,
    pub(super) is_padding: bool,
    pub(super) fields: Result<Vec<Field>, Problem>,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    /// The name of its kind.
    pub(super) kind: String,
    pub(super) layer: String,
    /// Octets from the start of the Mobility Header.
    pub(super) offset: u16,
    pub(super) message: String,
    /// What its RFC asks of a receiver.
    pub(super) rule: Option<String>,
}

/// How many octets of a frame the snap length left, and of how many.
pub(super) type Snapped = Option<(usize, u32)>;

/// Reads the Mobility Header that `wire` starts with.
pub(super) fn read(wire: &Bytes, context: ChecksumContext, snapped: Snapped) -> Reading {
    match MobilityHeader::parse(wire, context) {
        Ok(header) => Reading::whole(wire, &header, None),
        Err(error) if error.is_bad_checksum() => {
            let header = MobilityHeader::parse(wire, ChecksumContext::Udp);
            let problem = Problem::from(&error);
            match header {
                Ok(header) => Reading::whole(wire, &header, Some(problem)),
                Err(error) => Reading::broken(wire, Problem::from(&error)),
            }
        }
        Err(error) if error.is_truncated() && snapped.is_some() => cut(wire, &error, snapped),
        Err(error) => Reading::broken(wire, Problem::from(&error)),
    }
}

impl Reading {
    /// Of a header that is there from end to end.
    fn whole(wire: &Bytes, header: &MobilityHeader<'_>, bad_checksum: Option<Problem>) -> Self {
        let octets = wire.slice_ref(header.as_bytes());
        let mut reading = Self::new(octets, Some(header.mh_type()));
        reading.trailing = wire.len().checked_sub(reading.octets.len());
        match Message::decode(&reading.octets, ChecksumContext::Udp) {
            Ok(message) => {
                reading.stands = true;
                reading.problem = bad_checksum;
                reading.take(&message);
                reading.reencode = Some(reencode(&message, &reading.octets));
            }
            Err(error) => {
                reading.problem = Some(Problem::from(&error));
                if let Some(message) = without_options(header) {
                    reading.take(&message);
                }
            }
        }
        reading.walk(header);
        reading
    }

    fn broken(wire: &Bytes, problem: Problem) -> Self {
        let mh_type = wire.get(2).map(|code| MhType::from_code(*code));
        let mut reading = Self::new(wire.clone(), mh_type);
        reading.problem = Some(problem);
        reading
    }

    fn new(octets: Bytes, mh_type: Option<MhType>) -> Self {
        Self {
            mh_type,
            name: mh_type.map(|mh_type| mh_type.name().unwrap_or("Unknown").into()),
            fields: Vec::new(),
            options: Vec::new(),
            has_options: false,
            problem: None,
            stands: false,
            octets,
            trailing: None,
            reencode: None,
        }
    }

    /// Takes the message's own fields.
    fn take(&mut self, message: &Message) {
        let Node::Variant(variant, body) = Node::of(message) else {
            return;
        };
        let body = if let Node::Fields(structure, parts) = *body {
            let parts = parts.into_iter().filter(|(key, _)| *key != "options");
            Node::Fields(structure, parts.collect())
        } else {
            *body
        };
        let fields = field::fields(variant, body);
        self.fields = flags_as_letters(fields);
        self.name = Some(message.name().into());
    }

    /// Whether the flag with this letter is set.
    pub(super) fn has_flag(&self, letter: &str) -> bool {
        let flags = self.fields.iter().find(|field| field.key == "flags");
        let flags = flags.and_then(Field::json).and_then(Value::as_array);
        flags.is_some_and(|flags| flags.iter().any(|flag| flag == letter))
    }

    fn walk(&mut self, header: &MobilityHeader<'_>) {
        let Some(options) = header.options() else {
            return;
        };
        self.has_options = true;
        for option in options {
            match option {
                Ok(option) => self.options.push(OptionReading::of(option, &self.octets)),
                // The message's own problem says it.
                Err(_) => return,
            }
        }
    }
}

impl OptionReading {
    fn of(raw: RawOption<'_>, message: &Bytes) -> Self {
        let option_type = raw.option_type();
        let mut reading = Self {
            option_type,
            name: format!("{option_type:?}"),
            offset: raw.offset(),
            length: 0,
            data: message.slice_ref(raw.data()),
            is_padding: raw.is_padding(),
            fields: Ok(Vec::new()),
        };
        if option_type != OptionType::Pad1 {
            let place = usize::from(raw.offset()).saturating_add(1);
            reading.length = message.get(place).copied().unwrap_or(0);
        }
        match raw.decode() {
            Ok(Some(option)) => {
                // Owned, so that octets describe themselves as such and not as numbers.
                if let Node::Variant(variant, value) = Node::of(&option.to_bytes()) {
                    reading.name = variant.into();
                    reading.fields = Ok(field::fields(variant, *value));
                }
            }
            Ok(None) => {}
            Err(error) => reading.fields = Err(Problem::from(&error)),
        }
        reading
    }
}

impl Problem {
    /// One that no decoder reports.
    pub(super) fn new(kind: &str, layer: &str, message: String) -> Self {
        Self {
            kind: kind.into(),
            layer: layer.into(),
            offset: 0,
            message,
            rule: None,
        }
    }

    pub(super) fn to_json(&self) -> Value {
        json!({
            "kind": self.kind,
            "layer": self.layer,
            "offset": self.offset,
            "message": self.message,
        })
    }
}

impl From<&DecodeError> for Problem {
    fn from(error: &DecodeError) -> Self {
        // The kind's name alone: its figures are in the message.
        let kind = format!("{:?}", error.kind);
        let kind = kind.split([' ', '(', '{']).next().unwrap_or_default();
        Self {
            kind: kind.into(),
            layer: error.layer.to_string(),
            offset: error.offset,
            message: error.to_string(),
            rule: rule(error),
        }
    }
}

/// What a receiver has to do.
fn rule(error: &DecodeError) -> Option<String> {
    Some(match error.answer() {
        Answer::ParameterProblem { pointer } => format!(
            "RFC 6275 section 9.2: discarded, and over IPv6 answered with ICMPv6 Parameter Problem, \
             code 0, pointing to octet {pointer} of the Mobility Header"
        ),
        Answer::BindingError(status) => {
            format!("RFC 6275 section 9.2: answered with a Binding Error, status {status}")
        }
        Answer::BindingAcknowledgement(status) => {
            format!("answered with a Binding Acknowledgement, status {status}")
        }
        Answer::FlowIdentification(status) => format!(
            "RFC 6089 section 4.2: answered with a Flow Identification, status {status}; the rest \
             of the message counts"
        ),
        Answer::Silence if error.is_bad_checksum() => {
            "RFC 6275 section 9.2: discarded without an answer".into()
        }
        Answer::Silence | _ => return None,
    })
}

/// What the snap length left of a message: its fixed part and its whole options.
fn cut(wire: &Bytes, error: &DecodeError, snapped: Snapped) -> Reading {
    let mut problem = Problem::from(error);
    if let Some((captured, original)) = snapped {
        let told = format!("; the snap length left {captured} of the frame's {original} octets");
        problem.message.push_str(&told);
    }
    let Some(units) = wire.get(1) else {
        return Reading::broken(wire, problem);
    };
    // With zeros, which are Pad1 options, for what is missing.
    let mut filled = wire.to_vec();
    filled.resize(usize::from(*units).saturating_add(1).saturating_mul(8), 0);
    if let Some(end) = whole_options_end(&filled, wire.len()) {
        filled.iter_mut().skip(end).for_each(|octet| *octet = 0);
    }
    let filled = Bytes::from(filled);
    let Ok(header) = MobilityHeader::parse(&filled, ChecksumContext::Udp) else {
        return Reading::broken(wire, problem);
    };
    let start = header.options().and_then(|mut options| options.next());
    let start = start.and_then(Result::ok).map(|option| option.offset());
    if start.is_none_or(|start| usize::from(start) > wire.len()) {
        return Reading::broken(wire, problem);
    }
    let mut reading = Reading::whole(&filled, &header, None);
    let is_there = |option: &OptionReading| usize::from(option.offset) < wire.len();
    reading.options.retain(is_there);
    reading.problem = Some(problem);
    reading.octets = wire.clone();
    reading.trailing = None;
    reading.reencode = None;
    reading
}

/// Where the last option that lies before `available` ends.
fn whole_options_end(message: &[u8], available: usize) -> Option<usize> {
    let header = MobilityHeader::parse(message, ChecksumContext::Udp).ok()?;
    let mut end = available;
    for option in header.options()? {
        let Ok(option) = option else {
            return Some(end);
        };
        let start = usize::from(option.offset());
        if start >= available {
            return Some(available);
        }
        end = start;
        let head = if option.option_type() == OptionType::Pad1 {
            1
        } else {
            2
        };
        let stop = start
            .saturating_add(head)
            .saturating_add(option.data().len());
        if stop > available {
            return Some(start);
        }
        end = end.max(stop);
    }
    Some(end)
}

/// The message with padding for its options, for the fields of its fixed part.
fn without_options(header: &MobilityHeader<'_>) -> Option<Message> {
    let first = header.options()?.next()?;
    let start = match first {
        Ok(option) => option.offset(),
        Err(error) => error.offset,
    };
    let mut octets = header.as_bytes().to_vec();
    let options = octets.get_mut(usize::from(start)..)?;
    options.fill(0);
    Message::decode(&octets.into(), ChecksumContext::Udp).ok()
}

/// Flags that the library keeps apart as letters of one field, as the contract has them.
fn flags_as_letters(fields: Vec<Field>) -> Vec<Field> {
    let (bools, mut fields): (Vec<Field>, Vec<Field>) = fields
        .into_iter()
        .partition(|field| field.as_bool().is_some());
    if bools.is_empty() {
        return fields;
    }
    let set = bools.iter().filter(|field| field.as_bool() == Some(true));
    let lettered = set.map(|field| (field::letter("", &field.key.to_uppercase()), field));
    let lettered: Vec<(String, &Field)> = lettered.collect();
    let words: Vec<String> = lettered
        .iter()
        .map(|(letter, field)| format!("{letter} ({})", field::spaced(&field.key)))
        .collect();
    let words = if words.is_empty() {
        "none".into()
    } else {
        words.join(", ")
    };
    let letters: Vec<&String> = lettered.iter().map(|(letter, _)| letter).collect();
    fields.insert(0, Field::new("flags", json!(letters), words));
    fields
}

/// Whether encoding gives the octets again: `same`, `canonical` (other padding or reserved bits)
/// or `different`. The checksum is another matter.
fn reencode(message: &Message, wire: &[u8]) -> &'static str {
    let again = message.to_bytes(ChecksumContext::Udp);
    let without_checksum = |octets: &[u8]| {
        let mut octets = octets.to_vec();
        if let Some(field) = octets.get_mut(4..6) {
            field.fill(0);
        }
        octets
    };
    if without_checksum(&again) == without_checksum(wire) {
        return "same";
    }
    match Message::decode(&again, ChecksumContext::Udp) {
        Ok(decoded) if decoded == *message => "canonical",
        Ok(_) | Err(_) => "different",
    }
}
