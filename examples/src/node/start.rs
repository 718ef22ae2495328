//! Puts a node on Linux: opens everything it needs, in an order that leaves nothing behind when a
//! step fails.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use pmip_tunnel::{ForwardingTable, Role as TunnelRole};
use pmip_wire::types::Encapsulation;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::keep::{self, Keeper, Resumed};
use super::run::{Clock, Inbox};
use super::uplinks::kernel_device;
use super::{Node, NodeInput, Start};
use crate::config::node::{Engine, NodeConfig, Role, select, unserved};
use crate::control::http;
use crate::control::server::ControlSocket;
use crate::platform::access::LinuxAccess;
use crate::platform::dataplane::{DataPlane, DataPlaneConfig, DataPlaneEvent, Events};
use crate::platform::netlink::{Cleanup, LinuxKernel, Watch, watch};
use crate::platform::network::{NetworkEvent, NetworkState};
use crate::platform::ports::{KernelItem, Ports, Signalling, SocketKey};
use crate::platform::rights::{Right, require};
use crate::platform::signalling::LinuxSignalling;
use crate::platform::state_dir::{random_seed, restart};
use crate::platform::sysctl::Sysctls;

/// Our routing tables are numbered from here by the TUN device's own number, so that two nodes in
/// one namespace never share one.
const FIRST_TABLE: u32 = 118_000;
/// MTU of an underlay that is not ours to see.
const UNDERLAY_MTU: u16 = 1500;
/// Inputs that wait for their turn at most, of each kind.
const INBOX: usize = 1024;

/// Where a node's configuration comes from.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) file: PathBuf,
    pub(super) role: Role,
    pub(super) id: String,
}

impl Source {
    /// The node as its file has it now; `Err` is the whole complaint.
    fn read_again(&self) -> std::result::Result<NodeConfig, String> {
        let loaded = crate::config::load(&self.file).map_err(|report| report.render(false))?;
        let config = select(&loaded.config, self.role, Some(&self.id));
        let config = config.map_err(|errors| format!("{}: {errors}", self.file.display()))?;
        refuse_unserved(&config).map_err(|error| format!("{error:#}"))?;
        Ok(config)
    }
}

/// Where a node keeps what is not in its configuration file.
#[derive(Clone, Debug)]
pub(super) struct Places {
    pub(super) control: PathBuf,
    pub(super) state: PathBuf,
    pub(super) tun: String,
    pub(super) metrics: Option<SocketAddr>,
    pub(super) source: Source,
}

/// A node on Linux, with everything that must outlive it.
pub(super) struct Running {
    pub(super) node: Node,
    pub(super) inbox: Inbox,
    pub(super) clock: Clock,
    control: ControlSocket,
    keeper: Option<Keeper>,
    cleanup: Cleanup,
    sysctls: Sysctls,
}

impl Running {
    /// Takes everything back that was put into the kernel and the file system.
    pub(super) async fn clean_up(self) {
        if let (Some(keeper), Some(snapshot)) = (&self.keeper, self.node.engine().snapshot()) {
            keeper.finish(&snapshot);
        }
        // Addresses, rules and routes first: the TUN device goes with the node.
        self.cleanup.run().await;
        drop(self.node);
        drop(self.sysctls);
        drop(self.control);
    }
}

/// Opens everything. Call inside a tokio runtime of one thread, in the node's network namespace.
pub(super) async fn start(program: &str, config: NodeConfig, places: &Places) -> Result<Running> {
    require(program, &[Right::NetAdmin, Right::NetRaw])?;
    let (watch, links) = watch().await.context("reading the kernel's interfaces")?;
    let mut config = config;
    take_link_layer_identifiers(&mut config, &links)?;
    let control = ControlSocket::open(&places.control)
        .with_context(|| format!("opening the control socket {}", places.control.display()))?;
    let kernel = LinuxKernel::open().context("opening netlink")?;
    let cleanup = kernel.cleanup();
    let running = assemble(config, places, (watch, links), control, kernel).await;
    if running.is_err() {
        cleanup.run().await;
    }
    running
}

