//! Whose a request is: the anchor's own, or a customer's (feature semantics section 2.6).

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::config::{Customer, HeartbeatConfig, LmaConfig, Network, Profile};
use crate::io::{Carrier, Datagram};
use crate::status::{CustomerStats, CustomerStatus};
use crate::vrf::VrfId;

use super::Lma;

/// A customer, or the anchor itself, with its routing instances. It is a part of every gateway's
/// name, so that equal names of two customers are two gateways.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Tenant {
    /// Its position among the customers from 1; 0 = the anchor itself.
    pub(super) number: u16,
    /// Where its gateways are.
    pub(super) transport: VrfId,
    /// Where its mobile nodes' prefixes are.
    pub(super) traffic: VrfId,
}

/// The anchor itself and its customers.
#[derive(Clone, Debug)]
pub(super) struct Tenants {
    config: Arc<LmaConfig>,
    all: Vec<Tenant>,
    by_address: BTreeMap<(VrfId, IpAddr), Tenant>,
}

impl Tenants {
    pub(super) fn new(config: &Arc<LmaConfig>) -> Self {
        let mut tenants = Self {
            config: Arc::clone(config),
            all: vec![Tenant::default()],
            by_address: BTreeMap::new(),
        };
        let vrf = |name: &Option<String>| {
            let found = name.as_deref().and_then(|name| config.vrf(name));
            found.unwrap_or_default()
        };
        for (number, customer) in (1u16..).zip(&config.customers) {
            let tenant = Tenant {
                number,
                transport: vrf(&customer.transport_vrf),
                traffic: vrf(&customer.vrf),
            };
            tenants.all.push(tenant);
            for address in customer.addresses() {
                let key = (tenant.transport, address);
                tenants.by_address.insert(key, tenant);
            }
        }
        tenants
    }

    pub(super) fn all(&self) -> impl Iterator<Item = Tenant> + '_ {
        self.all.iter().copied()
    }

    /// Whether every tenant has the number that it has there.
    pub(super) fn same_numbers(&self, other: &Self) -> bool {
        let names = |tenants: &Self| {
            let customers = tenants.config.customers.iter();
            customers
                .map(|customer| customer.name.clone())
                .collect::<Vec<_>>()
        };
        self.all == other.all && names(self) == names(other)
    }

    pub(super) fn customer(&self, tenant: Tenant) -> Option<&Customer> {
        let position = usize::from(tenant.number).checked_sub(1)?;
        self.config.customers.get(position)
    }

    pub(super) fn name(&self, tenant: Tenant) -> Option<&str> {
        Some(self.customer(tenant)?.name.as_str())
    }

    /// The customer of this name, `None` = the anchor itself.
    pub(super) fn named(&self, name: Option<&str>) -> Option<Tenant> {
        let mut all = self.all();
        all.find(|tenant| self.name(*tenant) == name)
    }

    /// Who is signalled to at this address. The host may have others, which are no anchor's.
    pub(super) fn at(&self, vrf: VrfId, address: IpAddr) -> Option<Tenant> {
        if let Some(found) = self.by_address.get(&(vrf, address)) {
            return Some(*found);
        }
        let anchor = Tenant::default();
        let own = self.has_address(anchor, address) || self.config.redirect.is_assigning(address);
        (vrf.is_default() && own).then_some(anchor)
    }

    /// Whether this address is a tenant's.
    pub(super) fn has_address(&self, tenant: Tenant, address: IpAddr) -> bool {
        let config = &self.config;
        match self.customer(tenant) {
            Some(customer) => customer.addresses().any(|own| own == address),
            None => {
                config.ipv4_address.map(IpAddr::V4) == Some(address)
                    || config.ipv6_address.map(IpAddr::V6) == Some(address)
            }
        }
    }

    pub(super) fn heartbeat(&self, tenant: Tenant) -> &HeartbeatConfig {
        let own = self.customer(tenant).map(|customer| &customer.heartbeat);
        own.filter(|own| !own.rules.is_empty())
            .unwrap_or(&self.config.heartbeat)
    }

    pub(super) fn lifetime(&self, tenant: Tenant) -> Duration {
        let own = self.customer(tenant).and_then(|customer| customer.lifetime);
        own.unwrap_or(self.config.lifetime)
    }

    /// The uplink GRE key that is configured for a mobile node.
    pub(super) fn gre_key(&self, tenant: Tenant, profile: Option<&Profile>) -> Option<u32> {
        let own = profile.and_then(|profile| profile.gre_uplink_key);
        own.or_else(|| self.customer(tenant)?.gre_key)
    }

    /// The network that supplies a mobile node's addresses.
    pub(super) fn network(&self, tenant: Tenant, profile: &Profile) -> Option<&Network> {
        let named = profile.network.as_deref();
        let name = match self.customer(tenant) {
            None => named,
            Some(customer) => {
                let mut own = customer.networks.iter().map(String::as_str);
                let first = customer.networks.first().map(String::as_str);
                own.find(|own| Some(*own) == named).or(first)
            }
        };
        self.config.network(name?)
    }

    /// Whether mobile network prefixes may be asserted outside every pool.
    pub(super) fn takes_any(&self, tenant: Tenant, network: Option<&Network>) -> bool {
        let customer = self.customer(tenant);
        network.is_some_and(|network| network.accept_asserted)
            || customer.is_some_and(|customer| customer.unauthorized)
    }
}

impl Lma {
    /// Who a datagram is for; `None` = nobody.
    pub(super) fn tenant_of(&self, datagram: &Datagram) -> Option<Tenant> {
        if let Carrier::Tunnel(id) = datagram.carrier {
            return Some(self.paths.get(id)?.key.peer.tenant);
        }
        self.tenants.at(datagram.vrf, datagram.destination.ip())
    }

    /// The customers with their counters, in the order of the configuration.
    pub fn customers(&self) -> impl Iterator<Item = CustomerStatus> + '_ {
        let customers = self.tenants.all().filter(|tenant| tenant.number > 0);
        customers.filter_map(|tenant| self.customer_status(tenant))
    }

    fn customer_status(&self, tenant: Tenant) -> Option<CustomerStatus> {
        let customer = self.tenants.customer(tenant)?;
        let held = self.cache.held_by(tenant);
        Some(CustomerStatus {
            name: customer.name.clone(),
            vrf: customer.vrf.clone(),
            transport_vrf: customer.transport_vrf.clone(),
            addresses: customer.addresses().collect(),
            bindings: held.sessions,
            delegated_ipv4: held.ipv4,
            delegated_ipv6: held.ipv6,
            stats: self
                .customer_stats
                .get(&tenant.number)
                .cloned()
                .unwrap_or_default(),
        })
    }

    /// Where a tenant's events are counted; `None` for the anchor itself.
    pub(super) fn count_for(&mut self, tenant: Tenant) -> Option<&mut CustomerStats> {
        (tenant.number > 0).then(|| self.customer_stats.entry(tenant.number).or_default())
    }
}
