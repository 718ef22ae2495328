//! A new anchor from a snapshot.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use pmip_wire::BindingRevocationStatus;
use pmip_wire::types::{Instant, IpPrefix, PathId};
use smallvec::SmallVec;

use crate::config::{LmaConfig, Network};
use crate::event::SessionId;
use crate::heartbeat::Heartbeat;
use crate::io::ClockAnchor;
use crate::link::{Link, Weights};
use crate::message::Identifier;
use crate::seen::Outcome;
use crate::snapshot::{
    BindingRecord, GreRecord, HandledRecord, LmaSnapshot, PathRecord, PeerName, PeerRecord,
    Refusal, RefusalReason, RefusedRecord, RememberedRecord, RestoreError, SNAPSHOT_VERSION,
    SessionRecord,
};
use crate::timers::TimerSlot;
use crate::vrf::VrfId;

use super::allocation::Holdings;
use super::allocator::Remembered;
use super::announce::Announcement;
use super::cache::{HomeAddress, MagName, Mark, PathBinding, PeerKey, Session};
use super::gre::GreBinding;
use super::paths::{Path, PathKey};
use super::tenants::Tenant;
use super::{Lma, TimerKind};

/// The shortest time.
const TICK: Duration = Duration::from_nanos(1);

/// A restoration under way.
struct Restoration {
    lma: Lma,
    /// What the moments of the snapshot are tied to, and what ours are.
    before: ClockAnchor,
    after: ClockAnchor,
    /// The new numbers of the paths.
    paths: BTreeMap<PathId, PathId>,
    refusals: Vec<Refusal>,
}

impl Lma {
    /// An anchor that goes on where the one of `snapshot` was: refreshes with the next Timestamp
    /// or sequence number are accepted and old ones are not, what is held is not given out again,
    /// and what nobody refreshes ends at its time. Paths are heard of by heartbeat soon.
    ///
    /// What the configuration no longer allows, or contradicts another record, is left out and
    /// given back with the reason. The first outputs install what was restored. Sessions and
    /// paths keep their numbers as far as those are sensible.
    ///
    /// # Errors
    /// Every mistake of `config`, or a snapshot of another version.
    pub fn restore(
        config: LmaConfig,
        snapshot: &LmaSnapshot,
        seed: [u8; 32],
        clock: ClockAnchor,
        now: Instant,
    ) -> Result<(Self, Vec<Refusal>), RestoreError> {
        if !(1..=SNAPSHOT_VERSION).contains(&snapshot.version) {
            let found = snapshot.version;
            return Err(RestoreError::Version { found });
        }
        let lma = Self::new(config, seed, clock, now)?;
        let mut restoration = Restoration {
            lma,
            before: snapshot.clock,
            after: clock,
            paths: BTreeMap::new(),
            refusals: Vec::new(),
        };
        restoration.run(snapshot);
        Ok((restoration.lma, restoration.refusals))
    }
}

impl Restoration {
    fn run(&mut self, snapshot: &LmaSnapshot) {
        for record in snapshot.paths() {
            if let Err(reason) = self.path(record, snapshot) {
                self.refuse(RefusedRecord::Path(record.path), reason);
            }
        }
        for record in snapshot.sessions() {
            if let Err(reason) = self.session(record, snapshot) {
                self.refuse(RefusedRecord::Session(record.session), reason);
            }
        }
        self.drop_unused_paths();
        for record in snapshot.peers() {
            let since = self.since(record);
            if let Some(key) = self.peer_key(&record.peer) {
                self.lma.peers.restore(&key, record, since);
            }
        }
        let mut remembered: Vec<&RememberedRecord> = snapshot.remembered().collect();
        remembered.sort_by_key(|record| record.until);
        for record in remembered {
            self.remembered(record);
        }
        self.departures(snapshot);
        self.handled(snapshot);
        self.lma.queue.clear();
        let restarted = snapshot.restart_counter != self.lma.config.restart_counter;
        self.lma.announcement = Some(Announcement::new(restarted));
    }

