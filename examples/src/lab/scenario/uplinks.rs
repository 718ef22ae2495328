//! Care-of addresses: one that changes, and those of loopbacks.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::addresses::{Family, care_of};
use super::lab::{Lab, PATIENCE, option, van};
use super::{Break, Plan, Scenario, Stop, claim, filter, line};
use crate::lab::domain::{LabError, WanState};

pub(super) const SCENARIOS: &[Scenario] = &[CHANGE, LOOPBACK, SAME_ADDRESS];

/// The address that WAN 1 of MAG 1 changes to.
const NEXT: &str = "100.64.11.77";

const CHANGE: Scenario = Scenario {
    name: "address-change",
    claim: "a roaming interface whose address changes is registered anew under its Binding ID, and \
            traffic goes on",
    claims: &[
        claim(
            "new-update",
            "a PBU with the same Binding ID comes from the new address and is accepted",
            &[17],
        ),
        claim(
            "moved",
            "the LMA has the new care-of address in place of the old one",
            &[17],
        ),
        claim(
            "goes-on",
            "the transfer that began before goes on, over the new address",
            &[17],
        ),
    ],
    breaks: &[
        Break {
            name: "updates-lost",
            damage: "the WAN loses signalling from the new address",
            falls: "new-update",
            edits: &[filter(
                "m1w1",
                "forward",
                "ip saddr 100.64.11.77 udp dport 5436 drop",
            )],
        },
        Break {
            name: "data-lost",
            damage: "the WAN loses data from the new address",
            falls: "goes-on",
            edits: &[filter(
                "m1w1",
                "forward",
                "ip saddr 100.64.11.77 udp dport 5437 drop",
            )],
        },
    ],
    plan: || Plan::standard(1),
    play: change,
};

fn change(lab: &mut Lab<'_>) -> Result<(), Stop> {
    lab.ready(1)?;
    let transfer = lab.transfer("h1", "cn1", 9_000)?;
    lab.until("octets arrive", PATIENCE, |_| {
        Ok(transfer.arrived() > 100_000)
    })?;
    let capture = lab.capture("m1w1")?;
    ip(lab, "MAG1", "address delete 100.64.11.2/24 dev wan1")?;
    ip(lab, "MAG1", &format!("address add {NEXT}/24 dev wan1"))?;
    ip(
        lab,
        "MAG1",
        "route replace default via 100.64.11.1 dev wan1",
    )?;
    let next = address(NEXT)?;
    let mut accepted = BTreeSet::new();
    lab.until("an accepted PBU from the new address", PATIENCE, |lab| {
        let answers = lab.messages(&capture, "mag", "ProxyBindingAcknowledgement")?;
        let to_next = answers.iter().filter(|(packet, message)| {
            packet.destination() == Some(next) && message["status"] == 0
        });
        accepted = to_next
            .filter_map(|(_, message)| option(message, 63)?["binding_id"].as_u64())
            .collect();
        Ok(!accepted.is_empty())
    })?;
    lab.claim(
        "new-update",
        accepted == BTreeSet::from([1]),
        format!("Binding IDs accepted at {NEXT}: {accepted:?}"),
    )?;
    let paths = care_of_addresses(lab, 1)?;
    lab.claim("moved", paths == [next], format!("{paths:?}"))?;
    let so_far = transfer.arrived();
    let more = lab.until("octets arrive again", PATIENCE, |_| {
        Ok(transfer.arrived() > so_far + 100_000)
    })?;
    let packets = lab.packets(&capture)?;
    let by_next = packets
        .iter()
        .filter(|packet| packet.inner().is_some() && packet.source() == Some(next));
    let by_next = by_next.count();
    lab.claim(
        "goes-on",
        more.is_some() && by_next > 0 && transfer.failure().is_none(),
        format!(
            "{} octets, {by_next} packets from {NEXT}",
            transfer.arrived()
        ),
    )
}

/// The loopbacks of MAG 1 and MAG 2.
const LOOPBACKS: [&str; 2] = ["198.51.100.1", "198.51.100.2"];

