//! Sub-options: what some options hold in type-length-value form of their own.

mod table;
mod walk;

pub(super) use table::sub_options;
pub use walk::RawSubOption;

use alloc::vec::Vec;
use core::marker::PhantomData;

use bytes::Bytes;

use super::{Alignment, RawOption};
use crate::code::OptionType;
use crate::error::DecodeError;
use walk::{PAD_1, PAD_N, walk};

/// The sub-options of one option, in wire order.
///
/// They were all read once, when the option was decoded or built, and are kept as octets, so that
/// what is received is sent again octet for octet, padding and unknown sub-options included. Only
/// the attributes of a [`QualityOfService`](super::QualityOfService) that receivers ignore may be
/// malformed; iterating leaves out those that are. Iterating types them one by one and allocates
/// nothing. `S` says which option they belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SubOptions<S, B = Bytes> {
    octets: B,
    space: PhantomData<S>,
}

/// A sub-option whose type has no typed form here; its data is kept octet for octet. Receivers
/// skip what they do not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct UnknownSubOption<B = Bytes> {
    /// The sub-option's type.
    pub number: u8,
    /// What follows its Length octet.
    pub data: B,
}

/// Why a sub-option could not be put into an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SubOptionError {
    /// The option would exceed its 255 octets.
    #[error("the sub-option does not fit: the option holds {limit} octets of them")]
    Full {
        /// Octets of sub-options that the option holds.
        limit: usize,
    },
    /// The option holds at most one of this type.
    #[error("the option may hold sub-option {number} only once")]
    Duplicate {
        /// The sub-option's type.
        number: u8,
    },
    /// The type has a form of its own, or is padding, which is added where alignment asks for it.
    #[error("sub-option {number} has a form of its own: use that")]
    Typed {
        /// The sub-option's type.
        number: u8,
    },
    /// A value is none that a receiver takes.
    #[error("no receiver would take the sub-option: {0}")]
    Invalid(#[from] DecodeError),
}

/// The sub-options that one option may hold. It is for types of this crate: what it asks of them
/// may change at any time.
pub trait SubOptionSpace: Sized {
    /// One sub-option; `B` holds its variable parts.
    type Item<B>;

    #[doc(hidden)]
    const OPTION: OptionType;
    /// Octets from the option's Type octet to its first sub-option.
    #[doc(hidden)]
    const FIRST: usize;
    /// Whether types 0 and 1 are Pad1 and PadN.
    #[doc(hidden)]
    const PADDED: bool;

    #[doc(hidden)]
    fn read(raw: RawSubOption<'_>) -> Result<Self::Item<&[u8]>, DecodeError>;
    #[doc(hidden)]
    fn write<B: AsRef<[u8]>>(item: &Self::Item<B>, out: &mut Vec<u8>);
    #[doc(hidden)]
    fn number<B>(item: &Self::Item<B>) -> u8;
    #[doc(hidden)]
    fn is_unknown<B>(item: &Self::Item<B>) -> bool;
    #[doc(hidden)]
    fn is_single(number: u8) -> bool;
    #[doc(hidden)]
    fn alignment(number: u8, data: &[u8]) -> Alignment;
}

impl<S: SubOptionSpace> SubOptions<S> {
    const LIMIT: usize = 257_usize.saturating_sub(S::FIRST);

    /// No sub-options.
    pub const fn new() -> Self {
        Self::from_octets(Bytes::new())
    }

    /// Appends `sub_option`, behind padding where its alignment asks for it and the option knows
    /// padding.
    ///
    /// # Errors
    /// [`SubOptionError`]; the sub-options stay as they were.
    pub fn push(&mut self, sub_option: impl Into<S::Item<Bytes>>) -> Result<(), SubOptionError> {
        self.push_single(&sub_option.into())
    }

    /// Appends a sub-option that borrows, as [`SubOptions::iter`] yields it: how a receiver
    /// answers with what it was sent.
    ///
    /// # Errors
    /// As [`SubOptions::push`].
    pub fn push_borrowed(&mut self, sub_option: &S::Item<&[u8]>) -> Result<(), SubOptionError> {
        self.push_single(sub_option)
    }

