//! Revoking bindings at the access gateways: RFC 5846 sections 6.1, 6.3 and 8.1, signalling rules
//! section 10.

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

use crate::event::{DropReason, Event, Forwarding, RevocationEvent, SessionId};
use crate::input::Revoke;
use crate::io::Datagram;
use crate::message::{Identifier, Multipath};
use crate::revocation::{self, Retry, Subject};
use crate::security::Proof;
use crate::timers::TimerSlot;

use super::allocation::Holdings;
use super::cache::{PeerKey, Session};
use super::judge::Request;
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

/// What the old gateway is told after a handoff, collected before its paths are gone.
pub(super) struct Notice(Revocation);

impl Lma {
    pub(super) fn revoke(&mut self, what: &Revoke) {
        let found = match what {
            Revoke::MobileNode { nai, trigger } => self.revoke_mobile_node(nai, *trigger),
            Revoke::Path {
                nai,
                binding_id,
                trigger,
            } => self.revoke_path_of(nai, *binding_id, *trigger),
            Revoke::Ipv4Home { nai, trigger } => self.revoke_ipv4_home(nai, *trigger),
            Revoke::Peer { peer } => {
                let is_meant = |session: &Session| show::name(&session.peer) == *peer;
                self.revoke_peers(is_meant, None)
            }
            Revoke::Realm { realm } => {
                let of_realm = |session: &Session| {
                    revocation::is_of_realm(&session.mn().octets, realm.as_bytes())
                };
                self.revoke_peers(of_realm, Some(realm))
            }
        };
        if !found {
            let name = match what {
                Revoke::MobileNode { nai: name, .. }
                | Revoke::Path { nai: name, .. }
                | Revoke::Ipv4Home { nai: name, .. }
                | Revoke::Peer { peer: name }
                | Revoke::Realm { realm: name } => name.clone(),
            };
            self.emit(Event::Revocation(RevocationEvent::Impossible { name }));
        }
    }

    /// Every binding of every gateway.
    pub(super) fn revoke_everything(&mut self) {
        self.revoke_peers(|_| true, None);
    }

    pub(super) fn revoke_mobile_node(&mut self, nai: &str, trigger: RevocationTrigger) -> bool {
        let ids = self.cache.of_mn(&Identifier::nai(nai));
        if revocation::is_global(trigger) {
            return false;
        }
        for &id in &ids {
            self.revoke_session(id, trigger);
        }
        !ids.is_empty()
    }

    fn revoke_session(&mut self, id: SessionId, trigger: RevocationTrigger) {
        self.ask_peer_again(id);
        let Some(session) = self.cache.get(id) else {
            return;
        };
        if session.is_deleting() {
            return self.end_if_idle(id);
        }
        let subject = Subject::of_mn(session.mn(), session.home_prefixes());
        let purpose = Purpose::Sessions(vec![id]);
        let Some(revocation) = self.prepare(session, trigger, subject, purpose) else {
            return;
        };
        self.hold(id, &revocation);
        self.start_revocation(revocation);
    }

    /// De-registered by its gateway, there is nobody to tell; being revoked, it is told already.
    fn end_if_idle(&mut self, id: SessionId) {
        if !self.revocations.about.contains(&(id, None)) {
            self.end_session(id, "cleared by command");
        }
    }

    /// One indication per gateway: for all that it has, or for a realm.
    fn revoke_peers(
        &mut self,
        is_meant: impl Fn(&Session) -> bool,
        realm: Option<&String>,
    ) -> bool {
        let mut by_peer: BTreeMap<Arc<PeerKey>, Vec<SessionId>> = BTreeMap::new();
        for (id, session) in self.cache.iter().filter(|(_, session)| is_meant(session)) {
            let sessions = by_peer.entry(Arc::clone(&session.peer)).or_default();
            sessions.push(id);
        }
        let found = !by_peer.is_empty();
        for (_, sessions) in by_peer {
            self.revoke_of_peer(&sessions, realm);
        }
        found
    }

    fn revoke_of_peer(&mut self, sessions: &[SessionId], realm: Option<&String>) {
        if let Some(id) = sessions.first() {
            self.ask_peer_again(*id);
        }
        let (idle, living): (Vec<SessionId>, Vec<SessionId>) = sessions
            .iter()
            .partition(|id| self.cache.get(**id).is_some_and(Session::is_deleting));
        for id in idle {
            self.end_if_idle(id);
        }
        // Per-Peer Policy names nothing, a realm's indication only the realm (RFC 5846
        // section 8.1).
        let (trigger, subject) = match realm {
            None => (RevocationTrigger::PerPeerPolicy, Subject::default()),
            Some(realm) => {
                let id = Identifier::nai(&format!("@{realm}"));
                let trigger = RevocationTrigger::RevokingMobilityNodeLocalPolicy;
                (trigger, Subject::of_mn(id, &[]))
            }
        };
        let first = living.first().and_then(|id| self.cache.get(*id));
        let purpose = Purpose::Sessions(living.clone());
        let prepared = first.and_then(|first| self.prepare(first, trigger, subject, purpose));
        let Some(revocation) = prepared else {
            return;
        };
        for id in living {
            self.hold(id, &revocation);
        }
        self.start_revocation(revocation);
    }

