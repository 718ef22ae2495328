//! Carrying out one transition.
#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "transitions are handed on by kind; one that goes astray stops the run"
)]

use std::net::SocketAddr;
use std::time::Duration;

use crate::testing::forge;
use crate::testing::link::Loss;
use crate::testing::scenario::Transition;
use crate::testing::scene::address;
use crate::testing::world::Node;
use crate::{Command, Input};

use super::{NODES, Played, RIGHT, care_of, nai, set_nat};

impl Played {
    /// Carries out one transition.
    pub fn apply(&mut self, transition: &Transition) {
        match *transition {
            Transition::Wait(millis) => self.world.run_for(Duration::from_millis(millis.into())),
            Transition::WaitSeconds(seconds) => {
                self.world.run_for(Duration::from_secs(seconds.into()));
            }
            Transition::Loss(percent) => {
                let loss = Loss::Random(f64::from(percent.min(100)) / 100.0);
                self.world.set_links(|link| link.loss = loss);
            }
            Transition::Up { .. }
            | Transition::Down { .. }
            | Transition::Renumber { .. }
            | Transition::Dark { .. }
            | Transition::Light { .. }
            | Transition::Partition { .. }
            | Transition::Heal { .. }
            | Transition::NatRebind { .. } => self.apply_to_path(transition),
            Transition::Attach { .. }
            | Transition::Detach { .. }
            | Transition::Move { .. }
            | Transition::ClearAtMag { .. }
            | Transition::ClearAtLma { .. }
            | Transition::ClearAll => self.apply_to_node(transition),
            Transition::RestartLma
            | Transition::ResumeLma(_)
            | Transition::RestartMag { .. }
            | Transition::ReconfigureMag { .. } => self.apply_restart(transition),
            Transition::Clock { .. }
            | Transition::Clock1970 { .. }
            | Transition::ClockRight { .. }
            | Transition::LmaClock(_)
            | Transition::LmaClockRight => self.apply_to_clock(transition),
            Transition::Replay { .. }
            | Transition::Truncated { .. }
            | Transition::Garbage { .. }
            | Transition::Forged { .. }
            | Transition::ForgedAnswer { .. }
            | Transition::ForgedHeartbeat { .. } => self.apply_hostile(transition),
        }
    }

    fn apply_to_path(&mut self, transition: &Transition) {
        match *transition {
            Transition::Up { mag, path } => {
                let (mag, path) = self.path(mag, path);
                self.world.interface_up(mag, path);
            }
            Transition::Down { mag, path } => {
                let (mag, path) = self.path(mag, path);
                self.world.interface_down(mag, path);
            }
            Transition::Renumber { mag, path, host } => {
                let (mag, path) = self.path(mag, path);
                // Every gateway has its own sixty networks.
                let network = 10 + 60 * mag + usize::from(host % 60);
                let network = u8::try_from(network).unwrap_or(u8::MAX);
                self.world.renumber(mag, path, address(network, path));
            }
            Transition::Dark { mag, path } => {
                let (mag, path) = self.path(mag, path);
                self.world.black_hole(mag, path, true);
            }
            Transition::Light { mag, path } => {
                let (mag, path) = self.path(mag, path);
                self.world.black_hole(mag, path, false);
            }
            Transition::Partition { mag } => self.partition(self.mag(mag), true),
            Transition::Heal { mag } => self.partition(self.mag(mag), false),
            Transition::NatRebind { mag, path, port } => {
                let (mag, path) = self.path(mag, path);
                let gateway = self.topology.gateways[mag];
                set_nat(&mut self.world, &gateway, mag, path, port);
            }
            ref other => unreachable!("{other:?} is not about a path"),
        }
    }

