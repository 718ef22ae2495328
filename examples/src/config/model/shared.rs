//! What both roles configure alike.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use pmip_binding::config::Tolerance;
use serde::{Deserialize, Serialize};

use super::{Key, section};

/// How tunnels are made (`encap`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TunnelEncap {
    /// GRE over IPv4 (RFC 5845).
    GreIpv4,
    /// GRE over IPv6 (RFC 5845).
    GreIpv6,
    /// IPv6-in-IPv6 (RFC 5213).
    Ipv6InIpv6,
    /// IPv4-UDP on port 5437, with or without a NAT (RFC 5844).
    Udptunnel,
}

impl TunnelEncap {
    /// The word of the configuration language.
    pub const fn word(self) -> &'static str {
        match self {
            Self::GreIpv4 => "gre-ipv4",
            Self::GreIpv6 => "gre-ipv6",
            Self::Ipv6InIpv6 => "ipv6-in-ipv6",
            Self::Udptunnel => "udptunnel",
        }
    }
}

section! {
    /// `heartbeat`: values for all paths, or for the paths of one label (RFC 5847).
    pub struct Heartbeat {
        /// Seconds between heartbeats, 10 to 3600.
        pub interval: Option<u32>,
        /// For laboratories: milliseconds between heartbeats, 10 to 3,600,000, in place of `interval`.
        pub interval_ms: Option<u32>,
        /// Seconds to wait for an answer, 1 to 3600.
        pub timeout: Option<u32>,
        /// A path is down when missed heartbeats exceed this; 1 to 10.
        pub retries: u32,
        /// The label whose paths these values are for; none: all the others.
        pub label: Option<String>,
        /// Detect and repair a NAT that restarts with a new mapping.
        pub natreboot: bool,
    }
}

impl Heartbeat {
    /// From heartbeat to heartbeat; 60 s when not set (RFC 5847 section 5).
    pub fn period(&self) -> Duration {
        match (self.interval_ms, self.interval) {
            (Some(milliseconds), _) => Duration::from_millis(milliseconds.into()),
            (None, Some(seconds)) => Duration::from_secs(seconds.into()),
            (None, None) => Duration::from_secs(60),
        }
    }
}

section! {
    /// `replay-protection timestamp`.
    pub struct ReplayProtection {
        /// Seconds a timestamp may differ, 1 to 255; none: 7.
        pub window: Option<u32>,
    }
}

impl ReplayProtection {
    /// Seconds a timestamp may differ.
    pub fn window_s(&self) -> u32 {
        self.window.unwrap_or(7)
    }
}

section! {
    /// `auth-option`: the authentication of signalling (RFC 4285).
    pub struct AuthOption {
        /// Security parameter index.
        pub spi: u32,
        /// The shared secret.
        pub key: Key,
    }
}

/// Every tolerance by the word of the configuration language, which is also that of TOML.
pub const TOLERANCES: [(&str, Tolerance); 6] = [
    ("no-home-registration", Tolerance::NoHomeRegistration),
    ("access-technology-zero", Tolerance::AccessTechnologyZero),
    ("no-proxy-flag", Tolerance::NoProxyFlag),
    ("padded-mn-id", Tolerance::PaddedMnId),
    ("host-prefix", Tolerance::HostPrefix),
    ("last-option-cut", Tolerance::LastOptionCut),
];

/// The word of a tolerance.
pub fn tolerance_word(tolerance: Tolerance) -> &'static str {
    let known = TOLERANCES.iter().find(|(_, known)| *known == tolerance);
    known.map_or("unknown", |(word, _)| word)
}

section! {
    /// Static IPv4 and IPv6 addresses of a node.
    pub struct Addresses {
        /// IPv4.
        pub ipv4: Vec<Ipv4Addr>,
        /// IPv6.
        pub ipv6: Vec<Ipv6Addr>,
    }
}

