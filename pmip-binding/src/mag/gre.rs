//! GRE and its keys: RFC 5845 section 4.

use std::collections::BTreeMap;

use pmip_wire::GreKey;
use pmip_wire::types::{Encapsulation, PathId};

use crate::event::{GreKeys, SessionId, SessionRoute};
use crate::gre::{KeyPool, is_gre};
use crate::message::{Acknowledgement, Update, status};

use super::Mag;
use super::list::{Entry, path_id, path_parts};

/// What is agreed with the anchors about GRE.
#[derive(Clone, Debug, Default)]
pub(super) struct GreTable {
    /// Downlink keys.
    keys: KeyPool,
    /// By session and Binding ID.
    bindings: BTreeMap<(SessionId, u8), GreBinding>,
    /// What an anchor said about a session, where that differs from the configuration.
    demands: BTreeMap<SessionId, Demand>,
}

/// GRE on one path of one mobile node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct GreBinding {
    /// The outstanding or last PBU asked for GRE, and whether with a key.
    asked: Option<GreKey>,
    agreed: bool,
    /// Ours: the same for as long as the mobile node is here (RFC 5845 section 3.3.2).
    downlink: Option<u32>,
    /// The anchor's.
    uplink: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Demand {
    /// Status 163.
    Required,
    /// Status 2.
    NotRequired,
}

impl GreTable {
    pub(super) fn new(fixed: impl IntoIterator<Item = u32>) -> Self {
        Self {
            keys: KeyPool::new(fixed),
            ..Self::default()
        }
    }

    /// The mobile node left.
    pub(super) fn forget(&mut self, id: SessionId) {
        self.demands.remove(&id);
        let first = self.bindings.range((id, 0)..=(id, u8::MAX));
        let of_node: Vec<(SessionId, u8)> = first.map(|(key, _)| *key).collect();
        for key in of_node {
            let binding = self.bindings.remove(&key);
            if let Some(downlink) = binding.and_then(|binding| binding.downlink) {
                self.keys.release(downlink);
            }
        }
    }

    /// The keys of the packets on a path of a mobile node, where they have keys.
    pub(super) fn keys(&self, id: SessionId, binding_id: u8) -> Option<GreKeys> {
        let binding = self.bindings.get(&(id, binding_id))?;
        if !binding.agreed || binding.asked?.key.is_none() {
            return None;
        }
        Some(GreKeys {
            uplink: binding.uplink?,
            downlink: binding.downlink?,
        })
    }
}

impl Mag {
    /// Puts option 33 and the T flag into a PBU that registers; a de-registration has neither
    /// (RFC 5845 section 4.2).
    ///
    /// Over IPv4 the T flag always goes along: the anchor alone sees a NAT, which only the TLV
    /// header lets GRE pass. Without one it may answer with status 3.
    pub(super) fn ask_for_gre(&mut self, id: SessionId, about: u8, update: &mut Update) {
        if update.common.lifetime == 0 {
            return;
        }
        let asked = self.wanted_gre(id, about);
        if asked.is_some() || self.gre.bindings.contains_key(&(id, about)) {
            self.gre.bindings.entry((id, about)).or_default().asked = asked;
        }
        update.common.gre = asked;
        update.common.tlv_header = asked.is_some() && update.ipv4_care_of.is_some();
    }

    fn wanted_gre(&mut self, id: SessionId, about: u8) -> Option<GreKey> {
        let entry = self.entry(id)?;
        let peer = self.config.lmas.get(entry.lma)?;
        let configured = is_gre(self.config.encapsulation_with(peer));
        let unknown = self.anchors.get(entry.lma)?.lacks_gre;
        let demand = self.gre.demands.get(&id).copied();
        let asks = match demand {
            Some(Demand::Required) => true,
            Some(Demand::NotRequired) => false,
            None => configured && !unknown,
        };
        let with_key = self.config.generate_gre_keys || demand == Some(Demand::Required);
        let key = (asks && with_key).then(|| self.downlink_key(id, about));
        asks.then_some(GreKey { key })
    }

