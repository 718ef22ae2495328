//! Who holds which prefix, and what is given out next.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use pmip_wire::types::{Instant, IpPrefix};
use smallvec::SmallVec;

use crate::config::{Ipv4Pool, LmaConfig, Network};
use crate::snapshot::RememberedRecord;
use crate::vrf::VrfId;

use super::cache::MnKey;
use super::changes::Changes;
use super::tenants::{Tenant, Tenants};

/// Addresses in use, as runs from first to last: what is claimed side by side is one run, so that
/// a pool used in order takes next to no memory, and the search for a free slot leaps.
#[derive(Clone, Debug, Default)]
struct Owned(BTreeMap<(bool, u128), u128>);

/// One block cut into slots of equal size; the next free slot is sought from where the last
/// search ended, so a released prefix rests as long as possible.
#[derive(Clone, Debug)]
struct Pool {
    ipv4: bool,
    first: u128,
    last: u128,
    /// log2 of the slot size.
    slot_bits: u32,
    excluded: Option<u128>,
    cursor: u128,
    /// A search found nothing and nothing was released since.
    full: bool,
}

/// The pools of one network.
#[derive(Clone, Debug)]
struct Pools {
    ipv4: Option<Pool>,
    ipv6: Option<Pool>,
    mobile: Vec<Pool>,
}

/// What a mobile node held when its session ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Remembered {
    pub(super) home_prefixes: SmallVec<[IpPrefix; 1]>,
    pub(super) ipv4_home: Option<Ipv4Addr>,
    pub(super) delegated: SmallVec<[IpPrefix; 2]>,
}

/// All pools of an anchor.
#[derive(Clone, Debug)]
pub(super) struct Allocator {
    spaces: BTreeMap<VrfId, Space>,
    remembered: BTreeMap<(Tenant, MnKey), (Instant, Remembered)>,
    oldest: VecDeque<(Instant, (Tenant, MnKey))>,
    capacity: usize,
    pub(super) changes: Changes<(Tenant, MnKey)>,
}

/// The addresses of one routing instance, with all networks' pools.
#[derive(Clone, Debug)]
pub(super) struct Space {
    owned: Owned,
    networks: BTreeMap<String, Pools>,
}

impl Allocator {
    pub(super) fn new(config: &LmaConfig, tenants: &Tenants) -> Self {
        let space = |tenant: Tenant| (tenant.traffic, Space::new(config));
        Self {
            spaces: tenants.all().map(space).collect(),
            remembered: BTreeMap::new(),
            oldest: VecDeque::new(),
            capacity: config.limits.bindings as usize,
            changes: Changes::default(),
        }
    }

    /// The addresses of a routing instance. Every tenant's has one from the start.
    pub(super) fn space(&mut self, vrf: VrfId) -> &mut Space {
        self.spaces.entry(vrf).or_insert_with(Space::empty)
    }

    /// Gives back what was claimed in a routing instance.
    pub(super) fn release(&mut self, vrf: VrfId, prefix: IpPrefix) {
        self.space(vrf).release(prefix);
    }

    /// Keeps in mind what `mn` held, until `until`.
    pub(super) fn remember(&mut self, tenant: Tenant, mn: MnKey, until: Instant, what: Remembered) {
        let whose = (tenant, mn);
        self.changes.note_with(|| whose.clone());
        self.oldest.push_back((until, whose.clone()));
        self.remembered.insert(whose, (until, what));
        while self.oldest.len() > self.capacity {
            let Some((until, whose)) = self.oldest.pop_front() else {
                break;
            };
            let kept = self.remembered.get(&whose);
            if kept.is_some_and(|kept| kept.0 == until) {
                self.remembered.remove(&whose);
                self.changes.note(whose);
            }
        }
    }

    /// What `mn` held before, if that is not too long ago. It stays in mind, for the request may
    /// yet be refused.
    pub(super) fn recall(&self, tenant: Tenant, mn: &MnKey, now: Instant) -> Remembered {
        match self.remembered.get(&(tenant, mn.clone())) {
            Some((until, what)) if *until > now => what.clone(),
            Some(_) | None => Remembered::default(),
        }
    }

