//! Customers of one anchor: each has addresses, keys, pools and limits of its own, and nothing of
//! one means anything to another (feature semantics section 2.6).
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at what it did not expect"
)]

mod common;

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use common::{Bench, Pbu, SECOND, sent_to};
use pmip_binding::config::{
    ConfigError, Customer, HeartbeatConfig, Ipv4Pool, MagPeer, MobileNetworkPool, Network, Profile,
    SharedKey,
};
use pmip_binding::snapshot::{LmaSnapshot, RefusalReason};
use pmip_binding::testing::{UNIX_START, lma_config};
use pmip_binding::{
    BindingStatus, ClockAnchor, Command, DropReason, Event, Forwarding, Input, Lma, LmaConfig,
    Output, Transmit, VrfId,
};
use pmip_wire::auth::{Addresses, SecurityAssociation};
use pmip_wire::types::{Encapsulation, Instant};
use pmip_wire::{
    BindingAcknowledgement, ChecksumContext, DelegatedMobileNetworkPrefix, GreKey,
    Ipv4HomeAddressRequest, Message, OptionType, Status,
};

const MN: &str = "mn@example.com";
const RED: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
const GREEN: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 3);
/// `blue` carries the signalling of both customers; their traffic is in VRFs of their own.
const BLUE: u16 = 1;

/// Two customers whose networks have the same addresses.
fn config() -> LmaConfig {
    let mut config = lma_config();
    config.vrfs = ["blue", "red", "green"].map(str::to_owned).to_vec();
    let mut network = Network::new("tenants");
    let (first, last) = (Ipv4Addr::new(10, 9, 0, 2), Ipv4Addr::new(10, 9, 0, 9));
    network.ipv4_pool = Some(Ipv4Pool::new(first, last, 24));
    let pool = "10.99.0.0/24".parse().unwrap();
    network.mobile_network_pools = vec![MobileNetworkPool::new(pool, 28)];
    config.networks.push(network);
    for (name, address) in [("red", RED), ("green", GREEN)] {
        let mut customer = Customer::new(name);
        customer.vrf = Some(name.to_owned());
        customer.transport_vrf = Some("blue".to_owned());
        customer.ipv4_address = Some(address);
        customer.networks = vec!["tenants".to_owned()];
        config.customers.push(customer);
    }
    config
}

fn ipv4(nai: &str, sequence: u16) -> Pbu {
    Pbu::new(nai, sequence)
        .without(OptionType::HomeNetworkPrefix)
        .with(Ipv4HomeAddressRequest::ALL_ZERO)
}

/// Sends a PBU to a customer's address.
fn ask(bench: &mut Bench, pbu: &Pbu, address: Ipv4Addr) -> Option<BindingAcknowledgement> {
    let datagram = sent_to(pbu.datagram(), BLUE, address.into());
    let sent = bench.give(Input::Signalling(datagram));
    sent.iter().find_map(
        |payload| match Message::decode(payload, ChecksumContext::Udp).unwrap() {
            Message::BindingAcknowledgement(answer) => Some(answer),
            _ => None,
        },
    )
}

fn status(bench: &mut Bench, pbu: &Pbu, address: Ipv4Addr) -> Status {
    ask(bench, pbu, address).expect("an answer").status
}

fn binding<'a>(all: &'a [BindingStatus], customer: &str) -> &'a BindingStatus {
    let mut all = all.iter();
    all.find(|b| b.customer.as_deref() == Some(customer))
        .unwrap()
}

fn bindings(bench: &Bench) -> Vec<BindingStatus> {
    bench.lma.bindings(bench.now).collect()
}

/// Both customers have a mobile node of one name, over a gateway of one name and address.
fn two() -> Bench {
    let mut bench = Bench::new(config());
    for address in [RED, GREEN] {
        let pbu = ipv4(MN, 1).multipath("mag9", 1);
        assert_eq!(status(&mut bench, &pbu, address), Status::Accepted);
    }
    bench
}

