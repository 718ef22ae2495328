//! Every Mobility Header message by hand from the figure of its RFC: the octets, where each field
//! stands, and what a cut inside of it says.

use std::net::Ipv6Addr;

use bytes::Bytes;
use pmip_wire::{
    BindingAckFlags, BindingAcknowledgement, BindingError, BindingErrorStatus,
    BindingRefreshRequest, BindingRevocationAcknowledgement, BindingRevocationFlags,
    BindingRevocationIndication, BindingRevocationStatus, BindingUpdate, BindingUpdateFlags,
    CareOfTest, CareOfTestInit, ChecksumContext, DecodeErrorKind, FastBindingAcknowledgement,
    FastBindingStatus, FastBindingUpdate, Field, FlowBindingAcknowledgement, FlowBindingFlags,
    FlowBindingIndication, FlowBindingStatus, FlowBindingTrigger, HandoverAcknowledge,
    HandoverAcknowledgeCode, HandoverAcknowledgeFlags, HandoverInitiate, HandoverInitiateCode,
    HandoverInitiateFlags, Heartbeat, HomeAgentSwitch, HomeTest, HomeTestInit, InvalidMessage,
    Layer, Lifetime, LocalizedRoutingAcknowledgment, LocalizedRoutingFlags,
    LocalizedRoutingInitiation, LocalizedRoutingStatus, MAX_MESSAGE_LEN, Message, MhType,
    MobileNodeIdentifier, MobilityHeader, MobilityOption, MobilityOptions, NotificationReason,
    OptionType, RevocationTrigger, SequenceNumber, Status, SubscriptionFlags, SubscriptionQuery,
    SubscriptionResponse, UnknownMessage, UnknownOption, UpdateNotification,
    UpdateNotificationAcknowledgement, UpdateNotificationFlags, UpdateNotificationStatus,
};

const UDP: ChecksumContext = ChecksumContext::Udp;

/// A message, its octets without options, and its fields behind the checksum with their widths.
struct Vector {
    message: Message,
    wire: &'static [u8],
    fields: &'static [(Field, usize)],
}

fn vector(
    message: impl Into<Message>,
    wire: &'static [u8],
    fields: &'static [(Field, usize)],
) -> Vector {
    Vector {
        message: message.into(),
        wire,
        fields,
    }
}

const COOKIE: [u8; 8] = [0xc0, 1, 2, 3, 4, 5, 6, 0xc7];
const TOKEN: [u8; 8] = [0x70, 1, 2, 3, 4, 5, 6, 0x77];
const SEQUENCE: SequenceNumber = SequenceNumber(0x1234);

fn options() -> MobilityOptions {
    MobilityOptions::new()
}

