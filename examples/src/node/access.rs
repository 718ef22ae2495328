//! A MAG's access side: what comes from hosts and mobile networks enters the TUN device, hosts are
//! told what the anchor gave them, and mobile networks get addresses from the prefixes that it
//! delegated.

mod networks;
mod turn;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use pmip_binding::{Advertisement, MagConfig, SessionEvent};
use pmip_wire::types::{Instant, IpPrefix};

use self::networks::MobileNetworks;
use crate::access::frame::{self, Malformed};
use crate::access::hosts::{Hosts, HostsConfig, Probing};
use crate::access::networks::{Networks, NetworksConfig};
use crate::access::{Act, Drops, Mac, Surroundings};
use crate::config::node::NodeConfig;
use crate::platform::network::NetworkState;
use crate::platform::ports::{AccessFrame, AccessLinks, Kernel, KernelItem, Servers};

/// How long until an interface that could not be listened on is tried again.
const RETRY: Duration = Duration::from_secs(5);

/// The access side of one MAG.
#[derive(Debug)]
pub struct Access {
    /// Interfaces whose traffic enters the TUN device, each once.
    devices: Vec<String>,
    tun: String,
    table: u32,
    link_local: Option<Ipv6Addr>,
    mobile_networks: MobileNetworks,
    hosts: Hosts,
    networks: Networks,
    /// Which servers we are on each interface.
    servers: BTreeMap<String, Servers>,
    /// Interfaces that are listened on, with the kernel's number and whether they had a carrier.
    open: BTreeMap<String, (u32, bool)>,
    retry_at: Option<Instant>,
    malformed: Drops,
}

impl Access {
    /// The access side that `config` describes, with nothing installed.
    pub fn new(config: &NodeConfig, mag: &MagConfig, tun: &str, table: u32) -> Self {
        let networks = config.mobile_networks.iter();
        let mut devices: Vec<String> = networks.map(|network| network.device.clone()).collect();
        devices.extend(config.interfaces.iter().cloned());
        devices.sort();
        devices.dedup();
        let mobile_networks = MobileNetworks::new(mag, table);
        Self {
            servers: servers(config, &mobile_networks),
            devices,
            tun: tun.to_owned(),
            table,
            link_local: mag.access_link.fixed_link_local_address,
            hosts: Hosts::new(hosts_config(config, mag, table)),
            networks: Networks::new(networks_config(config, mag, table)),
            mobile_networks,
            open: BTreeMap::new(),
            retry_at: None,
            malformed: Drops::new(),
        }
    }

    /// Leads the access interfaces into the TUN device, and gives each the gateway's address.
    pub fn install(&self, kernel: &mut dyn Kernel) {
        for default in [
            IpPrefix::new(Ipv4Addr::UNSPECIFIED.into(), 0),
            IpPrefix::new(Ipv6Addr::UNSPECIFIED.into(), 0),
        ] {
            let Ok(destination) = default else { continue };
            kernel.add(KernelItem::Route {
                destination,
                device: self.tun.clone(),
                table: self.table,
            });
            for device in &self.devices {
                kernel.add(KernelItem::Rule {
                    device: device.clone(),
                    table: self.table,
                    ipv4: destination.is_ipv4(),
                });
            }
        }
        let Some(address) = self.link_local else {
            return;
        };
        for device in &self.devices {
            kernel.add(KernelItem::Address {
                device: device.clone(),
                address: IpAddr::V6(address),
                length: 64,
            });
        }
    }

    /// Takes another configuration of the same interfaces.
    pub fn change(&mut self, config: &NodeConfig, mag: &MagConfig, links: &mut dyn AccessLinks) {
        self.hosts.change(hosts_config(config, mag, self.table));
        let networks = networks_config(config, mag, self.table);
        self.networks.set_pools(networks.pools);
        let servers = servers(config, &self.mobile_networks);
        let changed = servers
            .iter()
            .filter(|(device, wanted)| self.servers.get(*device) != Some(*wanted));
        for (device, _) in changed {
            links.close(device);
            self.open.remove(device);
        }
        self.servers = servers;
        self.retry_at = Some(Instant::ZERO);
    }

    /// Listens on the interfaces that are there, and lets the hosts go of one that lost its
    /// carrier.
    pub fn check_links(
        &mut self,
        now: Instant,
        network: &NetworkState,
        links: &mut dyn AccessLinks,
    ) {
        self.retry_at = None;
        for device in &self.devices {
            let link = network.link(device);
            let was = self.open.get(device).copied();
            let running = link.is_some_and(|link| link.running);
            if was.is_some_and(|(_, running)| running) && !running {
                self.hosts.on_link_down(device);
            }
            // One that went and came is another one.
            let index = link.map(|link| link.index);
            if was.map(|(index, _)| index) != index {
                links.close(device);
                self.open.remove(device);
            }
            let Some(index) = index else { continue };
            if self.open.contains_key(device) {
                self.open.insert(device.clone(), (index, running));
                continue;
            }
            let servers = self.servers.get(device).copied().unwrap_or_default();
            match links.open(device, servers) {
                Ok(()) => {
                    self.open.insert(device.clone(), (index, running));
                }
                Err(error) => {
                    tracing::warn!("{device}: hosts there are not served: {error}");
                    self.retry_at = Some(now + RETRY);
                }
            }
        }
    }

