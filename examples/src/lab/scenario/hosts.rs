//! Hosts on access links that know nothing of mobility: DHCP, router advertisements, roaming.

use std::net::IpAddr;
use std::time::Duration;

use super::addresses::Family;
use super::lab::{Lab, PATIENCE};
use super::{Break, Plan, Scenario, Stop, claim, filter, line};

pub(super) const SCENARIOS: &[Scenario] = &[ADDRESSES, FAMILIES, INTERFACE, ROAMING];

/// Of `h1`; the MAG makes the identifier of it.
const MAC: &str = "02:00:00:00:10:01";
const NAI: &str = "02-00-00-00-10-01@LAB";
/// Seconds that a DHCP client asks for.
const TRIES: u8 = 8;

const ADDRESSES: Scenario = Scenario {
    name: "host-addresses",
    claim: "a host that asks by DHCP and takes router advertisements gets what the LMA gave its \
            session",
    claims: &[
        claim(
            "by-dhcp",
            "the DHCP client gets the home address and the default router of the binding",
            &[10],
        ),
        claim(
            "named-pool",
            "the address is of the pool that the LMA's network names, with its `pfxlen`",
            &[36],
        ),
        claim(
            "by-advertisement",
            "the host makes itself an address of the binding's home network prefix",
            &[10],
        ),
        claim(
            "reached",
            "a correspondent reaches it by both families",
            &[10],
        ),
    ],
    breaks: &[
        Break {
            name: "no-interface",
            damage: "the MAG does not serve the access link",
            falls: "by-dhcp",
            edits: &[line("MAG1", "interface lan1", "")],
        },
        Break {
            name: "other-length",
            damage: "the network tells hosts another prefix length",
            falls: "named-pool",
            edits: &[line(
                "LMA1",
                "pool ipv4 home4 pfxlen 16",
                "pool ipv4 home4 pfxlen 15",
            )],
        },
        Break {
            name: "deaf-host",
            damage: "the host loses router advertisements",
            falls: "by-advertisement",
            edits: &[filter("h1", "input", "icmpv6 type nd-router-advert drop")],
        },
    ],
    plan: || {
        let mut plan = Plan::standard(1);
        plan.config("MAG1").no_logical().node("interface lan1");
        plan.config("LMA1").node("default profile @lab.example");
        plan
    },
    play: host_addresses,
};

fn host_addresses(lab: &mut Lab<'_>) -> Result<(), Stop> {
    lab.set_mac("h1", MAC)?;
    let lease = lab.dhcp("h1", TRIES)?;
    let row = lab.binding("LMA1", NAI)?;
    let given = row
        .as_ref()
        .and_then(|row| Some((row.ipv4_hoa?, row.default_router?)));
    let got = lease.map(|lease| (lease.address, lease.router));
    lab.claim(
        "by-dhcp",
        got.is_some() && got == given,
        format!("address and router got: {got:?}, in the binding: {given:?}"),
    )?;
    let (Some(lease), Some(row)) = (lease, row) else {
        return Err(Stop::ClaimFell);
    };
    let of_pool = lease.address.octets().starts_with(&[10, 65]);
    lab.claim(
        "named-pool",
        of_pool && lease.length == 16,
        format!("{}/{}", lease.address, lease.length),
    )?;
    let address = lab.autoconfigured("h1", PATIENCE)?;
    let prefixes = row.hnp;
    let inside = address.is_some_and(|own| prefixes.iter().any(|prefix| prefix.contains(own)));
    lab.claim(
        "by-advertisement",
        inside,
        format!("{address:?}, home network prefixes {prefixes:?}"),
    )?;
    // The link was down meanwhile, and routes with it.
    lab.dhcp("h1", TRIES)?;
    let mut answered = Vec::new();
    for family in Family::BOTH {
        answered.push(lab.reaches(family, "cn1", "h1", 3)?);
    }
    lab.claim(
        "reached",
        answered == [3, 3],
        format!("of 3 by IPv4 and IPv6: {answered:?}"),
    )
}

/// The hosts of [`FAMILIES`]: identifier, its `service`.
const KINDS: [(&str, &str); 3] = [
    ("four@lab.example", "ipv4"),
    ("six@lab.example", "ipv6"),
    ("both@lab.example", "dual"),
];

