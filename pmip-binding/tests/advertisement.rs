//! What mobile nodes hear of their home network (RFC 5213 sections 6.7 to 6.9.3, RFC 6543): the
//! same router wherever they are, and nothing that the anchor does not hold.
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at what it did not expect"
)]

mod common;

use std::net::Ipv6Addr;
use std::time::Duration;

use bytes::Bytes;
use common::{Bench, Pbu, SECOND};
use pmip_binding::config::{ConfigError, LogicalMobileNode, Service};
use pmip_binding::testing::{Node, World, address, lma_config, mag_config};
use pmip_binding::{Advertisement, Attachment, Event, Input, LmaConfig, MagConfig, MobileNode};
use pmip_wire::{Message, MobilityOption};

const NAI: &str = "walker@example.com";
const FIXED: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0x200, 0x5eff, 0xfe00, 0x5213);

/// A gateway for mobile nodes.
fn mag(index: u8) -> MagConfig {
    let mut config = mag_config(index, 1);
    config.multipath = false;
    config.logical_mobile_nodes.clear();
    config
}

fn world(change: impl Fn(&mut LmaConfig, &mut MagConfig)) -> World {
    let (mut lma, mut first, mut second) = (lma_config(), mag(1), mag(2));
    change(&mut lma, &mut first);
    change(&mut lma, &mut second);
    let mut world = World::new(lma, 1);
    world.add_mag(first, &[address(1, 1)], &common::link(10));
    world.add_mag(second, &[address(2, 1)], &common::link(10));
    world.all_up();
    world
}

fn attach(world: &mut World, mag: usize, handoff: u8) {
    let mut node = MobileNode::new(NAI);
    node.handoff_indicator = handoff;
    node.link_layer_identifier = Some(Bytes::from_static(&[2, 0, 0, 0, 0, 5]));
    let input = Input::Attachment(Attachment::Attach(node));
    world.input(Node::Mag(mag), input);
    world.run_for(SECOND);
}

fn told(world: &World, mag: usize) -> Vec<Advertisement> {
    let events = world
        .events
        .iter()
        .filter(|(_, node, _)| *node == Node::Mag(mag));
    events
        .filter_map(|(_, _, event)| match event {
            Event::Advertisement(advertisement) => Some(advertisement.clone()),
            _ => None,
        })
        .collect()
}

fn tell(world: &mut World, attachment: Attachment) {
    world.input(Node::Mag(0), Input::Attachment(attachment));
}

#[test]
fn a_registered_mobile_node_hears_its_prefix_from_the_reserved_addresses() {
    let mut world = world(|_, mag| mag.access_link.mtu = Some(1360));
    assert_eq!(told(&world, 0), []);
    attach(&mut world, 0, 1);
    let all = told(&world, 0);
    assert_eq!(all.len(), 1);
    let heard = &all[0];
    assert_eq!(heard.mn_id, NAI);
    assert_eq!(heard.link_local, Some(FIXED));
    assert_eq!(heard.link_layer, Some([0, 0, 0x5e, 0, 0x52, 0x13]));
    assert_eq!(heard.router_lifetime, 1800 * SECOND);
    assert_eq!(heard.mtu, Some(1360));
    assert_eq!(heard.prefixes.len(), 1);
    let home = world.mags[0]
        .bindings(world.now)
        .next()
        .unwrap()
        .home_prefixes;
    assert_eq!(heard.prefixes[0].prefix, home[0]);
    assert_eq!(
        heard.prefixes[0].lifetime,
        3600 * SECOND,
        "as long as the binding"
    );
}

#[test]
fn before_the_registration_and_after_a_refusal_it_hears_nothing() {
    let mut world = world(|lma, _| lma.profiles[0].enabled = false);
    attach(&mut world, 0, 1);
    tell(
        &mut world,
        Attachment::Solicit {
            nai: NAI.to_owned(),
        },
    );
    world.run_for(5 * SECOND);
    assert_eq!(told(&world, 0), []);
}

#[test]
fn a_solicitation_is_answered_with_what_remains() {
    let mut world = world(|_, mag| mag.access_link.prefix_lifetime = Some(600 * SECOND));
    attach(&mut world, 0, 1);
    world.run_for(2999 * SECOND);
    tell(
        &mut world,
        Attachment::Solicit {
            nai: NAI.to_owned(),
        },
    );
    let last = told(&world, 0).pop().unwrap();
    assert_eq!(
        last.prefixes[0].lifetime,
        600 * SECOND,
        "never longer than configured"
    );
    world.run_for(200 * SECOND);
    tell(
        &mut world,
        Attachment::Solicit {
            nai: NAI.to_owned(),
        },
    );
    let last = told(&world, 0).pop().unwrap();
    let lifetime = last.prefixes[0].lifetime;
    assert!(
        lifetime < 600 * SECOND && lifetime > 300 * SECOND,
        "{lifetime:?}: nor than the binding"
    );
    assert_eq!(last.router_lifetime, lifetime);
}

#[test]
fn each_extension_of_the_binding_is_told() {
    let mut world = world(|_, _| {});
    attach(&mut world, 0, 1);
    world.run_for(3400 * SECOND);
    let lifetimes: Vec<Duration> = told(&world, 0)
        .iter()
        .map(|told| told.prefixes[0].lifetime)
        .collect();
    assert_eq!(lifetimes, [3600 * SECOND, 3600 * SECOND]);
}

