//! Values that cannot hold what the wire cannot carry: the private fields of options.

use bytes::Bytes;

/// From `MIN` to `MAX` octets, in steps of `STEP`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct BoundedOctets<B, const MAX: usize, const MIN: usize = 0, const STEP: usize = 1>(
    B,
);

impl<B: AsRef<[u8]>, const MAX: usize, const MIN: usize, const STEP: usize>
    BoundedOctets<B, MAX, MIN, STEP>
{
    /// `None` when `octets` has a length that is not allowed.
    #[inline]
    pub(crate) fn new(octets: B) -> Option<Self> {
        let length = octets.as_ref().len();
        let steps = length.checked_sub(MIN)?.checked_rem(STEP)?;
        (length <= MAX && steps == 0).then_some(Self(octets))
    }
}

impl<B, const MAX: usize, const MIN: usize, const STEP: usize> BoundedOctets<B, MAX, MIN, STEP> {
    /// For octets that an option's Length already bounds.
    #[inline]
    pub(crate) const fn from_wire(octets: B) -> Self {
        Self(octets)
    }

    #[inline]
    pub(crate) const fn inner(&self) -> &B {
        &self.0
    }
}

impl<B: AsRef<[u8]>, const MAX: usize, const MIN: usize, const STEP: usize>
    BoundedOctets<B, MAX, MIN, STEP>
{
    #[inline]
    pub(crate) fn octets(&self) -> &[u8] {
        self.0.as_ref()
    }

    pub(crate) fn to_bytes(&self) -> BoundedOctets<Bytes, MAX, MIN, STEP> {
        BoundedOctets(Bytes::copy_from_slice(self.0.as_ref()))
    }
}

/// A number from `MIN` to `MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct BoundedU8<const MAX: u8, const MIN: u8 = 0>(u8);

impl<const MAX: u8, const MIN: u8> BoundedU8<MAX, MIN> {
    /// `None` when `number` is below `MIN` or above `MAX`.
    #[inline]
    pub(crate) const fn new(number: u8) -> Option<Self> {
        if MIN <= number && number <= MAX {
            Some(Self(number))
        } else {
            None
        }
    }

    /// `number`, or the nearest that is allowed.
    #[inline]
    pub(crate) const fn saturating(number: u8) -> Self {
        match Self::new(number) {
            Some(number) => number,
            None if number < MIN => Self(MIN),
            None => Self(MAX),
        }
    }

    #[inline]
    pub(crate) const fn number(self) -> u8 {
        self.0
    }
}

#[cfg(feature = "serde")]
mod with_serde {
    use super::{BoundedOctets, BoundedU8};
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    impl<B: Serialize, const MAX: usize, const MIN: usize, const STEP: usize> Serialize
        for BoundedOctets<B, MAX, MIN, STEP>
    {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            self.0.serialize(serializer)
        }
    }

    impl<'de, B, const MAX: usize, const MIN: usize, const STEP: usize> Deserialize<'de>
        for BoundedOctets<B, MAX, MIN, STEP>
    where
        B: Deserialize<'de> + AsRef<[u8]>,
    {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            Self::new(B::deserialize(deserializer)?)
                .ok_or_else(|| D::Error::custom(format_args!("not {MIN} to {MAX} octets")))
        }
    }

    impl<const MAX: u8, const MIN: u8> Serialize for BoundedU8<MAX, MIN> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            self.0.serialize(serializer)
        }
    }

    impl<'de, const MAX: u8, const MIN: u8> Deserialize<'de> for BoundedU8<MAX, MIN> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            Self::new(u8::deserialize(deserializer)?)
                .ok_or_else(|| D::Error::custom(format_args!("not {MIN} to {MAX}")))
        }
    }
}

#[cfg(feature = "arbitrary")]
mod with_arbitrary {
    use super::{BoundedOctets, BoundedU8};
    use alloc::vec::Vec;
    use arbitrary::{Arbitrary, Result, Unstructured};

    impl<'a, B, const MAX: usize, const MIN: usize, const STEP: usize> Arbitrary<'a>
        for BoundedOctets<B, MAX, MIN, STEP>
    where
        B: From<Vec<u8>>,
    {
        fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
            // Short ones are the rule on the wire; the longest are reached now and then.
            let limit = if u.ratio(1u8, 16u8)? {
                MAX
            } else {
                MAX.min(MIN.saturating_add(32))
            };
            let most = limit.saturating_sub(MIN).checked_div(STEP).unwrap_or(0);
            let steps = u.int_in_range(0..=most)?;
            let left = u.len().saturating_sub(MIN).checked_div(STEP).unwrap_or(0);
            let length = steps.min(left).saturating_mul(STEP).saturating_add(MIN);
            let mut octets = u.bytes(length.min(u.len()))?.to_vec();
            octets.resize(length, 0);
            Ok(Self(octets.into()))
        }
    }

    impl<'a, const MAX: u8, const MIN: u8> Arbitrary<'a> for BoundedU8<MAX, MIN> {
        fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
            u.int_in_range(MIN..=MAX).map(Self)
        }
    }
}
