//! What a node's configuration says of the choice of paths, as the policy crate takes it.

use std::sync::Arc;

use pmip_policy::{
    AccessList, AccessListError, Action, AddressMatch, CompiledAccessList, Family, LinkPreference,
    MapEntry, MapPolicy, MobileMap, PortMatch, Rule, Selector,
};
use pmip_tunnel::TunnelAcl;
use pmip_wire::types::{IpPrefix, Label};

use super::{Engine, NodeConfig};
use crate::config::model::{self, AclAction, AclAddress, AclProtocol, AclRule, IpFamily};

impl NodeConfig {
    /// `mobile-map NAME` of the node: the map in force.
    pub fn active_map(&self) -> Option<&str> {
        match &self.engine {
            Engine::Lma(_) => self.lma()?.mobile_map.as_deref(),
            Engine::Mag(_) => self.mag()?.mobile_map.as_deref(),
        }
    }

    /// The maps of its domain.
    pub fn mobile_maps(&self) -> &[model::MobileMap] {
        let domain = self.config.domain(&self.domain);
        domain.map_or(&[], |domain| &domain.mobile_maps)
    }

    /// `preempt` of a MAG or of the hybrid-access service.
    pub fn preempt(&self) -> bool {
        let own = match &self.engine {
            Engine::Lma(_) => false,
            Engine::Mag(_) => self.mag().is_some_and(|mag| mag.preempt),
        };
        own || self.hybrid_access().is_some_and(|service| service.preempt)
    }

    /// `per-packet` of the hybrid-access service.
    pub fn per_packet(&self) -> bool {
        let service = self.hybrid_access();
        service.is_some_and(|service| service.per_packet)
    }

    /// `flow-mirror` of an LMA.
    pub fn flow_mirror(&self) -> bool {
        matches!(&self.engine, Engine::Lma(_)) && self.lma().is_some_and(|lma| lma.flow_mirror)
    }

    /// The active map with its access lists, as they are now; none without one.
    pub fn compile_map(&self) -> Option<MapPolicy> {
        let active = self.active_map()?;
        let map = self.mobile_maps().iter().find(|map| map.name == active)?;
        let lists: Vec<(&str, AccessList)> = named_lists(self, map);
        // Lists of the two families may share a name: an entry that names it means both.
        let list = |name: &str| {
            let lists = lists.iter();
            let named = lists.filter(|(known, _)| *known == name);
            named.map(|(_, list)| list).collect::<Vec<_>>()
        };
        let entries = self.entries(map);
        Some(MapPolicy::compile(&entries, list, |name| {
            self.profile_id(name)
        }))
    }

    /// `tunnel acl`; `pools` are kept from each other by `auto-pools`. A list that does not exist
    /// filters nothing: the check of the configuration warned of it.
    pub fn compile_tunnel_acl(&self, pools: Vec<IpPrefix>) -> Option<TunnelAcl> {
        let name = match self.tunnel()?.acl.as_ref()? {
            model::TunnelAcl::AutoPools => return Some(TunnelAcl::new().with_pools(pools)),
            model::TunnelAcl::List(name) => name,
        };
        let of = |family| {
            let mut lists = self.config.access_lists.iter();
            let list = lists.find(|list| list.name == *name && list.family == family)?;
            Some(Arc::new(CompiledAccessList::new(&access_list(list))))
        };
        // Lists of the two families may share a name.
        let (ipv4, ipv6) = (of(IpFamily::Ipv4), of(IpFamily::Ipv6));
        if ipv4.is_none() && ipv6.is_none() {
            return None;
        }
        let mut acl = TunnelAcl::new();
        (acl.ipv4, acl.ipv6) = (ipv4, ipv6);
        Some(acl)
    }

    fn lma(&self) -> Option<&model::Lma> {
        self.config.lmas.iter().find(|lma| lma.id == self.id)
    }

