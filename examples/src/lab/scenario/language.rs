//! The configuration language as users type it.

use super::lab::{Lab, PATIENCE};
use super::{Break, Plan, Scenario, Stop, claim, line};
use crate::config::{Config, to_text};
use crate::lab::domain::LabError;

pub(super) const SCENARIOS: &[Scenario] = &[SAMPLES, PEER];

const SAMPLES: Scenario = Scenario {
    name: "samples",
    claim: "the guide's examples, with addresses filled in, are a domain that carries traffic, and \
            the running configuration of each node reloads to the same",
    claims: &[
        claim(
            "registers",
            "the logical mobile node of the example registers over both paths",
            &[72],
        ),
        claim(
            "passes",
            "its host and a correspondent reach each other",
            &[72],
        ),
        claim(
            "by-map",
            "what goes down to the mobile network uses the LTE interface, as the LMA's map has it",
            &[72],
        ),
        claim(
            "reloads",
            "`show running-config` reloads to the same state on both nodes",
            &[71],
        ),
    ],
    breaks: &[
        Break {
            name: "one-interface",
            damage: "the MAG has no second roaming interface",
            falls: "registers",
            edits: &[line(
                "MAG1",
                "roaming interface Ethernet1/1 priority 2 egress-att 3G label 3g_intf",
                "",
            )],
        },
        Break {
            name: "all-denied",
            damage: "the list on the LMA's tunnels permits nothing",
            falls: "passes",
            edits: &[line("LMA1", "permit ip any any", "")],
        },
        Break {
            name: "other-order",
            damage: "the LMA's map prefers 3G for the mobile networks",
            falls: "by-map",
            edits: &[line(
                "LMA1",
                "set link-type lte_intf 3g_intf wifi_intf null",
                "  set link-type 3g_intf lte_intf wifi_intf null",
            )],
        },
    ],
    plan: || {
        let mut plan = Plan::standard(2);
        plan.host("h2", 1, "lan2");
        plan.config("LMA1").whole(include_str!("sample_lma.cfg"));
        plan.config("MAG1").whole(include_str!("sample_mag.cfg"));
        plan
    },
    play: samples,
};

fn samples(lab: &mut Lab<'_>) -> Result<(), Stop> {
    let up = lab.until("both paths", PATIENCE, |lab| {
        let binding = lab.binding("LMA1", "lmn1@example.com")?;
        Ok(binding.is_some_and(|row| row.paths.iter().filter(|path| path.usable).count() == 2))
    })?;
    let binding = lab.binding("LMA1", "lmn1@example.com")?;
    let networks = binding.map_or_else(Vec::new, |row| row.dmnp);
    lab.claim(
        "registers",
        up.is_some(),
        format!("mobile networks {networks:?}"),
    )?;
    for network in networks {
        lab.join("h1", network)?;
    }
    let answered = (lab.ping("h1", "cn1", 5)?, lab.ping("cn1", "h1", 5)?);
    lab.claim(
        "passes",
        answered == (5, 5),
        format!("of 5, up and down: {answered:?}"),
    )?;
    let capture = lab.capture("LMA1")?;
    lab.ping("cn1", "h1", 5)?;
    let packets = lab.packets(&capture)?;
    let down = packets
        .iter()
        .filter(|packet| packet.outgoing && packet.is_on("m1w1"));
    let down = down
        .filter_map(|packet| packet.inner())
        .filter(|inner| inner.protocol() == Some(1));
    let down = down.count();
    lab.claim("by-map", down == 5, format!("{down} of 5 requests on wan1"))?;
    let mut same = Vec::new();
    for node in ["LMA1", "MAG1"] {
        let text = running(lab, node)?;
        lab.stop(node)?;
        lab.plan().config(node).whole(&text);
        lab.start(node)?;
        same.push(running(lab, node)? == text);
    }
    lab.claim(
        "reloads",
        same == [true, true],
        format!("LMA and MAG: {same:?}"),
    )
}

/// The running configuration as text.
fn running(lab: &Lab<'_>, node: &str) -> Result<String, LabError> {
    let shown = lab.show(node, "running-config")?;
    let config: Config = serde_json::from_value(shown)
        .map_err(|error| LabError::domain("reading the running configuration", error))?;
    Ok(to_text(&config))
}

const PEER: Scenario = Scenario {
    name: "lma-peer",
    claim: "a MAG uses the addresses of `lma LMA1 LAB` and refuses an LMA of another domain",
    claims: &[
        claim(
            "address",
            "the MAG registers with the address of the peer",
            &[45],
        ),
        claim(
            "other-domain",
            "an LMA of another domain is refused with a reason",
            &[45],
        ),
        claim(
            "no-carrier",
            "multipath without `udptunnel` or GRE is refused with a reason",
            &[4],
        ),
    ],
    breaks: &[Break {
        name: "other-address",
        damage: "the peer has another address",
        falls: "address",
        edits: &[line(
            "MAG1",
            "ipv4-address 192.0.2.1",
            "  ipv4-address 192.0.2.77",
        )],
    }],
    plan: || Plan::standard(1),
    play: |lab| {
        let taken = lab.until("a usable path", PATIENCE, |lab| {
            Ok(!lab.usable("MAG1")?.is_empty())
        })?;
        let remote: Vec<_> = lab.paths("MAG1")?.iter().map(|path| path.remote).collect();
        lab.claim("address", taken.is_some(), format!("{remote:?}"))?;
        let lines =
            "ipv6 mobile pmipv6-mag MAG1 domain LAB\n lma LMA9 OTHER\n  ipv4-address 192.0.2.9";
        let refusal = lab.configure("MAG1", lines).err();
        let told = refusal
            .as_deref()
            .is_some_and(|text| text.contains("domain"));
        lab.claim("other-domain", told, format!("{refusal:?}"))?;
        let lines = "ipv6 mobile pmipv6-domain LAB\n encap ipv6-in-ipv6";
        let refusal = lab.configure("MAG1", lines).err();
        let told = refusal
            .as_deref()
            .is_some_and(|text| text.contains("udptunnel"));
        lab.claim("no-carrier", told, format!("{refusal:?}"))
    },
};
