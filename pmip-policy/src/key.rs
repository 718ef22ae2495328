use core::fmt;
use core::hash::Hasher;
use core::net::{IpAddr, Ipv6Addr};

use foldhash::SharedSeed;
use foldhash::fast::FoldHasher;

/// Names one flow: what stays the same in all its packets of one direction.
///
/// IPv4 addresses are held IPv4-mapped (`::ffff:a.b.c.d`), so both families have one layout. Ports
/// are 0 where they are not visible: fragments, ICMP errors, protocols without ports. An IPv6 flow
/// whose ports are not visible carries its flow label instead (RFC 6437).
///
/// The DSCP is part of the name, because a mobile map may send two classes of one conversation
/// different ways, but not of the [hash](Self::hash): without such a map both classes take one path
/// and stay in order.
///
/// ```
/// use pmip_policy::FlowKey;
///
/// let key = FlowKey::new("2001:db8::1".parse()?, "2001:db8::2".parse()?, FlowKey::UDP)
///     .with_ports(5060, 5061)
///     .with_dscp(46);
/// assert_eq!(key.to_string(), "udp [2001:db8::1]:5060 > [2001:db8::2]:5061 dscp 46");
/// # Ok::<(), core::net::AddrParseError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FlowKey {
    source: [u8; 16],
    destination: [u8; 16],
    flow_label: u32,
    source_port: u16,
    destination_port: u16,
    protocol: u8,
    dscp: u8,
}

impl FlowKey {
    /// Protocol number of ICMP.
    pub const ICMP: u8 = 1;
    /// Protocol number of TCP.
    pub const TCP: u8 = 6;
    /// Protocol number of UDP.
    pub const UDP: u8 = 17;
    /// Next-header number of ICMPv6.
    pub const ICMPV6: u8 = 58;

    /// The flow of `protocol` between two addresses, ports not visible.
    pub fn new(source: IpAddr, destination: IpAddr, protocol: u8) -> Self {
        Self::from_octets(mapped(source), mapped(destination), protocol)
    }

    /// The same from octets in network order; IPv4 addresses are given IPv4-mapped.
    pub const fn from_octets(source: [u8; 16], destination: [u8; 16], protocol: u8) -> Self {
        Self {
            source,
            destination,
            flow_label: 0,
            source_port: 0,
            destination_port: 0,
            protocol,
            dscp: 0,
        }
    }

    /// With these ports.
    #[must_use]
    pub const fn with_ports(mut self, source: u16, destination: u16) -> Self {
        self.source_port = source;
        self.destination_port = destination;
        self
    }

    /// With this Differentiated Services code point; its lower six bits are kept.
    #[must_use]
    pub const fn with_dscp(mut self, dscp: u8) -> Self {
        self.dscp = dscp & 0x3f;
        self
    }

    /// With this IPv6 flow label; its lower twenty bits are kept.
    ///
    /// Meant for packets whose ports are not visible: a label beside ports would split a flow whose
    /// sender changes labels.
    #[must_use]
    pub const fn with_flow_label(mut self, flow_label: u32) -> Self {
        self.flow_label = flow_label & 0x000f_ffff;
        self
    }

    /// The same conversation the other way. The flow label, which each side chooses for itself, is
    /// left out.
    #[must_use]
    pub const fn reversed(self) -> Self {
        Self {
            source: self.destination,
            destination: self.source,
            flow_label: 0,
            source_port: self.destination_port,
            destination_port: self.source_port,
            ..self
        }
    }

    /// Source address; IPv4 where it was IPv4.
    pub fn source(&self) -> IpAddr {
        Ipv6Addr::from(self.source).to_canonical()
    }

    /// Destination address; IPv4 where it was IPv4.
    pub fn destination(&self) -> IpAddr {
        Ipv6Addr::from(self.destination).to_canonical()
    }

    /// Source address as 16 octets.
    pub const fn source_octets(&self) -> [u8; 16] {
        self.source
    }

    /// Destination address as 16 octets.
    pub const fn destination_octets(&self) -> [u8; 16] {
        self.destination
    }

    /// Protocol or next-header number of the upper layer.
    pub const fn protocol(&self) -> u8 {
        self.protocol
    }

    /// Source port, 0 where not visible.
    pub const fn source_port(&self) -> u16 {
        self.source_port
    }

    /// Destination port, 0 where not visible.
    pub const fn destination_port(&self) -> u16 {
        self.destination_port
    }

    /// Differentiated Services code point, 0 to 63.
    pub const fn dscp(&self) -> u8 {
        self.dscp
    }

