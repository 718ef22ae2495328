//! The namespaces of a domain and the links between them.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, anyhow, bail};
use pmip_wire::types::IpPrefix;

use super::addresses::{CORRESPONDENT_HOSTS, Family, access, anchor, core, transfer};
use super::plan::{Host, Plan};
use crate::lab::domain::WanState;
use crate::lab::wan::Wan;
use crate::platform::netns::{Netns, veth_pair};

/// The only interface of an end host.
pub(super) const ETH: &str = "eth0";
/// A WAN router's interface towards the MAG.
const TO_MAG: &str = "mag";

/// All namespaces of a domain, by name; dropping it removes them.
pub(in crate::lab) struct Network {
    /// The emulators between the routers and the LMAs, by the router's name and the LMA's number; none
    /// where the plan wants none.
    emulators: BTreeMap<(String, u8), Wan>,
    spaces: BTreeMap<String, Netns>,
    families: Vec<Family>,
}

impl Network {
    /// Builds everything of `plan` but the programs.
    pub(super) fn build(plan: &Plan) -> Result<Self> {
        let mut network = Self {
            emulators: BTreeMap::new(),
            spaces: BTreeMap::new(),
            families: vec![Family::V4],
        };
        network
            .families
            .extend(plan.ipv6_transport.then_some(Family::V6));
        for node in plan.nodes() {
            network.router(&node.name)?;
        }
        for (number, lma) in (1..).zip(&plan.lmas) {
            for family in Family::BOTH {
                let length = if family == Family::V4 { 32 } else { 128 };
                let space = network.space(&lma.name)?;
                space.add_address("lo", anchor(number, family), length)?;
            }
        }
        for (number, lma) in (1..).zip(&plan.correspondents) {
            network.correspondent(number, *lma)?;
        }
        // First, so that the MAG's WAN interfaces have other indexes than their peers: the kernel
        // holds back the carrier of a veth for up to a second when both are equal.
        for host in &plan.hosts {
            network.host(host)?;
        }
        let anchors = number(plan.lmas.len());
        for (mag, node) in (1..).zip(&plan.mags) {
            for wan in 1..=node.wans {
                network.wan(plan, mag, wan, anchors)?;
            }
        }
        for (mag, wan, port) in &plan.nats {
            network.nat(*mag, *wan, *port)?;
        }
        Ok(network)
    }

    /// The namespace called `name`.
    pub(super) fn space(&self, name: &str) -> Result<&Netns> {
        let found = self.spaces.get(name);
        found.ok_or_else(|| anyhow!("the domain has no `{name}`"))
    }

    /// Names of the namespaces as the kernel has them.
    pub(super) fn names(&self) -> Vec<&str> {
        self.spaces.values().map(Netns::name).collect()
    }

    /// The emulator between WAN `wan` of MAG `mag` and LMA 1, of a plan with
    /// [`emulated`](Plan::emulated) WANs.
    pub(in crate::lab) fn emulator(&self, mag: u8, wan: u8) -> Result<&Wan> {
        let found = self.emulators.get(&(router_name(mag, wan), 1));
        found.ok_or_else(|| anyhow!("the plan emulates no WANs"))
    }

    /// Changes WAN `wan` of MAG `mag`.
    pub(in crate::lab) fn set_wan(&self, mag: u8, wan: u8, state: WanState) -> Result<()> {
        let router = self.space(&router_name(mag, wan))?;
        let forwards = if state == WanState::BlackHole {
            "0"
        } else {
            "1"
        };
        for family in &self.families {
            let key = match family {
                Family::V4 => "ipv4/ip_forward",
                Family::V6 => "ipv6/conf/all/forwarding",
            };
            router.sysctl(key, forwards)?;
        }
        // The far end of a veth that is down takes the carrier of the near one.
        router.set_link_up(TO_MAG, state != WanState::Cut)
    }

