//! LMAs: networks, pools, customers.

use std::net::IpAddr;
use std::time::Duration;

use pmip_wire::types::IpPrefix;

use super::{Checker, domain, hybrid};
use crate::config::model::{Customer, Lma, MobileNetworkPool, NetworkPool, PrefixLimits};

pub(super) fn check(checker: &mut Checker<'_>, lma: &Lma, path: &str) {
    checker.name(&format!("{path}.id"), &lma.id);
    checker.domain_of(path, &lma.domain);
    checker.heartbeats(path, &lma.domain, &lma.heartbeat);
    enforce(checker, lma, path);
    checker.binding_times(&format!("{path}.bce"), &lma.bce);
    checker.revocation(path, &lma.bri);
    checker.tunnel(path, &lma.tunnel);
    checker.dscp(
        &format!("{path}.dscp-control-plane"),
        lma.dscp_control_plane.as_ref(),
    );
    checker.optional(
        &format!("{path}.hnp-maximum"),
        lma.hnp_maximum,
        "hnp-maximum",
    );
    checker.optional(
        &format!("{path}.mobile-route-ad"),
        lma.mobile_route_ad,
        "route-distance",
    );
    let interim = lma.aaa_accounting_interim;
    checker.optional(
        &format!("{path}.aaa-accounting-interim"),
        interim,
        "accounting-interim",
    );
    for rat in &lma.rat {
        checker.number(&format!("{path}.rat"), rat.priority, "rat-priority");
        checker.number(&format!("{path}.rat"), rat.att.0.into(), "label-id");
    }
    if let Some(protection) = &lma.replay_protection {
        let window = format!("{path}.replay-protection.window");
        checker.optional(&window, protection.window, "timestamp-window");
    }
    checker.active_map(path, &lma.domain, lma.mobile_map.as_ref());
    for (index, name) in lma.interface.iter().enumerate() {
        checker.interface(&format!("{path}.interface[{index}]"), name);
    }
    domain::peers(checker, &lma.mag, &format!("{path}.mag"));
    profile(checker, lma, path);
    networks(checker, lma, path);
    customers(checker, lma, path);
    hybrid::check(checker, lma.hybrid_access.as_ref(), &lma.domain, path);
    open_to_all(checker, lma, path);
    if lma.address.ipv4.is_empty() && lma.address.ipv6.is_empty() {
        let help = "write `address ipv4 A` or `address ipv6 A`";
        checker.warning(path, "the LMA has no address and cannot run", help);
    }
}

/// RFC 8127 section 4.1.2: what an anchor sets on gateways are whole seconds, 30 to 3600.
fn enforce(checker: &mut Checker<'_>, lma: &Lma, path: &str) {
    if !lma.heartbeat_enforce {
        return;
    }
    let path = format!("{path}.heartbeat-enforce");
    let mut lines = lma.heartbeat.iter();
    let help = "write `heartbeat interval 60 retries 3`, or leave `enforce` out";
    match lines.find(|line| line.label.is_none()) {
        None => {
            let message = "there is no heartbeat to enforce: none is for every path";
            checker.error(&path, message, help);
        }
        Some(line) if line.interval_ms.is_some() || line.period() < Duration::from_secs(30) => {
            let message = "gateways can only be told intervals of 30 seconds or more (RFC 8127)";
            checker.error(&path, message, help);
        }
        Some(_) => {}
    }
}

fn profile(checker: &mut Checker<'_>, lma: &Lma, path: &str) {
    let Some(name) = &lma.default_profile else {
        return;
    };
    let path = format!("{path}.default-profile");
    checker.name(&path, name);
    let config = checker.config;
    let nais = config
        .domain(&lma.domain)
        .into_iter()
        .flat_map(|domain| &domain.nais);
    let known = nais.map(|profile| profile.nai.as_str());
    let then = "a mobile node without a profile is refused";
    checker.defined(&path, "profile", name, known, then);
}

