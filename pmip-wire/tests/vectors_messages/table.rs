//! The octets of every message, and where each field stands.

use std::net::Ipv6Addr;

use pmip_wire::{
    BindingAckFlags, BindingAcknowledgement, BindingError, BindingErrorStatus,
    BindingRefreshRequest, BindingRevocationAcknowledgement, BindingRevocationFlags,
    BindingRevocationIndication, BindingRevocationStatus, BindingUpdate, BindingUpdateFlags,
    CareOfTest, CareOfTestInit, FastBindingAcknowledgement, FastBindingStatus, FastBindingUpdate,
    Field, FlowBindingAcknowledgement, FlowBindingFlags, FlowBindingIndication, FlowBindingStatus,
    FlowBindingTrigger, HandoverAcknowledge, HandoverAcknowledgeCode, HandoverAcknowledgeFlags,
    HandoverInitiate, HandoverInitiateCode, HandoverInitiateFlags, Heartbeat, HomeAgentSwitch,
    HomeTest, HomeTestInit, Lifetime, LocalizedRoutingAcknowledgment, LocalizedRoutingFlags,
    LocalizedRoutingInitiation, LocalizedRoutingStatus, Message, MobilityOptions,
    NotificationReason, RevocationTrigger, SequenceNumber, Status, SubscriptionFlags,
    SubscriptionQuery, SubscriptionResponse, UpdateNotification, UpdateNotificationAcknowledgement,
    UpdateNotificationFlags, UpdateNotificationStatus,
};

/// A message, its octets without options, and its fields behind the checksum with their widths.
pub(crate) struct Vector {
    pub(crate) message: Message,
    pub(crate) wire: &'static [u8],
    pub(crate) fields: &'static [(Field, usize)],
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
/// The sequence number of all of them.
pub(crate) const SEQUENCE: SequenceNumber = SequenceNumber(0x1234);

/// No options.
pub(crate) fn options() -> MobilityOptions {
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

/// Every message that has a layout.
pub(crate) fn vectors() -> Vec<Vector> {
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
