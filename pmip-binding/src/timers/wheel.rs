use pmip_wire::types::Instant;

use super::{TimerKey, TimerSlot};

/// Bits of a timer's position that one wheel looks at.
const BITS: u32 = 5;
const SLOTS: usize = 1 << BITS;
/// A crowded slot gets a wheel of its own.
const CROWD: u8 = 16;
/// Timers that one operation looks at, at most, in search of the first one.
const PATIENCE: u32 = 256;
const NONE: u32 = u32::MAX;
/// In `Entry::prev`: the rest is a place, not an entry. In `Wheel::slots`: a wheel, not an entry.
const FLAG: u32 = 1 << 31;

/// A hierarchy of timer wheels, each made only where timers crowd.
///
/// A timer's position is its deadline and then its rank, as one number. A wheel divides positions
/// that agree in all higher bits by their next five, so its slots are in order of time, and no
/// wheel turns: a clock that leaps, stands still or falls behind a deadline costs nothing. A slot
/// holds a short list of timers in no order, or a wheel of finer slots. What all timers of a slot
/// have in common is skipped, so that equal deadlines need no more wheels than different ones.
///
/// A timer that is moved to later, as refreshes do, stays in its slot: it is put right when that
/// slot comes first, or is crowded. So a timer moved often is handled about once per deadline that
/// it had, and moving it touches nothing but itself. Whoever takes the first timer away looks for the
/// next one, and on the way puts right what stands before that.
///
/// No operation searches for long: where almost all timers were moved while one old one stood before
/// them, the search goes on with the operations that follow, and until it ends the start of the
/// slot it has come to stands in for the next deadline, which is never later than the true one.
#[derive(Clone, Debug)]
pub(crate) struct Timers<K> {
    entries: Vec<Entry<K>>,
    /// The first is the root and stays.
    wheels: Vec<Wheel>,
    free_entry: u32,
    free_wheel: u32,
    /// `NONE` also while it is searched for.
    first: u32,
    /// Timers that are between two slots, as a list.
    homeless: u32,
    /// Timers that the last operation looked at in search of the first one.
    #[cfg(test)]
    pub(super) steps: u32,
}

/// One timer in the list of its slot; a free one has the deadline that never comes.
#[derive(Clone, Copy, Debug)]
struct Entry<K> {
    at: u64,
    key: K,
    next: u32,
    prev: u32,
}

#[derive(Clone, Debug)]
struct Wheel {
    /// What all positions below have in common, the other bits zero.
    prefix: u128,
    occupied: u32,
    /// The slot that it stands in; of a free one the next free.
    place: u32,
    /// The lowest bit that it looks at.
    shift: u32,
    /// The lengths of lists, or more: who leaves from the middle of a list is not counted.
    counts: [u8; SLOTS],
    slots: [u32; SLOTS],
}

impl<K: TimerKey> Timers<K> {
    pub(crate) fn new() -> Self {
        let top = u128::BITS.div_ceil(BITS).saturating_sub(1) * BITS;
        Self {
            entries: Vec::new(),
            wheels: vec![Wheel::new(0, top, NONE)],
            free_entry: NONE,
            free_wheel: NONE,
            first: NONE,
            homeless: NONE,
            #[cfg(test)]
            steps: 0,
        }
    }

    /// Sets or moves the deadline of `key`, whose owner keeps `slot`. The end of time never comes:
    /// arithmetic that saturates there would make a timer that re-arms itself due at once, forever.
    pub(crate) fn set(&mut self, slot: &mut TimerSlot, key: K, at: Instant) {
        if at == Instant::MAX {
            return self.cancel(*slot, key);
        }
        let (at, index) = (at.as_nanos(), slot.0);
        match self.entries.get_mut(index as usize) {
            Some(entry) if entry.is_of(key) => {
                let later = at >= entry.at;
                if later && index != self.first {
                    entry.at = at;
                    return self.search();
                }
                self.unlink(index);
            }
            Some(_) | None => slot.0 = self.take_entry(key),
        }
        if let Some(entry) = self.entries.get_mut(slot.0 as usize) {
            entry.at = at;
        }
        self.link(slot.0);
        self.search();
    }

