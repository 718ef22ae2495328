//! Clamps the Maximum Segment Size option of TCP SYN segments (RFC 9293 section 3.7.1), so that
//! hosts behind the tunnel do not have to learn its MTU by losing packets.

use crate::octets::{put_u16, u8_at, u16_at, update_checksum};
use crate::packet::{Fragment, IPV4_HEADER, IPV6_HEADER, Packet, protocol};
use crate::segment::{TCP_HEADER, flag, tcp_header_length};

const END_OF_OPTIONS: u8 = 0;
const NO_OPERATION: u8 = 1;
const MAXIMUM_SEGMENT_SIZE: u8 = 2;

/// The largest MSS whose segments, without IP or TCP options, fit `mtu`.
pub(crate) fn limit(packet: &Packet, mtu: u16) -> u16 {
    let headers = match packet.is_ipv4() {
        true => IPV4_HEADER,
        false => IPV6_HEADER,
    };
    let headers = u16::try_from(headers.saturating_add(TCP_HEADER)).unwrap_or(u16::MAX);
    mtu.saturating_sub(headers)
}

/// Octets up to the end of the TCP header when `data` is a whole TCP SYN.
#[inline]
pub(crate) fn syn_header_length(data: &[u8], packet: &Packet) -> Option<usize> {
    if packet.protocol != protocol::TCP || packet.fragment != Fragment::None {
        return None;
    }
    let transport = packet.transport?;
    let flags = u8_at(data, transport.saturating_add(13))?;
    if flags & flag::SYN == 0 {
        return None;
    }
    let end = transport.saturating_add(tcp_header_length(data, transport)?);
    (end <= packet.length).then_some(end)
}

/// Whether a TCP checksum field holds the checksum or only the pseudo header's sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChecksumState {
    Full,
    Partial,
}

/// Lowers the MSS option of the SYN in `header` to `limit` and corrects a full TCP checksum.
pub(crate) fn clamp(header: &mut [u8], packet: &Packet, limit: u16, state: ChecksumState) {
    let (Some(transport), Some(end)) = (packet.transport, syn_header_length(header, packet)) else {
        return;
    };
    let Some(at) = option_at(header, transport, end) else {
        return;
    };
    let old = u16_at(header, at).unwrap_or(0);
    if old <= limit {
        return;
    }
    put_u16(header, at, limit);
    if state == ChecksumState::Full {
        // An option at an odd offset sits across two summed words: both octets swap places.
        let (old, new) = match at.saturating_sub(transport) % 2 {
            0 => (old, limit),
            _ => (old.swap_bytes(), limit.swap_bytes()),
        };
        let field = transport.saturating_add(16);
        let checksum = u16_at(header, field).unwrap_or(0);
        put_u16(header, field, update_checksum(checksum, old, new));
    }
}

/// Where the value of the MSS option is.
fn option_at(header: &[u8], transport: usize, end: usize) -> Option<usize> {
    let mut at = transport.saturating_add(TCP_HEADER);
    while at < end {
        match u8_at(header, at)? {
            END_OF_OPTIONS => return None,
            NO_OPERATION => at = at.saturating_add(1),
            kind => {
                let length = usize::from(u8_at(header, at.saturating_add(1))?);
                if length < 2 || at.saturating_add(length) > end {
                    return None;
                }
                if kind == MAXIMUM_SEGMENT_SIZE && length == 4 {
                    return Some(at.saturating_add(2));
                }
                at = at.saturating_add(length);
            }
        }
    }
    None
}
