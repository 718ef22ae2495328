//! The binding cache: mobility sessions and the ways to find them (RFC 5213 section 5.1).

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use pmip_wire::SequenceNumber;
use pmip_wire::types::{Instant, IpPrefix, PathId};
use smallvec::SmallVec;

use crate::event::{PathRoute, SessionId, SessionRoute};
use crate::index::Index;
use crate::message::Identifier;
use crate::slab::Slab;
use crate::timers::TimerSlot;
use crate::vrf::VrfId;

use super::allocation::Holdings;
use super::changes::Changes;
use super::extras::Extras;
use super::tenants::Tenant;

pub(super) type MnKey = Identifier;

/// Who a MAG is, and whose.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct PeerKey {
    pub(super) tenant: Tenant,
    pub(super) name: MagName,
}

/// The MAG's identifier, or where it sends none its address, as seen and as the MAG knows it, for
/// several may stand behind one NAT.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum MagName {
    Identifier(Identifier),
    Address { source: IpAddr, care_of: IpAddr },
}

impl PeerKey {
    pub(super) const fn identified(tenant: Tenant, identifier: Identifier) -> Self {
        let name = MagName::Identifier(identifier);
        Self { tenant, name }
    }

    pub(super) const fn is_identified(&self) -> bool {
        matches!(self.name, MagName::Identifier(_))
    }
}

/// One mobility session. There may be a million, so what it holds is packed.
#[derive(Clone, Debug)]
pub(super) struct Session {
    node: NodeName,
    /// Shared by all sessions of the MAG.
    pub(super) peer: Arc<PeerKey>,
    pub(super) link_local: Option<Box<Ipv6Addr>>,
    /// Home network prefixes, then delegated ones.
    prefixes: SmallVec<[IpPrefix; 2]>,
    pub(super) paths: SmallVec<[PathBinding; 2]>,
    /// Order marks per Binding ID, those of removed ones too (signalling rules section 5).
    pub(super) marks: SmallVec<[KeptMark; 2]>,
    /// When the last PBU was accepted.
    pub(super) refreshed: Instant,
    /// De-registered: gone at this moment unless a PBU revives it. The end of time = it is not.
    deleted: Instant,
    /// Of the next expiry, or of the end of the delete wait.
    pub(super) timer: TimerSlot,
    /// The care-of address that registered last; outlives its path during the delete wait.
    pub(super) last_care_of: IpAddr,
    pub(super) ipv4_home: Option<HomeAddress>,
    pub(super) extras: Option<Box<Extras>>,
    pub(super) access_technology: u8,
    pub(super) multipath: bool,
    /// How many of the prefixes are home network prefixes.
    homes: u8,
}

/// Mobile node identifier and link-layer identifier in one piece: subtype, length of the mobile
/// node's name, the name, the link-layer identifier.
#[derive(Clone, Debug)]
struct NodeName(Box<[u8]>);

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
    pub(super) expires: Instant,
    pub(super) path: PathId,
    /// Units of 4 s.
    pub(super) lifetime: u16,
    /// 0 without multipath.
    pub(super) binding_id: u8,
}

/// What the next PBU must come after.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) timestamp: Option<u64>,
    pub(super) sequence: Option<u16>,
}

/// The mark of one Binding ID, packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct KeptMark {
    timestamp: u64,
    sequence: u16,
    pub(super) binding_id: u8,
    has_timestamp: bool,
    has_sequence: bool,
}

/// All sessions.
#[derive(Clone, Debug)]
pub(super) struct BindingCache {
    sessions: Slab<Session>,
    by_mn: Index,
    by_prefix: Index,
    /// What each tenant's sessions hold, by its number.
    held: BTreeMap<u16, Held>,
    pub(super) changes: Changes<SessionId>,
}

/// What the sessions of one tenant hold together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) sessions: u32,
    /// Delegated prefixes.
    pub(super) ipv4: u32,
    pub(super) ipv6: u32,
}

