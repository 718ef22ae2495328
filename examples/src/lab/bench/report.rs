//! Medians, ratios, and their two texts.

use std::fmt::Write;

use comfy_table::{CellAlignment, Table, presets};
use serde_json::{Value, json};

use super::carrier::Carrier;
use super::measure::{Figures, median};

/// The figures of all rounds.
pub(super) struct Report {
    rounds: Vec<(Carrier, Figures)>,
    absent: Vec<Carrier>,
}

type Pick = fn(&Figures) -> f64;

/// The figures that ratios are taken of.
const RATIOS: [(&str, Pick); 5] = [
    ("tcp_up", |figures| figures.tcp_up),
    ("tcp_down", |figures| figures.tcp_down),
    ("udp_pps", |figures| figures.udp_pps),
    ("rtt_idle_p50", |figures| figures.rtt_idle_us.0),
    ("rtt_loaded_p50", |figures| figures.rtt_loaded_us.0),
];

impl Report {
    pub(super) const fn new(absent: Vec<Carrier>) -> Self {
        Self {
            rounds: Vec::new(),
            absent,
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

    fn middle(&self, carrier: Carrier, pick: Pick) -> f64 {
        median(self.of(carrier).map(pick).collect())
    }

    /// The median of the ratios within each round.
    fn ratio(&self, carrier: Carrier, to: Carrier, pick: Pick) -> f64 {
        let pairs = self.of(carrier).zip(self.of(to));
        median(pairs.map(|(own, other)| pick(own) / pick(other)).collect())
    }

    pub(super) fn json(&self) -> Value {
        let carriers: Vec<Value> = self
            .measured()
            .map(|carrier| {
                json!({
                    "carrier": carrier,
                    "tcp_streams": carrier.streams(),
                    "rounds": self.of(carrier).collect::<Vec<_>>(),
                    "ratio_to_routing": self.ratios(carrier, Carrier::Routing),
                    "ratio_to_vxlan": self.ratios(carrier, Carrier::Vxlan),
                    "ratio_to_openvpn": self.ratios(carrier, Carrier::Openvpn),
                })
            })
            .collect();
        json!({ "carriers": carriers, "absent": self.absent })
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
        let mut text = format!("{}\n\n", self.figures_table());
        let _ = writeln!(text, "{}", self.ratio_table());
        for carrier in &self.absent {
            let _ = writeln!(
                text,
                "{} is not installed here and was left out",
                carrier.name()
            );
        }
        text
    }

    fn figures_table(&self) -> Table {
        let mut table = table(&[
            "carrier",
            "TCP up Gbit/s",
            "TCP down",
            "CPU s/Gbit",
            "UDP 1400 B pps, <= 1 % loss",
            "of a flood",
            "RTT p50 us",
            "p99",
            "p50 loaded",
        ]);
        for carrier in self.measured() {
            let middle = |pick| self.middle(carrier, pick);
            table.add_row([
                carrier.name().to_owned(),
                format!("{:.2}", middle(|figures| figures.tcp_up)),
                format!("{:.2}", middle(|figures| figures.tcp_down)),
                format!("{:.3}", middle(|figures| figures.cpu_seconds_per_gigabit)),
                format!("{:.0}", middle(|figures| figures.udp_pps)),
                format!("{:.0}", middle(|figures| figures.udp_flood_pps)),
                format!("{:.0}", middle(|figures| figures.rtt_idle_us.0)),
                format!("{:.0}", middle(|figures| figures.rtt_idle_us.1)),
                format!("{:.0}", middle(|figures| figures.rtt_loaded_us.0)),
            ]);
        }
        align(&mut table);
        table
    }

    fn ratio_table(&self) -> Table {
        let mut table = table(&["ratio, median of rounds", "TCP up", "TCP down", "UDP pps"]);
        for carrier in [Carrier::OnePath, Carrier::TwoPaths] {
            for to in [Carrier::Routing, Carrier::Vxlan, Carrier::Openvpn] {
                if self.of(to).next().is_none() {
                    continue;
                }
                let ratio = |pick| format!("{:.2}", self.ratio(carrier, to, pick));
                table.add_row([
                    format!("{} / {}", carrier.name(), to.name()),
                    ratio(|figures| figures.tcp_up),
                    ratio(|figures| figures.tcp_down),
                    ratio(|figures| figures.udp_pps),
                ]);
            }
        }
        align(&mut table);
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
