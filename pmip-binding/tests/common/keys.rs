//! An anchor and gateways that share keys (RFC 4285 section 5).
#![allow(dead_code, unreachable_pub, reason = "each test uses its own part")]

use bytes::Bytes;
use pmip_binding::config::{MagPeer, SharedKey};
use pmip_binding::testing::{address, control, lma_config};
use pmip_binding::{DropReason, Input, LmaConfig, Stats};
use pmip_wire::auth::{Addresses, SecurityAssociation};
use pmip_wire::{ChecksumContext, Message, MobilityHeader};

use crate::common::{Bench, Pbu, datagram};

pub const MN: &str = "mn1@example.com";
pub const KEY: [u8; 16] = *b"0123456789abcdef";
pub const OTHER: [u8; 16] = *b"fedcba9876543210";
pub const SPI: u32 = 0x100;

pub fn key(spi: u32, key: [u8; 16]) -> SharedKey {
    SharedKey::new(spi, key)
}

/// An anchor that shares [`KEY`] with `mag9` and [`OTHER`] with `mag8`, and learns nobody.
pub fn protected() -> LmaConfig {
    let mut config = lma_config();
    config.dynamic_mag_learning = false;
    let peers = [("mag9", SPI, KEY), ("mag8", SPI + 1, OTHER)];
    config.peers = peers
        .map(|(name, spi, octets)| {
            let mut peer = MagPeer::new(name);
            peer.keys = vec![key(spi, octets)];
            peer
        })
        .to_vec();
    config
}

pub fn association(spi: u32, key: [u8; 16]) -> SecurityAssociation {
    SecurityAssociation::new(spi, &key).unwrap()
}

/// A PBU signed over IPv4: the addresses count as zero.
pub fn signed(pbu: &Pbu, spi: u32, key: [u8; 16]) -> Bytes {
    let message = Message::decode(&pbu.datagram().payload, ChecksumContext::Udp).unwrap();
    sign(&message, spi, key)
}

pub fn sign(message: &Message, spi: u32, key: [u8; 16]) -> Bytes {
    let association = association(spi, key);
    association
        .sign(message, Addresses::ZERO, ChecksumContext::Udp)
        .unwrap()
}

/// What comes back from the anchor, checked to be authentic under this key.
pub fn exchange(bench: &mut Bench, payload: Bytes, spi: u32, key: [u8; 16]) -> Vec<Message> {
    let input = Input::Signalling(datagram(control(address(9, 1)), payload));
    give(bench, input, spi, key)
}

/// What the anchor sends then, checked in the same way.
pub fn give(bench: &mut Bench, input: Input, spi: u32, key: [u8; 16]) -> Vec<Message> {
    let sent = bench.give(input);
    for payload in &sent {
        let header = MobilityHeader::parse(payload, ChecksumContext::Udp).unwrap();
        let verified = association(spi, key).verify(&header, Addresses::ZERO);
        assert_eq!(verified, Ok(()), "everything sent is authentic");
    }
    sent.iter().map(decode).collect()
}

pub fn decode(payload: &Bytes) -> Message {
    Message::decode(payload, ChecksumContext::Udp).unwrap()
}

/// A protected anchor with a session of `mag9`.
pub fn with_session() -> Bench {
    let mut bench = Bench::new(protected());
    let registration = signed(&Pbu::new(MN, 1).multipath("mag9", 1), SPI, KEY);
    let answers = exchange(&mut bench, registration, SPI, KEY);
    assert_eq!(status(&answers), Some(0));
    bench
}

pub fn status(messages: &[Message]) -> Option<u8> {
    messages.iter().find_map(|message| match message {
        Message::BindingAcknowledgement(answer) => Some(answer.status.code()),
        _ => None,
    })
}

pub fn dropped(stats: &Stats, reason: DropReason) -> u64 {
    stats.dropped.get(&reason).copied().unwrap_or(0)
}

/// A message without authentication, with a wrong one, under a key that nobody has, and under that
/// of another gateway; and how often each is dropped for what.
pub fn forgeries(message: &Message) -> [(Bytes, DropReason); 4] {
    [
        (
            message.to_bytes(ChecksumContext::Udp),
            DropReason::Unauthenticated,
        ),
        (sign(message, SPI, OTHER), DropReason::AuthenticationFailed),
        (sign(message, SPI + 77, KEY), DropReason::UnknownSpi),
        (sign(message, SPI + 1, OTHER), DropReason::KeyOfAnotherPeer),
    ]
}

pub fn assert_forgeries_dropped(bench: &mut Bench, message: &Message) {
    for (payload, reason) in forgeries(message) {
        let before = dropped(bench.lma.stats(), reason);
        let answers = exchange(bench, payload, SPI, KEY);
        assert_eq!(answers, [], "{reason:?}");
        assert_eq!(dropped(bench.lma.stats(), reason), before + 1, "{reason:?}");
    }
}
