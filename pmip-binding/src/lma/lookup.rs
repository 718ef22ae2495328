//! Which session a PBU is about: RFC 5213 section 5.4.1 and signalling rules section 1.

use pmip_wire::types::IpPrefix;

use crate::event::SessionId;
use crate::message::{Update, handoff, is_all_zero, status};

use super::cache::{BindingCache, Session};
use super::judge::Request;
use super::paths::PathTable;

/// What the lookup found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A request to create a session.
    New,
    /// A request about this session.
    Existing(SessionId),
    /// Whether it is this session's handoff or a new one shows when the old MAG de-registers.
    Undecided(SessionId),
    /// A request that this status refuses.
    Refused(u8),
}

/// Finds the session. Changes nothing.
pub(super) fn find(cache: &BindingCache, paths: &PathTable, request: &Request) -> Found {
    match keyed(cache, request) {
        Keyed::Refused(status) => Found::Refused(status),
        Keyed::Session(id) => existing_by_prefix(cache, paths, request, id),
        Keyed::NotInUse => Found::New,
        Keyed::NoKey => match by_multipath_key(cache, request) {
            Some(id) => Found::Existing(id),
            None => by_mobile_node(cache, request),
        },
    }
}

enum Keyed {
    Session(SessionId),
    NotInUse,
    NoKey,
    Refused(u8),
}

/// RFC 5213 section 5.4.1.1 items 1 to 4; RFC 5844 section 3.1.2.2 keys by the home address where
/// no home network prefix is given.
fn keyed(cache: &BindingCache, request: &Request) -> Keyed {
    let update = &request.update;
    let vrf = request.peer.tenant.traffic;
    let mut wanted = update.common.home_prefixes.iter().copied();
    if let Some(prefix) = wanted.find(|prefix| !is_all_zero(*prefix)) {
        return by_home_prefix(cache, request, prefix);
    }
    let mut homes = update.home_requests.iter();
    let Some((address, _)) = homes.find(|(address, _)| !address.is_unspecified()) else {
        return Keyed::NoKey;
    };
    match cache.by_prefix(vrf, IpPrefix::host((*address).into())) {
        None => Keyed::NotInUse,
        Some(id) if is_of_mn(cache, id, request) => Keyed::Session(id),
        Some(_) => Keyed::Refused(status::NOT_AUTHORIZED_FOR_IPV4_HOA),
    }
}

fn by_home_prefix(cache: &BindingCache, request: &Request, first: IpPrefix) -> Keyed {
    let wanted = &request.update.common.home_prefixes;
    let non_zero = wanted.iter().filter(|prefix| !is_all_zero(**prefix));
    let vrf = request.peer.tenant.traffic;
    let mut sessions = non_zero.filter_map(|prefix| cache.by_prefix(vrf, *prefix));
    let Some(id) = cache.by_prefix(vrf, first).or_else(|| sessions.next()) else {
        return Keyed::NotInUse;
    };
    if !is_of_mn(cache, id, request) {
        return Keyed::Refused(status::NOT_AUTHORIZED_FOR_HNP);
    }
    let Some(session) = cache.get(id) else {
        return Keyed::NotInUse;
    };
    let held = session.home_prefixes();
    let same = held.len() == wanted.len() && held.iter().all(|prefix| wanted.contains(prefix));
    if same {
        Keyed::Session(id)
    } else {
        Keyed::Refused(status::PREFIX_SET_MISMATCH)
    }
}

fn is_of_mn(cache: &BindingCache, id: SessionId, request: &Request) -> bool {
    let session = cache.get(id);
    session.is_some_and(|session| session.is_of(request.peer.tenant, &request.mn))
}

/// RFC 5213 section 5.4.1.1 items 5 and 6, replaced by signalling rules section 1 where the
/// session is multipath and of the same MAG.
fn existing_by_prefix(
    cache: &BindingCache,
    paths: &PathTable,
    request: &Request,
    id: SessionId,
) -> Found {
    let Some(session) = cache.get(id) else {
        return Found::New;
    };
    let is_registered = || is_registered_care_of(cache, paths, session, request);
    if is_own_multipath(session, request) || is_same_attachment(session, request, is_registered) {
        return Found::Existing(id);
    }
    if is_deregistration(&request.update) {
        // Its care-of address is compared next, and decides.
        return Found::Existing(id);
    }
    // A new session, but its prefix is in use (signalling rules section 1).
    Found::Refused(status::NOT_AUTHORIZED_FOR_HNP)
}

