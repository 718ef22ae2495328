//! What the operator revokes: RFC 5846 section 8.1, signalling rules section 10.

use std::collections::BTreeMap;
use std::sync::Arc;

use pmip_wire::RevocationTrigger;

use crate::event::{Event, Forwarding, RevocationEvent, SessionId};
use crate::input::Revoke;
use crate::lma::allocation::Holdings;
use crate::lma::cache::{PeerKey, Session};
use crate::lma::{Lma, show};
use crate::message::{Identifier, Multipath};
use crate::revocation::{self, Subject};

use super::Purpose;

impl Lma {
    pub(in crate::lma) fn revoke(&mut self, what: &Revoke) {
        let found = match what {
            Revoke::MobileNode { nai, trigger } => self.revoke_mobile_node(nai, *trigger),
            Revoke::Path {
                nai,
                binding_id,
                trigger,
            } => self.revoke_path_of(nai, *binding_id, *trigger),
            Revoke::Ipv4Home { nai, trigger } => self.revoke_ipv4_home(nai, *trigger),
            Revoke::Peer { peer } => {
                let is_meant = |session: &Session| show::name(&session.peer) == *peer;
                self.revoke_peers(is_meant, None)
            }
            Revoke::Realm { realm } => {
                let of_realm = |session: &Session| {
                    revocation::is_of_realm(&session.mn().octets, realm.as_bytes())
                };
                self.revoke_peers(of_realm, Some(realm))
            }
        };
        if !found {
            let name = match what {
                Revoke::MobileNode { nai: name, .. }
                | Revoke::Path { nai: name, .. }
                | Revoke::Ipv4Home { nai: name, .. }
                | Revoke::Peer { peer: name }
                | Revoke::Realm { realm: name } => name.clone(),
            };
            self.emit(Event::Revocation(RevocationEvent::Impossible { name }));
        }
    }

    /// Every binding of every gateway.
    pub(in crate::lma) fn revoke_everything(&mut self) {
        self.revoke_peers(|_| true, None);
    }

    pub(in crate::lma) fn revoke_mobile_node(
        &mut self,
        nai: &str,
        trigger: RevocationTrigger,
    ) -> bool {
        let ids = self.cache.named(&Identifier::nai(nai));
        if revocation::is_global(trigger) {
            return false;
        }
        for &id in &ids {
            self.revoke_session(id, trigger);
        }
        !ids.is_empty()
    }

    fn revoke_session(&mut self, id: SessionId, trigger: RevocationTrigger) {
        self.ask_peer_again(id);
        let Some(session) = self.cache.get(id) else {
            return;
        };
        if session.is_deleting() {
            return self.end_if_idle(id);
        }
        let subject = Subject::of_mn(session.mn(), session.home_prefixes());
        let purpose = Purpose::Sessions(vec![id]);
        let Some(revocation) = self.prepare(session, trigger, subject, purpose) else {
            return;
        };
        self.hold(id, &revocation);
        self.start_revocation(revocation);
    }

    /// De-registered by its gateway, there is nobody to tell; being revoked, it is told already.
    fn end_if_idle(&mut self, id: SessionId) {
        if !self.revocations.about.contains(&(id, None)) {
            self.end_session(id, "cleared by command");
        }
    }

    /// One indication per gateway: for all that it has, or for a realm.
    fn revoke_peers(
        &mut self,
        is_meant: impl Fn(&Session) -> bool,
        realm: Option<&String>,
    ) -> bool {
        let mut by_peer: BTreeMap<Arc<PeerKey>, Vec<SessionId>> = BTreeMap::new();
        for (id, session) in self.cache.iter().filter(|(_, session)| is_meant(session)) {
            let sessions = by_peer.entry(Arc::clone(&session.peer)).or_default();
            sessions.push(id);
        }
        let found = !by_peer.is_empty();
        for (_, sessions) in by_peer {
            self.revoke_of_peer(&sessions, realm);
        }
        found
    }

