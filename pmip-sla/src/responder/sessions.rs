use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use pmip_wire::types::{Instant, PathId};

use super::Received;

/// Measurements under way: found by where packets come from, forgotten in time, never too many.
#[derive(Clone, Debug)]
pub(super) struct Sessions {
    sessions: BTreeMap<Key, Session>,
    expiries: BTreeSet<(Instant, Key)>,
    /// Measurements on each port.
    ports: BTreeMap<u16, usize>,
    max: usize,
    max_per_address: usize,
}

/// Who measures. The source port is that of the request's Measurement Source Port, which a NAT may
/// have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub path: PathId,
    pub address: IpAddr,
    pub port: u16,
    pub source_port: u16,
}

#[derive(Clone, Debug)]
pub(super) struct Session {
    pub number: Number,
    until: Instant,
    /// Whether a packet came from exactly the announced port.
    claimed: bool,
}

/// The responder's sequence number, as wide as the version has it.
#[derive(Clone, Debug)]
pub(super) enum Number {
    Full(u32),
    Short(u16),
}

impl Sessions {
    pub(super) fn new(max: usize, max_per_address: usize) -> Self {
        Self {
            sessions: BTreeMap::new(),
            expiries: BTreeSet::new(),
            ports: BTreeMap::new(),
            max,
            max_per_address,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.sessions.len()
    }

    pub(super) fn next_expiry(&self) -> Option<Instant> {
        self.expiries.first().map(|(until, _)| *until)
    }

    /// Whether a packet may be answered on `port`.
    pub(super) fn has_port(&self, port: u16) -> bool {
        self.ports.contains_key(&port)
    }

    /// Begins a measurement, or the same anew: with its number and time reset (RFC 6812 section 4).
    /// `false`: there are too many.
    pub(super) fn open(&mut self, key: Key, until: Instant, number: Number) -> bool {
        let is_new = !self.sessions.contains_key(&key);
        if is_new
            && (self.sessions.len() >= self.max
                || self.of(key.path, key.address) >= self.max_per_address)
        {
            return false;
        }
        let session = Session {
            number,
            until,
            claimed: false,
        };
        if let Some(old) = self.sessions.insert(key, session) {
            self.expiries.remove(&(old.until, key));
        } else {
            *self.ports.entry(key.port).or_default() += 1;
        }
        self.expiries.insert((until, key));
        true
    }

    /// How many there are from one address.
    fn of(&self, path: PathId, address: IpAddr) -> usize {
        self.range(path, address, 0..=u16::MAX).count()
    }

    fn range(
        &self,
        path: PathId,
        address: IpAddr,
        ports: std::ops::RangeInclusive<u16>,
    ) -> impl Iterator<Item = (&Key, &Session)> {
        let key = |port, source_port| Key {
            path,
            address,
            port,
            source_port,
        };
        self.sessions
            .range(key(*ports.start(), 0)..=key(*ports.end(), u16::MAX))
    }

    /// The measurement that a packet belongs to: by its source port, or else, as a NAT may have
    /// changed that, one that no packet has come to yet.
    pub(super) fn find(&mut self, received: &Received<'_>) -> Option<&mut Session> {
        let key = Key {
            path: received.path,
            address: received.remote.ip(),
            port: received.local.port(),
            source_port: received.remote.port(),
        };
        if !self.sessions.contains_key(&key) {
            let port = key.port;
            let unclaimed = self
                .range(key.path, key.address, port..=port)
                .find(|(_, session)| !session.claimed)
                .map(|(announced, _)| *announced)?;
            self.rename(unclaimed, key);
        }
        let session = self.sessions.get_mut(&key)?;
        session.claimed = true;
        Some(session)
    }

    fn rename(&mut self, from: Key, to: Key) {
        let Some(session) = self.sessions.remove(&from) else {
            return;
        };
        self.expiries.remove(&(session.until, from));
        self.expiries.insert((session.until, to));
        self.sessions.insert(to, session);
    }

    /// Forgets what is over; the ports that nobody needs any more.
    pub(super) fn expire(&mut self, now: Instant) -> Vec<u16> {
        let mut keys = Vec::new();
        while let Some((until, key)) = self.expiries.first().copied() {
            if until > now {
                break;
            }
            self.expiries.remove(&(until, key));
            keys.push(key);
        }
        self.forget(&keys)
    }

    pub(super) fn remove_path(&mut self, path: PathId) -> Vec<u16> {
        let keys = self.sessions.keys().filter(|key| key.path == path);
        let keys: Vec<Key> = keys.copied().collect();
        self.forget(&keys)
    }

    /// Forgets all measurements on `port`.
    pub(super) fn close(&mut self, port: u16) {
        let keys = self.sessions.keys().filter(|key| key.port == port);
        let keys: Vec<Key> = keys.copied().collect();
        self.forget(&keys);
    }

    /// Forgets these; the ports that nobody needs any more.
    fn forget(&mut self, keys: &[Key]) -> Vec<u16> {
        let mut closed = Vec::new();
        for key in keys {
            let Some(session) = self.sessions.remove(key) else {
                continue;
            };
            self.expiries.remove(&(session.until, *key));
            let Some(left) = self.ports.get_mut(&key.port) else {
                continue;
            };
            *left = left.saturating_sub(1);
            if *left == 0 {
                self.ports.remove(&key.port);
                closed.push(key.port);
            }
        }
        closed
    }
}
