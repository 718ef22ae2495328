use std::collections::VecDeque;
use std::time::Duration;

use pmip_wire::types::Instant;

use crate::rtt::RttTracker;

/// How a [`Liveness`] watches its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, rename_all = "kebab-case"))]
#[non_exhaustive]
pub struct LivenessConfig {
    /// Time between probes while the path is in use.
    pub interval: Duration,
    /// Probes in a row that nothing follows which make the path dead, at least one.
    pub misses: u8,
    /// The path counts as in use for this long after it was last needed.
    pub linger: Duration,
    /// Time between probes of a dead path that nobody waits for.
    pub recovery: Duration,
    /// Answers in a row that a dead path gives before it is trusted, at least one.
    pub answers: u8,
    /// A path that died is not trusted for at least this long; twice as long each time it dies
    /// again.
    pub hold: Duration,
    /// The longest hold.
    pub max_hold: Duration,
    /// A path that lived this long has its former deaths forgiven.
    pub calm: Duration,
}

impl Default for LivenessConfig {
    /// Three probes 100 ms apart; a dead path is asked once a second, and trusted after three
    /// answers and 1 s, up to 60 s for one that flaps.
    fn default() -> Self {
        Self {
            interval: Duration::from_millis(100),
            misses: 3,
            linger: Duration::from_secs(1),
            recovery: Duration::from_secs(1),
            answers: 3,
            hold: Duration::from_secs(1),
            max_hold: Duration::from_secs(60),
            calm: Duration::from_secs(60),
        }
    }
}

/// What happened, for [`Liveness::handle_input`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LivenessInput {
    /// Traffic was sent over the path, or flows wait for it. Once per turn of a driver's loop is
    /// enough.
    Needed,
    /// Something came over the path: data, or any answer.
    Heard,
    /// The probe of this number was answered.
    Answered(u32),
    /// The time named by [`LivenessOutput::Timeout`] is reached.
    Timeout,
}

/// What to do, from [`Liveness::poll_output`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LivenessOutput {
    /// Send a probe of this number.
    Probe(u32),
    /// The path died or lives again.
    Event(LivenessEvent),
    /// Nothing more now: call `handle_input(now, LivenessInput::Timeout)` at this moment, `None` =
    /// never.
    Timeout(Option<Instant>),
}

/// A path died or lives again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum LivenessEvent {
    /// Nothing came although it was asked for.
    Down {
        /// When that became certain.
        at: Instant,
        /// How long nothing had come.
        silence: Duration,
        /// It is not trusted before this moment.
        until: Instant,
    },
    /// It answers again, and was dead long enough.
    Up {
        /// When.
        at: Instant,
        /// How long it was dead.
        dead: Duration,
    },
}

/// Fast failure detection of one path.
///
/// It probes only while the path is [needed](LivenessInput::Needed); whatever comes over the path
/// meanwhile is proof of life and spares probes, but for one a second that measures the round
/// trip. A path is dead when the last of [`misses`](LivenessConfig::misses) probes in a row had
/// time to be answered and nothing came since the first: twice the round trip and four times its
/// deviation, at least half an interval.
///
/// A dead path is asked on, so that it can return; how often it died decides how soon it is
/// trusted again. A peer that never answered a probe, because it has no reflector, is never
/// called dead, and soon asked once a minute only.
///
/// ```
/// use pmip_sla::{Liveness, LivenessConfig, LivenessEvent, LivenessInput, LivenessOutput};
/// use pmip_wire::types::Instant;
///
/// let at = Instant::from_millis;
/// let mut path = Liveness::new(LivenessConfig::default(), 0);
/// path.handle_input(at(0), LivenessInput::Needed);
/// assert_eq!(path.poll_output(), LivenessOutput::Probe(0));
/// path.handle_input(at(20), LivenessInput::Answered(0));
/// // A black hole from now on; traffic goes on being sent into it.
/// let mut died = None;
/// while died.is_none() {
///     match path.poll_output() {
///         LivenessOutput::Probe(_) => {}
///         LivenessOutput::Event(event) => died = Some(event),
///         LivenessOutput::Timeout(due) => {
///             let due = due.expect("it is in use");
///             path.handle_input(due, LivenessInput::Needed);
///         }
///     }
/// }
/// // Probes at 100, 200 and 300 ms; twice the round trip and four times half of it are 80 ms.
/// let Some(LivenessEvent::Down { at: died, .. }) = died else { panic!("it died") };
/// assert_eq!(died, at(380));
/// ```
#[derive(Clone, Debug)]
pub struct Liveness {
    config: LivenessConfig,
    now: Instant,
    next_number: u32,
    /// The path is in use until then.
    needed_until: Instant,
    /// When the next probe is due, while there is one.
    beat: Option<Instant>,
    heard: Option<Instant>,
    /// When data was last received, which puts the next probe off.
    data: Option<Instant>,
    /// Probes that were not answered yet, from the oldest to the newest.
    unanswered: VecDeque<(u32, Instant)>,
    /// How many of them were sent since something was heard.
    silent: usize,
    rtt: RttTracker,
    measured: Option<Instant>,
    /// Probes of a peer that never answered.
    unproven: u32,
    state: State,
    deaths: u32,
    lives_since: Instant,
    outputs: VecDeque<LivenessOutput>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Alive,
    Dead {
        since: Instant,
        until: Instant,
        answers: u8,
    },
}

