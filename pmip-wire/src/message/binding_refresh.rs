use super::body::{Body, Layout};
use crate::error::Field;
use crate::option::MobilityOptions;

/// A Binding Refresh Request, MH type 0: asks a mobile node to update its binding.
///
/// ```text
///                                 +-------------------------------+
///                                 |           Reserved            |
/// +-------------------------------+-------------------------------+
/// |                      Mobility Options ...                     |
/// +---------------------------------------------------------------+
/// ```
/// RFC 6275 section 6.1.2.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct BindingRefreshRequest {
    /// Options in wire order.
    pub options: MobilityOptions,
}

impl Body for BindingRefreshRequest {
    type Fixed = [u8; 2];

    const LAYOUT: Layout = &[(Field::Reserved, 2)];

    #[inline]
    fn from_wire(_reserved: &[u8; 2], options: MobilityOptions) -> Self {
        Self { options }
    }

    #[inline]
    fn to_wire(&self) -> [u8; 2] {
        [0; 2]
    }
}
