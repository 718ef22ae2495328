use alloc::boxed::Box;
use core::net::{IpAddr, Ipv6Addr};
use core::sync::atomic::{AtomicUsize, Ordering};

use super::list::{AccessList, Action, Family};
use super::selector::{AddressMatch, PortMatch, Selector};
use crate::key::FlowKey;

/// An [`AccessList`] made ready for traffic: the same answers, by masks and ranges alone, and a hit
/// counter per line.
///
/// It is a copy: later changes of the list do not reach it.
#[derive(Debug)]
pub struct CompiledAccessList {
    family: Family,
    tests: Box<[Test]>,
    hits: Box<[AtomicUsize]>,
    /// Traffic that no line matched.
    implicit: AtomicUsize,
}

/// How often a line decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct LineHits {
    /// The line's sequence number; `None` is the implicit deny at the end.
    pub sequence: Option<u32>,
    /// What it does.
    pub action: Action,
    /// Flows that it decided.
    pub hits: u64,
}

impl CompiledAccessList {
    /// Compiles a list.
    pub fn new(list: &AccessList) -> Self {
        let tests: Box<[Test]> = list
            .rules()
            // No flow belongs to an open connection when it is classified.
            .filter(|(_, rule)| !rule.selector.established)
            .map(|(sequence, rule)| Test {
                sequence,
                action: rule.action,
                ..Test::new(&rule.selector)
            })
            .collect();
        let hits = tests.iter().map(|_| AtomicUsize::new(0)).collect();
        Self {
            family: list.family(),
            tests,
            hits,
            implicit: AtomicUsize::new(0),
        }
    }

    /// A list without lines: it denies everything.
    pub fn empty() -> Self {
        Self::new(&AccessList::new(Family::Ipv4))
    }

    /// Whether the list permits a flow; counts nothing.
    pub fn permits(&self, key: &FlowKey) -> bool {
        self.permits_fields(&Fields::new(key))
    }

    /// The same, and counts the line that decided.
    pub fn permits_counted(&self, key: &FlowKey) -> bool {
        self.permits_fields_counted(&Fields::new(key))
    }

    /// As [`permits`](Self::permits), for a caller that asks several lists.
    pub(crate) fn permits_fields(&self, flow: &Fields) -> bool {
        self.first(flow)
            .is_some_and(|at| self.tests[at].action == Action::Permit)
    }

    /// As [`permits_counted`](Self::permits_counted), for a caller that asks several lists.
    pub(crate) fn permits_fields_counted(&self, flow: &Fields) -> bool {
        let first = self.first(flow);
        let hits = first.map_or(&self.implicit, |at| &self.hits[at]);
        hits.fetch_add(1, Ordering::Relaxed);
        first.is_some_and(|at| self.tests[at].action == Action::Permit)
    }

    /// Hits per rule in order, the implicit deny last.
    pub fn hits(&self) -> impl Iterator<Item = LineHits> {
        let count = |hits: &AtomicUsize| hits.load(Ordering::Relaxed) as u64;
        let lines = self.tests.iter().zip(&self.hits);
        let implicit = LineHits {
            sequence: None,
            action: Action::Deny,
            hits: count(&self.implicit),
        };
        lines
            .map(move |(test, hits)| LineHits {
                sequence: Some(test.sequence),
                action: test.action,
                hits: count(hits),
            })
            .chain([implicit])
    }

    /// The first line that matches. The family is asked once: `::/0` would hold IPv4 addresses too.
    #[inline]
    fn first(&self, flow: &Fields) -> Option<usize> {
        if flow.family != Some(self.family) {
            return None;
        }
        self.tests.iter().position(|test| test.matches(flow))
    }
}

/// A flow's fields as numbers, worked out once for all lists.
pub(crate) struct Fields {
    /// `None` where the addresses are of two families: no list holds such a flow.
    family: Option<Family>,
    source: u128,
    destination: u128,
    source_port: u16,
    destination_port: u16,
    protocol: u8,
    dscp: u8,
}

