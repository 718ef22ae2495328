//! The lab in network namespaces with the real programs: what needs rights.
//!
//! Without the rights it prints SKIP and passes; with `PMIP_REQUIRE_NETNS=1` a SKIP is a failure.

mod common;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread;

use common::{Checked, Lab, end_capture, exists, parse, run, tcpdump, tshark, wait_for};
use nix::sched::CloneFlags;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use pmip_examples::platform::netns::may_create;
use serde_json::Value;

/// A check; its argument says whether a missing tool is a failure.
type Check = fn(bool) -> Checked;

fn main() -> ExitCode {
    let required = std::env::var_os("PMIP_REQUIRE_NETNS").is_some_and(|value| value == "1");
    if !may_create() || !Path::new("/dev/net/tun").exists() {
        say("SKIP netns: this process may make no network namespaces or TUN devices (run as root)");
        return verdict(!required);
    }
    let checks: [(&str, Check); 6] = [
        ("a killed lab leaves no program behind", killed),
        (
            "quickstart passes, and its packets are what they should be",
            quickstart,
        ),
        ("an interrupted lab leaves nothing behind", interrupted),
        ("a fault makes its claim fall", broken),
        (
            "an anchor outlives its log, is configured while it runs, and keeps its restart counter",
            operated,
        ),
        (
            "acceptance scenarios pass, and a fault makes the claim fall that it names",
            scenarios,
        ),
    ];
    let mut passed = true;
    for (name, check) in checks {
        let result = check(required);
        passed &= result.is_ok();
        match result {
            Ok(()) => say(&format!("ok      {name}")),
            Err(why) => say(&format!("FAILED  {name}: {why}")),
        }
    }
    verdict(passed)
}

/// Would break: a program that outlives its lab, and a sweep that misses what is left.
fn killed(_: bool) -> Checked {
    let mut lab = Lab::start(&[])?;
    lab.wait_until_running()?;
    lab.signal(Signal::SIGKILL)?;
    lab.wait()?;
    wait_for("the programs to end", || !lab.has_programs())?;
    if lab.namespaces().is_empty() {
        return Err("a killed lab cannot remove its namespaces, yet none is left".to_owned());
    }
    let mut next = Lab::start(&[])?;
    next.wait_until_running()?;
    let left = lab.leftovers();
    next.signal(Signal::SIGTERM)?;
    next.wait()?;
    none_left(&left)
}

/// Would break: anything of the real programs; the encoding of signalling; path sockets that send
/// by another path.
fn quickstart(required: bool) -> Checked {
    let mut lab = Lab::start(&[])?;
    let capture = Capture::start(&lab, required)?;
    let (code, result) = lab.wait()?;
    let result = parse(&result)?;
    if code != 0 || result["ok"] != true || result["failed_rows"] != serde_json::json!([]) {
        return Err(format!("exit {code}: {result:#}"));
    }
    let measured = result["outages"].as_array().map_or(0, Vec::len);
    if measured != 2 {
        return Err(format!("{measured} outages measured, not 2"));
    }
    none_left(&lab.leftovers())?;
    match capture {
        Some(capture) => capture.check(),
        None => Ok(()),
    }
}

/// Would break: the framework of the acceptance scenarios; `pmip lab all` runs them all.
fn scenarios(_: bool) -> Checked {
    let faulty = ["end-points", "--break", "data-lost"];
    let runs: [(&[&str], i32, Value); 4] = [
        (&["end-points"], 0, serde_json::json!([])),
        (&["udp-carrier"], 0, serde_json::json!([])),
        (&["lma-peer"], 0, serde_json::json!([])),
        (&faulty, 1, serde_json::json!([2])),
    ];
    for (words, code, rows) in runs {
        let output = Command::new(env!("CARGO_BIN_EXE_pmip"))
            .arg("lab")
            .args(words)
            .args(["--netns", "--json"])
            .output()
            .map_err(|error| error.to_string())?;
        let result = parse(&String::from_utf8_lossy(&output.stdout))?;
        if output.status.code() != Some(code) || result["failed_rows"] != rows {
            return Err(format!("{words:?}: {}: {result:#}", output.status));
        }
    }
    Ok(())
}

/// Would break: clean-up on a signal.
fn interrupted(_: bool) -> Checked {
    let mut lab = Lab::start(&[])?;
    lab.wait_until_running()?;
    lab.signal(Signal::SIGINT)?;
    let (code, result) = lab.wait()?;
    if code != 130 {
        return Err(format!("exit {code}, not 130"));
    }
    if parse(&result)?["error"] != "interrupted" {
        return Err(format!("the result does not say so: {result}"));
    }
    none_left(&lab.leftovers())
}

