use core::time::Duration;

/// What a path carried in one interval, as its sender knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PathSample {
    /// How long the interval was; not zero.
    pub interval: Duration,
    /// Octets given to the path.
    pub sent: u64,
    /// Of these lost, in parts per million: as the probes, or the far end, saw it.
    pub loss_ppm: u32,
    /// Mean round trip of the probes; `None` when none came back.
    pub rtt: Option<Duration>,
}

impl PathSample {
    /// A sample without loss and without a known round trip.
    pub const fn new(interval: Duration, sent: u64) -> Self {
        Self {
            interval,
            sent,
            loss_ppm: 0,
            rtt: None,
        }
    }

    /// With this loss.
    #[must_use]
    pub const fn with_loss_ppm(mut self, loss_ppm: u32) -> Self {
        self.loss_ppm = loss_ppm;
        self
    }

    /// With this round trip.
    #[must_use]
    pub const fn with_rtt(mut self, rtt: Duration) -> Self {
        self.rtt = Some(rtt);
        self
    }
}

/// Whether one path takes what it is given.
#[derive(Clone, Debug, Default)]
pub(super) struct Congestion {
    rtt: Floor,
    loss: Floor,
    /// Octets per second that came through, the last sample and the most of late.
    delivered: u64,
    most: u64,
    /// How congested, of late: 1,000 is where it begins to tell.
    severity: u64,
    state: State,
    /// Samples in a row that speak against `state`.
    against: u8,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Unknown,
    Congested,
    Calm,
}

/// Samples in a row that make a path congested, or calm.
const TO_CONGESTED: u8 = 2;
const TO_CALM: u8 = 3;
/// A loss above the floor that tells.
const LOSS_PPM: u64 = 10_000;
/// A queue that tells.
const QUEUE: Duration = Duration::from_millis(50);

impl Congestion {
    pub(super) fn observe(&mut self, sample: PathSample) {
        let kept = 1_000_000u64.saturating_sub(sample.loss_ppm.into());
        let nanos = u64::try_from(sample.interval.as_nanos()).unwrap_or(u64::MAX);
        let per_second = u128::from(sample.sent) * 1_000_000_000 / u128::from(nanos.max(1));
        let rate = u64::try_from(per_second * u128::from(kept) / 1_000_000).unwrap_or(u64::MAX);
        self.delivered = self.delivered - self.delivered / 4 + rate / 4;
        self.most = self.delivered.max(self.most - self.most / 128);
        let loss = u64::from(sample.loss_ppm);
        let lossy = (loss - self.loss.note(loss)) * 1_000 / LOSS_PPM;
        let queued = sample.rtt.map_or(0, |rtt| self.queued(rtt));
        let busy = self.delivered >= self.most / 5 * 4;
        let severity = lossy.max(if busy { queued } else { 0 });
        self.severity = self.severity - self.severity / 4 + severity / 4;
        self.judge(severity >= 1_000);
    }

    pub(super) const fn is_congested(&self) -> bool {
        matches!(self.state, State::Congested)
    }

    pub(super) const fn is_calm(&self) -> bool {
        matches!(self.state, State::Calm)
    }

    /// The most that it delivered of late.
    pub(super) const fn most(&self) -> u64 {
        self.most
    }

    pub(super) const fn delivered(&self) -> u64 {
        self.delivered
    }

    /// The queue, per mille of what tells.
    fn queued(&mut self, rtt: Duration) -> u64 {
        let nanos = |duration: Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        // Beyond a minute nothing gets worse.
        let rtt = nanos(rtt.min(Duration::from_secs(60)));
        let floor = self.rtt.note(rtt);
        (rtt - floor) * 1_000 / nanos(QUEUE).max(floor / 2)
    }

    fn judge(&mut self, signs: bool) {
        let (state, needed) = match signs {
            true => (State::Congested, TO_CONGESTED),
            false => (State::Calm, TO_CALM),
        };
        if state == self.state {
            self.against = 0;
            return;
        }
        self.against = self.against.saturating_add(1);
        if self.against >= needed {
            self.state = state;
            self.against = 0;
        }
    }
}

/// The least value of the last one to two windows of samples.
#[derive(Clone, Debug, Default)]
struct Floor {
    current: Option<u64>,
    former: Option<u64>,
    samples: u32,
}

/// Samples of a window: a minute, when they come every second.
const WINDOW: u32 = 60;

impl Floor {
    /// Takes a value in; the floor with it.
    fn note(&mut self, value: u64) -> u64 {
        if self.samples >= WINDOW {
            self.former = self.current.take();
            self.samples = 0;
        }
        self.samples += 1;
        let current = self.current.map_or(value, |least| least.min(value));
        self.current = Some(current);
        self.former.map_or(current, |least| least.min(current))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(sent: u64, loss_ppm: u32, rtt: u64) -> PathSample {
        PathSample::new(Duration::from_secs(1), sent)
            .with_loss_ppm(loss_ppm)
            .with_rtt(Duration::from_millis(rtt))
    }

    #[test]
    fn a_wandering_delay_with_little_traffic_is_no_congestion() {
        let mut path = Congestion::default();
        for _ in 0..10 {
            path.observe(sample(1_000_000, 0, 40));
        }
        for turn in 0..100 {
            path.observe(sample(100_000, 0, 40 + turn % 7 * 20));
            assert!(!path.is_congested(), "at {turn}");
        }
    }

    #[test]
    fn a_loss_that_is_always_there_is_no_congestion_and_more_of_it_is() {
        let mut path = Congestion::default();
        for _ in 0..100 {
            path.observe(sample(1_000_000, 30_000, 40));
            assert!(!path.is_congested());
        }
        path.observe(sample(1_000_000, 45_000, 40));
        assert!(!path.is_congested(), "once is chance");
        path.observe(sample(1_000_000, 45_000, 40));
        assert!(path.is_congested());
    }

    #[test]
    fn a_queue_under_full_load_is_congestion_and_ends_after_three_samples() {
        let mut path = Congestion::default();
        path.observe(sample(1_000_000, 0, 40));
        for _ in 0..4 {
            path.observe(sample(1_000_000, 0, 140));
        }
        assert!(path.is_congested());
        for _ in 0..3 {
            assert!(path.is_congested() && !path.is_calm());
            path.observe(sample(1_000_000, 0, 45));
        }
        assert!(path.is_calm());
    }
}
