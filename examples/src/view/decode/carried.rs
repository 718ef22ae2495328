//! A Mobility Header with what carried it.

use std::net::IpAddr;

use pmip_capture::{
    CaptureTime, Finding, IncompletePacket, Outer, Transport, UdpChecksum, WhyIncomplete,
};
use pmip_wire::ChecksumContext;
use serde_json::{Map, Value, json};

use super::field;
use super::reading::{self, OptionReading, Problem, Reading};
use super::{DecodeOptions, hex};

/// What carried a Mobility Header, as far as it is known.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Carrier {
    pub(super) frame: u64,
    pub(super) time: Option<CaptureTime>,
    pub(super) transport: Transport,
    pub(super) source: Option<IpAddr>,
    pub(super) destination: Option<IpAddr>,
    pub(super) ports: Option<(u16, u16)>,
    pub(super) udp_checksum: Option<UdpChecksum>,
    pub(super) vlans: Vec<u16>,
    pub(super) tunnel: Vec<Outer>,
    pub(super) fragments: Vec<u64>,
    pub(super) home_address_option: Option<IpAddr>,
    pub(super) type_2_routing_header: Option<IpAddr>,
}

/// One object of the contract.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Carried {
    pub(super) carrier: Carrier,
    /// `None` where nothing of the header could be put together.
    pub(super) reading: Option<Reading>,
    problem: Option<Problem>,
}

impl Carried {
    pub(super) const fn new(carrier: Carrier, reading: Reading) -> Self {
        Self {
            carrier,
            reading: Some(reading),
            problem: None,
        }
    }

    /// What is wrong with it.
    pub(super) fn problem(&self) -> Option<&Problem> {
        let of_reading = self.reading.as_ref();
        let of_reading = of_reading.and_then(|reading| reading.problem.as_ref());
        self.problem.as_ref().or(of_reading)
    }

    /// The object of the contract.
    pub(super) fn to_json(&self, options: DecodeOptions) -> Value {
        let mut tree = self.carrier.to_json();
        if let Some(reading) = &self.reading {
            reading_json(&mut tree, reading, options);
        }
        if let Some(problem) = self.problem() {
            tree.insert("error".into(), problem.to_json());
        }
        Value::Object(tree)
    }
}

impl From<Finding> for Carried {
    fn from(finding: Finding) -> Self {
        let mut reading = reading::read(&finding.wire, finding.context, finding.snapped);
        if let Some(trailing) = &mut reading.trailing {
            *trailing = trailing.saturating_add(finding.behind);
        }
        let carrier = Carrier {
            frame: finding.frame,
            time: finding.time,
            transport: finding.transport,
            source: Some(finding.source),
            destination: Some(finding.destination),
            ports: finding.ports,
            udp_checksum: finding.udp_checksum,
            vlans: finding.vlans,
            tunnel: finding.tunnel,
            fragments: finding.fragments,
            home_address_option: finding.home_address_option,
            type_2_routing_header: finding.type_2_routing_header,
        };
        Self::new(carrier, reading)
    }
}

impl Carried {
    /// A packet that certainly holds a Mobility Header but never became whole.
    pub(super) fn incomplete(packet: &IncompletePacket, transport: Transport) -> Self {
        Self {
            carrier: Carrier {
                frame: packet.frame,
                time: packet.time,
                transport,
                source: Some(packet.source),
                destination: Some(packet.destination),
                ports: None,
                udp_checksum: None,
                vlans: packet.vlans.clone(),
                tunnel: packet.tunnel.clone(),
                fragments: packet.fragments.clone(),
                home_address_option: None,
                type_2_routing_header: None,
            },
            reading: None,
            problem: Some(incomplete(packet)),
        }
    }
}

/// Why a fragmented packet could not be decoded.
fn incomplete(packet: &IncompletePacket) -> Problem {
    let octets = match packet.whole {
        Some(whole) => format!("{} of {whole} octets", packet.present),
        None => format!("{} octets", packet.present),
    };
    let frames = frames(&packet.fragments);
    let (kind, why, rule) = match packet.why {
        WhyIncomplete::SnapLength => ("Truncated", "the snap length cut a fragment", None),
        WhyIncomplete::TimedOut => (
            "IncompleteFragments",
            "no more came within 60 s",
            Some("RFC 8200 section 4.5: given up after 60 s"),
        ),
        WhyIncomplete::Overlap => (
            "OverlappingFragments",
            "its fragments overlap",
            Some("RFC 8200 section 4.5: discarded with all its fragments"),
        ),
        WhyIncomplete::Malformed => (
            "BadFragment",
            "a fragment's place or length is impossible",
            Some("RFC 8200 section 4.5: discarded"),
        ),
        WhyIncomplete::Evicted => (
            "IncompleteFragments",
            "it gave way to newer fragmented packets",
            None,
        ),
        WhyIncomplete::Missing | _ => (
            "IncompleteFragments",
            "a fragment is not in the capture",
            None,
        ),
    };
    let message = format!("the fragmented packet has {octets}, from {frames}: {why}");
    let mut problem = Problem::new(kind, "IP fragments", message);
    problem.rule = rule.map(str::to_owned);
    problem
}

