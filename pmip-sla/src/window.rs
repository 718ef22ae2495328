use std::time::Duration;

use pmip_wire::types::Instant;

use crate::delay::{DelayStatistics, nanos};
use crate::jitter::{JitterMeter, JitterStatistics};
use crate::loss::LossByDirection;

/// One answered probe's times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Sample {
    /// The probe's number; numbers wrap around.
    pub sequence: u32,
    /// When the probe left.
    pub sent: Instant,
    /// When the answer came.
    pub received: Instant,
    /// What the responder's timestamps say.
    pub responder: Option<ResponderTimes>,
}

/// The times of an answer that only the responder knows, by its clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ResponderTimes {
    /// Nanoseconds from the probe's sending, by our clock, to its arrival, by the responder's:
    /// off by the difference of the clocks, and so maybe negative.
    pub forward: i64,
    /// How long the responder kept the probe.
    pub held: Duration,
    /// Whether both clocks are said to be in step, so that delay in one direction means something.
    pub in_step: bool,
}

impl Sample {
    /// Round-trip time without the time that the responder took (RFC 8762 section 4.1.1 gives the
    /// four times it is made of).
    pub fn rtt(&self) -> Duration {
        let total = self.received.saturating_since(self.sent);
        let held = self
            .responder
            .map_or(Duration::ZERO, |responder| responder.held);
        total.saturating_sub(held)
    }

    /// Nanoseconds on the way there and on the way back, each off by the clocks' difference.
    fn one_way(&self) -> Option<(i128, i128)> {
        let forward = i128::from(self.responder?.forward);
        Some((forward, i128::from(nanos(self.rtt())) - forward))
    }
}

/// What a stretch of probing showed: one operation, or several [merged](Self::merge).
///
/// A probe is *sent*, then either *received* (answered in time) or *lost* (not answered in time).
/// *Late* answers came after that; *duplicates* answer an answered probe again; *out of order* are
/// answers in time that a later probe's answer overtook. Losses that were not late are told apart
/// [by direction](Self::loss) once the operation ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Window {
    sent: u64,
    lost: u64,
    duplicates: u64,
    out_of_order: u64,
    late: u64,
    over_threshold: u64,
    loss: LossByDirection,
    rtt: DelayStatistics,
    jitter: JitterStatistics,
    jitter_forward: JitterStatistics,
    jitter_backward: JitterStatistics,
    one_way_forward: DelayStatistics,
    one_way_backward: DelayStatistics,
}

impl Window {
    /// Probes sent.
    pub const fn sent(&self) -> u64 {
        self.sent
    }

    /// Probes answered in time.
    pub const fn received(&self) -> u64 {
        self.rtt.count()
    }

    /// Probes not answered in time.
    pub const fn lost(&self) -> u64 {
        self.lost
    }

    /// Answers to probes that were answered before.
    pub const fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// Answers in time that came after the answer to a later probe (RFC 4737 section 3).
    pub const fn out_of_order(&self) -> u64 {
        self.out_of_order
    }

    /// First answers that came after their timeout; their probes count as lost.
    pub const fn late(&self) -> u64 {
        self.late
    }

    /// Answers in time whose round-trip time was above the operation's threshold.
    pub const fn over_threshold(&self) -> u64 {
        self.over_threshold
    }

    /// Losses by direction, without those that were answered late; filled in when an operation
    /// ends.
    pub const fn loss(&self) -> LossByDirection {
        self.loss
    }

    /// Round-trip times.
    pub const fn rtt(&self) -> &DelayStatistics {
        &self.rtt
    }

    /// Variation of the round-trip time.
    pub const fn jitter(&self) -> &JitterStatistics {
        &self.jitter
    }

    /// Variation on the way there; empty unless the responder told its times.
    pub const fn jitter_forward(&self) -> &JitterStatistics {
        &self.jitter_forward
    }

