//! The Linux data plane: one TUN device, sockets for each path, worker threads between them.
//!
//! UDP has a socket for each path; what UDP does not carry goes out by a raw socket of the path and
//! comes in by raw sockets of nobody, one for each protocol number.
//!
//! The control thread owns the [`ForwardingTable`], changes its copy and hands a snapshot over
//! with [`DataPlane::publish`]; workers read the latest snapshot once a batch, without locks.
//! Everything else (sockets that come and go, questions, `Local` packets to send) is a message.
//!
//! Sockets are opened in the calling thread, so in its network namespace, and an error comes back
//! at once. The TUN device is opened in the namespace of the thread that calls
//! [`DataPlane::start`].

mod icmp;
mod outer;
mod pool;
mod raw;
mod rx;
mod sockets;
mod standing;
mod tun;
mod tx;
mod udp;
mod underlay;
mod worker;

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use pmip_policy::{FlowKey, FlowTableConfig, Reason, Spread};
use pmip_tunnel::encap::Carrier;
use pmip_tunnel::{
    Forwarder, ForwarderConfig, ForwardingTable, Role, SegmentArena, UnderlayProblem,
};
use pmip_wire::types::{Encapsulation, Instant, PathId};
use tokio::sync::mpsc;

use icmp::IcmpListener;
use pool::Pool;
use raw::{RawReceiver, RawSender};
use sockets::{Listener, Sockets};
use tun::Tun;
use udp::{DataSocket, Serves};
use underlay::Underlays;
use worker::{Command, Worker};

/// UDP port of tunnelled data (RFC 5844 section 4.1.3).
pub const DATA_PORT: u16 = 5437;

/// Inner MTU of an IPv4-UDP tunnel over an Ethernet: 1500 less 28.
const DEFAULT_TUN_MTU: u16 = 1472;

/// What the data plane needs to start.
#[derive(Clone, Debug)]
pub struct DataPlaneConfig {
    /// Name of the TUN device, at most 15 octets.
    pub tun_name: String,
    /// Which end this node is.
    pub role: Role,
    /// MTU of the TUN device: the inner MTU of the paths ([`ForwardingTable::path_mtu`]), the
    /// largest where they differ. What exceeds it the kernel answers itself, with the address that
    /// its sender knows us by; what fits it but not its path the forwarder answers.
    pub tun_mtu: u16,
    /// UDP port of tunnelled data, [`DATA_PORT`].
    pub data_port: u16,
    /// Source of the ICMPv4 errors that we send to inner hosts.
    pub icmp_source_v4: Option<Ipv4Addr>,
    /// Source of the ICMPv6 errors that we send to inner hosts.
    pub icmp_source_v6: Option<Ipv6Addr>,
    /// Which kernel offloads to try. What the kernel lacks is given up silently.
    pub offload: Offload,
    /// Worker threads, at least 1: each has a queue of the TUN device and a share of the flows.
    pub workers: usize,
    /// Most flows remembered at a time.
    pub flow_capacity: usize,
    /// A flow without packets for this long is forgotten.
    pub flow_idle: Duration,
    /// Packets spread over the paths, not flows (`per-packet`).
    pub per_packet: bool,
    /// A flow is answered on the path where it last arrived (`flow-mirror`).
    pub mirror: bool,
    /// Keys the flow hash; random, so that nobody can aim at one path.
    pub seed: u64,
    /// Moment 0 of [`Instant`]: share it with the engines so that both speak of one clock.
    pub epoch: std::time::Instant,
}

impl DataPlaneConfig {
    /// The usual settings for `role` and a TUN device called `tun_name`.
    pub fn new(role: Role, tun_name: impl Into<String>) -> Self {
        Self {
            tun_name: tun_name.into(),
            role,
            tun_mtu: DEFAULT_TUN_MTU,
            data_port: DATA_PORT,
            icmp_source_v4: None,
            icmp_source_v6: None,
            offload: Offload::default(),
            workers: 1,
            flow_capacity: 100_000,
            flow_idle: Duration::from_secs(300),
            per_packet: false,
            mirror: false,
            seed: 0,
            epoch: std::time::Instant::now(),
        }
    }
}

