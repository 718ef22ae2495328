//! Putting fragments of outer packets together (RFC 791 section 3.2, RFC 8200 section 4.5), for
//! those whose kernel does not do it: bounded in datagrams, octets and time.

use alloc::vec::Vec;
use core::net::IpAddr;
use core::ops::Range;
use core::time::Duration;

use pmip_wire::carrier::{ExtensionHeaders, protocol};
use pmip_wire::types::Instant;

use crate::ecn::Ecn;
use crate::octets::{put_u8, put_u16, saturating_u16, u8_at, u16_at, u32_at};
use crate::packet::{Fragment, IPV6_HEADER, Packet};
use crate::segment::put_ipv4_checksum;
use crate::time::later;

/// Pieces of one datagram: smaller ones than 65,535 / 128 are an attack.
const MAX_PIECES: usize = 128;

/// Bounds of a [`Reassembler`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReassemblerConfig {
    /// Datagrams under way; the oldest makes room. Default 64.
    pub max_datagrams: usize,
    /// Octets that they hold together. Default 1 MiB.
    pub max_octets: usize,
    /// How long a datagram waits for its pieces: 60 s (RFC 8200 section 4.5).
    pub timeout: Duration,
}

impl Default for ReassemblerConfig {
    fn default() -> Self {
        Self {
            max_datagrams: 64,
            max_octets: 1 << 20,
            timeout: Duration::from_secs(60),
        }
    }
}

/// What became of the fragments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReassemblyCounters {
    /// Packets put together.
    pub whole: u64,
    /// Fragments that were refused: malformed, overlapping others, too many.
    pub refused: u64,
    /// Packets given up after their time.
    pub timed_out: u64,
    /// Packets given up to make room.
    pub evicted: u64,
}

/// What [`Reassembler::push`] says of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whole<'a> {
    /// It is no fragment: take it as it is.
    AsItIs,
    /// It was the last piece missing: this is the packet.
    Complete(&'a [u8]),
    /// More is to come, or it was refused.
    Nothing,
}

/// Puts fragments together. Keeps its memory.
#[derive(Debug)]
pub struct Reassembler {
    config: ReassemblerConfig,
    /// Oldest first.
    datagrams: Vec<Datagram>,
    /// Memory of datagrams that ended.
    spare: Vec<Datagram>,
    octets: usize,
    finished: Vec<u8>,
    counters: ReassemblyCounters,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    source: IpAddr,
    destination: IpAddr,
    protocol: u8,
    identification: u32,
}

#[derive(Debug)]
struct Datagram {
    key: Key,
    deadline: Instant,
    /// The headers of the first piece; empty until it came.
    header: Vec<u8>,
    payload: Vec<u8>,
    /// What came, in order of arrival; ranges of `payload`.
    pieces: Vec<Range<usize>>,
    total: Option<usize>,
    ecn: Ecn,
    /// Pieces contradicted each other: the rest is refused (RFC 8200 section 4.5).
    refused: bool,
}

/// One fragment, read.
struct Piece {
    key: Key,
    header: Range<usize>,
    /// Where in the header the number of what follows is to be written, and that number.
    link: Option<(usize, u8)>,
    offset: usize,
    more: bool,
    payload: Range<usize>,
    ecn: Ecn,
}

impl Reassembler {
    /// A reassembler without fragments.
    pub fn new(config: ReassemblerConfig) -> Self {
        Self {
            config,
            datagrams: Vec::new(),
            spare: Vec::new(),
            octets: 0,
            finished: Vec::new(),
            counters: ReassemblyCounters::default(),
        }
    }

    /// What became of the fragments so far.
    pub const fn counters(&self) -> &ReassemblyCounters {
        &self.counters
    }

    /// Datagrams that wait for pieces.
    pub fn waiting(&self) -> usize {
        self.datagrams.len()
    }

