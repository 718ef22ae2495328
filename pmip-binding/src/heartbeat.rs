//! The heartbeat of one path (RFC 5847): a small machine that its engine drives.

use std::time::Duration;

use pmip_wire::types::Instant;
use smallvec::SmallVec;

use crate::config::HeartbeatRule;
use crate::status::HeartbeatStatus;

/// Requests whose answers are still of use: a late answer proves that the path lives.
const REMEMBERED: usize = 8;

/// Watches one path. There may be a million: spans are nanoseconds.
#[derive(Clone, Debug)]
pub(crate) struct Heartbeat {
    interval: u64,
    timeout: u64,
    asked: SmallVec<[(u32, Instant); 1]>,
    /// The end of time = no answer is awaited.
    awaiting: Instant,
    next_request: Instant,
    sent: u64,
    received: u64,
    rtt: Option<u64>,
    restart_counter: Option<u32>,
    next_sequence: u32,
    retries: u32,
    missed: u32,
    /// After a miss the next request goes out at once.
    hurries: bool,
    alive: bool,
}

/// What a deadline asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Beat {
    /// Send a request with this sequence number.
    pub(crate) request: Option<u32>,
    /// The path has just been given up.
    pub(crate) died: bool,
}

/// What an answer tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) rtt: Duration,
    /// The path was given up and lives again.
    pub(crate) revived: bool,
}

impl Heartbeat {
    /// A heartbeat whose first request is due at `now`. `first_sequence` is drawn at random, so
    /// that a stranger can't answer (signalling rules section 8).
    pub(crate) fn new(rule: HeartbeatRule, first_sequence: u32, now: Instant) -> Self {
        Self {
            interval: nanos(rule.interval),
            timeout: nanos(rule.answer_timeout()),
            asked: SmallVec::new(),
            awaiting: Instant::MAX,
            next_request: now,
            sent: 0,
            received: 0,
            rtt: None,
            restart_counter: None,
            next_sequence: first_sequence,
            retries: rule.retries,
            missed: 0,
            hurries: rule.timeout.is_some(),
            alive: true,
        }
    }

    pub(crate) fn deadline(&self) -> Instant {
        if self.is_awaiting() {
            self.awaiting
        } else {
            self.next_request
        }
    }

    /// Call when the deadline has come.
    pub(crate) fn on_deadline(&mut self, now: Instant) -> Beat {
        let mut beat = Beat::default();
        if self.is_awaiting() {
            if now < self.awaiting {
                return beat;
            }
            self.awaiting = Instant::MAX;
            self.missed = self.missed.saturating_add(1);
            // RFC 5847 section 3.1: given up when the counter exceeds the allowance.
            beat.died = self.alive && self.missed > self.retries;
            self.alive &= !beat.died;
            if self.hurries && self.alive {
                self.next_request = now;
            }
        }
        if now >= self.next_request {
            beat.request = Some(self.request(now));
        }
        beat
    }

    /// An answer with this sequence number came; `None` when nothing like it was asked.
    pub(crate) fn on_answer(&mut self, now: Instant, sequence: u32) -> Option<Answer> {
        let position = self
            .asked
            .iter()
            .position(|&(asked, _)| asked == sequence)?;
        let (_, sent_at) = self.asked.remove(position);
        let rtt = now.saturating_since(sent_at);
        self.awaiting = Instant::MAX;
        self.missed = 0;
        self.received = self.received.saturating_add(1);
        self.rtt = Some(nanos(rtt));
        let revived = !self.alive;
        self.alive = true;
        Some(Answer { rtt, revived })
    }

    /// Goes on by another rule; the next request comes no later than that says.
    pub(crate) fn set_rule(&mut self, rule: HeartbeatRule, now: Instant) {
        let (interval, timeout) = (nanos(rule.interval), nanos(rule.answer_timeout()));
        let hurries = rule.timeout.is_some();
        let same = (interval, timeout, rule.retries, hurries)
            == (self.interval, self.timeout, self.retries, self.hurries);
        if same {
            return;
        }
        self.interval = interval;
        self.timeout = timeout;
        self.retries = rule.retries;
        self.hurries = hurries;
        // One that was refused stays so.
        if self.next_request != Instant::MAX {
            self.next_request = now + rule.interval;
        }
    }

    /// Something else proved that the path lives, such as an acknowledgement.
    pub(crate) fn mark_alive(&mut self) {
        self.alive = true;
        self.missed = 0;
    }

