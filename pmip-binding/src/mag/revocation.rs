//! Revoking bindings at the anchor: RFC 5846 sections 6.1, 6.3 and 9.2.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

use pmip_wire::{
    BindingRevocationAcknowledgement, BindingRevocationStatus, Message, RevocationTrigger,
    SequenceNumber,
};

use crate::event::{DropReason, Event, RevocationEvent, SessionId};
use crate::input::Revoke;
use crate::io::Datagram;
use crate::message::Identifier;
use crate::revocation::{self, Retry, Subject};

use super::list::{Life, path_id, path_parts};
use super::revoked::Answered;
use super::{Mag, TimerKind};

const REASON: &str = "revoked by command";

/// What was asked of the anchors, and what they were answered.
#[derive(Clone, Debug, Default)]
pub(super) struct Revocations {
    outstanding: BTreeMap<u16, Revocation>,
    pub(super) answered: VecDeque<Answered>,
}

/// One indication of ours.
#[derive(Clone, Debug)]
struct Revocation {
    lma: usize,
    /// The Binding ID whose interface carries it.
    over: u8,
    trigger: RevocationTrigger,
    subject: Subject,
    /// The path whose bindings end with a global one.
    about: Option<u8>,
    retry: Retry,
}

impl Mag {
    pub(super) fn revoke(&mut self, what: &Revoke) {
        let (name, found) = match what {
            Revoke::MobileNode { nai, trigger } => (nai, self.revoke_mobile_node(nai, *trigger)),
            Revoke::Path {
                nai,
                binding_id,
                trigger,
            } => (nai, self.revoke_path(nai, *binding_id, *trigger)),
            Revoke::Peer { peer } => (peer, self.revoke_peer(peer)),
            // RFC 5846 section 8.1: these are the anchor's.
            Revoke::Ipv4Home { nai: name, .. } | Revoke::Realm { realm: name } => (name, false),
        };
        if !found {
            let name = name.clone();
            self.emit(Event::Revocation(RevocationEvent::Impossible { name }));
        }
    }

    /// RFC 5846 section 9.2 lets the tunnels go at once.
    fn revoke_mobile_node(&mut self, nai: &str, trigger: RevocationTrigger) -> bool {
        let Some((id, over)) = self.revocable(nai, trigger) else {
            return false;
        };
        let Some(entry) = self.entry(id) else {
            return false;
        };
        let subject = Subject::of_mn(entry.mn.clone(), &entry.home_prefixes);
        let lma = entry.lma;
        self.let_go(id);
        self.start_revocation(lma, over, trigger, subject, None);
        true
    }

    fn revocable(&self, nai: &str, trigger: RevocationTrigger) -> Option<(SessionId, u8)> {
        let id = *self.by_mn.get(&Identifier::nai(nai))?;
        let over = self.living_path(self.entry(id)?)?;
        (!revocation::is_global(trigger)).then_some((id, over))
    }

    /// A logical mobile node can't leave: it waits to be cleared.
    fn let_go(&mut self, id: SessionId) {
        if self.entry(id).is_some_and(|entry| entry.logical) {
            self.forget_session(id, Life::Halted, REASON);
        } else {
            if let Some(entry) = self.entry_mut(id) {
                entry.life = Life::Closing { again: false };
            }
            self.remove(id, REASON);
        }
    }

    fn revoke_path(&mut self, nai: &str, binding_id: u8, trigger: RevocationTrigger) -> bool {
        let Some((id, over)) = self.revocable(nai, trigger) else {
            return false;
        };
        let Some(entry) = self.entry(id).filter(|e| e.grant(binding_id).is_some()) else {
            return false;
        };
        if entry.granted().all(|other| other == binding_id) {
            return self.revoke_mobile_node(nai, trigger);
        }
        let mut subject = Subject::of_mn(entry.mn.clone(), &entry.home_prefixes);
        subject.binding_ids.push(binding_id.into());
        subject.multipath = self.multipath_of(binding_id);
        if over != binding_id {
            subject.care_of = self.care_of(binding_id);
        }
        let lma = entry.lma;
        self.drop_revoked_path(id, binding_id);
        self.start_revocation(lma, over, trigger, subject, None);
        true
    }

    /// RFC 5846 section 9.2: one indication per care-of address. The bindings stay until the
    /// anchor agrees, for it may not allow it.
    fn revoke_peer(&mut self, name: &str) -> bool {
        let mut lmas = self.config.lmas.iter();
        let Some(lma) = lmas.position(|lma| lma.identity == name) else {
            return false;
        };
        if self
            .anchors
            .get(lma)
            .is_none_or(|anchor| anchor.global_refused)
        {
            return false;
        }
        let up = self.interfaces_by_priority();
        let used = |binding_id: &u8| self.users(lma, *binding_id) > 0;
        let used: Vec<u8> = up.into_iter().filter(used).collect();
        let alive = |binding_id: &u8| self.is_alive(path_id(lma, *binding_id));
        let living = used.iter().copied().find(alive);
        let mut starts = Vec::new();
        for &about in &used {
            let over = if alive(&about) { Some(about) } else { living };
            let mut subject = Subject::of_mn(Identifier::nai(&self.config.identity), &[]);
            let over = over.unwrap_or(about);
            subject.care_of = self.care_of(about).filter(|_| over != about);
            starts.push((over, subject, about));
        }
        let found = !starts.is_empty();
        for (over, subject, about) in starts {
            let trigger = RevocationTrigger::PerPeerPolicy;
            self.start_revocation(lma, over, trigger, subject, Some(about));
        }
        found
    }

