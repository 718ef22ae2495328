//! `pmip decode` as a program: capture files in, the contract's JSON and trees out.

mod around;
mod capture;
mod contract;
mod files;
mod fragments;
mod hostile;
mod links;
mod nested;
mod tunnels;

use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// What a run of `pmip decode` gave.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// The objects that it printed.
    pub(crate) fn json(&self) -> Vec<Value> {
        let lines = self.stdout.lines();
        lines
            .map(|line| serde_json::from_str(line).expect("a JSON object a line"))
            .collect()
    }

    /// The one object, of an input without flaws.
    pub(crate) fn only(&self) -> Value {
        assert_eq!(self.code, 0, "{}{}", self.stdout, self.stderr);
        let mut all = self.json();
        assert_eq!(all.len(), 1, "{}{}", self.stdout, self.stderr);
        all.remove(0)
    }
}

/// Runs `pmip decode` with `input` on standard input.
pub(crate) fn run(arguments: &[&str], input: &[u8]) -> Run {
    let mut child = Command::new(env!("CARGO_BIN_EXE_pmip"))
        .arg("decode")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = input.to_vec();
    let writer = std::thread::spawn(move || {
        // A program that stops reading closes the pipe.
        let _ = stdin.write_all(&input);
    });
    let Output {
        status,
        stdout,
        stderr,
    } = child.wait_with_output().expect("the program ends");
    writer.join().expect("the writer ends");
    Run {
        code: status.code().expect("no signal ended it"),
        stdout: String::from_utf8(stdout).expect("text"),
        stderr: String::from_utf8(stderr).expect("text"),
    }
}

/// The contract's JSON of a capture.
pub(crate) fn json(file: &[u8]) -> Run {
    run(&["-", "--json"], file)
}
