//! The screen.

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Cell, Clear, Paragraph, Row, Table};
use serde_json::Value;

use super::state::{App, FlowOrder, Part, Path};
use super::text::{clock, millis, octets, percent, rate, span, spark};

/// From this width on, flows and events stand side by side.
const WIDE: u16 = 140;

pub(super) const KEYS: &str = "\
Keys:
  q           leave
  ?           help
  Tab         next part; its lines scroll with the arrow keys, PgUp, PgDn, Home, End
  s           flows in order of rate, of bytes, by link
  p           pause and go on";

const HELP: &str = "
  rtt jit loss  what probes measured last, else heartbeats
  \u{2191} \u{2193}           bit/s of inner packets sent and received
  wgt           share of new flows in this node's sending direction
  why           the mobile-map entry and choice, or `by weight`, and what
                happened to the flow since; in full:
                pmip show path-decision --flow 'udp SOURCE:PORT DEST:PORT'

  Any key goes back.";

pub(super) fn draw(frame: &mut Frame<'_>, app: &mut App) {
    let [head, body, foot] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Min(1),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    frame.render_widget(Paragraph::new(header(app, head.width)), head);
    frame.render_widget(Paragraph::new(footer(app)), foot);
    let [paths, bindings, flows, events] = places(app, body);
    draw_paths(frame, app, paths);
    draw_bindings(frame, app, bindings);
    draw_flows(frame, app, flows);
    draw_events(frame, app, events);
    if app.help {
        help(frame, body);
    }
}

/// Paths and bindings get what they need, within bounds; flows and events share the rest.
fn places(app: &App, body: Rect) -> [Rect; 4] {
    // Two for the frame, one for the heading.
    let needs = |lines: usize| u16::try_from(lines).unwrap_or(u16::MAX).saturating_add(3);
    let paths = needs(app.paths.len().max(1)).min((body.height * 2 / 5).max(4));
    let bindings = app.look.as_ref().map_or(0, |look| look.bindings.len());
    let bindings = needs(bindings.max(1)).min((body.height / 5).max(4));
    let [paths, bindings, rest] = Layout::vertical([
        Constraint::Length(paths),
        Constraint::Length(bindings),
        Constraint::Min(0),
    ])
    .areas(body);
    let [flows, events] = if body.width >= WIDE {
        let parts = [Constraint::Percentage(62), Constraint::Percentage(38)];
        Layout::horizontal(parts).areas(rest)
    } else {
        let parts = [Constraint::Percentage(55), Constraint::Percentage(45)];
        Layout::vertical(parts).areas(rest)
    };
    [paths, bindings, flows, events]
}

fn header(app: &App, width: u16) -> Line<'static> {
    let Some(look) = &app.look else {
        return Line::from(" pmip top: no answer yet");
    };
    let text = |name: &str| {
        look.globals
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or("-")
    };
    let uptime = look.globals.get("uptime_s").and_then(Value::as_u64);
    let uptime = span(Duration::from_secs(uptime.unwrap_or(0)));
    let bindings = look.summary.get("bindings").and_then(Value::as_u64);
    let up = app.paths.iter().filter(|path| path.row.usable).count();
    let flows: u64 = app.paths.iter().map(|path| path.row.flows).sum();
    let who = format!(" {} {} ", text("role").to_uppercase(), text("id"));
    let what = format!(
        " domain {}  up {uptime}  bindings {}  paths {up}/{} up  flows {flows}",
        text("domain"),
        bindings.unwrap_or(0),
        app.paths.len(),
    );
    let mut spans = vec![
        Span::styled(
            who,
            style(app, Color::Cyan).add_modifier(Modifier::REVERSED),
        ),
        Span::raw(what),
    ];
    if let Some(map) = look.mobile_maps.iter().find(|map| map.active) {
        spans.push(Span::raw(format!("  map {}", map.name)));
    }
    if let Some(why) = &app.gone {
        // It is shown in place of old figures: they say nothing any more.
        let room = usize::from(width).saturating_sub(14);
        let why: String = why.chars().take(room).collect();
        spans.truncate(1);
        spans.push(Span::styled(
            format!(" gone: {why}"),
            style(app, Color::Red),
        ));
    } else if app.paused {
        spans.push(Span::styled("  PAUSED", style(app, Color::Yellow)));
    }
    Line::from(spans)
}

