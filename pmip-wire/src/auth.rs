//! Authenticates whole messages by a shared key: the mobility message authentication option between
//! mobile node and home agent (RFC 4285 section 5.1), here between gateway and anchor.
//!
//! The option covers what stands in front of it, so it is the encoder that adds it, as the last
//! one, and the receiver checks it over the octets it got.
//!
//! ```
//! use pmip_wire::auth::{Addresses, SecurityAssociation, spi};
//! use pmip_wire::{ChecksumContext, Heartbeat, Message, MobilityHeader};
//!
//! let association = SecurityAssociation::new(256, &[0x2a; 16])?;
//! let addresses = Addresses::proxy("2001:db8::1".parse()?);
//! let message = Message::from(Heartbeat::request(7));
//! let wire = association.sign(&message, addresses, ChecksumContext::Udp)?;
//!
//! let header = MobilityHeader::parse(&wire, ChecksumContext::Udp)?;
//! assert_eq!(spi(&header)?, Some(256)); // Tells which association to take.
//! association.verify(&header, addresses)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use alloc::vec::Vec;
use core::fmt;
use core::net::Ipv6Addr;

use bytes::{BufMut, Bytes};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use crate::checksum::ChecksumContext;
use crate::code::{AuthenticationSubtype, OptionType, Status};
use crate::error::DecodeError;
use crate::message::{MAX_MESSAGE_LEN, Message, MobilityHeader};
use crate::option::{MobilityMessageAuthentication, MobilityOption};
use crate::writer::{Writer, write_checksum};

/// SPIs below are reserved (RFC 4285 section 5.1).
pub const FIRST_SPI: u32 = 256;

/// Octets of authentication data: the first 96 bits of an HMAC-SHA1 (RFC 4285 section 5.1).
const DATA_LEN: usize = 12;

/// The addresses that the authentication data covers in front of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Addresses {
    /// The care-of address.
    pub care_of: Ipv6Addr,
    /// The home address.
    pub home: Ipv6Addr,
}

/// What both ends share: a key and the SPI that names it.
#[derive(Clone)]
pub struct SecurityAssociation {
    spi: u32,
    /// Has taken in the key.
    keyed: Hmac<Sha1>,
}

/// Why no security association can be made of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidAssociation {
    /// The SPI is reserved.
    #[error("SPI {0} is reserved: take one from {FIRST_SPI} on")]
    ReservedSpi(u32),
    /// The key is empty.
    #[error("the key is empty")]
    EmptyKey,
}

/// Why a message cannot be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The message has no options that are known here.
    #[error("a message that is kept as it came cannot take an option")]
    Untyped,
    /// The message brings authentication of this kind already.
    #[error("the message is authenticated already")]
    AlreadySigned,
    /// The message holds an option that nothing may follow, or MN-AAA authentication, in front of
    /// which this one must stand although that one covers it (RFC 4285 section 5).
    #[error("the message ends in an option behind which the authentication must not stand")]
    Misplaced,
    /// With the option the message would exceed a Mobility Header.
    #[error("the message leaves no room for its authentication")]
    TooLong,
}

/// Why a message is not authentic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// It brings no authentication between mobile node and home agent.
    #[error("the message is not authenticated")]
    Missing,
    /// Something stands behind the authentication that it must not leave out, or in front of it
    /// that must follow.
    #[error("the authentication is not where it must be: last, and once")]
    Misplaced,
    /// The key is another one.
    #[error("the message is authenticated under SPI {found}, which is another key")]
    OtherSpi {
        /// The SPI found.
        found: u32,
    },
    /// The authentication data is wrong: another key, or the message was changed.
    #[error("the authentication data is wrong")]
    Mismatch,
    /// The options cannot be read.
    #[error(transparent)]
    Malformed(#[from] DecodeError),
}

/// The authentication that a message brings.
struct Found<'a> {
    option: MobilityMessageAuthentication<&'a [u8]>,
    /// Octets of the message that it covers: up to and including the SPI.
    covered: usize,
}

impl Addresses {
    /// Both zero: for a gateway that signals over IPv4, whose address a NAT may change.
    pub const ZERO: Self = Self::proxy(Ipv6Addr::UNSPECIFIED);

