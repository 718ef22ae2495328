use core::net::Ipv6Addr;

use super::body::{Body, Layout};
use crate::code::BindingErrorStatus;
use crate::error::Field;
use crate::option::MobilityOptions;

/// A Binding Error, MH type 7: either side reports a message that it cannot act on.
///
/// ```text
///                                 +---------------+---------------+
///                                 |    Status     |   Reserved    |
/// +-------------------------------+---------------+---------------+
/// |                    Home Address (16 octets)                   |
/// +---------------------------------------------------------------+
/// |                      Mobility Options ...                     |
/// +---------------------------------------------------------------+
/// ```
/// RFC 6275 section 6.1.9.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct BindingError {
    /// Why.
    pub status: BindingErrorStatus,
    /// The home address of the message's Home Address option, unspecified without one.
    pub home_address: Ipv6Addr,
    /// Options in wire order.
    pub options: MobilityOptions,
}

impl BindingError {
    /// The answer to a message type that is not known here: status 2 (RFC 6275 section 9.2).
    pub fn unrecognized_mh_type() -> Self {
        Self {
            status: BindingErrorStatus::UnrecognizedMhType,
            home_address: Ipv6Addr::UNSPECIFIED,
            options: MobilityOptions::new(),
        }
    }
}

impl Body for BindingError {
    type Fixed = [u8; 18];

    const LAYOUT: Layout = &[
        (Field::Status, 1),
        (Field::Reserved, 1),
        (Field::HomeAddress, 16),
    ];

    #[inline]
    fn from_wire(fixed: &[u8; 18], options: MobilityOptions) -> Self {
        let [status, _reserved, home_address @ ..] = *fixed;
        Self {
            status: BindingErrorStatus::from_code(status),
            home_address: Ipv6Addr::from(home_address),
            options,
        }
    }

    #[inline]
    fn to_wire(&self) -> [u8; 18] {
        let mut fixed = [0; 18];
        let [status, _reserved, home_address @ ..] = &mut fixed;
        *status = self.status.code();
        *home_address = self.home_address.octets();
        fixed
    }
}
