//! What operators ask of running nodes: show, clear, debug.

use super::lab::{Lab, PATIENCE, van};
use super::{Break, Plan, Scenario, Stop, claim, filter, line};
use serde_json::Value;

pub(super) const SCENARIOS: &[Scenario] = &[SHOW_WORDS];

/// Words after `show ipv6 mobile pmipv6 ROLE`, what the JSON of its first row has, and a word of
/// its text (feature semantics section 8).
const SHOWN: [(&str, &[&str], &str); 10] = [
    (
        "binding",
        &[
            "mn_id",
            "peer",
            "state",
            "dmnp",
            "lifetime_s",
            "remaining_s",
            "paths",
        ],
        "care-of",
    ),
    (
        "binding summary",
        &["bindings", "by_state", "by_peer", "paths"],
        "by state",
    ),
    (
        "globals",
        &[
            "domain",
            "id",
            "role",
            "peers",
            "interfaces",
            "lifetime_s",
            "timestamp_window_ms",
            "heartbeat",
            "bri",
            "maximum_bindings",
        ],
        "maximum bindings",
    ),
    (
        "heartbeat",
        &[
            "peer",
            "source",
            "destination",
            "status",
            "label",
            "heartbeat",
            "rtt_ms",
            "restart_counter",
            "nat_changes",
        ],
        "missed",
    ),
    (
        "stats global",
        &["now", "signalling", "acknowledgements", "packets"],
        "handoffs",
    ),
    (
        "tunnel",
        &[
            "encap",
            "local",
            "remote",
            "mtu",
            "acl",
            "tx_packets",
            "rx_bytes",
        ],
        "ipv4-udp",
    ),
    (
        "hybrid-access sla",
        &[
            "path",
            "label",
            "last",
            "profiles",
            "weight",
            "flows",
            "operations",
        ],
        "wan1",
    ),
    (
        "mobile-map counters",
        &["name", "active", "entries", "default_hits"],
        "M",
    ),
    (
        "flow",
        &[
            "source",
            "destination",
            "protocol",
            "path",
            "packets",
            "bytes",
        ],
        "icmp",
    ),
    ("running-config", &[], "pmipv6-domain LAB"),
];

const SHOW_WORDS: Scenario = Scenario {
    name: "show-clear-debug",
    claim: "both nodes answer an operator's show, clear and debug with the fields that are promised",
    claims: &[
        claim(
            "json",
            "every `show` has its fields as JSON on both nodes",
            &[73],
        ),
        claim(
            "text",
            "and prints them as text, by the router's words and the short ones",
            &[73],
        ),
        claim(
            "clear-stats",
            "`clear stats` makes `show stats` count from zero",
            &[73],
        ),
        claim(
            "clear-binding",
            "`clear binding nai` on the LMA revokes: the BRI is answered, the MAG registers anew",
            &[73],
        ),
        claim(
            "debug",
            "`debug packets` puts signalling messages into the log, and `off` ends it",
            &[73],
        ),
    ],
    breaks: &[
        Break {
            name: "no-service",
            damage: "the MAG has no hybrid-access service",
            falls: "json",
            edits: &[
                line("MAG1", "mobility-service hybrid-access", ""),
                line("MAG1", "sla num-packets 2 interval 10 frequency 6", ""),
            ],
        },
        Break {
            name: "revocation-lost",
            damage: "the WANs lose Binding Revocation messages",
            falls: "clear-binding",
            edits: &[
                filter("m1w1", "forward", "udp dport 5436 @th,80,8 16 drop"),
                filter("m1w2", "forward", "udp dport 5436 @th,80,8 16 drop"),
            ],
        },
    ],
    plan: || {
        let mut plan = Plan::standard(2);
        for node in ["LMA1", "MAG1"] {
            plan.config(node)
                .global("ip access-list extended ping\n permit icmp any any")
                .domain("mobile-map M 10\n match access-list ping\n set link-type wan1 wan2")
                .node("mobile-map M\nmobility-service hybrid-access\n sla num-packets 2 interval 10 frequency 6");
        }
        plan
    },
    play: operators,
};

const NODES: [(&str, &str); 2] = [("LMA1", "lma"), ("MAG1", "mag")];

