//! The kernel's interfaces, addresses and routes as the driver sees them, and what they mean for
//! an uplink.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

use pmip_wire::types::IpPrefix;

/// What netlink told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NetworkEvent {
    /// A device is there, in this state.
    Link(Link),
    /// A device is gone, with its addresses and routes.
    LinkGone(u32),
    /// A device has an address.
    Address(Address),
    /// A device lost an address.
    AddressGone(Address),
    /// There is a route.
    Route(Route),
    /// A route is gone.
    RouteGone(Route),
}

/// A network device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The kernel's number for it.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// Administratively up.
    pub up: bool,
    /// Up, with carrier.
    pub running: bool,
    /// Its MAC address; none where it has none.
    pub mac: Option<[u8; 6]>,
    /// Its MTU in octets.
    pub mtu: u32,
}

/// An address of a device that may be used: not tentative, of global scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// The device.
    pub index: u32,
    /// The address.
    pub address: IpAddr,
    /// Its prefix length.
    pub length: u8,
}

/// A unicast route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    /// What is reached.
    pub destination: IpPrefix,
    /// The next hop; none = on the link.
    pub gateway: Option<IpAddr>,
    /// The device.
    pub index: u32,
    /// The routing table.
    pub table: u32,
    /// The lower is preferred.
    pub metric: u32,
}

/// Interfaces, addresses and routes of one network namespace.
#[derive(Clone, Debug, Default)]
pub struct NetworkState {
    links: BTreeMap<u32, Link>,
    addresses: Vec<Address>,
    /// A set: a router's table may hold a million.
    routes: BTreeSet<Route>,
}

/// Where an uplink leaves.
#[derive(Clone, Copy, Debug)]
pub struct UplinkQuery<'a> {
    /// The device that has the care-of address.
    pub name: &'a str,
    /// The device that packets leave by; the same except for a loopback.
    pub egress: &'a str,
    /// The address to take, where the configuration names some.
    pub wanted: &'a [IpAddr],
    /// Addresses of the anchors, all of one family.
    pub anchors: &'a [IpAddr],
}

/// Why an uplink cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UplinkDown {
    /// There is no such device.
    NoDevice(String),
    /// The device is down or has no carrier.
    NotRunning(String),
    /// The device has no address of the anchors' family.
    NoAddress(String),
    /// No route to any anchor leaves by the device: packets would vanish silently.
    NoRoute(String),
}

impl fmt::Display for UplinkDown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoDevice(device) => write!(f, "there is no interface {device}"),
            Self::NotRunning(device) => write!(f, "{device} is down or has no carrier"),
            Self::NoAddress(device) => write!(f, "{device} has no address to register"),
            Self::NoRoute(device) => write!(
                f,
                "no route to the LMA leaves by {device}: it needs a default gateway or a route of its own"
            ),
        }
    }
}

impl NetworkState {
    /// Takes in one event.
    pub fn apply(&mut self, event: NetworkEvent) {
        match event {
            NetworkEvent::Link(link) => {
                if !link.up {
                    // The kernel drops a device's IPv4 routes when it is set down, without a
                    // message each; they survive a mere loss of carrier.
                    self.routes.retain(|route| route.index != link.index);
                }
                self.links.insert(link.index, link);
            }
            NetworkEvent::LinkGone(index) => {
                self.links.remove(&index);
                self.addresses.retain(|address| address.index != index);
                self.routes.retain(|route| route.index != index);
            }
            NetworkEvent::Address(address) => {
                if !self.addresses.contains(&address) {
                    self.addresses.push(address);
                }
            }
            NetworkEvent::AddressGone(gone) => self.addresses.retain(|address| *address != gone),
            NetworkEvent::Route(route) => {
                self.routes.insert(route);
            }
            NetworkEvent::RouteGone(gone) => {
                self.routes.remove(&gone);
            }
        }
    }

    /// The device of this name.
    pub fn link(&self, name: &str) -> Option<&Link> {
        self.links.values().find(|link| link.name == name)
    }

