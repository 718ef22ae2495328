//! A running domain, and what a scenario may do to it and ask of it.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::IpAddr;
use std::ops::Range;
use std::thread;
use std::time::{Duration, Instant};

use pmip_wire::types::IpPrefix;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::addresses::{Family, core};
use super::capture::Capture;
use super::network::Network;
use super::packet::Packet;
use super::plan::Plan;
use super::tools::{self, End, Transfer};
use super::{Edit, Scenario};
use crate::config::node::Role;
use crate::control::client::ask;
use crate::control::{BindingRow, FlowTableRow, MobileMapRow, PathRow, Request, What, words};
use crate::lab::domain::{LabError, Topology, WanState};
use crate::lab::netns::process::Program;
use crate::lab::netns::{RunDirectory, sweep};
use crate::lab::result::{RunResult, StepResult};
use crate::lab::run::Stop;
use crate::lab::screen::Screen;
use crate::lab::signal;
use crate::lab::traffic::Traffic;

mod ask;
mod clients;
mod ends;

/// How long what should happen may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(8);
/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(20);
/// Until the kernel has handed over what it captured.
const SETTLE: Duration = Duration::from_millis(100);

/// A running domain with the scenario that is played on it.
///
/// Fields are dropped in order: programs first, then what they ran in.
pub(in crate::lab) struct Lab<'a> {
    scenario: &'static Scenario,
    screen: &'a mut Screen,
    result: RunResult,
    epoch: Instant,
    programs: BTreeMap<String, Program>,
    hosts: BTreeMap<(String, Family), IpAddr>,
    plan: Plan,
    network: Network,
    directory: RunDirectory,
}

/// Plays `scenario` with the fault `broken` and says what was found.
pub(in crate::lab) fn play(
    scenario: &'static Scenario,
    broken: Option<&str>,
    screen: &mut Screen,
) -> RunResult {
    let fault = broken.map(str::to_owned);
    let mut result = RunResult::new(scenario.name, Topology::Netns, fault, 0);
    screen.line(&format!("pmip lab {}", scenario.name));
    screen.line(&format!("Claim: {}.", scenario.claim));
    if let Some(fault) = broken.and_then(|name| scenario.find_break(name)) {
        let (name, damage, falls) = (fault.name, fault.damage, fault.falls);
        screen.line(&format!(
            "Fault applied: {name} ({damage}). `{falls}` must fall."
        ));
    }
    let epoch = Instant::now();
    let end = match Lab::build(scenario, broken, screen, epoch) {
        Ok(mut lab) => {
            let end = lab.run();
            result = lab.result.clone();
            end
        }
        Err(error) => Err(Stop::Error(error)),
    };
    result.finish(epoch.elapsed(), &Traffic::default(), end);
    screen.end(&result);
    result
}

fn failed(error: impl Display) -> LabError {
    LabError::Domain(format!("{error:#}"))
}

impl Drop for Lab<'_> {
    /// MAGs first: they de-register with an anchor that still answers.
    fn drop(&mut self) {
        while let Some((_, program)) = self.programs.pop_last() {
            drop(program);
        }
    }
}

impl<'a> Lab<'a> {
    fn build(
        scenario: &'static Scenario,
        broken: Option<&str>,
        screen: &'a mut Screen,
        epoch: Instant,
    ) -> Result<Self, LabError> {
        signal::watch().map_err(|error| LabError::domain("watching for Ctrl-C", error))?;
        sweep(screen);
        let fault = broken.and_then(|name| scenario.find_break(name));
        let mut plan = (scenario.plan)();
        if let Some(fault) = fault {
            plan.apply(fault).map_err(failed)?;
        }
        let directory = RunDirectory::create()?;
        let network = Network::build(&plan).map_err(failed)?;
        for edit in fault.iter().flat_map(|fault| fault.edits) {
            match edit {
                Edit::Line { .. } => Ok(()),
                Edit::Filter {
                    namespace,
                    hook,
                    rules,
                } => network.filter(namespace, hook, rules),
                Edit::Network(change) => change(&network),
            }
            .map_err(failed)?;
        }
        screen.line(&format!("namespaces: {}", network.names().join(", ")));
        let result = RunResult::new(scenario.name, Topology::Netns, broken.map(str::to_owned), 0);
        Ok(Self {
            scenario,
            screen,
            result,
            epoch,
            programs: BTreeMap::new(),
            hosts: BTreeMap::new(),
            plan,
            network,
            directory,
        })
    }