const LOOPBACK: Scenario = Scenario {
    name: "loopback",
    claim: "a loopback with a physical egress interface is a roaming interface: its address is the \
            care-of address, and the egress interface decides",
    claims: &[
        claim(
            "care-of",
            "the LMA has the loopback's address as care-of address",
            &[60],
        ),
        claim(
            "egress",
            "everything from that address leaves by the egress interface",
            &[60],
        ),
        claim(
            "down",
            "the path is down with the egress interface, and traffic goes by the other",
            &[60],
        ),
        claim("up", "and up again with it", &[60]),
    ],
    breaks: &[
        Break {
            name: "no-loopback",
            damage: "the roaming interface is the physical one",
            falls: "care-of",
            edits: &[line(
                "MAG1",
                "roaming interface Loopback0 egress wan1 priority 1 egress-att LTE label wan1",
                "roaming interface wan1 priority 1 egress-att LTE label wan1",
            )],
        },
        Break {
            name: "other-lost",
            damage: "the other WAN loses data",
            falls: "down",
            edits: &[filter("m1w2", "forward", "udp dport 5437 drop")],
        },
    ],
    plan: || {
        let mut plan = Plan::standard(2).starting_later("MAG1");
        loopback(&mut plan, "MAG1");
        plan
    },
    play: by_loopback,
};

/// Makes the first roaming interface of a MAG its loopback.
fn loopback(plan: &mut Plan, mag: &str) {
    plan.config(mag)
        .global("interface Loopback0\n device lo")
        .replace(
            "roaming interface wan1 priority 1 egress-att LTE label wan1",
            "roaming interface Loopback0 egress wan1 priority 1 egress-att LTE label wan1",
        );
}

fn by_loopback(lab: &mut Lab<'_>) -> Result<(), Stop> {
    let [own, _] = LOOPBACKS;
    ip(lab, "MAG1", &format!("address add {own}/32 dev lo"))?;
    ip(lab, "m1w1", &format!("route add {own} via 100.64.11.2"))?;
    ip(lab, "m1w2", &format!("route add {own} via 100.64.12.2"))?;
    ip(lab, "LMA1", &format!("route add {own} via 198.18.11.6"))?;
    let own = address(own)?;
    let captures = [lab.capture("m1w1")?, lab.capture("m1w2")?];
    lab.start("MAG1")?;
    lab.ready(2)?;
    let paths = care_of_addresses(lab, 1)?;
    lab.claim(
        "care-of",
        paths == [own, care_of(1, 2, Family::V4)],
        format!("{paths:?}"),
    )?;
    lab.udp("h1", "cn1", 20_000..20_050, 9, 0)?;
    let mut seen = Vec::new();
    for capture in &captures {
        let packets = lab.packets(capture)?;
        let from = packets
            .iter()
            .filter(|packet| packet.is_on("mag") && packet.source() == Some(own));
        let (data, others): (Vec<_>, Vec<_>) = from.partition(|packet| packet.inner().is_some());
        seen.push((data.len(), others.len()));
    }
    let right = matches!(seen.as_slice(), [(data, others), (0, 0)] if *data > 0 && *others > 0);
    lab.claim(
        "egress",
        right,
        format!("data and signalling from it by wan1 and by wan2: {seen:?}"),
    )?;
    lab.set_wan(1, 1, WanState::Cut)?;
    let down = lab.until("the path is down", PATIENCE, |lab| {
        Ok(lab.usable("MAG1")? == ["wan2"])
    })?;
    let answered = lab.reaches(Family::V4, "h1", "cn1", 3)?;
    lab.claim(
        "down",
        down.is_some() && answered == 3,
        format!("{answered} of 3 pings answered"),
    )?;
    lab.set_wan(1, 1, WanState::Up)?;
    // The router lost its route with its interface.
    ip(lab, "m1w1", &format!("route add {own} via 100.64.11.2"))?;
    let up = lab.until("the path is up", PATIENCE, |lab| {
        Ok(lab.usable("MAG1")?.len() == 2)
    })?;
    lab.claim("up", up.is_some(), "as `show paths` has it")
}

const SAME_ADDRESS: Scenario = Scenario {
    name: "same-address",
    claim: "two MAGs at two providers have the same physical address, and are told apart by their \
            loopbacks",
    claims: &[
        claim(
            "both",
            "both are registered, each under its loopback",
            &[61],
        ),
        claim("pass", "hosts of both pass traffic", &[61]),
        claim(
            "duplicate",
            "a MAG that takes the other's loopback gets status 130, and the LMA's log says why",
            &[61],
        ),
        claim("stays", "the other goes on", &[61]),
    ],
    breaks: &[
        Break {
            name: "no-loopbacks",
            damage: "the second MAG registers its physical address",
            falls: "both",
            edits: &[line(
                "MAG2",
                "roaming interface Loopback0 egress wan1 priority 1 egress-att LTE label wan1",
                "roaming interface wan1 priority 1 egress-att LTE label wan1",
            )],
        },
        Break {
            name: "data-lost",
            damage: "the second provider loses data",
            falls: "pass",
            edits: &[filter("m2w1", "forward", "udp dport 5437 drop")],
        },
    ],
    plan: || {
        let mut plan = Plan::standard(1);
        plan.mag(1);
        plan.host("h2", 2, "lan1");
        for mag in ["MAG1", "MAG2"] {
            loopback(&mut plan, mag);
        }
        plan.starting_later("MAG1").starting_later("MAG2")
    },
    play: same_address,
};