    /// Makes WAN `wan` of MAG `mag` a NAT towards LMA 1: ports 5436 and 5437 of the MAG appear as
    /// `port` and `port + 1` of the router. Another call is a NAT that lost its state: what is sent
    /// to the former ports is dropped.
    pub(in crate::lab) fn nat(&self, mag: u8, wan: u8, port: u16) -> Result<()> {
        let inside = access(mag, wan, 2, Family::V4);
        let outside = transfer(mag, wan, 1, 2, Family::V4);
        let (mut out, mut back) = (String::new(), String::new());
        for (own, seen) in [(5436, port), (5437, port + 1)] {
            out += &format!(
                "  ip saddr {inside} udp sport {own} ip saddr set {outside} udp sport set {seen}\n"
            );
            back += &format!(
                "  ip daddr {outside} udp dport {seen} ip daddr set {inside} udp dport set {own} accept\n"
            );
        }
        let table = format!(
            "table ip lab_nat\ndelete table ip lab_nat\ntable ip lab_nat {{
 chain back {{\n  type filter hook prerouting priority raw; policy accept
{back}  ip daddr {outside} drop\n }}
 chain out {{\n  type filter hook postrouting priority 0; policy accept\n{out} }}\n}}\n"
        );
        self.nft(&router_name(mag, wan), &table)
    }

    /// Loads `rules` into a chain of their own at `hook` of a namespace.
    pub(in crate::lab) fn filter(&self, space: &str, hook: &str, rules: &str) -> Result<()> {
        let table = format!(
            "table inet lab_{hook} {{\n chain filter {{\n  type filter hook {hook} priority 0; policy accept
{rules}\n }}\n}}\n"
        );
        self.nft(space, &table)
    }

    /// Takes back what [`Self::filter`] loaded.
    pub(in crate::lab) fn unfilter(&self, space: &str, hook: &str) -> Result<()> {
        self.nft(space, &format!("delete table inet lab_{hook}\n"))
    }

    /// Runs a program in a namespace.
    pub(in crate::lab) fn execute(&self, space: &str, program: &str, words: &[&str]) -> Result<()> {
        let run = || Command::new(program).args(words).output();
        let output = self.space(space)?.run(run)?;
        let output = output.with_context(|| format!("running {program}"))?;
        if !output.status.success() {
            bail!(
                "{program} in {space}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Ok(())
    }

    /// Loads nftables rules in a namespace.
    pub(in crate::lab) fn nft(&self, space: &str, rules: &str) -> Result<()> {
        let output = self.space(space)?.run(|| {
            let mut child = Command::new("nft")
                .args(["-f", "-"])
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()?;
            if let Some(mut input) = child.stdin.take() {
                input.write_all(rules.as_bytes())?;
            }
            child.wait_with_output()
        })?;
        let output = output.context("running `nft` (package nftables)")?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("nft in {space}: {said}");
        }
        Ok(())
    }

    /// Gives `host` an address on its link and a default route by `router`.
    pub(super) fn address(
        &self,
        host: &str,
        address: IpAddr,
        length: u8,
        router: IpAddr,
    ) -> Result<()> {
        let space = self.space(host)?;
        space.add_address(ETH, address, length)?;
        let any: IpAddr = match router {
            IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        space.add_route(IpPrefix::new(any, 0)?, Some(router), Some(ETH))
    }

    /// A namespace that forwards, without reverse-path filters: replies may leave by another WAN.
    fn router(&mut self, name: &str) -> Result<()> {
        self.create(name)?;
        let space = self.space(name)?;
        space.sysctl("ipv4/ip_forward", "1")?;
        space.sysctl("ipv6/conf/all/forwarding", "1")?;
        for scope in ["all", "default"] {
            space.sysctl(&format!("ipv4/conf/{scope}/rp_filter"), "0")?;
        }
        Ok(())
    }

    fn create(&mut self, name: &str) -> Result<()> {
        self.spaces.insert(name.to_owned(), Netns::create(name)?);
        Ok(())
    }

    fn correspondent(&mut self, number: u8, lma: u8) -> Result<()> {
        let name = format!("cn{number}");
        self.create(&name)?;
        let (anchor, space) = (self.space(&format!("LMA{lma}"))?, self.space(&name)?);
        let link = core_link(number);
        veth_pair((anchor, &link), (space, ETH))?;
        anchor.set_link_up(&link, true)?;
        space.set_link_up(ETH, true)?;
        for family in Family::BOTH {
            let length = if family == Family::V4 { 28 } else { 64 };
            let router = core(number, 1, family);
            anchor.add_address(&link, router, length)?;
            for host in CORRESPONDENT_HOSTS {
                space.add_address(ETH, core(number, host, family), length)?;
            }
            let any: IpAddr = match family {
                Family::V4 => Ipv4Addr::UNSPECIFIED.into(),
                Family::V6 => Ipv6Addr::UNSPECIFIED.into(),
            };
            space.add_route(IpPrefix::new(any, 0)?, Some(router), Some(ETH))?;
        }
        Ok(())
    }

    fn host(&mut self, host: &Host) -> Result<()> {
        self.create(&host.name)?;
        let (mag, space) = (
            self.space(&format!("MAG{}", host.mag))?,
            self.space(&host.name)?,
        );
        veth_pair((mag, &host.lan), (space, ETH))?;
        mag.set_link_up(&host.lan, true)?;
        space.set_link_up(ETH, true)
    }

    fn wan(&mut self, plan: &Plan, mag: u8, wan: u8, anchors: u8) -> Result<()> {
        let name = router_name(mag, wan);
        self.router(&name)?;
        let (gateway, router) = (self.space(&format!("MAG{mag}"))?, self.space(&name)?);
        let link = format!("wan{wan}");
        veth_pair((gateway, &link), (router, TO_MAG))?;
        gateway.set_link_up(&link, true)?;
        router.set_link_up(TO_MAG, true)?;
        for family in self.families.iter().copied() {
            let length = if family == Family::V4 { 24 } else { 64 };
            gateway.add_address(&link, access(mag, wan, 2, family), length)?;
            router.add_address(TO_MAG, access(mag, wan, 1, family), length)?;
        }
        for lma in 1..=anchors {
            let emulator = self.transfer(plan, mag, wan, lma)?;
            let place = (router_name(mag, wan), lma);
            self.emulators
                .extend(emulator.map(|emulator| (place, emulator)));
        }
        let (gateway, link) = (self.space(&format!("MAG{mag}"))?, format!("wan{wan}"));
        for family in self.families.iter().copied() {
            let any: IpAddr = match family {
                Family::V4 => Ipv4Addr::UNSPECIFIED.into(),
                Family::V6 => Ipv6Addr::UNSPECIFIED.into(),
            };
            let router = access(mag, wan, 1, family);
            let metric = 100 + u32::from(wan);
            let any = IpPrefix::new(any, 0)?;
            gateway.add_route_with_metric(any, Some(router), Some(&link), metric)?;
        }
        Ok(())
    }

    /// The link from a WAN's router to an LMA, and the routes by it; its emulator where it has one.
    fn transfer(&self, plan: &Plan, mag: u8, wan: u8, lma: u8) -> Result<Option<Wan>> {
        let name = router_name(mag, wan);
        let (router, anchor_space) = (self.space(&name)?, self.space(&format!("LMA{lma}"))?);
        let link = format!("lma{lma}");
        // Here and not towards the MAG, whose interface must lose its carrier when a WAN is cut.
        let emulator = match &plan.emulator {
            Some(config) => {
                let mut config = config.clone();
                // No two links have the same luck.
                config.seed ^= u64::from(u32::from_be_bytes([0, mag, wan, lma]));
                Some(Wan::join((router, &link), (anchor_space, &name), &config)?)
            }
            None => {
                veth_pair((anchor_space, &name), (router, &link))?;
                None
            }
        };
        anchor_space.set_link_up(&name, true)?;
        router.set_link_up(&link, true)?;
        for family in self.families.iter().copied() {
            let (length, whole, network) = match family {
                Family::V4 => (30, 32, 24),
                Family::V6 => (64, 128, 64),
            };
            let near = transfer(mag, wan, lma, 1, family);
            let far = transfer(mag, wan, lma, 2, family);
            anchor_space.add_address(&name, near, length)?;
            router.add_address(&link, far, length)?;
            router.add_route(IpPrefix::new(anchor(lma, family), whole)?, Some(near), None)?;
            let behind = IpPrefix::new(access(mag, wan, 0, family), network)?;
            anchor_space.add_route(behind, Some(far), None)?;
        }
        Ok(emulator)
    }
}

/// The router of a WAN, and the interface of each LMA towards it.
pub(super) fn router_name(mag: u8, wan: u8) -> String {
    format!("m{mag}w{wan}")
}

/// The LMA's interface towards correspondent `number`.
fn core_link(number: u8) -> String {
    match number {
        1 => "core".to_owned(),
        number => format!("core{number}"),
    }
}

fn number(length: usize) -> u8 {
    u8::try_from(length).unwrap_or(u8::MAX)
}
