use std::collections::VecDeque;

use pmip_wire::types::Instant;

use crate::delay::{DelayStatistics, nanos};
use crate::prober::{Operation, Outcome};
use crate::voice::VoiceScore;

/// What a [`Reaction`] watches, one value an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Element {
    /// Mean round-trip time, in nanoseconds.
    Rtt,
    /// Mean jitter of both directions, in nanoseconds.
    Jitter,
    /// Mean jitter on the way there (SD), in nanoseconds.
    JitterForward,
    /// Mean jitter on the way back (DS), in nanoseconds.
    JitterBackward,
    /// Packets lost on the way there (SD).
    LossForward,
    /// Packets lost on the way back (DS).
    LossBackward,
    /// Packets missing in action.
    Missing,
    /// Late answers.
    Late,
    /// Answers out of order.
    OutOfSequence,
    /// Mean opinion score, in hundredths. Less is worse.
    Mos,
    /// Calculated planning impairment factor.
    Icpif,
    /// 1 where no probe was answered, else 0.
    Timeout,
    /// 1 where the control phase failed, else 0.
    ConnectionLoss,
}

impl Element {
    /// Its value; `None` where the operation does not tell.
    pub fn value(self, operation: &Operation, voice: Option<VoiceScore>) -> Option<u64> {
        let window = &operation.window;
        let mean = |delays: DelayStatistics| delays.average().map(nanos);
        match self {
            Self::Rtt => mean(*window.rtt()),
            Self::Jitter => {
                let mut both = window.jitter_forward().differences();
                both.merge(&window.jitter_backward().differences());
                mean(both).or_else(|| mean(window.jitter().differences()))
            }
            Self::JitterForward => mean(window.jitter_forward().differences()),
            Self::JitterBackward => mean(window.jitter_backward().differences()),
            Self::LossForward => Some(window.loss().forward),
            Self::LossBackward => Some(window.loss().backward),
            Self::Missing => Some(window.loss().unknown),
            Self::Late => Some(window.late()),
            Self::OutOfSequence => Some(window.out_of_order()),
            Self::Mos => voice.map(|score| score.mos_hundredths.into()),
            Self::Icpif => voice.map(|score| score.icpif.into()),
            Self::Timeout => Some(u64::from(operation.outcome == Outcome::Timeout)),
            Self::ConnectionLoss => Some(u64::from(matches!(
                operation.outcome,
                Outcome::NoConnection | Outcome::Refused | Outcome::AuthenticationFailed
            ))),
        }
    }

    /// Whether `a` lies beyond `b` on the bad side.
    fn is_worse(self, a: u128, b: u128) -> bool {
        if self == Self::Mos { a < b } else { a > b }
    }
}

/// How many values it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Trigger {
    /// One.
    Immediate,
    /// So many in a row, 1 to 16 (routers' default is 5).
    Consecutive(u8),
    /// `x` of the last `y`, each 1 to 16.
    XOfY {
        /// How many.
        x: u8,
        /// Of how many.
        y: u8,
    },
    /// The mean of the last 1 to 16.
    Average(u8),
}

impl Trigger {
    /// How many values it looks at.
    const fn span(self) -> u8 {
        match self {
            Self::Immediate => 1,
            Self::Consecutive(n) | Self::Average(n) => n,
            Self::XOfY { y, .. } => y,
        }
    }
}

/// What to watch and when to react.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ReactionConfig {
    /// What is watched.
    pub element: Element,
    /// Values beyond it are bad: above, or below for a MOS.
    pub rising: u64,
    /// Values not beyond it are good again: at most `rising`, or at least for a MOS.
    pub falling: u64,
    /// How many values it takes.
    pub trigger: Trigger,
}

