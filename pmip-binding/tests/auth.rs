//! Where anchor and gateway share a key, nothing counts without it (RFC 4285 section 5, signalling
//! rules section 6).
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at what it did not expect"
)]

mod common;

use std::net::IpAddr;

use bytes::Bytes;
use common::{Bench, Pbu, SECOND, datagram, lma_binding, lma_path, mag_path, uplink};
use pmip_binding::config::{ConfigError, MagPeer, SharedKey};
use pmip_binding::testing::{
    LMA_ADDRESS, Node, Taped, World, address, control, lma_config, mag_config,
};
use pmip_binding::{
    BindingState, Carrier, Command, DropReason, Event, Input, LmaConfig, NotificationEvent,
    Notified, Notify, Output, RevocationEvent, Revoke, Stats,
};
use pmip_wire::auth::{Addresses, SecurityAssociation};
use pmip_wire::types::Encapsulation;
use pmip_wire::{
    BindingError, BindingRevocationAcknowledgement, BindingRevocationFlags,
    BindingRevocationIndication, BindingRevocationStatus, BindingUpdate, ChecksumContext,
    Heartbeat, Message, MobileNodeGroupIdentifier, MobileNodeIdentifier, MobilityHeader,
    MobilityOption, MobilityOptions, NotificationReason, OptionType, RevocationTrigger,
    SequenceNumber, UnknownOption, UpdateNotification, UpdateNotificationAcknowledgement,
    UpdateNotificationFlags, UpdateNotificationStatus,
};

const MN: &str = "mn1@example.com";
const KEY: [u8; 16] = *b"0123456789abcdef";
const OTHER: [u8; 16] = *b"fedcba9876543210";
const SPI: u32 = 0x100;

fn key(spi: u32, key: [u8; 16]) -> SharedKey {
    SharedKey::new(spi, key)
}

/// An anchor that shares [`KEY`] with `mag9` and [`OTHER`] with `mag8`, and learns nobody.
fn protected() -> LmaConfig {
    let mut config = lma_config();
    config.dynamic_mag_learning = false;
    let peers = [("mag9", SPI, KEY), ("mag8", SPI + 1, OTHER)];
    config.peers = peers
        .map(|(name, spi, octets)| {
            let mut peer = MagPeer::new(name);
            peer.keys = vec![key(spi, octets)];
            peer
        })
        .to_vec();
    config
}

fn association(spi: u32, key: [u8; 16]) -> SecurityAssociation {
    SecurityAssociation::new(spi, &key).unwrap()
}

/// A PBU signed over IPv4: the addresses count as zero.
fn signed(pbu: &Pbu, spi: u32, key: [u8; 16]) -> Bytes {
    let message = Message::decode(&pbu.datagram().payload, ChecksumContext::Udp).unwrap();
    sign(&message, spi, key)
}

fn sign(message: &Message, spi: u32, key: [u8; 16]) -> Bytes {
    let association = association(spi, key);
    association
        .sign(message, Addresses::ZERO, ChecksumContext::Udp)
        .unwrap()
}

/// What comes back from the anchor, checked to be authentic under this key.
fn exchange(bench: &mut Bench, payload: Bytes, spi: u32, key: [u8; 16]) -> Vec<Message> {
    let input = Input::Signalling(datagram(control(address(9, 1)), payload));
    give(bench, input, spi, key)
}

/// What the anchor sends then, checked in the same way.
fn give(bench: &mut Bench, input: Input, spi: u32, key: [u8; 16]) -> Vec<Message> {
    let sent = bench.give(input);
    for payload in &sent {
        let header = MobilityHeader::parse(payload, ChecksumContext::Udp).unwrap();
        let verified = association(spi, key).verify(&header, Addresses::ZERO);
        assert_eq!(verified, Ok(()), "everything sent is authentic");
    }
    sent.iter().map(decode).collect()
}

fn decode(payload: &Bytes) -> Message {
    Message::decode(payload, ChecksumContext::Udp).unwrap()
}

/// A protected anchor with a session of `mag9`.
fn with_session() -> Bench {
    let mut bench = Bench::new(protected());
    let registration = signed(&Pbu::new(MN, 1).multipath("mag9", 1), SPI, KEY);
    let answers = exchange(&mut bench, registration, SPI, KEY);
    assert_eq!(status(&answers), Some(0));
    bench
}