#[test]
fn equal_names_and_addresses_of_two_customers_do_not_meet() {
    let bench = two();
    let all = bindings(&bench);
    assert_eq!(all.len(), 2);
    let (red, green) = (binding(&all, "red"), binding(&all, "green"));
    assert_eq!(red.ipv4_home.unwrap().0, Ipv4Addr::new(10, 9, 0, 2));
    assert_eq!(
        red.ipv4_home, green.ipv4_home,
        "the same address, in two VRFs"
    );
    let routes: Vec<(VrfId, VrfId)> = {
        let paths = bench.events.iter().filter_map(|event| match event {
            Event::Forwarding(Forwarding::InstallPath(endpoint)) => Some(endpoint.vrf),
            _ => None,
        });
        let sessions = bench.events.iter().filter_map(|event| match event {
            Event::Forwarding(Forwarding::InstallSession(route)) => Some(route.vrf),
            _ => None,
        });
        paths.zip(sessions).collect()
    };
    assert_eq!(routes, [(VrfId(1), VrfId(2)), (VrfId(1), VrfId(3))]);
    let customers = bench.lma.paths().map(|path| path.customer.unwrap());
    assert_eq!(customers.collect::<Vec<_>>(), ["red", "green"]);
}

#[test]
fn one_leaves_and_the_other_stays() {
    let mut bench = two();
    let leaves = ipv4(MN, 2).multipath("mag9", 1).lifetime(0).handoff(4);
    assert_eq!(status(&mut bench, &leaves, RED), Status::Accepted);
    bench.wait(20 * SECOND);
    let all = bindings(&bench);
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].customer.as_deref(), Some("green"));
    // What red held is kept in mind for red alone.
    let again = ipv4("other@example.com", 1);
    let answer = ask(&mut bench, &again, GREEN).unwrap();
    let given = answer.options.ipv4_home_address_reply().unwrap();
    assert_eq!(given.address(), Ipv4Addr::new(10, 9, 0, 3));
}

#[test]
fn an_address_of_one_customer_is_free_at_the_other() {
    let mut bench = two();
    let taken = Ipv4HomeAddressRequest::new(Ipv4Addr::new(10, 9, 0, 2), 24).unwrap();
    let wants = ipv4("thief@example.com", 1).replacing(taken);
    assert_ne!(status(&mut bench, &wants, RED), Status::Accepted);
    let mut alone = Bench::new(config());
    let pbu = ipv4(MN, 1).multipath("mag9", 1);
    assert_eq!(status(&mut alone, &pbu, RED), Status::Accepted);
    assert_eq!(status(&mut alone, &wants, GREEN), Status::Accepted);
}

#[test]
fn answers_leave_by_the_vrf_that_the_request_came_by() {
    let mut bench = two();
    bench.lma.handle_input(bench.now + SECOND, Input::Timeout);
    let mut sent: Vec<Transmit> = Vec::new();
    loop {
        match bench.lma.poll_output() {
            Output::Transmit(transmit) => sent.push(transmit),
            Output::Timeout(_) => break,
            _ => {}
        }
    }
    let sources: Vec<IpAddr> = sent.iter().map(|transmit| transmit.source.ip()).collect();
    assert_eq!(sources, [IpAddr::V4(RED), IpAddr::V4(GREEN)], "heartbeats");
    assert!(sent.iter().all(|transmit| transmit.vrf == VrfId(BLUE)));
}

#[test]
fn an_address_that_is_nobodys_is_not_listened_to() {
    let mut bench = Bench::new(config());
    let nobody = Ipv4Addr::new(192, 0, 2, 77);
    assert!(ask(&mut bench, &ipv4(MN, 1), nobody).is_none());
    assert_eq!(bench.lma.stats().dropped[&DropReason::UnknownAddress], 1);
    // Nor is a customer's in another VRF.
    let datagram = sent_to(ipv4(MN, 1).datagram(), 2, RED.into());
    assert!(bench.give(Input::Signalling(datagram)).is_empty());
}

