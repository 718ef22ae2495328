//! Longest prefix match by one hash lookup for each distinct prefix length in use: one to three in
//! practice, such as /64, /56 and /32. Routing instances have nothing in common but the lengths.

use alloc::vec::Vec;
use core::net::IpAddr;

use pmip_wire::types::IpPrefix;

use super::VrfId;
use super::shard::Sharded;

#[derive(Clone, Debug)]
pub(super) struct PrefixMap<V> {
    prefixes: Sharded<(VrfId, IpPrefix), V>,
    /// How many prefixes there are of each length in use, longest first.
    lengths_v4: Vec<(u8, usize)>,
    lengths_v6: Vec<(u8, usize)>,
}

impl<V: Clone> PrefixMap<V> {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            prefixes: Sharded::new(seed),
            lengths_v4: Vec::new(),
            lengths_v6: Vec::new(),
        }
    }

    pub(super) fn get(&self, vrf: VrfId, prefix: &IpPrefix) -> Option<&V> {
        self.prefixes.get(&(vrf, *prefix))
    }

    pub(super) fn insert(&mut self, vrf: VrfId, prefix: IpPrefix, value: V) -> Option<V> {
        let former = self.prefixes.insert((vrf, prefix), value);
        if former.is_none() {
            let lengths = self.lengths_mut(&prefix);
            match lengths
                .iter_mut()
                .find(|(length, _)| *length == prefix.length())
            {
                Some((_, count)) => *count = count.saturating_add(1),
                None => {
                    lengths.push((prefix.length(), 1));
                    lengths.sort_unstable_by(|a, b| b.cmp(a));
                }
            }
        }
        former
    }

    pub(super) fn remove(&mut self, vrf: VrfId, prefix: &IpPrefix) -> Option<V> {
        let former = self.prefixes.remove(&(vrf, *prefix))?;
        let lengths = self.lengths_mut(prefix);
        if let Some((_, count)) = lengths
            .iter_mut()
            .find(|(length, _)| *length == prefix.length())
        {
            *count = count.saturating_sub(1);
        }
        lengths.retain(|(_, count)| *count > 0);
        Some(former)
    }

    /// The value of the longest prefix of `vrf` that holds `address`.
    #[inline]
    pub(super) fn longest_match(&self, vrf: VrfId, address: IpAddr) -> Option<&V> {
        let lengths = match address {
            IpAddr::V4(_) => &self.lengths_v4,
            IpAddr::V6(_) => &self.lengths_v6,
        };
        lengths.iter().find_map(|(length, _)| {
            let prefix = IpPrefix::new(address, *length).ok()?;
            self.prefixes.get(&(vrf, prefix))
        })
    }

    fn lengths_mut(&mut self, prefix: &IpPrefix) -> &mut Vec<(u8, usize)> {
        match prefix.is_ipv4() {
            true => &mut self.lengths_v4,
            false => &mut self.lengths_v6,
        }
    }
}