/// Which kernel offloads are wanted, or were granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Offload {
    /// TUN hands over and takes super-packets (`IFF_VNET_HDR`, `TUNSETOFFLOAD`).
    pub tun: bool,
    /// One send carries many datagrams (`UDP_SEGMENT`).
    pub gso: bool,
    /// One receive carries many datagrams (`UDP_GRO`).
    pub gro: bool,
}

impl Default for Offload {
    fn default() -> Self {
        Self {
            tun: true,
            gso: true,
            gro: true,
        }
    }
}

/// What the workers tell the control side.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum DataPlaneEvent {
    /// A packet that came through `path` for the tunnel's own end: heartbeat or probe.
    Local {
        /// The path it came through.
        path: PathId,
        /// Its outer source: behind a NAT the mapping of tunnelled packets.
        from: SocketAddr,
        /// When its batch was read.
        received: Instant,
        /// The inner IP packet.
        packet: Bytes,
    },
    /// A heartbeat for this end from an outer source that no path has (LMA): perhaps a gateway
    /// whose NAT mapping is not known yet.
    Stranger {
        /// Its outer source.
        from: SocketAddr,
        /// When its batch was read.
        received: Instant,
        /// The inner IP packet.
        packet: Bytes,
    },
    /// A path's socket failed; reported at most once a second for each path and error.
    /// Nothing stops: the path state decides.
    SocketError {
        /// Whose socket.
        path: PathId,
        /// What failed (`ENETUNREACH`, `EMSGSIZE`, `ENETDOWN`, ...).
        error: SocketError,
        /// How often since the last report.
        count: u64,
    },
    /// A network said that packets of a path do not get through; repeated at most once a second.
    Underlay {
        /// Whose packets.
        path: PathId,
        /// What it said.
        problem: UnderlayProblem,
        /// The largest outer packet in octets, where it said that.
        mtu: Option<u16>,
    },
    /// The TUN device is gone; the data plane has stopped.
    TunClosed,
}

/// An error of a path's socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SocketError {
    /// No route, network or host unreachable, interface down or gone.
    Unreachable,
    /// The datagram is larger than the path takes.
    TooBig,
    /// The kernel's queues are full.
    NoBuffers,
    /// A firewall or policy refused it.
    Refused,
    /// Another error, by its errno.
    Other(i32),
}

/// One path's counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct PathStats {
    /// Inner packets sent.
    pub tx_packets: u64,
    /// Inner octets sent.
    pub tx_bytes: u64,
    /// Inner packets received.
    pub rx_packets: u64,
    /// Inner octets received.
    pub rx_bytes: u64,
    /// Flows that use the path now.
    pub flows: u64,
    /// Sends that failed.
    pub tx_errors: u64,
}

/// All counters at one moment.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct DataPlaneStats {
    /// By path, in order of [`PathId`].
    pub paths: Vec<(PathId, PathStats)>,
    /// Dropped packets by reason, in plain words, in order of name; zero counts are left out.
    pub drops: Vec<(String, u64)>,
    /// Flows remembered.
    pub flows: u64,
    /// ICMP errors sent to inner hosts.
    pub icmp_sent: u64,
}

/// One remembered flow.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct FlowRow {
    /// Inner source.
    pub source: IpAddr,
    /// Inner destination.
    pub destination: IpAddr,
    /// IP protocol number.
    pub protocol: u8,
    /// Source port, 0 where the protocol has none.
    pub source_port: u16,
    /// Destination port, 0 where the protocol has none.
    pub destination_port: u16,
    /// The path it uses.
    pub path: PathId,
    /// Packets seen.
    pub packets: u64,
    /// Octets seen.
    pub bytes: u64,
    /// Milliseconds since its last packet.
    pub idle_ms: u64,
    /// Why it is on this path.
    pub reason: Reason,
    /// The mobile-map entry that decided, 1 to 255; 0 is the default class.
    pub rule: u8,
    /// How often it moved since it began.
    pub moves: u16,
    /// Milliseconds on this path.
    pub on_path_ms: u64,
}

