//! One received TCP segment or UDP datagram that may be joined with its neighbours.

use core::ops::Range;

use pmip_wire::checksum::Checksum;

use crate::octets::{put_u8, put_u16, saturating_u16, u8_at, u16_at, u32_at};
use crate::offload::{PacketOffload, PartialChecksum, Segmentation, SegmentationKind};
use crate::packet::{Fragment, IPV4_HEADER, IPV6_HEADER, Packet, protocol};
use crate::segment::{UDP_HEADER, flag, pseudo_header, put_ipv4_checksum, tcp_header_length};

#[derive(Clone, Debug)]
pub(super) struct Segment {
    start: usize,
    facts: Packet,
    transport: usize,
    header_length: usize,
    pub(super) udp: bool,
    pub(super) ipv4: bool,
    /// Octets of payload, at least 1.
    pub(super) payload: usize,
    /// 0 in UDP.
    pub(super) sequence: u32,
    /// 0 in IPv6.
    pub(super) identification: u16,
    /// TCP flags, 0 in UDP.
    pub(super) flags: u8,
}

impl Segment {
    /// What may be joined: whole TCP segments and UDP datagrams with payload, without IP options or
    /// extension headers; of TCP those with no flags but ACK, PSH, FIN and CWR.
    pub(super) fn of(area: &[u8], range: Range<usize>, packet: &Packet) -> Option<Self> {
        let data = area.get(range.clone())?;
        let transport = packet.transport?;
        let ipv4 = packet.is_ipv4();
        let plain = match ipv4 {
            true => transport == IPV4_HEADER,
            false => transport == IPV6_HEADER,
        };
        if !plain || packet.fragment != Fragment::None {
            return None;
        }
        let udp = match packet.protocol {
            protocol::TCP => false,
            protocol::UDP => true,
            _ => return None,
        };
        let own_header = match udp {
            true => UDP_HEADER,
            false => tcp_header_length(data, transport)?,
        };
        let header_length = transport.saturating_add(own_header);
        let payload = packet.length.checked_sub(header_length)?;
        let segment = Self {
            start: range.start,
            facts: *packet,
            transport,
            header_length,
            udp,
            ipv4,
            payload,
            sequence: match udp {
                true => 0,
                false => u32_at(data, transport.saturating_add(4))?,
            },
            identification: match ipv4 {
                true => u16_at(data, 4)?,
                false => 0,
            },
            flags: match udp {
                true => 0,
                false => u8_at(data, transport.saturating_add(13))?,
            },
        };
        (payload > 0 && segment.may_join(data)).then_some(segment)
    }

    fn may_join(&self, data: &[u8]) -> bool {
        if self.udp {
            let length = u16_at(data, self.transport.saturating_add(4)).map(usize::from);
            let checksum = u16_at(data, self.transport.saturating_add(6));
            // Without a checksum there is nothing that tells damage.
            return length == Some(self.payload.saturating_add(UDP_HEADER)) && checksum != Some(0);
        }
        let joinable = flag::ACK | flag::PSH | flag::FIN | flag::CWR;
        self.flags & flag::ACK != 0 && self.flags & !joinable == 0
    }

    /// Whether `packet` has the same addresses, protocol and ports.
    pub(super) fn is_of_flow(&self, packet: &Packet) -> bool {
        let own = &self.facts;
        own.protocol == packet.protocol
            && own.ports == packet.ports
            && own.source == packet.source
            && own.destination == packet.destination
    }

