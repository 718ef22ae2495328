//! The fields that errors name.

use core::fmt;

/// Declares [`Field`] from one table: a variant is its documentation and its name in a sentence.
macro_rules! fields {
    ($( $(#[$doc:meta])+ $field:ident: $text:literal; )+) => {
        /// A field of a message or an option.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Field {
            $( $(#[$doc])+ $field, )+
        }

        impl fmt::Display for Field {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    $( Self::$field => $text, )+
                })
            }
        }
    };
}

fields! {
    /// Payload Proto of the Mobility Header.
    PayloadProto: "payload protocol";
    /// Header Len of the Mobility Header, or the length of a carrier's header.
    HeaderLength: "header length";
    /// MH Type of the Mobility Header.
    MhType: "message type";
    /// Reserved octets.
    Reserved: "reserved field";
    /// Checksum of the Mobility Header or of a carrier.
    Checksum: "checksum";
    /// Sequence number.
    Sequence: "sequence number";
    /// Flags.
    Flags: "flags field";
    /// Lifetime.
    Lifetime: "lifetime";
    /// Status.
    Status: "status";
    /// Home Address.
    HomeAddress: "home address";
    /// Init cookie of the return routability procedure.
    InitCookie: "init cookie";
    /// Nonce index of the return routability procedure.
    NonceIndex: "nonce index";
    /// Keygen token of the return routability procedure.
    KeygenToken: "keygen token";
    /// # of Addresses of a Home Agent Switch.
    AddressCount: "number of addresses";
    /// Home Agent Addresses of a Home Agent Switch.
    HomeAgentAddresses: "home agent addresses field";
    /// Code of a handover message.
    Code: "code";
    /// B.R. Type of a binding revocation message.
    RevocationType: "revocation type";
    /// Flow Binding Type of a flow binding message.
    FlowBindingType: "flow binding type";
    /// What made a node send the message.
    Trigger: "trigger";
    /// Notification Reason.
    NotificationReason: "notification reason";
    /// IP version or protocol version.
    Version: "version";
    /// Payload Length of an IPv6 header.
    PayloadLength: "payload length";
    /// Next Header of a carrier's header.
    NextHeader: "next header";
    /// Hop Limit or Time to Live.
    HopLimit: "hop limit";
    /// Source address.
    SourceAddress: "source address";
    /// Destination address.
    DestinationAddress: "destination address";
    /// How many extension headers a packet has.
    ExtensionHeaderCount: "number of extension headers";
    /// Hop-by-Hop Options.
    HopByHopOptions: "hop-by-hop options header";
    /// An extension header behind its first two octets.
    HeaderData: "header data";
    /// Routing Type.
    RoutingType: "routing type";
    /// Segments Left.
    SegmentsLeft: "segments left field";
    /// Fragment Offset.
    FragmentOffset: "fragment offset";
    /// Identification of a fragmented packet.
    Identification: "identification";
    /// What a carrier carries.
    Payload: "payload";
    /// The Type octet of an option.
    OptionType: "option type";
    /// Error Estimate of a STAMP packet.
    ErrorEstimate: "error estimate";
    /// Receive Timestamp of a reflector.
    ReceiveTimestamp: "receive timestamp";
    /// Session-Sender Timestamp.
    SenderTimestamp: "sender timestamp";
    /// Session-Sender Error Estimate.
    SenderErrorEstimate: "sender error estimate";
    /// HMAC of a STAMP packet.
    Hmac: "HMAC";
    /// Value of a TLV.
    Value: "value";
    /// Access ID of an Access Report TLV.
    AccessId: "access identifier";
    /// Timestamp of a control message or measurement packet.
    Timestamp: "timestamp";
    /// A section of a control message.
    Csld: "section";
    /// How many sections a control message has.
    CsldCount: "number of sections";
    /// Command of a section.
    Command: "command";
    /// Command-Length of a section.
    CommandLength: "command length";
    /// The data of a section.
    CommandData: "command data";
    /// The Authentication CSLD.
    Authentication: "authentication section";
    /// Mode of the Authentication CSLD.
    AuthenticationMode: "authentication mode";
    /// Key ID of the Authentication CSLD.
    KeyId: "key ID";
    /// Random Number of the Authentication CSLD.
    RandomNumber: "random number";
    /// Message authentication digest.
    Digest: "digest";
    /// Address Type of a UDP-Measurement CSLD.
    AddressType: "address type";
    /// Role of a UDP-Measurement CSLD.
    Role: "role";
    /// Session Identifier of a UDP-Measurement CSLD, or SSID of a STAMP packet.
    SessionId: "session identifier";
    /// Control Source Address.
    ControlSource: "control source address";
    /// Control Destination Address.
    ControlDestination: "control destination address";
    /// Measurement Source Address.
    MeasurementSource: "measurement source address";
    /// Measurement Destination Address.
    MeasurementDestination: "measurement destination address";
    /// Control Source Port.
    ControlSourcePort: "control source port";
    /// Measurement Source Port.
    MeasurementSourcePort: "measurement source port";
    /// Measurement Destination Port.
    MeasurementDestinationPort: "measurement destination port";
    /// Duration of a measurement.
    Duration: "duration";
    /// Measurement-Type.
    MeasurementType: "measurement type";
    /// Sender Send Time.
    SenderSendTime: "sender send time";
    /// Responder Receive Time.
    ResponderReceiveTime: "responder receive time";
    /// Responder Send Time.
    ResponderSendTime: "responder send time";
    /// Sender Receive Time.
    SenderReceiveTime: "sender receive time";
    /// Sender Clock Offset.
    SenderClockOffset: "sender clock offset";
    /// Responder Clock Offset.
    ResponderClockOffset: "responder clock offset";
    /// The sender's sequence number.
    SenderSequence: "sender sequence number";
    /// Responder Sequence Number.
    ResponderSequence: "responder sequence number";
    /// Traffic Class or Type of Service.
    TrafficClass: "traffic class";
    /// Length of a whole packet or message.
    TotalLength: "total length";
    /// Source port.
    SourcePort: "source port";
    /// Destination port.
    DestinationPort: "destination port";
    /// Length of a header's payload, or of a TLV's value.
    Length: "length";
    /// Type of a TLV.
    Type: "type";
    /// Protocol Type of a GRE header.
    ProtocolType: "protocol type";
    /// Key of a GRE header.
    Key: "key";
    /// The mobility options of a message.
    Options: "options field";
    /// The Length octet of an option.
    OptionLength: "option length";
    /// The data of an option.
    OptionData: "option data";
    /// The data of a message that is kept as it is.
    MessageData: "message data";
    /// The length of a prefix.
    PrefixLength: "prefix length";
    /// The length of an address.
    AddressLength: "address length";
    /// What an option's other fields are about.
    OptionCode: "option code";
    /// Start of the source address range of a traffic selector.
    StartSourceAddress: "start source address";
    /// End of the source address range of a traffic selector.
    EndSourceAddress: "end source address";
    /// Start of the destination address range of a traffic selector.
    StartDestinationAddress: "start destination address";
    /// End of the destination address range of a traffic selector.
    EndDestinationAddress: "end destination address";
    /// Start of the IPsec SPI range of a traffic selector.
    StartSpi: "start IPsec SPI";
    /// End of the IPsec SPI range of a traffic selector.
    EndSpi: "end IPsec SPI";
    /// Start of the flow label range of a traffic selector.
    StartFlowLabel: "start flow label";
    /// End of the flow label range of a traffic selector.
    EndFlowLabel: "end flow label";
    /// Start of the source port range of a traffic selector.
    StartSourcePort: "start source port";
    /// End of the source port range of a traffic selector.
    EndSourcePort: "end source port";
    /// Start of the destination port range of a traffic selector.
    StartDestinationPort: "start destination port";
    /// End of the destination port range of a traffic selector.
    EndDestinationPort: "end destination port";
    /// Start of the DS field or traffic class range of a traffic selector.
    StartTrafficClass: "start traffic class";
    /// End of the DS field or traffic class range of a traffic selector.
    EndTrafficClass: "end traffic class";
    /// Start of the protocol or next header range of a traffic selector.
    StartProtocol: "start protocol";
    /// End of the protocol or next header range of a traffic selector.
    EndProtocol: "end protocol";
    /// Net-Name Len of a network identifier.
    NetworkNameLength: "network name length";
    /// Network Name of a network identifier.
    NetworkName: "network name";
    /// AP-Name Len of a network identifier.
    AccessPointNameLength: "access point name length";
    /// Access-Point Name of a network identifier.
    AccessPointName: "access point name";
    /// Latitude.
    Latitude: "latitude";
    /// Longitude.
    Longitude: "longitude";
    /// Operator identifier.
    OperatorIdentifier: "operator identifier";
    /// Priority level.
    PriorityLevel: "priority level";
}
