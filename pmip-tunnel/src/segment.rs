//! Cuts super-packets and completes checksums, writing new headers into an arena and pointing at
//! the payload where it lies: nothing is copied but headers.

use alloc::vec::Vec;
use core::ops::Range;

use pmip_wire::checksum::Checksum;

use crate::mss::{self, ChecksumState};
use crate::octets::{put_u8, put_u16, put_u32, saturating_u16, u8_at, u16_at, u32_at};
use crate::offload::{PacketOffload, PartialChecksum, Segmentation, SegmentationKind};
use crate::packet::{AddressPair, Fragment, IPV6_HEADER, Packet, protocol};

/// TCP flags (RFC 9293 section 3.1, RFC 3168 section 6.1).
pub(crate) mod flag {
    pub(crate) const FIN: u8 = 0x01;
    pub(crate) const SYN: u8 = 0x02;
    pub(crate) const PSH: u8 = 0x08;
    pub(crate) const ACK: u8 = 0x10;
    pub(crate) const CWR: u8 = 0x80;
}

/// Length of a TCP header without options.
pub(crate) const TCP_HEADER: usize = 20;
/// Length of a UDP header.
pub(crate) const UDP_HEADER: usize = 8;

/// One packet to send: a header in the arena, possibly empty, followed by a piece of the packet it
/// was cut from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    header: Range<usize>,
    payload: Range<usize>,
}

impl Segment {
    /// The piece of the packet it was cut from.
    pub fn payload(&self) -> Range<usize> {
        self.payload.clone()
    }

    /// Octets of header and payload together.
    pub fn length(&self) -> usize {
        self.header.len().saturating_add(self.payload.len())
    }
}

/// Headers and segments of one batch. Keeps its memory when cleared, so that a running data plane
/// does not allocate.
#[derive(Clone, Debug, Default)]
pub struct SegmentArena {
    headers: Vec<u8>,
    segments: Vec<Segment>,
    /// Octets to leave free in front of each header, for what the tunnel puts there.
    front: usize,
}

impl SegmentArena {
    /// An empty arena.
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets all segments, keeps the memory.
    pub fn clear(&mut self) {
        self.headers.clear();
        self.segments.clear();
    }

    /// All segments, in the order of cutting.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The new header of `segment`: empty where the packet goes as it is.
    pub fn header(&self, segment: &Segment) -> &[u8] {
        self.headers.get(segment.header.clone()).unwrap_or(&[])
    }

    /// Copies header and payload of `segment`, cut from `packet`, behind `out`.
    pub fn copy_to(&self, segment: &Segment, packet: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(self.header(segment));
        out.extend_from_slice(packet.get(segment.payload.clone()).unwrap_or(&[]));
    }

    fn push_whole(&mut self, length: usize) {
        let start = self.start_header(&[]);
        self.push_with_header(start, 0..length);
    }

    /// Starts a header with a copy of `header`; [`Self::push_with_header`] ends it.
    fn start_header(&mut self, header: &[u8]) -> usize {
        self.headers
            .resize(self.headers.len().saturating_add(self.front), 0);
        let start = self.headers.len();
        self.headers.extend_from_slice(header);
        start
    }

    fn header_mut(&mut self, start: usize) -> &mut [u8] {
        self.headers.get_mut(start..).unwrap_or(&mut [])
    }

    fn push_with_header(&mut self, start: usize, payload: Range<usize>) {
        let header = start.saturating_sub(self.front)..self.headers.len();
        self.segments.push(Segment { header, payload });
    }

    /// From now on leaves `front` octets free before each packet.
    pub(crate) const fn leave_front(&mut self, front: usize) {
        self.front = front;
    }

    /// The `front` octets that were left free before the packet of segment number `index`, and the
    /// length of that packet.
    pub(crate) fn front_mut(&mut self, index: usize, front: usize) -> Option<(&mut [u8], usize)> {
        let segment = self.segments.get(index)?;
        let length = segment.length().saturating_sub(front);
        let start = segment.header.start;
        let end = start.saturating_add(front);
        Some((self.headers.get_mut(start..end)?, length))
    }

    /// Forgets the segments from number `first` on.
    pub(crate) fn truncate(&mut self, first: usize) {
        if let Some(segment) = self.segments.get(first) {
            self.headers.truncate(segment.header.start);
        }
        self.segments.truncate(first);
    }

    /// Adds a packet that goes as it is.
    pub(crate) fn push_packet(&mut self, length: usize) {
        self.push_whole(length);
    }

    /// Adds a packet that lies in the arena as a whole.
    pub(crate) fn push_built(&mut self, build: impl FnOnce(&mut Vec<u8>)) {
        let start = self.headers.len();
        build(&mut self.headers);
        let header = start..self.headers.len();
        self.segments.push(Segment {
            header,
            payload: 0..0,
        });
    }
}

/// The packet and what the kernel said about it contradict each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the packet's headers do not fit the offload that was announced for it")]
pub struct OffloadMismatch;

