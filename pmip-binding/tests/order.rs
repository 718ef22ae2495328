//! Timestamps and sequence numbers: an older message never wins (RFC 5213 section 5.5).
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at what it did not expect"
)]

mod common;

use std::time::Duration;

use common::clocks::{hasty, set_ahead, set_clock, set_right};
use common::{Bench, Pbu, SECOND, lma_binding, registered, uplink, world};
use pmip_binding::testing::{Node, UNIX_START, World, address, lma_config, mag_config};
use pmip_binding::{BindingState, DropReason, Input};
use pmip_wire::{OptionType, Status, Timestamp};

const MN: &str = "mn@example.com";

#[test]
fn a_timestamp_outside_the_window_is_156_with_the_anchors_time() {
    let mut bench = Bench::new(lma_config());
    let now = bench.timestamp();
    for shift in [-1i64, 1] {
        let unix = now.as_unix().as_secs().saturating_add_signed(shift);
        let wrong = Timestamp::from_unix(Duration::from_secs(unix));
        let answer = bench.send(&Pbu::new(MN, 1).with(wrong)).unwrap();
        assert_eq!(answer.status, Status::TimestampMismatch);
        assert_eq!(answer.options.timestamp(), Some(now));
    }
    let answer = bench.send(&Pbu::new(MN, 1).with(now)).unwrap();
    assert_eq!(answer.status, Status::Accepted);
    assert_eq!(answer.options.timestamp(), Some(now), "the same comes back");
}

#[test]
fn lower_than_accepted_is_157_even_outside_the_window_and_equal_is_156() {
    let mut bench = Bench::new(lma_config());
    let first = bench.timestamp();
    assert_eq!(bench.status(&Pbu::new(MN, 1).with(first)), Status::Accepted);
    bench.wait(5 * SECOND);
    let lower = Timestamp::from_bits(first.to_bits() - 1);
    let pbu = Pbu::new(MN, 2).handoff(5);
    assert_eq!(bench.status(&pbu.clone().with(lower)).code(), 157);
    assert_eq!(bench.status(&pbu.clone().with(first)).code(), 156);
    let now = bench.timestamp();
    assert_eq!(bench.status(&pbu.with(now)), Status::Accepted);
}

#[test]
fn leaving_the_timestamp_out_does_not_get_around_the_order() {
    let mut bench = Bench::new(lma_config());
    let now = bench.timestamp();
    assert_eq!(bench.status(&Pbu::new(MN, 7).with(now)), Status::Accepted);
    for sequence in [7, 8, 3_000] {
        let replay = Pbu::new(MN, sequence).handoff(5);
        assert_eq!(bench.status(&replay).code(), 156, "sequence {sequence}");
    }
}

#[test]
fn without_timestamps_sequence_numbers_order_modulo_65536() {
    let mut bench = Bench::new(lma_config());
    assert_eq!(bench.status(&Pbu::new(MN, 65_000)), Status::Accepted);
    let next = |sequence| Pbu::new(MN, sequence).handoff(5);
    let answer = bench.send(&next(65_000)).unwrap();
    assert_eq!(answer.status.code(), 135);
    assert_eq!(
        answer.sequence.0, 65_000,
        "the last accepted one comes back"
    );
    assert!(answer.options.timestamp().is_none());
    assert_eq!(bench.status(&next(40_000)).code(), 135);
    assert_eq!(bench.status(&next(3)), Status::Accepted, "3 follows 65,000");
}

#[test]
fn each_path_has_its_own_order_so_unequal_delays_do_no_harm() {
    let mut bench = Bench::new(lma_config());
    let pbu = |sequence, binding_id: u8| {
        Pbu::new(MN, sequence)
            .multipath("mag9", binding_id)
            .from(address(9, binding_id))
    };
    assert_eq!(bench.status(&pbu(10, 1)), Status::Accepted);
    assert_eq!(
        bench.status(&pbu(8, 2)),
        Status::Accepted,
        "sent earlier, slower"
    );
    assert_eq!(bench.status(&pbu(9, 1)).code(), 135);
    // A removed Binding ID keeps its mark: a replayed registration does not bring it back.
    let leave = pbu(11, 2).lifetime(0).handoff(4);
    assert_eq!(bench.status(&leave), Status::Accepted);
    assert_eq!(bench.status(&pbu(8, 2)).code(), 135);
    assert_eq!(bench.binding().paths.len(), 1);
}

