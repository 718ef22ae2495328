//! ICMP errors to inner senders (RFC 792, RFC 1191 section 4, RFC 4443 section 3), with as much of
//! the packet quoted as fits, and those of the networks that carry the tunnels.

mod underlay;

use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use pmip_wire::checksum::Checksum;
use pmip_wire::types::Instant;

use crate::octets::{put_u16, saturating_u16, u8_at};
use crate::packet::{IPV4_HEADER, IPV6_HEADER, Packet, protocol};
use crate::segment::put_ipv4_checksum;

pub use underlay::{UnderlayError, UnderlayProblem};

/// An ICMPv4 error is at most this long (RFC 1812 section 4.3.2.3).
const ICMPV4_LIMIT: usize = 576;
/// An ICMPv6 error is at most this long: the minimum MTU (RFC 4443 section 2.4 (c)).
const ICMPV6_LIMIT: usize = 1280;
const ICMP_HEADER: usize = 8;
const HOP_LIMIT: u8 = 64;

/// Whether an error about `packet` may be sent at all (RFC 1812 section 4.3.2.7, RFC 4443 section
/// 2.4 (e)): never about errors, later fragments, or to senders that are not one host. Where the
/// upper layer cannot be seen it may be an error, so there is no answer either.
pub(crate) fn may_answer(data: &[u8], packet: &Packet) -> bool {
    if packet.transport.is_none() || is_icmp_error(data, packet) {
        return false;
    }
    match (packet.source, packet.destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            !(source.is_unspecified()
                || source.is_multicast()
                || source.is_broadcast()
                || source.is_loopback()
                || destination.is_multicast()
                || destination.is_broadcast())
        }
        // Packet too big answers multicast as well (RFC 4443 section 2.4 (e.3)).
        (IpAddr::V6(source), _) => {
            !(source.is_unspecified() || source.is_multicast() || source.is_loopback())
        }
        (IpAddr::V4(_), IpAddr::V6(_)) => false,
    }
}

fn is_icmp_error(data: &[u8], packet: &Packet) -> bool {
    let kind = packet.transport.and_then(|at| u8_at(data, at));
    match (packet.protocol, kind) {
        (protocol::ICMP, Some(kind)) => matches!(kind, 3 | 4 | 5 | 11 | 12),
        (protocol::ICMPV6, Some(kind)) => kind < 128 || kind == 137,
        (protocol::ICMP | protocol::ICMPV6, None) => true,
        _ => false,
    }
}

/// What a sender is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// Larger than this many octets: IPv4 type 3 code 4, IPv6 type 2.
    TooBig(u16),
    /// The tunnel does not get there (RFC 2473 sections 8.2 and 8.3): IPv4 type 3 code 1, IPv6 type
    /// 1 code 3.
    Unreachable,
    /// A rule forbids it: IPv4 type 3 code 13 (RFC 1812 section 5.2.7.1), IPv6 type 1 code 1.
    Prohibited,
    /// The octet at this place is wrong: IPv6 type 4 code 0. IPv4 packets have no such place.
    Octet(u16),
}

impl Problem {
    /// The ICMP header with checksum 0.
    const fn header(self, ipv4: bool) -> [u8; ICMP_HEADER] {
        match (self, ipv4) {
            (Self::TooBig(mtu), true) => {
                let [m0, m1] = mtu.to_be_bytes();
                [3, 4, 0, 0, 0, 0, m0, m1]
            }
            (Self::TooBig(mtu), false) => {
                let [m0, m1] = mtu.to_be_bytes();
                [2, 0, 0, 0, 0, 0, m0, m1]
            }
            (Self::Octet(at), false) => {
                let [a0, a1] = at.to_be_bytes();
                [4, 0, 0, 0, 0, 0, a0, a1]
            }
            (Self::Unreachable | Self::Octet(_), true) => [3, 1, 0, 0, 0, 0, 0, 0],
            (Self::Unreachable, false) => [1, 3, 0, 0, 0, 0, 0, 0],
            (Self::Prohibited, true) => [3, 13, 0, 0, 0, 0, 0, 0],
            (Self::Prohibited, false) => [1, 1, 0, 0, 0, 0, 0, 0],
        }
    }
}

