//! Shared by the story tests.
#![allow(
    clippy::wildcard_enum_match_arm,
    dead_code,
    unreachable_pub,
    reason = "each test file uses its own part, and of messages and events the ones it is about"
)]

pub mod clocks;
pub mod messages;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use pmip_binding::testing::{
    LMA_ADDRESS, LinkConfig, Node, UNIX_START, World, address, lma_config, mag_config,
};
use pmip_binding::{
    BindingStatus, Carrier, ClockAnchor, Datagram, Event, Input, Lma, LmaConfig, Output, PathState,
    PathStatus,
};
use pmip_wire::types::{Instant, PathId};
use pmip_wire::udp::CONTROL_PORT;
use pmip_wire::{
    AccessTechnologyType, BindingAcknowledgement, BindingUpdate, BindingUpdateFlags,
    ChecksumContext, HandoffIndicator, HomeNetworkPrefix, Lifetime, LinkLayerIdentifier,
    MagIdentifier, MagMultipathBinding, Message, MobileNodeIdentifier, MobilityOption,
    MobilityOptions, SequenceNumber, Status, Timestamp,
};
use proptest::prelude::ProptestConfig;
use proptest::test_runner::RngSeed;

pub const SECOND: Duration = Duration::from_secs(1);

pub fn link(millis: u64) -> LinkConfig {
    let mut config = LinkConfig::new();
    config.latency = Duration::from_millis(millis);
    config
}

/// One gateway with its uplinks down, 10 ms from the anchor.
pub fn world(interfaces: u8) -> World {
    let mut world = World::new(lma_config(), 1);
    let addresses: Vec<_> = (1..=interfaces).map(|n| address(1, n)).collect();
    world.add_mag(mag_config(1, interfaces), &addresses, &link(10));
    world
}

/// The same, registered and at rest.
pub fn registered(interfaces: u8) -> World {
    let mut world = world(interfaces);
    world.all_up();
    world.run_until_idle(SECOND);
    world
}

pub fn lma_binding(world: &World) -> BindingStatus {
    let mut bindings: Vec<_> = world.lma.bindings(world.now).collect();
    assert_eq!(bindings.len(), 1, "{}", world.tail());
    bindings.remove(0)
}

pub fn mag_binding(world: &World) -> BindingStatus {
    world.mags[0].bindings(world.now).next().unwrap()
}

pub fn lma_path(world: &World, binding_id: u8) -> PathStatus {
    let mut paths = world.lma.paths();
    paths
        .find(|path| path.binding_id == binding_id)
        .unwrap_or_else(|| panic!("no path {binding_id}\n{}", world.tail()))
}

pub fn mag_path(world: &World, binding_id: u8) -> PathStatus {
    let mut paths = world.mags[0].paths();
    paths.find(|path| path.binding_id == binding_id).unwrap()
}

/// Binding IDs that carry the session's downlink.
pub fn downlink(world: &World) -> Vec<u8> {
    let session = world.lma_tables.sessions.values().next();
    let usable = session.map(|session| world.lma_tables.usable_paths(session));
    let name = |path: &PathId| {
        let mut paths = world.lma.paths();
        paths
            .find(|status| status.path == *path)
            .unwrap()
            .binding_id
    };
    usable.unwrap_or_default().iter().map(name).collect()
}

/// Binding IDs that carry the session's uplink.
pub fn uplink(world: &World) -> Vec<u8> {
    let tables = &world.mag_tables[0];
    let session = tables.sessions.values().next();
    let usable = session.map(|session| tables.usable_paths(session));
    let paths = usable.unwrap_or_default();
    paths
        .iter()
        .map(|path| world.mags[0].interface_of(*path).unwrap())
        .collect()
}

/// When a path reached a state, in milliseconds.
pub fn moments(world: &World, node: Node, wanted: PathState) -> Vec<u64> {
    let events = world.events.iter().filter(|(_, who, _)| *who == node);
    events
        .filter_map(|(at, _, event)| match event {
            Event::Path(pmip_binding::PathEvent::State { state, .. }) if *state == wanted => {
                Some(at.as_millis())
            }
            _ => None,
        })
        .collect()
}

/// An anchor alone, for PBUs made by hand.
pub struct Bench {
    pub lma: Lma,
    pub now: Instant,
    pub events: Vec<Event>,
}

/// A PBU under construction.
#[derive(Clone)]
pub struct Pbu {
    pub source: SocketAddr,
    pub sequence: u16,
    pub lifetime: u16,
    pub force_udp: bool,
    pub no_home_registration: bool,
    pub options: Vec<MobilityOption>,
}

impl Bench {
    pub fn new(config: LmaConfig) -> Self {
        let clock = ClockAnchor {
            instant: Instant::ZERO,
            unix: UNIX_START,
        };
        let lma = Lma::new(config, [7; 32], clock, Instant::ZERO).unwrap();
        Self {
            lma,
            now: Instant::from_secs(1),
            events: Vec::new(),
        }
    }

    /// A timestamp that is right now.
    pub fn timestamp(&self) -> Timestamp {
        Timestamp::from_unix(UNIX_START + self.now.saturating_since(Instant::ZERO))
    }

