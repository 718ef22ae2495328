//! What stands in a gateway's PBUs, and what it makes of the answers (RFC 5213 section 6.9.1).
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at what it did not expect"
)]

mod common;
mod gateway;

use std::time::Duration;

use bytes::Bytes;
use common::SECOND;
use gateway::{Gateway, plain_config};
use pmip_binding::{
    Attachment, BindingState, Command, Event, Forwarding, Input, InterfaceChange, InterfaceState,
    MobileNode, NotServed, SessionEvent,
};
use pmip_wire::{
    BindingUpdate, BindingUpdateFlags, HandoffIndicator, HomeNetworkPrefix, Message,
    MobileNodeIdentifier, MobilityOptions, NotificationReason, OptionType, SequenceNumber,
    UpdateNotification, UpdateNotificationFlags,
};

const MN: &str = "walker@example.com";

/// A gateway without logical mobile nodes, to which one mobile node is attached.
fn attached(change: impl FnOnce(&mut MobileNode)) -> Gateway {
    let mut config = plain_config();
    config.logical_mobile_nodes.clear();
    let mut gateway = Gateway::new(config);
    let mut node = MobileNode::new(MN);
    node.link_layer_identifier = Some(Bytes::from_static(&[2, 0, 0, 0, 0, 5]));
    change(&mut node);
    gateway.give(Input::Attachment(Attachment::Attach(node)));
    gateway
}

fn detach(gateway: &mut Gateway) {
    let nai = MN.to_owned();
    gateway.give(Input::Attachment(Attachment::Detach { nai }));
}

fn handoff(update: &BindingUpdate) -> u8 {
    update.options.handoff_indicator().unwrap().code()
}

fn types(update: &BindingUpdate) -> Vec<OptionType> {
    let mut types: Vec<OptionType> = update
        .options
        .iter()
        .map(|option| option.option_type())
        .collect();
    types.sort_unstable_by_key(|option_type| option_type.code());
    types
}

fn is_up(gateway: &Gateway) -> bool {
    let events = gateway.events.iter();
    events.fold(false, |up, event| match event {
        Event::Forwarding(Forwarding::InstallSession(_)) => true,
        Event::Forwarding(Forwarding::RemoveSession(_)) => false,
        _ => up,
    })
}

#[test]
fn the_first_update_has_every_option_that_has_to_be_there() {
    let gateway = attached(|node| {
        node.handoff_indicator = 1;
        node.access_technology = 4;
    });
    let update = gateway.last_update();
    let flags = BindingUpdateFlags::PROXY | BindingUpdateFlags::ACKNOWLEDGE;
    assert!(update.flags.contains(flags));
    let identifier = update.options.mn_identifier().unwrap();
    assert_eq!(*identifier.identifier(), MN.as_bytes());
    let prefixes: Vec<_> = update.options.home_network_prefixes().collect();
    assert_eq!(prefixes, [HomeNetworkPrefix::ALL_ZERO], "one, of zeros");
    assert_eq!(handoff(&update), 1);
    assert_eq!(update.options.access_technology_type().unwrap().code(), 4);
    assert!(update.options.timestamp().is_some());
    assert!(types(&update).contains(&OptionType::LinkLayerIdentifier));
    assert_eq!(
        update.options.link_local_address(),
        None,
        "a fixed address is used"
    );
}

#[test]
fn the_hint_of_the_access_link_is_told_and_unknown_by_default() {
    for hint in 1..=4 {
        let gateway = attached(|node| node.handoff_indicator = hint);
        assert_eq!(handoff(&gateway.last_update()), hint);
    }
    let gateway = attached(|_| {});
    assert_eq!(handoff(&gateway.last_update()), 4);
}

#[test]
fn an_identifier_that_is_not_known_or_zero_is_left_out() {
    for none in [None, Some(Bytes::from_static(&[0; 6]))] {
        let gateway = attached(|node| node.link_layer_identifier = none);
        let types = types(&gateway.last_update());
        assert!(!types.contains(&OptionType::LinkLayerIdentifier));
    }
}

