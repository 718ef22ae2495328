//! Registration: several care-of addresses, tunnels, the logical mobile node.

use std::collections::BTreeSet;

use super::addresses::{Family, care_of, core};
use super::lab::{Lab, option, van};
use super::{Break, Plan, Scenario, Stop, claim, filter, line};

pub(super) const SCENARIOS: &[Scenario] = &[ENDPOINTS, CARRIER, ATTRIBUTES];

const ENDPOINTS: Scenario = Scenario {
    name: "end-points",
    claim: "a MAG with three roaming interfaces registers three care-of addresses, and each path \
            carries traffic",
    claims: &[
        claim(
            "three-updates",
            "three PBU and PBA pairs, one for each source address, with distinct Binding IDs",
            &[1],
        ),
        claim(
            "one-binding",
            "the LMA shows one binding with three care-of addresses",
            &[1],
        ),
        claim(
            "nai-in-update",
            "the MAG registers the logical mobile node at start, with its NAI in every PBU",
            &[63],
        ),
        claim(
            "each-tunnel",
            "a ping sent over each path in turn shows the outer addresses of that path",
            &[2],
        ),
    ],
    breaks: &[
        Break {
            name: "no-third-interface",
            damage: "the MAG has no third roaming interface",
            falls: "three-updates",
            edits: &[line(
                "MAG1",
                "roaming interface wan3 priority 3 egress-att WLAN label wan3",
                "",
            )],
        },
        Break {
            name: "data-lost",
            damage: "the second WAN loses what is not signalling",
            falls: "each-tunnel",
            edits: &[filter("m1w2", "forward", "udp dport 5437 drop")],
        },
    ],
    plan: || {
        let mut plan = Plan::standard(3).starting_later("MAG1");
        for wan in 1..=3 {
            let to = core(1, wan + 1, Family::V4);
            let list = format!("ip access-list extended to{wan}\n permit ip any host {to}");
            let entry = format!(
                "mobile-map M {wan}0\n match access-list to{wan}\n set link-type wan{wan} null"
            );
            plan.config("MAG1").global(&list).domain(&entry);
        }
        plan.config("MAG1").node("mobile-map M");
        plan
    },
    play: end_points,
};

fn end_points(lab: &mut Lab<'_>) -> Result<(), Stop> {
    let capture = lab.capture("LMA1")?;
    lab.start("MAG1")?;
    lab.until("the MAG has three paths", super::lab::PATIENCE, |lab| {
        Ok(lab.usable("MAG1")?.len() == 3)
    })?;
    let updates = lab.messages(&capture, "", "ProxyBindingUpdate")?;
    let answers = lab.messages(&capture, "", "ProxyBindingAcknowledgement")?;
    let bid =
        |message: &serde_json::Value| option(message, 63).and_then(|o| o["binding_id"].as_u64());
    let asked: BTreeSet<_> = updates.iter().map(|(p, m)| (p.source(), bid(m))).collect();
    let answered: BTreeSet<_> = answers
        .iter()
        .map(|(p, m)| (p.destination(), bid(m)))
        .collect();
    let expected = (1..=3)
        .map(|wan| (Some(care_of(1, wan, Family::V4)), Some(u64::from(wan))))
        .collect();
    lab.claim(
        "three-updates",
        asked == expected && answered == expected,
        format!("{asked:?}"),
    )?;
    lab.ready(3)?;
    let bindings = lab.bindings("LMA1")?;
    let paths: Vec<usize> = bindings.iter().map(|row| row.paths.len()).collect();
    lab.claim(
        "one-binding",
        paths == [3],
        format!("care-of addresses by binding: {paths:?}"),
    )?;
    let named = updates
        .iter()
        .filter(|(_, m)| option(m, 8).is_some_and(|o| o.to_string().contains(&van(1))));
    let named = named.count();
    lab.claim(
        "nai-in-update",
        named == updates.len(),
        format!("in {named} of {}", updates.len()),
    )?;
    lab.step("pings by each path in turn: the map sends those to cn1's host N + 1 by wan N alone");
    let mut seen = Vec::new();
    for wan in 1..=3 {
        let answered = lab.ping("h1", &format!("cn1.{}", wan + 1), 5)?;
        let care_of = care_of(1, wan, Family::V4);
        let packets = lab.packets(&capture)?;
        let outer = packets.iter().filter(|packet| {
            let inner = packet.inner().and_then(|inner| inner.destination());
            packet.source() == Some(care_of) && inner == Some(core(1, wan + 1, Family::V4))
        });
        let right = outer
            .filter(|packet| packet.is_on(&format!("m1w{wan}")))
            .count();
        seen.push((answered, right));
    }
    let detail = format!("answered and seen from the care-of address, by path: {seen:?}");
    lab.claim("each-tunnel", seen == [(5, 5); 3], detail)
}

