//! Ours against an oracle's, field by field, by number.

use std::collections::BTreeSet;

use pmip_wire::Message;

use crate::cases::Case;
use crate::flatten::{Fields, Leaf};
use crate::oracle::{Given, GivenLeaf, ReadOption, Reading, hex, unhex};
use crate::rules::{About, How, Row, Rules, Subject};
use crate::view::{MessageView, OptionView, option_subject};

/// What was seen to agree or differ over all cases.
#[derive(Default)]
pub(crate) struct Ledger {
    /// Rows with a value on a side, by subject and place.
    pub rows: BTreeSet<(Subject, usize)>,
    /// Exceptions that something needed.
    pub exceptions: BTreeSet<usize>,
}

/// One difference.
#[derive(Debug)]
pub(crate) struct Mismatch {
    pub subject: Subject,
    /// The oracle's field, or our path, or what else it is about.
    pub what: String,
    pub detail: String,
}

pub(crate) struct Comparison<'a> {
    rules: &'a Rules,
    ledger: &'a mut Ledger,
    mismatches: Vec<Mismatch>,
}

impl<'a> Comparison<'a> {
    pub(crate) fn new(rules: &'a Rules, ledger: &'a mut Ledger) -> Self {
        Self {
            rules,
            ledger,
            mismatches: Vec::new(),
        }
    }

    /// What differed.
    pub(crate) fn mismatches(self) -> Vec<Mismatch> {
        self.mismatches
    }

    /// Compares our `view` with the oracle's `reading`.
    pub(crate) fn message(&mut self, view: &MessageView, reading: &Reading) {
        self.parts(view, reading);
        let Some(layout) = self.known(view, About::Layout) else {
            return;
        };
        if !self.mismatches.is_empty() {
            self.ledger.exceptions.insert(layout);
            self.mismatches.clear();
        }
    }

    fn parts(&mut self, view: &MessageView, reading: &Reading) {
        if !reading.notes.is_empty() && self.gives_up(view, reading) {
            return;
        }
        let subject = match (&view.options[..], reading.fields.is_empty()) {
            ([only], true) => only.subject,
            _ => view.subject,
        };
        self.notes(subject, &view.fields, &reading.notes);
        if reading.fields.is_empty() {
            return self.differ(subject, "reads", "nothing at all".to_owned());
        }
        self.fields(subject, &view.fields, &reading.fields);
        if !self.rules.reads_options(subject) {
            return;
        }
        let given: Vec<&ReadOption> = reading
            .options
            .iter()
            .filter(|option| option.number > 1)
            .collect();
        let numbers: Vec<u8> = view.options.iter().map(|option| option.number).collect();
        let given_numbers: Vec<u8> = given.iter().map(|option| option.number).collect();
        if numbers != given_numbers {
            let detail = format!("{numbers:?} are read as {given_numbers:?}");
            return self.differ(subject, "options", detail);
        }
        for (option, given) in view.options.iter().zip(given) {
            self.option(option, given);
        }
    }

    /// Whether what the oracle says is that it gives up on something that it is known to.
    fn gives_up(&mut self, view: &MessageView, reading: &Reading) -> bool {
        let known = self.known(view, About::GivesUp);
        self.ledger.exceptions.extend(known);
        known.is_some() && reading.made.is_none()
    }

    /// The first exception of this kind for the body or an option.
    fn known(&self, view: &MessageView, kind: About) -> Option<usize> {
        let exceptions = view
            .parts()
            .into_iter()
            .flat_map(|(subject, fields)| self.rules.exceptions(subject, fields));
        let mut of_kind = exceptions.filter(|(_, about)| *about == kind);
        of_kind.next().map(|(index, _)| index)
    }

    fn option(&mut self, option: &OptionView, given: &ReadOption) {
        let subject = option.subject;
        self.notes(subject, &option.fields, &given.notes);
        if let Some(octets) = &given.octets
            && *octets != hex(&option.octets)
        {
            let detail = format!("{} are read as {octets}", hex(&option.octets));
            self.differ(subject, "octets", detail);
        }
        self.fields(subject, &option.fields, &given.fields);
    }

    fn notes(&mut self, subject: Subject, fields: &Fields, notes: &[String]) {
        for note in notes {
            let excepted = self.except(
                subject,
                fields,
                |about| matches!(about, About::Note(text) if note.contains(text)),
            );
            if !excepted {
                self.differ(subject, "complaint", note.clone());
            }
        }
    }

    /// Compares the fields of one option or body.
    pub(crate) fn fields(&mut self, subject: Subject, ours: &Fields, theirs: &Given) {
        let rows = self.rules.rows(subject);
        for (index, row) in rows.iter().copied().enumerate() {
            let (expected, given) = (expected(row, ours), given(row, theirs));
            if !expected.is_empty() || theirs.iter().any(|(name, _)| row.shows(name)) {
                self.ledger.rows.insert((subject, index));
            }
            if agrees(row, &expected, &given) {
                continue;
            }
            let name = row.theirs;
            if !self.except(subject, ours, |about| about == About::Field(name)) {
                self.differ(subject, name, format!("{given:?}, ours is {expected:?}"));
            }
        }
        for (path, leaf) in ours {
            if !covered(path, leaf, &rows) {
                self.differ(subject, path, format!("{leaf:?} is compared with nothing"));
            }
        }
        for (name, leaf) in theirs {
            if !rows.iter().any(|row| row.shows(name)) {
                self.differ(
                    subject,
                    name,
                    format!("{leaf:?} is compared with nothing of ours"),
                );
            }
        }
    }

