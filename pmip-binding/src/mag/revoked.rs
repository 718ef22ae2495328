//! Revocation by the anchor: RFC 5846 section 9.1, signalling rules section 10.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use pmip_wire::types::Instant;
use pmip_wire::{
    BindingRevocationIndication, BindingRevocationStatus, Message, MobilityOptions,
    RevocationTrigger,
};
use smallvec::SmallVec;

use crate::event::{DropReason, Event, RevocationEvent, SessionId};
use crate::io::Datagram;
use crate::revocation::{self, Subject};
use crate::seen;

use super::list::{Entry, Life, path_id};
use super::{Mag, TimerKind};

const REASON: &str = "revoked by the anchor";
/// Answered indications that are recognised when they come again.
const REMEMBERED: usize = 64;
/// How long: an anchor has given up by then, whatever its configuration (RFC 5846 section 11).
const MEMORY: Duration = Duration::from_secs(120);

/// An indication that was answered.
#[derive(Clone, Debug)]
pub(super) struct Answered {
    lma: usize,
    indication: Bytes,
    status: BindingRevocationStatus,
    options: MobilityOptions,
    at: Instant,
}

/// The outcome, and what of the indication failed.
type Outcome = (BindingRevocationStatus, Subject);

impl Mag {
    pub(super) fn on_revocation(
        &mut self,
        datagram: &Datagram,
        indication: &BindingRevocationIndication,
    ) {
        let Some(lma) = self.anchor_at(datagram.source.ip()) else {
            return self.drop_datagram(DropReason::UnknownPeer, datagram);
        };
        // Sent again because its answer was lost: what was registered since is not meant.
        if let Some(before) = self.answered_before(lma, &datagram.payload) {
            let (status, options) = (before.status, before.options.clone());
            return self.answer_revocation(datagram, indication, status, options);
        }
        // Replayed: nobody waits for the answer any more.
        if let Some(status) = self.revoked.get(self.now, self.digest(lma, datagram)) {
            return self.answer_revocation(datagram, indication, status, MobilityOptions::new());
        }
        let subject = Subject::from_wire(&indication.options);
        let (status, failed) = match revocation::objection(indication) {
            Some(status) => (status, Subject::default()),
            None if indication.is_global() => {
                let status = self.revoked_globally(lma, indication.trigger, &subject);
                (status, Subject::default())
            }
            None => self.revoked_for_one(lma, indication, &subject),
        };
        self.emit(Event::Revocation(RevocationEvent::Received {
            peer: self.anchor_name(lma),
            trigger: indication.trigger,
            status,
        }));
        self.remember_answer(lma, datagram, status, failed.to_wire());
        self.answer_revocation(datagram, indication, status, failed.to_wire());
    }

    pub(super) fn anchor_name(&self, lma: usize) -> String {
        let peer = self.config.lmas.get(lma);
        peer.map(|peer| peer.identity.clone()).unwrap_or_default()
    }

    /// What a message of an anchor is known by when it comes again.
    pub(super) fn digest(&self, lma: usize, datagram: &Datagram) -> u64 {
        seen::digest(self.anchor_name(lma).as_bytes(), &datagram.payload)
    }

    fn answered_before(&self, lma: usize, indication: &Bytes) -> Option<&Answered> {
        let answered = self.revocations.answered.iter();
        answered.rev().find(|before| {
            before.lma == lma
                && before.indication == *indication
                && self.now.saturating_since(before.at) < MEMORY
        })
    }

    fn remember_answer(
        &mut self,
        lma: usize,
        datagram: &Datagram,
        status: BindingRevocationStatus,
        options: MobilityOptions,
    ) {
        let digest = self.digest(lma, datagram);
        self.revoked.note(self.now, digest, status);
        if self.revocations.answered.len() == REMEMBERED {
            self.revocations.answered.pop_front();
        }
        self.revocations.answered.push_back(Answered {
            lma,
            indication: datagram.payload.clone(),
            status,
            options,
            at: self.now,
        });
    }

    fn answer_revocation(
        &mut self,
        datagram: &Datagram,
        indication: &BindingRevocationIndication,
        status: BindingRevocationStatus,
        options: MobilityOptions,
    ) {
        let mut answer = indication.acknowledgement(status);
        answer.options = options;
        let message = Message::BindingRevocationAcknowledgement(answer);
        self.reply(datagram, &message);
    }

