//! Whatever happens on the way, at rest both ends agree.
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at what it did not expect"
)]

mod common;

use std::collections::BTreeSet;
use std::time::Duration;

use common::{SECOND, cases};
use pmip_binding::snapshot::LmaSnapshot;
use pmip_binding::testing::{LinkConfig, Loss, Node, Wake, World, address, lma_config, mag_config};
use pmip_binding::{Command, Input, Notified, Notify};
use proptest::prelude::*;

const PATHS: u8 = 3;

/// One thing that happens to the world.
#[derive(Clone, Debug)]
enum Transition {
    Up(u8),
    Down(u8),
    Renumber(u8, u8),
    Dark(u8, bool),
    Wait(u16),
    Clear,
    /// The anchor revokes everything.
    Revoke,
    /// The anchor asks for registrations.
    Notify,
    RestartLma,
    /// With its state.
    ResumeLma,
    RestartMag,
    Replay(u8),
    ClockWrong(i16),
    ClockRight,
}

fn transition() -> impl Strategy<Value = Transition> {
    let path = 1..=PATHS;
    prop_oneof![
        4 => path.clone().prop_map(Transition::Up),
        3 => path.clone().prop_map(Transition::Down),
        1 => (path.clone(), 10u8..250).prop_map(|(path, host)| Transition::Renumber(path, host)),
        2 => (path, any::<bool>()).prop_map(|(path, dark)| Transition::Dark(path, dark)),
        6 => (1u16..8000).prop_map(Transition::Wait),
        1 => Just(Transition::Clear),
        1 => Just(Transition::Revoke),
        1 => Just(Transition::Notify),
        1 => Just(Transition::RestartLma),
        1 => Just(Transition::ResumeLma),
        1 => Just(Transition::RestartMag),
        2 => any::<u8>().prop_map(Transition::Replay),
        1 => (-5000i16..5000).prop_map(Transition::ClockWrong),
        1 => Just(Transition::ClockRight),
    ]
}

struct Run {
    world: World,
    /// The anchor's state, kept up to date by its change records.
    kept: LmaSnapshot,
    lma_restarts: u32,
    mag_restarts: u32,
}

impl Run {
    fn new(link: &LinkConfig, multipath: bool) -> Self {
        let mut config = mag_config(1, PATHS);
        config.multipath = multipath;
        let mut world = World::new(lma_config(), 3);
        let addresses: Vec<_> = (1..=PATHS).map(|n| address(1, n)).collect();
        world.add_mag(config, &addresses, link);
        world.lma.record_changes(true);
        Self {
            kept: world.lma.snapshot(),
            world,
            lma_restarts: 1,
            mag_restarts: 1,
        }
    }

    fn apply(&mut self, transition: &Transition) {
        let world = &mut self.world;
        match *transition {
            Transition::Up(path) => world.interface_up(0, path),
            Transition::Down(path) => world.interface_down(0, path),
            Transition::Renumber(path, host) => world.renumber(0, path, address(host, path)),
            Transition::Dark(path, dark) => world.black_hole(0, path, dark),
            Transition::Wait(millis) => world.run_for(Duration::from_millis(millis.into())),
            Transition::Clear => world.command(Node::Mag(0), Command::ClearBindings),
            Transition::Revoke => world.command(Node::Lma, Command::ClearBindings),
            Transition::Notify => {
                let peer = "mag1".to_owned();
                let notify = Notify::reregister(Notified::Peer { peer });
                world.command(Node::Lma, Command::Notify(notify));
            }
            // A gateway that never heard the counter can't see that it changed: RFC 5847 gives it
            // nothing to compare with until the first answer.
            Transition::RestartLma if !knows_counter(world) => {}
            Transition::RestartLma => {
                self.lma_restarts += 1;
                let mut config = lma_config();
                config.restart_counter = self.lma_restarts;
                world.restart_lma(config, 9);
                self.record();
            }
            Transition::ResumeLma => {
                self.assert_kept();
                let mut config = lma_config();
                config.restart_counter = self.lma_restarts;
                let refusals = self.world.resume_lma(config, &self.kept, 9);
                assert_eq!(refusals, [], "{}", self.world.tail());
                self.record();
            }
            Transition::RestartMag => self.restart_mag(),
            Transition::Replay(which) => {
                let captured: Vec<_> = world.captured().cloned().collect();
                if !captured.is_empty() {
                    let datagram = captured[usize::from(which) % captured.len()].clone();
                    world.input(Node::Lma, Input::Signalling(datagram));
                }
            }
            Transition::ClockWrong(shift) => {
                let mut clock = world.clock();
                let millis = u64::from(shift.unsigned_abs());
                clock.unix = if shift < 0 {
                    clock.unix - Duration::from_millis(millis)
                } else {
                    clock.unix + Duration::from_millis(millis)
                };
                world.input(Node::Mag(0), Input::ClockStep(clock));
            }
            Transition::ClockRight => {
                let clock = world.clock();
                world.input(Node::Mag(0), Input::ClockStep(clock));
            }
        }
    }

