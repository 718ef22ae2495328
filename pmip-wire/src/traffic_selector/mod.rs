//! Binary traffic selectors (RFC 6088): which packets a flow is made of.
//!
//! A selector is a set of inclusive ranges; a packet matches where every range that is there holds
//! the packet's value. Directions are those of packets from the correspondent node to the mobile
//! node, as the anchor sees them: the source is the correspondent node, the destination the mobile
//! node. A range always has a start and never ends below it, so a selector that exists can be sent.
//!
//! ```
//! use pmip_wire::traffic_selector::{Ipv4TrafficSelector, TrafficSelector, ValueRange};
//!
//! let selector = Ipv4TrafficSelector::new()
//!     .with_protocol(17)
//!     .with_source_port(ValueRange::new(5000, 5100).ok_or("ends below its start")?);
//! assert!(selector.source_port.is_some_and(|ports| ports.contains(5060)));
//! assert_eq!(
//!     TrafficSelector::from(selector).to_vec(),
//!     [0x03, 0x08, 0, 0, 0x13, 0x88, 0x13, 0xec, 17]
//! );
//! # Ok::<(), &str>(())
//! ```

mod ranges;

use alloc::vec::Vec;
use core::net::{Ipv4Addr, Ipv6Addr};

use bytes::Bytes;

use crate::bounded::BoundedU8;
use crate::code::TrafficSelectorFormat;
use crate::error::{DecodeError, Field};
use ranges::{Reader, Writer};

/// Values from a start to an end, both included; a start alone is that one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(
        try_from = "RangeParts<T>",
        bound(deserialize = "T: serde::Deserialize<'de> + Copy + Ord")
    )
)]
pub struct ValueRange<T> {
    start: T,
    end: Option<T>,
}

/// A Differentiated Services code point, 0 to 63.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct Dscp(BoundedU8<63>);

/// An IPv6 flow label, 20 bits (RFC 8200 section 6). RFC 6088 still takes it for 24; the four bits
/// more are in no packet and ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "u32"))]
pub struct FlowLabel(u32);

/// A traffic selector of any format. `B` holds those of formats that have no name here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum TrafficSelector<B = Bytes> {
    /// Format 1 (RFC 6088 section 3.1).
    Ipv4(Ipv4TrafficSelector),
    /// Format 2 (RFC 6088 section 3.2).
    Ipv6(Ipv6TrafficSelector),
    /// Any other, kept as it came.
    Other(OtherTrafficSelector<B>),
}

/// A traffic selector in a format that has no name here. Format 0 is reserved (RFC 6089
/// section 4.2.1.4): it is read, so that it can be answered, but not built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct OtherTrafficSelector<B = Bytes> {
    format: TrafficSelectorFormat,
    selector: B,
}

impl<T: Copy + Ord> ValueRange<T> {
    /// `start` to `end`; `None` where the end lies below the start.
    pub fn new(start: T, end: T) -> Option<Self> {
        (start <= end).then_some(Self {
            start,
            end: Some(end),
        })
    }

    /// `value` and no other.
    pub const fn exactly(value: T) -> Self {
        Self {
            start: value,
            end: None,
        }
    }

    /// The lowest value.
    pub const fn start(&self) -> T {
        self.start
    }

    /// The highest value.
    pub fn end(&self) -> T {
        self.end.unwrap_or(self.start)
    }

    /// Whether `value` lies in it.
    pub fn contains(&self, value: T) -> bool {
        self.start <= value && value <= self.end()
    }
}

impl<T: Copy + Ord> From<T> for ValueRange<T> {
    fn from(value: T) -> Self {
        Self::exactly(value)
    }
}

impl Dscp {
    /// The code point `number`; `None` above 63.
    pub const fn new(number: u8) -> Option<Self> {
        match BoundedU8::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// The code point in the upper six bits of a DS field or traffic class; the ECN bits below it
    /// are left out.
    pub const fn from_ds_field(octet: u8) -> Self {
        match Self::new(octet >> 2) {
            Some(dscp) => dscp,
            None => unreachable!(),
        }
    }

    /// Its number.
    pub const fn number(self) -> u8 {
        self.0.number()
    }

    /// The DS field or traffic class that it makes, with ECN bits clear.
    pub const fn to_ds_field(self) -> u8 {
        self.number() << 2
    }
}

impl FlowLabel {
    const MASK: u32 = 0x000f_ffff;

