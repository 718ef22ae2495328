//! The hybrid-access service over emulated WANs.

use std::time::Duration;

use pmip_binding::testing::LinkConfig;
use serde_json::Value;

use super::lab::Lab;
use super::{Break, Plan, Scenario, Stop, claim, line, refused};
use crate::lab::domain::LabError;
use crate::lab::traffic::Direction;
use crate::lab::wan::{Frame, Watch};

pub(super) const SCENARIOS: &[Scenario] = &[MEASURED];

/// Operations of 10 probes, as often as the rules let them be.
const SERVICE: &str = "mobility-service hybrid-access\n sla num-packets 10 interval 50 frequency 6";
/// Operations and the wait for them, many times over.
const PATIENCE: Duration = Duration::from_secs(60);
/// The port of IP SLA inside tunnels.
const IPSLA: u16 = 1_167;
/// One-way delays of the two WANs, in milliseconds.
const DELAYS: [u64; 2] = [10, 40];

const MEASURED: Scenario = Scenario {
    name: "measured",
    claim: "the hybrid-access service measures what the WANs do, and can be taken away",
    claims: &[
        claim(
            "as-recorded",
            "show sla is within 5 %, at least 1 ms, of the round trips that the WAN emulator recorded",
            &[51],
        ),
        claim(
            "removed",
            "without the service nothing is probed or shown, and bindings and paths are as they were",
            &[48],
        ),
    ],
    breaks: &[Break {
        name: "no-responder",
        damage: "the LMA runs no hybrid-access service, which would answer",
        falls: "as-recorded",
        edits: &[
            line("LMA1", "mobility-service hybrid-access", ""),
            line("LMA1", "sla num-packets 10 interval 50 frequency 6", ""),
        ],
    }],
    plan: || {
        let mut plan = Plan::standard(2);
        plan.emulated(LinkConfig::new());
        for node in ["LMA1", "MAG1"] {
            plan.config(node).node(SERVICE);
        }
        plan
    },
    play: measured,
};

fn measured(lab: &mut Lab<'_>) -> Result<(), Stop> {
    lab.ready(2)?;
    let probes = |frame: &Frame<'_>| {
        let of_service = frame.inner().filter(|inner| inner.is_of_port(IPSLA));
        // Measurement packets begin with their type, 3 in two octets (RFC 6812 section 4).
        of_service.is_some_and(|inner| inner.payload.first() == Some(&0))
    };
    let mut watches = Vec::new();
    for (wan, delay) in (1..).zip(DELAYS) {
        let emulator = lab.network().emulator(1, wan).map_err(refused)?;
        for direction in Direction::BOTH {
            emulator.change(direction, |link| {
                link.latency = Duration::from_millis(delay)
            });
        }
        watches.push(emulator.watch(probes));
    }
    as_recorded(lab, &watches)?;
    removed(lab, &watches)
}

fn as_recorded(lab: &mut Lab<'_>, watches: &[Watch]) -> Result<(), Stop> {
    // The first operations may have begun before the delays were set.
    operations_of(lab, 2, 1)?;
    for (wan, watch) in (1..).zip(watches) {
        lab.network()
            .emulator(1, wan)
            .map_err(refused)?
            .reset(*watch);
    }
    operations_of(lab, 2, 2)?;
    let shown = lab.show("MAG1", "sla")?;
    let mut told = Vec::new();
    let mut holds = true;
    for (wan, watch) in (1..).zip(watches) {
        let emulator = lab.network().emulator(1, wan).map_err(refused)?;
        let delays = Direction::BOTH.map(|direction| emulator.record(*watch, direction).delay);
        let recorded: f64 = delays.iter().map(|delay| millis(delay.average())).sum();
        let row = row(&shown, wan);
        let measured = row.and_then(|row| row.pointer("/last/rtt_ms/average")?.as_f64());
        let near = |measured: f64| (measured - recorded).abs() <= (recorded * 0.05).max(1.0);
        holds &= recorded > 0.0 && measured.is_some_and(near);
        let measured = measured.unwrap_or_default();
        told.push(format!("wan{wan}: {measured:.2} ms of {recorded:.2} ms"));
    }
    lab.claim("as-recorded", holds, told.join(", "))
}

/// Waits until the operations of each of MAG 1's `wans` paths have grown by `more`. What never comes
/// is told by the claim.
pub(super) fn operations_of(lab: &mut Lab<'_>, wans: u8, more: u64) -> Result<(), LabError> {
    let before = counts(&lab.show("MAG1", "sla")?, wans);
    let what = format!("each path was measured {more} times more");
    lab.until(&what, PATIENCE, |lab| {
        let now = counts(&lab.show("MAG1", "sla")?, wans);
        let mut pairs = now.iter().zip(&before);
        Ok(pairs.all(|(now, before)| *now >= before + more))
    })?;
    Ok(())
}

fn removed(lab: &mut Lab<'_>, watches: &[Watch]) -> Result<(), Stop> {
    let bindings = lab.bindings("LMA1")?.len();
    for node in ["MAG1", "LMA1"] {
        let role = if node == "MAG1" { "mag" } else { "lma" };
        let lines = format!(
            "ipv6 mobile pmipv6-{role} {node} domain LAB\nno mobility-service hybrid-access"
        );
        lab.configure(node, &lines).map_err(LabError::Domain)?;
    }
    for (wan, watch) in (1..).zip(watches) {
        lab.network()
            .emulator(1, wan)
            .map_err(refused)?
            .reset(*watch);
    }
    lab.pass(Duration::from_secs(7))?;
    let mut probes = 0;
    for (wan, watch) in (1..).zip(watches) {
        let emulator = lab.network().emulator(1, wan).map_err(refused)?;
        let records = Direction::BOTH.map(|direction| emulator.record(*watch, direction));
        probes += records.iter().map(|record| record.offered).sum::<u64>();
    }
    let rows = lab.show("MAG1", "sla")?.as_array().map_or(0, Vec::len);
    let usable = lab.usable("MAG1")?.len();
    let now = lab.bindings("LMA1")?.len();
    let holds = (probes, rows, usable, now) == (0, 0, 2, bindings);
    let detail = format!(
        "{probes} probes and {rows} rows; {usable} usable paths; {now} bindings, before {bindings}"
    );
    lab.claim("removed", holds, detail)
}

/// How many operations each of `wans` paths has behind it.
fn counts(shown: &Value, wans: u8) -> Vec<u64> {
    (1..=wans).map(|wan| operations(shown, wan)).collect()
}

/// How many operations the path over WAN `wan` has behind it.
pub(super) fn operations(shown: &Value, wan: u8) -> u64 {
    row(shown, wan)
        .and_then(|row| row["operations"].as_u64())
        .unwrap_or(0)
}

/// The row of WAN `wan` in what `show sla` of a MAG shows.
pub(super) fn row(shown: &Value, wan: u8) -> Option<&Value> {
    let label = format!("wan{wan}");
    let mut rows = shown.as_array()?.iter();
    rows.find(|row| row["label"] == label.as_str())
}

fn millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1000.0
}
