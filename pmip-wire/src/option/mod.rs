//! Mobility options (RFC 6275 section 6.2).

mod alignment;
mod identifier;
mod ipv4;
mod layout;
mod list;
mod multipath;
mod prefix;
mod raw;
mod unknown;
mod vendor;

pub use alignment::Alignment;
pub use identifier::{LinkLayerIdentifier, MagIdentifier, MobileNodeIdentifier};
pub use ipv4::{Ipv4DhcpSupportMode, Ipv4HomeAddressReply, Ipv4HomeAddressRequest, NatDetection};
pub use list::{MobilityOptions, OptionsFull};
pub use multipath::MagMultipathBinding;
pub use prefix::{DelegatedMobileNetworkPrefix, HomeNetworkPrefix};
pub(crate) use raw::length_octet;
pub use raw::{RawOption, RawOptions, TypedOptions};
pub use unknown::UnknownOption;
pub use vendor::VendorSpecific;

use core::net::{Ipv4Addr, Ipv6Addr};

use bytes::Bytes;

use crate::code::{AccessTechnologyType, HandoffIndicator, OptionType};
use crate::error::DecodeError;
use crate::types::Timestamp;
use crate::writer::Writer;
use layout::{
    Ipv4Address, Ipv6Address, Layout, Number, ReservedAndAccessTechnology,
    ReservedAndHandoffIndicator, ReservedAndIpv4Address, TimestampBits,
};

/// Declares [`MobilityOption`] from one table: a variant is its documentation, its value, and behind
/// `as` the layout of the value where it has none of its own.
macro_rules! mobility_options {
    ($(
        $(#[$doc:meta])+
        $variant:ident($value:ty $(as $layout:ty)?);
    )+) => {
        /// One mobility option. Padding is none: the encoder adds what alignment asks for.
        ///
        /// `B` holds the variable parts: [`Bytes`] in messages, `&[u8]` where
        /// [`RawOption::decode`] borrows.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[cfg_attr(
            feature = "serde",
            serde(bound(deserialize = "B: serde::Deserialize<'de> + AsRef<[u8]>"))
        )]
        #[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
        #[cfg_attr(
            feature = "arbitrary",
            arbitrary(bound = "B: From<alloc::vec::Vec<u8>> + AsRef<[u8]>")
        )]
        #[non_exhaustive]
        pub enum MobilityOption<B = Bytes> {
            $( $(#[$doc])+ $variant($value), )+
            /// A type without a variant here, kept as it came.
            Unknown(UnknownOption<B>),
        }

        impl<B: AsRef<[u8]>> MobilityOption<B> {
            /// Types `raw` and hands it to `emit`, which takes it without a move; `None` for
            /// padding.
            #[inline]
            fn from_raw<'a, R>(
                raw: RawOption<'a>,
                own: impl FnOnce(&'a [u8]) -> B,
                emit: impl FnOnce(Self) -> R,
            ) -> Result<Option<R>, DecodeError> {
                Ok(Some(match raw.option_type() {
                    OptionType::Pad1 | OptionType::PadN => return Ok(None),
                    $(
                        OptionType::$variant => emit(Self::$variant(
                            <layout_of!($value $(as $layout)?) as Layout<B>>::decode(raw, own)?,
                        )),
                    )+
                    other => emit(Self::Unknown(UnknownOption::from_wire(
                        other,
                        own(raw.data()),
                    ))),
                }))
            }

            /// Takes the next option that is not padding from `walk`, types it and hands it to
            /// `emit`; `None` at the end. Nothing is left to walk behind an error.
            #[inline(always)]
            fn next<'a, R>(
                walk: &mut RawOptions<'a>,
                own: impl FnOnce(&'a [u8]) -> B,
                emit: impl FnOnce(Self) -> R,
            ) -> Option<Result<R, DecodeError>> {
                loop {
                    let taken = match walk.peek()? {
                        codes::PAD1 => {
                            walk.take_octet();
                            continue;
                        }
                        codes::PADN => {
                            if walk.take_next().is_some() {
                                continue;
                            }
                            Err(walk.misfit(None))
                        }
                        $(
                            codes::$variant => {
                                layout::take::<B, layout_of!($value $(as $layout)?)>(walk, own)
                                    .map(|value| emit(Self::$variant(value)))
                            }
                        )+
                        _ => match walk.take_next() {
                            Some(raw) => Ok(emit(Self::Unknown(UnknownOption::from_wire(
                                raw.option_type(),
                                own(raw.data()),
                            )))),
                            None => Err(walk.misfit(None)),
                        },
                    };
                    if taken.is_err() {
                        walk.stop();
                    }
                    return Some(taken);
                }
            }

            /// The same option with its variable parts in memory of its own.
            pub fn to_bytes(&self) -> MobilityOption {
                match self {
                    $(
                        Self::$variant(value) => MobilityOption::$variant(
                            <layout_of!($value $(as $layout)?) as Layout<B>>::to_bytes(value),
                        ),
                    )+
                    Self::Unknown(option) => MobilityOption::Unknown(option.to_bytes()),
                }
            }

            /// Hands its type and its data, in two pieces, to `f`: the one place that knows
            /// layouts, for the encoder as for lengths.
            #[inline]
            pub(crate) fn with_data<R>(&self, f: impl FnOnce(OptionType, &[u8], &[u8]) -> R) -> R {
                match self {
                    $(
                        Self::$variant(value) => {
                            <layout_of!($value $(as $layout)?) as Layout<B>>::with_data(
                                value,
                                |head, tail| f(OptionType::$variant, head, tail),
                            )
                        }
                    )+
                    Self::Unknown(option) => f(option.option_type(), &[], option.tail()),
                }
            }

            /// Writes the option behind the padding it needs. One arm a type: the compiler then
            /// knows alignment and lengths, and copies without calls.
            #[inline]
            pub(crate) fn write(&self, writer: &mut Writer<'_>) {
                match self {
                    $(
                        Self::$variant(value) => {
                            <layout_of!($value $(as $layout)?) as Layout<B>>::with_data(
                                value,
                                |head, tail| writer.option(OptionType::$variant, head, tail),
                            )
                        }
                    )+
                    Self::Unknown(option) => {
                        writer.option(option.option_type(), &[], option.tail());
                    }
                }
            }
        }

        /// The numbers of the table as patterns.
        #[allow(non_upper_case_globals, reason = "named as the types")]
        mod codes {
            use crate::code::OptionType;

            pub(super) const PAD1: u8 = OptionType::Pad1.code();
            pub(super) const PADN: u8 = OptionType::PadN.code();
            $( pub(super) const $variant: u8 = OptionType::$variant.code(); )+
        }
    };
}

