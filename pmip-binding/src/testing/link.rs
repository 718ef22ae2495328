use std::collections::BTreeMap;
use std::time::Duration;

use pmip_wire::types::Instant;

use crate::random::Random;

/// What a one-way link does to what it carries. All of it is off by default.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LinkConfig {
    /// Propagation delay.
    pub latency: Duration,
    /// Up to this much more delay, drawn evenly per item. Alone it keeps order: a later item
    /// never overtakes.
    pub jitter: Duration,
    /// What is lost.
    pub loss: Loss,
    /// Probability that an item arrives twice, 0 to 1.
    pub duplicate: f64,
    /// Probability that an item is held back by `reorder_delay`, so that others overtake it,
    /// 0 to 1.
    pub reorder: f64,
    /// How long a reordered item is held back.
    pub reorder_delay: Duration,
    /// Bits per second; `None` = unlimited.
    pub rate: Option<u64>,
    /// How much time's worth of items may wait for a limited rate; what comes beyond is lost.
    pub queue: Duration,
    /// The longest item, in octets; longer ones are lost. `None` = unlimited.
    pub mtu: Option<usize>,
    /// Where chance starts.
    pub seed: u64,
}

/// How a link loses items.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Loss {
    /// Nothing is lost.
    None,
    /// Each item is lost with this probability, 0 to 1.
    Random(f64),
    /// Bursts: a good and a bad state, with the probability of leaving each per item, and the
    /// loss within each.
    GilbertElliott {
        /// Good to bad, per item.
        to_bad: f64,
        /// Bad to good, per item.
        to_good: f64,
        /// Loss in the good state.
        loss_good: f64,
        /// Loss in the bad state.
        loss_bad: f64,
    },
    /// Everything is lost, silently.
    All,
}

/// A one-way link, sans-IO: items go in by `push`, and come out by `pop` when their time has
/// come. It carries datagrams of the simulator and data packets of the lab alike.
///
/// ```
/// use std::time::Duration;
/// use pmip_binding::testing::{Link, LinkConfig};
/// use pmip_wire::types::Instant;
///
/// let mut config = LinkConfig::new();
/// config.latency = Duration::from_millis(20);
/// let mut link = Link::new(config);
/// link.push(Instant::ZERO, "hello", 5);
/// assert_eq!(link.next_arrival(), Some(Instant::from_millis(20)));
/// assert_eq!(link.pop(Instant::from_millis(19)), None);
/// assert_eq!(link.pop(Instant::from_millis(20)), Some("hello"));
/// ```
#[derive(Clone, Debug)]
pub struct Link<T> {
    config: LinkConfig,
    random: Random,
    bad: bool,
    cut: bool,
    busy_until: Instant,
    last_arrival: Instant,
    number: u64,
    in_flight: BTreeMap<(Instant, u64), T>,
    stats: LinkStats,
}

/// What became of an item given to a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It will arrive.
    Carried,
    /// Lost by chance or a cut.
    Lost,
    /// Longer than the link takes.
    TooLong,
    /// The queue in front of the limited rate was full.
    QueueFull,
}

/// What a link did so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LinkStats {
    /// Items given.
    pub pushed: u64,
    /// Octets given.
    pub octets: u64,
    /// Items lost by chance or a cut.
    pub lost: u64,
    /// Items longer than the link takes.
    pub too_long: u64,
    /// Items that found the queue full.
    pub queue_full: u64,
    /// Items that came out.
    pub delivered: u64,
}

impl LinkConfig {
    /// A perfect link without delay.
    pub const fn new() -> Self {
        Self {
            latency: Duration::ZERO,
            jitter: Duration::ZERO,
            loss: Loss::None,
            duplicate: 0.0,
            reorder: 0.0,
            reorder_delay: Duration::from_millis(30),
            rate: None,
            queue: Duration::from_millis(200),
            mtu: None,
            seed: 0,
        }
    }
}

