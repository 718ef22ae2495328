//! Revocations, notifications and their answers count only from who may send them.

use std::net::IpAddr;

use bytes::Bytes;
use pmip_binding::config::MagPeer;
use pmip_binding::testing::{LMA_ADDRESS, Node, Taped, World, address, control};
use pmip_binding::{
    BindingState, Carrier, Command, DropReason, Event, Input, NotificationEvent, Notified, Notify,
    Output, RevocationEvent, Revoke,
};
use pmip_wire::types::Encapsulation;
use pmip_wire::{
    BindingError, BindingRevocationAcknowledgement, BindingRevocationFlags,
    BindingRevocationIndication, BindingRevocationStatus, ChecksumContext, Message,
    MobileNodeGroupIdentifier, MobileNodeIdentifier, MobilityHeader, MobilityOptions,
    NotificationReason, RevocationTrigger, SequenceNumber, UpdateNotificationAcknowledgement,
    UpdateNotificationFlags, UpdateNotificationStatus,
};

use super::{behind_nat, world};
use crate::common::messages::notification;
use crate::common::{Bench, Pbu, SECOND, datagram, uplink};
use crate::keys::{
    KEY, MN, OTHER, SPI, assert_forgeries_dropped, decode, dropped, exchange, give, protected,
    sign, signed, status, with_session,
};

#[test]
fn protected_ends_revoke_and_notify_each_other() {
    for transport in [
        Encapsulation::Ipv4Udp,
        Encapsulation::Ipv4,
        Encapsulation::Ipv6,
    ] {
        let mut world = world(2, transport);
        world.tape();
        let nai = || "lmn1@example.com".to_owned();
        let trigger = RevocationTrigger::AdministrativeReason;
        let path = Revoke::Path {
            nai: nai(),
            binding_id: 2,
            trigger,
        };
        world.command(Node::Lma, Command::Revoke(path.clone()));
        world.run_for(SECOND);
        assert_eq!(uplink(&world), [1], "the anchor revoked a path");
        let who = Notified::MobileNode { nai: nai() };
        let notify = Notify::new(who, NotificationReason::ForceReregistration, true);
        world.command(Node::Lma, Command::Notify(notify));
        world.run_for(60 * SECOND);
        assert_eq!(uplink(&world), [1, 2]);
        world.command(Node::Mag(0), Command::Revoke(path));
        world.run_for(SECOND);
        assert_eq!(uplink(&world), [1], "the gateway revoked it");
        world.command(Node::Lma, Command::ClearBindings);
        world.run_for(5 * SECOND);
        assert!(!uplink(&world).is_empty(), "it came again");
        let answers = world.events.iter().filter(|(_, _, event)| {
            matches!(
                event,
                Event::Revocation(RevocationEvent::Answered {
                    status: BindingRevocationStatus::Success,
                    ..
                }) | Event::Notification(NotificationEvent::Answered {
                    status: UpdateNotificationStatus::Success,
                    ..
                })
            )
        });
        assert_eq!(answers.count(), 4, "{}", world.tail());
        assert!(world.lma.stats().dropped.is_empty());
        assert!(world.mags[0].stats().dropped.is_empty());
        assert_all_protected(&mut world);
    }
}

/// Whatever an engine sent ends with the option.
fn assert_all_protected(world: &mut World) {
    let mut seen = 0;
    for (_, _, taped) in world.take_tape() {
        let Taped::Output(Output::Transmit(transmit)) = taped else {
            continue;
        };
        let context = match (
            transmit.carrier,
            transmit.source.ip(),
            transmit.destination.ip(),
        ) {
            (Carrier::Ipv6, IpAddr::V6(source), IpAddr::V6(destination)) => ChecksumContext::Ipv6 {
                source,
                destination,
            },
            _ => ChecksumContext::Udp,
        };
        let header = MobilityHeader::parse(&transmit.payload, context).unwrap();
        assert_eq!(pmip_wire::auth::spi(&header), Ok(Some(SPI)), "{transmit:?}");
        seen += 1;
    }
    assert!(seen > 0);
}

fn indication(trigger: RevocationTrigger) -> Message {
    let mut flags = BindingRevocationFlags::PROXY;
    let options = if trigger == RevocationTrigger::PerPeerPolicy {
        flags |= BindingRevocationFlags::GLOBAL;
        vec![MobileNodeIdentifier::nai("mag9").unwrap().into()]
    } else {
        vec![MobileNodeIdentifier::nai(MN).unwrap().into()]
    };
    Message::BindingRevocationIndication(BindingRevocationIndication {
        trigger,
        sequence: SequenceNumber(7),
        flags,
        options: MobilityOptions::try_from(options).unwrap(),
    })
}

fn revocation_answer(sequence: SequenceNumber) -> Message {
    Message::BindingRevocationAcknowledgement(BindingRevocationAcknowledgement {
        status: BindingRevocationStatus::Success,
        sequence,
        flags: BindingRevocationFlags::PROXY,
        options: MobilityOptions::new(),
    })
}

