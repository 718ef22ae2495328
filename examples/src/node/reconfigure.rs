//! Another configuration for a running node: all of it or nothing.

use std::net::IpAddr;

use pmip_binding::snapshot::Refusal;
use pmip_binding::{LmaConfig, ReconfigureError};
use pmip_wire::types::Instant;

use super::{Node, NodeEngine, Side, hybrid};
use crate::config::model::{AccessList, Config};
use crate::config::node::{Engine, NodeConfig, unserved};

/// Bindings named in a refusal at most.
const NAMED: usize = 5;

/// Why a running node keeps its configuration; every reason.
pub type Refusals = Vec<String>;

impl Node {
    /// Takes another configuration of the same node. What did not change goes on undisturbed.
    /// Returns what is worth knowing about it, each in one sentence.
    ///
    /// # Errors
    /// Why not, and what to do; nothing has changed then.
    pub fn reconfigure(
        &mut self,
        now: Instant,
        mut next: NodeConfig,
    ) -> Result<Vec<String>, Refusals> {
        keep_link_layer_identifiers(&self.config.engine, &mut next.engine);
        let mut refusals = fixed(&self.config, &next);
        refusals.extend(self.map_rules(now, &next));
        if let Engine::Lma(lma) = &next.engine {
            refusals.extend(unserved(lma));
        }
        refusals.extend(hybrid::refusals(&next));
        if !refusals.is_empty() {
            return Err(refusals);
        }
        let engine = &mut self.engine;
        let done = match (engine, &next.engine) {
            (NodeEngine::Lma(lma), Engine::Lma(config)) => lma.reconfigure(now, config.clone()),
            (NodeEngine::Mag(mag), Engine::Mag(config)) => mag.reconfigure(now, config.clone()),
            (NodeEngine::Lma(_) | NodeEngine::Mag(_), _) => {
                return Err(vec!["a node cannot change its role".into()]);
            }
        };
        done.map_err(|error| self.explain(&error))?;
        let notes = notes(&self.config.config, &next.config);
        let probing = self.config.hybrid_access() != next.hybrid_access();
        let before = std::mem::replace(&mut self.config, next);
        self.quiet = true;
        self.follow_configuration(now);
        self.follow_steering(&before);
        self.configure_balance();
        if probing || self.hybrid.has_failed() {
            self.configure_hybrid(now);
        }
        Ok(notes)
    }

    fn explain(&self, error: &ReconfigureError) -> Refusals {
        match error {
            ReconfigureError::Config(errors) => errors.iter().map(ToString::to_string).collect(),
            ReconfigureError::Fixed(settings) => {
                let settings = settings.iter();
                settings.map(|setting| needs_restart(setting)).collect()
            }
            ReconfigureError::Lost(lost) => lost_bindings(lost),
            other @ (ReconfigureError::Busy | _) => vec![other.to_string()],
        }
    }

    /// Takes over what is not the engine's.
    fn follow_configuration(&mut self, now: Instant) {
        if let (Side::Lma { routes }, Engine::Lma(lma)) = (&mut self.side, &self.config.engine) {
            routes.change(lma, self.ports.kernel.as_mut());
        }
        if let (Side::Mag { access, .. }, Engine::Mag(mag)) = (&mut self.side, &self.config.engine)
        {
            access.change(&self.config, mag, self.ports.access.as_mut());
        }
        for status in self.engine.paths() {
            self.follow_mtu(now, status.path);
        }
    }
}

/// The start has read them from the kernel, and the file has none.
fn keep_link_layer_identifiers(before: &Engine, next: &mut Engine) {
    let (Engine::Mag(before), Engine::Mag(next)) = (before, next) else {
        return;
    };
    for node in &mut next.logical_mobile_nodes {
        let mut known = before.logical_mobile_nodes.iter();
        if let Some(known) = known.find(|known| known.nai == node.nai) {
            node.link_layer_identifier = known.link_layer_identifier;
        }
    }
}

