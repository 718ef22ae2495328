//! Wire formats of multipath Proxy Mobile IPv6: Mobility Header messages and their options, code
//! points, checksums, the packets that carry them, and the formats of path measurements.
//!
//! Bytes come in, typed values go out, and back. Two layers share one set of types:
//! - [`Message`] owns what it holds. [`Message::decode`] from [`Bytes`](bytes::Bytes) copies no
//!   option payload; [`Message::encode`] computes lengths, alignment, padding and checksum, and
//!   cannot fail, for what cannot be encoded cannot be built.
//! - [`MobilityHeader`] borrows. Its [`RawOptions`] walk over the options without an allocation,
//!   and each [`RawOption`] can be typed on its own.
//!
//! Around them, [`carrier`] reads and writes IPv6 with its extension headers, IPv4, UDP, TLV and
//! GRE; [`sla`] and [`stamp`] the packets that measure a path.
//!
//! Nothing is lost on the way: unknown messages, options, code points and flags are kept. Bytes
//! from anyone give a value or a [`DecodeError`] that names the field and its place; no input
//! panics. What a message *means* is left to the engines; [`DecodeError::answer`] tells them what the
//! sender of a bad one is owed. [`Message::decode_lax`] reads what old senders and cut captures make
//! of the rules, each fault by its own [`Leniency`].
//!
//! # Reading
//!
//! ```
//! use pmip_wire::{ChecksumContext, HandoffIndicator, Message};
//!
//! // A Proxy Binding Update as it comes out of a UDP datagram on port 5436.
//! let wire = [
//!     59, 2, 5, 0, 0, 0, 0, 7, 0x82, 0, 0, 75, // sequence 7, flags A and P, 300 seconds
//!     8, 4, 1, b'm', b'n', b'1', 23, 2, 0, 1, 1, 0,
//! ];
//! let Message::BindingUpdate(update) = Message::decode_slice(&wire, ChecksumContext::Udp)? else {
//!     panic!("another message");
//! };
//! assert!(update.is_proxy());
//! assert_eq!(update.lifetime.as_secs(), 300);
//! assert_eq!(update.options.mn_identifier().and_then(|id| id.as_nai()), Some("mn1"));
//! assert_eq!(
//!     update.options.handoff_indicator(),
//!     Some(HandoffIndicator::AttachmentOverNewInterface)
//! );
//! # Ok::<(), pmip_wire::DecodeError>(())
//! ```
//!
//! # Writing
//!
//! ```
//! use pmip_wire::{ChecksumContext, Heartbeat, Message, MobilityOption};
//!
//! let mut response = Heartbeat::response(7);
//! response.options.push(MobilityOption::RestartCounter(3))?;
//!
//! // Over IPv6 the checksum covers the addresses too.
//! let context = ChecksumContext::Ipv6 {
//!     source: "2001:db8::1".parse()?,
//!     destination: "2001:db8::2".parse()?,
//! };
//! let mut out = Vec::new();
//! Message::from(response).encode(context, &mut out);
//! assert_eq!(out.len(), 24);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is covered
//!
//! | RFC | what |
//! |---|---|
//! | [2784](https://www.rfc-editor.org/rfc/rfc2784), [2890](https://www.rfc-editor.org/rfc/rfc2890) | GRE with checksum, key and sequence number |
//! | [3963](https://www.rfc-editor.org/rfc/rfc3963), [5026](https://www.rfc-editor.org/rfc/rfc5026), [5149](https://www.rfc-editor.org/rfc/rfc5149) | mobile network prefix, DNS update, service selection |
//! | [4283](https://www.rfc-editor.org/rfc/rfc4283), [8371](https://www.rfc-editor.org/rfc/rfc8371) | mobile node identifier |
//! | [4285](https://www.rfc-editor.org/rfc/rfc4285) | message authentication, computed and checked (module `auth`); replay protection |
//! | [4866](https://www.rfc-editor.org/rfc/rfc4866) | options of enhanced route optimization |
//! | [5094](https://www.rfc-editor.org/rfc/rfc5094), [5096](https://www.rfc-editor.org/rfc/rfc5096) | vendor-specific option, with a registry of those a program knows; experimental option |
//! | [5142](https://www.rfc-editor.org/rfc/rfc5142) | Home Agent Switch |
//! | [5213](https://www.rfc-editor.org/rfc/rfc5213) | proxy registration: home network prefix, handoff indicator, access technology, link-layer identifier, link-local address, timestamp |
//! | [5555](https://www.rfc-editor.org/rfc/rfc5555) | IPv4 home address and its acknowledgement, NAT detection, IPv4 care-of address |
//! | [5568](https://www.rfc-editor.org/rfc/rfc5568), [5949](https://www.rfc-editor.org/rfc/rfc5949), [6058](https://www.rfc-editor.org/rfc/rfc6058) | fast handover messages and their options; transient bindings |
//! | [5648](https://www.rfc-editor.org/rfc/rfc5648), [6089](https://www.rfc-editor.org/rfc/rfc6089), [6088](https://www.rfc-editor.org/rfc/rfc6088) | binding identifier; flow identification and summary; binary traffic selectors |
//! | [5844](https://www.rfc-editor.org/rfc/rfc5844) | IPv4 home address request and reply, default router, DHCP support mode; UDP ports |
//! | [5845](https://www.rfc-editor.org/rfc/rfc5845) | GRE key, TLV header, telling what a data datagram holds |
//! | [5846](https://www.rfc-editor.org/rfc/rfc5846) | Binding Revocation Indication and Acknowledgement |
//! | [5847](https://www.rfc-editor.org/rfc/rfc5847) | Heartbeat, restart counter |
//! | [6275](https://www.rfc-editor.org/rfc/rfc6275) | Mobility Header, all its messages and options, sequence order; Home Address option, type 2 routing header |
//! | [6463](https://www.rfc-editor.org/rfc/rfc6463) | redirection, load information, alternate IPv4 care-of address |
//! | [6602](https://www.rfc-editor.org/rfc/rfc6602), [6705](https://www.rfc-editor.org/rfc/rfc6705), [7389](https://www.rfc-editor.org/rfc/rfc7389) | group identifier, localized routing messages, gateway and user-plane addresses |
//! | [6757](https://www.rfc-editor.org/rfc/rfc6757), [7563](https://www.rfc-editor.org/rfc/rfc7563) | access network identifier |
//! | [6812](https://www.rfc-editor.org/rfc/rfc6812) | control messages, their authentication, measurement packets |
//! | [6909](https://www.rfc-editor.org/rfc/rfc6909) | IPv4 traffic offload selector |
//! | [7028](https://www.rfc-editor.org/rfc/rfc7028), [7161](https://www.rfc-editor.org/rfc/rfc7161), [7411](https://www.rfc-editor.org/rfc/rfc7411) | multicast options, Subscription Query and Response |
//! | [7077](https://www.rfc-editor.org/rfc/rfc7077), [7864](https://www.rfc-editor.org/rfc/rfc7864) | Update Notification and its Acknowledgement, also for flow mobility |
//! | [7109](https://www.rfc-editor.org/rfc/rfc7109) | Flow Binding Indication and Acknowledgement |
//! | [7148](https://www.rfc-editor.org/rfc/rfc7148) | delegated mobile network prefix |
//! | [7222](https://www.rfc-editor.org/rfc/rfc7222) | quality of service |
//! | [8127](https://www.rfc-editor.org/rfc/rfc8127) | LMA-controlled parameters of the gateway |
//! | [8200](https://www.rfc-editor.org/rfc/rfc8200) | extension headers down to the Mobility Header |
//! | [8278](https://www.rfc-editor.org/rfc/rfc8278) | multipath binding, gateway identifier |
//! | [8762](https://www.rfc-editor.org/rfc/rfc8762), [8972](https://www.rfc-editor.org/rfc/rfc8972), [5357](https://www.rfc-editor.org/rfc/rfc5357) | test packets of STAMP and TWAMP Light, TLVs |
//! | [8885](https://www.rfc-editor.org/rfc/rfc8885) | options of distributed mobility management |
//!
//! Which test shows which MUST and SHOULD of them is listed in `REQUIREMENTS.md`; how that list is
//! kept and checked, in `tests/requirements/README.md`.
//!
//! # Features
//!
//! `std` (default; without it the crate is `no_std` with `alloc`), `auth` (default) for computing
//! and checking the authentication of messages, `serde` for values that own what they hold,
//! `arbitrary` for values that fuzzers and property tests draw, `ipnetwork` for conversions; the
//! last two bring `std`.
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![warn(
    clippy::alloc_instead_of_core,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::std_instead_of_core
)]
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        clippy::indexing_slicing
    )
)]

