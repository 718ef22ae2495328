//! The answering ends: who is answered, for how long, and what a flood may cost.

use std::net::SocketAddr;
use std::time::Duration;

use pmip_sla::{
    Answer, Clock, ProbeConfig, Received, Reflector, ReflectorConfig, Responder, ResponderConfig,
    ResponderOutput, Sender, SenderInput, SenderOutput, StampSession,
};
use pmip_wire::sla::{MeasurementHeader, MeasurementPacket, Version1Control};
use pmip_wire::stamp::{ReflectorPacket, SenderPacket, StampMode};
use pmip_wire::types::{Instant, PathId};

const CONTROL: &str = "192.0.2.1:1967";
const PORT: u16 = 50_505;

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

fn clock() -> Clock {
    Clock::new(Instant::ZERO, Duration::from_secs(1_700_000_000))
}

fn responder(config: ResponderConfig) -> Responder {
    Responder::new(config, clock())
}

fn request(port: u16, duration_ms: u16) -> Vec<u8> {
    let mut octets = Vec::new();
    let request = Version1Control {
        sequence: 1,
        address: "192.0.2.1".parse().expect("an address"),
        port,
        duration_ms,
    };
    request.encode_request(&mut octets);
    octets
}

/// Sends a datagram; the answers, and ports opened (+) and closed (-).
fn send(
    responder: &mut Responder,
    now: Instant,
    (local, remote): (&str, &str),
    octets: &[u8],
) -> (Vec<Answer>, Vec<i32>) {
    let received = Received::new(address(local), address(remote), now, octets);
    responder.handle_datagram(now, received);
    drain(responder)
}

fn drain(responder: &mut Responder) -> (Vec<Answer>, Vec<i32>) {
    let (mut answers, mut ports) = (Vec::new(), Vec::new());
    loop {
        match responder.poll_output() {
            ResponderOutput::Transmit(answer) => answers.push(answer),
            ResponderOutput::Open(port) => ports.push(port.into()),
            ResponderOutput::Close(port) => ports.push(-i32::from(port)),
            ResponderOutput::Timeout(_) => return (answers, ports),
        }
    }
}

/// The octets of version 1's measurement of type 2.
fn probe(number: u8) -> Vec<u8> {
    let mut octets = vec![0; 32];
    octets[1] = 2;
    octets[13] = number;
    octets
}

const MEASUREMENT: &str = "192.0.2.1:50505";

#[test]
fn a_port_is_open_for_as_long_as_was_asked_and_no_longer() {
    let mut responder = responder(ResponderConfig::default());
    let at = Instant::from_millis;
    let peer = "192.0.2.2:4000";
    let unasked = send(&mut responder, at(0), (MEASUREMENT, peer), &probe(1));
    assert_eq!(unasked, (vec![], vec![]));
    let (answers, ports) = send(
        &mut responder,
        at(0),
        (CONTROL, peer),
        &request(PORT, 1_000),
    );
    assert_eq!((answers.len(), ports), (1, vec![PORT.into()]));
    let (answers, _) = send(&mut responder, at(999), (MEASUREMENT, peer), &probe(1));
    assert_eq!(answers.len(), 1);
    assert_eq!(responder.next_timeout(), Some(at(1_000)));
    let (answers, ports) = send(&mut responder, at(1_000), (MEASUREMENT, peer), &probe(2));
    assert_eq!((answers.len(), ports), (0, vec![-i32::from(PORT)]));
    assert_eq!((responder.sessions(), responder.next_timeout()), (0, None));
}

#[test]
fn the_same_request_again_restarts_the_count_and_the_time() {
    let mut responder = responder(ResponderConfig::default());
    let at = Instant::from_millis;
    let ends = (MEASUREMENT, "192.0.2.2:4000");
    let number = |responder: &mut Responder, now| {
        let (answers, _) = send(responder, now, ends, &probe(9));
        answers[0].octets[15]
    };
    for start in [0, 900] {
        let control = (CONTROL, "192.0.2.2:4000");
        let (_, ports) = send(&mut responder, at(start), control, &request(PORT, 1_000));
        assert_eq!(ports.is_empty(), start > 0, "it is open already");
        assert_eq!(number(&mut responder, at(start + 10)), 1);
        assert_eq!(number(&mut responder, at(start + 20)), 2);
    }
    assert_eq!(number(&mut responder, at(1_800)), 3);
}

/// A NAT gives measurement packets another port than the one announced.
#[test]
fn the_first_strange_port_is_taken_for_the_announced_one() {
    let mut responder = responder(ResponderConfig::default());
    let now = Instant::ZERO;
    send(
        &mut responder,
        now,
        (CONTROL, "192.0.2.2:4000"),
        &request(PORT, 1_000),
    );
    let count = |responder: &mut Responder, remote| {
        let answers = send(responder, now, (MEASUREMENT, remote), &probe(1)).0;
        answers.len()
    };
    assert_eq!(count(&mut responder, "192.0.2.3:4000"), 0);
    assert_eq!(count(&mut responder, "192.0.2.2:61000"), 1);
    assert_eq!(count(&mut responder, "192.0.2.2:61000"), 1);
    assert_eq!(count(&mut responder, "192.0.2.2:61001"), 0);
}

