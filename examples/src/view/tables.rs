//! `show` as tables.

use std::fmt::Write;

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};
use pmip_wire::types::{Encapsulation, IpPrefix};
use serde_json::Value;

use crate::control::{
    BindingRow, FlowTableRow, HeartbeatRow, MapEntryRow, MobileMapRow, PathDecisionRow, PathRow,
    TunnelRow,
};

/// Bindings, each with its paths beneath.
pub(super) fn bindings(rows: &[BindingRow]) -> String {
    if rows.is_empty() {
        return "no bindings\n".into();
    }
    let mut text = String::new();
    for row in rows {
        let kind = if row.lmn {
            "logical mobile node"
        } else {
            "mobile node"
        };
        let _ = writeln!(
            text,
            "{} ({kind}), {} with {}, {} of {} s left",
            row.mn_id, row.state, row.peer, row.remaining_s, row.lifetime_s
        );
        if let Some(address) = row.ipv4_hoa {
            let length = row.ipv4_prefix_length.map(|length| format!("/{length}"));
            let router = row
                .default_router
                .map(|router| format!(", router {router}"));
            let (length, router) = (length.unwrap_or_default(), router.unwrap_or_default());
            let _ = writeln!(text, "  home address      {address}{length}{router}");
        }
        if let Some(service) = &row.service {
            let _ = writeln!(text, "  service           {service}");
        }
        prefixes(&mut text, "home prefixes", &row.hnp);
        prefixes(&mut text, "mobile networks", &row.dmnp);
        for line in paths(&row.paths).lines() {
            let _ = writeln!(text, "  {line}");
        }
    }
    let count = rows.len();
    let plural = if count == 1 { "" } else { "s" };
    let _ = writeln!(text, "{count} binding{plural}");
    text
}

fn prefixes(text: &mut String, title: &str, prefixes: &[IpPrefix]) {
    if !prefixes.is_empty() {
        let list: Vec<String> = prefixes.iter().map(ToString::to_string).collect();
        let _ = writeln!(text, "  {title:<17} {}", list.join(", "));
    }
}

/// One line a path.
pub(super) fn paths(rows: &[PathRow]) -> String {
    if rows.is_empty() {
        return "no paths\n".into();
    }
    let mut table = table(&[
        "bid", "via", "label", "att", "state", "care-of", "observed", "encap", "weight", "rtt ms",
        "jitter", "loss %", "tx pkts", "rx pkts", "flows",
    ]);
    right_align(&mut table, &[0, 8, 9, 10, 11, 12, 13, 14]);
    for row in rows {
        table.add_row([
            row.bid.to_string(),
            row.interface.clone().unwrap_or_else(|| row.peer.clone()),
            or_dash(row.label.as_ref()),
            row.att.clone(),
            state(row),
            row.care_of.to_string(),
            row.observed.to_string(),
            encapsulation(row.encap),
            weight(row),
            or_dash(row.rtt_ms),
            or_dash(row.jitter_ms),
            or_dash(row.loss_pct),
            row.tx_packets.to_string(),
            row.rx_packets.to_string(),
            row.flows.to_string(),
        ]);
    }
    lines(&table)
}

/// The configured weight, and in dynamic mode what it is now.
fn weight(row: &PathRow) -> String {
    match row.dynamic_weight {
        Some(now) => format!("{now:.2} of {}", row.weight),
        None => row.weight.to_string(),
    }
}

fn state(row: &PathRow) -> String {
    if row.state == "up" && !row.usable {
        return "up, no traffic yet".into();
    }
    match &row.hint {
        Some(hint) => format!("{} (hint: {hint})", row.state),
        None => row.state.clone(),
    }
}

