//! The paths of an anchor: one per roaming interface of a MAG, shared by its sessions.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use pmip_wire::types::{Encapsulation, Label, PathId};
use smallvec::SmallVec;

use crate::event::{PathEndpoint, PathState};
use crate::heartbeat::Heartbeat;
use crate::index::Index;
use crate::link::Link;
use crate::slab::Slab;
use crate::timers::TimerSlot;
use crate::vrf::VrfId;

use super::cache::PeerKey;
use super::changes::Changes;
use super::nat::NatChange;

/// What makes a path one and the same. The Binding ID tells two interfaces with equal care-of
/// addresses apart; it is 0 without multipath.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct PathKey {
    pub(super) peer: Arc<PeerKey>,
    pub(super) local: IpAddr,
    pub(super) care_of: IpAddr,
    pub(super) binding_id: u8,
}

/// What of an endpoint can change while its path has the same key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Installed {
    label: Label,
    /// Flow label and scope never change alone.
    remote: (IpAddr, u16),
    encapsulation: Encapsulation,
    usable: bool,
    weight: u32,
}

/// One path.
#[derive(Clone, Debug)]
pub(super) struct Path {
    pub(super) key: PathKey,
    /// Where its last accepted PBU came from: address and port after any NAT.
    pub(super) observed: SocketAddr,
    /// The confirmed mapping of tunnelled packets behind a NAT.
    pub(super) observed_data: Option<Box<SocketAddr>>,
    pub(super) nat: bool,
    /// Another mapping showed itself and is not confirmed.
    pub(super) nat_change: Option<Box<NatChange>>,
    pub(super) encapsulation: Encapsulation,
    pub(super) label: Label,
    pub(super) access_technology: u8,
    pub(super) weight: u32,
    /// What the gateway tells of its roaming interface.
    pub(super) link: Option<Box<Link>>,
    /// The driver knows that.
    pub(super) link_told: bool,
    pub(super) heartbeat: Option<Box<Heartbeat>>,
    /// Of the heartbeat.
    pub(super) timer: TimerSlot,
    /// Sessions bound to it.
    pub(super) sessions: u32,
    /// What the forwarding plane was told last.
    pub(super) installed: Option<Installed>,
    /// What the driver was told last.
    pub(super) reported: Option<PathState>,
}

/// All paths.
#[derive(Clone, Debug)]
pub(super) struct PathTable {
    paths: Slab<Path>,
    by_key: Index,
    by_observed: Index,
    /// By peer and Binding ID.
    by_peer: Index,
    by_care_of: Index,
    pub(super) changes: Changes<PathId>,
}

