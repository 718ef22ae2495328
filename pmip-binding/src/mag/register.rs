//! Sending PBUs: which, when, over what, and again (RFC 5213 sections 6.9.1 and 6.9.4, RFC 8278
//! section 4.4, signalling rules sections 1 and 2).

use std::time::Duration;

use pmip_wire::types::Instant;
use smallvec::SmallVec;

use crate::event::SessionId;
use crate::message::handoff;

use super::list::{Entry, Life, Mode, Purpose, Registration, Request, path_id};
use super::{Mag, TimerKind};

/// A path is left with at most this many retransmissions (signalling rules section 2).
const LEAVE_TRIES: u32 = 3;
/// A mobile node is de-registered with at most this many; then it is given up.
const CLOSE_TRIES: u32 = 2;
/// RFC 5213 section 6.9.1.4: how long the answer to a de-registration is waited for, at most.
const CLOSE_WAIT: Duration = Duration::from_secs(1);
/// Unanswered transmissions after which discovery also asks over another interface.
const DISCOVERY_PATIENCE: u32 = 2;
/// Earlier transmissions whose answers still count.
const REMEMBERED: usize = 4;

impl Mag {
    pub(super) fn drive_all(&mut self) {
        for id in self.ids() {
            self.drive(id);
        }
    }

    /// Starts whatever registration the entry lacks. Calling it once too often does no harm.
    pub(super) fn drive(&mut self, id: SessionId) {
        let Some(entry) = self.entry(id) else {
            return;
        };
        if entry.life == Life::Wanted && !self.shutting_down {
            self.register(id);
        }
    }

    /// As [`Mag::drive`], whatever is to become of the entry.
    pub(super) fn register(&mut self, id: SessionId) {
        let Some(entry) = self.entry(id) else {
            return;
        };
        if entry.releasing.is_some() && self.release_family(id) {
            return;
        }
        let Some(entry) = self.entry(id) else {
            return;
        };
        match entry.mode {
            Mode::Discovering => self.discover(id),
            Mode::Multipath => {
                self.register_all(id);
                self.leave_next(id);
            }
            Mode::Single => self.register_best(id),
        }
    }

    /// One path asks first: only its answer tells whether the anchor knows multipath.
    fn discover(&mut self, id: SessionId) {
        let Some(entry) = self.entry(id) else {
            return;
        };
        let asking = |registration: &Registration| {
            registration.request.is_some() || registration.again_at.is_some()
        };
        if entry.registrations.values().any(asking) {
            return;
        }
        let (lma, first) = (entry.lma, entry.first_handoff);
        if let Some(binding_id) = self.best_interface(lma, None) {
            self.start(id, binding_id, first);
        }
    }

    fn register_all(&mut self, id: SessionId) {
        for binding_id in self.interfaces_by_priority() {
            let Some(entry) = self.entry(id) else {
                return;
            };
            if self.lacks(entry, binding_id) {
                // HI 5 and the full option set: 1, 2 or 3 would ask an anchor without RFC 8278
                // for a new session or a handoff (signalling rules section 1).
                self.start(id, binding_id, handoff::NOT_CHANGED);
            }
        }
    }

    fn register_best(&mut self, id: SessionId) {
        let Some(entry) = self.entry(id) else {
            return;
        };
        let (lma, active) = (entry.lma, entry.granted().next());
        let Some(best) = self.best_interface(lma, active) else {
            return;
        };
        let Some(entry) = self.entry(id) else {
            return;
        };
        let others: Vec<u8> = entry
            .registrations
            .iter()
            .filter(|(other, registration)| **other != best && registration.request.is_some())
            .map(|(&other, _)| other)
            .collect();
        // A handoff to another interface is called off; it may have reached the anchor, so the
        // best one then registers again.
        for other in others {
            self.forget_request(id, other);
        }
        let Some(entry) = self.entry(id) else {
            return;
        };
        if self.lacks(entry, best) {
            let handoff = self.single_handoff(entry, best);
            self.start(id, best, handoff);
        }
    }

