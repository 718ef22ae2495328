//! MAGs: paths, anchors, logical mobile nodes.

use super::{Checker, hybrid};
use crate::config::model::{LogicalMn, Mag, RoamingInterface, TunnelEncap};

pub(super) fn check(checker: &mut Checker<'_>, mag: &Mag, path: &str) {
    checker.name(&format!("{path}.id"), &mag.id);
    checker.domain_of(path, &mag.domain);
    checker.heartbeats(path, &mag.domain, &mag.heartbeat);
    checker.binding_times(&format!("{path}.binding"), &mag.binding);
    checker.revocation(path, &mag.bri);
    checker.tunnel(path, &mag.tunnel);
    checker.dscp(
        &format!("{path}.dscp-control-plane"),
        mag.dscp_control_plane.as_ref(),
    );
    checker.optional_name(&format!("{path}.apn"), mag.apn.as_ref());
    checker.optional_name(
        &format!("{path}.tunnel.template"),
        mag.tunnel.template.as_ref(),
    );
    if let Some(protection) = &mag.replay_protection {
        let window = format!("{path}.replay-protection.window");
        checker.optional(&window, protection.window, "timestamp-window");
    }
    if let Some(probe) = &mag.discover_mn_detach {
        let path = format!("{path}.discover-mn-detach");
        checker.number(&path, probe.interval, "detach-seconds");
        checker.number(&path, probe.timeout, "detach-seconds");
        checker.number(&path, probe.retries, "heartbeat-retries");
    }
    checker.active_map(path, &mag.domain, mag.mobile_map.as_ref());
    for (index, name) in mag.interface.iter().enumerate() {
        checker.interface(&format!("{path}.interface[{index}]"), name);
    }
    if let Some(service) = &mag.mobile_local_loop {
        let path = format!("{path}.mobile-local-loop.egress-interface");
        checker.optional_name(&path, service.egress_interface.as_ref());
    }
    paths(checker, mag, path);
    anchors(checker, mag, path);
    logical_mns(checker, mag, path);
    hybrid::check(checker, mag.hybrid_access.as_ref(), &mag.domain, path);
    only_an_lma_overrides(checker, mag, path);
}

fn only_an_lma_overrides(checker: &mut Checker<'_>, mag: &Mag, path: &str) {
    let Some(service) = &mag.hybrid_access else {
        return;
    };
    for (key, list) in [
        ("enable-sla-mag", &service.enable_sla_mag),
        ("enable-sla-customer", &service.enable_sla_customer),
    ] {
        if !list.is_empty() {
            let path = format!("{path}.hybrid-access.{key}");
            let help = "a MAG probes its own paths with `sla`";
            checker.error(&path, format!("`{key}` belongs to an LMA"), help);
        }
    }
}

fn paths(checker: &mut Checker<'_>, mag: &Mag, path: &str) {
    /// Binding IDs 1 to 254 (RFC 8278 section 4.1).
    const MOST: usize = 254;
    let list = format!("{path}.roaming-interface");
    checker.unique(
        &list,
        mag.roaming_interface.iter().map(|line| line.name.as_str()),
    );
    if mag.roaming_interface.len() > MOST {
        let message = format!("more than {MOST} roaming interfaces");
        checker.error(&list, message, "RFC 8278 has Binding IDs for 254");
    }
    for (index, line) in mag.roaming_interface.iter().enumerate() {
        roaming_interface(checker, line, &format!("{list}[{index}]"));
    }
    if !mag.roaming_interface.is_empty() && !mag.address_dynamic {
        let help = "set `address-dynamic = true`";
        checker.error(&list, "roaming interfaces need dynamic addresses", help);
    }
    if mag.roaming_interface.is_empty()
        && mag.address.ipv4.is_empty()
        && mag.address.ipv6.is_empty()
    {
        let help = "write `address dynamic` and `roaming interface NAME ...` in it";
        checker.warning(path, "the MAG has no care-of address and cannot run", help);
    }
}

fn roaming_interface(checker: &mut Checker<'_>, line: &RoamingInterface, path: &str) {
    checker.interface(path, &line.name);
    if let Some(egress) = &line.egress {
        checker.interface(path, egress);
    }
    if let Some(vrf) = &line.vrf {
        checker.short_name(path, vrf);
    }
    checker.optional(path, line.priority, "path-priority");
    checker.optional(path, line.weight, "weight");
    checker.optional(path, line.egress_att.map(|att| att.0.into()), "label-id");
    checker.optional_name(&format!("{path}.label"), line.label.as_ref());
    let loopback = line.name.to_ascii_lowercase().starts_with("loopback");
    if loopback && line.egress.is_none() {
        let help = "write `roaming interface Loopback0 egress Ethernet0/0 ...`";
        checker.warning(
            path,
            "a loopback needs the device that its packets leave by",
            help,
        );
    }
}

