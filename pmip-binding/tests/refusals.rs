//! The anchor's checks, in the order of RFC 5213 section 5.3.1, each with its status.
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at what it did not expect"
)]

mod common;

use std::net::Ipv4Addr;

use common::{Bench, Pbu, SECOND};
use pmip_binding::config::{MagPeer, Profile, Service};
use pmip_binding::testing::{address, lma_config};
use pmip_wire::{
    DelegatedMobileNetworkPrefix, HomeNetworkPrefix, Ipv4HomeAddressRequest, LinkLayerIdentifier,
    OptionType,
};

const MN: &str = "mn@example.com";

fn code(bench: &mut Bench, pbu: &Pbu) -> u8 {
    bench.status(pbu).code()
}

#[test]
fn a_missing_mobile_node_identifier_is_160_with_an_empty_identifier() {
    let mut bench = Bench::new(lma_config());
    let pbu = Pbu::new(MN, 1).without(OptionType::MobileNodeIdentifier);
    let answer = bench.send(&pbu).unwrap();
    assert_eq!(answer.status.code(), 160);
    let identifier = answer.options.mn_identifier().unwrap();
    assert!(identifier.identifier().is_empty());
    assert_eq!(answer.options.home_network_prefixes().count(), 1);
}

#[test]
fn an_unknown_gateway_is_154_unless_gateways_are_learnt() {
    let mut config = lma_config();
    config.dynamic_mag_learning = false;
    let mut peer = MagPeer::new("mag9");
    peer.addresses = vec![address(9, 1)];
    config.peers = vec![peer];
    let mut bench = Bench::new(config);
    let by_address = Pbu::new(MN, 1);
    let stranger = by_address.clone().from(address(8, 1));
    assert_eq!(code(&mut bench, &stranger), 154);
    let liar = Pbu::new(MN, 1).multipath("mag9", 1).from(address(8, 1));
    assert_eq!(
        code(&mut bench, &liar),
        154,
        "its name from another address"
    );
    assert_eq!(code(&mut bench, &by_address), 0);
}

#[test]
fn unknown_and_disabled_mobile_nodes_are_153_and_152() {
    let mut config = lma_config();
    let mut disabled = Profile::new("off@example.com", "net1");
    disabled.enabled = false;
    config.profiles.push(disabled);
    let mut bench = Bench::new(config);
    assert_eq!(code(&mut bench, &Pbu::new("mn@example.org", 1)), 153);
    assert_eq!(code(&mut bench, &Pbu::new("off@example.com", 1)), 152);
}

#[test]
fn missing_options_are_158_161_and_162_in_this_order() {
    let mut bench = Bench::new(lma_config());
    let none = Pbu::new(MN, 1)
        .without(OptionType::HomeNetworkPrefix)
        .without(OptionType::HandoffIndicator)
        .without(OptionType::AccessTechnologyType);
    assert_eq!(code(&mut bench, &none), 158);
    let prefix = none.with(HomeNetworkPrefix::ALL_ZERO);
    assert_eq!(code(&mut bench, &prefix), 161);
    let handoff = prefix.with(pmip_wire::HandoffIndicator::from_code(1));
    let answer = bench.send(&handoff).unwrap();
    assert_eq!(answer.status.code(), 162);
    assert_eq!(answer.options.access_technology_type().unwrap().code(), 0);
}

#[test]
fn prefixes_of_others_are_155_and_other_sets_159() {
    let mut bench = Bench::new(lma_config());
    let answer = bench.send(&Pbu::new(MN, 1)).unwrap();
    let held = answer.options.home_network_prefixes().next().unwrap();
    let thief = Pbu::new("thief@example.com", 1).replacing(held);
    assert_eq!(code(&mut bench, &thief), 155);
    let outside = HomeNetworkPrefix::new("2001:db9::".parse().unwrap(), 64).unwrap();
    assert_eq!(
        code(&mut bench, &Pbu::new("x@example.com", 1).replacing(outside)),
        155
    );
    let more = Pbu::new(MN, 2).replacing(held).with(outside).handoff(5);
    let answer = bench.send(&more).unwrap();
    assert_eq!(answer.status.code(), 159);
    let echoed = answer.options.home_network_prefixes().count();
    assert_eq!(echoed, 2, "a refusal echoes the request's prefixes");
}

