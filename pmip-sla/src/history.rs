use std::collections::VecDeque;
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::delay::nanos;
use crate::prober::Operation;
use crate::window::{Sample, Window};

/// What one path's operations showed, in bounded memory: the last ones in full, the sum of all, and
/// quantiles of the round-trip time.
///
/// Quantiles are right within 1 % (two significant digits; G. Tene's HdrHistogram), from a
/// microsecond to a minute. The sums are exact.
///
/// ```
/// use std::time::Duration;
/// use pmip_sla::{History, Sample};
/// use pmip_wire::types::Instant;
///
/// let mut history = History::new(15);
/// for ms in 1..=100 {
///     let (sent, received) = (Instant::ZERO, Instant::from_millis(ms));
///     history.answered(&Sample { sequence: 0, sent, received, responder: None });
/// }
/// let p95 = history.rtt_quantile(950).expect("100 samples");
/// assert!(p95.abs_diff(Duration::from_millis(95)) <= Duration::from_millis(1));
/// assert_eq!(history.rtt_quantile(1_000).map(|max| max.as_millis()), Some(100));
/// ```
#[derive(Clone, Debug)]
pub struct History {
    /// From the oldest to the newest.
    operations: VecDeque<Operation>,
    capacity: usize,
    finished: u64,
    total: Window,
    /// Round-trip times in microseconds.
    rtt: Histogram<u32>,
}

/// The longest round-trip time told apart, in microseconds.
const LONGEST: u64 = 60_000_000;

impl History {
    /// Operations that are kept unless said otherwise.
    pub const DEFAULT_CAPACITY: usize = 15;

    /// One that keeps the last `capacity` operations in full, at least one.
    pub fn new(capacity: usize) -> Self {
        Self {
            operations: VecDeque::new(),
            capacity: capacity.max(1),
            finished: 0,
            total: Window::default(),
            rtt: empty(),
        }
    }

    /// Takes an answer, for the quantiles.
    pub fn answered(&mut self, sample: &Sample) {
        let micros = (nanos(sample.rtt()) / 1_000).clamp(1, LONGEST);
        // In range and of a histogram that grows: it cannot fail.
        let _ = self.rtt.record(micros);
    }

    /// Takes an operation that ended; the oldest makes room.
    pub fn finished(&mut self, operation: Operation) {
        if self.operations.len() >= self.capacity {
            self.operations.pop_front();
        }
        self.total.merge(&operation.window);
        self.finished = self.finished.saturating_add(1);
        self.operations.push_back(operation);
    }

    /// The last operation.
    pub fn last(&self) -> Option<&Operation> {
        self.operations.back()
    }

    /// The operations that are kept, from the oldest to the newest.
    pub fn operations(&self) -> impl DoubleEndedIterator<Item = &Operation> + ExactSizeIterator {
        self.operations.iter()
    }

    /// How many operations ended, those forgotten too.
    pub const fn count(&self) -> u64 {
        self.finished
    }

    /// What all operations showed together, those forgotten too.
    pub const fn total(&self) -> &Window {
        &self.total
    }

    /// The round-trip time that `per_mille` of all answers did not exceed; `None` without any.
    pub fn rtt_quantile(&self, per_mille: u16) -> Option<Duration> {
        if self.rtt.is_empty() {
            return None;
        }
        let micros = self.rtt.value_at_quantile(f64::from(per_mille) / 1_000.0);
        Some(Duration::from_micros(micros))
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self::new(self.capacity);
    }

    /// Octets that it takes now, on the heap and off it.
    pub fn memory(&self) -> usize {
        size_of::<Self>()
            + self.operations.capacity() * size_of::<Operation>()
            + self.rtt.distinct_values() * size_of::<u32>()
    }
}

impl Default for History {
    fn default() -> Self {
        Self::new(Self::DEFAULT_CAPACITY)
    }
}

/// Two significant digits; grows with the greatest value.
#[allow(
    clippy::expect_used,
    reason = "the only argument is a constant that a test covers"
)]
fn empty() -> Histogram<u32> {
    Histogram::new(2).expect("two digits are within the 0 to 5 that are allowed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prober::Outcome;
    use crate::window::Collector;
    use pmip_wire::types::Instant;

    fn operation(started: u64) -> Operation {
        let mut collector = Collector::default();
        collector.sent();
        collector.lost();
        Operation {
            started: Instant::from_secs(started),
            finished: Instant::from_secs(started),
            outcome: Outcome::Timeout,
            window: collector.cut(),
        }
    }

    #[test]
    fn memory_is_bounded_and_the_sum_is_of_all() {
        let mut history = History::new(3);
        let mut grown = 0;
        for started in 0..1_000u32 {
            history.finished(operation(started.into()));
            history.answered(&Sample {
                sequence: 0,
                sent: Instant::ZERO,
                received: Instant::from_nanos(u64::from(started) << 40),
                responder: None,
            });
            if started == 100 {
                grown = history.memory();
            }
        }
        assert_eq!(history.memory(), grown);
        assert!(grown < 20_000, "{grown}");
        let kept: Vec<_> = history.operations().map(|op| op.started).collect();
        assert_eq!(kept, [997, 998, 999].map(Instant::from_secs));
        assert_eq!((history.count(), history.total().sent()), (1_000, 1_000));
        history.clear();
        assert_eq!((history.count(), history.last()), (0, None));
        assert_eq!(history.rtt_quantile(500), None);
    }
}
