use super::body::{Body, Layout};
use crate::error::Field;
use crate::option::MobilityOptions;
use crate::types::{Lifetime, SequenceNumber};

bitflags::bitflags! {
    /// Flags of a [`BindingUpdate`]. Reserved bits that were received are kept.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
    #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
    pub struct BindingUpdateFlags: u16 {
        /// A: an acknowledgement is asked for (RFC 6275 section 6.1.7); always set in a PBU.
        const ACKNOWLEDGE = 0x8000;
        /// H: home registration (RFC 6275 section 6.1.7).
        const HOME_REGISTRATION = 0x4000;
        /// L: link-local address compatibility (RFC 6275 section 6.1.7).
        const LINK_LOCAL_COMPATIBILITY = 0x2000;
        /// K: key management mobility capability (RFC 6275 section 6.1.7).
        const KEY_MANAGEMENT = 0x1000;
        /// M: registration with a mobility anchor point (RFC 4140).
        const MAP_REGISTRATION = 0x0800;
        /// R: mobile router (RFC 3963 section 4.1).
        const MOBILE_ROUTER = 0x0400;
        /// P: proxy registration, which makes this a PBU (RFC 5213 section 8.1).
        const PROXY = 0x0200;
        /// F: UDP encapsulation is forced (RFC 5844 section 4.1.2.1).
        const FORCE_UDP = 0x0100;
        /// T: the TLV header format is asked for (RFC 5845 section 6.2).
        const TLV_HEADER = 0x0080;
        /// B: bulk binding update, with P (RFC 6602 section 4.1). Without P, RFC 5648 draws its
        /// overwrite flag on this bit.
        const BULK = 0x0040;
        /// S: multicast signalling (RFC 7161, erratum 4146).
        const MULTICAST_SIGNALLING = 0x0020;
        /// D: distributed mobility management (RFC 8885 section 4.1).
        const DISTRIBUTED = 0x0010;
    }
}

/// A Binding Update, MH type 5; with flag P a Proxy Binding Update, which a MAG sends to its LMA.
///
/// ```text
///                                 +-------------------------------+
///                                 |          Sequence #           |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-------+-------------------------------+
/// |A|H|L|K|M|R|P|F|T|B|S|D| Resvd |           Lifetime            |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-------+-------------------------------+
/// |                      Mobility Options ...                     |
/// +---------------------------------------------------------------+
/// ```
/// RFC 6275 section 6.1.7, RFC 5213 section 8.1.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct BindingUpdate {
    /// Matches the acknowledgement with this update.
    pub sequence: SequenceNumber,
    /// Flags.
    pub flags: BindingUpdateFlags,
    /// The lifetime asked for; zero de-registers.
    pub lifetime: Lifetime,
    /// Options in wire order.
    pub options: MobilityOptions,
}

impl BindingUpdate {
    /// Whether this is a Proxy Binding Update: flag P.
    pub const fn is_proxy(&self) -> bool {
        self.flags.contains(BindingUpdateFlags::PROXY)
    }
}

impl Body for BindingUpdate {
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
            lifetime: Lifetime::from_units(u16::from_be_bytes([l0, l1])),
            options,
        }
    }

    #[inline]
    fn to_wire(&self) -> [u8; 6] {
        let [s0, s1] = self.sequence.0.to_be_bytes();
        let [f0, f1] = self.flags.bits().to_be_bytes();
        let [l0, l1] = self.lifetime.as_units().to_be_bytes();
        [s0, s1, f0, f1, l0, l1]
    }
}