#[test]
fn a_refresh_has_handoff_5_and_a_deregistration_4_with_all_prefixes_each() {
    let mut gateway = attached(|node| node.handoff_indicator = 1);
    let first = gateway.last_update();
    let second = HomeNetworkPrefix::new("2001:db8:2::".parse().unwrap(), 64).unwrap();
    gateway.answer(0, [second.into()]);
    gateway.wait(3400 * SECOND);
    let refresh = gateway.last_update();
    assert_eq!(gateway.updates().len(), 2);
    gateway.answer(0, [second.into()]);
    detach(&mut gateway);
    let leave = gateway.last_update();
    assert_eq!((handoff(&refresh), handoff(&leave)), (5, 4));
    assert_eq!(leave.lifetime.as_units(), 0);
    let own = HomeNetworkPrefix::new("2001:db8:1::".parse().unwrap(), 64).unwrap();
    for update in [&refresh, &leave] {
        let prefixes: Vec<_> = update.options.home_network_prefixes().collect();
        assert_eq!(prefixes, [own, second]);
        let mut found = types(update);
        found.dedup();
        assert_eq!(found, types(&first), "the same options");
    }
}

#[test]
fn an_answer_with_another_hint_is_ignored_and_nothing_sent_until_an_administrative_action() {
    let mut gateway = attached(|_| {});
    let mut update = gateway.last_update();
    update
        .options
        .retain(|option| option.option_type() != OptionType::HandoffIndicator);
    update.options.push(HandoffIndicator::from_code(2)).unwrap();
    let flags = pmip_wire::BindingAckFlags::PROXY;
    let answer = gateway.answer_to(&update, 0, flags, []);
    gateway.receive(&answer);
    assert!(!is_up(&gateway));
    gateway.wait(600 * SECOND);
    assert_eq!(gateway.updates().len(), 1);
    gateway.give(Input::Attachment(Attachment::Attach(MobileNode::new(MN))));
    assert_eq!(gateway.updates().len(), 2);
}

#[test]
fn an_answer_to_another_sequence_number_is_ignored() {
    let mut gateway = attached(|_| {});
    let mut update = gateway.last_update();
    update.sequence.0 = update.sequence.0.wrapping_add(9);
    let answer = gateway.answer_to(&update, 0, pmip_wire::BindingAckFlags::PROXY, []);
    gateway.receive(&answer);
    assert!(!is_up(&gateway));
    gateway.answer(0, []);
    assert!(is_up(&gateway));
}

#[test]
fn a_refused_node_gets_no_service_and_152_ends_the_asking() {
    let mut gateway = attached(|_| {});
    gateway.answer(152, []);
    assert!(!is_up(&gateway));
    gateway.wait(3600 * SECOND);
    assert_eq!(gateway.updates().len(), 1);
    for status in 128..=180 {
        let mut gateway = attached(|_| {});
        gateway.answer(status, []);
        assert!(!is_up(&gateway), "status {status}");
        let told = gateway
            .events
            .iter()
            .any(|event| matches!(event, Event::Session(SessionEvent::Up { .. })));
        assert!(!told, "nothing to advertise after status {status}");
    }
}

#[test]
fn after_157_it_registers_again() {
    let mut gateway = attached(|_| {});
    gateway.answer(157, []);
    gateway.wait(2 * SECOND);
    assert_eq!(gateway.updates().len(), 2);
}

#[test]
fn a_prefix_that_is_refused_is_not_asked_for_again() {
    let mut gateway = attached(|_| {});
    gateway.answer(0, []);
    gateway.wait(3400 * SECOND);
    let asked = |gateway: &Gateway| -> Vec<HomeNetworkPrefix> {
        let update = gateway.last_update();
        update.options.home_network_prefixes().collect()
    };
    assert_ne!(asked(&gateway), [HomeNetworkPrefix::ALL_ZERO]);
    gateway.answer(155, []);
    assert_eq!(gateway.updates().len(), 3);
    assert_eq!(asked(&gateway), [HomeNetworkPrefix::ALL_ZERO]);
}