    fn run(&mut self) -> Result<(), Stop> {
        let nodes = self.plan.nodes().filter(|node| node.starts);
        let names: Vec<String> = nodes.map(|node| node.name.clone()).collect();
        for name in &names {
            self.start(name)?;
        }
        (self.scenario.play)(self)?;
        let mut claims = self.scenario.claims.iter();
        let checked = |name: &str| self.result.claims.iter().any(|claim| claim.name == name);
        match claims.find(|claim| !checked(claim.name)) {
            None => Ok(()),
            Some(claim) => Err(failed(format!("`{}` was never checked", claim.name)).into()),
        }
    }

    /// Begins a step.
    pub(in crate::lab) fn step(&mut self, title: &str) {
        let at = self.epoch.elapsed();
        let number = self.result.steps.len() + 1;
        self.screen.step(at, number, title);
        self.result.steps.push(StepResult::new(title, at));
    }

    /// Says in plain words what happened.
    pub(in crate::lab) fn say(&mut self, text: impl Into<String>) {
        let text = text.into();
        self.screen.say(self.epoch.elapsed(), &text);
        self.result.say(text);
    }

    /// Checks the claim called `name`: `holds` decides, `detail` says what was seen.
    ///
    /// # Errors
    /// [`Stop::ClaimFell`] when it does not hold.
    pub(in crate::lab) fn claim(
        &mut self,
        name: &str,
        holds: bool,
        detail: impl Into<String>,
    ) -> Result<(), Stop> {
        let mut claims = self.scenario.claims.iter();
        let unknown = || failed(format!("the scenario has no claim `{name}`"));
        let claim = claims
            .find(|claim| claim.name == name)
            .ok_or_else(unknown)?;
        let (screen, at) = (&mut self.screen, self.epoch.elapsed());
        let show = |result: &_| screen.claim(at, result);
        self.result.conclude(claim, holds, detail.into(), show)
    }

    /// Time since the domain was built; captured packets count from there as well.
    pub(in crate::lab) fn now(&self) -> Duration {
        self.epoch.elapsed()
    }

