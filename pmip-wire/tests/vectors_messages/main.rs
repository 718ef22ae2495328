//! Every Mobility Header message by hand from the figure of its RFC: the octets, where each field
//! stands, and what a cut inside of it says.

mod table;

use std::net::Ipv6Addr;

use bytes::Bytes;
use pmip_wire::{
    BindingRevocationFlags, BindingRevocationIndication, BindingRevocationStatus, ChecksumContext,
    DecodeErrorKind, Field, HandoverAcknowledgeFlags, HandoverInitiateFlags, HomeAgentSwitch,
    InvalidMessage, Layer, MAX_MESSAGE_LEN, Message, MhType, MobileNodeIdentifier, MobilityHeader,
    MobilityOptions, NotificationReason, OptionType, RevocationTrigger, SubscriptionQuery,
    UnknownMessage, UnknownOption, UpdateNotification, UpdateNotificationFlags,
    UpdateNotificationStatus,
};

use table::{SEQUENCE, Vector, options, vectors};

const UDP: ChecksumContext = ChecksumContext::Udp;

#[test]
fn every_message_is_its_octets() {
    for Vector { message, wire, .. } in vectors() {
        assert_eq!(Message::decode_slice(wire, UDP), Ok(message.clone()));
        assert_eq!(message.to_bytes(UDP), wire, "{message:?}");
        assert_eq!(message.encoded_len(), wire.len(), "{message:?}");
    }
}

/// Every number from 0 to 23 has a vector, but for 10, which RFC 5568 deprecates without a layout,
/// and 11, whose body is left to experiments.
#[test]
fn no_type_is_left_out() {
    let typed: Vec<u8> = vectors().iter().map(|vector| vector.wire[2]).collect();
    for number in 0..=23u8 {
        let has_layout = number != 10 && number != 11;
        assert_eq!(typed.contains(&number), has_layout, "{number}");
    }
}

/// An option behind the fixed part stands where the figure has it, and is found there.
#[test]
fn options_follow_the_fixed_part() {
    // The MN identifier has no alignment, so it stands at once behind the fixed part.
    let option = [8, 4, 1, b'm', b'n', b'1'];
    let expected = MobileNodeIdentifier::nai("mn1").expect("short");
    for Vector { wire, fields, .. } in vectors() {
        let start = 6 + fields.iter().map(|(_, width)| width).sum::<usize>();
        let mut with_option = [&wire[..start], &option].concat();
        while with_option.len() % 8 != 0 {
            with_option.push(0);
        }
        with_option[1] = (with_option.len() / 8 - 1) as u8;
        let message = Message::decode_slice(&with_option, UDP).expect("well-formed");
        let list = message.options().expect("typed");
        let found = list.mn_identifier().map(|found| found.to_bytes());
        assert_eq!(found.as_ref(), Some(&expected), "{message:?}");
        assert_eq!(message.encoded_len(), with_option.len(), "{message:?}");
        let again = message.to_bytes(UDP);
        assert_eq!(&again[2..start + 6], &with_option[2..start + 6]);
    }
}

/// A cut at any octet names the field it falls into, its place, its width and what is left of it.
#[test]
fn every_cut_names_its_field() {
    let header = [
        (Field::PayloadProto, 1),
        (Field::HeaderLength, 1),
        (Field::MhType, 1),
        (Field::Reserved, 1),
        (Field::Checksum, 2),
    ];
    for Vector { wire, fields, .. } in vectors() {
        let mut start = 0;
        let in_header = header.iter().map(|field| (field, true));
        for ((field, width), in_header) in in_header.chain(fields.iter().map(|f| (f, false))) {
            for length in start..start + width {
                let error = Message::decode_slice(&wire[..length], UDP).expect_err("a cut");
                let kind = DecodeErrorKind::Truncated {
                    field: *field,
                    needed: *width as u16,
                    available: (length - start) as u16,
                };
                assert_eq!(error.kind, kind, "{wire:?} cut to {length}");
                let layer = if in_header {
                    Layer::MobilityHeader
                } else {
                    Layer::Message(MhType::from_code(wire[2]))
                };
                assert_eq!((error.layer, usize::from(error.offset)), (layer, start));
            }
            start += width;
        }
        for length in start..wire.len() {
            let error = Message::decode_slice(&wire[..length], UDP).expect_err("a cut");
            assert!(error.is_truncated(), "{error}");
        }
    }
}

/// A Header Len below the fixed part is the sender's fault, told at octet 1 (RFC 6275 section 9.2).
#[test]
fn a_header_len_below_the_fixed_part_is_told() {
    for Vector { wire, fields, .. } in vectors() {
        let needed = 6 + fields.iter().map(|(_, width)| width).sum::<usize>();
        for units in 0..wire[1] {
            let mut short = wire.to_vec();
            short[1] = units;
            let found = usize::from(units) * 8 + 8;
            let result = Message::decode_slice(&short, UDP);
            if found >= needed {
                assert!(result.is_ok(), "{result:?}");
                continue;
            }
            let error = result.expect_err("too short");
            let kind = DecodeErrorKind::BadHeaderLength {
                needed: needed as u16,
                found: found as u16,
            };
            assert_eq!((error.kind, error.offset), (kind, 1));
        }
    }
}