    pub(super) fn remembered_record(
        &self,
        customer: Option<&str>,
        tenant: Tenant,
        mn: &MnKey,
    ) -> Option<RememberedRecord> {
        let (until, what) = self.remembered.get(&(tenant, mn.clone()))?;
        Some(what.record(customer, mn, *until))
    }

    /// What ended sessions held, in order of customer and mobile node.
    pub(super) fn remembered_records<'a>(
        &'a self,
        tenants: &'a Tenants,
    ) -> impl Iterator<Item = RememberedRecord> + 'a {
        let remembered = self.remembered.iter();
        remembered
            .map(|((tenant, mn), (until, what))| what.record(tenants.name(*tenant), mn, *until))
    }

    /// Runs in use in the default routing instance.
    #[cfg(test)]
    fn runs(&self) -> usize {
        self.spaces[&VrfId::DEFAULT].owned.0.len()
    }
}

impl Space {
    fn new(config: &LmaConfig) -> Self {
        let networks = config.networks.iter();
        Self {
            networks: networks.map(|n| (n.name.clone(), Pools::new(n))).collect(),
            ..Self::empty()
        }
    }

    fn empty() -> Self {
        Self {
            owned: Owned::default(),
            networks: BTreeMap::new(),
        }
    }

    /// Claims `prefix`; false when a part of it is in use.
    pub(super) fn claim(&mut self, prefix: IpPrefix) -> bool {
        self.owned.claim(prefix)
    }

    /// Gives back what was claimed.
    fn release(&mut self, prefix: IpPrefix) {
        self.owned.release(prefix);
        for pools in self.networks.values_mut() {
            pools.each(|pool| pool.full &= !pool.contains(prefix));
        }
    }

    /// Whether `prefix` is a home prefix of exactly the size that this network gives out.
    pub(super) fn owns_home(&self, network: &str, prefix: IpPrefix) -> bool {
        let pools = self.networks.get(network);
        let pool = pools.and_then(|pools| {
            if prefix.is_ipv4() {
                pools.ipv4.as_ref()
            } else {
                pools.ipv6.as_ref()
            }
        });
        pool.is_some_and(|pool| pool.is_slot(prefix))
    }

    /// Whether `prefix` lies in one of the network's mobile network pools.
    pub(super) fn owns_mobile(&self, network: &str, prefix: IpPrefix) -> bool {
        let pools = self.networks.get(network);
        pools.is_some_and(|pools| pools.mobile.iter().any(|pool| pool.contains(prefix)))
    }

    /// An IPv4 home address; `wanted` if it is free.
    pub(super) fn home_address(
        &mut self,
        network: &str,
        wanted: Option<Ipv4Addr>,
    ) -> Option<Ipv4Addr> {
        let wanted = wanted.map(|address| IpPrefix::host(IpAddr::V4(address)));
        let pool = self.networks.get_mut(network)?.ipv4.as_mut()?;
        let prefix = pool.take(&mut self.owned, wanted)?;
        match prefix.address() {
            IpAddr::V4(address) => Some(address),
            IpAddr::V6(_) => None,
        }
    }

    /// A home network prefix; `wanted` if it is free.
    pub(super) fn home_prefix(
        &mut self,
        network: &str,
        wanted: Option<IpPrefix>,
    ) -> Option<IpPrefix> {
        let pool = self.networks.get_mut(network)?.ipv6.as_mut()?;
        pool.take(&mut self.owned, wanted)
    }

    /// A mobile network prefix from the first pool that has one; `wanted` if it is free.
    pub(super) fn mobile_prefix(
        &mut self,
        network: &str,
        ipv4: bool,
        wanted: Option<IpPrefix>,
    ) -> Option<IpPrefix> {
        let pools = self.networks.get_mut(network)?;
        let mut pools = pools.mobile.iter_mut().filter(|pool| pool.ipv4 == ipv4);
        if let Some(wanted) = wanted
            && let Some(pool) = pools.find(|pool| pool.is_slot(wanted))
            && self.owned.claim(wanted)
        {
            pool.full = false;
            return Some(wanted);
        }
        let pools = self.networks.get_mut(network)?;
        let mut pools = pools.mobile.iter_mut().filter(|pool| pool.ipv4 == ipv4);
        pools.find_map(|pool| pool.take(&mut self.owned, None))
    }
}

