//! Leaving: RFC 5213 section 5.3.5, signalling rules section 2, expiry.

use pmip_wire::types::{Instant, PathId};
use smallvec::SmallVec;

use crate::event::{DropReason, Event, Forwarding, SessionEvent, SessionId};

use super::allocation::Holdings;
use super::allocator::Remembered;
use super::cache::{PathBinding, Session};
use super::judge::Request;
use super::{Lma, TimerKind};

/// What a de-registration is about.
enum Scope {
    Path(u8),
    Session,
    /// Already de-registered: the acknowledgement was lost.
    Again,
    /// One address family of a dual-stack session (RFC 5844 section 3.1.2.6).
    Family,
    Nothing,
}

impl Lma {
    pub(super) fn deregister(&mut self, request: &Request, id: SessionId) {
        match self.scope(request, id) {
            Scope::Nothing => {
                let reason = DropReason::NotTheRegisteredCareOf;
                return self.drop_datagram(reason, &request.datagram);
            }
            Scope::Again => {}
            Scope::Path(binding_id) => {
                self.mark(request, id);
                self.leave_path(id, binding_id, "de-registered");
            }
            Scope::Session => {
                self.mark(request, id);
                self.start_delete(id, "de-registered");
            }
            Scope::Family => {
                self.mark(request, id);
                self.leave_family(request, id);
            }
        }
        self.accept(request, id);
        self.release_waiting(id);
    }

    fn scope(&self, request: &Request, id: SessionId) -> Scope {
        let Some(session) = self.cache.get(id) else {
            return Scope::Nothing;
        };
        if session.is_deleting() {
            let same = session.peer == request.peer && session.last_care_of == request.care_of;
            return if same { Scope::Again } else { Scope::Nothing };
        }
        match request.multipath {
            Some(multipath) if session.multipath && session.peer == request.peer => {
                let sender = self.is_sent_from_path(session, request);
                match (sender, multipath.bulk) {
                    (false, _) => Scope::Nothing,
                    // Signalling rules section 4; a path is left with both families named.
                    (true, _) if names_one_family(session, request) => Scope::Family,
                    (true, true) => Scope::Session,
                    (true, false) => self.path_scope(session, request, multipath.binding_id),
                }
            }
            // RFC 5213 section 5.3.5 item 1.
            Some(_) | None if self.is_care_of(session, request) => {
                if names_one_family(session, request) {
                    Scope::Family
                } else {
                    Scope::Session
                }
            }
            Some(_) | None => Scope::Nothing,
        }
    }

    fn path_scope(&self, session: &Session, request: &Request, binding_id: u8) -> Scope {
        let Some(binding) = session.path(binding_id) else {
            return Scope::Nothing;
        };
        let registered = self.paths.get(binding.path).map(|path| path.key.care_of);
        let named = request.update.alternate_care_of;
        if named.is_some() && named != registered {
            return Scope::Nothing;
        }
        if session.paths.len() == 1 {
            Scope::Session
        } else {
            Scope::Path(binding_id)
        }
    }

    /// The sender is a registered care-of address of the session (signalling rules section 2).
    fn is_sent_from_path(&self, session: &Session, request: &Request) -> bool {
        let source = request.observed().ip();
        self.paths_of(session)
            .any(|path| path.observed.ip() == source)
    }

    fn is_care_of(&self, session: &Session, request: &Request) -> bool {
        self.paths_of(session)
            .any(|path| path.key.care_of == request.care_of)
    }

