//! A care-of address that another gateway has registered: that one is asked first, and only its
//! silence gives the address away (signalling rules section 7).
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at what it did not expect"
)]

mod common;

use std::time::Duration;

use bytes::Bytes;
use common::{Bench, Pbu, SECOND, datagram, mag_path, registered};
use pmip_binding::testing::{Node, address, control, lma_config};
use pmip_binding::{BindingState, DropReason, Input};
use pmip_wire::{
    ChecksumContext, Heartbeat, MagIdentifier, Message, MobilityOption, MobilityOptions, Status,
};

const OLD: &str = "old@example.com";
const NEW: &str = "new@example.com";

/// `mag1` has registered a mobile node from the address that everybody uses here.
fn taken() -> Bench {
    let mut config = lma_config();
    config.heartbeat.rules[0].interval = 60 * SECOND;
    let mut bench = Bench::new(config);
    assert_eq!(bench.status(&pbu(OLD, 1, "mag1")), Status::Accepted);
    bench
}

fn pbu(nai: &str, sequence: u16, mag: &str) -> Pbu {
    Pbu::new(nai, sequence).multipath(mag, 1)
}

/// What a PBU of `mag2` leads to: an answer, or the sequence number that the old one is asked with.
fn claim(bench: &mut Bench, sequence: u16) -> (Option<Status>, Option<u32>) {
    let datagram = pbu(NEW, sequence, "mag2").datagram();
    let sent = bench.give(Input::Signalling(datagram));
    let mut outcome = (None, None);
    for payload in &sent {
        match Message::decode(payload, ChecksumContext::Udp).unwrap() {
            Message::BindingAcknowledgement(answer) => outcome.0 = Some(answer.status),
            Message::Heartbeat(beat) => outcome.1 = Some(beat.sequence),
            other => panic!("{other:?}"),
        }
    }
    outcome
}

/// An answer from the address, in a gateway's name or without one.
fn answer(bench: &mut Bench, sequence: u32, name: Option<&str>) {
    let mut beat = Heartbeat::response(sequence);
    if let Some(name) = name {
        let id = MagIdentifier::nai(name).unwrap();
        beat.options = MobilityOptions::new().with(id).unwrap();
    }
    let payload: Bytes = Message::Heartbeat(beat).to_bytes(ChecksumContext::Udp);
    bench.give(Input::Signalling(datagram(control(address(9, 1)), payload)));
}

fn states(bench: &Bench) -> Vec<(String, BindingState)> {
    let bindings = bench.lma.bindings(bench.now);
    bindings.map(|b| (b.mn_id, b.state)).collect()
}

#[test]
fn a_gateway_that_answers_keeps_its_address() {
    for name in [Some("mag1"), None] {
        let mut bench = taken();
        let (status, asked) = claim(&mut bench, 1);
        assert_eq!(status, None, "the old gateway is asked first");
        assert_eq!(bench.lma.stats().dropped[&DropReason::CareOfInUse], 1);
        bench.now += Duration::from_millis(20);
        answer(&mut bench, asked.unwrap(), name);
        bench.now += SECOND;
        assert_eq!(
            claim(&mut bench, 2),
            (Some(Status::InsufficientResources), None)
        );
        assert_eq!(states(&bench), [(OLD.into(), BindingState::Active)]);
        // Later it is asked again: it may be gone by then.
        bench.now += 10 * SECOND;
        assert!(claim(&mut bench, 3).1.is_some());
    }
}

#[test]
fn silence_gives_the_address_to_the_retransmission() {
    let mut bench = taken();
    let first = claim(&mut bench, 1).1;
    bench.now += SECOND;
    let (status, again) = claim(&mut bench, 2);
    assert_eq!(
        (status, again),
        (None, first),
        "asked once more, one request may be lost"
    );
    bench.now += 2 * SECOND;
    assert_eq!(claim(&mut bench, 3).0, Some(Status::Accepted));
    assert_eq!(
        states(&bench),
        [
            (OLD.into(), BindingState::Disconnecting),
            (NEW.into(), BindingState::Active),
        ]
    );
    assert_eq!(bench.lma.paths().count(), 1);
}

