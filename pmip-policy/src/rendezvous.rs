//! Weighted rendezvous hashing in integers.
//!
//! Every path draws a number from the flow's hash and its own identifier, as if rolling its own die
//! for each flow; the lowest `-ln(u) / weight` wins, with `u` uniform in (0, 1]. Such draws are
//! exponential with rate `weight`, so a path wins in the share `weight / sum of weights`, and:
//!
//! - removing a path moves only the flows that were on it;
//! - adding one moves only the flows that it wins;
//! - raising a weight moves flows only towards that path, lowering it only away from it, in both
//!   cases exactly the difference of the shares.
//!
//! The three hold exactly, since draws of different paths never touch each other and the comparison
//! is exact. The logarithm is an integer one ([`neg_ln`]), so that every platform agrees; its error
//! is below 1e-7 of the value, so the shares differ from `weight / sum` by less than 1e-7. What one
//! sees over n flows is the sampling noise of n throws: about `100 * sqrt(s * (1 - s) / n)`
//! percentage points for a share s, for example 0.43 points at 3:1 over 10,000 flows.

use pmip_wire::types::PathId;

/// The winner among weighted paths for a flow's hash; `None` when there is no path.
///
/// Weights are relative; 0 counts as 1. The order of the candidates does not matter.
///
/// ```
/// use pmip_policy::rendezvous;
/// use pmip_wire::types::PathId;
///
/// let paths = [(PathId(1), 75), (PathId(2), 25)];
/// let on_first = (0..10_000u64)
///     .filter(|&flow| rendezvous::pick(flow, paths) == Some(PathId(1)))
///     .count();
/// assert!((7_300..7_700).contains(&on_first));
/// ```
#[inline]
pub fn pick(hash: u64, candidates: impl IntoIterator<Item = (PathId, u32)>) -> Option<PathId> {
    let mut best: Option<(Draw, PathId)> = None;
    for (path, weight) in candidates {
        let draw = Draw::new(hash, path, weight);
        let wins = best.is_none_or(|(leader, leader_path)| {
            draw.beats(&leader) || (!leader.beats(&draw) && path < leader_path)
        });
        if wins {
            best = Some((draw, path));
        }
    }
    best.map(|(_, path)| path)
}

/// A path's unweighted draw for a hash: the lower, the stronger its claim.
pub(crate) fn draw(hash: u64, path: PathId) -> u64 {
    neg_ln(mix(hash, path))
}

/// One path's draw for one flow: an exponential variable with rate `weight`.
#[derive(Clone, Copy)]
struct Draw {
    neg_ln: u64,
    weight: u32,
}

impl Draw {
    #[inline]
    fn new(hash: u64, path: PathId, weight: u32) -> Self {
        Self {
            neg_ln: neg_ln(mix(hash, path)),
            weight: weight.max(1),
        }
    }

    /// `a / wa < b / wb` without dividing: 64 times 32 bits fit into 96.
    #[inline]
    fn beats(&self, other: &Self) -> bool {
        u128::from(self.neg_ln) * u128::from(other.weight)
            < u128::from(other.neg_ln) * u128::from(self.weight)
    }
}

