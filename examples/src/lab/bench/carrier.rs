//! What carries packets between MAG and LMA, and how to switch to it.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use rtnetlink::LinkVxlan;

use super::node::{NodePath, NodeSpec, TUN};
use super::node_command;
use super::topology::{INNER_MTU, LINKS, LMA, PATHS, Topology, UNDERLAY_MTU, prefixes};
use crate::platform::netns::Netns;

const VXLAN: &str = "vxlan0";
const OPENVPN: &str = "ovpn0";
const VXLAN_ENDS: (Ipv4Addr, Ipv4Addr) =
    (Ipv4Addr::new(10, 200, 0, 1), Ipv4Addr::new(10, 200, 0, 2));
const OPENVPN_ENDS: (Ipv4Addr, Ipv4Addr) =
    (Ipv4Addr::new(10, 201, 0, 1), Ipv4Addr::new(10, 201, 0, 2));
/// How long a daemon may take to make its device.
const START_TIMEOUT: Duration = Duration::from_secs(5);

/// One way to carry packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Carrier {
    /// Routing without a tunnel: the limit.
    Routing,
    /// The kernel's VXLAN tunnel.
    Vxlan,
    /// openvpn without cipher and authentication: the like-for-like userland peer.
    Openvpn,
    /// Ours over one path.
    OnePath,
    /// Ours over two paths, with four TCP streams.
    TwoPaths,
}

impl Carrier {
    pub(super) const ALL: [Self; 5] = [
        Self::Routing,
        Self::Vxlan,
        Self::Openvpn,
        Self::OnePath,
        Self::TwoPaths,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Routing => "plain routing",
            Self::Vxlan => "kernel VXLAN",
            Self::Openvpn => "openvpn, no cipher",
            Self::OnePath => "pmip, one path",
            Self::TwoPaths => "pmip, two paths",
        }
    }

    pub(super) const fn streams(self) -> usize {
        match self {
            Self::TwoPaths => 4,
            Self::Routing | Self::Vxlan | Self::Openvpn | Self::OnePath => 1,
        }
    }
}

/// All carriers, ready to be switched to.
pub(super) struct Carriers<'a> {
    topology: &'a Topology,
    nodes: [Node; 2],
    openvpn: Option<[Daemon; 2]>,
}

impl<'a> Carriers<'a> {
    pub(super) fn start(topology: &'a Topology) -> Result<Self> {
        vxlan(&topology.mag, 0)?;
        vxlan(&topology.lma, 1)?;
        let (_, down) = prefixes()?;
        let spec = |lma| NodeSpec {
            lma,
            prefixes: vec![down],
            underlay_mtu: UNDERLAY_MTU,
            paths: node_paths(lma),
        };
        let nodes = [
            Node::start(&topology.mag, &spec(false))?,
            Node::start(&topology.lma, &spec(true))?,
        ];
        let openvpn = openvpn(topology).ok();
        Ok(Self {
            topology,
            nodes,
            openvpn,
        })
    }

    pub(super) fn available(&self) -> impl Iterator<Item = Carrier> + use<> {
        let openvpn = self.openvpn.is_some();
        Carrier::ALL
            .into_iter()
            .filter(move |carrier| *carrier != Carrier::Openvpn || openvpn)
    }

    /// What is not installed here.
    pub(super) fn absent(&self) -> Vec<Carrier> {
        let available: Vec<_> = self.available().collect();
        Carrier::ALL
            .into_iter()
            .filter(|carrier| !available.contains(carrier))
            .collect()
    }

    /// Routes the hosts' traffic through `carrier`.
    pub(super) fn switch_to(&mut self, carrier: Carrier) -> Result<()> {
        let (up, down) = prefixes()?;
        let gateways = |mag: IpAddr, lma: IpAddr| ((Some(lma), None), (Some(mag), None));
        let device = |name| ((None, Some(name)), (None, Some(name)));
        let ((up_gateway, up_link), (down_gateway, down_link)) = match carrier {
            Carrier::Routing => gateways(PATHS[0].0, PATHS[0].1),
            Carrier::Vxlan => gateways(VXLAN_ENDS.0.into(), VXLAN_ENDS.1.into()),
            Carrier::Openvpn => device(OPENVPN),
            Carrier::OnePath | Carrier::TwoPaths => device(TUN),
        };
        self.topology.mag.add_route(up, up_gateway, up_link)?;
        self.topology.lma.add_route(down, down_gateway, down_link)?;
        let paths = match carrier {
            Carrier::TwoPaths => 2,
            Carrier::Routing | Carrier::Vxlan | Carrier::Openvpn | Carrier::OnePath => 1,
        };
        self.nodes
            .iter_mut()
            .try_for_each(|node| node.use_paths(paths))
    }

    /// Processor time that the carrier's daemons have used.
    pub(super) fn processor_time(&self, carrier: Carrier) -> Result<Duration> {
        match carrier {
            Carrier::Routing | Carrier::Vxlan => Ok(Duration::ZERO),
            Carrier::Openvpn => {
                let daemons = self.openvpn.iter().flatten();
                daemons.map(|daemon| daemon.processor_time()).sum()
            }
            Carrier::OnePath | Carrier::TwoPaths => self
                .nodes
                .iter()
                .map(|node| node.daemon.processor_time())
                .sum(),
        }
    }
}

