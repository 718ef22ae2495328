//! What stands in update notifications and their answers (RFC 7077 sections 4 to 6).
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at what it did not expect"
)]

mod common;
mod gateway;

use bytes::Bytes;
use common::messages::notification;
use common::{Bench, Pbu, SECOND};
use gateway::{Gateway, plain_config};
use pmip_binding::testing::{LMA_ADDRESS, address, control, lma_config};
use pmip_binding::{
    Carrier, Command, Datagram, DropReason, Event, Input, NotificationEvent, Notified, Notify,
    Output, Transmit,
};
use pmip_wire::{
    ChecksumContext, Message, MobileNodeGroupIdentifier, MobileNodeIdentifier, MobilityOption,
    MobilityOptions, NotificationReason as Reason, OptionType, SequenceNumber, UpdateNotification,
    UpdateNotificationAcknowledgement, UpdateNotificationFlags as Flags,
    UpdateNotificationStatus as Status,
};

const MN: &str = "a@example.com";

fn one() -> Notified {
    Notified::MobileNode { nai: MN.into() }
}

fn bench() -> Bench {
    let mut config = lma_config();
    config.heartbeat.rules.clear();
    let mut bench = Bench::new(config);
    assert_eq!(bench.status(&Pbu::new(MN, 1)).code(), 0);
    bench
}

fn notifications(sent: &[Bytes]) -> Vec<UpdateNotification> {
    let sent = sent.iter();
    sent.filter_map(
        |octets| match Message::decode(octets, ChecksumContext::Udp).unwrap() {
            Message::UpdateNotification(notification) => Some(notification),
            _ => None,
        },
    )
    .collect()
}

fn notify(bench: &mut Bench, notify: Notify) -> UpdateNotification {
    let sent = bench.give(Input::Command(Command::Notify(notify)));
    notifications(&sent).remove(0)
}

#[test]
fn flag_a_is_set_when_an_answer_is_asked_for_and_numbers_go_up() {
    let mut bench = bench();
    let mut asking = |acknowledge| {
        let reason = Reason::UpdateSessionParameters;
        notify(&mut bench, Notify::new(one(), reason, acknowledge))
    };
    let (first, second) = (asking(true), asking(false));
    let third = asking(true);
    assert_eq!(first.flags, Flags::ACKNOWLEDGEMENT_REQUESTED);
    assert_eq!(second.flags, Flags::empty());
    assert_eq!(first.reason, Reason::UpdateSessionParameters);
    let identifier = first.options.mn_identifier().unwrap();
    assert_eq!(*identifier.identifier(), MN.as_bytes());
    let numbers = [first, second, third].map(|one| one.sequence.0);
    let next = |number: u16| number.wrapping_add(1);
    assert_eq!(
        numbers,
        [numbers[0], next(numbers[0]), next(next(numbers[0]))]
    );
    let plain = Notify::reregister(one());
    assert!(!plain.acknowledge, "RECOMMENDED for this reason");
}

/// The first thing that leaves, with its addresses.
fn first_sent(bench: &mut Bench, what: Notify) -> Transmit {
    let command = Input::Command(Command::Notify(what));
    bench.lma.handle_input(bench.now, command);
    loop {
        match bench.lma.poll_output() {
            Output::Transmit(transmit) => return transmit,
            Output::Timeout(_) => panic!("nothing sent"),
            _ => {}
        }
    }
}

#[test]
fn it_goes_from_the_anchors_address_to_the_gateways() {
    let mut bench = bench();
    let what = Notify::new(one(), Reason::ForceReregistration, true);
    let sent = first_sent(&mut bench, what);
    assert_eq!(sent.source, control(LMA_ADDRESS.into()));
    assert_eq!(sent.destination, control(address(9, 1)));
}

