//! Bytes from anyone: an error or a message, never a panic, and the error names the field.

use bytes::Bytes;
use pmip_wire::{
    Answer, ChecksumContext, DecodeError, DecodeErrorKind, ExpectedLength, Field, Heartbeat, Layer,
    Message, MhType, OptionType,
};
use proptest::prelude::*;

const UDP: ChecksumContext = ChecksumContext::Udp;

/// A Binding Update of 48 octets: MN-ID, home network prefix, handoff indicator, padding.
const UPDATE: [u8; 48] = [
    59, 5, 5, 0, 0, 0, 0, 1, 0x82, 0, 0, 9, // fixed part
    8, 5, 1, b'a', b'@', b'b', b'.', 0, // MN-ID and Pad1 at 12
    22, 18, 0, 64, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, // HNP at 20
    23, 2, 0, 1, 1, 2, 0, 0, // HI at 40
];

#[test]
fn every_cut_names_the_field_it_falls_into() {
    Message::decode_slice(&UPDATE, UDP).expect("the whole message is well-formed");
    for length in 0..UPDATE.len() {
        let error = Message::decode_slice(&UPDATE[..length], UDP).expect_err("a cut message");
        assert!(error.is_truncated(), "{length}: {error}");
        let DecodeErrorKind::Truncated {
            field,
            needed,
            available,
        } = error.kind
        else {
            panic!("{length}: {error}");
        };
        let update = Layer::Message(MhType::BindingUpdate);
        let expected = match length {
            0 => (Layer::MobilityHeader, Field::PayloadProto, 0),
            1 => (Layer::MobilityHeader, Field::HeaderLength, 1),
            2 => (Layer::MobilityHeader, Field::MhType, 2),
            3 => (Layer::MobilityHeader, Field::Reserved, 3),
            4 | 5 => (Layer::MobilityHeader, Field::Checksum, 4),
            6 | 7 => (update, Field::Sequence, 6),
            8 | 9 => (update, Field::Flags, 8),
            10 | 11 => (update, Field::Lifetime, 10),
            13 => (
                Layer::Option(OptionType::MobileNodeIdentifier),
                Field::OptionLength,
                12,
            ),
            14..=18 => (
                Layer::Option(OptionType::MobileNodeIdentifier),
                Field::OptionData,
                12,
            ),
            21 => (
                Layer::Option(OptionType::HomeNetworkPrefix),
                Field::OptionLength,
                20,
            ),
            22..=39 => (
                Layer::Option(OptionType::HomeNetworkPrefix),
                Field::OptionData,
                20,
            ),
            41 => (
                Layer::Option(OptionType::HandoffIndicator),
                Field::OptionLength,
                40,
            ),
            42 | 43 => (
                Layer::Option(OptionType::HandoffIndicator),
                Field::OptionData,
                40,
            ),
            45 => (Layer::Option(OptionType::PadN), Field::OptionLength, 44),
            46 | 47 => (Layer::Option(OptionType::PadN), Field::OptionData, 44),
            // A cut between two options leaves all of them whole.
            _ => (update, Field::Options, 12),
        };
        assert_eq!(
            (error.layer, field, error.offset),
            expected,
            "{length}: {error}"
        );
        assert!(available < needed, "{length}: {error}");
    }
}

#[test]
fn an_option_that_runs_past_the_message_is_found() {
    let mut wire = UPDATE;
    wire[41] = 7;
    let error = Message::decode_slice(&wire, UDP).expect_err("too long an option");
    assert_eq!(
        error.to_string(),
        "Handoff Indicator (23) option at octet 40: the option data is cut short: needs 7 octets, 6 left"
    );
}

#[test]
fn errors_answer_as_the_rfc_asks() {
    let mut wire = UPDATE;
    wire[0] = 58;
    let error = Message::decode_slice(&wire, UDP).expect_err("a wrong payload protocol");
    assert_eq!(error.kind, DecodeErrorKind::BadPayloadProto { found: 58 });
    assert_eq!(error.answer(), Answer::ParameterProblem { pointer: 0 });

    let short = [59, 0, 5, 0, 0, 0, 0, 0];
    let error = Message::decode_slice(&short, UDP).expect_err("too short a header");
    let kind = DecodeErrorKind::BadHeaderLength {
        needed: 12,
        found: 8,
    };
    assert_eq!(error.kind, kind);
    assert_eq!(error.answer(), Answer::ParameterProblem { pointer: 1 });

    // A type that is not known is answered with a Binding Error before the payload protocol
    // counts (RFC 6275 section 9.2).
    wire[2] = 99;
    assert!(matches!(
        Message::decode_slice(&wire, UDP),
        Ok(Message::Unknown(_))
    ));
}

