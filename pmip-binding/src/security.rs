//! The authentication of messages (RFC 4285 section 5), as both engines use it.

use std::net::IpAddr;

use bytes::Bytes;
use pmip_wire::auth::{self, Addresses, SecurityAssociation, VerifyError};
use pmip_wire::{ChecksumContext, Message, MobilityHeader};

use crate::config::SharedKey;
use crate::event::DropReason;

/// What a message shows about who sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// It is not authenticated.
    Missing,
    /// It is authentic under the key of this SPI.
    Valid(u32),
    /// It claims this SPI, whose key it was not made with, or it was changed on its way.
    Failed(u32),
}

/// What protects a message on its way out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Protection<'a> {
    /// The key to send with.
    pub(crate) association: &'a SecurityAssociation,
    /// The gateway's address, whichever end sends.
    pub(crate) gateway: IpAddr,
}

impl Proof {
    /// The SPI of an authentic message.
    pub(crate) const fn valid(self) -> Option<u32> {
        match self {
            Self::Valid(spi) => Some(spi),
            Self::Missing | Self::Failed(_) => None,
        }
    }
}

impl Protection<'_> {
    /// The message with its authentication as the last option; `None` where it leaves no room for
    /// it.
    pub(crate) fn seal(&self, message: &Message, context: ChecksumContext) -> Option<Bytes> {
        let addresses = addresses(self.gateway);
        self.association.sign(message, addresses, context).ok()
    }
}

/// What an engine computes with; the configuration was found right.
pub(crate) fn associations(keys: &[SharedKey]) -> Vec<SecurityAssociation> {
    keys.iter().filter_map(SharedKey::association).collect()
}

/// Checks the authentication of a received message between `gateway` and its anchor.
pub(crate) fn prove<'a>(
    header: &MobilityHeader<'_>,
    gateway: IpAddr,
    association: impl FnOnce(u32) -> Option<&'a SecurityAssociation>,
) -> Result<Proof, DropReason> {
    let Some(spi) = auth::spi(header).map_err(|error| reason(&error))? else {
        return Ok(Proof::Missing);
    };
    let association = association(spi).ok_or(DropReason::UnknownSpi)?;
    match association.verify(header, addresses(gateway)) {
        Ok(()) => Ok(Proof::Valid(spi)),
        Err(VerifyError::Mismatch) => Ok(Proof::Failed(spi)),
        Err(error) => Err(reason(&error)),
    }
}

/// Behind a NAT the anchor does not know the gateway's address as the gateway does (signalling
/// rules section 6).
fn addresses(gateway: IpAddr) -> Addresses {
    match gateway {
        IpAddr::V6(care_of) => Addresses::proxy(care_of),
        IpAddr::V4(_) => Addresses::ZERO,
    }
}

fn reason(error: &VerifyError) -> DropReason {
    match error {
        VerifyError::Misplaced => DropReason::AuthenticationMisplaced,
        VerifyError::Malformed(_) => DropReason::Malformed,
        VerifyError::OtherSpi { .. } => DropReason::UnknownSpi,
        VerifyError::Missing => DropReason::Unauthenticated,
        VerifyError::Mismatch | _ => DropReason::AuthenticationFailed,
    }
}