    pub fn wait(&mut self, span: Duration) {
        self.now += span;
        self.give(Input::Timeout);
    }

    pub fn give(&mut self, input: Input) -> Vec<Bytes> {
        self.lma.handle_input(self.now, input);
        let mut sent = Vec::new();
        loop {
            match self.lma.poll_output() {
                Output::Transmit(transmit) => sent.push(transmit.payload),
                Output::Event(event) => self.events.push(event),
                Output::Timeout(_) => return sent,
                _ => unreachable!("outputs are known"),
            }
        }
    }

    /// Sends a PBU; gives the acknowledgement, if one came.
    pub fn send(&mut self, pbu: &Pbu) -> Option<BindingAcknowledgement> {
        let answers = self.give(Input::Signalling(pbu.datagram()));
        answers.iter().find_map(|payload| {
            match Message::decode(payload, ChecksumContext::Udp).unwrap() {
                Message::BindingAcknowledgement(answer) => Some(answer),
                _ => None,
            }
        })
    }

    pub fn status(&mut self, pbu: &Pbu) -> Status {
        self.send(pbu).expect("an answer").status
    }

    pub fn binding(&self) -> BindingStatus {
        self.lma.bindings(self.now).next().expect("a binding")
    }
}

impl Pbu {
    /// A complete PBU of a plain mobile node, in sequence mode.
    pub fn new(nai: &str, sequence: u16) -> Self {
        let options = vec![
            MobileNodeIdentifier::nai(nai).unwrap().into(),
            HomeNetworkPrefix::ALL_ZERO.into(),
            HandoffIndicator::from_code(1).into(),
            AccessTechnologyType::from_code(3).into(),
            LinkLayerIdentifier::mac([2, 0, 0, 0, 0, 9]).into(),
        ];
        Self {
            source: SocketAddr::new(address(9, 1), CONTROL_PORT),
            sequence,
            lifetime: 100,
            force_udp: true,
            no_home_registration: false,
            options,
        }
    }

    /// The same from another address.
    pub fn from(mut self, source: IpAddr) -> Self {
        self.source.set_ip(source);
        self
    }

    pub fn lifetime(mut self, units: u16) -> Self {
        self.lifetime = units;
        self
    }

    /// Adds an option.
    pub fn with(mut self, option: impl Into<MobilityOption>) -> Self {
        self.options.push(option.into());
        self
    }

    /// Takes options of one type out.
    pub fn without(mut self, option_type: pmip_wire::OptionType) -> Self {
        self.options
            .retain(|option| option.option_type() != option_type);
        self
    }

    /// Replaces options of the same type.
    pub fn replacing(self, option: impl Into<MobilityOption>) -> Self {
        let option = option.into();
        self.without(option.option_type()).with(option)
    }

    pub fn handoff(self, code: u8) -> Self {
        self.replacing(HandoffIndicator::from_code(code))
    }

    /// Adds options 63 and 64.
    pub fn multipath(self, mag: &str, binding_id: u8) -> Self {
        self.with(multipath(binding_id)).with(named(mag))
    }

    pub fn datagram(&self) -> Datagram {
        let mut flags = BindingUpdateFlags::PROXY | BindingUpdateFlags::ACKNOWLEDGE;
        flags.set(
            BindingUpdateFlags::HOME_REGISTRATION,
            !self.no_home_registration,
        );
        flags.set(BindingUpdateFlags::FORCE_UDP, self.force_udp);
        let message = Message::BindingUpdate(BindingUpdate {
            sequence: SequenceNumber(self.sequence),
            flags,
            lifetime: Lifetime::from_units(self.lifetime),
            options: MobilityOptions::try_from(self.options.clone()).unwrap(),
        });
        datagram(self.source, message.to_bytes(ChecksumContext::Udp))
    }
}

/// Option 63.
fn multipath(binding_id: u8) -> MobilityOption {
    let option = MagMultipathBinding {
        access_technology: AccessTechnologyType::from_code(8),
        label: binding_id + 10,
        binding_id,
        bulk: false,
        overwrite: false,
    };
    option.into()
}

/// Option 64.
fn named(mag: &str) -> MobilityOption {
    MagIdentifier::nai(mag).unwrap().into()
}

/// The same, for an address of another routing instance.
pub fn sent_to(mut datagram: Datagram, vrf: u16, address: IpAddr) -> Datagram {
    datagram.vrf = pmip_binding::VrfId(vrf);
    datagram.destination.set_ip(address);
    datagram
}

pub fn datagram(source: SocketAddr, payload: Bytes) -> Datagram {
    Datagram {
        carrier: Carrier::Udp,
        source,
        destination: SocketAddr::new(LMA_ADDRESS.into(), CONTROL_PORT),
        payload,
        vrf: pmip_binding::VrfId::DEFAULT,
    }
}

/// The same cases at every run; `PROPTEST_CASES=N` draws others, and more.
pub fn cases(usual: u32) -> ProptestConfig {
    let mut config = ProptestConfig::with_cases(usual);
    match std::env::var("PROPTEST_CASES").map(|cases| cases.parse()) {
        Ok(cases) => config.cases = cases.unwrap(),
        Err(_) => config.rng_seed = RngSeed::Fixed(5213),
    }
    config
}
