use super::list::{AccessList, Action, Family};
use super::rules::{RuleSet, RuleSetBuilder};
use crate::key::FlowKey;

/// An [`AccessList`] made ready for traffic: the same answers, by tables, and a hit counter per
/// line.
///
/// It is a copy: later changes of the list do not reach it. Up to 24 rules are tried in turn,
/// more are found by bit vectors, in a time that hardly grows with them.
#[derive(Debug)]
pub struct CompiledAccessList {
    rules: RuleSet,
}

/// How often a line decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct LineHits {
    /// The line's sequence number; `None` is the implicit deny at the end.
    pub sequence: Option<u32>,
    /// What it does.
    pub action: Action,
    /// Flows, or packets, that it decided.
    pub hits: u64,
}

/// What a [`CompiledAccessList`] says of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct AccessListVerdict {
    /// Permit or deny.
    pub action: Action,
    /// The line that decided; `None` is the implicit deny at the end.
    pub sequence: Option<u32>,
    /// Whether that line asks for a report.
    pub log: bool,
}

impl CompiledAccessList {
    /// Compiles a list.
    pub fn new(list: &AccessList) -> Self {
        let mut rules = RuleSetBuilder::default();
        rules.list([list]);
        Self {
            rules: rules.build(),
        }
    }

    /// A list without lines: it denies everything.
    pub fn empty() -> Self {
        Self::new(&AccessList::new(Family::Ipv4))
    }

    /// Whether the list permits a flow; counts nothing.
    pub fn permits(&self, key: &FlowKey) -> bool {
        self.rules.decide(key, false, |_| ()).is_some()
    }

    /// The same, and counts the line that decided.
    pub fn permits_counted(&self, key: &FlowKey) -> bool {
        self.rules.decide_counted(key, false).is_some()
    }

    /// What the list says of one packet, for a filter; counts.
    ///
    /// `established` says that the packet is of an open TCP connection: ACK or RST is set.
    pub fn check(&self, key: &FlowKey, established: bool) -> AccessListVerdict {
        // A deny line ends this one list, so the last line met is the one that decided.
        let mut decided = None;
        let mut hit = |line: u32| decided = Some(line);
        let permitted = self.rules.decide(key, established, &mut hit).is_some();
        self.rules.count_decided(decided);
        let line = decided.and_then(|line| self.rules.lines().get(line as usize));
        AccessListVerdict {
            action: if permitted {
                Action::Permit
            } else {
                Action::Deny
            },
            sequence: line.and_then(|line| line.sequence),
            log: line.is_some_and(|line| line.log),
        }
    }

    /// Hits per rule in order, the implicit deny last.
    pub fn hits(&self) -> impl Iterator<Item = LineHits> {
        let denied = self.rules.list_hits(0, Action::Deny);
        let implicit = LineHits {
            sequence: None,
            action: Action::Deny,
            hits: self.rules.passed_all().saturating_sub(denied),
        };
        let lines = self.rules.lines().iter().enumerate();
        lines
            .map(|(at, line)| LineHits {
                sequence: line.sequence,
                action: line.action,
                hits: self.rules.line_hits(at),
            })
            .chain([implicit])
    }
}
