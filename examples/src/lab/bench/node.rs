//! One tunnel end of the benchmark: the data plane with a fixed table, in a process of its own so
//! that its processor time can be read.

use std::io::{self, BufRead, Write};
use std::net::{IpAddr, SocketAddr};

use anyhow::{Context, Result, anyhow};
use pmip_tunnel::encap::Carrier;
use pmip_tunnel::{ForwardingTable, PathKeys, Role, SessionKey, TunnelPath, TunnelSession};
use pmip_wire::types::{Encapsulation, IpPrefix, PathId};

use super::topology::INNER_MTU;
use crate::platform::dataplane::{DataPlane, DataPlaneConfig};

/// What a node is told on its command line, as JSON.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct NodeSpec {
    pub(super) lma: bool,
    /// Name of the TUN device.
    pub(super) tun: String,
    pub(super) encapsulation: Encapsulation,
    /// UDP port, which a node binds whether its encapsulation uses it or not.
    pub(super) port: u16,
    /// Worker threads; without it the usual number.
    pub(super) workers: Option<usize>,
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
    let mut config = DataPlaneConfig::new(role, spec.tun.clone());
    config.tun_mtu = INNER_MTU;
    config.data_port = spec.port;
    if let Some(workers) = spec.workers {
        config.workers = workers;
    }
    let (mut plane, _events) =
        DataPlane::start(config, table).context("starting the data plane")?;
    plane.listen(spec.encapsulation)?;
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
        let port = match Carrier::of(spec.encapsulation) {
            Some(Carrier::Udp) => spec.port,
            _ => 0,
        };
        let remote = SocketAddr::new(path.remote, port);
        let id = PathId(at);
        let mut tunnel = TunnelPath::new(id, role, path.local, remote, spec.encapsulation);
        tunnel.usable = paths.len() < usable;
        table.set_path(tunnel);
        paths.push(id);
    }
    let keys = match Carrier::of(spec.encapsulation) {
        Some(Carrier::Gre) => paths
            .iter()
            .map(|path| PathKeys::new(*path, 1, 2))
            .collect(),
        _ => Vec::new(),
    };
    let session = TunnelSession::new(SessionKey(1), spec.prefixes.clone(), paths);
    table.set_session(session.with_keys(keys));
    table
}
