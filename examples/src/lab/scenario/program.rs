//! A third program: the libraries alone, in front of the LMA's program.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use pmip_binding::config::{
    LmaPeer, LogicalMobileNode, MobileNetwork, PrefixRequest, RoamingInterface,
};
use pmip_binding::{
    Carrier, ClockAnchor, Datagram, Event, Input, InterfaceChange, InterfaceState, Mag, MagConfig,
    Output, SessionEvent, Transmit,
};
use pmip_wire::types::{Encapsulation, Instant, IpPrefix};

use super::addresses::{Family, anchor, care_of};
use super::lab::{Lab, PATIENCE};
use super::{Break, Plan, Scenario, Stop, claim, line};
use crate::lab::domain::LabError;

pub(super) const SCENARIOS: &[Scenario] = &[LIBRARIES];

const NAI: &str = "third@lab.example";
/// How long a datagram is waited for at a time.
const TURN: Duration = Duration::from_millis(20);

const LIBRARIES: Scenario = Scenario {
    name: "libraries",
    claim: "a program of a hundred lines on the libraries registers with the LMA's program",
    claims: &[
        claim(
            "registered",
            "its gateway engine is told of a session with delegated networks",
            &[74],
        ),
        claim(
            "binding",
            "the LMA shows the same networks in a binding with one care-of address",
            &[74],
        ),
        claim(
            "alive",
            "the LMA's heartbeats are answered by it: the path is up",
            &[74],
        ),
        claim("gone", "when it de-registers, the binding goes", &[74]),
    ],
    breaks: &[
        Break {
            name: "stranger",
            damage: "the LMA has no profile for its mobile node",
            falls: "registered",
            edits: &[line("LMA1", "nai @lab.example", "nai @other.example")],
        },
        Break {
            name: "no-heartbeat",
            damage: "the LMA sends no heartbeats",
            falls: "alive",
            edits: &[line("LMA1", "heartbeat interval-ms 200 retries 1", "")],
        },
    ],
    plan: || {
        let mut plan = Plan::standard(1).starting_later("MAG1");
        plan.config("LMA1").node("bce delete-wait-time 100");
        plan
    },
    play: libraries,
};

/// A gateway made of the engine and a socket.
struct Gateway {
    engine: Mag,
    socket: UdpSocket,
    local: SocketAddr,
    start: std::time::Instant,
    wake: Option<Instant>,
    delegated: Vec<IpPrefix>,
}

impl Gateway {
    fn new(lab: &Lab<'_>) -> anyhow::Result<Self> {
        let local = SocketAddr::new(care_of(1, 1, Family::V4), 5436);
        let space = lab.network().space("MAG1")?;
        let socket = space.run(|| UdpSocket::bind(local))??;
        socket.set_read_timeout(Some(TURN))?;
        let clock = ClockAnchor {
            instant: Instant::ZERO,
            unix: SystemTime::now().duration_since(UNIX_EPOCH)?,
        };
        let mut gateway = Self {
            engine: Mag::new(config(), [74; 32], clock, Instant::ZERO)?,
            socket,
            local,
            start: std::time::Instant::now(),
            wake: None,
            delegated: Vec::new(),
        };
        gateway.interface(InterfaceState::Up(local.ip()))?;
        Ok(gateway)
    }

    fn now(&self) -> Instant {
        Instant::ZERO + self.start.elapsed()
    }

    fn interface(&mut self, state: InterfaceState) -> anyhow::Result<()> {
        let change = InterfaceChange {
            binding_id: 1,
            state,
        };
        self.engine
            .handle_input(self.now(), Input::Interface(change));
        self.outputs()
    }

    /// Waits for one datagram or deadline, and does what the engine wants.
    fn turn(&mut self) -> anyhow::Result<()> {
        let mut buffer = [0; 2048];
        if let Ok((length, source)) = self.socket.recv_from(&mut buffer) {
            let payload = Bytes::copy_from_slice(buffer.get(..length).unwrap_or_default());
            let datagram = Datagram::new(Carrier::Udp, source, self.local, payload);
            self.engine
                .handle_input(self.now(), Input::Signalling(datagram));
        }
        if self.wake.is_some_and(|at| at <= self.now()) {
            self.engine.handle_input(self.now(), Input::Timeout);
        }
        self.outputs()
    }

    fn outputs(&mut self) -> anyhow::Result<()> {
        loop {
            match self.engine.poll_output() {
                Output::Transmit(Transmit {
                    destination,
                    payload,
                    ..
                }) => {
                    self.socket.send_to(&payload, destination)?;
                }
                Output::Event(Event::Session(SessionEvent::Up { delegated, .. })) => {
                    self.delegated = delegated;
                }
                Output::Timeout(at) => {
                    self.wake = at;
                    return Ok(());
                }
                Output::Event(_) | _ => {}
            }
        }
    }
}

fn config() -> MagConfig {
    let mut peer = LmaPeer::new("LMA1");
    if let IpAddr::V4(address) = anchor(1, Family::V4) {
        peer.ipv4_address = Some(address);
    }
    let mut node = LogicalMobileNode::new(NAI, [2, 0, 0, 0, 0, 74]);
    let prefixes = vec![PrefixRequest::LearnIpv4, PrefixRequest::LearnIpv6];
    node.mobile_networks = vec![MobileNetwork::new("lan1", prefixes)];
    let mut config = MagConfig::new("THIRD");
    config.encapsulation = Encapsulation::Ipv4Udp;
    config.multipath = true;
    config.lmas = vec![peer];
    config.roaming_interfaces = vec![RoamingInterface::new("wan1", 1, 8)];
    config.logical_mobile_nodes = vec![node];
    config
}

fn libraries(lab: &mut Lab<'_>) -> Result<(), Stop> {
    let wrong = |error| LabError::domain("the third program", error);
    let mut gateway = Gateway::new(lab).map_err(wrong)?;
    lab.until("it is told of its session", PATIENCE, |_| {
        gateway.turn().map_err(wrong)?;
        Ok(!gateway.delegated.is_empty())
    })?;
    let delegated = gateway.delegated.clone();
    lab.claim("registered", delegated.len() == 2, format!("{delegated:?}"))?;
    let row = lab.binding("LMA1", NAI)?;
    let shown = row.map(|row| (row.dmnp, row.paths.len()));
    lab.claim(
        "binding",
        shown == Some((delegated, 1)),
        format!("{shown:?}"),
    )?;
    let mut counts = None;
    let alive = lab.until("three answered heartbeats", PATIENCE, |lab| {
        gateway.turn().map_err(wrong)?;
        let row = lab.binding("LMA1", NAI)?;
        let paths = row.map_or_else(Vec::new, |row| row.paths);
        let Some(path) = paths.first() else {
            return Ok(false);
        };
        counts = path
            .heartbeat
            .as_ref()
            .map(|beat| (beat.sent, beat.received));
        let answered = path
            .heartbeat
            .as_ref()
            .is_some_and(|beat| beat.received >= 3);
        Ok(path.usable && answered)
    })?;
    lab.claim(
        "alive",
        alive.is_some(),
        format!("heartbeats sent and answered: {counts:?}"),
    )?;
    let leave = pmip_binding::Command::Shutdown;
    gateway
        .engine
        .handle_input(gateway.now(), Input::Command(leave));
    gateway.outputs().map_err(wrong)?;
    let gone = lab.until("the binding is gone", PATIENCE, |lab| {
        gateway.turn().map_err(wrong)?;
        Ok(lab.binding("LMA1", NAI)?.is_none())
    })?;
    lab.claim("gone", gone.is_some(), "as `show bindings` has it")
}
