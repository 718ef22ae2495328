//! Mobile maps: which links which traffic prefers.

mod compiled;
mod mobile_map;

pub use compiled::{EntryCounters, MapPolicy, MapSteering};
pub use mobile_map::{LinkPreference, MapEntry, MobileMap, MobileMapError};