fn footer(app: &App) -> Line<'static> {
    if app.one_shot {
        return Line::from(" live: pmip top");
    }
    let order = match app.order {
        FlowOrder::Rate => "rate",
        FlowOrder::Bytes => "bytes",
        FlowOrder::Link => "link",
    };
    let keys = [
        ("q", "quit".to_owned()),
        ("?", "help".into()),
        ("Tab", "part".into()),
        ("\u{2191}\u{2193}", "scroll".into()),
        ("s", format!("flows by {order}")),
        ("p", if app.paused { "go on" } else { "pause" }.into()),
    ];
    let mut spans = vec![Span::raw(" ")];
    for (key, what) in keys {
        let bold = Style::default().add_modifier(Modifier::BOLD);
        spans.push(Span::styled(key, bold));
        spans.push(Span::raw(format!(" {what}   ")));
    }
    Line::from(spans)
}

/// The frame of a part, and how many lines fit in it below `heading` lines.
fn framed(app: &App, part: Part, title: String) -> Block<'static> {
    let focused = app.focus == part && !app.one_shot;
    let block = Block::bordered().title(title);
    match focused {
        true => block.border_style(style(app, Color::Cyan).add_modifier(Modifier::BOLD)),
        false => block,
    }
}

fn room(place: Rect, heading: u16) -> usize {
    usize::from(place.height.saturating_sub(2 + heading))
}

/// ` Flows 5-12 of 40 `, or without numbers where all are there.
fn title(name: &str, begin: usize, count: usize, room: usize) -> String {
    if count <= room {
        return format!(" {name} ");
    }
    let end = (begin + room).min(count);
    format!(" {name} {}-{end} of {count} ", begin + 1)
}

fn draw_paths(frame: &mut Frame<'_>, app: &mut App, place: Rect) {
    let (count, room) = (app.paths.len(), room(place, 1));
    let begin = app.begin(Part::Paths, count, room);
    let wide = place.width >= WIDE;
    let curve: u16 = if wide { 24 } else { 8 };
    let mut widths = vec![
        if wide {
            Constraint::Length(16)
        } else {
            Constraint::Min(8)
        },
        Constraint::Length(11),
        Constraint::Length(5),
        Constraint::Length(5),
        Constraint::Length(4),
        Constraint::Length(5),
        Constraint::Length(curve),
        Constraint::Length(5),
        Constraint::Length(curve),
        Constraint::Length(4),
        Constraint::Length(4),
    ];
    let mut names = vec![
        "link",
        "state",
        "  rtt",
        "  jit",
        "loss",
        "    \u{2191}",
        "sent",
        "    \u{2193}",
        "received",
        " wgt",
        "flow",
    ];
    if wide {
        widths.extend([
            Constraint::Length(24),
            Constraint::Length(16),
            Constraint::Length(10),
            Constraint::Min(10),
        ]);
        names.extend(["rtt curve", "care-of", "interface", "violates"]);
    }
    let rows = app.paths.iter().skip(begin).take(room);
    let rows: Vec<Row<'_>> = rows
        .map(|path| path_row(app, path, usize::from(curve), wide))
        .collect();
    let block = framed(app, Part::Paths, title("Paths", begin, count, room));
    let table = Table::new(rows, widths).header(heading(names)).block(block);
    frame.render_widget(table, place);
}

