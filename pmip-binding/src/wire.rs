//! Between datagrams and messages.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use bytes::Bytes;
use pmip_wire::auth::SecurityAssociation;
use pmip_wire::types::PathId;
use pmip_wire::{
    Answer, BindingError, BindingErrorStatus, BindingRevocationAcknowledgement,
    BindingRevocationIndication, ChecksumContext, DecodeError, Heartbeat, Leniency, Message,
    MobilityHeader, MobilityOption, UpdateNotification, UpdateNotificationAcknowledgement,
};

use crate::event::DropReason;
use crate::io::{Carrier, Datagram};
use crate::message::{Acknowledgement, Identifier, Multipath, Update};
use crate::security::{self, Proof, Protection};

/// A datagram understood, and what it shows about its sender.
#[derive(Clone, Debug)]
pub(crate) struct Incoming {
    pub(crate) content: Received,
    pub(crate) proof: Proof,
    /// The last option was cut off by the end of the header, and left out.
    pub(crate) cut: bool,
}

/// What a datagram says.
#[derive(Clone, Debug)]
pub(crate) enum Received {
    Update(Update),
    Acknowledgement(Acknowledgement),
    Heartbeat(Beat),
    Revocation(BindingRevocationIndication),
    RevocationAnswer(BindingRevocationAcknowledgement),
    Notification(UpdateNotification),
    NotificationAnswer(UpdateNotificationAcknowledgement),
    /// The peer does not know a message type (Binding Error, status 2).
    TypeRefused,
    /// A message type that this family of crates does not know.
    UnknownType,
    /// Well-formed, but nothing for an engine.
    Unexpected,
}

/// A Heartbeat message as the engines think of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Beat {
    pub(crate) response: bool,
    pub(crate) unsolicited: bool,
    pub(crate) sequence: u32,
    pub(crate) restart_counter: Option<u32>,
    pub(crate) multipath: Option<Multipath>,
    pub(crate) mag_id: Option<Identifier>,
    /// The MAG's own IPv4 care-of address (option 32), as in its PBUs: what a path without a
    /// Binding ID is known by behind a NAT.
    pub(crate) care_of: Option<Ipv4Addr>,
}

/// Decodes a datagram and checks its authentication. `gateway` is the address of the access
/// gateway, whichever end this is; `association` knows the keys by their SPI. `lax`: some peer may
/// send a registration whose last option is cut off.
pub(crate) fn receive<'a>(
    datagram: &Datagram,
    gateway: IpAddr,
    association: impl FnOnce(u32) -> Option<&'a SecurityAssociation>,
    lax: bool,
) -> Result<Incoming, DropReason> {
    let context = context(datagram.carrier, datagram.source, datagram.destination);
    match Message::decode_with_header(&datagram.payload, context) {
        Ok((header, message)) => Ok(Incoming {
            proof: security::prove(&header, gateway, association)?,
            content: understand(message),
            cut: false,
        }),
        Err(error) if error.is_bad_checksum() => Err(DropReason::BadChecksum),
        Err(error) if is_about_flow(&error) => {
            let header = MobilityHeader::parse(&datagram.payload, context);
            let header = header.map_err(|_| DropReason::Malformed)?;
            let message = without_flows(datagram, context)?;
            Ok(Incoming {
                proof: security::prove(&header, gateway, association)?,
                content: understand(message),
                cut: false,
            })
        }
        Err(_) if lax => receive_cut(datagram, context),
        Err(_) => Err(DropReason::Malformed),
    }
}

/// RFC 6089 section 4.2: a malformed sub-option of a flow binding is answered inside that option,
/// and the rest of the message holds.
fn is_about_flow(error: &DecodeError) -> bool {
    matches!(error.answer(), Answer::FlowIdentification(_))
}

/// The message without the flow bindings that are malformed. Flow bindings are not done here, so
/// theirs is no answer: a node without them skips the option, whatever it holds (RFC 6275 section
/// 6.2.1).
fn without_flows(datagram: &Datagram, context: ChecksumContext) -> Result<Message, DropReason> {
    let decoded = Message::decode_lax(&datagram.payload, context, Leniency::OPTION_MISFIT);
    let (message, faults) = decoded.map_err(|_| DropReason::Malformed)?;
    let flows_alone = faults.omitted() == 0 && faults.iter().all(is_about_flow);
    if flows_alone {
        Ok(message)
    } else {
        Err(DropReason::Malformed)
    }
}