    /// Takes a whole packet or a fragment of one.
    pub fn push(&mut self, now: Instant, packet: &[u8]) -> Whole<'_> {
        self.expire(now);
        let Ok(outer) = Packet::parse(packet) else {
            return self.refuse();
        };
        if outer.fragment == Fragment::None {
            return Whole::AsItIs;
        }
        let Some(piece) = Piece::read(packet, &outer) else {
            return self.refuse();
        };
        let at = self.datagram_of(now, &piece);
        let Some(datagram) = self.datagrams.get_mut(at) else {
            return self.refuse();
        };
        let before = datagram.payload.len();
        let taken = datagram.take(packet, &piece);
        let grown = datagram.payload.len().saturating_sub(before);
        self.octets = self.octets.saturating_add(grown);
        if !taken {
            return self.refuse();
        }
        if self.datagrams.get(at).is_some_and(Datagram::is_whole) {
            return self.finish(at);
        }
        self.make_room();
        Whole::Nothing
    }

    fn refuse(&mut self) -> Whole<'_> {
        self.counters.refused = self.counters.refused.saturating_add(1);
        Whole::Nothing
    }

    fn expire(&mut self, now: Instant) {
        while self
            .datagrams
            .first()
            .is_some_and(|first| first.deadline <= now)
        {
            self.counters.timed_out = self.counters.timed_out.saturating_add(1);
            self.end(0);
        }
    }

    fn make_room(&mut self) {
        let (most, octets) = (self.config.max_datagrams.max(1), self.config.max_octets);
        while self.datagrams.len() > most || (self.octets > octets && !self.datagrams.is_empty()) {
            self.counters.evicted = self.counters.evicted.saturating_add(1);
            self.end(0);
        }
    }

    /// Forgets a datagram, keeps its memory.
    fn end(&mut self, at: usize) {
        let mut datagram = self.datagrams.remove(at);
        self.octets = self.octets.saturating_sub(datagram.payload.len());
        datagram.header.clear();
        datagram.payload.clear();
        datagram.pieces.clear();
        self.spare.push(datagram);
    }

    /// Where the datagram of `piece` is; it may be new.
    fn datagram_of(&mut self, now: Instant, piece: &Piece) -> usize {
        let known = self
            .datagrams
            .iter()
            .position(|known| known.key == piece.key);
        if let Some(at) = known {
            return at;
        }
        let spare = self.spare.pop();
        let mut datagram = spare.unwrap_or_else(|| Datagram::new(piece));
        datagram.restart(piece, later(now, self.config.timeout));
        self.datagrams.push(datagram);
        self.datagrams.len().saturating_sub(1)
    }

    fn finish(&mut self, at: usize) -> Whole<'_> {
        self.finished.clear();
        if let Some(datagram) = self.datagrams.get(at) {
            datagram.write(&mut self.finished);
        }
        self.end(at);
        self.counters.whole = self.counters.whole.saturating_add(1);
        Whole::Complete(&self.finished)
    }
}

impl Datagram {
    fn new(piece: &Piece) -> Self {
        Self {
            key: piece.key,
            deadline: Instant::ZERO,
            header: Vec::new(),
            payload: Vec::new(),
            pieces: Vec::new(),
            total: None,
            ecn: piece.ecn,
            refused: false,
        }
    }

    fn restart(&mut self, piece: &Piece, deadline: Instant) {
        self.key = piece.key;
        self.deadline = deadline;
        self.total = None;
        self.ecn = piece.ecn;
        self.refused = false;
    }

    /// Takes a piece in; whether it may be there.
    fn take(&mut self, packet: &[u8], piece: &Piece) -> bool {
        if self.refused {
            return false;
        }
        let octets = packet.get(piece.payload.clone()).unwrap_or(&[]);
        let range = piece.offset..piece.offset.saturating_add(octets.len());
        // The same piece twice is no attack: networks do that.
        if self.pieces.contains(&range) {
            return true;
        }
        let agrees = self.agrees(piece, &range);
        let ecn = merged(self.ecn, piece.ecn);
        let (true, Some(ecn)) = (agrees, ecn) else {
            self.refused = true;
            self.pieces.clear();
            return false;
        };
        self.ecn = ecn;
        if !piece.more {
            self.total = Some(range.end);
        }
        if self.payload.len() < range.end {
            self.payload.resize(range.end, 0);
        }
        if let Some(place) = self.payload.get_mut(range.clone()) {
            place.copy_from_slice(octets);
        }
        self.pieces.push(range);
        if piece.offset == 0 {
            self.take_header(packet, piece);
        }
        true
    }

