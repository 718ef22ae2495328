//! Counters and gauges in the Prometheus text format, version 0.0.4.
//!
//! Names are a contract: dashboards and alarms use them.

mod sla;

use std::fmt::Write;

use pmip_wire::Status;
use pmip_wire::types::Instant;

use super::show::path_rows;
use crate::node::Node;

/// One sample: its labels and its value.
type Sample = (Vec<(&'static str, String)>, f64);

/// Everything that `node` has to tell.
pub fn text(node: &Node, now: Instant) -> String {
    let mut page = Page::default();
    of_node(&mut page, node, now);
    of_signalling(&mut page, node);
    let rows = path_rows(node);
    of_paths(&mut page, &rows);
    sla::of_service(&mut page, node, &rows);
    of_packets(&mut page, node);
    of_map(&mut page, node);
    page.0
}

fn of_node(page: &mut Page, node: &Node, now: Instant) {
    let config = node.config();
    let labels = vec![
        ("id", config.id.clone()),
        ("role", node.role().to_string().to_lowercase()),
        ("version", env!("CARGO_PKG_VERSION").into()),
    ];
    let what = "What the node is; always 1.";
    page.gauge("pmip_node_info", what, [(labels, 1.0)]);
    let uptime = now.saturating_since(node.started()).as_secs_f64();
    let what = "Time since the node started.";
    page.gauge("pmip_uptime_seconds", what, [(Vec::new(), uptime)]);
    let bindings = node.engine().bindings(now).len();
    let what = "Mobility sessions.";
    page.gauge("pmip_bindings", what, [(Vec::new(), bindings as f64)]);
}

fn of_signalling(page: &mut Page, node: &Node) {
    let stats = node.engine().stats();
    let directions = [("in", stats.received), ("out", stats.sent)];
    let samples = directions.map(|(direction, count)| {
        let labels = vec![("direction", direction.to_owned())];
        (labels, count as f64)
    });
    let name = "pmip_signalling_datagrams_total";
    page.counter(name, "Signalling datagrams.", samples);
    for (name, what, count) in [
        (
            "pmip_binding_updates_total",
            "Proxy Binding Updates, retransmissions included.",
            stats.binding_updates,
        ),
        (
            "pmip_binding_update_retransmissions_total",
            "Proxy Binding Updates sent again.",
            stats.retransmissions,
        ),
        (
            "pmip_heartbeats_sent_total",
            "Heartbeat requests sent.",
            stats.heartbeats_sent,
        ),
        (
            "pmip_heartbeats_answered_total",
            "Heartbeat answers received.",
            stats.heartbeats_answered,
        ),
        (
            "pmip_handoffs_total",
            "Sessions that moved between access gateways.",
            stats.handoffs,
        ),
        (
            "pmip_sessions_created_total",
            "Mobility sessions created.",
            stats.sessions_created,
        ),
        (
            "pmip_sessions_expired_total",
            "Mobility sessions that nothing refreshed.",
            stats.expired,
        ),
        (
            "pmip_signalling_send_errors_total",
            "Signalling datagrams that the kernel refused.",
            node.send_errors(),
        ),
    ] {
        page.counter(name, what, [(Vec::new(), count as f64)]);
    }
    let answers = stats.acknowledgements.iter().map(|(status, count)| {
        let name = Status::from_code(*status)
            .name()
            .unwrap_or_default()
            .to_owned();
        let labels = vec![("status", status.to_string()), ("name", name)];
        (labels, *count as f64)
    });
    let what = "Proxy Binding Acknowledgements by status.";
    page.counter("pmip_binding_acknowledgements_total", what, answers);
    let drops = stats.dropped.iter().map(|(reason, count)| {
        let labels = vec![("reason", word(reason))];
        (labels, *count as f64)
    });
    let what = "Signalling datagrams dropped.";
    page.counter("pmip_signalling_dropped_total", what, drops);
    let tolerated = stats.tolerated.iter().map(|(tolerance, count)| {
        let labels = vec![("tolerance", word(tolerance))];
        (labels, *count as f64)
    });
    let what = "Bends of the rules taken from peers that may.";
    page.counter("pmip_tolerated_total", what, tolerated);
}

fn path_labels(row: &super::PathRow) -> Vec<(&'static str, String)> {
    vec![
        ("path", row.path.to_string()),
        ("peer", row.peer.clone()),
        ("label", row.label.clone().unwrap_or_default()),
        ("interface", row.interface.clone().unwrap_or_default()),
    ]
}

fn of_paths(page: &mut Page, rows: &[super::PathRow]) {
    type Value = fn(&super::PathRow) -> Option<f64>;
    let gauges: [(&str, &str, Value); 7] = [
        (
            "pmip_path_weight",
            "Share of new flows in our sending direction.",
            |row| Some(row.dynamic_weight.unwrap_or_else(|| row.weight.into())),
        ),
        (
            "pmip_path_loss_ratio",
            "Heartbeats without an answer since the start, 0 to 1.",
            |row| row.loss_pct.map(|percent| percent / 100.0),
        ),
        (
            "pmip_path_up",
            "Whether the path may carry traffic.",
            |row| Some(f64::from(u8::from(row.usable))),
        ),
        ("pmip_path_sessions", "Sessions bound to the path.", |row| {
            Some(f64::from(row.sessions))
        }),
        ("pmip_path_flows", "Flows that use the path.", |row| {
            Some(row.flows as f64)
        }),
        (
            "pmip_path_rtt_seconds",
            "Round-trip time of the last heartbeat.",
            |row| row.rtt_ms.map(|ms| ms / 1000.0),
        ),
        (
            "pmip_path_jitter_seconds",
            "Smoothed variation of the round-trip time.",
            |row| row.jitter_ms.map(|ms| ms / 1000.0),
        ),
    ];
    for (name, what, value) in gauges {
        let samples = rows.iter();
        let samples = samples.filter_map(|row| Some((path_labels(row), value(row)?)));
        page.gauge(name, what, samples);
    }
    let counters: [(&str, &str, Value); 4] = [
        ("pmip_path_tx_packets_total", "Inner packets sent.", |row| {
            Some(row.tx_packets as f64)
        }),
        ("pmip_path_tx_bytes_total", "Inner octets sent.", |row| {
            Some(row.tx_bytes as f64)
        }),
        (
            "pmip_path_rx_packets_total",
            "Inner packets received.",
            |row| Some(row.rx_packets as f64),
        ),
        (
            "pmip_path_rx_bytes_total",
            "Inner octets received.",
            |row| Some(row.rx_bytes as f64),
        ),
    ];
    for (name, what, value) in counters {
        let samples = rows.iter();
        let samples = samples.filter_map(|row| Some((path_labels(row), value(row)?)));
        page.counter(name, what, samples);
    }
}

fn of_packets(page: &mut Page, node: &Node) {
    let stats = node.ports().tunnels.stats();
    let drops = stats.drops.into_iter();
    let drops = drops.map(|(reason, count)| (vec![("reason", reason)], count as f64));
    let what = "Inner packets dropped.";
    page.counter("pmip_packets_dropped_total", what, drops);
    let what = "ICMP errors sent to inner hosts.";
    let sent = [(Vec::new(), stats.icmp_sent as f64)];
    page.counter("pmip_icmp_errors_sent_total", what, sent);
}

/// The mobile map in force.
fn of_map(page: &mut Page, node: &Node) {
    let Some(policy) = node.table().policy() else {
        return;
    };
    let map = node.config().active_map().unwrap_or_default();
    let labels = |entry: String| vec![("map", map.to_owned()), ("entry", entry)];
    let flows = policy
        .counters()
        .map(|entry| (labels(entry.sequence.to_string()), entry.hits as f64));
    let others = [(labels("default".into()), policy.default_hits() as f64)];
    let name = "pmip_map_entry_flows_total";
    page.counter(name, "Flows that a map entry took.", flows.chain(others));
    let drops = policy.counters().map(|entry| {
        let dropped = entry.null_drops + entry.strict_drops;
        (labels(entry.sequence.to_string()), dropped as f64)
    });
    let name = "pmip_map_entry_drops_total";
    page.counter(name, "Packets dropped by null or strict.", drops);
}

/// The kebab-case word of an enumeration.
fn word(value: &impl serde::Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or("unknown").to_owned()
}

#[derive(Default)]
struct Page(String);

impl Page {
    fn gauge(&mut self, name: &str, what: &str, samples: impl IntoIterator<Item = Sample>) {
        self.family("gauge", name, what, samples);
    }

    fn counter(&mut self, name: &str, what: &str, samples: impl IntoIterator<Item = Sample>) {
        self.family("counter", name, what, samples);
    }

    fn family(
        &mut self,
        kind: &str,
        name: &str,
        what: &str,
        samples: impl IntoIterator<Item = Sample>,
    ) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "# HELP {name} {what}\n# TYPE {name} {kind}");
        for (labels, value) in samples {
            let labels = labels.iter();
            let labels = labels.map(|(key, value)| format!("{key}=\"{}\"", escape(value)));
            let labels: Vec<String> = labels.collect();
            let braces = match labels.is_empty() {
                true => String::new(),
                false => format!("{{{}}}", labels.join(",")),
            };
            let _ = writeln!(self.0, "{name}{braces} {value}");
        }
    }
}

