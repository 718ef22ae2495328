use bytes::BufMut;

use crate::error::{DecodeError, Field, Layer};
use crate::reader::Reader;
use crate::udp::DataPayload;

/// A TLV header and what follows it, borrowed.
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-------+-------+---------------+-------------------------------+
/// | Type 0|  Res. |  Next Header  |            Length             |
/// +-------+-------+---------------+-------------------------------+
/// ```
/// RFC 5845 section 7.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlvPacket<'a> {
    /// What the payload is: a number of [`protocol`](super::protocol), 4, 41 or 47.
    pub next_header: u8,
    /// What follows the header.
    pub payload: &'a [u8],
}

impl<'a> TlvPacket<'a> {
    /// Octets of the header.
    pub const HEADER_LEN: usize = 4;

    /// Reads a TLV header and its payload, which together fill `octets`; the reserved bits are
    /// ignored.
    ///
    /// # Errors
    /// [`DecodeError`] where `octets` are cut short, Type is not 0 or Length is not the length of
    /// what follows.
    pub fn parse(octets: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(octets, 0, Layer::TlvHeader);
        let first = reader.u8(Field::Type)?;
        if first >> 4 != 0 {
            return Err(reader.bad_value(0, Field::Type, u32::from(first >> 4)));
        }
        let next_header = reader.u8(Field::NextHeader)?;
        let length = reader.u16(Field::Length)?;
        let payload = reader.take(length.into(), Field::Payload)?;
        if !reader.rest().is_empty() {
            return Err(reader.bad_value(2, Field::Length, length.into()));
        }
        Ok(Self {
            next_header,
            payload,
        })
    }

    /// Appends the header of a payload of `payload_len` octets, which the caller appends. `None`,
    /// and nothing is appended, where Length cannot hold that.
    ///
    /// # Panics
    /// As [`BufMut`] does, when `out` cannot grow and has less room than four octets.
    #[must_use = "`None` says that nothing was appended"]
    pub fn encode_header(next_header: u8, payload_len: usize, out: &mut impl BufMut) -> Option<()> {
        let length = u16::try_from(payload_len).ok()?;
        out.put_slice(&[0, next_header]);
        out.put_u16(length);
        Some(())
    }
}

/// What a datagram on [`DATA_PORT`](crate::udp::DATA_PORT) holds.
///
/// ```
/// use pmip_wire::carrier::{DataFrame, protocol};
///
/// let DataFrame::Tlv(tlv) = DataFrame::parse(&[0, 41, 0, 2, 0x60, 0])? else {
///     panic!("the first four bits are 0");
/// };
/// assert_eq!(tlv.next_header, protocol::IPV6);
/// # Ok::<(), pmip_wire::DecodeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DataFrame<'a> {
    /// An IPv4 packet.
    Ipv4(&'a [u8]),
    /// An IPv6 packet.
    Ipv6(&'a [u8]),
    /// A TLV header in front of a packet (RFC 5845 section 7.2).
    Tlv(TlvPacket<'a>),
}

impl<'a> DataFrame<'a> {
    /// Tells by its first four bits what the UDP payload `payload` is (RFC 5845 section 7.2).
    ///
    /// # Errors
    /// [`DecodeError`] where it is empty, its first four bits are not 0, 4 or 6, or it is no
    /// well-formed TLV header.
    pub fn parse(payload: &'a [u8]) -> Result<Self, DecodeError> {
        match DataPayload::of(payload) {
            Some(DataPayload::Ipv4) => Ok(Self::Ipv4(payload)),
            Some(DataPayload::Ipv6) => Ok(Self::Ipv6(payload)),
            // What is neither is told by the TLV header's checks.
            Some(DataPayload::Tlv) | None => TlvPacket::parse(payload).map(Self::Tlv),
        }
    }
}
