use std::time::Duration;

use pmip_wire::stamp::ErrorEstimate;
use pmip_wire::types::{Instant, ProbeTimestamp, TimestampFormat};

/// Ties [`Instant`] to wall-clock time, which timestamps in probes tell.
///
/// Round-trip time, loss and jitter need no exact wall clock; delay in one direction needs both
/// ends' clocks [in step](Self::with_in_step).
///
/// ```
/// use std::time::Duration;
/// use pmip_sla::Clock;
/// use pmip_wire::types::Instant;
///
/// let clock = Clock::new(Instant::from_secs(5), Duration::from_secs(1_700_000_000));
/// assert_eq!(clock.unix_at(Instant::from_secs(7)), Duration::from_secs(1_700_000_002));
/// assert_eq!(clock.unix_at(Instant::from_secs(4)), Duration::from_secs(1_699_999_999));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    instant: Instant,
    unix: Duration,
    format: TimestampFormat,
    in_step: bool,
}

/// 2^22 * 2^-32 s is about a millisecond.
const ERROR_SCALE: u8 = 22;

impl Clock {
    /// A clock that showed `unix`, the time since 1970-01-01 00:00 UTC, at `instant`.
    pub const fn new(instant: Instant, unix: Duration) -> Self {
        Self {
            instant,
            unix,
            format: TimestampFormat::Ntp,
            in_step: false,
        }
    }

    /// Writes timestamps in `format` (default NTP).
    #[must_use]
    pub const fn with_format(mut self, format: TimestampFormat) -> Self {
        self.format = format;
        self
    }

    /// Says whether this clock is in step with UTC, as NTP or PTP keep it (default no).
    #[must_use]
    pub const fn with_in_step(mut self, in_step: bool) -> Self {
        self.in_step = in_step;
        self
    }

    /// The format of its timestamps.
    pub const fn format(&self) -> TimestampFormat {
        self.format
    }

    /// Whether it is in step with UTC.
    pub const fn is_in_step(&self) -> bool {
        self.in_step
    }

    /// The time since 1970-01-01 00:00 UTC at `now`.
    pub fn unix_at(&self, now: Instant) -> Duration {
        let ahead = now.saturating_since(self.instant);
        let behind = self.instant.saturating_since(now);
        self.unix.saturating_add(ahead).saturating_sub(behind)
    }

    /// The timestamp of `now`.
    pub fn timestamp(&self, now: Instant) -> ProbeTimestamp {
        ProbeTimestamp::from_unix(self.unix_at(now), self.format)
    }

    /// Milliseconds since midnight UTC.
    pub(crate) fn millis_of_day(&self, now: Instant) -> u32 {
        u32::try_from(self.unix_at(now).as_millis() % 86_400_000).unwrap_or(0)
    }

    /// The error estimate of its timestamps (RFC 8762 section 4.2.1): a millisecond, which is what
    /// a clock kept by NTP is good for.
    pub(crate) fn error_estimate(&self) -> ErrorEstimate {
        ErrorEstimate::new(self.in_step, self.format, ERROR_SCALE, 1).unwrap_or_default()
    }

    /// Nanoseconds from `sent` by this clock to `other` by another, which is in `format`.
    pub(crate) fn nanos_to(
        &self,
        sent: Instant,
        other: ProbeTimestamp,
        format: TimestampFormat,
    ) -> i64 {
        let sent = ProbeTimestamp::from_unix(self.unix_at(sent), format);
        other.nanos_since(sent, format)
    }
}
