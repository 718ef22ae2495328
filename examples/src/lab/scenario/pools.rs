//! Where addresses and mobile networks come from: pools of the LMA, and DHCP inside a network.

use std::net::IpAddr;

use pmip_wire::types::IpPrefix;

use super::lab::{Lab, PATIENCE, van};
use super::{Break, Plan, Scenario, Stop, claim, line};

pub(super) const SCENARIOS: &[Scenario] = &[MOBILE_POOLS, NETWORKS, NETWORK_DHCP];

const FOUR: [&str; 4] = ["a", "b", "c", "d"];

const MOBILE_POOLS: Scenario = Scenario {
    name: "mobile-network-pools",
    claim: "mobile networks come from the pools of the LMA's network in their order, the next one \
            when one is exhausted",
    claims: &[
        claim(
            "in-order",
            "three logical mobile nodes get the only prefix of each of three pools",
            &[35],
        ),
        claim("exhausted", "a fourth is refused when all are taken", &[35]),
        claim(
            "ipv6",
            "each gets an IPv6 prefix of the length that the pool says",
            &[35],
        ),
        claim(
            "lengths",
            "a pool whose networks are longer than itself or out of range is refused",
            &[35],
        ),
    ],
    breaks: &[
        Break {
            name: "two-pools",
            damage: "the LMA lacks the third pool",
            falls: "in-order",
            edits: &[line(
                "LMA1",
                "mobile-network pool 10.73.0.0 pool-prefix 29 network-prefix 29",
                "",
            )],
        },
        Break {
            name: "larger-pool",
            damage: "the third pool has room for two",
            falls: "exhausted",
            edits: &[line(
                "LMA1",
                "mobile-network pool 10.73.0.0 pool-prefix 29 network-prefix 29",
                "mobile-network pool 10.73.0.0 pool-prefix 28 network-prefix 29",
            )],
        },
        Break {
            name: "other-length",
            damage: "the IPv6 pool has networks of another length",
            falls: "ipv6",
            edits: &[line(
                "LMA1",
                "mobile-network v6pool 2001:db8:6400:: pool-prefix 40 network-prefix 56",
                "mobile-network v6pool 2001:db8:6400:: pool-prefix 40 network-prefix 60",
            )],
        },
    ],
    plan: || {
        let mut plan = Plan::standard(1);
        let pools = (1..=3)
            .map(|n| format!("mobile-network pool 10.7{n}.0.0 pool-prefix 29 network-prefix 29"));
        plan.config("LMA1").replace(
            "mobile-network pool 10.64.0.0 pool-prefix 16 network-prefix 28",
            &pools.collect::<Vec<String>>().join("\n"),
        );
        for lan in ["lan2", "lan3", "lan4"] {
            plan.host(&lan.replace("lan", "h"), 1, lan);
        }
        plan.config("MAG1").no_logical();
        for (number, name) in (1..).zip(FOUR) {
            plan.config("MAG1").node(&format!(
                "logical-mn {name}@lab.example\n lma LMA1\n mobile network lan{number} learn-prefix\n exit"
            ));
        }
        plan
    },
    play: mobile_pools,
};

