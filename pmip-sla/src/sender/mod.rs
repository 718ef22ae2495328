//! The sending end of a measurement: probes with a protocol around them.

mod ipsla;
mod stamp;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use pmip_wire::types::{Instant, ProbeTimestamp, TimestampFormat};

pub use ipsla::{ControlVersion, IpSlaSession, SlaKey};
pub use stamp::StampSession;

use crate::clock::Clock;
use crate::config::ProbeConfig;
use crate::prober::{Event, Input, Outcome, Output, Prober, Reply};
use crate::window::ResponderTimes;
use ipsla::IpSla;
use stamp::Stamp;

/// Measures one path towards one responder: a [`Prober`] that speaks a protocol.
///
/// - *Inputs*: [`handle_input`](Self::handle_input), which never fails.
/// - *Outputs*: [`poll_output`](Self::poll_output), to be called until it gives
///   [`SenderOutput::Timeout`].
///
/// Time and order are as with the [`Prober`]. Everything goes between one UDP port here and the
/// responder's address.
///
/// ```
/// use std::net::SocketAddr;
/// use std::time::Duration;
/// use pmip_sla::{Clock, ProbeConfig, Sender, SenderInput, SenderOutput, StampSession};
/// use pmip_wire::types::Instant;
///
/// let reflector: SocketAddr = "192.0.2.1:862".parse()?;
/// let clock = Clock::new(Instant::ZERO, Duration::from_secs(1_700_000_000));
/// let session = StampSession::new(reflector);
/// let mut sender = Sender::stamp(session, ProbeConfig::default(), clock, Instant::ZERO, 0);
/// sender.handle_input(Instant::ZERO, SenderInput::Timeout);
/// let SenderOutput::Transmit(packet) = sender.poll_output() else {
///     panic!("it starts at once");
/// };
/// assert_eq!((packet.to, packet.octets.len()), (reflector, 44));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Sender {
    prober: Prober,
    wire: Wire,
    clock: Clock,
    dropped: u64,
    outputs: VecDeque<SenderOutput>,
}

/// What happened, for [`Sender::handle_input`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SenderInput<'a> {
    /// Begin (again): the first operation starts at once. Does nothing while running.
    Start,
    /// Stop; the running operation is thrown away.
    Stop,
    /// A datagram came to our port; `now` is when it came, best by the socket's own timestamp.
    Datagram {
        /// Where it came from.
        from: SocketAddr,
        /// What it carried.
        octets: &'a [u8],
    },
    /// The time named by [`SenderOutput::Timeout`] is reached.
    Timeout,
    /// Wall-clock time was set, or is now in step with UTC or not.
    Clock(Clock),
}

/// What to do, from [`Sender::poll_output`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SenderOutput {
    /// Send this datagram now from our port.
    Transmit(Datagram),
    /// This happened.
    Event(Event),
    /// A datagram was no answer to anything.
    Dropped(SenderDrop),
    /// Nothing more now: call `handle_input(now, SenderInput::Timeout)` at this moment, `None` =
    /// never.
    Timeout(Option<Instant>),
}

/// A datagram to send.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Datagram {
    /// Where to.
    pub to: SocketAddr,
    /// What it carries.
    pub octets: Bytes,
}

/// Why a [`Sender`] did not look at a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SenderDrop {
    /// It came from elsewhere.
    #[error("it did not come from the responder")]
    Stranger,
    /// It is no packet of the protocol.
    #[error("it is no packet of the protocol")]
    Malformed,
    /// Nothing of the kind was asked, or with another number.
    #[error("nothing of the kind was asked")]
    Unasked,
    /// It is not authenticated as configured.
    #[error("it is not authenticated as configured")]
    Unauthenticated,
}

#[derive(Clone, Debug)]
enum Wire {
    IpSla(Box<IpSla>),
    Stamp(Box<Stamp>),
}

impl Sender {
    /// A UDP jitter operation with the control phase of RFC 6812 (or its predecessor) each time.
    /// Its first operation begins at `start`; probes are numbered from `first_sequence`, which
    /// should not be predictable.
    pub fn ip_sla(
        session: IpSlaSession,
        config: ProbeConfig,
        clock: Clock,
        start: Instant,
        first_sequence: u32,
    ) -> Self {
        let wire = IpSla::new(session, &config, first_sequence);
        let prober = Prober::new(config, start, first_sequence)
            .with_numbers(wire.numbers())
            .with_preparation();
        Self::new(prober, Wire::IpSla(Box::new(wire)), clock)
    }