    /// The addresses of a device, in the kernel's order.
    pub fn addresses_of(&self, name: &str) -> impl Iterator<Item = Address> + '_ {
        let index = self.link(name).map(|link| link.index);
        let addresses = self.addresses.iter().copied();
        addresses.filter(move |address| Some(address.index) == index)
    }

    /// The MTU of the link that packets to `destination` leave by, where a route says so: that of
    /// the longest prefix with the lowest metric.
    pub fn mtu_towards(&self, destination: IpAddr) -> Option<u32> {
        let longest = if destination.is_ipv4() { 32 } else { 128 };
        (0..=longest).rev().find_map(|length| {
            let destination = IpPrefix::new(destination, length).ok()?;
            let first = Route {
                destination,
                gateway: None,
                index: 0,
                table: 0,
                metric: 0,
            };
            let routes = self.routes.range(first..);
            let routes = routes.take_while(|route| route.destination == destination);
            let best = routes.min_by_key(|route| route.metric)?;
            Some(self.links.get(&best.index)?.mtu)
        })
    }

    /// The care-of address of an uplink.
    ///
    /// # Errors
    /// Why it cannot be used now.
    pub fn uplink(&self, query: UplinkQuery<'_>) -> Result<IpAddr, UplinkDown> {
        let egress = self.running(query.egress)?;
        self.running(query.name)?;
        let ipv4 = query.anchors.iter().all(IpAddr::is_ipv4);
        let mut usable = self.addresses_of(query.name).filter(|address| {
            let wanted = query.wanted.is_empty() || query.wanted.contains(&address.address);
            wanted && address.address.is_ipv4() == ipv4 && !address.address.is_loopback()
        });
        let address = usable
            .next()
            .ok_or_else(|| UplinkDown::NoAddress(query.name.to_owned()))?;
        let reached = query.anchors.iter().any(|anchor| {
            let mut routes = self.routes.iter();
            routes.any(|route| route.index == egress.index && route.destination.contains(*anchor))
        });
        if !reached {
            return Err(UplinkDown::NoRoute(query.egress.to_owned()));
        }
        Ok(address.address)
    }

    fn running(&self, name: &str) -> Result<&Link, UplinkDown> {
        let link = self
            .link(name)
            .ok_or_else(|| UplinkDown::NoDevice(name.to_owned()))?;
        if link.running {
            Ok(link)
        } else {
            Err(UplinkDown::NotRunning(name.to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(index: u32, name: &str, running: bool) -> NetworkEvent {
        NetworkEvent::Link(Link {
            index,
            name: name.into(),
            up: running,
            running,
            mac: None,
            mtu: 1500,
        })
    }

    fn address(index: u32, address: &str) -> NetworkEvent {
        NetworkEvent::Address(Address {
            index,
            address: address.parse().expect("an address"),
            length: 24,
        })
    }

    fn route(index: u32, destination: &str) -> NetworkEvent {
        NetworkEvent::Route(Route {
            destination: destination.parse().expect("a prefix"),
            gateway: None,
            index,
            table: 254,
            metric: 0,
        })
    }

    fn ask(state: &NetworkState, name: &str) -> Result<IpAddr, UplinkDown> {
        state.uplink(UplinkQuery {
            name,
            egress: name,
            wanted: &[],
            anchors: &["198.51.100.1".parse().expect("an address")],
        })
    }

    #[test]
    fn an_uplink_needs_device_carrier_address_and_route() {
        let mut state = NetworkState::default();
        let wan = || "wan1".to_owned();
        assert_eq!(ask(&state, "wan1"), Err(UplinkDown::NoDevice(wan())));
        state.apply(link(3, "wan1", false));
        assert_eq!(ask(&state, "wan1"), Err(UplinkDown::NotRunning(wan())));
        state.apply(link(3, "wan1", true));
        state.apply(address(3, "2001:db8::1"));
        assert_eq!(ask(&state, "wan1"), Err(UplinkDown::NoAddress(wan())));
        state.apply(address(3, "192.0.2.9"));
        assert_eq!(ask(&state, "wan1"), Err(UplinkDown::NoRoute(wan())));
        state.apply(route(4, "0.0.0.0/0"));
        assert_eq!(ask(&state, "wan1"), Err(UplinkDown::NoRoute(wan())));
        state.apply(route(3, "0.0.0.0/0"));
        assert_eq!(ask(&state, "wan1"), Ok("192.0.2.9".parse().expect("v4")));
    }

    #[test]
    fn a_device_that_went_down_has_no_routes_when_it_returns() {
        let mut state = NetworkState::default();
        state.apply(link(3, "wan1", true));
        state.apply(address(3, "192.0.2.9"));
        state.apply(route(3, "0.0.0.0/0"));
        state.apply(link(3, "wan1", false));
        state.apply(link(3, "wan1", true));
        assert_eq!(ask(&state, "wan1"), Err(UplinkDown::NoRoute("wan1".into())));
    }

    /// Would break: an anchor that takes the MTU of its default route for that of a tunnel.
    #[test]
    fn the_longest_route_says_which_link_counts() {
        let mut state = NetworkState::default();
        for (index, mtu) in [(3, 1500), (4, 1280)] {
            let NetworkEvent::Link(mut wan) = link(index, "wan", true) else {
                unreachable!("link() makes links");
            };
            wan.mtu = mtu;
            state.apply(NetworkEvent::Link(wan));
        }
        let towards = |state: &NetworkState, address: &str| {
            state.mtu_towards(address.parse().expect("an address"))
        };
        assert_eq!(towards(&state, "192.0.2.1"), None);
        state.apply(route(3, "0.0.0.0/0"));
        state.apply(route(4, "192.0.2.0/24"));
        assert_eq!(towards(&state, "192.0.2.1"), Some(1280));
        assert_eq!(towards(&state, "203.0.113.1"), Some(1500));
        assert_eq!(towards(&state, "2001:db8::1"), None);
    }

    #[test]
    fn routes_survive_a_loss_of_carrier() {
        let mut state = NetworkState::default();
        state.apply(link(3, "wan1", true));
        state.apply(address(3, "192.0.2.9"));
        state.apply(route(3, "0.0.0.0/0"));
        let NetworkEvent::Link(mut cut) = link(3, "wan1", true) else {
            unreachable!("link() makes links");
        };
        cut.running = false;
        state.apply(NetworkEvent::Link(cut));
        let down = UplinkDown::NotRunning("wan1".into());
        assert_eq!(ask(&state, "wan1"), Err(down));
        state.apply(link(3, "wan1", true));
        assert!(ask(&state, "wan1").is_ok());
    }

    #[test]
    fn the_configured_address_wins_over_the_first() {
        let mut state = NetworkState::default();
        state.apply(link(1, "lo", true));
        state.apply(link(3, "wan1", true));
        state.apply(address(1, "192.0.2.1"));
        state.apply(address(1, "192.0.2.2"));
        state.apply(route(3, "0.0.0.0/0"));
        let second = "192.0.2.2".parse().expect("an address");
        let found = state.uplink(UplinkQuery {
            name: "lo",
            egress: "wan1",
            wanted: &[second],
            anchors: &["198.51.100.1".parse().expect("an address")],
        });
        assert_eq!(found, Ok(second));
    }
}
