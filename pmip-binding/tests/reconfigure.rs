//! Running engines take another configuration.
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at what it did not expect"
)]

mod common;

use std::net::IpAddr;
use std::time::Duration;

use common::{Bench, Pbu, SECOND, datagram, lma_path, mag_path};
use pmip_binding::config::{HeartbeatConfig, SharedKey};
use pmip_binding::snapshot::RefusalReason;
use pmip_binding::testing::{Node, World, address, control, lma_config, mag_config};
use pmip_binding::{Command, Input, LmaConfig, MagConfig, ReconfigureError};
use pmip_wire::types::{IpPrefix, Label};
use pmip_wire::{
    BindingRevocationFlags, BindingRevocationIndication, ChecksumContext,
    DelegatedMobileNetworkPrefix, Heartbeat, HomeNetworkPrefix, Ipv4HomeAddressRequest, Message,
    MobileNodeIdentifier, MobilityOptions, RevocationTrigger, SequenceNumber, Status,
};

fn key(spi: u32) -> SharedKey {
    SharedKey::new(spi, spi.to_be_bytes().repeat(4))
}

/// A world of two paths whose nodes share a key and watch each other.
struct Domain {
    world: World,
    lma: LmaConfig,
    mag: MagConfig,
}

impl Domain {
    fn registered() -> Self {
        let mut lma = lma_config();
        lma.keys = vec![key(256)];
        lma.heartbeat = HeartbeatConfig::every(SECOND, 1);
        let mut mag = mag_config(1, 2);
        mag.lmas[0].keys = lma.keys.clone();
        mag.heartbeat = HeartbeatConfig::every(SECOND, 1);
        let mut world = World::new(lma.clone(), 1);
        let addresses = [address(1, 1), address(1, 2)];
        world.add_mag(mag.clone(), &addresses, &common::link(10));
        world.all_up();
        world.run_for(10 * SECOND);
        let domain = Self { world, lma, mag };
        assert_eq!(domain.usable(), (2, 2), "{}", domain.world.tail());
        domain
    }

    /// Paths that the anchor and the gateway use.
    fn usable(&self) -> (usize, usize) {
        let lma = self.world.lma.paths().filter(|path| path.usable).count();
        let mag = self.world.mags[0]
            .paths()
            .filter(|path| path.usable)
            .count();
        (lma, mag)
    }

    fn configure_lma(&mut self) -> Result<(), ReconfigureError> {
        let now = self.world.now;
        let done = self.world.lma.reconfigure(now, self.lma.clone());
        self.world.input(Node::Lma, Input::Timeout);
        done
    }

    fn configure_mag(&mut self) -> Result<(), ReconfigureError> {
        let now = self.world.now;
        let done = self.world.mags[0].reconfigure(now, self.mag.clone());
        self.world.input(Node::Mag(0), Input::Timeout);
        done
    }
}

#[test]
fn keys_roll_over_without_a_gap() {
    let mut domain = Domain::registered();
    let sessions = domain.world.lma.stats().sessions_created;
    // The anchor accepts both first; then the gateway sends with the new one; then the old goes.
    domain.lma.keys = vec![key(256), key(257)];
    domain.configure_lma().unwrap();
    domain.world.run_for(5 * SECOND);
    domain.mag.lmas[0].keys = vec![key(257), key(256)];
    domain.configure_mag().unwrap();
    domain.world.run_for(5 * SECOND);
    domain.lma.keys = vec![key(257), key(256)];
    domain.configure_lma().unwrap();
    domain.world.run_for(5 * SECOND);
    domain.lma.keys = vec![key(257)];
    domain.mag.lmas[0].keys = vec![key(257)];
    domain.configure_lma().unwrap();
    domain.configure_mag().unwrap();
    domain.world.run_for(Duration::from_secs(4000));
    assert_eq!(domain.usable(), (2, 2), "{}", domain.world.tail());
    let (lma, mag) = (domain.world.lma.stats(), domain.world.mags[0].stats());
    assert_eq!(lma.sessions_created, sessions, "counters go on");
    assert!(
        lma.dropped.is_empty() && mag.dropped.is_empty(),
        "{lma:?} {mag:?}"
    );
    assert_eq!(mag.expired, 0);
}

