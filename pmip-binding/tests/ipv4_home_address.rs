//! IPv4 home addresses at both ends (RFC 5844 sections 3.1 and 3.2).
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at what it did not expect"
)]

mod common;
mod gateway;

use std::net::Ipv4Addr;

use common::{Bench, Pbu, SECOND, lma_binding, registered};
use gateway::{Gateway, plain_config};
use pmip_binding::config::{Ipv4Pool, Service};
use pmip_binding::testing::{address, lma_config};
use pmip_binding::{Event, Forwarding, Input, SessionEvent};
use pmip_wire::types::IpPrefix;
use pmip_wire::{
    BindingAcknowledgement, Ipv4HomeAddressReply, Ipv4HomeAddressRequest, Ipv4HomeAddressStatus,
    MobilityOption, OptionType,
};

const MN: &str = "mn@example.com";
const ANY: Ipv4HomeAddressRequest = Ipv4HomeAddressRequest::ALL_ZERO;

fn reply(answer: &BindingAcknowledgement) -> (u8, Ipv4Addr, u8) {
    let reply = answer.options.ipv4_home_address_reply().unwrap();
    (
        reply.status().code(),
        reply.address(),
        reply.prefix_length(),
    )
}

fn request(address: Ipv4Addr) -> Ipv4HomeAddressRequest {
    Ipv4HomeAddressRequest::new(address, 16).unwrap()
}

fn ipv4_only(pbu: Pbu) -> Pbu {
    pbu.without(OptionType::HomeNetworkPrefix)
}

/// Prefixes of the session's route, as the forwarding plane has them.
fn route(bench: &Bench) -> Vec<IpPrefix> {
    let routes = bench.events.iter().filter_map(|event| match event {
        Event::Forwarding(Forwarding::InstallSession(route)) => Some(route.prefixes.clone()),
        _ => None,
    });
    routes.last().unwrap_or_default()
}

fn host(address: Ipv4Addr) -> IpPrefix {
    IpPrefix::host(address.into())
}

#[test]
fn both_families_are_one_session_with_one_route() {
    let mut bench = Bench::new(lma_config());
    let answer = bench.send(&Pbu::new(MN, 1).with(ANY)).unwrap();
    assert_eq!(answer.status.code(), 0);
    let (status, home, length) = reply(&answer);
    assert_eq!((status, length), (0, 16));
    assert_eq!(answer.options.home_network_prefixes().count(), 1);
    assert_eq!(bench.lma.bindings(bench.now).count(), 1);
    let binding = bench.binding();
    assert_eq!(binding.ipv4_home.unwrap().0, home);
    let prefixes = route(&bench);
    assert!(prefixes.contains(&host(home)), "a host route: {prefixes:?}");
    assert!(prefixes.contains(&binding.home_prefixes[0]));
    let router = answer.options.ipv4_default_router_address().unwrap();
    assert_eq!(router, binding.ipv4_home.unwrap().2);
}

#[test]
fn ipv4_that_comes_later_is_served_like_a_new_registration() {
    let mut bench = Bench::new(lma_config());
    let first = bench.send(&Pbu::new(MN, 1)).unwrap();
    assert!(first.options.ipv4_home_address_reply().is_none());
    assert!(first.options.ipv4_default_router_address().is_none());
    let prefix = first.options.home_network_prefixes().next().unwrap();
    let more = Pbu::new(MN, 2).handoff(5).replacing(prefix).with(ANY);
    let answer = bench.send(&more).unwrap();
    let (status, home, _) = reply(&answer);
    assert_eq!(status, 0);
    assert!(route(&bench).contains(&host(home)));
    assert_eq!(bench.lma.bindings(bench.now).count(), 1);
    let foreign = Pbu::new(MN, 3).handoff(5).replacing(prefix);
    let foreign = foreign.with(request(Ipv4Addr::new(8, 8, 8, 8)));
    assert_eq!(bench.status(&foreign).code(), 171);
}

#[test]
fn a_refused_address_comes_back_with_status_129_and_no_router() {
    let mut bench = Bench::new(lma_config());
    let wanted = Ipv4Addr::new(8, 8, 8, 8);
    let answer = bench.send(&Pbu::new(MN, 1).with(request(wanted))).unwrap();
    assert_eq!(answer.status.code(), 171);
    assert_eq!(reply(&answer), (129, wanted, 16));
    assert!(answer.options.ipv4_default_router_address().is_none());
    assert!(answer.options.ipv4_dhcp_support_mode().is_none());
}

/// The node whose address it is not: the status of RFC 5844 section 3.1.2.2 too.
#[test]
fn somebody_elses_address_is_refused_with_129() {
    let mut bench = Bench::new(lma_config());
    let answer = bench.send(&ipv4_only(Pbu::new(MN, 1)).with(ANY)).unwrap();
    let (_, home, _) = reply(&answer);
    let thief = ipv4_only(Pbu::new("thief@example.com", 1)).with(request(home));
    let answer = bench.send(&thief).unwrap();
    assert_eq!(answer.status.code(), 171);
    assert_eq!(reply(&answer), (129, home, 16));
}

