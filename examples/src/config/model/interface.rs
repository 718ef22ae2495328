//! Interfaces and address pools outside the PMIPv6 blocks.

use std::net::Ipv4Addr;

use pmip_wire::types::IpPrefix;

use super::{InterfaceAddress, section};

section! {
    /// `interface NAME`.
    pub struct Interface {
        /// The name used in this file.
        pub name: String,
        /// The Linux device; none: the name itself.
        pub device: Option<String>,
        /// Free text.
        pub description: Option<String>,
        /// VRF it belongs to.
        pub vrf: Option<String>,
        /// Administratively down.
        pub shutdown: bool,
        /// Addresses, added when missing.
        pub address: Vec<InterfaceAddress>,
    }
}

section! {
    /// `ip local pool NAME FIRST [LAST]`.
    pub struct Ipv4Pool {
        /// 1 to 125 characters.
        pub name: String,
        /// Ranges, used in this order.
        pub ranges: Vec<Ipv4Range>,
    }
}

/// Addresses `first` to `last`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ipv4Range {
    /// The lowest.
    pub first: Ipv4Addr,
    /// The highest.
    pub last: Ipv4Addr,
}

/// `ipv6 local pool NAME PREFIX/LENGTH N`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Ipv6Pool {
    /// 1 to 125 characters.
    pub name: String,
    /// What is carved.
    pub prefix: IpPrefix,
    /// Length of each prefix given out.
    pub assigned_length: u32,
}

section! {
    /// `ip dhcp pool NAME`.
    pub struct DhcpPool {
        /// 1 to 125 characters.
        pub name: String,
        /// Serve the prefix that the LMA delegated to this logical mobile node.
        pub from_mobile_network: Option<String>,
        /// Serve this network.
        pub network: Option<IpPrefix>,
        /// Default routers; none: ourselves.
        pub default_router: Vec<Ipv4Addr>,
        /// Name servers.
        pub dns_server: Vec<Ipv4Addr>,
        /// Domain name for hosts.
        pub domain_name: Option<String>,
        /// Lease time in minutes; none: a day.
        pub lease_minutes: Option<u32>,
    }
}
