use core::time::Duration;

use pmip_wire::types::{Instant, PathId};

use super::config::FlowTableConfig;
use super::entry::{Cold, FlowInfo, Hot, State};
use super::index::Index;
use super::slab::Slab;
use crate::key::{FlowKey, FlowSeed};
use crate::steering::{NoPath, Selection, Steering};

/// Where each flow went: bounded, with idle times, one per worker.
///
/// A flow is a [`FlowKey`] within a *scope*, the number of the session that it belongs to: two
/// sessions with overlapping addresses never share a flow.
///
/// The caller gives every [`choose`](Self::choose) the *generation* of its steering: a number that
/// it raises whenever a path comes, goes or changes its usability or weight. A flow seen in the same
/// generation costs one lookup; in another, its path is checked once, and the flow moves only when
/// it must.
///
/// Time may stand still and is clamped where it runs back.
#[derive(Clone, Debug)]
pub struct FlowTable {
    config: FlowTableConfig,
    idle: IdleTimes,
    seed: FlowSeed,
    /// Finds slots of `slab`; never iterated.
    index: Index,
    slab: Slab,
    /// Where the next sample for eviction begins.
    hand: u32,
    /// Where the next sweep begins.
    sweep: u32,
    stats: FlowTableStats,
}

/// Entries that are looked at to find one to evict: the bound on a new flow's work in a full table.
const SAMPLE: u32 = 16;

impl FlowTable {
    /// An empty table. `seed` keys its hash against chosen collisions: take it from the system's
    /// randomness, and give every worker of a node the same, so that they place flows alike.
    pub fn new(config: FlowTableConfig, seed: u64) -> Self {
        let limit = config.max_flows.clamp(1, FlowTableConfig::MAX_FLOWS);
        Self {
            config,
            idle: IdleTimes::new(&config),
            seed: FlowSeed::new(seed),
            index: Index::new(limit),
            slab: Slab::new(limit),
            hand: 0,
            sweep: 0,
            stats: FlowTableStats::default(),
        }
    }

    /// The path for a packet of this flow.
    ///
    /// A new flow is placed by `steering`; a known one keeps its path while `steering` allows that
    /// path, however the others change. A flow that was silent for its idle time is new again.
    ///
    /// # Errors
    /// [`NoPath`] when nothing may carry the packet; a known flow keeps its entry.
    #[inline]
    pub fn choose<S: Steering + ?Sized>(
        &mut self,
        now: Instant,
        key: FlowKey,
        scope: u32,
        steering: &S,
        generation: u32,
    ) -> Result<Choice, NoPath> {
        let hash = key.hash(&self.seed);
        let Some(slot) = self.find(hash, &key, scope) else {
            return self.place(now, key, scope, hash, steering, generation);
        };
        let idle = self.idle.of(key.protocol());
        let Some(flow) = self.slab.hot_mut(slot) else {
            return Err(NoPath::NoneUsable); // The index holds used slots only.
        };
        if flow.generation != generation || is_idle(flow, now, idle) {
            return self.reconsider(now, slot, hash, steering, generation);
        }
        flow.last_seen = flow.last_seen.max(now);
        Ok(Choice::new(flow.path, Outcome::Kept, slot))
    }

    /// Counts what a [`Choice`] carried; a reference whose flow is gone counts nowhere.
    #[inline]
    pub fn record(&mut self, flow: FlowRef, packets: u64, bytes: u64) {
        if let Some(flow) = self.slab.cold_mut(flow.0) {
            flow.packets = flow.packets.saturating_add(packets);
            flow.bytes = flow.bytes.saturating_add(bytes);
        }
    }

    /// Why a flow is where it is; `None` when the table does not know it.
    pub fn explain(&self, key: &FlowKey, scope: u32) -> Option<FlowInfo> {
        let hash = self.hash_of(key);
        let slot = self.find(hash, key, scope)?;
        let (hot, cold) = self.slab.flow(slot)?;
        Some(FlowInfo::new(hot, cold, hash))
    }

    /// The hash that places a flow: with it, `PathSet::pick` tells where a flow that the table does
    /// not know would go.
    pub fn hash_of(&self, key: &FlowKey) -> u64 {
        key.hash(&self.seed)
    }

