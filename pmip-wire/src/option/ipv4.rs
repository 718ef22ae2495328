//! IPv4 support (RFC 5844 section 3.3, RFC 5555 section 3).

use core::net::Ipv4Addr;

use super::layout::fixed_layout;
use super::{InvalidOption, RawOption};
use crate::bounded::BoundedU8;
use crate::code::{Ipv4AddressAcknowledgementStatus, Ipv4HomeAddressStatus};
use crate::error::{DecodeError, Field};

/// Asks for an IPv4 home address; 0.0.0.0 asks for allocation.
///
/// ```text
/// +---------------+---------------+-----------+-------------------+
/// |   Type = 36   |  Length = 6   |Prefix-len |     Reserved      |
/// +---------------+---------------+-----------+-------------------+
/// |                       IPv4 home address                       |
/// +---------------------------------------------------------------+
/// ```
/// RFC 5844 section 3.3.1. Alignment 4n.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct Ipv4HomeAddressRequest {
    address: Ipv4Addr,
    prefix_length: BoundedU8<32>,
}

/// Grants or refuses an IPv4 home address.
///
/// ```text
/// +---------------+---------------+---------------+-----------+---+
/// |   Type = 37   |  Length = 6   |    Status     |Pref-len   |Res|
/// +---------------+---------------+---------------+-----------+---+
/// |                       IPv4 home address                       |
/// +---------------------------------------------------------------+
/// ```
/// RFC 5844 section 3.3.2. Alignment 4n.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct Ipv4HomeAddressReply {
    status: Ipv4HomeAddressStatus,
    address: Ipv4Addr,
    prefix_length: BoundedU8<32>,
}

/// The IPv4 home address of a mobile node that does its own signalling; 0.0.0.0 asks for allocation.
///
/// ```text
/// +---------------+---------------+-----------+-+-----------------+
/// |   Type = 29   |  Length = 6   |Prefix-len |P|    Reserved     |
/// +---------------+---------------+-----------+-+-----------------+
/// |                       IPv4 home address                       |
/// +---------------------------------------------------------------+
/// ```
/// RFC 5555 section 3.1.1. Alignment 4n.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct Ipv4HomeAddress {
    address: Ipv4Addr,
    prefix_length: BoundedU8<32, 1>,
    prefix_requested: bool,
}

/// The answer to an IPv4 home address.
///
/// ```text
/// +---------------+---------------+---------------+-----------+---+
/// |   Type = 30   |  Length = 6   |    Status     |Pref-len   |Res|
/// +---------------+---------------+---------------+-----------+---+
/// |                       IPv4 home address                       |
/// +---------------------------------------------------------------+
/// ```
/// RFC 5555 section 3.2.1. Alignment 4n.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(from = "Acknowledged"))]
pub struct Ipv4AddressAcknowledgement {
    status: Ipv4AddressAcknowledgementStatus,
    address: Ipv4Addr,
    prefix_length: BoundedU8<32>,
}

/// Says that the anchor saw a NAT, or that UDP encapsulation is forced.
///
/// ```text
/// +---------------+---------------+-+-----------------------------+
/// |   Type = 31   |  Length = 6   |F|          Reserved           |
/// +---------------+---------------+-+-----------------------------+
/// |                         Refresh time                          |
/// +---------------------------------------------------------------+
/// ```
/// RFC 5555 section 3.2.2, RFC 5844 section 4.1. Alignment 4n.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct NatDetection {
    /// F: UDP encapsulation is used even where no NAT is.
    pub force_udp: bool,
    /// Suggested interval of keep-alives in seconds; 0 suggests nothing, all ones asks for none.
    pub refresh_time: u32,
}

/// Whether the gateway serves DHCP itself.
///
/// ```text
/// +---------------+---------------+-----------------------------+-+
/// |   Type = 39   |  Length = 2   |          Reserved           |S|
/// +---------------+---------------+-----------------------------+-+
/// ```
/// RFC 5844 section 3.3.4. No alignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct Ipv4DhcpSupportMode {
    /// S: the gateway is the DHCP server; else, and without the option, a relay.
    pub server: bool,
}

impl Ipv4HomeAddressRequest {
    /// The request for an address of the anchor's choice.
    pub const ALL_ZERO: Self = Self {
        address: Ipv4Addr::UNSPECIFIED,
        prefix_length: match BoundedU8::new(0) {
            Some(zero) => zero,
            None => unreachable!(),
        },
    };

    /// The request for `address` in a subnet with this prefix length.
    ///
    /// # Errors
    /// [`InvalidOption::PrefixTooLong`] where `prefix_length` exceeds 32.
    pub fn new(address: Ipv4Addr, prefix_length: u8) -> Result<Self, InvalidOption> {
        Ok(Self {
            address,
            prefix_length: bounded(prefix_length)?,
        })
    }

