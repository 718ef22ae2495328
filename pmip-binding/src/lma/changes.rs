//! What changed since somebody asked.

use std::collections::BTreeSet;

use crate::event::SessionId;
use crate::snapshot::ChangeRecord;

use super::Lma;
use super::departures::Whence;

/// The records that changed and were not told yet; none are noted until somebody wants them.
#[derive(Clone, Debug)]
pub(super) struct Changes<K>(Option<BTreeSet<K>>);

impl<K> Default for Changes<K> {
    fn default() -> Self {
        Self(None)
    }
}

impl<K: Ord> Changes<K> {
    pub(super) fn record(&mut self, wanted: bool) {
        self.0 = wanted.then(BTreeSet::new);
    }

    pub(super) fn note(&mut self, key: K) {
        if let Some(changed) = &mut self.0 {
            changed.insert(key);
        }
    }

    /// As [`Changes::note`], where the key must be made first.
    pub(super) fn note_with(&mut self, key: impl FnOnce() -> K) {
        if let Some(changed) = &mut self.0 {
            changed.insert(key());
        }
    }

    /// Whether somebody wants them.
    pub(super) const fn is_recorded(&self) -> bool {
        self.0.is_some()
    }

    fn take(&mut self) -> Option<K> {
        self.0.as_mut()?.pop_first()
    }
}

impl Lma {
    /// Starts or ends the noting of changes for [`Lma::poll_change`]; it starts empty, so take a
    /// [`Lma::snapshot`] at the same moment.
    pub fn record_changes(&mut self, wanted: bool) {
        self.clock_changes.record(wanted);
        self.cache.changes.record(wanted);
        self.paths.changes.record(wanted);
        self.peers.changes.record(wanted);
        self.allocator.changes.record(wanted);
        self.departures.changes.record(wanted);
        self.handled_changes.record(wanted);
    }

    /// The next record that changed since it was told last, as it is now; `None` when there is
    /// none, or nobody asked by [`Lma::record_changes`].
    ///
    /// Applied to the snapshot taken before, all of them together make one taken now. A program
    /// that must not promise what it may forget takes and keeps them before it carries out what
    /// [`Lma::poll_output`] gives, as one piece: in between a session may name a path that is
    /// gone already.
    pub fn poll_change(&mut self) -> Option<ChangeRecord> {
        if let Some(()) = self.clock_changes.take() {
            return Some(ChangeRecord::Clock(self.anchor));
        }
        if let Some(key) = self.peers.changes.take() {
            let record = self.peer_record(&key);
            let gone = || ChangeRecord::PeerGone(self.peer_name(&key));
            return Some(record.map_or_else(gone, ChangeRecord::Peer));
        }
        if let Some(id) = self.paths.changes.take() {
            let record = self.path_record(id);
            let gone = ChangeRecord::PathGone(id);
            return Some(record.map_or(gone, ChangeRecord::Path));
        }
        if let Some(id) = self.cache.changes.take() {
            return Some(self.session_change(id));
        }
        if let Some(source) = self.departures.changes.take() {
            return Some(self.departure_change(source));
        }
        if let Some(digest) = self.handled_changes.take() {
            let record = self.handled_record(digest);
            let gone = ChangeRecord::HandledGone(digest);
            return Some(record.map_or(gone, ChangeRecord::Handled));
        }
        let (tenant, mn) = self.allocator.changes.take()?;
        let customer = self.tenants.name(tenant);
        let record = self.allocator.remembered_record(customer, tenant, &mn);
        let gone = || ChangeRecord::Forgotten(customer.map(str::to_owned), mn.name());
        Some(record.map_or_else(gone, ChangeRecord::Remembered))
    }

    fn departure_change(&self, source: Whence) -> ChangeRecord {
        let (vrf, address) = source;
        let record = self.departure_record(source);
        let name = || self.config.vrf_name(vrf).map(str::to_owned);
        let gone = || ChangeRecord::DepartureGone(name(), address);
        record.map_or_else(gone, ChangeRecord::Departure)
    }

    fn session_change(&self, id: SessionId) -> ChangeRecord {
        let record = self.session_record(id);
        record.map_or(ChangeRecord::SessionGone(id), ChangeRecord::Session)
    }
}
