//! Fragments put together again, in bounded memory and by the clock of the capture.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use pmip_wire::carrier::protocol;

use crate::dissect::{Outer, Transport};
use crate::ip::{self, Fragment, Packet};
use crate::time::CaptureTime;

/// How long a packet's fragments are waited for (RFC 8200 section 4.5).
pub const REASSEMBLY_TIMEOUT_SECS: u32 = 60;

/// Octets of incomplete packets that are kept; the oldest gives way to newer ones.
pub const MAX_REASSEMBLY_OCTETS: usize = 16 << 20;

/// Incomplete packets that are kept.
const MAX_PACKETS: usize = 4096;
/// The longest packet payload (RFC 791 section 3.2, RFC 8200 section 4.5).
const MAX_PAYLOAD: usize = 65_535;
/// Fragment offsets count units of 8 octets.
const UNIT: usize = 8;
/// Frames that a report names.
const MAX_NAMED: usize = 16;

/// A packet whose fragments do not make a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IncompletePacket {
    /// The frame of its first fragment that was seen.
    pub frame: u64,
    /// The frames of its fragments, the first 16 of them.
    pub fragments: Vec<u64>,
    /// When the first one was captured.
    pub time: Option<CaptureTime>,
    /// VLAN identifiers, outermost first.
    pub vlans: Vec<u16>,
    /// Source of the packet.
    pub source: IpAddr,
    /// Destination of the packet.
    pub destination: IpAddr,
    /// Outer layers, outermost first.
    pub tunnel: Vec<Outer>,
    /// Protocol of the fragmented part.
    pub protocol: u8,
    /// What carries the Mobility Header that it certainly holds; `None` where it need not hold one.
    pub mobility: Option<Transport>,
    /// Octets of payload that are there.
    pub present: usize,
    /// Octets of payload of the whole packet, where its last fragment was seen.
    pub whole: Option<usize>,
    /// Why it is no whole.
    pub why: WhyIncomplete,
}

/// Why a fragmented packet stayed incomplete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WhyIncomplete {
    /// A fragment is not in the capture.
    Missing,
    /// The rest did not come within [`REASSEMBLY_TIMEOUT_SECS`].
    TimedOut,
    /// The snap length cut a fragment.
    SnapLength,
    /// Fragments overlap, and such a packet must be dropped (RFC 8200 section 4.5); over IPv4, they
    /// contradict each other.
    Overlap,
    /// A fragment's length or place is impossible (RFC 8200 section 4.5).
    Malformed,
    /// It gave way to newer packets.
    Evicted,
}

/// Which packet a fragment is of. VLANs and the tunnel count too, with its GRE key: inner addresses are
/// unique within one only.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    vlans: Vec<u16>,
    outer: Option<(IpAddr, IpAddr, Option<u32>)>,
    source: IpAddr,
    destination: IpAddr,
    identification: u32,
    /// IPv4 alone counts it (RFC 791 section 3.2).
    protocol: Option<u8>,
}

/// A packet that is becoming whole.
#[derive(Debug)]
struct Pending {
    serial: u64,
    report: IncompletePacket,
    /// Headers of the fragment at offset 0, patched so that the payload follows them.
    head: Option<Vec<u8>>,
    payload: Vec<u8>,
    /// Which units of `payload` are there.
    units: Vec<u64>,
    /// The pieces that came, to know an exact copy from an overlap.
    pieces: BTreeSet<(u16, usize)>,
    /// Nothing of it is accepted any more, and its report is out.
    dropped: bool,
}

/// Where a fragment was found.
pub(crate) struct Found<'a> {
    pub(crate) frame: u64,
    pub(crate) time: Option<CaptureTime>,
    pub(crate) vlans: &'a [u16],
    pub(crate) tunnel: &'a [Outer],
    pub(crate) snapped: bool,
}

/// A packet made whole, and the frames of its fragments.
pub(crate) struct Whole {
    pub(crate) packet: Vec<u8>,
    pub(crate) fragments: Vec<u64>,
}

/// All packets that are becoming whole.
#[derive(Debug, Default)]
pub(crate) struct Reassembly {
    packets: BTreeMap<Key, Pending>,
    /// By age.
    order: BTreeMap<u64, Key>,
    next_serial: u64,
    octets: usize,
}

