//! Running engines take another configuration.
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at what it did not expect"
)]

mod common;

use std::time::Duration;

use common::{SECOND, lma_path, mag_path};
use pmip_binding::config::{HeartbeatConfig, SharedKey};
use pmip_binding::snapshot::RefusalReason;
use pmip_binding::testing::{Node, World, address, lma_config, mag_config};
use pmip_binding::{Command, Input, LmaConfig, MagConfig, ReconfigureError};
use pmip_wire::types::Label;

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
