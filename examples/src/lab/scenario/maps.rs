//! Mobile maps: which link an application uses.

use super::lab::{Lab, PATIENCE, van};
use super::{Break, Plan, Scenario, Stop, claim, line};
use crate::lab::domain::{LabError, WanState};

pub(super) const SCENARIOS: &[Scenario] = &[APPLICATIONS, PREFERENCE, DOWNLINK, RULES, LIST_CHANGE];

/// Access lists that most maps here use.
const LISTS: &str = "\
ip access-list extended icmp
 permit icmp any any
ip access-list extended udp
 permit udp any any";
/// Any port of UDP, one as good as another.
const PORT: u16 = 4000;

/// Sends 20 flows up and returns how many inner UDP packets each of two WANs carried.
fn udp_by_wan(lab: &mut Lab<'_>, port: u16) -> Result<[usize; 2], LabError> {
    let capture = lab.capture("LMA1")?;
    lab.udp("h1", "cn1", 30_000..30_020, port, 0)?;
    let mut counts = [0; 2];
    for (count, wan) in counts.iter_mut().zip(["m1w1", "m1w2"]) {
        *count = lab.carried(&capture, wan, |inner| {
            inner.destination_port() == Some(port)
        })?;
    }
    Ok(counts)
}

/// Hits of the entries of a node's map.
fn hits(lab: &Lab<'_>, node: &str, map: &str) -> Result<Vec<u64>, LabError> {
    let maps = lab.maps(node)?;
    let entries = maps.into_iter().filter(|row| row.name == map);
    let entries = entries.flat_map(|row| row.entries);
    Ok(entries.map(|entry| entry.hits).collect())
}

const APPLICATIONS: Scenario = Scenario {
    name: "map-applications",
    claim: "a map on the MAG sends each application by its own link, the first matching entry \
            decides, and the last map named is the active one",
    claims: &[
        claim(
            "active",
            "of two `mobile-map` statements the second is in force, and shown so",
            &[23],
        ),
        claim("udp", "udp is seen on wan2 alone", &[22, 29]),
        claim("icmp", "icmp is seen on wan1 alone", &[22, 29]),
        claim(
            "first-match",
            "of two entries that permit, the lower sequence decides",
            &[24],
        ),
        claim(
            "hits",
            "the counter of an entry rises with permitted packets alone",
            &[25],
        ),
    ],
    breaks: &[
        Break {
            name: "other-map",
            damage: "the MAG names the other map last",
            falls: "active",
            edits: &[line("MAG1", "mobile-map B", " mobile-map B\n mobile-map A")],
        },
        Break {
            name: "swapped-sequence",
            damage: "the entry for everything comes first",
            falls: "icmp",
            edits: &[line("MAG1", "mobile-map B 30", "mobile-map B 5")],
        },
        Break {
            name: "no-protocol",
            damage: "the icmp list permits tcp",
            falls: "icmp",
            edits: &[line("MAG1", "permit icmp any any", "permit tcp any any")],
        },
    ],
    plan: || {
        let mut plan = Plan::standard(2);
        plan.config("MAG1")
            .global(LISTS)
            .global("ip access-list extended all\n permit ip any any");
        plan.config("MAG1").domain(
            "mobile-map A 10\n match access-list all\n set link-type wan1 null
mobile-map B 10\n match access-list icmp\n set link-type wan1 null
mobile-map B 20\n match access-list udp\n set link-type wan2 null
mobile-map B 30\n match access-list all\n set link-type wan2 null",
        );
        plan.config("MAG1").node("mobile-map A\nmobile-map B");
        plan
    },
    play: applications,
};

fn applications(lab: &mut Lab<'_>) -> Result<(), Stop> {
    lab.ready(2)?;
    let maps = lab.maps("MAG1")?;
    let active: Vec<&str> = maps
        .iter()
        .filter(|row| row.active)
        .map(|row| row.name.as_str())
        .collect();
    lab.claim("active", active == ["B"], format!("active: {active:?}"))?;
    let before = hits(lab, "MAG1", "B")?;
    let by_wan = udp_by_wan(lab, PORT)?;
    let between = hits(lab, "MAG1", "B")?;
    lab.claim(
        "udp",
        by_wan == [0, 20],
        format!("packets by WAN: {by_wan:?}"),
    )?;
    let capture = lab.capture("LMA1")?;
    let answered = lab.ping("h1", "cn1", 5)?;
    // Uplink alone: the anchor has no map.
    let care_of = super::addresses::care_of(1, 1, super::addresses::Family::V4);
    let packets = lab.packets(&capture)?;
    let up = packets.iter().filter(|packet| {
        !packet.outgoing
            && packet
                .inner()
                .is_some_and(|inner| inner.protocol() == Some(1))
    });
    let all = up.clone().count();
    let right = up.filter(|packet| packet.source() == Some(care_of)).count();
    let detail = format!("{answered} answered, {right} of {all} on wan1");
    lab.claim("icmp", answered == 5 && all == 5 && right == 5, detail)?;
    let last = between.get(2).copied();
    lab.claim(
        "first-match",
        last == Some(0),
        format!("hits of the last entry: {last:?}"),
    )?;
    let rise: Vec<u64> = between
        .iter()
        .zip(&before)
        .map(|(now, then)| now - then)
        .collect();
    lab.claim(
        "hits",
        rise == [0, 20, 0],
        format!("hits by 20 udp flows: {rise:?}"),
    )
}