impl BindingCache {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            sessions: Slab::new(),
            by_mn: Index::new(seed),
            by_prefix: Index::new(seed),
            held: BTreeMap::new(),
            changes: Changes::default(),
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
        self.insert_as(None, session)
    }

    /// Inserts under a number, if that is above every one used so far.
    pub(super) fn insert_as(&mut self, wanted: Option<u32>, session: Session) -> SessionId {
        let number = match wanted {
            Some(wanted) => self.sessions.insert_at(wanted, session),
            None => self.sessions.insert(session),
        };
        if let Some(session) = self.sessions.get(number) {
            self.by_mn.insert(&session.whose(), number);
            for prefix in session.home_keys() {
                self.by_prefix.insert(&(session.vrf(), prefix), number);
            }
            let held = self.held.entry(session.peer.tenant.number).or_default();
            held.sessions = held.sessions.saturating_add(1);
            held.add(session);
        }
        self.changes.note(SessionId(number));
        SessionId(number)
    }

    /// Above every number used.
    pub(super) const fn end(&self) -> u32 {
        self.sessions.end()
    }

    pub(super) fn remove(&mut self, id: SessionId) -> Option<Session> {
        let session = self.sessions.remove(id.0)?;
        self.changes.note(id);
        self.by_mn.remove(&session.whose(), id.0);
        for prefix in session.home_keys() {
            self.by_prefix.remove(&(session.vrf(), prefix), id.0);
        }
        let held = self.held.entry(session.peer.tenant.number).or_default();
        held.sessions = held.sessions.saturating_sub(1);
        held.subtract(&session);
        Some(session)
    }

    pub(super) fn get(&self, id: SessionId) -> Option<&Session> {
        self.sessions.get(id.0)
    }

    /// For changes of anything but the mobile node and its home prefixes.
    pub(super) fn get_mut(&mut self, id: SessionId) -> Option<&mut Session> {
        self.changes.note(id);
        self.sessions.get_mut(id.0)
    }

    /// Replaces the prefixes and the home address.
    pub(super) fn set_holdings(&mut self, id: SessionId, holdings: &Holdings) {
        let Some(session) = self.sessions.get_mut(id.0) else {
            return;
        };
        self.changes.note(id);
        for prefix in session.home_keys() {
            self.by_prefix.remove(&(session.vrf(), prefix), id.0);
        }
        let held = self.held.entry(session.peer.tenant.number).or_default();
        held.subtract(session);
        session.hold(holdings);
        held.add(session);
        for prefix in session.home_keys() {
            self.by_prefix.insert(&(session.vrf(), prefix), id.0);
        }
    }

    /// What a tenant's sessions hold.
    pub(super) fn held_by(&self, tenant: Tenant) -> Held {
        self.held.get(&tenant.number).copied().unwrap_or_default()
    }

    /// The session that holds this home prefix or host home address in a routing instance.
    pub(super) fn by_prefix(&self, vrf: VrfId, prefix: IpPrefix) -> Option<SessionId> {
        let holds = |number| {
            let session = self
                .sessions
                .get(number)
                .filter(|session| session.vrf() == vrf);
            session.is_some_and(|session| session.home_keys().any(|held| held == prefix))
        };
        self.by_prefix.get(&(vrf, prefix), holds).map(SessionId)
    }

    /// Brings near what a look-up of a prefix starts from, see [`Session::warm`].
    pub(super) fn warm_index(&self, vrf: VrfId, prefixes: &[IpPrefix]) {
        if let Some(first) = prefixes.first() {
            self.by_prefix.warm(&(vrf, *first));
        }
    }

    /// The session that holds the first of these prefixes, brought near, see [`Session::warm`].
    pub(super) fn warm(&self, vrf: VrfId, prefixes: &[IpPrefix]) -> Option<&Session> {
        let session = self.get(self.by_prefix(vrf, *prefixes.first()?)?)?;
        session.warm();
        Some(session)
    }

    /// The sessions of one mobile node of a tenant, in order of number.
    pub(super) fn of_mn(&self, tenant: Tenant, mn: &MnKey) -> SmallVec<[SessionId; 4]> {
        let is_of = |number| {
            let session = self.sessions.get(number);
            session.is_some_and(|session| session.is_of(tenant, mn))
        };
        let key = (tenant.number, mn.subtype, &*mn.octets);
        let numbers = self.by_mn.all(&key, is_of);
        numbers.into_iter().map(SessionId).collect()
    }

    /// The sessions of the mobile nodes that any tenant calls so, in order of tenant.
    pub(super) fn named(&self, mn: &MnKey) -> SmallVec<[SessionId; 4]> {
        let tenants = self.held.keys().map(|&number| Tenant {
            number,
            ..Tenant::default()
        });
        tenants.flat_map(|tenant| self.of_mn(tenant, mn)).collect()
    }

    /// In order of number.
    pub(super) fn iter(&self) -> impl Iterator<Item = (SessionId, &Session)> {
        let sessions = self.sessions.iter();
        sessions.map(|(key, session)| (SessionId(key), session))
    }
}