    fn record(&mut self) {
        self.world.lma.record_changes(true);
        self.kept = self.world.lma.snapshot();
    }

    fn assert_kept(&mut self) {
        while let Some(change) = self.world.lma.poll_change() {
            self.kept.apply(change);
        }
        assert_eq!(
            self.kept,
            self.world.lma.snapshot(),
            "{}",
            self.world.tail()
        );
    }

    fn restart_mag(&mut self) {
        // No restart is so fast that its first timestamp is not later than every one before.
        self.world.run_for(Duration::from_millis(1));
        self.mag_restarts += 1;
        let mut config = mag_config(1, PATHS);
        config.multipath = self.world.mags[0].config().multipath;
        config.restart_counter = self.mag_restarts;
        config.restarted = true;
        let seed = u8::try_from(self.mag_restarts % 256).unwrap();
        self.world.restart_mag(0, config, seed);
        for path in 1..=PATHS {
            if self.world.is_interface_up(0, path) {
                self.world.interface_up(0, path);
            }
        }
    }

    /// All is well from now on; then enough time for every back-off.
    fn heal(&mut self) {
        self.world.set_links(|link| {
            link.loss = Loss::None;
            link.duplicate = 0.0;
            link.reorder = 0.0;
        });
        for path in 1..=PATHS {
            self.world.black_hole(0, path, false);
        }
        let clock = self.world.clock();
        self.world.input(Node::Mag(0), Input::ClockStep(clock));
        self.world.interface_up(0, 1);
        self.world.run_for(200 * SECOND);
    }

    fn assert_agreement(&self) {
        let world = &self.world;
        let tail = || world.tail();
        let lma: Vec<_> = world.lma.bindings(world.now).collect();
        let mag: Vec<_> = world.mags[0].bindings(world.now).collect();
        assert_eq!(mag.len(), 1, "one logical mobile node");
        assert_eq!(
            lma.len(),
            1,
            "one session per logical mobile node: {lma:?}\n{}",
            tail()
        );
        assert_eq!(lma[0].delegated, mag[0].delegated, "{}", tail());
        assert_eq!(lma[0].home_prefixes, mag[0].home_prefixes, "{}", tail());
        assert_eq!(lma[0].ipv4_home, mag[0].ipv4_home, "{}", tail());
        let multipath = world.mags[0].config().multipath;
        let up = (1..=PATHS).filter(|path| world.is_interface_up(0, *path));
        let mut up: Vec<u8> = up.collect();
        if !multipath {
            up.truncate(1);
        }
        let uplink: BTreeSet<u8> = common::uplink(world).into_iter().collect();
        assert_eq!(
            uplink,
            up.iter().copied().collect(),
            "the uplink uses every live path\n{}",
            tail()
        );
        assert_eq!(common::downlink(world).len(), up.len(), "{}", tail());
        let tables = &world.lma_tables;
        assert_eq!(tables.sessions.len(), 1, "{}", tail());
        assert_eq!(tables.paths.len(), world.lma.paths().count(), "{}", tail());
        assert_eq!(world.mag_tables[0].sessions.len(), 1, "{}", tail());
    }
}

