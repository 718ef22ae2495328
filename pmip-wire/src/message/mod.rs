//! Mobility Header messages (RFC 6275 section 6.1).

mod binding_ack;
mod binding_error;
mod binding_update;
mod header;
mod heartbeat;
mod unknown;

pub use binding_ack::{BindingAckFlags, BindingAcknowledgement};
pub use binding_error::BindingError;
pub use binding_update::{BindingUpdate, BindingUpdateFlags};
pub use header::MobilityHeader;
pub use heartbeat::Heartbeat;
pub use unknown::{InvalidMessage, UnknownMessage};

use alloc::vec::Vec;

use bytes::{BufMut, Bytes};

use crate::checksum::ChecksumContext;
use crate::code::MhType;
use crate::error::DecodeError;
use crate::option::MobilityOptions;
use crate::writer::Writer;

/// The longest Mobility Header in octets: 256 units of 8 (RFC 6275 section 6.1.1).
pub const MAX_MESSAGE_LEN: usize = 2048;

/// Octets that every Mobility Header starts with: Payload Proto to Checksum.
pub(crate) const HEADER_LEN: usize = 6;

/// Where the options of a message may start: every residue modulo 8 that a fixed part leaves, with
/// the longest fixed part of each.
pub(crate) const OPTION_STARTS: [usize; 3] = [10, 12, 24];

/// Long enough for a usual registration; longer messages take a second, larger buffer.
const USUAL_LEN: usize = 256;

/// One Mobility Header message.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[non_exhaustive]
pub enum Message {
    /// Type 5; a Proxy Binding Update when flag P is set (RFC 5213 section 8.1).
    BindingUpdate(BindingUpdate),
    /// Type 6; a Proxy Binding Acknowledgement when flag P is set (RFC 5213 section 8.2).
    BindingAcknowledgement(BindingAcknowledgement),
    /// Type 7 (RFC 6275 section 6.1.9).
    BindingError(BindingError),
    /// Type 13 (RFC 5847 section 3.3).
    Heartbeat(Heartbeat),
    /// A type without a typed body here, kept as it came.
    Unknown(UnknownMessage),
}

