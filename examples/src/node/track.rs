//! What was seen of each path, kept beside the engine for `show`.

use std::time::Duration;

use pmip_binding::PathState;
use pmip_wire::types::Instant;

/// What was seen of one path.
#[derive(Clone, Copy, Debug, Default)]
pub struct PathTrack {
    last_rtt: Option<Duration>,
    jitter: Option<Duration>,
    /// When its state changed last.
    pub since: Option<Instant>,
    /// NAT mappings that changed under it.
    pub nat_changes: u64,
}

impl PathTrack {
    /// Smoothed variation of the round-trip time, as RFC 3550 section 6.4.1 smooths it.
    pub fn jitter(&self) -> Option<Duration> {
        self.jitter
    }

    /// Takes in a state change.
    pub(super) fn changed(&mut self, now: Instant, state: PathState) {
        self.since = Some(now);
        if state == PathState::NatChanged {
            self.nat_changes = self.nat_changes.saturating_add(1);
        }
    }

    /// Takes in a round-trip time.
    pub(super) fn measured(&mut self, rtt: Duration) {
        if let Some(last) = self.last_rtt {
            let difference = rtt.abs_diff(last);
            let jitter = self.jitter.unwrap_or(Duration::ZERO);
            self.jitter = Some(jitter - jitter / 16 + difference / 16);
        }
        self.last_rtt = Some(rtt);
    }
}

/// A path state in words.
pub fn state_name(state: PathState) -> &'static str {
    match state {
        PathState::Registering => "registering",
        PathState::Up => "up",
        PathState::Down => "down",
        PathState::NatChanged => "nat-changed",
        _ => "unknown",
    }
}
