//! Paths and what the forwarding plane is told of them.

use std::net::IpAddr;

use pmip_wire::types::{Label, PathId};

use crate::config::HeartbeatRule;
use crate::event::{Event, Forwarding, PathEvent, SessionEvent, SessionId};
use crate::heartbeat::Heartbeat;
use crate::timers::TimerSlot;

use super::judge::Request;
use super::paths::{Installed, Path, PathKey};
use super::{Lma, TimerKind};

impl Lma {
    /// The path that the request came over, made or brought up to date. `known` is the path that
    /// its Binding ID had before, most often the same. So is `reused`, where the registration goes
    /// on: alone on it, the session takes it along to a new care-of address, so that its number
    /// and history go on.
    pub(super) fn path_for(
        &mut self,
        request: &Request,
        known: Option<PathId>,
        reused: Option<PathId>,
    ) -> PathId {
        let key = PathKey {
            peer: request.peer.clone(),
            local: self.local_of(request),
            care_of: request.care_of,
            binding_id: request.binding_id(),
        };
        let same = known.filter(|id| self.paths.get(*id).is_some_and(|path| path.key == key));
        if let Some(id) = same {
            self.refresh_path(id, request);
            return id;
        }
        let moved = reused.filter(|id| {
            let path = self.paths.get(*id);
            path.is_some_and(|path| path.sessions == 1 && path.key != key)
        });
        let id = match (self.paths.by_key(&key), moved) {
            (Some(id), _) => id,
            (None, Some(id)) => {
                self.paths.rekey(id, key);
                self.forget_mapping(id);
                // What was found out about the old address says nothing about the new one.
                self.believe_alive(id);
                id
            }
            (None, None) => self.new_path(key, request),
        };
        self.refresh_path(id, request);
        id
    }

    fn new_path(&mut self, key: PathKey, request: &Request) -> PathId {
        self.peers.add_path(&key.peer);
        self.paths.insert(Path {
            key,
            observed: request.observed(),
            observed_data: None,
            nat: request.nat,
            nat_change: None,
            encapsulation: self.encapsulation_of(request),
            label: Label::NONE,
            access_technology: 0,
            weight: 1,
            link: None,
            link_told: true,
            heartbeat: None,
            timer: TimerSlot::default(),
            sessions: 0,
            installed: None,
            reported: None,
        })
    }

    /// A mapping changes by an accepted PBU (signalling rules section 7).
    fn refresh_path(&mut self, id: PathId, request: &Request) {
        self.settle_nat_change(id);
        let encapsulation = self.encapsulation_of(request);
        let observed = request.observed();
        let before = self.paths.get(id).map(|path| path.observed);
        if before.map(|before| before.ip()) != Some(observed.ip()) {
            self.forget_mapping(id);
        }
        if before != Some(observed) {
            self.believe_alive(id);
        }
        self.paths.set_observed(id, observed);
        let multipath = request.multipath;
        let link = self.link_of(request);
        let label = self.label_of(request, link.as_deref());
        let technology = multipath.map(|multipath| multipath.access_technology);
        let technology = technology.or(request.update.common.access_technology);
        let weight = self.weight_of(label, link.as_deref());
        let watched = !self.peers.lacks_heartbeat(&request.peer);
        let rules = self.tenants.heartbeat(request.peer.tenant);
        let rule = rules.for_label(label).copied();
        let rule = rule.filter(|_| watched);
        let now = self.now;
        let Some(path) = self.paths.get_mut(id) else {
            return;
        };
        path.nat = request.nat;
        path.encapsulation = encapsulation;
        path.label = label;
        path.access_technology = technology.unwrap_or(0);
        path.weight = weight;
        path.set_link(link);
        match (&mut path.heartbeat, rule) {
            (Some(heartbeat), _) if heartbeat.is_alive() => heartbeat.mark_alive(),
            (Some(heartbeat), _) => {
                // A PBU comes through also where nothing gets back: an answer must show it.
                heartbeat.ask_anew(now);
                self.timers
                    .set(&mut path.timer, TimerKind::Heartbeat(id), now);
            }
            (None, Some(rule)) => self.start_heartbeat(id, rule),
            (None, None) => {}
        }
    }

