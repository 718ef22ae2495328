//! The binding cache: mobility sessions and the ways to find them (RFC 5213 section 5.1).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use foldhash::quality::FixedState;
use hashbrown::HashMap;
use pmip_wire::SequenceNumber;
use pmip_wire::types::{Instant, IpPrefix, PathId};
use smallvec::SmallVec;

use crate::event::{PathRoute, SessionId, SessionRoute};
use crate::message::Identifier;
use crate::slab::Slab;
use crate::timers::TimerSlot;

pub(super) type MnKey = Identifier;

/// Who a MAG is: its identifier, or where it sends none its address, as seen and as the MAG knows
/// it, for several may stand behind one NAT.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum PeerKey {
    Identifier(Identifier),
    Address { source: IpAddr, care_of: IpAddr },
}

/// One mobility session.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) mn: MnKey,
    pub(super) peer: PeerKey,
    pub(super) access_technology: u8,
    pub(super) link_layer: Arc<[u8]>,
    pub(super) link_local: Option<Ipv6Addr>,
    pub(super) home_prefixes: SmallVec<[IpPrefix; 1]>,
    pub(super) ipv4_home: Option<HomeAddress>,
    pub(super) delegated: SmallVec<[IpPrefix; 2]>,
    pub(super) multipath: bool,
    pub(super) paths: SmallVec<[PathBinding; 2]>,
    /// The care-of address that registered last; outlives its path during the delete wait.
    pub(super) last_care_of: IpAddr,
    /// When the last PBU was accepted.
    pub(super) refreshed: Instant,
    /// Order marks per Binding ID, those of removed ones too (signalling rules section 5).
    pub(super) marks: SmallVec<[(u8, Mark); 2]>,
    /// De-registered: gone at this moment unless a PBU revives it.
    pub(super) deleting: Option<Instant>,
    /// Of the next expiry, or of the end of the delete wait.
    pub(super) timer: TimerSlot,
}

/// An IPv4 home address with what is told along with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HomeAddress {
    pub(super) address: Ipv4Addr,
    pub(super) prefix_length: u8,
    pub(super) router: Ipv4Addr,
}

/// One path of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PathBinding {
    /// 0 without multipath.
    pub(super) binding_id: u8,
    pub(super) path: PathId,
    pub(super) lifetime: Duration,
    pub(super) expires: Instant,
}

/// What the next PBU must come after.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) timestamp: Option<u64>,
    pub(super) sequence: Option<u16>,
}

/// All sessions.
#[derive(Clone, Debug)]
pub(super) struct BindingCache {
    sessions: Slab<Session>,
    by_mn: HashMap<MnKey, SmallVec<[SessionId; 1]>, FixedState>,
    by_prefix: HashMap<IpPrefix, SessionId, FixedState>,
}