/// Everything that changes the kernel; the caller takes it back when a step fails.
async fn assemble(
    config: NodeConfig,
    places: &Places,
    (watch, links): (Watch, Vec<NetworkEvent>),
    mut control: ControlSocket,
    kernel: LinuxKernel,
) -> Result<Running> {
    let clock = Clock::start();
    let seed = random_seed().context("reading /dev/urandom")?;
    let resumed = match &config.engine {
        Engine::Lma(lma) => keep::resume(lma, &places.state, clock.anchor(), clock.now()),
        Engine::Mag(_) => Resumed {
            restart: restart(&places.state),
            snapshot: None,
        },
    };
    let keeper = match &config.engine {
        Engine::Lma(_) => Some(Keeper::new(&places.state, &config.id)),
        Engine::Mag(_) => None,
    };
    let start = Start {
        seed,
        anchor: clock.anchor(),
        restart: resumed.restart,
        snapshot: resumed.snapshot,
    };
    add_addresses(&config, &kernel).await?;
    let mut wanted = data_plane_config(&config, places, &clock, seed);
    wanted.tun_mtu = tun_mtu(&config, &links).unwrap_or(wanted.tun_mtu);
    let (data_plane, data_events) = start_data_plane(&config, wanted)?;
    let tun = data_plane.tun_name().to_owned();
    let sysctls = settle_kernel(&config, &tun);
    let index = nix::net::if_::if_nametoindex(tun.as_str())
        .with_context(|| format!("finding the TUN device {tun}"))?;
    let (datagram_sender, datagrams) = mpsc::channel(INBOX);
    let (frame_sender, frames) = mpsc::channel(INBOX);
    let (event_sender, events) = mpsc::channel(INBOX);
    let cleanup = kernel.cleanup();
    let ports = Ports {
        signalling: Box::new(open_signalling(&config, datagram_sender)?),
        tunnels: Box::new(data_plane),
        kernel: Box::new(kernel),
        access: Box::new(LinuxAccess::new(frame_sender)),
    };
    let table = FIRST_TABLE + index;
    let mut node = Node::new(config, start, clock.now(), ports, &tun, table)?;
    node.handle(clock.now(), NodeInput::Network(links));
    spawn_sources(watch, data_events, &event_sender)?;
    watch_signals(places.source.clone(), event_sender.clone())?;
    if let Some(keeper) = &keeper {
        keeper.keep_on(event_sender.clone());
    }
    if let Some(address) = places.metrics {
        let served = http::serve(address, event_sender.clone()).await;
        let address = served.with_context(|| format!("serving metrics at {address}"))?;
        tracing::info!("metrics are at http://{address}/metrics");
    }
    control.serve(event_sender);
    Ok(Running {
        node,
        inbox: Inbox {
            datagrams,
            frames,
            events,
        },
        clock,
        control,
        keeper,
        cleanup,
        sysctls,
    })
}

/// What a configuration may ask for and this version cannot do.
pub(super) fn refuse_unserved(config: &NodeConfig) -> Result<()> {
    let Engine::Lma(lma) = &config.engine else {
        return Ok(());
    };
    let unserved = unserved(lma);
    if !unserved.is_empty() {
        bail!("{}", unserved.join("\n"));
    }
    Ok(())
}

/// A logical mobile node is known to the anchor by the MAC address of its first network.
fn take_link_layer_identifiers(config: &mut NodeConfig, links: &[NetworkEvent]) -> Result<()> {
    let mut network = NetworkState::default();
    links.iter().for_each(|event| network.apply(event.clone()));
    let Engine::Mag(mag) = &mut config.engine else {
        return Ok(());
    };
    for node in &mut mag.logical_mobile_nodes {
        let Some(first) = node.mobile_networks.first() else {
            continue;
        };
        let device = &first.interface;
        let Some(link) = network.link(device) else {
            bail!(
                "{}: there is no interface {device} for its mobile network",
                node.nai
            );
        };
        let mac = link.mac.filter(|mac| *mac != [0; 6]);
        node.link_layer_identifier = mac.unwrap_or_else(|| made_up_mac(&node.nai));
    }
    Ok(())
}

/// A locally administered address that is the same at every start.
fn made_up_mac(name: &str) -> [u8; 6] {
    // FNV-1a, since it must never change.
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, octet| {
        (hash ^ u64::from(octet)).wrapping_mul(0x0100_0000_01b3)
    });
    let [_, _, _, a, b, c, d, e] = hash.to_be_bytes();
    [0x02, a, b, c, d, e]
}

