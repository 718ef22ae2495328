use core::time::Duration;

use pmip_wire::types::{Instant, PathId};

use super::config::{FlowTableConfig, Spread};
use super::entry::{Cold, FlowInfo, Hot};
use super::index::Index;
use super::load::Loads;
use super::slab::Slab;
use crate::key::{FlowKey, FlowSeed};
use crate::steering::{NoPath, Steering};

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
    pub(super) config: FlowTableConfig,
    pub(super) pauses: Pauses,
    seed: FlowSeed,
    /// Finds slots of `slab`; never iterated.
    pub(super) index: Index,
    pub(super) slab: Slab,
    pub(super) loads: Loads,
    /// Packets that drew their own path.
    pub(super) drawn: u64,
    /// Where the next sample for eviction begins.
    hand: u32,
    /// Where the next sweep begins.
    sweep: u32,
    pub(super) stats: FlowTableStats,
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
            pauses: Pauses::new(&config),
            seed: FlowSeed::new(seed),
            index: Index::new(limit),
            slab: Slab::new(limit),
            loads: Loads::new(),
            drawn: 0,
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
        let packet = self.packet(now, key, scope);
        let Some(slot) = self.find(packet.hash, &packet.name, scope) else {
            return self.place(&packet, steering, generation);
        };
        let attention = self.pauses.attention(key.protocol());
        let Some(flow) = self.slab.hot_mut(slot) else {
            return Err(NoPath::NoneUsable); // The index holds used slots only.
        };
        if flow.generation != generation || pause(flow, now) >= attention {
            return self.reconsider(slot, &packet, steering, generation);
        }
        flow.last_seen = flow.last_seen.max(now);
        Ok(Choice::new(flow.path, Outcome::Kept, slot))
    }

    /// Notes that a packet of a flow, `key` as it was received, came by `path`: with `flow-mirror`
    /// the answers go there, as long as `steering` lets them. Without it nothing happens.
    pub fn arrived<S: Steering + ?Sized>(
        &mut self,
        now: Instant,
        key: FlowKey,
        scope: u32,
        path: PathId,
        steering: &S,
        generation: u32,
    ) {
        if !self.config.mirror {
            return;
        }
        let key = key.reversed();
        let packet = self.packet(now, key, scope);
        match self.find(packet.hash, &packet.name, scope) {
            Some(slot) => self.mirror(slot, &packet, path, steering),
            None => self.place_mirrored(&packet, path, steering, generation),
        }
    }

    /// Counts what a [`Choice`] carried; a reference whose flow is gone counts nowhere.
    #[inline]
    pub fn record(&mut self, flow: FlowRef, packets: u64, bytes: u64) {
        let Some(cold) = self.slab.cold_mut(flow.0) else {
            return;
        };
        cold.packets = cold.packets.saturating_add(packets);
        cold.bytes = cold.bytes.saturating_add(bytes);
        if !self.config.byte_aware {
            return;
        }
        if let Some(hot) = self.slab.hot(flow.0) {
            self.loads.add(hot.last_seen, hot.path, bytes);
        }
    }

    /// Why a flow is where it is; `None` when the table does not know it.
    pub fn explain(&self, key: &FlowKey, scope: u32) -> Option<FlowInfo> {
        let name = self.name(*key);
        let hash = self.hash_of(&name);
        let slot = self.find(hash, &name, scope)?;
        let (hot, cold) = self.slab.flow(slot)?;
        Some(FlowInfo::new(hot, cold, hash))
    }

    /// The hash that places a flow: with it, [`SteeringTable::explain`](crate::SteeringTable::explain)
    /// tells where a flow that the table does not know would go.
    pub fn hash_of(&self, key: &FlowKey) -> u64 {
        self.name(*key).hash(&self.seed)
    }

    /// What a path carried lately, in octets that halve every 8.6 s; always 0 unless
    /// [byte-aware](FlowTableConfig::byte_aware).
    pub fn load_of(&self, now: Instant, path: PathId) -> u64 {
        self.loads.of(now, path)
    }

    /// All flows, in the order of their slots, idle ones that no sweep has met yet included.
    pub fn flows(&self) -> Flows<'_> {
        Flows {
            table: self,
            next: 0,
        }
    }

    /// Keeps together what `spread` says from now on, and answers where flows arrived or not. Where
    /// one of them differs all flows are placed anew.
    pub fn set_rules(&mut self, spread: Spread, mirror: bool) {
        if self.config.spread == spread && self.config.mirror == mirror {
            return;
        }
        self.config.spread = spread;
        self.config.mirror = mirror;
        self.pauses = Pauses::new(&self.config);
        self.clear();
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
    pub(super) const fn new(path: PathId, outcome: Outcome, slot: u32) -> Self {
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
    /// Moved; the table [explains](FlowTable::explain) why.
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
    /// Flows that began on their second draw, because the first carried more than its weight.
    pub balanced: u64,
    /// Moves back, by `preempt`.
    pub returned: u64,
    /// Moves at a pause.
    pub flowlets: u64,
    /// Moves after the other direction.
    pub mirrored: u64,
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

/// The table's own work; placing and moving are in `place.rs`.
impl FlowTable {
    /// A packet with the name of its flow.
    #[inline]
    fn packet(&self, now: Instant, key: FlowKey, scope: u32) -> Packet {
        let name = self.name(key);
        Packet {
            now,
            key,
            name,
            scope,
            hash: name.hash(&self.seed),
        }
    }

    /// What the table knows a flow by.
    #[inline]
    const fn name(&self, key: FlowKey) -> FlowKey {
        if self.config.mirror {
            return key.with_dscp(0).with_flow_label(0);
        }
        key
    }

    #[inline]
    fn find(&self, hash: u64, name: &FlowKey, scope: u32) -> Option<u32> {
        self.index.find(index_hash(hash, name, scope), |slot| {
            self.slab
                .hot(slot)
                .is_some_and(|flow| flow.key == *name && flow.scope == scope)
        })
    }

    /// Frees one slot of a full table: of the next [`SAMPLE`] slots an idle one, else one that never
    /// carried a second packet, else any; among equals the one that was silent for longest. A flood
    /// of new flows so displaces itself.
    pub(super) fn evict(&mut self, now: Instant) {
        let slots = self.slab.slots();
        let mut victim: Option<(bool, Instant, u32)> = None;
        for _ in 0..SAMPLE.min(slots) {
            let slot = self.hand;
            self.hand = step(slot, slots);
            if self.slot_is_idle(slot, now) {
                self.remove(slot);
                self.stats.expired += 1;
                return;
            }
            let seen = self.slab.flow(slot);
            let seen = seen.map(|(hot, cold)| (cold.established(), hot.last_seen, slot));
            victim = match (victim, seen) {
                (Some(former), Some(seen)) => Some(former.min(seen)),
                (former, seen) => former.or(seen),
            };
        }
        if let Some((_, _, slot)) = victim {
            self.remove(slot);
            self.stats.evicted += 1;
        }
    }

    fn slot_is_idle(&self, slot: u32, now: Instant) -> bool {
        self.slab
            .flow(slot)
            .is_some_and(|(hot, cold)| self.pauses.is_idle(hot, cold, now))
    }

    pub(super) fn remove(&mut self, slot: u32) -> Option<Hot> {
        let flow = self.slab.remove(slot)?;
        let hash = index_hash(self.hash_of(&flow.key), &flow.key, flow.scope);
        self.index.remove(hash, slot);
        Some(flow)
    }
}

/// A packet that asks for its path.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packet {
    pub(super) now: Instant,
    /// As it came: what an access list looks at.
    pub(super) key: FlowKey,
    /// What the table knows it by.
    pub(super) name: FlowKey,
    pub(super) scope: u32,
    pub(super) hash: u64,
}

/// How long flows may be silent, in nanoseconds, worked out once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pauses {
    tcp: u64,
    other: u64,
    /// A pause that lets a flow go on by another path.
    pub(super) flowlet: u64,
}