fn mobile_pools(lab: &mut Lab<'_>) -> Result<(), Stop> {
    let capture = lab.capture("LMA1")?;
    lab.until("three bindings", PATIENCE, |lab| {
        Ok(lab.bindings("LMA1")?.len() >= 3)
    })?;
    let mut given: Vec<IpPrefix> = Vec::new();
    for row in lab.bindings("LMA1")? {
        given.extend(row.dmnp);
    }
    let (mut v4, v6): (Vec<IpPrefix>, Vec<IpPrefix>) =
        given.iter().partition(|prefix| prefix.is_ipv4());
    v4.sort_unstable();
    let first: Vec<String> = v4.iter().take(3).map(ToString::to_string).collect();
    lab.claim(
        "in-order",
        first == ["10.71.0.0/29", "10.72.0.0/29", "10.73.0.0/29"],
        format!("{first:?}"),
    )?;
    let mut refused = Vec::new();
    lab.until("a refusal", PATIENCE, |lab| {
        let answers = lab.messages(&capture, "", "ProxyBindingAcknowledgement")?;
        let statuses = answers
            .iter()
            .filter_map(|(_, message)| message["status"].as_u64());
        refused = statuses.filter(|status| *status >= 128).collect();
        Ok(!refused.is_empty() || lab.bindings("LMA1")?.len() > 3)
    })?;
    let bindings = lab.bindings("LMA1")?.len();
    lab.claim(
        "exhausted",
        !refused.is_empty() && bindings == 3,
        format!("statuses {refused:?}, {bindings} bindings"),
    )?;
    let right = v6.iter().all(|prefix| prefix.length() == 56) && v6.len() == 3;
    lab.claim("ipv6", right, format!("{v6:?}"))?;
    let mut said = Vec::new();
    for pool in [
        "pool 10.79.0.0 pool-prefix 24 network-prefix 20",
        "pool 10.79.0.0 pool-prefix 24 network-prefix 33",
        "v6pool 2001:db8:7900:: pool-prefix 48 network-prefix 30",
    ] {
        let lines = format!(
            "ipv6 mobile pmipv6-lma LMA1 domain LAB\n network vehicles\n  mobile-network {pool}"
        );
        said.push(lab.configure("LMA1", &lines).err());
    }
    let named = said.iter().all(|error| {
        error
            .as_ref()
            .is_some_and(|text| text.contains("does not fit"))
    });
    lab.claim("lengths", named, format!("{said:?}"))
}

const NETWORKS: Scenario = Scenario {
    name: "three-networks",
    claim: "the profile of a mobile node chooses one of the LMA's networks, and with it the pools",
    claims: &[
        claim(
            "home-addresses",
            "each home address is of the pool of its profile's network",
            &[37],
        ),
        claim(
            "lengths",
            "with the prefix length that the network gives it",
            &[37, 36],
        ),
        claim(
            "mobile-networks",
            "the logical mobile node's network comes from the pool of its own network",
            &[37],
        ),
    ],
    breaks: &[
        Break {
            name: "other-network",
            damage: "what was said of the third network is said of the second",
            falls: "home-addresses",
            edits: &[line("LMA1", "network net3", "network net2")],
        },
        Break {
            name: "other-pfxlen",
            damage: "the second network says another prefix length",
            falls: "lengths",
            edits: &[line(
                "LMA1",
                "pool ipv4 p2 pfxlen 22",
                "pool ipv4 p2 pfxlen 23",
            )],
        },
        Break {
            name: "other-default",
            damage: "the logical mobile node's network has another pool",
            falls: "mobile-networks",
            edits: &[line(
                "LMA1",
                "mobile-network pool 10.64.0.0 pool-prefix 16 network-prefix 28",
                "mobile-network pool 10.63.0.0 pool-prefix 16 network-prefix 28",
            )],
        },
    ],
    plan: || {
        let mut plan = Plan::standard(1);
        plan.config("MAG1").node("interface lan1");
        for (number, length) in [(1, 24), (2, 22), (3, 20)] {
            let network =
                format!("network net{number}\n pool ipv4 p{number} pfxlen {length}\n exit");
            // Not the name that is under `network`: breaks edit whole lines.
            let profile =
                format!("nai mn{number}@lab.example\n network net{number}\n service ipv4");
            plan.config("LMA1")
                .global(&format!(
                    "ip local pool p{number} 10.8{number}.0.10 10.8{number}.0.200"
                ))
                .domain(&profile)
                .node(&network);
        }
        plan
    },
    play: networks,
};

