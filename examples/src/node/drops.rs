//! Dropped datagrams in the log: anybody can send them, so a reason is told once in a while with
//! how many there were.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use pmip_binding::DropReason;
use pmip_wire::types::Instant;

/// From line to line of one reason.
const QUIET: Duration = Duration::from_secs(10);

/// What was dropped since it was told last.
pub(super) type Drops = Seldom<DropReason>;

/// What happened since it was told last, by its kind.
#[derive(Debug)]
pub(super) struct Seldom<K>(BTreeMap<K, Since>);

impl<K> Default for Seldom<K> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

#[derive(Debug)]
struct Since {
    told: Instant,
    untold: u64,
}

impl<K: Ord> Seldom<K> {
    /// One more; how many to tell of, when it is time to.
    pub(super) fn add(&mut self, now: Instant, kind: K) -> Option<u64> {
        let Some(since) = self.0.get_mut(&kind) else {
            let since = Since {
                told: now,
                untold: 0,
            };
            self.0.insert(kind, since);
            return Some(1);
        };
        since.untold = since.untold.saturating_add(1);
        if now.saturating_since(since.told) < QUIET {
            return None;
        }
        since.told = now;
        Some(std::mem::take(&mut since.untold))
    }
}

impl Drops {
    /// Counts one, and logs when it is time to.
    pub(super) fn log(&mut self, now: Instant, reason: DropReason, from: SocketAddr) {
        tracing::trace!(target: "pmip::packets", "dropped a datagram from {from}: {reason:?}");
        match self.add(now, reason) {
            None => {}
            // Nothing else tells an operator that two gateways have one address.
            Some(_) if reason == DropReason::CareOfInUse => tracing::warn!(
                target: "pmip::errors",
                "a gateway registers from {from}, which is the care-of address of another: it gets \
                 nothing while that one answers"
            ),
            Some(1) => {
                tracing::debug!(target: "pmip::errors", "dropped a datagram from {from}: {reason:?}");
            }
            Some(count) => tracing::debug!(
                target: "pmip::errors",
                "dropped {count} datagrams, the last from {from}: {reason:?}"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_told_of_in_one_line_with_its_count() {
        let mut drops = Drops::default();
        let at = |seconds| Instant::ZERO + Duration::from_secs(seconds);
        assert_eq!(drops.add(at(1), DropReason::Malformed), Some(1));
        for _ in 0..1000 {
            assert_eq!(drops.add(at(2), DropReason::Malformed), None);
        }
        assert_eq!(drops.add(at(2), DropReason::UnknownPeer), Some(1));
        assert_eq!(drops.add(at(11), DropReason::Malformed), Some(1001));
    }
}
