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

/// The readings of `cases` by `script`; `None`, loudly, where what it needs is not installed.
///
/// # Panics
/// Where `PMIP_REQUIRE_ORACLES=1` and something is not installed, or where an oracle does not answer
/// each case.
pub(crate) fn read(script: &str, cases: &[Case]) -> Option<Vec<Reading>> {
    if let Err(why) = probe(script) {
        let required = std::env::var_os("PMIP_REQUIRE_ORACLES").is_some_and(|value| value == "1");
        let text =
            format!("{why}; `.ci/run packages` and `.ci/run oracles` install what is needed");
        assert!(!required, "{text}");
        // Past the capture of test output, which is shown only for failures.
        let _ = writeln!(std::io::stderr(), "SKIP {script}: {text}");
        return None;
    }
    let lines: String = cases.iter().map(line).collect();
    let output = run(script, lines);
    let readings: Vec<Reading> = output
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    assert_eq!(readings.len(), cases.len(), "{script} answers each case");
    Some(readings)
}

/// The script, to be run by the virtual environment that `.ci/run oracles` makes, else by what
/// there is.
fn command(script: &str) -> Command {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = package.join("../target/oracles/bin/python");
    let python = if python.exists() {
        python
    } else {
        PathBuf::from("python3")
    };
    let mut command = Command::new(python);
    command.arg(package.join("tests/differential").join(script));
    command
}

/// Whether the script has what it needs, in the version that the tables are about; else what it
/// says.
fn probe(script: &str) -> Result<(), String> {
    let output = command(script).arg("--probe").output();
    let output = output.map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    let last = complaint.lines().last().unwrap_or("it does not say why");
    Err(last.to_owned())
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

fn run(script: &str, lines: String) -> String {
    let mut child = command(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it has just been started");
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
