//! IP headers, as far as what they carry needs them.

use std::net::{IpAddr, Ipv6Addr};

use etherparse::{Ipv4HeaderSlice, Ipv6HeaderSlice};
use pmip_wire::DecodeError;
use pmip_wire::carrier::{ExtensionHeader, ExtensionHeaders, protocol};

/// The type of the Home Address option (RFC 6275 section 6.3).
const HOME_ADDRESS_OPTION: u8 = 0xc9;
const ROUTING_TYPE_2: u8 = 2;

/// An IP packet, its headers walked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Packet<'a> {
    pub(crate) source: IpAddr,
    pub(crate) destination: IpAddr,
    /// What the mobility extensions of its IPv6 headers say.
    pub(crate) mobility: Mobility,
    /// The protocol of `payload`; of a fragment, that of the whole packet's fragmentable part.
    pub(crate) protocol: u8,
    pub(crate) payload: &'a [u8],
    /// Octets that its length promises and that are not there.
    pub(crate) missing: usize,
    pub(crate) fragment: Option<Fragment>,
}

/// Addresses that stand for those of the IPv6 header (RFC 6275 sections 6.3 and 6.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mobility {
    /// Of a Home Address destination option.
    pub(crate) home_address_option: Option<Ipv6Addr>,
    /// Of a type 2 routing header whose segment is still left.
    pub(crate) routing_header: Option<Ipv6Addr>,
}

/// One piece of a fragmented packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fragment {
    pub(crate) identification: u32,
    /// In octets.
    pub(crate) offset: u16,
    pub(crate) more: bool,
    /// Octets of headers in front of the fragmentable part.
    pub(crate) head_len: usize,
    /// Where those name the protocol that comes next.
    pub(crate) protocol_at: usize,
}

/// Why an IP packet could not be walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadPacket {
    /// It ends inside its headers.
    Cut,
    /// Neither IPv4 nor IPv6, or an impossible header length.
    NotIp,
}

/// Walks the headers of `octets`.
pub(crate) fn walk(octets: &[u8]) -> Result<Packet<'_>, BadPacket> {
    match octets.first().ok_or(BadPacket::Cut)? >> 4 {
        4 => ipv4(octets),
        6 => ipv6(octets),
        _ => Err(BadPacket::NotIp),
    }
}

fn ipv4(octets: &[u8]) -> Result<Packet<'_>, BadPacket> {
    use etherparse::err::ipv4::HeaderSliceError;
    let header = Ipv4HeaderSlice::from_slice(octets).map_err(|error| match error {
        HeaderSliceError::Len(_) => BadPacket::Cut,
        HeaderSliceError::Content(_) => BadPacket::NotIp,
    })?;
    let head_len = header.slice().len();
    let total = usize::from(header.total_len());
    // Zero stands in captures of what segmentation offload has yet to cut.
    let total = if total == 0 { octets.len() } else { total };
    if total < head_len {
        return Err(BadPacket::NotIp);
    }
    let end = total.min(octets.len());
    let fragment = header.is_fragmenting_payload().then(|| Fragment {
        identification: header.identification().into(),
        offset: header.fragments_offset().byte_offset(),
        more: header.more_fragments(),
        head_len,
        protocol_at: 9,
    });
    Ok(Packet {
        source: header.source_addr().into(),
        destination: header.destination_addr().into(),
        mobility: Mobility::default(),
        protocol: header.protocol().0,
        payload: octets.get(head_len..end).unwrap_or_default(),
        missing: total.saturating_sub(octets.len()),
        fragment,
    })
}

fn ipv6(octets: &[u8]) -> Result<Packet<'_>, BadPacket> {
    let header = Ipv6HeaderSlice::from_slice(octets).map_err(|_| BadPacket::Cut)?;
    let length = usize::from(header.payload_length());
    // Zero stands for a jumbogram and for what segmentation offload has yet to cut.
    let total = if length == 0 {
        octets.len()
    } else {
        length.saturating_add(40)
    };
    let whole = octets.get(..total.min(octets.len())).unwrap_or_default();
    let walk = Extensions::walk(whole, 40, header.next_header().0)?;
    Ok(Packet {
        source: header.source_addr().into(),
        destination: header.destination_addr().into(),
        mobility: walk.mobility,
        protocol: walk.protocol,
        payload: whole.get(walk.at..).unwrap_or_default(),
        missing: total.saturating_sub(octets.len()),
        fragment: walk.fragment,
    })
}

