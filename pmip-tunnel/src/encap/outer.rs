//! The outer IP and UDP headers, for those whose kernel does not write them.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use pmip_wire::checksum::Checksum;

use super::buffer::EncapError;
use super::limit::{LIMIT_HEADER, limit_header};
use super::shim::Carrier;
use crate::forwarder::TunnelSend;
use crate::octets::{put, put_u16, u8_at};
use crate::packet::{IPV4_HEADER, IPV6_HEADER, protocol};
use crate::segment::{UDP_HEADER, put_ipv4_checksum};
use crate::table::TunnelPath;

/// The outer hop limit (RFC 2473 section 6.3): not copied, a tunnel is one hop.
pub const HOP_LIMIT: u8 = 64;

/// The Differentiated Services code point of outer headers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OuterDscp {
    /// 0, whatever the inner packet has (RFC 2473 section 6.4).
    #[default]
    Zero,
    /// That of the inner packet (the uniform model of RFC 2983).
    Copy,
    /// Always this one, 0 to 63; higher bits are cut.
    Value(u8),
}

impl OuterDscp {
    /// The outer code point of an inner traffic class octet, in the upper six bits of an octet.
    #[inline]
    pub(crate) const fn bits(self, traffic_class: u8) -> u8 {
        match self {
            Self::Zero => 0,
            Self::Copy => traffic_class & 0xfc,
            Self::Value(value) => value << 2,
        }
    }
}

/// How a path fills its outer headers, whoever writes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OuterOptions {
    /// The code point.
    pub dscp: OuterDscp,
    /// Time to Live or Hop Limit, 64 by default.
    pub hop_limit: u8,
    /// Compute the UDP checksum (default). RFC 5844 says nothing of data, and IPv4 allows 0
    /// (RFC 768); a kernel that writes the header decides by `SO_NO_CHECK`. RFC 6935 and 6936 speak
    /// of UDP over IPv6, which no RFC gives Proxy Mobile IPv6.
    pub udp_checksum: bool,
    /// Tunnel Encapsulation Limit to state in IPv6 tunnels (RFC 2473 section 4.1.1). Default none:
    /// many networks drop destination options.
    pub encapsulation_limit: Option<u8>,
    /// Number GRE packets (RFC 2890 section 2.2). Default no.
    pub gre_sequence: bool,
    /// Behind a TLV header a GRE header follows (default); otherwise the inner packet, where the
    /// TLV header was agreed on without GRE (RFC 5845 section 7.2).
    pub gre_in_tlv: bool,
}

impl Default for OuterOptions {
    fn default() -> Self {
        Self {
            dscp: OuterDscp::Zero,
            hop_limit: HOP_LIMIT,
            udp_checksum: true,
            encapsulation_limit: None,
            gre_sequence: false,
            gre_in_tlv: true,
        }
    }
}

/// The outer headers of one packet, up to what the [`Forwarder`](crate::Forwarder) puts into its
/// segments: TLV and GRE headers are in those.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outer {
    /// Source address; its port is for UDP alone.
    pub source: SocketAddr,
    /// Destination address; its port is for UDP alone.
    pub destination: SocketAddr,
    /// Protocol number: 4, 17, 41 or 47.
    pub protocol: u8,
    /// Traffic class or type of service octet.
    pub traffic_class: u8,
    /// Time to Live or Hop Limit.
    pub hop_limit: u8,
    /// IPv4 Don't Fragment.
    pub dont_fragment: bool,
    /// IPv4 identification: count it where fragments may arise (RFC 6864), else leave it 0.
    pub identification: u16,
    /// Whether there is a UDP checksum.
    pub udp_checksum: bool,
    /// What the Tunnel Encapsulation Limit option states, where there is one.
    pub encapsulation_limit: Option<u8>,
}

impl Outer {
    /// The outer headers of the segments of `send`, which goes through `tunnel` from its UDP port
    /// `local_port`.
    pub fn of(tunnel: &TunnelPath, local_port: u16, send: &TunnelSend) -> Self {
        Self {
            source: SocketAddr::new(tunnel.local, local_port),
            destination: tunnel.remote,
            protocol: send.protocol,
            traffic_class: send.traffic_class(),
            hop_limit: tunnel.outer.hop_limit,
            dont_fragment: !send.fragment,
            identification: 0,
            udp_checksum: tunnel.outer.udp_checksum,
            encapsulation_limit: send.encapsulation_limit,
        }
    }

    /// Octets of these headers.
    pub const fn length(&self) -> usize {
        let network = match (self.destination, self.encapsulation_limit) {
            (SocketAddr::V4(_), _) => IPV4_HEADER,
            (SocketAddr::V6(_), None) => IPV6_HEADER,
            (SocketAddr::V6(_), Some(_)) => IPV6_HEADER.saturating_add(LIMIT_HEADER),
        };
        match self.protocol {
            protocol::UDP => network.saturating_add(UDP_HEADER),
            _ => network,
        }
    }

