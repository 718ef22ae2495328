//! Mobile nodes come and go.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use smallvec::SmallVec;

use crate::config::{LogicalMobileNode, Service};
use crate::event::{Event, Forwarding, NotServed, SessionEvent, SessionId};
use crate::input::MobileNode;
use crate::message::{Identifier, handoff};

use super::access_network::AccessNetwork;
use super::advertise::Advertised;
use super::list::{Entry, Life, Mode};
use super::{Mag, TimerKind};

/// Access technology "virtual": a logical mobile node has no access link (RFC 5213 section 8.5).
const VIRTUAL: u8 = 1;

/// Zeros are no identifier: the option stays away then (RFC 5213 section 6.9.1.1).
fn unless_zero(link_layer: Option<Bytes>) -> Option<Bytes> {
    link_layer.filter(|octets| octets.iter().any(|octet| *octet != 0))
}

impl Mag {
    /// Logical mobile nodes are always on: they register as soon as an interface is up.
    pub(super) fn attach_logical_nodes(&mut self) {
        let config = Arc::clone(&self.config);
        for node in &config.logical_mobile_nodes {
            let entry = self.logical_entry(node);
            self.insert(entry);
        }
    }

    fn logical_entry(&mut self, node: &LogicalMobileNode) -> Entry {
        let mut entry = self.new_entry(&node.nai, node.lma.as_deref(), node.service);
        entry.logical = true;
        entry.access_technology = VIRTUAL;
        entry.first_handoff = handoff::NEW_INTERFACE;
        self.configure_node(&mut entry, node);
        entry
    }

    /// What of a logical mobile node's entry follows from its configuration.
    fn configure_node(&self, entry: &mut Entry, node: &LogicalMobileNode) {
        let networks = node.mobile_networks.iter();
        entry.lma = self.place_of(node.lma.as_deref());
        entry.link_layer = unless_zero(Some(Bytes::copy_from_slice(&node.link_layer_identifier)));
        entry.wanted = networks.flat_map(|n| n.prefixes.clone()).collect();
        entry.service = node.service;
        entry.configured_service = node.service;
        entry.service_selection.clone_from(&node.service_selection);
        entry.local_routing = node.local_routing;
    }

    /// Goes from the logical mobile nodes of `before` to those of the configuration in force. One
    /// that is different now is de-registered first, as the anchor knows it.
    pub(super) fn follow_nodes(&mut self, before: &[LogicalMobileNode]) {
        let config = Arc::clone(&self.config);
        let nodes = &config.logical_mobile_nodes;
        for old in before {
            let new = nodes.iter().find(|node| node.nai == old.nai);
            let id = self.by_mn.get(&Identifier::nai(&old.nai)).copied();
            if let (true, Some(id)) = (new != Some(old), id) {
                self.close(id, new.is_some());
            }
        }
        for node in nodes {
            match self.by_mn.get(&Identifier::nai(&node.nai)).copied() {
                Some(id) => self.come_again(id),
                None => {
                    let entry = self.logical_entry(node);
                    self.insert(entry);
                }
            }
        }
    }

    /// One that was taken away is configured again before its de-registration is over.
    fn come_again(&mut self, id: SessionId) {
        if let Some(entry) = self.entry_mut(id)
            && let Life::Closing { again } = &mut entry.life
        {
            *again = true;
        }
    }

    pub(super) fn attach(&mut self, node: &MobileNode) {
        let mn = Identifier::nai(&node.nai);
        let known = self.by_mn.get(&mn).copied();
        let full = self.list.len() >= self.config.maximum_bindings as usize;
        if node.nai.is_empty() {
            return;
        }
        let reason = match known {
            _ if !node.mobility_service => Some(NotServed::NoMobilityService),
            _ if self.shutting_down => Some(NotServed::ShuttingDown),
            None if full => Some(NotServed::Full),
            Some(_) | None => None,
        };
        if let Some(reason) = reason {
            return self.leave_unserved(&node.nai, reason);
        }
        if let Some(id) = known {
            if node.access_network.is_some() {
                self.on_access_network(&node.nai, node.access_network.as_ref());
            }
            self.set_local_routing(id, node.local_routing);
            self.set_service(id, node.service);
            return self.attach_again(id);
        }
        let mut entry = self.new_entry(&node.nai, node.lma.as_deref(), node.service);
        entry.access_technology = node.access_technology;
        entry.link_layer = unless_zero(node.link_layer_identifier.clone());
        entry.first_handoff = node.handoff_indicator;
        entry.service_selection.clone_from(&node.service_selection);
        entry.local_routing = node.local_routing;
        if node.access_network.is_some() {
            entry.access_network = AccessNetwork::new(node.access_network.clone());
        }
        let id = self.insert(entry);
        self.drive(id);
    }

    /// RFC 5213 section 6.5: what the policy profile does not offer is not signalled, and ends
    /// where it was offered before.
    fn leave_unserved(&mut self, nai: &str, reason: NotServed) {
        self.emit(Event::Session(SessionEvent::NotServed {
            mn_id: nai.to_owned(),
            reason,
        }));
        if reason == NotServed::NoMobilityService {
            self.detach(nai);
        }
    }

