use std::collections::VecDeque;

use pmip_wire::types::Instant;

use crate::config::ProbeConfig;
use crate::loss::{Heard, LossByDirection, ResponderNumbers, attribute};
use crate::window::{Collector, ResponderTimes, Sample, Window};

/// Probes one path: an operation of some probes every so often, each ending with a [`Window`].
///
/// - *Inputs*: [`handle_input`](Self::handle_input), which never fails.
/// - *Outputs*: [`poll_output`](Self::poll_output), to be called until it gives
///   [`Output::Timeout`]. An idle call costs the same whatever is outstanding.
/// - *Getters*: [`config`](Self::config), [`is_running`](Self::is_running),
///   [`window`](Self::window), [`unmatched`](Self::unmatched).
///
/// Time must not run back; where it does, it is taken to stand still. Timeouts told too early or
/// twice do nothing. When told very late, an operation that should have begun meanwhile is left out
/// rather than made up for, and the beat is kept.
///
/// Where something must be arranged before an operation's first probe, as RFC 6812's control phase,
/// construct it [`with_preparation`](Self::with_preparation).
///
/// Answers are matched by number alone. Start with an unpredictable `first_sequence` so that an
/// outsider cannot answer unasked.
#[derive(Clone, Debug)]
pub struct Prober {
    config: ProbeConfig,
    now: Instant,
    running: bool,
    next_sequence: u32,
    /// When the next operation begins.
    next_operation: Instant,
    numbers: ResponderNumbers,
    /// Whether operations are to be prepared, and since when one is being.
    prepares: bool,
    preparing: Option<Instant>,
    operation: Option<Running>,
    /// Probes of this operation and the one before, by ascending number without gaps.
    outstanding: VecDeque<Outstanding>,
    /// The first of `outstanding` that may still wait.
    first_waiting: usize,
    /// Answers to this operation's probes that the responder counted apart from the first.
    extra_replies: u64,
    collector: Collector,
    unmatched: u64,
    outputs: VecDeque<Output>,
}

/// What happened, for [`Prober::handle_input`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Input {
    /// Begin (again): the first operation starts at once. Does nothing while running.
    Start,
    /// Stop probing; the running operation is thrown away.
    Stop,
    /// What [`Output::Prepare`] asked for is arranged: the first probe leaves now.
    Prepared,
    /// It cannot be arranged: the operation ends now with this outcome, all its probes lost.
    Unprepared(Outcome),
    /// An answer came.
    Reply(Reply),
    /// The time named by [`Output::Timeout`] is reached.
    Timeout,
}

/// What to do, from [`Prober::poll_output`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// An operation is due: arrange it, then say [`Input::Prepared`] or [`Input::Unprepared`].
    Prepare,
    /// Send this probe on the path now.
    Transmit(Probe),
    /// This happened.
    Event(Event),
    /// Nothing more now: call `handle_input(now, Input::Timeout)` at this moment, `None` = never.
    Timeout(Option<Instant>),
}

/// A probe to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Probe {
    /// Its number; the answer must repeat it.
    pub sequence: u32,
    /// The sending time that its round trip is counted from.
    pub sent: Instant,
}

/// An answer to a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Reply {
    /// The number of the probe.
    pub sequence: u32,
    /// What the responder's timestamps say.
    pub responder: Option<ResponderTimes>,
    /// The responder's own number.
    pub number: Option<u32>,
}

impl Reply {
    /// An answer that tells no times.
    pub const fn new(sequence: u32) -> Self {
        Self {
            sequence,
            responder: None,
            number: None,
        }
    }

    /// With what the responder's timestamps say.
    #[must_use]
    pub const fn with_responder(mut self, responder: ResponderTimes) -> Self {
        self.responder = Some(responder);
        self
    }

    /// With the responder's own number.
    #[must_use]
    pub const fn with_number(mut self, number: u32) -> Self {
        self.number = Some(number);
        self
    }
}

/// Something happened on the probed path.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A probe was answered in time.
    Answered(Sample),
    /// An answer that is no proof of a living path.
    Stray {
        /// Its number.
        sequence: u32,
        /// What is wrong with it.
        stray: Stray,
    },
    /// All probes of an operation are answered or lost.
    OperationFinished(Box<Operation>),
}

