//! `pmip lab all`: every scenario, or every fault of every scenario, in processes of their own.

use std::io::IsTerminal;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use serde::Serialize;
use serde_json::Value;

use super::domain::Topology;
use super::screen::Screen;
use super::{Entry, FELL, HOLDS, INTERRUPTED, LabArgs, entries, netns, print_json, signal, usage};

/// One run that is to be made.
struct Wanted {
    entry: Entry,
    broken: Option<&'static str>,
}

/// How one run ended.
#[derive(Clone, Debug, Serialize)]
struct Ended {
    scenario: &'static str,
    #[serde(rename = "break")]
    broken: Option<&'static str>,
    rows: Vec<u16>,
    /// Whether it is as it should be: it passed, or its fault made the right claim fall.
    ok: bool,
    failed_rows: Vec<u16>,
    /// What was wrong; what fell, with a fault.
    detail: String,
    seconds: f64,
}

/// The whole.
#[derive(Serialize)]
struct Summary {
    ok: bool,
    seconds: f64,
    failed_rows: Vec<u16>,
    runs: Vec<Ended>,
}

/// Plays everything that `args` asks for; returns the exit code.
pub(super) fn run(args: &LabArgs) -> i32 {
    if args.broken.is_some() || args.report.is_some() {
        return usage("`all` takes no --break and no --report; every fault is `all --breaks`");
    }
    let simulated = args.sim || (!args.netns && netns::rights().is_err());
    if !args.sim && simulated {
        let missing = netns::rights().err().unwrap_or_default();
        super::complain(&format!("SKIP what needs namespaces: {missing}"));
    }
    if let (true, Err(missing)) = (args.netns, netns::rights()) {
        return usage(&missing);
    }
    if let Err(error) = signal::watch() {
        return usage(&format!("cannot watch for Ctrl-C: {error}"));
    }
    let wanted = wanted(args.breaks, simulated);
    let start = Instant::now();
    let screen = Mutex::new(Screen::new(args.json));
    let mut runs = play(args, &wanted, simulated, &screen);
    runs.sort_by_key(|(place, _)| *place);
    let runs: Vec<Ended> = runs.into_iter().map(|(_, ended)| ended).collect();
    let mut failed_rows: Vec<u16> = Vec::new();
    for ended in runs.iter().filter(|ended| !ended.ok) {
        failed_rows.extend(&ended.rows);
    }
    failed_rows.sort_unstable();
    failed_rows.dedup();
    let summary = Summary {
        ok: runs.len() == wanted.len() && runs.iter().all(|ended| ended.ok),
        seconds: seconds(start),
        failed_rows,
        runs,
    };
    let screen = screen.into_inner();
    tell(
        &mut screen.unwrap_or_else(PoisonError::into_inner),
        &summary,
    );
    if args.json {
        print_json(&summary);
    }
    match (summary.ok, signal::interrupted()) {
        (_, true) => INTERRUPTED,
        (true, false) => HOLDS,
        (false, false) => FELL,
    }
}

fn wanted(breaks: bool, simulated: bool) -> Vec<Wanted> {
    let possible = entries().filter(|entry| !simulated || entry.modes().contains(&Topology::Sim));
    let runs = possible.flat_map(|entry| {
        let faults = if breaks {
            entry.breaks().into_iter().map(Some).collect()
        } else {
            vec![None]
        };
        faults
            .into_iter()
            .map(move |broken| Wanted { entry, broken })
    });
    runs.collect()
}

