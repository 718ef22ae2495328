use bytes::Bytes;

use super::{InvalidOption, is_typed};
use crate::code::OptionType;

/// An option whose type has no typed form here; its data is kept octet for octet. Receivers skip
/// what they do not know (RFC 6275 section 6.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(
        try_from = "Parts<B>",
        bound(deserialize = "B: serde::Deserialize<'de> + AsRef<[u8]>")
    )
)]
pub struct UnknownOption<B = Bytes> {
    option_type: OptionType,
    data: B,
}

impl<B: AsRef<[u8]>> UnknownOption<B> {
    /// An option of type `option_type` with `data` behind its Length octet.
    ///
    /// # Errors
    /// [`InvalidOption`] where the type is padding or has a variant of its own, or where `data`
    /// exceeds 255 octets.
    pub fn new(option_type: OptionType, data: B) -> Result<Self, InvalidOption> {
        if is_typed(option_type) {
            return Err(InvalidOption::Typed(option_type));
        }
        let length = data.as_ref().len();
        if length > 255 {
            return Err(InvalidOption::TooLong { length, limit: 255 });
        }
        Ok(Self { option_type, data })
    }

    pub(super) fn tail(&self) -> &[u8] {
        self.data.as_ref()
    }

    pub(super) fn to_bytes(&self) -> UnknownOption {
        UnknownOption {
            option_type: self.option_type,
            data: Bytes::copy_from_slice(self.data.as_ref()),
        }
    }
}

impl<B> UnknownOption<B> {
    /// Its type.
    pub const fn option_type(&self) -> OptionType {
        self.option_type
    }

    /// What follows its Length octet.
    pub const fn data(&self) -> &B {
        &self.data
    }

    pub(super) const fn from_wire(option_type: OptionType, data: B) -> Self {
        Self { option_type, data }
    }
}

#[cfg(feature = "serde")]
#[derive(serde::Deserialize)]
struct Parts<B> {
    option_type: OptionType,
    data: B,
}

#[cfg(feature = "serde")]
impl<B: AsRef<[u8]>> TryFrom<Parts<B>> for UnknownOption<B> {
    type Error = InvalidOption;

    fn try_from(parts: Parts<B>) -> Result<Self, InvalidOption> {
        Self::new(parts.option_type, parts.data)
    }
}

#[cfg(feature = "arbitrary")]
impl<'a, B: From<alloc::vec::Vec<u8>> + AsRef<[u8]>> arbitrary::Arbitrary<'a> for UnknownOption<B> {
    fn arbitrary(u: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
        let option_type: OptionType = u.arbitrary()?;
        let length = u.int_in_range(0..=40usize)?.min(u.len());
        let data = u.bytes(length)?.to_vec();
        Self::new(option_type, data.into()).map_err(|_| arbitrary::Error::IncorrectFormat)
    }
}