    /// Brings a timer near that is about to be set or cancelled.
    pub(crate) fn warm(&self, slot: TimerSlot) {
        let entry = self.entries.get(slot.0 as usize);
        std::hint::black_box(entry.map(|entry| entry.at));
    }

    pub(crate) fn cancel(&mut self, slot: TimerSlot, key: K) {
        let entry = self.entries.get(slot.0 as usize);
        if entry.is_some_and(|entry| entry.is_of(key)) {
            self.remove(slot.0);
        }
    }

    /// The next deadline, due or not; while it is searched for, a moment that is not later.
    pub(crate) fn next(&self) -> Option<Instant> {
        let at = match self.entries.get(self.first as usize) {
            Some(first) => first.at,
            None => self.start_of(self.first_place()?),
        };
        Some(Instant::from_nanos(at))
    }

    /// Takes one deadline that has come, the earliest first. While that is searched for there is
    /// none, and [`Timers::next`] says when to ask again, which may be at once.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<K> {
        self.search();
        let first = self.entries.get(self.first as usize)?;
        if first.at > now.as_nanos() {
            return None;
        }
        let key = first.key;
        self.remove(self.first);
        Some(key)
    }

    /// Wheels that are not free, the root included.
    #[cfg(test)]
    pub(super) fn wheels_in_use(&self) -> usize {
        let next = |free: &u32| self.wheels.get(*free as usize).map(|wheel| wheel.place);
        let free = std::iter::successors(Some(self.free_wheel), next);
        self.wheels.len() + 1 - free.count()
    }

    fn remove(&mut self, index: u32) {
        self.unlink(index);
        if let Some(entry) = self.entries.get_mut(index as usize) {
            entry.at = u64::MAX;
            entry.next = std::mem::replace(&mut self.free_entry, index);
        }
        self.search();
    }

    fn take_entry(&mut self, key: K) -> u32 {
        let index = self.free_entry;
        let fresh = Entry {
            at: u64::MAX,
            key,
            next: NONE,
            prev: NONE,
        };
        if let Some(entry) = self.entries.get_mut(index as usize) {
            self.free_entry = entry.next;
            *entry = fresh;
            return index;
        }
        self.entries.push(fresh);
        number(self.entries.len().saturating_sub(1))
    }

    fn position(&self, index: u32) -> u128 {
        let entry = self.entries.get(index as usize);
        entry.map_or(u128::MAX, Entry::position)
    }

    /// Puts a timer into its slot, and with it whoever has to make room.
    fn link(&mut self, index: u32) {
        self.unhouse(index);
        while let Some(entry) = self.entries.get(self.homeless as usize) {
            let (index, position) = (self.homeless, entry.position());
            self.homeless = entry.next;
            let place = self.room_for(position);
            self.push(place, index);
        }
        if self.first != NONE && self.position(index) < self.position(self.first) {
            self.first = index;
        }
    }

    /// The slot with a list for a position, with room for one more.
    fn room_for(&mut self, position: u128) -> u32 {
        let mut place = self.place_in(0, position);
        loop {
            let (child, count) = self.child(place);
            if child == NONE || (child & FLAG == 0 && count < CROWD) {
                return place;
            }
            if child & FLAG == 0 {
                // Its wheel may be gone with it.
                self.relieve(place);
                place = self.place_in(0, position);
                continue;
            }
            let wheel = child & !FLAG;
            match self.wheels.get(wheel as usize) {
                Some(below) if below.covers(position) => place = below.place_of(wheel, position),
                Some(_) | None => self.put_between(place, wheel, position),
            }
        }
    }

    fn unhouse(&mut self, index: u32) {
        if let Some(entry) = self.entries.get_mut(index as usize) {
            entry.next = std::mem::replace(&mut self.homeless, index);
        }
    }

    /// Puts a timer at the head of the list at `place`.
    fn push(&mut self, place: u32, index: u32) {
        let (wheel, digit) = parts(place);
        let Some(wheel) = self.wheels.get_mut(wheel) else {
            return;
        };
        let Some((slot, count)) = wheel.slots.get_mut(digit).zip(wheel.counts.get_mut(digit))
        else {
            return;
        };
        let head = std::mem::replace(slot, index);
        *count = count.saturating_add(1);
        wheel.occupied |= 1 << digit;
        if let Some(entry) = self.entries.get_mut(index as usize) {
            entry.next = head;
            entry.prev = FLAG | place;
        }
        if let Some(entry) = self.entries.get_mut(head as usize) {
            entry.prev = index;
        }
    }

    fn unlink(&mut self, index: u32) {
        let Some(&Entry { next, prev, .. }) = self.entries.get(index as usize) else {
            return;
        };
        if let Some(entry) = self.entries.get_mut(next as usize) {
            entry.prev = prev;
        }
        if prev & FLAG == 0 {
            if let Some(entry) = self.entries.get_mut(prev as usize) {
                entry.next = next;
            }
        } else {
            self.set_head(prev & !FLAG, next);
        }
        if self.first == index {
            self.first = NONE;
        }
    }

    /// The list at `place` lost its head; wheels that are empty now go.
    fn set_head(&mut self, mut place: u32, next: u32) {
        let mut head = next;
        loop {
            let (number, digit) = parts(place);
            let Some(wheel) = self.wheels.get_mut(number) else {
                return;
            };
            wheel.replace(digit, head);
            if head != NONE || wheel.occupied != 0 || number == 0 {
                return;
            }
            place = std::mem::replace(&mut wheel.place, self.free_wheel);
            self.free_wheel = self::number(number);
            head = NONE;
        }
    }

    /// Makes room in a list that counts as full: sends away who belongs elsewhere, or gives the
    /// others a wheel of their own.
    fn relieve(&mut self, place: u32) {
        let (number, digit) = parts(place);
        let (mut length, mut first, mut difference) = (0u8, None, 0u128);
        let (mut index, _) = self.child(place);
        while let Some(entry) = self.entries.get(index as usize) {
            let (this, next, position) = (index, entry.next, entry.position());
            index = next;
            if self.is_at(place, position) {
                difference |= position ^ *first.get_or_insert(position);
                length = length.saturating_add(1);
            } else {
                self.unlink(this);
                self.unhouse(this);
            }
        }
        let Some(wheel) = self.wheels.get_mut(number) else {
            return;
        };
        // Never far from half full or half empty afterwards, so that it pays.
        if length <= CROWD / 2 {
            if let Some(count) = wheel.counts.get_mut(digit) {
                *count = length;
            }
            return;
        }
        let (mut index, _) = self.child(place);
        let wheel = self.take_wheel(first.unwrap_or(0), difference, place);
        self.put(place, FLAG | wheel);
        while let Some(entry) = self.entries.get(index as usize) {
            let (next, position) = (entry.next, entry.position());
            self.push(self.place_in(wheel, position), index);
            index = next;
        }
    }

    fn put(&mut self, place: u32, child: u32) {
        let (number, digit) = parts(place);
        if let Some(wheel) = self.wheels.get_mut(number) {
            wheel.replace(digit, child);
        }
    }

    /// Whether a position belongs into the slot at `place`.
    fn is_at(&self, place: u32, position: u128) -> bool {
        let wheel = self.wheels.get(parts(place).0);
        wheel.is_some_and(|wheel| {
            wheel.covers(position) && wheel.place_of(place >> BITS, position) == place
        })
    }

    /// A wheel at `place` that tells `position` from what is below the wheel there.
    fn put_between(&mut self, place: u32, below: u32, position: u128) {
        let Some(prefix) = self.wheels.get(below as usize).map(|wheel| wheel.prefix) else {
            return;
        };
        let between = self.take_wheel(prefix, prefix ^ position, place);
        let new_place = self.place_in(between, prefix);
        if let Some(wheel) = self.wheels.get_mut(below as usize) {
            wheel.place = new_place;
        }
        self.put(new_place, FLAG | below);
        self.put(place, FLAG | between);
    }

    /// A wheel for positions like this one that differ from each other in these bits.
    fn take_wheel(&mut self, position: u128, difference: u128, place: u32) -> u32 {
        let shift = difference.checked_ilog2().unwrap_or(0) / BITS * BITS;
        let fresh = Wheel::new(position, shift, place);
        let index = self.free_wheel;
        if let Some(wheel) = self.wheels.get_mut(index as usize) {
            self.free_wheel = wheel.place;
            *wheel = fresh;
            return index;
        }
        self.wheels.push(fresh);
        number(self.wheels.len().saturating_sub(1))
    }

    fn place_in(&self, wheel: u32, position: u128) -> u32 {
        let found = self.wheels.get(wheel as usize);
        found.map_or(0, |found| found.place_of(wheel, position))
    }

    /// What is at a place, and how long the list is if it is one.
    fn child(&self, place: u32) -> (u32, u8) {
        let (number, digit) = parts(place);
        let wheel = self.wheels.get(number);
        let child = wheel.and_then(|wheel| wheel.slots.get(digit).zip(wheel.counts.get(digit)));
        child.map_or((NONE, 0), |(&child, &count)| (child, count))
    }

    /// Goes on with the search for the first timer, if there is one.
    fn search(&mut self) {
        #[cfg(test)]
        {
            self.steps = 0;
        }
        if self.first == NONE {
            self.find_first();
        }
    }

    /// Finds the first timer; who has been moved to later leaves the slots before it.
    fn find_first(&mut self) {
        let mut left = PATIENCE;
        while left > 0
            && let Some(place) = self.first_place()
        {
            let mut earliest = (u128::MAX, NONE);
            let (mut index, _) = self.child(place);
            while let Some(entry) = self.entries.get(index as usize) {
                let (this, position) = (index, entry.position());
                index = entry.next;
                left = left.saturating_sub(1);
                #[cfg(test)]
                {
                    self.steps += 1;
                }
                if self.is_at(place, position) {
                    earliest = earliest.min((position, this));
                } else {
                    self.unlink(this);
                    self.link(this);
                }
            }
            if earliest.1 != NONE {
                self.first = earliest.1;
                return;
            }
        }
    }

    /// The earliest deadline that belongs into the slot at `place`.
    fn start_of(&self, place: u32) -> u64 {
        let (number, digit) = parts(place);
        let wheel = self.wheels.get(number);
        let start = wheel.map_or(0, |wheel| wheel.prefix | ((digit as u128) << wheel.shift));
        (start >> 64) as u64
    }

    /// The first slot with a list.
    fn first_place(&self) -> Option<u32> {
        let mut wheel = 0;
        loop {
            let found = self.wheels.get(wheel as usize)?;
            let digit = found.occupied.trailing_zeros();
            let child = *found.slots.get(digit as usize)?;
            if child & FLAG == 0 {
                return Some((wheel << BITS) | digit);
            }
            wheel = child & !FLAG;
        }
    }
}

