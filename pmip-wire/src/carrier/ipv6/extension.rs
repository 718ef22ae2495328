//! The chain of extension headers (RFC 8200 section 4) and the options in some of them.

use super::super::protocol::{self, extension_header_len};
use crate::error::{DecodeError, DecodeErrorKind, Field, Layer};
use crate::reader::Reader;

/// The most extension headers that are walked. RFC 8200 section 4.1 knows seven in one packet;
/// a packet with more than this is refused, so that nobody can make the walk long.
pub const MAX_EXTENSION_HEADERS: usize = 16;

const PAD1: u8 = 0;

/// Iterates over a chain of extension headers without copying or allocating.
///
/// It ends at the first header that cannot be walked over, at a fragment that is not the first
/// (what lies behind is no header), and after the first error.
///
/// ```
/// use pmip_wire::carrier::{ExtensionHeaders, protocol};
///
/// // Destination options with padding only, then a Mobility Header.
/// let chain = [135, 0, 1, 4, 0, 0, 0, 0];
/// let mut headers = ExtensionHeaders::new(protocol::DESTINATION_OPTIONS, &chain, 40);
/// let header = headers.next().expect("there is one")?;
/// assert_eq!(header.protocol(), protocol::DESTINATION_OPTIONS);
/// assert!(headers.next().is_none());
/// assert_eq!(headers.next_header(), protocol::MOBILITY);
/// # Ok::<(), pmip_wire::DecodeError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ExtensionHeaders<'a> {
    next_header: u8,
    rest: &'a [u8],
    offset: u16,
    walked: usize,
    ended: bool,
}

/// One extension header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtensionHeader<'a> {
    protocol: u8,
    next_header: u8,
    length: u8,
    data: &'a [u8],
    offset: u16,
}

/// Iterates over the options of a Hop-by-Hop or Destination Options header (RFC 8200 section 4.2),
/// padding included; ends after the first error.
#[derive(Clone, Copy, Debug)]
pub struct Ipv6Options<'a> {
    reader: Reader<'a>,
    ended: bool,
}

/// One option of a Hop-by-Hop or Destination Options header.
///
/// What a node does with a type that it does not know is in the two highest bits of the type
/// (RFC 8200 section 4.2); that is left to its IP layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv6Option<'a> {
    /// Option Type.
    pub option_type: u8,
    /// Option Data; empty for Pad1.
    pub data: &'a [u8],
    /// Octets from the start of the IPv6 packet to the Option Type.
    pub offset: u16,
}

impl<'a> ExtensionHeaders<'a> {
    /// The chain in `octets`, whose first header is of number `next_header` and stands `offset`
    /// octets behind the start of the packet.
    #[inline]
    pub const fn new(next_header: u8, octets: &'a [u8], offset: u16) -> Self {
        Self {
            next_header,
            rest: octets,
            offset,
            walked: 0,
            ended: false,
        }
    }

    /// The number of what comes next: the upper layer, once the walk has ended without an error.
    #[inline]
    pub const fn next_header(&self) -> u8 {
        self.next_header
    }

    /// What has not been walked over.
    #[inline]
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Octets from the start of the packet to what comes next.
    #[inline]
    pub const fn offset(&self) -> u16 {
        self.offset
    }

    fn read(&mut self) -> Result<ExtensionHeader<'a>, DecodeError> {
        let protocol = self.next_header;
        let mut reader = Reader::new(self.rest, self.offset, Layer::ExtensionHeader(protocol));
        if self.walked >= MAX_EXTENSION_HEADERS {
            let found = u32::try_from(self.walked).unwrap_or(u32::MAX);
            let found = found.saturating_add(1);
            return Err(reader.bad_value(self.offset, Field::ExtensionHeaderCount, found));
        }
        if protocol == protocol::HOP_BY_HOP && self.walked > 0 {
            let kind = DecodeErrorKind::Misplaced {
                field: Field::HopByHopOptions,
            };
            return Err(reader.error_at(self.offset, kind));
        }
        let next_header = reader.u8(Field::NextHeader)?;
        let length = reader.u8(match protocol {
            protocol::FRAGMENT => Field::Reserved,
            _ => Field::HeaderLength,
        })?;
        let octets = extension_header_len(protocol, length).unwrap_or_default();
        let data = reader.take(octets.saturating_sub(2), Field::HeaderData)?;
        let header = ExtensionHeader {
            protocol,
            next_header,
            length,
            data,
            offset: self.offset,
        };
        self.next_header = next_header;
        self.rest = reader.rest();
        self.offset = reader.offset();
        self.walked = self.walked.saturating_add(1);
        self.ended = matches!(header.fragment_offset(), Some(1..));
        Ok(header)
    }
}

impl<'a> Iterator for ExtensionHeaders<'a> {
    type Item = Result<ExtensionHeader<'a>, DecodeError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        extension_header_len(self.next_header, 0)?;
        let header = self.read();
        self.ended |= header.is_err();
        Some(header)
    }
}

impl core::iter::FusedIterator for ExtensionHeaders<'_> {}

impl<'a> ExtensionHeader<'a> {
    /// Its own number.
    #[inline]
    pub const fn protocol(&self) -> u8 {
        self.protocol
    }

    /// The number of what follows it.
    #[inline]
    pub const fn next_header(&self) -> u8 {
        self.next_header
    }

    /// Its second octet: Hdr Ext Len, Payload Len of AH, reserved in a Fragment header.
    #[inline]
    pub const fn length(&self) -> u8 {
        self.length
    }

    /// What follows its first two octets.
    #[inline]
    pub const fn data(&self) -> &'a [u8] {
        self.data
    }

    /// Octets from the start of the packet to its first octet.
    #[inline]
    pub const fn offset(&self) -> u16 {
        self.offset
    }

    /// Its options; `None` where headers of its number have none.
    #[inline]
    pub const fn options(&self) -> Option<Ipv6Options<'a>> {
        match self.protocol {
            protocol::HOP_BY_HOP | protocol::DESTINATION_OPTIONS => Some(Ipv6Options {
                reader: self.reader(),
                ended: false,
            }),
            _ => None,
        }
    }

    /// Reads what follows its first two octets.
    #[inline]
    pub(super) const fn reader(&self) -> Reader<'a> {
        let layer = Layer::ExtensionHeader(self.protocol);
        Reader::new(self.data, self.offset.saturating_add(2), layer)
    }

    /// Fragment Offset in units of eight octets; `None` in another header.
    #[inline]
    fn fragment_offset(&self) -> Option<u16> {
        match (self.protocol, self.data) {
            (protocol::FRAGMENT, [high, low, ..]) => Some(u16::from_be_bytes([*high, *low]) >> 3),
            _ => None,
        }
    }
}

impl<'a> Ipv6Options<'a> {
    #[inline]
    fn read(&mut self) -> Result<Ipv6Option<'a>, DecodeError> {
        let offset = self.reader.offset();
        let option_type = self.reader.u8(Field::OptionType)?;
        let data = match option_type {
            PAD1 => &[],
            _ => {
                let length = self.reader.u8(Field::OptionLength)?;
                self.reader.take(length.into(), Field::OptionData)?
            }
        };
        Ok(Ipv6Option {
            option_type,
            data,
            offset,
        })
    }
}

impl<'a> Iterator for Ipv6Options<'a> {
    type Item = Result<Ipv6Option<'a>, DecodeError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.ended || self.reader.rest().is_empty() {
            return None;
        }
        let option = self.read();
        self.ended = option.is_err();
        Some(option)
    }
}

impl core::iter::FusedIterator for Ipv6Options<'_> {}