/// The settings of a node outside its engine that only a restart changes.
fn fixed(before: &NodeConfig, next: &NodeConfig) -> Refusals {
    let addresses = match (&before.engine, &next.engine) {
        (Engine::Lma(before), Engine::Lma(next)) => {
            let customers = |lma: &LmaConfig| -> Vec<IpAddr> {
                let customers = lma.customers.iter();
                customers
                    .flat_map(|customer| customer.addresses())
                    .collect()
            };
            before.ipv4_address != next.ipv4_address
                || before.ipv6_address != next.ipv6_address
                || customers(before) != customers(next)
        }
        (Engine::Lma(_) | Engine::Mag(_), _) => false,
    };
    let local = |config: &NodeConfig| match &config.engine {
        Engine::Mag(mag) => mag.local_routing,
        Engine::Lma(_) => false,
    };
    let differences = [
        ("the identifier", before.id != next.id),
        ("the domain of a node", before.domain != next.domain),
        ("address", addresses),
        ("local-routing-mag", local(before) != local(next)),
        ("roaming interface", before.uplinks != next.uplinks),
        ("interface", before.interfaces != next.interfaces),
        (
            "mobile network",
            before.mobile_networks != next.mobile_networks,
        ),
        ("ip address", before.addresses != next.addresses),
    ];
    let differences = differences.into_iter().filter(|(_, differs)| *differs);
    differences
        .map(|(setting, _)| needs_restart(setting))
        .collect()
}

fn needs_restart(setting: &str) -> String {
    format!("`{setting}` does not change while the node runs: write it into its file and restart")
}

fn lost_bindings(lost: &[Refusal]) -> Refusals {
    let mut refusals: Refusals = lost
        .iter()
        .take(NAMED)
        .map(|refusal| format!("{:?} would be lost: {}", refusal.record, refusal.reason))
        .collect();
    if lost.len() > NAMED {
        refusals.push(format!("and {} more", lost.len() - NAMED));
    }
    refusals.push("remove the bindings first, by `pmip clear binding nai NAI`".into());
    refusals
}

