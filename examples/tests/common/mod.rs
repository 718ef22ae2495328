//! What the tests that need rights have in common: a running lab, tools, patience.
#![allow(dead_code, reason = "each test uses its part")]

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sched::CloneFlags;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

pub(crate) type Checked = Result<(), String>;

/// How long anything may take before it counts as hung.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// A running `pmip lab quickstart --netns --json`.
pub(crate) struct Lab {
    child: Child,
    pub(crate) id: u32,
}

impl Lab {
    pub(crate) fn start(arguments: &[&str]) -> Result<Self, String> {
        let child = Command::new(env!("CARGO_BIN_EXE_pmip"))
            .args(["lab", "quickstart", "--netns", "--json"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| error.to_string())?;
        let id = child.id();
        Ok(Self { child, id })
    }

    pub(crate) fn signal(&self, signal: Signal) -> Checked {
        let id = i32::try_from(self.id).map_err(|error| error.to_string())?;
        kill(Pid::from_raw(id), signal).map_err(|error| error.to_string())
    }

    /// Exit code and standard output; a code of -1 is a signal.
    pub(crate) fn wait(&mut self) -> Result<(i32, String), String> {
        let mut output = String::new();
        if let Some(mut stdout) = self.child.stdout.take() {
            stdout
                .read_to_string(&mut output)
                .map_err(|error| error.to_string())?;
        }
        let status = self.child.wait().map_err(|error| error.to_string())?;
        Ok((status.code().unwrap_or(-1), output))
    }

    pub(crate) fn wait_until_running(&self) -> Checked {
        let control = self.directory().join("mag.sock");
        wait_for("the MAG's control socket", || control.exists())
    }

    pub(crate) fn directory(&self) -> PathBuf {
        std::env::temp_dir().join(format!("pmip-lab-{}", self.id))
    }

    pub(crate) fn namespace(&self, role: &str) -> PathBuf {
        PathBuf::from(format!("/run/netns/pmip-{}-{role}", self.id))
    }

    pub(crate) fn namespaces(&self) -> Vec<PathBuf> {
        let ours = format!("pmip-{}-", self.id);
        let entries = fs::read_dir("/run/netns").into_iter().flatten().flatten();
        let names = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(&ours));
        names.map(|entry| entry.path()).collect()
    }

    pub(crate) fn leftovers(&self) -> Vec<PathBuf> {
        let mut left = self.namespaces();
        left.extend(Some(self.directory()).filter(|directory| directory.exists()));
        left
    }

    /// Whether a program runs with a configuration of this lab.
    pub(crate) fn has_programs(&self) -> bool {
        let mark = self.directory().join("lab.toml").display().to_string();
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        let mut commands = processes.map(|entry| fs::read(entry.path().join("cmdline")));
        commands.any(|command| {
            command.is_ok_and(|command| String::from_utf8_lossy(&command).contains(&mark))
        })
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // One that ended already is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn tshark(file: &Path, filter: &str) -> Result<String, String> {
    run(Command::new("tshark")
        .arg("-n")
        .arg("-r")
        .arg(file)
        .args(["-Y", filter]))
}

pub(crate) fn run(command: &mut Command) -> Result<String, String> {
    let output = command.stderr(Stdio::piped()).output();
    let output = output.map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

pub(crate) fn exists(tool: &str) -> bool {
    let mut command = Command::new(tool);
    command
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

pub(crate) fn parse(output: &str) -> Result<Value, String> {
    serde_json::from_str(output).map_err(|error| format!("not one JSON object ({error}): {output}"))
}

pub(crate) fn wait_for(what: &str, mut holds: impl FnMut() -> bool) -> Checked {
    let start = Instant::now();
    while !holds() {
        if start.elapsed() > PATIENCE {
            return Err(format!("waited in vain for {what}"));
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// Starts `command` in the namespace that `path` names.
pub(crate) fn spawn_inside(path: &Path, command: &mut Command) -> std::io::Result<Child> {
    inside(path, || command.spawn())
}

/// Does `work` in a thread of that namespace: what it opens belongs there.
pub(crate) fn inside<T: Send>(
    path: &Path,
    work: impl FnOnce() -> std::io::Result<T> + Send,
) -> std::io::Result<T> {
    let handle = File::open(path)?;
    thread::scope(|scope| {
        let worker = scope.spawn(|| {
            nix::sched::setns(&handle, CloneFlags::CLONE_NEWNET)?;
            work()
        });
        let panicked = |_| Err(std::io::Error::other("the thread panicked"));
        worker.join().unwrap_or_else(panicked)
    })
}

/// Captures what passes `link` of a namespace into `file`, as soon as that link is there; at most
/// 256 octets of each packet that `filter`, options and an expression, lets through.
pub(crate) fn tcpdump(
    namespace: &Path,
    link: &str,
    file: &Path,
    filter: &[&str],
) -> Result<Child, String> {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        let mut command = Command::new("tcpdump");
        command
            .args(["-U", "-s", "256", "-Z", "root", "-i", link, "-w"])
            .arg(file)
            .args(filter)
            .stdin(Stdio::null())
            .stderr(Stdio::null());
        if let Ok(mut child) = spawn_inside(namespace, &mut command) {
            // It ends at once while there is no such interface.
            thread::sleep(Duration::from_millis(150));
            if matches!(child.try_wait(), Ok(None)) {
                return Ok(child);
            }
        }
        thread::sleep(Duration::from_millis(20));
    }
    Err(format!("tcpdump does not start on {link}"))
}

/// Ends a capture in order.
pub(crate) fn end_capture(child: &mut Child) -> Checked {
    // It ends by itself when its interface goes.
    let id = i32::try_from(child.id()).map_err(|error| error.to_string())?;
    let _ = kill(Pid::from_raw(id), Signal::SIGINT);
    child.wait().map(drop).map_err(|error| error.to_string())
}
