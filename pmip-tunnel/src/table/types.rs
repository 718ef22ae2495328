//! What the table is told: paths and sessions.

use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

use pmip_policy::Candidate;
use pmip_wire::types::{Encapsulation, IpPrefix, Label, PathId};

use crate::encap::{LIMIT_OVERHEAD, OuterOptions};

/// Which end of the tunnels this node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Mobile access gateway: sessions are looked up by the inner source on the way into tunnels.
    Mag,
    /// Local mobility anchor: sessions are looked up by the inner destination.
    Lma,
}

/// Names one routing instance (VRF). Equal addresses in two of them have nothing to do with each
/// other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VrfId(pub u32);

impl VrfId {
    /// The one without a name.
    pub const DEFAULT: Self = Self(0);
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
    /// The routing instance of both outer addresses.
    pub transport_vrf: VrfId,
    /// How its outer headers are filled.
    pub outer: OuterOptions,
    /// Whether it may carry traffic now.
    pub usable: bool,
    /// Share of new flows, 1 to 100.
    pub weight: u32,
}

impl TunnelPath {
    /// A usable path of weight 1 without a label, with the care-of address that `role` implies
    /// where no NAT stands between.
    pub fn new(
        path: PathId,
        role: Role,
        local: IpAddr,
        remote: SocketAddr,
        encapsulation: Encapsulation,
    ) -> Self {
        Self {
            path,
            label: Label::NONE,
            local,
            remote,
            care_of: match role {
                Role::Mag => local,
                Role::Lma => remote.ip(),
            },
            encapsulation,
            transport_vrf: VrfId::DEFAULT,
            outer: OuterOptions::default(),
            usable: true,
            weight: 1,
        }
    }

    /// Octets that the tunnel adds to an inner packet at most: with its GRE key, with sequence
    /// number and encapsulation limit where they are on (signalling rules, "Overheads").
    pub fn overhead(&self) -> u16 {
        let mut overhead = self.encapsulation.overhead();
        if self.outer.gre_sequence && self.carries_gre() {
            overhead = overhead.saturating_add(4);
        }
        if self.outer.encapsulation_limit.is_some() && !self.encapsulation.is_ipv4_transport() {
            overhead = overhead.saturating_add(LIMIT_OVERHEAD);
        }
        overhead
    }

    /// Whether both ends are one: packets would come back for ever (RFC 2473 section 4.1.2).
    pub(crate) fn is_loopback(&self) -> bool {
        self.local == self.remote.ip()
    }

    const fn carries_gre(&self) -> bool {
        match self.encapsulation {
            Encapsulation::GreIpv4 | Encapsulation::GreIpv6 => true,
            Encapsulation::Ipv4UdpTlv => self.outer.gre_in_tlv,
            Encapsulation::Ipv6 | Encapsulation::Ipv4 | Encapsulation::Ipv4Udp | _ => false,
        }
    }

    pub(super) fn candidate(&self) -> Candidate {
        Candidate::new(self.path, self.weight)
            .with_label(self.label)
            .with_usable(self.usable)
    }
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
    /// The routing instance that its addresses live in.
    pub vrf: VrfId,
    /// Its GRE keys, path by path, where they were negotiated.
    pub keys: Vec<PathKeys>,
}

/// The GRE keys of one session on one path (RFC 5845 section 3). They tell its packets from those
/// of others over the same path, whatever inner addresses both use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PathKeys {
    /// Which path.
    pub path: PathId,
    /// MAG to LMA; assigned by the LMA.
    pub uplink: u32,
    /// LMA to MAG; assigned by the MAG.
    pub downlink: u32,
}

impl PathKeys {
    /// The keys of one path.
    pub const fn new(path: PathId, uplink: u32, downlink: u32) -> Self {
        Self {
            path,
            uplink,
            downlink,
        }
    }
}

impl TunnelSession {
    /// The session `session` with these prefixes over these paths.
    pub const fn new(session: SessionKey, prefixes: Vec<IpPrefix>, paths: Vec<PathId>) -> Self {
        Self {
            session,
            prefixes,
            paths,
            vrf: VrfId::DEFAULT,
            keys: Vec::new(),
        }
    }

    /// In this routing instance.
    #[must_use]
    pub const fn with_vrf(mut self, vrf: VrfId) -> Self {
        self.vrf = vrf;
        self
    }

    /// With these GRE keys.
    #[must_use]
    pub fn with_keys(mut self, keys: Vec<PathKeys>) -> Self {
        self.keys = keys;
        self
    }
}
