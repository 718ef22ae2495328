//! The hybrid-access service beside a node's engine: it measures the paths, and its failure
//! detection takes dead ones out of the forwarding table.
//!
//! Nothing here reaches the engine. Bindings and heartbeats go on whatever becomes of the service;
//! where it is off, has failed, or has lost every path to a peer, paths are used as the engine says.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use bytes::Bytes;
use pmip_binding::{ClockAnchor, Forwarding, PathEndpoint};
use pmip_policy::{ProfileId, ProfileState, Verdict, Verdicts};
use pmip_sla::{
    Clock, HybridAccess, Operation, PathSpec, ServiceConfig, ServiceEvent, ServiceInput,
    ServiceOutput, VerdictState,
};
use pmip_wire::types::{Instant, PathId};

use super::{Node, log};
use crate::config::node::{NodeConfig, Role};
use crate::platform::dataplane::PathStats;

/// How often traffic is looked for while failures are watched for: as often as a path in use is
/// probed. Each look costs the data plane one batch's pause at most.
const LOOK: Duration = Duration::from_millis(100);

/// The service with what it must know of the node's paths.
#[derive(Debug)]
pub struct Hybrid {
    /// `None` while it is off or after it failed.
    service: Option<HybridAccess>,
    failed: bool,
    /// The table still has paths taken out that nothing watches any more.
    unmask: bool,
    seed: u64,
    clock: Clock,
    watched: BTreeMap<PathId, Watched>,
    peers: BTreeMap<String, BTreeSet<PathId>>,
    /// Numbers of the traffic profiles, by name.
    profiles: BTreeMap<String, ProfileId>,
    verdicts: Verdicts,
    /// The table does not have these verdicts yet.
    verdicts_changed: bool,
    /// The profiles that the table may have verdicts of.
    told: BTreeSet<ProfileId>,
    /// When traffic is looked for next.
    look_at: Option<Instant>,
}

/// One path of the engine.
#[derive(Debug)]
struct Watched {
    spec: PathSpec,
    peer: String,
    /// Whether the engine would use it.
    usable: bool,
    sent: u64,
    received: u64,
}

/// What a turn of the service asks of the node.
#[derive(Debug, Default)]
struct Wanted {
    probes: Vec<(PathId, Bytes)>,
    events: Vec<ServiceEvent>,
}

impl Hybrid {
    pub(super) fn new(config: &NodeConfig, seed: &[u8; 32], anchor: ClockAnchor) -> Self {
        let mut hybrid = Self {
            service: None,
            failed: false,
            unmask: false,
            seed: derived(seed),
            clock: clock(anchor),
            watched: BTreeMap::new(),
            peers: BTreeMap::new(),
            profiles: BTreeMap::new(),
            verdicts: Verdicts::new(),
            verdicts_changed: false,
            told: BTreeSet::new(),
            look_at: None,
        };
        hybrid.start(config);
        hybrid
    }

    /// The running service.
    pub fn service(&self) -> Option<&HybridAccess> {
        self.service.as_ref()
    }

    /// Whether it was ended by a failure of its own.
    pub fn has_failed(&self) -> bool {
        self.failed
    }

    /// What the measurements say of each path and traffic profile, for path choice.
    pub fn verdicts(&self) -> &Verdicts {
        &self.verdicts
    }

    /// Whether the path may carry traffic as far as failure detection knows: where every path to
    /// the peer seems dead, its answering end is gone rather than all of them, and none is dead.
    pub fn allows(&self, path: PathId) -> bool {
        let Some(watched) = self.watched.get(&path) else {
            return true;
        };
        self.is_alive(path) || !self.peer_lives(&watched.peer)
    }

    fn is_alive(&self, path: PathId) -> bool {
        let view = self.service.as_ref().and_then(|service| service.path(path));
        let liveness = view.and_then(|view| view.liveness);
        liveness.is_none_or(pmip_sla::Liveness::is_alive)
    }

