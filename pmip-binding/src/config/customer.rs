use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use super::MAX_LIFETIME;
use super::error::{Checker, ConfigError};
use super::heartbeat::HeartbeatConfig;
use super::lma::LmaConfig;
use super::security::{SharedKey, check_keys};

/// The longest name of a customer or a VRF.
const MAX_NAME: u64 = 32;

/// A customer of an anchor (`mobility-service mobile-local-loop`, `customer NAME vrf VRF`): a
/// tenant with addresses of his own to signal to, and an address space of his own.
///
/// Access gateways, mobile nodes, keys and prefixes of one customer mean nothing to another, even
/// where they are equal. A session is its customer's by the VRF and address that its PBU came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
#[non_exhaustive]
pub struct Customer {
    /// Its name, 1 to 32 characters.
    pub name: String,
    /// `customer NAME vrf VRF`: where the traffic of its mobile nodes is routed, one of
    /// [`LmaConfig::vrfs`]; `None` = the default one. Customers that share it share an address
    /// space.
    pub vrf: Option<String>,
    /// `transport vrf VRF`: where its gateways are reached; `None` = the default one.
    pub transport_vrf: Option<String>,
    /// `address ipv4`: the anchor's address for its gateways' IPv4 transport. At least one address
    /// is needed, and each must be nobody else's in the transport VRF.
    pub ipv4_address: Option<Ipv4Addr>,
    /// `address ipv6`: the same for IPv6 transport.
    pub ipv6_address: Option<Ipv6Addr>,
    /// `auth-option`: the keys of each of its gateways that has none of its own; empty = none, the
    /// anchor's keys are not its.
    pub keys: Vec<SharedKey>,
    /// How its paths are watched; without rules as all others.
    pub heartbeat: HeartbeatConfig,
    /// `network NAME`: the networks that supply its addresses. A mobile node whose profile names
    /// none of them has the first.
    pub networks: Vec<String>,
    /// `network unauthorized`: mobile network prefixes that a gateway asserts are accepted without
    /// a pool, as long as nobody else in the VRF holds them.
    pub unauthorized: bool,
    /// `ignore home-address`: a session needs neither home address nor home network prefix.
    pub ignore_home_address: bool,
    /// `gre-key symmetric`: the uplink GRE key on all its paths, at least 1, which its gateways
    /// have as downlink key; `None` = as the profile says.
    pub gre_key: Option<u32>,
    /// `bce lifetime`: the longest lifetime granted; `None` = the anchor's.
    #[cfg_attr(feature = "serde", serde(with = "super::text::optional_duration"))]
    pub lifetime: Option<Duration>,
    /// How many mobile network prefixes it may have; above it status 130.
    pub limits: CustomerLimits,
}

/// How many mobile network prefixes a customer may have; `None` = as many as the anchor allows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
#[non_exhaustive]
pub struct CustomerLimits {
    /// IPv4 prefixes of one mobile node, 1 to 32.
    pub ipv4_per_node: Option<u8>,
    /// IPv6 prefixes of one mobile node, 1 to 32.
    pub ipv6_per_node: Option<u8>,
    /// IPv4 prefixes of all its mobile nodes, 1 to 4,000,000.
    pub ipv4: Option<u32>,
    /// IPv6 prefixes of all its mobile nodes, 1 to 4,000,000.
    pub ipv6: Option<u32>,
}

impl Customer {
    /// A customer without address yet.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }

    /// The anchor's addresses for its gateways.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        let ipv4 = self.ipv4_address.map(IpAddr::V4);
        ipv4.into_iter().chain(self.ipv6_address.map(IpAddr::V6))
    }

    fn check(&self, checker: &mut Checker, config: &LmaConfig) {
        checker.number(
            "length of a customer's name",
            self.name.len() as u64,
            1,
            MAX_NAME,
        );
        let vrfs = self.vrf.iter().chain(&self.transport_vrf);
        for name in vrfs.filter(|name| config.vrf(name).is_none()) {
            let (what, name) = ("vrf", name.clone());
            checker.0.push(ConfigError::Unknown { what, name });
        }
        if self.addresses().next().is_none() {
            let name = self.name.clone();
            checker.0.push(ConfigError::NoCustomerAddress { name });
        }
        check_keys(checker, &self.keys);
        self.heartbeat.check(checker);
        for name in &self.networks {
            if config.network(name).is_none() {
                let (what, name) = ("network", name.clone());
                checker.0.push(ConfigError::Unknown { what, name });
            }
        }
        checker.gre_key("gre-key symmetric", self.gre_key);
        if let Some(lifetime) = self.lifetime {
            let unit = Duration::from_secs(4);
            checker.duration("customer bce lifetime", lifetime, unit, MAX_LIFETIME);
        }
        self.limits.check(checker);
    }
}

impl CustomerLimits {
    fn check(&self, checker: &mut Checker) {
        let per_node = [self.ipv4_per_node, self.ipv6_per_node];
        for most in per_node.into_iter().flatten() {
            checker.number("mobile network prefixes per node", most.into(), 1, 32);
        }
        for most in [self.ipv4, self.ipv6].into_iter().flatten() {
            let what = "mobile network prefixes per customer";
            checker.number(what, most.into(), 1, 4_000_000);
        }
    }
}

/// Checks VRFs and customers, and who names them.
pub(super) fn check_customers(checker: &mut Checker, config: &LmaConfig) {
    checker.unique("vrf", config.vrfs.iter().map(String::as_str));
    for name in &config.vrfs {
        checker.number("length of a vrf's name", name.len() as u64, 1, MAX_NAME);
    }
    let customers = &config.customers;
    let most = u64::from(u16::MAX);
    checker.number("number of customers", customers.len() as u64, 0, most);
    checker.number("number of vrfs", config.vrfs.len() as u64, 0, most);
    checker.unique("customer", customers.iter().map(|c| c.name.as_str()));
    for customer in customers {
        customer.check(checker, config);
    }
    check_addresses(checker, config);
    let of_profiles = config.profiles.iter().filter_map(|p| p.customer.as_ref());
    let of_peers = config.peers.iter().filter_map(|p| p.customer.as_ref());
    for name in of_profiles.chain(of_peers) {
        if config.customer(name).is_none() {
            let (what, name) = ("customer", name.clone());
            checker.0.push(ConfigError::Unknown { what, name });
        }
    }
}

/// Whose a PBU is shows where it came to, so nobody shares an address.
fn check_addresses(checker: &mut Checker, config: &LmaConfig) {
    let own = [
        config.ipv4_address.map(IpAddr::V4),
        config.ipv6_address.map(IpAddr::V6),
    ];
    let mut seen: std::collections::BTreeSet<(Option<&str>, IpAddr)> =
        own.into_iter().flatten().map(|own| (None, own)).collect();
    for customer in &config.customers {
        for address in customer.addresses() {
            if !seen.insert((customer.transport_vrf.as_deref(), address)) {
                let (what, name) = ("transport address", address.to_string());
                checker.0.push(ConfigError::Duplicate { what, name });
            }
        }
    }
}
