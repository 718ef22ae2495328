//! Any octets as a Mobility Header: an error or a message, and what decodes encodes stably.

use std::net::Ipv6Addr;

use bytes::Bytes;
use pmip_wire::checksum::{Checksum, MOBILITY_HEADER_PROTOCOL};
use pmip_wire::{ChecksumContext, Leniency, MAX_MESSAGE_LEN, Message};

const SOURCE: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
const DESTINATION: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2);
const IPV6: ChecksumContext = ChecksumContext::Ipv6 {
    source: SOURCE,
    destination: DESTINATION,
};

/// Decodes `data` over both carriers.
pub fn run(data: &[u8]) {
    let over_udp = Message::decode_slice(data, ChecksumContext::Udp);
    if let Err(error) = &over_udp {
        assert!(usize::from(error.offset) <= MAX_MESSAGE_LEN, "{error}");
    }
    if let Ok(message) = &over_udp {
        for context in [ChecksumContext::Udp, IPV6] {
            stable(message, context);
        }
    }
    lax_agrees(data, over_udp.as_ref().ok());
    // Random octets almost never hold a right checksum: with it, both carriers must agree.
    let as_it_came = Message::decode_slice(data, IPV6);
    if let Some(signed) = with_checksum(data) {
        let over_ipv6 = Message::decode_slice(&signed, IPV6);
        assert_eq!(over_ipv6.ok(), over_udp.as_ref().ok().cloned());
    }
    if let (Ok(a), Ok(b)) = (as_it_came, over_udp) {
        assert_eq!(a, b, "the checksum changes nothing but acceptance");
    }
}

/// Leniency changes nothing about a message without faults, and what it lets pass encodes.
fn lax_agrees(data: &[u8], strict: Option<&Message>) {
    let wire = Bytes::copy_from_slice(data.get(..MAX_MESSAGE_LEN).unwrap_or(data));
    let lax = Message::decode_lax(&wire, ChecksumContext::Udp, Leniency::all());
    if let Some(strict) = strict {
        let (message, faults) = lax.expect("what strict decoding takes, lax takes");
        if faults.tolerances().is_empty() {
            assert_eq!(&message, strict);
        }
    } else if let Ok((message, faults)) = lax {
        assert!(
            !faults.tolerances().is_empty(),
            "what was passed over is told"
        );
        let octets = message.to_bytes(ChecksumContext::Udp);
        assert_eq!(octets.len(), message.encoded_len());
    }
}

fn stable(message: &Message, context: ChecksumContext) {
    let wire = message.to_bytes(context);
    assert_eq!(wire.len(), message.encoded_len());
    let again = Message::decode(&wire, context).expect("what was encoded decodes");
    assert_eq!(&again, message);
    assert_eq!(again.to_bytes(context), wire, "encoding is a fixed point");
}

/// `data` with the checksum that IPv6 asks for; `None` where it holds no whole header.
fn with_checksum(data: &[u8]) -> Option<Bytes> {
    let length = (usize::from(*data.get(1)?) + 1) * 8;
    let mut message = data.get(..length)?.to_vec();
    message.get_mut(4..6)?.fill(0);
    let length = u32::try_from(length).expect("at most 2048");
    let mut sum =
        Checksum::ipv6_pseudo_header(SOURCE, DESTINATION, length, MOBILITY_HEADER_PROTOCOL);
    sum.add(&message);
    message
        .get_mut(4..6)?
        .copy_from_slice(&sum.finish().to_be_bytes());
    Some(message.into())
}
