//! The prober's life on a virtual path.

use std::time::Duration;

use pmip_sla::{
    Event, Input, LossByDirection, Outcome, Output, Probe, ProbeConfig, Prober, Reply,
    ResponderTimes, Stray, Window,
};
use pmip_wire::types::Instant;
use proptest::prelude::*;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn at(ms: u64) -> Instant {
    Instant::from_millis(ms)
}

/// Three probes, 100 ms apart, every second, 300 ms for an answer.
fn config() -> ProbeConfig {
    ProbeConfig::new(3, ms(100), ms(1_000), ms(300)).expect("consistent")
}

/// A prober that was polled to its timeout.
struct Driver {
    prober: Prober,
    probes: Vec<Probe>,
    events: Vec<Event>,
    prepares: u32,
    timeout: Option<Instant>,
}

impl Driver {
    fn new(first_sequence: u32) -> Self {
        Self::with(Prober::new(config(), at(0), first_sequence))
    }

    fn with(prober: Prober) -> Self {
        let mut driver = Self {
            prober,
            probes: Vec::new(),
            events: Vec::new(),
            prepares: 0,
            timeout: None,
        };
        driver.drain();
        driver
    }

    fn input(&mut self, now: Instant, input: Input) {
        self.prober.handle_input(now, input);
        self.drain();
    }

    fn reply(&mut self, now: u64, sequence: u32) {
        self.input(at(now), Input::Reply(Reply::new(sequence)));
    }

    /// Follows the named timeouts up to `now`.
    fn run_until(&mut self, now: u64) {
        while let Some(due) = self.timeout.filter(|due| *due <= at(now)) {
            self.input(due, Input::Timeout);
            assert!(self.timeout != Some(due), "a timeout that does not go away");
        }
    }

    fn drain(&mut self) {
        loop {
            match self.prober.poll_output() {
                Output::Transmit(probe) => self.probes.push(probe),
                Output::Event(event) => self.events.push(event),
                Output::Prepare => self.prepares += 1,
                Output::Timeout(timeout) => {
                    self.timeout = timeout;
                    return;
                }
            }
        }
    }

    fn windows(&self) -> Vec<(Instant, Window)> {
        let mut windows = Vec::new();
        for event in &self.events {
            if let Event::OperationFinished(operation) = event {
                windows.push((operation.started, operation.window));
            }
        }
        windows
    }

    fn strays(&self) -> Vec<(u32, Stray)> {
        let mut strays = Vec::new();
        for event in &self.events {
            if let Event::Stray { sequence, stray } = event {
                strays.push((*sequence, *stray));
            }
        }
        strays
    }
}

#[test]
fn an_operation_sends_its_probes_an_interval_apart_and_the_next_keeps_the_beat() {
    let mut driver = Driver::new(7);
    driver.run_until(1_050);
    let sent: Vec<_> = driver.probes.iter().map(|p| (p.sequence, p.sent)).collect();
    let expected = [(7, at(0)), (8, at(100)), (9, at(200)), (10, at(1_000))];
    assert_eq!(sent, expected);
}

#[test]
fn an_operation_ends_with_its_last_answer() {
    let mut driver = Driver::new(0);
    for (sequence, sent) in [(0, 0), (1, 100), (2, 200)] {
        driver.run_until(sent);
        driver.reply(sent + 40, sequence);
    }
    let [(started, window)] = driver.windows()[..] else {
        panic!("one operation: {:?}", driver.events);
    };
    assert_eq!(started, at(0));
    assert_eq!((window.sent(), window.received(), window.lost()), (3, 3, 0));
    assert_eq!(window.rtt().average(), Some(ms(40)));
    assert_eq!(window.jitter().average(), Some(Duration::ZERO));
    assert_eq!(driver.timeout, Some(at(1_000)));
}

#[test]
fn an_operation_without_answers_ends_with_its_last_timeout() {
    let mut driver = Driver::new(0);
    driver.run_until(499);
    assert!(driver.windows().is_empty());
    driver.run_until(500);
    let windows = driver.windows();
    assert_eq!(windows[0].1.loss_ppm(), Some(1_000_000));
    assert_eq!(windows[0].1.rtt().count(), 0);
}

#[test]
fn an_answer_with_its_timeout_is_late_and_its_probe_stays_lost() {
    let mut driver = Driver::new(0);
    driver.run_until(200);
    driver.reply(299, 1);
    driver.reply(300, 0);
    driver.reply(301, 0);
    driver.run_until(500);
    assert_eq!(driver.strays(), [(0, Stray::Late), (0, Stray::Duplicate)]);
    let window = driver.windows()[0].1;
    assert_eq!((window.received(), window.lost(), window.late()), (1, 2, 1));
    assert_eq!(window.duplicates(), 1);
}

