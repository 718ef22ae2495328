//! What is reported against what the emulator did.

use std::io::{BufRead, BufReader, Read as _};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use pmip_binding::testing::{LinkConfig, Loss};
use pmip_examples::lab::traffic::Direction;
use pmip_examples::lab::wan::{Frame, IPSLA, Record, Wan, Watch, is_measurement};
use pmip_examples::platform::netns::Netns;
use serde_json::Value;

use super::domain::{Domain, Node, Settings};
use super::{Checked, attempts, say, text, wait_until};

const PACKETS: u64 = 100;
const STAMP: u16 = 862;
/// Where the responder of a measurement opens a port of its own.
const PORTS: std::ops::RangeInclusive<u16> = 1_024..=u16::MAX;

/// One thing done to one direction.
type Break = (&'static str, fn(&mut LinkConfig));

const BREAKS: [Break; 3] = [
    ("delay and jitter", |link| {
        link.latency = ms(40);
        link.jitter = ms(30);
    }),
    ("loss", |link| link.loss = Loss::Random(0.1)),
    ("duplication and reordering", |link| {
        link.duplicate = 0.1;
        link.reorder = 0.1;
        link.reorder_delay = ms(50);
    }),
];

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn base() -> LinkConfig {
    let mut link = LinkConfig::new();
    link.latency = ms(5);
    link
}

/// Would break: statistics that mix directions up, timestamps taken at the wrong moment, answers
/// counted twice.
pub(super) fn probe() -> Checked {
    let bench = Bench::new()?;
    for (what, make_worse) in BREAKS {
        for direction in Direction::BOTH {
            for protocol in ["stamp", "ipsla"] {
                attempts(3, || {
                    bench
                        .measure(protocol, direction, make_worse)
                        .map_err(|why| format!("{what} {direction:?} by {protocol}: {why}"))
                })?;
            }
        }
    }
    Ok(())
}

/// Prober and responder with an emulated WAN between them.
struct Bench {
    wan: Wan,
    watch: Watch,
    _responder: Responder,
    prober: Netns,
    _answerer: Netns,
}

impl Bench {
    fn new() -> Result<Self, String> {
        let prober = Netns::create("probe-near").map_err(text)?;
        let answerer = Netns::create("probe-far").map_err(text)?;
        let wan = Wan::join((&prober, "wan"), (&answerer, "wan"), &base()).map_err(text)?;
        let near = prober.add_address("wan", [192, 0, 2, 10].into(), 24);
        near.map_err(text)?;
        let far = answerer.add_address("wan", [192, 0, 2, 1].into(), 24);
        far.map_err(text)?;
        let responder = Responder::start(&answerer)?;
        // Measurement packets have both ports above, or that of STAMP; control requests port 1167.
        let watch = wan.watch(|frame: &Frame<'_>| {
            frame.outer().is_some_and(|flow| {
                let ports = [flow.source.port(), flow.destination.port()];
                let measures = ports.iter().all(|port| PORTS.contains(port));
                flow.protocol == 17
                    && !flow.is_of_port(IPSLA)
                    && (measures || flow.is_of_port(STAMP))
            })
        });
        Ok(Self {
            wan,
            watch,
            _responder: responder,
            prober,
            _answerer: answerer,
        })
    }

    fn measure(
        &self,
        protocol: &str,
        direction: Direction,
        make_worse: fn(&mut LinkConfig),
    ) -> Checked {
        for one in Direction::BOTH {
            self.wan.change(one, |link| *link = base());
        }
        // The control phase is no part of what is compared, and must not fail.
        self.wan.change(direction, make_worse);
        self.wan.reset(self.watch);
        let mut command = Command::new(env!("CARGO_BIN_EXE_pmip"));
        let packets = PACKETS.to_string();
        command
            .args(["sla", "probe", "--target", "192.0.2.1", "--json"])
            .args(["--protocol", protocol, "--packets", &packets])
            .args(["--interval", "20", "--timeout", "1000", "--stateful"])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .stdout(Stdio::piped());
        let mut child = self.prober.spawn(command).map_err(text)?;
        let mut json = String::new();
        if let Some(mut output) = child.stdout.take() {
            output.read_to_string(&mut json).map_err(text)?;
        }
        let status = child.wait().map_err(text)?;
        if !status.success() {
            return Err(format!("{status}: {json}"));
        }
        let report: Value = serde_json::from_str(&json).map_err(text)?;
        let record = |direction| self.wan.record(self.watch, direction);
        compare(&report, &record(Direction::Up), &record(Direction::Down))
    }
}

/// `pmip sla respond` with all its ports.
struct Responder(Child);

