use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Runtime assignment of another anchor address (RFC 6463 sections 5.3.1 and 7), where both
/// roles are one node: a gateway that registers at an assigning address is sent to the anchor's
/// own. Off by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
#[non_exhaustive]
pub struct RedirectConfig {
    /// EnableLMARedirectFunction: the assigning role (rfLMA).
    pub enabled: bool,
    /// EnableLMARedirectAcceptFunction: the anchoring role (r2LMA). Without it a gateway that
    /// would be redirected gets status 130.
    pub accept: bool,
    /// The assigning address of IPv4 transport, such as an anycast or loopback address.
    pub ipv4_address: Option<Ipv4Addr>,
    /// The assigning address of IPv6 transport.
    pub ipv6_address: Option<Ipv6Addr>,
}

/// What an anchor tells its gateways about its load (RFC 6463 section 4.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
#[non_exhaustive]
pub struct LoadConfig {
    /// Its rank among the anchors of one operator: the lower the number, the higher.
    pub priority: u16,
    /// The most throughput in kilobytes per second; what is used of it is not measured and
    /// said to be 0.
    pub maximum_capacity: u32,
}

impl RedirectConfig {
    /// Whether gateways are assigned where their PBU came to this address.
    pub fn is_assigning(&self, address: IpAddr) -> bool {
        let assigning = match address {
            IpAddr::V4(address) => self.ipv4_address == Some(address),
            IpAddr::V6(address) => self.ipv6_address == Some(address),
        };
        self.enabled && assigning
    }
}
