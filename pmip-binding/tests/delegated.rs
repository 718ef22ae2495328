//! Delegated mobile network prefixes (RFC 7148 sections 5.1 and 5.2).
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at what it did not expect"
)]

mod common;
mod gateway;

use common::{Bench, Pbu, SECOND};
use gateway::{Gateway, plain_config};
use pmip_binding::config::{MobileNetwork, PrefixRequest};
use pmip_binding::testing::lma_config;
use pmip_binding::{Event, Forwarding};
use pmip_wire::types::IpPrefix;
use pmip_wire::{BindingAcknowledgement, DelegatedMobileNetworkPrefix, MobilityOptions};

const MN: &str = "mn@example.com";
const IPV4: DelegatedMobileNetworkPrefix = DelegatedMobileNetworkPrefix::ALL_ZERO_IPV4;
const IPV6: DelegatedMobileNetworkPrefix = DelegatedMobileNetworkPrefix::ALL_ZERO_IPV6;

fn prefix(text: &str) -> IpPrefix {
    text.parse().unwrap()
}

fn option(text: &str) -> DelegatedMobileNetworkPrefix {
    DelegatedMobileNetworkPrefix::from(prefix(text))
}

fn delegated(options: &MobilityOptions) -> Vec<DelegatedMobileNetworkPrefix> {
    options.delegated_mobile_network_prefixes().collect()
}

fn told(answer: &BindingAcknowledgement) -> Vec<DelegatedMobileNetworkPrefix> {
    delegated(&answer.options)
}

#[test]
fn without_the_option_there_is_no_delegation() {
    let mut bench = Bench::new(lma_config());
    let answer = bench.send(&Pbu::new(MN, 1)).unwrap();
    assert_eq!(answer.status.code(), 0);
    assert_eq!(told(&answer), []);
    assert!(bench.binding().delegated.is_empty());
}

#[test]
fn each_prefix_that_is_asked_for_is_delegated_routed_and_named() {
    let mut bench = Bench::new(lma_config());
    let asserted = option("10.20.7.0/24");
    let pbu = Pbu::new(MN, 1).with(IPV4).with(IPV6).with(asserted);
    let answer = bench.send(&pbu).unwrap();
    assert_eq!(answer.status.code(), 0);
    let held = bench.binding().delegated;
    assert_eq!(held.len(), 3);
    assert!(held.contains(&prefix("10.20.7.0/24")));
    let named: Vec<_> = held.iter().map(|held| (*held).into()).collect();
    assert_eq!(told(&answer), named);
    let route = bench.events.iter().find_map(|event| match event {
        Event::Forwarding(Forwarding::InstallSession(route)) => Some(route.prefixes.clone()),
        _ => None,
    });
    let route = route.unwrap();
    assert!(held.iter().all(|held| route.contains(held)));
    let other = bench
        .send(&Pbu::new("b@example.com", 1).with(IPV4).with(IPV6))
        .unwrap();
    assert_eq!(told(&other).len(), 2);
    assert!(told(&other).iter().all(|given| !named.contains(given)));
}

#[test]
fn a_refresh_keeps_them_and_one_that_leaves_one_out_releases_it() {
    let mut bench = Bench::new(lma_config());
    let first = bench.send(&Pbu::new(MN, 1).with(IPV4).with(IPV6)).unwrap();
    let [one, two] = told(&first)[..] else {
        panic!("{first:?}")
    };
    let refresh = Pbu::new(MN, 2).handoff(5).with(one).with(two);
    assert_eq!(told(&bench.send(&refresh).unwrap()), [one, two]);
    let less = Pbu::new(MN, 3).handoff(5).with(two);
    assert_eq!(told(&bench.send(&less).unwrap()), [two]);
    let other = Pbu::new("b@example.com", 1).with(one);
    assert_eq!(bench.status(&other).code(), 0, "it is free again");
}

