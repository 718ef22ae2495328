use core::fmt;
use core::net::Ipv6Addr;

use bytes::BufMut;

use super::super::protocol;
use super::{HOME_ADDRESS_OPTION, ROUTING_TYPE_2};
use crate::checksum::ChecksumContext;
use crate::message::Message;

/// The headers of an IPv6 packet that carries signalling, to be written or as they were read.
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-------+---------------+---------------------------------------+
/// |Version| Traffic Class |              Flow Label               |
/// +-------+---------------+-------+---------------+---------------+
/// |        Payload Length         |  Next Header  |   Hop Limit   |
/// +-------------------------------+---------------+---------------+
/// |                    Source Address (16)                        |
/// +---------------------------------------------------------------+
/// |                  Destination Address (16)                     |
/// +---------------------------------------------------------------+
/// ```
/// RFC 8200 section 3, with the Home Address option (RFC 6275 section 6.3) and the type 2 routing
/// header (RFC 6275 section 6.4) where they are present.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[non_exhaustive]
pub struct Ipv6Header {
    /// Source Address field: the care-of address where there is a Home Address option.
    pub source: Ipv6Addr,
    /// Destination Address field: the care-of address where there is a type 2 routing header.
    pub destination: Ipv6Addr,
    /// Traffic Class: DSCP and ECN.
    pub traffic_class: u8,
    /// Flow Label.
    pub flow_label: FlowLabel,
    /// Hop Limit.
    pub hop_limit: u8,
    /// The sender's home address, from the Home Address option.
    pub source_home_address: Option<HomeAddress>,
    /// The destination's home address, from the type 2 routing header.
    pub destination_home_address: Option<HomeAddress>,
}

impl Ipv6Header {
    /// Hop Limit of [`Ipv6Header::new`] (IANA "IP Option Numbers", default TTL).
    pub const DEFAULT_HOP_LIMIT: u8 = 64;

    /// From `source` to `destination`, without extension headers.
    pub const fn new(source: Ipv6Addr, destination: Ipv6Addr) -> Self {
        Self {
            source,
            destination,
            traffic_class: 0,
            flow_label: FlowLabel(0),
            hop_limit: Self::DEFAULT_HOP_LIMIT,
            source_home_address: None,
            destination_home_address: None,
        }
    }

    /// What the checksum of a Mobility Header in this packet covers: the home addresses stand for
    /// the care-of addresses (RFC 6275 section 6.1.1, RFC 8200 section 8.1).
    pub fn checksum_context(&self) -> ChecksumContext {
        ChecksumContext::Ipv6 {
            source: self
                .source_home_address
                .map_or(self.source, HomeAddress::get),
            destination: self
                .destination_home_address
                .map_or(self.destination, HomeAddress::get),
        }
    }

    /// Octets of these headers: 40, and 24 for each home address.
    pub const fn encoded_len(&self) -> usize {
        super::HEADER_LEN.saturating_add(self.extensions_len() as usize)
    }

    /// Appends the headers and `message`, whose checksum covers what
    /// [`Ipv6Header::checksum_context`] says. Allocates nothing beyond what `out` itself does.
    ///
    /// # Panics
    /// As [`BufMut`] does, when `out` cannot grow and has less room than
    /// [`Ipv6Header::encoded_len`] and [`Message::encoded_len`] together.
    pub fn encode_message(&self, message: &Message, out: &mut impl BufMut) {
        // A Mobility Header has at most 2048 octets.
        let length = u16::try_from(message.encoded_len()).unwrap_or(u16::MAX);
        let payload_length = length.saturating_add(self.extensions_len());
        self.put(protocol::MOBILITY, payload_length, out);
        message.encode(self.checksum_context(), out);
    }

    /// Appends the headers of a packet whose upper layer of number `upper_layer` has
    /// `upper_layer_len` octets; the caller appends these. `None`, and nothing is appended, where
    /// Payload Length cannot hold the length.
    ///
    /// # Panics
    /// As [`BufMut`] does, when `out` cannot grow and has less room than
    /// [`Ipv6Header::encoded_len`].
    #[must_use = "`None` says that nothing was appended"]
    pub fn encode(
        &self,
        upper_layer: u8,
        upper_layer_len: usize,
        out: &mut impl BufMut,
    ) -> Option<()> {
        let length = u16::try_from(upper_layer_len).ok()?;
        let payload_length = length.checked_add(self.extensions_len())?;
        self.put(upper_layer, payload_length, out);
        Some(())
    }

