//! Heartbeats, restart detection and confirmed mappings: RFC 5847, signalling rules sections 7
//! to 9.

use std::net::SocketAddr;
use std::sync::Arc;

use pmip_wire::types::{Instant, PathId};
use smallvec::SmallVec;

use crate::event::{DropReason, Event, PathEvent, SessionId};
use crate::io::{Carrier, Datagram};
use crate::security::Proof;
use crate::wire::Beat;

use super::cache::PeerKey;
use super::{Lma, TimerKind};

impl Lma {
    /// A path's heartbeat is due or unanswered.
    pub(super) fn beat(&mut self, id: PathId) {
        let now = self.now;
        let Some(path) = self.paths.watch_mut(id) else {
            return;
        };
        let Some(heartbeat) = &mut path.heartbeat else {
            return;
        };
        let beat = heartbeat.on_deadline(now);
        let deadline = heartbeat.deadline();
        self.timers
            .set(&mut path.timer, TimerKind::Heartbeat(id), deadline);
        if let Some(sequence) = beat.request {
            self.stats.heartbeats_sent = self.stats.heartbeats_sent.saturating_add(1);
            self.send_over(id, &Beat::request(sequence).to_message());
        }
        if beat.died {
            self.sync_path(id, "heartbeats unanswered");
            self.suspect_reboot(id);
        }
    }

    pub(super) fn on_heartbeat(&mut self, datagram: &Datagram, beat: &Beat, proof: Proof) {
        if beat.unsolicited {
            self.hasten_heartbeats(datagram, proof);
        } else if beat.response {
            self.on_answer(datagram, beat, proof);
        } else {
            self.on_request(datagram, beat, proof);
        }
    }

    /// RFC 5847 section 3.1: a request is always answered.
    fn on_request(&mut self, datagram: &Datagram, beat: &Beat, proof: Proof) {
        let path = match datagram.carrier {
            Carrier::Udp | Carrier::Ipv6 => self.spoken_for(datagram, proof).first().copied(),
            Carrier::Tunnel(_) | Carrier::UnknownTunnel => {
                let Some(id) = self.learn_mapping(datagram, beat, proof) else {
                    return self.drop_datagram(DropReason::UnknownPeer, datagram);
                };
                Some(id)
            }
        };
        let mut answer = datagram.clone();
        if let (Carrier::UnknownTunnel, Some(id)) = (datagram.carrier, path) {
            answer.carrier = Carrier::Tunnel(id);
        }
        let message = Beat::response(beat.sequence, self.config.restart_counter).to_message();
        self.reply(&answer, proof, path, &message);
        if path.is_none() {
            self.on_strange_request(datagram, beat, proof);
        }
    }

    fn on_answer(&mut self, datagram: &Datagram, beat: &Beat, proof: Proof) {
        if self.on_challenge_answer(datagram, beat, proof)
            || self.on_data_answer(datagram, beat, proof)
        {
            return;
        }
        let mut candidates = self.spoken_for(datagram, proof);
        candidates.retain(|id| self.may_be_of(*id, beat));
        if self.on_claim_answer(&candidates, beat) {
            return;
        }
        let now = self.now;
        for id in candidates {
            let Some(path) = self.paths.watch_mut(id) else {
                continue;
            };
            let heartbeat = path.heartbeat.as_mut();
            let answer = heartbeat.and_then(|heartbeat| heartbeat.on_answer(now, beat.sequence));
            let Some(answer) = answer else {
                continue;
            };
            self.peers.set_answered(&path.key.peer);
            self.stats.heartbeats_answered = self.stats.heartbeats_answered.saturating_add(1);
            self.rearm_heartbeat(id);
            let rtt = answer.rtt;
            self.emit(Event::Path(PathEvent::Rtt { path: id, rtt }));
            if answer.revived {
                self.sync_path(id, "heartbeat answered again");
            }
            self.doubt_is_dispelled(id);
            if let Some(counter) = beat.restart_counter {
                let asked = now - rtt;
                self.on_restart_counter(id, counter, asked);
            }
            return;
        }
        self.drop_datagram(DropReason::UnmatchedSequence, datagram);
    }

    fn rearm_heartbeat(&mut self, id: PathId) {
        if let Some(path) = self.paths.watch_mut(id)
            && let Some(heartbeat) = &path.heartbeat
        {
            let deadline = heartbeat.deadline();
            self.timers
                .set(&mut path.timer, TimerKind::Heartbeat(id), deadline);
        }
    }

