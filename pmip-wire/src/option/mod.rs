//! Mobility options (RFC 6275 section 6.2).

mod alignment;
mod identifier;
mod ipv4;
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
pub use raw::{RawOption, RawOptions};
pub use unknown::UnknownOption;
pub use vendor::VendorSpecific;

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bytes::Bytes;

use crate::code::{AccessTechnologyType, HandoffIndicator, OptionType};
use crate::error::DecodeError;
use crate::types::Timestamp;

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
    /// Type 3: the care-of address to bind, where it is not the source (RFC 6275 section 6.2.5).
    AlternateCareOfAddress(Ipv6Addr),
    /// Type 8: who the mobile node is (RFC 4283 section 3).
    MobileNodeIdentifier(MobileNodeIdentifier<B>),
    /// Type 19: what a vendor adds (RFC 5094 section 3).
    VendorSpecific(VendorSpecific<B>),
    /// Type 22: a home network prefix (RFC 5213 section 8.3).
    HomeNetworkPrefix(HomeNetworkPrefix),
    /// Type 23: how the mobile node came to this interface (RFC 5213 section 8.4).
    HandoffIndicator(HandoffIndicator),
    /// Type 24: the mobile node's access technology (RFC 5213 section 8.5).
    AccessTechnologyType(AccessTechnologyType),
    /// Type 25: the mobile node's link-layer address (RFC 5213 section 8.6).
    LinkLayerIdentifier(LinkLayerIdentifier<B>),
    /// Type 26: the gateway's link-local address on the access link (RFC 5213 section 8.7).
    LinkLocalAddress(Ipv6Addr),
    /// Type 27: when the message was sent (RFC 5213 section 8.8).
    Timestamp(Timestamp),
    /// Type 28: how often the sender has restarted (RFC 5847 section 3.4).
    RestartCounter(u32),
    /// Type 31: whether a NAT was seen (RFC 5555 section 3.2.2).
    NatDetection(NatDetection),
    /// Type 32: the sender's own IPv4 care-of address (RFC 5555 section 3.1.2).
    Ipv4CareOfAddress(Ipv4Addr),
    /// Type 36: asks for an IPv4 home address (RFC 5844 section 3.3.1).
    Ipv4HomeAddressRequest(Ipv4HomeAddressRequest),
    /// Type 37: grants or refuses an IPv4 home address (RFC 5844 section 3.3.2).
    Ipv4HomeAddressReply(Ipv4HomeAddressReply),
    /// Type 38: the mobile node's default router (RFC 5844 section 3.3.3).
    Ipv4DefaultRouterAddress(Ipv4Addr),
    /// Type 39: whether the gateway serves DHCP itself (RFC 5844 section 3.3.4).
    Ipv4DhcpSupportMode(Ipv4DhcpSupportMode),
    /// Type 49: the IPv4 care-of address to bind, where it is not the source
    /// (RFC 6463 section 4.4).
    AlternateIpv4CareOfAddress(Ipv4Addr),
    /// Type 55: a prefix for the network behind the mobile node (RFC 7148 section 4.1).
    DelegatedMobileNetworkPrefix(DelegatedMobileNetworkPrefix),
    /// Type 63: which path the registration is about (RFC 8278 section 4.1).
    MagMultipathBinding(MagMultipathBinding),
    /// Type 64: which gateway sends the registration (RFC 8278 section 4.2).
    MagIdentifier(MagIdentifier<B>),
    /// A type without a variant here, kept as it came.
    Unknown(UnknownOption<B>),
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

