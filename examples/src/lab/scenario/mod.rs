//! Acceptance scenarios: real programs in network namespaces, one small function a claim.
//!
//! # How to add a row
//! 1. Choose the file of its group in this folder, or make one and name it in [`ALL`].
//! 2. Write a [`Scenario`]: a `plan` says what the domain consists of, `play` drives it and checks
//!    its `claims` from outside: packets, pings, counters, `show`.
//! 3. Give it at least one [`Break`]. A break edits the configuration or the network, never the
//!    check, and says which claim must fall. `pmip lab NAME --break BREAK` must then exit 1 with
//!    that claim's rows; `pmip lab all --breaks` proves all of them.
//! 4. Keep it quick: timers come short by configuration (`heartbeat interval-ms`), waiting is
//!    [`Lab::until`] and never a sleep.
//!
//! ```ignore
//! pub(super) const SCENARIOS: &[Scenario] = &[Scenario {
//!     name: "map-protocol",
//!     claim: "a mobile map on the MAG sends udp by wan2",
//!     claims: &[claim("udp-wan2", "udp is seen on wan2 alone", &[29])],
//!     breaks: &[Break {
//!         name: "no-map",
//!         damage: "the MAG activates no map",
//!         falls: "udp-wan2",
//!         edits: &[line("MAG1", "mobile-map M", "")],
//!     }],
//!     plan: || {
//!         let mut plan = Plan::standard(2); // LMA1, MAG1 with wan1 and wan2, h1 behind it, cn1
//!         plan.config("MAG1")
//!             .global("ip access-list extended udp\n permit udp any any")
//!             .domain("mobile-map M 10\n match access-list udp\n set link-type wan2 null")
//!             .node("mobile-map M");
//!         plan
//!     },
//!     play: |lab| {
//!         lab.ready(2)?; // the logical mobile node has two usable paths, h1 an address
//!         let capture = lab.capture("LMA1")?;
//!         lab.udp("h1", "cn1", 40_000..40_020, 9, 0)?;
//!         let seen = lab.carried(&capture, "m1w2", |inner| inner.destination_port() == Some(9))?;
//!         lab.claim("udp-wan2", seen == 20, format!("{seen} of 20 on wan2"))
//!     },
//! }];
//! ```
//!
//! # The domain
//! ```text
//! cn1 --core-- LMA1 ==m1w1== m1w1 ==mag/wan1== MAG1 --lan1-- h1
//! cn2 --core2--     ==m1w2== m1w2 ==mag/wan2==      --lan2-- h2
//!                   ==m2w1== ...                MAG2 --lan1-- ...
//! ```
//! Names of namespaces are those above; the router of WAN `w` of MAG `m` is `m{m}w{w}`, and so is
//! the interface of each LMA towards it, so that what an LMA sends or receives there is what path
//! `w` carries. [`addresses`] has the addresses. The standard configuration is in [`text`].

mod addresses;
mod capture;
// Helpers for all scenarios: not every build of the table uses each of them.
#[allow(dead_code)]
mod lab;
#[allow(dead_code)]
mod network;
#[allow(dead_code)]
mod packet;
#[allow(dead_code)]
mod plan;
mod text;
#[allow(dead_code)]
mod tools;

mod access;
mod anchor;
mod apart;
mod encapsulation;
mod failures;
mod hosts;
mod language;
mod limits;
mod maps;
mod operators;
mod paths;
mod pools;
mod profiles;
mod program;
mod quality;
mod registration;
mod resilience;
mod revocation;
mod sla;
mod steering;
mod uplinks;

use serde::Serialize;

pub(in crate::lab) use self::lab::play;
pub(in crate::lab) use self::plan::Plan;
use super::domain::Topology;
use super::run::{Claim, Stop};
use lab::Lab;
use network::Network;

/// Every scenario, by group.
const ALL: &[&[Scenario]] = &[
    registration::SCENARIOS,
    access::SCENARIOS,
    anchor::SCENARIOS,
    paths::SCENARIOS,
    quality::SCENARIOS,
    sla::SCENARIOS,
    profiles::SCENARIOS,
    steering::SCENARIOS,
    resilience::SCENARIOS,
    maps::SCENARIOS,
    failures::SCENARIOS,
    limits::SCENARIOS,
    revocation::SCENARIOS,
    language::SCENARIOS,
    hosts::SCENARIOS,
    pools::SCENARIOS,
    uplinks::SCENARIOS,
    encapsulation::SCENARIOS,
    apart::SCENARIOS,
    operators::SCENARIOS,
    program::SCENARIOS,
];

