//! Localized routing (RFC 6705).

use super::body::{Body, Layout};
use crate::code::LocalizedRoutingStatus;
use crate::error::Field;
use crate::option::MobilityOptions;
use crate::types::SequenceNumber;

bitflags::bitflags! {
    /// Flags of a [`LocalizedRoutingAcknowledgment`]. Reserved bits that were received are kept.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
    #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
    pub struct LocalizedRoutingFlags: u8 {
        /// U: nobody asked; the lifetime is a request (RFC 6705 section 10.2).
        const UNSOLICITED = 0x80;
    }
}

/// A Localized Routing Initiation, MH type 17: asks to forward between two mobile nodes without
/// the anchor.
///
/// ```text
///                                 +-------------------------------+
///                                 |          Sequence #           |
/// +-------------------------------+-------------------------------+
/// |           Reserved            |      Lifetime in seconds      |
/// +-------------------------------+-------------------------------+
/// |                      Mobility Options ...                     |
/// +---------------------------------------------------------------+
/// ```
/// RFC 6705 section 10.1.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct LocalizedRoutingInitiation {
    /// Matches the acknowledgment with this message.
    pub sequence: SequenceNumber,
    /// The lifetime asked for, in seconds: zero stops, [`Self::INFINITE`] never ends.
    pub lifetime_seconds: u16,
    /// Options in wire order: each mobile node's identifier and its home network prefixes.
    pub options: MobilityOptions,
}

/// A Localized Routing Acknowledgment, MH type 18: answers a [`LocalizedRoutingInitiation`].
///
/// ```text
///                                 +-------------------------------+
///                                 |          Sequence #           |
/// +-+-------------+---------------+-------------------------------+
/// |U|  Reserved   |    Status     |      Lifetime in seconds      |
/// +-+-------------+---------------+-------------------------------+
/// |                      Mobility Options ...                     |
/// +---------------------------------------------------------------+
/// ```
/// RFC 6705 section 10.2.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct LocalizedRoutingAcknowledgment {
    /// Copied from the message that this answers.
    pub sequence: SequenceNumber,
    /// Flags.
    pub flags: LocalizedRoutingFlags,
    /// Accepted below 128, else why not.
    pub status: LocalizedRoutingStatus,
    /// The lifetime granted, in seconds; the one asked for where nobody asked.
    pub lifetime_seconds: u16,
    /// Options in wire order, as in the message that this answers.
    pub options: MobilityOptions,
}

impl LocalizedRoutingInitiation {
    /// The lifetime that never ends.
    pub const INFINITE: u16 = u16::MAX;

    /// Whether localized routing is to stop: lifetime 0.
    pub const fn is_stop(&self) -> bool {
        self.lifetime_seconds == 0
    }
}

impl LocalizedRoutingAcknowledgment {
    /// Whether nobody asked for it: flag U.
    pub const fn is_unsolicited(&self) -> bool {
        self.flags.contains(LocalizedRoutingFlags::UNSOLICITED)
    }
}

impl Body for LocalizedRoutingInitiation {
    type Fixed = [u8; 6];

    const LAYOUT: Layout = &[
        (Field::Sequence, 2),
        (Field::Reserved, 2),
        (Field::Lifetime, 2),
    ];

    #[inline]
    fn from_wire(fixed: &[u8; 6], options: MobilityOptions) -> Self {
        let [s0, s1, _, _, l0, l1] = *fixed;
        Self {
            sequence: SequenceNumber(u16::from_be_bytes([s0, s1])),
            lifetime_seconds: u16::from_be_bytes([l0, l1]),
            options,
        }
    }

    #[inline]
    fn to_wire(&self) -> [u8; 6] {
        let [s0, s1] = self.sequence.0.to_be_bytes();
        let [l0, l1] = self.lifetime_seconds.to_be_bytes();
        [s0, s1, 0, 0, l0, l1]
    }
}

impl Body for LocalizedRoutingAcknowledgment {
    type Fixed = [u8; 6];

    const LAYOUT: Layout = &[
        (Field::Sequence, 2),
        (Field::Flags, 1),
        (Field::Status, 1),
        (Field::Lifetime, 2),
    ];

    #[inline]
    fn from_wire(fixed: &[u8; 6], options: MobilityOptions) -> Self {
        let [s0, s1, flags, status, l0, l1] = *fixed;
        Self {
            sequence: SequenceNumber(u16::from_be_bytes([s0, s1])),
            flags: LocalizedRoutingFlags::from_bits_retain(flags),
            status: LocalizedRoutingStatus::from_code(status),
            lifetime_seconds: u16::from_be_bytes([l0, l1]),
            options,
        }
    }

    #[inline]
    fn to_wire(&self) -> [u8; 6] {
        let [s0, s1] = self.sequence.0.to_be_bytes();
        let [l0, l1] = self.lifetime_seconds.to_be_bytes();
        [s0, s1, self.flags.bits(), self.status.code(), l0, l1]
    }
}
