//! Another configuration for a running gateway.

use std::sync::Arc;

use pmip_wire::types::{Instant, PathId};

use crate::config::{LmaPeer, MagConfig};
use crate::message::Identifier;
use crate::reconfigure::ReconfigureError;

use super::interfaces::Interface;
use super::list::{Life, path_parts};
use super::liveness::Anchor;
use super::paths::Path;
use super::protection::Keyring;
use super::{Mag, TimerKind};

impl Mag {
    /// Goes on with another configuration: keys, tolerances, times, limits, heartbeats, the
    /// attributes of roaming interfaces, more interfaces behind those there are, other logical
    /// mobile nodes, other addresses of anchors. What anchors are told of an interface is told at
    /// once. With an anchor at another address, which may be another machine, all is registered
    /// anew. A logical mobile node that goes, or changes, is de-registered first. The Restart
    /// Counter stays, whatever `config` says.
    ///
    /// An interface is not taken away, for its place is its Binding ID: tell the engine that it is
    /// down ([`Input::Interface`](crate::Input::Interface)).
    ///
    /// # Errors
    /// Every mistake of `config`, or every setting that only a new engine can have. Nothing has
    /// changed then.
    pub fn reconfigure(
        &mut self,
        now: Instant,
        mut config: MagConfig,
    ) -> Result<(), ReconfigureError> {
        config.validate()?;
        config.restart_counter = self.config.restart_counter;
        config.restarted = self.config.restarted;
        let mut fixed = fixed(&self.config, &config);
        if self.meets_attached(&config) {
            fixed.push("logical-mn");
        }
        if !fixed.is_empty() {
            return Err(ReconfigureError::Fixed(fixed));
        }
        self.now = self.now.max(now);
        let changed = self.told_anew(&config);
        let shown_anew = self.config.access_link != config.access_link;
        self.keyring = Arc::new(Keyring::new(&config));
        let before = std::mem::replace(&mut self.config, Arc::new(config));
        self.take_interfaces();
        for lma in moved_anchors(&before, &self.config) {
            self.follow_anchor(lma);
        }
        let paths: Vec<PathId> = self.paths.keys().copied().collect();
        for id in paths {
            self.sync_path(id, "configured");
            self.follow_rule(id);
        }
        for id in self.ids() {
            self.sync_session(id);
            if shown_anew {
                self.advertise(id);
            }
            for &binding_id in &changed {
                self.refresh(id, binding_id);
            }
        }
        self.follow_nodes(&before.logical_mobile_nodes);
        self.drive_all();
        Ok(())
    }

    /// Interfaces that came behind the others are down until the program says otherwise.
    fn take_interfaces(&mut self) {
        let count = self.config.roaming_interfaces.len();
        self.interfaces.resize_with(count, Interface::default);
        self.make_paths();
    }

    /// An anchor has another address. Nothing that was found out about the old one holds.
    fn follow_anchor(&mut self, lma: usize) {
        for id in self.waiting_for_clock(lma) {
            if let Some(entry) = self.entry_mut(id) {
                entry.life = Life::Wanted;
            }
        }
        self.stop_clock(lma);
        if let Some(anchor) = self.anchors.get_mut(lma) {
            *anchor = Anchor::default();
        }
        let paths: Vec<PathId> = self.paths.keys().copied().collect();
        for id in paths.into_iter().filter(|id| path_parts(*id).0 == lma) {
            self.timers.cancel(TimerKind::Heartbeat(id));
            self.timers.cancel(TimerKind::KeepAlive(id));
            if let Some(path) = self.paths.get_mut(&id) {
                *path = Path {
                    installed: path.installed.take(),
                    reported: path.reported,
                    good_since: self.now,
                    ..Path::default()
                };
            }
        }
        for id in self.ids() {
            if let Some(entry) = self.entry_mut(id)
                && entry.lma == lma
                && entry.life == Life::Halted
            {
                entry.life = Life::Wanted;
            }
            self.register_anew(id, lma);
        }
    }

    /// Whether a logical mobile node is to come that has the name of an attached one.
    fn meets_attached(&self, next: &MagConfig) -> bool {
        let mut nodes = next.logical_mobile_nodes.iter();
        nodes.any(|node| {
            let id = self.by_mn.get(&Identifier::nai(&node.nai));
            let entry = id.and_then(|id| self.entry(*id));
            entry.is_some_and(|entry| !entry.logical)
        })
    }

