use alloc::vec::Vec;

use bytes::{BufMut, Bytes};

use super::authentication::{self, Hasher};
use super::csld::{HEAD_LEN, UDP_MEASUREMENT_LEN};
use super::{
    Authentication, AuthenticationFailure, Csld, CsldCommand, SlaStatus, UdpMeasurement,
    UnknownCsld,
};
use crate::error::{DecodeError, DecodeErrorKind, Field, Layer};
use crate::mac::EmptySecret;
use crate::reader::{Reader, saturating_u16};
use crate::types::ProbeTimestamp;

/// The most sections behind the Authentication CSLD. RFC 6812 section 3.1.1.2 has one.
pub const MAX_CSLDS: usize = 16;

/// Version of RFC 6812.
const VERSION: u8 = 2;

/// Octets of the Command-Header.
const HEADER_LEN: u32 = 20;

/// What a datagram on the control port holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[non_exhaustive]
#[allow(
    clippy::large_enum_variant,
    reason = "the large one is the one that is there"
)]
pub enum ControlPacket {
    /// Version 2 (RFC 6812).
    Version2(ControlMessage),
    /// Another version, kept as it came.
    Unknown(UnknownControl),
}

/// A Control-Request or Control-Response.
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +---------------+---------------+-------------------------------+
/// |  Version = 2  |   Reserved    |            Status             |
/// +---------------+---------------+-------------------------------+
/// |                        Sequence Number                        |
/// +---------------------------------------------------------------+
/// |                         Total Length                          |
/// +---------------------------------------------------------------+
/// |                      Send Timestamp (8)                       |
/// +---------------------------------------------------------------+
/// |                      Authentication CSLD                      |
/// +---------------------------------------------------------------+
/// |                    Measurement-Type CSLDs                     |
/// +---------------------------------------------------------------+
/// ```
/// RFC 6812 sections 3.1.1 and 3.1.2.
///
/// ```
/// use pmip_wire::sla::{
///     Authentication, AuthenticationMode, ControlHeader, ControlMessage, ControlPacket,
/// };
///
/// let proof = Authentication::new(AuthenticationMode::HmacSha256, 1, [7; 16]);
/// let mut request = ControlMessage::new(ControlHeader::request(1), proof);
/// request.sign(b"secret")?;
/// let mut wire = Vec::new();
/// request.encode(&mut wire);
///
/// let ControlPacket::Version2(read) = ControlPacket::decode_slice(&wire)? else {
///     panic!("version 2");
/// };
/// assert_eq!(read, request);
/// assert!(read.verify(&wire, AuthenticationMode::HmacSha256, b"secret").is_ok());
/// assert!(read.verify(&wire, AuthenticationMode::HmacSha256, b"another").is_err());
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ControlMessage {
    /// The Command-Header.
    pub header: ControlHeader,
    /// The Authentication CSLD, which is always there (RFC 6812 section 4).
    pub authentication: Authentication,
    cslds: Vec<Csld>,
}

/// The Command-Header without its Version and Total Length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct ControlHeader {
    /// Status of the whole message: success only where every section's is; 0 in a request.
    pub status: SlaStatus,
    /// Sequence Number, which maps responses to requests; a retry keeps it.
    pub sequence: u32,
    /// Send Timestamp in NTP format; 0 where it is not used.
    pub send_timestamp: ProbeTimestamp,
}

impl ControlHeader {
    /// Of a request without a timestamp.
    pub const fn request(sequence: u32) -> Self {
        Self {
            status: SlaStatus::Success,
            sequence,
            send_timestamp: ProbeTimestamp::ZERO,
        }
    }
}

/// A control message of another version, kept as it came.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "Bytes", into = "Bytes"))]
pub struct UnknownControl(Bytes);

/// Octets that are empty or of version 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the octets are no control message of another version: empty, or version 2")]
pub struct InvalidControl;

impl UnknownControl {
    /// The message in `octets`, the first of which is its version.
    ///
    /// # Errors
    /// [`InvalidControl`] where they are empty or of version 2.
    pub fn new(octets: Bytes) -> Result<Self, InvalidControl> {
        match octets.first() {
            None | Some(&VERSION) => Err(InvalidControl),
            Some(_) => Ok(Self(octets)),
        }
    }

    /// Its version.
    pub fn version(&self) -> u8 {
        self.0.first().copied().unwrap_or_default()
    }