    fn apply_to_node(&mut self, transition: &Transition) {
        match *transition {
            Transition::Attach {
                mag,
                node,
                handoff,
                interface,
            } => self.attach(self.mag(mag), node % NODES, handoff, interface % 2),
            Transition::Detach { mag, node } => {
                let (mag, node) = (self.mag(mag), node % NODES);
                self.detach(mag, node);
                if self.places.get(&node).is_some_and(|place| place.0 == mag) {
                    self.places.remove(&node);
                }
            }
            Transition::Move { mag, node } => {
                let (mag, node) = (self.mag(mag), node % NODES);
                let interface = self.places.get(&node).map_or(0, |place| place.1);
                for other in (0..self.attached.len()).filter(|other| *other != mag) {
                    self.detach(other, node);
                }
                self.attach(mag, node, 3, interface);
            }
            Transition::ClearAtMag { mag, node } => {
                let (mag, nai) = (self.mag(mag), nai(node % NODES));
                let command = Command::ClearBinding { nai };
                self.world.command(Node::Mag(mag), command);
            }
            Transition::ClearAtLma { node } => {
                let nai = nai(node % NODES);
                self.world.command(Node::Lma, Command::ClearBinding { nai });
            }
            Transition::ClearAll => self.world.command(Node::Lma, Command::ClearBindings),
            ref other => unreachable!("{other:?} is not about a node"),
        }
    }

    fn apply_restart(&mut self, transition: &Transition) {
        match *transition {
            Transition::RestartLma => {
                self.restarts += 1;
                self.lma_config.restart_counter = self.restarts;
                let config = self.lma_config.clone();
                self.world.restart_lma(config, self.topology.seed);
                self.model.forget();
                self.after_lma_restart();
            }
            Transition::ResumeLma(change) => self.resume_lma(change),
            Transition::RestartMag { mag } => self.restart_mag(self.mag(mag)),
            Transition::ReconfigureMag { mag } => {
                let mag = self.mag(mag);
                self.topology.gateways[mag].multipath ^= true;
                self.wavered = true;
                self.restart_mag(mag);
            }
            ref other => unreachable!("{other:?} is no restart"),
        }
    }

    fn apply_to_clock(&mut self, transition: &Transition) {
        match *transition {
            Transition::Clock { mag, by } => {
                let clock = self.clock(by.into());
                let node = Node::Mag(self.mag(mag));
                self.world.input(node, Input::ClockStep(clock));
            }
            Transition::Clock1970 { mag } => self.set_1970(self.mag(mag)),
            Transition::ClockRight { mag } => {
                let clock = self.clock(RIGHT);
                let node = Node::Mag(self.mag(mag));
                self.world.input(node, Input::ClockStep(clock));
            }
            Transition::LmaClock(by) => self.set_lma_clock(by.into()),
            Transition::LmaClockRight => self.set_lma_clock(RIGHT),
            ref other => unreachable!("{other:?} is not about a clock"),
        }
    }

    fn apply_hostile(&mut self, transition: &Transition) {
        match *transition {
            Transition::Replay { which } => self.replay(which),
            Transition::Truncated { which, octets } => {
                if let Some(mut datagram) = self.captured(which) {
                    let keep = usize::from(octets) % datagram.payload.len().max(1);
                    datagram.payload.truncate(keep);
                    self.harmless(Node::Lma, datagram);
                }
            }
            Transition::Garbage { octets, first } => {
                let octets = (0..octets).map(|place| place.wrapping_mul(31).wrapping_add(first));
                // Nothing begins a Mobility Header but 59, "no next header".
                let octets: Vec<u8> = std::iter::once(0).chain(octets).collect();
                self.harmless(Node::Lma, forge::octets(octets));
            }
            Transition::Forged { node, forgery } => self.forge(node % NODES, forgery),
            Transition::ForgedAnswer { mag, node, status } => {
                let mag = self.mag(mag);
                // Who has no Timestamp to match guesses one number of 65,536.
                if !self.topology.gateways[mag].sequence_mode {
                    let nai = nai(node % NODES);
                    let datagram = forge::answer(&nai, status, care_of(mag, 1));
                    self.harmless(Node::Mag(mag), datagram);
                }
            }
            Transition::ForgedHeartbeat { mag, path, answer } => {
                let (mag, path) = self.path(mag, path);
                let source = SocketAddr::new(care_of(mag, path), 7_777);
                self.harmless(Node::Lma, forge::heartbeat(source, answer));
            }
            ref other => unreachable!("{other:?} is not hostile"),
        }
    }
}