const CARRIER: Scenario = Scenario {
    name: "udp-carrier",
    claim: "with `encap udptunnel` data is in UDP 5437 and signalling in UDP 5436, and nothing of a \
            host is seen bare on a WAN",
    claims: &[
        claim(
            "control-5436",
            "every Mobility Header is in UDP port 5436",
            &[4],
        ),
        claim(
            "data-5437",
            "pings are seen in UDP port 5437, both ways",
            &[4, 12],
        ),
        claim(
            "nothing-bare",
            "no packet of the host is on a WAN outside of a tunnel",
            &[12],
        ),
        claim(
            "own-inside",
            "nor is what the MAG itself sends from its mobile network, and it is answered",
            &[12],
        ),
    ],
    breaks: &[
        Break {
            name: "data-lost",
            damage: "the WAN loses what is not signalling",
            falls: "data-5437",
            edits: &[filter("m1w1", "forward", "udp dport 5437 drop")],
        },
        Break {
            name: "leak",
            damage: "the kernel routes the access interface past the tunnel",
            falls: "nothing-bare",
            edits: &[super::Edit::Network(|network| {
                network.execute(
                    "MAG1",
                    "ip",
                    &["route", "add", "203.0.113.19/32", "via", "100.64.11.1"],
                )?;
                network.execute(
                    "MAG1",
                    "ip",
                    &[
                        "rule",
                        "add",
                        "pref",
                        "1",
                        "to",
                        "203.0.113.19",
                        "lookup",
                        "main",
                    ],
                )
            })],
        },
        Break {
            name: "own-leak",
            damage: "the kernel routes what the MAG itself sends past the tunnel",
            falls: "own-inside",
            edits: &[super::Edit::Network(|network| {
                let route = "route add 203.0.113.18/32 via 100.64.11.1";
                let rule = "rule add pref 1 iif lo to 203.0.113.18 lookup main";
                for words in [route, rule] {
                    let words: Vec<&str> = words.split(' ').collect();
                    network.execute("MAG1", "ip", &words)?;
                }
                Ok(())
            })],
        },
    ],
    plan: || Plan::standard(1).starting_later("MAG1"),
    play: carrier,
};

fn carrier(lab: &mut Lab<'_>) -> Result<(), Stop> {
    let capture = lab.capture("m1w1")?;
    lab.start("MAG1")?;
    lab.ready(1)?;
    lab.ping("h1", "cn1.3", 3)?;
    let up = lab.ping("h1", "cn1", 5)?;
    let down = lab.ping("cn1", "h1", 5)?;
    let packets = lab.packets(&capture)?;
    let signalling = packets.iter().filter(|packet| packet.message().is_some());
    let right = signalling
        .clone()
        .all(|packet| packet.destination_port() == Some(5436));
    let count = signalling.count();
    lab.claim(
        "control-5436",
        right && count > 0,
        format!("{count} messages"),
    )?;
    let inner = packets.iter().filter_map(|packet| packet.inner()).count();
    let detail = format!("{up} and {down} of 5 pings answered, {inner} packets in tunnels");
    lab.claim("data-5437", up == 5 && down == 5 && inner >= 20, detail)?;
    let host = lab.address("h1", Family::V4)?;
    let bare = packets
        .iter()
        .filter(|packet| packet.source() == Some(host) || packet.destination() == Some(host));
    let bare = bare.count();
    lab.claim("nothing-bare", bare == 0, format!("{bare} bare packets"))?;
    let capture = lab.capture("m1w1")?;
    let answered = lab.ping("MAG1", "cn1", 5)?;
    let gateway = lab.address("MAG1", Family::V4)?;
    let packets = lab.packets(&capture)?;
    let mut bare = packets.iter();
    let bare = bare.any(|packet| packet.source() == Some(gateway));
    let detail = format!("{answered} of 5 pings from {gateway} answered, bare: {bare}");
    lab.claim("own-inside", answered == 5 && !bare, detail)
}

