//! The engine's state for people.

use std::time::Duration;

use pmip_wire::types::{Instant, PathId};

use crate::event::SessionId;
use crate::heartbeat::Heartbeat;
use crate::status::{BindingState, BindingStatus, PathBindingStatus, PathStatus};

use super::Lma;
use super::cache::{MagName, PeerKey, Session};
use super::paths::Path;

impl Lma {
    pub(super) fn show_binding(
        &self,
        id: SessionId,
        session: &Session,
        now: Instant,
    ) -> BindingStatus {
        let state = if session.is_deleting() {
            BindingState::Disconnecting
        } else {
            BindingState::Active
        };
        let paths = session.paths.iter().map(|binding| PathBindingStatus {
            path: binding.path,
            binding_id: binding.binding_id,
            state,
            lifetime: binding.lifetime(),
            remaining: binding.expires.saturating_since(now),
            keys: session.keys(binding.binding_id),
        });
        let paths: Vec<PathBindingStatus> = paths.collect();
        let longest = |value: fn(&PathBindingStatus) -> Duration| paths.iter().map(value).max();
        BindingStatus {
            session: id,
            mn_id: session.mn_name(),
            logical: !session.delegated().is_empty(),
            state,
            peer: name(&session.peer),
            customer: self.tenants.name(session.peer.tenant).map(str::to_owned),
            home_prefixes: session.home_prefixes().to_vec(),
            ipv4_home: session
                .ipv4_home
                .map(|home| (home.address, home.prefix_length, home.router)),
            delegated: session.delegated().to_vec(),
            service_selection: session.service_name(),
            access_network: session.access_network().cloned(),
            lifetime: longest(|path| path.lifetime).unwrap_or_default(),
            remaining: longest(|path| path.remaining).unwrap_or_default(),
            paths,
        }
    }

    pub(super) fn show_path(&self, id: PathId, path: &Path) -> PathStatus {
        PathStatus {
            path: id,
            peer: name(&path.key.peer),
            customer: self.tenants.name(path.key.peer.tenant).map(str::to_owned),
            interface: path.interface(),
            binding_id: path.key.binding_id,
            label: path.label,
            label_name: path.label_name(),
            access_technology: path.access_technology,
            care_of: path.key.care_of,
            observed: path.observed,
            remote: path.remote(),
            nat: path.nat,
            encapsulation: path.encapsulation,
            state: path.state(),
            usable: path.is_usable(),
            weight: path.weight,
            sessions: path.sessions,
            heartbeat: path.heartbeat.as_deref().map(Heartbeat::status),
        }
    }
}

pub(super) fn name(peer: &PeerKey) -> String {
    match &peer.name {
        MagName::Identifier(identifier) => identifier.name(),
        MagName::Address { source, .. } => source.to_string(),
    }
}
