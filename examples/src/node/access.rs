//! A MAG's access side: what comes from mobile networks enters the TUN device, and their
//! interfaces get addresses from the prefixes that the anchor delegated.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use pmip_binding::config::PrefixRequest;
use pmip_binding::{MagConfig, SessionEvent, SessionId};
use pmip_wire::types::IpPrefix;

use crate::config::node::NodeConfig;
use crate::platform::ports::{Kernel, KernelItem};

/// The access side of one MAG.
#[derive(Debug)]
pub struct Access {
    /// Interfaces whose traffic enters the TUN device, each once.
    devices: Vec<String>,
    /// What each logical mobile node asked for, in the order of its interfaces.
    requests: BTreeMap<String, Vec<(String, PrefixRequest)>>,
    tun: String,
    table: u32,
    /// `local-routing-mag`: packets from one mobile network to another do not enter the TUN device
    /// (RFC 5213 section 6.10.3).
    local_routing: bool,
    /// What each session put into the kernel.
    installed: BTreeMap<SessionId, Vec<KernelItem>>,
}

impl Access {
    /// The access side that `config` describes, with nothing installed.
    pub fn new(config: &NodeConfig, mag: &MagConfig, tun: &str, table: u32) -> Self {
        let networks = config.mobile_networks.iter();
        let mut devices: Vec<String> = networks.map(|network| network.device.clone()).collect();
        devices.extend(config.interfaces.iter().cloned());
        devices.sort();
        devices.dedup();
        let nodes = mag.logical_mobile_nodes.iter();
        let requests = nodes.map(|node| {
            let networks = node.mobile_networks.iter();
            let requests = networks.flat_map(|network| {
                let requests = network.prefixes.iter();
                requests.map(|request| (network.interface.clone(), *request))
            });
            (node.nai.clone(), requests.collect())
        });
        Self {
            devices,
            requests: requests.collect(),
            tun: tun.to_owned(),
            table,
            local_routing: mag.local_routing,
            installed: BTreeMap::new(),
        }
    }

    /// Leads the access interfaces into the TUN device.
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
    }

    /// Configures the interfaces of a session that came up. A session that went keeps its
    /// addresses until it comes back with others: hosts keep their gateway meanwhile.
    pub fn on_session(&mut self, event: &SessionEvent, kernel: &mut dyn Kernel) {
        let SessionEvent::Up {
            session,
            mn_id,
            delegated,
            ..
        } = event
        else {
            return;
        };
        let items = self.addresses(mn_id, delegated);
        // A session number may be new after a restart of the anchor; the addresses may not.
        let before = std::mem::take(&mut self.installed);
        for (other, installed) in before {
            let same_node = other == *session || installed.iter().any(|item| items.contains(item));
            if !same_node {
                self.installed.insert(other, installed);
                continue;
            }
            for gone in installed.iter().filter(|item| !items.contains(item)) {
                kernel.remove(gone);
            }
        }
        for item in &items {
            kernel.add(item.clone());
        }
        self.installed.insert(*session, items);
    }

    /// The first address of each delegated prefix, on the interface that asked for one; where
    /// packets are routed locally, the way there from other interfaces as well.
    fn addresses(&self, mn_id: &str, delegated: &[IpPrefix]) -> Vec<KernelItem> {
        let Some(requests) = self.requests.get(mn_id) else {
            return Vec::new();
        };
        let asserted = |prefix: &&IpPrefix| {
            let mut requests = requests.iter();
            requests.any(|(_, request)| *request == PrefixRequest::Assert(**prefix))
        };
        let learned = delegated.iter().filter(|prefix| !asserted(prefix));
        let (mut v4, mut v6): (Vec<IpPrefix>, Vec<IpPrefix>) =
            learned.partition(|prefix| prefix.is_ipv4());
        v4.reverse();
        v6.reverse();
        let mut items = Vec::new();
        for (device, request) in requests {
            let prefix = match request {
                PrefixRequest::LearnIpv4 => v4.pop(),
                PrefixRequest::LearnIpv6 => v6.pop(),
                PrefixRequest::Assert(_) => None,
                _ => None,
            };
            let reached = match request {
                PrefixRequest::Assert(own) => Some(*own),
                PrefixRequest::LearnIpv4 | PrefixRequest::LearnIpv6 | _ => prefix,
            };
            items.extend(reached.filter(|_| self.local_routing).map(|destination| {
                let (device, table) = (device.clone(), self.table);
                KernelItem::Route {
                    destination,
                    device,
                    table,
                }
            }));
            items.extend(prefix.map(|prefix| KernelItem::Address {
                device: device.clone(),
                address: first_address(prefix),
                length: link_length(prefix),
            }));
        }
        items
    }
}

/// A link of IPv6 hosts has 64 bits, whatever was delegated (RFC 4291 section 2.5.4).
fn link_length(prefix: IpPrefix) -> u8 {
    if prefix.is_ipv4() {
        prefix.length()
    } else {
        prefix.length().max(64)
    }
}

/// The first host address of a prefix; that of a host prefix is its own.
pub fn first_address(prefix: IpPrefix) -> IpAddr {
    match prefix.address() {
        IpAddr::V4(address) if prefix.length() < 31 => {
            Ipv4Addr::from_bits(address.to_bits() | 1).into()
        }
        IpAddr::V6(address) if prefix.length() < 127 => {
            Ipv6Addr::from_bits(address.to_bits() | 1).into()
        }
        address @ (IpAddr::V4(_) | IpAddr::V6(_)) => address,
    }
}
