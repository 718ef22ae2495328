//! What a scenario may do to a domain and see of it, whichever way the domain is built.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde::Serialize;

use super::spec::DomainSpec;
use super::traffic::{Direction, Traffic};

/// A running domain: correspondent, LMA, WAN paths, MAG and host.
///
/// Paths are spoken of by the position of their WAN, from 0; nodes number paths as they like.
pub trait Domain {
    /// How it is built.
    fn topology(&self) -> Topology;

    /// What it was built from.
    fn spec(&self) -> &DomainSpec;

    /// Time since the domain started; virtual in the simulation.
    fn now(&self) -> Duration;

    /// Lets time pass.
    ///
    /// # Errors
    /// [`LabError::Interrupted`] at Ctrl-C, and [`LabError::Domain`] when a node died.
    fn run_for(&mut self, span: Duration) -> Result<(), LabError>;

    /// The paths as `node` shows them, in order of WAN.
    ///
    /// # Errors
    /// [`LabError::Domain`] when the node does not answer.
    fn paths(&mut self, node: Node) -> Result<Vec<PathRow>, LabError>;

    /// The sessions as `node` shows them.
    ///
    /// # Errors
    /// [`LabError::Domain`] when the node does not answer.
    fn sessions(&mut self, node: Node) -> Result<Vec<SessionRow>, LabError>;

    /// The inner flows that `node` sends into tunnels, with the path of each.
    ///
    /// # Errors
    /// [`LabError::Domain`] when the node does not answer.
    fn flows(&mut self, node: Node) -> Result<Vec<FlowRow>, LabError>;

    /// Gives the host behind the MAG its address, with the MAG's as default router.
    ///
    /// # Errors
    /// [`LabError::Domain`] when the system refuses.
    fn attach_host(
        &mut self,
        host: Ipv4Addr,
        router: Ipv4Addr,
        prefix_length: u8,
    ) -> Result<(), LabError>;

    /// Changes a WAN link.
    ///
    /// # Errors
    /// [`LabError::Domain`] when the system refuses.
    fn set_wan(&mut self, wan: usize, state: WanState) -> Result<(), LabError>;

    /// Starts `flows` echo flows, one request every `interval` in each, between the host and as
    /// many addresses of the correspondent.
    ///
    /// # Errors
    /// [`LabError::Domain`] when the system refuses.
    fn start_pings(
        &mut self,
        direction: Direction,
        flows: usize,
        interval: Duration,
    ) -> Result<(), LabError>;

    /// Opens `connections` bulk TCP transfers that send in `direction`, each opened by its sender.
    ///
    /// # Errors
    /// [`LabError::Domain`] when the system refuses.
    fn start_transfers(&mut self, direction: Direction, connections: usize)
    -> Result<(), LabError>;

    /// Bits per second that each transfer sends at most, where it is paced.
    fn pace(&self) -> Option<u64>;

    /// What the traffic tools measured so far.
    fn traffic(&self) -> Traffic;

    /// Stops the traffic tools.
    fn stop_traffic(&mut self);
}

/// How a domain is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Topology {
    /// Network namespaces and the real programs.
    Netns,
    /// The same engines on in-memory links in virtual time.
    Sim,
}

impl fmt::Display for Topology {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Netns => "netns",
            Self::Sim => "sim",
        })
    }
}

/// One of the two programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Node {
    /// The mobile access gateway.
    Mag,
    /// The local mobility anchor.
    Lma,
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mag => "MAG",
            Self::Lma => "LMA",
        })
    }
}

/// What is done to a WAN link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WanState {
    /// It carries packets.
    Up,
    /// The MAG's interface loses its carrier.
    Cut,
    /// Interfaces stay up, packets vanish in both directions.
    BlackHole,
}

/// One path as a node shows it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PathRow {
    /// Position of its WAN, from 0.
    pub wan: usize,
    /// `up`, `down`, `registering`, `nat-changed`, or `absent` where the node knows no such path.
    pub state: String,
    /// Round-trip time from heartbeats, milliseconds.
    pub rtt_ms: Option<f64>,
    /// Inner octets sent into the tunnel.
    pub tx_bytes: u64,
    /// Inner octets received from the tunnel.
    pub rx_bytes: u64,
    /// Flows remembered on it.
    pub flows: u64,
}

impl PathRow {
    /// A path that the node does not know.
    pub fn absent(wan: usize) -> Self {
        Self {
            wan,
            state: "absent".to_owned(),
            rtt_ms: None,
            tx_bytes: 0,
            rx_bytes: 0,
            flows: 0,
        }
    }

    /// Whether it may carry traffic.
    pub fn is_up(&self) -> bool {
        self.state == "up"
    }
}

/// One mobility session as a node shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SessionRow {
    /// The NAI.
    pub mn_id: String,
    /// Delegated mobile network prefixes, `address/length`.
    pub delegated: Vec<String>,
}

/// One inner flow and its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct FlowRow {
    /// IP protocol number.
    pub protocol: u8,
    /// Inner source and port.
    pub source: SocketAddr,
    /// Inner destination and port.
    pub destination: SocketAddr,
    /// Position of the WAN it uses; `None` for a path we do not know.
    pub wan: Option<usize>,
}

impl FlowRow {
    /// Whether it is the flow of packets from `source` to `destination` of `protocol`.
    pub fn is(&self, protocol: u8, source: SocketAddr, destination: SocketAddr) -> bool {
        self.protocol == protocol && self.source == source && self.destination == destination
    }

    /// The flow's text: `10.0.0.1:5000 > 203.0.113.2:7000`.
    pub fn label(&self) -> String {
        format!("{} > {}", self.source, self.destination)
    }
}

/// Why a scenario could not go on. A claim that does not hold is not an error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LabError {
    /// Ctrl-C or SIGTERM.
    #[error("interrupted")]
    Interrupted,
    /// Something around the programs failed: namespaces, sockets, a node that died.
    #[error("{0}")]
    Domain(String),
}

impl LabError {
    /// Something failed while doing `what`.
    pub fn domain(what: &str, error: impl fmt::Display) -> Self {
        Self::Domain(format!("{what}: {error}"))
    }
}

/// The IPv4 address with host number `number` in the prefix that starts at `network`.
pub(super) fn host_address(network: Ipv4Addr, number: u32) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(network).wrapping_add(number))
}

/// `address/length` as an IPv4 network.
pub(super) fn parse_ipv4_prefix(text: &str) -> Option<(Ipv4Addr, u8)> {
    let (address, length) = text.split_once('/')?;
    let address: IpAddr = address.parse().ok()?;
    let length: u8 = length.parse().ok()?;
    match address {
        IpAddr::V4(address) => Some((address, length)),
        IpAddr::V6(_) => None,
    }
}