    /// The sub-options with `sub_option` behind them.
    ///
    /// # Errors
    /// As [`SubOptions::push`].
    pub fn with(mut self, sub_option: impl Into<S::Item<Bytes>>) -> Result<Self, SubOptionError> {
        self.push(sub_option)?;
        Ok(self)
    }

    fn push_single<B: AsRef<[u8]>>(&mut self, item: &S::Item<B>) -> Result<(), SubOptionError> {
        let number = S::number(item);
        if S::is_single(number) && self.raw().any(|raw| raw.number == number) {
            return Err(SubOptionError::Duplicate { number });
        }
        let mut octets = self.octets.to_vec();
        append::<S, B>(&mut octets, item)?;
        self.octets = octets.into();
        Ok(())
    }
}

impl<S: SubOptionSpace> Default for SubOptions<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S, B> SubOptions<S, B> {
    /// For octets that were read, or that nobody is to read.
    pub(super) const fn from_octets(octets: B) -> Self {
        Self {
            octets,
            space: PhantomData,
        }
    }
}

impl<S: SubOptionSpace, B: AsRef<[u8]>> SubOptions<S, B> {
    /// The sub-options in wire order, without padding.
    pub fn iter(&self) -> impl Iterator<Item = S::Item<&[u8]>> + Clone {
        self.raw().filter_map(|raw| S::read(raw).ok())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.raw().next().is_none()
    }

    /// The octets they take on the wire, padding included.
    pub fn octets(&self) -> &[u8] {
        self.octets.as_ref()
    }

    /// Reads `octets`, the end of `raw`.
    #[inline]
    pub(super) fn from_raw<'a>(
        raw: RawOption<'a>,
        octets: &'a [u8],
        own: impl FnOnce(&'a [u8]) -> B,
    ) -> Result<Self, DecodeError> {
        for sub_option in walk::<S>(octets, raw.offset()) {
            S::read(sub_option?)?;
        }
        Ok(Self::from_octets(own(octets)))
    }

    pub(super) fn to_bytes(&self) -> SubOptions<S> {
        SubOptions::from_octets(Bytes::copy_from_slice(self.octets.as_ref()))
    }

    fn raw(&self) -> impl Iterator<Item = RawSubOption<'_>> + Clone {
        walk::<S>(self.octets(), 0).filter_map(Result::ok)
    }
}

/// Where an option of type `S::OPTION` with these sub-options must stand: where its RFC says, and
/// so that each of them, aligned from the option's start, is aligned from the message's start too.
pub(crate) fn alignment_around<S: SubOptionSpace>(octets: &[u8]) -> Alignment {
    walk::<S>(octets, 0)
        .filter_map(Result::ok)
        .map(|raw| S::alignment(raw.number, raw.data))
        .fold(S::OPTION.alignment(), Alignment::with_multiple_of)
}

/// Appends `item` and the padding in front of it to `octets`, all sub-options before it.
fn append<S: SubOptionSpace, B: AsRef<[u8]>>(
    octets: &mut Vec<u8>,
    item: &S::Item<B>,
) -> Result<(), SubOptionError> {
    let number = S::number(item);
    let mut data = Vec::new();
    S::write(item, &mut data);
    let padding = S::alignment(number, &data).padding(position::<S>(octets.len()));
    let limit = SubOptions::<S>::LIMIT;
    let end = [padding, 2, data.len()]
        .into_iter()
        .fold(octets.len(), usize::saturating_add);
    if end > limit {
        return Err(SubOptionError::Full { limit });
    }
    let raw = RawSubOption {
        option: S::OPTION,
        number,
        data: &data,
        offset: 0,
    };
    let is_padding = S::PADDED && number <= PAD_N;
    if is_padding || S::is_unknown(item) != S::is_unknown(&S::read(raw)?) {
        return Err(SubOptionError::Typed { number });
    }
    pad(octets, padding);
    octets.extend_from_slice(&[number, data.len().try_into().unwrap_or(u8::MAX)]);
    octets.extend_from_slice(&data);
    Ok(())
}

/// Where the sub-option behind `octets` of them stands, from where the option's alignment counts.
fn position<S: SubOptionSpace>(octets: usize) -> usize {
    let start = usize::from(S::OPTION.alignment().remainder());
    start.saturating_add(S::FIRST).saturating_add(octets)
}

