//! What a person sees while a scenario runs.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use super::domain::PathRow;
use super::result::{ClaimResult, PathTable, RunResult};
use super::spec::DomainSpec;
use super::traffic::{Direction, Traffic};

/// Text on standard output, and while time passes a live path table on standard error where that
/// is a terminal. Beside `--json` nothing is on standard output.
pub struct Screen {
    text: bool,
    live: bool,
    names: Vec<&'static str>,
    live_shown: Option<Live>,
}

/// The live table on the terminal.
struct Live {
    at: Duration,
    lines: usize,
}

impl Screen {
    /// A screen for a person, or (with `json`) the live table alone.
    pub fn new(json: bool) -> Self {
        Self {
            text: !json,
            live: io::stderr().is_terminal(),
            names: Vec::new(),
            live_shown: None,
        }
    }

    /// A screen that shows nothing.
    pub fn silent() -> Self {
        Self {
            text: false,
            live: false,
            names: Vec::new(),
            live_shown: None,
        }
    }

    /// Learns the names of the WANs.
    pub(super) fn learn(&mut self, spec: &DomainSpec) {
        self.names = spec.wans.iter().map(|wan| wan.name).collect();
    }

    /// One line of text.
    pub fn line(&mut self, text: &str) {
        self.clear_live();
        if self.text {
            // A reader that went away is no reason to leave namespaces behind.
            let _ = writeln!(io::stdout(), "{text}");
        }
    }

    pub(super) fn step(&mut self, at: Duration, number: usize, title: &str) {
        self.line("");
        self.line(&format!("{} {number}. {title}", stamp(at)));
    }

    pub(super) fn say(&mut self, at: Duration, text: &str) {
        self.line(&format!("{}    {text}", stamp(at)));
    }

    pub(super) fn claim(&mut self, at: Duration, claim: &ClaimResult) {
        let verdict = if claim.holds { "holds" } else { "FELL" };
        self.line(&format!(
            "{}    [{verdict}] {}: {}",
            stamp(at),
            claim.claim,
            claim.detail
        ));
    }

    pub(super) fn paths(&mut self, table: &PathTable) {
        for line in path_table(&self.names, table).lines() {
            self.line(line);
        }
    }

    /// Whether it is time to redraw the live table: ten times a second, on a terminal.
    pub(super) fn wants_live(&self, at: Duration) -> bool {
        let tenth = Duration::from_millis(100);
        let shown = self.live_shown.as_ref();
        self.live && shown.is_none_or(|shown| at >= shown.at + tenth)
    }

    /// Redraws the live table.
    pub(super) fn live(&mut self, at: Duration, table: &PathTable, traffic: &Traffic) {
        self.clear_live();
        let second = Duration::from_secs(1);
        let mut rates = stamp(at);
        for direction in Direction::BOTH {
            let rate = traffic.rate(direction, at.saturating_sub(second), at);
            let _ = write!(rates, "    {direction} {}", bits(rate));
        }
        let text = format!("{}{rates}", path_table(&self.names, table));
        self.live_shown = Some(Live {
            at,
            lines: text.lines().count(),
        });
        let _ = writeln!(io::stderr(), "{text}");
    }

    /// Redraws the line that says what is waited for.
    pub(super) fn waiting(&mut self, at: Duration, what: &str, passed: Duration, limit: Duration) {
        if !self.wants_live(at) {
            return;
        }
        self.clear_live();
        self.live_shown = Some(Live { at, lines: 1 });
        let (passed, limit) = (passed.as_secs_f64(), limit.as_secs_f64());
        let _ = writeln!(
            io::stderr(),
            "{}    waiting: {what} ({passed:.1} of at most {limit:.0} s)",
            stamp(at)
        );
    }

