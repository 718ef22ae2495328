//! Lax decoding: each tolerance alone, what it passes over, and that nothing else gets through;
//! and what the sender of a bad message is owed.

use bytes::Bytes;
use pmip_wire::{
    Answer, BindingErrorStatus, ChecksumContext, DecodeError, DecodeErrorKind, Faults, Field,
    FlowIdentificationStatus, HandoffIndicator, Layer, Leniency, Message, MhType, MobilityHeader,
    MobilityOption, OptionType, SequenceNumber,
};
use proptest::prelude::*;

const UDP: ChecksumContext = ChecksumContext::Udp;
const IPV6: ChecksumContext = ChecksumContext::Ipv6 {
    source: std::net::Ipv6Addr::LOCALHOST,
    destination: std::net::Ipv6Addr::LOCALHOST,
};

/// A Binding Update with a handoff indicator at 12 and an access technology at 16, then padding.
const UPDATE: [u8; 24] = [
    59, 2, 5, 0, 0, 0, 0, 1, 0x82, 0, 0, 9, // fixed part
    23, 2, 0, 1, 24, 2, 0, 4, 1, 2, 0, 0,
];

/// `wire` needs exactly `tolerance`: without it, even with all others, it is refused for the same
/// reason that is told with it.
#[track_caller]
fn needs(wire: &[u8], context: ChecksumContext, tolerance: Leniency) -> (Message, Faults) {
    let wire = Bytes::copy_from_slice(wire);
    let strict = Message::decode(&wire, context).expect_err("strict decoding refuses it");
    let others = Leniency::all() - tolerance;
    let refused = Message::decode_lax(&wire, context, others).expect_err("not tolerated");
    assert_eq!(refused, strict, "the others change nothing");
    let decoded = Message::decode_lax(&wire, context, tolerance).expect("tolerated");
    assert_eq!(decoded.1.tolerances(), tolerance);
    let again = Message::decode_lax(&wire, context, Leniency::all());
    assert_eq!(again.as_ref(), Ok(&decoded));
    decoded
}

#[track_caller]
fn only_fault(faults: &Faults) -> DecodeError {
    let list: Vec<_> = faults.iter().copied().collect();
    assert_eq!((list.len(), faults.omitted()), (1, 0), "{list:?}");
    list[0]
}

fn whole() -> Message {
    Message::decode_slice(&UPDATE, UDP).expect("well-formed")
}

#[test]
fn a_bad_checksum_is_passed_over() {
    let (message, faults) = needs(&UPDATE, IPV6, Leniency::BAD_CHECKSUM);
    assert_eq!(message, whole());
    assert!(only_fault(&faults).is_bad_checksum());
}

#[test]
fn a_payload_protocol_is_passed_over() {
    let mut wire = UPDATE;
    wire[0] = 58;
    let (message, faults) = needs(&wire, UDP, Leniency::BAD_PAYLOAD_PROTO);
    assert_eq!(message, whole());
    let kind = DecodeErrorKind::BadPayloadProto { found: 58 };
    assert_eq!(only_fault(&faults).kind, kind);
}

/// A capture cut behind the fixed part keeps the options that are whole, whatever the checksum.
#[test]
fn a_cut_capture_keeps_what_is_whole() {
    for length in 12..24 {
        let context = if length % 2 == 0 { UDP } else { IPV6 };
        let (message, faults) = needs(&UPDATE[..length], context, Leniency::CUT_SHORT);
        assert!(only_fault(&faults).is_truncated());
        let options = message.options().expect("typed");
        assert_eq!(options.handoff_indicator().is_some(), length >= 16);
        assert_eq!(options.access_technology_type().is_some(), length >= 20);
    }
    for length in 0..12 {
        let wire = Bytes::copy_from_slice(&UPDATE[..length]);
        let error = Message::decode_lax(&wire, UDP, Leniency::all()).expect_err("no message");
        assert!(error.is_truncated(), "{error}");
    }
    let unknown = Bytes::from_static(&[59, 2, 99, 0, 0, 0, 1, 2, 3, 4]);
    assert!(Message::decode_lax(&unknown, UDP, Leniency::all()).is_err());
}

