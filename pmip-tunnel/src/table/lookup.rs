//! What the packet path asks the table.

use core::net::{IpAddr, SocketAddr};
use core::sync::atomic::{AtomicU32, Ordering};

use pmip_wire::types::PathId;

use super::keys::row;
use super::{
    ForwardingTable, Group, KeyRow, MINIMUM_MTU, Remote, Role, Route, SessionKey, TunnelPath, VrfId,
};
use crate::guard::TunnelAcl;

/// The session that a packet goes to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Routed<'a> {
    pub(crate) session: SessionKey,
    pub(crate) group: &'a Group,
    keys: Option<&'a [KeyRow]>,
}

/// The session that a packet out of a tunnel belongs to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Admitted<'a> {
    pub(crate) session: SessionKey,
    pub(crate) group: &'a Group,
    pub(crate) vrf: VrfId,
}

/// Why a packet out of a tunnel belongs to none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// No session has its address.
    Address,
    /// Its GRE key is missing, unknown, or another session's.
    Key,
}

impl<'a> Routed<'a> {
    /// The keys of its packets on `path`.
    #[inline]
    pub(crate) fn keys(&self, path: PathId) -> Option<&'a KeyRow> {
        row(self.keys, path)
    }
}

impl ForwardingTable {
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
        let inner = underlay.saturating_sub(tunnel.overhead());
        let bound = self.tunnel_mtu.unwrap_or(u16::MAX);
        Some(inner.min(bound).max(MINIMUM_MTU))
    }

    /// The MTU in octets of the network that carries `path`, where one was
    /// [set](Self::set_path_underlay_mtu).
    pub fn path_underlay_mtu(&self, path: PathId) -> Option<u16> {
        self.paths.get(&path)?.underlay_mtu
    }

    /// The path whose datagrams come from `remote` and arrive at `local`, in the routing instance
    /// without a name.
    #[inline]
    pub fn path_from(&self, local: IpAddr, remote: SocketAddr) -> Option<PathId> {
        self.path_from_in(VrfId::DEFAULT, local, remote)
    }

    /// The path whose datagrams come from `remote` and arrive at `local` in the transport routing
    /// instance `vrf`. Without UDP the port of `remote` is 0.
    #[inline]
    pub fn path_from_in(&self, vrf: VrfId, local: IpAddr, remote: SocketAddr) -> Option<PathId> {
        self.remotes.get(&Remote { vrf, local, remote }).copied()
    }

    /// The session that `address` belongs to in the routing instance without a name, by longest
    /// prefix.
    #[inline]
    pub fn session_of(&self, address: IpAddr) -> Option<SessionKey> {
        self.session_in(VrfId::DEFAULT, address)
    }

    /// The session that `address` belongs to in `vrf`, by longest prefix.
    #[inline]
    pub fn session_in(&self, vrf: VrfId, address: IpAddr) -> Option<SessionKey> {
        let route = self.prefixes.longest_match(vrf, address);
        route.map(|route| route.session)
    }

    /// The same with the session's paths and keys.
    #[inline]
    pub(crate) fn route(&self, vrf: VrfId, address: IpAddr) -> Option<Routed<'_>> {
        self.routed(self.prefixes.longest_match(vrf, address)?)
    }

    fn routed<'a>(&'a self, route: &'a Route) -> Option<Routed<'a>> {
        Some(Routed {
            session: route.session,
            group: self.groups.get(&route.group)?,
            keys: route.keys.as_deref(),
        })
    }

    /// The session of a packet that came through `path` with the GRE key `key`, whose source (LMA)
    /// or destination (MAG) is `address`: it must be one that uses the path.
    pub(crate) fn admit(
        &self,
        path: PathId,
        key: Option<u32>,
        address: IpAddr,
    ) -> Result<Admitted<'_>, Refused> {
        match key {
            Some(key) => self.admit_by_key(path, key, address),
            None => self.admit_by_address(path, None, address),
        }
    }

    fn admit_by_key(
        &self,
        path: PathId,
        key: u32,
        address: IpAddr,
    ) -> Result<Admitted<'_>, Refused> {
        let owners = self.keys.get(&(path, key)).ok_or(Refused::Key)?;
        let Some(session) = owners.only() else {
            return self.admit_by_address(path, Some(key), address);
        };
        let entry = self.sessions.get(&session).ok_or(Refused::Key)?;
        if !entry.prefixes.iter().any(|prefix| prefix.contains(address)) {
            return Err(Refused::Address);
        }
        let group = self.groups.get(&entry.group).ok_or(Refused::Address)?;
        Ok(Admitted {
            session,
            group,
            vrf: entry.vrf,
        })
    }

    /// Looks in the routing instances of the sessions that use the path: in practice there is one.
    fn admit_by_address(
        &self,
        path: PathId,
        key: Option<u32>,
        address: IpAddr,
    ) -> Result<Admitted<'_>, Refused> {
        let entry = self.paths.get(&path).ok_or(Refused::Address)?;
        let mut refused = Refused::Address;
        for id in &entry.groups {
            let Some(vrf) = self.groups.get(id).map(|group| group.vrf) else {
                continue;
            };
            let Some(routed) = self.route(vrf, address) else {
                continue;
            };
            // A MAG's session may be reached by all its paths and be bound to some only.
            let bound = self.role == Role::Mag || routed.group.members.contains(&path);
            if !bound {
                continue;
            }
            if routed.keys(path).map(|row| row.received) != key {
                refused = Refused::Key;
                continue;
            }
            return Ok(Admitted {
                session: routed.session,
                group: routed.group,
                vrf,
            });
        }
        Err(refused)
    }

    /// The session of `address` among those that use `path`, and its routing instance.
    pub(crate) fn route_of_path(
        &self,
        path: PathId,
        address: IpAddr,
    ) -> Option<(VrfId, Routed<'_>)> {
        let entry = self.paths.get(&path)?;
        entry.groups.iter().find_map(|id| {
            let vrf = self.groups.get(id)?.vrf;
            let routed = self.route(vrf, address)?;
            let uses = routed.group.members.contains(&path);
            uses.then_some((vrf, routed))
        })
    }

    /// Numbers the packets of `path` that have no key.
    pub(crate) fn path_sequence(&self, path: PathId) -> Option<&AtomicU32> {
        self.paths.get(&path).map(|entry| &*entry.sequence)
    }

    /// The smallest inner MTU among the paths of `group`: flows may move, but TCP says its MSS
    /// once.
    pub(crate) fn smallest_mtu(&self, group: &Group) -> u16 {
        let mtus = group.members.iter().filter_map(|path| self.path_mtu(*path));
        mtus.min().unwrap_or(u16::MAX)
    }

    #[inline]
    pub(crate) fn acl(&self) -> Option<&TunnelAcl> {
        self.acl.as_deref()
    }
}

/// Takes `count` numbers; the first comes back.
#[inline]
pub(crate) fn draw(sequence: &AtomicU32, count: u32) -> u32 {
    sequence.fetch_add(count, Ordering::Relaxed)
}