fn networks(lab: &mut Lab<'_>) -> Result<(), Stop> {
    lab.paths_up(1, 1)?;
    let names = [1, 2, 3].map(|number| format!("mn{number}@lab.example"));
    for nai in &names {
        lab.attach("MAG1", nai, "lan1")?;
    }
    let mut given = Vec::new();
    lab.until("their bindings", PATIENCE, |lab| {
        given.clear();
        for nai in &names {
            let row = lab.binding("LMA1", nai)?;
            given.extend(row.and_then(|row| Some((row.ipv4_hoa?, row.ipv4_prefix_length?))));
        }
        Ok(given.len() == names.len())
    })?;
    let networks: Vec<[u8; 2]> = given
        .iter()
        .map(|(address, _)| [address.octets()[0], address.octets()[1]])
        .collect();
    let detail = format!("{given:?}");
    let right = networks == [[10, 81], [10, 82], [10, 83]];
    lab.claim("home-addresses", right, detail.clone())?;
    let lengths: Vec<u8> = given.iter().map(|(_, length)| *length).collect();
    lab.claim("lengths", lengths == [24, 22, 20], detail)?;
    let row = lab.binding("LMA1", &van(1))?;
    let own = row.map_or_else(Vec::new, |row| row.dmnp);
    let right = own
        .iter()
        .any(|prefix| prefix.is_ipv4() && prefix.to_string().starts_with("10.64."));
    lab.claim("mobile-networks", right, format!("{own:?}"))
}

const NETWORK_DHCP: Scenario = Scenario {
    name: "mobile-network-dhcp",
    claim: "hosts of a logical mobile node get addresses from the MAG's DHCP server, inside the \
            delegated prefix",
    claims: &[
        claim(
            "inside",
            "the DHCP client gets an address of the delegated prefix, with its length",
            &[65],
        ),
        claim(
            "by-the-mag",
            "the server and the router are the MAG's address in that network",
            &[65],
        ),
        claim(
            "ipv6",
            "and makes itself an address of the delegated IPv6 prefix",
            &[65],
        ),
        claim("reached", "a correspondent reaches the host", &[65]),
    ],
    breaks: &[
        Break {
            name: "no-pool",
            damage: "the MAG has no DHCP pool for it",
            falls: "inside",
            edits: &[line(
                "MAG1",
                "network from mobile-network van1@lab.example",
                "network 10.99.0.0/24",
            )],
        },
        Break {
            name: "other-router",
            damage: "the pool names another router",
            falls: "by-the-mag",
            edits: &[line(
                "MAG1",
                "network from mobile-network van1@lab.example",
                "network from mobile-network van1@lab.example\ndefault-router 10.64.0.14",
            )],
        },
    ],
    plan: || {
        let mut plan = Plan::standard(1);
        plan.config("MAG1")
            .global("ip dhcp pool van\n network from mobile-network van1@lab.example");
        plan
    },
    play: network_dhcp,
};

fn network_dhcp(lab: &mut Lab<'_>) -> Result<(), Stop> {
    lab.paths_up(1, 1)?;
    let row = lab.binding("LMA1", &van(1))?;
    let delegated = row.map_or_else(Vec::new, |row| row.dmnp);
    let lease = lab.dhcp("h1", 6)?;
    let holds = |address: IpAddr| {
        let mut prefixes = delegated.iter();
        prefixes.find(|prefix| prefix.contains(address)).copied()
    };
    let prefix = lease.and_then(|lease| holds(lease.address.into()));
    let right = lease
        .zip(prefix)
        .is_some_and(|(lease, prefix)| lease.length == prefix.length());
    lab.claim("inside", right, format!("{lease:?} of {delegated:?}"))?;
    let (Some(lease), Some(prefix)) = (lease, prefix) else {
        return Err(Stop::ClaimFell);
    };
    let own = super::lab::nth(prefix, 1);
    let right = IpAddr::from(lease.server) == own && IpAddr::from(lease.router) == own;
    lab.claim("by-the-mag", right, format!("{lease:?}, the MAG is {own}"))?;
    let address = lab.autoconfigured("h1", PATIENCE)?;
    let inside = address.and_then(holds).is_some();
    lab.claim("ipv6", inside, format!("{address:?}"))?;
    // The link was down meanwhile, and routes with it.
    lab.dhcp("h1", 6)?;
    let answered = lab.reaches(super::addresses::Family::V4, "cn1", "h1", 3)?;
    lab.claim("reached", answered == 3, format!("{answered} of 3"))
}