/// Learning MAGs without authentication works, as the guide's example does, and is said loudly.
fn open_to_all(checker: &mut Checker<'_>, lma: &Lma, path: &str) {
    let domain = checker.config.domain(&lma.domain);
    let domain_key = domain.is_some_and(|domain| !domain.auth_option.is_empty());
    let customers = lma
        .mobile_local_loop
        .iter()
        .flat_map(|service| &service.customer);
    let shared = domain.into_iter().flat_map(|domain| &domain.mags);
    let keys = customers
        .filter(|customer| !customer.auth_option.is_empty())
        .count()
        + lma
            .mag
            .iter()
            .chain(shared)
            .filter(|peer| !peer.auth_option.is_empty())
            .count();
    if lma.dynamic_mag_learning && !domain_key && keys == 0 {
        let message = "any host that reaches this LMA can register mobile nodes: \
            it learns MAGs and has no authentication";
        let help = "give the domain a key by `auth-option spi 100 key ascii ...`, or name the MAGs by `mag ID DOMAIN`";
        checker.warning(&format!("{path}.dynamic-mag-learning"), message, help);
    }
}

fn networks(checker: &mut Checker<'_>, lma: &Lma, path: &str) {
    let list = format!("{path}.network");
    checker.unique(
        &list,
        lma.network.iter().map(|network| network.name.as_str()),
    );
    let mut carved = Vec::new();
    for (index, network) in lma.network.iter().enumerate() {
        let path = format!("{list}[{index}]");
        checker.name(&format!("{path}.name"), &network.name);
        pools(
            checker,
            network.ipv4_pool.as_ref(),
            network.ipv6_pool.as_ref(),
            &path,
        );
        mobile_networks(checker, &network.mobile_networks, &path, &mut carved);
    }
}

fn pools(
    checker: &mut Checker<'_>,
    ipv4: Option<&NetworkPool>,
    ipv6: Option<&NetworkPool>,
    path: &str,
) {
    if let Some(pool) = ipv4 {
        ipv4_pool(checker, pool, &format!("{path}.ipv4-pool"));
    }
    if let Some(pool) = ipv6 {
        ipv6_pool(checker, pool, &format!("{path}.ipv6-pool"));
    }
}

fn ipv4_pool(checker: &mut Checker<'_>, pool: &NetworkPool, path: &str) {
    checker.name(path, &pool.name);
    let length = format!("{path}.pfxlen");
    if !(8..=30).contains(&pool.pfxlen) {
        let message = format!(
            "an IPv4 pool has a pfxlen from 8 to 30, not {}",
            pool.pfxlen
        );
        checker.error(&length, message, "");
        return;
    }
    let config = checker.config;
    let names = config.ipv4_pools.iter().map(|pool| pool.name.as_str());
    let then = "no IPv4 home address is given out";
    checker.defined(path, "`ip local pool`", &pool.name, names, then);
    let ranges = config.ipv4_pool(&pool.name).into_iter();
    for range in ranges.flat_map(|pool| &pool.ranges) {
        let bits = u8::try_from(pool.pfxlen).unwrap_or(32);
        let subnet = IpPrefix::new(IpAddr::V4(range.first), bits);
        let inside = subnet.is_ok_and(|subnet| subnet.contains(IpAddr::V4(range.last)));
        if !inside && range.first <= range.last {
            let message = format!(
                "pool `{}` from {} to {} does not lie in one subnet of length {}",
                pool.name, range.first, range.last, pool.pfxlen
            );
            checker.error(&length, message, "use a shorter pfxlen or a smaller pool");
        }
    }
}

fn ipv6_pool(checker: &mut Checker<'_>, pool: &NetworkPool, path: &str) {
    checker.name(path, &pool.name);
    let length = format!("{path}.pfxlen");
    if !(8..=64).contains(&pool.pfxlen) {
        let message = format!(
            "an IPv6 pool has a pfxlen from 8 to 64, not {}",
            pool.pfxlen
        );
        checker.error(&length, message, "");
        return;
    }
    let config = checker.config;
    let names = config.ipv6_pools.iter().map(|pool| pool.name.as_str());
    let then = "no home network prefix is given out";
    checker.defined(path, "`ipv6 local pool`", &pool.name, names, then);
    if let Some(block) = config.ipv6_pool(&pool.name)
        && pool.pfxlen < block.prefix.length().into()
    {
        let message = format!(
            "prefixes of length {} do not fit into {}",
            pool.pfxlen, block.prefix
        );
        let help = format!("use a pfxlen from {} to 64", block.prefix.length());
        checker.error(&length, message, help);
    }
}