fn status(messages: &[Message]) -> Option<u8> {
    messages.iter().find_map(|message| match message {
        Message::BindingAcknowledgement(answer) => Some(answer.status.code()),
        _ => None,
    })
}

fn dropped(stats: &Stats, reason: DropReason) -> u64 {
    stats.dropped.get(&reason).copied().unwrap_or(0)
}

/// One gateway with `interfaces` uplinks and one key, registered.
fn world(interfaces: u8, transport: Encapsulation) -> World {
    let mut lma = lma_config();
    let mut mag = mag_config(1, interfaces);
    lma.encapsulation = transport;
    mag.encapsulation = transport;
    lma.ipv6_address = Some("2001:db8:f::1".parse().unwrap());
    mag.lmas[0].ipv6_address = lma.ipv6_address;
    lma.keys = vec![key(SPI, KEY)];
    mag.lmas[0].keys = vec![key(SPI, KEY)];
    let v6 = |n: u8| IpAddr::from([0x2001, 0xdb8, 0xa, 0, 0, 0, 0, u16::from(n)]);
    let addresses: Vec<IpAddr> = (1..=interfaces)
        .map(|n| match transport {
            Encapsulation::Ipv6 => v6(n),
            _ => address(1, n),
        })
        .collect();
    let mut world = World::new(lma, 1);
    world.add_mag(mag, &addresses, &common::link(10));
    world.all_up();
    world.run_for(10 * SECOND);
    world
}

#[test]
fn with_the_same_key_everything_works_over_every_transport() {
    for transport in [
        Encapsulation::Ipv4Udp,
        Encapsulation::Ipv4,
        Encapsulation::Ipv6,
    ] {
        let world = world(2, transport);
        assert_eq!(lma_binding(&world).paths.len(), 2, "{transport:?}");
        assert_eq!(uplink(&world), [1, 2]);
        for binding_id in [1, 2] {
            let at_lma = lma_path(&world, binding_id).heartbeat.unwrap();
            let at_mag = mag_path(&world, binding_id).heartbeat.unwrap();
            assert!(at_lma.received >= 8 && at_mag.received >= 8);
        }
        assert!(world.lma.stats().dropped.is_empty());
        assert!(world.mags[0].stats().dropped.is_empty());
    }
}

#[test]
fn behind_a_nat_the_gateways_address_does_not_count() {
    let mut world = world(1, Encapsulation::Ipv4Udp);
    world.set_nat(0, 1, IpAddr::from([203, 0, 113, 5]), 40_000);
    world.interface_down(0, 1);
    world.interface_up(0, 1);
    world.run_for(10 * SECOND);
    let path = lma_path(&world, 1);
    assert!(path.nat && path.usable, "{}", world.tail());
}

/// A Binding Update without its authentication, and with one that an option follows.
#[test]
fn every_message_on_the_wire_ends_with_the_option() {
    let mut world = world(2, Encapsulation::Ipv4Udp);
    world.run_for(SECOND);
    let mut seen = 0;
    for datagram in world.captured() {
        let header = MobilityHeader::parse(&datagram.payload, ChecksumContext::Udp).unwrap();
        let last = header.options().unwrap().map(Result::unwrap);
        let last = last.filter(|option| !option.is_padding()).last().unwrap();
        assert_eq!(u8::from(last.option_type()), 9);
        assert_eq!(last.offset() % 8, 5, "at 8n+5, so that nothing follows");
        seen += 1;
    }
    assert!(seen > 0);
}

#[test]
fn a_wrong_key_is_answered_with_146_and_registers_nothing() {
    let mut bench = Bench::new(protected());
    let pbu = Pbu::new(MN, 1).multipath("mag9", 1);
    let forged = signed(&pbu, SPI, OTHER);
    let answers = exchange(&mut bench, forged, SPI, KEY);
    assert_eq!(status(&answers), Some(146));
    assert_eq!(bench.lma.bindings(bench.now).count(), 0);
}

