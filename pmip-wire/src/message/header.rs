use super::{HEADER_LEN, binding_ack, binding_error, binding_update, heartbeat};
use crate::checksum::{Checksum, ChecksumContext, MOBILITY_HEADER_PROTOCOL};
use crate::code::MhType;
use crate::error::{DecodeError, DecodeErrorKind, Field, Layer};
use crate::option::RawOptions;
use crate::writer::NO_NEXT_HEADER;

/// The borrowed view of one verified Mobility Header: layer 1, which copies and allocates nothing.
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +---------------+---------------+---------------+---------------+
/// | Payload Proto |  Header Len   |    MH Type    |   Reserved    |
/// +---------------+---------------+---------------+---------------+
/// |           Checksum            |        Message Data ...       |
/// +-------------------------------+-------------------------------+
/// ```
/// RFC 6275 section 6.1.1.
#[derive(Clone, Copy, Debug)]
pub struct MobilityHeader<'a> {
    /// The whole header; at least as long as the fixed part of its type.
    wire: &'a [u8],
    mh_type: MhType,
}

/// The fields of a fixed part with their widths in octets.
pub(super) type Layout = &'static [(Field, u16)];

const HEADER_LAYOUT: Layout = &[
    (Field::PayloadProto, 1),
    (Field::HeaderLength, 1),
    (Field::MhType, 1),
    (Field::Reserved, 1),
    (Field::Checksum, 2),
];

impl<'a> MobilityHeader<'a> {
    /// Checks, in the order of RFC 6275 section 9.2, the checksum and the header of the message
    /// that `wire` starts with; its options are checked while they are read.
    ///
    /// The payload protocol and the fixed part are checked only for types that have a typed body:
    /// other types are answered with a Binding Error before that.
    ///
    /// # Errors
    /// [`DecodeError`] where `wire` is cut short or a check fails.
    pub fn parse(wire: &'a [u8], context: ChecksumContext) -> Result<Self, DecodeError> {
        let Some([payload_proto, units, mh_type, ..]) = wire.first_chunk::<8>() else {
            return Err(truncated(wire, 8));
        };
        let length = usize::from(*units).saturating_add(1).saturating_mul(8);
        let Some(message) = wire.get(..length) else {
            return Err(truncated(wire, length));
        };
        verify_checksum(message, context)?;
        let mh_type = MhType::from_code(*mh_type);
        if let Some(fixed) = fixed_len(mh_type) {
            if *payload_proto != NO_NEXT_HEADER {
                let kind = DecodeErrorKind::BadPayloadProto {
                    found: *payload_proto,
                };
                return Err(DecodeError::new(kind, Layer::MobilityHeader, 0));
            }
            if length < fixed {
                let kind = DecodeErrorKind::BadHeaderLength {
                    needed: offset(fixed),
                    found: offset(length),
                };
                return Err(DecodeError::new(kind, Layer::Message(mh_type), 1));
            }
        }
        Ok(Self {
            wire: message,
            mh_type,
        })
    }

    /// The message type.
    pub const fn mh_type(&self) -> MhType {
        self.mh_type
    }

    /// The whole Mobility Header, from Payload Proto to its last octet of padding.
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.wire
    }

    /// Message Data: everything behind the checksum.
    pub fn message_data(&self) -> &'a [u8] {
        self.wire.get(HEADER_LEN..).unwrap_or_default()
    }

    /// The options; `None` for a type whose fixed part is not known here.
    pub fn options(&self) -> Option<RawOptions<'a>> {
        let start = fixed_len(self.mh_type)?;
        Some(RawOptions::new(self.wire.get(start..)?, offset(start)))
    }

    /// The `N` octets of the fixed part behind the checksum; [`MobilityHeader::parse`] has checked
    /// that they are there.
    #[inline]
    pub(super) fn fixed<const N: usize>(&self) -> Result<&'a [u8; N], DecodeError> {
        let fixed = self.message_data().first_chunk();
        fixed.ok_or_else(|| truncated(self.wire, self.wire.len()))
    }
}

