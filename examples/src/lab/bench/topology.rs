//! host - MAG = two veth paths = LMA - peer, in four network namespaces.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

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
/// The same over IPv6.
pub(super) const HOST6: IpAddr = v6(0xa, 2);
pub(super) const PEER6: IpAddr = v6(0xb, 0x80);
pub(super) const LMA6: IpAddr = v6(0xff, 1);
pub(super) const PATHS6: [(IpAddr, IpAddr); 2] =
    [(v6(0x11, 1), v6(0x11, 2)), (v6(0x12, 1), v6(0x12, 2))];
/// Interfaces of the paths at the MAG and at the LMA.
pub(super) const LINKS: [(&str, &str); 2] = [("wan1", "lan1"), ("wan2", "lan2")];
/// MTU of the paths: inner packets of 1500 octets fit with every carrier's headers.
pub(super) const UNDERLAY_MTU: u16 = 1600;
pub(super) const INNER_MTU: u16 = 1500;

const MAG_ACCESS: IpAddr = v4(10, 1, 0, 1);
const LMA_CORE: IpAddr = v4(192, 0, 2, 1);
const MAG_ACCESS6: IpAddr = v6(0xa, 1);
const LMA_CORE6: IpAddr = v6(0xb, 1);

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
            (&self.host, "eth0", [HOST, HOST6]),
            (&self.mag, "access", [MAG_ACCESS, MAG_ACCESS6]),
            inner,
        )?;
        link(
            (&self.lma, "core", [LMA_CORE, LMA_CORE6]),
            (&self.peer, "eth0", [PEER, PEER6]),
            inner,
        )?;
        for (((mag, lma), (mag6, lma6)), (wan, lan)) in PATHS.into_iter().zip(PATHS6).zip(LINKS) {
            let at_mag = (&self.mag, wan, [mag, mag6]);
            link(at_mag, (&self.lma, lan, [lma, lma6]), outer)?;
        }
        self.lma.add_address("lo", LMA, 32)?;
        self.lma.add_address("lo", LMA6, 128)
    }

    fn route(&self) -> Result<()> {
        for router in [&self.mag, &self.lma] {
            router.sysctl("ipv4/ip_forward", "1")?;
            router.sysctl("ipv6/conf/all/forwarding", "1")?;
            for scope in ["all", "default"] {
                router.sysctl(&format!("ipv4/conf/{scope}/rp_filter"), "0")?;
            }
        }
        let default = IpPrefix::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0)?;
        self.host.add_route(default, Some(MAG_ACCESS), None)?;
        self.peer.add_route(default, Some(LMA_CORE), None)?;
        let default6 = IpPrefix::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 0)?;
        self.host.add_route(default6, Some(MAG_ACCESS6), None)?;
        self.peer.add_route(default6, Some(LMA_CORE6), None)?;
        for (to, paths) in [(LMA, PATHS), (LMA6, PATHS6)] {
            for ((_, lma), metric) in paths.into_iter().zip(1..) {
                let to = IpPrefix::host(to);
                self.mag
                    .add_route_with_metric(to, Some(lma), None, metric)?;
            }
        }
        Ok(())
    }
}

/// The hosts' prefixes: what a carrier routes up, and down.
pub(super) fn prefixes() -> Result<(IpPrefix, IpPrefix)> {
    Ok((IpPrefix::new(PEER, 24)?, IpPrefix::new(HOST, 24)?))
}

/// The same over IPv6.
pub(super) fn prefixes6() -> Result<(IpPrefix, IpPrefix)> {
    Ok((IpPrefix::new(PEER6, 64)?, IpPrefix::new(HOST6, 64)?))
}

/// A namespace, its interface, and the addresses of that: IPv4, IPv6.
type End<'a> = (&'a Netns, &'a str, [IpAddr; 2]);

fn link(a: End<'_>, b: End<'_>, mtu: u32) -> Result<()> {
    veth_pair((a.0, a.1), (b.0, b.1))?;
    for (namespace, name, [ipv4, ipv6]) in [a, b] {
        namespace.set_mtu(name, mtu)?;
        namespace.set_link_up(name, true)?;
        namespace.add_address(name, ipv4, 24)?;
        namespace.add_address(name, ipv6, 64)?;
    }
    Ok(())
}

const fn v4(a: u8, b: u8, c: u8, d: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(a, b, c, d))
}

/// An address of 2001:db8:NETWORK::/64.
const fn v6(network: u16, host: u16) -> IpAddr {
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, network, 0, 0, 0, 0, host))
}