    pub(super) fn end(&mut self, result: &RunResult) {
        self.line("");
        let held = result.claims.iter().filter(|claim| claim.holds).count();
        let traffic = &result.traffic;
        if traffic.transfers + traffic.pings_sent > 0 {
            self.line(&format!(
                "{} transfers, {} resets; {} up, {} down; {} of {} pings answered; {:.1} s",
                traffic.transfers,
                traffic.resets,
                octets(traffic.up_bytes),
                octets(traffic.down_bytes),
                traffic.pings_answered,
                traffic.pings_sent,
                result.duration_s,
            ));
        }
        if let Some(error) = &result.error {
            self.line(&format!("The scenario could not go on: {error}"));
        }
        let verdict = match (result.ok, result.failed_rows.as_slice()) {
            (true, _) => "PASSED".to_owned(),
            (false, []) if result.interrupted => "INTERRUPTED".to_owned(),
            (false, []) => "FAILED".to_owned(),
            (false, rows) => format!("FAILED, acceptance rows {rows:?}"),
        };
        let scenario = result.scenario;
        self.line(&format!("{scenario}: {held} claims hold. {verdict}"));
    }

    /// Moves up to where the live table began and clears from there.
    fn clear_live(&mut self) {
        if let Some(Live { lines, .. }) = self.live_shown.take() {
            let _ = write!(io::stderr(), "\x1b[{lines}A\r\x1b[J");
        }
    }
}

/// The path table of both nodes, a line for each WAN.
fn path_table(names: &[&str], table: &PathTable) -> String {
    let head = [
        "path",
        "at MAG",
        "at LMA",
        "RTT",
        "flows up",
        "flows down",
        "octets up",
        "octets down",
    ];
    let mut text = table_line(&head.map(str::to_owned));
    for (mag, lma) in table.mag.iter().zip(&table.lma) {
        let name = names.get(mag.wan).copied().unwrap_or("?");
        text.push_str(&table_line(&[
            name.to_owned(),
            mag.state.clone(),
            lma.state.clone(),
            rtt(mag),
            mag.flows.to_string(),
            lma.flows.to_string(),
            octets(mag.tx_bytes),
            octets(lma.tx_bytes),
        ]));
    }
    text
}

fn table_line(cells: &[String; 8]) -> String {
    let [path, mag, lma, rtt, up, down, tx, rx] = cells;
    format!(
        "{:14}{path:8}{mag:13}{lma:13}{rtt:>9}{up:>10}{down:>12}{tx:>13}{rx:>13}\n",
        ""
    )
}

fn stamp(at: Duration) -> String {
    format!("[{:7.3} s]", at.as_secs_f64())
}

fn rtt(row: &PathRow) -> String {
    row.rtt_ms
        .map_or_else(|| "-".to_owned(), |ms| format!("{ms:.1} ms"))
}

/// Octets with a decimal unit: `12.3 MB`.
pub(super) fn octets(count: u64) -> String {
    scaled(count as f64, "B")
}

/// Bits per second with a decimal unit: `12.3 Mbit/s`.
pub(super) fn bits(rate: f64) -> String {
    scaled(rate, "bit/s")
}

fn scaled(value: f64, unit: &str) -> String {
    let (scale, prefix) = match value {
        value if value >= 1e9 => (1e9, "G"),
        value if value >= 1e6 => (1e6, "M"),
        value if value >= 1e3 => (1e3, "k"),
        _ => (1.0, ""),
    };
    let digits = usize::from(scale > 1.0);
    format!("{:.digits$} {prefix}{unit}", value / scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_short_and_decimal() {
        assert_eq!(octets(999), "999 B");
        assert_eq!(octets(12_345_678), "12.3 MB");
        assert_eq!(bits(2.5e9), "2.5 Gbit/s");
    }

    #[test]
    fn the_table_names_each_wan_with_both_views() {
        let mut lma = PathRow::absent(0);
        lma.state = "down".to_owned();
        let mut mag = PathRow::absent(0);
        mag.state = "up".to_owned();
        mag.rtt_ms = Some(10.04);
        let table = PathTable {
            mag: vec![mag],
            lma: vec![lma],
        };
        let text = path_table(&["wan1"], &table);
        let row = text.lines().nth(1).unwrap_or_default();
        let words: Vec<&str> = row.split_whitespace().collect();
        assert_eq!(
            words.get(..5),
            Some(&["wan1", "up", "down", "10.0", "ms"][..])
        );
    }
}
