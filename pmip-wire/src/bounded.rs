//! Values that cannot hold what the wire cannot carry: the private fields of options.

use bytes::Bytes;

/// Octets of at most `MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct BoundedOctets<B, const MAX: usize>(B);

impl<B: AsRef<[u8]>, const MAX: usize> BoundedOctets<B, MAX> {
    /// `None` when `octets` is longer than `MAX`.
    #[inline]
    pub(crate) fn new(octets: B) -> Option<Self> {
        (octets.as_ref().len() <= MAX).then_some(Self(octets))
    }
}

impl<B, const MAX: usize> BoundedOctets<B, MAX> {
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

impl<B: AsRef<[u8]>, const MAX: usize> BoundedOctets<B, MAX> {
    #[inline]
    pub(crate) fn as_slice(&self) -> &[u8] {
        self.0.as_ref()
    }

    pub(crate) fn to_bytes(&self) -> BoundedOctets<Bytes, MAX> {
        BoundedOctets(Bytes::copy_from_slice(self.0.as_ref()))
    }
}

/// A number from 0 to `MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct BoundedU8<const MAX: u8>(u8);

impl<const MAX: u8> BoundedU8<MAX> {
    /// `None` when `number` is above `MAX`.
    #[inline]
    pub(crate) const fn new(number: u8) -> Option<Self> {
        if number <= MAX {
            Some(Self(number))
        } else {
            None
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

    impl<B: Serialize, const MAX: usize> Serialize for BoundedOctets<B, MAX> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            self.0.serialize(serializer)
        }
    }

    impl<'de, B: Deserialize<'de> + AsRef<[u8]>, const MAX: usize> Deserialize<'de>
        for BoundedOctets<B, MAX>
    {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            Self::new(B::deserialize(deserializer)?)
                .ok_or_else(|| D::Error::custom(format_args!("more than {MAX} octets")))
        }
    }

    impl<const MAX: u8> Serialize for BoundedU8<MAX> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            self.0.serialize(serializer)
        }
    }

    impl<'de, const MAX: u8> Deserialize<'de> for BoundedU8<MAX> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            Self::new(u8::deserialize(deserializer)?)
                .ok_or_else(|| D::Error::custom(format_args!("above {MAX}")))
        }
    }
}

#[cfg(feature = "arbitrary")]
mod with_arbitrary {
    use super::{BoundedOctets, BoundedU8};
    use alloc::vec::Vec;
    use arbitrary::{Arbitrary, Result, Unstructured};

    impl<'a, B: From<Vec<u8>>, const MAX: usize> Arbitrary<'a> for BoundedOctets<B, MAX> {
        fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
            // Short ones are the rule on the wire; the longest are reached now and then.
            let limit = if u.ratio(1u8, 16u8)? {
                MAX
            } else {
                MAX.min(32)
            };
            let length = u.int_in_range(0..=limit)?;
            Ok(Self(u.bytes(length.min(u.len()))?.to_vec().into()))
        }
    }

    impl<'a, const MAX: u8> Arbitrary<'a> for BoundedU8<MAX> {
        fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
            u.int_in_range(0..=MAX).map(Self)
        }
    }
}