/// What the fragmentable part that starts with `octets` carries, past its own extension headers.
pub(crate) fn carried(protocol: u8, octets: &[u8]) -> Option<(u8, &[u8])> {
    let walk = Extensions::walk(octets, 0, protocol).ok()?;
    Some((walk.protocol, octets.get(walk.at..)?))
}

/// Where a walk over IPv6 extension headers ended, and what it met.
///
/// `Ipv6Packet` of pmip-wire takes whole packets that a node would take; a capture has cut ones and
/// fragments to put together, and shows the others too.
struct Extensions {
    /// Octets from the start to what comes next.
    at: usize,
    /// The number of what comes next.
    protocol: u8,
    /// Where that number stands.
    protocol_at: usize,
    mobility: Mobility,
    fragment: Option<Fragment>,
}

impl Extensions {
    /// Walks the headers in `octets` from `start` on to what is no extension header, or to a fragment
    /// of it.
    fn walk(octets: &[u8], start: usize, protocol: u8) -> Result<Self, BadPacket> {
        let chain = octets.get(start..).unwrap_or_default();
        let mut headers = ExtensionHeaders::new(protocol, chain, 0);
        let mut walk = Self {
            at: start,
            protocol,
            // Of the fixed header: the seventh octet.
            protocol_at: 6,
            mobility: Mobility::default(),
            fragment: None,
        };
        while walk.fragment.is_none()
            && let Some(header) = headers.next()
        {
            walk.pass(&header?);
            walk.protocol_at = walk.at;
            walk.at = octets.len().saturating_sub(headers.rest().len());
            walk.protocol = headers.next_header();
        }
        Ok(walk)
    }

    fn pass(&mut self, header: &ExtensionHeader<'_>) {
        match header.protocol() {
            protocol::FRAGMENT => self.fragment = self.fragment(header.data()),
            protocol::ROUTING => {
                let found = routing_header(header.data());
                self.mobility.routing_header = found.or(self.mobility.routing_header);
            }
            protocol::DESTINATION_OPTIONS => {
                let found = home_address(header);
                self.mobility.home_address_option = found.or(self.mobility.home_address_option);
            }
            _ => {}
        }
    }

    /// A fragment that is the whole packet is none (RFC 6946).
    fn fragment(&self, data: &[u8]) -> Option<Fragment> {
        let [high, low, identification @ ..] = data.first_chunk::<6>()?;
        let place = u16::from_be_bytes([*high, *low]);
        let (offset, more) = (place & 0xfff8, place & 1 != 0);
        (offset != 0 || more).then_some(Fragment {
            identification: u32::from_be_bytes(*identification),
            offset,
            more,
            head_len: self.at,
            protocol_at: self.protocol_at,
        })
    }
}

impl From<DecodeError> for BadPacket {
    fn from(error: DecodeError) -> Self {
        if error.is_truncated() {
            Self::Cut
        } else {
            Self::NotIp
        }
    }
}

/// The home address among destination options.
fn home_address(header: &ExtensionHeader<'_>) -> Option<Ipv6Addr> {
    let mut options = header.options()?.map_while(Result::ok);
    let option = options.find(|option| option.option_type == HOME_ADDRESS_OPTION)?;
    <[u8; 16]>::try_from(option.data).ok().map(Ipv6Addr::from)
}

/// The home address of a type 2 routing header that still has its segment to go (RFC 6275 section
/// 6.4.1).
fn routing_header(data: &[u8]) -> Option<Ipv6Addr> {
    let [ROUTING_TYPE_2, 1, _, _, _, _, address @ ..] = data else {
        return None;
    };
    <[u8; 16]>::try_from(address).ok().map(Ipv6Addr::from)
}
