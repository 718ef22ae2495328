//! What traffic tools measured, and what it says about an outage.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde::Serialize;

/// Width of one throughput sample.
pub const BUCKET: Duration = Duration::from_millis(100);
/// Silences of a transfer shorter than this are no news and not remembered.
pub const SHORTEST_GAP: Duration = Duration::from_millis(20);

/// Which way the payload goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// From the host behind the MAG to the correspondent.
    Up,
    /// From the correspondent to the host.
    Down,
}

impl Direction {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::Up, Self::Down];
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Up => "up",
            Self::Down => "down",
        })
    }
}

/// A snapshot of all that was measured. Times count from the start of the domain.
#[derive(Clone, Debug, Default)]
pub struct Traffic {
    /// Transfers, in order of opening.
    pub connections: Vec<Connection>,
    /// Echo flows, in order of start.
    pub pings: Vec<PingFlow>,
}

/// One bulk transfer, as its receiver and sender saw it.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Which way the payload goes.
    pub direction: Direction,
    /// The sender.
    pub source: SocketAddr,
    /// The receiver.
    pub destination: SocketAddr,
    /// When it was opened.
    pub opened: Duration,
    /// Octets delivered.
    pub bytes: u64,
    /// When the last octets were delivered.
    pub last_progress: Duration,
    /// Silences of at least [`SHORTEST_GAP`].
    pub gaps: Vec<Gap>,
    /// Octets delivered in each [`BUCKET`] since the start of the domain.
    pub buckets: Vec<u64>,
    /// A reset or another error that ended it.
    pub failure: Option<String>,
}

/// A silence, from the last sign of life to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Last sign of life before.
    pub from: Duration,
    /// First sign of life after.
    pub until: Duration,
}

impl Connection {
    /// A transfer that has delivered nothing yet.
    pub fn new(
        direction: Direction,
        source: SocketAddr,
        destination: SocketAddr,
        opened: Duration,
    ) -> Self {
        Self {
            direction,
            source,
            destination,
            opened,
            bytes: 0,
            last_progress: opened,
            gaps: Vec::new(),
            buckets: Vec::new(),
            failure: None,
        }
    }

    /// Notes that `octets` were delivered at `now`.
    pub fn progress(&mut self, now: Duration, octets: usize) {
        let now = now.max(self.last_progress);
        if now.saturating_sub(self.last_progress) >= SHORTEST_GAP {
            self.gaps.push(Gap {
                from: self.last_progress,
                until: now,
            });
        }
        self.last_progress = now;
        let octets = octets as u64;
        self.bytes += octets;
        add_to_bucket(&mut self.buckets, now, octets);
    }

    /// Longest silence that ended after `since`, one still going on at `now` included. Only the
    /// part after `since` counts.
    pub fn longest_stall(&self, since: Duration, now: Duration) -> Duration {
        let open = Gap {
            from: self.last_progress,
            until: now,
        };
        self.gaps
            .iter()
            .chain(std::iter::once(&open))
            .map(|gap| gap.until.saturating_sub(gap.from.max(since)))
            .max()
            .unwrap_or_default()
    }
}

/// One echo flow.
#[derive(Clone, Debug)]
pub struct PingFlow {
    /// Which way the requests go.
    pub direction: Direction,
    /// Who asks. Each flow has its own pair of addresses: echo packets have no ports that would
    /// tell flows apart.
    pub source: Ipv4Addr,
    /// Who answers.
    pub destination: Ipv4Addr,
    /// Time between requests.
    pub interval: Duration,
    /// The requests, in order.
    pub samples: Vec<PingSample>,
}

/// One echo request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PingSample {
    /// When it was sent.
    pub sent: Duration,
    /// When its answer came, if it did.
    pub rtt: Option<Duration>,
}

impl PingFlow {
    /// Notes the answer to the newest request with this sequence number (which wraps).
    pub fn answer(&mut self, sequence: u16, now: Duration) {
        let numbered = self.samples.iter_mut().enumerate().rev();
        let mut same = numbered.filter(|(index, _)| index & 0xffff == usize::from(sequence));
        if let Some((_, sample)) = same.next() {
            let sent = sample.sent;
            sample.rtt.get_or_insert_with(|| now.saturating_sub(sent));
        }
    }

    /// Longest run of unanswered requests sent after `since`, from the first of them to the next
    /// answered one (or to `now`). Requests younger than `patience` are not judged.
    pub fn longest_gap(&self, since: Duration, now: Duration, patience: Duration) -> Duration {
        let mut longest = Duration::ZERO;
        let mut first_lost: Option<Duration> = None;
        for sample in self.samples.iter().filter(|sample| sample.sent >= since) {
            match (sample.rtt, first_lost) {
                (Some(_), Some(lost)) => {
                    longest = longest.max(sample.sent.saturating_sub(lost));
                    first_lost = None;
                }
                (None, None) if sample.sent + patience < now => first_lost = Some(sample.sent),
                (Some(_), None) | (None, _) => {}
            }
        }
        first_lost.map_or(longest, |lost| longest.max(now.saturating_sub(lost)))
    }

    /// Requests sent and answers received since `since`.
    pub fn counts(&self, since: Duration) -> (usize, usize) {
        let sent = self.samples.iter().filter(|sample| sample.sent >= since);
        sent.fold((0, 0), |(sent, answered), sample| {
            (sent + 1, answered + usize::from(sample.rtt.is_some()))
        })
    }
}

