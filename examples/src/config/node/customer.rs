//! Customers of an LMA (`mobility-service mobile-local-loop`) as its engine takes them.

use std::time::Duration;

use pmip_binding::LmaConfig;
use pmip_binding::config as engine;

use super::LabelTable;
use crate::config::model::{Config, Customer, CustomerNetwork, Lma, Network, PrefixLimits};

/// How the language names the routing instance of the node itself.
const DEFAULT_VRF: &str = "default";

/// Gives an LMA's engine its customers, their routing instances and the networks that are theirs
/// alone.
pub(super) fn resolve(config: &Config, lma: &Lma, labels: &LabelTable, engine: &mut LmaConfig) {
    let Some(service) = &lma.mobile_local_loop else {
        return;
    };
    for block in &service.customer {
        let mut customer = customer(block, &service.limits, labels);
        customer.ignore_home_address = service.ignore_home_address;
        if let Some(network) = &block.network {
            customer.unauthorized = network.unauthorized;
            let own = own_network(block, network).map(|own| super::lma::pools(config, &own));
            let name = own.as_ref().map_or(&network.name, |own| &own.name).clone();
            customer
                .networks
                .extend(Some(name).filter(|name| !name.is_empty()));
            engine.networks.extend(own);
        }
        for vrf in customer.vrf.iter().chain(&customer.transport_vrf) {
            if !engine.vrfs.contains(vrf) {
                engine.vrfs.push(vrf.clone());
            }
        }
        engine.customers.push(customer);
    }
}

/// Why the program cannot serve the customers of an LMA, and what to write instead.
pub fn unserved(lma: &LmaConfig) -> Vec<String> {
    lma.customers.iter().flat_map(refusals).collect()
}

fn refusals(customer: &engine::Customer) -> Vec<String> {
    let name = &customer.name;
    let traffic = customer.vrf.iter().map(|vrf| {
        format!(
            "customer {name}: traffic in vrf {vrf} is not there yet. Write `customer {name} vrf \
             {DEFAULT_VRF}`, or run an LMA for it in a network namespace of its own"
        )
    });
    let transport = customer.transport_vrf.iter().map(|vrf| {
        format!(
            "customer {name}: transport in vrf {vrf} is not there yet. Write `transport` without \
             vrf, or run an LMA for it in a network namespace of its own"
        )
    });
    traffic.chain(transport).collect()
}

/// A routing instance besides the node's own.
fn other_vrf(name: &str) -> Option<String> {
    (name != DEFAULT_VRF).then(|| name.to_owned())
}

fn customer(block: &Customer, shared: &PrefixLimits, labels: &LabelTable) -> engine::Customer {
    let mut customer = engine::Customer::new(&block.name);
    let transport = block.transport.first();
    let transport_vrf = transport.and_then(|transport| transport.vrf.as_deref());
    customer.vrf = other_vrf(&block.vrf);
    customer.transport_vrf = transport_vrf.and_then(other_vrf);
    customer.ipv4_address = transport.and_then(|transport| transport.ipv4);
    customer.ipv6_address = transport.and_then(|transport| transport.ipv6);
    customer.keys = super::keys([block.auth_option.as_slice()]);
    customer.heartbeat = super::heartbeat(&block.heartbeat, labels);
    customer.gre_key = block.gre_key_symmetric;
    let lifetime = block.bce.lifetime.map(u64::from);
    customer.lifetime = lifetime.map(Duration::from_secs);
    customer.limits = limits(&block.limits, shared);
    customer
}

/// The customer's own limits before those of all, that of a family before that of both.
fn limits(own: &PrefixLimits, shared: &PrefixLimits) -> engine::CustomerLimits {
    let per_node = |family: fn(&PrefixLimits) -> Option<u32>| {
        let most = [own, shared].into_iter();
        let most = most.map(|limits| family(limits).or(limits.lmn));
        most.flatten()
            .next()
            .and_then(|most| u8::try_from(most).ok())
    };
    let in_all = |family: fn(&PrefixLimits) -> Option<u32>| {
        let most = [own, shared].into_iter();
        most.map(|limits| family(limits).or(limits.customer))
            .find_map(|most| most)
    };
    let mut limits = engine::CustomerLimits::default();
    limits.ipv4_per_node = per_node(|limits| limits.lmn_ipv4);
    limits.ipv6_per_node = per_node(|limits| limits.lmn_ipv6);
    limits.ipv4 = in_all(|limits| limits.customer_ipv4);
    limits.ipv6 = in_all(|limits| limits.customer_ipv6);
    limits
}

/// A network with pools in the customer's block is the customer's alone; one without is named only.
fn own_network(customer: &Customer, network: &CustomerNetwork) -> Option<Network> {
    let has_pools = network.ipv4_pool.is_some()
        || network.ipv6_pool.is_some()
        || !network.mobile_networks.is_empty();
    has_pools.then(|| Network {
        name: match network.name.as_str() {
            "" => format!("customer {}", customer.name),
            name => name.to_owned(),
        },
        ipv4_pool: network.ipv4_pool.clone(),
        ipv6_pool: network.ipv6_pool.clone(),
        mobile_networks: network.mobile_networks.clone(),
    })
}
