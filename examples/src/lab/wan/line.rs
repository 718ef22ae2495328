//! One direction: a link, and the watches on it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pmip_binding::testing::{Link, LinkConfig, Sent};
use pmip_wire::types::Instant;

use super::Filter;
use super::frame::Frame;
use super::record::Record;

/// What of a frame is no IP packet.
const ETHERNET_HEADER: usize = 14;

/// A link with its watches.
pub(super) struct Line {
    pub(super) link: Link<Carried>,
    watches: Vec<Watched>,
}

struct Watched {
    filter: Filter,
    record: Record,
    /// Counts begun anew, so that frames of an earlier one are told.
    round: u32,
}

/// A frame on its way, as often as it is repeated.
#[derive(Clone, Debug)]
pub(super) struct Carried {
    pub(super) octets: Arc<[u8]>,
    came: Instant,
    /// Watch, round and number in it.
    seen_by: Vec<(usize, u32, u64)>,
    handed_over: Arc<AtomicBool>,
}

impl Line {
    pub(super) fn new(config: LinkConfig) -> Self {
        Self {
            link: Link::new(config),
            watches: Vec::new(),
        }
    }

    /// Adds a watch; its place.
    pub(super) fn watch(&mut self, filter: Filter) -> usize {
        self.watches.push(Watched {
            filter,
            record: Record::default(),
            round: 0,
        });
        self.watches.len() - 1
    }

    pub(super) fn reset(&mut self, watch: usize) {
        if let Some(watched) = self.watches.get_mut(watch) {
            watched.record = Record::default();
            watched.round += 1;
        }
    }

    pub(super) fn record(&self, watch: usize) -> Record {
        let watched = self.watches.get(watch);
        watched.map_or_else(Record::default, |watched| watched.record.clone())
    }

    /// A frame comes to the link.
    pub(super) fn push(&mut self, now: Instant, octets: &[u8]) {
        let frame = Frame::new(octets);
        let length = octets.len().saturating_sub(ETHERNET_HEADER);
        let mut seen_by = Vec::new();
        for (place, watched) in self.watches.iter_mut().enumerate() {
            if (watched.filter)(&frame) {
                let number = watched.record.offer(now, length);
                seen_by.push((place, watched.round, number));
            }
        }
        let carried = Carried {
            octets: octets.into(),
            came: now,
            seen_by: seen_by.clone(),
            handed_over: Arc::new(AtomicBool::new(false)),
        };
        if self.link.push(now, carried, length) == Sent::Carried {
            return;
        }
        for (place, _, _) in seen_by {
            if let Some(watched) = self.watches.get_mut(place) {
                watched.record.lost += 1;
            }
        }
    }

    /// A frame was handed over.
    pub(super) fn delivered(&mut self, now: Instant, frame: &Carried) {
        let again = frame.handed_over.swap(true, Ordering::Relaxed);
        for (place, round, number) in &frame.seen_by {
            let watched = self.watches.get_mut(*place);
            if let Some(watched) = watched.filter(|watched| watched.round == *round) {
                let delay = now.saturating_since(frame.came);
                watched.record.deliver(*number, delay, again);
            }
        }
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (link, watches) = (&self.link, self.watches.len());
        f.debug_struct("Line")
            .field("link", link)
            .field("watches", &watches)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::frame::tests::{ethernet, udp};
    use super::*;

    fn drain(line: &mut Line) {
        while let Some(at) = line.link.next_arrival() {
            let frame = line.link.pop(at).expect("it arrives");
            line.delivered(at, &frame);
        }
    }

    /// Would break: checks that compare with the record would compare with nothing.
    #[test]
    fn a_watch_counts_its_own_frames_and_what_the_link_did_to_them() {
        let mut config = LinkConfig::new();
        config.latency = Duration::from_millis(30);
        config.mtu = Some(100);
        config.duplicate = 1.0;
        let mut line = Line::new(config);
        let mine = line.watch(Box::new(|frame| {
            frame.outer().is_some_and(|f| f.is_of_port(9))
        }));
        let all = line.watch(Box::new(|_| true));
        line.push(Instant::ZERO, &ethernet(&udp([1, 9], &[0; 10])));
        line.push(Instant::from_millis(1), &ethernet(&udp([1, 9], &[0; 100])));
        line.push(Instant::from_millis(2), &ethernet(&udp([1, 2], &[0; 10])));
        drain(&mut line);
        let record = line.record(mine);
        assert_eq!((record.offered, record.lost, record.delivered), (2, 1, 1));
        assert_eq!((record.octets, record.duplicates), (38 + 128, 1));
        assert_eq!(record.delay.average(), Duration::from_millis(30));
        assert_eq!(line.record(all).delivered, 2);
        // Frames under way when a count begins anew are not in it.
        line.push(Instant::from_millis(9), &ethernet(&udp([1, 9], &[0; 10])));
        line.reset(mine);
        drain(&mut line);
        assert_eq!(line.record(mine), Record::default());
        assert_eq!(line.record(all).delivered, 3);
    }
}
