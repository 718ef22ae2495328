//! The control protocol before RFC 6812, which deployed routers speak on [`CONTROL_PORT_V1`].
//!
//! No specification is public. The layouts are facts that two public responders, written apart from
//! each other, and the router captures in one of them agree on; where only one shows a thing, its
//! description says so. What a refusal looks like is not known.

use core::net::Ipv4Addr;

use bytes::BufMut;

use crate::error::{DecodeError, Field, Layer};
use crate::reader::Reader;
use crate::types::ProbeTimestamp;

/// UDP port of control messages of version 1.
pub const CONTROL_PORT_V1: u16 = 1967;

const VERSION: u8 = 1;
/// Octets of a request: header, 8; UDP section, 16; authentication section, 28.
const REQUEST_LEN: u16 = 52;
/// Octets of a response: what precedes the authentication section.
const RESPONSE_LEN: u16 = 24;
/// Command of the section that opens a UDP port, and its octets.
const OPEN_UDP: (u16, u16) = (4, 16);
/// Command of the authentication section, and its octets.
const AUTHENTICATION: (u16, u16) = (1, 28);

/// A control message of version 1: open a UDP port for a while, or the answer that it is open.
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +---------------+---------------+-------------------------------+
/// |  Version = 1  |   Sequence    |         Total Length          |
/// +---------------+---------------+-------------------------------+
/// |                               0                               |
/// +-------------------------------+-------------------------------+
/// |          Command = 4          |      Section Length = 16      |
/// +-------------------------------+-------------------------------+
/// |                               0                               |
/// +---------------------------------------------------------------+
/// |                    Responder's IPv4 address                   |
/// +-------------------------------+-------------------------------+
/// |       Measurement port        |       Duration (ms)           |
/// +-------------------------------+-------------------------------+
/// ```
/// In a request a section of command 1 and 28 octets follows, all else in it 0: authentication,
/// which is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct Version1Control {
    /// Number of the request, repeated in the response.
    pub sequence: u8,
    /// Address of the responder.
    pub address: Ipv4Addr,
    /// Port to open.
    pub port: u16,
    /// How long the port stays open, in milliseconds.
    pub duration_ms: u16,
}

impl Version1Control {
    /// Reads the request or response that fills `octets`. What follows its first section is not
    /// looked at; the length is not either, for of the two responders one answers 24 and one 8.
    ///
    /// # Errors
    /// [`DecodeError`] where it is cut short, not of version 1, or asks for something else than a
    /// UDP port.
    pub fn parse(octets: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(octets, 0, Layer::SlaControl);
        let version = reader.u8(Field::Version)?;
        if version != VERSION {
            return Err(reader.bad_value(0, Field::Version, version.into()));
        }
        let sequence = reader.u8(Field::Sequence)?;
        reader.u16(Field::TotalLength)?;
        reader.take(4, Field::Reserved)?;
        let command = reader.u16(Field::Command)?;
        let length = reader.u16(Field::CommandLength)?;
        // One responder blanks the command in its response.
        if command != 0 && (command, length) != OPEN_UDP {
            return Err(reader.bad_value(8, Field::Command, command.into()));
        }
        reader.take(4, Field::Reserved)?;
        Ok(Self {
            sequence,
            address: reader.array::<4>(Field::MeasurementDestination)?.into(),
            port: reader.u16(Field::MeasurementDestinationPort)?,
            duration_ms: reader.u16(Field::Duration)?,
        })
    }

    /// Appends the request, 52 octets.
    pub fn encode_request(&self, out: &mut impl BufMut) {
        self.encode(REQUEST_LEN, out);
        out.put_u16(AUTHENTICATION.0);
        out.put_u16(AUTHENTICATION.1);
        out.put_bytes(0, 24);
    }

    /// Appends the response that says that the port is open, 24 octets.
    pub fn encode_response(&self, out: &mut impl BufMut) {
        self.encode(RESPONSE_LEN, out);
    }

    fn encode(&self, total_length: u16, out: &mut impl BufMut) {
        out.put_slice(&[VERSION, self.sequence]);
        out.put_u16(total_length);
        out.put_u32(0);
        out.put_u16(OPEN_UDP.0);
        out.put_u16(OPEN_UDP.1);
        out.put_u32(0);
        out.put_slice(&self.address.octets());
        out.put_u16(self.port);
        out.put_u16(self.duration_ms);
    }
}

/// The times of a measurement packet on a port that version 1 opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub enum Version1Times {
    /// Type 2: milliseconds since midnight UTC, of the sending and of the responder.
    Milliseconds {
        /// When the sender sent it.
        sender: u32,
        /// When the responder had it; 0 towards the responder.
        responder: u32,
    },
    /// Type 3: NTP timestamps, as in RFC 6812, with sequence numbers of 16 bits. Only one of the
    /// responders speaks it.
    Ntp {
        /// When the sender sent it.
        sent: ProbeTimestamp,
        /// When the responder got it; 0 towards the responder.
        received: ProbeTimestamp,
        /// When the responder answered; 0 towards the responder.
        answered: ProbeTimestamp,
    },
}

/// The fixed part of a measurement packet on a port that version 1 opened.
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-------------------------------+-------------------------------+
/// |           Type = 2            |               -               |
/// +-------------------------------+-------------------------------+
/// |          Sender Send Time (ms since midnight UTC)             |
/// +---------------------------------------------------------------+
/// |          Responder Time (ms since midnight UTC)               |
/// +-------------------------------+-------------------------------+
/// |        Sender Sequence        |      Responder Sequence       |
/// +-------------------------------+-------------------------------+
/// ```
/// Type 3 is laid out as [`MeasurementHeader`](super::MeasurementHeader) up to the sequence
/// numbers, which have 16 bits each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct Version1Measurement {
    /// The times.
    pub times: Version1Times,
    /// Number of the packet.
    pub sender_sequence: u16,
    /// The responder's number; 0 towards the responder.
    pub responder_sequence: u16,
}