fn path_row(app: &App, path: &Path, curve: usize, wide: bool) -> Row<'static> {
    let row = &path.row;
    let violated = path.violated();
    let (state, colour) = match (row.state.as_str(), row.usable) {
        ("up", true) if !violated.is_empty() => ("violating", Color::Yellow),
        ("up", true) => ("up", Color::Green),
        ("up", false) => ("up, unused", Color::Yellow),
        ("registering", _) => ("registering", Color::Yellow),
        ("nat-changed", _) => ("nat-changed", Color::Yellow),
        (_, _) => ("DOWN", Color::Red),
    };
    let last = |values: &std::collections::VecDeque<Option<f64>>| {
        let value = values.back().copied().flatten();
        value.map_or_else(|| "-".into(), rate)
    };
    let weight = match row.dynamic_weight {
        Some(now) if now < 9.95 => format!("{now:.1}"),
        Some(now) => format!("{now:.0}"),
        None => row.weight.to_string(),
    };
    // An anchor has links of one label with every gateway.
    let mut peers = app.paths.iter().map(|path| &path.row.peer);
    let name = match peers.any(|peer| *peer != row.peer) {
        true => format!("{}/{}", row.peer, path.link()),
        false => path.link().to_owned(),
    };
    let mut cells = vec![
        Cell::from(name),
        Cell::from(state).style(style(app, colour)),
        right(&millis(path.rtt()), 5),
        right(&millis(path.jitter()), 5),
        right(&percent(path.loss()), 4),
        right(&last(&path.tx), 5),
        Cell::from(spark(path.tx.iter().copied(), curve)).style(style(app, Color::Cyan)),
        right(&last(&path.rx), 5),
        Cell::from(spark(path.rx.iter().copied(), curve)).style(style(app, Color::Magenta)),
        right(&weight, 4),
        right(&row.flows.to_string(), 4),
    ];
    if wide {
        let interface = row.interface.clone().unwrap_or_else(|| row.peer.clone());
        let none = if path.sla.is_some() { "nothing" } else { "-" };
        cells.extend([
            Cell::from(spark(path.rtt.iter().copied(), 24)).style(style(app, Color::Yellow)),
            Cell::from(row.care_of.to_string()),
            Cell::from(interface),
            Cell::from(match violated.is_empty() {
                true => none.to_owned(),
                false => violated.join(" "),
            }),
        ]);
    }
    Row::new(cells)
}

fn draw_bindings(frame: &mut Frame<'_>, app: &mut App, place: Rect) {
    let bindings = app.look.as_ref().map_or(&[][..], |look| &look.bindings);
    let (count, room) = (bindings.len(), room(place, 1));
    let total = app
        .look
        .as_ref()
        .and_then(|look| look.summary.get("bindings"));
    let total = total.and_then(Value::as_u64).unwrap_or(0);
    let bindings = bindings.to_vec();
    let begin = app.begin(Part::Bindings, count, room);
    let rows = bindings.iter().skip(begin).take(room).map(|binding| {
        let up = binding.paths.iter().filter(|path| path.usable).count();
        let left = span(Duration::from_secs(binding.remaining_s));
        let home = binding.ipv4_hoa.map(|address| address.to_string());
        let prefixes = binding.dmnp.iter().chain(&binding.hnp);
        let all: Vec<String> = home
            .into_iter()
            .chain(prefixes.map(ToString::to_string))
            .collect();
        Row::new([
            Cell::from(binding.mn_id.clone()),
            Cell::from(binding.state.clone()),
            Cell::from(binding.peer.clone()),
            right(&format!("{up}/{}", binding.paths.len()), 5),
            right(&left, 6),
            Cell::from(all.join(" ")),
        ])
    });
    let rows: Vec<Row<'_>> = rows.collect();
    let (state, peer) = if place.width >= WIDE {
        (15, 16)
    } else {
        (10, 8)
    };
    let widths = [
        Constraint::Fill(2),
        Constraint::Length(state),
        Constraint::Length(peer),
        Constraint::Length(5),
        Constraint::Length(6),
        Constraint::Fill(3),
    ];
    let names = vec![
        "mobile node",
        "state",
        "peer",
        "paths",
        "  left",
        "addresses and networks",
    ];
    let name = match total {
        0 => " Bindings: none ".to_owned(),
        total if total > count as u64 => format!(" Bindings: {total}, too many to list "),
        _ => title("Bindings", begin, count, room),
    };
    let block = framed(app, Part::Bindings, name);
    frame.render_widget(
        Table::new(rows, widths).header(heading(names)).block(block),
        place,
    );
}