fn knows_counter(world: &World) -> bool {
    let mut paths = world.mags[0].paths();
    paths.any(|path| {
        path.heartbeat
            .is_some_and(|beat| beat.restart_counter.is_some())
    })
}

proptest! {
    #![proptest_config(cases(96))]

    #[test]
    fn at_rest_anchor_gateway_and_forwarding_agree(
        transitions in proptest::collection::vec(transition(), 1..30),
        loss in 0.0f64..0.5,
        duplicate in 0.0f64..0.3,
        reorder in 0.0f64..0.3,
        latency in 1u64..80,
        seed in any::<u64>(),
        multipath in any::<bool>(),
    ) {
        let mut link = LinkConfig::new();
        link.latency = Duration::from_millis(latency);
        link.jitter = Duration::from_millis(latency / 2);
        link.loss = Loss::Random(loss);
        link.duplicate = duplicate;
        link.reorder = reorder;
        link.seed = seed;
        let mut run = Run::new(&link, multipath);
        run.world.all_up();
        for transition in &transitions {
            run.apply(transition);
        }
        run.assert_kept();
        run.heal();
        run.assert_agreement();
        run.assert_kept();
    }

    #[test]
    fn waking_only_at_the_reported_moments_is_enough(
        transitions in proptest::collection::vec(transition(), 1..10),
        latency in 1u64..80,
    ) {
        let woken = |wake| history(wake, &transitions, latency);
        prop_assert_eq!(woken(Wake::Reported), woken(Wake::EveryMillisecond));
    }
}

/// All that happens in a world of which this happens.
fn history(wake: Wake, transitions: &[Transition], latency: u64) -> Vec<String> {
    let mut link = LinkConfig::new();
    link.latency = Duration::from_millis(latency);
    let mut run = Run::new(&link, true);
    run.world.wake = wake;
    run.world.record();
    run.world.all_up();
    for transition in transitions {
        run.apply(transition);
    }
    run.world.run_for(5 * SECOND);
    run.world.history().to_vec()
}

/// The heartbeat of a path that was down is overdue when its anchor comes back.
#[test]
fn what_a_restored_anchor_is_late_with_leaves_at_once_however_it_is_woken() {
    let transitions = [
        Transition::Down(1),
        Transition::Wait(4049),
        Transition::ResumeLma,
    ];
    let woken = |wake| history(wake, &transitions, 1);
    assert_eq!(woken(Wake::Reported), woken(Wake::EveryMillisecond));
}

#[test]
fn an_idle_world_without_heartbeats_is_silent() {
    let mut lma = lma_config();
    lma.heartbeat.rules.clear();
    let mut mag = mag_config(1, 2);
    mag.heartbeat.rules.clear();
    mag.encapsulation = pmip_wire::types::Encapsulation::Ipv4;
    lma.encapsulation = pmip_wire::types::Encapsulation::Ipv4;
    let mut world = World::new(lma, 1);
    world.add_mag(mag, &[address(1, 1), address(1, 2)], &common::link(10));
    world.all_up();
    world.run_until_idle(SECOND);
    let before = world.datagrams();
    world.run_for(3000 * SECOND);
    assert_eq!(world.datagrams(), before);
}

#[test]
fn a_thousand_flaps_leave_nothing_behind() {
    let mut world = common::registered(2);
    for _ in 0..1000 {
        world.interface_down(0, 1);
        world.run_for(Duration::from_millis(70));
        world.interface_up(0, 1);
        world.run_for(Duration::from_millis(70));
    }
    world.run_for(20 * SECOND);
    assert_eq!(world.lma.paths().count(), 2);
    assert_eq!(world.lma_tables.paths.len(), 2);
    assert_eq!(world.lma_tables.sessions.len(), 1);
    assert_eq!(common::lma_binding(&world).paths.len(), 2);
}
