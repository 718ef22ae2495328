//! Another configuration for a running anchor.

use std::collections::VecDeque;
use std::sync::Arc;

use pmip_wire::types::{Instant, PathId};

use crate::config::LmaConfig;
use crate::event::{Event, Forwarding, SessionEvent, SessionId};
use crate::io::Output;
use crate::message::Identifier;
use crate::random::Random;
use crate::reconfigure::ReconfigureError;
use crate::snapshot::{Refusal, RefusalReason, RestoreError};

use super::cache::PeerKey;
use super::departures::Whence;
use super::paths::Path;
use super::{Lma, TimerKind};

impl Lma {
    /// Goes on with another configuration, and with every binding: as by
    /// [`Lma::restore`], but heartbeats, counters and what is known of the gateways stay. The
    /// next outputs install everything anew. Held requests are dropped; their gateways repeat
    /// them. The Restart Counter stays, whatever `config` says.
    ///
    /// # Errors
    /// Every mistake of `config`, what would be lost under it, or that it must wait. Nothing has
    /// changed then.
    pub fn reconfigure(
        &mut self,
        now: Instant,
        mut config: LmaConfig,
    ) -> Result<(), ReconfigureError> {
        if !self.revocations.is_idle() || !self.notifications.is_idle() {
            return Err(ReconfigureError::Busy);
        }
        self.now = self.now.max(now);
        config.restart_counter = self.config.restart_counter;
        let mut random = self.random.clone();
        let seed = seed(&mut random);
        let (mut next, refusals) =
            match Self::restore(config, &self.snapshot(), seed, self.anchor, self.now) {
                Ok(restored) => restored,
                Err(RestoreError::Config(errors)) => return Err(errors.into()),
                Err(RestoreError::Version { .. }) => return Err(ReconfigureError::Busy),
            };
        let is_lost = |refusal: &Refusal| refusal.reason != RefusalReason::Lapsed;
        let lost: Vec<Refusal> = refusals.into_iter().filter(is_lost).collect();
        if !lost.is_empty() {
            return Err(ReconfigureError::Lost(lost));
        }
        self.random = random;
        self.finish_announcement();
        next.take_over(self);
        *self = next;
        Ok(())
    }

    /// Takes what a snapshot leaves out from the engine before.
    fn take_over(&mut self, before: &mut Self) {
        self.stats = std::mem::take(&mut before.stats);
        self.take_over_customers(before);
        std::mem::swap(&mut self.reminders, &mut before.reminders);
        if self.tenants.same_numbers(&before.tenants) {
            self.revocations = std::mem::take(&mut before.revocations);
            self.notifications = std::mem::take(&mut before.notifications);
        }
        self.take_over_heartbeats(before);
        self.take_over_data_challenges(before);
        let mut first = std::mem::take(&mut before.queue);
        first.extend(self.gone_since(before));
        if let Some(announcement) = &mut self.announcement {
            announcement.begin_with(first);
        }
        if before.clock_changes.is_recorded() {
            self.record_changes(true);
            self.note_everything(before);
        }
    }

    /// The counters of each customer that is still there, by its name.
    fn take_over_customers(&mut self, before: &mut Self) {
        for (number, stats) in std::mem::take(&mut before.customer_stats) {
            let old = before.tenants.all().find(|tenant| tenant.number == number);
            let name = old.and_then(|old| before.tenants.name(old));
            let new = name.and_then(|name| self.tenants.named(Some(name)));
            if let Some(new) = new {
                self.customer_stats.insert(new.number, stats);
            }
        }
    }

    fn take_over_heartbeats(&mut self, before: &mut Self) {
        let ids: Vec<PathId> = self.paths.iter().map(|(id, _)| id).collect();
        for id in ids {
            let Some(path) = self.paths.get(id) else {
                continue;
            };
            let rules = self.tenants.heartbeat(path.key.peer.tenant);
            let Some(rule) = rules.for_label(path.label).copied() else {
                continue;
            };
            let old = before.paths.get_mut(id);
            let old = old.filter(|old| old.key == path.key);
            let Some(mut heartbeat) = old.and_then(|old| old.heartbeat.take()) else {
                continue;
            };
            heartbeat.set_rule(rule, self.now);
            let deadline = heartbeat.deadline();
            if let Some(path) = self.paths.get_mut(id) {
                path.heartbeat = Some(heartbeat);
                self.timers
                    .set(&mut path.timer, TimerKind::Heartbeat(id), deadline);
            }
        }
    }

    /// What the forwarding plane has under numbers that stand for nothing any more.
    fn gone_since(&self, before: &Self) -> VecDeque<Output> {
        let mut outputs = VecDeque::new();
        for (id, session) in before.cache.iter() {
            if self.cache.get(id).is_some() {
                continue;
            }
            let gone = Event::Forwarding(Forwarding::RemoveSession(id));
            outputs.push_back(Output::Event(gone));
            outputs.push_back(Output::Event(Event::Session(SessionEvent::Down {
                session: id,
                mn_id: session.mn_name(),
                reason: "its time is over",
            })));
        }
        for (id, _) in before.paths.iter() {
            if self.paths.get(id).is_none() {
                let gone = Event::Forwarding(Forwarding::RemovePath(id));
                outputs.push_back(Output::Event(gone));
            }
        }
        outputs
    }

    fn note_everything(&mut self, before: &Self) {
        let sessions = before.cache.iter().chain(self.cache.iter());
        let sessions: Vec<SessionId> = sessions.map(|(id, _)| id).collect();
        // A gateway of before by its customer's present number.
        let peer_now = |path: &Path| {
            let peer = &path.key.peer;
            let name = before.tenants.name(peer.tenant);
            let tenant = self.tenants.named(name)?;
            let name = peer.name.clone();
            Some(Arc::new(PeerKey { tenant, name }))
        };
        let old = before.paths.iter();
        let old = old.map(|(id, path)| (id, peer_now(path)));
        let new = self.paths.iter();
        let new = new.map(|(id, path)| (id, Some(Arc::clone(&path.key.peer))));
        let paths: Vec<(PathId, Option<Arc<PeerKey>>)> = old.chain(new).collect();
        let departures = before.departures.iter().map(|(source, _)| source);
        let named = departures.filter_map(|(vrf, source)| match before.config.vrf_name(vrf) {
            None => Some((vrf, source)),
            Some(name) => Some((self.config.vrf(name)?, source)),
        });
        let departures: Vec<Whence> = named.collect();
        let kept = self.departures.iter().map(|(source, _)| source);
        let departures: Vec<Whence> = departures.into_iter().chain(kept).collect();
        for source in departures {
            self.departures.changes.note(source);
        }
        for record in before.allocator.remembered_records(&before.tenants) {
            if let Some(tenant) = self.tenants.named(record.customer.as_deref()) {
                let mn = Identifier::nai(&record.mn_id);
                self.allocator.changes.note((tenant, mn));
            }
        }
        for (digest, _) in before.revoked.iter() {
            self.handled_changes.note(digest);
        }
        sessions
            .into_iter()
            .for_each(|id| self.cache.changes.note(id));
        for (id, peer) in paths {
            self.paths.changes.note(id);
            if let Some(peer) = peer {
                self.peers.changes.note(peer);
            }
        }
    }
}

fn seed(random: &mut Random) -> [u8; 32] {
    let mut seed = [0; 32];
    for part in seed.chunks_exact_mut(8) {
        part.copy_from_slice(&random.next_u64().to_be_bytes());
    }
    seed
}