/// What the flow table says of one flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowAnswer {
    /// The hash that places it.
    pub hash: u64,
    /// Where it is; none where the table does not know it.
    pub known: Option<FlowRow>,
}

/// The running data plane. Dropping it stops the workers and removes the TUN device.
#[derive(Debug)]
pub struct DataPlane {
    tun_name: String,
    data_port: u16,
    wanted: Offload,
    offload: Offload,
    snapshot: Arc<ArcSwap<ForwardingTable>>,
    pool: Pool,
    listens: Listens,
}

/// Which listeners are open: over IPv6, over IPv4.
#[derive(Clone, Copy, Debug, Default)]
struct Listens {
    data: [bool; 2],
    errors: [bool; 2],
}

/// Where [`DataPlaneEvent`]s come out; await [`mpsc::Receiver::recv`].
pub type Events = mpsc::Receiver<DataPlaneEvent>;

/// Events that may wait for the control side; what comes on top is lost, heartbeats come again.
const EVENT_QUEUE: usize = 1024;

impl DataPlane {
    /// Opens the TUN device, starts the workers and returns the handle and its events.
    ///
    /// The device comes up with its MTU set, without addresses or routes: those are the caller's.
    ///
    /// # Errors
    /// What the kernel said; a missing right (`CAP_NET_ADMIN`) is `PermissionDenied`.
    pub fn start(config: DataPlaneConfig, table: ForwardingTable) -> io::Result<(Self, Events)> {
        let queues = Tun::open_queues(
            &config.tun_name,
            config.tun_mtu,
            config.offload.tun,
            config.workers,
        )?;
        let first = queues.first().ok_or(io::ErrorKind::InvalidInput)?;
        let tun_name = first.name()?;
        let offload = Offload {
            tun: first.offload(),
            ..config.offload
        };
        let (events, received) = mpsc::channel(EVENT_QUEUE);
        let snapshot = Arc::new(ArcSwap::from_pointee(table));
        let mut pool = Pool::default();
        for tun in queues {
            pool.add(|wake, commands| Worker {
                tun,
                wake,
                commands,
                events: events.clone(),
                snapshot: Arc::clone(&snapshot),
                forwarder: Forwarder::new(forwarder_config(&config)),
                sockets: Sockets::default(),
                arena: SegmentArena::new(),
                room: Vec::new(),
                // Any start but one that a restart repeats.
                identification: config.seed as u32,
                port: config.data_port,
                underlay: Underlays::new(),
                epoch: config.epoch,
            })?;
        }
        let plane = Self {
            tun_name,
            data_port: config.data_port,
            wanted: config.offload,
            offload,
            snapshot,
            pool,
            listens: Listens::default(),
        };
        Ok((plane, received))
    }

    /// The TUN device's name as the kernel gave it.
    pub fn tun_name(&self) -> &str {
        &self.tun_name
    }

    /// The offloads in use; those of sockets as asked for, until a socket shows that the kernel
    /// lacks them.
    pub fn offload(&self) -> Offload {
        self.offload
    }

    /// Makes `table` the snapshot that workers use from their next batch on. When this returns,
    /// the snapshot is published: an acknowledgement may go out.
    pub fn publish(&self, table: ForwardingTable) {
        self.snapshot.store(Arc::new(table));
    }

    /// Opens what packets of `encapsulation` arrive by where UDP does not carry them, and ICMP
    /// errors about them: sockets that belong to no path and stay open. Call it before the first
    /// signalling, since without them the kernel refuses what our peers send. Opening again does
    /// nothing.
    ///
    /// # Errors
    /// What the kernel said; a missing right (`CAP_NET_RAW`) is `PermissionDenied`.
    pub fn listen(&mut self, encapsulation: Encapsulation) -> io::Result<()> {
        let ipv4 = encapsulation.is_ipv4_transport();
        let in_udp = Carrier::of(encapsulation) == Some(Carrier::Udp);
        let family = usize::from(ipv4);
        if !self.listens.errors[family] {
            let listener = IcmpListener::open(ipv4)?;
            self.pool
                .tell_first(Command::Listen(Listener::Errors(listener)));
            self.listens.errors[family] = true;
        }
        if !in_udp && !self.listens.data[family] {
            for receiver in RawReceiver::open_all(ipv4)? {
                self.pool
                    .tell_first(Command::Listen(Listener::Data(receiver)));
            }
            self.listens.data[family] = true;
        }
        Ok(())
    }

