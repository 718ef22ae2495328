use std::collections::BTreeMap;
use std::net::SocketAddr;

use pmip_wire::types::{IpPrefix, PathId};

use crate::{Forwarding, PathEndpoint, SessionId, SessionRoute};

/// What a forwarding plane was told: the sum of all [`Forwarding`] events. It panics on events
/// that no forwarding plane could carry out, such as a session over a path that is not installed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tables {
    /// Installed paths.
    pub paths: BTreeMap<PathId, PathEndpoint>,
    /// Installed sessions.
    pub sessions: BTreeMap<SessionId, SessionRoute>,
}

impl Tables {
    /// Applies one event.
    pub fn apply(&mut self, forwarding: &Forwarding) {
        match forwarding {
            Forwarding::InstallPath(endpoint) => {
                self.paths.insert(endpoint.path, endpoint.clone());
            }
            Forwarding::RemovePath(path) => {
                let mut users = self.sessions.values();
                let used = users.any(|s| s.paths.iter().any(|route| route.path == *path));
                assert!(!used, "{path} is removed while sessions use it");
                assert!(self.paths.remove(path).is_some(), "{path} was not there");
            }
            Forwarding::InstallSession(route) => {
                for path in &route.paths {
                    let known = self.paths.contains_key(&path.path);
                    assert!(
                        known,
                        "{:?} over {}, not installed",
                        route.session, path.path
                    );
                }
                self.sessions.insert(route.session, route.clone());
            }
            Forwarding::RemoveSession(session) => {
                let removed = self.sessions.remove(session);
                assert!(removed.is_some(), "{session:?} was not there");
            }
        }
    }

    /// The session that a prefix is reached through.
    pub fn session_of(&self, prefix: IpPrefix) -> Option<&SessionRoute> {
        let mut sessions = self.sessions.values();
        sessions.find(|session| session.prefixes.contains(&prefix))
    }

    /// Paths of a session that may carry traffic now.
    pub fn usable_paths(&self, session: &SessionRoute) -> Vec<PathId> {
        let routes = session.paths.iter().map(|route| route.path);
        routes
            .filter(|path| self.paths.get(path).is_some_and(|endpoint| endpoint.usable))
            .collect()
    }

    pub(super) fn remote(&self, path: PathId) -> Option<SocketAddr> {
        self.paths.get(&path).map(|endpoint| endpoint.remote)
    }

    /// The path that tunnelled packets from `source` belong to.
    pub(super) fn path_from(&self, source: SocketAddr) -> Option<PathId> {
        let mut paths = self.paths.values();
        paths
            .find(|endpoint| endpoint.remote == source)
            .map(|endpoint| endpoint.path)
    }
}
