//! Update notifications: RFC 7077 section 5, signalling rules sections 7 and 8.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use pmip_wire::types::{Instant, PathId};
use pmip_wire::{
    Message, MobilityOptions, NotificationReason, SequenceNumber, UpdateNotification,
    UpdateNotificationAcknowledgement, UpdateNotificationFlags,
};

use crate::event::{DropReason, Event, NotificationEvent, SessionId};
use crate::input::{Notified, Notify};
use crate::io::{Carrier, Datagram};
use crate::message::Identifier;
use crate::notification::Target;
use crate::security::Proof;
use crate::timers::TimerSlot;
use crate::wire::Beat;

use super::cache::{PeerKey, Session};
use super::revocation::{Origin, Way, remember};
use super::{Lma, TimerKind, show};

/// Notifications under way at once.
const MOST_OUTSTANDING: usize = 4096;

/// All notifications whose answer may come.
#[derive(Clone, Debug, Default)]
pub(super) struct Notifications {
    outstanding: BTreeMap<u16, Notification>,
    last_sequence: Option<u16>,
    /// Gateways that answered one before.
    answered: BTreeSet<Arc<PeerKey>>,
    /// Gateways that do not know the message: they get none until an operator asks for one
    /// (RFC 7077 section 5.2).
    refused: BTreeSet<Arc<PeerKey>>,
}

#[derive(Clone, Debug)]
struct Notification {
    peer: Arc<PeerKey>,
    way: Way,
    message: UpdateNotification,
    /// Transmissions left.
    left: u32,
    timer: TimerSlot,
}

impl Lma {
    /// An operator's notification; it is tried also with a gateway that once knew none.
    pub(super) fn notify(&mut self, notify: &Notify) {
        let (name, target) = match &notify.who {
            Notified::MobileNode { nai } => {
                let target = Target::MobileNode(Identifier::nai(nai));
                (nai, target)
            }
            Notified::Peer { peer } => (peer, Target::All),
        };
        let ids: Vec<SessionId> = match &target {
            Target::MobileNode(mn) => self.cache.named(mn).to_vec(),
            Target::All => {
                // Two customers may have gateways of one name: each gets one.
                let mut asked = BTreeSet::new();
                let sessions = self.cache.iter();
                let of_peer = sessions.filter(|(_, s)| {
                    let first = !s.is_deleting() && asked.insert(&s.peer);
                    first && show::name(&s.peer) == *name
                });
                of_peer.map(|(id, _)| id).collect()
            }
        };
        let mut sent = false;
        for id in ids {
            let peer = self.cache.get(id).map(|session| Arc::clone(&session.peer));
            if let Some(peer) = peer {
                self.notifications.refused.remove(&peer);
            }
            sent |= self.notify_session(id, &target, notify.reason, notify);
        }
        if !sent {
            let name = name.clone();
            self.emit(Event::Notification(NotificationEvent::Impossible { name }));
        }
    }

    fn notify_session(
        &mut self,
        id: SessionId,
        target: &Target,
        reason: NotificationReason,
        notify: &Notify,
    ) -> bool {
        let Some(session) = self.cache.get(id) else {
            return false;
        };
        let way = self.ways_to(session).first().copied();
        let peer = Arc::clone(&session.peer);
        let Some(way) = way.filter(|_| !self.notifications.refused.contains(&peer)) else {
            return false;
        };
        let mut flags = UpdateNotificationFlags::empty();
        let asks = UpdateNotificationFlags::ACKNOWLEDGEMENT_REQUESTED;
        flags.set(asks, notify.acknowledge);
        let left = if notify.acknowledge {
            self.config.notification.retries
        } else {
            0
        };
        let sequence = self.next_notification();
        let notification = Notification {
            peer,
            way,
            message: UpdateNotification {
                sequence: SequenceNumber(sequence),
                reason,
                flags,
                options: target.to_wire(&notify.options),
            },
            left,
            timer: TimerSlot::default(),
        };
        if self.notifications.outstanding.len() >= MOST_OUTSTANDING {
            return false;
        }
        self.notifications
            .outstanding
            .insert(sequence, notification);
        self.send_notification(sequence);
        true
    }

