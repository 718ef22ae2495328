//! The forwarding snapshot: which prefixes are reached through which paths.
//!
//! The control side owns one table and edits it; workers get clones. A clone shares everything, an
//! edit copies the shards that it touches, so publishing costs O(changes).
//!
//! Sessions over the same paths share one *group* with their path set, so a path that changes
//! rebuilds one group for each combination of paths it is in, however many sessions use it.

mod lpm;
mod shard;

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

use pmip_policy::{Candidate, PathSet};
use pmip_wire::types::{Encapsulation, IpPrefix, Label, PathId};
use smallvec::SmallVec;

use lpm::PrefixMap;
use shard::Sharded;

/// Which end of the tunnels this node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Mobile access gateway: sessions are looked up by the inner source on the way into tunnels.
    Mag,
    /// Local mobility anchor: sessions are looked up by the inner destination.
    Lma,
}

/// Names one mobility session of this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionKey(pub u32);

/// One path's tunnel.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TunnelPath {
    /// Which path.
    pub path: PathId,
    /// Its label.
    pub label: Label,
    /// Our outer address.
    pub local: IpAddr,
    /// The peer's outer address and data port (the observed mapping behind a NAT).
    pub remote: SocketAddr,
    /// The care-of address as the MAG knows it; differs from `remote` behind a NAT.
    pub care_of: IpAddr,
    /// How inner packets travel.
    pub encapsulation: Encapsulation,
    /// Whether it may carry traffic now.
    pub usable: bool,
    /// Share of new flows, 1 to 100.
    pub weight: u32,
}

impl TunnelPath {
    /// A usable path of weight 1 without a label, with the care-of address that `role` implies
    /// where no NAT stands between.
    pub fn new(
        path: PathId,
        role: Role,
        local: IpAddr,
        remote: SocketAddr,
        encapsulation: Encapsulation,
    ) -> Self {
        Self {
            path,
            label: Label::NONE,
            local,
            remote,
            care_of: match role {
                Role::Mag => local,
                Role::Lma => remote.ip(),
            },
            encapsulation,
            usable: true,
            weight: 1,
        }
    }

    fn candidate(&self) -> Candidate {
        Candidate::new(self.path, self.weight)
            .with_label(self.label)
            .with_usable(self.usable)
    }
}

/// One mobility session: what is reached through which paths.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TunnelSession {
    /// Which session.
    pub session: SessionKey,
    /// Home network prefixes, home address, delegated prefixes.
    pub prefixes: Vec<IpPrefix>,
    /// The paths that carry it.
    pub paths: Vec<PathId>,
}

impl TunnelSession {
    /// The session `session` with these prefixes over these paths.
    pub const fn new(session: SessionKey, prefixes: Vec<IpPrefix>, paths: Vec<PathId>) -> Self {
        Self {
            session,
            prefixes,
            paths,
        }
    }
}

/// The MTU of an interface whose path MTU nobody stated.
const DEFAULT_UNDERLAY_MTU: u16 = 1500;
/// The smallest inner MTU that is kept: what IPv4 requires of a link (RFC 791).
const MINIMUM_MTU: u16 = 68;

/// The forwarding snapshot: cheap to clone, O(changes) to edit.
///
/// ```
/// use pmip_tunnel::{ForwardingTable, Role, SessionKey, TunnelPath, TunnelSession};
/// use pmip_wire::types::{Encapsulation, PathId};
///
/// let mut table = ForwardingTable::new(Role::Lma);
/// table.set_path(TunnelPath::new(
///     PathId(1),
///     Role::Lma,
///     "192.0.2.1".parse()?,
///     "198.51.100.7:5437".parse()?,
///     Encapsulation::Ipv4Udp,
/// ));
/// table.set_session(TunnelSession::new(
///     SessionKey(9),
///     vec!["2001:db8:7::/48".parse()?],
///     vec![PathId(1)],
/// ));
/// assert_eq!(table.session_of("2001:db8:7::1".parse()?), Some(SessionKey(9)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ForwardingTable {
    role: Role,
    generation: u32,
    underlay_mtu: u16,
    paths: Sharded<PathId, PathEntry>,
    remotes: Sharded<Remote, PathId>,
    sessions: Sharded<SessionKey, SessionEntry>,
    prefixes: PrefixMap<Route>,
    groups: Sharded<GroupId, Group>,
    group_of: Sharded<GroupPaths, GroupId>,
    next_group: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct GroupId(u32);

type GroupPaths = SmallVec<[PathId; 4]>;

/// Where datagrams of a path come from and arrive: what names the path on receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Remote {
    local: IpAddr,
    remote: SocketAddr,
}

