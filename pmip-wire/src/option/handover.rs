//! Handing a mobile node over: RFC 5568 section 6.4 and RFC 5949 section 6.2.

use alloc::vec::Vec;
use core::net::IpAddr;

use bytes::Bytes;

use super::layout::{octets_behind, over_octets, split_layout, with_address};
use super::{InvalidOption, Ipv6Prefix, RawOption, bounded};
use crate::bounded::BoundedOctets;
use crate::code::{HandoverAddressCode, LinkLayerAddressCode, LmaAddressCode, OptionType};
use crate::error::{DecodeError, DecodeErrorKind, ExpectedLength, Field, Layer};

over_octets! {
    /// A link-layer address, of the mobile node as a rule.
    ///
    /// ```text
    ///                                 +---------------+---------------+
    ///                                 |   Type = 7    |    Length     |
    /// +---------------+---------------+---------------+---------------+
    /// |  Option-Code  |                     LLA ...
    /// +---------------+-----------------------------------------------
    /// ```
    /// RFC 5568 section 6.4.4. No alignment.
    pub struct MobilityHeaderLinkLayerAddress<B = Bytes> {
        code: LinkLayerAddressCode,
        address: BoundedOctets<B, 254>,
    }
}

/// An address or a prefix that a handover is about.
///
/// ```text
/// +---------------+---------------+---------------+---------------+
/// |   Type = 34   |  Length = 18  |  Option-Code  | Prefix Length |
/// +---------------+---------------+---------------+---------------+
/// |              IPv6 Address or Prefix (16 octets)               |
/// +---------------------------------------------------------------+
/// ```
/// RFC 5568 section 6.4.2, whose section 11 gives the type. Alignment 8n+4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct MobilityHeaderIpv6AddressPrefix {
    /// Whose it is.
    pub code: HandoverAddressCode,
    /// The address, or the prefix with its length.
    pub prefix: Ipv6Prefix,
}

/// Asks the previous gateway for what it knows about the mobile node: the types of options, each
/// with data that tells which one is meant where the type does not.
///
/// ```text
/// +---------------+---------------+-------------------------------+
/// |   Type = 40   |    Length     |           Reserved            |
/// +---------------+---------------+---------------+---------------+
/// |  Req-type-1   | Req-length-1  |         Req-option-1 ...      |
/// +---------------+---------------+-------------------------------+
/// ```
/// RFC 5949 section 6.2.1. No alignment.
///
/// ```
/// use pmip_wire::{ContextRequest, OptionType};
///
/// let request = ContextRequest::new([(OptionType::HomeNetworkPrefix, &[][..])])?;
/// assert_eq!(request.requests().count(), 1);
/// # Ok::<(), pmip_wire::InvalidOption>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(
        try_from = "Parts<B>",
        bound(deserialize = "B: serde::Deserialize<'de> + AsRef<[u8]>")
    )
)]
pub struct ContextRequest<B = Bytes> {
    requests: BoundedOctets<B, 253>,
}

/// The layout of a Local Mobility Anchor Address.
///
/// ```text
/// +---------------+---------------+---------------+---------------+
/// |   Type = 41   |    Length     |  Option-Code  |   Reserved    |
/// +---------------+---------------+---------------+---------------+
/// |     IPv6 (16 octets) or IPv4 (4 octets) address of the LMA    |
/// +---------------------------------------------------------------+
/// ```
/// RFC 5949 section 6.2.2.
pub(super) struct LmaAddress;

impl MobilityHeaderLinkLayerAddress {
    /// The link-layer address `address`; `code` says whose it is.
    ///
    /// # Errors
    /// [`InvalidOption::TooLong`] where `address` exceeds 254 octets.
    pub fn new(
        code: LinkLayerAddressCode,
        address: impl Into<Bytes>,
    ) -> Result<Self, InvalidOption> {
        Ok(Self {
            code,
            address: bounded(address)?,
        })
    }
}

impl<B> MobilityHeaderLinkLayerAddress<B> {
    /// Whose address it is.
    pub const fn code(&self) -> LinkLayerAddressCode {
        self.code
    }

    /// The address's octets.
    pub const fn address(&self) -> &B {
        self.address.inner()
    }

    #[inline]
    fn from_raw<'a>(
        raw: RawOption<'a>,
        own: impl FnOnce(&'a [u8]) -> B,
    ) -> Result<Self, DecodeError> {
        let ([code], address) = raw.at_least()?;
        Ok(Self {
            code: LinkLayerAddressCode::from_code(*code),
            address: BoundedOctets::from_wire(own(address)),
        })
    }

    const fn head(&self) -> [u8; 1] {
        [self.code.code()]
    }
}

impl MobilityHeaderIpv6AddressPrefix {
    #[inline]
    fn from_raw(raw: RawOption<'_>) -> Result<Self, DecodeError> {
        let [code, length, prefix @ ..] = *raw.exactly::<18>()?;
        Ok(Self {
            code: HandoverAddressCode::from_code(code),
            prefix: Ipv6Prefix::from_fields(raw, length, prefix)?,
        })
    }

    #[inline]
    fn with_parts<R>(value: &Self, f: impl FnOnce(&[u8], &[u8]) -> R) -> R {
        let head = [value.code.code(), value.prefix.length()];
        f(&head, &value.prefix.prefix().octets())
    }
}

