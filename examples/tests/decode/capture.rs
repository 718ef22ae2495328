//! Capture files and packets, written by hand from the formats' figures.

use std::net::{Ipv4Addr, Ipv6Addr};

pub(crate) const ETHERNET: u32 = 1;
pub(crate) const RAW: u32 = 101;

pub(crate) const MAG4: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 7);
pub(crate) const LMA4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
pub(crate) const MAG6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 7);
pub(crate) const LMA6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);

/// A frame of a capture.
#[derive(Clone)]
pub(crate) struct Record {
    pub(crate) seconds: u32,
    /// Micro- or nanoseconds, as the file counts.
    pub(crate) fraction: u32,
    pub(crate) octets: Vec<u8>,
    pub(crate) original_len: usize,
}

pub(crate) fn record(octets: Vec<u8>) -> Record {
    Record {
        seconds: 1_700_000_000,
        fraction: 0,
        original_len: octets.len(),
        octets,
    }
}

impl Record {
    pub(crate) fn at(mut self, seconds: u32, fraction: u32) -> Self {
        (self.seconds, self.fraction) = (seconds, fraction);
        self
    }

    pub(crate) fn snapped(mut self, length: usize) -> Self {
        self.octets.truncate(length);
        self
    }
}

/// Numbers in one of the two byte orders.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Order {
    Big,
    Little,
}

impl Order {
    pub(crate) fn u16(self, number: u16) -> [u8; 2] {
        match self {
            Self::Big => number.to_be_bytes(),
            Self::Little => number.to_le_bytes(),
        }
    }

    pub(crate) fn u32(self, number: u32) -> [u8; 4] {
        match self {
            Self::Big => number.to_be_bytes(),
            Self::Little => number.to_le_bytes(),
        }
    }

    pub(crate) fn i64(self, number: i64) -> [u8; 8] {
        match self {
            Self::Big => number.to_be_bytes(),
            Self::Little => number.to_le_bytes(),
        }
    }
}

/// A classic capture; with `nanos` of the variant that counts those.
pub(crate) fn pcap(order: Order, nanos: bool, link_type: u32, records: &[Record]) -> Vec<u8> {
    let magic = if nanos { 0xa1b2_3c4d } else { 0xa1b2_c3d4 };
    let mut file = order.u32(magic).to_vec();
    file.extend(order.u16(2));
    file.extend(order.u16(4));
    file.extend([0; 8]);
    file.extend(order.u32(262_144));
    file.extend(order.u32(link_type));
    for record in records {
        file.extend(order.u32(record.seconds));
        file.extend(order.u32(record.fraction));
        file.extend(order.u32(record.octets.len() as u32));
        file.extend(order.u32(record.original_len as u32));
        file.extend(&record.octets);
    }
    file
}

/// The usual capture.
pub(crate) fn of_packets(packets: &[Vec<u8>]) -> Vec<u8> {
    let records: Vec<Record> = packets.iter().cloned().map(record).collect();
    pcap(Order::Little, false, RAW, &records)
}

/// One pcapng block.
pub(crate) fn block(order: Order, block_type: u32, body: &[u8]) -> Vec<u8> {
    let length = order.u32((12 + body.len().next_multiple_of(4)) as u32);
    let mut block = order.u32(block_type).to_vec();
    block.extend(length);
    block.extend(body);
    block.resize(block.len().next_multiple_of(4), 0);
    block.extend(length);
    block
}

pub(crate) fn section(order: Order) -> Vec<u8> {
    let mut body = order.u32(0x1a2b_3c4d).to_vec();
    body.extend(order.u16(1));
    body.extend(order.u16(0));
    body.extend([0xff; 8]);
    block(order, 0x0a0d_0d0a, &body)
}

pub(crate) fn interface(
    order: Order,
    link_type: u16,
    snap_len: u32,
    options: &[(u16, Vec<u8>)],
) -> Vec<u8> {
    let mut body = order.u16(link_type).to_vec();
    body.extend([0, 0]);
    body.extend(order.u32(snap_len));
    for (code, value) in options {
        body.extend(order.u16(*code));
        body.extend(order.u16(value.len() as u16));
        body.extend(value);
        body.resize(body.len().next_multiple_of(4), 0);
    }
    body.extend([0; 4]);
    block(order, 1, &body)
}

pub(crate) fn enhanced(order: Order, interface: u32, units: u64, octets: &[u8]) -> Vec<u8> {
    let mut body = order.u32(interface).to_vec();
    body.extend(order.u32((units >> 32) as u32));
    body.extend(order.u32(units as u32));
    body.extend(order.u32(octets.len() as u32));
    body.extend(order.u32(octets.len() as u32));
    body.extend(octets);
    block(order, 6, &body)
}

pub(crate) fn simple(order: Order, original_len: usize, octets: &[u8]) -> Vec<u8> {
    let mut body = order.u32(original_len as u32).to_vec();
    body.extend(octets);
    block(order, 3, &body)
}

