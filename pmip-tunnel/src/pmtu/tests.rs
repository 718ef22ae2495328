use alloc::vec;
use alloc::vec::Vec;

use pmip_wire::types::{Encapsulation, PathId};
use proptest::prelude::*;

use super::*;
use crate::segment::SegmentArena;
use crate::testing::ip;
use crate::{Arrival, Carried, Forwarder, ForwarderConfig, ForwardingTable, Inbound, Role};
use crate::{Ecn, TunnelPath, encap::Carrier};

/// A path that takes packets up to `limit`, loses some, and takes `delay` for a round trip.
struct Network {
    limit: u16,
    /// Of 100, in each direction.
    loss: u64,
    delay: Duration,
    random: u64,
}

impl Network {
    fn new(limit: u16, loss: u64) -> Self {
        Self {
            limit,
            loss,
            delay: Duration::from_millis(40),
            random: 0x1234_5678_9abc_def1,
        }
    }

    fn loses(&mut self) -> bool {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 11) % 100 < self.loss
    }

    fn answers(&mut self, probe: Probe) -> bool {
        let lost = self.loses() | self.loses();
        probe.size.is_none_or(|size| size <= self.limit) && !lost
    }
}

struct Run {
    search: PathMtu,
    network: Network,
    now: Instant,
    under_way: Vec<(Instant, u32)>,
    changes: Vec<(Instant, u16)>,
    probes: u32,
}

impl Run {
    fn new(network: Network) -> Self {
        let now = Instant::from_secs(10);
        Self {
            search: PathMtu::new(PathMtuConfig::ipv4(), 1_500, 77, now),
            network,
            now,
            under_way: Vec::new(),
            changes: Vec::new(),
            probes: 0,
        }
    }

    /// Lets time pass, a millisecond at a time, with traffic where `active`.
    fn pass(&mut self, span: Duration, active: bool) {
        let end = later(self.now, span);
        while self.now < end {
            let (now, search) = (self.now, &mut self.search);
            self.under_way.retain(|(at, number)| {
                let due = *at <= now;
                if due {
                    search.handle(now, PathMtuInput::Answered(*number));
                }
                !due
            });
            if active {
                search.handle(now, PathMtuInput::Active);
            }
            self.drain();
            self.now = later(self.now, Duration::from_millis(1));
        }
    }

