//! Bindings are revoked from either end (RFC 5846, signalling rules section 10).
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at what it did not expect"
)]

#[path = "../common/mod.rs"]
mod common;

mod by_anchor;
mod by_gateway;
mod handoff;
mod messages;

use std::net::IpAddr;

use bytes::Bytes;
use common::Bench;
use pmip_binding::testing::{Node, World, control};
use pmip_binding::{Command, DropReason, Event, Input, RevocationEvent, Revoke, SessionEvent};
use pmip_wire::{
    BindingRevocationStatus as Status, ChecksumContext, Message, RevocationTrigger as Trigger,
};

const NAI: &str = "lmn1@example.com";

fn revoke(world: &mut World, node: Node, what: Revoke) {
    world.command(node, Command::Revoke(what));
}

fn session(trigger: Trigger) -> Revoke {
    let nai = NAI.to_owned();
    Revoke::MobileNode { nai, trigger }
}

fn path(binding_id: u8) -> Revoke {
    let (nai, trigger) = (NAI.to_owned(), Trigger::AdministrativeReason);
    Revoke::Path {
        nai,
        binding_id,
        trigger,
    }
}

fn revocations(world: &World, node: Node) -> Vec<RevocationEvent> {
    let events = world.events.iter().filter(|(_, who, _)| *who == node);
    events
        .filter_map(|(_, _, event)| match event {
            Event::Revocation(event) => Some(event.clone()),
            _ => None,
        })
        .collect()
}

fn answered(world: &World, node: Node) -> Vec<Status> {
    let events = revocations(world, node).into_iter();
    events
        .filter_map(|event| match event {
            RevocationEvent::Answered { status, .. } => Some(status),
            _ => None,
        })
        .collect()
}

fn is_told_down(world: &World, node: Node) -> bool {
    world.events.iter().any(|(_, who, event)| {
        *who == node && matches!(event, Event::Session(SessionEvent::Down { .. }))
    })
}

fn dropped(world: &World, node: Node, reason: DropReason) -> u64 {
    let stats = match node {
        Node::Lma => world.lma.stats(),
        Node::Mag(mag) => world.mags[mag].stats(),
    };
    stats.dropped.get(&reason).copied().unwrap_or(0)
}

/// The anchor's answer to a hand-made message, as octets.
fn ask_anchor(bench: &mut Bench, from: IpAddr, message: &Message) -> Option<Bytes> {
    let payload = message.to_bytes(ChecksumContext::Udp);
    let datagram = common::datagram(control(from), payload);
    bench.give(Input::Signalling(datagram)).pop()
}