fn mobile_networks(
    checker: &mut Checker<'_>,
    pools: &[MobileNetworkPool],
    path: &str,
    carved: &mut Vec<IpPrefix>,
) {
    for (index, pool) in pools.iter().enumerate() {
        let path = format!("{path}.mobile-network[{index}]");
        let (family, most_pool, most) = if pool.pool.is_ipv4() {
            ("IPv4", 30, 32)
        } else {
            ("IPv6", 64, 64)
        };
        let (whole, part) = (pool.pool_prefix, pool.network_prefix);
        if !(8..=most_pool).contains(&whole) {
            let message = format!("an {family} pool-prefix is 8 to {most_pool}, not {whole}");
            checker.error(&format!("{path}.pool-prefix"), message, "");
            continue;
        }
        if part < whole || part > most {
            let message = format!(
                "network-prefix {part} does not fit: it must be {whole} (the pool-prefix) to {most}"
            );
            let help = "each mobile network is a part of the pool";
            checker.error(&format!("{path}.network-prefix"), message, help);
            continue;
        }
        let length = u8::try_from(whole).unwrap_or(u8::MAX);
        let Ok(prefix) = IpPrefix::new(pool.pool, length) else {
            continue;
        };
        if let Some(other) = carved.iter().find(|other| other.overlaps(&prefix)) {
            let message = format!("pool {prefix} overlaps pool {other}");
            checker.error(&path, message, "give each pool its own addresses");
        }
        carved.push(prefix);
    }
}

fn customers(checker: &mut Checker<'_>, lma: &Lma, path: &str) {
    let Some(service) = &lma.mobile_local_loop else {
        return;
    };
    let path = format!("{path}.mobile-local-loop");
    limits(checker, &service.limits, &path);
    let list = format!("{path}.customer");
    checker.unique(
        &list,
        service
            .customer
            .iter()
            .map(|customer| customer.name.as_str()),
    );
    for (index, block) in service.customer.iter().enumerate() {
        customer(checker, lma, block, &format!("{list}[{index}]"));
    }
}

fn customer(checker: &mut Checker<'_>, lma: &Lma, customer: &Customer, path: &str) {
    checker.short_name(&format!("{path}.name"), &customer.name);
    checker.short_name(&format!("{path}.vrf"), &customer.vrf);
    checker.auth(path, &customer.auth_option);
    checker.heartbeats(path, &lma.domain, &customer.heartbeat);
    checker.binding_times(&format!("{path}.bce"), &customer.bce);
    limits(checker, &customer.limits, path);
    let distance = customer.mobile_route_ad;
    checker.optional(
        &format!("{path}.mobile-route-ad"),
        distance,
        "route-distance",
    );
    let key = customer.gre_key_symmetric;
    checker.optional(&format!("{path}.gre-key-symmetric"), key, "gre-key");
    let rate = customer.bandwidth_aggregate;
    checker.optional(&format!("{path}.bandwidth-aggregate"), rate, "kbps");
    for (index, transport) in customer.transport.iter().enumerate() {
        if let Some(vrf) = &transport.vrf {
            checker.short_name(&format!("{path}.transport[{index}].vrf"), vrf);
        }
    }
    if let Some(network) = &customer.network {
        let path = format!("{path}.network");
        if !network.unauthorized {
            checker.name(&path, &network.name);
        } else if !network.name.is_empty() {
            checker.error(
                &path,
                "an unauthorized network has no name",
                "leave one out",
            );
        }
        pools(
            checker,
            network.ipv4_pool.as_ref(),
            network.ipv6_pool.as_ref(),
            &path,
        );
        mobile_networks(checker, &network.mobile_networks, &path, &mut Vec::new());
    }
}

fn limits(checker: &mut Checker<'_>, limits: &PrefixLimits, path: &str) {
    for (name, value, range) in [
        ("lmn", limits.lmn, "prefixes-lmn"),
        ("lmn-ipv4", limits.lmn_ipv4, "prefixes-lmn"),
        ("lmn-ipv6", limits.lmn_ipv6, "prefixes-lmn"),
        ("customer", limits.customer, "prefixes-customer"),
        ("customer-ipv4", limits.customer_ipv4, "prefixes-customer"),
        ("customer-ipv6", limits.customer_ipv6, "prefixes-customer"),
    ] {
        checker.optional(&format!("{path}.limits.{name}"), value, range);
    }
}