    /// Variation on the way back; empty unless the responder told its times.
    pub const fn jitter_backward(&self) -> &JitterStatistics {
        &self.jitter_backward
    }

    /// Delay on the way there (SD); empty unless both clocks are said to be in step.
    pub const fn one_way_forward(&self) -> &DelayStatistics {
        &self.one_way_forward
    }

    /// Delay on the way back (DS); empty unless both clocks are said to be in step.
    pub const fn one_way_backward(&self) -> &DelayStatistics {
        &self.one_way_backward
    }

    /// The jitter that a profile limits: the worse of the mean jitter in each direction, that of
    /// the round trip where the responder tells no times; `None` before the second answer.
    pub fn jitter_average(&self) -> Option<Duration> {
        let worse = self
            .jitter_forward
            .average()
            .max(self.jitter_backward.average());
        worse.or_else(|| self.jitter.average())
    }

    /// Lost probes per million of those whose fate is known, rounded down; `None` when there is
    /// none.
    pub fn loss_ppm(&self) -> Option<u32> {
        let known = u128::from(self.received()) + u128::from(self.lost);
        let ppm = (u128::from(self.lost) * 1_000_000).checked_div(known)?;
        u32::try_from(ppm).ok()
    }

    /// Counts everything that `later` counted. Merging the windows of a stretch of time, in order,
    /// gives exactly the window of the whole.
    pub fn merge(&mut self, later: &Self) {
        self.sent = self.sent.saturating_add(later.sent);
        self.lost = self.lost.saturating_add(later.lost);
        self.duplicates = self.duplicates.saturating_add(later.duplicates);
        self.out_of_order = self.out_of_order.saturating_add(later.out_of_order);
        self.late = self.late.saturating_add(later.late);
        self.over_threshold = self.over_threshold.saturating_add(later.over_threshold);
        let loss = &mut self.loss;
        loss.forward = loss.forward.saturating_add(later.loss.forward);
        loss.backward = loss.backward.saturating_add(later.loss.backward);
        loss.unknown = loss.unknown.saturating_add(later.loss.unknown);
        self.rtt.merge(&later.rtt);
        self.jitter.merge(&later.jitter);
        self.jitter_forward.merge(&later.jitter_forward);
        self.jitter_backward.merge(&later.jitter_backward);
        self.one_way_forward.merge(&later.one_way_forward);
        self.one_way_backward.merge(&later.one_way_backward);
    }
}

/// Builds the windows of one path from what happens to its probes.
///
/// What spans a border (the packet before, the highest number answered) stays here, so it does not
/// matter where windows are cut.
///
/// ```
/// use pmip_sla::{Collector, Sample};
/// use pmip_wire::types::Instant;
///
/// let mut collector = Collector::default();
/// let at = Instant::from_millis;
/// for (sequence, sent, received) in [(1, 0, 20), (3, 40, 65), (2, 20, 70)] {
///     collector.sent();
///     let (sent, received) = (at(sent), at(received));
///     collector.received(Sample { sequence, sent, received, responder: None });
/// }
/// collector.sent();
/// collector.lost();
/// let window = collector.cut();
/// assert_eq!((window.sent(), window.received(), window.lost()), (4, 3, 1));
/// assert_eq!(window.out_of_order(), 1);
/// assert_eq!(window.loss_ppm(), Some(250_000));
/// // Round trips of 20, 25 and 50 ms: differences of 5 and 25 ms.
/// assert_eq!(window.jitter().average().map(|j| j.as_millis()), Some(15));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Collector {
    window: Window,
    highest: Option<u32>,
    jitter: JitterMeter,
    forward: JitterMeter,
    backward: JitterMeter,
    threshold: Option<Duration>,
}

impl Collector {
    /// One that counts answers with a round-trip time above `threshold` apart.
    pub fn with_threshold(threshold: Duration) -> Self {
        Self {
            threshold: Some(threshold),
            ..Self::default()
        }
    }

