//! The configured peers and profiles by name: there may be one per mobile node.

use std::net::IpAddr;
use std::sync::Arc;

use foldhash::quality::FixedState;
use hashbrown::HashMap;

use crate::config::{LmaConfig, MagPeer, Profile};
use crate::message::NAI;

use super::cache::{MnKey, PeerKey};

/// Finds what [`LmaConfig::profile`] and a search through its peers would find.
#[derive(Clone, Debug)]
pub(super) struct Directory {
    config: Arc<LmaConfig>,
    /// By NAI, or by `@realm`.
    profiles: HashMap<Box<[u8]>, usize, FixedState>,
    default_profile: Option<usize>,
    peers: HashMap<Box<[u8]>, usize, FixedState>,
    /// The first peer with each address.
    addresses: HashMap<IpAddr, usize, FixedState>,
}

impl Directory {
    pub(super) fn new(config: &Arc<LmaConfig>, seed: u64) -> Self {
        let hasher = || FixedState::with_seed(seed);
        let mut directory = Self {
            config: Arc::clone(config),
            profiles: HashMap::with_hasher(hasher()),
            default_profile: None,
            peers: HashMap::with_hasher(hasher()),
            addresses: HashMap::with_hasher(hasher()),
        };
        for (index, profile) in config.profiles.iter().enumerate() {
            let name = profile.nai.as_bytes().into();
            directory.profiles.insert(name, index);
            if Some(&profile.nai) == config.default_profile.as_ref() {
                directory.default_profile = Some(index);
            }
        }
        for (index, peer) in config.peers.iter().enumerate() {
            let name = peer.identity.as_bytes().into();
            directory.peers.insert(name, index);
            for &address in &peer.addresses {
                directory.addresses.entry(address).or_insert(index);
            }
        }
        directory
    }

    /// The profile that holds for a mobile node: its own, its realm's, the default one.
    pub(super) fn profile(&self, mn: &MnKey) -> Option<&Profile> {
        if mn.subtype != NAI || std::str::from_utf8(&mn.octets).is_err() {
            return None;
        }
        let own = self.profiles.get(&*mn.octets);
        let index = own.or_else(|| {
            let at = mn.octets.iter().rposition(|octet| *octet == b'@')?;
            self.profiles.get(mn.octets.get(at..)?)
        });
        let index = index.copied().or(self.default_profile)?;
        self.config.profiles.get(index)
    }

    /// The configured peer of this name.
    pub(super) fn peer(&self, key: &PeerKey) -> Option<&MagPeer> {
        self.peer_in(self.place(key)?)
    }

    /// The place among the configured peers of the one with this name.
    pub(super) fn place(&self, key: &PeerKey) -> Option<usize> {
        let PeerKey::Identifier(identifier) = key else {
            return None;
        };
        self.peers.get(&*identifier.octets).copied()
    }

    /// The configured peer in this place.
    pub(super) fn peer_in(&self, place: usize) -> Option<&MagPeer> {
        self.config.peers.get(place)
    }

    /// The first configured peer that may signal from this address.
    pub(super) fn peer_at(&self, address: IpAddr) -> Option<&MagPeer> {
        let index = self.addresses.get(&address)?;
        self.config.peers.get(*index)
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
        for default in [None, Some("rest".to_owned())] {
            config.default_profile = default;
            let directory = Directory::new(&Arc::new(config.clone()), 1);
            let names = [
                "a@example.com",
                "b@example.com",
                "c@d@example.com",
                "x@",
                "x",
                "@",
            ];
            for name in names {
                let found = directory.profile(&Identifier::nai(name));
                assert_eq!(found, config.profile(name), "{name}");
            }
        }
    }
}