/// Why a [`Reaction`] cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReactionConfigError {
    /// The falling limit is on the bad side of the rising one.
    #[error("the falling limit {falling} is beyond the rising limit {rising}: swap them")]
    Limits {
        /// The rising limit.
        rising: u64,
        /// The falling limit.
        falling: u64,
    },
    /// A number of values is out of range.
    #[error("a reaction looks at 1 to {MAX_VALUES} values, x of them at most y")]
    Values,
}

/// A [`Reaction`] was raised or cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ReactionEvent {
    /// When.
    pub at: Instant,
    /// What is watched.
    pub element: Element,
    /// Whether it was raised; cleared otherwise.
    pub raised: bool,
    /// The value that did it: the last one, or the mean.
    pub value: u64,
}

/// Watches one value of a path's operations and says when it turns bad and when good again.
///
/// Between its limits nothing changes, so a value that swings around one limit does not flap.
///
/// ```
/// use pmip_sla::{Element, Reaction, ReactionConfig, Trigger};
/// use pmip_wire::types::Instant;
///
/// let mut reaction = Reaction::new(ReactionConfig {
///     element: Element::Late,
///     rising: 5,
///     falling: 2,
///     trigger: Trigger::Consecutive(2),
/// })?;
/// let mut raised = Vec::new();
/// for (at, late) in (0..).zip([6, 6, 4, 2, 1]) {
///     if let Some(event) = reaction.take(Instant::from_secs(at), late) {
///         raised.push((at, event.raised));
///     }
/// }
/// assert_eq!(raised, [(1, true), (4, false)]);
/// # Ok::<(), pmip_sla::ReactionConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reaction {
    config: ReactionConfig,
    raised: bool,
    /// The last values, from the oldest to the newest.
    values: VecDeque<u64>,
}

/// The most values that a reaction looks at.
const MAX_VALUES: u8 = 16;

impl Reaction {
    /// One that is not raised and has seen nothing.
    ///
    /// # Errors
    /// [`ReactionConfigError`] says what is wrong.
    pub fn new(config: ReactionConfig) -> Result<Self, ReactionConfigError> {
        let ReactionConfig {
            element,
            rising,
            falling,
            trigger,
        } = config;
        if element.is_worse(falling.into(), rising.into()) {
            return Err(ReactionConfigError::Limits { rising, falling });
        }
        let least = match trigger {
            Trigger::XOfY { x, .. } => x,
            Trigger::Immediate | Trigger::Consecutive(_) | Trigger::Average(_) => 1,
        };
        if !(1..=MAX_VALUES).contains(&trigger.span()) || !(1..=trigger.span()).contains(&least) {
            return Err(ReactionConfigError::Values);
        }
        Ok(Self {
            config,
            raised: false,
            values: VecDeque::with_capacity(trigger.span().into()),
        })
    }

    /// Takes an operation that ended at `now`, with the score of its call where there is a codec.
    pub fn observe(
        &mut self,
        now: Instant,
        operation: &Operation,
        voice: Option<VoiceScore>,
    ) -> Option<ReactionEvent> {
        let value = self.config.element.value(operation, voice)?;
        self.take(now, value)
    }

    /// Takes one value.
    pub fn take(&mut self, now: Instant, value: u64) -> Option<ReactionEvent> {
        let span = usize::from(self.config.trigger.span());
        if self.values.len() >= span {
            self.values.pop_front();
        }
        self.values.push_back(value);
        if !self.turns() {
            return None;
        }
        self.raised = !self.raised;
        let value = self.decisive(value);
        // What turned it must not turn it back.
        self.values.clear();
        Some(ReactionEvent {
            at: now,
            element: self.config.element,
            raised: self.raised,
            value,
        })
    }

    /// Whether it is raised.
    pub const fn is_raised(&self) -> bool {
        self.raised
    }

    /// What it watches and when it reacts.
    pub const fn config(&self) -> &ReactionConfig {
        &self.config
    }