    /// The flow label `number`; `None` where it takes more than 20 bits.
    pub const fn new(number: u32) -> Option<Self> {
        if number <= Self::MASK {
            Some(Self(number))
        } else {
            None
        }
    }

    /// Its number.
    pub const fn number(self) -> u32 {
        self.0
    }
}

impl OtherTrafficSelector {
    /// The octets behind TS Format and Reserved, in `format`; `None` where that one is reserved, or
    /// has a form of its own in [`TrafficSelector`].
    pub fn new(format: TrafficSelectorFormat, selector: impl Into<Bytes>) -> Option<Self> {
        matches!(format, TrafficSelectorFormat::Unknown(code)
            if TrafficSelectorFormat::from_code(code).name().is_none())
        .then(|| Self {
            format,
            selector: selector.into(),
        })
    }
}

impl<B> OtherTrafficSelector<B> {
    /// Its format.
    pub const fn format(&self) -> TrafficSelectorFormat {
        self.format
    }

    /// What follows TS Format and Reserved.
    pub const fn selector(&self) -> &B {
        &self.selector
    }
}

/// Declares a binary selector: its ranges in the order of their flags, which is the order on the
/// wire.
macro_rules! binary_selector {
    (
        $(#[$meta:meta])+
        $name:ident, $what:literal {
            $( $(#[$doc:meta])+ $range:ident, $with:ident: $value:ty, $start:ident, $end:ident; )+
        }
    ) => {
        $(#[$meta])+
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[cfg_attr(feature = "serde", serde(default))]
        #[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
        #[non_exhaustive]
        pub struct $name {
            $( $(#[$doc])+ pub $range: Option<ValueRange<$value>>, )+
        }

        impl $name {
            #[doc = concat!("Every ", $what, " packet.")]
            pub fn new() -> Self {
                Self::default()
            }

            $(
                /// The same with this range.
                #[must_use]
                pub fn $with(mut self, range: impl Into<ValueRange<$value>>) -> Self {
                    self.$range = Some(range.into());
                    self
                }
            )+

            /// Reads the octets behind TS Format and Reserved. Reserved bits are ignored.
            ///
            /// # Errors
            /// [`DecodeError`] with [`Layer::TrafficSelector`](crate::Layer::TrafficSelector) and the offset from the first of
            /// `octets`, where they end inside a field or go on behind the last, where an end has
            /// no start, or where it lies below it.
            pub fn decode(octets: &[u8]) -> Result<Self, DecodeError> {
                let mut reader = Reader::new(octets)?;
                let selector = Self {
                    $( $range: reader.range(Field::$start, Field::$end)?, )+
                };
                reader.finish()?;
                Ok(selector)
            }

            /// Appends the octets behind TS Format and Reserved to `out`.
            pub fn encode(&self, out: &mut Vec<u8>) {
                let mut writer = Writer::new(out);
                $( writer.range(self.$range); )+
                writer.finish();
            }
        }
    };
}

binary_selector! {
    /// Which IPv4 packets.
    ///
    /// ```text
    /// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+------------------------------------+
    /// |A|B|C|D|E|F|G|H|I|J|K|L|M|N|             Reserved               |
    /// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+------------------------------------+
    /// |  A, B: source address   C, D: destination address   E, F: SPI  |
    /// +----------------------------------------------------------------+
    /// |      G, H: source port             I, J: destination port      |
    /// +----------------------------------------------------------------+
    /// |      K, L: DS field                M, N: protocol              |
    /// +----------------------------------------------------------------+
    /// ```
    /// RFC 6088 section 3.1. Each flag says that its field is there; absent fields leave no gap.
    Ipv4TrafficSelector, "IPv4" {
        /// A, B: addresses of the correspondent node.
        source_address, with_source_address: Ipv4Addr, StartSourceAddress, EndSourceAddress;
        /// C, D: home addresses of the mobile node.
        destination_address, with_destination_address: Ipv4Addr, StartDestinationAddress, EndDestinationAddress;
        /// E, F: IPsec security parameter indexes.
        spi, with_spi: u32, StartSpi, EndSpi;
        /// G, H: source ports.
        source_port, with_source_port: u16, StartSourcePort, EndSourcePort;
        /// I, J: destination ports.
        destination_port, with_destination_port: u16, StartDestinationPort, EndDestinationPort;
        /// K, L: code points of the DS field.
        dscp, with_dscp: Dscp, StartTrafficClass, EndTrafficClass;
        /// M, N: protocol numbers.
        protocol, with_protocol: u8, StartProtocol, EndProtocol;
    }
}

binary_selector! {
    /// Which IPv6 packets.
    ///
    /// ```text
    /// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+--------------------------------+
    /// |A|B|C|D|E|F|G|H|I|J|K|L|M|N|O|P|           Reserved             |
    /// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+--------------------------------+
    /// |          A, B: source address   C, D: destination address      |
    /// +----------------------------------------------------------------+
    /// |          E, F: SPI              G, H: flow label               |
    /// +----------------------------------------------------------------+
    /// |          I, J: source port      K, L: destination port         |
    /// +----------------------------------------------------------------+
    /// |          M, N: traffic class    O, P: next header              |
    /// +----------------------------------------------------------------+
    /// ```
    /// RFC 6088 section 3.2. Each flag says that its field is there; absent fields leave no gap.
    Ipv6TrafficSelector, "IPv6" {
        /// A, B: addresses of the correspondent node.
        source_address, with_source_address: Ipv6Addr, StartSourceAddress, EndSourceAddress;
        /// C, D: home addresses of the mobile node.
        destination_address, with_destination_address: Ipv6Addr, StartDestinationAddress, EndDestinationAddress;
        /// E, F: IPsec security parameter indexes.
        spi, with_spi: u32, StartSpi, EndSpi;
        /// G, H: flow labels.
        flow_label, with_flow_label: FlowLabel, StartFlowLabel, EndFlowLabel;
        /// I, J: source ports.
        source_port, with_source_port: u16, StartSourcePort, EndSourcePort;
        /// K, L: destination ports.
        destination_port, with_destination_port: u16, StartDestinationPort, EndDestinationPort;
        /// M, N: code points of the traffic class.
        dscp, with_dscp: Dscp, StartTrafficClass, EndTrafficClass;
        /// O, P: next header numbers.
        next_header, with_next_header: u8, StartProtocol, EndProtocol;
    }
}

impl<'a> TrafficSelector<&'a [u8]> {
    /// Reads the octets behind TS Format and Reserved.
    ///
    /// # Errors
    /// As [`Ipv4TrafficSelector::decode`]; nothing is wrong with formats that have no name here.
    pub fn decode(format: TrafficSelectorFormat, octets: &'a [u8]) -> Result<Self, DecodeError> {
        Ok(match TrafficSelectorFormat::from_code(format.code()) {
            TrafficSelectorFormat::Ipv4Binary => Self::Ipv4(Ipv4TrafficSelector::decode(octets)?),
            TrafficSelectorFormat::Ipv6Binary => Self::Ipv6(Ipv6TrafficSelector::decode(octets)?),
            TrafficSelectorFormat::Reserved | TrafficSelectorFormat::Unknown(_) => {
                Self::Other(OtherTrafficSelector {
                    format,
                    selector: octets,
                })
            }
        })
    }
}

impl<B> TrafficSelector<B> {
    /// Its format.
    pub const fn format(&self) -> TrafficSelectorFormat {
        match self {
            Self::Ipv4(_) => TrafficSelectorFormat::Ipv4Binary,
            Self::Ipv6(_) => TrafficSelectorFormat::Ipv6Binary,
            Self::Other(other) => other.format,
        }
    }
}

impl<B: AsRef<[u8]>> TrafficSelector<B> {
    /// Appends the octets behind TS Format and Reserved to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Ipv4(selector) => selector.encode(out),
            Self::Ipv6(selector) => selector.encode(out),
            Self::Other(other) => out.extend_from_slice(other.selector.as_ref()),
        }
    }

    /// The octets behind TS Format and Reserved.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode(&mut out);
        out
    }

    /// The same selector in memory of its own.
    pub fn to_bytes(&self) -> TrafficSelector {
        match self {
            Self::Ipv4(selector) => TrafficSelector::Ipv4(*selector),
            Self::Ipv6(selector) => TrafficSelector::Ipv6(*selector),
            Self::Other(other) => TrafficSelector::Other(OtherTrafficSelector {
                format: other.format,
                selector: Bytes::copy_from_slice(other.selector.as_ref()),
            }),
        }
    }
}

impl From<Ipv4TrafficSelector> for TrafficSelector {
    fn from(selector: Ipv4TrafficSelector) -> Self {
        Self::Ipv4(selector)
    }
}

impl From<OtherTrafficSelector> for TrafficSelector {
    fn from(selector: OtherTrafficSelector) -> Self {
        Self::Other(selector)
    }
}

impl From<Ipv6TrafficSelector> for TrafficSelector {
    fn from(selector: Ipv6TrafficSelector) -> Self {
        Self::Ipv6(selector)
    }
}

/// Octets that a selector's fields must stand at a multiple of, for the flags that its octets start
/// with (RFC 6088 sections 3.1 and 3.2): the widest field decides.
pub(crate) fn widest_field(format: TrafficSelectorFormat, octets: &[u8]) -> u8 {
    let flags = octets
        .first_chunk()
        .map_or(0, |flags| u32::from_be_bytes(*flags));
    let widths: [(u32, u8); 3] = match format {
        TrafficSelectorFormat::Ipv4Binary => [(0, 8), (0xfc00_0000, 4), (0x03c0_0000, 2)],
        TrafficSelectorFormat::Ipv6Binary => [(0xf000_0000, 8), (0x0f00_0000, 4), (0x00f0_0000, 2)],
        TrafficSelectorFormat::Reserved | TrafficSelectorFormat::Unknown(_) => [(0, 1); 3],
    };
    widths
        .into_iter()
        .find_map(|(fields, width)| (flags & fields != 0).then_some(width))
        .unwrap_or(1)
}

#[cfg(feature = "serde")]
#[derive(serde::Deserialize)]
struct RangeParts<T> {
    start: T,
    end: Option<T>,
}

#[cfg(feature = "serde")]
impl<T: Copy + Ord> TryFrom<RangeParts<T>> for ValueRange<T> {
    type Error = &'static str;

    fn try_from(parts: RangeParts<T>) -> Result<Self, Self::Error> {
        match parts.end {
            None => Ok(Self::exactly(parts.start)),
            Some(end) => Self::new(parts.start, end).ok_or("the range ends below its start"),
        }
    }
}

/// Takes what decoding takes.
#[cfg(feature = "serde")]
impl<'de, B: serde::Deserialize<'de>> serde::Deserialize<'de> for OtherTrafficSelector<B> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        struct Fields<B> {
            format: TrafficSelectorFormat,
            selector: B,
        }
        let Fields { format, selector } = Fields::deserialize(deserializer)?;
        match TrafficSelectorFormat::from_code(format.code()) {
            TrafficSelectorFormat::Ipv4Binary | TrafficSelectorFormat::Ipv6Binary => Err(
                serde::de::Error::custom("the format has a form of its own: use that"),
            ),
            TrafficSelectorFormat::Reserved | TrafficSelectorFormat::Unknown(_) => {
                Ok(Self { format, selector })
            }
        }
    }
}

#[cfg(feature = "serde")]
impl TryFrom<u32> for FlowLabel {
    type Error = &'static str;

