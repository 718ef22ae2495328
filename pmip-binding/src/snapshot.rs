//! An anchor's state outside the engine: to keep over a restart, and to feed a standby.

#[cfg(feature = "serde")]
mod list;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use bytes::Bytes;
use pmip_wire::AccessNetworkIdentifier;
use pmip_wire::types::{Encapsulation, Instant, IpPrefix, Label, PathId};

use crate::config::ConfigErrors;
use crate::event::SessionId;
use crate::io::ClockAnchor;

/// The layout of [`LmaSnapshot`] that this version writes. It reads all from 1 on: what an older
/// one does not know is absent.
///
/// | version | adds |
/// |---|---|
/// | 2 | GRE keys, access network and service of a session; names and weights of a path;
/// | | which gateways do not know heartbeats |
/// | 3 | customers |
/// | 4 | gateways that mobile nodes left; messages that were handled |
pub const SNAPSHOT_VERSION: u32 = 4;

/// Everything that an anchor must not forget: sessions with their prefixes, lifetimes and order
/// marks, paths, what is known of the access gateways, what ended sessions held, and what is not
/// to be done once more.
///
/// Its moments are those of the engine that wrote it, and its clock ties them to wall-clock time:
/// [`Lma::restore`](crate::Lma::restore) carries them over to another monotonic clock. Left out
/// is what comes again by itself: held and counted requests, heartbeats under way, statistics.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct LmaSnapshot {
    /// [`SNAPSHOT_VERSION`].
    pub version: u32,
    /// The Restart Counter that the anchor told. A program that restores every change goes on
    /// with it; one that may have lost some raises it, and the gateways register anew (RFC 5847
    /// section 3.4).
    pub restart_counter: u32,
    /// What ties the moments below to wall-clock time.
    pub clock: ClockAnchor,
    /// The access gateways.
    #[cfg_attr(feature = "serde", serde(with = "list"))]
    pub(crate) peers: BTreeMap<PeerName, PeerRecord>,
    #[cfg_attr(feature = "serde", serde(with = "list"))]
    pub(crate) paths: BTreeMap<PathId, PathRecord>,
    #[cfg_attr(feature = "serde", serde(with = "list"))]
    pub(crate) sessions: BTreeMap<SessionId, SessionRecord>,
    #[cfg_attr(feature = "serde", serde(with = "list"))]
    pub(crate) remembered: BTreeMap<(Option<String>, String), RememberedRecord>,
    #[cfg_attr(feature = "serde", serde(default, with = "list"))]
    pub(crate) departures: BTreeMap<(Option<String>, IpAddr), DepartureRecord>,
    #[cfg_attr(feature = "serde", serde(default, with = "list"))]
    pub(crate) handled: BTreeMap<u64, HandledRecord>,
}

/// One change of an anchor's state. It says how a record is now, not what was done to it, so one
/// record may stand for many changes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum ChangeRecord {
    /// The wall clock was set.
    Clock(ClockAnchor),
    /// An access gateway came or changed.
    Peer(PeerRecord),
    /// An access gateway has no paths any more.
    PeerGone(PeerName),
    /// A path came or changed.
    Path(PathRecord),
    /// A path went.
    PathGone(PathId),
    /// A session came or changed.
    Session(SessionRecord),
    /// A session went.
    SessionGone(SessionId),
    /// What a mobile node held is kept in mind.
    Remembered(RememberedRecord),
    /// It no longer is. Names the customer, if it is one's, and the mobile node.
    Forgotten(Option<String>, String),
    /// Mobile nodes moved on from a gateway.
    Departure(DepartureRecord),
    /// That is forgotten. Names the routing instance, `None` = the default one, and the source.
    DepartureGone(Option<String>, IpAddr),
    /// A message was handled.
    Handled(HandledRecord),
    /// The message with this digest is forgotten.
    HandledGone(u64),
}

/// Who an access gateway is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum PeerName {
    /// Its MAG Identifier (RFC 8278 section 4.2).
    Identifier {
        /// The subtype.
        subtype: u8,
        /// The octets.
        octets: Bytes,
        /// The customer whose it is; `None` = the anchor's own.
        #[cfg_attr(feature = "serde", serde(default))]
        customer: Option<String>,
    },
    /// Where it sends no identifier: its address, as seen and as it knows it.
    Address {
        /// The outer source of its signalling.
        source: IpAddr,
        /// Its own care-of address.
        care_of: IpAddr,
        /// The customer whose it is; `None` = the anchor's own.
        #[cfg_attr(feature = "serde", serde(default))]
        customer: Option<String>,
    },
}