/// A sender that rounds Header Len down: the data of the access technology stands behind the 16
/// octets that it tells of.
#[test]
fn a_header_length_that_is_rounded_down_is_passed_over() {
    let wire = [
        59, 1, 5, 0, 0, 0, 0, 1, 0x82, 0, 0, 9, // fixed part
        1, 0, 24, 2, 0, 4, 0, 0, 0, 0, // PadN, access technology, Pad1
    ];
    let (message, faults) = needs_short(&wire);
    assert_eq!(
        only_fault(&faults).answer(),
        Answer::ParameterProblem { pointer: 1 }
    );
    let options = message.options().expect("typed");
    assert_eq!(options.access_technology_type().map(u8::from), Some(4));

    // The fixed part itself ends behind Header Len.
    let bare = [59, 0, 5, 0, 0, 0, 0, 1, 0x82, 0, 0, 9];
    let (message, _) = needs(&bare, UDP, Leniency::SHORT_HEADER_LENGTH);
    assert!(matches!(message, Message::BindingUpdate(update) if update.lifetime.as_units() == 9));

    // A whole unit more is none of it.
    let far = Bytes::copy_from_slice(&[&bare[..], &[0; 4]].concat());
    let error = Message::decode_lax(&far, UDP, Leniency::all()).expect_err("a unit too few");
    assert!(matches!(
        error.kind,
        DecodeErrorKind::BadHeaderLength { .. }
    ));

    // What follows a message that ends well is not part of it.
    let followed = Bytes::copy_from_slice(&[&UPDATE[..], &[24, 2, 0, 4]].concat());
    let lax = Message::decode_lax(&followed, UDP, Leniency::all());
    assert_eq!(lax, Ok((whole(), Faults::default())));
}

/// As `needs`, but the message that Header Len ends has a cut option, which is tolerated as well.
#[track_caller]
fn needs_short(wire: &[u8]) -> (Message, Faults) {
    let wire = Bytes::copy_from_slice(wire);
    let tolerance = Leniency::SHORT_HEADER_LENGTH;
    assert!(Message::decode(&wire, UDP).is_err());
    let decoded = Message::decode_lax(&wire, UDP, tolerance).expect("tolerated");
    assert_eq!(decoded.1.tolerances(), tolerance);
    decoded
}

/// An option that does not fit its type is kept and goes out again octet for octet.
#[test]
fn an_option_that_does_not_fit_is_kept() {
    let misfits: [&[u8]; 3] = [
        &[22, 2, 0, 64],                   // a home network prefix without a prefix
        &[36, 6, 33 << 2, 0, 10, 0, 0, 1], // 33 bits of an IPv4 address
        &[25, 0, 0, 0],                    // a link-layer identifier without room
    ];
    for misfit in misfits {
        let mut wire = UPDATE[..12].to_vec();
        wire.extend_from_slice(&UPDATE[12..16]);
        if misfit[0] == 22 {
            wire.extend([1, 2, 0, 0]);
        }
        wire.extend_from_slice(misfit);
        let padding = wire.len().next_multiple_of(8) - wire.len();
        match padding {
            4 => wire.extend([1, 2, 0, 0]),
            _ => assert_eq!(padding, 0),
        }
        wire[1] = (wire.len() / 8 - 1) as u8;
        let (message, faults) = needs(&wire, UDP, Leniency::OPTION_MISFIT);
        let option_type = OptionType::from_code(misfit[0]);
        assert_eq!(only_fault(&faults).layer, Layer::Option(option_type));
        let options = message.options().expect("typed");
        let kept = options.iter().find_map(|option| {
            let MobilityOption::Unknown(kept) = option else {
                return None;
            };
            Some(kept)
        });
        let length = usize::from(misfit[1]);
        assert_eq!(kept.map(|kept| kept.option_type()), Some(option_type));
        assert_eq!(kept.map(|kept| *kept.data()), Some(&misfit[2..2 + length]));
        let again = message.to_bytes(UDP);
        let (lax, _) = Message::decode_lax(&again, UDP, Leniency::OPTION_MISFIT).expect("again");
        assert_eq!(lax, message);
        let start = again
            .windows(2 + length)
            .position(|octets| octets == &misfit[..2 + length]);
        assert!(start.is_some(), "{again:?}");
    }
}

/// The last option runs past the end of the header: it is left out, the ones before it stay.
#[test]
fn a_last_option_that_is_cut_off_is_left_out() {
    let mut wire = UPDATE;
    wire[17] = 9;
    let (message, faults) = needs(&wire, UDP, Leniency::LAST_OPTION_CUT);
    let fault = only_fault(&faults);
    assert_eq!(fault.layer, Layer::Option(OptionType::AccessTechnologyType));
    let kind = DecodeErrorKind::Truncated {
        field: Field::OptionData,
        needed: 9,
        available: 6,
    };
    assert_eq!((fault.kind, fault.offset), (kind, 16));
    let options = message.options().expect("typed");
    assert_eq!(options.len(), 1);
    assert_eq!(
        options.handoff_indicator(),
        Some(HandoffIndicator::AttachmentOverNewInterface)
    );
    // The borrowed walk gives the same options and then says why it ends.
    let lax = MobilityHeader::parse_lax(&wire, UDP, Leniency::LAST_OPTION_CUT);
    let (header, faults) = lax.expect("the header is fine");
    assert!(faults.is_empty());
    let walk: Vec<_> = header.options().expect("typed").collect();
    assert_eq!(walk.len(), 2);
    assert_eq!(walk[1], Err(fault));
}