    /// For a gateway that signals over IPv6 from this Proxy Care-of Address. A proxy registration
    /// has no one home address: that one is zero.
    pub const fn proxy(care_of: Ipv6Addr) -> Self {
        Self {
            care_of,
            home: Ipv6Addr::UNSPECIFIED,
        }
    }
}

impl SecurityAssociation {
    /// The key that `spi` names. RFC 4285 section 5.1 has keys of 16 octets; others work as well.
    ///
    /// # Errors
    /// [`InvalidAssociation`] where the SPI is reserved or the key empty.
    pub fn new(spi: u32, key: &[u8]) -> Result<Self, InvalidAssociation> {
        if spi < FIRST_SPI {
            return Err(InvalidAssociation::ReservedSpi(spi));
        }
        if key.is_empty() {
            return Err(InvalidAssociation::EmptyKey);
        }
        let keyed = Hmac::new_from_slice(key).map_err(|_| InvalidAssociation::EmptyKey)?;
        Ok(Self { spi, keyed })
    }

    /// The SPI.
    pub const fn spi(&self) -> u32 {
        self.spi
    }

    /// Appends `message` to `out` with its authentication as the last option, and with the checksum
    /// that `context` asks for. Allocates nothing beyond what `out` itself does.
    ///
    /// # Errors
    /// [`SignError`] where the message cannot take the option; `out` stays as it was.
    ///
    /// # Panics
    /// As [`BufMut`] does, when `out` cannot grow and has too little room.
    pub fn encode(
        &self,
        message: &Message,
        addresses: Addresses,
        context: ChecksumContext,
        out: &mut impl BufMut,
    ) -> Result<(), SignError> {
        let mut buffer = [0; MAX_MESSAGE_LEN];
        message
            .encode_to_slice(ChecksumContext::Udp, &mut buffer)
            .ok_or(SignError::TooLong)?;
        let end = end_of_options(message, &buffer)?;

        let mut writer = Writer::resume(&mut buffer, end);
        let [a, b, c, d] = self.spi.to_be_bytes();
        let subtype = AuthenticationSubtype::MobileNodeAndHomeAgent.code();
        writer.option(
            OptionType::MobilityMessageAuthentication,
            &[subtype, a, b, c, d],
            &[0; DATA_LEN],
        );
        let length = writer.finish(message.mh_type(), ChecksumContext::Udp.pseudo_header());

        let signed = buffer.get_mut(..length).ok_or(SignError::TooLong)?;
        let (covered, data) = signed
            .split_last_chunk_mut::<DATA_LEN>()
            .ok_or(SignError::TooLong)?;
        let mac = self.mac(covered, addresses).finalize().into_bytes();
        for (slot, octet) in data.iter_mut().zip(mac) {
            *slot = octet;
        }
        write_checksum(signed, context.pseudo_header());
        out.put_slice(signed);
        Ok(())
    }

    /// [`SecurityAssociation::encode`] into bytes of its own.
    ///
    /// # Errors
    /// [`SignError`] where the message cannot take the option.
    pub fn sign(
        &self,
        message: &Message,
        addresses: Addresses,
        context: ChecksumContext,
    ) -> Result<Bytes, SignError> {
        let mut out = Vec::new();
        self.encode(message, addresses, context, &mut out)?;
        Ok(out.into())
    }

    /// Checks the authentication of a received message, in time that does not depend on where it is
    /// wrong.
    ///
    /// # Errors
    /// [`VerifyError`] where the message is not authentic under this key and these addresses.
    pub fn verify(
        &self,
        header: &MobilityHeader<'_>,
        addresses: Addresses,
    ) -> Result<(), VerifyError> {
        let Found { option, covered } = find(header)?.ok_or(VerifyError::Missing)?;
        if option.spi() != self.spi {
            let found = option.spi();
            return Err(VerifyError::OtherSpi { found });
        }
        let covered = header.as_bytes().get(..covered).unwrap_or_default();
        let data = *option.data();
        if data.len() != DATA_LEN {
            return Err(VerifyError::Mismatch);
        }
        let mac = self.mac(covered, addresses);
        mac.verify_truncated_left(data)
            .map_err(|_| VerifyError::Mismatch)
    }

