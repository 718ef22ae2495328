//! Both ends of both protocols over links whose faults are known: what is reported is what was set.

mod world;

use std::time::Duration;

use pmip_binding::testing::{LinkConfig, Loss};
use pmip_sla::{
    ControlVersion, IpSlaSession, Outcome, ProbeConfig, Reflector, ReflectorConfig, Responder,
    ResponderConfig, ResponderNumbers, Sender, SenderDrop, SenderOutput, SlaKey, StampSession,
    Window,
};
use pmip_wire::sla::AuthenticationMode;
use pmip_wire::stamp::StampKey;
use pmip_wire::types::Instant;
use proptest::prelude::*;
use world::{Far, World, clock, far, near};

const HOUR: Duration = Duration::from_secs(3_600);

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn config(packets: u32, interval: Duration) -> ProbeConfig {
    let timeout = ms(500);
    let frequency = interval * packets + timeout + ms(500);
    ProbeConfig::new(packets, interval, frequency, timeout).expect("consistent")
}

fn link(latency: Duration, seed: u64) -> LinkConfig {
    let mut link = LinkConfig::default();
    link.latency = latency;
    link.seed = seed;
    link
}

fn stamp(probe: ProbeConfig, stateful: bool) -> (Sender, Far) {
    let numbers = match stateful {
        true => ResponderNumbers::Count,
        false => ResponderNumbers::Copy,
    };
    let session = StampSession::new(far(862)).with_numbers(numbers);
    let sender = Sender::stamp(session, probe, clock(Duration::ZERO), Instant::ZERO, 0);
    let mut config = ReflectorConfig::default();
    config.stateful = stateful;
    let reflector = Reflector::new(config, clock(HOUR));
    (sender, Far::Stamp(Box::new(reflector)))
}

fn ip_sla(probe: ProbeConfig, session: IpSlaSession, responder: ResponderConfig) -> (Sender, Far) {
    let ours = clock(Duration::ZERO);
    let sender = Sender::ip_sla(session, probe, ours, Instant::ZERO, 0xffff_fff0);
    let responder = Responder::new(responder, clock(HOUR));
    (sender, Far::IpSla(Box::new(responder)))
}

fn session() -> IpSlaSession {
    IpSlaSession::new(near(), far(0))
}

