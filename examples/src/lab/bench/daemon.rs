//! Programs of the bench: their lives, their processor time, and the line protocol of our own ends.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};

use super::node::NodeSpec;
use super::node_command;
use crate::platform::netns::Netns;

/// A program that ends when this is dropped.
pub(super) struct Daemon(pub(super) Child);

impl Daemon {
    /// Whether it has ended by itself.
    pub(super) fn has_ended(&mut self) -> bool {
        self.0.try_wait().is_ok_and(|status| status.is_some())
    }

    pub(super) fn processor_time(&self) -> Result<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0.id()))
            .context("reading a daemon's processor time: has it ended?")?;
        // The name in parentheses may hold spaces; user and system time are fields 14 and 15.
        let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        let ticks: u64 = after_name
            .split_whitespace()
            .skip(11)
            .take(2)
            .filter_map(|field| field.parse::<u64>().ok())
            .sum();
        let per_second = nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK)?.unwrap_or(100);
        Ok(Duration::from_secs_f64(ticks as f64 / per_second as f64))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// One of our tunnel ends.
pub(super) struct Node {
    pub(super) daemon: Daemon,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    paths: usize,
}

impl Node {
    pub(super) fn start(namespace: &Netns, spec: &NodeSpec) -> Result<Self> {
        let mut command = node_command(spec)?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut daemon = Daemon(namespace.spawn(command)?);
        let input = daemon.0.stdin.take().context("a node's input")?;
        let output = daemon.0.stdout.take().context("a node's output")?;
        let mut node = Self {
            daemon,
            input,
            output: BufReader::new(output),
            paths: spec.paths.len(),
        };
        node.answer()?;
        Ok(node)
    }

    pub(super) fn use_paths(&mut self, paths: usize) -> Result<()> {
        if self.paths == paths {
            return Ok(());
        }
        self.paths = paths;
        writeln!(self.input, "{paths}")?;
        self.answer()
    }

    fn answer(&mut self) -> Result<()> {
        let mut line = String::new();
        match self.output.read_line(&mut line)? {
            0 => Err(anyhow!("a tunnel end ended; its message is above")),
            _ => Ok(()),
        }
    }
}
