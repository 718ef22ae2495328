//! Prefixes: home network (RFC 5213 section 8.3) and delegated mobile network (RFC 7148).

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::layout::Layout;
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

    const fn head(&self) -> [u8; 2] {
        [
            if self.off_link { OFF_LINK } else { 0 },
            self.length.number(),
        ]
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

    const fn head(&self) -> [u8; 2] {
        [if self.is_ipv4() { IPV4 } else { 0 }, self.length()]
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

impl<B: AsRef<[u8]>> Layout<B> for HomeNetworkPrefix {
    type Value = Self;
    type Owned = Self;

    const LENGTH: Option<usize> = Some(18);

    #[inline]
    fn decode<'a>(
        raw: RawOption<'a>,
        _own: impl FnOnce(&'a [u8]) -> B,
    ) -> Result<Self, DecodeError> {
        Self::from_raw(raw)
    }

    #[inline]
    fn with_data<R>(value: &Self, f: impl FnOnce(&[u8], &[u8]) -> R) -> R {
        f(&value.head(), &value.prefix.octets())
    }

    #[inline]
    fn to_bytes(value: &Self) -> Self {
        *value
    }
}

impl<B: AsRef<[u8]>> Layout<B> for DelegatedMobileNetworkPrefix {
    type Value = Self;
    type Owned = Self;

    #[inline]
    fn decode<'a>(
        raw: RawOption<'a>,
        _own: impl FnOnce(&'a [u8]) -> B,
    ) -> Result<Self, DecodeError> {
        Self::from_raw(raw)
    }

    #[inline]
    fn with_data<R>(value: &Self, f: impl FnOnce(&[u8], &[u8]) -> R) -> R {
        match value.prefix() {
            IpAddr::V4(prefix) => f(&value.head(), &prefix.octets()),
            IpAddr::V6(prefix) => f(&value.head(), &prefix.octets()),
        }
    }

    #[inline]
    fn to_bytes(value: &Self) -> Self {
        *value
    }
}
