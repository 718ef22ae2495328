//! NAT mappings that change, and a NAT that restarts: signalling rules section 7, feature
//! semantics section 5 (`natreboot`).
//!
//! Nothing here moves a tunnel because of a heartbeat alone. Without keys a heartbeat from an
//! unknown mapping makes us ask for a PBU, no more. With keys an authentic one is challenged where
//! it came from, and an authentic answer moves the control mapping until a PBU confirms it, or for
//! ten seconds.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use pmip_wire::types::{Instant, PathId};

use crate::event::{Event, PathEvent};
use crate::io::{Carrier, Datagram};
use crate::security::Proof;
use crate::timers::TimerSlot;
use crate::wire::Beat;

use super::cache::PeerKey;
use super::paths::Path;
use super::{Lma, TimerKind};

/// How long the answer to a challenge may take.
const CHALLENGE: Duration = Duration::from_secs(3);
/// How long a challenged mapping holds without a PBU (feature semantics section 5).
const CONFIRMATION: Duration = Duration::from_secs(10);
/// From one request for a PBU to the next (signalling rules section 7).
const PACE: Duration = Duration::from_secs(1);

/// Another mapping of a path than its last accepted PBU showed.
#[derive(Clone, Debug)]
pub(super) struct NatChange {
    /// Where heartbeats come from.
    candidate: SocketAddr,
    stage: Stage,
    until: Instant,
    timer: TimerSlot,
}

#[derive(Clone, Debug)]
enum Stage {
    /// Seen, and by nobody proved.
    Seen,
    /// Challenged with this sequence number.
    Challenged(u32),
    /// Answered: signalling goes there. The mappings of before come back unless a PBU confirms it.
    Moved(Before),
}

/// The mappings of the last accepted PBU.
#[derive(Clone, Debug)]
struct Before {
    observed: SocketAddr,
    observed_data: Option<Box<SocketAddr>>,
}

impl Path {
    /// The mappings that a PBU confirmed: a provisional one is not kept over a restart.
    pub(super) fn confirmed(&self) -> (SocketAddr, Option<SocketAddr>) {
        match self.nat_change.as_deref().map(|change| &change.stage) {
            Some(Stage::Moved(before)) => {
                (before.observed, before.observed_data.as_deref().copied())
            }
            Some(Stage::Seen | Stage::Challenged(_)) | None => {
                (self.observed, self.observed_data.as_deref().copied())
            }
        }
    }
}

impl Lma {
    /// A heartbeat request from where no path is. If it names one, its NAT may have restarted.
    pub(super) fn on_strange_request(&mut self, datagram: &Datagram, beat: &Beat, proof: Proof) {
        let Some(id) = self.path_named(datagram, beat) else {
            return self.remind_stranger(datagram, beat, proof);
        };
        let Some(path) = self.paths.get(id) else {
            return;
        };
        if !path.is_alive() {
            // Whatever the configuration: what failed heals by a PBU.
            self.remind_stranger(datagram, beat, proof);
        }
        if self.repairs_nat(id) {
            self.suspect(id, datagram, beat, proof);
        }
    }

    /// The path that a heartbeat names by options 63 and 64, at our address that it was sent to.
    fn path_named(&self, datagram: &Datagram, beat: &Beat) -> Option<PathId> {
        let (Carrier::Udp | Carrier::Ipv6) = datagram.carrier else {
            return None;
        };
        let tenant = self.tenant_of(datagram)?;
        let peer = PeerKey::identified(tenant, beat.mag_id.clone()?);
        let binding_id = beat.multipath?.binding_id;
        let local = datagram.destination.ip();
        let mut paths = self.paths.of_peer(&peer, binding_id).into_iter();
        paths.find(|id| {
            self.paths
                .get(*id)
                .is_some_and(|path| path.key.local == local)
        })
    }

