use core::net::Ipv4Addr;

use bytes::BufMut;

use super::udp::{AddressPair, UdpHeader};
use super::{protocol, verify_checksum};
use crate::checksum::{Checksum, ChecksumContext};
use crate::error::{DecodeError, Field, Layer};
use crate::message::{MAX_MESSAGE_LEN, Message};
use crate::reader::Reader;

/// An IPv4 header without options, to be written or as it was read.
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-------+-------+---------------+-------------------------------+
/// |Version|  IHL  |Type of Service|         Total Length          |
/// +-------+-------+---------------+-----+-------------------------+
/// |        Identification         |Flags|     Fragment Offset     |
/// +---------------+---------------+-----+-------------------------+
/// | Time to Live  |   Protocol    |        Header Checksum        |
/// +---------------+---------------+-------------------------------+
/// |                        Source Address                         |
/// +---------------------------------------------------------------+
/// |                      Destination Address                      |
/// +---------------------------------------------------------------+
/// ```
/// RFC 791 section 3.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[non_exhaustive]
pub struct Ipv4Header {
    /// Source Address.
    pub source: Ipv4Addr,
    /// Destination Address.
    pub destination: Ipv4Addr,
    /// Protocol: a number of [`protocol`].
    pub protocol: u8,
    /// Type of Service: DSCP and ECN.
    pub traffic_class: u8,
    /// Identification.
    pub identification: u16,
    /// Don't Fragment.
    pub dont_fragment: bool,
    /// Time to Live.
    pub hop_limit: u8,
}

impl Ipv4Header {
    /// Octets of the header.
    pub const LEN: usize = 20;

    /// A header with Time to Live 64 and everything else 0.
    pub const fn new(source: Ipv4Addr, destination: Ipv4Addr, protocol: u8) -> Self {
        Self {
            source,
            destination,
            protocol,
            traffic_class: 0,
            identification: 0,
            dont_fragment: false,
            hop_limit: super::Ipv6Header::DEFAULT_HOP_LIMIT,
        }
    }

    /// Appends the header, with its checksum, of a payload of `payload_len` octets; the caller
    /// appends the payload. `None`, and nothing is appended, where Total Length cannot hold that.
    ///
    /// # Panics
    /// As [`BufMut`] does, when `out` cannot grow and has less room than 20 octets.
    #[must_use = "`None` says that nothing was appended"]
    pub fn encode(&self, payload_len: usize, out: &mut impl BufMut) -> Option<()> {
        let length = u16::try_from(payload_len.checked_add(Self::LEN)?).ok()?;
        let [l0, l1] = length.to_be_bytes();
        let [i0, i1] = self.identification.to_be_bytes();
        let flags = if self.dont_fragment { 0x40 } else { 0 };
        let first = [0x45, self.traffic_class, l0, l1, i0, i1, flags, 0];
        let mut checksum = Checksum::new();
        checksum.add(&first);
        checksum.add(&[self.hop_limit, self.protocol]);
        checksum.add(&self.source.octets());
        checksum.add(&self.destination.octets());
        out.put_slice(&first);
        out.put_slice(&[self.hop_limit, self.protocol]);
        out.put_u16(checksum.finish());
        out.put_slice(&self.source.octets());
        out.put_slice(&self.destination.octets());
        Some(())
    }

    /// Appends an IPv4 packet whose protocol is UDP and that carries `message` as signalling: the
    /// Mobility Header's checksum is 0 and UDP's is used (RFC 5844 section 4.2.2.1).
    ///
    /// # Panics
    /// As [`BufMut`] does, when `out` cannot grow and has less room than 28 octets and
    /// [`Message::encoded_len`].
    pub fn encode_message(&self, udp: UdpHeader, message: &Message, out: &mut impl BufMut) {
        let mut longest = [0; MAX_MESSAGE_LEN];
        let length = message.encoded_len();
        message.encode(ChecksumContext::Udp, &mut &mut longest[..]);
        let payload = longest.get(..length).unwrap_or_default();
        let header = Self {
            protocol: protocol::UDP,
            ..*self
        };
        // Neither is too long: a message has at most 2048 octets.
        let _ = header.encode(UdpHeader::LEN.saturating_add(length), out);
        let _ = udp.encode(self.addresses(), payload, out);
        out.put_slice(payload);
    }

    /// The addresses, for the pseudo header of the payload.
    pub const fn addresses(&self) -> AddressPair {
        AddressPair::V4 {
            source: self.source,
            destination: self.destination,
        }
    }
}

/// An IPv4 packet, borrowed; its header checksum was verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ipv4Packet<'a> {
    /// Its header.
    pub header: Ipv4Header,
    /// The options, a multiple of four octets.
    pub options: &'a [u8],
    /// Where the payload belongs in the whole datagram, in octets; a multiple of 8.
    pub fragment_offset: u16,
    /// Whether more fragments follow.
    pub more_fragments: bool,
    /// The payload, as long as Total Length says.
    pub payload: &'a [u8],
}

impl<'a> Ipv4Packet<'a> {
    /// Reads the IPv4 packet that `data` starts with; octets behind Total Length, such as the
    /// padding of a link, are ignored. Nothing is reassembled.
    ///
    /// # Errors
    /// [`DecodeError`] where `data` is cut short, Version is not 4, IHL is below 5, Total Length
    /// is less than the header or the header checksum is wrong.
    pub fn parse(data: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(data, 0, Layer::Ipv4Header);
        let first = reader.u8(Field::Version)?;
        if first >> 4 != 4 {
            return Err(reader.bad_value(0, Field::Version, u32::from(first >> 4)));
        }
        let units = first & 0x0f;
        let header_len = usize::from(units).saturating_mul(4);
        let Some(options_len) = header_len.checked_sub(Ipv4Header::LEN) else {
            return Err(reader.bad_value(0, Field::HeaderLength, units.into()));
        };
        let traffic_class = reader.u8(Field::TrafficClass)?;
        let total_length = reader.u16(Field::TotalLength)?;
        let Some(payload_len) = usize::from(total_length).checked_sub(header_len) else {
            return Err(reader.bad_value(2, Field::TotalLength, total_length.into()));
        };
        let identification = reader.u16(Field::Identification)?;
        let fragment = reader.u16(Field::FragmentOffset)?;
        let hop_limit = reader.u8(Field::HopLimit)?;
        let protocol = reader.u8(Field::NextHeader)?;
        let found = reader.u16(Field::Checksum)?;
        let source = reader.array::<4>(Field::SourceAddress)?.into();
        let destination = reader.array::<4>(Field::DestinationAddress)?.into();
        let options = reader.take(options_len, Field::Options)?;
        let header = data.get(..header_len).unwrap_or(data);
        verify_checksum(Checksum::new(), header, found, Layer::Ipv4Header, 10)?;
        let payload = reader.take(payload_len, Field::Payload)?;
        Ok(Self {
            header: Ipv4Header {
                source,
                destination,
                protocol,
                traffic_class,
                identification,
                dont_fragment: fragment & 0x4000 != 0,
                hop_limit,
            },
            options,
            fragment_offset: (fragment & 0x1fff) << 3,
            more_fragments: fragment & 0x2000 != 0,
            payload,
        })
    }

    /// Whether this is a part of a datagram only, so that its payload is not whole.
    pub const fn is_fragment(&self) -> bool {
        self.more_fragments || self.fragment_offset != 0
    }
}
