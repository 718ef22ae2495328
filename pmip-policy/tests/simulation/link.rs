//! A link as a fluid: rate, delay, loss, a queue.

/// What a link can carry, in octets per second.
#[derive(Clone)]
pub(crate) enum Capacity {
    Constant(f64),
    /// From these seconds on.
    Steps(Vec<(usize, f64)>),
    /// A trace as Mahimahi has them: each number is a millisecond in which a packet of 1,500 octets
    /// may go; it repeats after the last.
    Trace(Vec<u32>),
}

#[derive(Clone)]
pub(crate) struct Link {
    /// Octets that each tick may carry.
    ticks: Vec<f64>,
    pub(crate) capacity: Capacity,
    /// Round trip without a queue, in seconds.
    pub(crate) delay: f64,
    buffer: f64,
    loss: f64,
    pub(crate) queue: f64,
}

/// What one tick came to.
pub(crate) struct Tick {
    /// Share of what came in that was lost.
    pub(crate) lost: f64,
    /// Round trip now, in seconds.
    pub(crate) rtt: f64,
    /// Of that in the queue.
    pub(crate) queue: f64,
}

pub(crate) const TICKS: usize = 100;
/// Of a packet.
pub(crate) const OCTETS: f64 = 1_500.0;

impl Link {
    /// With a round trip of so many milliseconds and 100 ms of buffer.
    pub(crate) fn new(capacity: Capacity, delay_ms: u32) -> Self {
        let link = Self {
            ticks: Vec::new(),
            delay: f64::from(delay_ms) / 1e3,
            buffer: 0.0,
            loss: 0.0,
            queue: 0.0,
            capacity,
        };
        link.with_buffer_ms(100)
    }

    pub(crate) fn with_buffer_ms(mut self, buffer_ms: u32) -> Self {
        self.ticks = match &self.capacity {
            Capacity::Trace(trace) => per_tick(trace),
            Capacity::Constant(_) | Capacity::Steps(_) => Vec::new(),
        };
        let rate = self.mean_rate();
        self.buffer = (rate * f64::from(buffer_ms) / 1e3).max(20.0 * OCTETS);
        self
    }

    pub(crate) fn with_loss(mut self, loss: f64) -> Self {
        self.loss = loss;
        self
    }

    fn mean_rate(&self) -> f64 {
        match &self.capacity {
            Capacity::Constant(rate) => *rate,
            Capacity::Steps(steps) => steps[0].1,
            Capacity::Trace(_) => {
                self.ticks.iter().sum::<f64>() / self.ticks.len() as f64 * TICKS as f64
            }
        }
    }

    /// Octets that a tick may carry.
    pub(crate) fn room(&self, tick: usize) -> f64 {
        match &self.capacity {
            Capacity::Constant(rate) => rate / TICKS as f64,
            Capacity::Steps(steps) => {
                let now = tick / TICKS;
                let step = steps.iter().rev().find(|(from, _)| *from <= now);
                step.map_or(0.0, |(_, rate)| rate / TICKS as f64)
            }
            Capacity::Trace(_) => self.ticks[tick % self.ticks.len()],
        }
    }

    /// How long the queue takes to drain, in seconds: at the rate of this second, since a trace has
    /// holes.
    pub(crate) fn waiting(&self, tick: usize) -> f64 {
        let second = tick / TICKS * TICKS;
        let rate: f64 = (second..second + TICKS).map(|tick| self.room(tick)).sum();
        self.queue / rate.max(10.0 * OCTETS)
    }

    /// Takes in `offered` octets for one tick.
    pub(crate) fn tick(&mut self, tick: usize, offered: f64) -> Tick {
        let room = self.room(tick);
        let entering = offered * (1.0 - self.loss);
        let full = self.queue + entering - room;
        let dropped = (full - self.buffer).max(0.0).min(entering);
        self.queue = full.clamp(0.0, self.buffer);
        let lost = match offered > 0.0 {
            true => (dropped + offered * self.loss) / offered,
            false => 0.0,
        };
        let waiting = self.waiting(tick);
        Tick {
            lost,
            rtt: self.delay + waiting,
            queue: waiting,
        }
    }
}

fn per_tick(trace: &[u32]) -> Vec<f64> {
    let length = trace.last().map_or(0, |last| last.div_ceil(10)) as usize;
    let mut ticks = vec![0.0; length.max(1)];
    for at in trace {
        let tick = (at.saturating_sub(1) / 10) as usize;
        ticks[tick] += OCTETS;
    }
    ticks
}

/// Reads a Mahimahi trace: a number per line.
pub(crate) fn parse_trace(text: &str) -> Vec<u32> {
    text.lines()
        .map(|line| line.trim().parse().expect("milliseconds"))
        .collect()
}

/// A minute of a cellular link, written as such a trace and read back: 2 to 24 Mbit/s, another rate
/// every two seconds, with holes.
pub(crate) fn cellular() -> Vec<u32> {
    let mut text = String::new();
    let mut state = 12_345u64;
    let mut credit = 0.0;
    let mut rate = 0.0;
    for millisecond in 1..=60_000u32 {
        if millisecond % 2_000 == 1 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            rate = 2.0 + (state >> 40) as f64 / (1u64 << 24) as f64 * 22.0;
        }
        // A tenth of each second is a hole.
        let open = millisecond % 1_000 >= 100;
        credit += if open { rate * 1e6 / 8.0 / 1e3 } else { 0.0 };
        while credit >= OCTETS {
            credit -= OCTETS;
            text.push_str(&format!("{millisecond}\n"));
        }
    }
    parse_trace(&text)
}
