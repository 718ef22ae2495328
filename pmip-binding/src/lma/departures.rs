//! Where mobile nodes moved on from: a gateway there is not asked to register them again.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use pmip_wire::types::Instant;

use crate::vrf::VrfId;

use super::changes::Changes;

/// Where a gateway signals from: the routing instance and its outer address.
pub(super) type Whence = (VrfId, IpAddr);

/// When a mobile node moved on from each of the latest sources last.
#[derive(Clone, Debug)]
pub(super) struct Departures {
    left: BTreeMap<Whence, Instant>,
    /// The oldest first.
    order: BTreeSet<(Instant, Whence)>,
    most: usize,
    pub(super) changes: Changes<Whence>,
}

impl Departures {
    /// Remembers this many sources.
    pub(super) fn new(most: u32) -> Self {
        Self {
            left: BTreeMap::new(),
            order: BTreeSet::new(),
            most: most.max(1) as usize,
            changes: Changes::default(),
        }
    }

    pub(super) fn note(&mut self, now: Instant, source: Whence) {
        self.forget(source);
        if self.left.len() >= self.most
            && let Some(&(_, oldest)) = self.order.first()
        {
            self.forget(oldest);
        }
        self.left.insert(source, now);
        self.order.insert((now, source));
        self.changes.note(source);
    }

    /// A mobile node came there.
    pub(super) fn forget(&mut self, source: Whence) {
        if let Some(at) = self.left.remove(&source) {
            self.order.remove(&(at, source));
            self.changes.note(source);
        }
    }

    /// Whether a mobile node moved on from there within this span, and none came since.
    pub(super) fn within(&self, span: Duration, now: Instant, source: Whence) -> bool {
        let left = self.at(source);
        left.is_some_and(|left| now.saturating_since(left) < span)
    }

    pub(super) fn at(&self, source: Whence) -> Option<Instant> {
        self.left.get(&source).copied()
    }

    /// In order of source.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Whence, Instant)> + '_ {
        self.left.iter().map(|(source, at)| (*source, *at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(host: u8) -> Whence {
        (VrfId::DEFAULT, IpAddr::from([10, 0, 0, host]))
    }

    #[test]
    fn a_source_counts_as_left_until_somebody_comes_or_the_span_is_over() {
        let mut departures = Departures::new(1024);
        let (a, b) = (source(1), source(2));
        let (hour, at) = (Duration::from_secs(3_600), Instant::from_secs);
        departures.note(at(10), a);
        assert!(departures.within(hour, at(3_609), a));
        assert!(!departures.within(hour, at(3_609), b));
        assert!(!departures.within(hour, at(3_610), a));
        departures.forget(a);
        assert!(!departures.within(hour, at(11), a));
    }

    #[test]
    fn the_oldest_goes_for_the_newest() {
        let mut departures = Departures::new(2);
        let (hour, at) = (Duration::from_secs(3_600), Instant::from_secs);
        for (second, host) in [(1, 1), (2, 2), (3, 1), (4, 3)] {
            departures.note(at(second), source(host));
        }
        let left = [1, 2, 3].map(|host| departures.within(hour, at(5), source(host)));
        assert_eq!(left, [true, false, true]);
        assert_eq!((departures.left.len(), departures.order.len()), (2, 2));
    }
}
