use super::super::protocol;
use super::{
    ExtensionHeader, ExtensionHeaders, FlowLabel, HOME_ADDRESS_OPTION, HomeAddress, Ipv6Header,
    Ipv6Option, ROUTING_TYPE_2,
};
use crate::checksum::ChecksumContext;
use crate::error::{DecodeError, DecodeErrorKind, ExpectedLength, Field, Layer};
use crate::reader::{Reader, saturating_u16};

/// An IPv6 packet walked to its upper layer. It borrows; nothing is copied, allocated or
/// reassembled.
///
/// ```
/// use pmip_wire::carrier::{HomeAddress, Ipv6Header, Ipv6Packet};
/// use pmip_wire::{Heartbeat, Message, MobilityHeader};
///
/// let mut header = Ipv6Header::new("2001:db8:a::1".parse()?, "2001:db8:b::1".parse()?);
/// header.source_home_address = HomeAddress::new("2001:db8:c::1".parse()?);
/// let mut wire = Vec::new();
/// header.encode_message(&Message::from(Heartbeat::request(7)), &mut wire);
///
/// let packet = Ipv6Packet::parse(&wire)?;
/// assert_eq!(*packet.header(), header);
/// let mobility = packet.mobility_header().expect("a whole Mobility Header");
/// // The checksum is right, for it covers the home address.
/// MobilityHeader::parse(mobility, packet.checksum_context())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv6Packet<'a> {
    header: Ipv6Header,
    next_header: u8,
    fragment: Option<Ipv6Fragment>,
    upper_layer: u8,
    /// Everything behind the fixed header, as long as Payload Length says.
    payload: &'a [u8],
    upper_layer_octets: &'a [u8],
    upper_layer_offset: u16,
}

/// What a Fragment header says.
///
/// ```text
/// +---------------+---------------+---------------------------+---+-+
/// |  Next Header  |   Reserved    |      Fragment Offset      |Res|M|
/// +---------------+---------------+---------------------------+---+-+
/// |                         Identification                        |
/// +---------------------------------------------------------------+
/// ```
/// RFC 8200 section 4.5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Ipv6Fragment {
    /// Where the fragment belongs in the reassembled fragmentable part, in octets: a multiple of
    /// 8.
    pub offset: u16,
    /// Whether more fragments follow.
    pub more: bool,
    /// Which packet it belongs to, together with the addresses.
    pub identification: u32,
}

impl Ipv6Fragment {
    /// Whether the fragment is the whole packet (RFC 6946).
    pub const fn is_atomic(&self) -> bool {
        self.offset == 0 && !self.more
    }
}

impl<'a> Ipv6Packet<'a> {
    /// Walks the IPv6 packet that `data` starts with; octets behind its Payload Length, such as
    /// the padding of a link, are ignored.
    ///
    /// The walk takes time linear in the packet and at most
    /// [`MAX_EXTENSION_HEADERS`](super::MAX_EXTENSION_HEADERS) headers. It goes over Hop-by-Hop
    /// and Destination Options, Routing, Fragment and Authentication headers, and ends at the
    /// first other number, ESP too, and behind the Fragment header of a later fragment. A jumbogram
    /// (RFC 2675) is refused as cut short.
    ///
    /// # Errors
    /// [`DecodeError`] where the packet is cut short, or:
    /// - Version is not 6;
    /// - Hop-by-Hop Options are not first (RFC 8200 section 4), or there are too many headers;
    /// - there are two Home Address options, or one before a routing header or behind a Fragment
    ///   or Authentication Header; its length is not 16 (RFC 6275 section 6.3);
    /// - there are two type 2 routing headers; Hdr Ext Len is not 2, or Segments Left not 1
    ///   (RFC 6275 section 6.4.1);
    /// - a home address is no unicast routable address (RFC 6275 sections 6.3, 6.4 and 9.3.1);
    /// - another routing header has segments left: the packet has not reached its destination,
    ///   and what a node must do is to discard it (RFC 8200 section 4.4, RFC 5095);
    /// - a fragment that is not the last has a length that is no multiple of 8, or one reaches
    ///   beyond 65,535 octets (RFC 8200 section 4.5); there are two Fragment headers;
    /// - an Authentication Header is shorter than its fixed part (RFC 4302 section 2.2).
    pub fn parse(data: &'a [u8]) -> Result<Self, DecodeError> {
        let (header, next_header, payload_length, behind) = fixed_header(data)?;
        let Some(payload) = behind.get(..payload_length) else {
            return Err(truncated(next_header, behind, payload_length));
        };
        Self::walk(header, next_header, payload)
    }

    /// The fixed header's fields and the home addresses.
    pub const fn header(&self) -> &Ipv6Header {
        &self.header
    }