impl<B> MobilityOption<B> {
    /// Types `raw` and hands it to `emit`, which takes it without a move; `None` for padding.
    #[inline]
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a type without a variant is Unknown"
    )]
    fn from_raw<'a, R>(
        raw: RawOption<'a>,
        own: impl FnOnce(&'a [u8]) -> B,
        emit: impl FnOnce(Self) -> R,
    ) -> Result<Option<R>, DecodeError> {
        Ok(Some(match raw.option_type() {
            OptionType::Pad1 | OptionType::PadN => return Ok(None),
            OptionType::AlternateCareOfAddress => emit(Self::AlternateCareOfAddress(
                Ipv6Addr::from(*raw.exactly::<16>()?),
            )),
            OptionType::MobileNodeIdentifier => emit(Self::MobileNodeIdentifier(
                MobileNodeIdentifier::from_raw(raw, own)?,
            )),
            OptionType::VendorSpecific => {
                emit(Self::VendorSpecific(VendorSpecific::from_raw(raw, own)?))
            }
            OptionType::HomeNetworkPrefix => {
                emit(Self::HomeNetworkPrefix(HomeNetworkPrefix::from_raw(raw)?))
            }
            OptionType::HandoffIndicator => {
                let [_reserved, indicator] = *raw.exactly()?;
                emit(Self::HandoffIndicator(HandoffIndicator::from_code(
                    indicator,
                )))
            }
            OptionType::AccessTechnologyType => {
                let [_reserved, technology] = *raw.exactly()?;
                emit(Self::AccessTechnologyType(AccessTechnologyType::from_code(
                    technology,
                )))
            }
            OptionType::LinkLayerIdentifier => emit(Self::LinkLayerIdentifier(
                LinkLayerIdentifier::from_raw(raw, own)?,
            )),
            OptionType::LinkLocalAddress => emit(Self::LinkLocalAddress(Ipv6Addr::from(
                *raw.exactly::<16>()?,
            ))),
            OptionType::Timestamp => emit(Self::Timestamp(Timestamp::from_bits(
                u64::from_be_bytes(*raw.exactly()?),
            ))),
            OptionType::RestartCounter => {
                emit(Self::RestartCounter(u32::from_be_bytes(*raw.exactly()?)))
            }
            OptionType::NatDetection => emit(Self::NatDetection(NatDetection::from_raw(raw)?)),
            OptionType::Ipv4CareOfAddress => {
                emit(Self::Ipv4CareOfAddress(ipv4::reserved_and_address(raw)?))
            }
            OptionType::Ipv4HomeAddressRequest => emit(Self::Ipv4HomeAddressRequest(
                Ipv4HomeAddressRequest::from_raw(raw)?,
            )),
            OptionType::Ipv4HomeAddressReply => emit(Self::Ipv4HomeAddressReply(
                Ipv4HomeAddressReply::from_raw(raw)?,
            )),
            OptionType::Ipv4DefaultRouterAddress => emit(Self::Ipv4DefaultRouterAddress(
                ipv4::reserved_and_address(raw)?,
            )),
            OptionType::Ipv4DhcpSupportMode => emit(Self::Ipv4DhcpSupportMode(
                Ipv4DhcpSupportMode::from_raw(raw)?,
            )),
            OptionType::AlternateIpv4CareOfAddress => emit(Self::AlternateIpv4CareOfAddress(
                Ipv4Addr::from(*raw.exactly::<4>()?),
            )),
            OptionType::DelegatedMobileNetworkPrefix => emit(Self::DelegatedMobileNetworkPrefix(
                DelegatedMobileNetworkPrefix::from_raw(raw)?,
            )),
            OptionType::MagMultipathBinding => emit(Self::MagMultipathBinding(
                MagMultipathBinding::from_raw(raw)?,
            )),
            OptionType::MagIdentifier => {
                emit(Self::MagIdentifier(MagIdentifier::from_raw(raw, own)?))
            }
            other => emit(Self::Unknown(UnknownOption::from_wire(
                other,
                own(raw.data()),
            ))),
        }))
    }
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

    /// The same option with its variable parts in memory of its own.
    pub fn to_bytes(&self) -> MobilityOption {
        match self {
            Self::MobileNodeIdentifier(option) => option.to_bytes().into(),
            Self::VendorSpecific(option) => option.to_bytes().into(),
            Self::LinkLayerIdentifier(option) => option.to_bytes().into(),
            Self::MagIdentifier(option) => option.to_bytes().into(),
            Self::Unknown(option) => option.to_bytes().into(),
            Self::AlternateCareOfAddress(address) => {
                MobilityOption::AlternateCareOfAddress(*address)
            }
            Self::HomeNetworkPrefix(option) => (*option).into(),
            Self::HandoffIndicator(option) => (*option).into(),
            Self::AccessTechnologyType(option) => (*option).into(),
            Self::LinkLocalAddress(address) => MobilityOption::LinkLocalAddress(*address),
            Self::Timestamp(option) => (*option).into(),
            Self::RestartCounter(counter) => MobilityOption::RestartCounter(*counter),
            Self::NatDetection(option) => (*option).into(),
            Self::Ipv4CareOfAddress(address) => MobilityOption::Ipv4CareOfAddress(*address),
            Self::Ipv4HomeAddressRequest(option) => (*option).into(),
            Self::Ipv4HomeAddressReply(option) => (*option).into(),
            Self::Ipv4DefaultRouterAddress(address) => {
                MobilityOption::Ipv4DefaultRouterAddress(*address)
            }
            Self::Ipv4DhcpSupportMode(option) => (*option).into(),
            Self::AlternateIpv4CareOfAddress(address) => {
                MobilityOption::AlternateIpv4CareOfAddress(*address)
            }
            Self::DelegatedMobileNetworkPrefix(option) => (*option).into(),
            Self::MagMultipathBinding(option) => (*option).into(),
        }
    }

    /// Hands its type and its data, in two pieces, to `f`: the one place that knows layouts, for
    /// the encoder as for lengths.
    #[inline]
    pub(crate) fn with_data<R>(&self, f: impl FnOnce(OptionType, &[u8], &[u8]) -> R) -> R {
        use OptionType as T;
        match self {
            Self::AlternateCareOfAddress(address) => {
                f(T::AlternateCareOfAddress, &address.octets(), &[])
            }
            Self::MobileNodeIdentifier(option) => {
                f(T::MobileNodeIdentifier, &option.head(), option.tail())
            }
            Self::VendorSpecific(option) => f(T::VendorSpecific, &option.head(), option.tail()),
            Self::HomeNetworkPrefix(option) => f(
                T::HomeNetworkPrefix,
                &option.head(),
                &option.prefix().octets(),
            ),
            Self::HandoffIndicator(option) => f(T::HandoffIndicator, &[0, option.code()], &[]),
            Self::AccessTechnologyType(option) => {
                f(T::AccessTechnologyType, &[0, option.code()], &[])
            }
            Self::LinkLayerIdentifier(option) => {
                f(T::LinkLayerIdentifier, &option.head(), option.tail())
            }
            Self::LinkLocalAddress(address) => f(T::LinkLocalAddress, &address.octets(), &[]),
            Self::Timestamp(option) => f(T::Timestamp, &option.to_bits().to_be_bytes(), &[]),
            Self::RestartCounter(counter) => f(T::RestartCounter, &counter.to_be_bytes(), &[]),
            Self::NatDetection(option) => f(T::NatDetection, &option.data(), &[]),
            Self::Ipv4CareOfAddress(address) => f(T::Ipv4CareOfAddress, &[0, 0], &address.octets()),
            Self::Ipv4HomeAddressRequest(option) => {
                f(T::Ipv4HomeAddressRequest, &option.data(), &[])
            }
            Self::Ipv4HomeAddressReply(option) => f(T::Ipv4HomeAddressReply, &option.data(), &[]),
            Self::Ipv4DefaultRouterAddress(address) => {
                f(T::Ipv4DefaultRouterAddress, &[0, 0], &address.octets())
            }
            Self::Ipv4DhcpSupportMode(option) => f(T::Ipv4DhcpSupportMode, &option.data(), &[]),
            Self::AlternateIpv4CareOfAddress(address) => {
                f(T::AlternateIpv4CareOfAddress, &address.octets(), &[])
            }
            Self::DelegatedMobileNetworkPrefix(option) => match option.prefix() {
                IpAddr::V4(prefix) => f(
                    T::DelegatedMobileNetworkPrefix,
                    &option.head(),
                    &prefix.octets(),
                ),
                IpAddr::V6(prefix) => f(
                    T::DelegatedMobileNetworkPrefix,
                    &option.head(),
                    &prefix.octets(),
                ),
            },
            Self::MagMultipathBinding(option) => f(T::MagMultipathBinding, &option.data(), &[]),
            Self::MagIdentifier(option) => f(T::MagIdentifier, &option.head(), option.tail()),
            Self::Unknown(option) => f(option.option_type(), &[], option.tail()),
        }
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
