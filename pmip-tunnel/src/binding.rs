//! Applies what a protocol engine says to the table (feature `binding`).

use alloc::vec::Vec;

use pmip_binding::{Forwarding, PathEndpoint, SessionRoute};

use crate::table::{ForwardingTable, PathKeys, SessionKey, TunnelPath, TunnelSession, VrfId};

impl ForwardingTable {
    /// Applies one forwarding change of an engine. Publish a clone before the next datagram that
    /// the engine puts out is sent.
    pub fn apply(&mut self, change: &Forwarding) {
        match change {
            Forwarding::InstallPath(endpoint) => {
                let outer = self.outer_options();
                self.set_path(TunnelPath {
                    outer,
                    ..tunnel_path(endpoint)
                });
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
        transport_vrf: vrf(endpoint.vrf),
        outer: Default::default(),
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
    TunnelSession::new(SessionKey(route.session.0), route.prefixes.clone(), paths)
        .with_vrf(vrf(route.vrf))
        .with_keys(keys)
}

fn vrf(vrf: pmip_binding::VrfId) -> VrfId {
    VrfId(vrf.0.into())
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use pmip_binding::{GreKeys, PathRoute, SessionId};
    use pmip_wire::types::{Encapsulation, Label, PathId};

    use super::*;
    use crate::encap::OuterOptions;
    use crate::table::Role;
    use crate::testing::ip;

    fn table() -> ForwardingTable {
        let mut table = ForwardingTable::new(Role::Lma);
        table.set_outer_options(OuterOptions {
            hop_limit: 33,
            ..OuterOptions::default()
        });
        table.apply(&Forwarding::InstallPath(PathEndpoint {
            path: PathId(4),
            label: Label(2),
            local: ip("203.0.113.1"),
            remote: "198.51.100.1:0".parse().expect("an end"),
            care_of: ip("198.51.100.1"),
            encapsulation: Encapsulation::GreIpv4,
            usable: true,
            weight: 3,
            vrf: pmip_binding::VrfId(7),
        }));
        table
    }

    /// Keys, routing instances and the operator's options must arrive where packets ask for them.
    #[test]
    fn events_bring_keys_and_routing_instances() {
        let mut table = table();
        let route = SessionRoute {
            session: SessionId(9),
            prefixes: vec!["10.1.0.0/24".parse().expect("a prefix")],
            paths: vec![PathRoute {
                path: PathId(4),
                keys: Some(GreKeys {
                    uplink: 100,
                    downlink: 200,
                }),
            }],
            local_routing: false,
            vrf: pmip_binding::VrfId(8),
        };
        table.apply(&Forwarding::InstallSession(route));
        let remote = "198.51.100.1:0".parse().expect("an end");
        let path = table.path_from_in(VrfId(7), ip("203.0.113.1"), remote);
        assert_eq!(path, Some(PathId(4)));
        let hops = table.path(PathId(4)).map(|tunnel| tunnel.outer.hop_limit);
        assert_eq!(hops, Some(33));
        let host = ip("10.1.0.2");
        assert_eq!(table.session_in(VrfId(8), host), Some(SessionKey(9)));
        assert_eq!(table.session_of(host), None);
        assert!(table.admit(PathId(4), Some(100), host).is_ok(), "uplink in");
        assert!(table.admit(PathId(4), Some(200), host).is_err());
        let routed = table.route(VrfId(8), host).expect("a session");
        let sent = routed.keys(PathId(4)).map(|row| row.sent);
        assert_eq!(sent, Some(200), "downlink out");
        table.apply(&Forwarding::RemoveSession(SessionId(9)));
        assert!(table.admit(PathId(4), Some(100), host).is_err());
    }
}