#[test]
fn what_did_not_change_is_not_touched() {
    let mut domain = Domain::registered();
    let before = (
        domain.world.lma.snapshot(),
        domain.world.lma_tables.clone(),
        lma_path(&domain.world, 1).heartbeat,
    );
    domain.lma.lifetime = Duration::from_secs(600);
    domain.configure_lma().unwrap();
    let after = (
        domain.world.lma.snapshot(),
        domain.world.lma_tables.clone(),
        lma_path(&domain.world, 1).heartbeat,
    );
    assert_eq!(before, after);
    assert_eq!(domain.world.lma.config().lifetime, Duration::from_secs(600));
}

#[test]
fn a_configuration_that_would_lose_a_binding_changes_nothing() {
    let mut domain = Domain::registered();
    let before = domain.world.lma.snapshot();
    domain.lma.profiles.clear();
    domain.lma.default_profile = None;
    let Err(ReconfigureError::Lost(lost)) = domain.configure_lma() else {
        panic!("the binding has no profile any more");
    };
    assert!(
        lost.iter()
            .any(|lost| lost.reason == RefusalReason::NoProfile)
    );
    assert_eq!(domain.world.lma.snapshot(), before);
    domain.world.run_for(60 * SECOND);
    assert_eq!(domain.usable(), (2, 2));
    assert!(!domain.world.lma.config().profiles.is_empty());
}

#[test]
fn a_revocation_under_way_is_waited_for() {
    let mut domain = Domain::registered();
    domain.world.command(Node::Lma, Command::ClearBindings);
    assert_eq!(domain.configure_lma(), Err(ReconfigureError::Busy));
    domain.world.run_for(10 * SECOND);
    assert_eq!(domain.configure_lma(), Ok(()));
}

#[test]
fn a_gateway_tells_a_new_label_and_weight_at_once() {
    let mut domain = Domain::registered();
    domain.mag.roaming_interfaces[1].label = Label(77);
    domain.mag.roaming_interfaces[1].weight = 9;
    domain.configure_mag().unwrap();
    domain.world.run_for(SECOND);
    assert_eq!(lma_path(&domain.world, 2).label, Label(77));
    assert_eq!(mag_path(&domain.world, 2).weight, 9);
    assert_eq!(domain.usable(), (2, 2));
}

#[test]
fn heartbeats_of_a_gateway_go_off_and_on() {
    let mut domain = Domain::registered();
    let sent = |domain: &Domain| domain.world.mags[0].stats().heartbeats_sent;
    let rules = std::mem::take(&mut domain.mag.heartbeat);
    domain.configure_mag().unwrap();
    let before = sent(&domain);
    domain.world.run_for(10 * SECOND);
    assert_eq!(sent(&domain), before);
    domain.mag.heartbeat = rules;
    domain.configure_mag().unwrap();
    domain.world.run_for(10 * SECOND);
    assert!(sent(&domain) > before);
}

#[test]
fn what_only_a_new_gateway_can_have_is_named() {
    let mut domain = Domain::registered();
    domain.mag.multipath = !domain.mag.multipath;
    domain.mag.lifetime = Duration::from_secs(60);
    let fixed = Err(ReconfigureError::Fixed(vec!["multipath"]));
    assert_eq!(domain.configure_mag(), fixed);
    assert_ne!(
        domain.world.mags[0].config().lifetime,
        Duration::from_secs(60)
    );
}

