use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use pmip_wire::types::Instant;
use proptest::prelude::*;

use super::{KeyedTimers, TimerKey, TimerSlot, Timers};

impl TimerKey for u32 {
    fn rank(self) -> u64 {
        self.into()
    }
}

/// The ordered set that the wheel replaces.
#[derive(Default)]
struct Model {
    queue: BTreeSet<(Instant, u32)>,
    deadlines: BTreeMap<u32, Instant>,
}

impl Model {
    fn set(&mut self, key: u32, at: Instant) {
        self.cancel(key);
        if at != Instant::MAX {
            self.deadlines.insert(key, at);
            self.queue.insert((at, key));
        }
    }

    fn cancel(&mut self, key: u32) {
        if let Some(at) = self.deadlines.remove(&key) {
            self.queue.remove(&(at, key));
        }
    }

    fn next(&self) -> Option<Instant> {
        self.queue.first().map(|&(at, _)| at)
    }

    fn pop_due(&mut self, now: Instant) -> Option<u32> {
        let &(at, key) = self.queue.first()?;
        (at <= now).then(|| self.cancel(key))?;
        Some(key)
    }
}

#[derive(Clone, Debug)]
enum Operation {
    Set(u32, When),
    /// As many timers at once, from this key on.
    SetMany(u32, u32, When),
    Cancel(u32),
    Pass(Duration),
    PopOne,
}

#[derive(Clone, Copy, Debug)]
enum When {
    In(Duration),
    /// Earlier than now.
    Ago(Duration),
    At(u64),
    Never,
}

fn span() -> impl Strategy<Value = Duration> {
    prop_oneof![
        Just(Duration::ZERO),
        (0u64..40).prop_map(Duration::from_nanos),
        (0u64..5_000).prop_map(Duration::from_millis),
        (0u64..40).prop_map(|n| Duration::from_secs(n * 100)),
        (0u64..400).prop_map(|days| Duration::from_secs(days * 86_400)),
    ]
}

fn when() -> impl Strategy<Value = When> {
    prop_oneof![
        6 => span().prop_map(When::In),
        1 => span().prop_map(When::Ago),
        1 => prop_oneof![Just(0), Just(u64::MAX - 1), any::<u64>()].prop_map(When::At),
        1 => Just(When::Never),
    ]
}

fn operation() -> impl Strategy<Value = Operation> {
    let key = 0u32..200;
    prop_oneof![
        8 => (key.clone(), when()).prop_map(|(key, when)| Operation::Set(key, when)),
        2 => (key.clone(), 1u32..60, when())
            .prop_map(|(key, count, when)| Operation::SetMany(key, count, when)),
        4 => key.prop_map(Operation::Cancel),
        3 => span().prop_map(Operation::Pass),
        1 => Just(Operation::PopOne),
    ]
}

struct Pair {
    now: Instant,
    timers: Timers<u32>,
    slots: Vec<TimerSlot>,
    model: Model,
}

impl Pair {
    fn set(&mut self, key: u32, when: When) {
        let at = match when {
            When::In(span) => self.now + span,
            When::Ago(span) => self.now - span,
            When::At(nanos) => Instant::from_nanos(nanos),
            When::Never => Instant::MAX,
        };
        self.timers.set(&mut self.slots[key as usize], key, at);
        self.model.set(key, at);
    }

