//! Mobility Header messages (RFC 6275 section 6.1).

mod binding_ack;
mod binding_error;
mod binding_refresh;
mod binding_update;
mod body;
mod fast_binding;
mod flow_binding;
mod handover;
mod header;
mod heartbeat;
mod home_agent_switch;
mod leniency;
mod localized_routing;
mod return_routability;
mod revocation;
mod subscription;
mod unknown;
mod update_notification;

pub use binding_ack::{BindingAckFlags, BindingAcknowledgement};
pub use binding_error::BindingError;
pub use binding_refresh::BindingRefreshRequest;
pub use binding_update::{BindingUpdate, BindingUpdateFlags};
pub use fast_binding::{FastBindingAcknowledgement, FastBindingUpdate};
pub use flow_binding::{FlowBindingAcknowledgement, FlowBindingFlags, FlowBindingIndication};
pub use handover::{
    HandoverAcknowledge, HandoverAcknowledgeFlags, HandoverInitiate, HandoverInitiateFlags,
};
pub use header::MobilityHeader;
pub use heartbeat::Heartbeat;
pub use home_agent_switch::HomeAgentSwitch;
pub use leniency::{Faults, Leniency};
pub use localized_routing::{
    LocalizedRoutingAcknowledgment, LocalizedRoutingFlags, LocalizedRoutingInitiation,
};
pub use return_routability::{CareOfTest, CareOfTestInit, HomeTest, HomeTestInit};
pub use revocation::{
    BindingRevocationAcknowledgement, BindingRevocationFlags, BindingRevocationIndication,
};
pub use subscription::{SubscriptionFlags, SubscriptionQuery, SubscriptionResponse};
pub use unknown::{InvalidMessage, UnknownMessage};
pub use update_notification::{
    UpdateNotification, UpdateNotificationAcknowledgement, UpdateNotificationFlags,
};

use alloc::vec::Vec;

use bytes::{BufMut, Bytes};

use crate::checksum::{ChecksumContext, PseudoHeader};
use crate::code::MhType;
use crate::error::{DecodeError, DecodeErrorKind, Layer};
use crate::option::MobilityOptions;
use crate::writer::Writer;
use body::{Body, FixedPart, Layout, layout_len};

/// The longest Mobility Header in octets: 256 units of 8 (RFC 6275 section 6.1.1).
pub const MAX_MESSAGE_LEN: usize = 2048;

/// Octets that every Mobility Header starts with: Payload Proto to Checksum.
pub(crate) const HEADER_LEN: usize = 6;

/// Where the options of a message may start: every residue modulo 8 that a fixed part leaves, with
/// the longest fixed part of each. The one body that holds a list keeps its own limit.
pub(crate) const OPTION_STARTS: [usize; 3] = [10, 12, 24];

/// Long enough for a usual registration; longer messages take a second, larger buffer.
const USUAL_LEN: usize = 256;

