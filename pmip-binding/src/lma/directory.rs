//! The configured peers and profiles by name: there may be one per mobile node.

use std::net::IpAddr;
use std::sync::Arc;

use foldhash::quality::FixedState;
use hashbrown::{Equivalent, HashMap};
use smallvec::SmallVec;

use crate::config::{LmaConfig, MagPeer, Profile};
use crate::message::NAI;

use super::cache::{MagName, MnKey, PeerKey};
use super::tenants::{Tenant, Tenants};

/// Finds what [`LmaConfig::profile`] and a search through its peers would find.
#[derive(Clone, Debug)]
pub(super) struct Directory {
    config: Arc<LmaConfig>,
    /// By NAI, or by `@realm`.
    profiles: HashMap<Box<[u8]>, SmallVec<[usize; 1]>, FixedState>,
    /// By the customer's number and name.
    peers: HashMap<(u16, Box<[u8]>), usize, FixedState>,
    /// The first peer of each customer with each address.
    addresses: HashMap<(u16, IpAddr), usize, FixedState>,
}

impl Directory {
    pub(super) fn new(config: &Arc<LmaConfig>, tenants: &Tenants, seed: u64) -> Self {
        let hasher = || FixedState::with_seed(seed);
        let mut directory = Self {
            config: Arc::clone(config),
            profiles: HashMap::with_hasher(hasher()),
            peers: HashMap::with_hasher(hasher()),
            addresses: HashMap::with_hasher(hasher()),
        };
        for (index, profile) in config.profiles.iter().enumerate() {
            let name = profile.nai.as_bytes().into();
            directory.profiles.entry(name).or_default().push(index);
        }
        for (index, peer) in config.peers.iter().enumerate() {
            let tenant = tenants.named(peer.customer.as_deref());
            let number = tenant.unwrap_or_default().number;
            let name = peer.identity.as_bytes().into();
            directory.peers.insert((number, name), index);
            for &address in &peer.addresses {
                let key = (number, address);
                directory.addresses.entry(key).or_insert(index);
            }
        }
        directory
    }

    /// The profile that holds for a tenant's mobile node: its own, its realm's, the default one.
    pub(super) fn profile(
        &self,
        tenants: &Tenants,
        tenant: Tenant,
        mn: &MnKey,
    ) -> Option<&Profile> {
        if mn.subtype != NAI || std::str::from_utf8(&mn.octets).is_err() {
            return None;
        }
        let realm = || {
            let at = mn.octets.iter().rposition(|octet| *octet == b'@')?;
            self.profiles.get(mn.octets.get(at..)?)
        };
        let default = || {
            let name = self.config.default_profile.as_ref()?;
            self.profiles.get(name.as_bytes())
        };
        let own = self.profiles.get(&*mn.octets);
        let indexes = own.or_else(realm).or_else(default)?;
        let customer = tenants.name(tenant);
        let all = || {
            let profiles = indexes.iter();
            profiles.filter_map(|index| self.config.profiles.get(*index))
        };
        let own = all().find(|p| p.customer.is_some() && p.customer.as_deref() == customer);
        own.or_else(|| all().find(|profile| profile.customer.is_none()))
    }

    /// The configured peer of this name.
    pub(super) fn peer(&self, key: &PeerKey) -> Option<&MagPeer> {
        self.peer_in(self.place(key)?)
    }

    /// The place among the configured peers of the one with this name.
    pub(super) fn place(&self, key: &PeerKey) -> Option<usize> {
        let MagName::Identifier(identifier) = &key.name else {
            return None;
        };
        let place = PeerPlace(key.tenant.number, &identifier.octets);
        self.peers.get(&place).copied()
    }

    /// The configured peer in this place.
    pub(super) fn peer_in(&self, place: usize) -> Option<&MagPeer> {
        self.config.peers.get(place)
    }

    /// The first configured peer that may signal from this address.
    pub(super) fn peer_at(&self, tenant: Tenant, address: IpAddr) -> Option<&MagPeer> {
        let index = self.addresses.get(&(tenant.number, address))?;
        self.config.peers.get(*index)
    }
}

/// A key of the peers that need not be made.
#[derive(Hash)]
struct PeerPlace<'a>(u16, &'a [u8]);

impl Equivalent<(u16, Box<[u8]>)> for PeerPlace<'_> {
    fn equivalent(&self, key: &(u16, Box<[u8]>)) -> bool {
        self.0 == key.0 && *self.1 == *key.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Identifier;

    #[test]
    fn it_finds_what_the_configuration_finds() {
        let mut config = LmaConfig::new("lma");
        config.profiles = ["@example.com", "a@example.com", "rest", "@"]
            .map(|nai| Profile::new(nai, "net"))
            .to_vec();
        config.customers = ["c1", "c2"].map(crate::config::Customer::new).to_vec();
        for (nai, customer) in [("@example.com", "c1"), ("e@example.com", "c2")] {
            let mut profile = Profile::new(nai, "net");
            profile.customer = Some(customer.to_owned());
            config.profiles.push(profile);
        }
        for default in [None, Some("rest".to_owned())] {
            config.default_profile = default;
            let config = Arc::new(config.clone());
            let tenants = Tenants::new(&config);
            let directory = Directory::new(&config, &tenants, 1);
            let names = [
                "a@example.com",
                "b@example.com",
                "e@example.com",
                "c@d@example.com",
                "x@",
                "x",
                "@",
            ];
            for name in names {
                for tenant in tenants.all() {
                    let customer = tenants.name(tenant);
                    let found = directory.profile(&tenants, tenant, &Identifier::nai(name));
                    assert_eq!(found, config.profile_of(customer, name), "{name}");
                }
            }
        }
    }
}
