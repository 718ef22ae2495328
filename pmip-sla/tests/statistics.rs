//! Windows against a naive recomputation, and their sum against the window of the whole.

use std::time::Duration;

use pmip_sla::{Collector, DelayStatistics, Sample, Window};
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
    let responder = prop::option::of((0u64..10_000_000_000, 0u64..1_000_000));
    // Numbers around the wrap; times up to ten seconds, in nanoseconds.
    let sequence = (0u32..40).prop_map(|n| n.wrapping_sub(20));
    let times = (0u64..10_000_000_000, 0u64..500_000_000);
    (sequence, times, responder).prop_map(|(sequence, (sent, rtt), responder)| Sample {
        sequence,
        sent: Instant::from_nanos(sent),
        received: Instant::from_nanos(sent + rtt),
        responder: responder
            .map(|(got, held)| (Instant::from_nanos(got), Instant::from_nanos(got + held))),
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
    let mut collector = Collector::default();
    for happening in happenings {
        feed(&mut collector, *happening);
    }
    collector.cut()
}

/// Everything by its definition, from the whole list at once.
#[derive(Debug, PartialEq)]
struct Naive {
    sent: u64,
    received: u64,
    lost: u64,
    out_of_order: u64,
    rtt_sum: u128,
    rtt_squares: u128,
    rtt_min: Option<u128>,
    rtt_max: Option<u128>,
    difference_sum: u128,
    differences: u64,
    /// RFC 3550 appendix A.8, scaled by 16.
    interarrival: Option<u128>,
}

fn naive(happenings: &[Happening]) -> Naive {
    let count = |wanted: fn(&Happening) -> bool| {
        happenings
            .iter()
            .filter(|happening| wanted(happening))
            .count() as u64
    };
    let samples = samples(happenings);
    let rtts: Vec<u128> = samples
        .iter()
        .map(|sample| sample.rtt().as_nanos())
        .collect();
    let differences = differences(happenings);
    let estimate = |j: u128, d: &u128| j + d - (j + 8) / 16;
    Naive {
        sent: count(|h| matches!(h, Happening::Sent)),
        received: samples.len() as u64,
        lost: count(|h| matches!(h, Happening::Lost)),
        out_of_order: overtaken(&samples),
        rtt_sum: rtts.iter().sum(),
        rtt_squares: rtts.iter().map(|rtt| rtt * rtt).sum(),
        rtt_min: rtts.iter().min().copied(),
        rtt_max: rtts.iter().max().copied(),
        difference_sum: differences.iter().sum(),
        differences: differences.len() as u64,
        interarrival: (!differences.is_empty()).then(|| differences.iter().fold(0, estimate) / 16),
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

/// Round-trip differences of consecutive answers, pauses apart.
fn differences(happenings: &[Happening]) -> Vec<u128> {
    happenings
        .split(|happening| matches!(happening, Happening::Pause))
        .flat_map(|operation| {
            let rtts: Vec<u128> = samples(operation)
                .iter()
                .map(|sample| sample.rtt().as_nanos())
                .collect();
            let pairs: Vec<u128> = rtts
                .windows(2)
                .map(|pair| pair[0].abs_diff(pair[1]))
                .collect();
            pairs
        })
        .collect()
}

proptest! {
    #[test]
    fn statistics_equal_a_naive_recomputation(happenings in happenings()) {
        let window = collect(&happenings);
        let nanos = |span: Option<Duration>| span.map(|span| span.as_nanos());
        let ours = Naive {
            sent: window.sent(),
            received: window.received(),
            lost: window.lost(),
            out_of_order: window.out_of_order(),
            rtt_sum: window.rtt().sum().as_nanos(),
            rtt_squares: window.rtt().sum_of_squares(),
            rtt_min: nanos(window.rtt().min()),
            rtt_max: nanos(window.rtt().max()),
            difference_sum: window.jitter().differences().sum().as_nanos(),
            differences: window.jitter().differences().count(),
            interarrival: nanos(window.jitter().interarrival()),
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
        let mut collector = Collector::default();
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