fn same_address(lab: &mut Lab<'_>) -> Result<(), Stop> {
    let [first, second] = LOOPBACKS;
    // The second provider's network becomes one like the first's.
    ip(lab, "MAG2", "address replace 100.64.11.2/24 dev wan1")?;
    ip(lab, "MAG2", "address delete 100.64.21.2/24 dev wan1")?;
    ip(lab, "m2w1", "address replace 100.64.11.1/24 dev mag")?;
    ip(lab, "m2w1", "address delete 100.64.21.1/24 dev mag")?;
    ip(
        lab,
        "MAG2",
        "route replace default via 100.64.11.1 dev wan1",
    )?;
    for (number, own) in [(1, first), (2, second)] {
        ip(
            lab,
            &format!("MAG{number}"),
            &format!("address add {own}/32 dev lo"),
        )?;
        let router = format!("m{number}w1");
        ip(lab, &router, &format!("route add {own} via 100.64.11.2"))?;
        let by = format!("route add {own} via 198.18.{number}1.6");
        ip(lab, "LMA1", &by)?;
    }
    let (first, second) = (address(first)?, address(second)?);
    for mag in ["MAG1", "MAG2"] {
        lab.start(mag)?;
    }
    lab.until("both are registered", PATIENCE, |lab| {
        let paths = [care_of_addresses(lab, 1)?, care_of_addresses(lab, 2)?];
        Ok(paths.iter().all(|paths| !paths.is_empty()))
    })?;
    let paths = [care_of_addresses(lab, 1)?, care_of_addresses(lab, 2)?];
    let right = paths == [[first], [second]];
    lab.claim("both", right, format!("{paths:?}"))?;
    lab.ready_at(1, 1, "h1")?;
    lab.ready_at(2, 1, "h2")?;
    let mut answered = Vec::new();
    for host in ["h1", "h2"] {
        answered.push(lab.reaches(Family::V4, host, "cn1", 3)?);
    }
    lab.claim("pass", answered == [3, 3], format!("of 3: {answered:?}"))?;
    let capture = lab.capture("LMA1")?;
    ip(lab, "MAG2", &format!("address add {first}/32 dev lo"))?;
    ip(lab, "MAG2", &format!("address delete {second}/32 dev lo"))?;
    let mut statuses = Vec::new();
    lab.until("an answer that refuses", PATIENCE, |lab| {
        let answers = lab.messages(&capture, "", "ProxyBindingAcknowledgement")?;
        let all = answers.iter().filter_map(|(_, m)| m["status"].as_u64());
        statuses = all.collect();
        Ok(statuses.iter().any(|status| *status >= 128))
    })?;
    let log = lab.log("LMA1");
    let why = "which is the care-of address of another";
    let said = log.lines().find(|text| text.contains(why));
    let said = said.unwrap_or_default().to_owned();
    lab.claim(
        "duplicate",
        statuses.contains(&130) && !said.is_empty(),
        format!("statuses {statuses:?}; the log: {said}"),
    )?;
    let answered = lab.reaches(Family::V4, "h1", "cn1", 3)?;
    lab.claim("stays", answered == 3, format!("{answered} of 3"))
}

/// Care-of addresses of the logical mobile node of MAG `mag` at the LMA, by Binding ID.
fn care_of_addresses(lab: &Lab<'_>, mag: u8) -> Result<Vec<IpAddr>, LabError> {
    let row = lab.binding("LMA1", &van(mag))?;
    let mut paths = row.map_or_else(Vec::new, |row| row.paths);
    paths.sort_unstable_by_key(|path| path.bid);
    Ok(paths.into_iter().map(|path| path.care_of).collect())
}

fn ip(lab: &Lab<'_>, space: &str, words: &str) -> Result<(), LabError> {
    let words: Vec<&str> = words.split(' ').collect();
    let done = lab.network().execute(space, "ip", &words);
    done.map_err(|error| LabError::domain("changing the network", error))
}

fn address(text: &str) -> Result<IpAddr, LabError> {
    let read = text.parse();
    read.map_err(|error| LabError::domain("reading an address", error))
}