#[test]
fn late_answers_are_known_for_one_operation_and_no_longer() {
    let mut driver = Driver::new(0);
    driver.run_until(1_000);
    driver.reply(1_010, 2);
    driver.run_until(2_000);
    driver.reply(2_010, 1);
    assert_eq!(driver.strays(), [(2, Stray::Late), (1, Stray::Unmatched)]);
    assert_eq!(driver.prober.unmatched(), 1);
}

#[test]
fn forged_numbers_change_no_window() {
    let mut driver = Driver::new(10);
    for sequence in [0, 9, 11, 1 << 31, u32::MAX] {
        driver.reply(1, sequence);
    }
    driver.run_until(200);
    driver.reply(210, 12);
    driver.run_until(500);
    let window = driver.windows()[0].1;
    assert_eq!((window.received(), window.lost()), (1, 2));
    assert_eq!((window.duplicates(), window.late()), (0, 0));
    assert_eq!(driver.prober.unmatched(), 5);
}

#[test]
fn numbers_wrap_around_without_reordering() {
    let mut driver = Driver::new(u32::MAX);
    driver.run_until(200);
    for (now, sequence) in [(210, u32::MAX), (220, 0), (230, 1)] {
        driver.reply(now, sequence);
    }
    let window = driver.windows()[0].1;
    assert_eq!((window.received(), window.out_of_order()), (3, 0));
}

#[test]
fn the_pause_between_operations_is_no_jitter() {
    let mut driver = Driver::new(0);
    for operation in 0..2u32 {
        for n in 0..3u32 {
            let sent = u64::from(operation * 1_000 + n * 100);
            driver.run_until(sent);
            // The second operation is slower as a whole, not more jittery.
            driver.reply(sent + 20 + u64::from(operation) * 60, operation * 3 + n);
        }
    }
    let windows = driver.windows();
    assert_eq!(windows.len(), 2);
    for (_, window) in windows {
        assert_eq!(window.jitter().differences().count(), 2);
        assert_eq!(window.jitter().average(), Some(Duration::ZERO));
    }
}

#[test]
fn a_late_driver_causes_no_burst_and_keeps_the_beat() {
    let mut driver = Driver::new(0);
    driver.input(at(5_250), Input::Timeout);
    assert_eq!(driver.probes.len(), 1);
    driver.run_until(6_000);
    let sent: Vec<_> = driver.probes.iter().map(|probe| probe.sent).collect();
    assert_eq!(sent, [at(5_250), at(5_350), at(5_450), at(6_000)]);
}

/// Would break: a driver that wakes a millisecond late would stretch every operation.
#[test]
fn a_little_lateness_does_not_add_up() {
    let mut driver = Driver::new(0);
    for late in [0, 130, 200] {
        driver.input(at(late), Input::Timeout);
    }
    let sent: Vec<_> = driver.probes.iter().map(|probe| probe.sent).collect();
    assert_eq!(sent, [at(0), at(130), at(200)]);
}

#[test]
fn stop_silences_it_and_start_begins_at_once() {
    let mut driver = Driver::new(0);
    driver.run_until(100);
    driver.input(at(150), Input::Stop);
    assert_eq!((driver.timeout, driver.prober.is_running()), (None, false));
    driver.reply(160, 0);
    assert_eq!(driver.strays(), [(0, Stray::Unmatched)]);
    driver.input(at(700), Input::Start);
    assert_eq!(
        driver.probes.last().map(|p| (p.sequence, p.sent)),
        Some((2, at(700)))
    );
    driver.run_until(1_700);
    assert_eq!(driver.windows()[0].0, at(700));
    assert_eq!(driver.windows()[0].1.sent(), 3);
}

#[test]
fn the_responders_times_tell_the_directions_apart() {
    let mut driver = Driver::new(0);
    driver.run_until(200);
    // Forward transit 10, 40 and 10 ms on a clock 1 h ahead; the way back is steady.
    for (sequence, sent, forward) in [(0, 0, 10), (1, 100, 40), (2, 200, 10)] {
        let times = ResponderTimes {
            forward: i64::try_from(forward + 3_600_000).expect("small") * 1_000_000,
            held: ms(1),
            in_step: false,
        };
        let reply = Reply::new(sequence).with_responder(times);
        driver.input(at(sent + forward + 1 + 5).max(at(200)), Input::Reply(reply));
    }
    let window = driver.windows()[0].1;
    assert_eq!(window.jitter_forward().average(), Some(ms(30)));
}