extern crate alloc;

#[cfg(feature = "auth")]
pub mod auth;
#[macro_use]
mod code_points;
mod bounded;
pub mod carrier;
pub mod checksum;
mod code;
mod error;
mod mac;
mod message;
mod option;
mod reader;
pub mod sla;
pub mod stamp;
pub mod traffic_selector;
pub mod types;
pub mod udp;
mod writer;

pub use checksum::ChecksumContext;
pub use code::{
    AccessTechnologyType, AniSubOptionType, AuthenticationSubtype, BindingErrorStatus,
    BindingRevocationStatus, CivicLocationFormat, DnsUpdateStatus, FastBindingStatus,
    FlowBindingAction, FlowBindingStatus, FlowBindingTrigger, FlowIdentificationStatus,
    FlowSubOptionType, HandoffIndicator, HandoverAcknowledgeCode, HandoverAddressCode,
    HandoverInitiateCode, Ipv4AddressAcknowledgementStatus, Ipv4HomeAddressStatus,
    LcmpSubOptionType, LinkLayerAddressCode, LmaAddressCode, LocalizedRoutingStatus, MhType,
    MnIdSubtype, MobileNodeGroupSubtype, MulticastAcknowledgementStatus, MulticastPayload,
    MulticastReportType, NotificationReason, OperatorIdentifierType, OptionType, Preemption,
    QosAttributeType, QosOperation, RevocationTrigger, Status, TrafficSelectorFormat,
    UpdateNotificationStatus,
};
pub use error::{Answer, DecodeError, DecodeErrorKind, ExpectedLength, Field, Layer};
pub use mac::EmptySecret;
pub use message::{
    BindingAckFlags, BindingAcknowledgement, BindingError, BindingRefreshRequest,
    BindingRevocationAcknowledgement, BindingRevocationFlags, BindingRevocationIndication,
    BindingUpdate, BindingUpdateFlags, CareOfTest, CareOfTestInit, FastBindingAcknowledgement,
    FastBindingUpdate, Faults, FlowBindingAcknowledgement, FlowBindingFlags, FlowBindingIndication,
    HandoverAcknowledge, HandoverAcknowledgeFlags, HandoverInitiate, HandoverInitiateFlags,
    Heartbeat, HomeAgentSwitch, HomeTest, HomeTestInit, InvalidMessage, Leniency,
    LocalizedRoutingAcknowledgment, LocalizedRoutingFlags, LocalizedRoutingInitiation,
    MAX_MESSAGE_LEN, Message, MobilityHeader, SubscriptionFlags, SubscriptionQuery,
    SubscriptionResponse, UnknownMessage, UpdateNotification, UpdateNotificationAcknowledgement,
    UpdateNotificationFlags,
};
pub use option::{
    AccessNetworkIdentifier, AccessNetworkSpace, ActiveMulticastSubscription, Alignment,
    AllocationRetentionPriority, AniSubOption, BindingAuthorizationDataForFmip, BindingIdentifier,
    BindingReference, BindingReregistrationControl, CivicLocation, ContextRequest,
    DelegatedMobileNetworkPrefix, DlifLinkLayerAddress, DnsUpdate, DynamicIpMulticastSelector,
    FlowIdentification, FlowIdentificationSpace, FlowSubOption, FlowSummary, GeoLocation, GreKey,
    HeartbeatControl, HomeNetworkPrefix, InvalidOption, InvalidVendorData,
    Ipv4AddressAcknowledgement, Ipv4DhcpSupportMode, Ipv4HomeAddress, Ipv4HomeAddressReply,
    Ipv4HomeAddressRequest, Ipv4TrafficOffloadSelector, Ipv6Prefix, LcmpSpace, LcmpSubOption,
    LinkLayerIdentifier, LmaControlledMagParameters, LoadInformation, MagIdentifier,
    MagMultipathBinding, MobileNodeGroupIdentifier, MobileNodeIdentifier,
    MobilityHeaderIpv6AddressPrefix, MobilityHeaderLinkLayerAddress, MobilityMessageAuthentication,
    MobilityOption, MobilityOptions, MulticastAcknowledgement, MulticastMobility, NatDetection,
    NetworkIdentifier, NonceIndices, OpaqueOctets, OperatorIdentifier, OptionsFull, OptionsIter,
    PreviousMaar, QosAttribute, QosSpace, QosVendorSpecific, QualityOfService, RawOption,
    RawOptions, RawSubOption, ServiceSelection, SessionBitRate, SubOptionError, SubOptionSpace,
    SubOptions, TrafficOffloadSpace, TransientBinding, TypedOptions, UnknownOption,
    UnknownSubOption, VendorDecoder, VendorOption, VendorRegistry, VendorSpecific,
};
pub use types::{Lifetime, SequenceNumber, Timestamp};

/// The example of the README, which is to work as it stands.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
