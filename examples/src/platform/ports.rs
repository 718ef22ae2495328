//! What the driver loop asks of a platform.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use pmip_policy::FlowKey;
use pmip_tunnel::ForwardingTable;
use pmip_wire::types::{Encapsulation, IpPrefix, PathId};

use super::dataplane::{DataPlane, DataPlaneStats, FlowAnswer, FlowRow};

/// Everything a node acts on.
pub struct Ports {
    /// Signalling sockets.
    pub signalling: Box<dyn Signalling>,
    /// The data plane.
    pub tunnels: Box<dyn Tunnels>,
    /// Addresses, routes and rules.
    pub kernel: Box<dyn Kernel>,
    /// Access interfaces.
    pub access: Box<dyn AccessLinks>,
}

/// Where one signalling socket is bound.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SocketKey {
    /// The device that its datagrams leave by, whatever the routing table says; none on an LMA.
    pub device: Option<String>,
    /// Its local address.
    pub local: IpAddr,
}

/// Signalling sockets: UDP port 5436 over IPv4 (RFC 5844 section 4), protocol 135 over IPv6
/// (RFC 6275 section 6.1.1).
///
/// What they receive reaches the loop as its input.
pub trait Signalling {
    /// Opens the socket of `key`; opening it again does nothing.
    ///
    /// # Errors
    /// What the kernel said: the address is not there, the device does not exist.
    fn open(&mut self, key: &SocketKey) -> io::Result<()>;

    /// Closes the socket of `key`; closing what is not open is no error.
    fn close(&mut self, key: &SocketKey);

    /// Sends one datagram from the socket of `key`.
    ///
    /// # Errors
    /// What the kernel said, or `NotConnected` when that socket is not open.
    fn send(&mut self, key: &SocketKey, destination: SocketAddr, payload: &Bytes)
    -> io::Result<()>;
}

/// The data plane, as the loop uses it; its own documentation is at [`DataPlane`].
pub trait Tunnels {
    /// Makes `table` the snapshot that forwards from now on.
    fn publish(&mut self, table: &ForwardingTable);

    /// Opens the data socket of `path`.
    ///
    /// # Errors
    /// What the kernel said.
    fn set_path_socket(
        &mut self,
        path: PathId,
        device: Option<&str>,
        local: IpAddr,
    ) -> io::Result<()>;

    /// Closes the data socket of `path`.
    fn remove_path_socket(&mut self, path: PathId);

    /// Opens what packets of `encapsulation` arrive by, and errors about them.
    ///
    /// # Errors
    /// What the kernel said.
    fn listen(&mut self, encapsulation: Encapsulation) -> io::Result<()>;

    /// Sends an inner packet between the tunnel's own ends through `path`; over UDP to `outer`,
    /// where given, instead of the path's other end.
    fn send_local(&mut self, path: PathId, outer: Option<SocketAddr>, packet: Bytes);

    /// The same for a probe of the path's MTU: with Don't Fragment, whatever its size.
    fn send_probe(&mut self, path: PathId, packet: Bytes);

    /// All counters now.
    fn stats(&self) -> DataPlaneStats;

    /// How many inner packets each path sent so far.
    fn sent(&self) -> Vec<(PathId, u64)>;

    /// Spreads packets or flows, and mirrors flows, from now on.
    fn set_flow_rules(&mut self, per_packet: bool, mirror: bool);

    /// At most `limit` remembered flows.
    fn flows(&self, limit: usize) -> Vec<FlowRow>;

    /// What the flow table says of one flow of a session; none when there is no flow table.
    fn explain(&self, key: FlowKey, scope: u32) -> Option<FlowAnswer>;
}

impl Tunnels for DataPlane {
    fn publish(&mut self, table: &ForwardingTable) {
        Self::publish(self, table.clone());
    }

    fn set_path_socket(
        &mut self,
        path: PathId,
        device: Option<&str>,
        local: IpAddr,
    ) -> io::Result<()> {
        Self::set_path_socket(self, path, device, local)
    }

    fn remove_path_socket(&mut self, path: PathId) {
        Self::remove_path_socket(self, path);
    }

    fn listen(&mut self, encapsulation: Encapsulation) -> io::Result<()> {
        Self::listen(self, encapsulation)
    }

    fn send_local(&mut self, path: PathId, outer: Option<SocketAddr>, packet: Bytes) {
        Self::send_local(self, path, outer, packet);
    }