    /// STAMP or TWAMP Light test packets. Its first operation begins at `start`; probes are
    /// numbered from `first_sequence`: 0 is the custom (RFC 8762 section 4.2), another number is
    /// harder to forge.
    pub fn stamp(
        session: StampSession,
        config: ProbeConfig,
        clock: Clock,
        start: Instant,
        first_sequence: u32,
    ) -> Self {
        let wire = Stamp::new(session);
        let prober = Prober::new(config, start, first_sequence).with_numbers(wire.numbers());
        Self::new(prober, Wire::Stamp(Box::new(wire)), clock)
    }

    fn new(prober: Prober, wire: Wire, clock: Clock) -> Self {
        Self {
            prober,
            wire,
            clock,
            dropped: 0,
            outputs: VecDeque::new(),
        }
    }

    /// Takes what happened at `now`.
    pub fn handle_input(&mut self, now: Instant, input: SenderInput<'_>) {
        match input {
            SenderInput::Start => self.prober.handle_input(now, Input::Start),
            SenderInput::Stop => {
                self.prober.handle_input(now, Input::Stop);
                self.outputs
                    .retain(|output| !matches!(output, SenderOutput::Transmit(_)));
                if let Wire::IpSla(wire) = &mut self.wire {
                    wire.abandon();
                }
            }
            SenderInput::Datagram { from, octets } => self.datagram(now, from, octets),
            SenderInput::Timeout => self.timeout(now),
            SenderInput::Clock(clock) => self.clock = clock,
        }
        self.pump(now);
    }

    /// What to do next. Only [`handle_input`](Self::handle_input) changes the answer once
    /// [`SenderOutput::Timeout`] came.
    pub fn poll_output(&mut self) -> SenderOutput {
        self.outputs
            .pop_front()
            .unwrap_or_else(|| SenderOutput::Timeout(self.next_timeout()))
    }

    /// What it is to be polled for, without any output.
    pub fn next_timeout(&self) -> Option<Instant> {
        let control = match &self.wire {
            Wire::IpSla(wire) => wire.next_timeout(),
            Wire::Stamp(_) => None,
        };
        self.prober.next_timeout().into_iter().chain(control).min()
    }

    /// Whether it probes.
    pub const fn is_running(&self) -> bool {
        self.prober.is_running()
    }

    /// The shape of its operations.
    pub const fn config(&self) -> &ProbeConfig {
        self.prober.config()
    }

    /// Datagrams that it did not look at.
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Answers to no remembered probe.
    pub const fn unmatched(&self) -> u64 {
        self.prober.unmatched()
    }

    /// Octets that it takes now, about, on the heap and off it.
    pub fn memory(&self) -> usize {
        let wire = match &self.wire {
            Wire::IpSla(_) => size_of::<IpSla>(),
            Wire::Stamp(_) => size_of::<Stamp>(),
        };
        size_of::<Self>() + wire + self.prober.heap()
    }

    fn timeout(&mut self, now: Instant) {
        if let Wire::IpSla(wire) = &mut self.wire {
            match wire.timeout(now, &self.clock) {
                Some(ipsla::Step::Send(octets)) => {
                    let to = wire.control_address();
                    self.transmit(to, octets);
                }
                Some(ipsla::Step::Failed(outcome)) => {
                    self.prober.handle_input(now, Input::Unprepared(outcome));
                }
                Some(ipsla::Step::Open) | None => {}
            }
        }
        self.prober.handle_input(now, Input::Timeout);
    }

    fn datagram(&mut self, now: Instant, from: SocketAddr, octets: &[u8]) {
        let read = match &mut self.wire {
            Wire::IpSla(wire) => wire.read(from, octets),
            Wire::Stamp(wire) => wire.read(from, octets),
        };
        match read {
            Ok(Read::Reply(answer)) => {
                let reply = answer.into_reply(&self.prober, &self.clock);
                self.prober.handle_input(now, Input::Reply(reply));
            }
            Ok(Read::Opened) => self.prober.handle_input(now, Input::Prepared),
            Ok(Read::Refused(outcome)) => {
                self.prober.handle_input(now, Input::Unprepared(outcome));
            }
            Err(drop) => {
                self.dropped = self.dropped.saturating_add(1);
                self.outputs.push_back(SenderOutput::Dropped(drop));
            }
        }
    }

