//! What engines tell, in words for an operator.

use pmip_binding::{NotificationEvent, RedirectEvent, RevocationEvent, SessionEvent};

/// A mobility session came, changed or went.
pub(super) fn session(event: &SessionEvent) {
    match event {
        SessionEvent::Up { mn_id, .. } => tracing::info!("{mn_id} is registered"),
        SessionEvent::Down { mn_id, reason, .. } => {
            tracing::info!("{mn_id} is not registered any more: {reason}");
        }
        SessionEvent::Refused { mn_id, status } => {
            let status = pmip_wire::Status::from_code(*status);
            tracing::warn!("{mn_id} was refused: {status}");
        }
        SessionEvent::AccessNetwork { mn_id, network, .. } => match network {
            Some(_) => tracing::info!("{mn_id} is attached to another access network"),
            None => tracing::info!("nothing is known of the access network of {mn_id} any more"),
        },
        SessionEvent::AccessNetworkIgnored { mn_id, .. } => {
            tracing::warn!("the anchor ignores where {mn_id} is attached");
        }
        _ => {}
    }
}

/// Bindings were revoked, or were to be.
pub(super) fn revocation(event: &RevocationEvent) {
    match event {
        RevocationEvent::Received {
            peer,
            trigger,
            status,
        } => tracing::info!("{peer} revokes bindings ({trigger}); answered: {status}"),
        RevocationEvent::Answered {
            peer,
            trigger,
            status,
        } => tracing::info!("{peer} answers our revocation ({trigger}): {status}"),
        RevocationEvent::Unanswered { peer, trigger } => {
            tracing::warn!("{peer} does not answer our revocation ({trigger})");
        }
        RevocationEvent::Impossible { name } => {
            tracing::warn!("there is nothing of {name} to revoke");
        }
        _ => {}
    }
}

/// An update notification came, or was answered.
pub(super) fn notification(event: &NotificationEvent) {
    match event {
        NotificationEvent::Received {
            peer,
            reason,
            status,
            ..
        } => tracing::info!("{peer} notifies ({reason}); {status}"),
        NotificationEvent::Answered {
            peer,
            reason,
            status,
        } => tracing::info!("{peer} answers our notification ({reason}): {status}"),
        NotificationEvent::Unanswered { peer, reason } => {
            tracing::warn!("{peer} does not answer our notification ({reason})");
        }
        NotificationEvent::Impossible { name } => {
            tracing::warn!("there is nobody to notify of {name}");
        }
        _ => {}
    }
}

/// An anchor sent a mobile node to another one.
pub(super) fn redirect(event: &RedirectEvent) {
    match event {
        RedirectEvent::Followed { mn_id, from, to } => {
            tracing::info!("{from} sent {mn_id} to {to}, which serves it now");
        }
        RedirectEvent::NotFollowed {
            mn_id,
            from,
            address,
        } => tracing::warn!(
            "{from} wants to send {mn_id} to {address}, which is no configured anchor"
        ),
        _ => {}
    }
}