/// Cuts `data` as `offload` says into `arena`, completes its checksum, and lowers the MSS option of
/// a TCP SYN to `mss_limit` where that is given.
///
/// `packet` must be what [`Packet::parse`] read from `data`. An ordinary packet becomes one
/// segment.
///
/// # Errors
/// [`OffloadMismatch`] when `data` is not what `offload` says; the arena is as before.
pub fn cut(
    data: &[u8],
    packet: &Packet,
    offload: PacketOffload,
    mss_limit: Option<u16>,
    arena: &mut SegmentArena,
) -> Result<(), OffloadMismatch> {
    match offload.segmentation {
        Some(segmentation) => {
            let layout = Layout::of(data, packet, segmentation)?;
            layout.cut(data, arena)
        }
        None => single(data, packet, offload.checksum, mss_limit, arena),
    }
}

/// Octets of headers that every segment of a super-packet has; `None` where `data` is not what
/// `segmentation` says.
pub(crate) fn header_length(
    data: &[u8],
    packet: &Packet,
    segmentation: Segmentation,
) -> Option<usize> {
    Layout::of(data, packet, segmentation)
        .ok()
        .map(|layout| layout.header_length)
}

fn single(
    data: &[u8],
    packet: &Packet,
    partial: Option<PartialChecksum>,
    mss_limit: Option<u16>,
    arena: &mut SegmentArena,
) -> Result<(), OffloadMismatch> {
    let syn = mss_limit.and_then(|limit| Some((limit, mss::syn_header_length(data, packet)?)));
    let mut header_length = syn.map_or(0, |(_, length)| length);
    if let Some(partial) = partial {
        header_length = header_length.max(checksum_end(packet, partial)?);
    }
    if header_length == 0 {
        arena.push_whole(packet.length);
        return Ok(());
    }
    let payload = header_length..packet.length;
    let (Some(header), Some(rest)) = (data.get(..header_length), data.get(payload.clone())) else {
        return Err(OffloadMismatch);
    };
    let start = arena.start_header(header);
    let header = arena.header_mut(start);
    if let Some((limit, _)) = syn {
        let state = match partial {
            Some(_) => ChecksumState::Partial,
            None => ChecksumState::Full,
        };
        mss::clamp(header, packet, limit, state);
    }
    if let Some(partial) = partial {
        complete(header, rest, packet.protocol, partial);
    }
    arena.push_with_header(start, payload);
    Ok(())
}

/// Where the field of a partial checksum ends. One that starts before the upper layer would have us
/// write into the addresses that were judged already.
fn checksum_end(packet: &Packet, partial: PartialChecksum) -> Result<usize, OffloadMismatch> {
    let start = usize::from(partial.start);
    match packet.transport {
        Some(transport) if transport <= start => {
            let field = start.saturating_add(partial.offset.into());
            Ok(field.saturating_add(2))
        }
        Some(_) | None => Err(OffloadMismatch),
    }
}

/// Completes a partial checksum: its field already holds the sum of the pseudo header.
fn complete(header: &mut [u8], rest: &[u8], protocol: u8, partial: PartialChecksum) {
    let start = usize::from(partial.start);
    let mut checksum = Checksum::new();
    checksum.add(header.get(start..).unwrap_or(&[]));
    checksum.add(rest);
    let field = start.saturating_add(partial.offset.into());
    put_u16(header, field, transport_field(checksum, protocol));
}

/// The value of a checksum field; UDP sends 0 as all ones, since 0 says "none" (RFC 768).
fn transport_field(checksum: Checksum, protocol: u8) -> u16 {
    match checksum.finish() {
        0 if protocol == protocol::UDP => 0xffff,
        field => field,
    }
}

/// Where the headers of a super-packet are.
struct Layout {
    addresses: AddressPair,
    transport: usize,
    header_length: usize,
    length: usize,
    size: usize,
    udp: bool,
}

/// What one segment differs in from the super-packet.
struct Position {
    index: usize,
    payload: Range<usize>,
    last: bool,
}

impl Layout {
    fn of(
        data: &[u8],
        packet: &Packet,
        segmentation: Segmentation,
    ) -> Result<Self, OffloadMismatch> {
        let transport = packet.transport.ok_or(OffloadMismatch)?;
        let addresses = packet.addresses().ok_or(OffloadMismatch)?;
        let (family_fits, expected) = match (segmentation.kind, &addresses) {
            (SegmentationKind::TcpIpv4, AddressPair::V4(..))
            | (SegmentationKind::TcpIpv6, AddressPair::V6(..)) => (true, protocol::TCP),
            (SegmentationKind::Udp, _) => (true, protocol::UDP),
            (SegmentationKind::TcpIpv4, AddressPair::V6(..))
            | (SegmentationKind::TcpIpv6, AddressPair::V4(..)) => (false, protocol::TCP),
        };
        let udp = expected == protocol::UDP;
        let own_header = match udp {
            true => UDP_HEADER,
            false => tcp_header_length(data, transport).ok_or(OffloadMismatch)?,
        };
        let header_length = transport.saturating_add(own_header);
        let fits = family_fits
            && packet.protocol == expected
            && packet.fragment == Fragment::None
            && segmentation.size > 0
            && header_length <= packet.length;
        if !fits {
            return Err(OffloadMismatch);
        }
        Ok(Self {
            addresses,
            transport,
            header_length,
            length: packet.length,
            size: segmentation.size.into(),
            udp,
        })
    }