    fn turns(&self) -> bool {
        let full = self.values.len() >= usize::from(self.config.trigger.span());
        let turning = || {
            self.values
                .iter()
                .filter(|value| self.turns_at(u128::from(**value), 1))
        };
        match self.config.trigger {
            Trigger::Immediate | Trigger::Consecutive(_) => {
                full && turning().count() == self.values.len()
            }
            Trigger::XOfY { x, .. } => turning().count() >= usize::from(x),
            Trigger::Average(n) => full && self.turns_at(self.sum(), n),
        }
    }

    /// Whether `sum`, of so many values, speaks for the other state.
    fn turns_at(&self, sum: u128, values: u8) -> bool {
        let element = self.config.element;
        let scaled = |limit: u64| u128::from(limit).saturating_mul(values.into());
        match self.raised {
            false => element.is_worse(sum, scaled(self.config.rising)),
            true => !element.is_worse(sum, scaled(self.config.falling)),
        }
    }

    fn sum(&self) -> u128 {
        self.values.iter().map(|value| u128::from(*value)).sum()
    }

    fn decisive(&self, last: u64) -> u64 {
        match self.config.trigger {
            Trigger::Average(n) => {
                let mean = self.sum().checked_div(n.into());
                mean.and_then(|mean| u64::try_from(mean).ok())
                    .unwrap_or(last)
            }
            Trigger::Immediate | Trigger::Consecutive(_) | Trigger::XOfY { .. } => last,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The places at which it is raised (+) and cleared (-), counted from 1.
    fn turns(element: Element, limits: (u64, u64), trigger: Trigger, values: &[u64]) -> Vec<i64> {
        let (rising, falling) = limits;
        let config = ReactionConfig {
            element,
            rising,
            falling,
            trigger,
        };
        let mut reaction = Reaction::new(config).expect("right");
        let mut turns = Vec::new();
        for (place, value) in (1i64..).zip(values) {
            let event = reaction.take(Instant::ZERO, *value);
            turns.extend(event.map(|event| if event.raised { place } else { -place }));
        }
        turns
    }

    #[test]
    fn each_trigger_reacts_as_its_name_says() {
        let values = [9, 1, 9, 9, 9, 5, 5, 1, 1, 9, 1];
        let run = |trigger| turns(Element::Late, (6, 3), trigger, &values);
        assert_eq!(run(Trigger::Immediate), [1, -2, 3, -8, 10, -11]);
        assert_eq!(run(Trigger::Consecutive(3)), [5]);
        assert_eq!(run(Trigger::Consecutive(2)), [4, -9]);
        assert_eq!(run(Trigger::XOfY { x: 2, y: 3 }), [3, -9]);
        // Means of the last three: 19/3 at 3, and after that 23/3, 19/3, 11/3, 7/3.
        assert_eq!(run(Trigger::Average(3)), [3, -9]);
        assert_eq!(run(Trigger::Average(1)), run(Trigger::Immediate));
    }

    #[test]
    fn a_low_opinion_score_is_the_bad_one() {
        let run = |values: &[u64]| turns(Element::Mos, (350, 400), Trigger::Immediate, values);
        assert_eq!(run(&[420, 349, 360, 399, 400, 350]), [2, -5]);
    }

    #[test]
    fn limits_and_numbers_are_checked() {
        let config = |element, rising, falling, trigger| ReactionConfig {
            element,
            rising,
            falling,
            trigger,
        };
        let swapped = config(Element::Rtt, 1, 2, Trigger::Immediate);
        assert!(Reaction::new(swapped).is_err());
        assert!(Reaction::new(config(Element::Mos, 400, 350, Trigger::Immediate)).is_err());
        for trigger in [
            Trigger::Consecutive(0),
            Trigger::Average(17),
            Trigger::XOfY { x: 3, y: 2 },
            Trigger::XOfY { x: 0, y: 2 },
        ] {
            let wrong = Reaction::new(config(Element::Rtt, 2, 1, trigger));
            assert_eq!(wrong, Err(ReactionConfigError::Values), "{trigger:?}");
        }
    }
}
