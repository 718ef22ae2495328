//! What a node's configuration says of where packets go, put into its forwarding table: the active
//! mobile map, `preempt`, and the filter of what comes out of tunnels.
//!
//! A MAG's map holds for what its access side sends. An LMA's holds for everything that goes to
//! mobile nodes, whichever interface it came in by: the TUN device does not tell.

use std::sync::Arc;

use pmip_policy::ActiveMap;
use pmip_wire::types::Instant;

use super::reconfigure::Refusals;
use super::{Node, anchor};
use crate::config::model::MobileMap;
use crate::config::node::{Engine, NodeConfig, Role};

impl Node {
    /// Puts all of it into the table, at the start.
    pub(super) fn set_steering(&mut self) {
        self.set_map();
        self.set_filter();
        self.table.set_preempt(self.config.preempt());
    }

    /// Puts what differs from `before` into the table. The map holds copies of its access lists:
    /// they change when it is taken off and set again.
    pub(super) fn follow_steering(&mut self, before: &NodeConfig) {
        let map = |config: &NodeConfig| {
            (
                config.active_map().map(str::to_owned),
                active(config).cloned(),
            )
        };
        if map(before) != map(&self.config) {
            self.set_map();
        }
        if filter(before) != filter(&self.config) {
            self.set_filter();
        }
        self.table.set_preempt(self.config.preempt());
        let flows = |config: &NodeConfig| (config.per_packet(), config.flow_mirror());
        if flows(before) != flows(&self.config) {
            let (per_packet, mirror) = flows(&self.config);
            self.ports.tunnels.set_flow_rules(per_packet, mirror);
        }
    }

    /// The change rule of mobile maps: the active one only while there is no binding.
    pub(super) fn map_rules(&self, now: Instant, next: &NodeConfig) -> Refusals {
        let in_force = self.config.active_map();
        let in_force = in_force.map_or_else(ActiveMap::none, ActiveMap::new);
        let bindings = self.engine.bindings(now).len();
        let changed = changed_maps(self.config.mobile_maps(), next.mobile_maps());
        changed
            .filter_map(|name| in_force.may_change(name, bindings).err())
            .map(|refused| refused.to_string())
            .collect()
    }

    fn set_map(&mut self) {
        let policy = self.config.compile_map();
        if let (Some(name), Some(policy)) = (self.config.active_map(), &policy) {
            let scope = match self.role() {
                Role::Mag => "what its access side sends",
                Role::Lma => "all that goes to mobile nodes, whichever interface it came in by",
            };
            tracing::info!("mobile map {name} is in force for {scope}");
            let missing = policy.missing().iter();
            missing.for_each(|missing| tracing::warn!("mobile map {name}: {missing}"));
        }
        if policy.is_some() || self.table.policy().is_some() {
            self.table.set_policy(policy.map(Arc::new));
        }
    }

    fn set_filter(&mut self) {
        let pools = match &self.config.engine {
            Engine::Lma(lma) => anchor::pools(lma),
            Engine::Mag(_) => Vec::new(),
        };
        let acl = self.config.compile_tunnel_acl(pools);
        if acl.is_some() || self.table.tunnel_acl().is_some() {
            self.table.set_tunnel_acl(acl.map(Arc::new));
        }
    }
}

fn active(config: &NodeConfig) -> Option<&MobileMap> {
    let name = config.active_map()?;
    config.mobile_maps().iter().find(|map| map.name == name)
}

/// Names of maps that are new, gone, or other than before.
fn changed_maps<'a>(
    before: &'a [MobileMap],
    next: &'a [MobileMap],
) -> impl Iterator<Item = &'a str> {
    let gone_or_other = before.iter().filter(|map| !next.contains(map));
    let named = |map: &MobileMap| before.iter().any(|known| known.name == map.name);
    let new = next.iter().filter(move |map| !named(map));
    gone_or_other.chain(new).map(|map| map.name.as_str())
}

