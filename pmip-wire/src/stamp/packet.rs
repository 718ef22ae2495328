use core::fmt;

use bytes::BufMut;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::{AUTHENTICATED_LEN, ErrorEstimate, Tlvs, UNAUTHENTICATED_LEN};
use crate::error::{DecodeError, DecodeErrorKind, Field, Layer};
use crate::mac::{EmptySecret, hmac_sha256};
use crate::reader::Reader;
use crate::types::ProbeTimestamp;

/// Octets that the HMAC of an authenticated packet covers (RFC 8762 section 4.4).
const COVERED: usize = 96;

/// The key of a session's HMAC, prepared once.
#[derive(Clone)]
pub struct StampKey(Hmac<Sha256>);

impl StampKey {
    /// `key`, of any length but none.
    ///
    /// # Errors
    /// [`EmptySecret`] where `key` has no octets.
    pub fn new(key: &[u8]) -> Result<Self, EmptySecret> {
        hmac_sha256(key).map(Self)
    }

    /// HMAC-SHA-256 over `parts`, cut to 128 bits (RFC 8762 section 4.4).
    pub(super) fn tag(&self, parts: &[&[u8]]) -> [u8; 16] {
        let full: [u8; 32] = self.over(parts).finalize().into_bytes().into();
        full.first_chunk().copied().unwrap_or_default()
    }

    /// Whether `tag` is that of `parts`; compared in constant time.
    pub(super) fn verifies(&self, parts: &[&[u8]], tag: &[u8; 16]) -> bool {
        self.over(parts).verify_truncated_left(tag).is_ok()
    }

    fn over(&self, parts: &[&[u8]]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        parts.iter().for_each(|part| mac.update(part));
        mac
    }
}

impl fmt::Debug for StampKey {
    /// Says nothing about the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StampKey")
    }
}

/// The mode of a session, which both ends are configured with.
#[derive(Clone, Copy, Debug)]
pub enum StampMode<'k> {
    /// Base packets of 44 octets.
    Unauthenticated,
    /// Base packets of 112 octets with an HMAC (RFC 8762 section 4.4).
    Authenticated(&'k StampKey),
}

impl StampMode<'_> {
    /// Octets of a base packet.
    pub const fn base_len(self) -> usize {
        match self {
            Self::Unauthenticated => UNAUTHENTICATED_LEN,
            Self::Authenticated(_) => AUTHENTICATED_LEN,
        }
    }
}

/// A test packet as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StampPacket<'a, P> {
    /// The base packet.
    pub base: P,
    /// What follows the base packet: TLVs, or the padding of a TWAMP packet.
    pub extension: &'a [u8],
}

impl<'a, P> StampPacket<'a, P> {
    /// The extension as TLVs (RFC 8972 section 4).
    pub const fn tlvs(&self) -> Tlvs<'a> {
        Tlvs::new(self.extension)
    }
}

/// What a Session-Sender sends.
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +---------------------------------------------------------------+
/// |                        Sequence Number                        |
/// +---------------------------------------------------------------+
/// |            MBZ (12), in authenticated mode alone              |
/// +---------------------------------------------------------------+
/// |                         Timestamp (8)                         |
/// +-------------------------------+-------------------------------+
/// |        Error Estimate         |             SSID              |
/// +-------------------------------+-------------------------------+
/// |     MBZ (28), or MBZ (68) and HMAC (16) when authenticated    |
/// +---------------------------------------------------------------+
/// ```
/// RFC 8762 section 4.2, RFC 8972 section 3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct SenderPacket {
    /// Sequence Number, from 0 in each session.
    pub sequence: u32,
    /// Timestamp, of the format that the error estimate names.
    pub timestamp: ProbeTimestamp,
    /// Error Estimate.
    pub error_estimate: ErrorEstimate,
    /// STAMP Session Identifier; 0 where it is not used.
    pub ssid: u16,
}

