//! Update notifications (RFC 7077), which are also the flow mobility messages of RFC 7864.

use super::body::{Body, Layout};
use crate::code::{NotificationReason, UpdateNotificationStatus};
use crate::error::Field;
use crate::option::MobilityOptions;
use crate::types::SequenceNumber;

bitflags::bitflags! {
    /// Flags of an [`UpdateNotification`] (RFC 7077 section 4.1). Reserved bits that were received
    /// are kept.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
    #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
    pub struct UpdateNotificationFlags: u16 {
        /// A: an acknowledgement is asked for.
        const ACKNOWLEDGEMENT_REQUESTED = 0x8000;
        /// D: sent before with the same sequence number and contents.
        const RETRANSMIT = 0x4000;
    }
}

/// An Update Notification, MH type 19: an LMA tells a MAG that parameters of a session changed.
///
/// ```text
///                                 +-------------------------------+
///                                 |          Sequence #           |
/// +-------------------------------+-+-+---------------------------+
/// |      Notification Reason      |A|D|         Reserved          |
/// +-------------------------------+-+-+---------------------------+
/// |                      Mobility Options ...                     |
/// +---------------------------------------------------------------+
/// ```
/// RFC 7077 section 4.1. With reason FLOW-MOBILITY it is the Flow Mobility Initiate of RFC 7864
/// section 4.2, whose home network prefixes are all those that flow mobility is provided for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct UpdateNotification {
    /// Matches the acknowledgement with this notification.
    pub sequence: SequenceNumber,
    /// Why.
    pub reason: NotificationReason,
    /// Flags.
    pub flags: UpdateNotificationFlags,
    /// Options in wire order.
    pub options: MobilityOptions,
}

/// An Update Notification Acknowledgement, MH type 20: the MAG's answer.
///
/// ```text
///                                 +-------------------------------+
///                                 |          Sequence #           |
/// +---------------+---------------+-------------------------------+
/// |  Status Code  |                   Reserved                    |
/// +---------------+-----------------------------------------------+
/// |                      Mobility Options ...                     |
/// +---------------------------------------------------------------+
/// ```
/// RFC 7077 section 4.2; the Flow Mobility Acknowledgement of RFC 7864 section 4.3.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct UpdateNotificationAcknowledgement {
    /// Copied from the notification.
    pub sequence: SequenceNumber,
    /// Processed below 128, else why not.
    pub status: UpdateNotificationStatus,
    /// Options in wire order.
    pub options: MobilityOptions,
}

impl UpdateNotification {
    /// Whether an acknowledgement is asked for: flag A.
    pub const fn acknowledgement_requested(&self) -> bool {
        self.flags
            .contains(UpdateNotificationFlags::ACKNOWLEDGEMENT_REQUESTED)
    }

    /// Whether it was sent before: flag D.
    pub const fn is_retransmission(&self) -> bool {
        self.flags.contains(UpdateNotificationFlags::RETRANSMIT)
    }

    /// Whether it is a Flow Mobility Initiate (RFC 7864 section 4.2).
    pub const fn is_flow_mobility_initiate(&self) -> bool {
        matches!(
            NotificationReason::from_code(self.reason.code()),
            NotificationReason::FlowMobility
        )
    }

    /// The acknowledgement with this notification's sequence number, without options.
    pub fn acknowledgement(
        &self,
        status: UpdateNotificationStatus,
    ) -> UpdateNotificationAcknowledgement {
        UpdateNotificationAcknowledgement {
            sequence: self.sequence,
            status,
            options: MobilityOptions::new(),
        }
    }
}

impl Body for UpdateNotification {
    type Fixed = [u8; 6];

    const LAYOUT: Layout = &[
        (Field::Sequence, 2),
        (Field::NotificationReason, 2),
        (Field::Flags, 2),
    ];

    #[inline]
    fn from_wire(fixed: &[u8; 6], options: MobilityOptions) -> Self {
        let [s0, s1, r0, r1, f0, f1] = *fixed;
        Self {
            sequence: SequenceNumber(u16::from_be_bytes([s0, s1])),
            reason: NotificationReason::from_code(u16::from_be_bytes([r0, r1])),
            flags: UpdateNotificationFlags::from_bits_retain(u16::from_be_bytes([f0, f1])),
            options,
        }
    }

    #[inline]
    fn to_wire(&self) -> [u8; 6] {
        let [s0, s1] = self.sequence.0.to_be_bytes();
        let [r0, r1] = self.reason.code().to_be_bytes();
        let [f0, f1] = self.flags.bits().to_be_bytes();
        [s0, s1, r0, r1, f0, f1]
    }
}

impl Body for UpdateNotificationAcknowledgement {
    type Fixed = [u8; 6];

    const LAYOUT: Layout = &[
        (Field::Sequence, 2),
        (Field::Status, 1),
        (Field::Reserved, 3),
    ];

    #[inline]
    fn from_wire(fixed: &[u8; 6], options: MobilityOptions) -> Self {
        let [s0, s1, status, _, _, _] = *fixed;
        Self {
            sequence: SequenceNumber(u16::from_be_bytes([s0, s1])),
            status: UpdateNotificationStatus::from_code(status),
            options,
        }
    }

    #[inline]
    fn to_wire(&self) -> [u8; 6] {
        let [s0, s1] = self.sequence.0.to_be_bytes();
        [s0, s1, self.status.code(), 0, 0, 0]
    }
}
