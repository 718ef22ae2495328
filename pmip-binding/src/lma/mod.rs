//! The local mobility anchor.

mod access_network;
mod allocation;
mod allocator;
mod announce;
mod assign;
mod cache;
mod changes;
mod claim;
mod data_mapping;
mod departures;
mod deregistration;
mod directory;
mod extras;
mod forwarding;
mod gre;
mod judge;
mod link;
mod liveness;
mod lookup;
mod nat;
mod notification;
mod paths;
mod peers;
mod protection;
mod rate;
mod reconfigure;
mod records;
mod registration;
mod reply;
mod restore;
mod revocation;
mod revoked;
mod service;
mod show;
mod tenants;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;

use pmip_wire::types::{Instant, PathId};
use pmip_wire::{BindingRevocationStatus, RevocationTrigger};

use crate::config::{ConfigErrors, LmaConfig};
use crate::event::{DropReason, Event, SessionId};
use crate::gre::KeyPool;
use crate::input::{Command, Input};
use crate::io::{Carrier, ClockAnchor, Datagram, Output, Transmit};
use crate::random::Random;
use crate::security::Proof;
use crate::seen::Seen;
use crate::status::{BindingStatus, CustomerStats, PathStatus, Stats};
use crate::timers::{TimerKey, TimerSlot, Timers};
use crate::vrf::VrfId;
use crate::wire::{self, Incoming, Received};

use allocator::Allocator;
use announce::Announcement;
use cache::BindingCache;
use changes::Changes;
use claim::Claims;
use data_mapping::DataChallenges;
use departures::Departures;
use directory::Directory;
use judge::Waiting;
use notification::Notifications;
use paths::PathTable;
use peers::PeerTable;
use protection::Keyring;
use rate::RateLimiter;
use revocation::Revocations;
use tenants::Tenants;

/// Indications of gateways that are recognised when they come again.
const MOST_REVOKED: usize = 16_384;

/// A local mobility anchor: binding cache, pools, paths.
///
/// See the crate documentation for how it is driven. It is `Clone`, so that a test can fork it
/// and try several continuations.
#[derive(Clone, Debug)]
pub struct Lma {
    config: Arc<LmaConfig>,
    directory: Arc<Directory>,
    tenants: Arc<Tenants>,
    keyring: Arc<Keyring>,
    now: Instant,
    anchor: ClockAnchor,
    random: Random,
    cache: BindingCache,
    paths: PathTable,
    peers: PeerTable,
    allocator: Allocator,
    /// Uplink GRE keys.
    keys: KeyPool,
    rate: RateLimiter,
    /// Of authenticated access gateways.
    peer_rate: RateLimiter,
    waiting: Vec<Waiting>,
    revocations: Revocations,
    /// Indications of gateways, and how they were answered.
    revoked: Seen<BindingRevocationStatus>,
    handled_changes: Changes<u64>,
    notifications: Notifications,
    /// One a second for a source without a path.
    reminders: RateLimiter,
    /// Paths that are challenged where they seem to be. Several may seem to be in one place.
    nat_changes: BTreeSet<(VrfId, SocketAddr, PathId)>,
    /// Mappings of tunnelled packets that are challenged.
    data_challenges: DataChallenges,
    claims: Claims,
    /// Addresses from where mobile nodes moved on.
    departures: Departures,
    timers: Timers<TimerKind>,
    waiting_timer: TimerSlot,
    queue: VecDeque<Output>,
    announcement: Option<Announcement>,
    clock_changes: Changes<()>,
    stats: Stats,
    /// By the customer's number.
    customer_stats: BTreeMap<u16, CustomerStats>,
}

/// What a deadline is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum TimerKind {
    /// A path binding of this session is not refreshed in time.
    Expiry(SessionId),
    /// MinDelayBeforeBCEDelete is over.
    Delete(SessionId),
    /// A heartbeat is due or unanswered.
    Heartbeat(PathId),
    /// MaxDelayBeforeNewBCEAssign may be over for a held PBU.
    Waiting,
    /// The revocation with this sequence number is unanswered.
    Revocation(u16),
    /// The update notification with this sequence number is unanswered.
    Notification(u16),
    /// A mapping that changed is not answered for, or not confirmed.
    NatChange(PathId),
    /// Challenges of the mapping of tunnelled packets are unanswered.
    DataMapping(PathId),
}

impl TimerKey for TimerKind {
    /// In the order of the variants, then of session or path.
    fn rank(self) -> u64 {
        let (kind, number) = match self {
            Self::Expiry(session) => (0, session.0),
            Self::Delete(session) => (1, session.0),
            Self::Heartbeat(path) => (2, path.0),
            Self::Waiting => (3, 0),
            Self::Revocation(sequence) => (4, sequence.into()),
            Self::Notification(sequence) => (5, sequence.into()),
            Self::NatChange(path) => (6, path.0),
            Self::DataMapping(path) => (7, path.0),
        };
        (kind << 32) | u64::from(number)
    }
}

