//! Configurations and links of a scenario's topology.

use std::net::Ipv4Addr;
use std::time::Duration;

use pmip_wire::types::IpPrefix;

use crate::config::{HeartbeatConfig, Ipv4Pool, Ipv6Pool, LmaConfig, MagConfig, MobileNetworkPool};
use crate::testing::link::{LinkConfig, Loss};
use crate::testing::scenario::{Gateway, Topology};
use crate::testing::scene::{lma_config, mag_config};

impl Topology {
    pub(super) fn lma_config(&self) -> LmaConfig {
        let mut config = lma_config();
        config.lifetime = self.lifetime();
        if self.scarce {
            config.limits.bindings = 6;
            let network = &mut config.networks[0];
            let (first, last) = (Ipv4Addr::new(10, 1, 0, 2), Ipv4Addr::new(10, 1, 0, 5));
            network.ipv4_pool = Some(Ipv4Pool::new(first, last, 16));
            network.ipv6_pool = block("2001:db8:100::/62").map(|pool| Ipv6Pool::new(pool, 64));
            let pools = [block("10.20.0.0/22").map(|pool| (pool, 24))];
            let pools = pools.into_iter().flatten();
            network.mobile_network_pools = pools
                .map(|(pool, length)| MobileNetworkPool::new(pool, length))
                .collect();
        }
        if self.paths_per_binding > 0 {
            config.limits.paths_per_binding = self.paths_per_binding;
        }
        config.heartbeat = self.heartbeat(config.heartbeat);
        config
    }

    pub(super) fn mag_config(&self, mag: usize) -> MagConfig {
        let gateway = &self.gateways[mag];
        let index = u8::try_from(mag + 1).unwrap_or(u8::MAX);
        let mut config = mag_config(index, gateway.paths());
        config.multipath = gateway.multipath;
        config.timestamps = !gateway.sequence_mode;
        config.lifetime = self.lifetime();
        config.refresh_time = self.lifetime() / 4;
        config.maximum_retransmission = Duration::from_secs(4);
        if !gateway.logical_node {
            config.logical_mobile_nodes.clear();
        }
        config.heartbeat = self.heartbeat(config.heartbeat);
        config
    }

    fn heartbeat(&self, mut heartbeat: HeartbeatConfig) -> HeartbeatConfig {
        if self.no_heartbeats {
            heartbeat.rules.clear();
        }
        for rule in &mut heartbeat.rules {
            rule.nat_reboot = self.seed % 2 == 1;
        }
        heartbeat
    }

    pub(in crate::testing) fn lifetime(&self) -> Duration {
        Duration::from_secs(4 * u64::from(self.lifetime.clamp(1, 15)))
    }

    pub(super) fn link(&self) -> LinkConfig {
        let percent = |value: u8| f64::from(value.min(100)) / 100.0;
        let mut link = LinkConfig::new();
        link.latency = Duration::from_millis(self.latency.min(100).into());
        link.jitter = Duration::from_millis(self.jitter.min(40).into());
        link.loss = Loss::Random(percent(self.loss));
        link.duplicate = percent(self.duplicate);
        link.reorder = percent(self.reorder);
        link.seed = self.seed.into();
        link
    }
}

impl Gateway {
    pub(in crate::testing) fn paths(&self) -> u8 {
        self.paths.clamp(1, 3)
    }
}

fn block(text: &str) -> Option<IpPrefix> {
    text.parse().ok()
}
