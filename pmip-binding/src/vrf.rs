//! Routing instances.

/// A routing instance (VRF) of a node: addresses of one mean nothing in another.
///
/// 0 is the default one, which is all that a node without VRFs knows. Others are those of
/// [`LmaConfig::vrfs`](crate::LmaConfig::vrfs) by their position there, counted from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct VrfId(pub u16);

impl VrfId {
    /// The node's default routing instance.
    pub const DEFAULT: Self = Self(0);

    /// Whether it is the default one.
    pub const fn is_default(&self) -> bool {
        self.0 == 0
    }
}