pub(crate) fn obsolete(order: Order, interface: u16, units: u64, octets: &[u8]) -> Vec<u8> {
    let mut body = order.u16(interface).to_vec();
    body.extend([0, 0]);
    body.extend(order.u32((units >> 32) as u32));
    body.extend(order.u32(units as u32));
    body.extend(order.u32(octets.len() as u32));
    body.extend(order.u32(octets.len() as u32));
    body.extend(octets);
    block(order, 2, &body)
}

pub(crate) fn ethernet(tags: &[(u16, u16)], ether_type: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
    for (tag, vlan) in tags {
        frame.extend(tag.to_be_bytes());
        frame.extend(vlan.to_be_bytes());
    }
    frame.extend(ether_type.to_be_bytes());
    frame.extend(payload);
    frame
}

/// An IPv4 packet; its checksum is left zero, which nothing here looks at.
pub(crate) fn ipv4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    ipv4_fragment(protocol, 0, 0, payload)
}

/// `place` is the field of flags and offset.
pub(crate) fn ipv4_fragment(
    protocol: u8,
    identification: u16,
    place: u16,
    payload: &[u8],
) -> Vec<u8> {
    let mut packet = vec![0x45, 0];
    packet.extend((20 + payload.len() as u16).to_be_bytes());
    packet.extend(identification.to_be_bytes());
    packet.extend(place.to_be_bytes());
    packet.extend([64, protocol, 0, 0]);
    packet.extend(MAG4.octets());
    packet.extend(LMA4.octets());
    packet.extend(payload);
    packet
}

pub(crate) fn udp(source: u16, destination: u16, payload: &[u8]) -> Vec<u8> {
    let mut datagram = source.to_be_bytes().to_vec();
    datagram.extend(destination.to_be_bytes());
    datagram.extend((8 + payload.len() as u16).to_be_bytes());
    datagram.extend([0, 0]);
    datagram.extend(payload);
    datagram
}

pub(crate) fn control(message: &[u8]) -> Vec<u8> {
    ipv4(17, &udp(5436, 5436, message))
}

pub(crate) fn ipv6(next_header: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend((payload.len() as u16).to_be_bytes());
    packet.extend([next_header, 64]);
    packet.extend(MAG6.octets());
    packet.extend(LMA6.octets());
    packet.extend(payload);
    packet
}

/// An IPv6 fragment header in front of `payload`.
pub(crate) fn fragment(next_header: u8, offset: u16, more: bool, payload: &[u8]) -> Vec<u8> {
    let mut part = vec![next_header, 0];
    part.extend((offset | u16::from(more)).to_be_bytes());
    part.extend(77u32.to_be_bytes());
    part.extend(payload);
    ipv6(44, &part)
}

/// `message` with the checksum of RFC 6275 section 6.1.1 over these addresses.
pub(crate) fn summed(message: &[u8], source: Ipv6Addr, destination: Ipv6Addr) -> Vec<u8> {
    let mut all = source.octets().to_vec();
    all.extend(destination.octets());
    all.extend((message.len() as u32).to_be_bytes());
    all.extend([0, 0, 0, 135]);
    all.extend(message);
    let mut message = message.to_vec();
    message[4..6].copy_from_slice(&checksum(&all));
    message
}

/// The Internet checksum of an even number of octets (RFC 1071).
pub(crate) fn checksum(octets: &[u8]) -> [u8; 2] {
    let words = octets
        .chunks(2)
        .map(|word| u32::from(u16::from_be_bytes([word[0], word[1]])));
    let sum: u32 = words.sum();
    let sum = (sum & 0xffff) + (sum >> 16);
    let sum = (sum & 0xffff) + (sum >> 16);
    (!(sum as u16)).to_be_bytes()
}

/// A Proxy Binding Update, written by hand: sequence number 7, flags A and P, 3600 seconds;
/// mobile node identifier "mn@example.net", home network prefix 2001:db8:7::/64, handoff indicator
/// 1, access technology type 3.
pub(crate) fn binding_update() -> Vec<u8> {
    let mut message = vec![59, 7, 5, 0, 0, 0, 0, 7, 0x82, 0, 0x03, 0x84];
    message.extend([22, 18, 0, 64]);
    message.extend([0x20, 0x01, 0x0d, 0xb8, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    message.extend([8, 15, 1]);
    message.extend(b"mn@example.net");
    message.extend([23, 2, 0, 1]);
    message.extend([24, 2, 0, 3]);
    message.extend([1, 5, 0, 0, 0, 0, 0]);
    assert_eq!(message.len(), 64);
    message
}

/// A Heartbeat request, sequence number `sequence`.
pub(crate) fn heartbeat(sequence: u8) -> Vec<u8> {
    vec![59, 1, 13, 0, 0, 0, 0, 0, 0, 0, 0, sequence, 1, 2, 0, 0]
}