impl ContextRequest {
    /// Asks for these types of options, each with the data that tells which one is meant: none, or
    /// for a vendor-specific option its Vendor ID and Sub-Type.
    ///
    /// # Errors
    /// [`InvalidOption::TooLong`] where the data of one exceeds 255 octets, or all together exceed
    /// 253, two octets more for each.
    pub fn new<'a>(
        requests: impl IntoIterator<Item = (OptionType, &'a [u8])>,
    ) -> Result<Self, InvalidOption> {
        let mut octets = Vec::new();
        for (option_type, data) in requests {
            let length = u8::try_from(data.len()).map_err(|_| InvalidOption::TooLong {
                length: data.len(),
                limit: 255,
            })?;
            octets.extend_from_slice(&[option_type.code(), length]);
            octets.extend_from_slice(data);
        }
        Ok(Self {
            requests: bounded(octets)?,
        })
    }
}

impl<B: AsRef<[u8]>> ContextRequest<B> {
    /// The types asked for, each with the data that tells which one is meant.
    pub fn requests(&self) -> impl Iterator<Item = (OptionType, &[u8])> + Clone {
        let mut rest = self.requests.octets();
        core::iter::from_fn(move || {
            let (option_type, data, behind) = split_request(rest)?;
            rest = behind;
            Some((option_type, data))
        })
    }
}

impl<B> ContextRequest<B> {
    fn from_raw<'a>(
        raw: RawOption<'a>,
        own: impl FnOnce(&'a [u8]) -> B,
    ) -> Result<Self, DecodeError> {
        let ([_, _], octets) = raw.at_least()?;
        let rest = unread(octets);
        if !rest.is_empty() {
            return Err(cut_request(raw, rest));
        }
        Ok(Self {
            requests: BoundedOctets::from_wire(own(octets)),
        })
    }

    const fn head(&self) -> [u8; 2] {
        [0, 0]
    }
}

/// The request that `octets` start with, and what follows it.
fn split_request(octets: &[u8]) -> Option<(OptionType, &[u8], &[u8])> {
    let ([option_type, length], rest) = octets.split_first_chunk()?;
    let (data, rest) = rest.split_at_checked((*length).into())?;
    Some((OptionType::from_code(*option_type), data, rest))
}

/// What is left behind the last whole request: nothing where all are whole.
fn unread(octets: &[u8]) -> &[u8] {
    let mut rest = octets;
    while let Some((_, _, behind)) = split_request(rest) {
        rest = behind;
    }
    rest
}

/// Names the field in which `rest`, the end of `raw`, is cut.
#[cold]
fn cut_request(raw: RawOption<'_>, rest: &[u8]) -> DecodeError {
    let (field, needed) = match rest.get(1) {
        None => (Field::OptionLength, 1),
        Some(length) => (Field::OptionData, (*length).into()),
    };
    let available = rest.len().saturating_sub(2).try_into().unwrap_or(u16::MAX);
    let kind = DecodeErrorKind::Truncated {
        field,
        needed,
        available,
    };
    let request = rest.first().copied().unwrap_or_default();
    let before = raw
        .data()
        .len()
        .saturating_sub(rest.len())
        .saturating_add(2);
    let offset = raw
        .offset()
        .saturating_add(before.try_into().unwrap_or(u16::MAX));
    DecodeError::new(kind, Layer::SubOption(raw.option_type(), request), offset)
}

impl LmaAddress {
    #[inline]
    fn from_raw(raw: RawOption<'_>) -> Result<IpAddr, DecodeError> {
        let lengths = ExpectedLength::OneOf([6, 18, 18]);
        let Some(([code, _reserved], _)) = raw.data().split_first_chunk() else {
            return Err(raw.bad_length(lengths));
        };
        match LmaAddressCode::from_code(*code) {
            LmaAddressCode::Ipv6 => {
                let [_, _, address @ ..] = *raw.exactly::<18>()?;
                Ok(address.into())
            }
            LmaAddressCode::Ipv4 => {
                let [_, _, address @ ..] = *raw.exactly::<6>()?;
                Ok(address.into())
            }
            LmaAddressCode::Unknown(code) => Err(raw.bad_value(Field::OptionCode, code.into())),
        }
    }

    #[inline]
    fn with_parts<R>(value: &IpAddr, f: impl FnOnce(&[u8], &[u8]) -> R) -> R {
        let code = match value {
            IpAddr::V4(_) => LmaAddressCode::Ipv4,
            IpAddr::V6(_) => LmaAddressCode::Ipv6,
        };
        with_address(&[code.code(), 0], *value, f)
    }
}

split_layout! {
    MobilityHeaderIpv6AddressPrefix for MobilityHeaderIpv6AddressPrefix, 18 octets;
    LmaAddress for IpAddr;
}
octets_behind! {
    ContextRequest {} requests;
    MobilityHeaderLinkLayerAddress { code, } address;
}

#[cfg(feature = "serde")]
#[derive(serde::Deserialize)]
#[serde(bound(deserialize = "B: serde::Deserialize<'de> + AsRef<[u8]>"))]
struct Parts<B> {
    requests: BoundedOctets<B, 253>,
}

#[cfg(feature = "serde")]
impl<B: AsRef<[u8]>> TryFrom<Parts<B>> for ContextRequest<B> {
    type Error = &'static str;

    fn try_from(Parts { requests }: Parts<B>) -> Result<Self, Self::Error> {
        if unread(requests.octets()).is_empty() {
            Ok(Self { requests })
        } else {
            Err("the last request is cut short")
        }
    }
}

#[cfg(feature = "arbitrary")]
impl<'a, B: From<Vec<u8>>> arbitrary::Arbitrary<'a> for ContextRequest<B> {
    fn arbitrary(u: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
        let mut octets = Vec::new();
        for _ in 0..u.int_in_range(0..=4u8)? {
            let (option_type, length) = (u.arbitrary()?, u.int_in_range(0..=16u8)?);
            octets.extend_from_slice(&[option_type, length]);
            octets.extend_from_slice(u.bytes(length.into())?);
        }
        Ok(Self {
            requests: BoundedOctets::from_wire(octets.into()),
        })
    }
}
