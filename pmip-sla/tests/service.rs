//! The hybrid-access service of both ends, with a tunnel per path between them.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use bytes::Bytes;
use pmip_binding::testing::{Link, LinkConfig, Loss};
use pmip_sla::{
    Clock, Codec, Element, HybridAccess, Limits, LivenessEvent, Outcome, PathSpec, ProbeShape,
    ReactionConfig, ServiceConfig, ServiceEvent, ServiceInput, ServiceOutput, Trigger,
    VerdictState,
};
use pmip_wire::types::{Instant, PathId};

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

const LMA: usize = 0;
const MAG: usize = 1;

/// Both nodes, and for each path a link each way.
struct World {
    nodes: [HybridAccess; 2],
    /// From the node of this index, by path.
    links: [BTreeMap<PathId, Link<Bytes>>; 2],
    now: Instant,
    events: [Vec<(Instant, ServiceEvent)>; 2],
    /// Inner packets sent, by path.
    sent: [BTreeMap<PathId, Vec<(Instant, Bytes)>>; 2],
}

fn clock() -> Clock {
    Clock::new(Instant::ZERO, secs(1_700_000_000))
}

fn quiet() -> ServiceConfig {
    let mut config = ServiceConfig::default();
    config.disable_sla = true;
    config.liveness = None;
    config
}

fn shape(packets: u32, interval: u64, frequency: u64) -> ProbeShape {
    ProbeShape {
        packets: Some(packets),
        interval: Some(ms(interval)),
        frequency: Some(secs(frequency)),
    }
}

/// The care-of address of a path; IPv6 on odd ones.
fn ends(path: u32) -> (IpAddr, IpAddr) {
    if path.is_multiple_of(2) {
        let [.., high, low] = path.to_be_bytes();
        let care_of = Ipv4Addr::new(10, 0, high, low);
        (Ipv4Addr::new(192, 0, 2, 1).into(), care_of.into())
    } else {
        let low = u16::try_from(path).expect("small");
        let care_of = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, low);
        (
            Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into(),
            care_of.into(),
        )
    }
}

impl World {
    fn new(lma: ServiceConfig, mag: ServiceConfig) -> Self {
        let node = |config, seed| HybridAccess::new(config, clock(), seed).expect("right");
        Self {
            nodes: [node(lma, 1), node(mag, 2)],
            links: [BTreeMap::new(), BTreeMap::new()],
            now: Instant::ZERO,
            events: [Vec::new(), Vec::new()],
            sent: [BTreeMap::new(), BTreeMap::new()],
        }
    }

    fn add(&mut self, path: u32, mag: &str, customer: Option<&str>) {
        let id = PathId(path);
        let (lma, care_of) = ends(path);
        for (node, source, destination) in [(LMA, lma, care_of), (MAG, care_of, lma)] {
            let mut spec = PathSpec::new(id, source, destination);
            spec.mag = Some(mag.to_owned());
            spec.customer = customer.map(str::to_owned);
            self.nodes[node].handle_input(self.now, ServiceInput::AddPath(spec));
            let mut link = LinkConfig::default();
            link.latency = ms(10);
            link.seed = u64::from(path) * 2 + node as u64;
            self.links[node].insert(id, Link::new(link));
            self.drain(node);
        }
    }

    fn link(&mut self, from: usize, path: u32) -> &mut LinkConfig {
        let link = self.links[from].get_mut(&PathId(path));
        link.expect("it was added").config_mut()
    }

    fn input(&mut self, node: usize, input: ServiceInput<'_>) {
        self.nodes[node].handle_input(self.now, input);
        self.drain(node);
    }

    fn drain(&mut self, node: usize) {
        loop {
            match self.nodes[node].poll_output() {
                ServiceOutput::Transmit { path, packet } => {
                    let sent = self.sent[node].entry(path).or_default();
                    sent.push((self.now, packet.clone()));
                    let length = packet.len();
                    let link = self.links[node].get_mut(&path).expect("its own path");
                    link.push(self.now, packet, length);
                }
                ServiceOutput::Event(event) => self.events[node].push((self.now, event)),
                ServiceOutput::Timeout(due) => {
                    assert!(due.is_none_or(|due| due > self.now));
                    return;
                }
            }
        }
    }