    fn cut(&self, data: &[u8], arena: &mut SegmentArena) -> Result<(), OffloadMismatch> {
        let template = data.get(..self.header_length).ok_or(OffloadMismatch)?;
        let mut at = self.header_length;
        let mut index = 0usize;
        loop {
            let end = at.saturating_add(self.size).min(self.length);
            let position = Position {
                index,
                payload: at..end,
                last: end >= self.length,
            };
            let last = position.last;
            let payload = data.get(at..end).ok_or(OffloadMismatch)?;
            let start = arena.start_header(template);
            self.rewrite(arena.header_mut(start), payload, &position);
            arena.push_with_header(start, position.payload);
            if last {
                return Ok(());
            }
            at = end;
            index = index.saturating_add(1);
        }
    }

    fn rewrite(&self, header: &mut [u8], payload: &[u8], position: &Position) {
        let length = header.len().saturating_add(payload.len());
        match self.addresses {
            AddressPair::V4(..) => rewrite_ipv4(header, self.transport, length, position.index),
            AddressPair::V6(..) => {
                put_u16(
                    header,
                    4,
                    saturating_u16(length.saturating_sub(IPV6_HEADER)),
                );
            }
        }
        if !self.udp {
            self.rewrite_tcp(header, position);
        }
        self.finish_transport(header, payload, length);
    }

    fn rewrite_tcp(&self, header: &mut [u8], position: &Position) {
        let sequence_at = self.transport.saturating_add(4);
        let offset = position.payload.start.saturating_sub(self.header_length);
        // A super-packet is shorter than 2^32 octets, and sequence numbers wrap.
        let offset = u32::try_from(offset).unwrap_or(u32::MAX);
        let sequence = u32_at(header, sequence_at).unwrap_or(0);
        put_u32(header, sequence_at, sequence.wrapping_add(offset));
        let flags_at = self.transport.saturating_add(13);
        let mut flags = u8_at(header, flags_at).unwrap_or(0);
        if !position.last {
            flags &= !(flag::FIN | flag::PSH);
        }
        if position.index > 0 {
            flags &= !flag::CWR;
        }
        put_u8(header, flags_at, flags);
    }

    /// Writes the UDP length and the transport checksum.
    fn finish_transport(&self, header: &mut [u8], payload: &[u8], length: usize) {
        let own_length = length.saturating_sub(self.transport);
        let (field, protocol) = match self.udp {
            true => (6, protocol::UDP),
            false => (16, protocol::TCP),
        };
        if self.udp {
            let at = self.transport.saturating_add(4);
            put_u16(header, at, saturating_u16(own_length));
        }
        let field = self.transport.saturating_add(field);
        put_u16(header, field, 0);
        let mut checksum = pseudo_header(&self.addresses, own_length, protocol);
        checksum.add(header.get(self.transport..).unwrap_or(&[]));
        checksum.add(payload);
        put_u16(header, field, transport_field(checksum, protocol));
    }
}

/// Total length, identification and header checksum of the segment number `index`.
fn rewrite_ipv4(header: &mut [u8], header_length: usize, length: usize, index: usize) {
    let identification = u16_at(header, 4).unwrap_or(0);
    // At most 65,535 segments, and identifications wrap.
    let identification = identification.wrapping_add(saturating_u16(index));
    put_u16(header, 2, saturating_u16(length));
    put_u16(header, 4, identification);
    put_ipv4_checksum(header, header_length);
}

/// Computes the IPv4 header checksum anew.
pub(crate) fn put_ipv4_checksum(packet: &mut [u8], header_length: usize) {
    put_u16(packet, 10, 0);
    let mut checksum = Checksum::new();
    checksum.add(packet.get(..header_length).unwrap_or(&[]));
    put_u16(packet, 10, checksum.finish());
}

/// The sum of the pseudo header of `length` octets of upper layer.
pub(crate) fn pseudo_header(addresses: &AddressPair, length: usize, protocol: u8) -> Checksum {
    match *addresses {
        AddressPair::V4(source, destination) => {
            Checksum::ipv4_pseudo_header(source, destination, saturating_u16(length), protocol)
        }
        AddressPair::V6(source, destination) => {
            let length = u32::try_from(length).unwrap_or(u32::MAX);
            Checksum::ipv6_pseudo_header(source, destination, length, protocol)
        }
    }
}

/// Octets of the TCP header at `transport`; `None` when its data offset is below 5.
pub(crate) fn tcp_header_length(data: &[u8], transport: usize) -> Option<usize> {
    let words = u8_at(data, transport.saturating_add(12))? >> 4;
    let length = usize::from(words).saturating_mul(4);
    (length >= TCP_HEADER).then_some(length)
}

#[cfg(test)]
mod tests;
