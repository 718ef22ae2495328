//! Revocation indications on their way to the access gateways and their answers: RFC 5846
//! sections 6.1 to 6.3.

mod command;
mod handoff;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use pmip_wire::types::PathId;
use pmip_wire::{
    BindingRevocationAcknowledgement, BindingRevocationIndication, BindingRevocationStatus,
    Message, RevocationTrigger, SequenceNumber,
};
use smallvec::SmallVec;

use crate::event::{DropReason, Event, RevocationEvent, SessionId};
use crate::io::Datagram;
use crate::revocation::{self, Retry, Subject};
use crate::security::Proof;
use crate::timers::TimerSlot;

use super::cache::{PeerKey, Session};
use super::judge::Request;
use super::tenants::Tenant;
use super::{Lma, TimerKind, show};

/// Indications under way at once; more wait for their turn.
const MOST_OUTSTANDING: usize = 4096;
/// A session that is being revoked is held at most this much longer than its indication takes.
const SLACK: Duration = Duration::from_secs(60);

/// All that is being revoked.
#[derive(Clone, Debug, Default)]
pub(super) struct Revocations {
    /// By sequence number: no two outstanding ones share one (RFC 5846 section 5.1).
    outstanding: BTreeMap<u16, Revocation>,
    waiting: VecDeque<Revocation>,
    /// Sessions, or single Binding IDs of them.
    about: BTreeSet<(SessionId, Option<u8>)>,
    last_sequence: Option<u16>,
    /// Gateways that answered an indication before.
    answered: BTreeSet<Arc<PeerKey>>,
    /// Gateways that do not know the message.
    refused: BTreeSet<Arc<PeerKey>>,
}

/// One indication.
#[derive(Clone, Debug)]
struct Revocation {
    peer: Arc<PeerKey>,
    trigger: RevocationTrigger,
    subject: Subject,
    ways: SmallVec<[Way; 2]>,
    purpose: Purpose,
    retry: Retry,
    transmissions: usize,
    timer: TimerSlot,
}

/// Where an indication can be sent: our address, and the gateway's as it was observed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) path: PathId,
    pub(super) local: IpAddr,
    pub(super) remote: SocketAddr,
}

/// Where a message came from, and for whom: gateways of two customers may have one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) tenant: Tenant,
    pub(super) remote: SocketAddr,
}

/// What ends with an indication.
#[derive(Clone, Debug)]
enum Purpose {
    Sessions(Vec<SessionId>),
    /// Removed here already.
    Path(SessionId, u8),
    Ipv4Home,
    /// The mobile node moved already: the old gateway is only told.
    Told,
    /// Whether the mobile node left shows when the old gateway answers.
    Asked(SessionId),
}

impl Lma {
    /// Whether an update is for what is being revoked (RFC 5846 section 8.1). It crossed the
    /// indication, or followed an answer that was lost: the gateway sends it again, and by then
    /// the revocation is over.
    pub(super) fn is_being_revoked(&self, request: &Request, id: SessionId) -> bool {
        let about = &self.revocations.about;
        if about.is_empty() || request.update.common.lifetime == 0 {
            return false;
        }
        let same = self
            .cache
            .get(id)
            .is_some_and(|session| session.peer == request.peer);
        let binding_id = request.multipath.map(|multipath| multipath.binding_id);
        same && (about.contains(&(id, None))
            || binding_id.is_some_and(|binding_id| about.contains(&(id, Some(binding_id)))))
    }

    fn prepare(
        &self,
        session: &Session,
        trigger: RevocationTrigger,
        subject: Subject,
        purpose: Purpose,
    ) -> Option<Revocation> {
        let ways = self.ways_to(session);
        (!ways.is_empty()).then(|| Revocation {
            peer: Arc::clone(&session.peer),
            trigger,
            subject,
            ways,
            purpose,
            retry: Retry::new(&self.config.revocation),
            transmissions: 0,
            timer: TimerSlot::default(),
        })
    }

    /// Where a session's gateway is reached, living paths first. The destination is where the
    /// path's last accepted PBU came from (signalling rules section 7).
    pub(super) fn ways_to(&self, session: &Session) -> SmallVec<[Way; 2]> {
        let paths = session.paths.iter();
        let mut ways: SmallVec<[(bool, Way); 2]> = paths
            .filter_map(|binding| {
                let path = self.paths.get(binding.path)?;
                let way = Way {
                    path: binding.path,
                    local: path.key.local,
                    remote: path.observed,
                };
                Some((!path.is_alive(), way))
            })
            .collect();
        ways.sort_by_key(|(dead, _)| *dead);
        ways.into_iter().map(|(_, way)| way).collect()
    }

