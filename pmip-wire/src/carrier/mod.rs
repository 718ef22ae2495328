//! What carries signalling and inner packets: IPv6 with its extension headers, IPv4 and UDP with
//! their TLV header, and GRE.
//!
//! Reading borrows and allocates nothing. Writing appends headers to the caller's buffer, with
//! lengths and checksums computed, and takes the payload only to sum it up. Offsets in errors
//! count from the start of the octets that were given.
//!
//! | carrier | read | write |
//! |---|---|---|
//! | IPv6, Mobility Header (RFC 6275) | [`Ipv6Packet`] | [`Ipv6Header`] |
//! | IPv4 (RFC 791) | [`Ipv4Packet`] | [`Ipv4Header`] |
//! | UDP (RFC 768), ports 5436 and 5437 (RFC 5844) | [`UdpDatagram`], [`DataFrame`] | [`UdpHeader`] |
//! | TLV header (RFC 5845) | [`TlvPacket`] | [`TlvPacket::encode_header`] |
//! | GRE (RFC 2784, RFC 2890) | [`GrePacket`] | [`GreHeader`] |

mod gre;
mod ipv4;
mod ipv6;
pub mod protocol;
mod tlv;
mod udp;

pub use gre::{GreHeader, GrePacket, ether_type};
pub use ipv4::{Ipv4Header, Ipv4Packet};
pub use ipv6::{
    ExtensionHeader, ExtensionHeaders, FlowLabel, HomeAddress, Ipv6Fragment, Ipv6Header,
    Ipv6Option, Ipv6Options, Ipv6Packet, MAX_EXTENSION_HEADERS, NotRoutable,
};
pub use tlv::{DataFrame, TlvPacket};
pub use udp::{AddressPair, UdpDatagram, UdpHeader};

use crate::checksum::Checksum;
use crate::error::{DecodeError, DecodeErrorKind, Layer};

/// Verifies that `start`, such as a pseudo header, and `octets`, which hold the checksum `found`
/// at the even place `offset`, sum up as they must.
fn verify_checksum(
    start: Checksum,
    octets: &[u8],
    found: u16,
    layer: Layer,
    offset: u16,
) -> Result<(), DecodeError> {
    let mut checksum = start;
    checksum.add(octets);
    if checksum.is_valid() {
        return Ok(());
    }
    // Adding the complement takes the field out of the sum again.
    let mut checksum = start;
    checksum.add(&(!found).to_be_bytes());
    checksum.add(octets);
    let expected = checksum.finish();
    let kind = DecodeErrorKind::BadChecksum { expected, found };
    Err(DecodeError::new(kind, layer, offset))
}
