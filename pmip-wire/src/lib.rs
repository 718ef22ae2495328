//! Wire formats of multipath Proxy Mobile IPv6: Mobility Header messages and their options, code
//! points, checksums, and the framing of the IPv4-UDP carriers.
//!
//! Bytes come in, typed values go out, and back. Two layers share one set of types:
//! - [`Message`] owns what it holds. [`Message::decode`] from [`Bytes`](bytes::Bytes) copies no
//!   option payload; [`Message::encode`] computes lengths, alignment, padding and checksum, and
//!   cannot fail, for what cannot be encoded cannot be built.
//! - [`MobilityHeader`] borrows. Its [`RawOptions`] walk over the options without an allocation,
//!   and each [`RawOption`] can be typed on its own.
//!
//! Nothing is lost on the way: unknown messages, options, code points and flags are kept. Bytes
//! from anyone give a value or a [`DecodeError`] that names the field and its place; no input
//! panics. What a message *means* is left to the engines.
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
//! | [6275](https://www.rfc-editor.org/rfc/rfc6275) | Mobility Header, Binding Update, Binding Acknowledgement, Binding Error, padding, alternate care-of address, sequence order |
//! | [5213](https://www.rfc-editor.org/rfc/rfc5213) | proxy registration: home network prefix, handoff indicator, access technology, link-layer identifier, link-local address, timestamp |
//! | [4283](https://www.rfc-editor.org/rfc/rfc4283), [8371](https://www.rfc-editor.org/rfc/rfc8371) | mobile node identifier |
//! | [5094](https://www.rfc-editor.org/rfc/rfc5094) | vendor-specific option |
//! | [5555](https://www.rfc-editor.org/rfc/rfc5555) | NAT detection, IPv4 care-of address |
//! | [5844](https://www.rfc-editor.org/rfc/rfc5844) | IPv4 home address request and reply, default router, DHCP support mode; UDP ports |
//! | [5845](https://www.rfc-editor.org/rfc/rfc5845) | telling what a data datagram holds |
//! | [5847](https://www.rfc-editor.org/rfc/rfc5847) | Heartbeat, restart counter |
//! | [6463](https://www.rfc-editor.org/rfc/rfc6463) | alternate IPv4 care-of address |
//! | [7148](https://www.rfc-editor.org/rfc/rfc7148) | delegated mobile network prefix |
//! | [8278](https://www.rfc-editor.org/rfc/rfc8278) | multipath binding, gateway identifier |
//!
//! Which test shows which MUST and SHOULD of them is listed in `REQUIREMENTS.md`; how that list is
//! kept and checked, in `tests/requirements/README.md`.
//!
//! # Features
//!
//! `std` (default; without it the crate is `no_std` with `alloc`), `serde` for all values,
//! `arbitrary` for values that fuzzers and property tests draw, `ipnetwork` for conversions.
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

#[macro_use]
mod code;
mod bounded;
pub mod checksum;
mod error;
mod message;
mod option;
pub mod types;
pub mod udp;
mod writer;

pub use checksum::ChecksumContext;
pub use code::{
    AccessTechnologyType, BindingErrorStatus, HandoffIndicator, Ipv4HomeAddressStatus, MhType,
    MnIdSubtype, OptionType, Status,
};
pub use error::{DecodeError, DecodeErrorKind, ExpectedLength, Field, Layer};
pub use message::{
    BindingAckFlags, BindingAcknowledgement, BindingError, BindingUpdate, BindingUpdateFlags,
    Heartbeat, InvalidMessage, MAX_MESSAGE_LEN, Message, MobilityHeader, UnknownMessage,
};
pub use option::{
    Alignment, DelegatedMobileNetworkPrefix, HomeNetworkPrefix, InvalidOption, Ipv4DhcpSupportMode,
    Ipv4HomeAddressReply, Ipv4HomeAddressRequest, LinkLayerIdentifier, MagIdentifier,
    MagMultipathBinding, MobileNodeIdentifier, MobilityOption, MobilityOptions, NatDetection,
    OptionsFull, RawOption, RawOptions, TypedOptions, UnknownOption, VendorSpecific,
};
pub use types::{Lifetime, SequenceNumber, Timestamp};