/// What changes later than the operator may think.
fn notes(before: &Config, next: &Config) -> Vec<String> {
    let known = |list: &&AccessList| {
        let mut lists = before.access_lists.iter();
        let former = lists.find(|old| old.name == list.name && old.family == list.family);
        former.is_some_and(|old| old != *list)
    };
    let changed = next.access_lists.iter().filter(known);
    changed
        .map(|list| {
            format!(
                "access list {} takes effect in a mobile map when the map is taken off the node \
                 and set again",
                list.name
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::Value;

    use crate::control::{Request, Response, What};
    use crate::node::tests::{Domain, Seat};

    fn configure(
        seat: &mut Seat,
        domain_now: pmip_wire::types::Instant,
        lines: &[&str],
    ) -> Response {
        let lines = lines.iter().map(|line| (*line).to_owned()).collect();
        seat.ask(domain_now, Request::Configure { lines })
    }

    fn running(seat: &mut Seat, now: pmip_wire::types::Instant) -> Value {
        let what = What::RunningConfig;
        match seat.ask(now, Request::show(what)) {
            Response::Ok(value) => value,
            other @ (Response::Error(_) | Response::WrongConfiguration(_)) => panic!("{other:?}"),
        }
    }

    #[test]
    fn keys_can_be_given_to_a_running_domain() {
        let mut domain = Domain::registered();
        let now = domain.now;
        let created = domain.mag.node.engine().stats().sessions_created;
        for seat in [&mut domain.lma, &mut domain.mag] {
            let lines = [
                "ipv6 mobile pmipv6-domain D",
                "auth-option spi 100 key ascii secret-of-sixteen",
            ];
            let done = configure(seat, now, &lines);
            assert!(matches!(done, Response::Ok(_)), "{done:?}");
        }
        domain.run(Duration::from_secs(4000));
        assert_eq!((domain.mag.up_paths(), domain.lma.up_paths()), (2, 2));
        assert_eq!(domain.mag.node.engine().stats().sessions_created, created);
        let shown = running(&mut domain.lma, now).to_string();
        assert!(
            shown.contains("auth-option") && !shown.contains("secret"),
            "{shown}"
        );
    }

    #[test]
    fn how_flows_are_spread_follows_the_configuration() {
        use crate::platform::memory::Action;

        let mut domain = Domain::registered();
        let rules = |seat: &Seat| {
            let actions = seat.memory.take_actions().into_iter();
            let rules = actions.filter_map(|action| {
                if let Action::FlowRules { per_packet, mirror } = action {
                    return Some((per_packet, mirror));
                }
                None
            });
            rules.collect::<Vec<_>>()
        };
        let node = "ipv6 mobile pmipv6-lma LMA1 domain D";
        for (lines, expected) in [
            (vec![node, "flow-mirror"], vec![(false, true)]),
            (
                vec![node, "mobility-service hybrid-access", "per-packet"],
                vec![(true, true)],
            ),
            (vec![node, "bce lifetime 600"], vec![]),
            (vec![node, "no flow-mirror"], vec![(true, false)]),
        ] {
            let done = configure(&mut domain.lma, domain.now, &lines);
            assert!(matches!(done, Response::Ok(_)), "{lines:?}: {done:?}");
            assert_eq!(rules(&domain.lma), expected, "{lines:?}");
        }
    }

    #[test]
    fn an_error_in_the_last_line_takes_everything_back() {
        let mut domain = Domain::registered();
        let before = running(&mut domain.lma, domain.now);
        let lines = [
            "ipv6 mobile pmipv6-lma LMA1 domain D",
            "bce lifetime 600",
            "bce lifetime 1",
        ];
        let refused = configure(&mut domain.lma, domain.now, &lines);
        let Response::WrongConfiguration(why) = refused else {
            panic!("{refused:?}");
        };
        assert!(why.contains("`1` is not a number from 10"), "{why}");
        assert_eq!(running(&mut domain.lma, domain.now), before);
    }

    #[test]
    fn what_would_cost_a_binding_or_needs_a_restart_is_refused_by_name() {
        let mut domain = Domain::registered();
        let now = domain.now;
        let node = "ipv6 mobile pmipv6-lma LMA1 domain D";
        for (lines, word) in [
            (vec![node, "no network vehicles"], "network"),
            (
                vec![
                    node,
                    "address ipv4 198.51.100.9",
                    "no address ipv4 198.51.100.1",
                ],
                "`address`",
            ),
            (vec!["no ipv6 mobile pmipv6-lma LMA1"], "no LMA"),
        ] {
            let refused = configure(&mut domain.lma, now, &lines);
            let Response::Error(why) = refused else {
                panic!("{lines:?}: {refused:?}");
            };
            assert!(why.contains(word), "{lines:?}: {why}");
        }
        assert_eq!(domain.lma.up_paths(), 2);
        let node = "ipv6 mobile pmipv6-mag MAG1 domain D";
        let refused = configure(&mut domain.mag, now, &[node, "no multipath"]);
        assert!(
            matches!(&refused, Response::Error(why) if why.contains("`multipath`")),
            "{refused:?}"
        );
    }

    #[test]
    fn pools_of_a_running_anchor_get_their_routes() {
        let mut domain = Domain::registered();
        let lines = [
            "ipv6 mobile pmipv6-lma LMA1 domain D",
            "network vehicles",
            "mobile-network pool 10.70.0.0 pool-prefix 16 network-prefix 24",
        ];
        let done = configure(&mut domain.lma, domain.now, &lines);
        assert!(matches!(done, Response::Ok(_)), "{done:?}");
        let kernel = domain.lma.memory.kernel();
        let routes = kernel.iter().map(ToString::to_string);
        assert!(
            routes.clone().any(|item| item.contains("10.70.0.0/16")),
            "{kernel:?}"
        );
        assert!(
            routes.clone().any(|item| item.contains("10.60.0.0/16")),
            "{kernel:?}"
        );
    }
}