#[test]
fn a_gateway_with_a_wrong_clock_waits_until_it_is_set() {
    let mut world = world(1);
    set_clock(&mut world, Node::Mag(0), 100 * SECOND);
    world.all_up();
    world.run_for(600 * SECOND);
    // At once, then 32, 96, 224 and 480 s later: it may be the anchor's clock that is wrong.
    let asked = world.mags[0].stats().binding_updates;
    assert_eq!(asked, 5, "it does not insist");
    assert_eq!(world.mags[0].stats().acknowledgements.get(&156), Some(&5));
    set_clock(&mut world, Node::Mag(0), UNIX_START + 590 * SECOND);
    world.run_for(SECOND);
    let now = world.mags[0].stats().binding_updates;
    assert_eq!(now, asked, "still 10 s wrong");
    set_right(&mut world, Node::Mag(0));
    world.run_until_idle(SECOND);
    assert_eq!(uplink(&world), [1]);
}

#[test]
fn a_refresh_that_comes_too_late_is_sent_again_and_the_binding_lives_on() {
    let mut config = mag_config(1, 1);
    config.lifetime = 60 * SECOND;
    config.refresh_time = 10 * SECOND;
    config.maximum_retransmission = 4 * SECOND;
    let mut world = World::new(lma_config(), 1);
    world.add_mag(config, &[address(1, 1)], &common::link(10));
    world.all_up();
    world.run_for(48 * SECOND);
    // Longer on its way than the timestamp window is wide: 156, though both clocks are right.
    world.set_links(|link| link.latency = Duration::from_millis(450));
    world.run_for(4 * SECOND);
    assert!(world.mags[0].stats().acknowledgements.contains_key(&156));
    world.set_links(|link| link.latency = Duration::from_millis(10));
    world.run_for(100 * SECOND);
    assert_eq!(world.mags[0].stats().expired, 0, "{}", world.tail());
    assert_eq!(world.lma.stats().sessions_created, 1);
    assert_eq!(uplink(&world), [1]);
}

#[test]
fn a_refresh_that_was_due_while_the_clock_was_wrong_is_made_good_for() {
    let mut world = hasty();
    world.run_for(39 * SECOND);
    set_ahead(&mut world, Node::Mag(0), 100 * SECOND);
    world.run_for(15 * SECOND);
    set_right(&mut world, Node::Mag(0));
    world.run_for(100 * SECOND);
    assert_eq!(world.mags[0].stats().expired, 0, "{}", world.tail());
    assert_eq!(uplink(&world), [1, 2]);
}

#[test]
fn two_gateways_in_sequence_mode_agree_on_the_number_after_135() {
    let mut config = mag_config(1, 1);
    config.timestamps = false;
    let mut world = pmip_binding::testing::World::new(lma_config(), 1);
    world.add_mag(config.clone(), &[address(1, 1)], &common::link(10));
    world.all_up();
    world.run_until_idle(SECOND);
    // It forgets everything, and its numbers start elsewhere.
    for seed in 0..8 {
        world.restart_mag(0, config.clone(), seed);
        world.interface_up(0, 1);
        world.run_for(10 * SECOND);
        assert_eq!(uplink(&world), [1], "{}", world.tail());
    }
    assert_eq!(world.lma.bindings(world.now).count(), 1);
}

