use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;

use super::fields::Word;
use super::test::Ranges;

/// One field's table: the field's values fall into intervals, and each interval has a row that says
/// which tests its values pass.
///
/// A row is a *summary* and then one bit per test; bit `w` of the summary says that word `w` of the
/// row is not 0, so that one `and` over the summaries of all fields finds the few words that matter.
///
/// The interval of a value is found by a trie that skips what all its intervals have in common: two
/// or three steps for a thousand rules, where a binary search takes eleven.
#[derive(Debug)]
pub(super) struct Axis<T> {
    root: Cell,
    nodes: Vec<Node<T>>,
    cells: Vec<Cell>,
    /// Equal rows are stored once.
    rows: Box<[u64]>,
    /// Words of a row, its summary included.
    stride: usize,
}

/// Most tests of one table: as many as 64 words of bits hold, for the summary is one word.
pub(super) const MAX_TESTS: usize = 64 * 64;

/// Where to go on: a node, or with the uppermost bit set, the row of the interval. A table has at
/// most 8,194 intervals of 65 words and fewer nodes, so either fits.
#[derive(Clone, Copy, Debug)]
struct Cell(u32);

const LEAF: u32 = 1 << 31;

/// Parts values between two starts of intervals.
#[derive(Clone, Copy, Debug)]
struct Node<T> {
    /// The first start: lower values go `before`.
    first: T,
    /// The last start: it and higher values go `after`.
    last: T,
    before: Cell,
    after: Cell,
    /// What tells the values between apart: so many bits, so far up.
    shift: u32,
    mask: u32,
    /// Where the node's cells begin.
    cells: u32,
}

/// Most bits that one node looks at.
const MAX_BITS: u32 = 10;

impl<T: Word> Axis<T> {
    /// The table of tests whose values are `ranges`.
    pub(super) fn new(ranges: &[Ranges<T>]) -> Self {
        let mut starts = vec![T::ZERO];
        for (first, last) in ranges.iter().flatten() {
            starts.push(*first);
            starts.extend(last.next());
        }
        starts.sort_unstable();
        starts.dedup();
        let stride = 1 + ranges.len().div_ceil(64);
        let mut rows = Vec::new();
        let mut known: BTreeMap<Vec<u64>, Cell> = BTreeMap::new();
        let mut intervals: Vec<(T, Cell)> = Vec::new();
        for start in starts {
            let row = row(start, ranges, stride);
            let cell = *known.entry(row).or_insert_with_key(|row| {
                let at = rows.len() as u32;
                rows.extend_from_slice(row);
                Cell(at | LEAF)
            });
            // Neighbours with one row are one interval.
            if intervals.last().is_none_or(|(_, last)| last.0 != cell.0) {
                intervals.push((start, cell));
            }
        }
        let mut axis = Self {
            root: Cell(LEAF),
            nodes: Vec::new(),
            cells: Vec::new(),
            rows: rows.into_boxed_slice(),
            stride,
        };
        if let Some(((_, least), others)) = intervals.split_first() {
            axis.root = axis.part(*least, others);
        }
        axis
    }

    /// The row of a value.
    #[inline]
    pub(super) fn row(&self, value: T) -> &[u64] {
        let mut cell = self.root;
        while cell.0 & LEAF == 0 {
            let node = &self.nodes[cell.0 as usize];
            cell = if value < node.first {
                node.before
            } else if value >= node.last {
                node.after
            } else {
                let at = value.low_bits(node.shift) & node.mask;
                self.cells[(node.cells + at) as usize]
            };
        }
        let at = (cell.0 & !LEAF) as usize;
        &self.rows[at..at + self.stride]
    }

    /// What leads to these intervals; lower values are of the interval `before`.
    fn part(&mut self, before: Cell, intervals: &[(T, Cell)]) -> Cell {
        let ([(first, _), ..], [.., (last, after)]) = (intervals, intervals) else {
            return before;
        };
        let (differing, bits) = span(*first, *last, intervals.len());
        let shift = differing - bits;
        let mask = (1u32 << bits) - 1;
        let cells = self.cells.len() as u32;
        let at = self.nodes.len();
        self.nodes.push(Node {
            first: *first,
            last: *last,
            before,
            after: *after,
            shift,
            mask,
            cells,
        });
        if first == last {
            return Cell(at as u32);
        }
        self.cells.extend((0..=mask).map(|_| before));
        let cell_of = |start: &T| start.low_bits(shift) & mask;
        let mut from = 0;
        let mut reached = before;
        for cell in 0..=mask {
            let inside = intervals[from..].iter();
            let inside = inside.take_while(|(start, _)| cell_of(start) <= cell);
            let to = from + inside.count();
            // A start at the very beginning of the cell holds for all of it.
            let begins = intervals[from..to]
                .first()
                .is_some_and(|(start, _)| start.is_multiple_of(shift));
            if begins {
                reached = intervals[from].1;
                from += 1;
            }
            let child = self.part(reached, &intervals[from..to]);
            self.cells[(cells + cell) as usize] = child;
            if let Some((_, last)) = intervals[from..to].last() {
                reached = *last;
            }
            from = to;
        }
        Cell(at as u32)
    }
}

/// How many bits from the lowest up tell `first` and `last` apart, and how many of these, from
/// above, a node for so many intervals looks at.
fn span<T: Word>(first: T, last: T, intervals: usize) -> (u32, u32) {
    let differing = (first ^ last).width();
    let wanted = intervals.next_power_of_two().trailing_zeros() + 2;
    (differing, wanted.min(MAX_BITS).min(differing))
}

fn row<T: Copy + Ord>(value: T, ranges: &[Ranges<T>], stride: usize) -> Vec<u64> {
    let mut row = vec![0u64; stride];
    for (test, ranges) in ranges.iter().enumerate() {
        if ranges
            .iter()
            .any(|(first, last)| *first <= value && value <= *last)
        {
            row[1 + test / 64] |= 1 << (test % 64);
            row[0] |= 1 << (test / 64);
        }
    }
    row
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// A wrong step in the trie would lead some value near a border to another's row.
        #[test]
        fn each_value_finds_its_row(
            ranges in prop::collection::vec((any::<u16>(), 0u16..600), 0..150),
            values in prop::collection::vec(any::<u16>(), 50),
        ) {
            let range = |(first, span): &(u16, u16)| {
                core::iter::once((*first, first.saturating_add(*span))).collect()
            };
            let ranges: Vec<Ranges<u16>> = ranges.iter().map(range).collect();
            let axis = Axis::new(&ranges);
            let borders = ranges.iter().flatten().flat_map(|(first, last)| {
                [first.saturating_sub(1), *first, *last, last.saturating_add(1)]
            });
            for value in borders.chain(values).chain([0, u16::MAX]) {
                prop_assert_eq!(axis.row(value), row(value, &ranges, axis.stride), "{}", value);
            }
        }
    }
}
