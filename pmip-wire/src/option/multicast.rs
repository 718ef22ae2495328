//! What a mobile node listens to: RFC 7028, RFC 7161 and RFC 7411.

use bytes::Bytes;

use super::layout::{octets_behind, over_octets};
use super::{InvalidOption, RawOption, bounded};
use crate::bounded::BoundedOctets;
use crate::code::{MulticastAcknowledgementStatus, MulticastPayload, MulticastReportType};
use crate::error::DecodeError;

over_octets! {
    /// Which groups the gateway takes from its own network and which from the anchor.
    ///
    /// ```text
    ///                                 +---------------+---------------+
    ///                                 |   Type = 54   |    Length     |
    /// +---------------+-+-------------+---------------+---------------+
    /// |   Protocol    |M|  Reserved   | Nr of Mcast Address Records N |
    /// +---------------+-+-------------+-------------------------------+
    /// |                Multicast Address Records ...                  |
    /// +---------------------------------------------------------------+
    /// ```
    /// RFC 7028 section 5.1.2, which states no alignment. Its figure draws Protocol nine bits wide;
    /// here it has the eight of the MLD types that it stands for, and M the bit behind them.
    pub struct DynamicIpMulticastSelector<B = Bytes> {
        protocol: MulticastReportType,
        local: bool,
        record_count: u16,
        records: BoundedOctets<B, 251>,
    }

    /// One group that the mobile node listens to.
    ///
    /// ```text
    ///                 +---------------+---------------+---------------+
    ///                 | Type 56 or 57 |    Length     | IGMP/MLD Type |
    /// +---------------+---------------+---------------+---------------+
    /// |               Multicast Membership Context ...                |
    /// +---------------------------------------------------------------+
    /// ```
    /// RFC 7161 sections 4.1.2 (MLD, type 57, alignment 8n+1) and 6.1 (IGMP, type 56, alignment
    /// 4n+1).
    pub struct ActiveMulticastSubscription<B = Bytes> {
        report_type: MulticastReportType,
        context: BoundedOctets<B, 254>,
    }

    /// Hands over what the mobile node listens to.
    ///
    /// ```text
    /// +---------------+---------------+---------------+---------------+
    /// |   Type = 60   |    Length     |  Option-Code  |   Reserved    |
    /// +---------------+---------------+---------------+---------------+
    /// |               MLD or IGMP Report Payload ...                  |
    /// +---------------------------------------------------------------+
    /// ```
    /// RFC 7411 section 5.3. Length counts the 32-bit words of the payload. No alignment is stated.
    pub struct MulticastMobility<B = Bytes> {
        payload: MulticastPayload,
        report: BoundedOctets<B, 1020, 4, 4>,
    }

    /// Tells which of the groups handed over were refused.
    ///
    /// ```text
    /// +---------------+---------------+---------------+---------------+
    /// |   Type = 61   |    Length     |  Option-Code  |    Status     |
    /// +---------------+---------------+---------------+---------------+
    /// |         MLD or IGMP Unsupported Report Payload ...            |
    /// +---------------------------------------------------------------+
    /// ```
    /// RFC 7411 section 5.4. Length counts the 32-bit words of the payload. No alignment is stated.
    pub struct MulticastAcknowledgement<B = Bytes> {
        code: u8,
        status: MulticastAcknowledgementStatus,
        report: BoundedOctets<B, 1020, 4, 4>,
    }
}

impl DynamicIpMulticastSelector {
    /// `records`, which are `record_count` Multicast Address Records of `protocol`. `local` takes
    /// their groups from the gateway's own network.
    ///
    /// # Errors
    /// [`InvalidOption::TooLong`] where `records` exceeds 251 octets.
    pub fn new(
        protocol: MulticastReportType,
        local: bool,
        record_count: u16,
        records: impl Into<Bytes>,
    ) -> Result<Self, InvalidOption> {
        Ok(Self {
            protocol,
            local,
            record_count,
            records: bounded(records)?,
        })
    }
}

impl<B> DynamicIpMulticastSelector<B> {
    const LOCAL: u8 = 0x80;

    /// What the records are in.
    pub const fn protocol(&self) -> MulticastReportType {
        self.protocol
    }

    /// M: the groups come from the gateway's own network, else from the anchor.
    pub const fn local(&self) -> bool {
        self.local
    }

    /// How many records the option says it holds.
    pub const fn record_count(&self) -> u16 {
        self.record_count
    }

    /// The records' octets (RFC 3810 section 5.2, RFC 2710 section 3).
    pub const fn records(&self) -> &B {
        self.records.inner()
    }

    #[inline]
    fn from_raw<'a>(
        raw: RawOption<'a>,
        own: impl FnOnce(&'a [u8]) -> B,
    ) -> Result<Self, DecodeError> {
        let ([protocol, flags, a, b], records) = raw.at_least()?;
        Ok(Self {
            protocol: MulticastReportType::from_code(*protocol),
            local: flags & Self::LOCAL != 0,
            record_count: u16::from_be_bytes([*a, *b]),
            records: BoundedOctets::from_wire(own(records)),
        })
    }