fn draw_flows(frame: &mut Frame<'_>, app: &mut App, place: Rect) {
    let (count, room) = (app.flows.len(), room(place, 1));
    let begin = app.begin(Part::Flows, count, room);
    // Both ends in full matter more than what they once carried.
    let octets_fit = place.width >= WIDE / 2 + 20;
    let rows = app.flows.iter().skip(begin).take(room).map(|(flow, bits)| {
        let (from, to) = (end(flow.source), end(flow.destination));
        let ends = format!("{} {from}>{to}", flow.protocol);
        let mut cells = vec![
            Cell::from(ends),
            right(&bits.map_or_else(|| "-".into(), rate), 5),
            Cell::from(flow.link.clone()),
            Cell::from(flow.why.clone()),
        ];
        if octets_fit {
            cells.insert(2, right(&octets(flow.bytes), 5));
        }
        Row::new(cells)
    });
    let rows: Vec<Row<'_>> = rows.collect();
    let mut widths = vec![
        Constraint::Fill(9),
        Constraint::Length(5),
        Constraint::Length(8),
        Constraint::Fill(7),
    ];
    let mut names = vec!["flow", "bit/s", "link", "why there"];
    if octets_fit {
        widths.insert(2, Constraint::Length(5));
        names.insert(2, "octet");
    }
    let block = framed(app, Part::Flows, title("Flows", begin, count, room));
    frame.render_widget(
        Table::new(rows, widths).header(heading(names)).block(block),
        place,
    );
}

fn draw_events(frame: &mut Frame<'_>, app: &mut App, place: Rect) {
    let (count, room) = (app.events.len(), room(place, 0));
    let begin = app.begin(Part::Events, count, room);
    let lines = app.events.iter().skip(begin).take(room).map(|told| {
        let colour = if told.is_warning {
            Color::Yellow
        } else {
            Color::Reset
        };
        let mark = if told.is_warning { "!" } else { " " };
        let text = format!("{}{mark} {}", clock(told.time), told.message);
        Line::styled(text, style(app, colour))
    });
    let lines: Vec<Line<'_>> = lines.collect();
    let name = match count {
        0 => " Events: none since this began (UTC) ".to_owned(),
        _ => title("Events (UTC), the newest first", begin, count, room),
    };
    let block = framed(app, Part::Events, name);
    frame.render_widget(Paragraph::new(lines).block(block), place);
}

fn help(frame: &mut Frame<'_>, body: Rect) {
    let (width, height) = (body.width.min(76), body.height.min(20));
    let place = Rect {
        x: body.x + (body.width - width) / 2,
        y: body.y + (body.height - height) / 2,
        width,
        height,
    };
    frame.render_widget(Clear, place);
    let text = format!("{KEYS}\n{HELP}");
    let block = Block::bordered().title(" Help ");
    frame.render_widget(Paragraph::new(text).block(block), place);
}

fn heading(names: Vec<&'static str>) -> Row<'static> {
    Row::new(names).style(Style::default().add_modifier(Modifier::BOLD))
}

fn right(text: &str, width: usize) -> Cell<'static> {
    Cell::from(format!("{text:>width$}"))
}

/// Without the port of a protocol that has none.
fn end(end: std::net::SocketAddr) -> String {
    match end.port() {
        0 => end.ip().to_string(),
        _ => end.to_string(),
    }
}

fn style(app: &App, colour: Color) -> Style {
    match app.colours {
        true => Style::default().fg(colour),
        false => Style::default(),
    }
}
