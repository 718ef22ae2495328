//! What a measurement costs: recording a reply, ending an operation, and polling a service that has
//! nothing to do. The yardstick is recording a value in an HdrHistogram, in the same run.
//!
//! Prints the memory of a path first, which is counted and not measured.

use std::hint::black_box;
use std::net::Ipv4Addr;
use std::time::Duration;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use hdrhistogram::Histogram;
use pmip_sla::{
    Clock, Collector, History, HybridAccess, Input, Limits, Output, PathSpec, ProbeConfig, Prober,
    Reply, ResponderTimes, Sample, ServiceConfig, ServiceInput, ServiceOutput,
};
use pmip_wire::types::{Instant, PathId};

const PATHS: u32 = 10_000;

fn sample(number: u32) -> Sample {
    let sent = Instant::from_millis(u64::from(number) * 100);
    let jitter = u64::from(number.wrapping_mul(2_654_435_761) >> 20);
    let rtt = Duration::from_micros(20_000 + jitter);
    Sample {
        sequence: number,
        sent,
        received: sent + rtt,
        responder: Some(ResponderTimes {
            forward: 10_000_000 + i64::try_from(jitter).unwrap_or(0) * 500,
            held: Duration::from_micros(30),
            in_step: true,
        }),
    }
}

fn record(c: &mut Criterion) {
    let mut group = c.benchmark_group("record");
    group.bench_function("hdrhistogram", |b| {
        let mut histogram = Histogram::<u32>::new(2).expect("two digits");
        let mut number = 0u32;
        b.iter(|| {
            number = number.wrapping_add(1);
            let micros = 20_000 + u64::from(number.wrapping_mul(2_654_435_761) >> 20);
            histogram.record(black_box(micros)).expect("it grows");
        });
    });
    group.bench_function("one reply: all sums", |b| {
        let mut collector = Collector::with_threshold(Duration::from_secs(5));
        let mut number = 0u32;
        b.iter(|| {
            number = number.wrapping_add(1);
            collector.received(black_box(sample(number)));
        });
    });
    group.bench_function("one reply: all sums and quantiles", |b| {
        let mut collector = Collector::with_threshold(Duration::from_secs(5));
        let mut history = History::default();
        let mut number = 0u32;
        b.iter(|| {
            number = number.wrapping_add(1);
            let sample = black_box(sample(number));
            collector.received(sample);
            history.answered(&sample);
        });
    });
    group.finish();
}

/// A prober whose ten probes but the last are answered.
fn almost_done() -> (Prober, u32) {
    let ms = Duration::from_millis;
    let config = ProbeConfig::new(10, ms(10), ms(1_000), ms(500)).expect("consistent");
    let mut prober = Prober::new(config, Instant::ZERO, 0);
    let mut last = 0;
    for step in 0..10 {
        let now = Instant::from_millis(step * 10);
        prober.handle_input(now, Input::Timeout);
        if step > 0 {
            prober.handle_input(now, Input::Reply(Reply::new(last)));
        }
        loop {
            match prober.poll_output() {
                Output::Transmit(probe) => last = probe.sequence,
                Output::Timeout(_) => break,
                Output::Event(_) | Output::Prepare => {}
            }
        }
    }
    (prober, last)
}

fn operation(c: &mut Criterion) {
    let mut group = c.benchmark_group("operation");
    group.bench_function("finish one of ten probes", |b| {
        b.iter_batched_ref(
            almost_done,
            |(prober, last)| {
                let reply = Input::Reply(Reply::new(*last));
                prober.handle_input(Instant::from_millis(95), reply);
                prober.poll_output()
            },
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

fn service() -> HybridAccess {
    let mut config = ServiceConfig::default();
    let voice = Limits::default().with_rtt(Duration::from_millis(100));
    config.profiles.insert("voice".to_owned(), voice);
    let clock = Clock::new(Instant::ZERO, Duration::from_secs(1_700_000_000));
    let mut service = HybridAccess::new(config, clock, 7).expect("right");
    for path in 0..PATHS {
        let [_, a, b, c] = path.to_be_bytes();
        let care_of = Ipv4Addr::new(10, a, b, c).into();
        let spec = PathSpec::new(PathId(path), Ipv4Addr::new(192, 0, 2, 1).into(), care_of);
        service.handle_input(Instant::ZERO, ServiceInput::AddPath(spec));
    }
    drain(&mut service);
    service
}

fn drain(service: &mut HybridAccess) {
    while !matches!(service.poll_output(), ServiceOutput::Timeout(_)) {}
}

fn idle(c: &mut Criterion) {
    let mut service = service();
    let mut group = c.benchmark_group("service of 10,000 paths");
    group.bench_function("idle poll", |b| b.iter(|| black_box(service.poll_output())));
    group.bench_function("timeout told too early", |b| {
        b.iter(|| {
            service.handle_input(Instant::from_nanos(1), ServiceInput::Timeout);
            black_box(service.poll_output())
        });
    });
    group.finish();
}

#[allow(clippy::print_stdout, reason = "a figure for who reads the bench")]
fn memory(_: &mut Criterion) {
    let (mut service, mut now) = (service(), Instant::ZERO);
    let until = Instant::from_secs(60 * 20);
    while let Some(due) = service.next_timeout().filter(|due| *due < until) {
        now = due.max(now);
        service.handle_input(now, ServiceInput::Timeout);
        drain(&mut service);
    }
    let total: usize = service.paths().map(|path| path.memory()).sum();
    let path = service.path(PathId(0)).expect("it is there");
    println!(
        "memory of a path: {} octets with {} operations kept",
        total / service.paths().len(),
        path.history.operations().len()
    );
}

criterion_group!(benches, memory, record, operation, idle);
criterion_main!(benches);
