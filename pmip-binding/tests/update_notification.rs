//! An anchor tells a gateway that something changed (RFC 7077, signalling rules sections 7 and 8).
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at what it did not expect"
)]

mod common;

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use bytes::Bytes;
use common::{Bench, Pbu, SECOND, downlink, lma_binding, mag_binding, registered, uplink};
use pmip_binding::testing::{LMA_ADDRESS, Node, World, address, control, lma_config, mag_config};
use pmip_binding::{
    BindingState, Carrier, Command, DropReason, Event, Input, NotificationEvent, Notified, Notify,
};
use pmip_wire::{
    BindingError, ChecksumContext, Heartbeat, MagIdentifier, Message, MobileNodeGroupIdentifier,
    MobileNodeIdentifier, MobilityOption, MobilityOptions, NotificationReason as Reason,
    SequenceNumber, UpdateNotificationAcknowledgement, UpdateNotificationFlags,
    UpdateNotificationStatus as Status, VendorSpecific,
};

const NAI: &str = "lmn1@example.com";
const A: u16 = 0x8000;
const D: u16 = 0x4000;

fn everybody() -> Notified {
    Notified::Peer {
        peer: "mag1".into(),
    }
}

fn one() -> Notified {
    Notified::MobileNode { nai: NAI.into() }
}

fn events(world: &World, node: Node) -> Vec<NotificationEvent> {
    let events = world.events.iter().filter(|(_, who, _)| *who == node);
    events
        .filter_map(|(_, _, event)| match event {
            Event::Notification(event) => Some(event.clone()),
            _ => None,
        })
        .collect()
}

fn updates(world: &World) -> u64 {
    world.mags[0].stats().binding_updates
}

#[test]
fn a_gateway_registers_every_path_again_when_it_is_asked_to() {
    let mut world = registered(2);
    world.run_for(SECOND);
    let before = updates(&world);
    world.command(Node::Lma, Command::Notify(Notify::reregister(one())));
    world.run_for(Duration::from_millis(50));
    assert_eq!(updates(&world), before + 2, "{}", world.tail());
    assert_eq!(mag_binding(&world).state, BindingState::Active);
    let heard = events(&world, Node::Mag(0));
    assert!(matches!(
        heard[..],
        [NotificationEvent::Received {
            status: Status::Success,
            ..
        }]
    ));
    world.run_for(5 * SECOND);
    assert_eq!(events(&world, Node::Lma), [], "no answer was asked for");
}

#[test]
fn an_answer_that_is_asked_for_is_repeated_once_and_then_missed() {
    let mut world = registered(1);
    world.record();
    world.black_hole(0, 1, true);
    let notify = Notify::new(everybody(), Reason::ForceReregistration, true);
    world.command(Node::Lma, Command::Notify(notify));
    let sent = |world: &World| {
        let lines = world.history().iter();
        lines
            .filter(|line| line.contains("UpdateNotification("))
            .count()
    };
    world.run_for(Duration::from_millis(900));
    assert_eq!(sent(&world), 1);
    world.run_for(Duration::from_millis(200));
    assert_eq!(sent(&world), 2);
    world.run_for(3 * SECOND);
    assert_eq!(sent(&world), 2);
    let heard = events(&world, Node::Lma);
    assert!(
        matches!(heard[..], [NotificationEvent::Unanswered { .. }]),
        "{heard:?}"
    );
    assert_eq!(
        lma_binding(&world).state,
        BindingState::Active,
        "nothing else changes"
    );
}

#[test]
fn the_first_answer_may_be_lost() {
    let mut world = registered(1);
    let notify = Notify::new(one(), Reason::ForceReregistration, true);
    world.command(Node::Lma, Command::Notify(notify));
    world.run_for(Duration::from_millis(12));
    world.black_hole(0, 1, true);
    world.run_for(Duration::from_millis(500));
    world.black_hole(0, 1, false);
    world.run_for(2 * SECOND);
    let heard = events(&world, Node::Mag(0));
    assert_eq!(heard.len(), 1, "the second one is no new request");
    let heard = events(&world, Node::Lma);
    assert!(matches!(
        heard[..],
        [NotificationEvent::Answered {
            status: Status::Success,
            ..
        }]
    ));
}

