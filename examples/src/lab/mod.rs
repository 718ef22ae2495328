//! A whole domain on one machine: scenarios, topologies, traffic and report.
//!
//! A scenario is told once, on the trait [`domain::Domain`]. Two domains exist: network
//! namespaces with the real programs, and the same engines on in-memory links in virtual time.

mod all;
pub mod bench;
pub mod domain;
mod netns;
mod node_config;
mod quickstart;
mod report;
pub mod result;
pub mod run;
mod scenario;
pub mod screen;
mod signal;
mod sim;
pub mod spec;
pub mod traffic;
pub mod wan;

use std::path::PathBuf;

use serde::Serialize;

use domain::{Domain, LabError, Topology};
use result::RunResult;
use run::{Claim, Run, Stop};
use screen::Screen;
use spec::{Carrying, DomainSpec};

/// Exit code: every claim holds.
const HOLDS: i32 = 0;
/// Exit code: a claim fell, or the scenario could not go on.
const FELL: i32 = 1;
/// Exit code: wrong usage, or a right is missing.
const USAGE: i32 = 2;
/// Exit code after Ctrl-C, as shells expect it.
const INTERRUPTED: i32 = 130;

/// Arguments of `pmip lab`.
#[derive(Clone, Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct LabArgs {
    /// Something else than a scenario
    #[command(subcommand)]
    pub command: Option<LabCommand>,
    /// What to play; see --list. `all` plays everything
    #[arg(default_value = "quickstart")]
    pub scenario: String,
    /// List the scenarios, what they claim, and the faults they know
    #[arg(long)]
    pub list: bool,
    /// Run the engines on in-memory links in virtual time; needs no rights
    #[arg(long, conflicts_with = "netns")]
    pub sim: bool,
    /// Run the real programs in network namespaces (the default with the rights)
    #[arg(long)]
    pub netns: bool,
    /// Print one JSON object and nothing else on standard output
    #[arg(long)]
    pub json: bool,
    /// Write a page with plots
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,
    /// Apply a fault to the system: the scenario must then fail
    #[arg(long = "break", value_name = "NAME")]
    pub broken: Option<String>,
    /// With `all`: every fault of every scenario instead; each must make its claim fall
    #[arg(long)]
    pub breaks: bool,
    /// With `all`: how many to play at a time
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub jobs: usize,
    /// How packets travel between MAG and LMA (namespaces alone)
    #[arg(long, value_enum, default_value_t, conflicts_with = "sim")]
    pub encap: Carrying,
    /// Seed of the simulation
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// What `pmip lab` does besides playing scenarios.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum LabCommand {
    /// Measure what the tunnel costs, against plain routing and other tunnels
    Bench(bench::BenchArgs),
}

/// Runs `pmip lab` and returns its exit code: 0 every claim holds, 1 one fell, 2 wrong usage.
pub fn main(args: LabArgs) -> i32 {
    if let Some(LabCommand::Bench(args)) = &args.command {
        return bench::run(args);
    }
    if args.list {
        return list(args.json);
    }
    if args.scenario == "all" {
        return all::run(&args);
    }
    if args.breaks || args.jobs != 1 {
        return usage("--breaks and --jobs belong to `pmip lab all`");
    }
    let Some(entry) = entries().find(|known| known.name() == args.scenario) else {
        let names: Vec<&str> = entries().map(|known| known.name()).collect();
        let names = names.join(", ");
        return usage(&format!(
            "there is no scenario `{}`; there are: {names}, all",
            args.scenario
        ));
    };
    let broken = args.broken.as_deref();
    let breaks = entry.breaks();
    if let Some(fault) = broken.filter(|fault| !breaks.contains(fault)) {
        let breaks = breaks.join(", ");
        return usage(&format!(
            "`{}` knows no fault `{fault}`; it knows: {breaks}",
            entry.name()
        ));
    }
    let topology = match topology(&args, entry.modes()) {
        Ok(topology) => topology,
        Err(missing) => return usage(&missing),
    };
    let mut screen = Screen::new(args.json);
    let story = match entry {
        Entry::Story(story) => story,
        Entry::Acceptance(_) if args.report.is_some() => {
            return usage("only `quickstart` has a page with plots");
        }
        Entry::Acceptance(scenario) => {
            return verdict(&args, &scenario::play(scenario, broken, &mut screen));
        }
    };
    let how = How {
        topology,
        broken: args.broken.clone(),
        carrying: args.encap,
        seed: args.seed,
    };
    conclude(&args, &play(story, &how, &mut screen))
}

