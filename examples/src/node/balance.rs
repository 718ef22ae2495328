//! `load-balance dynamic`: weights that follow what the paths deliver.
//!
//! Once a second each path's octets, round trip and loss go to the policy crate's balancer, and the
//! weights that it works out into the forwarding table. Flows under way never move for a weight.

use std::collections::BTreeMap;
use std::time::Duration;

use pmip_binding::PathStatus;
use pmip_policy::{Balancer, Direction, LinkShare, LoadBalance, PathSample};
use pmip_wire::types::{Instant, PathId};

use super::Node;
use crate::config::model;
use crate::config::node::{NodeConfig, Role};

/// How often weights are looked at.
const PERIOD: Duration = Duration::from_secs(1);
/// How long the loss of an operation counts: it says nothing of later packets.
const LOSS_HOLDS: Duration = Duration::from_secs(10);
/// The balancer's unit: thousandths of a weight.
const FINE: f64 = 1000.0;

/// The balancer with what it was told last.
#[derive(Debug, Default)]
pub struct Balance {
    /// `None`: weights are as configured.
    balancer: Option<Balancer>,
    known: BTreeMap<PathId, Known>,
    last: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    share: u32,
    sent: u64,
    usable: bool,
    loss: Option<(Instant, u32)>,
}

impl Balance {
    /// A path's weight now, in parts of the configured weights; none where those hold.
    pub fn weight(&self, path: PathId) -> Option<f64> {
        let weight = self.balancer.as_ref()?.weight(path)?;
        Some(f64::from(weight) / FINE)
    }

    /// Whether the path is congested, as far as measured.
    pub fn is_congested(&self, path: PathId) -> bool {
        let balancer = self.balancer.as_ref();
        balancer.is_some_and(|balancer| balancer.is_congested(path))
    }

    pub(super) fn is_on(&self) -> bool {
        self.balancer.is_some()
    }

    fn due(&self) -> Option<Instant> {
        self.balancer.as_ref()?;
        Some(self.last? + PERIOD)
    }

    /// Takes the paths of the engine over.
    /// `shares`: their weights by capacity, where outside programs told them.
    fn follow(&mut self, paths: &[PathStatus], shares: Option<&[u32]>) {
        let Some(balancer) = &mut self.balancer else {
            return;
        };
        self.known.retain(|path, _| {
            let stays = paths
                .binary_search_by_key(path, |status| status.path)
                .is_ok();
            if !stays {
                balancer.remove_path(*path);
            }
            stays
        });
        for (at, status) in paths.iter().enumerate() {
            let share = shares.and_then(|shares| shares.get(at).copied());
            let share = share.unwrap_or(status.weight).clamp(1, 100);
            let known = self.known.entry(status.path).or_insert(Known {
                share: 0,
                sent: 0,
                usable: status.usable,
                loss: None,
            });
            let weight = u8::try_from(share).unwrap_or(100);
            if known.share != share
                && let Ok(link) = LinkShare::weight(weight, None)
            {
                known.share = share;
                balancer.set_path(status.path, link);
            }
            if status.usable && !known.usable {
                balancer.restart_path(status.path);
            }
            known.usable = status.usable;
        }
    }
}

impl Node {
    /// `load-balance dynamic`.
    pub fn balance(&self) -> &Balance {
        &self.balance
    }

    /// Follows the configuration: at the start and when it changes.
    pub(super) fn configure_balance(&mut self) {
        let wanted = is_dynamic(&self.config);
        if wanted == self.balance.balancer.is_some() {
            return;
        }
        let known = std::mem::take(&mut self.balance).known;
        if wanted {
            let direction = match self.role() {
                Role::Mag => Direction::Up,
                Role::Lma => Direction::Down,
            };
            self.balance.balancer = Some(Balancer::new(LoadBalance::Dynamic, direction));
            return;
        }
        for path in known.keys() {
            self.table.set_path_weight(*path, None);
        }
        self.follow_hints();
    }

    /// When weights are looked at next.
    pub(super) fn balance_timeout(&self) -> Option<Instant> {
        self.balance.due()
    }

    /// Looks at the weights, when it is time.
    pub(super) fn turn_balance(&mut self, now: Instant) {
        if self.balance.balancer.is_none() {
            return;
        }
        let Some(last) = self.balance.last else {
            self.balance.last = Some(now);
            return;
        };
        let interval = now.saturating_since(last);
        if interval < PERIOD {
            return;
        }
        self.balance.last = Some(now);
        let paths = self.engine.paths();
        let shares = self.shares(&paths);
        self.balance.follow(&paths, shares.as_deref());
        for (path, stats) in self.ports.tunnels.stats().paths {
            self.sample(now, path, interval, stats.tx_bytes);
        }
        if let Some(balancer) = &mut self.balance.balancer {
            balancer.adjust();
        }
        self.tell_weights();
    }