impl PathTable {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            paths: Slab::new(),
            by_key: Index::new(seed),
            by_observed: Index::new(seed),
            by_peer: Index::new(seed),
            by_care_of: Index::new(seed),
            changes: Changes::default(),
        }
    }

    pub(super) fn insert(&mut self, path: Path) -> PathId {
        self.insert_as(None, path)
    }

    /// Inserts under a number, if that is above every one used so far.
    pub(super) fn insert_as(&mut self, wanted: Option<u32>, path: Path) -> PathId {
        let number = match wanted {
            Some(wanted) => self.paths.insert_at(wanted, path),
            None => self.paths.insert(path),
        };
        if let Some(Path { key, observed, .. }) = self.paths.get(number) {
            self.by_key.insert(key, number);
            let transport = key.peer.tenant.transport;
            self.by_observed.insert(&(transport, *observed), number);
            self.by_peer.insert(&(&*key.peer, key.binding_id), number);
            self.by_care_of.insert(&(transport, key.care_of), number);
        }
        self.changes.note(PathId(number));
        PathId(number)
    }

    /// Above every number used.
    pub(super) const fn end(&self) -> u32 {
        self.paths.end()
    }

    pub(super) fn remove(&mut self, id: PathId) -> Option<Path> {
        let path = self.paths.remove(id.0)?;
        self.by_key.remove(&path.key, id.0);
        let transport = path.key.peer.tenant.transport;
        self.by_observed.remove(&(transport, path.observed), id.0);
        self.by_peer
            .remove(&(&*path.key.peer, path.key.binding_id), id.0);
        self.by_care_of.remove(&(transport, path.key.care_of), id.0);
        self.changes.note(id);
        Some(path)
    }

    pub(super) fn get(&self, id: PathId) -> Option<&Path> {
        self.paths.get(id.0)
    }

    /// For changes of anything but the key and the observed address.
    pub(super) fn get_mut(&mut self, id: PathId) -> Option<&mut Path> {
        self.changes.note(id);
        self.paths.get_mut(id.0)
    }

    /// For changes of what a restart may forget: heartbeats under way.
    pub(super) fn watch_mut(&mut self, id: PathId) -> Option<&mut Path> {
        self.paths.get_mut(id.0)
    }

    pub(super) fn by_key(&self, key: &PathKey) -> Option<PathId> {
        let is_meant = |number| self.paths.get(number).is_some_and(|path| path.key == *key);
        self.by_key.get(key, is_meant).map(PathId)
    }

    /// Moves a path to another key: the interface got a new care-of address.
    pub(super) fn rekey(&mut self, id: PathId, key: PathKey) {
        let Some(path) = self.paths.get_mut(id.0) else {
            return;
        };
        self.changes.note(id);
        path.installed = None;
        let before = std::mem::replace(&mut path.key, key);
        let after = &path.key;
        self.by_key.remove(&before, id.0);
        self.by_key.insert(after, id.0);
        self.by_peer
            .remove(&(&*before.peer, before.binding_id), id.0);
        self.by_peer.insert(&(&*after.peer, after.binding_id), id.0);
        let transport = after.peer.tenant.transport;
        self.by_care_of.remove(&(transport, before.care_of), id.0);
        self.by_care_of.insert(&(transport, after.care_of), id.0);
    }

    pub(super) fn set_observed(&mut self, id: PathId, observed: SocketAddr) {
        let Some(path) = self.paths.get_mut(id.0) else {
            return;
        };
        if path.observed != observed {
            let transport = path.key.peer.tenant.transport;
            self.by_observed.remove(&(transport, path.observed), id.0);
            path.observed = observed;
            self.by_observed.insert(&(transport, observed), id.0);
            self.changes.note(id);
        }
    }

    /// The paths whose signalling comes from `source` of a routing instance, in order of number.
    pub(super) fn observed_at(&self, vrf: VrfId, source: SocketAddr) -> SmallVec<[PathId; 4]> {
        let is_meant = |number| {
            let path = self.paths.get(number);
            path.is_some_and(|path| {
                path.observed == source && path.key.peer.tenant.transport == vrf
            })
        };
        let numbers = self.by_observed.all(&(vrf, source), is_meant);
        numbers.into_iter().map(PathId).collect()
    }

    /// The paths of one peer with this Binding ID, in order of number.
    pub(super) fn of_peer(&self, peer: &PeerKey, binding_id: u8) -> SmallVec<[PathId; 4]> {
        let is_meant = |number| {
            let key = self.paths.get(number).map(|path| &path.key);
            key.is_some_and(|key| *key.peer == *peer && key.binding_id == binding_id)
        };
        let numbers = self.by_peer.all(&(peer, binding_id), is_meant);
        numbers.into_iter().map(PathId).collect()
    }

    /// All paths of one peer, in order of Binding ID, then of number.
    pub(super) fn all_of_peer<'a>(
        &'a self,
        peer: &'a PeerKey,
    ) -> impl Iterator<Item = PathId> + 'a {
        (0..=u8::MAX).flat_map(|binding_id| self.of_peer(peer, binding_id))
    }

    /// The paths with this care-of address in a routing instance, in order of number.
    pub(super) fn at_care_of(&self, vrf: VrfId, care_of: IpAddr) -> SmallVec<[PathId; 4]> {
        let is_meant = |number| {
            let path = self.paths.get(number);
            path.is_some_and(|path| {
                path.key.care_of == care_of && path.key.peer.tenant.transport == vrf
            })
        };
        let numbers = self.by_care_of.all(&(vrf, care_of), is_meant);
        numbers.into_iter().map(PathId).collect()
    }

    /// The path of the lowest number with this care-of address in a routing instance that fits.
    pub(super) fn first_at_care_of(
        &self,
        vrf: VrfId,
        care_of: IpAddr,
        fits: impl Fn(&Path) -> bool,
    ) -> Option<PathId> {
        let is_meant = |number| {
            let path = self.paths.get(number);
            path.is_some_and(|path| {
                path.key.care_of == care_of && path.key.peer.tenant.transport == vrf && fits(path)
            })
        };
        let number = self.by_care_of.lowest(&(vrf, care_of), is_meant);
        number.map(PathId)
    }

    /// In order of number.
    pub(super) fn iter(&self) -> impl Iterator<Item = (PathId, &Path)> {
        self.paths.iter().map(|(key, path)| (PathId(key), path))
    }
}

impl Path {
    /// Where tunnelled packets go: behind a NAT the confirmed mapping, until then the best guess.
    pub(super) fn remote(&self) -> SocketAddr {
        let port = match self.encapsulation {
            Encapsulation::Ipv4Udp | Encapsulation::Ipv4UdpTlv => crate::DATA_PORT,
            Encapsulation::Ipv6
            | Encapsulation::Ipv4
            | Encapsulation::GreIpv4
            | Encapsulation::GreIpv6
            | _ => 0,
        };
        // What was learnt behind a NAT ends with it.
        self.observed_data
            .as_deref()
            .copied()
            .filter(|_| self.nat)
            .unwrap_or_else(|| SocketAddr::new(self.observed.ip(), port))
    }

    /// No heartbeat has given it up.
    pub(super) fn is_alive(&self) -> bool {
        self.heartbeat.as_deref().is_none_or(Heartbeat::is_alive)
    }

    pub(super) fn state(&self) -> PathState {
        match (self.is_alive(), self.nat && self.observed_data.is_none()) {
            _ if self.nat_change.is_some() => PathState::NatChanged,
            (false, _) => PathState::Down,
            (true, true) => PathState::Registering,
            (true, false) => PathState::Up,
        }
    }

    /// Whether it may carry traffic. What is only suspected about its mapping changes nothing.
    pub(super) fn is_usable(&self) -> bool {
        self.is_alive() && !(self.nat && self.observed_data.is_none())
    }

    pub(super) fn endpoint(&self, id: PathId) -> PathEndpoint {
        PathEndpoint {
            path: id,
            label: self.label,
            local: self.key.local,
            remote: self.remote(),
            care_of: self.key.care_of,
            encapsulation: self.encapsulation,
            usable: self.is_usable(),
            weight: self.weight,
            vrf: self.key.peer.tenant.transport,
        }
    }
}

impl Installed {
    pub(super) const fn of(endpoint: &PathEndpoint) -> Self {
        Self {
            label: endpoint.label,
            remote: (endpoint.remote.ip(), endpoint.remote.port()),
            encapsulation: endpoint.encapsulation,
            usable: endpoint.usable,
            weight: endpoint.weight,
        }
    }
}
