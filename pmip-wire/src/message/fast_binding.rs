//! Registration with the previous access router in fast handovers (RFC 5568).

use super::BindingUpdateFlags;
use super::binding_ack::BindingAckFlags;
use super::body::{Body, Layout};
use crate::code::FastBindingStatus;
use crate::error::Field;
use crate::option::MobilityOptions;
use crate::types::SequenceNumber;

/// A Fast Binding Update, MH type 8: a mobile node asks its previous access router to forward what
/// arrives there. Laid out as a Binding Update, but for the unit of the lifetime.
///
/// ```text
///                                 +-------------------------------+
///                                 |          Sequence #           |
/// +-+-+-+-+-----------------------+-------------------------------+
/// |A|H|L|K|       Reserved        |      Lifetime in seconds      |
/// +-+-+-+-+-----------------------+-------------------------------+
/// |                      Mobility Options ...                     |
/// +---------------------------------------------------------------+
/// ```
/// RFC 5568 section 6.2.2.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct FastBindingUpdate {
    /// Matches the acknowledgement with this update.
    pub sequence: SequenceNumber,
    /// A sender sets A and H, and none but these, L and K (RFC 5568 section 6.2.2); what is set here
    /// is sent.
    pub flags: BindingUpdateFlags,
    /// The lifetime asked for, in seconds.
    pub lifetime_seconds: u16,
    /// Options in wire order.
    pub options: MobilityOptions,
}

/// A Fast Binding Acknowledgment, MH type 9: the previous access router's answer. Laid out as a
/// Binding Acknowledgement, but for the unit of the lifetime.
///
/// ```text
///                                 +---------------+-+-------------+
///                                 |    Status     |K|  Reserved   |
/// +-------------------------------+---------------+-+-------------+
/// |          Sequence #           |      Lifetime in seconds      |
/// +-------------------------------+-------------------------------+
/// |                      Mobility Options ...                     |
/// +---------------------------------------------------------------+
/// ```
/// RFC 5568 section 6.2.3.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct FastBindingAcknowledgement {
    /// Accepted below 128, else why not.
    pub status: FastBindingStatus,
    /// A sender sets none but K (RFC 5568 section 6.2.3); what is set here is sent.
    pub flags: BindingAckFlags,
    /// Copied from the update.
    pub sequence: SequenceNumber,
    /// The lifetime granted, in seconds.
    pub lifetime_seconds: u16,
    /// Options in wire order.
    pub options: MobilityOptions,
}

impl Body for FastBindingUpdate {
    type Fixed = [u8; 6];

    const LAYOUT: Layout = &[
        (Field::Sequence, 2),
        (Field::Flags, 2),
        (Field::Lifetime, 2),
    ];

    #[inline]
    fn from_wire(fixed: &[u8; 6], options: MobilityOptions) -> Self {
        let [s0, s1, f0, f1, l0, l1] = *fixed;
        Self {
            sequence: SequenceNumber(u16::from_be_bytes([s0, s1])),
            flags: BindingUpdateFlags::from_bits_retain(u16::from_be_bytes([f0, f1])),
            lifetime_seconds: u16::from_be_bytes([l0, l1]),
            options,
        }
    }

    #[inline]
    fn to_wire(&self) -> [u8; 6] {
        let [s0, s1] = self.sequence.0.to_be_bytes();
        let [f0, f1] = self.flags.bits().to_be_bytes();
        let [l0, l1] = self.lifetime_seconds.to_be_bytes();
        [s0, s1, f0, f1, l0, l1]
    }
}

impl Body for FastBindingAcknowledgement {
    type Fixed = [u8; 6];

    const LAYOUT: Layout = &[
        (Field::Status, 1),
        (Field::Flags, 1),
        (Field::Sequence, 2),
        (Field::Lifetime, 2),
    ];

    #[inline]
    fn from_wire(fixed: &[u8; 6], options: MobilityOptions) -> Self {
        let [status, flags, s0, s1, l0, l1] = *fixed;
        Self {
            status: FastBindingStatus::from_code(status),
            flags: BindingAckFlags::from_bits_retain(flags),
            sequence: SequenceNumber(u16::from_be_bytes([s0, s1])),
            lifetime_seconds: u16::from_be_bytes([l0, l1]),
            options,
        }
    }

    #[inline]
    fn to_wire(&self) -> [u8; 6] {
        let [s0, s1] = self.sequence.0.to_be_bytes();
        let [l0, l1] = self.lifetime_seconds.to_be_bytes();
        [self.status.code(), self.flags.bits(), s0, s1, l0, l1]
    }
}
