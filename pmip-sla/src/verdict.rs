use std::time::Duration;

use pmip_wire::types::Instant;

use crate::delay::nanos;
use crate::window::Window;

/// A traffic profile's upper limits (`profile-definition`); what is not set is not tested.
///
/// ```
/// use std::time::Duration;
/// use pmip_sla::Limits;
///
/// // The voice profile of the feature description: jitter 50, rtt 100, packet-loss 2.
/// let voice = Limits::default()
///     .with_jitter(Duration::from_millis(50))
///     .with_rtt(Duration::from_millis(100))
///     .with_loss_ppm(20_000);
/// assert_eq!(voice.loss_ppm, Some(20_000));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, rename_all = "kebab-case"))]
#[non_exhaustive]
pub struct Limits {
    /// Mean difference of consecutive transit times: the worse of the two directions where the
    /// responder tells its times, else that of the round trip.
    pub jitter: Option<Duration>,
    /// Mean round-trip time.
    pub rtt: Option<Duration>,
    /// Lost probes per million.
    pub loss_ppm: Option<u32>,
}

impl Limits {
    /// With this limit of jitter.
    #[must_use]
    pub const fn with_jitter(mut self, jitter: Duration) -> Self {
        self.jitter = Some(jitter);
        self
    }

    /// With this limit of round-trip time.
    #[must_use]
    pub const fn with_rtt(mut self, rtt: Duration) -> Self {
        self.rtt = Some(rtt);
        self
    }

    /// With this limit of loss, in lost probes per million (2 % = 20,000).
    #[must_use]
    pub const fn with_loss_ppm(mut self, loss_ppm: u32) -> Self {
        self.loss_ppm = Some(loss_ppm);
        self
    }

    /// Compares one window with the limits. A value equal to its limit conforms.
    ///
    /// Without any answer the loss is 100 %, and round-trip time and jitter are not tested.
    pub fn judge(&self, window: &Window) -> Judgement {
        let measured = [
            (
                Measure::Jitter,
                window.jitter_average().map(nanos),
                self.jitter.map(nanos),
            ),
            (
                Measure::Rtt,
                window.rtt().average().map(nanos),
                self.rtt.map(nanos),
            ),
            (
                Measure::Loss,
                window.loss_ppm().map(u64::from),
                self.loss_ppm.map(u64::from),
            ),
        ];
        let mut judgement = Judgement::default();
        for (measure, value, limit) in measured {
            if let (Some(value), Some(limit)) = (value, limit) {
                judgement.take(measure, value, limit);
            }
        }
        judgement
    }
}

/// What a profile limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Measure {
    /// Mean difference of consecutive transit times.
    Jitter,
    /// Mean round-trip time.
    Rtt,
    /// Packet loss.
    Loss,
}

/// One window compared with [`Limits`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Judgement {
    /// The measure furthest above its limit; `None` when the window conforms.
    pub violated: Option<Measure>,
    /// The greatest value / limit, per mille: 1,000 is at the limit. Among paths that all violate,
    /// the least of these is the best.
    pub worst_per_mille: u32,
}

impl Judgement {
    /// Whether every limit is kept.
    pub const fn conforms(&self) -> bool {
        self.violated.is_none()
    }

    fn take(&mut self, measure: Measure, value: u64, limit: u64) {
        let ratio = (u128::from(value) * 1_000).div_ceil(u128::from(limit.max(1)));
        let per_mille = u32::try_from(ratio).unwrap_or(u32::MAX);
        let worse = per_mille > self.worst_per_mille || self.violated.is_none();
        if value > limit && worse {
            self.violated = Some(measure);
        }
        self.worst_per_mille = self.worst_per_mille.max(per_mille);
    }
}

/// How slowly a [`Verdict`] changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub struct Hysteresis {
    /// Violating operations in a row that make a path violating, 1 to 16 (default 1).
    pub down: u8,
    /// Conforming operations in a row that make it conforming again, 1 to 16 (default 3).
    pub up: u8,
    /// It stays violating for at least this long.
    pub hold: Duration,
}

impl Hysteresis {
    /// The defaults for operations every `frequency`: down 1, up 3, hold twice the frequency.
    pub const fn for_frequency(frequency: Duration) -> Self {
        Self {
            down: 1,
            up: 3,
            hold: frequency.saturating_mul(2),
        }
    }

    /// With this number of violating operations; 0 counts as 1.
    #[must_use]
    pub const fn with_down(mut self, down: u8) -> Self {
        self.down = down;
        self
    }

    /// With this number of conforming operations; 0 counts as 1.
    #[must_use]
    pub const fn with_up(mut self, up: u8) -> Self {
        self.up = up;
        self
    }

