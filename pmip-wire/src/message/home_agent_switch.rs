use core::net::Ipv6Addr;

use alloc::vec::Vec;
use bytes::Bytes;

use super::body::{Body, Layout};
use super::{HEADER_LEN, InvalidMessage, MAX_MESSAGE_LEN};
use crate::error::Field;
use crate::option::MobilityOptions;

/// A Home Agent Switch, MH type 12: a home agent asks a mobile node to look for another one.
///
/// ```text
///                                 +---------------+---------------+
///                                 |# of Addresses |   Reserved    |
/// +-------------------------------+---------------+---------------+
/// |          Home Agent Addresses (16 octets each) ...            |
/// +---------------------------------------------------------------+
/// |                      Mobility Options ...                     |
/// +---------------------------------------------------------------+
/// ```
/// RFC 5142 section 4.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "Parts", into = "Parts"))]
pub struct HomeAgentSwitch {
    /// 16 octets for each address.
    addresses: Bytes,
    pub(super) options: MobilityOptions,
}

const ADDRESS_LEN: usize = 16;

impl HomeAgentSwitch {
    /// A message that names `addresses`, best first; none makes the mobile node discover its next
    /// home agent by itself.
    ///
    /// # Errors
    /// [`InvalidMessage::TooLong`] where addresses and options exceed 2048 octets together.
    pub fn new(
        addresses: impl IntoIterator<Item = Ipv6Addr>,
        options: MobilityOptions,
    ) -> Result<Self, InvalidMessage> {
        let mut octets = Vec::new();
        for address in addresses {
            octets.extend_from_slice(&address.octets());
            // More than fit any message need not be gathered.
            if octets.len() > MAX_MESSAGE_LEN {
                break;
            }
        }
        let message = Self {
            addresses: octets.into(),
            options,
        };
        if message.fits() {
            Ok(message)
        } else {
            Err(InvalidMessage::TooLong)
        }
    }

    /// The addresses of other home agents, best first.
    pub fn addresses(&self) -> impl ExactSizeIterator<Item = Ipv6Addr> + Clone + '_ {
        let (addresses, _) = self.addresses.as_chunks::<ADDRESS_LEN>();
        addresses.iter().map(|octets| Ipv6Addr::from(*octets))
    }

    /// Options in wire order.
    pub const fn options(&self) -> &MobilityOptions {
        &self.options
    }

    /// Whether the whole message stays within a Mobility Header.
    pub(super) fn fits(&self) -> bool {
        let start = HEADER_LEN.saturating_add(2);
        let start = start.saturating_add(self.addresses.len());
        self.options.end_from(start) <= MAX_MESSAGE_LEN
    }
}

impl Body for HomeAgentSwitch {
    type Fixed = [u8; 2];

    const LAYOUT: Layout = &[(Field::AddressCount, 1), (Field::Reserved, 1)];

    #[inline]
    fn from_wire(_fixed: &[u8; 2], options: MobilityOptions) -> Self {
        Self {
            addresses: Bytes::new(),
            options,
        }
    }

    #[inline]
    fn to_wire(&self) -> [u8; 2] {
        let count = self.addresses().len();
        [count.try_into().unwrap_or(u8::MAX), 0]
    }

    #[inline]
    fn list_len(&[count, _reserved]: &[u8; 2]) -> usize {
        usize::from(count).saturating_mul(ADDRESS_LEN)
    }

    #[inline]
    fn set_list(&mut self, octets: impl FnOnce() -> Bytes) {
        self.addresses = octets();
    }

    #[inline]
    fn list(&self) -> &[u8] {
        &self.addresses
    }
}

#[cfg(feature = "serde")]
#[derive(serde::Serialize, serde::Deserialize)]
struct Parts {
    addresses: Vec<Ipv6Addr>,
    options: MobilityOptions,
}

#[cfg(feature = "serde")]
impl From<HomeAgentSwitch> for Parts {
    fn from(message: HomeAgentSwitch) -> Self {
        Self {
            addresses: message.addresses().collect(),
            options: message.options,
        }
    }
}

#[cfg(feature = "serde")]
impl TryFrom<Parts> for HomeAgentSwitch {
    type Error = InvalidMessage;

    fn try_from(parts: Parts) -> Result<Self, InvalidMessage> {
        Self::new(parts.addresses, parts.options)
    }
}

#[cfg(feature = "arbitrary")]
impl<'a> arbitrary::Arbitrary<'a> for HomeAgentSwitch {
    fn arbitrary(u: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
        let count = u.int_in_range(0..=4usize)?;
        let addresses: Vec<Ipv6Addr> = u.arbitrary_iter()?.take(count).collect::<Result<_, _>>()?;
        Self::new(addresses, u.arbitrary()?).map_err(|_| arbitrary::Error::IncorrectFormat)
    }
}