#[test]
fn an_acceptance_installs_the_tunnel_and_then_the_route() {
    let mut gateway = attached(|_| {});
    gateway.answer(0, []);
    let place = |what: fn(&Event) -> bool| gateway.events.iter().position(what).unwrap();
    let tunnel = place(|event| matches!(event, Event::Forwarding(Forwarding::InstallPath(_))));
    let route = place(|event| matches!(event, Event::Forwarding(Forwarding::InstallSession(_))));
    let up = place(|event| matches!(event, Event::Session(SessionEvent::Up { .. })));
    assert!(tunnel < route && route < up);
    let binding = gateway.mag.bindings(gateway.now).next().unwrap();
    assert_eq!(binding.state, BindingState::Active);
    assert_eq!(binding.home_prefixes.len(), 1);
    let Event::Session(SessionEvent::Up { home_prefixes, .. }) = &gateway.events[up] else {
        unreachable!()
    };
    assert_eq!(*home_prefixes, binding.home_prefixes, "to be advertised");
}

#[test]
fn retransmissions_have_the_latest_timestamp_and_end_when_the_node_leaves() {
    let mut gateway = attached(|_| {});
    gateway.wait(SECOND);
    gateway.wait(2 * SECOND);
    let stamps: Vec<_> = gateway
        .updates()
        .iter()
        .map(|update| update.options.timestamp().unwrap().as_unix())
        .collect();
    assert_eq!(stamps.len(), 3);
    assert!(stamps[1] - stamps[0] >= SECOND && stamps[2] - stamps[1] >= 2 * SECOND);
    detach(&mut gateway);
    let before = gateway.updates().len();
    for _ in 0..60 {
        gateway.wait(10 * SECOND);
    }
    let later = gateway.updates();
    let after = later[before..].iter();
    assert!(after.clone().all(|update| update.lifetime.as_units() == 0));
    assert!(gateway.mag.bindings(gateway.now).next().is_none());
}

#[test]
fn in_sequence_mode_numbers_grow_and_no_timestamp_is_sent() {
    let mut config = plain_config();
    config.timestamps = false;
    let mut gateway = Gateway::new(config);
    gateway.wait(SECOND);
    gateway.wait(2 * SECOND);
    let updates = gateway.updates();
    assert_eq!(updates.len(), 3);
    for pair in updates.windows(2) {
        assert!(pair[1].sequence.is_newer_than(pair[0].sequence));
        assert_eq!(pair[1].options.timestamp(), None);
    }
}

#[test]
fn a_deregistration_ends_everything_with_its_answer_or_without_one() {
    for answered in [true, false] {
        let mut gateway = attached(|_| {});
        gateway.answer(0, []);
        assert!(is_up(&gateway));
        detach(&mut gateway);
        if answered {
            gateway.answer(0, []);
        } else {
            for _ in 0..6 {
                gateway.wait(SECOND);
            }
        }
        assert!(!is_up(&gateway));
        assert!(gateway.mag.bindings(gateway.now).next().is_none());
        let mut events = gateway.events.iter().rev();
        let tunnel = events.find_map(|event| match event {
            Event::Forwarding(Forwarding::InstallPath(path)) => Some(path),
            _ => None,
        });
        assert!(!tunnel.unwrap().usable, "nobody else uses the tunnel");
    }
}

#[test]
fn an_update_goes_from_the_uplink_to_the_anchor() {
    let mut config = plain_config();
    config.heartbeat.rules.clear();
    let mut world = pmip_binding::testing::World::new(pmip_binding::testing::lma_config(), 1);
    let care_of = pmip_binding::testing::address(1, 1);
    world.add_mag(config, &[care_of], &common::link(10));
    world.all_up();
    world.run_for(Duration::from_millis(11));
    let datagram = world.captured().next().unwrap();
    assert_eq!(datagram.source.ip(), care_of);
    let anchor = std::net::IpAddr::from(pmip_binding::testing::LMA_ADDRESS);
    assert_eq!(datagram.destination.ip(), anchor);
    assert_eq!(datagram.payload[4..6], [0, 0], "no checksum of its own");
}

