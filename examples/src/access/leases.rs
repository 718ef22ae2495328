//! Which address of a subnet each host has.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use pmip_wire::types::{Instant, IpPrefix};

use super::Mac;

/// Leases in one IPv4 subnet.
#[derive(Clone, Debug)]
pub struct Leases {
    first: u32,
    last: u32,
    /// Where the search for a free address goes on.
    next: u32,
    by_address: BTreeMap<u32, Lease>,
    by_host: BTreeMap<Mac, u32>,
}

#[derive(Clone, Copy, Debug)]
struct Lease {
    /// `None` = declined: somebody else uses the address.
    host: Option<Mac>,
    until: Instant,
}

impl Leases {
    /// All addresses of `subnet` but its own, its broadcast address and `taken`; `None` for IPv6.
    pub fn new(subnet: IpPrefix, taken: &[Ipv4Addr]) -> Option<Self> {
        let IpAddr::V4(base) = subnet.address() else {
            return None;
        };
        let base = base.to_bits();
        let last = base | u32::MAX.checked_shr(subnet.length().into()).unwrap_or(0);
        let has_ends = subnet.length() < 31;
        let forever = Lease {
            host: None,
            until: Instant::from_secs(u64::MAX / 2_000_000_000),
        };
        let taken = taken.iter().map(|address| (address.to_bits(), forever));
        let (first, last) = if has_ends {
            (base + 1, last - 1)
        } else {
            (base, last)
        };
        Some(Self {
            first,
            last,
            next: first,
            by_address: taken.collect(),
            by_host: BTreeMap::new(),
        })
    }

    /// The address for `host`: what it has, else `wanted` if that is free, else the next free
    /// one. It is kept for it until `until`. `None` = all are taken.
    pub fn offer(
        &mut self,
        now: Instant,
        host: Mac,
        wanted: Option<Ipv4Addr>,
        until: Instant,
    ) -> Option<Ipv4Addr> {
        let own = self.address_of(host);
        let wanted = wanted.map(|address| address.to_bits());
        let wanted = wanted.filter(|address| self.is_free(now, *address));
        let address = own.map(|own| own.to_bits()).or(wanted);
        let address = address.or_else(|| self.free(now))?;
        self.hold(now, host, address, until);
        Some(address.into())
    }

    /// Whether `host` may use `address`: it has it, or nobody has. It then has it until `until`.
    pub fn take(&mut self, now: Instant, host: Mac, address: Ipv4Addr, until: Instant) -> bool {
        let bits = address.to_bits();
        let own = self.by_host.get(&host).copied();
        if own != Some(bits) && (own.is_some() || !self.is_free(now, bits)) {
            return false;
        }
        self.hold(now, host, bits, until);
        true
    }

    /// The address that `host` has.
    pub fn address_of(&self, host: Mac) -> Option<Ipv4Addr> {
        self.by_host.get(&host).map(|bits| (*bits).into())
    }

    /// `host` gives its address back, if it is this one.
    pub fn release(&mut self, host: Mac, address: Ipv4Addr) {
        let bits = address.to_bits();
        if self.by_host.get(&host) == Some(&bits) {
            self.by_host.remove(&host);
            self.by_address.remove(&bits);
        }
    }

    /// `host` found its address in use: nobody gets it until `until`.
    pub fn decline(&mut self, host: Mac, address: Ipv4Addr, until: Instant) {
        let bits = address.to_bits();
        if self.by_host.get(&host) == Some(&bits) {
            self.by_host.remove(&host);
            self.by_address.insert(bits, Lease { host: None, until });
        }
    }

    fn hold(&mut self, now: Instant, host: Mac, address: u32, until: Instant) {
        let held = self.by_address.get(&address).copied();
        if let Some(other) = held.and_then(|lease| lease.host).filter(|mac| *mac != host) {
            self.by_host.remove(&other);
        }
        // An offer does not shorten a lease.
        let kept = held.filter(|lease| lease.host == Some(host) && lease.until > now);
        let until = kept.map_or(until, |lease| lease.until.max(until));
        let host = Some(host);
        self.by_address.insert(address, Lease { host, until });
        self.by_host.extend(host.map(|host| (host, address)));
    }

    fn is_free(&self, now: Instant, address: u32) -> bool {
        let held = self.by_address.get(&address);
        (self.first..=self.last).contains(&address) && held.is_none_or(|lease| lease.until <= now)
    }

    /// The next address that nobody ever had, else the one whose lease ended first.
    fn free(&mut self, now: Instant) -> Option<u32> {
        while self.next <= self.last {
            let address = self.next;
            self.next = address.checked_add(1)?;
            if self.is_free(now, address) {
                return Some(address);
            }
        }
        let ended = self
            .by_address
            .iter()
            .filter(|(_, lease)| lease.until <= now);
        let oldest = ended.min_by_key(|(_, lease)| lease.until);
        let oldest = oldest.map(|(address, _)| *address);
        // What was released is in no list.
        oldest.or_else(|| {
            let mut all = self.first..=self.last;
            let limit = self.by_address.len().saturating_add(1);
            let mut looked = all.by_ref().take(limit);
            looked.find(|address| self.is_free(now, *address))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::from_secs(seconds)
    }

    fn host(number: u8) -> Mac {
        [2, 0, 0, 0, 0, number]
    }

    fn four() -> Leases {
        let subnet = "10.60.0.0/29".parse().expect("a prefix");
        let gateway = Ipv4Addr::new(10, 60, 0, 1);
        Leases::new(subnet, &[gateway]).expect("IPv4")
    }

    #[test]
    fn every_address_but_the_gateway_and_the_ends_is_given_once() {
        let mut leases = four();
        let mut given: Vec<Ipv4Addr> = (1..=9)
            .filter_map(|number| leases.offer(at(1), host(number), None, at(100)))
            .collect();
        given.dedup();
        let wanted: Vec<Ipv4Addr> = (2..=6).map(|last| Ipv4Addr::new(10, 60, 0, last)).collect();
        assert_eq!(given, wanted);
        assert_eq!(leases.offer(at(2), host(1), None, at(100)), Some(wanted[0]));
    }

    #[test]
    fn an_ended_lease_and_a_released_address_are_given_again() {
        let mut leases = four();
        for number in 1..=5 {
            let until = at(100 + u64::from(number));
            assert!(leases.offer(at(1), host(number), None, until).is_some());
        }
        assert_eq!(leases.offer(at(50), host(9), None, at(200)), None);
        leases.release(host(3), Ipv4Addr::new(10, 60, 0, 4));
        let again = leases.offer(at(50), host(9), None, at(200));
        assert_eq!(again, Some(Ipv4Addr::new(10, 60, 0, 4)));
        let ended = leases.offer(at(102), host(8), None, at(200));
        assert_eq!(ended, Some(Ipv4Addr::new(10, 60, 0, 2)), "the oldest");
        assert_eq!(leases.address_of(host(1)), None);
    }

    #[test]
    fn nobody_gets_a_declined_address_or_takes_that_of_another() {
        let mut leases = four();
        let first = leases.offer(at(1), host(1), None, at(100)).expect("free");
        leases.decline(host(2), first, at(500));
        assert!(!leases.take(at(1), host(2), first, at(100)), "another's");
        leases.decline(host(1), first, at(500));
        assert!(!leases.take(at(1), host(1), first, at(100)), "declined");
        let other = Ipv4Addr::new(192, 0, 2, 1);
        assert!(!leases.take(at(1), host(1), other, at(100)), "outside");
        assert!(leases.take(at(600), host(1), first, at(700) + Duration::ZERO));
    }
}
