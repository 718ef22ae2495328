use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;

use super::test::Ranges;

/// One field's table: the field's values fall into intervals, and each interval has a row that says
/// which tests its values pass.
///
/// A row is a *summary* and then one bit per test; bit `w` of the summary says that word `w` of the
/// row is not 0, so that one `and` over the summaries of all fields finds the few words that matter.
#[derive(Debug)]
pub(super) struct Axis<T> {
    /// Where intervals begin, ascending; the first is the least value.
    starts: Box<[T]>,
    /// Where the row of each interval begins in `rows`. Equal rows are stored once.
    row_of: Box<[u32]>,
    rows: Box<[u64]>,
    /// Words of a row, its summary included.
    stride: usize,
}

/// Most tests of one table: as many as 64 words of bits hold, for the summary is one word.
pub(super) const MAX_TESTS: usize = 64 * 64;

impl<T: Copy + Ord> Axis<T> {
    /// The table of tests whose values are `ranges`; `next` is the value after another, `None` after
    /// the greatest.
    pub(super) fn new(least: T, next: impl Fn(T) -> Option<T>, ranges: &[Ranges<T>]) -> Self {
        let mut starts = vec![least];
        for (first, last) in ranges.iter().flatten() {
            starts.push(*first);
            starts.extend(next(*last));
        }
        starts.sort_unstable();
        starts.dedup();
        let stride = 1 + ranges.len().div_ceil(64);
        let mut rows = Vec::new();
        let mut known: BTreeMap<Vec<u64>, u32> = BTreeMap::new();
        let row_of = starts
            .iter()
            .map(|start| {
                let row = row(*start, ranges, stride);
                *known.entry(row).or_insert_with_key(|row| {
                    let at = rows.len();
                    rows.extend_from_slice(row);
                    // 8,194 intervals of 65 words at most.
                    at as u32
                })
            })
            .collect();
        Self {
            starts: starts.into_boxed_slice(),
            row_of,
            rows: rows.into_boxed_slice(),
            stride,
        }
    }

    /// The row of a value.
    #[inline]
    pub(super) fn row(&self, value: T) -> &[u64] {
        let interval = self.starts.partition_point(|start| *start <= value);
        // The first interval begins at the least value.
        let at = self.row_of[interval.saturating_sub(1)] as usize;
        &self.rows[at..at + self.stride]
    }
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
