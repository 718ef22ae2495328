//! A message as the comparison sees it: numbers and octets by name, from the typed value.

use pmip_wire::{ChecksumContext, Message, MobilityHeader, MobilityOption, MobilityOptions};

use crate::cases::Case;
use crate::flatten::{Fields, Leaf, flatten};
use crate::rules::Subject;

pub(crate) struct MessageView {
    pub subject: Subject,
    pub fields: Fields,
    /// Without padding.
    pub options: Vec<OptionView>,
}

pub(crate) struct OptionView {
    pub subject: Subject,
    pub number: u8,
    /// The whole option as encoded, Type and Length included.
    pub octets: Vec<u8>,
    pub fields: Fields,
}

impl MessageView {
    pub(crate) fn new(case: &Case) -> Self {
        let message = &case.message;
        let mut fields = header(case);
        fields.extend(inside(flatten(message)));
        fields.retain(|(name, _)| name != "options" && !name.starts_with("options."));
        let typed = message
            .options()
            .map(MobilityOptions::to_vec)
            .unwrap_or_default();
        let encoded = encoded_options(message);
        assert_eq!(typed.len(), encoded.len(), "one encoded option for each");
        let options = typed.iter().zip(encoded).map(|(typed, octets)| OptionView {
            subject: option_subject(typed),
            number: typed.option_type().code(),
            octets,
            fields: option_fields(typed),
        });
        Self {
            subject: if matches!(message, Message::Unknown(_)) {
                Subject::UntypedMessage
            } else {
                Subject::Message(message.mh_type().code())
            },
            fields,
            options: options.collect(),
        }
    }

    /// The body and each option.
    pub(crate) fn parts(&self) -> Vec<(Subject, &Fields)> {
        let options = self
            .options
            .iter()
            .map(|option| (option.subject, &option.fields));
        std::iter::once((self.subject, &self.fields))
            .chain(options)
            .collect()
    }
}

/// What the encoder computes, and no typed value holds.
fn header(case: &Case) -> Fields {
    let units = case.message.encoded_len() / 8 - 1;
    let numbers = [
        ("header.payload_proto", 59),
        ("header.len", units as i128),
        ("header.mh_type", case.message.mh_type().code().into()),
        (
            "header.checksum",
            u16::from_be_bytes([case.wire[4], case.wire[5]]).into(),
        ),
    ];
    let numbers = numbers.map(|(name, number)| (name, Leaf::Number(number)));
    let data = ("header.data", Leaf::Octets(case.wire[6..].to_vec()));
    let fields = numbers.into_iter().chain([data]);
    fields.map(|(name, leaf)| (name.to_owned(), leaf)).collect()
}

/// What the tables call `option`.
pub(crate) fn option_subject(option: &MobilityOption) -> Subject {
    if matches!(option, MobilityOption::Unknown(_)) {
        return Subject::UntypedOption;
    }
    Subject::Option(option.option_type().code())
}

/// The leaves of an option; that of a bare value is named `value`.
pub(crate) fn option_fields(option: &MobilityOption) -> Fields {
    let header = [
        ("header.number", option.option_type().code().into()),
        ("header.size", option.data_len() as i128 + 2),
    ];
    let mut fields = header
        .map(|(name, number)| (name.to_owned(), Leaf::Number(number)))
        .to_vec();
    fields.extend(inside(flatten(option)));
    fields
}

/// Drops the variant's name from the front of each path.
fn inside(fields: Fields) -> Fields {
    let strip = |(path, leaf): (String, _)| {
        let inner = path.split_once('.').map_or("value", |(_, inner)| inner);
        (inner.to_owned(), leaf)
    };
    fields.into_iter().map(strip).collect()
}

fn encoded_options(message: &Message) -> Vec<Vec<u8>> {
    let wire = message.to_bytes(ChecksumContext::Udp);
    let header = MobilityHeader::parse(&wire, ChecksumContext::Udp).expect("well-formed");
    let options = header
        .options()
        .into_iter()
        .flatten()
        .map(|raw| raw.expect("whole"));
    let octets = options
        .filter(|raw| !raw.is_padding())
        .map(|raw| (usize::from(raw.offset()), raw.data().len()));
    octets
        .map(|(start, length)| wire[start..start + 2 + length].to_vec())
        .collect()
}
