use std::net::Ipv6Addr;
use std::time::Duration;

use super::error::{Checker, ConfigError};

/// The link-local address reserved for all gateways on all access links (RFC 6543 section 4.2:
/// interface identifier 0200:5EFF:FE00:5213).
pub const RESERVED_LINK_LOCAL_ADDRESS: Ipv6Addr =
    Ipv6Addr::new(0xfe80, 0, 0, 0, 0x0200, 0x5eff, 0xfe00, 0x5213);
/// The link-layer address reserved for all gateways on all access links (RFC 6543 section 4.1).
pub const RESERVED_LINK_LAYER_ADDRESS: [u8; 6] = [0x00, 0x00, 0x5e, 0x00, 0x52, 0x13];

/// How a gateway shows itself to mobile nodes on access links (RFC 5213 sections 6.7 and 6.9.3):
/// everywhere as the same router.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
#[non_exhaustive]
pub struct AccessLinkConfig {
    /// `fixed-link-local-address`, FixedMAGLinkLocalAddressOnAllAccessLinks (RFC 5213 section 9.3),
    /// the same in the whole domain. `None` = ALL_ZERO: the anchor is asked for one per session
    /// (option 26).
    pub fixed_link_local_address: Option<Ipv6Addr>,
    /// `fixed-link-layer-address`, FixedMAGLinkLayerAddressOnAllAccessLinks. `None` = the
    /// interface's own.
    pub fixed_link_layer_address: Option<[u8; 6]>,
    /// Router Lifetime of advertisements, 1 to 9000 s (RFC 4861 section 6.2.1).
    #[cfg_attr(feature = "serde", serde(with = "super::text::duration"))]
    pub router_lifetime: Duration,
    /// The longest lifetime of an advertised home network prefix, at least 1 s; it never outlives
    /// the binding. `None` = the binding's.
    #[cfg_attr(feature = "serde", serde(with = "super::text::optional_duration"))]
    pub prefix_lifetime: Option<Duration>,
    /// The MTU of advertisements, 1280 to 65,535, which is to be the tunnels' (RFC 5213 section
    /// 6.9.2). `None` = the program knows.
    pub mtu: Option<u32>,
}

impl AccessLinkConfig {
    pub(super) fn check(&self, checker: &mut Checker) {
        if let Some(address) = self.fixed_link_local_address
            && !address.is_unicast_link_local()
        {
            checker.0.push(ConfigError::NotLinkLocal { address });
        }
        if let Some(address) = self.fixed_link_layer_address
            && (address[0] & 1 == 1 || address == [0; 6])
        {
            checker.0.push(ConfigError::NoStationAddress { address });
        }
        let second = Duration::from_secs(1);
        let (what, most) = ("router lifetime", Duration::from_secs(9000));
        checker.duration(what, self.router_lifetime, second, most);
        if let Some(lifetime) = self.prefix_lifetime {
            let most = Duration::from_secs(u32::MAX.into());
            checker.duration("prefix lifetime", lifetime, second, most);
        }
        if let Some(mtu) = self.mtu {
            checker.number("access link mtu", mtu.into(), 1280, 65_535);
        }
    }
}

impl Default for AccessLinkConfig {
    fn default() -> Self {
        Self {
            fixed_link_local_address: Some(RESERVED_LINK_LOCAL_ADDRESS),
            fixed_link_layer_address: Some(RESERVED_LINK_LAYER_ADDRESS),
            router_lifetime: Duration::from_secs(1800),
            prefix_lifetime: None,
            mtu: None,
        }
    }
}