/// What is claimed of a domain, how it is shown, and what makes it fall.
pub(in crate::lab) struct Scenario {
    /// Its name on the command line.
    pub(in crate::lab) name: &'static str,
    /// What it shows, in one line.
    pub(in crate::lab) claim: &'static str,
    /// The claims that `play` checks, each exactly once, in this order.
    pub(in crate::lab) claims: &'static [Claim],
    /// The faults that it knows.
    pub(in crate::lab) breaks: &'static [Break],
    /// The domain it wants.
    pub(in crate::lab) plan: fn() -> Plan,
    /// Drives the domain and checks the claims.
    pub(in crate::lab) play: fn(&mut Lab<'_>) -> Result<(), Stop>,
}

/// A fault: what it does to the system, and the claim that falls by it.
pub(in crate::lab) struct Break {
    /// Its name for `--break`.
    pub(in crate::lab) name: &'static str,
    /// What is damaged, in plain words.
    pub(in crate::lab) damage: &'static str,
    /// The name of the claim that must fall.
    pub(in crate::lab) falls: &'static str,
    /// What is done.
    pub(in crate::lab) edits: &'static [Edit],
}

/// A change of the system before its programs start.
pub(in crate::lab) enum Edit {
    /// In the configuration of `node` every line that reads `line` becomes `by`; empty = it goes.
    Line {
        node: &'static str,
        line: &'static str,
        by: &'static str,
    },
    /// nftables rules in one chain of a namespace; `hook` is `forward`, `input` or `output`.
    Filter {
        namespace: &'static str,
        hook: &'static str,
        rules: &'static str,
    },
    /// Anything else about the network.
    Network(fn(&Network) -> anyhow::Result<()>),
}

/// A claim in one line.
const fn claim(name: &'static str, text: &'static str, rows: &'static [u16]) -> Claim {
    Claim { name, text, rows }
}

/// [`Edit::Line`] in one line.
const fn line(node: &'static str, line: &'static str, by: &'static str) -> Edit {
    Edit::Line { node, line, by }
}

/// [`Edit::Filter`] in one line.
const fn filter(namespace: &'static str, hook: &'static str, rules: &'static str) -> Edit {
    Edit::Filter {
        namespace,
        hook,
        rules,
    }
}

/// What the network or an emulator refused.
fn refused(error: anyhow::Error) -> super::domain::LabError {
    super::domain::LabError::Domain(format!("{error:#}"))
}

/// A fault as `--list --json` prints it.
#[derive(Clone, Debug, Serialize)]
pub(in crate::lab) struct Fault {
    pub(in crate::lab) name: &'static str,
    pub(in crate::lab) damage: &'static str,
    pub(in crate::lab) falls: &'static str,
}

impl Scenario {
    /// How it can be played.
    pub(in crate::lab) const MODES: &'static [Topology] = &[Topology::Netns];

    /// The break called `name`.
    pub(in crate::lab) fn find_break(&self, name: &str) -> Option<&'static Break> {
        self.breaks.iter().find(|known| known.name == name)
    }

    /// Its faults.
    pub(in crate::lab) fn faults(&self) -> Vec<Fault> {
        let breaks = self.breaks.iter();
        breaks
            .map(|known| Fault {
                name: known.name,
                damage: known.damage,
                falls: known.falls,
            })
            .collect()
    }
}

/// All scenarios.
pub(in crate::lab) fn all() -> impl Iterator<Item = &'static Scenario> {
    ALL.iter().copied().flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Would break: `--break` and `--list` that name what does not exist.
    #[test]
    fn names_are_unique_and_every_break_falls_on_a_claim() {
        let mut names = BTreeSet::new();
        for scenario in all() {
            assert!(names.insert(scenario.name), "{} twice", scenario.name);
            let claims: BTreeSet<&str> = scenario.claims.iter().map(|c| c.name).collect();
            assert_eq!(claims.len(), scenario.claims.len(), "{}", scenario.name);
            assert!(
                !scenario.breaks.is_empty(),
                "{} has no break",
                scenario.name
            );
            let mut faults = BTreeSet::new();
            for known in scenario.breaks {
                assert!(
                    faults.insert(known.name),
                    "{} {}",
                    scenario.name,
                    known.name
                );
                let falls = claims.contains(known.falls);
                assert!(falls, "{} {} falls on nothing", scenario.name, known.name);
            }
        }
    }

    /// Would break: a configuration that no node takes, and a break that edits nothing.
    #[test]
    fn every_configuration_is_one_and_every_break_changes_something() {
        for scenario in all() {
            let plan = (scenario.plan)();
            check(&plan, scenario.name);
            for known in scenario.breaks {
                let mut broken = (scenario.plan)();
                let applied = broken.apply(known);
                assert!(
                    applied.is_ok(),
                    "{} {}: {applied:?}",
                    scenario.name,
                    known.name
                );
                check(
                    &broken,
                    &format!("{} --break {}", scenario.name, known.name),
                );
            }
        }
    }

    fn check(plan: &Plan, what: &str) {
        for (node, text) in plan.texts() {
            let parsed = crate::config::parse(node, &text, crate::config::Format::Text);
            if let Err(report) = parsed {
                panic!("{what}, {node}:\n{report}");
            }
        }
    }
}
