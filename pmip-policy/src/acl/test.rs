use core::net::IpAddr;

use smallvec::SmallVec;

use super::fields::{Fields, Word};
use super::selector::{AddressMatch, PortMatch, Selector};

/// First and last number of a range, both included.
pub(super) type Ranges<T> = SmallVec<[(T, T); 2]>;

/// One rule as masks and ranges.
#[derive(Clone, Copy, Debug)]
pub(super) struct Test<A> {
    pub(super) source: Masked<A>,
    pub(super) destination: Masked<A>,
    pub(super) source_port: Ports,
    pub(super) destination_port: Ports,
    pub(super) protocol: Octet,
    pub(super) dscp: Octet,
    pub(super) established: bool,
}

impl<A: Word> Test<A> {
    /// Matches every packet of the family.
    pub(super) const ANY: Self = Self {
        source: Masked::ANY,
        destination: Masked::ANY,
        source_port: Ports::ANY,
        destination_port: Ports::ANY,
        protocol: Octet::ANY,
        dscp: Octet::ANY,
        established: false,
    };

    /// `None` when no packet of the family can match.
    pub(super) fn new(selector: &Selector) -> Option<Self>
    where
        Masked<A>: FromAddress,
    {
        Some(Self {
            source: Masked::from_address(&selector.source)?,
            destination: Masked::from_address(&selector.destination)?,
            source_port: Ports::new(selector.source_port)?,
            destination_port: Ports::new(selector.destination_port)?,
            protocol: Octet::new(selector.protocol),
            dscp: Octet::new(selector.dscp),
            established: selector.established,
        })
    }

    #[inline]
    pub(super) fn matches(&self, packet: &Fields<A>) -> bool {
        self.destination.holds(packet.destination)
            && self.source.holds(packet.source)
            && self.protocol.holds(packet.protocol)
            && self.destination_port.hold(packet.destination_port)
            && self.source_port.hold(packet.source_port)
            && self.dscp.holds(packet.dscp)
            && (packet.established || !self.established)
    }
}

/// Addresses `a` with `a & mask == value`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Masked<A> {
    value: A,
    mask: A,
}

impl<A: Word> Masked<A> {
    const ANY: Self = Self {
        value: A::ZERO,
        mask: A::ZERO,
    };

    fn new(address: A, mask: A) -> Self {
        Self {
            value: address & mask,
            mask,
        }
    }

    #[inline]
    fn holds(&self, address: A) -> bool {
        address & self.mask == self.value
    }

    /// Value and mask of the 32 bits from `shift` on.
    pub(super) fn window(&self, shift: u32) -> (u32, u32) {
        (self.value.low_bits(shift), self.mask.low_bits(shift))
    }

    /// The addresses as one range; `None` where the mask is not that of a prefix.
    pub(super) fn range(&self) -> Option<(A, A)> {
        let prefix = self.mask.is_prefix_mask();
        prefix.then(|| (self.value, self.value | !self.mask))
    }
}

/// How a family reads the addresses of a rule.
pub(super) trait FromAddress: Sized {
    /// `None` for addresses of the other family.
    fn from_address(addresses: &AddressMatch) -> Option<Self>;
}

impl FromAddress for Masked<u32> {
    fn from_address(addresses: &AddressMatch) -> Option<Self> {
        match addresses {
            AddressMatch::Any => Some(Self::ANY),
            AddressMatch::Wildcard { address, wildcard } => {
                Some(Self::new(address.to_bits(), !wildcard.to_bits()))
            }
            AddressMatch::Prefix(prefix) => match prefix.address() {
                IpAddr::V4(address) => {
                    let host_bits = 32 - u32::from(prefix.length().min(32));
                    let mask = u32::MAX.checked_shl(host_bits).unwrap_or(0);
                    Some(Self::new(address.to_bits(), mask))
                }
                IpAddr::V6(_) => None,
            },
        }
    }
}

impl FromAddress for Masked<u128> {
    fn from_address(addresses: &AddressMatch) -> Option<Self> {
        match addresses {
            AddressMatch::Any => Some(Self::ANY),
            AddressMatch::Wildcard { .. } => None,
            AddressMatch::Prefix(prefix) => match prefix.address() {
                IpAddr::V4(_) => None,
                IpAddr::V6(address) => {
                    let host_bits = 128 - u32::from(prefix.length().min(128));
                    let mask = u128::MAX.checked_shl(host_bits).unwrap_or(0);
                    Some(Self::new(address.to_bits(), mask))
                }
            },
        }
    }
}

/// Ports from `first` to `first + span`, or visible ones outside where `inverted`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ports {
    first: u16,
    span: u16,
    inverted: bool,
}

impl Ports {
    const ANY: Self = Self {
        first: 0,
        span: u16::MAX,
        inverted: false,
    };

    /// `None` when no port is meant.
    fn new(ports: PortMatch) -> Option<Self> {
        let inverted = matches!(ports, PortMatch::Neq(_));
        let (first, last) = match ports {
            PortMatch::Any => (0, u16::MAX),
            // Port 0 stands for a packet without ports, so `neq 0` are all that have some.
            PortMatch::Neq(0) => return Self::from_range(1, u16::MAX, false),
            PortMatch::Eq(port) if port != 0 => (port, port),
            PortMatch::Neq(port) => (port, port),
            PortMatch::Lt(limit) if limit > 1 => (1, limit - 1),
            PortMatch::Gt(limit) if limit < u16::MAX => (limit + 1, u16::MAX),
            PortMatch::Range(first, last) => (first.max(1), last),
            PortMatch::Eq(_) | PortMatch::Lt(_) | PortMatch::Gt(_) => return None,
        };
        Self::from_range(first, last, inverted)
    }

    fn from_range(first: u16, last: u16, inverted: bool) -> Option<Self> {
        Some(Self {
            first,
            span: last.checked_sub(first)?,
            inverted,
        })
    }

    #[inline]
    const fn hold(&self, port: u16) -> bool {
        let inside = port.wrapping_sub(self.first) <= self.span;
        if self.inverted {
            port != 0 && !inside
        } else {
            inside
        }
    }

    pub(super) fn ranges(&self) -> Ranges<u16> {
        let last = self.first.saturating_add(self.span);
        let mut ranges = Ranges::new();
        if !self.inverted {
            ranges.push((self.first, last));
            return ranges;
        }
        if self.first > 1 {
            ranges.push((1, self.first - 1));
        }
        if last < u16::MAX {
            ranges.push((last + 1, u16::MAX));
        }
        ranges
    }
}

/// One octet, or any.
#[derive(Clone, Copy, Debug)]
pub(super) struct Octet {
    value: u8,
    mask: u8,
}

impl Octet {
    const ANY: Self = Self { value: 0, mask: 0 };

    const fn new(wanted: Option<u8>) -> Self {
        match wanted {
            Some(value) => Self { value, mask: 0xff },
            None => Self::ANY,
        }
    }

    #[inline]
    const fn holds(&self, octet: u8) -> bool {
        octet & self.mask == self.value
    }

    pub(super) const fn range(&self) -> (u8, u8) {
        (self.value, self.value | !self.mask)
    }
}