/// One line a heartbeat.
pub(super) fn heartbeats(rows: &[HeartbeatRow]) -> String {
    if rows.is_empty() {
        return "no paths\n".into();
    }
    let mut table = table(&[
        "peer",
        "label",
        "source",
        "destination",
        "status",
        "interval s",
        "retries",
        "sent",
        "received",
        "missed",
        "rtt ms",
        "restarts",
        "nat changes",
    ]);
    right_align(&mut table, &[5, 6, 7, 8, 9, 10, 11, 12]);
    for row in rows {
        let figure = |pick: fn(&crate::control::HeartbeatSummary) -> String| {
            or_dash(row.heartbeat.as_ref().map(pick))
        };
        table.add_row([
            row.peer.clone(),
            or_dash(row.label.as_ref()),
            row.source.to_string(),
            row.destination.to_string(),
            row.status.clone(),
            figure(|h| h.interval_s.to_string()),
            figure(|h| h.retries.to_string()),
            figure(|h| h.sent.to_string()),
            figure(|h| h.received.to_string()),
            figure(|h| h.missed.to_string()),
            or_dash(row.rtt_ms),
            or_dash(row.restart_counter),
            row.nat_changes.to_string(),
        ]);
    }
    lines(&table)
}

/// One line a tunnel.
pub(super) fn tunnels(rows: &[TunnelRow]) -> String {
    if rows.is_empty() {
        return "no tunnels\n".into();
    }
    let mut table = table(&[
        "path",
        "label",
        "encap",
        "local",
        "remote",
        "mtu",
        "acl",
        "traffic",
        "tx pkts",
        "tx bytes",
        "rx pkts",
        "rx bytes",
        "tx errors",
    ]);
    right_align(&mut table, &[0, 5, 8, 9, 10, 11, 12]);
    for row in rows {
        table.add_row([
            row.path.to_string(),
            or_dash(row.label.as_ref()),
            encapsulation(row.encap),
            or_dash(row.local),
            row.remote.to_string(),
            or_dash(row.mtu),
            or_dash(row.acl.as_ref()),
            if row.usable { "yes" } else { "no" }.into(),
            row.tx_packets.to_string(),
            row.tx_bytes.to_string(),
            row.rx_packets.to_string(),
            row.rx_bytes.to_string(),
            row.tx_errors.to_string(),
        ]);
    }
    lines(&table)
}

/// One line a flow.
pub(super) fn flows(rows: &[FlowTableRow]) -> String {
    if rows.is_empty() {
        return "no flows\n".into();
    }
    let mut table = table(&[
        "protocol",
        "source",
        "destination",
        "path",
        "link",
        "packets",
        "bytes",
        "idle s",
        "why",
    ]);
    right_align(&mut table, &[3, 5, 6, 7]);
    for row in rows {
        table.add_row([
            row.protocol.clone(),
            row.source.to_string(),
            row.destination.to_string(),
            row.path.to_string(),
            row.link.clone(),
            row.packets.to_string(),
            row.bytes.to_string(),
            format!("{:.1}", row.idle_s),
            row.why.clone(),
        ]);
    }
    lines(&table)
}

/// Where a flow goes: the answer first, then the steps, then every path.
pub(super) fn path_decision(row: &PathDecisionRow) -> String {
    let answer = match (&row.link, &row.dropped) {
        (Some(link), _) => format!("goes by {link}"),
        (None, Some(why)) => format!("is dropped ({why})"),
        (None, None) => "is dropped".into(),
    };
    let mut text = format!("{} {answer}\n", row.flow);
    for (number, step) in (1..).zip(&row.why) {
        let _ = writeln!(text, "  {number}. {step}");
    }
    let mut table = table(&["path", "link", "weight", "share %", "standing"]);
    right_align(&mut table, &[0, 2, 3]);
    for candidate in &row.candidates {
        table.add_row([
            candidate.path.to_string(),
            candidate.link.clone(),
            candidate.weight.to_string(),
            format!("{:.1}", candidate.share_pct),
            candidate.standing.clone(),
        ]);
    }
    text + &lines(&table)
}

/// Named values, nested ones indented.
pub(super) fn outline(value: &Value) -> String {
    let mut text = String::new();
    outline_into(&mut text, value, 0);
    text
}

