//! Revocation by an access gateway: RFC 5846 section 8.2.

use std::sync::Arc;

use pmip_wire::types::{IpPrefix, PathId};
use pmip_wire::{BindingRevocationIndication, BindingRevocationStatus};
use smallvec::SmallVec;

use crate::event::{DropReason, Event, RevocationEvent, SessionId};
use crate::io::{Carrier, Datagram};
use crate::revocation::{self, Subject};
use crate::security::Proof;
use crate::seen;

use super::cache::{MagName, PeerKey, Session};
use super::{Lma, show};

const REASON: &str = "revoked by the access gateway";

/// The outcome, and what of the indication failed.
type Outcome = (BindingRevocationStatus, Subject);

impl Lma {
    /// Only a gateway that has a path revokes, and only what is its own.
    pub(super) fn on_revocation(
        &mut self,
        datagram: &Datagram,
        indication: &BindingRevocationIndication,
        proof: Proof,
    ) {
        if let Carrier::Tunnel(_) | Carrier::UnknownTunnel = datagram.carrier {
            return self.drop_datagram(DropReason::UnexpectedMessage, datagram);
        }
        let paths = self.spoken_for(datagram, proof);
        let first = paths.first().and_then(|id| self.paths.get(*id));
        let Some(peer) = first.map(|path| Arc::clone(&path.key.peer)) else {
            return self.drop_datagram(DropReason::UnknownPeer, datagram);
        };
        // With its customer's name, for customers may change places.
        let digest = seen::digest(&self.peer_name(&peer).to_octets(), &datagram.payload);
        // Sent again because its answer was lost, or replayed: what was registered since is not
        // meant.
        if let Some(status) = self.revoked.get(self.now, digest) {
            let outcome = (status, &Subject::default());
            return self.answer_revocation(datagram, proof, indication, outcome);
        }
        let subject = Subject::from_wire(&indication.options);
        let (status, failed) = match revocation::objection(indication) {
            Some(status) => (status, Subject::default()),
            None if indication.is_global() => {
                let status = self.revoked_globally(&peer, &paths, indication, &subject);
                (status, Subject::default())
            }
            None => self.revoked_for_one(&peer, indication, &subject),
        };
        self.emit(Event::Revocation(RevocationEvent::Received {
            peer: show::name(&peer),
            trigger: indication.trigger,
            status,
        }));
        let forgotten = self.revoked.note(self.now, digest, status);
        for digest in forgotten.into_iter().chain([digest]) {
            self.handled_changes.note(digest);
        }
        self.answer_revocation(datagram, proof, indication, (status, &failed));
    }

    /// Per-Peer Policy: the bindings of the care-of address that the indication came from, or of
    /// the alternate one.
    fn revoked_globally(
        &mut self,
        peer: &Arc<PeerKey>,
        paths: &[PathId],
        indication: &BindingRevocationIndication,
        subject: &Subject,
    ) -> BindingRevocationStatus {
        if indication.trigger != pmip_wire::RevocationTrigger::PerPeerPolicy {
            // Realms are the anchor's to revoke.
            return BindingRevocationStatus::FunctionNotSupported;
        }
        let named = subject.mn_id.as_ref();
        let says_who = named.is_some_and(|id| self.is_name_of(peer, id));
        if !says_who || !self.config.revocation.accept_global {
            return BindingRevocationStatus::GlobalRevocationNotAuthorized;
        }
        let is_meant = |id: PathId| {
            let path = self.paths.get(id);
            path.is_some_and(|path| match subject.care_of {
                Some(care_of) => path.key.peer == *peer && path.key.care_of == care_of,
                None => path.key.peer == *peer && paths.contains(&id),
            })
        };
        let sessions = self.cache.iter().filter(|(_, s)| s.peer == *peer);
        let meant = sessions.flat_map(|(id, session)| {
            let bindings = session.paths.iter();
            bindings.map(move |binding| (id, binding.binding_id, binding.path))
        });
        let meant: Vec<(SessionId, u8, PathId)> =
            meant.filter(|(_, _, path)| is_meant(*path)).collect();
        if meant.is_empty() {
            return BindingRevocationStatus::BindingDoesNotExist;
        }
        for (id, binding_id, _) in meant {
            self.take_path(id, binding_id);
        }
        BindingRevocationStatus::Success
    }