fn anchors(checker: &mut Checker<'_>, mag: &Mag, path: &str) {
    let list = format!("{path}.lma");
    checker.unique(&list, mag.lma.iter().map(|peer| peer.id.as_str()));
    for (index, peer) in mag.lma.iter().enumerate() {
        let path = format!("{list}[{index}]");
        checker.name(&format!("{path}.id"), &peer.id);
        checker.name(&format!("{path}.domain"), &peer.domain);
        if peer.domain != mag.domain {
            let (lma, other, own) = (&peer.id, &peer.domain, &mag.domain);
            let message = format!("LMA `{lma}` is of domain `{other}`, the MAG of domain `{own}`");
            let help = format!("write `lma {lma} {own}`");
            checker.error(&path, message, help);
        }
        checker.auth(&path, &peer.auth_option);
        checker.optional_name(
            &format!("{path}.tunnel-template"),
            peer.tunnel_template.as_ref(),
        );
        if let Some(vrf) = &peer.vrfid {
            checker.short_name(&format!("{path}.vrfid"), vrf);
        }
        let domain = checker.config.domain(&mag.domain);
        let shared = domain.and_then(|domain| domain.lmas.iter().find(|lma| lma.id == peer.id));
        let encaps = [
            peer.encap,
            shared.and_then(|lma| lma.encap),
            mag.encap,
            domain.and_then(|domain| domain.encap),
        ];
        let encap = encaps.into_iter().flatten().next();
        if mag.multipath && encap == Some(TunnelEncap::Ipv6InIpv6) {
            let lma = &peer.id;
            let message = format!("multipath with LMA `{lma}` does not go with `ipv6-in-ipv6`");
            let help = "write `encap udptunnel`, or `encap gre-ipv4` or `gre-ipv6`";
            checker.error(&path, message, help);
        }
        let own = peer.ipv4_address.is_some() || peer.ipv6_address.is_some();
        let from_domain =
            shared.is_some_and(|lma| lma.ipv4_address.is_some() || lma.ipv6_address.is_some());
        if !own && !from_domain {
            let help = "write `ipv4-address A` or `ipv6-address A` in its block";
            checker.warning(&path, format!("LMA `{}` has no address", peer.id), help);
        }
    }
}

fn logical_mns(checker: &mut Checker<'_>, mag: &Mag, path: &str) {
    let list = format!("{path}.logical-mn");
    checker.unique(&list, mag.logical_mn.iter().map(|node| node.nai.as_str()));
    for (index, node) in mag.logical_mn.iter().enumerate() {
        logical_mn(checker, mag, node, &format!("{list}[{index}]"));
    }
}

fn logical_mn(checker: &mut Checker<'_>, mag: &Mag, node: &LogicalMn, path: &str) {
    checker.name(&format!("{path}.nai"), &node.nai);
    if !node.nai.contains('@') {
        let help = "write `user@example.com`";
        checker.error(
            &format!("{path}.nai"),
            format!("`{}` is no identifier", node.nai),
            help,
        );
    }
    checker.optional_name(
        &format!("{path}.home-interface"),
        node.home_interface.as_ref(),
    );
    anchor(checker, mag, node, path);
    for (index, network) in node.mobile_network.iter().enumerate() {
        let path = format!("{path}.mobile-network[{index}]");
        checker.interface(&path, &network.interface);
        if let Some(label) = &network.label {
            checker.label(&format!("{path}.label"), &mag.domain, label);
        }
    }
    let list = format!("{path}.mobile-network");
    let names = node
        .mobile_network
        .iter()
        .map(|network| network.interface.as_str());
    checker.unique(&list, names);
    for (index, route) in node.reverse_tunnel_route.iter().enumerate() {
        let path = format!("{path}.reverse-tunnel-route[{index}]");
        checker.optional(&path, route.metric, "metric");
    }
}

/// A logical mobile node uses the only LMA, or names one of several.
fn anchor(checker: &mut Checker<'_>, mag: &Mag, node: &LogicalMn, path: &str) {
    let domain = checker.config.domain(&mag.domain);
    let profile = domain.and_then(|domain| domain.profile(&node.nai));
    let named = node
        .lma
        .as_ref()
        .or_else(|| profile.and_then(|profile| profile.lma.as_ref()));
    let ids: Vec<&str> = mag.lma.iter().map(|peer| peer.id.as_str()).collect();
    match named {
        Some(name) => {
            let path = format!("{path}.lma");
            checker.name(&path, name);
            let then = "the node cannot register";
            checker.defined(&path, "LMA", name, ids.into_iter(), then);
        }
        None if ids.len() > 1 => {
            let message = format!("`{}` has several LMAs to choose from", node.nai);
            let help = format!("write `lma NAME` in it, one of: {}", ids.join(", "));
            checker.error(path, message, help);
        }
        None => {}
    }
}