#[test]
fn families_without_service_are_170_and_172_and_two_home_addresses_173() {
    let mut config = lma_config();
    let mut ipv4 = Profile::new("four@example.com", "net1");
    ipv4.service = Service::Ipv4;
    let mut ipv6 = Profile::new("six@example.com", "net1");
    ipv6.service = Service::Ipv6;
    config.profiles.extend([ipv4, ipv6]);
    let mut bench = Bench::new(config);
    let home = Ipv4HomeAddressRequest::ALL_ZERO;
    assert_eq!(code(&mut bench, &Pbu::new("four@example.com", 1)), 172);
    let six = Pbu::new("six@example.com", 1).with(home);
    let answer = bench.send(&six).unwrap();
    assert_eq!(answer.status.code(), 170);
    let reply = answer.options.ipv4_home_address_reply().unwrap();
    assert!(
        reply.status().code() >= 128,
        "option 37 tells of the error too"
    );
    let two = Pbu::new(MN, 1).with(home).with(home);
    assert_eq!(code(&mut bench, &two), 173);
}

#[test]
fn an_ipv4_only_session_never_hears_of_home_network_prefixes() {
    let mut bench = Bench::new(lma_config());
    let pbu = Pbu::new(MN, 1)
        .without(OptionType::HomeNetworkPrefix)
        .with(Ipv4HomeAddressRequest::ALL_ZERO);
    let answer = bench.send(&pbu).unwrap();
    assert!(answer.status.is_accepted());
    assert_eq!(answer.options.home_network_prefixes().count(), 0);
    let reply = answer.options.ipv4_home_address_reply().unwrap();
    assert_eq!(reply.prefix_length(), 16);
    assert!(answer.options.ipv4_default_router_address().is_some());
    assert!(answer.options.ipv4_dhcp_support_mode().unwrap().server);
    let stolen = Ipv4HomeAddressRequest::new(reply.address(), 16).unwrap();
    let thief = Pbu::new("thief@example.com", 1)
        .without(OptionType::HomeNetworkPrefix)
        .with(stolen);
    let answer = bench.send(&thief).unwrap();
    assert_eq!(answer.status.code(), 171);
    assert_eq!(answer.options.home_network_prefixes().count(), 0);
    let foreign = Ipv4HomeAddressRequest::new(Ipv4Addr::new(8, 8, 8, 8), 16).unwrap();
    let foreign = Pbu::new("x@example.com", 1).with(foreign);
    assert_eq!(code(&mut bench, &foreign), 171);
}

#[test]
fn delegated_prefixes_need_leave_177_and_must_be_free_178() {
    let mut config = lma_config();
    let mut profile = Profile::new("plain@example.com", "net1");
    profile.delegation = false;
    config.profiles.push(profile);
    let mut bench = Bench::new(config);
    let any = DelegatedMobileNetworkPrefix::ALL_ZERO_IPV4;
    assert_eq!(
        code(&mut bench, &Pbu::new("plain@example.com", 1).with(any)),
        177
    );
    let asserted = |text: &str| {
        let prefix: pmip_wire::types::IpPrefix = text.parse().unwrap();
        DelegatedMobileNetworkPrefix::from(prefix)
    };
    let first = Pbu::new(MN, 1).with(asserted("10.20.7.0/24"));
    assert_eq!(code(&mut bench, &first), 0);
    let within = Pbu::new("b@example.com", 1).with(asserted("10.20.7.128/25"));
    assert_eq!(code(&mut bench, &within), 178, "a part of it is in use");
    let outside = Pbu::new("c@example.com", 1).with(asserted("10.99.0.0/24"));
    assert_eq!(code(&mut bench, &outside), 178);
    assert_eq!(bench.lma.bindings(bench.now).count(), 1);
}

#[test]
fn a_refused_request_leaves_nothing_allocated() {
    let mut config = lma_config();
    config.networks[0].ipv6_pool = Some(pmip_binding::config::Ipv6Pool::new(
        "2001:db8:100::/63".parse().unwrap(),
        64,
    ));
    let mut bench = Bench::new(config);
    let taken: pmip_wire::types::IpPrefix = "10.99.0.0/24".parse().unwrap();
    for attempt in 1..20 {
        let pbu = Pbu::new(MN, attempt).with(DelegatedMobileNetworkPrefix::from(taken));
        assert_eq!(code(&mut bench, &pbu), 178);
    }
    assert_eq!(code(&mut bench, &Pbu::new("a@example.com", 1)), 0);
    assert_eq!(code(&mut bench, &Pbu::new("b@example.com", 1)), 0);
    assert_eq!(code(&mut bench, &Pbu::new("c@example.com", 1)), 130);
}

#[test]
fn the_binding_limit_refuses_new_sessions_and_never_refreshes() {
    let mut config = lma_config();
    config.limits.bindings = 10;
    let mut bench = Bench::new(config);
    for n in 0..10 {
        assert_eq!(
            code(&mut bench, &Pbu::new(&format!("mn{n}@example.com"), 1)),
            0
        );
    }
    assert_eq!(code(&mut bench, &Pbu::new("mn10@example.com", 1)), 130);
    let refresh = Pbu::new("mn3@example.com", 2).handoff(5);
    assert_eq!(code(&mut bench, &refresh), 0);
}

