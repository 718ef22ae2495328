//! The mobile access gateway.

mod access_network;
mod advertise;
mod answer;
mod attach;
mod build;
mod clock;
mod families;
mod gre;
mod interfaces;
mod link;
mod list;
mod liveness;
mod notification;
mod orders;
mod pace;
mod paths;
mod protection;
mod reconfigure;
mod refusal;
mod register;
mod revocation;
mod revoked;
mod service;
mod show;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use pmip_wire::types::{Instant, PathId};
use pmip_wire::{BindingRevocationStatus, Timestamp, UpdateNotificationStatus};

use crate::config::{ConfigErrors, MagConfig};
use crate::event::{DropReason, Event, SessionId};
use crate::input::{Attachment, Command, Input};
use crate::io::{Carrier, ClockAnchor, Datagram, Output, Transmit};
use crate::message::Identifier;
use crate::random::Random;
use crate::seen::Seen;
use crate::slab::Slab;
use crate::status::{BindingStatus, PathStatus, Stats};
use crate::timers::{KeyedTimers, TimerKey};
use crate::wire::{self, Received};

use gre::GreTable;
use interfaces::Interface;
use list::Entry;
use liveness::Anchor;
use notification::Handled;
use paths::Path;
use protection::Keyring;
use revocation::Revocations;

/// Indications, and notifications, of anchors that are recognised when they come again.
const MOST_SEEN: usize = 4_096;

/// A mobile access gateway: binding update list, paths.
///
/// See the crate documentation for how it is driven. It is `Clone`, so that a test can fork it
/// and try several continuations.
#[derive(Clone, Debug)]
pub struct Mag {
    config: Arc<MagConfig>,
    keyring: Arc<Keyring>,
    now: Instant,
    clock: ClockAnchor,
    random: Random,
    interfaces: Vec<Interface>,
    anchors: Vec<Anchor>,
    paths: BTreeMap<PathId, Path>,
    list: Slab<Entry>,
    by_mn: BTreeMap<Identifier, SessionId>,
    gre: GreTable,
    timers: KeyedTimers<TimerKind>,
    revocations: Revocations,
    handled: VecDeque<Handled>,
    /// Indications and notifications of anchors, and how they were answered.
    revoked: Seen<BindingRevocationStatus>,
    notified: Seen<UpdateNotificationStatus>,
    queue: VecDeque<Output>,
    stats: Stats,
    last_timestamp: u64,
    shutting_down: bool,
}

/// What a deadline is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum TimerKind {
    /// A PBU is unanswered.
    Retransmit(SessionId, u8),
    /// A binding must be refreshed.
    Refresh(SessionId, u8),
    /// A binding ends at the anchor.
    Expiry(SessionId, u8),
    /// A refused path may ask again.
    Again(SessionId, u8),
    /// A heartbeat is due or unanswered.
    Heartbeat(PathId),
    /// The mapping of tunnelled packets must be shown or kept alive.
    KeepAlive(PathId),
    /// A change of the access network must be told.
    AccessNetwork(SessionId),
    /// With multipath off: a better interface may have been up for long enough.
    Return,
    /// A mobile node whose bindings were revoked may register anew.
    Revoked(SessionId),
    /// The revocation with this sequence number is unanswered.
    Revocation(u16),
    /// The clock of the anchor in this place may be right by now.
    Clock(u32),
}

impl TimerKey for TimerKind {
    /// In the order of the variants, then of session or path, then of the Binding ID.
    fn rank(self) -> u64 {
        let (kind, number, binding_id) = match self {
            Self::Retransmit(session, binding_id) => (0, session.0, binding_id),
            Self::Refresh(session, binding_id) => (1, session.0, binding_id),
            Self::Expiry(session, binding_id) => (2, session.0, binding_id),
            Self::Again(session, binding_id) => (3, session.0, binding_id),
            Self::Heartbeat(path) => (4, path.0, 0),
            Self::KeepAlive(path) => (5, path.0, 0),
            Self::Return => (6, 0, 0),
            Self::AccessNetwork(session) => (7, session.0, 0),
            Self::Revoked(session) => (8, session.0, 0),
            Self::Revocation(sequence) => (9, sequence.into(), 0),
            Self::Clock(lma) => (10, lma, 0),
        };
        (kind << 40) | (u64::from(number) << 8) | u64::from(binding_id)
    }
}