/// RFC 6275 sections 6.1.2 to 6.1.9.
fn mobile_ipv6() -> Vec<Vector> {
    vec![
        vector(
            BindingRefreshRequest::default(),
            &[59, 0, 0, 0, 0, 0, 0, 0],
            &[(Field::Reserved, 2)],
        ),
        vector(
            HomeTestInit {
                init_cookie: COOKIE,
                options: options(),
            },
            &[59, 1, 1, 0, 0, 0, 0, 0, 0xc0, 1, 2, 3, 4, 5, 6, 0xc7],
            &[(Field::Reserved, 2), (Field::InitCookie, 8)],
        ),
        vector(
            CareOfTestInit {
                init_cookie: COOKIE,
                options: options(),
            },
            &[59, 1, 2, 0, 0, 0, 0, 0, 0xc0, 1, 2, 3, 4, 5, 6, 0xc7],
            &[(Field::Reserved, 2), (Field::InitCookie, 8)],
        ),
        vector(
            HomeTest {
                nonce_index: 0x0a0b,
                init_cookie: COOKIE,
                keygen_token: TOKEN,
                options: options(),
            },
            &[
                59, 2, 3, 0, 0, 0, 0x0a, 0x0b, 0xc0, 1, 2, 3, 4, 5, 6, 0xc7, 0x70, 1, 2, 3, 4, 5,
                6, 0x77,
            ],
            &[
                (Field::NonceIndex, 2),
                (Field::InitCookie, 8),
                (Field::KeygenToken, 8),
            ],
        ),
        vector(
            CareOfTest {
                nonce_index: 0x0a0b,
                init_cookie: COOKIE,
                keygen_token: TOKEN,
                options: options(),
            },
            &[
                59, 2, 4, 0, 0, 0, 0x0a, 0x0b, 0xc0, 1, 2, 3, 4, 5, 6, 0xc7, 0x70, 1, 2, 3, 4, 5,
                6, 0x77,
            ],
            &[
                (Field::NonceIndex, 2),
                (Field::InitCookie, 8),
                (Field::KeygenToken, 8),
            ],
        ),
        vector(
            BindingUpdate {
                sequence: SEQUENCE,
                flags: BindingUpdateFlags::ACKNOWLEDGE | BindingUpdateFlags::HOME_REGISTRATION,
                lifetime: Lifetime::from_units(0x0102),
                options: options(),
            },
            &[59, 1, 5, 0, 0, 0, 0x12, 0x34, 0xc0, 0, 1, 2, 1, 2, 0, 0],
            &[
                (Field::Sequence, 2),
                (Field::Flags, 2),
                (Field::Lifetime, 2),
            ],
        ),
        vector(
            BindingAcknowledgement {
                status: Status::InsufficientResources,
                flags: BindingAckFlags::KEY_MANAGEMENT,
                sequence: SEQUENCE,
                lifetime: Lifetime::from_units(0x0102),
                options: options(),
            },
            &[59, 1, 6, 0, 0, 0, 130, 0x80, 0x12, 0x34, 1, 2, 1, 2, 0, 0],
            &[
                (Field::Status, 1),
                (Field::Flags, 1),
                (Field::Sequence, 2),
                (Field::Lifetime, 2),
            ],
        ),
        vector(
            BindingError {
                status: BindingErrorStatus::UnknownBinding,
                home_address: Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 7),
                options: options(),
            },
            &[
                59, 2, 7, 0, 0, 0, 1, 0, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7,
            ],
            &[
                (Field::Status, 1),
                (Field::Reserved, 1),
                (Field::HomeAddress, 16),
            ],
        ),
    ]
}

/// RFC 5568 sections 6.2.1 to 6.2.3, RFC 5949 section 6.1.
fn fast_handover() -> Vec<Vector> {
    vec![
        vector(
            FastBindingUpdate {
                sequence: SEQUENCE,
                flags: BindingUpdateFlags::ACKNOWLEDGE | BindingUpdateFlags::KEY_MANAGEMENT,
                lifetime_seconds: 0x0102,
                options: options(),
            },
            &[59, 1, 8, 0, 0, 0, 0x12, 0x34, 0x90, 0, 1, 2, 1, 2, 0, 0],
            &[
                (Field::Sequence, 2),
                (Field::Flags, 2),
                (Field::Lifetime, 2),
            ],
        ),
        vector(
            FastBindingAcknowledgement {
                status: FastBindingStatus::IncorrectInterfaceIdentifierLength,
                flags: BindingAckFlags::KEY_MANAGEMENT,
                sequence: SEQUENCE,
                lifetime_seconds: 0x0102,
                options: options(),
            },
            &[59, 1, 9, 0, 0, 0, 131, 0x80, 0x12, 0x34, 1, 2, 1, 2, 0, 0],
            &[
                (Field::Status, 1),
                (Field::Flags, 1),
                (Field::Sequence, 2),
                (Field::Lifetime, 2),
            ],
        ),
        vector(
            HandoverInitiate {
                sequence: SEQUENCE,
                flags: HandoverInitiateFlags::PROXY | HandoverInitiateFlags::FORWARDING,
                code: HandoverInitiateCode::AllContextTransferred,
                options: options(),
            },
            &[59, 1, 14, 0, 0, 0, 0x12, 0x34, 0x30, 3, 1, 4, 0, 0, 0, 0],
            &[(Field::Sequence, 2), (Field::Flags, 1), (Field::Code, 1)],
        ),
        vector(
            HandoverAcknowledge {
                sequence: SEQUENCE,
                flags: HandoverAcknowledgeFlags::PROXY | HandoverAcknowledgeFlags::FORWARDING,
                code: HandoverAcknowledgeCode::ForwardingNotAvailable,
                options: options(),
            },
            &[59, 1, 15, 0, 0, 0, 0x12, 0x34, 0x60, 132, 1, 4, 0, 0, 0, 0],
            &[(Field::Sequence, 2), (Field::Flags, 1), (Field::Code, 1)],
        ),
    ]
}

