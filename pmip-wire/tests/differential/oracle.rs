//! The other implementations: found, run, and what they read.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use serde::Deserialize;
use serde_json::json;

use crate::cases::{Case, DESTINATION, SOURCE};

/// What an oracle read of one message.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Reading {
    pub fields: Given,
    /// What it complains about.
    pub notes: Vec<String>,
    /// With padding.
    pub options: Vec<ReadOption>,
    /// The message that it makes of what it read.
    #[serde(default)]
    pub made: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct ReadOption {
    pub number: u8,
    /// The whole option, where the oracle tells.
    pub octets: Option<String>,
    pub fields: Given,
    pub notes: Vec<String>,
}

/// The oracle's fields in its order, under its names.
pub(crate) type Given = Vec<(String, GivenLeaf)>;

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub(crate) enum GivenLeaf {
    Number(i64),
    Hex(String),
}

/// The readings of `cases` by `script`; `None`, loudly, where the tools are not installed.
///
/// # Panics
/// Where `PMIP_REQUIRE_ORACLES=1` and the tools are not installed, or where an oracle does not
/// answer each case.
pub(crate) fn read(script: &str, tool: &str, cases: &[Case]) -> Option<Vec<Reading>> {
    let python = python();
    if let Err(why) = probe(&python, tool) {
        let required = std::env::var_os("PMIP_REQUIRE_ORACLES").is_some_and(|value| value == "1");
        assert!(!required, "{tool} is required: {why}");
        skip(tool, &why);
        return None;
    }
    let lines: String = cases.iter().map(line).collect();
    let output = run(&python, script, lines);
    let readings: Vec<Reading> = output
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    assert_eq!(readings.len(), cases.len(), "{tool} answers each case");
    Some(readings)
}

/// The interpreter of the virtual environment that `.ci/run oracles` makes.
fn python() -> PathBuf {
    if let Some(python) = std::env::var_os("PMIP_ORACLE_PYTHON") {
        return python.into();
    }
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/oracles/bin/python")
}

fn probe(python: &Path, tool: &str) -> Result<(), String> {
    let mut command = match tool {
        "tshark" => Command::new("tshark"),
        module => {
            let mut command = Command::new(python);
            command.args(["-c", &format!("import {module}")]);
            command
        }
    };
    if tool == "tshark" {
        command.arg("--version");
    }
    let output = command.output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Past the capture of test output, which is shown only for failures.
fn skip(tool: &str, why: &str) {
    let text = format!("SKIP differential: no {tool} ({why}); `.ci/run oracles` installs it\n");
    let _ = std::io::stderr().write_all(text.as_bytes());
}

fn line(case: &Case) -> String {
    let line = json!({
        "octets": hex(&case.wire),
        "transport": case.transport(),
        "source": hex(&SOURCE.octets()),
        "destination": hex(&DESTINATION.octets()),
    });
    format!("{line}\n")
}

fn run(python: &Path, script: &str, lines: String) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/differential")
        .join(script);
    let mut child = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the interpreter starts");
    let mut input = child.stdin.take().expect("piped");
    // From a thread of its own: the helper answers while it is still being asked.
    let writer = thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = child.wait_with_output().expect("the helper ends");
    writer
        .join()
        .expect("no panic")
        .expect("the helper reads all");
    assert!(output.status.success(), "the helper fails");
    String::from_utf8(output.stdout).expect("text")
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// The octets behind hexadecimal digits.
pub(crate) fn unhex(digits: &str) -> Vec<u8> {
    let octet = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).expect("hexadecimal");
    (0..digits.len()).step_by(2).map(octet).collect()
}