impl Remembered {
    fn record(&self, customer: Option<&str>, mn: &MnKey, until: Instant) -> RememberedRecord {
        RememberedRecord {
            mn_id: mn.name(),
            customer: customer.map(str::to_owned),
            until,
            home_prefixes: self.home_prefixes.to_vec(),
            ipv4_home: self.ipv4_home,
            delegated: self.delegated.to_vec(),
        }
    }
}

impl Pools {
    fn new(network: &Network) -> Self {
        let mobile = network.mobile_network_pools.iter();
        Self {
            ipv4: network.ipv4_pool.as_ref().map(Pool::of_addresses),
            ipv6: network
                .ipv6_pool
                .map(|pool| Pool::of_block(pool.prefix, pool.prefix_length)),
            mobile: mobile
                .map(|pool| Pool::of_block(pool.prefix, pool.network_length))
                .collect(),
        }
    }

    fn each(&mut self, mut change: impl FnMut(&mut Pool)) {
        let homes = self.ipv4.iter_mut().chain(self.ipv6.iter_mut());
        homes.chain(self.mobile.iter_mut()).for_each(&mut change);
    }
}

impl Pool {
    fn of_addresses(pool: &Ipv4Pool) -> Self {
        Self {
            ipv4: true,
            first: pool.first.to_bits().into(),
            last: pool.last.to_bits().into(),
            slot_bits: 0,
            excluded: Some(pool.router().to_bits().into()),
            cursor: pool.first.to_bits().into(),
            full: false,
        }
    }

    fn of_block(block: IpPrefix, length: u8) -> Self {
        let (first, last) = range(block);
        let width: u32 = if block.is_ipv4() { 32 } else { 128 };
        Self {
            ipv4: block.is_ipv4(),
            first,
            last,
            slot_bits: width.saturating_sub(length.into()),
            excluded: None,
            cursor: first,
            full: false,
        }
    }

    fn contains(&self, prefix: IpPrefix) -> bool {
        let (first, last) = range(prefix);
        prefix.is_ipv4() == self.ipv4 && first >= self.first && last <= self.last
    }

    fn is_slot(&self, prefix: IpPrefix) -> bool {
        let (first, last) = range(prefix);
        self.contains(prefix)
            && last - first == self.slot_size() - 1
            && self.excluded != Some(first)
    }

    fn slot_size(&self) -> u128 {
        1u128.checked_shl(self.slot_bits).unwrap_or(u128::MAX)
    }

    fn slot(&self, first: u128) -> Option<IpPrefix> {
        let width: u32 = if self.ipv4 { 32 } else { 128 };
        let length = u8::try_from(width.saturating_sub(self.slot_bits)).ok()?;
        let address = if self.ipv4 {
            IpAddr::V4(Ipv4Addr::from_bits(u32::try_from(first).ok()?))
        } else {
            IpAddr::V6(Ipv6Addr::from_bits(first))
        };
        IpPrefix::new(address, length).ok()
    }

    fn take(&mut self, owned: &mut Owned, wanted: Option<IpPrefix>) -> Option<IpPrefix> {
        if let Some(wanted) = wanted
            && self.is_slot(wanted)
            && owned.claim(wanted)
        {
            return Some(wanted);
        }
        if self.full {
            return None;
        }
        let found = self
            .seek(owned, self.cursor, self.last)
            .or_else(|| self.seek(owned, self.first, self.cursor));
        let Some(first) = found else {
            self.full = true;
            return None;
        };
        let prefix = self.slot(first)?;
        self.cursor = first.checked_add(self.slot_size()).unwrap_or(self.first);
        if self.cursor > self.last {
            self.cursor = self.first;
        }
        owned.claim(prefix).then_some(prefix)
    }

