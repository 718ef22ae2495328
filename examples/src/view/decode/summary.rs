//! What a capture held, in a few lines for standard error.

use std::collections::BTreeMap;
use std::fmt::Write;

use pmip_capture::{CaptureTime, IncompletePacket, SkippedFrame, Unread};

use super::carried::{Carried, frames};

/// Frames that a line names.
const NAMED: usize = 8;

/// Counts while a capture is read.
#[derive(Debug, Default)]
pub(super) struct Summary {
    pub(super) frames: u64,
    messages: BTreeMap<String, u64>,
    problems: BTreeMap<String, u64>,
    differences: u64,
    /// Frames that could not be looked into, by reason.
    unread: BTreeMap<String, Counted>,
    /// Fragmented packets that need not be ours.
    incomplete: Counted,
    is_undecodable: bool,
    /// What ended the file before its time.
    end: Option<String>,
}

/// How many frames, and the first of them.
#[derive(Debug, Default)]
struct Counted {
    count: u64,
    first: Vec<u64>,
}

impl Counted {
    fn add(&mut self, frame: u64) {
        self.count = self.count.saturating_add(1);
        if self.first.len() < NAMED {
            self.first.push(frame);
        }
    }

    fn frames(&self) -> String {
        let more = self.count.saturating_sub(self.first.len() as u64);
        let named = frames(&self.first);
        if more == 0 {
            return named;
        }
        format!("{named} and {more} more")
    }
}

impl Summary {
    pub(super) fn message(&mut self, carried: &Carried) {
        let name = carried
            .reading
            .as_ref()
            .and_then(|reading| reading.name.clone());
        *self
            .messages
            .entry(name.unwrap_or_else(|| "unreadable".into()))
            .or_default() += 1;
        if let Some(problem) = carried.problem() {
            *self.problems.entry(problem.kind.clone()).or_default() += 1;
            self.is_undecodable = true;
        }
        let reencode = carried
            .reading
            .as_ref()
            .and_then(|reading| reading.reencode);
        if reencode == Some("different") {
            self.differences += 1;
        }
    }

    pub(super) fn unread(&mut self, frame: u64, why: Unread) {
        // What is protected was not meant for everyone.
        self.is_undecodable |= why != Unread::Protected;
        let reason = match why {
            Unread::LinkType(link_type) => format!("link layer: {link_type} is not known here"),
            Unread::CutLinkHeader => "cut inside the link-layer header".into(),
            Unread::CutIpHeader => "cut inside an IP, UDP or tunnel header".into(),
            Unread::BadIpHeader => "an IP header is impossible".into(),
            Unread::BadTunnel(error) => format!("{error}; its receiver discards the packet"),
            Unread::TooDeep => "too many tunnels lie inside each other".into(),
            Unread::Protected => "protected by ESP".into(),
            _ => "it cannot be looked into".into(),
        };
        self.unread.entry(reason).or_default().add(frame);
    }

    pub(super) fn skipped(&mut self, skipped: SkippedFrame) {
        self.is_undecodable = true;
        let reason = format!("the file's record is unreadable: {}", skipped.reason);
        self.unread.entry(reason).or_default().add(skipped.number);
    }

    pub(super) fn incomplete(&mut self, packet: &IncompletePacket) {
        self.incomplete.add(packet.frame);
    }

    /// The file broke off.
    pub(super) fn broke_off(&mut self, why: String) {
        self.is_undecodable = true;
        self.end = Some(why);
    }

    /// Whether some input could not be decoded.
    pub(super) const fn is_undecodable(&self) -> bool {
        self.is_undecodable
    }

    /// Whether a message encodes to something else.
    pub(super) const fn differs(&self) -> bool {
        self.differences > 0
    }

    /// The counts, for people who see the messages too, and the moment that their times count from.
    pub(super) fn counts(&self, start: Option<CaptureTime>) -> String {
        let total: u64 = self.messages.values().sum();
        let mut text = format!(
            "{}, {}",
            counted(self.frames, "frame"),
            counted(total, "Mobility Header")
        );
        if !self.messages.is_empty() {
            let _ = write!(text, ": {}", by_name(&self.messages));
        }
        if let Some(start) = start {
            let _ = write!(text, "; the capture starts at {start}");
        }
        text.push('\n');
        text
    }

    /// What could not be read.
    pub(super) fn complaints(&self) -> String {
        let mut text = String::new();
        if !self.problems.is_empty() {
            let _ = writeln!(text, "problems: {}", by_name(&self.problems));
        }
        for (reason, counted) in &self.unread {
            let _ = writeln!(text, "not looked into: {} ({reason})", counted.frames());
        }
        if self.incomplete.count > 0 {
            let _ = writeln!(
                text,
                "incomplete fragmented packets, from {}: a Mobility Header in them would not be \
                 seen",
                self.incomplete.frames()
            );
        }
        if let Some(end) = &self.end {
            let _ = writeln!(
                text,
                "stopped after {}: {end}",
                counted(self.frames, "frame")
            );
        }
        text
    }
}

fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

fn by_name(counts: &BTreeMap<String, u64>) -> String {
    let list: Vec<String> = counts
        .iter()
        .map(|(name, count)| format!("{count} {name}"))
        .collect();
    list.join(", ")
}