impl Fields {
    pub(crate) fn new(key: &FlowKey) -> Self {
        let family = match (key.source().is_ipv4(), key.destination().is_ipv4()) {
            (true, true) => Some(Family::Ipv4),
            (false, false) => Some(Family::Ipv6),
            (true, false) | (false, true) => None,
        };
        Self {
            family,
            source: u128::from_be_bytes(key.source_octets()),
            destination: u128::from_be_bytes(key.destination_octets()),
            source_port: key.source_port(),
            destination_port: key.destination_port(),
            protocol: key.protocol(),
            dscp: key.dscp(),
        }
    }
}

/// One rule as masks and ranges.
#[derive(Clone, Copy, Debug)]
struct Test {
    source: Masked,
    destination: Masked,
    source_port: Ports,
    destination_port: Ports,
    protocol: Option<u8>,
    dscp: Option<u8>,
    action: Action,
    sequence: u32,
}

impl Test {
    fn new(selector: &Selector) -> Self {
        Self {
            source: Masked::new(&selector.source),
            destination: Masked::new(&selector.destination),
            source_port: Ports::new(selector.source_port),
            destination_port: Ports::new(selector.destination_port),
            protocol: selector.protocol,
            dscp: selector.dscp,
            action: Action::Deny,
            sequence: 0,
        }
    }

    #[inline]
    fn matches(&self, flow: &Fields) -> bool {
        self.destination.holds(flow.destination)
            && self.source.holds(flow.source)
            && self.protocol.is_none_or(|wanted| wanted == flow.protocol)
            && self.destination_port.hold(flow.destination_port)
            && self.source_port.hold(flow.source_port)
            && self.dscp.is_none_or(|wanted| wanted == flow.dscp)
    }
}

/// Addresses `a` of the list's family with `a & mask == value`.
#[derive(Clone, Copy, Debug)]
struct Masked {
    value: u128,
    mask: u128,
}

/// `::ffff:0:0/96`, where IPv4 addresses live.
const MAPPED: u128 = 0xffff << 32;

impl Masked {
    fn new(addresses: &AddressMatch) -> Self {
        match addresses {
            AddressMatch::Any => Self::new_masked(0, 0),
            AddressMatch::Wildcard { address, wildcard } => Self::new_masked(
                u128::from(address.to_bits()) | MAPPED,
                !u128::from(wildcard.to_bits()),
            ),
            AddressMatch::Prefix(prefix) => Self::prefix(prefix.address(), prefix.length()),
        }
    }

    fn prefix(address: IpAddr, length: u8) -> Self {
        let (address, length): (Ipv6Addr, u8) = match address {
            IpAddr::V4(v4) => (v4.to_ipv6_mapped(), length + 96),
            IpAddr::V6(v6) => (v6, length),
        };
        let host_bits = 128 - u32::from(length);
        Self::new_masked(
            address.to_bits(),
            u128::MAX.checked_shl(host_bits).unwrap_or(0),
        )
    }

    const fn new_masked(address: u128, mask: u128) -> Self {
        Self {
            value: address & mask,
            mask,
        }
    }

    #[inline]
    const fn holds(&self, address: u128) -> bool {
        address & self.mask == self.value
    }
}

/// Ports from `first` to `last`, or visible ones outside where `inverted`.
#[derive(Clone, Copy, Debug)]
struct Ports {
    first: u16,
    last: u16,
    inverted: bool,
}

impl Ports {
    fn new(ports: PortMatch) -> Self {
        // 1 to 0 holds no port.
        let (first, last) = match ports {
            PortMatch::Any => (0, u16::MAX),
            PortMatch::Eq(0) | PortMatch::Gt(u16::MAX) => (1, 0),
            PortMatch::Eq(port) | PortMatch::Neq(port) => (port, port),
            PortMatch::Lt(limit) => (1, limit.saturating_sub(1)),
            PortMatch::Gt(limit) => (limit.saturating_add(1), u16::MAX),
            PortMatch::Range(first, last) => (first.max(1), last),
        };
        Self {
            first,
            last,
            inverted: matches!(ports, PortMatch::Neq(_)),
        }
    }

    #[inline]
    const fn hold(&self, port: u16) -> bool {
        let inside = self.first <= port && port <= self.last;
        if self.inverted {
            port != 0 && !inside
        } else {
            inside
        }
    }
}