/// Something that can be played.
#[derive(Clone, Copy)]
enum Entry {
    /// On the trait [`Domain`].
    Story(&'static Scenario),
    /// On a domain of any shape, with the real programs.
    Acceptance(&'static scenario::Scenario),
}

/// Everything that can be played.
fn entries() -> impl Iterator<Item = Entry> {
    let stories = SCENARIOS.iter().map(Entry::Story);
    stories.chain(scenario::all().map(Entry::Acceptance))
}

impl Entry {
    const fn name(self) -> &'static str {
        match self {
            Self::Story(story) => story.name,
            Self::Acceptance(scenario) => scenario.name,
        }
    }

    const fn claim(self) -> &'static str {
        match self {
            Self::Story(story) => story.claim,
            Self::Acceptance(scenario) => scenario.claim,
        }
    }

    const fn claims(self) -> &'static [Claim] {
        match self {
            Self::Story(story) => story.claims,
            Self::Acceptance(scenario) => scenario.claims,
        }
    }

    /// The faults it knows.
    fn breaks(self) -> Vec<&'static str> {
        match self {
            Self::Story(story) => story.breaks.to_vec(),
            Self::Acceptance(scenario) => scenario.breaks.iter().map(|known| known.name).collect(),
        }
    }

    /// What the faults damage, and the claim that falls by each, where that is told.
    fn faults(self) -> Vec<scenario::Fault> {
        match self {
            Self::Story(_) => Vec::new(),
            Self::Acceptance(scenario) => scenario.faults(),
        }
    }

    const fn modes(self) -> &'static [Topology] {
        match self {
            Self::Story(_) => &[Topology::Netns, Topology::Sim],
            Self::Acceptance(_) => scenario::Scenario::MODES,
        }
    }

    /// Acceptance rows that its claims prove.
    fn rows(self) -> Vec<u16> {
        let rows = self.claims().iter().flat_map(|claim| claim.rows);
        let mut rows: Vec<u16> = rows.copied().collect();
        rows.sort_unstable();
        rows.dedup();
        rows
    }
}

/// How a scenario is to be played.
struct How {
    topology: Topology,
    broken: Option<String>,
    carrying: Carrying,
    seed: u64,
}

/// Plays a scenario on the simulated domain without a word: what a test asks.
///
/// `broken` applies a fault; `None` is returned for a scenario or fault that does not exist.
pub fn simulate(scenario: &str, broken: Option<&str>, seed: u64) -> Option<RunResult> {
    let scenario = SCENARIOS.iter().find(|known| known.name == scenario)?;
    if broken.is_some_and(|fault| !scenario.breaks.contains(&fault)) {
        return None;
    }
    let how = How {
        topology: Topology::Sim,
        broken: broken.map(str::to_owned),
        carrying: Carrying::default(),
        seed,
    };
    Some(play(scenario, &how, &mut Screen::silent()).result)
}

/// The faults that `--break` of a scenario knows; none for a scenario that does not exist.
pub fn breaks(scenario: &str) -> &'static [&'static str] {
    let found = SCENARIOS.iter().find(|known| known.name == scenario);
    found.map_or(&[], |known| known.breaks)
}

/// What can be played.
const SCENARIOS: &[Scenario] = &[quickstart::SCENARIO];

/// A story on a domain, with claims that are checked on the way.
struct Scenario {
    name: &'static str,
    /// What it shows, in one sentence.
    claim: &'static str,
    claims: &'static [Claim],
    /// The faults it knows.
    breaks: &'static [&'static str],
    /// The domain it wants, with a fault applied.
    spec: fn(broken: Option<&str>, seed: u64) -> DomainSpec,
    play: fn(&mut Run<'_>) -> Result<(), Stop>,
}

/// One scenario as `--list` prints it.
#[derive(Serialize)]
struct Listed {
    name: &'static str,
    claim: &'static str,
    rows: Vec<u16>,
    breaks: Vec<&'static str>,
    modes: &'static [Topology],
    claims: Vec<&'static str>,
    faults: Vec<scenario::Fault>,
}

impl From<Entry> for Listed {
    fn from(entry: Entry) -> Self {
        Self {
            name: entry.name(),
            claim: entry.claim(),
            rows: entry.rows(),
            breaks: entry.breaks(),
            modes: entry.modes(),
            claims: entry.claims().iter().map(|claim| claim.name).collect(),
            faults: entry.faults(),
        }
    }
}

