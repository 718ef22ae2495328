//! Reads an inner IP packet once: addresses, upper layer, ports, fragment state.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use pmip_policy::FlowKey;
use pmip_wire::carrier::MAX_EXTENSION_HEADERS;
pub(crate) use pmip_wire::carrier::protocol;

use crate::octets::{array_at, ipv6_at, u8_at, u16_at, u32_at};

/// Length of an IPv6 header.
pub(crate) const IPV6_HEADER: usize = 40;
/// Length of an IPv4 header without options.
pub(crate) const IPV4_HEADER: usize = 20;

/// Why octets are no IP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PacketError {
    /// Shorter than its header says.
    #[error("packet of {have} octets is shorter than the {need} that its header states")]
    Truncated {
        /// Octets present.
        have: usize,
        /// Octets needed.
        need: usize,
    },
    /// Neither version 4 nor 6.
    #[error("IP version {0} is neither 4 nor 6")]
    Version(u8),
    /// An IPv4 header length below 20, or a total length below the header's.
    #[error("IPv4 header length or total length contradicts itself")]
    Length,
}

/// Whether a packet is a fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fragment {
    /// Whole.
    None,
    /// The first fragment: the upper-layer header is there, the rest is not.
    First,
    /// A later fragment: no upper-layer header.
    Later,
}

/// What an inner packet's headers say. Built by [`Packet::parse`]; offsets are in octets from the
/// packet's start and lie within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Packet {
    /// Source address.
    pub source: IpAddr,
    /// Destination address.
    pub destination: IpAddr,
    /// Type of service or traffic class octet.
    pub traffic_class: u8,
    /// IPv6 flow label, 0 in IPv4.
    pub flow_label: u32,
    /// Upper-layer protocol, behind all extension headers.
    pub protocol: u8,
    /// Where the upper-layer header starts; `None` in later fragments and where the extension
    /// headers cannot be walked to their end.
    pub transport: Option<usize>,
    /// Octets of the packet by its own header; more may follow in the buffer.
    pub length: usize,
    /// Whether it is a fragment.
    pub fragment: Fragment,
    /// IPv4 Don't Fragment; always true in IPv6.
    pub dont_fragment: bool,
    /// Source and destination port, 0 where not visible: fragments, ICMP, other protocols.
    pub ports: (u16, u16),
}

impl Packet {
    /// Reads the headers of `data`.
    ///
    /// Fragments, the first too, have no ports, so that all fragments of a packet take one path.
    ///
    /// # Errors
    /// [`PacketError`] when `data` is no IPv4 or IPv6 packet or is cut short.
    ///
    /// ```
    /// use pmip_tunnel::Packet;
    ///
    /// assert!(Packet::parse(&[0x45, 0, 0]).is_err());
    /// ```
    #[inline]
    pub fn parse(data: &[u8]) -> Result<Self, PacketError> {
        let packet = Self::parse_quoted(data)?;
        check_length(data, packet.length)?;
        Ok(packet)
    }

    /// Reads the headers of a packet that is cut short, as ICMP errors quote it.
    #[inline]
    pub(crate) fn parse_quoted(data: &[u8]) -> Result<Self, PacketError> {
        match u8_at(data, 0).map(|first| first >> 4) {
            Some(4) => Self::parse_v4(data),
            Some(6) => Self::parse_v6(data),
            Some(version) => Err(PacketError::Version(version)),
            None => Err(PacketError::Truncated { have: 0, need: 1 }),
        }
    }

    /// The flow that the packet belongs to.
    #[inline]
    pub fn flow_key(&self) -> FlowKey {
        let key = FlowKey::new(self.source, self.destination, self.protocol)
            .with_dscp(self.traffic_class >> 2);
        match self.ports {
            (0, 0) => key.with_flow_label(self.flow_label),
            (source, destination) => key.with_ports(source, destination),
        }
    }

    /// Whether this is IPv4.
    pub const fn is_ipv4(&self) -> bool {
        self.source.is_ipv4()
    }

    fn parse_v4(data: &[u8]) -> Result<Self, PacketError> {
        let header = data
            .first_chunk::<IPV4_HEADER>()
            .ok_or(PacketError::Truncated {
                have: data.len(),
                need: IPV4_HEADER,
            })?;
        let [
            first,
            traffic_class,
            l0,
            l1,
            _,
            _,
            f0,
            f1,
            _,
            protocol,
            _,
            _,
            addresses @ ..,
        ] = *header;
        let header_length = usize::from(first & 0x0f).saturating_mul(4);
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        if header_length < IPV4_HEADER || length < header_length {
            return Err(PacketError::Length);
        }
        let [s0, s1, s2, s3, d0, d1, d2, d3] = addresses;
        let flags = u16::from_be_bytes([f0, f1]);
        let fragment = match (flags & 0x1fff, flags & 0x2000 != 0) {
            (0, false) => Fragment::None,
            (0, true) => Fragment::First,
            _ => Fragment::Later,
        };
        Ok(Self {
            source: Ipv4Addr::new(s0, s1, s2, s3).into(),
            destination: Ipv4Addr::new(d0, d1, d2, d3).into(),
            traffic_class,
            flow_label: 0,
            protocol,
            transport: (fragment != Fragment::Later).then_some(header_length),
            length,
            fragment,
            dont_fragment: flags & 0x4000 != 0,
            ports: (0, 0),
        }
        .with_ports_of(data))
    }

