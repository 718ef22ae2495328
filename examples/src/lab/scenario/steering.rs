//! What decides the path of a packet: access lists, code points, weights, access technologies.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use pmip_binding::testing::LinkConfig;

use super::addresses::Family;
use super::capture::Capture;
use super::lab::{Lab, PATIENCE};
use super::{Break, Plan, Scenario, Stop, claim, filter, line};
use crate::lab::domain::{LabError, WanState};
use crate::lab::traffic::Direction;

pub(super) const SCENARIOS: &[Scenario] = &[LISTS, CODE_POINT, WEIGHTS, TECHNOLOGIES];

/// WANs, as the LMA's interfaces are called.
const WANS: [&str; 3] = ["m1w1", "m1w2", "m1w3"];

const LISTS: Scenario = Scenario {
    name: "access-lists",
    claim: "an access list matches by protocol, host, wildcard and ports, its first matching rule \
            decides, and what matches none is denied",
    claims: &[
        claim(
            "first-match",
            "the port that the first rule denies is denied, though the second permits it",
            &[21],
        ),
        claim("implicit-deny", "what no rule names is denied", &[21]),
        claim("host", "`host` takes that address alone", &[21]),
        claim("wildcard", "a wildcard takes its addresses alone", &[21]),
        claim("protocol", "a list for udp takes no icmp", &[21]),
    ],
    breaks: &[
        Break {
            name: "no-deny",
            damage: "the rule that denies is not there",
            falls: "first-match",
            edits: &[line("MAG1", "deny udp any any eq 5000", "")],
        },
        Break {
            name: "longer-range",
            damage: "a rule names one port more",
            falls: "implicit-deny",
            edits: &[line(
                "MAG1",
                "permit udp any any range 5000 5010",
                "permit udp any any range 5000 5011",
            )],
        },
        Break {
            name: "any-host",
            damage: "`any` stands for `host`",
            falls: "host",
            edits: &[line(
                "MAG1",
                "permit udp any host 203.0.113.19 eq 6000",
                "permit udp any any eq 6000",
            )],
        },
        Break {
            name: "wide",
            damage: "the wildcard leaves other bits open",
            falls: "wildcard",
            edits: &[line(
                "MAG1",
                "permit udp any 203.0.113.20 0.0.0.3 lt 6000",
                "permit udp any 203.0.113.20 0.0.0.12 lt 6000",
            )],
        },
        Break {
            name: "any-protocol",
            damage: "the list for all udp takes every protocol",
            falls: "protocol",
            edits: &[line("MAG1", "permit udp any any", "permit ip any any")],
        },
    ],
    plan: || {
        let mut plan = Plan::standard(3);
        plan.config("MAG1").global(
            "ip access-list extended ports
 deny udp any any eq 5000
 permit udp any any range 5000 5010
ip access-list extended host
 permit udp any host 203.0.113.19 eq 6000
ip access-list extended wild
 permit udp any 203.0.113.20 0.0.0.3 lt 6000
ip access-list extended all
 permit udp any any
ip access-list extended rest
 permit icmp any any",
        );
        plan.config("MAG1").domain(
            "mobile-map M 10\n match access-list ports\n set link-type wan2 null
mobile-map M 20\n match access-list host\n set link-type wan3 null
mobile-map M 30\n match access-list wild\n set link-type wan3 null
mobile-map M 40\n match access-list all\n set link-type wan1 null
mobile-map M 50\n match access-list rest\n set link-type wan3 null",
        );
        plan.config("MAG1").node("mobile-map M");
        plan
    },
    play: lists,
};