    /// Whether a path that the engine would use is alive.
    fn peer_lives(&self, peer: &str) -> bool {
        let mut paths = self.peers.get(peer).into_iter().flatten();
        paths.any(|path| {
            let usable = self.watched.get(path).is_some_and(|watched| watched.usable);
            usable && self.is_alive(*path)
        })
    }

    /// Whether the engine and failure detection agree that it may carry traffic.
    fn can_carry(&self, path: PathId) -> bool {
        let watched = self.watched.get(&path);
        watched.is_some_and(|watched| watched.usable) && self.allows(path)
    }

    /// The paths of its peer that may carry traffic.
    pub(super) fn rivals_of(&self, path: PathId) -> Vec<PathId> {
        let watched = self.watched.get(&path);
        let mut paths = watched.map_or_else(Vec::new, |watched| self.paths_of(&watched.peer));
        paths.retain(|path| self.can_carry(*path));
        paths
    }

    fn paths_of(&self, peer: &str) -> Vec<PathId> {
        let paths = self.peers.get(peer);
        paths.into_iter().flatten().copied().collect()
    }

    fn start(&mut self, config: &NodeConfig) {
        self.failed = false;
        self.profiles = profiles(config);
        let Some(wanted) = config.sla_service() else {
            return;
        };
        match HybridAccess::new(wanted, self.clock, self.seed) {
            Ok(service) => self.service = Some(service),
            // The configuration was checked; nothing but the service depends on it.
            Err(errors) => {
                for error in errors {
                    tracing::error!("the hybrid-access service is off: {error}");
                }
            }
        }
    }

    /// Follows another configuration.
    pub(super) fn configure(&mut self, now: Instant, config: &NodeConfig) {
        self.forget_verdicts();
        self.profiles = profiles(config);
        match config.sla_service() {
            None => self.service = None,
            Some(wanted) if self.service.is_some() => self.reconfigure(now, wanted),
            Some(_) => {
                self.start(config);
                let specs = self.watched.values().map(|watched| watched.spec.clone());
                let specs: Vec<PathSpec> = specs.collect();
                for spec in specs {
                    self.give(now, ServiceInput::AddPath(spec));
                }
            }
        }
        self.look_at = None;
        let paths: Vec<PathId> = self.watched.keys().copied().collect();
        paths.iter().for_each(|path| self.note_verdicts(*path));
    }

    fn reconfigure(&mut self, now: Instant, wanted: ServiceConfig) {
        let done = self.guarded(|service| service.configure(now, wanted));
        if let Some(Err(errors)) = done {
            for error in errors {
                tracing::error!("the hybrid-access service stays as it was: {error}");
            }
        }
    }

    pub(super) fn set_clock(&mut self, now: Instant, anchor: ClockAnchor) {
        self.clock = clock(anchor);
        self.give(now, ServiceInput::Clock(self.clock));
    }

    fn give(&mut self, now: Instant, input: ServiceInput<'_>) {
        self.guarded(|service| service.handle_input(now, input));
    }

    /// Lets the running service act. A mistake in it ends it and nothing else.
    pub(super) fn guarded<T>(&mut self, act: impl FnOnce(&mut HybridAccess) -> T) -> Option<T> {
        let service = self.service.as_mut()?;
        let done = catch_unwind(AssertUnwindSafe(|| act(service)));
        if done.is_err() {
            tracing::error!(
                "the hybrid-access service failed and is off until it is configured anew; \
                 bindings and traffic go on"
            );
            self.service = None;
            self.failed = true;
            self.unmask = true;
            self.forget_verdicts();
        }
        done.ok()
    }

    fn add(&mut self, now: Instant, spec: PathSpec, peer: String, usable: bool) {
        let path = spec.path;
        let former = self.remove_watched(path);
        let counted = former.map_or((0, 0), |former| (former.sent, former.received));
        self.peers.entry(peer.clone()).or_default().insert(path);
        let watched = Watched {
            spec: spec.clone(),
            peer,
            usable,
            sent: counted.0,
            received: counted.1,
        };
        self.watched.insert(path, watched);
        self.give(now, ServiceInput::AddPath(spec));
    }