const PREFERENCE: Scenario = Scenario {
    name: "map-preference",
    claim: "`set link-type` prefers its labels in order; with all of them down `null` drops, and \
            without it another link is used",
    claims: &[
        claim("preferred", "the first label carries all", &[26]),
        claim(
            "next",
            "with its link cut the next label carries all",
            &[26],
        ),
        claim(
            "dropped",
            "with both cut, packets of the entry with `null` are dropped and counted",
            &[27],
        ),
        claim(
            "another",
            "those of the entry without `null` go by the third link",
            &[27],
        ),
        claim(
            "again",
            "back on return, new flows use the first label",
            &[26],
        ),
    ],
    breaks: &[
        Break {
            name: "other-order",
            damage: "the labels of the entry are swapped",
            falls: "preferred",
            edits: &[line(
                "MAG1",
                "set link-type wan1 wan2 null",
                "set link-type wan2 wan1 null",
            )],
        },
        Break {
            name: "no-null",
            damage: "the entry has no `null`",
            falls: "dropped",
            edits: &[line(
                "MAG1",
                "set link-type wan1 wan2 null",
                "set link-type wan1 wan2",
            )],
        },
        Break {
            name: "both-null",
            damage: "the other entry has `null` too",
            falls: "another",
            edits: &[line(
                "MAG1",
                "set link-type wan1 wan2",
                "set link-type wan1 wan2 null",
            )],
        },
    ],
    plan: || {
        let mut plan = Plan::standard(3);
        plan.config("MAG1").global(
            "ip access-list extended strict\n permit udp any any eq 4000
ip access-list extended loose\n permit udp any any eq 4001",
        );
        plan.config("MAG1").domain(
            "mobile-map M 10\n match access-list strict\n set link-type wan1 wan2 null
mobile-map M 20\n match access-list loose\n set link-type wan1 wan2",
        );
        plan.config("MAG1").node("mobile-map M");
        plan
    },
    play: preference,
};

fn preference(lab: &mut Lab<'_>) -> Result<(), Stop> {
    lab.ready(3)?;
    let by_wan = udp_by_wan(lab, PORT)?;
    lab.claim(
        "preferred",
        by_wan == [20, 0],
        format!("packets by WAN: {by_wan:?}"),
    )?;
    let usable = |lab: &mut Lab<'_>, count: usize| {
        lab.until("both nodes see it", PATIENCE, |lab| {
            Ok(lab.usable("MAG1")?.len() == count && lab.usable("LMA1")?.len() == count)
        })
    };
    lab.set_wan(1, 1, WanState::Cut)?;
    usable(lab, 2)?;
    let by_wan = udp_by_wan(lab, PORT)?;
    lab.claim(
        "next",
        by_wan == [0, 20],
        format!("packets by WAN: {by_wan:?}"),
    )?;
    lab.set_wan(1, 2, WanState::Cut)?;
    usable(lab, 1)?;
    let arrived = lab.udp("h1", "cn1", 31_000..31_020, PORT, 0)?;
    let maps = lab.maps("MAG1")?;
    let drops = maps
        .iter()
        .flat_map(|row| &row.entries)
        .map(|entry| entry.null_drops)
        .next();
    let detail = format!("{arrived} of 20 arrived, counted {drops:?}");
    lab.claim("dropped", arrived == 0 && drops == Some(20), detail)?;
    let capture = lab.capture("LMA1")?;
    let arrived = lab.udp("h1", "cn1", 31_000..31_020, 4001, 0)?;
    let third = lab.carried(&capture, "m1w3", |inner| {
        inner.destination_port() == Some(4001)
    })?;
    let detail = format!("{arrived} of 20 arrived, {third} seen on wan3");
    lab.claim("another", arrived == 20 && third == 20, detail)?;
    lab.set_wan(1, 1, WanState::Up)?;
    usable(lab, 2)?;
    let capture = lab.capture("LMA1")?;
    lab.udp("h1", "cn1", 32_000..32_020, PORT, 0)?;
    let first = lab.carried(&capture, "m1w1", |inner| {
        inner.destination_port() == Some(PORT)
    })?;
    lab.claim("again", first == 20, format!("{first} of 20 on wan1"))
}

