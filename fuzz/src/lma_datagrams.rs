//! Hostile datagrams and time jumps for an anchor: no panic, bounded memory, and what is no
//! message never touches a binding.

use std::net::Ipv4Addr;
use std::time::Duration;

use arbitrary::{Arbitrary, Unstructured};
use pmip_binding::config::{Ipv4Pool, Ipv6Pool, MobileNetworkPool, Network, Profile};
use pmip_binding::{ClockAnchor, Command, Input, Lma, LmaConfig, Output};
use pmip_wire::types::Instant;
use pmip_wire::{
    AccessTechnologyType, BindingUpdate, BindingUpdateFlags, DelegatedMobileNetworkPrefix,
    HandoffIndicator, HomeNetworkPrefix, Ipv4HomeAddressRequest, Lifetime, LinkLayerIdentifier,
    MagIdentifier, MagMultipathBinding, Message, MobileNodeIdentifier, MobilityOption,
    MobilityOptions, SequenceNumber, Timestamp,
};

use crate::engine::{self, LMA_V4, LMA_V6, OUTPUTS, Sender};

const MOST_BINDINGS: u32 = 4;
const START: Instant = Instant::from_secs(1_000);
const UNIX: Duration = Duration::from_secs(1_700_000_000);

/// One thing that happens to the anchor.
#[derive(Debug, Arbitrary)]
enum Step {
    Raw(Sender, Vec<u8>),
    Message(Sender, Box<Message>),
    Register(Sender, Registration),
    Wait(u16),
    /// Minutes; a whole input stays far from the end of time.
    WaitLong(u16),
    Timeout,
    SetClock(i16),
    Clear(u8),
}

/// A registration of which most parts make sense.
#[derive(Debug, Arbitrary)]
struct Registration {
    node: u8,
    gateway: u8,
    binding_id: u8,
    multipath: bool,
    bulk: bool,
    overwrite: bool,
    lifetime: Option<u16>,
    handoff: HandoffIndicator,
    sequence: u16,
    /// Milliseconds from the anchor's clock; `None` = no timestamp.
    timestamp: Option<i16>,
    home_prefix: Option<HomeNetworkPrefix>,
    ipv4: Option<Ipv4HomeAddressRequest>,
    delegated: Vec<DelegatedMobileNetworkPrefix>,
    extra: Vec<MobilityOption>,
    force_udp: bool,
}

/// Drives an anchor by the steps that `data` stands for.
pub fn run(data: &[u8]) {
    let mut octets = Unstructured::new(data);
    let mut lma = anchor();
    let mut now = START;
    while !octets.is_empty() {
        let Ok(step) = octets.arbitrary::<Step>() else {
            return;
        };
        apply(&mut lma, &mut now, step);
        drain(&mut lma, now);
        let bindings = lma.bindings(now).count();
        assert!(bindings <= MOST_BINDINGS as usize, "{bindings} bindings");
    }
}

fn apply(lma: &mut Lma, now: &mut Instant, step: Step) {
    match step {
        Step::Raw(sender, octets) => {
            let datagram = sender.raw(octets, false);
            let harmless = !engine::is_message(&datagram);
            lma.handle_input(*now, Input::Timeout);
            drain(lma, *now);
            let before: Vec<_> = lma.bindings(*now).collect();
            lma.handle_input(*now, Input::Signalling(datagram));
            if harmless {
                let after: Vec<_> = lma.bindings(*now).collect();
                assert_eq!(
                    before, after,
                    "octets that are no message changed a binding"
                );
            }
        }
        Step::Message(sender, message) => {
            let datagram = sender.datagram(&message, false);
            lma.handle_input(*now, Input::Signalling(datagram));
        }
        Step::Register(sender, registration) => {
            let message = registration.message(*now);
            let datagram = sender.datagram(&message, false);
            lma.handle_input(*now, Input::Signalling(datagram));
        }
        Step::Wait(millis) => {
            *now += Duration::from_millis(millis.into());
            lma.handle_input(*now, Input::Timeout);
        }
        Step::WaitLong(minutes) => {
            *now += Duration::from_secs(60 * u64::from(minutes));
            lma.handle_input(*now, Input::Timeout);
        }
        Step::Timeout => lma.handle_input(*now, Input::Timeout),
        Step::SetClock(millis) => {
            let anchor = ClockAnchor {
                instant: *now,
                unix: shifted(UNIX, millis),
            };
            lma.handle_input(*now, Input::ClockStep(anchor));
        }
        Step::Clear(node) => {
            let nai = nai(node);
            lma.handle_input(*now, Input::Command(Command::ClearBinding { nai }));
        }
    }
}

