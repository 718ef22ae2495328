//! One simulated node: an engine, its forwarding table, and the data path of the real programs.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};

use pmip_binding::{
    BindingStatus, Carrier, ClockAnchor, Command, Datagram, Event, Input, InterfaceChange,
    InterfaceState, Lma, Mag, Output, PathState, PathStatus, Transmit,
};
use pmip_tunnel::{
    Arrival, Ecn, Forwarder, ForwarderConfig, ForwardingTable, Inbound, Outbound, PacketOffload,
    Role, SegmentArena,
};
use pmip_wire::types::{Instant, PathId};

use crate::config::node::{Engine as EngineConfig, NodeConfig};
use crate::lab::domain::{FlowRow, LabError, PathRow, SessionRow};
use crate::lab::spec::DomainSpec;

/// UDP port of tunnelled data (RFC 5844 section 4.1.3).
const DATA_PORT: u16 = 5437;
/// Octets of IPv4 and UDP header.
const OUTER_HEADERS: usize = 28;
/// Wall-clock time at the start of every simulation, seconds since 1970.
const START_OF_TIME: u64 = 1_800_000_000;

/// A datagram on a WAN.
#[derive(Clone, Debug)]
pub(super) struct Outer {
    /// Which WAN carries it.
    pub(super) wan: usize,
    pub(super) source: SocketAddr,
    pub(super) destination: SocketAddr,
    payload: Payload,
}

#[derive(Clone, Debug)]
enum Payload {
    Signalling(bytes::Bytes),
    Data { ecn: Ecn, inner: Vec<u8> },
}

impl Outer {
    /// Octets on the wire.
    pub(super) fn octets(&self) -> usize {
        OUTER_HEADERS
            + match &self.payload {
                Payload::Signalling(octets) => octets.len(),
                Payload::Data { inner, .. } => inner.len(),
            }
    }
}

/// A MAG or an LMA.
pub(super) struct SimNode {
    engine: Engine,
    due: Option<Instant>,
    table: ForwardingTable,
    forwarder: Forwarder,
    arena: SegmentArena,
    outer: VecDeque<Outer>,
    delivered: VecDeque<Vec<u8>>,
    care_of: Vec<IpAddr>,
}

/// Two machines with the same verbs.
enum Engine {
    Mag(Box<Mag>),
    Lma(Box<Lma>),
}

impl SimNode {
    /// A MAG whose interfaces are down.
    ///
    /// # Errors
    /// When the engine refuses its configuration.
    pub(super) fn mag(
        config: &NodeConfig,
        spec: &DomainSpec,
        now: Instant,
    ) -> Result<Self, LabError> {
        let EngineConfig::Mag(config) = &config.engine else {
            return Err(LabError::Domain(
                "the MAG's configuration is not one".to_owned(),
            ));
        };
        let mut config = config.clone();
        for (node, number) in config.logical_mobile_nodes.iter_mut().zip(1..) {
            node.link_layer_identifier = [2, 0, 0, 0, 0, number];
        }
        let mag = Mag::new(config, seed(spec, 1), clock(now), now)
            .map_err(|error| LabError::domain("the MAG refuses its configuration", error))?;
        Ok(Self::new(Engine::Mag(Box::new(mag)), Role::Mag, spec, now))
    }

    /// An LMA.
    ///
    /// # Errors
    /// When the engine refuses its configuration.
    pub(super) fn lma(
        config: &NodeConfig,
        spec: &DomainSpec,
        now: Instant,
    ) -> Result<Self, LabError> {
        let EngineConfig::Lma(config) = &config.engine else {
            return Err(LabError::Domain(
                "the LMA's configuration is not one".to_owned(),
            ));
        };
        let lma = Lma::new(config.clone(), seed(spec, 2), clock(now), now)
            .map_err(|error| LabError::domain("the LMA refuses its configuration", error))?;
        Ok(Self::new(Engine::Lma(Box::new(lma)), Role::Lma, spec, now))
    }

    fn new(engine: Engine, role: Role, spec: &DomainSpec, now: Instant) -> Self {
        Self {
            engine,
            due: Some(now),
            table: ForwardingTable::new(role),
            forwarder: forwarder(role, spec),
            arena: SegmentArena::new(),
            outer: VecDeque::new(),
            delivered: VecDeque::new(),
            care_of: spec.wans.iter().map(|wan| wan.care_of().into()).collect(),
        }
    }

