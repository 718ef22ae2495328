//! The hybrid-access service: its settings on the wire, and what becomes of it without a responder.

use std::time::Duration;

use pmip_binding::testing::LinkConfig;
use serde_json::Value;

use super::addresses::{Family, care_of};
use super::lab::{Lab, PATIENCE};
use super::quality::{operations_of, row};
use super::resilience::output;
use super::{Break, Plan, Scenario, Stop, claim, line, refused};
use crate::lab::domain::LabError;
use crate::lab::traffic::Direction;
use crate::lab::wan::{Operations, Watch, is_request, is_stray};

pub(super) const SCENARIOS: &[Scenario] = &[SETTINGS, NO_RESPONDER, UNDISTURBED];

const fn operations(packets: usize, interval: u64, frequency: u64) -> Operations {
    Operations {
        packets,
        interval: Duration::from_millis(interval),
        frequency: Duration::from_secs(frequency),
    }
}

const OF_MAG: Operations = operations(8, 50, 6);
const OF_LMA: Operations = operations(12, 25, 9);
/// `enable-sla mag MAG2`, which wins over `sla`.
const OF_MAG2: Operations = operations(5, 100, 6);
/// Several periods, on a busy machine.
const WATCHED: Duration = Duration::from_secs(60);
/// Settings differ by more than a fifth.
const TOLERANCE: u32 = 6;

const SETTINGS: Scenario = Scenario {
    name: "sla-settings",
    claim: "packets, spacing and period of probes are as configured, on the MAG, on the LMA and for \
            one MAG of it, and each probe stays on its path",
    claims: &[
        claim(
            "mag",
            "MAG1 sends what its `sla` says over each path, as the WAN emulator saw it",
            &[55],
        ),
        claim("lma", "the LMA sends what its `sla` says to MAG1", &[54]),
        claim(
            "of-mag",
            "to MAG2 alone it sends what `enable-sla mag MAG2` says",
            &[56],
        ),
        claim(
            "own-path",
            "no probe is seen on another path than its own, or outside a tunnel",
            &[58],
        ),
        claim("no-rules", "probes need no routing rules", &[58]),
        claim(
            "ranges",
            "numbers out of range and operations longer than their period are refused",
            &[54, 55],
        ),
    ],
    breaks: &[
        Break {
            name: "more-packets",
            damage: "MAG1 sends more packets",
            falls: "mag",
            edits: &[line(
                "MAG1",
                "sla num-packets 8 interval 50 frequency 6",
                "sla num-packets 10 interval 50 frequency 6",
            )],
        },
        Break {
            name: "slower",
            damage: "the LMA's packets are further apart",
            falls: "lma",
            edits: &[line(
                "LMA1",
                "sla num-packets 12 interval 25 frequency 9",
                "sla num-packets 12 interval 50 frequency 9",
            )],
        },
        Break {
            name: "no-exception",
            damage: "the LMA has no exception for MAG2",
            falls: "of-mag",
            edits: &[line(
                "LMA1",
                "enable-sla mag MAG2 num-packets 5 interval 100 frequency 6",
                "",
            )],
        },
    ],
    plan: || {
        let mut plan = Plan::standard(2);
        plan.mag(1);
        plan.emulated(LinkConfig::new());
        for mag in ["MAG1", "MAG2"] {
            plan.config(mag)
                .node("mobility-service hybrid-access\n sla num-packets 8 interval 50 frequency 6");
        }
        plan.config("MAG2")
            .no_logical()
            .node("logical-mn van2@lab.example\n lma LMA1\n exit");
        plan.config("LMA1").node(
            "mobility-service hybrid-access\n sla num-packets 12 interval 25 frequency 9
 enable-sla mag MAG2 num-packets 5 interval 100 frequency 6",
        );
        plan
    },
    play: settings,
};

/// The paths: MAG and WAN.
const PATHS: [(u8, u8); 3] = [(1, 1), (1, 2), (2, 1)];