#[test]
fn a_flipped_bit_anywhere_is_noticed() {
    let pbu = Pbu::new(MN, 1).multipath("mag9", 1);
    let payload = signed(&pbu, SPI, KEY);
    for bit in 0..payload.len() * 8 {
        // The checksum counts as zero.
        if (32..48).contains(&bit) {
            continue;
        }
        let mut bench = Bench::new(protected());
        let mut changed = payload.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        let input = Input::Signalling(datagram(control(address(9, 1)), changed.into()));
        bench.give(input);
        assert_eq!(bench.lma.bindings(bench.now).count(), 0, "bit {bit}");
    }
}

#[test]
fn an_unknown_spi_and_no_authentication_are_met_with_silence() {
    let mut bench = Bench::new(protected());
    let pbu = Pbu::new(MN, 1).multipath("mag9", 1);
    let unknown = signed(&pbu, SPI + 77, KEY);
    assert!(exchange(&mut bench, unknown, SPI, KEY).is_empty());
    assert_eq!(dropped(bench.lma.stats(), DropReason::UnknownSpi), 1);
    assert!(bench.send(&pbu).is_none());
    // Nor does leaving out the name help: strangers need a key as well.
    assert!(bench.send(&Pbu::new(MN, 1)).is_none());
    assert_eq!(dropped(bench.lma.stats(), DropReason::Unauthenticated), 2);
    assert_eq!(bench.lma.bindings(bench.now).count(), 0);
}

#[test]
fn a_message_under_a_key_that_nobody_configured_is_discarded() {
    let mut bench = Bench::new(lma_config());
    let payload = signed(&Pbu::new(MN, 1), SPI, KEY);
    assert!(exchange(&mut bench, payload, SPI, KEY).is_empty());
    assert_eq!(dropped(bench.lma.stats(), DropReason::UnknownSpi), 1);
}

#[test]
fn a_key_speaks_for_its_own_gateway_alone() {
    let mut bench = Bench::new(protected());
    let own = signed(&Pbu::new(MN, 1).multipath("mag8", 1), SPI + 1, OTHER);
    let answers = exchange(&mut bench, own, SPI + 1, OTHER);
    assert_eq!(status(&answers), Some(0));
    // mag9 has a key, and claims to be mag8, or somebody unknown.
    for name in ["mag8", "mag7"] {
        let stolen = signed(&Pbu::new(MN, 2).multipath(name, 1), SPI, KEY);
        let answers = exchange(&mut bench, stolen, SPI, KEY);
        assert_eq!(status(&answers), Some(154), "{name}");
    }
    assert_eq!(bench.binding().peer, "mag8");
}

/// Without option 64 the key names the gateway, not the address it comes from.
#[test]
fn the_key_names_a_gateway_that_does_not_name_itself() {
    let mut bench = Bench::new(protected());
    let payload = signed(&Pbu::new(MN, 1), SPI, KEY);
    let answers = exchange(&mut bench, payload, SPI, KEY);
    assert_eq!(status(&answers), Some(0));
    assert_eq!(bench.binding().peer, "mag9");
}

/// The key of the domain is for gateways without one of their own.
#[test]
fn the_domains_key_does_not_replace_a_gateways_own() {
    let mut config = protected();
    config.keys = vec![key(SPI + 9, KEY)];
    config.dynamic_mag_learning = true;
    let mut bench = Bench::new(config);
    let stolen = signed(&Pbu::new(MN, 1).multipath("mag9", 1), SPI + 9, KEY);
    let answers = exchange(&mut bench, stolen, SPI + 9, KEY);
    assert_eq!(status(&answers), Some(154));
    let learnt = signed(&Pbu::new(MN, 2).multipath("mag3", 1), SPI + 9, KEY);
    let answers = exchange(&mut bench, learnt, SPI + 9, KEY);
    assert_eq!(status(&answers), Some(0));
    assert_eq!(bench.binding().peer, "mag3");
}

#[test]
fn a_replayed_registration_changes_nothing() {
    let mut bench = Bench::new(protected());
    let first = Pbu::new(MN, 1).multipath("mag9", 1).with(bench.timestamp());
    let recorded = signed(&first, SPI, KEY);
    let answers = exchange(&mut bench, recorded.clone(), SPI, KEY);
    assert_eq!(status(&answers), Some(0));
    bench.wait(SECOND / 10);
    let leave = Pbu::new(MN, 2)
        .multipath("mag9", 1)
        .lifetime(0)
        .with(bench.timestamp());
    let answers = exchange(&mut bench, signed(&leave, SPI, KEY), SPI, KEY);
    assert_eq!(status(&answers), Some(0));
    let before = bench.binding();
    let answers = exchange(&mut bench, recorded, SPI, KEY);
    assert_eq!(status(&answers), Some(157), "a timestamp of before");
    assert_eq!(bench.binding(), before);
}

