//! Gateways get their bindings back by themselves, soon and without hammering: RFC 5213
//! sections 6.9.1.2 and 6.9.4, signalling rules sections 1, 5 and 8.
#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod common;

use bytes::Bytes;
use common::clocks::{hasty, set_ahead, set_clock, set_right};
use common::messages::notification;
use common::{SECOND, downlink, lma_binding, mag_binding, uplink};
use pmip_binding::config::Ipv6Pool;
use pmip_binding::testing::{LinkConfig, Node, World, address, lma_config, mag_config};
use pmip_binding::{Attachment, Command, Input, Lma, LmaConfig, MagConfig, MobileNode};
use std::net::IpAddr;

/// A gateway of three paths whose bindings are refreshed every 30 s.
fn three_paths(lma: LmaConfig) -> World {
    let mut config = mag_config(1, 3);
    config.lifetime = 60 * SECOND;
    config.refresh_time = 15 * SECOND;
    config.heartbeat.rules.clear();
    let addresses = [address(1, 1), address(1, 2), address(1, 3)];
    let mut world = World::new(lma, 1);
    world.add_mag(config, &addresses, &common::link(10));
    world.all_up();
    world.run_until_idle(SECOND);
    world
}

/// An anchor that forgot everything, and that nobody hears of.
fn forget(world: &mut World, config: LmaConfig) {
    let fresh = Lma::new(config.clone(), [0; 32], world.clock(), world.now).unwrap();
    let nothing = fresh.snapshot();
    let refusals = world.resume_lma(config, &nothing, 9);
    assert_eq!(refusals, []);
}

#[test]
fn paths_that_are_refused_their_prefix_at_once_are_all_back_in_two_round_trips() {
    let mut lma = lma_config();
    lma.heartbeat.rules.clear();
    let mut world = three_paths(lma.clone());
    let before = mag_binding(&world).home_prefixes;
    // The prefix is of no pool any more: 155 for every path that is refreshed with it.
    let pool = "2001:db8:9900::/40".parse().unwrap();
    lma.networks[0].ipv6_pool = Some(Ipv6Pool::new(pool, 64));
    forget(&mut world, lma);
    world.run_for(44 * SECOND);
    let asked = world.mags[0].stats().binding_updates;
    world.run_for(2 * SECOND);
    let refused = world.mags[0].stats().acknowledgements.get(&155).copied();
    assert!(refused >= Some(1), "{}", world.tail());
    assert_eq!(uplink(&world), [1, 2, 3], "{}", world.tail());
    assert_eq!(downlink(&world).len(), 3);
    assert_ne!(mag_binding(&world).home_prefixes, before);
    assert_eq!(
        lma_binding(&world).home_prefixes,
        mag_binding(&world).home_prefixes
    );
    let asked = world.mags[0].stats().binding_updates - asked;
    assert!(
        asked <= 7,
        "three refreshes, one request anew, three paths: {asked}"
    );
}

#[test]
fn paths_that_are_refused_their_home_address_at_once_are_all_back_soon() {
    let mut lma = lma_config();
    lma.heartbeat.rules.clear();
    lma.networks[0].ipv6_pool = None;
    let mut world = three_paths(lma.clone());
    // Somebody else has the home address by now.
    let home = mag_binding(&world).ipv4_home.unwrap();
    forget(&mut world, lma);
    let other = MobileNode::new("other@example.com");
    let mut config = single_path(2);
    config.logical_mobile_nodes.clear();
    world.add_mag(config, &[address(2, 1)], &common::link(10));
    world.all_up();
    world.input(Node::Mag(1), Input::Attachment(Attachment::Attach(other)));
    world.run_for(SECOND);
    assert_eq!(lma_binding(&world).ipv4_home, Some(home));
    world.run_for(45 * SECOND);
    assert_eq!(uplink(&world), [1, 2, 3], "{}", world.tail());
}

