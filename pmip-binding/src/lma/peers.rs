//! What is known of each MAG as a whole.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use foldhash::quality::FixedState;
use hashbrown::HashMap;
use pmip_wire::types::Instant;

use crate::snapshot::{PeerName, PeerRecord};

use super::cache::{MagName, PeerKey};
use super::changes::Changes;

/// From one restart of a MAG that is believed to the next. Each costs a walk through all sessions, and
/// a MAG that has us ask again and again could say so a thousand times a second. One that comes sooner
/// is noticed by a later heartbeat.
const RESTART_PACE: Duration = Duration::from_secs(3);

/// One MAG.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    paths: u32,
    /// It has answered a heartbeat, on whatever path.
    answered: bool,
    /// It does not know Heartbeat, so it is asked no more on any path (RFC 5847 section 3).
    lacks_heartbeat: bool,
    restart_counter: Option<u32>,
    /// When we first asked what it answered with that counter.
    since: Instant,
    /// When we last asked what it answered with that counter.
    confirmed: Instant,
    /// When we asked what it answered with another counter than before.
    restarted: Option<Instant>,
}

/// The MAGs that have paths.
#[derive(Clone, Debug)]
pub(super) struct PeerTable {
    peers: HashMap<Arc<PeerKey>, Peer, FixedState>,
    pub(super) changes: Changes<Arc<PeerKey>>,
}

impl PeerTable {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            peers: HashMap::with_hasher(FixedState::with_seed(seed)),
            changes: Changes::default(),
        }
    }

    /// A key to keep, one for all who name the same MAG.
    pub(super) fn shared(&self, key: &PeerKey) -> Arc<PeerKey> {
        match self.peers.get_key_value(key) {
            Some((known, _)) => Arc::clone(known),
            None => Arc::new(key.clone()),
        }
    }

    /// One more path of this MAG.
    pub(super) fn add_path(&mut self, key: &Arc<PeerKey>) {
        let peer = self.peers.entry(Arc::clone(key)).or_insert(Peer::NEW);
        peer.paths = peer.paths.saturating_add(1);
        if peer.paths == 1 {
            self.changes.note(Arc::clone(key));
        }
    }

    /// One path less; a MAG without any is forgotten.
    pub(super) fn remove_path(&mut self, key: &Arc<PeerKey>) {
        let Some(peer) = self.peers.get_mut(key) else {
            return;
        };
        peer.paths = peer.paths.saturating_sub(1);
        if peer.paths == 0 {
            self.peers.remove(key);
            self.changes.note(Arc::clone(key));
        }
    }

    pub(super) fn has_answered(&self, key: &PeerKey) -> bool {
        self.peers.get(key).is_some_and(|peer| peer.answered)
    }

    /// It answered a heartbeat.
    pub(super) fn set_answered(&mut self, key: &Arc<PeerKey>) {
        if let Some(peer) = self.peers.get_mut(key)
            && !peer.answered
        {
            peer.answered = true;
            self.changes.note(Arc::clone(key));
        }
    }

    pub(super) fn lacks_heartbeat(&self, key: &PeerKey) -> bool {
        self.peers.get(key).is_some_and(|peer| peer.lacks_heartbeat)
    }

    /// It refused a heartbeat, or an administrative action has it asked again.
    pub(super) fn set_lacks_heartbeat(&mut self, key: &Arc<PeerKey>, lacks: bool) {
        if let Some(peer) = self.peers.get_mut(key)
            && peer.lacks_heartbeat != lacks
        {
            peer.lacks_heartbeat = lacks;
            self.changes.note(Arc::clone(key));
        }
    }

    /// It answered with this Restart Counter, asked at this moment. If that differs from the one
    /// before: when we asked last what it answered with that.
    pub(super) fn set_restart_counter(
        &mut self,
        key: &Arc<PeerKey>,
        counter: u32,
        asked: Instant,
    ) -> Option<Instant> {
        let peer = self.peers.get_mut(key)?;
        if asked < peer.confirmed {
            // A later question was answered before.
            return None;
        }
        let differs = peer.restart_counter.is_some_and(|before| before != counter);
        let too_soon = |last| asked.saturating_since(last) < RESTART_PACE;
        if differs && peer.restarted.is_some_and(too_soon) {
            return None;
        }
        let before = peer.restart_counter.replace(counter);
        let confirmed = std::mem::replace(&mut peer.confirmed, asked);
        if before == Some(counter) {
            return None;
        }
        peer.since = asked;
        self.changes.note(Arc::clone(key));
        before?;
        peer.restarted = Some(asked);
        Some(confirmed)
    }

    pub(super) fn record(&self, key: &PeerKey, name: PeerName) -> Option<PeerRecord> {
        let peer = self.peers.get(key)?;
        Some(PeerRecord {
            peer: name,
            answered: peer.answered,
            lacks_heartbeat: peer.lacks_heartbeat,
            restart_counter: peer.restart_counter,
            since: peer.since,
        })
    }

    /// Takes over what was known; the MAG has paths already.
    pub(super) fn restore(&mut self, key: &PeerKey, record: &PeerRecord, since: Instant) {
        if let Some(peer) = self.peers.get_mut(key) {
            peer.answered = record.answered;
            peer.lacks_heartbeat = record.lacks_heartbeat;
            peer.restart_counter = record.restart_counter;
            peer.since = since;
            // A later moment that is lost would only make more bindings void.
            peer.confirmed = since;
        }
    }
}

impl Peer {
    const NEW: Self = Self {
        paths: 0,
        answered: false,
        lacks_heartbeat: false,
        restart_counter: None,
        since: Instant::ZERO,
        confirmed: Instant::ZERO,
        restarted: None,
    };
}

impl PeerKey {
    /// `customer`: the name of its tenant.
    pub(super) fn to_name(&self, customer: Option<&str>) -> PeerName {
        let customer = customer.map(str::to_owned);
        match &self.name {
            MagName::Identifier(identifier) => PeerName::Identifier {
                customer,
                subtype: identifier.subtype,
                octets: Bytes::copy_from_slice(&identifier.octets),
            },
            MagName::Address { source, care_of } => PeerName::Address {
                customer,
                source: *source,
                care_of: *care_of,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tenants::Tenant;
    use super::*;
    use crate::message::Identifier;

    #[test]
    fn restarts_without_end_are_believed_once_in_a_while() {
        let at = Instant::from_secs;
        let key = PeerKey::identified(Tenant::default(), Identifier::nai("mag1"));
        let key = Arc::new(key);
        let mut table = PeerTable::new(1);
        table.add_path(&key);
        let mut hear = |counter, asked| table.set_restart_counter(&key, counter, asked);
        assert_eq!(hear(1, at(10)), None);
        assert_eq!(hear(1, at(20)), None);
        let lies = (2..1000).filter_map(|counter| hear(counter, at(21)));
        assert_eq!(lies.count(), 1);
        assert_eq!(hear(5000, at(23)), None, "too soon");
        assert_eq!(hear(5000, at(24)), Some(at(21)), "noticed all the same");
    }
}
