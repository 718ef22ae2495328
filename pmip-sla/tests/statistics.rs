//! Windows against a naive recomputation, and their sum against the window of the whole.

use std::time::Duration;

use pmip_sla::{Collector, DelayStatistics, JitterStatistics, ResponderTimes, Sample, Window};
use pmip_wire::types::Instant;
use proptest::prelude::*;

/// What may happen to a probe.
#[derive(Clone, Copy, Debug)]
enum Happening {
    Sent,
    Received(Sample),
    Lost,
    Late,
    Duplicate,
    Pause,
}

fn sample() -> impl Strategy<Value = Sample> {
    let responder = (
        -5_000_000_000i64..5_000_000_000,
        0u64..1_000_000,
        any::<bool>(),
    );
    let responder = prop::option::of(responder);
    // Numbers around the wrap; times up to ten seconds, in nanoseconds.
    let sequence = (0u32..40).prop_map(|n| n.wrapping_sub(20));
    let times = (0u64..10_000_000_000, 0u64..500_000_000);
    (sequence, times, responder).prop_map(|(sequence, (sent, rtt), responder)| Sample {
        sequence,
        sent: Instant::from_nanos(sent),
        received: Instant::from_nanos(sent + rtt),
        responder: responder.map(|(forward, held, in_step)| ResponderTimes {
            forward,
            held: Duration::from_nanos(held),
            in_step,
        }),
    })
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let happening = prop_oneof![
        4 => Just(Happening::Sent),
        8 => sample().prop_map(Happening::Received),
        1 => Just(Happening::Lost),
        1 => Just(Happening::Late),
        1 => Just(Happening::Duplicate),
        1 => Just(Happening::Pause),
    ];
    prop::collection::vec(happening, 0..80).prop_map(in_order_of_arrival)
}

/// Answers happen in the order in which they arrive.
fn in_order_of_arrival(mut happenings: Vec<Happening>) -> Vec<Happening> {
    let mut samples = samples(&happenings);
    samples.sort_by_key(|sample| sample.received);
    let mut samples = samples.into_iter();
    for happening in &mut happenings {
        if let Happening::Received(sample) = happening {
            *sample = samples.next().expect("as many as before");
        }
    }
    happenings
}

fn samples(happenings: &[Happening]) -> Vec<Sample> {
    let mut samples = Vec::new();
    for happening in happenings {
        if let Happening::Received(sample) = happening {
            samples.push(*sample);
        }
    }
    samples
}

fn feed(collector: &mut Collector, happening: Happening) {
    match happening {
        Happening::Sent => collector.sent(),
        Happening::Received(sample) => collector.received(sample),
        Happening::Lost => collector.lost(),
        Happening::Late => collector.late(),
        Happening::Duplicate => collector.duplicate(),
        Happening::Pause => collector.pause(),
    }
}

fn collect(happenings: &[Happening]) -> Window {
    let mut collector = Collector::with_threshold(THRESHOLD);
    for happening in happenings {
        feed(&mut collector, *happening);
    }
    collector.cut()
}

const THRESHOLD: Duration = Duration::from_millis(200);

/// Number, sum, sum of squares, least and greatest, by their definition.
type Sums = (u64, u128, u128, Option<u128>, Option<u128>);

fn sums(values: &[u128]) -> Sums {
    (
        values.len() as u64,
        values.iter().sum(),
        values.iter().map(|value| value * value).sum(),
        values.iter().min().copied(),
        values.iter().max().copied(),
    )
}

fn sums_of(delays: &DelayStatistics) -> Sums {
    (
        delays.count(),
        delays.sum().as_nanos(),
        delays.sum_of_squares(),
        delays.min().map(|delay| delay.as_nanos()),
        delays.max().map(|delay| delay.as_nanos()),
    )
}

/// Jitter by its definition: positive, negative, how many zeros, RFC 3550 appendix A.8.
type Jitter = (Sums, Sums, u64, Option<u128>);

fn jitter_of(jitter: &JitterStatistics) -> Jitter {
    (
        sums_of(jitter.positive()),
        sums_of(jitter.negative()),
        jitter.zeros(),
        jitter.interarrival().map(|j| j.as_nanos()),
    )
}

fn jitter(happenings: &[Happening], transit: fn(&Sample) -> Option<i128>) -> Jitter {
    let differences = differences(happenings, transit);
    let sizes = |wanted: fn(i128) -> bool| -> Vec<u128> {
        let wanted = differences.iter().filter(|d| wanted(**d));
        wanted.map(|d| d.unsigned_abs()).collect()
    };
    let estimate = |j: u128, d: &i128| j + d.unsigned_abs() - (j + 8) / 16;
    (
        sums(&sizes(|d| d > 0)),
        sums(&sizes(|d| d < 0)),
        sizes(|d| d == 0).len() as u64,
        (!differences.is_empty()).then(|| differences.iter().fold(0, estimate) / 16),
    )
}

/// Everything by its definition, from the whole list at once.
#[derive(Debug, PartialEq)]
struct Naive {
    counts: [u64; 7],
    rtt: Sums,
    round_trip: Jitter,
    forward: Jitter,
    backward: Jitter,
    one_way: [Sums; 2],
}

fn rtt(sample: &Sample) -> Option<i128> {
    i128::try_from(sample.rtt().as_nanos()).ok()
}