    /// Lets time pass: for what must *not* happen. What should is waited for by [`Self::until`].
    ///
    /// # Errors
    /// [`LabError::Interrupted`] at Ctrl-C, or when a program died.
    pub(in crate::lab) fn pass(&mut self, span: Duration) -> Result<(), LabError> {
        let end = Instant::now() + span;
        loop {
            if signal::interrupted() {
                return Err(LabError::Interrupted);
            }
            for program in self.programs.values_mut() {
                program.check()?;
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            thread::sleep(left.min(LOOK));
        }
    }

    /// Waits until `condition` holds; says how long that took. `None` after `limit`.
    ///
    /// # Errors
    /// As [`Self::pass`], and what `condition` returns.
    pub(in crate::lab) fn until(
        &mut self,
        what: &str,
        limit: Duration,
        mut condition: impl FnMut(&mut Self) -> Result<bool, LabError>,
    ) -> Result<Option<Duration>, LabError> {
        let start = Instant::now();
        loop {
            if condition(self)? {
                let took = start.elapsed();
                self.say(format!("{what}: after {:.0} ms", took.as_secs_f64() * 1e3));
                return Ok(Some(took));
            }
            if start.elapsed() >= limit {
                self.say(format!("{what}: not after {:.1} s", limit.as_secs_f64()));
                return Ok(None);
            }
            self.screen
                .waiting(self.epoch.elapsed(), what, start.elapsed(), limit);
            self.pass(LOOK)?;
        }
    }

    /// Starts a node with its configuration; waits until it is ready.
    ///
    /// # Errors
    /// In its own words when it does not start.
    pub(in crate::lab) fn start(&mut self, name: &str) -> Result<(), LabError> {
        let mut nodes = self.plan.nodes();
        let node = nodes.find(|node| node.name == name);
        let node = node.ok_or_else(|| failed(format!("the plan has no node {name}")))?;
        let config = self.directory.path.join(format!("{name}.cfg"));
        std::fs::write(&config, node.settings.text())
            .map_err(|error| LabError::domain("writing a configuration", error))?;
        let role = match node.role {
            Role::Lma => "lma",
            Role::Mag => "mag",
        };
        let space = self.network.space(name).map_err(failed)?;
        let program = Program::start_as(role, name, space, &self.directory.path, &config)?;
        self.programs.insert(name.to_owned(), program);
        Ok(())
    }

    /// Ends a node in order (SIGTERM); it keeps its state directory.
    ///
    /// # Errors
    /// When it does not end well within the time of the contract.
    pub(in crate::lab) fn stop(&mut self, name: &str) -> Result<(), LabError> {
        self.programs.remove(name).map_or(Ok(()), Program::stop)
    }

    /// Ends a node as a power cut would (SIGKILL).
    pub(in crate::lab) fn kill(&mut self, name: &str) {
        if let Some(program) = self.programs.remove(name) {
            program.kill();
        }
    }

    /// The log of a node so far.
    pub(in crate::lab) fn log(&self, name: &str) -> String {
        let file = self.directory.path.join(format!("{name}.log"));
        std::fs::read_to_string(file).unwrap_or_default()
    }

    /// A file of a node's state directory.
    pub(in crate::lab) fn state_file(&self, node: &str, file: &str) -> Option<String> {
        std::fs::read_to_string(self.directory.path.join(node).join(file)).ok()
    }

    /// Removes a file of a node's state directory, as a lost disk would.
    pub(in crate::lab) fn remove_state(&self, node: &str, file: &str) {
        // One that is not there is gone already.
        let _ = std::fs::remove_file(self.directory.path.join(node).join(file));
    }

    /// Another configuration for the next start of a node.
    pub(in crate::lab) fn plan(&mut self) -> &mut Plan {
        &mut self.plan
    }

    /// The network.
    pub(in crate::lab) fn network(&self) -> &Network {
        &self.network
    }

    /// Changes WAN `wan` of MAG `mag`, both from 1.
    ///
    /// # Errors
    /// What the kernel refused.
    pub(in crate::lab) fn set_wan(
        &mut self,
        mag: u8,
        wan: u8,
        state: WanState,
    ) -> Result<(), LabError> {
        self.network.set_wan(mag, wan, state).map_err(failed)
    }
}

/// The NAI of the logical mobile node of MAG `mag`.
pub(super) fn van(mag: u8) -> String {
    format!("van{mag}@{}", super::text::REALM)
}

/// Option `number` of a message as `pmip decode` shows it.
pub(super) fn option(message: &Value, number: u8) -> Option<&Value> {
    let mut options = message["options"].as_array()?.iter();
    options.find(|option| option["type"] == number)
}

/// Address number `n` of a prefix.
pub(super) fn nth(prefix: IpPrefix, n: u8) -> IpAddr {
    match prefix.address() {
        IpAddr::V4(address) => {
            std::net::Ipv4Addr::from_bits(address.to_bits() | u32::from(n)).into()
        }
        IpAddr::V6(address) => {
            std::net::Ipv6Addr::from_bits(address.to_bits() | u128::from(n)).into()
        }
    }
}
