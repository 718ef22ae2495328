//! Placing new flows and moving old ones.

use pmip_wire::types::PathId;

use super::config::Spread;
use super::entry::{Cold, Hot, State};
use super::table::{Choice, FlowTable, Outcome, Packet, index_hash, pause};
use crate::steering::{NoPath, PlacedFlow, Review, Selection, Steering};

impl FlowTable {
    /// A flow that the table does not know.
    pub(super) fn place<S: Steering + ?Sized>(
        &mut self,
        packet: &Packet,
        steering: &S,
        generation: u32,
    ) -> Result<Choice, NoPath> {
        let first = self.select(packet, steering)?;
        let (chosen, state) = match self.lighter(packet, &first, steering) {
            Some(other) => (other, State::Balanced),
            None => (first, State::New),
        };
        self.stats.balanced += u64::from(state == State::Balanced);
        let cold = Cold::new(first.path, chosen.rule, packet.now, state);
        self.insert(packet, chosen.path, generation, cold)
    }

    /// A flow that arrived on `path` before we sent anything.
    pub(super) fn place_mirrored<S: Steering + ?Sized>(
        &mut self,
        packet: &Packet,
        path: PathId,
        steering: &S,
        generation: u32,
    ) {
        let Ok(first) = steering.select(&packet.key, packet.hash) else {
            return;
        };
        if steering.review(&PlacedFlow::new(path, first.rule)) == Review::Leave {
            return;
        }
        let cold = Cold::new(first.path, first.rule, packet.now, State::Mirrored);
        // A full table always has something to evict.
        let _ = self.insert(packet, path, generation, cold);
    }

    /// A known flow whose other direction arrived on `path`.
    pub(super) fn mirror<S: Steering + ?Sized>(
        &mut self,
        slot: u32,
        packet: &Packet,
        path: PathId,
        steering: &S,
    ) {
        let Some((hot, cold)) = self.slab.flow(slot) else {
            return;
        };
        let (from, rule) = (hot.path, cold.rule);
        if from == path || steering.review(&PlacedFlow::new(path, rule)) == Review::Leave {
            return;
        }
        self.stats.mirrored += 1;
        if let Some(hot) = self.slab.hot_mut(slot) {
            hot.path = path;
        }
        if let Some(cold) = self.slab.cold_mut(slot) {
            cold.moved(from, rule, packet.now, State::Mirrored);
        }
    }

    /// A known flow in another generation, or after a pause.
    pub(super) fn reconsider<S: Steering + ?Sized>(
        &mut self,
        slot: u32,
        packet: &Packet,
        steering: &S,
        generation: u32,
    ) -> Result<Choice, NoPath> {
        let Some((hot, cold)) = self.slab.flow(slot) else {
            return Err(NoPath::NoneUsable); // The index holds used slots only.
        };
        if self.pauses.is_idle(hot, cold, packet.now) {
            self.remove(slot);
            self.stats.expired += 1;
            return self.place(packet, steering, generation);
        }
        let placed = PlacedFlow::new(hot.path, cold.rule).with_left(cold.left());
        let silent = pause(hot, packet.now);
        let changed = hot.generation != generation;
        let mut next = match changed {
            true => self.judge(&placed, packet, steering)?,
            false => None,
        };
        if next.is_none() && silent >= self.pauses.flowlet {
            next = self.spread(&placed, silent, packet, steering);
        }
        Ok(self.settle(slot, packet, generation, &placed, next, changed))
    }

    /// Where a flow has to go in a new generation; `None` where it stays.
    fn judge<S: Steering + ?Sized>(
        &mut self,
        placed: &PlacedFlow,
        packet: &Packet,
        steering: &S,
    ) -> Result<Option<(Selection, State)>, NoPath> {
        match steering.review(placed) {
            Review::Stay => Ok(None),
            Review::Leave => {
                let first = self.select(packet, steering)?;
                let chosen = self.lighter(packet, &first, steering).unwrap_or(first);
                Ok(Some((chosen, State::Moved)))
            }
            Review::Return(path) => {
                let home = Selection::new(path, placed.rule, 1);
                Ok(Some((home, State::Returned)))
            }
            Review::Prefer => {
                let preferred = steering.draw(placed.rule, packet.hash);
                Ok(preferred.map(|preferred| (preferred, State::Returned)))
            }
        }
    }

