//! The data plane of multipath Proxy Mobile IPv6 as pure functions: encapsulation, lookup, path
//! choice, guards.
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![warn(
    clippy::alloc_instead_of_core,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::std_instead_of_core
)]

extern crate alloc;

mod table;

pub use table::{ForwardingTable, Role, SessionKey, TunnelPath, TunnelSession};
