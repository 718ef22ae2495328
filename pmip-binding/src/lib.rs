//! LMA and MAG protocol engines of multipath Proxy Mobile IPv6, sans-IO.
//!
//! [`Lma`] and [`Mag`] are state machines without sockets, threads, clocks or chance: datagrams,
//! interface changes and the time go in by [`handle_input`](Mag::handle_input); datagrams to send,
//! events and the next deadline come out by [`poll_output`](Mag::poll_output).
//!
//! ```
//! use std::net::{IpAddr, Ipv4Addr};
//! use std::time::Duration;
//! use pmip_binding::config::{LmaPeer, LogicalMobileNode, RoamingInterface};
//! use pmip_binding::{ClockAnchor, Input, InterfaceChange, InterfaceState, Mag, MagConfig, Output};
//! use pmip_wire::types::Instant;
//!
//! let mut anchor = LmaPeer::new("lma1");
//! anchor.ipv4_address = Some(Ipv4Addr::new(192, 0, 2, 1));
//! let mut config = MagConfig::new("mag1");
//! config.multipath = true;
//! config.lmas = vec![anchor];
//! config.roaming_interfaces = vec![RoamingInterface::new("wwan0", 1, 8)];
//! config.logical_mobile_nodes =
//!     vec![LogicalMobileNode::new("van7@example.com", [2, 0, 0, 0, 0, 7])];
//!
//! // A program reads these from its clocks; a simulator makes them up.
//! let start = Instant::ZERO;
//! let clock = ClockAnchor { instant: start, unix: Duration::from_secs(1_767_225_600) };
//! let mut mag = Mag::new(config, [0; 32], clock, start)?;
//!
//! // Something happened: tell the engine ...
//! let state = InterfaceState::Up(IpAddr::from([198, 51, 100, 10]));
//! mag.handle_input(start, Input::Interface(InterfaceChange { binding_id: 1, state }));
//!
//! // ... and do what it wants, in order, until it has nothing more.
//! let mut registered = false;
//! let wake_at = loop {
//!     match mag.poll_output() {
//!         Output::Transmit(datagram) => registered |= datagram.destination.port() == 5436,
//!         Output::Event(event) => println!("{event:?}"),
//!         Output::Timeout(at) => break at,
//!         _ => {}
//!     }
//! };
//! assert!(registered, "the Proxy Binding Update is out");
//!
//! // Nobody answered until then: give the time, and it is sent again.
//! mag.handle_input(wake_at.unwrap(), Input::Timeout);
//! assert!(matches!(mag.poll_output(), Output::Transmit(_)));
//! # Ok::<(), pmip_binding::config::ConfigErrors>(())
//! ```
//!
//! # The contract
//!
//! - Any number of inputs may be given before outputs are taken; outputs keep their order.
//! - Order carries meaning: a change of the forwarding plane comes out before the
//!   acknowledgement that announces it, and a path is installed before a session uses it.
//! - `Output::Timeout` comes last. Waking at that moment and no other is enough; waking more
//!   often does no harm; a clock that goes back counts as standing still.
//! - A bad datagram changes nothing but a counter, and is told by `Event::Dropped`.
//! - The same inputs give the same outputs. Both engines are `Clone`, so a test can fork them.
//! - The wall clock is told by [`ClockAnchor`]; give [`Input::ClockStep`] whenever it was set, and
//!   when it drifted away from the monotonic one: a gateway whose clock the anchor found wrong
//!   waits for that.
//!
//! - Deadlines are exact, but for a while after almost all of very many moved at once: then the
//!   moment told may be too early, so that no input takes long. Of several at one moment an anchor
//!   serves expiries first, then ends of delete waits, then heartbeats, then held updates, each in
//!   order of session or path number.
//!
//! # State over a restart
//!
//! [`Lma::snapshot`] gives an anchor's state, [`Lma::poll_change`] what changed since, as records
//! that [`LmaSnapshot::apply`](snapshot::LmaSnapshot::apply) takes; with the feature `serde` both
//! can be written down or sent to a standby. [`Lma::restore`] makes an anchor that goes on there,
//! on whatever monotonic clock, and leaves out what no longer fits, with the reason.
//!
//! ```
//! # use std::net::Ipv4Addr;
//! # use std::time::Duration;
//! # use pmip_binding::{ClockAnchor, Lma, LmaConfig};
//! # use pmip_wire::types::Instant;
//! # let mut config = LmaConfig::new("lma1");
//! # config.ipv4_address = Some(Ipv4Addr::new(192, 0, 2, 1));
//! # let clock = ClockAnchor { instant: Instant::ZERO, unix: Duration::from_secs(1_767_225_600) };
//! let mut lma = Lma::new(config.clone(), [0; 32], clock, Instant::ZERO)?;
//! let mut kept = lma.snapshot();
//! lma.record_changes(true);
//! // ... inputs and outputs; before the outputs are carried out:
//! while let Some(change) = lma.poll_change() {
//!     kept.apply(change);
//! }
//! // After a restart, an hour later by the wall clock, with a new monotonic clock:
//! let unix = clock.unix + Duration::from_secs(3600);
//! let clock = ClockAnchor { instant: Instant::ZERO, unix };
//! let (lma, left_out) = Lma::restore(config, &kept, [1; 32], clock, Instant::ZERO)?;
//! assert!(left_out.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A gateway keeps nothing: after a restart its first update per path replaces what the anchor
//! holds, and the anchor gives the same prefixes again.
//!
//! # Scale
//!
//! An anchor is made for a million sessions. They are packed and found through indexes of their
//! numbers; timers stand on wheels, so that a refresh costs the same however many there are.
//! `cargo bench -p pmip-binding` measures it.
//!
//! `COMPLIANCE.md` lists what of the RFCs is done and what is left out.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod config;
mod event;
mod gre;
mod heartbeat;
mod index;
mod input;
mod io;
mod lenient;
mod link;
mod lma;
mod mag;
mod message;
mod notification;
mod random;
mod reconfigure;
mod revocation;
mod security;
mod seen;
mod slab;
pub mod snapshot;
mod status;
#[cfg(feature = "testing")]
pub mod testing;
mod timers;
mod vrf;
mod wire;

use pmip_wire::udp::{CONTROL_PORT, DATA_PORT};

pub use config::{LmaConfig, MagConfig};
pub use event::{
    AdvertisedPrefix, Advertisement, DropReason, Event, Forwarding, GreKeys, NotServed,
    NotificationEvent, PathEndpoint, PathEvent, PathRoute, PathState, RedirectEvent,
    RevocationEvent, SessionEvent, SessionId, SessionRoute,
};
pub use input::{
    Attachment, Command, Input, InterfaceChange, InterfaceState, MobileNode, Notified, Notify,
    Revoke,
};
pub use io::{Carrier, ClockAnchor, Datagram, Output, Transmit};
pub use lma::Lma;
pub use mag::Mag;
pub use reconfigure::ReconfigureError;
pub use status::{
    BindingState, BindingStatus, CustomerStats, CustomerStatus, HeartbeatStatus, PathBindingStatus,
    PathStatus, Stats,
};
pub use vrf::VrfId;

/// The example of the README, which is to work as it stands.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
