//! Mobility Headers as a tree for people.

use std::fmt::Write;
use std::net::IpAddr;

use anstyle::{AnsiColor, Style};
use pmip_capture::{CaptureTime, Outer, Transport, UdpChecksum};
use pmip_wire::MhType;
use serde_json::Value;

use super::carried::{Carried, Carrier, frames};
use super::field::{Field, Shown, snake_case, spaced};
use super::line::Line;
use super::reading::{OptionReading, Problem, Reading};
use super::{DecodeOptions, hex};

/// The column in which options say what they hold.
const VALUE_COLUMN: usize = 44;
/// Columns of a terminal: what it would wrap anywhere breaks between words.
pub(super) const TERMINAL: usize = 80;
/// Octets of hexadecimal in a line.
const HEX_LINE: usize = 32;

/// Writes trees.
#[derive(Clone, Debug)]
pub(super) struct TreeWriter {
    color: bool,
    /// Columns that the line about a message may take; any number where nobody looks.
    width: Option<usize>,
    options: DecodeOptions,
    /// When the capture starts: times are relative to it.
    start: Option<CaptureTime>,
}

const PLAIN: Style = Style::new();
const DIM: Style = Style::new().dimmed();
const BOLD: Style = Style::new().bold();
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();

impl TreeWriter {
    pub(super) const fn new(color: bool, width: Option<usize>, options: DecodeOptions) -> Self {
        Self {
            color,
            width,
            options,
            start: None,
        }
    }

    /// Takes the time of the first frame that has one.
    pub(super) const fn learn_start(&mut self, time: Option<CaptureTime>) {
        if self.start.is_none() {
            self.start = time;
        }
    }

    /// What times are relative to.
    pub(super) const fn start(&self) -> Option<CaptureTime> {
        self.start
    }

    /// One Mobility Header.
    pub(super) fn render(&self, carried: &Carried) -> String {
        let mut text = String::new();
        self.head(&mut text, carried);
        self.carrier(&mut text, &carried.carrier);
        let own_problem = carried.problem();
        if let Some(reading) = &carried.reading {
            self.body(&mut text, reading);
        } else if let Some(problem) = own_problem {
            self.problem(&mut text, None, problem);
        }
        // What takes one line stands close.
        if text.lines().count() > 1 {
            text.push('\n');
        }
        text
    }

    /// The line that tells what it is. Where it is too long for the terminal, the addresses go
    /// below.
    fn head(&self, text: &mut String, carried: &Carried) {
        let carrier = &carried.carrier;
        let what = self.what(carried);
        let mut number = Line::default();
        number.push("", BOLD, &format!("#{}", carrier.frame));
        if let Some(time) = self.relative(carrier.time) {
            number.push("  ", DIM, &time);
        }
        let mut ends = Line::default();
        if let (Some(source), Some(destination)) = (carrier.source, carrier.destination) {
            let (from, to) = carrier.ports.unzip();
            ends.push("  ", PLAIN, &end(source, from));
            ends.push(" ", PLAIN, &format!("> {}", end(destination, to)));
        }
        let one_line = number.clone().then(&ends).then(&what);
        let fits = self.width.is_none_or(|width| one_line.width() <= width);
        let lines = if fits {
            vec![one_line]
        } else {
            let width = self.width.unwrap_or(TERMINAL);
            let mut lines = number.then(&what).broken(width);
            lines.extend(Line::default().then(&ends).indented().broken(width));
            lines
        };
        for line in lines {
            let _ = writeln!(text, "{}", self.paint_line(&line));
        }
    }

    /// What carried what.
    fn what(&self, carried: &Carried) -> Line {
        let mut line = Line::default();
        let transport = match carried.carrier.transport {
            Transport::Ipv6 => "IPv6",
            Transport::Udp => "IPv4-UDP",
        };
        line.push("  ", PLAIN, transport);
        let Some(reading) = &carried.reading else {
            line.push("  ", BAD, "incomplete");
            return line;
        };
        if let Some(name) = &reading.name {
            line.push("  ", BOLD, name);
        }
        if reading.mh_type == Some(MhType::Heartbeat) && find(reading, "flags").is_some() {
            line.push(" ", PLAIN, heartbeat_kind(reading));
        }
        if let Some(sequence) = find(reading, "sequence_number") {
            line.push("  ", PLAIN, &format!("sequence {sequence}"));
        }
        if let Some(status) = find(reading, "status") {
            line.push("  ", status_style(reading), status);
        }
        line
    }