#[test]
fn replayed_datagrams_change_nothing() {
    let mut world = registered(2);
    world.interface_down(0, 1);
    world.run_until_idle(SECOND);
    let before = lma_binding(&world);
    let recorded: Vec<_> = world.captured().cloned().collect();
    assert!(recorded.len() >= 3);
    for datagram in recorded {
        world.input(Node::Lma, Input::Signalling(datagram));
    }
    world.run_until_idle(SECOND);
    let after = lma_binding(&world);
    assert_eq!(before.paths.len(), after.paths.len());
    assert_eq!(before.delegated, after.delegated);
    assert_eq!(uplink(&world), [2]);
}

#[test]
fn an_acknowledgement_nobody_waits_for_is_dropped() {
    let mut world = registered(1);
    let before = world.mags[0].stats().dropped.clone();
    let answer = pmip_wire::BindingAcknowledgement {
        status: Status::Accepted,
        flags: pmip_wire::BindingAckFlags::PROXY,
        sequence: pmip_wire::SequenceNumber(77),
        lifetime: pmip_wire::Lifetime::from_units(900),
        options: pmip_wire::MobilityOptions::new()
            .with(pmip_wire::MobileNodeIdentifier::nai("lmn1@example.com").unwrap())
            .unwrap(),
    };
    let payload = pmip_wire::Message::BindingAcknowledgement(answer)
        .to_bytes(pmip_wire::ChecksumContext::Udp);
    let mut datagram = common::datagram(
        pmip_binding::testing::control(pmip_binding::testing::LMA_ADDRESS.into()),
        payload,
    );
    datagram.destination = pmip_binding::testing::control(address(1, 1));
    world.input(Node::Mag(0), Input::Signalling(datagram));
    let after = &world.mags[0].stats().dropped;
    let count = |drops: &std::collections::BTreeMap<DropReason, u64>| {
        drops
            .get(&DropReason::UnmatchedSequence)
            .copied()
            .unwrap_or(0)
    };
    assert_eq!(count(after), count(&before) + 1);
    assert_eq!(uplink(&world), [1]);
}

/// A session in timestamp mode takes no update without a timestamp, by whatever path: an old one
/// with its Timestamp cut out is no new path.
#[test]
fn a_new_path_of_a_session_with_timestamps_needs_one_too() {
    let mut bench = Bench::new(lma_config());
    let first = Pbu::new("mn@example.com", 1).multipath("mag1", 1);
    let first = first.with(bench.timestamp());
    assert_eq!(bench.status(&first), Status::Accepted);
    let second = Pbu::new("mn@example.com", 2)
        .from(address(9, 2))
        .multipath("mag1", 2);
    assert_eq!(bench.status(&second), Status::TimestampMismatch);
    bench.now += SECOND;
    let second = second.with(bench.timestamp());
    assert_eq!(bench.status(&second), Status::Accepted);
}

/// A gateway's update waits until it shows whether it is a handoff. Meanwhile the mobile node moved
/// on to a third gateway, and left that: what waited is older, and brings it back to nobody.
#[test]
fn an_update_that_waited_does_not_win_over_a_later_one() {
    let mut bench = Bench::new(lma_config());
    let pbu = |bench: &Bench, sequence, host| {
        Pbu::new("mn@example.com", sequence)
            .without(OptionType::LinkLayerIdentifier)
            .from(address(host, 1))
            .with(bench.timestamp())
    };
    let first = pbu(&bench, 1, 7);
    assert_eq!(bench.status(&first), Status::Accepted);
    bench.now += SECOND;
    let waits = pbu(&bench, 1, 8).handoff(4);
    assert!(bench.send(&waits).is_none());
    bench.now += Duration::from_millis(400);
    let moved = pbu(&bench, 1, 9).handoff(3);
    assert_eq!(bench.status(&moved), Status::Accepted);
    bench.now += Duration::from_millis(100);
    let left = pbu(&bench, 2, 9).handoff(4).lifetime(0);
    bench.send(&left);
    let after = bench.binding();
    assert_eq!(after.state, BindingState::Disconnecting, "{after:?}");
    assert_eq!(bench.lma.paths().count(), 0);
}
