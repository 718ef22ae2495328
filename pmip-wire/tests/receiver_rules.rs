//! What RFCs ask of a receiver, in octets written by hand: which requirement each test shows is in
//! `tests/requirements/`.

use pmip_wire::carrier::Ipv6Packet;
use pmip_wire::{
    BindingAckFlags, BindingRevocationFlags, BindingRevocationStatus, BindingUpdateFlags,
    ChecksumContext, DecodeErrorKind, ExpectedLength, HandoffIndicator, Message, MobilityOption,
    MobilityOptions, RevocationTrigger,
};

const UDP: ChecksumContext = ChecksumContext::Udp;

const REFRESH_REQUEST: &[u8] = &[59, 0, 0, 0, 0, 0, 0, 0];
const HOME_TEST_INIT: &[u8] = &[59, 0, 1, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];
const CARE_OF_TEST_INIT: &[u8] = &[59, 0, 2, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];
const HOME_TEST: &[u8] = &[
    59, 0, 3, 0, 0, 0, 0, 9, 1, 2, 3, 4, 5, 6, 7, 8, 8, 7, 6, 5, 4, 3, 2, 1,
];
const CARE_OF_TEST: &[u8] = &[
    59, 0, 4, 0, 0, 0, 0, 9, 1, 2, 3, 4, 5, 6, 7, 8, 8, 7, 6, 5, 4, 3, 2, 1,
];
const UPDATE: &[u8] = &[59, 0, 5, 0, 0, 0, 0, 7, 0x82, 0, 0, 75];
const ACKNOWLEDGEMENT: &[u8] = &[59, 0, 6, 0, 0, 0, 0, 0x20, 0, 7, 0, 75];
const ERROR: &[u8] = &[
    59, 0, 7, 0, 0, 0, 2, 0, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9,
];
const HEARTBEAT: &[u8] = &[59, 0, 13, 0, 0, 0, 0, 1, 0, 0, 0, 9];
const REVOCATION: &[u8] = &[59, 0, 16, 0, 0, 0, 1, 1, 0, 9, 0x80, 0];
const REVOCATION_ANSWER: &[u8] = &[59, 0, 16, 0, 0, 0, 2, 1, 0, 9, 0x80, 0];

/// The fixed parts of messages, their length octet left to [`message`].
const FIXED_PARTS: [&[u8]; 11] = [
    REFRESH_REQUEST,
    HOME_TEST_INIT,
    CARE_OF_TEST_INIT,
    HOME_TEST,
    CARE_OF_TEST,
    UPDATE,
    ACKNOWLEDGEMENT,
    ERROR,
    HEARTBEAT,
    REVOCATION,
    REVOCATION_ANSWER,
];

/// `fixed` with `options` behind it, filled up to a multiple of 8 octets.
fn message(fixed: &[u8], options: &[u8]) -> Vec<u8> {
    let mut wire = [fixed, options].concat();
    wire.resize(wire.len().next_multiple_of(8), 0);
    wire[1] = (wire.len() / 8 - 1) as u8;
    wire
}

fn decode(wire: &[u8]) -> Message {
    Message::decode_slice(wire, UDP).unwrap_or_else(|error| panic!("{error}: {wire:?}"))
}

/// A Binding Update with these octets as options.
fn update(options: &[u8]) -> Vec<u8> {
    message(UPDATE, options)
}

fn options(message: &Message) -> Vec<MobilityOption> {
    let list = message.options().map(MobilityOptions::to_vec);
    list.unwrap_or_else(|| panic!("options are not read: {message:?}"))
}