impl Session {
    /// A session without paths.
    pub(super) fn new(
        mn: &MnKey,
        link_layer: &[u8],
        peer: Arc<PeerKey>,
        care_of: IpAddr,
        holdings: &Holdings,
    ) -> Self {
        let mut session = Self {
            node: NodeName::new(mn, link_layer),
            peer,
            link_local: None,
            prefixes: SmallVec::new(),
            paths: SmallVec::new(),
            marks: SmallVec::new(),
            refreshed: Instant::ZERO,
            deleted: Instant::MAX,
            timer: TimerSlot::default(),
            last_care_of: care_of,
            ipv4_home: None,
            extras: None,
            access_technology: 0,
            multipath: false,
            homes: 0,
        };
        session.hold(holdings);
        session
    }

    /// Reads something of each of its lines of memory: among millions of sessions they are far
    /// away, and what is asked for at once comes in the time of one.
    fn warm(&self) {
        let (paths, marks) = (self.paths.len(), self.marks.len());
        let moments = (self.refreshed, self.deleted);
        let rest = (
            self.last_care_of,
            self.access_technology,
            self.prefixes.len(),
        );
        std::hint::black_box((self.node.0.first().copied(), paths, marks, moments, rest));
    }

    /// The mobile node's identifier, to keep.
    pub(super) fn mn(&self) -> MnKey {
        let (subtype, octets) = self.mn_key();
        Identifier::new(subtype, octets)
    }

    /// The mobile node's identifier, for people.
    pub(super) fn mn_name(&self) -> String {
        String::from_utf8_lossy(self.mn_key().1).into_owned()
    }

    pub(super) fn is_of(&self, tenant: Tenant, mn: &MnKey) -> bool {
        self.whose() == (tenant.number, mn.subtype, &*mn.octets)
    }

    /// The tenant's number and the mobile node's identifier.
    fn whose(&self) -> (u16, u8, &[u8]) {
        let (subtype, octets) = self.mn_key();
        (self.peer.tenant.number, subtype, octets)
    }

    /// Where its prefixes are routed.
    pub(super) fn vrf(&self) -> VrfId {
        self.peer.tenant.traffic
    }

    fn mn_key(&self) -> (u8, &[u8]) {
        self.node.mn()
    }

    pub(super) fn link_layer(&self) -> &[u8] {
        self.node.link_layer()
    }

    pub(super) fn set_link_layer(&mut self, link_layer: &[u8]) {
        if self.link_layer() != link_layer {
            self.node = NodeName::new(&self.mn(), link_layer);
        }
    }

    pub(super) fn home_prefixes(&self) -> &[IpPrefix] {
        self.prefixes.get(..self.homes.into()).unwrap_or(&[])
    }

    /// Delegated mobile network prefixes.
    pub(super) fn delegated(&self) -> &[IpPrefix] {
        self.prefixes.get(self.homes.into()..).unwrap_or(&[])
    }

    fn hold(&mut self, holdings: &Holdings) {
        let homes = holdings.home_prefixes.iter().take(u8::MAX.into());
        self.prefixes = homes.copied().collect();
        self.homes = u8::try_from(self.prefixes.len()).unwrap_or(u8::MAX);
        self.prefixes.extend_from_slice(&holdings.delegated);
        self.ipv4_home = holdings.ipv4_home;
    }

    pub(super) fn is_deleting(&self) -> bool {
        self.deleted != Instant::MAX
    }

    /// When it is gone for good unless a PBU revives it.
    pub(super) fn deleted_at(&self) -> Option<Instant> {
        self.is_deleting().then_some(self.deleted)
    }

    pub(super) fn set_deleted_at(&mut self, at: Option<Instant>) {
        self.deleted = at.unwrap_or(Instant::MAX);
    }

    pub(super) fn path(&self, binding_id: u8) -> Option<&PathBinding> {
        self.paths.iter().find(|path| path.binding_id == binding_id)
    }

