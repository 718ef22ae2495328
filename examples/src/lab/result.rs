//! The result of a run, as `--json` prints it.

use std::time::Duration;

use serde::Serialize;

use super::domain::{LabError, PathRow, Topology};
use super::run::{Claim, Stop};
use super::traffic::{Direction, Outage, Traffic};

/// All that a run found.
#[derive(Clone, Debug, Serialize)]
pub struct RunResult {
    /// The scenario's name.
    pub scenario: &'static str,
    /// How the domain was built.
    pub topology: Topology,
    /// The fault applied by `--break`.
    #[serde(rename = "break")]
    pub broken: Option<String>,
    /// Seed of the simulation.
    pub seed: u64,
    /// Whether every claim holds and nothing else failed.
    pub ok: bool,
    /// How long the scenario took, seconds (virtual in the simulation).
    pub duration_s: f64,
    /// What happened.
    pub steps: Vec<StepResult>,
    /// What faults cost.
    pub outages: Vec<Outage>,
    /// What was claimed and whether it holds.
    pub claims: Vec<ClaimResult>,
    /// Traffic in total.
    pub traffic: TrafficResult,
    /// Acceptance rows whose claim fell.
    pub failed_rows: Vec<u16>,
    /// Why the scenario could not go on, other than a claim.
    pub error: Option<String>,
    /// Whether that was Ctrl-C or SIGTERM.
    #[serde(skip)]
    pub interrupted: bool,
}

impl RunResult {
    /// Keeps with the step what happened, in plain words.
    pub(super) fn say(&mut self, text: String) {
        if let Some(step) = self.steps.last_mut() {
            step.said.push(text);
        }
    }

    /// Keeps what was seen of a claim, and the rows that fell with it.
    ///
    /// # Errors
    /// [`Stop::ClaimFell`] when it does not hold.
    pub(super) fn conclude(
        &mut self,
        claim: &Claim,
        holds: bool,
        detail: String,
        show: impl FnOnce(&ClaimResult),
    ) -> Result<(), Stop> {
        let result = ClaimResult {
            name: claim.name,
            claim: claim.text,
            rows: claim.rows,
            holds,
            detail,
        };
        show(&result);
        self.claims.push(result);
        if holds {
            return Ok(());
        }
        self.failed_rows.extend_from_slice(claim.rows);
        Err(Stop::ClaimFell)
    }
}

/// One step.
#[derive(Clone, Debug, Serialize)]
pub struct StepResult {
    /// What is done.
    pub title: String,
    /// When it began, seconds.
    pub at_s: f64,
    /// What happened, in plain words.
    pub said: Vec<String>,
    /// The path tables at its end.
    pub paths: Option<PathTable>,
}

impl StepResult {
    pub(super) fn new(title: &str, at: Duration) -> Self {
        Self {
            title: title.to_owned(),
            at_s: at.as_secs_f64(),
            said: Vec::new(),
            paths: None,
        }
    }
}

/// The paths as both nodes show them.
#[derive(Clone, Debug, Serialize)]
pub struct PathTable {
    /// At the MAG.
    pub mag: Vec<PathRow>,
    /// At the LMA.
    pub lma: Vec<PathRow>,
}

/// The paths at one moment, for plots.
#[derive(Clone, Debug)]
pub struct PathSample {
    /// When.
    pub at: Duration,
    /// As the nodes show them.
    pub table: PathTable,
}

/// One claim, checked.
#[derive(Clone, Debug, Serialize)]
pub struct ClaimResult {
    /// Short name.
    pub name: &'static str,
    /// The claim in plain words.
    pub claim: &'static str,
    /// Acceptance rows it proves.
    pub rows: &'static [u16],
    /// Whether it holds.
    pub holds: bool,
    /// What was seen.
    pub detail: String,
}

/// Traffic in total.
#[derive(Clone, Debug, Default, Serialize)]
pub struct TrafficResult {
    /// Transfers opened.
    pub transfers: usize,
    /// Transfers that ended with an error.
    pub resets: usize,
    /// Octets delivered from the host to the correspondent.
    pub up_bytes: u64,
    /// Octets delivered from the correspondent to the host.
    pub down_bytes: u64,
    /// Echo requests sent.
    pub pings_sent: usize,
    /// Echo requests answered.
    pub pings_answered: usize,
}

impl RunResult {
    /// A run that has not begun.
    pub fn new(
        scenario: &'static str,
        topology: Topology,
        broken: Option<String>,
        seed: u64,
    ) -> Self {
        Self {
            scenario,
            topology,
            broken,
            seed,
            ok: false,
            duration_s: 0.0,
            steps: Vec::new(),
            outages: Vec::new(),
            claims: Vec::new(),
            traffic: TrafficResult::default(),
            failed_rows: Vec::new(),
            error: None,
            interrupted: false,
        }
    }

    /// A run that ended before it began.
    pub fn failed(mut self, error: LabError) -> Self {
        self.interrupted = matches!(error, LabError::Interrupted);
        self.error = Some(error.to_string());
        self
    }

    pub(super) fn finish(&mut self, now: Duration, traffic: &Traffic, end: Result<(), Stop>) {
        self.duration_s = now.as_secs_f64();
        self.ok = end.is_ok();
        if let Err(Stop::Error(error)) = end {
            self.interrupted = matches!(error, LabError::Interrupted);
            self.error = Some(error.to_string());
        }
        let pings = traffic.pings.iter().map(|flow| flow.counts(Duration::ZERO));
        let (pings_sent, pings_answered) =
            pings.fold((0, 0), |sum, flow| (sum.0 + flow.0, sum.1 + flow.1));
        self.traffic = TrafficResult {
            transfers: traffic.connections.len(),
            resets: traffic.resets(),
            up_bytes: traffic.bytes(Direction::Up),
            down_bytes: traffic.bytes(Direction::Down),
            pings_sent,
            pings_answered,
        };
    }
}
