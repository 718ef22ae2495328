//! Which faults of a message [`super::Message::decode_lax`] passes over, and those it did.

use smallvec::SmallVec;

use crate::error::DecodeError;

bitflags::bitflags! {
    /// The faults to pass over, each by its own flag; without any, decoding is strict.
    ///
    /// Runs of Pad1, options in any order and options off their alignment need none: receivers
    /// take them (RFC 6275 section 6.2, RFC 5213 section 8.1).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
    pub struct Leniency: u8 {
        /// The checksum is wrong, as in captures taken before the network card filled it in.
        const BAD_CHECKSUM = 0x01;
        /// Payload Proto is not 59.
        const BAD_PAYLOAD_PROTO = 0x02;
        /// Header Len stands for more octets than there are, as in captures with a snap length;
        /// the checksum, which covers what is missing, is not looked at. The fixed part must be
        /// whole.
        const CUT_SHORT = 0x04;
        /// Header Len stands for up to 7 octets too few, as from senders that round it down: the
        /// fixed part or the last option ends behind it, with the octets at hand.
        const SHORT_HEADER_LENGTH = 0x08;
        /// An option's data does not fit its type: it is kept as an unknown option.
        const OPTION_MISFIT = 0x10;
        /// The last option is cut off by the end of the header: it is left out.
        const LAST_OPTION_CUT = 0x20;
    }
}

/// Faults that are listed for one message; further ones are counted.
const LISTED: usize = 16;

/// The faults that one lax decoding passed over, in the order in which they were found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    list: SmallVec<[DecodeError; 2]>,
    omitted: usize,
    tolerances: Leniency,
}

impl Faults {
    /// The first 16 of them.
    pub fn iter(&self) -> core::slice::Iter<'_, DecodeError> {
        self.list.iter()
    }

    /// How many more there were than are listed.
    pub const fn omitted(&self) -> usize {
        self.omitted
    }

    /// Whether the message was well-formed.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The tolerances that were needed.
    pub const fn tolerances(&self) -> Leniency {
        self.tolerances
    }

    /// Notes `error`, which `tolerance` is about.
    ///
    /// # Errors
    /// `error`, where `leniency` lacks that tolerance.
    pub(super) fn pass_over(
        &mut self,
        leniency: Leniency,
        tolerance: Leniency,
        error: DecodeError,
    ) -> Result<(), DecodeError> {
        // Where the message itself is cut short, the cut option has been reported with it.
        if tolerance == Leniency::LAST_OPTION_CUT && self.tolerances.contains(Leniency::CUT_SHORT) {
            return Ok(());
        }
        if !leniency.contains(tolerance) {
            return Err(error);
        }
        self.tolerances |= tolerance;
        if self.list.len() < LISTED {
            self.list.push(error);
        } else {
            self.omitted = self.omitted.saturating_add(1);
        }
        Ok(())
    }
}

impl<'a> IntoIterator for &'a Faults {
    type Item = &'a DecodeError;
    type IntoIter = core::slice::Iter<'a, DecodeError>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