/// Declares [`Message`] from one table: a variant is its documentation, its body, its type, and
/// where a type has several bodies the octets that tell them apart, which Message Data starts with.
macro_rules! messages {
    ($(
        $(#[$doc:meta])+
        $body:ident = $mh_type:ident $([$($selector:literal),+])?;
    )+) => {
        /// One Mobility Header message.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
        #[non_exhaustive]
        pub enum Message {
            $( $(#[$doc])+ $body($body), )+
            /// A message without a typed body here, kept as it came.
            Unknown(UnknownMessage),
        }

        /// A row of the table.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        enum Kind {
            $( $body, )+
        }

        $(
            const _: () = assert!(
                layout_len(<$body as Body>::LAYOUT) == <<$body as Body>::Fixed as FixedPart>::LEN
            );
        )+

        impl Kind {
            /// The row of the message with this Message Data; `None` where it has no typed body.
            /// Data cut short of what tells the bodies of a type apart gives the first that fits.
            #[inline]
            fn of(mh_type: MhType, data: &[u8]) -> Option<Self> {
                match mh_type {
                    $(
                        MhType::$mh_type $(if starts_with(data, &[$($selector),+]))? => {
                            Some(Self::$body)
                        }
                    )+
                    _ => None,
                }
            }

            const fn layout(self) -> Layout {
                match self {
                    $( Self::$body => <$body as Body>::LAYOUT, )+
                }
            }

            /// Octets of Message Data in front of the options, as far as `data` tells.
            #[inline]
            fn body_len(self, data: &[u8]) -> usize {
                let fixed = match self {
                    $( Self::$body => <<$body as Body>::Fixed as FixedPart>::LEN, )+
                };
                // The one body with a list stands apart, so that the others are looked up.
                if self == Self::HomeAgentSwitch {
                    list_len::<HomeAgentSwitch>(data).saturating_add(fixed)
                } else {
                    fixed
                }
            }
        }

        impl Message {
            /// The message of `header` with these options, which were checked.
            #[inline(always)]
            fn from_header(
                header: &MobilityHeader<'_>,
                wire: &Bytes,
                options: Bytes,
            ) -> Result<Self, DecodeError> {
                let data = header.message_data();
                Ok(match header.kind() {
                    $( Some(Kind::$body) => {
                        let cut = || header.cut_in_body();
                        let (fixed, list) = split_body::<$body>(data).ok_or_else(cut)?;
                        let options = MobilityOptions::from_checked(options);
                        let mut body = <$body as Body>::from_wire(fixed, options);
                        body.set_list(|| wire.slice_ref(list));
                        Self::$body(body)
                    } )+
                    None => {
                        let data = wire.slice_ref(data);
                        Self::Unknown(UnknownMessage::from_wire(header.mh_type(), data))
                    }
                })
            }

            /// The message type.
            pub const fn mh_type(&self) -> MhType {
                match self {
                    $( Self::$body(_) => MhType::$mh_type, )+
                    Self::Unknown(message) => message.mh_type(),
                }
            }

            /// The name in UpperCamel: that of the body, with `Proxy` in front where flag P makes a
            /// registration one of Proxy Mobile IPv6; of a message that is kept as it came the
            /// name of its type, `Unknown` where that has none.
            pub const fn name(&self) -> &'static str {
                match self {
                    Self::BindingUpdate(update) if update.is_proxy() => "ProxyBindingUpdate",
                    Self::BindingAcknowledgement(answer) if answer.is_proxy() => {
                        "ProxyBindingAcknowledgement"
                    }
                    $( Self::$body(_) => stringify!($body), )+
                    Self::Unknown(message) => match message.mh_type().name() {
                        Some(name) => name,
                        None => "Unknown",
                    },
                }
            }

            /// The options; `None` for a message that is kept as it came.
            pub const fn options(&self) -> Option<&MobilityOptions> {
                match self {
                    $( Self::$body(message) => Some(&message.options), )+
                    Self::Unknown(_) => None,
                }
            }

            /// Octets of Message Data in front of the options.
            fn body_octets(&self) -> usize {
                match self {
                    $( Self::$body(message) => {
                        <<$body as Body>::Fixed as FixedPart>::LEN
                            .saturating_add(message.list().len())
                    } )+
                    Self::Unknown(message) => message.data().len(),
                }
            }

            /// Writes what stands in front of the options.
            #[inline]
            fn write_body(&self, writer: &mut Writer<'_>) {
                match self {
                    $( Self::$body(message) => {
                        writer.put(message.to_wire().as_octets());
                        writer.put(message.list());
                    } )+
                    Self::Unknown(message) => writer.put(message.data()),
                }
            }
        }

        $(
            impl From<$body> for Message {
                fn from(body: $body) -> Self {
                    Self::$body(body)
                }
            }
        )+
    };
}

messages! {
    /// Type 0 (RFC 6275 section 6.1.2).
    BindingRefreshRequest = BindingRefreshRequest;
    /// Type 1 (RFC 6275 section 6.1.3).
    HomeTestInit = HomeTestInit;
    /// Type 2 (RFC 6275 section 6.1.4).
    CareOfTestInit = CareOfTestInit;
    /// Type 3 (RFC 6275 section 6.1.5).
    HomeTest = HomeTest;
    /// Type 4 (RFC 6275 section 6.1.6).
    CareOfTest = CareOfTest;
    /// Type 5; a Proxy Binding Update when flag P is set (RFC 5213 section 8.1).
    BindingUpdate = BindingUpdate;
    /// Type 6; a Proxy Binding Acknowledgement when flag P is set (RFC 5213 section 8.2).
    BindingAcknowledgement = BindingAcknowledgement;
    /// Type 7 (RFC 6275 section 6.1.9).
    BindingError = BindingError;
    /// Type 8 (RFC 5568 section 6.2.2).
    FastBindingUpdate = FastBindingUpdate;
    /// Type 9 (RFC 5568 section 6.2.3).
    FastBindingAcknowledgement = FastBindingAcknowledgement;
    /// Type 12 (RFC 5142 section 4).
    HomeAgentSwitch = HomeAgentSwitch;
    /// Type 13 (RFC 5847 section 3.3).
    Heartbeat = Heartbeat;
    /// Type 14 (RFC 5568 section 6.2.1.1, RFC 5949 section 6.1.1).
    HandoverInitiate = HandoverInitiate;
    /// Type 15 (RFC 5568 section 6.2.1.2, RFC 5949 section 6.1.2).
    HandoverAcknowledge = HandoverAcknowledge;
    /// Type 16 with B.R. Type 1 (RFC 5846 section 5.1).
    BindingRevocationIndication = BindingRevocation[1];
    /// Type 16 with B.R. Type 2 (RFC 5846 section 5.2).
    BindingRevocationAcknowledgement = BindingRevocation[2];
    /// Type 17 (RFC 6705 section 10.1).
    LocalizedRoutingInitiation = LocalizedRoutingInitiation;
    /// Type 18 (RFC 6705 section 10.2).
    LocalizedRoutingAcknowledgment = LocalizedRoutingAcknowledgment;
    /// Type 19 (RFC 7077 section 4.1); with reason FLOW-MOBILITY the Flow Mobility Initiate of
    /// RFC 7864.
    UpdateNotification = UpdateNotification;
    /// Type 20 (RFC 7077 section 4.2); the Flow Mobility Acknowledgement of RFC 7864.
    UpdateNotificationAcknowledgement = UpdateNotificationAcknowledgement;
    /// Type 21 with Flow Binding Type 1 (RFC 7109 section 6.1.1).
    FlowBindingIndication = FlowBinding[0, 1];
    /// Type 21 with Flow Binding Type 2 (RFC 7109 section 6.1.2).
    FlowBindingAcknowledgement = FlowBinding[0, 2];
    /// Type 22 (RFC 7161 section 4.3.1).
    SubscriptionQuery = SubscriptionQuery;
    /// Type 23 (RFC 7161 section 4.3.2).
    SubscriptionResponse = SubscriptionResponse;
}

/// Draws flags with all bits: reserved ones are kept, too.
macro_rules! draw_all_bits {
    ($($flags:ident),+ $(,)?) => {$(
        #[cfg(feature = "arbitrary")]
        impl<'a> arbitrary::Arbitrary<'a> for $flags {
            fn arbitrary(u: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
                u.arbitrary().map(Self::from_bits_retain)
            }
        }
    )+};
}

draw_all_bits! {
    BindingAckFlags,
    BindingRevocationFlags,
    BindingUpdateFlags,
    FlowBindingFlags,
    HandoverAcknowledgeFlags,
    HandoverInitiateFlags,
    LocalizedRoutingFlags,
    SubscriptionFlags,
    UpdateNotificationFlags,
}

impl From<UnknownMessage> for Message {
    fn from(message: UnknownMessage) -> Self {
        Self::Unknown(message)
    }
}

impl Message {
    /// Decodes the Mobility Header that `wire` starts with. Variable parts share `wire`'s memory.
    ///
    /// Octets behind the Mobility Header are ignored, as IPv6 asks behind "no next header"
    /// (RFC 8200 section 4.7).
    ///
    /// # Errors
    /// [`DecodeError`] where the bytes are no well-formed Mobility Header;
    /// [`DecodeError::answer`] tells what its sender is owed.
    #[inline(always)]
    pub fn decode(wire: &Bytes, context: ChecksumContext) -> Result<Self, DecodeError> {
        Self::decode_over(wire, context.pseudo_header())
    }

    /// [`Message::decode`] with the checksum taken over `pseudo_header`.
    fn decode_over(wire: &Bytes, pseudo_header: PseudoHeader) -> Result<Self, DecodeError> {
        let header = MobilityHeader::parse_over(wire, pseudo_header)?;
        Self::of_header(&header, wire)
    }

    /// The message of `header`, which `wire` starts with.
    #[inline(always)]
    fn of_header(header: &MobilityHeader<'_>, wire: &Bytes) -> Result<Self, DecodeError> {
        let options = match header.options() {
            Some(raw) => MobilityOptions::check(raw, wire)?,
            None => Bytes::new(),
        };
        let message = Self::from_header(header, wire, options)?;
        message.check_len()?;
        Ok(message)
    }

    /// [`Message::decode`], with the header that the message was read from: for whoever looks at
    /// the octets as well, such as [`crate::auth`].
    ///
    /// # Errors
    /// [`DecodeError`] where the bytes are no well-formed Mobility Header.
    pub fn decode_with_header(
        wire: &Bytes,
        context: ChecksumContext,
    ) -> Result<(MobilityHeader<'_>, Self), DecodeError> {
        let header = MobilityHeader::parse(wire, context)?;
        let message = Self::of_header(&header, wire)?;
        Ok((header, message))
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

    /// Decodes what `wire` starts with as far as `leniency` goes, and tells each fault that it
    /// passed over, in the order in which they were found. What [`Message::decode`] accepts gives
    /// the same message and no fault.
    ///
    /// An option whose data does not fit its type comes out as [`MobilityOption::Unknown`], and is
    /// encoded as it came; of options that are cut off nothing comes out.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use pmip_wire::{ChecksumContext, Leniency, Message};
    ///
    /// // A heartbeat whose Restart Counter is cut off by the end of the header.
    /// let wire = Bytes::from_static(&[59, 1, 13, 0, 0, 0, 0, 1, 0, 0, 0, 9, 28, 4, 0, 0]);
    /// let context = ChecksumContext::Udp;
    /// assert!(Message::decode(&wire, context).is_err());
    /// let (message, faults) = Message::decode_lax(&wire, context, Leniency::LAST_OPTION_CUT)?;
    /// assert!(matches!(message, Message::Heartbeat(beat) if beat.sequence == 9));
    /// assert_eq!(faults.tolerances(), Leniency::LAST_OPTION_CUT);
    /// # Ok::<(), pmip_wire::DecodeError>(())
    /// ```
    ///
    /// [`MobilityOption::Unknown`]: crate::MobilityOption::Unknown
    ///
    /// # Errors
    /// The first [`DecodeError`] that `leniency` does not cover, or that leaves no message.
    pub fn decode_lax(
        wire: &Bytes,
        context: ChecksumContext,
        leniency: Leniency,
    ) -> Result<(Self, Faults), DecodeError> {
        let (header, mut faults) = MobilityHeader::parse_lax(wire, context, leniency)?;
        let options = match header.options() {
            Some(raw) => MobilityOptions::check_lax(raw, wire, |tolerance, error| {
                faults.pass_over(leniency, tolerance, error)
            })?,
            None => Bytes::new(),
        };
        let message = Self::from_header(&header, wire, options)?;
        message.check_len()?;
        Ok((message, faults))
    }

    /// Appends the message to `out`: lengths, alignment, padding and the checksum that `context`
    /// asks for are computed. Allocates nothing beyond what `out` itself does.
    ///
    /// # Panics
    /// As [`BufMut`] does, when `out` cannot grow and has less room than
    /// [`Message::encoded_len`].
    #[inline(always)]
    pub fn encode(&self, context: ChecksumContext, out: &mut impl BufMut) {
        let pseudo_header = context.pseudo_header();
        let mut usual = [0; USUAL_LEN];
        let length = self.write(&mut usual, pseudo_header);
        if let Some(message) = usual.get(..length) {
            return out.put_slice(message);
        }
        let mut longest = [0; MAX_MESSAGE_LEN];
        let length = self.write(&mut longest, pseudo_header);
        out.put_slice(longest.get(..length).unwrap_or_default());
    }

    /// [`Message::encode`] to the start of `buffer`, without a detour: the fastest way out. Returns
    /// the length; a few octets behind it may be overwritten with zeros. `None`, with `buffer` in
    /// disorder, where it has less room than [`Message::encoded_len`], which [`MAX_MESSAGE_LEN`]
    /// octets always suffice for.
    #[must_use]
    #[inline(always)]
    pub fn encode_to_slice(&self, context: ChecksumContext, buffer: &mut [u8]) -> Option<usize> {
        let length = self.write(buffer, context.pseudo_header());
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
        let start = HEADER_LEN.saturating_add(self.body_octets());
        let options = self.options();
        let end = options.map_or(start, |options| options.end_from(start));
        end.next_multiple_of(8)
    }

    /// Writes into `buffer` and returns the length, which may exceed the buffer's.
    fn write(&self, buffer: &mut [u8], pseudo_header: PseudoHeader) -> usize {
        let mut writer = Writer::new(buffer);
        self.write_body(&mut writer);
        if let Some(options) = self.options() {
            options.write(&mut writer);
        }
        writer.finish(self.mh_type(), pseudo_header)
    }

    /// Whether a message whose body holds a list still fits once its options are aligned;
    /// [`MobilityOptions`] sees to it for all others.
    #[inline]
    fn check_len(&self) -> Result<(), DecodeError> {
        let Self::HomeAgentSwitch(message) = self else {
            return Ok(());
        };
        if message.fits() {
            return Ok(());
        }
        let start = HEADER_LEN.saturating_add(self.body_octets());
        Err(DecodeError::new(
            DecodeErrorKind::OptionsTooLong,
            Layer::MobilityHeader,
            start.try_into().unwrap_or(u16::MAX),
        ))
    }
}

/// Whether `data` starts with `selector`, as far as it goes.
#[inline]
fn starts_with(data: &[u8], selector: &[u8]) -> bool {
    data.iter().zip(selector).all(|(a, b)| a == b)
}

/// Octets of the list behind the fixed part, as far as `data` tells.
fn list_len<B: Body>(data: &[u8]) -> usize {
    B::Fixed::split(data).map_or(0, |(fixed, _)| B::list_len(fixed))
}

/// The fixed part that `data` starts with, and the list behind it; `None` where they are cut.
#[inline]
fn split_body<B: Body>(data: &[u8]) -> Option<(&B::Fixed, &[u8])> {
    let (fixed, rest) = B::Fixed::split(data)?;
    let list = rest.get(..B::list_len(fixed))?;
    Some((fixed, list))
}