impl Reassembly {
    /// Takes a fragment of the packet `octets`; gives the packet when it is whole, and what had to be
    /// given up.
    pub(crate) fn add(
        &mut self,
        octets: &[u8],
        packet: &Packet<'_>,
        fragment: Fragment,
        found: &Found<'_>,
        given_up: &mut Vec<IncompletePacket>,
    ) -> Option<Whole> {
        let key = key(packet, fragment, found);
        let pending = self.packets.entry(key.clone()).or_insert_with(|| {
            let serial = self.next_serial;
            self.next_serial = serial.saturating_add(1);
            self.order.insert(serial, key.clone());
            Pending::new(serial, packet, found)
        });
        let before = pending.octets();
        let outcome = pending.add(octets, packet, fragment, found);
        if let Err(why) = outcome {
            pending.report.why = why;
            given_up.push(pending.report.clone());
            pending.drop_payload();
        }
        let after = pending.octets();
        self.octets = self.octets.saturating_add(after).saturating_sub(before);
        if outcome == Ok(true) {
            return self.remove(&key).and_then(Pending::into_whole);
        }
        self.bound(given_up);
        None
    }

    /// Gives up what is older than [`REASSEMBLY_TIMEOUT_SECS`] at `now`.
    pub(crate) fn expire(&mut self, now: CaptureTime, given_up: &mut Vec<IncompletePacket>) {
        let limit = i64::from(REASSEMBLY_TIMEOUT_SECS).saturating_mul(1_000_000_000);
        while let Some((_, key)) = self.order.first_key_value() {
            let key = key.clone();
            let time = self
                .packets
                .get(&key)
                .and_then(|pending| pending.report.time);
            if time.is_none_or(|time| now.nanos_since(time) <= limit) {
                return;
            }
            self.give_up(&key, WhyIncomplete::TimedOut, given_up);
        }
    }

    /// Gives up everything: the capture is at its end.
    pub(crate) fn finish(&mut self) -> Vec<IncompletePacket> {
        let mut given_up = Vec::new();
        while let Some((_, key)) = self.order.first_key_value() {
            let key = key.clone();
            self.give_up(&key, WhyIncomplete::Missing, &mut given_up);
        }
        given_up
    }

    fn bound(&mut self, given_up: &mut Vec<IncompletePacket>) {
        while self.octets > MAX_REASSEMBLY_OCTETS || self.packets.len() > MAX_PACKETS {
            let Some((_, key)) = self.order.first_key_value() else {
                return;
            };
            let key = key.clone();
            self.give_up(&key, WhyIncomplete::Evicted, given_up);
        }
    }

    fn give_up(&mut self, key: &Key, why: WhyIncomplete, given_up: &mut Vec<IncompletePacket>) {
        let Some(mut pending) = self.remove(key) else {
            return;
        };
        if pending.dropped {
            return;
        }
        if pending.report.why != WhyIncomplete::SnapLength {
            pending.report.why = why;
        }
        given_up.push(pending.report);
    }

    fn remove(&mut self, key: &Key) -> Option<Pending> {
        let pending = self.packets.remove(key)?;
        self.order.remove(&pending.serial);
        self.octets = self.octets.saturating_sub(pending.octets());
        Some(pending)
    }
}

impl Pending {
    fn new(serial: u64, packet: &Packet<'_>, found: &Found<'_>) -> Self {
        Self {
            serial,
            report: IncompletePacket {
                frame: found.frame,
                fragments: Vec::new(),
                time: found.time,
                vlans: found.vlans.to_vec(),
                source: packet.source,
                destination: packet.destination,
                tunnel: found.tunnel.to_vec(),
                protocol: packet.protocol,
                mobility: None,
                present: 0,
                whole: None,
                why: WhyIncomplete::Missing,
            },
            head: None,
            payload: Vec::new(),
            units: Vec::new(),
            pieces: BTreeSet::new(),
            dropped: false,
        }
    }

    /// Memory that grows with what comes.
    fn octets(&self) -> usize {
        let head = self.head.as_ref().map_or(0, Vec::len);
        let pieces = self.pieces.len().saturating_mul(size_of::<(u16, usize)>());
        let units = self.units.len().saturating_mul(UNIT);
        let parts = [head, pieces, units, self.payload.len()];
        parts.into_iter().fold(0, usize::saturating_add)
    }

