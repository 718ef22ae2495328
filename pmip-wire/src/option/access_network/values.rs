//! What the sub-options of an access network identifier hold.

use alloc::vec::Vec;

use bytes::Bytes;

use crate::code::{CivicLocationFormat, OperatorIdentifierType};
use crate::error::{DecodeError, ExpectedLength, Field};
use crate::option::RawSubOption;

/// What the access network and the access point are called.
///
/// ```text
/// +---------------+---------------+-+-------------+---------------+
/// | ANI Type = 1  |  ANI Length   |E|  Reserved   | Net-Name Len  |
/// +---------------+---------------+-+-------------+---------------+
/// |                       Network Name ...                        |
/// +---------------+-----------------------------------------------+
/// | AP-Name Len   |             Access-Point Name ...             |
/// +---------------+-----------------------------------------------+
/// ```
/// RFC 6757 section 3.1.1. Its range of 5 to 32 octets for ANI Length cannot hold an SSID of 32
/// octets, which it must carry, and is not enforced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(
    feature = "arbitrary",
    arbitrary(bound = "B: From<alloc::vec::Vec<u8>>")
)]
pub struct NetworkIdentifier<B = Bytes> {
    /// E: the network name is UTF-8; else its encoding is known otherwise.
    pub utf8: bool,
    /// An SSID, a PLMN identifier, or what the access technology calls it; at least one octet.
    #[cfg_attr(feature = "arbitrary", arbitrary(with = crate::option::draw_octets))]
    pub network_name: B,
    /// UTF-8; no octet where it is absent.
    #[cfg_attr(feature = "arbitrary", arbitrary(with = crate::option::draw_octets))]
    pub access_point_name: B,
}

/// Where the access network is (WGS 84).
///
/// ```text
/// +---------------+---------------+-------------------------------+
/// | ANI Type = 2  | ANI Length = 6|       Latitude Degrees        :
/// +---------------+---------------+-------------------------------+
/// :               |               Longitude Degrees               |
/// +---------------+-----------------------------------------------+
/// ```
/// RFC 6757 section 3.1.2: 24 bits each, two's complement, 9 whole bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "GeoLocationParts"))]
pub struct GeoLocation {
    latitude: i32,
    longitude: i32,
}

/// Who runs the access network.
///
/// ```text
/// +---------------+---------------+---------------+
/// | ANI Type = 3  |  ANI Length   |  Op-ID Type   |
/// +---------------+---------------+---------------+---------------+
/// |                    Operator-Identifier ...                    |
/// +---------------------------------------------------------------+
/// ```
/// RFC 6757 section 3.1.3. At least one octet of identifier where the type has a name here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(
    feature = "arbitrary",
    arbitrary(bound = "B: From<alloc::vec::Vec<u8>>")
)]
pub struct OperatorIdentifier<B = Bytes> {
    /// What the identifier is made of.
    pub identifier_type: OperatorIdentifierType,
    /// The identifier.
    #[cfg_attr(feature = "arbitrary", arbitrary(with = crate::option::draw_octets))]
    pub identifier: B,
}

/// Where the mobile node is, as an address.
///
/// ```text
/// +---------------+---------------+---------------+---------------+
/// | ANI Type = 4  |  ANI Length   |    Format     |   Reserved    |
/// +---------------+---------------+---------------+---------------+
/// |                      civic location ...                       |
/// +---------------------------------------------------------------+
/// ```
/// RFC 7563 section 3.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(
    feature = "arbitrary",
    arbitrary(bound = "B: From<alloc::vec::Vec<u8>>")
)]
pub struct CivicLocation<B = Bytes> {
    /// How the location is written.
    pub format: CivicLocationFormat,
    /// The location: for format 0 that of RFC 4776 section 3.1 without its first three octets, so
    /// that it starts with the two letters of the country.
    #[cfg_attr(feature = "arbitrary", arbitrary(with = crate::option::draw_octets))]
    pub location: B,
}

impl NetworkIdentifier {
    /// The network `name` in UTF-8, no access point.
    pub fn utf8(name: impl Into<Bytes>) -> Self {
        Self {
            utf8: true,
            network_name: name.into(),
            access_point_name: Bytes::new(),
        }
    }