    const fn head(&self) -> [u8; 4] {
        let [a, b] = self.record_count.to_be_bytes();
        let flags = if self.local { Self::LOCAL } else { 0 };
        [self.protocol.code(), flags, a, b]
    }
}

impl ActiveMulticastSubscription {
    /// The membership `context` as reports of this type have it.
    ///
    /// # Errors
    /// [`InvalidOption::TooLong`] where `context` exceeds 254 octets.
    pub fn new(
        report_type: MulticastReportType,
        context: impl Into<Bytes>,
    ) -> Result<Self, InvalidOption> {
        Ok(Self {
            report_type,
            context: bounded(context)?,
        })
    }
}

impl<B> ActiveMulticastSubscription<B> {
    /// What the context is in.
    pub const fn report_type(&self) -> MulticastReportType {
        self.report_type
    }

    /// The context: a record of MLDv2 or IGMPv3, or what their forerunners have instead.
    pub const fn context(&self) -> &B {
        self.context.inner()
    }

    #[inline]
    fn from_raw<'a>(
        raw: RawOption<'a>,
        own: impl FnOnce(&'a [u8]) -> B,
    ) -> Result<Self, DecodeError> {
        let ([report_type], context) = raw.at_least()?;
        Ok(Self {
            report_type: MulticastReportType::from_code(*report_type),
            context: BoundedOctets::from_wire(own(context)),
        })
    }

    const fn head(&self) -> [u8; 1] {
        [self.report_type.code()]
    }
}

impl MulticastMobility {
    /// The membership report `report` without its ICMP or IGMP header.
    ///
    /// # Errors
    /// [`InvalidOption`] where `report` is not 4 to 1020 octets in whole 32-bit words.
    pub fn new(payload: MulticastPayload, report: impl Into<Bytes>) -> Result<Self, InvalidOption> {
        Ok(Self {
            payload,
            report: bounded(report)?,
        })
    }
}

impl<B> MulticastMobility<B> {
    /// What the report is in.
    pub const fn payload(&self) -> MulticastPayload {
        self.payload
    }

    /// The report's octets, from its number of records on.
    pub const fn report(&self) -> &B {
        self.report.inner()
    }

    #[inline]
    fn from_raw<'a>(
        raw: RawOption<'a>,
        own: impl FnOnce(&'a [u8]) -> B,
    ) -> Result<Self, DecodeError> {
        let [payload, _reserved] = words_behind(raw)?;
        let (_, report) = raw.at_least::<2>()?;
        Ok(Self {
            payload: MulticastPayload::from_code(payload),
            report: BoundedOctets::from_wire(own(report)),
        })
    }

    const fn head(&self) -> [u8; 2] {
        [self.payload.code(), 0]
    }
}

impl MulticastAcknowledgement {
    /// The answer `status` for the groups in `report`.
    ///
    /// # Errors
    /// [`InvalidOption`] where `report` is not 4 to 1020 octets in whole 32-bit words.
    pub fn new(
        status: MulticastAcknowledgementStatus,
        report: impl Into<Bytes>,
    ) -> Result<Self, InvalidOption> {
        Ok(Self {
            code: 0,
            status,
            report: bounded(report)?,
        })
    }
}

impl<B> MulticastAcknowledgement<B> {
    /// The Option-Code, which is 0.
    pub const fn code(&self) -> u8 {
        self.code
    }

    /// Why the groups were refused.
    pub const fn status(&self) -> MulticastAcknowledgementStatus {
        self.status
    }

    /// The octets of the report on the groups that were refused, from its number of records on.
    pub const fn report(&self) -> &B {
        self.report.inner()
    }

    #[inline]
    fn from_raw<'a>(
        raw: RawOption<'a>,
        own: impl FnOnce(&'a [u8]) -> B,
    ) -> Result<Self, DecodeError> {
        let [code, status] = words_behind(raw)?;
        let (_, report) = raw.at_least::<2>()?;
        Ok(Self {
            code,
            status: MulticastAcknowledgementStatus::from_code(status),
            report: BoundedOctets::from_wire(own(report)),
        })
    }

    const fn head(&self) -> [u8; 2] {
        [self.code, self.status.code()]
    }
}

/// The two octets before a report that is there: its first word, the number of its records, always
/// is (RFC 7411 sections 5.3 and 5.4).
#[inline]
fn words_behind(raw: RawOption<'_>) -> Result<[u8; 2], DecodeError> {
    let ([a, b, _, _, _, _], _) = raw.at_least()?;
    Ok([*a, *b])
}

octets_behind! {
    DynamicIpMulticastSelector { protocol, local, record_count, } records;
    ActiveMulticastSubscription { report_type, } context;
    MulticastMobility { payload, } report;
    MulticastAcknowledgement { code, status, } report;
}
