//! Taking Proxy Binding Acknowledgements: RFC 5213 section 6.9.1.2.

use std::net::Ipv4Addr;
use std::time::Duration;

use pmip_wire::SequenceNumber;
use pmip_wire::types::IpPrefix;
use smallvec::SmallVec;

use crate::event::{DropReason, Event, Forwarding, SessionEvent, SessionId};
use crate::io::Datagram;
use crate::message::{Acknowledgement, is_all_zero, status};

use super::list::{Entry, Grant, Home, Life, Mode, Purpose, Registration, path_id};
use super::refusal::Asked;
use super::{Mag, TimerKind};

/// The request that an answer belongs to.
struct Match {
    id: SessionId,
    about: u8,
    purpose: Purpose,
    doubtful: bool,
    /// The request offered to be redirected.
    redirectable: bool,
    /// The timestamp of the transmission that is answered.
    asked: Option<u64>,
    /// What the request asked for, see `Entry::wish`.
    wish: u32,
    /// It carries what only somebody who saw the request knows, as far as its status allows.
    proven: bool,
}

impl Mag {
    pub(super) fn on_answer(&mut self, datagram: &Datagram, answer: &Acknowledgement) {
        let found = match self.find_request(datagram, answer) {
            Ok(found) => found,
            Err(reason) => return self.drop_datagram(reason, datagram),
        };
        if self.contradicts(&found, answer) {
            if !found.proven {
                return self.drop_datagram(DropReason::OptionMismatch, datagram);
            }
            self.forget_request(found.id, found.about);
            if let Some(entry) = self.entry_mut(found.id) {
                entry.life = Life::Halted;
            }
            return self.drop_datagram(DropReason::OptionMismatch, datagram);
        }
        let orders = answer.controlled.as_ref();
        if orders.is_some_and(|orders| !orders.is_usable()) {
            return self.drop_datagram(DropReason::ZeroParameter, datagram);
        }
        if let Some(lma) = self.entry(found.id).map(|entry| entry.lma) {
            self.note_load(lma, answer.load);
        }
        self.stats.count_status(answer.status);
        let accepted = answer.status < status::FIRST_REJECTION;
        if !accepted && found.purpose != Purpose::Register {
            // The anchor still holds it: it is asked again in its time, with a new timestamp.
            return self.learn_order(found.id, answer);
        }
        self.forget_request(found.id, found.about);
        match (accepted, found.purpose) {
            (true, Purpose::Register) => self.accepted(&found, answer),
            (_, Purpose::Leave) => {
                self.left(found.id, found.about);
                self.drive(found.id);
            }
            (_, Purpose::Release) => self.family_released(found.id),
            (_, Purpose::Close) => self.remove(found.id, "de-registered"),
            (false, Purpose::Register) => {
                let asked = Asked {
                    timestamp: found.asked,
                    wish: found.wish,
                };
                self.refused(found.id, found.about, asked, answer);
            }
        }
    }

    /// Items 3 and 5. An answer must also carry our timestamp back (section 5.5 item 7), so that
    /// nobody who did not see the request can forge it; only one that refuses the timestamp itself
    /// carries the anchor's time instead.
    fn find_request(
        &self,
        datagram: &Datagram,
        answer: &Acknowledgement,
    ) -> Result<Match, DropReason> {
        let mn_id = answer.common.mn_id.as_ref();
        let id = mn_id.and_then(|mn_id| self.by_mn.get(mn_id)).copied();
        let id = id.ok_or(DropReason::UnmatchedSequence)?;
        let entry = self.entry(id).ok_or(DropReason::UnmatchedSequence)?;
        if self.anchor_at(datagram.source.ip()) != Some(entry.lma) {
            return Err(DropReason::UnknownPeer);
        }
        let mut registrations = entry.registrations.iter();
        let (&about, registration) = registrations
            .find(|(about, registration)| answers(**about, registration, answer))
            .ok_or(DropReason::UnmatchedSequence)?;
        let request = registration
            .request
            .as_ref()
            .ok_or(DropReason::UnmatchedSequence)?;
        let sequence = answer.common.sequence;
        let sent = request.sent.iter().find(|(number, _)| *number == sequence);
        let asked = sent.and_then(|(_, timestamp)| *timestamp);
        let by_order = answer.status == status::SEQUENCE_OUT_OF_WINDOW;
        let of_time = is_about_time(answer.status);
        if asked.is_some() && !by_order && !of_time && answer.common.timestamp != asked {
            return Err(DropReason::OptionMismatch);
        }
        Ok(Match {
            id,
            about,
            purpose: request.purpose,
            doubtful: request.doubtful,
            redirectable: request.redirectable,
            asked,
            wish: request.wish,
            proven: !by_order && !of_time,
        })
    }