impl<K: TimerKey> Entry<K> {
    fn is_of(&self, key: K) -> bool {
        self.at != u64::MAX && self.key.rank() == key.rank()
    }

    fn position(&self) -> u128 {
        (u128::from(self.at) << 64) | u128::from(self.key.rank())
    }
}

impl Wheel {
    fn new(position: u128, shift: u32, place: u32) -> Self {
        Self {
            prefix: position
                .checked_shr(shift + BITS)
                .map_or(0, |common| common << (shift + BITS)),
            occupied: 0,
            place,
            shift,
            counts: [0; SLOTS],
            slots: [NONE; SLOTS],
        }
    }

    fn covers(&self, position: u128) -> bool {
        let difference = self.prefix ^ position;
        difference
            .checked_shr(self.shift + BITS)
            .is_none_or(|high| high == 0)
    }

    /// The place of a position in this wheel, whose number is `own`.
    fn place_of(&self, own: u32, position: u128) -> u32 {
        let digit = (position >> self.shift) & (SLOTS as u128 - 1);
        (own << BITS) | (digit as u32)
    }

    /// Replaces what a slot starts with; a list gets shorter by its head.
    fn replace(&mut self, digit: usize, child: u32) {
        let Some((slot, count)) = self.slots.get_mut(digit).zip(self.counts.get_mut(digit)) else {
            return;
        };
        *slot = child;
        *count = count.saturating_sub(1);
        if child == NONE {
            *count = 0;
            self.occupied &= !(1 << digit);
        } else {
            self.occupied |= 1 << digit;
        }
    }
}

/// Wheel and slot of a place.
const fn parts(place: u32) -> (usize, usize) {
    ((place >> BITS) as usize, (place as usize) & (SLOTS - 1))
}

fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(NONE)
}
