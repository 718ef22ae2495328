//! Whether a PBU is acceptable: the checks of RFC 5213 section 5.3.1, in its order.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use pmip_wire::types::{Encapsulation, Instant, PathId};
use pmip_wire::{SequenceNumber, Timestamp};

use crate::config::{Customer, Network, Profile};
use crate::event::{DropReason, SessionId};
use crate::io::{Carrier, Datagram};
use crate::message::{Identifier, Multipath, Update, status};
use crate::security::Proof;

use super::cache::{MagName, Mark, MnKey, PeerKey};
use super::directory::Directory;
use super::lookup::{self, Found};
use super::service;
use super::tenants::{Tenant, Tenants};
use super::{Lma, TimerKind};

/// A PBU with what surrounds it.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) datagram: Datagram,
    pub(super) update: Update,
    pub(super) proof: Proof,
    pub(super) mn: MnKey,
    pub(super) peer: Arc<PeerKey>,
    /// The Proxy-CoA as the MAG knows it.
    pub(super) care_of: IpAddr,
    pub(super) nat: bool,
    /// Access technology 0 is taken from this peer.
    pub(super) zero_technology: bool,
    /// Multipath asked for, well-formed and allowed.
    pub(super) multipath: Option<Multipath>,
    /// It was held, so its order was found right when it came.
    pub(super) held: bool,
    /// MaxDelayBeforeNewBCEAssign is over.
    pub(super) waited: bool,
    /// The path of a silent gateway with its care-of address: ends once this one is granted.
    pub(super) rival: Option<PathId>,
}

/// A PBU that waits for the old MAG's de-registration (RFC 5213 section 5.4.1.2 item 4).
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    request: Request,
    session: SessionId,
    /// Whose the session was when the wait began.
    holder: Arc<PeerKey>,
    until: Instant,
}

/// What stands against a PBU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Objection {
    Refuse(u8),
    /// Refuse with the last accepted sequence number.
    OutOfWindow(u16),
    /// The service is not one of the mobile node's.
    Service,
    Ignore(DropReason),
}

impl Request {
    pub(super) fn observed(&self) -> SocketAddr {
        self.datagram.source
    }

    pub(super) fn binding_id(&self) -> u8 {
        self.multipath.map_or(0, |multipath| multipath.binding_id)
    }

    pub(super) fn mark(&self) -> Mark {
        let common = &self.update.common;
        Mark {
            timestamp: common.timestamp,
            // Orders only sessions that never accepted a timestamp.
            sequence: Some(common.sequence),
        }
    }
}

impl Lma {
    pub(super) fn on_update(
        &mut self,
        datagram: &Datagram,
        update: Update,
        proof: Proof,
        cut: bool,
    ) {
        self.stats.binding_updates = self.stats.binding_updates.saturating_add(1);
        if let Carrier::Tunnel(_) | Carrier::UnknownTunnel = datagram.carrier {
            // Inside tunnels only heartbeats and binding errors (signalling rules section 9).
            return self.drop_datagram(DropReason::UnexpectedMessage, datagram);
        }
        if let Some(tenant) = self.tenants.at(datagram.vrf, datagram.destination.ip()) {
            let traffic = tenant.traffic;
            self.cache.warm_index(traffic, &update.common.home_prefixes);
        }
        let mut request = self.request(datagram, update, proof);
        if let Some(stats) = self.count_for(request.peer.tenant) {
            stats.binding_updates = stats.binding_updates.saturating_add(1);
        }
        if let Err(reason) = self.relax(&mut request, cut) {
            return self.drop_datagram(reason, datagram);
        }
        if !is_routable_unicast(request.care_of) {
            // RFC 6275 section 6.1.7 asks for silence.
            return self.drop_datagram(DropReason::UnroutableCareOf, datagram);
        }
        self.decide(request);
    }

