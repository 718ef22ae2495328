//! IP headers, as far as what they carry needs them.

use std::net::{IpAddr, Ipv6Addr};

use etherparse::{Ipv4HeaderSlice, Ipv6HeaderSlice};

pub(crate) const IPV4_IN_IP: u8 = 4;
pub(crate) const UDP: u8 = 17;
pub(crate) const IPV6_IN_IP: u8 = 41;
pub(crate) const GRE: u8 = 47;
pub(crate) const MOBILITY_HEADER: u8 = 135;

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const DESTINATION_OPTIONS: u8 = 60;

/// The Home Address option (RFC 6275 section 6.3) with its length.
const HOME_ADDRESS_OPTION: [u8; 2] = [0xc9, 16];
const TYPE_2: u8 = 2;

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
    let mut walk = Extensions {
        octets: whole,
        at: 40,
        protocol: header.next_header().0,
        protocol_at: 6,
        mobility: Mobility::default(),
        fragment: None,
    };
    walk.run()?;
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
    let mut walk = Extensions {
        octets,
        at: 0,
        protocol,
        protocol_at: 0,
        mobility: Mobility::default(),
        fragment: None,
    };
    walk.run().ok()?;
    Some((walk.protocol, octets.get(walk.at..)?))
}

/// A walk over IPv6 extension headers: each step takes eight octets at least, so it is linear.
struct Extensions<'a> {
    octets: &'a [u8],
    at: usize,
    protocol: u8,
    protocol_at: usize,
    mobility: Mobility,
    fragment: Option<Fragment>,
}

impl Extensions<'_> {
    /// Walks to what is no extension header, or to a fragment of it.
    fn run(&mut self) -> Result<(), BadPacket> {
        while self.fragment.is_none() {
            match self.protocol {
                HOP_BY_HOP | DESTINATION_OPTIONS | ROUTING | AUTHENTICATION => self.step()?,
                FRAGMENT => self.step_fragment()?,
                _ => break,
            }
        }
        Ok(())
    }

    fn step(&mut self) -> Result<(), BadPacket> {
        let rest = self.octets.get(self.at..).unwrap_or_default();
        let [next, units, ..] = rest else {
            return Err(BadPacket::Cut);
        };
        let units = usize::from(*units);
        let length = if self.protocol == AUTHENTICATION {
            // RFC 4302 section 2.2 counts words of four octets.
            units.saturating_add(2).saturating_mul(4)
        } else {
            units.saturating_add(1).saturating_mul(8)
        };
        let header = rest.get(..length).ok_or(BadPacket::Cut)?;
        if self.protocol == DESTINATION_OPTIONS {
            let found = home_address(header.get(2..).unwrap_or_default());
            self.mobility.home_address_option = found.or(self.mobility.home_address_option);
        } else if self.protocol == ROUTING {
            let found = routing_header(header);
            self.mobility.routing_header = found.or(self.mobility.routing_header);
        }
        self.pass(*next, length);
        Ok(())
    }

    fn step_fragment(&mut self) -> Result<(), BadPacket> {
        let rest = self.octets.get(self.at..).unwrap_or_default();
        let Some([next, _, high, low, identification @ ..]) = rest.first_chunk::<8>() else {
            return Err(BadPacket::Cut);
        };
        let place = u16::from_be_bytes([*high, *low]);
        let (offset, more) = (place & 0xfff8, place & 1 != 0);
        let (head_len, protocol_at) = (self.at, self.protocol_at);
        self.pass(*next, 8);
        // A fragment that is the whole packet is none (RFC 6946).
        if offset != 0 || more {
            self.fragment = Some(Fragment {
                identification: u32::from_be_bytes(*identification),
                offset,
                more,
                head_len,
                protocol_at,
            });
        }
        Ok(())
    }

    const fn pass(&mut self, next: u8, length: usize) {
        self.protocol = next;
        self.protocol_at = self.at;
        self.at = self.at.saturating_add(length);
    }
}

/// The home address among destination options.
fn home_address(mut options: &[u8]) -> Option<Ipv6Addr> {
    loop {
        options = match options {
            [0, rest @ ..] => rest,
            [option, length, rest @ ..] => {
                let (data, rest) = rest.split_at_checked(usize::from(*length))?;
                if [*option, *length] == HOME_ADDRESS_OPTION {
                    return <[u8; 16]>::try_from(data).ok().map(Ipv6Addr::from);
                }
                rest
            }
            _ => return None,
        };
    }
}

/// The home address of a type 2 routing header that still has its segment to go.
fn routing_header(header: &[u8]) -> Option<Ipv6Addr> {
    let [_, 2, TYPE_2, 1, _, _, _, _, address @ ..] = header else {
        return None;
    };
    <[u8; 16]>::try_from(address).ok().map(Ipv6Addr::from)
}
