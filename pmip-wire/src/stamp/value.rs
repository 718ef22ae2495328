use bytes::BufMut;

use super::{
    AccessReturnCode, StampKey, SynchronizationSource, TimestampingMethod, Tlv, TlvFlags, TlvType,
    Tlvs,
};
use crate::error::{DecodeError, DecodeErrorKind, Field};
use crate::types::ProbeTimestamp;

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
}

impl AccessNetwork {
    /// Access ID in the upper four bits.
    const fn bits(self) -> u8 {
        match self {
            Self::ThreeGpp => 0x10,
            Self::NonThreeGpp => 0x20,
        }
    }
}

impl TimestampInformation<'_> {
    const fn fixed(&self) -> [u8; 4] {
        [
            self.synchronization_in.code(),
            self.timestamp_in.code(),
            self.synchronization_out.code(),
            self.timestamp_out.code(),
        ]
    }
}

impl FollowUpTelemetry {
    fn fill(&self, mut fixed: &mut [u8]) {
        fixed.put_u32(self.sequence);
        fixed.put_u64(self.timestamp.to_bits());
        fixed.put_u8(self.method.code());
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
                fixed.put_slice(&information.fixed());
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
                fixed.put_slice(&[report.network.bits(), report.return_code.code()]);
                (4, &[])
            }
            Self::FollowUpTelemetry(follow_up) => {
                follow_up.fill(fixed);
                (16, &[])
            }
            Self::Hmac(tag) => {
                fixed.put_slice(tag);
                (16, &[])
            }
        }
    }
}