    fn agrees(&self, piece: &Piece, range: &Range<usize>) -> bool {
        let shape = !range.is_empty()
            && range.end.saturating_add(piece.header.len()) <= usize::from(u16::MAX)
            && (!piece.more || range.len().is_multiple_of(8));
        let free = |held: &Range<usize>| held.end <= range.start || range.end <= held.start;
        let end = match (self.total, piece.more) {
            (None, true) => true,
            (None, false) => self.pieces.iter().all(|held| held.end <= range.end),
            (Some(total), true) => range.end <= total,
            (Some(_), false) => false,
        };
        shape && end && self.pieces.len() < MAX_PIECES && self.pieces.iter().all(free)
    }

    fn take_header(&mut self, packet: &[u8], piece: &Piece) {
        self.header.clear();
        let octets = packet.get(piece.header.clone()).unwrap_or(&[]);
        self.header.extend_from_slice(octets);
        if let Some((at, number)) = piece.link {
            put_u8(&mut self.header, at, number);
        }
    }

    fn is_whole(&self) -> bool {
        let held = self.pieces.iter().map(Range::len);
        let held = held.fold(0usize, usize::saturating_add);
        // Nothing overlaps, so that the sum tells.
        !self.header.is_empty() && self.total == Some(held)
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.header);
        out.extend_from_slice(&self.payload);
        let length = out.len();
        let second = u8_at(out, 1).unwrap_or(0);
        if self.key.source.is_ipv4() {
            put_u8(out, 1, (second & 0xfc) | self.ecn.bits());
            put_u16(out, 2, saturating_u16(length));
            put_u16(out, 6, 0);
            put_ipv4_checksum(out, self.header.len());
        } else {
            put_u8(out, 1, (second & 0xcf) | (self.ecn.bits() << 4));
            put_u16(out, 4, saturating_u16(length.saturating_sub(IPV6_HEADER)));
        }
    }
}

/// The ECN field of a packet that had `held` and `new` on its pieces; `None` = discard it
/// (RFC 3168 section 5.3).
const fn merged(held: Ecn, new: Ecn) -> Option<Ecn> {
    match (held, new) {
        (Ecn::Ce, Ecn::NotEct) | (Ecn::NotEct, Ecn::Ce) => None,
        (Ecn::Ce, _) | (_, Ecn::Ce) => Some(Ecn::Ce),
        _ => Some(held),
    }
}

impl Piece {
    fn read(packet: &[u8], outer: &Packet) -> Option<Self> {
        match outer.is_ipv4() {
            true => Self::read_ipv4(packet, outer),
            false => Self::read_ipv6(packet, outer),
        }
    }

    fn read_ipv4(packet: &[u8], outer: &Packet) -> Option<Self> {
        let header = usize::from(u8_at(packet, 0)? & 0x0f).saturating_mul(4);
        let field = u16_at(packet, 6)?;
        Some(Self {
            key: Key {
                source: outer.source,
                destination: outer.destination,
                protocol: outer.protocol,
                identification: u16_at(packet, 4)?.into(),
            },
            header: 0..header,
            link: None,
            offset: usize::from(field & 0x1fff).saturating_mul(8),
            more: field & 0x2000 != 0,
            payload: header..outer.length,
            ecn: Ecn::of(outer.traffic_class),
        })
    }

    fn read_ipv6(packet: &[u8], outer: &Packet) -> Option<Self> {
        let whole = packet.get(..outer.length)?;
        let first = u8_at(packet, 6)?;
        let start = u16::try_from(IPV6_HEADER).ok()?;
        let mut link = 6;
        for header in ExtensionHeaders::new(first, whole.get(IPV6_HEADER..)?, start) {
            let header = header.ok()?;
            let at = usize::from(header.offset());
            if header.protocol() != protocol::FRAGMENT {
                link = at;
                continue;
            }
            let field = u16_at(packet, at.saturating_add(2))?;
            return Some(Self {
                key: Key {
                    source: outer.source,
                    destination: outer.destination,
                    protocol: protocol::FRAGMENT,
                    identification: u32_at(packet, at.saturating_add(4))?,
                },
                header: 0..at,
                link: Some((link, header.next_header())),
                offset: usize::from(field & 0xfff8),
                more: field & 1 != 0,
                payload: at.saturating_add(super::fragment::FRAGMENT_HEADER)..outer.length,
                ecn: Ecn::of(outer.traffic_class),
            });
        }
        None
    }
}
