//! `ipv6 mobile pmipv6-lma`: a local mobility anchor.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{
    AccessTechnology, Addresses, AuthOption, BindingTimes, Dscp, Heartbeat, HybridAccess,
    MobilityRole, Peer, ReplayProtection, Revocation, Tunnel, TunnelEncap, section,
};

section! {
    /// A local mobility anchor.
    pub struct Lma {
        /// Its identifier, 1 to 125 characters.
        pub id: String,
        /// Its domain.
        pub domain: String,
        /// Signalling and tunnel addresses.
        pub address: Addresses,
        /// Accept signalling from MAGs that are not configured.
        pub dynamic_mag_learning: bool,
        /// Accept multipath bindings.
        pub multipath: bool,
        /// The active map for LMA-to-MAG traffic.
        pub mobile_map: Option<String>,
        /// The correspondent-facing interfaces.
        pub interface: Vec<String>,
        /// The profile of a mobile node without one.
        pub default_profile: Option<String>,
        /// Encapsulation; none: the domain's.
        pub encap: Option<TunnelEncap>,
        /// Timestamp check; none: the domain's.
        pub replay_protection: Option<ReplayProtection>,
        /// Heartbeat values, by label.
        pub heartbeat: Vec<Heartbeat>,
        /// Impose the heartbeat values on MAGs (RFC 8127).
        pub heartbeat_enforce: bool,
        /// Limits and times of bindings.
        pub bce: BindingTimes,
        /// Revocation timers.
        pub bri: Revocation,
        /// Settings of every tunnel.
        pub tunnel: Tunnel,
        /// Home network prefixes per interface of a mobile node, 1 to 3.
        pub hnp_maximum: Option<u32>,
        /// DSCP of signalling.
        pub dscp_control_plane: Option<Dscp>,
        /// Negotiate GRE keys.
        pub generate_grekey: bool,
        /// Answer a flow on the path where it last arrived.
        pub flow_mirror: bool,
        /// Export of routes to home addresses.
        pub redistribute: Option<MobileRoutes>,
        /// Administrative distance of mobile routes, 1 to 254.
        pub mobile_route_ad: Option<u32>,
        /// Access-network information. Accepted, no effect.
        pub ani: bool,
        /// `role`. Accepted, no effect.
        pub role: Option<MobilityRole>,
        /// `rat`. Accepted, no effect.
        pub rat: Vec<RatPriority>,
        /// `enable aaa accounting`. Accepted, no effect.
        pub aaa_accounting: bool,
        /// `aaa accounting interim`, minutes, 1 to 86400. Accepted, no effect.
        pub aaa_accounting_interim: Option<u32>,
        /// Configured MAGs.
        pub mag: Vec<Peer>,
        /// Named sets of pools.
        pub network: Vec<Network>,
        /// `mobility-service mobile-local-loop`: tenants.
        pub mobile_local_loop: Option<LmaLocalLoop>,
        /// `mobility-service hybrid-access`.
        pub hybrid_access: Option<HybridAccess>,
    }
}

impl Lma {
    /// The network called `name`.
    pub fn network(&self, name: &str) -> Option<&Network> {
        self.network.iter().find(|network| network.name == name)
    }
}

/// `redistribute home-address`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MobileRoutes {
    /// One host route for each home address.
    HostPrefix,
    /// None.
    Disable,
}

section! {
    /// `rat TYPE priority N`.
    pub struct RatPriority {
        /// Access technology.
        pub att: AccessTechnology,
        /// 1 to 255.
        pub priority: u32,
    }
}

section! {
    /// `network NAME`: a named set of pools, an attribute of mobile node profiles.
    pub struct Network {
        /// 1 to 125 characters.
        pub name: String,
        /// Home addresses.
        pub ipv4_pool: Option<NetworkPool>,
        /// Home network prefixes.
        pub ipv6_pool: Option<NetworkPool>,
        /// Pools of mobile network prefixes, used in this order.
        #[serde(rename = "mobile-network")]
        pub mobile_networks: Vec<MobileNetworkPool>,
    }
}