    fn carrier(&self, text: &mut String, carrier: &Carrier) {
        let mut line = |words: String| {
            let _ = writeln!(text, "      {}", self.paint(DIM, &words));
        };
        if !carrier.vlans.is_empty() {
            let vlans: Vec<String> = carrier.vlans.iter().map(ToString::to_string).collect();
            line(format!("VLAN {}", vlans.join(", then ")));
        }
        carrier
            .tunnel
            .iter()
            .for_each(|outer| line(outer_words(outer)));
        if let Some(address) = carrier.home_address_option {
            line(format!(
                "home address option {address}, which the checksum covers as the source"
            ));
        }
        if let Some(address) = carrier.type_2_routing_header {
            line(format!(
                "type 2 routing header {address}, which the checksum covers as the destination"
            ));
        }
        match carrier.udp_checksum {
            Some(UdpChecksum::Offloaded) => {
                line(
                    "UDP checksum not filled in yet: captured in front of the network card".into(),
                );
            }
            Some(UdpChecksum::Wrong { expected, found }) => line(format!(
                "UDP checksum {found:#06x} is wrong, {expected:#06x} would be right: discarded"
            )),
            Some(UdpChecksum::LeftOut) => line(
                "UDP checksum left out, which signalling must have (RFC 5844 section 4.1.3.2): \
                 discarded"
                    .into(),
            ),
            // A right one goes without saying.
            _ => {}
        }
        if !carrier.fragments.is_empty() {
            line(format!("fragments in {}", frames(&carrier.fragments)));
        }
    }

    fn body(&self, text: &mut String, reading: &Reading) {
        own_fields(text, reading);
        if reading.name.as_deref() == Some("Unknown") {
            let rule =
                "RFC 6275 section 9.2: who does not know the type answers with a Binding Error";
            let _ = writeln!(text, "      {rule}");
        }
        let mut problem = reading.problem.as_ref();
        // A problem of the header or the fixed part stands before the options, as its octets do.
        let first = reading
            .options
            .first()
            .map_or(u16::MAX, |option| option.offset);
        if let Some(early) = problem.take_if(|problem| problem.offset < first) {
            self.problem(text, Some(early.offset), early);
        }
        for option in &reading.options {
            if option.is_padding && !self.options.padding && option.fields.is_ok() {
                continue;
            }
            self.option(text, option);
            if option.fields.is_err() {
                problem = problem.filter(|problem| problem.offset != option.offset);
            }
        }
        if let Some(late) = problem {
            self.problem(text, Some(late.offset), late);
        }
        if let Some(trailing) = reading.trailing.filter(|trailing| *trailing > 0) {
            let octets = if trailing == 1 { "octet" } else { "octets" };
            let words = format!("{trailing} {octets} behind the Mobility Header, ignored");
            let _ = writeln!(text, "      {}", self.paint(DIM, &words));
        }
        if self.options.raw {
            self.hex(text, 6, &reading.octets);
        }
        if let (true, Some(reencode)) = (self.options.verify, reading.reencode) {
            let style = if reencode == "different" { BAD } else { GOOD };
            let _ = writeln!(text, "      encodes again: {}", self.paint(style, reencode));
        }
    }

    fn option(&self, text: &mut String, option: &OptionReading) {
        let offset = format!("{:>5}", option.offset);
        let title = option.option_type.to_string();
        let fields = match &option.fields {
            Ok(fields) => fields,
            Err(problem) => {
                let _ = writeln!(text, "{} {title}", self.paint(DIM, &offset));
                self.problem(text, Some(option.offset), problem);
                self.hex(text, 8, &option.data);
                return;
            }
        };
        let value = option_words(option, fields);
        let width = VALUE_COLUMN.saturating_sub(6);
        let line = format!("{} {title:<width$} {value}", self.paint(DIM, &offset));
        let _ = writeln!(text, "{}", line.trim_end());
        self.nested(text, 8, fields);
        if self.options.raw {
            self.hex(text, 8, &option.data);
        }
    }

    /// Sub-options and other groups, each in a line of its own.
    fn nested(&self, text: &mut String, indent: usize, fields: &[Field]) {
        for field in fields {
            let groups: Vec<&[Field]> = match &field.value {
                Shown::Leaf { .. } => continue,
                Shown::Group(inner) => vec![inner],
                Shown::List(groups) => groups.iter().map(Vec::as_slice).collect(),
            };
            for group in groups {
                let name = group.iter().find(|field| field.key == "name");
                let name = name.and_then(Field::json).and_then(Value::as_str);
                let title = name.map_or_else(|| spaced(&field.key), split_camel);
                let words = sentence(name.unwrap_or_default(), group);
                let width = VALUE_COLUMN.saturating_sub(indent);
                let line = format!("{:indent$}{title:<width$} {}", "", words);
                let _ = writeln!(text, "{}", line.trim_end());
                self.nested(text, indent.saturating_add(2), group);
            }
        }
    }

    fn problem(&self, text: &mut String, offset: Option<u16>, problem: &Problem) {
        let offset = offset.map_or_else(|| format!("{:>5}", ""), |offset| format!("{offset:>5}"));
        let _ = writeln!(
            text,
            "{} {}",
            self.paint(DIM, &offset),
            self.paint(BAD, &format!("! {}: {}", problem.kind, problem.message))
        );
        if let Some(rule) = &problem.rule {
            let _ = writeln!(text, "        {rule}");
        }
    }

