//! One oracle, asked about all cases; and whether asking could have failed.

use std::collections::{BTreeMap, BTreeSet};

use pmip_wire::{BindingUpdate, Message, MobilityOption, SequenceNumber};

use crate::cases::{Carriers, Case, cases};
use crate::compare::{Comparison, Ledger, Mismatch, made};
use crate::flatten::{Fields, Leaf};
use crate::oracle::{Given, GivenLeaf, Reading, hex, read};
use crate::rules::{About, How, Row, Rules, Subject};
use crate::view::{MessageView, option_fields, option_subject};

pub(crate) struct Oracle {
    /// The helper that asks it.
    pub script: &'static str,
    /// Over what it reads messages.
    pub carriers: Carriers,
    /// The messages that it is asked about.
    pub wanted: fn(&Message) -> bool,
    /// What is known of it.
    pub rules: &'static Rules,
}

/// A case, as we see it and as the oracle reads it.
struct Compared {
    case: Case,
    view: MessageView,
    reading: Reading,
}

impl Oracle {
    /// Compares all cases.
    ///
    /// # Panics
    /// Where anything differs, a table says what is not so, or a wrong value would go unnoticed.
    pub(crate) fn check(&self) {
        let Some(all) = self.ask() else {
            return;
        };
        let mut ledger = Ledger::default();
        let mut problems = Problems::default();
        for one in &all {
            for mismatch in self.compare(&mut ledger, one) {
                problems.add(&mismatch, one);
            }
        }
        self.stale(&ledger, &mut problems);
        self.unnoticed(&all, &ledger, &mut problems);
        problems.report(self.script, all.len());
    }

    fn ask(&self) -> Option<Vec<Compared>> {
        let joins = |option: &MobilityOption| {
            self.rules
                .joins(option_subject(option), &option_fields(option))
        };
        let cases = cases(self.carriers, self.wanted, joins);
        let readings = read(self.script, &cases)?;
        let compared = cases
            .into_iter()
            .zip(readings)
            .map(|(case, reading)| Compared {
                view: MessageView::new(&case),
                case,
                reading,
            });
        Some(compared.collect())
    }

    fn compare(&self, ledger: &mut Ledger, one: &Compared) -> Vec<Mismatch> {
        let mut comparison = Comparison::new(self.rules, ledger);
        comparison.message(&one.view, &one.reading);
        let mut mismatches = comparison.mismatches();
        if let Some(octets) = &one.reading.made {
            mismatches.extend(made(self.rules, ledger, &one.case, &one.view, octets));
        }
        mismatches
    }

    /// Rows without a case and exceptions without a need.
    fn stale(&self, ledger: &Ledger, problems: &mut Problems) {
        for (subject, index, row) in self.all_rows() {
            if !ledger.rows.contains(&(subject, index)) {
                let text = format!("no case has {} or {}", row.ours, row.theirs);
                problems.say(subject, text);
            }
        }
        for (index, exception) in self.rules.exceptions.iter().enumerate() {
            if !ledger.exceptions.contains(&index) {
                let text = format!(
                    "nothing differs any more: {:?} ({})",
                    exception.about, exception.reason
                );
                problems.say(exception.subject, text);
            }
        }
    }

    fn all_rows(&self) -> impl Iterator<Item = (Subject, usize, &'static Row)> {
        self.rules.subjects().flat_map(|subject| {
            let rows = self.rules.rows(subject).into_iter();
            rows.enumerate()
                .map(move |(index, row)| (subject, index, row))
        })
    }

    /// Rows in which a wrong value is not noticed.
    fn unnoticed(&self, all: &[Compared], ledger: &Ledger, problems: &mut Problems) {
        let mut pending: BTreeSet<(Subject, usize)> = ledger.rows.clone();
        pending.retain(|(subject, index)| {
            let rows = self.rules.rows(*subject);
            let compares =
                |row: &&Row| !matches!(row.how, How::Ignored | How::Unseen | How::UnseenBits(_));
            rows.get(*index).is_some_and(compares)
        });
        // An oracle that always knows another layout never agrees at first.
        let mut agreeing = BTreeSet::new();
        for one in all {
            for (subject, ours, theirs) in one.parts() {
                let exceptions = self.rules.exceptions(subject, ours);
                if exceptions.iter().all(|(_, about)| *about != About::Layout) {
                    agreeing.insert(subject);
                }
                pending.retain(|(of, index)| {
                    *of != subject || !self.notices(subject, *index, ours, theirs)
                });
            }
        }
        pending.retain(|(subject, _)| agreeing.contains(subject));
        for (subject, index) in pending {
            let row = self.rules.rows(subject)[index];
            problems.say(subject, format!("a wrong {} goes unnoticed", row.theirs));
        }
        self.unnoticed_on_the_wire(all, problems);
    }