    /// Writes the headers into the first [`length`](Self::length) octets of `packet`, whose rest is
    /// what they carry.
    ///
    /// # Errors
    /// [`EncapError::Headroom`] when `packet` is shorter than the headers, [`EncapError::TooLong`]
    /// when it is longer than a packet can be, [`EncapError::Family`] when the addresses are of two
    /// families, or UDP is to be over IPv6. Nothing is written then.
    pub fn write(&self, packet: &mut [u8]) -> Result<(), EncapError> {
        let (need, have) = (self.length(), packet.len());
        if have < need {
            return Err(EncapError::Headroom { need, have });
        }
        let length = self.write_network(packet, have)?;
        if let (protocol::UDP, IpAddr::V4(source), IpAddr::V4(destination)) =
            (self.protocol, self.source.ip(), self.destination.ip())
        {
            let length = length.saturating_sub(20);
            let pseudo = Checksum::ipv4_pseudo_header(source, destination, length, protocol::UDP);
            let datagram = packet.get_mut(IPV4_HEADER..).unwrap_or(&mut []);
            self.write_udp(pseudo, length, datagram);
        }
        Ok(())
    }

    /// Writes the headers into the first [`length`](Self::length) octets of `headers`, for a payload
    /// of `payload` octets that lies elsewhere: drivers that gather need not copy it.
    ///
    /// # Errors
    /// As [`write`](Self::write), and [`EncapError::Udp`] for UDP.
    pub fn write_before(&self, headers: &mut [u8], payload: usize) -> Result<(), EncapError> {
        let (need, have) = (self.length(), headers.len());
        if self.protocol == protocol::UDP {
            return Err(EncapError::Udp);
        }
        if have < need {
            return Err(EncapError::Headroom { need, have });
        }
        let whole = need.saturating_add(payload);
        self.write_network(headers, whole).map(drop)
    }

    /// Writes the IP header of a packet of `whole` octets; returns those octets.
    fn write_network(&self, headers: &mut [u8], whole: usize) -> Result<u16, EncapError> {
        match (self.source.ip(), self.destination.ip()) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                let length = fitting(whole)?;
                self.write_ipv4(source, destination, headers, length);
                Ok(length)
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) if self.protocol != protocol::UDP => {
                let payload = fitting(whole.saturating_sub(IPV6_HEADER))?;
                self.write_ipv6(source, destination, headers, payload);
                Ok(payload)
            }
            _ => Err(EncapError::Family),
        }
    }

    fn write_ipv4(&self, source: Ipv4Addr, destination: Ipv4Addr, packet: &mut [u8], length: u16) {
        put(packet, 0, [0x45, self.traffic_class]);
        put_u16(packet, 2, length);
        put_u16(packet, 4, self.identification);
        put_u16(packet, 6, if self.dont_fragment { 0x4000 } else { 0 });
        put(packet, 8, [self.hop_limit, self.protocol, 0, 0]);
        put(packet, 12, source.octets());
        put(packet, 16, destination.octets());
        put_ipv4_checksum(packet, IPV4_HEADER);
    }

    fn write_udp(&self, mut checksum: Checksum, length: u16, datagram: &mut [u8]) {
        put_u16(datagram, 0, self.source.port());
        put_u16(datagram, 2, self.destination.port());
        put_u16(datagram, 4, length);
        put_u16(datagram, 6, 0);
        if self.udp_checksum {
            checksum.add(datagram);
            // 0 says that there is none (RFC 768).
            let sum = checksum.finish();
            put_u16(datagram, 6, if sum == 0 { 0xffff } else { sum });
        }
    }

    fn write_ipv6(&self, source: Ipv6Addr, destination: Ipv6Addr, packet: &mut [u8], payload: u16) {
        let [t0, t1] = u16::from(self.traffic_class).wrapping_shl(4).to_be_bytes();
        put(packet, 0, [0x60 | t0, t1, 0, 0]);
        put_u16(packet, 4, payload);
        let next = match self.encapsulation_limit {
            Some(_) => protocol::DESTINATION_OPTIONS,
            None => self.protocol,
        };
        put(packet, 6, [next, self.hop_limit]);
        put(packet, 8, source.octets());
        put(packet, 24, destination.octets());
        if let Some(limit) = self.encapsulation_limit {
            put(packet, IPV6_HEADER, limit_header(self.protocol, limit));
        }
    }
}

fn fitting(length: usize) -> Result<u16, EncapError> {
    u16::try_from(length).map_err(|_| EncapError::TooLong(length))
}

/// What outer headers have to know of an inner packet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Inner {
    /// 4 or 41.
    pub(crate) protocol: u8,
    pub(crate) traffic_class: u8,
}

impl Inner {
    #[inline]
    pub(crate) fn of(packet: &[u8]) -> Result<Self, EncapError> {
        let (Some(first), Some(second)) = (u8_at(packet, 0), u8_at(packet, 1)) else {
            return Err(EncapError::NotIp);
        };
        match first >> 4 {
            4 => Ok(Self {
                protocol: protocol::IPV4,
                traffic_class: second,
            }),
            6 => Ok(Self {
                protocol: protocol::IPV6,
                traffic_class: (first << 4) | (second >> 4),
            }),
            _ => Err(EncapError::NotIp),
        }
    }
}

/// The protocol number of the outer header of `carrier` around an inner packet.
#[inline]
pub(crate) const fn outer_protocol(carrier: Carrier, inner_is_ipv4: bool) -> u8 {
    carrier.protocol(match inner_is_ipv4 {
        true => protocol::IPV4,
        false => protocol::IPV6,
    })
}
