//! Binding revocation (RFC 5846): one MH type, told apart by B.R. Type. Messages with another B.R.
//! Type are kept as [`super::UnknownMessage`].

use super::body::{Body, Layout};
use crate::code::{BindingRevocationStatus, RevocationTrigger};
use crate::error::Field;
use crate::option::MobilityOptions;
use crate::types::SequenceNumber;

bitflags::bitflags! {
    /// Flags of both binding revocation messages (RFC 5846 sections 5.1 and 5.2); the
    /// acknowledgement returns those of the indication. Reserved bits that were received are kept.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
    #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
    pub struct BindingRevocationFlags: u16 {
        /// P: the bindings are those of Proxy Mobile IPv6.
        const PROXY = 0x8000;
        /// V: only the binding of the IPv4 home address ends.
        const IPV4_HOME_ADDRESS_ONLY = 0x4000;
        /// G: all bindings of the peer, or all that share an identifier, end.
        const GLOBAL = 0x2000;
    }
}

/// A Binding Revocation Indication, MH type 16 and B.R. Type 1: tells the peer that bindings end.
///
/// ```text
///                                 +---------------+---------------+
///                                 | B.R. Type = 1 |  R. Trigger   |
/// +-------------------------------+-+-+-+---------+---------------+
/// |          Sequence #           |P|V|G|        Reserved         |
/// +-------------------------------+-+-+-+-------------------------+
/// |                      Mobility Options ...                     |
/// +---------------------------------------------------------------+
/// ```
/// RFC 5846 section 5.1.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct BindingRevocationIndication {
    /// Why.
    pub trigger: RevocationTrigger,
    /// Matches the acknowledgement with this indication.
    pub sequence: SequenceNumber,
    /// Flags.
    pub flags: BindingRevocationFlags,
    /// Options in wire order: which bindings.
    pub options: MobilityOptions,
}

/// A Binding Revocation Acknowledgement, MH type 16 and B.R. Type 2: answers a
/// [`BindingRevocationIndication`].
///
/// ```text
///                                 +---------------+---------------+
///                                 | B.R. Type = 2 |    Status     |
/// +-------------------------------+-+-+-+---------+---------------+
/// |          Sequence #           |P|V|G|        Reserved         |
/// +-------------------------------+-+-+-+-------------------------+
/// |                      Mobility Options ...                     |
/// +---------------------------------------------------------------+
/// ```
/// RFC 5846 section 5.2.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct BindingRevocationAcknowledgement {
    /// Accepted below 128, else why not.
    pub status: BindingRevocationStatus,
    /// Copied from the indication.
    pub sequence: SequenceNumber,
    /// Copied from the indication.
    pub flags: BindingRevocationFlags,
    /// Options in wire order: the bindings that could not be revoked.
    pub options: MobilityOptions,
}

const INDICATION: u8 = 1;
const ACKNOWLEDGEMENT: u8 = 2;

impl BindingRevocationIndication {
    /// Whether bindings of Proxy Mobile IPv6 end: flag P.
    pub const fn is_proxy(&self) -> bool {
        self.flags.contains(BindingRevocationFlags::PROXY)
    }

    /// Whether all bindings end that the peers share, or that share an identifier: flag G.
    pub const fn is_global(&self) -> bool {
        self.flags.contains(BindingRevocationFlags::GLOBAL)
    }

    /// Whether only the binding of the IPv4 home address ends: flag V.
    pub const fn is_ipv4_only(&self) -> bool {
        self.flags
            .contains(BindingRevocationFlags::IPV4_HOME_ADDRESS_ONLY)
    }

    /// The acknowledgement with this indication's sequence number and flags, without options
    /// (RFC 5846 section 6.1.2).
    pub fn acknowledgement(
        &self,
        status: BindingRevocationStatus,
    ) -> BindingRevocationAcknowledgement {
        BindingRevocationAcknowledgement {
            status,
            sequence: self.sequence,
            flags: self.flags & BindingRevocationFlags::all(),
            options: MobilityOptions::new(),
        }
    }
}

impl BindingRevocationAcknowledgement {
    /// Whether bindings of Proxy Mobile IPv6 end: flag P.
    pub const fn is_proxy(&self) -> bool {
        self.flags.contains(BindingRevocationFlags::PROXY)
    }

    /// Whether the indication was for many bindings: flag G.
    pub const fn is_global(&self) -> bool {
        self.flags.contains(BindingRevocationFlags::GLOBAL)
    }
}

impl Body for BindingRevocationIndication {
    type Fixed = [u8; 6];

    const LAYOUT: Layout = &[
        (Field::RevocationType, 1),
        (Field::Trigger, 1),
        (Field::Sequence, 2),
        (Field::Flags, 2),
    ];

    #[inline]
    fn from_wire(fixed: &[u8; 6], options: MobilityOptions) -> Self {
        let [_, trigger, s0, s1, f0, f1] = *fixed;
        Self {
            trigger: RevocationTrigger::from_code(trigger),
            sequence: SequenceNumber(u16::from_be_bytes([s0, s1])),
            flags: BindingRevocationFlags::from_bits_retain(u16::from_be_bytes([f0, f1])),
            options,
        }
    }

    #[inline]
    fn to_wire(&self) -> [u8; 6] {
        let [s0, s1] = self.sequence.0.to_be_bytes();
        let [f0, f1] = self.flags.bits().to_be_bytes();
        [INDICATION, self.trigger.code(), s0, s1, f0, f1]
    }
}

impl Body for BindingRevocationAcknowledgement {
    type Fixed = [u8; 6];

    const LAYOUT: Layout = &[
        (Field::RevocationType, 1),
        (Field::Status, 1),
        (Field::Sequence, 2),
        (Field::Flags, 2),
    ];

    #[inline]
    fn from_wire(fixed: &[u8; 6], options: MobilityOptions) -> Self {
        let [_, status, s0, s1, f0, f1] = *fixed;
        Self {
            status: BindingRevocationStatus::from_code(status),
            sequence: SequenceNumber(u16::from_be_bytes([s0, s1])),
            flags: BindingRevocationFlags::from_bits_retain(u16::from_be_bytes([f0, f1])),
            options,
        }
    }

    #[inline]
    fn to_wire(&self) -> [u8; 6] {
        let [s0, s1] = self.sequence.0.to_be_bytes();
        let [f0, f1] = self.flags.bits().to_be_bytes();
        [ACKNOWLEDGEMENT, self.status.code(), s0, s1, f0, f1]
    }
}