/// What a Session-Reflector sends back.
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +---------------------------------------------------------------+
/// |                        Sequence Number                        |
/// +---------------------------------------------------------------+
/// |                         Timestamp (8)                         |
/// +-------------------------------+-------------------------------+
/// |        Error Estimate         |             SSID              |
/// +-------------------------------+-------------------------------+
/// |                     Receive Timestamp (8)                     |
/// +---------------------------------------------------------------+
/// |                 Session-Sender Sequence Number                |
/// +---------------------------------------------------------------+
/// |                  Session-Sender Timestamp (8)                 |
/// +-------------------------------+-------------------------------+
/// | Session-Sender Error Estimate |              MBZ              |
/// +---------------+---------------+-------------------------------+
/// |Ses-Sender TTL |                      MBZ                      |
/// +---------------+-----------------------------------------------+
/// ```
/// RFC 8762 section 4.3, RFC 8972 section 3; in authenticated mode MBZ fields put the sequence
/// numbers, timestamps and the TTL into blocks of 16 octets, and an HMAC follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct ReflectorPacket {
    /// Sequence Number: the sender's in stateless mode, one of its own in stateful mode.
    pub sequence: u32,
    /// Timestamp: when this packet is sent.
    pub timestamp: ProbeTimestamp,
    /// Error Estimate of both timestamps of the reflector.
    pub error_estimate: ErrorEstimate,
    /// STAMP Session Identifier, copied; 0 from a reflector without RFC 8972.
    pub ssid: u16,
    /// Receive Timestamp: when the sender's packet arrived.
    pub receive_timestamp: ProbeTimestamp,
    /// Session-Sender Sequence Number, copied.
    pub sender_sequence: u32,
    /// Session-Sender Timestamp, copied.
    pub sender_timestamp: ProbeTimestamp,
    /// Session-Sender Error Estimate, copied.
    pub sender_error_estimate: ErrorEstimate,
    /// Session-Sender TTL: TTL or Hop Limit with which the sender's packet arrived.
    pub sender_ttl: u8,
}

impl SenderPacket {
    /// Octets of a TWAMP Light packet without padding (RFC 5357 section 4.1.2).
    pub const TWAMP_LEN: usize = 14;

    /// Reads the packet that fills `octets`; MBZ fields are ignored.
    ///
    /// Without authentication, packets from 14 octets on are accepted, for RFC 8762 section 4.6
    /// asks a reflector to answer those of TWAMP Light; below 44 octets what follows is padding,
    /// and there is no SSID.
    ///
    /// # Errors
    /// [`DecodeError`] where it is cut short or the HMAC is wrong.
    pub fn parse<'a>(
        octets: &'a [u8],
        mode: StampMode<'_>,
    ) -> Result<StampPacket<'a, Self>, DecodeError> {
        let mut reader = Reader::new(octets, 0, Layer::Stamp);
        let sequence = reader.u32(Field::Sequence)?;
        if let StampMode::Authenticated(_) = mode {
            reader.take(12, Field::Reserved)?;
        }
        let timestamp = reader.probe_time(Field::Timestamp)?;
        let error_estimate = ErrorEstimate::from_bits(reader.u16(Field::ErrorEstimate)?);
        let mut ssid = 0;
        match mode {
            StampMode::Unauthenticated if octets.len() < UNAUTHENTICATED_LEN => {
                reader.take(reader.rest().len(), Field::Reserved)?;
            }
            StampMode::Unauthenticated => {
                ssid = reader.u16(Field::SessionId)?;
                reader.take(28, Field::Reserved)?;
            }
            StampMode::Authenticated(key) => {
                ssid = reader.u16(Field::SessionId)?;
                reader.take(68, Field::Reserved)?;
                verify(octets, &mut reader, key)?;
            }
        }
        Ok(StampPacket {
            base: Self {
                sequence,
                timestamp,
                error_estimate,
                ssid,
            },
            extension: reader.rest(),
        })
    }

    /// Appends the base packet, to which TLVs may be appended. Allocates nothing beyond what `out`
    /// itself does.
    ///
    /// # Panics
    /// As [`BufMut`] does, when `out` cannot grow and has less room than
    /// [`StampMode::base_len`].
    pub fn encode(&self, mode: StampMode<'_>, out: &mut impl BufMut) {
        let mut octets = [0; COVERED];
        let mut fields = &mut octets[..];
        fields.put_u32(self.sequence);
        if let StampMode::Authenticated(_) = mode {
            fields.put_bytes(0, 12);
        }
        fields.put_u64(self.timestamp.to_bits());
        fields.put_u16(self.error_estimate.to_bits());
        fields.put_u16(self.ssid);
        finish(&octets, mode, out);
    }
}