    fn apply(&mut self, operation: &Operation) {
        match *operation {
            Operation::Set(key, when) => self.set(key, when),
            Operation::SetMany(key, count, when) => {
                (key..(key + count).min(200)).for_each(|key| self.set(key, when));
            }
            Operation::Cancel(key) => {
                self.timers.cancel(self.slots[key as usize], key);
                self.model.cancel(key);
            }
            Operation::Pass(span) => {
                self.now += span;
                while let Some(key) = self.model.pop_due(self.now) {
                    assert_eq!(self.timers.pop_due(self.now), Some(key));
                }
                assert_eq!(self.timers.pop_due(self.now), None);
            }
            Operation::PopOne => {
                let (ours, theirs) = (self.timers.pop_due(self.now), self.model.pop_due(self.now));
                assert_eq!(ours, theirs);
            }
        }
        assert_eq!(self.timers.next(), self.model.next());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_wheel_does_what_the_ordered_set_did(
        operations in proptest::collection::vec(operation(), 1..200),
        start in prop_oneof![Just(0u64), any::<u64>()],
    ) {
        let mut pair = Pair {
            now: Instant::from_nanos(start),
            timers: Timers::new(),
            slots: vec![TimerSlot::default(); 200],
            model: Model::default(),
        };
        for operation in &operations {
            pair.apply(operation);
        }
        while let Some(key) = pair.model.pop_due(Instant::MAX) {
            prop_assert_eq!(pair.timers.pop_due(Instant::MAX), Some(key));
        }
        prop_assert_eq!(pair.timers.next(), None);
        prop_assert_eq!(pair.timers.wheels_in_use(), 1, "only the root is left");
    }
}

#[test]
fn a_moved_deadline_fires_once_and_late() {
    let mut timers = KeyedTimers::new();
    timers.set(1, Instant::from_secs(1));
    timers.set(1, Instant::from_secs(3));
    timers.set(2, Instant::from_secs(2));
    assert_eq!(timers.next(), Some(Instant::from_secs(2)));
    assert_eq!(timers.pop_due(Instant::from_secs(2)), Some(2));
    assert_eq!(timers.pop_due(Instant::from_secs(2)), None);
    assert_eq!(timers.pop_due(Instant::from_secs(3)), Some(1));
    assert_eq!(timers.next(), None);
}

#[test]
fn a_deadline_at_the_end_of_time_never_comes() {
    let mut timers = KeyedTimers::new();
    timers.set(1, Instant::from_secs(1));
    timers.set(1, Instant::MAX);
    assert_eq!(timers.next(), None);
    assert_eq!(timers.pop_due(Instant::MAX), None);
}

#[test]
fn a_number_kept_after_the_timer_fired_cancels_nobody_elses() {
    let mut timers = Timers::new();
    let (mut old, mut new) = (TimerSlot::default(), TimerSlot::default());
    timers.set(&mut old, 1, Instant::from_secs(1));
    assert_eq!(timers.pop_due(Instant::from_secs(1)), Some(1));
    timers.set(&mut new, 2, Instant::from_secs(2));
    assert_eq!(old, new, "the number is used again");
    timers.cancel(old, 1);
    assert_eq!(timers.next(), Some(Instant::from_secs(2)));
}

/// Almost all timers are moved while one old one stands before them.
#[test]
fn no_operation_searches_for_long() {
    const COUNT: u32 = 100_000;
    let second = |n: u64| Instant::from_secs(n);
    let mut timers = Timers::new();
    let mut slots = vec![TimerSlot::default(); COUNT as usize];
    timers.set(&mut slots[0], 0, second(10));
    for key in 1..COUNT {
        timers.set(&mut slots[key as usize], key, second(11 + u64::from(key)));
    }
    for key in 1..COUNT {
        timers.set(
            &mut slots[key as usize],
            key,
            second(1_000_000 + u64::from(key)),
        );
    }
    assert_eq!(timers.pop_due(second(10)), Some(0));
    let mut wakes = 0;
    loop {
        let next = timers.next().unwrap();
        assert!(next <= second(1_000_001), "never too late: {next}");
        assert!(timers.steps <= 300, "{} at once", timers.steps);
        match timers.pop_due(next) {
            Some(key) => {
                assert_eq!((next, key), (second(1_000_001), 1));
                break;
            }
            None => wakes += 1,
        }
    }
    assert!(wakes > 100, "it was put off: {wakes}");
    let rest = (2..COUNT).map_while(|_| timers.pop_due(Instant::MAX));
    assert!(rest.eq(2..COUNT), "and then they come in order");
}

/// Moving and setting timers goes on with a search, so that it ends though nobody asks.
#[test]
fn whoever_sets_a_timer_takes_part_in_the_search() {
    const COUNT: u32 = 20_000;
    let second = |n: u64| Instant::from_secs(n);
    let mut timers = Timers::new();
    let mut slots = vec![TimerSlot::default(); COUNT as usize];
    for round in 0..2 {
        for key in 0..COUNT {
            let at = second(10 + u64::from(key) + round * 1_000_000);
            if key > 0 || round == 0 {
                timers.set(&mut slots[key as usize], key, at);
            }
        }
    }
    timers.cancel(slots[0], 0);
    for key in 1..COUNT / 100 {
        timers.set(&mut slots[key as usize], key, second(2_000_000));
        assert!(timers.steps <= 300);
    }
    let at = second(1_000_010 + u64::from(COUNT / 100));
    assert_eq!(timers.next(), Some(at), "exact again");
}

#[test]
fn equal_deadlines_cost_few_wheels_and_come_in_order_of_their_rank() {
    let mut timers = Timers::new();
    let at = Instant::from_secs(3_600);
    for key in (0..10_000).rev() {
        timers.set(&mut TimerSlot::default(), key, at);
    }
    assert!(timers.wheels_in_use() < 1_500, "{}", timers.wheels_in_use());
    let order = (0..10_000).map_while(|_| timers.pop_due(at));
    assert!(order.eq(0..10_000));
}