impl Mag {
    /// A gateway whose roaming interfaces are all down: tell it what is up by
    /// [`Input::Interface`].
    ///
    /// `seed` makes what must not be guessed; `clock` ties `now` to wall-clock time.
    ///
    /// # Errors
    /// Every mistake of `config`.
    pub fn new(
        config: MagConfig,
        seed: [u8; 32],
        clock: ClockAnchor,
        now: Instant,
    ) -> Result<Self, ConfigErrors> {
        config.validate()?;
        let interfaces = config.roaming_interfaces.iter();
        let anchors = config.lmas.iter();
        let nodes = config.logical_mobile_nodes.iter();
        let mut mag = Self {
            keyring: Arc::new(Keyring::new(&config)),
            now,
            clock,
            random: Random::new(seed),
            interfaces: interfaces.map(|_| Interface::default()).collect(),
            anchors: anchors.map(|_| Anchor::default()).collect(),
            paths: BTreeMap::new(),
            list: Slab::new(),
            by_mn: BTreeMap::new(),
            gre: GreTable::new(nodes.filter_map(|node| node.gre_downlink_key)),
            timers: KeyedTimers::new(),
            revocations: Revocations::default(),
            handled: VecDeque::new(),
            revoked: Seen::new(MOST_SEEN),
            notified: Seen::new(MOST_SEEN),
            queue: VecDeque::new(),
            stats: Stats::default(),
            last_timestamp: 0,
            shutting_down: false,
            config: Arc::new(config),
        };
        mag.make_paths();
        mag.attach_logical_nodes();
        Ok(mag)
    }

    /// Tells the engine what happened at `now`. A clock that goes back counts as standing still.
    pub fn handle_input(&mut self, now: Instant, input: Input) {
        self.now = self.now.max(now);
        match input {
            Input::Signalling(datagram) => self.on_datagram(&datagram),
            Input::Interface(change) => self.on_interface(change),
            Input::Attachment(Attachment::Attach(node)) => self.attach(&node),
            Input::Attachment(Attachment::AccessNetwork { nai, network }) => {
                self.on_access_network(&nai, network.as_ref());
            }
            Input::Attachment(Attachment::Solicit { nai }) => self.on_solicitation(&nai),
            Input::Attachment(Attachment::LinkLocal { nai, address }) => {
                self.on_link_local(&nai, address);
            }
            Input::Attachment(Attachment::Detach { nai }) => self.detach(&nai),
            Input::Command(command) => self.on_command(&command),
            Input::ClockStep(clock) => self.on_clock(clock),
            Input::Timeout => {}
        }
        self.run_timers();
    }

    /// What to do next; call until it returns [`Output::Timeout`].
    pub fn poll_output(&mut self) -> Output {
        self.queue
            .pop_front()
            .unwrap_or_else(|| Output::Timeout(self.timers.next()))
    }

    /// The configuration in force.
    pub fn config(&self) -> &MagConfig {
        &self.config
    }

    /// The position, from 1, of the roaming interface that carries `path`.
    pub fn interface_of(&self, path: PathId) -> Option<u8> {
        let known = self.paths.contains_key(&path);
        known.then(|| list::path_parts(path).1)
    }

    /// Whether a shutdown is complete: everything is de-registered or given up.
    pub fn is_shut_down(&self) -> bool {
        self.shutting_down && self.list.len() == 0
    }

