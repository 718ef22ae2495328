//! A care-of address that another gateway claims (signalling rules section 7): the one that
//! registered it is asked first.

use std::collections::BTreeMap;
use std::time::Duration;

use pmip_wire::types::{Instant, PathId};
use smallvec::SmallVec;

use crate::event::{DropReason, SessionId};
use crate::message::status;
use crate::wire::Beat;

use super::Lma;
use super::cache::MagName;
use super::judge::Request;

/// How long the old gateway's answer may take.
const ANSWER: Duration = Duration::from_secs(3);
/// A claim that nobody repeated for this long is a new one: retransmissions are at most
/// MAX_BINDACK_TIMEOUT apart (RFC 6275 section 12).
const MEMORY: Duration = Duration::from_secs(40);
/// Claims at once; one more is refused.
const MOST: usize = 1024;

/// The claims that are being looked into, by the path that stands against them.
#[derive(Clone, Debug, Default)]
pub(super) struct Claims(BTreeMap<PathId, Claim>);

/// One claim.
#[derive(Clone, Copy, Debug)]
struct Claim {
    /// Of the heartbeat that asks.
    sequence: u32,
    asked: Instant,
    /// When it was last made.
    made: Instant,
    /// When the old gateway answered.
    answered: Option<Instant>,
}

/// What becomes of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// The old gateway is being asked with this sequence number.
    Ask(u32),
    /// It is there.
    Taken,
    /// It is gone.
    Free,
}

impl Claims {
    pub(super) fn forget(&mut self, id: PathId) {
        self.0.remove(&id);
    }

    /// Judges a claim made now.
    fn judge(&mut self, id: PathId, now: Instant, fresh: u32) -> Verdict {
        let known = self.0.get_mut(&id).filter(|claim| {
            let answered = claim
                .answered
                .is_none_or(|at| now.saturating_since(at) < ANSWER);
            answered && now.saturating_since(claim.made) < MEMORY
        });
        if let Some(claim) = known {
            claim.made = now;
            return match claim.answered {
                Some(_) => Verdict::Taken,
                None if now.saturating_since(claim.asked) < ANSWER => Verdict::Ask(claim.sequence),
                None => Verdict::Free,
            };
        }
        self.0
            .retain(|_, claim| now.saturating_since(claim.made) < MEMORY);
        if self.0.len() >= MOST && !self.0.contains_key(&id) {
            return Verdict::Taken;
        }
        let claim = Claim {
            sequence: fresh,
            asked: now,
            made: now,
            answered: None,
        };
        self.0.insert(id, claim);
        Verdict::Ask(fresh)
    }
}

impl Lma {
    /// Whether nobody else stands against a PBU's care-of address. If somebody may, the PBU is
    /// ignored or refused. A silent one is noted: it loses nothing to a PBU that gets nothing.
    pub(super) fn has_its_address(&mut self, request: &mut Request) -> bool {
        let Some(rival) = self.rival_of(request) else {
            return true;
        };
        let fresh = self.random.next_u32();
        match self.claims.judge(rival, self.now, fresh) {
            Verdict::Ask(sequence) => {
                // Repeated with the PBU, for one request may be lost.
                self.send_over(rival, &Beat::request(sequence).to_message());
                self.drop_datagram(DropReason::CareOfInUse, &request.datagram);
                false
            }
            Verdict::Taken => {
                self.refuse(request, status::INSUFFICIENT_RESOURCES);
                false
            }
            Verdict::Free => {
                request.rival = Some(rival);
                true
            }
        }
    }

    /// A path of another MAG identifier with the request's care-of address in the same routing
    /// instance, whichever customer's: one gateway may serve several. Private addresses
    /// behind NATs may be equal, and a gateway without an identifier is its address.
    fn rival_of(&self, request: &Request) -> Option<PathId> {
        if request.nat || request.update.common.lifetime == 0 || !request.peer.is_identified() {
            return None;
        }
        let vrf = request.peer.tenant.transport;
        self.paths.first_at_care_of(vrf, request.care_of, |path| {
            let other = &path.key.peer;
            !path.nat && other.is_identified() && other.name != request.peer.name
        })
    }

    /// Whether a heartbeat answer may be of a path's gateway: one that names another is not.
    pub(super) fn may_be_of(&self, id: PathId, beat: &Beat) -> bool {
        let peer = self.paths.get(id).map(|path| &path.key.peer.name);
        match (peer, &beat.mag_id) {
            (Some(MagName::Identifier(expected)), Some(named)) => expected == named,
            (Some(_) | None, _) => true,
        }
    }

    /// Whether a heartbeat answer of one of these paths is that to a claim; if so, it is noted.
    pub(super) fn on_claim_answer(&mut self, candidates: &[PathId], beat: &Beat) -> bool {
        let now = self.now;
        for id in candidates {
            if let Some(claim) = self.claims.0.get_mut(id)
                && claim.sequence == beat.sequence
            {
                claim.answered = Some(now);
                return true;
            }
        }
        false
    }

    /// The silent gateway at a granted request's care-of address is gone: what it had there ends.
    pub(super) fn evict_rival(&mut self, request: &Request) {
        let rival = request.rival.and_then(|id| self.paths.get(id));
        let Some(peer) = rival.map(|path| path.key.peer.clone()) else {
            return;
        };
        let vrf = peer.tenant.transport;
        let mut paths: SmallVec<[PathId; 4]> = self.paths.at_care_of(vrf, request.care_of);
        paths.retain(|id| {
            self.paths
                .get(*id)
                .is_some_and(|path| path.key.peer.name == peer.name)
        });
        let bound: Vec<(SessionId, u8)> = self
            .cache
            .iter()
            .flat_map(|(id, session)| session.paths.iter().map(move |binding| (id, binding)))
            .filter(|(_, binding)| paths.contains(&binding.path))
            .map(|(id, binding)| (id, binding.binding_id))
            .collect();
        for (id, binding_id) in bound {
            let paths = self.cache.get(id).map_or(0, |session| session.paths.len());
            if paths > 1 {
                self.leave_path(id, binding_id, "another gateway has its address");
            } else {
                self.start_delete(id, "another gateway has its address");
            }
        }
    }
}
