//! The values that every crate of the family speaks of, defined once.

mod instant;
mod path;
mod prefix;

pub use instant::Instant;
pub use path::{Encapsulation, Label, PathId};
pub use prefix::{IpPrefix, PrefixError};
