//! The binding update list: what the gateway has registered, asked for, and lost (RFC 5213
//! section 6.1).

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use bytes::Bytes;
use pmip_wire::types::{Instant, IpPrefix, PathId};
use smallvec::SmallVec;

use crate::config::{PrefixRequest, Service};
use crate::event::{PathRoute, SessionId, SessionRoute};
use crate::message::Identifier;

use super::access_network::AccessNetwork;
use super::advertise::Advertised;
use super::orders::Times;
use super::pace::Pace;

/// One mobile node registered with one anchor.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) mn: Identifier,
    pub(super) nai: String,
    /// Position of the anchor in the configuration.
    pub(super) lma: usize,
    pub(super) logical: bool,
    /// The mobile node's own access technology (option 24), equal on all paths.
    pub(super) access_technology: u8,
    pub(super) link_layer: Option<Bytes>,
    /// Address families asked for; `configured_service` less what the anchor refused.
    pub(super) service: Service,
    pub(super) configured_service: Service,
    /// The family that is held and to be given up alone.
    pub(super) releasing: Option<Service>,
    /// RFC 5149.
    pub(super) service_selection: Option<String>,
    pub(super) access_network: AccessNetwork,
    pub(super) advertised: Advertised,
    /// Whether its packets to our other mobile nodes may go directly; `None` = as configured.
    pub(super) local_routing: Option<bool>,
    /// Handoff Indicator of the first PBU.
    pub(super) first_handoff: u8,
    /// Mobile network prefixes asked for, in the order of the configured interfaces.
    pub(super) wanted: Vec<PrefixRequest>,
    pub(super) home_prefixes: SmallVec<[IpPrefix; 1]>,
    pub(super) ipv4_home: Option<Home>,
    pub(super) delegated: SmallVec<[IpPrefix; 2]>,
    pub(super) mode: Mode,
    /// Goes up whenever an answer changes what is asked for.
    pub(super) wish: u32,
    pub(super) sequence: u16,
    /// By Binding ID.
    pub(super) registrations: BTreeMap<u8, Registration>,
    /// How often each path was registered lately, by Binding ID.
    pub(super) paces: BTreeMap<u8, Pace>,
    /// The anchor holds the session until then, as far as we know.
    pub(super) valid_until: Option<Instant>,
    /// The driver knows the session as up.
    pub(super) announced: bool,
    /// What the forwarding plane was told last.
    pub(super) installed: Option<SessionRoute>,
    /// The care-of address that registered last.
    pub(super) last_care_of: Option<IpAddr>,
    /// The Binding ID of the interface that registered last.
    pub(super) last_interface: Option<u8>,
    /// Some PBU of this entry was accepted since the start.
    pub(super) accepted_once: bool,
    /// Times that the anchor sets (RFC 8127).
    pub(super) times: Option<Times>,
    /// An anchor sent it where this gateway does not go: it does not offer that again.
    pub(super) redirect_failed: bool,
    pub(super) life: Life,
}

/// How much is known about the anchor's multipath support.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// The first path asks (RFC 8278 section 4.4).
    Discovering,
    /// Every roaming interface registers.
    Multipath,
    /// The best roaming interface registers.
    Single,
}

/// What is to become of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    /// Registered and refreshed.
    Wanted,
    /// Nothing is sent until an administrative action: the anchor's answers contradict the
    /// requests, or it serves nobody of this name (RFC 5213 section 6.9.1.2 items 6 and 7).
    Halted,
    /// The anchor's clock and ours disagree: waits until either is set (item 9). Its time was this
    /// much wall-clock time at that moment.
    WrongClock { theirs: Duration, at: Instant },
    /// Revoked by the anchor: registers anew once its wait is over.
    Revoked,
    /// Being de-registered; comes again afterwards if so asked.
    Closing { again: bool },
}

/// An IPv4 home address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Home {
    pub(super) address: Ipv4Addr,
    pub(super) prefix_length: u8,
    pub(super) router: Ipv4Addr,
}

/// One path of one mobile node.
#[derive(Clone, Debug, Default)]
pub(super) struct Registration {
    pub(super) granted: Option<Grant>,
    pub(super) request: Option<Request>,
    /// Refused: asked again at this moment.
    pub(super) again_at: Option<Instant>,
    /// The anchor holds this path although its interface is gone: to be de-registered.
    pub(super) to_leave: bool,
}

/// What the anchor granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Grant {
    pub(super) lifetime: Duration,
    pub(super) expires: Instant,
    /// The anchor may have forgotten it: register anew.
    pub(super) stale: bool,
}

/// A PBU that awaits its answer.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) purpose: Purpose,
    /// The Binding ID whose interface carries it.
    pub(super) over: u8,
    pub(super) handoff: u8,
    /// The entry's wish when it began.
    pub(super) wish: u32,
    /// It offers to be redirected (RFC 6463 section 5.2).
    pub(super) redirectable: bool,
    /// The transmissions that an answer may name, the newest last.
    pub(super) sent: SmallVec<[(u16, Option<u64>); 4]>,
    pub(super) interval: Duration,
    /// Retransmissions so far.
    pub(super) tries: u32,
    /// Some transmission replaces the other paths at the anchor.
    pub(super) overwrote: bool,
    /// Another path's overwriting request ended meanwhile: what this one achieves may be undone,
    /// so it must be repeated.
    pub(super) doubtful: bool,
}