    /// Opens the data sockets of `path`: bound to `local` and the data port, and to `interface`
    /// where one is given (a MAG's roaming interface). Replaces the path's earlier sockets. What
    /// carries no UDP has raw sockets alone.
    ///
    /// # Errors
    /// What the kernel said: the address is not there (yet), the interface does not exist.
    pub fn set_path_socket(
        &mut self,
        path: PathId,
        interface: Option<&str>,
        local: IpAddr,
    ) -> io::Result<()> {
        self.remove_path_socket(path);
        self.add_socket(Serves::Path(path), interface, local)
    }

    /// Opens the sockets shared by all paths that have none of their own: an LMA's, bound to its
    /// address and the data port. May be called for several addresses; a path uses the one that
    /// equals its `local`.
    ///
    /// # Errors
    /// What the kernel said.
    pub fn set_shared_socket(&mut self, local: IpAddr) -> io::Result<()> {
        self.pool
            .ask_all(|done| Command::RemoveSharedSocket(local, done));
        self.add_socket(Serves::Shared, None, local)
    }

    /// Closes the data sockets of `path`. Closing what does not exist is no error.
    pub fn remove_path_socket(&mut self, path: PathId) {
        self.pool
            .ask_all(|done| Command::RemovePathSocket(path, done));
    }

    /// Sends `packet`, an inner IP packet between the tunnel's own ends, through `path` whatever
    /// its state; over UDP to `outer`, where given, instead of the path's other end. Dropped and
    /// counted when the path or its socket is not there.
    pub fn send_local(&self, path: PathId, outer: Option<SocketAddr>, packet: Bytes) {
        self.pool
            .tell_first(Command::SendLocal(path, outer, packet));
    }

    /// Sends `packet`, a probe of the path's MTU: as [`Self::send_local`], but with Don't Fragment
    /// set whatever its size.
    pub fn send_probe(&self, path: PathId, packet: Bytes) {
        self.pool.tell_first(Command::SendProbe(path, packet));
    }

    /// The counters now. Takes as long as a worker's batch, well under 10 ms; empty when the
    /// workers have stopped.
    pub fn stats(&self) -> DataPlaneStats {
        let all = self.pool.ask_all(Command::Stats);
        all.into_iter()
            .reduce(DataPlaneStats::plus)
            .unwrap_or_default()
    }

    /// How many inner packets each path sent so far; far cheaper than [`Self::stats`].
    pub fn sent(&self) -> Vec<(PathId, u64)> {
        let mut sent = BTreeMap::new();
        for (path, packets) in self.pool.ask_all(Command::Sent).into_iter().flatten() {
            *sent.entry(path).or_default() += packets;
        }
        sent.into_iter().collect()
    }

    /// At most `limit` remembered flows.
    pub fn flows(&self, limit: usize) -> Vec<FlowRow> {
        let all = self.pool.ask_all(|reply| Command::Flows(limit, reply));
        all.into_iter().flatten().take(limit).collect()
    }

    /// What the flow table says of the flow `key` of the session numbered `scope`; none when the
    /// workers have stopped.
    pub fn explain(&self, key: FlowKey, scope: u32) -> Option<FlowAnswer> {
        let all = self
            .pool
            .ask_all(|reply| Command::Explain(key, scope, reply));
        all.into_iter().max_by_key(|answer| answer.known.is_some())
    }

    /// Spreads packets or flows, and mirrors flows, from now on. Where one of them differs all flows
    /// are placed anew.
    pub fn set_flow_rules(&self, per_packet: bool, mirror: bool) {
        self.pool
            .tell_all(|| Some(Command::SetFlowRules { per_packet, mirror }));
    }