    /// All octets, the version too.
    pub const fn octets(&self) -> &Bytes {
        &self.0
    }
}

impl TryFrom<Bytes> for UnknownControl {
    type Error = InvalidControl;

    fn try_from(octets: Bytes) -> Result<Self, InvalidControl> {
        Self::new(octets)
    }
}

impl From<UnknownControl> for Bytes {
    fn from(control: UnknownControl) -> Self {
        control.0
    }
}

impl ControlPacket {
    /// Decodes the control message that fills `wire`. Unknown sections share `wire`'s memory.
    ///
    /// Command-Length counts a whole section. Where the lengths only fit if it leaves out the
    /// section's first eight octets, it is read so: RFC 6812 does not say.
    ///
    /// # Errors
    /// [`DecodeError`] where `wire` is cut short, or in version 2:
    /// - Total Length is not the length of `wire`;
    /// - the first section is not the Authentication CSLD, or another one is, too (RFC 6812
    ///   sections 3.1.1.2 and 4);
    /// - Random Number and Digest are left out although the mode is not 0, or set although it is
    ///   (RFC 6812 section 4);
    /// - Command-Length does not fit the command, or Address Type is neither 2 nor 3;
    /// - there are more than [`MAX_CSLDS`] sections behind the Authentication CSLD.
    ///
    /// A responder answers such a request with [`SlaStatus::FormatError`].
    pub fn decode(wire: &Bytes) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(wire, 0, Layer::SlaControl);
        if reader.u8(Field::Version)? != VERSION {
            return Ok(Self::Unknown(UnknownControl(wire.clone())));
        }
        ControlMessage::decode(wire, &mut reader).map(Self::Version2)
    }

    /// [`ControlPacket::decode`] from borrowed octets, which are copied once.
    ///
    /// # Errors
    /// As [`ControlPacket::decode`].
    pub fn decode_slice(wire: &[u8]) -> Result<Self, DecodeError> {
        Self::decode(&Bytes::copy_from_slice(wire))
    }

    /// Appends the packet to `out`.
    ///
    /// # Panics
    /// As [`BufMut`] does, when `out` cannot grow and has too little room.
    pub fn encode(&self, out: &mut impl BufMut) {
        match self {
            Self::Version2(message) => message.encode(out),
            Self::Unknown(unknown) => out.put_slice(&unknown.0),
        }
    }
}

/// No more than [`MAX_CSLDS`] sections stand behind the Authentication CSLD.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no more than {MAX_CSLDS} sections stand behind the Authentication CSLD")]
pub struct CsldsFull;

impl ControlMessage {
    /// A message without a section behind the Authentication CSLD.
    pub const fn new(header: ControlHeader, authentication: Authentication) -> Self {
        Self {
            header,
            authentication,
            cslds: Vec::new(),
        }
    }

    /// Adds a section.
    ///
    /// # Errors
    /// [`CsldsFull`] where there are [`MAX_CSLDS`].
    pub fn push(&mut self, csld: Csld) -> Result<(), CsldsFull> {
        if self.cslds.len() >= MAX_CSLDS {
            return Err(CsldsFull);
        }
        self.cslds.push(csld);
        Ok(())
    }

    /// The sections behind the Authentication CSLD.
    pub fn cslds(&self) -> &[Csld] {
        &self.cslds
    }

    /// The same, to set statuses and ports of a response.
    pub fn cslds_mut(&mut self) -> &mut [Csld] {
        &mut self.cslds
    }

    /// The first UDP-Measurement CSLD.
    pub fn udp_measurement(&self) -> Option<&UdpMeasurement> {
        self.cslds.iter().find_map(|csld| match csld {
            Csld::UdpMeasurement(measurement) => Some(measurement),
            Csld::Unknown(_) => None,
        })
    }

    /// Takes the digest over the message as it is now: SHA-256 over `secret` and the message in
    /// mode 1, HMAC-SHA-256 in mode 2 (RFC 6812 section 4). Other modes have none: all-zero.
    ///
    /// # Errors
    /// [`EmptySecret`] where the mode has a digest and `secret` no octets; the message stays as it
    /// was.
    pub fn sign(&mut self, secret: &[u8]) -> Result<(), EmptySecret> {
        let mut digest = [0; 32];
        if let Some(mut hasher) = Hasher::new(self.authentication.mode(), secret)? {
            self.pieces(&digest, &mut |piece| hasher.update(piece));
            digest = hasher.finish().into_bytes().into();
        }
        self.authentication.set_digest(digest);
        Ok(())
    }