/// The uplink GRE keys that are configured, and so never drawn.
fn fixed_keys(config: &LmaConfig) -> impl Iterator<Item = u32> {
    let profiles = config.profiles.iter().filter_map(|p| p.gre_uplink_key);
    profiles.chain(config.customers.iter().filter_map(|c| c.gre_key))
}

impl Lma {
    /// An anchor with an empty binding cache.
    ///
    /// `seed` makes what must not be guessed; `anchor` ties `now` to wall-clock time.
    ///
    /// # Errors
    /// Every mistake of `config`.
    pub fn new(
        config: LmaConfig,
        seed: [u8; 32],
        anchor: ClockAnchor,
        now: Instant,
    ) -> Result<Self, ConfigErrors> {
        config.validate()?;
        let mut random = Random::new(seed);
        let limits = config.limits;
        let config = Arc::new(config);
        let tenants = Arc::new(Tenants::new(&config));
        let reminded = random.next_u64();
        Ok(Self {
            directory: Arc::new(Directory::new(&config, &tenants, random.next_u64())),
            tenants: Arc::clone(&tenants),
            keyring: Arc::new(Keyring::new(&config)),
            now,
            anchor,
            cache: BindingCache::new(random.next_u64()),
            paths: PathTable::new(random.next_u64()),
            peers: PeerTable::new(random.next_u64()),
            allocator: Allocator::new(&config, &tenants),
            keys: KeyPool::new(fixed_keys(&config)),
            rate: RateLimiter::new(limits.sources, limits.updates_per_second, random.next_u64()),
            peer_rate: RateLimiter::new(
                limits.sources,
                limits.updates_per_second,
                random.next_u64(),
            ),
            waiting: Vec::new(),
            revocations: Revocations::default(),
            notifications: Notifications::default(),
            revoked: Seen::new(MOST_REVOKED),
            handled_changes: Changes::default(),
            reminders: RateLimiter::new(limits.sources, 1, reminded),
            nat_changes: BTreeSet::new(),
            data_challenges: DataChallenges::default(),
            claims: Claims::default(),
            departures: Departures::new(limits.sources),
            timers: Timers::new(),
            waiting_timer: TimerSlot::default(),
            queue: VecDeque::new(),
            announcement: None,
            clock_changes: Changes::default(),
            stats: Stats::default(),
            customer_stats: BTreeMap::new(),
            random,
            config,
        })
    }

    /// Tells the engine what happened at `now`. A clock that goes back counts as standing still.
    pub fn handle_input(&mut self, now: Instant, input: Input) {
        self.now = self.now.max(now);
        self.finish_announcement();
        match input {
            Input::Signalling(datagram) => self.on_datagram(&datagram),
            Input::Command(command) => self.on_command(&command),
            Input::ClockStep(anchor) => {
                self.anchor = anchor;
                self.clock_changes.note(());
            }
            Input::Timeout => {}
            // Roaming interfaces and access links are a MAG's.
            Input::Interface(_) | Input::Attachment(_) => {}
        }
        self.run_timers();
    }

    /// What to do next; call until it returns [`Output::Timeout`].
    pub fn poll_output(&mut self) -> Output {
        self.announce()
            .or_else(|| self.queue.pop_front())
            .unwrap_or_else(|| Output::Timeout(self.timers.next()))
    }

    /// The configuration in force.
    pub fn config(&self) -> &LmaConfig {
        &self.config
    }