fn node_paths(lma: bool) -> Vec<NodePath> {
    PATHS
        .into_iter()
        .zip(LINKS)
        .map(|((care_of, _), (wan, _))| match lma {
            true => NodePath {
                interface: None,
                local: LMA,
                remote: care_of,
            },
            false => NodePath {
                interface: Some(wan.to_owned()),
                local: care_of,
                remote: LMA,
            },
        })
        .collect()
}

/// The VXLAN device of one end: 0 is the MAG's, 1 the LMA's.
fn vxlan(namespace: &Netns, end: usize) -> Result<()> {
    let (mag, lma) = PATHS[0];
    let (local, remote, own, link) = match end {
        0 => (mag, lma, VXLAN_ENDS.0, LINKS[0].0),
        _ => (lma, mag, VXLAN_ENDS.1, LINKS[0].1),
    };
    let (IpAddr::V4(local), IpAddr::V4(remote)) = (local, remote) else {
        return Err(anyhow!("paths are IPv4"));
    };
    let index = namespace.link_index(link)?;
    namespace
        .netlink(async |handle| {
            let message = LinkVxlan::new(VXLAN, 42)
                .dev(index)
                .local(local)
                .remote(remote)
                .port(4789)
                .build();
            Ok(handle.link().add(message).execute().await?)
        })
        .context("making a VXLAN device")?;
    namespace.set_mtu(VXLAN, INNER_MTU.into())?;
    namespace.set_link_up(VXLAN, true)?;
    namespace.add_address(VXLAN, own.into(), 24)
}

/// A program that ends when this is dropped.
struct Daemon(Child);

impl Daemon {
    fn processor_time(&self) -> Result<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0.id()))
            .context("reading a daemon's processor time: has it ended?")?;
        // The name in parentheses may hold spaces; user and system time are fields 14 and 15.
        let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        let ticks: u64 = after_name
            .split_whitespace()
            .skip(11)
            .take(2)
            .filter_map(|field| field.parse::<u64>().ok())
            .sum();
        let per_second = nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK)?.unwrap_or(100);
        Ok(Duration::from_secs_f64(ticks as f64 / per_second as f64))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// One of our tunnel ends.
struct Node {
    daemon: Daemon,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    paths: usize,
}

impl Node {
    fn start(namespace: &Netns, spec: &NodeSpec) -> Result<Self> {
        let mut command = node_command(spec)?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut daemon = Daemon(namespace.spawn(command)?);
        let input = daemon.0.stdin.take().context("a node's input")?;
        let output = daemon.0.stdout.take().context("a node's output")?;
        let mut node = Self {
            daemon,
            input,
            output: BufReader::new(output),
            paths: spec.paths.len(),
        };
        node.answer()?;
        Ok(node)
    }

    fn use_paths(&mut self, paths: usize) -> Result<()> {
        if self.paths == paths {
            return Ok(());
        }
        self.paths = paths;
        writeln!(self.input, "{paths}")?;
        self.answer()
    }

    fn answer(&mut self) -> Result<()> {
        let mut line = String::new();
        match self.output.read_line(&mut line)? {
            0 => Err(anyhow!("a tunnel end ended; its message is above")),
            _ => Ok(()),
        }
    }
}

fn openvpn(topology: &Topology) -> Result<[Daemon; 2]> {
    let (mag, lma) = PATHS[0];
    let (at_mag, at_lma) = OPENVPN_ENDS;
    let start = |namespace: &Netns, local: IpAddr, remote: IpAddr, own: Ipv4Addr, to: Ipv4Addr| {
        let mut command = Command::new("openvpn");
        command
            .args(["--dev", OPENVPN, "--dev-type", "tun", "--proto", "udp"])
            .args(["--cipher", "none", "--auth", "none"])
            .args(["--local", &local.to_string()])
            .args(["--remote", &remote.to_string()])
            .args(["--ifconfig", &own.to_string(), &to.to_string()])
            .args(["--tun-mtu", "1500", "--mssfix", "0", "--verb", "0"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        namespace.spawn(command).map(Daemon)
    };
    let mut daemons = [
        start(&topology.mag, mag, lma, at_mag, at_lma)?,
        start(&topology.lma, lma, mag, at_lma, at_mag)?,
    ];
    let deadline = Instant::now() + START_TIMEOUT;
    let up = |namespace: &Netns| -> Result<bool> {
        namespace.run(|| Path::new("/proc/sys/net/ipv4/conf").join(OPENVPN).exists())
    };
    while !(up(&topology.mag)? && up(&topology.lma)?) {
        let ended = daemons
            .iter_mut()
            .any(|daemon| daemon.0.try_wait().is_ok_and(|status| status.is_some()));
        if ended || Instant::now() > deadline {
            return Err(anyhow!("openvpn does not start here"));
        }
        thread::sleep(Duration::from_millis(50));
    }
    Ok(daemons)
}
