use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

use pmip_wire::types::{Encapsulation, IpPrefix, Label, PathId};

/// Which end of the tunnels this node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Mobile access gateway: sessions are looked up by the inner source on the way into tunnels.
    Mag,
    /// Local mobility anchor: sessions are looked up by the inner destination.
    Lma,
}

/// Names one mobility session of this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionKey(pub u32);

/// One path's tunnel.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TunnelPath {
    /// Which path.
    pub path: PathId,
    /// Its label.
    pub label: Label,
    /// Our outer address.
    pub local: IpAddr,
    /// The peer's outer address and data port (the observed mapping behind a NAT).
    pub remote: SocketAddr,
    /// The care-of address as the MAG knows it; differs from `remote` behind a NAT.
    pub care_of: IpAddr,
    /// How inner packets travel.
    pub encapsulation: Encapsulation,
    /// Whether it may carry traffic now.
    pub usable: bool,
    /// Share of new flows, 1 to 100.
    pub weight: u32,
}

/// One mobility session: what is reached through which paths.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TunnelSession {
    /// Which session.
    pub session: SessionKey,
    /// Home network prefixes, home address, delegated prefixes.
    pub prefixes: Vec<IpPrefix>,
    /// The paths that carry it.
    pub paths: Vec<PathId>,
}

/// The forwarding snapshot: cheap to clone, O(changes) to edit.
#[derive(Clone, Debug)]
pub struct ForwardingTable {
    role: Role,
    generation: u32,
}

impl ForwardingTable {
    /// An empty table.
    pub fn new(role: Role) -> Self {
        Self {
            role,
            generation: 0,
        }
    }

    /// Which end this node is.
    pub fn role(&self) -> Role {
        self.role
    }

    /// Grows by one with every change.
    pub fn generation(&self) -> u32 {
        self.generation
    }
}