#[derive(Clone, Debug, Default)]
struct PathEntry {
    /// `None` while only sessions speak of the path.
    tunnel: Option<Arc<TunnelPath>>,
    underlay_mtu: Option<u16>,
    /// The groups that hold the path, to rebuild when it changes.
    groups: SmallVec<[GroupId; 2]>,
}

#[derive(Clone, Debug)]
struct SessionEntry {
    prefixes: SmallVec<[IpPrefix; 3]>,
    group: GroupId,
}

/// What a prefix leads to.
#[derive(Clone, Copy, Debug)]
struct Route {
    session: SessionKey,
    group: GroupId,
}

/// The paths that some sessions share.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    members: GroupPaths,
    sessions: usize,
    pub(crate) paths: PathSet,
    /// Differs whenever `paths` does, and between groups.
    pub(crate) generation: u32,
}

impl ForwardingTable {
    /// An empty table.
    pub fn new(role: Role) -> Self {
        Self::with_seed(role, 0)
    }

    /// An empty table whose hashing `seed` keys: give a random one where strangers choose keys, as
    /// they choose the outer addresses that an LMA sees.
    pub fn with_seed(role: Role, seed: u64) -> Self {
        Self {
            role,
            generation: 0,
            underlay_mtu: DEFAULT_UNDERLAY_MTU,
            paths: Sharded::new(seed),
            remotes: Sharded::new(seed),
            sessions: Sharded::new(seed),
            prefixes: PrefixMap::new(seed),
            groups: Sharded::new(seed),
            group_of: Sharded::new(seed),
            next_group: 0,
        }
    }

    /// Which end this node is.
    pub const fn role(&self) -> Role {
        self.role
    }

    /// Grows with every change.
    pub const fn generation(&self) -> u32 {
        self.generation
    }

    /// Number of sessions.
    pub fn session_count(&self) -> usize {
        self.sessions.len()
    }

    /// Sets the MTU in octets of the networks that carry the tunnels, for all paths that have none
    /// of their own (default 1500).
    pub fn set_underlay_mtu(&mut self, mtu: u16) {
        self.underlay_mtu = mtu;
        self.change();
    }

    /// Sets the MTU in octets of the network that carries `path`; `None` takes it back.
    pub fn set_path_underlay_mtu(&mut self, path: PathId, mtu: Option<u16>) {
        self.edit_path(path, |entry| entry.underlay_mtu = mtu);
        self.rebuild_groups_of(path);
    }

    /// Installs a path's tunnel, or replaces it.
    pub fn set_path(&mut self, tunnel: TunnelPath) {
        let path = tunnel.path;
        self.forget_remote(path);
        let remote = Remote {
            local: tunnel.local,
            remote: tunnel.remote,
        };
        self.remotes.insert(remote, path);
        self.edit_path(path, |entry| entry.tunnel = Some(Arc::new(tunnel)));
        self.rebuild_groups_of(path);
    }

    /// Removes a path's tunnel. Sessions that use it keep their other paths.
    pub fn remove_path(&mut self, path: PathId) {
        self.forget_remote(path);
        let Some(entry) = self.paths.get_mut(&path) else {
            return;
        };
        entry.tunnel = None;
        entry.underlay_mtu = None;
        self.rebuild_groups_of(path);
        self.drop_path_if_unused(path);
    }

    /// Installs a session, or replaces it. A prefix that another session has goes over to this
    /// one.
    pub fn set_session(&mut self, session: TunnelSession) {
        let key = session.session;
        // The new group first, so that a group in both is not built twice.
        let group = self.join_group(session.paths.iter().copied().collect());
        self.remove_session(key);
        let prefixes: SmallVec<[IpPrefix; 3]> = session.prefixes.iter().copied().collect();
        for prefix in &prefixes {
            self.prefixes.insert(
                *prefix,
                Route {
                    session: key,
                    group,
                },
            );
        }
        self.sessions.insert(key, SessionEntry { prefixes, group });
        self.change();
    }

    /// Removes a session and the prefixes that are still its own.
    pub fn remove_session(&mut self, session: SessionKey) {
        let Some(entry) = self.sessions.remove(&session) else {
            return;
        };
        for prefix in &entry.prefixes {
            let own = self
                .prefixes
                .get(prefix)
                .is_some_and(|route| route.session == session);
            if own {
                self.prefixes.remove(prefix);
            }
        }
        self.leave_group(entry.group);
        self.change();
    }

    /// The tunnel of `path`.
    #[inline]
    pub fn path(&self, path: PathId) -> Option<&TunnelPath> {
        self.paths.get(&path)?.tunnel.as_deref()
    }

