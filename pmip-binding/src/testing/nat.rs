use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

/// A NAT: each inner address and port gets an outer port of its own.
#[derive(Clone, Debug)]
pub(super) struct Nat {
    outer: IpAddr,
    next_port: u16,
    by_inner: BTreeMap<SocketAddr, u16>,
    by_port: BTreeMap<u16, SocketAddr>,
}

impl Nat {
    pub(super) const fn new(outer: IpAddr, first_port: u16) -> Self {
        Self {
            outer,
            next_port: first_port,
            by_inner: BTreeMap::new(),
            by_port: BTreeMap::new(),
        }
    }

    pub(super) const fn outer(&self) -> IpAddr {
        self.outer
    }

    /// The source that the world outside sees.
    pub(super) fn outward(&mut self, inner: SocketAddr) -> SocketAddr {
        let port = *self.by_inner.entry(inner).or_insert(self.next_port);
        if self.by_port.insert(port, inner).is_none() {
            self.next_port += 1;
        }
        SocketAddr::new(self.outer, port)
    }

    /// Whose datagram it is, where a mapping exists.
    pub(super) fn inward(&self, outer: SocketAddr) -> Option<SocketAddr> {
        self.by_port.get(&outer.port()).copied()
    }
}