section! {
    /// A configured peer: `mag ID DOMAIN` or `lma ID` with its settings.
    pub struct Peer {
        /// Its identifier.
        pub id: String,
        /// Its domain, where the command names one.
        pub domain: Option<String>,
        /// Where it is reached over IPv4.
        pub ipv4_address: Option<Ipv4Addr>,
        /// Where it is reached over IPv6.
        pub ipv6_address: Option<Ipv6Addr>,
        /// Encapsulation towards it; none: the domain's.
        pub encap: Option<TunnelEncap>,
        /// Authentication of its signalling, the first key sends; none: the domain's.
        #[serde(with = "crate::config::model::one_or_many")]
        pub auth_option: Vec<AuthOption>,
        /// Bends of the rules that are taken from it; none: the domain's.
        pub lenient: Vec<Tolerance>,
        /// DSCP of signalling towards it.
        pub dscp: Option<Dscp>,
        /// A static tunnel interface. Accepted, no effect.
        pub tunnel: Option<String>,
    }
}

section! {
    /// A DSCP value for signalling that we originate.
    pub struct Dscp {
        /// 1 to 63.
        pub value: u32,
        /// Also where the packet carries a DSCP already.
        pub force: bool,
    }
}

section! {
    /// `bri`: revocation timers (RFC 5846).
    pub struct Revocation {
        /// First wait for an answer, ms, 500 to 65535.
        pub delay_min: Option<u32>,
        /// Longest wait for an answer, ms, 500 to 65535.
        pub delay_max: Option<u32>,
        /// Retransmissions, 1 to 10.
        pub retries: Option<u32>,
    }
}

section! {
    /// `bce` and `binding`: limits and times of bindings. Each role uses its own part.
    pub struct BindingTimes {
        /// Bindings at most, 1 to 128000.
        pub maximum: Option<u32>,
        /// Lifetime granted or asked for, s, 10 to 65535.
        pub lifetime: Option<u32>,
        /// Time before expiry at which a binding is refreshed, s, 4 to 65000, multiple of 4.
        pub refresh_time: Option<u32>,
        /// LMA: wait before a deleted binding is forgotten, ms, 100 to 65535.
        pub delete_wait_time: Option<u32>,
        /// LMA: wait before a new binding replaces another, ms, 100 to 65535.
        pub create_wait_time: Option<u32>,
        /// MAG: first retransmission of a registration, ms, 100 to 65535.
        pub init_retx_time: Option<u32>,
        /// MAG: longest time between retransmissions, ms, 100 to 65535.
        pub max_retx_time: Option<u32>,
    }
}

section! {
    /// `tunnel`: settings of every tunnel of the node.
    pub struct Tunnel {
        /// MTU, 68 to 17916; none: what the path leaves.
        pub mtu: Option<u32>,
        /// Filter on inner packets after decapsulation.
        pub acl: Option<TunnelAcl>,
        /// NAT role of the tunnel. Accepted, no effect.
        pub nat: Option<TunnelNat>,
        /// Template interface. Accepted, no effect.
        pub template: Option<String>,
    }
}

/// Where the tunnel filter comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TunnelAcl {
    /// `tunnel acl NAME`.
    List(String),
    /// `tunnel acl auto-pools`: deny every pair of configured pools, permit the rest.
    AutoPools,
}

/// `tunnel nat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TunnelNat {
    /// `inside`.
    Inside,
    /// `outside`.
    Outside,
}

/// `role`. Accepted, no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MobilityRole {
    /// LMA: 3G mobility anchor.
    #[serde(rename = "3gma")]
    ThreeGma,
    /// MAG: 3GPP serving gateway.
    #[serde(rename = "3gpp")]
    ThreeGpp,
    /// MAG: LTE.
    Lte,
    /// MAG: WiMAX.
    Wimax,
    /// MAG: WLAN.
    Wlan,
}

impl MobilityRole {
    /// The word of the configuration language.
    pub const fn word(self) -> &'static str {
        match self {
            Self::ThreeGma => "3gma",
            Self::ThreeGpp => "3gpp",
            Self::Lte => "lte",
            Self::Wimax => "wimax",
            Self::Wlan => "wlan",
        }
    }
}
