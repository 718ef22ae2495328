//! Binding revocation (RFC 5846).

use std::time::Duration;

use super::lab::{Lab, PATIENCE};
use super::{Break, Plan, Scenario, Stop, claim, filter, line};

pub(super) const SCENARIOS: &[Scenario] = &[REVOCATION];

const REVOCATION: Scenario = Scenario {
    name: "revocation",
    claim: "`clear binding` on the LMA revokes: the MAG is told, answers and lets go",
    claims: &[
        claim(
            "indicated",
            "a BRI with a trigger goes to the MAG and is answered by a BRA",
            &[67],
        ),
        claim("let-go", "the MAG drops the binding", &[67]),
        claim(
            "repeated",
            "an unanswered BRI is sent again twice, 1 s and 2 s later",
            &[67],
        ),
    ],
    breaks: &[
        Break {
            name: "mag-deaf",
            damage: "BRIs do not reach the MAG",
            falls: "indicated",
            // Payload Proto, Header Len, MH Type: 16 is Binding Revocation.
            edits: &[filter("MAG1", "input", "udp sport 5436 @th,80,8 16 drop")],
        },
        Break {
            name: "one-retry",
            damage: "the LMA sends a BRI again only once",
            falls: "repeated",
            edits: &[line("LMA1", "bri retries 2", "bri retries 1")],
        },
    ],
    plan: || {
        let mut plan = Plan::standard(1);
        plan.config("LMA1")
            .node("bri delay min 1000\nbri delay max 2000\nbri retries 2");
        plan.config("MAG1")
            .no_logical()
            .node("interface lan1\nsessionmgr");
        plan
    },
    play: revocation,
};

fn revocation(lab: &mut Lab<'_>) -> Result<(), Stop> {
    let nai = "mn@lab.example";
    registered(lab, nai)?;
    let capture = lab.capture("LMA1")?;
    lab.clear("LMA1", Some(nai))?;
    let dropped = lab.until("the MAG has let go", PATIENCE, |lab| {
        let binding = lab.binding("MAG1", nai)?;
        Ok(binding.is_none_or(|row| row.state != "active" && row.ipv4_hoa.is_none()))
    })?;
    let left = lab.binding("MAG1", nai)?;
    let left = left.map(|row| (row.state, row.ipv4_hoa, row.hnp, row.paths.len()));
    let told = lab.messages(&capture, "", "BindingRevocationIndication")?;
    let answers = lab.messages(&capture, "", "BindingRevocationAcknowledgement")?;
    let trigger = told.first().map(|(_, message)| message["trigger"].clone());
    let status = answers
        .first()
        .map(|(_, message)| message["status"].clone());
    let holds = trigger.is_some() && status.as_ref().is_some_and(|status| *status == 0);
    lab.claim(
        "indicated",
        holds,
        format!("trigger {trigger:?}, status {status:?}"),
    )?;
    lab.claim("let-go", dropped.is_some(), format!("the MAG has {left:?}"))?;
    registered(lab, nai)?;
    let deaf = lab.network().filter("MAG1", "input", "udp sport 5436 drop");
    deaf.map_err(|error| crate::lab::domain::LabError::domain("a filter", error))?;
    let capture = lab.capture("LMA1")?;
    lab.clear("LMA1", Some(nai))?;
    // 1 s and 2 s, and until no fourth can come.
    lab.pass(Duration::from_millis(6_000))?;
    let told = lab.messages(&capture, "", "BindingRevocationIndication")?;
    let times: Vec<f64> = told
        .iter()
        .map(|(packet, _)| packet.at.as_secs_f64())
        .collect();
    let spans: Vec<f64> = times.windows(2).map(|two| two[1] - two[0]).collect();
    let near = |span: Option<&f64>, wanted: f64| span.is_some_and(|s| (s - wanted).abs() < 0.4);
    let holds = spans.len() == 2 && near(spans.first(), 1.0) && near(spans.get(1), 2.0);
    lab.claim(
        "repeated",
        holds,
        format!("seconds between BRIs: {spans:.2?}"),
    )
}

fn registered(lab: &mut Lab<'_>, nai: &str) -> Result<(), Stop> {
    lab.attach("MAG1", nai, "lan1")?;
    lab.until("the mobile node is registered", PATIENCE, |lab| {
        let bindings = lab.binding("LMA1", nai)?;
        Ok(
            bindings.is_some_and(|row| row.state == "active")
                && lab.binding("MAG1", nai)?.is_some(),
        )
    })?;
    Ok(())
}
