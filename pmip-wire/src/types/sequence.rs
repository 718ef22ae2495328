use core::fmt;

/// The 16-bit sequence number of Binding Updates, in the wrapping order of RFC 6275 section 9.5.1.
///
/// It has no `Ord`: the order wraps, so it is not transitive.
///
/// ```
/// use pmip_wire::SequenceNumber;
///
/// let last = SequenceNumber(65_535);
/// assert!(last.next().is_newer_than(last));
/// assert!(!last.is_newer_than(last));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct SequenceNumber(pub u16);

impl SequenceNumber {
    /// The number after this one; 0 follows 65535.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }

    /// Whether this number is greater than `last` modulo 2^16: `last` itself and the 32768 values
    /// before it are not (RFC 6275 section 9.5.1).
    pub const fn is_newer_than(self, last: Self) -> bool {
        let ahead = self.0.wrapping_sub(last.0);
        ahead != 0 && ahead < 0x8000
    }
}

impl From<u16> for SequenceNumber {
    fn from(number: u16) -> Self {
        Self(number)
    }
}

impl fmt::Display for SequenceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::SequenceNumber;

    #[test]
    fn the_last_and_the_32768_before_it_are_not_newer() {
        for last in [0u16, 1, 15, 32_767, 32_768, 65_535].map(SequenceNumber) {
            let newer = (0..=u16::MAX)
                .filter(|n| SequenceNumber(*n).is_newer_than(last))
                .count();
            assert_eq!(newer, 32_767);
            assert!(!SequenceNumber(last.0.wrapping_sub(32_768)).is_newer_than(last));
            assert!(SequenceNumber(last.0.wrapping_add(32_767)).is_newer_than(last));
        }
    }

    #[test]
    fn the_example_of_the_rfc_holds() {
        // Section 9.5.1: with 15 as the last number, 0 to 15 and 32783 to 65535 are not newer.
        let last = SequenceNumber(15);
        for old in [0, 15, 32_783, 65_535] {
            assert!(!SequenceNumber(old).is_newer_than(last), "{old}");
        }
        for new in [16, 32_782] {
            assert!(SequenceNumber(new).is_newer_than(last), "{new}");
        }
    }
}