async fn add_addresses(config: &NodeConfig, kernel: &LinuxKernel) -> Result<()> {
    for (device, address) in &config.addresses {
        let item = KernelItem::Address {
            device: kernel_device(device).to_owned(),
            address: address.address,
            length: address.length,
        };
        let what = item.to_string();
        kernel
            .add_now(item)
            .await
            .with_context(|| format!("adding {what}"))?;
    }
    Ok(())
}

fn data_plane_config(
    config: &NodeConfig,
    places: &Places,
    clock: &Clock,
    seed: [u8; 32],
) -> DataPlaneConfig {
    let role = match &config.engine {
        Engine::Lma(_) => TunnelRole::Lma,
        Engine::Mag(_) => TunnelRole::Mag,
    };
    let mut wanted = DataPlaneConfig::new(role, &places.tun);
    wanted.epoch = clock.epoch();
    // The engine's half of the seed stays its own.
    let [.., a, b, c, d, e, f, g, h] = seed;
    wanted.seed = u64::from_be_bytes([a, b, c, d, e, f, g, h]).rotate_left(32);
    wanted.mirror = config.flow_mirror();
    wanted.per_packet = config.per_packet();
    if let Engine::Lma(lma) = &config.engine {
        wanted.icmp_source_v4 = lma.ipv4_address;
        wanted.icmp_source_v6 = lma.ipv6_address;
    }
    wanted
}

/// `tunnel mtu`, else what the uplink with the largest MTU leaves, on an LMA the usual one; none
/// where neither is known.
fn tun_mtu(config: &NodeConfig, links: &[NetworkEvent]) -> Option<u16> {
    let Engine::Mag(mag) = &config.engine else {
        // What the table takes a path to carry whose underlay nobody knows. The kernel then answers
        // what is larger, from an address that correspondents can place.
        let usual = UNDERLAY_MTU.saturating_sub(Encapsulation::Ipv4Udp.overhead());
        return config.tunnel_mtu.or(Some(usual));
    };
    let overheads = mag.lmas.iter();
    let overhead = overheads.map(|lma| mag.encapsulation_with(lma).overhead());
    let overhead = u32::from(overhead.min().unwrap_or(0));
    let mut network = NetworkState::default();
    links.iter().for_each(|event| network.apply(event.clone()));
    let uplinks = config.uplinks.iter();
    let mtus = uplinks.filter_map(|uplink| Some(network.link(&uplink.egress)?.mtu));
    let largest = mtus.max().map(|mtu| mtu.saturating_sub(overhead));
    // IPv6 needs a link of 1,280 octets (RFC 8200 section 5).
    let largest = largest.map(|mtu| u16::try_from(mtu).unwrap_or(u16::MAX).max(1280));
    config.tunnel_mtu.or(largest)
}

fn start_data_plane(config: &NodeConfig, wanted: DataPlaneConfig) -> Result<(DataPlane, Events)> {
    let tun = wanted.tun_name.clone();
    let table = ForwardingTable::new(wanted.role);
    let started = DataPlane::start(wanted, table);
    let (data_plane, events) = started.with_context(|| {
        format!(
            "opening the TUN device {tun} (needs CAP_NET_ADMIN and /dev/net/tun; choose another name with --tun)"
        )
    })?;
    let mut data_plane = data_plane;
    for encapsulation in encapsulations(&config.engine) {
        data_plane.listen(encapsulation).with_context(|| {
            "opening raw sockets for tunnel packets (needs CAP_NET_RAW)".to_owned()
        })?;
    }
    for address in anchor_addresses(&config.engine) {
        data_plane
            .set_shared_socket(address)
            .with_context(|| not_ours("the data socket", address))?;
    }
    Ok((data_plane, events))
}

