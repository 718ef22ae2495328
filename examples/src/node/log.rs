//! What engines tell, in words for an operator.

use pmip_binding::{NotificationEvent, RedirectEvent, RevocationEvent, SessionEvent};

use super::tell::Happening;

/// A mobility session came, changed or went.
pub(super) fn session(event: &SessionEvent) -> Option<Happening> {
    Some(match event {
        SessionEvent::Up { mn_id, .. } => {
            Happening::info("session-up", format!("{mn_id} is registered")).binding(mn_id)
        }
        SessionEvent::Down { mn_id, reason, .. } => {
            let words = format!("{mn_id} is not registered any more: {reason}");
            Happening::info("session-down", words).binding(mn_id)
        }
        SessionEvent::Refused { mn_id, status } => {
            let status = pmip_wire::Status::from_code(*status);
            let words = format!("{mn_id} was refused: {status}");
            Happening::warn("session-refused", words).binding(mn_id)
        }
        SessionEvent::AccessNetwork { mn_id, network, .. } => {
            let words = match network {
                Some(_) => format!("{mn_id} is attached to another access network"),
                None => format!("nothing is known of the access network of {mn_id} any more"),
            };
            Happening::info("access-network", words).binding(mn_id)
        }
        SessionEvent::AccessNetworkIgnored { mn_id, .. } => {
            let words = format!("the anchor ignores where {mn_id} is attached");
            Happening::warn("access-network-ignored", words).binding(mn_id)
        }
        _ => return None,
    })
}

/// Bindings were revoked, or were to be.
pub(super) fn revocation(event: &RevocationEvent) -> Option<Happening> {
    Some(match event {
        RevocationEvent::Received {
            peer,
            trigger,
            status,
        } => {
            let words = format!("{peer} revokes bindings ({trigger}); answered: {status}");
            Happening::info("revocation-received", words).peer(peer)
        }
        RevocationEvent::Answered {
            peer,
            trigger,
            status,
        } => {
            let words = format!("{peer} answers our revocation ({trigger}): {status}");
            Happening::info("revocation-answered", words).peer(peer)
        }
        RevocationEvent::Unanswered { peer, trigger } => {
            let words = format!("{peer} does not answer our revocation ({trigger})");
            Happening::warn("revocation-unanswered", words).peer(peer)
        }
        RevocationEvent::Impossible { name } => {
            let words = format!("there is nothing of {name} to revoke");
            Happening::warn("revocation-impossible", words)
        }
        _ => return None,
    })
}

/// An update notification came, or was answered.
pub(super) fn notification(event: &NotificationEvent) -> Option<Happening> {
    Some(match event {
        NotificationEvent::Received {
            peer,
            reason,
            status,
            mn_id,
            ..
        } => {
            let words = format!("{peer} notifies ({reason}); {status}");
            let mut told = Happening::info("notification-received", words).peer(peer);
            told.binding.clone_from(mn_id);
            told
        }
        NotificationEvent::Answered {
            peer,
            reason,
            status,
        } => {
            let words = format!("{peer} answers our notification ({reason}): {status}");
            Happening::info("notification-answered", words).peer(peer)
        }
        NotificationEvent::Unanswered { peer, reason } => {
            let words = format!("{peer} does not answer our notification ({reason})");
            Happening::warn("notification-unanswered", words).peer(peer)
        }
        NotificationEvent::Impossible { name } => {
            let words = format!("there is nobody to notify of {name}");
            Happening::warn("notification-impossible", words)
        }
        _ => return None,
    })
}

/// An anchor sent a mobile node to another one.
pub(super) fn redirect(event: &RedirectEvent) -> Option<Happening> {
    Some(match event {
        RedirectEvent::Followed { mn_id, from, to } => {
            let words = format!("{from} sent {mn_id} to {to}, which serves it now");
            Happening::info("redirected", words).binding(mn_id).peer(to)
        }
        RedirectEvent::NotFollowed {
            mn_id,
            from,
            address,
        } => {
            let words =
                format!("{from} wants to send {mn_id} to {address}, which is no configured anchor");
            let told = Happening::warn("redirect-not-followed", words);
            told.binding(mn_id).peer(from)
        }
        _ => return None,
    })
}
