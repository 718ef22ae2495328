//! Plays a scenario, and checks the model after every transition.

mod apply;
mod topology;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use pmip_wire::Timestamp;

use super::forge;
use super::link::Loss;
use super::model::Model;
use super::scenario::{ConfigChange, Forgery, Gateway, Scenario, Topology, Transition};
use super::scene::address;
use super::world::{Node, UNIX_START, Wake, World};
use crate::config::{Ipv4Pool, LmaConfig};
use crate::snapshot::RefusalReason;
use crate::{Attachment, ClockAnchor, Datagram, Input, MobileNode};

/// Mobile nodes that come and go.
const NODES: u8 = 4;
/// Until links, retransmissions and refreshes have healed: longer than every lifetime.
const HEALING: Duration = Duration::from_secs(90);
/// How wrong a right clock is, in hundredths of a second.
const RIGHT: i64 = 0;

/// A scenario that was played up to some transition.
#[derive(Clone, Debug)]
pub struct Played {
    /// The engines and what joins them.
    pub world: World,
    pub(super) topology: Topology,
    pub(super) model: Model,
    /// Where each mobile node attached last, and over which of its interfaces.
    pub(super) places: BTreeMap<u8, (usize, u8)>,
    /// The anchor's configuration in force.
    pub(super) lma_config: LmaConfig,
    /// The anchor or a gateway changed its mind about multipath.
    pub(super) wavered: bool,
    /// Nodes that each gateway believes to be attached.
    attached: Vec<BTreeSet<(u8, u8)>>,
    lma_clock: i64,
    lma_clock_stepped: bool,
    restarts: u32,
    checks: bool,
}

impl Scenario {
    /// Plays all of it, then lets everything heal, and checks on the way. Panics with the tail of
    /// the trace where something is not as it must be.
    pub fn play(&self) -> Played {
        let mut played = self.start(Wake::Reported, true);
        for transition in &self.transitions {
            played.apply(transition);
            played.check();
        }
        played.heal();
        played
    }

    /// Plays all of it without checks, and gives every line of the trace. A wait is cut to this
    /// many milliseconds, and everything happens at whole ones.
    pub fn trace(&self, wake: Wake, longest_wait: u16) -> Vec<String> {
        let mut whole = self.clone();
        whole.topology.jitter = 0;
        let mut played = whole.start(wake, false);
        played.world.record();
        for transition in &self.transitions {
            let wait = if let Transition::Wait(millis) = *transition {
                Some(millis)
            } else if let Transition::WaitSeconds(seconds) = *transition {
                Some(u16::from(seconds).saturating_mul(1_000))
            } else {
                None
            };
            match wait {
                Some(millis) => played.apply(&Transition::Wait(millis.min(longest_wait))),
                None => played.apply(transition),
            }
        }
        played.apply(&Transition::Wait(longest_wait));
        played.world.history().to_vec()
    }

    fn start(&self, wake: Wake, checks: bool) -> Played {
        let mut topology = self.topology.clone();
        topology.gateways.truncate(3);
        if topology.gateways.is_empty() {
            topology.gateways.push(Gateway::default());
        }
        let config = topology.lma_config();
        let mut world = World::new(config.clone(), topology.seed);
        world.wake = wake;
        for (mag, gateway) in topology.gateways.iter().enumerate() {
            let addresses: Vec<IpAddr> = (1..=gateway.paths()).map(|n| care_of(mag, n)).collect();
            world.add_mag(topology.mag_config(mag), &addresses, &topology.link());
            for path in 1..=gateway.paths() {
                set_nat(&mut world, gateway, mag, path, 0);
            }
        }
        let mut played = Played {
            model: Model::default(),
            places: BTreeMap::new(),
            lma_config: config,
            wavered: false,
            attached: vec![BTreeSet::new(); topology.gateways.len()],
            lma_clock: RIGHT,
            lma_clock_stepped: false,
            restarts: 1,
            world,
            topology,
            checks,
        };
        played.begin();
        played
    }
}

impl Played {
    fn begin(&mut self) {
        if self.checks {
            self.world.tape();
            self.world.lma.record_changes(true);
            self.model.kept = Some(self.world.lma.snapshot());
        }
        for mag in 0..self.topology.gateways.len() {
            if self.topology.gateways[mag].no_clock {
                self.set_1970(mag);
            }
        }
        self.world.all_up();
    }

    fn mag(&self, number: u8) -> usize {
        usize::from(number) % self.topology.gateways.len()
    }

    fn path(&self, mag: u8, path: u8) -> (usize, u8) {
        let mag = self.mag(mag);
        (mag, 1 + path % self.topology.gateways[mag].paths())
    }