    /// RFC 7077 section 5.1: from a random number on; no two outstanding ones share one.
    fn next_notification(&mut self) -> u16 {
        let first = self.random.next_u16();
        let last = self.notifications.last_sequence;
        let mut sequence = last.map_or(first, |last| last.wrapping_add(1));
        while self.notifications.outstanding.contains_key(&sequence) {
            sequence = sequence.wrapping_add(1);
        }
        self.notifications.last_sequence = Some(sequence);
        sequence
    }

    fn send_notification(&mut self, sequence: u16) {
        let at = self.now + self.config.notification.delay;
        let Some(notification) = self.notifications.outstanding.get_mut(&sequence) else {
            return;
        };
        self.timers.set(
            &mut notification.timer,
            TimerKind::Notification(sequence),
            at,
        );
        let way = notification.way;
        let message = Message::UpdateNotification(notification.message.clone());
        let peer = Arc::clone(&notification.peer);
        self.send_by(way, &peer, &message);
    }

    /// RFC 7077 section 5.2: sent again with flag D and nothing else changed, if its answer was
    /// asked for.
    pub(super) fn notification_overdue(&mut self, sequence: u16) {
        let Some(notification) = self.notifications.outstanding.get_mut(&sequence) else {
            return;
        };
        if let Some(left) = notification.left.checked_sub(1) {
            notification.left = left;
            let repeated = UpdateNotificationFlags::RETRANSMIT;
            notification.message.flags |= repeated;
            return self.send_notification(sequence);
        }
        let Some(notification) = self.notifications.outstanding.remove(&sequence) else {
            return;
        };
        if notification.message.acknowledgement_requested() {
            self.emit(Event::Notification(NotificationEvent::Unanswered {
                peer: show::name(&notification.peer),
                reason: notification.message.reason,
            }));
        }
    }

    /// RFC 7077 section 5.2: an answer counts also where none was asked for, but not one that
    /// matches nothing.
    pub(super) fn on_notification_answer(
        &mut self,
        datagram: &Datagram,
        answer: &UpdateNotificationAcknowledgement,
        proof: Proof,
    ) {
        let SequenceNumber(sequence) = answer.sequence;
        let asked = self.notifications.asked(sequence, self.origin_of(datagram));
        let ours = asked.is_some_and(|peer| self.speaks_for(proof, peer));
        let found = ours.then(|| self.notifications.outstanding.remove(&sequence));
        let Some(notification) = found.flatten() else {
            return self.drop_datagram(DropReason::UnmatchedSequence, datagram);
        };
        self.timers
            .cancel(notification.timer, TimerKind::Notification(sequence));
        let peer = show::name(&notification.peer);
        remember(&mut self.notifications.answered, notification.peer);
        self.emit(Event::Notification(NotificationEvent::Answered {
            peer,
            reason: notification.message.reason,
            status: answer.status,
        }));
    }

    /// The gateway does not know the message; believed as with revocation.
    pub(super) fn notification_refused(&mut self, datagram: &Datagram, proof: Proof) -> bool {
        let notifications = &self.notifications;
        let found = notifications
            .asked_at(self.origin_of(datagram))
            .find(|(_, peer)| {
                !notifications.answered.contains(*peer) && self.speaks_for(proof, peer)
            });
        let Some((sequence, _)) = found else {
            return false;
        };
        if let Some(notification) = self.notifications.outstanding.remove(&sequence) {
            self.timers
                .cancel(notification.timer, TimerKind::Notification(sequence));
            self.emit(Event::Notification(NotificationEvent::Unanswered {
                peer: show::name(&notification.peer),
                reason: notification.message.reason,
            }));
            remember(&mut self.notifications.refused, notification.peer);
        }
        true
    }