#[test]
fn the_newcomers_own_answer_does_not_count_for_the_old_gateway() {
    let mut bench = taken();
    let asked = claim(&mut bench, 1).1.unwrap();
    answer(&mut bench, asked, Some("mag2"));
    bench.now += 3 * SECOND;
    assert_eq!(claim(&mut bench, 2).0, Some(Status::Accepted));
}

#[test]
fn a_session_of_the_old_gateway_goes_on_over_its_other_paths() {
    let mut bench = taken();
    let other = Pbu::new(OLD, 2)
        .multipath("mag1", 2)
        .handoff(5)
        .from(address(9, 2));
    assert_eq!(bench.status(&other), Status::Accepted);
    claim(&mut bench, 1);
    bench.now += 3 * SECOND;
    assert_eq!(claim(&mut bench, 2).0, Some(Status::Accepted));
    let old = bench.lma.bindings(bench.now).find(|b| b.mn_id == OLD);
    let old = old.unwrap();
    assert_eq!(old.state, BindingState::Active);
    assert_eq!(
        old.paths.iter().map(|p| p.binding_id).collect::<Vec<_>>(),
        [2]
    );
}

#[test]
fn a_claim_that_is_given_up_is_forgotten() {
    let mut bench = taken();
    claim(&mut bench, 1);
    bench.now += 100 * SECOND;
    let (status, asked) = claim(&mut bench, 2);
    assert_eq!(
        status, None,
        "a minute's silence proves nothing: nobody was asked since"
    );
    assert!(asked.is_some());
}

#[test]
fn private_addresses_behind_nats_may_be_equal() {
    let mut bench = Bench::new(lma_config());
    let own = MobilityOption::Ipv4CareOfAddress([192, 168, 0, 1].into());
    for (mag, host) in [("mag1", 1), ("mag2", 2)] {
        let pbu = pbu(&format!("mn{host}@example.com"), 1, mag);
        let pbu = pbu.with(own.clone()).from(address(7, host));
        assert_eq!(bench.status(&pbu), Status::Accepted);
    }
}

#[test]
fn leaving_and_refreshing_are_not_held_up() {
    let mut bench = taken();
    claim(&mut bench, 1);
    assert_eq!(
        bench.status(&pbu(OLD, 2, "mag1").handoff(5)),
        Status::Accepted
    );
    let leaves = pbu(OLD, 3, "mag1").lifetime(0).handoff(4);
    assert_eq!(bench.status(&leaves), Status::Accepted);
    // Its path is gone with it, so nothing stands against the newcomer.
    assert_eq!(claim(&mut bench, 2).0, Some(Status::Accepted));
}

/// What makes the newcomer's answers harmless: our gateways sign their heartbeat answers by name.
#[test]
fn our_gateways_name_themselves_in_their_answers() {
    let mut world = registered(1);
    world.run_for(3 * SECOND);
    let heartbeat = |datagram: &pmip_binding::Datagram| match Message::decode(
        &datagram.payload,
        ChecksumContext::Udp,
    )
    .unwrap()
    {
        Message::Heartbeat(beat) if beat.response => Some(beat),
        _ => None,
    };
    let answers: Vec<Heartbeat> = world.captured().filter_map(heartbeat).collect();
    assert!(!answers.is_empty());
    for beat in answers {
        assert_eq!(
            &**beat.options.mag_identifier().unwrap().identifier(),
            b"mag1"
        );
    }
    assert!(mag_path(&world, 1).usable);
    assert!(
        world
            .events
            .iter()
            .all(|(_, node, event)| *node != Node::Lma
                || !matches!(event, pmip_binding::Event::Dropped { .. }))
    );
}

/// A claim that is refused for want of room takes nothing from the silent gateway.
#[test]
fn a_silent_gateway_keeps_its_session_where_the_new_one_gets_none() {
    let mut config = lma_config();
    config.heartbeat.rules[0].interval = 60 * SECOND;
    config.limits.bindings = 1;
    let mut bench = Bench::new(config);
    assert_eq!(bench.status(&pbu(OLD, 1, "mag1")), Status::Accepted);
    claim(&mut bench, 1);
    bench.wait(4 * SECOND);
    let (status, _) = claim(&mut bench, 2);
    assert_eq!(status, Some(Status::InsufficientResources));
    assert_eq!(states(&bench), [(OLD.to_owned(), BindingState::Active)]);
}
