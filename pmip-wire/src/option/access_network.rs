//! Access network identifiers (RFC 6757, RFC 7563).

use alloc::vec::Vec;

use bytes::Bytes;

use super::layout::variable_layout;
use super::sub::{RawSubOption, SubOptionError, SubOptions, sub_options};
use super::{Alignment, RawOption};
use crate::code::{AniSubOptionType, CivicLocationFormat, OperatorIdentifierType};
use crate::error::{DecodeError, ExpectedLength, Field};
use crate::types::Lifetime;

/// Where the mobile node is attached.
///
/// ```text
/// +---------------+---------------+
/// |   Type = 52   |    Length     |
/// +---------------+---------------+-------------------------------+
/// |                      ANI sub-options ...                      |
/// +---------------------------------------------------------------+
/// ```
/// RFC 6757 section 3. Alignment 4n. At least one sub-option.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(bound(
        serialize = "B: AsRef<[u8]>",
        deserialize = "B: serde::Deserialize<'de>"
    ))
)]
pub struct AccessNetworkIdentifier<B = Bytes> {
    sub_options: SubOptions<AccessNetworkSpace, B>,
}

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
pub struct NetworkIdentifier<B = Bytes> {
    /// E: the network name is UTF-8; else its encoding is known otherwise.
    pub utf8: bool,
    /// An SSID, a PLMN identifier, or what the access technology calls it; at least one octet.
    pub network_name: B,
    /// UTF-8; no octet where it is absent.
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
pub struct OperatorIdentifier<B = Bytes> {
    /// What the identifier is made of.
    pub identifier_type: OperatorIdentifierType,
    /// The identifier.
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
pub struct CivicLocation<B = Bytes> {
    /// How the location is written.
    pub format: CivicLocationFormat,
    /// The location: for format 0 that of RFC 4776 section 3.1 without its first three octets, so
    /// that it starts with the two letters of the country.
    pub location: B,
}

sub_options! {
    /// One sub-option of an [`AccessNetworkIdentifier`].
    AniSubOption: AniSubOptionType,
    single [NetworkIdentifier, GeoLocation, OperatorIdentifier], padded false,
    align |_, _| Alignment::NONE,
    {
        /// Type 1: names (RFC 6757 section 3.1.1).
        NetworkIdentifier(NetworkIdentifier<B>): NetworkIdentifier::read, NetworkIdentifier::write;
        /// Type 2: coordinates (RFC 6757 section 3.1.2).
        GeoLocation(GeoLocation): GeoLocation::read, GeoLocation::write;
        /// Type 3: the operator (RFC 6757 section 3.1.3).
        OperatorIdentifier(OperatorIdentifier<B>): OperatorIdentifier::read, OperatorIdentifier::write;
        /// Type 4: an address (RFC 7563 section 3.1).
        CivicLocation(CivicLocation<B>): CivicLocation::read, CivicLocation::write;
        /// Type 5: the group of gateways that the sender belongs to (RFC 7563 section 3.2). The RFC
        /// gives two octets as its length and three as its width: both are read, and three are
        /// sent only where two do not hold the number.
        MagGroupIdentifier(u32): read_group, write_group;
        /// Type 6: how long changes may wait before they are sent (RFC 7563 section 3.3); 0 asks
        /// for them at once.
        UpdateTimer(Lifetime): read_timer, write_timer;
    }

    /// The sub-options of [`AccessNetworkIdentifier`].
    AccessNetworkSpace: AccessNetworkIdentifier from 2;
}

impl AccessNetworkIdentifier {
    /// The identifier with this sub-option.
    ///
    /// # Errors
    /// As [`SubOptions::push`].
    pub fn new(first: AniSubOption) -> Result<Self, SubOptionError> {
        let sub_options = SubOptions::new().with(first)?;
        Ok(Self { sub_options })
    }

    /// The same with `sub_option` behind the others.
    ///
    /// # Errors
    /// As [`SubOptions::push`].
    pub fn with(mut self, sub_option: AniSubOption) -> Result<Self, SubOptionError> {
        self.sub_options.push(sub_option)?;
        Ok(self)
    }
}

impl<B> AccessNetworkIdentifier<B> {
    /// Its sub-options.
    pub const fn sub_options(&self) -> &SubOptions<AccessNetworkSpace, B> {
        &self.sub_options
    }

    const fn head(&self) -> [u8; 0] {
        []
    }
}

impl<B: AsRef<[u8]>> AccessNetworkIdentifier<B> {
    #[inline]
    fn from_raw<'a>(
        raw: RawOption<'a>,
        own: impl FnOnce(&'a [u8]) -> B,
    ) -> Result<Self, DecodeError> {
        let ([_, _], _) = raw.at_least()?;
        let sub_options = SubOptions::from_raw(raw, raw.data(), own)?;
        Ok(Self { sub_options })
    }

