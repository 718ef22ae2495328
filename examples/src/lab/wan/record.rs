//! What the emulator did to the frames that a check watches.

use std::time::Duration;

use pmip_wire::types::Instant;

/// Arrivals remembered for each watch and direction.
const REMEMBERED: usize = 1 << 16;

/// What became of the watched frames of one direction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Record {
    /// Frames that came to the link.
    pub offered: u64,
    /// Octets of their IP packets.
    pub octets: u64,
    /// Of these, lost by chance or a cut, too long, or before a full queue.
    pub lost: u64,
    /// Frames handed over, the first copy of each.
    pub delivered: u64,
    /// Further copies handed over.
    pub duplicates: u64,
    /// First copies handed over behind a later frame's.
    pub overtaken: u64,
    /// Time between coming and being handed over.
    pub delay: Spread,
    /// Absolute difference between the delays of two frames in a row, both of which arrived.
    pub jitter: Spread,
    /// When frames came, as time since the emulator began; of a long watch only the first 65,536.
    pub arrivals: Vec<Duration>,
    /// Number and delay of the frame handed over last.
    last: Option<(u64, Duration)>,
    latest: Option<u64>,
}

/// Sum and extremes of spans of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Spread {
    /// How many.
    pub count: u64,
    /// Their sum.
    pub sum: Duration,
    /// The longest.
    pub max: Duration,
}

impl Spread {
    /// The mean; zero of none.
    pub fn average(&self) -> Duration {
        u32::try_from(self.count)
            .ok()
            .and_then(|count| self.sum.checked_div(count))
            .unwrap_or_default()
    }

    fn add(&mut self, span: Duration) {
        self.count += 1;
        self.sum += span;
        self.max = self.max.max(span);
    }
}

impl Record {
    /// A frame came; its number.
    pub(super) fn offer(&mut self, at: Instant, octets: usize) -> u64 {
        let number = self.offered;
        self.offered += 1;
        self.octets += octets as u64;
        if self.arrivals.len() < REMEMBERED {
            self.arrivals.push(at.saturating_since(Instant::ZERO));
        }
        number
    }

    /// Frame `number` was handed over; `again`: it had been before.
    pub(super) fn deliver(&mut self, number: u64, delay: Duration, again: bool) {
        if again {
            self.duplicates += 1;
            return;
        }
        self.delivered += 1;
        self.delay.add(delay);
        if self.latest.is_some_and(|latest| latest > number) {
            self.overtaken += 1;
        }
        self.latest = self.latest.max(Some(number));
        let last = self.last.replace((number, delay));
        if let Some((_, before)) = last.filter(|(last, _)| *last + 1 == number) {
            self.jitter.add(delay.abs_diff(before));
        }
    }

    /// Share of the offered frames that were lost, 0 to 1.
    pub fn loss(&self) -> f64 {
        self.lost as f64 / self.offered.max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn jitter_is_between_neighbours_and_copies_change_nothing_but_their_count() {
        let mut record = Record::default();
        for at in 0..5 {
            record.offer(Instant::from_millis(at), 100);
        }
        record.deliver(0, ms(10), false);
        record.deliver(1, ms(16), false);
        record.deliver(1, ms(90), true);
        // Behind a lost one nothing is known of the difference.
        record.deliver(4, ms(10), false);
        record.deliver(3, ms(30), false);
        assert_eq!(
            (record.delivered, record.duplicates, record.overtaken),
            (4, 1, 1)
        );
        assert_eq!((record.jitter.count, record.jitter.sum), (1, ms(6)));
        assert_eq!(record.delay.average(), Duration::from_micros(16_500));
        assert_eq!(record.delay.max, ms(30));
    }
}