    /// Forwarding stops; the session is kept until the gateway answers or the indication was
    /// repeated often enough (RFC 5846 section 8.1).
    fn hold(&mut self, id: SessionId, revocation: &Revocation) {
        let until = self.now + revocation.retry.total() + SLACK;
        self.revocations.about.insert((id, None));
        self.start_delete_until(id, until, "revoked");
    }

    fn start_revocation(&mut self, revocation: Revocation) {
        if let Purpose::Path(id, binding_id) = revocation.purpose {
            self.revocations.about.insert((id, Some(binding_id)));
        }
        if self.revocations.refused.contains(&revocation.peer) {
            return self.finish_revocation(revocation, None);
        }
        if self.revocations.outstanding.len() >= MOST_OUTSTANDING {
            // What waits is bounded by the sessions and held PBUs that it is about; what a gateway
            // is merely told of a handoff is about neither.
            return match revocation.purpose {
                Purpose::Told => self.tell_outcome(&revocation, None),
                Purpose::Sessions(_)
                | Purpose::Path(..)
                | Purpose::Ipv4Home
                | Purpose::Asked(_) => self.revocations.waiting.push_back(revocation),
            };
        }
        let first = self.random.next_u16();
        let mut sequence = match self.revocations.last_sequence {
            Some(last) => last.wrapping_add(1),
            None => first,
        };
        while self.revocations.outstanding.contains_key(&sequence) {
            sequence = sequence.wrapping_add(1);
        }
        self.revocations.last_sequence = Some(sequence);
        self.revocations.outstanding.insert(sequence, revocation);
        self.send_revocation(sequence);
    }

    fn send_revocation(&mut self, sequence: u16) {
        let now = self.now;
        let Some(revocation) = self.revocations.outstanding.get_mut(&sequence) else {
            return;
        };
        let index = revocation.transmissions % revocation.ways.len().max(1);
        revocation.transmissions += 1;
        let at = now + revocation.retry.wait();
        self.timers
            .set(&mut revocation.timer, TimerKind::Revocation(sequence), at);
        let Some(&way) = revocation.ways.get(index) else {
            return;
        };
        let indication = revocation::indication(sequence, revocation.trigger, &revocation.subject);
        let message = Message::BindingRevocationIndication(indication);
        let peer = Arc::clone(&revocation.peer);
        self.send_by(way, &peer, &message);
    }

    /// An indication was not answered in time (RFC 5846 section 6.3).
    pub(super) fn revocation_overdue(&mut self, sequence: u16) {
        let Some(revocation) = self.revocations.outstanding.get_mut(&sequence) else {
            return;
        };
        if revocation.retry.again() {
            return self.send_revocation(sequence);
        }
        if let Some(revocation) = self.revocations.outstanding.remove(&sequence) {
            self.finish_revocation(revocation, None);
        }
    }

    /// RFC 5846 section 6.2.2: an answer that matches nothing outstanding changes nothing.
    pub(super) fn on_revocation_answer(
        &mut self,
        datagram: &Datagram,
        answer: &BindingRevocationAcknowledgement,
        proof: Proof,
    ) {
        let SequenceNumber(sequence) = answer.sequence;
        let asked = self.revocations.asked(sequence, self.origin_of(datagram));
        let ours = asked.is_some_and(|peer| self.speaks_for(proof, peer));
        let Some(revocation) = self.revocations.take_if(ours, sequence) else {
            return self.drop_datagram(DropReason::UnmatchedSequence, datagram);
        };
        self.timers
            .cancel(revocation.timer, TimerKind::Revocation(sequence));
        let peer = Arc::clone(&revocation.peer);
        let failed = revocation::failed(show::name(&peer), answer);
        remember(&mut self.revocations.answered, peer);
        if let Some(failed) = failed {
            self.emit(Event::Revocation(failed));
        }
        self.finish_revocation(revocation, Some(answer.status));
    }

