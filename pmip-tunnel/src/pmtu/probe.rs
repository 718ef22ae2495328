//! Probes as packets: heartbeats between the ends of a tunnel, filled up.

use alloc::vec::Vec;
use core::net::IpAddr;

use pmip_wire::carrier::{AddressPair, UdpHeader};
use pmip_wire::checksum::ChecksumContext;
use pmip_wire::udp::CONTROL_PORT;
use pmip_wire::{Heartbeat, Message};

use super::Probe;
use crate::encap::{Carrier, Gre, LIMIT_HEADER, Shim};
use crate::forwarder::ends;
use crate::octets::{put, put_u16, saturating_u16, u8_at, u32_at};
use crate::packet::{IPV4_HEADER, IPV6_HEADER, Packet, protocol};
use crate::segment::{UDP_HEADER, put_ipv4_checksum};
use crate::table::{Role, TunnelPath};

/// Octets of a heartbeat without options.
const HEARTBEAT: usize = 16;
const HOP_LIMIT: u8 = 64;
/// Class selector 6: network control.
const NETWORK_CONTROL: u8 = 0xc0;

/// Writes `probe` of a path into `out` as an inner packet for
/// [`Forwarder::local`](crate::Forwarder::local); `None` where the two ends are of two families or
/// the size is less than a heartbeat takes.
///
/// Between IPv4 ends it is UDP on port 5436 with octets behind the UDP length, which receivers
/// ignore (RFC 9868 section 6); between IPv6 ends a Mobility Header with octets behind it, which are
/// to be ignored after "No Next Header" (RFC 8200 section 4.7). So any size is possible, and
/// every end that answers heartbeats answers probes.
pub fn write_probe(
    role: Role,
    tunnel: &TunnelPath,
    probe: &Probe,
    out: &mut Vec<u8>,
) -> Option<()> {
    out.clear();
    let message = Message::Heartbeat(Heartbeat::request(probe.number));
    let (source, destination) = ends(role, tunnel);
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            let mut octets = [0; HEARTBEAT];
            let length = message.encode_to_slice(ChecksumContext::Udp, &mut octets)?;
            let payload = octets.get(..length)?;
            out.resize(IPV4_HEADER, 0);
            let ports = UdpHeader {
                source_port: CONTROL_PORT,
                destination_port: CONTROL_PORT,
            };
            let addresses = AddressPair::V4 {
                source,
                destination,
            };
            ports.encode(addresses, payload, out)?;
            out.extend_from_slice(payload);
            fill(tunnel, probe, out)?;
            let total = saturating_u16(out.len());
            put(out, 0, [0x45, NETWORK_CONTROL]);
            put_u16(out, 2, total);
            put(out, 6, [0x40, 0, HOP_LIMIT, protocol::UDP]);
            put(out, 12, source.octets());
            put(out, 16, destination.octets());
            put_ipv4_checksum(out, IPV4_HEADER);
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            let mut octets = [0; HEARTBEAT];
            let context = ChecksumContext::Ipv6 {
                source,
                destination,
            };
            let length = message.encode_to_slice(context, &mut octets)?;
            out.resize(IPV6_HEADER, 0);
            out.extend_from_slice(octets.get(..length)?);
            fill(tunnel, probe, out)?;
            let payload = saturating_u16(out.len().saturating_sub(IPV6_HEADER));
            put(out, 0, [0x60 | (NETWORK_CONTROL >> 4), 0, 0, 0]);
            put_u16(out, 4, payload);
            put(out, 6, [protocol::MOBILITY, HOP_LIMIT]);
            put(out, 8, source.octets());
            put(out, 24, destination.octets());
        }
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return None,
    }
    Some(())
}

/// Fills the inner packet up so that the outer one has the probe's size.
fn fill(tunnel: &TunnelPath, probe: &Probe, out: &mut Vec<u8>) -> Option<()> {
    if let Some(size) = probe.size {
        let inner = usize::from(size).checked_sub(own_overhead(tunnel)?)?;
        (inner >= out.len()).then_some(())?;
        out.resize(inner, 0);
    }
    Some(())
}

/// What the tunnel adds to packets of its own ends, which have no key.
fn own_overhead(tunnel: &TunnelPath) -> Option<usize> {
    let gre = Gre {
        key: None,
        sequence: tunnel.outer.gre_sequence.then_some(0),
    };
    let shim = Shim::of(tunnel.encapsulation, tunnel.outer.gre_in_tlv, gre);
    let udp = match Carrier::of(tunnel.encapsulation)? {
        Carrier::Udp => UDP_HEADER,
        Carrier::Ip | Carrier::Gre => 0,
    };
    let network = match (
        tunnel.encapsulation.is_ipv4_transport(),
        tunnel.outer.encapsulation_limit,
    ) {
        (true, _) => IPV4_HEADER,
        (false, None) => IPV6_HEADER,
        (false, Some(_)) => IPV6_HEADER.saturating_add(LIMIT_HEADER),
    };
    Some(network.saturating_add(udp).saturating_add(shim.length()))
}

/// The number of the probe that `packet`, an inner packet that came out as
/// [`Inbound::Local`](crate::Inbound::Local), answers; `None` where it is no heartbeat response.
/// Ask [`PathMtu::is_own`](super::PathMtu::is_own) whether it is a probe's and not the engine's.
pub fn answered(packet: &[u8]) -> Option<u32> {
    let read = Packet::parse(packet).ok()?;
    let header = match read.protocol {
        protocol::MOBILITY => read.transport?,
        protocol::UDP => read.transport?.saturating_add(UDP_HEADER),
        _ => return None,
    };
    let kind = u8_at(packet, header.saturating_add(2))?;
    let flags = u8_at(packet, header.saturating_add(7))?;
    // A response, and one that was asked for (RFC 5847 section 3.3).
    (kind == 13 && flags & 0b11 == 0b01).then_some(())?;
    u32_at(packet, header.saturating_add(8))
}
