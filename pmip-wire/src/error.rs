//! Why bytes could not be decoded, and where.

use core::fmt;

use crate::code::{MhType, OptionType};

/// Why a Mobility Header could not be decoded.
///
/// Small and `Copy`; it reads as a sentence that names the field:
///
/// ```
/// use pmip_wire::{ChecksumContext, Message};
///
/// let error = Message::decode_slice(&[59, 1, 13, 0, 0], ChecksumContext::Udp).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "Mobility Header at octet 4: the checksum is cut short: needs 2 octets, 1 left"
/// );
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DecodeError {
    /// What is wrong.
    pub kind: DecodeErrorKind,
    /// In what it is wrong.
    pub layer: Layer,
    /// Where: octets from the start of the Mobility Header, or of the carrier's packet where the
    /// error lies in a carrier.
    pub offset: u16,
}

/// What is wrong with the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The bytes end inside a field.
    Truncated {
        /// The field that is cut.
        field: Field,
        /// Octets that the field takes.
        needed: u16,
        /// Octets that are left of it.
        available: u16,
    },
    /// Payload Proto is not 59, "no next header" (RFC 6275 section 9.2).
    BadPayloadProto {
        /// The number found.
        found: u8,
    },
    /// Header Length is too small for the fixed part of this message (RFC 6275 section 9.2).
    BadHeaderLength {
        /// Octets of the fixed part.
        needed: u16,
        /// Octets that Header Length stands for.
        found: u16,
    },
    /// The checksum is wrong (RFC 6275 section 6.1.1).
    BadChecksum {
        /// The checksum that would be right.
        expected: u16,
        /// The checksum found.
        found: u16,
    },
    /// An option's Length does not fit its type.
    BadOptionLength {
        /// The lengths that its RFC allows.
        expected: ExpectedLength,
        /// The length found.
        found: u16,
    },
    /// A prefix length exceeds the width of its address.
    PrefixTooLong {
        /// The length found.
        length: u8,
        /// The width of the address in bits.
        limit: u8,
    },
    /// The options, aligned as they must be sent, exceed the longest Mobility Header.
    OptionsTooLong,
    /// A field holds a value that its RFC forbids.
    BadValue {
        /// The field.
        field: Field,
        /// The value found.
        found: u32,
    },
}

/// What an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Layer {
    /// The six octets that all Mobility Headers share.
    MobilityHeader,
    /// The fixed part of a message.
    Message(MhType),
    /// One mobility option.
    Option(OptionType),
    /// The sub-option of this number inside a mobility option.
    SubOption(OptionType, u8),
    /// The fixed IPv6 header.
    Ipv6Header,
    /// The IPv6 extension header of this number.
    ExtensionHeader(u8),
    /// The IPv4 header.
    Ipv4Header,
    /// The UDP header.
    UdpHeader,
    /// The GRE header (RFC 2784, RFC 2890).
    GreHeader,
    /// The TLV header between UDP and an inner packet (RFC 5845 section 7.2).
    TlvHeader,
    /// A control message of RFC 6812.
    SlaControl,
    /// A measurement packet of RFC 6812.
    SlaMeasurement,
    /// A test packet of RFC 8762 or RFC 5357.
    Stamp,
}

/// The lengths that an option may have, without its Type and Length octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ExpectedLength {
    /// This one.
    Exactly(u8),
    /// This one or more.
    AtLeast(u8),
}

/// A field of a message or an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Field {
    /// Payload Proto of the Mobility Header.
    PayloadProto,
    /// Header Len of the Mobility Header.
    HeaderLength,
    /// MH Type of the Mobility Header.
    MhType,
    /// Reserved octets.
    Reserved,
    /// Checksum of the Mobility Header.
    Checksum,
    /// Sequence number.
    Sequence,
    /// Flags.
    Flags,
    /// Lifetime.
    Lifetime,
    /// Status.
    Status,
    /// Home Address.
    HomeAddress,
    /// The mobility options of a message.
    Options,
    /// The Length octet of an option.
    OptionLength,
    /// The data of an option.
    OptionData,
    /// The data of a message that is kept as it is.
    MessageData,
}

