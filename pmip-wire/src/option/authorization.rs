//! Who vouches for a message: RFC 4285 section 5 and RFC 5568 section 6.4.5.

use bytes::Bytes;

use super::layout::{octets_behind, over_octets};
use super::{InvalidOption, RawOption, bounded};
use crate::bounded::BoundedOctets;
use crate::code::AuthenticationSubtype;
use crate::error::DecodeError;

over_octets! {
    /// Authenticates the message in front of it by a shared key.
    ///
    /// ```text
    ///                 +---------------+---------------+---------------+
    ///                 |   Type = 9    |    Length     |    Subtype    |
    /// +---------------+---------------+---------------+---------------+
    /// |                         Mobility SPI                          |
    /// +---------------------------------------------------------------+
    /// |                   Authentication Data ...                     |
    /// +---------------------------------------------------------------+
    /// ```
    /// RFC 4285 section 5. It must be the last option (section 5.1). Alignment 4n+1; of these
    /// places 8n+5 is taken, at which it ends the Mobility Header without padding behind it.
    pub struct MobilityMessageAuthentication<B = Bytes> {
        subtype: AuthenticationSubtype,
        spi: u32,
        data: BoundedOctets<B, 250>,
    }

    /// Authorizes a Fast Binding Update or its acknowledgement; the last option.
    ///
    /// ```text
    ///                                 +---------------+---------------+
    ///                                 |   Type = 21   |    Length     |
    /// +-------------------------------+---------------+---------------+
    /// |                              SPI                              |
    /// +---------------------------------------------------------------+
    /// |                       Authenticator ...                       |
    /// +---------------------------------------------------------------+
    /// ```
    /// RFC 5568 section 6.4.5. Its text has Length count the authenticator alone, with which no
    /// receiver that does not know the option could skip it; here Length counts the SPI too, as
    /// RFC 6275 section 6.2.1 has it for every option. Alignment 8n+6, where an authenticator of
    /// 96 bits ends the Mobility Header.
    pub struct BindingAuthorizationDataForFmip<B = Bytes> {
        spi: u32,
        authenticator: BoundedOctets<B, 251>,
    }
}

impl MobilityMessageAuthentication {
    /// The option as it stands on the wire; to compute `data`, see the module `auth`.
    ///
    /// # Errors
    /// [`InvalidOption::TooLong`] where `data` exceeds 250 octets.
    pub fn new(
        subtype: AuthenticationSubtype,
        spi: u32,
        data: impl Into<Bytes>,
    ) -> Result<Self, InvalidOption> {
        Ok(Self {
            subtype,
            spi,
            data: bounded(data)?,
        })
    }
}

impl<B> MobilityMessageAuthentication<B> {
    /// Who authenticates, and how.
    pub const fn subtype(&self) -> AuthenticationSubtype {
        self.subtype
    }

    /// Names the key that both ends share; 0 to 255 are reserved (RFC 4285 section 5.1).
    pub const fn spi(&self) -> u32 {
        self.spi
    }

    /// The authentication data; 12 octets between mobile node and home agent.
    pub const fn data(&self) -> &B {
        self.data.inner()
    }

    #[inline]
    fn from_raw<'a>(
        raw: RawOption<'a>,
        own: impl FnOnce(&'a [u8]) -> B,
    ) -> Result<Self, DecodeError> {
        let ([subtype, a, b, c, d], data) = raw.at_least()?;
        Ok(Self {
            subtype: AuthenticationSubtype::from_code(*subtype),
            spi: u32::from_be_bytes([*a, *b, *c, *d]),
            data: BoundedOctets::from_wire(own(data)),
        })
    }

    const fn head(&self) -> [u8; 5] {
        let [a, b, c, d] = self.spi.to_be_bytes();
        [self.subtype.code(), a, b, c, d]
    }
}

impl BindingAuthorizationDataForFmip {
    /// The authenticator under the key that `spi` names; 0 names one made by SEND.
    ///
    /// # Errors
    /// [`InvalidOption::TooLong`] where `authenticator` exceeds 251 octets.
    pub fn new(spi: u32, authenticator: impl Into<Bytes>) -> Result<Self, InvalidOption> {
        Ok(Self {
            spi,
            authenticator: bounded(authenticator)?,
        })
    }
}

impl<B> BindingAuthorizationDataForFmip<B> {
    /// Names the key; 0 names one made by SEND.
    pub const fn spi(&self) -> u32 {
        self.spi
    }

    /// The authenticator.
    pub const fn authenticator(&self) -> &B {
        self.authenticator.inner()
    }

    #[inline]
    fn from_raw<'a>(
        raw: RawOption<'a>,
        own: impl FnOnce(&'a [u8]) -> B,
    ) -> Result<Self, DecodeError> {
        let (spi, authenticator) = raw.at_least()?;
        Ok(Self {
            spi: u32::from_be_bytes(*spi),
            authenticator: BoundedOctets::from_wire(own(authenticator)),
        })
    }

    const fn head(&self) -> [u8; 4] {
        self.spi.to_be_bytes()
    }
}

octets_behind! {
    MobilityMessageAuthentication { subtype, spi, } data;
    BindingAuthorizationDataForFmip { spi, } authenticator;
}