    fn run_until(&mut self, until: Instant) {
        loop {
            let arrivals = self.links.iter().flat_map(BTreeMap::values);
            let arrivals = arrivals.filter_map(Link::next_arrival);
            let timeouts = self.nodes.iter().filter_map(HybridAccess::next_timeout);
            let next = arrivals.chain(timeouts).min();
            let Some(next) = next.filter(|next| *next <= until) else {
                break;
            };
            self.now = next;
            for node in [LMA, MAG] {
                self.deliver(node);
                self.input(node, ServiceInput::Timeout);
            }
        }
        self.now = until;
    }

    fn deliver(&mut self, to: usize) {
        let mut packets = Vec::new();
        for (path, link) in &mut self.links[1 - to] {
            while let Some(packet) = link.pop(self.now) {
                packets.push((*path, packet));
            }
        }
        for (path, packet) in packets {
            let at = self.now;
            let packet = &packet[..];
            self.input(to, ServiceInput::Packet { path, at, packet });
        }
    }

    /// When verdicts of the LMA changed, and to what.
    fn verdicts(&self, of: &str) -> Vec<(u64, VerdictState)> {
        let mut changes = Vec::new();
        for (at, event) in &self.events[LMA] {
            if let ServiceEvent::Verdict {
                profile, change, ..
            } = event
                && profile == of
            {
                changes.push((at.as_millis() / 1_000, change.to));
            }
        }
        changes
    }

    fn operations(&self, node: usize, path: u32) -> Vec<(Instant, Outcome)> {
        let mut operations = Vec::new();
        for (_, event) in &self.events[node] {
            if let ServiceEvent::Operation {
                path: id,
                operation,
                ..
            } = event
                && *id == PathId(path)
            {
                operations.push((operation.started, operation.outcome));
            }
        }
        operations
    }
}

fn at(secs: u64) -> Instant {
    Instant::from_secs(secs)
}

fn probing(shape: ProbeShape) -> ServiceConfig {
    let mut config = ServiceConfig::default();
    config.sla = shape;
    config.liveness = None;
    config
}

#[test]
fn every_path_is_measured_inside_its_own_tunnel_from_both_ends() {
    let config = probing(shape(10, 20, 10));
    let mut world = World::new(config.clone(), config);
    for path in 0..4 {
        world.add(path, "mag1", None);
    }
    // Path 2 is slower than the others, towards the MAG.
    world.link(LMA, 2).latency = ms(60);
    world.run_until(at(30));
    for node in [LMA, MAG] {
        for view in world.nodes[node].paths() {
            let total = view.history.total();
            let expected = if view.spec.path == PathId(2) { 70 } else { 20 };
            assert_eq!(total.rtt().average(), Some(ms(expected)));
            assert_eq!(total.lost(), 0);
            assert!(view.probed);
        }
        assert_eq!(world.nodes[node].counters().malformed, 0);
        assert_eq!(world.nodes[node].counters().unasked, 0);
    }
}

