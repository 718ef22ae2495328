//! How ranges stand on the wire.

use alloc::vec::Vec;
use core::net::{Ipv4Addr, Ipv6Addr};

use super::{Dscp, FlowLabel, ValueRange};
use crate::error::{DecodeError, DecodeErrorKind, ExpectedLength, Field, Layer};
use crate::reader::saturating_u16;

/// A value of fixed width on the wire.
pub(super) trait WireValue: Copy + Ord {
    type Octets: for<'a> TryFrom<&'a [u8]> + AsRef<[u8]>;

    fn from_octets(octets: Self::Octets) -> Self;
    fn to_octets(self) -> Self::Octets;
}

macro_rules! wire_values {
    ($($value:ty, $octets:literal: $from:expr, $to:expr;)+) => {$(
        impl WireValue for $value {
            type Octets = [u8; $octets];

            fn from_octets(octets: [u8; $octets]) -> Self {
                let from: fn([u8; $octets]) -> Self = $from;
                from(octets)
            }

            fn to_octets(self) -> [u8; $octets] {
                let to: fn(Self) -> [u8; $octets] = $to;
                to(self)
            }
        }
    )+};
}

wire_values! {
    Ipv4Addr, 4: Self::from, |address| address.octets();
    Ipv6Addr, 16: Self::from, |address| address.octets();
    u32, 4: Self::from_be_bytes, Self::to_be_bytes;
    u16, 2: Self::from_be_bytes, Self::to_be_bytes;
    u8, 1: Self::from_be_bytes, Self::to_be_bytes;
    Dscp, 1: |[octet]| Self::from_ds_field(octet), |dscp| [dscp.to_ds_field()];
    FlowLabel, 4:
        |octets| Self(u32::from_be_bytes(octets) & Self::MASK),
        |label| label.0.to_be_bytes();
}

/// Reads ranges in the order of their flags.
pub(super) struct Reader<'a> {
    /// The flags of the next range on top.
    flags: u32,
    octets: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(octets: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Self {
            flags: 0,
            octets,
            rest: octets,
        };
        reader.flags = reader.take(Field::Flags)?;
        Ok(reader)
    }

    pub(super) fn range<T: WireValue>(
        &mut self,
        start: Field,
        end: Field,
    ) -> Result<Option<ValueRange<T>>, DecodeError> {
        let has_start = self.flags & 0x8000_0000 != 0;
        let has_end = self.flags & 0x4000_0000 != 0;
        self.flags <<= 2;
        if !has_start {
            return if has_end {
                let kind = DecodeErrorKind::EndWithoutStart { field: end };
                Err(DecodeError::new(kind, Layer::TrafficSelector, 0))
            } else {
                Ok(None)
            };
        }
        let first = self.take(start)?;
        if !has_end {
            return Ok(Some(ValueRange::exactly(first)));
        }
        let offset = self.offset();
        let range = ValueRange::new(first, self.take(end)?);
        range.map(Some).ok_or_else(|| {
            let kind = DecodeErrorKind::EmptyRange { field: end };
            DecodeError::new(kind, Layer::TrafficSelector, offset)
        })
    }

    fn take<T: WireValue>(&mut self, field: Field) -> Result<T, DecodeError> {
        let needed = size_of::<T::Octets>();
        let taken = self.rest.split_at_checked(needed);
        let value = taken.and_then(|(octets, rest)| Some((octets.try_into().ok()?, rest)));
        let Some((octets, rest)) = value else {
            let kind = DecodeErrorKind::Truncated {
                field,
                needed: saturating_u16(needed),
                available: saturating_u16(self.rest.len()),
            };
            return Err(DecodeError::new(
                kind,
                Layer::TrafficSelector,
                self.offset(),
            ));
        };
        self.rest = rest;
        Ok(T::from_octets(octets))
    }

    pub(super) fn finish(self) -> Result<(), DecodeError> {
        if self.rest.is_empty() {
            return Ok(());
        }
        let kind = DecodeErrorKind::BadOptionLength {
            expected: ExpectedLength::Exactly(self.offset().try_into().unwrap_or(u8::MAX)),
            found: saturating_u16(self.octets.len()),
        };
        Err(DecodeError::new(kind, Layer::TrafficSelector, 0))
    }

    fn offset(&self) -> u16 {
        saturating_u16(self.octets.len().saturating_sub(self.rest.len()))
    }
}

/// Writes ranges in the order of their flags.
pub(super) struct Writer<'a> {
    out: &'a mut Vec<u8>,
    /// Where the flags stand.
    start: usize,
    flags: u32,
    /// The flag of the next start.
    next: u32,
}

impl<'a> Writer<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>) -> Self {
        let start = out.len();
        out.extend_from_slice(&[0; 4]);
        Self {
            out,
            start,
            flags: 0,
            next: 0x8000_0000,
        }
    }

    pub(super) fn range<T: WireValue>(&mut self, range: Option<ValueRange<T>>) {
        if let Some(range) = range {
            self.flags |= self.next;
            self.out.extend_from_slice(range.start.to_octets().as_ref());
            if let Some(end) = range.end {
                self.flags |= self.next >> 1;
                self.out.extend_from_slice(end.to_octets().as_ref());
            }
        }
        self.next >>= 2;
    }

    pub(super) fn finish(self) {
        let flags = self
            .out
            .get_mut(self.start..)
            .and_then(<[u8]>::first_chunk_mut);
        if let Some(flags) = flags {
            *flags = self.flags.to_be_bytes();
        }
    }
}