#[test]
fn a_profile_of_one_customer_serves_nobody_elsewhere() {
    let mut config = config();
    let mut own = Profile::new("mn@example.com", "tenants");
    own.customer = Some("red".to_owned());
    config.profiles.push(own);
    let mut bench = Bench::new(config);
    let refused = Status::NotLmaForThisMobileNode;
    assert_eq!(status(&mut bench, &ipv4(MN, 1), GREEN), refused);
    assert_eq!(
        bench.status(&ipv4(MN, 1)),
        refused,
        "nor at the anchor's own address"
    );
    assert_eq!(status(&mut bench, &ipv4(MN, 1), RED), Status::Accepted);
}

#[test]
fn a_profile_of_anybody_has_the_customers_network() {
    let bench = two();
    let home = bindings(&bench)[0].ipv4_home.unwrap();
    assert_eq!(
        home.0.octets()[..2],
        [10, 9],
        "the profile names net1, which is 10.1"
    );
}

#[test]
fn a_gateway_of_one_customer_is_a_stranger_to_the_other() {
    let mut config = config();
    config.dynamic_mag_learning = false;
    let mut peer = MagPeer::new("mag9");
    peer.customer = Some("red".to_owned());
    config.peers.push(peer);
    let mut bench = Bench::new(config);
    let pbu = ipv4(MN, 1).multipath("mag9", 1);
    assert_eq!(status(&mut bench, &pbu, RED), Status::Accepted);
    let refused = Status::from_code(154);
    assert_eq!(status(&mut bench, &pbu, GREEN), refused);
    assert_eq!(bench.status(&pbu), refused);
}

#[test]
fn a_customers_key_counts_for_that_customer_alone() {
    let octets = [*b"key-of-red-16-oc", *b"key-of-green-16o"];
    let mut config = config();
    for (customer, (spi, key)) in config.customers.iter_mut().zip((0x101..).zip(octets)) {
        customer.keys = vec![SharedKey::new(spi, key)];
    }
    let mut bench = Bench::new(config);
    let signed = |spi, key: [u8; 16]| {
        let mut datagram = ipv4(MN, 1).multipath("mag9", 1).datagram();
        let message = Message::decode(&datagram.payload, ChecksumContext::Udp).unwrap();
        let association = SecurityAssociation::new(spi, &key).unwrap();
        let sealed = association.sign(&message, Addresses::ZERO, ChecksumContext::Udp);
        datagram.payload = sealed.unwrap();
        datagram
    };
    let mut outcome = |datagram, address: Ipv4Addr| {
        let sent = bench.give(Input::Signalling(sent_to(datagram, BLUE, address.into())));
        let message = Message::decode(sent.first()?, ChecksumContext::Udp).unwrap();
        let Message::BindingAcknowledgement(answer) = message else {
            panic!("{message:?}");
        };
        Some(answer.status)
    };
    assert_eq!(
        outcome(signed(0x101, octets[0]), RED),
        Some(Status::Accepted)
    );
    let refused = Some(Status::from_code(154));
    assert_eq!(outcome(signed(0x101, octets[0]), GREEN), refused);
    assert_eq!(
        outcome(signed(0x102, octets[1]), GREEN),
        Some(Status::Accepted)
    );
    assert_eq!(outcome(ipv4(MN, 2).datagram(), RED), None, "unprotected");
}

#[test]
fn lifetime_and_heartbeat_are_the_customers() {
    let mut config = config();
    config.customers[0].lifetime = Some(Duration::from_secs(60));
    config.customers[0].heartbeat = HeartbeatConfig::every(Duration::from_secs(20), 4);
    let mut bench = Bench::new(config);
    for address in [RED, GREEN] {
        status(&mut bench, &ipv4(MN, 1).multipath("mag9", 1), address);
    }
    let all = bindings(&bench);
    assert_eq!(binding(&all, "red").lifetime, Duration::from_secs(60));
    assert_eq!(
        binding(&all, "green").lifetime,
        Duration::from_secs(400),
        "as asked for"
    );
    let retries = bench
        .lma
        .paths()
        .map(|path| path.heartbeat.unwrap().retries);
    assert_eq!(retries.collect::<Vec<_>>(), [4, 2]);
}

