//! The driver loop that mag and lma share.
//!
//! [`Node`] holds the engine, the forwarding table and the [`Ports`] that it acts on. It is
//! synchronous and knows no socket: [`Node::handle`] takes one input, [`Node::finish_turn`] does
//! what the engine wants. In one turn every forwarding change is applied, then the table is
//! published once, and only then do datagrams leave: no acknowledgement announces what is not in
//! force. [`run`](run::run) waits for inputs and deadlines around it.

pub mod access;
pub mod anchor;
pub mod balance;
pub mod cli;
pub mod counters;
mod drops;
pub mod engine;
mod events;
pub mod hints;
pub mod hybrid;
pub mod inner;
mod keep;
mod log;
pub mod logging;
mod path_mtu;
pub mod reconfigure;
mod refusals;
pub mod run;
mod start;
mod steering;
mod supervise;
pub mod tell;
pub mod track;
pub mod uplinks;

use std::collections::BTreeMap;
use std::sync::Arc;

use pmip_binding::config::ConfigErrors;
use pmip_binding::snapshot::LmaSnapshot;
use pmip_binding::{Carrier, ClockAnchor, Command, Datagram, Input, Output, Transmit};
use pmip_policy::{EntryCounters, MapPolicy};
use pmip_tunnel::ForwardingTable;
use pmip_wire::types::{Instant, PathId};
use tokio::sync::{broadcast, oneshot};

use self::access::Access;
use self::anchor::AnchorRoutes;
use self::balance::Balance;
use self::counters::Counters;
use self::drops::Drops;
use self::engine::NodeEngine;
use self::hints::Hints;
use self::hybrid::Hybrid;
use self::path_mtu::PathMtus;
use self::refusals::Refusals;
use self::tell::Watchers;
use self::track::PathTrack;
use self::uplinks::Uplinks;
use crate::config::node::{Engine, NodeConfig, Role};
use crate::control::{Request, Response};
use crate::platform::dataplane::DataPlaneEvent;
use crate::platform::network::{NetworkEvent, NetworkState};
use crate::platform::ports::{AccessFrame, Ports, SocketKey};
use crate::platform::state_dir::Restart;

/// One thing that happened to a node.
#[derive(Debug)]
pub enum NodeInput {
    /// A signalling datagram arrived.
    Datagram(Datagram),
    /// A host on an access interface said something (MAG).
    Access(AccessFrame),
    /// The kernel's devices, addresses or routes changed.
    Network(Vec<NetworkEvent>),
    /// The data plane has something to say.
    DataPlane(DataPlaneEvent),
    /// An operator asks; the answer goes back.
    Control(Request, oneshot::Sender<Response>),
    /// Somebody wants to watch.
    Watch(Watch),
    /// The wall clock was set.
    ClockStep(ClockAnchor),
    /// The configuration file was read again.
    Configure(Box<NodeConfig>),
    /// The bindings are to be kept (LMA). Dropped when nothing came since the last time.
    Keep(oneshot::Sender<LmaSnapshot>),
    /// Leave the domain.
    Shutdown,
    /// The deadline that the last turn gave has come.
    Timeout,
}

/// Somebody who wants to watch, and where the answer goes.
#[derive(Debug)]
pub enum Watch {
    /// What happens.
    Events(oneshot::Sender<broadcast::Receiver<Arc<str>>>),
    /// The state of an anchor, then its changes. Dropped by a MAG.
    Changes(oneshot::Sender<(Box<LmaSnapshot>, broadcast::Receiver<Arc<str>>)>),
}

/// What a node is started with, besides its configuration.
#[derive(Clone, Debug)]
pub struct Start {
    /// Makes what must not be guessed.
    pub seed: [u8; 32],
    /// Ties the monotonic clock to the wall clock.
    pub anchor: ClockAnchor,
    /// The Restart Counter.
    pub restart: Restart,
    /// What an earlier start kept (LMA).
    pub snapshot: Option<LmaSnapshot>,
}

/// A mobile map's counters as they were when they were cleared.
#[derive(Debug)]
pub struct ClearedMap {
    policy: Arc<MapPolicy>,
    /// By entry.
    pub entries: Vec<EntryCounters>,
    /// Of the default class.
    pub default_hits: u64,
}