    /// Whether the packet is whole now, or why it can never be.
    fn add(
        &mut self,
        octets: &[u8],
        packet: &Packet<'_>,
        fragment: Fragment,
        found: &Found<'_>,
    ) -> Result<bool, WhyIncomplete> {
        if self.dropped {
            return Ok(false);
        }
        if self.report.fragments.len() < MAX_NAMED {
            self.report.fragments.push(found.frame);
        }
        self.recognise(packet, fragment);
        if packet.missing > 0 && found.snapped {
            self.report.why = WhyIncomplete::SnapLength;
        }
        let length = packet.payload.len().saturating_add(packet.missing);
        let end = usize::from(fragment.offset).saturating_add(length);
        if end > MAX_PAYLOAD || (fragment.more && (length == 0 || !length.is_multiple_of(UNIT))) {
            return Err(WhyIncomplete::Malformed);
        }
        self.learn_end(fragment, end)?;
        if fragment.offset == 0 && self.head.is_none() {
            self.head = head(octets, packet.protocol, fragment);
        }
        let is_copy = !self.pieces.insert((fragment.offset, length));
        self.place(packet, fragment, is_copy)?;
        Ok(self.head.is_some() && self.report.whole == Some(self.report.present))
    }

    /// Whether this is certainly one of ours.
    fn recognise(&mut self, packet: &Packet<'_>, fragment: Fragment) {
        if packet.source.is_ipv6() && packet.protocol == protocol::MOBILITY {
            self.report.mobility = Some(Transport::Ipv6);
        } else if fragment.offset == 0 {
            let carried = ip::carried(packet.protocol, packet.payload);
            self.report.mobility = carried.and_then(|(protocol, payload)| {
                crate::dissect::recognise(packet.source.is_ipv6(), protocol, payload)
            });
        }
    }

    fn learn_end(&mut self, fragment: Fragment, end: usize) -> Result<(), WhyIncomplete> {
        let known = self.report.whole;
        let beyond = known.is_some_and(|whole| end > whole);
        let contradicts = !fragment.more && known.is_some_and(|whole| end != whole);
        let behind = !fragment.more && self.payload.len() > end;
        if beyond || contradicts || behind {
            return Err(WhyIncomplete::Malformed);
        }
        if !fragment.more {
            self.report.whole = Some(end);
        }
        Ok(())
    }

    /// Copies the payload to its place, unit by unit.
    fn place(
        &mut self,
        packet: &Packet<'_>,
        fragment: Fragment,
        is_copy: bool,
    ) -> Result<(), WhyIncomplete> {
        // Of a cut fragment, whole units alone are known to be right.
        let mut data = packet.payload;
        if packet.missing > 0 {
            let whole = data.len().saturating_sub(data.len() % UNIT);
            data = data.get(..whole).unwrap_or_default();
        }
        let start = usize::from(fragment.offset);
        let end = start.saturating_add(data.len());
        if self.payload.len() < end {
            self.payload.resize(end, 0);
            self.units.resize(end.div_ceil(UNIT).div_ceil(64), 0);
        }
        let strict = packet.source.is_ipv6();
        let room = self.payload.get_mut(start..end).unwrap_or_default();
        let first = start.div_euclid(UNIT);
        for (index, (room, data)) in room.chunks_mut(UNIT).zip(data.chunks(UNIT)).enumerate() {
            let unit = first.saturating_add(index);
            let Some(word) = self.units.get_mut(unit.div_euclid(64)) else {
                return Err(WhyIncomplete::Malformed);
            };
            let bit = 1u64 << (unit % 64);
            if *word & bit == 0 {
                *word |= bit;
                room.copy_from_slice(data);
                self.report.present = self.report.present.saturating_add(data.len());
            } else if room != data || (strict && !is_copy) {
                return Err(WhyIncomplete::Overlap);
            }
        }
        Ok(())
    }

    fn drop_payload(&mut self) {
        self.dropped = true;
        self.head = None;
        self.payload = Vec::new();
        self.units = Vec::new();
        self.pieces = BTreeSet::new();
    }

    fn into_whole(self) -> Option<Whole> {
        let mut packet = self.head?;
        packet.extend_from_slice(&self.payload);
        Some(Whole {
            packet,
            fragments: self.report.fragments,
        })
    }
}

fn key(packet: &Packet<'_>, fragment: Fragment, found: &Found<'_>) -> Key {
    let outer = found.tunnel.last();
    Key {
        vlans: found.vlans.to_vec(),
        outer: outer.map(|outer| (outer.source, outer.destination, outer.gre_key)),
        source: packet.source,
        destination: packet.destination,
        identification: fragment.identification,
        protocol: packet.source.is_ipv4().then_some(packet.protocol),
    }
}