#[test]
fn an_exhausted_pool_is_130_and_128() {
    let mut config = lma_config();
    let only = Ipv4Addr::new(10, 1, 0, 2);
    config.networks[0].ipv4_pool = Some(Ipv4Pool::new(only, only, 16));
    let mut bench = Bench::new(config);
    assert_eq!(bench.status(&Pbu::new(MN, 1).with(ANY)).code(), 0);
    let answer = bench
        .send(&Pbu::new("late@example.com", 1).with(ANY))
        .unwrap();
    assert_eq!(answer.status.code(), 130);
    assert_eq!(reply(&answer), (128, Ipv4Addr::UNSPECIFIED, 0));
    assert!(answer.options.ipv4_default_router_address().is_none());
}

#[test]
fn any_other_refusal_echoes_the_address_too() {
    let mut bench = Bench::new(lma_config());
    let wanted = Ipv4Addr::new(10, 1, 7, 7);
    let pbu = ipv4_only(Pbu::new("mn@example.org", 1)).with(request(wanted));
    let answer = bench.send(&pbu).unwrap();
    assert_eq!(answer.status.code(), 153);
    let (status, address, length) = reply(&answer);
    assert!(status >= 128);
    assert_eq!((address, length), (wanted, 16));
    assert_eq!(answer.options.home_network_prefixes().count(), 0);
}

#[test]
fn an_address_finds_its_session_and_a_handoff_without_prefixes_releases_them() {
    let mut bench = Bench::new(lma_config());
    let first = bench.send(&Pbu::new(MN, 1).with(ANY)).unwrap();
    let (_, home, _) = reply(&first);
    let before = bench.binding();
    let moved = ipv4_only(Pbu::new(MN, 2)).with(request(home)).handoff(3);
    let answer = bench.send(&moved.from(address(8, 1))).unwrap();
    assert_eq!(answer.status.code(), 0);
    assert_eq!(reply(&answer).1, home);
    assert_eq!(answer.options.home_network_prefixes().count(), 0);
    let after = bench.binding();
    assert_eq!(after.session, before.session);
    assert!(after.home_prefixes.is_empty());
    assert_eq!(route(&bench), [host(home)]);
    let mut paths = bench.lma.paths();
    assert_eq!(paths.next().unwrap().care_of, address(8, 1));
    assert!(paths.next().is_none(), "the former tunnel is gone");
    drop(paths);
    let free = before.home_prefixes[0];
    let other = pmip_wire::HomeNetworkPrefix::new(
        match free.address() {
            std::net::IpAddr::V6(address) => address,
            std::net::IpAddr::V4(_) => unreachable!(),
        },
        free.length(),
    );
    let other = Pbu::new("b@example.com", 1).replacing(other.unwrap());
    assert_eq!(bench.status(&other).code(), 0, "somebody else may have it");
}

#[test]
fn one_family_may_leave_alone() {
    for leaves_ipv4 in [true, false] {
        let mut bench = Bench::new(lma_config());
        let first = bench.send(&Pbu::new(MN, 1).with(ANY)).unwrap();
        let (_, home, _) = reply(&first);
        let prefix = first.options.home_network_prefixes().next().unwrap();
        let leave = Pbu::new(MN, 2).lifetime(0).handoff(4);
        let leave = if leaves_ipv4 {
            ipv4_only(leave).with(request(home))
        } else {
            leave.replacing(prefix)
        };
        assert_eq!(bench.status(&leave).code(), 0);
        bench.wait(60 * SECOND);
        let binding = bench.binding();
        assert_eq!(binding.ipv4_home.is_none(), leaves_ipv4);
        assert_eq!(binding.home_prefixes.is_empty(), !leaves_ipv4);
        assert_eq!(route(&bench).contains(&host(home)), !leaves_ipv4);
        assert_eq!(route(&bench).len(), 1);
    }
}

// The gateway.

fn gateway_of(service: Service) -> Gateway {
    let mut config = plain_config();
    config.logical_mobile_nodes[0].service = service;
    config.logical_mobile_nodes[0].mobile_networks.clear();
    Gateway::new(config)
}

fn asked(gateway: &Gateway) -> (usize, Vec<Ipv4HomeAddressRequest>) {
    let update = gateway.last_update();
    let requests = update.options.iter().filter_map(|option| match option {
        MobilityOption::Ipv4HomeAddressRequest(request) => Some(request),
        _ => None,
    });
    let prefixes = update.options.home_network_prefixes().count();
    (prefixes, requests.collect())
}

fn granted(status: u8, last: u8) -> [MobilityOption; 2] {
    let address = Ipv4Addr::new(10, 1, 0, last);
    let status = Ipv4HomeAddressStatus::from_code(status);
    let reply = Ipv4HomeAddressReply::new(status, address, 16).unwrap();
    let router = Ipv4Addr::new(10, 1, 0, 1);
    [
        reply.into(),
        MobilityOption::Ipv4DefaultRouterAddress(router),
    ]
}