/// Both ends accept both keys while they change from one to the other.
#[test]
fn keys_are_rolled_over_without_a_break() {
    let (old, new) = (key(SPI, KEY), key(SPI + 1, OTHER));
    for (lma_keys, mag_keys) in [
        (vec![old.clone(), new.clone()], vec![old.clone()]),
        (
            vec![old.clone(), new.clone()],
            vec![new.clone(), old.clone()],
        ),
        (vec![new.clone(), old], vec![new.clone()]),
    ] {
        let mut lma = lma_config();
        let mut mag = mag_config(1, 1);
        // The one that is not rolled over yet must know what the other one sends with.
        let sends = lma_keys[0].clone();
        lma.keys = lma_keys;
        mag.lmas[0].keys = mag_keys;
        if !mag.lmas[0].keys.contains(&sends) {
            mag.lmas[0].keys.push(sends);
        }
        let mut world = World::new(lma, 1);
        world.add_mag(mag, &[address(1, 1)], &common::link(10));
        world.all_up();
        world.run_for(5 * SECOND);
        assert_eq!(uplink(&world), [1], "{}", world.tail());
        assert!(world.lma.stats().dropped.is_empty());
    }
}

#[test]
fn the_gateway_takes_nothing_unprotected_from_its_anchor() {
    let mut world = world(1, Encapsulation::Ipv4Udp);
    let error = Message::BindingError(BindingError::unrecognized_mh_type());
    let beat = Message::from(Heartbeat::request(1));
    let mut at_mag = |payload: Bytes| {
        let mut datagram = datagram(control(LMA_ADDRESS.into()), payload);
        datagram.destination = control(address(1, 1));
        world.input(Node::Mag(0), Input::Signalling(datagram));
    };
    for message in [&error, &beat] {
        at_mag(message.to_bytes(ChecksumContext::Udp));
        at_mag(sign(message, SPI, OTHER));
        at_mag(sign(message, SPI + 1, KEY));
    }
    let stats = world.mags[0].stats();
    for reason in [
        DropReason::Unauthenticated,
        DropReason::AuthenticationFailed,
        DropReason::UnknownSpi,
    ] {
        assert_eq!(dropped(stats, reason), 2, "{reason:?}");
    }
    world.run_for(3 * SECOND);
    assert!(mag_path(&world, 1).heartbeat.unwrap().received >= 12);
}

/// An unprotected Binding Error would end the heartbeats of a path whose first one is out.
#[test]
fn the_anchor_takes_no_unprotected_binding_error() {
    let mut lma = lma_config();
    lma.keys = vec![key(SPI, KEY)];
    let mut bench = Bench::new(lma);
    let registration = signed(&Pbu::new(MN, 1).multipath("mag9", 1), SPI, KEY);
    exchange(&mut bench, registration, SPI, KEY);
    bench.wait(SECOND);
    let asked = bench.lma.stats().heartbeats_sent;
    assert!(asked > 0);
    let error = Message::BindingError(BindingError::unrecognized_mh_type());
    let bare = error.to_bytes(ChecksumContext::Udp);
    exchange(&mut bench, bare, SPI, KEY);
    assert_eq!(dropped(bench.lma.stats(), DropReason::Unauthenticated), 1);
    bench.wait(SECOND);
    bench.wait(SECOND);
    let more = bench.lma.stats().heartbeats_sent;
    assert!(more > asked, "it still asks");
    exchange(&mut bench, sign(&error, SPI, KEY), SPI, KEY);
    bench.wait(30 * SECOND);
    assert_eq!(
        bench.lma.stats().heartbeats_sent,
        more,
        "the real one counts"
    );
}