fn outline_into(text: &mut String, value: &Value, depth: usize) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                let name = name.replace('_', " ");
                if is_nested(field) {
                    let _ = writeln!(text, "{indent}{name}:");
                    outline_into(text, field, depth + 1);
                } else {
                    let width = 24_usize.saturating_sub(indent.len());
                    let _ = writeln!(text, "{indent}{name:<width$} {}", scalar(field));
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                if is_nested(item) {
                    outline_into(text, item, depth);
                } else {
                    let _ = writeln!(text, "{indent}{}", scalar(item));
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            let _ = writeln!(text, "{indent}{}", scalar(value));
        }
    }
}

/// Mobile maps, each with its entries beneath.
pub(super) fn mobile_maps(rows: &[MobileMapRow]) -> String {
    if rows.is_empty() {
        return "no mobile maps\n".into();
    }
    let mut text = String::new();
    for row in rows {
        let state = if row.active { "active" } else { "not active" };
        let _ = writeln!(text, "mobile map {}, {state}", row.name);
        let mut table = table(&[
            "entry",
            "access list",
            "links",
            "profile",
            "hits",
            "falls",
            "null",
            "fallbacks",
            "strict",
        ]);
        right_align(&mut table, &[0, 4, 5, 6, 7, 8]);
        for entry in &row.entries {
            table.add_row([
                entry.sequence.to_string(),
                entry.access_list.clone().unwrap_or_else(|| "any".into()),
                links(entry),
                profile(entry),
                entry.hits.to_string(),
                entry.falls.to_string(),
                entry.null_drops.to_string(),
                entry.profile_fallbacks.to_string(),
                entry.strict_drops.to_string(),
            ]);
        }
        for line in lines(&table).lines() {
            let _ = writeln!(text, "  {line}");
        }
        if row.active {
            let _ = writeln!(text, "  flows that no entry took: {}", row.default_hits);
        }
    }
    text
}

fn links(entry: &MapEntryRow) -> String {
    let mut names = entry.link_type.clone();
    if entry.null {
        names.push("null".into());
    }
    if names.is_empty() {
        return "every path".into();
    }
    names.join(" ")
}

fn profile(entry: &MapEntryRow) -> String {
    match (&entry.traffic_profile, entry.strict) {
        (None, _) => "-".into(),
        (Some(name), false) => name.clone(),
        (Some(name), true) => format!("{name} strict"),
    }
}

fn is_nested(value: &Value) -> bool {
    match value {
        Value::Object(fields) => !fields.is_empty(),
        Value::Array(items) => items.iter().any(|item| item.is_object() || item.is_array()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::Null => "-".into(),
        Value::Bool(true) => "yes".into(),
        Value::Bool(false) => "no".into(),
        Value::Number(number) => number.as_f64().map_or_else(
            || number.to_string(),
            // Without the `.0` of a whole number.
            |value| value.to_string(),
        ),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "none".into(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(scalar).collect();
            items.join(", ")
        }
        Value::Object(_) => "none".into(),
    }
}

pub(super) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(header.iter().map(Cell::new));
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
}

