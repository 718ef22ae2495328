//! Outer headers: putting an inner packet into a tunnel and taking it out, in the caller's buffer.
//!
//! # Who writes what
//! The [`Forwarder`](crate::Forwarder) puts all that stands between the outer IP or UDP header and
//! the inner packet into the segments that it gives out: the TLV header (RFC 5845 section 7.2) and
//! the GRE header with key and sequence number. What is left is in
//! [`TunnelSend`](crate::TunnelSend):
//!
//! | encapsulation | outer packet | socket | left to its kernel |
//! |---|---|---|---|
//! | `Ipv4Udp` | IPv4, UDP, inner | UDP | TOS, DF |
//! | `Ipv4UdpTlv` | IPv4, UDP, TLV, GRE, inner | UDP | TOS, DF |
//! | `Ipv4` | IPv4 (4 or 41), inner | raw, of `TunnelSend::protocol` | TOS, DF |
//! | `Ipv6` | IPv6 (4 or 41), inner | raw, of `TunnelSend::protocol` | traffic class, [`limit_header`] |
//! | `GreIpv4` | IPv4 (47), GRE, inner | raw 47 | TOS, DF |
//! | `GreIpv6` | IPv6 (47), GRE, inner | raw 47 | traffic class, [`limit_header`] |
//!
//! Those who send whole packets write the rest with [`Outer::write`]. UDP over IPv6 does not exist
//! here: RFC 5844 section 4 puts UDP into IPv4 transport only.
//!
//! # Choices
//! RFC defaults: the outer hop limit is 64 and not copied (RFC 2473 section 6.3); the DSCP is 0
//! unless asked for; ECN follows RFC 6040; the flow label is 0. The inner hop limit is *not*
//! decremented here: RFC 2473 section 3.1 counts entering a tunnel as one hop, and the kernel that
//! routed the packet to the tunnel device took that hop already.

mod buffer;
mod decap;
mod fragment;
mod limit;
mod outer;
mod reassembly;
mod shim;

use core::net::SocketAddr;

use pmip_wire::types::Encapsulation;

use crate::ecn::Ecn;

pub use buffer::{EncapError, PacketBuf};
pub use decap::{DecapError, Decapsulated, decapsulate};
pub use fragment::{FragmentError, Fragments, OuterFragment, fragments};
pub use limit::limit_header;
pub use outer::{HOP_LIMIT, Outer, OuterDscp, OuterOptions};
pub use reassembly::{Reassembler, ReassemblerConfig, ReassemblyCounters, Whole};
pub use shim::Carrier;

pub(crate) use decap::Carried;
pub(crate) use limit::{InnerLimit, LIMIT_HEADER, LIMIT_OVERHEAD, outer_limit};
pub(crate) use outer::{Inner, outer_protocol};
pub(crate) use shim::{Gre, Opened, Shim, open};

/// One tunnel, for [`encapsulate`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tunnel {
    /// How inner packets travel.
    pub encapsulation: Encapsulation,
    /// Outer source; its port is for UDP alone.
    pub source: SocketAddr,
    /// Outer destination; its port is for UDP alone.
    pub destination: SocketAddr,
    /// Key of the GRE header (RFC 5845).
    pub key: Option<u32>,
    /// Sequence Number of the GRE header.
    pub sequence: Option<u32>,
    /// IPv4 Don't Fragment.
    pub dont_fragment: bool,
    /// IPv4 identification.
    pub identification: u16,
    /// How the outer headers are filled.
    pub options: OuterOptions,
}

impl Tunnel {
    /// A tunnel between two ends, without keys, with the default options.
    pub fn new(encapsulation: Encapsulation, source: SocketAddr, destination: SocketAddr) -> Self {
        Self {
            encapsulation,
            source,
            destination,
            key: None,
            sequence: None,
            dont_fragment: false,
            identification: 0,
            options: OuterOptions::default(),
        }
    }

    /// With this GRE key.
    #[must_use]
    pub const fn with_key(mut self, key: u32) -> Self {
        self.key = Some(key);
        self
    }

    fn shim(&self) -> Shim {
        let gre = Gre {
            key: self.key,
            sequence: self.sequence,
        };
        Shim::of(self.encapsulation, self.options.gre_in_tlv, gre)
    }

    fn outer(&self, inner: Inner, limit: Option<u8>) -> Result<Outer, EncapError> {
        let carrier = Carrier::of(self.encapsulation).ok_or(EncapError::Family)?;
        let over_ipv4 = self.encapsulation.is_ipv4_transport();
        if self.destination.is_ipv4() != over_ipv4 {
            return Err(EncapError::Family);
        }
        let ecn = Ecn::of(inner.traffic_class).at_ingress();
        Ok(Outer {
            source: self.source,
            destination: self.destination,
            protocol: carrier.protocol(inner.protocol),
            traffic_class: self.options.dscp.bits(inner.traffic_class) | ecn.bits(),
            hop_limit: self.options.hop_limit,
            dont_fragment: self.dont_fragment,
            identification: self.identification,
            udp_checksum: self.options.udp_checksum,
            encapsulation_limit: limit.filter(|_| !over_ipv4),
        })
    }
}

/// Puts the packet in `buffer` into `tunnel`: outer IP and UDP headers, TLV and GRE, as its
/// encapsulation says. At most 64 octets of headroom are used.
///
/// # Errors
/// [`EncapError`]; the packet is as before.
///
/// ```
/// use pmip_tunnel::encap::{PacketBuf, Tunnel, decapsulate, encapsulate};
/// use pmip_wire::types::Encapsulation;
///
/// let (from, to) = ("[2001:db8::1]:0".parse()?, "[2001:db8::2]:0".parse()?);
/// let tunnel = Tunnel::new(Encapsulation::GreIpv6, from, to).with_key(42);
/// let mut data = [0; 48 + 21];
/// data[48] = 0x45;
/// let mut buffer = PacketBuf::new(&mut data, 48)?;
/// encapsulate(&mut buffer, &tunnel)?;
/// let read = decapsulate(buffer.packet())?;
/// assert_eq!((read.key, read.inner), (Some(42), 48..69));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn encapsulate(buffer: &mut PacketBuf<'_>, tunnel: &Tunnel) -> Result<(), EncapError> {
    let packet = buffer.packet();
    let inner = Inner::of(packet)?;
    let limit = outer_limit(tunnel.options.encapsulation_limit, InnerLimit::of(packet))
        .map_err(|_| EncapError::LimitExhausted)?;
    let outer = tunnel.outer(inner, limit)?;
    let length = packet.len();
    let shim = tunnel.shim();
    let (shim, shim_length) = shim
        .octets(inner.protocol, length)
        .ok_or(EncapError::TooLong(length))?;
    let own = outer.length().saturating_add(shim_length);
    let whole = own.saturating_add(length);
    if u16::try_from(whole).is_err() {
        return Err(EncapError::TooLong(whole));
    }
    let whole = buffer.push_front(own)?;
    if let Some(place) = whole.get_mut(outer.length()..own) {
        place.copy_from_slice(shim.get(..shim_length).unwrap_or(&[]));
    }
    outer.write(whole)
}

#[cfg(test)]
mod tests;
