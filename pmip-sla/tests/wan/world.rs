//! A sender, a responder and two one-way links between them, in virtual time.

use std::net::SocketAddr;
use std::time::Duration;

use pmip_binding::testing::{Link, LinkConfig};
use pmip_sla::{
    Answer, Clock, Event, Operation, Received, Reflector, Responder, ResponderOutput, Sender,
    SenderDrop, SenderInput, SenderOutput, Window,
};
use pmip_wire::types::{Instant, PathId};

/// Whoever answers.
pub(crate) enum Far {
    IpSla(Box<Responder>),
    Stamp(Box<Reflector>),
    Silent,
}

pub(crate) struct World {
    pub(crate) sender: Sender,
    pub(crate) far: Far,
    pub(crate) there: Link<(SocketAddr, Vec<u8>)>,
    pub(crate) back: Link<(SocketAddr, Vec<u8>)>,
    pub(crate) now: Instant,
    pub(crate) operations: Vec<Operation>,
    pub(crate) drops: Vec<SenderDrop>,
    /// Ports that the responder wants open, and those that it cannot have.
    pub(crate) open: Vec<u16>,
    pub(crate) taken: Vec<u16>,
    /// Octets of everything sent, towards the responder and back.
    pub(crate) sent: Vec<Vec<u8>>,
    pub(crate) answers: Vec<Vec<u8>>,
}

pub(crate) const NEAR: &str = "192.0.2.2:50000";
pub(crate) const FAR: &str = "192.0.2.1:0";

pub(crate) fn near() -> SocketAddr {
    NEAR.parse().expect("an address")
}

pub(crate) fn far(port: u16) -> SocketAddr {
    let mut far: SocketAddr = FAR.parse().expect("an address");
    far.set_port(port);
    far
}

/// A clock that shows 2023 at the beginning of time, `ahead` of others.
pub(crate) fn clock(ahead: Duration) -> Clock {
    Clock::new(Instant::ZERO, Duration::from_secs(1_700_000_000) + ahead)
}

impl World {
    pub(crate) fn new(sender: Sender, far: Far, there: LinkConfig, back: LinkConfig) -> Self {
        Self {
            sender,
            far,
            there: Link::new(there),
            back: Link::new(back),
            now: Instant::ZERO,
            operations: Vec::new(),
            drops: Vec::new(),
            open: Vec::new(),
            taken: Vec::new(),
            sent: Vec::new(),
            answers: Vec::new(),
        }
    }

    /// Runs until so many operations ended.
    pub(crate) fn run(&mut self, operations: usize) -> &mut Self {
        for _ in 0..1_000_000 {
            if self.operations.len() >= operations {
                return self;
            }
            self.step();
        }
        panic!("{} operations only", self.operations.len());
    }

    /// Everything that was measured.
    pub(crate) fn total(&self) -> Window {
        let mut total = Window::default();
        for operation in &self.operations {
            total.merge(&operation.window);
        }
        total
    }

    fn step(&mut self) {
        self.drain();
        let moments = [
            self.sender.next_timeout(),
            self.there.next_arrival(),
            self.back.next_arrival(),
        ];
        let next = moments.into_iter().flatten().min();
        self.now = next.expect("something happens").max(self.now);
        while let Some((to, octets)) = self.there.pop(self.now) {
            self.arrive(to, &octets);
        }
        while let Some((from, octets)) = self.back.pop(self.now) {
            let octets = &octets;
            self.sender
                .handle_input(self.now, SenderInput::Datagram { from, octets });
        }
        self.sender.handle_input(self.now, SenderInput::Timeout);
        self.drain();
    }

    fn drain(&mut self) {
        loop {
            match self.sender.poll_output() {
                SenderOutput::Transmit(datagram) => {
                    let octets = datagram.octets.to_vec();
                    self.sent.push(octets.clone());
                    let length = octets.len();
                    self.there.push(self.now, (datagram.to, octets), length);
                }
                SenderOutput::Event(Event::OperationFinished(operation)) => {
                    self.operations.push(*operation);
                }
                SenderOutput::Event(_) => {}
                SenderOutput::Dropped(drop) => self.drops.push(drop),
                SenderOutput::Timeout(_) => return,
            }
        }
    }

    fn arrive(&mut self, to: SocketAddr, octets: &[u8]) {
        let received = Received {
            path: PathId(1),
            hop_limit: Some(60),
            ..Received::new(to, near(), self.now, octets)
        };
        match &mut self.far {
            Far::Silent => {}
            Far::Stamp(reflector) => {
                let answer = reflector.reflect(self.now, received);
                self.answer(answer);
            }
            Far::IpSla(responder) => {
                responder.handle_datagram(self.now, received);
                self.drain_responder();
            }
        }
    }

    fn drain_responder(&mut self) {
        loop {
            let Far::IpSla(responder) = &mut self.far else {
                return;
            };
            match responder.poll_output() {
                ResponderOutput::Transmit(answer) => self.answer(Some(answer)),
                ResponderOutput::Open(port) if self.taken.contains(&port) => {
                    responder.port_unavailable(port);
                }
                ResponderOutput::Open(port) => self.open.push(port),
                ResponderOutput::Close(port) => self.open.retain(|open| *open != port),
                ResponderOutput::Timeout(_) => return,
            }
        }
    }

    fn answer(&mut self, answer: Option<Answer>) {
        let Some(answer) = answer else { return };
        assert_eq!((answer.remote, answer.path), (near(), PathId(1)));
        let octets = answer.octets.to_vec();
        self.answers.push(octets.clone());
        let length = octets.len();
        self.back.push(self.now, (answer.local, octets), length);
    }
}