    /// The extension headers once more, now known to be well-formed.
    pub fn extension_headers(&self) -> impl Iterator<Item = ExtensionHeader<'a>> + use<'a> {
        ExtensionHeaders::new(self.next_header, self.payload, FIRST_OFFSET).map_while(Result::ok)
    }

    /// What the Fragment header says; `None` without one.
    pub const fn fragment(&self) -> Option<Ipv6Fragment> {
        self.fragment
    }

    /// Whether this is a part of a packet only, so that its upper layer is not whole.
    pub fn is_fragment(&self) -> bool {
        self.fragment.is_some_and(|fragment| !fragment.is_atomic())
    }

    /// The number of the upper layer. In a fragment that is not the first: the first number of
    /// the fragmentable part, which may be an extension header.
    pub const fn upper_layer(&self) -> u8 {
        self.upper_layer
    }

    /// The upper layer, or the part of it that a fragment holds.
    pub const fn upper_layer_octets(&self) -> &'a [u8] {
        self.upper_layer_octets
    }

    /// Octets from the start of the packet to the upper layer.
    pub const fn upper_layer_offset(&self) -> u16 {
        self.upper_layer_offset
    }

    /// The Mobility Header; `None` where the upper layer is another or not whole.
    pub fn mobility_header(&self) -> Option<&'a [u8]> {
        let whole = self.upper_layer == protocol::MOBILITY && !self.is_fragment();
        whole.then_some(self.upper_layer_octets)
    }

    /// What the checksum of the Mobility Header covers: see [`Ipv6Header::checksum_context`].
    pub fn checksum_context(&self) -> ChecksumContext {
        self.header.checksum_context()
    }

    fn walk(header: Ipv6Header, next_header: u8, payload: &'a [u8]) -> Result<Self, DecodeError> {
        let mut headers = ExtensionHeaders::new(next_header, payload, FIRST_OFFSET);
        let mut seen = Seen {
            header,
            fragment: None,
            authenticated: false,
        };
        while let Some(extension) = headers.next() {
            seen.visit(&extension?, headers.rest().len())?;
        }
        Ok(Self {
            header: seen.header,
            next_header,
            fragment: seen.fragment,
            upper_layer: headers.next_header(),
            payload,
            upper_layer_octets: headers.rest(),
            upper_layer_offset: headers.offset(),
        })
    }
}

/// Where the first extension header stands.
const FIRST_OFFSET: u16 = 40;

/// The fixed header, Next Header, Payload Length and everything behind.
fn fixed_header(data: &[u8]) -> Result<(Ipv6Header, u8, usize, &[u8]), DecodeError> {
    let mut reader = Reader::new(data, 0, Layer::Ipv6Header);
    let [b0, b1, b2, b3] = reader.array(Field::Version)?;
    let word = u32::from_be_bytes([b0, b1, b2, b3]);
    if b0 >> 4 != 6 {
        return Err(reader.bad_value(0, Field::Version, u32::from(b0 >> 4)));
    }
    let payload_length = reader.u16(Field::PayloadLength)?;
    let next_header = reader.u8(Field::NextHeader)?;
    let hop_limit = reader.u8(Field::HopLimit)?;
    let source = reader.ipv6(Field::SourceAddress)?;
    let destination = reader.ipv6(Field::DestinationAddress)?;
    let header = Ipv6Header {
        traffic_class: b0 << 4 | b1 >> 4,
        flow_label: FlowLabel::from_bits_truncate(word),
        hop_limit,
        ..Ipv6Header::new(source, destination)
    };
    Ok((header, next_header, payload_length.into(), reader.rest()))
}

/// Names what is cut where `octets` end before Payload Length does.
#[cold]
fn truncated(next_header: u8, octets: &[u8], payload_length: usize) -> DecodeError {
    let mut headers = ExtensionHeaders::new(next_header, octets, FIRST_OFFSET);
    if let Some(error) = headers.find_map(Result::err) {
        return error;
    }
    let available = headers.rest().len();
    let missing = payload_length.saturating_sub(octets.len());
    let kind = DecodeErrorKind::Truncated {
        field: Field::Payload,
        needed: saturating_u16(available.saturating_add(missing)),
        available: saturating_u16(available),
    };
    DecodeError::new(kind, Layer::Ipv6Header, headers.offset())
}

/// What the walk has met so far.
struct Seen {
    header: Ipv6Header,
    fragment: Option<Ipv6Fragment>,
    authenticated: bool,
}

impl Seen {
    /// Checks `extension`, behind which `remaining` octets follow, and keeps what it says.
    fn visit(
        &mut self,
        extension: &ExtensionHeader<'_>,
        remaining: usize,
    ) -> Result<(), DecodeError> {
        match extension.protocol() {
            protocol::ROUTING => self.routing(extension),
            protocol::FRAGMENT => self.fragment(extension, remaining),
            protocol::AUTHENTICATION => self.authentication(extension),
            _ => self.options(extension),
        }
    }

