//! What is no option: lengths, values and texts; and the size of those that are.

use pmip_wire::{
    BindingIdentifier, ContextRequest, DecodeErrorKind, ExpectedLength, Field, FlowSummary,
    Ipv4HomeAddress, Layer, Message, MobilityOption, MulticastMobility, MulticastPayload,
    OptionType, ServiceSelection,
};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::{UDP, decode, wire};

#[test]
fn lengths_that_no_rfc_allows_are_refused() {
    use ExpectedLength::{AtLeast, Exactly, MultipleOf, OneOf};
    let cases = [
        (2, 3, Exactly(2)),
        (4, 2, Exactly(4)),
        (6, 17, Exactly(18)),
        (7, 0, AtLeast(1)),
        (9, 4, AtLeast(5)),
        (10, 4, Exactly(8)),
        (11, 1, Exactly(0)),
        (15, 1, Exactly(0)),
        (16, 7, Exactly(8)),
        (17, 1, AtLeast(2)),
        (20, 0, AtLeast(1)),
        (21, 3, AtLeast(4)),
        (29, 4, Exactly(6)),
        (30, 7, Exactly(6)),
        (33, 4, OneOf([2, 6, 6])),
        (33, 0, OneOf([2, 6, 6])),
        (34, 16, Exactly(18)),
        (35, 3, OneOf([4, 8, 20])),
        (35, 5, OneOf([4, 8, 20])),
        (35, 21, OneOf([4, 8, 20])),
        (40, 1, AtLeast(2)),
        (41, 1, OneOf([6, 18, 18])),
        (42, 8, Exactly(10)),
        (43, 1, Exactly(2)),
        (44, 0, MultipleOf(2)),
        (44, 3, MultipleOf(2)),
        (46, 0, Exactly(2)),
        (47, 1, AtLeast(2)),
        (48, 17, Exactly(18)),
        (50, 2, Exactly(6)),
        (51, 16, Exactly(18)),
        (54, 3, AtLeast(4)),
        (56, 0, AtLeast(1)),
        (57, 0, AtLeast(1)),
        (59, 0, OneOf([2, 6, 18])),
        (59, 7, OneOf([2, 6, 18])),
        (65, 17, Exactly(18)),
        (66, 19, Exactly(18)),
        (67, 18, Exactly(34)),
        (68, 18, Exactly(16)),
        (69, 6, Exactly(16)),
        (70, 1, AtLeast(2)),
    ];
    for (option_type, length, expected) in cases {
        let mut region = vec![option_type, length];
        region.resize(2 + usize::from(length), 0);
        let error = decode(&region).expect_err("a wrong length");
        let found = length.into();
        assert_eq!(
            error.kind,
            DecodeErrorKind::BadOptionLength { expected, found }
        );
        let layer = Layer::Option(OptionType::from_code(option_type));
        assert_eq!((error.layer, error.offset), (layer, 12));
    }
    // A report of no words lacks the number of its records: two octets of data, not six.
    for option_type in [60, 61] {
        let error = decode(&[option_type, 0, 1, 0]).expect_err("no report");
        let expected = AtLeast(6);
        assert_eq!(
            error.kind,
            DecodeErrorKind::BadOptionLength { expected, found: 2 }
        );
    }
}

#[test]
fn values_that_their_rfcs_forbid_are_refused() {
    let refused = |start: &[u8]| {
        let mut region = start.to_vec();
        region.resize(2 + usize::from(start[1]), 0);
        decode(&region).expect_err("a forbidden value").kind
    };
    let value = |field, found| DecodeErrorKind::BadValue { field, found };
    let prefix = |length, limit| DecodeErrorKind::PrefixTooLong { length, limit };
    assert_eq!(refused(&[6, 18, 0, 129]), prefix(129, 128));
    assert_eq!(refused(&[29, 6, 0, 0]), value(Field::PrefixLength, 0));
    assert_eq!(refused(&[29, 6, 33 << 2, 0]), prefix(33, 32));
    assert_eq!(refused(&[30, 6, 0, 33 << 2]), prefix(33, 32));
    assert_eq!(refused(&[34, 18, 4, 129]), prefix(129, 128));
    assert_eq!(refused(&[41, 18, 3, 0]), value(Field::OptionCode, 3));
    assert_eq!(refused(&[47, 18, 0xc0, 0]), value(Field::Flags, 0xc0));
    assert_eq!(refused(&[47, 18, 0, 0]), value(Field::Flags, 0));
    assert_eq!(refused(&[51, 18, 0, 64]), value(Field::AddressLength, 64));
    assert_eq!(refused(&[67, 34, 0, 129]), prefix(129, 128));
    // The code says one family, the length the other.
    let expected = ExpectedLength::Exactly(18);
    let kind = DecodeErrorKind::BadOptionLength { expected, found: 6 };
    assert_eq!(refused(&[41, 6, 1, 0]), kind);
    assert_eq!(refused(&[47, 6, 0x80, 0]), kind);
}

