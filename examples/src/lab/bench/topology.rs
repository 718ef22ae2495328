//! host - MAG = two veth paths = LMA - peer, in four network namespaces.

use std::net::{IpAddr, Ipv4Addr};

use anyhow::Result;
use pmip_wire::types::IpPrefix;

use crate::platform::netns::{Netns, sweep_stale, veth_pair};

pub(super) const HOST: IpAddr = v4(10, 1, 0, 2);
pub(super) const PEER: IpAddr = v4(192, 0, 2, 80);
/// The LMA's tunnel address, reached over both paths.
pub(super) const LMA: IpAddr = v4(10, 255, 0, 1);
/// Ends of the paths at the MAG and at the LMA.
pub(super) const PATHS: [(IpAddr, IpAddr); 2] = [
    (v4(172, 16, 1, 1), v4(172, 16, 1, 2)),
    (v4(172, 16, 2, 1), v4(172, 16, 2, 2)),
];
/// Interfaces of the paths at the MAG and at the LMA.
pub(super) const LINKS: [(&str, &str); 2] = [("wan1", "lan1"), ("wan2", "lan2")];
/// MTU of the paths: inner packets of 1500 octets fit with every carrier's headers.
pub(super) const UNDERLAY_MTU: u16 = 1600;
pub(super) const INNER_MTU: u16 = 1500;

const MAG_ACCESS: IpAddr = v4(10, 1, 0, 1);
const LMA_CORE: IpAddr = v4(192, 0, 2, 1);

pub(super) struct Topology {
    pub(super) host: Netns,
    pub(super) mag: Netns,
    pub(super) lma: Netns,
    pub(super) peer: Netns,
}

impl Topology {
    /// Makes the namespaces; they go when this is dropped.
    pub(super) fn build() -> Result<Self> {
        let _ = sweep_stale();
        let topology = Self {
            host: Netns::create("bench-host")?,
            mag: Netns::create("bench-mag")?,
            lma: Netns::create("bench-lma")?,
            peer: Netns::create("bench-peer")?,
        };
        topology.join()?;
        topology.route()?;
        Ok(topology)
    }

    fn join(&self) -> Result<()> {
        let (inner, outer) = (INNER_MTU.into(), UNDERLAY_MTU.into());
        link(
            (&self.host, "eth0", HOST),
            (&self.mag, "access", MAG_ACCESS),
            inner,
        )?;
        link(
            (&self.lma, "core", LMA_CORE),
            (&self.peer, "eth0", PEER),
            inner,
        )?;
        for ((mag, lma), (wan, lan)) in PATHS.into_iter().zip(LINKS) {
            link((&self.mag, wan, mag), (&self.lma, lan, lma), outer)?;
        }
        self.lma.add_address("lo", LMA, 32)
    }

    fn route(&self) -> Result<()> {
        for router in [&self.mag, &self.lma] {
            router.sysctl("ipv4/ip_forward", "1")?;
            for scope in ["all", "default"] {
                router.sysctl(&format!("ipv4/conf/{scope}/rp_filter"), "0")?;
            }
        }
        let default = IpPrefix::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0)?;
        self.host.add_route(default, Some(MAG_ACCESS), None)?;
        self.peer.add_route(default, Some(LMA_CORE), None)?;
        for ((_, lma), metric) in PATHS.into_iter().zip(1..) {
            let to = IpPrefix::host(LMA);
            self.mag
                .add_route_with_metric(to, Some(lma), None, metric)?;
        }
        Ok(())
    }
}

/// The hosts' prefixes: what a carrier routes up, and down.
pub(super) fn prefixes() -> Result<(IpPrefix, IpPrefix)> {
    Ok((IpPrefix::new(PEER, 24)?, IpPrefix::new(HOST, 24)?))
}

type End<'a> = (&'a Netns, &'a str, IpAddr);

fn link(a: End<'_>, b: End<'_>, mtu: u32) -> Result<()> {
    veth_pair((a.0, a.1), (b.0, b.1))?;
    for (namespace, name, address) in [a, b] {
        namespace.set_mtu(name, mtu)?;
        namespace.set_link_up(name, true)?;
        namespace.add_address(name, address, 24)?;
    }
    Ok(())
}

const fn v4(a: u8, b: u8, c: u8, d: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(a, b, c, d))
}
