use super::body::Layout;
use super::leniency::{Faults, Leniency};
use super::{HEADER_LEN, Kind};
use crate::checksum::{ChecksumContext, PseudoHeader};
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
    /// The whole header; at least as long as the fixed part of its kind.
    wire: &'a [u8],
    mh_type: MhType,
    kind: Option<Kind>,
    /// Where the options start.
    options: usize,
}

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
    #[inline(always)]
    pub fn parse(wire: &'a [u8], context: ChecksumContext) -> Result<Self, DecodeError> {
        Self::parse_over(wire, context.pseudo_header())
    }

    /// [`MobilityHeader::parse`] with the checksum taken over `pseudo_header`.
    ///
    /// Inlined, for a header that is handed over in memory is read back before it is written.
    #[inline(always)]
    pub(super) fn parse_over(
        wire: &'a [u8],
        pseudo_header: PseudoHeader,
    ) -> Result<Self, DecodeError> {
        let length = announced_len(wire)?;
        let message = wire.get(..length).ok_or_else(|| truncated(wire, length))?;
        Self::check(message, pseudo_header, |_, error| Err(error))
    }

    /// [`MobilityHeader::parse`] as far as `leniency` goes, with the faults of the header that it
    /// passed over. The iterator over the options still ends with an error where one is cut off.
    ///
    /// # Errors
    /// The first [`DecodeError`] that `leniency` does not cover, or that leaves no message.
    pub fn parse_lax(
        wire: &'a [u8],
        context: ChecksumContext,
        leniency: Leniency,
    ) -> Result<(Self, Faults), DecodeError> {
        let mut faults = Faults::default();
        let pseudo_header = context.pseudo_header();
        let length = announced_len(wire)?;
        let Some(message) = wire.get(..length) else {
            let error = truncated(wire, length);
            if !has_whole_body(wire) {
                return Err(error);
            }
            faults.pass_over(leniency, Leniency::CUT_SHORT, error)?;
            // The checksum covers octets that are missing.
            let header = Self::check(
                wire,
                ChecksumContext::Udp.pseudo_header(),
                |tolerance, error| faults.pass_over(leniency, tolerance, error),
            )?;
            return Ok((header, faults));
        };
        let message = if leniency.contains(Leniency::SHORT_HEADER_LENGTH)
            && wire.len().saturating_sub(length) < 8
            && !ends_well(message)
            && ends_well(wire)
        {
            let kind = DecodeErrorKind::BadHeaderLength {
                needed: offset(wire.len()),
                found: offset(length),
            };
            let error = DecodeError::new(kind, Layer::Message(mh_type(wire)), 1);
            faults.pass_over(leniency, Leniency::SHORT_HEADER_LENGTH, error)?;
            wire
        } else {
            message
        };
        let header = Self::check(message, pseudo_header, |tolerance, error| {
            faults.pass_over(leniency, tolerance, error)
        })?;
        Ok((header, faults))
    }

    /// The checks of RFC 6275 section 9.2 over `message`, which holds at least 8 octets; `judge`
    /// passes over an error or hands it back.
    #[inline(always)]
    fn check(
        message: &'a [u8],
        pseudo_header: PseudoHeader,
        mut judge: impl FnMut(Leniency, DecodeError) -> Result<(), DecodeError>,
    ) -> Result<Self, DecodeError> {
        let checksum = pseudo_header.checksum(message);
        if checksum.is_some_and(|checksum| !checksum.is_valid()) {
            judge(Leniency::BAD_CHECKSUM, bad_checksum(message, pseudo_header))?;
        }
        let mh_type = mh_type(message);
        let mut header = Self {
            wire: message,
            mh_type,
            kind: Kind::of(mh_type, message_data(message)),
            options: message.len(),
        };
        let Some(kind) = header.kind else {
            return Ok(header);
        };
        let payload_proto = message.first().copied().unwrap_or_default();
        if payload_proto != NO_NEXT_HEADER {
            let kind = DecodeErrorKind::BadPayloadProto {
                found: payload_proto,
            };
            let error = DecodeError::new(kind, Layer::MobilityHeader, 0);
            judge(Leniency::BAD_PAYLOAD_PROTO, error)?;
        }
        let needed = options_start(kind, message);
        if message.len() < needed {
            let kind = DecodeErrorKind::BadHeaderLength {
                needed: offset(needed),
                found: offset(message.len()),
            };
            return Err(DecodeError::new(kind, Layer::Message(mh_type), 1));
        }
        header.options = needed;
        Ok(header)
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
    #[inline]
    pub fn message_data(&self) -> &'a [u8] {
        message_data(self.wire)
    }

    /// The options; `None` for a message without a typed body here.
    #[inline]
    pub fn options(&self) -> Option<RawOptions<'a>> {
        self.kind?;
        let options = self.wire.get(self.options..)?;
        Some(RawOptions::new(options, offset(self.options)))
    }

    /// Its row in the table of messages.
    pub(super) const fn kind(&self) -> Option<Kind> {
        self.kind
    }

    /// The error for a body that is not whole, which the checks have ruled out.
    #[cold]
    pub(super) fn cut_in_body(&self) -> DecodeError {
        truncated(self.wire, self.wire.len())
    }
}