    /// Without multipath a change of interface is a handoff (signalling rules section 1). Another
    /// address of the same interface is none: were it called one, the anchor would tell the
    /// gateway at the old address that the mobile node left (RFC 5846 section 8.1), which nobody
    /// receives. Without a link-layer identifier the anchor finds the session only by a handoff
    /// (RFC 5213 section 5.4.1.1 item 5).
    fn single_handoff(&self, entry: &Entry, binding_id: u8) -> u8 {
        let held = entry.valid_until.is_some_and(|until| until > self.now);
        let same_interface = entry.last_interface == Some(binding_id) && entry.link_layer.is_some();
        if !held {
            entry.first_handoff
        } else if same_interface || entry.last_care_of == self.care_of(binding_id) {
            handoff::NOT_CHANGED
        } else {
            handoff::BETWEEN_GATEWAYS
        }
    }

    /// Whether a path should be registered and nothing is under way for it.
    fn lacks(&self, entry: &Entry, binding_id: u8) -> bool {
        if self.care_of(binding_id).is_none() {
            return false;
        }
        let Some(registration) = entry.registration(binding_id) else {
            return true;
        };
        let dead = !self.is_alive(path_id(entry.lma, binding_id));
        let registered = registration.granted.is_some_and(|grant| !grant.stale);
        registration.request.is_none() && registration.again_at.is_none() && (!registered || dead)
    }

    /// Interfaces that are up, the preferred first.
    pub(super) fn interfaces_by_priority(&self) -> Vec<u8> {
        let configured = (1u8..).zip(&self.config.roaming_interfaces);
        let up = configured.filter(|(binding_id, _)| self.care_of(*binding_id).is_some());
        let mut ordered: Vec<(u8, u8)> = up.map(|(id, i)| (i.priority, id)).collect();
        ordered.sort_unstable();
        ordered.into_iter().map(|(_, id)| id).collect()
    }

    /// The interface to use when only one is: the preferred one that is alive. A better one than
    /// the active one must have been good for a while first.
    fn best_interface(&mut self, lma: usize, active: Option<u8>) -> Option<u8> {
        let up = self.interfaces_by_priority();
        let alive = |binding_id: &u8| self.is_alive(path_id(lma, *binding_id));
        let best = up
            .iter()
            .copied()
            .find(alive)
            .or_else(|| up.first().copied())?;
        let Some(active) = active.filter(|active| up.contains(active) && alive(active)) else {
            return Some(best);
        };
        let path = self.paths.get(&path_id(lma, best));
        let ready = path.map_or(Instant::ZERO, |path| path.good_since) + self.config.return_hold;
        if best == active || ready <= self.now {
            return Some(best);
        }
        self.timers.set(TimerKind::Return, ready);
        Some(active)
    }

    /// De-registers one path whose interface is gone, over a living one: one at a time, and never
    /// the last living one (signalling rules section 2).
    fn leave_next(&mut self, id: SessionId) {
        let Some(entry) = self.entry(id) else {
            return;
        };
        if entry.is_leaving() {
            return;
        }
        let mut registrations = entry.registrations.iter();
        let gone = registrations.find(|(_, registration)| registration.to_leave);
        let Some((&binding_id, _)) = gone else {
            return;
        };
        let Some(over) = self.living_path(entry) else {
            return;
        };
        self.ask(id, binding_id, Purpose::Leave, over, handoff::UNKNOWN);
    }

    /// A path that can carry signalling about the others.
    pub(super) fn living_path(&self, entry: &Entry) -> Option<u8> {
        let up = self.interfaces_by_priority();
        let mut granted = up.iter().copied().filter(|id| entry.grant(*id).is_some());
        let alive = |id: &u8| self.is_alive(path_id(entry.lma, *id));
        granted.clone().find(alive).or_else(|| granted.next())
    }

    pub(super) fn start(&mut self, id: SessionId, binding_id: u8, handoff: u8) {
        if !self.keeps_pace(id, binding_id) {
            return;
        }
        self.ask(id, binding_id, Purpose::Register, binding_id, handoff);
    }

    /// Whether MAX_UPDATE_RATE lets a path be registered now; if not, it is when it may be.
    fn keeps_pace(&mut self, id: SessionId, binding_id: u8) -> bool {
        let now = self.now;
        let Some(entry) = self.entry_mut(id) else {
            return false;
        };
        let Err(at) = entry.paces.entry(binding_id).or_default().admit(now) else {
            return true;
        };
        // So that a mere refresh is not forgotten.
        entry.doubt(binding_id);
        let registration = entry.registrations.entry(binding_id).or_default();
        registration.again_at = Some(at);
        self.timers.set(TimerKind::Again(id, binding_id), at);
        false
    }

