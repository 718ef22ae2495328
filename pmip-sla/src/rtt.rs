use std::time::Duration;

use crate::delay::nanos;

/// Follows a path's round-trip time from single samples, such as heartbeat answers.
///
/// The smoothing is RFC 6298 section 2: `SRTT += (R - SRTT) / 8` and a mean deviation
/// `VAR += (|SRTT - R| - VAR) / 4`. One thing differs: RFC 6298 starts `VAR` at half the first
/// sample, a cautious value for a retransmission timer; here it is a measurement to look at, so it
/// starts with the first difference and is unknown before.
///
/// ```
/// use std::time::Duration;
/// use pmip_sla::RttTracker;
///
/// let ms = Duration::from_millis;
/// let mut rtt = RttTracker::default();
/// rtt.add(ms(40));
/// assert_eq!((rtt.smoothed(), rtt.jitter()), (Some(ms(40)), None));
/// rtt.add(ms(56)); // 16 ms off: VAR = 16, SRTT = 40 + 16/8
/// assert_eq!((rtt.smoothed(), rtt.jitter()), (Some(ms(42)), Some(ms(16))));
/// rtt.add(ms(42)); // 0 ms off: VAR = 16 - 16/4
/// assert_eq!((rtt.smoothed(), rtt.jitter()), (Some(ms(42)), Some(ms(12))));
/// assert_eq!((rtt.min(), rtt.max()), (Some(ms(40)), Some(ms(56))));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RttTracker {
    samples: u64,
    state: Option<State>,
}

/// Known from the first sample on; nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct State {
    last: u64,
    min: u64,
    max: u64,
    /// SRTT times 8 and VAR times 4 spare the rounding at each step.
    smoothed_eighths: u64,
    deviation_quarters: Option<u64>,
}

/// Keeps scaled values in range: over 36 years of round-trip time.
const LONGEST: u64 = u64::MAX / 16;

impl RttTracker {
    /// Takes one sample.
    pub fn add(&mut self, rtt: Duration) {
        let sample = nanos(rtt).min(LONGEST);
        self.samples = self.samples.saturating_add(1);
        self.state = Some(match self.state {
            None => State::first(sample),
            Some(state) => state.next(sample),
        });
    }

    /// How many samples there were.
    pub const fn samples(&self) -> u64 {
        self.samples
    }

    /// The last sample.
    pub fn last(&self) -> Option<Duration> {
        self.state.map(|state| Duration::from_nanos(state.last))
    }

    /// The smoothed round-trip time, SRTT.
    pub fn smoothed(&self) -> Option<Duration> {
        self.state
            .map(|state| Duration::from_nanos(state.smoothed_eighths / 8))
    }

    /// The mean deviation, VAR; `None` before the second sample.
    pub fn jitter(&self) -> Option<Duration> {
        self.state?
            .deviation_quarters
            .map(|quarters| Duration::from_nanos(quarters / 4))
    }

    /// The least sample.
    pub fn min(&self) -> Option<Duration> {
        self.state.map(|state| Duration::from_nanos(state.min))
    }

    /// The greatest sample.
    pub fn max(&self) -> Option<Duration> {
        self.state.map(|state| Duration::from_nanos(state.max))
    }
}

impl State {
    const fn first(sample: u64) -> Self {
        Self {
            last: sample,
            min: sample,
            max: sample,
            smoothed_eighths: sample * 8,
            deviation_quarters: None,
        }
    }

    fn next(self, sample: u64) -> Self {
        let off = (self.smoothed_eighths / 8).abs_diff(sample);
        let deviation = match self.deviation_quarters {
            None => off * 4,
            Some(quarters) => quarters - quarters / 4 + off,
        };
        Self {
            last: sample,
            min: self.min.min(sample),
            max: self.max.max(sample),
            smoothed_eighths: self.smoothed_eighths - self.smoothed_eighths / 8 + sample,
            deviation_quarters: Some(deviation),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_settles_on_a_constant_rtt() {
        let mut rtt = RttTracker::default();
        rtt.add(Duration::from_millis(500));
        for _ in 0..200 {
            rtt.add(Duration::from_millis(30));
        }
        let smoothed = rtt.smoothed().expect("samples");
        assert!(smoothed.abs_diff(Duration::from_millis(30)) < Duration::from_micros(1));
        assert!(rtt.jitter().expect("samples") < Duration::from_micros(1));
        assert_eq!(rtt.samples(), 201);
    }

    #[test]
    fn absurd_samples_do_not_overflow() {
        let mut rtt = RttTracker::default();
        for _ in 0..50 {
            rtt.add(Duration::MAX);
            rtt.add(Duration::ZERO);
        }
        assert!(rtt.smoothed() <= rtt.max());
    }
}