const ATTRIBUTES: Scenario = Scenario {
    name: "interface-attributes",
    claim: "access technology and label of each roaming interface reach the LMA in option 63",
    claims: &[
        claim(
            "in-option-63",
            "PBUs carry If-ATT and If-Label as configured",
            &[19],
        ),
        claim(
            "own-type",
            "option 24 is the mobile node's own access type, equal on all paths",
            &[19],
        ),
        claim(
            "shown",
            "the LMA shows label and access technology of each care-of address",
            &[19],
        ),
        claim(
            "anchor-address",
            "the LMA's `address ipv4` is the far end of every tunnel",
            &[18, 45],
        ),
    ],
    breaks: &[
        Break {
            name: "other-technology",
            damage: "the MAG's second interface has another access technology",
            falls: "in-option-63",
            edits: &[line(
                "MAG1",
                "roaming interface wan2 priority 2 egress-att 3G label wan2",
                "roaming interface wan2 priority 2 egress-att WLAN label wan2",
            )],
        },
        Break {
            name: "other-label",
            damage: "the LMA gives the label another name",
            falls: "shown",
            edits: &[line("LMA1", "link-label wan2 id 2", "link-label dsl id 2")],
        },
    ],
    plan: || Plan::standard(2).starting_later("MAG1"),
    play: attributes,
};

fn attributes(lab: &mut Lab<'_>) -> Result<(), Stop> {
    let capture = lab.capture("LMA1")?;
    lab.start("MAG1")?;
    lab.ready(2)?;
    let updates = lab.messages(&capture, "", "ProxyBindingUpdate")?;
    let number = |message: &serde_json::Value, field: &str| {
        option(message, 63)
            .and_then(|option| option[field].as_u64())
            .unwrap_or(0)
    };
    let fields = [
        "binding_id",
        "interface_access_technology",
        "interface_label",
    ];
    let told: BTreeSet<_> = updates
        .iter()
        .map(|(_, m)| fields.map(|field| number(m, field)))
        .collect();
    // LTE is 8, 3G is 7 (RFC 5213 section 8.5).
    let expected = BTreeSet::from([[1, 8, 1], [2, 7, 2]]);
    lab.claim(
        "in-option-63",
        told == expected,
        format!("Binding ID, If-ATT, If-Label: {told:?}"),
    )?;
    let own = |message: &serde_json::Value| option(message, 24)?["access_technology_type"].as_u64();
    let own: BTreeSet<_> = updates.iter().map(|(_, message)| own(message)).collect();
    lab.claim(
        "own-type",
        own == BTreeSet::from([Some(1)]),
        format!("{own:?}"),
    )?;
    let paths = lab.paths("LMA1")?;
    let shown: BTreeSet<_> = paths
        .into_iter()
        .map(|row| (row.label.unwrap_or_default(), row.att))
        .collect();
    let expected = [("wan1", "LTE"), ("wan2", "3G")].map(|(a, b)| (a.to_owned(), b.to_owned()));
    lab.claim(
        "shown",
        shown == BTreeSet::from(expected),
        format!("{shown:?}"),
    )?;
    lab.ping("h1", "cn1", 3)?;
    let anchor = Some(super::addresses::anchor(1, Family::V4));
    let packets = lab.packets(&capture)?;
    let tunnelled = packets.iter().filter(|packet| packet.inner().is_some());
    let ends = |packet: &super::packet::Packet| {
        packet.source() == anchor || packet.destination() == anchor
    };
    let (right, all) = (
        tunnelled.clone().filter(|p| ends(p)).count(),
        tunnelled.count(),
    );
    lab.claim(
        "anchor-address",
        right == all && all > 0,
        format!("{right} of {all}"),
    )
}
