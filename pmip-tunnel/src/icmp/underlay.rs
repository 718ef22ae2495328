//! Errors of the networks that carry tunnels: what they say, and which tunnel packet they are about
//! (RFC 2473 section 8.1, RFC 8899 section 4.6).

use core::net::{IpAddr, SocketAddr};
use core::ops::Range;

use super::ICMP_HEADER;
use crate::encap::{Carrier, InnerLimit, open};
use crate::octets::{array_at, u8_at, u16_at};
use crate::packet::{Fragment, Packet, protocol};
use crate::segment::UDP_HEADER;

/// What a network says is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnderlayProblem {
    /// The outer packet is larger than this many octets; `None` where an old router does not say
    /// how many.
    TooBig(Option<u16>),
    /// The other end cannot be reached.
    Unreachable,
    /// The outer hop limit was used up on the way.
    HopLimit,
    /// The encapsulation limit was used up: the tunnel leads through itself (RFC 2473 section
    /// 4.1.1).
    EncapsulationLimit,
    /// Something else.
    Other,
}

/// An ICMP error about a tunnel packet.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnderlayError {
    /// What is wrong.
    pub problem: UnderlayProblem,
    /// Our end of the tunnel: the source of the packet.
    pub local: IpAddr,
    /// The other end: its destination, with the UDP port or 0.
    pub remote: SocketAddr,
    /// How the packet was carried.
    pub carrier: Carrier,
    /// What is quoted behind the packet's outer headers; it may be cut anywhere.
    pub quoted: Range<usize>,
}

impl UnderlayError {
    /// Reads `packet`, an IP packet that was sent to us; `None` where that is no ICMP error about a
    /// packet that a tunnel could have sent, or its checksum is wrong.
    pub fn parse(packet: &[u8]) -> Option<Self> {
        let outer = Packet::parse(packet).ok()?;
        let at = outer
            .transport
            .filter(|_| outer.fragment == Fragment::None)?;
        let whole = packet.get(..outer.length)?;
        checksum_is_valid(whole, &outer, at).then_some(())?;
        let start = at.saturating_add(ICMP_HEADER);
        let mut error = Self::about(whole, start)?;
        error.problem = match outer.protocol {
            protocol::ICMP => problem_v4(whole, at)?,
            protocol::ICMPV6 => problem_v6(whole, at, start)?,
            _ => return None,
        };
        Some(error)
    }

    /// Reads an error that a socket tells of: `problem`, and the packet that it is about from its
    /// IP header on.
    pub fn of_socket(problem: UnderlayProblem, packet: &[u8]) -> Option<Self> {
        Some(Self {
            problem,
            ..Self::about(packet, 0)?
        })
    }

    fn about(data: &[u8], start: usize) -> Option<Self> {
        let quoted = data.get(start..)?;
        let packet = Packet::parse_quoted(quoted).ok()?;
        let transport = packet.transport?;
        let carrier = Carrier::from_protocol(packet.protocol)?;
        let (port, own) = match carrier {
            Carrier::Udp => (u16_at(quoted, transport.saturating_add(2))?, UDP_HEADER),
            Carrier::Ip | Carrier::Gre => (0, 0),
        };
        let payload = start.saturating_add(transport).saturating_add(own);
        // The quoted packet ends where its header says: padding and extensions may follow.
        let end = start.saturating_add(packet.length).min(data.len());
        Some(Self {
            problem: UnderlayProblem::Other,
            local: packet.source,
            remote: SocketAddr::new(packet.destination, port),
            carrier,
            quoted: payload.min(end)..end,
        })
    }

    /// Where the inner packet starts in `data`, which [`quoted`](Self::quoted) is a range of;
    /// `None` where too little is quoted.
    pub(crate) fn inner(&self, data: &[u8]) -> Option<usize> {
        let quoted = data.get(self.quoted.clone())?;
        // A TLV length contradicts a cut packet: it is read by hand.
        let tlv = match (self.carrier, u8_at(quoted, 0)?) {
            (Carrier::Udp, 0) => 4,
            _ => 0,
        };
        let carrier = match (tlv, u8_at(quoted, 1)?) {
            (4, protocol::GRE) => Carrier::Gre,
            (4, _) => Carrier::Ip,
            _ => self.carrier,
        };
        let shim = open(carrier, quoted.get(tlv..)?)?;
        let start = self.quoted.start.saturating_add(tlv);
        Some(start.saturating_add(shim.start))
    }
}

fn checksum_is_valid(packet: &[u8], outer: &Packet, at: usize) -> bool {
    let body = packet.get(at..).unwrap_or(&[]);
    let mut checksum = match (outer.protocol, outer.addresses()) {
        (protocol::ICMPV6, Some(addresses)) => {
            crate::segment::pseudo_header(&addresses, body.len(), protocol::ICMPV6)
        }
        _ => pmip_wire::checksum::Checksum::new(),
    };
    checksum.add(body);
    checksum.is_valid()
}

/// RFC 792, RFC 1191 section 4.
fn problem_v4(packet: &[u8], at: usize) -> Option<UnderlayProblem> {
    let [kind, code] = array_at(packet, at)?;
    Some(match (kind, code) {
        (3, 4) => {
            let mtu = u16_at(packet, at.saturating_add(6))?;
            UnderlayProblem::TooBig((mtu != 0).then_some(mtu))
        }
        (3, _) => UnderlayProblem::Unreachable,
        (11, 0) => UnderlayProblem::HopLimit,
        (12, _) => UnderlayProblem::Other,
        _ => return None,
    })
}

/// RFC 4443 section 3.
fn problem_v6(packet: &[u8], at: usize, quoted: usize) -> Option<UnderlayProblem> {
    let [kind, code] = array_at(packet, at)?;
    let word = array_at(packet, at.saturating_add(4)).map(u32::from_be_bytes)?;
    Some(match (kind, code) {
        (1, _) => UnderlayProblem::Unreachable,
        (2, _) => UnderlayProblem::TooBig(u16::try_from(word).ok()),
        (3, 0) => UnderlayProblem::HopLimit,
        (4, 0) if points_to_used_up_limit(packet.get(quoted..)?, word) => {
            UnderlayProblem::EncapsulationLimit
        }
        (4, _) => UnderlayProblem::Other,
        _ => return None,
    })
}

fn points_to_used_up_limit(quoted: &[u8], pointer: u32) -> bool {
    InnerLimit::of(quoted)
        .is_some_and(|limit| limit.value == 0 && u32::from(limit.offset) == pointer)
}
