//! The paths of an anchor: one per roaming interface of a MAG, shared by its sessions.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use pmip_wire::types::{Encapsulation, Instant, Label, PathId};

use crate::event::{PathEndpoint, PathState};
use crate::heartbeat::Heartbeat;
use crate::slab::Slab;
use crate::timers::TimerSlot;

use super::cache::PeerKey;

/// What makes a path one and the same. The Binding ID tells two interfaces with equal care-of
/// addresses apart; it is 0 without multipath.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PathKey {
    pub(super) peer: PeerKey,
    pub(super) local: IpAddr,
    pub(super) care_of: IpAddr,
    pub(super) binding_id: u8,
}

/// One path.
#[derive(Clone, Debug)]
pub(super) struct Path {
    pub(super) key: PathKey,
    /// Where its last accepted PBU came from: address and port after any NAT.
    pub(super) observed: SocketAddr,
    /// The confirmed mapping of tunnelled packets behind a NAT.
    pub(super) observed_data: Option<SocketAddr>,
    pub(super) nat: bool,
    pub(super) encapsulation: Encapsulation,
    pub(super) label: Label,
    pub(super) access_technology: u8,
    pub(super) weight: u32,
    pub(super) heartbeat: Option<Heartbeat>,
    /// Of the heartbeat.
    pub(super) timer: TimerSlot,
    /// Sessions bound to it.
    pub(super) sessions: u32,
    pub(super) last_refresh: Instant,
    /// What the forwarding plane was told last.
    pub(super) installed: Option<PathEndpoint>,
    /// What the driver was told last.
    pub(super) reported: Option<PathState>,
}

/// All paths.
#[derive(Clone, Debug)]
pub(super) struct PathTable {
    paths: Slab<Path>,
    by_key: BTreeMap<PathKey, PathId>,
    by_observed: BTreeMap<(SocketAddr, PathId), ()>,
}

impl PathTable {
    pub(super) const fn new() -> Self {
        Self {
            paths: Slab::new(),
            by_key: BTreeMap::new(),
            by_observed: BTreeMap::new(),
        }
    }

    pub(super) fn insert(&mut self, path: Path) -> PathId {
        let (key, observed) = (path.key.clone(), path.observed);
        let id = PathId(self.paths.insert(path));
        self.by_key.insert(key, id);
        self.by_observed.insert((observed, id), ());
        id
    }

    pub(super) fn remove(&mut self, id: PathId) -> Option<Path> {
        let path = self.paths.remove(id.0)?;
        self.by_key.remove(&path.key);
        self.by_observed.remove(&(path.observed, id));
        Some(path)
    }

    pub(super) fn get(&self, id: PathId) -> Option<&Path> {
        self.paths.get(id.0)
    }

    /// For changes of anything but the key and the observed address.
    pub(super) fn get_mut(&mut self, id: PathId) -> Option<&mut Path> {
        self.paths.get_mut(id.0)
    }

    pub(super) fn by_key(&self, key: &PathKey) -> Option<PathId> {
        self.by_key.get(key).copied()
    }

    /// Moves a path to another care-of address: the interface got a new one.
    pub(super) fn rekey(&mut self, id: PathId, key: PathKey) {
        if let Some(path) = self.paths.get_mut(id.0) {
            self.by_key.remove(&path.key);
            path.key = key.clone();
            self.by_key.insert(key, id);
        }
    }

    pub(super) fn set_observed(&mut self, id: PathId, observed: SocketAddr) {
        if let Some(path) = self.paths.get_mut(id.0) {
            self.by_observed.remove(&(path.observed, id));
            path.observed = observed;
            self.by_observed.insert((observed, id), ());
        }
    }

    /// The paths whose signalling comes from `source`.
    pub(super) fn observed_at(&self, source: SocketAddr) -> impl Iterator<Item = PathId> + '_ {
        let all = (source, PathId(0))..=(source, PathId(u32::MAX));
        self.by_observed.range(all).map(|(&(_, id), ())| id)
    }

    /// The paths of one peer with this Binding ID.
    pub(super) fn of_peer<'a>(
        &'a self,
        peer: &'a PeerKey,
        binding_id: u8,
    ) -> impl Iterator<Item = PathId> + 'a {
        let (lowest, highest) = (IpAddr::from([0; 4]), IpAddr::from([0xff; 16]));
        let key = |address, binding_id| PathKey {
            peer: peer.clone(),
            local: address,
            care_of: address,
            binding_id,
        };
        let all = key(lowest, 0)..=key(highest, u8::MAX);
        let matching = self.by_key.range(all);
        matching
            .filter(move |(key, _)| key.binding_id == binding_id)
            .map(|(_, &id)| id)
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
            .filter(|_| self.nat)
            .unwrap_or_else(|| SocketAddr::new(self.observed.ip(), port))
    }

    pub(super) fn state(&self) -> PathState {
        let alive = self.heartbeat.as_ref().is_none_or(Heartbeat::is_alive);
        match (alive, self.nat && self.observed_data.is_none()) {
            (false, _) => PathState::Down,
            (true, true) => PathState::Registering,
            (true, false) => PathState::Up,
        }
    }

    pub(super) fn endpoint(&self, id: PathId) -> PathEndpoint {
        PathEndpoint {
            path: id,
            label: self.label,
            local: self.key.local,
            remote: self.remote(),
            care_of: self.key.care_of,
            encapsulation: self.encapsulation,
            usable: self.state() == PathState::Up,
            weight: self.weight,
        }
    }
}
