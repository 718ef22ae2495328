use std::cmp::Ordering;
use std::time::Duration;

use pmip_wire::types::Instant;

use crate::delay::DelayStatistics;

/// How transit time varies from one packet to the next.
///
/// Two views of the same differences `D(i-1, i) = (R_i - R_{i-1}) - (S_i - S_{i-1})` between the
/// spacing of arrivals `R` and that of departures `S` (RFC 3550 section 6.4.1):
///
/// - sums of `D`, [positive](Self::positive), [negative](Self::negative) and [zero](Self::zeros)
///   apart; the [average](Self::average) of `|D|` over all is the jitter that a traffic profile
///   limits.
/// - [`interarrival`](Self::interarrival) is RFC 3550's smoothed estimate,
///   `J += (|D| - J) / 16`, as it stood after the last packet.
///
/// Differences need no common clock: a constant offset cancels out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct JitterStatistics {
    positive: DelayStatistics,
    negative: DelayStatistics,
    zeros: u64,
    last: Option<Estimate>,
}

/// The smoothed estimate and when it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Estimate {
    at: Instant,
    sixteenths: u64,
}

impl JitterStatistics {
    /// `D` where packets took longer than the one before: they came further apart than they were
    /// sent.
    pub const fn positive(&self) -> &DelayStatistics {
        &self.positive
    }

    /// `-D` where packets took less long than the one before.
    pub const fn negative(&self) -> &DelayStatistics {
        &self.negative
    }

    /// How often nothing changed.
    pub const fn zeros(&self) -> u64 {
        self.zeros
    }

    /// `|D|` over consecutive packets: positive, negative and zero together.
    pub fn differences(&self) -> DelayStatistics {
        let mut all = self.positive;
        all.merge(&self.negative);
        all.add_zeros(self.zeros);
        all
    }

    /// Mean of `|D|`; `None` before the second packet.
    pub fn average(&self) -> Option<Duration> {
        self.differences().average()
    }

    /// The interarrival jitter of RFC 3550 after the last packet; `None` before the second packet.
    pub fn interarrival(&self) -> Option<Duration> {
        self.last
            .map(|estimate| Duration::from_nanos(estimate.sixteenths / 16))
    }

    /// Counts everything that `other` counted; the estimate is that of whichever was measured
    /// later, `other` when both were measured at once.
    pub fn merge(&mut self, other: &Self) {
        self.positive.merge(&other.positive);
        self.negative.merge(&other.negative);
        self.zeros = self.zeros.saturating_add(other.zeros);
        self.last = match (self.last, other.last) {
            (Some(ours), Some(theirs)) if ours.at > theirs.at => Some(ours),
            (ours, theirs) => theirs.or(ours),
        };
    }

    fn add(&mut self, change: Ordering, size: u64) {
        let size = Duration::from_nanos(size);
        match change {
            Ordering::Greater => self.positive.add(size),
            Ordering::Less => self.negative.add(size),
            Ordering::Equal => self.zeros = self.zeros.saturating_add(1),
        }
    }
}

/// Turns transit times into [`JitterStatistics`], remembering the packet before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct JitterMeter {
    transit: Option<i128>,
    /// RFC 3550 section 6.4.1's J times 16, which spares the rounding at each step.
    sixteenths: u64,
}

impl JitterMeter {
    /// Counts a packet that arrived at `now` after `transit` nanoseconds, which may be off by any
    /// constant and so negative.
    pub(crate) fn add(&mut self, now: Instant, transit: i128, into: &mut JitterStatistics) {
        let Some(before) = self.transit.replace(transit) else {
            return;
        };
        let difference = u64::try_from(transit.abs_diff(before)).unwrap_or(u64::MAX);
        let decayed = self.sixteenths - (self.sixteenths + 8) / 16;
        self.sixteenths = decayed.saturating_add(difference).min(u64::MAX - 8);
        into.add(transit.cmp(&before), difference);
        into.last = Some(Estimate {
            at: now,
            sixteenths: self.sixteenths,
        });
    }

    /// Forgets the packet before: the next one does not follow it.
    pub(crate) fn pause(&mut self) {
        self.transit = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3550 appendix A.8's recurrence by hand, for transits of 10, 26, 10 and 10 units:
    /// differences 16, 16, 0; J*16 = 16, then 16 - (24/16 = 1) + 16 = 31, then 31 - 39/16 = 29.
    #[test]
    fn the_estimate_follows_the_recurrence_of_rfc_3550() {
        let (mut meter, mut jitter) = (JitterMeter::default(), JitterStatistics::default());
        for transit in [10, 26, 10, 10] {
            meter.add(Instant::ZERO, transit, &mut jitter);
        }
        assert_eq!(jitter.last.map(|estimate| estimate.sixteenths), Some(29));
        assert_eq!(jitter.interarrival(), Some(Duration::from_nanos(1)));
        assert_eq!(jitter.differences().count(), 3);
        assert_eq!(jitter.differences().sum(), Duration::from_nanos(32));
        assert_eq!(jitter.positive().sum(), Duration::from_nanos(16));
        assert_eq!(jitter.negative().sum(), Duration::from_nanos(16));
        assert_eq!(jitter.zeros(), 1);
    }

    #[test]
    fn a_clock_offset_cancels_out() {
        let run = |offset: i128| {
            let (mut meter, mut jitter) = (JitterMeter::default(), JitterStatistics::default());
            for transit in [5, 9, 2, 40] {
                meter.add(Instant::ZERO, transit + offset, &mut jitter);
            }
            jitter
        };
        assert_eq!(run(0), run(-1_000_000_000_000));
        assert_eq!(run(0), run(i128::from(u64::MAX)));
    }

    #[test]
    fn extreme_transits_saturate() {
        let (mut meter, mut jitter) = (JitterMeter::default(), JitterStatistics::default());
        for transit in [i128::MIN, i128::MAX, i128::MIN, 0] {
            meter.add(Instant::MAX, transit, &mut jitter);
        }
        assert_eq!(
            jitter.differences().max(),
            Some(Duration::from_nanos(u64::MAX))
        );
    }
}