/// Trailing Pad1 runs, as old daemons send them, are legal as they are.
#[test]
fn runs_of_pad1_need_no_tolerance() {
    let mut wire = UPDATE;
    wire[20..].fill(0);
    assert_eq!(Message::decode_slice(&wire, UDP), Ok(whole()));
}

/// Several faults come in the order in which the checks find them; beyond 16 they are counted.
#[test]
fn faults_are_told_in_order_and_bounded() {
    let mut wire = vec![58, 11, 5, 0, 1, 1, 0, 1, 0x82, 0, 0, 9];
    wire.extend([23u8, 0].repeat(40));
    wire.resize(96, 0);
    wire[94..].copy_from_slice(&[24, 2]);
    let wire = Bytes::from(wire);
    let (message, faults) = Message::decode_lax(&wire, IPV6, Leniency::all()).expect("tolerated");
    let list: Vec<_> = faults.iter().collect();
    assert!(list[0].is_bad_checksum());
    assert_eq!(list[1].kind, DecodeErrorKind::BadPayloadProto { found: 58 });
    assert_eq!(list.len(), 16);
    assert!(
        list[2..]
            .windows(2)
            .all(|pair| pair[0].offset < pair[1].offset)
    );
    assert_eq!(faults.omitted(), 2 + 40 + 1 - 16);
    assert_eq!(message.options().map(|options| options.len()), Some(40));
    assert!(
        matches!(message, Message::BindingUpdate(update) if update.sequence == SequenceNumber(1))
    );
}