/// The fixed part of a type behind the checksum; `None` for types without a typed body.
const fn layout(mh_type: MhType) -> Option<Layout> {
    match mh_type {
        MhType::BindingUpdate => Some(binding_update::LAYOUT),
        MhType::BindingAcknowledgement => Some(binding_ack::LAYOUT),
        MhType::BindingError => Some(binding_error::LAYOUT),
        MhType::Heartbeat => Some(heartbeat::LAYOUT),
        MhType::BindingRefreshRequest
        | MhType::HomeTestInit
        | MhType::CareOfTestInit
        | MhType::HomeTest
        | MhType::CareOfTest
        | MhType::FastBindingUpdate
        | MhType::FastBindingAcknowledgement
        | MhType::FastNeighborAdvertisement
        | MhType::Experimental
        | MhType::HomeAgentSwitch
        | MhType::HandoverInitiate
        | MhType::HandoverAcknowledge
        | MhType::BindingRevocation
        | MhType::LocalizedRoutingInitiation
        | MhType::LocalizedRoutingAcknowledgment
        | MhType::UpdateNotification
        | MhType::UpdateNotificationAcknowledgement
        | MhType::FlowBinding
        | MhType::SubscriptionQuery
        | MhType::SubscriptionResponse
        | MhType::Unknown(_) => None,
    }
}

/// Where the options of a type start.
#[inline]
fn fixed_len(mh_type: MhType) -> Option<usize> {
    let layout = layout(mh_type)?;
    let octets = layout.iter().map(|(_, width)| usize::from(*width));
    Some(octets.fold(HEADER_LEN, usize::saturating_add))
}

/// Whether messages of this type have a typed body, so that [`super::UnknownMessage`] must not
/// carry them.
pub(super) const fn is_typed(mh_type: MhType) -> bool {
    layout(mh_type).is_some()
}

fn verify_checksum(message: &[u8], context: ChecksumContext) -> Result<(), DecodeError> {
    let ChecksumContext::Ipv6 {
        source,
        destination,
    } = context
    else {
        return Ok(());
    };
    let length = u32::from(offset(message.len()));
    let mut checksum =
        Checksum::ipv6_pseudo_header(source, destination, length, MOBILITY_HEADER_PROTOCOL);
    checksum.add(message);
    if checksum.is_valid() {
        return Ok(());
    }
    let found = match message {
        [_, _, _, _, high, low, ..] => u16::from_be_bytes([*high, *low]),
        _ => 0,
    };
    // Adding the complement takes the field out of the sum again.
    checksum.add(&(!found).to_be_bytes());
    let kind = DecodeErrorKind::BadChecksum {
        expected: checksum.finish(),
        found,
    };
    Err(DecodeError::new(kind, Layer::MobilityHeader, 4))
}

/// Names the field in which `wire` ends although its message takes `length` octets.
#[cold]
fn truncated(wire: &[u8], length: usize) -> DecodeError {
    let mh_type = wire.get(2).map(|code| MhType::from_code(*code));
    let body = mh_type.and_then(layout).unwrap_or_default();
    let layer = mh_type.map_or(Layer::MobilityHeader, Layer::Message);
    let header = HEADER_LAYOUT
        .iter()
        .map(|field| (field, Layer::MobilityHeader));
    let fields = header.chain(body.iter().map(|field| (field, layer)));
    let available = offset(wire.len());
    let mut start = 0u16;
    for ((field, width), layer) in fields {
        let end = start.saturating_add(*width);
        if end > available {
            return cut(*field, layer, start, *width, available);
        }
        start = end;
    }
    if body.is_empty() {
        let needed = offset(length).saturating_sub(start);
        return cut(Field::MessageData, layer, start, needed, available);
    }
    let rest = wire.get(usize::from(start)..).unwrap_or_default();
    let in_option = RawOptions::new(rest, start).find_map(Result::err);
    in_option.unwrap_or_else(|| {
        let needed = offset(length).saturating_sub(start);
        cut(Field::Options, layer, start, needed, available)
    })
}

const fn cut(field: Field, layer: Layer, start: u16, needed: u16, available: u16) -> DecodeError {
    let kind = DecodeErrorKind::Truncated {
        field,
        needed,
        available: available.saturating_sub(start),
    };
    DecodeError::new(kind, layer, start)
}

/// A Mobility Header has at most 2048 octets, so this never saturates on one.
fn offset(octets: usize) -> u16 {
    octets.try_into().unwrap_or(u16::MAX)
}