    /// Item 6: options that the anchor should have echoed differ.
    fn contradicts(&self, found: &Match, answer: &Acknowledgement) -> bool {
        let Some(entry) = self.entry(found.id) else {
            return false;
        };
        let registration = entry.registration(found.about);
        let handoff = registration
            .and_then(|registration| registration.request.as_ref())
            .map(|request| request.handoff);
        let common = &answer.common;
        let differs = |ours: Option<u8>, theirs: Option<u8>| theirs.is_some() && theirs != ours;
        differs(handoff, common.handoff)
            || differs(Some(entry.access_technology), common.access_technology)
            || (common.link_layer.is_some()
                && common.link_layer.as_deref() != entry.link_layer.as_deref())
    }

    /// Items 12 to 14.
    fn accepted(&mut self, found: &Match, answer: &Acknowledgement) {
        let (id, binding_id) = (found.id, found.about);
        if !self.follow(id, found.redirectable, answer.redirect) {
            return self.drive(id);
        }
        let care_of = self.care_of(binding_id);
        let lifetime = self.lifetime_of(answer);
        let grant = Grant {
            lifetime,
            expires: self.now + lifetime,
            stale: found.doubtful,
        };
        let Some(entry) = self.entry_mut(id) else {
            return;
        };
        let registration = entry.registrations.entry(binding_id).or_default();
        registration.granted = Some(grant);
        registration.to_leave = false;
        entry.valid_until = entry.valid_until.max(Some(grant.expires));
        entry.last_care_of = care_of;
        entry.last_interface = Some(binding_id);
        entry.accepted_once = true;
        entry.mode = match (entry.mode, answer.common.multipath) {
            (Mode::Discovering | Mode::Multipath, Some(_)) => Mode::Multipath,
            (Mode::Discovering | Mode::Multipath | Mode::Single, _) => Mode::Single,
        };
        let single = entry.mode == Mode::Single;
        let changed = entry.take_addresses(answer);
        if changed {
            entry.wish = entry.wish.wrapping_add(1);
        }
        let lma = entry.lma;
        self.take_gre(id, binding_id, answer);
        self.take_link_local(id, answer);
        self.obey_anchor(id, path_id(lma, binding_id), answer);
        self.arm_grant(id, binding_id, grant);
        self.watch_path(path_id(lma, binding_id));
        self.sync_path(path_id(lma, binding_id), "registered");
        let left = if single {
            self.drop_other_grants(id, binding_id)
        } else {
            SmallVec::new()
        };
        self.announce(id, changed);
        self.advertise_changes(id, changed);
        for other in left {
            self.sync_path(path_id(lma, other), "handed off");
        }
        let keep_alive = answer.nat_detection.map(|(_, seconds)| seconds);
        self.start_mapping_probe(path_id(lma, binding_id), keep_alive);
        self.clock_agrees(lma);
        self.drive(id);
        self.take_access_network(id, answer);
    }

    fn arm_grant(&mut self, id: SessionId, binding_id: u8, grant: Grant) {
        let lead = self.lead(id, grant.lifetime);
        self.timers
            .set(TimerKind::Refresh(id, binding_id), grant.expires - lead);
        self.timers
            .set(TimerKind::Expiry(id, binding_id), grant.expires);
        self.timers.cancel(TimerKind::Again(id, binding_id));
    }

    fn lifetime_of(&self, answer: &Acknowledgement) -> Duration {
        let units = u64::from(answer.common.lifetime).max(1);
        Duration::from_secs(units * 4).min(self.config.lifetime.max(Duration::from_secs(4)))
    }