/// A running node: its engine, its table and what they act on.
pub struct Node {
    config: NodeConfig,
    engine: NodeEngine,
    ports: Ports,
    network: NetworkState,
    table: ForwardingTable,
    hybrid: Hybrid,
    balance: Balance,
    hints: Hints,
    published: Option<u32>,
    side: Side,
    tracks: BTreeMap<PathId, PathTrack>,
    path_sockets: BTreeMap<PathId, SocketKey>,
    mtus: PathMtus,
    send_errors: u64,
    counters: Counters,
    cleared_stats: Option<serde_json::Value>,
    cleared_map: Option<ClearedMap>,
    drops: Drops,
    /// Registrations that an anchor refused.
    refusals: Refusals,
    /// Ties moments to the wall clock.
    clock: ClockAnchor,
    /// Those who watch what happens, and those who want the changes of an anchor's state.
    events: Watchers,
    changes: Watchers,
    started: Instant,
    /// Something came since the bindings were kept.
    is_unkept: bool,
    /// The outputs of this turn repeat what is known.
    quiet: bool,
    /// Why the node cannot go on.
    fault: Option<&'static str>,
}

/// What differs between the two roles outside the engine.
enum Side {
    Mag {
        uplinks: Uplinks,
        access: Box<Access>,
    },
    Lma {
        routes: AnchorRoutes,
    },
}

impl Node {
    /// A node that has sent nothing yet. `tun` is the name of its TUN device, `table` the number
    /// of the routing table that leads into it (MAG).
    ///
    /// # Errors
    /// Every mistake that the engine finds in its configuration.
    pub fn new(
        mut config: NodeConfig,
        start: Start,
        now: Instant,
        ports: Ports,
        tun: &str,
        table: u32,
    ) -> Result<Self, ConfigErrors> {
        raise_counter(&mut config.engine, start.restart);
        let quiet = start.snapshot.is_some();
        let engine = NodeEngine::new(config.engine.clone(), &start, now)?;
        let side = match &config.engine {
            Engine::Mag(mag) => Side::Mag {
                uplinks: Uplinks::new(&config, mag),
                access: Box::new(Access::new(&config, mag, tun, table)),
            },
            Engine::Lma(lma) => Side::Lma {
                routes: AnchorRoutes::new(lma, tun),
            },
        };
        let mut node = Self {
            table: ForwardingTable::new(engine.tunnel_role()),
            hybrid: Hybrid::new(&config, &start.seed, start.anchor),
            balance: Balance::default(),
            hints: Hints::default(),
            config,
            engine,
            ports,
            network: NetworkState::default(),
            published: None,
            side,
            tracks: BTreeMap::new(),
            path_sockets: BTreeMap::new(),
            mtus: PathMtus::new(&start.seed),
            send_errors: 0,
            counters: Counters::default(),
            cleared_stats: None,
            cleared_map: None,
            drops: Drops::default(),
            refusals: Refusals::default(),
            clock: start.anchor,
            events: Watchers::default(),
            changes: Watchers::default(),
            started: now,
            is_unkept: true,
            quiet,
            fault: None,
        };
        node.set_steering();
        node.configure_balance();
        match &node.side {
            Side::Mag { access, .. } => access.install(node.ports.kernel.as_mut()),
            Side::Lma { routes } => routes.install(node.ports.kernel.as_mut()),
        }
        Ok(node)
    }

    /// Takes in one input. Any number may come before [`Node::finish_turn`].
    pub fn handle(&mut self, now: Instant, input: NodeInput) {
        if let NodeInput::Keep(answer) = input {
            return self.give_snapshot(answer);
        }
        self.is_unkept = true;
        match input {
            NodeInput::Datagram(datagram) => {
                tracing::trace!(
                    target: "pmip::packets",
                    "received {} from {}", message_name(&datagram.payload), datagram.source
                );
                self.engine.handle_input(now, Input::Signalling(datagram));
            }
            NodeInput::Network(events) => {
                for event in events {
                    self.network.apply(event);
                }
                self.check_uplinks(now);
                self.follow_links(now);
                self.check_access_links(now);
            }
            NodeInput::Access(frame) => self.on_access_frame(now, &frame),
            NodeInput::DataPlane(event) => self.on_data_plane(now, event),
            NodeInput::Control(request, answer) => {
                let response = crate::control::serve(self, now, request);
                // The operator may have gone meanwhile.
                let _ = answer.send(response);
            }
            NodeInput::Watch(watch) => self.watch(watch),
            NodeInput::ClockStep(anchor) => {
                self.clock = anchor;
                self.hybrid.set_clock(now, anchor);
                self.engine.handle_input(now, Input::ClockStep(anchor));
            }
            NodeInput::Configure(config) => self.read_again(now, *config),
            NodeInput::Keep(_) => {}
            NodeInput::Shutdown => self.command(now, Command::Shutdown),
            NodeInput::Timeout => {
                if matches!(&self.side, Side::Mag { uplinks, .. } if uplinks.retry_due(now)) {
                    self.check_uplinks(now);
                }
                self.on_access_timeout(now);
                self.engine.handle_input(now, Input::Timeout);
            }
        }
    }

