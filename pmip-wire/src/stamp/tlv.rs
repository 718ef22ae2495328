use bytes::BufMut;

use super::{AccessReturnCode, StampKey, SynchronizationSource, TimestampingMethod, TlvType};
use crate::error::{DecodeError, DecodeErrorKind, ExpectedLength, Field, Layer};
use crate::reader::{Reader, saturating_u16};
use crate::types::ProbeTimestamp;

bitflags::bitflags! {
    /// STAMP TLV Flags. Reserved bits that were received are kept.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
    #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
    #[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
    pub struct TlvFlags: u8 {
        /// U: the sender sets it, a reflector that understands the TLV clears it.
        const UNRECOGNIZED = 0x80;
        /// M: the reflector found the TLV malformed.
        const MALFORMED = 0x40;
        /// I: the reflector found the HMAC of the TLVs wrong.
        const INTEGRITY = 0x20;
    }
}

/// Iterates over TLVs, or over those inside another one, without copying or allocating; ends after
/// the first error.
#[derive(Clone, Copy, Debug)]
pub struct Tlvs<'a> {
    reader: Reader<'a>,
    ended: bool,
}

/// One TLV as it stands on the wire.
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +---------------+---------------+-------------------------------+
/// |STAMP TLV Flags|     Type      |            Length             |
/// +---------------+---------------+-------------------------------+
/// |                           Value ...                           |
/// +---------------------------------------------------------------+
/// ```
/// RFC 8972 section 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tlv<'a> {
    /// Flags.
    pub flags: TlvFlags,
    /// Type; a [`super::SubTlvType`] inside a Location TLV.
    pub tlv_type: u8,
    /// Value.
    pub value: &'a [u8],
    /// Octets from the start of the TLVs to this one.
    pub offset: u16,
}

/// The value of a TLV, typed.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum TlvValue<'a> {
    /// Type 1: padding (RFC 8972 section 4.1).
    ExtraPadding(&'a [u8]),
    /// Type 2 (RFC 8972 section 4.2).
    Location(Location<'a>),
    /// Type 3 (RFC 8972 section 4.3).
    TimestampInformation(TimestampInformation<'a>),
    /// Type 4 (RFC 8972 section 4.4).
    ClassOfService(ClassOfService),
    /// Type 5 (RFC 8972 section 4.5).
    DirectMeasurement(DirectMeasurement),
    /// Type 6 (RFC 8972 section 4.6).
    AccessReport(AccessReport),
    /// Type 7 (RFC 8972 section 4.7).
    FollowUpTelemetry(FollowUpTelemetry),
    /// Type 8 (RFC 8972 section 4.8); [`Tlvs::integrity`] verifies it.
    Hmac([u8; 16]),
    /// Another type, kept as it came.
    Unknown(TlvType, &'a [u8]),
}

/// Where the reflector saw the packet come from.
#[derive(Clone, Copy, Debug)]
pub struct Location<'a> {
    /// Destination Port of the packet that was received.
    pub destination_port: u16,
    /// Source Port of the packet that was received.
    pub source_port: u16,
    /// Addresses: each a [`super::LocationSubTlv`].
    pub sub_tlvs: Tlvs<'a>,
}

/// How the reflector's clock and timestamps come about.
#[derive(Clone, Copy, Debug)]
pub struct TimestampInformation<'a> {
    /// Sync Src In.
    pub synchronization_in: SynchronizationSource,
    /// Timestamp In.
    pub timestamp_in: TimestampingMethod,
    /// Sync Src Out.
    pub synchronization_out: SynchronizationSource,
    /// Timestamp Out.
    pub timestamp_out: TimestampingMethod,
    /// Optional sub-TLVs.
    pub sub_tlvs: Tlvs<'a>,
}

/// DSCP and ECN there and back.
///
/// ```text
/// +-----------+-----------+---+---+-------------------------------+
/// |   DSCP1   |   DSCP2   |ECN| RP|           Reserved            |
/// +-----------+-----------+---+---+-------------------------------+
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct ClassOfService(u16);

/// Counters of in-profile packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct DirectMeasurement {
    /// Session-Sender Tx counter.
    pub sender_tx: u32,
    /// Session-Reflector Rx counter.
    pub reflector_rx: u32,
    /// Session-Reflector Tx counter.
    pub reflector_tx: u32,
}

/// Which access network an [`AccessReport`] is about; other numbers are invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub enum AccessNetwork {
    /// 1: 3GPP.
    ThreeGpp,
    /// 2: not 3GPP.
    NonThreeGpp,
}

/// A change of an access network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct AccessReport {
    /// Access ID.
    pub network: AccessNetwork,
    /// Return Code.
    pub return_code: AccessReturnCode,
}