    fn entries(&self, map: &model::MobileMap) -> MobileMap {
        let mut entries = MobileMap::new();
        for entry in &map.entries {
            let sequence = u8::try_from(entry.sequence).unwrap_or(0);
            if entries.insert(sequence, self.entry(entry)).is_err() {
                tracing::warn!("mobile map {}: entry {sequence} is left out", map.name);
            }
        }
        entries
    }

    fn entry(&self, entry: &model::MapEntry) -> MapEntry {
        let mut compiled = MapEntry::new();
        compiled.access_list.clone_from(&entry.access_list);
        compiled.traffic_profile.clone_from(&entry.traffic_profile);
        compiled.strict = entry.strict;
        let names = entry.link_type.iter();
        let labels: Vec<Label> = names.map(|name| self.labels.label(name)).collect();
        compiled.links = match (entry.null, labels.as_slice()) {
            (true, labels) => LinkPreference::with_null(labels).ok(),
            (false, labels) => LinkPreference::new(labels).ok(),
        };
        compiled
    }
}

/// The access lists that the map names and that exist.
fn named_lists<'a>(
    config: &'a NodeConfig,
    map: &'a model::MobileMap,
) -> Vec<(&'a str, AccessList)> {
    let lists = config.config.access_lists.iter();
    let is_named = |name: &str| {
        let mut entries = map.entries.iter();
        entries.any(|entry| entry.access_list.as_deref() == Some(name))
    };
    let named = lists.filter(|list| is_named(&list.name));
    named
        .map(|list| (list.name.as_str(), access_list(list)))
        .collect()
}

/// A list as the policy crate has it. Rules that the check of the configuration refuses are left
/// out.
fn access_list(list: &model::AccessList) -> AccessList {
    let mut compiled = AccessList::new(match list.family {
        IpFamily::Ipv4 => Family::Ipv4,
        IpFamily::Ipv6 => Family::Ipv6,
    });
    for line in &list.rules {
        if let Err(error) = add(&mut compiled, line) {
            tracing::warn!("access list {}: `{line}` is left out: {error}", list.name);
        }
    }
    compiled
}

fn add(list: &mut AccessList, line: &AclRule) -> Result<(), AccessListError> {
    let rule = rule(line);
    match line.sequence {
        Some(sequence) => list.insert(sequence, rule).map(drop),
        None => list.append(rule).map(drop),
    }
}

fn rule(line: &AclRule) -> Rule {
    let mut selector = Selector::any();
    selector.protocol = match line.protocol {
        AclProtocol::Any => None,
        AclProtocol::Number(number) => Some(number),
    };
    selector.source = address(line.source);
    selector.source_port = port(line.source_port);
    selector.destination = address(line.destination);
    selector.destination_port = port(line.destination_port);
    selector.dscp = line.dscp;
    selector.established = line.established;
    let action = match line.action {
        AclAction::Permit => Action::Permit,
        AclAction::Deny => Action::Deny,
    };
    let mut rule = Rule::new(action, selector);
    rule.log = line.log;
    rule
}

fn address(address: AclAddress) -> AddressMatch {
    match address {
        AclAddress::Any => AddressMatch::Any,
        AclAddress::Host(host) => AddressMatch::host(host),
        AclAddress::Wildcard(address, wildcard) => AddressMatch::Wildcard { address, wildcard },
        AclAddress::Prefix(prefix) => AddressMatch::Prefix(prefix),
    }
}

fn port(port: Option<model::PortMatch>) -> PortMatch {
    match port {
        None => PortMatch::Any,
        Some(model::PortMatch::Eq(port)) => PortMatch::Eq(port),
        Some(model::PortMatch::Neq(port)) => PortMatch::Neq(port),
        Some(model::PortMatch::Lt(port)) => PortMatch::Lt(port),
        Some(model::PortMatch::Gt(port)) => PortMatch::Gt(port),
        Some(model::PortMatch::Range(first, last)) => PortMatch::Range(first, last),
    }
}