/// An operation that ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Operation {
    /// When it began.
    pub started: Instant,
    /// When its last probe was answered or given up.
    pub finished: Instant,
    /// How it ended.
    pub outcome: Outcome,
    /// What it showed. Probes that could not be sent for want of a responder count as lost.
    pub window: Window,
}

/// How an operation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Outcome {
    /// With answers.
    Ok,
    /// With answers whose mean round-trip time is above the threshold.
    OverThreshold,
    /// Without any answer.
    Timeout,
    /// The responder did not answer the control request.
    NoConnection,
    /// The responder refused the control request.
    Refused,
    /// One end did not accept the other's authentication.
    AuthenticationFailed,
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Ok => "ok",
            Self::OverThreshold => "over threshold",
            Self::Timeout => "timeout",
            Self::NoConnection => "no connection",
            Self::Refused => "refused",
            Self::AuthenticationFailed => "authentication failed",
        })
    }
}

/// Why an answer does not count as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Stray {
    /// The probe was answered before.
    Duplicate,
    /// It came after its timeout.
    Late,
    /// No probe that is remembered has this number.
    Unmatched,
}

impl Prober {
    /// A running prober whose first operation begins at `start`: spread the starts of many paths
    /// over the frequency to avoid bursts. Probes are numbered from `first_sequence`.
    pub fn new(config: ProbeConfig, start: Instant, first_sequence: u32) -> Self {
        Self {
            config,
            now: Instant::ZERO,
            running: true,
            next_sequence: first_sequence,
            next_operation: start,
            numbers: ResponderNumbers::default(),
            prepares: false,
            preparing: None,
            operation: None,
            outstanding: VecDeque::with_capacity(2 * config.packets() as usize),
            first_waiting: 0,
            extra_replies: 0,
            collector: Collector::with_threshold(config.threshold()),
            unmatched: 0,
            outputs: VecDeque::new(),
        }
    }

    /// Asks by [`Output::Prepare`] before each operation's first probe.
    #[must_use]
    pub const fn with_preparation(mut self) -> Self {
        self.prepares = true;
        self
    }

    /// Says what the responder's numbers mean.
    #[must_use]
    pub const fn with_numbers(mut self, numbers: ResponderNumbers) -> Self {
        self.numbers = numbers;
        self
    }

    /// Takes what happened at `now`. What is due by then comes first, so an answer that arrives
    /// with its own timeout is late. An answer may come with a time that lies a little back, that
    /// of its arrival at the socket.
    pub fn handle_input(&mut self, now: Instant, input: Input) {
        self.now = self.now.max(now);
        self.advance();
        match input {
            Input::Start if !self.running => {
                self.running = true;
                self.next_operation = self.now;
            }
            Input::Stop => self.stop(),
            Input::Reply(reply) => self.reply(now, reply),
            Input::Prepared => self.prepared(),
            Input::Unprepared(outcome) => self.unprepared(outcome),
            Input::Start | Input::Timeout => {}
        }
        // An operation that overran its beat may just have ended, or a new one been asked for.
        self.advance();
    }

    /// What to do next. Only [`handle_input`](Self::handle_input) changes the answer once
    /// [`Output::Timeout`] came.
    pub fn poll_output(&mut self) -> Output {
        self.outputs
            .pop_front()
            .unwrap_or_else(|| Output::Timeout(self.next_timeout()))
    }

    /// The shape of its operations.
    pub const fn config(&self) -> &ProbeConfig {
        &self.config
    }

    /// Whether it probes.
    pub const fn is_running(&self) -> bool {
        self.running
    }

    /// What the unfinished operation showed so far, together with strays since the last one.
    pub const fn window(&self) -> &Window {
        self.collector.window()
    }

    /// Answers to no remembered probe: very late, or not ours. In no window, as they say nothing of
    /// the path.
    pub const fn unmatched(&self) -> u64 {
        self.unmatched
    }
}

/// An operation under way.
#[derive(Clone, Copy, Debug)]
struct Running {
    started: Instant,
    /// Probes yet to be sent.
    remaining: u32,
    next_probe: Instant,
}

/// A probe that was sent.
#[derive(Clone, Copy, Debug)]
struct Outstanding {
    sequence: u32,
    sent: Instant,
    fate: Fate,
    /// The responder's number in the first answer.
    number: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Waiting,
    Answered,
    Lost,
    /// Lost by its timeout and answered after all.
    AnsweredLate,
}

