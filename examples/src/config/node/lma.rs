//! An LMA's engine configuration.

use std::net::IpAddr;
use std::time::Duration;

use pmip_binding::LmaConfig;
use pmip_binding::config as engine;
use pmip_wire::types::{Encapsulation, IpPrefix};

use super::{Engine, LabelTable, NodeConfig, NodeErrors};
use crate::config::model::{Config, Domain, Heartbeat, Lma, LoadBalance, Network, Peer};

pub(super) fn resolve(config: &Config, lma: &Lma) -> Result<NodeConfig, NodeErrors> {
    let domain = config.domain(&lma.domain);
    let labels = LabelTable::new(config, domain);
    let engine = engine_config(config, lma, domain, &labels);
    engine.validate().map_err(|errors| super::refuse(&errors))?;
    let interfaces = lma.interface.iter();
    Ok(NodeConfig {
        id: lma.id.clone(),
        domain: lma.domain.clone(),
        engine: Engine::Lma(engine),
        tunnel_mtu: super::tunnel_mtu(lma.tunnel.mtu),
        uplinks: Vec::new(),
        interfaces: interfaces
            .map(|name| config.device(name).to_owned())
            .collect(),
        mobile_networks: Vec::new(),
        addresses: super::addresses(config),
        labels,
        config: config.clone(),
    })
}

fn engine_config(
    config: &Config,
    lma: &Lma,
    domain: Option<&Domain>,
    labels: &LabelTable,
) -> LmaConfig {
    let mut engine = LmaConfig::new(&lma.id);
    engine.ipv4_address = lma.address.ipv4.first().copied();
    engine.ipv6_address = lma.address.ipv6.first().copied();
    engine.dynamic_mag_learning = lma.dynamic_mag_learning;
    engine.multipath = lma.multipath;
    let encap = lma.encap.or_else(|| domain.and_then(|domain| domain.encap));
    engine.encapsulation = encap.map_or(Encapsulation::Ipv4Udp, super::encapsulation);
    engine.peers = peers(lma, domain);
    engine.keys = super::keys(domain.map(|domain| domain.auth_option.as_slice()));
    engine.authentication_required = domain.is_some_and(|domain| domain.auth_required);
    engine.networks = lma
        .network
        .iter()
        .map(|network| pools(config, network))
        .collect();
    engine.profiles = profiles(lma, domain);
    // A profile that nothing defines was warned of; it then serves nobody.
    engine.default_profile = lma
        .default_profile
        .clone()
        .filter(|name| engine.profiles.iter().any(|profile| profile.nai == *name));
    times(&mut engine, lma, domain);
    engine.heartbeat = super::heartbeat(&lma.heartbeat, labels);
    if lma.heartbeat_enforce {
        engine.controlled.heartbeat = enforced(&lma.heartbeat);
    }
    engine.link_weights = weights(lma, labels);
    engine.vendor_info = super::vendor_info(domain);
    let names = labels.iter().map(|(label, name)| (label, name.to_owned()));
    engine.label_names = names.collect();
    engine.gre_required = lma.generate_grekey;
    engine
}

/// RFC 8127 section 4.1: the values that hold for every path.
fn enforced(lines: &[Heartbeat]) -> Option<engine::HeartbeatControl> {
    let line = lines.iter().find(|line| line.label.is_none())?;
    let rule = super::rule(line);
    let mut control = engine::HeartbeatControl::default();
    control.interval = rule.interval;
    control.retransmission_delay = rule.answer_timeout();
    control.max_retransmissions = u16::try_from(rule.retries).unwrap_or(u16::MAX);
    Some(control)
}

fn times(engine: &mut LmaConfig, lma: &Lma, domain: Option<&Domain>) {
    let milliseconds = |value: u32| Duration::from_millis(value.into());
    if let Some(lifetime) = lma.bce.lifetime {
        engine.lifetime = Duration::from_secs(lifetime.into());
    }
    if let Some(wait) = lma.bce.delete_wait_time {
        engine.delete_wait = milliseconds(wait);
    }
    if let Some(wait) = lma.bce.create_wait_time {
        engine.create_wait = milliseconds(wait);
    }
    if let Some(maximum) = lma.bce.maximum {
        engine.limits.bindings = maximum;
    }
    engine.revocation = super::revocation(&lma.bri);
    let own = lma.replay_protection.as_ref();
    if let Some(replay) =
        own.or_else(|| domain.and_then(|domain| domain.replay_protection.as_ref()))
    {
        engine.timestamp_window = Duration::from_secs(replay.window_s().into());
    }
}

