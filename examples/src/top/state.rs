//! What was seen of the node, and what the reader chose to see.

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

use ratatui::crossterm::event::KeyCode;
use serde_json::{Value, json};

use super::feed::{Look, News};
use crate::control::{FlowTableRow, PathRow, SlaRow};

/// Values of a curve.
const HISTORY: usize = 240;
/// Events that are remembered.
const EVENTS: usize = 500;

/// A part of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Paths,
    Bindings,
    Flows,
    Events,
}

impl Part {
    pub(super) const ALL: [Self; 4] = [Self::Paths, Self::Bindings, Self::Flows, Self::Events];
}

/// What flows are in order of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FlowOrder {
    Rate,
    Bytes,
    Link,
}

/// One thing that happened.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub time: f64,
    pub is_warning: bool,
    pub message: String,
}

/// One path with its past.
#[derive(Clone, Debug)]
pub(super) struct Path {
    pub row: PathRow,
    pub sla: Option<SlaRow>,
    pub tx: VecDeque<Option<f64>>,
    pub rx: VecDeque<Option<f64>>,
    pub rtt: VecDeque<Option<f64>>,
}

type FlowName = (String, SocketAddr, SocketAddr);

/// The whole screen.
pub(super) struct App {
    pub colours: bool,
    /// Printed once, so keys would be of no use.
    pub one_shot: bool,
    pub paused: bool,
    pub help: bool,
    pub focus: Part,
    pub order: FlowOrder,
    /// How far each part is scrolled.
    pub scroll: BTreeMap<Part, usize>,
    /// Lines of each part that fit, as drawn last.
    pub fits: BTreeMap<Part, usize>,
    /// Why the node does not answer.
    pub gone: Option<String>,
    pub look: Option<Box<Look>>,
    pub paths: Vec<Path>,
    /// Flows with bits per second, where known.
    pub flows: Vec<(FlowTableRow, Option<f64>)>,
    pub events: VecDeque<Told>,
}

impl App {
    pub(super) fn new(colours: bool) -> Self {
        Self {
            colours,
            one_shot: false,
            paused: false,
            help: false,
            focus: Part::Flows,
            order: FlowOrder::Rate,
            scroll: BTreeMap::new(),
            fits: BTreeMap::new(),
            gone: None,
            look: None,
            paths: Vec::new(),
            flows: Vec::new(),
            events: VecDeque::new(),
        }
    }

    /// Takes in what is new.
    pub(super) fn take(&mut self, news: News) {
        match news {
            News::Gone(why) => self.gone = Some(why),
            News::Event(event) => self.tell(&event),
            News::Look(_) if self.paused => {}
            News::Look(look) => {
                self.gone = None;
                self.see(look);
            }
        }
    }

    fn tell(&mut self, event: &Value) {
        let text = |name: &str| event.get(name).and_then(Value::as_str);
        let told = Told {
            time: event.get("time").and_then(Value::as_f64).unwrap_or(0.0),
            is_warning: text("level") == Some("warn"),
            message: match text("message") {
                Some(message) => message.to_owned(),
                None => event.to_string(),
            },
        };
        self.events.push_front(told);
        self.events.truncate(EVENTS);
    }

    fn see(&mut self, look: Box<Look>) {
        let seconds = self.look.as_ref().map(|before| {
            let passed = look.at.saturating_duration_since(before.at);
            passed.as_secs_f64().max(0.001)
        });
        let mut before: BTreeMap<u32, Path> = std::mem::take(&mut self.paths)
            .into_iter()
            .map(|path| (path.row.path, path))
            .collect();
        self.paths = look
            .paths
            .iter()
            .map(|row| {
                // A number may be given to another path later.
                let former = before.remove(&row.path);
                let former = former.filter(|former| former.row.care_of == row.care_of);
                Path::next(former, row.clone(), &look.sla, seconds)
            })
            .collect();
        let known: BTreeMap<FlowName, u64> = self
            .flows
            .iter()
            .map(|(flow, _)| (name(flow), flow.bytes))
            .collect();
        self.flows = look
            .flows
            .iter()
            .map(|flow| {
                let before = known.get(&name(flow)).copied();
                let rate = before.zip(seconds).and_then(|(before, seconds)| {
                    let more = flow.bytes.checked_sub(before)?;
                    Some(more as f64 * 8.0 / seconds)
                });
                (flow.clone(), rate)
            })
            .collect();
        self.look = Some(look);
        self.sort();
    }

    fn sort(&mut self) {
        let rate = |rate: &Option<f64>| rate.unwrap_or(0.0);
        match self.order {
            FlowOrder::Rate => self.flows.sort_by(|a, b| {
                let bytes = b.0.bytes.cmp(&a.0.bytes);
                rate(&b.1).total_cmp(&rate(&a.1)).then(bytes)
            }),
            FlowOrder::Bytes => self.flows.sort_by_key(|(flow, _)| Reverse(flow.bytes)),
            FlowOrder::Link => self.flows.sort_by(|a, b| {
                let links = a.0.link.cmp(&b.0.link);
                links.then(rate(&b.1).total_cmp(&rate(&a.1)))
            }),
        }
    }

