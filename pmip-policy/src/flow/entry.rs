use pmip_wire::types::{Instant, PathId};

use crate::key::FlowKey;

/// What every packet of a flow reads: one cache line.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
pub(super) struct Hot {
    pub(super) key: FlowKey,
    pub(super) scope: u32,
    pub(super) path: PathId,
    /// The generation for which `path` was last found usable.
    pub(super) generation: u32,
    pub(super) last_seen: Instant,
}

/// What is counted and told: half a cache line.
#[derive(Clone, Debug)]
#[repr(C, align(32))]
pub(super) struct Cold {
    pub(super) since: Instant,
    pub(super) packets: u64,
    pub(super) bytes: u64,
    /// The path before the last move; says nothing while `moves` is 0.
    pub(super) previous: PathId,
    pub(super) moves: u16,
    pub(super) rule: u8,
    pub(super) state: State,
}

/// [`Reason`] without its data, or a free slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Free,
    New,
    Balanced,
    Kept,
    Moved,
    Returned,
    Flowlet,
    Mirrored,
}

impl Cold {
    pub(super) const fn new(previous: PathId, rule: u8, since: Instant, state: State) -> Self {
        Self {
            since,
            packets: 0,
            bytes: 0,
            previous,
            moves: 0,
            rule,
            state,
        }
    }

    /// Notes a move away from `previous`.
    pub(super) fn moved(&mut self, previous: PathId, rule: u8, now: Instant, state: State) {
        self.previous = previous;
        self.rule = rule;
        self.since = now;
        self.moves = self.moves.saturating_add(1);
        self.state = state;
    }

    /// Whether it carried enough to be more than a probe or a flood.
    pub(super) const fn established(&self) -> bool {
        self.packets >= 2
    }

    /// The path that it had to leave for the one it is on.
    pub(super) fn left(&self) -> Option<PathId> {
        (self.state == State::Moved).then_some(self.previous)
    }

    /// Notes that the flow stayed while its path set changed. A move stays the better explanation.
    pub(super) fn kept(&mut self) {
        if self.state == State::New {
            self.state = State::Kept;
        }
    }
}

/// Why a flow is on its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Reason {
    /// Its hash won it the path when it began, and nothing changed since.
    New,
    /// Its hash won it another path when it began, but that carried more than its weight and this
    /// one, its second draw, less.
    Balanced {
        /// The path that its hash won.
        from: PathId,
    },
    /// The path set changed while it lived, its path did not: it stays, whatever its hash would win
    /// now.
    Kept,
    /// The path it was on may not carry it any more.
    Moved {
        /// That path.
        from: PathId,
    },
    /// `preempt` took it back: to the path that it had to leave, or to a link of higher preference.
    Returned {
        /// The path it was on.
        from: PathId,
    },
    /// It paused for long enough to go on by a path that carried less.
    Flowlet {
        /// The path it was on.
        from: PathId,
    },
    /// `flow-mirror`: the other direction arrived on this path.
    Mirrored,
}

/// One flow as [`FlowTable::explain`](crate::FlowTable::explain) and `show flows` tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FlowInfo {
    /// The flow.
    pub key: FlowKey,
    /// The session, or whatever number the caller keeps its flows apart by.
    pub scope: u32,
    /// Where it goes.
    pub path: PathId,
    /// Why.
    pub reason: Reason,
    /// The mobile-map entry that decided, 1 to 255; 0 is the default class.
    pub rule: u8,
    /// How often it moved since it began; stays at 65,535 from there on.
    pub moves: u16,
    /// On this path since.
    pub since: Instant,
    /// Last packet.
    pub last_seen: Instant,
    /// Packets so far, as counted by [`FlowTable::record`](crate::FlowTable::record).
    pub packets: u64,
    /// Octets so far.
    pub bytes: u64,
    /// The hash that placed it.
    pub hash: u64,
}

impl FlowInfo {
    pub(super) fn new(hot: &Hot, cold: &Cold, hash: u64) -> Self {
        Self {
            key: hot.key,
            scope: hot.scope,
            path: hot.path,
            reason: match cold.state {
                State::New | State::Free => Reason::New,
                State::Balanced => Reason::Balanced {
                    from: cold.previous,
                },
                State::Kept => Reason::Kept,
                State::Moved => Reason::Moved {
                    from: cold.previous,
                },
                State::Returned => Reason::Returned {
                    from: cold.previous,
                },
                State::Flowlet => Reason::Flowlet {
                    from: cold.previous,
                },
                State::Mirrored => Reason::Mirrored,
            },
            rule: cold.rule,
            moves: cold.moves,
            since: cold.since,
            last_seen: hot.last_seen,
            packets: cold.packets,
            bytes: cold.bytes,
            hash,
        }
    }
}