/// RFC 5142 section 4, with two addresses; RFC 5847 section 3.3.
fn home_agent_switch_and_heartbeat() -> Vec<Vector> {
    let addresses = [
        Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1),
        Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2),
    ];
    vec![
        vector(
            HomeAgentSwitch::new(addresses, options()).expect("short"),
            &[
                59, 4, 12, 0, 0, 0, 2, 0, //
                0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, //
                0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2,
            ],
            &[
                (Field::AddressCount, 1),
                (Field::Reserved, 1),
                (Field::HomeAgentAddresses, 32),
            ],
        ),
        vector(
            Heartbeat {
                unsolicited: true,
                response: true,
                sequence: 0x0102_0304,
                options: options(),
            },
            &[59, 1, 13, 0, 0, 0, 0, 3, 1, 2, 3, 4, 1, 2, 0, 0],
            &[(Field::Flags, 2), (Field::Sequence, 4)],
        ),
    ]
}

/// RFC 5846 sections 5.1 and 5.2.
fn revocation() -> Vec<Vector> {
    let flags = BindingRevocationFlags::PROXY | BindingRevocationFlags::GLOBAL;
    vec![
        vector(
            BindingRevocationIndication {
                trigger: RevocationTrigger::PerPeerPolicy,
                sequence: SEQUENCE,
                flags,
                options: options(),
            },
            &[59, 1, 16, 0, 0, 0, 1, 128, 0x12, 0x34, 0xa0, 0, 1, 2, 0, 0],
            &[
                (Field::RevocationType, 1),
                (Field::Trigger, 1),
                (Field::Sequence, 2),
                (Field::Flags, 2),
            ],
        ),
        vector(
            BindingRevocationAcknowledgement {
                status: BindingRevocationStatus::TriggerNotSupported,
                sequence: SEQUENCE,
                flags,
                options: options(),
            },
            &[59, 1, 16, 0, 0, 0, 2, 133, 0x12, 0x34, 0xa0, 0, 1, 2, 0, 0],
            &[
                (Field::RevocationType, 1),
                (Field::Status, 1),
                (Field::Sequence, 2),
                (Field::Flags, 2),
            ],
        ),
    ]
}