    fn revoke_of_peer(&mut self, sessions: &[SessionId], realm: Option<&String>) {
        if let Some(id) = sessions.first() {
            self.ask_peer_again(*id);
        }
        let (idle, living): (Vec<SessionId>, Vec<SessionId>) = sessions
            .iter()
            .partition(|id| self.cache.get(**id).is_some_and(Session::is_deleting));
        for id in idle {
            self.end_if_idle(id);
        }
        // Per-Peer Policy names nothing, a realm's indication only the realm (RFC 5846
        // section 8.1).
        let (trigger, subject) = match realm {
            None => (RevocationTrigger::PerPeerPolicy, Subject::default()),
            Some(realm) => {
                let id = Identifier::nai(&format!("@{realm}"));
                let trigger = RevocationTrigger::RevokingMobilityNodeLocalPolicy;
                (trigger, Subject::of_mn(id, &[]))
            }
        };
        let first = living.first().and_then(|id| self.cache.get(*id));
        let purpose = Purpose::Sessions(living.clone());
        let prepared = first.and_then(|first| self.prepare(first, trigger, subject, purpose));
        let Some(revocation) = prepared else {
            return;
        };
        for id in living {
            self.hold(id, &revocation);
        }
        self.start_revocation(revocation);
    }

    fn revoke_path_of(&mut self, nai: &str, binding_id: u8, trigger: RevocationTrigger) -> bool {
        let sessions = self.cache.named(&Identifier::nai(nai));
        let has = |id: &SessionId| {
            let session = self.cache.get(*id);
            session.is_some_and(|session| session.multipath && session.path(binding_id).is_some())
        };
        let found = sessions.into_iter().find(has);
        let Some(id) = found.filter(|_| !revocation::is_global(trigger)) else {
            return false;
        };
        let last = self
            .cache
            .get(id)
            .is_some_and(|session| session.paths.len() == 1);
        if last {
            self.revoke_session(id, trigger);
        } else {
            self.revoke_path(id, binding_id, trigger);
        }
        true
    }

    /// Signalling rules section 10.
    fn revoke_path(&mut self, id: SessionId, binding_id: u8, trigger: RevocationTrigger) {
        let Some(session) = self.cache.get(id) else {
            return;
        };
        let binding = session.path(binding_id);
        let Some(path) = binding.and_then(|binding| self.paths.get(binding.path)) else {
            return;
        };
        let (own, care_of) = (path.observed, path.key.care_of);
        let mut subject = Subject::of_mn(session.mn(), session.home_prefixes());
        subject.binding_ids.push(binding_id.into());
        subject.multipath = Some(Multipath {
            access_technology: path.access_technology,
            label: path.label.if_label(),
            binding_id,
            bulk: false,
            overwrite: false,
        });
        let purpose = Purpose::Path(id, binding_id);
        let Some(mut revocation) = self.prepare(session, trigger, subject, purpose) else {
            return;
        };
        // A living path of its own first; the same message is sent again, so it keeps its way.
        if let Some(at) = revocation.ways.iter().position(|way| way.remote == own)
            && path.is_alive()
        {
            revocation.ways.swap(0, at);
        }
        revocation.ways.truncate(1);
        let elsewhere = revocation.ways.first().is_some_and(|way| way.remote != own);
        revocation.subject.care_of = elsewhere.then_some(care_of);
        self.leave_path(id, binding_id, "revoked");
        self.start_revocation(revocation);
    }

    /// RFC 5846 section 8.1: the IPv4 home address alone, without home network prefix option.
    fn revoke_ipv4_home(&mut self, nai: &str, trigger: RevocationTrigger) -> bool {
        let sessions = self.cache.named(&Identifier::nai(nai));
        let with_home = |id: &SessionId| {
            let session = self.cache.get(*id);
            session.is_some_and(|session| session.ipv4_home.is_some() && !session.is_deleting())
        };
        let found = sessions.into_iter().find(with_home);
        let Some(id) = found.filter(|_| !revocation::is_global(trigger)) else {
            return false;
        };
        let Some(session) = self.cache.get(id) else {
            return false;
        };
        let mut subject = Subject::of_mn(session.mn(), &[]);
        let home = session.ipv4_home;
        subject.ipv4_home = home.map(|home| (home.address, home.prefix_length));
        if let Some(revocation) = self.prepare(session, trigger, subject, Purpose::Ipv4Home) {
            self.drop_ipv4_home(id);
            self.start_revocation(revocation);
        }
        true
    }

    /// Takes the home address off a session that keeps the rest.
    pub(in crate::lma) fn drop_ipv4_home(&mut self, id: SessionId) {
        let Some(session) = self.cache.get(id) else {
            return;
        };
        let mut kept = Holdings::of(session);
        let Some(home) = kept.ipv4_home.take() else {
            return;
        };
        let vrf = session.vrf();
        let address = pmip_wire::types::IpPrefix::host(home.address.into());
        self.allocator.release(vrf, address);
        self.cache.set_holdings(id, &kept);
        if let Some(session) = self.cache.get(id) {
            let route = session.route(id);
            self.emit_forwarding(Forwarding::InstallSession(route));
        }
        self.emit_session_up(id);
    }
}
