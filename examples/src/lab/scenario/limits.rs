//! Limits: bindings, packet sizes, what a tunnel lets pass.

use std::time::Duration;

use super::lab::{Lab, option};
use super::{Break, Plan, Scenario, Stop, claim, line};

pub(super) const SCENARIOS: &[Scenario] = &[MAXIMUM, MTU, TUNNEL_ACL];

const MAXIMUM: Scenario = Scenario {
    name: "binding-limit",
    claim: "`bce maximum 10` on the LMA refuses the 11th binding and keeps the others",
    claims: &[
        claim("ten", "ten mobile nodes register", &[43]),
        claim("eleventh", "the 11th gets status 130", &[43]),
        claim("refreshed", "refreshes of the ten go on", &[43]),
        claim(
            "mag-limit",
            "`bce maximum` on the MAG lets no more attach than it says",
            &[43],
        ),
    ],
    breaks: &[
        Break {
            name: "nine",
            damage: "the LMA takes nine",
            falls: "ten",
            edits: &[line("LMA1", "bce maximum 10", " bce maximum 9")],
        },
        Break {
            name: "no-limit",
            damage: "the LMA has no limit",
            falls: "eleventh",
            edits: &[line("LMA1", "bce maximum 10", "")],
        },
        Break {
            name: "no-refresh",
            damage: "the MAG asks for an hour",
            falls: "refreshed",
            edits: &[line("MAG1", "binding lifetime 10", "")],
        },
    ],
    plan: || {
        let mut plan = Plan::standard(1);
        plan.config("LMA1").node("bce maximum 10");
        plan.config("MAG1")
            .no_logical()
            .node("interface lan1\nsessionmgr\nbinding lifetime 10");
        plan
    },
    play: maximum,
};

fn maximum(lab: &mut Lab<'_>) -> Result<(), Stop> {
    let nai = |number: u32| format!("mn{number}@lab.example");
    for number in 1..=10 {
        lab.attach("MAG1", &nai(number), "lan1")?;
    }
    let ten = lab.until("ten bindings", Duration::from_secs(4), |lab| {
        Ok(lab.bindings("LMA1")?.len() == 10)
    })?;
    let count = lab.bindings("LMA1")?.len();
    lab.claim("ten", ten.is_some(), format!("{count} bindings"))?;
    let capture = lab.capture("LMA1")?;
    lab.attach("MAG1", &nai(11), "lan1")?;
    let statuses = lab.statuses(&capture, "the LMA answers")?;
    let last = statuses.last().copied();
    lab.claim(
        "eleventh",
        last == Some(130),
        format!("statuses {statuses:?}"),
    )?;
    let _ = lab.detach("MAG1", &nai(11));
    let mut refreshed = std::collections::BTreeSet::new();
    lab.until("ten are refreshed", Duration::from_secs(9), |lab| {
        let answers = lab.messages(&capture, "", "ProxyBindingAcknowledgement")?;
        let accepted = answers.iter().filter(|(_, message)| message["status"] == 0);
        refreshed = accepted
            .filter_map(|(_, message)| option(message, 8).map(ToString::to_string))
            .collect();
        Ok(refreshed.len() == 10)
    })?;
    lab.claim(
        "refreshed",
        refreshed.len() == 10,
        format!("{} of 10", refreshed.len()),
    )?;
    lab.configured(
        "MAG1",
        "ipv6 mobile pmipv6-mag MAG1 domain LAB\n bce maximum 10",
    )?;
    let capture = lab.capture("LMA1")?;
    let _ = lab.attach("MAG1", &nai(12), "lan1");
    lab.pass(Duration::from_secs(1))?;
    let asked = lab.messages(&capture, "", "ProxyBindingUpdate")?;
    let asked = asked
        .iter()
        .filter(|(_, m)| option(m, 8).is_some_and(|o| o["identifier"] == nai(12).as_str()));
    let asked = asked.count();
    lab.claim(
        "mag-limit",
        asked == 0,
        format!("{asked} PBUs for the 11th"),
    )
}

