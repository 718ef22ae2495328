//! Prefixes: home network (RFC 5213 section 8.3), delegated mobile network (RFC 7148), and others.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::layout::{split_layout, with_address};
use super::{InvalidOption, RawOption};
use crate::bounded::BoundedU8;
use crate::error::DecodeError;
use crate::types::IpPrefix;

/// A home network prefix: asked for or granted; ALL_ZERO asks for allocation.
///
/// ```text
/// +---------------+---------------+-+-------------+---------------+
/// |   Type = 22   |  Length = 18  |L|  Reserved   | Prefix Length |
/// +---------------+---------------+-+-------------+---------------+
/// |               Home Network Prefix (16 octets)                 |
/// +---------------------------------------------------------------+
/// ```
/// RFC 5213 section 8.3; flag L of RFC 7864 section 4.1. Alignment 8n+4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct HomeNetworkPrefix {
    off_link: bool,
    prefix: Ipv6Addr,
    length: BoundedU8<128>,
}

/// A prefix for the network behind the mobile node: asked for or granted; ALL_ZERO asks for
/// allocation.
///
/// ```text
/// +---------------+---------------+-+-------------+---------------+
/// |   Type = 55   |    Length     |V|  Reserved   | Prefix Length |
/// +---------------+---------------+-+-------------+---------------+
/// |    IPv6 (16 octets) or IPv4 (4 octets) Delegated Prefix       |
/// +---------------------------------------------------------------+
/// ```
/// RFC 7148 section 4.1. V set means IPv4. Alignment 8n+2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct DelegatedMobileNetworkPrefix(Delegated);

/// An IPv6 prefix: that of a mobile network (RFC 3963 section 4.3), or an anchored or local one
/// (RFC 8885 sections 4.3 and 4.4).
///
/// ```text
/// +---------------+---------------+---------------+---------------+
/// | Type 6, 65, 66|  Length = 18  |   Reserved    | Prefix Length |
/// +---------------+---------------+---------------+---------------+
/// |                      Prefix (16 octets)                       |
/// +---------------------------------------------------------------+
/// ```
/// Alignment 8n+4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct Ipv6Prefix {
    prefix: Ipv6Addr,
    length: BoundedU8<128>,
}

/// The two widths apart, so that each keeps its own limit of length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
enum Delegated {
    Ipv4(Ipv4Addr, BoundedU8<32>),
    Ipv6(Ipv6Addr, BoundedU8<128>),
}

const OFF_LINK: u8 = 0x80;
const IPV4: u8 = 0x80;

impl HomeNetworkPrefix {
    /// The request for a prefix of the anchor's choice.
    pub const ALL_ZERO: Self = Self {
        off_link: false,
        prefix: Ipv6Addr::UNSPECIFIED,
        length: match BoundedU8::new(0) {
            Some(zero) => zero,
            None => unreachable!(),
        },
    };

    /// `prefix` as it stands, host bits included, with its length in bits.
    ///
    /// # Errors
    /// [`InvalidOption::PrefixTooLong`] where `length` exceeds 128.
    pub fn new(prefix: Ipv6Addr, length: u8) -> Result<Self, InvalidOption> {
        let length = BoundedU8::new(length).ok_or(InvalidOption::PrefixTooLong { length })?;
        Ok(Self {
            off_link: false,
            prefix,
            length,
        })
    }

    /// With flag L set or cleared: the prefix is not on the link (RFC 7864 section 4.1).
    #[must_use]
    pub const fn with_off_link(mut self, off_link: bool) -> Self {
        self.off_link = off_link;
        self
    }

    /// Flag L: the prefix is not on the link.
    pub const fn off_link(&self) -> bool {
        self.off_link
    }

    /// The prefix field as it stands, host bits included.
    pub const fn prefix(&self) -> Ipv6Addr {
        self.prefix
    }

    /// The prefix length in bits.
    pub const fn length(&self) -> u8 {
        self.length.number()
    }

    /// Whether it asks for allocation: every octet of the prefix is zero (RFC 5213 section 2.2);
    /// the length does not matter.
    pub const fn is_all_zero(&self) -> bool {
        self.prefix.is_unspecified()
    }

    /// The prefix with its host bits cleared.
    pub fn to_prefix(&self) -> IpPrefix {
        to_prefix(self.prefix.into(), self.length.number())
    }

    #[inline]
    fn from_raw(raw: RawOption<'_>) -> Result<Self, DecodeError> {
        let [flags, length, prefix @ ..] = *raw.exactly::<18>()?;
        Ok(Self {
            off_link: flags & OFF_LINK != 0,
            prefix: Ipv6Addr::from(prefix),
            length: BoundedU8::new(length).ok_or_else(|| raw.prefix_too_long(length, 128))?,
        })
    }

    #[inline]
    fn with_parts<R>(value: &Self, f: impl FnOnce(&[u8], &[u8]) -> R) -> R {
        let flags = if value.off_link { OFF_LINK } else { 0 };
        f(&[flags, value.length.number()], &value.prefix.octets())
    }
}

impl DelegatedMobileNetworkPrefix {
    /// The request for an IPv4 prefix of the anchor's choice.
    pub const ALL_ZERO_IPV4: Self = match BoundedU8::new(0) {
        Some(zero) => Self(Delegated::Ipv4(Ipv4Addr::UNSPECIFIED, zero)),
        None => unreachable!(),
    };

