//! The programs under test: started in a namespace, waited for, taken down.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use nix::sched::CloneFlags;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::lab::domain::LabError;
use crate::platform::netns::Netns;

/// How long a program may take from start to `ready`.
const START_PATIENCE: Duration = Duration::from_secs(10);
/// How long it may take from SIGTERM to its end; the contract says 5 s.
const END_PATIENCE: Duration = Duration::from_secs(5);
/// Lines of its log shown when it failed.
const LOG_TAIL: usize = 12;

/// A running `mag` or `lma`; dropping it ends it.
pub(in crate::lab) struct Program {
    name: String,
    child: Child,
    log: PathBuf,
    /// Where its control socket is.
    pub(in crate::lab) control: PathBuf,
}

impl Program {
    /// Starts `pmip NAME` in `namespace` and waits until it is ready. Everything it writes goes to
    /// `directory`.
    ///
    /// # Errors
    /// When it cannot be started, or ends before it is ready.
    pub(super) fn start(
        role: &str,
        namespace: &Netns,
        directory: &Path,
        config: &Path,
    ) -> Result<Self, LabError> {
        Self::start_as(role, role, namespace, directory, config)
    }

    /// The same for one of several nodes: `role` is `mag` or `lma`, files are called after `name`.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub(in crate::lab) fn start_as(
        role: &str,
        name: &str,
        namespace: &Netns,
        directory: &Path,
        config: &Path,
    ) -> Result<Self, LabError> {
        let failed = |error: io::Error| LabError::domain(&format!("starting {name}"), error);
        let log = directory.join(format!("{name}.log"));
        let control = directory.join(format!("{name}.sock"));
        let executable = std::env::current_exe().map_err(failed)?;
        let mut command = Command::new(executable);
        command
            .arg(role)
            .arg("--config")
            .arg(config)
            .arg("--control")
            .arg(&control)
            .arg("--state-dir")
            .arg(directory.join(name))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(
                File::options()
                    .create(true)
                    .append(true)
                    .open(&log)
                    .map_err(failed)?,
            );
        let mut child = spawn_in(namespace, command).map_err(failed)?;
        let output = child.stdout.take();
        let mut program = Self {
            name: name.to_owned(),
            child,
            log,
            control,
        };
        program.wait_until_ready(output)?;
        Ok(program)
    }

    /// Checks that it still runs.
    ///
    /// # Errors
    /// With the end of its log when it does not.
    pub(in crate::lab) fn check(&mut self) -> Result<(), LabError> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(self.failure(&format!("ended with {status}"))),
            Err(error) => Err(self.failure(&error.to_string())),
        }
    }

    /// Ends it by SIGTERM.
    ///
    /// # Errors
    /// With the end of its log when it does not exit with 0 in time.
    pub(in crate::lab) fn stop(mut self) -> Result<(), LabError> {
        match self.end() {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(self.failure(&format!("ended with {status} on SIGTERM"))),
            None => Err(self.failure("did not end within 5 s of SIGTERM")),
        }
    }

    /// Ends it by SIGKILL, as a power cut would.
    pub(in crate::lab) fn kill(mut self) {
        // One that ended just now is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn wait_until_ready(&mut self, output: Option<ChildStdout>) -> Result<(), LabError> {
        let (sender, ready) = mpsc::channel();
        if let Some(output) = output {
            // Lives as long as the program's standard output, so that it never blocks on it.
            thread::spawn(move || {
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    if line.starts_with("ready") {
                        let _ = sender.send(());
                    }
                }
            });
        }
        match ready.recv_timeout(START_PATIENCE) {
            Ok(()) => Ok(()),
            Err(mpsc::RecvTimeoutError::Timeout) => Err(self.failure("is not ready after 10 s")),
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                let status = self.child.wait().map(|status| status.to_string());
                let status = status.unwrap_or_else(|error| error.to_string());
                Err(self.failure(&format!("ended before it was ready, {status}")))
            }
        }
    }

    fn failure(&self, what: &str) -> LabError {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let tail = lines.get(lines.len().saturating_sub(LOG_TAIL)..);
        let tail = tail.unwrap_or_default().join("\n  ");
        LabError::Domain(format!("{} {what}; its log ends:\n  {tail}", self.name))
    }

    /// SIGTERM, and SIGKILL after the time of the contract; its status where it ended by itself.
    fn end(&mut self) -> Option<ExitStatus> {
        let id = i32::try_from(self.child.id()).ok()?;
        if let Ok(Some(status)) = self.child.try_wait() {
            return Some(status);
        }
        // One that ended just now is fine.
        let _ = kill(Pid::from_raw(id), Signal::SIGTERM);
        let deadline = Instant::now() + END_PATIENCE;
        while Instant::now() < deadline {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(status);
            }
            thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        None
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.end();
    }
}

/// Starts `command` in `namespace`. It dies with the calling thread, whatever happens to us, and
/// Ctrl-C in our terminal does not reach it.
fn spawn_in(namespace: &Netns, mut command: Command) -> io::Result<Child> {
    let handle = namespace.as_fd().try_clone_to_owned()?;
    command.process_group(0);
    let enter = move || {
        nix::sched::setns(&handle, CloneFlags::CLONE_NEWNET)?;
        nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?;
        Ok(())
    };
    // SAFETY: between fork and exec the closure makes two system calls and allocates nothing.
    unsafe { command.pre_exec(enter) };
    command.spawn()
}