    /// A heartbeat of a gateway from where no path is known: this anchor lost its bindings, or a
    /// NAT gave the gateway another mapping. It is asked to register where its heartbeat came
    /// from, at most once a second per source (signalling rules section 7): the real gateway
    /// answers by a PBU, a stranger can't. One whose mobile node moved on is not asked, for it
    /// would take it back; a gateway that names itself and its path, as a multipath one does, has
    /// mobile nodes that do not move.
    pub(super) fn remind_stranger(&mut self, datagram: &Datagram, beat: &Beat, proof: Proof) {
        let source = datagram.source;
        let (Carrier::Udp | Carrier::Ipv6) = datagram.carrier else {
            return;
        };
        let Some(tenant) = self.tenant_of(datagram) else {
            return;
        };
        let peer = match (&beat.mag_id, beat.multipath) {
            (Some(mag_id), Some(_)) => PeerKey::identified(tenant, mag_id.clone()),
            (Some(_), None) | (None, Some(_)) => return,
            (None, None) => {
                let whence = (datagram.vrf, source.ip());
                let longest = self.config.lifetime;
                if self.departures.within(longest, self.now, whence) {
                    return;
                }
                self.unnamed_peer(tenant, source.ip(), source.ip(), proof)
            }
        };
        if !self.is_welcome(&peer, source) {
            return;
        }
        if !self.reminders.admit(self.now, (datagram.vrf, source.ip())) {
            return;
        }
        let local = datagram.destination.ip();
        self.ask_to_register(None, &peer, (local, source));
    }

    /// Asks a gateway for a PBU of every path, without asking for an answer: the PBU is one.
    pub(super) fn ask_to_register(
        &mut self,
        path: Option<PathId>,
        peer: &PeerKey,
        way: (IpAddr, SocketAddr),
    ) {
        if self.notifications.refused.contains(peer) {
            return;
        }
        let message = Message::UpdateNotification(UpdateNotification {
            sequence: SequenceNumber(self.next_notification()),
            reason: NotificationReason::ForceReregistration,
            flags: UpdateNotificationFlags::empty(),
            options: Target::All.to_wire(&MobilityOptions::new()),
        });
        self.initiate(path, peer, way, &message);
    }

    fn is_welcome(&self, peer: &PeerKey, source: SocketAddr) -> bool {
        match self.directory.peer(peer) {
            Some(peer) => peer.addresses.is_empty() || peer.addresses.contains(&source.ip()),
            None => self.config.dynamic_mag_learning,
        }
    }

    /// Signalling rules section 8: what the gateway registered after `confirmed` may be of its
    /// new life or of its old one; it is asked to register again, and served meanwhile.
    pub(super) fn ask_restarted(&mut self, peer: &Arc<PeerKey>, confirmed: Instant) {
        let is_later = |session: &Session| {
            session.peer == *peer && !session.is_deleting() && session.refreshed >= confirmed
        };
        let found = self.cache.iter().find(|(_, session)| is_later(session));
        let found = found.map(|(id, _)| id);
        if let Some(id) = found {
            let notify = Notify::reregister(Notified::Peer {
                peer: show::name(peer),
            });
            self.notify_session(id, &Target::All, notify.reason, &notify);
        }
    }
}

impl Notification {
    /// Whether it was sent there.
    fn went_to(&self, there: Origin) -> bool {
        self.peer.tenant == there.tenant && self.way.remote == there.remote
    }
}

impl Notifications {
    /// Whether no answer is waited for.
    pub(super) fn is_idle(&self) -> bool {
        self.outstanding.is_empty()
    }

    /// Who was asked there by the outstanding notification with this number.
    pub(super) fn asked(&self, sequence: u16, there: Origin) -> Option<&Arc<PeerKey>> {
        let notification = self.outstanding.get(&sequence);
        let notification = notification.filter(|ours| ours.went_to(there))?;
        Some(&notification.peer)
    }

    /// The outstanding notifications that were sent there, and to whom.
    pub(super) fn asked_at(&self, there: Origin) -> impl Iterator<Item = (u16, &Arc<PeerKey>)> {
        let outstanding = self.outstanding.iter();
        let there = outstanding.filter(move |(_, ours)| ours.went_to(there));
        there.map(|(sequence, ours)| (*sequence, &ours.peer))
    }
}
