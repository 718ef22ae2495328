//! Queries for a mobile node's multicast subscriptions (RFC 7161).

use super::body::{Body, Layout};
use crate::error::Field;
use crate::option::MobilityOptions;

bitflags::bitflags! {
    /// Flags of a [`SubscriptionResponse`]. Reserved bits that were received are kept.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
    #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
    pub struct SubscriptionFlags: u8 {
        /// I: subscriptions follow as options (RFC 7161 section 4.3.2).
        const MULTICAST_INFORMATION = 0x80;
    }
}

/// A Subscription Query, MH type 22: asks which multicast groups a mobile node receives.
///
/// ```text
///                                 +---------------+---------------+
///                                 |  Sequence #   |   Reserved    |
/// +-------------------------------+---------------+---------------+
/// |                      Mobility Options ...                     |
/// +---------------------------------------------------------------+
/// ```
/// RFC 7161 section 4.3.1.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct SubscriptionQuery {
    /// Counts the sender's queries about one mobile node, modulo 256.
    pub sequence: u8,
    /// Options in wire order.
    pub options: MobilityOptions,
}

/// A Subscription Response, MH type 23: answers a [`SubscriptionQuery`].
///
/// ```text
///                                 +---------------+-+-------------+
///                                 |  Sequence #   |I|  Reserved   |
/// +-------------------------------+---------------+-+-------------+
/// |                      Mobility Options ...                     |
/// +---------------------------------------------------------------+
/// ```
/// RFC 7161 section 4.3.2.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct SubscriptionResponse {
    /// Copied from the query.
    pub sequence: u8,
    /// Flags.
    pub flags: SubscriptionFlags,
    /// Options in wire order.
    pub options: MobilityOptions,
}

impl SubscriptionQuery {
    /// Whether its sequence number is greater than `last` modulo 256: `last` itself and the 128
    /// values before it are not (RFC 7161 section 4.3.1.2).
    pub const fn is_newer_than(&self, last: u8) -> bool {
        let ahead = self.sequence.wrapping_sub(last);
        ahead != 0 && ahead < 0x80
    }
}

impl SubscriptionResponse {
    /// Whether subscriptions follow as options: flag I.
    pub const fn has_multicast_information(&self) -> bool {
        self.flags
            .contains(SubscriptionFlags::MULTICAST_INFORMATION)
    }
}

impl Body for SubscriptionQuery {
    type Fixed = [u8; 2];

    const LAYOUT: Layout = &[(Field::Sequence, 1), (Field::Reserved, 1)];

    #[inline]
    fn from_wire(fixed: &[u8; 2], options: MobilityOptions) -> Self {
        let [sequence, _] = *fixed;
        Self { sequence, options }
    }

    #[inline]
    fn to_wire(&self) -> [u8; 2] {
        [self.sequence, 0]
    }
}

impl Body for SubscriptionResponse {
    type Fixed = [u8; 2];

    const LAYOUT: Layout = &[(Field::Sequence, 1), (Field::Flags, 1)];

    #[inline]
    fn from_wire(fixed: &[u8; 2], options: MobilityOptions) -> Self {
        let [sequence, flags] = *fixed;
        Self {
            sequence,
            flags: SubscriptionFlags::from_bits_retain(flags),
            options,
        }
    }

    #[inline]
    fn to_wire(&self) -> [u8; 2] {
        [self.sequence, self.flags.bits()]
    }
}