/// A gateway with a key can't end or answer the heartbeats of another one from its address.
#[test]
fn a_gateway_does_not_speak_for_another_ones_path() {
    let mut bench = Bench::new(protected());
    let registration = signed(&Pbu::new(MN, 1).multipath("mag9", 1), SPI, KEY);
    exchange(&mut bench, registration, SPI, KEY);
    bench.wait(SECOND);
    let error = Message::BindingError(BindingError::unrecognized_mh_type());
    for message in [&error, &Message::from(Heartbeat::request(4))] {
        let forged = sign(message, SPI + 1, OTHER);
        assert!(exchange(&mut bench, forged, SPI, KEY).is_empty());
    }
    assert_eq!(dropped(bench.lma.stats(), DropReason::KeyOfAnotherPeer), 2);
    let own = sign(&Message::from(Heartbeat::request(5)), SPI, KEY);
    let answers = exchange(&mut bench, own, SPI, KEY);
    assert!(matches!(&answers[..], [Message::Heartbeat(beat)] if beat.sequence == 5));
}

#[test]
fn what_stands_behind_the_authentication_spoils_it() {
    let pbu = Pbu::new(MN, 1).multipath("mag9", 1);
    let payload = signed(&pbu, SPI, KEY);
    let Message::BindingUpdate(update) = Message::decode(&payload, ChecksumContext::Udp).unwrap()
    else {
        panic!("a Binding Update");
    };
    let mut options = update.options.clone();
    let extra =
        UnknownOption::new(OptionType::from_code(200), Bytes::from_static(&[0; 4])).unwrap();
    options.push(MobilityOption::Unknown(extra)).unwrap();
    let longer = Message::BindingUpdate(BindingUpdate { options, ..update });
    let mut bench = Bench::new(protected());
    let payload = longer.to_bytes(ChecksumContext::Udp);
    assert!(exchange(&mut bench, payload, SPI, KEY).is_empty());
    let stats = bench.lma.stats();
    assert_eq!(dropped(stats, DropReason::AuthenticationMisplaced), 1);
}

#[test]
fn required_authentication_refuses_to_go_without_a_key() {
    let mut config = lma_config();
    config.authentication_required = true;
    assert!(!config.is_open_to_all());
    let errors = config.validate().unwrap_err();
    assert!(
        errors
            .iter()
            .any(|e| matches!(e, ConfigError::NoKey { .. }))
    );
    config.keys = vec![key(SPI, KEY)];
    config.validate().unwrap();
    let mut mag = mag_config(1, 1);
    mag.authentication_required = true;
    assert!(mag.validate().is_err());

    let mut open = lma_config();
    assert!(open.is_open_to_all());
    open.keys = vec![key(SPI, KEY)];
    assert!(!open.is_open_to_all());
}

#[test]
fn a_key_names_one_peer_and_reserved_numbers_none() {
    let mut config = protected();
    config.peers[1].keys = vec![key(SPI, OTHER)];
    let errors = config.validate().unwrap_err();
    let shared = ConfigError::SharedSpi { spi: SPI };
    assert!(errors.iter().any(|error| *error == shared));
    config.peers[1].keys = vec![key(255, OTHER)];
    assert!(config.validate().is_err());
}

/// A peer without a key next to one with: it stays as it was.
#[test]
fn a_configured_gateway_without_a_key_goes_unprotected() {
    let mut config = protected();
    config.peers.push(MagPeer::new("mag5"));
    let mut bench = Bench::new(config.clone());
    let pbu = Pbu::new(MN, 1).multipath("mag5", 1);
    assert_eq!(bench.status(&pbu).code(), 0);
    config.authentication_required = true;
    assert!(config.validate().is_err(), "unless all must be protected");
}

#[test]
fn keys_are_in_no_text_for_people() {
    let mut lma = protected();
    lma.keys = vec![key(SPI + 5, KEY)];
    let mut mag = mag_config(1, 1);
    mag.lmas[0].keys = vec![key(SPI, KEY)];
    let mut world = World::new(lma.clone(), 1);
    world.add_mag(mag.clone(), &[address(1, 1)], &common::link(1));
    let texts = [
        format!("{lma:?}"),
        format!("{mag:?}"),
        format!("{:?}", world.lma),
        format!("{:?}", world.mags[0]),
        serde_json::to_string(&lma).unwrap(),
        serde_json::to_string(&mag).unwrap(),
        serde_json::to_string(&world.lma.snapshot()).unwrap(),
    ];
    let hex = "30313233343536373839616263646566";
    let list = "48, 49, 50, 51, 52";
    for text in texts {
        for shown in ["0123456789abcdef", hex, list, "48,49,50,51,52"] {
            assert!(!text.contains(shown), "{shown}");
        }
    }
}