    fn drain(&mut self) {
        for _ in 0..20 {
            match self.search.poll(self.now) {
                PathMtuOutput::Probe(probe) => {
                    self.probes += 1;
                    if self.network.answers(probe) {
                        let at = later(self.now, self.network.delay);
                        self.under_way.push((at, probe.number));
                    }
                }
                PathMtuOutput::Mtu(mtu) => self.changes.push((self.now, mtu)),
                PathMtuOutput::Timeout(at) => {
                    assert!(at.is_none_or(|at| at > self.now), "a timeout in the past");
                    return;
                }
            }
        }
        panic!("poll never ends");
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_good_path_is_confirmed_with_one_probe() {
    let mut run = Run::new(Network::new(1_500, 0));
    run.pass(SECOND, false);
    assert_eq!(
        (run.search.phase(), run.probes),
        (PathMtuPhase::Complete, 1)
    );
    assert_eq!(run.changes, []);
}

#[test]
fn a_path_that_takes_less_from_the_start_is_found_out() {
    let mut run = Run::new(Network::new(1_380, 0));
    run.pass(20 * SECOND, true);
    let mtu = run.search.mtu();
    assert!((1_377..=1_380).contains(&mtu), "{mtu}");
    assert_eq!(run.search.phase(), PathMtuPhase::Complete);
}

/// Acceptance row 78: big packets vanish in mid-traffic, and the MTU is down in time for bulk TCP
/// to recover within 5 s.
#[test]
fn a_black_hole_is_seen_within_3_seconds_of_traffic() {
    let mut run = Run::new(Network::new(1_500, 0));
    run.pass(5 * SECOND, true);
    let began = run.now;
    run.network.limit = 1_380;
    run.pass(15 * SECOND, true);
    let (at, first) = run.changes[0];
    assert_eq!(first, 1_200);
    let took = at.saturating_since(began);
    assert!(took < 3 * SECOND, "{took:?}");
    let mtu = run.search.mtu();
    assert!((1_377..=1_380).contains(&mtu), "{mtu}");
}

/// Acceptance row 78: 5 % random loss does not fool it.
#[test]
fn random_loss_is_no_black_hole() {
    for seed in 1..6u64 {
        let mut run = Run::new(Network::new(1_500, 5));
        run.network.random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        run.pass(600 * SECOND, true);
        assert_eq!(run.changes, [], "seed {seed}");
    }
}

#[test]
fn a_black_hole_is_seen_through_random_loss() {
    let mut run = Run::new(Network::new(1_400, 5));
    run.pass(60 * SECOND, true);
    let mtu = run.search.mtu();
    assert!((1_397..=1_400).contains(&mtu), "{mtu}");
}

#[test]
fn a_dead_path_has_no_other_mtu() {
    let mut run = Run::new(Network::new(1_500, 0));
    run.pass(2 * SECOND, true);
    run.network.loss = 100;
    run.pass(60 * SECOND, true);
    assert_eq!(run.changes, []);
    run.network.loss = 0;
    run.pass(60 * SECOND, true);
    assert_eq!(run.search.phase(), PathMtuPhase::Complete);
}

#[test]
fn a_larger_size_is_tried_after_ten_minutes() {
    let mut run = Run::new(Network::new(1_380, 0));
    run.pass(30 * SECOND, true);
    run.network.limit = 1_500;
    run.pass(500 * SECOND, true);
    assert!(run.search.mtu() < 1_400, "not before its time");
    run.pass(120 * SECOND, true);
    assert_eq!(run.search.mtu(), 1_500);
}

#[test]
fn what_networks_say_is_believed_within_bounds() {
    let mut run = Run::new(Network::new(1_400, 0));
    run.search.handle(run.now, PathMtuInput::TooBig(1_400));
    run.pass(SECOND, true);
    assert_eq!(run.search.mtu(), 1_400);
    run.search.handle(run.now, PathMtuInput::TooBig(9_000));
    assert_eq!(run.search.mtu(), 1_400, "larger is nothing new");
    run.search.handle(run.now, PathMtuInput::TooBig(68));
    assert_eq!(run.search.mtu(), 576, "MIN_PLPMTU");
}

#[test]
fn without_probing_only_networks_and_links_count() {
    let now = Instant::from_secs(1);
    let config = PathMtuConfig::ipv4().with_probing(false);
    let mut search = PathMtu::new(config, 1_500, 1, now);
    assert_eq!(search.poll(now), PathMtuOutput::Timeout(None));
    search.handle(now, PathMtuInput::TooBig(1_300));
    assert_eq!(search.poll(now), PathMtuOutput::Mtu(1_300));
    let raise = later(now, 600 * SECOND);
    assert_eq!(search.poll(now), PathMtuOutput::Timeout(Some(raise)));
    assert_eq!(search.poll(raise), PathMtuOutput::Mtu(1_500));
    search.handle(raise, PathMtuInput::LinkMtu(1_420));
    assert_eq!(search.poll(raise), PathMtuOutput::Mtu(1_420));
}

#[test]
fn even_less_than_the_base_size_is_found() {
    let mut run = Run::new(Network::new(900, 0));
    run.pass(30 * SECOND, true);
    let changes: Vec<u16> = run.changes.iter().map(|(_, mtu)| *mtu).collect();
    assert_eq!(changes[..2], [1_200, 576], "base, then minimum");
    assert!((897..=900).contains(&run.search.mtu()));
    run.network.limit = 1_500;
    run.pass(610 * SECOND, true);
    assert_eq!(run.search.mtu(), 1_500);
}

fn tunnel(encapsulation: Encapsulation, role: Role) -> TunnelPath {
    let ends = match encapsulation.is_ipv4_transport() {
        true => [ip("198.51.100.1"), ip("203.0.113.1")],
        false => [ip("2001:db8::1"), ip("2001:db8::2")],
    };
    let [mag, lma] = ends;
    let (local, remote) = match role {
        Role::Mag => (mag, lma),
        Role::Lma => (lma, mag),
    };
    let remote = core::net::SocketAddr::new(remote, 5437);
    TunnelPath::new(PathId(1), role, local, remote, encapsulation)
}

/// The outer packet has the probe's size to the octet, and comes out as local at the other end.
#[test]
fn probes_have_their_size_in_every_encapsulation() {
    for encapsulation in Encapsulation::ALL.iter().copied() {
        let mut mag = ForwardingTable::new(Role::Mag);
        let mut lma = ForwardingTable::new(Role::Lma);
        mag.set_path(tunnel(encapsulation, Role::Mag));
        lma.set_path(tunnel(encapsulation, Role::Lma));
        let own = mag.path(PathId(1)).expect("set");
        for size in [None, Some(1_400), Some(1_401), Some(9_000)] {
            let probe = Probe {
                number: 0xfeed,
                size,
            };
            let mut packet = vec![];
            write_probe(Role::Mag, own, &probe, &mut packet).expect("large enough");
            let mut forwarder = Forwarder::new(ForwarderConfig::default());
            let mut arena = SegmentArena::new();
            let send = forwarder
                .local(&mag, PathId(1), &packet, &mut arena)
                .expect("between the ends");
            let outer = crate::encap::Outer::of(own, 5437, &send);
            let mut whole = vec![0; outer.length()];
            arena.copy_to(&arena.segments()[send.segments.start], &packet, &mut whole);
            outer.write(&mut whole).expect("fits");
            if let Some(size) = size {
                assert_eq!(whole.len(), usize::from(size), "{encapsulation:?}");
            }
            let carrier = Carrier::of(encapsulation).expect("known");
            let arrival = Arrival::new(PathId(1), carrier, Ecn::NotEct);
            let mut payload = whole.split_off(outer.length());
            let verdict = forwarder.inbound(&lma, arrival, &mut payload);
            assert!(matches!(verdict, Inbound::Local(_)), "{verdict:?}");
            let Carried { tx_packets, .. } = forwarder.counters().local();
            assert_eq!(tx_packets, 1);
        }
    }
}

#[test]
fn a_response_names_its_probe_and_a_request_does_not() {
    let tunnel = tunnel(Encapsulation::Ipv4Udp, Role::Mag);
    let probe = Probe {
        number: 0xfeed,
        size: None,
    };
    let mut packet = vec![];
    write_probe(Role::Mag, &tunnel, &probe, &mut packet).expect("large enough");
    assert_eq!(answered(&packet), None);
    packet[35] |= 1;
    assert_eq!(answered(&packet), Some(0xfeed));
    packet[35] |= 2;
    assert_eq!(answered(&packet), None, "unsolicited");
    assert_eq!(answered(&packet[..30]), None);
}

proptest! {
    #[test]
    fn the_mtu_found_always_fits_and_is_near_the_limit(limit in 1_200u16..1_500, loss in 0u64..4) {
        let mut run = Run::new(Network::new(limit, loss));
        run.pass(60 * SECOND, true);
        prop_assert!(run.search.mtu() <= limit);
        prop_assert!(run.search.mtu() + GRANULARITY > limit);
    }

    #[test]
    fn any_order_of_events_keeps_the_bounds(
        events in proptest::collection::vec((0u8..5, any::<u16>(), 0u64..3_000), 0..80),
    ) {
        let mut now = Instant::from_secs(1);
        let mut search = PathMtu::new(PathMtuConfig::ipv4(), 1_500, 0, now);
        let mut link = 1_500u16;
        for (kind, value, wait) in events {
            now = later(now, Duration::from_millis(wait));
            let input = match kind {
                0 => PathMtuInput::Answered(u32::from(value % 64)),
                1 => PathMtuInput::TooBig(value),
                2 => PathMtuInput::LinkMtu(value),
                3 => PathMtuInput::Active,
                _ => PathMtuInput::Timeout,
            };
            if let PathMtuInput::LinkMtu(mtu) = input {
                link = mtu.max(576);
            }
            search.handle(now, input);
            for step in 0.. {
                prop_assert!(step < 50, "poll never ends");
                if let PathMtuOutput::Timeout(_) = search.poll(now) {
                    break;
                }
            }
            prop_assert!(search.mtu() >= 576 && search.mtu() <= link);
        }
    }
}
