//! One captured packet, as far as checks ask for it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use pmip_wire::udp::{CONTROL_PORT, DATA_PORT};
use serde_json::Value;

use crate::view::decode::message_json;

/// Protocol number of GRE (RFC 2784).
pub(super) const GRE: u8 = 47;
/// What flags in the first octet say is present, four octets each (RFC 2890 section 2).
const GRE_CHECKSUM: u8 = 0x80;
const GRE_KEY: u8 = 0x20;
const GRE_SEQUENCE: u8 = 0x10;

/// Length of a GRE header.
fn gre_header(payload: &[u8]) -> Option<usize> {
    let flags = payload.first()?;
    let present = [GRE_CHECKSUM, GRE_KEY, GRE_SEQUENCE];
    let count = present.iter().filter(|flag| flags & **flag != 0).count();
    Some(4 + 4 * count)
}

/// A packet from its IP header on.
#[derive(Clone, Debug)]
pub(in crate::lab) struct Packet {
    /// When it was seen, since the domain started.
    pub(in crate::lab) at: Duration,
    /// The interface that it was seen on.
    pub(in crate::lab) interface: String,
    /// Whether it left by that interface; else it came in.
    pub(in crate::lab) outgoing: bool,
    /// Its octets; what is long is cut.
    pub(in crate::lab) octets: Vec<u8>,
}

impl Packet {
    /// Whether it was seen on `interface`; an empty name is any.
    pub(in crate::lab) fn is_on(&self, interface: &str) -> bool {
        interface.is_empty() || self.interface == interface
    }

    fn version(&self) -> u8 {
        self.octets.first().map_or(0, |first| first >> 4)
    }

    /// Length of the IP header; extension headers are not looked into.
    fn header(&self) -> usize {
        match self.version() {
            4 => self
                .octets
                .first()
                .map_or(20, |first| usize::from(first & 15) * 4),
            _ => 40,
        }
    }

    /// Source address.
    pub(in crate::lab) fn source(&self) -> Option<IpAddr> {
        self.address(12, 8)
    }

    /// Destination address.
    pub(in crate::lab) fn destination(&self) -> Option<IpAddr> {
        self.address(16, 24)
    }

    fn address(&self, v4: usize, v6: usize) -> Option<IpAddr> {
        match self.version() {
            4 => {
                let octets: [u8; 4] = self.octets.get(v4..v4 + 4)?.try_into().ok()?;
                Some(Ipv4Addr::from(octets).into())
            }
            6 => {
                let octets: [u8; 16] = self.octets.get(v6..v6 + 16)?.try_into().ok()?;
                Some(Ipv6Addr::from(octets).into())
            }
            _ => None,
        }
    }

    /// IP protocol, or the first next header.
    pub(in crate::lab) fn protocol(&self) -> Option<u8> {
        let place = if self.version() == 4 { 9 } else { 6 };
        self.octets.get(place).copied()
    }

    /// What follows the IP header.
    pub(in crate::lab) fn payload(&self) -> &[u8] {
        self.octets.get(self.header()..).unwrap_or_default()
    }

    /// Differentiated services code point.
    pub(in crate::lab) fn dscp(&self) -> u8 {
        let octet = |place: usize| self.octets.get(place).copied().unwrap_or(0);
        match self.version() {
            4 => octet(1) >> 2,
            _ => (octet(0) & 15) << 2 | octet(1) >> 6,
        }
    }

    /// The packet's length by its IP header.
    pub(in crate::lab) fn length(&self) -> usize {
        let number = |place: usize| {
            let octets = self.octets.get(place..place + 2);
            octets.map_or(0, |two| usize::from(two[0]) << 8 | usize::from(two[1]))
        };
        match self.version() {
            4 => number(2),
            _ => 40 + number(4),
        }
    }

    fn ports(&self) -> Option<(u16, u16)> {
        if !matches!(self.protocol()?, 6 | 17) {
            return None;
        }
        let payload = self.payload();
        let port = |place: usize| {
            let octets: [u8; 2] = payload.get(place..place + 2)?.try_into().ok()?;
            Some(u16::from_be_bytes(octets))
        };
        Some((port(0)?, port(2)?))
    }

    /// Source port of TCP or UDP.
    pub(in crate::lab) fn source_port(&self) -> Option<u16> {
        self.ports().map(|ports| ports.0)
    }

    /// Destination port of TCP or UDP.
    pub(in crate::lab) fn destination_port(&self) -> Option<u16> {
        self.ports().map(|ports| ports.1)
    }

    /// The inner packets of one that carries data of a tunnel: UDP port 5437, IP in IP or GRE. Several
    /// where the kernel shows a train of segments as one.
    pub(in crate::lab) fn inners(&self) -> Vec<Self> {
        let mut rest = self.inside().unwrap_or_default();
        let mut inners = Vec::new();
        while let Some(4 | 6) = rest.first().map(|first| first >> 4) {
            let mut inner = Self {
                octets: rest.to_vec(),
                ..self.clone()
            };
            let length = inner.length().clamp(20, rest.len().max(20));
            inner.octets.truncate(length);
            inners.push(inner);
            rest = rest.get(length..).unwrap_or_default();
        }
        inners
    }

    /// The first of [`Self::inners`].
    pub(in crate::lab) fn inner(&self) -> Option<Self> {
        self.inners().into_iter().next()
    }

    fn inside(&self) -> Option<&[u8]> {
        let payload = self.payload();
        match self.protocol()? {
            17 => {
                let (source, destination) = self.ports()?;
                let is_data = source == DATA_PORT || destination == DATA_PORT;
                payload.get(8..).filter(|_| is_data)
            }
            4 | 41 => Some(payload),
            GRE => payload.get(gre_header(payload)?..),
            _ => None,
        }
    }

    /// The GRE key that it carries (RFC 2890 section 2.1).
    pub(in crate::lab) fn gre_key(&self) -> Option<u32> {
        let payload = self.payload();
        let flags = payload.first()?;
        if self.protocol()? != GRE || flags & GRE_KEY == 0 {
            return None;
        }
        let place = if flags & GRE_CHECKSUM == 0 { 4 } else { 8 };
        let octets: [u8; 4] = payload.get(place..place + 4)?.try_into().ok()?;
        Some(u32::from_be_bytes(octets))
    }

    /// The Mobility Header that it carries, as `pmip decode --json` shows it.
    pub(in crate::lab) fn message(&self) -> Option<Value> {
        let payload = self.payload();
        match self.protocol()? {
            17 => {
                let (source, destination) = self.ports()?;
                let is_control = source == CONTROL_PORT || destination == CONTROL_PORT;
                let wire = payload.get(8..).filter(|_| is_control)?;
                Some(message_json(wire))
            }
            135 => Some(message_json(payload)),
            _ => None,
        }
    }
}