    fn try_from(number: u32) -> Result<Self, Self::Error> {
        Self::new(number).ok_or("a flow label has 20 bits")
    }
}

#[cfg(feature = "arbitrary")]
mod with_arbitrary {
    use super::{FlowLabel, OtherTrafficSelector, TrafficSelector, ValueRange};
    use crate::option::draw_octets;
    use alloc::vec::Vec;
    use arbitrary::{Arbitrary, Result, Unstructured};

    impl<'a, T: Arbitrary<'a> + Copy + Ord> Arbitrary<'a> for ValueRange<T> {
        fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
            let (one, other): (T, Option<T>) = u.arbitrary()?;
            Ok(Self {
                start: other.map_or(one, |other| one.min(other)),
                end: other.map(|other| one.max(other)),
            })
        }
    }

    impl<'a> Arbitrary<'a> for FlowLabel {
        fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
            u.int_in_range(0..=Self::MASK).map(Self)
        }
    }

    impl<'a, B: From<Vec<u8>>> Arbitrary<'a> for TrafficSelector<B> {
        fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
            Ok(match u.int_in_range(0..=7u8)? {
                0..=3 => Self::Ipv4(u.arbitrary()?),
                4..=6 => Self::Ipv6(u.arbitrary()?),
                _ => Self::Other(OtherTrafficSelector {
                    format: u.int_in_range(3..=u8::MAX)?.into(),
                    selector: draw_octets(u)?,
                }),
            })
        }
    }
}
