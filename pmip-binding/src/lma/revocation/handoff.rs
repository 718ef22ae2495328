//! Telling and asking the gateway that a mobile node left: RFC 5846 section 8.1.

use std::sync::Arc;
use std::time::Duration;

use pmip_wire::{BindingRevocationStatus, RevocationTrigger};

use crate::event::SessionId;
use crate::lma::Lma;
use crate::lma::cache::PeerKey;
use crate::lma::judge::Request;
use crate::message::handoff;
use crate::revocation::Subject;

use super::{Purpose, Revocation};

/// What the old gateway is told after a handoff, collected before its paths are gone.
pub(in crate::lma) struct Notice(Revocation);

impl Lma {
    /// RFC 5846 section 8.1: the gateway that a mobile node left, which is told why.
    pub(in crate::lma) fn notice_for(&self, request: &Request, id: SessionId) -> Option<Notice> {
        let session = self.cache.get(id)?;
        let moved = session.peer != request.peer && !session.is_deleting();
        let common = &request.update.common;
        // A gateway without an identifier is its address. One that goes on from another address
        // says that nothing was handed over, and is not at the old one any more.
        let renumbered =
            common.handoff == Some(handoff::NOT_CHANGED) && !request.peer.is_identified();
        if !moved || renumbered || !self.config.revocation.on_handoff {
            return None;
        }
        let trigger = if common.handoff == Some(handoff::UNKNOWN) {
            RevocationTrigger::InterMagHandoverUnknown
        } else if common.access_technology == Some(session.access_technology) {
            RevocationTrigger::InterMagHandoverSameAccessType
        } else {
            RevocationTrigger::InterMagHandoverDifferentAccessType
        };
        let subject = Subject::of_mn(session.mn(), session.home_prefixes());
        let notice = self.prepare(session, trigger, subject, Purpose::Told);
        notice.map(Notice)
    }

    pub(in crate::lma) fn give_notice(&mut self, notice: Option<Notice>) {
        if let Some(Notice(revocation)) = notice {
            self.start_revocation(revocation);
        }
    }

    /// RFC 5846 section 8.1: instead of waiting for the old gateway it is asked. Gives how long
    /// that may take.
    pub(in crate::lma) fn ask_old_gateway(
        &mut self,
        request: &Request,
        id: SessionId,
    ) -> Option<Duration> {
        let session = self.cache.get(id)?;
        if session.peer == request.peer || !self.config.revocation.on_handoff {
            return None;
        }
        let subject = Subject::of_mn(session.mn(), session.home_prefixes());
        let trigger = RevocationTrigger::InterMagHandoverUnknown;
        let revocation = self.prepare(session, trigger, subject, Purpose::Asked(id))?;
        if self.revocations.refused.contains(&revocation.peer) {
            return None;
        }
        let total = revocation.retry.total();
        self.start_revocation(revocation);
        Some(total)
    }

    /// RFC 5846 section 8.1: a gateway that let the mobile node go, or does not know it, counts
    /// as one that de-registered it; otherwise the request is one for a new session.
    pub(super) fn old_gateway_answered(
        &mut self,
        id: SessionId,
        old: &Arc<PeerKey>,
        status: Option<BindingRevocationStatus>,
    ) {
        let left = matches!(
            status,
            Some(
                BindingRevocationStatus::Success
                    | BindingRevocationStatus::PartialSuccess
                    | BindingRevocationStatus::BindingDoesNotExist
            )
        );
        let session = self.cache.get(id);
        let still = session.is_some_and(|session| session.peer == *old && !session.is_deleting());
        if !still {
            return;
        }
        if left {
            self.start_delete(id, "handed off");
            self.release_waiting(id);
        } else {
            self.stop_waiting(id);
        }
    }
}