    /// Does what the engine wants: forwarding changes, then one publication, then datagrams.
    /// Returns when to give [`NodeInput::Timeout`]; `None` = never.
    pub fn finish_turn(&mut self, now: Instant) -> Option<Instant> {
        self.tell_changes();
        let mut transmits = Vec::new();
        let mut frames = Vec::new();
        let deadline = loop {
            match self.engine.poll_output() {
                Output::Transmit(transmit) => transmits.push(transmit),
                Output::Event(event) => self.on_event(now, event),
                Output::Timeout(at) => {
                    if !self.turn_access(now, &mut frames) {
                        break at;
                    }
                }
                other => tracing::debug!("an output that this program does not know: {other:?}"),
            }
        };
        let probes = self.turn_hybrid(now);
        let mtu_probes = self.turn_mtus(now);
        self.turn_balance(now);
        if self.published != Some(self.table.generation()) {
            self.ports.tunnels.publish(&self.table);
            self.published = Some(self.table.generation());
        }
        for transmit in &transmits {
            self.transmit(transmit);
            self.tell_refusal(now, transmit);
        }
        self.send_frames(frames);
        for (path, probe) in probes {
            self.ports.tunnels.send_local(path, None, probe);
        }
        for (path, probe) in mtu_probes {
            self.ports.tunnels.send_probe(path, probe);
        }
        self.quiet = false;
        let (retry, hosts) = match &self.side {
            Side::Mag { uplinks, access } => (uplinks.retry_at(), access.timeout()),
            Side::Lma { .. } => (None, None),
        };
        let probing = self.hybrid_timeout();
        let mtus = self.mtus.timeout();
        let balancing = self.balance_timeout();
        let due = [deadline, retry, hosts, probing, balancing, mtus];
        due.into_iter().flatten().min()
    }

    /// Gives the engine a command.
    pub fn command(&mut self, now: Instant, command: Command) {
        self.engine.handle_input(now, Input::Command(command));
    }

    /// Whether a shutdown is complete.
    pub fn is_shut_down(&self) -> bool {
        self.engine.is_shut_down()
    }

    /// Its configuration.
    pub fn config(&self) -> &NodeConfig {
        &self.config
    }

    /// Its engine.
    pub fn engine(&self) -> &NodeEngine {
        &self.engine
    }

    /// What it acts on.
    pub fn ports(&self) -> &Ports {
        &self.ports
    }

    /// The forwarding table as last changed.
    pub fn table(&self) -> &ForwardingTable {
        &self.table
    }

    /// Devices, addresses and routes as the kernel told them.
    pub fn network(&self) -> &NetworkState {
        &self.network
    }

    /// A MAG's uplinks.
    pub fn uplinks(&self) -> Option<&Uplinks> {
        match &self.side {
            Side::Mag { uplinks, .. } => Some(uplinks),
            Side::Lma { .. } => None,
        }
    }

    /// What was seen of a path.
    pub fn track(&self, path: PathId) -> PathTrack {
        self.tracks.get(&path).copied().unwrap_or_default()
    }

    /// The counters as they were when they were cleared.
    pub fn cleared_stats(&self) -> Option<&serde_json::Value> {
        self.cleared_stats.as_ref()
    }

    /// What the mobile map in force had counted when the counters were cleared.
    pub fn cleared_map(&self) -> Option<&ClearedMap> {
        let cleared = self.cleared_map.as_ref()?;
        let in_force = self.table.policy()?;
        // One that was set again counts from zero by itself.
        Arc::ptr_eq(in_force, &cleared.policy).then_some(cleared)
    }

    /// Counts from `stats` on.
    pub fn clear_stats(&mut self, stats: serde_json::Value) {
        self.cleared_stats = Some(stats);
        self.cleared_map = self.table.policy().map(|policy| ClearedMap {
            policy: Arc::clone(policy),
            entries: policy.counters().collect(),
            default_hits: policy.default_hits(),
        });
    }

    /// What happened, counted.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Signalling datagrams that the kernel refused to send.
    pub fn send_errors(&self) -> u64 {
        self.send_errors
    }