impl DecodeError {
    pub(crate) const fn new(kind: DecodeErrorKind, layer: Layer, offset: u16) -> Self {
        Self {
            kind,
            layer,
            offset,
        }
    }

    /// Whether more bytes of the same message might have helped.
    pub const fn is_truncated(&self) -> bool {
        matches!(self.kind, DecodeErrorKind::Truncated { .. })
    }

    /// Whether the checksum is wrong and nothing else was looked at.
    pub const fn is_bad_checksum(&self) -> bool {
        matches!(self.kind, DecodeErrorKind::BadChecksum { .. })
    }

    /// The octet that an ICMPv6 Parameter Problem (code 0) must point to, as an offset into the
    /// Mobility Header; `None` where RFC 6275 section 9.2 asks for silence.
    pub const fn parameter_problem_pointer(&self) -> Option<u16> {
        match self.kind {
            DecodeErrorKind::BadPayloadProto { .. } => Some(0),
            DecodeErrorKind::BadHeaderLength { .. } => Some(1),
            DecodeErrorKind::Truncated { .. }
            | DecodeErrorKind::BadChecksum { .. }
            | DecodeErrorKind::BadOptionLength { .. }
            | DecodeErrorKind::PrefixTooLong { .. }
            | DecodeErrorKind::OptionsTooLong
            | DecodeErrorKind::BadValue { .. } => None,
        }
    }
}

impl core::error::Error for DecodeError {}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at octet {}: {}", self.layer, self.offset, self.kind)
    }
}

impl fmt::Display for DecodeErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Truncated {
                field,
                needed,
                available,
            } => write!(
                f,
                "the {field} is cut short: needs {needed} octets, {available} left"
            ),
            Self::BadPayloadProto { found } => {
                write!(f, "the payload protocol must be 59, found {found}")
            }
            Self::BadHeaderLength { needed, found } => write!(
                f,
                "the header length stands for {found} octets, the fixed part takes {needed}"
            ),
            Self::BadChecksum { expected, found } => {
                write!(
                    f,
                    "the checksum must be {expected:#06x}, found {found:#06x}"
                )
            }
            Self::BadOptionLength { expected, found } => {
                write!(f, "the length must be {expected}, found {found}")
            }
            Self::PrefixTooLong { length, limit } => {
                write!(
                    f,
                    "the prefix length must be at most {limit}, found {length}"
                )
            }
            Self::OptionsTooLong => {
                f.write_str("the options do not fit a Mobility Header once they are aligned")
            }
            Self::BadValue { field, found } => write!(f, "the {field} must not be {found}"),
        }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MobilityHeader => f.write_str("Mobility Header"),
            Self::Message(mh_type) => write!(f, "{mh_type} message"),
            Self::Option(option) => write!(f, "{option} option"),
            Self::SubOption(option, number) => write!(f, "{option} option, sub-option {number}"),
            Self::Ipv6Header => f.write_str("IPv6 header"),
            Self::ExtensionHeader(number) => write!(f, "IPv6 extension header {number}"),
            Self::Ipv4Header => f.write_str("IPv4 header"),
            Self::UdpHeader => f.write_str("UDP header"),
            Self::GreHeader => f.write_str("GRE header"),
            Self::TlvHeader => f.write_str("TLV header"),
            Self::SlaControl => f.write_str("SLA control message"),
            Self::SlaMeasurement => f.write_str("SLA measurement packet"),
            Self::Stamp => f.write_str("STAMP packet"),
        }
    }
}

impl fmt::Display for ExpectedLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(length) => write!(f, "{length}"),
            Self::AtLeast(length) => write!(f, "at least {length}"),
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PayloadProto => "payload protocol",
            Self::HeaderLength => "header length",
            Self::MhType => "message type",
            Self::Reserved => "reserved field",
            Self::Checksum => "checksum",
            Self::Sequence => "sequence number",
            Self::Flags => "flags field",
            Self::Lifetime => "lifetime",
            Self::Status => "status",
            Self::HomeAddress => "home address",
            Self::Options => "options field",
            Self::OptionLength => "option length",
            Self::OptionData => "option data",
            Self::MessageData => "message data",
        })
    }
}