#[test]
fn lengths_that_no_rfc_allows_are_refused() {
    let cases: [(&[u8], ExpectedLength); 9] = [
        (&[22, 17], ExpectedLength::Exactly(18)),
        (&[23, 3], ExpectedLength::Exactly(2)),
        (&[8, 0], ExpectedLength::AtLeast(1)),
        (&[25, 1], ExpectedLength::AtLeast(2)),
        (&[64, 1], ExpectedLength::AtLeast(2)),
        (&[19, 4], ExpectedLength::AtLeast(5)),
        (&[55, 6], ExpectedLength::Exactly(18)),
        (&[55, 18, 0x80], ExpectedLength::Exactly(6)),
        (&[63, 4], ExpectedLength::Exactly(6)),
    ];
    for (start, expected) in cases {
        let mut wire = vec![59, 4, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        wire.extend_from_slice(start);
        wire.resize(14 + usize::from(start[1]), 0);
        wire.resize(40, 0);
        let error = Message::decode_slice(&wire, UDP).expect_err("a wrong length");
        let found = start[1].into();
        assert_eq!(
            error.kind,
            DecodeErrorKind::BadOptionLength { expected, found }
        );
        assert_eq!(error.offset, 12);
    }
}

#[test]
fn prefix_lengths_above_the_width_are_refused() {
    let cases: [(&[u8], u8, u8); 4] = [
        (&[22, 18, 0, 129], 129, 128),
        (&[36, 6, 33 << 2, 0], 33, 32),
        (&[55, 6, 0x80, 33], 33, 32),
        (&[55, 18, 0, 200], 200, 128),
    ];
    for (start, length, limit) in cases {
        let mut wire = vec![59, 3, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        wire.extend_from_slice(start);
        wire.resize(32, 0);
        let error = Message::decode_slice(&wire, UDP).expect_err("too long a prefix");
        assert_eq!(error.kind, DecodeErrorKind::PrefixTooLong { length, limit });
    }
}

/// Options that touch each other leave no room for the padding that sending them would need, in
/// any message: they are refused rather than sent wrong.
#[test]
fn options_that_could_not_be_sent_again_are_refused() {
    let mut wire = vec![59, 255, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    while wire.len() + 7 <= 2048 {
        wire.extend_from_slice(&[23, 1 + 1, 0, 1, 19, 5]);
        wire.extend_from_slice(&[0, 0, 0, 9, 0]);
    }
    wire.resize(2048, 0);
    let error = Message::decode_slice(&wire, UDP).map(|_| ()).unwrap_err();
    assert_eq!(error.kind, DecodeErrorKind::OptionsTooLong);
}

/// The least options with the most padding: 440 octets of them still fit, aligned, and 800 do not.
#[test]
fn the_least_options_with_the_most_padding_are_no_exception() {
    let update = |octets: usize| {
        let mut wire = vec![59, (octets / 8) as u8, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        wire.extend([5, 0].iter().cycle().take(octets - 4));
        wire
    };
    let fits = Message::decode_slice(&update(440), UDP).expect("it fits");
    let wire = fits.to_bytes(UDP);
    assert_eq!(wire.len(), fits.encoded_len());
    assert_eq!(Message::decode(&wire, UDP), Ok(fits));

    let error = Message::decode_slice(&update(800), UDP)
        .map(|_| ())
        .unwrap_err();
    assert_eq!(error.kind, DecodeErrorKind::OptionsTooLong);
}

#[test]
fn the_error_is_small() {
    assert!(
        size_of::<DecodeError>() <= 16,
        "{}",
        size_of::<DecodeError>()
    );
}

#[test]
fn decoding_shares_the_memory_it_reads() {
    let wire = Bytes::copy_from_slice(&UPDATE);
    let Ok(Message::BindingUpdate(update)) = Message::decode(&wire, UDP) else {
        panic!("a Binding Update");
    };
    let identifier = update.options.mn_identifier().expect("it has one");
    let identifier = *identifier.identifier();
    assert_eq!(identifier.as_ptr(), wire[15..].as_ptr());
}

proptest! {
    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..128)) {
        let _ = Message::decode_slice(&bytes, UDP);
    }

    /// Well-formed headers, so that the options are reached; what decodes encodes to a fixed point.
    #[test]
    fn any_options(mh_type in 0..25u8, body in proptest::collection::vec(any::<u8>(), 26..250)) {
        let mut wire = vec![59, (body.len() / 8 - 1) as u8, mh_type, 0, 0, 0];
        wire.extend_from_slice(&body);
        if let Ok(message) = Message::decode_slice(&wire, UDP) {
            let again = message.to_bytes(UDP);
            prop_assert_eq!(Message::decode(&again, UDP), Ok(message));
        }
    }
}

#[test]
fn a_heartbeat_without_options_is_the_least() {
    let wire = Message::from(Heartbeat::request(1)).to_bytes(UDP);
    assert_eq!(wire.len(), 16);
}
