//! Distributed mobility management (RFC 8885).

use core::net::Ipv6Addr;

use bytes::Bytes;

use super::layout::{octets_behind, over_octets, split_layout};
use super::{InvalidOption, Ipv6Prefix, RawOption, bounded};
use crate::bounded::BoundedOctets;
use crate::error::{DecodeError, ExpectedLength};

/// A router that the mobile node was attached to, and the prefix anchored there.
///
/// ```text
/// +---------------+---------------+---------------+---------------+
/// |   Type = 67   |  Length = 34  |   Reserved    | Prefix Length |
/// +---------------+---------------+---------------+---------------+
/// |                   Previous MAAR (16 octets)                   |
/// +---------------------------------------------------------------+
/// |                Home Network Prefix (16 octets)                |
/// +---------------------------------------------------------------+
/// ```
/// RFC 8885 section 4.5. Alignment 8n+4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct PreviousMaar {
    /// The router's global address.
    pub address: Ipv6Addr,
    /// The mobile node's prefix that is anchored there.
    pub prefix: Ipv6Prefix,
}

over_octets! {
    /// The link-layer address of the interface that stands for a previous router.
    ///
    /// ```text
    /// +---------------+---------------+-------------------------------+
    /// |   Type = 70   |    Length     |           Reserved            |
    /// +---------------+---------------+-------------------------------+
    /// |                DLIF Link-Layer Address ...                    |
    /// +---------------------------------------------------------------+
    /// ```
    /// RFC 8885 section 4.8, which fixes no alignment.
    pub struct DlifLinkLayerAddress<B = Bytes> {
        address: BoundedOctets<B, 253>,
    }
}

impl PreviousMaar {
    #[inline]
    fn from_raw(raw: RawOption<'_>) -> Result<Self, DecodeError> {
        let [_reserved, length, addresses @ ..] = raw.exactly::<34>()?;
        let ([address, prefix], []) = addresses.as_chunks() else {
            return Err(raw.bad_length(ExpectedLength::Exactly(34)));
        };
        Ok(Self {
            address: (*address).into(),
            prefix: Ipv6Prefix::from_fields(raw, *length, *prefix)?,
        })
    }

    #[inline]
    fn with_parts<R>(value: &Self, f: impl FnOnce(&[u8], &[u8]) -> R) -> R {
        let mut head = [0; 18];
        let [_reserved, length, address @ ..] = &mut head;
        *length = value.prefix.length();
        *address = value.address.octets();
        f(&head, &value.prefix.prefix().octets())
    }
}

impl DlifLinkLayerAddress {
    /// The link-layer address `address`, in the octet order of RFC 4861 section 4.6.
    ///
    /// # Errors
    /// [`InvalidOption::TooLong`] where `address` exceeds 253 octets.
    pub fn new(address: impl Into<Bytes>) -> Result<Self, InvalidOption> {
        Ok(Self {
            address: bounded(address)?,
        })
    }
}

impl<B> DlifLinkLayerAddress<B> {
    /// The address's octets.
    pub const fn address(&self) -> &B {
        self.address.inner()
    }

    #[inline]
    fn from_raw<'a>(
        raw: RawOption<'a>,
        own: impl FnOnce(&'a [u8]) -> B,
    ) -> Result<Self, DecodeError> {
        let ([_, _], address) = raw.at_least()?;
        Ok(Self {
            address: BoundedOctets::from_wire(own(address)),
        })
    }

    const fn head(&self) -> [u8; 2] {
        [0, 0]
    }
}

split_layout! {
    PreviousMaar for PreviousMaar, 34 octets;
}
octets_behind! {
    DlifLinkLayerAddress {} address;
}
