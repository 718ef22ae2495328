//! The typed node configuration: one model, two texts (TOML and the configuration language).
//!
//! A file may hold several nodes and both roles. Every statement of the configuration language has
//! a place here, so that printing the model and reading it back gives the same model. The model
//! holds what was written; ranges and references are checked by [`load`](super::load), and
//! [`node`](super::node) turns one node of it into what the engines take.

mod access_list;
mod domain;
mod hybrid;
mod interface;
mod lma;
mod mag;
mod one_or_many;
mod shared;
mod values;

use serde::{Deserialize, Serialize};

pub use access_list::{
    AccessList, AclAction, AclAddress, AclProtocol, AclRule, AclRuleError, IpFamily, PortMatch,
};
pub use domain::{
    Domain, LinkLabel, MapEntry, MnInterface, MobileMap, NaiProfile, Service, VendorInfo,
};
pub use hybrid::{
    HybridAccess, LinkWeight, LoadBalance, ProfileDefinition, SlaOverride, SlaProbe, SlaReaction,
};
pub use interface::{DhcpPool, Interface, Ipv4Pool, Ipv4Range, Ipv6Pool};
pub use lma::{
    Customer, CustomerNetwork, Lma, LmaLocalLoop, MobileNetworkPool, MobileRoutes, Network,
    NetworkPool, PrefixLimits, RatPriority, Transport,
};
pub use mag::{
    DetachDiscovery, LogicalMn, Mag, MagLma, MagLocalLoop, MobileNetwork, ReverseRoute,
    RoamingInterface,
};
pub use shared::{
    Addresses, AuthOption, BindingTimes, Dscp, Heartbeat, MobilityRole, Peer, ReplayProtection,
    Revocation, TOLERANCES, Tunnel, TunnelAcl, TunnelEncap, TunnelNat, tolerance_word,
};
pub use values::{AccessTechnology, InterfaceAddress, Key, MacAddress, Percent, ValueError};

/// Declares a section: every field is optional in TOML, an unknown key is refused, and a field that
/// was not set is not printed.
macro_rules! section {
    ($(#[$outer:meta])* pub struct $name:ident {
        $($(#[$inner:meta])* pub $field:ident: $kind:ty,)*
    }) => {
        $(#[$outer])*
        #[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
        pub struct $name {
            $($(#[$inner])*
            #[serde(skip_serializing_if = "crate::config::model::is_default")]
            pub $field: $kind,)*
        }
    };
}
use section;

/// A whole configuration file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Config {
    /// Access lists, in the order they were made.
    #[serde(rename = "access-list", skip_serializing_if = "is_default")]
    pub access_lists: Vec<AccessList>,
    /// `ip local pool`: IPv4 address ranges by name.
    #[serde(rename = "ipv4-pool", skip_serializing_if = "is_default")]
    pub ipv4_pools: Vec<Ipv4Pool>,
    /// `ipv6 local pool`: IPv6 prefixes to carve from, by name.
    #[serde(rename = "ipv6-pool", skip_serializing_if = "is_default")]
    pub ipv6_pools: Vec<Ipv6Pool>,
    /// `ip dhcp pool`.
    #[serde(rename = "dhcp-pool", skip_serializing_if = "is_default")]
    pub dhcp_pools: Vec<DhcpPool>,
    /// PMIPv6 domains.
    #[serde(rename = "domain", skip_serializing_if = "is_default")]
    pub domains: Vec<Domain>,
    /// Local mobility anchors.
    #[serde(rename = "lma", skip_serializing_if = "is_default")]
    pub lmas: Vec<Lma>,
    /// Mobile access gateways.
    #[serde(rename = "mag", skip_serializing_if = "is_default")]
    pub mags: Vec<Mag>,
    /// `interface` blocks.
    #[serde(rename = "interface", skip_serializing_if = "is_default")]
    pub interfaces: Vec<Interface>,
}

impl Config {
    /// The domain called `name`.
    pub fn domain(&self, name: &str) -> Option<&Domain> {
        self.domains.iter().find(|domain| domain.name == name)
    }

    /// The access list called `name`.
    pub fn access_list(&self, name: &str) -> Option<&AccessList> {
        self.access_lists.iter().find(|list| list.name == name)
    }

    /// The IPv4 pool called `name`.
    pub fn ipv4_pool(&self, name: &str) -> Option<&Ipv4Pool> {
        self.ipv4_pools.iter().find(|pool| pool.name == name)
    }

    /// The IPv6 pool called `name`.
    pub fn ipv6_pool(&self, name: &str) -> Option<&Ipv6Pool> {
        self.ipv6_pools.iter().find(|pool| pool.name == name)
    }

    /// The `interface` block called `name`.
    pub fn interface(&self, name: &str) -> Option<&Interface> {
        self.interfaces
            .iter()
            .find(|interface| interface.name == name)
    }

    /// The Linux device behind an interface name: its block's `device`, else the name itself.
    pub fn device<'a>(&'a self, name: &'a str) -> &'a str {
        self.interface(name)
            .and_then(|interface| interface.device.as_deref())
            .unwrap_or(name)
    }
}

/// For `skip_serializing_if`: what was not set is not printed.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