impl ReflectorPacket {
    /// The least octets of an answer: those of TWAMP up to the sender's error estimate. RFC 5357
    /// section 4.2.1 has 41, with the TTL.
    pub const LEAST_LEN: usize = 38;

    /// The TTL that says that the reflector could not see it (RFC 5357 section 4.2).
    pub const UNKNOWN_TTL: u8 = 255;

    /// The answer to `sender` in stateless mode (RFC 8762 section 4.3.1), which lacks its
    /// timestamp and error estimate; a stateful reflector sets the sequence number too.
    pub fn reflecting(
        sender: &SenderPacket,
        receive_timestamp: ProbeTimestamp,
        sender_ttl: u8,
    ) -> Self {
        Self {
            sequence: sender.sequence,
            timestamp: ProbeTimestamp::ZERO,
            error_estimate: ErrorEstimate::default(),
            ssid: sender.ssid,
            receive_timestamp,
            sender_sequence: sender.sequence,
            sender_timestamp: sender.timestamp,
            sender_error_estimate: sender.error_estimate,
            sender_ttl,
        }
    }

    /// Reads the packet that fills `octets`; MBZ fields are ignored.
    ///
    /// Without authentication, answers from 38 octets on are accepted, for TWAMP Light reflectors
    /// do not pad to 44; a TTL that is not there is [`ReflectorPacket::UNKNOWN_TTL`].
    ///
    /// # Errors
    /// [`DecodeError`] where it is cut short or the HMAC is wrong.
    pub fn parse<'a>(
        octets: &'a [u8],
        mode: StampMode<'_>,
    ) -> Result<StampPacket<'a, Self>, DecodeError> {
        let mut reader = Reader::new(octets, 0, Layer::Stamp);
        let gap = Gaps::of(mode);
        let sequence = reader.u32(Field::Sequence)?;
        reader.take(gap.behind_sequence, Field::Reserved)?;
        let timestamp = reader.probe_time(Field::Timestamp)?;
        let error_estimate = ErrorEstimate::from_bits(reader.u16(Field::ErrorEstimate)?);
        let ssid = reader.u16(Field::SessionId)?;
        reader.take(gap.behind_ssid, Field::Reserved)?;
        let receive_timestamp = reader.probe_time(Field::ReceiveTimestamp)?;
        reader.take(gap.behind_receive_timestamp, Field::Reserved)?;
        let sender_sequence = reader.u32(Field::SenderSequence)?;
        reader.take(gap.behind_sequence, Field::Reserved)?;
        let sender_timestamp = reader.probe_time(Field::SenderTimestamp)?;
        let sender_estimate = ErrorEstimate::from_bits(reader.u16(Field::SenderErrorEstimate)?);
        let sender_ttl = read_ttl(octets, &mut reader, mode, &gap)?;
        Ok(StampPacket {
            base: Self {
                sequence,
                timestamp,
                error_estimate,
                ssid,
                receive_timestamp,
                sender_sequence,
                sender_timestamp,
                sender_error_estimate: sender_estimate,
                sender_ttl,
            },
            extension: reader.rest(),
        })
    }

    /// Appends the base packet, to which the rest of the sender's packet is appended. Allocates
    /// nothing beyond what `out` itself does.
    ///
    /// # Panics
    /// As [`BufMut`] does, when `out` cannot grow and has less room than
    /// [`StampMode::base_len`].
    pub fn encode(&self, mode: StampMode<'_>, out: &mut impl BufMut) {
        let gap = Gaps::of(mode);
        let mut octets = [0; COVERED];
        let mut fields = &mut octets[..];
        fields.put_u32(self.sequence);
        fields.put_bytes(0, gap.behind_sequence);
        fields.put_u64(self.timestamp.to_bits());
        fields.put_u16(self.error_estimate.to_bits());
        fields.put_u16(self.ssid);
        fields.put_bytes(0, gap.behind_ssid);
        fields.put_u64(self.receive_timestamp.to_bits());
        fields.put_bytes(0, gap.behind_receive_timestamp);
        fields.put_u32(self.sender_sequence);
        fields.put_bytes(0, gap.behind_sequence);
        fields.put_u64(self.sender_timestamp.to_bits());
        fields.put_u16(self.sender_error_estimate.to_bits());
        fields.put_bytes(0, gap.before_ttl);
        fields.put_u8(self.sender_ttl);
        finish(&octets, mode, out);
    }
}

