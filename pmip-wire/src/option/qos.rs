//! Quality of service (RFC 7222).

use alloc::vec::Vec;

use bytes::Bytes;

use super::layout::variable_layout;
use super::sub::{RawSubOption, SubOptionError, SubOptions, sub_options};
use super::{Alignment, RawOption};
use crate::bounded::BoundedU8;
use crate::code::{Preemption, QosAttributeType, QosOperation, TrafficSelectorFormat};
use crate::error::{DecodeError, Field};
use crate::traffic_selector::{Dscp, TrafficSelector};

/// Asks for quality of service, or answers.
///
/// ```text
/// +---------------+---------------+---------------+-----------+---+
/// |   Type = 58   |    Length     |     SR-ID     |   DSCP    |Res|
/// +---------------+---------------+---------------+-----------+---+
/// |      OC       |                   Reserved                    |
/// +---------------+-----------------------------------------------+
/// |                     QoS attributes ...                        |
/// +---------------------------------------------------------------+
/// ```
/// RFC 7222 section 4.1. Alignment 4n. The RFC knows no padding between attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(bound(
        serialize = "B: AsRef<[u8]>",
        deserialize = "B: serde::Deserialize<'de>"
    ))
)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(
    feature = "arbitrary",
    arbitrary(bound = "B: From<alloc::vec::Vec<u8>>")
)]
pub struct QualityOfService<B = Bytes> {
    service_request: u8,
    dscp: Dscp,
    operation: QosOperation,
    attributes: SubOptions<QosSpace, B>,
}

/// A bit rate for all flows of a mobility session.
///
/// ```text
/// +---------------+---------------+-+-+---------------------------+
/// |     Type      |  Length = 6   |S|E|         Reserved          |
/// +---------------+---------------+-+-+---------------------------+
/// |                          bit rate                             |
/// +---------------------------------------------------------------+
/// ```
/// RFC 7222 sections 4.2.3 and 4.2.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct SessionBitRate {
    /// S: counts the node's other sessions with the same service identifier too.
    pub service: bool,
    /// E: leaves out flows with a guaranteed bit rate.
    pub exclude: bool,
    /// Bits per second.
    pub bit_rate: u32,
}

/// Who gets resources first, and who may take them from whom.
///
/// ```text
/// +---------------+---------------+---------------+-------+---+---+
/// |   Type = 5    |  Length = 2   |   Reserved    |  PL   |PC |PV |
/// +---------------+---------------+---------------+-------+---+---+
/// ```
/// RFC 7222 section 4.2.5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AllocationRetentionPriority {
    priority_level: BoundedU8<15>,
    preemption_capability: BoundedU8<3>,
    preemption_vulnerability: BoundedU8<3>,
}

/// What a vendor adds.
///
/// ```text
/// +---------------+---------------+-------------------------------+
/// |   Type = 11   |    Length     |           Reserved            |
/// +---------------+---------------+-------------------------------+
/// |                           Vendor ID                           |
/// +---------------+-----------------------------------------------+
/// |   Sub-Type    |                      ...                      |
/// +---------------+-----------------------------------------------+
/// ```
/// RFC 7222 section 4.2.11.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(
    feature = "arbitrary",
    arbitrary(bound = "B: From<alloc::vec::Vec<u8>>")
)]
pub struct QosVendorSpecific<B = Bytes> {
    /// The vendor's private enterprise number.
    pub vendor_id: u32,
    /// The vendor's own number for this kind of data.
    pub sub_type: u8,
    /// The data.
    #[cfg_attr(feature = "arbitrary", arbitrary(with = crate::option::draw_octets))]
    pub data: B,
}

