//! The traffic tools of the simulated hosts.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use pmip_wire::types::Instant;
use smoltcp::iface::SocketHandle;

use super::host::{Echo, Pumped, SimHost};
use crate::lab::traffic::{Connection, Direction, PingFlow, PingSample};

/// Ports of receivers start here, of senders 10,000 higher.
const FIRST_PORT: u16 = 20_000;

/// One bulk transfer with its two sockets.
pub(super) struct TransferRun {
    record: Connection,
    sender: SocketHandle,
    receiver: SocketHandle,
}

impl TransferRun {
    /// Opens transfer `number` between host and correspondent; `None` when a stack refuses.
    pub(super) fn open(
        (direction, number): (Direction, u16),
        (host_address, host): (Ipv4Addr, &mut SimHost),
        (peer_address, peer): (Ipv4Addr, &mut SimHost),
        now: Instant,
    ) -> Option<Self> {
        let listen = FIRST_PORT.checked_add(number)?;
        let connect = listen.checked_add(10_000)?;
        let (source, sender, destination, receiver) = match direction {
            Direction::Up => (host_address, host, peer_address, peer),
            Direction::Down => (peer_address, peer, host_address, host),
        };
        let source = SocketAddr::from((source, connect));
        let destination = SocketAddr::from((destination, listen));
        let receiver = receiver.listen(listen)?;
        let sender = sender.connect(connect, destination)?;
        Some(Self {
            record: Connection::new(direction, source, destination, since_start(now)),
            sender,
            receiver,
        })
    }

    /// Moves octets at both ends.
    pub(super) fn pump(&mut self, now: Instant, host: &mut SimHost, peer: &mut SimHost) {
        let (sender, receiver) = match self.record.direction {
            Direction::Up => (host, peer),
            Direction::Down => (peer, host),
        };
        let sent = sender.pump_out(self.sender);
        match receiver.pump_in(self.receiver) {
            Pumped::Octets(0) => {}
            Pumped::Octets(octets) => self.record.progress(since_start(now), octets),
            Pumped::Gone => self.fail("the receiver's connection is gone"),
        }
        if matches!(sent, Pumped::Gone) {
            self.fail("the sender's connection is gone");
        }
    }

    /// What was measured.
    pub(super) fn record(&self) -> &Connection {
        &self.record
    }

    fn fail(&mut self, why: &str) {
        self.record.failure.get_or_insert_with(|| why.to_owned());
    }
}

/// One echo flow.
pub(super) struct PingRun {
    record: PingFlow,
    next: Instant,
}

impl PingRun {
    /// A flow between `host` and `peer` whose first request is due at `now`.
    pub(super) fn new(
        direction: Direction,
        host: Ipv4Addr,
        peer: Ipv4Addr,
        interval: Duration,
        now: Instant,
    ) -> Self {
        let (source, destination) = match direction {
            Direction::Up => (host, peer),
            Direction::Down => (peer, host),
        };
        Self {
            record: PingFlow {
                direction,
                source,
                destination,
                interval,
                samples: Vec::new(),
            },
            next: now,
        }
    }

    /// The next request, when it is due.
    pub(super) fn due_request(&mut self, now: Instant) -> Option<Echo> {
        if self.next > now {
            return None;
        }
        self.next += self.record.interval;
        let sequence = u16::try_from(self.record.samples.len() & 0xffff).unwrap_or(0);
        self.record.samples.push(PingSample {
            sent: since_start(now),
            rtt: None,
        });
        Some(Echo {
            source: self.record.source,
            destination: self.record.destination,
            sequence,
        })
    }

    /// Takes an answer, when it is for this flow.
    pub(super) fn answered(&mut self, now: Instant, echo: Echo) {
        if (echo.source, echo.destination) != (self.record.source, self.record.destination) {
            return;
        }
        self.record.answer(echo.sequence, since_start(now));
    }

    /// When the next request is due.
    pub(super) fn due(&self) -> Option<Instant> {
        Some(self.next)
    }

    /// Which way its requests go.
    pub(super) fn direction(&self) -> Direction {
        self.record.direction
    }

    /// What was measured.
    pub(super) fn record(&self) -> &PingFlow {
        &self.record
    }
}

fn since_start(now: Instant) -> Duration {
    now.saturating_since(Instant::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two hosts on one wire that loses everything between 1 s and 1.5 s.
    fn silent_wire() -> (Connection, PingFlow) {
        let (left, right) = (Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2));
        let mut now = Instant::ZERO;
        let mut hosts = [SimHost::new(now, 1), SimHost::new(now, 2)];
        let [host, peer] = &mut hosts;
        host.configure(left, 24, right);
        peer.configure(right, 24, left);
        let transfer = TransferRun::open((Direction::Up, 0), (left, host), (right, peer), now);
        let mut transfer = transfer.expect("fresh stacks open a connection");
        let mut pings = PingRun::new(Direction::Up, left, right, Duration::from_millis(20), now);
        while now < Instant::from_secs(5) {
            let carries = !(Instant::from_secs(1)..Instant::from_millis(1_500)).contains(&now);
            while let Some(echo) = pings.due_request(now) {
                host.ping(echo);
            }
            transfer.pump(now, host, peer);
            host.poll(now);
            peer.poll(now);
            let up: Vec<_> = std::iter::from_fn(|| host.sent()).collect();
            let down: Vec<_> = std::iter::from_fn(|| peer.sent()).collect();
            if carries {
                up.into_iter().for_each(|packet| peer.receive(packet));
                down.into_iter().for_each(|packet| host.receive(packet));
            }
            while let Some(echo) = host.pong() {
                pings.answered(now, echo);
            }
            now += Duration::from_millis(1);
        }
        (transfer.record().clone(), pings.record().clone())
    }

    #[test]
    fn a_silence_shows_in_the_transfer_and_in_the_pings() {
        let (transfer, pings) = silent_wire();
        assert_eq!(transfer.failure, None);
        let end = Duration::from_secs(5);
        let stall = transfer.longest_stall(Duration::ZERO, end).as_millis();
        // The stack retransmits a second after the first loss.
        assert!((900..1_200).contains(&stall), "{stall} ms");
        let gap = pings.longest_gap(Duration::ZERO, end, Duration::from_millis(500));
        assert!((480..=520).contains(&gap.as_millis()), "{gap:?}");
    }
}
