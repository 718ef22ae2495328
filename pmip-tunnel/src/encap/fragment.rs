//! Cutting outer packets that their path does not take whole (RFC 791 section 2.3, RFC 8200 section
//! 4.5), for those whose kernel does not do it.

use core::ops::Range;

use crate::octets::{put_u8, put_u16, put_u32, saturating_u16, u8_at, u16_at};
use crate::packet::{IPV4_HEADER, IPV6_HEADER, Packet, PacketError, protocol};
use crate::segment::put_ipv4_checksum;

/// Octets of an IPv6 Fragment header.
pub(super) const FRAGMENT_HEADER: usize = 8;
/// IPv6 header, a destination options header with the encapsulation limit, Fragment header.
const MAX_HEADER: usize = IPV6_HEADER + super::limit::LIMIT_HEADER + FRAGMENT_HEADER;

/// Why an outer packet cannot be cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FragmentError {
    /// It is damaged.
    #[error("outer header: {0}")]
    Outer(#[from] PacketError),
    /// It has IPv4 options or extension headers that a tunnel does not put in.
    #[error("the outer packet has headers that no tunnel of ours has")]
    Headers,
    /// It must not be cut: Don't Fragment is set.
    #[error("Don't Fragment is set")]
    DontFragment,
    /// The MTU has no room for headers and 8 octets.
    #[error("an MTU of {0} octets is too small for any fragment")]
    Mtu(u16),
}

/// One fragment: its header, and which piece of the whole packet follows.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OuterFragment {
    octets: [u8; MAX_HEADER],
    length: usize,
    /// The piece of the whole packet that follows the header.
    pub payload: Range<usize>,
}

impl OuterFragment {
    /// The header.
    pub fn header(&self) -> &[u8] {
        self.octets.get(..self.length).unwrap_or(&[])
    }
}

/// The fragments of one outer packet, in order; see [`fragments`].
#[derive(Clone, Debug)]
pub struct Fragments {
    header: [u8; MAX_HEADER],
    /// Octets of `header` that are in use, Fragment header included.
    length: usize,
    ipv4: bool,
    /// What the packet's own header takes.
    start: usize,
    at: usize,
    end: usize,
    /// Octets of payload in each but the last, a multiple of 8.
    size: usize,
}

/// Cuts `packet`, a whole outer packet such as [`Outer::write`](super::Outer::write) begins, so that
/// no piece is longer than `mtu`. `identification` tells the pieces of different packets apart; the
/// IPv4 field takes its lower 16 bits. What fits is one piece without a change.
///
/// # Errors
/// [`FragmentError`].
pub fn fragments(packet: &[u8], mtu: u16, identification: u32) -> Result<Fragments, FragmentError> {
    let outer = Packet::parse(packet)?;
    let fits = outer.length <= usize::from(mtu);
    let own = match outer.is_ipv4() {
        true => ipv4_header(packet)?,
        false => ipv6_headers(packet)?,
    };
    let mut header = [0; MAX_HEADER];
    copy(&mut header, packet, own);
    let mut length = own;
    match (fits, outer.is_ipv4()) {
        (true, _) => {}
        (false, true) if outer.dont_fragment => return Err(FragmentError::DontFragment),
        (false, true) => {
            let [_, _, i0, i1] = identification.to_be_bytes();
            put_u16(&mut header, 4, u16::from_be_bytes([i0, i1]));
        }
        (false, false) => {
            add_fragment_header(&mut header, own, identification);
            length = own.saturating_add(FRAGMENT_HEADER);
        }
    }
    let room = usize::from(mtu).saturating_sub(length) & !7;
    if !fits && room == 0 {
        return Err(FragmentError::Mtu(mtu));
    }
    Ok(Fragments {
        header,
        length,
        ipv4: outer.is_ipv4(),
        start: own,
        at: own,
        end: outer.length,
        size: if fits { outer.length } else { room },
    })
}

impl Iterator for Fragments {
    type Item = OuterFragment;

    fn next(&mut self) -> Option<OuterFragment> {
        let first = self.at == self.start;
        if self.at >= self.end && !first {
            return None;
        }
        let end = self.at.saturating_add(self.size).min(self.end);
        let whole = first && end == self.end;
        let payload = self.at..end;
        let mut fragment = OuterFragment {
            octets: self.header,
            length: self.length,
            payload: payload.clone(),
        };
        if !whole {
            self.number(&mut fragment.octets, payload);
        }
        // A packet without payload is one piece too.
        self.at = end.max(self.start.saturating_add(1));
        Some(fragment)
    }
}

impl Fragments {
    /// Writes lengths, offset and the flag that more follow.
    fn number(&self, header: &mut [u8], payload: Range<usize>) {
        let offset = saturating_u16(payload.start.saturating_sub(self.start));
        let more = payload.end < self.end;
        let own = self.length.saturating_add(payload.len());
        if self.ipv4 {
            put_u16(header, 2, saturating_u16(own));
            put_u16(header, 6, (offset >> 3) | if more { 0x2000 } else { 0 });
            put_ipv4_checksum(header, IPV4_HEADER);
            return;
        }
        put_u16(header, 4, saturating_u16(own.saturating_sub(IPV6_HEADER)));
        let field = self
            .length
            .saturating_sub(FRAGMENT_HEADER)
            .saturating_add(2);
        put_u16(header, field, offset | u16::from(more));
    }
}

fn ipv4_header(packet: &[u8]) -> Result<usize, FragmentError> {
    match u8_at(packet, 0) {
        Some(0x45) => Ok(IPV4_HEADER),
        _ => Err(FragmentError::Headers),
    }
}

/// The IPv6 header and, before the Fragment header so that every tunnel on the way sees it, the
/// encapsulation limit.
fn ipv6_headers(packet: &[u8]) -> Result<usize, FragmentError> {
    match (u8_at(packet, 6), u16_at(packet, IPV6_HEADER)) {
        (Some(protocol::DESTINATION_OPTIONS), Some(word)) if word & 0xff == 0 => {
            Ok(IPV6_HEADER.saturating_add(super::limit::LIMIT_HEADER))
        }
        (Some(protocol::IPV4 | protocol::IPV6 | protocol::GRE), _) => Ok(IPV6_HEADER),
        _ => Err(FragmentError::Headers),
    }
}

fn copy(header: &mut [u8], packet: &[u8], length: usize) {
    if let (Some(to), Some(from)) = (header.get_mut(..length), packet.get(..length)) {
        to.copy_from_slice(from);
    }
}

fn add_fragment_header(header: &mut [u8], own: usize, identification: u32) {
    let link = if own == IPV6_HEADER { 6 } else { IPV6_HEADER };
    let next = u8_at(header, link).unwrap_or(protocol::NO_NEXT_HEADER);
    put_u8(header, link, protocol::FRAGMENT);
    put_u8(header, own, next);
    put_u32(header, own.saturating_add(4), identification);
}