    fn tail(&self) -> &[u8] {
        self.sub_options.octets()
    }

    fn to_bytes(&self) -> AccessNetworkIdentifier {
        AccessNetworkIdentifier {
            sub_options: self.sub_options.to_bytes(),
        }
    }
}

variable_layout!(AccessNetworkIdentifier);

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

    fn write(&self, out: &mut Vec<u8>) {
        out.push(if self.utf8 { Self::UTF8 } else { 0 });
        write_counted(self.network_name.as_ref(), out);
        write_counted(self.access_point_name.as_ref(), out);
    }
}

impl<'a> NetworkIdentifier<&'a [u8]> {
    fn read(raw: RawSubOption<'a>) -> Result<Self, DecodeError> {
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

    fn read(raw: RawSubOption<'_>) -> Result<Self, DecodeError> {
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

    fn write(&self, out: &mut Vec<u8>) {
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

    fn write(&self, out: &mut Vec<u8>) {
        out.push(self.identifier_type.code());
        out.extend_from_slice(self.identifier.as_ref());
    }
}

impl<'a> OperatorIdentifier<&'a [u8]> {
    fn read(raw: RawSubOption<'a>) -> Result<Self, DecodeError> {
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

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[self.format.code(), 0]);
        out.extend_from_slice(self.location.as_ref());
    }
}

impl<'a> CivicLocation<&'a [u8]> {
    fn read(raw: RawSubOption<'a>) -> Result<Self, DecodeError> {
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

fn read_group(raw: RawSubOption<'_>) -> Result<u32, DecodeError> {
    match *raw.data() {
        [a, b] => Ok(u32::from_be_bytes([0, 0, a, b])),
        [a, b, c] => Ok(u32::from_be_bytes([0, a, b, c])),
        _ => Err(raw.bad_length(ExpectedLength::Either(2, 3))),
    }
}

/// A number of more than 24 bits makes octets that [`read_group`] refuses.
fn write_group(group: &u32, out: &mut Vec<u8>) {
    let octets = group.to_be_bytes();
    let zeros = octets
        .iter()
        .take(2)
        .take_while(|octet| **octet == 0)
        .count();
    out.extend(octets.into_iter().skip(zeros));
}

fn read_timer(raw: RawSubOption<'_>) -> Result<Lifetime, DecodeError> {
    Ok(Lifetime::from_units(u16::from_be_bytes(*raw.exactly()?)))
}

fn write_timer(timer: &Lifetime, out: &mut Vec<u8>) {
    out.extend_from_slice(&timer.as_units().to_be_bytes());
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
mod with_arbitrary {
    use super::{
        AccessNetworkIdentifier, CivicLocation, GeoLocation, NetworkIdentifier, OperatorIdentifier,
    };
    use super::{AniSubOption, SubOptions};
    use crate::option::draw_octets;
    use alloc::vec::Vec;
    use arbitrary::{Arbitrary, Result, Unstructured};

    impl<'a, B: From<Vec<u8>>> Arbitrary<'a> for AccessNetworkIdentifier<B> {
        fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
            let mut drawn: SubOptions<_> = u.arbitrary()?;
            if drawn.is_empty() {
                let timer = AniSubOption::UpdateTimer(u.arbitrary()?);
                let _one_fits = drawn.push(timer);
            }
            Ok(Self {
                sub_options: drawn.into_owned(),
            })
        }
    }

    impl<'a, B: From<Vec<u8>>> Arbitrary<'a> for NetworkIdentifier<B> {
        fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
            Ok(Self {
                utf8: u.arbitrary()?,
                network_name: draw_octets(u)?,
                access_point_name: draw_octets(u)?,
            })
        }
    }

    impl<'a> Arbitrary<'a> for GeoLocation {
        fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
            Ok(Self {
                latitude: u.int_in_range(-(90 << 15)..=90 << 15)?,
                longitude: u.int_in_range(-(180 << 15)..=180 << 15)?,
            })
        }
    }

    impl<'a, B: From<Vec<u8>>> Arbitrary<'a> for OperatorIdentifier<B> {
        fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
            Ok(Self {
                identifier_type: u.arbitrary()?,
                identifier: draw_octets(u)?,
            })
        }
    }

    impl<'a, B: From<Vec<u8>>> Arbitrary<'a> for CivicLocation<B> {
        fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
            Ok(Self {
                format: u.arbitrary()?,
                location: draw_octets(u)?,
            })
        }
    }
}
