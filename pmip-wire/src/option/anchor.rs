//! What gateway and anchor agree on: RFC 5026, RFC 5149, RFC 5845, RFC 6463, RFC 6602, RFC 6705 and
//! RFC 7389.

use core::net::{IpAddr, Ipv6Addr};

use bytes::Bytes;

use super::layout::{
    fixed_layout, ip_address, octets_behind, over_octets, split_layout, with_address,
};
use super::{InvalidOption, RawOption, bounded};
use crate::bounded::BoundedOctets;
use crate::code::{DnsUpdateStatus, MobileNodeGroupSubtype};
use crate::error::{DecodeError, ExpectedLength, Field};

over_octets! {
    /// Asks the home agent to update the name server, and answers.
    ///
    /// ```text
    ///                                 +---------------+---------------+
    ///                                 |   Type = 17   |    Length     |
    /// +---------------+-+-------------+---------------+---------------+
    /// |    Status     |R|  Reserved   |    MN identity (FQDN) ...
    /// +---------------+-+-------------+-------------------------------
    /// ```
    /// RFC 5026 section 8.1, which states no alignment.
    pub struct DnsUpdate<B = Bytes> {
        status: DnsUpdateStatus,
        remove: bool,
        fqdn: BoundedOctets<B, 253>,
    }

    /// Which service the mobile node is to have, such as an access point name.
    ///
    /// ```text
    ///                                 +---------------+---------------+
    ///                                 |   Type = 20   |    Length     |
    /// +-------------------------------+---------------+---------------+
    /// |                        Identifier ...                         |
    /// +---------------------------------------------------------------+
    /// ```
    /// RFC 5149 section 3. No alignment.
    pub struct ServiceSelection<B = Bytes> {
        identifier: BoundedOctets<B, 255, 1>,
    }
}

/// Asks for GRE encapsulation, and may bring the key of one direction: the downlink's from the
/// gateway, the uplink's from the anchor.
///
/// ```text
/// +---------------+---------------+-------------------------------+
/// |   Type = 33   |    Length     |           Reserved            |
/// +---------------+---------------+-------------------------------+
/// |               GRE Key Identifier (where Length is 6)          |
/// +---------------------------------------------------------------+
/// ```
/// RFC 5845 section 6.1. Alignment 4n.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct GreKey {
    /// The key; without one only the encapsulation is negotiated.
    pub key: Option<u32>,
}

/// How busy an anchor is.
///
/// ```text
/// +---------------+---------------+-------------------------------+
/// |   Type = 48   |  Length = 18  |           Priority            |
/// +---------------+---------------+-------------------------------+
/// |                        Sessions in Use                        |
/// +---------------------------------------------------------------+
/// |                        Maximum Sessions                       |
/// +---------------------------------------------------------------+
/// |                         Used Capacity                         |
/// +---------------------------------------------------------------+
/// |                        Maximum Capacity                       |
/// +---------------------------------------------------------------+
/// ```
/// RFC 6463 section 4.3. Alignment 4n.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct LoadInformation {
    /// Its rank among the anchors of one operator: the lower the number, the higher.
    pub priority: u16,
    /// Mobility sessions that it has.
    pub sessions_in_use: u32,
    /// Mobility sessions that it would have at most.
    pub maximum_sessions: u32,
    /// Throughput in kilobytes per second.
    pub used_capacity: u32,
    /// The most throughput in kilobytes per second.
    pub maximum_capacity: u32,
}

/// Names a group of mobility sessions, to act on all of them at once.
///
/// ```text
/// +---------------+---------------+---------------+---------------+
/// |   Type = 50   |  Length = 6   |   Sub-type    |   Reserved    |
/// +---------------+---------------+---------------+---------------+
/// |                 Mobile Node Group Identifier                  |
/// +---------------------------------------------------------------+
/// ```
/// RFC 6602 section 4.3, which states no alignment; 4n aligns the identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct MobileNodeGroupIdentifier {
    /// What kind of group.
    pub subtype: MobileNodeGroupSubtype,
    /// The group; 0 is reserved.
    pub group: u32,
}

/// The layout of a Redirect: the anchor to register with instead.
///
/// ```text
/// +---------------+---------------+-+-+---------------------------+
/// |   Type = 47   |    Length     |K|N|         Reserved          |
/// +---------------+---------------+-+-+---------------------------+
/// |    IPv6 (K, 16 octets) or IPv4 (N, 4 octets) r2LMA Address    |
/// +---------------------------------------------------------------+
/// ```
/// RFC 6463 section 4.2.
pub(super) struct RedirectTarget;