    /// The interface of `wan` got or lost its carrier.
    pub(super) fn interface(&mut self, now: Instant, wan: usize, up: bool) {
        let (Some(care_of), Ok(index)) = (self.care_of.get(wan), u8::try_from(wan)) else {
            return;
        };
        let state = if up {
            InterfaceState::Up(*care_of)
        } else {
            InterfaceState::Down
        };
        let binding_id = index.saturating_add(1);
        self.handle(now, Input::Interface(InterfaceChange { binding_id, state }));
    }

    /// The node is told to stop.
    pub(super) fn shut_down(&mut self, now: Instant) {
        self.handle(now, Input::Command(Command::Shutdown));
    }

    /// A datagram arrives from a WAN.
    pub(super) fn receive(&mut self, now: Instant, outer: Outer) {
        match outer.payload {
            Payload::Signalling(payload) => {
                let datagram = Datagram {
                    carrier: Carrier::Udp,
                    source: outer.source,
                    destination: outer.destination,
                    payload,
                    vrf: pmip_binding::VrfId::DEFAULT,
                };
                self.handle(now, Input::Signalling(datagram));
            }
            Payload::Data { ecn, inner } => {
                self.decapsulate(outer.source, outer.destination, ecn, inner);
            }
        }
    }

    /// A packet arrives from the node's own side.
    pub(super) fn inner(&mut self, now: Instant, packet: &[u8]) {
        self.arena.clear();
        let (table, arena) = (&self.table, &mut self.arena);
        let verdict = self
            .forwarder
            .outbound(now, table, packet, PacketOffload::NONE, arena);
        match verdict {
            Outbound::Tunnel(send) => {
                for segment in send.segments {
                    self.encapsulate(send.path, send.ecn, segment, packet);
                }
            }
            Outbound::Reply(segment) => {
                let reply = self.segment(segment, &[]);
                self.delivered.extend(reply);
            }
            // Counted by the forwarder.
            _ => {}
        }
    }

    /// Wakes the engine when it is due; whether it was.
    pub(super) fn poll(&mut self, now: Instant) -> bool {
        if self.due.is_none_or(|due| due > now) {
            return false;
        }
        self.handle(now, Input::Timeout);
        true
    }

    /// When [`Self::poll`] is next due.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// The next datagram for a WAN.
    pub(super) fn sent(&mut self) -> Option<Outer> {
        self.outer.pop_front()
    }

    /// The next packet that came out of a tunnel.
    pub(super) fn delivered(&mut self) -> Option<Vec<u8>> {
        self.delivered.pop_front()
    }

    /// The paths, in order of WAN.
    pub(super) fn path_rows(&self, spec: &DomainSpec) -> Vec<PathRow> {
        let paths = self.engine.paths();
        let rows = (0..spec.wans.len()).map(|wan| {
            let mut of_wan = paths
                .iter()
                .filter(|path| self.wan_of(path.care_of) == Some(wan));
            of_wan
                .next()
                .map_or_else(|| PathRow::absent(wan), |path| self.path_row(wan, path))
        });
        rows.collect()
    }

    /// The sessions.
    pub(super) fn session_rows(&self, now: Instant) -> Vec<SessionRow> {
        let bindings = self.engine.bindings(now).into_iter();
        let rows = bindings.map(|binding| SessionRow {
            mn_id: binding.mn_id,
            delegated: binding.delegated.iter().map(ToString::to_string).collect(),
        });
        rows.collect()
    }

    /// The flows into tunnels.
    pub(super) fn flow_rows(&self) -> Vec<FlowRow> {
        let flows = self.forwarder.flows().flows();
        let rows = flows.map(|flow| FlowRow {
            protocol: flow.key.protocol(),
            source: SocketAddr::new(flow.key.source(), flow.key.source_port()),
            destination: SocketAddr::new(flow.key.destination(), flow.key.destination_port()),
            wan: self.wan_of_path(flow.path),
        });
        rows.collect()
    }

    fn path_row(&self, wan: usize, path: &PathStatus) -> PathRow {
        let rtt = path.heartbeat.and_then(|heartbeat| heartbeat.rtt);
        let counters = self.forwarder.counters().path(path.path);
        let flows = self.forwarder.flows().flows();
        PathRow {
            wan,
            state: state_name(path.state).to_owned(),
            rtt_ms: rtt.map(|rtt| rtt.as_secs_f64() * 1e3),
            tx_bytes: counters.tx_bytes,
            rx_bytes: counters.rx_bytes,
            flows: flows.filter(|flow| flow.path == path.path).count() as u64,
        }
    }