    /// A probe left.
    pub fn sent(&mut self) {
        self.window.sent += 1;
    }

    /// A probe was answered for the first time, and in time.
    pub fn received(&mut self, sample: Sample) {
        let window = &mut self.window;
        if self
            .highest
            .is_some_and(|highest| precedes(sample.sequence, highest))
        {
            window.out_of_order += 1;
        } else {
            self.highest = Some(sample.sequence);
        }
        let rtt = sample.rtt();
        let now = sample.received;
        window.rtt.add(rtt);
        if self.threshold.is_some_and(|threshold| rtt > threshold) {
            window.over_threshold += 1;
        }
        self.jitter
            .add(now, i128::from(nanos(rtt)), &mut window.jitter);
        let (Some(responder), Some((forward, backward))) = (sample.responder, sample.one_way())
        else {
            return;
        };
        self.forward.add(now, forward, &mut window.jitter_forward);
        self.backward
            .add(now, backward, &mut window.jitter_backward);
        if responder.in_step {
            window.one_way_forward.add(span(forward));
            window.one_way_backward.add(span(backward));
        }
    }

    /// A probe was not answered in time.
    pub fn lost(&mut self) {
        self.window.lost += 1;
    }

    /// The first answer to a lost probe came after all.
    pub fn late(&mut self) {
        self.window.late += 1;
    }

    /// An answered probe was answered again.
    pub fn duplicate(&mut self) {
        self.window.duplicates += 1;
    }

    /// The losses of an operation that ended, by direction.
    pub fn attribute(&mut self, loss: LossByDirection) {
        self.window.loss = loss;
    }

    /// What was collected since the last cut.
    pub const fn window(&self) -> &Window {
        &self.window
    }

    /// Ends the window and begins the next.
    pub fn cut(&mut self) -> Window {
        std::mem::take(&mut self.window)
    }

    /// Says that the next probe does not follow the last one, as after the pause between
    /// operations: their difference is no jitter.
    pub fn pause(&mut self) {
        self.jitter.pause();
        self.forward.pause();
        self.backward.pause();
    }
}

/// A delay that clocks out of step by a little may make negative counts as none.
fn span(nanos: i128) -> Duration {
    Duration::from_nanos(u64::try_from(nanos.max(0)).unwrap_or(u64::MAX))
}

/// Whether number `a` lies before `b`, around the wrap (RFC 1982 with 32 bits).
fn precedes(a: u32, b: u32) -> bool {
    a != b && b.wrapping_sub(a) < 1 << 31
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_wrap_around() {
        assert!(precedes(u32::MAX, 0));
        assert!(!precedes(0, u32::MAX));
        assert!(!precedes(7, 7));
    }

    #[test]
    fn the_responders_own_time_is_not_the_paths() {
        let at = Instant::from_millis;
        let sample = Sample {
            sequence: 1,
            sent: at(0),
            received: at(50),
            responder: Some(ResponderTimes {
                forward: 9_020_000_000,
                held: Duration::from_millis(15),
                in_step: false,
            }),
        };
        assert_eq!(sample.rtt(), Duration::from_millis(35));
    }

    #[test]
    fn delay_in_one_direction_is_told_only_by_clocks_in_step() {
        let collect = |in_step| {
            let mut collector = Collector::default();
            let ms = Duration::from_millis;
            collector.received(Sample {
                sequence: 1,
                sent: Instant::ZERO,
                received: Instant::from_millis(50),
                responder: Some(ResponderTimes {
                    forward: 20_000_000,
                    held: ms(5),
                    in_step,
                }),
            });
            let window = collector.cut();
            let average = |delay: &DelayStatistics| delay.average();
            (
                average(window.one_way_forward()),
                average(window.one_way_backward()),
            )
        };
        let ms = Duration::from_millis;
        assert_eq!(collect(true), (Some(ms(20)), Some(ms(25))));
        assert_eq!(collect(false), (None, None));
    }
}