/// A probe that measures is sent at least this often while the path is in use.
const MEASURE: Duration = Duration::from_secs(1);
/// A first answer may take this long.
const PATIENCE: Duration = Duration::from_secs(1);
/// So many probes go to a peer that never answered before it is asked less often.
const UNPROVEN: u32 = 10;
/// How often a peer that never answered is asked.
const UNPROVEN_INTERVAL: Duration = Duration::from_secs(60);
/// Unanswered probes that are remembered.
const REMEMBERED: usize = 64;

impl Liveness {
    /// A path that is taken to live and that nobody needs yet; probes are numbered from
    /// `first_number`.
    pub fn new(config: LivenessConfig, first_number: u32) -> Self {
        Self {
            config: LivenessConfig {
                // Zero would spin.
                interval: config.interval.max(Duration::from_millis(1)),
                recovery: config.recovery.max(Duration::from_millis(1)),
                ..config
            },
            now: Instant::ZERO,
            next_number: first_number,
            needed_until: Instant::ZERO,
            beat: None,
            heard: None,
            data: None,
            unanswered: VecDeque::new(),
            silent: 0,
            rtt: RttTracker::default(),
            measured: None,
            unproven: 0,
            state: State::Alive,
            deaths: 0,
            lives_since: Instant::ZERO,
            outputs: VecDeque::new(),
        }
    }

    /// Takes what happened at `now`.
    pub fn handle_input(&mut self, now: Instant, input: LivenessInput) {
        self.now = self.now.max(now);
        match input {
            LivenessInput::Needed => self.needed(),
            LivenessInput::Heard => self.heard(),
            LivenessInput::Answered(number) => self.answered(number),
            LivenessInput::Timeout => {}
        }
        self.advance();
    }

    /// What to do next. Only [`handle_input`](Self::handle_input) changes the answer once
    /// [`LivenessOutput::Timeout`] came.
    pub fn poll_output(&mut self) -> LivenessOutput {
        self.outputs
            .pop_front()
            .unwrap_or_else(|| LivenessOutput::Timeout(self.next_timeout()))
    }

    /// When it next has something to do.
    pub fn next_timeout(&self) -> Option<Instant> {
        self.beat.into_iter().chain(self.death()).min()
    }

    /// Whether the path may be used.
    pub fn is_alive(&self) -> bool {
        self.state == State::Alive
    }

    /// Whether the peer ever answered a probe: others are never called dead.
    pub const fn is_proven(&self) -> bool {
        self.rtt.samples() > 0
    }

    /// The round-trip time as its probes measure it.
    pub const fn rtt(&self) -> &RttTracker {
        &self.rtt
    }

    /// How often the path died, as far as that is not forgiven.
    pub const fn deaths(&self) -> u32 {
        self.deaths
    }

    fn needed(&mut self) {
        let was_idle = self.now >= self.needed_until;
        self.needed_until = self.now + self.config.linger;
        if was_idle && self.state == State::Alive {
            // What was not answered before the pause proves nothing now.
            self.silent = 0;
            let pause = self.beat.is_none_or(|_| self.is_proven());
            if pause {
                self.beat = Some(self.now);
            }
        }
    }

    fn heard(&mut self) {
        self.heard = Some(self.now);
        self.data = self.heard;
        self.silent = 0;
    }

    fn answered(&mut self, number: u32) {
        let mut probes = self.unanswered.iter();
        let place = probes.position(|(asked, _)| *asked == number);
        self.heard = Some(self.now);
        self.silent = 0;
        let Some(place) = place else { return };
        if let Some((_, sent)) = self.unanswered.drain(..=place).next_back() {
            self.rtt.add(self.now.saturating_since(sent));
            self.measured = Some(self.now);
        }
        if let State::Dead { answers, .. } = &mut self.state {
            *answers = answers.saturating_add(1);
            self.revive();
        }
    }

