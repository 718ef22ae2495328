use alloc::boxed::Box;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicUsize, Ordering};

use super::classifier::Classifier;
use super::fields::{FamilyFields, Fields, Word};
use super::list::{AccessList, Action, Family, Rule};
use super::test::Test;
use crate::key::FlowKey;

/// Access lists one behind the other, compiled together: the first list that permits a packet
/// decides.
///
/// Within a list the first line that matches decides: permit ends the walk, deny (and no match) goes
/// on to the next list. A list stands for itself or for an entry of a mobile map.
#[derive(Debug)]
pub(crate) struct RuleSet {
    v4: Half<u32>,
    v6: Half<u128>,
    /// The first list that takes everything, for packets of no one family.
    everything: Option<Decision>,
    lines: Box<[LineOf]>,
    /// Per line, how often it decided.
    hits: Box<[AtomicUsize]>,
    /// Packets that no list permitted.
    none: AtomicUsize,
}

/// What a permitted packet met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    /// Place of the list among the lists.
    pub(crate) list: u32,
    /// Number of the line among all lines.
    pub(crate) line: u32,
}

/// What a line is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LineOf {
    pub(crate) list: u32,
    /// `None` for an entry that takes everything without a list.
    pub(crate) sequence: Option<u32>,
    pub(crate) action: Action,
    pub(crate) log: bool,
}

/// The tests of one family.
#[derive(Debug)]
struct Half<A> {
    classifier: Classifier<A>,
    targets: Box<[Target]>,
}

/// What a test that matches means.
#[derive(Clone, Copy, Debug)]
struct Target {
    line: u32,
    list: u32,
    permit: bool,
    /// The first test of the next list.
    next: u32,
}

/// Puts a [`RuleSet`] together.
#[derive(Default)]
pub(crate) struct RuleSetBuilder {
    v4: Vec<(Test<u32>, Target)>,
    v6: Vec<(Test<u128>, Target)>,
    everything: Option<Decision>,
    lines: Vec<LineOf>,
    lists: u32,
}

impl RuleSetBuilder {
    /// Adds a list: one access list, or two of one name and either family.
    pub(crate) fn list<'a>(&mut self, lists: impl IntoIterator<Item = &'a AccessList>) {
        let (v4, v6) = (self.v4.len(), self.v6.len());
        for list in lists {
            for (sequence, rule) in list.rules() {
                let target = self.line(Some(sequence), rule.action, rule.log);
                self.test(list.family(), rule, target);
            }
        }
        self.end(v4, v6);
    }

    /// Adds a list that permits everything, of both families.
    pub(crate) fn everything(&mut self) {
        let (v4, v6) = (self.v4.len(), self.v6.len());
        let target = self.line(None, Action::Permit, false);
        self.everything = self.everything.or(Some(Decision {
            list: target.list,
            line: target.line,
        }));
        self.v4.push((Test::ANY, target));
        self.v6.push((Test::ANY, target));
        self.end(v4, v6);
    }

    /// Adds a list that denies everything.
    pub(crate) const fn nothing(&mut self) {
        self.lists += 1;
    }

    pub(crate) fn build(self) -> RuleSet {
        RuleSet {
            hits: self.lines.iter().map(|_| AtomicUsize::new(0)).collect(),
            none: AtomicUsize::new(0),
            v4: Half::new(self.v4),
            v6: Half::new(self.v6),
            everything: self.everything,
            lines: self.lines.into_boxed_slice(),
        }
    }

    fn line(&mut self, sequence: Option<u32>, action: Action, log: bool) -> Target {
        self.lines.push(LineOf {
            list: self.lists,
            sequence,
            action,
            log,
        });
        Target {
            // An access list has fewer lines than numbers, a map 255 lists.
            line: self.lines.len() as u32 - 1,
            list: self.lists,
            permit: action == Action::Permit,
            next: 0,
        }
    }

    fn test(&mut self, family: Family, rule: &Rule, target: Target) {
        match family {
            Family::Ipv4 => self
                .v4
                .extend(Test::new(&rule.selector).map(|test| (test, target))),
            Family::Ipv6 => self
                .v6
                .extend(Test::new(&rule.selector).map(|test| (test, target))),
        }
    }

    /// Ends a list whose tests began at these places.
    fn end(&mut self, v4: usize, v6: usize) {
        close(&mut self.v4, v4);
        close(&mut self.v6, v6);
        self.lists += 1;
    }
}

fn close<A>(tests: &mut [(Test<A>, Target)], from: usize) {
    let next = tests.len() as u32;
    for (_, target) in &mut tests[from..] {
        target.next = next;
    }
}

impl<A: Word> Half<A> {
    fn new(tests: Vec<(Test<A>, Target)>) -> Self {
        let (tests, targets): (_, Vec<_>) = tests.into_iter().unzip();
        Self {
            classifier: Classifier::new(tests),
            targets: targets.into_boxed_slice(),
        }
    }

    #[inline]
    fn decide(&self, packet: &Fields<A>, mut decided: impl FnMut(u32)) -> Option<Decision> {
        let mut decision = None;
        self.classifier.search(packet, |at| {
            let target = &self.targets[at];
            decided(target.line);
            if !target.permit {
                return Some(target.next as usize);
            }
            decision = Some(Decision {
                list: target.list,
                line: target.line,
            });
            None
        });
        decision
    }
}

impl RuleSet {
    /// The first list that permits the packet; `decided` learns the deciding line of each list that
    /// has one.
    #[inline]
    pub(crate) fn decide(
        &self,
        key: &FlowKey,
        established: bool,
        mut decided: impl FnMut(u32),
    ) -> Option<Decision> {
        match FamilyFields::new(key, established) {
            FamilyFields::V4(packet) => self.v4.decide(&packet, decided),
            FamilyFields::V6(packet) => self.v6.decide(&packet, decided),
            FamilyFields::Mixed => self.everything.inspect(|decision| decided(decision.line)),
        }
    }

    /// The same, and counts.
    #[inline]
    pub(crate) fn decide_counted(&self, key: &FlowKey, established: bool) -> Option<Decision> {
        let decision = self.decide(key, established, |line| count(&self.hits[line as usize]));
        if decision.is_none() {
            count(&self.none);
        }
        decision
    }

    /// Counts for a caller that has [`decide`](Self::decide)d over one list alone.
    pub(crate) fn count_decided(&self, line: Option<u32>) {
        let line = line.map(|line| line as usize);
        if let Some(hits) = line.and_then(|line| self.hits.get(line)) {
            count(hits);
        }
        let permit = line.and_then(|line| self.lines.get(line));
        if permit.is_none_or(|line| line.action == Action::Deny) {
            count(&self.none);
        }
    }

    pub(crate) fn lines(&self) -> &[LineOf] {
        &self.lines
    }

    pub(crate) fn line_hits(&self, line: usize) -> u64 {
        self.hits.get(line).map_or(0, load)
    }

    /// Packets that no list permitted.
    pub(crate) fn passed_all(&self) -> u64 {
        load(&self.none)
    }

    /// Hits of a list's lines of one kind.
    pub(crate) fn list_hits(&self, list: u32, action: Action) -> u64 {
        let lines = self.lines.iter().zip(&self.hits);
        lines
            .filter(|(line, _)| line.list == list && line.action == action)
            .map(|(_, hits)| load(hits))
            .sum()
    }
}

fn count(counter: &AtomicUsize) {
    counter.fetch_add(1, Ordering::Relaxed);
}

fn load(counter: &AtomicUsize) -> u64 {
    counter.load(Ordering::Relaxed) as u64
}