    /// Whether `other` differs only where segments of one super-packet differ.
    pub(super) fn headers_match(&self, area: &[u8], other: &Self) -> bool {
        let (own, new) = (self.header(area), other.header(area));
        let equal = |range: Range<usize>| own.get(range.clone()) == new.get(range);
        let network = match self.ipv4 {
            // Version to type of service; flags to protocol; addresses.
            true => equal(0..2) && equal(6..10) && equal(12..self.transport),
            false => equal(0..4) && equal(6..self.transport),
        };
        let at = |offset: usize| self.transport.saturating_add(offset);
        let transport = match self.udp {
            true => equal(at(0)..at(4)),
            // Ports; acknowledgement number and data offset; window; urgent pointer and options.
            false => {
                equal(at(0)..at(4))
                    && equal(at(8)..at(13))
                    && equal(at(14)..at(16))
                    && equal(at(18)..self.header_length)
            }
        };
        // CWR stays on the first segment of a super-packet when it is cut.
        own.len() == new.len() && network && transport && other.flags & flag::CWR == 0
    }

    /// Whether the transport checksum and, in IPv4, the header checksum are right.
    pub(super) fn checksums_are_valid(&self, area: &[u8]) -> bool {
        let Some(data) = area.get(self.start..self.end()) else {
            return false;
        };
        if self.ipv4 {
            let mut header = Checksum::new();
            header.add(data.get(..self.transport).unwrap_or(&[]));
            if !header.is_valid() {
                return false;
            }
        }
        let Some(addresses) = self.facts.addresses() else {
            return false;
        };
        let own = data.get(self.transport..).unwrap_or(&[]);
        let mut checksum = pseudo_header(&addresses, own.len(), self.facts.protocol);
        checksum.add(own);
        checksum.is_valid()
    }

    /// Whether nothing may follow it in a super-packet.
    pub(super) const fn is_last(&self) -> bool {
        self.flags & (flag::PSH | flag::FIN) != 0
    }

    pub(super) fn next_sequence(&self) -> u32 {
        match self.udp {
            true => 0,
            // Payload is shorter than 65,536 octets, and sequence numbers wrap.
            false => self
                .sequence
                .wrapping_add(saturating_u16(self.payload).into()),
        }
    }

    pub(super) fn length(&self) -> usize {
        self.header_length.saturating_add(self.payload)
    }

    pub(super) fn header<'a>(&self, area: &'a [u8]) -> &'a [u8] {
        let end = self.start.saturating_add(self.header_length);
        area.get(self.start..end).unwrap_or(&[])
    }

    pub(super) fn payload_range(&self) -> Range<usize> {
        self.start.saturating_add(self.header_length)..self.end()
    }

    /// Turns the first segment's header into that of the joined packet of `total` octets: lengths,
    /// flags, and a partial checksum, which every cutter completes.
    pub(super) fn write_joined(&self, header: &mut [u8], total: usize, flags: u8) {
        let own_length = total.saturating_sub(self.transport);
        match self.ipv4 {
            true => {
                put_u16(header, 2, saturating_u16(total));
                put_ipv4_checksum(header, self.transport);
            }
            false => put_u16(header, 4, saturating_u16(own_length)),
        }
        let field = self.transport.saturating_add(self.checksum_offset().into());
        match self.udp {
            true => {
                let at = self.transport.saturating_add(4);
                put_u16(header, at, saturating_u16(own_length));
            }
            false => put_u8(header, self.transport.saturating_add(13), flags),
        }
        if let Some(addresses) = self.facts.addresses() {
            let pseudo = pseudo_header(&addresses, own_length, self.facts.protocol);
            put_u16(header, field, !pseudo.finish());
        }
    }

    pub(super) fn offload(&self) -> PacketOffload {
        let kind = match (self.udp, self.ipv4) {
            (true, _) => SegmentationKind::Udp,
            (false, true) => SegmentationKind::TcpIpv4,
            (false, false) => SegmentationKind::TcpIpv6,
        };
        PacketOffload::new(
            Some(PartialChecksum {
                start: saturating_u16(self.transport),
                offset: self.checksum_offset(),
            }),
            Some(Segmentation {
                kind,
                size: saturating_u16(self.payload),
                header_length: saturating_u16(self.header_length),
            }),
        )
    }

    const fn checksum_offset(&self) -> u16 {
        if self.udp { 6 } else { 16 }
    }

    fn end(&self) -> usize {
        self.start.saturating_add(self.length())
    }
}