    fn revive(&mut self) {
        let State::Dead {
            since,
            until,
            answers,
        } = self.state
        else {
            return;
        };
        if answers < self.config.answers.max(1) || self.now < until {
            return;
        }
        self.state = State::Alive;
        self.lives_since = self.now;
        self.silent = 0;
        self.outputs
            .push_back(LivenessOutput::Event(LivenessEvent::Up {
                at: self.now,
                dead: self.now.saturating_since(since),
            }));
    }

    fn advance(&mut self) {
        if self.death().is_some_and(|death| death <= self.now) {
            self.die();
        }
        if self.beat.is_some_and(|beat| beat <= self.now) {
            self.probe();
        }
    }

    /// When the path is dead unless something comes.
    fn death(&self) -> Option<Instant> {
        if self.state != State::Alive || !self.is_proven() {
            return None;
        }
        let misses = usize::from(self.config.misses.max(1));
        let later = self.silent.checked_sub(misses)?;
        let (_, sent) = self.unanswered.iter().rev().nth(later)?;
        Some(*sent + self.patience())
    }

    /// How long an answer may take.
    fn patience(&self) -> Duration {
        let Some(smoothed) = self.rtt.smoothed() else {
            return PATIENCE;
        };
        // RFC 6298 section 2 starts the deviation at half the first sample.
        let deviation = self.rtt.jitter().unwrap_or(smoothed / 2);
        let usual = smoothed
            .saturating_mul(2)
            .saturating_add(deviation.saturating_mul(4));
        usual.max(self.config.interval / 2)
    }

    fn die(&mut self) {
        if self.now.saturating_since(self.lives_since) >= self.config.calm {
            self.deaths = 0;
        }
        let hold = self
            .config
            .hold
            .saturating_mul(2u32.saturating_pow(self.deaths))
            .min(self.config.max_hold);
        self.deaths = self.deaths.saturating_add(1);
        let since = self.heard.unwrap_or(self.now);
        let until = self.now + hold;
        self.state = State::Dead {
            since: self.now,
            until,
            answers: 0,
        };
        self.unanswered.clear();
        self.silent = 0;
        self.beat = Some(self.now + self.pace());
        self.outputs
            .push_back(LivenessOutput::Event(LivenessEvent::Down {
                at: self.now,
                silence: self.now.saturating_since(since),
                until,
            }));
    }

    fn is_needed(&self) -> bool {
        self.now < self.needed_until
    }

    fn probe(&mut self) {
        match self.state {
            State::Alive if !self.is_needed() => {
                self.beat = None;
                self.silent = 0;
                return;
            }
            State::Alive => {
                self.beat = Some(self.now + self.pace());
                if let Some(later) = self.put_off() {
                    self.beat = Some(later);
                    return;
                }
            }
            State::Dead { since, until, .. } => {
                self.beat = Some(self.now + self.pace());
                self.revive();
                if self.state == State::Alive {
                    return;
                }
                // An answer that had the time to come and did not breaks the row.
                let patience = self.patience();
                let overdue = self
                    .unanswered
                    .front()
                    .is_some_and(|(_, sent)| *sent + patience <= self.now);
                if overdue {
                    self.unanswered.clear();
                    self.silent = 0;
                    self.state = State::Dead {
                        since,
                        until,
                        answers: 0,
                    };
                }
            }
        }
        self.send();
    }

    fn send(&mut self) {
        let number = self.next_number;
        self.next_number = number.wrapping_add(1);
        if !self.is_proven() {
            self.unproven = self.unproven.saturating_add(1);
        }
        if self.unanswered.len() >= REMEMBERED {
            self.unanswered.pop_front();
        }
        self.unanswered.push_back((number, self.now));
        self.silent = self.silent.saturating_add(1).min(REMEMBERED);
        self.outputs.push_back(LivenessOutput::Probe(number));
    }

    /// Received data puts a probe off until an interval after it, unless none measured lately.
    fn put_off(&self) -> Option<Instant> {
        let measured = self.measured?;
        let later = self.data? + self.config.interval;
        let is_fresh = self.now.saturating_since(measured) < MEASURE;
        (is_fresh && later > self.now).then_some(later)
    }

    /// Time to the next probe.
    fn pace(&self) -> Duration {
        match self.state {
            State::Alive if !self.is_proven() && self.unproven >= UNPROVEN => UNPROVEN_INTERVAL,
            State::Dead { .. } if !self.is_needed() => self.config.recovery,
            State::Alive | State::Dead { .. } => self.config.interval,
        }
    }
}