#[test]
fn the_symmetric_gre_key_is_the_customers_on_every_path() {
    let mut config = config();
    config.encapsulation = Encapsulation::GreIpv4;
    config.customers[0].gre_key = Some(77);
    let mut bench = Bench::new(config);
    let mut uplink = |address, nai| {
        let mut pbu = ipv4(nai, 1).with(GreKey { key: Some(77) });
        pbu.force_udp = false;
        let answer = ask(&mut bench, &pbu, address).unwrap();
        answer.options.gre_key().unwrap().key
    };
    assert_eq!(uplink(RED, "a@example.com"), Some(77));
    assert_eq!(uplink(RED, "b@example.com"), Some(77));
    assert_ne!(
        uplink(GREEN, "a@example.com"),
        Some(77),
        "drawn for each path"
    );
}

fn lmn(nai: &str, sequence: u16, prefixes: &[&str]) -> Pbu {
    let mut pbu = Pbu::new(nai, sequence).without(OptionType::HomeNetworkPrefix);
    for prefix in prefixes {
        let prefix: pmip_wire::types::IpPrefix = prefix.parse().unwrap();
        pbu =
            pbu.with(DelegatedMobileNetworkPrefix::new(prefix.address(), prefix.length()).unwrap());
    }
    pbu
}

#[test]
fn a_customer_may_do_without_home_address_and_pools() {
    let mut config = config();
    config.customers[0].networks.clear();
    config.customers[0].unauthorized = true;
    config.customers[0].ignore_home_address = true;
    let mut bench = Bench::new(config);
    let asserts = lmn(MN, 1, &["172.16.5.0/24"]);
    assert_eq!(status(&mut bench, &asserts, RED), Status::Accepted);
    let binding = &bindings(&bench)[0];
    assert_eq!(binding.ipv4_home, None);
    assert_eq!(binding.delegated, ["172.16.5.0/24".parse().unwrap()]);
    // Somebody else in the same VRF can't have it too.
    let other = lmn("other@example.com", 1, &["172.16.5.128/25"]);
    assert_eq!(status(&mut bench, &other, RED), Status::from_code(178));
    assert_eq!(
        status(&mut bench, &lmn(MN, 1, &["172.16.5.0/24"]), GREEN),
        Status::from_code(158)
    );
}

#[test]
fn mobile_network_prefixes_are_limited_per_node_and_per_customer() {
    let mut config = config();
    for customer in &mut config.customers {
        customer.unauthorized = true;
        customer.ignore_home_address = true;
    }
    config.customers[0].limits.ipv4_per_node = Some(2);
    config.customers[0].limits.ipv4 = Some(3);
    let mut bench = Bench::new(config);
    let three = ["172.16.1.0/24", "172.16.2.0/24", "172.16.3.0/24"];
    let full = Status::InsufficientResources;
    assert_eq!(
        status(&mut bench, &lmn("a@example.com", 1, &three), RED),
        full
    );
    assert_eq!(
        status(&mut bench, &lmn("a@example.com", 2, &three[..2]), RED),
        Status::Accepted
    );
    let more = ["172.16.4.0/24", "172.16.5.0/24"];
    assert_eq!(
        status(&mut bench, &lmn("b@example.com", 1, &more), RED),
        full
    );
    assert_eq!(
        status(&mut bench, &lmn("b@example.com", 2, &more[..1]), RED),
        Status::Accepted
    );
    let red = bench.lma.customers().next().unwrap();
    assert_eq!(
        (red.bindings, red.delegated_ipv4, red.delegated_ipv6),
        (2, 3, 0)
    );
    // A refresh of what is held is no more; what is given back may be had again.
    assert_eq!(
        status(
            &mut bench,
            &lmn("a@example.com", 3, &three[..2]).handoff(5),
            RED
        ),
        Status::Accepted
    );
    assert_eq!(
        status(
            &mut bench,
            &lmn("a@example.com", 4, &three[..1]).handoff(5),
            RED
        ),
        Status::Accepted
    );
    assert_eq!(
        status(&mut bench, &lmn("b@example.com", 3, &more).handoff(5), RED),
        Status::Accepted
    );
    assert_eq!(
        status(&mut bench, &lmn("a@example.com", 1, &three), GREEN),
        Status::Accepted
    );
}

