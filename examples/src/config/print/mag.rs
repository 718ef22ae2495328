//! A MAG.

use super::{Page, hybrid, part, shared, switch, word};
use crate::config::model::{LogicalMn, Mag, MagLma, MobilityRole, RoamingInterface};

pub(super) fn print(page: &mut Page, mag: &Mag) {
    let (id, domain) = (word(&mag.id), word(&mag.domain));
    page.block(
        format_args!("ipv6 mobile pmipv6-mag {id} domain {domain}"),
        |page| {
            for address in &mag.address.ipv4 {
                page.line(format_args!("address ipv4 {address}"));
            }
            for address in &mag.address.ipv6 {
                page.line(format_args!("address ipv6 {address}"));
            }
            if mag.address_dynamic || !mag.roaming_interface.is_empty() {
                page.block("address dynamic", |page| {
                    for line in &mag.roaming_interface {
                        roaming_interface(page, line);
                    }
                });
            }
            settings(page, mag);
            for peer in &mag.lma {
                lma(page, peer);
            }
            for node in &mag.logical_mn {
                logical_mn(page, node);
            }
            if let Some(service) = &mag.mobile_local_loop {
                page.block("mobility-service mobile-local-loop", |page| {
                    page.name("egress interface", service.egress_interface.as_ref());
                });
            }
            hybrid::print(page, mag.hybrid_access.as_ref());
        },
    );
}

fn roaming_interface(page: &mut Page, line: &RoamingInterface) {
    let name = |name: &Option<String>| name.as_ref().map(|name| word(name));
    page.line(format_args!(
        "roaming interface {}{}{}{}{}{}{}",
        word(&line.name),
        part("egress", name(&line.egress)),
        part("vrf", name(&line.vrf)),
        part("priority", line.priority),
        part("egress-att", line.egress_att),
        part("label", name(&line.label)),
        part("weight", line.weight),
    ));
}

fn settings(page: &mut Page, mag: &Mag) {
    shared::encap(page, mag.encap);
    shared::replay_protection(page, mag.replay_protection.as_ref());
    shared::heartbeats(page, &mag.heartbeat);
    shared::binding_times(page, "binding", &mag.binding);
    shared::revocation(page, &mag.bri);
    page.flag(mag.multipath, "multipath");
    page.name("mobile-map", mag.mobile_map.as_ref());
    shared::tunnel(page, &mag.tunnel);
    for name in &mag.interface {
        page.line(format_args!("interface {}", word(name)));
    }
    shared::dscp(page, mag.dscp_control_plane.as_ref());
    page.flag(mag.generate_grekey, "generate grekey");
    page.flag(mag.ignore_grekey, "ignore grekey");
    page.value("fixed-link-layer-address", mag.fixed_link_layer_address);
    page.value("fixed-link-local-address", mag.fixed_link_local_address);
    page.flag(mag.local_routing_mag, "local-routing-mag");
    page.flag(mag.preempt, "preempt");
    page.flag(mag.sessionmgr, "sessionmgr");
    if let Some(probe) = &mag.discover_mn_detach {
        page.line(format_args!(
            "discover-mn-detach poll interval {} timeout {} retries {}",
            probe.interval, probe.timeout, probe.retries
        ));
    }
    page.name("apn", mag.apn.as_ref());
    page.value("role", mag.role.map(MobilityRole::word));
}

fn lma(page: &mut Page, peer: &MagLma) {
    let opener = format!("lma {} {}", word(&peer.id), word(&peer.domain));
    page.block(opener, |page| {
        page.value("ipv4-address", peer.ipv4_address);
        page.value("ipv6-address", peer.ipv6_address);
        shared::encap(page, peer.encap);
        shared::auth_options(page, &peer.auth_option);
        shared::lenient(page, &peer.lenient);
        page.name("vrfid", peer.vrfid.as_ref());
        page.name("tunnel-template", peer.tunnel_template.as_ref());
    });
}

fn logical_mn(page: &mut Page, node: &LogicalMn) {
    page.block(format_args!("logical-mn {}", word(&node.nai)), |page| {
        page.name("lma", node.lma.as_ref());
        for network in &node.mobile_network {
            page.line(format_args!(
                "mobile network {}{}{}{}",
                word(&network.interface),
                part("label", network.label.as_ref().map(|label| word(label))),
                switch("skip-register", network.skip_register),
                switch("learn-prefix", network.learn_prefix),
            ));
        }
        page.name("home interface", node.home_interface.as_ref());
        for route in &node.reverse_tunnel_route {
            let family = if route.prefix.is_ipv4() {
                "ipv4"
            } else {
                "ipv6"
            };
            let metric = route.metric.map(|metric| format!(" {metric}"));
            page.line(format_args!(
                "reverse-tunnel route {family} {} {}{}",
                route.prefix.address(),
                route.prefix.length(),
                metric.unwrap_or_default()
            ));
        }
    });
}
