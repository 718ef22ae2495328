//! The UDP checksum, which senders over IPv4 may leave out and network cards fill in late.

use std::net::IpAddr;

use pmip_wire::DecodeErrorKind;
use pmip_wire::carrier::{AddressPair, UdpDatagram, protocol};
use pmip_wire::checksum::Checksum;

/// What the checksum of a UDP datagram is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UdpChecksum {
    /// It covers the datagram as it is.
    Correct,
    /// Its sender left it out, which IPv4 allows and signalling does not: the receiver discards the
    /// datagram (RFC 5844 sections 4.1.3.2 and 4.2.2.1).
    LeftOut,
    /// It is the sum of the pseudo header alone: captured in front of the network card, or of the
    /// virtual one, that was to fill it in.
    Offloaded,
    /// It is wrong: the receiver discards the datagram.
    Wrong {
        /// The checksum that would be right.
        expected: u16,
        /// The checksum found.
        found: u16,
    },
}

impl UdpChecksum {
    /// Of a signalling datagram over IPv4; `None` where not all of it is there.
    pub(crate) fn of(datagram: &[u8], source: IpAddr, destination: IpAddr) -> Option<Self> {
        let (IpAddr::V4(source), IpAddr::V4(destination)) = (source, destination) else {
            return None;
        };
        let addresses = AddressPair::V4 {
            source,
            destination,
        };
        let error = match UdpDatagram::parse(datagram, addresses) {
            Ok(datagram) if datagram.checksummed => return Some(Self::Correct),
            Ok(_) => return Some(Self::LeftOut),
            Err(error) => error,
        };
        let DecodeErrorKind::BadChecksum { expected, found } = error.kind else {
            return None;
        };
        let [_, _, _, _, high, low, ..] = *datagram else {
            return None;
        };
        let length = u16::from_be_bytes([high, low]);
        let unfilled = Checksum::ipv4_pseudo_header(source, destination, length, protocol::UDP);
        if found == !unfilled.finish() {
            return Some(Self::Offloaded);
        }
        Some(Self::Wrong { expected, found })
    }

    /// The name that JSON gives it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Correct => "correct",
            Self::LeftOut => "left-out",
            Self::Offloaded => "offloaded",
            Self::Wrong { .. } => "wrong",
        }
    }
}