#[test]
fn a_prepared_operation_waits_for_its_preparation_and_keeps_the_beat() {
    let prober = Prober::new(config(), at(0), 0).with_preparation();
    let mut driver = Driver::with(prober);
    driver.run_until(0);
    driver.input(at(0), Input::Timeout);
    assert_eq!((driver.prepares, driver.probes.len()), (1, 0));
    assert_eq!(driver.timeout, None);
    driver.input(at(30), Input::Prepared);
    driver.input(at(30), Input::Prepared);
    driver.run_until(1_000);
    let sent: Vec<_> = driver.probes.iter().map(|probe| probe.sent).collect();
    assert_eq!(sent, [at(30), at(130), at(230)]);
    assert_eq!((driver.prepares, driver.windows()[0].0), (2, at(0)));
}

#[test]
fn an_operation_that_cannot_be_prepared_lost_everything() {
    let prober = Prober::new(config(), at(0), 0).with_preparation();
    let mut driver = Driver::with(prober);
    driver.input(at(0), Input::Timeout);
    driver.input(at(900), Input::Unprepared(Outcome::NoConnection));
    let [Event::OperationFinished(operation)] = &driver.events[..] else {
        panic!("{:?}", driver.events);
    };
    assert_eq!(operation.outcome, Outcome::NoConnection);
    assert_eq!(operation.window.loss_ppm(), Some(1_000_000));
    assert_eq!(operation.window.loss().unknown, 3);
    assert_eq!(driver.timeout, Some(at(1_000)));
}

#[test]
fn losses_are_told_apart_by_the_responders_count_and_late_answers_are_none() {
    let config = ProbeConfig::new(6, ms(100), ms(2_000), ms(300)).expect("consistent");
    let mut driver = Driver::with(Prober::new(config, at(0), 100));
    // 101 is lost on the way there, 102 on the way back, 103 comes late, 105 is gone.
    for (sequence, sent, rtt, number) in [(100, 0, 10, 7), (103, 300, 310, 9), (104, 400, 20, 10)] {
        driver.run_until(sent);
        let reply = Reply::new(sequence).with_number(number);
        driver.run_until(sent + rtt);
        driver.input(at(sent + rtt), Input::Reply(reply));
    }
    driver.run_until(1_000);
    let [.., Event::OperationFinished(operation)] = &driver.events[..] else {
        panic!("{:?}", driver.events);
    };
    let window = operation.window;
    let LossByDirection {
        forward,
        backward,
        unknown,
        ..
    } = window.loss();
    assert_eq!((forward, backward, unknown), (1, 1, 1));
    assert_eq!((window.lost(), window.late()), (4, 1));
}

#[test]
fn the_end_of_time_is_survived() {
    let mut driver = Driver::new(0);
    driver.input(Instant::MAX, Input::Timeout);
    driver.input(at(0), Input::Timeout);
    driver.input(Instant::MAX, Input::Stop);
    assert_eq!(driver.timeout, None);
}

/// What a hostile or broken world may do.
fn input() -> impl Strategy<Value = (u64, Input)> {
    let input = prop_oneof![
        1 => Just(Input::Start),
        1 => Just(Input::Stop),
        1 => Just(Input::Prepared),
        1 => Just(Input::Unprepared(Outcome::Refused)),
        3 => Just(Input::Timeout),
        6 => (0u32..40).prop_map(|sequence| Input::Reply(Reply::new(sequence))),
        1 => any::<u32>().prop_map(|sequence| Input::Reply(Reply::new(sequence))),
    ];
    (0u64..400, input)
}

proptest! {
    /// Whatever comes: timeouts lie ahead, each probe meets one fate, finished operations are whole.
    #[test]
    fn every_probe_of_a_finished_operation_is_answered_or_lost(
        inputs in prop::collection::vec(input(), 1..120),
    ) {
        let mut driver = Driver::new(0);
        let mut now = at(0);
        for (wait, input) in inputs {
            now += ms(wait);
            driver.input(now, input);
            prop_assert!(driver.timeout.is_none_or(|due| due > now));
            prop_assert_eq!(driver.timeout.is_some(), driver.prober.is_running());
        }
        for (_, window) in driver.windows() {
            prop_assert_eq!(window.sent(), 3);
            prop_assert_eq!(window.received() + window.lost(), 3);
        }
    }

    /// Waking only when told gives the same trace as waking every millisecond.
    #[test]
    fn the_named_timeouts_are_all_that_is_needed(rtts in prop::collection::vec(1u64..600, 10)) {
        let run = |every_ms: bool| {
            let mut driver = Driver::new(0);
            let mut answered = 0;
            for now in 0..4_000 {
                let due = driver.timeout.is_some_and(|due| due <= at(now));
                if every_ms || due {
                    driver.input(at(now), Input::Timeout);
                }
                while let Some(probe) = driver.probes.get(answered).copied()
                    && let Some(rtt) = rtts.get(answered)
                    && at(now) >= probe.sent + ms(*rtt)
                {
                    driver.reply(now, probe.sequence);
                    answered += 1;
                }
            }
            (driver.probes, driver.events)
        };
        prop_assert_eq!(run(true), run(false));
    }
}