    /// With this hold time.
    #[must_use]
    pub const fn with_hold(mut self, hold: Duration) -> Self {
        self.hold = hold;
        self
    }
}

/// Whether a path meets a profile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum VerdictState {
    /// No operation was completed yet; counts as conforming.
    #[default]
    Unknown,
    /// It does.
    Conforming,
    /// It does not.
    Violating,
}

/// A [`Verdict`] changed its mind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct VerdictChange {
    /// When.
    pub at: Instant,
    /// The state before.
    pub from: VerdictState,
    /// The state from now on.
    pub to: VerdictState,
    /// What the last operation showed.
    pub judgement: Judgement,
}

/// The state of one path against one profile, with hysteresis.
///
/// It enters `Violating` after [`down`](Hysteresis::down) violating operations in a row, and leaves
/// it after [`up`](Hysteresis::up) conforming ones in a row, but not before
/// [`hold`](Hysteresis::hold) has passed.
///
/// ```
/// use std::time::Duration;
/// use pmip_sla::{Collector, Hysteresis, Limits, Verdict, VerdictState};
/// use pmip_wire::types::Instant;
///
/// let limits = Limits::default().with_loss_ppm(20_000);
/// let hysteresis = Hysteresis::for_frequency(Duration::from_secs(10));
/// let mut verdict = Verdict::new(limits, hysteresis);
/// let all_lost = {
///     let mut collector = Collector::default();
///     collector.sent();
///     collector.lost();
///     collector.cut()
/// };
/// let change = verdict.judge(Instant::from_secs(10), &all_lost).expect("down at once");
/// assert_eq!(change.to, VerdictState::Violating);
/// assert_eq!(change.judgement.worst_per_mille, 50_000); // 100 % against 2 %
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Verdict {
    limits: Limits,
    hysteresis: Hysteresis,
    state: VerdictState,
    since: Option<Instant>,
    /// Operations in a row that speak against the present state.
    against: u8,
    last: Option<Judgement>,
    changes: u64,
}

impl Verdict {
    /// An open verdict: [`VerdictState::Unknown`].
    pub const fn new(limits: Limits, hysteresis: Hysteresis) -> Self {
        Self {
            limits,
            hysteresis,
            state: VerdictState::Unknown,
            since: None,
            against: 0,
            last: None,
            changes: 0,
        }
    }

    /// Takes the window of a completed operation; tells whether that changed the state.
    pub fn judge(&mut self, now: Instant, window: &Window) -> Option<VerdictChange> {
        let judgement = self.limits.judge(window);
        self.last = Some(judgement);
        let to = self.next_state(now, judgement.conforms());
        let from = std::mem::replace(&mut self.state, to);
        if from == to {
            return None;
        }
        self.since = Some(now);
        self.against = 0;
        self.changes = self.changes.saturating_add(1);
        Some(VerdictChange {
            at: now,
            from,
            to,
            judgement,
        })
    }

    /// The limits that it compares with.
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// How slowly it changes.
    pub const fn hysteresis(&self) -> &Hysteresis {
        &self.hysteresis
    }

    /// The state.
    pub const fn state(&self) -> VerdictState {
        self.state
    }

    /// Whether traffic of the profile may use the path: anything but [`VerdictState::Violating`].
    pub const fn is_eligible(&self) -> bool {
        match self.state {
            VerdictState::Unknown | VerdictState::Conforming => true,
            VerdictState::Violating => false,
        }
    }

    /// When it took this state; `None` while unknown.
    pub const fn since(&self) -> Option<Instant> {
        self.since
    }

    /// What the last operation showed.
    pub const fn last(&self) -> Option<&Judgement> {
        self.last.as_ref()
    }

    /// How often the state changed.
    pub const fn changes(&self) -> u64 {
        self.changes
    }

    fn next_state(&mut self, now: Instant, conforms: bool) -> VerdictState {
        let stays = match self.state {
            VerdictState::Unknown | VerdictState::Conforming => conforms,
            VerdictState::Violating => !conforms,
        };
        self.against = if stays {
            0
        } else {
            self.against.saturating_add(1)
        };
        match (self.state, conforms) {
            (VerdictState::Unknown | VerdictState::Conforming, true) => VerdictState::Conforming,
            (VerdictState::Violating, false) => VerdictState::Violating,
            (VerdictState::Unknown | VerdictState::Conforming, false) => {
                if self.against >= self.hysteresis.down.max(1) {
                    VerdictState::Violating
                } else {
                    self.state
                }
            }
            (VerdictState::Violating, true) => {
                if self.against >= self.hysteresis.up.max(1) && self.held_until_by(now) {
                    VerdictState::Conforming
                } else {
                    VerdictState::Violating
                }
            }
        }
    }