    fn remove(&mut self, now: Instant, path: PathId) -> Option<Watched> {
        let removed = self.remove_watched(path);
        self.give(now, ServiceInput::RemovePath(path));
        self.verdicts.remove_path(path);
        removed
    }

    fn remove_watched(&mut self, path: PathId) -> Option<Watched> {
        let watched = self.watched.remove(&path)?;
        if let Some(paths) = self.peers.get_mut(&watched.peer) {
            paths.remove(&path);
            if paths.is_empty() {
                self.peers.remove(&watched.peer);
            }
        }
        Some(watched)
    }

    /// When there is something to do next.
    fn next_timeout(&self) -> Option<Instant> {
        let service = self.service.as_ref()?;
        let due = service.next_timeout();
        let look = self.look_at.filter(|_| self.looks());
        [due, look].into_iter().flatten().min()
    }

    /// Whether traffic is looked for at all.
    fn looks(&self) -> bool {
        let service = self.service.as_ref();
        let detects = service.is_some_and(|service| service.config().liveness.is_some());
        detects && !self.watched.is_empty()
    }

    fn look_due(&self, now: Instant) -> bool {
        self.looks() && self.look_at.is_none_or(|at| at <= now)
    }

    /// Tells the service which paths carried traffic since the last look.
    fn look(&mut self, now: Instant, traffic: &[(PathId, PathStats)]) {
        self.look_at = Some(now + LOOK);
        for (path, stats) in traffic {
            let Some(watched) = self.watched.get_mut(path) else {
                continue;
            };
            let sent = std::mem::replace(&mut watched.sent, stats.tx_packets);
            let received = std::mem::replace(&mut watched.received, stats.rx_packets);
            if received != stats.rx_packets {
                self.give(now, ServiceInput::Heard(*path));
            }
            if sent != stats.tx_packets {
                self.give(now, ServiceInput::Needed(*path));
            }
        }
    }

    /// Does what is due and takes what the service wants.
    fn take(&mut self, now: Instant) -> Wanted {
        let service = self.service.as_ref();
        let due = service.and_then(HybridAccess::next_timeout);
        if due.is_some_and(|due| due <= now) {
            self.give(now, ServiceInput::Timeout);
        }
        let mut wanted = Wanted::default();
        while let Some(output) = self.guarded(HybridAccess::poll_output) {
            match output {
                ServiceOutput::Transmit { path, packet } => wanted.probes.push((path, packet)),
                ServiceOutput::Event(event) => wanted.events.push(event),
                ServiceOutput::Timeout(_) => break,
            }
        }
        wanted
    }

    /// Takes a path's verdicts over to path choice.
    fn note_verdicts(&mut self, path: PathId) {
        let view = self.service.as_ref().and_then(|service| service.path(path));
        let Some(view) = view else {
            return;
        };
        for (name, verdict) in view.verdicts() {
            let Some(profile) = self.profiles.get(name) else {
                continue;
            };
            let worst = verdict.last().map_or(0, |last| last.worst_per_mille);
            let known = Verdict::new(profile_state(verdict.state()), worst);
            self.verdicts_changed |= self.verdicts.get(path, *profile) != known;
            self.verdicts.set(path, *profile, known);
        }
    }

    fn forget_verdicts(&mut self) {
        self.verdicts = Verdicts::new();
        self.verdicts_changed = true;
    }
}

impl Node {
    /// The hybrid-access service.
    pub fn hybrid(&self) -> &Hybrid {
        &self.hybrid
    }

    /// What the measurements say of each path and traffic profile.
    pub fn verdicts(&self) -> &Verdicts {
        self.hybrid.verdicts()
    }

