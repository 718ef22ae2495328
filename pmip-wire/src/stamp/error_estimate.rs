use core::time::Duration;

use crate::types::TimestampFormat;

/// How good a timestamp is, and in what format.
///
/// ```text
///  0                   1
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5
/// +-+-+-----------+---------------+
/// |S|Z|   Scale   |   Multiplier  |
/// +-+-+-----------+---------------+
/// ```
/// RFC 8762 section 4.2.1.
///
/// ```
/// use pmip_wire::stamp::ErrorEstimate;
/// use pmip_wire::types::TimestampFormat;
///
/// // 1 * 2^22 * 2^-32 s, about a millisecond.
/// let estimate = ErrorEstimate::new(true, TimestampFormat::Ptp, 22, 1).expect("6 bits of scale");
/// assert_eq!(estimate.to_bits(), 0xd601);
/// assert_eq!(estimate.error().map(|error| error.as_micros()), Some(976));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct ErrorEstimate(u16);

const SYNCHRONIZED: u16 = 0x8000;
const PTP: u16 = 0x4000;

impl Default for ErrorEstimate {
    /// Not synchronized, NTP format, an error of 2^-32 s: the multiplier must not be 0.
    fn default() -> Self {
        Self(1)
    }
}

impl ErrorEstimate {
    /// The estimate whose 16 bits these are.
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    /// All 16 bits.
    pub const fn to_bits(self) -> u16 {
        self.0
    }

    /// An error of `multiplier` * 2^`scale` * 2^-32 s; `None` where `scale` exceeds 63 or
    /// `multiplier` is 0, which RFC 4656 section 4.1.2 forbids.
    pub const fn new(
        synchronized: bool,
        format: TimestampFormat,
        scale: u8,
        multiplier: u8,
    ) -> Option<Self> {
        if scale > 63 || multiplier == 0 {
            return None;
        }
        let s = if synchronized { SYNCHRONIZED } else { 0 };
        let z = match format {
            TimestampFormat::Ntp => 0,
            TimestampFormat::Ptp => PTP,
        };
        Some(Self(s | z | (scale as u16) << 8 | multiplier as u16))
    }

    /// S: whether the clock is synchronized to UTC by an external source.
    pub const fn is_synchronized(self) -> bool {
        self.0 & SYNCHRONIZED != 0
    }

    /// Z: the format of the timestamp.
    pub const fn format(self) -> TimestampFormat {
        if self.0 & PTP == 0 {
            TimestampFormat::Ntp
        } else {
            TimestampFormat::Ptp
        }
    }

    /// Scale: 0 to 63.
    pub const fn scale(self) -> u8 {
        let [high, _] = self.0.to_be_bytes();
        high & 0x3f
    }

    /// Multiplier. 0 says nothing about the error.
    pub const fn multiplier(self) -> u8 {
        let [_, low] = self.0.to_be_bytes();
        low
    }

    /// The error, rounded down to a nanosecond; `None` where the multiplier is 0.
    pub fn error(self) -> Option<Duration> {
        if self.multiplier() == 0 {
            return None;
        }
        let units = u128::from(self.multiplier()) << self.scale();
        let nanos = units.saturating_mul(1_000_000_000) >> 32;
        Some(Duration::from_nanos(
            u64::try_from(nanos).unwrap_or(u64::MAX),
        ))
    }
}