/// What a fault cost.
#[derive(Clone, Debug, Serialize)]
pub struct Outage {
    /// What was done to which WAN.
    pub fault: String,
    /// When, seconds since the start.
    pub at_s: f64,
    /// From the fault until the MAG showed the path down, milliseconds.
    pub mag_down_after_ms: Option<f64>,
    /// From the fault until the LMA showed the path down, milliseconds.
    pub lma_down_after_ms: Option<f64>,
    /// Longest silence of any transfer, milliseconds.
    pub longest_stall_ms: f64,
    /// Transfers that were silent for 100 ms or more.
    pub stalled_transfers: usize,
    /// Longest run of lost pings, milliseconds.
    pub longest_ping_gap_ms: f64,
    /// Transfers that ended with an error.
    pub resets: usize,
}

impl Traffic {
    /// Octets delivered in `direction` since the start.
    pub fn bytes(&self, direction: Direction) -> u64 {
        self.of(direction).map(|connection| connection.bytes).sum()
    }

    /// The transfers of one direction.
    pub fn of(&self, direction: Direction) -> impl Iterator<Item = &Connection> {
        self.connections
            .iter()
            .filter(move |connection| connection.direction == direction)
    }

    /// Octets delivered per [`BUCKET`] in `direction`.
    pub fn throughput(&self, direction: Direction) -> Vec<u64> {
        let mut total = Vec::new();
        for connection in self.of(direction) {
            if total.len() < connection.buckets.len() {
                total.resize(connection.buckets.len(), 0);
            }
            for (sum, octets) in total.iter_mut().zip(&connection.buckets) {
                *sum += octets;
            }
        }
        total
    }

    /// Bits per second delivered in `direction` between two moments (to [`BUCKET`] precision).
    pub fn rate(&self, direction: Direction, from: Duration, until: Duration) -> f64 {
        let buckets = self.throughput(direction);
        let (first, last) = (bucket_of(from), bucket_of(until));
        let octets: u64 = buckets.iter().take(last).skip(first).sum();
        let span = BUCKET * u32::try_from(last.saturating_sub(first)).unwrap_or(u32::MAX);
        if span.is_zero() {
            return 0.0;
        }
        octets as f64 * 8.0 / span.as_secs_f64()
    }

    /// Transfers that ended with an error.
    pub fn resets(&self) -> usize {
        self.connections
            .iter()
            .filter(|connection| connection.failure.is_some())
            .count()
    }

    /// Longest silence of any transfer since `since`, and how many were silent 100 ms or more.
    pub fn stalls(&self, since: Duration, now: Duration) -> (Duration, usize) {
        let stalls = self
            .connections
            .iter()
            .map(|connection| connection.longest_stall(since, now));
        stalls.fold((Duration::ZERO, 0), |(longest, count), stall| {
            (longest.max(stall), count + usize::from(stall >= BUCKET))
        })
    }

    /// Longest run of lost pings since `since`.
    pub fn longest_ping_gap(&self, since: Duration, now: Duration, patience: Duration) -> Duration {
        self.pings
            .iter()
            .map(|flow| flow.longest_gap(since, now, patience))
            .max()
            .unwrap_or_default()
    }
}

fn bucket_of(moment: Duration) -> usize {
    usize::try_from(moment.as_millis() / BUCKET.as_millis()).unwrap_or(usize::MAX)
}

fn add_to_bucket(buckets: &mut Vec<u64>, now: Duration, octets: u64) {
    let bucket = bucket_of(now);
    if buckets.len() <= bucket {
        buckets.resize(bucket + 1, 0);
    }
    if let Some(sum) = buckets.get_mut(bucket) {
        *sum += octets;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn connection() -> Connection {
        let address = SocketAddr::from(([10, 0, 0, 1], 1));
        Connection::new(Direction::Up, address, address, ms(0))
    }

    #[test]
    fn only_the_part_of_a_silence_after_the_fault_counts() {
        let mut transfer = connection();
        transfer.progress(ms(10), 1);
        transfer.progress(ms(500), 1);
        assert_eq!(transfer.longest_stall(ms(300), ms(500)), ms(200));
        assert_eq!(transfer.longest_stall(ms(0), ms(500)), ms(490));
    }

    #[test]
    fn a_silence_that_goes_on_counts_too() {
        let mut transfer = connection();
        transfer.progress(ms(100), 1);
        assert_eq!(transfer.longest_stall(ms(50), ms(900)), ms(800));
    }

    #[test]
    fn a_ping_gap_runs_from_the_first_lost_to_the_next_answered() {
        let answers = [true, true, false, false, false, true, true];
        let samples = answers.iter().zip(0..).map(|(answered, index)| PingSample {
            sent: ms(100 * index),
            rtt: answered.then_some(ms(5)),
        });
        let flow = PingFlow {
            direction: Direction::Up,
            source: Ipv4Addr::LOCALHOST,
            destination: Ipv4Addr::LOCALHOST,
            interval: ms(100),
            samples: samples.collect(),
        };
        assert_eq!(flow.longest_gap(ms(0), ms(700), ms(50)), ms(300));
        assert_eq!(flow.longest_gap(ms(500), ms(700), ms(50)), ms(0));
        assert_eq!(flow.counts(ms(200)), (5, 2));
    }

    #[test]
    fn throughput_adds_the_transfers_of_one_direction() {
        let mut first = connection();
        first.progress(ms(50), 100);
        let mut second = connection();
        second.progress(ms(150), 200);
        let traffic = Traffic {
            connections: vec![first, second],
            pings: Vec::new(),
        };
        assert_eq!(traffic.throughput(Direction::Up), vec![100, 200]);
        assert!(traffic.throughput(Direction::Down).is_empty());
        let rate = traffic.rate(Direction::Up, ms(0), ms(200));
        assert!((rate - 12_000.0).abs() < 1e-6, "{rate}");
    }
}