impl Pauses {
    fn new(config: &FlowTableConfig) -> Self {
        let nanos = |idle: Duration| u64::try_from(idle.as_nanos()).unwrap_or(u64::MAX);
        Self {
            tcp: nanos(config.tcp_idle),
            other: nanos(config.idle),
            flowlet: match config.spread {
                Spread::Flows => u64::MAX,
                Spread::Flowlets { gap } => nanos(gap),
                Spread::Packets => 0,
            },
        }
    }

    /// After a shorter pause there is nothing to think about.
    #[inline]
    fn attention(&self, protocol: u8) -> u64 {
        let idle = match protocol {
            FlowKey::TCP => self.tcp.min(self.other),
            _ => self.other,
        };
        idle.min(self.flowlet)
    }

    /// Whether a flow was silent for its idle time.
    pub(super) fn is_idle(&self, hot: &Hot, cold: &Cold, now: Instant) -> bool {
        let idle = match hot.key.protocol() {
            FlowKey::TCP if cold.established() => self.tcp,
            _ => self.other,
        };
        pause(hot, now) >= idle
    }
}

/// How long a flow was silent, in nanoseconds.
#[inline]
pub(super) fn pause(flow: &Hot, now: Instant) -> u64 {
    now.as_nanos().saturating_sub(flow.last_seen.as_nanos())
}

/// The slot after `slot`, around the end.
fn step(slot: u32, slots: u32) -> u32 {
    let next = slot + 1;
    if next < slots { next } else { 0 }
}

/// The hash that finds a flow: unlike the one that places it, it tells scopes and code points
/// apart, or a sender could pile up entries under one hash by varying these.
#[inline]
pub(super) fn index_hash(hash: u64, key: &FlowKey, scope: u32) -> u64 {
    let apart = u64::from(scope) << 6 | u64::from(key.dscp());
    hash ^ apart.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
