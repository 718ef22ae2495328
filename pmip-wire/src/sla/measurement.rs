use bytes::BufMut;

use crate::error::{DecodeError, Field, Layer};
use crate::reader::Reader;
use crate::types::ProbeTimestamp;

/// Measurement-Type of UDP (RFC 6812 section 6).
const MEASUREMENT_TYPE_UDP: u16 = 3;

/// The fixed part of a UDP measurement packet; the same in both directions.
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-------------------------------+-------------------------------+
/// |     Measurement-Type = 3      |           Reserved            |
/// +-------------------------------+-------------------------------+
/// |                     Sender Send Time (8)                      |
/// |                   Responder Receive Time (8)                  |
/// |                    Responder Send Time (8)                    |
/// |                    Sender Receive Time (8)                    |
/// |                    Sender Clock Offset (8)                    |
/// |                   Responder Clock Offset (8)                  |
/// +---------------------------------------------------------------+
/// |                      Sender Sequence No.                      |
/// +---------------------------------------------------------------+
/// |                     Responder Sequence No.                    |
/// +---------------------------------------------------------------+
/// |                           Data ...                            |
/// +---------------------------------------------------------------+
/// ```
/// RFC 6812 section 3.2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct MeasurementHeader {
    /// Sender Send Time.
    pub sender_send_time: ProbeTimestamp,
    /// Responder Receive Time.
    pub responder_receive_time: ProbeTimestamp,
    /// Responder Send Time: 0 towards the responder.
    pub responder_send_time: ProbeTimestamp,
    /// Sender Receive Time: 0 on the wire in both directions.
    pub sender_receive_time: ProbeTimestamp,
    /// Sender Clock Offset in seconds and their fraction.
    pub sender_clock_offset: u64,
    /// Responder Clock Offset in seconds and their fraction.
    pub responder_clock_offset: u64,
    /// Sender Sequence Number.
    pub sender_sequence: u32,
    /// Responder Sequence Number.
    pub responder_sequence: u32,
}

/// A UDP measurement packet, borrowed.
///
/// ```
/// use pmip_wire::sla::{MeasurementHeader, MeasurementPacket};
///
/// let mut wire = Vec::new();
/// let header = MeasurementHeader { sender_sequence: 5, ..MeasurementHeader::default() };
/// header.encode(&[0; MeasurementHeader::MIN_DATA], &mut wire);
/// let packet = MeasurementPacket::parse(&wire)?;
/// assert_eq!(packet.header, header);
/// assert_eq!(packet.data.len(), 64);
/// # Ok::<(), pmip_wire::DecodeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MeasurementPacket<'a> {
    /// The fixed part.
    pub header: MeasurementHeader,
    /// Data: padding up to the size that is configured.
    pub data: &'a [u8],
}

impl MeasurementHeader {
    /// Octets of the fixed part.
    pub const LEN: usize = 60;

    /// The least Data that should be sent (RFC 6812 section 3.2); less is accepted.
    pub const MIN_DATA: usize = 64;

    /// What the responder sends back: everything as it came but for the responder's fields
    /// (RFC 6812 section 3.2).
    pub const fn reflected(
        self,
        receive_time: ProbeTimestamp,
        send_time: ProbeTimestamp,
        clock_offset: u64,
        sequence: u32,
    ) -> Self {
        Self {
            responder_receive_time: receive_time,
            responder_send_time: send_time,
            responder_clock_offset: clock_offset,
            responder_sequence: sequence,
            ..self
        }
    }

    /// Appends the packet with `data`, a multiple of four octets. Allocates nothing beyond what
    /// `out` itself does.
    ///
    /// # Panics
    /// As [`BufMut`] does, when `out` cannot grow and has too little room.
    pub fn encode(&self, data: &[u8], out: &mut impl BufMut) {
        out.put_u16(MEASUREMENT_TYPE_UDP);
        out.put_u16(0);
        out.put_u64(self.sender_send_time.to_bits());
        out.put_u64(self.responder_receive_time.to_bits());
        out.put_u64(self.responder_send_time.to_bits());
        out.put_u64(self.sender_receive_time.to_bits());
        out.put_u64(self.sender_clock_offset);
        out.put_u64(self.responder_clock_offset);
        out.put_u32(self.sender_sequence);
        out.put_u32(self.responder_sequence);
        out.put_slice(data);
    }
}

impl<'a> MeasurementPacket<'a> {
    /// Reads the measurement packet that fills `octets`.
    ///
    /// # Errors
    /// [`DecodeError`] where it is cut short or Measurement-Type is not 3.
    pub fn parse(octets: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(octets, 0, Layer::SlaMeasurement);
        let measurement_type = reader.u16(Field::MeasurementType)?;
        if measurement_type != MEASUREMENT_TYPE_UDP {
            return Err(reader.bad_value(0, Field::MeasurementType, measurement_type.into()));
        }
        reader.u16(Field::Reserved)?;
        let header = MeasurementHeader {
            sender_send_time: reader.probe_time(Field::SenderSendTime)?,
            responder_receive_time: reader.probe_time(Field::ResponderReceiveTime)?,
            responder_send_time: reader.probe_time(Field::ResponderSendTime)?,
            sender_receive_time: reader.probe_time(Field::SenderReceiveTime)?,
            sender_clock_offset: reader.u64(Field::SenderClockOffset)?,
            responder_clock_offset: reader.u64(Field::ResponderClockOffset)?,
            sender_sequence: reader.u32(Field::SenderSequence)?,
            responder_sequence: reader.u32(Field::ResponderSequence)?,
        };
        Ok(Self {
            header,
            data: reader.rest(),
        })
    }
}