/// The MAGs of the node, then those of the domain that the node does not name itself.
fn peers(lma: &Lma, domain: Option<&Domain>) -> Vec<engine::MagPeer> {
    let shared = domain
        .map(|domain| domain.mags.as_slice())
        .unwrap_or_default();
    let own = |id: &str| lma.mag.iter().any(|peer| peer.id == id);
    let all = lma
        .mag
        .iter()
        .chain(shared.iter().filter(|peer| !own(&peer.id)));
    all.map(|own| {
        let named = shared.iter().find(|peer| peer.id == own.id);
        let mut mag = peer(own);
        let both = [Some(own), named];
        let both = both.iter().flatten();
        mag.keys = super::keys(both.clone().map(|peer| peer.auth_option.as_slice()));
        mag.lenient = super::first(both.map(|peer| peer.lenient.as_slice())).to_vec();
        mag
    })
    .collect()
}

fn peer(peer: &Peer) -> engine::MagPeer {
    let mut mag = engine::MagPeer::new(&peer.id);
    mag.addresses.extend(peer.ipv4_address.map(IpAddr::V4));
    mag.addresses.extend(peer.ipv6_address.map(IpAddr::V6));
    mag.encapsulation = peer.encap.map(super::encapsulation);
    mag
}

/// The profiles whose LMA is this one or none in particular.
fn profiles(lma: &Lma, domain: Option<&Domain>) -> Vec<engine::Profile> {
    let all = domain
        .map(|domain| domain.nais.as_slice())
        .unwrap_or_default();
    let ours = all
        .iter()
        .filter(|nai| nai.lma.as_ref().is_none_or(|anchor| *anchor == lma.id));
    ours.map(|nai| {
        let mut profile = engine::Profile::new(&nai.nai, "");
        profile.network.clone_from(&nai.network);
        profile.service = super::service(nai.service);
        profile.gre_uplink_key = nai.gre_key_up;
        profile.services = nai.apn.iter().cloned().collect();
        profile
    })
    .collect()
}

fn pools(config: &Config, network: &Network) -> engine::Network {
    let mut pools = engine::Network::new(&network.name);
    pools.ipv4_pool = network.ipv4_pool.as_ref().and_then(|pool| {
        let range = config.ipv4_pool(&pool.name)?.ranges.first()?;
        let length = u8::try_from(pool.pfxlen).ok()?;
        Some(engine::Ipv4Pool::new(range.first, range.last, length))
    });
    pools.ipv6_pool = network.ipv6_pool.as_ref().and_then(|pool| {
        let prefix = config.ipv6_pool(&pool.name)?.prefix;
        Some(engine::Ipv6Pool::new(
            prefix,
            u8::try_from(pool.pfxlen).ok()?,
        ))
    });
    let carved = network.mobile_networks.iter().filter_map(|pool| {
        let length = u8::try_from(pool.pool_prefix).ok()?;
        let prefix = IpPrefix::new(pool.pool, length).ok()?;
        let network_length = u8::try_from(pool.network_prefix).ok()?;
        Some(engine::MobileNetworkPool::new(prefix, network_length))
    });
    pools.mobile_network_pools = carved.collect();
    pools
}

/// Weights of labels in the sending direction of the LMA; equal unless asked otherwise.
fn weights(lma: &Lma, labels: &LabelTable) -> Vec<(pmip_wire::types::Label, u32)> {
    let Some(service) = &lma.hybrid_access else {
        return Vec::new();
    };
    match service.load_balance {
        None | Some(LoadBalance::Equal) => Vec::new(),
        Some(LoadBalance::Weighted | LoadBalance::Dynamic) => service
            .link
            .iter()
            .filter_map(|link| Some((labels.label(&link.label), service.down_weight(&link.label)?)))
            .collect(),
    }
}