    fn options(&mut self, extension: &ExtensionHeader<'_>) -> Result<(), DecodeError> {
        let carries_home_address = extension.protocol() == protocol::DESTINATION_OPTIONS;
        for option in extension.options().into_iter().flatten() {
            let option = option?;
            if carries_home_address && option.option_type == HOME_ADDRESS_OPTION {
                self.home_address_option(extension, &option)?;
            }
        }
        Ok(())
    }

    fn home_address_option(
        &mut self,
        extension: &ExtensionHeader<'_>,
        option: &Ipv6Option<'_>,
    ) -> Result<(), DecodeError> {
        let reader = extension.reader();
        let too_late = self.fragment.is_some() || self.authenticated;
        if too_late || self.header.source_home_address.is_some() {
            return Err(reader.error_at(option.offset, MISPLACED_HOME_ADDRESS));
        }
        let octets: [u8; 16] = option.data.try_into().map_err(|_| {
            let kind = DecodeErrorKind::BadOptionLength {
                expected: ExpectedLength::Exactly(16),
                found: saturating_u16(option.data.len()),
            };
            reader.error_at(option.offset, kind)
        })?;
        let at = option.offset.saturating_add(2);
        self.header.source_home_address = Some(home_address(&reader, at, octets)?);
        Ok(())
    }

    fn routing(&mut self, extension: &ExtensionHeader<'_>) -> Result<(), DecodeError> {
        let mut reader = extension.reader();
        let at = extension.offset();
        let routing_type = reader.u8(Field::RoutingType)?;
        let segments_left = reader.u8(Field::SegmentsLeft)?;
        let wanted = u8::from(routing_type == ROUTING_TYPE_2);
        if segments_left != wanted {
            let found = u32::from(segments_left);
            return Err(reader.bad_value(at.saturating_add(3), Field::SegmentsLeft, found));
        }
        if self.header.source_home_address.is_some() {
            return Err(reader.error_at(at, MISPLACED_HOME_ADDRESS));
        }
        if routing_type != ROUTING_TYPE_2 {
            return Ok(());
        }
        if extension.length() != 2 {
            let found = u32::from(extension.length());
            return Err(reader.bad_value(at.saturating_add(1), Field::HeaderLength, found));
        }
        if self.header.destination_home_address.is_some() {
            return Err(reader.error_at(at, MISPLACED_HOME_ADDRESS));
        }
        reader.u32(Field::Reserved)?;
        let address_at = reader.offset();
        let octets = reader.array(Field::HomeAddress)?;
        self.header.destination_home_address = Some(home_address(&reader, address_at, octets)?);
        Ok(())
    }

    fn fragment(
        &mut self,
        extension: &ExtensionHeader<'_>,
        remaining: usize,
    ) -> Result<(), DecodeError> {
        let mut reader = extension.reader();
        let at = reader.offset();
        if self.fragment.is_some() {
            let kind = DecodeErrorKind::Misplaced {
                field: Field::FragmentOffset,
            };
            return Err(reader.error_at(extension.offset(), kind));
        }
        let word = reader.u16(Field::FragmentOffset)?;
        let fragment = Ipv6Fragment {
            offset: word & 0xfff8,
            more: word & 1 != 0,
            identification: reader.u32(Field::Identification)?,
        };
        if fragment.more && !remaining.is_multiple_of(8) {
            let kind = DecodeErrorKind::BadValue {
                field: Field::PayloadLength,
                found: remaining.try_into().unwrap_or(u32::MAX),
            };
            return Err(DecodeError::new(kind, Layer::Ipv6Header, 4));
        }
        if remaining.saturating_add(fragment.offset.into()) > usize::from(u16::MAX) {
            return Err(reader.bad_value(at, Field::FragmentOffset, fragment.offset.into()));
        }
        self.fragment = Some(fragment);
        Ok(())
    }

    fn authentication(&mut self, extension: &ExtensionHeader<'_>) -> Result<(), DecodeError> {
        // The fixed part is 12 octets long.
        if extension.length() < 1 {
            let reader = extension.reader();
            let at = extension.offset().saturating_add(1);
            return Err(reader.bad_value(at, Field::HeaderLength, extension.length().into()));
        }
        self.authenticated = true;
        Ok(())
    }
}

const MISPLACED_HOME_ADDRESS: DecodeErrorKind = DecodeErrorKind::Misplaced {
    field: Field::HomeAddress,
};

/// The home address in `octets`, which stand at the octet `at`.
fn home_address(
    reader: &Reader<'_>,
    at: u16,
    octets: [u8; 16],
) -> Result<HomeAddress, DecodeError> {
    HomeAddress::new(octets.into()).ok_or_else(|| {
        let kind = DecodeErrorKind::NotRoutable {
            field: Field::HomeAddress,
        };
        reader.error_at(at, kind)
    })
}
