//! Walks over sub-options without copying or allocating.

use super::SubOptionSpace;
use crate::code::OptionType;
use crate::error::{DecodeError, DecodeErrorKind, ExpectedLength, Field, Layer};
use crate::reader::saturating_u16;

pub(super) const PAD_1: u8 = 0;
pub(super) const PAD_N: u8 = 1;

/// One sub-option as it stands on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawSubOption<'a> {
    pub(super) option: OptionType,
    pub(super) number: u8,
    pub(super) data: &'a [u8],
    pub(super) offset: u16,
}

/// The sub-options in `octets` without padding, of an option that stands at `offset`; it ends after
/// the first error.
pub(super) fn walk<S: SubOptionSpace>(octets: &[u8], offset: u16) -> Walk<'_> {
    Walk {
        option: S::OPTION,
        padded: S::PADDED,
        rest: octets,
        offset: offset.saturating_add(saturating_u16(S::FIRST)),
    }
}

#[derive(Clone)]
pub(super) struct Walk<'a> {
    option: OptionType,
    padded: bool,
    rest: &'a [u8],
    offset: u16,
}

impl<'a> Walk<'a> {
    fn advance(&mut self, rest: &'a [u8]) {
        let taken = saturating_u16(self.rest.len().saturating_sub(rest.len()));
        self.offset = self.offset.saturating_add(taken);
        self.rest = rest;
    }

    #[cold]
    fn cut(&self, number: u8) -> DecodeError {
        let (field, needed) = match self.rest.get(1) {
            None => (Field::OptionLength, 1),
            Some(length) => (Field::OptionData, usize::from(*length)),
        };
        let raw = RawSubOption {
            option: self.option,
            number,
            data: &[],
            offset: self.offset,
        };
        raw.cut(field, needed, self.rest.len().saturating_sub(2))
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = Result<RawSubOption<'a>, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (&number, after) = self.rest.split_first()?;
            if self.padded && number == PAD_1 {
                self.advance(after);
                continue;
            }
            let split = after
                .split_first()
                .and_then(|(length, data)| data.split_at_checked(usize::from(*length)));
            let Some((data, rest)) = split else {
                let error = self.cut(number);
                self.rest = &[];
                return Some(Err(error));
            };
            let raw = RawSubOption {
                option: self.option,
                number,
                data,
                offset: self.offset,
            };
            self.advance(rest);
            if !self.padded || number != PAD_N {
                return Some(Ok(raw));
            }
        }
    }
}

impl<'a> RawSubOption<'a> {
    /// The option that it stands in.
    pub const fn option_type(&self) -> OptionType {
        self.option
    }

    /// Its type.
    pub const fn number(&self) -> u8 {
        self.number
    }

    /// What follows its Length octet.
    pub const fn data(&self) -> &'a [u8] {
        self.data
    }

    /// The data as exactly `N` octets.
    pub(in crate::option) fn exactly<const N: usize>(self) -> Result<&'a [u8; N], DecodeError> {
        self.data
            .try_into()
            .map_err(|_| self.bad_length(ExpectedLength::Exactly(N.try_into().unwrap_or(u8::MAX))))
    }

    /// The first `N` octets of the data and the rest of it.
    pub(in crate::option) fn at_least<const N: usize>(
        self,
    ) -> Result<(&'a [u8; N], &'a [u8]), DecodeError> {
        self.data.split_first_chunk().ok_or_else(|| {
            self.bad_length(ExpectedLength::AtLeast(N.try_into().unwrap_or(u8::MAX)))
        })
    }

    #[cold]
    pub(in crate::option) fn bad_length(self, expected: ExpectedLength) -> DecodeError {
        let found = saturating_u16(self.data.len());
        self.error(DecodeErrorKind::BadOptionLength { expected, found })
    }

    /// A field holds a value that its RFC forbids.
    #[cold]
    pub(in crate::option) const fn bad_value(self, field: Field, found: u32) -> DecodeError {
        self.error(DecodeErrorKind::BadValue { field, found })
    }

    /// The data ends inside `field`, which takes `needed` octets.
    #[cold]
    pub(in crate::option) fn cut(
        self,
        field: Field,
        needed: usize,
        available: usize,
    ) -> DecodeError {
        self.error(DecodeErrorKind::Truncated {
            field,
            needed: saturating_u16(needed),
            available: saturating_u16(available),
        })
    }

    /// `error` of a part that starts `start` octets into the data.
    #[cold]
    pub(in crate::option) fn inside(self, error: DecodeError, start: u16) -> DecodeError {
        error.within(
            self.layer(),
            self.offset.saturating_add(2).saturating_add(start),
        )
    }

    const fn layer(self) -> Layer {
        Layer::SubOption(self.option, self.number)
    }

    const fn error(self, kind: DecodeErrorKind) -> DecodeError {
        DecodeError::new(kind, self.layer(), self.offset)
    }
}
