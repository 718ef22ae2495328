//! Wire formats of multipath Proxy Mobile IPv6.
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
    OptionsFull, RawOption, RawOptions, UnknownOption, VendorSpecific,
};
pub use types::{Lifetime, SequenceNumber, Timestamp};