    /// The request for an IPv6 prefix of the anchor's choice.
    pub const ALL_ZERO_IPV6: Self = match BoundedU8::new(0) {
        Some(zero) => Self(Delegated::Ipv6(Ipv6Addr::UNSPECIFIED, zero)),
        None => unreachable!(),
    };

    /// `prefix` as it stands, host bits included, with its length in bits.
    ///
    /// # Errors
    /// [`InvalidOption::PrefixTooLong`] where `length` exceeds the width of the address.
    pub fn new(prefix: IpAddr, length: u8) -> Result<Self, InvalidOption> {
        Self::build(prefix, length).ok_or(InvalidOption::PrefixTooLong { length })
    }

    /// The prefix field as it stands, host bits included.
    pub const fn prefix(&self) -> IpAddr {
        match self.0 {
            Delegated::Ipv4(prefix, _) => IpAddr::V4(prefix),
            Delegated::Ipv6(prefix, _) => IpAddr::V6(prefix),
        }
    }

    /// The prefix length in bits.
    pub const fn length(&self) -> u8 {
        match self.0 {
            Delegated::Ipv4(_, length) => length.number(),
            Delegated::Ipv6(_, length) => length.number(),
        }
    }

    /// Flag V: whether the prefix is IPv4.
    pub const fn is_ipv4(&self) -> bool {
        match self.0 {
            Delegated::Ipv4(..) => true,
            Delegated::Ipv6(..) => false,
        }
    }

    /// Whether it asks for allocation: every octet of the prefix is zero (RFC 5213 section 2.2);
    /// the length does not matter.
    pub const fn is_all_zero(&self) -> bool {
        self.prefix().is_unspecified()
    }

    /// The prefix with its host bits cleared.
    pub fn to_prefix(&self) -> IpPrefix {
        to_prefix(self.prefix(), self.length())
    }

    #[inline]
    fn from_raw(raw: RawOption<'_>) -> Result<Self, DecodeError> {
        let ([flags, length], _) = raw.at_least()?;
        let (prefix, limit) = if flags & IPV4 != 0 {
            let [_, _, prefix @ ..] = *raw.exactly::<6>()?;
            (IpAddr::from(prefix), 32)
        } else {
            let [_, _, prefix @ ..] = *raw.exactly::<18>()?;
            (IpAddr::from(prefix), 128)
        };
        Self::build(prefix, *length).ok_or_else(|| raw.prefix_too_long(*length, limit))
    }

    fn build(prefix: IpAddr, length: u8) -> Option<Self> {
        Some(Self(match prefix {
            IpAddr::V4(prefix) => Delegated::Ipv4(prefix, BoundedU8::new(length)?),
            IpAddr::V6(prefix) => Delegated::Ipv6(prefix, BoundedU8::new(length)?),
        }))
    }

    #[inline]
    fn with_parts<R>(value: &Self, f: impl FnOnce(&[u8], &[u8]) -> R) -> R {
        let flags = if value.is_ipv4() { IPV4 } else { 0 };
        with_address(&[flags, value.length()], value.prefix(), f)
    }
}

impl Ipv6Prefix {
    /// `prefix` as it stands, host bits included, with its length in bits.
    ///
    /// # Errors
    /// [`InvalidOption::PrefixTooLong`] where `length` exceeds 128.
    pub fn new(prefix: Ipv6Addr, length: u8) -> Result<Self, InvalidOption> {
        let length = BoundedU8::new(length).ok_or(InvalidOption::PrefixTooLong { length })?;
        Ok(Self { prefix, length })
    }

    /// The prefix field as it stands, host bits included.
    pub const fn prefix(&self) -> Ipv6Addr {
        self.prefix
    }

    /// The prefix length in bits.
    pub const fn length(&self) -> u8 {
        self.length.number()
    }

    /// The prefix with its host bits cleared: receivers ignore those.
    pub fn to_prefix(&self) -> IpPrefix {
        to_prefix(self.prefix.into(), self.length.number())
    }

    #[inline]
    fn from_raw(raw: RawOption<'_>) -> Result<Self, DecodeError> {
        let [_reserved, length, prefix @ ..] = *raw.exactly::<18>()?;
        Self::from_fields(raw, length, prefix)
    }

    /// The prefix of a field of `raw` and its length from another.
    #[inline]
    pub(super) fn from_fields(
        raw: RawOption<'_>,
        length: u8,
        prefix: [u8; 16],
    ) -> Result<Self, DecodeError> {
        Ok(Self {
            prefix: prefix.into(),
            length: BoundedU8::new(length).ok_or_else(|| raw.prefix_too_long(length, 128))?,
        })
    }

    #[inline]
    fn with_parts<R>(value: &Self, f: impl FnOnce(&[u8], &[u8]) -> R) -> R {
        f(&[0, value.length.number()], &value.prefix.octets())
    }
}

/// The length is never above the width here, so the fall-back is never taken.
fn to_prefix(prefix: IpAddr, length: u8) -> IpPrefix {
    IpPrefix::new(prefix, length).unwrap_or_else(|_| IpPrefix::host(prefix))
}

impl From<IpPrefix> for DelegatedMobileNetworkPrefix {
    fn from(prefix: IpPrefix) -> Self {
        Self::build(prefix.address(), prefix.length()).unwrap_or(Self::ALL_ZERO_IPV6)
    }
}

split_layout! {
    HomeNetworkPrefix for HomeNetworkPrefix, 18 octets;
    DelegatedMobileNetworkPrefix for DelegatedMobileNetworkPrefix;
    Ipv6Prefix for Ipv6Prefix, 18 octets;
}