/// Without the blanks that pad the last column.
pub(super) fn lines(table: &Table) -> String {
    let mut text = String::new();
    for line in table.lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

pub(super) fn right_align(table: &mut Table, columns: &[usize]) {
    for index in columns {
        if let Some(column) = table.column_mut(*index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

pub(super) fn or_dash(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".into(), |value| value.to_string())
}

fn encapsulation(encapsulation: Encapsulation) -> String {
    match encapsulation {
        Encapsulation::Ipv6 => "ipv6",
        Encapsulation::Ipv4 => "ipv4",
        Encapsulation::Ipv4Udp => "ipv4-udp",
        Encapsulation::Ipv4UdpTlv => "ipv4-udp-tlv",
        Encapsulation::GreIpv4 => "gre-ipv4",
        Encapsulation::GreIpv6 => "gre-ipv6",
        _ => "unknown",
    }
    .into()
}

#[cfg(test)]
mod tests {
    use pretty::assert_text;

    use super::*;
    use crate::control::HeartbeatSummary;

    fn path(bid: u8, interface: &str, state: &str) -> PathRow {
        PathRow {
            path: u32::from(bid) - 1,
            bid,
            label: (bid == 1).then(|| "LTE".into()),
            att: "LTE".into(),
            care_of: "192.0.2.9".parse().expect("an address"),
            observed: "198.51.100.1:5436".parse().expect("an address"),
            remote: "198.51.100.1:5437".parse().expect("an address"),
            nat: false,
            encap: Encapsulation::Ipv4Udp,
            state: state.into(),
            usable: bid == 1,
            weight: 1,
            hint: None,
            dynamic_weight: None,
            congested: None,
            interface: Some(interface.into()),
            peer: "LMA1".into(),
            sessions: 1,
            heartbeat: Some(HeartbeatSummary {
                interval_s: 0.5,
                retries: 1,
                sent: 4,
                received: 4,
                missed: 0,
            }),
            rtt_ms: (bid == 1).then_some(21.5),
            jitter_ms: None,
            loss_pct: Some(0.0),
            tx_packets: 7,
            tx_bytes: 700,
            rx_packets: 5,
            rx_bytes: 500,
            flows: 2,
            lifetime_s: None,
            remaining_s: None,
            gre_key_up: None,
            gre_key_down: None,
        }
    }

    #[test]
    fn paths_are_a_table_without_trailing_blanks() {
        let rows = [path(1, "wwan0", "up"), path(2, "eth0", "up")];
        assert_text(
            &paths(&rows),
            "
bid  via    label  att  state               care-of    observed           encap     weight  rtt ms  jitter  loss %  tx pkts  rx pkts  flows
  1  wwan0  LTE    LTE  up                  192.0.2.9  198.51.100.1:5436  ipv4-udp       1    21.5       -       0        7        5      2
  2  eth0   -      LTE  up, no traffic yet  192.0.2.9  198.51.100.1:5436  ipv4-udp       1       -       -       0        7        5      2
",
        );
    }

    #[test]
    fn a_binding_has_its_prefixes_and_paths_beneath() {
        let row = BindingRow {
            session: 0,
            mn_id: "van@example.org".into(),
            lmn: true,
            state: "active".into(),
            peer: "LMA1".into(),
            customer: None,
            hnp: Vec::new(),
            ipv4_hoa: None,
            ipv4_prefix_length: None,
            default_router: None,
            service: None,
            access_network: None,
            dmnp: vec!["10.60.0.0/24".parse().expect("a prefix")],
            lifetime_s: 3600,
            remaining_s: 3000,
            paths: Vec::new(),
        };
        assert_text(
            &bindings(&[row]),
            "
van@example.org (logical mobile node), active with LMA1, 3000 of 3600 s left
  mobile networks   10.60.0.0/24
  no paths
1 binding
",
        );
    }

    #[test]
    fn an_outline_indents_what_is_nested_and_says_none_for_empty() {
        let value = serde_json::json!({
            "multipath": true,
            "lifetime_s": 3600.0,
            "peers": ["MAG1", "MAG2"],
            "networks": [],
            "timers": { "delete_wait_ms": 10_000 },
        });
        assert_text(
            &outline(&value),
            "
multipath                yes
lifetime s               3600
peers                    MAG1, MAG2
networks                 none
timers:
  delete wait ms         10000
",
        );
    }

    mod pretty {
        /// Compares texts; `expected` starts with a line break that does not count.
        pub(super) fn assert_text(found: &str, expected: &str) {
            let expected = expected.strip_prefix('\n').unwrap_or(expected);
            assert!(found == expected, "found:\n{found}\nexpected:\n{expected}");
        }
    }
}
