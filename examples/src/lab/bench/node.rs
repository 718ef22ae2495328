//! One tunnel end of the benchmark: the data plane with a fixed table, in a process of its own so
//! that its processor time can be read.

use std::io::{self, BufRead, Write};
use std::net::{IpAddr, SocketAddr};

use anyhow::{Context, Result, anyhow};
use pmip_tunnel::{ForwardingTable, Role, SessionKey, TunnelPath, TunnelSession};
use pmip_wire::types::{Encapsulation, IpPrefix, PathId};

use super::topology::INNER_MTU;
use crate::platform::dataplane::{DATA_PORT, DataPlane, DataPlaneConfig};

/// Name of the TUN device.
pub(super) const TUN: &str = "pmip0";

/// What a node is told on its command line, as JSON.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct NodeSpec {
    pub(super) lma: bool,
    /// The prefixes of the one session.
    pub(super) prefixes: Vec<IpPrefix>,
    pub(super) paths: Vec<NodePath>,
    /// MTU in octets of the networks between MAG and LMA.
    pub(super) underlay_mtu: u16,
}

/// One path as a node sees it.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct NodePath {
    pub(super) interface: Option<String>,
    pub(super) local: IpAddr,
    pub(super) remote: IpAddr,
}

/// Runs a node until standard input ends. Each line there is the number of paths that are usable
/// from now on; each is answered with a line.
pub(super) fn run(spec: &NodeSpec) -> Result<()> {
    let role = if spec.lma { Role::Lma } else { Role::Mag };
    let table = table(spec, role, spec.paths.len());
    let mut config = DataPlaneConfig::new(role, TUN);
    config.tun_mtu = INNER_MTU;
    let (mut plane, _events) =
        DataPlane::start(config, table).context("starting the data plane")?;
    for (path, at) in spec.paths.iter().zip(1..) {
        match &path.interface {
            Some(interface) => plane.set_path_socket(PathId(at), Some(interface), path.local)?,
            None if at == 1 => plane.set_shared_socket(path.local)?,
            None => {}
        }
    }
    answer(&serde_json::to_string(&plane.offload())?)?;
    for line in io::stdin().lock().lines() {
        let usable = line?
            .trim()
            .parse()
            .map_err(|_| anyhow!("not a number of paths"))?;
        plane.publish(self::table(spec, role, usable));
        answer(&serde_json::to_string(&plane.stats())?)?;
    }
    Ok(())
}

fn answer(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

fn table(spec: &NodeSpec, role: Role, usable: usize) -> ForwardingTable {
    let mut table = ForwardingTable::new(role);
    table.set_underlay_mtu(spec.underlay_mtu);
    let mut paths = Vec::new();
    for (path, at) in spec.paths.iter().zip(1u32..) {
        let remote = SocketAddr::new(path.remote, DATA_PORT);
        let id = PathId(at);
        let mut tunnel = TunnelPath::new(id, role, path.local, remote, Encapsulation::Ipv4Udp);
        tunnel.usable = paths.len() < usable;
        table.set_path(tunnel);
        paths.push(id);
    }
    table.set_session(TunnelSession::new(
        SessionKey(1),
        spec.prefixes.clone(),
        paths,
    ));
    table
}