sub_options! {
    /// One attribute of a [`QualityOfService`]. Bit rates are bits per second, behind two reserved
    /// octets.
    QosAttribute: QosAttributeType,
    single [
        PerMnAggMaxDlBitRate, PerMnAggMaxUlBitRate, PerSessionAggMaxDlBitRate,
        PerSessionAggMaxUlBitRate, AllocationRetentionPriority, AggregateMaxDlBitRate,
        AggregateMaxUlBitRate, GuaranteedDlBitRate, GuaranteedUlBitRate
    ],
    padded false,
    align |_, _| Alignment::NONE,
    {
        /// Type 1: the most the node receives (RFC 7222 section 4.2.1).
        PerMnAggMaxDlBitRate(u32): read_bit_rate, write_bit_rate;
        /// Type 2: the most the node sends (RFC 7222 section 4.2.2).
        PerMnAggMaxUlBitRate(u32): read_bit_rate, write_bit_rate;
        /// Type 3: the most the session receives (RFC 7222 section 4.2.3).
        PerSessionAggMaxDlBitRate(SessionBitRate): SessionBitRate::read, SessionBitRate::write;
        /// Type 4: the most the session sends (RFC 7222 section 4.2.4).
        PerSessionAggMaxUlBitRate(SessionBitRate): SessionBitRate::read, SessionBitRate::write;
        /// Type 5: priority (RFC 7222 section 4.2.5).
        AllocationRetentionPriority(AllocationRetentionPriority):
            AllocationRetentionPriority::read, AllocationRetentionPriority::write;
        /// Type 6: the most the flows receive (RFC 7222 section 4.2.6).
        AggregateMaxDlBitRate(u32): read_bit_rate, write_bit_rate;
        /// Type 7: the most the flows send (RFC 7222 section 4.2.7).
        AggregateMaxUlBitRate(u32): read_bit_rate, write_bit_rate;
        /// Type 8: what the flows surely receive (RFC 7222 section 4.2.8).
        GuaranteedDlBitRate(u32): read_bit_rate, write_bit_rate;
        /// Type 9: what the flows surely send (RFC 7222 section 4.2.9).
        GuaranteedUlBitRate(u32): read_bit_rate, write_bit_rate;
        /// Type 10: which flows (RFC 7222 section 4.2.10): a reserved octet, TS Format and the
        /// selector; RFC 6089 has the first two the other way round.
        QosTrafficSelector(TrafficSelector<B>): read_selector, write_selector;
        /// Type 11: what a vendor adds (RFC 7222 section 4.2.11).
        QosVendorSpecific(QosVendorSpecific<B>): QosVendorSpecific::read, QosVendorSpecific::write;
    }

    /// The attributes of [`QualityOfService`].
    QosSpace: QualityOfService from 8;
}

impl QualityOfService {
    /// The service request of this number, 0 where the anchor is to choose one, for flows marked
    /// `dscp`, without attributes.
    pub const fn new(service_request: u8, dscp: Dscp, operation: QosOperation) -> Self {
        Self {
            service_request,
            dscp,
            operation,
            attributes: SubOptions::new(),
        }
    }

    /// The same with `attribute` behind the others.
    ///
    /// # Errors
    /// As [`SubOptions::push`].
    pub fn with(mut self, attribute: QosAttribute) -> Result<Self, SubOptionError> {
        self.attributes.push(attribute)?;
        Ok(self)
    }
}

impl<B> QualityOfService<B> {
    /// SR-ID: which service request of the session it is about.
    pub const fn service_request(&self) -> u8 {
        self.service_request
    }

    /// How the flows are marked.
    pub const fn dscp(&self) -> Dscp {
        self.dscp
    }

    /// What it asks for. Receivers ignore the option where it has no name (RFC 7222 section 4.1).
    pub const fn operation(&self) -> QosOperation {
        self.operation
    }

    /// Its attributes.
    pub const fn attributes(&self) -> &SubOptions<QosSpace, B> {
        &self.attributes
    }

    const fn head(&self) -> [u8; 6] {
        let traffic_class = self.dscp.to_ds_field();
        [
            self.service_request,
            traffic_class,
            self.operation.code(),
            0,
            0,
            0,
        ]
    }
}

impl<B: AsRef<[u8]>> QualityOfService<B> {
    #[inline]
    fn from_raw<'a>(
        raw: RawOption<'a>,
        own: impl FnOnce(&'a [u8]) -> B,
    ) -> Result<Self, DecodeError> {
        let (&[service_request, traffic_class, operation, _, _, _], rest) = raw.at_least()?;
        let operation = QosOperation::from_code(operation);
        // The option is ignored then, so nothing in it costs the message (RFC 7222 section 4.1).
        let attributes = if operation.name().is_none() {
            SubOptions::from_octets(own(rest))
        } else {
            SubOptions::from_raw(raw, rest, own)?
        };
        Ok(Self {
            service_request,
            dscp: Dscp::from_ds_field(traffic_class),
            operation,
            attributes,
        })
    }

    fn tail(&self) -> &[u8] {
        self.attributes.octets()
    }

    fn to_bytes(&self) -> QualityOfService {
        QualityOfService {
            service_request: self.service_request,
            dscp: self.dscp,
            operation: self.operation,
            attributes: self.attributes.to_bytes(),
        }
    }
}

variable_layout!(QualityOfService);

impl SessionBitRate {
    const SERVICE: u8 = 0x80;
    const EXCLUDE: u8 = 0x40;

    fn read(raw: RawSubOption<'_>) -> Result<Self, DecodeError> {
        let [flags, _reserved, bit_rate @ ..] = *raw.exactly::<6>()?;
        Ok(Self {
            service: flags & Self::SERVICE != 0,
            exclude: flags & Self::EXCLUDE != 0,
            bit_rate: u32::from_be_bytes(bit_rate),
        })
    }