impl Message {
    /// Decodes the Mobility Header that `wire` starts with. Variable parts share `wire`'s memory.
    ///
    /// Octets behind the Mobility Header are ignored, as IPv6 asks behind "no next header"
    /// (RFC 8200 section 4.7).
    ///
    /// # Errors
    /// [`DecodeError`] where the bytes are no well-formed Mobility Header.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a type without a variant is Unknown"
    )]
    pub fn decode(wire: &Bytes, context: ChecksumContext) -> Result<Self, DecodeError> {
        let header = MobilityHeader::parse(wire, context)?;
        // Options are decoded into the message, not moved there: a message is some hundred octets.
        let mut message = match header.mh_type() {
            MhType::BindingUpdate => Self::BindingUpdate(BindingUpdate::from_wire(header.fixed()?)),
            MhType::BindingAcknowledgement => {
                Self::BindingAcknowledgement(BindingAcknowledgement::from_wire(header.fixed()?))
            }
            MhType::BindingError => Self::BindingError(BindingError::from_wire(header.fixed()?)),
            MhType::Heartbeat => Self::Heartbeat(Heartbeat::from_wire(header.fixed()?)),
            other => {
                let data = wire.slice_ref(header.message_data());
                return Ok(Self::Unknown(UnknownMessage::from_wire(other, data)));
            }
        };
        if let (Some(options), Some(raw)) = (message.options_mut(), header.options()) {
            options.decode(raw, wire)?;
        }
        Ok(message)
    }

    /// [`Message::decode`] from borrowed bytes, which are copied once.
    ///
    /// # Errors
    /// [`DecodeError`] where the bytes are no well-formed Mobility Header.
    pub fn decode_slice(wire: &[u8], context: ChecksumContext) -> Result<Self, DecodeError> {
        // What lies behind the longest message can't matter.
        let wire = wire.get(..MAX_MESSAGE_LEN).unwrap_or(wire);
        Self::decode(&Bytes::copy_from_slice(wire), context)
    }

    /// Appends the message to `out`: lengths, alignment, padding and the checksum that `context`
    /// asks for are computed. Allocates nothing beyond what `out` itself does.
    ///
    /// # Panics
    /// As [`BufMut`] does, when `out` cannot grow and has less room than
    /// [`Message::encoded_len`].
    pub fn encode(&self, context: ChecksumContext, out: &mut impl BufMut) {
        let mut usual = [0; USUAL_LEN];
        let length = self.write(&mut usual, context);
        if let Some(message) = usual.get(..length) {
            return out.put_slice(message);
        }
        let mut longest = [0; MAX_MESSAGE_LEN];
        let length = self.write(&mut longest, context);
        out.put_slice(longest.get(..length).unwrap_or_default());
    }

    /// [`Message::encode`] to the start of `buffer`, without a detour: the fastest way out. Returns
    /// the length; `None`, with `buffer` in disorder, where it has less room than
    /// [`Message::encoded_len`], which [`MAX_MESSAGE_LEN`] octets always suffice for.
    #[must_use]
    pub fn encode_to_slice(&self, context: ChecksumContext, buffer: &mut [u8]) -> Option<usize> {
        let length = self.write(buffer, context);
        (length <= buffer.len()).then_some(length)
    }

    /// The message as bytes of its own.
    pub fn to_bytes(&self, context: ChecksumContext) -> Bytes {
        let mut out = Vec::new();
        self.encode(context, &mut out);
        out.into()
    }

    /// Octets that [`Message::encode`] appends: a multiple of 8, at most [`MAX_MESSAGE_LEN`].
    pub fn encoded_len(&self) -> usize {
        let end = match self {
            Self::BindingUpdate(message) => message.options.end_from(12),
            Self::BindingAcknowledgement(message) => message.options.end_from(12),
            Self::BindingError(message) => message.options.end_from(24),
            Self::Heartbeat(message) => message.options.end_from(12),
            Self::Unknown(message) => HEADER_LEN.saturating_add(message.data().len()),
        };
        end.next_multiple_of(8)
    }

    /// The message type.
    pub const fn mh_type(&self) -> MhType {
        match self {
            Self::BindingUpdate(_) => MhType::BindingUpdate,
            Self::BindingAcknowledgement(_) => MhType::BindingAcknowledgement,
            Self::BindingError(_) => MhType::BindingError,
            Self::Heartbeat(_) => MhType::Heartbeat,
            Self::Unknown(message) => message.mh_type(),
        }
    }

    /// The options; `None` for a message that is kept as it came.
    pub const fn options(&self) -> Option<&MobilityOptions> {
        match self {
            Self::BindingUpdate(message) => Some(&message.options),
            Self::BindingAcknowledgement(message) => Some(&message.options),
            Self::BindingError(message) => Some(&message.options),
            Self::Heartbeat(message) => Some(&message.options),
            Self::Unknown(_) => None,
        }
    }

    const fn options_mut(&mut self) -> Option<&mut MobilityOptions> {
        match self {
            Self::BindingUpdate(message) => Some(&mut message.options),
            Self::BindingAcknowledgement(message) => Some(&mut message.options),
            Self::BindingError(message) => Some(&mut message.options),
            Self::Heartbeat(message) => Some(&mut message.options),
            Self::Unknown(_) => None,
        }
    }

    /// Writes into `buffer` and returns the length, which may exceed the buffer's.
    fn write(&self, buffer: &mut [u8], context: ChecksumContext) -> usize {
        let mut writer = Writer::new(buffer);
        match self {
            Self::BindingUpdate(message) => message.write(&mut writer),
            Self::BindingAcknowledgement(message) => message.write(&mut writer),
            Self::BindingError(message) => message.write(&mut writer),
            Self::Heartbeat(message) => message.write(&mut writer),
            Self::Unknown(message) => writer.put(message.data()),
        }
        writer.finish(self.mh_type(), context)
    }
}

macro_rules! from_body {
    ($($body:ident => $variant:ident;)+) => {$(
        impl From<$body> for Message {
            fn from(body: $body) -> Self {
                Self::$variant(body)
            }
        }
    )+};
}

from_body! {
    BindingUpdate => BindingUpdate;
    BindingAcknowledgement => BindingAcknowledgement;
    BindingError => BindingError;
    Heartbeat => Heartbeat;
    UnknownMessage => Unknown;
}
