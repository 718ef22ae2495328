//! Users, their flows, a flow table and a balancer over links.

use std::time::Duration;

use pmip_policy::{
    Balancer, Candidate, Direction, FlowKey, FlowTable, FlowTableConfig, LinkShare, LoadBalance,
    PathSample, PathSet, SteeringTable, Verdicts,
};
use pmip_wire::types::{Instant, PathId};

use crate::link::{Link, OCTETS, TICKS, Tick};

pub(crate) struct World {
    links: Vec<Link>,
    users: Vec<Download>,
    flows: FlowTable,
    steering: SteeringTable,
    balancer: Balancer,
    paths: PathSet,
    generation: u32,
    next_flow: u32,
    random: u64,
    meters: Vec<Meter>,
    run: Run,
}

/// One TCP connection that fetches a file.
struct Download {
    key: FlowKey,
    left: f64,
    /// In packets.
    window: f64,
    slow_start: bool,
    /// Expected losses since the last cut, and when another cut counts.
    losses: f64,
    deaf_until: usize,
    path: usize,
    rate: f64,
}

/// What a path carried since the last sample.
#[derive(Clone, Default)]
struct Meter {
    offered: f64,
    lost: f64,
    rtt: f64,
}

/// What came of it, second by second.
#[derive(Default)]
pub(crate) struct Run {
    /// Octets that arrived.
    pub(crate) arrived: Vec<f64>,
    /// Octets that could have.
    pub(crate) capacity: Vec<f64>,
    pub(crate) weight_changes: usize,
    pub(crate) most_moves: u16,
    weights: Vec<u32>,
}

impl Run {
    /// Of the capacity, from one second to another.
    pub(crate) fn share(&self, from: usize, to: usize) -> f64 {
        let sum = |values: &[f64]| values[from..to].iter().sum::<f64>();
        sum(&self.arrived) / sum(&self.capacity)
    }

    /// As per cents.
    pub(crate) fn weights_text(&self) -> String {
        let total: f64 = self.weights.iter().map(|weight| f64::from(*weight)).sum();
        let per_cent = |weight: &u32| format!("{:.0}", f64::from(*weight) / total * 100.0);
        let parts: Vec<_> = self.weights.iter().map(per_cent).collect();
        parts.join(" : ")
    }
}

impl World {
    pub(crate) fn new(links: Vec<Link>, users: usize, mode: LoadBalance) -> Self {
        let mut balancer = Balancer::new(mode, Direction::Down);
        for n in 0..links.len() {
            balancer.set_path(path(n), LinkShare::ONE);
        }
        let paths: PathSet = balancer
            .weights()
            .map(|(path, weight)| Candidate::new(path, weight))
            .collect();
        let mut world = Self {
            flows: FlowTable::new(FlowTableConfig::default().with_max_flows(4_096), 11),
            steering: SteeringTable::new(None, &paths, &Verdicts::new()),
            meters: vec![Meter::default(); links.len()],
            users: Vec::new(),
            links,
            balancer,
            paths,
            generation: 0,
            next_flow: 0,
            random: 42,
            run: Run::default(),
        };
        for _ in 0..users {
            let download = world.download();
            world.users.push(download);
        }
        world
    }

    pub(crate) fn run(mut self, seconds: usize) -> Run {
        for tick in 0..seconds * TICKS {
            self.choose(tick);
            self.carry(tick);
            if tick % TICKS == TICKS - 1 {
                self.balance(tick);
            }
        }
        let moves = self.flows.flows().map(|flow| flow.moves);
        self.run.most_moves = moves.max().unwrap_or(0);
        self.run.weights = self.balancer.weights().map(|(_, weight)| weight).collect();
        self.run
    }

    /// Every flow sends: it asks for its path.
    fn choose(&mut self, tick: usize) {
        let now = now(tick);
        for user in &mut self.users {
            let choice = self
                .flows
                .choose(now, user.key, 0, &self.steering, self.generation)
                .expect("every path is up");
            user.path = choice.path.0 as usize - 1;
            let link = &self.links[user.path];
            let rtt = link.delay + link.waiting(tick);
            user.rate = (user.window * OCTETS / rtt / TICKS as f64).min(user.left.max(OCTETS));
            let packets = (user.rate / OCTETS).ceil() as u64;
            self.flows
                .record(choice.flow, packets.max(1), user.rate as u64);
        }
    }

