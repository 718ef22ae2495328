//! Why bytes could not be decoded, and where.

use core::fmt;

use crate::code::{BindingErrorStatus, MhType, OptionType, Status};

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

/// A field of a message or an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Field {
    /// Payload Proto of the Mobility Header.
    PayloadProto,
    /// Header Len of the Mobility Header, or the length of a carrier's header.
    HeaderLength,
    /// MH Type of the Mobility Header.
    MhType,
    /// Reserved octets.
    Reserved,
    /// Checksum of the Mobility Header or of a carrier.
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
    /// Init cookie of the return routability procedure.
    InitCookie,
    /// Nonce index of the return routability procedure.
    NonceIndex,
    /// Keygen token of the return routability procedure.
    KeygenToken,
    /// # of Addresses of a Home Agent Switch.
    AddressCount,
    /// Home Agent Addresses of a Home Agent Switch.
    HomeAgentAddresses,
    /// Code of a handover message.
    Code,
    /// B.R. Type of a binding revocation message.
    RevocationType,
    /// Flow Binding Type of a flow binding message.
    FlowBindingType,
    /// What made a node send the message.
    Trigger,
    /// Notification Reason.
    NotificationReason,
    /// IP version or protocol version.
    Version,
    /// Payload Length of an IPv6 header.
    PayloadLength,
    /// Next Header of a carrier's header.
    NextHeader,
    /// Hop Limit or Time to Live.
    HopLimit,
    /// Source address.
    SourceAddress,
    /// Destination address.
    DestinationAddress,
    /// How many extension headers a packet has.
    ExtensionHeaderCount,
    /// Hop-by-Hop Options.
    HopByHopOptions,
    /// An extension header behind its first two octets.
    HeaderData,
    /// Routing Type.
    RoutingType,
    /// Segments Left.
    SegmentsLeft,
    /// Fragment Offset.
    FragmentOffset,
    /// Identification of a fragmented packet.
    Identification,
    /// What a carrier carries.
    Payload,
    /// The Type octet of an option.
    OptionType,
    /// Error Estimate of a STAMP packet.
    ErrorEstimate,
    /// Receive Timestamp of a reflector.
    ReceiveTimestamp,
    /// Session-Sender Timestamp.
    SenderTimestamp,
    /// Session-Sender Error Estimate.
    SenderErrorEstimate,
    /// HMAC of a STAMP packet.
    Hmac,
    /// Value of a TLV.
    Value,
    /// Access ID of an Access Report TLV.
    AccessId,
    /// Timestamp of a control message or measurement packet.
    Timestamp,
    /// A section of a control message.
    Csld,
    /// How many sections a control message has.
    CsldCount,
    /// Command of a section.
    Command,
    /// Command-Length of a section.
    CommandLength,
    /// The data of a section.
    CommandData,
    /// The Authentication CSLD.
    Authentication,
    /// Mode of the Authentication CSLD.
    AuthenticationMode,
    /// Key ID of the Authentication CSLD.
    KeyId,
    /// Random Number of the Authentication CSLD.
    RandomNumber,
    /// Message authentication digest.
    Digest,
    /// Address Type of a UDP-Measurement CSLD.
    AddressType,
    /// Role of a UDP-Measurement CSLD.
    Role,
    /// Session Identifier of a UDP-Measurement CSLD, or SSID of a STAMP packet.
    SessionId,
    /// Control Source Address.
    ControlSource,
    /// Control Destination Address.
    ControlDestination,
    /// Measurement Source Address.
    MeasurementSource,
    /// Measurement Destination Address.
    MeasurementDestination,
    /// Control Source Port.
    ControlSourcePort,
    /// Measurement Source Port.
    MeasurementSourcePort,
    /// Measurement Destination Port.
    MeasurementDestinationPort,
    /// Duration of a measurement.
    Duration,
    /// Measurement-Type.
    MeasurementType,
    /// Sender Send Time.
    SenderSendTime,
    /// Responder Receive Time.
    ResponderReceiveTime,
    /// Responder Send Time.
    ResponderSendTime,
    /// Sender Receive Time.
    SenderReceiveTime,
    /// Sender Clock Offset.
    SenderClockOffset,
    /// Responder Clock Offset.
    ResponderClockOffset,
    /// The sender's sequence number.
    SenderSequence,
    /// Responder Sequence Number.
    ResponderSequence,
    /// Traffic Class or Type of Service.
    TrafficClass,
    /// Length of a whole packet or message.
    TotalLength,
    /// Source port.
    SourcePort,
    /// Destination port.
    DestinationPort,
    /// Length of a header's payload, or of a TLV's value.
    Length,
    /// Type of a TLV.
    Type,
    /// Protocol Type of a GRE header.
    ProtocolType,
    /// Key of a GRE header.
    Key,
    /// The mobility options of a message.
    Options,
    /// The Length octet of an option.
    OptionLength,
    /// The data of an option.
    OptionData,
    /// The data of a message that is kept as it is.
    MessageData,
    /// The length of a prefix.
    PrefixLength,
    /// The length of an address.
    AddressLength,
    /// What an option's other fields are about.
    OptionCode,
    /// Start of the source address range of a traffic selector.
    StartSourceAddress,
    /// End of the source address range of a traffic selector.
    EndSourceAddress,
    /// Start of the destination address range of a traffic selector.
    StartDestinationAddress,
    /// End of the destination address range of a traffic selector.
    EndDestinationAddress,
    /// Start of the IPsec SPI range of a traffic selector.
    StartSpi,
    /// End of the IPsec SPI range of a traffic selector.
    EndSpi,
    /// Start of the flow label range of a traffic selector.
    StartFlowLabel,
    /// End of the flow label range of a traffic selector.
    EndFlowLabel,
    /// Start of the source port range of a traffic selector.
    StartSourcePort,
    /// End of the source port range of a traffic selector.
    EndSourcePort,
    /// Start of the destination port range of a traffic selector.
    StartDestinationPort,
    /// End of the destination port range of a traffic selector.
    EndDestinationPort,
    /// Start of the DS field or traffic class range of a traffic selector.
    StartTrafficClass,
    /// End of the DS field or traffic class range of a traffic selector.
    EndTrafficClass,
    /// Start of the protocol or next header range of a traffic selector.
    StartProtocol,
    /// End of the protocol or next header range of a traffic selector.
    EndProtocol,
    /// Net-Name Len of a network identifier.
    NetworkNameLength,
    /// Network Name of a network identifier.
    NetworkName,
    /// AP-Name Len of a network identifier.
    AccessPointNameLength,
    /// Access-Point Name of a network identifier.
    AccessPointName,
    /// Latitude.
    Latitude,
    /// Longitude.
    Longitude,
    /// Operator identifier.
    OperatorIdentifier,
    /// Priority level.
    PriorityLevel,
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
    /// about Payload Proto and Header Len. Of the options, only a malformed Binding Identifier has
    /// an answer (RFC 5648 section 6.2); what else is wrong inside a well-formed header is counted
    /// by the receiver and not answered.
    pub const fn answer(&self) -> Answer {
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
            Self::InitCookie => "init cookie",
            Self::NonceIndex => "nonce index",
            Self::KeygenToken => "keygen token",
            Self::AddressCount => "number of addresses",
            Self::HomeAgentAddresses => "home agent addresses field",
            Self::Code => "code",
            Self::RevocationType => "revocation type",
            Self::FlowBindingType => "flow binding type",
            Self::Trigger => "trigger",
            Self::NotificationReason => "notification reason",
            Self::Version => "version",
            Self::PayloadLength => "payload length",
            Self::NextHeader => "next header",
            Self::HopLimit => "hop limit",
            Self::SourceAddress => "source address",
            Self::DestinationAddress => "destination address",
            Self::ExtensionHeaderCount => "number of extension headers",
            Self::HopByHopOptions => "hop-by-hop options header",
            Self::HeaderData => "header data",
            Self::RoutingType => "routing type",
            Self::SegmentsLeft => "segments left field",
            Self::FragmentOffset => "fragment offset",
            Self::Identification => "identification",
            Self::Payload => "payload",
            Self::OptionType => "option type",
            Self::ErrorEstimate => "error estimate",
            Self::ReceiveTimestamp => "receive timestamp",
            Self::SenderTimestamp => "sender timestamp",
            Self::SenderErrorEstimate => "sender error estimate",
            Self::Hmac => "HMAC",
            Self::Value => "value",
            Self::AccessId => "access identifier",
            Self::Timestamp => "timestamp",
            Self::Csld => "section",
            Self::CsldCount => "number of sections",
            Self::Command => "command",
            Self::CommandLength => "command length",
            Self::CommandData => "command data",
            Self::Authentication => "authentication section",
            Self::AuthenticationMode => "authentication mode",
            Self::KeyId => "key ID",
            Self::RandomNumber => "random number",
            Self::Digest => "digest",
            Self::AddressType => "address type",
            Self::Role => "role",
            Self::SessionId => "session identifier",
            Self::ControlSource => "control source address",
            Self::ControlDestination => "control destination address",
            Self::MeasurementSource => "measurement source address",
            Self::MeasurementDestination => "measurement destination address",
            Self::ControlSourcePort => "control source port",
            Self::MeasurementSourcePort => "measurement source port",
            Self::MeasurementDestinationPort => "measurement destination port",
            Self::Duration => "duration",
            Self::MeasurementType => "measurement type",
            Self::SenderSendTime => "sender send time",
            Self::ResponderReceiveTime => "responder receive time",
            Self::ResponderSendTime => "responder send time",
            Self::SenderReceiveTime => "sender receive time",
            Self::SenderClockOffset => "sender clock offset",
            Self::ResponderClockOffset => "responder clock offset",
            Self::SenderSequence => "sender sequence number",
            Self::ResponderSequence => "responder sequence number",
            Self::TrafficClass => "traffic class",
            Self::TotalLength => "total length",
            Self::SourcePort => "source port",
            Self::DestinationPort => "destination port",
            Self::Length => "length",
            Self::Type => "type",
            Self::ProtocolType => "protocol type",
            Self::Key => "key",
            Self::Options => "options field",
            Self::OptionLength => "option length",
            Self::OptionData => "option data",
            Self::MessageData => "message data",
            Self::PrefixLength => "prefix length",
            Self::AddressLength => "address length",
            Self::OptionCode => "option code",
            Self::StartSourceAddress => "start source address",
            Self::EndSourceAddress => "end source address",
            Self::StartDestinationAddress => "start destination address",
            Self::EndDestinationAddress => "end destination address",
            Self::StartSpi => "start IPsec SPI",
            Self::EndSpi => "end IPsec SPI",
            Self::StartFlowLabel => "start flow label",
            Self::EndFlowLabel => "end flow label",
            Self::StartSourcePort => "start source port",
            Self::EndSourcePort => "end source port",
            Self::StartDestinationPort => "start destination port",
            Self::EndDestinationPort => "end destination port",
            Self::StartTrafficClass => "start traffic class",
            Self::EndTrafficClass => "end traffic class",
            Self::StartProtocol => "start protocol",
            Self::EndProtocol => "end protocol",
            Self::NetworkNameLength => "network name length",
            Self::NetworkName => "network name",
            Self::AccessPointNameLength => "access point name length",
            Self::AccessPointName => "access point name",
            Self::Latitude => "latitude",
            Self::Longitude => "longitude",
            Self::OperatorIdentifier => "operator identifier",
            Self::PriorityLevel => "priority level",
        })
    }
}