    /// It was given up before: ask at once.
    pub(crate) fn mark_dead(&mut self, now: Instant) {
        self.alive = false;
        self.missed = self.retries.saturating_add(1);
        self.hasten(now);
    }

    /// Ask at the next deadline, which is now unless an answer is awaited.
    pub(crate) fn hasten(&mut self, now: Instant) {
        self.next_request = self.next_request.min(now);
    }

    /// Ask now, whatever is awaited.
    pub(crate) fn ask_anew(&mut self, now: Instant) {
        self.awaiting = Instant::MAX;
        self.hasten(now);
    }

    /// Whether a refusal may be believed: a request is out and none was ever answered.
    pub(crate) fn may_be_refused(&self) -> bool {
        self.is_awaiting() && self.received == 0
    }

    pub(crate) fn set_restart_counter(&mut self, counter: u32) {
        self.restart_counter = Some(counter);
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.alive
    }

    pub(crate) fn status(&self) -> HeartbeatStatus {
        HeartbeatStatus {
            interval: Duration::from_nanos(self.interval),
            retries: self.retries,
            sent: self.sent,
            received: self.received,
            missed: self.missed,
            rtt: self.rtt.map(Duration::from_nanos),
            restart_counter: self.restart_counter,
        }
    }

    fn is_awaiting(&self) -> bool {
        self.awaiting != Instant::MAX
    }

    fn request(&mut self, now: Instant) -> u32 {
        let sequence = self.next_sequence;
        self.next_sequence = sequence.wrapping_add(1);
        if self.asked.len() == REMEMBERED {
            self.asked.remove(0);
        }
        self.asked.push((sequence, now));
        self.awaiting = now + Duration::from_nanos(self.timeout);
        self.next_request = now + Duration::from_nanos(self.interval);
        self.sent = self.sent.saturating_add(1);
        sequence
    }
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(n: u64) -> Instant {
        Instant::from_secs(n)
    }

    fn heartbeat(retries: u32) -> Heartbeat {
        let rule = HeartbeatRule::new(Duration::from_secs(10), retries);
        Heartbeat::new(rule, 7, Instant::ZERO)
    }

    #[test]
    fn a_silent_path_dies_when_misses_exceed_the_retries() {
        let mut beat = heartbeat(1);
        assert_eq!(beat.on_deadline(second(0)).request, Some(7));
        assert_eq!(beat.deadline(), second(3));
        assert_eq!(beat.on_deadline(second(3)), Beat::default());
        assert_eq!(beat.deadline(), second(10));
        assert_eq!(beat.on_deadline(second(10)).request, Some(8));
        let last = beat.on_deadline(second(13));
        assert!(last.died);
        assert!(!beat.is_alive());
        assert_eq!(
            beat.on_deadline(second(20)).request,
            Some(9),
            "it goes on asking"
        );
    }

    #[test]
    fn a_late_answer_still_proves_life() {
        let mut beat = heartbeat(0);
        beat.on_deadline(second(0));
        assert!(beat.on_deadline(second(3)).died);
        let answer = beat.on_answer(second(4), 7).unwrap();
        assert!(answer.revived);
        assert_eq!(answer.rtt, Duration::from_secs(4));
        assert_eq!(
            beat.on_answer(second(4), 7),
            None,
            "a duplicate counts nothing"
        );
    }

    #[test]
    fn a_guessed_sequence_number_is_no_answer() {
        let mut beat = heartbeat(1);
        beat.on_deadline(second(0));
        assert_eq!(beat.on_answer(second(1), 8), None);
        assert_eq!(beat.status().received, 0);
    }

    #[test]
    fn a_given_timeout_sets_the_pace_of_retries() {
        let mut rule = HeartbeatRule::new(Duration::from_secs(60), 2);
        rule.timeout = Some(Duration::from_secs(1));
        let mut beat = Heartbeat::new(rule, 0, Instant::ZERO);
        beat.on_deadline(second(0));
        assert!(beat.on_deadline(second(1)).request.is_some());
        assert!(beat.on_deadline(second(2)).request.is_some());
        assert!(beat.on_deadline(second(3)).died);
        assert_eq!(
            beat.deadline(),
            second(62),
            "a dead path is asked at the interval"
        );
    }

    #[test]
    fn a_deadline_that_comes_too_early_does_nothing() {
        let mut beat = heartbeat(1);
        beat.on_deadline(second(0));
        assert_eq!(beat.on_deadline(second(1)), Beat::default());
        assert_eq!(beat.deadline(), second(3));
    }
}
