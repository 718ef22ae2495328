use core::fmt;
use core::time::Duration;

/// A binding's lifetime in units of 4 seconds (RFC 6275 section 6.1.7); 0 de-registers.
///
/// ```
/// use pmip_wire::Lifetime;
///
/// assert_eq!(Lifetime::from_secs(301).as_secs(), 304);
/// assert_eq!(Lifetime::from_secs(u32::MAX), Lifetime::MAX);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct Lifetime(u16);

impl Lifetime {
    /// De-registration.
    pub const ZERO: Self = Self(0);
    /// The longest, 262140 seconds.
    pub const MAX: Self = Self(u16::MAX);

    /// The lifetime of `units` times 4 seconds.
    pub const fn from_units(units: u16) -> Self {
        Self(units)
    }

    /// The shortest lifetime of at least `secs` seconds, [`Lifetime::MAX`] where none is.
    #[allow(clippy::cast_possible_truncation)] // The branch before it bounds the value.
    pub const fn from_secs(secs: u32) -> Self {
        let units = secs.div_ceil(4);
        if units > u16::MAX as u32 {
            Self::MAX
        } else {
            Self(units as u16)
        }
    }

    /// Units of 4 seconds.
    pub const fn as_units(self) -> u16 {
        self.0
    }

    /// Seconds.
    pub const fn as_secs(self) -> u32 {
        (self.0 as u32).saturating_mul(4)
    }

    /// The time it stands for.
    pub const fn as_duration(self) -> Duration {
        Duration::from_secs(self.as_secs() as u64)
    }

    /// Whether it de-registers.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Display for Lifetime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} s", self.as_secs())
    }
}

#[cfg(test)]
mod tests {
    use super::Lifetime;

    #[test]
    fn seconds_round_up_to_units_of_four() {
        for (secs, units) in [
            (0, 0),
            (1, 1),
            (4, 1),
            (5, 2),
            (262_140, 65_535),
            (262_141, 65_535),
        ] {
            assert_eq!(Lifetime::from_secs(secs).as_units(), units, "{secs} s");
        }
    }
}