/// The flow's draw for one path as 64 uniform bits: the finaliser of SplitMix64 over the flow's hash
/// moved by a path-dependent odd step, so that paths with neighbouring numbers are unrelated.
#[inline]
fn mix(hash: u64, path: PathId) -> u64 {
    let step = (u64::from(path.0) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut z = hash.wrapping_add(step);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Fractional bits of [`neg_ln`]: its greatest value, `64 ln 2` = 44.4, needs six integer bits.
const FRACTION: u32 = 58;

/// Intervals that `[1/2, 1)` is cut into.
const INTERVALS: usize = 128;

/// `-ln(draw / 2^64)` with 58 fractional bits, never 0; a draw of 0 counts as 1.
///
/// The draw is `2^-z * m` with `m` in `[1/2, 1)`. `m` lies `e` (relatively, at most 1/129) below the
/// upper end `b` of its interval, so `-ln m = -ln b - ln(1 - e)`: a table entry plus four terms of
/// the series. Both addends are positive and the topmost table entry is 0, so small values, which
/// decide the race, keep their relative precision.
#[inline]
pub fn neg_ln(draw: u64) -> u64 {
    let draw = draw.max(1);
    let zeros = draw.leading_zeros();
    let mantissa = draw << zeros;
    let index = ((mantissa >> 56) & 0x7f) as usize;
    let (table, reciprocal) = TABLE[index];
    // 2^56 is the width of an interval; the distance to its upper end is in (0, 2^56].
    let distance = (1 << 56) - (mantissa & ((1 << 56) - 1));
    let e = high(distance, reciprocal); // 63 fractional bits
    let e2 = high(e, e) << 1;
    let e3 = high(e2, e) << 1;
    let e4 = high(e2, e2) << 1;
    let series = e + e2 / 2 + e3 / 3 + e4 / 4;
    let sum = u64::from(zeros) * LN_2 + table + (series >> (63 - FRACTION));
    sum.max(1)
}

/// The upper 64 bits of the product.
#[inline]
const fn high(a: u64, b: u64) -> u64 {
    ((a as u128 * b as u128) >> 64) as u64
}

/// ln 2 with [`FRACTION`] bits.
const LN_2: u64 = ln_ratio(2, 1);

/// Per interval: `-ln b` with [`FRACTION`] bits, and `2^71 / (129 + index)`, which turns a distance
/// into `e`.
static TABLE: [(u64, u64); INTERVALS] = table();

const fn table() -> [(u64, u64); INTERVALS] {
    let mut table = [(0, 0); INTERVALS];
    let mut index = 0;
    while index < INTERVALS {
        let upper = 129 + index as u64;
        let reciprocal = ((1u128 << 71) / upper as u128) as u64;
        table[index] = (ln_ratio(256, upper), reciprocal);
        index += 1;
    }
    table
}

/// `ln(a / b)` for `b <= a <= 2 b` with [`FRACTION`] bits: `2 atanh((a - b) / (a + b))`.
const fn ln_ratio(a: u64, b: u64) -> u64 {
    const INNER: u32 = 64;
    // z is at most 1/3, so products of two such numbers fit 128 bits.
    let z = (((a - b) as u128) << INNER) / (a + b) as u128;
    let z2 = (z * z) >> INNER;
    let mut power = z;
    let mut sum = 0;
    let mut n = 1;
    while n < 81 {
        sum += power / n;
        power = (power * z2) >> INNER;
        n += 2;
    }
    let shift = INNER - FRACTION - 1;
    ((sum + (1 << (shift - 1))) >> shift) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The stated bound of the integer logarithm against the platform's floating one.
    #[test]
    fn neg_ln_is_within_1e_7_of_the_value() {
        let mut draw = 1u64;
        for step in 0..200_000u64 {
            draw = draw
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(step);
            for value in [draw, draw >> (step % 60), !(draw >> (step % 40))] {
                check(value.max(1));
            }
        }
        for value in [1, 2, 3, 1 << 63, (1 << 63) - 1, u64::MAX - (1 << 40)] {
            check(value);
        }
    }

    fn check(value: u64) {
        // ln_1p of the distance keeps precision where the value is near 2^64.
        let two_64 = 18_446_744_073_709_551_616.0;
        let exact = if value > 1 << 63 {
            -(-((u64::MAX - value) as f64 + 1.0) / two_64).ln_1p()
        } else {
            -(value as f64 / two_64).ln()
        };
        let ours = neg_ln(value) as f64 / (1u64 << FRACTION) as f64;
        let quantum = 4.0 / (1u64 << FRACTION) as f64;
        assert!(
            (ours - exact).abs() <= exact * 1e-7 + quantum,
            "{value}: {ours} against {exact}"
        );
    }

    #[test]
    fn neg_ln_falls_as_the_draw_rises() {
        // Across every interval border, where a table error would show as a step upwards.
        for zeros in 0..56u32 {
            for index in 0..128u64 {
                let border = ((128 + index) << 56) >> zeros;
                assert!(neg_ln(border - 1) >= neg_ln(border), "at {border}");
            }
        }
    }

    #[test]
    fn the_extremes_are_defined() {
        assert_eq!(neg_ln(0), neg_ln(1));
        assert!(neg_ln(u64::MAX) >= 1);
        assert_eq!(pick(0, []), None);
    }

    #[test]
    fn the_order_of_candidates_does_not_matter() {
        let forward = [(PathId(1), 5), (PathId(2), 9), (PathId(3), 1)];
        let mut backward = forward;
        backward.reverse();
        for hash in 0..1_000u64 {
            assert_eq!(pick(hash, forward), pick(hash, backward));
        }
    }

    #[test]
    fn a_weight_of_zero_counts_as_one() {
        for hash in 0..1_000u64 {
            let zero = pick(hash, [(PathId(1), 0), (PathId(2), 3)]);
            assert_eq!(zero, pick(hash, [(PathId(1), 1), (PathId(2), 3)]));
        }
    }
}