fn forward(sample: &Sample) -> Option<i128> {
    sample.responder.map(|times| times.forward.into())
}

fn backward(sample: &Sample) -> Option<i128> {
    Some(rtt(sample)? - forward(sample)?)
}

fn naive(happenings: &[Happening]) -> Naive {
    let count = |wanted: fn(&Happening) -> bool| {
        happenings
            .iter()
            .filter(|happening| wanted(happening))
            .count() as u64
    };
    let samples = samples(happenings);
    let rtts: Vec<u128> = samples.iter().map(|s| s.rtt().as_nanos()).collect();
    let one_way = |transit: fn(&Sample) -> Option<i128>| {
        let in_step = samples
            .iter()
            .filter(|sample| sample.responder.is_some_and(|times| times.in_step));
        let delays = in_step.filter_map(transit);
        sums(&delays.map(|d| d.max(0).unsigned_abs()).collect::<Vec<_>>())
    };
    Naive {
        counts: [
            count(|h| matches!(h, Happening::Sent)),
            samples.len() as u64,
            count(|h| matches!(h, Happening::Lost)),
            count(|h| matches!(h, Happening::Late)),
            count(|h| matches!(h, Happening::Duplicate)),
            overtaken(&samples),
            samples.iter().filter(|s| s.rtt() > THRESHOLD).count() as u64,
        ],
        rtt: sums(&rtts),
        round_trip: jitter(happenings, rtt),
        forward: jitter(happenings, forward),
        backward: jitter(happenings, backward),
        one_way: [one_way(forward), one_way(backward)],
    }
}

/// Samples with a later number among those before them. All numbers lie within a quarter of the
/// number space around 0, so a signed comparison is the right one.
fn overtaken(samples: &[Sample]) -> u64 {
    let numbers: Vec<i32> = samples
        .iter()
        .map(|sample| sample.sequence as i32)
        .collect();
    (0..numbers.len())
        .filter(|&at| numbers[..at].iter().any(|before| *before > numbers[at]))
        .count() as u64
}

/// Differences of the transit times of consecutive answers that tell one, pauses apart.
fn differences(happenings: &[Happening], transit: fn(&Sample) -> Option<i128>) -> Vec<i128> {
    happenings
        .split(|happening| matches!(happening, Happening::Pause))
        .flat_map(|operation| {
            let transits: Vec<i128> = samples(operation).iter().filter_map(transit).collect();
            let pairs = transits.windows(2).map(|pair| pair[1] - pair[0]);
            pairs.collect::<Vec<i128>>()
        })
        .collect()
}

proptest! {
    #[test]
    fn statistics_equal_a_naive_recomputation(happenings in happenings()) {
        let window = collect(&happenings);
        let ours = Naive {
            counts: [
                window.sent(),
                window.received(),
                window.lost(),
                window.late(),
                window.duplicates(),
                window.out_of_order(),
                window.over_threshold(),
            ],
            rtt: sums_of(window.rtt()),
            round_trip: jitter_of(window.jitter()),
            forward: jitter_of(window.jitter_forward()),
            backward: jitter_of(window.jitter_backward()),
            one_way: [
                sums_of(window.one_way_forward()),
                sums_of(window.one_way_backward()),
            ],
        };
        prop_assert_eq!(ours, naive(&happenings));
    }

    #[test]
    fn windows_cut_anywhere_merge_into_the_window_of_the_whole(
        happenings in happenings(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let whole = collect(&happenings);
        let cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(happenings.len() + 1)).collect();
        let mut collector = Collector::with_threshold(THRESHOLD);
        let mut merged = Window::default();
        for (at, happening) in happenings.iter().enumerate() {
            if cuts.contains(&at) {
                merged.merge(&collector.cut());
            }
            feed(&mut collector, *happening);
        }
        merged.merge(&collector.cut());
        prop_assert_eq!(merged, whole);
    }

    #[test]
    fn the_standard_deviation_is_that_of_the_definition(
        micros in prop::collection::vec(0u64..2_000_000, 1..50),
    ) {
        let mut delays = DelayStatistics::default();
        for micros in &micros {
            delays.add(Duration::from_micros(*micros));
        }
        let count = micros.len() as f64;
        let mean = micros.iter().sum::<u64>() as f64 / count;
        let off = |micros: &u64| (*micros as f64 - mean).powi(2);
        let variance = micros.iter().map(off).sum::<f64>() / count;
        let ours = delays.standard_deviation().expect("not empty").as_nanos() as f64 / 1_000.0;
        prop_assert!((ours - variance.sqrt()).abs() < 0.01, "{ours} for {}", variance.sqrt());
    }
}

#[test]
fn an_empty_window_has_no_averages() {
    let window = Window::default();
    assert_eq!(window.loss_ppm(), None);
    assert_eq!(window.rtt().average(), None);
    assert_eq!(window.rtt().standard_deviation(), None);
    assert_eq!(window.jitter().interarrival(), None);
}

#[test]
fn delays_beyond_any_clock_saturate() {
    let mut delays = DelayStatistics::default();
    for _ in 0..3 {
        delays.add(Duration::MAX);
    }
    let mut twice = delays;
    twice.merge(&delays);
    assert_eq!(
        (twice.count(), twice.max()),
        (6, Some(Duration::from_nanos(u64::MAX)))
    );
}