#[test]
fn the_first_and_the_second_have_the_octets_of_the_figure() {
    let mut bench = Bench::new(lma_config());
    let pbu = Pbu::new("a@example.com", 1);
    assert!(bench.send(&pbu).unwrap().status.code() < 128);
    let who = Notified::Peer {
        peer: pbu.source.ip().to_string(),
    };
    let notify = Notify::new(who, Reason::ForceReregistration, true);
    let first = bench
        .give(Input::Command(Command::Notify(notify)))
        .remove(0);
    let sequence = [first[6], first[7]];
    // Two times eight octets, type 19, reason 1, flag A, Mobile Node Group Identifier 1.
    let expected = |flags: u8| {
        let [a, b] = sequence;
        vec![
            59, 2, 19, 0, 0, 0, a, b, 0, 1, flags, 0, 50, 6, 1, 0, 0, 0, 0, 1, 1, 2, 0, 0,
        ]
    };
    assert_eq!(first[12..20], expected(0x80)[12..20]);
    assert_eq!(first[..12], expected(0x80)[..12]);
    bench.now += SECOND;
    let sent = bench.give(Input::Timeout);
    let second = sent.iter().find(|payload| payload[2] == 19).unwrap();
    assert_eq!(
        second[..12],
        expected(0xc0)[..12],
        "flag D and nothing else"
    );
    assert_eq!(second[12..], first[12..]);
}

// What the gateway does.

fn notification(reason: Reason, flags: u16, options: Vec<MobilityOption>) -> Message {
    let flags = UpdateNotificationFlags::from_bits_retain(flags);
    common::messages::notification(99, reason, flags, options)
}

fn mn() -> MobilityOption {
    MobileNodeIdentifier::nai(NAI).unwrap().into()
}

fn tell_gateway(world: &mut World, from: IpAddr, message: &Message) {
    let payload = message.to_bytes(ChecksumContext::Udp);
    let mut datagram = common::datagram(control(from), payload);
    datagram.destination = control(address(1, 1));
    world.input(Node::Mag(0), Input::Signalling(datagram));
}