/// The voice profile, each limit broken in turn: it falls with the next operation, and comes back
/// after three good ones and twice the period.
#[test]
fn each_limit_of_the_voice_profile_moves_the_verdict_and_its_return_waits() {
    let voice = Limits::default()
        .with_jitter(ms(50))
        .with_rtt(ms(100))
        .with_loss_ppm(20_000);
    let mut lma = probing(shape(20, 100, 10));
    lma.profiles.insert("voice".to_owned(), voice);
    lma.profiles.insert("other".to_owned(), Limits::default());
    let breaks: [fn(&mut LinkConfig); 3] = [
        |link| link.latency = ms(95),
        |link| (link.reorder, link.reorder_delay) = (0.5, ms(160)),
        |link| link.loss = Loss::Random(0.3),
    ];
    for (number, make_worse) in (0..).zip(breaks) {
        let mut world = World::new(lma.clone(), quiet());
        world.add(0, "mag1", None);
        world.run_until(at(30));
        assert_eq!(world.verdicts("voice"), [(1, VerdictState::Conforming)]);
        let good = world.link(LMA, 0).clone();
        make_worse(world.link(LMA, 0));
        world.run_until(at(48));
        *world.link(LMA, 0) = good;
        world.run_until(at(120));
        let [
            _,
            (fell, VerdictState::Violating),
            (rose, VerdictState::Conforming),
        ] = world.verdicts("voice")[..]
        else {
            panic!("break {number}: {:?}", world.verdicts("voice"));
        };
        assert!((31..=38).contains(&fell), "break {number}: {fell}");
        // The operations of 50, 60 and 70 s.
        assert_eq!(rose, 71, "break {number}");
        assert_eq!(world.verdicts("other").len(), 1);
    }
}

#[test]
fn a_peer_without_responder_makes_paths_violate_and_says_why() {
    let mut lma = probing(shape(2, 100, 10));
    let limits = Limits::default().with_loss_ppm(20_000);
    lma.profiles.insert("voice".to_owned(), limits);
    lma.reactions.push(ReactionConfig {
        element: Element::ConnectionLoss,
        rising: 0,
        falling: 0,
        trigger: Trigger::Consecutive(2),
    });
    let mut world = World::new(lma, quiet());
    world.add(0, "mag1", None);
    world.link(LMA, 0).loss = Loss::All;
    world.link(MAG, 0).loss = Loss::All;
    world.run_until(at(25));
    let operations = world.operations(LMA, 0);
    assert_eq!(operations.len(), 3);
    assert!(operations.iter().all(|(_, o)| *o == Outcome::NoConnection));
    assert_eq!(world.verdicts("voice"), [(3, VerdictState::Violating)]);
    let reactions = world.events[LMA]
        .iter()
        .filter(|(_, event)| matches!(event, ServiceEvent::Reaction { event, .. } if event.raised));
    assert_eq!(reactions.count(), 1);
}

#[test]
fn enable_sla_of_a_mag_wins_over_the_customers_and_both_over_the_switch() {
    let mut config = ServiceConfig::default();
    config.disable_sla = true;
    config.liveness = None;
    config.sla.frequency = Some(secs(30));
    config.mags.insert("m1".to_owned(), shape(3, 100, 20));
    let customer = ProbeShape {
        packets: Some(5),
        ..ProbeShape::default()
    };
    config.customers.insert("c1".to_owned(), customer);
    let packets = |mag: &str, customer: Option<&str>| {
        let (ours, theirs) = ends(0);
        let mut spec = PathSpec::new(PathId(0), ours, theirs);
        spec.mag = Some(mag.to_owned());
        spec.customer = customer.map(str::to_owned);
        let probe = config.probe(&spec)?;
        Some((probe.packets(), probe.frequency()))
    };
    assert_eq!(packets("m1", None), Some((3, secs(20))));
    assert_eq!(packets("m1", Some("c1")), Some((3, secs(20))));
    assert_eq!(packets("m2", Some("c1")), Some((5, secs(30))));
    assert_eq!(packets("m2", Some("c2")), None);
    config.check().expect("consistent");
    config.mags.insert("m3".to_owned(), shape(100, 6_000, 60));
    let errors = config.check().expect_err("too long");
    assert_eq!(errors.len(), 1);
    assert!(errors[0].to_string().starts_with("enable-sla mag m3"));
}

