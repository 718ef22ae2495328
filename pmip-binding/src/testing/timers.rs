use std::collections::BTreeSet;

use pmip_wire::types::Instant;

use crate::timers::{TimerKey, TimerSlot, Timers};

/// The timers of the engines by themselves, to be measured.
#[derive(Clone, Debug)]
pub struct Wheel {
    timers: Timers<Number>,
    slots: Vec<TimerSlot>,
}

/// The yardstick: deadlines in an ordered set.
#[derive(Clone, Debug, Default)]
pub struct OrderedSet {
    queue: BTreeSet<(Instant, u32)>,
    deadlines: Vec<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Number(u32);

impl TimerKey for Number {
    fn rank(self) -> u64 {
        self.0.into()
    }
}

impl Wheel {
    /// Timers 0 to `count` - 1, none set.
    pub fn new(count: u32) -> Self {
        Self {
            timers: Timers::new(),
            slots: vec![TimerSlot::default(); count as usize],
        }
    }

    /// Sets or moves a timer.
    pub fn set(&mut self, timer: u32, at: Instant) {
        if let Some(slot) = self.slots.get_mut(timer as usize) {
            self.timers.set(slot, Number(timer), at);
        }
    }

    /// Takes a timer whose deadline has come.
    pub fn pop_due(&mut self, now: Instant) -> Option<u32> {
        self.timers.pop_due(now).map(|Number(timer)| timer)
    }
}

impl OrderedSet {
    /// No timers.
    pub const fn new() -> Self {
        Self {
            queue: BTreeSet::new(),
            deadlines: Vec::new(),
        }
    }

    /// Sets or moves a timer: remove and insert.
    pub fn set(&mut self, timer: u32, at: Instant) {
        let index = timer as usize;
        if index >= self.deadlines.len() {
            self.deadlines.resize(index + 1, Instant::MAX);
        }
        let Some(before) = self.deadlines.get_mut(index) else {
            return;
        };
        self.queue.remove(&(*before, timer));
        *before = at;
        self.queue.insert((at, timer));
    }

    /// Takes a timer whose deadline has come.
    pub fn pop_due(&mut self, now: Instant) -> Option<u32> {
        let &(at, timer) = self.queue.first()?;
        if at > now {
            return None;
        }
        self.queue.pop_first();
        Some(timer)
    }
}
