use bytes::BufMut;

use super::verify_checksum;
use crate::checksum::Checksum;
use crate::error::{DecodeError, Field, Layer};
use crate::reader::Reader;

/// Protocol Types of inner packets.
pub mod ether_type {
    /// IPv4 (RFC 2784 section 3).
    pub const IPV4: u16 = 0x0800;
    /// IPv6.
    pub const IPV6: u16 = 0x86dd;
}

const CHECKSUM: u16 = 0x8000;
const KEY: u16 = 0x2000;
const SEQUENCE: u16 = 0x1000;
/// Bits 1, 4 and 5: what has them set is discarded (RFC 2784 section 2.3).
const REFUSED: u16 = 0x4c00;
const VERSION: u16 = 0x0007;

/// A GRE header, to be written or as it was read.
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-----------------+-----+-------------------------------+
/// |C| |K|S|    Reserved0    | Ver |         Protocol Type         |
/// +-+-+-+-+-----------------+-----+-------------------------------+
/// |      Checksum (with C)        |       Reserved1 (with C)      |
/// +-------------------------------+-------------------------------+
/// |                         Key (with K)                          |
/// +---------------------------------------------------------------+
/// |                   Sequence Number (with S)                    |
/// +---------------------------------------------------------------+
/// ```
/// RFC 2784 section 2.1, RFC 2890 section 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct GreHeader {
    /// Protocol Type: what the payload is, an [`ether_type`].
    pub protocol_type: u16,
    /// Whether there is a checksum.
    pub checksum: bool,
    /// Key: the mobility session (RFC 5845 section 5).
    pub key: Option<u32>,
    /// Sequence Number.
    pub sequence: Option<u32>,
}

impl GreHeader {
    /// A header with `key` alone.
    pub const fn with_key(protocol_type: u16, key: u32) -> Self {
        Self {
            protocol_type,
            checksum: false,
            key: Some(key),
            sequence: None,
        }
    }

    /// Octets of the header: 4, and 4 for each optional part.
    pub const fn encoded_len(&self) -> usize {
        let mut octets = 4usize;
        if self.checksum {
            octets = octets.saturating_add(4);
        }
        if self.key.is_some() {
            octets = octets.saturating_add(4);
        }
        if self.sequence.is_some() {
            octets = octets.saturating_add(4);
        }
        octets
    }

    /// Appends the header of `payload`, which the caller appends.
    ///
    /// # Panics
    /// As [`BufMut`] does, when `out` cannot grow and has less room than
    /// [`GreHeader::encoded_len`].
    pub fn encode(&self, payload: &[u8], out: &mut impl BufMut) {
        let flag = |present: bool, flag: u16| if present { flag } else { 0 };
        let flags = flag(self.checksum, CHECKSUM)
            | flag(self.key.is_some(), KEY)
            | flag(self.sequence.is_some(), SEQUENCE);
        out.put_u16(flags);
        out.put_u16(self.protocol_type);
        if self.checksum {
            let mut checksum = Checksum::new();
            checksum.add(&flags.to_be_bytes());
            checksum.add(&self.protocol_type.to_be_bytes());
            checksum.add(&self.key.unwrap_or(0).to_be_bytes());
            checksum.add(&self.sequence.unwrap_or(0).to_be_bytes());
            checksum.add(payload);
            out.put_u16(checksum.finish());
            out.put_u16(0);
        }
        for word in [self.key, self.sequence].into_iter().flatten() {
            out.put_u32(word);
        }
    }
}

/// A GRE packet, borrowed.
///
/// ```
/// use pmip_wire::carrier::{GreHeader, GrePacket, ether_type};
///
/// let wire = [0x20, 0, 0x08, 0x00, 0, 0, 0, 42, 0x45];
/// let packet = GrePacket::parse(&wire)?;
/// assert_eq!(packet.header, GreHeader::with_key(ether_type::IPV4, 42));
/// assert_eq!(packet.payload, [0x45]);
/// # Ok::<(), pmip_wire::DecodeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GrePacket<'a> {
    /// Its header.
    pub header: GreHeader,
    /// What follows the header.
    pub payload: &'a [u8],
}

impl<'a> GrePacket<'a> {
    /// Reads `octets` from the GRE header to the end of the payload; a checksum is verified. Bits
    /// 6 to 12 and Reserved1 are ignored (RFC 2784 sections 2.3 and 2.6).
    ///
    /// # Errors
    /// [`DecodeError`] where `octets` are cut short, Version is not 0, one of bits 1, 4 and 5 is
    /// set (RFC 2784 section 2.3) or the checksum is wrong.
    pub fn parse(octets: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(octets, 0, Layer::GreHeader);
        let flags = reader.u16(Field::Flags)?;
        if flags & VERSION != 0 {
            return Err(reader.bad_value(0, Field::Version, u32::from(flags & VERSION)));
        }
        if flags & REFUSED != 0 {
            return Err(reader.bad_value(0, Field::Flags, u32::from(flags)));
        }
        let protocol_type = reader.u16(Field::ProtocolType)?;
        let checksum = flags & CHECKSUM != 0;
        let mut found = 0;
        if checksum {
            found = reader.u16(Field::Checksum)?;
            reader.u16(Field::Reserved)?;
        }
        let mut word = |present: u16, field| match flags & present {
            0 => Ok(None),
            _ => reader.u32(field).map(Some),
        };
        let header = GreHeader {
            protocol_type,
            checksum,
            key: word(KEY, Field::Key)?,
            sequence: word(SEQUENCE, Field::Sequence)?,
        };
        if checksum {
            verify_checksum(Checksum::new(), octets, found, Layer::GreHeader, 4)?;
        }
        Ok(Self {
            header,
            payload: reader.rest(),
        })
    }
}