    /// The first free slot that starts in `from..=to`. Each step leaps over one run in use.
    fn seek(&self, owned: &Owned, from: u128, to: u128) -> Option<u128> {
        let size = self.slot_size();
        let mut candidate = from;
        while candidate <= to {
            let end = candidate.checked_add(size - 1)?;
            if end > self.last {
                return None;
            }
            if self.excluded == Some(candidate) {
                candidate = candidate.checked_add(size)?;
                continue;
            }
            let Some(held_until) = owned.overlap(self.ipv4, candidate, end) else {
                return Some(candidate);
            };
            let slots = held_until.checked_sub(candidate)? / size;
            candidate = candidate.checked_add(slots.checked_add(1)?.checked_mul(size)?)?;
        }
        None
    }
}

impl Owned {
    /// The end of a run that overlaps `first..=last`, the last such.
    fn overlap(&self, ipv4: bool, first: u128, last: u128) -> Option<u128> {
        let before = self.0.range((ipv4, 0)..=(ipv4, last));
        let (_, &end) = before.into_iter().next_back()?;
        (end >= first).then_some(end)
    }

    fn claim(&mut self, prefix: IpPrefix) -> bool {
        let ipv4 = prefix.is_ipv4();
        let (first, last) = range(prefix);
        if self.overlap(ipv4, first, last).is_some() {
            return false;
        }
        let after = last.checked_add(1);
        let end = after.and_then(|after| self.0.remove(&(ipv4, after)));
        let end = end.unwrap_or(last);
        let mut before = self.0.range_mut((ipv4, 0)..(ipv4, first));
        match before.next_back() {
            Some((_, run)) if run.checked_add(1) == Some(first) => *run = end,
            Some(_) | None => {
                self.0.insert((ipv4, first), end);
            }
        }
        true
    }

    fn release(&mut self, prefix: IpPrefix) {
        let ipv4 = prefix.is_ipv4();
        let (first, last) = range(prefix);
        let run = self.0.range((ipv4, 0)..=(ipv4, first)).next_back();
        let Some((&(_, start), &end)) = run.filter(|(_, end)| **end >= last) else {
            return;
        };
        self.0.remove(&(ipv4, start));
        if let Some(before) = first.checked_sub(1).filter(|before| *before >= start) {
            self.0.insert((ipv4, start), before);
        }
        if let Some(after) = last.checked_add(1).filter(|after| *after <= end) {
            self.0.insert((ipv4, after), end);
        }
    }
}

