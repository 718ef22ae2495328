//! What the commands work on: the model under construction and where they stand in it.

use std::collections::BTreeMap;
use std::ops::Range;

use super::Origins;
use super::modes::Mode;
use crate::config::model::{
    AccessList, BindingTimes, Config, Customer, DhcpPool, Domain, Heartbeat, HybridAccess,
    Interface, Lma, LmaLocalLoop, LogicalMn, Mag, MagLma, MapEntry, NaiProfile, Peer,
    ProfileDefinition, Revocation, Transport, Tunnel,
};
use crate::config::report::Problem;

/// The model under construction.
#[derive(Debug, Default)]
pub(super) struct Context {
    pub(super) config: Config,
    pub(super) origins: Origins,
    pub(super) problems: Vec<Problem>,
    /// The mode that the present command belongs to.
    pub(super) mode: Mode,
    /// TOML path of that mode's object; a command that opens a mode moves it on.
    pub(super) path: String,
    pub(super) at: Cursor,
    /// Where the access lists of each family and the profiles of a domain stand, by name: there may be
    /// very many.
    pub(super) ipv4_access_lists: Places,
    pub(super) ipv6_access_lists: Places,
    pub(super) nais: BTreeMap<usize, Places>,
}

/// Places of the elements of a list by name, made when first needed and again after a removal.
#[derive(Debug, Default)]
pub(super) struct Places(Option<BTreeMap<String, usize>>);

impl Places {
    /// The place of `name` in `list`, where a new element is added if there is none.
    pub(super) fn upsert<T>(
        &mut self,
        list: &mut Vec<T>,
        name: &str,
        name_of: impl Fn(&T) -> String,
        make: impl FnOnce() -> T,
    ) -> usize {
        let places = self.0.get_or_insert_with(|| {
            // The first of two with one name counts, as everywhere.
            let named = list.iter().enumerate().rev();
            named
                .map(|(place, element)| (name_of(element), place))
                .collect()
        });
        if let Some(place) = places.get(name) {
            return *place;
        }
        list.push(make());
        let place = list.len() - 1;
        places.insert(name.to_owned(), place);
        place
    }

    /// Something was removed from the list.
    pub(super) fn forget(&mut self) {
        self.0 = None;
    }
}

/// Which element of each list the open blocks stand for.
#[derive(Debug, Default)]
pub(super) struct Cursor {
    pub(super) domain: usize,
    pub(super) nai: usize,
    pub(super) peer: usize,
    pub(super) map: usize,
    pub(super) entry: usize,
    pub(super) node: Node,
    pub(super) network: usize,
    pub(super) customer: usize,
    pub(super) transport: usize,
    pub(super) anchor: usize,
    pub(super) lmn: usize,
    pub(super) profile: usize,
    /// The last access list.
    pub(super) access_list: Option<usize>,
    pub(super) interface: usize,
    pub(super) dhcp_pool: usize,
}

/// The node whose block is open.
#[derive(Clone, Copy, Debug)]
pub(super) enum Node {
    Lma(usize),
    Mag(usize),
}

impl Default for Node {
    fn default() -> Self {
        Self::Lma(0)
    }
}

impl Context {
    /// Moves into element `index` of the list `key`.
    pub(super) fn enter(&mut self, key: &str, index: usize) {
        let dot = if self.path.is_empty() { "" } else { "." };
        self.path = format!("{}{dot}{key}[{index}]", self.path);
    }

    /// Moves into the table `key`.
    pub(super) fn enter_table(&mut self, key: &str) {
        self.path = format!("{}.{key}", self.path);
    }

    /// Remembers where `key` of the present object was written.
    pub(super) fn mark(&mut self, key: &str, span: Range<usize>) {
        let path = format!("{}.{key}", self.path);
        self.origins.insert(path, span);
    }

    pub(super) fn access_list_path(&self) -> String {
        format!("access-list[{}]", self.at.access_list.unwrap_or_default())
    }

    pub(super) fn domain(&mut self) -> Option<&mut Domain> {
        self.config.domains.get_mut(self.at.domain)
    }

    pub(super) fn nai(&mut self) -> Option<&mut NaiProfile> {
        let index = self.at.nai;
        self.domain()?.nais.get_mut(index)
    }

    pub(super) fn entry(&mut self) -> Option<&mut MapEntry> {
        let (map, entry) = (self.at.map, self.at.entry);
        let map = self.domain()?.mobile_maps.get_mut(map)?;
        map.entries.get_mut(entry)
    }

    pub(super) fn lma(&mut self) -> Option<&mut Lma> {
        match self.at.node {
            Node::Lma(index) => self.config.lmas.get_mut(index),
            Node::Mag(_) => None,
        }
    }

