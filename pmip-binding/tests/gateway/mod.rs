//! A gateway alone, whose anchor is played by hand.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test file uses its own part"
)]

use std::time::Duration;

use bytes::Bytes;
use pmip_binding::testing::{LMA_ADDRESS, UNIX_START, address, mag_config};
use pmip_binding::{
    Carrier, ClockAnchor, Datagram, Event, Input, InterfaceChange, InterfaceState, Mag, MagConfig,
    Output,
};
use pmip_wire::types::Instant;
use pmip_wire::udp::CONTROL_PORT;
use pmip_wire::{
    BindingAckFlags, BindingAcknowledgement, BindingUpdate, ChecksumContext, HomeNetworkPrefix,
    Lifetime, Message, MobilityOption, MobilityOptions, Status,
};

/// The gateway, its roaming interfaces up.
pub struct Gateway {
    pub mag: Mag,
    pub now: Instant,
    pub events: Vec<Event>,
    /// Every message it sent, as octets, the newest last.
    pub sent: Vec<Bytes>,
    interfaces: u8,
}

/// One uplink and one mobile node, without multipath and heartbeats.
pub fn plain_config() -> MagConfig {
    let mut config = mag_config(1, 1);
    config.multipath = false;
    config.heartbeat.rules.clear();
    config
}

impl Gateway {
    pub fn new(config: MagConfig) -> Self {
        let clock = ClockAnchor {
            instant: Instant::ZERO,
            unix: UNIX_START,
        };
        let interfaces = u8::try_from(config.roaming_interfaces.len()).unwrap();
        let mag = Mag::new(config, [5; 32], clock, Instant::ZERO).unwrap();
        let mut gateway = Self {
            mag,
            now: Instant::from_secs(1),
            events: Vec::new(),
            sent: Vec::new(),
            interfaces,
        };
        gateway.up();
        gateway
    }

    fn up(&mut self) {
        for binding_id in 1..=self.interfaces {
            let state = InterfaceState::Up(address(1, binding_id));
            self.give(Input::Interface(InterfaceChange { binding_id, state }));
        }
    }

    pub fn give(&mut self, input: Input) {
        self.mag.handle_input(self.now, input);
        loop {
            match self.mag.poll_output() {
                Output::Transmit(transmit) => self.sent.push(transmit.payload),
                Output::Event(event) => self.events.push(event),
                Output::Timeout(_) => return,
                _ => unreachable!("outputs are known"),
            }
        }
    }

    pub fn wait(&mut self, span: Duration) {
        self.now += span;
        self.give(Input::Timeout);
    }

    /// The PBUs that it sent, in order.
    pub fn updates(&self) -> Vec<BindingUpdate> {
        let sent = self.sent.iter();
        sent.filter_map(
            |octets| match Message::decode(octets, ChecksumContext::Udp).unwrap() {
                Message::BindingUpdate(update) => Some(update),
                _ => None,
            },
        )
        .collect()
    }

    pub fn last_update(&self) -> BindingUpdate {
        self.updates().pop().expect("a PBU")
    }

    /// Answers the last PBU with what an anchor has to echo, and these options.
    pub fn answer(&mut self, status: u8, more: impl IntoIterator<Item = MobilityOption>) {
        self.answer_flagged(status, BindingAckFlags::PROXY, more);
    }

    pub fn answer_flagged(
        &mut self,
        status: u8,
        flags: BindingAckFlags,
        more: impl IntoIterator<Item = MobilityOption>,
    ) {
        let answer = self.answer_to(&self.last_update(), status, flags, more);
        self.receive(&answer);
    }

    /// An answer with what an anchor has to echo, a home network prefix, and these options.
    pub fn answer_to(
        &self,
        update: &BindingUpdate,
        status: u8,
        flags: BindingAckFlags,
        more: impl IntoIterator<Item = MobilityOption>,
    ) -> Message {
        let echoed = |option: &MobilityOption| {
            matches!(
                option,
                MobilityOption::MobileNodeIdentifier(_)
                    | MobilityOption::HandoffIndicator(_)
                    | MobilityOption::AccessTechnologyType(_)
                    | MobilityOption::LinkLayerIdentifier(_)
                    | MobilityOption::Timestamp(_)
            )
        };
        let mut options: Vec<MobilityOption> =
            update.options.to_vec().into_iter().filter(echoed).collect();
        let home = HomeNetworkPrefix::new("2001:db8:1::".parse().unwrap(), 64).unwrap();
        options.push(home.into());
        options.extend(more);
        let lifetime = if status < 128 {
            update.lifetime
        } else {
            Lifetime::from_units(0)
        };
        Message::BindingAcknowledgement(BindingAcknowledgement {
            status: Status::from_code(status),
            flags,
            sequence: update.sequence,
            lifetime,
            options: MobilityOptions::try_from(options).unwrap(),
        })
    }

    /// Gives a message of the anchor.
    pub fn receive(&mut self, message: &Message) {
        self.receive_octets(message.to_bytes(ChecksumContext::Udp));
    }

    pub fn receive_octets(&mut self, payload: Bytes) {
        let at = |address: std::net::IpAddr| std::net::SocketAddr::new(address, CONTROL_PORT);
        self.give(Input::Signalling(Datagram {
            carrier: Carrier::Udp,
            source: at(LMA_ADDRESS.into()),
            destination: at(address(1, 1)),
            payload,
            vrf: pmip_binding::VrfId::DEFAULT,
        }));
    }
}