impl Default for LinkConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Clone> Link<T> {
    /// An empty link.
    pub fn new(config: LinkConfig) -> Self {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&config.seed.to_le_bytes());
        Self {
            config,
            random: Random::new(seed),
            bad: false,
            cut: false,
            busy_until: Instant::ZERO,
            last_arrival: Instant::ZERO,
            number: 0,
            in_flight: BTreeMap::new(),
            stats: LinkStats::default(),
        }
    }

    /// The configuration, to change it under way. A new seed has no effect.
    pub const fn config_mut(&mut self) -> &mut LinkConfig {
        &mut self.config
    }

    /// The configuration.
    pub const fn config(&self) -> &LinkConfig {
        &self.config
    }

    /// Cuts the link (what is on its way is lost) or mends it.
    pub fn set_cut(&mut self, cut: bool) {
        if cut {
            self.stats.lost += self.in_flight.len() as u64;
            self.in_flight.clear();
        }
        self.cut = cut;
    }

    /// Whether the link is cut.
    pub const fn is_cut(&self) -> bool {
        self.cut
    }

    /// What the link did so far.
    pub const fn stats(&self) -> LinkStats {
        self.stats
    }

    /// Sends an item of `octets` octets at `now`.
    pub fn push(&mut self, now: Instant, item: T, octets: usize) -> Sent {
        self.stats.pushed += 1;
        self.stats.octets += octets as u64;
        if self.config.mtu.is_some_and(|mtu| octets > mtu) {
            self.stats.too_long += 1;
            return Sent::TooLong;
        }
        if self.cut || self.draw_loss() {
            self.stats.lost += 1;
            return Sent::Lost;
        }
        let Some(departure) = self.depart(now, octets) else {
            self.stats.queue_full += 1;
            return Sent::QueueFull;
        };
        if self.chance(self.config.duplicate) {
            self.carry(departure, item.clone());
        }
        self.carry(departure, item);
        Sent::Carried
    }

    /// Takes the next item whose time has come.
    pub fn pop(&mut self, now: Instant) -> Option<T> {
        let entry = self.in_flight.first_entry()?;
        if entry.key().0 > now {
            return None;
        }
        self.stats.delivered += 1;
        Some(entry.remove())
    }

    /// When the next item arrives.
    pub fn next_arrival(&self) -> Option<Instant> {
        self.in_flight.keys().next().map(|&(at, _)| at)
    }

    /// Items on their way.
    pub fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// When the item's last bit has left, `None` where the queue is full.
    fn depart(&mut self, now: Instant, octets: usize) -> Option<Instant> {
        let Some(rate) = self.config.rate else {
            return Some(now);
        };
        let start = self.busy_until.max(now);
        if start.saturating_since(now) > self.config.queue {
            return None;
        }
        let bits = (octets as u64).saturating_mul(8);
        let nanos = u128::from(bits) * 1_000_000_000 / u128::from(rate.max(1));
        let nanos = u64::try_from(nanos).unwrap_or(u64::MAX);
        self.busy_until = start + Duration::from_nanos(nanos);
        Some(self.busy_until)
    }

    fn carry(&mut self, departure: Instant, item: T) {
        let jitter = u64::try_from(self.config.jitter.as_nanos()).unwrap_or(u64::MAX);
        let jitter = Duration::from_nanos(self.random.below(jitter));
        let arrival = departure + self.config.latency + jitter;
        let arrival = if self.chance(self.config.reorder) {
            arrival + self.config.reorder_delay
        } else {
            self.last_arrival = arrival.max(self.last_arrival);
            self.last_arrival
        };
        self.number += 1;
        self.in_flight.insert((arrival, self.number), item);
    }

    fn draw_loss(&mut self) -> bool {
        match self.config.loss {
            Loss::None => false,
            Loss::All => true,
            Loss::Random(probability) => self.chance(probability),
            Loss::GilbertElliott {
                to_bad,
                to_good,
                loss_good,
                loss_bad,
            } => {
                let leave = if self.bad { to_good } else { to_bad };
                self.bad ^= self.chance(leave);
                self.chance(if self.bad { loss_bad } else { loss_good })
            }
        }
    }

    fn chance(&mut self, probability: f64) -> bool {
        if probability <= 0.0 {
            return false;
        }
        let drawn = f64::from(self.random.next_u32()) / (f64::from(u32::MAX) + 1.0);
        drawn < probability
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrivals(config: LinkConfig, count: u32) -> Vec<u32> {
        let mut link = Link::new(config);
        for number in 0..count {
            link.push(Instant::from_millis(number.into()), number, 100);
        }
        std::iter::from_fn(|| link.pop(Instant::MAX)).collect()
    }

    #[test]
    fn jitter_alone_keeps_order_and_reorder_breaks_it() {
        let mut config = LinkConfig::new();
        config.jitter = Duration::from_millis(50);
        assert!(arrivals(config.clone(), 200).is_sorted());
        config.reorder = 0.2;
        assert!(!arrivals(config, 200).is_sorted());
    }

    #[test]
    fn random_loss_and_duplication_are_near_their_probability() {
        let mut config = LinkConfig::new();
        config.loss = Loss::Random(0.25);
        let arrived = arrivals(config.clone(), 4000).len();
        assert!((2850..=3150).contains(&arrived), "{arrived}");
        config.loss = Loss::None;
        config.duplicate = 0.1;
        let arrived = arrivals(config, 4000).len();
        assert!((4300..=4500).contains(&arrived), "{arrived}");
    }

    #[test]
    fn bursts_are_longer_than_chance_would_make_them() {
        let mut config = LinkConfig::new();
        config.loss = Loss::GilbertElliott {
            to_bad: 0.01,
            to_good: 0.1,
            loss_good: 0.0,
            loss_bad: 1.0,
        };
        let arrived = arrivals(config, 10_000);
        let gaps = arrived.windows(2).filter(|w| w[1] > w[0] + 1).count();
        let lost = 10_000 - arrived.len();
        assert!(lost / gaps >= 5, "{lost} lost in {gaps} bursts");
    }

    #[test]
    fn rate_spaces_items_and_a_full_queue_loses_them() {
        let mut config = LinkConfig::new();
        config.rate = Some(8_000);
        config.queue = Duration::from_millis(250);
        let mut link = Link::new(config);
        let sent: Vec<Sent> = (0..5).map(|n| link.push(Instant::ZERO, n, 100)).collect();
        assert_eq!(sent[2], Sent::Carried);
        assert_eq!(sent[3], Sent::QueueFull);
        assert_eq!(link.next_arrival(), Some(Instant::from_millis(100)));
    }

    #[test]
    fn a_cut_loses_what_is_under_way_and_what_comes() {
        let mut config = LinkConfig::new();
        config.latency = Duration::from_millis(10);
        let mut link = Link::new(config);
        link.push(Instant::ZERO, 1, 100);
        link.set_cut(true);
        assert_eq!(link.push(Instant::ZERO, 2, 100), Sent::Lost);
        link.set_cut(false);
        link.push(Instant::ZERO, 3, 100);
        assert_eq!(link.pop(Instant::MAX), Some(3));
        assert_eq!(link.pop(Instant::MAX), None);
    }
}
