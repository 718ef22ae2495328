//! The values that every crate of the family speaks of, defined once.

mod instant;
mod lifetime;
mod path;
mod prefix;
mod probe_time;
mod sequence;
mod timestamp;

pub use instant::Instant;
pub use lifetime::Lifetime;
pub use path::{Encapsulation, Label, PathId};
pub use prefix::{IpPrefix, PrefixError};
pub use probe_time::{ProbeTimestamp, TimestampFormat};
pub use sequence::SequenceNumber;
pub use timestamp::Timestamp;