/// Octets of the MBZ fields of a reflector's packet.
struct Gaps {
    behind_sequence: usize,
    behind_ssid: usize,
    behind_receive_timestamp: usize,
    before_ttl: usize,
    behind_ttl: usize,
}

impl Gaps {
    const fn of(mode: StampMode<'_>) -> Self {
        match mode {
            StampMode::Unauthenticated => Self {
                behind_sequence: 0,
                behind_ssid: 0,
                behind_receive_timestamp: 0,
                before_ttl: 2,
                behind_ttl: 3,
            },
            StampMode::Authenticated(_) => Self {
                behind_sequence: 12,
                behind_ssid: 4,
                behind_receive_timestamp: 8,
                before_ttl: 6,
                behind_ttl: 15,
            },
        }
    }
}

/// Reads what follows the sender's error estimate, to the end of the base packet.
fn read_ttl(
    octets: &[u8],
    reader: &mut Reader<'_>,
    mode: StampMode<'_>,
    gap: &Gaps,
) -> Result<u8, DecodeError> {
    let left = reader.rest().len();
    match mode {
        StampMode::Unauthenticated if left <= gap.before_ttl => {
            reader.take(left, Field::Reserved)?;
            Ok(ReflectorPacket::UNKNOWN_TTL)
        }
        StampMode::Unauthenticated => {
            reader.take(gap.before_ttl, Field::Reserved)?;
            let ttl = reader.u8(Field::HopLimit)?;
            reader.take(gap.behind_ttl.min(reader.rest().len()), Field::Reserved)?;
            Ok(ttl)
        }
        StampMode::Authenticated(key) => {
            reader.take(gap.before_ttl, Field::Reserved)?;
            let ttl = reader.u8(Field::HopLimit)?;
            reader.take(gap.behind_ttl, Field::Reserved)?;
            verify(octets, reader, key)?;
            Ok(ttl)
        }
    }
}

/// Reads the HMAC and verifies it.
fn verify(octets: &[u8], reader: &mut Reader<'_>, key: &StampKey) -> Result<(), DecodeError> {
    let at = reader.offset();
    let tag = reader.array(Field::Hmac)?;
    let covered = octets.get(..COVERED).unwrap_or(octets);
    if key.verifies(&[covered], &tag) {
        return Ok(());
    }
    Err(reader.error_at(at, DecodeErrorKind::BadDigest))
}

/// Appends the base packet and its HMAC.
fn finish(octets: &[u8; COVERED], mode: StampMode<'_>, out: &mut impl BufMut) {
    match mode {
        StampMode::Unauthenticated => {
            out.put_slice(octets.get(..UNAUTHENTICATED_LEN).unwrap_or(octets));
        }
        StampMode::Authenticated(key) => {
            out.put_slice(octets);
            out.put_slice(&key.tag(&[octets]));
        }
    }
}