    /// The Binding IDs of the roaming interfaces whose attributes anchors must hear of.
    fn told_anew(&self, next: &MagConfig) -> Vec<u8> {
        let named = self.config.vendor_info != next.vendor_info;
        let before = self.config.roaming_interfaces.iter();
        let pairs = (1u8..).zip(before.zip(&next.roaming_interfaces));
        let changed = pairs.filter(|(_, (before, next))| named || before != next);
        changed.map(|(binding_id, _)| binding_id).collect()
    }

    fn follow_rule(&mut self, id: PathId) {
        let rule = self.heartbeat_rule(id);
        let is_registered = self.is_registered_over(id);
        let Some(path) = self.paths.get_mut(&id) else {
            return;
        };
        match (&mut path.heartbeat, rule) {
            (Some(heartbeat), Some(rule)) => {
                heartbeat.set_rule(rule, self.now);
                let deadline = heartbeat.deadline();
                self.timers.set(TimerKind::Heartbeat(id), deadline);
            }
            (Some(_), None) => {
                path.heartbeat = None;
                self.timers.cancel(TimerKind::Heartbeat(id));
                self.sync_path(id, "heartbeats are off");
            }
            (None, Some(_)) if is_registered => self.watch_path(id),
            (None, _) => {}
        }
    }

    /// Whether an anchor has acknowledged a registration over the path.
    fn is_registered_over(&self, id: PathId) -> bool {
        let (lma, binding_id) = path_parts(id);
        let mut entries = self.list.iter().map(|(_, entry)| entry);
        entries.any(|entry| {
            let registration = entry.registration(binding_id);
            entry.lma == lma
                && registration.is_some_and(|registration| registration.granted.is_some())
        })
    }
}

/// The settings in which two configurations differ and that only a new engine can have.
fn fixed(before: &MagConfig, next: &MagConfig) -> Vec<&'static str> {
    let names = |config: &MagConfig| -> Vec<String> {
        let interfaces = config.roaming_interfaces.iter();
        interfaces.map(|interface| interface.name.clone()).collect()
    };
    let differences = [
        ("identity", before.identity != next.identity),
        ("lma", anchors(before) != anchors(next)),
        (
            "roaming interface",
            !names(next).starts_with(&names(before)),
        ),
        ("multipath", before.multipath != next.multipath),
        ("encap", before.encapsulation != next.encapsulation),
        (
            "generate grekey",
            before.generate_gre_keys != next.generate_gre_keys,
        ),
        (
            "ignore grekey",
            before.ignore_gre_keys != next.ignore_gre_keys,
        ),
        ("ani", before.access_network != next.access_network),
        (
            "gre-encap-key down",
            keys(next).any(|key| keys(before).all(|known| known != key)),
        ),
    ];
    let differences = differences.into_iter();
    differences
        .filter_map(|(name, differs)| differs.then_some(name))
        .collect()
}

/// The downlink GRE keys that are configured, and so never drawn.
fn keys(config: &MagConfig) -> impl Iterator<Item = u32> + '_ {
    let nodes = config.logical_mobile_nodes.iter();
    nodes.filter_map(|node| node.gre_downlink_key)
}

/// The places of the anchors that are reached at another address.
fn moved_anchors(before: &MagConfig, next: &MagConfig) -> Vec<usize> {
    let address = |config: &MagConfig, lma: &LmaPeer| lma.address(config.encapsulation_with(lma));
    let pairs = before.lmas.iter().zip(&next.lmas).enumerate();
    let moved = pairs.filter(|(_, (old, new))| address(before, old) != address(next, new));
    moved.map(|(lma, _)| lma).collect()
}

/// The anchors without what may change.
fn anchors(config: &MagConfig) -> Vec<LmaPeer> {
    let anchors = config.lmas.iter().cloned();
    anchors
        .map(|mut lma| {
            lma.keys.clear();
            lma.lenient.clear();
            lma.ipv4_address = None;
            lma.ipv6_address = None;
            lma
        })
        .collect()
}
