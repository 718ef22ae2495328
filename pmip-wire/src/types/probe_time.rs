use core::time::Duration;

/// How the 64 bits of a [`ProbeTimestamp`] are read. Both ends of a measurement agree on one
/// (RFC 6812 section 3.2), or each says which it uses (RFC 8762 section 4.2.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[non_exhaustive]
pub enum TimestampFormat {
    /// Seconds since 1900-01-01 00:00 UTC and units of 2^-32 s (RFC 5905 section 6).
    #[default]
    Ntp,
    /// Seconds since 1970-01-01 00:00 and nanoseconds: the PTPv2 format cut to 64 bits
    /// (IEEE 1588-2008). Its seconds are those of TAI where the clock is; nothing is converted.
    Ptp,
}

/// The 64 bits of a timestamp in a measurement packet, of the format that the ends agreed on.
///
/// ```
/// use core::time::Duration;
/// use pmip_wire::types::{ProbeTimestamp, TimestampFormat};
///
/// let sent = ProbeTimestamp::from_unix(Duration::from_millis(1_500), TimestampFormat::Ptp);
/// assert_eq!(sent.to_bits(), 0x0000_0001_1dcd_6500);
/// let back = ProbeTimestamp::from_unix(Duration::from_millis(1_750), TimestampFormat::Ptp);
/// assert_eq!(back.nanos_since(sent, TimestampFormat::Ptp), 250_000_000);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct ProbeTimestamp(u64);

/// Seconds from 1900-01-01 to 1970-01-01 (RFC 5905 figure 4).
const NTP_UNIX_OFFSET: u64 = 2_208_988_800;
const NANOS_PER_SEC: u64 = 1_000_000_000;

impl ProbeTimestamp {
    /// Not set.
    pub const ZERO: Self = Self(0);

    /// The timestamp whose 64 bits these are.
    #[inline]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// All 64 bits, the seconds in the upper 32.
    #[inline]
    pub const fn to_bits(self) -> u64 {
        self.0
    }

    /// The last timestamp not after `unix`, the time since 1970-01-01 00:00; seconds wrap at 32
    /// bits, which NTP does in 2036.
    pub const fn from_unix(unix: Duration, format: TimestampFormat) -> Self {
        let nanos = unix.subsec_nanos() as u64;
        let (seconds, fraction) = match format {
            TimestampFormat::Ntp => (
                unix.as_secs().wrapping_add(NTP_UNIX_OFFSET),
                (nanos << 32).div_euclid(NANOS_PER_SEC),
            ),
            TimestampFormat::Ptp => (unix.as_secs(), nanos),
        };
        Self((seconds << 32) | fraction)
    }

    /// Time since 1970-01-01 00:00. NTP seconds are taken to lie in 1968 to 2104
    /// (RFC 4330 section 3); what lies before 1970 is 0.
    pub fn as_unix(self, format: TimestampFormat) -> Duration {
        let seconds = self.0 >> 32;
        match format {
            TimestampFormat::Ntp => {
                let era = if seconds >> 31 == 0 { 1 << 32 } else { 0 };
                let fraction = self.0 & 0xffff_ffff;
                let nanos = fraction.saturating_mul(NANOS_PER_SEC).div_ceil(1 << 32);
                let since_1900 = Duration::from_secs(seconds.saturating_add(era));
                let whole = since_1900.saturating_add(Duration::from_nanos(nanos));
                whole.saturating_sub(Duration::from_secs(NTP_UNIX_OFFSET))
            }
            TimestampFormat::Ptp => {
                let nanos = self.0 & 0xffff_ffff;
                Duration::from_secs(seconds).saturating_add(Duration::from_nanos(nanos))
            }
        }
    }

    /// Nanoseconds from `earlier` to this, negative where it lies before; right as long as the
    /// two are less than 68 years apart, also across the end of the 32 bits of seconds.
    pub fn nanos_since(self, earlier: Self, format: TimestampFormat) -> i64 {
        match format {
            TimestampFormat::Ntp => {
                let units = self.0.wrapping_sub(earlier.0).cast_signed();
                let nanos = i128::from(units).saturating_mul(NANOS_PER_SEC.into()) >> 32;
                i64::try_from(nanos).unwrap_or(i64::MAX)
            }
            TimestampFormat::Ptp => {
                let seconds = ptp_seconds(self)
                    .wrapping_sub(ptp_seconds(earlier))
                    .cast_signed();
                let nanos = ptp_nanos(self).saturating_sub(ptp_nanos(earlier));
                i64::from(seconds)
                    .saturating_mul(1_000_000_000)
                    .saturating_add(nanos)
            }
        }
    }
}

fn ptp_seconds(timestamp: ProbeTimestamp) -> u32 {
    u32::try_from(timestamp.0 >> 32).unwrap_or(u32::MAX)
}

fn ptp_nanos(timestamp: ProbeTimestamp) -> i64 {
    (timestamp.0 & 0xffff_ffff).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::{ProbeTimestamp, TimestampFormat};
    use core::time::Duration;

    /// RFC 5905 figure 4: 1970-01-01 is 2,208,988,800 s after 1900, which is 83aa7e80.
    #[test]
    fn ntp_counts_from_1900_in_fractions_of_two() {
        let half = ProbeTimestamp::from_unix(Duration::from_millis(500), TimestampFormat::Ntp);
        assert_eq!(half.to_bits(), 0x83aa_7e80_8000_0000);
        assert_eq!(
            half.as_unix(TimestampFormat::Ntp),
            Duration::from_millis(500)
        );
    }

    #[test]
    fn the_ntp_era_of_2036_is_no_jump() {
        // 2036-02-07 06:28:16 UTC is the first second of era 1.
        let era = Duration::from_secs(2_085_978_496);
        let before = ProbeTimestamp::from_unix(era - Duration::from_secs(1), TimestampFormat::Ntp);
        let after = ProbeTimestamp::from_unix(era + Duration::from_secs(1), TimestampFormat::Ntp);
        assert_eq!(after.to_bits() >> 32, 1);
        assert_eq!(
            after.as_unix(TimestampFormat::Ntp),
            era + Duration::from_secs(1)
        );
        assert_eq!(
            after.nanos_since(before, TimestampFormat::Ntp),
            2_000_000_000
        );
        assert_eq!(
            before.nanos_since(after, TimestampFormat::Ntp),
            -2_000_000_000
        );
    }

    #[test]
    fn every_nanosecond_survives() {
        for format in [TimestampFormat::Ntp, TimestampFormat::Ptp] {
            for nanos in [0, 1, 2, 499_999_999, 999_999_999] {
                let time = Duration::new(1_700_000_000, nanos);
                let timestamp = ProbeTimestamp::from_unix(time, format);
                assert_eq!(timestamp.as_unix(format), time);
            }
        }
    }

    #[test]
    fn any_bits_are_a_time() {
        for bits in [0, u64::MAX, 1 << 63, u64::MAX >> 1, 0xffff_ffff] {
            for format in [TimestampFormat::Ntp, TimestampFormat::Ptp] {
                let timestamp = ProbeTimestamp::from_bits(bits);
                let _ = timestamp.as_unix(format);
                assert_eq!(timestamp.nanos_since(timestamp, format), 0);
                let _ = timestamp.nanos_since(ProbeTimestamp::ZERO, format);
            }
        }
    }
}