/// The headers of a first fragment as those of the whole packet: the fragment header left out, and
/// a length of zero, which stands for "as long as it is".
fn head(octets: &[u8], protocol: u8, fragment: Fragment) -> Option<Vec<u8>> {
    let mut head = octets.get(..fragment.head_len)?.to_vec();
    *head.get_mut(fragment.protocol_at)? = protocol;
    if head.first()? >> 4 == 4 {
        head.get_mut(2..4)?.fill(0);
        head.get_mut(6..8)?.fill(0);
    } else {
        head.get_mut(4..6)?.fill(0);
    }
    Some(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOUND: Found<'static> = Found {
        frame: 1,
        time: None,
        vlans: &[],
        tunnel: &[],
        snapped: false,
    };

    /// An IPv6 fragment of the packet `identification`.
    fn fragment(identification: u32, offset: usize, more: bool, data: &[u8]) -> Vec<u8> {
        let mut packet = vec![0x60, 0, 0, 0];
        packet.extend((8 + data.len() as u16).to_be_bytes());
        packet.extend([44, 64]);
        packet.extend([1; 32]);
        packet.extend([59, 0]);
        packet.extend((offset as u16 | u16::from(more)).to_be_bytes());
        packet.extend(identification.to_be_bytes());
        packet.extend(data);
        packet
    }

    fn add(
        reassembly: &mut Reassembly,
        octets: &[u8],
        given_up: &mut Vec<IncompletePacket>,
    ) -> Option<Whole> {
        let packet = ip::walk(octets).expect("a packet");
        let fragment = packet.fragment.expect("a fragment");
        reassembly.add(octets, &packet, fragment, &FOUND, given_up)
    }

    /// Knuth's MMIX generator: the same cuts on every machine.
    fn next(state: &mut u64) -> usize {
        *state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (*state >> 40) as usize
    }

    #[test]
    fn any_cut_in_any_order_gives_the_packet_back() {
        let mut state = 3;
        for round in 0..200 {
            let payload: Vec<u8> = (0..500 + next(&mut state) % 3000)
                .map(|n| n as u8)
                .collect();
            let mut parts = Vec::new();
            let mut start = 0;
            while start < payload.len() {
                let length = 8 * (1 + next(&mut state) % 60);
                let end = (start + length).min(payload.len());
                let more = end < payload.len();
                parts.push(fragment(round, start, more, &payload[start..end]));
                start = end;
            }
            for index in 0..parts.len() {
                let other = next(&mut state) % parts.len();
                parts.swap(index, other);
            }
            let mut reassembly = Reassembly::default();
            let mut wholes: Vec<Whole> = parts
                .iter()
                .filter_map(|part| add(&mut reassembly, part, &mut Vec::new()))
                .collect();
            let whole = wholes.pop().expect("a whole packet");
            assert!(wholes.is_empty());
            assert_eq!(whole.packet[40..], payload);
            assert_eq!(whole.packet[6], 59, "the fragment header is left out");
            assert_eq!(
                (reassembly.octets, reassembly.order.len()),
                (0, 0),
                "nothing stays"
            );
        }
    }

    #[test]
    fn memory_is_bounded_and_the_oldest_gives_way() {
        let mut reassembly = Reassembly::default();
        let mut given_up = Vec::new();
        for identification in 0..10_000 {
            // The last eight of 64 KiB.
            let part = fragment(identification, 65_520, false, &[0; 8]);
            assert!(add(&mut reassembly, &part, &mut given_up).is_none());
            assert!(reassembly.octets <= MAX_REASSEMBLY_OCTETS);
            assert!(reassembly.packets.len() <= MAX_PACKETS);
        }
        assert!(
            given_up
                .iter()
                .all(|packet| packet.why == WhyIncomplete::Evicted)
        );
        assert_eq!(given_up.len() + reassembly.finish().len(), 10_000);
        assert_eq!(reassembly.octets, 0);
    }

    #[test]
    fn an_overlap_is_reported_once_and_the_rest_is_dropped() {
        let mut reassembly = Reassembly::default();
        let mut given_up = Vec::new();
        for (offset, data) in [(0, [1; 16]), (8, [1; 16]), (16, [1; 16])] {
            let part = fragment(1, offset, true, &data);
            assert!(add(&mut reassembly, &part, &mut given_up).is_none());
        }
        let why: Vec<WhyIncomplete> = given_up.iter().map(|packet| packet.why).collect();
        assert_eq!(why, [WhyIncomplete::Overlap]);
        assert!(reassembly.finish().is_empty());
    }
}