/// A better timestamp of an earlier packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct FollowUpTelemetry {
    /// Sequence Number of the packet that was last reflected.
    pub sequence: u32,
    /// Follow-Up Timestamp: when that packet was sent.
    pub timestamp: ProbeTimestamp,
    /// Timestamp M(ode).
    pub method: TimestampingMethod,
}

/// Whether TLVs are protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlvIntegrity {
    /// There is no HMAC TLV. In authenticated mode that is right only where nothing but one Extra
    /// Padding TLV is there.
    Absent,
    /// The HMAC is right.
    Verified,
}

impl ClassOfService {
    /// `dscp1` to be used by the reflector, `dscp2` and `ecn` as it received them, and `rp`;
    /// `None` where one exceeds its 6, 6, 2 and 2 bits.
    pub const fn new(dscp1: u8, dscp2: u8, ecn: u8, rp: u8) -> Option<Self> {
        if dscp1 > 0x3f || dscp2 > 0x3f || ecn > 3 || rp > 3 {
            return None;
        }
        let dscps = (dscp1 as u16) << 10 | (dscp2 as u16) << 4;
        Some(Self(dscps | (ecn as u16) << 2 | rp as u16))
    }

    /// DSCP1: what the sender wants the reflector to use.
    pub const fn dscp1(self) -> u8 {
        self.bits(10, 0x3f)
    }

    /// DSCP2: what the reflector received.
    pub const fn dscp2(self) -> u8 {
        self.bits(4, 0x3f)
    }

    /// ECN: what the reflector received.
    pub const fn ecn(self) -> u8 {
        self.bits(2, 3)
    }

    /// RP: 1 where the reflector did not use DSCP1.
    pub const fn reverse_path(self) -> u8 {
        self.bits(0, 3)
    }

    const fn bits(self, shift: u32, mask: u8) -> u8 {
        let [_, low] = self.0.wrapping_shr(shift).to_be_bytes();
        low & mask
    }
}

impl<'a> Tlvs<'a> {
    /// The TLVs in `octets`; offsets count from their start.
    pub const fn new(octets: &'a [u8]) -> Self {
        Self {
            reader: Reader::new(octets, 0, Layer::Stamp),
            ended: false,
        }
    }

    /// What has not been walked over.
    pub const fn as_slice(&self) -> &'a [u8] {
        self.reader.rest()
    }

    /// Verifies the HMAC TLV of these TLVs, behind a base packet of Sequence Number `sequence`,
    /// in constant time (RFC 8972 section 4.8).
    ///
    /// # Errors
    /// [`DecodeError`] where the HMAC is wrong, where another TLV than Extra Padding follows it,
    /// or where a TLV is malformed.
    pub fn integrity(mut self, sequence: u32, key: &StampKey) -> Result<TlvIntegrity, DecodeError> {
        let octets = self.as_slice();
        let start = self.reader.offset();
        while let Some(tlv) = self.next() {
            let tlv = tlv?;
            if TlvType::from_code(tlv.tlv_type) != TlvType::Hmac {
                continue;
            }
            let tag: [u8; 16] = tlv.exactly()?;
            let behind = usize::from(tlv.offset.saturating_sub(start));
            let preceding = octets.get(..behind).unwrap_or(octets);
            if !key.verifies(&[&sequence.to_be_bytes(), preceding], &tag) {
                let at = tlv.offset.saturating_add(4);
                return Err(DecodeError::new(
                    DecodeErrorKind::BadDigest,
                    Layer::Stamp,
                    at,
                ));
            }
            return self.only_padding().map(|()| TlvIntegrity::Verified);
        }
        Ok(TlvIntegrity::Absent)
    }

    fn only_padding(self) -> Result<(), DecodeError> {
        for tlv in self {
            let tlv = tlv?;
            if TlvType::from_code(tlv.tlv_type) != TlvType::ExtraPadding {
                let kind = DecodeErrorKind::Misplaced { field: Field::Type };
                return Err(DecodeError::new(kind, Layer::Stamp, tlv.offset));
            }
        }
        Ok(())
    }

    fn read(&mut self) -> Result<Tlv<'a>, DecodeError> {
        let offset = self.reader.offset();
        let flags = TlvFlags::from_bits_retain(self.reader.u8(Field::Flags)?);
        let tlv_type = self.reader.u8(Field::Type)?;
        let length = self.reader.u16(Field::Length)?;
        Ok(Tlv {
            flags,
            tlv_type,
            value: self.reader.take(length.into(), Field::Value)?,
            offset,
        })
    }
}

impl<'a> Iterator for Tlvs<'a> {
    type Item = Result<Tlv<'a>, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended || self.as_slice().is_empty() {
            return None;
        }
        let tlv = self.read();
        self.ended = tlv.is_err();
        Some(tlv)
    }
}