    /// The mobility sessions, in order of their number.
    pub fn bindings(&self, now: Instant) -> impl Iterator<Item = BindingStatus> + '_ {
        let entries = self.list.iter();
        entries.map(move |(id, entry)| self.show_entry(SessionId(id), entry, now))
    }

    /// The mobility session of one mobile node.
    pub fn binding(&self, nai: &str, now: Instant) -> Option<BindingStatus> {
        let id = *self.by_mn.get(&Identifier::nai(nai))?;
        Some(self.show_entry(id, self.entry(id)?, now))
    }

    /// The paths, one per anchor and roaming interface, in order of their number.
    pub fn paths(&self) -> impl Iterator<Item = PathStatus> + '_ {
        self.paths
            .iter()
            .map(|(id, path)| self.show_path(*id, path))
    }

    /// One path.
    pub fn path_status(&self, id: PathId) -> Option<PathStatus> {
        Some(self.show_path(id, self.paths.get(&id)?))
    }

    /// Counters since the start.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    fn run_timers(&mut self) {
        while let Some(timer) = self.timers.pop_due(self.now) {
            match timer {
                TimerKind::Retransmit(id, binding_id) => self.retransmit(id, binding_id),
                TimerKind::Refresh(id, binding_id) => self.refresh(id, binding_id),
                TimerKind::Expiry(id, binding_id) => self.expire(id, binding_id),
                TimerKind::Again(id, binding_id) => self.try_again(id, binding_id),
                TimerKind::Heartbeat(path) => self.beat(path),
                TimerKind::KeepAlive(path) => self.show_mapping(path),
                TimerKind::AccessNetwork(id) => self.report_change(id),
                TimerKind::Return => self.drive_all(),
                TimerKind::Revoked(id) => self.revocation_over(id),
                TimerKind::Revocation(sequence) => self.revocation_overdue(sequence),
                TimerKind::Clock(lma) => self.ask_for_time(lma),
            }
        }
    }

    fn on_datagram(&mut self, datagram: &Datagram) {
        self.stats.received = self.stats.received.saturating_add(1);
        // Inside tunnels only heartbeats and binding errors (signalling rules section 9).
        let direct = matches!(datagram.carrier, Carrier::Udp | Carrier::Ipv6);
        match self.understand(datagram) {
            Ok(Received::Heartbeat(beat)) => self.on_heartbeat(datagram, &beat),
            Ok(Received::TypeRefused) => self.on_type_refused(datagram),
            Ok(Received::Notification(notification)) if direct => {
                self.on_notification(datagram, &notification);
            }
            Ok(Received::Revocation(indication)) if direct => {
                self.on_revocation(datagram, &indication);
            }
            Ok(Received::RevocationAnswer(answer)) if direct => {
                self.on_revocation_answer(datagram, &answer);
            }
            Ok(Received::Acknowledgement(answer)) if direct => self.on_answer(datagram, &answer),
            Ok(Received::UnknownType) if direct => {
                self.drop_datagram(DropReason::UnexpectedMessage, datagram);
                self.reply(datagram, &wire::unrecognized_type());
            }
            Ok(
                Received::Acknowledgement(_)
                | Received::Update(_)
                | Received::Notification(_)
                | Received::NotificationAnswer(_)
                | Received::Revocation(_)
                | Received::RevocationAnswer(_)
                | Received::UnknownType
                | Received::Unexpected,
            ) => {
                self.drop_datagram(DropReason::UnexpectedMessage, datagram);
            }
            Err(reason) => self.drop_datagram(reason, datagram),
        }
    }

    fn on_command(&mut self, command: &Command) {
        match command {
            Command::Shutdown => {
                self.shutting_down = true;
                for id in self.ids() {
                    self.close(id, false);
                }
            }
            Command::ClearBinding { nai } => {
                self.forget_refusals();
                let found = self.by_mn.get(&Identifier::nai(nai)).copied();
                if let Some(id) = found {
                    self.close(id, true);
                }
            }
            Command::ClearBindings => {
                self.forget_refusals();
                for id in self.ids() {
                    self.close(id, true);
                }
            }
            Command::Revoke(what) => self.revoke(what),
            // RFC 7077: only anchors notify.
            Command::Notify(_) => {}
        }
    }

    /// RFC 6275 section 9.3.3: the anchor does not know a message type that we sent.
    fn on_type_refused(&mut self, datagram: &Datagram) {
        if !self.revocation_refused(datagram) {
            self.on_heartbeat_refused(datagram);
        }
    }

    fn ids(&self) -> Vec<SessionId> {
        self.list.iter().map(|(id, _)| SessionId(id)).collect()
    }

    fn entry(&self, id: SessionId) -> Option<&Entry> {
        self.list.get(id.0)
    }

    fn entry_mut(&mut self, id: SessionId) -> Option<&mut Entry> {
        self.list.get_mut(id.0)
    }

    /// The wall clock as a Timestamp option, later than every one before.
    fn next_timestamp(&mut self) -> u64 {
        let clock = Timestamp::from_unix(self.clock.unix_at(self.now)).to_bits();
        // Equal moments are pushed apart, as are those after a clock was set back by so little
        // that the anchor takes what is later than its own time.
        let near = Timestamp::from_unix(self.config.timestamp_window / 2).to_bits();
        let close = self.last_timestamp.saturating_sub(clock) <= near;
        self.last_timestamp = if close {
            clock.max(self.last_timestamp.saturating_add(1))
        } else {
            clock
        };
        self.last_timestamp
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
