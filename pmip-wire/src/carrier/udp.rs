use core::net::{Ipv4Addr, Ipv6Addr};

use bytes::BufMut;

use super::{protocol, verify_checksum};
use crate::checksum::Checksum;
use crate::error::{DecodeError, DecodeErrorKind, Field, Layer};
use crate::reader::Reader;
use crate::udp::{CONTROL_PORT, DATA_PORT};

/// Source and destination of one family, as a pseudo header has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AddressPair {
    /// IPv4.
    V4 {
        /// Source address.
        source: Ipv4Addr,
        /// Destination address.
        destination: Ipv4Addr,
    },
    /// IPv6.
    V6 {
        /// Source address.
        source: Ipv6Addr,
        /// Destination address.
        destination: Ipv6Addr,
    },
}

impl AddressPair {
    fn pseudo_header(self, length: u16) -> Checksum {
        match self {
            Self::V4 {
                source,
                destination,
            } => Checksum::ipv4_pseudo_header(source, destination, length, protocol::UDP),
            Self::V6 {
                source,
                destination,
            } => Checksum::ipv6_pseudo_header(source, destination, length.into(), protocol::UDP),
        }
    }
}

/// The ports of a UDP header to be written.
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-------------------------------+-------------------------------+
/// |          Source Port          |       Destination Port        |
/// +-------------------------------+-------------------------------+
/// |            Length             |           Checksum            |
/// +-------------------------------+-------------------------------+
/// ```
/// RFC 768.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct UdpHeader {
    /// Source Port.
    pub source_port: u16,
    /// Destination Port.
    pub destination_port: u16,
}

impl UdpHeader {
    /// Octets of the header.
    pub const LEN: usize = 8;

    /// Appends the header of `payload`, with its checksum; the caller appends the payload. `None`,
    /// and nothing is appended, where Length cannot hold that.
    ///
    /// # Panics
    /// As [`BufMut`] does, when `out` cannot grow and has less room than eight octets.
    #[must_use = "`None` says that nothing was appended"]
    pub fn encode(
        &self,
        addresses: AddressPair,
        payload: &[u8],
        out: &mut impl BufMut,
    ) -> Option<()> {
        let length = u16::try_from(payload.len().checked_add(Self::LEN)?).ok()?;
        let mut checksum = addresses.pseudo_header(length);
        for field in [self.source_port, self.destination_port, length] {
            checksum.add(&field.to_be_bytes());
            out.put_u16(field);
        }
        checksum.add(payload);
        // 0 says that there is no checksum (RFC 768).
        out.put_u16(match checksum.finish() {
            0 => 0xffff,
            checksum => checksum,
        });
        Some(())
    }
}

/// A UDP datagram, borrowed; its checksum, where it has one, was verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UdpDatagram<'a> {
    /// The ports.
    pub header: UdpHeader,
    /// Whether the sender computed a checksum.
    pub checksummed: bool,
    /// The payload, as long as Length says.
    pub payload: &'a [u8],
}

impl<'a> UdpDatagram<'a> {
    /// Reads the datagram that `octets` start with and verifies its checksum, which IPv4 lets a
    /// sender leave out and IPv6 does not (RFC 8200 section 8.1). Octets behind Length are
    /// ignored.
    ///
    /// # Errors
    /// [`DecodeError`] where `octets` are cut short, Length is below 8 or the checksum is wrong.
    pub fn parse(octets: &'a [u8], addresses: AddressPair) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(octets, 0, Layer::UdpHeader);
        let header = UdpHeader {
            source_port: reader.u16(Field::SourcePort)?,
            destination_port: reader.u16(Field::DestinationPort)?,
        };
        let length = reader.u16(Field::Length)?;
        let found = reader.u16(Field::Checksum)?;
        let Some(payload_len) = usize::from(length).checked_sub(UdpHeader::LEN) else {
            return Err(reader.bad_value(4, Field::Length, length.into()));
        };
        let payload = reader.take(payload_len, Field::Payload)?;
        let may_leave_out = matches!(addresses, AddressPair::V4 { .. });
        if found == 0 && !may_leave_out {
            return Err(reader.bad_value(6, Field::Checksum, 0));
        }
        if found != 0 {
            let datagram = octets.get(..usize::from(length)).unwrap_or(octets);
            let start = addresses.pseudo_header(length);
            verify_checksum(start, datagram, found, Layer::UdpHeader, 6)?;
        }
        Ok(Self {
            header,
            checksummed: found != 0,
            payload,
        })
    }

    /// The Mobility Header of signalling, which comes from or goes to
    /// [`CONTROL_PORT`]; `None` on other ports.
    ///
    /// # Errors
    /// [`DecodeError`] where the sender left the checksum out: the Mobility Header has none over
    /// UDP, so this one must be used (RFC 5844 sections 4.1.3.2 and 4.2.2.1).
    pub fn mobility_header(&self) -> Result<Option<&'a [u8]>, DecodeError> {
        if !self.is_on(CONTROL_PORT) {
            return Ok(None);
        }
        if !self.checksummed {
            let kind = DecodeErrorKind::BadValue {
                field: Field::Checksum,
                found: 0,
            };
            return Err(DecodeError::new(kind, Layer::UdpHeader, 6));
        }
        Ok(Some(self.payload))
    }

    /// The payload of a tunnel packet, which comes from or goes to [`DATA_PORT`], for
    /// [`DataFrame::parse`](super::DataFrame::parse); `None` on other ports.
    pub fn data(&self) -> Option<&'a [u8]> {
        self.is_on(DATA_PORT).then_some(self.payload)
    }

    const fn is_on(&self, port: u16) -> bool {
        self.header.source_port == port || self.header.destination_port == port
    }
}