/// What is known of one access gateway as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct PeerRecord {
    /// Who.
    pub peer: PeerName,
    /// It has answered a heartbeat.
    pub answered: bool,
    /// It does not know Heartbeat (RFC 5847 section 3).
    #[cfg_attr(feature = "serde", serde(default))]
    pub lacks_heartbeat: bool,
    /// Its Restart Counter, once known.
    pub restart_counter: Option<u32>,
    /// When the anchor first asked what it answered with that counter.
    pub since: Instant,
}

/// One path.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct PathRecord {
    /// Its number.
    pub path: PathId,
    /// The access gateway.
    pub peer: PeerName,
    /// The anchor's address.
    pub local: IpAddr,
    /// The care-of address as the gateway knows it.
    pub care_of: IpAddr,
    /// Its Binding ID; 0 without multipath.
    pub binding_id: u8,
    /// Where its last accepted PBU came from.
    pub observed: SocketAddr,
    /// The confirmed mapping of tunnelled packets behind a NAT.
    pub observed_data: Option<SocketAddr>,
    /// Whether a NAT stands between.
    pub nat: bool,
    /// The encapsulation.
    pub encapsulation: Encapsulation,
    /// Its label.
    pub label: Label,
    /// The name of the label, as the gateway has it.
    #[cfg_attr(feature = "serde", serde(default))]
    pub label_name: Option<String>,
    /// The name of the roaming interface, as the gateway has it.
    #[cfg_attr(feature = "serde", serde(default))]
    pub interface: Option<String>,
    /// Its weights up and down, as the gateway has them.
    #[cfg_attr(feature = "serde", serde(default))]
    pub weights: Option<(u8, u8)>,
    /// Access technology (RFC 5213 section 8.5).
    pub access_technology: u8,
    /// Heartbeats did not give it up.
    pub alive: bool,
}

/// One mobility session.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct SessionRecord {
    /// Its number.
    pub session: SessionId,
    /// The mobile node's identifier (NAI).
    pub mn_id: String,
    /// Its link-layer identifier; empty = none.
    pub link_layer: Bytes,
    /// The access gateway.
    pub peer: PeerName,
    /// The mobile node's access technology.
    pub access_technology: u8,
    /// The link-local address on the access link, where one was told.
    pub link_local: Option<Ipv6Addr>,
    /// Home network prefixes.
    pub home_prefixes: Vec<IpPrefix>,
    /// IPv4 home address with its prefix length, and the default router.
    pub ipv4_home: Option<(Ipv4Addr, u8, Ipv4Addr)>,
    /// Delegated mobile network prefixes.
    pub delegated: Vec<IpPrefix>,
    /// Whether it has multipath.
    pub multipath: bool,
    /// Its paths, in order of registration.
    pub paths: Vec<BindingRecord>,
    /// What the next PBU of each Binding ID must come after.
    pub marks: Vec<MarkRecord>,
    /// GRE by Binding ID, where it was ever agreed on (RFC 5845 section 5.1).
    #[cfg_attr(feature = "serde", serde(default))]
    pub gre: Vec<GreRecord>,
    /// Where the mobile node is attached (RFC 6757).
    #[cfg_attr(feature = "serde", serde(default))]
    pub access_network: Option<AccessNetworkIdentifier>,
    /// The service selected (RFC 5149).
    #[cfg_attr(feature = "serde", serde(default))]
    pub service_selection: Option<String>,
    /// The care-of address that registered last.
    pub last_care_of: IpAddr,
    /// When the last PBU was accepted.
    pub refreshed: Instant,
    /// De-registered: the prefixes are held until then.
    pub deleted_at: Option<Instant>,
}

/// One path of one session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct BindingRecord {
    /// Its Binding ID; 0 without multipath.
    pub binding_id: u8,
    /// Which path.
    pub path: PathId,
    /// The lifetime granted, in units of 4 s.
    pub lifetime: u16,
    /// When it ends.
    pub expires: Instant,
}