    /// Why it cannot go on: it then leaves the domain by itself.
    pub fn fault(&self) -> Option<&'static str> {
        self.fault
    }

    /// When it started.
    pub fn started(&self) -> Instant {
        self.started
    }

    /// What it is.
    pub fn role(&self) -> Role {
        match &self.config.engine {
            Engine::Mag(_) => Role::Mag,
            Engine::Lma(_) => Role::Lma,
        }
    }

    fn watch(&mut self, watch: Watch) {
        // Whoever asked may be gone.
        match watch {
            Watch::Events(answer) => drop(answer.send(self.events.subscribe())),
            Watch::Changes(answer) => {
                // What changed before belongs to the snapshot.
                self.tell_changes();
                let Some(snapshot) = self.engine.snapshot() else {
                    return;
                };
                self.engine.record_changes(true);
                let state = (Box::new(snapshot), self.changes.subscribe());
                drop(answer.send(state));
            }
        }
    }

    fn read_again(&mut self, now: Instant, config: NodeConfig) {
        match self.reconfigure(now, config) {
            Ok(notes) => {
                tracing::info!("the configuration was read again and is in force");
                notes.iter().for_each(|note| tracing::warn!("{note}"));
            }
            Err(refusals) => {
                tracing::error!("the configuration stays as it was");
                refusals.iter().for_each(|why| tracing::error!("{why}"));
            }
        }
    }

    fn give_snapshot(&mut self, answer: oneshot::Sender<LmaSnapshot>) {
        let wanted = std::mem::take(&mut self.is_unkept);
        if let Some(snapshot) = self.engine.snapshot().filter(|_| wanted) {
            // Whoever asked may be gone.
            let _ = answer.send(snapshot);
        }
    }

    fn check_uplinks(&mut self, now: Instant) {
        let Side::Mag { uplinks, .. } = &mut self.side else {
            return;
        };
        let changes = uplinks.check(now, &self.network, self.ports.signalling.as_mut());
        for change in changes {
            // A device that came back may be another one: its data sockets open anew.
            let engine = &self.engine;
            self.path_sockets
                .retain(|path, _| engine.interface_of(*path) != Some(change.binding_id));
            self.engine.handle_input(now, Input::Interface(change));
        }
    }

    /// The MTU of a running uplink may have changed. An anchor's links are not asked at each change
    /// of its many routes: its paths find out by themselves.
    fn follow_links(&mut self, now: Instant) {
        if self.uplinks().is_some() {
            for status in self.engine.paths() {
                self.follow_mtu(now, status.path);
            }
        }
    }

    fn transmit(&mut self, transmit: &Transmit) {
        tracing::trace!(
            target: "pmip::packets",
            path = transmit.path.map(|path| path.0),
            "sending {} to {}", message_name(&transmit.payload), transmit.destination
        );
        if let Carrier::Tunnel(path) = transmit.carrier {
            // Inside it the ends are addressed as the MAG knows them, whatever a NAT makes of them.
            let tunnel = self.table.path(path);
            let ends = tunnel.map(|tunnel| tunnel.ends(self.table.role()));
            match ends.and_then(|(from, to)| inner::build(from, to, &transmit.payload)) {
                Some(packet) => {
                    // An anchor may challenge a mapping that it does not use yet.
                    let outer = match self.side {
                        Side::Lma { .. } => Some(transmit.destination),
                        Side::Mag { .. } => None,
                    };
                    self.ports.tunnels.send_local(path, outer, packet);
                }
                None => tracing::debug!("{path}: there is no tunnel for a heartbeat"),
            }
            return;
        }
        let sent = self.socket_of(transmit).map_or_else(
            || Err(std::io::ErrorKind::NotConnected.into()),
            |key| {
                let signalling = &mut self.ports.signalling;
                signalling.send(&key, transmit.destination, &transmit.payload)
            },
        );
        if let Err(error) = sent {
            self.send_errors = self.send_errors.saturating_add(1);
            tracing::debug!(
                target: "pmip::errors",
                path = transmit.path.map(|path| path.0),
                "cannot signal to {}: {error}", transmit.destination
            );
        }
    }

    fn tell_refusal(&mut self, now: Instant, transmit: &Transmit) {
        if matches!(self.side, Side::Lma { .. })
            && let Some(told) = self.refusals.on_sent(now, transmit)
        {
            self.tell(now, &told);
        }
    }

    /// The socket that a datagram leaves by: its path's own.
    fn socket_of(&self, transmit: &Transmit) -> Option<SocketKey> {
        let local = transmit.source.ip();
        match &self.side {
            Side::Mag { uplinks, .. } => {
                let binding_id = transmit
                    .path
                    .and_then(|path| self.engine.interface_of(path));
                uplinks.socket(binding_id, local)
            }
            Side::Lma { .. } => Some(SocketKey {
                device: None,
                local,
            }),
        }
    }

    /// The device that a MAG's path leaves by.
    fn device_of(&self, path: PathId) -> Option<String> {
        let binding_id = self.engine.interface_of(path)?;
        Some(self.uplinks()?.get(binding_id)?.egress().to_owned())
    }
}

/// The type of a Mobility Header (RFC 6275 section 6.1.1).
fn message_name(payload: &[u8]) -> String {
    let code = payload.get(2).copied();
    code.map_or_else(
        || "an empty datagram".into(),
        |code| pmip_wire::MhType::from_code(code).to_string(),
    )
}

fn raise_counter(engine: &mut Engine, restart: Restart) {
    match engine {
        Engine::Lma(config) => config.restart_counter = restart.counter,
        Engine::Mag(config) => {
            config.restart_counter = restart.counter;
            config.restarted = restart.restarted;
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