//= https://www.rfc-editor.org/rfc/rfc5213#section-8.1
//= type=test
//# rfc5213-8.1-2
//= https://www.rfc-editor.org/rfc/rfc5213#section-8.2
//= type=test
//# rfc5213-8.2-1
//= https://www.rfc-editor.org/rfc/rfc5846#section-5.1
//= type=test
//# rfc5846-5.1-3
//= https://www.rfc-editor.org/rfc/rfc5847#section-3.3
//= type=test
//# rfc5847-3.3-2
//= https://www.rfc-editor.org/rfc/rfc6275#section-6.1.2
//= type=test
//# rfc6275-6.1.2-2
//= https://www.rfc-editor.org/rfc/rfc6275#section-6.1.3
//= type=test
//# rfc6275-6.1.3-2
//= https://www.rfc-editor.org/rfc/rfc6275#section-6.1.4
//= type=test
//# rfc6275-6.1.4-2
//= https://www.rfc-editor.org/rfc/rfc6275#section-6.1.5
//= type=test
//# rfc6275-6.1.5-1
//= https://www.rfc-editor.org/rfc/rfc6275#section-6.1.6
//= type=test
//# rfc6275-6.1.6-1
//= https://www.rfc-editor.org/rfc/rfc6275#section-6.1.7
//= type=test
//# rfc6275-6.1.7-8
//= https://www.rfc-editor.org/rfc/rfc6275#section-6.1.8
//= type=test
//# rfc6275-6.1.8-4
//= https://www.rfc-editor.org/rfc/rfc6275#section-6.1.9
//= type=test
//# rfc6275-6.1.9-2
//= https://www.rfc-editor.org/rfc/rfc6275#section-6.2.1
//= type=test
//# rfc6275-6.2.1-1
//# rfc6275-6.2.1-2
#[test]
fn options_that_nobody_knows_are_skipped_in_every_message() {
    let known = MobilityOption::HandoffIndicator(HandoffIndicator::HandoffBetweenMags);
    for fixed in FIXED_PARTS {
        let wire = message(fixed, &[200, 3, 23, 2, 0, 23, 2, 0, 3, 201, 0]);
        let found = decode(&wire);
        let understood = options(&found)
            .into_iter()
            .filter(|option| *option == known);
        assert_eq!(understood.count(), 1, "{found:?}");
        assert_eq!(options(&found).len(), 3, "{found:?}");
    }
}

//= https://www.rfc-editor.org/rfc/rfc5213#section-8.3
//= type=test
//# rfc5213-8.3-1
//= https://www.rfc-editor.org/rfc/rfc5213#section-8.4
//= type=test
//# rfc5213-8.4-1
//= https://www.rfc-editor.org/rfc/rfc5213#section-8.5
//= type=test
//# rfc5213-8.5-1
//= https://www.rfc-editor.org/rfc/rfc5213#section-8.7
//= type=test
//# rfc5213-8.7-1
//= https://www.rfc-editor.org/rfc/rfc5213#section-8.8
//= type=test
//# rfc5213-8.8-1
//= https://www.rfc-editor.org/rfc/rfc5844#section-3.3.1
//= type=test
//# rfc5844-3.3.1-1
//= https://www.rfc-editor.org/rfc/rfc5844#section-3.3.2
//= type=test
//# rfc5844-3.3.2-1
//= https://www.rfc-editor.org/rfc/rfc5844#section-3.3.3
//= type=test
//# rfc5844-3.3.3-1
//= https://www.rfc-editor.org/rfc/rfc5844#section-3.3.4
//= type=test
//# rfc5844-3.3.4-1
#[test]
fn an_option_of_fixed_length_has_no_other() {
    let lengths = [
        (3, 16),
        (22, 18),
        (23, 2),
        (24, 2),
        (26, 16),
        (27, 8),
        (28, 4),
        (36, 6),
        (37, 6),
        (38, 6),
        (39, 2),
        (63, 6),
    ];
    for (option, length) in lengths {
        for found in [0, length - 1, length + 1, length + 8] {
            let mut region = vec![option, found];
            region.resize(2 + usize::from(found), 0);
            let error = Message::decode_slice(&update(&region), UDP).expect_err("a wrong length");
            let kind = DecodeErrorKind::BadOptionLength {
                expected: ExpectedLength::Exactly(length),
                found: found.into(),
            };
            assert_eq!(error.kind, kind, "option {option}");
        }
        let mut region = vec![option, length];
        region.resize(2 + usize::from(length), 0);
        decode(&update(&region));
    }
}

