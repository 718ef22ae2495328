//! The state of an anchor as records.

use pmip_wire::BindingRevocationStatus;
use pmip_wire::types::{Instant, PathId};

use crate::event::SessionId;
use crate::heartbeat::Heartbeat;
use crate::seen::Outcome;
use crate::snapshot::{
    BindingRecord, DepartureRecord, GreRecord, HandledRecord, LmaSnapshot, MarkRecord, PathRecord,
    PeerName, PeerRecord, SessionRecord,
};

use super::Lma;
use super::cache::{PeerKey, Session};
use super::departures::Whence;
use super::paths::Path;

impl Lma {
    /// The state to keep, for [`Lma::restore`].
    pub fn snapshot(&self) -> LmaSnapshot {
        let mut snapshot = LmaSnapshot::new(self.config.restart_counter, self.anchor);
        for (id, path) in self.paths.iter() {
            snapshot.paths.insert(id, self.record_of_path(id, path));
            if let Some(record) = self.peer_record(&path.key.peer) {
                snapshot.peers.insert(record.peer.clone(), record);
            }
        }
        let sessions = self.cache.iter();
        snapshot.sessions = sessions
            .map(|(id, session)| (id, self.record_of_session(id, session)))
            .collect();
        let remembered = self.allocator.remembered_records(&self.tenants);
        snapshot.remembered = remembered
            .map(|record| ((record.customer.clone(), record.mn_id.clone()), record))
            .collect();
        let departures = self.departures.iter();
        snapshot.departures = departures
            .map(|(source, at)| self.record_of_departure(source, at))
            .map(|record| ((record.vrf.clone(), record.source), record))
            .collect();
        let handled = self.revoked.iter();
        snapshot.handled = handled
            .map(|(digest, outcome)| (digest, handled_record(digest, outcome)))
            .collect();
        snapshot
    }

    pub(super) fn departure_record(&self, source: Whence) -> Option<DepartureRecord> {
        Some(self.record_of_departure(source, self.departures.at(source)?))
    }

    fn record_of_departure(&self, (vrf, source): Whence, at: Instant) -> DepartureRecord {
        let vrf = self.config.vrf_name(vrf).map(str::to_owned);
        DepartureRecord { vrf, source, at }
    }

    pub(super) fn handled_record(&self, digest: u64) -> Option<HandledRecord> {
        Some(handled_record(digest, self.revoked.record(digest)?))
    }

    pub(super) fn peer_record(&self, key: &PeerKey) -> Option<PeerRecord> {
        self.peers.record(key, self.peer_name(key))
    }

    pub(super) fn path_record(&self, id: PathId) -> Option<PathRecord> {
        let path = self.paths.get(id)?;
        Some(self.record_of_path(id, path))
    }

    pub(super) fn session_record(&self, id: SessionId) -> Option<SessionRecord> {
        let session = self.cache.get(id)?;
        Some(self.record_of_session(id, session))
    }

    /// The name of a gateway outside the engine.
    pub(super) fn peer_name(&self, key: &PeerKey) -> PeerName {
        key.to_name(self.tenants.name(key.tenant))
    }

    fn record_of_path(&self, id: PathId, path: &Path) -> PathRecord {
        path_record(id, path, self.peer_name(&path.key.peer))
    }

    fn record_of_session(&self, id: SessionId, session: &Session) -> SessionRecord {
        session_record(id, session, self.peer_name(&session.peer))
    }
}

fn handled_record(digest: u64, outcome: Outcome<BindingRevocationStatus>) -> HandledRecord {
    HandledRecord {
        digest,
        status: outcome.what.code(),
        at: outcome.at,
    }
}

fn path_record(id: PathId, path: &Path, peer: PeerName) -> PathRecord {
    let heartbeat = path.heartbeat.as_deref();
    let weights = path.link.as_ref().and_then(|link| link.weights);
    let (observed, observed_data) = path.confirmed();
    PathRecord {
        path: id,
        peer,
        local: path.key.local,
        care_of: path.key.care_of,
        binding_id: path.key.binding_id,
        observed,
        observed_data,
        nat: path.nat,
        encapsulation: path.encapsulation,
        label: path.label,
        label_name: path.label_name(),
        interface: path.interface(),
        weights: weights.map(|weights| (weights.up, weights.down)),
        access_technology: path.access_technology,
        alive: heartbeat.is_none_or(Heartbeat::is_alive),
    }
}

fn session_record(id: SessionId, session: &Session, peer: PeerName) -> SessionRecord {
    let paths = session.paths.iter().map(|binding| BindingRecord {
        binding_id: binding.binding_id,
        path: binding.path,
        lifetime: binding.lifetime,
        expires: binding.expires,
    });
    let marks = session.marks.iter().map(|kept| {
        let mark = kept.mark();
        MarkRecord {
            binding_id: kept.binding_id,
            timestamp: mark.timestamp,
            sequence: mark.sequence,
        }
    });
    let gre = session.gre_bindings().map(|binding| GreRecord {
        binding_id: binding.binding_id,
        agreed: binding.agreed,
        uplink: binding.uplink,
        downlink: binding.downlink,
    });
    let home = session.ipv4_home;
    SessionRecord {
        session: id,
        mn_id: session.mn_name(),
        link_layer: session.link_layer().to_vec().into(),
        peer,
        access_technology: session.access_technology,
        link_local: session.link_local.as_deref().copied(),
        home_prefixes: session.home_prefixes().to_vec(),
        ipv4_home: home.map(|home| (home.address, home.prefix_length, home.router)),
        delegated: session.delegated().to_vec(),
        multipath: session.multipath,
        paths: paths.collect(),
        marks: marks.collect(),
        gre: gre.collect(),
        access_network: session.access_network().cloned(),
        service_selection: session.service_name(),
        last_care_of: session.last_care_of,
        refreshed: session.refreshed,
        deleted_at: session.deleted_at(),
    }
}