    fn revoke_path_of(&mut self, nai: &str, binding_id: u8, trigger: RevocationTrigger) -> bool {
        let sessions = self.cache.of_mn(&Identifier::nai(nai));
        let has = |id: &SessionId| {
            let session = self.cache.get(*id);
            session.is_some_and(|session| session.multipath && session.path(binding_id).is_some())
        };
        let found = sessions.into_iter().find(has);
        let Some(id) = found.filter(|_| !revocation::is_global(trigger)) else {
            return false;
        };
        let last = self
            .cache
            .get(id)
            .is_some_and(|session| session.paths.len() == 1);
        if last {
            self.revoke_session(id, trigger);
        } else {
            self.revoke_path(id, binding_id, trigger);
        }
        true
    }

    /// Signalling rules section 10.
    fn revoke_path(&mut self, id: SessionId, binding_id: u8, trigger: RevocationTrigger) {
        let Some(session) = self.cache.get(id) else {
            return;
        };
        let binding = session.path(binding_id);
        let Some(path) = binding.and_then(|binding| self.paths.get(binding.path)) else {
            return;
        };
        let (own, care_of) = (path.observed, path.key.care_of);
        let mut subject = Subject::of_mn(session.mn(), session.home_prefixes());
        subject.binding_ids.push(binding_id.into());
        subject.multipath = Some(Multipath {
            access_technology: path.access_technology,
            label: path.label.if_label(),
            binding_id,
            bulk: false,
            overwrite: false,
        });
        let purpose = Purpose::Path(id, binding_id);
        let Some(mut revocation) = self.prepare(session, trigger, subject, purpose) else {
            return;
        };
        // A living path of its own first; the same message is sent again, so it keeps its way.
        if let Some(at) = revocation.ways.iter().position(|way| way.remote == own)
            && path.is_alive()
        {
            revocation.ways.swap(0, at);
        }
        revocation.ways.truncate(1);
        let elsewhere = revocation.ways.first().is_some_and(|way| way.remote != own);
        revocation.subject.care_of = elsewhere.then_some(care_of);
        self.leave_path(id, binding_id, "revoked");
        self.start_revocation(revocation);
    }

    /// RFC 5846 section 8.1: the IPv4 home address alone, without home network prefix option.
    fn revoke_ipv4_home(&mut self, nai: &str, trigger: RevocationTrigger) -> bool {
        let sessions = self.cache.of_mn(&Identifier::nai(nai));
        let with_home = |id: &SessionId| {
            let session = self.cache.get(*id);
            session.is_some_and(|session| session.ipv4_home.is_some() && !session.is_deleting())
        };
        let found = sessions.into_iter().find(with_home);
        let Some(id) = found.filter(|_| !revocation::is_global(trigger)) else {
            return false;
        };
        let Some(session) = self.cache.get(id) else {
            return false;
        };
        let mut subject = Subject::of_mn(session.mn(), &[]);
        let home = session.ipv4_home;
        subject.ipv4_home = home.map(|home| (home.address, home.prefix_length));
        if let Some(revocation) = self.prepare(session, trigger, subject, Purpose::Ipv4Home) {
            self.drop_ipv4_home(id);
            self.start_revocation(revocation);
        }
        true
    }

    /// Takes the home address off a session that keeps the rest.
    pub(super) fn drop_ipv4_home(&mut self, id: SessionId) {
        let Some(session) = self.cache.get(id) else {
            return;
        };
        let mut kept = Holdings::of(session);
        let Some(home) = kept.ipv4_home.take() else {
            return;
        };
        self.allocator
            .release(pmip_wire::types::IpPrefix::host(home.address.into()));
        self.cache.set_holdings(id, &kept);
        if let Some(session) = self.cache.get(id) {
            let route = session.route(id);
            self.emit_forwarding(Forwarding::InstallSession(route));
        }
        self.emit_session_up(id);
    }

