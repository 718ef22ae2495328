//! The engine's state for people.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use pmip_wire::types::{Instant, Label, PathId};

use crate::event::{GreKeys, PathState, SessionId};
use crate::heartbeat::Heartbeat;
use crate::status::{BindingState, BindingStatus, PathBindingStatus, PathStatus};

use super::Mag;
use super::list::{Entry, Life, Registration, path_id, path_parts};
use super::paths::{Path, is_udp};

impl Mag {
    pub(super) fn show_entry(&self, id: SessionId, entry: &Entry, now: Instant) -> BindingStatus {
        let peer = self.config.lmas.get(entry.lma);
        let registrations = entry.registrations.iter();
        let paths = registrations.map(|(&binding_id, registration)| {
            let keys = self.gre.keys(id, binding_id);
            show_registration(entry, binding_id, registration, keys, now)
        });
        let paths: Vec<PathBindingStatus> = paths.collect();
        let longest = |value: fn(&PathBindingStatus) -> Duration| paths.iter().map(value).max();
        BindingStatus {
            session: id,
            mn_id: entry.nai.clone(),
            logical: entry.logical,
            state: state_of(entry, &paths),
            customer: None,
            peer: peer.map(|peer| peer.identity.clone()).unwrap_or_default(),
            home_prefixes: entry.home_prefixes.to_vec(),
            ipv4_home: entry
                .ipv4_home
                .map(|home| (home.address, home.prefix_length, home.router)),
            delegated: entry.delegated_in_order(),
            service_selection: entry.service_selection.clone(),
            access_network: entry.access_network.current.clone(),
            lifetime: longest(|path| path.lifetime).unwrap_or_default(),
            remaining: longest(|path| path.remaining).unwrap_or_default(),
            paths,
        }
    }

    pub(super) fn show_path(&self, id: PathId, path: &Path) -> PathStatus {
        let (lma, binding_id) = path_parts(id);
        let index = usize::from(binding_id).saturating_sub(1);
        let interface = self.config.roaming_interfaces.get(index);
        let peer = self.config.lmas.get(lma);
        let encapsulation = self.encapsulation_of(id);
        let anchor = peer.and_then(|peer| peer.address(encapsulation));
        let unknown = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let installed = path.installed.as_ref();
        let was = installed.map_or(unknown, |installed| installed.care_of);
        let data_port = if is_udp(encapsulation) {
            crate::DATA_PORT
        } else {
            0
        };
        let control_port = if encapsulation.is_ipv4_transport() {
            crate::CONTROL_PORT
        } else {
            0
        };
        let state = self.path_state(id);
        PathStatus {
            path: id,
            customer: None,
            peer: peer.map(|peer| peer.identity.clone()).unwrap_or_default(),
            interface: interface.map(|interface| interface.name.clone()),
            binding_id,
            label: interface.map_or(Label::NONE, |interface| interface.label),
            label_name: interface.and_then(|interface| interface.label_name.clone()),
            access_technology: interface.map_or(0, |interface| interface.access_technology),
            care_of: self.care_of(binding_id).unwrap_or(was),
            observed: SocketAddr::new(anchor.unwrap_or(unknown), control_port),
            remote: SocketAddr::new(anchor.unwrap_or(unknown), data_port),
            nat: false,
            encapsulation,
            state,
            usable: state == PathState::Up,
            weight: interface.map_or(1, |interface| interface.weight),
            sessions: self.users(lma, binding_id),
            heartbeat: path.heartbeat.as_ref().map(Heartbeat::status),
        }
    }
}

fn state_of(entry: &Entry, paths: &[PathBindingStatus]) -> BindingState {
    if matches!(entry.life, Life::Closing { .. }) {
        BindingState::Disconnecting
    } else if paths.iter().any(|path| path.state == BindingState::Active) {
        BindingState::Active
    } else if entry.granted().next().is_some() {
        BindingState::RefreshPending
    } else {
        BindingState::Init
    }
}

fn show_registration(
    entry: &Entry,
    binding_id: u8,
    registration: &Registration,
    keys: Option<GreKeys>,
    now: Instant,
) -> PathBindingStatus {
    let granted = registration.granted;
    let state = match (granted, &registration.request) {
        _ if registration.to_leave => BindingState::Disconnecting,
        (Some(_), None) => BindingState::Active,
        (Some(_), Some(_)) => BindingState::RefreshPending,
        (None, _) => BindingState::Init,
    };
    PathBindingStatus {
        path: path_id(entry.lma, binding_id),
        binding_id,
        state,
        lifetime: granted.map_or(Duration::ZERO, |grant| grant.lifetime),
        remaining: granted.map_or(Duration::ZERO, |grant| grant.expires.saturating_since(now)),
        keys,
    }
}
