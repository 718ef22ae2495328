//! LMA and MAG protocol engines of multipath Proxy Mobile IPv6, sans-IO.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod config;
mod event;
mod heartbeat;
mod input;
mod io;
mod lma;
mod mag;
mod message;
mod random;
mod slab;
mod status;
#[cfg(feature = "testing")]
pub mod testing;
mod timers;
mod wire;

use pmip_wire::udp::{CONTROL_PORT, DATA_PORT};

pub use config::{LmaConfig, MagConfig};
pub use event::{
    DropReason, Event, Forwarding, GreKeys, PathEndpoint, PathEvent, PathRoute, PathState,
    SessionEvent, SessionId, SessionRoute,
};
pub use input::{Attachment, Command, Input, InterfaceChange, InterfaceState, MobileNode};
pub use io::{Carrier, ClockAnchor, Datagram, Output, Transmit};
pub use lma::Lma;
pub use mag::Mag;
pub use status::{
    BindingState, BindingStatus, HeartbeatStatus, PathBindingStatus, PathStatus, Stats,
};
