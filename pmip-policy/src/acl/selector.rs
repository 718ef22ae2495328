use core::net::{IpAddr, Ipv4Addr};

use pmip_wire::types::IpPrefix;

use super::list::Family;
use crate::key::FlowKey;

/// The traffic that a rule means: every part must match. A new selector matches all of its family.
///
/// ```
/// use pmip_policy::{AddressMatch, FlowKey, PortMatch, Selector};
///
/// // udp any 198.51.100.0 0.0.0.255 range 16384 32767 dscp 46
/// let voice = Selector::any()
///     .with_protocol(FlowKey::UDP)
///     .with_destination(AddressMatch::Wildcard {
///         address: [198, 51, 100, 0].into(),
///         wildcard: [0, 0, 0, 255].into(),
///     })
///     .with_destination_port(PortMatch::Range(16_384, 32_767))
///     .with_dscp(46);
/// let key = FlowKey::new([10, 0, 0, 2].into(), [198, 51, 100, 7].into(), FlowKey::UDP);
/// assert!(voice.matches(&key.with_ports(5_004, 20_000).with_dscp(46)));
/// assert!(!voice.matches(&key.with_ports(5_004, 20_000)));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, rename_all = "kebab-case"))]
#[non_exhaustive]
pub struct Selector {
    /// Protocol number of the upper layer; `None` is `ip` or `ipv6`: any.
    pub protocol: Option<u8>,
    /// Source addresses.
    pub source: AddressMatch,
    /// Source ports.
    pub source_port: PortMatch,
    /// Destination addresses.
    pub destination: AddressMatch,
    /// Destination ports.
    pub destination_port: PortMatch,
    /// Differentiated Services code point, 0 to 63.
    pub dscp: Option<u8>,
    /// TCP packets of an open connection only (ACK or RST is set): for lists that filter packets
    /// ([`matches_packet`](Self::matches_packet)). A map classifies a flow by its first packet,
    /// which belongs to no open connection, so there no flow matches.
    pub established: bool,
}

impl Selector {
    /// Matches everything.
    pub fn any() -> Self {
        Self::default()
    }

    /// Of this protocol only.
    #[must_use]
    pub const fn with_protocol(mut self, protocol: u8) -> Self {
        self.protocol = Some(protocol);
        self
    }

    /// From these addresses only.
    #[must_use]
    pub const fn with_source(mut self, source: AddressMatch) -> Self {
        self.source = source;
        self
    }

    /// To these addresses only.
    #[must_use]
    pub const fn with_destination(mut self, destination: AddressMatch) -> Self {
        self.destination = destination;
        self
    }

    /// From these ports only.
    #[must_use]
    pub const fn with_source_port(mut self, port: PortMatch) -> Self {
        self.source_port = port;
        self
    }

    /// To these ports only.
    #[must_use]
    pub const fn with_destination_port(mut self, port: PortMatch) -> Self {
        self.destination_port = port;
        self
    }

    /// With this code point only.
    #[must_use]
    pub const fn with_dscp(mut self, dscp: u8) -> Self {
        self.dscp = Some(dscp);
        self
    }

    /// Packets of open TCP connections only.
    #[must_use]
    pub const fn with_established(mut self) -> Self {
        self.established = true;
        self
    }

    /// Whether a flow matches, part by part. [`CompiledAccessList`](super::CompiledAccessList)
    /// gives the same answer faster.
    pub fn matches(&self, key: &FlowKey) -> bool {
        self.matches_packet(key, false)
    }

    /// Whether a packet matches; `established` says that it is of an open TCP connection.
    pub fn matches_packet(&self, key: &FlowKey, established: bool) -> bool {
        (established || !self.established)
            && self
                .protocol
                .is_none_or(|protocol| protocol == key.protocol())
            && self.dscp.is_none_or(|dscp| dscp == key.dscp())
            && self.source.matches(key.source())
            && self.destination.matches(key.destination())
            && self.source_port.matches(key.source_port())
            && self.destination_port.matches(key.destination_port())
    }

    /// Whether it can match anything of `family`.
    pub(super) const fn fits(&self, family: Family) -> bool {
        self.source.fits(family) && self.destination.fits(family)
    }
}

/// The addresses that a rule means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum AddressMatch {
    /// `any`.
    #[default]
    Any,
    /// `A WILDCARD` of an IPv4 list: bits set in the wildcard do not matter. They need not be
    /// contiguous.
    Wildcard {
        /// The address.
        address: Ipv4Addr,
        /// The bits that do not matter.
        wildcard: Ipv4Addr,
    },
    /// A prefix; `host A` is the prefix of full length.
    Prefix(IpPrefix),
}

impl AddressMatch {
    /// `host A`.
    pub fn host(address: IpAddr) -> Self {
        Self::Prefix(IpPrefix::host(address))
    }

    /// Whether an address matches.
    pub fn matches(&self, address: IpAddr) -> bool {
        match (self, address) {
            (Self::Any, _) => true,
            (Self::Wildcard { address, wildcard }, IpAddr::V4(other)) => {
                (address.to_bits() ^ other.to_bits()) & !wildcard.to_bits() == 0
            }
            (Self::Wildcard { .. }, IpAddr::V6(_)) => false,
            (Self::Prefix(prefix), address) => prefix.contains(address),
        }
    }

    const fn fits(&self, family: Family) -> bool {
        match (self, family) {
            (Self::Any, _) | (Self::Wildcard { .. }, Family::Ipv4) => true,
            (Self::Wildcard { .. }, Family::Ipv6) => false,
            (Self::Prefix(prefix), Family::Ipv4) => prefix.is_ipv4(),
            (Self::Prefix(prefix), Family::Ipv6) => !prefix.is_ipv4(),
        }
    }
}

/// The ports that a rule means. Anything but [`Any`](Self::Any) matches visible ports alone: port 0
/// stands for a fragment or a protocol without ports and matches none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum PortMatch {
    /// Every port, and packets without ports.
    #[default]
    Any,
    /// `eq P`.
    Eq(u16),
    /// `neq P`.
    Neq(u16),
    /// `lt P`.
    Lt(u16),
    /// `gt P`.
    Gt(u16),
    /// `range FIRST LAST`, both included.
    Range(u16, u16),
}

impl PortMatch {
    /// Whether a port matches.
    pub const fn matches(&self, port: u16) -> bool {
        match *self {
            Self::Any => true,
            Self::Eq(wanted) => port != 0 && port == wanted,
            Self::Neq(unwanted) => port != 0 && port != unwanted,
            Self::Lt(limit) => port != 0 && port < limit,
            Self::Gt(limit) => port > limit,
            Self::Range(first, last) => port != 0 && first <= port && port <= last,
        }
    }
}
