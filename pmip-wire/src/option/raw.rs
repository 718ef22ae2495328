use bytes::Bytes;

use super::MobilityOption;
use crate::code::OptionType;
use crate::error::{DecodeError, DecodeErrorKind, ExpectedLength, Field, Layer};

/// Iterates over the options of a message without copying or allocating: layer 1.
///
/// It yields options in wire order, padding included, and ends after the first error.
#[derive(Clone, Copy, Debug)]
pub struct RawOptions<'a> {
    rest: &'a [u8],
    offset: u16,
}

/// One option as it stands on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawOption<'a> {
    option_type: OptionType,
    data: &'a [u8],
    offset: u16,
}

impl<'a> RawOptions<'a> {
    /// The options in `octets`, whose first octet stands `offset` octets behind the start of the
    /// Mobility Header.
    #[inline]
    pub const fn new(octets: &'a [u8], offset: u16) -> Self {
        Self {
            rest: octets,
            offset,
        }
    }

    /// Octets from the start of the Mobility Header to the next option.
    pub(super) const fn offset(&self) -> u16 {
        self.offset
    }

    /// Octets that are left.
    pub(super) const fn remaining(&self) -> usize {
        self.rest.len()
    }

    #[inline]
    fn read(&mut self, first: u8) -> Result<RawOption<'a>, DecodeError> {
        let option_type = OptionType::from_code(first);
        let offset = self.offset;
        let (data, rest) = if option_type == OptionType::Pad1 {
            (&[][..], self.rest.get(1..).unwrap_or_default())
        } else {
            split_data(option_type, self.rest).ok_or_else(|| cut(option_type, self.rest, offset))?
        };
        let taken = self.rest.len().saturating_sub(rest.len());
        self.offset = offset.saturating_add(taken.try_into().unwrap_or(u16::MAX));
        self.rest = rest;
        Ok(RawOption {
            option_type,
            data,
            offset,
        })
    }
}

impl<'a> Iterator for RawOptions<'a> {
    type Item = Result<RawOption<'a>, DecodeError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let first = *self.rest.first()?;
        let option = self.read(first);
        if option.is_err() {
            self.rest = &[];
        }
        Some(option)
    }
}

impl core::iter::FusedIterator for RawOptions<'_> {}

impl<'a> RawOption<'a> {
    /// Its type.
    #[inline]
    pub const fn option_type(&self) -> OptionType {
        self.option_type
    }

    /// What follows its Length octet; empty for Pad1, which has none.
    #[inline]
    pub const fn data(&self) -> &'a [u8] {
        self.data
    }

    /// Octets from the start of the Mobility Header to its Type octet.
    #[inline]
    pub const fn offset(&self) -> u16 {
        self.offset
    }

    /// Whether it is Pad1 or PadN.
    #[inline]
    pub const fn is_padding(&self) -> bool {
        matches!(self.option_type, OptionType::Pad1 | OptionType::PadN)
    }

    /// The typed option, whose variable parts still borrow; `None` for padding.
    ///
    /// # Errors
    /// [`DecodeError`] where the data does not fit the type.
    #[inline]
    pub fn decode(self) -> Result<Option<MobilityOption<&'a [u8]>>, DecodeError> {
        MobilityOption::from_raw(self, |data| data, |option| option)
    }

    /// An option of this type without data.
    pub(super) const fn probe(option_type: OptionType) -> Self {
        Self {
            option_type,
            data: &[],
            offset: 0,
        }
    }

    /// Hands the typed option, whose variable parts share the memory of `owner` that this option
    /// borrows from, to `emit`; padding is left out.
    #[inline]
    pub(super) fn decode_owned(
        self,
        owner: &Bytes,
        emit: impl FnOnce(MobilityOption),
    ) -> Result<(), DecodeError> {
        MobilityOption::from_raw(self, |data| owner.slice_ref(data), emit).map(|_| ())
    }

    /// The data as exactly `N` octets.
    #[inline]
    pub(super) fn exactly<const N: usize>(self) -> Result<&'a [u8; N], DecodeError> {
        self.data
            .try_into()
            .map_err(|_| self.bad_length(ExpectedLength::Exactly(N.try_into().unwrap_or(u8::MAX))))
    }

    /// The first `N` octets of the data and the rest of it.
    #[inline]
    pub(super) fn at_least<const N: usize>(self) -> Result<(&'a [u8; N], &'a [u8]), DecodeError> {
        self.data.split_first_chunk().ok_or_else(|| {
            self.bad_length(ExpectedLength::AtLeast(N.try_into().unwrap_or(u8::MAX)))
        })
    }

    /// The length fits none that the RFC allows.
    #[cold]
    pub(super) fn bad_length(self, expected: ExpectedLength) -> DecodeError {
        let found = self.data.len().try_into().unwrap_or(u16::MAX);
        self.error(DecodeErrorKind::BadOptionLength { expected, found })
    }

    #[cold]
    pub(super) const fn prefix_too_long(self, length: u8, limit: u8) -> DecodeError {
        self.error(DecodeErrorKind::PrefixTooLong { length, limit })
    }

    /// A field of the option holds a value that its RFC forbids.
    #[cold]
    pub(super) const fn bad_value(self, field: Field, found: u32) -> DecodeError {
        self.error(DecodeErrorKind::BadValue { field, found })
    }

    const fn error(self, kind: DecodeErrorKind) -> DecodeError {
        DecodeError::new(kind, Layer::Option(self.option_type), self.offset)
    }
}

/// Octets of data that a Length octet stands for.
#[inline]
const fn data_len(option_type: OptionType, length: u8) -> usize {
    if counts_words(option_type) {
        (length as usize).wrapping_mul(4).wrapping_add(2)
    } else {
        length as usize
    }
}

/// The Length octet for `data_len` octets of data, the inverse of [`data_len`]. The constructors
/// of options leave none that it does not hold for.
#[inline]
pub(crate) fn length_octet(option_type: OptionType, data_len: usize) -> u8 {
    let length = if counts_words(option_type) {
        data_len.saturating_sub(2) >> 2
    } else {
        data_len
    };
    length.try_into().unwrap_or(u8::MAX)
}

/// Whether Length counts 32-bit words behind the option's first four octets, as RFC 7411 section 4
/// has it: a walk that took them for octets would lose its place.
#[inline]
const fn counts_words(option_type: OptionType) -> bool {
    matches!(
        option_type,
        OptionType::MulticastMobility | OptionType::MulticastAcknowledgement
    )
}

/// The data of the option that `octets` start with, and what follows it.
#[inline]
fn split_data(option_type: OptionType, octets: &[u8]) -> Option<(&[u8], &[u8])> {
    let ([_, length], rest) = octets.split_first_chunk()?;
    rest.split_at_checked(data_len(option_type, *length))
}

/// Why [`split_data`] gave nothing.
#[cold]
fn cut(option_type: OptionType, octets: &[u8], offset: u16) -> DecodeError {
    let (field, needed) = match octets.get(1) {
        None => (Field::OptionLength, 1),
        Some(length) => (Field::OptionData, data_len(option_type, *length)),
    };
    let kind = DecodeErrorKind::Truncated {
        field,
        needed: needed.try_into().unwrap_or(u16::MAX),
        available: octets
            .len()
            .saturating_sub(2)
            .try_into()
            .unwrap_or(u16::MAX),
    };
    DecodeError::new(kind, Layer::Option(option_type), offset)
}