    /// The largest inner packet in octets that `path` takes without fragments.
    #[inline]
    pub fn path_mtu(&self, path: PathId) -> Option<u16> {
        let entry = self.paths.get(&path)?;
        let tunnel = entry.tunnel.as_deref()?;
        let underlay = entry.underlay_mtu.unwrap_or(self.underlay_mtu);
        let inner = underlay.saturating_sub(tunnel.encapsulation.overhead());
        Some(inner.max(MINIMUM_MTU))
    }

    /// The path whose datagrams come from `remote` and arrive at `local`.
    #[inline]
    pub fn path_from(&self, local: IpAddr, remote: SocketAddr) -> Option<PathId> {
        self.remotes.get(&Remote { local, remote }).copied()
    }

    /// The session that `address` belongs to, by longest prefix.
    #[inline]
    pub fn session_of(&self, address: IpAddr) -> Option<SessionKey> {
        self.prefixes
            .longest_match(address)
            .map(|route| route.session)
    }

    /// The same with the session's paths.
    #[inline]
    pub(crate) fn route(&self, address: IpAddr) -> Option<(SessionKey, &Group)> {
        let route = self.prefixes.longest_match(address)?;
        Some((route.session, self.groups.get(&route.group)?))
    }

    /// The smallest inner MTU among the paths of `group`: flows may move, but TCP says its MSS
    /// once.
    pub(crate) fn smallest_mtu(&self, group: &Group) -> u16 {
        let mtus = group.members.iter().filter_map(|path| self.path_mtu(*path));
        mtus.min().unwrap_or(u16::MAX)
    }

    fn change(&mut self) {
        self.generation = self.generation.wrapping_add(1);
    }

    fn edit_path(&mut self, path: PathId, edit: impl FnOnce(&mut PathEntry)) {
        if self.paths.get(&path).is_none() {
            self.paths.insert(path, PathEntry::default());
        }
        if let Some(entry) = self.paths.get_mut(&path) {
            edit(entry);
        }
    }

    /// Forgets where the path's datagrams came from, unless another path took that over.
    fn forget_remote(&mut self, path: PathId) {
        let Some(tunnel) = self.path(path) else {
            return;
        };
        let remote = Remote {
            local: tunnel.local,
            remote: tunnel.remote,
        };
        if self.remotes.get(&remote) == Some(&path) {
            self.remotes.remove(&remote);
        }
    }

    fn drop_path_if_unused(&mut self, path: PathId) {
        let unused = self
            .paths
            .get(&path)
            .is_some_and(|entry| entry.tunnel.is_none() && entry.groups.is_empty());
        if unused {
            self.paths.remove(&path);
        }
    }

    /// The group of these paths, with one session more.
    fn join_group(&mut self, mut members: GroupPaths) -> GroupId {
        members.sort_unstable();
        members.dedup();
        if let Some(&id) = self.group_of.get(&members) {
            if let Some(group) = self.groups.get_mut(&id) {
                group.sessions = group.sessions.saturating_add(1);
            }
            return id;
        }
        let id = GroupId(self.next_group);
        self.next_group = self.next_group.wrapping_add(1);
        for path in &members {
            self.edit_path(*path, |entry| entry.groups.push(id));
        }
        self.change();
        let group = Group {
            sessions: 1,
            paths: PathSet::new(),
            generation: self.generation,
            members: members.clone(),
        };
        self.groups.insert(id, group);
        self.group_of.insert(members, id);
        self.rebuild(id);
        id
    }

    fn leave_group(&mut self, id: GroupId) {
        let Some(group) = self.groups.get_mut(&id) else {
            return;
        };
        group.sessions = group.sessions.saturating_sub(1);
        if group.sessions > 0 {
            return;
        }
        let members = group.members.clone();
        self.groups.remove(&id);
        self.group_of.remove(&members);
        for path in members {
            if let Some(entry) = self.paths.get_mut(&path) {
                entry.groups.retain(|group| *group != id);
            }
            self.drop_path_if_unused(path);
        }
    }

    fn rebuild_groups_of(&mut self, path: PathId) {
        self.change();
        let groups = match self.paths.get(&path) {
            Some(entry) => entry.groups.clone(),
            None => return,
        };
        for id in groups {
            self.rebuild(id);
        }
    }

    /// Every group gets a generation of its own: a session that goes over to another group must not
    /// find there the one that its flows were last judged in.
    fn rebuild(&mut self, id: GroupId) {
        self.change();
        let Some(members) = self.groups.get(&id).map(|group| group.members.clone()) else {
            return;
        };
        let tunnels = || members.iter().filter_map(|path| self.path(*path));
        let paths: PathSet = tunnels().map(TunnelPath::candidate).collect();
        let generation = self.generation;
        if let Some(group) = self.groups.get_mut(&id) {
            group.paths = paths;
            group.generation = generation;
        }
    }
}

#[cfg(test)]
mod tests;
