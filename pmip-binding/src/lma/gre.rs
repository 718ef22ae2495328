//! GRE and its keys: RFC 5845 section 5.

use pmip_wire::GreKey;
use pmip_wire::types::Encapsulation;
use smallvec::SmallVec;

use crate::event::{GreKeys, SessionId};
use crate::gre::is_gre;
use crate::io::Carrier;
use crate::message::{Acknowledgement, status};

use super::Lma;
use super::cache::Session;
use super::judge::{Objection, Request};

/// GRE on one path of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct GreBinding {
    /// 0 without multipath.
    pub(super) binding_id: u8,
    /// Whether the last PBU agreed on GRE.
    pub(super) agreed: bool,
    /// Ours: the same for as long as the session has this path, also over a handoff (RFC 5845
    /// section 3.3.2).
    pub(super) uplink: Option<u32>,
    /// What the gateway gave.
    pub(super) downlink: Option<u32>,
}

/// What becomes of a PBU's wish for GRE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    NotAsked,
    /// Status 2.
    NotRequired,
    Agreed {
        downlink: Option<u32>,
        tlv_header: bool,
    },
}

impl Lma {
    /// RFC 5845 section 5.2: what the policy says to a PBU that does not ask for GRE, or asks for
    /// it in a way that can't work. A de-registration need not ask.
    pub(super) fn check_gre(&self, request: &Request) -> Result<(), Objection> {
        let required = self.config.gre_required && is_gre(self.configured_encapsulation(request));
        if !required || request.update.common.lifetime == 0 {
            return Ok(());
        }
        match self.gre_verdict(request) {
            Verdict::NotAsked => Err(Objection::Refuse(status::GRE_REQUIRED)),
            Verdict::NotRequired => Err(Objection::Refuse(status::ADMINISTRATIVELY_PROHIBITED)),
            Verdict::Agreed { .. } => Ok(()),
        }
    }

    /// The encapsulation that the request's wish for GRE leads to; `None` = one without GRE.
    pub(super) fn gre_encapsulation(&self, request: &Request) -> Option<Encapsulation> {
        let over_ipv6 = request.datagram.carrier == Carrier::Ipv6;
        match self.gre_verdict(request) {
            Verdict::Agreed { .. } if over_ipv6 => Some(Encapsulation::GreIpv6),
            Verdict::Agreed { tlv_header, .. } if tlv_header => Some(Encapsulation::Ipv4UdpTlv),
            Verdict::Agreed { .. } => Some(Encapsulation::GreIpv4),
            Verdict::NotAsked | Verdict::NotRequired => None,
        }
    }

    /// GRE alone passes no NAT. Behind one the TLV header carries it in UDP, if the gateway
    /// offers that, for only then may we set the T flag (RFC 5845 sections 7.2 and 7.3.1).
    fn gre_verdict(&self, request: &Request) -> Verdict {
        let common = &request.update.common;
        let Some(GreKey { key: downlink }) = common.gre else {
            return Verdict::NotAsked;
        };
        let configured = self.configured_encapsulation(request);
        let in_udp = request.nat || configured == Encapsulation::Ipv4UdpTlv;
        let tlv_header = common.tlv_header && in_udp && request.datagram.carrier == Carrier::Udp;
        if !is_gre(configured) || (request.nat && !tlv_header) {
            return Verdict::NotRequired;
        }
        Verdict::Agreed {
            downlink,
            tlv_header,
        }
    }

    /// Takes over what the accepted PBU agrees on about its path, and gives back the keys of
    /// paths that the session left. True when the forwarding plane must be told.
    pub(super) fn adopt_gre(&mut self, request: &Request, id: SessionId, continued: bool) -> bool {
        let verdict = self.gre_verdict(request);
        let Some(session) = self.cache.get(id) else {
            return false;
        };
        let held = session.extras.as_ref().map(|extras| &extras.gre);
        let held: SmallVec<[GreBinding; 2]> = held.cloned().unwrap_or_default();
        if held.is_empty() && !matches!(verdict, Verdict::Agreed { .. }) {
            return false;
        }
        let binding_id = request.binding_id();
        let of_path = |binding: &&GreBinding| binding.binding_id == binding_id;
        let own = held.iter().find(of_path).copied();
        // After a handoff the session is the same, and so is its key.
        let own = own.or_else(|| held.first().copied().filter(|_| !continued));
        let stays = |other: &GreBinding| {
            let here = session.path(other.binding_id).is_some();
            here && other.binding_id != binding_id
        };
        let mut kept: SmallVec<[GreBinding; 2]> =
            held.iter().copied().filter(|other| stays(other)).collect();
        let before = session.keys(binding_id);
        kept.extend(self.next_gre(request, verdict, own));
        for key in held.iter().filter_map(|binding| binding.uplink) {
            if !kept.iter().any(|binding| binding.uplink == Some(key)) {
                self.keys.release(key);
            }
        }
        let Some(session) = self.cache.get_mut(id) else {
            return false;
        };
        session.extras_mut().gre = kept;
        before != session.keys(binding_id)
    }