    /// The gateway names itself: by its MAG Identifier, or as the configuration knows its address.
    fn is_name_of(&self, peer: &PeerKey, named: &crate::message::Identifier) -> bool {
        match &peer.name {
            MagName::Identifier(identifier) => identifier == named,
            MagName::Address { source, .. } => {
                let known = self.directory.peer_at(peer.tenant, *source);
                known.is_none_or(|known| known.identity.as_bytes() == &*named.octets)
            }
        }
    }

    fn take_path(&mut self, id: SessionId, binding_id: u8) {
        let last = self
            .cache
            .get(id)
            .is_some_and(|session| session.paths.len() == 1);
        if last {
            self.end_session(id, REASON);
        } else {
            self.leave_path(id, binding_id, REASON);
        }
    }

    fn revoked_for_one(
        &mut self,
        peer: &Arc<PeerKey>,
        indication: &BindingRevocationIndication,
        subject: &Subject,
    ) -> Outcome {
        let nothing = (
            BindingRevocationStatus::BindingDoesNotExist,
            Subject::default(),
        );
        let Some(mn_id) = &subject.mn_id else {
            return nothing;
        };
        let ids = self
            .cache
            .of_mn(peer.tenant, mn_id)
            .into_iter()
            .filter(|id| {
                let session = self.cache.get(*id);
                session.is_some_and(|session| session.peer == *peer && !session.is_deleting())
            });
        let ids: SmallVec<[SessionId; 4]> = ids.collect();
        if ids.is_empty() {
            return nothing;
        }
        if indication.is_ipv4_only() {
            return (self.revoked_ipv4_home(&ids, subject), Subject::default());
        }
        let holds = |id: &SessionId, prefix: &IpPrefix| {
            let session = self.cache.get(*id);
            session.is_some_and(|session| session.home_prefixes().contains(prefix))
        };
        let wanted = &subject.home_prefixes;
        let (known, unknown): (Vec<_>, Vec<_>) = wanted
            .iter()
            .copied()
            .partition(|prefix| ids.iter().any(|id| holds(id, prefix)));
        let meant: SmallVec<[SessionId; 4]> = ids
            .iter()
            .copied()
            .filter(|id| wanted.is_empty() || known.iter().any(|prefix| holds(id, prefix)))
            .collect();
        if meant.is_empty() {
            return nothing;
        }
        let mut failed = Subject::default();
        failed.home_prefixes.extend(unknown);
        failed.binding_ids = self.take_paths(&meant, subject);
        let all_failed =
            !subject.binding_ids.is_empty() && failed.binding_ids == subject.binding_ids;
        if all_failed {
            return nothing;
        }
        if failed.is_empty() {
            return (BindingRevocationStatus::Success, failed);
        }
        failed.mn_id.clone_from(&subject.mn_id);
        (BindingRevocationStatus::PartialSuccess, failed)
    }

    /// Ends sessions, or the paths of them that are named; gives the Binding IDs that none has.
    fn take_paths(&mut self, sessions: &[SessionId], subject: &Subject) -> SmallVec<[u16; 2]> {
        let mut failed = SmallVec::new();
        if subject.binding_ids.is_empty() {
            for &id in sessions {
                self.end_session(id, REASON);
            }
            return failed;
        }
        for &wanted in &subject.binding_ids {
            let binding_id = u8::try_from(wanted).unwrap_or(0);
            let has = |id: &&SessionId| {
                let session = self.cache.get(**id);
                session.is_some_and(|s| s.multipath && s.path(binding_id).is_some())
            };
            match sessions.iter().find(has) {
                Some(&id) => self.take_path(id, binding_id),
                None => failed.push(wanted),
            }
        }
        failed
    }

    fn revoked_ipv4_home(
        &mut self,
        sessions: &[SessionId],
        subject: &Subject,
    ) -> BindingRevocationStatus {
        let Some((address, _)) = subject.ipv4_home else {
            return BindingRevocationStatus::Ipv4HomeAddressOptionRequired;
        };
        let holds = |session: &Session| session.ipv4_home.map(|home| home.address) == Some(address);
        let mut sessions = sessions.iter().copied();
        let found = sessions.find(|id| self.cache.get(*id).is_some_and(holds));
        let Some(id) = found else {
            return BindingRevocationStatus::BindingDoesNotExist;
        };
        let alone = self
            .cache
            .get(id)
            .is_some_and(|session| session.home_prefixes().is_empty());
        if alone {
            self.end_session(id, REASON);
        } else {
            self.drop_ipv4_home(id);
        }
        BindingRevocationStatus::Success
    }
}
