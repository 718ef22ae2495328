//! GRE keys: which session a key names on a path, and which key a session's packets get.

use alloc::sync::Arc;
use core::sync::atomic::AtomicU32;

use pmip_wire::types::PathId;

use super::{ForwardingTable, PathKeys, Role, SessionKey};

/// The keys of one session on one path, as this end uses them.
#[derive(Clone, Debug)]
pub(crate) struct KeyRow {
    pub(crate) path: PathId,
    /// On what we send.
    pub(crate) sent: u32,
    /// On what we receive.
    pub(crate) received: u32,
    /// Numbers what we send with this key (RFC 2890 section 2.2); all snapshots share it.
    pub(crate) sequence: Arc<AtomicU32>,
}

/// Who has a key on a path. Drawn keys have one owner; a configured one may have any number, and
/// then tells them apart only together with the inner address.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct KeyOwners {
    count: u32,
    /// All owners' numbers exclusive-ored: the number of the only one.
    mixed: u32,
}

impl KeyOwners {
    pub(super) const fn only(self) -> Option<SessionKey> {
        match self.count {
            1 => Some(SessionKey(self.mixed)),
            _ => None,
        }
    }
}

/// The row of `path`.
#[inline]
pub(crate) fn row(rows: Option<&[KeyRow]>, path: PathId) -> Option<&KeyRow> {
    rows?.iter().find(|row| row.path == path)
}

impl ForwardingTable {
    /// The keys as this end uses them. A row that stays as it was goes on counting.
    pub(super) fn key_rows(&self, session: SessionKey, keys: &[PathKeys]) -> Option<Arc<[KeyRow]>> {
        if keys.is_empty() {
            return None;
        }
        let former = self.sessions.get(&session);
        let former = former.and_then(|entry| entry.keys.as_deref());
        let rows = keys.iter().map(|keys| {
            let (sent, received) = match self.role {
                Role::Mag => (keys.uplink, keys.downlink),
                Role::Lma => (keys.downlink, keys.uplink),
            };
            let same = row(former, keys.path).filter(|row| row.sent == sent);
            let sequence = same.map(|row| Arc::clone(&row.sequence));
            KeyRow {
                path: keys.path,
                sent,
                received,
                sequence: sequence.unwrap_or_default(),
            }
        });
        Some(rows.collect())
    }

    pub(super) fn own_keys(&mut self, session: SessionKey, rows: Option<&[KeyRow]>) {
        for row in rows.unwrap_or(&[]) {
            let key = (row.path, row.received);
            let mut owners = self.keys.get(&key).copied().unwrap_or_default();
            owners.count = owners.count.saturating_add(1);
            owners.mixed ^= session.0;
            self.keys.insert(key, owners);
        }
    }

    pub(super) fn disown_keys(&mut self, session: SessionKey, rows: Option<&[KeyRow]>) {
        for row in rows.unwrap_or(&[]) {
            let key = (row.path, row.received);
            let Some(owners) = self.keys.get_mut(&key) else {
                continue;
            };
            owners.count = owners.count.saturating_sub(1);
            owners.mixed ^= session.0;
            if owners.count == 0 {
                self.keys.remove(&key);
            }
        }
    }
}
