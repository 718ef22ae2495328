//! Mobile nodes of different MAGs, and customers of different anchors, that are kept apart.

use std::collections::BTreeSet;

use pmip_wire::types::IpPrefix;

use super::addresses::Family;
use super::hosts::homes;
use super::lab::{Lab, PATIENCE, van};
use super::{Break, Edit, Plan, Scenario, Stop, claim, filter, line};
use crate::lab::domain::LabError;
use crate::platform::netns::veth_pair;

pub(super) const SCENARIOS: &[Scenario] = &[BLOCKING, CUSTOMERS];

const BLOCKING: Scenario = Scenario {
    name: "mag-to-mag",
    claim: "`tunnel acl auto-pools` on the LMA keeps mobile nodes and mobile networks of different \
            MAGs from each other, and from nothing else",
    claims: &[
        claim(
            "correspondent",
            "the correspondent and all of them reach each other",
            &[34],
        ),
        claim(
            "blocked",
            "neither mobile nodes nor hosts of mobile networks reach those of the other MAG",
            &[34],
        ),
        claim(
            "arrived",
            "what they sent came to the LMA, and nothing of it left by the other's tunnel",
            &[34],
        ),
    ],
    breaks: &[
        Break {
            name: "no-acl",
            damage: "the LMA has no access list on its tunnels",
            falls: "blocked",
            edits: &[line("LMA1", "tunnel acl auto-pools", "")],
        },
        Break {
            name: "lost-before",
            damage: "the WAN of the first MAG loses what is for other mobile nodes",
            falls: "arrived",
            edits: &[filter(
                "MAG1",
                "forward",
                "ip daddr 10.64.0.0/15 ip protocol icmp oifname != \"lan*\" drop",
            )],
        },
        Break {
            name: "core-lost",
            damage: "the LMA forwards nothing to its core",
            falls: "correspondent",
            edits: &[filter("LMA1", "forward", "oifname core drop")],
        },
    ],
    plan: || {
        let mut plan = Plan::standard(1);
        plan.mag(1);
        plan.host("h2", 2, "lan1")
            .host("h3", 1, "lan2")
            .host("h4", 2, "lan2");
        for mag in ["MAG1", "MAG2"] {
            plan.config(mag).node("interface lan2");
        }
        plan.config("LMA1").node("tunnel acl auto-pools");
        plan
    },
    play: blocking,
};

fn blocking(lab: &mut Lab<'_>) -> Result<(), Stop> {
    lab.ready_at(1, 1, "h1")?;
    lab.ready_at(2, 1, "h2")?;
    for (host, mag) in [("h3", 1), ("h4", 2)] {
        let nai = format!("{host}@lab.example");
        lab.attach(&format!("MAG{mag}"), &nai, "lan2")?;
        lab.until("its binding", PATIENCE, |lab| {
            Ok(lab.binding("LMA1", &nai)?.is_some())
        })?;
        let Some(row) = lab.binding("LMA1", &nai)? else {
            continue;
        };
        for (address, router) in homes(&row) {
            lab.give_home(host, mag, "lan2", address, router)?;
        }
    }
    // Both home addresses are of one subnet: a host takes the other for a neighbour, and nobody
    // answers its ARP requests.
    for (host, other) in [("h3", "h4"), ("h4", "h3")] {
        let other = lab.address(other, Family::V4)?.to_string();
        let words = ["route", "add", &other, "via", "10.65.0.1"];
        let added = lab.network().execute(host, "ip", &words);
        added.map_err(|error| LabError::domain("a host route", error))?;
    }
    let mut answered = Vec::new();
    for host in ["h1", "h2", "h3", "h4"] {
        for family in Family::BOTH {
            answered.push(lab.reaches(family, "cn1", host, 2)?);
        }
    }
    lab.claim(
        "correspondent",
        answered == [2; 8],
        format!("of 2 by each host and family: {answered:?}"),
    )?;
    let capture = lab.capture("LMA1")?;
    let mut crossed = Vec::new();
    for from in ["h1", "h3"] {
        for to in ["h2", "h4"] {
            for family in Family::BOTH {
                crossed.push(lab.ping_by(family, from, to, 1)?);
            }
        }
    }
    lab.claim(
        "blocked",
        crossed.iter().all(|answered| *answered == 0),
        format!("answered of 1 by each pair and family: {crossed:?}"),
    )?;
    let echoes = |lab: &mut Lab<'_>, wan: &str| {
        lab.carried(&capture, wan, |inner| {
            let kind = inner.payload().first().copied();
            matches!(
                (inner.protocol(), kind),
                (Some(1), Some(8)) | (Some(58), Some(128))
            )
        })
    };
    let (came, left) = (echoes(lab, "m1w1")?, echoes(lab, "m2w1")?);
    lab.claim(
        "arrived",
        came == crossed.len() && left == 0,
        format!("{came} of {} came, {left} left", crossed.len()),
    )
}

