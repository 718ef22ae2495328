//! Packets for the tests, built and checked by code of its own: the checksum here is the plain
//! definition of RFC 1071, not the one under test.

use alloc::vec::Vec;
use core::net::IpAddr;

use crate::offload::{PacketOffload, PartialChecksum, Segmentation, SegmentationKind};

pub(crate) const V4_HOST: &str = "10.1.0.2";
pub(crate) const V4_PEER: &str = "192.0.2.80";
pub(crate) const V6_HOST: &str = "2001:db8:7::2";
pub(crate) const V6_PEER: &str = "2001:db8:ffff::80";

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

/// RFC 1071, word by word.
pub(crate) fn naive_sum(data: &[u8]) -> u16 {
    let mut sum = 0u32;
    for pair in data.chunks(2) {
        sum += u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

/// An inner packet to build.
#[derive(Clone, Debug)]
pub(crate) struct Build {
    pub(crate) source: IpAddr,
    pub(crate) destination: IpAddr,
    pub(crate) protocol: u8,
    pub(crate) ports: (u16, u16),
    pub(crate) sequence: u32,
    pub(crate) flags: u8,
    pub(crate) options: Vec<u8>,
    pub(crate) payload: Vec<u8>,
    pub(crate) traffic_class: u8,
    pub(crate) identification: u16,
    pub(crate) dont_fragment: bool,
}

impl Build {
    pub(crate) fn tcp(source: &str, destination: &str, payload: usize) -> Self {
        Self {
            source: ip(source),
            destination: ip(destination),
            protocol: 6,
            ports: (40_000, 443),
            sequence: u32::MAX - 2_000,
            flags: 0x10,
            options: Vec::new(),
            payload: (0..payload).map(|i| (i * 7 + i / 251) as u8).collect(),
            traffic_class: 0,
            identification: 0xfffe,
            dont_fragment: true,
        }
    }

    pub(crate) fn udp(source: &str, destination: &str, payload: usize) -> Self {
        Self {
            protocol: 17,
            ..Self::tcp(source, destination, payload)
        }
    }

    /// The packet with right checksums.
    pub(crate) fn packet(&self) -> Vec<u8> {
        let mut upper = Vec::new();
        upper.extend_from_slice(&self.ports.0.to_be_bytes());
        upper.extend_from_slice(&self.ports.1.to_be_bytes());
        let field = if self.protocol == 6 {
            upper.extend_from_slice(&self.sequence.to_be_bytes());
            upper.extend_from_slice(&77u32.to_be_bytes());
            upper.push((((20 + self.options.len()) / 4) << 4) as u8);
            upper.push(self.flags);
            upper.extend_from_slice(&[0x20, 0, 0, 0, 0, 0]);
            upper.extend_from_slice(&self.options);
            16
        } else {
            let length = (8 + self.payload.len()) as u16;
            upper.extend_from_slice(&length.to_be_bytes());
            upper.extend_from_slice(&[0, 0]);
            6
        };
        upper.extend_from_slice(&self.payload);
        let checksum = match !naive_sum(&self.with_pseudo(&upper)) {
            0 if self.protocol == 17 => 0xffff,
            sum => sum,
        };
        upper[field..field + 2].copy_from_slice(&checksum.to_be_bytes());
        let mut packet = self.network_header(upper.len());
        packet.extend_from_slice(&upper);
        packet
    }

    /// The packet as a kernel hands over a super-packet: partial checksum, and how to cut it.
    pub(crate) fn super_packet(&self, size: u16) -> (Vec<u8>, PacketOffload) {
        let mut packet = self.packet();
        let start = packet.len() - self.payload.len() - self.transport_header();
        let (offset, kind) = match (self.protocol, self.source) {
            (17, _) => (6, SegmentationKind::Udp),
            (_, IpAddr::V4(_)) => (16, SegmentationKind::TcpIpv4),
            (_, IpAddr::V6(_)) => (16, SegmentationKind::TcpIpv6),
        };
        let upper = packet.len() - start;
        let pseudo = naive_sum(&self.pseudo(upper));
        packet[start + offset..start + offset + 2].copy_from_slice(&pseudo.to_be_bytes());
        let offload = PacketOffload::new(
            Some(PartialChecksum {
                start: start as u16,
                offset: offset as u16,
            }),
            Some(Segmentation {
                kind,
                size,
                header_length: (start + self.transport_header()) as u16,
            }),
        );
        (packet, offload)
    }

    pub(crate) fn transport_header(&self) -> usize {
        match self.protocol {
            6 => 20 + self.options.len(),
            _ => 8,
        }
    }

    fn network_header(&self, upper: usize) -> Vec<u8> {
        let mut header = Vec::new();
        match (self.source, self.destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                header.extend_from_slice(&[0x45, self.traffic_class]);
                header.extend_from_slice(&((20 + upper) as u16).to_be_bytes());
                header.extend_from_slice(&self.identification.to_be_bytes());
                header.extend_from_slice(&[if self.dont_fragment { 0x40 } else { 0 }, 0]);
                header.extend_from_slice(&[63, self.protocol, 0, 0]);
                header.extend_from_slice(&source.octets());
                header.extend_from_slice(&destination.octets());
                let checksum = !naive_sum(&header);
                header[10..12].copy_from_slice(&checksum.to_be_bytes());
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                let class = u32::from(self.traffic_class) << 20;
                header.extend_from_slice(&(0x6000_0000 | class | 0x12345).to_be_bytes());
                header.extend_from_slice(&(upper as u16).to_be_bytes());
                header.extend_from_slice(&[self.protocol, 63]);
                header.extend_from_slice(&source.octets());
                header.extend_from_slice(&destination.octets());
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => {
                panic!("one family")
            }
        }
        header
    }

    fn pseudo(&self, upper: usize) -> Vec<u8> {
        let mut pseudo = Vec::new();
        match (self.source, self.destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                pseudo.extend_from_slice(&source.octets());
                pseudo.extend_from_slice(&destination.octets());
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                pseudo.extend_from_slice(&source.octets());
                pseudo.extend_from_slice(&destination.octets());
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => {
                panic!("one family")
            }
        }
        pseudo.extend_from_slice(&(upper as u32).to_be_bytes());
        pseudo.extend_from_slice(&[0, 0, 0, self.protocol]);
        pseudo
    }

    fn with_pseudo(&self, upper: &[u8]) -> Vec<u8> {
        let mut all = self.pseudo(upper.len());
        all.extend_from_slice(upper);
        all
    }
}

/// Fails unless all lengths and checksums of a plain TCP or UDP packet are right.
pub(crate) fn assert_valid(packet: &[u8]) {
    let (start, mut pseudo) = match packet[0] >> 4 {
        4 => {
            assert_eq!(naive_sum(&packet[..20]), 0xffff, "IPv4 header checksum");
            let length = u16::from_be_bytes([packet[2], packet[3]]);
            assert_eq!(usize::from(length), packet.len(), "IPv4 total length");
            (20, packet[12..20].to_vec())
        }
        _ => {
            let length = u16::from_be_bytes([packet[4], packet[5]]);
            assert_eq!(
                usize::from(length) + 40,
                packet.len(),
                "IPv6 payload length"
            );
            (40, packet[8..40].to_vec())
        }
    };
    let protocol = if start == 20 { packet[9] } else { packet[6] };
    let upper = &packet[start..];
    if protocol == 17 {
        let length = u16::from_be_bytes([upper[4], upper[5]]);
        assert_eq!(usize::from(length), upper.len(), "UDP length");
        assert_ne!(upper[6..8], [0, 0], "UDP checksum present");
    }
    pseudo.extend_from_slice(&(upper.len() as u32).to_be_bytes());
    pseudo.extend_from_slice(&[0, 0, 0, protocol]);
    pseudo.extend_from_slice(upper);
    assert_eq!(naive_sum(&pseudo), 0xffff, "transport checksum");
}