#[test]
fn what_the_anchor_no_longer_holds_ends_at_once() {
    let mut world = world(|_, _| {});
    attach(&mut world, 0, 1);
    let home = told(&world, 0)[0].prefixes[0].prefix;
    let detach = Attachment::Detach {
        nai: NAI.to_owned(),
    };
    tell(&mut world, detach);
    world.run_for(SECOND);
    let last = told(&world, 0).pop().unwrap();
    assert_eq!(last.router_lifetime, Duration::ZERO);
    assert_eq!(
        (last.prefixes[0].prefix, last.prefixes[0].lifetime),
        (home, Duration::ZERO)
    );
    tell(
        &mut world,
        Attachment::Solicit {
            nai: NAI.to_owned(),
        },
    );
    assert_eq!(told(&world, 0).len(), 2);
}

#[test]
fn after_a_handoff_the_router_is_the_same() {
    for fixed in [true, false] {
        let mut world = world(|_, mag| {
            if !fixed {
                mag.access_link.fixed_link_local_address = None;
            }
        });
        attach(&mut world, 0, 1);
        attach(&mut world, 1, 3);
        let (before, after) = (&told(&world, 0)[0], &told(&world, 1)[0]);
        assert!(before.link_local.unwrap().is_unicast_link_local());
        assert_eq!(before.link_local, after.link_local);
        assert_eq!(before.prefixes, after.prefixes);
        assert_eq!(before.link_layer, after.link_layer);
        assert_eq!(before.link_local == Some(FIXED), fixed);
    }
}

#[test]
fn option_26_travels_only_without_a_fixed_address() {
    for fixed in [true, false] {
        let mut world = world(|_, mag| {
            if !fixed {
                mag.access_link.fixed_link_local_address = None;
            }
        });
        attach(&mut world, 0, 1);
        let datagrams = world.captured().map(|datagram| {
            Message::decode(&datagram.payload, pmip_wire::ChecksumContext::Udp).unwrap()
        });
        let asked: Vec<bool> = datagrams
            .filter_map(|message| match message {
                Message::BindingUpdate(update) => Some(update.options.link_local_address()),
                _ => None,
            })
            .map(|address| address.is_some())
            .collect();
        assert_eq!(asked, [!fixed]);
    }
}

#[test]
fn an_address_that_the_mobile_node_has_itself_is_changed_and_uploaded() {
    let mut world = world(|_, mag| mag.access_link.fixed_link_local_address = None);
    attach(&mut world, 0, 1);
    let ours: Ipv6Addr = "fe80::77".parse().unwrap();
    let nai = NAI.to_owned();
    tell(&mut world, Attachment::LinkLocal { nai, address: ours });
    world.run_for(SECOND);
    assert_eq!(told(&world, 0).pop().unwrap().link_local, Some(ours));
    let kept = world.lma.snapshot();
    assert_eq!(kept.sessions().next().unwrap().link_local, Some(ours));
    attach(&mut world, 1, 3);
    assert_eq!(told(&world, 1)[0].link_local, Some(ours));
}

#[test]
fn the_anchor_draws_an_address_for_each_session_and_keeps_it() {
    let mut bench = Bench::new(lma_config());
    let zero = MobilityOption::LinkLocalAddress(Ipv6Addr::UNSPECIFIED);
    let mut given = |nai: &str, sequence, handoff| {
        let pbu = Pbu::new(nai, sequence).with(zero.clone()).handoff(handoff);
        bench
            .send(&pbu)
            .unwrap()
            .options
            .link_local_address()
            .unwrap()
    };
    let first = given("a@example.com", 1, 1);
    let second = given("b@example.com", 1, 1);
    assert!(first.is_unicast_link_local() && second.is_unicast_link_local());
    assert_ne!(first, second);
    assert_eq!(given("a@example.com", 2, 5), first);
    let kept = bench.lma.snapshot();
    assert_eq!(kept.sessions().next().unwrap().link_local, Some(first));
    // Not asked for, not said.
    let silent = bench.send(&Pbu::new("c@example.com", 1)).unwrap();
    assert_eq!(silent.options.link_local_address(), None);
}

#[test]
fn the_anchor_may_give_the_same_address_to_all() {
    let mut config = lma_config();
    config.link_local_address = Some(FIXED);
    let mut bench = Bench::new(config);
    let zero = MobilityOption::LinkLocalAddress(Ipv6Addr::UNSPECIFIED);
    let answer = bench
        .send(&Pbu::new("a@example.com", 1).with(zero))
        .unwrap();
    assert_eq!(answer.options.link_local_address(), Some(FIXED));
}

#[test]
fn a_node_without_ipv6_and_a_logical_one_hear_nothing() {
    let mut world = world(|_, mag| {
        mag.logical_mobile_nodes = vec![LogicalMobileNode::new(
            format!("lmn-{}@example.com", mag.identity),
            [2, 0, 0, 0, 0, 9],
        )];
    });
    let mut node = MobileNode::new(NAI);
    node.service = Service::Ipv4;
    tell(&mut world, Attachment::Attach(node));
    world.run_for(5 * SECOND);
    assert_eq!(world.lma.bindings(world.now).count(), 3);
    assert_eq!(told(&world, 0), []);
}

#[test]
fn mistakes_about_access_links_are_named() {
    let mut config = mag(1);
    config.access_link.fixed_link_local_address = Some(Ipv6Addr::LOCALHOST);
    config.access_link.fixed_link_layer_address = Some([1, 0, 0, 0, 0, 0]);
    config.access_link.router_lifetime = Duration::from_secs(9001);
    config.access_link.mtu = Some(576);
    let errors = config.validate().unwrap_err();
    assert_eq!(errors.iter().count(), 4, "{errors}");
    let address = Ipv6Addr::LOCALHOST;
    assert!(
        errors
            .iter()
            .any(|error| *error == ConfigError::NotLinkLocal { address })
    );
    let text = serde_json::to_string(&mag(1)).unwrap();
    assert_eq!(serde_json::from_str::<MagConfig>(&text).unwrap(), mag(1));
}