    /// All flows, in the order of their slots, idle ones that no sweep has met yet included.
    pub fn flows(&self) -> Flows<'_> {
        Flows {
            table: self,
            next: 0,
        }
    }

    /// Forgets flows that were silent for their idle time, looking at no more than `budget` slots
    /// and going on from there at the next call; returns how many it forgot.
    ///
    /// Called with a few hundred every 100 ms or so, it keeps the table small without a pause.
    pub fn remove_expired(&mut self, now: Instant, budget: usize) -> usize {
        let slots = self.slab.slots();
        let mut removed = 0;
        for _ in 0..budget.min(slots as usize) {
            let slot = self.sweep;
            self.sweep = step(slot, slots);
            if self.slot_is_idle(slot, now) && self.remove(slot).is_some() {
                removed += 1;
            }
        }
        self.stats.expired += removed as u64;
        removed
    }

    /// Forgets every flow of a scope, for a session that ended; returns how many. Looks at every
    /// slot.
    pub fn remove_scope(&mut self, scope: u32) -> usize {
        let mut removed = 0;
        for slot in 0..self.slab.slots() {
            let flow = self.slab.flow(slot);
            let ours = flow.is_some_and(|(flow, _)| flow.scope == scope);
            if ours && self.remove(slot).is_some() {
                removed += 1;
            }
        }
        removed
    }

    /// Forgets every flow.
    pub fn clear(&mut self) {
        for slot in 0..self.slab.slots() {
            self.remove(slot);
        }
    }

    /// Number of flows held.
    pub fn len(&self) -> usize {
        self.slab.len() as usize
    }

    /// Whether no flow is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bounds and idle times.
    pub const fn config(&self) -> &FlowTableConfig {
        &self.config
    }

    /// What happened to flows so far.
    pub const fn stats(&self) -> &FlowTableStats {
        &self.stats
    }
}

/// An answer of [`FlowTable::choose`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Choice {
    /// The path that carries the packet.
    pub path: PathId,
    /// Whether the flow is new, stayed or moved.
    pub outcome: Outcome,
    /// For [`FlowTable::record`].
    pub flow: FlowRef,
}

impl Choice {
    const fn new(path: PathId, outcome: Outcome, slot: u32) -> Self {
        Self {
            path,
            outcome,
            flow: FlowRef(slot),
        }
    }
}

/// What [`FlowTable::choose`] did with a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// Placed for the first time, or again after its idle time.
    New,
    /// Left where it was.
    Kept,
    /// Moved, because its path may not carry it any more.
    Moved {
        /// The path it was on.
        from: PathId,
    },
}

/// Refers to a flow from its [`Choice`] until the next call that changes the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowRef(u32);

/// What happened to the flows of a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct FlowTableStats {
    /// Flows placed for the first time.
    pub created: u64,
    /// Moves away from a path that might not carry the flow any more.
    pub moved: u64,
    /// Flows forgotten after their idle time.
    pub expired: u64,
    /// Live flows forgotten to make room: the table is too small for the traffic.
    pub evicted: u64,
    /// Packets without a path.
    pub no_path: u64,
}

/// The flows of a table; see [`FlowTable::flows`].
#[derive(Clone, Debug)]
pub struct Flows<'a> {
    table: &'a FlowTable,
    next: u32,
}

impl Iterator for Flows<'_> {
    type Item = FlowInfo;

    fn next(&mut self) -> Option<FlowInfo> {
        while self.next < self.table.slab.slots() {
            let slot = self.next;
            self.next += 1;
            if let Some((hot, cold)) = self.table.slab.flow(slot) {
                return Some(FlowInfo::new(hot, cold, self.table.hash_of(&hot.key)));
            }
        }
        None
    }
}

impl FlowTable {
    #[inline]
    fn find(&self, hash: u64, key: &FlowKey, scope: u32) -> Option<u32> {
        self.index.find(index_hash(hash, key, scope), |slot| {
            self.slab
                .hot(slot)
                .is_some_and(|flow| flow.key == *key && flow.scope == scope)
        })
    }

    /// A flow that the table does not know.
    fn place<S: Steering + ?Sized>(
        &mut self,
        now: Instant,
        key: FlowKey,
        scope: u32,
        hash: u64,
        steering: &S,
        generation: u32,
    ) -> Result<Choice, NoPath> {
        let Selection { path, rule } = self.select(&key, hash, steering)?;
        if self.slab.is_full() {
            self.evict(now);
        }
        let hot = Hot {
            key,
            scope,
            path,
            generation,
            last_seen: now,
        };
        let cold = Cold::new(path, rule, now, State::New);
        let Some(slot) = self.slab.insert(hot, cold) else {
            return Err(NoPath::NoneUsable); // Eviction always frees a slot of a full table.
        };
        self.index.insert(index_hash(hash, &key, scope), slot);
        self.stats.created += 1;
        Ok(Choice::new(path, Outcome::New, slot))
    }

