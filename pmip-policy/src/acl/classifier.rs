use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::array::from_fn;

use super::axis::{Axis, MAX_TESTS};
use super::fields::{Fields, Word};
use super::test::{Ranges, Test};

/// Finds the tests of a family that a packet passes, in their order.
///
/// Few tests are tried in turn, unless 32 bits of the destination already say that none can match. Many
/// are found by bit vectors (Lakshman and Stiliadis): each field's table gives a row of bits, one per
/// test, and their `and` are the tests that match.
#[derive(Debug)]
pub(super) struct Classifier<A> {
    tests: Box<[Test<A>]>,
    /// None where the tests are many.
    sieve: Sieve,
    /// One per [`MAX_TESTS`] tests; none where the tests are few.
    tables: Box<[Table<A>]>,
}

/// More tests than this get tables: here the two ways meet (`cargo bench -p pmip-policy -- rules`).
const LINEAR_MAX: usize = 24;

impl<A: Word> Classifier<A> {
    pub(super) fn new(tests: Vec<Test<A>>) -> Self {
        let many = tests.len() > LINEAR_MAX;
        let tables = tests.chunks(MAX_TESTS).filter(|_| many).map(Table::new);
        Self {
            tables: tables.collect(),
            sieve: Sieve::new(if many { &[] } else { &tests }),
            tests: tests.into_boxed_slice(),
        }
    }

    /// Calls `found` with each test that the packet passes, from the first on, until it says where
    /// not to go on: it returns the next test worth a look, or `None` to end.
    #[inline]
    pub(super) fn search(&self, packet: &Fields<A>, found: impl FnMut(usize) -> Option<usize>) {
        if !self.tables.is_empty() {
            return self.search_tables(packet, found);
        }
        if self.sieve.holds(packet.destination) {
            self.search_tests(packet, found);
        }
    }

    #[inline(never)]
    fn search_tests(&self, packet: &Fields<A>, mut found: impl FnMut(usize) -> Option<usize>) {
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

    #[inline(never)]
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

/// A few tests' destinations cut down to the 32 bits that tell most of them apart: most packets meet
/// none, and are told so at once.
#[derive(Debug)]
struct Sieve {
    shift: u32,
    windows: Box<[Windows]>,
}

/// Windows that are looked at side by side.
#[derive(Clone, Copy, Debug)]
struct Windows {
    values: [u32; 4],
    masks: [u32; 4],
}

impl Sieve {
    fn new<A: Word>(tests: &[Test<A>]) -> Self {
        let windows = |shift| tests.iter().map(move |test| test.destination.window(shift));
        let distinct = |shift: &u32| windows(*shift).collect::<BTreeSet<_>>().len();
        let shifts = (0..A::MAX.width()).step_by(32);
        let shift = shifts.max_by_key(distinct).unwrap_or(0);
        let windows: Vec<_> = windows(shift).collect();
        Self {
            shift,
            windows: windows.chunks(4).map(Windows::new).collect(),
        }
    }

    /// Whether any test may hold the address.
    #[inline]
    fn holds<A: Word>(&self, address: A) -> bool {
        let bits = address.low_bits(self.shift);
        let windows = self.windows.iter();
        windows.fold(false, |held, windows| held | windows.hold(bits))
    }
}

impl Windows {
    /// Of one to four; places left over repeat the first.
    fn new(windows: &[(u32, u32)]) -> Self {
        let at = |at| {
            windows
                .get(at)
                .or_else(|| windows.first())
                .copied()
                .unwrap_or_default()
        };
        Self {
            values: from_fn(|place| at(place).0),
            masks: from_fn(|place| at(place).1),
        }
    }

    #[inline]
    fn hold(&self, bits: u32) -> bool {
        let windows = self.values.iter().zip(&self.masks);
        windows.fold(false, |held, (value, mask)| held | (bits & mask == *value))
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
