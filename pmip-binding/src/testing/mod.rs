//! The simulator (feature `testing`): virtual time, lossy links, worlds of engines.

mod carry;
mod link;
mod nat;
mod scene;
mod tables;
mod timers;
mod trace;
mod world;

pub use link::{Link, LinkConfig, LinkStats, Loss, Sent};
pub use scene::{LMA_ADDRESS, address, lma_config, mag_config};
pub use tables::Tables;
pub use timers::{OrderedSet, Wheel};
pub use world::{Node, UNIX_START, Wake, World, control};