    /// Seconds since 1970-01-01 00:00 UTC at a moment.
    pub fn unix_at(&self, at: Instant) -> f64 {
        self.clock.unix_at(at).as_secs_f64()
    }

    /// Forgets what was measured. False where the service does not run.
    pub fn clear_sla(&mut self, now: Instant) -> bool {
        self.hybrid.give(now, ServiceInput::Clear(None));
        self.hybrid.service.is_some()
    }

    /// Follows a change of the forwarding plane, once it is in the table.
    pub(super) fn watch_path(&mut self, now: Instant, change: &Forwarding) {
        match change {
            Forwarding::InstallPath(endpoint) => {
                let status = self.engine.path_status(endpoint.path);
                let (peer, customer) = match status {
                    Some(status) => (status.peer, status.customer),
                    None => (endpoint.remote.to_string(), None),
                };
                let mut spec = self.path_spec(endpoint, &peer);
                spec.customer = customer;
                self.hybrid.add(now, spec, peer.clone(), endpoint.usable);
                self.mask(&self.hybrid.paths_of(&peer));
                self.follow_capacities();
            }
            Forwarding::RemovePath(path) => {
                if let Some(removed) = self.hybrid.remove(now, *path) {
                    self.mask(&self.hybrid.paths_of(&removed.peer));
                }
            }
            Forwarding::InstallSession(_) | Forwarding::RemoveSession(_) | _ => {}
        }
    }

    /// A path as the service knows it: between its inner ends (design: inside the tunnel the care-of
    /// address is the one that the MAG knows).
    fn path_spec(&self, endpoint: &PathEndpoint, peer: &str) -> PathSpec {
        let (source, destination, mag) = match self.role() {
            Role::Mag => (
                endpoint.care_of,
                endpoint.remote.ip(),
                self.config.id.as_str(),
            ),
            Role::Lma => (endpoint.local, endpoint.care_of, peer),
        };
        let mut spec = PathSpec::new(endpoint.path, source, destination);
        spec.mag = Some(mag.to_owned());
        spec.vrf = (!endpoint.vrf.is_default()).then(|| endpoint.vrf.0.to_string());
        spec
    }

    /// Brings the table in line with what the engine and failure detection say of these paths.
    pub(super) fn mask(&mut self, paths: &[PathId]) {
        for path in paths {
            let usable = self.hybrid.can_carry(*path) && self.hints_allow(*path);
            let Some(tunnel) = self.table.path(*path).filter(|t| t.usable != usable) else {
                continue;
            };
            let mut tunnel = tunnel.clone();
            tunnel.usable = usable;
            self.table.set_path(tunnel);
        }
    }

    pub(super) fn mask_all(&mut self) {
        let paths: Vec<PathId> = self.hybrid.watched.keys().copied().collect();
        self.mask(&paths);
    }

    /// A packet for the tunnel's own end that is no signalling: a probe, or the answer to one.
    pub(super) fn on_probe(&mut self, now: Instant, path: PathId, at: Instant, packet: &[u8]) {
        if self.hybrid.service.is_none() {
            return tracing::debug!("{path}: nobody waits for a packet for the tunnel's own end");
        }
        let input = ServiceInput::Packet { path, at, packet };
        self.hybrid.give(now, input);
    }

    /// Lets the service act. Returns the probes to send once the table is published.
    pub(super) fn turn_hybrid(&mut self, now: Instant) -> Vec<(PathId, Bytes)> {
        if self.hybrid.look_due(now) {
            let stats = self.ports.tunnels.stats();
            self.hybrid.look(now, &stats.paths);
        }
        let wanted = self.hybrid.take(now);
        for event in &wanted.events {
            self.on_measured(now, event);
        }
        if std::mem::take(&mut self.hybrid.unmask) {
            self.mask_all();
        }
        if std::mem::take(&mut self.hybrid.verdicts_changed) {
            self.tell_verdicts();
        }
        wanted.probes
    }