#[test]
fn a_command_ends_a_binding_and_begins_another() {
    let mut gateway = attached(|_| {});
    gateway.answer(0, []);
    let nai = MN.to_owned();
    gateway.give(Input::Command(Command::ClearBinding { nai }));
    assert_eq!(gateway.last_update().lifetime.as_units(), 0);
    gateway.answer(0, []);
    assert_eq!(handoff(&gateway.last_update()), 4);
    let prefixes = gateway
        .last_update()
        .options
        .home_network_prefixes()
        .count();
    assert_eq!(prefixes, 1);
}

/// RFC 5213 section 6.5: the policy profile decides whether anything is signalled.
#[test]
fn a_mobile_node_without_mobility_service_is_refused_by_name() {
    let without = |node: &mut MobileNode| node.mobility_service = false;
    let mut gateway = attached(without);
    let refused = Event::Session(SessionEvent::NotServed {
        mn_id: MN.to_owned(),
        reason: NotServed::NoMobilityService,
    });
    assert!(gateway.updates().is_empty());
    assert!(gateway.events.contains(&refused));
    // What was offered before ends.
    gateway.give(Input::Attachment(Attachment::Attach(MobileNode::new(MN))));
    gateway.answer(0, []);
    assert!(is_up(&gateway));
    let mut node = MobileNode::new(MN);
    without(&mut node);
    gateway.give(Input::Attachment(Attachment::Attach(node)));
    assert_eq!(gateway.last_update().lifetime.as_units(), 0);
}

#[test]
fn a_mobile_node_for_which_there_is_no_room_is_refused_by_name() {
    let mut config = plain_config();
    config.maximum_bindings = 1;
    let mut gateway = Gateway::new(config);
    gateway.give(Input::Attachment(Attachment::Attach(MobileNode::new(MN))));
    let refused = Event::Session(SessionEvent::NotServed {
        mn_id: MN.to_owned(),
        reason: NotServed::Full,
    });
    assert!(gateway.events.contains(&refused));
}

/// MAX_UPDATE_RATE (RFC 6275 section 11.7.1).
#[test]
fn an_interface_that_flaps_is_registered_three_times_a_second() {
    let mut gateway = attached(|_| {});
    let flaps = |gateway: &mut Gateway, octet| {
        for state in [
            InterfaceState::Down,
            InterfaceState::Up([192, 0, 2, octet].into()),
        ] {
            let binding_id = 1;
            gateway.give(Input::Interface(InterfaceChange { binding_id, state }));
        }
        gateway.wait(Duration::from_millis(10));
    };
    (50..90).for_each(|octet| flaps(&mut gateway, octet));
    assert_eq!(gateway.updates().len(), 3);
    gateway.wait(SECOND);
    assert_eq!(gateway.updates().len(), 4, "the last address is told");
    let told = gateway.last_update().options.ipv4_care_of_address();
    assert_eq!(told, Some([192, 0, 2, 89].into()));
}

/// A refresh that the anchor asks for too often is late, not lost.
#[test]
fn an_anchor_that_asks_too_often_gets_three_updates_a_second() {
    let mut gateway = attached(|_| {});
    gateway.answer(0, []);
    for sequence in 1..40 {
        gateway.receive(&Message::UpdateNotification(UpdateNotification {
            sequence: SequenceNumber(sequence),
            reason: NotificationReason::ForceReregistration,
            flags: UpdateNotificationFlags::empty(),
            options: MobilityOptions::new()
                .with(MobileNodeIdentifier::nai(MN).unwrap())
                .unwrap(),
        }));
        if gateway.updates().len() < 4 {
            gateway.answer(0, []);
        }
    }
    assert_eq!(gateway.updates().len(), 3);
    gateway.wait(SECOND);
    assert_eq!(gateway.updates().len(), 4);
}
