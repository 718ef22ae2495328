//! The simulator (feature `testing`): virtual time, lossy links, worlds of engines.

mod link;

pub use link::{Link, LinkConfig, LinkStats, Loss, Sent};
