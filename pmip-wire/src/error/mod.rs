//! Why bytes could not be decoded, and where.

mod field;

pub use field::Field;

use core::fmt;

use crate::code::{BindingErrorStatus, FlowIdentificationStatus, MhType, OptionType, Status};

/// Why a Mobility Header, its carrier or a measurement packet could not be decoded.
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
    /// Where: octets from the start of the Mobility Header, or of the octets that were given where
    /// the error lies in a carrier or a measurement packet.
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
    /// A field or header stands where its RFC forbids it, or stands there twice.
    Misplaced {
        /// The field, or the one that the header is there for.
        field: Field,
    },
    /// An address is no unicast routable address (RFC 6275 sections 6.3 and 6.4).
    NotRoutable {
        /// The address field.
        field: Field,
    },
    /// A keyed digest is not the one that the key gives (RFC 8762 section 4.4, RFC 8972
    /// section 4.8).
    BadDigest,
    /// A field holds a value that its RFC forbids.
    BadValue {
        /// The field.
        field: Field,
        /// The value found.
        found: u32,
    },
    /// A range has an end without a start (RFC 6088 section 3).
    EndWithoutStart {
        /// The end.
        field: Field,
    },
    /// A range ends below its start, so that nothing matches it.
    EmptyRange {
        /// The end.
        field: Field,
    },
}

/// What the sender of a message that cannot be used is owed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Answer {
    /// Nothing: the message is dropped silently.
    Silence,
    /// An ICMPv6 Parameter Problem with code 0 to the source of the packet (RFC 6275 section 9.2,
    /// RFC 4443 section 3.4). Over IPv4 there is none.
    ParameterProblem {
        /// Where it points to, in octets from the start of the Mobility Header. The Pointer field
        /// counts from the start of the IPv6 packet, so what stands in front is added.
        pointer: u16,
    },
    /// A Binding Error with this status (RFC 6275 sections 9.2 and 9.3.3).
    BindingError(BindingErrorStatus),
    /// Where the message is a Binding Update: a Binding Acknowledgement with this status. To other
    /// messages nothing.
    BindingAcknowledgement(Status),
    /// Where the message is a Binding Update: a Binding Acknowledgement with a Flow Identification
    /// of the same FID and this status (RFC 6089 section 4.2); what else it asks for is looked at,
    /// as [`Message::decode_lax`](crate::Message::decode_lax) with
    /// [`Leniency::OPTION_MISFIT`](crate::Leniency::OPTION_MISFIT) gives it. To other messages
    /// nothing.
    FlowIdentification(FlowIdentificationStatus),
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
    /// A traffic selector on its own (RFC 6088).
    TrafficSelector,
}

/// The lengths that an option may have, without its Type and Length octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ExpectedLength {
    /// This one.
    Exactly(u8),
    /// This one or more.
    AtLeast(u8),
    /// One of these, of which two may be the same.
    OneOf([u8; 3]),
    /// A multiple of this one, not none.
    MultipleOf(u8),
}

impl DecodeError {
    pub(crate) const fn new(kind: DecodeErrorKind, layer: Layer, offset: u16) -> Self {
        Self {
            kind,
            layer,
            offset,
        }
    }

    /// The same error of a part that stands in `layer`, `start` octets behind its beginning.
    pub(crate) const fn within(self, layer: Layer, start: u16) -> Self {
        Self::new(self.kind, layer, self.offset.saturating_add(start))
    }

    /// Whether more bytes of the same message might have helped.
    pub const fn is_truncated(&self) -> bool {
        matches!(self.kind, DecodeErrorKind::Truncated { .. })
    }

    /// Whether the checksum is wrong and nothing else was looked at.
    pub const fn is_bad_checksum(&self) -> bool {
        matches!(self.kind, DecodeErrorKind::BadChecksum { .. })
    }

    /// What the sender of the message is owed.
    ///
    /// RFC 6275 section 9.2 asks for silence about a wrong checksum and for a Parameter Problem
    /// about Payload Proto and Header Len. Of the options, a malformed Binding Identifier has an
    /// answer (RFC 5648 section 6.2), and so has a Flow Identification with a malformed sub-option
    /// (RFC 6089 section 4.2; one too short for its own Status has none). What else is wrong inside
    /// a well-formed header is counted by the receiver and not answered.
    pub const fn answer(&self) -> Answer {
        if matches!(
            self.layer,
            Layer::SubOption(OptionType::FlowIdentification, _)
        ) {
            return Answer::FlowIdentification(FlowIdentificationStatus::Malformed);
        }
        let in_binding_identifier =
            matches!(self.layer, Layer::Option(OptionType::BindingIdentifier));
        match self.kind {
            DecodeErrorKind::BadPayloadProto { .. } => Answer::ParameterProblem { pointer: 0 },
            DecodeErrorKind::BadHeaderLength { .. } => Answer::ParameterProblem { pointer: 1 },
            DecodeErrorKind::BadOptionLength { .. } | DecodeErrorKind::BadValue { .. }
                if in_binding_identifier =>
            {
                Answer::BindingAcknowledgement(Status::McoaMalformed)
            }
            DecodeErrorKind::Truncated { .. }
            | DecodeErrorKind::BadChecksum { .. }
            | DecodeErrorKind::BadOptionLength { .. }
            | DecodeErrorKind::PrefixTooLong { .. }
            | DecodeErrorKind::OptionsTooLong
            | DecodeErrorKind::Misplaced { .. }
            | DecodeErrorKind::NotRoutable { .. }
            | DecodeErrorKind::BadDigest
            | DecodeErrorKind::BadValue { .. }
            | DecodeErrorKind::EndWithoutStart { .. }
            | DecodeErrorKind::EmptyRange { .. } => Answer::Silence,
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
            Self::Misplaced { field } => {
                write!(f, "the {field} must not stand here, or not once more")
            }
            Self::NotRoutable { field } => {
                write!(f, "the {field} must be a unicast routable address")
            }
            Self::BadDigest => f.write_str("the digest is not the one that the key gives"),
            Self::BadValue { field, found } => write!(f, "the {field} must not be {found}"),
            Self::EndWithoutStart { field } => write!(f, "the {field} has no start"),
            Self::EmptyRange { field } => write!(f, "the {field} lies below its start"),
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
            Self::TrafficSelector => f.write_str("traffic selector"),
        }
    }
}

impl fmt::Display for ExpectedLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(length) => write!(f, "{length}"),
            Self::AtLeast(length) => write!(f, "at least {length}"),
            Self::OneOf([first, second, third]) if second == third => {
                write!(f, "{first} or {second}")
            }
            Self::OneOf([first, second, third]) => write!(f, "{first}, {second} or {third}"),
            Self::MultipleOf(length) => write!(f, "a multiple of {length}"),
        }
    }
}