/// More than the 1,024 that routing rules would allow.
#[test]
fn eleven_hundred_paths_keep_their_period() {
    let mut world = World::new(probing(shape(3, 100, 60)), quiet());
    let period = secs(60);
    for path in 0..1_100 {
        world.add(path, "mag1", None);
    }
    world.run_until(Instant::ZERO + period * 3 + secs(1));
    let mut first = Vec::new();
    for path in 0..1_100 {
        let operations = world.operations(LMA, path);
        let started: Vec<Instant> = operations.iter().map(|(at, _)| *at).collect();
        assert!(started.len() >= 2, "{path}: {started:?}");
        assert!(operations.iter().all(|(_, o)| *o == Outcome::Ok), "{path}");
        for (number, at) in (0..).zip(&started) {
            let slot = started[0] + period * number;
            assert!(at.saturating_since(slot) <= period / 20);
        }
        assert!(started[0] < Instant::ZERO + period);
        first.push(started[0]);
    }
    // No second of the period has more than twice its share.
    let mut seconds = BTreeMap::<u64, u32>::new();
    for at in first {
        *seconds.entry(at.as_millis() / 1_000).or_default() += 1;
    }
    assert_eq!(seconds.len(), 60);
    assert!(seconds.values().all(|n| *n <= 37), "{seconds:?}");
}

#[test]
fn settings_are_seen_on_the_wire() {
    let mut world = World::new(probing(shape(7, 50, 10)), quiet());
    world.add(0, "mag1", None);
    world.run_until(at(40));
    let sent = &world.sent[LMA][&PathId(0)];
    // Control requests begin with version 2, measurement packets with a zero.
    let is_probe = |packet: &Bytes| packet[28] == 0;
    let operations: Vec<_> = sent.split(|(_, packet)| !is_probe(packet)).collect();
    let operations: Vec<_> = operations.iter().filter(|op| !op.is_empty()).collect();
    assert_eq!(operations.len(), 4);
    for operation in &operations {
        assert_eq!(operation.len(), 7);
        for pair in operation.windows(2) {
            assert_eq!(pair[1].0.saturating_since(pair[0].0), ms(50));
        }
    }
    for pair in operations.windows(2) {
        assert_eq!(pair[1][0].0.saturating_since(pair[0][0].0), secs(10));
    }
}

#[test]
fn a_dead_path_is_told_while_traffic_needs_it() {
    let mut config = quiet();
    config.liveness = Some(Default::default());
    let mut world = World::new(config.clone(), config);
    world.add(0, "mag1", None);
    world.add(1, "mag1", None);
    for step in 0..400u64 {
        world.run_until(Instant::from_millis(step * 10));
        if step == 200 {
            world.link(LMA, 0).loss = Loss::All;
        }
        for path in [0, 1] {
            world.input(LMA, ServiceInput::Needed(PathId(path)));
        }
    }
    let mut deaths = Vec::new();
    for (_, event) in &world.events[LMA] {
        if let ServiceEvent::Liveness {
            path,
            event: LivenessEvent::Down { at, .. },
        } = event
        {
            deaths.push((*path, *at));
        }
    }
    let [(PathId(0), died)] = deaths[..] else {
        panic!("{deaths:?}");
    };
    let found = died.saturating_since(Instant::from_millis(2_000));
    assert!(found <= ms(400), "{found:?}");
    assert!(world.events[MAG].is_empty(), "nothing needed it there");
    let idle = world.sent[MAG].values().flatten().count();
    let answers = world.sent[LMA][&PathId(0)].len() + world.sent[LMA][&PathId(1)].len();
    assert!(idle <= answers, "the MAG only answers");
}

#[test]
fn what_is_not_between_the_ends_or_damaged_is_counted_and_not_answered() {
    let mut world = World::new(probing(shape(2, 100, 10)), quiet());
    world.add(0, "mag1", None);
    world.add(2, "mag1", None);
    world.run_until(at(1));
    let right = world.sent[LMA][&PathId(0)][0].1.clone();
    let sent = world.sent[MAG].values().flatten().count();
    let mut damaged = right.to_vec();
    damaged[40] ^= 1;
    let cut = right.slice(..40);
    for (path, packet) in [(0, &damaged[..]), (0, &cut[..]), (0, &[]), (2, &right[..])] {
        let (path, at) = (PathId(path), world.now);
        world.input(MAG, ServiceInput::Packet { path, at, packet });
    }
    assert_eq!(world.nodes[MAG].counters().malformed, 4);
    let (path, at, packet) = (PathId(9), world.now, &right[..]);
    world.input(MAG, ServiceInput::Packet { path, at, packet });
    assert_eq!(world.nodes[MAG].counters().unknown_path, 1);
    assert_eq!(world.sent[MAG].values().flatten().count(), sent);
}