    fn downlink_key(&mut self, id: SessionId, about: u8) -> u32 {
        let nai = self.entry(id).map(|entry| entry.nai.as_str());
        let mut nodes = self.config.logical_mobile_nodes.iter();
        let node = nodes.find(|node| nai == Some(&node.nai));
        let fixed = node.and_then(|node| node.gre_downlink_key);
        let gre = &mut self.gre;
        let binding = gre.bindings.entry((id, about)).or_default();
        let key = fixed
            .or(binding.downlink)
            .unwrap_or_else(|| gre.keys.draw(&mut self.random));
        binding.downlink = Some(key);
        key
    }

    /// What an acceptance says about GRE (RFC 5845 sections 4.2 and 7.3).
    pub(super) fn take_gre(&mut self, id: SessionId, about: u8, answer: &Acknowledgement) {
        let Some(lma) = self.entry(id).map(|entry| entry.lma) else {
            return;
        };
        let binding = self.gre.bindings.get_mut(&(id, about));
        let mut asked = None;
        // An option that nobody asked for says nothing.
        let granted = binding.and_then(|binding| {
            asked = binding.asked;
            let granted = asked.and(answer.common.gre);
            binding.agreed = granted.is_some();
            binding.uplink = granted.and_then(|granted| granted.key);
            granted
        });
        match (asked, granted) {
            (Some(_), None) if answer.status == status::GRE_NOT_REQUIRED => {
                self.gre.demands.insert(id, Demand::NotRequired);
            }
            (Some(_), None) => {
                self.gre.demands.remove(&id);
                if let Some(anchor) = self.anchors.get_mut(lma) {
                    anchor.lacks_gre = true;
                }
            }
            (Some(_) | None, Some(_)) | (None, None) => {}
        }
        let encapsulation = self.agreed_encapsulation(lma, granted.is_some(), answer);
        if let Some(path) = self.paths.get_mut(&path_id(lma, about)) {
            path.agreed = encapsulation;
        }
    }

    /// Status 163: whether another PBU, with option 33, is of use.
    pub(super) fn require_gre(&mut self, id: SessionId, about: u8) -> bool {
        let binding = self.gre.bindings.get(&(id, about));
        if binding.is_some_and(|binding| binding.asked.is_some_and(|asked| asked.key.is_some())) {
            return false;
        }
        self.gre.demands.insert(id, Demand::Required);
        true
    }

    /// How packets travel once a PBU is accepted; `None` = as configured.
    fn agreed_encapsulation(
        &self,
        lma: usize,
        gre: bool,
        answer: &Acknowledgement,
    ) -> Option<Encapsulation> {
        let configured = self.config.encapsulation_with(self.config.lmas.get(lma)?);
        let in_udp = answer.nat_detection.is_some_and(|(force_udp, _)| force_udp);
        let over_ipv4 = configured.is_ipv4_transport();
        match (gre, over_ipv4) {
            (false, _) if !is_gre(configured) => None,
            (true, false) => Some(Encapsulation::GreIpv6),
            (false, false) => Some(Encapsulation::Ipv6),
            (true | false, true) if answer.common.tlv_header => Some(Encapsulation::Ipv4UdpTlv),
            (true, true) => Some(Encapsulation::GreIpv4),
            (false, true) if in_udp => Some(Encapsulation::Ipv4Udp),
            (false, true) => Some(Encapsulation::Ipv4),
        }
    }

    /// How the packets of a path travel: what was agreed on, until then what is configured.
    pub(super) fn encapsulation_of(&self, id: PathId) -> Encapsulation {
        let agreed = self.paths.get(&id).and_then(|path| path.agreed);
        let peer = self.config.lmas.get(path_parts(id).0);
        let configured = peer.map_or(self.config.encapsulation, |peer| {
            self.config.encapsulation_with(peer)
        });
        agreed.unwrap_or(configured)
    }

    /// What the forwarding plane needs to know about a mobile node.
    pub(super) fn route_of(&self, id: SessionId, entry: &Entry) -> SessionRoute {
        let mut route = entry.route(id);
        route.local_routing = entry.local_routing.unwrap_or(self.config.local_routing);
        if !self.config.ignore_gre_keys {
            for path in &mut route.paths {
                path.keys = self.gre.keys(id, path_parts(path.path).1);
            }
        }
        route
    }
}