/// The layout of a row in [`mobility_options`].
macro_rules! layout_of {
    ($value:ty) => {
        $value
    };
    ($value:ty as $layout:ty) => {
        $layout
    };
}

mobility_options! {
    /// Type 3: the care-of address to bind, where it is not the source (RFC 6275 section 6.2.5).
    AlternateCareOfAddress(Ipv6Addr as Ipv6Address);
    /// Type 8: who the mobile node is (RFC 4283 section 3).
    MobileNodeIdentifier(MobileNodeIdentifier<B>);
    /// Type 19: what a vendor adds (RFC 5094 section 3).
    VendorSpecific(VendorSpecific<B>);
    /// Type 22: a home network prefix (RFC 5213 section 8.3).
    HomeNetworkPrefix(HomeNetworkPrefix);
    /// Type 23: how the mobile node came to this interface (RFC 5213 section 8.4).
    HandoffIndicator(HandoffIndicator as ReservedAndHandoffIndicator);
    /// Type 24: the mobile node's access technology (RFC 5213 section 8.5).
    AccessTechnologyType(AccessTechnologyType as ReservedAndAccessTechnology);
    /// Type 25: the mobile node's link-layer address (RFC 5213 section 8.6).
    LinkLayerIdentifier(LinkLayerIdentifier<B>);
    /// Type 26: the gateway's link-local address on the access link (RFC 5213 section 8.7).
    LinkLocalAddress(Ipv6Addr as Ipv6Address);
    /// Type 27: when the message was sent (RFC 5213 section 8.8).
    Timestamp(Timestamp as TimestampBits);
    /// Type 28: how often the sender has restarted (RFC 5847 section 3.4).
    RestartCounter(u32 as Number);
    /// Type 31: whether a NAT was seen (RFC 5555 section 3.2.2).
    NatDetection(NatDetection);
    /// Type 32: the sender's own IPv4 care-of address (RFC 5555 section 3.1.2).
    Ipv4CareOfAddress(Ipv4Addr as ReservedAndIpv4Address);
    /// Type 36: asks for an IPv4 home address (RFC 5844 section 3.3.1).
    Ipv4HomeAddressRequest(Ipv4HomeAddressRequest);
    /// Type 37: grants or refuses an IPv4 home address (RFC 5844 section 3.3.2).
    Ipv4HomeAddressReply(Ipv4HomeAddressReply);
    /// Type 38: the mobile node's default router (RFC 5844 section 3.3.3).
    Ipv4DefaultRouterAddress(Ipv4Addr as ReservedAndIpv4Address);
    /// Type 39: whether the gateway serves DHCP itself (RFC 5844 section 3.3.4).
    Ipv4DhcpSupportMode(Ipv4DhcpSupportMode);
    /// Type 49: the IPv4 care-of address to bind, where it is not the source
    /// (RFC 6463 section 4.4).
    AlternateIpv4CareOfAddress(Ipv4Addr as Ipv4Address);
    /// Type 55: a prefix for the network behind the mobile node (RFC 7148 section 4.1).
    DelegatedMobileNetworkPrefix(DelegatedMobileNetworkPrefix);
    /// Type 63: which path the registration is about (RFC 8278 section 4.1).
    MagMultipathBinding(MagMultipathBinding);
    /// Type 64: which gateway sends the registration (RFC 8278 section 4.2).
    MagIdentifier(MagIdentifier<B>);
}

