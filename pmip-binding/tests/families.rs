//! A gateway asks no more for an address family that its anchor does not serve (RFC 5844
//! section 3.2.3.2), and an anchor says which those are (section 3.1.2.1).
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at what it did not expect"
)]

mod common;
mod gateway;

use std::time::Duration;

use common::{SECOND, lma_binding};
use gateway::{Gateway, plain_config};
use pmip_binding::config::{LmaConfig, Service};
use pmip_binding::testing::{World, address, lma_config, mag_config};
use pmip_binding::{Attachment, Input, MobileNode};
use pmip_wire::types::Instant;

fn registered(anchor: LmaConfig) -> World {
    let mut world = World::new(anchor, 1);
    let addresses = [address(1, 1), address(1, 2)];
    world.add_mag(mag_config(1, 2), &addresses, &common::link(10));
    world.all_up();
    world.run_until_idle(SECOND);
    world
}

#[test]
fn an_anchor_without_ipv6_serves_a_dual_stack_gateway_by_ipv4() {
    let mut config = lma_config();
    config.networks[0].ipv6_pool = None;
    let mut world = registered(config);
    let binding = lma_binding(&world);
    assert_eq!(binding.paths.len(), 2);
    assert!(binding.home_prefixes.is_empty() && binding.ipv4_home.is_some());
    let refused = world.lma.stats().acknowledgements.get(&172).copied();
    assert!(refused.is_some());
    world.run_until(Instant::from_secs(2 * 3600));
    let later = world.lma.stats().acknowledgements.get(&172).copied();
    assert_eq!(later, refused, "not asked for again");
}

#[test]
fn an_anchor_without_ipv4_serves_it_by_ipv6() {
    let mut config = lma_config();
    config.networks[0].ipv4_pool = None;
    let world = registered(config);
    let binding = lma_binding(&world);
    assert!(!binding.home_prefixes.is_empty() && binding.ipv4_home.is_none());
    assert!(world.lma.stats().acknowledgements.contains_key(&170));
}

fn ipv6_asked(gateway: &Gateway) -> bool {
    let update = gateway.last_update();
    update.options.home_network_prefixes().next().is_some()
}

#[test]
fn an_administrative_action_asks_for_both_again() {
    let mut gateway = Gateway::new(plain_config());
    assert!(ipv6_asked(&gateway));
    gateway.answer(172, []);
    assert!(!ipv6_asked(&gateway));
    gateway.answer(170, []);
    assert_eq!(gateway.updates().len(), 2);
    gateway.wait(Duration::from_secs(3600));
    assert_eq!(gateway.updates().len(), 2, "no family is left");
    let node = MobileNode::new("lmn1@example.com");
    gateway.give(Input::Attachment(Attachment::Attach(node)));
    assert!(ipv6_asked(&gateway));
}

#[test]
fn a_gateway_of_one_family_halts_when_that_is_refused() {
    let mut config = plain_config();
    config.logical_mobile_nodes[0].service = Service::Ipv6;
    let mut gateway = Gateway::new(config);
    gateway.answer(172, []);
    gateway.wait(Duration::from_secs(3600));
    assert_eq!(gateway.updates().len(), 1);
}