/// First and last address of a prefix as numbers.
fn range(prefix: IpPrefix) -> (u128, u128) {
    let (first, width) = match prefix.address() {
        IpAddr::V4(address) => (u128::from(address.to_bits()), 32u32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    };
    let host_bits = width.saturating_sub(prefix.length().into());
    let span = 1u128
        .checked_shl(host_bits)
        .map_or(u128::MAX, |size| size - 1);
    (first, first | span)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::config::MobileNetworkPool;

    fn prefix(text: &str) -> IpPrefix {
        text.parse().unwrap()
    }

    fn allocator() -> Allocator {
        let mut network = Network::new("net");
        network.ipv4_pool = Some(Ipv4Pool::new(
            Ipv4Addr::new(10, 0, 0, 1),
            Ipv4Addr::new(10, 0, 0, 4),
            24,
        ));
        network.mobile_network_pools = vec![
            MobileNetworkPool::new(prefix("10.1.0.0/29"), 30),
            MobileNetworkPool::new(prefix("10.2.0.0/29"), 30),
        ];
        let mut config = LmaConfig::new("lma");
        config.networks = vec![network];
        Allocator::new(&config, &Tenants::new(&Arc::new(config.clone())))
    }

    #[test]
    fn pools_are_used_in_order_up_to_the_last_slot() {
        let mut allocator = allocator();
        let taken: Vec<_> = (0..5)
            .map(|_| {
                allocator
                    .space(VrfId::DEFAULT)
                    .mobile_prefix("net", true, None)
            })
            .collect();
        let expected = ["10.1.0.0/30", "10.1.0.4/30", "10.2.0.0/30", "10.2.0.4/30"];
        let mut expected: Vec<_> = expected.iter().map(|text| Some(prefix(text))).collect();
        expected.push(None);
        assert_eq!(taken, expected);
        allocator.release(VrfId::DEFAULT, prefix("10.1.0.4/30"));
        let again = allocator
            .space(VrfId::DEFAULT)
            .mobile_prefix("net", true, None);
        assert_eq!(again, Some(prefix("10.1.0.4/30")));
    }

    #[test]
    fn the_default_router_is_never_a_home_address() {
        let mut allocator = allocator();
        let first = allocator.space(VrfId::DEFAULT).home_address("net", None);
        assert_eq!(first, Some(Ipv4Addr::new(10, 0, 0, 2)));
        let router = Some(Ipv4Addr::new(10, 0, 0, 1));
        let asked = allocator.space(VrfId::DEFAULT).home_address("net", router);
        assert_eq!(asked, Some(Ipv4Addr::new(10, 0, 0, 3)));
    }

    #[test]
    fn an_asserted_prefix_of_another_length_blocks_the_slots_it_covers() {
        let mut allocator = allocator();
        assert!(allocator.space(VrfId::DEFAULT).claim(prefix("10.1.0.1/32")));
        assert!(!allocator.space(VrfId::DEFAULT).claim(prefix("10.1.0.0/29")));
        let next = allocator
            .space(VrfId::DEFAULT)
            .mobile_prefix("net", true, None);
        assert_eq!(next, Some(prefix("10.1.0.4/30")));
    }

    #[test]
    fn a_released_prefix_rests_while_others_are_free() {
        let mut allocator = allocator();
        let first = allocator
            .space(VrfId::DEFAULT)
            .home_address("net", None)
            .unwrap();
        allocator.release(VrfId::DEFAULT, IpPrefix::host(first.into()));
        let second = allocator
            .space(VrfId::DEFAULT)
            .home_address("net", None)
            .unwrap();
        assert_ne!(first, second);
        assert_eq!(allocator.runs(), 1);
    }

    #[test]
    fn what_is_claimed_side_by_side_is_one_run_and_falls_apart_again() {
        let mut allocator = allocator();
        let claimed = ["10.9.0.0/30", "10.9.0.8/30", "10.9.0.4/30", "10.9.0.12/32"];
        assert!(
            claimed
                .iter()
                .all(|text| allocator.space(VrfId::DEFAULT).claim(prefix(text)))
        );
        assert_eq!(allocator.runs(), 1);
        assert!(
            !allocator
                .space(VrfId::DEFAULT)
                .claim(prefix("10.9.0.12/31"))
        );
        allocator.release(VrfId::DEFAULT, prefix("10.9.0.4/30"));
        assert_eq!(allocator.runs(), 2);
        assert!(
            allocator.space(VrfId::DEFAULT).claim(prefix("10.9.0.6/31")),
            "it was all free"
        );
        assert!(!allocator.space(VrfId::DEFAULT).claim(prefix("10.9.0.0/28")));
    }

    #[test]
    fn the_last_free_slot_is_found_wherever_it_is() {
        let mut network = Network::new("net");
        network.mobile_network_pools = vec![MobileNetworkPool::new(prefix("10.1.0.0/16"), 30)];
        let mut config = LmaConfig::new("lma");
        config.networks = vec![network];
        let mut allocator = Allocator::new(&config, &Tenants::new(&Arc::new(config.clone())));
        while allocator
            .space(VrfId::DEFAULT)
            .mobile_prefix("net", true, None)
            .is_some()
        {}
        assert_eq!(allocator.runs(), 1);
        for text in ["10.1.77.8/30", "10.1.0.0/30", "10.1.255.252/30"] {
            allocator.release(VrfId::DEFAULT, prefix(text));
            let found = allocator
                .space(VrfId::DEFAULT)
                .mobile_prefix("net", true, None);
            assert_eq!(found, Some(prefix(text)));
        }
    }
}
