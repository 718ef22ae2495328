//! Accepting PBUs: RFC 5213 sections 5.3.2 to 5.3.4 and signalling rules section 1.

use std::net::Ipv6Addr;
use std::sync::Arc;
use std::time::Duration;

use pmip_wire::types::{Instant, PathId};
use smallvec::SmallVec;

use crate::event::{Forwarding, SessionId};
use crate::message::{handoff, status};

use super::allocation::Holdings;
use super::allocator::Remembered;
use super::cache::{MnKey, PathBinding, Session};
use super::judge::Request;
use super::tenants::Tenant;
use super::{Lma, TimerKind};

impl Lma {
    /// RFC 5213 section 5.3.2.
    pub(super) fn create(&mut self, request: &Request) {
        let tenant = request.peer.tenant;
        if !self.has_room_for(tenant, &request.mn) {
            return self.refuse(request, status::INSUFFICIENT_RESOURCES);
        }
        let remembered = self.allocator.recall(tenant, &request.mn, self.now);
        let granted = match self.allocate(request, &Holdings::default(), &remembered) {
            Ok(granted) => granted,
            Err(shortage) => return self.refuse_shortage(request, shortage),
        };
        self.evict_rival(request);
        let id = self.cache.next_id();
        let common = &request.update.common;
        let link_layer = common.link_layer.as_deref().unwrap_or(&[]);
        let peer = Arc::clone(&request.peer);
        let session = Session::new(&request.mn, link_layer, peer, request.care_of, &granted);
        self.cache.insert(session);
        self.stats.sessions_created = self.stats.sessions_created.saturating_add(1);
        if let Some(stats) = self.count_for(tenant) {
            stats.sessions_created = stats.sessions_created.saturating_add(1);
        }
        self.bind(request, id, true);
    }

    /// Whether the limits allow one more session of this mobile node.
    pub(super) fn has_room_for(&self, tenant: Tenant, mn: &MnKey) -> bool {
        let limits = self.config.limits;
        let bindings = u32::try_from(self.cache.len()).unwrap_or(u32::MAX);
        bindings < limits.bindings
            && self.cache.of_mn(tenant, mn).len() < usize::from(limits.sessions_per_node)
    }

    /// RFC 5213 sections 5.3.3 and 5.3.4.
    pub(super) fn update(&mut self, request: &Request, id: SessionId) {
        let Some(session) = self.cache.get(id) else {
            return;
        };
        let adds = continues(session, request) && session.path(request.binding_id()).is_none();
        let most = usize::from(self.config.limits.paths_per_binding);
        let overwrites = request
            .multipath
            .is_some_and(|multipath| multipath.overwrite);
        if adds && !overwrites && session.paths.len() >= most {
            return self.refuse(request, status::INSUFFICIENT_RESOURCES);
        }
        let held = Holdings::of(session);
        let granted = match self.allocate(request, &held, &Remembered::default()) {
            Ok(granted) => granted,
            Err(shortage) => return self.refuse_shortage(request, shortage),
        };
        self.evict_rival(request);
        let changed = granted != held;
        for prefix in held.prefixes().filter(|prefix| !granted.holds(*prefix)) {
            self.allocator.release(request.peer.tenant.traffic, prefix);
        }
        if changed {
            self.cache.set_holdings(id, &granted);
        }
        self.bind(request, id, changed);
    }

    /// Binds the request's path to the session, tells the forwarding plane, then acknowledges.
    fn bind(&mut self, request: &Request, id: SessionId, addresses_changed: bool) {
        let Some(session) = self.cache.get(id) else {
            return;
        };
        let before = path_ids(session);
        let revived = session.is_deleting();
        let continued = continues(session, request);
        let moved = session.peer != request.peer;
        let known = session.path(request.binding_id()).map(|b| b.path);
        let reused = if continued { known } else { None };
        let notice = self.notice_for(request, id);
        let path = self.path_for(request, known, reused);
        let dropped = self.rebind(request, id, path, continued);
        let keys_changed = self.adopt_gre(request, id, continued);
        self.adopt_service(request, id);
        self.give_link_local(request, id);
        if moved {
            self.stats.handoffs = self.stats.handoffs.saturating_add(1);
            if let Some(stats) = self.count_for(request.peer.tenant) {
                stats.handoffs = stats.handoffs.saturating_add(1);
            }
        }
        self.believe_last_resort(path, id);
        self.sync_path(path, "registered");
        self.report_link(path);
        let Some(session) = self.cache.get(id) else {
            return;
        };
        if revived || addresses_changed || keys_changed || !has_paths(session, &before) {
            let route = session.route(id);
            self.emit_forwarding(Forwarding::InstallSession(route));
        }
        for old in dropped {
            self.note_departure(old, moved);
            self.release_path(old);
        }
        if !before.contains(&path) {
            let vrf = request.peer.tenant.transport;
            self.departures.forget((vrf, request.observed().ip()));
        }
        if revived || addresses_changed {
            self.emit_session_up(id);
        }
        self.adopt_access_network(request, id);
        self.accept(request, id);
        self.give_notice(notice);
    }

    /// RFC 5213 section 5.3.6: a gateway that asks for the link-local address of a session that has
    /// none gets one, which the session keeps.
    fn give_link_local(&mut self, request: &Request, id: SessionId) {
        let asks = request.update.common.link_local == Some(Ipv6Addr::UNSPECIFIED);
        let session = self.cache.get(id);
        let lacks = session.is_some_and(|session| session.link_local.is_none());
        if !(asks && lacks) {
            return;
        }
        let address = match self.config.link_local_address {
            Some(address) => address,
            None => link_local(self.random.next_u64()),
        };
        if let Some(session) = self.cache.get_mut(id) {
            session.link_local = Some(Box::new(address));
        }
    }