const DOWNLINK: Scenario = Scenario {
    name: "map-downlink",
    claim: "a map on the LMA decides what goes down",
    claims: &[claim(
        "down",
        "udp from a correspondent is seen on wan2 alone",
        &[28],
    )],
    breaks: &[Break {
        name: "no-map",
        damage: "the LMA activates no map",
        falls: "down",
        edits: &[line("LMA1", "mobile-map M", "")],
    }],
    plan: || {
        let mut plan = Plan::standard(2);
        plan.config("LMA1").global(LISTS).node("mobile-map M");
        plan.config("LMA1")
            .domain("mobile-map M 10\n match access-list udp\n set link-type wan2 null");
        plan
    },
    play: |lab| {
        lab.ready(2)?;
        let capture = lab.capture("LMA1")?;
        let arrived = lab.udp("cn1", "h1", 30_000..30_020, PORT, 0)?;
        let on = |lab: &mut Lab<'_>, wan| {
            lab.carried(&capture, wan, |i| i.destination_port() == Some(PORT))
        };
        let by_wan = [on(lab, "m1w1")?, on(lab, "m1w2")?];
        let detail = format!("{arrived} arrived, packets by WAN: {by_wan:?}");
        lab.claim("down", arrived == 20 && by_wan == [0, 20], detail)
    },
};

const RULES: Scenario = Scenario {
    name: "map-rules",
    claim: "a map changes only without bindings, and its sequence numbers are 1 to 255",
    claims: &[
        claim(
            "range",
            "sequence 0 and 256 are refused, 1 and 255 are taken",
            &[24],
        ),
        claim(
            "bound",
            "the map in force is not changed while there is a binding",
            &[30],
        ),
        claim("free", "without bindings the same lines are taken", &[30]),
    ],
    breaks: &[
        Break {
            name: "not-in-force",
            damage: "the map is not in force",
            falls: "bound",
            edits: &[line("LMA1", "mobile-map M", "")],
        },
        Break {
            name: "binding-stays",
            damage: "signalling that ends a binding does not reach the LMA",
            falls: "free",
            // Lifetime of a PBU: octets 10 and 11 of the Mobility Header.
            edits: &[super::filter(
                "LMA1",
                "input",
                "udp dport 5436 @th,144,16 0 @th,80,8 5 drop",
            )],
        },
    ],
    plan: || {
        let mut plan = Plan::standard(1);
        plan.config("LMA1")
            .global(LISTS)
            .node("mobile-map M\nbce delete-wait-time 100");
        plan.config("LMA1")
            .domain("mobile-map M 10\n match access-list udp\n set link-type wan1");
        plan
    },
    play: rules,
};

fn rules(lab: &mut Lab<'_>) -> Result<(), Stop> {
    let entry = |map: &str, sequence: u16| {
        format!(
            "ipv6 mobile pmipv6-domain LAB\n mobile-map {map} {sequence}\n  match access-list icmp"
        )
    };
    let answers = [0, 1, 255, 256].map(|sequence| lab.configure("LMA1", &entry("N", sequence)));
    let taken = answers.each_ref().map(Result::is_ok);
    let detail = format!("0, 1, 255, 256: {answers:?}");
    lab.claim("range", taken == [false, true, true, false], detail)?;
    lab.ready(1)?;
    let refusal = lab.configure("LMA1", &entry("M", 20)).err();
    let named = refusal
        .as_deref()
        .is_some_and(|text| text.contains("binding"));
    lab.claim("bound", named, format!("{refusal:?}"))?;
    lab.stop("MAG1")?;
    lab.until("the binding is gone", PATIENCE, |lab| {
        Ok(lab.binding("LMA1", &van(1))?.is_none())
    })?;
    let refusal = lab.configure("LMA1", &entry("M", 20)).err();
    lab.claim("free", refusal.is_none(), format!("refusal: {refusal:?}"))
}

const LIST_CHANGE: Scenario = Scenario {
    name: "map-list-change",
    claim: "an access list that is edited takes effect when the map is taken off and set again",
    claims: &[
        claim("not-yet", "after the edit the map does what it did", &[31]),
        claim(
            "now",
            "after `no mobile-map` and `mobile-map` the new rule is in force",
            &[31],
        ),
    ],
    breaks: &[Break {
        name: "list-already-so",
        damage: "the list has the new rule from the start",
        falls: "not-yet",
        edits: &[line("MAG1", "permit udp any any", "deny udp any any")],
    }],
    plan: || {
        let mut plan = Plan::standard(2);
        plan.config("MAG1").global(LISTS).node("mobile-map M");
        plan.config("MAG1")
            .domain("mobile-map M 10\n match access-list udp\n set link-type wan2 null");
        plan
    },
    play: list_change,
};

fn list_change(lab: &mut Lab<'_>) -> Result<(), Stop> {
    let mag = "ipv6 mobile pmipv6-mag MAG1 domain LAB";
    lab.ready(2)?;
    lab.configured(
        "MAG1",
        "no ip access-list extended udp\nip access-list extended udp\n deny udp any any",
    )?;
    let by_wan = udp_by_wan(lab, PORT)?;
    lab.claim(
        "not-yet",
        by_wan == [0, 20],
        format!("packets by WAN: {by_wan:?}"),
    )?;
    lab.configured("MAG1", &format!("{mag}\n no mobile-map M"))?;
    lab.configured("MAG1", &format!("{mag}\n mobile-map M"))?;
    let by_wan = udp_by_wan(lab, PORT + 1)?;
    let spread = by_wan[0] > 0 && by_wan[1] > 0 && by_wan[0] + by_wan[1] == 20;
    lab.claim("now", spread, format!("packets by WAN: {by_wan:?}"))
}