/// A label value: peers choose names, and a quote in one must not end it.
fn escape(value: &str) -> String {
    let value = value.replace('\\', "\\\\").replace('"', "\\\"");
    value.replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::tests::Domain;

    #[test]
    fn every_sample_belongs_to_the_family_above_it_and_no_name_comes_twice() {
        let domain = Domain::registered();
        for seat in [&domain.mag, &domain.lma] {
            let text = text(&seat.node, domain.now);
            let mut families = Vec::new();
            for line in text.lines() {
                if let Some(rest) = line.strip_prefix("# TYPE ") {
                    let (name, kind) = rest.split_once(' ').expect("a name and a type");
                    assert!(name.starts_with("pmip_"), "{name}");
                    assert_eq!(kind == "counter", name.ends_with("_total"), "{name}");
                    assert!(!families.contains(&name), "{name} twice");
                    families.push(name);
                } else if !line.starts_with('#') {
                    let (series, value) = line.rsplit_once(' ').expect("a value");
                    let name = series.split('{').next();
                    assert_eq!(name, families.last().copied(), "{line}");
                    assert!(value.parse::<f64>().is_ok(), "{line}");
                }
            }
            assert!(text.contains("pmip_path_up{path="), "{text}");
        }
    }

    /// What `promtool check metrics` asks of names and help texts.
    #[test]
    fn names_follow_the_rules_of_the_linter() {
        let domain = Domain::registered();
        let text = text(&domain.mag.node, domain.now);
        let mut metrics = text.lines().filter_map(|line| line.strip_prefix("# HELP "));
        for line in &mut metrics {
            let (name, help) = line.split_once(' ').expect("a help text");
            assert!(!help.is_empty(), "{name}");
            let plain = |letter: char| letter.is_ascii_lowercase() || letter == '_';
            assert!(name.chars().all(plain), "{name}");
            for unit in [
                "milliseconds",
                "_ms",
                "_s",
                "kilobytes",
                "percent",
                "minutes",
            ] {
                assert!(!name.ends_with(unit), "{name}: no base unit");
            }
            for word in ["counter", "gauge", "histogram"] {
                assert!(!name.contains(word), "{name} has its type in its name");
            }
        }
    }

    #[test]
    fn the_dashboard_shows_metrics_that_there_are() {
        let mut domain = Domain::new();
        let now = domain.now;
        let lines = [
            "ipv6 mobile pmipv6-domain D",
            "mobile-map M 10",
            "set link-type LTE",
        ];
        let node = ["ipv6 mobile pmipv6-mag MAG1 domain D", "mobile-map M"];
        for lines in [&lines[..], &node[..]] {
            let lines = lines.iter().map(|line| (*line).to_owned()).collect();
            domain
                .mag
                .ask(now, crate::control::Request::Configure { lines });
        }
        let text = text(&domain.mag.node, now);
        let there: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next())
            .collect();
        let dashboard = include_str!("../../../docs/monitoring/grafana-dashboard.json");
        let dashboard: serde_json::Value = serde_json::from_str(dashboard).expect("JSON");
        let panels = dashboard["panels"].as_array().expect("panels");
        let mut shown = 0;
        for target in panels
            .iter()
            .flat_map(|panel| panel["targets"].as_array())
            .flatten()
        {
            let expression = target["expr"].as_str().expect("an expression");
            let words = expression.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
            for name in words.filter(|word| word.starts_with("pmip_")) {
                assert!(there.contains(&name), "there is no {name}");
                shown += 1;
            }
        }
        assert!(shown >= panels.len(), "every panel shows something");
    }

    #[test]
    fn no_name_breaks_out_of_its_quotes() {
        assert_eq!(escape("a\"} 1\nb\\"), "a\\\"} 1\\nb\\\\");
    }
}