    fn start_revocation(
        &mut self,
        lma: usize,
        over: u8,
        trigger: RevocationTrigger,
        subject: Subject,
        about: Option<u8>,
    ) {
        let revocation = Revocation {
            lma,
            over,
            trigger,
            subject,
            about,
            retry: Retry::new(&self.config.revocation),
        };
        let known = self.anchors.get(lma);
        let full = self.revocations.outstanding.len() > usize::from(u16::MAX) / 2;
        if full || known.is_some_and(|anchor| anchor.revocation_refused) {
            return self.finish_revocation(&revocation, None);
        }
        let mut sequence = self.random.next_u16();
        while self.revocations.outstanding.contains_key(&sequence) {
            sequence = sequence.wrapping_add(1);
        }
        self.revocations.outstanding.insert(sequence, revocation);
        self.send_revocation(sequence);
    }

    fn send_revocation(&mut self, sequence: u16) {
        let Some(revocation) = self.revocations.outstanding.get(&sequence) else {
            return;
        };
        let at = self.now + revocation.retry.wait();
        self.timers.set(TimerKind::Revocation(sequence), at);
        let (lma, over) = (revocation.lma, revocation.over);
        let indication = revocation::indication(sequence, revocation.trigger, &revocation.subject);
        let (Some(care_of), Some((carrier, destination))) =
            (self.care_of(over), self.signalling_to(lma))
        else {
            return;
        };
        let message = Message::BindingRevocationIndication(indication);
        let source = SocketAddr::new(care_of, destination.port());
        self.send_over(path_id(lma, over), carrier, source, destination, &message);
    }

    pub(super) fn revocation_overdue(&mut self, sequence: u16) {
        let Some(revocation) = self.revocations.outstanding.get_mut(&sequence) else {
            return;
        };
        if revocation.retry.again() {
            return self.send_revocation(sequence);
        }
        if let Some(revocation) = self.revocations.outstanding.remove(&sequence) {
            self.finish_revocation(&revocation, None);
        }
    }

    /// RFC 5846 section 6.2.2: an answer that matches nothing outstanding changes nothing.
    pub(super) fn on_revocation_answer(
        &mut self,
        datagram: &Datagram,
        answer: &BindingRevocationAcknowledgement,
    ) {
        let SequenceNumber(sequence) = answer.sequence;
        let from = self.path_at(datagram).map(path_parts);
        let outstanding = self.revocations.outstanding.get(&sequence);
        let ours = outstanding.filter(|ours| from == Some((ours.lma, ours.over)));
        if ours.is_none() {
            return self.drop_datagram(DropReason::UnmatchedSequence, datagram);
        }
        let Some(revocation) = self.revocations.outstanding.remove(&sequence) else {
            return;
        };
        self.timers.cancel(TimerKind::Revocation(sequence));
        if let Some(anchor) = self.anchors.get_mut(revocation.lma) {
            anchor.revocation_answered = true;
        }
        if let Some(failed) = revocation::failed(self.anchor_name(revocation.lma), answer) {
            self.emit(Event::Revocation(failed));
        }
        self.finish_revocation(&revocation, Some(answer.status));
    }

    /// The anchor does not know the message; believed as at the anchor (signalling rules
    /// section 6).
    pub(super) fn revocation_refused(&mut self, datagram: &Datagram) -> bool {
        let Some((lma, over)) = self.path_at(datagram).map(path_parts) else {
            return false;
        };
        let known = self.anchors.get(lma);
        if known.is_none_or(|anchor| anchor.revocation_answered) {
            return false;
        }
        let mut outstanding = self.revocations.outstanding.iter();
        let found = outstanding.find(|(_, ours)| ours.lma == lma && ours.over == over);
        let Some((&sequence, _)) = found else {
            return false;
        };
        if let Some(anchor) = self.anchors.get_mut(lma) {
            anchor.revocation_refused = true;
        }
        self.timers.cancel(TimerKind::Revocation(sequence));
        if let Some(revocation) = self.revocations.outstanding.remove(&sequence) {
            self.finish_revocation(&revocation, None);
        }
        true
    }

    fn finish_revocation(
        &mut self,
        revocation: &Revocation,
        status: Option<BindingRevocationStatus>,
    ) {
        let (peer, trigger) = (self.anchor_name(revocation.lma), revocation.trigger);
        let event = match status {
            Some(status) => RevocationEvent::Answered {
                peer,
                trigger,
                status,
            },
            None => RevocationEvent::Unanswered { peer, trigger },
        };
        self.emit(Event::Revocation(event));
        let Some(about) = revocation.about else {
            return;
        };
        if status == Some(BindingRevocationStatus::GlobalRevocationNotAuthorized) {
            // RFC 5846 section 9.2: not asked again.
            if let Some(anchor) = self.anchors.get_mut(revocation.lma) {
                anchor.global_refused = true;
            }
            return;
        }
        let ids = self.ids().into_iter();
        let meant: Vec<SessionId> = ids
            .filter(|id| {
                let entry = self.entry(*id);
                entry.is_some_and(|e| e.lma == revocation.lma && e.grant(about).is_some())
            })
            .collect();
        for id in meant {
            let last = self
                .entry(id)
                .is_some_and(|entry| entry.granted().all(|other| other == about));
            if last {
                self.let_go(id);
            } else {
                self.drop_revoked_path(id, about);
            }
        }
    }
}
