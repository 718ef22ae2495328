//! Who asks and who answers by heartbeat (RFC 5847 section 3).
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at what it did not expect"
)]

mod common;

use common::{Bench, Pbu, SECOND, registered};
use pmip_binding::testing::{Node, address, control, lma_config, mag_config};
use pmip_binding::{Command, Input};
use pmip_wire::{ChecksumContext, Heartbeat, Message};

#[test]
fn a_gateway_without_a_binding_asks_nobody() {
    let mut config = mag_config(1, 2);
    config.logical_mobile_nodes.clear();
    let mut world = pmip_binding::testing::World::new(lma_config(), 1);
    let addresses = [address(1, 1), address(1, 2)];
    world.add_mag(config, &addresses, &common::link(10));
    world.all_up();
    world.run_for(60 * SECOND);
    assert_eq!(world.mags[0].stats().heartbeats_sent, 0);
    assert_eq!(world.lma.stats().heartbeats_sent, 0);
}

#[test]
fn an_anchor_whose_last_binding_ended_asks_no_more() {
    let mut world = registered(2);
    world.run_for(3 * SECOND);
    assert!(world.lma.stats().heartbeats_sent > 0);
    world.command(Node::Mag(0), Command::Shutdown);
    world.run_for(20 * SECOND);
    let sent = world.lma.stats().heartbeats_sent;
    world.run_for(60 * SECOND);
    assert_eq!(world.lma.stats().heartbeats_sent, sent);
}

#[test]
fn a_request_is_answered_with_its_number_and_the_counter_whoever_asks() {
    let mut config = lma_config();
    config.restart_counter = 77;
    let mut bench = Bench::new(config);
    for sequence in [1, 0xdead_beef] {
        let asked = Message::Heartbeat(Heartbeat::request(sequence));
        let payload = asked.to_bytes(ChecksumContext::Udp);
        let datagram = common::datagram(control(address(5, 5)), payload);
        let sent = bench.give(Input::Signalling(datagram));
        // What else a stranger is told is another story.
        let answer = sent.first().expect("an answer");
        let answer = Message::decode(answer, ChecksumContext::Udp).unwrap();
        let Message::Heartbeat(answer) = answer else {
            panic!("{answer:?}")
        };
        assert!(answer.response && !answer.unsolicited);
        assert_eq!(answer.sequence, sequence);
        assert_eq!(answer.options.restart_counter(), Some(77));
    }
    assert!(bench.send(&Pbu::new("mn@example.com", 1)).is_some());
}