    fn next_gre(
        &mut self,
        request: &Request,
        verdict: Verdict,
        own: Option<GreBinding>,
    ) -> Option<GreBinding> {
        let binding_id = request.binding_id();
        let held = own.and_then(|own| own.uplink);
        let Verdict::Agreed { downlink, .. } = verdict else {
            // The key waits for the gateway to ask again.
            return held.map(|key| GreBinding {
                binding_id,
                agreed: false,
                uplink: Some(key),
                downlink: None,
            });
        };
        let uplink = match downlink {
            Some(_) => Some(self.uplink_key(request, held)),
            None => held,
        };
        Some(GreBinding {
            binding_id,
            agreed: true,
            uplink,
            downlink,
        })
    }

    fn uplink_key(&mut self, request: &Request, held: Option<u32>) -> u32 {
        let tenant = request.peer.tenant;
        let profile = self.directory.profile(&self.tenants, tenant, &request.mn);
        let fixed = self.tenants.gre_key(tenant, profile);
        fixed
            .or(held)
            .unwrap_or_else(|| self.keys.draw(&mut self.random))
    }

    /// Option 33, the T flag and statuses 2 and 3 of an acceptance (RFC 5845 sections 5.2 and 7.4).
    pub(super) fn answer_gre(&self, request: &Request, id: SessionId, reply: &mut Acknowledgement) {
        let common = &request.update.common;
        match self.gre_verdict(request) {
            Verdict::NotAsked => {}
            Verdict::NotRequired => reply.status = status::GRE_NOT_REQUIRED,
            Verdict::Agreed {
                downlink,
                tlv_header,
            } => {
                let session = self.cache.get(id);
                let binding = session.and_then(|session| session.gre(request.binding_id()));
                let uplink = binding.and_then(|binding| binding.uplink);
                reply.common.gre = Some(GreKey {
                    key: downlink.and(uplink),
                });
                if common.tlv_header && !tlv_header {
                    reply.status = status::GRE_WITHOUT_TLV_HEADER;
                }
            }
        }
        reply.common.tlv_header = self.encapsulation_of(request) == Encapsulation::Ipv4UdpTlv;
    }

    /// A path left a session that has others.
    pub(super) fn forget_gre(&mut self, id: SessionId, binding_id: u8) {
        let Some(extras) = self.cache.get_mut(id).and_then(|s| s.extras.as_mut()) else {
            return;
        };
        let of_path = |binding: &GreBinding| binding.binding_id == binding_id;
        let position = extras.gre.iter().position(of_path);
        let left = position.map(|position| extras.gre.swap_remove(position));
        if let Some(key) = left.and_then(|left| left.uplink) {
            self.keys.release(key);
        }
    }

    /// The session ended.
    pub(super) fn release_gre(&mut self, session: &Session) {
        for key in session.gre_bindings().filter_map(|binding| binding.uplink) {
            self.keys.release(key);
        }
    }
}

impl Session {
    /// GRE on the path of a Binding ID.
    pub(super) fn gre(&self, binding_id: u8) -> Option<&GreBinding> {
        self.gre_bindings()
            .find(|binding| binding.binding_id == binding_id)
    }

    pub(super) fn gre_bindings(&self) -> impl Iterator<Item = &GreBinding> {
        let extras = self.extras.iter();
        extras.flat_map(|extras| &extras.gre)
    }

    /// The keys of the packets on the path of a Binding ID, where they have keys.
    pub(super) fn keys(&self, binding_id: u8) -> Option<GreKeys> {
        let binding = self.gre(binding_id).filter(|binding| binding.agreed)?;
        Some(GreKeys {
            uplink: binding.uplink?,
            downlink: binding.downlink?,
        })
    }
}
