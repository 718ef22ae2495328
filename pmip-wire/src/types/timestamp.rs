use core::fmt;
use core::time::Duration;

/// Time since 1970-01-01 00:00 UTC as 48 bits of seconds and 16 bits of fraction
/// (RFC 5213 section 8.8).
///
/// ```
/// use core::time::Duration;
/// use pmip_wire::Timestamp;
///
/// let timestamp = Timestamp::from_unix(Duration::from_millis(1_500));
/// assert_eq!(timestamp.to_bits(), 0x0001_8000);
/// assert_eq!(timestamp.as_unix(), Duration::from_millis(1_500));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct Timestamp(u64);

impl Timestamp {
    /// The timestamp whose 64 bits these are.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// All 64 bits: seconds in the upper 48, units of 1/65536 s in the lower 16.
    pub const fn to_bits(self) -> u64 {
        self.0
    }

    /// The last timestamp not after `unix`, the time since 1970-01-01 00:00 UTC. Seconds above
    /// 48 bits saturate.
    pub const fn from_unix(unix: Duration) -> Self {
        if unix.as_secs() >> 48 != 0 {
            return Self(u64::MAX);
        }
        let fraction = ((unix.subsec_nanos() as u64) << 16).div_euclid(NANOS_PER_SEC);
        Self((unix.as_secs() << 16) | fraction)
    }

    /// Time since 1970-01-01 00:00 UTC, rounded up to a nanosecond so that
    /// [`Timestamp::from_unix`] gives this timestamp back.
    #[allow(clippy::cast_possible_truncation)] // Below a second in nanoseconds: fits 32 bits.
    pub const fn as_unix(self) -> Duration {
        let fraction = self.0 & 0xffff;
        let nanos = fraction.saturating_mul(NANOS_PER_SEC).div_ceil(1 << 16);
        Duration::new(self.0 >> 16, nanos as u32)
    }
}

const NANOS_PER_SEC: u64 = 1_000_000_000;

impl fmt::Display for Timestamp {
    /// Seconds since 1970 with microseconds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unix = self.as_unix();
        write!(f, "{}.{:06}", unix.as_secs(), unix.subsec_micros())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fraction_survives_a_duration() {
        for fraction in 0..=0xffff {
            let timestamp = Timestamp::from_bits((1_700_000_000 << 16) | fraction);
            assert_eq!(Timestamp::from_unix(timestamp.as_unix()), timestamp);
        }
    }

    #[test]
    fn the_ends_of_time_saturate() {
        assert_eq!(Timestamp::from_unix(Duration::MAX).to_bits(), u64::MAX);
        assert_eq!(Timestamp::from_unix(Duration::ZERO).to_bits(), 0);
        assert_eq!(
            Timestamp::from_bits(u64::MAX).as_unix().as_secs(),
            (1 << 48) - 1
        );
    }

    #[test]
    fn later_times_are_greater() {
        let step = Duration::from_micros(16);
        let base = Duration::new(1_700_000_000, 999_990_000);
        assert!(Timestamp::from_unix(base) < Timestamp::from_unix(base + step));
    }
}
