//! When a frame was captured.

use std::fmt;

const NANOS_PER_SEC: i64 = 1_000_000_000;

/// Nanoseconds since 1970-01-01 00:00 UTC, from 1677 to 2262.
///
/// It reads as RFC 3339 has it, with nanoseconds:
///
/// ```
/// use pmip_capture::CaptureTime;
///
/// let time = CaptureTime::from_unix(1_700_000_000, 250).expect("in range");
/// assert_eq!(time.to_string(), "2023-11-14T22:13:20.000000250Z");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CaptureTime(i64);

impl CaptureTime {
    /// The time `seconds` and `nanos` after 1970; `None` where it is out of range.
    pub fn from_unix(seconds: i64, nanos: u32) -> Option<Self> {
        let whole = seconds.checked_mul(NANOS_PER_SEC)?;
        whole.checked_add(nanos.into()).map(Self)
    }

    /// The time of `units` of an interface: `resolution` is pcapng's if_tsresol, a power of ten or,
    /// with its top bit, of two; `offset` its if_tsoffset in seconds. `None` where it is out of range.
    pub(crate) fn from_units(units: u64, resolution: u8, offset: i64) -> Option<Self> {
        let exponent = u32::from(resolution & 0x7f);
        let units = u128::from(units);
        let nanos = if resolution & 0x80 != 0 {
            units.checked_mul(1_000_000_000)?.checked_shr(exponent)?
        } else if exponent <= 9 {
            units.checked_mul(10u128.checked_pow(9u32.checked_sub(exponent)?)?)?
        } else {
            let finer = 10u128.checked_pow(exponent.saturating_sub(9));
            finer.map_or(0, |finer| units.checked_div(finer).unwrap_or(0))
        };
        let nanos = i64::try_from(nanos).ok()?;
        let offset = offset.checked_mul(NANOS_PER_SEC)?;
        nanos.checked_add(offset).map(Self)
    }

    /// Nanoseconds since 1970.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// Nanoseconds from `earlier` to this time, negative where it lies before.
    pub const fn nanos_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for CaptureTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.div_euclid(NANOS_PER_SEC);
        let nanos = self.0.rem_euclid(NANOS_PER_SEC);
        let (year, month, day) = civil(seconds.div_euclid(86_400));
        let of_day = seconds.rem_euclid(86_400);
        let (hour, minute) = (
            of_day.div_euclid(3600),
            of_day.rem_euclid(3600).div_euclid(60),
        );
        let second = of_day.rem_euclid(60);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{nanos:09}Z"
        )
    }
}

/// Year, month and day of the proleptic Gregorian calendar, counted in years that start in March so
/// that the leap day is their last.
#[allow(clippy::arithmetic_side_effects)] // Within 292 years of 1970 nothing comes near a limit.
const fn civil(days_since_1970: i64) -> (i64, i64, i64) {
    let days = days_since_1970 + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    (year + era * 400 + carry, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_their_names() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.000000000Z"),
            (951_782_400, "2000-02-29T00:00:00.000000000Z"),
            (951_868_799, "2000-02-29T23:59:59.000000000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000000000Z"),
            (-1, "1969-12-31T23:59:59.000000000Z"),
        ] {
            let time = CaptureTime::from_unix(seconds, 0).expect("in range");
            assert_eq!(time.to_string(), text);
        }
    }

    #[test]
    fn units_are_powers_of_ten_or_two() {
        let nanos = |units, resolution, offset| {
            CaptureTime::from_units(units, resolution, offset).map(CaptureTime::as_nanos)
        };
        assert_eq!(nanos(5, 6, 0), Some(5_000));
        assert_eq!(nanos(5, 9, 0), Some(5));
        assert_eq!(nanos(5, 0, 0), Some(5_000_000_000));
        assert_eq!(nanos(5_000, 12, 0), Some(5));
        assert_eq!(nanos(3, 0x80 | 1, 0), Some(1_500_000_000));
        assert_eq!(nanos(1 << 20, 0x80 | 20, 2), Some(3_000_000_000));
        assert_eq!(nanos(7, 127, 0), Some(0));
        assert_eq!(nanos(u64::MAX, 0, 0), None);
        assert_eq!(nanos(0, 6, i64::MAX), None);
    }
}