/// Would break: a claim that cannot fail on the real programs.
fn broken(_: bool) -> Checked {
    let mut lab = Lab::start(&["--break", "no-heartbeat"])?;
    let (code, result) = lab.wait()?;
    let result = parse(&result)?;
    if code != 1 || result["failed_rows"] != serde_json::json!([38]) {
        return Err(format!("exit {code}: {result:#}"));
    }
    Ok(())
}

/// Would break: a panic on a closed log; SIGHUP; all or nothing of `pmip configure`; what is kept
/// over an end in order, and that a crash is one.
fn operated(_: bool) -> Checked {
    let anchor = Anchor::new()?;
    let mut first = anchor.start()?;
    anchor.expect(&["configure", NODE, "bce lifetime 900"], 0)?;
    anchor.expect(
        &["configure", NODE, "bce lifetime 800", "bce lifetime 1"],
        2,
    )?;
    anchor.expect(
        &[
            "configure",
            NODE,
            "address ipv4 192.0.2.9",
            "no address ipv4 192.0.2.1",
        ],
        1,
    )?;
    wait_for("the lifetime of `configure`", || {
        anchor.lifetime() == Some(900.0)
    })?;
    let text = anchor.config("bce lifetime 700");
    fs::write(anchor.directory.join("lma.cfg"), text).map_err(|error| error.to_string())?;
    first.signal(Signal::SIGHUP)?;
    wait_for("the lifetime of the file", || {
        anchor.lifetime() == Some(700.0)
    })?;
    first.signal(Signal::SIGTERM)?;
    first.ended()?;
    if !anchor.directory.join("state/bindings.json").exists() {
        return Err("an end in order leaves no bindings".to_owned());
    }
    let mut second = anchor.start()?;
    anchor.counter("1")?;
    second.signal(Signal::SIGKILL)?;
    let _ = second.0.wait();
    let third = anchor.start()?;
    drop(third);
    anchor.counter("2")
}

const NODE: &str = "ipv6 mobile pmipv6-lma L domain D";

/// An LMA in a network namespace of its own.
struct Anchor {
    namespace: File,
    directory: PathBuf,
}

/// One run of it.
struct Run(Child);

impl Anchor {
    fn new() -> Result<Self, String> {
        let directory = std::env::temp_dir().join(format!("pmip-anchor-{}", std::process::id()));
        fs::create_dir_all(&directory).map_err(|error| error.to_string())?;
        let made = thread::spawn(|| {
            nix::sched::unshare(CloneFlags::CLONE_NEWNET).map_err(|error| error.to_string())?;
            run(Command::new("ip").args(["link", "set", "lo", "up"]))?;
            run(Command::new("ip").args(["address", "add", "192.0.2.1/32", "dev", "lo"]))?;
            File::open("/proc/thread-self/ns/net").map_err(|error| error.to_string())
        });
        let namespace = made
            .join()
            .map_err(|_| "the thread panicked".to_owned())??;
        let anchor = Self {
            namespace,
            directory,
        };
        let text = anchor.config("multipath");
        fs::write(anchor.directory.join("lma.cfg"), text).map_err(|error| error.to_string())?;
        Ok(anchor)
    }

    fn config(&self, line: &str) -> String {
        format!("{NODE}\n address ipv4 192.0.2.1\n {line}\n")
    }

    /// Runs it with a log that nobody reads.
    fn start(&self) -> Result<Run, String> {
        let spawned = thread::scope(|scope| {
            let inside = scope.spawn(|| {
                nix::sched::setns(&self.namespace, CloneFlags::CLONE_NEWNET)?;
                Command::new(env!("CARGO_BIN_EXE_lma"))
                    .current_dir(&self.directory)
                    .args(["--config", "lma.cfg", "--control", "lma.sock", "-vv"])
                    .args(["--state-dir", "state"])
                    .stdin(Stdio::null())
                    .stdout(Stdio::null())
                    .stderr(Stdio::piped())
                    .spawn()
            });
            let panicked = |_| Err(std::io::Error::other("the thread panicked"));
            inside.join().unwrap_or_else(panicked)
        });
        let mut child = spawned.map_err(|error| error.to_string())?;
        drop(child.stderr.take());
        let run = Run(child);
        wait_for("the LMA to answer", || self.lifetime().is_some())?;
        Ok(run)
    }

    fn pmip(&self, arguments: &[&str]) -> Result<std::process::Output, String> {
        Command::new(env!("CARGO_BIN_EXE_pmip"))
            .args(arguments)
            .arg("--control")
            .arg(self.directory.join("lma.sock"))
            .output()
            .map_err(|error| error.to_string())
    }

