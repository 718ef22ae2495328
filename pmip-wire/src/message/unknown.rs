use bytes::Bytes;

use super::{HEADER_LEN, Kind, MAX_MESSAGE_LEN};
use crate::code::{BindingErrorStatus, MhType};
use crate::error::Answer;

/// A message without a typed body here, kept octet for octet: of a type that is not known, or with
/// a B.R. Type or Flow Binding Type that is not.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "Parts"))]
pub struct UnknownMessage {
    mh_type: MhType,
    data: Bytes,
}

/// Why an [`UnknownMessage`] could not be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidMessage {
    /// The type has a variant of [`super::Message`]: build that.
    #[error("{0} messages have a variant of their own: use that")]
    Typed(MhType),
    /// What the message holds does not fit the longest Mobility Header together.
    #[error("a Mobility Header holds at most 2048 octets: leave something out")]
    TooLong,
    /// The data does not end a Mobility Header at a multiple of 8 octets.
    #[error("message data must be 8n+2 octets, at most {limit}: pad {length} octets", limit = MAX_DATA_LEN)]
    Length {
        /// The length given.
        length: usize,
    },
}

const MAX_DATA_LEN: usize = MAX_MESSAGE_LEN.saturating_sub(HEADER_LEN);

impl UnknownMessage {
    /// A message of type `mh_type` whose Message Data, everything behind the checksum, is `data`.
    ///
    /// # Errors
    /// [`InvalidMessage`] where the message has a variant of its own, or `data` is not 8n+2 octets
    /// long or longer than 2042 octets.
    pub fn new(mh_type: MhType, data: Bytes) -> Result<Self, InvalidMessage> {
        if Kind::of(MhType::from_code(mh_type.code()), &data).is_some() {
            return Err(InvalidMessage::Typed(mh_type));
        }
        let length = data.len();
        if length % 8 != 2 || length > MAX_DATA_LEN {
            return Err(InvalidMessage::Length { length });
        }
        Ok(Self { mh_type, data })
    }

    /// The message type.
    pub const fn mh_type(&self) -> MhType {
        self.mh_type
    }

    /// Message Data: everything behind the checksum.
    pub const fn data(&self) -> &Bytes {
        &self.data
    }

    /// What a node that knows no more of it than this crate owes its sender: a Binding Error for a
    /// type that is not known (RFC 6275 section 9.2), silence where only the kind of revocation or
    /// flow binding is not, for neither RFC 5846 nor RFC 7109 asks for an answer then.
    pub const fn answer(&self) -> Answer {
        let mh_type = MhType::from_code(self.mh_type.code());
        if matches!(mh_type, MhType::BindingRevocation | MhType::FlowBinding) {
            return Answer::Silence;
        }
        Answer::BindingError(BindingErrorStatus::UnrecognizedMhType)
    }

    pub(super) const fn from_wire(mh_type: MhType, data: Bytes) -> Self {
        Self { mh_type, data }
    }
}

#[cfg(feature = "serde")]
#[derive(serde::Deserialize)]
struct Parts {
    mh_type: MhType,
    data: Bytes,
}

#[cfg(feature = "serde")]
impl TryFrom<Parts> for UnknownMessage {
    type Error = InvalidMessage;

    fn try_from(parts: Parts) -> Result<Self, InvalidMessage> {
        Self::new(parts.mh_type, parts.data)
    }
}

#[cfg(feature = "arbitrary")]
impl<'a> arbitrary::Arbitrary<'a> for UnknownMessage {
    fn arbitrary(u: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
        let mh_type: MhType = u.arbitrary()?;
        let units = u.int_in_range(0..=8usize)?;
        let mut data = u.bytes(u.len().min(units.saturating_mul(8)))?.to_vec();
        data.resize(data.len().next_multiple_of(8).saturating_add(2), 0);
        Self::new(mh_type, data.into()).map_err(|_| arbitrary::Error::IncorrectFormat)
    }
}
