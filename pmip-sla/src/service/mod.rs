//! The hybrid-access service: the quality of every path, measured inside its tunnel.

mod config;
mod inner;
mod path;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use pmip_wire::sla::CONTROL_PORT;
use pmip_wire::stamp::PORT as STAMP_PORT;
use pmip_wire::types::{Instant, PathId};

pub use config::{ProbeShape, ServiceConfig, ServiceConfigError};

use crate::clock::Clock;
use crate::history::History;
use crate::liveness::{Liveness, LivenessEvent, LivenessInput};
use crate::prober::Operation;
use crate::reaction::ReactionEvent;
use crate::reflector::{Reflector, ReflectorConfig, ReflectorCounters};
use crate::responder::{
    Answer, Received, Responder, ResponderConfig, ResponderCounters, ResponderOutput,
};
use crate::verdict::{Verdict, VerdictChange};
use crate::voice::VoiceScore;
use inner::Inner;
use path::Path;

/// The hybrid-access service of one node: probes on every path, verdicts against every profile,
/// fast failure detection, and the answering end of the peers' probes.
///
/// - *Inputs*: [`handle_input`](Self::handle_input), which never fails, and
///   [`configure`](Self::configure).
/// - *Outputs*: [`poll_output`](Self::poll_output), to be called until it gives
///   [`ServiceOutput::Timeout`]. An idle call costs the same whatever the number of paths.
/// - *Getters*: [`path`](Self::path), [`paths`](Self::paths), [`counters`](Self::counters).
///
/// Probes are whole inner packets between the path's own ends, for the tunnel of an explicit path:
/// they work through NAT and see what traffic sees, and need no routing rule. Everything goes to or
/// comes from UDP port 1167 (IP SLA, control and measurement) or 862 (STAMP, for failure
/// detection): the ports that tunnels deliver locally.
///
/// The service owns nothing that others need. It may be dropped at any time, and what comes from
/// the network costs at most one answer.
#[derive(Debug)]
pub struct HybridAccess {
    config: ServiceConfig,
    clock: Clock,
    seed: u64,
    now: Instant,
    paths: BTreeMap<PathId, Path>,
    /// When which path has something to do next.
    due: BTreeSet<(Instant, PathId)>,
    responder: Responder,
    reflector: Reflector,
    outputs: VecDeque<ServiceOutput>,
    counters: ServiceCounters,
}

/// A path to be watched.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PathSpec {
    /// Its number in this node.
    pub path: PathId,
    /// Our inner address: on the MAG the care-of address as the MAG knows it, on the LMA its own.
    pub source: IpAddr,
    /// The peer's inner address.
    pub destination: IpAddr,
    /// The transport VRF, which tells equal addresses apart.
    pub vrf: Option<String>,
    /// The MAG's identifier.
    pub mag: Option<String>,
    /// The customer (tenant).
    pub customer: Option<String>,
}

impl PathSpec {
    /// A path between two inner addresses, in no VRF and of nobody in particular.
    pub const fn new(path: PathId, source: IpAddr, destination: IpAddr) -> Self {
        Self {
            path,
            source,
            destination,
            vrf: None,
            mag: None,
            customer: None,
        }
    }
}

/// What happened, for [`HybridAccess::handle_input`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServiceInput<'a> {
    /// A path came, or changed: addresses or owner. What was measured before is forgotten where
    /// the addresses changed.
    AddPath(PathSpec),
    /// A path is gone.
    RemovePath(PathId),
    /// The tunnel of `path` delivered this inner packet locally; `at` is when it came, if that is
    /// known better than by `now`.
    Packet {
        /// The path.
        path: PathId,
        /// When it came to the socket.
        at: Instant,
        /// The whole inner packet.
        packet: &'a [u8],
    },
    /// Traffic was sent over the path, or flows wait for it: failure detection runs for a while.
    /// Once per turn of a driver's loop is enough.
    Needed(PathId),
    /// Traffic was received over the path, which proves that it lives. Once per turn is enough.
    Heard(PathId),
    /// Wall-clock time was set, or is now in step with UTC or not.
    Clock(Clock),
    /// Forget what was measured on this path, or on all.
    Clear(Option<PathId>),
    /// The time named by [`ServiceOutput::Timeout`] is reached.
    Timeout,
}