#[test]
fn drops_name_their_sender() {
    let mut bench = Bench::new(protected());
    bench.send(&Pbu::new(MN, 1));
    let from = control(address(9, 1));
    let reason = DropReason::Unauthenticated;
    assert!(bench.events.contains(&Event::Dropped { reason, from }));
}

/// Strangers and replayed registrations use up their own allowance, not that of the gateway in
/// whose name and from whose address they come.
#[test]
fn a_flood_in_a_gateways_name_does_not_keep_its_refreshes_away() {
    let mut config = protected();
    config.limits.updates_per_second = 5;
    let mut bench = Bench::new(config);
    let update = |bench: &Bench, sequence| {
        let pbu = Pbu::new(MN, sequence).multipath("mag9", 1);
        signed(&pbu.with(bench.timestamp()), SPI, KEY)
    };
    let recorded = update(&bench, 1);
    assert_eq!(
        status(&exchange(&mut bench, recorded.clone(), SPI, KEY)),
        Some(0)
    );
    for round in 0..5 {
        bench.wait(SECOND);
        let forged = signed(&Pbu::new(MN, 7).multipath("mag9", 1), SPI, OTHER);
        for payload in [&forged, &recorded] {
            for _ in 0..50 {
                exchange(&mut bench, payload.clone(), SPI, KEY);
            }
        }
        let refresh = update(&bench, 2 + round);
        let answers = exchange(&mut bench, refresh, SPI, KEY);
        assert_eq!(status(&answers), Some(0), "round {round}");
    }
    assert!(dropped(bench.lma.stats(), DropReason::RateLimited) > 100);
    // Its own eagerness is bounded as well.
    bench.wait(SECOND);
    for sequence in 100..110 {
        bench.now += SECOND / 100;
        let eager = update(&bench, sequence);
        exchange(&mut bench, eager, SPI, KEY);
    }
    let last = update(&bench, 111);
    assert!(exchange(&mut bench, last, SPI, KEY).is_empty());
}

// Revocation and notification.

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

/// A message without authentication, with a wrong one, under a key that nobody has, and under that
/// of another gateway; and how often each is dropped for what.
fn forgeries(message: &Message) -> [(Bytes, DropReason); 4] {
    [
        (
            message.to_bytes(ChecksumContext::Udp),
            DropReason::Unauthenticated,
        ),
        (sign(message, SPI, OTHER), DropReason::AuthenticationFailed),
        (sign(message, SPI + 77, KEY), DropReason::UnknownSpi),
        (sign(message, SPI + 1, OTHER), DropReason::KeyOfAnotherPeer),
    ]
}

fn assert_forgeries_dropped(bench: &mut Bench, message: &Message) {
    for (payload, reason) in forgeries(message) {
        let before = dropped(bench.lma.stats(), reason);
        let answers = exchange(bench, payload, SPI, KEY);
        assert_eq!(answers, [], "{reason:?}");
        assert_eq!(dropped(bench.lma.stats(), reason), before + 1, "{reason:?}");
    }
}

fn ask() -> Input {
    let who = Notified::MobileNode { nai: MN.into() };
    let notify = Notify::new(who, NotificationReason::ForceReregistration, true);
    Input::Command(Command::Notify(notify))
}

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