    /// IPv6 flow label, 0 where ports are visible.
    pub const fn flow_label(&self) -> u32 {
        self.flow_label
    }

    /// Keyed hash of everything but the DSCP: it finds the flow in a table and places it on a path.
    ///
    /// Stable for equal seeds within one build target; never send it to another node.
    #[inline]
    pub fn hash(&self, seed: &FlowSeed) -> u64 {
        let mut hasher = FoldHasher::with_seed(seed.per_hasher, &seed.shared);
        core::hash::Hash::hash(self, &mut hasher);
        hasher.finish()
    }
}

/// Feeds what [`FlowKey::hash`] describes, in three 128-bit steps.
impl core::hash::Hash for FlowKey {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u128(u128::from_le_bytes(self.source));
        state.write_u128(u128::from_le_bytes(self.destination));
        let ports = u64::from(self.source_port) | u64::from(self.destination_port) << 16;
        let rest = u64::from(self.flow_label) | u64::from(self.protocol) << 32;
        state.write_u128(u128::from(ports) | u128::from(rest) << 64);
    }
}

impl fmt::Display for FlowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.protocol {
            Self::ICMP => f.write_str("icmp ")?,
            Self::TCP => f.write_str("tcp ")?,
            Self::UDP => f.write_str("udp ")?,
            Self::ICMPV6 => f.write_str("icmpv6 ")?,
            other => write!(f, "proto {other} ")?,
        }
        write_end(f, self.source(), self.source_port)?;
        f.write_str(" > ")?;
        write_end(f, self.destination(), self.destination_port)?;
        if self.flow_label != 0 {
            write!(f, " label {:#x}", self.flow_label)?;
        }
        if self.dscp != 0 {
            write!(f, " dscp {}", self.dscp)?;
        }
        Ok(())
    }
}

impl fmt::Debug for FlowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FlowKey({self})")
    }
}

/// The secret that keys [`FlowKey::hash`]: whoever knows it can choose addresses and ports that
/// collide, so take it from the system's randomness.
#[derive(Clone, Debug)]
pub struct FlowSeed {
    shared: SharedSeed,
    per_hasher: u64,
}

impl FlowSeed {
    /// A seed grown from 64 bits. Cheap enough for a constructor, not for a packet.
    pub const fn new(seed: u64) -> Self {
        Self {
            shared: SharedSeed::from_u64(seed),
            per_hasher: seed.rotate_left(32) ^ 0x9e37_79b9_7f4a_7c15,
        }
    }
}

fn mapped(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
        IpAddr::V6(v6) => v6.octets(),
    }
}

/// `192.0.2.1:80`, `[2001:db8::1]:80`, or the bare address where the port is not visible.
fn write_end(f: &mut fmt::Formatter<'_>, address: IpAddr, port: u16) -> fmt::Result {
    if port == 0 {
        return write!(f, "{address}");
    }
    write!(f, "{}", core::net::SocketAddr::new(address, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> FlowKey {
        let (a, b) = ([10, 0, 0, 2].into(), [192, 0, 2, 1].into());
        FlowKey::new(a, b, FlowKey::TCP).with_ports(40_000, 443)
    }

    #[test]
    fn a_key_stays_within_48_octets() {
        assert!(size_of::<FlowKey>() <= 48);
    }

    #[test]
    fn ipv4_addresses_come_back_as_ipv4() {
        assert_eq!(key().source(), IpAddr::from([10, 0, 0, 2]));
        assert_eq!(&key().source_octets()[10..], [0xff, 0xff, 10, 0, 0, 2]);
    }

    #[test]
    fn each_field_but_dscp_changes_the_hash() {
        let seed = FlowSeed::new(1);
        let base = key().hash(&seed);
        let swapped = FlowKey::new(key().destination(), key().source(), FlowKey::TCP);
        let others = [
            key().with_ports(40_001, 443),
            key().with_ports(40_000, 444),
            key().with_flow_label(1),
            FlowKey::new(key().source(), key().destination(), FlowKey::UDP).with_ports(40_000, 443),
            swapped.with_ports(40_000, 443),
        ];
        for other in others {
            assert_ne!(other.hash(&seed), base, "{other}");
        }
        assert_eq!(key().with_dscp(46).hash(&seed), base);
        assert_ne!(key().with_dscp(46), key());
        assert_ne!(key().hash(&FlowSeed::new(2)), base);
    }

    #[test]
    fn out_of_range_bits_are_cut() {
        assert_eq!(key().with_dscp(0xff).dscp(), 63);
        assert_eq!(key().with_flow_label(u32::MAX).flow_label(), 0xf_ffff);
    }
}