    fn handle(&mut self, now: Instant, input: Input) {
        self.engine.handle_input(now, input);
        loop {
            match self.engine.poll_output() {
                Output::Transmit(transmit) => self.transmit(transmit),
                Output::Event(event) => self.event(event),
                Output::Timeout(due) => {
                    self.due = due;
                    return;
                }
                _ => {}
            }
        }
    }

    fn transmit(&mut self, transmit: Transmit) {
        // The care-of address names the WAN: it is ours on a MAG, the peer's on an LMA.
        let own = self.wan_of(transmit.source.ip());
        let Some(wan) = own.or_else(|| self.wan_of(transmit.destination.ip())) else {
            return;
        };
        self.outer.push_back(Outer {
            wan,
            source: transmit.source,
            destination: transmit.destination,
            payload: Payload::Signalling(transmit.payload),
        });
    }

    fn event(&mut self, event: Event) {
        if let Event::Forwarding(change) = event {
            self.table.apply(&change);
        }
    }

    /// Sends one segment of `packet` through `path`.
    fn encapsulate(&mut self, path: PathId, ecn: Ecn, segment: usize, packet: &[u8]) {
        let (Some(wan), Some(tunnel)) = (self.wan_of_path(path), self.table.path(path)) else {
            return;
        };
        let source = SocketAddr::new(tunnel.local, DATA_PORT);
        let destination = tunnel.remote;
        let Some(inner) = self.segment(segment, packet) else {
            return;
        };
        self.outer.push_back(Outer {
            wan,
            source,
            destination,
            payload: Payload::Data { ecn, inner },
        });
    }

    fn decapsulate(
        &mut self,
        source: SocketAddr,
        destination: SocketAddr,
        ecn: Ecn,
        mut inner: Vec<u8>,
    ) {
        let table = &self.table;
        let Some(path) = self.forwarder.path_from(table, destination.ip(), source) else {
            return;
        };
        let arrival = Arrival::udp(path, ecn);
        if let Inbound::Deliver(packet) = self.forwarder.inbound(table, arrival, &mut inner) {
            self.delivered.push_back(inner.split_off(packet.start));
        }
    }

    /// One segment of the arena as a packet of its own.
    fn segment(&self, segment: usize, packet: &[u8]) -> Option<Vec<u8>> {
        let segment = self.arena.segments().get(segment)?;
        let mut octets = Vec::with_capacity(segment.length());
        self.arena.copy_to(segment, packet, &mut octets);
        Some(octets)
    }

    fn wan_of_path(&self, path: PathId) -> Option<usize> {
        self.wan_of(self.table.path(path)?.care_of)
    }

    fn wan_of(&self, care_of: IpAddr) -> Option<usize> {
        self.care_of.iter().position(|known| *known == care_of)
    }
}

impl Engine {
    fn handle_input(&mut self, now: Instant, input: Input) {
        match self {
            Self::Mag(mag) => mag.handle_input(now, input),
            Self::Lma(lma) => lma.handle_input(now, input),
        }
    }

    fn poll_output(&mut self) -> Output {
        match self {
            Self::Mag(mag) => mag.poll_output(),
            Self::Lma(lma) => lma.poll_output(),
        }
    }

    fn paths(&self) -> Vec<PathStatus> {
        match self {
            Self::Mag(mag) => mag.paths().collect(),
            Self::Lma(lma) => lma.paths().collect(),
        }
    }

    fn bindings(&self, now: Instant) -> Vec<BindingStatus> {
        match self {
            Self::Mag(mag) => mag.bindings(now).collect(),
            Self::Lma(lma) => lma.bindings(now).collect(),
        }
    }
}

fn forwarder(role: Role, spec: &DomainSpec) -> Forwarder {
    let mut config = ForwarderConfig::default();
    config.seed = spec.seed
        ^ match role {
            Role::Mag => 0x6d61_6700,
            Role::Lma => 0x6c6d_6100,
        };
    Forwarder::new(config)
}

fn state_name(state: PathState) -> &'static str {
    match state {
        PathState::Up => "up",
        PathState::Down => "down",
        PathState::Registering => "registering",
        PathState::NatChanged => "nat-changed",
        _ => "unknown",
    }
}

fn seed(spec: &DomainSpec, node: u8) -> [u8; 32] {
    let mut seed = [node; 32];
    let (first, _) = seed.split_at_mut(8);
    first.copy_from_slice(&spec.seed.to_le_bytes());
    seed
}

fn clock(now: Instant) -> ClockAnchor {
    ClockAnchor {
        instant: now,
        unix: std::time::Duration::from_secs(START_OF_TIME),
    }
}