fn settings(lab: &mut Lab<'_>) -> Result<(), Stop> {
    lab.ready(2)?;
    lab.paths_up(2, 1)?;
    let rules = |lab: &Lab<'_>| output(lab, "MAG1", "ip", &["rule", "list"]);
    let before = rules(lab)?;
    let mut watches = Vec::new();
    for (mag, wan) in PATHS {
        let emulator = lab.network().emulator(mag, wan).map_err(refused)?;
        let own = care_of(mag, wan, Family::V4);
        watches.push((
            emulator.watch(is_request),
            emulator.watch(move |frame| is_stray(frame, own)),
        ));
    }
    let asked = |path: usize| (PATHS[path], watches[path].0);
    seen(lab, "mag", Direction::Up, OF_MAG, &[asked(0), asked(1)])?;
    seen(lab, "lma", Direction::Down, OF_LMA, &[asked(0), asked(1)])?;
    seen(lab, "of-mag", Direction::Down, OF_MAG2, &[asked(2)])?;
    let mut strays = 0;
    for ((mag, wan), (_, watch)) in PATHS.into_iter().zip(&watches) {
        let emulator = lab.network().emulator(mag, wan).map_err(refused)?;
        let records = Direction::BOTH.map(|direction| emulator.record(*watch, direction));
        strays += records.iter().map(|record| record.offered).sum::<u64>();
    }
    lab.claim("own-path", strays == 0, format!("{strays} strays"))?;
    let after = rules(lab)?;
    let detail = format!(
        "{} rules, before {}",
        after.lines().count(),
        before.lines().count()
    );
    lab.claim("no-rules", after == before, detail)?;
    ranges(lab)
}

/// Waits until the requests of `direction` on every path are those of `shape`, and claims it.
fn seen(
    lab: &mut Lab<'_>,
    claim: &str,
    direction: Direction,
    shape: Operations,
    paths: &[((u8, u8), Watch)],
) -> Result<(), Stop> {
    let mut told = Vec::new();
    let found = lab.until("operations as configured", WATCHED, |lab| {
        told.clear();
        let mut all = true;
        for ((mag, wan), watch) in paths {
            let emulator = lab.network().emulator(*mag, *wan).map_err(refused)?;
            let record = emulator.record(*watch, direction);
            let compared = shape.compare(&record.arrivals, TOLERANCE);
            all &= compared.is_ok();
            let seen = compared.unwrap_or_else(|why| why);
            told.push(format!("MAG{mag} WAN {wan}: {seen}"));
        }
        Ok(all)
    })?;
    lab.claim(claim, found.is_some(), told.join("; "))
}

fn ranges(lab: &mut Lab<'_>) -> Result<(), Stop> {
    let mut taken = Vec::new();
    for (node, role) in [("MAG1", "mag"), ("LMA1", "lma")] {
        for sla in [
            "sla interval 3",
            "sla interval 6001",
            "sla frequency 0",
            "sla frequency 604801",
            "sla num-packets 0",
            "sla num-packets 100 interval 1000 frequency 20",
        ] {
            let lines = format!(
                "ipv6 mobile pmipv6-{role} {node} domain LAB\nmobility-service hybrid-access\n{sla}"
            );
            if lab.configure(node, &lines).is_ok() {
                taken.push(format!("{node}: {sla}"));
            }
        }
    }
    lab.claim("ranges", taken.is_empty(), format!("taken: {taken:?}"))
}

const NO_RESPONDER: Scenario = Scenario {
    name: "sla-no-responder",
    claim: "without a responder operations find no connection and profiles are violated",
    claims: &[
        claim(
            "unknown",
            "before the first operation the profile's state is unknown",
            &[7],
        ),
        claim("conforming", "with the responder it conforms", &[7]),
        claim(
            "violating",
            "after an operation without answers it is violated, and the operation says why",
            &[7],
        ),
    ],
    breaks: &[Break {
        name: "no-responder",
        damage: "the LMA runs no responder from the start",
        falls: "conforming",
        edits: &[
            line("LMA1", "mobility-service hybrid-access", ""),
            line("LMA1", "disable-sla", ""),
        ],
    }],
    plan: || {
        let mut plan = Plan::standard(1);
        plan.config("LMA1")
            .node("mobility-service hybrid-access\n disable-sla");
        plan
    },
    play: no_responder,
};

