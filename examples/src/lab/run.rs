//! One run of a scenario: lets time pass, watches the paths, tells what happened, checks claims.

use std::time::Duration;

use super::domain::{Domain, LabError, Node, PathRow};
use super::result::{PathSample, PathTable, RunResult, StepResult};
use super::screen::Screen;
use super::traffic::{Outage, Traffic};

/// How often the paths are looked at while time passes.
const LOOK: Duration = Duration::from_millis(50);

/// Why a scenario stops before its end.
#[derive(Debug)]
pub enum Stop {
    /// A claim does not hold; it is recorded.
    ClaimFell,
    /// The scenario itself failed.
    Error(LabError),
}

impl From<LabError> for Stop {
    fn from(error: LabError) -> Self {
        Self::Error(error)
    }
}

/// A run of one scenario on one domain.
pub struct Run<'a> {
    domain: &'a mut dyn Domain,
    screen: &'a mut Screen,
    result: RunResult,
    samples: Vec<PathSample>,
}

impl<'a> Run<'a> {
    /// A run of which nothing has happened yet.
    pub fn new(domain: &'a mut dyn Domain, screen: &'a mut Screen, result: RunResult) -> Self {
        Self {
            domain,
            screen,
            result,
            samples: Vec::new(),
        }
    }

    /// The domain.
    pub fn domain(&mut self) -> &mut dyn Domain {
        self.domain
    }

    /// Time since the domain started.
    pub fn now(&self) -> Duration {
        self.domain.now()
    }

    /// What the traffic tools measured so far.
    pub fn traffic(&self) -> Traffic {
        self.domain.traffic()
    }

    /// Begins a step.
    pub fn step(&mut self, title: &str) {
        let at = self.now();
        let number = self.result.steps.len() + 1;
        self.screen.step(at, number, title);
        self.result.steps.push(StepResult::new(title, at));
    }

    /// Says in plain words what happened.
    pub fn say(&mut self, text: impl Into<String>) {
        let (text, at) = (text.into(), self.now());
        self.screen.say(at, &text);
        self.result.say(text);
    }

    /// Shows the path table of both nodes and keeps it with the step.
    ///
    /// # Errors
    /// As [`Domain::paths`].
    pub fn show_paths(&mut self) -> Result<(), LabError> {
        let table = self.path_table()?;
        self.screen.paths(&table);
        if let Some(step) = self.result.steps.last_mut() {
            step.paths = Some(table);
        }
        Ok(())
    }

    /// Checks a claim: `holds` decides, `detail` says what was seen.
    ///
    /// # Errors
    /// [`Stop::ClaimFell`] when it does not hold.
    pub fn claim(
        &mut self,
        claim: &Claim,
        holds: bool,
        detail: impl Into<String>,
    ) -> Result<(), Stop> {
        let (screen, at) = (&mut *self.screen, self.domain.now());
        let show = |result: &_| screen.claim(at, result);
        self.result.conclude(claim, holds, detail.into(), show)
    }

    /// Records and tells what a fault cost.
    pub fn outage(&mut self, outage: Outage) {
        let down = |after: Option<f64>| {
            after.map_or_else(|| "never".to_owned(), |ms| format!("{ms:.0} ms"))
        };
        self.say(format!(
            "outage: path down at the MAG after {}, at the LMA after {}; longest silence of a \
             transfer {:.0} ms ({} of them were silent for 100 ms or more), longest run of lost \
             pings {:.0} ms, {} resets",
            down(outage.mag_down_after_ms),
            down(outage.lma_down_after_ms),
            outage.longest_stall_ms,
            outage.stalled_transfers,
            outage.longest_ping_gap_ms,
            outage.resets,
        ));
        self.result.outages.push(outage);
    }

    /// Lets `span` pass.
    ///
    /// # Errors
    /// As [`Domain::run_for`] and [`Domain::paths`].
    pub fn pass(&mut self, span: Duration) -> Result<(), LabError> {
        let end = self.now() + span;
        while self.now() < end {
            self.tick(end)?;
        }
        Ok(())
    }

    /// Lets time pass until `condition` holds; returns how long it took, `None` after `limit`.
    ///
    /// # Errors
    /// As [`Domain::run_for`], and what `condition` returns.
    pub fn until(
        &mut self,
        limit: Duration,
        mut condition: impl FnMut(&mut dyn Domain) -> Result<bool, LabError>,
    ) -> Result<Option<Duration>, LabError> {
        let start = self.now();
        let end = start + limit;
        loop {
            if condition(self.domain)? {
                return Ok(Some(self.now().saturating_sub(start)));
            }
            if self.now() >= end {
                return Ok(None);
            }
            self.tick(end)?;
        }
    }

    /// Waits until `node` shows the path of `wan` up (or not up).
    ///
    /// # Errors
    /// As [`Self::until`].
    pub fn until_path(
        &mut self,
        node: Node,
        wan: usize,
        up: bool,
        limit: Duration,
    ) -> Result<Option<Duration>, LabError> {
        self.until(limit, |domain| {
            let rows = domain.paths(node)?;
            Ok(rows.get(wan).is_some_and(PathRow::is_up) == up)
        })
    }

    /// Whether both nodes showed the path of `wan` up at every look since `since`.
    pub fn stayed_up(&self, wan: usize, since: Duration) -> bool {
        let looks = self.samples.iter().filter(|sample| sample.at >= since);
        let mut rows = looks.flat_map(|sample| {
            let table = &sample.table;
            table.mag.get(wan).into_iter().chain(table.lma.get(wan))
        });
        rows.all(PathRow::is_up)
    }

    /// Ends the run: what was found, and the path states over time.
    pub fn finish(mut self, end: Result<(), Stop>) -> (RunResult, Vec<PathSample>, Traffic) {
        let traffic = self.domain.traffic();
        self.result.finish(self.domain.now(), &traffic, end);
        self.screen.end(&self.result);
        (self.result, self.samples, traffic)
    }

    fn tick(&mut self, end: Duration) -> Result<(), LabError> {
        let left = end.saturating_sub(self.now());
        self.domain.run_for(LOOK.min(left))?;
        let table = self.path_table()?;
        let at = self.now();
        if self.screen.wants_live(at) {
            self.screen.live(at, &table, &self.domain.traffic());
        }
        self.samples.push(PathSample { at, table });
        Ok(())
    }

    fn path_table(&mut self) -> Result<PathTable, LabError> {
        Ok(PathTable {
            mag: self.domain.paths(Node::Mag)?,
            lma: self.domain.paths(Node::Lma)?,
        })
    }
}

/// Something a scenario claims.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    /// Short name, as in the JSON result.
    pub name: &'static str,
    /// The claim in plain words.
    pub text: &'static str,
    /// Rows of the acceptance table that it proves.
    pub rows: &'static [u16],
}