    pub(super) fn ask(
        &mut self,
        id: SessionId,
        about: u8,
        purpose: Purpose,
        over: u8,
        handoff: u8,
    ) {
        let interval = match purpose {
            Purpose::Register | Purpose::Leave => self.initial_retransmission(id),
            Purpose::Release | Purpose::Close => self.initial_retransmission(id).min(CLOSE_WAIT),
        };
        let redirectable = self.entry(id).is_some_and(|entry| {
            purpose == Purpose::Register && self.is_redirectable(entry, handoff)
        });
        let Some(entry) = self.entry_mut(id) else {
            return;
        };
        let wish = entry.wish;
        let registration = entry.registrations.entry(about).or_default();
        registration.again_at = None;
        registration.request = Some(Request {
            purpose,
            over,
            handoff,
            wish,
            redirectable,
            sent: SmallVec::new(),
            interval,
            tries: 0,
            overwrote: false,
            doubtful: false,
        });
        self.timers.cancel(TimerKind::Again(id, about));
        self.send(id, about);
    }

    /// Transmits the outstanding request about a path with a new sequence number and timestamp.
    fn send(&mut self, id: SessionId, about: u8) {
        let timestamp = self.config.timestamps.then(|| self.next_timestamp());
        let restarted = self.config.restarted;
        let Some(entry) = self.entry_mut(id) else {
            return;
        };
        // Without multipath each registration replaces the one before.
        let overwrites = (restarted && !entry.accepted_once) || entry.mode == Mode::Single;
        entry.sequence = entry.sequence.wrapping_add(1);
        let sequence = entry.sequence;
        let registration = entry.registrations.get_mut(&about);
        let Some(request) = registration.and_then(|r| r.request.as_mut()) else {
            return;
        };
        if request.sent.len() == REMEMBERED {
            request.sent.remove(0);
        }
        request.sent.push((sequence, timestamp));
        request.overwrote |= overwrites && request.purpose == Purpose::Register;
        let interval = request.interval;
        self.stats.binding_updates = self.stats.binding_updates.saturating_add(1);
        self.transmit_update(id, about, sequence, timestamp);
        self.timers
            .set(TimerKind::Retransmit(id, about), self.now + interval);
    }

    pub(super) fn retransmit(&mut self, id: SessionId, about: u8) {
        let most = self.maximum_retransmission(id);
        let Some(entry) = self.entry_mut(id) else {
            return;
        };
        let discovering = entry.mode == Mode::Discovering;
        let registration = entry.registrations.get_mut(&about);
        let Some(request) = registration.and_then(|r| r.request.as_mut()) else {
            return;
        };
        let limit = match request.purpose {
            Purpose::Register => u32::MAX,
            Purpose::Leave => LEAVE_TRIES,
            Purpose::Release | Purpose::Close => CLOSE_TRIES,
        };
        let purpose = request.purpose;
        if request.tries >= limit {
            return self.give_up(id, about, purpose);
        }
        request.tries = request.tries.saturating_add(1);
        let patient = request.tries < DISCOVERY_PATIENCE;
        if matches!(purpose, Purpose::Register | Purpose::Leave) {
            request.interval = request.interval.saturating_mul(2).min(most);
        }
        self.stats.retransmissions = self.stats.retransmissions.saturating_add(1);
        self.change_carrier(id, about, purpose);
        self.send(id, about);
        if discovering && purpose == Purpose::Register && !patient {
            self.discover_elsewhere(id);
        }
    }

    /// The first path may be black-holed: ask over another one too. The anchor joins both to one
    /// session, for their keys are equal (signalling rules section 1).
    fn discover_elsewhere(&mut self, id: SessionId) {
        let Some(entry) = self.entry(id) else {
            return;
        };
        let first = entry.first_handoff;
        let up = self.interfaces_by_priority();
        let next = up
            .into_iter()
            .find(|binding_id| self.lacks(entry, *binding_id));
        if let Some(binding_id) = next {
            self.start(id, binding_id, first);
        }
    }

    /// A de-registration that is unanswered over one path goes over another.
    fn change_carrier(&mut self, id: SessionId, about: u8, purpose: Purpose) {
        if purpose == Purpose::Register {
            return;
        }
        let up = self.interfaces_by_priority();
        let Some(entry) = self.entry_mut(id) else {
            return;
        };
        let granted = |binding_id: &u8| {
            entry
                .registrations
                .get(binding_id)
                .is_some_and(|registration| registration.granted.is_some())
        };
        let usable: Vec<u8> = up.into_iter().filter(granted).collect();
        let registration = entry.registrations.get_mut(&about);
        let Some(request) = registration.and_then(|r| r.request.as_mut()) else {
            return;
        };
        let current = usable.iter().position(|over| *over == request.over);
        let next = current.map_or(0, |index| index + 1);
        let next = usable.get(next).or_else(|| usable.first());
        request.over = next.copied().unwrap_or(request.over);
    }