impl core::iter::FusedIterator for Tlvs<'_> {}

impl<'a> Tlv<'a> {
    /// The value, typed; reserved fields are ignored.
    ///
    /// # Errors
    /// [`DecodeError`] where Length does not fit the type: a reflector sets
    /// [`TlvFlags::MALFORMED`]. Also where Access ID is neither 1 nor 2: such a TLV is discarded
    /// (RFC 8972 section 4.6).
    pub fn decode(&self) -> Result<TlvValue<'a>, DecodeError> {
        Ok(match TlvType::from_code(self.tlv_type) {
            TlvType::ExtraPadding => TlvValue::ExtraPadding(self.value),
            TlvType::Location => TlvValue::Location(self.location()?),
            TlvType::TimestampInformation => {
                TlvValue::TimestampInformation(self.timestamp_information()?)
            }
            TlvType::ClassOfService => {
                let [high, low, _, _] = self.exactly()?;
                TlvValue::ClassOfService(ClassOfService(u16::from_be_bytes([high, low])))
            }
            TlvType::DirectMeasurement => TlvValue::DirectMeasurement(self.direct_measurement()?),
            TlvType::AccessReport => TlvValue::AccessReport(self.access_report()?),
            TlvType::FollowUpTelemetry => TlvValue::FollowUpTelemetry(self.follow_up()?),
            TlvType::Hmac => TlvValue::Hmac(self.exactly()?),
            unknown @ TlvType::Unknown(_) => TlvValue::Unknown(unknown, self.value),
        })
    }

    /// Appends a TLV with `value`. `None`, and nothing is appended, where Length cannot hold that.
    ///
    /// # Panics
    /// As [`BufMut`] does, when `out` cannot grow and has too little room.
    #[must_use = "`None` says that nothing was appended"]
    pub fn encode(
        flags: TlvFlags,
        tlv_type: u8,
        value: &[u8],
        out: &mut impl BufMut,
    ) -> Option<()> {
        let length = u16::try_from(value.len()).ok()?;
        out.put_slice(&[flags.bits(), tlv_type]);
        out.put_u16(length);
        out.put_slice(value);
        Some(())
    }

    fn location(&self) -> Result<Location<'a>, DecodeError> {
        let ([d0, d1, s0, s1], sub_tlvs) = self.at_least()?;
        Ok(Location {
            destination_port: u16::from_be_bytes([d0, d1]),
            source_port: u16::from_be_bytes([s0, s1]),
            sub_tlvs,
        })
    }

    fn timestamp_information(&self) -> Result<TimestampInformation<'a>, DecodeError> {
        let ([sync_in, in_by, sync_out, out_by], sub_tlvs) = self.at_least()?;
        Ok(TimestampInformation {
            synchronization_in: SynchronizationSource::from_code(sync_in),
            timestamp_in: TimestampingMethod::from_code(in_by),
            synchronization_out: SynchronizationSource::from_code(sync_out),
            timestamp_out: TimestampingMethod::from_code(out_by),
            sub_tlvs,
        })
    }

    fn direct_measurement(&self) -> Result<DirectMeasurement, DecodeError> {
        let [a, b, c, d, e, f, g, h, i, j, k, l] = self.exactly()?;
        Ok(DirectMeasurement {
            sender_tx: u32::from_be_bytes([a, b, c, d]),
            reflector_rx: u32::from_be_bytes([e, f, g, h]),
            reflector_tx: u32::from_be_bytes([i, j, k, l]),
        })
    }

    fn access_report(&self) -> Result<AccessReport, DecodeError> {
        let [id, return_code, _, _] = self.exactly()?;
        let network = match id >> 4 {
            1 => AccessNetwork::ThreeGpp,
            2 => AccessNetwork::NonThreeGpp,
            other => {
                let kind = DecodeErrorKind::BadValue {
                    field: Field::AccessId,
                    found: other.into(),
                };
                return Err(self.error(self.offset.saturating_add(4), kind));
            }
        };
        Ok(AccessReport {
            network,
            return_code: AccessReturnCode::from_code(return_code),
        })
    }

    fn follow_up(&self) -> Result<FollowUpTelemetry, DecodeError> {
        let [s0, s1, s2, s3, a, b, c, d, e, f, g, h, method, _, _, _] = self.exactly()?;
        let timestamp = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
        Ok(FollowUpTelemetry {
            sequence: u32::from_be_bytes([s0, s1, s2, s3]),
            timestamp: ProbeTimestamp::from_bits(timestamp),
            method: TimestampingMethod::from_code(method),
        })
    }

    /// The value as exactly `N` octets.
    pub(super) fn exactly<const N: usize>(&self) -> Result<[u8; N], DecodeError> {
        let expected = ExpectedLength::Exactly(N.try_into().unwrap_or(u8::MAX));
        self.value.try_into().map_err(|_| self.bad_length(expected))
    }

    /// The first four octets of the value and the sub-TLVs behind them.
    fn at_least(&self) -> Result<([u8; 4], Tlvs<'a>), DecodeError> {
        let (fixed, rest) = self
            .value
            .split_first_chunk()
            .ok_or_else(|| self.bad_length(ExpectedLength::AtLeast(4)))?;
        let sub_tlvs = Tlvs {
            reader: Reader::new(rest, self.offset.saturating_add(8), Layer::Stamp),
            ended: false,
        };
        Ok((*fixed, sub_tlvs))
    }

    #[cold]
    fn bad_length(&self, expected: ExpectedLength) -> DecodeError {
        let found = saturating_u16(self.value.len());
        let kind = DecodeErrorKind::BadOptionLength { expected, found };
        self.error(self.offset.saturating_add(2), kind)
    }

    const fn error(&self, at: u16, kind: DecodeErrorKind) -> DecodeError {
        DecodeError::new(kind, Layer::Stamp, at)
    }
}

