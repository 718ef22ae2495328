use hmac::digest::CtOutput;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

use super::{AuthenticationMode, CsldCommand, SlaStatus};
use crate::error::{DecodeError, DecodeErrorKind, Field};
use crate::mac::{EmptySecret, hmac_sha256};
use crate::reader::Reader;

/// Octets of the section without Random Number and Digest, and with them.
pub(super) const SHORT_LEN: u32 = 12;
pub(super) const LONG_LEN: u32 = 60;

/// Where Digest stands in a control message: behind the Command-Header and 28 octets.
const DIGEST_AT: usize = 48;
const DIGEST_END: usize = 80;

/// The Authentication CSLD of a control message.
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-------------------------------+-------------------------------+
/// |          Command = 1          |            Status             |
/// +-------------------------------+-------------------------------+
/// |                        Command-Length                         |
/// +---------------+---------------+-------------------------------+
/// |     Mode      |   Reserved    |            Key ID             |
/// +---------------+---------------+-------------------------------+
/// |                      Random Number (16)                       |
/// +---------------------------------------------------------------+
/// |               Message Authentication Digest (32)              |
/// +---------------------------------------------------------------+
/// ```
/// RFC 6812 section 3.1.1.2.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Authentication {
    /// Status: 0 in a request.
    pub status: SlaStatus,
    mode: AuthenticationMode,
    /// Key ID: which shared secret.
    pub key_id: u16,
    proof: Option<Proof>,
}

/// What may be left out without authentication, and is all-zero then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Proof {
    random_number: [u8; 16],
    digest: [u8; 32],
}

const NO_PROOF: Proof = Proof {
    random_number: [0; 16],
    digest: [0; 32],
};

impl Authentication {
    /// No authentication, in 12 octets.
    pub const NONE: Self = Self {
        status: SlaStatus::Success,
        mode: AuthenticationMode::NoAuthentication,
        key_id: 0,
        proof: None,
    };

    /// No authentication, in 60 octets (RFC 6812 section 4: the fields are all-zero then).
    pub const NONE_IN_FULL: Self = Self {
        proof: Some(NO_PROOF),
        ..Self::NONE
    };

    /// Authentication by `mode` with the secret of `key_id`; `random_number` is to be unique over
    /// the life of the secret, or all-zero. The digest is filled in by
    /// [`ControlMessage::sign`](super::ControlMessage::sign).
    ///
    /// Without authentication the random number is left out, as it must be 0 then (RFC 6812
    /// section 4).
    pub fn new(mode: AuthenticationMode, key_id: u16, random_number: [u8; 16]) -> Self {
        let random_number = if mode == AuthenticationMode::NoAuthentication {
            [0; 16]
        } else {
            random_number
        };
        Self {
            mode,
            key_id,
            proof: Some(Proof {
                random_number,
                digest: [0; 32],
            }),
            ..Self::NONE
        }
    }

    /// How the message is authenticated.
    pub const fn mode(&self) -> AuthenticationMode {
        self.mode
    }

    /// Random Number, which a response reflects; `None` where it is left out.
    pub fn random_number(&self) -> Option<[u8; 16]> {
        self.proof.map(|proof| proof.random_number)
    }

    /// Message Authentication Digest; `None` where it is left out.
    pub fn digest(&self) -> Option<[u8; 32]> {
        self.proof.map(|proof| proof.digest)
    }

    pub(super) fn set_digest(&mut self, digest: [u8; 32]) {
        if let Some(proof) = &mut self.proof {
            proof.digest = digest;
        }
    }

    /// Octets of the section.
    pub(super) const fn encoded_len(&self) -> u32 {
        match self.proof {
            Some(_) => LONG_LEN,
            None => SHORT_LEN,
        }
    }

    /// Reads what follows Command-Length, in a section of `length` octets in all.
    pub(super) fn decode(
        status: SlaStatus,
        length: u32,
        reader: &mut Reader<'_>,
    ) -> Result<Self, DecodeError> {
        let length_at = reader.offset().saturating_sub(4);
        if length != SHORT_LEN && length != LONG_LEN {
            return Err(reader.bad_value(length_at, Field::CommandLength, length));
        }
        let mode = AuthenticationMode::from_code(reader.u8(Field::AuthenticationMode)?);
        reader.u8(Field::Reserved)?;
        let key_id = reader.u16(Field::KeyId)?;
        let authenticated = mode != AuthenticationMode::NoAuthentication;
        if length == SHORT_LEN && authenticated {
            return Err(reader.bad_value(length_at, Field::CommandLength, length));
        }
        let mut proof = None;
        if length == LONG_LEN {
            let random_at = reader.offset();
            let random_number = reader.array(Field::RandomNumber)?;
            if !authenticated && random_number != [0; 16] {
                return Err(reader.error_at(random_at, misplaced(Field::RandomNumber)));
            }
            let digest_at = reader.offset();
            let digest = reader.array(Field::Digest)?;
            if !authenticated && digest != [0; 32] {
                return Err(reader.error_at(digest_at, misplaced(Field::Digest)));
            }
            proof = Some(Proof {
                random_number,
                digest,
            });
        }
        Ok(Self {
            status,
            mode,
            key_id,
            proof,
        })
    }