    fn revoked_globally(
        &mut self,
        lma: usize,
        trigger: RevocationTrigger,
        subject: &Subject,
    ) -> BindingRevocationStatus {
        if trigger == RevocationTrigger::PerPeerPolicy {
            if !subject.is_empty() {
                // RFC 5846 section 9.1: it names nothing.
                return BindingRevocationStatus::FunctionNotSupported;
            }
            return self.revoke_where(lma, trigger, |_, _| true);
        }
        let Some(realm) = subject.realm() else {
            return BindingRevocationStatus::RevokedMobileNodesIdentityRequired;
        };
        let care_of = subject.care_of;
        let meant = self.revoke_where(lma, trigger, |mag, entry| {
            revocation::is_of_realm(&entry.mn.octets, realm)
                && care_of.is_none_or(|care_of| {
                    let mut paths = entry.granted();
                    paths.any(|path| mag.care_of(path) == Some(care_of))
                })
        });
        if meant == BindingRevocationStatus::BindingDoesNotExist {
            return BindingRevocationStatus::RevokedMobileNodesIdentityRequired;
        }
        meant
    }

    fn revoke_where(
        &mut self,
        lma: usize,
        trigger: RevocationTrigger,
        is_meant: impl Fn(&Self, &Entry) -> bool,
    ) -> BindingRevocationStatus {
        let meant = |id: &SessionId| {
            let entry = self.entry(*id);
            entry.is_some_and(|entry| {
                entry.lma == lma && entry.is_registered() && is_meant(self, entry)
            })
        };
        let ids: Vec<SessionId> = self.ids().into_iter().filter(meant).collect();
        if ids.is_empty() {
            return BindingRevocationStatus::BindingDoesNotExist;
        }
        for id in ids {
            self.lose_session(id, trigger);
        }
        BindingRevocationStatus::Success
    }

    fn revoked_for_one(
        &mut self,
        lma: usize,
        indication: &BindingRevocationIndication,
        subject: &Subject,
    ) -> Outcome {
        let nothing = (
            BindingRevocationStatus::BindingDoesNotExist,
            Subject::default(),
        );
        let found = subject.mn_id.as_ref().and_then(|mn| self.by_mn.get(mn));
        let found = found.copied().and_then(|id| Some((id, self.entry(id)?)));
        let Some((id, entry)) = found.filter(|(_, entry)| entry.lma == lma) else {
            return nothing;
        };
        if !entry.is_registered() {
            return nothing;
        }
        let closing = matches!(entry.life, Life::Closing { .. });
        if revocation::is_handover(indication.trigger) && !closing {
            // What the program attached and did not detach is still there.
            let attached = BindingRevocationStatus::MobileNodeIsAttached;
            return (attached, Subject::default());
        }
        if indication.is_ipv4_only() {
            let status = self.revoked_ipv4_home(id, subject, indication.trigger);
            return (status, Subject::default());
        }
        let mut failed = Subject::default();
        let held = &entry.home_prefixes;
        let unknown = subject.home_prefixes.iter().filter(|p| !held.contains(p));
        failed.home_prefixes = unknown.copied().collect();
        if !subject.home_prefixes.is_empty() && failed.home_prefixes == subject.home_prefixes {
            return nothing;
        }
        if subject.binding_ids.is_empty() {
            self.lose_session(id, indication.trigger);
        } else {
            failed.binding_ids = self.lose_paths(id, &subject.binding_ids, indication.trigger);
            if failed.binding_ids == subject.binding_ids {
                return nothing;
            }
        }
        if failed.is_empty() {
            return (BindingRevocationStatus::Success, failed);
        }
        failed.mn_id.clone_from(&subject.mn_id);
        (BindingRevocationStatus::PartialSuccess, failed)
    }

    /// Gives the Binding IDs that are not registered.
    fn lose_paths(
        &mut self,
        id: SessionId,
        wanted: &[u16],
        trigger: RevocationTrigger,
    ) -> SmallVec<[u16; 2]> {
        let mut failed = SmallVec::new();
        for &number in wanted {
            let binding_id = u8::try_from(number).unwrap_or(0);
            let granted = self.entry(id).and_then(|entry| entry.grant(binding_id));
            if granted.is_some() {
                self.lose_revoked_path(id, binding_id, trigger);
            } else {
                failed.push(number);
            }
        }
        failed
    }

    /// The other paths carry the session on; this one is asked for again after a long wait, for
    /// the anchor had its reason.
    fn lose_revoked_path(&mut self, id: SessionId, binding_id: u8, trigger: RevocationTrigger) {
        let Some(entry) = self.entry(id) else {
            return;
        };
        let last = entry.granted().all(|other| other == binding_id);
        if last {
            return self.lose_session(id, trigger);
        }
        self.drop_revoked_path(id, binding_id);
    }

