//! `show sla` as tables.

use serde_json::Value;

use super::tables::{lines, or_dash, right_align, table};
use crate::control::SlaRow;

/// The paths, then the traffic profiles, then the operations where they were asked for.
pub(super) fn text(rows: &[SlaRow]) -> String {
    if rows.is_empty() {
        return "nothing is measured: there is no path, or `mobility-service hybrid-access` is off\n"
            .into();
    }
    let mut parts = vec![paths(rows)];
    if rows.iter().any(|row| !row.profiles.is_empty()) {
        parts.push(profiles(rows));
    }
    if rows.iter().any(|row| !row.history.is_empty()) {
        parts.push(history(rows));
    }
    parts.join("\n")
}

fn paths(rows: &[SlaRow]) -> String {
    let mut table = table(&[
        "path", "via", "label", "alive", "traffic", "ops", "last", "sent", "answered", "there",
        "back", "unknown", "late", "loss %", "rtt ms", "max", "jitter", "weight", "flows",
    ]);
    right_align(
        &mut table,
        &[0, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18],
    );
    for row in rows {
        let figure = |place: &str| {
            let value = row.last.as_ref().and_then(|last| last.pointer(place));
            or_dash(value.and_then(figure))
        };
        table.add_row([
            row.path.to_string(),
            via(row),
            or_dash(row.label.as_ref()),
            or_dash(row.alive.map(yes_no)),
            yes_no(row.usable).into(),
            row.operations.to_string(),
            last(row),
            figure("/sent"),
            figure("/received"),
            figure("/loss/forward"),
            figure("/loss/backward"),
            figure("/loss/unknown"),
            figure("/loss/late"),
            figure("/loss_percent"),
            figure("/rtt_ms/average"),
            figure("/rtt_ms/max"),
            figure("/jitter_ms/average"),
            row.weight.to_string(),
            row.flows.to_string(),
        ]);
    }
    lines(&table)
}

fn via(row: &SlaRow) -> String {
    row.interface.clone().unwrap_or_else(|| row.peer.clone())
}

/// How the last operation ended.
fn last(row: &SlaRow) -> String {
    let outcome = row.last.as_ref().and_then(|last| last.get("outcome"));
    match outcome.and_then(Value::as_str) {
        Some(outcome) => outcome.to_owned(),
        None if row.probed => "none yet".into(),
        None => "not probed".into(),
    }
}

/// A number with three decimals at most.
fn figure(value: &Value) -> Option<f64> {
    value
        .as_f64()
        .map(|value| (value * 1000.0).round() / 1000.0)
}

const fn yes_no(value: bool) -> &'static str {
    if value { "yes" } else { "no" }
}

fn profiles(rows: &[SlaRow]) -> String {
    let mut table = table(&[
        "path", "via", "profile", "state", "for s", "changes", "violated", "of limit",
    ]);
    right_align(&mut table, &[0, 4, 5, 7]);
    for row in rows {
        for profile in &row.profiles {
            table.add_row([
                row.path.to_string(),
                via(row),
                profile.profile.clone(),
                profile.state.clone(),
                or_dash(profile.since_s.map(|since| format!("{since:.0}"))),
                profile.transitions.to_string(),
                or_dash(profile.violated.as_ref()),
                or_dash(profile.worst),
            ]);
        }
    }
    lines(&table)
}

fn history(rows: &[SlaRow]) -> String {
    let mut table = table(&[
        "path", "started", "outcome", "sent", "answered", "loss %", "rtt ms", "jitter",
    ]);
    right_align(&mut table, &[0, 1, 3, 4, 5, 6, 7]);
    for row in rows {
        for operation in &row.history {
            table.add_row([
                row.path.to_string(),
                format!("{:.1}", operation.started),
                operation.outcome.clone(),
                operation.sent.to_string(),
                operation.received.to_string(),
                or_dash(operation.loss_pct),
                or_dash(operation.rtt_ms),
                or_dash(operation.jitter_ms),
            ]);
        }
    }
    lines(&table)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_has_its_figures_its_profiles_and_its_history() {
        let rows = json!([{
            "path": 1, "peer": "LMA1", "label": "LTE", "interface": "wwan0", "customer": null,
            "source": "10.1.0.2", "destination": "198.51.100.1", "probed": true, "alive": true,
            "alive_rtt_ms": 20.0, "deaths": 0, "usable": true, "weight": 3, "flows": 7,
            "operations": 2, "last_started": 1_700_000_000.25,
            "last": {
                "outcome": "ok", "sent": 10, "received": 9, "loss_percent": 10.0,
                "loss": {"forward": 1, "backward": 0, "unknown": 0, "late": 0},
                "rtt_ms": {"average": 21.123_456, "max": 30.0}, "jitter_ms": {"average": 1.5},
            },
            "profiles": [{
                "profile": "voice", "state": "violating", "since_s": 12.4, "transitions": 3,
                "violated": "loss", "worst": 5.0,
            }],
            "history": [{
                "started": 1_700_000_000.25, "outcome": "ok", "sent": 10, "received": 9,
                "loss_pct": 10.0, "rtt_ms": 21.123, "jitter_ms": 1.5,
            }],
        }]);
        let rows: Vec<SlaRow> = serde_json::from_value(rows).expect("rows");
        let expected = "\
path  via    label  alive  traffic  ops  last  sent  answered  there  back  unknown  late  loss %  rtt ms  max  jitter  weight  flows
   1  wwan0  LTE    yes    yes        2  ok      10         9      1     0        0     0      10  21.123   30     1.5       3      7

path  via    profile  state      for s  changes  violated  of limit
   1  wwan0  voice    violating     12        3  loss             5

path       started  outcome  sent  answered  loss %  rtt ms  jitter
   1  1700000000.2  ok         10         9      10  21.123     1.5
";
        let shown = text(&rows);
        assert!(shown == expected, "found:\n{shown}\nexpected:\n{expected}");
    }
}