//= https://www.rfc-editor.org/rfc/rfc5213#section-8.3
//= type=test
//# rfc5213-8.3-2
//= https://www.rfc-editor.org/rfc/rfc5213#section-8.4
//= type=test
//# rfc5213-8.4-2
//= https://www.rfc-editor.org/rfc/rfc5213#section-8.5
//= type=test
//# rfc5213-8.5-2
//= https://www.rfc-editor.org/rfc/rfc5213#section-8.6
//= type=test
//# rfc5213-8.6-2
//= https://www.rfc-editor.org/rfc/rfc5844#section-3.3.1
//= type=test
//# rfc5844-3.3.1-2
//= https://www.rfc-editor.org/rfc/rfc5844#section-3.3.2
//= type=test
//# rfc5844-3.3.2-2
//= https://www.rfc-editor.org/rfc/rfc5844#section-3.3.3
//= type=test
//# rfc5844-3.3.3-2
//= https://www.rfc-editor.org/rfc/rfc5844#section-3.3.4
//= type=test
//# rfc5844-3.3.4-2
//= https://www.rfc-editor.org/rfc/rfc5845#section-6.1
//= type=test
//# rfc5845-6.1-1
//= https://www.rfc-editor.org/rfc/rfc7148#section-4.1
//= type=test
//# rfc7148-4.1-1
//= https://www.rfc-editor.org/rfc/rfc8278#section-4.1
//= type=test
//# rfc8278-4.1-4
//= https://www.rfc-editor.org/rfc/rfc8278#section-4.2
//= type=test
//# rfc8278-4.2-1
#[test]
fn reserved_fields_of_options_are_not_looked_at() {
    let prefix = [0x20, 1, 0x0d, 0xb8, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    // What an option says, and the same with ones wherever its figure says "Reserved".
    let pairs: [(&[u8], &[u8]); 12] = [
        // The first bit is flag L by RFC 7864.
        (&[22, 18, 0, 64], &[22, 18, 0x7f, 64]),
        (&[23, 2, 0, 4], &[23, 2, 255, 4]),
        (&[24, 2, 0, 4], &[24, 2, 255, 4]),
        (&[25, 4, 0, 0, 1, 2], &[25, 4, 255, 255, 1, 2]),
        (&[33, 6, 0, 0, 0, 0, 0, 42], &[33, 6, 255, 255, 0, 0, 0, 42]),
        (&[36, 6, 24 << 2, 0], &[36, 6, 24 << 2 | 3, 255]),
        (&[37, 6, 129, 24 << 2], &[37, 6, 129, 24 << 2 | 3]),
        (&[38, 6, 0, 0], &[38, 6, 255, 255]),
        (&[39, 2, 0, 1], &[39, 2, 255, 255]),
        (&[55, 18, 0, 48], &[55, 18, 0x7f, 48]),
        (
            &[63, 6, 8, 3, 2, 0x80, 0, 0],
            &[63, 6, 8, 3, 2, 0xbf, 255, 255],
        ),
        (&[64, 3, 1, 0, b'a'], &[64, 3, 1, 255, b'a']),
    ];
    for (plain, dirty) in pairs {
        let whole = |start: &[u8]| {
            let rest = usize::from(start[1]) + 2 - start.len();
            [start, &prefix[..rest]].concat()
        };
        let [plain, dirty] = [plain, dirty].map(|start| decode(&update(&whole(start))));
        assert_eq!(plain, dirty);
        assert!(!matches!(
            options(&plain)[..],
            [] | [MobilityOption::Unknown(_)]
        ));
    }
}

//= https://www.rfc-editor.org/rfc/rfc5845#section-7.2
//= type=test
//# rfc5845-7.2-6
//= https://www.rfc-editor.org/rfc/rfc5846#section-5.1
//= type=test
//# rfc5846-5.1-2
//= https://www.rfc-editor.org/rfc/rfc5846#section-5.2
//= type=test
//# rfc5846-5.2-1
//= https://www.rfc-editor.org/rfc/rfc6275#section-6.1.7
//= type=test
//# rfc6275-6.1.7-5
//= https://www.rfc-editor.org/rfc/rfc6275#section-6.1.8
//= type=test
//# rfc6275-6.1.8-2
#[test]
fn undefined_flags_of_messages_are_not_looked_at() {
    let bits = BindingUpdateFlags::ACKNOWLEDGE | BindingUpdateFlags::PROXY;
    let wire = message(&[59, 0, 5, 0, 0, 0, 0, 7, 0x82, 0x0f, 0, 75], &[]);
    let Message::BindingUpdate(update) = decode(&wire) else {
        panic!("a Binding Update");
    };
    assert_eq!(update.flags & BindingUpdateFlags::all(), bits);
    assert!(update.is_proxy());
    assert_eq!((update.sequence.0, update.lifetime.as_secs()), (7, 300));

    let wire = message(&[59, 0, 6, 0, 0, 0, 0, 0x21, 0, 7, 0, 75], &[]);
    let Message::BindingAcknowledgement(answer) = decode(&wire) else {
        panic!("a Binding Acknowledgement");
    };
    assert_eq!(
        answer.flags & BindingAckFlags::all(),
        BindingAckFlags::PROXY
    );
    assert!(answer.status.is_accepted());
    assert_eq!((answer.sequence.0, answer.lifetime.as_secs()), (7, 300));

    let proxy = BindingRevocationFlags::PROXY;
    let wire = message(&[59, 0, 16, 0, 0, 0, 1, 1, 0, 9, 0x9f, 255], &[]);
    let Message::BindingRevocationIndication(indication) = decode(&wire) else {
        panic!("a Binding Revocation Indication");
    };
    assert_eq!(indication.flags & BindingRevocationFlags::all(), proxy);
    assert_eq!(indication.sequence.0, 9);
    assert_eq!(indication.trigger, RevocationTrigger::AdministrativeReason);

    let wire = message(&[59, 0, 16, 0, 0, 0, 2, 1, 0, 9, 0x9f, 255], &[]);
    let Message::BindingRevocationAcknowledgement(answer) = decode(&wire) else {
        panic!("a Binding Revocation Acknowledgement");
    };
    assert_eq!(answer.flags & BindingRevocationFlags::all(), proxy);
    assert_eq!(answer.sequence.0, 9);
    assert_eq!(answer.status, BindingRevocationStatus::PartialSuccess);
}

//= https://www.rfc-editor.org/rfc/rfc6275#section-6.4.1
//= type=test
//# rfc6275-6.4.1-1
#[test]
fn the_reserved_octets_of_a_type_2_routing_header_are_not_looked_at() {
    let home = [0x20, 1, 0x0d, 0xb8, 0, 0xc, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    let wire = |reserved: u8| {
        let mut wire = vec![0x60, 0, 0, 0, 0, 24, 43, 64];
        wire.extend_from_slice(&[0x20, 1, 0x0d, 0xb8, 0, 0xa, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        wire.extend_from_slice(&[0x20, 1, 0x0d, 0xb8, 0, 0xb, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        wire.extend_from_slice(&[59, 2, 2, 1, reserved, reserved, reserved, reserved]);
        wire.extend_from_slice(&home);
        wire
    };
    let (plain, dirty) = (wire(0), wire(255));
    let [plain, dirty] = [&plain, &dirty].map(|wire| Ipv6Packet::parse(wire).expect("well-formed"));
    assert_eq!(plain.header(), dirty.header());
    let found = plain
        .header()
        .destination_home_address
        .map(|home| home.get());
    assert_eq!(found, Some(home.into()));
}
