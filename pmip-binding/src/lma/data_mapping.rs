//! The mapping of tunnelled packets behind a NAT (signalling rules sections 7 and 9).
//!
//! A heartbeat request through the tunnel shows it. Without keys that is believed from the outer
//! address of the path's last accepted PBU. Where the gateway has a key, whoever recorded such a
//! request could send it again from behind the same NAT and draw the downlink to himself: there
//! the mapping moves only by an authentic answer to a challenge that went to it through the tunnel.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use pmip_wire::types::PathId;
use smallvec::SmallVec;

use crate::io::{Carrier, Datagram};
use crate::security::Proof;
use crate::timers::TimerSlot;
use crate::wire::Beat;

use super::cache::{MagName, PeerKey};
use super::{Lma, TimerKind};

/// From one transmission of a challenge to the next.
const PACE: Duration = Duration::from_secs(1);
/// Transmissions of a challenge.
const TRIES: u8 = 3;
/// Mappings of one path that are challenged at once: the gateway's own and some that are replayed.
const MOST: usize = 4;

/// The challenges under way, by path.
#[derive(Clone, Debug, Default)]
pub(super) struct DataChallenges(BTreeMap<PathId, Challenged>);

/// The challenges of one path.
#[derive(Clone, Debug, Default)]
struct Challenged {
    mappings: SmallVec<[Challenge; 1]>,
    timer: TimerSlot,
}

#[derive(Clone, Copy, Debug)]
struct Challenge {
    mapping: SocketAddr,
    sequence: u32,
    /// Transmissions left.
    left: u8,
}

impl DataChallenges {
    /// The path that is challenged at a mapping with this sequence number.
    fn asked(&self, mapping: SocketAddr, sequence: u32) -> impl Iterator<Item = PathId> + '_ {
        let is_it = move |challenge: &Challenge| {
            challenge.mapping == mapping && challenge.sequence == sequence
        };
        let asked = self.0.iter();
        asked
            .filter(move |(_, path)| path.mappings.iter().any(is_it))
            .map(|(id, _)| *id)
    }
}

impl Lma {
    /// A heartbeat request through a tunnel: the path that it is of, whose mapping it shows.
    pub(super) fn learn_mapping(
        &mut self,
        datagram: &Datagram,
        beat: &Beat,
        proof: Proof,
    ) -> Option<PathId> {
        let mut ids = self.named_in_tunnel(datagram, beat, proof);
        // A gateway may have mobile nodes with and without multipath over one interface, which
        // are two paths here and one tunnel there: the packet shows the mapping of both.
        if let Carrier::Tunnel(id) = datagram.carrier {
            ids.retain(|named| *named != id);
            ids.insert(0, id);
        }
        for id in &ids {
            self.learn_mapping_of(*id, datagram, proof);
        }
        let first = ids.first().copied()?;
        self.paths.get(first).map(|_| first)
    }

    fn learn_mapping_of(&mut self, id: PathId, datagram: &Datagram, proof: Proof) {
        let Some(path) = self.paths.get(id) else {
            return;
        };
        let shown = path.nat && path.observed.ip() == datagram.source.ip();
        let known = path.observed_data.as_deref() == Some(&datagram.source);
        match proof {
            _ if !shown || known => {}
            Proof::Valid(_) => self.challenge_data(id, datagram.source),
            Proof::Missing | Proof::Failed(_) => self.set_data_mapping(id, datagram.source),
        }
    }

    /// The paths that a heartbeat through a tunnel is of: of the gateway and Binding ID that it
    /// names, and where that gateway registered without multipath, of the path with its care-of
    /// address. Its outer address must be that of the path's last accepted PBU.
    fn named_in_tunnel(
        &self,
        datagram: &Datagram,
        beat: &Beat,
        proof: Proof,
    ) -> SmallVec<[PathId; 4]> {
        let source = datagram.source.ip();
        let named = beat.mag_id.clone().zip(beat.multipath);
        let Some(((mag_id, multipath), tenant)) = named.zip(self.tenant_of(datagram)) else {
            return SmallVec::new();
        };
        let care_of = beat.care_of.map_or(source, IpAddr::V4);
        let named = PeerKey::identified(tenant, mag_id);
        let name = MagName::Address { source, care_of };
        let by_address = PeerKey { tenant, name };
        let is_meant = |id: &PathId| {
            let path = self.paths.get(*id);
            path.is_some_and(|path| {
                path.observed.ip() == source
                    && (path.key.binding_id != 0 || path.key.care_of == care_of)
                    && self.speaks_for(proof, &path.key.peer)
            })
        };
        [
            (&named, multipath.binding_id),
            (&named, 0),
            (&by_address, 0),
        ]
        .into_iter()
        .flat_map(|(peer, binding_id)| self.paths.of_peer(peer, binding_id))
        .filter(is_meant)
        .collect()
    }

