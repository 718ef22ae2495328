//! Vendor-specific options (RFC 5094).

use bytes::Bytes;

use super::layout::variable_layout;
use super::{InvalidOption, RawOption};
use crate::bounded::BoundedOctets;
use crate::error::DecodeError;

/// What a vendor adds.
///
/// ```text
///                                 +---------------+---------------+
///                                 |   Type = 19   |    Length     |
/// +-------------------------------+---------------+---------------+
/// |                           Vendor ID                           |
/// +---------------+-----------------------------------------------+
/// |   Sub-Type    |                   Data ...                    |
/// +---------------+-----------------------------------------------+
/// ```
/// RFC 5094 section 3. Alignment 4n+2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(bound(deserialize = "B: serde::Deserialize<'de> + AsRef<[u8]>"))
)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(
    feature = "arbitrary",
    arbitrary(bound = "B: From<alloc::vec::Vec<u8>>")
)]
pub struct VendorSpecific<B = Bytes> {
    vendor_id: u32,
    sub_type: u8,
    data: BoundedOctets<B, 250>,
}

impl VendorSpecific {
    /// `data` of the vendor with this private enterprise number.
    ///
    /// # Errors
    /// [`InvalidOption::TooLong`] where `data` exceeds 250 octets.
    pub fn new(
        vendor_id: u32,
        sub_type: u8,
        data: impl Into<Bytes>,
    ) -> Result<Self, InvalidOption> {
        let data = data.into();
        let length = data.len();
        let data = BoundedOctets::new(data).ok_or(InvalidOption::TooLong { length, limit: 250 })?;
        Ok(Self {
            vendor_id,
            sub_type,
            data,
        })
    }
}

impl<B> VendorSpecific<B> {
    /// The vendor's private enterprise number.
    pub const fn vendor_id(&self) -> u32 {
        self.vendor_id
    }

    /// The vendor's own number for this kind of data.
    pub const fn sub_type(&self) -> u8 {
        self.sub_type
    }

    /// The data.
    pub const fn data(&self) -> &B {
        self.data.inner()
    }

    #[inline]
    fn from_raw<'a>(
        raw: RawOption<'a>,
        own: impl FnOnce(&'a [u8]) -> B,
    ) -> Result<Self, DecodeError> {
        let ([a, b, c, d, sub_type], data) = raw.at_least()?;
        Ok(Self {
            vendor_id: u32::from_be_bytes([*a, *b, *c, *d]),
            sub_type: *sub_type,
            data: BoundedOctets::from_wire(own(data)),
        })
    }

    const fn head(&self) -> [u8; 5] {
        let [a, b, c, d] = self.vendor_id.to_be_bytes();
        [a, b, c, d, self.sub_type]
    }
}

impl<B: AsRef<[u8]>> VendorSpecific<B> {
    fn tail(&self) -> &[u8] {
        self.data.as_slice()
    }

    fn to_bytes(&self) -> VendorSpecific {
        VendorSpecific {
            vendor_id: self.vendor_id,
            sub_type: self.sub_type,
            data: self.data.to_bytes(),
        }
    }
}

variable_layout!(VendorSpecific);
