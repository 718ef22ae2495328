//! Traffic profiles: what is measured decides which link an application uses.

use std::time::Duration;

use pmip_binding::testing::{LinkConfig, Loss};
use serde_json::Value;

use super::lab::Lab;
use super::quality::{operations, operations_of, row};
use super::{Break, Plan, Scenario, Stop, claim, filter, line, refused};
use crate::lab::domain::LabError;
use crate::lab::traffic::Direction;

pub(super) const SCENARIOS: &[Scenario] = &[LIMITS, APPLICATIONS];

/// Short operations, as often as the rules let them be.
const SERVICE: &str = "mobility-service hybrid-access\n sla num-packets 40 interval 10 frequency 6";
/// An operation and the wait for it, many times over.
const PATIENCE: Duration = Duration::from_secs(60);
/// Flows to each port.
const FLOWS: u16 = 4;

/// What a fault does to a link.
type Fault = fn(&mut LinkConfig);

/// The limit that each WAN will break, by its number, and the fault that breaks it and no other.
const FAULTS: [(&str, Fault); 3] = [
    ("rtt", |link| link.latency = Duration::from_millis(450)),
    // Half of the packets late: a tenth of a second of jitter, nothing lost.
    ("jitter", |link| {
        link.reorder = 0.5;
        link.reorder_delay = Duration::from_millis(200);
    }),
    ("loss", |link| link.loss = Loss::Random(0.2)),
];

const LIMITS: Scenario = Scenario {
    name: "profile-limits",
    claim: "each limit of a profile moves its own flows, within a probe cycle and without \
            signalling, and they return",
    claims: &[
        claim(
            "at-first",
            "while all limits are kept every flow uses its first link",
            &[50],
        ),
        claim(
            "moved",
            "after one whole operation each limit has moved its flows and no others",
            &[50, 52],
        ),
        claim("told", "show sla names the limit that is broken", &[50]),
        claim(
            "unregistered",
            "no binding was registered or changed for it",
            &[52],
        ),
        claim(
            "returned",
            "below the limits the flows return, not before three operations",
            &[50],
        ),
    ],
    breaks: &[
        Break {
            name: "wide-rtt",
            damage: "the profile allows a far longer round trip",
            falls: "moved",
            edits: &[line("MAG1", "rtt 300", "rtt 3000")],
        },
        Break {
            name: "tight-rtt",
            damage: "a profile allows less round trip than the links have",
            falls: "at-first",
            edits: &[line("MAG1", "rtt 300", "rtt 1")],
        },
        Break {
            name: "no-preempt",
            damage: "flows that moved stay where they are",
            falls: "returned",
            edits: &[line("MAG1", "preempt", "")],
        },
    ],
    plan: || {
        let mut plan = Plan::standard(4);
        let (mut lists, mut map, mut profiles) = (String::new(), String::new(), String::new());
        for (wan, port, profile) in cases() {
            lists += &format!("ip access-list extended l{port}\n permit udp any any eq {port}\n");
            map += &format!(
                "mobile-map M {}\n match access-list l{port}\n traffic-profile {profile}
 set link-type wan{wan} wan4\n",
                port - 5000
            );
        }
        for (name, limit) in [
            ("rtt", "rtt 300"),
            ("jitter", "jitter 50"),
            ("loss", "packet-loss 4"),
        ] {
            profiles += &format!("\n profile-definition {name}\n  {limit}");
        }
        plan.config("MAG1").global(&lists).domain(&map);
        measure(&mut plan, &profiles);
        plan
    },
    play: limits,
};

/// Emulates the WANs, measures them from both ends, and lets the MAG choose by `profiles`.
fn measure(plan: &mut Plan, profiles: &str) {
    let mut link = LinkConfig::new();
    link.latency = Duration::from_millis(2);
    plan.emulated(link);
    plan.config("MAG1")
        .node(&format!("mobile-map M\n{SERVICE}\n preempt{profiles}"));
    plan.config("LMA1").node(SERVICE);
    // The faults concern probes, not whether a path lives.
    for node in ["MAG1", "LMA1"] {
        plan.config(node).replace(
            "heartbeat interval-ms 200 retries 1",
            "heartbeat interval-ms 1000 retries 9",
        );
    }
}

/// Every profile on every WAN that will have a fault: WAN, port, profile.
fn cases() -> impl Iterator<Item = (u8, u16, &'static str)> {
    let wans = 1..=3_u8;
    wans.flat_map(|wan| {
        let profiles = (1..).zip(FAULTS);
        profiles
            .map(move |(number, (profile, _))| (wan, 5000 + 10 * u16::from(wan) + number, profile))
    })
}