const CUSTOMERS: Scenario = Scenario {
    name: "customers-apart",
    claim: "two customers, each with its anchor in a network namespace of its own, use the same \
            inner addresses over several paths and see nothing of each other",
    claims: &[
        claim(
            "overlap",
            "hosts of both have the same address of the same delegated network",
            &[62],
        ),
        claim(
            "both-pass",
            "each reaches the correspondent of its own customer over both of its paths",
            &[62],
        ),
        claim(
            "isolated",
            "neither host sees a packet of the other's correspondent, nor either correspondent one \
             of the other's host",
            &[62],
        ),
    ],
    breaks: &[
        Break {
            name: "other-pool",
            damage: "the second customer has another pool",
            falls: "overlap",
            edits: &[line(
                "LMA2",
                "mobile-network pool 10.64.0.0 pool-prefix 16 network-prefix 28",
                "mobile-network pool 10.66.0.0 pool-prefix 16 network-prefix 28",
            )],
        },
        Break {
            name: "data-lost",
            damage: "the second path of the second customer loses data",
            falls: "both-pass",
            edits: &[filter("m2w2", "forward", "udp dport 5437 drop")],
        },
        Break {
            name: "joined",
            damage: "a cable joins the anchors, and the first forwards to the second's correspondents",
            falls: "isolated",
            edits: &[Edit::Network(|network| {
                let (first, second) = (network.space("LMA1")?, network.space("LMA2")?);
                veth_pair((first, "joint"), (second, "joint"))?;
                first.set_link_up("joint", true)?;
                second.set_link_up("joint", true)?;
                let (near, far) = ([198, 19, 0, 1].into(), [198, 19, 0, 2].into());
                first.add_address("joint", near, 30)?;
                second.add_address("joint", far, 30)?;
                let core = super::addresses::core;
                let behind = IpPrefix::new(core(2, 0, Family::V4), 28)?;
                first.add_route(behind, Some(far), None)
            })],
        },
    ],
    plan: || {
        let mut plan = Plan::standard(2);
        plan.lma();
        plan.mag(2);
        plan.correspondent(2).host("h2", 2, "lan1");
        plan.config("MAG2")
            .replace("lma LMA1 LAB", "lma LMA2 LAB")
            .replace("lma LMA1", "lma LMA2")
            .replace("ipv4-address 192.0.2.1", "ipv4-address 192.0.2.2");
        plan
    },
    play: customers,
};

fn customers(lab: &mut Lab<'_>) -> Result<(), Stop> {
    let sides = [("LMA1", "MAG1", "h1"), ("LMA2", "MAG2", "h2")];
    for (number, (lma, mag, host)) in (1..).zip(sides) {
        lab.until("two usable paths on both nodes", PATIENCE, |lab| {
            Ok(lab.usable(mag)?.len() == 2 && lab.usable(lma)?.len() == 2)
        })?;
        let row = lab.binding(lma, &van(number))?;
        for network in row.map_or_else(Vec::new, |row| row.dmnp) {
            lab.join(host, network)?;
        }
    }
    let own = [
        lab.address("h1", Family::V4)?,
        lab.address("h2", Family::V4)?,
    ];
    lab.claim("overlap", own[0] == own[1], format!("{own:?}"))?;
    let anchors = [lab.capture("LMA1")?, lab.capture("LMA2")?];
    let ends = ["h1", "h2", "cn1", "cn2"];
    let mut captures = Vec::new();
    for end in ends {
        captures.push(lab.capture(end)?);
    }
    let arrived = [
        lab.udp("h1", "cn1", 20_000..20_050, 9, 0)?,
        lab.udp("h2", "cn2", 21_000..21_050, 9, 0)?,
    ];
    let answered = [lab.ping("cn1", "h1", 3)?, lab.ping("cn2", "h2", 3)?];
    let mut links = Vec::new();
    for capture in &anchors {
        let packets = lab.packets(capture)?;
        let data = packets.iter().filter(|packet| {
            let inner = packet.inner();
            inner.is_some_and(|inner| inner.destination_port() == Some(9))
        });
        let used: BTreeSet<String> = data.map(|packet| packet.interface.clone()).collect();
        links.push(used.len());
    }
    lab.claim(
        "both-pass",
        arrived == [50, 50] && answered == [3, 3] && links == [2, 2],
        format!("{arrived:?} of 50 arrived, {answered:?} of 3 answered, over {links:?} links"),
    )?;
    // Each tries the other's correspondent as well.
    let crossed = [
        lab.udp("h1", "cn2", 22_000..22_005, 9, 0)?,
        lab.udp("h2", "cn1", 23_000..23_005, 9, 0)?,
    ];
    let mut foreign = 0;
    for (end, capture) in ends.into_iter().zip(&captures) {
        let second = end.ends_with('2');
        let (peer, ports) = match second {
            true => ("cn1", 20_000..20_050),
            false => ("cn2", 21_000..21_050),
        };
        let peer = lab.address(peer, Family::V4)?;
        let packets = lab.packets(capture)?;
        let came = packets.iter().filter(|packet| {
            let port = packet.source_port().unwrap_or(0);
            packet.source() == Some(peer) || ports.contains(&port)
        });
        foreign += came.count();
    }
    lab.claim(
        "isolated",
        crossed == [0, 0] && foreign == 0,
        format!("{crossed:?} of 5 arrived across, {foreign} foreign packets"),
    )
}
