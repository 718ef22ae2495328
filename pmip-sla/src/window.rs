use std::time::Duration;

use pmip_wire::types::Instant;

use crate::delay::DelayStatistics;
use crate::jitter::{JitterMeter, JitterStatistics};

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
    /// When the responder got the probe and sent the answer, by its own clock.
    pub responder: Option<(Instant, Instant)>,
}

impl Sample {
    /// Round-trip time without the time that the responder took (RFC 8762 section 4.1.1 gives the
    /// four times it is made of).
    pub fn rtt(&self) -> Duration {
        let total = self.received.saturating_since(self.sent);
        let held = self.responder.map_or(Duration::ZERO, |(got, answered)| {
            answered.saturating_since(got)
        });
        total.saturating_sub(held)
    }
}

/// What a stretch of probing showed: one operation, or several [merged](Self::merge).
///
/// A probe is *sent*, then either *received* (answered in time) or *lost* (not answered in time).
/// *Late* answers came after that; *duplicates* answer an answered probe again; *out of order* are
/// answers in time that a later probe's answer overtook.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Window {
    sent: u64,
    lost: u64,
    duplicates: u64,
    out_of_order: u64,
    late: u64,
    rtt: DelayStatistics,
    jitter: JitterStatistics,
    jitter_forward: JitterStatistics,
    jitter_backward: JitterStatistics,
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
        self.rtt.merge(&later.rtt);
        self.jitter.merge(&later.jitter);
        self.jitter_forward.merge(&later.jitter_forward);
        self.jitter_backward.merge(&later.jitter_backward);
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
}

impl Collector {
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
        let nanos = |instant: Instant| i128::from(instant.as_nanos());
        let rtt = i128::from(crate::delay::nanos(rtt));
        self.jitter.add(now, rtt, &mut window.jitter);
        if let Some((got, answered)) = sample.responder {
            let forward = nanos(got) - nanos(sample.sent);
            self.forward.add(now, forward, &mut window.jitter_forward);
            let backward = nanos(now) - nanos(answered);
            self.backward
                .add(now, backward, &mut window.jitter_backward);
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
            responder: Some((at(9_020), at(9_035))),
        };
        assert_eq!(sample.rtt(), Duration::from_millis(35));
    }
}
