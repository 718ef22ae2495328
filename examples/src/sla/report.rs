//! What one operation showed, as a table and as JSON.

use std::fmt::Write;
use std::net::SocketAddr;
use std::time::Duration;

use clap::ValueEnum;
use comfy_table::{CellAlignment, Table, presets};
use pmip_sla::{DelayStatistics, History, JitterStatistics, Operation, VoiceScore};
use serde_json::{Value, json};

use super::Protocol;

pub(super) struct Report<'a> {
    pub protocol: Protocol,
    pub target: SocketAddr,
    pub source: SocketAddr,
    pub operation: &'a Operation,
    pub history: &'a History,
    pub voice: Option<VoiceScore>,
}

/// Milliseconds with three decimals.
pub(super) fn millis(span: Duration) -> String {
    let micros = span.as_nanos().div_ceil(1_000);
    format!("{}.{:03}", micros / 1_000, micros % 1_000)
}

impl Report<'_> {
    fn protocol(&self) -> String {
        let value = self.protocol.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Durations in milliseconds; squares in square milliseconds.
    pub(super) fn json(&self) -> Value {
        let mut report = json!({
            "protocol": self.protocol(),
            "target": self.target.to_string(),
            "source": self.source.to_string(),
        });
        let shown = operation(self.operation, self.history, self.voice);
        if let (Some(fields), Value::Object(shown)) = (report.as_object_mut(), shown) {
            fields.extend(shown);
        }
        report
    }
}

/// What one operation showed; round-trip quantiles are those of the whole history.
pub(crate) fn operation(
    operation: &Operation,
    history: &History,
    voice: Option<VoiceScore>,
) -> Value {
    let window = &operation.window;
    let loss = window.loss();
    let quantile = |per_mille| history.rtt_quantile(per_mille).map(number);
    json!({
        "outcome": operation.outcome,
        "sent": window.sent(),
        "received": window.received(),
        "lost": window.lost(),
        "loss_percent": window.loss_ppm().map(percent),
        "loss": {
            "forward": loss.forward,
            "backward": loss.backward,
            "unknown": loss.unknown,
            "late": window.late(),
        },
        "out_of_order": window.out_of_order(),
        "duplicates": window.duplicates(),
        "over_threshold": window.over_threshold(),
        "rtt_ms": delays(window.rtt()),
        "rtt_quantiles_ms": {
            "p50": quantile(500), "p90": quantile(900), "p99": quantile(990),
        },
        "one_way_ms": {
            "forward": delays(window.one_way_forward()),
            "backward": delays(window.one_way_backward()),
        },
        "jitter_ms": {
            "average": window.jitter_average().map(number),
            "round_trip": jitter(window.jitter()),
            "forward": jitter(window.jitter_forward()),
            "backward": jitter(window.jitter_backward()),
        },
        "voice": voice.map(|voice| json!({
            "icpif": voice.icpif,
            "mos": f64::from(voice.mos_hundredths) / 100.0,
        })),
    })
}

fn number(span: Duration) -> f64 {
    span.as_secs_f64() * 1_000.0
}

pub(crate) fn percent(ppm: u32) -> f64 {
    f64::from(ppm) / 10_000.0
}

fn delays(delays: &DelayStatistics) -> Value {
    if delays.count() == 0 {
        return Value::Null;
    }
    json!({
        "count": delays.count(),
        "min": delays.min().map(number),
        "average": delays.average().map(number),
        "max": delays.max().map(number),
        "deviation": delays.standard_deviation().map(number),
        "sum": number(delays.sum()),
        "sum_of_squares": delays.sum_of_squares() as f64 / 1e12,
    })
}

fn jitter(jitter: &JitterStatistics) -> Value {
    if jitter.differences().count() == 0 {
        return Value::Null;
    }
    json!({
        "average": jitter.average().map(number),
        "interarrival": jitter.interarrival().map(number),
        "positive": delays(jitter.positive()),
        "negative": delays(jitter.negative()),
        "zeros": jitter.zeros(),
    })
}

pub(super) fn table(report: &Report<'_>) -> String {
    let window = &report.operation.window;
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{} to {}: {}",
        report.protocol(),
        report.target,
        report.operation.outcome
    );
    let loss = window.loss();
    let _ = writeln!(
        text,
        "{} sent, {} received, {} lost ({} %): {} there, {} back, {} unknown, {} late",
        window.sent(),
        window.received(),
        window.lost(),
        window.loss_ppm().map_or(0.0, percent),
        loss.forward,
        loss.backward,
        loss.unknown,
        window.late(),
    );
    let _ = writeln!(
        text,
        "{} out of order, {} duplicates",
        window.out_of_order(),
        window.duplicates()
    );
    if window.received() > 0 {
        let _ = writeln!(text, "{}", rows(report));
    }
    if let Some(voice) = report.voice {
        let (mos, icpif) = (f64::from(voice.mos_hundredths) / 100.0, voice.icpif);
        let _ = writeln!(text, "a call: MOS {mos:.2}, ICPIF {icpif}");
    }
    text
}

fn rows(report: &Report<'_>) -> Table {
    let window = &report.operation.window;
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_header(["ms", "min", "average", "max", "deviation"]);
    let mut row = |name: &str, delays: &DelayStatistics| {
        let cell = |span: Option<Duration>| span.map_or_else(|| "-".to_owned(), millis);
        if delays.count() > 0 {
            table.add_row([
                name.to_owned(),
                cell(delays.min()),
                cell(delays.average()),
                cell(delays.max()),
                cell(delays.standard_deviation()),
            ]);
        }
    };
    row("round trip", window.rtt());
    row("delay there", window.one_way_forward());
    row("delay back", window.one_way_backward());
    row("jitter, round trip", &window.jitter().differences());
    row("jitter there", &window.jitter_forward().differences());
    row("jitter back", &window.jitter_backward().differences());
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