/// Appends `octets` octets of padding (RFC 6089 sections 4.2.1.1 and 4.2.1.2; that PadN's Length
/// counts its data, like that of every other sub-option, follows RFC 6275 section 6.2.3).
fn pad(out: &mut Vec<u8>, octets: usize) {
    match octets.checked_sub(2) {
        Some(data) => {
            out.extend_from_slice(&[PAD_N, data.try_into().unwrap_or(u8::MAX)]);
            out.resize(out.len().saturating_add(data), 0);
        }
        None => out.resize(out.len().saturating_add(octets), PAD_1),
    }
}

#[cfg(feature = "serde")]
mod with_serde {
    use super::{SubOptionSpace, SubOptions, append};
    use alloc::vec::Vec;
    use bytes::Bytes;
    use core::fmt;
    use core::marker::PhantomData;
    use serde::de::value::SeqDeserializer;
    use serde::de::{Error, SeqAccess, Visitor};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// A list of typed sub-options, without padding.
    impl<S: SubOptionSpace, B: AsRef<[u8]>> Serialize for SubOptions<S, B>
    where
        for<'a> S::Item<&'a [u8]>: Serialize,
    {
        fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
            serializer.collect_seq(self.iter())
        }
    }

    /// Takes what decoding takes: each sub-option is checked, none need be single.
    impl<'de, S: SubOptionSpace, B: Deserialize<'de>> Deserialize<'de> for SubOptions<S, B>
    where
        S::Item<Bytes>: Deserialize<'de>,
    {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let octets = deserializer.deserialize_seq(List::<S>(PhantomData))?;
            let octets = SeqDeserializer::<_, D::Error>::new(octets.into_iter());
            B::deserialize(octets).map(Self::from_octets)
        }
    }

    struct List<S>(PhantomData<S>);

    impl<'de, S: SubOptionSpace> Visitor<'de> for List<S>
    where
        S::Item<Bytes>: Deserialize<'de>,
    {
        type Value = Vec<u8>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of sub-options")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<u8>, A::Error> {
            let mut octets = Vec::new();
            while let Some(item) = list.next_element::<S::Item<Bytes>>()? {
                append::<S, Bytes>(&mut octets, &item).map_err(A::Error::custom)?;
            }
            Ok(octets)
        }
    }
}

#[cfg(feature = "arbitrary")]
mod with_arbitrary {
    use super::{SubOptionSpace, SubOptions, UnknownSubOption};
    use alloc::vec::Vec;
    use arbitrary::{Arbitrary, Result, Unstructured};
    use bytes::Bytes;

    /// Up to four sub-options; draws that fit nowhere are left out.
    impl<'a, S: SubOptionSpace, B: From<Vec<u8>>> Arbitrary<'a> for SubOptions<S, B>
    where
        S::Item<Bytes>: Arbitrary<'a>,
    {
        fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
            let mut drawn = SubOptions::<S>::new();
            for _ in 0..u.int_in_range(0..=4u8)? {
                let _unfit = drawn.push_single(&u.arbitrary::<S::Item<Bytes>>()?);
            }
            Ok(drawn.into_owned())
        }
    }

    impl<S> SubOptions<S> {
        /// The same in another kind of memory.
        pub(crate) fn into_owned<B: From<Vec<u8>>>(self) -> SubOptions<S, B> {
            SubOptions::from_octets(self.octets.to_vec().into())
        }
    }

    impl<'a, B: From<Vec<u8>>> Arbitrary<'a> for UnknownSubOption<B> {
        fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
            Ok(Self {
                number: u.int_in_range(12..=u8::MAX)?,
                data: draw_octets(u)?,
            })
        }
    }

    /// A few octets.
    pub(crate) fn draw_octets<B: From<Vec<u8>>>(u: &mut Unstructured<'_>) -> Result<B> {
        let length = u.int_in_range(0..=24usize)?.min(u.len());
        u.bytes(length).map(|octets| octets.to_vec().into())
    }
}

#[cfg(feature = "arbitrary")]
pub(crate) use with_arbitrary::draw_octets;
