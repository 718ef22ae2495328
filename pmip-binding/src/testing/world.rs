use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use pmip_wire::types::Instant;

use super::carry::Duplex;
use super::link::{Link, LinkConfig};
use super::nat::Nat;
use super::tables::Tables;
use crate::config::{LmaConfig, MagConfig};
use crate::snapshot::{LmaSnapshot, Refusal};
use crate::{
    BindingState, CONTROL_PORT, ClockAnchor, Command, Datagram, Event, Input, InterfaceChange,
    InterfaceState, Lma, Mag, Output, Transmit,
};

/// Wall-clock time at the start of every world: 2026-01-01.
pub const UNIX_START: Duration = Duration::from_secs(1_767_225_600);
/// Trace lines kept for a failure report.
const TRACE_TAIL: usize = 60;

/// One anchor and its access gateways, joined by links, in virtual time.
///
/// Nothing in it reads a clock or draws luck from outside: the same calls give the same run.
#[derive(Clone, Debug)]
pub struct World {
    /// The anchor.
    pub lma: Lma,
    /// The gateways.
    pub mags: Vec<Mag>,
    /// What the forwarding plane of the anchor was told.
    pub lma_tables: Tables,
    /// What the forwarding planes of the gateways were told.
    pub mag_tables: Vec<Tables>,
    /// The moment.
    pub now: Instant,
    /// How engines are woken.
    pub wake: Wake,
    /// Every event since the start, with its time and node.
    pub events: Vec<(Instant, Node, Event)>,
    pub(super) links: BTreeMap<(usize, u8), Duplex>,
    timeouts: BTreeMap<Node, Option<Instant>>,
    trace: VecDeque<String>,
    history: Option<Vec<String>>,
    tape: Option<Vec<(Instant, Node, Taped)>>,
    pub(super) captured: VecDeque<Datagram>,
}

/// Names an engine of a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Node {
    /// The anchor.
    Lma,
    /// The gateway at this position.
    Mag(usize),
}

/// What crossed the border of an engine.
#[derive(Clone, Debug, PartialEq)]
pub enum Taped {
    /// It was told this.
    Input(Input),
    /// It wanted this.
    Output(Output),
}

/// How engines are woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// At the moments that they report, as a program does.
    Reported,
    /// Every millisecond, whether they asked for it or not.
    EveryMillisecond,
}

impl World {
    /// A world with an anchor alone. Panics when the configuration is wrong.
    pub fn new(config: LmaConfig, seed: u8) -> Self {
        let anchor = ClockAnchor {
            instant: Instant::ZERO,
            unix: UNIX_START,
        };
        let lma = match Lma::new(config, [seed; 32], anchor, Instant::ZERO) {
            Ok(lma) => lma,
            Err(errors) => panic!("the anchor's configuration is wrong: {errors}"),
        };
        Self {
            lma,
            mags: Vec::new(),
            lma_tables: Tables::default(),
            mag_tables: Vec::new(),
            now: Instant::ZERO,
            wake: Wake::Reported,
            events: Vec::new(),
            links: BTreeMap::new(),
            timeouts: BTreeMap::new(),
            trace: VecDeque::new(),
            history: None,
            tape: None,
            captured: VecDeque::new(),
        }
    }

    /// Adds a gateway whose roaming interfaces have these addresses, each behind links of this
    /// kind; they are down at first. Gives its position. Panics when the configuration is wrong.
    pub fn add_mag(&mut self, config: MagConfig, addresses: &[IpAddr], link: &LinkConfig) -> usize {
        let index = self.mags.len();
        let seed = u8::try_from(index + 100).unwrap_or(0);
        let mag = match Mag::new(config, [seed; 32], self.clock(), self.now) {
            Ok(mag) => mag,
            Err(errors) => panic!("the gateway's configuration is wrong: {errors}"),
        };
        self.mags.push(mag);
        self.mag_tables.push(Tables::default());
        for (binding_id, &address) in (1u8..).zip(addresses) {
            self.add_interface(index, binding_id, address, link);
        }
        index
    }

