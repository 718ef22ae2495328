//! A small domain that tests and demonstrations start from.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use pmip_wire::types::{IpPrefix, Label};

use crate::config::{
    HeartbeatConfig, Ipv4Pool, Ipv6Pool, LmaConfig, LmaPeer, LogicalMobileNode, MagConfig,
    MobileNetwork, MobileNetworkPool, Network, PrefixRequest, Profile, RoamingInterface,
};

/// The anchor's address in [`lma_config`] and [`mag_config`].
pub const LMA_ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

/// An anchor with multipath, dynamic learning of gateways, pools of all kinds, a heartbeat every
/// second and everybody of `example.com` as mobile node.
pub fn lma_config() -> LmaConfig {
    let mut network = Network::new("net1");
    let (first, last) = (Ipv4Addr::new(10, 1, 0, 2), Ipv4Addr::new(10, 1, 255, 254));
    network.ipv4_pool = Some(Ipv4Pool::new(first, last, 16));
    network.ipv6_pool = prefix([0x20, 1, 0xd, 0xb8, 1], 40).map(|pool| Ipv6Pool::new(pool, 64));
    let ipv4 = IpPrefix::new(IpAddr::from([10, 20, 0, 0]), 16).ok();
    let ipv6 = prefix([0x20, 1, 0xd, 0xb8, 2], 40);
    network.mobile_network_pools = [ipv4.map(|pool| (pool, 24)), ipv6.map(|pool| (pool, 60))]
        .into_iter()
        .flatten()
        .map(|(pool, length)| MobileNetworkPool::new(pool, length))
        .collect();
    let mut config = LmaConfig::new("lma1");
    config.ipv4_address = Some(LMA_ADDRESS);
    config.dynamic_mag_learning = true;
    config.multipath = true;
    config.networks = vec![network];
    config.profiles = vec![Profile::new("@example.com", "net1")];
    config.heartbeat = HeartbeatConfig::every(Duration::from_secs(1), 2);
    config
}

/// A gateway with multipath and `interfaces` uplinks, and one logical mobile node
/// `lmnINDEX@example.com` that learns an IPv4 mobile network prefix.
pub fn mag_config(index: u8, interfaces: u8) -> MagConfig {
    let mut config = MagConfig::new(format!("mag{index}"));
    let mut lma = LmaPeer::new("lma1");
    lma.ipv4_address = Some(LMA_ADDRESS);
    config.lmas = vec![lma];
    config.multipath = true;
    config.roaming_interfaces = (1..=interfaces)
        .map(|number| {
            let technology = if number == 1 { 8 } else { 4 };
            let label = Label(10 + u32::from(number));
            RoamingInterface::new(format!("wan{number}"), number, technology).with_label(label)
        })
        .collect();
    let mut node =
        LogicalMobileNode::new(format!("lmn{index}@example.com"), [2, 0, 0, 0, 0, index]);
    node.mobile_networks = vec![MobileNetwork::new("lan0", vec![PrefixRequest::LearnIpv4])];
    config.logical_mobile_nodes = vec![node];
    config.heartbeat = HeartbeatConfig::every(Duration::from_secs(1), 2);
    config
}

/// The address of a gateway's roaming interface.
pub fn address(mag: u8, binding_id: u8) -> IpAddr {
    IpAddr::from([198, 51, mag, binding_id])
}

fn prefix(head: [u8; 5], length: u8) -> Option<IpPrefix> {
    let mut octets = [0; 16];
    octets[..5].copy_from_slice(&head);
    IpPrefix::new(IpAddr::from(octets), length).ok()
}
