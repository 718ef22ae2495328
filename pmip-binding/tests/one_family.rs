//! A gateway gives up one address family of a mobile node alone, and takes it up again (RFC 5844
//! section 3.2.3.3).
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at what it did not expect"
)]

mod common;
mod gateway;

use std::net::Ipv4Addr;

use common::{SECOND, downlink, lma_binding, world};
use gateway::{Gateway, plain_config};
use pmip_binding::config::Service;
use pmip_binding::testing::{Node, World};
use pmip_binding::{Attachment, Command, Event, Input, MobileNode, SessionEvent};
use pmip_wire::types::IpPrefix;
use pmip_wire::{
    BindingAckFlags, Ipv4HomeAddressReply, Ipv4HomeAddressRequest, Ipv4HomeAddressStatus,
    MobilityOption,
};

const MN: &str = "mn@example.com";
const HOME: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 9);

fn attach(service: Service) -> Input {
    let mut node = MobileNode::new(MN);
    node.service = service;
    Input::Attachment(Attachment::Attach(node))
}

fn prefix() -> IpPrefix {
    "2001:db8:1::/64".parse().unwrap()
}

/// What an anchor grants beside the prefix to a mobile node that asks for both.
fn granted() -> [MobilityOption; 2] {
    let status = Ipv4HomeAddressStatus::from_code(0);
    [
        Ipv4HomeAddressReply::new(status, HOME, 16).unwrap().into(),
        MobilityOption::Ipv4DefaultRouterAddress(Ipv4Addr::new(10, 1, 0, 1)),
    ]
}

/// A gateway whose mobile node holds both families.
fn both() -> Gateway {
    let mut config = plain_config();
    config.logical_mobile_nodes.clear();
    let mut gateway = Gateway::new(config);
    gateway.give(attach(Service::Dual));
    gateway.answer(0, granted());
    gateway
}

/// Lifetime, home network prefixes and home address of the last PBU.
fn asked(gateway: &Gateway) -> (u16, Vec<IpPrefix>, Option<Ipv4HomeAddressRequest>) {
    let update = gateway.last_update();
    let prefixes = update.options.home_network_prefixes();
    let home = update.options.iter().find_map(|option| match option {
        MobilityOption::Ipv4HomeAddressRequest(request) => Some(request),
        _ => None,
    });
    let prefixes = prefixes.map(|prefix| prefix.to_prefix()).collect();
    (update.lifetime.as_units(), prefixes, home)
}

fn home() -> Ipv4HomeAddressRequest {
    Ipv4HomeAddressRequest::new(HOME, 16).unwrap()
}

#[test]
fn the_family_alone_is_named_and_the_session_goes_on_with_the_other() {
    let mut gateway = both();
    gateway.give(attach(Service::Ipv6));
    assert_eq!(asked(&gateway), (0, vec![], Some(home())));
    gateway.answer(0, []);
    let (lifetime, prefixes, request) = asked(&gateway);
    assert!(lifetime > 0, "what it has left is registered on");
    assert_eq!((prefixes, request), (vec![prefix()], None));
    let binding = gateway.mag.bindings(gateway.now).next().unwrap();
    assert_eq!(
        (binding.ipv4_home, binding.home_prefixes),
        (None, vec![prefix()])
    );
}

#[test]
fn ipv6_is_named_by_all_its_prefixes() {
    let mut gateway = both();
    gateway.give(attach(Service::Ipv4));
    assert_eq!(asked(&gateway), (0, vec![prefix()], None));
    gateway.answer(0, []);
    let (lifetime, prefixes, request) = asked(&gateway);
    assert!(lifetime > 0);
    assert_eq!((prefixes, request), (vec![], Some(home())));
}

