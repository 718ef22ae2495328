//! Heartbeats: silent loss, monitoring, restarts; and NAT.

use std::time::Duration;

use super::addresses::{Family, transfer};
use super::lab::{Lab, PATIENCE, option, van};
use super::{Break, Edit, Plan, Scenario, Stop, claim, line};
use crate::lab::domain::WanState;

pub(super) const SCENARIOS: &[Scenario] = &[BLACK_HOLE, PER_LABEL, RESTART, NAT];

/// (retries + 1) x interval + answer timeout, and what a busy machine adds.
const DETECTION: Duration = Duration::from_millis(600 + 900);

const BLACK_HOLE: Scenario = Scenario {
    name: "black-hole",
    claim: "every path is monitored, and one that goes silent is down on both nodes within \
            (retries + 1) x interval + answer timeout",
    claims: &[
        claim(
            "listed",
            "`show heartbeat` lists every path as up, with times",
            &[42],
        ),
        claim(
            "down",
            "the silent path is down in time on both nodes, the others stay",
            &[38],
        ),
        claim("moved", "traffic goes on by the others", &[38]),
        claim("back", "the path is up again when it answers", &[38, 42]),
    ],
    breaks: &[
        Break {
            name: "no-heartbeat",
            damage: "neither node sends heartbeats",
            falls: "listed",
            edits: &[
                line("MAG1", "heartbeat interval-ms 200 retries 1", ""),
                line("LMA1", "heartbeat interval-ms 200 retries 1", ""),
            ],
        },
        Break {
            name: "slow-heartbeat",
            damage: "the LMA allows for more misses",
            falls: "down",
            edits: &[line(
                "LMA1",
                "heartbeat interval-ms 200 retries 1",
                " heartbeat interval-ms 2000 retries 2",
            )],
        },
    ],
    plan: || Plan::standard(3),
    play: black_hole,
};

fn black_hole(lab: &mut Lab<'_>) -> Result<(), Stop> {
    lab.ready(3)?;
    let mut listed = Vec::new();
    for node in ["MAG1", "LMA1"] {
        lab.until("round-trip times", Duration::from_secs(2), |lab| {
            let rows = lab.show(node, "heartbeat")?;
            let rows = rows.as_array().cloned().unwrap_or_default();
            Ok(rows.len() == 3 && rows.iter().all(|row| row["rtt_ms"].is_number()))
        })?;
        let rows = lab.show(node, "heartbeat")?;
        let rows = rows.as_array().cloned().unwrap_or_default();
        listed.extend(
            rows.into_iter()
                .filter(|row| row["status"] == "up" && row["rtt_ms"].is_number()),
        );
    }
    lab.claim(
        "listed",
        listed.len() == 6,
        format!("{} of 6 rows", listed.len()),
    )?;
    lab.set_wan(1, 2, WanState::BlackHole)?;
    let others = ["wan1", "wan3"];
    let down = lab.until("both nodes see it", DETECTION, |lab| {
        Ok(lab.usable("MAG1")? == others && lab.usable("LMA1")? == others)
    })?;
    let usable = (lab.usable("MAG1")?, lab.usable("LMA1")?);
    lab.claim("down", down.is_some(), format!("usable: {usable:?}"))?;
    let arrived = lab.udp("h1", "cn1", 20_000..20_050, 9, 0)?;
    let back = lab.udp("cn1", "h1", 20_000..20_050, 9, 0)?;
    let detail = format!("{arrived} of 50 flows up, {back} of 50 down");
    lab.claim("moved", arrived == 50 && back == 50, detail)?;
    lab.set_wan(1, 2, WanState::Up)?;
    let up = lab.until("both nodes see it", PATIENCE, |lab| {
        Ok(lab.usable("MAG1")?.len() == 3 && lab.usable("LMA1")?.len() == 3)
    })?;
    lab.claim("back", up.is_some(), "as both nodes show it")
}

