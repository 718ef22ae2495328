use core::net::{Ipv4Addr, Ipv6Addr};

use bytes::Bytes;

use super::{CsldCommand, SlaRole, SlaStatus};
use crate::error::{DecodeError, Field};
use crate::reader::Reader;

/// Octets that every section starts with: Command, Status, Command-Length.
pub(super) const HEAD_LEN: u32 = 8;

/// Octets of a UDP-Measurement CSLD.
pub(super) const UDP_MEASUREMENT_LEN: u32 = 92;

const ADDRESS_TYPE_IPV4: u8 = 2;
const ADDRESS_TYPE_IPV6: u8 = 3;

/// A section of a control message behind the Authentication CSLD.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[non_exhaustive]
pub enum Csld {
    /// Command 2.
    UdpMeasurement(UdpMeasurement),
    /// A command without a typed section here, kept as it came.
    Unknown(UnknownCsld),
}

/// The UDP-Measurement CSLD: what port to open, between which addresses, how long.
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-------------------------------+-------------------------------+
/// |          Command = 2          |            Status             |
/// +-------------------------------+-------------------------------+
/// |                        Command-Length                         |
/// +---------------+---------------+-------------------------------+
/// | Address Type  |     Role      |           Reserved            |
/// +---------------+---------------+-------------------------------+
/// |                      Session Identifier                       |
/// +---------------------------------------------------------------+
/// |                  Control Source Address (16)                  |
/// |               Control Destination Address (16)                |
/// |                Measurement Source Address (16)                |
/// |             Measurement Destination Address (16)              |
/// +-------------------------------+-------------------------------+
/// |      Control Source Port      |           Reserved            |
/// +-------------------------------+-------------------------------+
/// |    Measurement Source Port    | Measurement Destination Port  |
/// +-------------------------------+-------------------------------+
/// |                           Duration                            |
/// +---------------------------------------------------------------+
/// ```
/// RFC 6812 section 3.1.1.2.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct UdpMeasurement {
    /// Status: 0 in a request.
    pub status: SlaStatus,
    /// Role of the endpoint that receives the message.
    pub role: SlaRole,
    /// Session Identifier of the message's originator, 0 where not specified.
    pub session_id: u32,
    /// The four addresses.
    pub addresses: MeasurementAddresses,
    /// Port from which the control message is sent; 0: that of the incoming packet.
    pub control_source_port: u16,
    /// Port from which measurement packets will be sent.
    pub measurement_source_port: u16,
    /// Port to which measurement packets will be sent; 0: the responder picks (RFC 6812
    /// section 4).
    pub measurement_destination_port: u16,
    /// How long the port stays open, in milliseconds.
    pub duration_ms: u32,
}

/// The addresses of a measurement, of one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub enum MeasurementAddresses {
    /// Address Type 2.
    Ipv4(SlaAddresses<Ipv4Addr>),
    /// Address Type 3.
    Ipv6(SlaAddresses<Ipv6Addr>),
}

/// Where control messages and measurement packets come from and go to. Sources say who the sender
/// is; behind NAT they are no place to answer to (RFC 6812 section 3.1.1.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct SlaAddresses<A> {
    /// Control Source Address.
    pub control_source: A,
    /// Control Destination Address.
    pub control_destination: A,
    /// Measurement Source Address.
    pub measurement_source: A,
    /// Measurement Destination Address.
    pub measurement_destination: A,
}

/// A section that is kept as it came.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct UnknownCsld {
    command: CsldCommand,
    /// Status: 0 in a request.
    pub status: SlaStatus,
    data: Bytes,
}

/// The most octets of data in a section that is kept as it came: what a UDP datagram holds.
const MAX_DATA: usize = 65_535;

impl UnknownCsld {
    /// A section of `command`; `None` where a typed section has that command or `data` exceeds
    /// 65,535 octets.
    pub fn new(command: CsldCommand, status: SlaStatus, data: Bytes) -> Option<Self> {
        let typed =
            command == CsldCommand::Authentication || command == CsldCommand::UdpMeasurement;
        if typed || data.len() > MAX_DATA {
            return None;
        }
        Some(Self {
            command,
            status,
            data,
        })
    }

    /// Command.
    pub const fn command(&self) -> CsldCommand {
        self.command
    }

    /// What follows Command-Length.
    pub const fn data(&self) -> &Bytes {
        &self.data
    }
}

impl Csld {
    /// Its command.
    pub const fn command(&self) -> CsldCommand {
        match self {
            Self::UdpMeasurement(_) => CsldCommand::UdpMeasurement,
            Self::Unknown(unknown) => unknown.command,
        }
    }

    /// Its status.
    pub const fn status(&self) -> SlaStatus {
        match self {
            Self::UdpMeasurement(measurement) => measurement.status,
            Self::Unknown(unknown) => unknown.status,
        }
    }