/// Reserved bits that are set are ignored, whatever the option.
#[test]
fn reserved_bits_are_ignored() {
    let same: [(&[u8], &[u8]); 5] = [
        (&[33, 2, 0xff, 0xff], &[33, 2, 0, 0]),
        (&[43, 2, 0xff, 9], &[43, 2, 1, 9]),
        (&[46, 2, 1, 2], &[46, 2, 0, 0]),
        (&[50, 6, 1, 9, 0, 0, 0, 1], &[50, 6, 1, 0, 0, 0, 0, 1]),
        (&[59, 2, 7, 7], &[59, 2, 0, 0]),
    ];
    for (set, clear) in same {
        assert_eq!(decode(set), decode(clear));
    }
}

/// A list of options is held in place: one large option would make every message large.
#[test]
fn an_option_is_small() {
    let borrowed = size_of::<MobilityOption<&[u8]>>();
    assert!(borrowed <= 40, "{borrowed}");
    let owned = size_of::<MobilityOption>();
    assert!(owned <= 56, "{owned}");
}

#[test]
fn errors_name_the_lengths_they_ask_for() {
    let text = |region: &[u8]| decode(region).expect_err("a wrong length").to_string();
    assert_eq!(
        text(&[35, 5, 0, 1, 0, 0, 0]),
        "Binding Identifier (35) option at octet 12: the length must be 4, 8 or 20, found 5"
    );
    assert_eq!(
        text(&[33, 3, 0, 0, 0]),
        "GRE Key (33) option at octet 12: the length must be 2 or 6, found 3"
    );
    assert_eq!(
        text(&[44, 1, 0]),
        "Flow Summary (44) option at octet 12: the length must be a multiple of 2, found 1"
    );
}

/// What cannot be encoded cannot be read from text either.
#[test]
fn serde_refuses_what_could_not_be_built() {
    let refused = |option: MobilityOption, from: &str, to: &str| {
        let text = serde_json::to_string(&option).expect("serializable");
        let read = |text: &str| serde_json::from_str::<MobilityOption>(text);
        assert_eq!(read(&text).expect("readable"), option);
        let changed = text.replace(from, to);
        assert_ne!(text, changed, "nothing to change");
        assert!(read(&changed).is_err(), "{changed}");
    };
    let ims = ServiceSelection::new("i").expect("short");
    refused(ims.into(), "[105]", "[]");
    let flows = FlowSummary::new(&[0x0102]).expect("one");
    refused(flows.into(), "[1,2]", "[1,2,3]");
    let home = Ipv4HomeAddress::new([10, 0, 0, 1].into(), 24).expect("in range");
    refused(home.into(), "24", "0");
    refused(home.into(), "24", "33");
    let request = ContextRequest::new([(OptionType::VendorSpecific, &[7][..])]).expect("short");
    refused(request.into(), "[19,1,7]", "[19,2,7]");
    let words = MulticastMobility::new(MulticastPayload::Mldv2, vec![0, 0, 0, 0]).expect("a word");
    refused(words.into(), "[0,0,0,0]", "[0,0,0,0,0]");
    let prioritized = BindingIdentifier::new(1)
        .with_priority(127)
        .expect("in range");
    refused(prioritized.into(), "127", "128");
}

proptest! {
    /// Any data of any type: an error, or a value that can be sent again.
    #[test]
    fn any_data(option_type in 2..=u8::MAX, data in vec(any::<u8>(), 0..64)) {
        let length = match option_type {
            60 | 61 => data.len().saturating_sub(2) / 4,
            _ => data.len(),
        };
        let mut region = vec![option_type, length as u8];
        region.extend_from_slice(&data);
        if let Ok(message) = Message::decode_slice(&wire(&region), UDP) {
            prop_assert_eq!(Message::decode(&message.to_bytes(UDP), UDP), Ok(message));
        }
    }
}