/// What to do, from [`HybridAccess::poll_output`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServiceOutput {
    /// Send this inner packet through the tunnel of this path and no other.
    Transmit {
        /// The path.
        path: PathId,
        /// The whole inner packet.
        packet: Bytes,
    },
    /// This happened.
    Event(ServiceEvent),
    /// Nothing more now: call `handle_input(now, ServiceInput::Timeout)` at this moment, `None` =
    /// never.
    Timeout(Option<Instant>),
}

/// Something happened on a path.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServiceEvent {
    /// An operation ended.
    Operation {
        /// The path.
        path: PathId,
        /// What it showed.
        operation: Box<Operation>,
        /// How a call over the path sounds, where there is a codec.
        voice: Option<VoiceScore>,
    },
    /// A path meets a profile, or no longer.
    Verdict {
        /// The path.
        path: PathId,
        /// The profile's name.
        profile: String,
        /// The change.
        change: VerdictChange,
    },
    /// A reaction was raised or cleared.
    Reaction {
        /// The path.
        path: PathId,
        /// The event.
        event: ReactionEvent,
    },
    /// A path died or lives again.
    Liveness {
        /// The path.
        path: PathId,
        /// The event.
        event: LivenessEvent,
    },
}

/// What became of packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ServiceCounters {
    /// Packets on a path that nobody named.
    pub unknown_path: u64,
    /// Packets that are no UDP between the path's ends, or damaged.
    pub malformed: u64,
    /// Packets that were no answer to anything asked.
    pub unasked: u64,
}

/// One path as it can be shown.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct PathView<'a> {
    /// The path.
    pub spec: &'a PathSpec,
    /// Its last operations and their sum.
    pub history: &'a History,
    /// Its failure detection; `None` where that is off.
    pub liveness: Option<&'a Liveness>,
    /// Whether it is probed.
    pub probed: bool,
    path: &'a Path,
}

impl<'a> PathView<'a> {
    /// The path against each profile, by name.
    pub fn verdicts(&self) -> impl Iterator<Item = (&'a str, &'a Verdict)> + use<'a> {
        self.path
            .verdicts
            .iter()
            .map(|(name, verdict)| (name.as_str(), verdict))
    }

    /// The path against one profile; `None` where there is no such profile.
    pub fn verdict(&self, profile: &str) -> Option<&'a Verdict> {
        self.path.verdicts.get(profile)
    }

    /// Octets that this path takes, about.
    pub fn memory(&self) -> usize {
        self.path.memory()
    }
}

impl HybridAccess {
    /// The service without paths. `seed` makes sequence numbers unpredictable: let nobody know it.
    ///
    /// # Errors
    /// Everything that is wrong with `config`.
    pub fn new(
        config: ServiceConfig,
        clock: Clock,
        seed: u64,
    ) -> Result<Self, Vec<ServiceConfigError>> {
        config.check()?;
        Ok(Self {
            responder: Responder::new(ports(config.responder.clone()), clock),
            reflector: Reflector::new(ReflectorConfig::default(), clock),
            config,
            clock,
            seed,
            now: Instant::ZERO,
            paths: BTreeMap::new(),
            due: BTreeSet::new(),
            outputs: VecDeque::new(),
            counters: ServiceCounters::default(),
        })
    }

    /// Takes another configuration at `now`. Paths whose operations stay as they are go on, and so
    /// do the peers' measurements unless the responder's settings change; verdicts stay where a
    /// profile's limits do.
    ///
    /// # Errors
    /// Everything that is wrong with `config`; the former one stays.
    pub fn configure(
        &mut self,
        now: Instant,
        config: ServiceConfig,
    ) -> Result<(), Vec<ServiceConfigError>> {
        config.check()?;
        self.now = self.now.max(now);
        let former = std::mem::replace(&mut self.config, config);
        if former.responder != self.config.responder {
            let responder = ports(self.config.responder.clone());
            self.responder = Responder::new(responder, self.clock);
        }
        for (id, path) in &mut self.paths {
            path.configure(self.now, &self.config, self.clock, mix(self.seed, *id));
        }
        let all: Vec<PathId> = self.paths.keys().copied().collect();
        for path in all {
            self.pump(path);
        }
        Ok(())
    }