    /// Whether `wire`, from which this message was decoded, is authenticated by mode `wanted` and
    /// with `secret`; the digest is compared in constant time.
    ///
    /// # Errors
    /// [`AuthenticationFailure`]: a responder answers with
    /// [`SlaStatus::AuthenticationFailure`].
    pub fn verify(
        &self,
        wire: &[u8],
        wanted: super::AuthenticationMode,
        secret: &[u8],
    ) -> Result<(), AuthenticationFailure> {
        let found = self.authentication.mode();
        if found != wanted {
            return Err(AuthenticationFailure::Mode { wanted, found });
        }
        authentication::verify(wire, found, secret)
    }

    /// Total Length: octets that [`ControlMessage::encode`] appends.
    pub fn encoded_len(&self) -> usize {
        usize::try_from(self.total_length()).unwrap_or(usize::MAX)
    }

    /// Appends the message to `out`, with the digest that it has. Allocates nothing beyond what
    /// `out` itself does.
    ///
    /// # Panics
    /// As [`BufMut`] does, when `out` cannot grow and has less room than
    /// [`ControlMessage::encoded_len`].
    pub fn encode(&self, out: &mut impl BufMut) {
        let digest = self.authentication.digest().unwrap_or_default();
        self.pieces(&digest, &mut |piece| out.put_slice(piece));
    }

    fn total_length(&self) -> u32 {
        let start = HEADER_LEN.saturating_add(self.authentication.encoded_len());
        let sections = self.cslds.iter().map(Csld::encoded_len);
        sections.fold(start, u32::saturating_add)
    }

    fn pieces(&self, digest: &[u8; 32], emit: &mut impl FnMut(&[u8])) {
        let [s0, s1] = self.header.status.code().to_be_bytes();
        emit(&[VERSION, 0, s0, s1]);
        emit(&self.header.sequence.to_be_bytes());
        emit(&self.total_length().to_be_bytes());
        emit(&self.header.send_timestamp.to_bits().to_be_bytes());
        self.authentication.pieces(digest, emit);
        for csld in &self.cslds {
            csld.pieces(emit);
        }
    }

    /// Reads what follows Version.
    fn decode(wire: &Bytes, reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.u8(Field::Reserved)?;
        let status = SlaStatus::from_code(reader.u16(Field::Status)?);
        let sequence = reader.u32(Field::Sequence)?;
        let length_at = reader.offset();
        let total_length = reader.u32(Field::TotalLength)?;
        let send_timestamp = reader.probe_time(Field::Timestamp)?;
        let total = usize::try_from(total_length).unwrap_or(usize::MAX);
        if total < wire.len() {
            return Err(reader.bad_value(length_at, Field::TotalLength, total_length));
        }
        let whole = total == wire.len();
        let left_out = if whole { left_out(reader.rest()) } else { 0 };
        let header = ControlHeader {
            status,
            sequence,
            send_timestamp,
        };
        let message = Self::decode_cslds(header, wire, reader, left_out)?;
        if !whole {
            let kind = DecodeErrorKind::Truncated {
                field: Field::Csld,
                needed: saturating_u16(total.saturating_sub(wire.len())),
                available: 0,
            };
            return Err(reader.error_at(reader.offset(), kind));
        }
        Ok(message)
    }

    fn decode_cslds(
        header: ControlHeader,
        wire: &Bytes,
        reader: &mut Reader<'_>,
        left_out: u32,
    ) -> Result<Self, DecodeError> {
        let at = reader.offset();
        let head = Head::read(reader, left_out)?;
        if head.command != CsldCommand::Authentication {
            return Err(reader.bad_value(at, Field::Command, head.command.code().into()));
        }
        let authentication = Authentication::decode(head.status, head.length, reader)?;
        let mut message = Self::new(header, authentication);
        while !reader.rest().is_empty() {
            let at = reader.offset();
            let head = Head::read(reader, left_out)?;
            let csld = head.decode(at, wire, reader)?;
            if message.push(csld).is_err() {
                let found = u32::try_from(MAX_CSLDS).unwrap_or(u32::MAX);
                return Err(reader.bad_value(at, Field::CsldCount, found.saturating_add(1)));
            }
        }
        Ok(message)
    }
}

/// What every section starts with; `length` counts the whole section.
struct Head {
    command: CsldCommand,
    status: SlaStatus,
    length: u32,
}