fn is_own_multipath(session: &Session, request: &Request) -> bool {
    request.multipath.is_some() && session.multipath && session.peer == request.peer
}

/// The four conditions of RFC 5213 section 5.4.1.1 item 5.
fn is_same_attachment(
    session: &Session,
    request: &Request,
    is_registered_care_of: impl Fn() -> bool,
) -> bool {
    let common = &request.update.common;
    let same_technology = common.access_technology == Some(session.access_technology);
    let by_link_layer = match &common.link_layer {
        Some(link_layer) => **link_layer == *session.link_layer(),
        None => {
            session.link_layer().is_empty() && common.handoff == Some(handoff::BETWEEN_GATEWAYS)
        }
    };
    (same_technology && by_link_layer)
        || common.handoff == Some(handoff::BETWEEN_INTERFACES)
        || (same_technology && session.last_care_of == request.care_of)
        || (same_technology && is_registered_care_of())
}

/// A registered care-of address of the one session of this mobile node.
fn is_registered_care_of(
    cache: &BindingCache,
    paths: &PathTable,
    session: &Session,
    request: &Request,
) -> bool {
    let mut bindings = session.paths.iter();
    cache.of_mn(request.peer.tenant, &request.mn).len() == 1
        && bindings.any(|binding| {
            let path = paths.get(binding.path);
            path.is_some_and(|path| path.key.care_of == request.care_of)
        })
}

fn is_deregistration(update: &Update) -> bool {
    update.common.lifetime == 0
}

/// Signalling rules section 1 (b): equal mobile node, MAG identifier, access technology and
/// link-layer identifier.
fn by_multipath_key(cache: &BindingCache, request: &Request) -> Option<SessionId> {
    request.multipath?;
    if !request.peer.is_identified() {
        return None;
    }
    let matches = |id: &SessionId| {
        cache
            .get(*id)
            .is_some_and(|session| session.peer == request.peer && has_same_key(session, request))
    };
    cache
        .of_mn(request.peer.tenant, &request.mn)
        .into_iter()
        .find(matches)
}

fn has_same_key(session: &Session, request: &Request) -> bool {
    let common = &request.update.common;
    let link_layer: &[u8] = common.link_layer.as_deref().unwrap_or(&[]);
    common.access_technology == Some(session.access_technology)
        && *link_layer == *session.link_layer()
}

/// RFC 5213 sections 5.4.1.2 and 5.4.1.3.
fn by_mobile_node(cache: &BindingCache, request: &Request) -> Found {
    let sessions = cache.of_mn(request.peer.tenant, &request.mn);
    let common = &request.update.common;
    if common.link_layer.is_some() {
        let same = |id: &&SessionId| {
            cache
                .get(**id)
                .is_some_and(|session| has_same_key(session, request))
        };
        if let Some(id) = sessions.iter().find(same) {
            return Found::Existing(*id);
        }
    }
    let [only] = *sessions else {
        return Found::New;
    };
    let joins = match common.handoff {
        Some(handoff::BETWEEN_INTERFACES) => true,
        Some(handoff::BETWEEN_GATEWAYS) => common.link_layer.is_none(),
        Some(handoff::UNKNOWN) if !is_deregistration(&request.update) => {
            return undecided(cache, only);
        }
        Some(_) | None => false,
    };
    if joins || (is_deregistration(&request.update) && common.link_layer.is_none()) {
        Found::Existing(only)
    } else {
        Found::New
    }
}

/// Once the old MAG has de-registered, the wait is over.
fn undecided(cache: &BindingCache, only: SessionId) -> Found {
    let deregistered = cache.get(only).is_some_and(|session| session.is_deleting());
    if deregistered {
        Found::Existing(only)
    } else {
        Found::Undecided(only)
    }
}
