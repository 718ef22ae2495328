//! `discover-mn-detach`: a host that went without a word.

use pmip_wire::types::Instant;

use super::{Host, Hosts, Key, Timer, UNSEEN};
use crate::access::frame::build_arp;
use crate::access::router::{link_local_of, neighbour_probe};
use crate::access::{Act, Mac, Surroundings};

/// Probes of one host.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Probe {
    unanswered: u32,
}

impl Hosts {
    pub(super) fn start_probing(&mut self, now: Instant, key: Key) {
        let Some(probing) = self.config.probing.filter(|_| key.1 != UNSEEN) else {
            return;
        };
        self.heard(now, key);
        self.schedule(key, Timer::Probe, Some(now + probing.interval));
    }

    /// A sign of life.
    pub(super) fn heard(&mut self, now: Instant, key: Key) {
        if let Some(host) = self.hosts.get_mut(&key) {
            host.last_seen = now;
            host.probe.unanswered = 0;
        }
    }

    pub(super) fn probe(&mut self, around: Surroundings<'_>, key: Key) {
        let now = around.now;
        let link = self.link(around, key.0);
        let Some(probing) = self.config.probing else {
            return;
        };
        let router = self.config.link_local;
        let Some(host) = self.hosts.get_mut(&key).filter(|host| host.up) else {
            return;
        };
        let quiet_until = host.last_seen + probing.interval;
        if quiet_until > now {
            return self.schedule(key, Timer::Probe, Some(quiet_until));
        }
        if host.probe.unanswered >= probing.retries {
            let nai = host.nai.clone();
            tracing::info!(target: "pmip::events", binding = nai, "{nai} does not answer any more");
            return self.let_go(&nai);
        }
        let frames = link.map(|(device, us)| {
            let router = router.unwrap_or_else(|| link_local_of(us));
            (device, host.probes((us, router), key.1))
        });
        let Some((device, frames)) = frames.filter(|(_, frames)| !frames.is_empty()) else {
            // Nothing is known to ask for: silence then proves nothing.
            return self.schedule(key, Timer::Probe, Some(now + probing.interval));
        };
        host.probe.unanswered = host.probe.unanswered.saturating_add(1);
        for frame in frames {
            let device = device.clone();
            self.acts.push(Act::Send { device, frame });
        }
        self.schedule(key, Timer::Probe, Some(now + probing.timeout));
    }
}

impl Host {
    fn probes(&self, us: (Mac, std::net::Ipv6Addr), mac: Mac) -> Vec<Vec<u8>> {
        let ipv4 = self
            .home
            .map(|home| build_arp(true, (us.0, home.server()), (mac, home.address)));
        let ipv6 = self.link_local.map(|own| neighbour_probe(us, (mac, own)));
        ipv4.into_iter().chain(ipv6).collect()
    }
}