/// An anchor that does not answer is told by the next registration, which leaves the family out.
#[test]
fn an_unanswered_release_is_given_up() {
    let mut gateway = both();
    gateway.give(attach(Service::Ipv6));
    let before = gateway.updates().len();
    for _ in 0..4 {
        gateway.wait(SECOND);
    }
    let binding = gateway.mag.bindings(gateway.now).next().unwrap();
    assert_eq!(binding.ipv4_home, None);
    let (lifetime, prefixes, request) = asked(&gateway);
    assert!(lifetime > 0 && gateway.updates().len() > before);
    assert_eq!((prefixes, request), (vec![prefix()], None));
}

/// Named alone, a family would end alone, and the rest would stay at the anchor.
#[test]
fn a_shutdown_meanwhile_de_registers_both() {
    let mut gateway = both();
    gateway.give(attach(Service::Ipv6));
    gateway.give(Input::Command(Command::Shutdown));
    assert_eq!(asked(&gateway), (0, vec![prefix()], Some(home())));
}

#[test]
fn what_was_asked_before_does_not_bring_the_family_back() {
    let mut gateway = both();
    gateway.wait(3400 * SECOND);
    let refresh = gateway.last_update();
    assert_eq!(refresh.options.home_network_prefixes().count(), 1);
    gateway.give(attach(Service::Ipv6));
    let late = gateway.answer_to(&refresh, 0, BindingAckFlags::PROXY, granted());
    gateway.receive(&late);
    gateway.answer(0, []);
    let binding = gateway.mag.bindings(gateway.now).next().unwrap();
    assert_eq!(binding.ipv4_home, None);
}

/// Both ends with two paths: what one holds the other does too.
fn attached() -> World {
    let mut world = world(2);
    let mut config = pmip_binding::testing::mag_config(1, 2);
    config.logical_mobile_nodes.clear();
    world.restart_mag(0, config, 3);
    world.all_up();
    world.input(Node::Mag(0), attach(Service::Dual));
    world.run_for(2 * SECOND);
    world
}

fn families(world: &World) -> (bool, bool) {
    let binding = lma_binding(world);
    let session = world.lma_tables.sessions.values().next().unwrap();
    let routed = |ipv4: bool| {
        session
            .prefixes
            .iter()
            .any(|prefix| prefix.is_ipv4() == ipv4)
    };
    assert_eq!(routed(true), binding.ipv4_home.is_some());
    assert_eq!(routed(false), !binding.home_prefixes.is_empty());
    let mag = common::mag_binding(world);
    assert_eq!(
        mag.ipv4_home.map(|home| home.0),
        binding.ipv4_home.map(|home| home.0)
    );
    assert_eq!(mag.home_prefixes, binding.home_prefixes);
    (routed(true), routed(false))
}

#[test]
fn with_several_paths_too_and_it_comes_back() {
    let mut world = attached();
    let before = lma_binding(&world);
    assert_eq!(families(&world), (true, true));
    world.input(Node::Mag(0), attach(Service::Ipv6));
    // 10 ms each way, before any path could have registered anew.
    world.run_for(SECOND / 50);
    assert_eq!(lma_binding(&world).ipv4_home, None, "{}", world.tail());
    world.run_for(SECOND);
    assert_eq!(families(&world), (false, true));
    assert_eq!(lma_binding(&world).home_prefixes, before.home_prefixes);
    assert_eq!(downlink(&world).len(), 2, "no path left");
    let mut ups = world
        .events
        .iter()
        .rev()
        .filter_map(|(_, node, event)| match event {
            Event::Session(SessionEvent::Up { ipv4_home, .. }) if *node == Node::Mag(0) => {
                Some(*ipv4_home)
            }
            _ => None,
        });
    assert_eq!(ups.next(), Some(None), "the driver is told");
    world.input(Node::Mag(0), attach(Service::Dual));
    world.run_for(SECOND);
    assert_eq!(families(&world), (true, true));
    world.input(Node::Mag(0), attach(Service::Ipv4));
    world.run_for(SECOND);
    assert_eq!(families(&world), (true, false));
}