    fn refuse(&mut self, record: RefusedRecord, reason: RefusalReason) {
        self.refusals.push(Refusal { record, reason });
    }

    /// A moment of the snapshot in our time.
    fn moment(&self, moment: Instant) -> Instant {
        let unix = self.before.unix_at(moment);
        let ahead = unix.saturating_sub(self.after.unix);
        let behind = self.after.unix.saturating_sub(unix);
        (self.after.instant + ahead) - behind
    }

    fn path(&mut self, record: &PathRecord, snapshot: &LmaSnapshot) -> Result<(), RefusalReason> {
        let key = self.path_key(record)?;
        let peer = Arc::clone(&key.peer);
        let link = link_of(record);
        let path = Path {
            key,
            observed: record.observed,
            observed_data: record.observed_data.map(Box::new),
            nat: record.nat,
            nat_change: None,
            encapsulation: record.encapsulation,
            label: record.label,
            access_technology: record.access_technology,
            weight: self.lma.weight_of(record.label, link.as_deref()),
            link_told: link.is_none(),
            link,
            heartbeat: None,
            timer: TimerSlot::default(),
            sessions: 0,
            installed: None,
            reported: None,
        };
        let wanted = sensible(record.path.0, snapshot.paths.len());
        let id = self.lma.paths.insert_as(wanted, path);
        self.lma.peers.add_path(&peer);
        self.paths.insert(record.path, id);
        let peer = snapshot.peers.get(&record.peer);
        self.watch(id, record, peer.is_some_and(|peer| peer.lacks_heartbeat));
        Ok(())
    }

    fn path_key(&self, record: &PathRecord) -> Result<PathKey, RefusalReason> {
        let peer = self.peer_key(&record.peer);
        let peer = peer.ok_or(RefusalReason::UnknownCustomer)?;
        let peer = self.lma.peers.shared(&peer);
        let config = &self.lma.config;
        if self.lma.directory.peer(&peer).is_none() && !config.dynamic_mag_learning {
            return Err(RefusalReason::UnknownPeer);
        }
        if !self.lma.tenants.has_address(peer.tenant, record.local) {
            return Err(RefusalReason::UnknownAddress);
        }
        let key = PathKey {
            peer,
            local: record.local,
            care_of: record.care_of,
            binding_id: record.binding_id,
        };
        match self.lma.paths.by_key(&key) {
            Some(_) => Err(RefusalReason::SamePath),
            None => Ok(key),
        }
    }

    /// The first heartbeats are spread over an interval.
    fn watch(&mut self, id: PathId, record: &PathRecord, lacks_heartbeat: bool) {
        let lma = &mut self.lma;
        if lacks_heartbeat {
            return;
        }
        let tenant = lma.paths.get(id).map(|path| path.key.peer.tenant);
        let rules = lma.tenants.heartbeat(tenant.unwrap_or_default());
        let Some(rule) = rules.for_label(record.label).copied() else {
            return;
        };
        let span = u64::try_from(rule.interval.as_millis()).unwrap_or(u64::MAX);
        let delay = Duration::from_millis(lma.random.below(span));
        let first = lma.random.next_u32();
        let mut heartbeat = Heartbeat::new(rule, first, lma.now + delay);
        if !record.alive {
            heartbeat.mark_dead(lma.now);
        }
        let deadline = heartbeat.deadline();
        if let Some(path) = lma.paths.get_mut(id) {
            path.heartbeat = Some(Box::new(heartbeat));
            lma.timers
                .set(&mut path.timer, TimerKind::Heartbeat(id), deadline);
        }
    }

