//! Taking outer headers off.

use core::net::SocketAddr;
use core::ops::Range;

use pmip_wire::types::Encapsulation;

use crate::ecn::Ecn;
use crate::octets::{u8_at, u16_at};
use crate::packet::{Fragment, Packet, PacketError, protocol};
use crate::segment::{UDP_HEADER, pseudo_header};

/// What came out of a tunnel packet.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Decapsulated {
    /// How it was encapsulated.
    pub encapsulation: Encapsulation,
    /// Outer source; port 0 without UDP.
    pub source: SocketAddr,
    /// Outer destination; port 0 without UDP.
    pub destination: SocketAddr,
    /// Outer ECN field.
    pub ecn: Ecn,
    /// Where the inner packet is.
    pub inner: Range<usize>,
}

/// Why octets are no tunnel packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecapError {
    /// The outer packet is damaged.
    #[error("outer header: {0}")]
    Outer(#[from] PacketError),
    /// A fragment: reassemble first.
    #[error("the outer packet is a fragment: reassemble it first")]
    Fragment,
    /// An outer protocol that carries no inner packet.
    #[error("outer protocol {0} carries no inner packet")]
    Protocol(u8),
    /// The UDP length contradicts the packet's.
    #[error("UDP length {0} contradicts the packet's length")]
    UdpLength(u16),
    /// The UDP checksum is wrong.
    #[error("UDP checksum is wrong")]
    UdpChecksum,
    /// What the tunnel carries starts as neither IPv4 nor IPv6.
    #[error("the tunnel carries neither IPv4 nor IPv6")]
    Inner,
}

/// Reads the outer headers of `data`. A UDP port is not judged: sockets do that.
///
/// # Errors
/// [`DecapError`] when `data` is no tunnel packet.
pub fn decapsulate(data: &[u8]) -> Result<Decapsulated, DecapError> {
    let outer = Packet::parse(data)?;
    if outer.fragment != Fragment::None {
        return Err(DecapError::Fragment);
    }
    let transport = outer.transport.ok_or(DecapError::Inner)?;
    let (encapsulation, start) = match (outer.protocol, outer.is_ipv4()) {
        (protocol::UDP, true) => (Encapsulation::Ipv4Udp, check_udp(data, &outer, transport)?),
        (protocol::IPV4 | protocol::IPV6, true) => (Encapsulation::Ipv4, transport),
        (protocol::IPV4 | protocol::IPV6, false) => (Encapsulation::Ipv6, transport),
        (other, _) => return Err(DecapError::Protocol(other)),
    };
    let version = u8_at(data, start).map_or(0, |first| first >> 4);
    let version_fits = match outer.protocol {
        protocol::IPV4 => version == 4,
        protocol::IPV6 => version == 6,
        _ => version == 4 || version == 6,
    };
    if !version_fits || start >= outer.length {
        return Err(DecapError::Inner);
    }
    let (source_port, destination_port) = outer.ports;
    Ok(Decapsulated {
        encapsulation,
        source: SocketAddr::new(outer.source, source_port),
        destination: SocketAddr::new(outer.destination, destination_port),
        ecn: Ecn::of(outer.traffic_class),
        inner: start..outer.length,
    })
}

/// Where the UDP payload starts.
fn check_udp(data: &[u8], outer: &Packet, transport: usize) -> Result<usize, DecapError> {
    let stated = u16_at(data, transport.saturating_add(4)).unwrap_or(0);
    let have = outer.length.saturating_sub(transport);
    if usize::from(stated) != have || have < UDP_HEADER {
        return Err(DecapError::UdpLength(stated));
    }
    let field = u16_at(data, transport.saturating_add(6)).unwrap_or(0);
    if field != 0 && !udp_sum_is_valid(data, outer, transport) {
        return Err(DecapError::UdpChecksum);
    }
    Ok(transport.saturating_add(UDP_HEADER))
}

fn udp_sum_is_valid(data: &[u8], outer: &Packet, transport: usize) -> bool {
    let Some(addresses) = outer.addresses() else {
        return false;
    };
    let own = data.get(transport..outer.length).unwrap_or(&[]);
    let mut checksum = pseudo_header(&addresses, own.len(), protocol::UDP);
    checksum.add(own);
    checksum.is_valid()
}
