use std::net::{IpAddr, Ipv4Addr};

use pmip_wire::types::IpPrefix;

use super::error::{Checker, ConfigError};

/// Which address families a mobile node may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum Service {
    /// IPv4 alone.
    Ipv4,
    /// IPv6 alone.
    Ipv6,
    /// Both.
    #[default]
    Dual,
}

impl Service {
    /// Whether IPv4 is part of it.
    pub const fn has_ipv4(self) -> bool {
        matches!(self, Self::Ipv4 | Self::Dual)
    }

    /// Whether IPv6 is part of it.
    pub const fn has_ipv6(self) -> bool {
        matches!(self, Self::Ipv6 | Self::Dual)
    }
}

/// A named set of pools on an LMA.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
#[non_exhaustive]
pub struct Network {
    /// Its name, 1 to 125 characters.
    pub name: String,
    /// IPv4 home addresses.
    #[cfg_attr(feature = "serde", serde(default))]
    pub ipv4_pool: Option<Ipv4Pool>,
    /// IPv6 home network prefixes.
    #[cfg_attr(feature = "serde", serde(default))]
    pub ipv6_pool: Option<Ipv6Pool>,
    /// Mobile network prefixes for logical mobile nodes, tried in order (RFC 7148).
    #[cfg_attr(feature = "serde", serde(default))]
    pub mobile_network_pools: Vec<MobileNetworkPool>,
    /// Accept the mobile network prefixes that a MAG asserts even outside every pool, as long as
    /// nobody else holds them.
    #[cfg_attr(feature = "serde", serde(default))]
    pub accept_asserted: bool,
}

/// A range of IPv4 home addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
#[non_exhaustive]
pub struct Ipv4Pool {
    /// The first address.
    pub first: Ipv4Addr,
    /// The last address.
    pub last: Ipv4Addr,
    /// The prefix length told to mobile nodes, 8 to 30.
    pub prefix_length: u8,
    /// The default router told to mobile nodes; `None` = the first host address of the subnet,
    /// which is then never given to a mobile node.
    #[cfg_attr(feature = "serde", serde(default))]
    pub default_router: Option<Ipv4Addr>,
}

/// IPv6 home network prefixes carved out of one block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
#[non_exhaustive]
pub struct Ipv6Pool {
    /// The block.
    pub prefix: IpPrefix,
    /// The length of each home network prefix, at most 64.
    pub prefix_length: u8,
}

/// Mobile network prefixes carved out of one block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
#[non_exhaustive]
pub struct MobileNetworkPool {
    /// The block.
    pub prefix: IpPrefix,
    /// The length of each mobile network prefix.
    pub network_length: u8,
}

impl Network {
    /// A network without pools.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }

    pub(super) fn check(&self, checker: &mut Checker) {
        checker.name("a network", &self.name);
        if let Some(pool) = &self.ipv4_pool {
            pool.check(checker);
        }
        if let Some(pool) = &self.ipv6_pool {
            if pool.prefix.is_ipv4() {
                let (pool, family) = (pool.prefix, "IPv6");
                checker.0.push(ConfigError::PoolFamily { pool, family });
            } else {
                check_length(checker, pool.prefix, pool.prefix_length, 64);
            }
        }
        for pool in &self.mobile_network_pools {
            let most = if pool.prefix.is_ipv4() { 32 } else { 64 };
            check_length(checker, pool.prefix, pool.network_length, most);
        }
        for (index, first) in self.mobile_network_pools.iter().enumerate() {
            for second in self.mobile_network_pools.iter().skip(index + 1) {
                if first.prefix.overlaps(&second.prefix) {
                    checker.0.push(ConfigError::PoolOverlap {
                        first: first.prefix,
                        second: second.prefix,
                    });
                }
            }
        }
    }
}

impl Ipv4Pool {
    /// The addresses `first` to `last`, told to mobile nodes with `prefix_length`.
    pub const fn new(first: Ipv4Addr, last: Ipv4Addr, prefix_length: u8) -> Self {
        Self {
            first,
            last,
            prefix_length,
            default_router: None,
        }
    }

    /// The default router that goes with an address of this pool.
    pub fn router(&self) -> Ipv4Addr {
        self.default_router.unwrap_or_else(|| {
            let host_bits = 32u32.saturating_sub(self.prefix_length.into());
            let mask = u32::MAX.checked_shl(host_bits).unwrap_or(0);
            Ipv4Addr::from_bits((self.first.to_bits() & mask).saturating_add(1))
        })
    }

    fn check(&self, checker: &mut Checker) {
        checker.number("pool prefix length", self.prefix_length.into(), 8, 30);
        let subnet = IpPrefix::new(IpAddr::V4(self.first), self.prefix_length);
        let inside = subnet.is_ok_and(|subnet| subnet.contains(IpAddr::V4(self.last)));
        if !inside || self.first > self.last {
            checker.0.push(ConfigError::PoolRange {
                first: self.first,
                last: self.last,
                prefix_length: self.prefix_length,
            });
        }
    }
}

impl Ipv6Pool {
    /// Prefixes of `prefix_length` carved out of `prefix`.
    pub const fn new(prefix: IpPrefix, prefix_length: u8) -> Self {
        Self {
            prefix,
            prefix_length,
        }
    }
}

impl MobileNetworkPool {
    /// Prefixes of `network_length` carved out of `prefix`.
    pub const fn new(prefix: IpPrefix, network_length: u8) -> Self {
        Self {
            prefix,
            network_length,
        }
    }
}

fn check_length(checker: &mut Checker, pool: IpPrefix, length: u8, most: u8) {
    let least = pool.length();
    if length < least || length > most {
        checker.0.push(ConfigError::PoolLength {
            pool,
            length,
            least,
            most,
        });
    }
}
