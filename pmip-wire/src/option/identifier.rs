//! Identifiers of mobile nodes and gateways (RFC 4283, RFC 5213 section 8.6, RFC 8278).

use bytes::Bytes;

use super::layout::{octets_behind, over_octets};
use super::{InvalidOption, RawOption};
use crate::bounded::BoundedOctets;
use crate::code::MnIdSubtype;
use crate::error::DecodeError;

over_octets! {
    /// Who the mobile node is; exactly one in each PBU and PBA.
    ///
    /// ```text
    ///                 +---------------+---------------+---------------+
    ///                 |   Type = 8    |    Length     |    Subtype    |
    /// +---------------+---------------+---------------+---------------+
    /// |                        Identifier ...                         |
    /// +---------------------------------------------------------------+
    /// ```
    /// RFC 4283 section 3. No alignment.
    pub struct MobileNodeIdentifier<B = Bytes> {
        subtype: MnIdSubtype,
        identifier: BoundedOctets<B, 254>,
    }

    /// Which gateway sends a multipath registration; an LMA does not return it.
    ///
    /// ```text
    /// +---------------+---------------+---------------+---------------+
    /// |   Type = 64   |    Length     |    Subtype    |   Reserved    |
    /// +---------------+---------------+---------------+---------------+
    /// |                        Identifier ...                         |
    /// +---------------------------------------------------------------+
    /// ```
    /// RFC 8278 section 4.2. No alignment.
    pub struct MagIdentifier<B = Bytes> {
        subtype: MnIdSubtype,
        identifier: BoundedOctets<B, 253>,
    }

    /// The link-layer address of the mobile node's interface. Not sent where it is not known.
    ///
    /// ```text
    /// +---------------+---------------+-------------------------------+
    /// |   Type = 25   |    Length     |           Reserved            |
    /// +---------------+---------------+-------------------------------+
    /// |                  Link-layer Identifier ...                    |
    /// +---------------------------------------------------------------+
    /// ```
    /// RFC 5213 section 8.6, which fixes no alignment.
    pub struct LinkLayerIdentifier<B = Bytes> {
        identifier: BoundedOctets<B, 253>,
    }
}

macro_rules! subtyped_identifier {
    ($name:ident, $limit:literal) => {
        impl $name {
            /// An identifier of the given subtype.
            ///
            /// # Errors
            #[doc = concat!("[`InvalidOption::TooLong`] where `identifier` exceeds ", stringify!($limit), " octets.")]
            pub fn new(
                subtype: MnIdSubtype,
                identifier: impl Into<Bytes>,
            ) -> Result<Self, InvalidOption> {
                let identifier = identifier.into();
                let length = identifier.len();
                let identifier = BoundedOctets::new(identifier).ok_or(InvalidOption::TooLong {
                    length,
                    limit: $limit,
                })?;
                Ok(Self { subtype, identifier })
            }

            /// A network access identifier, such as `node@example.net` (RFC 4282).
            ///
            /// # Errors
            #[doc = concat!("[`InvalidOption::TooLong`] where `nai` exceeds ", stringify!($limit), " octets.")]
            pub fn nai(nai: &str) -> Result<Self, InvalidOption> {
                Self::new(MnIdSubtype::Nai, Bytes::copy_from_slice(nai.as_bytes()))
            }
        }

        impl<'a> $name<&'a [u8]> {
            /// An identifier of the given subtype that borrows its octets, for
            /// [`MobilityOptions::push_borrowed`].
            ///
            /// [`MobilityOptions::push_borrowed`]: super::MobilityOptions::push_borrowed
            ///
            /// # Errors
            #[doc = concat!("[`InvalidOption::TooLong`] where `identifier` exceeds ", stringify!($limit), " octets.")]
            #[inline]
            pub fn borrowed(
                subtype: MnIdSubtype,
                identifier: &'a [u8],
            ) -> Result<Self, InvalidOption> {
                let length = identifier.len();
                let limit = $limit;
                let identifier = BoundedOctets::new(identifier)
                    .ok_or(InvalidOption::TooLong { length, limit })?;
                Ok(Self { subtype, identifier })
            }
        }

        impl<B> $name<B> {
            /// What the identifier is made of.
            pub const fn subtype(&self) -> MnIdSubtype {
                self.subtype
            }

            /// The identifier's octets.
            pub const fn identifier(&self) -> &B {
                self.identifier.inner()
            }
        }

        impl $name {
            /// The identifier as text; `None` where it is not an NAI in UTF-8.
            pub fn as_nai(&self) -> Option<&str> {
                nai(self.subtype, self.identifier.octets())
            }
        }

        impl<'a> $name<&'a [u8]> {
            /// The identifier as text; `None` where it is not an NAI in UTF-8.
            pub fn as_nai(&self) -> Option<&'a str> {
                nai(self.subtype, self.identifier.inner())
            }
        }
    };
}

