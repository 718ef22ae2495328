//! A MAG's engine configuration and its interfaces.

use std::time::Duration;

use pmip_binding::MagConfig;
use pmip_binding::config as engine;
use pmip_wire::types::{Encapsulation, IpPrefix};

use super::{Engine, LabelTable, NodeConfig, NodeErrors};
use crate::config::model::{
    AccessTechnology, Config, Domain, LoadBalance, LogicalMn, Mag, MobileNetwork, RoamingInterface,
    Service,
};

/// Where one path leaves the MAG.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uplink {
    /// The roaming interface's name, as the engine knows it: the device its address is on.
    pub name: String,
    /// The device that packets leave by; differs from `name` for a loopback.
    pub egress: String,
    /// Namespace or VRF of the egress device.
    pub vrf: Option<String>,
    /// Its label's name.
    pub label: String,
}

/// A mobile network of a logical mobile node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessNetwork {
    /// The logical mobile node.
    pub nai: String,
    /// The Linux device.
    pub device: String,
    /// Preferred label for packets that no map entry matches.
    pub label: Option<String>,
    /// Its prefix comes from the LMA.
    pub learn_prefix: bool,
    /// Its prefix is not registered.
    pub skip_register: bool,
}

pub(super) fn resolve(config: &Config, mag: &Mag) -> Result<NodeConfig, NodeErrors> {
    let domain = config.domain(&mag.domain);
    let labels = LabelTable::new(config, domain);
    let engine = engine_config(config, mag, domain, &labels);
    engine.validate().map_err(|errors| super::refuse(&errors))?;
    let networks = mag.logical_mn.iter().flat_map(|node| {
        let networks = node.mobile_network.iter();
        networks.map(|network| access_network(config, node, network))
    });
    Ok(NodeConfig {
        id: mag.id.clone(),
        domain: mag.domain.clone(),
        engine: Engine::Mag(engine),
        tunnel_mtu: super::tunnel_mtu(mag.tunnel.mtu),
        uplinks: mag
            .roaming_interface
            .iter()
            .map(|line| uplink(config, line))
            .collect(),
        interfaces: mag
            .interface
            .iter()
            .map(|name| config.device(name).to_owned())
            .collect(),
        mobile_networks: networks.collect(),
        addresses: super::addresses(config),
        labels,
        config: config.clone(),
    })
}

fn access_network(config: &Config, node: &LogicalMn, network: &MobileNetwork) -> AccessNetwork {
    AccessNetwork {
        nai: node.nai.clone(),
        device: config.device(&network.interface).to_owned(),
        label: network.label.clone(),
        learn_prefix: network.learn_prefix,
        skip_register: network.skip_register,
    }
}

fn uplink(config: &Config, line: &RoamingInterface) -> Uplink {
    let egress = line.egress.as_deref().unwrap_or(&line.name);
    Uplink {
        name: config.device(&line.name).to_owned(),
        egress: config.device(egress).to_owned(),
        vrf: line.vrf.clone(),
        label: line.label_name().to_owned(),
    }
}

fn engine_config(
    config: &Config,
    mag: &Mag,
    domain: Option<&Domain>,
    labels: &LabelTable,
) -> MagConfig {
    let mut engine = MagConfig::new(&mag.id);
    engine.multipath = mag.multipath;
    engine.authentication_required = domain.is_some_and(|domain| domain.auth_required);
    engine.lmas = mag
        .lma
        .iter()
        .map(|peer| {
            let mut lma = engine::LmaPeer::new(&peer.id);
            let shared = domain.and_then(|domain| domain.lmas.iter().find(|lma| lma.id == peer.id));
            lma.ipv4_address = peer
                .ipv4_address
                .or_else(|| shared.and_then(|lma| lma.ipv4_address));
            lma.ipv6_address = peer
                .ipv6_address
                .or_else(|| shared.and_then(|lma| lma.ipv6_address));
            lma.encapsulation = peer
                .encap
                .or_else(|| shared.and_then(|lma| lma.encap))
                .map(super::encapsulation);
            let keys = [
                Some(peer.auth_option.as_slice()),
                shared.map(|lma| lma.auth_option.as_slice()),
                domain.map(|domain| domain.auth_option.as_slice()),
            ];
            lma.keys = super::keys(keys.into_iter().flatten());
            let lenient = shared.map(|lma| lma.lenient.as_slice());
            lma.lenient =
                super::first([peer.lenient.as_slice()].into_iter().chain(lenient)).to_vec();
            lma
        })
        .collect();
    let encap = mag.encap.or_else(|| domain.and_then(|domain| domain.encap));
    let reachable_over_ipv6 = engine.lmas.iter().all(|lma| lma.ipv6_address.is_some());
    engine.encapsulation = match encap {
        Some(encap) => super::encapsulation(encap),
        None if reachable_over_ipv6 => Encapsulation::Ipv6,
        None => Encapsulation::Ipv4Udp,
    };
    let interfaces = mag.roaming_interface.iter();
    engine.roaming_interfaces = interfaces
        .map(|line| roaming(config, mag, line, labels))
        .collect();
    let nodes = mag.logical_mn.iter();
    engine.logical_mobile_nodes = nodes
        .map(|node| {
            let mut lmn = logical_mn(config, domain, node);
            lmn.service_selection = lmn.service_selection.or_else(|| mag.apn.clone());
            lmn
        })
        .collect();
    engine.vendor_info = super::vendor_info(domain);
    engine.generate_gre_keys = mag.generate_grekey;
    engine.ignore_gre_keys = mag.ignore_grekey;
    engine.heartbeat = super::heartbeat(&mag.heartbeat, labels);
    engine.revocation = super::revocation(&mag.bri);
    times(&mut engine, mag);
    let replay = mag.replay_protection.as_ref();
    let replay = replay.or_else(|| domain.and_then(|domain| domain.replay_protection.as_ref()));
    if let Some(replay) = replay {
        engine.timestamp_window = Duration::from_secs(replay.window_s().into());
    }
    engine
}

