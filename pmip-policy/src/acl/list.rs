use alloc::collections::BTreeMap;
use alloc::string::String;

use super::selector::Selector;
use crate::key::FlowKey;

/// An extended access list: numbered lines, the first match decides, and what no line matches is
/// denied.
///
/// `ip access-list extended NAME` and `ipv6 access-list NAME`. A list matches its own address
/// family only.
///
/// ```
/// use pmip_policy::{AccessList, Action, AddressMatch, Family, FlowKey, Rule, Selector};
///
/// let server = AddressMatch::host([192, 0, 2, 1].into());
/// let mut list = AccessList::new(Family::Ipv4);
/// list.append(Rule::new(Action::Deny, Selector::any().with_destination(server)))?;
/// list.append(Rule::new(Action::Permit, Selector::any().with_protocol(FlowKey::TCP)))?;
///
/// let from = [10, 0, 0, 2].into();
/// assert!(!list.permits(&FlowKey::new(from, [192, 0, 2, 1].into(), FlowKey::TCP)));
/// assert!(list.permits(&FlowKey::new(from, [192, 0, 2, 2].into(), FlowKey::TCP)));
/// assert!(!list.permits(&FlowKey::new(from, [192, 0, 2, 2].into(), FlowKey::UDP)));
/// # Ok::<(), pmip_policy::AccessListError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "Unchecked"))]
pub struct AccessList {
    family: Family,
    lines: BTreeMap<u32, Line>,
}

impl AccessList {
    /// What [`append`](Self::append) adds to the last sequence number.
    pub const STEP: u32 = 10;

    /// A list without lines, which denies everything.
    pub const fn new(family: Family) -> Self {
        Self {
            family,
            lines: BTreeMap::new(),
        }
    }

    /// Adds a line at the end; its sequence number is the last one plus [`STEP`](Self::STEP).
    ///
    /// # Errors
    /// As [`insert`](Self::insert); also when the numbers are used up.
    pub fn append(&mut self, line: impl Into<Line>) -> Result<u32, AccessListError> {
        let last = self.lines.last_key_value().map_or(0, |(last, _)| *last);
        let sequence = last
            .checked_add(Self::STEP)
            .ok_or(AccessListError::NumbersUsedUp)?;
        self.insert(sequence, line)?;
        Ok(sequence)
    }

    /// Puts a line at a sequence number, in place of what was there.
    ///
    /// # Errors
    /// [`AccessListError::OtherFamily`] for addresses of the other family,
    /// [`AccessListError::Dscp`] for a code point above 63.
    pub fn insert(
        &mut self,
        sequence: u32,
        line: impl Into<Line>,
    ) -> Result<Option<Line>, AccessListError> {
        let line = line.into();
        if let Line::Rule(rule) = &line {
            check(self.family, &rule.selector)?;
        }
        Ok(self.lines.insert(sequence, line))
    }

    /// Removes a line.
    pub fn remove(&mut self, sequence: u32) -> Option<Line> {
        self.lines.remove(&sequence)
    }

    /// The address family.
    pub const fn family(&self) -> Family {
        self.family
    }

    /// All lines with their sequence numbers, in order.
    pub fn lines(&self) -> impl Iterator<Item = (u32, &Line)> {
        self.lines.iter().map(|(sequence, line)| (*sequence, line))
    }

    /// The rules alone, in order.
    pub fn rules(&self) -> impl Iterator<Item = (u32, &Rule)> {
        self.lines().filter_map(|(sequence, line)| match line {
            Line::Rule(rule) => Some((sequence, rule)),
            Line::Remark(_) => None,
        })
    }