    /// Forgets all flows: each is placed anew by its next packet.
    pub fn clear_flows(&self) {
        self.pool.tell_all(|| Some(Command::ClearFlows));
    }

    fn add_socket(
        &mut self,
        serves: Serves,
        interface: Option<&str>,
        local: IpAddr,
    ) -> io::Result<()> {
        let raw = RawSender::open(serves, interface, local)?;
        // No RFC carries inner packets in UDP over IPv6.
        if local.is_ipv4() {
            self.add_data_sockets(serves, interface, local)?;
        }
        let mut copies = self.pool.places().map(|_| raw.try_clone());
        let copies = copies.by_ref().collect::<io::Result<Vec<_>>>()?;
        let mut copies = copies.into_iter();
        self.pool.tell_all(|| copies.next().map(Command::AddRaw));
        Ok(())
    }

    /// Every worker sends; a path's own socket is received from by one of them, of shared sockets
    /// each has its own, among which the kernel spreads the peers.
    fn add_data_sockets(
        &mut self,
        serves: Serves,
        interface: Option<&str>,
        local: IpAddr,
    ) -> io::Result<()> {
        let many = self.pool.places().len() > 1;
        let open = || DataSocket::open(serves, interface, local, self.data_port, self.wanted, many);
        let sockets: Vec<DataSocket> = match serves {
            Serves::Shared => self
                .pool
                .places()
                .map(|_| open())
                .collect::<io::Result<_>>()?,
            Serves::Path(path) => {
                let first = open()?;
                let reader = path.0 as usize % self.pool.places().len().max(1);
                let copies = self.pool.places().map(|at| first.try_clone(at == reader));
                copies.collect::<io::Result<_>>()?
            }
        };
        if let Some(socket) = sockets.first() {
            self.offload.gso = socket.gso();
            self.offload.gro = socket.gro();
        }
        let mut sockets = sockets.into_iter();
        self.pool
            .tell_all(|| sockets.next().map(Command::AddSocket));
        Ok(())
    }
}

impl DataPlaneStats {
    /// Both together.
    fn plus(mut self, other: Self) -> Self {
        let mut paths: BTreeMap<PathId, PathStats> = self.paths.into_iter().collect();
        for (path, more) in other.paths {
            paths.entry(path).or_default().add(&more);
        }
        let mut drops: BTreeMap<String, u64> = self.drops.into_iter().collect();
        for (reason, count) in other.drops {
            *drops.entry(reason).or_default() += count;
        }
        self.paths = paths.into_iter().collect();
        self.drops = drops.into_iter().collect();
        self.flows += other.flows;
        self.icmp_sent += other.icmp_sent;
        self
    }
}

impl PathStats {
    const fn add(&mut self, more: &Self) {
        self.tx_packets += more.tx_packets;
        self.tx_bytes += more.tx_bytes;
        self.rx_packets += more.rx_packets;
        self.rx_bytes += more.rx_bytes;
        self.flows += more.flows;
        self.tx_errors += more.tx_errors;
    }
}

const fn spread(per_packet: bool) -> Spread {
    match per_packet {
        true => Spread::Packets,
        false => Spread::Flows,
    }
}

fn forwarder_config(config: &DataPlaneConfig) -> ForwarderConfig {
    let mut forwarder = ForwarderConfig::default();
    let max_flows = u32::try_from(config.flow_capacity).unwrap_or(u32::MAX);
    forwarder.flows = FlowTableConfig::default()
        .with_max_flows(max_flows)
        .with_tcp_idle(config.flow_idle)
        .with_idle(config.flow_idle.min(Duration::from_secs(60)))
        .with_mirror(config.mirror)
        .with_spread(spread(config.per_packet));
    forwarder.tell_prohibited = true;
    forwarder.seed = config.seed;
    forwarder.icmp_source_v4 = config.icmp_source_v4;
    forwarder.icmp_source_v6 = config.icmp_source_v6;
    forwarder
}
