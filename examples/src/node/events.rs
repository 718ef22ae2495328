//! What the engine and the data plane tell a node, and what it does about it.

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use pmip_binding::{
    Carrier, Command, Datagram, Event, Forwarding, Input, PathEndpoint, PathEvent, PathState,
    SessionEvent,
};
use pmip_tunnel::pmtu::{PathMtuInput, Probe, write_probe};
use pmip_wire::types::{Instant, PathId};

use super::path_mtu::Wanted;
use super::tell::Happening;
use super::track::state_name;
use super::{Node, Side, inner, log};
use crate::platform::dataplane::DataPlaneEvent;
use crate::platform::ports::SocketKey;

/// MTU of an underlay that nobody knows.
const UNDERLAY_MTU: u16 = 1500;

impl Node {
    pub(super) fn on_data_plane(&mut self, now: Instant, event: DataPlaneEvent) {
        match event {
            DataPlaneEvent::Local {
                path,
                from,
                received,
                packet,
            } => {
                let at = received.min(now);
                let answered = pmip_tunnel::pmtu::answered(&packet);
                if answered.is_some_and(|number| self.mtus.answered(at, path, number)) {
                    return;
                }
                if !self.on_tunnelled(Carrier::Tunnel(path), from, at, &packet) {
                    self.on_probe(now, path, at, &packet);
                }
            }
            DataPlaneEvent::Stranger {
                from,
                received,
                packet,
            } => {
                if !self.on_tunnelled(Carrier::UnknownTunnel, from, received.min(now), &packet) {
                    tracing::debug!("{from}: a packet for a tunnel's own end is no signalling");
                }
            }
            DataPlaneEvent::SocketError { path, error, count } => {
                let name = self.name_of(path);
                let words = format!("{name}: sending failed {count} times: {error:?}");
                self.tell_of_path(now, path, Happening::warn("path-send-failed", words));
            }
            DataPlaneEvent::Underlay { path, problem, mtu } => {
                if let Some(mtu) = mtu {
                    self.mtus.tell(now, path, PathMtuInput::TooBig(mtu));
                }
                let name = self.name_of(path);
                let words = format!("{name}: a network on the way says: {problem:?}");
                self.tell_of_path(now, path, Happening::warn("path-underlay", words));
            }
            DataPlaneEvent::TunClosed => {
                self.fault.get_or_insert("the TUN device is gone");
                self.command(now, Command::Shutdown);
            }
        }
    }

    /// An inner packet for the tunnel's own end; `false` where it is no signalling. The engine is
    /// told the outer source: behind a NAT it is the mapping of tunnelled packets (signalling rules,
    /// section 7).
    fn on_tunnelled(
        &mut self,
        carrier: Carrier,
        from: SocketAddr,
        at: Instant,
        packet: &Bytes,
    ) -> bool {
        let Some((_, destination, payload)) = inner::parse(packet) else {
            return false;
        };
        let datagram = Datagram::new(carrier, from, destination, payload);
        self.engine.handle_input(at, Input::Signalling(datagram));
        true
    }

    pub(super) fn on_event(&mut self, now: Instant, event: Event) {
        match event {
            Event::Forwarding(change) => {
                self.on_forwarding(now, &change);
                self.watch_path(now, &change);
            }
            Event::Session(event) => self.on_session(now, &event),
            Event::Path(event) => self.on_path(now, &event),
            Event::Revocation(event) => {
                self.counters.revocation(&event);
                self.tell_some(now, log::revocation(&event));
            }
            Event::Notification(event) => {
                self.counters.notification(&event);
                self.tell_some(now, log::notification(&event));
            }
            Event::Redirect(event) => self.tell_some(now, log::redirect(&event)),
            Event::Dropped { reason, from } => self.drops.log(now, reason, from),
            Event::Advertisement(told) => self.on_advertisement(now, &told),
            _ => {}
        }
    }

    fn tell_some(&self, now: Instant, happening: Option<Happening>) {
        if let Some(happening) = happening {
            self.tell(now, &happening);
        }
    }

    fn on_forwarding(&mut self, now: Instant, change: &Forwarding) {
        self.table.apply(change);
        if let Forwarding::InstallPath(endpoint) = change {
            self.follow_mtu(now, endpoint.path);
            self.open_path_socket(endpoint);
        } else if let Forwarding::RemovePath(path) = change {
            self.path_sockets.remove(path);
            if matches!(self.side, Side::Mag { .. }) {
                self.ports.tunnels.remove_path_socket(*path);
            }
            self.tracks.remove(path);
            self.mtus.forget(*path);
        }
    }

    /// Begins to look for the MTU of a path once it is usable, and follows what its link and
    /// `tunnel mtu` leave.
    pub(super) fn follow_mtu(&mut self, now: Instant, path: PathId) {
        let Some(tunnel) = self.table.path(path) else {
            return;
        };
        let (usable, encapsulation) = (tunnel.usable, tunnel.encapsulation);
        let link = self.underlay_mtu(path, tunnel.remote.ip(), tunnel.overhead());
        let known = match usable || self.mtus.knows(path) {
            true => self.mtus.follow(now, path, encapsulation, link),
            false => link,
        };
        if self.table.path_underlay_mtu(path) != Some(known) {
            self.table.set_path_underlay_mtu(path, Some(known));
        }
    }

