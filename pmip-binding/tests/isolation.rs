//! Two customers whose gateways have one address, behind one transport: what a gateway of one says
//! is nothing to the other, even without keys (feature semantics section 2.6).
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at what it did not expect"
)]

mod common;

use std::net::Ipv4Addr;

use bytes::Bytes;
use common::{Bench, Pbu, datagram, sent_to};
use pmip_binding::config::{Customer, Ipv4Pool, Network};
use pmip_binding::testing::{address, control, lma_config};
use pmip_binding::{
    Command, Event, Input, LmaConfig, NotificationEvent, Notified, Notify, RevocationEvent,
};
use pmip_wire::{
    BindingError, BindingRevocationFlags, BindingRevocationIndication, BindingRevocationStatus,
    ChecksumContext, Ipv4HomeAddressRequest, Message, MobileNodeIdentifier, MobilityOptions,
    NotificationReason, OptionType, RevocationTrigger, SequenceNumber, UpdateNotification,
    UpdateNotificationAcknowledgement, UpdateNotificationStatus,
};

const MN: &str = "mn@example.com";
const RED: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
const GREEN: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 3);

/// `red` and `green`, each with a VRF for its traffic, and with these for its signalling.
fn config(transports: [&str; 2]) -> LmaConfig {
    let mut config = lma_config();
    config.vrfs = ["blue", "grey", "red", "green"].map(str::to_owned).to_vec();
    let mut network = Network::new("tenants");
    let (first, last) = (Ipv4Addr::new(10, 9, 0, 2), Ipv4Addr::new(10, 9, 0, 9));
    network.ipv4_pool = Some(Ipv4Pool::new(first, last, 24));
    config.networks.push(network);
    for (name, (address, transport)) in ["red", "green"]
        .into_iter()
        .zip([(RED, transports[0]), (GREEN, transports[1])])
    {
        let mut customer = Customer::new(name);
        customer.vrf = Some(name.to_owned());
        customer.transport_vrf = Some(transport.to_owned());
        customer.ipv4_address = Some(address);
        customer.networks = vec!["tenants".to_owned()];
        config.customers.push(customer);
    }
    config
}

/// Where the gateways of a customer signal to.
#[derive(Clone, Copy)]
struct Side(u16, Ipv4Addr);

/// One mobile node of each customer, over gateways of one name and address.
fn two(red: Side, green: Side) -> Bench {
    let name = |side: Side| if side.0 == 1 { "blue" } else { "grey" };
    let mut bench = Bench::new(config([name(red), name(green)]));
    for side in [red, green] {
        let pbu = Pbu::new(MN, 1)
            .without(OptionType::HomeNetworkPrefix)
            .with(Ipv4HomeAddressRequest::ALL_ZERO)
            .multipath("mag9", 1);
        let asked = sent_to(pbu.datagram(), side.0, side.1.into());
        bench.give(Input::Signalling(asked));
    }
    assert_eq!(customers(&bench), ["red", "green"]);
    bench
}

/// Behind one transport, and behind two where addresses repeat.
fn worlds() -> [(Side, Side); 2] {
    [
        (Side(1, RED), Side(1, GREEN)),
        (Side(1, RED), Side(2, GREEN)),
    ]
}

fn customers(bench: &Bench) -> Vec<String> {
    let all = bench.lma.bindings(bench.now);
    all.map(|binding| binding.customer.unwrap()).collect()
}

/// From the address that both gateways have.
fn say(bench: &mut Bench, side: Side, message: &Message) -> Vec<Bytes> {
    let payload = message.to_bytes(ChecksumContext::Udp);
    let said = datagram(control(address(9, 1)), payload);
    bench.give(Input::Signalling(sent_to(said, side.0, side.1.into())))
}

fn revocation(sequence: u16) -> Message {
    let options = MobilityOptions::new().with(MobileNodeIdentifier::nai(MN).unwrap());
    Message::BindingRevocationIndication(BindingRevocationIndication {
        sequence: SequenceNumber(sequence),
        trigger: RevocationTrigger::AdministrativeReason,
        flags: BindingRevocationFlags::PROXY,
        options: options.unwrap(),
    })
}