/// The order mark of one Binding ID (RFC 5213 section 5.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct MarkRecord {
    /// The Binding ID; 0 without multipath.
    pub binding_id: u8,
    /// The 64 bits of the last Timestamp option accepted.
    pub timestamp: Option<u64>,
    /// The last sequence number accepted.
    pub sequence: Option<u16>,
}

/// GRE on one path of a session (RFC 5845 section 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct GreRecord {
    /// The Binding ID; 0 without multipath.
    pub binding_id: u8,
    /// Whether the last PBU agreed on GRE; if not, a later one may and gets the same key.
    pub agreed: bool,
    /// The key that the anchor gave.
    pub uplink: Option<u32>,
    /// The key that the gateway gave.
    pub downlink: Option<u32>,
}

/// What a mobile node held when its session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct RememberedRecord {
    /// The mobile node's identifier (NAI).
    pub mn_id: String,
    /// The customer whose it is; `None` = the anchor's own.
    #[cfg_attr(feature = "serde", serde(default))]
    pub customer: Option<String>,
    /// It gets the same again until then.
    pub until: Instant,
    /// Home network prefixes.
    pub home_prefixes: Vec<IpPrefix>,
    /// IPv4 home address.
    pub ipv4_home: Option<Ipv4Addr>,
    /// Delegated mobile network prefixes.
    pub delegated: Vec<IpPrefix>,
}

/// A gateway that mobile nodes moved on from: it is not asked to register them again.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct DepartureRecord {
    /// The name of the routing instance; `None` = the default one.
    #[cfg_attr(feature = "serde", serde(default))]
    pub vrf: Option<String>,
    /// The outer source of its signalling.
    pub source: IpAddr,
    /// When one moved on last.
    pub at: Instant,
}

/// A message that no replay must bring about again: a revocation by a gateway (RFC 5846 section
/// 8.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct HandledRecord {
    /// What it is known by: 64 bits of a SHA-1 digest of who sent it and its octets.
    pub digest: u64,
    /// The status that answered it.
    pub status: u8,
    /// When.
    pub at: Instant,
}

/// Why nothing could be restored.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// Another version wrote the snapshot.
    #[error("a snapshot of version {found}, and this program reads 1 to {SNAPSHOT_VERSION}")]
    Version {
        /// Its version.
        found: u32,
    },
}

/// A record that was left out of a restored anchor.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// Which.
    pub record: RefusedRecord,
    /// Why.
    pub reason: RefusalReason,
}

/// Names a record that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefusedRecord {
    /// A path; its sessions go on without it.
    Path(PathId),
    /// One path of a session.
    Binding(SessionId, u8),
    /// A session.
    Session(SessionId),
    /// What a mobile node held.
    Remembered(String),
}

/// Why a record was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RefusalReason {
    /// Its time was over.
    #[error("its time is over")]
    Lapsed,
    /// The access gateway is not configured any more.
    #[error("its access gateway is not allowed to signal")]
    UnknownPeer,
    /// The anchor has not this address any more.
    #[error("its local address is not the anchor's")]
    UnknownAddress,
    /// Two paths with the same gateway, addresses and Binding ID.
    #[error("another path is the same")]
    SamePath,
    /// A path that was left out or never was.
    #[error("its path is not there")]
    UnknownPath,
    /// The same Binding ID twice in one session.
    #[error("its Binding ID stands twice in the session")]
    SameBindingId,
    /// The mobile node's identifier or link-layer identifier is empty or too long.
    #[error("its name has no right length")]
    Name,
    /// The customer is not configured any more.
    #[error("its customer is not configured")]
    UnknownCustomer,
    /// No profile serves the mobile node any more.
    #[error("no profile serves the mobile node")]
    NoProfile,
    /// No network gives out this prefix any more.
    #[error("{0} is in no pool of its network")]
    OutsidePools(IpPrefix),
    /// Another session holds a part of this prefix.
    #[error("{0} is held by another session")]
    InUse(IpPrefix),
    /// More than a configured limit.
    #[error("more than a configured limit")]
    TooMany,
}

impl LmaSnapshot {
    pub(crate) const fn new(restart_counter: u32, clock: ClockAnchor) -> Self {
        Self {
            version: SNAPSHOT_VERSION,
            restart_counter,
            clock,
            peers: BTreeMap::new(),
            paths: BTreeMap::new(),
            sessions: BTreeMap::new(),
            remembered: BTreeMap::new(),
            departures: BTreeMap::new(),
            handled: BTreeMap::new(),
        }
    }

