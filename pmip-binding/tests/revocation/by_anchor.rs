//! The anchor revokes.

use std::time::Duration;

use super::{NAI, answered, ask_anchor, is_told_down, path, revocations, revoke, session};
use crate::common::{
    self, Bench, Pbu, SECOND, downlink, lma_binding, mag_binding, mag_path, registered, uplink,
};
use pmip_binding::testing::{Node, World, address, lma_config, mag_config};
use pmip_binding::{
    BindingState, Command, Event, Input, PathState, RevocationEvent, Revoke, SessionEvent,
};
use pmip_wire::{
    BindingRevocationAcknowledgement, BindingRevocationFlags, BindingRevocationStatus as Status,
    Message, MobilityOptions, RevocationTrigger as Trigger, SequenceNumber,
};

/// How many indications the anchor sent, by the trace.
fn indications(world: &World) -> usize {
    let lines = world.history().iter();
    lines
        .filter(|line| line.contains(" Lma: ") && line.contains("BindingRevocationIndication("))
        .count()
}

#[test]
fn clearing_at_the_anchor_tells_the_gateway_at_once_and_it_comes_again() {
    let mut world = registered(2);
    let nai = NAI.to_owned();
    world.command(Node::Lma, Command::ClearBinding { nai });
    assert!(world.lma_tables.sessions.is_empty(), "no downlink any more");
    world.run_for(Duration::from_millis(12));
    assert!(is_told_down(&world, Node::Mag(0)), "hosts are told");
    assert!(
        world.mag_tables[0].sessions.is_empty(),
        "no uplink any more"
    );
    assert_ne!(mag_path(&world, 1).state, PathState::Up);
    world.run_for(Duration::from_millis(20));
    assert_eq!(answered(&world, Node::Lma), [Status::Success]);
    assert_eq!(world.lma.bindings(world.now).count(), 0);
    world.run_for(2 * SECOND);
    assert_eq!(lma_binding(&world).paths.len(), 2, "{}", world.tail());
    assert_eq!((downlink(&world).len(), uplink(&world).len()), (2, 2));
}

#[test]
fn clearing_everything_is_one_indication_per_gateway() {
    let mut world = World::new(lma_config(), 1);
    for index in 1..=2 {
        let link = common::link(10);
        world.add_mag(mag_config(index, 1), &[address(index, 1)], &link);
    }
    world.all_up();
    world.run_until_idle(SECOND);
    world.record();
    world.command(Node::Lma, Command::ClearBindings);
    world.run_for(Duration::from_millis(30));
    assert_eq!(indications(&world), 2);
    assert_eq!(answered(&world, Node::Lma), [Status::Success; 2]);
    for mag in 0..2 {
        assert!(world.mag_tables[mag].sessions.is_empty());
    }
    world.run_for(3 * SECOND);
    assert_eq!(world.lma.bindings(world.now).count(), 2, "both came again");
}

#[test]
fn one_path_is_revoked_and_the_other_carries_on() {
    let mut world = registered(2);
    revoke(&mut world, Node::Lma, path(2));
    assert_eq!(downlink(&world), [1]);
    world.run_for(Duration::from_millis(30));
    assert_eq!(answered(&world, Node::Lma), [Status::Success]);
    assert_eq!(uplink(&world), [1]);
    assert!(!is_told_down(&world, Node::Mag(0)), "the session lives");
    world.run_for(20 * SECOND);
    assert_eq!(uplink(&world), [1], "the anchor had its reason");
    world.run_for(20 * SECOND);
    assert_eq!(uplink(&world), [1, 2], "asked for again in the end");
}

#[test]
fn a_dead_path_is_revoked_over_a_living_one() {
    let mut world = registered(2);
    world.black_hole(0, 2, true);
    world.run_for(6 * SECOND);
    revoke(&mut world, Node::Lma, path(2));
    world.run_for(Duration::from_millis(30));
    assert_eq!(answered(&world, Node::Lma), [Status::Success]);
    assert_eq!(lma_binding(&world).paths.len(), 1);
    assert_eq!(mag_binding(&world).paths[1].state, BindingState::Init);
}