/// An anchor known by its name has moved to another address, without its state.
#[test]
fn a_gateway_follows_its_anchor_to_another_address() {
    let mut domain = Domain::registered();
    let held = common::mag_binding(&domain.world).delegated;
    assert!(!held.is_empty());
    let moved = [198, 51, 100, 9].into();
    let address = IpAddr::V4(moved);
    domain.lma.ipv4_address = Some(moved);
    domain.world.restart_lma(domain.lma.clone(), 9);
    domain.mag.lmas[0].ipv4_address = Some(moved);
    assert_eq!(domain.configure_mag(), Ok(()));
    domain.world.run_for(5 * SECOND);
    assert_eq!(domain.usable(), (2, 2), "{}", domain.world.tail());
    for path in domain.world.lma_tables.paths.values() {
        assert_eq!(path.local, address);
    }
    for path in domain.world.mag_tables[0].paths.values() {
        assert_eq!(path.remote.ip(), address, "the tunnels end there");
    }
    assert_eq!(common::mag_binding(&domain.world).delegated, held);
    domain.world.run_for(60 * SECOND);
    assert_eq!(domain.usable(), (2, 2), "heartbeats go there");
}

#[test]
fn a_gateway_gets_one_more_interface() {
    let mut domain = Domain::registered();
    let removed = domain.mag.roaming_interfaces.pop().unwrap();
    let fixed = Err(ReconfigureError::Fixed(vec!["roaming interface"]));
    assert_eq!(domain.configure_mag(), fixed, "Binding IDs are places");
    domain.mag.roaming_interfaces.push(removed.clone());
    let mut third = removed;
    third.name = "third".to_owned();
    domain.mag.roaming_interfaces.push(third);
    assert_eq!(domain.configure_mag(), Ok(()));
    assert_eq!(domain.usable(), (2, 2), "nothing is heard of it yet");
    domain
        .world
        .add_interface(0, 3, address(1, 3), &common::link(10));
    domain.world.interface_up(0, 3);
    domain.world.run_for(5 * SECOND);
    assert_eq!(domain.usable(), (3, 3), "{}", domain.world.tail());
}

/// The mobile nodes that the anchor has, in the order of their names.
fn served(domain: &Domain) -> Vec<String> {
    let bindings = domain.world.lma.bindings(domain.world.now);
    let active = bindings.filter(|binding| !binding.paths.is_empty());
    let mut names: Vec<String> = active.map(|binding| binding.mn_id).collect();
    names.sort();
    names
}

#[test]
fn logical_mobile_nodes_come_change_and_go() {
    let mut domain = Domain::registered();
    let first = domain.mag.logical_mobile_nodes[0].clone();
    let mut second = first.clone();
    second.nai = "second@example.com".to_owned();
    second.link_layer_identifier[5] ^= 0x80;
    domain.mag.logical_mobile_nodes.push(second.clone());
    assert_eq!(domain.configure_mag(), Ok(()));
    domain.world.run_for(5 * SECOND);
    assert_eq!(served(&domain), [&*first.nai, "second@example.com"]);

    domain.mag.logical_mobile_nodes.remove(0);
    domain.mag.logical_mobile_nodes[0].mobile_networks.clear();
    assert_eq!(domain.configure_mag(), Ok(()));
    domain.world.run_for(5 * SECOND);
    assert_eq!(served(&domain), ["second@example.com"]);
    let learnt: usize = (domain.world.lma.bindings(domain.world.now))
        .filter(|binding| binding.mn_id == "second@example.com")
        .map(|binding| binding.delegated.len())
        .sum();
    assert_eq!(learnt, 0);
    assert_eq!(domain.usable(), (2, 2));

    // Taken away and given again before the anchor has answered.
    domain.mag.logical_mobile_nodes.clear();
    assert_eq!(domain.configure_mag(), Ok(()));
    domain.mag.logical_mobile_nodes.push(second);
    assert_eq!(domain.configure_mag(), Ok(()));
    domain.world.run_for(5 * SECOND);
    assert_eq!(served(&domain), ["second@example.com"]);
    let again = common::mag_binding(&domain.world);
    assert!(!again.delegated.is_empty(), "as it is configured now");
}

fn config() -> LmaConfig {
    let mut config = lma_config();
    config.profiles[0].delegation = true;
    config
}