    fn carry(&mut self, tick: usize) {
        let mut offered = vec![0.0; self.links.len()];
        for user in &self.users {
            offered[user.path] += user.rate;
        }
        let ticks: Vec<Tick> = self
            .links
            .iter_mut()
            .zip(&offered)
            .map(|(link, offered)| link.tick(tick, *offered))
            .collect();
        let mut arrived = 0.0;
        for user in &mut self.users {
            arrived += user.hear(tick, &ticks[user.path]);
        }
        for ((meter, tick), offered) in self.meters.iter_mut().zip(&ticks).zip(offered) {
            meter.offered += offered;
            meter.lost += offered * tick.lost;
            meter.rtt += tick.rtt / TICKS as f64;
        }
        let capacity: f64 = self.links.iter().map(|link| link.room(tick)).sum();
        if tick.is_multiple_of(TICKS) {
            self.run.arrived.push(0.0);
            self.run.capacity.push(0.0);
        }
        *self.run.arrived.last_mut().expect("this second") += arrived;
        *self.run.capacity.last_mut().expect("this second") += capacity;
        for at in 0..self.users.len() {
            if self.users[at].left <= 0.0 {
                self.users[at] = self.download();
            }
        }
    }

    /// Once a second: samples in, weights out.
    fn balance(&mut self, tick: usize) {
        for (at, meter) in self.meters.iter_mut().enumerate() {
            let meter = std::mem::take(meter);
            let loss = meter.lost / meter.offered.max(1.0) * 1e6;
            let sample = PathSample::new(Duration::from_secs(1), meter.offered as u64)
                .with_loss_ppm(loss as u32)
                .with_rtt(Duration::from_secs_f64(meter.rtt));
            self.balancer.observe(path(at), sample);
        }
        if self.balancer.adjust() {
            for (path, weight) in self.balancer.weights() {
                self.paths.set_weight(path, weight);
            }
            self.steering.update(&self.paths, &Verdicts::new());
            self.generation += 1;
            self.run.weight_changes += 1;
        }
        self.flows.remove_expired(now(tick), 4_096);
    }

    fn download(&mut self) -> Download {
        self.next_flow += 1;
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let even = ((self.random >> 11) as f64 / (1u64 << 53) as f64).max(0.01);
        let [_, a, b, c] = self.next_flow.to_be_bytes();
        let key = FlowKey::new([192, 0, 2, 1].into(), [10, a, b, c].into(), FlowKey::TCP);
        Download {
            key: key.with_ports(443, 40_000),
            // Pareto 2, cut at ten times the least.
            left: 1e6 / even.sqrt(),
            window: 10.0,
            slow_start: true,
            losses: 0.0,
            deaf_until: 0,
            path: 0,
            rate: 0.0,
        }
    }
}

impl Download {
    /// One tick of additive increase, multiplicative decrease; what arrived comes back.
    fn hear(&mut self, tick: usize, heard: &Tick) -> f64 {
        let arrived = self.rate * (1.0 - heard.lost);
        self.left -= arrived;
        self.losses += self.rate * heard.lost / OCTETS;
        let round_trips = 1.0 / TICKS as f64 / heard.rtt;
        if self.losses >= 1.0 && tick >= self.deaf_until {
            self.window = (self.window / 2.0).max(2.0);
            self.slow_start = false;
            self.losses = 0.0;
            self.deaf_until = tick + (heard.rtt * TICKS as f64).ceil() as usize;
        } else if self.slow_start && heard.queue < 0.008 {
            self.window += self.window * round_trips.min(1.0);
        } else {
            // A queue ends slow start, as in HyStart.
            self.slow_start = false;
            self.window += round_trips;
        }
        arrived
    }
}

fn path(at: usize) -> PathId {
    PathId(at as u32 + 1)
}

fn now(tick: usize) -> Instant {
    Instant::from_millis((tick * 1_000 / TICKS) as u64)
}