    fn session(
        &mut self,
        record: &SessionRecord,
        snapshot: &LmaSnapshot,
    ) -> Result<(), RefusalReason> {
        let peer = self.peer_key(&record.peer);
        let peer = peer.ok_or(RefusalReason::UnknownCustomer)?;
        self.check_limits(peer.tenant, record)?;
        let deleted_at = self.deleted_at(record);
        if deleted_at.is_some_and(|at| at <= self.lma.now) {
            return Err(RefusalReason::Lapsed);
        }
        let paths = match deleted_at {
            Some(_) => SmallVec::new(),
            None => self.bindings(record)?,
        };
        let mn = Identifier::nai(&record.mn_id);
        let holdings = self.claim(peer.tenant, &mn, record)?;
        let peer = self.lma.peers.shared(&peer);
        let care_of = record.last_care_of;
        let mut session = Session::new(&mn, &record.link_layer, peer, care_of, &holdings);
        session.access_technology = record.access_technology;
        session.link_local = record.link_local.map(Box::new);
        session.multipath = record.multipath;
        session.refreshed = self.refreshed(record, snapshot);
        for mark in &record.marks {
            let order = Mark {
                timestamp: mark.timestamp,
                sequence: mark.sequence,
            };
            session.set_mark(mark.binding_id, order);
        }
        session.paths = paths;
        session.set_deleted_at(deleted_at);
        self.gre(&mut session, record);
        if record.access_network.is_some() || record.service_selection.is_some() {
            let extras = session.extras_mut();
            extras.access_network.clone_from(&record.access_network);
            extras.service = record.service_selection.clone().map(Into::into);
        }
        self.admit(record.session, session, snapshot.sessions.len());
        Ok(())
    }

    fn check_limits(&self, tenant: Tenant, record: &SessionRecord) -> Result<(), RefusalReason> {
        let limits = self.lma.config.limits;
        let many_paths = record.paths.len() > limits.paths_per_binding.into();
        let many_networks = record.delegated.len() > limits.delegated_per_binding.into();
        let full = !self
            .lma
            .has_room_for(tenant, &Identifier::nai(&record.mn_id));
        let many_homes = record.home_prefixes.len() > limits.home_prefixes_per_binding.into();
        if full || many_paths || many_networks || many_homes {
            return Err(RefusalReason::TooMany);
        }
        let most = usize::from(u8::MAX) - 1;
        let is_named = (1..=most).contains(&record.mn_id.len());
        if !is_named || record.link_layer.len() > most || record.home_prefixes.len() > most {
            return Err(RefusalReason::Name);
        }
        Ok(())
    }

    /// A key that another session has is left out: the gateway gets another one at its next PBU,
    /// as RFC 5845 section 3.3.2 allows after a restart.
    fn gre(&mut self, session: &mut Session, record: &SessionRecord) {
        let most = usize::from(self.lma.config.limits.paths_per_binding);
        let (tenants, tenant) = (&self.lma.tenants, session.peer.tenant);
        let directory = &self.lma.directory;
        let profile = directory.profile(tenants, tenant, &session.mn());
        let fixed = tenants.gre_key(tenant, profile);
        for record in record.gre.iter().take(most) {
            let free = |key: &u32| Some(*key) == fixed || self.lma.keys.claim(*key);
            let GreRecord {
                binding_id,
                agreed,
                uplink,
                downlink,
            } = *record;
            session.extras_mut().gre.push(GreBinding {
                binding_id,
                agreed,
                uplink: uplink.filter(free),
                downlink,
            });
        }
    }

    fn admit(&mut self, wanted: SessionId, session: Session, count: usize) {
        for binding in &session.paths {
            if let Some(path) = self.lma.paths.get_mut(binding.path) {
                path.sessions = path.sessions.saturating_add(1);
            }
        }
        let deleted_at = session.deleted_at();
        let lma = &mut self.lma;
        let id = lma.cache.insert_as(sensible(wanted.0, count), session);
        match (deleted_at, lma.cache.get_mut(id)) {
            (Some(at), Some(session)) => {
                lma.timers
                    .set(&mut session.timer, TimerKind::Delete(id), at);
            }
            (Some(_) | None, Some(_) | None) => lma.arm_expiry(id),
        }
    }

    /// The end of the delete wait, never later than if it began now.
    fn deleted_at(&self, record: &SessionRecord) -> Option<Instant> {
        let latest = self.lma.now + self.lma.config.delete_wait;
        Some(self.moment(record.deleted_at?).min(latest))
    }