#[test]
fn one_mobile_node_gets_so_many_sessions_and_others_theirs() {
    let mut config = lma_config();
    config.limits.sessions_per_node = 2;
    let mut bench = Bench::new(config);
    let interface = |host: u8| {
        let pbu = Pbu::new(MN, u16::from(host));
        pbu.replacing(LinkLayerIdentifier::mac([2, 0, 0, 0, 0, host]))
    };
    let codes = [1, 2, 3].map(|host| code(&mut bench, &interface(host)));
    assert_eq!(codes, [0, 0, 130]);
    assert_eq!(code(&mut bench, &Pbu::new("b@example.com", 1)), 0);
}

#[test]
fn forced_udp_is_129_where_the_encapsulation_is_another() {
    let mut config = lma_config();
    config.encapsulation = pmip_wire::types::Encapsulation::Ipv4;
    let mut bench = Bench::new(config);
    let pbu = Pbu::new(MN, 1);
    assert_eq!(code(&mut bench, &pbu), 129);
    let mut plain = pbu;
    plain.force_udp = false;
    assert_eq!(code(&mut bench, &plain), 0);
}

#[test]
fn more_paths_than_the_limit_are_130() {
    let mut config = lma_config();
    config.limits.paths_per_binding = 2;
    let mut bench = Bench::new(config);
    let pbu = |binding_id: u8| {
        Pbu::new(MN, u16::from(binding_id))
            .multipath("mag9", binding_id)
            .from(address(9, binding_id))
    };
    assert_eq!([1, 2, 3].map(|id| code(&mut bench, &pbu(id))), [0, 0, 130]);
    let refresh = pbu(1);
    let refresh = Pbu {
        sequence: 9,
        ..refresh
    };
    assert_eq!(code(&mut bench, &refresh), 0);
}

#[test]
fn a_flood_from_one_source_is_dropped_and_others_are_served() {
    let mut config = lma_config();
    config.limits.updates_per_second = 5;
    let mut bench = Bench::new(config);
    for sequence in 1..=20 {
        bench.send(&Pbu::new(MN, sequence));
    }
    let dropped = &bench.lma.stats().dropped;
    let limited = dropped.get(&pmip_binding::DropReason::RateLimited);
    assert_eq!(limited, Some(&15));
    let other = Pbu::new("b@example.com", 1).from(address(8, 1));
    assert_eq!(code(&mut bench, &other), 0);
    bench.wait(SECOND);
    assert_eq!(code(&mut bench, &Pbu::new(MN, 30).handoff(5)), 0);
}

#[test]
fn a_refused_request_does_not_cost_the_prefixes_held_before() {
    let mut bench = Bench::new(lma_config());
    let held = |answer: &pmip_wire::BindingAcknowledgement| {
        answer.options.home_network_prefixes().next().unwrap()
    };
    let before = held(&bench.send(&Pbu::new(MN, 1)).unwrap());
    assert_eq!(code(&mut bench, &Pbu::new(MN, 2).lifetime(0).handoff(4)), 0);
    bench.wait(60 * SECOND);
    assert_eq!(bench.lma.bindings(bench.now).count(), 0);
    let taken: pmip_wire::types::IpPrefix = "10.99.0.0/24".parse().unwrap();
    let refused = Pbu::new(MN, 3).with(DelegatedMobileNetworkPrefix::from(taken));
    assert_eq!(code(&mut bench, &refused), 178);
    let after = held(&bench.send(&Pbu::new(MN, 4)).unwrap());
    assert_eq!(before, after);
}

#[test]
fn a_handoff_that_may_not_wait_is_decided_at_once() {
    let waits = |pending_creates: u32| {
        let mut config = lma_config();
        config.limits.pending_creates = pending_creates;
        config.revocation.on_handoff = false;
        let mut bench = Bench::new(config);
        let nodes = ["a@example.com", "b@example.com"];
        for nai in nodes {
            assert_eq!(code(&mut bench, &Pbu::new(nai, 1)), 0);
        }
        nodes.map(|nai| {
            let unknown = Pbu::new(nai, 2).handoff(4).from(address(8, 1));
            let unknown = unknown.without(pmip_wire::OptionType::LinkLayerIdentifier);
            bench.send(&unknown).is_none()
        })
    };
    assert_eq!(waits(1_024), [true, true]);
    assert_eq!(waits(1), [true, false], "it is a new session then");
    assert_eq!(waits(0), [false, false]);
}
