//! More about one binding: RFC 6275 section 6.2.6, RFC 5648, RFC 6058 and RFC 6089.

use alloc::vec::Vec;
use core::net::IpAddr;
use core::time::Duration;

use bytes::Bytes;

use super::layout::{
    fixed_layout, ip_address, octets_behind, over_octets, split_layout, with_address,
};
use super::{InvalidOption, RawOption, bounded};
use crate::bounded::{BoundedOctets, BoundedU8};
use crate::code::Status;
use crate::error::{DecodeError, ExpectedLength};

/// Which nonces the tokens that authorize a Binding Update were made of.
///
/// ```text
///                                 +---------------+---------------+
///                                 |   Type = 4    |  Length = 4   |
/// +-------------------------------+---------------+---------------+
/// |       Home Nonce Index        |     Care-of Nonce Index       |
/// +-------------------------------+-------------------------------+
/// ```
/// RFC 6275 section 6.2.6. Alignment 2n.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct NonceIndices {
    /// The nonce of the home keygen token.
    pub home: u16,
    /// The nonce of the care-of keygen token.
    pub care_of: u16,
}

/// Names one of several bindings of a mobile node, and may bring its care-of address.
///
/// ```text
///                                 +---------------+---------------+
///                                 |   Type = 35   |    Length     |
/// +-------------------------------+---------------+-+-------------+
/// |          Binding ID           |    Status     |H|   BID-PRI   |
/// +-------------------------------+---------------+-+-------------+
/// |      none, IPv4 (4 octets) or IPv6 (16 octets) address        |
/// +---------------------------------------------------------------+
/// ```
/// RFC 5648 section 4.3; BID-PRI of RFC 6089 section 4.1. Any other Length is answered with status
/// 164. Alignment 8n+2 with an address, else 2n; 8n+2 is both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct BindingIdentifier {
    binding_id: u16,
    status: Status,
    home_and_foreign: bool,
    priority: BoundedU8<127>,
    care_of_address: Option<IpAddr>,
}

/// Has the anchor forward downlink packets to the previous gateway for a while.
///
/// ```text
/// +---------------+---------------+-------------+-+---------------+
/// |   Type = 43   |  Length = 2   |  Reserved   |L|   Lifetime    |
/// +---------------+---------------+-------------+-+---------------+
/// ```
/// RFC 6058 section 5.1. No alignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct TransientBinding {
    /// L: the path is switched late.
    pub late_path_switch: bool,
    /// The longest time in this state, in units of 100 milliseconds.
    pub lifetime: u8,
}

over_octets! {
    /// Refreshes flows that are registered: one or more flow identifiers.
    ///
    /// ```text
    /// +---------------+---------------+-------------------------------+
    /// |   Type = 44   |    Length     |              FID              |
    /// +---------------+---------------+-------------------------------+
    /// |            FID ...
    /// +-------------------------------
    /// ```
    /// RFC 6089 section 4.2.2. Alignment 2n.
    pub struct FlowSummary<B = Bytes> {
        flow_ids: BoundedOctets<B, 254, 2, 2>,
    }
}

impl NonceIndices {
    #[inline]
    fn from_raw(raw: RawOption<'_>) -> Result<Self, DecodeError> {
        let [a, b, c, d] = *raw.exactly()?;
        Ok(Self {
            home: u16::from_be_bytes([a, b]),
            care_of: u16::from_be_bytes([c, d]),
        })
    }

    const fn data(&self) -> [u8; 4] {
        let [a, b] = self.home.to_be_bytes();
        let [c, d] = self.care_of.to_be_bytes();
        [a, b, c, d]
    }
}

impl BindingIdentifier {
    /// The binding of this number, without an address, flags or priority, and with status 0. Zero
    /// is reserved.
    pub const fn new(binding_id: u16) -> Self {
        Self {
            binding_id,
            status: Status::Accepted,
            home_and_foreign: false,
            priority: match BoundedU8::new(0) {
                Some(zero) => zero,
                None => unreachable!(),
            },
            care_of_address: None,
        }
    }

    /// With the status of this binding alone; 0 leaves it to the acknowledgement's.
    #[must_use]
    pub const fn with_status(mut self, status: Status) -> Self {
        self.status = status;
        self
    }

    /// With flag H set or cleared: the mobile node is at home and away at the same time.
    #[must_use]
    pub const fn with_home_and_foreign(mut self, home_and_foreign: bool) -> Self {
        self.home_and_foreign = home_and_foreign;
        self
    }

    /// With a priority among the bindings: the lower the number, the higher; 0 is reserved
    /// (RFC 6089 section 4.1).
    ///
    /// # Errors
    /// [`InvalidOption::Reserved`] where `priority` is 0, [`InvalidOption::NumberTooLarge`] where
    /// it exceeds 127.
    pub fn with_priority(mut self, priority: u8) -> Result<Self, InvalidOption> {
        if priority == 0 {
            return Err(InvalidOption::Reserved { number: 0 });
        }
        self.priority = BoundedU8::new(priority).ok_or(InvalidOption::NumberTooLarge {
            number: priority,
            limit: 127,
        })?;
        Ok(self)
    }

