use bytes::BufMut;

use super::{StampKey, TlvType};
use crate::error::{DecodeError, DecodeErrorKind, ExpectedLength, Field, Layer};
use crate::reader::{Reader, saturating_u16};

bitflags::bitflags! {
    /// STAMP TLV Flags. Reserved bits that were received are kept.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
    #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
    #[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
    pub struct TlvFlags: u8 {
        /// U: the sender sets it, a reflector that understands the TLV clears it.
        const UNRECOGNIZED = 0x80;
        /// M: the reflector found the TLV malformed.
        const MALFORMED = 0x40;
        /// I: the reflector found the HMAC of the TLVs wrong.
        const INTEGRITY = 0x20;
    }
}

/// Iterates over TLVs, or over those inside another one, without copying or allocating; ends after
/// the first error.
#[derive(Clone, Copy, Debug)]
pub struct Tlvs<'a> {
    reader: Reader<'a>,
    ended: bool,
}

/// One TLV as it stands on the wire.
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +---------------+---------------+-------------------------------+
/// |STAMP TLV Flags|     Type      |            Length             |
/// +---------------+---------------+-------------------------------+
/// |                           Value ...                           |
/// +---------------------------------------------------------------+
/// ```
/// RFC 8972 section 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tlv<'a> {
    /// Flags.
    pub flags: TlvFlags,
    /// Type; a [`super::SubTlvType`] inside a Location TLV.
    pub tlv_type: u8,
    /// Value.
    pub value: &'a [u8],
    /// Octets from the start of the TLVs to this one.
    pub offset: u16,
}

/// Whether TLVs are protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlvIntegrity {
    /// There is no HMAC TLV and need not be: there is no TLV, or one Extra Padding TLV alone.
    Absent,
    /// The HMAC is right.
    Verified,
}

impl<'a> Tlvs<'a> {
    /// The TLVs in `octets`; offsets count from their start.
    pub const fn new(octets: &'a [u8]) -> Self {
        Self {
            reader: Reader::new(octets, 0, Layer::Stamp),
            ended: false,
        }
    }

    /// What has not been walked over.
    pub const fn as_slice(&self) -> &'a [u8] {
        self.reader.rest()
    }

    /// Verifies the HMAC TLV of these TLVs, behind a base packet of Sequence Number `sequence`,
    /// in constant time (RFC 8972 section 4.8). It is for sessions that protect their TLVs: those
    /// in authenticated mode, and others that are configured to.
    ///
    /// # Errors
    /// [`DecodeError`] where the HMAC is wrong, where there is none although there are TLVs that
    /// must have one, where another TLV than Extra Padding follows it, or where a TLV is malformed.
    pub fn integrity(mut self, sequence: u32, key: &StampKey) -> Result<TlvIntegrity, DecodeError> {
        let all = self;
        let octets = self.as_slice();
        let start = self.reader.offset();
        while let Some(tlv) = self.next() {
            let tlv = tlv?;
            if TlvType::from_code(tlv.tlv_type) != TlvType::Hmac {
                continue;
            }
            let tag: [u8; 16] = tlv.exactly()?;
            let behind = usize::from(tlv.offset.saturating_sub(start));
            let preceding = octets.get(..behind).unwrap_or(octets);
            if !key.verifies(&[&sequence.to_be_bytes(), preceding], &tag) {
                let at = tlv.offset.saturating_add(4);
                return Err(DecodeError::new(
                    DecodeErrorKind::BadDigest,
                    Layer::Stamp,
                    at,
                ));
            }
            return self.only_padding().map(|()| TlvIntegrity::Verified);
        }
        all.need_no_hmac().map(|()| TlvIntegrity::Absent)
    }

    /// Without this check, whoever takes the HMAC TLV out could change the others.
    fn need_no_hmac(self) -> Result<(), DecodeError> {
        for (index, tlv) in self.enumerate() {
            let tlv = tlv?;
            if index > 0 || !tlv.is_padding() {
                return Err(tlv.error(tlv.offset, DecodeErrorKind::BadDigest));
            }
        }
        Ok(())
    }

    fn only_padding(self) -> Result<(), DecodeError> {
        for tlv in self {
            let tlv = tlv?;
            if !tlv.is_padding() {
                let kind = DecodeErrorKind::Misplaced { field: Field::Type };
                return Err(DecodeError::new(kind, Layer::Stamp, tlv.offset));
            }
        }
        Ok(())
    }

    fn read(&mut self) -> Result<Tlv<'a>, DecodeError> {
        let offset = self.reader.offset();
        let flags = TlvFlags::from_bits_retain(self.reader.u8(Field::Flags)?);
        let tlv_type = self.reader.u8(Field::Type)?;
        let length = self.reader.u16(Field::Length)?;
        Ok(Tlv {
            flags,
            tlv_type,
            value: self.reader.take(length.into(), Field::Value)?,
            offset,
        })
    }
}

impl<'a> Iterator for Tlvs<'a> {
    type Item = Result<Tlv<'a>, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended || self.as_slice().is_empty() {
            return None;
        }
        let tlv = self.read();
        self.ended = tlv.is_err();
        Some(tlv)
    }
}

impl core::iter::FusedIterator for Tlvs<'_> {}

impl<'a> Tlv<'a> {
    /// Appends a TLV with `value`. `None`, and nothing is appended, where Length cannot hold that.
    ///
    /// # Panics
    /// As [`BufMut`] does, when `out` cannot grow and has too little room.
    #[must_use = "`None` says that nothing was appended"]
    pub fn encode(
        flags: TlvFlags,
        tlv_type: u8,
        value: &[u8],
        out: &mut impl BufMut,
    ) -> Option<()> {
        let length = u16::try_from(value.len()).ok()?;
        out.put_slice(&[flags.bits(), tlv_type]);
        out.put_u16(length);
        out.put_slice(value);
        Some(())
    }

    fn is_padding(&self) -> bool {
        TlvType::from_code(self.tlv_type) == TlvType::ExtraPadding
    }

    /// The value as exactly `N` octets.
    pub(super) fn exactly<const N: usize>(&self) -> Result<[u8; N], DecodeError> {
        let expected = ExpectedLength::Exactly(N.try_into().unwrap_or(u8::MAX));
        self.value.try_into().map_err(|_| self.bad_length(expected))
    }

    /// The first four octets of the value and the sub-TLVs behind them.
    pub(super) fn at_least(&self) -> Result<([u8; 4], Tlvs<'a>), DecodeError> {
        let (fixed, rest) = self
            .value
            .split_first_chunk()
            .ok_or_else(|| self.bad_length(ExpectedLength::AtLeast(4)))?;
        let sub_tlvs = Tlvs {
            reader: Reader::new(rest, self.offset.saturating_add(8), Layer::Stamp),
            ended: false,
        };
        Ok((*fixed, sub_tlvs))
    }

    #[cold]
    fn bad_length(&self, expected: ExpectedLength) -> DecodeError {
        let found = saturating_u16(self.value.len());
        let kind = DecodeErrorKind::BadOptionLength { expected, found };
        self.error(self.offset.saturating_add(2), kind)
    }

    pub(super) const fn error(&self, at: u16, kind: DecodeErrorKind) -> DecodeError {
        DecodeError::new(kind, Layer::Stamp, at)
    }
}