    /// The address asked for.
    pub const fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// The prefix length of its subnet in bits.
    pub const fn prefix_length(&self) -> u8 {
        self.prefix_length.number()
    }

    /// Whether it asks for allocation.
    pub const fn is_all_zero(&self) -> bool {
        self.address.is_unspecified()
    }

    #[inline]
    fn from_raw(raw: RawOption<'_>) -> Result<Self, DecodeError> {
        let [length, _reserved, address @ ..] = *raw.exactly::<6>()?;
        Ok(Self {
            address: Ipv4Addr::from(address),
            prefix_length: six_bits(raw, length)?,
        })
    }

    const fn data(&self) -> [u8; 6] {
        let [a, b, c, d] = self.address.octets();
        [self.prefix_length.number() << 2, 0, a, b, c, d]
    }
}

impl Ipv4HomeAddressReply {
    /// The answer `status` for `address` in a subnet with this prefix length.
    ///
    /// # Errors
    /// [`InvalidOption::PrefixTooLong`] where `prefix_length` exceeds 32.
    pub fn new(
        status: Ipv4HomeAddressStatus,
        address: Ipv4Addr,
        prefix_length: u8,
    ) -> Result<Self, InvalidOption> {
        Ok(Self {
            status,
            address,
            prefix_length: bounded(prefix_length)?,
        })
    }

    /// The answer to `request` with the address and prefix length it asked for: how rejections
    /// echo it.
    pub const fn to_request(
        request: &Ipv4HomeAddressRequest,
        status: Ipv4HomeAddressStatus,
    ) -> Self {
        Self {
            status,
            address: request.address,
            prefix_length: request.prefix_length,
        }
    }

    /// Whether and why not.
    pub const fn status(&self) -> Ipv4HomeAddressStatus {
        self.status
    }

    /// The address granted or refused.
    pub const fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// The prefix length of its subnet in bits.
    pub const fn prefix_length(&self) -> u8 {
        self.prefix_length.number()
    }

    #[inline]
    fn from_raw(raw: RawOption<'_>) -> Result<Self, DecodeError> {
        let [status, length, address @ ..] = *raw.exactly::<6>()?;
        Ok(Self {
            status: Ipv4HomeAddressStatus::from_code(status),
            address: Ipv4Addr::from(address),
            prefix_length: six_bits(raw, length)?,
        })
    }

    const fn data(&self) -> [u8; 6] {
        let [a, b, c, d] = self.address.octets();
        [
            self.status.code(),
            self.prefix_length.number() << 2,
            a,
            b,
            c,
            d,
        ]
    }
}

impl Ipv4HomeAddress {
    /// `address` in a subnet with this prefix length; 32 for an address alone.
    ///
    /// # Errors
    /// [`InvalidOption::PrefixTooLong`] where `prefix_length` exceeds 32, and
    /// [`InvalidOption::TooShort`] where it is zero.
    pub fn new(address: Ipv4Addr, prefix_length: u8) -> Result<Self, InvalidOption> {
        if prefix_length == 0 {
            return Err(InvalidOption::TooShort {
                length: 0,
                least: 1,
            });
        }
        let length = prefix_length;
        Ok(Self {
            address,
            prefix_length: BoundedU8::new(length).ok_or(InvalidOption::PrefixTooLong { length })?,
            prefix_requested: false,
        })
    }

    /// With flag P set or cleared: a mobile network prefix is asked for.
    #[must_use]
    pub const fn with_prefix_requested(mut self, prefix_requested: bool) -> Self {
        self.prefix_requested = prefix_requested;
        self
    }

    /// The address; 0.0.0.0 asks for allocation.
    pub const fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// The length of the prefix in bits, 1 to 32.
    pub const fn prefix_length(&self) -> u8 {
        self.prefix_length.number()
    }

    /// Flag P: a mobile network prefix is asked for.
    pub const fn prefix_requested(&self) -> bool {
        self.prefix_requested
    }

    #[inline]
    fn from_raw(raw: RawOption<'_>) -> Result<Self, DecodeError> {
        let [flags, _reserved, address @ ..] = *raw.exactly::<6>()?;
        let length = flags >> 2;
        if length == 0 {
            return Err(raw.bad_value(Field::PrefixLength, 0));
        }
        Ok(Self {
            address: address.into(),
            prefix_length: BoundedU8::new(length).ok_or_else(|| raw.prefix_too_long(length, 32))?,
            prefix_requested: flags & PREFIX_REQUESTED != 0,
        })
    }

    const fn data(&self) -> [u8; 6] {
        let [a, b, c, d] = self.address.octets();
        let flag = if self.prefix_requested {
            PREFIX_REQUESTED
        } else {
            0
        };
        [self.prefix_length.number() << 2 | flag, 0, a, b, c, d]
    }
}

const PREFIX_REQUESTED: u8 = 0x02;

