use alloc::vec::Vec;

use pmip_wire::types::{Instant, PathId};

use super::entry::{Cold, Hot, State};

/// Flows under stable small numbers, their slots. Freed slots are used again, last freed first.
///
/// A flow is kept in two halves: the one that every packet reads fills one cache line, the counters
/// half of another. Both addresses follow from the slot, so a processor fetches them at once.
#[derive(Clone, Debug)]
pub(super) struct Slab {
    hot: Vec<Hot>,
    cold: Vec<Cold>,
    /// The first free slot; each names the next in `previous`.
    free: u32,
    limit: u32,
    len: u32,
}

/// Ends the list of free slots.
const NONE: u32 = u32::MAX;

impl Slab {
    /// A slab for at most `limit` flows, its memory taken at once.
    pub(super) fn new(limit: u32) -> Self {
        Self {
            hot: Vec::with_capacity(limit as usize),
            cold: Vec::with_capacity(limit as usize),
            free: NONE,
            limit,
            len: 0,
        }
    }

    pub(super) fn len(&self) -> u32 {
        self.len
    }

    pub(super) fn is_full(&self) -> bool {
        self.len >= self.limit
    }

    /// One above the highest slot ever used.
    pub(super) fn slots(&self) -> u32 {
        // `limit` is a u32 and bounds the vectors.
        self.hot.len() as u32
    }

    /// The new flow's slot; `None` when the slab is full.
    pub(super) fn insert(&mut self, hot: Hot, cold: Cold) -> Option<u32> {
        if self.is_full() {
            return None;
        }
        self.len += 1;
        let slot = self.free;
        let Some(place) = self.cold.get_mut(slot as usize) else {
            self.hot.push(hot);
            self.cold.push(cold);
            return Some(self.slots() - 1);
        };
        self.free = core::mem::replace(place, cold).previous.0;
        self.hot[slot as usize] = hot;
        Some(slot)
    }

    /// Frees a slot; what it held is given back.
    pub(super) fn remove(&mut self, slot: u32) -> Option<Hot> {
        let (hot, _) = self.flow(slot)?;
        let hot = hot.clone();
        self.cold[slot as usize] = Cold::new(PathId(self.free), 0, Instant::ZERO, State::Free);
        self.free = slot;
        self.len -= 1;
        Some(hot)
    }

    /// The flow of a slot, `None` when that is free.
    #[inline]
    pub(super) fn flow(&self, slot: u32) -> Option<(&Hot, &Cold)> {
        let cold = self.cold.get(slot as usize);
        let cold = cold.filter(|cold| cold.state != State::Free)?;
        Some((self.hot.get(slot as usize)?, cold))
    }

    /// The half that every packet reads; stale in a free slot.
    #[inline]
    pub(super) fn hot(&self, slot: u32) -> Option<&Hot> {
        self.hot.get(slot as usize)
    }

    /// As [`hot`](Self::hot).
    #[inline]
    pub(super) fn hot_mut(&mut self, slot: u32) -> Option<&mut Hot> {
        self.hot.get_mut(slot as usize)
    }

    /// The other half, `None` when the slot is free.
    #[inline]
    pub(super) fn cold_mut(&mut self, slot: u32) -> Option<&mut Cold> {
        let cold = self.cold.get_mut(slot as usize);
        cold.filter(|cold| cold.state != State::Free)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::FlowKey;

    #[test]
    fn a_flow_takes_at_most_96_octets() {
        assert_eq!(size_of::<Hot>(), 64);
        assert_eq!(size_of::<Cold>(), 32);
    }

    fn flow(n: u8) -> (Hot, Cold) {
        let key = FlowKey::new([10, 0, 0, n].into(), [10, 0, 0, 1].into(), FlowKey::UDP);
        let hot = Hot {
            key,
            scope: 0,
            path: PathId(1),
            generation: 0,
            last_seen: Instant::ZERO,
        };
        (hot, Cold::new(PathId(1), 0, Instant::ZERO, State::New))
    }

    #[test]
    fn freed_slots_are_used_again_and_freed_only_once() {
        let mut slab = Slab::new(3);
        for n in 0..3 {
            let (hot, cold) = flow(n);
            assert_eq!(slab.insert(hot, cold), Some(n.into()));
        }
        let (hot, cold) = flow(9);
        assert_eq!(slab.insert(hot.clone(), cold.clone()), None);
        assert!(slab.remove(1).is_some() && slab.remove(2).is_some());
        assert!(slab.remove(1).is_none() && slab.remove(7).is_none());
        assert!(slab.flow(1).is_none() && slab.cold_mut(1).is_none());
        assert_eq!(slab.insert(hot.clone(), cold.clone()), Some(2));
        assert_eq!(slab.insert(hot.clone(), cold.clone()), Some(1));
        assert_eq!(slab.insert(hot, cold), None);
        assert_eq!((slab.len(), slab.slots()), (3, 3));
    }
}