/// Why a PBU is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Register or refresh a path.
    Register,
    /// De-register one path over a living one (signalling rules section 2).
    Leave,
    /// De-register one address family alone (RFC 5844 section 3.2.3.3).
    Release,
    /// De-register the mobile node.
    Close,
}

impl Home {
    /// Subnet, address and router, as the events tell them.
    pub(super) fn for_event(self) -> Option<(IpPrefix, Ipv4Addr, Ipv4Addr)> {
        let subnet = IpPrefix::new(IpAddr::V4(self.address), self.prefix_length).ok()?;
        Some((subnet, self.address, self.router))
    }
}

impl Entry {
    pub(super) fn registration(&self, binding_id: u8) -> Option<&Registration> {
        self.registrations.get(&binding_id)
    }

    /// Something of it is registered, or may be soon.
    pub(super) fn needs_heartbeats(&self) -> bool {
        self.granted().next().is_some() || !matches!(self.life, Life::Halted | Life::Revoked)
    }

    pub(super) fn grant(&self, binding_id: u8) -> Option<Grant> {
        self.registrations.get(&binding_id)?.granted
    }

    /// Paths that carry traffic, by Binding ID.
    pub(super) fn granted(&self) -> impl Iterator<Item = u8> + '_ {
        let registrations = self.registrations.iter();
        registrations
            .filter(|(_, registration)| registration.granted.is_some())
            .map(|(&binding_id, _)| binding_id)
    }

    /// Whether a de-registration of one path is under way; there is at most one.
    pub(super) fn is_leaving(&self) -> bool {
        self.has_request_to(Purpose::Leave)
    }

    pub(super) fn has_request_to(&self, purpose: Purpose) -> bool {
        let registrations = self.registrations.values();
        let mut requests = registrations.filter_map(|r| r.request.as_ref());
        requests.any(|request| request.purpose == purpose)
    }

    /// Ends the request about a path. If it could have overwritten, the anchor may have removed
    /// the other paths, and may yet do so: they register again, which the late one can't undo.
    pub(super) fn end_request(&mut self, about: u8) {
        let registration = self.registrations.get_mut(&about);
        let ended = registration.and_then(|registration| registration.request.take());
        if !ended.is_some_and(|request| request.overwrote) {
            return;
        }
        let others = self.registrations.iter_mut();
        for (_, registration) in others.filter(|(other, _)| **other != about) {
            if let Some(grant) = &mut registration.granted {
                grant.stale = true;
            }
            if let Some(request) = &mut registration.request {
                request.doubtful = true;
            }
        }
    }

    /// A path must be registered anew, though the anchor may still hold it.
    pub(super) fn doubt(&mut self, binding_id: u8) {
        let registration = self.registrations.get_mut(&binding_id);
        if let Some(grant) = registration.and_then(|registration| registration.granted.as_mut()) {
            grant.stale = true;
        }
    }

    pub(super) fn prefixes(&self) -> impl Iterator<Item = IpPrefix> + '_ {
        let home = self
            .ipv4_home
            .map(|home| IpPrefix::host(home.address.into()));
        let homes = self.home_prefixes.iter().copied().chain(home);
        homes.chain(self.delegated.iter().copied())
    }

    /// What the forwarding plane needs to know.
    pub(super) fn route(&self, id: SessionId) -> SessionRoute {
        let paths = self.granted().map(|binding_id| PathRoute {
            path: path_id(self.lma, binding_id),
            keys: None,
        });
        SessionRoute {
            session: id,
            prefixes: self.prefixes().collect(),
            vrf: crate::VrfId::DEFAULT,
            local_routing: false,
            paths: paths.collect(),
        }
    }

    /// Delegated prefixes in the order of the configured interfaces.
    pub(super) fn delegated_in_order(&self) -> Vec<IpPrefix> {
        let asserted = |prefix: &IpPrefix| self.wanted.contains(&PrefixRequest::Assert(*prefix));
        let learned = self.delegated.iter().filter(|prefix| !asserted(prefix));
        let mut learned: Vec<IpPrefix> = learned.copied().collect();
        let mut ordered = Vec::new();
        for request in &self.wanted {
            let ipv4 = match request {
                PrefixRequest::Assert(prefix) => {
                    ordered.extend(self.delegated.contains(prefix).then_some(*prefix));
                    continue;
                }
                PrefixRequest::LearnIpv4 => true,
                PrefixRequest::LearnIpv6 => false,
            };
            let next = learned.iter().position(|prefix| prefix.is_ipv4() == ipv4);
            ordered.extend(next.map(|index| learned.remove(index)));
        }
        ordered.extend(learned);
        ordered
    }
}

/// The path of one roaming interface towards one anchor.
pub(super) fn path_id(lma: usize, binding_id: u8) -> PathId {
    let lma = u32::try_from(lma).unwrap_or(u32::MAX);
    PathId(lma.saturating_mul(256).saturating_add(binding_id.into()))
}

/// Position of the anchor and Binding ID of a path.
pub(super) const fn path_parts(path: PathId) -> (usize, u8) {
    ((path.0 / 256) as usize, (path.0 % 256) as u8)
}