    /// An unsolicited response proves nothing by itself; it makes us ask at once (signalling
    /// rules section 8).
    fn hasten_heartbeats(&mut self, datagram: &Datagram, proof: Proof) {
        let now = self.now;
        let ids = self.spoken_for(datagram, proof);
        if ids.is_empty() {
            return self.drop_datagram(DropReason::UnknownPeer, datagram);
        }
        for id in ids {
            if let Some(path) = self.paths.watch_mut(id)
                && let Some(heartbeat) = &mut path.heartbeat
            {
                heartbeat.hasten(now);
            }
            self.rearm_heartbeat(id);
        }
    }

    /// Signalling rules section 8: the peer's counter differs from the stored one in an answer
    /// that we asked for. Seen on one path, it holds for the peer. What counts is when we asked: an
    /// answer from before the restart may come after the first update from behind it.
    fn on_restart_counter(&mut self, id: PathId, counter: u32, asked: Instant) {
        let Some(path) = self.paths.watch_mut(id) else {
            return;
        };
        if let Some(heartbeat) = &mut path.heartbeat {
            heartbeat.set_restart_counter(counter);
        }
        let key = Arc::clone(&path.key.peer);
        let Some(confirmed) = self.peers.set_restart_counter(&key, counter, asked) else {
            return;
        };
        self.emit(Event::Path(PathEvent::PeerRestarted { path: id }));
        let sessions = self.cache.iter();
        let stale = sessions.filter(|(_, session)| {
            session.peer == key && !session.is_deleting() && session.refreshed < confirmed
        });
        let stale: Vec<SessionId> = stale.map(|(id, _)| id).collect();
        for id in stale {
            self.start_delete(id, "the access gateway restarted");
        }
        self.ask_restarted(&key, confirmed);
    }

    /// A peer that does not know Heartbeat is asked no more, if it never answered one and one is
    /// outstanding (signalling rules section 6).
    pub(super) fn on_heartbeat_refused(&mut self, datagram: &Datagram, proof: Proof) {
        let ids = self.spoken_for(datagram, proof);
        let paths = ids.into_iter().filter_map(|id| self.paths.get(id));
        let refused = paths.filter(|path| {
            let asked = path
                .heartbeat
                .as_ref()
                .is_some_and(|heartbeat| heartbeat.may_be_refused());
            asked && !self.peers.has_answered(&path.key.peer)
        });
        let refused: SmallVec<[Arc<PeerKey>; 4]> =
            refused.map(|path| Arc::clone(&path.key.peer)).collect();
        if refused.is_empty() {
            return self.drop_datagram(DropReason::UnexpectedMessage, datagram);
        }
        for peer in refused {
            self.peers.set_lacks_heartbeat(&peer, true);
            self.stop_heartbeats(&peer);
        }
    }

    /// On all paths of a peer. What no heartbeat watches counts as alive.
    pub(super) fn stop_heartbeats(&mut self, peer: &PeerKey) {
        let ids: Vec<PathId> = self.paths.all_of_peer(peer).collect();
        for id in ids {
            if let Some(path) = self.paths.get_mut(id) {
                path.heartbeat = None;
                self.timers.cancel(path.timer, TimerKind::Heartbeat(id));
            }
            self.sync_path(id, "the gateway does not know heartbeats");
        }
    }

    /// An administrative action: the gateway of a session may know heartbeats by now.
    pub(super) fn ask_peer_again(&mut self, id: SessionId) {
        let peer = self.cache.get(id).map(|session| Arc::clone(&session.peer));
        if let Some(peer) = peer {
            self.peers.set_lacks_heartbeat(&peer, false);
        }
    }

    /// RFC 5847 section 3.2: what the gateway knows of us from before is void.
    pub(super) fn tell_restart(&mut self, id: PathId) {
        let message = Beat::unsolicited(self.config.restart_counter).to_message();
        self.send_over(id, &message);
    }
}

/// The carrier of what we start towards an observed address; over IPv6 the port is 0.
pub(super) const fn carrier_of(observed: SocketAddr) -> Carrier {
    if observed.is_ipv4() {
        Carrier::Udp
    } else {
        Carrier::Ipv6
    }
}

pub(super) const fn port_of(carrier: Carrier) -> u16 {
    match carrier {
        Carrier::Udp | Carrier::Tunnel(_) | Carrier::UnknownTunnel => crate::CONTROL_PORT,
        Carrier::Ipv6 => 0,
    }
}
