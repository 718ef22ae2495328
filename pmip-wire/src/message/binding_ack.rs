use super::body::{Body, Layout};
use crate::code::Status;
use crate::error::Field;
use crate::option::MobilityOptions;
use crate::types::{Lifetime, SequenceNumber};

bitflags::bitflags! {
    /// Flags of a [`BindingAcknowledgement`]. Reserved bits that were received are kept.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
    #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
    pub struct BindingAckFlags: u8 {
        /// K: key management mobility capability (RFC 6275 section 6.1.8).
        const KEY_MANAGEMENT = 0x80;
        /// R: mobile router (RFC 3963 section 4.2).
        const MOBILE_ROUTER = 0x40;
        /// P: proxy registration, which makes this a PBA (RFC 5213 section 8.2).
        const PROXY = 0x20;
        /// T: the TLV header format is agreed (RFC 5845 section 6.3).
        const TLV_HEADER = 0x10;
        /// B: bulk binding updates are supported (RFC 6602 section 4.2).
        const BULK = 0x08;
        /// S: multicast signalling (RFC 7161, erratum 4147).
        const MULTICAST_SIGNALLING = 0x04;
        /// D: distributed mobility management (RFC 8885 section 4.2).
        const DISTRIBUTED = 0x02;
    }
}

/// A Binding Acknowledgement, MH type 6; with flag P a Proxy Binding Acknowledgement, which an LMA
/// sends to a MAG.
///
/// ```text
///                                 +---------------+-+-+-+-+-+-+-+-+
///                                 |    Status     |K|R|P|T|B|S|D|r|
/// +-------------------------------+---------------+-+-+-+-+-+-+-+-+
/// |          Sequence #           |           Lifetime            |
/// +-------------------------------+-------------------------------+
/// |                      Mobility Options ...                     |
/// +---------------------------------------------------------------+
/// ```
/// RFC 6275 section 6.1.8, RFC 5213 section 8.2.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct BindingAcknowledgement {
    /// Accepted below 128, else why not.
    pub status: Status,
    /// Flags.
    pub flags: BindingAckFlags,
    /// Copied from the update.
    pub sequence: SequenceNumber,
    /// The lifetime granted; without meaning in a rejection.
    pub lifetime: Lifetime,
    /// Options in wire order.
    pub options: MobilityOptions,
}

impl BindingAcknowledgement {
    /// Whether this is a Proxy Binding Acknowledgement: flag P.
    pub const fn is_proxy(&self) -> bool {
        self.flags.contains(BindingAckFlags::PROXY)
    }
}

impl Body for BindingAcknowledgement {
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
            status: Status::from_code(status),
            flags: BindingAckFlags::from_bits_retain(flags),
            sequence: SequenceNumber(u16::from_be_bytes([s0, s1])),
            lifetime: Lifetime::from_units(u16::from_be_bytes([l0, l1])),
            options,
        }
    }

    #[inline]
    fn to_wire(&self) -> [u8; 6] {
        let [s0, s1] = self.sequence.0.to_be_bytes();
        let [l0, l1] = self.lifetime.as_units().to_be_bytes();
        [self.status.code(), self.flags.bits(), s0, s1, l0, l1]
    }
}