    /// Whether one wrong value, where all are right, gives exactly a complaint about its row.
    fn notices(&self, subject: Subject, index: usize, ours: &Fields, theirs: &Given) -> bool {
        let row = self.rules.rows(subject)[index];
        let differ = |ours: &Fields, theirs: &Given| {
            let mut ledger = Ledger::default();
            let mut comparison = Comparison::new(self.rules, &mut ledger);
            comparison.fields(subject, ours, theirs);
            comparison.mismatches()
        };
        let Some((ours_wrong, theirs_wrong)) = wrong(row, ours, theirs) else {
            return false;
        };
        let about = |mismatch: &Mismatch| mismatch.what == row.theirs;
        differ(ours, theirs).is_empty() && differ(&ours_wrong, &theirs_wrong).iter().any(about)
    }

    /// The same through the oracle: what it reads is not what we say we sent.
    fn unnoticed_on_the_wire(&self, all: &[Compared], problems: &mut Problems) {
        let sent = |sequence| {
            let update = BindingUpdate {
                sequence: SequenceNumber(sequence),
                ..BindingUpdate::default()
            };
            Case::new(update.into(), all[0].case.context)
        };
        let other = sent(8);
        let reading = read(self.script, &[sent(7)]).and_then(|read| read.into_iter().next());
        let one = Compared {
            view: MessageView::new(&other),
            case: other,
            reading: reading.expect("it has answered before"),
        };
        let mismatches = self.compare(&mut Ledger::default(), &one);
        let (of_made, of_read): (Vec<_>, Vec<_>) = mismatches
            .iter()
            .partition(|mismatch| mismatch.what == "makes");
        if of_read.is_empty() || of_made.is_empty() && one.reading.made.is_some() {
            let text = "another sequence number on the wire goes unnoticed".to_owned();
            problems.say(Subject::Message(5), text);
        }
    }
}

impl Compared {
    /// The body and each option with what the oracle read of it, where it read as many.
    fn parts(&self) -> Vec<(Subject, &Fields, &Given)> {
        let body = (self.view.subject, &self.view.fields, &self.reading.fields);
        let given = self
            .reading
            .options
            .iter()
            .filter(|option| option.number > 1);
        let options = self.view.options.iter().zip(given);
        let options = options
            .filter(|(ours, theirs)| ours.number == theirs.number)
            .map(|(ours, theirs)| (ours.subject, &ours.fields, &theirs.fields));
        std::iter::once(body).chain(options).collect()
    }
}

/// The two sides with one value of `row` wrong; `None` where it has none.
fn wrong(row: &Row, ours: &Fields, theirs: &Given) -> Option<(Fields, Given)> {
    let (mut ours, mut theirs) = (ours.clone(), theirs.clone());
    if matches!(row.how, How::Zero | How::With(_) | How::Which) {
        let (_, leaf) = theirs.iter_mut().find(|(name, _)| row.shows(name))?;
        // No field is that.
        *leaf = GivenLeaf::Number(-1);
        return Some((ours, theirs));
    }
    if matches!(row.how, How::Present) {
        let before = ours.len();
        ours.retain(|(path, _)| !row.looks_at(path));
        return (ours.len() < before).then_some((ours, theirs));
    }
    let mut leaves = ours.iter_mut().filter(|(path, _)| row.looks_at(path));
    let (_, leaf) = leaves.find(|(_, leaf)| *leaf != Leaf::Octets(Vec::new()))?;
    let bit = row.how.mask().map_or(1, |mask| 1 << mask.trailing_zeros());
    match leaf {
        Leaf::Number(number) => *number ^= bit,
        Leaf::Octets(octets) => *octets.last_mut()? ^= 1,
        Leaf::Name(name) => *name = "",
    }
    Some((ours, theirs))
}

/// What is wrong, alike problems once.
#[derive(Default)]
struct Problems {
    found: BTreeMap<(Subject, String), (usize, String)>,
}

impl Problems {
    fn add(&mut self, mismatch: &Mismatch, one: &Compared) {
        let key = (mismatch.subject, mismatch.what.clone());
        let (count, _) = self.found.entry(key).or_insert_with(|| {
            let text = format!(
                "{} ({} over {})",
                mismatch.detail,
                hex(&one.case.wire),
                one.case.transport()
            );
            (0, text)
        });
        *count += 1;
    }

    fn say(&mut self, subject: Subject, text: String) {
        self.found.insert((subject, text), (1, String::new()));
    }

    fn report(&self, script: &str, cases: usize) {
        let lines: Vec<String> = self
            .found
            .iter()
            .map(|((subject, what), (count, detail))| {
                format!("{subject:?} {what} ({count}x) {detail}")
            })
            .collect();
        assert!(
            lines.is_empty(),
            "{script}, {cases} cases:\n{}",
            lines.join("\n")
        );
    }
}