impl TlvValue<'_> {
    /// Its type.
    pub const fn tlv_type(&self) -> TlvType {
        match self {
            Self::ExtraPadding(_) => TlvType::ExtraPadding,
            Self::Location(_) => TlvType::Location,
            Self::TimestampInformation(_) => TlvType::TimestampInformation,
            Self::ClassOfService(_) => TlvType::ClassOfService,
            Self::DirectMeasurement(_) => TlvType::DirectMeasurement,
            Self::AccessReport(_) => TlvType::AccessReport,
            Self::FollowUpTelemetry(_) => TlvType::FollowUpTelemetry,
            Self::Hmac(_) => TlvType::Hmac,
            Self::Unknown(tlv_type, _) => *tlv_type,
        }
    }

    /// The HMAC TLV over `preceding`, all TLVs before it, behind a base packet of Sequence Number
    /// `sequence` (RFC 8972 section 4.8).
    pub fn hmac(sequence: u32, preceding: &[u8], key: &StampKey) -> Self {
        Self::Hmac(key.tag(&[&sequence.to_be_bytes(), preceding]))
    }

    /// Appends the TLV; sub-TLVs go along as they are. `None`, and nothing is appended, where
    /// Length cannot hold the value.
    ///
    /// # Panics
    /// As [`BufMut`] does, when `out` cannot grow and has too little room.
    #[must_use = "`None` says that nothing was appended"]
    pub fn encode(&self, flags: TlvFlags, out: &mut impl BufMut) -> Option<()> {
        let mut fixed = [0; 16];
        let (fixed_len, rest) = self.fill(&mut fixed);
        let length = u16::try_from(rest.len().checked_add(fixed_len)?).ok()?;
        out.put_slice(&[flags.bits(), self.tlv_type().code()]);
        out.put_u16(length);
        out.put_slice(fixed.get(..fixed_len).unwrap_or_default());
        out.put_slice(rest);
        Some(())
    }

    /// Writes what is fixed of the value to `fixed`, which is zeroed; how long that is, and what
    /// follows it.
    fn fill(&self, mut fixed: &mut [u8]) -> (usize, &[u8]) {
        match self {
            Self::ExtraPadding(octets) | Self::Unknown(_, octets) => (0, octets),
            Self::Location(location) => {
                fixed.put_u16(location.destination_port);
                fixed.put_u16(location.source_port);
                (4, location.sub_tlvs.as_slice())
            }
            Self::TimestampInformation(information) => {
                fixed.put_u8(information.synchronization_in.code());
                fixed.put_u8(information.timestamp_in.code());
                fixed.put_u8(information.synchronization_out.code());
                fixed.put_u8(information.timestamp_out.code());
                (4, information.sub_tlvs.as_slice())
            }
            Self::ClassOfService(class) => {
                fixed.put_u16(class.0);
                (4, &[])
            }
            Self::DirectMeasurement(counters) => {
                fixed.put_u32(counters.sender_tx);
                fixed.put_u32(counters.reflector_rx);
                fixed.put_u32(counters.reflector_tx);
                (12, &[])
            }
            Self::AccessReport(report) => {
                fixed.put_u8(match report.network {
                    AccessNetwork::ThreeGpp => 0x10,
                    AccessNetwork::NonThreeGpp => 0x20,
                });
                fixed.put_u8(report.return_code.code());
                (4, &[])
            }
            Self::FollowUpTelemetry(follow_up) => {
                fixed.put_u32(follow_up.sequence);
                fixed.put_u64(follow_up.timestamp.to_bits());
                fixed.put_u8(follow_up.method.code());
                (16, &[])
            }
            Self::Hmac(tag) => {
                fixed.put_slice(tag);
                (16, &[])
            }
        }
    }
}