fn notification_answer(sequence: SequenceNumber) -> Message {
    Message::UpdateNotificationAcknowledgement(UpdateNotificationAcknowledgement {
        status: UpdateNotificationStatus::Success,
        sequence,
        options: MobilityOptions::new(),
    })
}

/// The number of the revocation or notification among what was sent.
fn asked(messages: &[Message]) -> SequenceNumber {
    let numbers = messages.iter().filter_map(|message| match message {
        Message::BindingRevocationIndication(indication) => Some(indication.sequence),
        Message::UpdateNotification(notification) => Some(notification.sequence),
        _ => None,
    });
    let numbers: Vec<SequenceNumber> = numbers.collect();
    assert_eq!(numbers.len(), 1, "{messages:?}");
    numbers[0]
}

fn ask() -> Input {
    let who = Notified::MobileNode { nai: MN.into() };
    let notify = Notify::new(who, NotificationReason::ForceReregistration, true);
    Input::Command(Command::Notify(notify))
}

#[test]
fn the_gateway_obeys_no_forged_revocation_or_notification() {
    let mut world = world(1, Encapsulation::Ipv4Udp);
    let group = MobileNodeGroupIdentifier::ALL_SESSIONS.into();
    let notification = notification(
        9,
        NotificationReason::ForceReregistration,
        UpdateNotificationFlags::ACKNOWLEDGEMENT_REQUESTED,
        vec![group],
    );
    let mut revocation = indication(RevocationTrigger::AdministrativeReason);
    if let Message::BindingRevocationIndication(indication) = &mut revocation {
        let mn = MobileNodeIdentifier::nai("lmn1@example.com").unwrap();
        indication.options = MobilityOptions::try_from(vec![mn.into()]).unwrap();
    }
    let tell = |world: &mut World, payload: Bytes| {
        let mut datagram = datagram(control(LMA_ADDRESS.into()), payload);
        datagram.destination = control(address(1, 1));
        world.input(Node::Mag(0), Input::Signalling(datagram));
    };
    let (updates, sent) = (
        world.mags[0].stats().binding_updates,
        world.mags[0].stats().sent,
    );
    for message in [&notification, &revocation] {
        tell(&mut world, message.to_bytes(ChecksumContext::Udp));
        tell(&mut world, sign(message, SPI, OTHER));
        tell(&mut world, sign(message, SPI + 1, KEY));
    }
    let stats = world.mags[0].stats();
    for reason in [
        DropReason::Unauthenticated,
        DropReason::AuthenticationFailed,
        DropReason::UnknownSpi,
    ] {
        assert_eq!(dropped(stats, reason), 2, "{reason:?}");
    }
    assert_eq!((stats.binding_updates, stats.sent), (updates, sent));
    assert_eq!(uplink(&world), [1]);
    tell(&mut world, sign(&notification, SPI, KEY));
    assert_eq!(world.mags[0].stats().binding_updates, updates + 1);
    tell(&mut world, sign(&revocation, SPI, KEY));
    assert!(world.mag_tables[0].sessions.is_empty());
}

/// Another gateway with a key of its own can't revoke either, not even what it names right.
#[test]
fn only_its_own_gateway_revokes_a_session() {
    for trigger in [
        RevocationTrigger::AdministrativeReason,
        RevocationTrigger::PerPeerPolicy,
    ] {
        let mut config = protected();
        config.revocation.accept_global = true;
        let mut bench = Bench::new(config);
        let registration = signed(&Pbu::new(MN, 1).multipath("mag9", 1), SPI, KEY);
        exchange(&mut bench, registration, SPI, KEY);
        let message = indication(trigger);
        assert_forgeries_dropped(&mut bench, &message);
        assert_eq!(bench.binding().state, BindingState::Active);
        let answers = exchange(&mut bench, sign(&message, SPI, KEY), SPI, KEY);
        assert!(
            matches!(&answers[..], [Message::BindingRevocationAcknowledgement(answer)]
                if answer.status == BindingRevocationStatus::Success),
            "{answers:?}"
        );
        assert_eq!(bench.lma.bindings(bench.now).count(), 0);
    }
}

#[test]
fn a_forged_answer_ends_no_revocation() {
    let mut bench = with_session();
    let clear = Input::Command(Command::ClearBindings);
    let sequence = asked(&give(&mut bench, clear, SPI, KEY));
    let answer = revocation_answer(sequence);
    assert_forgeries_dropped(&mut bench, &answer);
    let error = Message::BindingError(BindingError::unrecognized_mh_type());
    assert_forgeries_dropped(&mut bench, &error);
    assert_eq!(bench.binding().state, BindingState::Disconnecting);
    exchange(&mut bench, sign(&answer, SPI, KEY), SPI, KEY);
    assert_eq!(bench.lma.bindings(bench.now).count(), 0);
}

