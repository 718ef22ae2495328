//! Any datagrams and packets, at any time, for both ends of both measurement protocols and the
//! service: no panic, no answer longer than it may be, bounded state, timeouts that lie ahead.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use pmip_sla::{
    Clock, HybridAccess, IpSlaSession, PathSpec, ProbeConfig, Received, Reflector, ReflectorConfig,
    Responder, ResponderConfig, ResponderOutput, Sender, SenderInput, SenderOutput, ServiceConfig,
    ServiceInput, ServiceOutput, StampSession,
};
use pmip_wire::types::{Instant, PathId};

const NEAR: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));
const FAR: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
const PATH: PathId = PathId(3);
const MAX_SESSIONS: usize = 4;
/// An answer to a shorter packet has the length of a STAMP base packet.
const LEAST_ANSWER: usize = 44;

/// Reads `data` as steps: two octets of what happens, one of length, and so many of a datagram.
pub fn run(data: &[u8]) {
    let mut world = World::new();
    let mut rest = data;
    while let Some(([kind, wait, length, _], behind)) = rest.split_first_chunk::<4>() {
        let octets = behind.get(..usize::from(*length)).unwrap_or(behind);
        rest = behind.get(usize::from(*length)..).unwrap_or_default();
        world.now += Duration::from_millis(u64::from(*wait) * 20);
        world.step(*kind, octets);
    }
}

struct World {
    now: Instant,
    ip_sla: Sender,
    stamp: Sender,
    responder: Responder,
    reflector: Reflector,
    service: HybridAccess,
}

impl World {
    fn new() -> Self {
        let clock = Clock::new(Instant::ZERO, Duration::from_secs(1_700_000_000));
        let second = Duration::from_secs(1);
        let probe = ProbeConfig::new(3, second / 10, second * 2, second).unwrap_or_default();
        let session = IpSlaSession::new(SocketAddr::new(NEAR, 5_000), SocketAddr::new(FAR, 0));
        let stamp = StampSession::new(SocketAddr::new(FAR, 0));
        let mut limits = ResponderConfig::default();
        limits.max_sessions = MAX_SESSIONS;
        let mut reflector = ReflectorConfig::default();
        reflector.stateful = true;
        reflector.max_sessions = MAX_SESSIONS;
        let mut service = HybridAccess::new(ServiceConfig::default(), clock, 1)
            .unwrap_or_else(|errors| panic!("{errors:?}"));
        let spec = PathSpec::new(PATH, NEAR, FAR);
        service.handle_input(Instant::ZERO, ServiceInput::AddPath(spec));
        Self {
            now: Instant::ZERO,
            ip_sla: Sender::ip_sla(session, probe, clock, Instant::ZERO, 0),
            stamp: Sender::stamp(stamp, probe, clock, Instant::ZERO, 0),
            responder: Responder::new(limits, clock),
            reflector: Reflector::new(reflector, clock),
            service,
        }
    }

    fn step(&mut self, kind: u8, octets: &[u8]) {
        let ports = [1_167, 1_967, 862, 50_505];
        let port = ports.get(usize::from(kind >> 6)).copied().unwrap_or(862);
        let from = SocketAddr::new(FAR, port);
        let now = self.now;
        match kind % 8 {
            0 => self
                .ip_sla
                .handle_input(now, SenderInput::Datagram { from, octets }),
            1 => self
                .stamp
                .handle_input(now, SenderInput::Datagram { from, octets }),
            2 | 3 => self.respond(port, octets),
            4 => self.reflect(octets),
            5 => self.service.handle_input(
                now,
                ServiceInput::Packet {
                    path: PATH,
                    at: now,
                    packet: octets,
                },
            ),
            6 => self.service.handle_input(now, ServiceInput::Needed(PATH)),
            _ => self.service.handle_input(now, ServiceInput::Heard(PATH)),
        }
        self.ip_sla.handle_input(now, SenderInput::Timeout);
        self.stamp.handle_input(now, SenderInput::Timeout);
        self.service.handle_input(now, ServiceInput::Timeout);
        self.drain();
    }

    fn received<'a>(&self, port: u16, octets: &'a [u8]) -> Received<'a> {
        // Different peers, by what they say.
        let peer = octets.last().copied().map_or(5_000, u16::from);
        let (local, remote) = (SocketAddr::new(FAR, port), SocketAddr::new(NEAR, peer));
        Received::new(local, remote, self.now, octets)
    }

    fn respond(&mut self, port: u16, octets: &[u8]) {
        let received = self.received(port, octets);
        self.responder.handle_datagram(self.now, received);
        let mut answers = 0;
        loop {
            match self.responder.poll_output() {
                ResponderOutput::Transmit(answer) => {
                    answers += 1;
                    assert!(answer.octets.len() <= octets.len(), "it would amplify");
                }
                ResponderOutput::Open(port) if port % 2 == 0 => {
                    self.responder.port_unavailable(port);
                }
                ResponderOutput::Open(_) | ResponderOutput::Close(_) => {}
                ResponderOutput::Timeout(due) => {
                    assert!(due.is_none_or(|due| due > self.now));
                    break;
                }
            }
        }
        assert!(answers <= 1);
        assert!(self.responder.sessions() <= MAX_SESSIONS);
    }

    fn reflect(&mut self, octets: &[u8]) {
        let received = self.received(862, octets);
        let answer = self.reflector.reflect(self.now, received);
        let length = answer.map_or(0, |answer| answer.octets.len());
        assert!(length <= octets.len().max(LEAST_ANSWER), "it would amplify");
        assert!(self.reflector.sessions() <= MAX_SESSIONS);
    }

    fn drain(&mut self) {
        for sender in [&mut self.ip_sla, &mut self.stamp] {
            loop {
                if let SenderOutput::Timeout(due) = sender.poll_output() {
                    assert!(due.is_none_or(|due| due > self.now));
                    break;
                }
            }
        }
        loop {
            if let ServiceOutput::Timeout(due) = self.service.poll_output() {
                assert!(due.is_none_or(|due| due > self.now));
                break;
            }
        }
    }
}