    fn partition(&mut self, mag: usize, dark: bool) {
        for path in 1..=self.topology.gateways[mag].paths() {
            self.world.black_hole(mag, path, dark);
        }
    }

    fn attach(&mut self, mag: usize, node: u8, handoff: u8, interface: u8) {
        let mut known = MobileNode::new(nai(node));
        known.handoff_indicator = handoff;
        known.link_layer_identifier =
            Some(bytes::Bytes::copy_from_slice(&link_layer(node, interface)));
        self.attached[mag].retain(|(attached, _)| *attached != node);
        self.attached[mag].insert((node, interface));
        self.places.insert(node, (mag, interface));
        let input = Input::Attachment(Attachment::Attach(known));
        self.world.input(Node::Mag(mag), input);
    }

    fn detach(&mut self, mag: usize, node: u8) {
        self.attached[mag].retain(|(attached, _)| *attached != node);
        let nai = nai(node);
        let input = Input::Attachment(Attachment::Detach { nai });
        self.world.input(Node::Mag(mag), input);
    }

    fn resume_lma(&mut self, change: ConfigChange) {
        let Some(kept) = self.model.kept.clone() else {
            // Without checks the world goes on alone.
            let snapshot = self.world.lma.snapshot();
            self.change_lma(change);
            let (config, seed) = (self.lma_config.clone(), self.topology.seed);
            self.world.resume_lma(config, &snapshot, seed);
            return self.set_lma_clock(self.lma_clock);
        };
        self.check_kept();
        self.change_lma(change);
        let (config, seed) = (self.lma_config.clone(), self.topology.seed);
        let mut refusals = self.world.resume_lma(config, &kept, seed);
        // By a clock that was behind and is right now, what was about to end has ended.
        let stepped = self.lma_clock_stepped;
        refusals.retain(|refusal| !(stepped && refusal.reason == RefusalReason::Lapsed));
        if change == ConfigChange::None {
            assert_eq!(refusals, [], "{}", self.world.tail());
        }
        self.after_lma_restart();
    }

    fn change_lma(&mut self, change: ConfigChange) {
        match change {
            ConfigChange::None => {}
            ConfigChange::ShorterLifetime => {
                let half = self.lma_config.lifetime / 2;
                self.lma_config.lifetime = half.max(Duration::from_secs(4));
            }
            ConfigChange::Multipath(multipath) => {
                self.wavered |= self.lma_config.multipath != multipath;
                self.lma_config.multipath = multipath;
            }
            ConfigChange::OtherPool => {
                let network = &mut self.lma_config.networks[0];
                let third = if self.topology.scarce { 5 } else { 200 };
                network.ipv4_pool = Some(Ipv4Pool::new(
                    Ipv4Addr::new(10, 2, 0, 2),
                    Ipv4Addr::new(10, 2, 0, third),
                    16,
                ));
                self.model.forget();
            }
        }
    }

    fn after_lma_restart(&mut self) {
        if self.checks {
            self.world.lma.record_changes(true);
            self.model.kept = Some(self.world.lma.snapshot());
        }
        self.set_lma_clock(self.lma_clock);
    }

    fn restart_mag(&mut self, mag: usize) {
        // No restart is so fast that its first timestamp is not later than every one before.
        self.world.run_for(Duration::from_millis(1));
        self.restarts += 1;
        let mut config = self.topology.mag_config(mag);
        config.restart_counter = self.restarts;
        config.restarted = true;
        let seed = u8::try_from(self.restarts % 256).unwrap_or_default();
        self.world.restart_mag(mag, config, seed);
        for path in 1..=self.topology.gateways[mag].paths() {
            if self.world.is_interface_up(mag, path) {
                self.world.interface_up(mag, path);
            }
        }
        // Its access links find the nodes again, and know nothing of their past.
        for (node, interface) in self.attached[mag].clone() {
            let place = self.places.get(&node).copied();
            self.attach(mag, node, 4, interface);
            self.places.extend(place.map(|place| (node, place)));
        }
    }

    /// The right time, and this many hundredths of a second.
    fn clock(&self, by: i64) -> ClockAnchor {
        let mut clock = self.world.clock();
        let shift = Duration::from_millis(by.unsigned_abs().saturating_mul(10));
        clock.unix = if by < 0 {
            clock.unix.saturating_sub(shift)
        } else {
            clock.unix.saturating_add(shift)
        };
        clock
    }

    fn set_1970(&mut self, mag: usize) {
        let mut clock = self.world.clock();
        clock.unix = clock.unix.saturating_sub(UNIX_START);
        self.world.input(Node::Mag(mag), Input::ClockStep(clock));
    }

    fn set_lma_clock(&mut self, by: i64) {
        self.lma_clock = by;
        self.lma_clock_stepped |= by != RIGHT;
        let clock = self.clock(by);
        self.world.input(Node::Lma, Input::ClockStep(clock));
    }

