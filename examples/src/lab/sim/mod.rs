//! The simulated domain: the engines and the data path of the real nodes, on in-memory links, in
//! virtual time. Deterministic by the specification's seed, and needs no rights.

mod host;
mod node;
mod transfer;

use std::net::Ipv4Addr;
use std::time::Duration;

use pmip_binding::testing::{Link, LinkConfig, Loss};
use pmip_wire::types::Instant;

use self::host::SimHost;
use self::node::{Outer, SimNode};
use self::transfer::{PingRun, TransferRun};
use super::domain::{Domain, FlowRow, LabError, Node, PathRow, SessionRow, Topology, WanState};
use super::node_config::NodeConfigs;
use super::signal;
use super::spec::{CORE_LENGTH, DomainSpec};
use super::traffic::{Direction, Traffic};

/// The host's only address may come late; the correspondent's is there from the start.
pub(super) struct SimDomain {
    spec: DomainSpec,
    now: Instant,
    host: SimHost,
    correspondent: SimHost,
    mag: SimNode,
    lma: SimNode,
    wans: Vec<Wan>,
    host_address: Option<Ipv4Addr>,
    transfers: Vec<TransferRun>,
    pings: Vec<PingRun>,
}

/// One WAN: a link each way, and whether the MAG's interface has its carrier.
struct Wan {
    up: Link<Outer>,
    down: Link<Outer>,
}

impl SimDomain {
    /// Builds and starts the domain.
    ///
    /// # Errors
    /// When the nodes refuse their configuration.
    pub(super) fn new(spec: DomainSpec) -> Result<Self, LabError> {
        let now = Instant::ZERO;
        let configs = NodeConfigs::from_spec(&spec)?;
        let mut correspondent = SimHost::new(now, spec.seed ^ 0xc0);
        correspondent.configure(spec.correspondent(), CORE_LENGTH, spec.core_router());
        let mut domain = Self {
            now,
            host: SimHost::new(now, spec.seed ^ 0x40),
            correspondent,
            mag: SimNode::mag(&configs.mag, &spec, now)?,
            lma: SimNode::lma(&configs.lma, &spec, now)?,
            wans: spec.wans.iter().zip(1..).map(Wan::new).collect(),
            host_address: None,
            transfers: Vec::new(),
            pings: Vec::new(),
            spec,
        };
        for wan in 0..domain.spec.wans.len() {
            domain.mag.interface(now, wan, true);
        }
        Ok(domain)
    }

    fn node(&self, node: Node) -> &SimNode {
        match node {
            Node::Mag => &self.mag,
            Node::Lma => &self.lma,
        }
    }

    /// Advances to `end`, from one due moment to the next.
    fn advance(&mut self, end: Instant) {
        loop {
            self.settle();
            let next = self.due().filter(|due| *due <= end);
            // A stack that is due now has said so before it was polled: time must move on.
            let least = self.now + Duration::from_micros(1);
            self.now = next.map_or(end, |due| due.max(least)).min(end);
            if self.now >= end {
                self.settle();
                return;
            }
        }
    }

    /// Does all that is due now, until nothing moves.
    fn settle(&mut self) {
        loop {
            let mut moved = self.carry_wans();
            moved |= self.mag.poll(self.now) | self.lma.poll(self.now);
            self.run_traffic();
            self.host.poll(self.now);
            self.correspondent.poll(self.now);
            self.run_traffic();
            moved |= self.carry_inner();
            if !moved {
                return;
            }
        }
    }

    /// Moves datagrams into and out of the WAN links.
    fn carry_wans(&mut self) -> bool {
        let mut moved = false;
        while let Some(outer) = self.mag.sent() {
            moved = true;
            self.send(Direction::Up, outer);
        }
        while let Some(outer) = self.lma.sent() {
            moved = true;
            self.send(Direction::Down, outer);
        }
        for wan in &mut self.wans {
            while let Some(outer) = wan.up.pop(self.now) {
                moved = true;
                self.lma.receive(self.now, outer);
            }
            while let Some(outer) = wan.down.pop(self.now) {
                moved = true;
                self.mag.receive(self.now, outer);
            }
        }
        moved
    }

    fn send(&mut self, direction: Direction, outer: Outer) {
        let Some(wan) = self.wans.get_mut(outer.wan) else {
            return;
        };
        let octets = outer.octets();
        let link = match direction {
            Direction::Up => &mut wan.up,
            Direction::Down => &mut wan.down,
        };
        link.push(self.now, outer, octets);
    }

    /// Moves inner packets between hosts and nodes; these links are short and free.
    fn carry_inner(&mut self) -> bool {
        let mut moved = false;
        while let Some(packet) = self.host.sent() {
            moved = true;
            self.mag.inner(self.now, &packet);
        }
        while let Some(packet) = self.correspondent.sent() {
            moved = true;
            if self.spec.core_route {
                self.lma.inner(self.now, &packet);
            }
        }
        while let Some(packet) = self.mag.delivered() {
            moved = true;
            self.host.receive(packet);
        }
        while let Some(packet) = self.lma.delivered() {
            moved = true;
            self.correspondent.receive(packet);
        }
        moved
    }