#[test]
fn over_ipv6_it_goes_the_same_way() {
    let mut config = lma_config();
    let ours: std::net::Ipv6Addr = "2001:db8::1".parse().unwrap();
    let theirs: std::net::Ipv6Addr = "2001:db8:a::1".parse().unwrap();
    config.ipv6_address = Some(ours);
    config.heartbeat.rules.clear();
    let mut bench = Bench::new(config);
    let mut pbu = Pbu::new(MN, 1).from(theirs.into());
    pbu.force_udp = false;
    let mut datagram = pbu.datagram();
    let message = Message::decode(&datagram.payload, ChecksumContext::Udp).unwrap();
    datagram.carrier = Carrier::Ipv6;
    datagram.destination.set_ip(ours.into());
    datagram.payload = message.to_bytes(ChecksumContext::Ipv6 {
        source: theirs,
        destination: ours,
    });
    bench.give(Input::Signalling(datagram));
    let sent = first_sent(&mut bench, Notify::reregister(one()));
    assert_eq!(sent.carrier, Carrier::Ipv6);
    assert_eq!(sent.source.ip(), std::net::IpAddr::from(ours));
    assert_eq!(sent.destination.ip(), std::net::IpAddr::from(theirs));
}

fn answer(bench: &mut Bench, sequence: u16, status: u8) {
    let answer = UpdateNotificationAcknowledgement {
        sequence: SequenceNumber(sequence),
        status: Status::from_code(status),
        options: MobilityOptions::new(),
    };
    let answer = Message::UpdateNotificationAcknowledgement(answer);
    let payload = answer.to_bytes(ChecksumContext::Udp);
    let datagram = common::datagram(control(address(9, 1)), payload);
    bench.give(Input::Signalling(datagram));
}

fn heard(bench: &Bench) -> Vec<u8> {
    let events = bench.events.iter().filter_map(|event| match event {
        Event::Notification(NotificationEvent::Answered { status, .. }) => Some(status.code()),
        _ => None,
    });
    events.collect()
}

#[test]
fn an_answer_counts_by_its_number_also_where_none_was_asked_for() {
    for acknowledge in [true, false] {
        for status in [0, 128] {
            let mut bench = bench();
            let what = Notify::new(one(), Reason::ForceReregistration, acknowledge);
            let sent = notify(&mut bench, what).sequence.0;
            answer(&mut bench, sent.wrapping_add(1), status);
            assert_eq!(heard(&bench), []);
            answer(&mut bench, sent, status);
            assert_eq!(heard(&bench), [status], "told, failure or not");
            bench.now += 5 * SECOND;
            let later = bench.give(Input::Timeout);
            assert_eq!(notifications(&later), [], "answered");
        }
    }
}

// The gateway.

fn told(gateway: &mut Gateway, reason: Reason, flags: Flags, options: Vec<MobilityOption>) {
    gateway.receive(&notification(99, reason, flags, options));
}

/// Asks for a registration and for an answer.
fn reregistration() -> Message {
    let (reason, flags) = (
        Reason::ForceReregistration,
        Flags::ACKNOWLEDGEMENT_REQUESTED,
    );
    notification(5, reason, flags, vec![mn()])
}

fn answers(gateway: &Gateway) -> Vec<UpdateNotificationAcknowledgement> {
    let sent = gateway.sent.iter();
    sent.filter_map(
        |octets| match Message::decode(octets, ChecksumContext::Udp).unwrap() {
            Message::UpdateNotificationAcknowledgement(answer) => Some(answer),
            _ => None,
        },
    )
    .collect()
}

fn registered() -> Gateway {
    let mut gateway = Gateway::new(plain_config());
    gateway.answer(0, []);
    gateway
}

fn mn() -> MobilityOption {
    MobileNodeIdentifier::nai("lmn1@example.com")
        .unwrap()
        .into()
}

#[test]
fn an_answer_has_the_number_the_name_and_the_outcome() {
    let group = MobilityOption::from(MobileNodeGroupIdentifier::ALL_SESSIONS);
    for (who, option_type) in [
        (mn(), OptionType::MobileNodeIdentifier),
        (group, OptionType::MobileNodeGroupIdentifier),
    ] {
        let mut gateway = registered();
        let asks = Flags::ACKNOWLEDGEMENT_REQUESTED;
        told(
            &mut gateway,
            Reason::ForceReregistration,
            asks,
            vec![who.clone()],
        );
        let [answer] = &answers(&gateway)[..] else {
            panic!("one answer")
        };
        assert_eq!(answer.sequence.0, 99);
        assert_eq!(answer.status, Status::Success);
        let copied = answer
            .options
            .iter()
            .find(|o| o.option_type() == option_type);
        assert_eq!(copied.map(|copied| copied.to_bytes()), Some(who.clone()));
    }
}