/// RFC 6705 section 10, RFC 7077 section 4.
fn routing_and_notification() -> Vec<Vector> {
    vec![
        vector(
            LocalizedRoutingInitiation {
                sequence: SEQUENCE,
                lifetime_seconds: 0x0102,
                options: options(),
            },
            &[59, 1, 17, 0, 0, 0, 0x12, 0x34, 0, 0, 1, 2, 1, 2, 0, 0],
            &[
                (Field::Sequence, 2),
                (Field::Reserved, 2),
                (Field::Lifetime, 2),
            ],
        ),
        vector(
            LocalizedRoutingAcknowledgment {
                sequence: SEQUENCE,
                flags: LocalizedRoutingFlags::UNSOLICITED,
                status: LocalizedRoutingStatus::MobileNodeNotAttached,
                lifetime_seconds: 0x0102,
                options: options(),
            },
            &[59, 1, 18, 0, 0, 0, 0x12, 0x34, 0x80, 129, 1, 2, 1, 2, 0, 0],
            &[
                (Field::Sequence, 2),
                (Field::Flags, 1),
                (Field::Status, 1),
                (Field::Lifetime, 2),
            ],
        ),
        vector(
            UpdateNotification {
                sequence: SEQUENCE,
                reason: NotificationReason::FlowMobility,
                flags: UpdateNotificationFlags::ACKNOWLEDGEMENT_REQUESTED,
                options: options(),
            },
            &[59, 1, 19, 0, 0, 0, 0x12, 0x34, 0, 8, 0x80, 0, 1, 2, 0, 0],
            &[
                (Field::Sequence, 2),
                (Field::NotificationReason, 2),
                (Field::Flags, 2),
            ],
        ),
        vector(
            UpdateNotificationAcknowledgement {
                sequence: SEQUENCE,
                status: UpdateNotificationStatus::MobileNodeNotAttached,
                options: options(),
            },
            &[59, 1, 20, 0, 0, 0, 0x12, 0x34, 132, 0, 0, 0, 1, 2, 0, 0],
            &[
                (Field::Sequence, 2),
                (Field::Status, 1),
                (Field::Reserved, 3),
            ],
        ),
    ]
}

/// RFC 7109 section 6.1, RFC 7161 section 4.3.
fn flow_binding_and_subscription() -> Vec<Vector> {
    vec![
        vector(
            FlowBindingIndication {
                sequence: SEQUENCE,
                trigger: FlowBindingTrigger::AdministrativeReason,
                flags: FlowBindingFlags::ACKNOWLEDGE,
                options: options(),
            },
            &[59, 1, 21, 0, 0, 0, 0, 1, 0x12, 0x34, 2, 0x80, 1, 2, 0, 0],
            &[
                (Field::FlowBindingType, 2),
                (Field::Sequence, 2),
                (Field::Trigger, 1),
                (Field::Flags, 1),
            ],
        ),
        vector(
            FlowBindingAcknowledgement {
                sequence: SEQUENCE,
                status: FlowBindingStatus::ActionNotAuthorized,
                options: options(),
            },
            &[59, 1, 21, 0, 0, 0, 0, 2, 0x12, 0x34, 129, 0, 1, 2, 0, 0],
            &[
                (Field::FlowBindingType, 2),
                (Field::Sequence, 2),
                (Field::Status, 1),
                (Field::Reserved, 1),
            ],
        ),
        vector(
            SubscriptionQuery {
                sequence: 0xf1,
                options: options(),
            },
            &[59, 0, 22, 0, 0, 0, 0xf1, 0],
            &[(Field::Sequence, 1), (Field::Reserved, 1)],
        ),
        vector(
            SubscriptionResponse {
                sequence: 0xf1,
                flags: SubscriptionFlags::MULTICAST_INFORMATION,
                options: options(),
            },
            &[59, 0, 23, 0, 0, 0, 0xf1, 0x80],
            &[(Field::Sequence, 1), (Field::Flags, 1)],
        ),
    ]
}

fn vectors() -> Vec<Vector> {
    let groups = [
        mobile_ipv6(),
        fast_handover(),
        home_agent_switch_and_heartbeat(),
        revocation(),
        routing_and_notification(),
        flow_binding_and_subscription(),
    ];
    groups.into_iter().flatten().collect()
}

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
        assert_eq!(list.mn_identifier(), Some(&expected), "{message:?}");
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
    assert!(
        options >= 12 * size_of::<MobilityOption>(),
        "options are inline"
    );
    assert!(
        size_of::<Message>() <= options + 48,
        "{}",
        size_of::<Message>()
    );
}
