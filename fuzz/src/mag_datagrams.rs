//! Hostile datagrams, failing links and time jumps for a gateway: no panic, and what is no message
//! never touches a binding.

use std::net::Ipv4Addr;
use std::time::Duration;

use arbitrary::{Arbitrary, Unstructured};
use pmip_binding::config::{
    LmaPeer, LogicalMobileNode, MobileNetwork, PrefixRequest, RoamingInterface,
};
use pmip_binding::{
    Attachment, ClockAnchor, Command, Datagram, Input, InterfaceChange, InterfaceState, Mag,
    MagConfig, MobileNode, Output, Transmit,
};
use pmip_wire::types::Instant;
use pmip_wire::{
    BindingAckFlags, BindingAcknowledgement, HomeNetworkPrefix, Ipv4HomeAddressReply,
    Ipv4HomeAddressStatus, Lifetime, Message, MobilityOption, MobilityOptions, OptionType, Status,
};

use crate::engine::{self, LMA_V4, LMA_V6, OUTPUTS, Sender};

const START: Instant = Instant::from_secs(1_000);
const UNIX: Duration = Duration::from_secs(1_700_000_000);

/// One thing that happens to the gateway.
#[derive(Debug, Arbitrary)]
enum Step {
    Raw(Sender, Vec<u8>),
    Message(Sender, Box<Message>),
    /// The anchor answers what was sent last.
    Answer(Answer),
    Up(u8, u8),
    Down(u8),
    Attach(u8, u8),
    Detach(u8),
    Wait(u16),
    /// Minutes; a whole input stays far from the end of time.
    WaitLong(u16),
    SetClock(u32),
    Clear(u8),
}

/// How the anchor answers a registration.
#[derive(Debug, Arbitrary)]
struct Answer {
    status: Option<Status>,
    lifetime: Option<u16>,
    keep_options: bool,
    keep_sequence: bool,
    extra: Vec<MobilityOption>,
}

/// Drives a gateway by the steps that `data` stands for.
pub fn run(data: &[u8]) {
    let mut octets = Unstructured::new(data);
    let mut mag = gateway();
    let mut now = START;
    let mut last = None;
    while !octets.is_empty() {
        let Ok(step) = octets.arbitrary::<Step>() else {
            return;
        };
        apply(&mut mag, &mut now, &last, step);
        drain(&mut mag, now, &mut last);
        assert!(
            mag.bindings(now).count() <= 8,
            "more bindings than configured"
        );
    }
}

fn apply(mag: &mut Mag, now: &mut Instant, last: &Option<Transmit>, step: Step) {
    let input = match step {
        Step::Raw(sender, octets) => return raw(mag, *now, sender.raw(octets, true)),
        Step::Message(sender, message) => Input::Signalling(sender.datagram(&message, true)),
        Step::Answer(answer) => match last.as_ref().and_then(|sent| answer.to(sent)) {
            Some(datagram) => Input::Signalling(datagram),
            None => return,
        },
        Step::Up(interface, host) => Input::Interface(InterfaceChange {
            binding_id: interface % 4,
            state: InterfaceState::Up(engine::care_of_v4(host).into()),
        }),
        Step::Down(interface) => Input::Interface(InterfaceChange {
            binding_id: interface % 4,
            state: InterfaceState::Down,
        }),
        Step::Attach(node, handoff) => {
            let mut node = MobileNode::new(nai(node));
            node.handoff_indicator = handoff;
            Input::Attachment(Attachment::Attach(node))
        }
        Step::Detach(node) => Input::Attachment(Attachment::Detach { nai: nai(node) }),
        Step::Wait(millis) => {
            *now += Duration::from_millis(millis.into());
            Input::Timeout
        }
        Step::WaitLong(minutes) => {
            *now += Duration::from_secs(60 * u64::from(minutes));
            Input::Timeout
        }
        Step::SetClock(secs) => Input::ClockStep(ClockAnchor {
            instant: *now,
            unix: Duration::from_secs(secs.into()),
        }),
        Step::Clear(node) => Input::Command(Command::ClearBinding { nai: nai(node) }),
    };
    mag.handle_input(*now, input);
}