    /// A key that does not end the program.
    pub(super) fn press(&mut self, key: KeyCode) {
        if self.help {
            self.help = false;
            return;
        }
        let page = self.fits.get(&self.focus).copied().unwrap_or(1).max(1);
        // The enum is the crate's own and grows; what we do not know does nothing.
        #[allow(clippy::wildcard_enum_match_arm)]
        match key {
            KeyCode::Char('?' | 'h') => self.help = true,
            KeyCode::Char('p' | ' ') => self.paused = !self.paused,
            KeyCode::Char('s') => {
                self.order = match self.order {
                    FlowOrder::Rate => FlowOrder::Bytes,
                    FlowOrder::Bytes => FlowOrder::Link,
                    FlowOrder::Link => FlowOrder::Rate,
                };
                self.sort();
            }
            KeyCode::Tab => self.focus = self.neighbour(1),
            KeyCode::BackTab => self.focus = self.neighbour(Part::ALL.len() - 1),
            KeyCode::Down | KeyCode::Char('j') => self.move_by(|at| at.saturating_add(1)),
            KeyCode::Up | KeyCode::Char('k') => self.move_by(|at| at.saturating_sub(1)),
            KeyCode::PageDown => self.move_by(|at| at.saturating_add(page)),
            KeyCode::PageUp => self.move_by(|at| at.saturating_sub(page)),
            KeyCode::Home => self.move_by(|_| 0),
            KeyCode::End => self.move_by(|_| usize::MAX),
            _ => {}
        }
    }

    fn neighbour(&self, step: usize) -> Part {
        let here = Part::ALL.iter().position(|part| *part == self.focus);
        let place = (here.unwrap_or(0) + step) % Part::ALL.len();
        Part::ALL.get(place).copied().unwrap_or(Part::Flows)
    }

    fn move_by(&mut self, by: impl Fn(usize) -> usize) {
        let at = self.scroll.entry(self.focus).or_default();
        *at = by(*at);
    }

    /// Where a part of `count` lines begins, `room` of which fit.
    pub(super) fn begin(&mut self, part: Part, count: usize, room: usize) -> usize {
        self.fits.insert(part, room);
        let at = self.scroll.entry(part).or_default();
        *at = (*at).min(count.saturating_sub(room));
        *at
    }

    /// The screen's figures.
    pub(super) fn json(&self) -> Value {
        let rates = self.paths.iter().map(|path| {
            let last = |values: &VecDeque<Option<f64>>| values.back().copied().flatten();
            json!({
                "path": path.row.path,
                "tx_bits_per_s": last(&path.tx),
                "rx_bits_per_s": last(&path.rx),
                "rtt_ms": path.rtt(),
                "jitter_ms": path.jitter(),
                "loss_pct": path.loss(),
            })
        });
        json!({ "node": self.look, "rates": rates.collect::<Vec<_>>() })
    }
}

impl Path {
    fn next(before: Option<Self>, row: PathRow, sla: &[SlaRow], seconds: Option<f64>) -> Self {
        let mut sla = sla.iter();
        let sla = sla.find(|sla| sla.path == row.path).cloned();
        let mut next = match before {
            Some(before) => {
                let rate = |now: u64, then: u64| {
                    let more = now.checked_sub(then)?;
                    Some(more as f64 * 8.0 / seconds?)
                };
                let tx = rate(row.tx_bytes, before.row.tx_bytes);
                let rx = rate(row.rx_bytes, before.row.rx_bytes);
                let mut next = Self { row, sla, ..before };
                push(&mut next.tx, tx);
                push(&mut next.rx, rx);
                next
            }
            None => Self {
                row,
                sla,
                tx: VecDeque::new(),
                rx: VecDeque::new(),
                rtt: VecDeque::new(),
            },
        };
        let rtt = next.rtt().filter(|_| next.row.usable);
        push(&mut next.rtt, rtt);
        next
    }

    /// What was measured last: by failure detection, else by a heartbeat.
    pub(super) fn rtt(&self) -> Option<f64> {
        let alive = self.sla.as_ref().and_then(|sla| sla.alive_rtt_ms);
        alive.or(self.row.rtt_ms)
    }

    /// That of the last operation, else of heartbeats.
    pub(super) fn jitter(&self) -> Option<f64> {
        let measured = self.last("/jitter_ms/average");
        measured.or(self.row.jitter_ms)
    }

    /// That of the last operation, else of heartbeats.
    pub(super) fn loss(&self) -> Option<f64> {
        let measured = self.last("/loss_percent");
        measured.or(self.row.loss_pct)
    }

    /// A figure of the last operation.
    fn last(&self, place: &str) -> Option<f64> {
        self.sla.as_ref()?.last.as_ref()?.pointer(place)?.as_f64()
    }

    /// The path as people call it.
    pub(super) fn link(&self) -> &str {
        let row = &self.row;
        let name = row.label.as_deref().or(row.interface.as_deref());
        name.unwrap_or(&row.peer)
    }

    /// Traffic profiles that it violates.
    pub(super) fn violated(&self) -> Vec<&str> {
        let profiles = self.sla.iter().flat_map(|sla| &sla.profiles);
        let violated = profiles.filter(|profile| profile.state == "violating");
        violated.map(|profile| profile.profile.as_str()).collect()
    }
}

fn push(values: &mut VecDeque<Option<f64>>, value: Option<f64>) {
    values.push_back(value);
    if values.len() > HISTORY {
        values.pop_front();
    }
}

fn name(flow: &FlowTableRow) -> FlowName {
    (flow.protocol.clone(), flow.source, flow.destination)
}
