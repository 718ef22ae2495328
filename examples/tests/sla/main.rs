//! `pmip sla` as a program, over the loopback interface: both ends of both protocols, and each of
//! ours against an implementation that nobody here wrote.

mod stamp_suite;

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

fn pmip(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pmip"));
    command.arg("sla").args(arguments);
    command
}

/// Runs `pmip sla probe`.
fn probe(arguments: &[&str]) -> Output {
    let mut command = pmip(&["probe"]);
    command.args(arguments).output().expect("the program runs")
}

fn json(octets: &[u8]) -> Value {
    serde_json::from_slice(octets).expect("standard output is one JSON value")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A running `pmip sla respond` on free ports; stopped when dropped.
struct Responder {
    child: Child,
    stdout: BufReader<ChildStdout>,
    ipsla: u64,
    stamp: u64,
}

impl Responder {
    fn start(arguments: &[&str]) -> Self {
        let mut child = pmip(&["respond", "--ipsla", "0", "--stamp", "0", "--json"])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut line = String::new();
        stdout
            .read_line(&mut line)
            .expect("it says that it is ready");
        let ready = json(line.as_bytes());
        let port = |value: &Value| value.as_u64().expect("a port");
        Self {
            ipsla: port(&ready["ready"]["ipsla"][0]),
            stamp: port(&ready["ready"]["stamp"]),
            child,
            stdout,
        }
    }

    /// Interrupts it; what it says that it did.
    fn stop(mut self) -> Value {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).expect("a process"));
        kill(pid, Signal::SIGINT).expect("it runs");
        let mut text = String::new();
        let read = self.stdout.read_to_string(&mut text);
        read.expect("it says what it did");
        let status = self.child.wait().expect("it ends");
        assert!(status.success(), "{status}");
        json(text.as_bytes())
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A file with a secret.
struct KeyFile(PathBuf);

impl KeyFile {
    fn new(name: &str, secret: &str) -> Self {
        let folder = std::env::temp_dir();
        let path = folder.join(format!("pmip-sla-{}-{name}", std::process::id()));
        std::fs::write(&path, secret).expect("the folder can be written");
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("plain text")
    }
}

impl Drop for KeyFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn both_protocols_and_all_versions_measure_over_both_families() {
    let responder = Responder::start(&["--stateful"]);
    let (ipsla, stamp) = (responder.ipsla, responder.stamp);
    let cases = [
        (format!("127.0.0.1:{ipsla}"), &["--protocol", "ipsla"][..]),
        (format!("[::1]:{ipsla}"), &[]),
        (format!("127.0.0.1:{ipsla}"), &["--ipsla-version", "1"]),
        (format!("127.0.0.1:{ipsla}"), &["--ipsla-version", "1-ntp"]),
        (format!("127.0.0.1:{stamp}"), &["--protocol", "stamp"]),
        (format!("[::1]:{stamp}"), &["--protocol", "stamp"]),
    ];
    for (target, rest) in &cases {
        let shape = [
            "--target",
            target,
            "--packets",
            "5",
            "--interval",
            "4",
            "--json",
        ];
        let output = probe(&[&shape, *rest].concat());
        let result = json(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{target} {rest:?}: {result}");
        assert_eq!((&result["sent"], &result["lost"]), (&5.into(), &0.into()));
        assert_eq!(result["outcome"], "ok");
        assert_eq!(result["rtt_ms"]["count"], 5);
        assert_eq!(stderr(&output).lines().count(), 5, "{}", stderr(&output));
    }
    let did = responder.stop();
    assert_eq!(did["ipsla"]["granted"], 4);
    assert_eq!(did["ipsla"]["answered"], 20);
    assert_eq!(did["stamp"]["answered"], 10);
}

#[test]
fn who_shares_the_secret_measures_and_others_are_told() {
    let right = KeyFile::new("right", "sesame\n");
    let wrong = KeyFile::new("wrong", "simsim\n");
    let responder = Responder::start(&["--key-file", right.path()]);
    let ipsla = format!("127.0.0.1:{}", responder.ipsla);
    let stamp = format!("127.0.0.1:{}", responder.stamp);
    let run = |target: &str, rest: &[&str]| {
        let shape = [
            "--target",
            target,
            "--packets",
            "2",
            "--interval",
            "4",
            "--timeout",
            "300",
        ];
        probe(&[&shape, rest].concat())
    };
    for (target, protocol) in [(&ipsla, "ipsla"), (&stamp, "stamp")] {
        let protocol = ["--protocol", protocol];
        let with = |key: &KeyFile| {
            run(
                target,
                &[&protocol[..], &["--key-file", key.path()]].concat(),
            )
        };
        let output = with(&right);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        for output in [with(&wrong), run(target, &protocol)] {
            assert_eq!(output.status.code(), Some(1));
            assert!(
                stderr(&output).contains("--key-file"),
                "{}",
                stderr(&output)
            );
        }
    }
}

#[test]
fn nobody_there_exits_1_and_says_what_to_look_at() {
    // Bound and never read.
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let target = silent.local_addr().expect("it is bound").to_string();
    for (protocol, advice) in [("ipsla", "respond --ipsla"), ("stamp", "respond --stamp")] {
        let arguments = ["--target", &target, "--packets", "1", "--timeout", "200"];
        let output = probe(&[&arguments[..], &["--protocol", protocol]].concat());
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).contains(advice), "{}", stderr(&output));
        assert!(String::from_utf8_lossy(&output.stdout).contains("1 lost (100 %)"));
    }
}

#[test]
fn wrong_usage_exits_2_and_says_what_would_be_right() {
    for (arguments, advice) in [
        (&["--target", "nowhere"][..], "2001:db8::1"),
        (&["--target", "192.0.2.1", "--packets", "0"], "1..=100"),
        (&["--target", "192.0.2.1", "--interval", "3"], "4..=6000"),
        (&["--target", "::1", "--ipsla-version", "1"], "IPv4"),
        (
            &["--target", "127.0.0.1", "--key-file", "/nonexistent"],
            "/nonexistent",
        ),
    ] {
        let output = probe(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&output).contains(advice), "{}", stderr(&output));
    }
    let taken = std::net::UdpSocket::bind("0.0.0.0:0").expect("a free port");
    let port = taken.local_addr().expect("it is bound").port().to_string();
    let output = pmip(&["respond", "--stamp", &port])
        .output()
        .expect("the program runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("ss -ulpn"), "{}", stderr(&output));
}
