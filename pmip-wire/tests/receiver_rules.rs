//! What RFCs ask of a receiver, in octets written by hand: which requirement each test shows is in
//! `tests/requirements/`.

use pmip_wire::{
    BindingAckFlags, BindingUpdateFlags, ChecksumContext, DecodeErrorKind, ExpectedLength,
    HandoffIndicator, Message, MobilityOption, MobilityOptions,
};

const UDP: ChecksumContext = ChecksumContext::Udp;

/// The fixed part of every message with options, its length octet left to `message`.
const FIXED_PARTS: [&[u8]; 4] = [
    &[59, 0, 5, 0, 0, 0, 0, 7, 0x82, 0, 0, 75],
    &[59, 0, 6, 0, 0, 0, 0, 0x20, 0, 7, 0, 75],
    &[
        59, 0, 7, 0, 0, 0, 2, 0, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9,
    ],
    &[59, 0, 13, 0, 0, 0, 0, 1, 0, 0, 0, 9],
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
    message(FIXED_PARTS[0], options)
}

fn options(message: &Message) -> &[MobilityOption] {
    let list = message.options().map(MobilityOptions::as_slice);
    list.unwrap_or_else(|| panic!("options are not read: {message:?}"))
}

#[test]
fn options_that_nobody_knows_are_skipped_in_every_message() {
    let known = MobilityOption::HandoffIndicator(HandoffIndicator::HandoffBetweenMags);
    for fixed in FIXED_PARTS {
        let wire = message(fixed, &[200, 3, 23, 2, 0, 23, 2, 0, 3, 201, 0]);
        let found = decode(&wire);
        let understood = options(&found).iter().filter(|option| **option == known);
        assert_eq!(understood.count(), 1, "{found:?}");
        assert_eq!(options(&found).len(), 3, "{found:?}");
    }
}

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

#[test]
fn reserved_fields_of_options_are_not_looked_at() {
    let prefix = [0x20, 1, 0x0d, 0xb8, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    // What an option says, and the same with ones wherever its figure says "Reserved".
    let pairs: [(&[u8], &[u8]); 11] = [
        // The first bit is flag L by RFC 7864.
        (&[22, 18, 0, 64], &[22, 18, 0x7f, 64]),
        (&[23, 2, 0, 4], &[23, 2, 255, 4]),
        (&[24, 2, 0, 4], &[24, 2, 255, 4]),
        (&[25, 4, 0, 0, 1, 2], &[25, 4, 255, 255, 1, 2]),
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
            options(&plain),
            [] | [MobilityOption::Unknown(_)]
        ));
    }
}

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
}

#[test]
fn the_reserved_octet_of_the_header_is_not_looked_at() {
    for fixed in FIXED_PARTS {
        let plain = message(fixed, &[]);
        let mut dirty = plain.clone();
        dirty[3] = 255;
        assert_eq!(decode(&plain), decode(&dirty));
    }
}

#[test]
fn reserved_fields_of_messages_are_not_looked_at() {
    // The message as in its figure, and where there are ones that its figure calls reserved.
    let places: [(&[u8], &[(usize, u8)]); 2] = [
        (FIXED_PARTS[2], &[(7, 255)]),
        (FIXED_PARTS[3], &[(6, 255), (7, 0xfc)]),
    ];
    for (fixed, reserved) in places {
        let plain = message(fixed, &[]);
        let mut dirty = plain.clone();
        for (place, bits) in reserved {
            dirty[*place] |= bits;
        }
        assert_eq!(decode(&plain), decode(&dirty));
    }
}

/// RFC 6275 section 9.2: checksum, type, payload protocol, length. A message with all faults shows
/// the first; mending one shows the next.
#[test]
fn a_header_is_checked_in_the_order_of_the_rfc() {
    let context = ChecksumContext::Ipv6 {
        source: "2001:db8::1".parse().expect("an address"),
        destination: "2001:db8::2".parse().expect("an address"),
    };
    let faulty = [58, 0, 99, 0, 0x12, 0x34, 0, 0];
    let error = Message::decode_slice(&faulty, context).expect_err("a wrong checksum");
    assert!(error.is_bad_checksum(), "{error}");

    // Over UDP there is no checksum to be wrong: a type that nobody knows is told apart.
    assert!(matches!(decode(&faulty), Message::Unknown(_)));

    let known = [58, 0, 5, 0, 0, 0, 0, 0];
    let error = Message::decode_slice(&known, UDP).expect_err("a wrong payload protocol");
    assert_eq!(error.kind, DecodeErrorKind::BadPayloadProto { found: 58 });

    let proto = [59, 0, 5, 0, 0, 0, 0, 0];
    let error = Message::decode_slice(&proto, UDP).expect_err("too short");
    let kind = DecodeErrorKind::BadHeaderLength {
        needed: 12,
        found: 8,
    };
    assert_eq!(error.kind, kind);
}

#[test]
fn a_wrong_checksum_is_answered_with_nothing() {
    let context = ChecksumContext::Ipv6 {
        source: "2001:db8::1".parse().expect("an address"),
        destination: "2001:db8::2".parse().expect("an address"),
    };
    for fixed in FIXED_PARTS {
        let mut wire = message(fixed, &[]);
        wire[4..6].copy_from_slice(&[0x12, 0x34]);
        let error = Message::decode_slice(&wire, context).expect_err("a wrong checksum");
        assert!(error.is_bad_checksum(), "{error}");
        assert_eq!(error.parameter_problem_pointer(), None);
    }
}

#[test]
fn the_fixed_part_of_every_message_must_fit_its_header() {
    for fixed in FIXED_PARTS {
        let mut wire = fixed.to_vec();
        wire.resize(fixed.len().next_multiple_of(8), 0);
        for shorter in 0..wire.len() / 8 - 1 {
            wire[1] = shorter as u8;
            let error = Message::decode_slice(&wire, UDP).expect_err("too short a header");
            let kind = DecodeErrorKind::BadHeaderLength {
                needed: fixed.len() as u16,
                found: (shorter as u16 + 1) * 8,
            };
            assert_eq!(error.kind, kind);
            assert_eq!(error.parameter_problem_pointer(), Some(1));
        }
    }
}
