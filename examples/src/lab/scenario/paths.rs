//! Which path a flow takes without a map.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::addresses::{Family, care_of};
use super::lab::{Lab, PATIENCE};
use super::{Break, Plan, Scenario, Stop, claim, line};
use crate::lab::domain::WanState;

pub(super) const SCENARIOS: &[Scenario] = &[SPREAD, PRIORITY];

/// Flows of [`SPREAD`].
const FLOWS: u16 = 1000;

const SPREAD: Scenario = Scenario {
    name: "flow-spread",
    claim: "flows spread over the paths, and no flow is split",
    claims: &[
        claim(
            "spread",
            "1,000 flows use all three paths, none less than a fifth",
            &[3, 16],
        ),
        claim("unsplit", "no 5-tuple is seen on two paths", &[3]),
    ],
    breaks: &[
        Break {
            name: "one-path",
            damage: "the MAG has multipath off",
            falls: "spread",
            edits: &[line("MAG1", "multipath", "")],
        },
        Break {
            name: "per-packet",
            damage: "the MAG places packets and not flows",
            falls: "unsplit",
            edits: &[line("MAG1", "disable-sla", "  disable-sla\n  per-packet")],
        },
    ],
    plan: || {
        let mut plan = Plan::standard(3);
        let service = "mobility-service hybrid-access\n disable-sla\n exit";
        plan.config("MAG1").node(service);
        plan
    },
    play: spread,
};

fn spread(lab: &mut Lab<'_>) -> Result<(), Stop> {
    lab.ready(1)?;
    lab.until("three paths", Duration::from_secs(2), |lab| {
        Ok(lab.usable("MAG1")?.len() == 3)
    })?;
    let capture = lab.capture("LMA1")?;
    for _ in 0..3 {
        let arrived = lab.udp("h1", "cn1", 20_000..20_000 + FLOWS, 9, 0)?;
        lab.say(format!("{arrived} of {FLOWS} datagrams arrived"));
    }
    let packets = lab.packets(&capture)?;
    let mut paths: BTreeMap<u16, BTreeSet<String>> = BTreeMap::new();
    for packet in packets.iter().filter(|packet| !packet.outgoing) {
        let inner = packet
            .inner()
            .filter(|inner| inner.destination_port() == Some(9));
        if let Some(port) = inner.and_then(|inner| inner.source_port()) {
            paths
                .entry(port)
                .or_default()
                .insert(packet.interface.clone());
        }
    }
    let on = |wan: &str| paths.values().filter(|all| all.contains(wan)).count();
    let counts = ["m1w1", "m1w2", "m1w3"].map(on);
    let detail = format!("{} flows seen, by path {counts:?}", paths.len());
    let seen = paths.len() >= usize::from(FLOWS) - 10;
    let spread = seen && counts.iter().all(|count| *count >= usize::from(FLOWS / 5));
    lab.claim("spread", spread, detail)?;
    let split = paths.values().filter(|all| all.len() > 1).count();
    lab.claim("unsplit", split == 0, format!("{split} flows on two paths"))
}

const PRIORITY: Scenario = Scenario {
    name: "priority",
    claim: "with multipath off the interface of the best priority is used, then the next one, and \
            the best again after the hold",
    claims: &[
        claim(
            "best",
            "only the interface of the best priority registers",
            &[15],
        ),
        claim(
            "next",
            "when it is cut the next one takes over and traffic goes on",
            &[15],
        ),
        claim("back", "when it returns it is used again after 30 s", &[15]),
    ],
    breaks: &[
        Break {
            name: "other-priority",
            damage: "the first interface has the worst priority",
            falls: "best",
            edits: &[line(
                "MAG1",
                "roaming interface wan1 priority 1 egress-att LTE label wan1",
                "  roaming interface wan1 priority 9 egress-att LTE label wan1",
            )],
        },
        Break {
            name: "second-lost",
            damage: "the second WAN carries nothing",
            falls: "next",
            edits: &[super::filter("m1w2", "forward", "drop")],
        },
    ],
    plan: || {
        let mut plan = Plan::standard(2);
        plan.config("MAG1").replace("multipath", "");
        plan
    },
    play: priority,
};

fn priority(lab: &mut Lab<'_>) -> Result<(), Stop> {
    lab.ready(1)?;
    let usable = lab.usable("MAG1")?;
    lab.claim("best", usable == ["wan1"], format!("{usable:?}"))?;
    let [first, second] = [1, 2].map(|wan| [care_of(1, wan, Family::V4)]);
    lab.set_wan(1, 1, WanState::Cut)?;
    let moved = lab.until("wan2 takes over", PATIENCE, |lab| {
        Ok(lab.usable_at("MAG1")? == second && lab.usable_at("LMA1")? == second)
    })?;
    let answered = lab.ping("h1", "cn1", 5)?;
    let detail = format!("{answered} of 5 pings answered");
    lab.claim("next", moved.is_some() && answered == 5, detail)?;
    lab.set_wan(1, 1, WanState::Up)?;
    lab.pass(Duration::from_secs(25))?;
    let held = lab.usable_at("LMA1")? == second;
    let back = lab.until("wan1 is used again", PATIENCE, |lab| {
        Ok(lab.usable_at("LMA1")? == first)
    })?;
    let detail = format!("not within 25 s: {held}");
    lab.claim("back", held && back.is_some(), detail)
}
