//! How far a long file is read.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// A line on standard error, where that is a terminal and the work takes a while.
#[derive(Debug)]
pub(super) struct Progress {
    /// Octets of the file, where they are known.
    total: Option<u64>,
    next: Option<Instant>,
    is_drawn: bool,
}

/// Work shorter than this shows nothing.
const PATIENCE: Duration = Duration::from_millis(500);
const INTERVAL: Duration = Duration::from_millis(100);

impl Progress {
    pub(super) fn new(total: Option<u64>) -> Self {
        let is_seen = io::stderr().is_terminal();
        Self {
            total,
            next: is_seen.then(|| Instant::now() + PATIENCE),
            is_drawn: false,
        }
    }

    /// Says where the reader is, now and then.
    pub(super) fn at(&mut self, octets: u64, frames: u64) {
        let now = Instant::now();
        if self.next.is_none_or(|next| now < next) {
            return;
        }
        self.next = Some(now + INTERVAL);
        self.is_drawn = true;
        let done = match self.total {
            Some(total) if total > 0 => format!("{} %", octets.saturating_mul(100) / total),
            _ => format!("{} MB", octets / 1_000_000),
        };
        let _ = write!(io::stderr(), "\r\x1b[Kreading: {done}, {frames} frames");
    }

    /// Makes room for other text.
    pub(super) fn clear(&mut self) {
        if std::mem::take(&mut self.is_drawn) {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
