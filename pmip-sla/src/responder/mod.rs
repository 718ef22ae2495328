//! The answering end of a UDP jitter operation.

mod answer;
mod sessions;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use pmip_wire::sla::{
    AuthenticationMode, CONTROL_PORT, CONTROL_PORT_V1, MeasurementPacket, Version1Measurement,
    Version1Times,
};
use pmip_wire::types::{Instant, PathId};

use crate::clock::Clock;
use sessions::{Number, Sessions};

/// What a [`Responder`] may do.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResponderConfig {
    /// Ports on which control messages come: 1167 (RFC 6812) and 1967 (what came before it).
    pub control_ports: Vec<u16>,
    /// Ports, besides those, that a request may open.
    pub measurement_ports: std::ops::RangeInclusive<u16>,
    /// How control requests must be authenticated: exactly so.
    pub authentication: AuthenticationMode,
    /// Shared secrets by Key Id.
    pub secrets: BTreeMap<u16, Vec<u8>>,
    /// Whether requests of version 1, which cannot be authenticated, are answered: only where no
    /// authentication is asked for.
    pub version_1: bool,
    /// The most measurements at once.
    pub max_sessions: usize,
    /// The most measurements at once from one address on one path.
    pub max_sessions_per_address: usize,
    /// The longest that a port stays open; who asks for more gets this.
    pub max_duration: Duration,
}

impl Default for ResponderConfig {
    /// Both control ports, unprivileged measurement ports, no authentication, 4,096 measurements,
    /// 64 from one address, an hour.
    fn default() -> Self {
        Self {
            control_ports: vec![CONTROL_PORT, CONTROL_PORT_V1],
            measurement_ports: 1_024..=u16::MAX,
            authentication: AuthenticationMode::NoAuthentication,
            secrets: BTreeMap::new(),
            version_1: true,
            max_sessions: 4_096,
            max_sessions_per_address: 64,
            max_duration: Duration::from_secs(3_600),
        }
    }
}

impl std::fmt::Debug for ResponderConfig {
    /// Says nothing about the secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResponderConfig")
            .field("control_ports", &self.control_ports)
            .field("measurement_ports", &self.measurement_ports)
            .field("authentication", &self.authentication)
            .field("key_ids", &self.secrets.keys())
            .field("version_1", &self.version_1)
            .field("max_sessions", &self.max_sessions)
            .finish_non_exhaustive()
    }
}

/// Answers UDP jitter operations: control requests of RFC 6812 and of its predecessor, and the
/// measurement packets that they announce.
///
/// Memory is bounded by [`ResponderConfig::max_sessions`]: when it is full, new requests are
/// refused and measurements under way go on. A measurement packet that nobody announced is not
/// answered, and no answer is longer than its request, so the responder is no amplifier.
///
/// Ports to be opened are told by [`ResponderOutput::Open`]; who cannot open one says so before
/// polling on. A request may name a control port as its measurement port: packets tell themselves
/// apart.
#[derive(Clone, Debug)]
pub struct Responder {
    config: ResponderConfig,
    clock: Clock,
    sessions: Sessions,
    outputs: VecDeque<ResponderOutput>,
    counters: ResponderCounters,
    next_port: u16,
}

/// A datagram that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received<'a> {
    /// The path through which it came; any constant where there are none.
    pub path: PathId,
    /// Our address and the port that it came to.
    pub local: SocketAddr,
    /// Where it came from.
    pub remote: SocketAddr,
    /// When it came, best by the socket's own timestamp.
    pub at: Instant,
    /// Its TTL or Hop Limit, where that is known.
    pub hop_limit: Option<u8>,
    /// Its traffic class, where that is known.
    pub traffic_class: Option<u8>,
    /// What it carried.
    pub octets: &'a [u8],
}

impl<'a> Received<'a> {
    /// A datagram from `remote` to `local` that came at `at` through no path in particular.
    pub const fn new(local: SocketAddr, remote: SocketAddr, at: Instant, octets: &'a [u8]) -> Self {
        Self {
            path: PathId(0),
            local,
            remote,
            at,
            hop_limit: None,
            traffic_class: None,
            octets,
        }
    }
}

/// An answer to send, through the path on which the question came.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer {
    /// The path.
    pub path: PathId,
    /// Our address and the port that it goes out from.
    pub local: SocketAddr,
    /// Where to.
    pub remote: SocketAddr,
    /// The traffic class to send it with.
    pub traffic_class: u8,
    /// What it carries.
    pub octets: Bytes,
}

/// What to do, from [`Responder::poll_output`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResponderOutput {
    /// Send this.
    Transmit(Answer),
    /// Receive on this UDP port from now on. Where that fails, call
    /// [`port_unavailable`](Responder::port_unavailable) before polling on.
    Open(u16),
    /// Nobody needs this port any more.
    Close(u16),
    /// Nothing more now: call [`handle_timeout`](Responder::handle_timeout) at this moment, `None` =
    /// never.
    Timeout(Option<Instant>),
}

/// What a [`Responder`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ResponderCounters {
    /// Control requests that were granted.
    pub granted: u64,
    /// Requests refused because they were not authenticated as configured.
    pub unauthenticated: u64,
    /// Requests refused because of what they ask for, or of their layout.
    pub format_errors: u64,
    /// Requests refused because the port is not to be had.
    pub port_in_use: u64,
    /// Requests refused because there are too many measurements.
    pub full: u64,
    /// Measurement packets answered.
    pub answered: u64,
    /// Datagrams that nobody announced or nothing can be made of.
    pub dropped: u64,
}

