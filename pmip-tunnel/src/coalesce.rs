//! Joins consecutive segments of one flow into super-packets, the reverse of [`cut`](crate::cut):
//! new headers go into an arena, payload stays where it lies.
//!
//! Segments are joined only when cutting the result would give them back: same headers but for
//! length, identification, sequence number and checksum; the sequence without a gap; all of one
//! size but for a shorter last one. Checksums are verified before joining, since the joined packet
//! gets a new one. Packets of one flow keep their order.

mod segment;

use alloc::vec::Vec;
use core::ops::Range;

use segment::Segment;

use crate::offload::PacketOffload;
use crate::packet::Packet;

/// The longest super-packet: an IPv4 total length.
const MAX_LENGTH: usize = 65_535;
/// The most datagrams that Linux cuts one UDP super-packet into.
const MAX_UDP_SEGMENTS: u32 = 64;
/// The most pieces of a TCP super-packet: bounds what one gathering write is given.
const MAX_TCP_SEGMENTS: u32 = 128;
/// Flows that may grow at the same time; with more flows in one batch fewer packets are joined.
const OPEN_FLOWS: usize = 8;
const NONE: u32 = u32::MAX;

/// One packet to deliver: as it was received, or joined from several.
#[derive(Clone, Debug)]
pub struct Merged {
    whole: Range<usize>,
    header: Range<usize>,
    first_slice: u32,
    last_slice: u32,
    segments: u32,
    offload: PacketOffload,
}

impl Merged {
    /// What the kernel is told about it.
    pub const fn offload(&self) -> PacketOffload {
        self.offload
    }

    /// How many received packets it holds.
    pub const fn segments(&self) -> u32 {
        self.segments
    }
}

/// Joins the packets of one batch. All packets lie in one buffer, the area, that every call gets.
///
/// Keeps its memory when cleared, so that a running data plane does not allocate.
#[derive(Clone, Debug, Default)]
pub struct Coalescer {
    headers: Vec<u8>,
    slices: Vec<Slice>,
    outputs: Vec<Merged>,
    flows: Vec<Growing>,
    /// Indices into `flows` of those that may still grow, oldest first; at most [`OPEN_FLOWS`].
    open: Vec<usize>,
    keep_udp_apart: bool,
}

#[derive(Clone, Debug)]
struct Slice {
    range: Range<usize>,
    next: u32,
}

/// A super-packet in the making.
#[derive(Clone, Debug)]
struct Growing {
    output: usize,
    first: Segment,
    total: usize,
    next_sequence: u32,
    next_identification: u16,
    flags: u8,
    verified: bool,
}

impl Coalescer {
    /// An empty coalescer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether UDP datagrams are joined too (the default): a kernel before 6.2 takes none.
    pub const fn set_join_udp(&mut self, join: bool) {
        self.keep_udp_apart = !join;
    }

    /// Forgets all packets, keeps the memory.
    pub fn clear(&mut self) {
        self.headers.clear();
        self.slices.clear();
        self.outputs.clear();
        self.flows.clear();
        self.open.clear();
    }

    /// Adds the packet that starts at `start` of `area`; `packet` is what [`Packet::parse`] read
    /// there.
    pub fn push(&mut self, area: &[u8], start: usize, packet: &Packet) {
        let range = start..start.saturating_add(packet.length);
        let open = self.open_position(packet);
        let segment = Segment::of(area, range.clone(), packet)
            .filter(|segment| !(segment.udp && self.keep_udp_apart));
        let Some(segment) = segment else {
            // What cannot be joined ends its flow's super-packet, so that nothing overtakes it.
            self.close(open);
            self.push_output(range);
            return;
        };
        if open.is_some_and(|at| self.try_join(area, at, &segment)) {
            return;
        }
        self.close(open);
        self.open_with(segment, range);
    }

    /// Writes the headers of joined packets. To be called once, after the last [`Self::push`].
    pub fn finish(&mut self, area: &[u8]) {
        self.open.clear();
        for growing in &self.flows {
            let Some(merged) = self.outputs.get_mut(growing.output) else {
                continue;
            };
            if merged.segments < 2 {
                continue;
            }
            let start = self.headers.len();
            let first = &growing.first;
            self.headers.extend_from_slice(first.header(area));
            let header = self.headers.get_mut(start..).unwrap_or(&mut []);
            first.write_joined(header, growing.total, growing.flags);
            merged.offload = first.offload();
            merged.header = start..self.headers.len();
        }
    }

    /// The packets to deliver, in the order of their first segments.
    pub fn outputs(&self) -> &[Merged] {
        &self.outputs
    }