    /// The mobility sessions, in order of their number.
    pub fn bindings(&self, now: Instant) -> impl Iterator<Item = BindingStatus> + '_ {
        let sessions = self.cache.iter();
        sessions.map(move |(id, session)| self.show_binding(id, session, now))
    }

    /// The paths, in order of their number.
    pub fn paths(&self) -> impl Iterator<Item = PathStatus> + '_ {
        let paths = self.paths.iter();
        paths.map(|(id, path)| self.show_path(id, path))
    }

    /// One path.
    pub fn path_status(&self, id: PathId) -> Option<PathStatus> {
        Some(self.show_path(id, self.paths.get(id)?))
    }

    /// Counters since the start.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// Everything that decides what comes next, as text that two engines have in common only where
    /// they go on alike, for tests that search. Left out is what follows from the rest.
    #[cfg(feature = "testing")]
    pub fn fingerprint(&self) -> String {
        let snapshot = self.snapshot();
        format!("{snapshot:?} {:?} {:?}", self.waiting, self.allocator)
    }

    fn run_timers(&mut self) {
        while let Some(timer) = self.timers.pop_due(self.now) {
            match timer {
                TimerKind::Expiry(session) => self.expire(session),
                TimerKind::Delete(session) => self.end_session(session, "de-registered"),
                TimerKind::Heartbeat(path) => self.beat(path),
                TimerKind::Waiting => self.release_overdue(),
                TimerKind::Revocation(sequence) => self.revocation_overdue(sequence),
                TimerKind::Notification(sequence) => self.notification_overdue(sequence),
                TimerKind::NatChange(path) => self.nat_change_due(path),
                TimerKind::DataMapping(path) => self.data_challenge_due(path),
            }
        }
    }

    fn on_datagram(&mut self, datagram: &Datagram) {
        self.stats.received = self.stats.received.saturating_add(1);
        if self.tenant_of(datagram).is_none() {
            return self.drop_datagram(DropReason::UnknownAddress, datagram);
        }
        let incoming = match self.understand(datagram) {
            Ok(incoming) => incoming,
            Err(reason) => return self.drop_datagram(reason, datagram),
        };
        if self.is_rationed(datagram, &incoming) && !self.is_within_rate(datagram) {
            return self.drop_datagram(DropReason::RateLimited, datagram);
        }
        if let Err(reason) = self.admit(datagram, &incoming) {
            return self.drop_datagram(reason, datagram);
        }
        let proof = incoming.proof;
        match incoming.content {
            Received::Update(update) => self.on_update(datagram, update, proof, incoming.cut),
            Received::Heartbeat(heartbeat) => self.on_heartbeat(datagram, &heartbeat, proof),
            Received::Revocation(indication) => self.on_revocation(datagram, &indication, proof),
            Received::RevocationAnswer(answer) => {
                self.on_revocation_answer(datagram, &answer, proof);
            }
            Received::NotificationAnswer(answer) => {
                self.on_notification_answer(datagram, &answer, proof);
            }
            Received::TypeRefused => self.on_type_refused(datagram, proof),
            Received::UnknownType => self.on_unknown_type(datagram, proof),
            Received::Acknowledgement(_) | Received::Notification(_) | Received::Unexpected => {
                self.drop_datagram(DropReason::UnexpectedMessage, datagram);
            }
        }
    }

    /// Whether a message counts against its source's allowance: PBUs, and what makes us answer a
    /// stranger. Anything else costs next to nothing; were it counted, a flood with a gateway's
    /// address as source would keep its heartbeats away and kill its paths.
    fn is_rationed(&self, datagram: &Datagram, incoming: &Incoming) -> bool {
        match &incoming.content {
            // What is authentic is counted once it is known to be fresh.
            Received::Update(_) => incoming.proof.valid().is_none(),
            Received::Revocation(_) | Received::UnknownType => true,
            Received::Heartbeat(beat) => !beat.response && !self.is_of_path(datagram),
            Received::Acknowledgement(_)
            | Received::RevocationAnswer(_)
            | Received::Notification(_)
            | Received::NotificationAnswer(_)
            | Received::TypeRefused
            | Received::Unexpected => false,
        }
    }

    /// Counts a message of its source.
    pub(super) fn is_within_rate(&mut self, datagram: &Datagram) -> bool {
        let source = (datagram.vrf, datagram.source.ip());
        self.rate.admit(self.now, source)
    }

    fn is_of_path(&self, datagram: &Datagram) -> bool {
        match datagram.carrier {
            Carrier::Tunnel(_) => true,
            Carrier::Udp | Carrier::Ipv6 => !self.paths_of_datagram(datagram).is_empty(),
            Carrier::UnknownTunnel => false,
        }
    }

    fn on_command(&mut self, command: &Command) {
        match command {
            // The bindings outlive the program: a snapshot goes on with them, and without one the
            // gateways see the restart counter.
            Command::Shutdown => {}
            Command::ClearBinding { nai } => {
                self.revoke_mobile_node(nai, RevocationTrigger::AdministrativeReason);
            }
            Command::ClearBindings => self.revoke_everything(),
            Command::Revoke(what) => self.revoke(what),
            Command::Notify(notify) => self.notify(notify),
        }
    }

    /// RFC 6275 section 9.3.3: the peer does not know a message type that we sent.
    fn on_type_refused(&mut self, datagram: &Datagram, proof: Proof) {
        let refused =
            self.revocation_refused(datagram, proof) || self.notification_refused(datagram, proof);
        if !refused {
            self.on_heartbeat_refused(datagram, proof);
        }
    }

    /// RFC 6275 section 9.2: a message of an unknown type is answered with a Binding Error.
    fn on_unknown_type(&mut self, datagram: &Datagram, proof: Proof) {
        self.drop_datagram(DropReason::UnexpectedMessage, datagram);
        if datagram.carrier == Carrier::Udp || datagram.carrier == Carrier::Ipv6 {
            self.reply(datagram, proof, None, &wire::unrecognized_type());
        }
    }

    fn drop_datagram(&mut self, reason: DropReason, datagram: &Datagram) {
        self.stats.count_drop(reason);
        let from = datagram.source;
        self.emit(Event::Dropped { reason, from });
    }

    fn emit(&mut self, event: Event) {
        self.queue.push_back(Output::Event(event));
    }

    fn transmit(&mut self, transmit: Transmit) {
        self.stats.sent = self.stats.sent.saturating_add(1);
        self.queue.push_back(Output::Transmit(transmit));
    }
}