    fn underlay_mtu(&self, path: PathId, remote: IpAddr, overhead: u16) -> u16 {
        let link = match self.device_of(path) {
            Some(device) => self.network.link(&device).map(|link| link.mtu),
            None => self.network.mtu_towards(remote),
        };
        let link = link.map(|mtu| u16::try_from(mtu).unwrap_or(u16::MAX));
        let wanted = self.config.tunnel_mtu;
        let wanted = wanted.map(|mtu| mtu.saturating_add(overhead));
        let least = [link, wanted].into_iter().flatten().min();
        least.unwrap_or(UNDERLAY_MTU)
    }

    /// Asks the searches for path MTUs; returns their probes.
    pub(super) fn turn_mtus(&mut self, now: Instant) -> Vec<(PathId, Bytes)> {
        if self.mtus.wants_activity(now) {
            let sent = self.ports.tunnels.sent();
            self.mtus.sent(now, &sent);
        }
        let Wanted { probes, mtus } = self.mtus.poll(now);
        for (path, mtu) in mtus {
            self.table.set_path_underlay_mtu(path, Some(mtu));
            let name = self.name_of(path);
            let words = format!("{name}: packets of {mtu} octets get through");
            self.tell_of_path(now, path, Happening::info("path-mtu", words));
        }
        let role = self.table.role();
        let write = |(path, probe): (PathId, Probe)| {
            let mut packet = Vec::new();
            write_probe(role, self.table.path(path)?, &probe, &mut packet)?;
            Some((path, packet.into()))
        };
        probes.into_iter().filter_map(write).collect()
    }

    fn open_path_socket(&mut self, endpoint: &PathEndpoint) {
        let Some(device) = self.device_of(endpoint.path) else {
            return;
        };
        let key = SocketKey {
            device: Some(device),
            local: endpoint.local,
        };
        if self.path_sockets.get(&endpoint.path) == Some(&key) {
            return;
        }
        let tunnels = &mut self.ports.tunnels;
        let opened = tunnels.listen(endpoint.encapsulation).and_then(|()| {
            tunnels.set_path_socket(endpoint.path, key.device.as_deref(), key.local)
        });
        match opened {
            Ok(()) => {
                self.path_sockets.insert(endpoint.path, key);
            }
            Err(error) => tracing::warn!(
                "{}: cannot open the data socket on {}: {error}",
                self.name_of(endpoint.path),
                endpoint.local
            ),
        }
    }

    fn on_session(&mut self, now: Instant, event: &SessionEvent) {
        if let SessionEvent::Refused { status, .. } = event {
            self.counters.refused(*status);
        }
        self.tell_some(now, log::session(event));
        self.on_access_session(now, event);
        if let Side::Lma { routes } = &mut self.side {
            routes.on_session(event, self.ports.kernel.as_mut());
        }
    }

    fn on_path(&mut self, now: Instant, event: &PathEvent) {
        match event {
            PathEvent::State {
                path,
                state,
                reason,
            } => {
                self.tracks.entry(*path).or_default().changed(now, *state);
                let name = state_name(*state);
                let (kind, bad) = match state {
                    PathState::Up => ("path-up", false),
                    PathState::Registering => ("path-registering", false),
                    PathState::NatChanged => ("path-nat-changed", true),
                    PathState::Down => ("path-down", true),
                    _ => ("path-state", false),
                };
                let words = format!("{} is {name}: {reason}", self.name_of(*path));
                let told = match bad {
                    true => Happening::warn(kind, words),
                    false => Happening::info(kind, words),
                };
                self.tell_of_path(now, *path, told);
            }
            PathEvent::Rtt { path, rtt } => self.tracks.entry(*path).or_default().measured(*rtt),
            PathEvent::PeerRestarted { path } => {
                let words = format!("the peer at the end of {} restarted", self.name_of(*path));
                self.tell_of_path(now, *path, Happening::warn("peer-restarted", words));
            }
            PathEvent::Link {
                path,
                label_name,
                interface,
            } => {
                let names = label_name.iter().chain(interface).map(String::as_str);
                let names: Vec<&str> = names.collect();
                let (path_name, names) = (self.name_of(*path), names.join(", "));
                let words = format!("the gateway calls {path_name}: {names}");
                self.tell_of_path(now, *path, Happening::info("path-named", words));
            }
            PathEvent::Mapping { .. } | _ => {}
        }
    }

    pub(super) fn tell_of_path(&self, now: Instant, path: PathId, happening: Happening) {
        let mut told = happening.path(path);
        told.peer = self.engine.path_status(path).map(|status| status.peer);
        self.tell(now, &told);
    }

    /// A path in words: its interface or peer, and its label.
    pub(super) fn name_of(&self, path: PathId) -> String {
        let Some(status) = self.engine.path_status(path) else {
            return path.to_string();
        };
        let via = match &status.interface {
            Some(interface) => interface.clone(),
            None => format!("{} at {}", status.peer, status.care_of),
        };
        let label = self.config.labels.name(status.label);
        match label.or(status.label_name.as_deref()) {
            Some(label) if label != via => format!("path {via} ({label})"),
            Some(_) | None => format!("path {via}"),
        }
    }
}