const FAMILIES: Scenario = Scenario {
    name: "families",
    claim: "mobile nodes with IPv4 alone, IPv6 alone and both get what they are entitled to, and \
            reach the correspondent by it",
    claims: &[
        claim(
            "given",
            "each session has a home address, a home network prefix, or both, as its `service` says",
            &[13],
        ),
        claim(
            "reach",
            "the correspondent and each reach each other by each of its families",
            &[13],
        ),
        claim(
            "silent",
            "none of their links carries a mobility header or anything of a tunnel",
            &[14],
        ),
    ],
    breaks: &[
        Break {
            name: "wrong-service",
            damage: "the IPv6 profile is one of IPv4",
            falls: "given",
            edits: &[
                line("LMA1", "service ipv6", "service ipv4"),
                line("MAG1", "service ipv6", "service ipv4"),
            ],
        },
        Break {
            name: "ipv6-lost",
            damage: "the LMA forwards no IPv6",
            falls: "reach",
            edits: &[filter("LMA1", "forward", "meta nfproto ipv6 drop")],
        },
    ],
    plan: || {
        let mut plan = Plan::standard(1);
        plan.host("h2", 1, "lan2").host("h3", 1, "lan3");
        for (nai, service) in KINDS {
            let profile = format!("nai {nai}\n network vehicles\n service {service}");
            plan.config("LMA1").domain(&profile);
            plan.config("MAG1").domain(&profile);
        }
        plan.config("MAG1")
            .no_logical()
            .node("interface lan1\ninterface lan2\ninterface lan3");
        plan
    },
    play: families,
};

fn families(lab: &mut Lab<'_>) -> Result<(), Stop> {
    let hosts = ["h1", "h2", "h3"];
    let mut captures = Vec::new();
    for (number, (host, (nai, _))) in (1..).zip(hosts.into_iter().zip(KINDS)) {
        captures.push(lab.capture(host)?);
        lab.attach("MAG1", nai, &format!("lan{number}"))?;
    }
    lab.until("three bindings", PATIENCE, |lab| {
        Ok(lab.bindings("LMA1")?.len() == 3)
    })?;
    let mut given = Vec::new();
    for (nai, _) in KINDS {
        let row = lab.binding("LMA1", nai)?;
        let has = row.map(|row| (row.ipv4_hoa.is_some(), !row.hnp.is_empty()));
        given.push(has.unwrap_or_default());
    }
    lab.claim(
        "given",
        given == [(true, false), (false, true), (true, true)],
        format!("home address, prefix: {given:?}"),
    )?;
    let mut answered = Vec::new();
    for (number, (host, (nai, _))) in (1..).zip(hosts.into_iter().zip(KINDS)) {
        let lan = format!("lan{number}");
        let row = lab.binding("LMA1", nai)?;
        let homes = row.map_or_else(Vec::new, |row| homes(&row));
        for (address, router) in homes {
            lab.give_home(host, 1, &lan, address, router)?;
            let family = if address.is_ipv4() {
                Family::V4
            } else {
                Family::V6
            };
            answered.push(lab.reaches(family, "cn1", host, 3)?);
        }
    }
    lab.claim(
        "reach",
        answered == [3; 4],
        format!("of 3 by each family of each: {answered:?}"),
    )?;
    let mut counts = (0, 0);
    for capture in &captures {
        let packets = lab.packets(capture)?;
        let signalling = packets
            .iter()
            .filter(|packet| packet.message().is_some() || packet.inner().is_some());
        counts.0 += signalling.count();
        counts.1 += packets.len();
    }
    lab.claim(
        "silent",
        counts.0 == 0 && counts.1 > 0,
        format!("{} of {} packets", counts.0, counts.1),
    )
}

/// What a host of a session may call itself, with its router.
pub(super) fn homes(row: &crate::control::BindingRow) -> Vec<(IpAddr, IpAddr)> {
    let mut homes = Vec::new();
    if let (Some(address), Some(router)) = (row.ipv4_hoa, row.default_router) {
        homes.push((address.into(), router.into()));
    }
    let prefixes = row.hnp.iter();
    homes.extend(prefixes.map(|prefix| (super::lab::nth(*prefix, 2), super::lab::nth(*prefix, 1))));
    homes
}

const INTERFACE: Scenario = Scenario {
    name: "access-interface",
    claim: "a MAG serves the access interfaces that it names, and no other",
    claims: &[
        claim(
            "named",
            "a host on the named interface gets an address and a binding",
            &[46],
        ),
        claim(
            "other",
            "a host on another gets no answer and no binding",
            &[46],
        ),
        claim(
            "unrouted",
            "what a host on the other interface sends enters no tunnel",
            &[46],
        ),
    ],
    breaks: &[
        Break {
            name: "wrong-name",
            damage: "the MAG names the other interface",
            falls: "named",
            edits: &[line("MAG1", "interface lan1", "interface lan2")],
        },
        Break {
            name: "both-named",
            damage: "the MAG names both",
            falls: "other",
            edits: &[line(
                "MAG1",
                "interface lan1",
                "interface lan1\ninterface lan2",
            )],
        },
    ],
    plan: || {
        let mut plan = Plan::standard(1);
        plan.host("h2", 1, "lan2");
        plan.config("MAG1").no_logical().node("interface lan1");
        plan.config("LMA1").node("default profile @lab.example");
        plan
    },
    play: interface,
};