    /// The gateway does not know the message (RFC 5846 section 6.2). Believed only with an
    /// indication outstanding, and of a gateway that never answered one (signalling rules
    /// section 6).
    pub(super) fn revocation_refused(&mut self, datagram: &Datagram, proof: Proof) -> bool {
        let revocations = &self.revocations;
        let found = revocations
            .asked_at(self.origin_of(datagram))
            .find(|(_, peer)| {
                !revocations.answered.contains(*peer) && self.speaks_for(proof, peer)
            });
        let Some((sequence, _)) = found else {
            return false;
        };
        if let Some(revocation) = self.revocations.outstanding.remove(&sequence) {
            self.timers
                .cancel(revocation.timer, TimerKind::Revocation(sequence));
            let peer = Arc::clone(&revocation.peer);
            remember(&mut self.revocations.refused, peer);
            self.finish_revocation(revocation, None);
        }
        true
    }

    /// Whatever the answer, what was to end ends: the operator wants it so (RFC 5846
    /// section 6.2.2 leaves it to local policy). Only a handoff whose state is unknown depends on
    /// the answer.
    fn finish_revocation(
        &mut self,
        revocation: Revocation,
        status: Option<BindingRevocationStatus>,
    ) {
        self.tell_outcome(&revocation, status);
        match revocation.purpose {
            Purpose::Sessions(ids) => {
                for id in ids {
                    self.revocations.about.remove(&(id, None));
                    if self.cache.get(id).is_some_and(Session::is_deleting) {
                        self.end_session(id, "revoked");
                    }
                }
            }
            Purpose::Path(id, binding_id) => {
                self.revocations.about.remove(&(id, Some(binding_id)));
            }
            Purpose::Ipv4Home | Purpose::Told => {}
            Purpose::Asked(id) => self.old_gateway_answered(id, &revocation.peer, status),
        }
        if let Some(next) = self.revocations.waiting.pop_front() {
            self.start_revocation(next);
        }
    }

    fn tell_outcome(&mut self, revocation: &Revocation, status: Option<BindingRevocationStatus>) {
        let (peer, trigger) = (show::name(&revocation.peer), revocation.trigger);
        let event = match status {
            Some(status) => RevocationEvent::Answered {
                peer,
                trigger,
                status,
            },
            None => RevocationEvent::Unanswered { peer, trigger },
        };
        self.emit(Event::Revocation(event));
    }

    /// RFC 5846 section 6.1.2.
    pub(super) fn answer_revocation(
        &mut self,
        datagram: &Datagram,
        proof: Proof,
        indication: &BindingRevocationIndication,
        (status, failed): (BindingRevocationStatus, &Subject),
    ) {
        let mut answer = indication.acknowledgement(status);
        answer.options = failed.to_wire();
        let message = Message::BindingRevocationAcknowledgement(answer);
        self.reply(datagram, proof, None, &message);
    }
}

/// Gateways come and go: what is known of more than a bound of them is not worth its memory.
pub(super) fn remember(peers: &mut BTreeSet<Arc<PeerKey>>, peer: Arc<PeerKey>) {
    if peers.len() >= MOST_OUTSTANDING {
        peers.pop_first();
    }
    peers.insert(peer);
}

impl Revocation {
    /// Whether it was sent there.
    fn went_to(&self, there: Origin) -> bool {
        let mut ways = self.ways.iter().take(self.transmissions);
        self.peer.tenant == there.tenant && ways.any(|way| way.remote == there.remote)
    }
}

impl Revocations {
    /// Whether no answer is waited for.
    pub(super) fn is_idle(&self) -> bool {
        self.outstanding.is_empty() && self.waiting.is_empty()
    }

    /// Who was asked there by the outstanding indication with this number.
    pub(super) fn asked(&self, sequence: u16, there: Origin) -> Option<&Arc<PeerKey>> {
        let revocation = self.outstanding.get(&sequence);
        let revocation = revocation.filter(|revocation| revocation.went_to(there))?;
        Some(&revocation.peer)
    }

    /// The outstanding indications that were sent there, and to whom.
    pub(super) fn asked_at(&self, there: Origin) -> impl Iterator<Item = (u16, &Arc<PeerKey>)> {
        let outstanding = self.outstanding.iter();
        let there = outstanding.filter(move |(_, revocation)| revocation.went_to(there));
        there.map(|(sequence, revocation)| (*sequence, &revocation.peer))
    }

    fn take_if(&mut self, wanted: bool, sequence: u16) -> Option<Revocation> {
        if wanted {
            self.outstanding.remove(&sequence)
        } else {
            None
        }
    }
}