    /// The new header of `merged`, empty where the packet goes as it is.
    pub fn header(&self, merged: &Merged) -> &[u8] {
        self.headers.get(merged.header.clone()).unwrap_or(&[])
    }

    /// The pieces of the area that follow the header.
    pub fn pieces(&self, merged: &Merged) -> Pieces<'_> {
        Pieces {
            slices: &self.slices,
            next: merged.first_slice,
            whole: (merged.first_slice == NONE).then(|| merged.whole.clone()),
        }
    }

    fn push_output(&mut self, whole: Range<usize>) -> usize {
        self.outputs.push(Merged {
            whole,
            header: 0..0,
            first_slice: NONE,
            last_slice: NONE,
            segments: 1,
            offload: PacketOffload::NONE,
        });
        self.outputs.len().saturating_sub(1)
    }

    fn open_with(&mut self, segment: Segment, range: Range<usize>) {
        let output = self.push_output(range);
        if segment.is_last() {
            return;
        }
        if self.open.len() >= OPEN_FLOWS {
            self.open.remove(0);
        }
        self.open.push(self.flows.len());
        self.flows.push(Growing {
            output,
            total: segment.length(),
            next_sequence: segment.next_sequence(),
            next_identification: segment.identification.wrapping_add(1),
            flags: segment.flags,
            verified: false,
            first: segment,
        });
    }

    /// Where in `open` the flow of `packet` is.
    fn open_position(&self, packet: &Packet) -> Option<usize> {
        self.open.iter().position(|&flow| {
            self.flows
                .get(flow)
                .is_some_and(|growing| growing.first.is_of_flow(packet))
        })
    }

    fn close(&mut self, open: Option<usize>) {
        if let Some(at) = open {
            self.open.remove(at);
        }
    }

    fn try_join(&mut self, area: &[u8], at: usize, segment: &Segment) -> bool {
        let flow = self.open.get(at).copied().unwrap_or(usize::MAX);
        let Some(growing) = self.flows.get_mut(flow) else {
            return false;
        };
        let Some(merged) = self.outputs.get_mut(growing.output) else {
            return false;
        };
        if !growing.accepts(area, segment, merged.segments) {
            return false;
        }
        if merged.first_slice == NONE {
            merged.first_slice = push_slice(&mut self.slices, growing.first.payload_range());
            merged.last_slice = merged.first_slice;
        }
        let index = push_slice(&mut self.slices, segment.payload_range());
        link(&mut self.slices, merged.last_slice, index);
        merged.last_slice = index;
        merged.segments = merged.segments.saturating_add(1);
        growing.add(segment);
        if segment.is_last() || segment.payload < growing.first.payload {
            self.open.remove(at);
        }
        true
    }
}

impl Growing {
    /// Whether `segment` continues this super-packet and both are what they were sent as.
    fn accepts(&mut self, area: &[u8], segment: &Segment, segments: u32) -> bool {
        let first = &self.first;
        let fits = segment.payload <= first.payload
            && self.total.saturating_add(segment.payload) <= MAX_LENGTH
            && segments
                < if first.udp {
                    MAX_UDP_SEGMENTS
                } else {
                    MAX_TCP_SEGMENTS
                }
            && segment.sequence == self.next_sequence
            && (!first.ipv4 || segment.identification == self.next_identification)
            && first.headers_match(area, segment);
        if !fits {
            return false;
        }
        if !self.verified {
            self.verified = self.first.checksums_are_valid(area);
        }
        self.verified && segment.checksums_are_valid(area)
    }

    fn add(&mut self, segment: &Segment) {
        self.total = self.total.saturating_add(segment.payload);
        self.next_sequence = segment.next_sequence();
        self.next_identification = segment.identification.wrapping_add(1);
        self.flags |= segment.flags;
    }
}

fn push_slice(slices: &mut Vec<Slice>, range: Range<usize>) -> u32 {
    let index = u32::try_from(slices.len()).unwrap_or(NONE);
    slices.push(Slice { range, next: NONE });
    index
}

fn link(slices: &mut [Slice], from: u32, to: u32) {
    let from = usize::try_from(from).unwrap_or(usize::MAX);
    if let Some(slice) = slices.get_mut(from) {
        slice.next = to;
    }
}

/// The pieces of one delivered packet; see [`Coalescer::pieces`].
#[derive(Clone, Debug)]
pub struct Pieces<'a> {
    slices: &'a [Slice],
    next: u32,
    whole: Option<Range<usize>>,
}

impl Iterator for Pieces<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        if let Some(whole) = self.whole.take() {
            return Some(whole);
        }
        let slice = self.slices.get(usize::try_from(self.next).ok()?)?;
        self.next = slice.next;
        Some(slice.range.clone())
    }
}

#[cfg(test)]
mod tests;
