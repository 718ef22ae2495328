use alloc::boxed::Box;
use alloc::vec::Vec;

use super::axis::{Axis, MAX_TESTS};
use super::fields::{Fields, Word};
use super::test::{Ranges, Test};

/// Finds the tests of a family that a packet passes, in their order.
///
/// Few tests are tried one after the other. Many are found by bit vectors (Lakshman and Stiliadis):
/// each field's table gives a row of bits, one per test, and their `and` are the tests that match.
#[derive(Debug)]
pub(super) struct Classifier<A> {
    tests: Box<[Test<A>]>,
    /// One per [`MAX_TESTS`] tests; none where the tests are few.
    tables: Box<[Table<A>]>,
}

/// More tests than this get tables. `cargo bench -p pmip-policy --bench classify` shows where the
/// two ways meet.
pub(super) const LINEAR_MAX: usize = 24;

impl<A: Word> Classifier<A> {
    pub(super) fn new(tests: Vec<Test<A>>) -> Self {
        Self::with_linear_max(tests, LINEAR_MAX)
    }

    pub(super) fn with_linear_max(tests: Vec<Test<A>>, linear_max: usize) -> Self {
        let tables = if tests.len() > linear_max {
            tests.chunks(MAX_TESTS).map(Table::new).collect()
        } else {
            Box::default()
        };
        Self {
            tests: tests.into_boxed_slice(),
            tables,
        }
    }

    /// Calls `found` with each test that the packet passes, from the first on, until it says where
    /// not to go on: it returns the next test worth a look, or `None` to end.
    #[inline]
    pub(super) fn search(&self, packet: &Fields<A>, mut found: impl FnMut(usize) -> Option<usize>) {
        if !self.tables.is_empty() {
            return self.search_tables(packet, found);
        }
        let mut at = 0;
        while let Some(test) = self.tests.get(at) {
            at = if test.matches(packet) {
                match found(at) {
                    Some(next) => next,
                    None => return,
                }
            } else {
                at + 1
            };
        }
    }

    fn search_tables(&self, packet: &Fields<A>, mut found: impl FnMut(usize) -> Option<usize>) {
        let mut from = 0;
        for (number, table) in self.tables.iter().enumerate() {
            let first = number * MAX_TESTS;
            if from >= first + MAX_TESTS {
                continue;
            }
            let rows = table.rows(packet);
            while let Some(at) = rows.next(from.saturating_sub(first)) {
                let at = first + at;
                if !table.exact && !self.tests[at].matches(packet) {
                    from = at + 1;
                    continue;
                }
                match found(at) {
                    Some(next) => from = next,
                    None => return,
                }
            }
        }
    }
}

/// The tables of all fields.
#[derive(Debug)]
struct Table<A> {
    source: Axis<A>,
    destination: Axis<A>,
    source_port: Axis<u16>,
    destination_port: Axis<u16>,
    /// Protocol, code point, and whether the connection is open.
    rest: Rest,
    /// Whether the bits say it all. A mask that is no prefix has no range: such a field lets
    /// everything pass here and the test itself is asked.
    exact: bool,
}

/// The small fields.
#[derive(Debug)]
struct Rest {
    protocol: Axis<u8>,
    dscp: Axis<u8>,
    established: Axis<u8>,
    /// Whether any test asks for them: few lists do.
    used: bool,
}

impl<A: Word> Table<A> {
    fn new(tests: &[Test<A>]) -> Self {
        let whole = (A::ZERO, A::MAX);
        let exact = tests
            .iter()
            .all(|test| test.source.range().is_some() && test.destination.range().is_some());
        Self {
            source: axis(tests, |test| one(test.source.range().unwrap_or(whole))),
            destination: axis(tests, |test| one(test.destination.range().unwrap_or(whole))),
            source_port: axis(tests, |test| test.source_port.ranges()),
            destination_port: axis(tests, |test| test.destination_port.ranges()),
            rest: Rest {
                protocol: axis(tests, |test| one(test.protocol.range())),
                dscp: axis(tests, |test| one(test.dscp.range())),
                established: axis(tests, |test| one((u8::from(test.established), 1))),
                used: tests
                    .iter()
                    .any(|test| test.established || test.dscp.range() != (0, u8::MAX)),
            },
            exact,
        }
    }

    #[inline]
    fn rows(&self, packet: &Fields<A>) -> Rows<'_> {
        let small = self.rest.used.then(|| {
            [
                self.rest.dscp.row(packet.dscp),
                self.rest.established.row(packet.established.into()),
            ]
        });
        let rows = [
            self.destination.row(packet.destination),
            self.source.row(packet.source),
            self.destination_port.row(packet.destination_port),
            self.source_port.row(packet.source_port),
            self.rest.protocol.row(packet.protocol),
        ];
        Rows { rows, small }
    }
}

fn axis<A, T: Word>(tests: &[Test<A>], of: impl Fn(&Test<A>) -> Ranges<T>) -> Axis<T> {
    let ranges: Vec<_> = tests.iter().map(of).collect();
    Axis::new(&ranges)
}

fn one<T>(range: (T, T)) -> Ranges<T> {
    core::iter::once(range).collect()
}

/// The rows of one packet's fields.
struct Rows<'a> {
    rows: [&'a [u64]; 5],
    small: Option<[&'a [u64]; 2]>,
}

impl Rows<'_> {
    /// The first test from `from` on that all rows hold.
    #[inline]
    fn next(&self, from: usize) -> Option<usize> {
        let (word, bit) = (from / 64, from % 64);
        let mut words = self.and(0) & u64::MAX.checked_shl(word as u32).unwrap_or(0);
        while words != 0 {
            let at = words.trailing_zeros() as usize;
            let mut bits = self.and(1 + at);
            if at == word {
                bits &= u64::MAX << bit;
            }
            if bits != 0 {
                return Some(at * 64 + bits.trailing_zeros() as usize);
            }
            words &= words - 1;
        }
        None
    }

    #[inline]
    fn and(&self, word: usize) -> u64 {
        let bits = self
            .rows
            .iter()
            .fold(u64::MAX, |bits, row| bits & row[word]);
        match &self.small {
            Some(rows) => rows.iter().fold(bits, |bits, row| bits & row[word]),
            None => bits,
        }
    }
}