/// An operation of the MAG takes two seconds: it is not over when it is first looked at.
const PROBING: &str = "ipv6 mobile pmipv6-mag MAG1 domain LAB
mobility-service hybrid-access
sla num-packets 20 interval 100 frequency 7
profile-definition any
rtt 5000
packet-loss 50";
/// What takes the service away from the LMA.
const STOP: &str = "ipv6 mobile pmipv6-lma LMA1 domain LAB\nno mobility-service hybrid-access";

/// State of the first profile of WAN 1.
fn state(lab: &Lab<'_>) -> Result<(String, Value), LabError> {
    let shown = lab.show("MAG1", "sla")?;
    let Some(row) = row(&shown, 1) else {
        return Ok((String::new(), Value::Null));
    };
    let state = row["profiles"][0]["state"].as_str().unwrap_or_default();
    Ok((state.to_owned(), row.clone()))
}

fn no_responder(lab: &mut Lab<'_>) -> Result<(), Stop> {
    lab.ready(1)?;
    lab.configured("MAG1", PROBING)?;
    let (first, _) = state(lab)?;
    lab.claim("unknown", first == "unknown", format!("state {first:?}"))?;
    operations_of(lab, 1, 1)?;
    let (now, row) = state(lab)?;
    let detail = format!("{now}, {}", row["last"]["outcome"]);
    lab.claim("conforming", now == "conforming", detail)?;
    lab.configured("LMA1", STOP)?;
    operations_of(lab, 1, 2)?;
    let (now, row) = state(lab)?;
    let outcome = row["last"]["outcome"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let holds = now == "violating" && outcome.contains("connection");
    lab.claim("violating", holds, format!("{now}, {outcome}"))
}

const UNDISTURBED: Scenario = Scenario {
    name: "sla-undisturbed",
    claim: "probing as fast as it may be, and the end of the service, leave bindings, heartbeats and \
            traffic alone",
    claims: &[
        claim("storm", "while both nodes probe at their fastest", &[53]),
        claim("stopped", "when the service is taken away from both", &[53]),
    ],
    breaks: &[Break {
        name: "data-lost",
        damage: "the WAN loses what is not signalling",
        falls: "storm",
        edits: &[super::filter("m1w1", "forward", "udp dport 5437 drop")],
    }],
    plan: || {
        let mut plan = Plan::standard(1);
        for node in ["MAG1", "LMA1"] {
            plan.config(node).node(
                "mobility-service hybrid-access\n sla num-packets 100 interval 4 frequency 6",
            );
        }
        plan
    },
    play: undisturbed,
};

fn undisturbed(lab: &mut Lab<'_>) -> Result<(), Stop> {
    lab.ready(1)?;
    let capture = lab.capture("LMA1")?;
    operations_of(lab, 1, 1)?;
    intact(lab, "storm", &capture)?;
    lab.configured("LMA1", STOP)?;
    lab.configured(
        "MAG1",
        "ipv6 mobile pmipv6-mag MAG1 domain LAB\nno mobility-service hybrid-access",
    )?;
    intact(lab, "stopped", &capture)
}

/// Heartbeats go on, nothing was registered anew, pings are answered.
fn intact(lab: &mut Lab<'_>, claim: &str, capture: &super::capture::Capture) -> Result<(), Stop> {
    let beats = lab.messages(capture, "", "Heartbeat")?.len();
    let more = lab.until("more heartbeats", PATIENCE, |lab| {
        Ok(lab.messages(capture, "", "Heartbeat")?.len() >= beats + 4)
    })?;
    let updates = lab.messages(capture, "", "ProxyBindingUpdate")?.len();
    let usable = (lab.usable("MAG1")?.len(), lab.usable("LMA1")?.len());
    let answered = (lab.ping("h1", "cn1", 20)?, lab.ping("cn1", "h1", 20)?);
    let holds = more.is_some() && updates == 0 && usable == (1, 1) && answered == (20, 20);
    let detail = format!(
        "heartbeats go on: {}; {updates} PBUs; usable paths {usable:?}; of 20 pings each way {answered:?}",
        more.is_some()
    );
    lab.claim(claim, holds, detail)
}
