//! The data plane of multipath Proxy Mobile IPv6 as pure functions: encapsulation, lookup, path
//! choice, guards.
//!
//! A driver owns the devices; this crate says what to do with each packet.
//!
//! - [`ForwardingTable`] is the snapshot of sessions and paths, cheap to clone and to edit.
//! - [`Forwarder`] is one worker's packet path. [`Forwarder::outbound`] takes a packet or a
//!   super-packet of the kernel's segmentation offload and says which path carries it, in which
//!   pieces; [`Forwarder::inbound`] takes what came out of a tunnel and says whether to deliver it.
//! - [`SegmentArena`] and [`Coalescer`] cut and join super-packets with new headers in an arena and
//!   the payload left where it lies: a driver sends both with one gathering system call.
//! - [`encap`] builds and reads whole outer packets for drivers that want them, cuts them into
//!   fragments and puts those together.
//! - [`TunnelAcl`] filters what comes out of tunnels.
//! - [`pmtu`] finds the MTU of a path, by probes and by what networks say; [`UnderlayError`] reads
//!   the latter.
//!
//! In steady state nothing is allocated and no payload is copied.
//!
//! # Features
//! - `std` (default): nothing but `std::error::Error` in dependants.
//! - `binding`: `ForwardingTable::apply` takes `pmip_binding::Forwarding` events.
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![warn(clippy::alloc_instead_of_core, clippy::std_instead_of_core)]
#![cfg_attr(
    not(test),
    warn(
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        clippy::indexing_slicing
    )
)]

extern crate alloc;

#[cfg(feature = "binding")]
mod binding;
mod coalesce;
mod counters;
mod ecn;
pub mod encap;
mod forwarder;
mod guard;
mod icmp;
mod mss;
mod octets;
mod offload;
mod packet;
pub mod pmtu;
mod segment;
mod table;
#[cfg(test)]
mod testing;
mod time;

pub use coalesce::{Coalescer, Merged, Pieces};
pub use counters::{Carried, Counters, DropReason, PathCounters};
pub use ecn::Ecn;
pub use forwarder::{
    Arrival, Delivery, FlowHint, Forwarder, ForwarderConfig, Inbound, LocalDelivery, Outbound,
    TunnelSend, Underlay,
};
pub use guard::TunnelAcl;
pub use icmp::{UnderlayError, UnderlayProblem};
pub use offload::{PacketOffload, PartialChecksum, Segmentation, SegmentationKind, UnknownOffload};
pub use packet::{Fragment, Packet, PacketError};
pub use segment::{OffloadMismatch, Segment, SegmentArena, cut};
pub use table::{ForwardingTable, PathKeys, Role, SessionKey, TunnelPath, TunnelSession, VrfId};

/// The example of the README, which is to work as it stands.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
