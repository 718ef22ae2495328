//! An LMA's routes: its pools lead into the TUN device for good, and prefixes outside of them as
//! long as a session has them.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use pmip_binding::{LmaConfig, SessionEvent, SessionId};
use pmip_wire::types::IpPrefix;

use crate::platform::ports::{Kernel, KernelItem};

/// The main routing table.
const MAIN_TABLE: u32 = 254;

/// The routes of one LMA.
#[derive(Debug)]
pub struct AnchorRoutes {
    pools: Vec<IpPrefix>,
    tun: String,
    installed: BTreeMap<SessionId, Vec<KernelItem>>,
}

impl AnchorRoutes {
    /// The routes that `config` asks for, none installed.
    pub fn new(config: &LmaConfig, tun: &str) -> Self {
        Self {
            pools: pools(config),
            tun: tun.to_owned(),
            installed: BTreeMap::new(),
        }
    }

    /// Leads the pools into the TUN device: one route each, however many sessions there are.
    pub fn install(&self, kernel: &mut dyn Kernel) {
        for pool in &self.pools {
            kernel.add(self.route(*pool));
        }
    }

    /// Leads other pools into the TUN device. Sessions are told of again afterwards, with the
    /// prefixes that no pool holds any more.
    pub fn change(&mut self, config: &LmaConfig, kernel: &mut dyn Kernel) {
        let next = pools(config);
        let before = std::mem::replace(&mut self.pools, next);
        for gone in before.iter().filter(|pool| !self.pools.contains(pool)) {
            kernel.remove(&self.route(*gone));
        }
        for new in self.pools.iter().filter(|pool| !before.contains(pool)) {
            kernel.add(self.route(*new));
        }
    }

    /// Adds or removes the routes of a session's prefixes that no pool holds.
    pub fn on_session(&mut self, event: &SessionEvent, kernel: &mut dyn Kernel) {
        let (session, items) = match event {
            SessionEvent::Up {
                session,
                home_prefixes,
                ipv4_home,
                delegated,
                ..
            } => {
                let home = ipv4_home.iter().map(|(_, address, _)| *address);
                let home = home.map(|address| IpPrefix::host(address.into()));
                let prefixes = home_prefixes.iter().chain(delegated).copied().chain(home);
                let outside = prefixes.filter(|prefix| !self.is_pooled(prefix));
                (*session, outside.map(|prefix| self.route(prefix)).collect())
            }
            SessionEvent::Down { session, .. } => (*session, Vec::new()),
            SessionEvent::Refused { .. }
            | SessionEvent::AccessNetwork { .. }
            | SessionEvent::AccessNetworkIgnored { .. }
            | _ => return,
        };
        let before = self.installed.remove(&session).unwrap_or_default();
        for gone in before.iter().filter(|item| !items.contains(item)) {
            kernel.remove(gone);
        }
        for item in &items {
            kernel.add(item.clone());
        }
        if !items.is_empty() {
            self.installed.insert(session, items);
        }
    }

    fn is_pooled(&self, prefix: &IpPrefix) -> bool {
        let mut pools = self.pools.iter();
        pools.any(|pool| pool.length() <= prefix.length() && pool.contains(prefix.address()))
    }

    fn route(&self, destination: IpPrefix) -> KernelItem {
        KernelItem::Route {
            destination,
            device: self.tun.clone(),
            table: MAIN_TABLE,
        }
    }
}

/// What an anchor gives out, each pool once.
pub(super) fn pools(config: &LmaConfig) -> Vec<IpPrefix> {
    let mut pools: Vec<IpPrefix> = Vec::new();
    for network in &config.networks {
        pools.extend(network.mobile_network_pools.iter().map(|pool| pool.prefix));
        pools.extend(network.ipv6_pool.iter().map(|pool| pool.prefix));
        if let Some(pool) = &network.ipv4_pool {
            pools.extend(cover(pool.first, pool.last));
        }
    }
    pools.sort();
    pools.dedup();
    pools
}

/// The fewest prefixes that hold exactly the addresses from `first` to `last`.
fn cover(first: Ipv4Addr, last: Ipv4Addr) -> Vec<IpPrefix> {
    let (mut next, last) = (u64::from(first.to_bits()), u64::from(last.to_bits()));
    let mut prefixes = Vec::new();
    while next <= last {
        let aligned = next.trailing_zeros().min(32);
        let fitting = (last - next + 1).ilog2();
        let host_bits = aligned.min(fitting);
        let address = Ipv4Addr::from_bits(u32::try_from(next).unwrap_or(u32::MAX));
        let length = u8::try_from(32 - host_bits).unwrap_or(32);
        prefixes.extend(IpPrefix::new(IpAddr::V4(address), length));
        next += 1 << host_bits;
    }
    prefixes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(first: &str, last: &str) -> Vec<String> {
        let first = first.parse().expect("an address");
        let last = last.parse().expect("an address");
        cover(first, last).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_range_is_covered_exactly() {
        assert_eq!(texts("10.0.0.0", "10.0.0.255"), ["10.0.0.0/24"]);
        assert_eq!(
            texts("10.0.0.1", "10.0.0.6"),
            ["10.0.0.1/32", "10.0.0.2/31", "10.0.0.4/31", "10.0.0.6/32"]
        );
        assert_eq!(texts("0.0.0.0", "255.255.255.255"), ["0.0.0.0/0"]);
        assert_eq!(texts("10.0.0.9", "10.0.0.1"), Vec::<String>::new());
    }
}
