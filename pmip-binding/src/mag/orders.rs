//! What an anchor's PBA sets beyond the registration: RFC 8127 section 5.2, RFC 6463 section 5.2.

use std::net::IpAddr;
use std::time::Duration;

use pmip_wire::types::PathId;
use pmip_wire::{BindingReregistrationControl, LmaControlledMagParameters, LoadInformation};

use crate::config::HeartbeatRule;
use crate::event::{Event, RedirectEvent, SessionId};
use crate::message::{Acknowledgement, handoff as indicator};

use super::Mag;
use super::list::{Entry, path_parts};

/// Times of registration that the anchor sets for one mobile node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Times {
    start: Duration,
    initial: Duration,
    maximum: Duration,
}

impl Mag {
    /// The load that an anchor reported last (RFC 6463 section 4.3), by its configured name.
    pub fn load_of(&self, lma: &str) -> Option<LoadInformation> {
        let mut lmas = self.config.lmas.iter();
        let index = lmas.position(|peer| peer.identity == lma)?;
        self.anchors.get(index)?.load
    }

    pub(super) fn note_load(&mut self, lma: usize, load: Option<LoadInformation>) {
        if let (Some(anchor), Some(load)) = (self.anchors.get_mut(lma), load) {
            anchor.load = Some(load);
        }
    }

    /// RFC 8127 section 5.2: what the anchor sets goes before what is configured here; what it
    /// sets no more is as configured again.
    pub(super) fn obey_anchor(&mut self, id: SessionId, path: PathId, answer: &Acknowledgement) {
        let orders = answer.controlled.as_ref();
        let times = orders.and_then(LmaControlledMagParameters::binding_reregistration_control);
        if let Some(entry) = self.entry_mut(id) {
            entry.times = times.map(Times::from);
        }
        let heartbeat = orders.and_then(LmaControlledMagParameters::heartbeat_control);
        let controlled = heartbeat.map(|control| {
            let seconds = |value: u16| Duration::from_secs(value.into());
            let mut rule = HeartbeatRule::new(
                seconds(control.interval),
                control.max_retransmissions.into(),
            );
            let delay = Some(control.retransmission_delay).filter(|delay| *delay > 0);
            rule.timeout = delay.map(seconds);
            rule
        });
        if let Some(path) = self.paths.get_mut(&path) {
            path.controlled = controlled;
        }
    }

    /// How the heartbeats of a path go: as the anchor says, else by its label.
    pub(super) fn heartbeat_rule(&self, id: PathId) -> Option<HeartbeatRule> {
        let controlled = self.paths.get(&id).and_then(|path| path.controlled);
        let (_, binding_id) = path_parts(id);
        let index = usize::from(binding_id).checked_sub(1)?;
        let interface = self.config.roaming_interfaces.get(index)?;
        let own = self.config.heartbeat.for_label(interface.label).copied();
        controlled.or(own)
    }

    /// How long before its end a binding is refreshed.
    pub(super) fn lead(&self, id: SessionId, lifetime: Duration) -> Duration {
        let times = self.entry(id).and_then(|entry| entry.times);
        let early = self.config.refresh_time;
        match times {
            Some(times) if times.start < lifetime => times.start,
            None if lifetime >= early.saturating_mul(4) => early,
            Some(_) | None => lifetime / 4,
        }
    }

    pub(super) fn initial_retransmission(&self, id: SessionId) -> Duration {
        let times = self.entry(id).and_then(|entry| entry.times);
        times.map_or(self.config.initial_retransmission, |times| times.initial)
    }

    pub(super) fn maximum_retransmission(&self, id: SessionId) -> Duration {
        let times = self.entry(id).and_then(|entry| entry.times);
        times.map_or(self.config.maximum_retransmission, |times| times.maximum)
    }

    /// RFC 6463 section 5.2: only a request for a new session offers to be redirected.
    pub(super) fn is_redirectable(&self, entry: &Entry, handoff: u8) -> bool {
        self.config.redirect
            && !entry.redirect_failed
            && !entry.accepted_once
            && handoff == indicator::NEW_INTERFACE
    }

    /// The session is anchored elsewhere from now on. Only an anchor that is configured is gone
    /// to: with another there is no trust, and no association to protect the signalling with.
    /// False where the answer can't be followed.
    pub(super) fn follow(&mut self, id: SessionId, offered: bool, target: Option<IpAddr>) -> bool {
        let Some(address) = target.filter(|_| offered) else {
            return true;
        };
        let found = self.anchor_at(address);
        let Some(entry) = self.entry(id) else {
            return true;
        };
        let (mn_id, from) = (entry.nai.clone(), self.anchor_name(entry.lma));
        let event = match found {
            Some(lma) => RedirectEvent::Followed {
                mn_id,
                from,
                to: self.anchor_name(lma),
            },
            None => RedirectEvent::NotFollowed {
                mn_id,
                from,
                address,
            },
        };
        self.emit(Event::Redirect(event));
        if let Some(entry) = self.entry_mut(id) {
            match found {
                Some(lma) => entry.lma = lma,
                None => entry.redirect_failed = true,
            }
        }
        found.is_some()
    }
}

impl From<BindingReregistrationControl> for Times {
    fn from(control: BindingReregistrationControl) -> Self {
        let initial = Duration::from_secs(control.initial_retransmission_time.into());
        let maximum = Duration::from_secs(control.maximum_retransmission_time.into());
        Self {
            start: Duration::from_secs(u64::from(control.start_time.as_units()) * 4),
            initial,
            maximum: maximum.max(initial),
        }
    }
}