    /// The same with the name of the access point.
    #[must_use]
    pub fn with_access_point(mut self, name: impl Into<Bytes>) -> Self {
        self.access_point_name = name.into();
        self
    }
}

impl<B: AsRef<[u8]>> NetworkIdentifier<B> {
    const UTF8: u8 = 0x80;

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.push(if self.utf8 { Self::UTF8 } else { 0 });
        write_counted(self.network_name.as_ref(), out);
        write_counted(self.access_point_name.as_ref(), out);
    }
}

impl<'a> NetworkIdentifier<&'a [u8]> {
    pub(super) fn read(raw: RawSubOption<'a>) -> Result<Self, DecodeError> {
        let ([flags], rest) = raw.at_least()?;
        let (network_name, rest) =
            read_counted(raw, rest, Field::NetworkNameLength, Field::NetworkName)?;
        if network_name.is_empty() {
            return Err(raw.bad_value(Field::NetworkNameLength, 0));
        }
        let (access_point_name, rest) = read_counted(
            raw,
            rest,
            Field::AccessPointNameLength,
            Field::AccessPointName,
        )?;
        if !rest.is_empty() {
            let length = raw.data().len().saturating_sub(rest.len());
            let length = length.try_into().unwrap_or(u8::MAX);
            return Err(raw.bad_length(ExpectedLength::Exactly(length)));
        }
        Ok(Self {
            utf8: flags & Self::UTF8 != 0,
            network_name,
            access_point_name,
        })
    }
}

impl GeoLocation {
    /// Of 1/32768 degree: 15 of the 24 bits are a fraction.
    const UNITS_PER_DEGREE: i32 = 1 << 15;
    const LATITUDE_LIMIT: u32 = 90 << 15;
    const LONGITUDE_LIMIT: u32 = 180 << 15;

    /// The place at these degrees times 32768: north and east are positive. `None` beyond 90
    /// degrees of latitude and 180 of longitude.
    pub const fn from_units(latitude: i32, longitude: i32) -> Option<Self> {
        if latitude.unsigned_abs() <= Self::LATITUDE_LIMIT
            && longitude.unsigned_abs() <= Self::LONGITUDE_LIMIT
        {
            Some(Self {
                latitude,
                longitude,
            })
        } else {
            None
        }
    }

    /// Latitude in 1/32768 degree.
    pub const fn latitude_units(self) -> i32 {
        self.latitude
    }

    /// Longitude in 1/32768 degree.
    pub const fn longitude_units(self) -> i32 {
        self.longitude
    }

    /// Latitude in degrees.
    pub fn latitude(self) -> f64 {
        f64::from(self.latitude) / f64::from(Self::UNITS_PER_DEGREE)
    }

    /// Longitude in degrees.
    pub fn longitude(self) -> f64 {
        f64::from(self.longitude) / f64::from(Self::UNITS_PER_DEGREE)
    }

    pub(super) fn read(raw: RawSubOption<'_>) -> Result<Self, DecodeError> {
        let [a, b, c, d, e, f] = *raw.exactly()?;
        let (latitude, longitude) = (signed([a, b, c]), signed([d, e, f]));
        Self::from_units(latitude, longitude).ok_or_else(|| {
            if latitude.unsigned_abs() > Self::LATITUDE_LIMIT {
                raw.bad_value(Field::Latitude, u32::from_be_bytes([0, a, b, c]))
            } else {
                raw.bad_value(Field::Longitude, u32::from_be_bytes([0, d, e, f]))
            }
        })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        for number in [self.latitude, self.longitude] {
            let [_, octets @ ..] = number.to_be_bytes();
            out.extend_from_slice(&octets);
        }
    }
}

impl OperatorIdentifier {
    /// The operator with this private enterprise number, in as few octets as hold it.
    pub fn private_enterprise_number(number: u32) -> Self {
        let octets = number.to_be_bytes();
        let zeros = octets
            .iter()
            .take(3)
            .take_while(|octet| **octet == 0)
            .count();
        Self {
            identifier_type: OperatorIdentifierType::PrivateEnterpriseNumber,
            identifier: octets.into_iter().skip(zeros).collect(),
        }
    }

    /// The operator with this realm.
    pub fn realm(realm: impl Into<Bytes>) -> Self {
        Self {
            identifier_type: OperatorIdentifierType::Realm,
            identifier: realm.into(),
        }
    }
}