impl Ipv4AddressAcknowledgement {
    /// `address` is bound, with this prefix length.
    ///
    /// # Errors
    /// [`InvalidOption::PrefixTooLong`] where `prefix_length` exceeds 32.
    pub fn accepted(address: Ipv4Addr, prefix_length: u8) -> Result<Self, InvalidOption> {
        let status = Ipv4AddressAcknowledgementStatus::Success;
        Ok(Self::build(status, address, bounded(prefix_length)?))
    }

    /// The answer `status` for `address` without a prefix length: how failures are told.
    pub const fn new(status: Ipv4AddressAcknowledgementStatus, address: Ipv4Addr) -> Self {
        Self::build(status, address, BoundedU8::saturating(0))
    }

    /// Whether and why not.
    pub const fn status(&self) -> Ipv4AddressAcknowledgementStatus {
        self.status
    }

    /// The address.
    pub const fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// The length of the prefix in bits; 0 in a failure.
    pub const fn prefix_length(&self) -> u8 {
        self.prefix_length.number()
    }

    /// A failure has no prefix length.
    const fn build(
        status: Ipv4AddressAcknowledgementStatus,
        address: Ipv4Addr,
        prefix_length: BoundedU8<32>,
    ) -> Self {
        Self {
            status,
            address,
            prefix_length: if status.is_success() {
                prefix_length
            } else {
                BoundedU8::saturating(0)
            },
        }
    }

    #[inline]
    fn from_raw(raw: RawOption<'_>) -> Result<Self, DecodeError> {
        let [status, length, address @ ..] = *raw.exactly::<6>()?;
        let status = Ipv4AddressAcknowledgementStatus::from_code(status);
        if !status.is_success() {
            return Ok(Self::new(status, address.into()));
        }
        Ok(Self::build(status, address.into(), six_bits(raw, length)?))
    }

    const fn data(&self) -> [u8; 6] {
        let [a, b, c, d] = self.address.octets();
        [
            self.status.code(),
            self.prefix_length.number() << 2,
            a,
            b,
            c,
            d,
        ]
    }
}

/// The fields of an [`Ipv4AddressAcknowledgement`] before a failure loses its prefix length.
#[cfg(any(feature = "serde", feature = "arbitrary"))]
#[cfg_attr(feature = "serde", derive(serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
struct Acknowledged {
    status: Ipv4AddressAcknowledgementStatus,
    address: Ipv4Addr,
    prefix_length: BoundedU8<32>,
}

#[cfg(any(feature = "serde", feature = "arbitrary"))]
impl From<Acknowledged> for Ipv4AddressAcknowledgement {
    fn from(fields: Acknowledged) -> Self {
        Self::build(fields.status, fields.address, fields.prefix_length)
    }
}

#[cfg(feature = "arbitrary")]
impl<'a> arbitrary::Arbitrary<'a> for Ipv4AddressAcknowledgement {
    fn arbitrary(u: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
        u.arbitrary::<Acknowledged>().map(Self::from)
    }
}

impl NatDetection {
    const FORCE: u8 = 0x80;

    #[inline]
    fn from_raw(raw: RawOption<'_>) -> Result<Self, DecodeError> {
        let [flags, _reserved, refresh_time @ ..] = *raw.exactly::<6>()?;
        Ok(Self {
            force_udp: flags & Self::FORCE != 0,
            refresh_time: u32::from_be_bytes(refresh_time),
        })
    }

    const fn data(&self) -> [u8; 6] {
        let [a, b, c, d] = self.refresh_time.to_be_bytes();
        [if self.force_udp { Self::FORCE } else { 0 }, 0, a, b, c, d]
    }
}

impl Ipv4DhcpSupportMode {
    #[inline]
    fn from_raw(raw: RawOption<'_>) -> Result<Self, DecodeError> {
        let [_reserved, flags] = *raw.exactly()?;
        Ok(Self {
            server: flags & 1 != 0,
        })
    }

    const fn data(&self) -> [u8; 2] {
        [0, if self.server { 1 } else { 0 }]
    }
}

fixed_layout!(
    Ipv4HomeAddressRequest,
    Ipv4HomeAddressReply,
    Ipv4HomeAddress,
    Ipv4AddressAcknowledgement,
    NatDetection,
    Ipv4DhcpSupportMode
);

/// A prefix length in the upper six bits; more than 32 means nothing for IPv4.
#[inline]
fn six_bits(raw: RawOption<'_>, octet: u8) -> Result<BoundedU8<32>, DecodeError> {
    let length = octet >> 2;
    BoundedU8::new(length).ok_or_else(|| raw.prefix_too_long(length, 32))
}

fn bounded(length: u8) -> Result<BoundedU8<32>, InvalidOption> {
    BoundedU8::new(length).ok_or(InvalidOption::PrefixTooLong { length })
}
