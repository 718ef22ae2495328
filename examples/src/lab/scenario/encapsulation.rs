//! GRE and IP in IP: what tunnels look like on the wire, with their keys.

use std::collections::{BTreeMap, BTreeSet};

use super::addresses::{Family, anchor, care_of};
use super::lab::{Lab, PATIENCE, option};
use super::packet::{GRE, Packet};
use super::{Break, Plan, Scenario, Stop, claim, filter, line};

pub(super) const SCENARIOS: &[Scenario] = &[GRE_PATHS, GRE_OVER_IPV6, PER_PEER];

const CLAIMS: [&str; 4] = ["registers", "keys", "every-path", "keys-carried"];

const GRE_PATHS: Scenario = Scenario {
    name: "gre",
    claim: "multipath over GRE: every path has its keys, and data carries them",
    claims: &[
        claim(
            CLAIMS[0],
            "the MAG registers two care-of addresses, the LMA has one binding with both",
            &[5],
        ),
        claim(
            CLAIMS[1],
            "every PBU asks for a downlink key, every PBA gives an uplink key (option 33)",
            &[5, 70],
        ),
        claim(
            CLAIMS[2],
            "flows spread over both paths, each on one of them, and all arrive",
            &[5],
        ),
        claim(
            CLAIMS[3],
            "packets carry the key of their path and direction, and nothing is outside of GRE",
            &[5, 70],
        ),
    ],
    breaks: &[
        Break {
            name: "no-keys",
            damage: "the MAG does not generate keys",
            falls: CLAIMS[1],
            edits: &[
                line("MAG1", "generate grekey", ""),
                line("LMA1", "generate grekey", ""),
            ],
        },
        Break {
            name: "gre-lost",
            damage: "the second WAN loses GRE",
            falls: CLAIMS[2],
            edits: &[filter("m1w2", "forward", "meta l4proto gre drop")],
        },
        Break {
            name: "udp",
            damage: "the domain uses UDP",
            falls: CLAIMS[1],
            edits: &[
                line("MAG1", "encap gre-ipv4", "encap udptunnel"),
                line("LMA1", "encap gre-ipv4", "encap udptunnel"),
            ],
        },
    ],
    plan: || {
        let mut plan = Plan::standard(2).starting_later("MAG1");
        gre(&mut plan, "gre-ipv4");
        plan
    },
    play: |lab| gre_paths(lab, Family::V4),
};

const GRE_OVER_IPV6: Scenario = Scenario {
    name: "gre-ipv6",
    claim: "the same over an IPv6 transport, where signalling is bare Mobility Headers",
    claims: GRE_PATHS.claims,
    breaks: &[Break {
        name: "gre-lost",
        damage: "the second WAN loses GRE",
        falls: CLAIMS[2],
        edits: &[filter("m1w2", "forward", "meta l4proto gre drop")],
    }],
    plan: || {
        let mut plan = Plan::standard(2).starting_later("MAG1");
        plan.ipv6_transport();
        gre(&mut plan, "gre-ipv6");
        over_ipv6(&mut plan, "LMA1");
        over_ipv6(&mut plan, "MAG1");
        plan
    },
    play: |lab| gre_paths(lab, Family::V6),
};

fn gre(plan: &mut Plan, encap: &str) {
    for node in ["LMA1", "MAG1"] {
        plan.config(node)
            .node("generate grekey")
            .replace("encap udptunnel", &format!("encap {encap}"));
    }
}

fn over_ipv6(plan: &mut Plan, node: &str) {
    let (v4, v6) = (anchor(1, Family::V4), anchor(1, Family::V6));
    plan.config(node)
        .replace(&format!("address ipv4 {v4}"), &format!("address ipv6 {v6}"))
        .replace(&format!("ipv4-address {v4}"), &format!("ipv6-address {v6}"));
}