fn operators(lab: &mut Lab<'_>) -> Result<(), Stop> {
    lab.ready(2)?;
    lab.ping("h1", "cn1", 3)?;
    shown(lab)?;
    cleared(lab)?;
    debugged(lab)
}

fn shown(lab: &mut Lab<'_>) -> Result<(), Stop> {
    let mut missing = Vec::new();
    lab.until("all fields", PATIENCE, |lab| {
        missing.clear();
        for (node, role) in NODES {
            for (words, fields, _) in SHOWN {
                let value = lab.show(node, &format!("ipv6 mobile pmipv6 {role} {words}"))?;
                let first = value.get(0).unwrap_or(&value);
                let lacks = fields.iter().filter(|field| first.get(**field).is_none());
                missing.extend(lacks.map(|field| format!("{node} {words}: {field}")));
            }
        }
        Ok(missing.is_empty())
    })?;
    lab.claim("json", missing.is_empty(), format!("missing: {missing:?}"))?;
    let mut wrong = Vec::new();
    for (node, role) in NODES {
        for (words, _, word) in SHOWN {
            for long in [
                format!("show {words}"),
                format!("show ipv6 mobile pmipv6 {role} {words}"),
            ] {
                let printed = lab.pmip(node, &long)?;
                let right = printed.as_ref().is_ok_and(|text| text.contains(word));
                wrong.extend((!right).then(|| format!("{node} {long}: {printed:?}")));
            }
        }
    }
    lab.claim("text", wrong.is_empty(), format!("wrong: {wrong:?}"))
}

fn cleared(lab: &mut Lab<'_>) -> Result<(), Stop> {
    let updates = |lab: &Lab<'_>| -> Result<Option<u64>, Stop> {
        let stats = lab.show("LMA1", "stats")?;
        Ok(stats["signalling"]["binding_updates"].as_u64())
    };
    let before = updates(lab)?;
    let said = lab.pmip("LMA1", "clear stats")?;
    let after = updates(lab)?;
    lab.claim(
        "clear-stats",
        before > Some(0) && after == Some(0) && said.is_ok(),
        format!("PBUs before and after: {before:?}, {after:?}"),
    )?;
    let capture = lab.capture("m1w1")?;
    let other = lab.capture("m1w2")?;
    let nai = van(1);
    let session = lab.binding("LMA1", &nai)?.map(|row| row.session);
    let said = lab.pmip("LMA1", &format!("clear binding nai {nai}"))?;
    let mut answers = 0;
    let anew = lab.until("an answer, and a binding of both paths", PATIENCE, |lab| {
        answers = 0;
        for capture in [&capture, &other] {
            let messages = lab.messages(capture, "lma1", "BindingRevocationAcknowledgement")?;
            answers += messages.len();
        }
        let row = lab.binding("LMA1", &nai)?;
        let usable = row.map_or(0, |row| row.paths.iter().filter(|path| path.usable).count());
        Ok(answers > 0 && usable == 2)
    })?;
    lab.claim(
        "clear-binding",
        said.is_ok() && anew.is_some() && session.is_some(),
        format!("{answers} acknowledgements of the revocation; {said:?}"),
    )
}

fn debugged(lab: &mut Lab<'_>) -> Result<(), Stop> {
    let lines = |lab: &Lab<'_>| lab.log("MAG1").lines().count();
    let on = lab.pmip("MAG1", "debug packets")?;
    let before = lines(lab);
    // Heartbeats of both paths every 200 ms.
    let more = lab.until("ten more lines", PATIENCE, |lab| {
        Ok(lines(lab) >= before + 10)
    })?;
    let off = lab.pmip("MAG1", "debug packets off")?;
    let parts = lab.ask(
        "MAG1",
        &crate::control::Request::Debug {
            part: None,
            off: false,
        },
    );
    let quiet = lines(lab);
    lab.pass(std::time::Duration::from_millis(600))?;
    let since = lines(lab) - quiet;
    lab.claim(
        "debug",
        on.is_ok() && off.is_ok() && more.is_some() && since == 0,
        format!(
            "{since} lines after `off`, which left {}",
            parts.unwrap_or(Value::Null)
        ),
    )
}