#[test]
fn an_unanswered_indication_is_repeated_once_and_then_given_up() {
    let mut world = registered(1);
    world.record();
    world.black_hole(0, 1, true);
    revoke(
        &mut world,
        Node::Lma,
        session(Trigger::AdministrativeReason),
    );
    world.run_for(Duration::from_millis(900));
    assert_eq!(indications(&world), 1);
    assert_eq!(lma_binding(&world).state, BindingState::Disconnecting);
    world.run_for(Duration::from_millis(2000));
    assert_eq!(indications(&world), 2, "BRIMaxRetriesNumber is 1");
    assert_eq!(lma_binding(&world).state, BindingState::Disconnecting);
    world.run_for(Duration::from_millis(200));
    assert_eq!(indications(&world), 2);
    assert_eq!(world.lma.bindings(world.now).count(), 0);
    let events = revocations(&world, Node::Lma);
    assert!(
        matches!(events[..], [RevocationEvent::Unanswered { .. }]),
        "{events:?}"
    );
}

#[test]
fn a_lost_answer_does_not_end_what_was_registered_since() {
    let mut world = registered(1);
    revoke(
        &mut world,
        Node::Lma,
        session(Trigger::PossibleOutOfSyncBceState),
    );
    world.run_for(Duration::from_millis(15));
    let downs = |world: &World| {
        let events = world
            .events
            .iter()
            .filter(|(_, who, _)| *who == Node::Mag(0));
        events
            .filter(|(_, _, event)| matches!(event, Event::Session(SessionEvent::Down { .. })))
            .count()
    };
    assert_eq!(downs(&world), 1);
    // The answer is lost; the gateway registers anew meanwhile, which the anchor does not take
    // for a revival.
    world.black_hole(0, 1, true);
    world.run_for(Duration::from_millis(500));
    world.black_hole(0, 1, false);
    world.run_for(5 * SECOND);
    assert_eq!(downs(&world), 1, "{}", world.tail());
    assert_eq!(lma_binding(&world).state, BindingState::Active);
    assert_eq!((downlink(&world).len(), uplink(&world).len()), (1, 1));
}

#[test]
fn a_refresh_that_crosses_the_indication_revives_nothing() {
    let mut bench = Bench::new(lma_config());
    let pbu = |sequence| Pbu::new("a@example.com", sequence);
    assert!(bench.send(&pbu(1)).unwrap().status.code() < 128);
    let sent = bench.give(Input::Command(Command::ClearBindings));
    assert!(bench.send(&pbu(2)).is_none());
    assert_eq!(bench.binding().state, BindingState::Disconnecting);
    let [.., a, b] = sent[0][..10] else {
        unreachable!()
    };
    let sequence = SequenceNumber(u16::from_be_bytes([a, b]));
    let answer = Message::BindingRevocationAcknowledgement(BindingRevocationAcknowledgement {
        status: Status::Success,
        sequence,
        flags: BindingRevocationFlags::PROXY | BindingRevocationFlags::GLOBAL,
        options: MobilityOptions::new(),
    });
    ask_anchor(&mut bench, pbu(1).source.ip(), &answer);
    assert_eq!(bench.lma.bindings(bench.now).count(), 0);
    assert!(bench.send(&pbu(3)).is_some(), "what comes later is new");
}

#[test]
fn the_ipv4_home_address_alone_is_revoked() {
    let mut world = registered(1);
    let home = mag_binding(&world).ipv4_home;
    assert!(home.is_some());
    let (nai, trigger) = (NAI.to_owned(), Trigger::UserInitiatedSessionTermination);
    revoke(&mut world, Node::Lma, Revoke::Ipv4Home { nai, trigger });
    world.run_for(Duration::from_millis(30));
    assert_eq!(answered(&world, Node::Lma), [Status::Success]);
    for binding in [mag_binding(&world), lma_binding(&world)] {
        assert_eq!(binding.ipv4_home, None);
        assert_eq!(binding.home_prefixes.len(), 1, "the other family stays");
        assert_eq!(binding.state, BindingState::Active);
    }
}

#[test]
fn a_realm_is_revoked_and_another_one_stays() {
    let mut world = World::new(lma_config(), 1);
    for (index, name) in [(1, "a@example.com"), (2, "b@sub.example.com")] {
        let mut config = mag_config(index, 1);
        config.logical_mobile_nodes[0].nai = name.into();
        world.add_mag(config, &[address(index, 1)], &common::link(10));
    }
    world.all_up();
    world.run_for(SECOND);
    let realm = "example.com".to_owned();
    revoke(&mut world, Node::Lma, Revoke::Realm { realm });
    world.run_for(Duration::from_millis(30));
    assert_eq!(answered(&world, Node::Lma), [Status::Success]);
    assert!(world.mag_tables[0].sessions.is_empty());
    let realm = "example.org".to_owned();
    revoke(&mut world, Node::Lma, Revoke::Realm { realm });
    let last = revocations(&world, Node::Lma).pop();
    assert!(matches!(last, Some(RevocationEvent::Impossible { .. })));
}