const MTU: Scenario = Scenario {
    name: "tunnel-mtu",
    claim: "`tunnel mtu 1360` is the largest packet of a tunnel, and its sender is told",
    claims: &[
        claim(
            "fits",
            "a packet of 1360 octets that must not be fragmented passes",
            &[32],
        ),
        claim(
            "too-big",
            "one of 1361 is answered by fragmentation needed, with MTU 1360",
            &[32],
        ),
        claim(
            "range",
            "67 and 17917 are refused, 68 and 17916 are taken",
            &[32],
        ),
    ],
    breaks: &[
        Break {
            name: "smaller",
            damage: "the MAG has `tunnel mtu 1300`",
            falls: "fits",
            edits: &[line("MAG1", "tunnel mtu 1360", " tunnel mtu 1300")],
        },
        Break {
            name: "larger",
            damage: "the MAG has `tunnel mtu 1400`",
            falls: "too-big",
            edits: &[line("MAG1", "tunnel mtu 1360", " tunnel mtu 1400")],
        },
    ],
    plan: || {
        let mut plan = Plan::standard(1);
        plan.config("MAG1").node("tunnel mtu 1360");
        plan.config("LMA1").node("tunnel mtu 1360");
        plan
    },
    play: mtu,
};

fn mtu(lab: &mut Lab<'_>) -> Result<(), Stop> {
    lab.ready(1)?;
    let capture = lab.capture("h1")?;
    lab.send_unfragmentable("h1", "cn1", 1360)?;
    let packets = lab.packets(&capture)?;
    let answer = packets
        .iter()
        .find(|packet| !packet.outgoing && packet.payload().first() == Some(&0));
    let length = answer.map(|packet| packet.length());
    lab.claim(
        "fits",
        length == Some(1360),
        format!("length of the echo reply: {length:?}"),
    )?;
    lab.send_unfragmentable("h1", "cn1", 1361)?;
    let packets = lab.packets(&capture)?;
    let told = packets
        .iter()
        .filter(|packet| !packet.outgoing && packet.protocol() == Some(1));
    let told = told.filter_map(|packet| match packet.payload() {
        [3, 4, _, _, _, _, high, low, ..] => Some(u16::from_be_bytes([*high, *low])),
        _ => None,
    });
    let told: Vec<u16> = told.collect();
    lab.claim("too-big", told == [1360], format!("MTUs told: {told:?}"))?;
    let line = |mtu: u16| format!("ipv6 mobile pmipv6-mag MAG1 domain LAB\n tunnel mtu {mtu}");
    let taken = [67, 68, 17_916, 17_917].map(|mtu| lab.configure("MAG1", &line(mtu)).is_ok());
    lab.claim(
        "range",
        taken == [false, true, true, false],
        format!("{taken:?}"),
    )
}

const TUNNEL_ACL: Scenario = Scenario {
    name: "tunnel-acl",
    claim: "an access list on the tunnels of the LMA stops the denied host on every path",
    claims: &[
        claim(
            "denied",
            "flows to the denied correspondent are lost, whatever path they take",
            &[33],
        ),
        claim("others", "flows to another pass", &[33]),
    ],
    breaks: &[
        Break {
            name: "no-acl",
            damage: "the LMA has no access list on its tunnels",
            falls: "denied",
            edits: &[line("LMA1", "tunnel acl guard", "")],
        },
        Break {
            name: "nothing-permitted",
            damage: "the list permits nothing",
            falls: "others",
            edits: &[line("LMA1", "permit ip any any", "")],
        },
    ],
    plan: || {
        let mut plan = Plan::standard(2);
        let list =
            "ip access-list extended guard\n deny ip any host 203.0.113.20\n permit ip any any";
        plan.config("LMA1").global(list).node("tunnel acl guard");
        plan
    },
    play: |lab| {
        lab.ready(2)?;
        let capture = lab.capture("LMA1")?;
        let denied = lab.udp("h1", "cn1.4", 20_000..20_050, 9, 0)?;
        let on = |lab: &mut Lab<'_>, wan| {
            lab.carried(&capture, wan, |i| i.destination_port() == Some(9))
        };
        let by_wan = [on(lab, "m1w1")?, on(lab, "m1w2")?];
        let every = by_wan.iter().all(|count| *count > 0);
        let detail = format!("{denied} of 50 arrived, {by_wan:?} came by each path");
        lab.claim("denied", denied == 0 && every, detail)?;
        let passed = lab.udp("h1", "cn1", 20_000..20_050, 9, 0)?;
        lab.claim("others", passed == 50, format!("{passed} of 50 arrived"))
    },
};