fn raw(mag: &mut Mag, now: Instant, datagram: Datagram) {
    let harmless = !engine::is_message(&datagram);
    mag.handle_input(now, Input::Timeout);
    let before: Vec<_> = mag.bindings(now).collect();
    mag.handle_input(now, Input::Signalling(datagram));
    if harmless {
        let after: Vec<_> = mag.bindings(now).collect();
        assert_eq!(
            before, after,
            "octets that are no message changed a binding"
        );
    }
}

fn drain(mag: &mut Mag, now: Instant, last: &mut Option<Transmit>) {
    for _ in 0..OUTPUTS {
        match mag.poll_output() {
            Output::Transmit(transmit) => {
                if let Message::BindingUpdate(_) = engine::check_transmit(&transmit) {
                    *last = Some(transmit);
                }
            }
            Output::Timeout(at) => return engine::check_timeout(at, now),
            Output::Event(_) | _ => {}
        }
    }
    panic!("more than {OUTPUTS} outputs for one input");
}

impl Answer {
    fn to(&self, sent: &Transmit) -> Option<Datagram> {
        let Message::BindingUpdate(update) = engine::check_transmit(sent) else {
            return None;
        };
        let mut options = MobilityOptions::new();
        let asked = update
            .options
            .iter()
            .filter_map(|option| granted(&option.to_bytes()));
        let kept = asked.filter(|_| self.keep_options);
        for option in kept.chain(self.extra.iter().cloned()) {
            options.push(option).ok()?;
        }
        let mut sequence = update.sequence;
        if !self.keep_sequence {
            sequence = sequence.next();
        }
        let ack = Message::BindingAcknowledgement(BindingAcknowledgement {
            status: self.status.unwrap_or(Status::Accepted),
            flags: BindingAckFlags::PROXY,
            sequence,
            lifetime: self.lifetime.map_or(update.lifetime, Lifetime::from_units),
            options,
        });
        Some(engine::answer(sent, &ack))
    }
}

/// What an anchor makes of an option of a request: it grants, echoes, and never returns the MAG
/// identifier (RFC 8278 section 4.2).
fn granted(option: &MobilityOption) -> Option<MobilityOption> {
    if let MobilityOption::HomeNetworkPrefix(prefix) = option
        && prefix.is_all_zero()
    {
        let prefix = "2001:db8:7::".parse().ok()?;
        return Some(HomeNetworkPrefix::new(prefix, 64).ok()?.into());
    }
    if let MobilityOption::Ipv4HomeAddressRequest(_) = option {
        let (status, address) = (Ipv4HomeAddressStatus::Success, Ipv4Addr::new(10, 0, 0, 2));
        return Some(Ipv4HomeAddressReply::new(status, address, 24).ok()?.into());
    }
    let returned = option.option_type() != OptionType::MagIdentifier;
    returned.then(|| option.clone())
}

fn nai(node: u8) -> String {
    format!("node{}@example.net", node % 4)
}

fn gateway() -> Mag {
    let mut lma = LmaPeer::new("lma");
    lma.ipv4_address = Some(LMA_V4);
    lma.ipv6_address = Some(LMA_V6);
    let mut node = LogicalMobileNode::new("lmn@example.net", [2, 0, 0, 0, 0, 9]);
    let asked = vec![PrefixRequest::LearnIpv4, PrefixRequest::LearnIpv6];
    node.mobile_networks = vec![MobileNetwork::new("eth9", asked)];
    let mut config = MagConfig::new("mag1@example.net");
    config.lmas = vec![lma];
    config.multipath = true;
    config.roaming_interfaces = vec![
        RoamingInterface::new("wan1", 1, 3),
        RoamingInterface::new("wan2", 2, 8),
    ];
    config.logical_mobile_nodes = vec![node];
    config.maximum_bindings = 8;
    let clock = ClockAnchor {
        instant: START,
        unix: UNIX,
    };
    Mag::new(config, [7; 32], clock, START).expect("a right configuration")
}
