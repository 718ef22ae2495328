use core::net::{Ipv4Addr, Ipv6Addr};

use super::{SubTlvType, Tlv};
use crate::error::DecodeError;

/// An address in a Location TLV: the sender asks with the generic kinds, the reflector answers
/// with the specific ones (RFC 8972 section 4.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[non_exhaustive]
pub enum LocationSubTlv {
    /// Type 1: asks for the source's link-layer address.
    SourceMac,
    /// Type 2.
    SourceEui48([u8; 6]),
    /// Type 3.
    SourceEui64([u8; 8]),
    /// Type 4: asks for the destination's IP address.
    DestinationIp,
    /// Type 5.
    DestinationIpv4(Ipv4Addr),
    /// Type 6.
    DestinationIpv6(Ipv6Addr),
    /// Type 7: asks for the source's IP address.
    SourceIp,
    /// Type 8.
    SourceIpv4(Ipv4Addr),
    /// Type 9.
    SourceIpv6(Ipv6Addr),
}

impl LocationSubTlv {
    /// Types `sub_tlv`; `None` for a type that is not known here. MBZ fields are ignored.
    ///
    /// # Errors
    /// [`DecodeError`] where Length does not fit the type.
    pub fn decode(sub_tlv: &Tlv<'_>) -> Result<Option<Self>, DecodeError> {
        let ipv4 = || sub_tlv.exactly().map(first_four);
        let ipv6 = || sub_tlv.exactly::<16>().map(Ipv6Addr::from);
        Ok(Some(match SubTlvType::from_code(sub_tlv.tlv_type) {
            SubTlvType::SourceMacAddress => {
                sub_tlv.exactly::<8>()?;
                Self::SourceMac
            }
            SubTlvType::SourceEui48Address => {
                let [a, b, c, d, e, f, _, _] = sub_tlv.exactly()?;
                Self::SourceEui48([a, b, c, d, e, f])
            }
            SubTlvType::SourceEui64Address => Self::SourceEui64(sub_tlv.exactly()?),
            SubTlvType::DestinationIpAddress => {
                sub_tlv.exactly::<16>()?;
                Self::DestinationIp
            }
            SubTlvType::DestinationIpv4Address => Self::DestinationIpv4(ipv4()?),
            SubTlvType::DestinationIpv6Address => Self::DestinationIpv6(ipv6()?),
            SubTlvType::SourceIpAddress => {
                sub_tlv.exactly::<16>()?;
                Self::SourceIp
            }
            SubTlvType::SourceIpv4Address => Self::SourceIpv4(ipv4()?),
            SubTlvType::SourceIpv6Address => Self::SourceIpv6(ipv6()?),
            SubTlvType::Unknown(_) => return Ok(None),
        }))
    }

    /// Its type.
    pub const fn sub_tlv_type(&self) -> SubTlvType {
        match self {
            Self::SourceMac => SubTlvType::SourceMacAddress,
            Self::SourceEui48(_) => SubTlvType::SourceEui48Address,
            Self::SourceEui64(_) => SubTlvType::SourceEui64Address,
            Self::DestinationIp => SubTlvType::DestinationIpAddress,
            Self::DestinationIpv4(_) => SubTlvType::DestinationIpv4Address,
            Self::DestinationIpv6(_) => SubTlvType::DestinationIpv6Address,
            Self::SourceIp => SubTlvType::SourceIpAddress,
            Self::SourceIpv4(_) => SubTlvType::SourceIpv4Address,
            Self::SourceIpv6(_) => SubTlvType::SourceIpv6Address,
        }
    }

    /// Its value: 8 octets of the 16 for link-layer addresses, else all.
    fn value(&self) -> ([u8; 16], usize) {
        match self {
            Self::SourceMac => ([0; 16], 8),
            Self::SourceEui48([a, b, c, d, e, f]) => {
                ([*a, *b, *c, *d, *e, *f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 8)
            }
            Self::SourceEui64([a, b, c, d, e, f, g, h]) => {
                ([*a, *b, *c, *d, *e, *f, *g, *h, 0, 0, 0, 0, 0, 0, 0, 0], 8)
            }
            Self::DestinationIp | Self::SourceIp => ([0; 16], 16),
            Self::DestinationIpv4(address) | Self::SourceIpv4(address) => {
                let [a, b, c, d] = address.octets();
                ([a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 16)
            }
            Self::DestinationIpv6(address) | Self::SourceIpv6(address) => (address.octets(), 16),
        }
    }

    /// Appends the sub-TLV: 12 or 20 octets.
    ///
    /// # Panics
    /// As [`bytes::BufMut`] does, when `out` cannot grow and has too little room.
    pub fn encode(&self, flags: super::TlvFlags, out: &mut impl bytes::BufMut) {
        let (value, length) = self.value();
        let value = value.get(..length).unwrap_or(&value);
        // 16 octets fit.
        let _ = Tlv::encode(flags, self.sub_tlv_type().code(), value, out);
    }
}

/// An IPv4 address fills the first four octets of its field.
const fn first_four([a, b, c, d, ..]: [u8; 16]) -> Ipv4Addr {
    Ipv4Addr::new(a, b, c, d)
}