    /// Brings the snapshot up to date.
    pub fn apply(&mut self, change: ChangeRecord) {
        match change {
            ChangeRecord::Clock(clock) => self.clock = clock,
            ChangeRecord::Peer(record) => put(&mut self.peers, record),
            ChangeRecord::PeerGone(peer) => take(&mut self.peers, &peer),
            ChangeRecord::Path(record) => put(&mut self.paths, record),
            ChangeRecord::PathGone(path) => take(&mut self.paths, &path),
            ChangeRecord::Session(record) => put(&mut self.sessions, record),
            ChangeRecord::SessionGone(session) => take(&mut self.sessions, &session),
            ChangeRecord::Remembered(record) => put(&mut self.remembered, record),
            ChangeRecord::Forgotten(customer, mn_id) => {
                take(&mut self.remembered, &(customer, mn_id));
            }
            ChangeRecord::Departure(record) => put(&mut self.departures, record),
            ChangeRecord::DepartureGone(vrf, source) => {
                take(&mut self.departures, &(vrf, source));
            }
            ChangeRecord::Handled(record) => put(&mut self.handled, record),
            ChangeRecord::HandledGone(digest) => take(&mut self.handled, &digest),
        }
    }

    /// The access gateways, in order of name.
    pub fn peers(&self) -> impl Iterator<Item = &PeerRecord> {
        self.peers.values()
    }

    /// The paths, in order of number.
    pub fn paths(&self) -> impl Iterator<Item = &PathRecord> {
        self.paths.values()
    }

    /// The sessions, in order of number.
    pub fn sessions(&self) -> impl Iterator<Item = &SessionRecord> {
        self.sessions.values()
    }

    /// Gateways that mobile nodes moved on from, in order of routing instance and source.
    pub fn departures(&self) -> impl Iterator<Item = &DepartureRecord> {
        self.departures.values()
    }

    /// Messages that were handled, in order of digest.
    pub fn handled(&self) -> impl Iterator<Item = &HandledRecord> {
        self.handled.values()
    }

    /// What ended sessions held, in order of the mobile node's identifier.
    pub fn remembered(&self) -> impl Iterator<Item = &RememberedRecord> {
        self.remembered.values()
    }
}

impl PeerName {
    /// Octets that no other name has.
    pub(crate) fn to_octets(&self) -> Vec<u8> {
        let (kind, customer) = match self {
            Self::Identifier { customer, .. } => (0, customer),
            Self::Address { customer, .. } => (1, customer),
        };
        let mut name = vec![kind, u8::from(customer.is_some())];
        let customer = customer.as_deref().unwrap_or_default().as_bytes();
        let length = u32::try_from(customer.len()).unwrap_or(u32::MAX);
        name.extend(length.to_be_bytes());
        name.extend(customer);
        match self {
            Self::Identifier {
                subtype, octets, ..
            } => {
                name.push(*subtype);
                name.extend(octets);
            }
            Self::Address {
                source, care_of, ..
            } => name.extend(format!("{source} {care_of}").into_bytes()),
        }
        name
    }
}

/// A record under its key.
trait Record {
    type Key: Ord;

    fn key(&self) -> Self::Key;
}

impl Record for PeerRecord {
    type Key = PeerName;

    fn key(&self) -> PeerName {
        self.peer.clone()
    }
}

impl Record for PathRecord {
    type Key = PathId;

    fn key(&self) -> PathId {
        self.path
    }
}

impl Record for SessionRecord {
    type Key = SessionId;

    fn key(&self) -> SessionId {
        self.session
    }
}

impl Record for RememberedRecord {
    type Key = (Option<String>, String);

    fn key(&self) -> Self::Key {
        (self.customer.clone(), self.mn_id.clone())
    }
}

impl Record for DepartureRecord {
    type Key = (Option<String>, IpAddr);

    fn key(&self) -> Self::Key {
        (self.vrf.clone(), self.source)
    }
}

impl Record for HandledRecord {
    type Key = u64;

    fn key(&self) -> u64 {
        self.digest
    }
}

fn put<R: Record>(records: &mut BTreeMap<R::Key, R>, record: R) {
    records.insert(record.key(), record);
}

fn take<K: Ord, R>(records: &mut BTreeMap<K, R>, key: &K) {
    records.remove(key);
}