fn gre_paths(lab: &mut Lab<'_>, family: Family) -> Result<(), Stop> {
    let capture = lab.capture("LMA1")?;
    lab.start("MAG1")?;
    lab.ready(2)?;
    let bindings = lab.bindings("LMA1")?;
    let paths: Vec<_> = bindings.iter().flat_map(|row| &row.paths).collect();
    let at: BTreeSet<_> = paths.iter().map(|path| path.care_of).collect();
    let expected = [1, 2].map(|wan| care_of(1, wan, family));
    lab.claim(
        CLAIMS[0],
        bindings.len() == 1 && at == BTreeSet::from(expected),
        format!("{} bindings, care-of addresses {at:?}", bindings.len()),
    )?;
    let asked = lab.messages(&capture, "", "ProxyBindingUpdate")?;
    let given = lab.messages(&capture, "", "ProxyBindingAcknowledgement")?;
    let down = asked.iter().filter_map(|(packet, message)| {
        Some((packet.source()?, option(message, 33)?["key"].as_u64()?))
    });
    let up = given.iter().filter_map(|(packet, message)| {
        Some((packet.destination()?, option(message, 33)?["key"].as_u64()?))
    });
    // By the care-of address: the key towards the LMA and the one back.
    let (down, up): (BTreeMap<_, _>, BTreeMap<_, _>) = (down.collect(), up.collect());
    let shown: BTreeMap<_, _> = paths
        .iter()
        .filter_map(|path| {
            let keys = (path.gre_key_up?.into(), path.gre_key_down?.into());
            Some((path.care_of, keys))
        })
        .collect();
    let keys: BTreeMap<_, (u64, u64)> = up
        .iter()
        .filter_map(|(at, up)| Some((*at, (*up, *down.get(at)?))))
        .collect();
    lab.claim(
        CLAIMS[1],
        keys.len() == 2 && keys == shown,
        format!("up and down, on the wire: {keys:?}, shown: {shown:?}"),
    )?;
    let arrived = lab.udp("h1", "cn1", 20_000..20_050, 9, 0)?;
    lab.ping("cn1", "h1", 3)?;
    let packets = lab.packets(&capture)?;
    let data: Vec<(&Packet, Packet)> = packets
        .iter()
        .filter_map(|packet| Some((packet, packet.inner()?)))
        .collect();
    let mut flows: BTreeMap<u16, BTreeSet<&str>> = BTreeMap::new();
    for (outer, inner) in &data {
        if let (Some(port), Some(9)) = (inner.source_port(), inner.destination_port()) {
            flows.entry(port).or_default().insert(&outer.interface);
        }
    }
    let single = flows.values().all(|links| links.len() == 1);
    let links: BTreeSet<&str> = flows.values().flatten().copied().collect();
    lab.claim(
        CLAIMS[2],
        arrived == 50 && flows.len() == 50 && single && links.len() == 2,
        format!(
            "{arrived} of 50 arrived, {} seen, by {links:?}",
            flows.len()
        ),
    )?;
    let keyed = |(outer, _): &&(&Packet, Packet)| {
        let key = outer.gre_key().map(u64::from);
        let up = outer.source().and_then(|at| keys.get(&at));
        let down = outer.destination().and_then(|at| keys.get(&at));
        key.is_some()
            && outer.protocol() == Some(GRE)
            && (up.map(|keys| keys.0) == key || down.map(|keys| keys.1) == key)
    };
    let right = data.iter().filter(keyed).count();
    lab.claim(
        CLAIMS[3],
        right == data.len() && right >= 56,
        format!("{right} of {} packets", data.len()),
    )
}

const PER_PEER: Scenario = Scenario {
    name: "encapsulation-per-peer",
    claim: "the domain's encapsulation holds for every peer that has none of its own",
    claims: &[
        claim(
            "domain",
            "the MAG without a setting of its own is reached by IPv6 in IPv6",
            &[6],
        ),
        claim(
            "override",
            "the one that the LMA and itself name GRE for is reached by GRE",
            &[6],
        ),
        claim("both-pass", "the correspondent reaches hosts of both", &[6]),
    ],
    breaks: &[
        Break {
            name: "other-domain",
            damage: "the domain uses GRE",
            falls: "domain",
            edits: &[
                line("LMA1", "encap ipv6-in-ipv6", "encap gre-ipv6"),
                line("MAG1", "encap ipv6-in-ipv6", "encap gre-ipv6"),
            ],
        },
        Break {
            name: "no-override",
            damage: "nothing is said for the second MAG",
            falls: "override",
            edits: &[
                line("LMA1", "encap gre-ipv6", ""),
                line("MAG2", "encap gre-ipv6", ""),
            ],
        },
    ],
    plan: || {
        let mut plan = Plan::standard(1);
        plan.mag(1);
        plan.host("h2", 2, "lan1").ipv6_transport();
        let (own, peer) = (anchor(1, Family::V6), care_of(2, 1, Family::V6));
        for node in ["LMA1", "MAG1", "MAG2"] {
            over_ipv6(&mut plan, node);
            plan.config(node)
                .replace("multipath", "")
                .replace("encap udptunnel", "encap ipv6-in-ipv6");
        }
        plan.config("LMA1").node(&format!(
            "mag MAG2 LAB\n ipv6-address {peer}\n encap gre-ipv6\n exit"
        ));
        let address = format!("ipv6-address {own}");
        plan.config("MAG2")
            .replace(&address, &format!("{address}\nencap gre-ipv6"));
        plan
    },
    play: per_peer,
};

fn per_peer(lab: &mut Lab<'_>) -> Result<(), Stop> {
    let capture = lab.capture("LMA1")?;
    let hosts = [(1, "h1"), (2, "h2")];
    for (mag, host) in hosts {
        lab.until("a usable path", PATIENCE, |lab| {
            Ok(!lab.usable_at(&format!("MAG{mag}"))?.is_empty())
        })?;
        let row = lab.binding("LMA1", &super::lab::van(mag))?;
        for network in row.map_or_else(Vec::new, |row| row.dmnp) {
            lab.join(host, network)?;
        }
    }
    let mut answered = Vec::new();
    for (_, host) in hosts {
        for family in Family::BOTH {
            answered.push(lab.reaches(family, "cn1", host, 3)?);
        }
    }
    let packets = lab.packets(&capture)?;
    let protocols = |wan: &str| -> BTreeSet<Option<u8>> {
        let on = packets.iter().filter(|packet| packet.is_on(wan));
        let data = on.filter(|packet| packet.inner().is_some());
        data.map(Packet::protocol).collect()
    };
    let (first, second) = (protocols("m1w1"), protocols("m2w1"));
    lab.claim(
        "domain",
        first == BTreeSet::from([Some(4), Some(41)]),
        format!("protocols of MAG1's tunnel: {first:?}"),
    )?;
    lab.claim(
        "override",
        second == BTreeSet::from([Some(GRE)]),
        format!("protocols of MAG2's tunnel: {second:?}"),
    )?;
    lab.claim(
        "both-pass",
        answered == [3; 4],
        format!("of 3 by each family of each: {answered:?}"),
    )
}