    pub(super) fn mag(&mut self) -> Option<&mut Mag> {
        match self.at.node {
            Node::Mag(index) => self.config.mags.get_mut(index),
            Node::Lma(_) => None,
        }
    }

    /// The list of peers of the present mode.
    pub(super) fn peers(&mut self, mode: Mode) -> Option<&mut Vec<Peer>> {
        if mode == Mode::DomainMag {
            Some(&mut self.domain()?.mags)
        } else if mode == Mode::DomainLma {
            Some(&mut self.domain()?.lmas)
        } else {
            Some(&mut self.lma()?.mag)
        }
    }

    pub(super) fn peer(&mut self) -> Option<&mut Peer> {
        let (mode, index) = (self.mode, self.at.peer);
        self.peers(mode)?.get_mut(index)
    }

    pub(super) fn anchor(&mut self) -> Option<&mut MagLma> {
        let index = self.at.anchor;
        self.mag()?.lma.get_mut(index)
    }

    pub(super) fn lmn(&mut self) -> Option<&mut LogicalMn> {
        let index = self.at.lmn;
        self.mag()?.logical_mn.get_mut(index)
    }

    pub(super) fn local_loop(&mut self) -> Option<&mut LmaLocalLoop> {
        self.lma()?.mobile_local_loop.as_mut()
    }

    pub(super) fn customer(&mut self) -> Option<&mut Customer> {
        let index = self.at.customer;
        self.local_loop()?.customer.get_mut(index)
    }

    pub(super) fn transport(&mut self) -> Option<&mut Transport> {
        let index = self.at.transport;
        self.customer()?.transport.get_mut(index)
    }

    pub(super) fn hybrid(&mut self) -> Option<&mut HybridAccess> {
        match self.at.node {
            Node::Lma(_) => self.lma()?.hybrid_access.as_mut(),
            Node::Mag(_) => self.mag()?.hybrid_access.as_mut(),
        }
    }

    /// The place for the hybrid-access service of the open node.
    pub(super) fn hybrid_slot(&mut self) -> Option<&mut Option<HybridAccess>> {
        match self.at.node {
            Node::Lma(_) => Some(&mut self.lma()?.hybrid_access),
            Node::Mag(_) => Some(&mut self.mag()?.hybrid_access),
        }
    }

    pub(super) fn profile(&mut self) -> Option<&mut ProfileDefinition> {
        let index = self.at.profile;
        self.hybrid()?.profiles.get_mut(index)
    }

    pub(super) fn heartbeats(&mut self) -> Option<&mut Vec<Heartbeat>> {
        match (self.mode, self.at.node) {
            (Mode::Customer, _) => Some(&mut self.customer()?.heartbeat),
            (_, Node::Lma(_)) => Some(&mut self.lma()?.heartbeat),
            (_, Node::Mag(_)) => Some(&mut self.mag()?.heartbeat),
        }
    }

    pub(super) fn times(&mut self) -> Option<&mut BindingTimes> {
        match (self.mode, self.at.node) {
            (Mode::Customer, _) => Some(&mut self.customer()?.bce),
            (_, Node::Lma(_)) => Some(&mut self.lma()?.bce),
            (_, Node::Mag(_)) => Some(&mut self.mag()?.binding),
        }
    }

    pub(super) fn revocation(&mut self) -> Option<&mut Revocation> {
        match self.at.node {
            Node::Lma(_) => Some(&mut self.lma()?.bri),
            Node::Mag(_) => Some(&mut self.mag()?.bri),
        }
    }

    pub(super) fn tunnel(&mut self) -> Option<&mut Tunnel> {
        match self.at.node {
            Node::Lma(_) => Some(&mut self.lma()?.tunnel),
            Node::Mag(_) => Some(&mut self.mag()?.tunnel),
        }
    }

    pub(super) fn access_list(&mut self) -> Option<&mut AccessList> {
        self.config.access_lists.get_mut(self.at.access_list?)
    }

    pub(super) fn interface(&mut self) -> Option<&mut Interface> {
        self.config.interfaces.get_mut(self.at.interface)
    }

    pub(super) fn dhcp_pool(&mut self) -> Option<&mut DhcpPool> {
        self.config.dhcp_pools.get_mut(self.at.dhcp_pool)
    }
}

/// The element that `same` finds, else a new one at the end; gives its place.
pub(super) fn upsert<T>(
    list: &mut Vec<T>,
    same: impl Fn(&T) -> bool,
    make: impl FnOnce() -> T,
) -> usize {
    list.iter().position(same).unwrap_or_else(|| {
        list.push(make());
        list.len() - 1
    })
}
