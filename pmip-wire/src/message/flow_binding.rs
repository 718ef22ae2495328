//! Flow bindings that a home agent initiates (RFC 7109): one MH type, told apart by Flow Binding
//! Type. Messages with another type are kept as [`super::UnknownMessage`].

use super::body::{Body, Layout};
use crate::code::{FlowBindingStatus, FlowBindingTrigger};
use crate::error::Field;
use crate::option::MobilityOptions;
use crate::types::SequenceNumber;

bitflags::bitflags! {
    /// Flags of a [`FlowBindingIndication`]. Reserved bits that were received are kept.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
    #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
    pub struct FlowBindingFlags: u8 {
        /// A: an acknowledgement is asked for (RFC 7109 section 6.1.1).
        const ACKNOWLEDGE = 0x80;
    }
}

/// A Flow Binding Indication, MH type 21 and Flow Binding Type 1: a home agent changes a mobile
/// node's flow bindings.
///
/// ```text
///                                 +-------------------------------+
///                                 |     Flow Binding Type = 1     |
/// +-------------------------------+---------------+-+-------------+
/// |          Sequence #           |    Trigger    |A|  Reserved   |
/// +-------------------------------+---------------+-+-------------+
/// |                      Mobility Options ...                     |
/// +---------------------------------------------------------------+
/// ```
/// RFC 7109 section 6.1.1.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct FlowBindingIndication {
    /// Matches the acknowledgement with this indication.
    pub sequence: SequenceNumber,
    /// Why.
    pub trigger: FlowBindingTrigger,
    /// Flags.
    pub flags: FlowBindingFlags,
    /// Options in wire order.
    pub options: MobilityOptions,
}

/// A Flow Binding Acknowledgement, MH type 21 and Flow Binding Type 2: the mobile node's answer.
///
/// ```text
///                                 +-------------------------------+
///                                 |     Flow Binding Type = 2     |
/// +-------------------------------+---------------+---------------+
/// |          Sequence #           |    Status     |   Reserved    |
/// +-------------------------------+---------------+---------------+
/// |                      Mobility Options ...                     |
/// +---------------------------------------------------------------+
/// ```
/// RFC 7109 section 6.1.2.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct FlowBindingAcknowledgement {
    /// Copied from the indication.
    pub sequence: SequenceNumber,
    /// Processed below 128, else why not.
    pub status: FlowBindingStatus,
    /// Options in wire order.
    pub options: MobilityOptions,
}

const INDICATION: u8 = 1;
const ACKNOWLEDGEMENT: u8 = 2;

impl FlowBindingIndication {
    /// Whether an acknowledgement is asked for: flag A.
    pub const fn acknowledgement_requested(&self) -> bool {
        self.flags.contains(FlowBindingFlags::ACKNOWLEDGE)
    }
}

impl Body for FlowBindingIndication {
    type Fixed = [u8; 6];

    const LAYOUT: Layout = &[
        (Field::FlowBindingType, 2),
        (Field::Sequence, 2),
        (Field::Trigger, 1),
        (Field::Flags, 1),
    ];

    #[inline]
    fn from_wire(fixed: &[u8; 6], options: MobilityOptions) -> Self {
        let [_, _, s0, s1, trigger, flags] = *fixed;
        Self {
            sequence: SequenceNumber(u16::from_be_bytes([s0, s1])),
            trigger: FlowBindingTrigger::from_code(trigger),
            flags: FlowBindingFlags::from_bits_retain(flags),
            options,
        }
    }

    #[inline]
    fn to_wire(&self) -> [u8; 6] {
        let [s0, s1] = self.sequence.0.to_be_bytes();
        let (trigger, flags) = (self.trigger.code(), self.flags.bits());
        [0, INDICATION, s0, s1, trigger, flags]
    }
}

impl Body for FlowBindingAcknowledgement {
    type Fixed = [u8; 6];

    const LAYOUT: Layout = &[
        (Field::FlowBindingType, 2),
        (Field::Sequence, 2),
        (Field::Status, 1),
        (Field::Reserved, 1),
    ];

    #[inline]
    fn from_wire(fixed: &[u8; 6], options: MobilityOptions) -> Self {
        let [_, _, s0, s1, status, _] = *fixed;
        Self {
            sequence: SequenceNumber(u16::from_be_bytes([s0, s1])),
            status: FlowBindingStatus::from_code(status),
            options,
        }
    }

    #[inline]
    fn to_wire(&self) -> [u8; 6] {
        let [s0, s1] = self.sequence.0.to_be_bytes();
        [0, ACKNOWLEDGEMENT, s0, s1, self.status.code(), 0]
    }
}
