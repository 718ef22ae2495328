//! A limit on what hosts may cost.

use std::time::Duration;

use pmip_wire::types::Instant;

/// A bucket of tokens: so many at once, and one more every so often.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    burst: u32,
    every: Duration,
    left: u32,
    filled: Instant,
}

impl Rate {
    /// A full bucket of `burst` tokens that gains one `every` so long, which is not zero.
    pub fn new(burst: u32, every: Duration) -> Self {
        Self {
            burst,
            every: every.max(Duration::from_nanos(1)),
            left: burst,
            filled: Instant::ZERO,
        }
    }

    /// Takes a token; `false` when there is none.
    pub fn take(&mut self, now: Instant) -> bool {
        let gained = now.saturating_since(self.filled).as_nanos() / self.every.as_nanos();
        let gained = u32::try_from(gained).unwrap_or(u32::MAX);
        if gained > 0 {
            self.left = self.left.saturating_add(gained).min(self.burst);
            // What is left of an interval counts for the next token.
            let span = self.every.checked_mul(gained);
            self.filled = span.map_or(now, |span| (self.filled + span).min(now));
        }
        let Some(left) = self.left.checked_sub(1) else {
            return false;
        };
        self.left = left;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_then_one_for_each_interval() {
        let mut rate = Rate::new(3, Duration::from_secs(1));
        let at = |millis| Instant::ZERO + Duration::from_millis(millis);
        let now = 3_600_000;
        let passed = (0..10).filter(|_| rate.take(at(now))).count();
        assert_eq!(passed, 3);
        assert!(!rate.take(at(now + 500)));
        assert!(rate.take(at(now + 1_000)));
        assert!(!rate.take(at(now + 1_500)));
        assert!(rate.take(at(now + 2_000)));
    }
}