/// Reserved octets and bits that a sender set are ignored (the "Reserved" of every figure); those
/// that stand among flags are kept.
#[test]
fn reserved_fields_do_not_disturb() {
    for Vector {
        message,
        wire,
        fields,
    } in vectors()
    {
        let mut noisy = wire.to_vec();
        let mut start = 6;
        for (field, width) in fields {
            if *field == Field::Reserved {
                noisy[start..start + width].fill(0xff);
            }
            start += width;
        }
        noisy[3] = 0xff;
        assert_eq!(Message::decode_slice(&noisy, UDP), Ok(message));
    }
    let noisy = [59, 1, 16, 0, 0, 0, 1, 1, 0, 1, 0x80, 1, 1, 2, 0, 0];
    let Ok(Message::BindingRevocationIndication(indication)) = Message::decode_slice(&noisy, UDP)
    else {
        panic!("a BRI");
    };
    assert_eq!(indication.flags.bits(), 0x8001);
    assert_eq!(Message::from(indication).to_bytes(UDP), &noisy[..]);
}

/// Every flag on its own bit, in the order of the figures.
#[test]
fn flags_stand_where_the_figures_have_them() {
    use BindingRevocationFlags as R;
    use HandoverAcknowledgeFlags as A;
    use HandoverInitiateFlags as I;
    use UpdateNotificationFlags as N;
    let revocation = [R::PROXY, R::IPV4_HOME_ADDRESS_ONLY, R::GLOBAL];
    assert_eq!(revocation.map(|flag| flag.bits()), [0x8000, 0x4000, 0x2000]);
    let initiate = [I::ASSIGNED_ADDRESS, I::BUFFER, I::PROXY, I::FORWARDING];
    assert_eq!(initiate.map(|flag| flag.bits()), [0x80, 0x40, 0x20, 0x10]);
    let acknowledge = [A::BUFFER, A::PROXY, A::FORWARDING];
    assert_eq!(acknowledge.map(|flag| flag.bits()), [0x80, 0x40, 0x20]);
    let notification = [N::ACKNOWLEDGEMENT_REQUESTED, N::RETRANSMIT];
    assert_eq!(notification.map(|flag| flag.bits()), [0x8000, 0x4000]);
}

/// Types without a layout, and B.R. Types and Flow Binding Types that nobody knows, are kept octet
/// for octet and can be built; what has a variant of its own cannot be built around it.
#[test]
fn kinds_that_nobody_knows_are_kept() {
    for start in [
        [10u8, 0, 0],
        [11, 7, 8],
        [16, 0, 1],
        [16, 3, 1],
        [21, 0, 3],
        [21, 1, 1],
    ] {
        let [mh_type, a, b] = start;
        let wire = [59, 1, mh_type, 0, 0, 0, a, b, 9, 9, 9, 9, 255, 255, 9, 9];
        let message = Message::decode_slice(&wire, UDP).expect("kept");
        let data = Bytes::copy_from_slice(&wire[6..]);
        let built = UnknownMessage::new(MhType::from_code(mh_type), data).expect("unknown");
        assert_eq!(message, Message::from(built));
        assert_eq!(message.to_bytes(UDP), &wire[..]);
        let header = MobilityHeader::parse(&wire, UDP).expect("kept");
        assert!(header.options().is_none(), "where they start is not known");
    }
    for start in [[16u8, 1, 0], [16, 2, 0], [21, 0, 1], [21, 0, 2], [22, 0, 0]] {
        let [mh_type, a, b] = start;
        let data = Bytes::copy_from_slice(&[a, b, 0, 0, 0, 0, 0, 0, 0, 0]);
        let mh_type = MhType::from_code(mh_type);
        let refused = UnknownMessage::new(mh_type, data);
        assert_eq!(refused, Err(InvalidMessage::Typed(mh_type)));
    }
}