fn limits(lab: &mut Lab<'_>) -> Result<(), Stop> {
    lab.ready(4)?;
    operations_of(lab, 4, 1)?;
    let first = |wan: u8, _: &str| usize::from(wan);
    let wrong = wrong_places(lab, first)?;
    lab.claim("at-first", wrong.is_empty(), describe(&wrong))?;

    let capture = lab.capture("LMA1")?;
    for (wan, (_, worsen)) in (1..).zip(FAULTS) {
        let emulator = lab.network().emulator(1, wan).map_err(refused)?;
        emulator.change(Direction::Up, worsen);
    }
    // One may have been under way.
    operations_of(lab, 4, 2)?;
    let broken = |wan: u8, profile: &str| FAULTS[usize::from(wan) - 1].0 == profile;
    let moved = |wan: u8, profile: &str| {
        if broken(wan, profile) {
            4
        } else {
            usize::from(wan)
        }
    };
    let wrong = wrong_places(lab, moved)?;
    lab.claim("moved", wrong.is_empty(), describe(&wrong))?;
    let shown = lab.show("MAG1", "sla")?;
    let named: Vec<Option<String>> = (1..)
        .zip(FAULTS)
        .map(|(wan, _)| violated(&shown, wan))
        .collect();
    let right = named
        .iter()
        .zip(FAULTS)
        .all(|(named, (profile, _))| named.as_deref() == Some(profile));
    lab.claim("told", right, format!("violated: {named:?}"))?;
    let updates = lab.messages(&capture, "", "ProxyBindingUpdate")?.len();
    drop(capture);
    lab.claim("unregistered", updates == 0, format!("{updates} PBUs"))?;

    for wan in 1..=3 {
        let emulator = lab.network().emulator(1, wan).map_err(refused)?;
        emulator.change(Direction::Up, |link| {
            let mut good = LinkConfig::new();
            good.latency = Duration::from_millis(2);
            *link = good;
        });
    }
    let before = lab.show("MAG1", "sla")?;
    let back = lab.until("the flows return", PATIENCE, |lab| {
        Ok(wrong_places(lab, first)?.is_empty())
    })?;
    let after = lab.show("MAG1", "sla")?;
    let grown: Vec<u64> = (1..=3)
        .map(|wan| operations(&after, wan).saturating_sub(operations(&before, wan)))
        .collect();
    let holds = back.is_some() && grown.iter().all(|grown| *grown >= 3);
    lab.claim("returned", holds, format!("operations since: {grown:?}"))
}

/// The one limit that is broken on a WAN; none, or several, are none.
fn violated(shown: &Value, wan: u8) -> Option<String> {
    let profiles = row(shown, wan)?["profiles"].as_array()?;
    let mut violating = profiles
        .iter()
        .filter(|profile| profile["state"] == "violating");
    let only = violating.next().filter(|_| violating.next().is_none())?;
    only["violated"].as_str().map(str::to_owned)
}

/// Sends the flows of all cases; those not seen on the WAN that `place` says, with what was seen.
fn wrong_places(
    lab: &mut Lab<'_>,
    place: impl Fn(u8, &str) -> usize,
) -> Result<Vec<(u16, [usize; 4])>, LabError> {
    let ports: Vec<u16> = cases().map(|(_, port, _)| port).collect();
    let seen = udp_places(lab, &ports)?;
    let mut wrong = Vec::new();
    for ((wan, port, profile), seen) in cases().zip(seen) {
        let mut expected = [0; 4];
        expected[place(wan, profile) - 1] = usize::from(FLOWS);
        if seen != expected {
            wrong.push((port, seen));
        }
    }
    Ok(wrong)
}

fn describe(wrong: &[(u16, [usize; 4])]) -> String {
    match wrong {
        [] => "every flow is where it should be".to_owned(),
        wrong => format!("wrong (port, packets by WAN): {wrong:?}"),
    }
}

/// Sends [`FLOWS`] flows to each of `ports`; packets that each WAN was given, for each port.
fn udp_places(lab: &mut Lab<'_>, ports: &[u16]) -> Result<Vec<[usize; 4]>, LabError> {
    // At the MAG: a WAN may lose them.
    let capture = lab.capture("MAG1")?;
    for port in ports {
        lab.udp("h1", "cn1", 30_000..30_000 + FLOWS, *port, 0)?;
    }
    let mut places = vec![[0; 4]; ports.len()];
    for outer in lab.packets(&capture)?.iter().filter(|outer| outer.outgoing) {
        let wan = (1..=4).find(|wan| outer.interface == format!("wan{wan}"));
        for inner in outer.inners() {
            let number = ports
                .iter()
                .position(|port| inner.destination_port() == Some(*port));
            if let (Some(wan), Some(number)) = (wan, number) {
                places[number][wan - 1] += 1;
            }
        }
    }
    Ok(places)
}