    /// The paths of a session that go on. None with a rest of lifetime is an end of the session.
    fn bindings(
        &mut self,
        record: &SessionRecord,
    ) -> Result<SmallVec<[PathBinding; 2]>, RefusalReason> {
        let mut kept: SmallVec<[PathBinding; 2]> = SmallVec::new();
        let mut last = RefusalReason::Lapsed;
        for binding in &record.paths {
            match self.binding(binding, &kept) {
                Ok(binding) => kept.push(binding),
                Err(reason) => {
                    let which = RefusedRecord::Binding(record.session, binding.binding_id);
                    self.refuse(which, reason);
                    last = reason;
                }
            }
        }
        if kept.is_empty() { Err(last) } else { Ok(kept) }
    }

    fn binding(
        &self,
        record: &BindingRecord,
        others: &[PathBinding],
    ) -> Result<PathBinding, RefusalReason> {
        let path = self.paths.get(&record.path).copied();
        let path = path.ok_or(RefusalReason::UnknownPath)?;
        let mut others = others.iter();
        if others.any(|other| other.binding_id == record.binding_id) {
            return Err(RefusalReason::SameBindingId);
        }
        let mut binding = PathBinding {
            expires: self.moment(record.expires),
            path,
            lifetime: record.lifetime,
            binding_id: record.binding_id,
        };
        // No rest is longer than the whole.
        binding.expires = binding.expires.min(self.lma.now + binding.lifetime());
        if binding.expires <= self.lma.now {
            return Err(RefusalReason::Lapsed);
        }
        Ok(binding)
    }

    /// Before or after the gateway's counter was first seen: that must stay so, also where both
    /// lie before the beginning of our time.
    fn refreshed(&self, record: &SessionRecord, snapshot: &LmaSnapshot) -> Instant {
        let refreshed = self.moment(record.refreshed);
        let Some(peer) = snapshot.peers.get(&record.peer) else {
            return refreshed;
        };
        let since = self.since(peer);
        if record.refreshed >= peer.since {
            refreshed.max(since)
        } else {
            refreshed.min(since - TICK)
        }
    }

    /// When a gateway's counter was first seen; never so early that nothing can be before.
    fn since(&self, peer: &PeerRecord) -> Instant {
        let since = self.moment(peer.since);
        let known = peer.restart_counter.is_some();
        since.max(Instant::ZERO + if known { TICK } else { Duration::ZERO })
    }

    /// Everything that the session held, or nothing.
    fn claim(
        &mut self,
        tenant: Tenant,
        mn: &Identifier,
        record: &SessionRecord,
    ) -> Result<Holdings, RefusalReason> {
        let directory = Arc::clone(&self.lma.directory);
        let tenants = Arc::clone(&self.lma.tenants);
        let profile = directory.profile(&tenants, tenant, mn);
        let profile = profile.filter(|profile| profile.enabled);
        let profile = profile.ok_or(RefusalReason::NoProfile)?;
        let network = tenants.network(tenant, profile);
        let home = record.ipv4_home;
        let holdings = Holdings {
            home_prefixes: record.home_prefixes.as_slice().into(),
            ipv4_home: home.map(|(address, prefix_length, router)| HomeAddress {
                address,
                prefix_length,
                router,
            }),
            delegated: record.delegated.as_slice().into(),
        };
        let homes = holdings.home_prefixes.len() + usize::from(home.is_some());
        for (index, prefix) in holdings.prefixes().enumerate() {
            if let Err(reason) = self.claim_one(tenant, network, prefix, index < homes) {
                let claimed = holdings.prefixes().take(index);
                claimed.for_each(|prefix| self.lma.allocator.release(tenant.traffic, prefix));
                return Err(reason);
            }
        }
        Ok(holdings)
    }