    /// With the care-of address of the binding; only in a Binding Update.
    #[must_use]
    pub const fn with_care_of_address(mut self, address: IpAddr) -> Self {
        self.care_of_address = Some(address);
        self
    }

    /// The number of the binding; zero is reserved.
    pub const fn binding_id(&self) -> u16 {
        self.binding_id
    }

    /// The status of this binding alone; where it is 0 the acknowledgement's holds.
    pub const fn status(&self) -> Status {
        self.status
    }

    /// Flag H: the mobile node is at home and away at the same time.
    pub const fn home_and_foreign(&self) -> bool {
        self.home_and_foreign
    }

    /// The priority among the bindings, 0 to 127: the lower the number, the higher; 0 says nothing.
    pub const fn priority(&self) -> u8 {
        self.priority.number()
    }

    /// The care-of address.
    pub const fn care_of_address(&self) -> Option<IpAddr> {
        self.care_of_address
    }

    #[inline]
    fn from_raw(raw: RawOption<'_>) -> Result<Self, DecodeError> {
        let lengths = ExpectedLength::OneOf([4, 8, 20]);
        let Some(([a, b, status, flags], address)) = raw.data().split_first_chunk() else {
            return Err(raw.bad_length(lengths));
        };
        let care_of_address = match address {
            [] => None,
            octets => Some(ip_address(octets).ok_or_else(|| raw.bad_length(lengths))?),
        };
        Ok(Self {
            binding_id: u16::from_be_bytes([*a, *b]),
            status: Status::from_code(*status),
            home_and_foreign: flags & HOME_AND_FOREIGN != 0,
            priority: BoundedU8::saturating(flags & !HOME_AND_FOREIGN),
            care_of_address,
        })
    }

    fn with_parts<R>(value: &Self, f: impl FnOnce(&[u8], &[u8]) -> R) -> R {
        let [a, b] = value.binding_id.to_be_bytes();
        let flag = if value.home_and_foreign {
            HOME_AND_FOREIGN
        } else {
            0
        };
        let head = [a, b, value.status.code(), flag | value.priority.number()];
        match value.care_of_address {
            Some(address) => with_address(&head, address, f),
            None => f(&head, &[]),
        }
    }
}

const HOME_AND_FOREIGN: u8 = 0x80;

impl TransientBinding {
    /// The longest time in this state.
    pub const fn duration(&self) -> Duration {
        Duration::from_millis((self.lifetime as u64).saturating_mul(100))
    }

    #[inline]
    fn from_raw(raw: RawOption<'_>) -> Result<Self, DecodeError> {
        let [flags, lifetime] = *raw.exactly()?;
        Ok(Self {
            late_path_switch: flags & 1 != 0,
            lifetime,
        })
    }

    const fn data(&self) -> [u8; 2] {
        [if self.late_path_switch { 1 } else { 0 }, self.lifetime]
    }
}

impl FlowSummary {
    /// The flows of these numbers.
    ///
    /// # Errors
    /// [`InvalidOption`] where they are none or more than 127, or where one is 0, which is reserved
    /// (RFC 6089 section 4.2).
    pub fn new(flow_ids: &[u16]) -> Result<Self, InvalidOption> {
        if flow_ids.contains(&0) {
            return Err(InvalidOption::Reserved { number: 0 });
        }
        let octets: Vec<u8> = flow_ids.iter().flat_map(|id| id.to_be_bytes()).collect();
        Ok(Self {
            flow_ids: bounded(octets)?,
        })
    }
}

impl<B: AsRef<[u8]>> FlowSummary<B> {
    /// The numbers of the flows, one or more.
    pub fn flow_ids(&self) -> impl ExactSizeIterator<Item = u16> + Clone {
        let (pairs, _) = self.tail().as_chunks();
        pairs.iter().map(|pair| u16::from_be_bytes(*pair))
    }
}

impl<B> FlowSummary<B> {
    #[inline]
    fn from_raw<'a>(
        raw: RawOption<'a>,
        own: impl FnOnce(&'a [u8]) -> B,
    ) -> Result<Self, DecodeError> {
        let octets = raw.data();
        if octets.is_empty() || !octets.len().is_multiple_of(2) {
            return Err(raw.bad_length(ExpectedLength::MultipleOf(2)));
        }
        Ok(Self {
            flow_ids: BoundedOctets::from_wire(own(octets)),
        })
    }

    const fn head(&self) -> [u8; 0] {
        []
    }
}

fixed_layout!(NonceIndices, TransientBinding);
split_layout! {
    BindingIdentifier for BindingIdentifier;
}
octets_behind! {
    FlowSummary {} flow_ids;
}