    pub(super) fn drop_revoked_path(&mut self, id: SessionId, binding_id: u8) {
        let Some(lma) = self.entry(id).map(|entry| entry.lma) else {
            return;
        };
        self.forget_request(id, binding_id);
        self.timers.cancel(TimerKind::Refresh(id, binding_id));
        self.timers.cancel(TimerKind::Expiry(id, binding_id));
        if let Some(entry) = self.entry_mut(id)
            && let Some(registration) = entry.registrations.get_mut(&binding_id)
        {
            registration.granted = None;
            registration.to_leave = false;
        }
        let longest = self.config.maximum_retransmission;
        self.ask_again_in(id, binding_id, longest);
        self.sync_session(id);
        self.sync_path(path_id(lma, binding_id), REASON);
    }

    /// The session is gone at the anchor. A mobile node that the anchor says left is forgotten
    /// until it attaches again; the others may register anew: the anchor decides then. Where the
    /// anchor only doubts its state, that is at once.
    fn lose_session(&mut self, id: SessionId, trigger: RevocationTrigger) {
        let Some(entry) = self.entry(id) else {
            return;
        };
        let ended = matches!(
            trigger,
            RevocationTrigger::UserInitiatedSessionTermination
                | RevocationTrigger::AccessNetworkSessionTermination
        );
        let closing = matches!(entry.life, Life::Closing { .. });
        let leaves = (ended || revocation::is_handover(trigger)) && !entry.logical;
        if closing || leaves {
            return self.remove(id, REASON);
        }
        let wait = if trigger == RevocationTrigger::PossibleOutOfSyncBceState {
            Duration::ZERO
        } else {
            self.config.initial_retransmission
        };
        self.forget_session(id, Life::Revoked, REASON);
        self.timers.set(TimerKind::Revoked(id), self.now + wait);
    }

    /// Forgets all that the anchor granted; the entry itself stays.
    pub(super) fn forget_session(&mut self, id: SessionId, life: Life, reason: &'static str) {
        self.cancel_all(id);
        let first = self.first_mode();
        let Some(entry) = self.entry_mut(id) else {
            return;
        };
        let bound: Vec<u8> = entry.granted().collect();
        let lma = entry.lma;
        entry.registrations = BTreeMap::new();
        entry.mode = first;
        entry.valid_until = None;
        entry.life = life;
        self.withdraw(id, reason);
        if let Some(entry) = self.entry_mut(id) {
            entry.home_prefixes = SmallVec::new();
            entry.ipv4_home = None;
            entry.delegated = SmallVec::new();
        }
        for binding_id in bound {
            self.sync_path(path_id(lma, binding_id), reason);
        }
        self.stop_idle_heartbeats();
    }

    /// A mobile node whose bindings were revoked may register anew.
    pub(super) fn revocation_over(&mut self, id: SessionId) {
        if let Some(entry) = self.entry_mut(id)
            && entry.life == Life::Revoked
        {
            entry.life = Life::Wanted;
            self.drive(id);
        }
    }

    /// Flag V: the IPv4 home address alone (RFC 5846 section 9.1). It is not asked for again
    /// until the mobile node attaches anew.
    fn revoked_ipv4_home(
        &mut self,
        id: SessionId,
        subject: &Subject,
        trigger: RevocationTrigger,
    ) -> BindingRevocationStatus {
        let Some((address, _)) = subject.ipv4_home else {
            return BindingRevocationStatus::Ipv4HomeAddressOptionRequired;
        };
        let Some(entry) = self.entry_mut(id) else {
            return BindingRevocationStatus::BindingDoesNotExist;
        };
        if entry.ipv4_home.map(|home| home.address) != Some(address) {
            return BindingRevocationStatus::BindingDoesNotExist;
        }
        if entry.home_prefixes.is_empty() {
            self.lose_session(id, trigger);
            return BindingRevocationStatus::Success;
        }
        entry.ipv4_home = None;
        entry.service = crate::config::Service::Ipv6;
        self.sync_session(id);
        self.emit_session_up(id);
        BindingRevocationStatus::Success
    }
}

impl Entry {
    /// The anchor holds something of it, as far as we know.
    fn is_registered(&self) -> bool {
        self.granted().next().is_some() || matches!(self.life, Life::Closing { .. })
    }
}
