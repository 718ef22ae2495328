use core::fmt;

/// Names one Path inside one node: (transport VRF, LMA address, MAG identifier, roaming interface).
///
/// Numbers are local to the node and never travel on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct PathId(pub u32);

impl fmt::Display for PathId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "path {}", self.0)
    }
}

/// Names a set of paths for policy; several interfaces may share one (RFC 8278 section 4.1).
///
/// 0 is "no label" and 1 to 255 are the If-Label values that travel in the MAG Multipath Binding
/// option. Higher numbers are names interned by one node; they travel as If-Label 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct Label(pub u32);

impl Label {
    /// No label.
    pub const NONE: Self = Self(0);

    /// The If-Label octet that stands for this label on the wire.
    pub fn if_label(self) -> u8 {
        u8::try_from(self.0).unwrap_or(0)
    }
}

impl From<u8> for Label {
    fn from(if_label: u8) -> Self {
        Self(if_label.into())
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "label#{}", self.0)
    }
}

/// How inner packets travel between the care-of address and the LMA address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[non_exhaustive]
pub enum Encapsulation {
    /// IPv6-in-IPv6 and IPv4-in-IPv6 (RFC 5213 section 5.6.1, RFC 2473).
    Ipv6,
    /// IPv4-in-IPv4 and IPv6-in-IPv4 (RFC 5844 section 4).
    Ipv4,
    /// IPv4-UDP on port 5437 (RFC 5844 section 4).
    Ipv4Udp,
    /// IPv4-UDP with the TLV header of RFC 5845 section 7.
    Ipv4UdpTlv,
    /// GRE over IPv4 (RFC 5845).
    GreIpv4,
    /// GRE over IPv6 (RFC 5845).
    GreIpv6,
}

impl Encapsulation {
    /// Every one, in the order above.
    pub const ALL: &'static [Self] = &[
        Self::Ipv6,
        Self::Ipv4,
        Self::Ipv4Udp,
        Self::Ipv4UdpTlv,
        Self::GreIpv4,
        Self::GreIpv6,
    ];

    /// Octets that encapsulation adds in front of an inner packet, GRE with its key
    /// (signalling rules, "Overheads").
    pub const fn overhead(self) -> u16 {
        match self {
            Self::Ipv6 => 40,
            Self::Ipv4 => 20,
            Self::Ipv4Udp | Self::GreIpv4 => 28,
            Self::Ipv4UdpTlv => 40,
            Self::GreIpv6 => 48,
        }
    }

    /// Whether the outer header is IPv4.
    pub const fn is_ipv4_transport(self) -> bool {
        match self {
            Self::Ipv4 | Self::Ipv4Udp | Self::Ipv4UdpTlv | Self::GreIpv4 => true,
            Self::Ipv6 | Self::GreIpv6 => false,
        }
    }
}
