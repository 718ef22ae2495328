//! A world whose engines' lives are written down.

use std::fmt::Write as _;
use std::net::IpAddr;

use bytes::Bytes;
use pmip_binding::testing::{LinkConfig, Node, Taped, World, describe};
use pmip_binding::{Datagram, Event, Input, LmaConfig, MagConfig, Output, Transmit};
use serde_json::{Value, json};

/// A world and the files about it.
pub(crate) struct Recorder {
    pub(crate) world: World,
    /// Name and text, in the order of the engines' starts.
    files: Vec<(String, String)>,
    /// Which file an engine's life goes to: the anchor's, then the gateways'.
    current: Vec<usize>,
}

impl Recorder {
    /// An anchor alone.
    pub(crate) fn new(config: LmaConfig) -> Self {
        let mut recorder = Self {
            world: World::new(config.clone(), 1),
            files: Vec::new(),
            current: vec![0],
        };
        recorder.world.tape();
        let header = recorder.header(1, ("lma", json!(config)), None);
        recorder.start(0, "lma1", header);
        recorder
    }

    /// Adds a gateway, its interfaces down, 10 ms from the anchor.
    pub(crate) fn add_mag(&mut self, config: MagConfig, addresses: &[IpAddr]) -> usize {
        self.flush();
        let link: LinkConfig = crate::common::link(10);
        let name = config.identity.clone();
        let mag = self.world.add_mag(config.clone(), addresses, &link);
        let seed = u8::try_from(mag + 100).unwrap();
        let header = self.header(seed, ("mag", json!(config)), None);
        self.current.push(0);
        self.start(mag + 1, &name, header);
        mag
    }

    /// The anchor restarts and has forgotten everything.
    pub(crate) fn restart_lma(&mut self, config: LmaConfig) {
        self.flush();
        let header = self.header(9, ("lma", json!(config)), None);
        self.world.restart_lma(config, 9);
        self.start(0, "lma1", header);
    }

    /// The anchor restarts with its state.
    pub(crate) fn resume_lma(&mut self, config: LmaConfig) {
        self.flush();
        let snapshot = self.world.lma.snapshot();
        let header = self.header(9, ("lma", json!(config)), Some(json!(snapshot)));
        self.start(0, "lma1", header);
        assert_eq!(self.world.resume_lma(config, &snapshot, 9), []);
    }

    /// A gateway restarts and has forgotten everything.
    pub(crate) fn restart_mag(&mut self, mag: usize, config: MagConfig) {
        self.flush();
        let name = config.identity.clone();
        let header = self.header(77, ("mag", json!(config)), None);
        self.world.restart_mag(mag, config, 77);
        self.start(mag + 1, &name, header);
    }

    /// The files.
    pub(crate) fn finish(&mut self) -> Vec<(String, String)> {
        self.flush();
        std::mem::take(&mut self.files)
    }

    fn header(&self, seed: u8, (kind, config): (&str, Value), snapshot: Option<Value>) -> Value {
        let now = self.world.now.as_nanos();
        let mut header = json!({
            "now": now,
            "seed": seed,
            "clock": self.world.clock(),
        });
        header[kind] = config;
        if let Some(snapshot) = snapshot {
            header["snapshot"] = snapshot;
        }
        header
    }

    fn start(&mut self, engine: usize, name: &str, header: Value) {
        let number = self.files.len() + 1;
        self.current[engine] = self.files.len();
        self.files
            .push((format!("{number:02}-{name}.jsonl"), format!("{header}\n")));
    }

    fn flush(&mut self) {
        for (at, node, taped) in self.world.take_tape() {
            let engine = match node {
                Node::Lma => 0,
                Node::Mag(mag) => mag + 1,
            };
            let at = at.as_nanos();
            let line = match taped {
                Taped::Input(input) => json!({ "at": at, "in": write_input(&input) }),
                Taped::Output(output) => json!({ "at": at, "out": write_output(&output) }),
            };
            let (_, text) = &mut self.files[self.current[engine]];
            writeln!(text, "{line}").unwrap();
        }
    }
}

fn write_input(input: &Input) -> Value {
    match input {
        Input::Signalling(datagram) => json!({ "signalling": {
            "carrier": datagram.carrier,
            "source": datagram.source,
            "destination": datagram.destination,
            "hex": hex(&datagram.payload),
            "reads": describe(&datagram.payload),
            "vrf": datagram.vrf,
        }}),
        other => json!(other),
    }
}

/// An input of a file.
pub(crate) fn read_input(value: &Value) -> Input {
    let Some(datagram) = value.get("signalling") else {
        return serde_json::from_value(value.clone()).unwrap();
    };
    let part = |name: &str| datagram[name].clone();
    Input::Signalling(Datagram {
        carrier: serde_json::from_value(part("carrier")).unwrap(),
        source: serde_json::from_value(part("source")).unwrap(),
        destination: serde_json::from_value(part("destination")).unwrap(),
        payload: octets(datagram["hex"].as_str().unwrap()),
        vrf: serde_json::from_value(part("vrf")).unwrap_or_default(),
    })
}

/// An output as files say it.
pub(crate) fn write_output(output: &Output) -> Value {
    match output {
        Output::Transmit(transmit) => write_transmit(transmit),
        Output::Event(Event::Forwarding(forwarding)) => json!({ "forwarding": forwarding }),
        Output::Event(event) => json!({ "event": format!("{event:?}") }),
        Output::Timeout(at) => json!({ "timeout": at.map(|at| at.as_nanos()) }),
        _ => unreachable!("outputs are known"),
    }
}

fn write_transmit(transmit: &Transmit) -> Value {
    json!({ "transmit": {
        "path": transmit.path,
        "carrier": transmit.carrier,
        "source": transmit.source,
        "destination": transmit.destination,
        "hex": hex(&transmit.payload),
        "reads": describe(&transmit.payload),
        "vrf": transmit.vrf,
    }})
}

fn hex(octets: &Bytes) -> String {
    let mut text = String::new();
    for octet in octets {
        write!(text, "{octet:02x}").unwrap();
    }
    text
}

fn octets(hex: &str) -> Bytes {
    let pairs = hex.as_bytes().chunks(2);
    let octet = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    pairs.map(octet).collect()
}
