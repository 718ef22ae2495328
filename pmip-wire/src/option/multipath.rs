//! Multipath binding (RFC 8278 section 4.1).

use super::RawOption;
use super::layout::fixed_layout;
use crate::code::AccessTechnologyType;
use crate::error::DecodeError;

/// Names the path that a registration is about.
///
/// ```text
/// +---------------+---------------+---------------+---------------+
/// |   Type = 63   |  Length = 6   |    If-ATT     |   If-Label    |
/// +---------------+-+-+-----------+---------------+---------------+
/// |  Binding ID   |B|O| Reserved  |           Reserved            |
/// +---------------+-+-+-----------+-------------------------------+
/// ```
/// RFC 8278 section 4.1, whose figure gives the Length. No alignment. Every value is kept as it
/// came; which combinations mean something is for the engines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct MagMultipathBinding {
    /// Access technology of the gateway's roaming interface.
    pub access_technology: AccessTechnologyType,
    /// Label of the interface.
    pub label: u8,
    /// Binding ID, 1 to 254.
    pub binding_id: u8,
    /// B: the message is about all bindings of the session.
    pub bulk: bool,
    /// O: this binding replaces all others.
    pub overwrite: bool,
}

const BULK: u8 = 0x80;
const OVERWRITE: u8 = 0x40;

impl MagMultipathBinding {
    #[inline]
    fn from_raw(raw: RawOption<'_>) -> Result<Self, DecodeError> {
        let [access_technology, label, binding_id, flags, _, _] = *raw.exactly()?;
        Ok(Self {
            access_technology: AccessTechnologyType::from_code(access_technology),
            label,
            binding_id,
            bulk: flags & BULK != 0,
            overwrite: flags & OVERWRITE != 0,
        })
    }

    const fn data(&self) -> [u8; 6] {
        let bulk = if self.bulk { BULK } else { 0 };
        let overwrite = if self.overwrite { OVERWRITE } else { 0 };
        [
            self.access_technology.code(),
            self.label,
            self.binding_id,
            bulk | overwrite,
            0,
            0,
        ]
    }
}

fixed_layout!(MagMultipathBinding);