    /// Hands the verdicts to path choice; what is known no more counts as unknown there, too.
    fn tell_verdicts(&mut self) {
        let hybrid = &mut self.hybrid;
        hybrid.told.extend(hybrid.profiles.values());
        for path in hybrid.watched.keys() {
            if self.table.path(*path).is_none() {
                continue;
            }
            for profile in &hybrid.told {
                let verdict = hybrid.verdicts.get(*path, *profile);
                self.table.set_verdict(*path, *profile, verdict);
            }
        }
    }

    pub(super) fn hybrid_timeout(&self) -> Option<Instant> {
        self.hybrid.next_timeout()
    }

    /// Follows another configuration of the service.
    pub(super) fn configure_hybrid(&mut self, now: Instant) {
        self.hybrid.configure(now, &self.config);
        self.mask_all();
    }

    fn on_measured(&mut self, now: Instant, event: &ServiceEvent) {
        let (path, told) = match event {
            ServiceEvent::Operation {
                path, operation, ..
            } => {
                self.hybrid.note_verdicts(*path);
                self.balance_judged(now, *path, operation.window.loss_ppm());
                self.log_operation(*path, operation);
                return;
            }
            ServiceEvent::Verdict {
                path,
                profile,
                change,
            } => {
                self.hybrid.note_verdicts(*path);
                (*path, log::verdict(&self.name_of(*path), profile, change))
            }
            ServiceEvent::Reaction { path, event } => {
                (*path, log::reaction(&self.name_of(*path), event))
            }
            ServiceEvent::Liveness { path, event } => {
                let watched = self.hybrid.watched.get(path);
                let peer = watched.map(|watched| watched.peer.clone());
                let paths = peer.map(|peer| self.hybrid.paths_of(&peer));
                self.mask(&paths.unwrap_or_default());
                let allowed = self.hybrid.allows(*path);
                let name = self.name_of(*path);
                (*path, log::liveness(&name, event, allowed))
            }
            _ => return,
        };
        if let Some(told) = told {
            self.tell_of_path(now, path, told);
        }
    }

    fn log_operation(&self, path: PathId, operation: &Operation) {
        let window = &operation.window;
        tracing::debug!(
            path = path.0,
            "{} was probed: {}, {} of {} answered, round trip {:?}",
            self.name_of(path),
            operation.outcome,
            window.received(),
            window.sent(),
            window.rtt().average().unwrap_or_default()
        );
    }
}

/// What would keep the service from running; it depends on its own block alone.
pub(super) fn refusals(config: &NodeConfig) -> Vec<String> {
    let service = config.sla_service();
    let errors = service.and_then(|service| service.check().err());
    let errors = errors.into_iter().flatten();
    errors.map(|error| error.to_string()).collect()
}

fn profiles(config: &NodeConfig) -> BTreeMap<String, ProfileId> {
    let service = config.hybrid_access();
    let profiles = service.map_or(&[][..], |service| &service.profiles);
    let names = profiles.iter().map(|profile| &profile.name);
    names
        .filter_map(|name| Some((name.clone(), config.profile_id(name)?)))
        .collect()
}

const fn profile_state(state: VerdictState) -> ProfileState {
    match state {
        VerdictState::Unknown => ProfileState::Unknown,
        VerdictState::Conforming => ProfileState::Conforming,
        VerdictState::Violating => ProfileState::Violating,
    }
}

const fn clock(anchor: ClockAnchor) -> Clock {
    Clock::new(anchor.instant, anchor.unix)
}

/// The service's own seed. Peers see sequence numbers that lead back to it, so it must not be a part
/// of the node's: what makes it is far larger than what it shows.
fn derived(seed: &[u8; 32]) -> u64 {
    let mut hasher = DefaultHasher::new();
    "hybrid-access".hash(&mut hasher);
    seed.hash(&mut hasher);
    hasher.finish()
}