fn times(engine: &mut MagConfig, mag: &Mag) {
    let binding = &mag.binding;
    if let Some(lifetime) = binding.lifetime {
        engine.lifetime = Duration::from_secs(lifetime.into());
    }
    if let Some(refresh) = binding.refresh_time {
        engine.refresh_time = Duration::from_secs(refresh.into());
    }
    if let Some(first) = binding.init_retx_time {
        engine.initial_retransmission = Duration::from_millis(first.into());
    }
    if let Some(longest) = binding.max_retx_time {
        engine.maximum_retransmission = Duration::from_millis(longest.into());
    }
    if let Some(maximum) = binding.maximum {
        engine.maximum_bindings = maximum;
    }
}

fn roaming(
    config: &Config,
    mag: &Mag,
    line: &RoamingInterface,
    labels: &LabelTable,
) -> engine::RoamingInterface {
    let uplink = uplink(config, line);
    let priority = line
        .priority
        .and_then(|priority| u8::try_from(priority).ok());
    let technology = line
        .egress_att
        .unwrap_or_else(|| technology(&uplink.egress));
    let mut interface =
        engine::RoamingInterface::new(uplink.name, priority.unwrap_or(255), technology.0);
    interface.label = labels.label(&uplink.label);
    interface.weight = weight(mag, line);
    interface.label_name = Some(uplink.label);
    interface.down_weight = down_weight(mag, line);
    interface
}

/// The line's own weight, else its label's; every path counts 1 when sharing is equal.
fn weight(mag: &Mag, line: &RoamingInterface) -> u32 {
    let service = mag.hybrid_access.as_ref();
    match service.and_then(|service| service.load_balance) {
        Some(LoadBalance::Equal) => 1,
        None => line.weight.unwrap_or(1),
        Some(LoadBalance::Weighted | LoadBalance::Dynamic) => {
            let shared = service.and_then(|service| service.up_weight(line.label_name()));
            line.weight.or(shared).unwrap_or(1)
        }
    }
}

/// What the anchor is told by `vendor-info`, where it differs.
fn down_weight(mag: &Mag, line: &RoamingInterface) -> Option<u32> {
    let service = mag.hybrid_access.as_ref()?;
    match service.load_balance {
        None | Some(LoadBalance::Equal) => None,
        Some(LoadBalance::Weighted | LoadBalance::Dynamic) => {
            service.down_weight(line.label_name())
        }
    }
}

/// A guess from the device's name, for the short form of `roaming interface`.
fn technology(device: &str) -> AccessTechnology {
    const PREFIXES: [(&str, AccessTechnology); 6] = [
        ("wl", AccessTechnology::WLAN),
        ("Dot11", AccessTechnology::WLAN),
        ("ww", AccessTechnology::LTE),
        ("Cellular", AccessTechnology::LTE),
        ("ppp", AccessTechnology::PPP),
        ("lo", AccessTechnology::VIRTUAL),
    ];
    let found = PREFIXES
        .iter()
        .find(|(prefix, _)| device.starts_with(prefix));
    found.map_or(AccessTechnology::ETHERNET, |(_, technology)| *technology)
}

fn logical_mn(
    config: &Config,
    domain: Option<&Domain>,
    node: &LogicalMn,
) -> engine::LogicalMobileNode {
    let profile = domain.and_then(|domain| domain.profile(&node.nai));
    let service = profile.and_then(|profile| profile.service);
    let mut lmn = engine::LogicalMobileNode::new(&node.nai, [0; 6]);
    lmn.lma = node.lma.clone().or_else(|| profile?.lma.clone());
    lmn.service = super::service(service);
    lmn.gre_downlink_key = profile.and_then(|profile| profile.gre_key_down);
    lmn.service_selection = profile.and_then(|profile| profile.apn.clone());
    lmn.mobile_networks = node
        .mobile_network
        .iter()
        .map(|network| {
            let device = config.device(&network.interface);
            engine::MobileNetwork::new(device, prefixes(config, network, service))
        })
        .collect();
    lmn
}

/// What a mobile network registers: prefixes to learn, or those of its own addresses.
fn prefixes(
    config: &Config,
    network: &MobileNetwork,
    service: Option<Service>,
) -> Vec<engine::PrefixRequest> {
    use engine::PrefixRequest::{Assert, LearnIpv4, LearnIpv6};
    if network.skip_register {
        return Vec::new();
    }
    if network.learn_prefix {
        return match service {
            Some(Service::Ipv4) => vec![LearnIpv4],
            Some(Service::Ipv6) => vec![LearnIpv6],
            Some(Service::Dual) | None => vec![LearnIpv4, LearnIpv6],
        };
    }
    let block = config.interface(&network.interface);
    let addresses = block
        .map(|block| block.address.as_slice())
        .unwrap_or_default();
    addresses
        .iter()
        .filter_map(|address| IpPrefix::new(address.address, address.length).ok())
        .map(Assert)
        .collect()
}