/// Builds an ICMPv4 error about the packet `quoted` behind `out`.
pub(crate) fn build_v4(
    source: Ipv4Addr,
    destination: Ipv4Addr,
    problem: Problem,
    quoted: &[u8],
    out: &mut Vec<u8>,
) {
    let room = ICMPV4_LIMIT.saturating_sub(IPV4_HEADER.saturating_add(ICMP_HEADER));
    let quoted = quoted.get(..room).unwrap_or(quoted);
    let length = IPV4_HEADER
        .saturating_add(ICMP_HEADER)
        .saturating_add(quoted.len());
    let start = out.len();
    let [l0, l1] = saturating_u16(length).to_be_bytes();
    out.extend_from_slice(&[0x45, 0, l0, l1, 0, 0, 0, 0, HOP_LIMIT, protocol::ICMP, 0, 0]);
    out.extend_from_slice(&source.octets());
    out.extend_from_slice(&destination.octets());
    put_ipv4_checksum(out.get_mut(start..).unwrap_or(&mut []), IPV4_HEADER);
    out.extend_from_slice(&problem.header(true));
    out.extend_from_slice(quoted);
    let body = out
        .get_mut(start.saturating_add(IPV4_HEADER)..)
        .unwrap_or(&mut []);
    put_checksum(body, Checksum::new());
}

/// Builds an ICMPv6 error about the packet `quoted` behind `out`.
pub(crate) fn build_v6(
    source: Ipv6Addr,
    destination: Ipv6Addr,
    problem: Problem,
    quoted: &[u8],
    out: &mut Vec<u8>,
) {
    let room = ICMPV6_LIMIT.saturating_sub(IPV6_HEADER.saturating_add(ICMP_HEADER));
    let quoted = quoted.get(..room).unwrap_or(quoted);
    let payload = ICMP_HEADER.saturating_add(quoted.len());
    let start = out.len();
    let [l0, l1] = saturating_u16(payload).to_be_bytes();
    out.extend_from_slice(&[0x60, 0, 0, 0, l0, l1, protocol::ICMPV6, HOP_LIMIT]);
    out.extend_from_slice(&source.octets());
    out.extend_from_slice(&destination.octets());
    out.extend_from_slice(&problem.header(false));
    out.extend_from_slice(quoted);
    let length = u32::try_from(payload).unwrap_or(u32::MAX);
    let pseudo = Checksum::ipv6_pseudo_header(source, destination, length, protocol::ICMPV6);
    let body = out
        .get_mut(start.saturating_add(IPV6_HEADER)..)
        .unwrap_or(&mut []);
    put_checksum(body, pseudo);
}

fn put_checksum(body: &mut [u8], mut checksum: Checksum) {
    checksum.add(body);
    put_u16(body, 2, checksum.finish());
}

/// Bounds the errors sent (RFC 1812 section 4.3.2.8, RFC 4443 section 2.4 (f)): 100 a second on
/// average, 50 at once.
#[derive(Clone, Debug)]
pub(crate) struct Limiter {
    tokens: u32,
    refilled: Instant,
}

impl Limiter {
    const BURST: u32 = 50;
    const INTERVAL_MS: u128 = 10;

    pub(crate) fn new() -> Self {
        Self {
            tokens: Self::BURST,
            refilled: Instant::ZERO,
        }
    }

    pub(crate) fn allows(&mut self, now: Instant) -> bool {
        let passed = now.saturating_since(self.refilled);
        let earned = passed.as_millis() / Self::INTERVAL_MS;
        if earned > 0 {
            let earned = u32::try_from(earned).unwrap_or(u32::MAX);
            self.tokens = self.tokens.saturating_add(earned).min(Self::BURST);
            self.refilled = now;
        }
        let allowed = self.tokens > 0;
        self.tokens = self.tokens.saturating_sub(1);
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    /// An IPv6 packet with `count` destination option headers in front of an echo request.
    fn behind_headers(count: usize) -> Vec<u8> {
        let mut packet = vec![0; 40];
        packet[0] = 0x60;
        packet[4..6].copy_from_slice(&u16::try_from(count * 8 + 8).expect("short").to_be_bytes());
        packet[6] = if count == 0 { 58 } else { 60 };
        packet[7] = 64;
        packet[8..10].copy_from_slice(&[0x20, 0x01]);
        packet[23] = 1;
        packet[24..26].copy_from_slice(&[0x20, 0x01]);
        packet[39] = 2;
        for header in (0..count).rev() {
            let next = if header == 0 { 58 } else { 60 };
            packet.extend_from_slice(&[next, 0, 1, 4, 0, 0, 0, 0]);
        }
        packet.extend_from_slice(&[128, 0, 0, 0, 0, 0, 0, 0]);
        packet
    }

    #[test]
    fn what_cannot_be_seen_is_not_answered_as_it_may_be_an_error() {
        for (count, answered) in [(0, true), (3, true), (40, false)] {
            let data = behind_headers(count);
            let packet = Packet::parse(&data).expect("a packet");
            assert_eq!(may_answer(&data, &packet), answered, "{count} headers");
        }
    }
}