    /// Decides one PBU and carries the decision out.
    pub(super) fn decide(&mut self, mut request: Request) {
        let traffic = request.peer.tenant.traffic;
        let prefixes = &request.update.common.home_prefixes;
        if let Some(session) = self.cache.warm(traffic, prefixes) {
            self.timers.warm(session.timer);
        }
        let verdict = self.check(&mut request);
        let accepted = !matches!(verdict, Err(_) | Ok(Found::Refused(_)));
        if self.is_over_rate(&request, accepted) {
            return self.drop_datagram(DropReason::RateLimited, &request.datagram);
        }
        if accepted && !self.has_its_address(&mut request) {
            return;
        }
        match verdict {
            Ok(Found::New) => self.create(&request),
            Ok(Found::Existing(id)) if request.update.common.lifetime == 0 => {
                self.deregister(&request, id);
            }
            Ok(Found::Existing(id)) if self.is_being_revoked(&request, id) => {
                self.drop_datagram(DropReason::RevocationInProgress, &request.datagram);
            }
            Ok(Found::Existing(id)) => self.update(&request, id),
            Ok(Found::Undecided(id)) => self.wait(request, id),
            Ok(Found::Refused(status)) => self.refuse(&request, status),
            Err(Objection::Refuse(status)) => self.refuse(&request, status),
            Err(Objection::Service) => self.refuse_service(&request),
            Err(Objection::OutOfWindow(last)) => self.refuse_sequence(&request, last),
            Err(Objection::Ignore(reason)) => {
                self.drop_datagram(reason, &request.datagram);
            }
        }
    }

