//! Mobile nodes and mobile networks behind a MAG.

use std::thread;
use std::time::Duration;

use pmip_wire::types::IpPrefix;

use super::addresses::Family;
use super::lab::{Lab, PATIENCE, nth, van};
use super::network::ETH;
use super::{Break, Edit, Plan, Scenario, Stop, claim, filter, line};

pub(super) const SCENARIOS: &[Scenario] = &[NETWORKS, SILENT_HOST];

const NETWORKS: Scenario = Scenario {
    name: "two-networks",
    claim: "a logical mobile node with two mobile network interfaces gets a network for each, and \
            both are reached from outside",
    claims: &[
        claim(
            "two-prefixes",
            "two IPv4 and two IPv6 mobile networks are delegated",
            &[64],
        ),
        claim(
            "both-reached",
            "a correspondent reaches a host in each by both families",
            &[64, 8],
        ),
    ],
    breaks: &[
        Break {
            name: "one-network",
            damage: "the logical mobile node has one mobile network interface",
            falls: "two-prefixes",
            edits: &[line("MAG1", "mobile network lan2", "")],
        },
        Break {
            name: "link-lost",
            damage: "the MAG's second access interface loses what is sent to hosts",
            falls: "both-reached",
            edits: &[filter("MAG1", "forward", "oifname lan2 drop")],
        },
    ],
    plan: || {
        let mut plan = Plan::standard(2);
        plan.host("h2", 1, "lan2");
        plan.config("MAG1")
            .global(
                "interface lan1\n ip address 10.64.1.1/28\n ipv6 address 2001:db8:6400:100::1/56
interface lan2\n ip address 10.64.2.1/28\n ipv6 address 2001:db8:6400:200::1/56",
            )
            .replace(
                "mobile network lan1 learn-prefix",
                "  mobile network lan1\n  mobile network lan2",
            );
        plan
    },
    play: |lab| {
        lab.paths_up(1, 2)?;
        let binding = lab.binding("LMA1", &van(1))?;
        let networks = binding.map_or_else(Vec::new, |row| row.dmnp);
        let (v4, v6): (Vec<IpPrefix>, Vec<IpPrefix>) =
            networks.iter().partition(|prefix| prefix.is_ipv4());
        let detail = format!("{networks:?}");
        lab.claim("two-prefixes", v4.len() == 2 && v6.len() == 2, detail)?;
        let mut answered = Vec::new();
        for (host, (v4, v6)) in ["h1", "h2"].into_iter().zip(v4.into_iter().zip(v6)) {
            lab.join(host, v4)?;
            lab.join(host, v6)?;
            for family in Family::BOTH {
                answered.push(lab.reaches(family, "cn1", host, 3)?);
            }
        }
        lab.claim(
            "both-reached",
            answered == [3; 4],
            format!("answered of 3 each: {answered:?}"),
        )
    },
};

const SILENT_HOST: Scenario = Scenario {
    name: "attach",
    claim: "a mobile node that attaches gets addresses from the LMA and is reached by a \
            correspondent, without any mobility signalling of its own",
    claims: &[
        claim(
            "binding",
            "the LMA has a binding with a home address and a home network prefix",
            &[8],
        ),
        claim(
            "reached",
            "a correspondent reaches it by both families",
            &[8, 13],
        ),
        claim(
            "silent",
            "the access link carries no mobility header and nothing of a tunnel",
            &[14],
        ),
        claim("leaves", "when it detaches, its binding goes", &[8]),
    ],
    breaks: &[
        Break {
            name: "no-pool",
            damage: "the LMA's network has no IPv4 pool",
            falls: "binding",
            edits: &[line("LMA1", "pool ipv4 home4 pfxlen 16", "")],
        },
        Break {
            name: "core-lost",
            damage: "the LMA forwards nothing from its core",
            falls: "reached",
            edits: &[filter("LMA1", "forward", "iifname core drop")],
        },
        Break {
            name: "host-signals",
            damage: "the host runs a mobility client of its own",
            falls: "silent",
            edits: &[Edit::Network(|network| {
                let host = network.space("h1")?;
                let index = host.link_index(ETH)?;
                let socket = host.run(|| std::net::UdpSocket::bind("[::]:5436"))??;
                thread::spawn(move || {
                    let all = "ff02::1".parse().unwrap_or(std::net::Ipv6Addr::LOCALHOST);
                    loop {
                        let target = std::net::SocketAddrV6::new(all, 5436, 0, index);
                        // The link may not be up yet.
                        let _ = socket.send_to(&[59, 1, 5, 0, 0, 0, 0, 0], target);
                        thread::sleep(Duration::from_millis(20));
                    }
                });
                Ok(())
            })],
        },
    ],
    plan: || {
        let mut plan = Plan::standard(2);
        plan.config("MAG1")
            .no_logical()
            .node("interface lan1\nsessionmgr");
        plan.config("LMA1").node("bce delete-wait-time 100");
        plan
    },
    play: silent_host,
};

fn silent_host(lab: &mut Lab<'_>) -> Result<(), Stop> {
    let capture = lab.capture("h1")?;
    lab.attach("MAG1", "mn@lab.example", "lan1")?;
    lab.until(
        "the LMA has two care-of addresses for it",
        PATIENCE,
        |lab| {
            let binding = lab.binding("LMA1", "mn@lab.example")?;
            Ok(binding.is_some_and(|row| row.paths.iter().filter(|path| path.usable).count() == 2))
        },
    )?;
    let binding = lab.binding("LMA1", "mn@lab.example")?;
    let home =
        binding.and_then(|row| Some((row.ipv4_hoa?, row.default_router?, *row.hnp.first()?)));
    lab.claim(
        "binding",
        home.is_some(),
        format!("home address, router, prefix: {home:?}"),
    )?;
    let Some((address, router, prefix)) = home else {
        return Err(Stop::ClaimFell);
    };
    lab.give_home("h1", 1, "lan1", address.into(), router.into())?;
    lab.give_home("h1", 1, "lan1", nth(prefix, 2), nth(prefix, 1))?;
    let answered = (
        lab.reaches(Family::V4, "cn1", "h1", 5)?,
        lab.reaches(Family::V6, "cn1", "h1", 5)?,
    );
    lab.claim(
        "reached",
        answered == (5, 5),
        format!("IPv4 and IPv6, of 5: {answered:?}"),
    )?;
    let packets = lab.packets(&capture)?;
    let signalling = packets
        .iter()
        .filter(|packet| packet.message().is_some() || packet.inner().is_some());
    let signalling = signalling.count();
    let detail = format!("{signalling} of {} packets", packets.len());
    lab.claim("silent", signalling == 0 && !packets.is_empty(), detail)?;
    lab.detach("MAG1", "mn@lab.example")?;
    let gone = lab.until("the binding is gone", PATIENCE, |lab| {
        Ok(lab.binding("LMA1", "mn@lab.example")?.is_none())
    })?;
    lab.claim(
        "leaves",
        gone.is_some(),
        "as `show bindings` of the LMA has it",
    )
}