/// A registration whose last option is cut off. That would have been its authentication.
fn receive_cut(datagram: &Datagram, context: ChecksumContext) -> Result<Incoming, DropReason> {
    let decoded = Message::decode_lax(&datagram.payload, context, Leniency::LAST_OPTION_CUT);
    let (message, _) = decoded.map_err(|_| DropReason::Malformed)?;
    match understand(message) {
        content @ (Received::Update(_) | Received::Acknowledgement(_)) => Ok(Incoming {
            content,
            proof: Proof::Missing,
            cut: true,
        }),
        Received::Heartbeat(_)
        | Received::Revocation(_)
        | Received::RevocationAnswer(_)
        | Received::Notification(_)
        | Received::NotificationAnswer(_)
        | Received::TypeRefused
        | Received::UnknownType
        | Received::Unexpected => Err(DropReason::Malformed),
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "most messages are none of the engines'"
)]
fn understand(message: Message) -> Received {
    match message {
        Message::BindingUpdate(update) => match Update::from_wire(&update) {
            Some(update) => Received::Update(update),
            None => Received::Unexpected,
        },
        Message::BindingAcknowledgement(acknowledgement) => {
            match Acknowledgement::from_wire(&acknowledgement) {
                Some(acknowledgement) => Received::Acknowledgement(acknowledgement),
                None => Received::Unexpected,
            }
        }
        Message::BindingError(error) => match error.status {
            BindingErrorStatus::UnrecognizedMhType => Received::TypeRefused,
            BindingErrorStatus::UnknownBinding | BindingErrorStatus::Unknown(_) => {
                Received::Unexpected
            }
            _ => Received::Unexpected,
        },
        Message::BindingRevocationIndication(indication) => Received::Revocation(indication),
        Message::BindingRevocationAcknowledgement(answer) => Received::RevocationAnswer(answer),
        Message::UpdateNotification(notification) => Received::Notification(notification),
        Message::UpdateNotificationAcknowledgement(answer) => Received::NotificationAnswer(answer),
        Message::Heartbeat(heartbeat) => Received::Heartbeat(Beat::from_wire(&heartbeat)),
        // What the engines do not speak is as unknown to the peer as a type without a name.
        _ => Received::UnknownType,
    }
}

/// Encodes a message for a carrier, protected where the peer shares a key. `None` where it leaves
/// no room for that: what should be protected never goes out without.
pub(crate) fn encode(
    message: &Message,
    carrier: Carrier,
    source: SocketAddr,
    destination: SocketAddr,
    protection: Option<Protection<'_>>,
) -> Option<Bytes> {
    let context = context(carrier, source, destination);
    match protection {
        Some(protection) => protection.seal(message, context),
        None => Some(message.to_bytes(context)),
    }
}

/// The Binding Error that answers a message of unknown type (RFC 6275 section 9.2).
pub(crate) fn unrecognized_type() -> Message {
    Message::BindingError(BindingError::unrecognized_mh_type())
}

/// How the checksum is computed. An inner packet of a tunnel is addressed between the tunnel's
/// ends, which `source` and `destination` then name.
fn context(carrier: Carrier, source: SocketAddr, destination: SocketAddr) -> ChecksumContext {
    match (carrier, source.ip(), destination.ip()) {
        (Carrier::Ipv6, IpAddr::V6(source), IpAddr::V6(destination)) => ChecksumContext::Ipv6 {
            source,
            destination,
        },
        // Inside tunnels the Mobility Header travels in UDP, as over IPv4 (signalling rules
        // section 9): the inner UDP checksum protects it.
        (
            Carrier::Ipv6 | Carrier::Udp | Carrier::Tunnel(PathId(_)) | Carrier::UnknownTunnel,
            _,
            _,
        ) => ChecksumContext::Udp,
    }
}

impl Beat {
    pub(crate) fn request(sequence: u32) -> Self {
        Self {
            response: false,
            unsolicited: false,
            sequence,
            restart_counter: None,
            multipath: None,
            mag_id: None,
            care_of: None,
        }
    }

    pub(crate) fn response(sequence: u32, restart_counter: u32) -> Self {
        Self {
            response: true,
            restart_counter: Some(restart_counter),
            ..Self::request(sequence)
        }
    }

    /// Tells of our restart (RFC 5847 section 3.2).
    pub(crate) fn unsolicited(restart_counter: u32) -> Self {
        Self {
            unsolicited: true,
            ..Self::response(0, restart_counter)
        }
    }

    pub(crate) fn to_message(&self) -> Message {
        let mut options = crate::message::Options::default();
        if let Some(counter) = self.restart_counter {
            options.push(MobilityOption::RestartCounter(counter));
        }
        if let Some(multipath) = self.multipath {
            options.push(multipath.to_wire());
        }
        if let Some(Ok(id)) = self.mag_id.as_ref().map(Identifier::to_mag_identifier) {
            options.push(id);
        }
        if let Some(address) = self.care_of {
            options.push(MobilityOption::Ipv4CareOfAddress(address));
        }
        Message::Heartbeat(Heartbeat {
            unsolicited: self.unsolicited,
            response: self.response,
            sequence: self.sequence,
            options: options.into_inner(),
        })
    }

    fn from_wire(heartbeat: &Heartbeat) -> Self {
        Self {
            response: heartbeat.response,
            unsolicited: heartbeat.unsolicited,
            sequence: heartbeat.sequence,
            restart_counter: heartbeat.options.restart_counter(),
            multipath: Multipath::from_options(&heartbeat.options),
            mag_id: heartbeat
                .options
                .mag_identifier()
                .map(|id| Identifier::from_wire(&id)),
            care_of: heartbeat.options.ipv4_care_of_address(),
        }
    }
}
