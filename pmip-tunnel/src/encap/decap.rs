//! Taking outer headers off.

use core::net::SocketAddr;
use core::ops::Range;

use pmip_wire::types::Encapsulation;

use super::shim::{Carrier, is_version, open};
use crate::ecn::Ecn;
use crate::octets::u16_at;
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
    /// Key of its GRE header.
    pub key: Option<u32>,
    /// Sequence Number of its GRE header.
    pub sequence: Option<u32>,
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
    /// A TLV or GRE header is malformed, or what the tunnel carries is no IPv4 or IPv6 packet, or
    /// not of the kind that was announced.
    #[error("the tunnel carries neither IPv4 nor IPv6, or announces something else")]
    Inner,
}

/// Reads the outer headers of `data`. A UDP port is not judged: sockets do that.
///
/// UDP over IPv6 is refused: no RFC carries inner packets so.
///
/// # Errors
/// [`DecapError`] when `data` is no tunnel packet.
pub fn decapsulate(data: &[u8]) -> Result<Decapsulated, DecapError> {
    let opened = Carried::parse(data)?;
    let payload = data.get(opened.payload.clone()).unwrap_or(&[]);
    let shim = open(opened.carrier, payload).ok_or(DecapError::Inner)?;
    let start = opened.payload.start.saturating_add(shim.start);
    let inner = data.get(start..opened.payload.end).unwrap_or(&[]);
    if opened.carrier == Carrier::Ip && !is_version(inner, opened.protocol) {
        return Err(DecapError::Inner);
    }
    Ok(Decapsulated {
        encapsulation: encapsulation(opened.carrier, opened.source.is_ipv4(), shim.tlv),
        source: opened.source,
        destination: opened.destination,
        ecn: opened.ecn,
        key: shim.gre.and_then(|gre| gre.key),
        sequence: shim.gre.and_then(|gre| gre.sequence),
        inner: start..opened.payload.end,
    })
}

/// An outer packet up to what its headers carry.
#[derive(Clone, Debug)]
pub(crate) struct Carried {
    pub(crate) carrier: Carrier,
    pub(crate) protocol: u8,
    pub(crate) source: SocketAddr,
    pub(crate) destination: SocketAddr,
    pub(crate) ecn: Ecn,
    /// Where the TLV header, the GRE header or the inner packet starts, and where it ends.
    pub(crate) payload: Range<usize>,
}

impl Carried {
    pub(crate) fn parse(data: &[u8]) -> Result<Self, DecapError> {
        let outer = Packet::parse(data)?;
        if outer.fragment != Fragment::None {
            return Err(DecapError::Fragment);
        }
        let transport = outer.transport.ok_or(DecapError::Inner)?;
        let carrier = Carrier::from_protocol(outer.protocol)
            .filter(|carrier| *carrier != Carrier::Udp || outer.is_ipv4())
            .ok_or(DecapError::Protocol(outer.protocol))?;
        let start = match carrier {
            Carrier::Udp => check_udp(data, &outer, transport)?,
            Carrier::Ip | Carrier::Gre => transport,
        };
        let (source_port, destination_port) = outer.ports;
        Ok(Self {
            carrier,
            protocol: outer.protocol,
            source: SocketAddr::new(outer.source, source_port),
            destination: SocketAddr::new(outer.destination, destination_port),
            ecn: Ecn::of(outer.traffic_class),
            payload: start..outer.length,
        })
    }
}

const fn encapsulation(carrier: Carrier, over_ipv4: bool, tlv: bool) -> Encapsulation {
    match (carrier, over_ipv4) {
        (Carrier::Udp, _) if tlv => Encapsulation::Ipv4UdpTlv,
        (Carrier::Udp, _) => Encapsulation::Ipv4Udp,
        (Carrier::Ip, true) => Encapsulation::Ipv4,
        (Carrier::Ip, false) => Encapsulation::Ipv6,
        (Carrier::Gre, true) => Encapsulation::GreIpv4,
        (Carrier::Gre, false) => Encapsulation::GreIpv6,
    }
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