    /// Whether `natreboot` holds for a path.
    fn repairs_nat(&self, id: PathId) -> bool {
        self.paths.get(id).is_some_and(|path| {
            let rules = self.tenants.heartbeat(path.key.peer.tenant);
            let rule = rules.for_label(path.label);
            path.nat && rule.is_some_and(|rule| rule.nat_reboot)
        })
    }

    /// The mapping of a path seems to have changed.
    fn suspect(&mut self, id: PathId, datagram: &Datagram, beat: &Beat, proof: Proof) {
        let candidate = datagram.source;
        let decided_later = self.paths.get(id).is_some_and(|path| {
            let stage = path.nat_change.as_deref().map(|change| &change.stage);
            matches!(stage, Some(Stage::Challenged(_) | Stage::Moved(_)))
        });
        if decided_later {
            return;
        }
        let stage = match proof {
            Proof::Valid(_) => Stage::Challenged(self.random.next_u32()),
            Proof::Missing | Proof::Failed(_) => Stage::Seen,
        };
        let until = match stage {
            Stage::Seen => Instant::MAX,
            Stage::Challenged(_) | Stage::Moved(_) => self.now + CHALLENGE,
        };
        let challenge = match stage {
            Stage::Challenged(sequence) => Some(sequence),
            Stage::Seen | Stage::Moved(_) => None,
        };
        self.set_nat_change(id, candidate, stage, until);
        match challenge {
            Some(sequence) => self.challenge(id, candidate, sequence),
            None => self.remind_stranger(datagram, beat, proof),
        }
        self.sync_path(id, "heartbeats come from another mapping");
    }

    /// Only who receives at the new mapping and has the key can answer.
    fn challenge(&mut self, id: PathId, candidate: SocketAddr, sequence: u32) {
        let Some(path) = self.paths.get(id) else {
            return;
        };
        let (peer, local) = (Arc::clone(&path.key.peer), path.key.local);
        self.nat_changes
            .insert((peer.tenant.transport, candidate, id));
        let message = Beat::request(sequence).to_message();
        self.initiate(Some(id), &peer, (local, candidate), &message);
    }

    /// Whether a heartbeat answer is that to a challenge; if so, it is dealt with.
    pub(super) fn on_challenge_answer(
        &mut self,
        datagram: &Datagram,
        beat: &Beat,
        proof: Proof,
    ) -> bool {
        let (Carrier::Udp | Carrier::Ipv6, Proof::Valid(_)) = (datagram.carrier, proof) else {
            return false;
        };
        let (vrf, source) = (datagram.vrf, datagram.source);
        let there = (vrf, source, PathId(0))..=(vrf, source, PathId(u32::MAX));
        let seem_there = self.nat_changes.range(there).map(|&(_, _, id)| id);
        let was_asked = |id: &PathId| {
            self.paths.get(*id).is_some_and(|path| {
                let stage = path.nat_change.as_deref().map(|change| &change.stage);
                matches!(stage, Some(Stage::Challenged(sequence)) if *sequence == beat.sequence)
                    && self.speaks_for(proof, &path.key.peer)
            })
        };
        let asked = seem_there.into_iter().find(was_asked);
        if let Some(id) = asked {
            self.move_provisionally(id, source);
        }
        asked.is_some()
    }

    fn move_provisionally(&mut self, id: PathId, candidate: SocketAddr) {
        let Some(path) = self.paths.get_mut(id) else {
            return;
        };
        let before = Before {
            observed: path.observed,
            observed_data: path.observed_data.clone(),
        };
        if path.observed.ip() != candidate.ip() {
            path.observed_data = None;
        }
        if let Some(heartbeat) = &mut path.heartbeat {
            heartbeat.mark_alive();
        }
        self.paths.set_observed(id, candidate);
        let until = self.now + CONFIRMATION;
        self.set_nat_change(id, candidate, Stage::Moved(before), until);
        self.stats.nat_changes = self.stats.nat_changes.saturating_add(1);
        self.emit(Event::Path(PathEvent::Mapping {
            path: id,
            observed: candidate,
        }));
        self.sync_path(id, "the gateway answered at its new mapping");
        self.ask_for_confirmation(id);
    }

