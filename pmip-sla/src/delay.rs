use std::time::Duration;

/// Sums over delays: number, sum, sum of squares, least and greatest.
///
/// Kept as sums, so that statistics of two stretches of time add up to those of the whole.
///
/// ```
/// use std::time::Duration;
/// use pmip_sla::DelayStatistics;
///
/// let mut rtt = DelayStatistics::default();
/// for ms in [20, 30, 70] {
///     rtt.add(Duration::from_millis(ms));
/// }
/// assert_eq!(rtt.average(), Some(Duration::from_millis(40)));
/// // Squares: 400 + 900 + 4900 = 6200, so the variance is 6200/3 - 40^2 = 466.67 ms^2.
/// assert_eq!(rtt.standard_deviation().map(|d| d.as_micros()), Some(21_602));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DelayStatistics {
    count: u64,
    sum: u64,
    /// In square nanoseconds, which outgrow 64 bits within 18 squared seconds.
    sum_of_squares: u128,
    extremes: Option<(u64, u64)>,
}

impl DelayStatistics {
    /// Counts one delay. Delays above 584 years count as that long.
    pub fn add(&mut self, delay: Duration) {
        let nanos = nanos(delay);
        self.count = self.count.saturating_add(1);
        self.sum = self.sum.saturating_add(nanos);
        self.sum_of_squares = self
            .sum_of_squares
            .saturating_add(u128::from(nanos) * u128::from(nanos));
        self.widen(Some((nanos, nanos)));
    }

    /// Counts everything that `other` counted.
    pub fn merge(&mut self, other: &Self) {
        self.count = self.count.saturating_add(other.count);
        self.sum = self.sum.saturating_add(other.sum);
        self.sum_of_squares = self.sum_of_squares.saturating_add(other.sum_of_squares);
        self.widen(other.extremes);
    }

    /// Counts `zeros` delays of nothing.
    pub(crate) fn add_zeros(&mut self, zeros: u64) {
        self.count = self.count.saturating_add(zeros);
        self.widen((zeros > 0).then_some((0, 0)));
    }

    /// How many were counted.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Their sum.
    pub const fn sum(&self) -> Duration {
        Duration::from_nanos(self.sum)
    }

    /// The sum of their squares, in square nanoseconds.
    pub const fn sum_of_squares(&self) -> u128 {
        self.sum_of_squares
    }

    /// The least; `None` when there is none.
    pub fn min(&self) -> Option<Duration> {
        self.extremes.map(|(min, _)| Duration::from_nanos(min))
    }

    /// The greatest.
    pub fn max(&self) -> Option<Duration> {
        self.extremes.map(|(_, max)| Duration::from_nanos(max))
    }

    /// The mean, rounded down to a nanosecond.
    pub fn average(&self) -> Option<Duration> {
        self.sum.checked_div(self.count).map(Duration::from_nanos)
    }

    /// The population's standard deviation, rounded down to a nanosecond.
    pub fn standard_deviation(&self) -> Option<Duration> {
        let count = u128::from(self.count);
        // n * sum(x^2) - sum(x)^2 is n^2 times the variance, and never negative.
        let scaled = self
            .sum_of_squares
            .checked_mul(count)?
            .checked_sub(u128::from(self.sum).pow(2))?;
        let deviation = scaled.isqrt().checked_div(count)?;
        u64::try_from(deviation).ok().map(Duration::from_nanos)
    }

    fn widen(&mut self, other: Option<(u64, u64)>) {
        self.extremes = match (self.extremes, other) {
            (Some((min, max)), Some((low, high))) => Some((min.min(low), max.max(high))),
            (ours, theirs) => ours.or(theirs),
        };
    }
}

/// Whole nanoseconds, at most 584 years.
pub(crate) fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}
