//! Access network identifiers (RFC 6757, RFC 7563).

mod values;

pub use values::{CivicLocation, GeoLocation, NetworkIdentifier, OperatorIdentifier};

use alloc::vec::Vec;

use bytes::Bytes;

use super::layout::variable_layout;
use super::sub::{RawSubOption, SubOptionError, SubOptions, sub_options};
use super::{Alignment, RawOption};
use crate::code::AniSubOptionType;
use crate::error::{DecodeError, ExpectedLength};
use crate::types::Lifetime;

/// Where the mobile node is attached.
///
/// ```text
/// +---------------+---------------+
/// |   Type = 52   |    Length     |
/// +---------------+---------------+-------------------------------+
/// |                      ANI sub-options ...                      |
/// +---------------------------------------------------------------+
/// ```
/// RFC 6757 section 3. Alignment 4n. At least one sub-option.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(
        try_from = "Parts<B>",
        bound(
            serialize = "B: AsRef<[u8]>",
            deserialize = "B: serde::Deserialize<'de> + AsRef<[u8]>"
        )
    )
)]
pub struct AccessNetworkIdentifier<B = Bytes> {
    sub_options: SubOptions<AccessNetworkSpace, B>,
}

sub_options! {
    /// One sub-option of an [`AccessNetworkIdentifier`].
    AniSubOption: AniSubOptionType,
    single [NetworkIdentifier, GeoLocation, OperatorIdentifier], padded false,
    align |_, _| Alignment::NONE,
    {
        /// Type 1: names (RFC 6757 section 3.1.1).
        NetworkIdentifier(NetworkIdentifier<B>): NetworkIdentifier::read, NetworkIdentifier::write;
        /// Type 2: coordinates (RFC 6757 section 3.1.2).
        GeoLocation(GeoLocation): GeoLocation::read, GeoLocation::write;
        /// Type 3: the operator (RFC 6757 section 3.1.3).
        OperatorIdentifier(OperatorIdentifier<B>): OperatorIdentifier::read, OperatorIdentifier::write;
        /// Type 4: an address (RFC 7563 section 3.1).
        CivicLocation(CivicLocation<B>): CivicLocation::read, CivicLocation::write;
        /// Type 5: the group of gateways that the sender belongs to (RFC 7563 section 3.2). The RFC
        /// gives two octets as its length and three as its width: both are read, and three are
        /// sent only where two do not hold the number.
        MagGroupIdentifier(u32): read_group, write_group;
        /// Type 6: how long changes may wait before they are sent (RFC 7563 section 3.3); 0 asks
        /// for them at once.
        UpdateTimer(Lifetime): read_timer, write_timer;
    }

    /// The sub-options of [`AccessNetworkIdentifier`].
    AccessNetworkSpace: AccessNetworkIdentifier from 2;
}

impl AccessNetworkIdentifier {
    /// The identifier with this sub-option.
    ///
    /// # Errors
    /// As [`SubOptions::push`].
    pub fn new(first: AniSubOption) -> Result<Self, SubOptionError> {
        let sub_options = SubOptions::new().with(first)?;
        Ok(Self { sub_options })
    }

    /// The identifier with these sub-options; `None` where there are none.
    pub fn of(sub_options: SubOptions<AccessNetworkSpace>) -> Option<Self> {
        (!sub_options.is_empty()).then_some(Self { sub_options })
    }

    /// The same with `sub_option` behind the others.
    ///
    /// # Errors
    /// As [`SubOptions::push`].
    pub fn with(mut self, sub_option: AniSubOption) -> Result<Self, SubOptionError> {
        self.sub_options.push(sub_option)?;
        Ok(self)
    }
}

impl<B> AccessNetworkIdentifier<B> {
    /// Its sub-options.
    pub const fn sub_options(&self) -> &SubOptions<AccessNetworkSpace, B> {
        &self.sub_options
    }

    const fn head(&self) -> [u8; 0] {
        []
    }
}

impl<B: AsRef<[u8]>> AccessNetworkIdentifier<B> {
    #[inline]
    fn from_raw<'a>(
        raw: RawOption<'a>,
        own: impl FnOnce(&'a [u8]) -> B,
    ) -> Result<Self, DecodeError> {
        let ([_, _], _) = raw.at_least()?;
        let sub_options = SubOptions::from_raw(raw, raw.data(), own)?;
        Ok(Self { sub_options })
    }

    fn tail(&self) -> &[u8] {
        self.sub_options.octets()
    }

    fn to_bytes(&self) -> AccessNetworkIdentifier {
        AccessNetworkIdentifier {
            sub_options: self.sub_options.to_bytes(),
        }
    }
}

variable_layout!(AccessNetworkIdentifier);

fn read_group(raw: RawSubOption<'_>) -> Result<u32, DecodeError> {
    match *raw.data() {
        [a, b] => Ok(u32::from_be_bytes([0, 0, a, b])),
        [a, b, c] => Ok(u32::from_be_bytes([0, a, b, c])),
        _ => Err(raw.bad_length(ExpectedLength::OneOf([2, 3, 3]))),
    }
}

/// A number of more than 24 bits makes octets that [`read_group`] refuses.
fn write_group(group: &u32, out: &mut Vec<u8>) {
    let octets = group.to_be_bytes();
    let zeros = octets
        .iter()
        .take(2)
        .take_while(|octet| **octet == 0)
        .count();
    out.extend(octets.into_iter().skip(zeros));
}

fn read_timer(raw: RawSubOption<'_>) -> Result<Lifetime, DecodeError> {
    Ok(Lifetime::from_units(u16::from_be_bytes(*raw.exactly()?)))
}

fn write_timer(timer: &Lifetime, out: &mut Vec<u8>) {
    out.extend_from_slice(&timer.as_units().to_be_bytes());
}

#[cfg(feature = "serde")]
#[derive(serde::Deserialize)]
#[serde(bound(deserialize = "B: serde::Deserialize<'de>"))]
struct Parts<B> {
    sub_options: SubOptions<AccessNetworkSpace, B>,
}

#[cfg(feature = "serde")]
impl<B: AsRef<[u8]>> TryFrom<Parts<B>> for AccessNetworkIdentifier<B> {
    type Error = &'static str;

    fn try_from(parts: Parts<B>) -> Result<Self, Self::Error> {
        if parts.sub_options.is_empty() {
            return Err("the option has at least one sub-option");
        }
        Ok(Self {
            sub_options: parts.sub_options,
        })
    }
}

#[cfg(feature = "arbitrary")]
mod with_arbitrary {
    use super::{AccessNetworkIdentifier, AniSubOption, SubOptions};
    use alloc::vec::Vec;
    use arbitrary::{Arbitrary, Result, Unstructured};

    impl<'a, B: From<Vec<u8>>> Arbitrary<'a> for AccessNetworkIdentifier<B> {
        fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
            let mut drawn: SubOptions<_> = u.arbitrary()?;
            if drawn.is_empty() {
                let timer = AniSubOption::UpdateTimer(u.arbitrary()?);
                let _one_fits = drawn.push(timer);
            }
            Ok(Self {
                sub_options: drawn.into_owned(),
            })
        }
    }
}
