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
use crate::lab::result::{ClaimResult, RunResult, StepResult};
use crate::lab::run::Stop;
use crate::lab::screen::Screen;
use crate::lab::signal;
use crate::lab::traffic::Traffic;

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
        if let Some(step) = self.result.steps.last_mut() {
            step.said.push(text);
        }
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
        let result = ClaimResult {
            name: claim.name,
            claim: claim.text,
            rows: claim.rows,
            holds,
            detail: detail.into(),
        };
        self.screen.claim(self.epoch.elapsed(), &result);
        self.result.claims.push(result);
        if holds {
            return Ok(());
        }
        self.result.failed_rows.extend_from_slice(claim.rows);
        Err(Stop::ClaimFell)
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

    /// What `pmip show WORDS` of a node shows.
    ///
    /// # Errors
    /// When the words are wrong or the node does not answer.
    pub(in crate::lab) fn show(&self, node: &str, what: &str) -> Result<Value, LabError> {
        let words: Vec<String> = what.split(' ').map(str::to_owned).collect();
        let shown = words::show(&words).map_err(LabError::Domain)?;
        let (what, only) = (shown.what, shown.only);
        self.ask(node, &Request::Show { what, only })
            .map_err(failed)
    }

    /// Asks a node; `Err` is what it says.
    ///
    /// # Errors
    /// When it says no or does not answer.
    pub(in crate::lab) fn ask(&self, node: &str, request: &Request) -> Result<Value, String> {
        let program = self.programs.get(node);
        let program = program.ok_or_else(|| format!("{node} does not run"))?;
        ask(&program.control, request).map_err(|error| format!("{error:#}"))
    }

    fn rows<T: DeserializeOwned>(&self, node: &str, what: What) -> Result<Vec<T>, LabError> {
        let shown = self.ask(node, &Request::show(what)).map_err(failed)?;
        serde_json::from_value(shown)
            .map_err(|error| LabError::domain("reading what a program shows", error))
    }

    /// `show bindings` of a node.
    ///
    /// # Errors
    /// When it does not answer.
    pub(in crate::lab) fn bindings(&self, node: &str) -> Result<Vec<BindingRow>, LabError> {
        self.rows(node, What::Bindings)
    }

    /// The binding of one mobile node.
    ///
    /// # Errors
    /// When the node does not answer.
    pub(in crate::lab) fn binding(
        &self,
        node: &str,
        nai: &str,
    ) -> Result<Option<BindingRow>, LabError> {
        let bindings = self.bindings(node)?.into_iter();
        Ok(bindings.into_iter().find(|binding| binding.mn_id == nai))
    }

    /// `show paths` of a node.
    ///
    /// # Errors
    /// When it does not answer.
    pub(in crate::lab) fn paths(&self, node: &str) -> Result<Vec<PathRow>, LabError> {
        self.rows(node, What::Paths)
    }

    /// Labels of the usable paths of a node, in order of their number.
    ///
    /// # Errors
    /// When it does not answer.
    pub(in crate::lab) fn usable(&self, node: &str) -> Result<Vec<String>, LabError> {
        let paths = self.paths(node)?.into_iter();
        let usable = paths.filter(|path| path.usable);
        Ok(usable.filter_map(|path| path.label).collect())
    }

    /// Care-of addresses of the usable paths of a node; a path without multipath has no label.
    ///
    /// # Errors
    /// When it does not answer.
    pub(in crate::lab) fn usable_at(&self, node: &str) -> Result<Vec<IpAddr>, LabError> {
        let paths = self.paths(node)?.into_iter();
        let usable = paths.filter(|path| path.usable);
        Ok(usable.map(|path| path.care_of).collect())
    }

    /// `show flows` of a node.
    ///
    /// # Errors
    /// When it does not answer.
    pub(in crate::lab) fn flows(&self, node: &str) -> Result<Vec<FlowTableRow>, LabError> {
        self.rows(node, What::Flows)
    }

    /// `show mobile-map` of a node.
    ///
    /// # Errors
    /// When it does not answer.
    pub(in crate::lab) fn maps(&self, node: &str) -> Result<Vec<MobileMapRow>, LabError> {
        self.rows(node, What::MobileMap)
    }

    /// `pmip configure` with these lines; the inner `Err` is the refusal.
    ///
    /// # Errors
    /// Never: a refusal is often what is claimed.
    pub(in crate::lab) fn configure(&self, node: &str, lines: &str) -> Result<Value, String> {
        let lines = lines.lines().map(str::to_owned).collect();
        self.ask(node, &Request::Configure { lines })
    }

    /// `pmip configure` that must be taken.
    ///
    /// # Errors
    /// The refusal.
    pub(in crate::lab) fn configured(&self, node: &str, lines: &str) -> Result<(), LabError> {
        self.configure(node, lines).map(drop).map_err(failed)
    }

    /// `pmip clear binding all`, or of one mobile node.
    ///
    /// # Errors
    /// When the node says no.
    pub(in crate::lab) fn clear(&self, node: &str, nai: Option<&str>) -> Result<(), LabError> {
        let nai = nai.map(str::to_owned);
        let cleared = self.ask(node, &Request::ClearBinding { nai });
        cleared.map(drop).map_err(failed)
    }

    /// `pmip attach`: a mobile node came to an interface of a MAG.
    ///
    /// # Errors
    /// When the MAG says no.
    pub(in crate::lab) fn attach(&self, mag: &str, nai: &str, lan: &str) -> Result<(), LabError> {
        let attached = self.ask(
            mag,
            &Request::Attach {
                nai: nai.to_owned(),
                interface: lan.to_owned(),
                ll_addr: Some(mac(nai)),
                att: None,
            },
        );
        attached.map(drop).map_err(failed)
    }

    /// `pmip detach`.
    ///
    /// # Errors
    /// When the MAG says no.
    pub(in crate::lab) fn detach(&self, mag: &str, nai: &str) -> Result<(), LabError> {
        let request = Request::Detach {
            nai: nai.to_owned(),
            interface: None,
            ll_addr: None,
            att: None,
        };
        self.ask(mag, &request).map(drop).map_err(failed)
    }

    /// Waits until the logical mobile node of MAG 1 has `paths` usable paths on both nodes, and
    /// gives `h1` the second address of its mobile networks.
    ///
    /// # Errors
    /// When that does not come about.
    pub(in crate::lab) fn ready(&mut self, paths: usize) -> Result<(), LabError> {
        self.ready_at(1, paths, "h1")
    }

    /// The same for the logical mobile node of MAG `mag` and `host`.
    ///
    /// # Errors
    /// When that does not come about.
    pub(in crate::lab) fn ready_at(
        &mut self,
        mag: u8,
        paths: usize,
        host: &str,
    ) -> Result<(), LabError> {
        self.paths_up(mag, paths)?;
        let nai = van(mag);
        let networks = self
            .binding("LMA1", &nai)?
            .map_or_else(Vec::new, |row| row.dmnp);
        for network in networks {
            self.join(host, network)?;
        }
        Ok(())
    }

    /// Waits until the logical mobile node of MAG `mag` has `paths` usable paths on both nodes.
    ///
    /// # Errors
    /// When that does not come about.
    pub(in crate::lab) fn paths_up(&mut self, mag: u8, paths: usize) -> Result<(), LabError> {
        let (nai, node) = (van(mag), format!("MAG{mag}"));
        let what = format!("{nai} has {paths} usable paths");
        let took = self.until(&what, PATIENCE, |lab| {
            let own = lab.usable(&node)?.len();
            let binding = lab.binding("LMA1", &nai)?;
            let theirs = binding.map_or(0, |row| row.paths.iter().filter(|p| p.usable).count());
            Ok(own >= paths && theirs >= paths)
        })?;
        if took.is_none() {
            return Err(failed(format!("{what}: in vain")));
        }
        Ok(())
    }

    /// Gives `host` the second address of `network` (RFC 7148 mobile network), with the first, the
    /// MAG's, as its default router.
    ///
    /// # Errors
    /// What the kernel refused.
    pub(in crate::lab) fn join(&mut self, host: &str, network: IpPrefix) -> Result<(), LabError> {
        let (router, address) = (nth(network, 1), nth(network, 2));
        let length = if network.is_ipv4() {
            network.length()
        } else {
            64
        };
        self.give(host, address, length, router)
    }

    /// Gives `host` an address on its link, and a default route.
    ///
    /// # Errors
    /// What the kernel refused.
    pub(in crate::lab) fn give(
        &mut self,
        host: &str,
        address: IpAddr,
        length: u8,
        router: IpAddr,
    ) -> Result<(), LabError> {
        let given = self.network.address(host, address, length, router);
        given.map_err(failed)?;
        let family = if address.is_ipv4() {
            Family::V4
        } else {
            Family::V6
        };
        self.hosts.insert((host.to_owned(), family), address);
        self.say(format!("{host} is {address}"));
        Ok(())
    }

    /// Gives `host`, on interface `lan` of MAG `mag`, a home address: the MAG gets its router's
    /// address and a route to it.
    ///
    /// # Errors
    /// What the kernel refused.
    pub(in crate::lab) fn give_home(
        &mut self,
        host: &str,
        mag: u8,
        lan: &str,
        address: IpAddr,
        router: IpAddr,
    ) -> Result<(), LabError> {
        let (length, on_link) = if address.is_ipv4() {
            (32, 16)
        } else {
            (128, 64)
        };
        let space = self.network.space(&format!("MAG{mag}")).map_err(failed)?;
        // The program may have added it: then the kernel says that it exists.
        let _ = space.add_address(lan, router, length);
        let prefix = IpPrefix::new(address, length).map_err(failed)?;
        space.add_route(prefix, None, Some(lan)).map_err(failed)?;
        self.give(host, address, on_link, router)
    }

    /// The address of a host, or of a correspondent: `cn1` is its first, `cn1.5` its host 5.
    ///
    /// # Errors
    /// When it has none yet.
    pub(in crate::lab) fn address(&self, name: &str, family: Family) -> Result<IpAddr, LabError> {
        if let Some(text) = name.strip_prefix("cn") {
            let (number, host) = text.split_once('.').unwrap_or((text, "2"));
            let wrong = |_| failed(format!("{name} is no correspondent"));
            let number = number.parse().map_err(wrong)?;
            return Ok(core(number, host.parse().map_err(wrong)?, family));
        }
        let known = self.hosts.get(&(name.to_owned(), family)).copied();
        known.ok_or_else(|| failed(format!("{name} has no address yet")))
    }

    /// The namespace of an end: that of `cn1.5` is `cn1`.
    fn end(&self, name: &str, family: Family) -> Result<End<'_>, LabError> {
        Ok(End {
            space: self
                .network
                .space(name.split('.').next().unwrap_or(name))
                .map_err(failed)?,
            address: self.address(name, family)?,
        })
    }

    /// `count` pings over IPv4, each after the answer to the last; how many were answered.
    ///
    /// # Errors
    /// What the kernel refused.
    pub(in crate::lab) fn ping(
        &mut self,
        from: &str,
        to: &str,
        count: u16,
    ) -> Result<u16, LabError> {
        self.ping_by(Family::V4, from, to, count)
    }

    /// The same over a family.
    ///
    /// # Errors
    /// What the kernel refused.
    pub(in crate::lab) fn ping_by(
        &mut self,
        family: Family,
        from: &str,
        to: &str,
        count: u16,
    ) -> Result<u16, LabError> {
        let target = self.address(to, family)?;
        let answered = tools::ping(self.end(from, family)?, target, count);
        answered.map_err(|error| LabError::domain("pinging", error))
    }

    /// One IPv4 packet of `length` octets that must not be fragmented.
    ///
    /// # Errors
    /// What the kernel refused.
    pub(in crate::lab) fn send_unfragmentable(
        &self,
        from: &str,
        to: &str,
        length: u16,
    ) -> Result<(), LabError> {
        let target = self.address(to, Family::V4)?;
        let sent = tools::send_unfragmentable(self.end(from, Family::V4)?, target, length);
        sent.map_err(|error| LabError::domain("sending a packet", error))
    }

    /// One UDP datagram from each of the source `ports` to `port`, with a DSCP; how many arrived.
    ///
    /// # Errors
    /// What the kernel refused.
    pub(in crate::lab) fn udp(
        &mut self,
        from: &str,
        to: &str,
        ports: Range<u16>,
        port: u16,
        dscp: u8,
    ) -> Result<usize, LabError> {
        let (from, to) = (self.end(from, Family::V4)?, self.end(to, Family::V4)?);
        let arrived = tools::udp(from, to, ports, port, dscp);
        let arrived = arrived.map_err(|error| LabError::domain("sending datagrams", error))?;
        Ok(arrived.len())
    }

    /// `octets` over one TCP connection to `port`; how many arrived in 10 s.
    ///
    /// # Errors
    /// What the kernel refused.
    pub(in crate::lab) fn tcp(
        &mut self,
        from: &str,
        to: &str,
        port: u16,
        octets: usize,
    ) -> Result<usize, LabError> {
        let (from, to) = (self.end(from, Family::V4)?, self.end(to, Family::V4)?);
        let arrived = tools::tcp(from, to, port, octets, PATIENCE);
        arrived.map_err(|error| LabError::domain("a TCP connection", error))
    }

    /// A paced TCP transfer to `port` that goes on until it is dropped.
    ///
    /// # Errors
    /// When it is not answered.
    pub(in crate::lab) fn transfer(
        &mut self,
        from: &str,
        to: &str,
        port: u16,
    ) -> Result<Transfer, LabError> {
        let (from, to) = (self.end(from, Family::V4)?, self.end(to, Family::V4)?);
        let started = Transfer::start(from, to, port);
        started.map_err(|error| LabError::domain("opening a transfer", error))
    }

    /// Captures everything on every interface of a namespace from now on.
    ///
    /// # Errors
    /// What the kernel refused.
    pub(in crate::lab) fn capture(&mut self, name: &str) -> Result<Capture, LabError> {
        let space = self.network.space(name).map_err(failed)?;
        Capture::start(space, name, self.epoch).map_err(failed)
    }

    /// What a capture saw so far.
    ///
    /// # Errors
    /// When netlink fails.
    pub(in crate::lab) fn packets(&mut self, capture: &Capture) -> Result<Vec<Packet>, LabError> {
        self.pass(SETTLE)?;
        let space = self.network.space(&capture.space).map_err(failed)?;
        capture.packets(space).map_err(failed)
    }

    /// Inner packets in tunnels on `interface`, or on all with an empty name, that `wanted` takes.
    ///
    /// # Errors
    /// As [`Self::packets`].
    pub(in crate::lab) fn carried(
        &mut self,
        capture: &Capture,
        interface: &str,
        wanted: impl Fn(&Packet) -> bool,
    ) -> Result<usize, LabError> {
        let packets = self.packets(capture)?;
        let on = packets.iter().filter(|packet| packet.is_on(interface));
        let inner = on.flat_map(Packet::inners);
        Ok(inner.filter(|inner| wanted(inner)).count())
    }

    /// The Mobility Headers on `interface` (all with an empty name) called `name`, in order.
    ///
    /// # Errors
    /// As [`Self::packets`].
    pub(in crate::lab) fn messages(
        &mut self,
        capture: &Capture,
        interface: &str,
        name: &str,
    ) -> Result<Vec<(Packet, Value)>, LabError> {
        let packets = self.packets(capture)?.into_iter();
        let on = packets.filter(|packet| packet.is_on(interface));
        let messages = on.filter_map(|packet| {
            let message = packet.message()?;
            Some((packet, message))
        });
        Ok(messages
            .filter(|(_, message)| message["name"] == name)
            .collect())
    }
}

impl Lab<'_> {
    /// Waits for PBAs in a capture; returns their statuses in order.
    ///
    /// # Errors
    /// As [`Self::packets`].
    pub(in crate::lab) fn statuses(
        &mut self,
        capture: &Capture,
        what: &str,
    ) -> Result<Vec<u64>, LabError> {
        let mut statuses = Vec::new();
        self.until(what, PATIENCE, |lab| {
            let answers = lab.messages(capture, "", "ProxyBindingAcknowledgement")?;
            let all = answers
                .iter()
                .filter_map(|(_, message)| message["status"].as_u64());
            statuses = all.collect();
            Ok(!statuses.is_empty())
        })?;
        Ok(statuses)
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

/// A link-layer address for a mobile node: the same for the same name.
fn mac(nai: &str) -> String {
    let hash = nai.bytes().fold(7_u32, |hash, octet| {
        hash.wrapping_mul(31).wrapping_add(octet.into())
    });
    let [a, b, c, d] = hash.to_be_bytes();
    format!("02:00:{a:02x}:{b:02x}:{c:02x}:{d:02x}")
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