    fn give_up(&mut self, id: SessionId, about: u8, purpose: Purpose) {
        self.forget_request(id, about);
        match purpose {
            Purpose::Close => self.remove(id, "de-registration unanswered"),
            Purpose::Leave => {
                self.left(id, about);
                self.drive(id);
            }
            Purpose::Release => self.family_released(id),
            Purpose::Register => {}
        }
    }

    /// A path is de-registered, or as good as: it expires at the anchor.
    pub(super) fn left(&mut self, id: SessionId, about: u8) {
        let up = self.care_of(about).is_some();
        if let Some(entry) = self.entry_mut(id)
            && let Some(registration) = entry.registrations.get_mut(&about)
        {
            registration.to_leave = false;
            if !up && registration.granted.is_none() && registration.request.is_none() {
                entry.registrations.remove(&about);
            }
        }
    }

    pub(super) fn forget_request(&mut self, id: SessionId, about: u8) {
        self.timers.cancel(TimerKind::Retransmit(id, about));
        if let Some(entry) = self.entry_mut(id) {
            entry.end_request(about);
        }
    }

    pub(super) fn refresh(&mut self, id: SessionId, binding_id: u8) {
        let Some(entry) = self.entry(id) else {
            return;
        };
        let busy = entry
            .registration(binding_id)
            .is_none_or(|registration| registration.request.is_some());
        let up = self.care_of(binding_id).is_some();
        if entry.life == Life::Wanted && up && !busy && !self.shutting_down {
            self.start(id, binding_id, handoff::NOT_CHANGED);
        } else if let Some(entry) = self.entry_mut(id) {
            // Made good for as soon as the entry may register again.
            entry.doubt(binding_id);
        }
    }

    /// A binding ends at the anchor without having been refreshed.
    pub(super) fn expire(&mut self, id: SessionId, binding_id: u8) {
        self.stats.expired = self.stats.expired.saturating_add(1);
        let mode = self.first_mode();
        let Some(entry) = self.entry_mut(id) else {
            return;
        };
        let lma = entry.lma;
        if let Some(registration) = entry.registrations.get_mut(&binding_id) {
            registration.granted = None;
        }
        let lost = entry.granted().next().is_none();
        if lost {
            entry.mode = mode;
            entry.valid_until = None;
        }
        self.sync_session(id);
        if lost {
            self.withdraw(id, "expired");
        }
        self.sync_path(path_id(lma, binding_id), "registration expired");
        self.drive(id);
    }

    pub(super) fn try_again(&mut self, id: SessionId, binding_id: u8) {
        if let Some(entry) = self.entry_mut(id)
            && let Some(registration) = entry.registrations.get_mut(&binding_id)
        {
            registration.again_at = None;
        }
        self.drive(id);
    }

    /// De-registers a mobile node; `again`: and registers it anew afterwards.
    pub(super) fn close(&mut self, id: SessionId, again: bool) {
        let Some(entry) = self.entry(id) else {
            return;
        };
        if matches!(entry.life, Life::Closing { .. }) {
            if let Some(entry) = self.entry_mut(id)
                && !again
            {
                entry.life = Life::Closing { again: false };
            }
            return;
        }
        // The entry of the list is there from the first PBU on (RFC 5213 section 6.1): what was not
        // answered yet may have been accepted.
        let asked = entry.registrations.values().any(|r| r.request.is_some());
        let known = asked || entry.valid_until.is_some_and(|until| until > self.now);
        let over = self
            .living_path(entry)
            .or_else(|| self.interfaces_by_priority().first().copied());
        self.cancel_all(id);
        if let Some(entry) = self.entry_mut(id) {
            entry.life = Life::Closing { again };
            for registration in entry.registrations.values_mut() {
                registration.request = None;
                registration.again_at = None;
            }
        }
        match over {
            Some(over) if known => self.ask(id, over, Purpose::Close, over, handoff::UNKNOWN),
            Some(_) | None => self.remove(id, "de-registered"),
        }
    }
}