    /// Octets of the section.
    pub(super) fn encoded_len(&self) -> u32 {
        match self {
            Self::UdpMeasurement(_) => UDP_MEASUREMENT_LEN,
            Self::Unknown(unknown) => u32::try_from(unknown.data.len())
                .unwrap_or(u32::MAX)
                .saturating_add(HEAD_LEN),
        }
    }

    pub(super) fn pieces(&self, emit: &mut impl FnMut(&[u8])) {
        emit(&self.command().code().to_be_bytes());
        emit(&self.status().code().to_be_bytes());
        emit(&self.encoded_len().to_be_bytes());
        match self {
            Self::UdpMeasurement(measurement) => measurement.pieces(emit),
            Self::Unknown(unknown) => emit(&unknown.data),
        }
    }
}

impl UdpMeasurement {
    /// Reads what follows Command-Length, in a section of `length` octets in all.
    pub(super) fn decode(
        status: SlaStatus,
        length: u32,
        reader: &mut Reader<'_>,
    ) -> Result<Self, DecodeError> {
        if length != UDP_MEASUREMENT_LEN {
            let at = reader.offset().saturating_sub(4);
            return Err(reader.bad_value(at, Field::CommandLength, length));
        }
        let type_at = reader.offset();
        let address_type = reader.u8(Field::AddressType)?;
        if address_type != ADDRESS_TYPE_IPV4 && address_type != ADDRESS_TYPE_IPV6 {
            return Err(reader.bad_value(type_at, Field::AddressType, address_type.into()));
        }
        let role = SlaRole::from_code(reader.u8(Field::Role)?);
        reader.u16(Field::Reserved)?;
        let session_id = reader.u32(Field::SessionId)?;
        let addresses = SlaAddresses {
            control_source: reader.array(Field::ControlSource)?,
            control_destination: reader.array(Field::ControlDestination)?,
            measurement_source: reader.array(Field::MeasurementSource)?,
            measurement_destination: reader.array(Field::MeasurementDestination)?,
        };
        let control_source_port = reader.u16(Field::ControlSourcePort)?;
        reader.u16(Field::Reserved)?;
        Ok(Self {
            status,
            role,
            session_id,
            addresses: match address_type {
                ADDRESS_TYPE_IPV4 => MeasurementAddresses::Ipv4(addresses.map(first_four)),
                _ => MeasurementAddresses::Ipv6(addresses.map(Ipv6Addr::from)),
            },
            control_source_port,
            measurement_source_port: reader.u16(Field::MeasurementSourcePort)?,
            measurement_destination_port: reader.u16(Field::MeasurementDestinationPort)?,
            duration_ms: reader.u32(Field::Duration)?,
        })
    }

    fn pieces(&self, emit: &mut impl FnMut(&[u8])) {
        let (address_type, addresses) = match &self.addresses {
            MeasurementAddresses::Ipv4(addresses) => (ADDRESS_TYPE_IPV4, addresses.map(padded)),
            MeasurementAddresses::Ipv6(addresses) => {
                (ADDRESS_TYPE_IPV6, addresses.map(|address| address.octets()))
            }
        };
        emit(&[address_type, self.role.code(), 0, 0]);
        emit(&self.session_id.to_be_bytes());
        emit(&addresses.control_source);
        emit(&addresses.control_destination);
        emit(&addresses.measurement_source);
        emit(&addresses.measurement_destination);
        emit(&self.control_source_port.to_be_bytes());
        emit(&[0, 0]);
        emit(&self.measurement_source_port.to_be_bytes());
        emit(&self.measurement_destination_port.to_be_bytes());
        emit(&self.duration_ms.to_be_bytes());
    }
}

impl<A: Copy> SlaAddresses<A> {
    fn map<B>(&self, f: impl Fn(A) -> B) -> SlaAddresses<B> {
        SlaAddresses {
            control_source: f(self.control_source),
            control_destination: f(self.control_destination),
            measurement_source: f(self.measurement_source),
            measurement_destination: f(self.measurement_destination),
        }
    }
}

/// An IPv4 address fills the first 32 bits of its field.
const fn first_four([a, b, c, d, ..]: [u8; 16]) -> Ipv4Addr {
    Ipv4Addr::new(a, b, c, d)
}

const fn padded(address: Ipv4Addr) -> [u8; 16] {
    let [a, b, c, d] = address.octets();
    [a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
}

#[cfg(feature = "arbitrary")]
impl<'a> arbitrary::Arbitrary<'a> for UnknownCsld {
    fn arbitrary(u: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
        let data = alloc::vec::Vec::<u8>::arbitrary(u)?;
        Self::new(u.arbitrary()?, u.arbitrary()?, data.into())
            .ok_or(arbitrary::Error::IncorrectFormat)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for UnknownCsld {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        struct Fields {
            command: CsldCommand,
            status: SlaStatus,
            data: Bytes,
        }
        let fields = Fields::deserialize(deserializer)?;
        Self::new(fields.command, fields.status, fields.data)
            .ok_or_else(|| serde::de::Error::custom("a typed command, or more than 65,535 octets"))
    }
}