impl BindingCache {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            sessions: Slab::new(),
            by_mn: HashMap::with_hasher(FixedState::with_seed(seed)),
            by_prefix: HashMap::with_hasher(FixedState::with_seed(seed)),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.sessions.len()
    }

    /// The number that the next session will have.
    pub(super) fn next_id(&self) -> SessionId {
        SessionId(self.sessions.next_key())
    }

    pub(super) fn insert(&mut self, session: Session) -> SessionId {
        let mn = session.mn.clone();
        let prefixes: SmallVec<[IpPrefix; 2]> = session.home_keys().collect();
        let id = SessionId(self.sessions.insert(session));
        self.by_mn.entry(mn).or_default().push(id);
        for prefix in prefixes {
            self.by_prefix.insert(prefix, id);
        }
        id
    }

    pub(super) fn remove(&mut self, id: SessionId) -> Option<Session> {
        let session = self.sessions.remove(id.0)?;
        if let Some(ids) = self.by_mn.get_mut(&session.mn) {
            ids.retain(|other| *other != id);
            if ids.is_empty() {
                self.by_mn.remove(&session.mn);
            }
        }
        for prefix in session.home_keys() {
            self.by_prefix.remove(&prefix);
        }
        Some(session)
    }

    pub(super) fn get(&self, id: SessionId) -> Option<&Session> {
        self.sessions.get(id.0)
    }

    /// For changes of anything but the mobile node and its home prefixes.
    pub(super) fn get_mut(&mut self, id: SessionId) -> Option<&mut Session> {
        self.sessions.get_mut(id.0)
    }

    /// Replaces the home prefixes and home address.
    pub(super) fn set_homes(
        &mut self,
        id: SessionId,
        home_prefixes: SmallVec<[IpPrefix; 1]>,
        ipv4_home: Option<HomeAddress>,
    ) {
        let Some(session) = self.sessions.get_mut(id.0) else {
            return;
        };
        for prefix in session.home_keys() {
            self.by_prefix.remove(&prefix);
        }
        session.home_prefixes = home_prefixes;
        session.ipv4_home = ipv4_home;
        for prefix in session.home_keys() {
            self.by_prefix.insert(prefix, id);
        }
    }

    /// The session that holds this home prefix or host home address.
    pub(super) fn by_prefix(&self, prefix: IpPrefix) -> Option<SessionId> {
        self.by_prefix.get(&prefix).copied()
    }

    /// The sessions of one mobile node, oldest first.
    pub(super) fn of_mn(&self, mn: &MnKey) -> &[SessionId] {
        self.by_mn.get(mn).map_or(&[], SmallVec::as_slice)
    }

    /// In order of number.
    pub(super) fn iter(&self) -> impl Iterator<Item = (SessionId, &Session)> {
        let sessions = self.sessions.iter();
        sessions.map(|(key, session)| (SessionId(key), session))
    }
}

impl Session {
    pub(super) fn path(&self, binding_id: u8) -> Option<&PathBinding> {
        self.paths.iter().find(|path| path.binding_id == binding_id)
    }

    /// The order mark that a PBU of this Binding ID is compared with.
    pub(super) fn mark(&self, binding_id: u8) -> Mark {
        let found = self.marks.iter().find(|(known, _)| *known == binding_id);
        found.map_or_else(Mark::default, |&(_, mark)| mark)
    }

    /// The highest mark over all Binding IDs: what creation, handoff, overwrite and bulk compare
    /// with (signalling rules section 5).
    pub(super) fn highest_mark(&self) -> Mark {
        let mut highest = Mark::default();
        for (_, mark) in &self.marks {
            highest.raise(*mark);
        }
        highest
    }

    pub(super) fn set_mark(&mut self, binding_id: u8, mark: Mark) {
        match self
            .marks
            .iter_mut()
            .find(|(known, _)| *known == binding_id)
        {
            Some((_, kept)) => kept.raise(mark),
            None => self.marks.push((binding_id, mark)),
        }
    }

    /// Every prefix that is reached through this session.
    pub(super) fn prefixes(&self) -> impl Iterator<Item = IpPrefix> + '_ {
        self.home_keys().chain(self.delegated.iter().copied())
    }

    /// What the forwarding plane needs to know.
    pub(super) fn route(&self, id: SessionId) -> SessionRoute {
        let paths = self.paths.iter().map(|path| PathRoute {
            path: path.path,
            keys: None,
        });
        SessionRoute {
            session: id,
            prefixes: self.prefixes().collect(),
            paths: paths.collect(),
        }
    }

    fn home_keys(&self) -> impl Iterator<Item = IpPrefix> + '_ {
        let home = self
            .ipv4_home
            .map(|home| IpPrefix::host(home.address.into()));
        self.home_prefixes.iter().copied().chain(home)
    }
}

impl Mark {
    fn raise(&mut self, other: Self) {
        self.timestamp = self.timestamp.max(other.timestamp);
        self.sequence = match (self.sequence, other.sequence) {
            (Some(ours), Some(theirs))
                if !SequenceNumber(theirs).is_newer_than(SequenceNumber(ours)) =>
            {
                Some(ours)
            }
            (ours, None) => ours,
            (_, theirs) => theirs,
        };
    }
}