    /// After a handoff of the only path the earlier one is gone.
    fn drop_other_grants(&mut self, id: SessionId, kept: u8) -> SmallVec<[u8; 2]> {
        let Some(entry) = self.entry_mut(id) else {
            return SmallVec::new();
        };
        let others: SmallVec<[u8; 2]> = entry.granted().filter(|other| *other != kept).collect();
        for other in &others {
            entry.registrations.remove(other);
        }
        for &other in &others {
            self.timers.cancel(TimerKind::Refresh(id, other));
            self.timers.cancel(TimerKind::Expiry(id, other));
            self.timers.cancel(TimerKind::Retransmit(id, other));
        }
        others
    }

    /// Tells the forwarding plane and the driver of a session that is up.
    fn announce(&mut self, id: SessionId, changed: bool) {
        let first = self.entry(id).is_some_and(|entry| !entry.announced);
        if let Some(entry) = self.entry_mut(id) {
            entry.announced = true;
        }
        self.sync_session(id);
        if !(first || changed) {
            return;
        }
        if first {
            self.stats.sessions_created = self.stats.sessions_created.saturating_add(1);
        }
        self.emit_session_up(id);
    }

    /// Tells the forwarding plane what changed about a session's route.
    pub(super) fn sync_session(&mut self, id: SessionId) {
        let Some(entry) = self.entry(id) else {
            return;
        };
        let route = self.route_of(id, entry);
        if !entry.announced || entry.installed.as_ref() == Some(&route) {
            return;
        }
        if let Some(entry) = self.entry_mut(id) {
            entry.installed = Some(route.clone());
        }
        self.emit(Event::Forwarding(Forwarding::InstallSession(route)));
    }

    /// The anchor does not hold the session any more.
    pub(super) fn withdraw(&mut self, id: SessionId, reason: &'static str) {
        let Some(entry) = self.entry_mut(id) else {
            return;
        };
        if !std::mem::take(&mut entry.announced) {
            return;
        }
        entry.installed = None;
        let mn_id = entry.nai.clone();
        self.withdraw_advertisement(id);
        self.emit(Event::Forwarding(Forwarding::RemoveSession(id)));
        self.emit(Event::Session(SessionEvent::Down {
            session: id,
            mn_id,
            reason,
        }));
    }
}

/// Whether the answer belongs to the registration's outstanding request.
fn answers(about: u8, registration: &Registration, answer: &Acknowledgement) -> bool {
    let Some(request) = &registration.request else {
        return false;
    };
    let named = answer
        .common
        .multipath
        .map(|multipath| multipath.binding_id);
    if named.is_some_and(|named| named != about) {
        return false;
    }
    let sequence = answer.common.sequence;
    let mut sent = request.sent.iter();
    if answer.status != status::SEQUENCE_OUT_OF_WINDOW {
        return sent.any(|(number, _)| *number == sequence);
    }
    // It carries the anchor's last accepted number, not ours (RFC 6275 section 9.5.1): what it
    // says must be true of a request, and of one with a timestamp the anchor knows that.
    sent.any(|&(number, timestamp)| match timestamp {
        Some(timestamp) => answer.common.timestamp == Some(timestamp),
        None => !SequenceNumber(number).is_newer_than(SequenceNumber(sequence)),
    })
}

/// Whether the status refuses the timestamp, so that the answer carries the anchor's time.
pub(super) const fn is_about_time(code: u8) -> bool {
    matches!(code, status::TIMESTAMP_MISMATCH | status::TIMESTAMP_LOWER)
}

impl Entry {
    /// Takes over what the anchor assigned; true when anything changed.
    fn take_addresses(&mut self, answer: &Acknowledgement) -> bool {
        let given = answer.common.home_prefixes.iter().copied();
        let homes: SmallVec<[IpPrefix; 1]> = given.filter(|prefix| !is_all_zero(*prefix)).collect();
        let given = answer.common.delegated.iter().copied();
        let delegated: SmallVec<[IpPrefix; 2]> =
            given.filter(|prefix| !is_all_zero(*prefix)).collect();
        let reply = answer.home_reply.filter(|reply| reply.status == 0);
        let home = reply.map(|reply| Home {
            address: reply.address,
            prefix_length: reply.prefix_length,
            router: answer.default_router.unwrap_or(Ipv4Addr::UNSPECIFIED),
        });
        let changed =
            self.home_prefixes != homes || self.delegated != delegated || self.ipv4_home != home;
        self.home_prefixes = homes;
        self.delegated = delegated;
        self.ipv4_home = home;
        changed
    }
}