    /// RFC 5846 section 8.1: the gateway that a mobile node left, which is told why.
    pub(super) fn notice_for(&self, request: &Request, id: SessionId) -> Option<Notice> {
        let session = self.cache.get(id)?;
        let moved = session.peer != request.peer && !session.is_deleting();
        if !moved || !self.config.revocation.on_handoff {
            return None;
        }
        let common = &request.update.common;
        let trigger = if common.handoff == Some(crate::message::handoff::UNKNOWN) {
            RevocationTrigger::InterMagHandoverUnknown
        } else if common.access_technology == Some(session.access_technology) {
            RevocationTrigger::InterMagHandoverSameAccessType
        } else {
            RevocationTrigger::InterMagHandoverDifferentAccessType
        };
        let subject = Subject::of_mn(session.mn(), session.home_prefixes());
        let notice = self.prepare(session, trigger, subject, Purpose::Told);
        notice.map(Notice)
    }

    pub(super) fn give_notice(&mut self, notice: Option<Notice>) {
        if let Some(Notice(revocation)) = notice {
            self.start_revocation(revocation);
        }
    }

    /// RFC 5846 section 8.1: instead of waiting for the old gateway it is asked. Gives how long
    /// that may take.
    pub(super) fn ask_old_gateway(&mut self, request: &Request, id: SessionId) -> Option<Duration> {
        let session = self.cache.get(id)?;
        if session.peer == request.peer || !self.config.revocation.on_handoff {
            return None;
        }
        let subject = Subject::of_mn(session.mn(), session.home_prefixes());
        let trigger = RevocationTrigger::InterMagHandoverUnknown;
        let revocation = self.prepare(session, trigger, subject, Purpose::Asked(id))?;
        if self.revocations.refused.contains(&revocation.peer) {
            return None;
        }
        let total = revocation.retry.total();
        self.start_revocation(revocation);
        Some(total)
    }

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
            return self.revocations.waiting.push_back(revocation);
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
        let asked = self.revocations.asked(sequence, datagram.source);
        let ours = asked.is_some_and(|peer| self.speaks_for(proof, peer));
        let Some(revocation) = self.revocations.take_if(ours, sequence) else {
            return self.drop_datagram(DropReason::UnmatchedSequence, datagram);
        };
        self.timers
            .cancel(revocation.timer, TimerKind::Revocation(sequence));
        let peer = Arc::clone(&revocation.peer);
        remember(&mut self.revocations.answered, peer);
        self.finish_revocation(revocation, Some(answer.status));
    }

    /// The gateway does not know the message (RFC 5846 section 6.2). Believed only with an
    /// indication outstanding, and of a gateway that never answered one (signalling rules
    /// section 6).
    pub(super) fn revocation_refused(&mut self, datagram: &Datagram, proof: Proof) -> bool {
        let revocations = &self.revocations;
        let found = revocations.asked_at(datagram.source).find(|(_, peer)| {
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

    /// RFC 5846 section 8.1: a gateway that let the mobile node go, or does not know it, counts
    /// as one that de-registered it; otherwise the request is one for a new session.
    fn old_gateway_answered(
        &mut self,
        id: SessionId,
        old: &Arc<PeerKey>,
        status: Option<BindingRevocationStatus>,
    ) {
        let left = matches!(
            status,
            Some(
                BindingRevocationStatus::Success
                    | BindingRevocationStatus::PartialSuccess
                    | BindingRevocationStatus::BindingDoesNotExist
            )
        );
        let session = self.cache.get(id);
        let still = session.is_some_and(|session| session.peer == *old && !session.is_deleting());
        if !still {
            return;
        }
        if left {
            self.start_delete(id, "handed off");
            self.release_waiting(id);
        } else {
            self.stop_waiting(id);
        }
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
    fn went_to(&self, remote: SocketAddr) -> bool {
        let mut ways = self.ways.iter().take(self.transmissions);
        ways.any(|way| way.remote == remote)
    }
}

impl Revocations {
    /// Whether no answer is waited for.
    pub(super) fn is_idle(&self) -> bool {
        self.outstanding.is_empty() && self.waiting.is_empty()
    }

    /// Who was asked there by the outstanding indication with this number.
    pub(super) fn asked(&self, sequence: u16, remote: SocketAddr) -> Option<&Arc<PeerKey>> {
        let revocation = self.outstanding.get(&sequence);
        let revocation = revocation.filter(|revocation| revocation.went_to(remote))?;
        Some(&revocation.peer)
    }

    /// The outstanding indications that were sent there, and to whom.
    pub(super) fn asked_at(
        &self,
        remote: SocketAddr,
    ) -> impl Iterator<Item = (u16, &Arc<PeerKey>)> {
        let outstanding = self.outstanding.iter();
        let there = outstanding.filter(move |(_, revocation)| revocation.went_to(remote));
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