    /// The old MAG de-registered: PBUs that waited for it go on.
    pub(super) fn release_waiting(&mut self, session: SessionId) {
        let (ready, rest) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|waiting: &Waiting| waiting.session == session);
        self.waiting = rest;
        let ready: Vec<Waiting> = ready;
        for waiting in ready {
            self.decide_held(waiting);
        }
    }

    /// The old MAG says that the mobile node is still there: PBUs that waited for it are requests
    /// for a new session.
    pub(super) fn stop_waiting(&mut self, session: SessionId) {
        let now = self.now;
        let all = self.waiting.iter_mut();
        for waiting in all.filter(|waiting| waiting.session == session) {
            waiting.until = now;
        }
        self.release_overdue();
    }

    /// PBUs that waited long enough become requests for a new session.
    pub(super) fn release_overdue(&mut self) {
        let now = self.now;
        let (ready, rest) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|waiting: &Waiting| waiting.until <= now);
        self.waiting = rest;
        let ready: Vec<Waiting> = ready;
        for mut waiting in ready {
            waiting.request.waited = true;
            self.decide_held(waiting);
        }
        self.arm_waiting();
    }

    /// Its order was found right when it came; what other gateways did to the session since may be
    /// later, except that the old one left it.
    fn decide_held(&mut self, waiting: Waiting) {
        let mut request = waiting.request;
        let session = self.cache.get(waiting.session);
        request.held = session.is_none_or(|session| session.peer == waiting.holder);
        self.decide(request);
    }

    fn request(&self, datagram: &Datagram, update: Update, proof: Proof) -> Request {
        let source = datagram.source;
        let own_address = update.ipv4_care_of.map(IpAddr::V4);
        let udp = datagram.carrier == Carrier::Udp;
        let moved = own_address.is_some_and(|own| own != source.ip());
        let nat = udp && (moved || source.port() != crate::CONTROL_PORT);
        let mn = update.common.mn_id.clone();
        let care_of = update.alternate_care_of.or(own_address);
        let care_of = care_of.unwrap_or_else(|| source.ip());
        Request {
            mn: mn.unwrap_or_else(|| Identifier::nai("")),
            peer: self.peer_of(datagram, &update, proof),
            proof,
            care_of,
            nat,
            zero_technology: false,
            multipath: None,
            held: false,
            waited: false,
            rival: None,
            // Its octets were read.
            datagram: Datagram {
                payload: Bytes::new(),
                ..*datagram
            },
            update,
        }
    }

    /// The MAG: its identifier, else the configured peer whose key it used, else the one with this
    /// address, else the address.
    fn peer_of(&self, datagram: &Datagram, update: &Update, proof: Proof) -> Arc<PeerKey> {
        let source = datagram.source.ip();
        let tenant = self.tenant_of(datagram).unwrap_or_default();
        let key = match update.mag_id.clone() {
            Some(identifier) => PeerKey::identified(tenant, identifier),
            None => {
                let care_of = update.ipv4_care_of.map_or(source, IpAddr::V4);
                self.unnamed_peer(tenant, source, care_of, proof)
            }
        };
        self.peers.shared(&key)
    }

    /// A MAG that does not name itself.
    pub(super) fn unnamed_peer(
        &self,
        tenant: Tenant,
        source: IpAddr,
        care_of: IpAddr,
        proof: Proof,
    ) -> PeerKey {
        let holder = || self.directory.peer_in(self.keyring.holder(proof)?);
        match holder().or_else(|| self.directory.peer_at(tenant, source)) {
            Some(configured) => PeerKey::identified(tenant, Identifier::nai(&configured.identity)),
            None => PeerKey {
                tenant,
                name: MagName::Address { source, care_of },
            },
        }
    }

    /// RFC 5213 section 5.3.1 items 1 and 4 to 13.
    fn check(&self, request: &mut Request) -> Result<Found, Objection> {
        self.check_proof(request)?;
        if request.update.distributed {
            // RFC 8885 section 4.1: not processed, and answered with an error.
            return Err(Objection::Refuse(status::REASON_UNSPECIFIED));
        }
        let directory = Arc::clone(&self.directory);
        let tenants = Arc::clone(&self.tenants);
        let mn_id = request.update.common.mn_id.as_ref();
        if mn_id.is_none_or(|id| id.octets.is_empty()) {
            return Err(Objection::Refuse(status::MISSING_MN_ID));
        }
        self.check_peer(request)?;
        let profile = check_profile(&directory, &tenants, request)?;
        let multipath = self.check_multipath(request, profile);
        request.multipath = multipath.unwrap_or(None);
        // The lookup is item 13, but item 9 needs to know the session's last PBU.
        let found = lookup::find(&self.cache, &self.paths, request);
        if !request.held {
            self.check_order(request, found)?;
        }
        check_options(request, tenants.customer(request.peer.tenant))?;
        multipath?;
        service::check(request, profile)?;
        let network = tenants.network(request.peer.tenant, profile);
        check_families(request, profile, network)?;
        self.check_gre(request)?;
        self.check_encapsulation(request)?;
        self.check_redirect(request)?;
        if request.update.common.lifetime == 0 && !matches!(found, Found::Existing(_)) {
            return Err(Objection::Ignore(DropReason::NotTheRegisteredCareOf));
        }
        let waited = request.waited && matches!(found, Found::Undecided(_));
        Ok(if waited { Found::New } else { found })
    }

    /// Items 5 and 6. A key may speak for no other gateway than its holder.
    fn check_peer(&self, request: &Request) -> Result<(), Objection> {
        let source = request.datagram.source.ip();
        if !self.speaks_for(request.proof, &request.peer) {
            return Err(Objection::Refuse(status::MAG_NOT_AUTHORIZED));
        }
        let allowed = match self.directory.peer(&request.peer) {
            Some(peer) => peer.addresses.is_empty() || peer.addresses.contains(&source),
            None => self.config.dynamic_mag_learning,
        };
        if allowed {
            Ok(())
        } else {
            Err(Objection::Refuse(status::MAG_NOT_AUTHORIZED))
        }
    }

    /// RFC 8278 section 4.3 and signalling rules section 1.
    fn check_multipath(
        &self,
        request: &Request,
        profile: &Profile,
    ) -> Result<Option<Multipath>, Objection> {
        let Some(multipath) = request.update.common.multipath else {
            return Ok(None);
        };
        let deregisters = request.update.common.lifetime == 0;
        let malformed = request.update.mag_id.is_none()
            || matches!(multipath.binding_id, 0 | 255)
            || (multipath.bulk && multipath.overwrite)
            || (multipath.overwrite && deregisters);
        if malformed {
            Err(Objection::Refuse(status::REASON_UNSPECIFIED))
        } else if !(self.config.multipath && profile.multipath) {
            Err(Objection::Refuse(status::NO_MULTIPATH))
        } else {
            Ok(Some(multipath))
        }
    }

    /// Item 9: RFC 5213 section 5.5, per path with multipath (signalling rules section 5).
    fn check_order(&self, request: &Request, found: Found) -> Result<(), Objection> {
        let mark = self.mark_to_beat(request, found);
        match request.update.common.timestamp {
            Some(timestamp) => self.check_timestamp(timestamp, mark.timestamp),
            // Section 5.5 makes the approach one for the whole domain. A message that falls back to
            // sequence numbers is an old one with its Timestamp cut out, made to look new.
            // It holds for paths that the session never had, too.
            None if self.has_timestamps(found) => {
                Err(Objection::Refuse(status::TIMESTAMP_MISMATCH))
            }
            None => check_sequence(request.update.common.sequence, mark.sequence),
        }
    }

    /// Whether the session ever accepted a timestamp.
    fn has_timestamps(&self, found: Found) -> bool {
        let (Found::Existing(id) | Found::Undecided(id)) = found else {
            return false;
        };
        let session = self.cache.get(id);
        session.is_some_and(|session| session.highest_mark().timestamp.is_some())
    }

    fn mark_to_beat(&self, request: &Request, found: Found) -> Mark {
        let (Found::Existing(id) | Found::Undecided(id)) = found else {
            return Mark::default();
        };
        let Some(session) = self.cache.get(id) else {
            return Mark::default();
        };
        match request.multipath {
            Some(multipath)
                if session.multipath
                    && session.peer == request.peer
                    && !multipath.bulk
                    && !multipath.overwrite =>
            {
                session.mark(multipath.binding_id)
            }
            Some(_) | None => session.highest_mark(),
        }
    }

    fn check_timestamp(&self, timestamp: u64, last: Option<u64>) -> Result<(), Objection> {
        // Item 8 before item 9: a timestamp both lower and outside the window is "lower".
        if last.is_some_and(|last| timestamp < last) {
            return Err(Objection::Refuse(status::TIMESTAMP_LOWER));
        }
        let ours = self.anchor.unix_at(self.now);
        let theirs = Timestamp::from_bits(timestamp).as_unix();
        let distance = ours.abs_diff(theirs);
        let far = distance > self.config.timestamp_window && !self.config.mobile_node_timestamps;
        if far || last == Some(timestamp) {
            return Err(Objection::Refuse(status::TIMESTAMP_MISMATCH));
        }
        Ok(())
    }

    /// RFC 5844 section 4.1: forced UDP is refused where the peer's encapsulation has none.
    fn check_encapsulation(&self, request: &Request) -> Result<(), Objection> {
        let plain = self.encapsulation_of(request) == Encapsulation::Ipv4;
        let over_ipv4 = request.datagram.carrier == Carrier::Udp;
        if over_ipv4 && request.update.force_udp && plain {
            return Err(Objection::Refuse(status::ADMINISTRATIVELY_PROHIBITED));
        }
        Ok(())
    }

    /// The encapsulation that an accepted PBU leads to.
    pub(super) fn encapsulation_of(&self, request: &Request) -> Encapsulation {
        if let Some(agreed) = self.gre_encapsulation(request) {
            return agreed;
        }
        if request.datagram.carrier == Carrier::Ipv6 {
            return Encapsulation::Ipv6;
        }
        let configured = self.configured_encapsulation(request);
        match (request.update.force_udp, configured) {
            (true, Encapsulation::Ipv4Udp) => Encapsulation::Ipv4Udp,
            // Without GRE the header is agreed on all the same (RFC 5845 section 7.2).
            (true, Encapsulation::Ipv4UdpTlv) if request.update.common.tlv_header => configured,
            (true, Encapsulation::Ipv4UdpTlv) => Encapsulation::Ipv4Udp,
            (true | false, _) => Encapsulation::Ipv4,
        }
    }

    pub(super) fn configured_encapsulation(&self, request: &Request) -> Encapsulation {
        let peer = self.directory.peer(&request.peer);
        peer.and_then(|peer| peer.encapsulation)
            .unwrap_or(self.config.encapsulation)
    }

    fn wait(&mut self, mut request: Request, session: SessionId) {
        request.held = true;
        let same = |waiting: &Waiting| {
            waiting.request.mn == request.mn && waiting.request.peer == request.peer
        };
        if let Some(waiting) = self.waiting.iter_mut().find(|waiting| same(waiting)) {
            // A retransmission: the newest is answered, the wait goes on.
            waiting.request = request;
            return;
        }
        if self.waiting.len() >= self.config.limits.pending_creates as usize {
            request.waited = true;
            return self.decide(request);
        }
        let holder = self.cache.get(session).map(|held| Arc::clone(&held.peer));
        let Some(holder) = holder else {
            return;
        };
        let asking = self.ask_old_gateway(&request, session);
        let until = self.now + asking.unwrap_or(self.config.create_wait);
        self.waiting.push(Waiting {
            request,
            session,
            holder,
            until,
        });
        self.arm_waiting();
    }

    fn arm_waiting(&mut self) {
        match self.waiting.iter().map(|waiting| waiting.until).min() {
            Some(until) => {
                self.timers
                    .set(&mut self.waiting_timer, TimerKind::Waiting, until);
            }
            None => self.timers.cancel(self.waiting_timer, TimerKind::Waiting),
        }
    }

    /// The wall clock as a Timestamp option.
    pub(super) fn timestamp_now(&self) -> u64 {
        let unix: Duration = self.anchor.unix_at(self.now);
        Timestamp::from_unix(unix).to_bits()
    }
}