    fn sample(&mut self, now: Instant, path: PathId, interval: Duration, sent: u64) {
        let service = self.hybrid.service();
        let view = service.and_then(|service| service.path(path));
        let liveness = view.and_then(|view| view.liveness);
        let proven = liveness.filter(|liveness| liveness.is_proven());
        let rtt = proven.and_then(|liveness| liveness.rtt().last());
        let balance = &mut self.balance;
        let (Some(balancer), Some(known)) = (&mut balance.balancer, balance.known.get_mut(&path))
        else {
            return;
        };
        let before = std::mem::replace(&mut known.sent, sent);
        let mut sample = PathSample::new(interval, sent.saturating_sub(before));
        sample.rtt = rtt;
        let loss = known
            .loss
            .filter(|(at, _)| now.saturating_since(*at) < LOSS_HOLDS);
        sample.loss_ppm = loss.map_or(0, |(_, loss)| loss);
        balancer.observe(path, sample);
    }

    /// Takes in the outcome of an operation of the hybrid-access service.
    pub(super) fn balance_judged(&mut self, now: Instant, path: PathId, loss_ppm: Option<u32>) {
        let service = self.hybrid.service();
        let view = service.and_then(|service| service.path(path));
        let mut verdicts = view.into_iter().flat_map(|view| view.verdicts());
        let violates = verdicts.any(|(_, verdict)| {
            let last = verdict.last();
            last.is_some_and(|last| last.violated.is_some())
        });
        drop(verdicts);
        let balance = &mut self.balance;
        let (Some(balancer), Some(known)) = (&mut balance.balancer, balance.known.get_mut(&path))
        else {
            return;
        };
        known.loss = loss_ppm.map(|loss| (now, loss));
        if balancer.judged(path, !violates) {
            self.tell_weights();
        }
    }

    fn tell_weights(&mut self) {
        let balancer = self.balance.balancer.iter();
        let weights: Vec<(PathId, u32)> = balancer.flat_map(Balancer::weights).collect();
        for (path, weight) in weights {
            self.table.set_path_weight(path, Some(weight));
        }
    }
}

fn is_dynamic(config: &NodeConfig) -> bool {
    let service = config.hybrid_access();
    service.is_some_and(|service| service.load_balance == Some(model::LoadBalance::Dynamic))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::{Request, Response};
    use crate::node::NodeInput;
    use crate::node::tests::Domain;
    use crate::platform::dataplane::{DataPlaneStats, PathStats};

    const SERVICE: [&str; 4] = [
        "ipv6 mobile pmipv6-mag MAG1 domain D",
        "mobility-service hybrid-access",
        "link LTE weight 3",
        "link DSL weight 1",
    ];

    fn configured(domain: &mut Domain, last: &str) {
        let lines = SERVICE.into_iter().chain([last]);
        let lines = lines.map(str::to_owned).collect();
        let done = domain.mag.ask(domain.now, Request::Configure { lines });
        assert!(matches!(done, Response::Ok(_)), "{done:?}");
    }

    fn paths(domain: &Domain) -> Vec<PathId> {
        let paths = domain.mag.node.engine().paths();
        paths.iter().map(|path| path.path).collect()
    }

    /// A second in which every path sends `octets`.
    fn second(domain: &mut Domain, total: &mut u64, octets: u64) {
        *total += octets;
        let stats = PathStats {
            tx_bytes: *total,
            ..PathStats::default()
        };
        let paths = paths(domain)
            .into_iter()
            .map(|path| (path, stats))
            .collect();
        let stats = DataPlaneStats {
            paths,
            ..DataPlaneStats::default()
        };
        domain.mag.memory.set_stats(stats);
        domain.now += PERIOD;
        let now = domain.now;
        domain.mag.turn(now, NodeInput::Timeout);
    }

    #[test]
    fn a_lossy_path_loses_weight_and_gets_it_back_when_the_mode_ends() {
        let mut domain = Domain::registered();
        configured(&mut domain, "load-balance dynamic");
        let mut total = 0;
        for _ in 0..8 {
            second(&mut domain, &mut total, 100_000);
        }
        let [lte, dsl] = paths(&domain)[..] else {
            panic!("two paths");
        };
        let weights = |domain: &Domain| {
            let balance = domain.mag.node.balance();
            (balance.weight(lte), balance.weight(dsl))
        };
        let configured_shares = weights(&domain);
        assert!(configured_shares.0.is_some(), "{configured_shares:?}");
        for _ in 0..8 {
            let now = domain.now;
            domain.mag.node.balance_judged(now, lte, Some(200_000));
            second(&mut domain, &mut total, 100_000);
        }
        let lossy = weights(&domain);
        assert!(
            lossy.0 < configured_shares.0,
            "{lossy:?} after {configured_shares:?}"
        );
        assert_eq!(
            lossy.1, configured_shares.1,
            "the other path keeps its weight"
        );
        assert!(domain.mag.node.balance().is_congested(lte));

        configured(&mut domain, "load-balance weighted");
        assert_eq!(weights(&domain), (None, None));
    }
}
