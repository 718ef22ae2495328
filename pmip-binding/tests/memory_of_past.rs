//! What an anchor did is not done once more, and whom it must not ask is not asked, also after a
//! restart or under another configuration.
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at what it did not expect"
)]

mod common;
#[allow(dead_code, reason = "a part of it")]
#[path = "common/state.rs"]
mod state;

use std::time::Duration;

use bytes::Bytes;
use common::{Bench, Pbu, SECOND, datagram};
use pmip_binding::snapshot::LmaSnapshot;
use pmip_binding::testing::{UNIX_START, address, control, lma_config};
use pmip_binding::{ClockAnchor, Input, Lma, LmaConfig};
use pmip_wire::types::Instant;
use pmip_wire::{
    BindingRevocationFlags, BindingRevocationIndication, BindingRevocationStatus as Outcome,
    ChecksumContext, Heartbeat, Message, MobileNodeIdentifier, MobilityOptions, RevocationTrigger,
    SequenceNumber, Status,
};
use state::kept;

const MN: &str = "mn@example.com";
const DAY: Duration = Duration::from_secs(24 * 3600);

fn config() -> LmaConfig {
    let mut config = lma_config();
    config.heartbeat.rules.clear();
    // What waits for an answer would stand against another configuration.
    config.revocation.on_handoff = false;
    config
}

/// The bench goes on with an anchor of its snapshot, or with another configuration.
fn renew(bench: &mut Bench, how: &str) {
    match how {
        "restart" => {
            let clock = ClockAnchor {
                instant: Instant::ZERO,
                unix: UNIX_START,
            };
            let snapshot = kept(&bench.lma);
            let (lma, refusals) =
                Lma::restore(config(), &snapshot, [8; 32], clock, bench.now).unwrap();
            assert_eq!(refusals, []);
            bench.lma = lma;
        }
        "reconfigure" => bench.lma.reconfigure(bench.now, config()).unwrap(),
        _ => {}
    }
}

/// Sends a gateway's revocation of the mobile node.
fn revoke(bench: &mut Bench) -> Option<Outcome> {
    let options = MobilityOptions::new().with(MobileNodeIdentifier::nai(MN).unwrap());
    let indication = Message::BindingRevocationIndication(BindingRevocationIndication {
        trigger: RevocationTrigger::AccessNetworkSessionTermination,
        sequence: SequenceNumber(7),
        flags: BindingRevocationFlags::PROXY,
        options: options.unwrap(),
    });
    let payload: Bytes = indication.to_bytes(ChecksumContext::Udp);
    let sent = bench.give(Input::Signalling(datagram(control(address(9, 1)), payload)));
    let mut answers = sent.iter();
    answers.find_map(
        |octets| match Message::decode(octets, ChecksumContext::Udp).unwrap() {
            Message::BindingRevocationAcknowledgement(answer) => Some(answer.status),
            _ => None,
        },
    )
}

#[test]
fn a_replayed_revocation_ends_nothing() {
    for how in ["nothing", "restart", "reconfigure"] {
        let mut bench = Bench::new(config());
        assert_eq!(bench.status(&Pbu::new(MN, 1)), Status::Accepted);
        assert_eq!(revoke(&mut bench), Some(Outcome::Success));
        assert_eq!(bench.status(&Pbu::new(MN, 2)), Status::Accepted);
        renew(&mut bench, how);
        let again = revoke(&mut bench);
        assert_eq!(again, Some(Outcome::Success), "{how}: answered as before");
        assert_eq!(bench.lma.bindings(bench.now).count(), 1, "{how}");
    }
}

/// A sequence number has 16 bits, so it comes again.
#[test]
fn the_same_octets_a_day_later_are_another_revocation() {
    let mut bench = Bench::new(config());
    bench.send(&Pbu::new(MN, 1));
    revoke(&mut bench);
    bench.now += DAY;
    assert_eq!(bench.status(&Pbu::new(MN, 2)), Status::Accepted);
    assert_eq!(revoke(&mut bench), Some(Outcome::Success));
    assert_eq!(bench.lma.bindings(bench.now).count(), 0);
}

/// Messages to a gateway's address that ask it to register, of those sent.
fn asks(sent: &[Bytes]) -> usize {
    let decoded = sent
        .iter()
        .map(|octets| Message::decode(octets, ChecksumContext::Udp).unwrap());
    decoded
        .filter(|message| matches!(message, Message::UpdateNotification(_)))
        .count()
}

/// It would take the mobile node back from where it moved to.
#[test]
fn a_gateway_that_a_mobile_node_left_is_not_asked_for_it() {
    for how in ["nothing", "restart", "reconfigure"] {
        let mut bench = Bench::new(config());
        bench.send(&Pbu::new(MN, 1));
        let moved = Pbu::new(MN, 2).handoff(3).from(address(9, 2));
        assert_eq!(bench.status(&moved), Status::Accepted);
        renew(&mut bench, how);
        let beat = |bench: &mut Bench, host| {
            bench.now += SECOND;
            let payload = Message::Heartbeat(Heartbeat::request(1)).to_bytes(ChecksumContext::Udp);
            let from = control(address(9, host));
            asks(&bench.give(Input::Signalling(datagram(from, payload))))
        };
        assert_eq!(beat(&mut bench, 1), 0, "{how}");
        assert_eq!(beat(&mut bench, 3), 1, "{how}: a stranger is");
    }
}

/// A standby that is fed by changes alone knows it too.
#[test]
fn changes_make_the_same_snapshot() {
    let mut bench = Bench::new(config());
    bench.lma.record_changes(true);
    let mut standby = bench.lma.snapshot();
    let follow = |bench: &mut Bench, standby: &mut LmaSnapshot| {
        while let Some(change) = bench.lma.poll_change() {
            standby.apply(change);
        }
        assert_eq!(*standby, bench.lma.snapshot());
    };
    bench.send(&Pbu::new(MN, 1));
    bench.send(&Pbu::new(MN, 2).handoff(3).from(address(9, 2)));
    follow(&mut bench, &mut standby);
    assert_eq!(standby.departures().count(), 1);
    bench.send(&Pbu::new(MN, 3).handoff(3));
    revoke(&mut bench);
    follow(&mut bench, &mut standby);
    let left = standby.departures().next().unwrap();
    assert_eq!(left.source, address(9, 2), "it came back to the first");
    assert_eq!(standby.handled().count(), 1);
    bench.now += DAY;
    renew(&mut bench, "reconfigure");
    bench.send(&Pbu::new(MN, 4));
    follow(&mut bench, &mut standby);
    assert_eq!(standby.handled().count(), 0, "forgotten");
}