/// Name, port, limits, links in order.
type Application = (&'static str, u16, &'static str, &'static str);

/// Applications, told by the ports of their servers.
const KINDS: [Application; 5] = [
    ("http", 80, "rtt 2000", "wan1 wan3"),
    ("ssh", 22, "rtt 300", "wan1 wan3"),
    ("telnet", 23, "packet-loss 4", "wan2 wan3"),
    ("video", 5004, "packet-loss 90", "wan2 wan3"),
    ("voice", 16_400, "rtt 200 packet-loss 4", "wan1 wan2 wan3"),
];

const APPLICATIONS: Scenario = Scenario {
    name: "profile-applications",
    claim: "five applications with five profiles each use the link that suits them",
    claims: &[
        claim("good", "on good links each uses its first link", &[49]),
        claim(
            "bad",
            "on a slow and a lossy link each uses the first that suits it",
            &[49],
        ),
    ],
    breaks: &[
        Break {
            name: "no-probes",
            damage: "the MAG measures nothing",
            falls: "bad",
            edits: &[line("MAG1", "preempt", "disable-sla")],
        },
        Break {
            name: "same-profile",
            damage: "telnet is content with any loss",
            falls: "bad",
            edits: &[line(
                "MAG1",
                "traffic-profile telnet",
                "traffic-profile video",
            )],
        },
        Break {
            name: "no-answers",
            damage: "the second link loses what answers probes",
            falls: "good",
            edits: &[filter("m1w2", "forward", "udp sport 5437 drop")],
        },
    ],
    plan: || {
        let mut plan = Plan::standard(3);
        let (mut lists, mut map, mut profiles) = (String::new(), String::new(), String::new());
        for (number, (name, port, limits, links)) in (1..).zip(KINDS) {
            lists += &format!(
                "ip access-list extended {name}\n permit {} any any eq {port}\n",
                protocol(port)
            );
            map += &format!(
                "mobile-map M {number}\n match access-list {name}\n traffic-profile {name}\n set link-type {links}\n"
            );
            profiles += &format!("\n profile-definition {name}");
            let words: Vec<&str> = limits.split(' ').collect();
            for limit in words.chunks(2) {
                profiles += &format!("\n  {}", limit.join(" "));
            }
        }
        plan.config("MAG1").global(&lists).domain(&map);
        measure(&mut plan, &profiles);
        plan
    },
    play: applications,
};

/// The protocol of an application, by its port.
const fn protocol(port: u16) -> &'static str {
    if port < 1024 { "tcp" } else { "udp" }
}

fn applications(lab: &mut Lab<'_>) -> Result<(), Stop> {
    lab.ready(3)?;
    operations_of(lab, 3, 1)?;
    let seen = links_used(lab)?;
    let expected = [Some(1), Some(1), Some(2), Some(2), Some(1)];
    lab.claim("good", seen == expected, format!("WAN of each: {seen:?}"))?;
    let worsen: [fn(&mut LinkConfig); 2] = [
        |link| link.latency = Duration::from_millis(500),
        |link| link.loss = Loss::Random(0.2),
    ];
    for (wan, worsen) in (1..).zip(worsen) {
        let emulator = lab.network().emulator(1, wan).map_err(refused)?;
        emulator.change(Direction::Up, worsen);
    }
    operations_of(lab, 3, 2)?;
    let seen = links_used(lab)?;
    let expected = [Some(1), Some(3), Some(3), Some(2), Some(3)];
    lab.claim("bad", seen == expected, format!("WAN of each: {seen:?}"))
}

/// The one WAN that carries new flows of each application up; none when there are several.
fn links_used(lab: &mut Lab<'_>) -> Result<Vec<Option<u8>>, LabError> {
    let capture = lab.capture("MAG1")?;
    for (_, port, _, _) in KINDS {
        if protocol(port) == "tcp" {
            lab.tcp("h1", "cn1", port, 2000)?;
        } else {
            lab.udp("h1", "cn1", 30_000..30_000 + FLOWS, port, 0)?;
        }
    }
    let packets = lab.packets(&capture)?;
    let used = KINDS.iter().map(|(_, port, _, _)| {
        let carries = |wan: &u8| {
            let on = packets
                .iter()
                .filter(|outer| outer.outgoing && outer.interface == format!("wan{wan}"));
            let mut inner = on.flat_map(super::packet::Packet::inners);
            inner.any(|inner| inner.destination_port() == Some(*port))
        };
        let wans: Vec<u8> = (1..=3).filter(carries).collect();
        match wans.as_slice() {
            [only] => Some(*only),
            _ => None,
        }
    });
    Ok(used.collect())
}