const PER_LABEL: Scenario = Scenario {
    name: "heartbeat-label",
    claim: "heartbeats of paths with a label follow their own rule",
    claims: &[claim(
        "spacing",
        "the LMA's requests are 100 ms apart on wan1, 400 ms on wan2",
        &[39],
    )],
    breaks: &[Break {
        name: "no-label",
        damage: "the LMA has one rule for all",
        falls: "spacing",
        edits: &[line(
            "LMA1",
            "heartbeat interval-ms 400 retries 3 label wan2",
            "",
        )],
    }],
    plan: || {
        let mut plan = Plan::standard(2);
        plan.config("LMA1")
            .replace(
                "heartbeat interval-ms 200 retries 1",
                " heartbeat interval-ms 100 retries 9",
            )
            .node("heartbeat interval-ms 400 retries 3 label wan2");
        plan
    },
    play: |lab| {
        lab.ready(2)?;
        let capture = lab.capture("LMA1")?;
        lab.pass(Duration::from_secs(2))?;
        let mut spacing = Vec::new();
        for wan in ["m1w1", "m1w2"] {
            let beats = lab.messages(&capture, wan, "Heartbeat")?;
            let asked = beats.iter().filter(|(packet, message)| {
                packet.outgoing && message["flags"].as_array().is_some_and(Vec::is_empty)
            });
            let times: Vec<Duration> = asked.map(|(packet, _)| packet.at).collect();
            let mut spans: Vec<u128> = times
                .windows(2)
                .map(|two| (two[1] - two[0]).as_millis())
                .collect();
            spans.sort_unstable();
            spacing.push(spans.get(spans.len() / 2).copied().unwrap_or(0));
        }
        let near = |span: u128, wanted: u128| span.abs_diff(wanted) * 4 < wanted;
        let holds = near(spacing[0], 100) && near(spacing[1], 400);
        lab.claim(
            "spacing",
            holds,
            format!("median milliseconds: {spacing:?}"),
        )
    },
};

const RESTART: Scenario = Scenario {
    name: "restart",
    claim: "an LMA that was killed and lost its state is noticed by its restart counter, and the \
            MAG registers anew",
    claims: &[
        claim(
            "counter",
            "the restart counter is kept on disk and one higher",
            &[41],
        ),
        claim(
            "again",
            "within one interval of its return the MAG registers anew",
            &[41],
        ),
        claim("traffic", "the host is reached again", &[41]),
    ],
    breaks: &[Break {
        name: "no-heartbeat",
        damage: "the MAG sends no heartbeats",
        falls: "again",
        edits: &[
            line("MAG1", "heartbeat interval-ms 200 retries 1", ""),
            line("LMA1", "heartbeat interval-ms 200 retries 1", ""),
        ],
    }],
    plan: || Plan::standard(2),
    play: restart,
};

fn restart(lab: &mut Lab<'_>) -> Result<(), Stop> {
    lab.ready(2)?;
    lab.pass(Duration::from_millis(500))?;
    let counter = |lab: &Lab<'_>| {
        let text = lab.state_file("LMA1", "restart-counter");
        text.and_then(|text| text.trim().parse::<u32>().ok())
    };
    let before = counter(lab);
    lab.kill("LMA1");
    lab.remove_state("LMA1", "bindings.json");
    lab.start("LMA1")?;
    let after = counter(lab);
    let holds = before
        .zip(after)
        .is_some_and(|(before, after)| after == before + 1);
    lab.claim("counter", holds, format!("{before:?}, then {after:?}"))?;
    let again = lab.until(
        "the LMA has both paths again",
        Duration::from_secs(2),
        |lab| {
            let binding = lab.binding("LMA1", &van(1))?;
            Ok(binding.is_some_and(|row| row.paths.len() == 2))
        },
    )?;
    lab.claim(
        "again",
        again.is_some(),
        "as `show bindings` of the LMA has it",
    )?;
    let mut answered = 0;
    lab.until("the host is reached", PATIENCE, |lab| {
        answered = lab.ping("cn1", "h1", 3)?;
        Ok(answered == 3)
    })?;
    lab.claim(
        "traffic",
        answered == 3,
        format!("{answered} of 3 pings answered"),
    )
}

