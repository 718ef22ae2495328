//! Another configuration for a running gateway.

use std::sync::Arc;

use pmip_wire::types::{Instant, PathId};

use crate::config::{LmaPeer, MagConfig};
use crate::reconfigure::ReconfigureError;

use super::list::path_parts;
use super::protection::Keyring;
use super::{Mag, TimerKind};

impl Mag {
    /// Goes on with another configuration: keys, tolerances, times, limits, heartbeats and the
    /// attributes of roaming interfaces. What anchors are told of an interface is told at once.
    /// The Restart Counter stays, whatever `config` says.
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
        let fixed = fixed(&self.config, &config);
        if !fixed.is_empty() {
            return Err(ReconfigureError::Fixed(fixed));
        }
        self.now = self.now.max(now);
        let changed = self.told_anew(&config);
        let shown_anew = self.config.access_link != config.access_link;
        self.keyring = Arc::new(Keyring::new(&config));
        self.config = Arc::new(config);
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
        self.drive_all();
        Ok(())
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
        ("roaming interface", names(before) != names(next)),
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
            "logical-mn",
            before.logical_mobile_nodes != next.logical_mobile_nodes,
        ),
    ];
    let differences = differences.into_iter();
    differences
        .filter_map(|(name, differs)| differs.then_some(name))
        .collect()
}

/// The anchors without what may change.
fn anchors(config: &MagConfig) -> Vec<LmaPeer> {
    let anchors = config.lmas.iter().cloned();
    anchors
        .map(|mut lma| {
            lma.keys.clear();
            lma.lenient.clear();
            lma
        })
        .collect()
}