#[test]
fn a_gateway_revokes_what_is_its_own_customers() {
    for (red, green) in worlds() {
        let mut bench = two(red, green);
        say(&mut bench, green, &revocation(7));
        assert_eq!(customers(&bench), ["red"]);
    }
}

#[test]
fn equal_revocations_of_two_gateways_are_two() {
    for (red, green) in worlds() {
        let mut bench = two(red, green);
        say(&mut bench, green, &revocation(7));
        say(&mut bench, red, &revocation(7));
        assert!(customers(&bench).is_empty(), "{:?}", customers(&bench));
        let done = bench.events.iter().filter(|event| {
            matches!(
                event,
                Event::Revocation(RevocationEvent::Received {
                    status: BindingRevocationStatus::Success,
                    ..
                })
            )
        });
        assert_eq!(done.count(), 2);
    }
}

/// Notifies the mobile node of both; gives the numbers that the gateways are asked with.
fn notify(bench: &mut Bench) -> Vec<UpdateNotification> {
    notify_whom(bench, Notified::MobileNode { nai: MN.into() })
}

fn notify_whom(bench: &mut Bench, who: Notified) -> Vec<UpdateNotification> {
    let notify = Notify::new(who, NotificationReason::ForceReregistration, true);
    let sent = bench.give(Input::Command(Command::Notify(notify)));
    let asked = sent.iter().filter_map(|octets| {
        match Message::decode(octets, ChecksumContext::Udp).unwrap() {
            Message::UpdateNotification(notification) => Some(notification),
            _ => None,
        }
    });
    asked.collect()
}

fn answer(asked: &UpdateNotification) -> Message {
    Message::UpdateNotificationAcknowledgement(UpdateNotificationAcknowledgement {
        sequence: asked.sequence,
        status: UpdateNotificationStatus::Success,
        options: asked.options.clone(),
    })
}

fn answered(bench: &Bench) -> usize {
    let events = bench.events.iter();
    let answers = events.filter(|event| {
        matches!(
            event,
            Event::Notification(NotificationEvent::Answered { .. })
        )
    });
    answers.count()
}

#[test]
fn nobody_answers_a_notification_for_the_other() {
    for (red, green) in worlds() {
        let mut bench = two(red, green);
        let asked = notify(&mut bench);
        let [first, second] = &asked[..] else {
            panic!("{asked:?}")
        };
        say(&mut bench, green, &answer(first));
        assert_eq!(answered(&bench), 0, "it was red that was asked");
        say(&mut bench, red, &answer(first));
        say(&mut bench, green, &answer(second));
        assert_eq!(answered(&bench), 2);
    }
}

#[test]
fn nobody_refuses_notifications_for_the_other() {
    for (red, green) in worlds() {
        let mut bench = two(red, green);
        let asked = notify(&mut bench);
        let refusal = Message::BindingError(BindingError::unrecognized_mh_type());
        say(&mut bench, green, &refusal);
        say(&mut bench, red, &answer(&asked[0]));
        assert_eq!(answered(&bench), 1, "only green gave up");
    }
}

#[test]
fn nobody_ends_a_revocation_of_the_other() {
    for (red, green) in worlds() {
        let mut bench = two(red, green);
        let nai = MN.to_owned();
        bench.give(Input::Command(Command::ClearBinding { nai }));
        let refusal = Message::BindingError(BindingError::unrecognized_mh_type());
        say(&mut bench, green, &refusal);
        assert_eq!(
            customers(&bench),
            ["red"],
            "which still waits for an answer"
        );
    }
}

#[test]
fn an_operators_notification_reaches_every_gateway_of_that_name() {
    for (red, green) in worlds() {
        let mut bench = two(red, green);
        let who = Notified::Peer {
            peer: "mag9".into(),
        };
        assert_eq!(notify_whom(&mut bench, who).len(), 2);
    }
}
