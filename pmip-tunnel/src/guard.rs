//! The tunnel ACL: which inner packets may come out of tunnels (feature semantics, "MAG-to-MAG
//! blocking"). Evaluated once, on the inner packet after decapsulation.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::IpAddr;

use pmip_policy::CompiledAccessList;
use pmip_wire::types::IpPrefix;

use crate::counters::DropReason;
use crate::packet::Packet;

/// Filters what comes out of tunnels. The lists count what they decided, packet by packet.
///
/// ```
/// use pmip_tunnel::TunnelAcl;
///
/// let acl = TunnelAcl::new().with_pools(vec!["10.1.0.0/16".parse()?]);
/// assert!(acl.blocks_between_pools("10.1.0.2".parse()?, "10.1.9.9".parse()?));
/// assert!(!acl.blocks_between_pools("10.1.0.2".parse()?, "192.0.2.80".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct TunnelAcl {
    /// What IPv4 packets must be permitted by; without one all are.
    pub ipv4: Option<Arc<CompiledAccessList>>,
    /// What IPv6 packets must be permitted by; without one all are.
    pub ipv6: Option<Arc<CompiledAccessList>>,
    /// Packets between any two of these are denied (`tunnel acl auto-pools`): mobile nodes and
    /// mobile networks of one anchor do not reach each other.
    pub pools: Vec<IpPrefix>,
}

impl TunnelAcl {
    /// One that lets everything pass.
    pub const fn new() -> Self {
        Self {
            ipv4: None,
            ipv6: None,
            pools: Vec::new(),
        }
    }

    /// With this list for IPv4.
    #[must_use]
    pub fn with_ipv4(mut self, list: Arc<CompiledAccessList>) -> Self {
        self.ipv4 = Some(list);
        self
    }

    /// With this list for IPv6.
    #[must_use]
    pub fn with_ipv6(mut self, list: Arc<CompiledAccessList>) -> Self {
        self.ipv6 = Some(list);
        self
    }

    /// With these pools kept from each other.
    #[must_use]
    pub fn with_pools(mut self, pools: Vec<IpPrefix>) -> Self {
        self.pools = pools;
        self
    }

    /// Whether both addresses lie in pools that are kept from each other.
    #[inline]
    pub fn blocks_between_pools(&self, source: IpAddr, destination: IpAddr) -> bool {
        let pooled = |address| self.pools.iter().any(|pool| pool.contains(address));
        pooled(destination) && pooled(source)
    }

    /// Whether `packet` may pass.
    #[inline]
    pub(crate) fn check(&self, packet: &Packet) -> Result<(), DropReason> {
        if self.blocks_between_pools(packet.source, packet.destination) {
            return Err(DropReason::BetweenPools);
        }
        let list = match packet.is_ipv4() {
            true => &self.ipv4,
            false => &self.ipv6,
        };
        match list {
            Some(list) if !list.permits_counted(&packet.flow_key()) => Err(DropReason::TunnelAcl),
            _ => Ok(()),
        }
    }
}
