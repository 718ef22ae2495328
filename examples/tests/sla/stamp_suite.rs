//! Ours against `stamp-suite`, an implementation of RFC 8762 and RFC 8972 from crates.io, in both
//! roles, with and without authentication.

use std::io::Write;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::{KeyFile, Responder, json, probe, stderr};

const SECRET: &str = "sesame-sesame-se";

/// The program; `None`, loudly, where it is not installed.
///
/// # Panics
/// Where it is not installed and `PMIP_REQUIRE_ORACLES=1`.
fn program() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let program = root.join("target/oracles/bin/stamp-suite");
    let runs = Command::new(&program).arg("--version").output();
    if runs.is_ok_and(|output| output.status.success()) {
        return Some(program);
    }
    let required = std::env::var_os("PMIP_REQUIRE_ORACLES").is_some_and(|value| value == "1");
    let text = "target/oracles/bin/stamp-suite is not installed; `.ci/run oracles` installs it";
    assert!(!required, "{text}");
    // Past the capture of test output, which is shown only for failures.
    let _ = writeln!(std::io::stderr(), "SKIP stamp-suite: {text}");
    None
}

fn key_in_hex() -> String {
    SECRET.bytes().map(|octet| format!("{octet:02x}")).collect()
}

/// Their reflector on a free port; stopped when dropped.
struct Reflector {
    child: Child,
    target: String,
}

impl Reflector {
    fn start(program: &Path, arguments: &[&str]) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        let target = socket.local_addr().expect("it is bound");
        drop(socket);
        let port = target.port().to_string();
        let child = Command::new(program)
            .args([
                "--is-reflector",
                "--local-addr",
                "127.0.0.1",
                "--local-port",
                &port,
            ])
            .args(arguments)
            .env("STAMP_HMAC_KEY", key_in_hex())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it was run before");
        Self {
            child,
            target: target.to_string(),
        }
    }

    /// Our measurement, as soon as it is up.
    fn measure(&self, arguments: &[&str]) -> Value {
        let shape = [
            "--target",
            &self.target,
            "--protocol",
            "stamp",
            "--packets",
            "10",
        ];
        let timing = ["--interval", "10", "--timeout", "500", "--json"];
        let mut last = String::new();
        for _ in 0..20 {
            let output = probe(&[&shape[..], &timing, arguments].concat());
            // It may come up in the midst of a measurement.
            if output.status.success() && json(&output.stdout)["lost"] == 0 {
                return json(&output.stdout);
            }
            last = stderr(&output);
            thread::sleep(Duration::from_millis(100));
        }
        panic!("their reflector does not answer: {last}");
    }
}

impl Drop for Reflector {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn our_sender_measures_their_reflector() {
    let Some(program) = program() else { return };
    let key = KeyFile::new("reflector", SECRET);
    let with_key = ["--key-file", key.path()];
    for (theirs, ours) in [
        (&[][..], &[][..]),
        (&["--stateful-reflector"], &[]),
        (&["--clock-source", "PTP"], &[]),
        (&["--auth-mode", "A"], &with_key[..]),
    ] {
        let result = Reflector::start(&program, theirs).measure(ours);
        assert_eq!(result["received"], 10, "{theirs:?}: {result}");
        assert_eq!(result["duplicates"], 0);
        // Their clock is ours: each way takes less than both.
        let [there, back, both] = [
            &result["jitter_ms"]["forward"]["average"],
            &result["jitter_ms"]["backward"]["average"],
            &result["rtt_ms"]["max"],
        ]
        .map(|value| value.as_f64().expect("it is measured"));
        assert!(there <= both && back <= both, "{theirs:?}: {result}");
    }
}

/// Their sender towards our reflector; its summary.
fn their_measurement(program: &Path, port: u64, arguments: &[&str]) -> Value {
    let port = port.to_string();
    let mut command = Command::new(program);
    if arguments.contains(&"A") {
        command.env("STAMP_HMAC_KEY", key_in_hex());
    }
    let output = command
        .args([
            "--remote-addr",
            "127.0.0.1",
            "--remote-port",
            &port,
            "--count",
            "10",
        ])
        .args([
            "--send-delay",
            "10",
            "--timeout",
            "1",
            "--output-format",
            "json",
        ])
        .args(arguments)
        .output()
        .expect("it was run before");
    assert!(output.status.success(), "{}", stderr(&output));
    json(&output.stdout)
}

const TLVS: [&str; 9] = [
    "--cos",
    "--dscp",
    "46",
    "--timestamp-info",
    "--direct-measurement",
    "--location",
    "--follow-up-telemetry",
    "--extra-padding",
    "33",
];

#[test]
fn their_sender_measures_our_reflector_and_finds_its_tlvs_right() {
    let Some(program) = program() else { return };
    let key = KeyFile::new("sender", SECRET);
    let with_key = ["--key-file", key.path()];
    for (ours, theirs) in [
        (&[][..], &["--auth-mode", "O", "--tlv-hmac", "off"][..]),
        (&["--stateful"], &["--auth-mode", "O", "--tlv-hmac", "off"]),
        (&with_key[..], &["--auth-mode", "A"]),
    ] {
        let responder = Responder::start(ours);
        let arguments = [theirs, &TLVS[..]].concat();
        let result = their_measurement(&program, responder.stamp, &arguments);
        let case = format!("{ours:?}: {result:#}");
        assert_eq!(result["packets_received"], 10, "{case}");
        let validation = &result["measurements"]["tlv_validation"];
        assert_eq!(validation["evaluated_replies"], 10, "{case}");
        assert_eq!(validation["rejected_replies"], 0, "{case}");
        assert_eq!(validation["hmac"]["failed"], 0, "{case}");
        assert_eq!(validation["flags"]["malformed"], 0, "{case}");
        assert_eq!(validation["flags"]["integrity_failed"], 0, "{case}");
        let measured = &result["measurements"]["direct_measurement"];
        if theirs.contains(&"A") {
            assert_eq!(validation["hmac"]["verified"], 10, "{case}");
        }
        if ours.contains(&"--stateful") {
            assert_eq!(measured["observations"], 10, "{case}");
            assert_eq!(measured["forward_missing"], 0, "{case}");
        }
        let did = responder.stop();
        assert_eq!(did["stamp"]["answered"], 10);
    }
}
