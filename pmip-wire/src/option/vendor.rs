//! Vendor-specific options (RFC 5094), and how a program reads those it knows.

use alloc::vec::Vec;

use bytes::Bytes;

use super::layout::{octets_behind, over_octets};
use super::{InvalidOption, RawOption};
use crate::bounded::BoundedOctets;
use crate::error::DecodeError;

over_octets! {
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
    pub struct VendorSpecific<B = Bytes> {
        vendor_id: u32,
        sub_type: u8,
        data: BoundedOctets<B, 250>,
    }
}

/// Data of one kind that a vendor defines.
///
/// ```
/// use pmip_wire::{InvalidVendorData, VendorOption, VendorSpecific};
///
/// #[derive(Debug, PartialEq)]
/// struct Weights {
///     up: u8,
///     down: u8,
/// }
///
/// impl VendorOption for Weights {
///     const VENDOR_ID: u32 = 32473; // For documentation (RFC 5612).
///     const SUB_TYPE: u8 = 3;
///
///     fn decode(data: &[u8]) -> Result<Self, InvalidVendorData> {
///         match data {
///             [up, down] => Ok(Self { up: *up, down: *down }),
///             _ => Err(InvalidVendorData::new("weights take two octets")),
///         }
///     }
///
///     fn encode(&self, out: &mut Vec<u8>) {
///         out.extend_from_slice(&[self.up, self.down]);
///     }
/// }
///
/// let weights = Weights { up: 10, down: 90 };
/// let option = VendorSpecific::of(&weights)?;
/// assert_eq!(option.read(), Some(Ok(weights)));
/// # Ok::<(), pmip_wire::InvalidOption>(())
/// ```
pub trait VendorOption: Sized {
    /// The vendor's private enterprise number.
    const VENDOR_ID: u32;
    /// The vendor's own number for this kind of data.
    const SUB_TYPE: u8;

    /// Reads the data behind the Sub-Type.
    ///
    /// # Errors
    /// [`InvalidVendorData`] where it is not of this kind's form.
    fn decode(data: &[u8]) -> Result<Self, InvalidVendorData>;

    /// Appends the data behind the Sub-Type; an option holds at most 250 octets.
    fn encode(&self, out: &mut Vec<u8>);
}

/// The data of a vendor-specific option is not of the form that the vendor defines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("vendor data is malformed: {reason}")]
pub struct InvalidVendorData {
    reason: &'static str,
}

/// Reads one kind of vendor data as a `T`; an entry of a [`VendorRegistry`].
#[derive(Clone, Copy, Debug)]
pub struct VendorDecoder<T> {
    vendor_id: u32,
    sub_type: u8,
    decode: fn(&[u8]) -> Result<T, InvalidVendorData>,
}

/// The kinds of vendor data that a program knows, all read as one type `T`. It can be a constant
/// and allocates nothing of its own.
///
/// ```
/// use pmip_wire::{
///     InvalidVendorData, VendorDecoder, VendorOption, VendorRegistry, VendorSpecific,
/// };
///
/// struct Label(String);
///
/// impl VendorOption for Label {
///     const VENDOR_ID: u32 = 32473;
///     const SUB_TYPE: u8 = 1;
///
///     fn decode(data: &[u8]) -> Result<Self, InvalidVendorData> {
///         let text = core::str::from_utf8(data);
///         let text = text.map_err(|_| InvalidVendorData::new("a label is UTF-8"))?;
///         Ok(Self(text.into()))
///     }
///
///     fn encode(&self, out: &mut Vec<u8>) {
///         out.extend_from_slice(self.0.as_bytes());
///     }
/// }
///
/// #[derive(Debug, PartialEq)]
/// enum Known {
///     Label(String),
/// }
///
/// impl From<Label> for Known {
///     fn from(label: Label) -> Self {
///         Self::Label(label.0)
///     }
/// }
///
/// const KINDS: VendorRegistry<'static, Known> =
///     VendorRegistry::new(&[VendorDecoder::of::<Label>()]);
///
/// let option = VendorSpecific::of(&Label("lte".into()))?;
/// assert_eq!(KINDS.read(&option), Some(Ok(Known::Label("lte".into()))));
///
/// let other = VendorSpecific::new(9, 1, &b"?"[..])?;
/// assert_eq!(KINDS.read(&other), None);
/// # Ok::<(), pmip_wire::InvalidOption>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct VendorRegistry<'a, T> {
    decoders: &'a [VendorDecoder<T>],
}

impl InvalidVendorData {
    /// Says what is wrong.
    pub const fn new(reason: &'static str) -> Self {
        Self { reason }
    }
}

impl<T> VendorDecoder<T> {
    /// Reads data of the kind `V`.
    pub const fn of<V: VendorOption + Into<T>>() -> Self {
        Self {
            vendor_id: V::VENDOR_ID,
            sub_type: V::SUB_TYPE,
            decode: |data| V::decode(data).map(Into::into),
        }
    }

    /// The same under another enterprise number, for kinds whose vendor is configured.
    #[must_use]
    pub const fn with_vendor_id(mut self, vendor_id: u32) -> Self {
        self.vendor_id = vendor_id;
        self
    }
}

impl<'a, T> VendorRegistry<'a, T> {
    /// Knows the kinds that `decoders` read; of two for the same kind the first counts.
    pub const fn new(decoders: &'a [VendorDecoder<T>]) -> Self {
        Self { decoders }
    }

    /// Reads `option`; `None` where its kind is not known.
    pub fn read<B: AsRef<[u8]>>(
        &self,
        option: &VendorSpecific<B>,
    ) -> Option<Result<T, InvalidVendorData>> {
        let kind = (option.vendor_id, option.sub_type);
        let known = |decoder: &&VendorDecoder<T>| (decoder.vendor_id, decoder.sub_type) == kind;
        let decoder = self.decoders.iter().find(known)?;
        Some((decoder.decode)(option.data.octets()))
    }
}

impl VendorSpecific {
    /// The option that holds `value`.
    ///
    /// # Errors
    /// [`InvalidOption::TooLong`] where `value` takes more than 250 octets.
    pub fn of<V: VendorOption>(value: &V) -> Result<Self, InvalidOption> {
        let mut data = Vec::new();
        value.encode(&mut data);
        Self::new(V::VENDOR_ID, V::SUB_TYPE, data)
    }

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
    /// The data as a `V`; `None` where it is of another vendor or another kind.
    pub fn read<V: VendorOption>(&self) -> Option<Result<V, InvalidVendorData>> {
        let kind = (self.vendor_id, self.sub_type);
        (kind == (V::VENDOR_ID, V::SUB_TYPE)).then(|| V::decode(self.tail()))
    }
}

octets_behind! {
    VendorSpecific { vendor_id, sub_type, } data;
}
