//! Which interface gets which prefix of a logical mobile node, and its address.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use pmip_binding::config::PrefixRequest;
use pmip_binding::{MagConfig, SessionEvent, SessionId};
use pmip_wire::types::IpPrefix;

use crate::platform::ports::{Kernel, KernelItem};

/// The mobile networks of a MAG.
#[derive(Debug)]
pub(super) struct MobileNetworks {
    /// What each logical mobile node asked for, in the order of its interfaces.
    requests: BTreeMap<String, Vec<(String, PrefixRequest)>>,
    table: u32,
    /// `local-routing-mag`: packets from one mobile network to another do not enter the TUN device
    /// (RFC 5213 section 6.10.3).
    local_routing: bool,
    /// What each session put into the kernel.
    installed: BTreeMap<SessionId, Vec<KernelItem>>,
}

/// One request, and the prefix that answers it.
struct Given<'a> {
    device: &'a str,
    request: PrefixRequest,
    learned: Option<IpPrefix>,
}

impl MobileNetworks {
    pub(super) fn new(mag: &MagConfig, table: u32) -> Self {
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
            requests: requests.collect(),
            table,
            local_routing: mag.local_routing,
            installed: BTreeMap::new(),
        }
    }

    /// Whether `device` asks the anchor for an IPv6 prefix.
    pub(super) fn learns_ipv6(&self, device: &str) -> bool {
        let mut all = self.requests.values().flatten();
        all.any(|(own, request)| own == device && *request == PrefixRequest::LearnIpv6)
    }

    /// Configures the interfaces of a session that came up; returns what each learned.
    pub(super) fn on_session(
        &mut self,
        event: &SessionEvent,
        kernel: &mut dyn Kernel,
    ) -> BTreeMap<String, Vec<IpPrefix>> {
        let SessionEvent::Up {
            session,
            mn_id,
            delegated,
            ..
        } = event
        else {
            return BTreeMap::new();
        };
        let given = self.given(mn_id, delegated);
        let mut learned = BTreeMap::<String, Vec<IpPrefix>>::new();
        for one in &given {
            let prefixes = learned.entry(one.device.to_owned()).or_default();
            prefixes.extend(one.learned);
        }
        let items: Vec<KernelItem> = given.iter().flat_map(|one| self.items(one)).collect();
        self.install(*session, items, kernel);
        learned
    }

    fn install(&mut self, session: SessionId, items: Vec<KernelItem>, kernel: &mut dyn Kernel) {
        // A session number may be new after a restart of the anchor; the addresses may not.
        let before = std::mem::take(&mut self.installed);
        for (other, installed) in before {
            let same_node = other == session || installed.iter().any(|item| items.contains(item));
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
        self.installed.insert(session, items);
    }

    /// The delegated prefixes, each with the request that it answers.
    fn given(&self, mn_id: &str, delegated: &[IpPrefix]) -> Vec<Given<'_>> {
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
        let given = requests.iter().map(|(device, request)| Given {
            device,
            request: *request,
            learned: match request {
                PrefixRequest::LearnIpv4 => v4.pop(),
                PrefixRequest::LearnIpv6 => v6.pop(),
                PrefixRequest::Assert(_) | _ => None,
            },
        });
        given.collect()
    }

    /// The first address of a delegated prefix on its interface; the way into the tunnel of what the
    /// gateway itself sends from there, which must not leave in clear; where packets are routed
    /// locally, the way there from other interfaces as well.
    fn items(&self, given: &Given<'_>) -> Vec<KernelItem> {
        let reached = match given.request {
            PrefixRequest::Assert(own) => Some(own),
            PrefixRequest::LearnIpv4 | PrefixRequest::LearnIpv6 | _ => given.learned,
        };
        let mut items = Vec::new();
        items.extend(reached.map(|source| KernelItem::OwnSourceRule {
            source,
            table: self.table,
        }));
        items.extend(reached.filter(|_| self.local_routing).map(|destination| {
            let (device, table) = (given.device.to_owned(), self.table);
            KernelItem::Route {
                destination,
                device,
                table,
            }
        }));
        items.extend(given.learned.map(|prefix| KernelItem::Address {
            device: given.device.to_owned(),
            address: first_address(prefix),
            length: link_length(prefix),
        }));
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
fn first_address(prefix: IpPrefix) -> IpAddr {
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