/// Items 7 and 8.
fn check_profile<'a>(
    directory: &'a Directory,
    tenants: &Tenants,
    request: &Request,
) -> Result<&'a Profile, Objection> {
    let profile = directory.profile(tenants, request.peer.tenant, &request.mn);
    let Some(profile) = profile else {
        return Err(Objection::Refuse(status::NOT_LMA_FOR_THIS_MN));
    };
    if !profile.enabled {
        return Err(Objection::Refuse(status::PROXY_REG_NOT_ENABLED));
    }
    Ok(profile)
}

/// Items 10 to 12; RFC 5844 section 3.1.2.1 lets option 36 stand in for option 22, and a customer
/// may do without either.
fn check_options(request: &Request, customer: Option<&Customer>) -> Result<(), Objection> {
    let common = &request.update.common;
    let homeless = common.home_prefixes.is_empty() && request.update.home_requests.is_empty();
    if homeless && !customer.is_some_and(|customer| customer.ignore_home_address) {
        return Err(Objection::Refuse(status::MISSING_HNP));
    }
    if common.handoff.is_none() {
        return Err(Objection::Refuse(status::MISSING_HANDOFF));
    }
    // 0 is reserved (RFC 5213 section 8.5).
    let zero = common.access_technology == Some(0) && !request.zero_technology;
    if common.access_technology.is_none() || zero {
        return Err(Objection::Refuse(status::MISSING_ATT));
    }
    Ok(())
}

