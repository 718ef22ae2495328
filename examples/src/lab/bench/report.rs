//! Medians, ratios, and their two texts.

use std::fmt::Write;

use comfy_table::{CellAlignment, Table, presets};
use serde_json::{Value, json};

use super::carrier::Carrier;
use super::goals::{Goal, goals};
use super::measure::{Figures, median};

/// The figures of all rounds.
pub(super) struct Report {
    rounds: Vec<(Carrier, Figures)>,
    absent: Vec<(Carrier, String)>,
    /// The share of two unequal paths' sum that many streams reach: up, down.
    pub(super) shaped: Option<anyhow::Result<(f64, f64)>>,
}

pub(super) type Pick = fn(&Figures) -> f64;

/// The figures that ratios are taken of.
const RATIOS: [(&str, Pick); 9] = [
    ("tcp_up", |figures| figures.tcp_up),
    ("tcp_down", |figures| figures.tcp_down),
    ("tcp_ipv6_up", |figures| figures.tcp_ipv6_up),
    ("udp_1400_pps", |figures| figures.udp_1400.pps),
    ("udp_1400_flood_pps", |figures| figures.udp_1400.flood_pps),
    ("udp_64_pps", |figures| figures.udp_64.pps),
    ("rtt_idle_p50", |figures| figures.rtt_idle_us.0),
    ("rtt_loaded_p50", |figures| figures.rtt_loaded_us.0),
    ("cpu_seconds_per_gigabit", |figures| {
        figures.cpu_seconds_per_gigabit
    }),
];

impl Report {
    pub(super) const fn new(absent: Vec<(Carrier, String)>) -> Self {
        Self {
            rounds: Vec::new(),
            absent,
            shaped: None,
        }
    }

    pub(super) fn add(&mut self, carrier: Carrier, figures: Figures) {
        self.rounds.push((carrier, figures));
    }

    fn of(&self, carrier: Carrier) -> impl Iterator<Item = &Figures> {
        self.rounds
            .iter()
            .filter(move |(of, _)| *of == carrier)
            .map(|(_, figures)| figures)
    }

    fn measured(&self) -> impl Iterator<Item = Carrier> {
        Carrier::ALL
            .into_iter()
            .filter(|carrier| self.of(*carrier).next().is_some())
    }

    pub(super) fn middle(&self, carrier: Carrier, pick: Pick) -> f64 {
        median(self.of(carrier).map(pick).collect())
    }

    /// The median of the ratios within each round; none where one of both was not measured.
    pub(super) fn ratio(&self, carrier: Carrier, to: Carrier, pick: Pick) -> Option<f64> {
        let pairs = self.of(carrier).zip(self.of(to));
        let ratios: Vec<f64> = pairs.map(|(own, other)| pick(own) / pick(other)).collect();
        (!ratios.is_empty()).then(|| median(ratios))
    }

    pub(super) fn json(&self) -> Value {
        let carriers: Vec<Value> = self
            .measured()
            .map(|carrier| {
                let ratios: Vec<Value> = Carrier::PEERS
                    .into_iter()
                    .map(|to| json!({ "to": to, "ratios": self.ratios(carrier, to) }))
                    .collect();
                json!({
                    "carrier": carrier,
                    "tcp_streams": carrier.streams(),
                    "rounds": self.of(carrier).collect::<Vec<_>>(),
                    "ratios": ratios,
                })
            })
            .collect();
        let absent: Vec<Value> = self
            .absent
            .iter()
            .map(|(carrier, why)| json!({ "carrier": carrier, "why": why }))
            .collect();
        let goals: Vec<Value> = goals(self).iter().map(Goal::json).collect();
        json!({ "goals": goals, "carriers": carriers, "absent": absent })
    }

    fn ratios(&self, carrier: Carrier, to: Carrier) -> Value {
        if self.of(to).next().is_none() {
            return Value::Null;
        }
        RATIOS
            .into_iter()
            .map(|(name, pick)| (name.to_owned(), json!(self.ratio(carrier, to, pick))))
            .collect::<serde_json::Map<_, _>>()
            .into()
    }

    pub(super) fn text(&self) -> String {
        let mut text = format!("{}\n\n{}\n\n", self.figures_table(), self.ratio_table());
        let _ = writeln!(text, "{}", self.goal_table());
        for (carrier, why) in &self.absent {
            let _ = writeln!(text, "SKIP {}: {why}", carrier.name());
        }
        if let Some(Err(error)) = &self.shaped {
            let _ = writeln!(text, "SKIP two unequal paths: {error:#}");
        }
        text
    }

    fn figures_table(&self) -> Table {
        let mut table = table(&[
            "carrier",
            "TCP up Gbit/s",
            "down",
            "IPv6 up",
            "CPU s/Gbit",
            "UDP 1400 B kpps, <= 1 % loss",
            "of a flood",
            "64 B",
            "of a flood",
            "RTT us p50",
            "p99",
            "loaded p50",
            "p99",
        ]);
        for carrier in self.measured() {
            let middle = |digits, pick| format!("{:.digits$}", self.middle(carrier, pick));
            table.add_row([
                carrier.name().to_owned(),
                middle(2, |figures| figures.tcp_up),
                middle(2, |figures| figures.tcp_down),
                middle(2, |figures| figures.tcp_ipv6_up),
                middle(3, |figures| figures.cpu_seconds_per_gigabit),
                middle(1, |figures| figures.udp_1400.pps / 1e3),
                middle(1, |figures| figures.udp_1400.flood_pps / 1e3),
                middle(1, |figures| figures.udp_64.pps / 1e3),
                middle(1, |figures| figures.udp_64.flood_pps / 1e3),
                middle(0, |figures| figures.rtt_idle_us.0),
                middle(0, |figures| figures.rtt_idle_us.1),
                middle(0, |figures| figures.rtt_loaded_us.0),
                middle(0, |figures| figures.rtt_loaded_us.1),
            ]);
        }
        align(&mut table);
        table
    }

    fn ratio_table(&self) -> Table {
        let mut table = table(&[
            "ratio, median of rounds",
            "TCP up",
            "down",
            "IPv6 up",
            "UDP 1400 B",
            "64 B",
            "CPU/Gbit",
            "RTT",
            "loaded",
        ]);
        let picks: [Pick; 8] = [
            |figures| figures.tcp_up,
            |figures| figures.tcp_down,
            |figures| figures.tcp_ipv6_up,
            |figures| figures.udp_1400.pps,
            |figures| figures.udp_64.pps,
            |figures| figures.cpu_seconds_per_gigabit,
            |figures| figures.rtt_idle_us.0,
            |figures| figures.rtt_loaded_us.0,
        ];
        for carrier in Carrier::OWN {
            for to in Carrier::PEERS {
                if self.of(to).next().is_none() {
                    continue;
                }
                let ratio = |pick| match self.ratio(carrier, to, pick) {
                    Some(ratio) if ratio.is_finite() => format!("{ratio:.2}"),
                    _ => "-".to_owned(),
                };
                let name = format!("{} / {}", carrier.name(), to.name());
                table.add_row(std::iter::once(name).chain(picks.map(ratio)));
            }
        }
        align(&mut table);
        table
    }

    fn goal_table(&self) -> Table {
        let mut table = table(&["goal", "what", "must", "aim", "here", ""]);
        for goal in goals(self) {
            table.add_row(goal.row());
        }
        table
    }
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header);
    table
}

fn align(table: &mut Table) {
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
}