/// A gateway asserts its mobile node's home prefix, and then its home address, as mobile networks.
#[test]
fn nobody_makes_a_binding_that_the_next_configuration_would_lose() {
    let mut bench = Bench::new(config());
    let first = Pbu::new("mn@example.com", 1).with(Ipv4HomeAddressRequest::ALL_ZERO);
    assert_eq!(bench.status(&first), Status::Accepted);
    let home = bench.binding().home_prefixes[0];
    let (address, _, _) = bench.binding().ipv4_home.unwrap();
    let IpAddr::V6(prefix) = home.address() else {
        panic!("{home}")
    };
    for asserted in [home, IpPrefix::host(address.into())] {
        let length = asserted.length();
        let mobile = DelegatedMobileNetworkPrefix::new(asserted.address(), length).unwrap();
        bench.now += SECOND;
        let sequence = u16::try_from(bench.now.as_millis() / 1000).unwrap();
        let refresh = first
            .clone()
            .replacing(HomeNetworkPrefix::new(prefix, home.length()).unwrap())
            .with(mobile);
        let refresh = Pbu {
            sequence,
            ..refresh
        };
        assert_eq!(bench.status(&refresh).code(), 178, "{asserted}");
        let now = bench.now;
        assert!(bench.lma.reconfigure(now, config()).is_ok());
    }
}

/// Wherever a datagram reaches the host, a path ends at an address of the anchor.
#[test]
fn an_address_that_is_not_the_anchors_gets_no_path() {
    let mut bench = Bench::new(config());
    let strange = IpAddr::from([203, 0, 113, 99]);
    let mut asked = Pbu::new("mn@example.com", 1).datagram();
    asked.destination.set_ip(strange);
    bench.give(Input::Signalling(asked));
    let now = bench.now;
    assert!(bench.lma.reconfigure(now, config()).is_ok());
    assert_eq!(bench.lma.paths().count(), 0);
    assert_eq!(
        bench.lma.stats().dropped[&pmip_binding::DropReason::UnknownAddress],
        1
    );
}

/// The gateway that a mobile node left is not asked to take it back, whatever was configured since.
#[test]
fn who_moved_on_stays_moved_on() {
    let mut bench = Bench::new(config());
    let (old, new) = (address(8, 1), address(9, 1));
    let first = Pbu::new("mn@example.com", 1).from(old);
    assert_eq!(bench.status(&first), Status::Accepted);
    let next = Pbu::new("mn@example.com", 2).from(new).handoff(3);
    assert_eq!(bench.status(&next), Status::Accepted);
    // The old gateway is told, and does not answer.
    (0..20).for_each(|_| bench.wait(SECOND));
    let now = bench.now;
    assert!(bench.lma.reconfigure(now, config()).is_ok());
    let beat = Message::Heartbeat(Heartbeat::request(7)).to_bytes(ChecksumContext::Udp);
    let sent = bench.give(Input::Signalling(datagram(control(old), beat)));
    assert_eq!(sent.len(), 1, "an answer, and no notification");
}

/// A revocation that was carried out does not count again because of another configuration.
#[test]
fn a_replayed_revocation_is_known_after_another_configuration() {
    let mut bench = Bench::new(config());
    let source = address(9, 1);
    assert_eq!(
        bench.status(&Pbu::new("mn@example.com", 1)),
        Status::Accepted
    );
    let named = MobileNodeIdentifier::nai("mn@example.com").unwrap();
    let indication = Message::BindingRevocationIndication(BindingRevocationIndication {
        sequence: SequenceNumber(7),
        trigger: RevocationTrigger::AdministrativeReason,
        flags: BindingRevocationFlags::PROXY,
        options: MobilityOptions::new().with(named).unwrap(),
    });
    let indication = datagram(control(source), indication.to_bytes(ChecksumContext::Udp));
    bench.give(Input::Signalling(indication.clone()));
    assert_eq!(bench.lma.bindings(bench.now).count(), 0);
    assert_eq!(
        bench.status(&Pbu::new("mn@example.com", 2)),
        Status::Accepted
    );
    let now = bench.now;
    assert!(bench.lma.reconfigure(now, config()).is_ok());
    bench.give(Input::Signalling(indication));
    assert_eq!(bench.lma.bindings(bench.now).count(), 1);
}