    /// A session without another living path has nothing to lose by using this one.
    pub(super) fn believe_last_resort(&mut self, id: PathId, session: SessionId) {
        let is_up = |other: PathId| {
            let path = self.paths.get(other);
            path.is_some_and(Path::is_usable)
        };
        let session = self.cache.get(session);
        let paths = session.map_or(&[][..], |session| &session.paths);
        if !paths
            .iter()
            .any(|binding| binding.path != id && is_up(binding.path))
        {
            self.believe_alive(id);
        }
    }

    fn believe_alive(&mut self, id: PathId) {
        let path = self.paths.get_mut(id);
        if let Some(heartbeat) = path.and_then(|path| path.heartbeat.as_mut()) {
            heartbeat.mark_alive();
        }
    }

    fn start_heartbeat(&mut self, id: PathId, rule: HeartbeatRule) {
        // The first request follows the acknowledgement by one interval: the registration itself
        // has just shown that the path lives.
        let first = self.random.next_u32();
        let heartbeat = Heartbeat::new(rule, first, self.now + rule.interval);
        if let Some(path) = self.paths.get_mut(id) {
            let deadline = heartbeat.deadline();
            self.timers
                .set(&mut path.timer, TimerKind::Heartbeat(id), deadline);
            path.heartbeat = Some(Box::new(heartbeat));
        }
    }

    fn forget_mapping(&mut self, id: PathId) {
        self.forget_data_challenges(id);
        if let Some(path) = self.paths.get_mut(id) {
            path.observed_data = None;
        }
    }

    /// One session less on a path; without any the path goes.
    pub(super) fn release_path(&mut self, id: PathId) {
        let Some(path) = self.paths.get_mut(id) else {
            return;
        };
        path.sessions = path.sessions.saturating_sub(1);
        if path.sessions > 0 {
            return;
        }
        self.settle_nat_change(id);
        self.forget_data_challenges(id);
        self.claims.forget(id);
        let Some(path) = self.paths.remove(id) else {
            return;
        };
        self.timers.cancel(path.timer, TimerKind::Heartbeat(id));
        self.peers.remove_path(&path.key.peer);
        self.emit_forwarding(Forwarding::RemovePath(id));
    }

    /// Tells the forwarding plane and the driver what changed about a path.
    pub(super) fn sync_path(&mut self, id: PathId, reason: &'static str) {
        let Some(path) = self.paths.get_mut(id) else {
            return;
        };
        let (endpoint, state) = (path.endpoint(id), path.state());
        let installed = Some(Installed::of(&endpoint));
        let install = path.installed != installed;
        let report = path.reported != Some(state);
        path.reported = Some(state);
        if install {
            path.installed = installed;
            self.emit_forwarding(Forwarding::InstallPath(endpoint));
        }
        if report {
            self.emit(Event::Path(PathEvent::State {
                path: id,
                state,
                reason,
            }));
        }
    }

    pub(super) fn emit_forwarding(&mut self, forwarding: Forwarding) {
        self.emit(Event::Forwarding(forwarding));
    }

    pub(super) fn emit_session_up(&mut self, id: SessionId) {
        let Some(session) = self.cache.get(id) else {
            return;
        };
        let home = session.ipv4_home.and_then(|home| {
            let address = IpAddr::V4(home.address);
            let subnet = pmip_wire::types::IpPrefix::new(address, home.prefix_length).ok()?;
            Some((subnet, home.address, home.router))
        });
        let event = SessionEvent::Up {
            session: id,
            mn_id: session.mn_name(),
            home_prefixes: session.home_prefixes().to_vec(),
            ipv4_home: home,
            delegated: session.delegated().to_vec(),
        };
        self.emit(Event::Session(event));
    }
}