    /// The code over the addresses and `covered`, in which the checksum counts as zero.
    fn mac(&self, covered: &[u8], addresses: Addresses) -> Hmac<Sha1> {
        let mut mac = self.keyed.clone();
        mac.update(&addresses.care_of.octets());
        mac.update(&addresses.home.octets());
        mac.update(covered.get(..4).unwrap_or_default());
        mac.update(&[0, 0]);
        mac.update(covered.get(6..).unwrap_or_default());
        mac
    }
}

impl VerifyError {
    /// The status to refuse the registration with; `None` where it is dropped in silence
    /// (RFC 4285 sections 5 and 5.1.1).
    pub const fn status(&self) -> Option<Status> {
        match self {
            Self::Mismatch => Some(Status::AuthenticationFailed),
            Self::Missing | Self::Misplaced | Self::OtherSpi { .. } | Self::Malformed(_) => None,
        }
    }
}

/// The SPI under which the message is authenticated between mobile node and home agent; `None`
/// where it is not.
///
/// # Errors
/// [`VerifyError`] where the options cannot be read, or where the authentication is not the last of
/// them: whoever could add options behind it would not be noticed.
pub fn spi(header: &MobilityHeader<'_>) -> Result<Option<u32>, VerifyError> {
    Ok(find(header)?.map(|found| found.option.spi()))
}

/// Only authentication of other kinds, and padding, may follow; an AAA's must not come first
/// (RFC 4285 section 5).
fn find<'a>(header: &MobilityHeader<'a>) -> Result<Option<Found<'a>>, VerifyError> {
    let Some(options) = header.options() else {
        return Ok(None);
    };
    let mut found = None;
    let mut aaa_seen = false;
    for raw in options {
        let raw = raw?;
        if raw.option_type() != OptionType::MobilityMessageAuthentication {
            if found.is_some() && !raw.is_padding() {
                return Err(VerifyError::Misplaced);
            }
            continue;
        }
        let Some(MobilityOption::MobilityMessageAuthentication(option)) = raw.decode()? else {
            continue;
        };
        match option.subtype() {
            AuthenticationSubtype::MobileNodeAndHomeAgent if found.is_some() || aaa_seen => {
                return Err(VerifyError::Misplaced);
            }
            AuthenticationSubtype::MobileNodeAndHomeAgent => {
                // Type, Length, Subtype and SPI.
                let covered = usize::from(raw.offset()).saturating_add(7);
                found = Some(Found { option, covered });
            }
            AuthenticationSubtype::MobileNodeAndAaa => aaa_seen = true,
            AuthenticationSubtype::Unknown(_) => {}
        }
    }
    Ok(found)
}

/// Where the options of `message`, which `wire` starts with, end without their last padding.
fn end_of_options(message: &Message, wire: &[u8]) -> Result<usize, SignError> {
    let options = message.options().ok_or(SignError::Untyped)?;
    let authenticated_by = |subtype| {
        options
            .mobility_message_authentications()
            .any(|option| option.subtype() == subtype)
    };
    if authenticated_by(AuthenticationSubtype::MobileNodeAndHomeAgent) {
        return Err(SignError::AlreadySigned);
    }
    if authenticated_by(AuthenticationSubtype::MobileNodeAndAaa)
        || options.iter().any(|option| is_last(&option))
    {
        return Err(SignError::Misplaced);
    }
    let header = MobilityHeader::parse(wire, ChecksumContext::Udp);
    let header = header.map_err(|_| SignError::Untyped)?;
    let whole = header.as_bytes().len();
    let mut end = whole;
    for raw in header.options().into_iter().flatten().flatten() {
        end = match raw.is_padding() {
            true => end.min(raw.offset().into()),
            false => whole,
        };
    }
    Ok(end)
}

/// Whether `option` must be the last one (RFC 6275 section 6.2.7, RFC 5568 section 6.4.5).
const fn is_last(option: &MobilityOption<&[u8]>) -> bool {
    matches!(
        option,
        MobilityOption::BindingAuthorizationData(_)
            | MobilityOption::BindingAuthorizationDataForFmip(_)
    )
}

impl fmt::Debug for SecurityAssociation {
    /// The key stays out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecurityAssociation")
            .field("spi", &self.spi)
            .finish_non_exhaustive()
    }
}