    /// When [`Access::on_timeout`] has something to do.
    pub fn timeout(&self) -> Option<Instant> {
        let due = [self.hosts.timeout(), self.networks.timeout(), self.retry_at];
        due.into_iter().flatten().min()
    }

    /// Whether an interface is to be tried again.
    pub fn retry_due(&self, now: Instant) -> bool {
        self.retry_at.is_some_and(|at| at <= now)
    }

    /// Does what is due.
    pub fn on_timeout(&mut self, around: Surroundings<'_>) {
        self.hosts.on_timeout(around);
        self.networks.on_timeout(around);
    }

    /// A host said something.
    pub fn on_frame(&mut self, around: Surroundings<'_>, frame: &AccessFrame) {
        match frame::parse(&frame.octets) {
            Ok(Some((mac, said))) => {
                self.hosts.on_frame(around, &frame.device, mac, &said);
                self.networks.on_frame(around, &frame.device, mac, &said);
            }
            Ok(None) => {}
            Err(Malformed(layer)) => {
                let counter = self.malformed.entry(layer).or_insert(0);
                *counter = counter.saturating_add(1);
            }
        }
    }

    /// `pmip attach`: where a host is.
    pub fn note(&mut self, now: Instant, nai: &str, device: &str, mac: Option<Mac>) {
        self.hosts.note(now, nai, device, mac);
    }

    /// The interface of a host.
    pub fn device_of(&self, nai: &str) -> Option<&str> {
        self.hosts.device_of(nai)
    }

    /// A session came or went: configures hosts and interfaces. A mobile network keeps its
    /// addresses until its session comes back with others: hosts keep their gateway meanwhile.
    pub fn on_session(
        &mut self,
        around: Surroundings<'_>,
        event: &SessionEvent,
        kernel: &mut dyn Kernel,
    ) {
        self.hosts.on_session(around, event);
        for (device, learned) in self.mobile_networks.on_session(event, kernel) {
            self.networks.set_prefixes(around, &device, learned);
        }
    }

    /// The engine says what a host must be told.
    pub fn on_advertisement(&mut self, around: Surroundings<'_>, told: &Advertisement) {
        self.hosts.on_advertisement(around, told);
    }

    /// Takes what is to be done.
    pub fn take_acts(&mut self) -> Vec<Act> {
        let mut acts = self.hosts.take_acts();
        acts.extend(self.networks.take_acts());
        acts
    }

    /// Frames that were not served, by reason.
    pub fn drops(&self) -> Drops {
        let mut all = self.malformed.clone();
        let more = self.hosts.drops().iter().chain(self.networks.drops());
        for (reason, count) in more {
            let counter = all.entry(reason).or_insert(0);
            *counter = counter.saturating_add(*count);
        }
        all
    }
}

fn hosts_config(config: &NodeConfig, mag: &MagConfig, table: u32) -> HostsConfig {
    HostsConfig {
        devices: config.interfaces.clone(),
        realm: config.domain.clone(),
        known: config.known_hosts(),
        by_events: config.sessionmgr(),
        probing: config.detach_discovery().map(|probes| Probing {
            interval: Duration::from_secs(probes.interval.into()),
            timeout: Duration::from_secs(probes.timeout.into()),
            retries: probes.retries,
        }),
        maximum: usize::try_from(mag.maximum_bindings).unwrap_or(usize::MAX),
        link_local: mag.access_link.fixed_link_local_address,
        local_table: mag.local_routing.then_some(table),
    }
}

fn networks_config(config: &NodeConfig, mag: &MagConfig, table: u32) -> NetworksConfig {
    let networks = config.mobile_networks.iter();
    NetworksConfig {
        links: networks
            .map(|network| (network.device.clone(), network.nai.clone()))
            .collect(),
        pools: config.config.dhcp_pools.clone(),
        link_local: mag.access_link.fixed_link_local_address,
        local_table: mag.local_routing.then_some(table),
    }
}

/// A DHCPv4 server on every link of hosts, and on those of mobile networks where a pool serves
/// them; a DHCPv6 server where there are prefixes to delegate.
fn servers(config: &NodeConfig, networks: &MobileNetworks) -> BTreeMap<String, Servers> {
    let hosts = config.interfaces.iter().map(|device| {
        let servers = Servers {
            dhcp4: true,
            dhcp6: false,
        };
        (device.clone(), servers)
    });
    let pools = &config.config.dhcp_pools;
    let mobile = config.mobile_networks.iter().map(|network| {
        let mut pools = pools.iter();
        let dhcp4 = pools.any(|pool| {
            pool.network.is_some() || pool.from_mobile_network.as_ref() == Some(&network.nai)
        });
        let dhcp6 = networks.learns_ipv6(&network.device);
        (network.device.clone(), Servers { dhcp4, dhcp6 })
    });
    mobile.chain(hosts).collect()
}