fn interface(lab: &mut Lab<'_>) -> Result<(), Stop> {
    let lease = lab.dhcp("h1", TRIES)?;
    let bindings = lab.bindings("LMA1")?.len();
    lab.claim(
        "named",
        lease.is_some() && bindings == 1,
        format!("{lease:?}, {bindings} bindings"),
    )?;
    let lease = lab.dhcp("h2", 2)?;
    let bindings = lab.bindings("LMA1")?.len();
    lab.claim(
        "other",
        lease.is_none() && bindings == 1,
        format!("{lease:?}, {bindings} bindings"),
    )?;
    let capture = lab.capture("LMA1")?;
    let router = std::net::Ipv4Addr::new(10, 77, 0, 1);
    let address = std::net::Ipv4Addr::new(10, 77, 0, 2);
    lab.give_home("h2", 1, "lan2", address.into(), router.into())?;
    lab.udp("h2", "cn1", 30_000..30_010, 9, 0)?;
    lab.udp("h1", "cn1", 31_000..31_010, 9, 0)?;
    let port = |packet: &super::packet::Packet| packet.source_port().unwrap_or(0);
    let own = lab.carried(&capture, "", |inner| {
        (31_000..31_010).contains(&port(inner))
    })?;
    let others = lab.carried(&capture, "", |inner| {
        (30_000..30_010).contains(&port(inner))
    })?;
    lab.claim(
        "unrouted",
        own > 0 && others == 0,
        format!("in tunnels: {own} of the named interface, {others} of the other"),
    )
}

const ROAMING: Scenario = Scenario {
    name: "roaming",
    claim: "a mobile node that moves from one MAG to another keeps its address and its TCP transfer",
    claims: &[
        claim("moved", "the LMA's binding is the other MAG's", &[11]),
        claim(
            "same-address",
            "with the same home address and home network prefix",
            &[11],
        ),
        claim("goes-on", "the transfer that began before goes on", &[11]),
    ],
    breaks: &[
        Break {
            name: "not-served",
            damage: "the second MAG does not serve its access link",
            falls: "moved",
            edits: &[line("MAG2", "interface lan1", "")],
        },
        Break {
            name: "data-lost",
            damage: "the second MAG's WAN loses what is not signalling",
            falls: "goes-on",
            edits: &[filter("m2w1", "forward", "udp dport 5437 drop")],
        },
    ],
    plan: || {
        let mut plan = Plan::standard(1);
        plan.mag(1);
        for mag in ["MAG1", "MAG2"] {
            plan.config(mag).no_logical().node("interface lan1");
        }
        plan.config("LMA1").node("default profile @lab.example");
        plan
    },
    play: roaming,
};

fn roaming(lab: &mut Lab<'_>) -> Result<(), Stop> {
    lab.set_mac("h1", MAC)?;
    let lease = lab.dhcp("h1", TRIES)?;
    let before = lab.binding("LMA1", NAI)?;
    let (Some(_), Some(before)) = (lease, before) else {
        return Err(Stop::Error(crate::lab::domain::LabError::Domain(
            "the host gets no address".into(),
        )));
    };
    lab.reaches(Family::V4, "h1", "cn1", 3)?;
    let transfer = lab.transfer("h1", "cn1", 9_000)?;
    lab.until("octets arrive", PATIENCE, |_| {
        Ok(transfer.arrived() > 100_000)
    })?;
    lab.step("the host's cable goes from MAG1 to MAG2");
    lab.replug("MAG1", "MAG2", "lan1")?;
    // A host that sees its link come back asks for what it had.
    lab.dhcp("h1", TRIES)?;
    let moved = lab.until("the binding is MAG2's", PATIENCE, |lab| {
        let row = lab.binding("LMA1", NAI)?;
        Ok(row.is_some_and(|row| row.peer == "MAG2"))
    })?;
    lab.claim("moved", moved.is_some(), "as `show bindings` has it")?;
    let after = lab.binding("LMA1", NAI)?;
    let homes = after.map(|row| (row.ipv4_hoa, row.hnp));
    lab.claim(
        "same-address",
        homes == Some((before.ipv4_hoa, before.hnp)),
        format!("{homes:?}"),
    )?;
    let so_far = transfer.arrived();
    let more = lab.until("octets arrive again", Duration::from_secs(15), |_| {
        Ok(transfer.arrived() > so_far + 100_000)
    })?;
    lab.claim(
        "goes-on",
        more.is_some() && transfer.failure().is_none(),
        format!("{} octets, {:?}", transfer.arrived(), transfer.failure()),
    )
}