impl Head {
    fn read(reader: &mut Reader<'_>, left_out: u32) -> Result<Self, DecodeError> {
        Ok(Self {
            command: CsldCommand::from_code(reader.u16(Field::Command)?),
            status: SlaStatus::from_code(reader.u16(Field::Status)?),
            length: reader.u32(Field::CommandLength)?.saturating_add(left_out),
        })
    }

    /// Reads the section whose first octet stands at `at`.
    fn decode(self, at: u16, wire: &Bytes, reader: &mut Reader<'_>) -> Result<Csld, DecodeError> {
        match CsldCommand::from_code(self.command.code()) {
            CsldCommand::Authentication => {
                let kind = DecodeErrorKind::Misplaced {
                    field: Field::Authentication,
                };
                Err(reader.error_at(at, kind))
            }
            CsldCommand::UdpMeasurement => {
                UdpMeasurement::decode(self.status, self.length, reader).map(Csld::UdpMeasurement)
            }
            CsldCommand::Unknown(_) => {
                let Some(data_len) = self.length.checked_sub(HEAD_LEN) else {
                    let length_at = at.saturating_add(4);
                    return Err(reader.bad_value(length_at, Field::CommandLength, self.length));
                };
                let data_len = usize::try_from(data_len).unwrap_or(usize::MAX);
                let data = wire.slice_ref(reader.take(data_len, Field::CommandData)?);
                let start = reader.offset();
                UnknownCsld::new(self.command, self.status, data)
                    .map(Csld::Unknown)
                    .ok_or_else(|| reader.bad_value(start, Field::CommandLength, self.length))
            }
        }
    }
}

/// Octets of each section in `cslds` that Command-Length leaves out: none, unless the lengths only
/// fit with the eight of the section's head.
fn left_out(cslds: &[u8]) -> u32 {
    if !lengths_fit(cslds, 0) && lengths_fit(cslds, HEAD_LEN) {
        HEAD_LEN
    } else {
        0
    }
}

/// Whether the sections end where `cslds` do, and known ones have the length of their command.
fn lengths_fit(mut cslds: &[u8], left_out: u32) -> bool {
    while let Some(([c0, c1, _, _, l0, l1, l2, l3], _)) = cslds.split_first_chunk::<8>() {
        let command = CsldCommand::from_code(u16::from_be_bytes([*c0, *c1]));
        let length = u32::from_be_bytes([*l0, *l1, *l2, *l3]).saturating_add(left_out);
        let fits = match command {
            CsldCommand::Authentication => {
                [authentication::SHORT_LEN, authentication::LONG_LEN].contains(&length)
            }
            CsldCommand::UdpMeasurement => length == UDP_MEASUREMENT_LEN,
            CsldCommand::Unknown(_) => length >= HEAD_LEN,
        };
        let rest = usize::try_from(length)
            .ok()
            .and_then(|end| cslds.get(end..));
        let (true, Some(rest)) = (fits, rest) else {
            return false;
        };
        cslds = rest;
    }
    cslds.is_empty()
}

#[cfg(feature = "arbitrary")]
impl<'a> arbitrary::Arbitrary<'a> for ControlMessage {
    fn arbitrary(u: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
        let mut message = Self::new(u.arbitrary()?, u.arbitrary()?);
        for _ in 0..u.int_in_range(0..=3)? {
            message
                .push(u.arbitrary()?)
                .map_err(|_| arbitrary::Error::IncorrectFormat)?;
        }
        message
            .sign(&u.arbitrary::<[u8; 8]>()?)
            .map_err(|_| arbitrary::Error::IncorrectFormat)?;
        Ok(message)
    }
}

#[cfg(feature = "arbitrary")]
impl<'a> arbitrary::Arbitrary<'a> for UnknownControl {
    fn arbitrary(u: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
        let octets = Vec::<u8>::arbitrary(u)?;
        Self::new(octets.into()).map_err(|_| arbitrary::Error::IncorrectFormat)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for ControlMessage {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        struct Fields {
            header: ControlHeader,
            authentication: Authentication,
            cslds: Vec<Csld>,
        }
        let fields = Fields::deserialize(deserializer)?;
        let mut message = Self::new(fields.header, fields.authentication);
        for csld in fields.cslds {
            message.push(csld).map_err(serde::de::Error::custom)?;
        }
        Ok(message)
    }
}