    /// A known flow in another generation, or after its idle time.
    fn reconsider<S: Steering + ?Sized>(
        &mut self,
        now: Instant,
        slot: u32,
        hash: u64,
        steering: &S,
        generation: u32,
    ) -> Result<Choice, NoPath> {
        let Some((flow, cold)) = self.slab.flow(slot) else {
            return Err(NoPath::NoneUsable); // The index holds used slots only.
        };
        let (key, scope, from, rule) = (flow.key, flow.scope, flow.path, cold.rule);
        if is_idle(flow, now, self.idle.of(key.protocol())) {
            self.remove(slot);
            self.stats.expired += 1;
            return self.place(now, key, scope, hash, steering, generation);
        }
        let to = if steering.allows(from, rule) {
            Selection::new(from, rule)
        } else {
            self.select(&key, hash, steering)?
        };
        let moved = to.path != from;
        self.stats.moved += u64::from(moved);
        if let Some(flow) = self.slab.hot_mut(slot) {
            flow.path = to.path;
            flow.generation = generation;
            flow.last_seen = flow.last_seen.max(now);
        }
        if let Some(flow) = self.slab.cold_mut(slot) {
            if moved {
                flow.moved(from, to.rule, now);
            } else {
                flow.kept();
            }
        }
        let outcome = if moved {
            Outcome::Moved { from }
        } else {
            Outcome::Kept
        };
        Ok(Choice::new(to.path, outcome, slot))
    }

    fn select<S: Steering + ?Sized>(
        &mut self,
        key: &FlowKey,
        hash: u64,
        steering: &S,
    ) -> Result<Selection, NoPath> {
        steering
            .select(key, hash)
            .inspect_err(|_| self.stats.no_path += 1)
    }

    /// Frees one slot of a full table: of the next [`SAMPLE`] slots an idle one, else the one that
    /// was silent for longest.
    fn evict(&mut self, now: Instant) {
        let slots = self.slab.slots();
        let mut victim: Option<(Instant, u32)> = None;
        for _ in 0..SAMPLE.min(slots) {
            let slot = self.hand;
            self.hand = step(slot, slots);
            if self.slot_is_idle(slot, now) {
                self.remove(slot);
                self.stats.expired += 1;
                return;
            }
            let seen = self.slab.flow(slot).map(|(flow, _)| (flow.last_seen, slot));
            victim = match (victim, seen) {
                (Some(oldest), Some(seen)) => Some(oldest.min(seen)),
                (oldest, seen) => oldest.or(seen),
            };
        }
        if let Some((_, slot)) = victim {
            self.remove(slot);
            self.stats.evicted += 1;
        }
    }

    fn slot_is_idle(&self, slot: u32, now: Instant) -> bool {
        self.slab
            .flow(slot)
            .is_some_and(|(flow, _)| is_idle(flow, now, self.idle.of(flow.key.protocol())))
    }

    fn remove(&mut self, slot: u32) -> Option<Hot> {
        let flow = self.slab.remove(slot)?;
        let hash = index_hash(self.hash_of(&flow.key), &flow.key, flow.scope);
        self.index.remove(hash, slot);
        Some(flow)
    }
}

/// The idle times in nanoseconds, worked out once.
#[derive(Clone, Copy, Debug)]
struct IdleTimes {
    tcp: u64,
    other: u64,
}

impl IdleTimes {
    fn new(config: &FlowTableConfig) -> Self {
        let nanos = |idle: Duration| u64::try_from(idle.as_nanos()).unwrap_or(u64::MAX);
        Self {
            tcp: nanos(config.tcp_idle),
            other: nanos(config.idle),
        }
    }

    #[inline]
    const fn of(&self, protocol: u8) -> u64 {
        match protocol {
            FlowKey::TCP => self.tcp,
            _ => self.other,
        }
    }
}

/// Silent for `idle` nanoseconds or longer.
#[inline]
fn is_idle(flow: &Hot, now: Instant, idle: u64) -> bool {
    now.as_nanos().saturating_sub(flow.last_seen.as_nanos()) >= idle
}

/// The slot after `slot`, around the end.
fn step(slot: u32, slots: u32) -> u32 {
    let next = slot + 1;
    if next < slots { next } else { 0 }
}

/// The hash that finds a flow: unlike the one that places it, it tells scopes and code points
/// apart, or a sender could pile up entries under one hash by varying these.
#[inline]
fn index_hash(hash: u64, key: &FlowKey, scope: u32) -> u64 {
    let apart = u64::from(scope) << 6 | u64::from(key.dscp());
    hash ^ apart.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
