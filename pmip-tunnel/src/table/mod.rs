//! The forwarding snapshot: which prefixes are reached through which paths.
//!
//! The control side owns one table and edits it; workers get clones. A clone shares everything, an
//! edit copies the shards that it touches, so publishing costs O(changes).
//!
//! Sessions over the same paths share one *group* with their path set, so a path that changes
//! rebuilds one group for each combination of paths it is in, however many sessions use it.

mod group;
mod keys;
mod lookup;
mod lpm;
mod shard;
mod steering;
mod types;

use alloc::sync::Arc;
use core::net::{IpAddr, SocketAddr};
use core::sync::atomic::AtomicU32;

use pmip_policy::{ProfileId, Verdict};
use pmip_wire::types::{IpPrefix, PathId};
use smallvec::SmallVec;

use crate::encap::{Carrier, OuterOptions};
use crate::guard::TunnelAcl;
use group::{GroupId, GroupPaths};
use keys::KeyOwners;
use lpm::PrefixMap;
use shard::Sharded;
use steering::Rules;

pub(crate) use group::Group;
pub(crate) use keys::KeyRow;
pub(crate) use lookup::{Refused, Routed, draw};
pub use types::{PathKeys, Role, SessionKey, TunnelPath, TunnelSession, VrfId};

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
    group_of: Sharded<(VrfId, GroupPaths), GroupId>,
    keys: Sharded<(PathId, u32), KeyOwners>,
    next_group: u32,
    tunnel_mtu: Option<u16>,
    acl: Option<Arc<TunnelAcl>>,
    rules: Rules,
    /// Of paths that an engine's events install.
    outer: OuterOptions,
}

/// Where datagrams of a path come from and arrive: what names the path on receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Remote {
    vrf: VrfId,
    local: IpAddr,
    remote: SocketAddr,
}

impl Remote {
    /// A port is part of the name in UDP alone.
    fn of(tunnel: &TunnelPath) -> Self {
        let mut remote = tunnel.remote;
        if Carrier::of(tunnel.encapsulation) != Some(Carrier::Udp) {
            remote.set_port(0);
        }
        Self {
            vrf: tunnel.transport_vrf,
            local: tunnel.local,
            remote,
        }
    }
}

#[derive(Clone, Debug, Default)]
struct PathEntry {
    /// `None` while only sessions speak of the path.
    tunnel: Option<Arc<TunnelPath>>,
    underlay_mtu: Option<u16>,
    /// In place of the tunnel's own.
    weight: Option<u32>,
    verdicts: SmallVec<[(ProfileId, Verdict); 1]>,
    /// The groups that hold the path, to rebuild when it changes.
    groups: SmallVec<[GroupId; 2]>,
    /// Numbers GRE packets without a key; all snapshots share it.
    sequence: Arc<AtomicU32>,
}

#[derive(Clone, Debug)]
struct SessionEntry {
    prefixes: SmallVec<[IpPrefix; 3]>,
    group: GroupId,
    vrf: VrfId,
    keys: Option<Arc<[KeyRow]>>,
}

/// What a prefix leads to.
#[derive(Clone, Debug)]
struct Route {
    session: SessionKey,
    group: GroupId,
    keys: Option<Arc<[KeyRow]>>,
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
            keys: Sharded::new(seed),
            next_group: 0,
            tunnel_mtu: None,
            acl: None,
            rules: Rules::default(),
            outer: OuterOptions::default(),
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

    /// Bounds the inner MTU in octets of all paths (`tunnel mtu`, 68 to 17,916); `None` leaves it
    /// to the networks that carry them.
    pub fn set_tunnel_mtu(&mut self, mtu: Option<u16>) {
        self.tunnel_mtu = mtu;
        self.change();
    }

    /// Says how paths that an engine's events install from now on fill their outer headers (feature
    /// `binding`).
    pub const fn set_outer_options(&mut self, outer: OuterOptions) {
        self.outer = outer;
    }

    /// What [`Self::set_outer_options`] said.
    pub const fn outer_options(&self) -> OuterOptions {
        self.outer
    }

    /// Filters inner packets that come out of tunnels (LMA; `tunnel acl`); `None` lets all pass.
    pub fn set_tunnel_acl(&mut self, acl: Option<Arc<TunnelAcl>>) {
        self.acl = acl;
        self.change();
    }

    /// The filter of inner packets, with its counters.
    pub fn tunnel_acl(&self) -> Option<&Arc<TunnelAcl>> {
        self.acl.as_ref()
    }

    /// Installs a path's tunnel, or replaces it. One whose two ends have one address carries
    /// nothing.
    pub fn set_path(&mut self, tunnel: TunnelPath) {
        let path = tunnel.path;
        self.forget_remote(path);
        self.remotes.insert(Remote::of(&tunnel), path);
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
        entry.weight = None;
        entry.verdicts.clear();
        self.rebuild_groups_of(path);
        self.drop_path_if_unused(path);
    }

    /// Installs a session, or replaces it. A prefix that another session of its routing instance has
    /// goes over to this one.
    pub fn set_session(&mut self, session: TunnelSession) {
        let key = session.session;
        // The new group and keys first, so that what is in both is not built twice.
        let group = self.join_group(session.vrf, session.paths.iter().copied().collect());
        let keys = self.key_rows(key, &session.keys);
        self.remove_session(key);
        self.own_keys(key, keys.as_deref());
        let prefixes: SmallVec<[IpPrefix; 3]> = session.prefixes.iter().copied().collect();
        for prefix in &prefixes {
            let route = Route {
                session: key,
                group,
                keys: keys.clone(),
            };
            self.prefixes.insert(session.vrf, *prefix, route);
        }
        let entry = SessionEntry {
            prefixes,
            group,
            vrf: session.vrf,
            keys,
        };
        self.sessions.insert(key, entry);
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
                .get(entry.vrf, prefix)
                .is_some_and(|route| route.session == session);
            if own {
                self.prefixes.remove(entry.vrf, prefix);
            }
        }
        self.disown_keys(session, entry.keys.as_deref());
        self.leave_group(entry.group);
        self.change();
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
        let Some(remote) = self.path(path).map(Remote::of) else {
            return;
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
}

#[cfg(test)]
mod tests;