    /// A mobile node that attaches again may have another policy.
    fn set_local_routing(&mut self, id: SessionId, wanted: Option<bool>) {
        if let Some(entry) = self.entry_mut(id).filter(|entry| !entry.logical) {
            entry.local_routing = wanted;
        }
        self.sync_session(id);
    }

    /// An administrative action: what was halted is tried again.
    fn attach_again(&mut self, id: SessionId) {
        if let Some(entry) = self.entry_mut(id) {
            entry.service = entry.configured_service;
            entry.life = match entry.life {
                Life::Closing { .. } => Life::Closing { again: true },
                Life::Wanted | Life::Halted | Life::Revoked | Life::WrongClock { .. } => {
                    Life::Wanted
                }
            };
        }
        self.drive(id);
    }

    pub(super) fn detach(&mut self, nai: &str) {
        let found = self.by_mn.get(&Identifier::nai(nai)).copied();
        let Some(id) = found else {
            return;
        };
        // A logical mobile node can't leave: it is this router.
        if self.entry(id).is_some_and(|entry| !entry.logical) {
            self.close(id, false);
        }
    }

    /// Removes an entry whose de-registration is done or given up.
    pub(super) fn remove(&mut self, id: SessionId, reason: &'static str) {
        self.cancel_all(id);
        self.withdraw_advertisement(id);
        let Some(entry) = self.list.remove(id.0) else {
            return;
        };
        self.by_mn.remove(&entry.mn);
        self.gre.forget(id);
        let bound: Vec<u8> = entry.granted().collect();
        if entry.announced {
            self.emit(Event::Forwarding(Forwarding::RemoveSession(id)));
            self.emit(Event::Session(SessionEvent::Down {
                session: id,
                mn_id: entry.nai.clone(),
                reason,
            }));
        }
        for binding_id in bound {
            self.sync_path(super::list::path_id(entry.lma, binding_id), reason);
        }
        self.stop_idle_heartbeats();
        if entry.life == (Life::Closing { again: true }) && !self.shutting_down {
            let mut again = Entry {
                mode: self.first_mode(),
                registrations: BTreeMap::new(),
                valid_until: None,
                announced: false,
                installed: None,
                life: Life::Wanted,
                service: entry.configured_service,
                releasing: None,
                home_prefixes: SmallVec::new(),
                ipv4_home: None,
                delegated: SmallVec::new(),
                ..entry
            };
            let config = Arc::clone(&self.config);
            let mut nodes = config.logical_mobile_nodes.iter();
            if let Some(node) = nodes.find(|node| again.logical && node.nai == again.nai) {
                self.configure_node(&mut again, node);
            }
            let again = self.insert(again);
            self.drive(again);
        }
    }

    fn insert(&mut self, entry: Entry) -> SessionId {
        let mn = entry.mn.clone();
        let id = SessionId(self.list.insert(entry));
        self.by_mn.insert(mn, id);
        id
    }

    /// The place of an anchor in the configuration; the first one unless named.
    fn place_of(&self, lma: Option<&str>) -> usize {
        let mut lmas = self.config.lmas.iter();
        let named = lma.and_then(|name| lmas.position(|lma| lma.identity == name));
        named.unwrap_or(0)
    }

    fn new_entry(&mut self, nai: &str, lma: Option<&str>, service: Service) -> Entry {
        Entry {
            mn: Identifier::nai(nai),
            nai: nai.to_owned(),
            lma: self.place_of(lma),
            logical: false,
            access_technology: 0,
            link_layer: None,
            service,
            configured_service: service,
            releasing: None,
            service_selection: None,
            access_network: AccessNetwork::new(self.config.access_network.clone()),
            advertised: Advertised::default(),
            local_routing: None,
            first_handoff: handoff::UNKNOWN,
            wanted: Vec::new(),
            home_prefixes: SmallVec::new(),
            ipv4_home: None,
            delegated: SmallVec::new(),
            mode: self.first_mode(),
            wish: 0,
            sequence: self.random.next_u16(),
            registrations: BTreeMap::new(),
            paces: BTreeMap::new(),
            valid_until: None,
            announced: false,
            installed: None,
            last_care_of: None,
            last_interface: None,
            accepted_once: false,
            times: None,
            redirect_failed: false,
            life: Life::Wanted,
        }
    }

    pub(super) fn first_mode(&self) -> Mode {
        if self.config.multipath {
            Mode::Discovering
        } else {
            Mode::Single
        }
    }

    pub(super) fn cancel_all(&mut self, id: SessionId) {
        let ids: Vec<u8> = match self.entry(id) {
            Some(entry) => entry.registrations.keys().copied().collect(),
            None => return,
        };
        self.timers.cancel(TimerKind::AccessNetwork(id));
        self.timers.cancel(TimerKind::Revoked(id));
        for binding_id in ids {
            self.timers.cancel(TimerKind::Retransmit(id, binding_id));
            self.timers.cancel(TimerKind::Refresh(id, binding_id));
            self.timers.cancel(TimerKind::Expiry(id, binding_id));
            self.timers.cancel(TimerKind::Again(id, binding_id));
        }
    }
}
