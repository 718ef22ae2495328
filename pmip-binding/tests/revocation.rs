//! Bindings are revoked from either end (RFC 5846, signalling rules section 10).
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at what it did not expect"
)]

mod common;

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use common::{
    Bench, Pbu, SECOND, downlink, lma_binding, mag_binding, mag_path, registered, uplink,
};
use pmip_binding::testing::{LMA_ADDRESS, Node, World, address, control, lma_config, mag_config};
use pmip_binding::{
    Attachment, BindingState, Command, DropReason, Event, Input, MobileNode, PathState,
    RevocationEvent, Revoke, SessionEvent,
};
use pmip_wire::{
    BindingError, BindingRevocationAcknowledgement, BindingRevocationFlags,
    BindingRevocationIndication, BindingRevocationStatus as Status, ChecksumContext,
    HomeNetworkPrefix, Message, MobileNodeIdentifier, MobilityOption, MobilityOptions,
    RevocationTrigger as Trigger, SequenceNumber,
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

// The gateway revokes.

#[test]
fn a_gateway_revokes_a_session_for_good() {
    let mut world = registered(2);
    let why = session(Trigger::AccessNetworkSessionTermination);
    revoke(&mut world, Node::Mag(0), why);
    world.run_for(Duration::from_millis(30));
    assert_eq!(answered(&world, Node::Mag(0)), [Status::Success]);
    assert!(world.lma_tables.sessions.is_empty());
    assert_eq!(world.lma.bindings(world.now).count(), 0);
    world.run_for(60 * SECOND);
    assert!(
        world.mag_tables[0].sessions.is_empty(),
        "until it is cleared"
    );
    world.command(Node::Mag(0), Command::ClearBindings);
    world.run_for(2 * SECOND);
    assert_eq!(uplink(&world), [1, 2]);
}

#[test]
fn a_gateway_revokes_a_path() {
    let mut world = registered(2);
    revoke(&mut world, Node::Mag(0), path(1));
    world.run_for(Duration::from_millis(30));
    assert_eq!(answered(&world, Node::Mag(0)), [Status::Success]);
    assert_eq!((downlink(&world), uplink(&world)), (vec![2], vec![2]));
}

#[test]
fn a_gateway_revokes_everything_only_where_the_anchor_allows_it() {
    for allowed in [false, true] {
        let mut config = lma_config();
        config.revocation.accept_global = allowed;
        let mut world = World::new(config, 1);
        let addresses = [address(1, 1), address(1, 2)];
        world.add_mag(mag_config(1, 2), &addresses, &common::link(10));
        world.all_up();
        world.run_until_idle(SECOND);
        let peer = || Revoke::Peer {
            peer: "lma1".into(),
        };
        revoke(&mut world, Node::Mag(0), peer());
        world.run_for(Duration::from_millis(30));
        let sessions = world.lma.bindings(world.now).count();
        if allowed {
            assert_eq!(answered(&world, Node::Mag(0)), [Status::Success; 2]);
            assert_eq!(sessions, 0, "both care-of addresses were named");
            assert!(world.mag_tables[0].sessions.is_empty());
        } else {
            let refused = [Status::GlobalRevocationNotAuthorized; 2];
            assert_eq!(answered(&world, Node::Mag(0)), refused);
            assert_eq!(sessions, 1);
            assert_eq!(uplink(&world), [1, 2], "nothing is lost");
            revoke(&mut world, Node::Mag(0), peer());
            let last = revocations(&world, Node::Mag(0)).pop();
            let again = matches!(last, Some(RevocationEvent::Impossible { .. }));
            assert!(again, "RFC 5846 section 9.2: not asked again");
        }
    }
}

// Handoff.

fn walkers() -> World {
    let mut world = World::new(lma_config(), 1);
    for index in 1..=2 {
        let mut config = mag_config(index, 1);
        config.logical_mobile_nodes.clear();
        config.multipath = false;
        world.add_mag(config, &[address(index, 1)], &common::link(10));
    }
    world.all_up();
    world
}

fn attach(world: &mut World, mag: usize, handoff: u8, mac: u8) {
    let mut node = MobileNode::new("walker@example.com");
    node.handoff_indicator = handoff;
    node.link_layer_identifier = Some(Bytes::copy_from_slice(&[2, 0, 0, 0, 0, mac]));
    let input = Input::Attachment(Attachment::Attach(node));
    world.input(Node::Mag(mag), input);
}

fn detach(world: &mut World, mag: usize) {
    let nai = "walker@example.com".to_owned();
    world.input(
        Node::Mag(mag),
        Input::Attachment(Attachment::Detach { nai }),
    );
}

#[test]
fn a_gateway_that_still_sees_the_mobile_node_says_so() {
    let mut world = walkers();
    attach(&mut world, 0, 1, 5);
    world.run_until_idle(SECOND);
    attach(&mut world, 1, 3, 5);
    world.run_for(Duration::from_millis(100));
    assert_eq!(answered(&world, Node::Lma), [Status::MobileNodeIsAttached]);
    assert_eq!(world.lma.stats().handoffs, 1, "the handoff stands");
    let seen = revocations(&world, Node::Mag(0));
    let trigger = Trigger::InterMagHandoverSameAccessType;
    assert!(matches!(&seen[..], [RevocationEvent::Received { trigger: t, .. }] if *t == trigger));
}

#[test]
fn with_unknown_handoff_state_the_old_gateway_is_asked_and_its_answer_decides() {
    // It has lost its de-registration on the way, so only its answer tells.
    let mut world = walkers();
    attach(&mut world, 0, 1, 5);
    world.run_until_idle(SECOND);
    let before = lma_binding(&world);
    world.set_links(|link| link.loss = pmip_binding::testing::Loss::Random(1.0));
    detach(&mut world, 0);
    world.set_links(|link| link.loss = pmip_binding::testing::Loss::None);
    attach(&mut world, 1, 4, 6);
    world.run_for(Duration::from_millis(100));
    assert_eq!(answered(&world, Node::Lma), [Status::Success]);
    let after = lma_binding(&world);
    assert_eq!(before.session, after.session);
    assert_eq!(before.home_prefixes, after.home_prefixes);
    assert_eq!(world.mag_tables[1].sessions.len(), 1);
    assert!(world.mag_tables[0].sessions.is_empty());
}

#[test]
fn a_mobile_node_that_is_attached_twice_gets_a_second_session_without_waiting() {
    let mut world = walkers();
    attach(&mut world, 0, 1, 5);
    world.run_until_idle(SECOND);
    attach(&mut world, 1, 4, 6);
    world.run_for(Duration::from_millis(100));
    assert_eq!(answered(&world, Node::Lma), [Status::MobileNodeIsAttached]);
    assert_eq!(world.lma.bindings(world.now).count(), 2);
}

#[test]
fn an_old_gateway_that_is_silent_delays_the_second_session_by_its_retransmissions_alone() {
    let mut world = walkers();
    attach(&mut world, 0, 1, 5);
    world.run_until_idle(SECOND);
    world.black_hole(0, 1, true);
    attach(&mut world, 1, 4, 6);
    world.run_for(Duration::from_millis(2900));
    assert_eq!(world.lma.bindings(world.now).count(), 1);
    world.run_for(Duration::from_millis(200));
    assert_eq!(world.lma.bindings(world.now).count(), 2);
}

// Hostile and odd.

fn indication(trigger: Trigger, flags: u16, options: Vec<MobilityOption>) -> Message {
    Message::BindingRevocationIndication(BindingRevocationIndication {
        trigger,
        sequence: SequenceNumber(7),
        flags: BindingRevocationFlags::from_bits_retain(flags),
        options: MobilityOptions::try_from(options).unwrap(),
    })
}

fn mn(name: &str) -> MobilityOption {
    MobileNodeIdentifier::nai(name).unwrap().into()
}

const P: u16 = 0x8000;
const G: u16 = 0x2000;
const V: u16 = 0x4000;

/// The gateway's answer to a message from this address.
fn ask_gateway(world: &mut World, from: IpAddr, message: &Message) -> Option<Status> {
    world.record();
    let payload = message.to_bytes(ChecksumContext::Udp);
    let mut datagram = common::datagram(control(from), payload);
    datagram.destination = control(address(1, 1));
    let before = revocations(world, Node::Mag(0)).len();
    world.input(Node::Mag(0), Input::Signalling(datagram));
    let events = revocations(world, Node::Mag(0));
    events.get(before).map(|event| match event {
        RevocationEvent::Received { status, .. } => *status,
        other => panic!("{other:?}"),
    })
}

#[test]
fn a_gateway_answers_each_mistake_with_its_status() {
    let cases = [
        (indication(Trigger::from_code(9), P, vec![mn(NAI)]), 133),
        (indication(Trigger::PerPeerPolicy, P, vec![mn(NAI)]), 134),
        (
            indication(Trigger::AdministrativeReason, P | G, vec![mn(NAI)]),
            134,
        ),
        (
            indication(Trigger::PerPeerPolicy, P | G, vec![mn(NAI)]),
            134,
        ),
        (indication(Trigger::from_code(129), P | G, vec![]), 131),
        (
            indication(Trigger::from_code(129), P | G, vec![mn("@example.org")]),
            131,
        ),
        (
            indication(Trigger::from_code(129), P | G, vec![mn(NAI)]),
            131,
        ),
        (
            indication(Trigger::AdministrativeReason, 0, vec![mn(NAI)]),
            128,
        ),
        (indication(Trigger::AdministrativeReason, P, vec![]), 128),
        (
            indication(Trigger::AdministrativeReason, P, vec![mn("x@example.com")]),
            128,
        ),
        (
            indication(Trigger::AdministrativeReason, P | V, vec![mn(NAI)]),
            129,
        ),
        (
            indication(Trigger::InterMagHandoverUnknown, P, vec![mn(NAI)]),
            132,
        ),
        (
            indication(
                Trigger::AdministrativeReason,
                P,
                vec![
                    mn(NAI),
                    HomeNetworkPrefix::new("2001:db8:ffff::".parse().unwrap(), 64)
                        .unwrap()
                        .into(),
                ],
            ),
            128,
        ),
    ];
    let mut world = registered(1);
    for (message, status) in cases {
        let given = ask_gateway(&mut world, LMA_ADDRESS.into(), &message);
        assert_eq!(given, Some(Status::from_code(status)), "{message:?}");
        assert_eq!(uplink(&world), [1], "{message:?}");
    }
}

#[test]
fn a_prefix_that_is_gone_already_makes_it_a_partial_success() {
    let mut world = registered(1);
    let held = mag_binding(&world).home_prefixes[0];
    let IpAddr::V6(held) = held.address() else {
        unreachable!()
    };
    let prefixes = [held, "2001:db8:ffff::".parse().unwrap()];
    let mut options = vec![mn(NAI)];
    options.extend(prefixes.map(|prefix| HomeNetworkPrefix::new(prefix, 64).unwrap().into()));
    let message = indication(Trigger::AdministrativeReason, P, options);
    let given = ask_gateway(&mut world, LMA_ADDRESS.into(), &message);
    assert_eq!(given, Some(Status::PartialSuccess));
    assert_eq!(uplink(&world), []);
}

#[test]
fn nobody_but_an_anchor_revokes_at_a_gateway() {
    let mut world = registered(1);
    let message = indication(Trigger::PerPeerPolicy, P | G, vec![]);
    let stranger = IpAddr::from([203, 0, 113, 66]);
    assert_eq!(ask_gateway(&mut world, stranger, &message), None);
    assert_eq!(dropped(&world, Node::Mag(0), DropReason::UnknownPeer), 1);
    assert_eq!(uplink(&world), [1]);
}

/// The anchor's answer to a hand-made message, as octets.
fn ask_anchor(bench: &mut Bench, from: IpAddr, message: &Message) -> Option<Bytes> {
    let payload = message.to_bytes(ChecksumContext::Udp);
    let datagram = common::datagram(control(from), payload);
    bench.give(Input::Signalling(datagram)).pop()
}

#[test]
fn the_answer_has_the_octets_of_the_figure() {
    let mut bench = Bench::new(lma_config());
    let pbu = Pbu::new("a@example.com", 1);
    assert!(bench.send(&pbu).unwrap().status.code() < 128);
    let message = indication(Trigger::AdministrativeReason, P, vec![mn("a@example.com")]);
    let answer = ask_anchor(&mut bench, pbu.source.ip(), &message).unwrap();
    // Header: no next header, 2 * 8 - 8 octets follow, type 16; B.R. Type 2, status 0; sequence
    // number 7, flag P; four octets of padding.
    let expected = [59, 1, 16, 0, 0, 0, 2, 0, 0, 7, 0x80, 0, 1, 2, 0, 0];
    assert_eq!(answer.as_ref(), expected);
    assert_eq!(bench.lma.bindings(bench.now).count(), 0);
}

#[test]
fn a_gateway_revokes_nothing_of_another_one() {
    let mut bench = Bench::new(lma_config());
    let theirs = Pbu::new("a@example.com", 1);
    let ours = Pbu::new("b@example.com", 1).from(address(9, 2));
    for pbu in [&theirs, &ours] {
        assert!(bench.send(pbu).unwrap().status.code() < 128);
    }
    let message = indication(Trigger::AdministrativeReason, P, vec![mn("a@example.com")]);
    let answer = ask_anchor(&mut bench, address(9, 2), &message).unwrap();
    assert_eq!(answer[7], 128, "Binding Does NOT Exist");
    let stranger = ask_anchor(&mut bench, address(9, 3), &message);
    assert_eq!(stranger, None, "no path, no answer");
    assert_eq!(bench.lma.bindings(bench.now).count(), 2);
}

#[test]
fn forged_answers_end_no_revocation() {
    let mut world = registered(1);
    world.black_hole(0, 1, true);
    revoke(
        &mut world,
        Node::Lma,
        session(Trigger::AdministrativeReason),
    );
    let forge = |sequence: u16| {
        let answer = BindingRevocationAcknowledgement {
            status: Status::Success,
            sequence: SequenceNumber(sequence),
            flags: BindingRevocationFlags::PROXY,
            options: MobilityOptions::new(),
        };
        Message::BindingRevocationAcknowledgement(answer).to_bytes(ChecksumContext::Udp)
    };
    // A stranger does not send from the path; somebody else's unsolicited answer fits nothing.
    for sequence in 0..=u16::MAX {
        let datagram = common::datagram(control(address(7, 7)), forge(sequence));
        world.input(Node::Lma, Input::Signalling(datagram));
    }
    assert_eq!(answered(&world, Node::Lma), []);
    let unmatched = dropped(&world, Node::Lma, DropReason::UnmatchedSequence);
    assert_eq!(unmatched, 65_536);
    let datagram = common::datagram(control(address(1, 1)), forge(1));
    world.input(Node::Mag(0), Input::Signalling(datagram));
    assert_eq!(answered(&world, Node::Mag(0)), []);
}

#[test]
fn duplicates_and_loss_leave_both_ends_of_one_mind() {
    for seed in 0..20 {
        let mut world = World::new(lma_config(), seed);
        let mut link = common::link(10);
        link.seed = u64::from(seed);
        link.loss = pmip_binding::testing::Loss::Random(0.3);
        link.duplicate = 0.3;
        world.add_mag(mag_config(1, 2), &[address(1, 1), address(1, 2)], &link);
        world.all_up();
        world.run_for(20 * SECOND);
        world.command(Node::Lma, Command::ClearBindings);
        world.run_for(100 * SECOND);
        world.set_links(|link| link.loss = pmip_binding::testing::Loss::None);
        world.run_for(100 * SECOND);
        assert_eq!(lma_binding(&world).state, BindingState::Active);
        assert_eq!(downlink(&world).len(), 2, "seed {seed}\n{}", world.tail());
        assert_eq!(uplink(&world), [1, 2], "seed {seed}\n{}", world.tail());
    }
}

#[test]
fn a_gateway_that_does_not_know_revocation_is_not_waited_for() {
    let mut bench = Bench::new(lma_config());
    let pbu = Pbu::new("a@example.com", 1);
    assert!(bench.send(&pbu).unwrap().status.code() < 128);
    let sent = bench.give(Input::Command(Command::ClearBindings));
    assert_eq!(sent[0][2], 16, "a revocation is out");
    let error = Message::BindingError(BindingError::unrecognized_mh_type());
    ask_anchor(&mut bench, pbu.source.ip(), &error);
    assert_eq!(bench.lma.bindings(bench.now).count(), 0);
    assert!(bench.send(&Pbu::new("a@example.com", 2)).is_some());
    let sent = bench.give(Input::Command(Command::ClearBindings));
    assert!(sent.is_empty(), "it is asked no more");
}

#[test]
fn over_ipv6_it_is_the_same() {
    let mut config = lma_config();
    config.ipv6_address = Some("2001:db8::1".parse().unwrap());
    let mut world = World::new(config, 1);
    let mut config = mag_config(1, 1);
    config.encapsulation = pmip_wire::types::Encapsulation::Ipv6;
    config.lmas[0].ipv6_address = Some("2001:db8::1".parse().unwrap());
    let care_of = "2001:db8:a::1".parse().unwrap();
    world.add_mag(config, &[care_of], &common::link(10));
    world.all_up();
    world.run_until_idle(SECOND);
    world.command(Node::Lma, Command::ClearBindings);
    world.run_for(Duration::from_millis(30));
    assert_eq!(answered(&world, Node::Lma), [Status::Success]);
    world.run_for(2 * SECOND);
    revoke(&mut world, Node::Mag(0), session(Trigger::Unspecified));
    world.run_for(Duration::from_millis(30));
    assert_eq!(answered(&world, Node::Mag(0)), [Status::Success]);
    assert_eq!(world.lma.bindings(world.now).count(), 0);
}
