//! The access side of a MAG, without sockets or clocks: frames from hosts in, [`Act`]s out.
//!
//! [`hosts`] serves the links where mobile nodes attach: each host gets what the anchor gave its
//! session (RFC 5213 section 6.9, RFC 5844 section 3.4). [`networks`] serves the links of logical
//! mobile nodes: each host gets an address inside the prefix that the anchor delegated (RFC 7148).

// Protocol numbers and messages of other crates, which grow: what is not named here is not served.
#![allow(clippy::wildcard_enum_match_arm)]

pub mod dhcp4;
pub mod dhcp6;
pub mod frame;
pub mod hosts;
pub mod leases;
pub mod networks;
pub mod rate;
pub mod router;

use std::collections::BTreeMap;
use std::time::Duration;

use pmip_wire::types::Instant;

use crate::platform::network::NetworkState;
use crate::platform::ports::KernelItem;

/// A link-layer address of 48 bits.
pub type Mac = [u8; 6];

/// One thing to do. The order matters.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// Send a frame on an access interface.
    Send {
        /// The device.
        device: String,
        /// The whole Ethernet frame.
        frame: Vec<u8>,
    },
    /// A host came: tell the engine.
    Attach {
        /// Its identifier.
        nai: String,
        /// Its MAC address, where known.
        mac: Option<Mac>,
        /// Its access technology, where a profile says it (RFC 5213 section 8.5).
        technology: Option<u8>,
    },
    /// A host left, by its identifier: tell the engine.
    Detach(String),
    /// A host solicits, by its identifier: tell the engine.
    Solicit(String),
    /// Put this into the kernel.
    Add(KernelItem),
    /// Take it out of the kernel.
    Remove(KernelItem),
}

/// What the access side sees of the rest of the node.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// The present moment.
    pub now: Instant,
    /// Devices and addresses.
    pub network: &'a NetworkState,
    /// How long the binding of a mobile node still lives; `None` = it has none.
    pub remaining: &'a dyn Fn(&str) -> Option<Duration>,
    /// What hosts may send in one packet: the MTU of the TUN device, once it is known.
    pub mtu: Option<u32>,
}

/// Frames that were not served, by reason.
pub type Drops = BTreeMap<&'static str, u64>;

/// Counts one more for `reason`.
fn count(drops: &mut Drops, reason: &'static str) {
    let counter = drops.entry(reason).or_insert(0);
    *counter = counter.saturating_add(1);
}

/// The MAC address of a device.
fn mac_of(network: &NetworkState, device: &str) -> Option<Mac> {
    network.link(device)?.mac
}

/// Whole seconds for a field of 32 bits, rounded down: nothing may outlive what it comes from.
fn seconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_secs()).unwrap_or(u32::MAX)
}