    /// Updates the session's entry; gives back the paths that it left.
    fn rebind(
        &mut self,
        request: &Request,
        id: SessionId,
        path: PathId,
        continued: bool,
    ) -> SmallVec<[PathId; 2]> {
        let lifetime = self.granted_lifetime(request);
        let fresh = PathBinding {
            binding_id: request.binding_id(),
            path,
            lifetime,
            expires: self.now + Duration::from_secs(u64::from(lifetime) * 4),
        };
        let flags = request.multipath.map(|m| (m.bulk, m.overwrite));
        let (bulk, overwrite) = flags.unwrap_or((false, false));
        let twin = self.twin_of(request, id);
        let Some(session) = self.cache.get_mut(id) else {
            return SmallVec::new();
        };
        let leaves = |binding: &PathBinding| {
            binding.binding_id != fresh.binding_id
                && (!continued || overwrite || twin == Some(binding.binding_id))
        };
        let mut dropped = SmallVec::new();
        session.paths.retain(|binding| {
            let stays = !leaves(binding);
            if !stays {
                dropped.push(binding.path);
            }
            stays
        });
        let same = |binding: &&mut PathBinding| binding.binding_id == fresh.binding_id;
        let before = match session.paths.iter_mut().find(same) {
            Some(binding) => Some(std::mem::replace(binding, fresh).path),
            None => {
                session.paths.push(fresh);
                None
            }
        };
        if bulk {
            for binding in &mut session.paths {
                binding.lifetime = fresh.lifetime;
                binding.expires = fresh.expires;
            }
        }
        session.adopt(request, self.now);
        if let Some(before) = before.filter(|before| *before != path) {
            dropped.push(before);
        }
        self.timers.cancel(session.timer, TimerKind::Delete(id));
        if before != Some(path)
            && let Some(path) = self.paths.get_mut(path)
        {
            path.sessions = path.sessions.saturating_add(1);
        }
        self.arm_expiry(id);
        dropped
    }

    /// The gateway that a mobile node left is not to be asked for it again.
    fn note_departure(&mut self, path: PathId, moved: bool) {
        if let Some(path) = self.paths.get(path)
            && moved
        {
            let vrf = path.key.peer.tenant.transport;
            self.departures.note(self.now, (vrf, path.observed.ip()));
        }
    }

    /// Another Binding ID of the session at the request's own care-of address and port.
    fn twin_of(&self, request: &Request, id: SessionId) -> Option<u8> {
        let session = self.cache.get(id)?;
        let mut others = session
            .paths
            .iter()
            .filter(|binding| binding.binding_id != request.binding_id());
        others
            .find(|binding| {
                self.paths.get(binding.path).is_some_and(|path| {
                    path.key.care_of == request.care_of && path.observed == request.observed()
                })
            })
            .map(|binding| binding.binding_id)
    }

    /// The session's timer follows its path binding that ends first.
    pub(super) fn arm_expiry(&mut self, id: SessionId) {
        let Some(session) = self.cache.get_mut(id) else {
            return;
        };
        let expiries = session.paths.iter().map(|binding| binding.expires);
        let next = expiries.min().unwrap_or(Instant::MAX);
        self.timers
            .set(&mut session.timer, TimerKind::Expiry(id), next);
    }

    /// At most what is configured, at least one, in units of 4 s.
    fn granted_lifetime(&self, request: &Request) -> u16 {
        let most = self.tenants.lifetime(request.peer.tenant).as_secs() / 4;
        let most = u16::try_from(most).unwrap_or(u16::MAX);
        request.update.common.lifetime.min(most).max(1)
    }
}

impl Session {
    /// Takes over the accepted values of the Binding Cache entry (RFC 5213 section 5.3.3).
    fn adopt(&mut self, request: &Request, now: Instant) {
        let common = &request.update.common;
        // Signalling rules section 1: within a multipath session only HI = 2 changes these.
        let moves = common.handoff == Some(handoff::BETWEEN_INTERFACES);
        if !continues(self, request) || moves {
            self.access_technology = common.access_technology.unwrap_or(0);
            self.set_link_layer(common.link_layer.as_deref().unwrap_or(&[]));
        }
        if let Some(address) = common.link_local
            && !address.is_unspecified()
        {
            self.link_local = Some(Box::new(address));
        }
        self.multipath = request.multipath.is_some();
        self.peer = Arc::clone(&request.peer);
        self.last_care_of = request.care_of;
        self.refreshed = now;
        self.set_deleted_at(None);
        self.set_mark(request.binding_id(), request.mark());
    }
}

/// Whether the request goes on with the session's multipath registration.
fn continues(session: &Session, request: &Request) -> bool {
    request.multipath.is_some() && session.multipath && session.peer == request.peer
}

/// A link-local address with an interface identifier that nobody guesses, and that no station
/// makes of its MAC address (RFC 4291 section 2.5.1: the universal bit is 0).
fn link_local(interface: u64) -> Ipv6Addr {
    const UNIVERSAL: u64 = 1 << 57;
    Ipv6Addr::from_bits((0xfe80 << 112) | u128::from(interface & !UNIVERSAL))
}

fn has_paths(session: &Session, ids: &[PathId]) -> bool {
    session.paths.iter().map(|binding| &binding.path).eq(ids)
}

fn path_ids(session: &Session) -> SmallVec<[PathId; 4]> {
    let mut ids = SmallVec::new();
    for binding in &session.paths {
        ids.push(binding.path);
    }
    ids
}