impl<B: AsRef<[u8]>> OperatorIdentifier<B> {
    /// The private enterprise number; `None` where it is none, or takes more than 32 bits.
    pub fn as_private_enterprise_number(&self) -> Option<u32> {
        if self.identifier_type != OperatorIdentifierType::PrivateEnterpriseNumber {
            return None;
        }
        self.identifier
            .as_ref()
            .iter()
            .try_fold(0u32, |number, octet| {
                let shifted = number.checked_mul(256)?;
                Some(shifted | u32::from(*octet))
            })
    }

    /// The realm; `None` where it is none, or not ASCII.
    pub fn as_realm(&self) -> Option<&str> {
        if self.identifier_type != OperatorIdentifierType::Realm {
            return None;
        }
        let realm = self.identifier.as_ref();
        core::str::from_utf8(realm)
            .ok()
            .filter(|realm| realm.is_ascii())
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.push(self.identifier_type.code());
        out.extend_from_slice(self.identifier.as_ref());
    }
}

impl<'a> OperatorIdentifier<&'a [u8]> {
    pub(super) fn read(raw: RawSubOption<'a>) -> Result<Self, DecodeError> {
        let ([identifier_type], identifier) = raw.at_least()?;
        let identifier_type = OperatorIdentifierType::from_code(*identifier_type);
        if identifier.is_empty() && identifier_type.name().is_some() {
            return Err(raw.cut(Field::OperatorIdentifier, 1, 0));
        }
        Ok(Self {
            identifier_type,
            identifier,
        })
    }
}

impl<B: AsRef<[u8]>> CivicLocation<B> {
    /// The two letters of ISO 3166 that name the country; `None` where format 0 does not say it.
    pub fn country(&self) -> Option<&str> {
        let country = self.location.as_ref().get(..2)?;
        (self.format == CivicLocationFormat::Binary)
            .then(|| core::str::from_utf8(country).ok())
            .flatten()
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[self.format.code(), 0]);
        out.extend_from_slice(self.location.as_ref());
    }
}

impl<'a> CivicLocation<&'a [u8]> {
    pub(super) fn read(raw: RawSubOption<'a>) -> Result<Self, DecodeError> {
        let ([format, _reserved], location) = raw.at_least()?;
        Ok(Self {
            format: CivicLocationFormat::from_code(*format),
            location,
        })
    }
}

/// A Length octet and as many octets.
fn read_counted<'a>(
    raw: RawSubOption<'a>,
    octets: &'a [u8],
    length_field: Field,
    field: Field,
) -> Result<(&'a [u8], &'a [u8]), DecodeError> {
    let (length, rest) = octets
        .split_first()
        .ok_or_else(|| raw.cut(length_field, 1, 0))?;
    let length = usize::from(*length);
    rest.split_at_checked(length)
        .ok_or_else(|| raw.cut(field, length, rest.len()))
}

/// The inverse of [`read_counted`]; what exceeds 255 octets does not fit the option either.
fn write_counted(octets: &[u8], out: &mut Vec<u8>) {
    out.push(octets.len().try_into().unwrap_or(u8::MAX));
    out.extend_from_slice(octets);
}

/// A number of 24 bits in two's complement.
const fn signed([a, b, c]: [u8; 3]) -> i32 {
    i32::from_be_bytes([a, b, c, 0]) >> 8
}

#[cfg(feature = "serde")]
#[derive(serde::Deserialize)]
struct GeoLocationParts {
    latitude: i32,
    longitude: i32,
}

#[cfg(feature = "serde")]
impl TryFrom<GeoLocationParts> for GeoLocation {
    type Error = &'static str;

    fn try_from(parts: GeoLocationParts) -> Result<Self, Self::Error> {
        Self::from_units(parts.latitude, parts.longitude).ok_or("no place on Earth")
    }
}

#[cfg(feature = "arbitrary")]
impl<'a> arbitrary::Arbitrary<'a> for GeoLocation {
    fn arbitrary(u: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
        Ok(Self {
            latitude: u.int_in_range(-(90 << 15)..=90 << 15)?,
            longitude: u.int_in_range(-(180 << 15)..=180 << 15)?,
        })
    }
}