/// The text of an identifier that is an NAI in UTF-8.
fn nai(subtype: MnIdSubtype, identifier: &[u8]) -> Option<&str> {
    (subtype == MnIdSubtype::Nai)
        .then(|| core::str::from_utf8(identifier).ok())
        .flatten()
}

subtyped_identifier!(MobileNodeIdentifier, 254);
subtyped_identifier!(MagIdentifier, 253);

impl MobileNodeIdentifier {
    /// The identifier of a rejection for want of one: an NAI of no octets
    /// (RFC 5213 section 5.3.1 item 4).
    pub const fn empty() -> Self {
        Self {
            subtype: MnIdSubtype::Nai,
            identifier: BoundedOctets::from_wire(Bytes::new()),
        }
    }
}

impl<B> MobileNodeIdentifier<B> {
    #[inline]
    fn from_raw<'a>(
        raw: RawOption<'a>,
        own: impl FnOnce(&'a [u8]) -> B,
    ) -> Result<Self, DecodeError> {
        let ([subtype], identifier) = raw.at_least()?;
        Ok(Self {
            subtype: MnIdSubtype::from_code(*subtype),
            identifier: BoundedOctets::from_wire(own(identifier)),
        })
    }

    const fn head(&self) -> [u8; 1] {
        [self.subtype.code()]
    }
}

impl<B> MagIdentifier<B> {
    #[inline]
    fn from_raw<'a>(
        raw: RawOption<'a>,
        own: impl FnOnce(&'a [u8]) -> B,
    ) -> Result<Self, DecodeError> {
        let ([subtype, _reserved], identifier) = raw.at_least()?;
        Ok(Self {
            subtype: MnIdSubtype::from_code(*subtype),
            identifier: BoundedOctets::from_wire(own(identifier)),
        })
    }

    const fn head(&self) -> [u8; 2] {
        [self.subtype.code(), 0]
    }
}

impl LinkLayerIdentifier {
    /// The link-layer address `identifier`, in the octet order of RFC 4861 section 4.6.
    ///
    /// # Errors
    /// [`InvalidOption::TooLong`] where `identifier` exceeds 253 octets.
    pub fn new(identifier: impl Into<Bytes>) -> Result<Self, InvalidOption> {
        let identifier = identifier.into();
        let length = identifier.len();
        let identifier =
            BoundedOctets::new(identifier).ok_or(InvalidOption::TooLong { length, limit: 253 })?;
        Ok(Self { identifier })
    }

    /// A 48-bit MAC address.
    pub fn mac(address: [u8; 6]) -> Self {
        Self {
            identifier: BoundedOctets::from_wire(Bytes::copy_from_slice(&address)),
        }
    }
}

impl<'a> LinkLayerIdentifier<&'a [u8]> {
    /// The link-layer address `identifier`, which it borrows, for
    /// [`MobilityOptions::push_borrowed`].
    ///
    /// [`MobilityOptions::push_borrowed`]: super::MobilityOptions::push_borrowed
    ///
    /// # Errors
    /// [`InvalidOption::TooLong`] where `identifier` exceeds 253 octets.
    #[inline]
    pub fn borrowed(identifier: &'a [u8]) -> Result<Self, InvalidOption> {
        let length = identifier.len();
        let identifier =
            BoundedOctets::new(identifier).ok_or(InvalidOption::TooLong { length, limit: 253 })?;
        Ok(Self { identifier })
    }
}

impl<B> LinkLayerIdentifier<B> {
    /// The identifier's octets.
    pub const fn identifier(&self) -> &B {
        self.identifier.inner()
    }

    #[inline]
    fn from_raw<'a>(
        raw: RawOption<'a>,
        own: impl FnOnce(&'a [u8]) -> B,
    ) -> Result<Self, DecodeError> {
        let ([_, _], identifier) = raw.at_least()?;
        Ok(Self {
            identifier: BoundedOctets::from_wire(own(identifier)),
        })
    }

    const fn head(&self) -> [u8; 2] {
        [0, 0]
    }
}

impl<B: AsRef<[u8]>> LinkLayerIdentifier<B> {
    /// Whether every octet is zero: the same as no identifier (RFC 5213 section 2.2).
    pub fn is_all_zero(&self) -> bool {
        self.tail().iter().all(|octet| *octet == 0)
    }
}

octets_behind! {
    MobileNodeIdentifier { subtype, } identifier;
    MagIdentifier { subtype, } identifier;
    LinkLayerIdentifier {} identifier;
}
