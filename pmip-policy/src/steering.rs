use pmip_wire::types::PathId;

use crate::key::FlowKey;
use crate::path::PathSet;

/// What decides where a flow goes when the [flow table](crate::FlowTable) has to ask.
///
/// [`PathSet`] is the plain answer: any usable path, by weight. A precomputed bucket table or a
/// mobile map is another. The table asks once per flow and once per flow and generation, never per
/// packet.
pub trait Steering {
    /// The path for a flow that has none, or whose path is no longer allowed.
    ///
    /// # Errors
    /// [`NoPath`] when nothing may carry it now.
    fn select(&self, key: &FlowKey, hash: u64) -> Result<Selection, NoPath>;

    /// Whether a flow that `rule` put on `path` may stay there.
    fn allows(&self, path: PathId, rule: u8) -> bool;
}

/// An answer of [`Steering::select`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Selection {
    /// The path.
    pub path: PathId,
    /// The mobile-map entry that decided, 1 to 255; 0 is the default class.
    pub rule: u8,
}

impl Selection {
    /// `path`, chosen by `rule` (0: the default class).
    pub const fn new(path: PathId, rule: u8) -> Self {
        Self { path, rule }
    }
}

/// Why a packet has no path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum NoPath {
    /// No path of the set may carry traffic now; the flow keeps its place for when one returns.
    #[error("no usable path: wait for a path to come up")]
    NoneUsable,
    /// No link that the mobile-map entry names may carry it, and `null` ends the entry's list.
    #[error("dropped by null of mobile-map entry {entry}: none of its links is usable")]
    Null {
        /// The entry, 1 to 255.
        entry: u8,
    },
}

impl Steering for PathSet {
    #[inline]
    fn select(&self, _key: &FlowKey, hash: u64) -> Result<Selection, NoPath> {
        let path = self.pick(hash).ok_or(NoPath::NoneUsable)?;
        Ok(Selection::new(path, 0))
    }

    #[inline]
    fn allows(&self, path: PathId, _rule: u8) -> bool {
        self.is_usable(path)
    }
}