/// Why an option could not be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidOption {
    /// More octets than the Length octet can stand for.
    #[error("{length} octets do not fit the option: shorten them to {limit}")]
    TooLong {
        /// The length given.
        length: usize,
        /// The longest.
        limit: usize,
    },
    /// The prefix length exceeds the width of the address.
    #[error("prefix length {length} exceeds the width of the address")]
    PrefixTooLong {
        /// The length given.
        length: u8,
    },
    /// The type has a variant of [`MobilityOption`], or is padding, which the encoder adds.
    #[error("{0} options have a form of their own: use that")]
    Typed(OptionType),
    /// The options of RFC 7411 count 32-bit words: their data is 4n+2 octets.
    #[error("{length} octets are not 4n+2, which this option's length in words asks for")]
    NotWords {
        /// The length given.
        length: usize,
    },
}

impl<B: AsRef<[u8]>> MobilityOption<B> {
    /// Its type.
    pub fn option_type(&self) -> OptionType {
        self.with_data(|option_type, _, _| option_type)
    }

    /// Octets of its data: without its Type and Length octets.
    pub fn data_len(&self) -> usize {
        self.with_data(|_, head, tail| head.len().saturating_add(tail.len()))
    }
}

macro_rules! from_value {
    ($($value:ty => $variant:ident;)+) => {$(
        impl<B> From<$value> for MobilityOption<B> {
            fn from(value: $value) -> Self {
                Self::$variant(value)
            }
        }
    )+};
}

from_value! {
    MobileNodeIdentifier<B> => MobileNodeIdentifier;
    VendorSpecific<B> => VendorSpecific;
    HomeNetworkPrefix => HomeNetworkPrefix;
    HandoffIndicator => HandoffIndicator;
    AccessTechnologyType => AccessTechnologyType;
    LinkLayerIdentifier<B> => LinkLayerIdentifier;
    Timestamp => Timestamp;
    NatDetection => NatDetection;
    Ipv4HomeAddressRequest => Ipv4HomeAddressRequest;
    Ipv4HomeAddressReply => Ipv4HomeAddressReply;
    Ipv4DhcpSupportMode => Ipv4DhcpSupportMode;
    DelegatedMobileNetworkPrefix => DelegatedMobileNetworkPrefix;
    MagMultipathBinding => MagMultipathBinding;
    MagIdentifier<B> => MagIdentifier;
    UnknownOption<B> => Unknown;
}

/// Whether [`UnknownOption`] must not carry this type: padding, and types with a variant.
fn is_typed(option_type: OptionType) -> bool {
    // Data of no option fits here, so a type with a variant answers with an error or itself.
    let probe = RawOption::probe(OptionType::from_code(option_type.code()));
    !matches!(probe.decode(), Ok(Some(MobilityOption::Unknown(_))))
}
