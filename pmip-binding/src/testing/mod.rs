//! The simulator (feature `testing`): virtual time, lossy links, worlds of engines.

mod carry;
mod forge;
mod link;
mod model;
mod nat;
mod play;
mod scenario;
mod scene;
mod tables;
mod timers;
mod trace;
mod world;

pub use link::{Link, LinkConfig, LinkStats, Loss, Sent};
pub use play::Played;
pub use scenario::{ConfigChange, Forgery, Gateway, Scenario, Topology, Transition};
pub use scene::{LMA_ADDRESS, address, lma_config, mag_config};
pub use tables::Tables;
pub use timers::{OrderedSet, Wheel};
pub use trace::describe;
pub use world::{Node, Taped, UNIX_START, Wake, World, control};