/// The layout of a MAG IPv6 Address.
///
/// ```text
/// +---------------+---------------+---------------+---------------+
/// |   Type = 51   |  Length = 18  |   Reserved    |Addr Length 128|
/// +---------------+---------------+---------------+---------------+
/// |                  MAG IPv6 Address (16 octets)                 |
/// +---------------------------------------------------------------+
/// ```
/// RFC 6705 section 11.1.
pub(super) struct AddressWithLength;

/// The layout of an LMA User-Plane Address.
///
/// ```text
/// +---------------+---------------+-------------------------------+
/// |   Type = 59   |    Length     |           Reserved            |
/// +---------------+---------------+-------------------------------+
/// |      none, IPv4 (4 octets) or IPv6 (16 octets) address        |
/// +---------------------------------------------------------------+
/// ```
/// RFC 7389 section 4.
pub(super) struct ReservedAndOptionalAddress;

impl DnsUpdate {
    /// Asks for an entry for the name `fqdn`, or with `remove` for its removal.
    ///
    /// # Errors
    /// [`InvalidOption::TooLong`] where `fqdn` exceeds 253 octets.
    pub fn new(remove: bool, fqdn: impl Into<Bytes>) -> Result<Self, InvalidOption> {
        Ok(Self {
            status: DnsUpdateStatus::Performed,
            remove,
            fqdn: bounded(fqdn)?,
        })
    }

    /// The same with the answer `status`, for an acknowledgement.
    #[must_use]
    pub fn with_status(mut self, status: DnsUpdateStatus) -> Self {
        self.status = status;
        self
    }
}

impl<B> DnsUpdate<B> {
    const REMOVE: u8 = 0x80;

    /// Whether it was done; means nothing in a Binding Update.
    pub const fn status(&self) -> DnsUpdateStatus {
        self.status
    }

    /// R: the entry is to be removed, else to be made.
    pub const fn remove(&self) -> bool {
        self.remove
    }

    /// The name's octets.
    pub const fn fqdn(&self) -> &B {
        self.fqdn.inner()
    }

    #[inline]
    fn from_raw<'a>(
        raw: RawOption<'a>,
        own: impl FnOnce(&'a [u8]) -> B,
    ) -> Result<Self, DecodeError> {
        let ([status, flags], fqdn) = raw.at_least()?;
        Ok(Self {
            status: DnsUpdateStatus::from_code(*status),
            remove: flags & Self::REMOVE != 0,
            fqdn: BoundedOctets::from_wire(own(fqdn)),
        })
    }

    const fn head(&self) -> [u8; 2] {
        [
            self.status.code(),
            if self.remove { Self::REMOVE } else { 0 },
        ]
    }
}

impl ServiceSelection {
    /// The service of this name, in UTF-8 and Normalization Form KC.
    ///
    /// # Errors
    /// [`InvalidOption`] where `identifier` is empty or exceeds 255 octets.
    pub fn new(identifier: &str) -> Result<Self, InvalidOption> {
        Ok(Self {
            identifier: bounded(Bytes::copy_from_slice(identifier.as_bytes()))?,
        })
    }
}

impl<B: AsRef<[u8]>> ServiceSelection<B> {
    /// The name as text; `None` where what was received is not UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        core::str::from_utf8(self.tail()).ok()
    }
}

impl<B> ServiceSelection<B> {
    /// The name's octets, at least one.
    pub const fn identifier(&self) -> &B {
        self.identifier.inner()
    }

    #[inline]
    fn from_raw<'a>(
        raw: RawOption<'a>,
        own: impl FnOnce(&'a [u8]) -> B,
    ) -> Result<Self, DecodeError> {
        let ([_], _) = raw.at_least()?;
        Ok(Self {
            identifier: BoundedOctets::from_wire(own(raw.data())),
        })
    }

    const fn head(&self) -> [u8; 0] {
        []
    }
}

impl GreKey {
    #[inline]
    fn from_raw(raw: RawOption<'_>) -> Result<Self, DecodeError> {
        let key = match raw.data() {
            [_, _] => None,
            [_, _, a, b, c, d] => Some(u32::from_be_bytes([*a, *b, *c, *d])),
            _ => return Err(raw.bad_length(ExpectedLength::OneOf([2, 6, 6]))),
        };
        Ok(Self { key })
    }

    #[inline]
    fn with_parts<R>(value: &Self, f: impl FnOnce(&[u8], &[u8]) -> R) -> R {
        match value.key {
            Some(key) => f(&[0, 0], &key.to_be_bytes()),
            None => f(&[0, 0], &[]),
        }
    }
}

impl LoadInformation {
    #[inline]
    fn from_raw(raw: RawOption<'_>) -> Result<Self, DecodeError> {
        let [
            p0,
            p1,
            s0,
            s1,
            s2,
            s3,
            t0,
            t1,
            t2,
            t3,
            u0,
            u1,
            u2,
            u3,
            m0,
            m1,
            m2,
            m3,
        ] = *raw.exactly()?;
        Ok(Self {
            priority: u16::from_be_bytes([p0, p1]),
            sessions_in_use: u32::from_be_bytes([s0, s1, s2, s3]),
            maximum_sessions: u32::from_be_bytes([t0, t1, t2, t3]),
            used_capacity: u32::from_be_bytes([u0, u1, u2, u3]),
            maximum_capacity: u32::from_be_bytes([m0, m1, m2, m3]),
        })
    }

