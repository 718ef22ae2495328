//! Outer headers: putting an inner packet into a tunnel and taking it out, in the caller's buffer.
//!
//! These are for drivers that send whole outer packets and for tests and captures; a driver whose
//! sockets build the outer header (UDP, raw IPv6) needs only the [`Forwarder`](crate::Forwarder).
//!
//! Choices, all RFC defaults: the outer hop limit is 64 and not copied (RFC 2473 section 6.3); the
//! DSCP is 0 unless copying is asked for; ECN follows RFC 6040; the flow label is 0. The inner hop
//! limit is *not* decremented here: RFC 2473 section 3.1 counts entering a tunnel as one hop, and
//! the kernel that routed the packet to the tunnel device took that hop already.

mod decap;

use core::net::{Ipv4Addr, Ipv6Addr, SocketAddrV4};

use pmip_wire::checksum::Checksum;

use crate::ecn::Ecn;
use crate::octets::{put, put_u16, saturating_u16, u16_at};
use crate::packet::{IPV4_HEADER, IPV6_HEADER, protocol};
use crate::segment::{UDP_HEADER, put_ipv4_checksum};

pub use decap::{DecapError, Decapsulated, decapsulate};

/// The outer hop limit (RFC 2473 section 6.3).
pub const HOP_LIMIT: u8 = 64;
/// Octets of an IPv6 destination options header with a Tunnel Encapsulation Limit
/// (RFC 2473 section 4.1.1).
const ENCAPSULATION_LIMIT_HEADER: usize = 8;

/// A packet in a buffer with room before it.
#[derive(Debug)]
pub struct PacketBuf<'a> {
    data: &'a mut [u8],
    start: usize,
}

impl<'a> PacketBuf<'a> {
    /// The packet `data[start..]`; what lies before `start` is headroom.
    ///
    /// # Errors
    /// [`EncapError::Headroom`] when `start` lies behind the end.
    pub fn new(data: &'a mut [u8], start: usize) -> Result<Self, EncapError> {
        match start <= data.len() {
            true => Ok(Self { data, start }),
            false => Err(EncapError::Headroom {
                need: start,
                have: data.len(),
            }),
        }
    }

    /// The packet.
    pub fn packet(&self) -> &[u8] {
        self.data.get(self.start..).unwrap_or(&[])
    }

    /// Octets before the packet.
    pub const fn headroom(&self) -> usize {
        self.start
    }

    fn push_front(&mut self, need: usize) -> Result<&mut [u8], EncapError> {
        let have = self.start;
        let start = have
            .checked_sub(need)
            .ok_or(EncapError::Headroom { need, have })?;
        self.start = start;
        Ok(self.data.get_mut(start..).unwrap_or(&mut []))
    }
}

/// Why a packet could not be encapsulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncapError {
    /// The buffer has less room before the packet than the outer headers need.
    #[error("{need} octets of headroom are needed, {have} are there: leave more before the packet")]
    Headroom {
        /// Octets needed.
        need: usize,
        /// Octets there.
        have: usize,
    },
    /// Inner and outer headers together exceed 65,535 octets.
    #[error("the packet of {0} octets does not fit an outer packet: cut it first")]
    TooLong(usize),
    /// The buffer does not hold an IPv4 or IPv6 packet.
    #[error("the inner packet is neither IPv4 nor IPv6")]
    NotIp,
}

/// What the outer headers of one tunnel have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OuterOptions {
    /// Copy the inner DSCP; otherwise it is 0.
    pub copy_dscp: bool,
    /// Compute the UDP checksum. RFC 5844 is silent on data, and IPv4 allows 0 (RFC 768).
    pub udp_checksum: bool,
    /// IPv4 Don't Fragment.
    pub dont_fragment: bool,
    /// Tunnel encapsulation limit to state in IPv6 tunnels (RFC 2473 section 4.1.1).
    pub encapsulation_limit: Option<u8>,
    /// IPv4 identification; the caller counts where fragments may arise (RFC 6864).
    pub identification: u16,
}

impl Default for OuterOptions {
    fn default() -> Self {
        Self {
            copy_dscp: false,
            udp_checksum: true,
            dont_fragment: false,
            encapsulation_limit: None,
            identification: 0,
        }
    }
}

/// Puts the packet into IPv4 and UDP (RFC 5844 section 4.1): 28 octets of headroom.
///
/// # Errors
/// [`EncapError`]; the packet is as before.
pub fn encapsulate_ipv4_udp(
    buffer: &mut PacketBuf<'_>,
    source: SocketAddrV4,
    destination: SocketAddrV4,
    options: &OuterOptions,
) -> Result<(), EncapError> {
    let inner = Inner::of(buffer.packet())?;
    let own = IPV4_HEADER.saturating_add(UDP_HEADER);
    outer_length(inner.length, own)?;
    let udp_length = outer_length(inner.length, UDP_HEADER)?;
    let outer = buffer.push_front(own)?;
    put_ipv4(
        outer,
        *source.ip(),
        *destination.ip(),
        protocol::UDP,
        &inner,
        options,
    );
    put_u16(outer, IPV4_HEADER, source.port());
    put_u16(outer, IPV4_HEADER.saturating_add(2), destination.port());
    put_u16(outer, IPV4_HEADER.saturating_add(4), udp_length);
    let field = IPV4_HEADER.saturating_add(6);
    put_u16(outer, field, 0);
    if options.udp_checksum {
        let mut checksum = Checksum::ipv4_pseudo_header(
            *source.ip(),
            *destination.ip(),
            udp_length,
            protocol::UDP,
        );
        checksum.add(outer.get(IPV4_HEADER..).unwrap_or(&[]));
        let checksum = match checksum.finish() {
            0 => 0xffff,
            checksum => checksum,
        };
        put_u16(outer, field, checksum);
    }
    Ok(())
}