    fn parse_v6(data: &[u8]) -> Result<Self, PacketError> {
        let short = PacketError::Truncated {
            have: data.len(),
            need: IPV6_HEADER,
        };
        let word = u32_at(data, 0).ok_or(short)?;
        let payload = u16_at(data, 4).ok_or(short)?;
        let next_header = u8_at(data, 6).ok_or(short)?;
        let source = ipv6_at(data, 8).ok_or(short)?;
        let destination = ipv6_at(data, 24).ok_or(short)?;
        let length = IPV6_HEADER.saturating_add(payload.into());
        let walk = walk(data.get(..length).unwrap_or(data), next_header);
        let [b0, b1, ..] = word.to_be_bytes();
        Ok(Self {
            source: source.into(),
            destination: destination.into(),
            traffic_class: (b0 << 4) | (b1 >> 4),
            flow_label: word & 0x000f_ffff,
            protocol: walk.protocol,
            transport: walk.transport,
            length,
            fragment: walk.fragment,
            dont_fragment: true,
            ports: (0, 0),
        }
        .with_ports_of(data))
    }

    #[inline]
    fn with_ports_of(mut self, data: &[u8]) -> Self {
        let has_ports = matches!(
            self.protocol,
            protocol::TCP | protocol::UDP | protocol::SCTP | protocol::DCCP | protocol::UDP_LITE
        );
        if let Some(at) = self.transport
            && has_ports
            && self.fragment == Fragment::None
            && at.saturating_add(4) <= self.length
            && let Some([s0, s1, d0, d1]) = array_at::<4>(data, at)
        {
            self.ports = (u16::from_be_bytes([s0, s1]), u16::from_be_bytes([d0, d1]));
        }
        self
    }
}

fn check_length(data: &[u8], need: usize) -> Result<(), PacketError> {
    if data.len() < need {
        return Err(PacketError::Truncated {
            have: data.len(),
            need,
        });
    }
    Ok(())
}

struct Walk {
    protocol: u8,
    transport: Option<usize>,
    fragment: Fragment,
}

/// Walks IPv6 extension headers (RFC 8200 section 4) to the upper layer. A packet that has more
/// than [`MAX_EXTENSION_HEADERS`], or is damaged behind its fixed header, has no ports: the walk of
/// `pmip_wire`, which says what is wrong, is for packets to us.
#[inline]
fn walk(packet: &[u8], mut next: u8) -> Walk {
    let mut at = IPV6_HEADER;
    let mut fragment = Fragment::None;
    for _ in 0..MAX_EXTENSION_HEADERS {
        if protocol::extension_header_len(next, 0).is_none() {
            return Walk {
                protocol: next,
                transport: (at <= packet.len()).then_some(at),
                fragment,
            };
        }
        if next == protocol::FRAGMENT {
            let Some(field) = u16_at(packet, at.saturating_add(2)) else {
                return unwalkable(next, fragment);
            };
            match (field & 0xfff8, field & 1) {
                (0, 0) => {} // An atomic fragment is whole (RFC 6946).
                (0, _) => fragment = Fragment::First,
                _ => {
                    let protocol = u8_at(packet, at).unwrap_or(next);
                    return unwalkable(protocol, Fragment::Later);
                }
            }
        }
        let Some([following, units]) = array_at(packet, at) else {
            return unwalkable(next, fragment);
        };
        at = at.saturating_add(protocol::extension_header_len(next, units).unwrap_or_default());
        next = following;
    }
    unwalkable(next, fragment)
}

const fn unwalkable(protocol: u8, fragment: Fragment) -> Walk {
    Walk {
        protocol,
        transport: None,
        fragment,
    }
}

/// The IPv4 pair, or `None` for IPv6: pseudo headers need both of one family.
pub(crate) enum AddressPair {
    V4(Ipv4Addr, Ipv4Addr),
    V6(Ipv6Addr, Ipv6Addr),
}

impl Packet {
    pub(crate) fn addresses(&self) -> Option<AddressPair> {
        match (self.source, self.destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                Some(AddressPair::V4(source, destination))
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                Some(AddressPair::V6(source, destination))
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => None,
        }
    }
}

#[cfg(test)]
mod tests;
