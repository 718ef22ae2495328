use core::fmt::Debug;
use core::net::IpAddr;
use core::ops::{BitAnd, BitOr, BitXor, Not};

use crate::key::FlowKey;

/// An address as a number: 32 bits for IPv4, 128 for IPv6, so that IPv4 lists compare words.
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
}

impl Word for u32 {
    const ZERO: Self = 0;
    const MAX: Self = Self::MAX;

    fn next(self) -> Option<Self> {
        self.checked_add(1)
    }

    fn is_prefix_mask(self) -> bool {
        self.leading_ones() == self.count_ones()
    }
}

impl Word for u128 {
    const ZERO: Self = 0;
    const MAX: Self = Self::MAX;

    fn next(self) -> Option<Self> {
        self.checked_add(1)
    }

    fn is_prefix_mask(self) -> bool {
        self.leading_ones() == self.count_ones()
    }
}

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
        match (key.source(), key.destination()) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => Self::V4(fields(
                key,
                established,
                source.to_bits(),
                destination.to_bits(),
            )),
            (IpAddr::V6(source), IpAddr::V6(destination)) => Self::V6(fields(
                key,
                established,
                source.to_bits(),
                destination.to_bits(),
            )),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => Self::Mixed,
        }
    }
}

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