    /// Adds links of this kind behind one more roaming interface of a gateway, down at first.
    pub fn add_interface(
        &mut self,
        mag: usize,
        binding_id: u8,
        address: IpAddr,
        link: &LinkConfig,
    ) {
        let number = (mag as u64) * 1000 + u64::from(binding_id) * 2;
        let directed = |add: u64| {
            let mut config = link.clone();
            config.seed = config.seed.wrapping_mul(7919).wrapping_add(number + add);
            Link::new(config)
        };
        let duplex = Duplex {
            address,
            is_up: false,
            up: directed(0),
            down: directed(1),
            nat: None,
        };
        self.links.insert((mag, binding_id), duplex);
    }

    /// Replaces the anchor by a new one that has lost its state.
    pub fn restart_lma(&mut self, config: LmaConfig, seed: u8) {
        match Lma::new(config, [seed; 32], self.clock(), self.now) {
            Ok(lma) => self.lma = lma,
            Err(errors) => panic!("the anchor's configuration is wrong: {errors}"),
        }
        self.lma_tables = Tables::default();
        self.timeouts.remove(&Node::Lma);
        self.note(Node::Lma, "restarts without state");
    }

    /// Replaces the anchor by one that goes on from a snapshot; gives what was left out.
    pub fn resume_lma(
        &mut self,
        config: LmaConfig,
        snapshot: &LmaSnapshot,
        seed: u8,
    ) -> Vec<Refusal> {
        let clock = self.clock();
        let (lma, refusals) = match Lma::restore(config, snapshot, [seed; 32], clock, self.now) {
            Ok(restored) => restored,
            Err(error) => panic!("the anchor can't be restored: {error}"),
        };
        self.lma = lma;
        self.lma_tables = Tables::default();
        self.note(Node::Lma, "restarts with its state");
        self.drain(Node::Lma);
        // What became due meanwhile is due now, however engines are woken.
        self.input(Node::Lma, Input::Timeout);
        refusals
    }

    /// Replaces a gateway by a new one that has lost its state; its interfaces are up as before.
    pub fn restart_mag(&mut self, mag: usize, config: MagConfig, seed: u8) {
        match Mag::new(config, [seed; 32], self.clock(), self.now) {
            Ok(engine) => self.mags[mag] = engine,
            Err(errors) => panic!("the gateway's configuration is wrong: {errors}"),
        }
        self.mag_tables[mag] = Tables::default();
        self.note(Node::Mag(mag), "restarts without state");
    }

    /// Wall-clock time, right.
    pub fn clock(&self) -> ClockAnchor {
        ClockAnchor {
            instant: self.now,
            unix: UNIX_START + self.now.saturating_since(Instant::ZERO),
        }
    }

    /// Keep every trace line, to compare runs.
    pub fn record(&mut self) {
        self.history = Some(Vec::new());
    }

    /// Every trace line since [`World::record`].
    pub fn history(&self) -> &[String] {
        self.history.as_deref().unwrap_or_default()
    }

    /// Keep everything that crosses the border of an engine, for [`World::take_tape`].
    pub fn tape(&mut self) {
        self.tape = Some(Vec::new());
    }