impl Prober {
    /// Does everything that is due by `self.now`, in the order in which it is due.
    fn advance(&mut self) {
        // The end of time is never due, or saturated deadlines would be so for ever.
        let now = self.now;
        let is_due = |due: &Instant| *due <= now && *due < Instant::MAX;
        while let Some(due) = self.next_timeout().filter(is_due) {
            if self.next_expiry() == Some(due) {
                self.expire_first();
            } else if self.operation.is_some_and(|op| op.remaining > 0) {
                self.send();
            } else {
                self.begin();
            }
            self.finish_if_done();
        }
    }

    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        if !self.running {
            return None;
        }
        let step = match &self.operation {
            None if self.preparing.is_some() => None,
            None => Some(self.next_operation),
            Some(op) if op.remaining > 0 => Some(op.next_probe),
            Some(_) => None,
        };
        step.into_iter().chain(self.next_expiry()).min()
    }

    fn next_expiry(&self) -> Option<Instant> {
        let first = self.outstanding.get(self.first_waiting)?;
        Some(first.sent + self.config.timeout())
    }

    fn begin(&mut self) {
        // Probes of the operation before last are beyond late.
        let keep = self.config.packets() as usize;
        let forget = self.outstanding.len().saturating_sub(keep);
        self.outstanding.drain(..forget);
        self.first_waiting = self.outstanding.len();
        self.extra_replies = 0;
        self.collector.pause();
        self.next_operation = self.beat_after_now();
        if self.prepares {
            self.preparing = Some(self.now);
            self.outputs.push_back(Output::Prepare);
        } else {
            self.run(self.now);
        }
    }

    fn run(&mut self, started: Instant) {
        self.operation = Some(Running {
            started,
            remaining: self.config.packets(),
            next_probe: self.now,
        });
        self.send();
    }

    fn prepared(&mut self) {
        if let Some(started) = self.preparing.take() {
            self.run(started);
        }
    }

    fn unprepared(&mut self, outcome: Outcome) {
        let Some(started) = self.preparing.take() else {
            return;
        };
        for _ in 0..self.config.packets() {
            self.collector.sent();
            self.collector.lost();
        }
        self.collector.attribute(LossByDirection {
            unknown: self.config.packets().into(),
            ..LossByDirection::default()
        });
        self.close(started, outcome);
    }

    /// The next beginning on the beat that is still to come.
    fn beat_after_now(&self) -> Instant {
        let frequency = self.config.frequency();
        let beat = u64::try_from(frequency.as_nanos())
            .unwrap_or(u64::MAX)
            .max(1);
        let behind = self
            .now
            .as_nanos()
            .saturating_sub(self.next_operation.as_nanos());
        let missed = behind - behind % beat;
        let current = self.next_operation.as_nanos().saturating_add(missed);
        Instant::from_nanos(current) + frequency
    }

    fn send(&mut self) {
        let (now, sequence) = (self.now, self.next_sequence);
        let Some(operation) = &mut self.operation else {
            return;
        };
        operation.remaining -= 1;
        // On the beat, so that a driver's lateness does not add up; after a long one from now, so that
        // late probes are not sent in a burst.
        let interval = self.config.interval();
        let due = operation.next_probe;
        let is_late = now.saturating_since(due) > interval / 2;
        operation.next_probe = if is_late { now } else { due } + interval;
        self.next_sequence = sequence.wrapping_add(1);
        self.outstanding.push_back(Outstanding {
            sequence,
            sent: now,
            fate: Fate::Waiting,
            number: None,
        });
        self.collector.sent();
        let probe = Probe {
            sequence,
            sent: now,
        };
        self.outputs.push_back(Output::Transmit(probe));
    }

    fn expire_first(&mut self) {
        if let Some(first) = self.outstanding.get_mut(self.first_waiting) {
            first.fate = Fate::Lost;
            self.collector.lost();
        }
        self.skip_settled();
    }

    fn reply(&mut self, received: Instant, reply: Reply) {
        let sequence = reply.sequence;
        let Some(probe) = self.probe_mut(sequence) else {
            self.unmatched += 1;
            return self.stray(sequence, Stray::Unmatched);
        };
        let (sent, fate) = (probe.sent, probe.fate);
        match fate {
            Fate::Waiting => {
                probe.fate = Fate::Answered;
                probe.number = reply.number;
                self.answered(Sample {
                    sequence,
                    sent,
                    received: received.max(sent),
                    responder: reply.responder,
                });
            }
            Fate::Lost => {
                probe.fate = Fate::AnsweredLate;
                probe.number = reply.number;
                self.collector.late();
                self.stray(sequence, Stray::Late);
            }
            Fate::Answered | Fate::AnsweredLate => {
                let counted_apart = reply.number.is_some() && reply.number != probe.number;
                self.extra_replies += u64::from(counted_apart);
                self.collector.duplicate();
                self.stray(sequence, Stray::Duplicate);
            }
        }
    }

    fn answered(&mut self, sample: Sample) {
        self.collector.received(sample);
        self.outputs
            .push_back(Output::Event(Event::Answered(sample)));
        self.skip_settled();
        self.finish_if_done();
    }

    /// When the probe of this number left, as far as it is remembered.
    pub(crate) fn sent(&self, sequence: u32) -> Option<Instant> {
        let first = self.outstanding.front()?.sequence;
        let offset = usize::try_from(sequence.wrapping_sub(first)).ok()?;
        Some(self.outstanding.get(offset)?.sent)
    }

    /// The number whose lower half this is, of those that are remembered or follow.
    pub(crate) fn complete(&self, lower: u16) -> u32 {
        let first = self
            .outstanding
            .front()
            .map_or(self.next_sequence, |probe| probe.sequence);
        let [_, _, a, b] = first.to_be_bytes();
        let ahead = lower.wrapping_sub(u16::from_be_bytes([a, b]));
        first.wrapping_add(ahead.into())
    }

    /// Octets on the heap.
    pub(crate) fn heap(&self) -> usize {
        self.outstanding.capacity() * size_of::<Outstanding>()
            + self.outputs.capacity() * size_of::<Output>()
    }

    fn probe_mut(&mut self, sequence: u32) -> Option<&mut Outstanding> {
        let first = self.outstanding.front()?.sequence;
        let offset = usize::try_from(sequence.wrapping_sub(first)).ok()?;
        self.outstanding.get_mut(offset)
    }

    fn stray(&mut self, sequence: u32, stray: Stray) {
        let event = Event::Stray { sequence, stray };
        self.outputs.push_back(Output::Event(event));
    }

    fn skip_settled(&mut self) {
        let settled = self.outstanding.iter().skip(self.first_waiting);
        self.first_waiting += settled
            .take_while(|probe| probe.fate != Fate::Waiting)
            .count();
    }

    fn finish_if_done(&mut self) {
        let Some(operation) = self.operation else {
            return;
        };
        if operation.remaining > 0 || self.first_waiting < self.outstanding.len() {
            return;
        }
        self.operation = None;
        self.collector.attribute(self.loss_by_direction());
        let window = self.collector.window();
        let outcome = match window.rtt().average() {
            None => Outcome::Timeout,
            Some(rtt) if rtt > self.config.threshold() => Outcome::OverThreshold,
            Some(_) => Outcome::Ok,
        };
        self.close(operation.started, outcome);
    }

    fn close(&mut self, started: Instant, outcome: Outcome) {
        let operation = Operation {
            started,
            finished: self.now,
            outcome,
            window: self.collector.cut(),
        };
        let event = Event::OperationFinished(Box::new(operation));
        self.outputs.push_back(Output::Event(event));
    }

    /// Where this operation's losses happened; answers that came late are none.
    fn loss_by_direction(&self) -> LossByDirection {
        let packets = self.config.packets();
        let ours = usize::try_from(packets).unwrap_or(usize::MAX);
        let earlier = self.outstanding.len().saturating_sub(ours);
        let heard: Vec<Heard> = (0..)
            .zip(self.outstanding.iter().skip(earlier))
            .filter(|(_, probe)| matches!(probe.fate, Fate::Answered | Fate::AnsweredLate))
            .map(|(index, probe)| Heard {
                index,
                sequence: probe.sequence,
                number: probe.number,
            })
            .collect();
        attribute(self.numbers, packets, self.extra_replies, &heard)
    }

    fn stop(&mut self) {
        self.running = false;
        self.operation = None;
        self.preparing = None;
        self.outstanding.clear();
        self.first_waiting = 0;
        self.collector.cut();
        self.collector.pause();
        // What is not sent yet is not sent any more; what happened still happened.
        self.outputs
            .retain(|output| matches!(output, Output::Event(_)));
    }
}