    /// Turns what the prober wants into datagrams.
    fn pump(&mut self, now: Instant) {
        loop {
            match self.prober.poll_output() {
                Output::Prepare => self.prepare(now),
                Output::Transmit(probe) => {
                    let (to, octets) = match &self.wire {
                        Wire::IpSla(wire) => wire.probe(probe, &self.clock),
                        Wire::Stamp(wire) => wire.probe(probe, &self.clock),
                    };
                    self.transmit(to, octets);
                }
                Output::Event(event) => self.outputs.push_back(SenderOutput::Event(event)),
                Output::Timeout(_) => return,
            }
        }
    }

    fn prepare(&mut self, now: Instant) {
        let Wire::IpSla(wire) = &mut self.wire else {
            return;
        };
        match wire.begin(now, &self.clock) {
            ipsla::Step::Send(octets) => {
                let to = wire.control_address();
                self.transmit(to, octets);
            }
            ipsla::Step::Open => self.prober.handle_input(now, Input::Prepared),
            ipsla::Step::Failed(outcome) => {
                self.prober.handle_input(now, Input::Unprepared(outcome));
            }
        }
    }

    fn transmit(&mut self, to: SocketAddr, octets: Vec<u8>) {
        let octets = octets.into();
        self.outputs
            .push_back(SenderOutput::Transmit(Datagram { to, octets }));
    }
}

/// What a datagram turned out to be.
enum Read {
    Reply(Answer),
    /// The control phase succeeded.
    Opened,
    /// The control phase failed.
    Refused(Outcome),
}

/// An answer to a probe, as the wire tells it.
struct Answer {
    sequence: SequenceOnWire,
    number: u32,
    times: Option<Times>,
}

/// A probe's number, of which version 1 carries the lower half.
enum SequenceOnWire {
    Full(u32),
    Lower(u16),
}

/// The responder's times as they stand on the wire.
enum Times {
    Timestamps {
        received: ProbeTimestamp,
        answered: ProbeTimestamp,
        /// `None`: that of our clock.
        format: Option<TimestampFormat>,
        /// Whether the responder may be in step with UTC.
        in_step: bool,
    },
    /// Milliseconds since midnight UTC.
    Milliseconds(u32),
}

const DAY_MILLIS: i64 = 86_400_000;

impl Answer {
    fn into_reply(self, prober: &Prober, clock: &Clock) -> Reply {
        let sequence = match self.sequence {
            SequenceOnWire::Full(sequence) => sequence,
            SequenceOnWire::Lower(lower) => prober.complete(lower),
        };
        let number = match self.sequence {
            SequenceOnWire::Full(_) => self.number,
            // As far from ours as the lower halves are, so that a copy stays one.
            SequenceOnWire::Lower(lower) => {
                let ahead = self.number.wrapping_sub(lower.into());
                sequence.wrapping_add(ahead)
            }
        };
        let reply = Reply::new(sequence).with_number(number);
        let (Some(times), Some(sent)) = (self.times, prober.sent(sequence)) else {
            return reply;
        };
        reply.with_responder(times.since(sent, clock))
    }
}

impl Times {
    fn since(self, sent: Instant, clock: &Clock) -> ResponderTimes {
        match self {
            Self::Timestamps {
                received,
                answered,
                format,
                in_step,
            } => {
                let format = format.unwrap_or_else(|| clock.format());
                let held = answered.nanos_since(received, format);
                ResponderTimes {
                    forward: clock.nanos_to(sent, received, format),
                    held: Duration::from_nanos(u64::try_from(held).unwrap_or(0)),
                    in_step: in_step && clock.is_in_step(),
                }
            }
            Self::Milliseconds(received) => {
                let sent = clock.millis_of_day(sent);
                // Across midnight the shorter way round the day is meant.
                let ahead = i64::from(received) - i64::from(sent);
                let wrapped = (ahead + DAY_MILLIS / 2).rem_euclid(DAY_MILLIS) - DAY_MILLIS / 2;
                ResponderTimes {
                    forward: wrapped * 1_000_000,
                    held: Duration::ZERO,
                    in_step: clock.is_in_step(),
                }
            }
        }
    }
}