/// An address, a port, and the WAN by which what is sent there leaves.
type Sent = (&'static str, u16, usize);

fn lists(lab: &mut Lab<'_>) -> Result<(), Stop> {
    lab.ready(3)?;
    let cases: [(&str, &[Sent]); 4] = [
        ("first-match", &[("cn1", 5001, 2), ("cn1", 5000, 1)]),
        ("implicit-deny", &[("cn1", 5010, 2), ("cn1", 5011, 1)]),
        ("host", &[("cn1.3", 6000, 3), ("cn1.2", 6000, 1)]),
        (
            "wildcard",
            &[("cn1.7", 5999, 3), ("cn1.8", 5999, 1), ("cn1.7", 6000, 1)],
        ),
    ];
    for (claim, sent) in cases {
        let mut told = Vec::new();
        let mut holds = true;
        for (to, port, wan) in sent {
            let seen = udp_by_wan(lab, to, *port, 0)?;
            let mut expected = [0; 3];
            expected[wan - 1] = FLOWS;
            holds &= seen == expected;
            told.push(format!("{to} port {port} by WAN: {seen:?}"));
        }
        lab.claim(claim, holds, told.join(", "))?;
    }
    let capture = lab.capture("LMA1")?;
    lab.ping("h1", "cn1", 5)?;
    let cn1 = lab.address("cn1", Family::V4)?;
    let seen = by_wan(lab, &capture, |inner| {
        inner.protocol() == Some(1) && inner.destination() == Some(cn1)
    })?;
    lab.claim(
        "protocol",
        seen == [0, 0, 5],
        format!("icmp by WAN: {seen:?}"),
    )
}

/// Flows of one [`udp_by_wan`].
const FLOWS: usize = 10;

/// Sends flows from `h1` and returns how many of their packets each WAN carried.
fn udp_by_wan(lab: &mut Lab<'_>, to: &str, port: u16, dscp: u8) -> Result<[usize; 3], LabError> {
    let capture = lab.capture("LMA1")?;
    lab.udp("h1", to, 30_000..30_010, port, dscp)?;
    let target = lab.address(to, Family::V4)?;
    by_wan(lab, &capture, |inner| {
        inner.destination_port() == Some(port) && inner.destination() == Some(target)
    })
}

fn by_wan(
    lab: &mut Lab<'_>,
    capture: &Capture,
    wanted: impl Fn(&super::packet::Packet) -> bool,
) -> Result<[usize; 3], LabError> {
    let mut counts = [0; 3];
    for (count, wan) in counts.iter_mut().zip(WANS) {
        *count = lab.carried(capture, wan, &wanted)?;
    }
    Ok(counts)
}

/// Expedited forwarding (RFC 3246).
const EF: u8 = 46;

const CODE_POINT: Scenario = Scenario {
    name: "code-point",
    claim: "the code point of a packet chooses its path, and stays as it is inside",
    claims: &[
        claim("ef", "packets marked EF are seen on wan2 alone", &[75]),
        claim("rest", "others are seen on wan1 alone", &[75]),
        claim(
            "kept",
            "the inner code point is the host's, the outer one is 0",
            &[75],
        ),
    ],
    breaks: &[
        Break {
            name: "other-code-point",
            damage: "the list names another code point",
            falls: "ef",
            edits: &[line(
                "MAG1",
                "permit ip any any dscp ef",
                "permit ip any any dscp af41",
            )],
        },
        Break {
            name: "no-code-point",
            damage: "the list names no code point",
            falls: "rest",
            edits: &[line(
                "MAG1",
                "permit ip any any dscp ef",
                "permit ip any any",
            )],
        },
        Break {
            name: "marked",
            damage: "the MAG's host marks what the tunnel sends",
            falls: "kept",
            edits: &[filter("MAG1", "output", "udp dport 5437 ip dscp set cs1")],
        },
    ],
    plan: || {
        let mut plan = Plan::standard(2);
        plan.config("MAG1").global(
            "ip access-list extended marked\n permit ip any any dscp ef
ip access-list extended all\n permit udp any any",
        );
        plan.config("MAG1").domain(
            "mobile-map M 10\n match access-list marked\n set link-type wan2 null
mobile-map M 20\n match access-list all\n set link-type wan1 null",
        );
        plan.config("MAG1").node("mobile-map M");
        plan
    },
    play: code_point,
};

fn code_point(lab: &mut Lab<'_>) -> Result<(), Stop> {
    const PORT: u16 = 7000;
    lab.ready(2)?;
    let capture = lab.capture("LMA1")?;
    let seen = udp_by_wan(lab, "cn1", PORT, EF)?;
    lab.claim("ef", seen == [0, FLOWS, 0], format!("by WAN: {seen:?}"))?;
    let seen = udp_by_wan(lab, "cn1", PORT + 1, 0)?;
    lab.claim("rest", seen == [FLOWS, 0, 0], format!("by WAN: {seen:?}"))?;
    let mut points = BTreeMap::new();
    for outer in lab.packets(&capture)? {
        for inner in outer.inners() {
            if let Some(port @ (PORT | 7001)) = inner.destination_port() {
                *points
                    .entry((port, inner.dscp(), outer.dscp()))
                    .or_insert(0) += 1;
            }
        }
    }
    let expected = BTreeMap::from([((PORT, EF, 0), FLOWS), ((PORT + 1, 0, 0), FLOWS)]);
    let detail = format!("(port, inner, outer) and packets: {points:?}");
    lab.claim("kept", points == expected, detail)
}

/// Flows whose shares are compared.
const MANY: u16 = 10_000;
/// What each WAN is to carry, in per cent: 3:1:4 up, 1:4:5 down.
const UP: [f64; 3] = [37.5, 12.5, 50.0];
const DOWN: [f64; 3] = [10.0, 40.0, 50.0];

const WEIGHTS: Scenario = Scenario {
    name: "weights",
    claim: "flows are shared by the weights of each direction, and a lost path moves its own alone",
    claims: &[
        claim("up", "octets up are shared 3:1:4 within 2 %", &[66]),
        claim("down", "octets down are shared 1:4:5 within 2 %", &[66]),
        claim(
            "stay",
            "with a path lost its flows go by the others, which keep theirs",
            &[66],
        ),
    ],
    breaks: &[
        Break {
            name: "equal-mag",
            damage: "the MAG shares equally",
            falls: "up",
            edits: &[line("MAG1", "load-balance weighted", "")],
        },
        Break {
            name: "no-down-weight",
            damage: "the LMA has no weights of its own for down",
            falls: "down",
            edits: &[line(
                "LMA1",
                "link wan2 weight 1 down-weight 4",
                "link wan2 weight 1 down-weight 1",
            )],
        },
        Break {
            name: "data-lost",
            damage: "one of the other WANs loses what is not signalling",
            falls: "up",
            edits: &[filter("m1w3", "forward", "udp dport 5437 drop")],
        },
    ],
    plan: || {
        let mut plan = Plan::standard(3);
        plan.config("MAG1").node(
            "mobility-service hybrid-access\n disable-sla\n load-balance weighted
 link wan1 weight 3\n link wan2 weight 1\n link wan3 weight 4",
        );
        plan.config("LMA1").node(
            "mobility-service hybrid-access\n disable-sla\n load-balance weighted
 link wan1 weight 3 down-weight 1\n link wan2 weight 1 down-weight 4
 link wan3 weight 4 down-weight 5",
        );
        plan
    },
    play: weights,
};

fn weights(lab: &mut Lab<'_>) -> Result<(), Stop> {
    const PORT: u16 = 9000;
    lab.ready(3)?;
    for (claim, from, to, shares) in [("up", "h1", "cn1", UP), ("down", "cn1", "h1", DOWN)] {
        let capture = lab.capture("LMA1")?;
        lab.udp(from, to, 20_000..20_000 + MANY, PORT, 0)?;
        // Datagrams are all of one size: octets are shared as packets are.
        let seen = by_wan(lab, &capture, |inner| {
            inner.destination_port() == Some(PORT)
        })?;
        let all = seen.iter().sum::<usize>();
        let percent = seen.map(|count| 100.0 * count as f64 / all.max(1) as f64);
        let mut pairs = percent.iter().zip(&shares);
        let near = pairs.all(|(seen, share)| (seen - share).abs() <= 2.0);
        // A busy machine's queues may lose some.
        let holds = near && all >= usize::from(MANY) * 9 / 10;
        let detail = format!("{percent:.1?} % of {all} packets, by the weights {shares:?}");
        lab.claim(claim, holds, detail)?;
    }
    let before = places(lab, PORT + 1)?;
    lab.set_wan(1, 1, WanState::Cut)?;
    lab.until("both nodes see it", PATIENCE, |lab| {
        Ok(lab.usable("MAG1")?.len() == 2 && lab.usable("LMA1")?.len() == 2)
    })?;
    let after = places(lab, PORT + 1)?;
    let moved = |(port, wan): &(&u16, &String)| {
        let now = after.get(port);
        now.is_none_or(|now| now == WANS[0] || (*wan != WANS[0] && now != *wan))
    };
    let wrong = before.iter().filter(moved).count();
    let lost = before.values().filter(|wan| *wan == WANS[0]).count();
    let detail = format!(
        "{lost} of {} flows had to move; wrong or gone afterwards: {wrong}",
        before.len()
    );
    lab.claim(
        "stay",
        wrong == 0 && lost > 0 && before.len() == 500,
        detail,
    )
}

/// Sends the same 500 flows to `port`; the WAN of each, by its source port.
fn places(lab: &mut Lab<'_>, port: u16) -> Result<BTreeMap<u16, String>, LabError> {
    let capture = lab.capture("LMA1")?;
    lab.udp("h1", "cn1", 40_000..40_500, port, 0)?;
    let mut places = BTreeMap::new();
    for outer in lab.packets(&capture)? {
        for inner in outer.inners() {
            if inner.destination_port() == Some(port) {
                places.extend(
                    inner
                        .source_port()
                        .map(|from| (from, outer.interface.clone())),
                );
            }
        }
    }
    Ok(places)
}

/// One-way delays of the WANs: LTE, 3G, Wi-Fi.
const DELAYS: [Duration; 3] = [
    Duration::from_millis(20),
    Duration::from_millis(60),
    Duration::from_millis(3),
];
const RATES: [u64; 3] = [20_000_000, 2_000_000, 50_000_000];

const TECHNOLOGIES: Scenario = Scenario {
    name: "technologies",
    claim: "links of several access technologies serve one mobile node at once",
    claims: &[
        claim(
            "named",
            "both nodes show LTE, 3G and WLAN, each by its own path",
            &[47],
        ),
        claim(
            "measured",
            "heartbeats tell the slow link from the fast ones, none below its own delay",
            &[47],
        ),
        claim("carry", "traffic passes over all of them", &[47]),
    ],
    breaks: &[
        Break {
            name: "all-lte",
            damage: "the MAG calls its 3G link LTE",
            falls: "named",
            edits: &[line(
                "MAG1",
                "roaming interface wan2 priority 2 egress-att 3G label wan2",
                "  roaming interface wan2 priority 2 egress-att LTE label wan2",
            )],
        },
        Break {
            name: "data-lost",
            damage: "the 3G link loses what is not signalling",
            falls: "carry",
            edits: &[filter("m1w2", "forward", "udp dport 5437 drop")],
        },
    ],
    plan: || {
        let mut plan = Plan::standard(3);
        plan.emulated(LinkConfig::new());
        plan
    },
    play: technologies,
};

fn technologies(lab: &mut Lab<'_>) -> Result<(), Stop> {
    for (wan, (delay, rate)) in (1..).zip(DELAYS.iter().zip(RATES)) {
        let emulator = lab.network().emulator(1, wan).map_err(super::refused)?;
        for direction in Direction::BOTH {
            emulator.change(direction, |link| {
                link.latency = *delay;
                link.rate = Some(rate);
            });
        }
    }
    lab.ready(3)?;
    let named = ["MAG1", "LMA1"].map(|node| {
        let paths = lab.paths(node).unwrap_or_default().into_iter();
        let names = paths.map(|path| (path.label.unwrap_or_default(), path.att));
        names.collect::<BTreeMap<String, String>>()
    });
    let expected = [("wan1", "LTE"), ("wan2", "3G"), ("wan3", "WLAN")];
    let expected: BTreeMap<String, String> = expected
        .map(|(label, att)| (label.to_owned(), att.to_owned()))
        .into();
    let holds = named.iter().all(|names| *names == expected);
    lab.claim("named", holds, format!("MAG and LMA: {named:?}"))?;
    let mut seen = [None; 3];
    let told = lab.until("times that differ", PATIENCE, |lab| {
        let paths = lab.paths("MAG1")?;
        for (place, label) in seen.iter_mut().zip(expected.keys()) {
            let mut paths = paths.iter();
            let path = paths.find(|path| path.label.as_ref() == Some(label));
            *place = path.and_then(|path| path.rtt_ms);
        }
        let [Some(lte), Some(umts), Some(wlan)] = seen else {
            return Ok(false);
        };
        Ok(wlan < lte && lte < umts)
    })?;
    let mut pairs = seen.iter().zip(DELAYS);
    let possible =
        pairs.all(|(rtt, delay)| rtt.is_some_and(|rtt| rtt >= 2.0 * delay.as_secs_f64() * 1000.0));
    let detail = format!("round trips in ms: {seen:?}");
    lab.claim("measured", told.is_some() && possible, detail)?;
    let capture = lab.capture("LMA1")?;
    lab.udp("h1", "cn1", 30_000..30_200, 9, 0)?;
    let cn1: IpAddr = lab.address("cn1", Family::V4)?;
    let seen = by_wan(lab, &capture, |inner| {
        inner.protocol() == Some(17) && inner.destination() == Some(cn1)
    })?;
    let holds = seen.iter().all(|count| *count > 0) && seen.iter().sum::<usize>() == 200;
    lab.claim("carry", holds, format!("of 200 flows by WAN: {seen:?}"))
}
