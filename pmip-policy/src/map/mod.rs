//! Mobile maps: which links which traffic prefers.

mod change;
mod compiled;
mod mobile_map;

pub(crate) use compiled::{Fate, Treatment};

pub use change::{ActiveMap, MapChangeRefused};
pub use compiled::{EntryCounters, MapPolicy, Missing};
pub use mobile_map::{LinkPreference, MapEntry, MobileMap, MobileMapError};
