//! Link layers: from a frame to its IP packet.

use std::fmt;

use etherparse::{Ethernet2Slice, SingleVlanSlice};

/// What the frames of an interface start with, by its number in the registry of link-layer header
/// types that capture files share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkType(u16);

/// What a frame holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Link<'a> {
    /// An IP packet; its first four bits say which.
    Ip {
        /// VLAN identifiers, outermost first.
        vlans: Vec<u16>,
        packet: &'a [u8],
    },
    /// Something that is not IP.
    Other,
    /// It ends inside the link-layer header.
    Cut,
    /// A link layer that is not known here.
    Unknown,
}

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
/// 802.1Q, 802.1ad (QinQ) and its forerunner.
const VLAN: [u16; 3] = [0x8100, 0x88a8, 0x9100];
/// More tags than any network stacks.
const MAX_VLANS: usize = 8;

impl LinkType {
    /// IEEE 802.3.
    pub const ETHERNET: Self = Self(1);
    /// Of an interface whose description cannot be read.
    pub(crate) const UNREADABLE: Self = Self(u16::MAX);

    /// From the field of a file, whose upper half holds other things.
    #[allow(clippy::cast_possible_truncation)] // The mask leaves 16 bits.
    pub(crate) const fn from_file(field: u32) -> Self {
        Self((field & 0xffff) as u16)
    }

    /// The number in the registry.
    pub const fn number(self) -> u16 {
        self.0
    }

    /// Whether frames of this kind can be taken apart here.
    pub const fn is_known(self) -> bool {
        matches!(self.0, 0 | 1 | 12 | 14 | 101 | 108 | 113 | 228 | 229 | 276)
    }

    const fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0 => "BSD loopback",
            1 => "Ethernet",
            6 => "Token Ring",
            9 | 50 => "PPP",
            10 => "FDDI",
            12 | 14 | 101 => "raw IP",
            51 => "PPPoE",
            104 => "Cisco HDLC",
            105 => "IEEE 802.11",
            107 => "Frame Relay",
            108 => "OpenBSD loopback",
            113 => "Linux cooked",
            127 => "IEEE 802.11 with radiotap",
            147..=162 => "private use",
            187 | 201 => "Bluetooth",
            189 | 220 => "USB",
            192 => "PPI",
            195 | 230 => "IEEE 802.15.4",
            227 => "CAN",
            228 => "raw IPv4",
            229 => "raw IPv6",
            239 => "netfilter log",
            252 => "Wireshark upper PDU",
            253 => "netlink",
            276 => "Linux cooked v2",
            u16::MAX => "an interface whose description is damaged",
            _ => return None,
        })
    }
}

impl fmt::Display for LinkType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{name} ({})", self.0),
            None => write!(f, "link type {}", self.0),
        }
    }
}

/// Takes the link layer off `frame`.
pub(crate) fn open(link_type: LinkType, frame: &[u8]) -> Link<'_> {
    match link_type.number() {
        1 => match Ethernet2Slice::from_slice_without_fcs(frame) {
            Ok(ethernet) => typed(ethernet.ether_type().0, ethernet.payload_slice()),
            Err(_) => Link::Cut,
        },
        // The address family is in the byte order of the machine that captured, and its numbers
        // differ between systems: the packet itself is the better witness.
        0 | 108 => after(frame, 4, Link::ip),
        12 | 14 | 101 | 228 | 229 => Link::ip(frame),
        113 => cooked(frame, 14, 16),
        276 => cooked(frame, 0, 20),
        _ => Link::Unknown,
    }
}

impl<'a> Link<'a> {
    fn ip(packet: &'a [u8]) -> Self {
        match packet.first() {
            None => Self::Cut,
            Some(first) if matches!(first >> 4, 4 | 6) => Self::Ip {
                vlans: Vec::new(),
                packet,
            },
            Some(_) => Self::Other,
        }
    }
}

/// Linux cooked capture: the EtherType at `at`, the payload from `payload` on.
fn cooked(frame: &[u8], at: usize, payload: usize) -> Link<'_> {
    let ether_type = frame.get(at..).and_then(|rest| rest.first_chunk());
    match ether_type {
        Some(octets) => after(frame, payload, |rest| {
            typed(u16::from_be_bytes(*octets), rest)
        }),
        None => Link::Cut,
    }
}

fn after<'a>(frame: &'a [u8], length: usize, open: impl FnOnce(&'a [u8]) -> Link<'a>) -> Link<'a> {
    frame.get(length..).map_or(Link::Cut, open)
}

/// What lies behind an EtherType, VLAN tags included.
fn typed(mut ether_type: u16, mut payload: &[u8]) -> Link<'_> {
    let mut vlans = Vec::new();
    while VLAN.contains(&ether_type) && vlans.len() < MAX_VLANS {
        let Ok(tag) = SingleVlanSlice::from_slice(payload) else {
            return Link::Cut;
        };
        vlans.push(tag.vlan_identifier().value());
        ether_type = tag.ether_type().0;
        payload = tag.payload_slice();
    }
    match ether_type {
        IPV4 | IPV6 if payload.is_empty() => Link::Cut,
        IPV4 | IPV6 => Link::Ip {
            vlans,
            packet: payload,
        },
        _ => Link::Other,
    }
}