#[test]
fn a_change_of_configuration_touches_only_what_it_changes() {
    let mut lma = probing(shape(2, 100, 10));
    let limits = Limits::default().with_rtt(ms(5));
    lma.profiles.insert("fast".to_owned(), limits);
    lma.codec = Some(Codec::G711Ulaw);
    let mut world = World::new(lma.clone(), quiet());
    world.add(0, "m1", None);
    world.add(2, "m2", None);
    world.run_until(at(35));
    lma.mags.insert("m2".to_owned(), shape(4, 100, 20));
    let now = world.now;
    world.nodes[LMA].configure(now, lma.clone()).expect("right");
    world.drain(LMA);
    world.run_until(at(100));
    let started = |world: &World, path| -> Vec<u64> {
        let operations = world.operations(LMA, path);
        operations
            .iter()
            .map(|(at, _)| at.as_millis() / 1_000)
            .collect()
    };
    assert_eq!(started(&world, 0)[..6], [0, 10, 20, 30, 40, 50]);
    let second = started(&world, 2);
    let last = &second[second.len() - 2..];
    assert_eq!(last[1] - last[0], 20);
    let view = world.nodes[LMA].path(PathId(0)).expect("it is there");
    let verdict = view.verdict("fast").expect("the profile");
    assert_eq!(
        (verdict.state(), verdict.changes()),
        (VerdictState::Violating, 1)
    );

    lma.disable_sla = true;
    lma.mags.clear();
    world.nodes[LMA].configure(now, lma).expect("right");
    world.drain(LMA);
    let before = world.events[LMA].len();
    world.run_until(at(200));
    assert_eq!(world.events[LMA].len(), before);
    let view = world.nodes[LMA].path(PathId(0)).expect("it is there");
    assert_eq!(
        view.verdict("fast").map(|v| v.state()),
        Some(VerdictState::Unknown)
    );
    assert_eq!(view.history.count(), 10);
}

/// Would break: a peer's operation that runs meanwhile loses its answers, and one lost operation is
/// enough to violate a profile.
#[test]
fn a_change_of_configuration_answers_the_peer_s_running_measurement() {
    let mut mag = quiet();
    let mut world = World::new(probing(shape(20, 100, 10)), mag.clone());
    world.add(0, "m1", None);
    world.run_until(Instant::from_millis(1_000));
    let limits = Limits::default().with_rtt(ms(100));
    mag.profiles.insert("voice".to_owned(), limits);
    let now = world.now;
    world.nodes[MAG].configure(now, mag).expect("right");
    world.drain(MAG);
    world.run_until(at(9));
    assert_eq!(world.operations(LMA, 0).len(), 1);
    let view = world.nodes[LMA].path(PathId(0)).expect("it is there");
    let last = view.history.last().expect("an operation");
    assert_eq!((last.window.sent(), last.window.lost()), (20, 0));
}

/// Without probes, nothing is due: the service costs nothing.
#[test]
fn a_removed_path_leaves_nothing_behind() {
    let mut world = World::new(probing(shape(2, 100, 10)), quiet());
    world.add(0, "m1", None);
    world.run_until(at(15));
    world.input(LMA, ServiceInput::RemovePath(PathId(0)));
    world.input(MAG, ServiceInput::RemovePath(PathId(0)));
    world.run_until(at(100));
    assert_eq!(world.nodes[LMA].next_timeout(), None);
    assert_eq!(world.nodes[MAG].next_timeout(), None);
    assert_eq!(world.nodes[LMA].paths().len(), 0);
}