    /// A heartbeat alone is not trusted for long: the PBU is asked for once a second.
    fn ask_for_confirmation(&mut self, id: PathId) {
        let next = self.now + PACE;
        let Some(path) = self.paths.watch_mut(id) else {
            return;
        };
        let Some(change) = &mut path.nat_change else {
            return;
        };
        let at = next.min(change.until);
        self.timers
            .set(&mut change.timer, TimerKind::NatChange(id), at);
        let (peer, local, remote) = (Arc::clone(&path.key.peer), path.key.local, path.observed);
        self.ask_to_register(Some(id), &peer, (local, remote));
    }

    /// A challenge is unanswered, or a PBU is still missing.
    pub(super) fn nat_change_due(&mut self, id: PathId) {
        let change = self.paths.get(id).and_then(|path| path.nat_change.as_ref());
        let Some(change) = change else {
            return;
        };
        let is_over = change.until <= self.now;
        match &change.stage {
            Stage::Moved(_) if !is_over => self.ask_for_confirmation(id),
            Stage::Moved(before) => {
                let before = before.clone();
                self.settle_nat_change(id);
                if let Some(path) = self.paths.get_mut(id) {
                    path.observed_data = before.observed_data;
                }
                self.paths.set_observed(id, before.observed);
                self.sync_path(id, "no registration confirmed the new mapping");
            }
            Stage::Seen | Stage::Challenged(_) => {
                self.settle_nat_change(id);
                self.sync_path(id, "nobody answered at the new mapping");
            }
        }
    }

    fn set_nat_change(&mut self, id: PathId, candidate: SocketAddr, stage: Stage, until: Instant) {
        let Some(path) = self.paths.get_mut(id) else {
            return;
        };
        let timer = path.nat_change.take().map(|change| change.timer);
        let mut timer = timer.unwrap_or_default();
        self.timers.set(&mut timer, TimerKind::NatChange(id), until);
        path.nat_change = Some(Box::new(NatChange {
            candidate,
            stage,
            until,
            timer,
        }));
    }

    /// An accepted PBU decided, the path goes, or time is over: nothing is suspected any more.
    pub(super) fn settle_nat_change(&mut self, id: PathId) {
        let Some(path) = self.paths.get_mut(id) else {
            return;
        };
        if let Some(change) = path.nat_change.take() {
            self.timers.cancel(change.timer, TimerKind::NatChange(id));
            let vrf = path.key.peer.tenant.transport;
            self.nat_changes.remove(&(vrf, change.candidate, id));
        }
    }

    /// The old mapping answers, so what came from elsewhere, and was not proved, meant nothing.
    pub(super) fn doubt_is_dispelled(&mut self, id: PathId) {
        let path = self.paths.get(id);
        let stage = path.and_then(|path| Some(&path.nat_change.as_deref()?.stage));
        if let Some(Stage::Seen) = stage {
            self.settle_nat_change(id);
            self.sync_path(id, "the registered mapping answers");
        }
    }

    /// Heartbeats gave a path behind a NAT up. If its gateway is reached over another one, the NAT
    /// has restarted perhaps: the gateway is asked to register over that one.
    pub(super) fn suspect_reboot(&mut self, id: PathId) {
        if !self.repairs_nat(id) {
            return;
        }
        let Some(peer) = self.paths.get(id).map(|path| Arc::clone(&path.key.peer)) else {
            return;
        };
        let lives = |other: &PathId| {
            let path = self.paths.get(*other);
            *other != id && path.is_some_and(Path::is_alive)
        };
        let Some(other) = self.paths.all_of_peer(&peer).find(lives) else {
            return;
        };
        let Some(path) = self.paths.get(other) else {
            return;
        };
        let way = (path.key.local, path.observed);
        self.ask_to_register(Some(other), &peer, way);
    }
}