const MILLISECONDS: u16 = 2;
const NTP: u16 = 3;

impl Version1Measurement {
    /// Octets of the fixed part of type 2.
    pub const MILLISECONDS_LEN: usize = 16;
    /// Octets of the fixed part of type 3.
    pub const NTP_LEN: usize = 56;
    /// The size of a packet of type 2 that routers send by default.
    pub const DEFAULT_LEN: usize = 32;

    /// Reads the measurement packet that fills `octets`; also gives its data.
    ///
    /// # Errors
    /// [`DecodeError`] where it is cut short or of neither type.
    pub fn parse(octets: &[u8]) -> Result<(Self, &[u8]), DecodeError> {
        let mut reader = Reader::new(octets, 0, Layer::SlaMeasurement);
        let measurement_type = reader.u16(Field::MeasurementType)?;
        reader.u16(Field::Reserved)?;
        let times = match measurement_type {
            MILLISECONDS => Version1Times::Milliseconds {
                sender: reader.u32(Field::SenderSendTime)?,
                responder: reader.u32(Field::ResponderReceiveTime)?,
            },
            NTP => {
                let times = Version1Times::Ntp {
                    sent: reader.probe_time(Field::SenderSendTime)?,
                    received: reader.probe_time(Field::ResponderReceiveTime)?,
                    answered: reader.probe_time(Field::ResponderSendTime)?,
                };
                reader.take(24, Field::Reserved)?;
                times
            }
            other => return Err(reader.bad_value(0, Field::MeasurementType, other.into())),
        };
        let header = Self {
            times,
            sender_sequence: reader.u16(Field::SenderSequence)?,
            responder_sequence: reader.u16(Field::ResponderSequence)?,
        };
        Ok((header, reader.rest()))
    }

    /// Appends the packet with `data`.
    pub fn encode(&self, data: &[u8], out: &mut impl BufMut) {
        match self.times {
            Version1Times::Milliseconds { sender, responder } => {
                out.put_u16(MILLISECONDS);
                out.put_u16(0);
                out.put_u32(sender);
                out.put_u32(responder);
            }
            Version1Times::Ntp {
                sent,
                received,
                answered,
            } => {
                out.put_u16(NTP);
                out.put_u16(0);
                out.put_u64(sent.to_bits());
                out.put_u64(received.to_bits());
                out.put_u64(answered.to_bits());
                out.put_bytes(0, 24);
            }
        }
        out.put_u16(self.sender_sequence);
        out.put_u16(self.responder_sequence);
        out.put_slice(data);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    const CONTROL: Version1Control = Version1Control {
        sequence: 0xb8,
        address: Ipv4Addr::new(192, 0, 2, 1),
        port: 10_000,
        duration_ms: 7_000,
    };

    /// By hand from the figure.
    #[test]
    fn the_octets_of_a_request_and_its_response() {
        let mut request = Vec::new();
        CONTROL.encode_request(&mut request);
        let mut expected = Vec::from([
            1, 0xb8, 0, 52, 0, 0, 0, 0, 0, 4, 0, 16, 0, 0, 0, 0, 192, 0, 2, 1, 0x27, 0x10, 0x1b,
            0x58, 0, 1, 0, 28,
        ]);
        expected.resize(52, 0);
        assert_eq!(request, expected);
        let mut response = Vec::new();
        CONTROL.encode_response(&mut response);
        expected.truncate(24);
        expected[3] = 24;
        assert_eq!(response, expected);
        assert_eq!(Version1Control::parse(&request), Ok(CONTROL));
        // The other responder blanks octets 4 to 11.
        response[3] = 8;
        response[8..12].fill(0);
        assert_eq!(Version1Control::parse(&response), Ok(CONTROL));
    }

    #[test]
    fn other_versions_and_commands_are_not_read() {
        let mut request = Vec::new();
        CONTROL.encode_request(&mut request);
        for (at, octet) in [(0, 2), (9, 5), (11, 20)] {
            let mut wrong = request.clone();
            wrong[at] = octet;
            assert!(Version1Control::parse(&wrong).is_err());
        }
        assert!(Version1Control::parse(&request[..23]).is_err());
    }

    #[test]
    fn measurement_packets_keep_their_place() {
        let time = ProbeTimestamp::from_bits;
        for (times, length, sequence_at) in [
            (
                Version1Times::Milliseconds {
                    sender: 1,
                    responder: 2,
                },
                Version1Measurement::MILLISECONDS_LEN,
                12,
            ),
            (
                Version1Times::Ntp {
                    sent: time(1),
                    received: time(2),
                    answered: time(3),
                },
                Version1Measurement::NTP_LEN,
                52,
            ),
        ] {
            let header = Version1Measurement {
                times,
                sender_sequence: 0x0102,
                responder_sequence: 0x0304,
            };
            let mut wire = Vec::new();
            header.encode(&[7; 3], &mut wire);
            assert_eq!(wire[sequence_at..sequence_at + 4], [1, 2, 3, 4]);
            assert_eq!(wire.len(), length + 3);
            assert_eq!(
                Version1Measurement::parse(&wire),
                Ok((header, &[7, 7, 7][..]))
            );
            assert!(Version1Measurement::parse(&wire[..length - 1]).is_err());
        }
    }
}