    /// Whether the hold time has passed.
    fn held_until_by(&self, now: Instant) -> bool {
        self.since
            .is_none_or(|since| now >= since + self.hysteresis.hold)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::{Collector, Sample};

    const FREQUENCY: Duration = Duration::from_secs(10);

    /// An operation with these round-trip times in milliseconds, `None` for a lost probe.
    fn operation(rtts: &[Option<u64>]) -> Window {
        let mut collector = Collector::default();
        for (sequence, rtt) in (0..).zip(rtts) {
            collector.sent();
            let Some(rtt) = rtt else {
                collector.lost();
                continue;
            };
            let sent = Instant::from_millis(u64::from(sequence) * 1_000);
            let received = sent + Duration::from_millis(*rtt);
            collector.received(Sample {
                sequence,
                sent,
                received,
                responder: None,
            });
        }
        collector.cut()
    }

    fn good() -> Window {
        operation(&[Some(20), Some(20)])
    }

    fn bad() -> Window {
        operation(&[Some(120), Some(120)])
    }

    fn rtt_100() -> Limits {
        Limits::default().with_rtt(Duration::from_millis(100))
    }

    #[test]
    fn each_limit_is_tested_alone_and_equality_conforms() {
        let ms = Duration::from_millis;
        let window = operation(&[Some(80), Some(120), None, Some(100)]);
        // Mean 100 ms, differences 40 and 20 ms, loss 25 %.
        let cases = [
            (Limits::default().with_rtt(ms(100)), None),
            (Limits::default().with_rtt(ms(99)), Some(Measure::Rtt)),
            (Limits::default().with_jitter(ms(30)), None),
            (Limits::default().with_jitter(ms(29)), Some(Measure::Jitter)),
            (Limits::default().with_loss_ppm(250_000), None),
            (
                Limits::default().with_loss_ppm(249_999),
                Some(Measure::Loss),
            ),
            (Limits::default(), None),
        ];
        for (limits, violated) in cases {
            assert_eq!(limits.judge(&window).violated, violated, "{limits:?}");
        }
    }

    #[test]
    fn the_worst_measure_is_named() {
        let limits = rtt_100().with_loss_ppm(10_000).with_jitter(Duration::ZERO);
        let judgement = limits.judge(&operation(&[Some(150), Some(150), None]));
        assert_eq!(judgement.violated, Some(Measure::Loss));
        assert_eq!(judgement.worst_per_mille, 33_334);
    }

    #[test]
    fn no_answer_is_full_loss() {
        let judgement = rtt_100()
            .with_loss_ppm(999_999)
            .judge(&operation(&[None, None]));
        assert_eq!(judgement.violated, Some(Measure::Loss));
    }

    #[test]
    fn it_falls_at_once_and_returns_after_three_good_operations_and_the_hold() {
        let mut verdict = Verdict::new(rtt_100(), Hysteresis::for_frequency(FREQUENCY));
        assert!(verdict.is_eligible());
        let at = Instant::from_secs;
        let states: Vec<_> = [(10, good()), (20, bad()), (30, good()), (40, bad())]
            .into_iter()
            .chain([(50, good()), (60, good()), (70, good())])
            .map(|(now, window)| {
                verdict.judge(at(now), &window);
                verdict.state()
            })
            .collect();
        use VerdictState::{Conforming, Violating};
        let expected = [
            Conforming, Violating, Violating, Violating, Violating, Violating, Conforming,
        ];
        assert_eq!(states, expected);
        assert_eq!((verdict.changes(), verdict.since()), (3, Some(at(70))));
    }

    #[test]
    fn the_hold_outlasts_quick_good_operations() {
        let hysteresis = Hysteresis::for_frequency(FREQUENCY).with_up(1);
        let mut verdict = Verdict::new(rtt_100(), hysteresis);
        let at = Instant::from_secs;
        verdict.judge(at(0), &bad());
        for now in [5, 10, 19] {
            assert_eq!(verdict.judge(at(now), &good()), None);
        }
        let change = verdict.judge(at(20), &good()).expect("held long enough");
        assert_eq!(
            (change.from, change.to),
            (VerdictState::Violating, VerdictState::Conforming)
        );
    }

    #[test]
    fn down_n_needs_n_in_a_row() {
        let hysteresis = Hysteresis::for_frequency(FREQUENCY).with_down(3);
        let mut verdict = Verdict::new(rtt_100(), hysteresis);
        for (now, window) in (0..).zip([bad(), bad(), good(), bad(), bad()]) {
            verdict.judge(Instant::from_secs(now), &window);
            assert!(verdict.is_eligible());
        }
        assert!(verdict.judge(Instant::from_secs(9), &bad()).is_some());
    }
}
