//! LMA and MAG protocol engines of multipath Proxy Mobile IPv6, sans-IO.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod event;
mod io;

pub use event::{
    DropReason, Event, Forwarding, GreKeys, PathEndpoint, PathEvent, PathRoute, PathState,
    SessionEvent, SessionId, SessionRoute,
};
pub use io::{Carrier, ClockAnchor, Datagram, Output, Transmit};
