//! Router Advertisements (RFC 4861 section 4.2) and neighbour probes.

use std::net::Ipv6Addr;
use std::time::Duration;

use pmip_wire::types::IpPrefix;

use super::frame::build_icmp6;
use super::{Mac, seconds};

/// All nodes on the link.
pub const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
/// Its group on Ethernet (RFC 2464 section 7).
pub const ALL_NODES_MAC: Mac = [0x33, 0x33, 0, 0, 0, 1];
const ROUTER_ADVERTISEMENT: u8 = 134;
const NEIGHBOUR_SOLICITATION: u8 = 135;
const SOURCE_LINK_LAYER: u8 = 1;
const PREFIX_INFORMATION: u8 = 3;
const MTU: u8 = 5;
/// Flags L and A: on the link, and hosts make addresses of it (RFC 4861 section 4.6.2).
const ON_LINK_AND_AUTONOMOUS: u8 = 0xc0;
const HOP_LIMIT: u8 = 64;

/// What an advertisement says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouterAdvertisement {
    /// From whom: the router's MAC address and link-local address.
    pub from: (Mac, Ipv6Addr),
    /// How long it is a default router; 0 = not any more.
    pub router_lifetime: Duration,
    /// Prefixes with their valid and preferred lifetime; 0 = it ends now.
    pub prefixes: Vec<(IpPrefix, Duration)>,
    /// The link's MTU.
    pub mtu: Option<u32>,
}

impl RouterAdvertisement {
    /// To one host alone. Where its address is not known the packet is for all nodes and the
    /// frame for the host (RFC 6085): others on the link must not take its prefix.
    pub fn to_host(&self, mac: Mac, address: Option<Ipv6Addr>) -> Vec<u8> {
        let to = address.unwrap_or(ALL_NODES);
        build_icmp6((self.from.0, mac), (self.from.1, to), self.message())
    }

    /// To all nodes on the link.
    pub fn to_all(&self) -> Vec<u8> {
        self.to_host(ALL_NODES_MAC, None)
    }

    fn message(&self) -> Vec<u8> {
        let lifetime = u16::try_from(self.router_lifetime.as_secs()).unwrap_or(u16::MAX);
        let mut message = vec![ROUTER_ADVERTISEMENT, 0, 0, 0, HOP_LIMIT, 0];
        message.extend(lifetime.to_be_bytes());
        // Reachable Time and Retrans Timer: the hosts' own.
        message.extend([0; 8]);
        message.extend([SOURCE_LINK_LAYER, 1]);
        message.extend(self.from.0);
        if let Some(mtu) = self.mtu {
            message.extend([MTU, 1, 0, 0]);
            message.extend(mtu.to_be_bytes());
        }
        for (prefix, lifetime) in &self.prefixes {
            message.extend(prefix_information(*prefix, *lifetime).into_iter().flatten());
        }
        message
    }
}

fn prefix_information(prefix: IpPrefix, lifetime: Duration) -> Option<Vec<u8>> {
    let std::net::IpAddr::V6(address) = prefix.address() else {
        return None;
    };
    let lifetime = seconds(lifetime).to_be_bytes();
    let head = [
        PREFIX_INFORMATION,
        4,
        prefix.length(),
        ON_LINK_AND_AUTONOMOUS,
    ];
    let mut option = head.to_vec();
    option.extend(lifetime);
    option.extend(lifetime);
    option.extend([0; 4]);
    option.extend(address.octets());
    Some(option)
}

/// A Neighbour Solicitation to a host that was there: unicast, as RFC 4861 section 7.3.3 probes.
pub fn neighbour_probe(from: (Mac, Ipv6Addr), to: (Mac, Ipv6Addr)) -> Vec<u8> {
    let mut message = vec![NEIGHBOUR_SOLICITATION, 0, 0, 0, 0, 0, 0, 0];
    message.extend(to.1.octets());
    message.extend([SOURCE_LINK_LAYER, 1]);
    message.extend(from.0);
    build_icmp6((from.0, to.0), (from.1, to.1), message)
}

/// The link-local address that a device makes of its MAC address (RFC 4291 appendix A).
pub fn link_local_of(mac: Mac) -> Ipv6Addr {
    let [a, b, c, d, e, f] = mac;
    let group = |high: u8, low: u8| u16::from_be_bytes([high, low]);
    let id = [group(a ^ 2, b), group(c, 0xff), group(0xfe, d), group(e, f)];
    let [i, j, k, l] = id;
    Ipv6Addr::new(0xfe80, 0, 0, 0, i, j, k, l)
}

#[cfg(test)]
mod tests {
    use pmip_wire::checksum::Checksum;
    use smoltcp::wire::{Icmpv6Packet, NdiscRepr};

    use super::*;

    const US: Mac = [2, 0, 0, 0, 0, 1];
    const HOST: Mac = [2, 0, 0, 0, 0, 9];

    fn advertisement() -> RouterAdvertisement {
        RouterAdvertisement {
            from: (US, "fe80::200:5eff:fe00:5213".parse().expect("an address")),
            router_lifetime: Duration::from_secs(1800),
            prefixes: vec![(
                "2001:db8:65::/64".parse().expect("a prefix"),
                Duration::from_secs(300),
            )],
            mtu: Some(1400),
        }
    }

    #[test]
    fn another_implementation_reads_what_is_written() {
        let frame = advertisement().to_host(HOST, None);
        assert_eq!(frame.get(..6), Some(HOST.as_slice()), "for the host alone");
        let packet = frame.get(54..).expect("a message");
        let icmp = Icmpv6Packet::new_checked(packet).expect("ICMPv6");
        let NdiscRepr::RouterAdvert {
            router_lifetime,
            lladdr,
            mtu,
            prefix_info,
            hop_limit,
            ..
        } = NdiscRepr::parse(&icmp).expect("an advertisement")
        else {
            panic!("no router advertisement");
        };
        assert_eq!((hop_limit, mtu), (64, Some(1400)));
        assert_eq!(router_lifetime.secs(), 1800);
        assert_eq!(lladdr.map(|mac| mac.as_bytes().to_vec()), Some(US.to_vec()));
        let prefix = prefix_info.expect("a prefix");
        assert_eq!(prefix.prefix_len, 64);
        assert_eq!(prefix.prefix.to_string(), "2001:db8:65::");
        assert_eq!(
            (
                prefix.valid_lifetime.secs(),
                prefix.preferred_lifetime.secs()
            ),
            (300, 300)
        );
    }

    #[test]
    fn the_checksum_holds_over_the_pseudo_header() {
        let frame = advertisement().to_all();
        let packet = frame.get(54..).expect("a message");
        let from = advertisement().from.1;
        let length = u32::try_from(packet.len()).expect("short");
        let mut sum = Checksum::ipv6_pseudo_header(from, ALL_NODES, length, 58);
        sum.add(packet);
        assert!(sum.is_valid());
    }

    #[test]
    fn the_link_local_address_of_the_reserved_mac_is_the_reserved_one() {
        let mac = pmip_binding::config::RESERVED_LINK_LAYER_ADDRESS;
        let address = pmip_binding::config::RESERVED_LINK_LOCAL_ADDRESS;
        assert_eq!(link_local_of(mac), address);
    }
}