/// The NAT's ports for 5436 and 5437 of the MAG.
const PORTS: [u16; 2] = [20_001, 20_002];

const NAT: Scenario = Scenario {
    name: "nat",
    claim: "a MAG behind a NAT on an IPv4 transport is reached by its mappings",
    claims: &[
        claim(
            "detected",
            "the LMA sees the NAT: option 32 differs from the outer source",
            &[69],
        ),
        claim(
            "forced",
            "F is set in every PBU and in option 31 of every accepted PBA",
            &[69],
        ),
        claim("reached", "traffic passes both ways", &[69]),
        claim(
            "mapping",
            "every tunnelled packet goes down to the data mapping, none before it is known",
            &[69],
        ),
    ],
    breaks: &[
        Break {
            name: "no-nat",
            damage: "the WAN routes and translates nothing",
            falls: "detected",
            edits: &[Edit::Network(|network| {
                network.nft("m1w1", "delete table ip lab_nat\n")
            })],
        },
        Break {
            name: "data-lost",
            damage: "the WAN loses what is not signalling",
            falls: "reached",
            edits: &[super::filter("MAG1", "output", "udp sport 5437 drop")],
        },
    ],
    plan: || {
        let mut plan = Plan::standard(1).starting_later("MAG1");
        plan.nat(1, 1, PORTS[0]);
        plan
    },
    play: nat,
};

fn nat(lab: &mut Lab<'_>) -> Result<(), Stop> {
    let capture = lab.capture("LMA1")?;
    lab.start("MAG1")?;
    let outside = transfer(1, 1, 1, 2, Family::V4);
    let seen = lab.until("the LMA sees a NAT", Duration::from_secs(3), |lab| {
        let paths = lab.paths("LMA1")?;
        Ok(paths
            .first()
            .is_some_and(|path| path.nat && path.observed.ip() == outside))
    })?;
    let paths = lab.paths("LMA1")?;
    let observed: Vec<_> = paths
        .iter()
        .map(|path| (path.care_of, path.observed))
        .collect();
    lab.claim(
        "detected",
        seen.is_some(),
        format!("care-of address and observed: {observed:?}"),
    )?;
    let updates = lab.messages(&capture, "", "ProxyBindingUpdate")?;
    let answers = lab.messages(&capture, "", "ProxyBindingAcknowledgement")?;
    let flag = |message: &serde_json::Value| {
        message["flags"]
            .as_array()
            .is_some_and(|flags| flags.iter().any(|flag| flag == "F"))
    };
    let asked = updates.iter().all(|(_, message)| flag(message));
    let given = answers
        .iter()
        .filter(|(_, message)| message["status"] == 0)
        .all(|(_, message)| option(message, 31).is_some_and(|option| option["force_udp"] == true));
    let detail = format!("in all of {} PBUs: {asked}, PBAs: {given}", updates.len());
    lab.claim("forced", asked && given && !answers.is_empty(), detail)?;
    if lab.ready(1).is_err() {
        return lab.claim("reached", false, "the path carries nothing");
    }
    let answered = (lab.ping("h1", "cn1", 5)?, lab.ping("cn1", "h1", 5)?);
    lab.claim(
        "reached",
        answered == (5, 5),
        format!("of 5, up and down: {answered:?}"),
    )?;
    let packets = lab.packets(&capture)?;
    let is_data = |packet: &&super::packet::Packet| packet.inner().is_some();
    let down = packets
        .iter()
        .filter(is_data)
        .filter(|packet| packet.outgoing);
    let first_up = packets
        .iter()
        .filter(is_data)
        .find(|packet| !packet.outgoing);
    let right = down.clone().filter(|packet| {
        packet.destination_port() == Some(PORTS[1]) && first_up.is_some_and(|up| up.at <= packet.at)
    });
    let (right, all) = (right.count(), down.count());
    lab.claim(
        "mapping",
        right == all && all >= 10,
        format!("{right} of {all}"),
    )
}