/// Puts the packet into IPv4 (IPv4-in-IPv4 or IPv6-in-IPv4, RFC 5844 section 4): 20 octets of
/// headroom.
///
/// # Errors
/// [`EncapError`]; the packet is as before.
pub fn encapsulate_ipv4(
    buffer: &mut PacketBuf<'_>,
    source: Ipv4Addr,
    destination: Ipv4Addr,
    options: &OuterOptions,
) -> Result<(), EncapError> {
    let inner = Inner::of(buffer.packet())?;
    outer_length(inner.length, IPV4_HEADER)?;
    let outer = buffer.push_front(IPV4_HEADER)?;
    put_ipv4(outer, source, destination, inner.protocol, &inner, options);
    Ok(())
}

/// Puts the packet into IPv6 (RFC 2473 section 3.1): 40 octets of headroom, 48 with an
/// encapsulation limit.
///
/// # Errors
/// [`EncapError`]; the packet is as before.
pub fn encapsulate_ipv6(
    buffer: &mut PacketBuf<'_>,
    source: Ipv6Addr,
    destination: Ipv6Addr,
    options: &OuterOptions,
) -> Result<(), EncapError> {
    let inner = Inner::of(buffer.packet())?;
    let extension = match options.encapsulation_limit {
        Some(_) => ENCAPSULATION_LIMIT_HEADER,
        None => 0,
    };
    let payload = outer_length(inner.length, extension)?;
    let outer = buffer.push_front(IPV6_HEADER.saturating_add(extension))?;
    let traffic_class = inner.outer_traffic_class(options);
    let [t0, t1] = u16::from(traffic_class).wrapping_shl(4).to_be_bytes();
    put(outer, 0, [0x60 | t0, t1, 0, 0]);
    put_u16(outer, 4, payload);
    let next = match options.encapsulation_limit {
        Some(_) => protocol::DESTINATION_OPTIONS,
        None => inner.protocol,
    };
    put(outer, 6, [next, HOP_LIMIT]);
    put(outer, 8, source.octets());
    put(outer, 24, destination.octets());
    if let Some(limit) = options.encapsulation_limit {
        // Tunnel Encapsulation Limit, then PadN of two octets.
        put(
            outer,
            IPV6_HEADER,
            [inner.protocol, 0, 4, 1, limit, 1, 1, 0],
        );
    }
    Ok(())
}

/// What the outer header needs to know of the inner packet.
struct Inner {
    protocol: u8,
    traffic_class: u8,
    length: usize,
}

impl Inner {
    fn of(packet: &[u8]) -> Result<Self, EncapError> {
        let word = u16_at(packet, 0).ok_or(EncapError::NotIp)?;
        let [_, second] = word.to_be_bytes();
        let (protocol, traffic_class) = match word >> 12 {
            4 => (protocol::IPV4, second),
            6 => {
                let [_, class] = (word >> 4).to_be_bytes();
                (protocol::IPV6, class)
            }
            _ => return Err(EncapError::NotIp),
        };
        Ok(Self {
            protocol,
            traffic_class,
            length: packet.len(),
        })
    }

    fn outer_traffic_class(&self, options: &OuterOptions) -> u8 {
        let dscp = match options.copy_dscp {
            true => self.traffic_class & 0xfc,
            false => 0,
        };
        dscp | Ecn::of(self.traffic_class).at_ingress().bits()
    }
}

fn outer_length(inner: usize, own: usize) -> Result<u16, EncapError> {
    let length = inner.saturating_add(own);
    u16::try_from(length).map_err(|_| EncapError::TooLong(length))
}

fn put_ipv4(
    outer: &mut [u8],
    source: Ipv4Addr,
    destination: Ipv4Addr,
    protocol: u8,
    inner: &Inner,
    options: &OuterOptions,
) {
    let length = saturating_u16(outer.len());
    put(outer, 0, [0x45, inner.outer_traffic_class(options)]);
    put_u16(outer, 2, length);
    put_u16(outer, 4, options.identification);
    put_u16(outer, 6, if options.dont_fragment { 0x4000 } else { 0 });
    put(outer, 8, [HOP_LIMIT, protocol, 0, 0]);
    put(outer, 12, source.octets());
    put(outer, 16, destination.octets());
    put_ipv4_checksum(outer, IPV4_HEADER);
}

#[cfg(test)]
mod tests;