/// All that the filter of the tunnels is made of.
fn filter(config: &NodeConfig) -> impl PartialEq {
    use crate::config::model::TunnelAcl;
    let acl = config.tunnel().and_then(|tunnel| tunnel.acl.clone());
    let lists = match &acl {
        Some(TunnelAcl::List(name)) => {
            let lists = config.config.access_lists.iter();
            lists.filter(|list| list.name == *name).cloned().collect()
        }
        Some(TunnelAcl::AutoPools) | None => Vec::new(),
    };
    let pools = match (&acl, &config.engine) {
        (Some(TunnelAcl::AutoPools), Engine::Lma(lma)) => anchor::pools(lma),
        _ => Vec::new(),
    };
    (acl, lists, pools)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pmip_tunnel::{
        DropReason, Forwarder, ForwarderConfig, Outbound, PacketOffload, SegmentArena,
    };
    use serde_json::Value;

    use crate::control::{Request, Response, What};
    use crate::node::NodeInput;
    use crate::node::tests::{Domain, Seat, interfaces, link};

    const ICMP: u8 = 1;
    const UDP: u8 = 17;
    /// ICMP by LTE or not at all; UDP by DSL, else by LTE.
    const MAP: [&str; 11] = [
        "ip access-list extended PING",
        "permit icmp any any",
        "ip access-list extended VOICE",
        "permit udp any any",
        "ipv6 mobile pmipv6-domain D",
        "mobile-map M 10",
        "match access-list PING",
        "set link-type LTE null",
        "mobile-map M 20",
        "match access-list VOICE",
        "set link-type DSL LTE",
    ];
    const MAG: &str = "ipv6 mobile pmipv6-mag MAG1 domain D";
    const LMA: &str = "ipv6 mobile pmipv6-lma LMA1 domain D";

    fn configure(seat: &mut Seat, domain: pmip_wire::types::Instant, lines: &[&str]) -> Response {
        let lines = lines.iter().map(|line| (*line).to_owned()).collect();
        seat.ask(domain, Request::Configure { lines })
    }

    fn configured(seat: &mut Seat, now: pmip_wire::types::Instant, lines: &[&str]) {
        let done = configure(seat, now, lines);
        assert!(matches!(done, Response::Ok(_)), "{lines:?}: {done:?}");
    }

    /// A domain whose nodes have the map in force.
    fn steered() -> Domain {
        let mut domain = Domain::new();
        let now = domain.now;
        for (seat, node) in [(&mut domain.mag, MAG), (&mut domain.lma, LMA)] {
            configured(seat, now, &MAP);
            configured(seat, now, &[node, "mobile-map M"]);
        }
        domain.mag.turn(now, NodeInput::Network(interfaces()));
        domain.run(Duration::from_secs(5));
        assert_eq!((domain.mag.up_paths(), domain.lma.up_paths()), (2, 2));
        domain
    }

    fn packet(protocol: u8, source: [u8; 4], destination: [u8; 4]) -> Vec<u8> {
        let mut packet = vec![0x45, 0, 0, 28, 0, 1, 0x40, 0, 63, protocol, 0, 0];
        packet.extend_from_slice(&source);
        packet.extend_from_slice(&destination);
        packet.extend_from_slice(&[8, 0, 0, 53, 0, 8, 0, 0]);
        packet
    }

    const HOST: [u8; 4] = [10, 60, 0, 2];
    const PEER: [u8; 4] = [192, 0, 2, 80];

    /// The label of the link that a packet leaves by, by the table as it was published.
    fn link_of(domain: &Domain, seat: &Seat, packet: &[u8]) -> Result<String, DropReason> {
        let table = seat.memory.table().expect("a published table");
        let mut forwarder = Forwarder::new(ForwarderConfig::default());
        let mut arena = SegmentArena::new();
        let none = PacketOffload::NONE;
        match forwarder.outbound(domain.now, &table, packet, none, &mut arena) {
            Outbound::Tunnel(sent) => {
                let label = table.path(sent.path).expect("a tunnel").label;
                let name = seat.node.config().labels.name(label);
                Ok(name.expect("a name").to_owned())
            }
            Outbound::Drop(reason) => Err(reason),
            Outbound::Reply(_) => panic!("an ICMP error"),
        }
    }

    fn up(domain: &Domain, protocol: u8) -> Result<String, DropReason> {
        link_of(domain, &domain.mag, &packet(protocol, HOST, PEER))
    }

    fn map(seat: &mut Seat, now: pmip_wire::types::Instant) -> Value {
        match seat.ask(now, Request::show(What::MobileMap)) {
            Response::Ok(value) => value[0].clone(),
            other @ (Response::Error(_) | Response::WrongConfiguration(_)) => panic!("{other:?}"),
        }
    }

    #[test]
    fn applications_go_by_their_links_and_null_drops() {
        let mut domain = steered();
        assert_eq!(up(&domain, ICMP).as_deref(), Ok("LTE"));
        assert_eq!(up(&domain, UDP).as_deref(), Ok("DSL"));
        let down = packet(ICMP, PEER, HOST);
        let down = link_of(&domain, &domain.lma, &down);
        assert_eq!(down.as_deref(), Ok("LTE"), "the anchor's own map");

        let lost = |device, index| NodeInput::Network(vec![link(index, device, false)]);
        domain.mag.turn(domain.now, lost("wan2", 3));
        assert_eq!(up(&domain, UDP).as_deref(), Ok("LTE"), "the next label");
        domain
            .mag
            .turn(domain.now, NodeInput::Network(vec![link(3, "wan2", true)]));
        domain.run(Duration::from_secs(5));
        domain.mag.turn(domain.now, lost("wan1", 2));
        assert_eq!(up(&domain, ICMP), Err(DropReason::MapNull));
        assert_eq!(up(&domain, UDP).as_deref(), Ok("DSL"));

        let now = domain.now;
        let shown = map(&mut domain.mag, now);
        assert_eq!(shown["name"], "M");
        assert_eq!(shown["active"], true);
        let entries = &shown["entries"];
        assert_eq!(entries[0]["null_drops"], 1);
        assert_eq!(
            (&entries[0]["hits"], &entries[1]["hits"]),
            (&2.into(), &3.into())
        );
        assert_eq!(entries[1]["falls"], 1);
        let cleared = domain.mag.ask(now, Request::ClearStats);
        assert!(matches!(cleared, Response::Ok(_)), "{cleared:?}");
        assert_eq!(map(&mut domain.mag, now)["entries"][1]["hits"], 0);
        assert_eq!(up(&domain, UDP).as_deref(), Ok("DSL"));
        assert_eq!(map(&mut domain.mag, now)["entries"][1]["hits"], 1);
    }

    #[test]
    fn an_active_map_changes_only_without_bindings() {
        let mut domain = steered();
        let now = domain.now;
        let edit = ["ipv6 mobile pmipv6-domain D", "mobile-map M 30"];
        let refused = configure(&mut domain.mag, now, &edit);
        assert!(
            matches!(&refused, Response::Error(why) if why.contains("mobile-map M is active")),
            "{refused:?}"
        );
        // Another one is nobody's.
        let other = [
            "ipv6 mobile pmipv6-domain D",
            "mobile-map N 10",
            "set link-type DSL",
        ];
        configured(&mut domain.mag, now, &other);
        configured(&mut domain.mag, now, &[MAG, "mobile-map N"]);
        assert_eq!(up(&domain, ICMP).as_deref(), Ok("DSL"));
        configured(&mut domain.mag, now, &[MAG, "no mobile-map"]);
        assert!(domain.mag.node.table().policy().is_none());
        configured(&mut domain.mag, now, &edit);
    }

    #[test]
    fn an_entry_means_the_lists_of_both_families_that_have_its_name() {
        use pmip_policy::FlowKey;

        let mut domain = Domain::new();
        let now = domain.now;
        configured(&mut domain.mag, now, &MAP);
        let second = ["ipv6 access-list VOICE", "permit udp any any"];
        configured(&mut domain.mag, now, &second);
        configured(&mut domain.mag, now, &[MAG, "mobile-map M"]);
        let policy = domain.mag.node.table().policy().expect("a map");
        let entry = |source: &str, destination: &str, protocol| {
            let parsed = |text: &str| text.parse().expect("an address");
            let key = FlowKey::new(parsed(source), parsed(destination), protocol);
            policy.classify(&key)
        };
        assert_eq!(entry("10.60.0.2", "192.0.2.80", UDP), Some(20));
        assert_eq!(entry("2001:db8::2", "2001:db8:f::80", UDP), Some(20));
        assert_eq!(entry("2001:db8::2", "2001:db8:f::80", 6), None);
    }

    #[test]
    fn an_access_list_takes_effect_when_the_map_is_set_again() {
        let mut domain = steered();
        let now = domain.now;
        let edit = ["ip access-list extended PING", "no permit icmp any any"];
        configured(&mut domain.mag, now, &edit);
        configured(
            &mut domain.mag,
            now,
            &["ip access-list extended VOICE", "permit icmp any any"],
        );
        assert_eq!(
            up(&domain, ICMP).as_deref(),
            Ok("LTE"),
            "the map holds a copy"
        );
        configured(&mut domain.mag, now, &[MAG, "no mobile-map"]);
        configured(&mut domain.mag, now, &[MAG, "mobile-map M"]);
        assert_eq!(up(&domain, ICMP).as_deref(), Ok("DSL"));
    }

    #[test]
    fn the_tunnel_filter_is_that_of_the_configuration() {
        let mut domain = steered();
        let now = domain.now;
        assert!(domain.lma.node.table().tunnel_acl().is_none());
        configured(&mut domain.lma, now, &[LMA, "tunnel acl auto-pools"]);
        let table = domain.lma.memory.table().expect("a published table");
        let acl = table.tunnel_acl().expect("a filter");
        assert!(acl.blocks_between_pools(HOST.into(), [10, 60, 7, 7].into()));
        assert!(!acl.blocks_between_pools(HOST.into(), PEER.into()));
        configured(&mut domain.lma, now, &[LMA, "tunnel acl PING"]);
        let table = domain.lma.memory.table().expect("a published table");
        let acl = table.tunnel_acl().expect("a filter");
        assert!(acl.ipv4.is_some() && acl.ipv6.is_none() && acl.pools.is_empty());
        configured(&mut domain.lma, now, &[LMA, "no tunnel acl"]);
        assert!(domain.lma.node.table().tunnel_acl().is_none());
    }
}