fn single_path(index: u8) -> MagConfig {
    let mut config = mag_config(index, 1);
    config.multipath = false;
    config
}

fn single_path_world(lma: LmaConfig) -> World {
    let mut world = World::new(lma, 1);
    world.add_mag(single_path(1), &[address(1, 1)], &common::link(10));
    world.all_up();
    world.run_until_idle(SECOND);
    world
}

#[test]
fn a_gateway_without_multipath_comes_back_by_its_heartbeats_when_its_revocation_was_lost() {
    let mut world = single_path_world(lma_config());
    world.black_hole(0, 1, true);
    world.command(Node::Lma, Command::ClearBindings);
    world.run_for(4 * SECOND);
    assert_eq!(world.lma.bindings(world.now).count(), 0);
    world.black_hole(0, 1, false);
    world.run_for(3 * SECOND);
    assert_eq!(
        (downlink(&world), uplink(&world)),
        (vec![0], vec![1]),
        "{}",
        world.tail()
    );
}

#[test]
fn a_gateway_whose_mobile_node_moved_on_is_not_asked_to_take_it_back() {
    let mut lma = lma_config();
    lma.revocation.on_handoff = false;
    let mut world = World::new(lma, 1);
    for index in 1..=2 {
        let mut config = single_path(index);
        config.logical_mobile_nodes.clear();
        world.add_mag(config, &[address(index, 1)], &common::link(10));
    }
    world.all_up();
    for (mag, handoff) in [(0, 1), (1, 3)] {
        let mut node = MobileNode::new("walker@example.com");
        node.handoff_indicator = handoff;
        node.link_layer_identifier = Some(Bytes::from_static(&[2, 0, 0, 0, 0, 5]));
        world.input(Node::Mag(mag), Input::Attachment(Attachment::Attach(node)));
        world.run_for(SECOND);
    }
    // The old gateway missed that it left, and beats on.
    world.run_for(60 * SECOND);
    assert_eq!(world.lma.stats().handoffs, 1, "{}", world.tail());
    let care_of: Vec<IpAddr> = world.lma.paths().map(|path| path.care_of).collect();
    assert_eq!(care_of, [address(2, 1)]);
}

#[test]
fn an_anchor_whose_clock_was_wrong_for_a_while_gets_its_gateways_back() {
    let mut world = hasty();
    set_ahead(&mut world, Node::Lma, 3_600 * SECOND);
    world.run_for(120 * SECOND);
    assert_eq!(uplink(&world), [0u8; 0], "refused until its bindings ended");
    let asked = world.mags[0].stats().binding_updates;
    assert!(asked < 20, "{asked}");
    set_right(&mut world, Node::Lma);
    world.run_for(150 * SECOND);
    assert_eq!(uplink(&world), [1, 2], "{}", world.tail());
    assert_eq!(downlink(&world).len(), 2);
}

#[test]
fn the_first_mobile_node_that_is_served_ends_the_wait_of_all() {
    let mut config = single_path(1);
    config.logical_mobile_nodes.clear();
    let mut world = World::new(lma_config(), 1);
    world.add_mag(config, &[address(1, 1)], &LinkConfig::new());
    world.all_up();
    set_ahead(&mut world, Node::Lma, 3_600 * SECOND);
    for number in 0..20u8 {
        let mut node = MobileNode::new(format!("mn{number}@example.com"));
        node.link_layer_identifier = Some(Bytes::copy_from_slice(&[2, 0, 0, 0, 1, number]));
        world.input(Node::Mag(0), Input::Attachment(Attachment::Attach(node)));
    }
    world.run_for(SECOND);
    let asked = world.mags[0].stats().binding_updates;
    world.run_for(40 * SECOND);
    let probes = world.mags[0].stats().binding_updates - asked;
    assert_eq!(probes, 1, "one asks for all");
    set_right(&mut world, Node::Lma);
    world.run_for(64 * SECOND);
    assert_eq!(
        world.lma.bindings(world.now).count(),
        20,
        "{}",
        world.tail()
    );
}

