//! Monotonic time since the start of the program, and the wall clock beside it.

use std::time::{Duration, SystemTime};

use pmip_sla::Clock;
use pmip_wire::types::Instant;

/// The clock that everything in a command goes by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Time {
    start: std::time::Instant,
    unix: Duration,
}

/// A kernel's timestamp is believed if it lies no further back than this.
const LATEST: Duration = Duration::from_secs(1);

impl Time {
    pub(super) fn start() -> Self {
        Self {
            start: std::time::Instant::now(),
            unix: unix(),
        }
    }

    pub(super) fn now(&self) -> Instant {
        Instant::ZERO + self.start.elapsed()
    }

    /// For timestamps in packets, `in_step` with UTC or not.
    pub(super) fn clock(&self, in_step: bool) -> Clock {
        Clock::new(Instant::ZERO, self.unix).with_in_step(in_step)
    }

    /// When something happened that the kernel noted by the wall clock, which may have been set
    /// since the start.
    pub(super) fn noted(&self, noted: Option<Duration>) -> Instant {
        let ago = noted.and_then(|noted| unix().checked_sub(noted));
        self.now() - ago.filter(|ago| *ago < LATEST).unwrap_or_default()
    }
}

/// Time since 1970-01-01 00:00 UTC.
fn unix() -> Duration {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
}
