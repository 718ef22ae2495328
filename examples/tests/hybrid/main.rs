//! The hybrid-access service of the real programs, over emulated WANs in network namespaces: what it
//! measures is what the emulator did, and what follows from it is seen on the wire.
//!
//! Without the rights it prints SKIP and passes; with `PMIP_REQUIRE_NETNS=1` a SKIP is a failure. An
//! argument runs the checks whose name begins with it; long ones run only so:
//! `cargo test -p pmip-examples --test hybrid -- ten-minutes`.

mod domain;
mod failure;
mod maps;
mod quality;
mod scale;
mod service;
mod stream;
mod voice;
mod wire;

use std::path::Path;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use pmip_examples::platform::netns::{may_create, sweep_stale};

type Checked = Result<(), String>;

struct Check {
    name: &'static str,
    /// What holds.
    claim: &'static str,
    /// Runs only where it is named.
    long: bool,
    run: fn() -> Checked,
}

const CHECKS: &[Check] = &[
    Check {
        name: "probe",
        claim: "`pmip sla probe` reports what the emulator did, each direction alone",
        long: false,
        run: quality::probe,
    },
    Check {
        name: "show",
        claim: "`show hybrid-access` of both nodes reports what the emulator did",
        long: false,
        run: quality::show,
    },
    Check {
        name: "voice",
        claim: "each limit broken alone moves the voice flow and nothing else, until it is kept again",
        long: false,
        run: voice::limits,
    },
    Check {
        name: "black-hole",
        claim: "a path in use that falls silent is left within 400 ms",
        long: false,
        run: failure::black_hole,
    },
    Check {
        name: "no-false-alarm",
        claim: "at 95 % load and 1 % loss no path is called dead",
        long: false,
        run: failure::short_calm,
    },
    Check {
        name: "ten-minutes",
        claim: "the same for ten minutes",
        long: true,
        run: failure::long_calm,
    },
    Check {
        name: "service",
        claim: "bindings, heartbeats and traffic do not notice that the service stops or is flooded",
        long: false,
        run: service::undisturbed,
    },
    Check {
        name: "settings",
        claim: "packets, spacing and period on the wire are those of `sla` and `enable-sla mag`",
        long: false,
        run: wire::settings,
    },
    Check {
        name: "paths",
        claim: "1,100 paths on one LMA keep their period, and every operation completes",
        long: true,
        run: scale::paths,
    },
    Check {
        name: "maps",
        claim: "icmp goes by one link and udp by another, and null drops",
        long: false,
        run: maps::links,
    },
    Check {
        name: "weights",
        claim: "outer octets are shared by the weights of each direction",
        long: false,
        run: maps::weights,
    },
];

fn main() -> ExitCode {
    let required = std::env::var_os("PMIP_REQUIRE_NETNS").is_some_and(|value| value == "1");
    if !may_create() || !Path::new("/dev/net/tun").exists() {
        say("SKIP: this process may make no network namespaces or TUN devices (run as root)");
        return verdict(!required);
    }
    // What cannot be swept is told by the names that are taken.
    let _ = sweep_stale();
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let mut names = wanted.iter().filter(|word| !word.starts_with('-'));
    let name = names.next();
    let chosen = CHECKS.iter().filter(|check| match name {
        Some(name) => check.name.starts_with(name.as_str()),
        None => !check.long,
    });
    let mut passed = true;
    for check in chosen {
        let started = Instant::now();
        let result = (check.run)();
        passed &= result.is_ok();
        let (name, claim, took) = (check.name, check.claim, started.elapsed().as_secs());
        match result {
            Ok(()) => say(&format!("ok      {name}: {claim} ({took} s)")),
            Err(why) => say(&format!("FAILED  {name}: {claim}: {why}")),
        }
    }
    verdict(passed)
}

fn verdict(passed: bool) -> ExitCode {
    match passed {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// Looks until it holds, for at most `patience`; how long that took.
fn wait_until(
    what: &str,
    patience: Duration,
    mut holds: impl FnMut() -> Result<bool, String>,
) -> Result<Duration, String> {
    let start = Instant::now();
    while !holds()? {
        if start.elapsed() > patience {
            return Err(format!("waited in vain for {what}"));
        }
        thread::sleep(Duration::from_millis(50));
    }
    Ok(start.elapsed())
}

/// Does it again where a loaded machine may have spoilt it; a defect spoils every one.
fn attempts(times: u32, mut attempt: impl FnMut() -> Checked) -> Checked {
    let mut last = Ok(());
    for number in 1..=times {
        last = attempt();
        match &last {
            Ok(()) => return last,
            Err(why) => say(&format!("attempt {number} of {times}: {why}")),
        }
    }
    last
}

/// Straight to standard error: this is a test without a harness.
fn say(text: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "hybrid: {text}");
}

fn text(error: impl std::fmt::Display) -> String {
    format!("{error:#}")
}