#[test]
fn each_customer_has_statistics_of_its_own() {
    let mut bench = two();
    let wrong = ipv4("nobody@example.net", 1);
    status(&mut bench, &wrong, GREEN);
    let all: Vec<_> = bench.lma.customers().collect();
    let names: Vec<&str> = all.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["red", "green"]);
    let (red, green) = (&all[0].stats, &all[1].stats);
    assert_eq!((red.binding_updates, green.binding_updates), (1, 2));
    assert_eq!(red.acknowledgements, [(0, 1)].into());
    assert_eq!(green.acknowledgements, [(0, 1), (153, 1)].into());
    assert_eq!((red.sessions_created, green.sessions_created), (1, 1));
    assert_eq!(all[0].addresses, [IpAddr::V4(RED)]);
}

#[test]
fn an_operators_command_reaches_a_mobile_node_of_any_customer() {
    let mut bench = two();
    bench.give(Input::Command(Command::ClearBinding { nai: MN.to_owned() }));
    let gone = bindings(&bench);
    assert!(
        gone.iter()
            .all(|b| b.state == pmip_binding::BindingState::Disconnecting)
    );
}

fn clock(now: Instant) -> ClockAnchor {
    ClockAnchor {
        instant: now,
        unix: UNIX_START + now.saturating_since(Instant::ZERO),
    }
}

#[test]
fn a_restored_anchor_knows_whose_everything_is() {
    let mut bench = two();
    let leaves = ipv4("gone@example.com", 2).multipath("mag9", 1);
    status(&mut bench, &leaves, RED);
    let leaves = ipv4("gone@example.com", 3)
        .multipath("mag9", 1)
        .lifetime(0)
        .handoff(4);
    status(&mut bench, &leaves, RED);
    bench.wait(20 * SECOND);
    let text = serde_json::to_string(&bench.lma.snapshot()).unwrap();
    let kept: LmaSnapshot = serde_json::from_str(&text).unwrap();
    let now = bench.now;
    let (lma, left_out) = Lma::restore(config(), &kept, [1; 32], clock(now), now).unwrap();
    assert!(left_out.is_empty(), "{left_out:?}");
    let restored: Vec<_> = lma
        .bindings(now)
        .map(|b| (b.customer, b.ipv4_home))
        .collect();
    let before: Vec<_> = bindings(&bench)
        .into_iter()
        .map(|b| (b.customer, b.ipv4_home))
        .collect();
    assert_eq!(restored, before);
    assert_eq!(
        lma.snapshot()
            .remembered()
            .next()
            .unwrap()
            .customer
            .as_deref(),
        Some("red")
    );
    // A customer that is no more takes what was his along.
    let mut fewer = config();
    fewer.customers.remove(0);
    let (lma, left_out) = Lma::restore(fewer, &kept, [1; 32], clock(now), now).unwrap();
    assert_eq!(lma.bindings(now).count(), 1);
    assert!(
        left_out
            .iter()
            .all(|r| r.reason == RefusalReason::UnknownCustomer)
    );
    assert_eq!(left_out.len(), 3, "{left_out:?}");
}

#[test]
fn the_change_records_of_customers_make_up_the_snapshot() {
    let mut bench = Bench::new(config());
    let mut kept = bench.lma.snapshot();
    bench.lma.record_changes(true);
    for (sequence, lifetime) in [(1, 100), (2, 0)] {
        for address in [RED, GREEN] {
            let handoff = if lifetime == 0 { 4 } else { 1 };
            let pbu = ipv4(MN, sequence).multipath("mag9", 1).lifetime(lifetime);
            status(&mut bench, &pbu.handoff(handoff), address);
        }
        while let Some(change) = bench.lma.poll_change() {
            kept.apply(change);
        }
        assert_eq!(kept, bench.lma.snapshot());
    }
    bench.wait(20 * SECOND);
    while let Some(change) = bench.lma.poll_change() {
        kept.apply(change);
    }
    assert_eq!(kept, bench.lma.snapshot());
    assert_eq!(kept.remembered().count(), 2, "one for each customer");
}

