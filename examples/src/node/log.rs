//! What engines tell, in words for an operator.

use pmip_binding::{NotServed, NotificationEvent, RedirectEvent, RevocationEvent, SessionEvent};
use pmip_sla::{LivenessEvent, Measure, ReactionEvent, VerdictChange, VerdictState};

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
        SessionEvent::Refused { mn_id, status } => super::refusals::refused(mn_id, *status),
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
        SessionEvent::NotServed { mn_id, reason } => {
            let words = match reason {
                NotServed::NoMobilityService => {
                    format!("{mn_id} is not registered: its profile offers it no mobility service")
                }
                NotServed::Full => {
                    format!("{mn_id} is not registered: as many mobile nodes are as may be")
                }
                NotServed::ShuttingDown | _ => {
                    format!("{mn_id} is not registered: this gateway is shutting down")
                }
            };
            Happening::warn("session-not-served", words).binding(mn_id)
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
        RevocationEvent::Failed {
            peer,
            mn_id,
            home_prefixes,
            ..
        } => {
            let whose = mn_id.as_deref().unwrap_or("what our revocation named");
            let words = format!("{peer} had nothing of {whose} {home_prefixes:?} to give up");
            Happening::warn("revocation-failed", words).peer(peer)
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

/// A path meets a traffic profile now, or no longer.
pub(super) fn verdict(path: &str, profile: &str, change: &VerdictChange) -> Option<Happening> {
    Some(match change.to {
        VerdictState::Violating => {
            let judgement = &change.judgement;
            let measure = match judgement.violated {
                Some(Measure::Jitter) => "jitter",
                Some(Measure::Rtt) => "round-trip time",
                Some(Measure::Loss) => "loss",
                Some(_) | None => "a value",
            };
            let worst = f64::from(judgement.worst_per_mille) / 1000.0;
            let words =
                format!("{path} violates profile {profile}: {measure} is {worst} of its limit");
            Happening::warn("profile-violated", words)
        }
        VerdictState::Conforming => {
            Happening::info("profile-met", format!("{path} meets profile {profile}"))
        }
        VerdictState::Unknown => return None,
    })
}

/// A value of a path's probes turned bad, or good again.
pub(super) fn reaction(path: &str, event: &ReactionEvent) -> Option<Happening> {
    let (element, value) = (event.element, event.value);
    Some(match event.raised {
        true => Happening::warn(
            "sla-reaction",
            format!("{path}: {element:?} is bad: {value}"),
        ),
        false => Happening::info(
            "sla-reaction-cleared",
            format!("{path}: {element:?} is good again: {value}"),
        ),
    })
}

/// Probes found a path dead or alive; `allowed` where it may be used all the same.
pub(super) fn liveness(path: &str, event: &LivenessEvent, allowed: bool) -> Option<Happening> {
    Some(match event {
        LivenessEvent::Down { silence, .. } if allowed => {
            let words = format!(
                "no probe over {path} was answered for {silence:?}, nor over any other path to \
                 that peer: it is used all the same"
            );
            Happening::warn("probes-unanswered", words)
        }
        LivenessEvent::Down { silence, .. } => {
            let words = format!("{path} is dead: nothing came for {silence:?}");
            Happening::warn("path-dead", words)
        }
        LivenessEvent::Up { dead, .. } => {
            let words = format!("{path} lives again after {dead:?}");
            Happening::info("path-alive", words)
        }
        _ => return None,
    })
}
