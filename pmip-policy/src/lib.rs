//! Path choice for multipath Proxy Mobile IPv6.
//!
//! One question is answered here: *which path carries this packet?* The answer has three parts.
//!
//! - [`FlowKey`] names a flow: addresses, protocol, ports, DSCP, flow label.
//! - [`PathSet`] holds the paths that could carry it, each with a weight, and picks one by weighted
//!   rendezvous hashing: shares follow the weights, and a change moves only the share that must
//!   move.
//! - [`FlowTable`] remembers where each flow went, so that a flow stays on its path while that path
//!   lives, whatever happens to the others.
//!
//! A [`MobileMap`] narrows the choice: its entries match traffic by [`AccessList`], name the links
//! that it prefers and the traffic profile that these must meet. Compiled, it is a [`MapPolicy`]; a
//! [`SteeringTable`] puts it over paths and the [`Verdicts`] on them, and answers the flow table.
//!
//! Everything is pure: time comes in as [`Instant`](pmip_wire::types::Instant), the hash seed at
//! construction, and nothing is iterated in hash order, so equal inputs give equal answers.
//!
//! # Example
//! Two links, one three times the other; then the bigger one dies.
//!
//! ```
//! use core::net::Ipv4Addr;
//! use pmip_policy::{Candidate, FlowKey, FlowTable, FlowTableConfig, Outcome, PathSet};
//! use pmip_wire::types::{Instant, PathId};
//!
//! let (lte, dsl) = (PathId(1), PathId(2));
//! let mut paths = PathSet::new();
//! paths.insert(Candidate::new(lte, 75))?;
//! paths.insert(Candidate::new(dsl, 25))?;
//!
//! let mut flows = FlowTable::new(FlowTableConfig::default(), 0x5eed);
//! let (now, session, mut generation) = (Instant::from_secs(1), 7, 1);
//! let client = Ipv4Addr::new(10, 0, 0, 2).into();
//! let server = Ipv4Addr::new(192, 0, 2, 1).into();
//! let key = FlowKey::new(client, server, FlowKey::TCP).with_ports(40_000, 443);
//!
//! let first = flows.choose(now, key, session, &paths, generation)?;
//! assert_eq!(first.outcome, Outcome::New);
//!
//! // The path set changed: its generation goes up, and the flow moves only if its path is gone.
//! paths.set_usable(first.path, false);
//! generation += 1;
//! let second = flows.choose(now, key, session, &paths, generation)?;
//! assert_eq!(second.outcome, Outcome::Moved { from: first.path });
//! assert_ne!(second.path, first.path);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Features
//! - `std` (default): nothing but `std::error::Error` in dependants; the crate is `no_std` + `alloc`.
//! - `serde`: configuration and what `show` prints can be written and read.
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![warn(clippy::alloc_instead_of_core, clippy::std_instead_of_core)]

extern crate alloc;

mod acl;
mod balance;
mod buckets;
mod flow;
mod key;
mod map;
mod path;
mod profile;
pub mod rendezvous;
mod steering;

pub use acl::{
    AccessList, AccessListError, AccessListVerdict, Action, AddressMatch, CompiledAccessList,
    Family, Line, LineHits, PortMatch, Rule, Selector,
};
pub use balance::{Balancer, Direction, LinkShare, LinkShareError, LoadBalance, PathSample};
pub use buckets::Buckets;
pub use flow::{
    Choice, FlowInfo, FlowRef, FlowTable, FlowTableConfig, FlowTableStats, Flows, Outcome, Reason,
    Spread,
};
pub use key::{FlowKey, FlowSeed};
pub use map::{
    ActiveMap, EntryCounters, LinkPreference, MapChangeRefused, MapEntry, MapPolicy, Missing,
    MobileMap, MobileMapError,
};
pub use path::{Candidate, PathSet, PathSetFull};
pub use profile::{ProfileId, ProfileState, Verdict, Verdicts};
pub use steering::{
    CandidateStanding, NoPath, PathDecision, PlacedFlow, Review, Selection, Standing, Steering,
    SteeringTable,
};

/// The example of the README, which is to work as it stands.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