    /// Takes what happened at `now`.
    pub fn handle_input(&mut self, now: Instant, input: ServiceInput<'_>) {
        self.now = self.now.max(now);
        match input {
            ServiceInput::AddPath(spec) => self.add(spec),
            ServiceInput::RemovePath(path) => self.remove(path),
            ServiceInput::Packet { path, at, packet } => self.packet(path, at, packet),
            ServiceInput::Needed(path) => self.liveness(path, LivenessInput::Needed),
            ServiceInput::Heard(path) => self.liveness(path, LivenessInput::Heard),
            ServiceInput::Clock(clock) => self.set_clock(clock),
            ServiceInput::Clear(path) => self.clear(path),
            ServiceInput::Timeout => {}
        }
        self.advance();
    }

    /// What to do next. Only an input changes the answer once [`ServiceOutput::Timeout`] came.
    pub fn poll_output(&mut self) -> ServiceOutput {
        self.outputs
            .pop_front()
            .unwrap_or_else(|| ServiceOutput::Timeout(self.next_timeout()))
    }

    /// When there is something to do next.
    pub fn next_timeout(&self) -> Option<Instant> {
        let due = self.due.first().map(|(due, _)| *due);
        due.into_iter().chain(self.responder.next_timeout()).min()
    }

    /// One path.
    pub fn path(&self, path: PathId) -> Option<PathView<'_>> {
        self.paths.get(&path).map(Path::view)
    }

    /// All paths, by number.
    pub fn paths(&self) -> impl ExactSizeIterator<Item = PathView<'_>> {
        self.paths.values().map(Path::view)
    }

    /// What became of packets.
    pub const fn counters(&self) -> &ServiceCounters {
        &self.counters
    }

    /// What the answering end of IP SLA did.
    pub const fn responder(&self) -> &ResponderCounters {
        self.responder.counters()
    }

    /// What the answering end of STAMP did.
    pub const fn reflector(&self) -> &ReflectorCounters {
        self.reflector.counters()
    }

    /// How it is configured.
    pub const fn config(&self) -> &ServiceConfig {
        &self.config
    }

    fn add(&mut self, spec: PathSpec) {
        let id = spec.path;
        let seed = mix(self.seed, id);
        match self.paths.get_mut(&id) {
            Some(path) if path.has_ends_of(&spec) => {
                path.rename(spec);
                path.configure(self.now, &self.config, self.clock, seed);
            }
            _ => {
                self.remove(id);
                let path = Path::new(spec, self.now, &self.config, self.clock, seed);
                self.paths.insert(id, path);
            }
        }
        self.pump(id);
    }

    fn remove(&mut self, id: PathId) {
        if let Some(due) = self.paths.remove(&id).and_then(|path| path.due) {
            self.due.remove(&(due, id));
        }
        self.responder.remove_path(id);
        self.reflector.remove_path(id);
        self.outputs.retain(
            |output| !matches!(output, ServiceOutput::Transmit { path, .. } if *path == id),
        );
    }

    fn set_clock(&mut self, clock: Clock) {
        self.clock = clock;
        self.responder.set_clock(clock);
        self.reflector.set_clock(clock);
        for path in self.paths.values_mut() {
            path.set_clock(self.now, clock);
        }
    }

    fn clear(&mut self, path: Option<PathId>) {
        for (id, state) in &mut self.paths {
            if path.is_none_or(|path| path == *id) {
                state.history.clear();
            }
        }
    }

    fn liveness(&mut self, id: PathId, input: LivenessInput) {
        let Some(path) = self.paths.get_mut(&id) else {
            return;
        };
        let Some(liveness) = &mut path.liveness else {
            return;
        };
        liveness.handle_input(self.now, input);
        self.pump(id);
    }

    fn packet(&mut self, id: PathId, at: Instant, packet: &[u8]) {
        let Some(path) = self.paths.get(&id) else {
            self.counters.unknown_path += 1;
            return;
        };
        let inner = inner::parse(packet).filter(|inner| path.is_between_ends(inner));
        let Some(inner) = inner else {
            self.counters.malformed += 1;
            return;
        };
        match inner.destination.port() {
            STAMP_PORT => self.reflect(id, at, &inner),
            CONTROL_PORT => self.respond(id, at, &inner),
            _ => self.answered(id, at, &inner),
        }
    }

    fn answered(&mut self, id: PathId, at: Instant, inner: &Inner<'_>) {
        let Some(path) = self.paths.get_mut(&id) else {
            return;
        };
        if !path.answer(self.now, at, inner) {
            self.counters.unasked += 1;
        }
        self.pump(id);
    }

    fn reflect(&mut self, id: PathId, at: Instant, inner: &Inner<'_>) {
        if let Some(answer) = self.reflector.reflect(self.now, received(id, at, inner)) {
            self.transmit(&answer);
        }
    }

    fn respond(&mut self, id: PathId, at: Instant, inner: &Inner<'_>) {
        self.responder
            .handle_datagram(self.now, received(id, at, inner));
        self.drain_responder();
    }

    /// Its only port is open as long as tunnels are.
    fn drain_responder(&mut self) {
        loop {
            match self.responder.poll_output() {
                ResponderOutput::Transmit(answer) => self.transmit(&answer),
                ResponderOutput::Open(_) | ResponderOutput::Close(_) => {}
                ResponderOutput::Timeout(_) => return,
            }
        }
    }

    fn transmit(&mut self, answer: &Answer) {
        let class = answer.traffic_class;
        let packet = inner::build(answer.local, answer.remote, class, &answer.octets);
        self.outputs
            .extend(packet.map(|packet| ServiceOutput::Transmit {
                path: answer.path,
                packet,
            }));
    }

    /// Does everything that is due.
    fn advance(&mut self) {
        if self
            .responder
            .next_timeout()
            .is_some_and(|due| due <= self.now)
        {
            self.responder.handle_timeout(self.now);
            self.drain_responder();
        }
        while let Some((due, id)) = self.due.first().copied() {
            if due > self.now {
                return;
            }
            self.pump(id);
        }
    }

    /// Does what is due on a path, takes what it wants, and notes when it is due again.
    fn pump(&mut self, id: PathId) {
        let Some(path) = self.paths.get_mut(&id) else {
            return;
        };
        if path.next_timeout().is_some_and(|due| due <= self.now) {
            path.timeout(self.now);
        }
        path.drain(self.now, &self.config, &mut self.outputs);
        if let Some(due) = path.due.take() {
            self.due.remove(&(due, id));
        }
        // Never at once again, or it would never end.
        let next = path.next_timeout();
        path.due = next.map(|due| due.max(self.now + std::time::Duration::from_nanos(1)));
        self.due.extend(path.due.map(|due| (due, id)));
    }
}

/// The only port on which a tunnel delivers IP SLA packets, for control and measurement.
fn ports(mut config: ResponderConfig) -> ResponderConfig {
    config.control_ports = vec![CONTROL_PORT];
    config.measurement_ports = CONTROL_PORT..=CONTROL_PORT;
    config
}

fn received<'a>(path: PathId, at: Instant, inner: &Inner<'a>) -> Received<'a> {
    Received {
        path,
        local: inner.destination,
        remote: inner.source,
        at,
        hop_limit: Some(inner.hop_limit),
        traffic_class: Some(inner.traffic_class),
        octets: inner.payload,
    }
}

/// A number for each path, far apart (the finaliser of SplitMix64).
fn mix(seed: u64, path: PathId) -> u64 {
    let mut x = seed ^ u64::from(path.0).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// Our port on a path, which tells its measurement from others' between the same addresses.
fn source_port(path: PathId) -> u16 {
    let low = path.0 % 16_384;
    49_152 + u16::try_from(low).unwrap_or(0)
}

/// The path's ends with these ports.
const fn end(address: IpAddr, port: u16) -> SocketAddr {
    SocketAddr::new(address, port)
}