    fn write(&self, out: &mut Vec<u8>) {
        let service = if self.service { Self::SERVICE } else { 0 };
        let exclude = if self.exclude { Self::EXCLUDE } else { 0 };
        out.extend_from_slice(&[service | exclude, 0]);
        out.extend_from_slice(&self.bit_rate.to_be_bytes());
    }
}

impl AllocationRetentionPriority {
    /// Priority `level`, 1 (highest) to 15; whether it takes resources of lower levels, and whether
    /// it loses its own to higher ones. `None` for other levels, and for numbers of [`Preemption`]
    /// that two bits do not hold.
    pub const fn new(level: u8, capability: Preemption, vulnerability: Preemption) -> Option<Self> {
        match (
            BoundedU8::new(level),
            BoundedU8::new(capability.code()),
            BoundedU8::new(vulnerability.code()),
        ) {
            (Some(priority_level), Some(capability), Some(vulnerability)) if level != 0 => {
                Some(Self {
                    priority_level,
                    preemption_capability: capability,
                    preemption_vulnerability: vulnerability,
                })
            }
            _ => None,
        }
    }

    /// PL: 1 to 15, 1 is the highest.
    pub const fn priority_level(self) -> u8 {
        self.priority_level.number()
    }

    /// PC: whether it takes resources of flows with a lower level.
    pub const fn preemption_capability(self) -> Preemption {
        Preemption::from_code(self.preemption_capability.number())
    }

    /// PV: whether it loses resources to flows with a higher level.
    pub const fn preemption_vulnerability(self) -> Preemption {
        Preemption::from_code(self.preemption_vulnerability.number())
    }

    fn read(raw: RawSubOption<'_>) -> Result<Self, DecodeError> {
        let [_reserved, octet] = *raw.exactly()?;
        let capability = Preemption::from_code(octet >> 2 & 3);
        Self::new(octet >> 4, capability, Preemption::from_code(octet & 3))
            .ok_or_else(|| raw.bad_value(Field::PriorityLevel, 0))
    }

    fn write(&self, out: &mut Vec<u8>) {
        let level = self.priority_level.number() << 4;
        let capability = self.preemption_capability.number() << 2;
        out.extend_from_slice(&[
            0,
            level | capability | self.preemption_vulnerability.number(),
        ]);
    }
}

impl From<AllocationRetentionPriority> for QosAttribute {
    fn from(priority: AllocationRetentionPriority) -> Self {
        Self::AllocationRetentionPriority(priority)
    }
}

impl<B: AsRef<[u8]>> QosVendorSpecific<B> {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(&self.vendor_id.to_be_bytes());
        out.push(self.sub_type);
        out.extend_from_slice(self.data.as_ref());
    }
}

impl<'a> QosVendorSpecific<&'a [u8]> {
    fn read(raw: RawSubOption<'a>) -> Result<Self, DecodeError> {
        let (&[_, _, a, b, c, d, sub_type], data) = raw.at_least()?;
        Ok(Self {
            vendor_id: u32::from_be_bytes([a, b, c, d]),
            sub_type,
            data,
        })
    }
}

fn read_bit_rate(raw: RawSubOption<'_>) -> Result<u32, DecodeError> {
    let [_, _, bit_rate @ ..] = *raw.exactly::<6>()?;
    Ok(u32::from_be_bytes(bit_rate))
}

fn write_bit_rate(bit_rate: &u32, out: &mut Vec<u8>) {
    out.extend_from_slice(&[0, 0]);
    out.extend_from_slice(&bit_rate.to_be_bytes());
}

fn read_selector(raw: RawSubOption<'_>) -> Result<TrafficSelector<&[u8]>, DecodeError> {
    let ([_reserved, format], selector) = raw.at_least()?;
    TrafficSelector::decode(TrafficSelectorFormat::from_code(*format), selector)
        .map_err(|error| raw.inside(error, 2))
}

fn write_selector<B: AsRef<[u8]>>(selector: &TrafficSelector<B>, out: &mut Vec<u8>) {
    out.extend_from_slice(&[0, selector.format().code()]);
    selector.encode(out);
}

#[cfg(feature = "arbitrary")]
mod with_arbitrary {
    use super::{AllocationRetentionPriority, BoundedU8};
    use arbitrary::{Arbitrary, Result, Unstructured};

    impl<'a> Arbitrary<'a> for AllocationRetentionPriority {
        fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
            let level = u.int_in_range(1..=15)?;
            Ok(Self {
                priority_level: BoundedU8::new(level).ok_or(arbitrary::Error::IncorrectFormat)?,
                preemption_capability: u.arbitrary()?,
                preemption_vulnerability: u.arbitrary()?,
            })
        }
    }
}