    fn paths_of<'a>(
        &'a self,
        session: &'a Session,
    ) -> impl Iterator<Item = &'a super::paths::Path> + 'a {
        let bindings = session.paths.iter();
        bindings.filter_map(|binding| self.paths.get(binding.path))
    }

    fn mark(&mut self, request: &Request, id: SessionId) {
        if let Some(session) = self.cache.get_mut(id) {
            session.set_mark(request.binding_id(), request.mark());
        }
    }

    /// Takes one path off a session that has others.
    pub(super) fn leave_path(&mut self, id: SessionId, binding_id: u8, _reason: &'static str) {
        let Some(session) = self.cache.get_mut(id) else {
            return;
        };
        let left = session.path(binding_id).map(|binding| binding.path);
        let keep = |binding: &mut PathBinding| binding.binding_id != binding_id;
        session.paths.retain(keep);
        let route = session.route(id);
        self.forget_gre(id, binding_id);
        self.arm_expiry(id);
        self.emit_forwarding(Forwarding::InstallSession(route));
        if let Some(path) = left {
            self.release_path(path);
        }
    }

    /// Forwarding stops; the prefixes are held for MinDelayBeforeBCEDelete, within which any
    /// accepted PBU revives the session.
    pub(super) fn start_delete(&mut self, id: SessionId, reason: &'static str) {
        let until = self.now + self.config.delete_wait;
        self.start_delete_until(id, until, reason);
    }

    pub(super) fn start_delete_until(
        &mut self,
        id: SessionId,
        until: Instant,
        reason: &'static str,
    ) {
        let Some(session) = self.cache.get_mut(id) else {
            return;
        };
        session.set_deleted_at(Some(until));
        self.stop_forwarding(id, reason);
        if let Some(session) = self.cache.get_mut(id) {
            self.timers
                .set(&mut session.timer, TimerKind::Delete(id), until);
        }
    }

    /// A path binding was not refreshed in time.
    pub(super) fn expire(&mut self, id: SessionId) {
        let Some(session) = self.cache.get(id) else {
            return;
        };
        let ends = |binding: &&PathBinding| (binding.expires, binding.binding_id);
        let Some(&first) = session.paths.iter().min_by_key(ends) else {
            return;
        };
        self.stats.expired = self.stats.expired.saturating_add(1);
        let tenant = session.peer.tenant;
        let alone = session.paths.len() == 1;
        if let Some(stats) = self.count_for(tenant) {
            stats.expired = stats.expired.saturating_add(1);
        }
        if alone {
            self.end_session(id, "expired");
        } else {
            self.leave_path(id, first.binding_id, "expired");
        }
    }

    /// Removes the session for good.
    pub(super) fn end_session(&mut self, id: SessionId, reason: &'static str) {
        self.stop_forwarding(id, reason);
        let Some(session) = self.cache.remove(id) else {
            return;
        };
        self.timers.cancel(session.timer, TimerKind::Delete(id));
        for prefix in session.prefixes() {
            self.allocator.release(session.vrf(), prefix);
        }
        self.release_gre(&session);
        let until = self.now + self.config.prefix_memory;
        let remembered = Remembered {
            home_prefixes: session.home_prefixes().into(),
            ipv4_home: session.ipv4_home.map(|home| home.address),
            delegated: session.delegated().into(),
        };
        self.allocator
            .remember(session.peer.tenant, session.mn(), until, remembered);
        self.release_waiting(id);
    }

    /// Takes a session's routes and paths away, if it still has them.
    fn stop_forwarding(&mut self, id: SessionId, reason: &'static str) {
        let Some(session) = self.cache.get_mut(id) else {
            return;
        };
        let bindings: SmallVec<[PathBinding; 2]> = std::mem::take(&mut session.paths);
        if bindings.is_empty() {
            return;
        }
        let mn_id = session.mn_name();
        self.timers.cancel(session.timer, TimerKind::Expiry(id));
        self.emit_forwarding(Forwarding::RemoveSession(id));
        let paths: SmallVec<[PathId; 2]> = bindings.iter().map(|binding| binding.path).collect();
        for path in paths {
            self.release_path(path);
        }
        self.emit(Event::Session(SessionEvent::Down {
            session: id,
            mn_id,
            reason,
        }));
    }

    /// RFC 5844 section 3.1.2.6: the family that is not named stays.
    fn leave_family(&mut self, request: &Request, id: SessionId) {
        let Some(session) = self.cache.get(id) else {
            return;
        };
        let held = Holdings::of(session);
        let names_ipv4 = !request.update.home_requests.is_empty();
        let mut kept = held.clone();
        if names_ipv4 {
            kept.ipv4_home = None;
        } else {
            kept.home_prefixes.clear();
        }
        for prefix in held.prefixes().filter(|prefix| !kept.holds(*prefix)) {
            self.allocator.release(request.peer.tenant.traffic, prefix);
        }
        self.cache.set_holdings(id, &kept);
        if let Some(session) = self.cache.get(id) {
            let route = session.route(id);
            self.emit_forwarding(Forwarding::InstallSession(route));
        }
        self.emit_session_up(id);
    }
}

fn names_one_family(session: &Session, request: &Request) -> bool {
    let dual = !session.home_prefixes().is_empty() && session.ipv4_home.is_some();
    let names_ipv6 = !request.update.common.home_prefixes.is_empty();
    let names_ipv4 = !request.update.home_requests.is_empty();
    dual && names_ipv4 != names_ipv6
}