    fn except(
        &mut self,
        subject: Subject,
        fields: &Fields,
        matches: impl Fn(About) -> bool,
    ) -> bool {
        let exceptions = self.rules.exceptions(subject, fields);
        let found = exceptions.into_iter().find(|(_, about)| matches(*about));
        self.ledger
            .exceptions
            .extend(found.iter().map(|(index, _)| *index));
        found.is_some()
    }

    fn differ(&mut self, subject: Subject, what: &str, detail: String) {
        self.mismatches.push(Mismatch {
            subject,
            what: what.to_owned(),
            detail,
        });
    }
}

/// Compares what the oracle made of `case` with `case`.
pub(crate) fn made(
    rules: &Rules,
    ledger: &mut Ledger,
    case: &Case,
    view: &MessageView,
    made: &str,
) -> Option<Mismatch> {
    let read = Message::decode_slice(&unhex(made), case.context);
    let exact = view
        .options
        .iter()
        .all(|option| (rules.aligns)(option.number));
    if read.as_ref() == Ok(&case.message) && !(exact && made != hex(&case.wire)) {
        return None;
    }
    for kind in [About::Makes, About::Layout] {
        if let Some(index) = Comparison::new(rules, ledger).known(view, kind) {
            ledger.exceptions.insert(index);
            return None;
        }
    }
    let other = read.as_ref().ok().and_then(Message::options);
    let pairs = case
        .message
        .options()
        .into_iter()
        .flatten()
        .zip(other.into_iter().flatten());
    let mut differing = pairs.filter(|(ours, theirs)| ours != theirs);
    Some(Mismatch {
        subject: differing
            .next()
            .map_or(view.subject, |(ours, _)| option_subject(&ours.to_bytes())),
        what: "makes".to_owned(),
        detail: if read.as_ref() == Ok(&case.message) {
            format!("{made}: the same, in other places or with another checksum")
        } else {
            format!("{made}, which we read as {read:?}")
        },
    })
}

/// Our values as the row expects them. Octets of length zero are as good as none.
fn expected(row: &Row, ours: &Fields) -> Vec<Leaf> {
    let leaves = ours
        .iter()
        .filter(|(path, _)| row.looks_at(path))
        .map(|(_, leaf)| leaf);
    let values: Vec<Leaf> = match row.how {
        How::Same | How::Unseen => leaves.cloned().collect(),
        How::Times(factor) => leaves.map(|leaf| scale(leaf, factor)).collect(),
        How::Bits(mask) | How::UnseenBits(mask) => leaves.map(|leaf| pick(leaf, mask)).collect(),
        How::With(f) => leaves.flat_map(f).collect(),
        How::Present => vec![Leaf::Number(leaves.count().min(1) as i128)],
        How::Which => {
            let paths = row.ours.split('|').zip(1..);
            let which = paths.filter(|(path, _)| ours.iter().any(|(of, _)| of == path));
            which.map(|(_, number)| Leaf::Number(number)).collect()
        }
        How::Zero | How::Ignored => Vec::new(),
    };
    values
        .into_iter()
        .filter(|leaf| *leaf != Leaf::Octets(Vec::new()))
        .collect()
}

fn scale(leaf: &Leaf, factor: i128) -> Leaf {
    match leaf {
        Leaf::Number(number) => Leaf::Number(number * factor),
        Leaf::Octets(_) | Leaf::Name(_) => leaf.clone(),
    }
}

fn pick(leaf: &Leaf, mask: i128) -> Leaf {
    match leaf {
        Leaf::Number(number) => Leaf::Number((number & mask) >> mask.trailing_zeros()),
        Leaf::Octets(_) | Leaf::Name(_) => leaf.clone(),
    }
}

fn given(row: &Row, theirs: &Given) -> Vec<GivenLeaf> {
    let leaves = theirs
        .iter()
        .filter(|(name, _)| row.shows(name))
        .map(|(_, leaf)| leaf.clone());
    leaves
        .filter(|leaf| *leaf != GivenLeaf::Hex(String::new()))
        .collect()
}

fn agrees(row: &Row, expected: &[Leaf], given: &[GivenLeaf]) -> bool {
    match row.how {
        How::Ignored | How::Unseen | How::UnseenBits(_) => true,
        How::Zero => given.iter().all(|leaf| value(leaf) == Some(0)),
        How::Bits(_) if expected.is_empty() => given.iter().all(|leaf| value(leaf) == Some(0)),
        How::Same | How::Times(_) | How::Bits(_) | How::With(_) | How::Present | How::Which => {
            expected.len() == given.len()
                && expected
                    .iter()
                    .zip(given)
                    .all(|(ours, theirs)| equal(ours, theirs))
        }
    }
}

fn equal(ours: &Leaf, theirs: &GivenLeaf) -> bool {
    match (ours, theirs) {
        (Leaf::Number(number), theirs) => value(theirs) == Some(*number),
        (Leaf::Octets(octets), GivenLeaf::Hex(digits)) => hex(octets) == *digits,
        (Leaf::Octets(_), GivenLeaf::Number(_)) | (Leaf::Name(_), _) => false,
    }
}

fn value(theirs: &GivenLeaf) -> Option<i128> {
    match theirs {
        GivenLeaf::Number(number) => Some((*number).into()),
        GivenLeaf::Hex(digits) => i128::from_str_radix(digits, 16).ok(),
    }
}

/// Whether some row looks at the leaf, and rows about bits at each that is set.
fn covered(path: &str, leaf: &Leaf, rows: &[&Row]) -> bool {
    let mut about = rows.iter().filter(|row| row.looks_at(path)).peekable();
    if about.peek().is_none() {
        return false;
    }
    let left = about.try_fold(-1i128, |left, row| Some(left & !row.how.mask()?));
    match (left, leaf) {
        (Some(left), Leaf::Number(number)) => number & left == 0,
        _ => true,
    }
}