    fn claim_one(
        &mut self,
        tenant: Tenant,
        network: Option<&Network>,
        prefix: IpPrefix,
        is_home: bool,
    ) -> Result<(), RefusalReason> {
        let takes_any = self.lma.tenants.takes_any(tenant, network);
        let space = self.lma.allocator.space(tenant.traffic);
        let name = network.map_or("", |network| network.name.as_str());
        let ours = if is_home {
            space.owns_home(name, prefix)
        } else {
            takes_any || space.owns_mobile(name, prefix)
        };
        match ours {
            false => Err(RefusalReason::OutsidePools(prefix)),
            true if space.claim(prefix) => Ok(()),
            true => Err(RefusalReason::InUse(prefix)),
        }
    }

    fn drop_unused_paths(&mut self) {
        let unused = self.lma.paths.iter().filter(|(_, path)| path.sessions == 0);
        let unused: Vec<PathId> = unused.map(|(id, _)| id).collect();
        for id in unused {
            self.lma.release_path(id);
        }
    }

    fn remembered(&mut self, record: &RememberedRecord) {
        let latest = self.lma.now + self.lma.config.prefix_memory;
        let until = self.moment(record.until).min(latest);
        let what = Remembered {
            home_prefixes: record.home_prefixes.as_slice().into(),
            ipv4_home: record.ipv4_home,
            delegated: record.delegated.as_slice().into(),
        };
        if until <= self.lma.now {
            let which = RefusedRecord::Remembered(record.mn_id.clone());
            return self.refuse(which, RefusalReason::Lapsed);
        }
        let mn = Identifier::nai(&record.mn_id);
        let tenant = self.lma.tenants.named(record.customer.as_deref());
        let Some(tenant) = tenant else {
            let which = RefusedRecord::Remembered(record.mn_id.clone());
            return self.refuse(which, RefusalReason::UnknownCustomer);
        };
        self.lma.allocator.remember(tenant, mn, until, what);
    }
}

impl Restoration {
    /// Gateways are not asked for what moved on from them.
    fn departures(&mut self, snapshot: &LmaSnapshot) {
        for record in snapshot.departures() {
            let config = &self.lma.config;
            let vrf = match &record.vrf {
                None => Some(VrfId::DEFAULT),
                Some(name) => config.vrf(name),
            };
            if let Some(vrf) = vrf {
                let at = self.moment(record.at).min(self.lma.now);
                self.lma.departures.note(at, (vrf, record.source));
            }
        }
    }

    /// What was handled is not done once more.
    fn handled(&mut self, snapshot: &LmaSnapshot) {
        let mut records: Vec<&HandledRecord> = snapshot.handled().collect();
        records.sort_by_key(|record| record.at);
        for record in records {
            let at = self.moment(record.at).min(self.lma.now);
            let what = BindingRevocationStatus::from_code(record.status);
            let outcome = Outcome { what, at };
            self.lma
                .revoked
                .restore(self.lma.now, record.digest, outcome);
        }
    }
}

/// What the gateway told of the link; `None` = nothing.
fn link_of(record: &PathRecord) -> Option<Box<Link>> {
    let weights = record.weights.map(|(up, down)| Weights { up, down });
    let link = Link {
        label: record.label_name.clone(),
        interface: record.interface.clone(),
        weights: weights.filter(|weights| (1..=100).contains(&weights.down)),
    };
    (link != Link::default()).then(|| Box::new(link))
}

impl Restoration {
    /// A gateway by its name; `None` where its customer is no more.
    fn peer_key(&self, name: &PeerName) -> Option<PeerKey> {
        let (customer, name) = match name {
            PeerName::Identifier {
                subtype,
                octets,
                customer,
            } => {
                let identifier = Identifier::new(*subtype, octets);
                (customer, MagName::Identifier(identifier))
            }
            PeerName::Address {
                source,
                care_of,
                customer,
            } => {
                let (source, care_of) = (*source, *care_of);
                (customer, MagName::Address { source, care_of })
            }
        };
        let tenant = self.lma.tenants.named(customer.as_deref())?;
        Some(PeerKey { tenant, name })
    }
}

/// A number to keep if it can be one of a slab that held some more than `count` items: another
/// would cost memory.
fn sensible(number: u32, count: usize) -> Option<u32> {
    let most = count.saturating_mul(2).saturating_add(1024);
    (number as usize <= most).then_some(number)
}