    fn expect(&self, arguments: &[&str], code: i32) -> Checked {
        let output = self.pmip(arguments)?;
        if output.status.code() == Some(code) {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(format!(
            "{arguments:?}: {} and not {code}: {said}",
            output.status
        ))
    }

    fn lifetime(&self) -> Option<f64> {
        let output = self.pmip(&["show", "globals", "--json"]).ok()?;
        let globals: Value = serde_json::from_slice(&output.stdout).ok()?;
        globals["lifetime_s"].as_f64()
    }

    fn counter(&self, expected: &str) -> Checked {
        let file = self.directory.join("state/restart-counter");
        let found = fs::read_to_string(file).map_err(|error| error.to_string())?;
        if found.trim() == expected {
            return Ok(());
        }
        Err(format!("the restart counter is {found}, not {expected}"))
    }
}

impl Drop for Anchor {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

impl Run {
    fn signal(&self, signal: Signal) -> Checked {
        let id = i32::try_from(self.0.id()).map_err(|error| error.to_string())?;
        kill(Pid::from_raw(id), signal).map_err(|error| error.to_string())
    }

    fn ended(&mut self) -> Checked {
        let status = self.0.wait().map_err(|error| error.to_string())?;
        match status.success() {
            true => Ok(()),
            false => Err(format!("the LMA ends with {status}")),
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What `tcpdump` saw at the LMA's end of both WANs.
struct Capture {
    paths: Vec<(&'static str, &'static str, PathBuf)>,
    running: Vec<Child>,
}

impl Capture {
    /// Each WAN with the care-of address that belongs to it.
    const PATHS: [(&'static str, &'static str); 2] =
        [("wan1", "198.51.100.2"), ("wan2", "100.64.2.2")];

    /// `None` where the tools are missing and nobody insists.
    fn start(lab: &Lab, required: bool) -> Result<Option<Self>, String> {
        for tool in ["tcpdump", "tshark"] {
            if !exists(tool) {
                let text = format!("{tool} is not installed: packets are not looked at");
                if required {
                    return Err(text);
                }
                say(&format!("SKIP {text}"));
                return Ok(None);
            }
        }
        let mut capture = Self {
            paths: Vec::new(),
            running: Vec::new(),
        };
        for (wan, care_of) in Self::PATHS {
            let file = std::env::temp_dir().join(format!("pmip-netns-{}-{wan}.pcap", lab.id));
            let filter = ["udp port 5436 or udp port 5437"];
            let namespace = lab.namespace("lma");
            capture
                .running
                .push(tcpdump(&namespace, wan, &file, &filter)?);
            capture.paths.push((wan, care_of, file));
        }
        Ok(Some(capture))
    }

    fn check(mut self) -> Checked {
        for child in &mut self.running {
            end_capture(child)?;
        }
        let mut updates = 0;
        for (wan, care_of, file) in &self.paths {
            let signalling = tshark(file, "udp.port == 5436")?;
            if !signalling.contains(care_of) {
                return Err(format!("{wan}: no signalling of {care_of}"));
            }
            let malformed = tshark(file, "udp.port == 5436 && (_ws.malformed || !mipv6)")?;
            if !malformed.is_empty() {
                return Err(format!("{wan}: tshark cannot read\n{malformed}"));
            }
            updates += tshark(file, "mip6.mhtype == 5 || mip6.mhtype == 6")?
                .lines()
                .count();
            if tshark(file, "mip6.mhtype == 13")?.is_empty() {
                return Err(format!("{wan}: no heartbeat"));
            }
            outer_addresses(wan, care_of, file)?;
        }
        if updates < 2 {
            return Err("no binding update and acknowledgement seen".to_owned());
        }
        Ok(())
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        for child in &mut self.running {
            let _ = child.kill();
            let _ = child.wait();
        }
        for (_, _, file) in &self.paths {
            let _ = fs::remove_file(file);
        }
    }
}

/// Data on a path: port 5437 between its own care-of address and the LMA, both ways, nothing else.
fn outer_addresses(wan: &str, care_of: &str, file: &Path) -> Checked {
    let text = run(Command::new("tcpdump")
        .args(["-n", "-t", "-r"])
        .arg(file)
        .arg("udp port 5437"))?;
    let up = format!("IP {care_of}.5437 > 192.0.2.1.5437: UDP");
    let down = format!("IP 192.0.2.1.5437 > {care_of}.5437: UDP");
    for expected in [&up, &down] {
        if !text.lines().any(|line| line.starts_with(expected.as_str())) {
            return Err(format!("{wan}: tcpdump shows no `{expected}`"));
        }
    }
    let foreign = text
        .lines()
        .find(|line| !line.starts_with(&up) && !line.starts_with(&down));
    match foreign {
        Some(line) => Err(format!(
            "{wan}: a packet that does not belong there: {line}"
        )),
        None => Ok(()),
    }
}

fn none_left(left: &[PathBuf]) -> Checked {
    if left.is_empty() {
        return Ok(());
    }
    Err(format!("left behind: {left:?}"))
}

fn verdict(passed: bool) -> ExitCode {
    if passed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Straight to standard error: this is a test without a harness.
fn say(text: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "netns: {text}");
}
