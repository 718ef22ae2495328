//! What a domain consists of: addresses, links, the nodes' settings. Both topologies build from it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use super::domain::Node;

/// NAI of the logical mobile node behind the MAG.
pub const LMN_NAI: &str = "van@lab.example";
/// The LMA's address, the same on every path.
pub const LMA_ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
/// The LMA's address over IPv6, the same on every path.
pub const LMA_ADDRESS_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xffff, 0, 0, 0, 0, 1);
/// The correspondent's network: the LMA is host 1, the correspondent host 2.
pub const CORE_NETWORK: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 0);
/// Prefix length of [`CORE_NETWORK`].
pub const CORE_LENGTH: u8 = 24;
/// How many addresses the correspondent has, from host 2 on.
pub const CORRESPONDENT_ADDRESSES: u32 = 8;
/// The LMA delegates mobile networks out of this one.
pub const MOBILE_POOL: Ipv4Addr = Ipv4Addr::new(10, 64, 0, 0);
/// Prefix length of [`MOBILE_POOL`].
pub const MOBILE_POOL_LENGTH: u8 = 16;
/// Prefix length of one delegated mobile network.
pub const MOBILE_LENGTH: u8 = 28;

/// A whole domain.
#[derive(Clone, Debug)]
pub struct DomainSpec {
    /// The WAN paths between MAG and LMA.
    pub wans: Vec<WanSpec>,
    /// Heartbeats between MAG and LMA, or none at all.
    pub heartbeat: Option<HeartbeatSpec>,
    /// RFC 8278 multipath on both nodes.
    pub multipath: bool,
    /// Whether the MAG has its logical mobile node.
    pub logical_mobile_node: bool,
    /// Whether the correspondent's network routes the mobile networks to the LMA.
    pub core_route: bool,
    /// How packets travel between MAG and LMA, and over which IP version.
    pub carrying: Carrying,
    /// Seeds everything random in the simulation.
    pub seed: u64,
}

/// How the nodes of a domain carry packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Carrying {
    /// UDP over IPv4, whatever is between.
    #[default]
    Udptunnel,
    /// IPv4-in-IPv4: the MAG asks for GRE and the LMA knows of none (RFC 5845 section 6.2).
    Ipv4,
    /// GRE over IPv4.
    GreIpv4,
    /// IPv4-in-IPv6 and IPv6-in-IPv6, on WANs without IPv4.
    Ipv6InIpv6,
    /// GRE over IPv6, on WANs without IPv4.
    GreIpv6,
}

impl Carrying {
    /// The `encap` words of the domain, and of the LMA at the MAG where it differs.
    pub(super) const fn words(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Udptunnel => ("udptunnel", None),
            Self::Ipv4 => ("udptunnel", Some("gre-ipv4")),
            Self::GreIpv4 => ("gre-ipv4", None),
            Self::Ipv6InIpv6 => ("ipv6-in-ipv6", None),
            Self::GreIpv6 => ("gre-ipv6", None),
        }
    }

    /// Whether the WANs have IPv6 and no IPv4.
    pub const fn over_ipv6(self) -> bool {
        matches!(self, Self::Ipv6InIpv6 | Self::GreIpv6)
    }

    /// The LMA's address.
    pub fn anchor(self) -> IpAddr {
        match self.over_ipv6() {
            true => LMA_ADDRESS_V6.into(),
            false => LMA_ADDRESS.into(),
        }
    }
}

/// One WAN path.
#[derive(Clone, Debug)]
pub struct WanSpec {
    /// Its name, and that of its interface.
    pub name: &'static str,
    /// The access network: the router is host 1, the MAG host 2 of this /24.
    pub access: Ipv4Addr,
    /// The transfer network to the LMA: the LMA is host 1, the router host 2 of this /30.
    pub transfer: Ipv4Addr,
    /// One-way delay (simulation).
    pub latency: Duration,
    /// Bits per second (simulation).
    pub rate: u64,
}

impl WanSpec {
    /// The MAG's care-of address.
    pub fn care_of(&self) -> Ipv4Addr {
        super::domain::host_address(self.access, 2)
    }

    /// A network of this WAN over IPv6, a /64: `host` in that towards the MAG, or the LMA.
    pub fn host_v6(&self, towards: Node, host: u16) -> Ipv6Addr {
        let [_, _, number, _] = self.transfer.octets();
        let side = match towards {
            Node::Mag => 0xacce,
            Node::Lma => 0xc0de,
        };
        Ipv6Addr::new(0x2001, 0xdb8, side, number.into(), 0, 0, 0, host)
    }

    /// The router's address towards the MAG.
    pub fn router(&self) -> Ipv4Addr {
        super::domain::host_address(self.access, 1)
    }

    /// The LMA's address towards the router.
    pub fn anchor_side(&self) -> Ipv4Addr {
        super::domain::host_address(self.transfer, 1)
    }

    /// The router's address towards the LMA.
    pub fn router_anchor_side(&self) -> Ipv4Addr {
        super::domain::host_address(self.transfer, 2)
    }
}

/// Heartbeat settings (RFC 5847).
#[derive(Clone, Copy, Debug)]
pub struct HeartbeatSpec {
    /// Time between requests.
    pub interval: Duration,
    /// Requests that may go unanswered before the path is down.
    pub retries: u32,
    /// How long an answer may take.
    pub answer_timeout: Duration,
}

impl HeartbeatSpec {
    /// Longest time from a silent failure to the verdict (acceptance row 38).
    pub fn detection(&self) -> Duration {
        self.interval * (self.retries + 1) + self.answer_timeout
    }
}

impl DomainSpec {
    /// Two equal WANs, heartbeats of 200 ms with one retry, multipath, one mobile network.
    pub fn two_paths(seed: u64) -> Self {
        Self {
            wans: vec![
                WanSpec {
                    name: "wan1",
                    access: Ipv4Addr::new(198, 51, 100, 0),
                    transfer: Ipv4Addr::new(198, 18, 1, 0),
                    latency: Duration::from_millis(5),
                    rate: 20_000_000,
                },
                WanSpec {
                    name: "wan2",
                    access: Ipv4Addr::new(100, 64, 2, 0),
                    transfer: Ipv4Addr::new(198, 18, 2, 0),
                    latency: Duration::from_millis(15),
                    rate: 20_000_000,
                },
            ],
            heartbeat: Some(HeartbeatSpec {
                interval: Duration::from_millis(200),
                retries: 1,
                answer_timeout: Duration::from_millis(200),
            }),
            multipath: true,
            logical_mobile_node: true,
            core_route: true,
            carrying: Carrying::default(),
            seed,
        }
    }

    /// The correspondent's address.
    pub fn correspondent(&self) -> Ipv4Addr {
        super::domain::host_address(CORE_NETWORK, 2)
    }

    /// All addresses of the correspondent: one for each echo flow.
    pub fn correspondents(&self) -> impl Iterator<Item = Ipv4Addr> {
        (2..2 + CORRESPONDENT_ADDRESSES)
            .map(|number| super::domain::host_address(CORE_NETWORK, number))
    }

    /// The LMA's address in the correspondent's network.
    pub fn core_router(&self) -> Ipv4Addr {
        super::domain::host_address(CORE_NETWORK, 1)
    }

    /// Position of the WAN with this care-of address.
    pub fn wan_of(&self, care_of: IpAddr) -> Option<usize> {
        self.wans.iter().position(|wan| match care_of {
            IpAddr::V4(care_of) => wan.care_of() == care_of,
            IpAddr::V6(care_of) => wan.host_v6(Node::Mag, 2) == care_of,
        })
    }
}
