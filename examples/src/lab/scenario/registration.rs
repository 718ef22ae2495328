//! Registration: several care-of addresses, tunnels, the logical mobile node.

use std::collections::BTreeSet;

use super::addresses::{Family, care_of, core};
use super::lab::{Lab, option, van};
use super::{Break, Claim, Edit, Plan, Scenario, Stop};

pub(super) const SCENARIOS: &[Scenario] = &[ENDPOINTS];

const ENDPOINTS: Scenario = Scenario {
    name: "end-points",
    claim: "a MAG with three roaming interfaces registers three care-of addresses, and each path \
            carries traffic",
    claims: &[
        Claim {
            name: "three-updates",
            text: "three PBU and PBA pairs, one for each source address, with distinct Binding IDs",
            rows: &[1],
        },
        Claim {
            name: "one-binding",
            text: "the LMA shows one binding with three care-of addresses",
            rows: &[1],
        },
        Claim {
            name: "nai-in-update",
            text: "the MAG registers the logical mobile node at start, with its NAI in every PBU",
            rows: &[63],
        },
        Claim {
            name: "each-tunnel",
            text: "a ping sent over each path in turn shows the outer addresses of that path",
            rows: &[2],
        },
    ],
    breaks: &[
        Break {
            name: "no-third-interface",
            damage: "the MAG has no third roaming interface",
            falls: "three-updates",
            edits: &[Edit::Line {
                node: "MAG1",
                line: "roaming interface wan3 priority 3 egress-att WLAN label wan3",
                by: "",
            }],
        },
        Break {
            name: "data-lost",
            damage: "the second WAN loses what is not signalling",
            falls: "each-tunnel",
            edits: &[Edit::Nft {
                namespace: "m1w2",
                rules: "table ip lab { chain f { type filter hook forward priority 0; policy accept
                        udp dport 5437 drop
                        } }",
            }],
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