/// RFC 5844 section 3.1.2.1 and RFC 7148 section 5.2.2. A home network without addresses of a
/// family does not route it.
fn check_families(
    request: &Request,
    profile: &Profile,
    network: Option<&Network>,
) -> Result<(), Objection> {
    let update = &request.update;
    let routes_ipv6 = network.is_none_or(|network| network.ipv6_pool.is_some());
    let routes_ipv4 = network.is_none_or(|network| network.ipv4_pool.is_some());
    let (has_ipv6, has_ipv4) = (
        profile.service.has_ipv6() && routes_ipv6,
        profile.service.has_ipv4() && routes_ipv4,
    );
    let refusal = if update.home_requests.len() > 1 {
        Some(status::MULTIPLE_IPV4_HOA)
    } else if !update.common.home_prefixes.is_empty() && !has_ipv6 {
        Some(status::NOT_AUTHORIZED_FOR_IPV6)
    } else if !update.home_requests.is_empty() && !has_ipv4 {
        Some(status::NOT_AUTHORIZED_FOR_IPV4)
    } else if !update.common.delegated.is_empty() && !profile.delegation {
        Some(status::NOT_AUTHORIZED_FOR_DMNP)
    } else {
        None
    };
    refusal.map_or(Ok(()), |status| Err(Objection::Refuse(status)))
}

/// Whether a tunnel can end at this address (RFC 6275 section 6.1.7).
const fn is_routable_unicast(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            !(address.is_unspecified()
                || address.is_loopback()
                || address.is_link_local()
                || address.is_multicast()
                || address.is_broadcast())
        }
        IpAddr::V6(address) => {
            !(address.is_unspecified()
                || address.is_loopback()
                || address.is_unicast_link_local()
                || address.is_multicast())
        }
    }
}

fn check_sequence(sequence: u16, last: Option<u16>) -> Result<(), Objection> {
    match last {
        Some(last) if !SequenceNumber(sequence).is_newer_than(SequenceNumber(last)) => {
            Err(Objection::OutOfWindow(last))
        }
        Some(_) | None => Ok(()),
    }
}