    fn send_probe(&mut self, path: PathId, packet: Bytes) {
        Self::send_probe(self, path, packet);
    }

    fn set_flow_rules(&mut self, per_packet: bool, mirror: bool) {
        Self::set_flow_rules(self, per_packet, mirror);
    }

    fn stats(&self) -> DataPlaneStats {
        Self::stats(self)
    }

    fn sent(&self) -> Vec<(PathId, u64)> {
        Self::sent(self)
    }

    fn flows(&self, limit: usize) -> Vec<FlowRow> {
        Self::flows(self, limit)
    }

    fn explain(&self, key: FlowKey, scope: u32) -> Option<FlowAnswer> {
        Self::explain(self, key, scope)
    }
}

/// Access interfaces, at the level of Ethernet frames: hosts are told apart by their MAC addresses,
/// and most have no IP address yet when they speak first.
///
/// What they receive reaches the loop as its input.
pub trait AccessLinks {
    /// Listens on `device` for ARP, neighbour discovery, and DHCP as far as `servers` says;
    /// listening again does nothing.
    ///
    /// # Errors
    /// What the kernel said.
    fn open(&mut self, device: &str, servers: Servers) -> io::Result<()>;

    /// Stops listening on `device`, which is gone or down.
    fn close(&mut self, device: &str);

    /// Sends one Ethernet frame on `device`.
    ///
    /// # Errors
    /// What the kernel said, or `NotConnected` when nobody listens there.
    fn send(&mut self, device: &str, frame: &[u8]) -> io::Result<()>;
}

/// Which servers we are on a link. Where another program is one, it stays the only one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Servers {
    /// DHCPv4.
    pub dhcp4: bool,
    /// DHCPv6.
    pub dhcp6: bool,
}

/// A frame that a host sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessFrame {
    /// Where it came in.
    pub device: Arc<str>,
    /// All of it, from the Ethernet header on.
    pub octets: Bytes,
}

/// Addresses, routes and rules of the kernel. Changes happen in order; a failure is logged where
/// it happens, since nothing better can be done about it here.
pub trait Kernel {
    /// Adds what is not there. What was there already is not ours and is never removed.
    fn add(&mut self, item: KernelItem);

    /// Removes what [`Kernel::add`] added; anything else is left alone.
    fn remove(&mut self, item: &KernelItem);
}

/// One thing that we put into the kernel.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KernelItem {
    /// An address on a device.
    Address {
        /// The device.
        device: String,
        /// The address.
        address: IpAddr,
        /// Its prefix length.
        length: u8,
    },
    /// A route straight into a device.
    Route {
        /// What is reached by it.
        destination: IpPrefix,
        /// The device.
        device: String,
        /// The routing table.
        table: u32,
    },
    /// A route to a router on a link.
    RouteVia {
        /// What is reached by it.
        destination: IpPrefix,
        /// The router.
        gateway: IpAddr,
        /// The device.
        device: String,
        /// The routing table.
        table: u32,
    },
    /// `ip rule`: what comes in by a device is looked up in a table.
    Rule {
        /// The device that packets come in by.
        device: String,
        /// The routing table.
        table: u32,
        /// IPv4 or IPv6.
        ipv4: bool,
    },
    /// `ip rule`: what this host itself sends from a prefix to elsewhere is looked up in a table.
    OwnSourceRule {
        /// The prefix of its source; what goes to the prefix goes as the main table says.
        source: IpPrefix,
        /// The routing table.
        table: u32,
    },
}

impl std::fmt::Display for KernelItem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Address {
                device,
                address,
                length,
            } => write!(f, "address {address}/{length} on {device}"),
            Self::Route {
                destination,
                device,
                table,
            } => write!(f, "route to {destination} by {device} in table {table}"),
            Self::RouteVia {
                destination,
                gateway,
                device,
                table,
            } => write!(
                f,
                "route to {destination} via {gateway} by {device} in table {table}"
            ),
            Self::Rule {
                device,
                table,
                ipv4,
            } => {
                let family = if *ipv4 { "IPv4" } else { "IPv6" };
                write!(f, "{family} rule from {device} to table {table}")
            }
            Self::OwnSourceRule { source, table } => {
                write!(f, "rule for what we send from {source} to table {table}")
            }
        }
    }
}
