//! Applies what a protocol engine says to the table (feature `binding`).

use alloc::vec::Vec;

use pmip_binding::{Forwarding, PathEndpoint, SessionRoute};

use crate::encap::OuterOptions;
use crate::table::{ForwardingTable, PathKeys, SessionKey, TunnelPath, TunnelSession, VrfId};

impl ForwardingTable {
    /// Applies one forwarding change of an engine. Publish a clone before the next datagram that
    /// the engine puts out is sent.
    pub fn apply(&mut self, change: &Forwarding) {
        match change {
            Forwarding::InstallPath(endpoint) => {
                self.set_path(tunnel_path(endpoint));
            }
            Forwarding::RemovePath(path) => self.remove_path(*path),
            Forwarding::InstallSession(route) => self.set_session(tunnel_session(route)),
            Forwarding::RemoveSession(session) => self.remove_session(SessionKey(session.0)),
            // A later engine's change that this version knows nothing of.
            _ => {}
        }
    }
}

fn tunnel_path(endpoint: &PathEndpoint) -> TunnelPath {
    TunnelPath {
        path: endpoint.path,
        label: endpoint.label,
        local: endpoint.local,
        remote: endpoint.remote,
        care_of: endpoint.care_of,
        encapsulation: endpoint.encapsulation,
        transport_vrf: VrfId::DEFAULT,
        outer: OuterOptions::default(),
        usable: endpoint.usable,
        weight: endpoint.weight,
    }
}

fn tunnel_session(route: &SessionRoute) -> TunnelSession {
    let paths: Vec<_> = route.paths.iter().map(|route| route.path).collect();
    let keys = route.paths.iter().filter_map(|route| {
        let keys = route.keys?;
        Some(PathKeys::new(route.path, keys.uplink, keys.downlink))
    });
    let keys = keys.collect();
    TunnelSession::new(SessionKey(route.session.0), route.prefixes.clone(), paths).with_keys(keys)
}