fn drain(lma: &mut Lma, now: Instant) {
    for _ in 0..OUTPUTS {
        match lma.poll_output() {
            Output::Transmit(transmit) => {
                engine::check_transmit(&transmit);
            }
            Output::Timeout(at) => return engine::check_timeout(at, now),
            Output::Event(_) | _ => {}
        }
    }
    panic!("more than {OUTPUTS} outputs for one input");
}

impl Registration {
    fn message(&self, now: Instant) -> Message {
        let mut flags = BindingUpdateFlags::ACKNOWLEDGE
            | BindingUpdateFlags::HOME_REGISTRATION
            | BindingUpdateFlags::PROXY;
        flags.set(BindingUpdateFlags::FORCE_UDP, self.force_udp);
        let lifetime = self.lifetime.map_or(Lifetime::ZERO, Lifetime::from_units);
        Message::BindingUpdate(BindingUpdate {
            sequence: SequenceNumber(self.sequence),
            flags,
            lifetime,
            options: self.options(now),
        })
    }

    fn options(&self, now: Instant) -> MobilityOptions {
        let node = MobileNodeIdentifier::nai(&nai(self.node)).expect("a short name");
        let mut list: Vec<MobilityOption> = vec![
            node.into(),
            self.handoff.into(),
            AccessTechnologyType::Virtual.into(),
            LinkLayerIdentifier::mac([2, 0, 0, 0, 0, self.node % 8]).into(),
        ];
        list.extend(self.home_prefix.map(MobilityOption::from));
        list.extend(self.ipv4.map(MobilityOption::from));
        list.extend(self.timestamp.map(|millis| {
            let unix = UNIX + now.saturating_since(START);
            MobilityOption::from(Timestamp::from_unix(shifted(unix, millis)))
        }));
        list.extend(self.delegated.iter().copied().map(MobilityOption::from));
        if self.multipath {
            let binding = MagMultipathBinding {
                access_technology: AccessTechnologyType::Ethernet,
                label: self.binding_id,
                binding_id: self.binding_id,
                bulk: self.bulk,
                overwrite: self.overwrite,
            };
            let gateway = format!("mag{}@example.net", self.gateway % 3);
            list.push(binding.into());
            list.push(MagIdentifier::nai(&gateway).expect("a short name").into());
        }
        list.extend(self.extra.iter().cloned());
        let mut options = MobilityOptions::new();
        for option in list {
            if options.push(option).is_err() {
                break;
            }
        }
        options
    }
}

/// Few names, one of which has no profile.
fn nai(node: u8) -> String {
    match node % 8 {
        7 => "stranger@example.org".into(),
        node => format!("node{node}@example.net"),
    }
}

fn shifted(unix: Duration, millis: i16) -> Duration {
    let span = Duration::from_millis(millis.unsigned_abs().into());
    if millis < 0 { unix - span } else { unix + span }
}

/// An anchor with small pools, so that they run dry.
fn anchor() -> Lma {
    let mut network = Network::new("net");
    let (first, last) = (Ipv4Addr::new(10, 0, 0, 2), Ipv4Addr::new(10, 0, 0, 5));
    network.ipv4_pool = Some(Ipv4Pool::new(first, last, 24));
    let block = |text: &str| text.parse().expect("a prefix");
    network.ipv6_pool = Some(Ipv6Pool::new(block("2001:db8:7::/62"), 64));
    network.mobile_network_pools = vec![
        MobileNetworkPool::new(block("10.1.0.0/22"), 24),
        MobileNetworkPool::new(block("2001:db8:9::/54"), 56),
    ];
    let mut config = LmaConfig::new("lma");
    config.ipv4_address = Some(LMA_V4);
    config.ipv6_address = Some(LMA_V6);
    config.dynamic_mag_learning = true;
    config.multipath = true;
    config.networks = vec![network];
    config.profiles = vec![Profile::new("@example.net", "net")];
    config.limits.bindings = MOST_BINDINGS;
    config.limits.paths_per_binding = 3;
    let clock = ClockAnchor {
        instant: START,
        unix: UNIX,
    };
    Lma::new(config, [7; 32], clock, START).expect("a right configuration")
}
