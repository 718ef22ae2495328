use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::str::FromStr;

/// An IPv4 or IPv6 prefix whose host bits are zero.
///
/// ```
/// use pmip_wire::types::IpPrefix;
///
/// let prefix: IpPrefix = "2001:db8:7::/48".parse()?;
/// assert!(prefix.contains("2001:db8:7:1::9".parse().unwrap()));
/// assert!(!prefix.contains("192.0.2.1".parse().unwrap()));
/// # Ok::<(), pmip_wire::types::PrefixError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IpPrefix {
    address: IpAddr,
    length: u8,
}

/// Why a prefix could not be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PrefixError {
    /// The length is above 32 (IPv4) or 128 (IPv6).
    #[error("prefix length {length} is above {limit}")]
    TooLong {
        /// The length given.
        length: u8,
        /// The longest length of the family.
        limit: u8,
    },
    /// The text is not `ADDRESS/LENGTH`.
    #[error("not an address and a prefix length, such as 192.0.2.0/24")]
    Syntax,
}

impl IpPrefix {
    /// The prefix of `length` bits that holds `address`; host bits are cleared.
    ///
    /// # Errors
    /// [`PrefixError::TooLong`] when `length` exceeds the family's width.
    pub fn new(address: IpAddr, length: u8) -> Result<Self, PrefixError> {
        let limit = width(address);
        if length > limit {
            return Err(PrefixError::TooLong { length, limit });
        }
        Ok(Self {
            address: mask(address, length),
            length,
        })
    }

    /// The prefix that holds `address` alone.
    pub fn host(address: IpAddr) -> Self {
        Self {
            address,
            length: width(address),
        }
    }

    /// The first address.
    pub const fn address(&self) -> IpAddr {
        self.address
    }

    /// The length in bits.
    pub const fn length(&self) -> u8 {
        self.length
    }

    /// Whether `address` lies inside.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.address.is_ipv4() == address.is_ipv4() && mask(address, self.length) == self.address
    }

    /// Whether the two prefixes share an address.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.contains(other.address) || other.contains(self.address)
    }

    /// Whether this is an IPv4 prefix.
    pub const fn is_ipv4(&self) -> bool {
        self.address.is_ipv4()
    }
}

/// Clears every bit of `address` after the first `length`.
fn mask(address: IpAddr, length: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let host_bits = 32u32.saturating_sub(length.into());
            let mask = u32::MAX.checked_shl(host_bits).unwrap_or(0);
            Ipv4Addr::from_bits(v4.to_bits() & mask).into()
        }
        IpAddr::V6(v6) => {
            let host_bits = 128u32.saturating_sub(length.into());
            let mask = u128::MAX.checked_shl(host_bits).unwrap_or(0);
            Ipv6Addr::from_bits(v6.to_bits() & mask).into()
        }
    }
}

const fn width(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

impl fmt::Display for IpPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

impl FromStr for IpPrefix {
    type Err = PrefixError;

    fn from_str(text: &str) -> Result<Self, PrefixError> {
        let (address, length) = text.split_once('/').ok_or(PrefixError::Syntax)?;
        let address = address.parse().map_err(|_| PrefixError::Syntax)?;
        let length = length.parse().map_err(|_| PrefixError::Syntax)?;
        Self::new(address, length)
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for IpPrefix {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for IpPrefix {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl serde::de::Visitor<'_> for Text {
            type Value = IpPrefix;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a prefix such as 192.0.2.0/24")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<IpPrefix, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text)
    }
}

#[cfg(feature = "ipnetwork")]
impl From<ipnetwork::IpNetwork> for IpPrefix {
    fn from(network: ipnetwork::IpNetwork) -> Self {
        // An IpNetwork's length never exceeds its family's width.
        Self {
            address: mask(network.ip(), network.prefix()),
            length: network.prefix(),
        }
    }
}

#[cfg(feature = "arbitrary")]
impl<'a> arbitrary::Arbitrary<'a> for IpPrefix {
    fn arbitrary(u: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
        let address: IpAddr = u.arbitrary()?;
        let length = u.int_in_range(0..=width(address))?;
        Ok(Self {
            address: mask(address, length),
            length,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(text: &str) -> IpPrefix {
        text.parse().expect("a valid prefix")
    }

    #[test]
    fn host_bits_are_cleared() {
        assert_eq!(prefix("192.0.2.77/24"), prefix("192.0.2.0/24"));
        assert_eq!(prefix("2001:db8::1/0"), prefix("::/0"));
    }

    #[test]
    fn lengths_above_the_width_are_refused() {
        assert_eq!(
            "192.0.2.0/33".parse::<IpPrefix>(),
            Err(PrefixError::TooLong {
                length: 33,
                limit: 32
            })
        );
    }

    #[test]
    fn families_never_contain_each_other() {
        assert!(!prefix("0.0.0.0/0").contains("::1".parse().expect("v6")));
        assert!(!prefix("::/0").overlaps(&prefix("0.0.0.0/0")));
        assert!(prefix("10.0.0.0/8").overlaps(&prefix("10.1.0.0/16")));
    }
}
