use bytes::Bytes;

use crate::bounded::BoundedOctets;
use crate::code::OptionType;

/// Why an option could not be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidOption {
    /// More octets than the Length octet can stand for.
    #[error("{length} octets do not fit the option: shorten them to {limit}")]
    TooLong {
        /// The length given.
        length: usize,
        /// The longest.
        limit: usize,
    },
    /// The prefix length exceeds the width of the address.
    #[error("prefix length {length} exceeds the width of the address")]
    PrefixTooLong {
        /// The length given.
        length: u8,
    },
    /// The type has a variant of [`MobilityOption`](crate::MobilityOption), or is padding, which the encoder adds.
    #[error("{0} options have a form of their own: use that")]
    Typed(OptionType),
    /// Fewer octets, or bits of a prefix, than the option must have.
    #[error("{length} is too short: at least {least} is asked for")]
    TooShort {
        /// The length given.
        length: usize,
        /// The shortest.
        least: usize,
    },
    /// The options of RFC 7411 count 32-bit words.
    #[error("{length} octets are no whole number of 32-bit words, which this option counts")]
    NotWords {
        /// The length given.
        length: usize,
    },
    /// The number is reserved: its RFC forbids it to senders.
    #[error("{number} is reserved and must not be sent")]
    Reserved {
        /// The number given.
        number: u32,
    },
    /// The number does not fit its field.
    #[error("{number} does not fit the field: at most {limit} does")]
    NumberTooLarge {
        /// The number given.
        number: u8,
        /// The largest.
        limit: u8,
    },
}

/// `octets` where the wire carries that many of them.
pub(super) fn bounded<const MAX: usize, const MIN: usize, const STEP: usize>(
    octets: impl Into<Bytes>,
) -> Result<BoundedOctets<Bytes, MAX, MIN, STEP>, InvalidOption> {
    let octets = octets.into();
    let length = octets.len();
    BoundedOctets::new(octets).ok_or(if length > MAX {
        InvalidOption::TooLong { length, limit: MAX }
    } else if length < MIN {
        InvalidOption::TooShort { length, least: MIN }
    } else {
        InvalidOption::NotWords { length }
    })
}
