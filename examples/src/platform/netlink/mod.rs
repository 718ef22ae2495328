//! The kernel's routing socket: what it tells, and what we put into it.
//!
//! Everything that we add carries [`PROTOCOL`], so that an operator can tell it apart
//! (`ip route show proto 118`) and a start after a crash finds what was left behind.

mod heal;
mod items;
mod watch;

use std::io;

use rtnetlink::packet_core::NetlinkPayload;

pub use items::{Cleanup, LinuxKernel};
pub use watch::{Watch, watch};

/// The routing protocol number of our routes, rules and addresses.
pub const PROTOCOL: u8 = 118;

/// An rtnetlink error as the system's.
fn io_error(error: rtnetlink::Error) -> io::Error {
    let rtnetlink::Error::NetlinkError(message) = &error else {
        return io::Error::other(error);
    };
    match message.code {
        Some(code) => io::Error::from_raw_os_error(code.get().saturating_abs()),
        None => io::Error::other(error),
    }
}

/// Whether a message says that the kernel dropped some for want of room.
fn is_overrun<T>(payload: &NetlinkPayload<T>) -> bool {
    matches!(payload, NetlinkPayload::Overrun(_))
}