fn list(json: bool) -> i32 {
    let scenarios: Vec<Listed> = entries().map(Listed::from).collect();
    if json {
        print_json(&scenarios);
        return HOLDS;
    }
    let mut screen = Screen::new(false);
    for listed in &scenarios {
        screen.line(listed.name);
        screen.line(&format!("    shows that {}", listed.claim));
        screen.line(&format!("    acceptance rows: {:?}", listed.rows));
        screen.line(&format!(
            "    faults (--break): {}",
            listed.breaks.join(", ")
        ));
    }
    HOLDS
}

/// Which topology is wanted and possible; a fall-back to the simulation is said.
fn topology(args: &LabArgs, modes: &[Topology]) -> Result<Topology, String> {
    let simulated = modes.contains(&Topology::Sim);
    if args.sim && !simulated {
        return Err(format!(
            "`{}` needs the real programs: leave --sim out",
            args.scenario
        ));
    }
    if args.sim {
        return Ok(Topology::Sim);
    }
    match netns::rights() {
        Ok(()) => Ok(Topology::Netns),
        Err(missing) if !simulated => Err(missing),
        Err(missing) if args.netns => Err(format!("{missing}, or use --sim")),
        Err(missing) if args.netns || args.encap != Carrying::default() => {
            Err(format!("{missing}, or use --sim"))
        }
        Err(missing) => {
            complain(&format!(
                "{missing}. Without, here is the simulation (--sim)."
            ));
            Ok(Topology::Sim)
        }
    }
}

/// A finished run with what the report draws.
struct Played {
    result: RunResult,
    samples: Vec<result::PathSample>,
    traffic: traffic::Traffic,
    spec: DomainSpec,
}

fn play(scenario: &Scenario, how: &How, screen: &mut Screen) -> Played {
    let mut spec = (scenario.spec)(how.broken.as_deref(), how.seed);
    spec.carrying = how.carrying;
    let result = RunResult::new(scenario.name, how.topology, how.broken.clone(), how.seed);
    screen.learn(&spec);
    introduce(screen, scenario, how);
    let mut domain = match build(how.topology, &spec, screen) {
        Ok(domain) => domain,
        Err(error) => {
            screen.line(&format!("The domain cannot be built: {error}"));
            return Played {
                result: result.failed(error),
                samples: Vec::new(),
                traffic: traffic::Traffic::default(),
                spec,
            };
        }
    };
    let mut run = Run::new(domain.as_mut(), screen, result);
    let end = (scenario.play)(&mut run);
    let (result, samples, traffic) = run.finish(end);
    domain.stop_traffic();
    Played {
        result,
        samples,
        traffic,
        spec,
    }
}

fn build(
    topology: Topology,
    spec: &DomainSpec,
    screen: &mut Screen,
) -> Result<Box<dyn Domain>, LabError> {
    Ok(match topology {
        Topology::Sim => Box::new(sim::SimDomain::new(spec.clone())?),
        Topology::Netns => Box::new(netns::NetnsDomain::start(spec.clone(), screen)?),
    })
}

fn introduce(screen: &mut Screen, scenario: &Scenario, how: &How) {
    let topology = match how.topology {
        Topology::Netns => "real programs in network namespaces",
        Topology::Sim => "simulated: same engines, virtual time",
    };
    screen.line(&format!("pmip lab {} ({topology})", scenario.name));
    screen.line("correspondent --- LMA === wan1, wan2 === MAG --- host");
    screen.line(&format!("Claim: {}.", scenario.claim));
    if let Some(fault) = &how.broken {
        screen.line(&format!("Fault applied: {fault}. A claim must fall."));
    }
}

/// Prints and writes what was asked for, and decides the exit code.
fn conclude(args: &LabArgs, played: &Played) -> i32 {
    let result = &played.result;
    let code = verdict(args, result);
    if let Some(path) = &args.report {
        let page = report::page(result, &played.spec, &played.samples, &played.traffic);
        if let Err(error) = std::fs::write(path, page) {
            return usage(&format!("cannot write {}: {error}", path.display()));
        }
    }
    code
}

/// Prints the result where JSON is wanted, and decides the exit code.
fn verdict(args: &LabArgs, result: &RunResult) -> i32 {
    if args.json {
        print_json(result);
        if let Some(error) = &result.error {
            complain(error);
        }
    }
    match (result.ok, result.interrupted) {
        (true, _) => HOLDS,
        (false, true) => INTERRUPTED,
        (false, false) => FELL,
    }
}

fn usage(text: &str) -> i32 {
    complain(text);
    USAGE
}

fn complain(text: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "pmip lab: {text}");
}

fn print_json(value: &impl Serialize) {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    if serde_json::to_writer_pretty(&mut out, value).is_ok() {
        let _ = writeln!(out);
    }
}