/// Frames by number, in words.
pub(super) fn frames(numbers: &[u64]) -> String {
    let list: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    let plural = if list.len() == 1 { "" } else { "s" };
    format!("frame{plural} {}", list.join(", "))
}

impl Carrier {
    /// Of octets that came without a packet.
    pub(super) const fn bare(frame: u64, transport: Transport) -> Self {
        Self {
            frame,
            time: None,
            transport,
            source: None,
            destination: None,
            ports: None,
            udp_checksum: None,
            vlans: Vec::new(),
            tunnel: Vec::new(),
            fragments: Vec::new(),
            home_address_option: None,
            type_2_routing_header: None,
        }
    }

    /// What a checksum covers; addresses that are not known leave it unverified.
    pub(super) const fn context(&self) -> ChecksumContext {
        match (self.transport, self.source, self.destination) {
            (Transport::Ipv6, Some(IpAddr::V6(source)), Some(IpAddr::V6(destination))) => {
                ChecksumContext::Ipv6 {
                    source,
                    destination,
                }
            }
            _ => ChecksumContext::Udp,
        }
    }

    fn to_json(&self) -> Map<String, Value> {
        let mut tree = Map::new();
        let mut put = |key: &str, value: Value| tree.insert(key.into(), value);
        put("frame", json!(self.frame));
        put("time", json!(self.time.map(|time| time.to_string())));
        let transport = match self.transport {
            Transport::Ipv6 => "ipv6",
            Transport::Udp => "udp",
        };
        put("transport", json!(transport));
        put("src", json!(self.source));
        put("dst", json!(self.destination));
        if let Some((source, destination)) = self.ports {
            put("src_port", json!(source));
            put("dst_port", json!(destination));
        }
        if let Some(checksum) = self.udp_checksum {
            put("udp_checksum", json!(checksum.name()));
        }
        if !self.vlans.is_empty() {
            put("vlan", json!(self.vlans));
        }
        if !self.tunnel.is_empty() {
            put("tunnel", self.tunnel.iter().map(outer_json).collect());
        }
        if !self.fragments.is_empty() {
            put("fragments", json!(self.fragments));
        }
        if let Some(address) = self.home_address_option {
            put("home_address_option", json!(address));
        }
        if let Some(address) = self.type_2_routing_header {
            put("type_2_routing_header", json!(address));
        }
        tree
    }
}

fn outer_json(outer: &Outer) -> Value {
    let mut tree = Map::new();
    tree.insert("kind".into(), json!(outer.kind.name()));
    tree.insert("src".into(), json!(outer.source));
    tree.insert("dst".into(), json!(outer.destination));
    if let Some(key) = outer.gre_key {
        tree.insert("gre_key".into(), json!(key));
    }
    if let Some(sequence) = outer.gre_sequence {
        tree.insert("gre_sequence".into(), json!(sequence));
    }
    Value::Object(tree)
}

fn reading_json(tree: &mut Map<String, Value>, reading: &Reading, options: DecodeOptions) {
    if let Some(mh_type) = reading.mh_type {
        tree.insert("type".into(), json!(u8::from(mh_type)));
    }
    if let Some(name) = &reading.name {
        tree.insert("name".into(), json!(name));
    }
    if reading.stands {
        tree.extend(field::to_json(&reading.fields));
        if reading.has_options {
            let shown = reading.options.iter();
            let shown = shown.filter(|option| options.padding || !option.is_padding);
            let list = shown.map(|option| option_json(option, options.raw));
            tree.insert("options".into(), list.collect());
        }
    }
    if let Some(trailing) = reading.trailing.filter(|trailing| *trailing > 0) {
        tree.insert("trailing_octets".into(), json!(trailing));
    }
    if options.raw {
        tree.insert("mh".into(), json!(hex(&reading.octets)));
    }
    if let (true, Some(reencode)) = (options.verify, reading.reencode) {
        tree.insert("reencode".into(), json!(reencode));
    }
}

fn option_json(option: &OptionReading, raw: bool) -> Value {
    let mut tree = Map::new();
    tree.insert("type".into(), json!(u8::from(option.option_type)));
    tree.insert("name".into(), json!(option.name));
    tree.insert("offset".into(), json!(option.offset));
    tree.insert("length".into(), json!(option.length));
    match &option.fields {
        Ok(fields) => tree.extend(field::to_json(fields)),
        Err(problem) => {
            tree.insert("error".into(), problem.to_json());
        }
    }
    if raw {
        tree.insert("data".into(), json!(hex(&option.data)));
    }
    Value::Object(tree)
}
