//! What carries packets between MAG and LMA, and how to switch to it.

use std::net::IpAddr;
use std::time::Duration;

use anyhow::Result;
use pmip_wire::types::Encapsulation;

use super::daemon::{Daemon, Node};
use super::node::{NodePath, NodeSpec};
use super::peers::{OPENVPN, VXLAN_ENDS, VXLAN_ENDS6, Wireguard, openvpn, vxlan, wireguard};
use super::topology::{
    LINKS, LMA, LMA6, PATHS, PATHS6, Topology, UNDERLAY_MTU, prefixes, prefixes6,
};
use crate::platform::dataplane::DATA_PORT;

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
    /// wireguard-go, which encrypts.
    Wireguard,
    /// Ours over one path, IPv4-UDP.
    OnePath,
    /// Ours over two paths, IPv4-UDP, with four TCP streams.
    TwoPaths,
    /// Ours over one path, IPv6 in IPv6, by raw sockets.
    Ipv6,
    /// Ours over one path, GRE over IPv4, by raw sockets.
    Gre,
}

impl Carrier {
    pub(super) const ALL: [Self; 8] = [
        Self::Routing,
        Self::Vxlan,
        Self::Openvpn,
        Self::Wireguard,
        Self::OnePath,
        Self::TwoPaths,
        Self::Ipv6,
        Self::Gre,
    ];
    /// Ours.
    pub(super) const OWN: [Self; 4] = [Self::OnePath, Self::TwoPaths, Self::Ipv6, Self::Gre];
    /// What ours are compared with.
    pub(super) const PEERS: [Self; 4] =
        [Self::Routing, Self::Vxlan, Self::Openvpn, Self::Wireguard];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Routing => "plain routing",
            Self::Vxlan => "kernel VXLAN",
            Self::Openvpn => "openvpn, no cipher",
            Self::Wireguard => "wireguard-go",
            Self::OnePath => "pmip, one path",
            Self::TwoPaths => "pmip, two paths",
            Self::Ipv6 => "pmip, IPv6-in-IPv6",
            Self::Gre => "pmip, GRE",
        }
    }

    pub(super) const fn streams(self) -> usize {
        match self {
            Self::TwoPaths => 4,
            Self::Routing
            | Self::Vxlan
            | Self::Openvpn
            | Self::Wireguard
            | Self::OnePath
            | Self::Ipv6
            | Self::Gre => 1,
        }
    }

    /// Which of our pairs of tunnel ends carries it, and over how many paths.
    const fn own(self) -> Option<(usize, usize)> {
        match self {
            Self::OnePath => Some((0, 1)),
            Self::TwoPaths => Some((0, 2)),
            Self::Ipv6 => Some((1, 1)),
            Self::Gre => Some((2, 1)),
            Self::Routing | Self::Vxlan | Self::Openvpn | Self::Wireguard => None,
        }
    }
}

/// Our pairs of tunnel ends: encapsulation, device, UDP port (which all have, used or not).
const PAIRS: [(Encapsulation, &str, u16); 3] = [
    (Encapsulation::Ipv4Udp, "pmip0", DATA_PORT),
    (Encapsulation::Ipv6, "pmip6", DATA_PORT),
    (Encapsulation::GreIpv4, "pmipgre", DATA_PORT + 1),
];

/// All carriers, ready to be switched to.
pub(super) struct Carriers<'a> {
    topology: &'a Topology,
    nodes: [[Node; 2]; 3],
    openvpn: Result<[Daemon; 2]>,
    wireguard: Result<Wireguard>,
}

impl<'a> Carriers<'a> {
    pub(super) fn start(topology: &'a Topology, workers: Option<usize>) -> Result<Self> {
        vxlan(&topology.mag, 0)?;
        vxlan(&topology.lma, 1)?;
        let [udp, ipv6, gre] = PAIRS.map(|pair| nodes(topology, pair, workers));
        Ok(Self {
            topology,
            nodes: [udp?, ipv6?, gre?],
            openvpn: openvpn(topology),
            wireguard: wireguard(topology),
        })
    }

    pub(super) fn available(&self) -> impl Iterator<Item = Carrier> + use<> {
        let absent: Vec<_> = self
            .absent()
            .into_iter()
            .map(|(absent, _)| absent)
            .collect();
        Carrier::ALL
            .into_iter()
            .filter(move |carrier| !absent.contains(carrier))
    }

