//! What crosses the border of an engine: datagrams in, datagrams and events out.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use pmip_wire::types::{Instant, PathId};

use crate::event::Event;
use crate::vrf::VrfId;

/// What carries a Mobility Header message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Carrier {
    /// IPv6 next header 135; ports are 0.
    Ipv6,
    /// IPv4 and UDP, port 5436 (RFC 5844 section 4).
    Udp,
    /// An inner packet of this path's tunnel, addressed to the tunnel's own end
    /// (signalling rules section 9).
    ///
    /// A received one keeps the outer source in [`Datagram::source`]. A driver sends one as
    /// UDP (port 5436) over IP between the path's care-of address and the LMA address, inside
    /// the path's tunnel. An LMA's goes to [`Transmit::destination`] where the tunnel is one over
    /// UDP, whatever the path's packets are sent to, so that it can challenge a new mapping there.
    Tunnel(PathId),
    /// An inner packet as above whose outer source belongs to no path; only received.
    UnknownTunnel,
}

/// One received signalling datagram: the Mobility Header and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Datagram {
    /// What carried it.
    pub carrier: Carrier,
    /// Outer source address and port, as seen after any NAT (port 0 over IPv6).
    pub source: SocketAddr,
    /// The local address and port it arrived at.
    pub destination: SocketAddr,
    /// The Mobility Header, from its Payload Proto octet.
    pub payload: Bytes,
    /// The routing instance it came in by, where [`Datagram::destination`] is ours. What came out
    /// of a known tunnel is that path's, whatever stands here.
    #[cfg_attr(
        feature = "serde",
        serde(default, skip_serializing_if = "VrfId::is_default")
    )]
    pub vrf: VrfId,
}

impl Datagram {
    /// One that came in by the default routing instance.
    pub const fn new(
        carrier: Carrier,
        source: SocketAddr,
        destination: SocketAddr,
        payload: Bytes,
    ) -> Self {
        Self {
            carrier,
            source,
            destination,
            payload,
            vrf: VrfId::DEFAULT,
        }
    }
}

/// One signalling datagram to send.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Transmit {
    /// The path whose own interface must carry it; `None` only where an LMA answers a peer that
    /// has no path yet.
    pub path: Option<PathId>,
    /// What carries it.
    pub carrier: Carrier,
    /// Local address and port (port 5436 over UDP, 0 over IPv6).
    pub source: SocketAddr,
    /// Where it goes.
    pub destination: SocketAddr,
    /// The Mobility Header. Its checksum is right for `carrier`.
    pub payload: Bytes,
    /// The routing instance to send it by (LMA). A MAG's path has its own interface, so there it is
    /// the default one.
    #[cfg_attr(
        feature = "serde",
        serde(default, skip_serializing_if = "VrfId::is_default")
    )]
    pub vrf: VrfId,
}

/// What an engine wants from its driver next.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Output {
    /// Send this.
    Transmit(Transmit),
    /// This happened, or must be done to the forwarding plane. Order carries meaning: a forwarding
    /// change comes out before the acknowledgement that announces it.
    Event(Event),
    /// Nothing more now: call `handle_input(now, Input::Timeout)` at this moment, `None` = never.
    Timeout(Option<Instant>),
}

/// Ties monotonic time to wall-clock time, which the Timestamp option needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ClockAnchor {
    /// The monotonic moment.
    pub instant: Instant,
    /// The time since 1970-01-01 00:00 UTC at that moment.
    pub unix: Duration,
}

impl ClockAnchor {
    /// Wall-clock time at `now`, as time since 1970-01-01 00:00 UTC.
    pub fn unix_at(&self, now: Instant) -> Duration {
        let ahead = now.saturating_since(self.instant);
        let behind = self.instant.saturating_since(now);
        self.unix.saturating_add(ahead).saturating_sub(behind)
    }
}