#[test]
fn a_gateway_asks_for_the_families_of_the_nodes_profile() {
    assert_eq!(asked(&gateway_of(Service::Dual)), (1, vec![ANY]));
    assert_eq!(asked(&gateway_of(Service::Ipv4)), (0, vec![ANY]));
    assert_eq!(asked(&gateway_of(Service::Ipv6)), (1, vec![]));
}

#[test]
fn a_refresh_and_a_deregistration_name_the_address_that_is_held() {
    let mut gateway = gateway_of(Service::Dual);
    gateway.answer(0, granted(0, 9));
    let binding = gateway.mag.bindings(gateway.now).next().unwrap();
    let (home, router) = (Ipv4Addr::new(10, 1, 0, 9), Ipv4Addr::new(10, 1, 0, 1));
    assert_eq!(binding.ipv4_home, Some((home, 16, router)));
    gateway.wait(3400 * SECOND);
    assert_eq!(asked(&gateway), (1, vec![request(home)]));
    gateway.answer(0, granted(0, 9));
    gateway.give(Input::Command(pmip_binding::Command::Shutdown));
    assert_eq!(asked(&gateway), (1, vec![request(home)]));
    assert_eq!(gateway.last_update().lifetime.as_units(), 0);
}

#[test]
fn a_session_without_prefixes_goes_on_without() {
    let mut gateway = gateway_of(Service::Ipv4);
    gateway.answer(0, granted(0, 9));
    gateway.wait(3400 * SECOND);
    let home = Ipv4Addr::new(10, 1, 0, 9);
    assert_eq!(asked(&gateway), (0, vec![request(home)]));
    let mut world = common::world(1);
    let mut config = pmip_binding::testing::mag_config(1, 1);
    config.logical_mobile_nodes[0].service = Service::Ipv4;
    world.restart_mag(0, config, 3);
    world.interface_up(0, 1);
    world.run_for(3600 * SECOND);
    assert!(lma_binding(&world).home_prefixes.is_empty());
    assert!(lma_binding(&world).ipv4_home.is_some());
}

fn has_ipv4(gateway: &Gateway) -> bool {
    let routes = gateway.events.iter().filter_map(|event| match event {
        Event::Forwarding(Forwarding::InstallSession(route)) => Some(route),
        _ => None,
    });
    let last = routes.last();
    last.is_some_and(|route| route.prefixes.iter().any(|prefix| prefix.is_ipv4()))
}

#[test]
fn without_an_accepting_reply_there_is_no_ipv4() {
    for (options, expected) in [
        (vec![], false),
        (granted(128, 9).to_vec(), false),
        (granted(129, 9).to_vec(), false),
        (granted(0, 9).to_vec(), true),
    ] {
        let mut gateway = gateway_of(Service::Dual);
        gateway.answer(0, options);
        let binding = gateway.mag.bindings(gateway.now).next().unwrap();
        assert_eq!(binding.ipv4_home.is_some(), expected);
        assert_eq!(has_ipv4(&gateway), expected);
        let told = gateway.events.iter().find_map(|event| match event {
            Event::Session(SessionEvent::Up { ipv4_home, .. }) => Some(*ipv4_home),
            _ => None,
        });
        assert_eq!(told.unwrap().is_some(), expected);
    }
}

#[test]
fn an_address_that_is_not_extended_is_not_forwarded_any_more() {
    let mut gateway = gateway_of(Service::Dual);
    gateway.answer(0, granted(0, 9));
    assert!(has_ipv4(&gateway));
    gateway.wait(3400 * SECOND);
    gateway.answer(0, granted(128, 9));
    assert!(!has_ipv4(&gateway));
    let binding = gateway.mag.bindings(gateway.now).next().unwrap();
    assert_eq!(binding.home_prefixes.len(), 1, "the other family goes on");
    gateway.wait(3400 * SECOND);
    assert_eq!(asked(&gateway).1, [ANY], "asked for again");
}

#[test]
fn after_171_any_address_is_asked_for() {
    let mut gateway = gateway_of(Service::Dual);
    gateway.answer(0, granted(0, 9));
    gateway.wait(3400 * SECOND);
    gateway.answer(171, []);
    assert_eq!(asked(&gateway).1, [ANY]);
    assert_eq!(gateway.updates().len(), 3);
}

#[test]
fn both_ends_forward_both_families_over_the_tunnel() {
    let world = registered(1);
    let home = host(lma_binding(&world).ipv4_home.unwrap().0);
    for tables in [&world.lma_tables, &world.mag_tables[0]] {
        let route = tables.sessions.values().next().unwrap();
        assert!(route.prefixes.contains(&home));
        assert_eq!(route.paths.len(), 1);
        assert!(tables.paths.contains_key(&route.paths[0].path));
    }
}
