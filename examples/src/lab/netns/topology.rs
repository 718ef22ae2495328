//! The namespaces of the domain and the links between them.
//!
//! ```text
//! correspondent --core-- lma ==lma/wanN== wanN ==mag/wanN== mag --lan-- host
//! ```

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use pmip_wire::types::IpPrefix;
use rtnetlink::RouteMessageBuilder;

use crate::lab::domain::{LabError, Node, WanState};
use crate::lab::node_config::LAN;
use crate::lab::spec::{CORE_LENGTH, DomainSpec, LMA_ADDRESS, LMA_ADDRESS_V6, WanSpec};
use crate::platform::netns::{Netns, veth_pair};

/// Interface of the LMA towards the correspondent.
const CORE: &str = "core";
/// The only interface of an end host.
const ETH: &str = "eth0";
/// A WAN router's interface towards the MAG.
const TO_MAG: &str = "mag";
/// A WAN router's interface towards the LMA.
const TO_LMA: &str = "lma";

/// All namespaces; dropping it removes them.
pub(super) struct Topology {
    pub(super) correspondent: Netns,
    pub(super) lma: Netns,
    pub(super) wans: Vec<Netns>,
    pub(super) mag: Netns,
    pub(super) host: Netns,
}

impl Topology {
    /// Makes the namespaces and everything in them but the programs.
    ///
    /// # Errors
    /// What the kernel refused.
    pub(super) fn build(spec: &DomainSpec) -> Result<Self, LabError> {
        let topology = Self::namespaces(spec).map_err(refused)?;
        topology.routers().map_err(refused)?;
        topology.core(spec).map_err(refused)?;
        // First, so that the MAG's WAN interfaces have other indexes than their peers: the kernel
        // holds back the carrier of a veth for up to a second when both are equal.
        topology.access().map_err(refused)?;
        for (wan, namespace) in spec.wans.iter().zip(&topology.wans) {
            topology.wan(spec, wan, namespace).map_err(refused)?;
        }
        Ok(topology)
    }

    /// Gives the host its address and the MAG the router's, unless the MAG has it already.
    ///
    /// # Errors
    /// What the kernel refused.
    pub(super) fn attach_host(
        &self,
        host: Ipv4Addr,
        router: Ipv4Addr,
        length: u8,
    ) -> Result<(), LabError> {
        // The program may have added it: then the kernel says that it exists.
        let _ = self.mag.add_address(LAN, router.into(), length);
        self.host
            .add_address(ETH, host.into(), length)
            .map_err(refused)?;
        default_route(&self.host, router, ETH, 0).map_err(refused)
    }

    /// Changes a WAN link.
    ///
    /// # Errors
    /// What the kernel refused.
    pub(super) fn set_wan(&self, wan: usize, state: WanState) -> Result<(), LabError> {
        let Some(router) = self.wans.get(wan) else {
            return Ok(());
        };
        let forwards = if state == WanState::BlackHole {
            "0"
        } else {
            "1"
        };
        for key in ["ipv4/ip_forward", "ipv6/conf/all/forwarding"] {
            router.sysctl(key, forwards).map_err(refused)?;
        }
        // The far end of a veth that is down takes the carrier of the near one.
        router
            .set_link_up(TO_MAG, state != WanState::Cut)
            .map_err(refused)
    }

    /// Names of the namespaces, from correspondent to host.
    pub(super) fn names(&self) -> Vec<&str> {
        let ends = [&self.correspondent, &self.lma].into_iter();
        let all = ends.chain(&self.wans).chain([&self.mag, &self.host]);
        all.map(Netns::name).collect()
    }

    fn namespaces(spec: &DomainSpec) -> anyhow::Result<Self> {
        let wans = spec.wans.iter().map(|wan| Netns::create(wan.name));
        Ok(Self {
            correspondent: Netns::create("correspondent")?,
            lma: Netns::create("lma")?,
            wans: wans.collect::<anyhow::Result<_>>()?,
            mag: Netns::create("mag")?,
            host: Netns::create("host")?,
        })
    }

    /// Forwarding on, reverse path filters off: replies may leave by another WAN.
    fn routers(&self) -> anyhow::Result<()> {
        for router in [&self.lma, &self.mag].into_iter().chain(&self.wans) {
            router.sysctl("ipv4/ip_forward", "1")?;
            router.sysctl("ipv6/conf/all/forwarding", "1")?;
            // Addresses are there at once, and stay when a link is taken down, as those of IPv4 do.
            for scope in ["all", "default"] {
                router.sysctl(&format!("ipv6/conf/{scope}/accept_dad"), "0")?;
                router.sysctl(&format!("ipv6/conf/{scope}/keep_addr_on_down"), "1")?;
            }
            for scope in ["all", "default"] {
                router.sysctl(&format!("ipv4/conf/{scope}/rp_filter"), "0")?;
            }
        }
        Ok(())
    }