#[test]
fn a_forged_answer_ends_no_notification() {
    let mut bench = with_session();
    let sequence = asked(&give(&mut bench, ask(), SPI, KEY));
    let answer = notification_answer(sequence);
    assert_forgeries_dropped(&mut bench, &answer);
    let error = Message::BindingError(BindingError::unrecognized_mh_type());
    assert_forgeries_dropped(&mut bench, &error);
    let told = |bench: &Bench| {
        let mut events = bench.events.iter();
        events.any(|event| matches!(event, Event::Notification(_)))
    };
    assert!(!told(&bench));
    exchange(&mut bench, sign(&answer, SPI, KEY), SPI, KEY);
    assert!(told(&bench));
}

/// After a handoff the old gateway has no path any more; whoever it is shows by what it answers.
#[test]
fn an_old_gateway_answers_by_its_own_key_or_without_one() {
    // The old gateway, its key and a key that is not its own.
    for (name, own, foreign) in [
        ("mag9", Some((SPI, KEY)), Some((SPI + 1, OTHER))),
        ("mag5", None, Some((SPI, KEY))),
    ] {
        let mut config = protected();
        config.peers.push(MagPeer::new("mag5"));
        let mut bench = Bench::new(config);
        let seal = |message: &Message, key: Option<(u32, [u8; 16])>| match key {
            Some((spi, key)) => sign(message, spi, key),
            None => message.to_bytes(ChecksumContext::Udp),
        };
        let old = Pbu::new(MN, 1).multipath(name, 1).with(bench.timestamp());
        bench.give(Input::Signalling(datagram(
            old.source,
            seal(&decode(&old.datagram().payload), own),
        )));
        assert_eq!(bench.binding().peer, name);
        bench.now += SECOND / 100;
        let new = Pbu::new(MN, 1)
            .multipath("mag8", 1)
            .handoff(3)
            .with(bench.timestamp());
        let from = control(address(8, 1));
        let sent = bench.give(Input::Signalling(datagram(
            from,
            signed(&new, SPI + 1, OTHER),
        )));
        assert_eq!(bench.binding().peer, "mag8");
        let notice = sent.iter().find(|payload| payload[2] == 16).unwrap();
        let header = MobilityHeader::parse(notice, ChecksumContext::Udp).unwrap();
        let spi = own.map(|(spi, _)| spi);
        assert_eq!(pmip_wire::auth::spi(&header), Ok(spi), "under its own key");
        let answer = revocation_answer(asked(&[decode(notice)]));
        let told = |bench: &Bench| {
            let mut events = bench.events.iter();
            events.any(|event| matches!(event, Event::Revocation(RevocationEvent::Answered { .. })))
        };
        bench.give(Input::Signalling(datagram(
            old.source,
            seal(&answer, foreign),
        )));
        let foreign = dropped(bench.lma.stats(), DropReason::KeyOfAnotherPeer);
        assert_eq!((foreign, told(&bench)), (1, false), "{name}");
        bench.give(Input::Signalling(datagram(old.source, seal(&answer, own))));
        assert!(told(&bench), "{name}");
    }
}

/// Two gateways that are seen at one address are told apart by their keys.
#[test]
fn behind_one_address_each_gateway_speaks_for_itself() {
    let mut bench = with_session();
    let other = "mn2@example.com";
    let registration = signed(&behind_nat(other), SPI + 1, OTHER);
    let answers = exchange(&mut bench, registration, SPI + 1, OTHER);
    assert_eq!(status(&answers), Some(0));
    let sequence = asked(&give(&mut bench, ask(), SPI, KEY));
    for message in [
        Message::BindingError(BindingError::unrecognized_mh_type()),
        notification_answer(sequence),
        indication(RevocationTrigger::AdministrativeReason),
    ] {
        exchange(&mut bench, sign(&message, SPI + 1, OTHER), SPI + 1, OTHER);
    }
    let mut told = bench.events.iter();
    assert!(!told.any(|event| matches!(event, Event::Notification(_))));
    let received = bench.events.iter().find_map(|event| match event {
        Event::Revocation(RevocationEvent::Received { peer, status, .. }) => Some((peer, *status)),
        _ => None,
    });
    let nothing = BindingRevocationStatus::BindingDoesNotExist;
    assert_eq!(received, Some((&"mag8".to_owned(), nothing)));
    assert_eq!(bench.lma.bindings(bench.now).count(), 2);
    // No more is a revocation of the first one's ended by the second one.
    let nai = MN.to_owned();
    let trigger = RevocationTrigger::AdministrativeReason;
    let revoke = Input::Command(Command::Revoke(Revoke::MobileNode { nai, trigger }));
    let sequence = asked(&give(&mut bench, revoke, SPI, KEY));
    let error = Message::BindingError(BindingError::unrecognized_mh_type());
    let answer = revocation_answer(sequence);
    for message in [&error, &answer] {
        exchange(&mut bench, sign(message, SPI + 1, OTHER), SPI + 1, OTHER);
    }
    assert_eq!(bench.lma.bindings(bench.now).count(), 2);
    exchange(&mut bench, sign(&answer, SPI, KEY), SPI, KEY);
    assert_eq!(bench.lma.bindings(bench.now).count(), 1);
    assert_eq!(bench.binding().peer, "mag8");
}