impl Responder {
    fn start(namespace: &Netns) -> Result<Self, String> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pmip"));
        command
            .args(["sla", "respond", "--stateful"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let mut responder = Self(namespace.spawn(command).map_err(text)?);
        let output = responder.0.stdout.as_mut().ok_or("its output is piped")?;
        let mut line = String::new();
        let read = BufReader::new(output).read_line(&mut line);
        read.map_err(text)?;
        match line.starts_with("ready") {
            true => Ok(responder),
            false => Err(format!("the responder says {line:?}")),
        }
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Compares one operation with both directions of the record of its packets.
fn compare(report: &Value, up: &Record, down: &Record) -> Checked {
    let number = |pointer: &str| report.pointer(pointer).and_then(Value::as_f64);
    let count = |pointer: &str| report.pointer(pointer).and_then(Value::as_u64);
    let rtt = up.delay.average() + down.delay.average();
    let mut figures = vec![
        ("rtt", number("/rtt_ms/average"), rtt),
        (
            "jitter there",
            number("/jitter_ms/forward/average"),
            up.jitter.average(),
        ),
        (
            "jitter back",
            number("/jitter_ms/backward/average"),
            down.jitter.average(),
        ),
    ];
    // A frame that overtakes leaves nobody to be its neighbour: both sides choose differently.
    if up.overtaken + down.overtaken > 0 {
        figures.truncate(1);
    }
    let mut told = Vec::new();
    for (what, reported, recorded) in figures {
        let recorded = recorded.as_secs_f64() * 1000.0;
        let reported = reported.unwrap_or_default();
        told.push(format!("{what} {reported:.2} of {recorded:.2} ms"));
        if (reported - recorded).abs() > (recorded * 0.05).max(1.0) {
            return Err(told.join(", "));
        }
    }
    // Losses behind the last answer have no direction.
    let unknown = count("/loss/unknown").unwrap_or(0);
    let late = count("/loss/late").unwrap_or(0);
    for (what, reported, recorded) in [
        ("lost there", count("/loss/forward"), up.lost),
        ("lost back", count("/loss/backward"), down.lost),
    ] {
        let reported = reported.unwrap_or_default();
        told.push(format!("{what} {reported} of {recorded}"));
        let fits = reported <= recorded && recorded <= reported + unknown + late;
        if !fits {
            return Err(format!("{} ({unknown} unknown)", told.join(", ")));
        }
    }
    let lost = count("/lost").unwrap_or_default();
    let exact = [
        ("lost", lost, up.lost + down.lost),
        (
            "duplicates",
            count("/duplicates").unwrap_or_default(),
            copies(up, down),
        ),
    ];
    for (what, reported, recorded) in exact {
        told.push(format!("{what} {reported} of {recorded}"));
        if reported != recorded {
            return Err(told.join(", "));
        }
    }
    let out_of_order = count("/out_of_order").unwrap_or_default();
    let overtaken = up.overtaken + down.overtaken;
    told.push(format!("out of order {out_of_order} of {overtaken}"));
    if out_of_order != overtaken {
        return Err(told.join(", "));
    }
    say(&format!("  {}", told.join(", ")));
    Ok(())
}

/// Answers that come twice: a copy there is answered, and that answer comes beside the first one's.
fn copies(up: &Record, down: &Record) -> u64 {
    up.duplicates.max(down.duplicates)
}

/// The longest operations, and as often as the rules let them be.
const MEASURING: Settings = Settings {
    name: "show",
    lists: "",
    maps: "",
    mag: " mobility-service hybrid-access\n  sla num-packets 100 interval 20 frequency 7",
    lma: " mobility-service hybrid-access\n  sla num-packets 100 interval 20 frequency 7",
};

/// Would break: times taken when the node got to a packet rather than when it came; probes beside the
/// tunnel; a path's figures shown for another.
pub(super) fn show() -> Checked {
    let domain = Domain::start(&MEASURING, &base())?;
    domain.wans[0].change(Direction::Up, |link| {
        link.latency = ms(25);
        link.jitter = ms(30);
        link.loss = Loss::Random(0.05);
    });
    domain.wans[1].change(Direction::Down, |link| link.latency = ms(60));
    attempts(3, || {
        for node in Node::BOTH {
            for wan in [0, 1] {
                shown(&domain, node, wan)
                    .map_err(|why| format!("{node:?} on WAN {}: {why}", wan + 1))?;
            }
        }
        Ok(())
    })
}

/// Compares one whole operation of a node on a WAN.
fn shown(domain: &Domain, node: Node, wan: usize) -> Checked {
    let emulator = &domain.wans[wan];
    // The MAG asks upwards, the LMA downwards; who is asked has port 1167 in either case.
    let watch = emulator.watch(move |frame: &Frame<'_>| {
        frame.inner().is_some_and(|inner| {
            let (asks, answers) = (inner.destination.port(), inner.source.port());
            let from_mag = inner.source.ip() == super::domain::CARE_OF[wan];
            let request = asks == IPSLA && answers != IPSLA;
            let ours = match node {
                Node::Mag => request == from_mag,
                Node::Lma => request != from_mag,
            };
            ours && (asks == IPSLA || answers == IPSLA) && is_measurement(inner.payload)
        })
    });
    let operations = || -> Result<u64, String> {
        let row = &domain.sla(node)?[wan];
        row["operations"].as_u64().ok_or_else(|| row.to_string())
    };
    let before = operations()?;
    let patience = Duration::from_secs(20);
    wait_until("an operation to end", patience, || {
        Ok(operations()? > before)
    })?;
    emulator.reset(watch);
    let before = operations()?;
    wait_until("the next operation to end", patience, || {
        Ok(operations()? > before)
    })?;
    let row = &domain.sla(node)?[wan];
    let (up, down) = (
        emulator.record(watch, Direction::Up),
        emulator.record(watch, Direction::Down),
    );
    if up.offered.max(down.offered) != PACKETS {
        return Err(format!("{} probes were seen", up.offered.max(down.offered)));
    }
    match node {
        Node::Mag => compare(&row["last"], &up, &down),
        Node::Lma => compare(&row["last"], &down, &up),
    }
}