/// The protocols that tell directions apart.
fn both(probe: ProbeConfig) -> [(&'static str, (Sender, Far)); 2] {
    [
        ("stamp", stamp(probe, true)),
        (
            "ipsla",
            ip_sla(probe, session(), ResponderConfig::default()),
        ),
    ]
}

/// Asserts that a mean is within 5 % of `set`.
fn about(what: &str, measured: Option<Duration>, set: Duration) {
    let measured = measured.unwrap_or_default();
    let off = measured.abs_diff(set);
    assert!(off * 20 <= set, "{what}: {measured:?} for {set:?}");
}

/// Asserts that so many of `of` fit a probability, within five standard deviations and what the
/// last answers leave open.
fn binomial(what: &str, count: u64, of: u64, probability: f64) {
    let mean = of as f64 * probability;
    let deviation = (mean * (1.0 - probability)).sqrt();
    let off = (count as f64 - mean).abs();
    assert!(
        off <= 5.0 * deviation,
        "{what}: {count} of {of}, set {mean}"
    );
}

#[test]
fn delay_and_jitter_of_each_direction_alone() {
    // Two delays drawn evenly from 0 to J differ by J / 3 in the mean.
    let probe = config(100, ms(40));
    for forward in [true, false] {
        for (name, (sender, far)) in both(probe) {
            let mut links = [link(ms(30), 1), link(ms(10), 2)];
            links[usize::from(!forward)].jitter = ms(30);
            let [there, back] = links;
            let mut world = World::new(sender, far, there, back);
            let window = world.run(40).total();
            let jitters = [
                window.jitter_forward().average(),
                window.jitter_backward().average(),
            ];
            let [jittery, steady] = match forward {
                true => jitters,
                false => [jitters[1], jitters[0]],
            };
            about(name, jittery, ms(10));
            assert!(
                steady < Some(Duration::from_micros(1)),
                "{name}: {steady:?}"
            );
            about(name, window.rtt().average(), ms(40 + 15));
            about(name, window.jitter_average(), ms(10));
            assert_eq!((window.lost(), window.out_of_order()), (0, 0), "{name}");
            let operations = &world.operations;
            assert!(operations.iter().all(|op| op.outcome == Outcome::Ok));
        }
    }
}

#[test]
fn one_way_delay_is_told_when_both_clocks_are_in_step() {
    let session = StampSession::new(far(862));
    let in_step = clock(Duration::ZERO).with_in_step(true);
    let sender = Sender::stamp(session, config(10, ms(20)), in_step, Instant::ZERO, 0);
    let reflector = Reflector::new(ReflectorConfig::default(), in_step);
    let reflector = Far::Stamp(Box::new(reflector));
    let mut world = World::new(sender, reflector, link(ms(30), 1), link(ms(12), 2));
    let window = world.run(2).total();
    about("there", window.one_way_forward().average(), ms(30));
    about("back", window.one_way_backward().average(), ms(12));

    let (sender, reflector) = stamp(config(10, ms(20)), false);
    let mut world = World::new(sender, reflector, link(ms(30), 1), link(ms(12), 2));
    assert_eq!(world.run(2).total().one_way_forward().count(), 0);
}

#[test]
fn loss_of_each_direction_alone() {
    for forward in [true, false] {
        for (name, (sender, far)) in both(config(100, ms(20))) {
            let mut links = [link(ms(5), 3), link(ms(5), 4)];
            links[usize::from(!forward)].loss = Loss::Random(0.1);
            let [there, back] = links;
            let mut world = World::new(sender, far, there, back);
            let window = world.run(40).total();
            let loss = window.loss();
            let [right, wrong] = match forward {
                true => [loss.forward, loss.backward],
                false => [loss.backward, loss.forward],
            };
            assert_eq!(wrong, 0, "{name}: {loss:?}");
            binomial(name, window.lost(), window.sent(), 0.1);
            assert_eq!(loss.total(), window.lost());
            // Behind the last answer of an operation nothing tells the direction.
            assert!(loss.unknown * 20 < loss.total(), "{name}: {loss:?}");
            assert_eq!(right + loss.unknown, window.lost());
        }
    }
}

#[test]
fn a_stateless_reflector_tells_no_direction() {
    let (sender, far) = stamp(config(50, ms(20)), false);
    let mut there = link(ms(5), 3);
    there.loss = Loss::Random(0.2);
    let window = World::new(sender, far, there, link(ms(5), 4))
        .run(10)
        .total();
    assert_eq!(window.loss().unknown, window.lost());
    binomial("stateless", window.lost(), window.sent(), 0.2);
}

#[test]
fn duplication_and_reordering_of_each_direction_alone() {
    for forward in [true, false] {
        for (name, (sender, far)) in both(config(100, ms(20))) {
            let mut links = [link(ms(5), 5), link(ms(5), 6)];
            let faulty = &mut links[usize::from(!forward)];
            faulty.duplicate = 0.1;
            faulty.reorder = 0.1;
            faulty.reorder_delay = ms(30);
            let [there, back] = links;
            let mut world = World::new(sender, far, there, back);
            let window = world.run(40).total();
            binomial(name, window.duplicates(), window.sent(), 0.1);
            // An item held back over one that is not is overtaken.
            let overtaken = 0.1 * (1.0 - 0.1);
            binomial(name, window.out_of_order(), window.sent(), overtaken);
            assert_eq!(window.lost(), 0, "{name}");
        }
    }
}

#[test]
fn late_answers_are_no_losses_by_direction() {
    let (sender, far) = stamp(config(10, ms(100)), true);
    let mut back = link(ms(5), 6);
    back.reorder = 0.3;
    back.reorder_delay = ms(600);
    let mut world = World::new(sender, far, link(ms(5), 5), back);
    let window = world.run(40).total();
    assert!(window.late() > 0);
    assert_eq!(window.loss().forward, 0);
    assert!(window.loss().total() < window.lost());
    binomial("late", window.lost(), window.sent(), 0.3);
}

/// The whole exchange in each version, with the sequence numbers at their wrap.
#[test]
fn every_control_version_measures() {
    for (version, port) in [
        (ControlVersion::Two, None),
        (ControlVersion::OneMilliseconds, Some(50_505)),
        (ControlVersion::OneNtp, Some(50_505)),
    ] {
        let session = session().with_version(version);
        let (sender, far) = ip_sla(config(30, ms(20)), session, ResponderConfig::default());
        let mut back = link(ms(8), 2);
        back.loss = Loss::Random(0.2);
        let mut world = World::new(sender, far, link(ms(20), 1), back);
        let window = world.run(5).total();
        about("rtt", window.rtt().average(), ms(28));
        assert_eq!(window.loss().forward, 0, "{version:?} {:?}", window.loss());
        assert!(
            window.loss().backward > 0,
            "{version:?} {:?}",
            window.loss()
        );
        assert!(port.is_none_or(|port| world.open == [port]), "{version:?}");
        assert_eq!(world.drops, [], "{version:?}");
        let steady = window.jitter_forward().average();
        assert!(steady < Some(ms(1)), "{version:?} {steady:?}");
    }
}

fn key(mode: AuthenticationMode, secret: &[u8]) -> SlaKey {
    SlaKey::new(mode, 7, secret.to_vec(), [9; 16]).expect("not empty")
}

fn guarded(mode: AuthenticationMode) -> ResponderConfig {
    let mut config = ResponderConfig::default();
    config.authentication = mode;
    config.secrets.insert(7, b"secret".to_vec());
    config
}

#[test]
fn every_authentication_mode_lets_in_who_knows_the_secret_and_nobody_else() {
    use AuthenticationMode::{HmacSha256, NoAuthentication, Sha256};
    let probe = config(2, ms(20));
    let run = |session: IpSlaSession, responder: ResponderConfig| {
        let (sender, far) = ip_sla(probe, session, responder);
        let mut world = World::new(sender, far, link(ms(1), 1), link(ms(1), 2));
        world.run(1).operations[0].outcome
    };
    assert_eq!(run(session(), guarded(NoAuthentication)), Outcome::Ok);
    for mode in [Sha256, HmacSha256] {
        let right = session().with_key(key(mode, b"secret"));
        assert_eq!(run(right.clone(), guarded(mode)), Outcome::Ok, "{mode:?}");
        for session in [
            session(),
            session().with_key(key(mode, b"guess")),
            session().with_version(ControlVersion::OneMilliseconds),
        ] {
            let outcome = run(session, guarded(mode));
            let refused = [Outcome::AuthenticationFailed, Outcome::NoConnection];
            assert!(refused.contains(&outcome), "{mode:?}: {outcome}");
        }
        let outcome = run(right, guarded(NoAuthentication));
        assert_eq!(outcome, Outcome::AuthenticationFailed, "{mode:?}");
    }
}

/// An attacker who writes a request that fails must not get our signature for it.
#[test]
fn a_refused_request_is_not_signed() {
    let session = session().with_key(key(AuthenticationMode::HmacSha256, b"guess"));
    let responder = guarded(AuthenticationMode::HmacSha256);
    let (sender, far) = ip_sla(config(2, ms(20)), session, responder);
    let mut world = World::new(sender, far, link(ms(1), 1), link(ms(1), 2));
    world.run(1);
    assert_eq!(world.answers[0].len(), 172);
    assert_eq!(world.answers[0][48..80], [0; 32]);
    let again = world.answers[0].clone();
    let Far::IpSla(responder) = &mut world.far else {
        panic!("it is one");
    };
    let before = responder.counters().unauthenticated;
    let local = world::far(1_167);
    let received = pmip_sla::Received::new(local, near(), world.now, &again);
    responder.handle_datagram(world.now, received);
    assert_eq!(responder.counters().unauthenticated, before + 1);
}

#[test]
fn control_requests_are_repeated_with_their_number_and_then_given_up() {
    let (sender, _) = ip_sla(config(2, ms(20)), session(), ResponderConfig::default());
    let mut world = World::new(sender, Far::Silent, link(ms(1), 1), link(ms(1), 2));
    world.run(1);
    assert_eq!(world.operations[0].outcome, Outcome::NoConnection);
    assert_eq!(world.operations[0].window.loss_ppm(), Some(1_000_000));
    let [first, rest @ ..] = &world.sent[..] else {
        panic!("it asks");
    };
    assert_eq!(rest[..2], [first.clone(), first.clone()]);
    assert!(rest[2..].iter().all(|request| request != first));
}

#[test]
fn a_port_that_cannot_be_opened_is_refused_in_either_version() {
    for (version, outcome) in [
        (ControlVersion::Two, Outcome::Refused),
        (ControlVersion::OneMilliseconds, Outcome::NoConnection),
    ] {
        let session = session().with_version(version).with_measurement_port(4_242);
        let (sender, far) = ip_sla(config(2, ms(20)), session, ResponderConfig::default());
        let mut world = World::new(sender, far, link(ms(1), 1), link(ms(1), 2));
        world.taken = vec![4_242];
        assert_eq!(world.run(1).operations[0].outcome, outcome, "{version:?}");
    }
}

#[test]
fn measurements_may_go_to_the_control_port_itself() {
    let session = session().with_measurement_port(1_167);
    let (sender, far) = ip_sla(config(5, ms(20)), session, ResponderConfig::default());
    let mut world = World::new(sender, far, link(ms(1), 1), link(ms(1), 2));
    world.run(3);
    assert_eq!((world.total().lost(), world.open.len()), (0, 0));
}

#[test]
fn stamp_with_a_key_needs_that_key() {
    let run = |ours: &[u8], theirs: &[u8]| {
        let session = StampSession::new(far(862)).with_padding(20);
        let session = session.with_key(ours).expect("not empty");
        let ours = clock(Duration::ZERO);
        let sender = Sender::stamp(session, config(3, ms(20)), ours, Instant::ZERO, 0);
        let mut config = ReflectorConfig::default();
        config.key = Some(StampKey::new(theirs).expect("not empty"));
        let far = Far::Stamp(Box::new(Reflector::new(config, clock(HOUR))));
        let mut world = World::new(sender, far, link(ms(1), 1), link(ms(1), 2));
        world.run(1).total().lost()
    };
    assert_eq!(run(b"sesame", b"sesame"), 0);
    assert_eq!(run(b"sesame", b"simsim"), 3);
}

#[test]
fn strangers_and_nonsense_are_dropped_by_name() {
    let (mut sender, _) = ip_sla(config(3, ms(20)), session(), ResponderConfig::default());
    sender.handle_input(Instant::ZERO, pmip_sla::SenderInput::Timeout);
    let mut drop_of = |from, octets: &[u8]| {
        let input = pmip_sla::SenderInput::Datagram { from, octets };
        sender.handle_input(Instant::ZERO, input);
        let mut dropped = None;
        loop {
            let output = sender.poll_output();
            if let SenderOutput::Dropped(drop) = output {
                dropped = Some(drop);
            } else if let SenderOutput::Timeout(_) = output {
                return dropped;
            }
        }
    };
    let elsewhere = "198.51.100.1:1167".parse().expect("an address");
    assert_eq!(drop_of(elsewhere, &[2]), Some(SenderDrop::Stranger));
    assert_eq!(drop_of(far(9), &[2]), Some(SenderDrop::Stranger));
    assert_eq!(drop_of(far(1_167), &[2]), Some(SenderDrop::Malformed));
    let unasked = drop_of(far(1_167), &[1, 0, 0, 24]);
    assert_eq!(unasked, Some(SenderDrop::Malformed));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is lost or late: sums are whole, and no loss is told of a way that lost nothing.
    #[test]
    fn losses_are_never_blamed_on_the_wrong_way(
        seed in any::<u64>(),
        loss in 0.0f64..0.9,
        forward in any::<bool>(),
        stamped in any::<bool>(),
    ) {
        let probe = config(20, ms(10));
        let [a, b] = both(probe);
        let (_, (sender, far)) = if stamped { a } else { b };
        let mut links = [link(ms(5), seed), link(ms(7), seed ^ 1)];
        links[usize::from(!forward)].loss = Loss::Random(loss);
        let [there, back] = links;
        let mut world = World::new(sender, far, there, back);
        let window: Window = world.run(4).total();
        let told = window.loss();
        prop_assert_eq!(told.total(), window.lost());
        prop_assert_eq!(window.received() + window.lost(), window.sent());
        let wrong = if forward { told.backward } else { told.forward };
        prop_assert_eq!(wrong, 0, "{:?}", told);
    }
}
