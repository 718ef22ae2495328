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