    /// Hands the section to `emit`, with `digest` in the place of its own.
    pub(super) fn pieces(&self, digest: &[u8; 32], emit: &mut impl FnMut(&[u8])) {
        let [s0, s1] = self.status.code().to_be_bytes();
        let [c0, c1] = CsldCommand::Authentication.code().to_be_bytes();
        let [k0, k1] = self.key_id.to_be_bytes();
        emit(&[c0, c1, s0, s1]);
        emit(&self.encoded_len().to_be_bytes());
        emit(&[self.mode.code(), 0, k0, k1]);
        if let Some(proof) = &self.proof {
            emit(&proof.random_number);
            emit(digest);
        }
    }
}

const fn misplaced(field: Field) -> DecodeErrorKind {
    DecodeErrorKind::Misplaced { field }
}

/// Why a control message is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthenticationFailure {
    /// The message is authenticated by another mode than the one wanted.
    #[error("the message is authenticated by mode {found}, {wanted} is wanted")]
    Mode {
        /// The mode wanted.
        wanted: AuthenticationMode,
        /// The mode found.
        found: AuthenticationMode,
    },
    /// A mode that is not known here.
    #[error("authentication mode {0} is not known")]
    UnknownMode(AuthenticationMode),
    /// The digest is not the one that the secret gives.
    #[error("the digest is not the one that the secret gives")]
    Digest,
    /// The secret to check with is empty: whoever signed knows it.
    #[error(transparent)]
    EmptySecret(#[from] EmptySecret),
}

/// A digest that is being taken over a message.
pub(super) enum Hasher {
    Sha256(Sha256),
    Hmac(Hmac<Sha256>),
}

impl Hasher {
    /// `None` for a mode without a digest, or one that is not known.
    ///
    /// # Errors
    /// [`EmptySecret`] where there is a digest but `secret` is empty.
    pub(super) fn new(
        mode: AuthenticationMode,
        secret: &[u8],
    ) -> Result<Option<Self>, EmptySecret> {
        match AuthenticationMode::from_code(mode.code()) {
            AuthenticationMode::Sha256 if secret.is_empty() => Err(EmptySecret),
            AuthenticationMode::Sha256 => {
                Ok(Some(Self::Sha256(Sha256::new().chain_update(secret))))
            }
            AuthenticationMode::HmacSha256 => {
                hmac_sha256(secret).map(|hmac| Some(Self::Hmac(hmac)))
            }
            AuthenticationMode::NoAuthentication | AuthenticationMode::Unknown(_) => Ok(None),
        }
    }

    pub(super) fn update(&mut self, octets: &[u8]) {
        match self {
            Self::Sha256(hasher) => Digest::update(hasher, octets),
            Self::Hmac(hasher) => Mac::update(hasher, octets),
        }
    }

    pub(super) fn finish(self) -> CtOutput<Sha256> {
        match self {
            Self::Sha256(hasher) => CtOutput::new(hasher.finalize()),
            Self::Hmac(hasher) => CtOutput::new(hasher.finalize().into_bytes()),
        }
    }
}

/// Whether the digest in `wire` is the one that `secret` gives; compared in constant time.
pub(super) fn verify(
    wire: &[u8],
    mode: AuthenticationMode,
    secret: &[u8],
) -> Result<(), AuthenticationFailure> {
    if mode == AuthenticationMode::NoAuthentication {
        return Ok(());
    }
    let unknown = AuthenticationFailure::UnknownMode(mode);
    let mut hasher = Hasher::new(mode, secret)?.ok_or(unknown)?;
    let (Some(before), Some(found), Some(behind)) = (
        wire.get(..DIGEST_AT),
        wire.get(DIGEST_AT..).and_then(<[u8]>::first_chunk::<32>),
        wire.get(DIGEST_END..),
    ) else {
        return Err(AuthenticationFailure::Digest);
    };
    hasher.update(before);
    hasher.update(&[0; 32]);
    hasher.update(behind);
    let found = CtOutput::<Sha256>::new((*found).into());
    if hasher.finish() == found {
        Ok(())
    } else {
        Err(AuthenticationFailure::Digest)
    }
}

#[cfg(feature = "arbitrary")]
impl<'a> arbitrary::Arbitrary<'a> for Authentication {
    fn arbitrary(u: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
        let mode = match u.int_in_range(0..=4)? {
            0 => None,
            1 => Some(AuthenticationMode::Sha256),
            2 => Some(AuthenticationMode::HmacSha256),
            3 => Some(AuthenticationMode::NoAuthentication),
            _ => Some(u.arbitrary()?),
        };
        let random_number = u.arbitrary()?;
        let mut authentication = mode.map_or(Self::NONE, |mode| Self::new(mode, 0, random_number));
        authentication.status = u.arbitrary()?;
        authentication.key_id = u.arbitrary()?;
        Ok(authentication)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Authentication {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        struct Fields {
            status: SlaStatus,
            mode: AuthenticationMode,
            key_id: u16,
            proof: Option<Proof>,
        }
        let fields = Fields::deserialize(deserializer)?;
        let fits = match fields.mode == AuthenticationMode::NoAuthentication {
            true => fields.proof.is_none_or(|proof| proof == NO_PROOF),
            false => fields.proof.is_some(),
        };
        if !fits {
            let text = "a random number and digest just where the mode asks for them";
            return Err(serde::de::Error::custom(text));
        }
        Ok(Self {
            status: fields.status,
            mode: fields.mode,
            key_id: fields.key_id,
            proof: fields.proof,
        })
    }
}