/// RFC 5142 section 4: as many addresses as announced, none included; more than a Mobility Header
/// holds, alone or with options, are refused in both directions.
#[test]
fn home_agent_addresses_are_bounded() {
    let none = HomeAgentSwitch::default();
    let wire = [59, 0, 12, 0, 0, 0, 0, 0];
    assert_eq!(Message::from(none.clone()).to_bytes(UDP), &wire[..]);
    assert_eq!(none.addresses().len(), 0);

    let many = |count: usize| std::iter::repeat_n(Ipv6Addr::LOCALHOST, count);
    let most = HomeAgentSwitch::new(many(127), options()).expect("2040 octets");
    assert_eq!(most.addresses().len(), 127);
    let most = Message::from(most);
    assert_eq!(most.encoded_len(), 2040);
    assert_eq!(Message::decode(&most.to_bytes(UDP), UDP), Ok(most));
    assert_eq!(
        HomeAgentSwitch::new(many(128), options()),
        Err(InvalidMessage::TooLong)
    );
    let filler = UnknownOption::new(OptionType::Unknown(200), vec![0; 7].into()).expect("short");
    let nine_octets = options().with(filler).expect("fits");
    assert_eq!(
        HomeAgentSwitch::new(many(127), nine_octets),
        Err(InvalidMessage::TooLong)
    );

    // Handoff indicator and vendor option touch each other: aligned they take more.
    let mut wire = vec![59, 255, 12, 0, 0, 0, 126, 0];
    wire.resize(8 + 126 * 16, 1);
    for _ in 0..2 {
        wire.extend([23, 2, 0, 1, 19, 5, 0, 0, 0, 9, 0, 0]);
    }
    wire.resize(MAX_MESSAGE_LEN, 0);
    let error = Message::decode_slice(&wire, UDP).map(|_| ());
    let kind = error.expect_err("does not fit aligned").kind;
    assert_eq!(kind, DecodeErrorKind::OptionsTooLong);
}

/// RFC 5846 section 6.1.2 and RFC 7077 section 5.2: an answer copies what matches it with the
/// question.
#[test]
fn answers_copy_what_matches_them() {
    let indication = BindingRevocationIndication {
        trigger: RevocationTrigger::PerPeerPolicy,
        sequence: SEQUENCE,
        flags: BindingRevocationFlags::GLOBAL | BindingRevocationFlags::from_bits_retain(1),
        options: options(),
    };
    assert!(indication.is_global() && !indication.is_proxy() && !indication.is_ipv4_only());
    let answer = indication.acknowledgement(BindingRevocationStatus::Success);
    assert_eq!(answer.sequence, SEQUENCE);
    assert_eq!(answer.flags, BindingRevocationFlags::GLOBAL);
    assert!(answer.is_global() && answer.status.is_accepted());

    let notification = UpdateNotification {
        sequence: SEQUENCE,
        reason: NotificationReason::Unknown(8),
        flags: UpdateNotificationFlags::RETRANSMIT,
        options: options(),
    };
    assert!(notification.is_flow_mobility_initiate() && notification.is_retransmission());
    assert!(!notification.acknowledgement_requested());
    let answer = notification.acknowledgement(UpdateNotificationStatus::ReasonUnspecified);
    assert_eq!(answer.sequence, SEQUENCE);
    assert!(!answer.status.is_accepted());
}

/// RFC 7161 section 4.3.1.2 gives the example: behind 15, the numbers 143 to 255 and 0 to 15 are
/// not newer.
#[test]
fn subscription_queries_count_modulo_256() {
    for sequence in 0..=255u8 {
        let query = SubscriptionQuery {
            sequence,
            options: options(),
        };
        assert_eq!(query.is_newer_than(15), (16..143).contains(&sequence));
    }
}

/// RFC 5846 section 5.1: which triggers go with flag G.
#[test]
fn triggers_know_their_class() {
    for code in 0..=255u8 {
        let trigger = RevocationTrigger::from_code(code);
        assert_eq!(trigger.is_per_mn(), code < 128, "{code}");
        assert_eq!(trigger.is_global(), (128..250).contains(&code), "{code}");
    }
}

/// Names tell apart what shares a type, and registrations by proxy from others.
#[test]
fn names_tell_bodies_apart() {
    let name = |wire: &[u8]| {
        let message = Message::decode_slice(wire, UDP).expect("well-formed");
        message.name()
    };
    let octets =
        |mh_type: u8, a: u8, b: u8, c: u8| [59, 1, mh_type, 0, 0, 0, a, b, c, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(name(&octets(5, 0, 0, 0x80)), "BindingUpdate");
    assert_eq!(name(&octets(5, 0, 0, 0x82)), "ProxyBindingUpdate");
    assert_eq!(name(&octets(6, 0, 0x20, 0)), "ProxyBindingAcknowledgement");
    assert_eq!(name(&octets(16, 1, 0, 0)), "BindingRevocationIndication");
    assert_eq!(
        name(&octets(16, 2, 0, 0)),
        "BindingRevocationAcknowledgement"
    );
    assert_eq!(name(&octets(16, 3, 0, 0)), "BindingRevocation");
    assert_eq!(name(&octets(11, 0, 0, 0)), "Experimental");
    assert_eq!(name(&octets(99, 0, 0, 0)), "Unknown");
}

/// A message stays about as large as its inline options, however many kinds there are.
#[test]
fn a_message_stays_small() {
    let options = size_of::<MobilityOptions>();
    assert!(options <= 144, "{options}");
    assert!(
        size_of::<Message>() <= options + 48,
        "{}",
        size_of::<Message>()
    );
}
