//! The gateway's paths: one per anchor and roaming interface, whether up or not.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use pmip_wire::types::{Encapsulation, Instant, PathId};

use crate::config::HeartbeatRule;
use crate::event::{Event, Forwarding, PathEndpoint, PathEvent, PathState};
use crate::heartbeat::Heartbeat;
use crate::io::{Carrier, Datagram};
use crate::{CONTROL_PORT, DATA_PORT};

use super::Mag;
use super::list::{Entry, path_id, path_parts};

/// One path.
#[derive(Clone, Debug, Default)]
pub(super) struct Path {
    pub(super) heartbeat: Option<Heartbeat>,
    /// Since when it has been good without a break.
    pub(super) good_since: Instant,
    /// An unanswered request that shows the mapping of tunnelled packets: its sequence number
    /// and how often it was sent.
    pub(super) mapping_probe: Option<(u32, u32)>,
    /// The keep-alive time that the anchor suggested (option 31), in seconds.
    pub(super) keep_alive: Option<u32>,
    /// The anchor was told of our restart over it.
    pub(super) restart_told: bool,
    /// How packets travel, where the anchor's answer decided it.
    pub(super) agreed: Option<Encapsulation>,
    /// The heartbeat that the anchor asks for (RFC 8127).
    pub(super) controlled: Option<HeartbeatRule>,
    /// What the forwarding plane was told last.
    pub(super) installed: Option<PathEndpoint>,
    /// What the driver was told last.
    pub(super) reported: Option<PathState>,
}

impl Mag {
    pub(super) fn make_paths(&mut self) {
        let interfaces = 1u8..=u8::try_from(self.interfaces.len()).unwrap_or(u8::MAX);
        for lma in 0..self.config.lmas.len() {
            for binding_id in interfaces.clone() {
                self.paths.entry(path_id(lma, binding_id)).or_default();
            }
        }
    }

    /// How a path stands.
    pub(super) fn path_state(&self, id: PathId) -> PathState {
        let (lma, binding_id) = path_parts(id);
        if self.care_of(binding_id).is_none() || !self.is_alive(id) {
            PathState::Down
        } else if self.has_users(lma, binding_id) {
            PathState::Up
        } else {
            PathState::Registering
        }
    }

    /// No heartbeat has given it up.
    pub(super) fn is_alive(&self, id: PathId) -> bool {
        let heartbeat = self.paths.get(&id).and_then(|path| path.heartbeat.as_ref());
        heartbeat.is_none_or(Heartbeat::is_alive)
    }

    /// Mobile nodes registered over this path.
    pub(super) fn users(&self, lma: usize, binding_id: u8) -> u32 {
        u32::try_from(self.users_of(lma, binding_id).count()).unwrap_or(u32::MAX)
    }

    /// Asked at every change, so the first one found must do.
    fn has_users(&self, lma: usize, binding_id: u8) -> bool {
        self.users_of(lma, binding_id).next().is_some()
    }

    fn users_of(&self, lma: usize, binding_id: u8) -> impl Iterator<Item = &Entry> {
        let entries = self.list.iter().map(|(_, entry)| entry);
        entries.filter(move |entry| entry.lma == lma && entry.grant(binding_id).is_some())
    }

    /// Tells the forwarding plane and the driver what changed about a path.
    pub(super) fn sync_path(&mut self, id: PathId, reason: &'static str) {
        let state = self.path_state(id);
        let endpoint = self.endpoint(id, state);
        let Some(path) = self.paths.get_mut(&id) else {
            return;
        };
        // A path without users is installed only to be marked as out of use.
        let known = path.installed.is_some();
        let install = endpoint.filter(|endpoint| {
            (known || state == PathState::Up) && path.installed.as_ref() != Some(endpoint)
        });
        let report = path.reported != Some(state);
        path.reported = Some(state);
        if let Some(endpoint) = install {
            path.installed = Some(endpoint.clone());
            self.emit(Event::Forwarding(Forwarding::InstallPath(endpoint)));
        }
        if report {
            self.emit(Event::Path(PathEvent::State {
                path: id,
                state,
                reason,
            }));
        }
    }

    /// The tunnel as it is now; while the interface is down, as it was, but out of use.
    fn endpoint(&self, id: PathId, state: PathState) -> Option<PathEndpoint> {
        let (lma, binding_id) = path_parts(id);
        let installed = self.paths.get(&id)?.installed.as_ref();
        let Some(local) = self.care_of(binding_id) else {
            let mut endpoint = installed?.clone();
            endpoint.usable = false;
            return Some(endpoint);
        };
        let config = Arc::clone(&self.config);
        let interface = config
            .roaming_interfaces
            .get(usize::from(binding_id).checked_sub(1)?)?;
        let peer = config.lmas.get(lma)?;
        let encapsulation = self.encapsulation_of(id);
        let port = if is_udp(encapsulation) { DATA_PORT } else { 0 };
        Some(PathEndpoint {
            path: id,
            label: interface.label,
            local,
            remote: SocketAddr::new(peer.address(encapsulation)?, port),
            care_of: local,
            encapsulation,
            usable: state == PathState::Up,
            weight: interface.weight,
            vrf: crate::VrfId::DEFAULT,
        })
    }

    /// Where signalling with an anchor goes: carrier, our port, its address and port.
    pub(super) fn signalling_to(&self, lma: usize) -> Option<(Carrier, SocketAddr)> {
        let peer = self.config.lmas.get(lma)?;
        let encapsulation = self.config.encapsulation_with(peer);
        let address = peer.address(encapsulation)?;
        Some(if address.is_ipv4() {
            (Carrier::Udp, SocketAddr::new(address, CONTROL_PORT))
        } else {
            (Carrier::Ipv6, SocketAddr::new(address, 0))
        })
    }

    pub(super) fn anchor_at(&self, address: IpAddr) -> Option<usize> {
        let mut lmas = self.config.lmas.iter();
        lmas.position(|lma| {
            lma.ipv4_address.map(IpAddr::V4) == Some(address)
                || lma.ipv6_address.map(IpAddr::V6) == Some(address)
        })
    }

    /// The path that a datagram came over: by its tunnel, else by the care-of address it was
    /// sent to.
    pub(super) fn path_at(&self, datagram: &Datagram) -> Option<PathId> {
        if let Carrier::Tunnel(path) = datagram.carrier {
            return Some(path);
        }
        let lma = self.anchor_at(datagram.source.ip())?;
        let here = datagram.destination.ip();
        let interfaces = (1u8..).zip(&self.interfaces);
        let mut at_address = interfaces.filter(|(_, interface)| interface.address == Some(here));
        at_address
            .next()
            .map(|(binding_id, _)| path_id(lma, binding_id))
    }

    /// The care-of address of a roaming interface that is up.
    pub(super) fn care_of(&self, binding_id: u8) -> Option<IpAddr> {
        let index = usize::from(binding_id).checked_sub(1)?;
        self.interfaces.get(index)?.address
    }

    pub(super) fn ipv4_care_of(&self, binding_id: u8) -> Option<Ipv4Addr> {
        match self.care_of(binding_id)? {
            IpAddr::V4(address) => Some(address),
            IpAddr::V6(_) => None,
        }
    }
}

pub(super) const fn is_udp(encapsulation: Encapsulation) -> bool {
    matches!(
        encapsulation,
        Encapsulation::Ipv4Udp | Encapsulation::Ipv4UdpTlv
    )
}