#[test]
fn access_network_parameters_that_are_asked_for_come_with_an_update() {
    let ssid = pmip_wire::NetworkIdentifier::utf8("cafe").with_access_point("ap-7");
    let ssid = pmip_wire::AniSubOption::NetworkIdentifier(ssid);
    let network = pmip_wire::AccessNetworkIdentifier::new(ssid).unwrap();
    let mut config = plain_config();
    config.access_network = Some(network.clone());
    let mut gateway = Gateway::new(config);
    gateway.answer(0, []);
    let before = gateway.updates().len();
    told(
        &mut gateway,
        Reason::AniParamsRequested,
        Flags::empty(),
        vec![mn()],
    );
    assert_eq!(gateway.updates().len(), before + 1);
    let update = gateway.last_update();
    let told = update.options.access_network_identifier();
    assert_eq!(told.map(|told| told.to_bytes()), Some(network));
}

#[test]
fn a_repeated_request_is_answered_again_and_done_once() {
    let mut gateway = registered();
    let asks = Flags::ACKNOWLEDGEMENT_REQUESTED;
    let before = gateway.updates().len();
    told(&mut gateway, Reason::ForceReregistration, asks, vec![mn()]);
    told(
        &mut gateway,
        Reason::ForceReregistration,
        asks | Flags::RETRANSMIT,
        vec![mn()],
    );
    assert_eq!(answers(&gateway).len(), 2);
    assert_eq!(gateway.updates().len(), before + 1);
}

#[test]
fn a_retransmission_whose_first_was_lost_is_a_request() {
    let mut gateway = registered();
    let before = gateway.updates().len();
    let flags = Flags::ACKNOWLEDGEMENT_REQUESTED | Flags::RETRANSMIT;
    told(&mut gateway, Reason::ForceReregistration, flags, vec![mn()]);
    assert_eq!(gateway.updates().len(), before + 1);
    assert_eq!(answers(&gateway)[0].status, Status::Success);
}

#[test]
fn without_flag_a_nothing_is_answered_and_a_failure_is_told_to_the_program() {
    for (reason, status) in [
        (Reason::UpdateSessionParameters, 128),
        (Reason::VendorSpecificReason, 129),
    ] {
        let mut gateway = registered();
        let before = gateway.sent.len();
        told(&mut gateway, reason, Flags::empty(), vec![mn()]);
        assert_eq!(gateway.sent.len(), before);
        let heard = gateway.events.iter().find_map(|event| match event {
            Event::Notification(NotificationEvent::Received { status, .. }) => Some(status.code()),
            _ => None,
        });
        assert_eq!(heard, Some(status));
        told(
            &mut gateway,
            reason,
            Flags::ACKNOWLEDGEMENT_REQUESTED,
            vec![mn()],
        );
        assert_eq!(answers(&gateway).last().unwrap().status.code(), status);
    }
}

#[test]
fn an_answer_goes_back_where_the_request_came_from() {
    let mut gateway = registered();
    let message = reregistration();
    let (ours, theirs) = (control(address(1, 1)), control(LMA_ADDRESS.into()));
    let datagram = Datagram {
        vrf: pmip_binding::VrfId::DEFAULT,
        carrier: Carrier::Udp,
        source: theirs,
        destination: ours,
        payload: message.to_bytes(ChecksumContext::Udp),
    };
    gateway
        .mag
        .handle_input(gateway.now, Input::Signalling(datagram));
    let sent = loop {
        match gateway.mag.poll_output() {
            Output::Transmit(transmit) if transmit.payload[2] == 20 => break transmit,
            Output::Timeout(_) => panic!("no answer"),
            _ => {}
        }
    };
    assert_eq!((sent.source, sent.destination), (ours, theirs));
}

#[test]
fn damaged_messages_are_not_looked_at() {
    let mut gateway = registered();
    let message = reregistration();
    let before = gateway.sent.len();
    let mut octets = message.to_bytes(ChecksumContext::Udp).to_vec();
    octets[1] = 200;
    gateway.receive_octets(octets.into());
    assert_eq!(gateway.sent.len(), before);
    let dropped = &gateway.mag.stats().dropped;
    assert_eq!(dropped.get(&DropReason::Malformed), Some(&1), "{dropped:?}");
}
