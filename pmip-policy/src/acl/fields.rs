use core::fmt::Debug;
use core::ops::{BitAnd, BitOr, BitXor, Not};

use crate::key::FlowKey;

/// A field as a number. Addresses have 32 bits in IPv4 lists and 128 in IPv6 lists.
pub(super) trait Word:
    Copy
    + Ord
    + Debug
    + BitAnd<Output = Self>
    + BitOr<Output = Self>
    + BitXor<Output = Self>
    + Not<Output = Self>
{
    const ZERO: Self;
    const MAX: Self;

    /// The number after this one; `None` after the greatest.
    fn next(self) -> Option<Self>;

    /// Whether the set bits, if any, are the uppermost: a prefix mask.
    fn is_prefix_mask(self) -> bool;

    /// Bits up to the highest that is set.
    fn width(self) -> u32;

    /// Whether the lowest `bits` bits are 0; `bits` is less than the type has.
    fn is_multiple_of(self, bits: u32) -> bool;

    /// The lowest 32 bits once shifted down; `shift` is less than the type has.
    fn low_bits(self, shift: u32) -> u32;
}

macro_rules! word {
    ($($word:ty),*) => {$(
        impl Word for $word {
            const ZERO: Self = 0;
            const MAX: Self = Self::MAX;

            fn next(self) -> Option<Self> {
                self.checked_add(1)
            }

            fn is_prefix_mask(self) -> bool {
                self.leading_ones() == self.count_ones()
            }

            fn width(self) -> u32 {
                Self::BITS - self.leading_zeros()
            }

            fn is_multiple_of(self, bits: u32) -> bool {
                self & ((1 << bits) - 1) == 0
            }

            #[inline]
            fn low_bits(self, shift: u32) -> u32 {
                (self >> shift) as u32
            }
        }
    )*};
}

word!(u8, u16, u32, u128);

/// A packet's fields as numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<A> {
    pub(super) source: A,
    pub(super) destination: A,
    pub(super) source_port: u16,
    pub(super) destination_port: u16,
    pub(super) protocol: u8,
    pub(super) dscp: u8,
    /// Of an open TCP connection.
    pub(super) established: bool,
}

/// The same of whatever family.
pub(super) enum FamilyFields {
    V4(Fields<u32>),
    V6(Fields<u128>),
    /// Addresses of two families: no list holds such a packet.
    Mixed,
}

impl FamilyFields {
    #[inline]
    pub(super) fn new(key: &FlowKey, established: bool) -> Self {
        let source = u128::from_be_bytes(key.source_octets());
        let destination = u128::from_be_bytes(key.destination_octets());
        match (source >> 32 == MAPPED, destination >> 32 == MAPPED) {
            (true, true) => Self::V4(fields(key, established, source as u32, destination as u32)),
            (false, false) => Self::V6(fields(key, established, source, destination)),
            (true, false) | (false, true) => Self::Mixed,
        }
    }
}

/// `::ffff:0:0/96`, where keys hold IPv4 addresses.
const MAPPED: u128 = 0xffff;

#[inline]
const fn fields<A: Copy>(key: &FlowKey, established: bool, source: A, destination: A) -> Fields<A> {
    Fields {
        source,
        destination,
        source_port: key.source_port(),
        destination_port: key.destination_port(),
        protocol: key.protocol(),
        dscp: key.dscp(),
        established,
    }
}
