//! A clock that disagrees with the anchor's: RFC 5213 section 6.9.1.2 items 8 and 9, signalling
//! rules section 5. The gateway registers again once its clock is right, and never adopts the
//! anchor's time.

use std::time::Duration;

use pmip_wire::Timestamp;

use crate::event::SessionId;
use crate::io::ClockAnchor;

use super::list::Life;
use super::{Mag, TimerKind};

/// The longest wait between two questions for the time, in longest retransmission intervals.
const MOST_PATIENCE: u32 = 16;

impl Mag {
    pub(super) fn wait_for_clock(&mut self, id: SessionId, theirs: Timestamp) {
        let at = self.now;
        let theirs = theirs.as_unix();
        let Some(entry) = self.entry_mut(id) else {
            return;
        };
        entry.life = Life::WrongClock { theirs, at };
        let lma = entry.lma;
        let waits = self
            .anchors
            .get(lma)
            .is_some_and(|a| a.clock_wait.is_some());
        if !waits {
            self.arm_clock(lma, self.config.maximum_retransmission);
        }
    }

    /// Nobody can tell whose clock is wrong: if it was the anchor's, nothing here shows that it is
    /// right again. So one mobile node of those that wait asks, less and less often.
    pub(super) fn ask_for_time(&mut self, lma: u32) {
        let lma = lma as usize;
        let before = self.anchors.get(lma).and_then(|anchor| anchor.clock_wait);
        let (Some(before), Some(&id)) = (before, self.waiting_for_clock(lma).first()) else {
            return self.stop_clock(lma);
        };
        let most = self
            .config
            .maximum_retransmission
            .saturating_mul(MOST_PATIENCE);
        self.arm_clock(lma, before.saturating_mul(2).min(most));
        self.register(id);
    }

    /// A PBU was accepted: the clocks agree, or it does not matter.
    pub(super) fn clock_agrees(&mut self, lma: usize) {
        if self
            .anchors
            .get(lma)
            .is_none_or(|anchor| anchor.clock_wait.is_none())
        {
            return;
        }
        self.stop_clock(lma);
        for id in self.waiting_for_clock(lma) {
            self.resume(id);
        }
    }

    fn resume(&mut self, id: SessionId) {
        if let Some(entry) = self.entry_mut(id) {
            entry.life = Life::Wanted;
        }
        self.drive(id);
    }

    pub(super) fn waiting_for_clock(&self, lma: usize) -> Vec<SessionId> {
        let waits = |id: &SessionId| {
            let entry = self.entry(*id).filter(|entry| entry.lma == lma);
            entry.is_some_and(|entry| matches!(entry.life, Life::WrongClock { .. }))
        };
        self.ids().into_iter().filter(waits).collect()
    }

    fn arm_clock(&mut self, lma: usize, wait: Duration) {
        if let (Some(anchor), Ok(number)) = (self.anchors.get_mut(lma), u32::try_from(lma)) {
            anchor.clock_wait = Some(wait);
            self.timers.set(TimerKind::Clock(number), self.now + wait);
        }
    }

    pub(super) fn stop_clock(&mut self, lma: usize) {
        if let (Some(anchor), Ok(number)) = (self.anchors.get_mut(lma), u32::try_from(lma)) {
            anchor.clock_wait = None;
            self.timers.cancel(TimerKind::Clock(number));
        }
    }

    /// The clock was set: mobile nodes that waited for it may register again.
    pub(super) fn on_clock(&mut self, clock: ClockAnchor) {
        self.clock = clock;
        for id in self.ids() {
            let Some(Life::WrongClock { theirs, at }) = self.entry(id).map(|entry| entry.life)
            else {
                continue;
            };
            let theirs = theirs.saturating_add(self.now.saturating_since(at));
            if self.is_clock_right(Timestamp::from_unix(theirs)) {
                self.resume(id);
            }
        }
        // It may be the anchor's time that is out of date.
        for lma in 0..self.anchors.len() {
            if self
                .anchors
                .get(lma)
                .is_some_and(|a| a.clock_wait.is_some())
            {
                self.arm_clock(lma, self.config.maximum_retransmission);
            }
        }
    }

    /// Whether the anchor's clock, read some time between our PBU and now, may agree with ours: a
    /// PBU that was only late is no reason to wait for a clock.
    pub(super) fn may_agree(&self, asked: Option<u64>, theirs: Timestamp) -> bool {
        let window = self.config.timestamp_window;
        let now = self.clock.unix_at(self.now);
        let asked = asked.map_or(now, |bits| Timestamp::from_bits(bits).as_unix());
        // Later than now only if the clock was set back meanwhile.
        let asked = asked.min(now);
        let theirs = theirs.as_unix();
        asked.saturating_sub(window) <= theirs && theirs <= now.saturating_add(window)
    }

    fn is_clock_right(&self, theirs: Timestamp) -> bool {
        let ours = self.clock.unix_at(self.now);
        ours.abs_diff(theirs.as_unix()) <= self.config.timestamp_window
    }
}