#[test]
fn every_mistake_in_customers_is_named() {
    let mut config = config();
    config.vrfs.push("blue".to_owned());
    config.customers[0].vrf = Some("nowhere".to_owned());
    config.customers[0].networks.push("nothing".to_owned());
    config.customers[0].limits.ipv6 = Some(0);
    config.customers[1].ipv4_address = Some(RED);
    config.customers[1].gre_key = Some(0);
    config.customers.push(Customer::new("red"));
    config.profiles[0].customer = Some("nobody".to_owned());
    let errors = config.validate().unwrap_err();
    let unknown = |what, name: &str| ConfigError::Unknown {
        what,
        name: name.to_owned(),
    };
    let duplicate = |what, name: &str| ConfigError::Duplicate {
        what,
        name: name.to_owned(),
    };
    for expected in [
        unknown("vrf", "nowhere"),
        unknown("network", "nothing"),
        unknown("customer", "nobody"),
        duplicate("vrf", "blue"),
        duplicate("customer", "red"),
        duplicate("transport address", "192.0.2.2"),
        ConfigError::NoCustomerAddress {
            name: "red".to_owned(),
        },
    ] {
        assert!(
            errors.iter().any(|error| *error == expected),
            "{expected}: {errors}"
        );
    }
    assert_eq!(errors.iter().count(), 9, "{errors}");
}

#[test]
fn customers_are_written_and_read() {
    let mut config = config();
    config.customers[0].lifetime = Some(Duration::from_secs(60));
    config.customers[0].limits.ipv4_per_node = Some(4);
    let text = serde_json::to_string(&config).unwrap();
    assert_eq!(serde_json::from_str::<LmaConfig>(&text).unwrap(), config);
    // What is not said has its default.
    let short = r#"{"name": "red", "ipv4_address": "192.0.2.2"}"#;
    let mut expected = Customer::new("red");
    expected.ipv4_address = Some(RED);
    assert_eq!(serde_json::from_str::<Customer>(short).unwrap(), expected);
}

#[test]
fn customers_may_change_places_while_they_are_served() {
    let mut bench = two();
    bench.lma.record_changes(true);
    let mut kept = bench.lma.snapshot();
    let mut config = config();
    config.customers.reverse();
    config.customers[0].lifetime = Some(Duration::from_secs(60));
    bench.lma.reconfigure(bench.now, config).unwrap();
    bench.give(Input::Timeout);
    while let Some(change) = bench.lma.poll_change() {
        kept.apply(change);
    }
    assert_eq!(kept, bench.lma.snapshot());
    for (address, seconds) in [(RED, 400), (GREEN, 60)] {
        let refresh = ipv4(MN, 2).multipath("mag9", 1).handoff(5);
        let answer = ask(&mut bench, &refresh, address).unwrap();
        assert_eq!(answer.status, Status::Accepted);
        assert_eq!(answer.lifetime.as_secs(), seconds);
    }
    assert_eq!(bindings(&bench).len(), 2);
    let updates = bench
        .lma
        .customers()
        .map(|c| (c.name, c.stats.binding_updates));
    let expected = [("green".to_owned(), 2), ("red".to_owned(), 2)];
    assert_eq!(updates.collect::<Vec<_>>(), expected);
}

#[test]
fn a_customer_who_is_served_can_t_be_taken_away() {
    let mut bench = two();
    let mut fewer = config();
    fewer.customers.pop();
    assert!(bench.lma.reconfigure(bench.now, fewer).is_err());
    assert_eq!(bindings(&bench).len(), 2);
}