/// Plays them, several at a time; each with its place in `wanted`.
fn play(
    args: &LabArgs,
    wanted: &[Wanted],
    simulated: bool,
    screen: &Mutex<Screen>,
) -> Vec<(usize, Ended)> {
    let next = AtomicUsize::new(0);
    let ended = Mutex::new(Vec::new());
    let work = || {
        while !signal::interrupted() {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(run) = wanted.get(place) else { return };
            let result = one(run, simulated, args.seed);
            let mut ended = ended.lock().unwrap_or_else(PoisonError::into_inner);
            let line = format!(
                "[{:3} of {}] {}",
                ended.len() + 1,
                wanted.len(),
                line(&result)
            );
            let mut screen = screen.lock().unwrap_or_else(PoisonError::into_inner);
            screen.line(&line);
            if args.json && std::io::stderr().is_terminal() {
                super::complain(&line);
            }
            ended.push((place, result));
        }
    };
    thread::scope(|scope| {
        for _ in 0..args.jobs.clamp(1, wanted.len().max(1)) {
            scope.spawn(work);
        }
    });
    ended.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Plays one in a process of its own: names carry its process number, so none meets another.
fn one(wanted: &Wanted, simulated: bool, seed: u64) -> Ended {
    let start = Instant::now();
    let mut ended = Ended {
        scenario: wanted.entry.name(),
        broken: wanted.broken,
        rows: wanted.entry.rows(),
        ok: false,
        failed_rows: Vec::new(),
        detail: String::new(),
        seconds: 0.0,
    };
    let executable = std::env::current_exe().unwrap_or_else(|_| "pmip".into());
    let mut command = Command::new(executable);
    command.args(["lab", ended.scenario, "--json"]);
    command.arg(if simulated { "--sim" } else { "--netns" });
    command.args(["--seed", &seed.to_string()]);
    if let Some(broken) = wanted.broken {
        command.args(["--break", broken]);
    }
    let output = command.stdin(Stdio::null()).output();
    ended.seconds = seconds(start);
    let output = match output {
        Ok(output) => output,
        Err(error) => {
            ended.detail = error.to_string();
            return ended;
        }
    };
    let result: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    judge(wanted, output.status.code(), &result, &mut ended);
    if result.is_null() {
        ended.detail = String::from_utf8_lossy(&output.stderr).into_owned();
    }
    ended
}

/// A run passes with exit code 0; one with a fault, when the claim it names is the one that fell.
fn judge(wanted: &Wanted, code: Option<i32>, result: &Value, ended: &mut Ended) {
    let claims = result["claims"].as_array().cloned().unwrap_or_default();
    let fallen = claims.iter().find(|claim| claim["holds"] == false);
    let error = result["error"].as_str();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let rows = result["failed_rows"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let rows = rows.iter().filter_map(Value::as_u64);
    ended.failed_rows = rows.filter_map(|row| row.try_into().ok()).collect();
    ended.detail = match (error, fallen) {
        (Some(error), _) => error.to_owned(),
        (None, Some(claim)) => format!("{}: {}", text(&claim["name"]), text(&claim["detail"])),
        (None, None) => String::new(),
    };
    let Some(broken) = wanted.broken else {
        ended.ok = code == Some(HOLDS);
        return;
    };
    let faults = wanted.entry.faults();
    let told = faults.iter().find(|fault| fault.name == broken);
    let fell = fallen.map(|claim| text(&claim["name"]));
    let right = told.is_none_or(|fault| fell.as_deref() == Some(fault.falls));
    ended.ok = code == Some(FELL) && error.is_none() && fell.is_some() && right;
    match (told, &fell, error) {
        (Some(fault), None, None) => {
            ended.detail = format!("nothing fell, `{}` should", fault.falls);
        }
        (Some(fault), Some(fell), _) if !right => {
            ended.detail = format!("`{fell}` fell and not `{}`: {}", fault.falls, ended.detail);
        }
        (_, _, _) => {}
    }
}

fn line(ended: &Ended) -> String {
    let name = match ended.broken {
        Some(broken) => format!("{} --break {broken}", ended.scenario),
        None => ended.scenario.to_owned(),
    };
    let verdict = match (ended.ok, ended.broken) {
        (true, None) => "passed",
        (true, Some(_)) => "fell",
        (false, _) => "FAILED",
    };
    let rows: Vec<String> = ended.rows.iter().map(u16::to_string).collect();
    let detail = if ended.ok { "" } else { &ended.detail };
    format!(
        "{name:44} {verdict:7} {:6.1} s  rows {:24} {detail}",
        ended.seconds,
        rows.join(" ")
    )
}

fn tell(screen: &mut Screen, summary: &Summary) {
    screen.line("");
    let failed = summary.runs.iter().filter(|ended| !ended.ok);
    let failed: Vec<&Ended> = failed.collect();
    for ended in &failed {
        screen.line(&line(ended));
    }
    screen.line(&format!(
        "{} of {} as they should be, {:.0} s",
        summary.runs.len() - failed.len(),
        summary.runs.len(),
        summary.seconds
    ));
}

fn seconds(since: Instant) -> f64 {
    (since.elapsed().as_secs_f64() * 10.0).round() / 10.0
}