    /// What crossed the border of an engine since [`World::tape`] or the last call.
    pub fn take_tape(&mut self) -> Vec<(Instant, Node, Taped)> {
        self.tape.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// A roaming interface comes up with the address of its link.
    pub fn interface_up(&mut self, mag: usize, binding_id: u8) {
        let address = self.links[&(mag, binding_id)].address;
        self.interface(mag, binding_id, InterfaceState::Up(address));
    }

    /// Whether a roaming interface is up.
    pub fn is_interface_up(&self, mag: usize, binding_id: u8) -> bool {
        let duplex = self.links.get(&(mag, binding_id));
        duplex.is_some_and(|duplex| duplex.is_up)
    }

    /// All interfaces of all gateways come up.
    pub fn all_up(&mut self) {
        let keys: Vec<(usize, u8)> = self.links.keys().copied().collect();
        for (mag, binding_id) in keys {
            self.interface_up(mag, binding_id);
        }
    }

    /// A roaming interface goes down.
    pub fn interface_down(&mut self, mag: usize, binding_id: u8) {
        self.interface(mag, binding_id, InterfaceState::Down);
    }

    /// A roaming interface gets another address.
    pub fn renumber(&mut self, mag: usize, binding_id: u8, address: IpAddr) {
        if let Some(duplex) = self.links.get_mut(&(mag, binding_id)) {
            duplex.address = address;
        }
        self.interface(mag, binding_id, InterfaceState::Up(address));
    }

    /// Puts a NAT before a gateway's interface, or replaces it by one without mappings.
    pub fn set_nat(&mut self, mag: usize, binding_id: u8, outer: IpAddr, first_port: u16) {
        if let Some(duplex) = self.links.get_mut(&(mag, binding_id)) {
            duplex.nat = Some(Nat::new(outer, first_port));
        }
    }

    /// Loses everything on a path silently, or ends that.
    pub fn black_hole(&mut self, mag: usize, binding_id: u8, dark: bool) {
        if let Some(duplex) = self.links.get_mut(&(mag, binding_id)) {
            duplex.up.set_cut(dark);
            duplex.down.set_cut(dark);
        }
        let what = if dark { "goes dark" } else { "is back" };
        self.note(Node::Mag(mag), &format!("path {binding_id} {what}"));
    }

    /// The link towards the anchor and the one back, to change their configuration.
    pub fn set_links(&mut self, change: impl Fn(&mut LinkConfig)) {
        for duplex in self.links.values_mut() {
            change(duplex.up.config_mut());
            change(duplex.down.config_mut());
        }
    }

    /// Gives an operator's command.
    pub fn command(&mut self, node: Node, command: Command) {
        self.input(node, Input::Command(command));
    }

    /// Gives any input, then carries out what the engine wants.
    pub fn input(&mut self, node: Node, input: Input) {
        let now = self.now;
        if let Some(tape) = &mut self.tape {
            tape.push((now, node, Taped::Input(input.clone())));
        }
        match node {
            Node::Lma => self.lma.handle_input(now, input),
            Node::Mag(mag) => self.mags[mag].handle_input(now, input),
        }
        self.drain(node);
    }

    /// The signalling datagrams that reached the anchor last, the newest at the end, to replay.
    pub fn captured(&self) -> impl Iterator<Item = &Datagram> {
        self.captured.iter()
    }

    /// Goes on to the next thing that happens; false when nothing ever will.
    pub fn step(&mut self) -> bool {
        let Some(next) = self.next_event() else {
            return false;
        };
        self.now = self.now.max(next);
        self.deliver();
        let every = self.wake == Wake::EveryMillisecond;
        for node in self.nodes() {
            let due = self.timeouts.get(&node).copied().flatten();
            if every || due.is_some_and(|due| due <= self.now) {
                self.input(node, Input::Timeout);
            }
        }
        true
    }

    /// Goes on until `time`.
    pub fn run_until(&mut self, time: Instant) {
        while self.next_event().is_some_and(|next| next <= time) {
            self.step();
        }
        self.now = self.now.max(time);
    }

    /// Goes on for this long.
    pub fn run_for(&mut self, span: Duration) {
        self.run_until(self.now + span);
    }

    /// Goes on until nobody waits for an answer. Panics with the tail of the trace when that takes
    /// longer than `limit`.
    pub fn run_until_idle(&mut self, limit: Duration) {
        let end = self.now + limit;
        while !self.is_idle() {
            let next = self.next_event();
            if next.is_none_or(|next| next > end) {
                panic!("not at rest after {limit:?}\n{}", self.tail());
            }
            self.step();
        }
    }

    /// No gateway waits for an answer. Heartbeats go on, of course.
    pub fn is_idle(&self) -> bool {
        let waiting = |state: BindingState| match state {
            BindingState::Init | BindingState::RefreshPending | BindingState::Disconnecting => true,
            BindingState::Active => false,
        };
        let mut bindings = self.mags.iter().flat_map(|mag| mag.bindings(self.now));
        !bindings.any(|binding| {
            waiting(binding.state) || binding.paths.iter().any(|path| waiting(path.state))
        })
    }

    /// The last lines of the trace.
    pub fn tail(&self) -> String {
        let mut tail = String::new();
        for line in &self.trace {
            let _infallible = writeln!(tail, "{line}");
        }
        tail
    }

    /// The number of datagrams that entered any link.
    pub fn datagrams(&self) -> u64 {
        let links = self.links.values();
        links
            .map(|duplex| duplex.up.stats().pushed + duplex.down.stats().pushed)
            .sum()
    }

    fn interface(&mut self, mag: usize, binding_id: u8, state: InterfaceState) {
        self.note(Node::Mag(mag), &format!("interface {binding_id} {state:?}"));
        if let Some(duplex) = self.links.get_mut(&(mag, binding_id)) {
            duplex.is_up = state != InterfaceState::Down;
        }
        let change = InterfaceChange { binding_id, state };
        self.input(Node::Mag(mag), Input::Interface(change));
    }

    fn nodes(&self) -> Vec<Node> {
        let mags = (0..self.mags.len()).map(Node::Mag);
        std::iter::once(Node::Lma).chain(mags).collect()
    }

    fn next_event(&self) -> Option<Instant> {
        let links = self.links.values();
        let arrivals = links.flat_map(|duplex| [&duplex.up, &duplex.down]);
        let arrival = arrivals.filter_map(Link::next_arrival).min();
        let timeout = self.timeouts.values().filter_map(|at| *at).min();
        let next = arrival.into_iter().chain(timeout).min();
        match self.wake {
            Wake::Reported => next.map(|at| at.max(self.now)),
            Wake::EveryMillisecond => {
                let tick = Instant::from_millis(self.now.as_millis() + 1);
                Some(arrival.map_or(tick, |at| at.clamp(self.now, tick)))
            }
        }
    }

    fn drain(&mut self, node: Node) {
        loop {
            let output = match node {
                Node::Lma => self.lma.poll_output(),
                Node::Mag(mag) => self.mags[mag].poll_output(),
            };
            if let Some(tape) = &mut self.tape {
                tape.push((self.now, node, Taped::Output(output.clone())));
            }
            match output {
                Output::Transmit(transmit) => self.transmit(node, transmit),
                Output::Event(event) => self.event(node, event),
                Output::Timeout(at) => {
                    self.timeouts.insert(node, at);
                    return;
                }
            }
        }
    }

    fn event(&mut self, node: Node, event: Event) {
        self.note(node, &format!("{event:?}"));
        if let Event::Forwarding(forwarding) = &event {
            match node {
                Node::Lma => self.lma_tables.apply(forwarding),
                Node::Mag(mag) => self.mag_tables[mag].apply(forwarding),
            }
        }
        self.events.push((self.now, node, event));
    }

    fn transmit(&mut self, node: Node, transmit: Transmit) {
        self.note(node, &super::trace::describe_transmit(&transmit));
        match node {
            Node::Lma => self.send_down(transmit),
            Node::Mag(mag) => self.send_up(mag, transmit),
        }
    }

    pub(super) fn note(&mut self, node: Node, what: &str) {
        let line = format!("{} {node:?}: {what}", self.now);
        if let Some(history) = &mut self.history {
            history.push(line.clone());
        }
        // Heartbeats would push out what matters.
        if what.contains("heartbeat re") || what.contains("heartbeat an") || what.contains("Rtt") {
            return;
        }
        if self.trace.len() == TRACE_TAIL {
            self.trace.pop_front();
        }
        self.trace.push_back(line);
    }
}

/// The address of control traffic at `address`.
pub fn control(address: IpAddr) -> SocketAddr {
    SocketAddr::new(address, CONTROL_PORT)
}