/// Restarts are told unasked by either end, and strangers reminded.
#[test]
fn what_is_told_about_restarts_is_protected() {
    let mut world = world(2, Encapsulation::Ipv4Udp);
    world.tape();
    let mut lma = world.lma.config().clone();
    lma.restart_counter += 1;
    let snapshot = world.lma.snapshot();
    world.resume_lma(lma.clone(), &snapshot, 9);
    world.run_for(5 * SECOND);
    let mut mag = world.mags[0].config().clone();
    mag.restart_counter += 1;
    mag.restarted = true;
    world.restart_mag(0, mag, 77);
    world.all_up();
    world.run_for(5 * SECOND);
    world.restart_lma(lma, 10);
    world.run_for(5 * SECOND);
    assert_eq!(uplink(&world), [1, 2], "{}", world.tail());
    assert_eq!(lma_binding(&world).paths.len(), 2);
    let unsolicited = |(_, _, taped): &(_, _, Taped)| match taped {
        Taped::Output(Output::Transmit(transmit)) => {
            matches!(decode(&transmit.payload), Message::Heartbeat(beat) if beat.unsolicited)
        }
        _ => false,
    };
    let tape = world.take_tape();
    assert_eq!(tape.iter().filter(|entry| unsolicited(entry)).count(), 4);
    for (_, _, taped) in tape {
        if let Taped::Output(Output::Transmit(transmit)) = taped {
            let header = MobilityHeader::parse(&transmit.payload, ChecksumContext::Udp).unwrap();
            assert_eq!(pmip_wire::auth::spi(&header), Ok(Some(SPI)), "{transmit:?}");
        }
    }
    for stats in [world.lma.stats(), world.mags[0].stats()] {
        for reason in [
            DropReason::Unauthenticated,
            DropReason::AuthenticationFailed,
        ] {
            assert_eq!(dropped(stats, reason), 0);
        }
    }
}

#[test]
fn the_gateway_obeys_no_forged_revocation_or_notification() {
    let mut world = world(1, Encapsulation::Ipv4Udp);
    let group = MobileNodeGroupIdentifier::ALL_SESSIONS.into();
    let notification = Message::UpdateNotification(UpdateNotification {
        sequence: SequenceNumber(9),
        reason: NotificationReason::ForceReregistration,
        flags: UpdateNotificationFlags::ACKNOWLEDGEMENT_REQUESTED,
        options: MobilityOptions::try_from(vec![group]).unwrap(),
    });
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

/// A heartbeat from nowhere makes the anchor ask for a registration only if it is of whom it names.
#[test]
fn a_gateway_is_reminded_under_its_own_key() {
    let beat = |name: &str| {
        let pbu = Pbu::new(MN, 1).multipath(name, 1);
        let kept = pbu.options.into_iter().filter(|option| {
            matches!(
                option,
                MobilityOption::MagMultipathBinding(_) | MobilityOption::MagIdentifier(_)
            )
        });
        let mut beat = Heartbeat::request(1);
        beat.options = MobilityOptions::try_from(kept.collect::<Vec<_>>()).unwrap();
        Message::Heartbeat(beat)
    };
    let mut config = protected();
    config.peers.push(MagPeer::new("mag5"));
    let mut bench = Bench::new(config);
    assert_forgeries_dropped(&mut bench, &beat("mag9"));
    let answers = exchange(&mut bench, sign(&beat("mag9"), SPI, KEY), SPI, KEY);
    assert!(
        matches!(
            &answers[..],
            [Message::Heartbeat(_), Message::UpdateNotification(_)]
        ),
        "{answers:?}"
    );
    bench.now += 2 * SECOND;
    let bare = beat("mag5").to_bytes(ChecksumContext::Udp);
    let from = control(address(9, 1));
    let answers = bench.give(Input::Signalling(datagram(from, bare)));
    assert_eq!(answers.len(), 2, "one without a key goes unprotected");
}

/// A PBU of `mag8`, which a NAT shows at the address of `mag9`.
fn behind_nat(nai: &str) -> Pbu {
    let own = MobilityOption::Ipv4CareOfAddress([192, 168, 0, 8].into());
    Pbu::new(nai, 1).multipath("mag8", 1).with(own)
}

/// A gateway that knows no heartbeats says so for itself.
#[test]
fn behind_one_address_each_gateway_refuses_heartbeats_for_itself() {
    let mut bench = with_session();
    let other = "mn2@example.com";
    let registration = signed(&behind_nat(other), SPI + 1, OTHER);
    exchange(&mut bench, registration, SPI + 1, OTHER);
    bench.wait(SECOND);
    let error = Message::BindingError(BindingError::unrecognized_mh_type());
    exchange(&mut bench, sign(&error, SPI + 1, OTHER), SPI + 1, OTHER);
    let watched = |peer: &str| {
        let mut paths = bench.lma.paths();
        let path = paths.find(|path| path.peer == peer).unwrap();
        path.heartbeat.is_some()
    };
    assert_eq!((watched("mag9"), watched("mag8")), (true, false));
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
