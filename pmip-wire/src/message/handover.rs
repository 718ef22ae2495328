//! Handover between access routers (RFC 5568) and between gateways (RFC 5949).

use super::body::{Body, Layout};
use crate::code::{HandoverAcknowledgeCode, HandoverInitiateCode};
use crate::error::Field;
use crate::option::MobilityOptions;
use crate::types::SequenceNumber;

bitflags::bitflags! {
    /// Flags of a [`HandoverInitiate`]. Reserved bits that were received are kept.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
    #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
    pub struct HandoverInitiateFlags: u8 {
        /// S: a new care-of address is asked for (RFC 5568 section 6.2.1.1); zero with P.
        const ASSIGNED_ADDRESS = 0x80;
        /// U: the receiver is to buffer the mobile node's packets (RFC 5568 section 6.2.1.1).
        const BUFFER = 0x40;
        /// P: between gateways of Proxy Mobile IPv6 (RFC 5949 section 6.1.1).
        const PROXY = 0x20;
        /// F: asks to forward the mobile node's packets (RFC 5949 section 6.1.1).
        const FORWARDING = 0x10;
    }
}

bitflags::bitflags! {
    /// Flags of a [`HandoverAcknowledge`], all of RFC 5949 section 6.1.2. Reserved bits that were
    /// received are kept.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
    #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
    pub struct HandoverAcknowledgeFlags: u8 {
        /// U: the receiver is to buffer the mobile node's packets.
        const BUFFER = 0x80;
        /// P: between gateways of Proxy Mobile IPv6.
        const PROXY = 0x40;
        /// F: asks to forward the mobile node's packets.
        const FORWARDING = 0x20;
    }
}

/// A Handover Initiate, MH type 14: starts the handover of a mobile node between access routers,
/// and with flag P between gateways.
///
/// ```text
///                                 +-------------------------------+
///                                 |          Sequence #           |
/// +-+-+-+-+-------+---------------+-------------------------------+
/// |S|U|P|F|Resv'd |     Code      |      Mobility Options ...     |
/// +-+-+-+-+-------+---------------+-------------------------------+
/// ```
/// RFC 5568 section 6.2.1.1, RFC 5949 section 6.1.1.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct HandoverInitiate {
    /// Matches the acknowledgement with this message.
    pub sequence: SequenceNumber,
    /// Flags.
    pub flags: HandoverInitiateFlags,
    /// What the message is about.
    pub code: HandoverInitiateCode,
    /// Options in wire order.
    pub options: MobilityOptions,
}

/// A Handover Acknowledge, MH type 15: answers a [`HandoverInitiate`].
///
/// ```text
///                                 +-------------------------------+
///                                 |          Sequence #           |
/// +-+-+-+---------+---------------+-------------------------------+
/// |U|P|F|Reserved |     Code      |      Mobility Options ...     |
/// +-+-+-+---------+---------------+-------------------------------+
/// ```
/// RFC 5568 section 6.2.1.2, RFC 5949 section 6.1.2.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct HandoverAcknowledge {
    /// Copied from the message that this answers.
    pub sequence: SequenceNumber,
    /// Flags.
    pub flags: HandoverAcknowledgeFlags,
    /// Accepted below 128, else why not.
    pub code: HandoverAcknowledgeCode,
    /// Options in wire order.
    pub options: MobilityOptions,
}

impl HandoverInitiate {
    /// Whether it is between gateways of Proxy Mobile IPv6: flag P.
    pub const fn is_proxy(&self) -> bool {
        self.flags.contains(HandoverInitiateFlags::PROXY)
    }
}

impl HandoverAcknowledge {
    /// Whether it is between gateways of Proxy Mobile IPv6: flag P.
    pub const fn is_proxy(&self) -> bool {
        self.flags.contains(HandoverAcknowledgeFlags::PROXY)
    }
}

impl Body for HandoverInitiate {
    type Fixed = [u8; 4];

    const LAYOUT: Layout = &[(Field::Sequence, 2), (Field::Flags, 1), (Field::Code, 1)];

    #[inline]
    fn from_wire(fixed: &[u8; 4], options: MobilityOptions) -> Self {
        let [s0, s1, flags, code] = *fixed;
        Self {
            sequence: SequenceNumber(u16::from_be_bytes([s0, s1])),
            flags: HandoverInitiateFlags::from_bits_retain(flags),
            code: HandoverInitiateCode::from_code(code),
            options,
        }
    }

    #[inline]
    fn to_wire(&self) -> [u8; 4] {
        let [s0, s1] = self.sequence.0.to_be_bytes();
        [s0, s1, self.flags.bits(), self.code.code()]
    }
}

impl Body for HandoverAcknowledge {
    type Fixed = [u8; 4];

    const LAYOUT: Layout = &[(Field::Sequence, 2), (Field::Flags, 1), (Field::Code, 1)];

    #[inline]
    fn from_wire(fixed: &[u8; 4], options: MobilityOptions) -> Self {
        let [s0, s1, flags, code] = *fixed;
        Self {
            sequence: SequenceNumber(u16::from_be_bytes([s0, s1])),
            flags: HandoverAcknowledgeFlags::from_bits_retain(flags),
            code: HandoverAcknowledgeCode::from_code(code),
            options,
        }
    }

    #[inline]
    fn to_wire(&self) -> [u8; 4] {
        let [s0, s1] = self.sequence.0.to_be_bytes();
        [s0, s1, self.flags.bits(), self.code.code()]
    }
}