impl Responder {
    /// A responder without measurements. Its control ports are the driver's to open.
    pub fn new(config: ResponderConfig, clock: Clock) -> Self {
        Self {
            sessions: Sessions::new(config.max_sessions, config.max_sessions_per_address),
            config,
            clock,
            outputs: VecDeque::new(),
            counters: ResponderCounters::default(),
            next_port: FIRST_PORT,
        }
    }

    /// Takes a datagram, at `now`: the answer says how long it was kept since it came.
    pub fn handle_datagram(&mut self, now: Instant, received: Received<'_>) {
        self.handle_timeout(now);
        let is_control = self.config.control_ports.contains(&received.local.port());
        match received.octets.first() {
            Some(0) => self.measurement(now, received),
            Some(_) if is_control => self.control(now, received),
            _ => self.counters.dropped += 1,
        }
    }

    /// Closes what is over by `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        for port in self.sessions.expire(now) {
            if !self.config.control_ports.contains(&port) {
                self.outputs.push_back(ResponderOutput::Close(port));
            }
        }
    }

    /// Says that `port`, which [`ResponderOutput::Open`] named, cannot be opened: who asked for it
    /// is told that it is in use (RFC 6812 section 3.1.1).
    pub fn port_unavailable(&mut self, port: u16) {
        self.sessions.close(port);
        for output in &mut self.outputs {
            if let ResponderOutput::Transmit(answer) = output
                && answer::refuse_port(&mut answer.octets, port, &self.config)
            {
                self.counters.granted = self.counters.granted.saturating_sub(1);
                self.counters.port_in_use += 1;
            }
        }
        // What is empty now cannot be said in version 1.
        self.outputs.retain(
            |output| !matches!(output, ResponderOutput::Transmit(a) if a.octets.is_empty()),
        );
    }

    /// Sets the wall clock.
    pub fn set_clock(&mut self, clock: Clock) {
        self.clock = clock;
    }

    /// Forgets the measurements that came through a path.
    pub fn remove_path(&mut self, path: PathId) {
        for port in self.sessions.remove_path(path) {
            if !self.config.control_ports.contains(&port) {
                self.outputs.push_back(ResponderOutput::Close(port));
            }
        }
    }

    /// What to do next.
    pub fn poll_output(&mut self) -> ResponderOutput {
        self.outputs
            .pop_front()
            .unwrap_or_else(|| ResponderOutput::Timeout(self.sessions.next_expiry()))
    }

    /// When the next measurement is over.
    pub fn next_timeout(&self) -> Option<Instant> {
        self.sessions.next_expiry()
    }

    /// Measurements under way.
    pub fn sessions(&self) -> usize {
        self.sessions.len()
    }

    /// What it did.
    pub const fn counters(&self) -> &ResponderCounters {
        &self.counters
    }

    fn measurement(&mut self, now: Instant, received: Received<'_>) {
        match self.reply(now, &received) {
            Some(octets) => {
                self.counters.answered += 1;
                self.transmit(&received, octets);
            }
            None => self.counters.dropped += 1,
        }
    }

    /// The packet as it goes back: as long as it came, and only the responder's fields written
    /// (RFC 6812 section 3.2).
    fn reply(&mut self, now: Instant, received: &Received<'_>) -> Option<Vec<u8>> {
        let session = self.sessions.find(received)?;
        let mut wire = Vec::with_capacity(received.octets.len());
        let (came, goes) = (
            self.clock.timestamp(received.at),
            self.clock.timestamp(now.max(received.at)),
        );
        match &mut session.number {
            Number::Full(number) => {
                let packet = MeasurementPacket::parse(received.octets).ok()?;
                *number = number.wrapping_add(1);
                packet
                    .header
                    .reflected(came, goes, 0, *number)
                    .encode(packet.data, &mut wire);
            }
            Number::Short(number) => {
                let (mut header, data) = Version1Measurement::parse(received.octets).ok()?;
                *number = number.wrapping_add(1);
                header.responder_sequence = *number;
                header.times = match header.times {
                    Version1Times::Milliseconds { sender, .. } => Version1Times::Milliseconds {
                        sender,
                        responder: self.clock.millis_of_day(received.at),
                    },
                    Version1Times::Ntp { sent, .. } => Version1Times::Ntp {
                        sent,
                        received: came,
                        answered: goes,
                    },
                };
                header.encode(data, &mut wire);
            }
        }
        Some(wire)
    }

    fn transmit(&mut self, received: &Received<'_>, octets: Vec<u8>) {
        self.outputs.push_back(ResponderOutput::Transmit(Answer {
            path: received.path,
            local: received.local,
            remote: received.remote,
            traffic_class: received.traffic_class.unwrap_or(0) & !ECN,
            octets: octets.into(),
        }));
    }
}

/// ECN's bits of the traffic class (RFC 3168 section 5): not ours to repeat.
const ECN: u8 = 0b11;
/// The first port that is suggested: dynamic ports begin here (RFC 6335 section 6).
const FIRST_PORT: u16 = 49_152;