    /// What cannot be measured here, and why.
    pub(super) fn absent(&self) -> Vec<(Carrier, String)> {
        let openvpn = self.openvpn.as_ref().err();
        let wireguard = self.wireguard.as_ref().err();
        [(Carrier::Openvpn, openvpn), (Carrier::Wireguard, wireguard)]
            .into_iter()
            .filter_map(|(carrier, error)| Some((carrier, format!("{:#}", error?))))
            .collect()
    }

    /// Routes the hosts' traffic through `carrier`.
    pub(super) fn switch_to(&mut self, carrier: Carrier) -> Result<()> {
        let devices = match carrier {
            Carrier::Routing => return self.route_by(PATHS[0], PATHS6[0]),
            Carrier::Vxlan => {
                let (mag, lma) = VXLAN_ENDS;
                let (mag6, lma6) = VXLAN_ENDS6;
                let ends = (mag.into(), lma.into());
                return self.route_by(ends, (mag6.into(), lma6.into()));
            }
            Carrier::Openvpn => [OPENVPN, OPENVPN].map(str::to_owned),
            Carrier::Wireguard => match &self.wireguard {
                Ok(wireguard) => wireguard.names.clone(),
                Err(_) => return Ok(()),
            },
            Carrier::OnePath | Carrier::TwoPaths | Carrier::Ipv6 | Carrier::Gre => {
                let device = carrier.own().map_or("", |(pair, _)| PAIRS[pair].1);
                [device, device].map(str::to_owned)
            }
        };
        for (up, down) in [prefixes()?, prefixes6()?] {
            let [at_mag, at_lma] = &devices;
            self.topology.mag.add_route(up, None, Some(at_mag))?;
            self.topology.lma.add_route(down, None, Some(at_lma))?;
        }
        let Some((pair, paths)) = carrier.own() else {
            return Ok(());
        };
        self.nodes[pair]
            .iter_mut()
            .try_for_each(|node| node.use_paths(paths))
    }

    /// Routes by gateways: the MAG's and the LMA's end, over IPv4 and over IPv6.
    fn route_by(&self, ipv4: (IpAddr, IpAddr), ipv6: (IpAddr, IpAddr)) -> Result<()> {
        for ((up, down), (mag, lma)) in [(prefixes()?, ipv4), (prefixes6()?, ipv6)] {
            self.topology.mag.add_route(up, Some(lma), None)?;
            self.topology.lma.add_route(down, Some(mag), None)?;
        }
        Ok(())
    }

    /// Processor time that the carrier's daemons have used.
    pub(super) fn processor_time(&self, carrier: Carrier) -> Result<Duration> {
        let all = |daemons: &[Daemon]| daemons.iter().map(Daemon::processor_time).sum();
        match carrier {
            Carrier::Routing | Carrier::Vxlan => Ok(Duration::ZERO),
            Carrier::Openvpn => self
                .openvpn
                .as_ref()
                .map_or(Ok(Duration::ZERO), |both| all(both)),
            Carrier::Wireguard => match &self.wireguard {
                Ok(wireguard) => all(&wireguard.daemons),
                Err(_) => Ok(Duration::ZERO),
            },
            Carrier::OnePath | Carrier::TwoPaths | Carrier::Ipv6 | Carrier::Gre => {
                let (pair, _) = carrier.own().unwrap_or_default();
                let nodes = self.nodes[pair].iter();
                nodes.map(|node| node.daemon.processor_time()).sum()
            }
        }
    }
}

fn nodes(
    topology: &Topology,
    (encapsulation, tun, port): (Encapsulation, &str, u16),
    workers: Option<usize>,
) -> Result<[Node; 2]> {
    let ((_, down), (_, down6)) = (prefixes()?, prefixes6()?);
    let spec = |lma| NodeSpec {
        lma,
        tun: tun.to_owned(),
        encapsulation,
        port,
        workers,
        prefixes: vec![down, down6],
        underlay_mtu: UNDERLAY_MTU,
        paths: node_paths(lma, encapsulation.is_ipv4_transport()),
    };
    Ok([
        Node::start(&topology.mag, &spec(false))?,
        Node::start(&topology.lma, &spec(true))?,
    ])
}

fn node_paths(lma: bool, ipv4: bool) -> Vec<NodePath> {
    let (paths, anchor) = match ipv4 {
        true => (PATHS, LMA),
        false => (PATHS6, LMA6),
    };
    paths
        .into_iter()
        .zip(LINKS)
        .map(|((care_of, _), (wan, _))| match lma {
            true => NodePath {
                interface: None,
                local: anchor,
                remote: care_of,
            },
            false => NodePath {
                interface: Some(wan.to_owned()),
                local: care_of,
                remote: anchor,
            },
        })
        .collect()
}