    /// Numbers the lines anew: the first `start`, each next one `step` more.
    ///
    /// # Errors
    /// [`AccessListError::NumbersUsedUp`] when the last would not fit, or for a step of 0; the list
    /// stays as it is.
    pub fn resequence(&mut self, start: u32, step: u32) -> Result<(), AccessListError> {
        let steps = u32::try_from(self.lines.len().saturating_sub(1)).unwrap_or(u32::MAX);
        let last = step
            .checked_mul(steps)
            .and_then(|span| start.checked_add(span));
        if last.is_none() || step == 0 {
            return Err(AccessListError::NumbersUsedUp);
        }
        let lines = core::mem::take(&mut self.lines);
        self.lines = (start..)
            .step_by(step as usize)
            .zip(lines.into_values())
            .collect();
        Ok(())
    }

    /// Whether the list permits a flow, line by line. [`CompiledAccessList`](super::CompiledAccessList)
    /// gives the same answer faster and counts.
    pub fn permits(&self, key: &FlowKey) -> bool {
        let decided = self.decide(key, false);
        decided.is_some_and(|(_, rule)| rule.action == Action::Permit)
    }

    /// The line that decides for a packet, `None` when the implicit deny does; `established` says
    /// that it is of an open TCP connection.
    pub fn decide(&self, key: &FlowKey, established: bool) -> Option<(u32, &Rule)> {
        if !self.family.holds(key) {
            return None;
        }
        self.rules()
            .find(|(_, rule)| rule.selector.matches_packet(key, established))
    }
}

/// The address family of an access list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum Family {
    /// `ip access-list extended`.
    Ipv4,
    /// `ipv6 access-list`.
    Ipv6,
}

impl Family {
    fn holds(self, key: &FlowKey) -> bool {
        key.source().is_ipv4() == (self == Self::Ipv4)
            && key.destination().is_ipv4() == (self == Self::Ipv4)
    }
}

/// One line of an access list.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Line {
    /// A rule.
    Rule(Rule),
    /// A comment, kept for the reader.
    Remark(String),
}

impl From<Rule> for Line {
    fn from(rule: Rule) -> Self {
        Self::Rule(rule)
    }
}

/// What a line does with the traffic that it matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Rule {
    /// Permit or deny.
    pub action: Action,
    /// The traffic.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub selector: Selector,
    /// `log`: report matches.
    #[cfg_attr(feature = "serde", serde(default))]
    pub log: bool,
}

impl Rule {
    /// A rule that does not log.
    pub const fn new(action: Action, selector: Selector) -> Self {
        Self {
            action,
            selector,
            log: false,
        }
    }

    /// With `log`.
    #[must_use]
    pub const fn with_log(mut self) -> Self {
        self.log = true;
        self
    }
}

/// Permit or deny.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum Action {
    /// The traffic is meant.
    Permit,
    /// It is not, and later lines are not looked at.
    Deny,
}

/// Why a line does not go into an access list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AccessListError {
    /// Addresses of the other family.
    #[error("the rule's addresses are not of the list's family: use a list of the other family")]
    OtherFamily,
    /// A code point above 63.
    #[error("DSCP {dscp} is out of range: give 0 to 63")]
    Dscp {
        /// The one given.
        dscp: u8,
    },
    /// There is no higher sequence number.
    #[error("no sequence number is left after the last line: give the line a lower one")]
    NumbersUsedUp,
}

fn check(family: Family, selector: &Selector) -> Result<(), AccessListError> {
    if !selector.fits(family) {
        return Err(AccessListError::OtherFamily);
    }
    match selector.dscp {
        Some(dscp) if dscp > 63 => Err(AccessListError::Dscp { dscp }),
        Some(_) | None => Ok(()),
    }
}

/// What is read still has to pass [`AccessList::insert`].
#[cfg(feature = "serde")]
#[derive(serde::Deserialize)]
struct Unchecked {
    family: Family,
    lines: BTreeMap<u32, Line>,
}

#[cfg(feature = "serde")]
impl TryFrom<Unchecked> for AccessList {
    type Error = AccessListError;

    fn try_from(from: Unchecked) -> Result<Self, AccessListError> {
        let mut list = Self::new(from.family);
        for (sequence, line) in from.lines {
            list.insert(sequence, line)?;
        }
        Ok(list)
    }
}