/// Octets that Header Len stands for.
#[inline]
fn announced_len(wire: &[u8]) -> Result<usize, DecodeError> {
    match wire.first_chunk::<8>() {
        // Wraps nowhere; this way the compiler knows a multiple of 8 when it sees one.
        Some([_, units, ..]) => Ok(usize::from(*units).wrapping_add(1) << 3),
        None => Err(truncated(wire, 8)),
    }
}

#[inline]
fn mh_type(wire: &[u8]) -> MhType {
    MhType::from_code(wire.get(2).copied().unwrap_or_default())
}

#[inline]
fn message_data(wire: &[u8]) -> &[u8] {
    wire.get(HEADER_LEN..).unwrap_or_default()
}

/// Where the options of a message start.
#[inline]
fn options_start(kind: Kind, wire: &[u8]) -> usize {
    kind.body_len(message_data(wire)).saturating_add(HEADER_LEN)
}

/// Whether `wire` holds a typed message at least up to its options.
fn has_whole_body(wire: &[u8]) -> bool {
    Kind::of(mh_type(wire), message_data(wire))
        .is_some_and(|kind| options_start(kind, wire) <= wire.len())
}

/// Whether `wire` holds a typed message whose last option ends where `wire` does.
fn ends_well(wire: &[u8]) -> bool {
    Kind::of(mh_type(wire), message_data(wire))
        .and_then(|kind| wire.get(options_start(kind, wire)..))
        .is_some_and(|options| RawOptions::new(options, 0).all(|option| option.is_ok()))
}

/// The checksum of `message` is not the one that belongs to `pseudo_header`.
#[cold]
fn bad_checksum(message: &[u8], pseudo_header: PseudoHeader) -> DecodeError {
    let found = match message {
        [_, _, _, _, high, low, ..] => u16::from_be_bytes([*high, *low]),
        _ => 0,
    };
    let mut checksum = pseudo_header.checksum(message).unwrap_or_default();
    // Adding the complement takes the field out of the sum again.
    checksum.add(&(!found).to_be_bytes());
    let kind = DecodeErrorKind::BadChecksum {
        expected: checksum.finish(),
        found,
    };
    DecodeError::new(kind, Layer::MobilityHeader, 4)
}

/// Names the field in which `wire` ends although its message takes `length` octets.
#[cold]
fn truncated(wire: &[u8], length: usize) -> DecodeError {
    let mh_type = wire.get(2).map(|code| MhType::from_code(*code));
    let kind = mh_type.and_then(|mh_type| Kind::of(mh_type, message_data(wire)));
    let body: Layout = kind.map(Kind::layout).unwrap_or_default();
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
    let needed = offset(length).saturating_sub(start);
    let Some(kind) = kind else {
        return cut(Field::MessageData, layer, start, needed, available);
    };
    let options = offset(options_start(kind, wire));
    if options > available {
        let width = options.saturating_sub(start);
        return cut(Field::HomeAgentAddresses, layer, start, width, available);
    }
    let rest = wire.get(usize::from(options)..).unwrap_or_default();
    let in_option = RawOptions::new(rest, options).find_map(Result::err);
    in_option.unwrap_or_else(|| {
        let needed = offset(length).saturating_sub(options);
        cut(Field::Options, layer, options, needed, available)
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
#[inline]
fn offset(octets: usize) -> u16 {
    octets.try_into().unwrap_or(u16::MAX)
}