fn status(world: &World) -> Option<Status> {
    let last = events(world, Node::Mag(0)).pop()?;
    match last {
        NotificationEvent::Received { status, .. } => Some(status),
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_reason_has_its_outcome() {
    let vendor = VendorSpecific::new(9, 1, Bytes::from_static(b"x")).unwrap();
    let router = Ipv4Addr::new(10, 1, 255, 254);
    let router = MobilityOption::Ipv4DefaultRouterAddress(router);
    let group = MobilityOption::from(MobileNodeGroupIdentifier::ALL_SESSIONS);
    let stranger = MobileNodeIdentifier::nai("x@example.com").unwrap();
    let cases = [
        (Reason::ForceReregistration, vec![group], 0),
        (Reason::AniParamsRequested, vec![mn()], 0),
        (Reason::UpdateSessionParameters, vec![mn(), router], 0),
        (Reason::UpdateSessionParameters, vec![mn()], 128),
        (Reason::VendorSpecificReason, vec![mn(), vendor.into()], 0),
        (Reason::VendorSpecificReason, vec![mn()], 129),
        (Reason::FlowMobility, vec![mn()], 131),
        (Reason::ForceReregistration, vec![stranger.into()], 132),
    ];
    for (reason, options, expected) in cases {
        let mut world = registered(1);
        let message = notification(reason, A, options);
        tell_gateway(&mut world, LMA_ADDRESS.into(), &message);
        assert_eq!(
            status(&world),
            Some(Status::from_code(expected)),
            "{message:?}"
        );
    }
}

#[test]
fn a_new_default_router_is_told_to_the_program() {
    let mut world = registered(1);
    let router = Ipv4Addr::new(10, 1, 255, 254);
    let options = vec![mn(), MobilityOption::Ipv4DefaultRouterAddress(router)];
    let message = notification(Reason::UpdateSessionParameters, 0, options);
    tell_gateway(&mut world, LMA_ADDRESS.into(), &message);
    assert_eq!(mag_binding(&world).ipv4_home.unwrap().2, router);
}

#[test]
fn a_repeated_request_without_answer_is_done_again() {
    let mut world = registered(1);
    world.run_for(SECOND);
    let before = updates(&world);
    for flags in [0, 0, D] {
        let message = notification(Reason::ForceReregistration, flags, vec![mn()]);
        tell_gateway(&mut world, LMA_ADDRESS.into(), &message);
        world.run_for(Duration::from_millis(30));
    }
    assert_eq!(
        updates(&world),
        before + 2,
        "a duplicate of the network is none"
    );
}

#[test]
fn strangers_notify_nobody() {
    let mut world = registered(1);
    let before = updates(&world);
    let message = notification(Reason::ForceReregistration, A, vec![mn()]);
    tell_gateway(&mut world, IpAddr::from([203, 0, 113, 66]), &message);
    let nobody = notification(Reason::ForceReregistration, A, vec![]);
    tell_gateway(&mut world, LMA_ADDRESS.into(), &nobody);
    assert_eq!(updates(&world), before);
    let dropped = &world.mags[0].stats().dropped;
    assert_eq!(dropped[&DropReason::UnknownPeer], 1);
    assert_eq!(dropped[&DropReason::Malformed], 1);
}

#[test]
fn answers_that_nobody_asked_for_are_dropped() {
    let mut world = registered(1);
    world.black_hole(0, 1, true);
    let notify = Notify::new(one(), Reason::ForceReregistration, true);
    world.command(Node::Lma, Command::Notify(notify));
    for sequence in 0..=u16::MAX {
        let answer = UpdateNotificationAcknowledgement {
            sequence: SequenceNumber(sequence),
            status: Status::Success,
            options: MobilityOptions::new(),
        };
        let message = Message::UpdateNotificationAcknowledgement(answer);
        let payload = message.to_bytes(ChecksumContext::Udp);
        let datagram = common::datagram(control(address(7, 7)), payload);
        world.input(Node::Lma, Input::Signalling(datagram));
    }
    assert_eq!(events(&world, Node::Lma), []);
    let dropped = &world.lma.stats().dropped;
    assert_eq!(dropped[&DropReason::UnmatchedSequence], 65_536);
}

#[test]
fn a_gateway_that_knows_no_notifications_is_not_asked_twice_by_itself() {
    let mut bench = Bench::new(lma_config());
    let pbu = Pbu::new("a@example.com", 1);
    assert!(bench.send(&pbu).unwrap().status.code() < 128);
    let who = || Notified::MobileNode {
        nai: "a@example.com".into(),
    };
    let ask = || Command::Notify(Notify::new(who(), Reason::ForceReregistration, true));
    assert_eq!(bench.give(Input::Command(ask())).len(), 1);
    let error = Message::BindingError(BindingError::unrecognized_mh_type());
    let payload = error.to_bytes(ChecksumContext::Udp);
    let refused = common::datagram(pbu.source, payload);
    bench.give(Input::Signalling(refused));
    bench.now += 2 * SECOND;
    let later = bench.give(Input::Timeout);
    assert!(
        later.iter().all(|payload| payload[2] != 19),
        "no retransmission"
    );
    let sent = bench.give(Input::Command(ask()));
    assert_eq!(
        sent.len(),
        1,
        "an operator's command is an administrative action"
    );
}

// What the anchor starts by itself.

#[test]
fn an_anchor_that_lost_a_gateway_gets_it_back_by_its_heartbeats() {
    let mut world = registered(2);
    world.run_for(3 * SECOND);
    // The same restart counter: nothing but its silence about the paths tells.
    world.restart_lma(lma_config(), 9);
    world.run_for(2 * SECOND);
    let after = lma_binding(&world);
    assert_eq!(after.paths.len(), 2, "{}", world.tail());
    assert_eq!((downlink(&world).len(), uplink(&world).len()), (2, 2));
}

#[test]
fn a_revoked_gateway_that_could_not_be_reached_comes_back_by_its_heartbeats() {
    let mut world = registered(1);
    world.black_hole(0, 1, true);
    world.command(Node::Lma, Command::ClearBindings);
    world.run_for(4 * SECOND);
    assert_eq!(world.lma.bindings(world.now).count(), 0);
    world.black_hole(0, 1, false);
    world.run_for(5 * SECOND);
    assert_eq!(
        lma_binding(&world).state,
        BindingState::Active,
        "{}",
        world.tail()
    );
    assert_eq!((downlink(&world), uplink(&world)), (vec![1], vec![1]));
}

#[test]
fn a_nat_that_gives_a_new_mapping_is_healed_by_the_gateway_itself() {
    let mut world = common::world(1);
    let outer = IpAddr::from([203, 0, 113, 1]);
    world.set_nat(0, 1, outer, 20_000);
    world.all_up();
    world.run_for(3 * SECOND);
    world.set_nat(0, 1, outer, 30_000);
    world.run_for(5 * SECOND);
    let path = common::lma_path(&world, 1);
    assert!(path.observed.port() >= 30_000, "{}", world.tail());
    assert_eq!(downlink(&world), [1]);
}

#[test]
fn a_stranger_gets_one_reminder_a_second_and_only_if_it_may_register() {
    let beat = || {
        let mut beat = Heartbeat::request(1);
        let multipath = Pbu::new("a@example.com", 1).multipath("mag9", 1);
        let ours = multipath.options.into_iter().filter(|option| {
            matches!(
                option,
                MobilityOption::MagMultipathBinding(_) | MobilityOption::MagIdentifier(_)
            )
        });
        beat.options = MobilityOptions::try_from(ours.collect::<Vec<_>>()).unwrap();
        Message::Heartbeat(beat).to_bytes(ChecksumContext::Udp)
    };
    let reminders = |bench: &mut Bench, payload: Bytes| {
        let datagram = common::datagram(control(address(5, 5)), payload);
        let sent = bench.give(Input::Signalling(datagram));
        sent.iter().filter(|payload| payload[2] == 19).count()
    };
    let mut bench = Bench::new(lma_config());
    let sent: usize = (0..10).map(|_| reminders(&mut bench, beat())).sum();
    assert_eq!(sent, 1);
    bench.now += SECOND;
    assert_eq!(reminders(&mut bench, beat()), 1);
    let plain = Message::Heartbeat(Heartbeat::request(1)).to_bytes(ChecksumContext::Udp);
    bench.now += SECOND;
    assert_eq!(
        reminders(&mut bench, plain),
        1,
        "a gateway of one path says no name"
    );
    let mut config = lma_config();
    config.dynamic_mag_learning = false;
    let mut closed = Bench::new(config);
    assert_eq!(reminders(&mut closed, beat()), 0);
    assert!(MagIdentifier::nai("mag9").is_ok());
}

#[test]
fn a_restart_that_is_noticed_late_makes_the_gateway_register_once_more() {
    let mut world = registered(2);
    world.run_for(3 * SECOND);
    let mut config = mag_config(1, 2);
    config.restart_counter = 2;
    config.restarted = true;
    world.record();
    world.restart_mag(0, config, 77);
    world.interface_up(0, 1);
    world.interface_up(0, 2);
    world.run_for(3 * SECOND);
    let lines = world.history();
    let noticed = lines.iter().position(|line| line.contains("PeerRestarted"));
    let after = &lines[noticed.unwrap() + 1];
    assert!(after.contains("ForceReregistration"), "{after}");
    assert_eq!(lma_binding(&world).state, BindingState::Active);
}

#[test]
fn notifications_inside_the_tunnel_are_not_looked_at() {
    let mut world = registered(1);
    let message = notification(Reason::ForceReregistration, 0, vec![mn()]);
    let mut datagram = common::datagram(
        control(LMA_ADDRESS.into()),
        message.to_bytes(ChecksumContext::Udp),
    );
    datagram.carrier = Carrier::Tunnel(pmip_wire::types::PathId(1));
    world.input(Node::Mag(0), Input::Signalling(datagram));
    assert_eq!(events(&world, Node::Mag(0)), []);
}