section! {
    /// `pool ipv4|ipv6 NAME pfxlen N`.
    pub struct NetworkPool {
        /// Name of an `ip local pool` or `ipv6 local pool`.
        pub name: String,
        /// The prefix length told to the mobile node; 8 to 30 (IPv4), 8 to 64 (IPv6).
        pub pfxlen: u32,
    }
}

/// `mobile-network pool|v6pool ADDRESS pool-prefix P network-prefix N`.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct MobileNetworkPool {
    /// An address inside the pool; its family is the pool's.
    pub pool: IpAddr,
    /// Length of the pool; 8 to 30 (IPv4), 8 to 64 (IPv6).
    pub pool_prefix: u32,
    /// Length of each prefix given out; `pool_prefix` to 32 (IPv4) or 64 (IPv6).
    pub network_prefix: u32,
}

section! {
    /// `mobility-service mobile-local-loop` on the LMA.
    pub struct LmaLocalLoop {
        /// Tenants.
        pub customer: Vec<Customer>,
        /// Sessions need no home address.
        pub ignore_home_address: bool,
        /// Limits of mobile network prefixes for all.
        pub limits: PrefixLimits,
    }
}

section! {
    /// Limits of mobile network prefixes.
    pub struct PrefixLimits {
        /// Per logical mobile node, both families, 1 to 32.
        pub lmn: Option<u32>,
        /// Per logical mobile node, IPv4, 1 to 32.
        pub lmn_ipv4: Option<u32>,
        /// Per logical mobile node, IPv6, 1 to 32.
        pub lmn_ipv6: Option<u32>,
        /// Per customer, both families, 1 to 4,000,000.
        pub customer: Option<u32>,
        /// Per customer, IPv4, 1 to 4,000,000.
        pub customer_ipv4: Option<u32>,
        /// Per customer, IPv6, 1 to 4,000,000.
        pub customer_ipv6: Option<u32>,
    }
}

section! {
    /// `customer NAME vrf VRF`: a tenant.
    pub struct Customer {
        /// 1 to 32 characters.
        pub name: String,
        /// Where its traffic goes, 1 to 32 characters.
        pub vrf: String,
        /// Authentication of its MAGs: the first key sends, all are accepted.
        #[serde(with = "crate::config::model::one_or_many")]
        pub auth_option: Vec<AuthOption>,
        /// Heartbeat values, by label.
        pub heartbeat: Vec<Heartbeat>,
        /// Where its tunnels arrive.
        pub transport: Vec<Transport>,
        /// Its pools.
        pub network: Option<CustomerNetwork>,
        /// `gre-key symmetric N`.
        pub gre_key_symmetric: Option<u32>,
        /// Lifetime granted and limits of bindings.
        pub bce: BindingTimes,
        /// Limits of mobile network prefixes.
        pub limits: PrefixLimits,
        /// Administrative distance of mobile routes, 1 to 254.
        pub mobile_route_ad: Option<u32>,
        /// `bandwidth aggregate`, kbit/s. Accepted, no effect.
        pub bandwidth_aggregate: Option<u32>,
    }
}

section! {
    /// `transport [vrf V]` with its addresses.
    pub struct Transport {
        /// The VRF; none: the node's own.
        pub vrf: Option<String>,
        /// IPv4 address of the LMA there.
        pub ipv4: Option<Ipv4Addr>,
        /// IPv6 address of the LMA there.
        pub ipv6: Option<Ipv6Addr>,
    }
}

section! {
    /// `network NAME` or `network unauthorized` of a customer.
    pub struct CustomerNetwork {
        /// The network's name; empty with `unauthorized`.
        pub name: String,
        /// Accept the prefixes that the MAG asserts.
        pub unauthorized: bool,
        /// Home addresses.
        pub ipv4_pool: Option<NetworkPool>,
        /// Home network prefixes.
        pub ipv6_pool: Option<NetworkPool>,
        /// Pools of mobile network prefixes.
        #[serde(rename = "mobile-network")]
        pub mobile_networks: Vec<MobileNetworkPool>,
    }
}
