//! What an anchor takes and what it refuses.

use super::lab::{Lab, PATIENCE, option, van};
use super::{Break, Plan, Scenario, Stop, claim, line};

pub(super) const SCENARIOS: &[Scenario] = &[LEARNING, SWITCH, DEFAULT_PROFILE];

const LEARNING: Scenario = Scenario {
    name: "mag-learning",
    claim: "an LMA refuses a MAG that it does not know, unless it learns MAGs",
    claims: &[
        claim(
            "unknown-refused",
            "without `dynamic mag learning` every PBU gets status 154",
            &[9],
        ),
        claim("unknown-taken", "with it the same MAG is accepted", &[9]),
    ],
    breaks: &[
        Break {
            name: "always-learns",
            damage: "the LMA learns MAGs from the start",
            falls: "unknown-refused",
            edits: &[line(
                "LMA1",
                "interface core",
                " interface core\n dynamic mag learning",
            )],
        },
        Break {
            name: "no-profile",
            damage: "the LMA has no profile of the mobile node",
            falls: "unknown-taken",
            edits: &[line("LMA1", "nai @lab.example", "nai @other.example")],
        },
    ],
    plan: || {
        let mut plan = Plan::standard(1).starting_later("MAG1");
        plan.config("LMA1").replace("dynamic mag learning", "");
        plan
    },
    play: learning,
};

fn learning(lab: &mut Lab<'_>) -> Result<(), Stop> {
    let capture = lab.capture("LMA1")?;
    lab.start("MAG1")?;
    let refused = lab.statuses(&capture, "the LMA answers")?;
    let none = lab.bindings("LMA1")?.is_empty();
    let right = !refused.is_empty() && refused.iter().all(|status| *status == 154) && none;
    lab.claim("unknown-refused", right, format!("statuses {refused:?}"))?;
    lab.configured(
        "LMA1",
        "ipv6 mobile pmipv6-lma LMA1 domain LAB\n dynamic mag learning",
    )?;
    lab.stop("MAG1")?;
    lab.start("MAG1")?;
    let taken = lab.until("the LMA has the binding", PATIENCE, |lab| {
        Ok(lab.binding("LMA1", &van(1))?.is_some())
    })?;
    lab.claim(
        "unknown-taken",
        taken.is_some(),
        "after `pmip configure` on the running LMA",
    )
}

const SWITCH: Scenario = Scenario {
    name: "multipath-switch",
    claim: "a MAG whose LMA has multipath off goes on with one path",
    claims: &[
        claim(
            "status-180",
            "the first PBU, with options 63 and 64, gets status 180",
            &[20],
        ),
        claim(
            "single",
            "the MAG registers again without 63 and 64, over one path",
            &[20],
        ),
        claim("connected", "and stays connected", &[20]),
    ],
    breaks: &[
        Break {
            name: "lma-multipath",
            damage: "the LMA has multipath on",
            falls: "status-180",
            edits: &[line(
                "LMA1",
                "interface core",
                " interface core\n multipath",
            )],
        },
        Break {
            name: "core-link-lost",
            damage: "the LMA forwards nothing to its core",
            falls: "connected",
            edits: &[super::filter("LMA1", "forward", "oifname core drop")],
        },
    ],
    plan: || {
        let mut plan = Plan::standard(2).starting_later("MAG1");
        plan.config("LMA1").replace("multipath", "");
        plan
    },
    play: switch,
};

fn switch(lab: &mut Lab<'_>) -> Result<(), Stop> {
    let capture = lab.capture("LMA1")?;
    lab.start("MAG1")?;
    let statuses = lab.statuses(&capture, "the LMA answers")?;
    let first = statuses.first().copied();
    lab.claim(
        "status-180",
        first == Some(180),
        format!("statuses {statuses:?}"),
    )?;
    lab.ready(1)?;
    let updates = lab.messages(&capture, "", "ProxyBindingUpdate")?;
    let last = updates
        .last()
        .map(|(_, m)| (option(m, 63).is_some(), option(m, 64).is_some()));
    let usable = lab.usable("MAG1")?;
    let detail = format!("option 63 and 64 in the last PBU: {last:?}; usable: {usable:?}");
    lab.claim(
        "single",
        last == Some((false, false)) && usable.len() == 1,
        detail,
    )?;
    let answered = lab.ping("h1", "cn1", 5)?;
    lab.claim(
        "connected",
        answered == 5,
        format!("{answered} of 5 pings answered"),
    )
}

const DEFAULT_PROFILE: Scenario = Scenario {
    name: "default-profile",
    claim: "an unknown mobile node is taken with the default profile, and refused without one",
    claims: &[
        claim(
            "refused",
            "without `default profile` an unknown NAI is refused",
            &[44],
        ),
        claim("taken", "with it the same NAI gets a binding", &[44]),
    ],
    breaks: &[
        Break {
            name: "always",
            damage: "the LMA has its default profile from the start",
            falls: "refused",
            edits: &[line(
                "LMA1",
                "interface core",
                " interface core\n default profile @lab.example",
            )],
        },
        Break {
            name: "no-pool",
            damage: "the network of the profile has no IPv4 pool",
            falls: "taken",
            edits: &[line("LMA1", "pool ipv4 home4 pfxlen 16", "")],
        },
    ],
    plan: || {
        let mut plan = Plan::standard(1);
        plan.config("MAG1")
            .no_logical()
            .node("interface lan1\nsessionmgr");
        plan
    },
    play: default_profile,
};

fn default_profile(lab: &mut Lab<'_>) -> Result<(), Stop> {
    let nai = "stranger@elsewhere.example";
    let capture = lab.capture("LMA1")?;
    lab.attach("MAG1", nai, "lan1")?;
    let statuses = lab.statuses(&capture, "the LMA answers")?;
    let refused = statuses.iter().all(|status| *status >= 128) && !statuses.is_empty();
    let none = lab.binding("LMA1", nai)?.is_none();
    lab.claim("refused", refused && none, format!("statuses {statuses:?}"))?;
    lab.configured(
        "LMA1",
        "ipv6 mobile pmipv6-lma LMA1 domain LAB\n default profile @lab.example",
    )?;
    // The MAG may have given up by now.
    let _ = lab.detach("MAG1", nai);
    lab.attach("MAG1", nai, "lan1")?;
    let taken = lab.until("the LMA has the binding", PATIENCE, |lab| {
        let binding = lab.binding("LMA1", nai)?;
        Ok(binding.is_some_and(|row| row.ipv4_hoa.is_some()))
    })?;
    lab.claim(
        "taken",
        taken.is_some(),
        "after `pmip configure` on the running LMA",
    )
}