    fn captured(&self, which: u8) -> Option<Datagram> {
        let count = self.world.captured().count().max(1);
        self.world
            .captured()
            .nth(usize::from(which) % count)
            .cloned()
    }

    fn replay(&mut self, which: u8) {
        let Some(datagram) = self.captured(which) else {
            return;
        };
        if self.checks && self.model.was_accepted(&datagram) {
            return self.harmless(Node::Lma, datagram);
        }
        self.world.input(Node::Lma, Input::Signalling(datagram));
    }

    fn forge(&mut self, node: u8, forgery: Forgery) {
        let now = self.clock(self.lma_clock).unix;
        let at = |unix: Duration| Some(Timestamp::from_unix(unix));
        let mut pbu = forge::Pbu {
            nai: Some(nai(node)),
            link_layer: link_layer(node, 0),
            lifetime: 100,
            handoff: 3,
            timestamp: at(now),
            home: forge::home(None),
        };
        match forgery {
            Forgery::Late => pbu.timestamp = at(now.saturating_sub(Duration::from_secs(3_600))),
            Forgery::Early => pbu.timestamp = at(now + Duration::from_secs(86_400)),
            Forgery::Deregistration => pbu.lifetime = 0,
            Forgery::UnknownNode => pbu.nai = Some("nobody@example.net".into()),
            Forgery::NoNode => pbu.nai = None,
            Forgery::OthersPrefix => {
                let mut bindings = self.world.lma.bindings(self.world.now);
                let other = bindings.find(|binding| binding.mn_id != nai(node));
                let Some(&prefix) = other.as_ref().and_then(|other| other.home_prefixes.first())
                else {
                    return;
                };
                pbu.home = forge::home(Some(prefix));
            }
        }
        self.harmless(Node::Lma, pbu.datagram(address(99, 1)));
    }

    /// Gives a datagram that must not change any binding or any forwarding.
    fn harmless(&mut self, node: Node, datagram: Datagram) {
        self.world.input(node, Input::Timeout);
        let before = self.looks();
        self.world.input(node, Input::Signalling(datagram));
        let after = self.looks();
        assert!(
            before == after,
            "a bad datagram did harm:\n{before}\n{after}\n{}",
            self.world.tail()
        );
    }

    /// Bindings and forwarding of every engine.
    fn looks(&self) -> String {
        let world = &self.world;
        let lma: Vec<_> = world.lma.bindings(world.now).collect();
        let mags = world.mags.iter().flat_map(|mag| mag.bindings(world.now));
        let mags: Vec<_> = mags.collect();
        let tables = (&world.lma_tables, &world.mag_tables);
        format!("{lma:#?}\n{mags:#?}\n{tables:#?}")
    }

    /// All is well from now on; then enough time for every back-off and lifetime.
    fn heal(&mut self) {
        self.world.set_links(|link| {
            link.loss = Loss::None;
            link.duplicate = 0.0;
            link.reorder = 0.0;
        });
        for mag in 0..self.attached.len() {
            self.partition(mag, false);
            self.world.interface_up(mag, 1);
            let gone = self.attached[mag].iter().map(|(node, _)| *node);
            let gone: Vec<u8> = gone
                .filter(|node| self.places.get(node).is_none_or(|place| place.0 != mag))
                .collect();
            for node in gone {
                self.detach(mag, node);
            }
        }
        self.set_lma_clock(RIGHT);
        self.world.run_for(HEALING);
        self.check();
        for mag in 0..self.attached.len() {
            let clock = self.clock(RIGHT);
            self.world.input(Node::Mag(mag), Input::ClockStep(clock));
        }
        // Refusals one after the other may use up MAX_UPDATE_RATE, which costs a second.
        self.world.run_for(Duration::from_secs(2));
        self.check();
        if !self.lma_clock_stepped {
            self.check_registered();
        }
        self.world.run_for(2 * HEALING);
        self.check();
        self.check_rest();
    }
}

/// A mobile node's name.
pub(super) fn nai(node: u8) -> String {
    format!("mn{node}@example.com")
}

fn link_layer(node: u8, interface: u8) -> [u8; 6] {
    [2, 0, 0, 1, node, interface]
}

fn care_of(mag: usize, path: u8) -> IpAddr {
    address(u8::try_from(mag + 1).unwrap_or(u8::MAX), path)
}

fn set_nat(world: &mut World, gateway: &Gateway, mag: usize, path: u8, port: u8) {
    if gateway.nat {
        let third = u8::try_from(mag + 1).unwrap_or(u8::MAX);
        let outer = IpAddr::from([203, 0, third, path]);
        world.set_nat(mag, path, outer, 20_000 + 16 * u16::from(port));
    }
}
