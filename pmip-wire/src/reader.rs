//! Reads fixed layouts field by field, so that a cut names the field it falls into.

use core::net::Ipv6Addr;

use crate::error::{DecodeError, DecodeErrorKind, Field, Layer};
use crate::types::ProbeTimestamp;

/// Octets of one layer, read from the front.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    offset: u16,
    layer: Layer,
}

impl<'a> Reader<'a> {
    /// `octets` of `layer`, the first of which stands `offset` octets behind the start of what
    /// errors count from.
    #[inline]
    pub(crate) const fn new(octets: &'a [u8], offset: u16, layer: Layer) -> Self {
        Self {
            rest: octets,
            offset,
            layer,
        }
    }

    /// What has not been read.
    #[inline]
    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Where the next octet stands.
    #[inline]
    pub(crate) const fn offset(&self) -> u16 {
        self.offset
    }

    /// The next `length` octets.
    #[inline]
    pub(crate) fn take(&mut self, length: usize, field: Field) -> Result<&'a [u8], DecodeError> {
        let Some((taken, rest)) = self.rest.split_at_checked(length) else {
            return Err(self.cut(length, field));
        };
        self.rest = rest;
        self.offset = self.offset.saturating_add(saturating_u16(length));
        Ok(taken)
    }

    /// The next `N` octets.
    #[inline]
    pub(crate) fn array<const N: usize>(&mut self, field: Field) -> Result<[u8; N], DecodeError> {
        let taken = self.take(N, field)?;
        taken
            .first_chunk()
            .copied()
            .ok_or_else(|| self.cut(N, field))
    }

    #[inline]
    pub(crate) fn u8(&mut self, field: Field) -> Result<u8, DecodeError> {
        self.array(field).map(u8::from_be_bytes)
    }

    #[inline]
    pub(crate) fn u16(&mut self, field: Field) -> Result<u16, DecodeError> {
        self.array(field).map(u16::from_be_bytes)
    }

    #[inline]
    pub(crate) fn u32(&mut self, field: Field) -> Result<u32, DecodeError> {
        self.array(field).map(u32::from_be_bytes)
    }

    #[inline]
    pub(crate) fn u64(&mut self, field: Field) -> Result<u64, DecodeError> {
        self.array(field).map(u64::from_be_bytes)
    }

    #[inline]
    pub(crate) fn probe_time(&mut self, field: Field) -> Result<ProbeTimestamp, DecodeError> {
        self.u64(field).map(ProbeTimestamp::from_bits)
    }

    #[inline]
    pub(crate) fn ipv6(&mut self, field: Field) -> Result<Ipv6Addr, DecodeError> {
        self.array::<16>(field).map(Ipv6Addr::from)
    }

    /// `kind` is wrong at the octet `offset`.
    #[cold]
    pub(crate) const fn error_at(&self, offset: u16, kind: DecodeErrorKind) -> DecodeError {
        DecodeError::new(kind, self.layer, offset)
    }

    /// The field at the octet `offset` holds a value that its RFC forbids.
    #[cold]
    pub(crate) const fn bad_value(&self, offset: u16, field: Field, found: u32) -> DecodeError {
        self.error_at(offset, DecodeErrorKind::BadValue { field, found })
    }

    #[cold]
    fn cut(&self, length: usize, field: Field) -> DecodeError {
        let kind = DecodeErrorKind::Truncated {
            field,
            needed: saturating_u16(length),
            available: saturating_u16(self.rest.len()),
        };
        DecodeError::new(kind, self.layer, self.offset)
    }
}

/// `octets` as far as 16 bits reach.
#[inline]
pub(crate) fn saturating_u16(octets: usize) -> u16 {
    octets.try_into().unwrap_or(u16::MAX)
}
