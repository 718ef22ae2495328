//! Linux behind small traits: namespaces, sockets, TUN, netlink.
//!
//! The driver loop ([`crate::node`]) knows the traits of [`ports`] alone; [`memory`] has their
//! twins for tests without rights.

pub mod access;
pub mod dataplane;
pub mod memory;
pub mod netlink;
pub mod netns;
pub mod network;
pub mod ports;
pub(crate) mod raw;
pub mod rights;
pub mod signalling;
pub mod snapshot;
pub mod state_dir;
pub mod sysctl;