/// The addresses that an LMA is reached at: its own and its customers'.
fn anchor_addresses(engine: &Engine) -> Vec<IpAddr> {
    let Engine::Lma(lma) = engine else {
        return Vec::new();
    };
    let customers = lma.customers.iter();
    let ipv4 = customers
        .clone()
        .filter_map(|customer| customer.ipv4_address);
    let ipv6 = customers.filter_map(|customer| customer.ipv6_address);
    let ipv4 = lma.ipv4_address.into_iter().chain(ipv4).map(IpAddr::V4);
    let ipv6 = lma.ipv6_address.into_iter().chain(ipv6).map(IpAddr::V6);
    let all: BTreeSet<IpAddr> = ipv4.chain(ipv6).collect();
    all.into_iter().collect()
}

/// How packets may arrive. An anchor takes what its gateways agree on with it; a gateway that asks
/// for GRE may be granted it or not.
fn encapsulations(engine: &Engine) -> Vec<Encapsulation> {
    match engine {
        Engine::Lma(_) => {
            let addresses = anchor_addresses(engine).into_iter();
            addresses
                .map(|address| match address {
                    IpAddr::V4(_) => Encapsulation::Ipv4,
                    IpAddr::V6(_) => Encapsulation::Ipv6,
                })
                .collect()
        }
        Engine::Mag(mag) => {
            let anchors = mag.lmas.iter();
            anchors.map(|lma| mag.encapsulation_with(lma)).collect()
        }
    }
}

fn not_ours(what: &str, address: IpAddr) -> String {
    format!("opening {what} on {address} (is it an address of this machine?)")
}

/// Forwarding on, reverse-path filters loose. A container may forbid it; the operator is told.
fn settle_kernel(config: &NodeConfig, tun: &str) -> Sysctls {
    let mut sysctls = Sysctls::default();
    let uplinks: Vec<&str> = config.uplinks.iter().map(|u| u.egress.as_str()).collect();
    let told = |result: io::Result<()>| {
        if let Err(error) = result {
            tracing::warn!("cannot change a kernel setting, packets may not be forwarded: {error}");
        }
    };
    told(sysctls.enable_forwarding(&uplinks));
    for device in uplinks.iter().chain([&tun]) {
        told(sysctls.loosen_reverse_path_filter(device));
    }
    if let Engine::Lma(_) = &config.engine {
        told(sysctls.accept_own_source(tun));
    }
    sysctls
}

fn open_signalling(
    config: &NodeConfig,
    inbox: mpsc::Sender<pmip_binding::Datagram>,
) -> Result<LinuxSignalling> {
    let mut signalling = LinuxSignalling::new(inbox);
    for local in anchor_addresses(&config.engine) {
        let key = SocketKey {
            device: None,
            local,
        };
        signalling
            .open(&key)
            .with_context(|| not_ours("the signalling socket", local))?;
    }
    Ok(signalling)
}

/// Tasks that turn what happens outside into inputs.
fn spawn_sources(
    mut watch: Watch,
    mut data_events: Events,
    inbox: &mpsc::Sender<NodeInput>,
) -> Result<()> {
    let sender = inbox.clone();
    tokio::spawn(async move {
        loop {
            let events: Vec<NetworkEvent> = watch.next().await;
            let gone = events.is_empty();
            if gone {
                tracing::error!("netlink is gone: changes of interfaces go unnoticed from now on");
            }
            if gone || sender.send(NodeInput::Network(events)).await.is_err() {
                return;
            }
        }
    });
    let sender = inbox.clone();
    tokio::spawn(async move {
        while let Some(event) = data_events.recv().await {
            if sender.send(NodeInput::DataPlane(event)).await.is_err() {
                return;
            }
        }
        // The worker is gone, and its last word may have found the queue full.
        let gone = NodeInput::DataPlane(DataPlaneEvent::TunClosed);
        let _ = sender.send(gone).await;
    });
    Ok(())
}

/// SIGTERM and SIGINT end the node, SIGHUP makes it read its configuration again.
fn watch_signals(source: Source, inbox: mpsc::Sender<NodeInput>) -> Result<()> {
    let (mut terminate, mut interrupt) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    let mut hang_up = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => break,
                _ = interrupt.recv() => break,
                _ = hang_up.recv() => match source.read_again() {
                    Ok(config) => {
                        let _ = inbox.send(NodeInput::Configure(Box::new(config))).await;
                    }
                    Err(complaint) => tracing::error!("the configuration stays as it was: {complaint}"),
                },
            }
        }
        let _ = inbox.send(NodeInput::Shutdown).await;
    });
    Ok(())
}