    /// Where a flow may go on after a pause, or its next packet; `None` where it stays.
    fn spread<S: Steering + ?Sized>(
        &mut self,
        placed: &PlacedFlow,
        silent: u64,
        packet: &Packet,
        steering: &S,
    ) -> Option<(Selection, State)> {
        if self.config.spread == Spread::Packets {
            // Neighbouring hashes fall into buckets far apart: an even sequence, not a lottery.
            self.drawn = self.drawn.wrapping_add(1);
            let hash = packet.hash.wrapping_add(self.drawn);
            return Some((steering.draw(placed.rule, hash)?, State::Kept));
        }
        let hash = another(packet.hash ^ packet.now.as_nanos());
        let other = steering.draw(placed.rule, hash)?;
        let here = steering.candidate(placed.path)?;
        let there = steering.candidate(other.path)?;
        let sooner = here.delay.saturating_sub(there.delay).as_nanos();
        let in_order = u128::from(silent) >= u128::from(self.pauses.flowlet) + sooner;
        let stay = Selection::new(placed.path, placed.rule, here.weight);
        let lighter = self.loads.is_lighter(packet.now, &other, &stay);
        (in_order && lighter).then_some((other, State::Flowlet))
    }

    /// Writes down where a known flow is now.
    fn settle(
        &mut self,
        slot: u32,
        packet: &Packet,
        generation: u32,
        placed: &PlacedFlow,
        next: Option<(Selection, State)>,
        changed: bool,
    ) -> Choice {
        let (to, state) = match next {
            Some((selection, state)) => (selection, state),
            None => (Selection::new(placed.path, placed.rule, 1), State::Kept),
        };
        if let Some(hot) = self.slab.hot_mut(slot) {
            hot.path = to.path;
            hot.generation = generation;
            hot.last_seen = hot.last_seen.max(packet.now);
        }
        let from = placed.path;
        if to.path == from || state == State::Kept {
            let cold = self.slab.cold_mut(slot).filter(|_| changed);
            if let Some(cold) = cold {
                cold.kept();
            }
            return Choice::new(to.path, Outcome::Kept, slot);
        }
        match state {
            State::Moved => self.stats.moved += 1,
            State::Returned => self.stats.returned += 1,
            State::Flowlet => self.stats.flowlets += 1,
            State::Free | State::New | State::Balanced | State::Kept | State::Mirrored => {}
        }
        if let Some(cold) = self.slab.cold_mut(slot) {
            cold.moved(from, to.rule, packet.now, state);
        }
        Choice::new(to.path, Outcome::Moved { from }, slot)
    }

    fn select<S: Steering + ?Sized>(
        &mut self,
        packet: &Packet,
        steering: &S,
    ) -> Result<Selection, NoPath> {
        steering
            .select(&packet.key, packet.hash)
            .inspect_err(|_| self.stats.no_path += 1)
    }

    /// The flow's second draw, where that carries clearly less than the first.
    fn lighter<S: Steering + ?Sized>(
        &self,
        packet: &Packet,
        first: &Selection,
        steering: &S,
    ) -> Option<Selection> {
        if !self.config.byte_aware || self.loads.is_small(packet.now, first.path) {
            return None;
        }
        let second = steering.draw(first.rule, another(packet.hash))?;
        let lighter = self.loads.is_lighter(packet.now, &second, first);
        lighter.then_some(second)
    }

    fn insert(
        &mut self,
        packet: &Packet,
        path: PathId,
        generation: u32,
        cold: Cold,
    ) -> Result<Choice, NoPath> {
        if self.slab.is_full() {
            self.evict(packet.now);
        }
        let hot = Hot {
            key: packet.name,
            scope: packet.scope,
            path,
            generation,
            last_seen: packet.now,
        };
        let Some(slot) = self.slab.insert(hot, cold) else {
            return Err(NoPath::NoneUsable); // Eviction always frees a slot of a full table.
        };
        let hash = index_hash(packet.hash, &packet.name, packet.scope);
        self.index.insert(hash, slot);
        self.stats.created += 1;
        Ok(Choice::new(path, Outcome::New, slot))
    }
}

/// A hash unrelated to this one.
const fn another(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    hash ^ (hash >> 32)
}