    /// The order mark that a PBU of this Binding ID is compared with.
    pub(super) fn mark(&self, binding_id: u8) -> Mark {
        let found = self.marks.iter().find(|kept| kept.binding_id == binding_id);
        found.map_or_else(Mark::default, KeptMark::mark)
    }

    /// The highest mark over all Binding IDs: what creation, handoff, overwrite and bulk compare
    /// with (signalling rules section 5).
    pub(super) fn highest_mark(&self) -> Mark {
        let mut highest = Mark::default();
        for kept in &self.marks {
            highest.raise(kept.mark());
        }
        highest
    }

    pub(super) fn set_mark(&mut self, binding_id: u8, mark: Mark) {
        let mut kept = self.marks.iter_mut();
        match kept.find(|kept| kept.binding_id == binding_id) {
            Some(kept) => {
                let mut raised = kept.mark();
                raised.raise(mark);
                *kept = KeptMark::new(binding_id, raised);
            }
            None => self.marks.push(KeptMark::new(binding_id, mark)),
        }
    }

    /// Every prefix that is reached through this session.
    pub(super) fn prefixes(&self) -> impl Iterator<Item = IpPrefix> + '_ {
        self.home_keys().chain(self.delegated().iter().copied())
    }

    /// What the forwarding plane needs to know.
    pub(super) fn route(&self, id: SessionId) -> SessionRoute {
        let paths = self.paths.iter().map(|path| PathRoute {
            path: path.path,
            keys: self.keys(path.binding_id),
        });
        SessionRoute {
            session: id,
            prefixes: self.prefixes().collect(),
            paths: paths.collect(),
            vrf: self.vrf(),
            local_routing: false,
        }
    }

    fn home_keys(&self) -> impl Iterator<Item = IpPrefix> + '_ {
        let home = self
            .ipv4_home
            .map(|home| IpPrefix::host(home.address.into()));
        self.home_prefixes().iter().copied().chain(home)
    }
}

impl Held {
    fn add(&mut self, session: &Session) {
        let (ipv4, ipv6) = delegated_counts(session.delegated());
        self.ipv4 = self.ipv4.saturating_add(ipv4);
        self.ipv6 = self.ipv6.saturating_add(ipv6);
    }

    fn subtract(&mut self, session: &Session) {
        let (ipv4, ipv6) = delegated_counts(session.delegated());
        self.ipv4 = self.ipv4.saturating_sub(ipv4);
        self.ipv6 = self.ipv6.saturating_sub(ipv6);
    }
}

/// How many are IPv4, and how many IPv6.
pub(super) fn delegated_counts(prefixes: &[IpPrefix]) -> (u32, u32) {
    let ipv4 = prefixes.iter().filter(|prefix| prefix.is_ipv4()).count();
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    (count(ipv4), count(prefixes.len() - ipv4))
}

impl NodeName {
    fn new(mn: &MnKey, link_layer: &[u8]) -> Self {
        let length = u8::try_from(mn.octets.len()).unwrap_or(u8::MAX);
        let name = mn.octets.get(..length.into()).unwrap_or(&[]);
        Self([&[mn.subtype, length], name, link_layer].concat().into())
    }

    fn mn(&self) -> (u8, &[u8]) {
        match &*self.0 {
            [subtype, length, rest @ ..] => {
                (*subtype, rest.get(..usize::from(*length)).unwrap_or(&[]))
            }
            _ => (0, &[]),
        }
    }

    fn link_layer(&self) -> &[u8] {
        match &*self.0 {
            [_, length, rest @ ..] => rest.get(usize::from(*length)..).unwrap_or(&[]),
            _ => &[],
        }
    }
}

impl PathBinding {
    pub(super) fn lifetime(&self) -> Duration {
        Duration::from_secs(u64::from(self.lifetime) * 4)
    }
}

impl KeptMark {
    fn new(binding_id: u8, mark: Mark) -> Self {
        Self {
            timestamp: mark.timestamp.unwrap_or_default(),
            sequence: mark.sequence.unwrap_or_default(),
            binding_id,
            has_timestamp: mark.timestamp.is_some(),
            has_sequence: mark.sequence.is_some(),
        }
    }

    pub(super) fn mark(&self) -> Mark {
        Mark {
            timestamp: self.has_timestamp.then_some(self.timestamp),
            sequence: self.has_sequence.then_some(self.sequence),
        }
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
