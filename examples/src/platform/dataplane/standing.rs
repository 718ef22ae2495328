//! When a queue has stood for too long: packets wait in it, and nothing is gained by that.
//!
//! The control law of CoDel (RFC 8289 section 4) where the time in the queue cannot be seen: a TUN
//! device says only whether it is empty. What never runs empty for an interval is a standing queue,
//! and its senders are told, by one packet at a time, the sooner the longer it goes on standing.

use std::time::Duration;

use pmip_wire::types::Instant;

/// A burst is over after that; round trips through a tunnel on one machine are far shorter, and over
/// long paths the queue is elsewhere.
const INTERVAL: Duration = Duration::from_millis(10);
/// Signals after which they come no more often.
const MOST_FREQUENT: u32 = 16;

/// What is known of one queue.
#[derive(Debug, Default)]
pub(super) struct Standing {
    /// When the next signal is due, while the queue stands.
    due: Option<Instant>,
    signals: u32,
}

impl Standing {
    /// The queue is empty.
    pub(super) const fn emptied(&mut self) {
        self.due = None;
        self.signals = 0;
    }

    /// More waits than was taken at `now`; returns whether to tell a sender.
    pub(super) fn goes_on(&mut self, now: Instant) -> bool {
        let Some(due) = self.due else {
            self.due = Some(now + INTERVAL);
            return false;
        };
        if now < due {
            return false;
        }
        self.signals = self.signals.saturating_add(1).min(MOST_FREQUENT);
        self.due = Some(now + INTERVAL.div_f64(f64::from(self.signals).sqrt()));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often it signals in the `milliseconds` that a queue stands.
    fn signals(standing: &mut Standing, from: u64, milliseconds: u64) -> usize {
        (from..from + milliseconds)
            .filter(|at| standing.goes_on(Instant::from_millis(*at)))
            .count()
    }

    #[test]
    fn a_burst_is_left_alone_and_a_standing_queue_is_told_more_and_more_often() {
        let mut standing = Standing::default();
        assert_eq!(signals(&mut standing, 0, 10), 0, "a burst");
        let early = signals(&mut standing, 10, 20);
        let late = signals(&mut standing, 30, 20);
        assert!(early >= 1 && late > early, "{early}, then {late}");
        standing.emptied();
        assert_eq!(signals(&mut standing, 50, 10), 0, "another burst");
    }
}