#[test]
fn a_clock_that_is_set_is_tried_soon_though_the_anchors_was_wrong_before() {
    let mut world = World::new(lma_config(), 1);
    world.add_mag(single_path(1), &[address(1, 1)], &common::link(10));
    set_clock(&mut world, Node::Mag(0), 100 * SECOND);
    set_ahead(&mut world, Node::Lma, 3_600 * SECOND);
    world.all_up();
    // The wait has grown to minutes.
    world.run_for(500 * SECOND);
    set_right(&mut world, Node::Lma);
    set_right(&mut world, Node::Mag(0));
    world.run_for(33 * SECOND);
    assert_eq!(uplink(&world), [1], "{}", world.tail());
}

/// What was captured on its way to the anchor since it had this many messages.
fn sent_to_anchor(world: &World, message_type: u8) -> Vec<pmip_binding::Datagram> {
    let captured = world
        .captured()
        .filter(|datagram| datagram.payload[2] == message_type);
    captured.cloned().collect()
}

#[test]
fn a_gateways_revocation_counts_once_however_late_it_comes_again() {
    let mut world = single_path_world(lma_config());
    let nai = "lmn1@example.com".to_owned();
    let trigger = pmip_wire::RevocationTrigger::AccessNetworkSessionTermination;
    let revoke = pmip_binding::Revoke::MobileNode { nai, trigger };
    world.command(Node::Mag(0), Command::Revoke(revoke));
    world.run_for(SECOND);
    let indications = sent_to_anchor(&world, 16);
    assert_eq!(indications.len(), 1);
    world.command(Node::Mag(0), Command::ClearBindings);
    world.run_for(200 * SECOND);
    assert_eq!(downlink(&world).len(), 1);
    world.input(Node::Lma, Input::Signalling(indications[0].clone()));
    assert_eq!(downlink(&world).len(), 1, "{}", world.tail());
}

#[test]
fn an_anchors_messages_count_once_however_late_they_come_again() {
    use pmip_wire::{
        BindingRevocationFlags, BindingRevocationIndication, ChecksumContext, Message,
        MobileNodeGroupIdentifier, MobilityOptions, NotificationReason, RevocationTrigger,
        SequenceNumber, UpdateNotificationFlags,
    };
    let mut world = single_path_world(lma_config());
    let deliver = |world: &mut World, message: &Message| {
        let payload = message.to_bytes(ChecksumContext::Udp);
        let anchor = IpAddr::from(pmip_binding::testing::LMA_ADDRESS);
        let source = pmip_binding::testing::control(anchor);
        let mut datagram = common::datagram(source, payload);
        datagram.destination = pmip_binding::testing::control(address(1, 1));
        world.input(Node::Mag(0), Input::Signalling(datagram));
    };
    let indication = Message::BindingRevocationIndication(BindingRevocationIndication {
        trigger: RevocationTrigger::PerPeerPolicy,
        sequence: SequenceNumber(7),
        flags: BindingRevocationFlags::PROXY | BindingRevocationFlags::GLOBAL,
        options: MobilityOptions::new(),
    });
    let notification = notification(
        8,
        NotificationReason::ForceReregistration,
        UpdateNotificationFlags::empty(),
        vec![MobileNodeGroupIdentifier::ALL_SESSIONS.into()],
    );
    deliver(&mut world, &indication);
    assert_eq!(uplink(&world), [0u8; 0]);
    world.run_for(10 * SECOND);
    deliver(&mut world, &notification);
    world.run_for(300 * SECOND);
    assert_eq!(uplink(&world), [1]);
    let asked = world.mags[0].stats().binding_updates;
    deliver(&mut world, &indication);
    assert_eq!(uplink(&world), [1], "{}", world.tail());
    deliver(&mut world, &notification);
    world.run_for(SECOND);
    assert_eq!(world.mags[0].stats().binding_updates, asked);
}