    fn set_data_mapping(&mut self, id: PathId, mapping: SocketAddr) {
        if let Some(path) = self.paths.get_mut(id) {
            path.observed_data = Some(Box::new(mapping));
        }
        self.sync_path(id, "the mapping of tunnelled packets is confirmed");
    }

    fn challenge_data(&mut self, id: PathId, mapping: SocketAddr) {
        let sequence = self.random.next_u32();
        let pending = self.data_challenges.0.entry(id).or_default();
        let known = pending.mappings.iter().any(|c| c.mapping == mapping);
        if known || pending.mappings.len() >= MOST {
            return;
        }
        let challenge = Challenge {
            mapping,
            sequence,
            left: TRIES - 1,
        };
        pending.mappings.push(challenge);
        if pending.mappings.len() == 1 {
            let due = self.now + PACE;
            self.timers
                .set(&mut pending.timer, TimerKind::DataMapping(id), due);
        }
        self.send_data_challenge(id, challenge);
    }

    fn send_data_challenge(&mut self, id: PathId, challenge: Challenge) {
        let message = Beat::request(challenge.sequence).to_message();
        self.send_in_tunnel(id, challenge.mapping, &message);
    }

    /// Challenges of a path are unanswered: they may be lost.
    pub(super) fn data_challenge_due(&mut self, id: PathId) {
        let due = self.now + PACE;
        let Some(pending) = self.data_challenges.0.get_mut(&id) else {
            return;
        };
        pending.mappings.retain(|challenge| challenge.left > 0);
        if pending.mappings.is_empty() {
            self.data_challenges.0.remove(&id);
            return;
        }
        for challenge in &mut pending.mappings {
            challenge.left -= 1;
        }
        self.timers
            .set(&mut pending.timer, TimerKind::DataMapping(id), due);
        let again = pending.mappings.clone();
        for challenge in again {
            self.send_data_challenge(id, challenge);
        }
    }

    /// Whether a heartbeat answer through a tunnel is that to a challenge; if so, the mapping moves.
    pub(super) fn on_data_answer(
        &mut self,
        datagram: &Datagram,
        beat: &Beat,
        proof: Proof,
    ) -> bool {
        let (Carrier::Tunnel(_) | Carrier::UnknownTunnel, Proof::Valid(_)) =
            (datagram.carrier, proof)
        else {
            return false;
        };
        let tenant = self.tenant_of(datagram);
        let asked = self
            .data_challenges
            .asked(datagram.source, beat.sequence)
            .find(|id| {
                let path = self.paths.get(*id);
                path.is_some_and(|path| {
                    let peer = &path.key.peer;
                    path.observed.ip() == datagram.source.ip()
                        && Some(peer.tenant) == tenant
                        && self.speaks_for(proof, peer)
                })
            });
        let Some(id) = asked else {
            return false;
        };
        self.forget_data_challenges(id);
        self.set_data_mapping(id, datagram.source);
        true
    }

    /// Another configuration is in force: the gateways do not show their mappings again for it.
    pub(super) fn take_over_data_challenges(&mut self, before: &mut Self) {
        let due = self.now + PACE;
        for (id, pending) in std::mem::take(&mut before.data_challenges).0 {
            let key = |lma: &Self| lma.paths.get(id).map(|path| path.key.clone());
            if key(self).is_none() || key(self) != key(before) {
                continue;
            }
            let mut timer = TimerSlot::default();
            self.timers.set(&mut timer, TimerKind::DataMapping(id), due);
            let pending = Challenged { timer, ..pending };
            self.data_challenges.0.insert(id, pending);
        }
    }

    /// The path goes, or a PBU made its mappings void.
    pub(super) fn forget_data_challenges(&mut self, id: PathId) {
        if let Some(pending) = self.data_challenges.0.remove(&id) {
            self.timers
                .cancel(pending.timer, TimerKind::DataMapping(id));
        }
    }
}