#[test]
fn a_flood_of_requests_costs_bounded_memory_and_no_measurement() {
    let mut config = ResponderConfig::default();
    config.max_sessions = 100;
    config.max_sessions_per_address = 10;
    let mut responder = responder(config);
    let now = Instant::ZERO;
    let peer = "192.0.2.2:4000";
    send(&mut responder, now, (CONTROL, peer), &request(PORT, 60_000));
    for stranger in 0..2_000u32 {
        let [_, _, a, b] = (stranger / 20).to_be_bytes();
        let remote = format!("10.0.{a}.{b}:{}", 1_000 + stranger % 20);
        send(
            &mut responder,
            now,
            (CONTROL, &remote),
            &request(PORT, 60_000),
        );
        assert!(responder.sessions() <= 100);
    }
    assert_eq!(responder.sessions(), 100);
    // One of ours and nine addresses with ten each, and nine of a tenth.
    assert_eq!(responder.counters().granted, 100);
    let (answers, _) = send(&mut responder, now, (MEASUREMENT, peer), &probe(1));
    assert_eq!(answers.len(), 1);
}

#[test]
fn a_removed_path_takes_its_measurements_along() {
    let mut responder = responder(ResponderConfig::default());
    let octets = request(PORT, 1_000);
    let (local, remote) = (address(CONTROL), address("192.0.2.2:4000"));
    for path in [1, 2] {
        let received = Received::new(local, remote, Instant::ZERO, &octets);
        let path = PathId(path);
        responder.handle_datagram(Instant::ZERO, Received { path, ..received });
    }
    drain(&mut responder);
    responder.remove_path(PathId(1));
    assert_eq!((responder.sessions(), drain(&mut responder).1), (1, vec![]));
    responder.remove_path(PathId(2));
    assert_eq!(drain(&mut responder).1, [-i32::from(PORT)]);
}

/// Version 2 on the port that version 1 opened is another layout: it is not answered as such.
#[test]
fn each_version_has_its_own_measurement_packets() {
    let mut responder = responder(ResponderConfig::default());
    let now = Instant::from_millis(5);
    let peer = "192.0.2.2:4000";
    send(&mut responder, now, (CONTROL, peer), &request(PORT, 1_000));
    let mut octets = Vec::new();
    MeasurementHeader::default().encode(&[0; 64], &mut octets);
    let (answers, _) = send(&mut responder, now, (MEASUREMENT, peer), &octets);
    let header = MeasurementPacket::parse(&answers[0].octets)
        .expect("the same type")
        .header;
    // 16 bits of the sender's number and of the responder's, where version 2 has the sender's.
    assert_eq!((header.sender_sequence, header.responder_sequence), (1, 0));
}

fn reflect(reflector: &mut Reflector, remote: &str, octets: &[u8]) -> Option<Answer> {
    let now = Instant::from_millis(1);
    let received = Received {
        hop_limit: Some(61),
        ..Received::new(address("192.0.2.1:862"), address(remote), now, octets)
    };
    reflector.reflect(now, received)
}

#[test]
fn a_stateful_reflector_counts_each_session_within_its_bounds() {
    let mut config = ReflectorConfig::default();
    config.stateful = true;
    config.max_sessions = 2;
    let mut reflector = Reflector::new(config, clock());
    let mut number = |remote, ssid| {
        let mut octets = Vec::new();
        SenderPacket {
            sequence: 500,
            ssid,
            ..SenderPacket::default()
        }
        .encode(StampMode::Unauthenticated, &mut octets);
        let answer = reflect(&mut reflector, remote, &octets).expect("a test packet");
        let packet = ReflectorPacket::parse(&answer.octets, StampMode::Unauthenticated);
        let base = packet.expect("an answer").base;
        assert_eq!((base.sender_sequence, base.sender_ttl), (500, 61));
        base.sequence
    };
    assert_eq!(number("192.0.2.2:1", 1), 0);
    assert_eq!(number("192.0.2.2:1", 1), 1);
    assert_eq!(number("192.0.2.2:1", 2), 0);
    assert_eq!(number("192.0.2.2:3", 1), 500, "no room to count");
    assert_eq!(number("192.0.2.2:1", 1), 2);
}

/// RFC 8762 section 4.6: short TWAMP Light packets are answered, with a whole base packet.
#[test]
fn twamp_light_packets_are_answered() {
    let mut reflector = Reflector::new(ReflectorConfig::default(), clock());
    for (length, answered) in [(13, None), (14, Some(44)), (41, Some(44)), (100, Some(100))] {
        let answer = reflect(&mut reflector, "192.0.2.2:1", &vec![0; length]);
        assert_eq!(
            answer.map(|answer| answer.octets.len()),
            answered,
            "{length}"
        );
    }
}

/// Some TWAMP Light reflectors answer with 38 or 41 octets.
#[test]
fn short_answers_are_answers() {
    let reflector = address("192.0.2.1:862");
    let ms = Duration::from_millis;
    for length in [38, 41, 44] {
        let config = ProbeConfig::new(1, ms(10), ms(1_000), ms(500)).expect("consistent");
        let session = StampSession::new(reflector);
        let mut sender = Sender::stamp(session, config, clock(), Instant::ZERO, 0);
        sender.handle_input(Instant::ZERO, SenderInput::Timeout);
        let SenderOutput::Transmit(packet) = sender.poll_output() else {
            panic!("it starts at once");
        };
        let mut theirs = Reflector::new(ReflectorConfig::default(), clock());
        let answer = reflect(&mut theirs, "192.0.2.2:1", &packet.octets).expect("a test packet");
        let octets = &answer.octets[..length];
        let from = reflector;
        sender.handle_input(
            Instant::from_millis(2),
            SenderInput::Datagram { from, octets },
        );
        let output = sender.poll_output();
        let answered = matches!(output, SenderOutput::Event(pmip_sla::Event::Answered(_)));
        assert!(answered, "{length}: {output:?}");
    }
}
