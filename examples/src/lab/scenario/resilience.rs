//! What real networks and hosts do to a tunnel: NATs that forget, paths that swallow big packets,
//! managers that flush, peers that send rubbish.

use std::net::{SocketAddr, UdpSocket};
use std::process::Command;
use std::time::Duration;

use pmip_binding::testing::{LinkConfig, Loss};

use super::addresses::{Family, anchor, transfer};
use super::lab::{Lab, PATIENCE, van};
use super::{Break, Edit, Plan, Scenario, Stop, claim, line, refused};
use crate::lab::domain::LabError;
use crate::lab::traffic::Direction;
use crate::platform::netlink::PROTOCOL;

pub(super) const SCENARIOS: &[Scenario] = &[NAT_REBOOT, BIG_PACKETS, HEALING, RUBBISH];

/// What a program says in a namespace.
///
/// # Errors
/// When it cannot be run.
pub(super) fn output(
    lab: &Lab<'_>,
    space: &str,
    program: &str,
    words: &[&str],
) -> Result<String, LabError> {
    let space = lab.network().space(space).map_err(refused)?;
    let run = || Command::new(program).args(words).output();
    let output = space.run(run).map_err(refused)?;
    let output = output.map_err(|error| LabError::domain("running a program", error))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Ports of signalling that the NAT gives, before and after it lost its state.
const PORTS: [u16; 2] = [20_001, 30_001];

const NAT_REBOOT: Scenario = Scenario {
    name: "nat-reboot",
    claim: "with `natreboot` the downlink follows a NAT that lost its state, and no forger",
    claims: &[
        claim(
            "forged",
            "heartbeats that another address sends do not move the tunnel",
            &[40],
        ),
        claim(
            "resumes",
            "after the NAT changed its ports the downlink resumes",
            &[40],
        ),
        claim(
            "at-once",
            "that came of the first heartbeat by the new mapping: no path had to fail before",
            &[40],
        ),
    ],
    breaks: &[Break {
        name: "no-keyword",
        damage: "the LMA has no `natreboot`: it waits until the path fails",
        falls: "at-once",
        edits: &[line(
            "LMA1",
            "heartbeat interval-ms 200 retries 5 natreboot",
            "heartbeat interval-ms 200 retries 5",
        )],
    }],
    plan: || {
        let mut plan = Plan::standard(1);
        plan.nat(1, 1, PORTS[0]);
        plan.config("LMA1").replace(
            "heartbeat interval-ms 200 retries 1",
            "heartbeat interval-ms 200 retries 5 natreboot",
        );
        plan.config("MAG1").replace(
            "heartbeat interval-ms 200 retries 1",
            "heartbeat interval-ms 200 retries 5",
        );
        plan
    },
    play: nat_reboot,
};

fn nat_reboot(lab: &mut Lab<'_>) -> Result<(), Stop> {
    lab.ready(1)?;
    let capture = lab.capture("LMA1")?;
    lab.until("heartbeats", PATIENCE, |lab| {
        Ok(lab.messages(&capture, "", "Heartbeat")?.len() >= 4)
    })?;
    let before = lab.paths("LMA1")?;
    let before = before.first().map(|path| (path.observed, path.remote));
    let beats = lab.messages(&capture, "", "Heartbeat")?;
    let beats = beats.iter().filter(|(packet, _)| !packet.outgoing);
    let mut forged = 0;
    for (packet, _) in beats {
        // The router's own address towards the MAG: a third party.
        let from = super::addresses::access(1, 1, 1, Family::V4);
        let wire = packet.payload().get(8..).unwrap_or_default();
        forged += usize::from(datagram(lab, "m1w1", (from, 5436).into(), wire)?);
    }
    let enough = lab.messages(&capture, "", "Heartbeat")?.len() + 6;
    lab.until("more heartbeats", PATIENCE, |lab| {
        Ok(lab.messages(&capture, "", "Heartbeat")?.len() >= enough)
    })?;
    let now = lab.paths("LMA1")?;
    let now = now.first().map(|path| (path.observed, path.remote));
    let detail = format!("{forged} forged; observed and remote {before:?}, now {now:?}");
    lab.claim("forged", forged > 0 && before == now, detail)?;

    let reboot = lab.network().nat(1, 1, PORTS[1]);
    reboot.map_err(refused)?;
    let outside = transfer(1, 1, 1, 2, Family::V4);
    let followed = lab.until("the downlink resumes", PATIENCE, |lab| {
        let paths = lab.paths("LMA1")?;
        let observed = paths.first().map(|path| path.observed);
        Ok(observed == Some((outside, PORTS[1]).into()) && lab.ping("cn1", "h1", 1)? == 1)
    })?;
    let paths = lab.paths("LMA1")?;
    let detail = format!(
        "{:?}",
        paths.first().map(|path| (path.observed, path.remote))
    );
    lab.claim("resumes", followed.is_some(), detail)?;
    let log = lab.log("LMA1");
    let failures = log.lines().filter(|line| line.contains(" is down")).count();
    let detail = format!("the LMA said {failures} times that a path is down");
    lab.claim("at-once", failures == 0, detail)
}

/// Sends a datagram to the LMA's signalling port; whether it left.
fn datagram(lab: &Lab<'_>, space: &str, from: SocketAddr, octets: &[u8]) -> Result<bool, LabError> {
    let space = lab.network().space(space).map_err(refused)?;
    let to = SocketAddr::new(anchor(1, Family::V4), 5436);
    let send = || UdpSocket::bind(from)?.send_to(octets, to);
    let sent = space.run(send).map_err(refused)?;
    sent.map(|sent| sent == octets.len())
        .map_err(|error| LabError::domain("sending a datagram", error))
}

/// Outer packets above this are swallowed.
const SWALLOWED: usize = 1380;
/// Headers of a tunnel over UDP and IPv4.
const OVERHEAD: usize = 28;

const BIG_PACKETS: Scenario = Scenario {
    name: "big-packets",
    claim: "a path that swallows big packets without a word is found out, and loss alone is not \
            taken for it",
    claims: &[
        claim("whole", "at first the path takes whole packets", &[78]),
        claim(
            "recovers",
            "a bulk transfer goes on after the path began to swallow its packets",
            &[78],
        ),
        claim(
            "found",
            "the MTU shown is no more than the path takes, and not far below",
            &[78],
        ),
        claim("not-fooled", "the path with 5 % loss keeps its MTU", &[78]),
    ],
    breaks: &[Break {
        name: "swallowed-before",
        damage: "the WAN drops big packets from the start",
        falls: "whole",
        edits: &[super::filter("m1w1", "forward", "meta length > 1380 drop")],
    }],
    plan: || {
        let mut plan = Plan::standard(2);
        plan.emulated(LinkConfig::new());
        plan.config("MAG1")
            .global("ip access-list extended all\n permit ip any any")
            .domain("mobile-map M 10\n match access-list all\n set link-type wan1")
            .node("mobile-map M");
        plan
    },
    play: big_packets,
};

/// The MTU of inner packets over each of the MAG's two WANs.
fn mtus(lab: &Lab<'_>) -> Result<[u64; 2], LabError> {
    let shown = lab.show("MAG1", "tunnels")?;
    let rows = shown.as_array().cloned().unwrap_or_default();
    Ok(["wan1", "wan2"].map(|label| {
        let row = rows.iter().find(|row| row["label"] == label);
        row.and_then(|row| row["mtu"].as_u64()).unwrap_or(0)
    }))
}

fn big_packets(lab: &mut Lab<'_>) -> Result<(), Stop> {
    lab.ready(2)?;
    let whole = lab.until("both paths take whole packets", PATIENCE, |lab| {
        let arrived = lab.tcp("h1", "cn1", 5001, 200_000)?;
        Ok(arrived == 200_000 && mtus(lab)?.iter().all(|mtu| *mtu >= 1400))
    })?;
    let first = mtus(lab)?;
    lab.claim("whole", whole.is_some(), format!("MTUs {first:?}"))?;
    let transfer = lab.transfer("h1", "cn1", 5002)?;
    for direction in Direction::BOTH {
        let wan = |wan: u8| lab.network().emulator(1, wan).map_err(refused);
        wan(1)?.change(direction, |link| link.mtu = Some(SWALLOWED));
        wan(2)?.change(direction, |link| link.loss = Loss::Random(0.05));
    }
    let limit = (SWALLOWED - OVERHEAD) as u64;
    let found = lab.until("the MTU is found", 3 * PATIENCE, |lab| {
        Ok(mtus(lab)?[0] <= limit)
    })?;
    let arrived = transfer.arrived();
    let goes_on = lab.until("the transfer goes on", 2 * PATIENCE, |_| {
        Ok(transfer.arrived() > arrived + 500_000)
    })?;
    let detail = format!("{:?}", transfer.failure());
    let holds = goes_on.is_some() && transfer.failure().is_none();
    lab.claim("recovers", holds, format!("failure: {detail}"))?;
    // The search may have begun below what it finds.
    let near = |mtu: u64| mtu <= limit && mtu + 100 >= limit;
    let settled = lab.until("the MTU is near", 3 * PATIENCE, |lab| {
        Ok(near(mtus(lab)?[0]))
    })?;
    let now = mtus(lab)?;
    let detail = format!("MTUs {now:?}, the path takes {limit}");
    lab.claim("found", found.is_some() && settled.is_some(), detail)?;
    lab.claim("not-fooled", now[1] == first[1], format!("MTUs {now:?}"))
}

const HEALING: Scenario = Scenario {
    name: "healing",
    claim: "routes and rules that another manager of the host takes out are put back",
    claims: &[
        claim(
            "own",
            "the MAG's rules and routes carry its own protocol number",
            &[76],
        ),
        claim("back", "flushed, they come back as they were", &[76]),
        claim("passes", "and traffic passes", &[76]),
        claim("once", "flushed twice, it is told once", &[76]),
    ],
    breaks: &[Break {
        name: "no-links",
        damage: "the other manager also takes the links down, so that no route can be put back",
        falls: "back",
        edits: &[Edit::Network(|network| {
            let script = format!(
                "has() {{ ip route show table all | grep -q 'proto {PROTOCOL}'; }}
until has; do sleep 0.05; done
while has; do sleep 0.01; done
ip -o link show | cut -d: -f2 | cut -d@ -f1 | while read -r link; do
ip link set \"$link\" down; done"
            );
            let mut shell = Command::new("timeout");
            shell.args(["60", "sh", "-c", &script]);
            // It ends by itself.
            network.space("MAG1")?.spawn(shell).map(drop)
        })],
    }],
    plan: || Plan::standard(2),
    play: healing,
};

/// The MAG's own rules and routes, as `ip` lists them.
fn own(lab: &Lab<'_>) -> Result<Vec<String>, LabError> {
    let number = PROTOCOL.to_string();
    let mark = format!("proto {number}");
    let mut lines = Vec::new();
    for words in [&["-4", "rule"][..], &["-6", "rule"]] {
        let rules = output(lab, "MAG1", "ip", words)?;
        let ours = rules.lines().filter(|line| line.contains(&mark));
        lines.extend(ours.map(str::to_owned));
    }
    for family in ["-4", "-6"] {
        let words = [family, "route", "show", "table", "all", "proto", &number];
        let routes = output(lab, "MAG1", "ip", &words)?;
        lines.extend(routes.lines().map(str::to_owned));
    }
    lines.sort();
    Ok(lines)
}

fn flush(lab: &Lab<'_>) -> Result<(), LabError> {
    let number = PROTOCOL.to_string();
    for family in ["-4", "-6"] {
        output(
            lab,
            "MAG1",
            "ip",
            &[family, "rule", "flush", "protocol", &number],
        )?;
        let words = [family, "route", "flush", "table", "all", "proto", &number];
        output(lab, "MAG1", "ip", &words)?;
    }
    Ok(())
}

fn healing(lab: &mut Lab<'_>) -> Result<(), Stop> {
    lab.ready(2)?;
    let before = own(lab)?;
    let rules = before.iter().filter(|line| line.contains("lookup")).count();
    let routes = before.len() - rules;
    let detail = format!("{rules} rules and {routes} routes");
    lab.claim("own", rules > 0 && routes > 0, detail)?;
    let mut back = true;
    for _ in 0..2 {
        flush(lab)?;
        let healed = lab.until(
            "all is there again",
            PATIENCE,
            |lab| Ok(own(lab)? == before),
        )?;
        back &= healed.is_some();
    }
    let now = own(lab)?;
    lab.claim("back", back, format!("{} of {}", now.len(), before.len()))?;
    let answered = lab.reaches(Family::V4, "h1", "cn1", 3)?;
    lab.claim("passes", answered == 3, format!("{answered} of 3 pings"))?;
    let log = lab.log("MAG1");
    let told = log.lines().filter(|line| line.contains("took out our"));
    let told = told.count();
    lab.claim("once", told == 1, format!("told {told} times"))
}

const RUBBISH: Scenario = Scenario {
    name: "rubbish",
    claim: "malformed signalling takes nothing from a mobile node and ends no program",
    claims: &[
        claim(
            "survived",
            "after hundreds of damaged messages the LMA runs, and the mobile node has what it had",
            &[68],
        ),
        claim("serves", "traffic and signalling go on", &[68]),
    ],
    breaks: &[Break {
        name: "data-lost",
        damage: "the WAN loses what is not signalling",
        falls: "serves",
        edits: &[super::filter("m1w1", "forward", "udp dport 5437 drop")],
    }],
    plan: || Plan::standard(1).starting_later("MAG1"),
    play: rubbish,
};

fn rubbish(lab: &mut Lab<'_>) -> Result<(), Stop> {
    let capture = lab.capture("LMA1")?;
    lab.start("MAG1")?;
    lab.ready(1)?;
    let networks =
        |lab: &Lab<'_>| Ok::<_, LabError>(lab.binding("LMA1", &van(1))?.map(|row| row.dmnp));
    let before = networks(lab)?;
    let updates = lab.messages(&capture, "", "ProxyBindingUpdate")?;
    let beats = lab.messages(&capture, "", "Heartbeat")?;
    let sample = |messages: &[(super::packet::Packet, serde_json::Value)]| {
        let (packet, _) = messages.iter().find(|(packet, _)| !packet.outgoing)?;
        packet.payload().get(8..).map(<[u8]>::to_vec)
    };
    let samples = [sample(&updates), sample(&beats)];
    let from = SocketAddr::new(super::addresses::care_of(1, 1, Family::V4), 9999);
    let mut sent = 0;
    for wire in samples.iter().flatten().flat_map(|wire| damaged(wire)) {
        sent += usize::from(datagram(lab, "MAG1", from, &wire)?);
    }
    // Also notices when a program died.
    lab.pass(Duration::from_millis(100))?;
    // Without keys a damaged name is that of another mobile node: its binding is no fault.
    let now = networks(lab)?;
    let detail = format!("{sent} sent; networks of the mobile node {now:?}, before {before:?}");
    let kept = now == before && before.is_some();
    lab.claim("survived", sent > 300 && kept, detail)?;
    let usable = lab.usable("MAG1")?.len();
    let answered = lab.reaches(Family::V4, "h1", "cn1", 3)?;
    let detail = format!("{usable} usable path, {answered} of 3 pings");
    lab.claim("serves", usable == 1 && answered == 3, detail)
}

/// A message cut at every length, and with every octet damaged in three ways.
fn damaged(wire: &[u8]) -> Vec<Vec<u8>> {
    let cut = (0..wire.len()).map(|length| wire[..length].to_vec());
    let flipped = (0..wire.len()).flat_map(|place| {
        [0x00, 0xff, wire[place] ^ 0x80].map(|octet| {
            let mut copy = wire.to_vec();
            copy[place] = octet;
            copy
        })
    });
    cut.chain(flipped).collect()
}
