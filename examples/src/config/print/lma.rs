//! An LMA.

use super::{Page, hybrid, part, shared, word};
use crate::config::model::{
    Customer, Lma, LmaLocalLoop, MobileNetworkPool, MobileRoutes, MobilityRole, Network,
    NetworkPool, PrefixLimits, Transport,
};

pub(super) fn print(page: &mut Page, lma: &Lma) {
    let (id, domain) = (word(&lma.id), word(&lma.domain));
    page.block(
        format_args!("ipv6 mobile pmipv6-lma {id} domain {domain}"),
        |page| {
            for address in &lma.address.ipv4 {
                page.line(format_args!("address ipv4 {address}"));
            }
            for address in &lma.address.ipv6 {
                page.line(format_args!("address ipv6 {address}"));
            }
            settings(page, lma);
            without_effect(page, lma);
            for peer in &lma.mag {
                shared::peer(page, "mag", peer);
            }
            for block in &lma.network {
                network(page, block);
            }
            if let Some(block) = &lma.mobile_local_loop {
                local_loop(page, block);
            }
            hybrid::print(page, lma.hybrid_access.as_ref());
        },
    );
}

fn settings(page: &mut Page, lma: &Lma) {
    shared::encap(page, lma.encap);
    shared::replay_protection(page, lma.replay_protection.as_ref());
    shared::heartbeats(page, &lma.heartbeat);
    page.flag(lma.heartbeat_enforce, "heartbeat enforce");
    shared::binding_times(page, "bce", &lma.bce);
    shared::revocation(page, &lma.bri);
    page.name("default profile", lma.default_profile.as_ref());
    page.flag(lma.dynamic_mag_learning, "dynamic mag learning");
    page.flag(lma.multipath, "multipath");
    page.name("mobile-map", lma.mobile_map.as_ref());
    shared::tunnel(page, &lma.tunnel);
    for name in &lma.interface {
        page.line(format_args!("interface {}", word(name)));
    }
    page.value("hnp maximum", lma.hnp_maximum);
    shared::dscp(page, lma.dscp_control_plane.as_ref());
    page.flag(lma.generate_grekey, "generate grekey");
    page.flag(lma.flow_mirror, "flow-mirror");
    match lma.redistribute {
        Some(MobileRoutes::HostPrefix) => page.line("redistribute home-address host-prefix"),
        Some(MobileRoutes::Disable) => page.line("redistribute home-address disable"),
        None => {}
    }
    page.value("mobile-route ad", lma.mobile_route_ad);
}

fn without_effect(page: &mut Page, lma: &Lma) {
    page.flag(lma.ani, "ani");
    page.value("role", lma.role.map(MobilityRole::word));
    for rat in &lma.rat {
        page.line(format_args!("rat {} priority {}", rat.att, rat.priority));
    }
    page.flag(lma.aaa_accounting, "enable aaa accounting");
    page.value("aaa accounting interim", lma.aaa_accounting_interim);
}

fn network(page: &mut Page, network: &Network) {
    page.block(format_args!("network {}", word(&network.name)), |page| {
        let (ipv4, ipv6) = (network.ipv4_pool.as_ref(), network.ipv6_pool.as_ref());
        pools(page, ipv4, ipv6, &network.mobile_networks);
    });
}

fn pools(
    page: &mut Page,
    ipv4: Option<&NetworkPool>,
    ipv6: Option<&NetworkPool>,
    mobile_networks: &[MobileNetworkPool],
) {
    for (family, pool) in [("ipv4", ipv4), ("ipv6", ipv6)] {
        if let Some(NetworkPool { name, pfxlen }) = pool {
            page.line(format_args!("pool {family} {} pfxlen {pfxlen}", word(name)));
        }
    }
    for pool in mobile_networks {
        let kind = if pool.pool.is_ipv4() {
            "pool"
        } else {
            "v6pool"
        };
        page.line(format_args!(
            "mobile-network {kind} {} pool-prefix {} network-prefix {}",
            pool.pool, pool.pool_prefix, pool.network_prefix
        ));
    }
}

fn local_loop(page: &mut Page, service: &LmaLocalLoop) {
    page.block("mobility-service mobile-local-loop", |page| {
        page.flag(service.ignore_home_address, "ignore home-address");
        limits(page, &service.limits);
        for block in &service.customer {
            customer(page, block);
        }
    });
}

fn limits(page: &mut Page, limits: &PrefixLimits) {
    for (kind, value) in [
        ("lmn", limits.lmn),
        ("lmn ipv4", limits.lmn_ipv4),
        ("lmn ipv6", limits.lmn_ipv6),
        ("customer", limits.customer),
        ("customer ipv4", limits.customer_ipv4),
        ("customer ipv6", limits.customer_ipv6),
    ] {
        page.value(&format!("mobile-network maximum {kind}"), value);
    }
}

fn customer(page: &mut Page, customer: &Customer) {
    let (name, vrf) = (word(&customer.name), word(&customer.vrf));
    page.block(format_args!("customer {name} vrf {vrf}"), |page| {
        shared::auth_options(page, &customer.auth_option);
        shared::heartbeats(page, &customer.heartbeat);
        page.value("gre-key symmetric", customer.gre_key_symmetric);
        shared::binding_times(page, "bce", &customer.bce);
        limits(page, &customer.limits);
        page.value("mobile-route ad", customer.mobile_route_ad);
        page.value("bandwidth aggregate", customer.bandwidth_aggregate);
        for block in &customer.transport {
            transport(page, block);
        }
        if let Some(network) = &customer.network {
            let name = if network.unauthorized {
                "unauthorized".to_owned()
            } else {
                word(&network.name)
            };
            page.block(format_args!("network {name}"), |page| {
                let (ipv4, ipv6) = (network.ipv4_pool.as_ref(), network.ipv6_pool.as_ref());
                pools(page, ipv4, ipv6, &network.mobile_networks);
            });
        }
    });
}

fn transport(page: &mut Page, transport: &Transport) {
    let vrf = part("vrf", transport.vrf.as_ref().map(|vrf| word(vrf)));
    page.block(format_args!("transport{vrf}"), |page| {
        page.value("address ipv4", transport.ipv4);
        page.value("address ipv6", transport.ipv6);
    });
}