    fn run_traffic(&mut self) {
        let now = self.now;
        while let Some(echo) = self.host.pong() {
            self.pings
                .iter_mut()
                .for_each(|run| run.answered(now, echo));
        }
        while let Some(echo) = self.correspondent.pong() {
            self.pings
                .iter_mut()
                .for_each(|run| run.answered(now, echo));
        }
        for run in &mut self.pings {
            let asker = match run.direction() {
                Direction::Up => &mut self.host,
                Direction::Down => &mut self.correspondent,
            };
            while let Some(echo) = run.due_request(now) {
                asker.ping(echo);
            }
        }
        for run in &mut self.transfers {
            run.pump(now, &mut self.host, &mut self.correspondent);
        }
    }

    fn due(&mut self) -> Option<Instant> {
        let mut due: Option<Instant> = None;
        let mut earliest = |at: Option<Instant>| {
            due = match (due, at) {
                (Some(due), Some(at)) => Some(due.min(at)),
                (due, at) => due.or(at),
            };
        };
        for wan in &self.wans {
            earliest(wan.up.next_arrival());
            earliest(wan.down.next_arrival());
        }
        earliest(self.mag.due());
        earliest(self.lma.due());
        earliest(self.host.due(self.now));
        earliest(self.correspondent.due(self.now));
        for run in &self.pings {
            earliest(run.due());
        }
        due
    }
}

impl Wan {
    fn new((spec, number): (&super::spec::WanSpec, u64)) -> Self {
        let mut config = LinkConfig::new();
        config.latency = spec.latency;
        config.rate = Some(spec.rate);
        config.mtu = Some(1500);
        config.seed = number * 2;
        let up = Link::new(config.clone());
        config.seed += 1;
        Self {
            up,
            down: Link::new(config),
        }
    }

    fn set(&mut self, state: WanState) {
        for link in [&mut self.up, &mut self.down] {
            link.set_cut(state == WanState::Cut);
            link.config_mut().loss = match state {
                WanState::BlackHole => Loss::All,
                WanState::Up | WanState::Cut => Loss::None,
            };
        }
    }
}

impl Domain for SimDomain {
    fn topology(&self) -> Topology {
        Topology::Sim
    }

    fn spec(&self) -> &DomainSpec {
        &self.spec
    }

    fn now(&self) -> Duration {
        self.now.saturating_since(Instant::ZERO)
    }

    fn run_for(&mut self, span: Duration) -> Result<(), LabError> {
        if signal::interrupted() {
            return Err(LabError::Interrupted);
        }
        self.advance(self.now + span);
        Ok(())
    }

    fn paths(&mut self, node: Node) -> Result<Vec<PathRow>, LabError> {
        Ok(self.node(node).path_rows(&self.spec))
    }

    fn sessions(&mut self, node: Node) -> Result<Vec<SessionRow>, LabError> {
        Ok(self.node(node).session_rows(self.now))
    }

    fn flows(&mut self, node: Node) -> Result<Vec<FlowRow>, LabError> {
        Ok(self.node(node).flow_rows())
    }

    fn attach_host(
        &mut self,
        host: Ipv4Addr,
        router: Ipv4Addr,
        prefix_length: u8,
    ) -> Result<(), LabError> {
        self.host.configure(host, prefix_length, router);
        self.host_address = Some(host);
        Ok(())
    }

    fn set_wan(&mut self, wan: usize, state: WanState) -> Result<(), LabError> {
        let now = self.now;
        if let Some(link) = self.wans.get_mut(wan) {
            link.set(state);
        }
        self.mag.interface(now, wan, state != WanState::Cut);
        Ok(())
    }

    fn start_pings(
        &mut self,
        direction: Direction,
        flows: usize,
        interval: Duration,
    ) -> Result<(), LabError> {
        let host = self.attached()?;
        let peers = self.spec.correspondents().take(flows);
        for peer in peers {
            self.pings
                .push(PingRun::new(direction, host, peer, interval, self.now));
        }
        Ok(())
    }

    fn start_transfers(
        &mut self,
        direction: Direction,
        connections: usize,
    ) -> Result<(), LabError> {
        let host = self.attached()?;
        for _ in 0..connections {
            let number = u16::try_from(self.transfers.len()).unwrap_or(u16::MAX);
            let run = TransferRun::open(
                (direction, number),
                (host, &mut self.host),
                (self.spec.correspondent(), &mut self.correspondent),
                self.now,
            );
            let refused = || LabError::Domain("the simulated host opens no connection".to_owned());
            self.transfers.push(run.ok_or_else(refused)?);
        }
        Ok(())
    }

    fn pace(&self) -> Option<u64> {
        None
    }

    fn traffic(&self) -> Traffic {
        Traffic {
            connections: self
                .transfers
                .iter()
                .map(|run| run.record().clone())
                .collect(),
            pings: self.pings.iter().map(|run| run.record().clone()).collect(),
        }
    }

    fn stop_traffic(&mut self) {
        self.transfers.clear();
        self.pings.clear();
    }
}

impl SimDomain {
    fn attached(&self) -> Result<Ipv4Addr, LabError> {
        let missing = || LabError::Domain("the host has no address yet".to_owned());
        self.host_address.ok_or_else(missing)
    }
}