    fn core(&self, spec: &DomainSpec) -> anyhow::Result<()> {
        veth_pair((&self.lma, CORE), (&self.correspondent, ETH))?;
        self.lma
            .add_address(CORE, spec.core_router().into(), CORE_LENGTH)?;
        match spec.carrying.over_ipv6() {
            true => self.lma.add_address("lo", LMA_ADDRESS_V6.into(), 128)?,
            false => self.lma.add_address("lo", LMA_ADDRESS.into(), 32)?,
        }
        for address in spec.correspondents() {
            self.correspondent
                .add_address(ETH, address.into(), CORE_LENGTH)?;
        }
        self.lma.set_link_up(CORE, true)?;
        self.correspondent.set_link_up(ETH, true)?;
        if spec.core_route {
            default_route(&self.correspondent, spec.core_router(), ETH, 0)?;
        }
        Ok(())
    }

    fn wan(&self, spec: &DomainSpec, wan: &WanSpec, router: &Netns) -> anyhow::Result<()> {
        veth_pair((&self.mag, wan.name), (router, TO_MAG))?;
        veth_pair((&self.lma, wan.name), (router, TO_LMA))?;
        if spec.carrying.over_ipv6() {
            return self.wan_v6(spec, wan, router);
        }
        self.mag.add_address(wan.name, wan.care_of().into(), 24)?;
        router.add_address(TO_MAG, wan.router().into(), 24)?;
        self.lma
            .add_address(wan.name, wan.anchor_side().into(), 30)?;
        router.add_address(TO_LMA, wan.router_anchor_side().into(), 30)?;
        self.raise(wan, router)?;
        let anchor = IpPrefix::new(IpAddr::V4(LMA_ADDRESS), 32)?;
        router.add_route(anchor, Some(wan.anchor_side().into()), None)?;
        let access = IpPrefix::new(IpAddr::V4(wan.access), 24)?;
        self.lma
            .add_route(access, Some(wan.router_anchor_side().into()), None)?;
        default_route(&self.mag, wan.router(), wan.name, metric(spec, wan)?)
    }

    /// The same over IPv6, without IPv4.
    fn wan_v6(&self, spec: &DomainSpec, wan: &WanSpec, router: &Netns) -> anyhow::Result<()> {
        let ends = [
            (&self.mag, wan.name, Node::Mag, 2),
            (router, TO_MAG, Node::Mag, 1),
            (&self.lma, wan.name, Node::Lma, 1),
            (router, TO_LMA, Node::Lma, 2),
        ];
        for (namespace, link, side, host) in ends {
            namespace.add_address(link, wan.host_v6(side, host).into(), 64)?;
        }
        self.raise(wan, router)?;
        let anchor = IpPrefix::host(LMA_ADDRESS_V6.into());
        let by = |side, host| Some(IpAddr::V6(wan.host_v6(side, host)));
        router.add_route(anchor, by(Node::Lma, 1), None)?;
        let access = IpPrefix::new(wan.host_v6(Node::Mag, 0).into(), 64)?;
        self.lma.add_route(access, by(Node::Lma, 2), None)?;
        let metric = metric(spec, wan)?;
        let default = IpPrefix::new(Ipv6Addr::UNSPECIFIED.into(), 0)?;
        let via = by(Node::Mag, 1);
        self.mag
            .add_route_with_metric(default, via, Some(wan.name), metric)
    }

    fn raise(&self, wan: &WanSpec, router: &Netns) -> anyhow::Result<()> {
        for (namespace, link) in [
            (&self.mag, wan.name),
            (router, TO_MAG),
            (&self.lma, wan.name),
            (router, TO_LMA),
        ] {
            namespace.set_link_up(link, true)?;
        }
        Ok(())
    }

    fn access(&self) -> anyhow::Result<()> {
        veth_pair((&self.mag, LAN), (&self.host, ETH))?;
        self.mag.set_link_up(LAN, true)?;
        self.host.set_link_up(ETH, true)
    }
}

/// The MAG's default routes stand beside each other by their metrics.
fn metric(spec: &DomainSpec, wan: &WanSpec) -> anyhow::Result<u32> {
    let position = spec.wans.iter().position(|other| other.name == wan.name);
    Ok(100 + u32::try_from(position.unwrap_or(0))?)
}

/// Adds a default route; several may stand beside each other with different metrics.
fn default_route(
    namespace: &Netns,
    gateway: Ipv4Addr,
    link: &str,
    metric: u32,
) -> anyhow::Result<()> {
    let index = namespace.link_index(link)?;
    namespace.netlink(async |handle| {
        let route = RouteMessageBuilder::<Ipv4Addr>::new()
            .gateway(gateway)
            .output_interface(index)
            .priority(metric)
            .build();
        Ok(handle.route().add(route).execute().await?)
    })
}

fn refused(error: anyhow::Error) -> LabError {
    LabError::Domain(format!("{error:#}"))
}