/// Options that no message has room for are refused, kept as unknown or not.
#[test]
fn leniency_does_not_build_what_cannot_be_sent() {
    let mut wire = vec![59, 255, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    wire.extend([69u8, 0].repeat(1018));
    let wire = Bytes::from(wire);
    let error = Message::decode_lax(&wire, UDP, Leniency::all())
        .map(|_| ())
        .unwrap_err();
    assert_eq!(error.kind, DecodeErrorKind::OptionsTooLong);
}

/// RFC 6275 section 9.2, in the order of its rules; RFC 5648 section 6.2.
#[test]
fn every_error_has_the_answer_its_rfc_asks_for() {
    let answer = |wire: &[u8], context| match Message::decode_slice(wire, context) {
        Ok(Message::Unknown(unknown)) => unknown.answer(),
        Ok(other) => panic!("{other:?}"),
        Err(error) => error.answer(),
    };
    assert_eq!(answer(&UPDATE, IPV6), Answer::Silence, "a wrong checksum");

    let unrecognized = Answer::BindingError(BindingErrorStatus::UnrecognizedMhType);
    // Payload Proto and Header Len of a type that is not known are not looked at.
    assert_eq!(answer(&[58, 0, 99, 0, 0, 0, 0, 0], UDP), unrecognized);
    assert_eq!(answer(&[59, 0, 10, 0, 0, 0, 0, 0], UDP), unrecognized);
    assert_eq!(answer(&[59, 0, 11, 0, 0, 0, 0, 0], UDP), unrecognized);
    // The type is known, the kind of revocation is not: no Binding Error may say otherwise.
    assert_eq!(answer(&[59, 0, 16, 0, 0, 0, 3, 0], UDP), Answer::Silence);
    assert_eq!(answer(&[59, 0, 21, 0, 0, 0, 0, 3], UDP), Answer::Silence);

    let pointer = |pointer| Answer::ParameterProblem { pointer };
    assert_eq!(
        answer(&[58, 0, 5, 0, 0, 0, 0, 0], UDP),
        pointer(0),
        "before Header Len"
    );
    assert_eq!(answer(&[59, 0, 5, 0, 0, 0, 0, 0], UDP), pointer(1));
    // Two addresses are announced, one has room.
    let switch = [&[59, 2, 12, 0, 0, 0, 2, 0][..], &[0; 16]].concat();
    assert_eq!(answer(&switch, UDP), pointer(1));

    // Options have no answer in RFC 6275.
    let mut wire = UPDATE;
    wire[13] = 6;
    assert_eq!(answer(&wire, UDP), Answer::Silence);
    assert_eq!(answer(&UPDATE[..20], UDP), Answer::Silence);
}

/// RFC 6089 section 4.2: a malformed sub-option concerns one flow, which is told so (status 130);
/// the handoff indicator behind it, and with it the registration, is still there.
#[test]
fn a_malformed_flow_leaves_the_rest_of_the_message() {
    let malformed = Answer::FlowIdentification(FlowIdentificationStatus::Malformed);
    let flow = [0, 1, 0, 2, 0, 0];
    let sub_options: [(&[u8], u8); 5] = [
        (&[2, 1, 5, 0, 0], 2),             // half a binding
        (&[2, 9, 0, 1], 2),                // cut off by the option's end
        (&[3, 1, 1, 0], 3),                // no room for Reserved
        (&[3, 6, 1, 0, 0x40, 0, 0, 0], 3), // an end without a start
        (&[4, 1, 11, 0], 4),               // no room for the action
    ];
    for (sub_option, number) in sub_options {
        let data = [&flow, sub_option].concat();
        let mut wire = UPDATE[..12].to_vec();
        wire.extend([45, data.len() as u8]);
        wire.extend(&data);
        wire.extend(&UPDATE[12..16]);
        wire.resize(wire.len().next_multiple_of(8), 0);
        wire[1] = (wire.len() / 8 - 1) as u8;
        let (message, faults) = needs(&wire, UDP, Leniency::OPTION_MISFIT);
        let fault = only_fault(&faults);
        let layer = Layer::SubOption(OptionType::FlowIdentification, number);
        assert_eq!((fault.layer, fault.answer()), (layer, malformed), "{fault}");
        let options = message.options().expect("typed");
        let behind = options.handoff_indicator();
        assert_eq!(behind, Some(HandoffIndicator::AttachmentOverNewInterface));
        // Whose FID it is can be read, so that the answer can name it.
        let Some(MobilityOption::Unknown(kept)) = options.iter().next() else {
            panic!("the flow is kept as it came");
        };
        assert_eq!(*kept.data(), data);
    }
    // Without a Status there is none to set.
    let short = [
        &[59, 2, 5][..],
        &UPDATE[3..12],
        &[45, 4, 0, 1, 0, 2],
        &[0; 6],
    ]
    .concat();
    let error = Message::decode_slice(&short, UDP).expect_err("too short");
    assert_eq!(error.answer(), Answer::Silence, "{error}");
    // Sub-options of other options have no answer.
    let other = [&[59, 2, 5][..], &UPDATE[3..12], &[52, 3, 5, 1, 1], &[0; 7]].concat();
    let error = Message::decode_slice(&other, UDP).expect_err("one octet of a group");
    assert!(matches!(error.layer, Layer::SubOption(..)), "{error}");
    assert_eq!(error.answer(), Answer::Silence);
}

/// The error names the message that Header Len is too short for.
#[test]
fn a_short_header_names_its_message() {
    let error = Message::decode_slice(&[59, 0, 16, 0, 0, 0, 1, 0], UDP).expect_err("short");
    assert_eq!(error.layer, Layer::Message(MhType::BindingRevocation));
}

proptest! {
    /// No octets panic, however lax; strict decoding and lax decoding agree where strict succeeds.
    #[test]
    fn what_strict_accepts_lax_accepts_without_faults(
        mh_type in 0..25u8,
        leniency in any::<u8>(),
        body in proptest::collection::vec(any::<u8>(), 2..120),
    ) {
        let mut wire = vec![59, (body.len() / 8) as u8, mh_type, 0, 0, 0];
        wire.extend_from_slice(&body);
        let wire = Bytes::from(wire);
        let leniency = Leniency::from_bits_truncate(leniency);
        let lax = Message::decode_lax(&wire, UDP, leniency);
        match Message::decode(&wire, UDP) {
            Ok(message) => prop_assert_eq!(lax, Ok((message, Faults::default()))),
            Err(error) if leniency.is_empty() => prop_assert_eq!(lax, Err(error)),
            Err(_) => if let Ok((message, faults)) = lax {
                prop_assert!(!faults.is_empty());
                prop_assert_eq!(faults.tolerances() & leniency, faults.tolerances());
                let again = message.to_bytes(UDP);
                prop_assert_eq!(again.len(), message.encoded_len());
                let lax = Message::decode_lax(&again, UDP, Leniency::OPTION_MISFIT);
                prop_assert_eq!(lax.map(|(message, _)| message), Ok(message));
            }
        }
    }
}
