use std::fmt;
use std::time::Duration;

use pmip_wire::types::IpPrefix;

use super::MAX_LIFETIME;

/// One mistake in a configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A name that must not be empty is.
    #[error("{what} needs a name of 1 to 125 characters")]
    EmptyName {
        /// What lacks it.
        what: &'static str,
    },
    /// Two things of one kind share a name.
    #[error("{what} {name} is defined twice; remove one")]
    Duplicate {
        /// The kind of thing.
        what: &'static str,
        /// The shared name.
        name: String,
    },
    /// A name that nothing defines.
    #[error("{what} {name} is not defined")]
    Unknown {
        /// What is referred to.
        what: &'static str,
        /// The name used.
        name: String,
    },
    /// Two peers share an SPI, which must tell one from the other.
    #[error("auth-option spi {spi:x} names two keys; give each its own")]
    SharedSpi {
        /// The SPI.
        spi: u32,
    },
    /// Authentication is required and there is no key.
    #[error("auth-option required, but {who} has no key; add `auth-option spi ... key ...`")]
    NoKey {
        /// The node or peer that lacks one.
        who: String,
    },
    /// The node has no address to signal from.
    #[error("the local mobility anchor needs an IPv4 or an IPv6 address")]
    NoAddress,
    /// A customer has no address that his gateways could signal to.
    #[error("customer {name} needs an IPv4 or an IPv6 address")]
    NoCustomerAddress {
        /// The customer.
        name: String,
    },
    /// A fixed link-local address that is none.
    #[error("fixed-link-local-address {address} must be of fe80::/10")]
    NotLinkLocal {
        /// The address.
        address: std::net::Ipv6Addr,
    },
    /// A fixed link-layer address that is a group's or nobody's.
    #[error("fixed-link-layer-address {address:02x?} must be one station's")]
    NoStationAddress {
        /// The address.
        address: [u8; 6],
    },
    /// No anchor to register with.
    #[error("the mobile access gateway needs at least one local mobility anchor")]
    NoLma,
    /// Several anchors and none named.
    #[error("{nai}: several local mobility anchors are configured; name the one to use")]
    AmbiguousLma {
        /// The mobile node.
        nai: String,
    },
    /// The anchor has no address of the family that the encapsulation needs.
    #[error("local mobility anchor {name} needs an {family} address for its encapsulation")]
    LmaFamily {
        /// The anchor.
        name: String,
        /// `IPv4` or `IPv6`.
        family: &'static str,
    },
    /// More roaming interfaces than Binding IDs (RFC 8278 section 4.1: 1 to 254).
    #[error("{count} roaming interfaces; RFC 8278 has Binding IDs for 254")]
    TooManyInterfaces {
        /// How many were given.
        count: usize,
    },
    /// A time outside its range.
    #[error("{what} is {value:?}; it must be {least:?} to {most:?}")]
    DurationRange {
        /// Which setting.
        what: &'static str,
        /// Its value.
        value: Duration,
        /// The least allowed.
        least: Duration,
        /// The most allowed.
        most: Duration,
    },
    /// A number outside its range.
    #[error("{what} is {value}; it must be {least} to {most}")]
    NumberRange {
        /// Which setting.
        what: &'static str,
        /// Its value.
        value: u64,
        /// The least allowed.
        least: u64,
        /// The most allowed.
        most: u64,
    },
    /// A pool that cannot hold one prefix of the wanted length.
    #[error("pool {pool}: prefixes of length {length} do not fit; choose {least} to {most}")]
    PoolLength {
        /// The pool.
        pool: IpPrefix,
        /// The length asked for.
        length: u8,
        /// The shortest that fits.
        least: u8,
        /// The longest of the family.
        most: u8,
    },
    /// A pool of the wrong address family.
    #[error("pool {pool} must be {family}")]
    PoolFamily {
        /// The pool.
        pool: IpPrefix,
        /// `IPv4` or `IPv6`.
        family: &'static str,
    },
    /// An address range that ends before it starts or leaves its subnet.
    #[error(
        "address pool {first} to {last} must ascend and lie in one subnet of length {prefix_length}"
    )]
    PoolRange {
        /// The first address.
        first: std::net::Ipv4Addr,
        /// The last address.
        last: std::net::Ipv4Addr,
        /// The length told to mobile nodes.
        prefix_length: u8,
    },
    /// Two pools share addresses.
    #[error("pools {first} and {second} overlap")]
    PoolOverlap {
        /// One pool.
        first: IpPrefix,
        /// The other.
        second: IpPrefix,
    },
}

/// Every mistake of a configuration, in the order found; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors(Vec<ConfigError>);

impl ConfigErrors {
    /// The mistakes.
    pub fn iter(&self) -> std::slice::Iter<'_, ConfigError> {
        self.0.iter()
    }

    pub(super) fn check(found: Vec<ConfigError>) -> Result<(), Self> {
        if found.is_empty() {
            Ok(())
        } else {
            Err(Self(found))
        }
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

impl<'a> IntoIterator for &'a ConfigErrors {
    type Item = &'a ConfigError;
    type IntoIter = std::slice::Iter<'a, ConfigError>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

/// Collects mistakes so that all of them are reported, not only the first.
#[derive(Default)]
pub(super) struct Checker(pub(super) Vec<ConfigError>);

impl Checker {
    pub(super) fn name(&mut self, what: &'static str, name: &str) {
        if name.is_empty() || name.len() > 125 {
            self.0.push(ConfigError::EmptyName { what });
        }
    }

    pub(super) fn unique<'a>(
        &mut self,
        what: &'static str,
        names: impl IntoIterator<Item = &'a str>,
    ) {
        let mut seen = std::collections::BTreeSet::new();
        for name in names {
            if !seen.insert(name) {
                let name = name.to_owned();
                self.0.push(ConfigError::Duplicate { what, name });
            }
        }
    }

    pub(super) fn duration(
        &mut self,
        what: &'static str,
        value: Duration,
        least: Duration,
        most: Duration,
    ) {
        if value < least || value > most {
            self.0.push(ConfigError::DurationRange {
                what,
                value,
                least,
                most,
            });
        }
    }

    /// Key 0 is what a receiver reads where none was set.
    pub(super) fn gre_key(&mut self, what: &'static str, key: Option<u32>) {
        if let Some(key) = key {
            self.number(what, key.into(), 1, u32::MAX.into());
        }
    }

    /// ANI Update-Timer: 16 bits of units of 4 s, 0 included (RFC 7563 section 3.3).
    pub(super) fn update_timer(&mut self, timer: Option<Duration>) {
        if let Some(timer) = timer {
            self.duration("ani update timer", timer, Duration::ZERO, MAX_LIFETIME);
        }
    }

    pub(super) fn number(&mut self, what: &'static str, value: u64, least: u64, most: u64) {
        if value < least || value > most {
            self.0.push(ConfigError::NumberRange {
                what,
                value,
                least,
                most,
            });
        }
    }
}
