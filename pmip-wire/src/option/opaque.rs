//! Options that are octets through and through.

use bytes::Bytes;

use super::layout::{octets_behind, over_octets};
use super::{InvalidOption, RawOption, bounded};
use crate::bounded::BoundedOctets;
use crate::error::DecodeError;

over_octets! {
    /// The data of an option that has no fields: a token, a signature, an authenticator, an
    /// experiment. At most 255 octets.
    ///
    /// ```
    /// use pmip_wire::{MobilityOption, OpaqueOctets};
    ///
    /// let experiment = MobilityOption::Experimental(OpaqueOctets::new(vec![1, 2, 3])?);
    /// assert_eq!(experiment.data_len(), 3);
    /// # Ok::<(), pmip_wire::InvalidOption>(())
    /// ```
    pub struct OpaqueOctets<B = Bytes> {
        octets: BoundedOctets<B, 255>,
    }
}

impl OpaqueOctets {
    /// The data `octets`.
    ///
    /// # Errors
    /// [`InvalidOption::TooLong`] where `octets` exceeds 255 octets.
    pub fn new(octets: impl Into<Bytes>) -> Result<Self, InvalidOption> {
        Ok(Self {
            octets: bounded(octets)?,
        })
    }
}

impl<B> OpaqueOctets<B> {
    /// The octets.
    pub const fn octets(&self) -> &B {
        self.octets.inner()
    }

    #[inline]
    fn from_raw<'a>(
        raw: RawOption<'a>,
        own: impl FnOnce(&'a [u8]) -> B,
    ) -> Result<Self, DecodeError> {
        Ok(Self {
            octets: BoundedOctets::from_wire(own(raw.data())),
        })
    }

    const fn head(&self) -> [u8; 0] {
        []
    }
}

octets_behind! {
    OpaqueOctets {} octets;
}