    fn hex(&self, text: &mut String, indent: usize, octets: &[u8]) {
        for line in octets.chunks(HEX_LINE) {
            let words: Vec<String> = line.chunks(4).map(hex).collect();
            let words = self.paint(DIM, &words.join(" "));
            let _ = writeln!(text, "{:indent$}{words}", "");
        }
    }

    fn relative(&self, time: Option<CaptureTime>) -> Option<String> {
        let nanos = time?.nanos_since(self.start?);
        let sign = if nanos < 0 { '-' } else { '+' };
        let nanos = nanos.unsigned_abs();
        let (seconds, rest) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
        Some(if rest.is_multiple_of(1000) {
            format!("{sign}{seconds}.{:06} s", rest / 1000)
        } else {
            format!("{sign}{seconds}.{rest:09} s")
        })
    }

    fn paint_line(&self, line: &Line) -> String {
        let words = line.words.iter();
        words
            .map(|word| format!("{}{}", word.gap, self.paint(word.style, &word.text)))
            .collect()
    }

    fn paint(&self, style: Style, text: &str) -> String {
        if self.color && style != PLAIN {
            format!("{style}{text}{style:#}")
        } else {
            text.into()
        }
    }
}

/// A status with its verdict: from 128 on it is a rejection (RFC 6275 section 6.1.8).
fn status_style(reading: &Reading) -> Style {
    let field = reading.fields.iter().find(|field| field.key == "status");
    let number = field.and_then(Field::json).and_then(Value::as_u64);
    let is_error = reading.name.as_deref() == Some("BindingError");
    if is_error || number.is_some_and(|number| number >= 128) {
        return BAD;
    }
    GOOD
}

fn end(address: IpAddr, port: Option<u16>) -> String {
    port.map_or_else(|| address.to_string(), |port| format!("{address}:{port}"))
}

/// The message's own fields in one line.
fn own_fields(text: &mut String, reading: &Reading) {
    let is_heartbeat = reading.mh_type == Some(MhType::Heartbeat);
    let own = reading
        .fields
        .iter()
        .filter(|field| match field.key.as_str() {
            // The head tells them.
            "sequence_number" | "status" => false,
            "flags" => !is_heartbeat,
            _ => true,
        });
    let own: Vec<String> = own.filter_map(message_field).collect();
    if !own.is_empty() {
        let _ = writeln!(text, "      {}", own.join("; "));
    }
}

/// RFC 5847 section 3.3.
fn heartbeat_kind(reading: &Reading) -> &'static str {
    match (reading.has_flag("U"), reading.has_flag("R")) {
        (true, _) => "unsolicited response",
        (false, true) => "response",
        (false, false) => "request",
    }
}

fn find<'a>(reading: &'a Reading, key: &str) -> Option<&'a str> {
    let field = reading.fields.iter().find(|field| field.key == key);
    field.and_then(Field::words)
}

fn outer_words(outer: &Outer) -> String {
    let mut words = format!(
        "in {} {} > {}",
        outer.kind.name(),
        outer.source,
        outer.destination
    );
    if let Some(key) = outer.gre_key {
        let _ = write!(words, ", GRE key {key:#010x}");
    }
    if let Some(sequence) = outer.gre_sequence {
        let _ = write!(words, ", GRE sequence {sequence}");
    }
    words
}

fn message_field(field: &Field) -> Option<String> {
    let words = field.words()?;
    if field.key == "lifetime" && words == "0 s" {
        return Some("lifetime 0 s (de-registration)".into());
    }
    Some(format!("{} {words}", spaced(&field.key)))
}

/// What an option holds, in one line.
fn option_words(option: &OptionReading, fields: &[Field]) -> String {
    let words = sentence(&option.name, fields);
    if option.is_padding {
        return format!("{} octets", option.data.len().saturating_add(2));
    }
    let is_all_zero = fields
        .iter()
        .filter(|field| matches!(field.key.as_str(), "prefix" | "address"))
        .filter_map(Field::json)
        .any(|address| *address == "::" || *address == "0.0.0.0");
    if is_all_zero {
        return format!("{words} (ALL_ZERO)");
    }
    words
}

/// Fields in one line; what an option of this name is about needs no label.
fn sentence(name: &str, fields: &[Field]) -> String {
    let name = snake_case(name);
    let is_main = |field: &&Field| {
        let key = field.key.as_str();
        key == name || matches!(key, "prefix" | "address" | "identifier" | "data" | "octets")
    };
    let (main, rest): (Vec<&Field>, Vec<&Field>) = fields.iter().partition(is_main);
    let main = main.into_iter().filter_map(Field::words).map(str::to_owned);
    let rest = rest.into_iter().filter_map(|field| {
        let words = field.words()?;
        // A flag's words are its name.
        if field.as_bool().is_some() {
            return Some(words.to_owned());
        }
        Some(format!("{} {words}", spaced(&field.key)))
    });
    let all: Vec<String> = main.chain(rest).collect();
    all.join(", ")
}

/// `BindingReference` as `Binding Reference`.
fn split_camel(name: &str) -> String {
    let mut words = String::new();
    for character in name.chars() {
        if character.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(character);
    }
    words
}