#[test]
fn a_refusal_names_the_prefixes_of_the_request() {
    let mut bench = Bench::new(lma_config());
    let foreign = option("10.99.0.0/24");
    let answer = bench.send(&Pbu::new(MN, 1).with(foreign)).unwrap();
    assert_eq!(answer.status.code(), 178);
    assert_eq!(told(&answer), [foreign]);
}

// The gateway.

fn gateway_of(wanted: Vec<PrefixRequest>) -> Gateway {
    let mut config = plain_config();
    config.logical_mobile_nodes[0].mobile_networks = vec![MobileNetwork::new("lan0", wanted)];
    Gateway::new(config)
}

fn asked(gateway: &Gateway) -> Vec<DelegatedMobileNetworkPrefix> {
    delegated(&gateway.last_update().options)
}

#[test]
fn a_gateway_asks_once_per_family_and_once_per_prefix_of_its_own() {
    use PrefixRequest::{Assert, LearnIpv4, LearnIpv6};
    assert_eq!(asked(&gateway_of(vec![])), []);
    assert_eq!(asked(&gateway_of(vec![LearnIpv4, LearnIpv4])), [IPV4]);
    assert_eq!(asked(&gateway_of(vec![LearnIpv6, LearnIpv6])), [IPV6]);
    let own = [prefix("10.20.7.0/24"), prefix("2001:db8:200:10::/60")];
    let wanted = vec![Assert(own[0]), Assert(own[1]), Assert(own[0]), LearnIpv4];
    let expected = [own[0].into(), own[1].into(), IPV4];
    assert_eq!(asked(&gateway_of(wanted)), expected);
}

#[test]
fn what_was_learnt_is_named_by_every_later_update() {
    let mut gateway = gateway_of(vec![PrefixRequest::LearnIpv4]);
    let given = option("10.20.9.0/24");
    gateway.answer(0, [given.into()]);
    gateway.wait(3400 * SECOND);
    assert_eq!(asked(&gateway), [given]);
    gateway.answer(0, [given.into()]);
    gateway.give(pmip_binding::Input::Command(
        pmip_binding::Command::Shutdown,
    ));
    assert_eq!(gateway.last_update().lifetime.as_units(), 0);
    assert_eq!(asked(&gateway), [given]);
}

fn forwarded(gateway: &Gateway) -> Vec<IpPrefix> {
    let routes = gateway.events.iter().filter_map(|event| match event {
        Event::Forwarding(Forwarding::InstallSession(route)) => Some(route.prefixes.clone()),
        _ => None,
    });
    routes.last().unwrap_or_default()
}

#[test]
fn after_177_there_is_no_delegation() {
    let own = prefix("10.20.7.0/24");
    let mut gateway = gateway_of(vec![PrefixRequest::Assert(own), PrefixRequest::LearnIpv6]);
    gateway.answer(177, []);
    assert_eq!(gateway.updates().len(), 2);
    assert_eq!(asked(&gateway), []);
    gateway.answer(0, []);
    assert!(!forwarded(&gateway).contains(&own));
    assert!(!forwarded(&gateway).is_empty(), "the home network stays");
}

#[test]
fn after_178_a_prefix_in_use_is_not_served_and_another_one_asked_for() {
    let mut gateway = gateway_of(vec![PrefixRequest::LearnIpv4]);
    let given = option("10.20.9.0/24");
    gateway.answer(0, [given.into()]);
    assert!(forwarded(&gateway).contains(&prefix("10.20.9.0/24")));
    gateway.wait(3400 * SECOND);
    gateway.answer(178, []);
    assert_eq!(asked(&gateway), [IPV4], "the anchor is to choose");
    gateway.answer(0, [option("10.20.10.0/24").into()]);
    assert!(!forwarded(&gateway).contains(&prefix("10.20.9.0/24")));
    let own = prefix("10.20.7.0/24");
    let mut gateway = gateway_of(vec![PrefixRequest::Assert(own)]);
    gateway.answer(178, []);
    assert!(forwarded(&gateway).is_empty());
}