    const fn data(&self) -> [u8; 18] {
        let [p0, p1] = self.priority.to_be_bytes();
        let [s0, s1, s2, s3] = self.sessions_in_use.to_be_bytes();
        let [t0, t1, t2, t3] = self.maximum_sessions.to_be_bytes();
        let [u0, u1, u2, u3] = self.used_capacity.to_be_bytes();
        let [m0, m1, m2, m3] = self.maximum_capacity.to_be_bytes();
        [
            p0, p1, s0, s1, s2, s3, t0, t1, t2, t3, u0, u1, u2, u3, m0, m1, m2, m3,
        ]
    }
}

impl MobileNodeGroupIdentifier {
    /// Every session between this anchor and this gateway.
    pub const ALL_SESSIONS: Self = Self {
        subtype: MobileNodeGroupSubtype::BulkBindingUpdate,
        group: 1,
    };

    #[inline]
    fn from_raw(raw: RawOption<'_>) -> Result<Self, DecodeError> {
        let [subtype, _reserved, group @ ..] = *raw.exactly::<6>()?;
        Ok(Self {
            subtype: MobileNodeGroupSubtype::from_code(subtype),
            group: u32::from_be_bytes(group),
        })
    }

    const fn data(&self) -> [u8; 6] {
        let [a, b, c, d] = self.group.to_be_bytes();
        [self.subtype.code(), 0, a, b, c, d]
    }
}

impl RedirectTarget {
    const IPV6: u8 = 0x80;
    const IPV4: u8 = 0x40;

    /// Exactly one of K and N is set.
    #[inline]
    fn from_raw(raw: RawOption<'_>) -> Result<IpAddr, DecodeError> {
        let ([flags, _reserved], _) = raw.at_least()?;
        match flags & (Self::IPV6 | Self::IPV4) {
            Self::IPV6 => {
                let [_, _, address @ ..] = *raw.exactly::<18>()?;
                Ok(address.into())
            }
            Self::IPV4 => {
                let [_, _, address @ ..] = *raw.exactly::<6>()?;
                Ok(address.into())
            }
            both_or_none => Err(raw.bad_value(Field::Flags, both_or_none.into())),
        }
    }

    #[inline]
    fn with_parts<R>(value: &IpAddr, f: impl FnOnce(&[u8], &[u8]) -> R) -> R {
        let flags = match value {
            IpAddr::V4(_) => Self::IPV4,
            IpAddr::V6(_) => Self::IPV6,
        };
        with_address(&[flags, 0], *value, f)
    }
}

impl AddressWithLength {
    const BITS: u8 = 128;

    #[inline]
    fn from_raw(raw: RawOption<'_>) -> Result<Ipv6Addr, DecodeError> {
        let [_reserved, bits, address @ ..] = *raw.exactly::<18>()?;
        if bits != Self::BITS {
            return Err(raw.bad_value(Field::AddressLength, bits.into()));
        }
        Ok(address.into())
    }

    #[inline]
    fn with_parts<R>(value: &Ipv6Addr, f: impl FnOnce(&[u8], &[u8]) -> R) -> R {
        f(&[0, Self::BITS], &value.octets())
    }
}

impl ReservedAndOptionalAddress {
    #[inline]
    fn from_raw(raw: RawOption<'_>) -> Result<Option<IpAddr>, DecodeError> {
        let lengths = ExpectedLength::OneOf([2, 6, 18]);
        match raw.data() {
            [_, _] => Ok(None),
            [_, _, address @ ..] => match ip_address(address) {
                Some(address) => Ok(Some(address)),
                None => Err(raw.bad_length(lengths)),
            },
            _ => Err(raw.bad_length(lengths)),
        }
    }

    #[inline]
    fn with_parts<R>(value: &Option<IpAddr>, f: impl FnOnce(&[u8], &[u8]) -> R) -> R {
        match value {
            Some(address) => with_address(&[0, 0], *address, f),
            None => f(&[0, 0], &[]),
        }
    }
}

fixed_layout!(LoadInformation, MobileNodeGroupIdentifier);
split_layout! {
    GreKey for GreKey;
    RedirectTarget for IpAddr;
    AddressWithLength for Ipv6Addr, 18 octets;
    ReservedAndOptionalAddress for Option<IpAddr>;
}
octets_behind! {
    DnsUpdate { status, remove, } fqdn;
    ServiceSelection {} identifier;
}