    const fn extensions_len(&self) -> u16 {
        let routing = if self.destination_home_address.is_some() {
            24
        } else {
            0u16
        };
        let options = if self.source_home_address.is_some() {
            24
        } else {
            0
        };
        routing.wrapping_add(options)
    }

    fn put(&self, upper_layer: u8, payload_length: u16, out: &mut impl BufMut) {
        let behind_routing = match self.source_home_address {
            Some(_) => protocol::DESTINATION_OPTIONS,
            None => upper_layer,
        };
        let next_header = match self.destination_home_address {
            Some(_) => protocol::ROUTING,
            None => behind_routing,
        };
        let word = 0x6000_0000 | u32::from(self.traffic_class) << 20 | self.flow_label.get();
        out.put_u32(word);
        out.put_u16(payload_length);
        out.put_slice(&[next_header, self.hop_limit]);
        out.put_slice(&self.source.octets());
        out.put_slice(&self.destination.octets());
        if let Some(home_address) = self.destination_home_address {
            // Hdr Ext Len 2, Segments Left 1, four reserved octets (RFC 6275 section 6.4.1).
            out.put_slice(&[behind_routing, 2, ROUTING_TYPE_2, 1, 0, 0, 0, 0]);
            out.put_slice(&home_address.get().octets());
        }
        if let Some(home_address) = self.source_home_address {
            // Hdr Ext Len 2, PadN of four octets for 8n + 6 (RFC 6275 section 6.3).
            out.put_slice(&[upper_layer, 2, 1, 2, 0, 0, HOME_ADDRESS_OPTION, 16]);
            out.put_slice(&home_address.get().octets());
        }
    }
}

/// A unicast routable address, which home addresses must be (RFC 6275 sections 6.3 and 6.4): not
/// unspecified, loopback, link-local, multicast or IPv4-mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(into = "Ipv6Addr", try_from = "Ipv6Addr"))]
pub struct HomeAddress(Ipv6Addr);

impl HomeAddress {
    /// `address`; `None` where it is no unicast routable address.
    ///
    /// ```
    /// use pmip_wire::carrier::HomeAddress;
    ///
    /// assert!(HomeAddress::new("2001:db8::1".parse()?).is_some());
    /// assert!(HomeAddress::new("fe80::1".parse()?).is_none());
    /// # Ok::<(), std::net::AddrParseError>(())
    /// ```
    #[inline]
    pub const fn new(address: Ipv6Addr) -> Option<Self> {
        let unroutable = address.is_unspecified()
            || address.is_loopback()
            || address.is_multicast()
            || address.is_unicast_link_local()
            || address.to_ipv4_mapped().is_some();
        if unroutable {
            None
        } else {
            Some(Self(address))
        }
    }

    /// The address.
    #[inline]
    pub const fn get(self) -> Ipv6Addr {
        self.0
    }
}

impl From<HomeAddress> for Ipv6Addr {
    #[inline]
    fn from(home_address: HomeAddress) -> Self {
        home_address.0
    }
}

impl TryFrom<Ipv6Addr> for HomeAddress {
    type Error = NotRoutable;

    fn try_from(address: Ipv6Addr) -> Result<Self, NotRoutable> {
        Self::new(address).ok_or(NotRoutable(address))
    }
}

impl fmt::Display for HomeAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(feature = "arbitrary")]
impl<'a> arbitrary::Arbitrary<'a> for HomeAddress {
    fn arbitrary(u: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
        Self::new(u.arbitrary()?).ok_or(arbitrary::Error::IncorrectFormat)
    }
}

/// The address is no unicast routable address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is no unicast routable address")]
pub struct NotRoutable(pub Ipv6Addr);

/// A flow label: 20 bits (RFC 6437).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(from = "u32"))]
pub struct FlowLabel(u32);

impl FlowLabel {
    /// The lower 20 bits of `bits`.
    #[inline]
    pub const fn from_bits_truncate(bits: u32) -> Self {
        Self(bits & 0x000f_ffff)
    }

    /// The label as a number below 2^20.
    #[inline]
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl From<u32> for FlowLabel {
    fn from(bits: u32) -> Self {
        Self::from_bits_truncate(bits)
    }
}

#[cfg(feature = "arbitrary")]
impl<'a> arbitrary::Arbitrary<'a> for FlowLabel {
    fn arbitrary(u: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
        u.arbitrary().map(Self::from_bits_truncate)
    }
}
