use pmip_wire::types::{Instant, PathId};

use crate::key::FlowKey;

/// One flow as the table holds it. Small on purpose: there may be a million.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: FlowKey,
    pub(super) scope: u32,
    pub(super) path: PathId,
    /// The generation for which `path` was last found usable.
    pub(super) generation: u32,
    pub(super) since: Instant,
    pub(super) last_seen: Instant,
    pub(super) packets: u64,
    pub(super) bytes: u64,
    /// The path before the last move; says nothing while `moves` is 0.
    pub(super) previous: PathId,
    pub(super) moves: u16,
    pub(super) rule: u8,
    pub(super) reason: ReasonCode,
}

impl Entry {
    /// Moves the flow at `now`.
    pub(super) fn move_to(&mut self, path: PathId, rule: u8, now: Instant) {
        self.previous = self.path;
        self.path = path;
        self.rule = rule;
        self.since = now;
        self.moves = self.moves.saturating_add(1);
        self.reason = ReasonCode::Moved;
    }

    pub(super) fn info(&self, hash: u64) -> FlowInfo {
        FlowInfo {
            key: self.key,
            scope: self.scope,
            path: self.path,
            reason: match self.reason {
                ReasonCode::New => Reason::New,
                ReasonCode::Kept => Reason::Kept,
                ReasonCode::Moved => Reason::Moved {
                    from: self.previous,
                },
            },
            rule: self.rule,
            moves: self.moves,
            since: self.since,
            last_seen: self.last_seen,
            packets: self.packets,
            bytes: self.bytes,
            hash,
        }
    }
}

/// [`Reason`] without its data, which the entry holds beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReasonCode {
    New,
    Kept,
    Moved,
}

/// Why a flow is on its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Reason {
    /// Its hash won it the path when it began, and nothing changed since.
    New,
    /// The path set changed while it lived, its path did not: it stays, whatever its hash would win
    /// now.
    Kept,
    /// The path it was on may not carry it any more.
    Moved {
        /// That path.
        from: PathId,
    },
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
