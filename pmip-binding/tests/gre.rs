//! GRE and its keys are agreed on with the registration (RFC 5845, signalling rules section 3).
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at what it did not expect"
)]

mod common;
mod gateway;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use common::{
    Bench, Pbu, SECOND, downlink, lma_binding, lma_path, mag_binding, mag_path, registered,
};
use gateway::{Gateway, plain_config};
use pmip_binding::config::Profile;
use pmip_binding::snapshot::LmaSnapshot;
use pmip_binding::testing::{UNIX_START, World, address, lma_config, mag_config};
use pmip_binding::{ClockAnchor, Command, GreKeys, Input, Lma, LmaConfig, MagConfig, PathState};
use pmip_wire::types::{Encapsulation, Instant};
use pmip_wire::{
    BindingAckFlags, BindingAcknowledgement, BindingUpdate, BindingUpdateFlags, ChecksumContext,
    GreKey, Lifetime, Message, MobilityOptions, SequenceNumber,
};

const MN: &str = "mn@example.com";

fn gre_anchor() -> LmaConfig {
    let mut config = lma_config();
    config.encapsulation = Encapsulation::GreIpv4;
    config
}

fn gre_gateway(interfaces: u8) -> MagConfig {
    let mut config = mag_config(1, interfaces);
    config.encapsulation = Encapsulation::GreIpv4;
    config.generate_gre_keys = true;
    config
}

fn world(anchor: LmaConfig, gateway: MagConfig) -> World {
    let addresses: Vec<IpAddr> = (1u8..)
        .zip(&gateway.roaming_interfaces)
        .map(|(number, _)| address(1, number))
        .collect();
    let mut world = World::new(anchor, 1);
    world.add_mag(gateway, &addresses, &common::link(10));
    world
}

fn keys_of(world: &World) -> [Vec<Option<GreKeys>>; 2] {
    let keys = |binding: pmip_binding::BindingStatus| {
        let mut paths = binding.paths;
        paths.sort_by_key(|path| path.binding_id);
        paths.iter().map(|path| path.keys).collect()
    };
    [keys(mag_binding(world)), keys(lma_binding(world))]
}

fn with_key(key: u32) -> GreKey {
    GreKey { key: Some(key) }
}

/// A PBU that does not force UDP.
fn pbu(sequence: u16) -> Pbu {
    let mut pbu = Pbu::new(MN, sequence);
    pbu.force_udp = false;
    pbu
}

/// Sends it with the T flag set.
fn send_with_tlv(bench: &mut Bench, pbu: &Pbu) -> BindingAcknowledgement {
    let message = Message::BindingUpdate(BindingUpdate {
        sequence: SequenceNumber(pbu.sequence),
        flags: BindingUpdateFlags::PROXY
            | BindingUpdateFlags::HOME_REGISTRATION
            | BindingUpdateFlags::ACKNOWLEDGE
            | BindingUpdateFlags::FORCE_UDP
            | BindingUpdateFlags::TLV_HEADER,
        lifetime: Lifetime::from_units(pbu.lifetime),
        options: MobilityOptions::try_from(pbu.options.clone()).unwrap(),
    });
    let datagram = common::datagram(pbu.source, message.to_bytes(ChecksumContext::Udp));
    let sent = bench.give(Input::Signalling(datagram));
    match Message::decode(sent.last().unwrap(), ChecksumContext::Udp).unwrap() {
        Message::BindingAcknowledgement(answer) => answer,
        other => panic!("{other:?}"),
    }
}

/// The uplink key of an acceptance with this status.
fn uplink(answer: &BindingAcknowledgement, status: u8) -> u32 {
    assert_eq!(answer.status.code(), status);
    answer.options.gre_key().unwrap().key.unwrap()
}

#[test]
fn every_path_has_keys_of_its_own_that_both_ends_know() {
    let mut world = world(gre_anchor(), gre_gateway(2));
    world.all_up();
    world.run_until_idle(SECOND);
    let [gateway, anchor] = keys_of(&world);
    assert_eq!(gateway, anchor, "{}", world.tail());
    let keys: Vec<GreKeys> = gateway.into_iter().map(Option::unwrap).collect();
    let uplinks: BTreeSet<u32> = keys.iter().map(|keys| keys.uplink).collect();
    let downlinks: BTreeSet<u32> = keys.iter().map(|keys| keys.downlink).collect();
    assert_eq!((uplinks.len(), downlinks.len()), (2, 2));
    for tables in [&world.lma_tables, &world.mag_tables[0]] {
        let route = tables.sessions.values().next().unwrap();
        assert_eq!(route.paths.len(), 2);
        assert!(route.paths.iter().all(|path| path.keys.is_some()));
        let mut paths = tables.paths.values();
        assert!(paths.all(|path| path.encapsulation == Encapsulation::GreIpv4));
    }
}

#[test]
fn ignored_keys_are_exchanged_but_not_forwarded_with() {
    let mut config = gre_gateway(1);
    config.ignore_gre_keys = true;
    let mut world = world(gre_anchor(), config);
    world.all_up();
    world.run_until_idle(SECOND);
    assert!(lma_binding(&world).paths[0].keys.is_some());
    let route = world.mag_tables[0].sessions.values().next().unwrap();
    assert_eq!(route.paths[0].keys, None);
}

#[test]
fn keys_stay_over_refreshes() {
    let mut world = world(gre_anchor(), gre_gateway(2));
    world.all_up();
    world.run_until_idle(SECOND);
    let before = keys_of(&world);
    let refreshes = world.lma.stats().binding_updates;
    world.run_until(Instant::from_secs(3 * 3600));
    assert!(world.lma.stats().binding_updates >= refreshes + 4);
    assert_eq!(keys_of(&world), before);
}

#[test]
fn the_encapsulation_alone_has_no_keys() {
    let mut config = gre_gateway(1);
    config.generate_gre_keys = false;
    let mut world = world(gre_anchor(), config);
    world.all_up();
    world.run_until_idle(SECOND);
    assert_eq!(keys_of(&world), [vec![None], vec![None]]);
    assert_eq!(lma_path(&world, 1).encapsulation, Encapsulation::GreIpv4);
    assert_eq!(mag_path(&world, 1).encapsulation, Encapsulation::GreIpv4);
}

/// Signalling rules section 7: GRE passes no NAT by itself.
#[test]
fn behind_a_nat_gre_travels_in_udp_with_the_tlv_header() {
    let mut world = world(gre_anchor(), gre_gateway(2));
    world.set_nat(0, 1, IpAddr::from([203, 0, 113, 9]), 40_000);
    world.all_up();
    world.run_for(2 * SECOND);
    let encapsulations = |id| {
        let (anchor, gateway) = (lma_path(&world, id), mag_path(&world, id));
        assert_eq!(anchor.state, PathState::Up, "{}", world.tail());
        [anchor.encapsulation, gateway.encapsulation]
    };
    assert_eq!(encapsulations(1), [Encapsulation::Ipv4UdpTlv; 2]);
    assert_eq!(encapsulations(2), [Encapsulation::GreIpv4; 2]);
    assert_eq!(lma_path(&world, 1).remote.port(), 40_001, "as shown to it");
    let [gateway, anchor] = keys_of(&world);
    assert_eq!(gateway, anchor);
    assert!(gateway.iter().all(Option::is_some));
    world.run_until(Instant::from_secs(2 * 3600));
    let refreshed = [lma_path(&world, 1), mag_path(&world, 1)];
    assert!(
        refreshed
            .iter()
            .all(|path| path.encapsulation == Encapsulation::Ipv4UdpTlv),
        "RFC 5845 section 7.2"
    );
}

/// RFC 5845 section 5.2: GRE_KEY_OPTION_REQUIRED, and section 4.2: what follows.
#[test]
fn a_gateway_without_gre_uses_it_with_an_anchor_that_requires_it() {
    let mut anchor = gre_anchor();
    anchor.gre_required = true;
    let mut world = world(anchor, mag_config(1, 2));
    world.all_up();
    world.run_until_idle(SECOND);
    let refused = world.lma.stats().acknowledgements.get(&163).copied();
    assert!(refused.is_some());
    let [gateway, anchor] = keys_of(&world);
    assert_eq!(gateway, anchor, "{}", world.tail());
    assert!(gateway.iter().all(Option::is_some));
    world.run_until(Instant::from_secs(2 * 3600));
    let again = world.lma.stats().acknowledgements.get(&163).copied();
    assert_eq!(again, refused, "it remembers");
}

/// RFC 5845 section 5.2: GRE_KEY_OPTION_NOT_REQUIRED.
#[test]
fn a_gateway_with_gre_does_without_where_the_anchor_needs_none() {
    let mut world = world(lma_config(), gre_gateway(1));
    world.all_up();
    world.run_until_idle(SECOND);
    assert_eq!(keys_of(&world), [vec![None], vec![None]]);
    assert_eq!(lma_path(&world, 1).encapsulation, Encapsulation::Ipv4);
    assert_eq!(mag_path(&world, 1).encapsulation, Encapsulation::Ipv4);
    assert_eq!(world.lma.stats().acknowledgements.get(&2), Some(&1));
    world.run_until(Instant::from_secs(2 * 3600));
    assert_eq!(
        world.lma.stats().acknowledgements.get(&2),
        Some(&1),
        "not asked for again in this session"
    );
    assert_eq!(downlink(&world), [1]);
}

#[test]
fn the_uplink_key_is_the_same_after_refresh_and_handoff_and_another_for_another_session() {
    let mut bench = Bench::new(gre_anchor());
    let first = bench.send(&pbu(1).with(with_key(7))).unwrap();
    let key = uplink(&first, 0);
    let again = bench.send(&pbu(2).handoff(5).with(with_key(8))).unwrap();
    assert_eq!(uplink(&again, 0), key);
    let keys = bench.binding().paths[0].keys;
    assert_eq!(
        keys,
        Some(GreKeys {
            uplink: key,
            downlink: 8
        }),
        "the newest"
    );
    let elsewhere = pbu(3).handoff(3).from(address(8, 1)).with(with_key(9));
    let moved = bench.send(&elsewhere).unwrap();
    assert_eq!(uplink(&moved, 0), key, "RFC 5845 section 3.3.2");
    let mut other = Pbu::new("other@example.com", 1).with(with_key(7));
    other.force_udp = false;
    let other = bench.send(&other).unwrap();
    assert_ne!(uplink(&other, 0), key);
}

#[test]
fn a_path_that_moves_keeps_its_uplink_key_and_one_that_is_added_gets_its_own() {
    let mut bench = Bench::new(gre_anchor());
    let path = |sequence, binding_id, host: u8| {
        pbu(sequence)
            .handoff(5)
            .multipath("mag9", binding_id)
            .from(address(9, host))
            .with(with_key(binding_id.into()))
    };
    let first = uplink(&bench.send(&path(1, 1, 1)).unwrap(), 0);
    let second = uplink(&bench.send(&path(2, 2, 2)).unwrap(), 0);
    assert_ne!(first, second);
    let moved = uplink(&bench.send(&path(3, 1, 77)).unwrap(), 0);
    assert_eq!(moved, first, "signalling rules section 1");
}

/// Signalling rules section 3; RFC 5845 section 4.2.
#[test]
fn a_deregistration_needs_no_key_and_gets_none() {
    let mut config = gre_anchor();
    config.gre_required = true;
    let mut bench = Bench::new(config);
    assert_eq!(bench.status(&pbu(1)).code(), 163);
    assert_eq!(bench.lma.bindings(bench.now).count(), 0);
    let key = uplink(&bench.send(&pbu(2).with(with_key(7))).unwrap(), 0);
    assert_eq!(bench.status(&pbu(3).handoff(5)).code(), 163, "a refresh");
    assert!(bench.binding().paths[0].keys.is_some());
    let left = bench.send(&pbu(4).lifetime(0)).unwrap();
    assert_eq!(left.status.code(), 0);
    assert_eq!(left.options.gre_key(), None);
    let back = bench.send(&pbu(5).with(with_key(7))).unwrap();
    assert_eq!(uplink(&back, 0), key, "within the delete wait");
    bench.send(&pbu(6).lifetime(0).with(with_key(7))).unwrap();
    bench.wait(60 * SECOND);
    let anew = bench.send(&pbu(7).with(with_key(7))).unwrap();
    assert_ne!(uplink(&anew, 0), key, "another session");
}

#[test]
fn a_refresh_without_the_option_ends_gre_where_it_is_not_required() {
    let mut bench = Bench::new(gre_anchor());
    let key = uplink(&bench.send(&pbu(1).with(with_key(7))).unwrap(), 0);
    let plain = bench.send(&pbu(2).handoff(5)).unwrap();
    assert_eq!(plain.status.code(), 0);
    assert_eq!(plain.options.gre_key(), None);
    assert_eq!(bench.binding().paths[0].keys, None);
    let path = bench.lma.paths().next().unwrap();
    assert_eq!(path.encapsulation, Encapsulation::Ipv4);
    let again = bench.send(&pbu(3).handoff(5).with(with_key(7))).unwrap();
    assert_eq!(uplink(&again, 0), key);
}

/// RFC 5845 sections 7.2 to 7.4.
#[test]
fn the_tlv_header_is_agreed_on_only_when_asked_for() {
    let mut config = lma_config();
    config.encapsulation = Encapsulation::Ipv4UdpTlv;
    let mut bench = Bench::new(config);
    let plain = bench.send(&pbu(1).with(with_key(7))).unwrap();
    uplink(&plain, 0);
    assert!(!plain.flags.contains(BindingAckFlags::TLV_HEADER));
    let answer = send_with_tlv(&mut bench, &pbu(2).handoff(5).with(with_key(7)));
    uplink(&answer, 0);
    assert!(answer.flags.contains(BindingAckFlags::TLV_HEADER));
    let encapsulation = |bench: &Bench| bench.lma.paths().next().unwrap().encapsulation;
    assert_eq!(encapsulation(&bench), Encapsulation::Ipv4UdpTlv);

    let mut bench = Bench::new(gre_anchor());
    let answer = send_with_tlv(&mut bench, &pbu(1).with(with_key(7)));
    uplink(&answer, 3);
    assert!(!answer.flags.contains(BindingAckFlags::TLV_HEADER));
    assert_eq!(encapsulation(&bench), Encapsulation::GreIpv4);
}

#[test]
fn gre_without_the_tlv_header_is_not_agreed_on_behind_a_nat() {
    let mut pbu = pbu(1).with(with_key(7));
    pbu.source.set_port(40_000);
    let mut bench = Bench::new(gre_anchor());
    let answer = bench.send(&pbu).unwrap();
    assert_eq!(answer.status.code(), 2);
    assert_eq!(answer.options.gre_key(), None);
    let mut config = gre_anchor();
    config.gre_required = true;
    assert_eq!(Bench::new(config).status(&pbu).code(), 129);
}

#[test]
fn a_configured_key_is_used_and_never_drawn_for_others() {
    let mut anchor = gre_anchor();
    let mut profile = Profile::new("lmn1@example.com", "net1");
    profile.gre_uplink_key = Some(4711);
    anchor.profiles.push(profile);
    let mut gateway = gre_gateway(2);
    gateway.logical_mobile_nodes[0].gre_downlink_key = Some(42);
    let mut world = world(anchor, gateway);
    world.all_up();
    world.run_until_idle(SECOND);
    let keys = GreKeys {
        uplink: 4711,
        downlink: 42,
    };
    assert_eq!(keys_of(&world), [vec![Some(keys); 2], vec![Some(keys); 2]]);
    let mut config = gre_gateway(1);
    config.logical_mobile_nodes[0].gre_downlink_key = Some(0);
    assert!(config.validate().is_err(), "0 is no key");
}

/// The octets by the figure of RFC 5845 section 6.1: type 33, length 6, two of zeros, the key.
#[test]
fn the_gateway_asks_with_its_key_and_the_t_flag() {
    let mut config = plain_config();
    config.encapsulation = Encapsulation::GreIpv4;
    config.generate_gre_keys = true;
    config.logical_mobile_nodes[0].gre_downlink_key = Some(0x0102_0304);
    let gateway = Gateway::new(config);
    let octets = gateway.sent.last().unwrap();
    let option = [33, 6, 0, 0, 1, 2, 3, 4];
    assert!(
        octets.windows(8).any(|window| window == option),
        "{octets:?}"
    );
    // Octets 8 and 9 are the flags: A, H, P and T of RFC 5845 section 6.2.
    assert_eq!(octets[8..10], [0b1100_0010, 0b1000_0000]);
}

/// RFC 5845 section 4.2: acceptance without the option and without status 2.
#[test]
fn an_anchor_that_does_not_know_gre_is_not_asked_again_until_an_administrative_action() {
    let mut config = plain_config();
    config.encapsulation = Encapsulation::GreIpv4;
    let mut gateway = Gateway::new(config);
    assert_eq!(
        gateway.last_update().options.gre_key(),
        Some(GreKey { key: None }),
        "the encapsulation alone"
    );
    gateway.answer(0, []);
    let path = gateway.mag.paths().next().unwrap();
    assert_eq!(path.encapsulation, Encapsulation::Ipv4);
    gateway.wait(Duration::from_secs(3400));
    assert_eq!(gateway.last_update().options.gre_key(), None, "the refresh");
    gateway.answer(0, []);
    gateway.give(Input::Command(Command::ClearBindings));
    assert_eq!(gateway.last_update().options.gre_key(), None);
    gateway.answer(0, []);
    assert_ne!(gateway.last_update().options.gre_key(), None, "anew");
}

#[test]
fn a_second_refusal_for_want_of_gre_is_not_answered_at_once() {
    let mut gateway = Gateway::new(plain_config());
    gateway.answer(163, []);
    assert_eq!(gateway.updates().len(), 2);
    assert!(
        gateway
            .last_update()
            .options
            .gre_key()
            .unwrap()
            .key
            .is_some()
    );
    gateway.answer(163, []);
    assert_eq!(gateway.updates().len(), 2, "a loop otherwise");
}

#[test]
fn a_key_that_nobody_asked_for_is_not_used() {
    let mut gateway = Gateway::new(plain_config());
    gateway.answer(0, [with_key(7).into()]);
    let binding = gateway.mag.bindings(gateway.now).next().unwrap();
    assert_eq!(binding.paths[0].keys, None);
    let path = gateway.mag.paths().next().unwrap();
    assert_eq!(path.encapsulation, Encapsulation::Ipv4Udp);
}

#[test]
fn the_deregistration_of_the_gateway_carries_no_option() {
    let mut config = plain_config();
    config.encapsulation = Encapsulation::GreIpv4;
    config.generate_gre_keys = true;
    let mut gateway = Gateway::new(config);
    gateway.answer(0, [with_key(7).into()]);
    gateway.give(Input::Command(Command::Shutdown));
    let last = gateway.last_update();
    assert_eq!(last.lifetime.as_units(), 0);
    assert_eq!(last.options.gre_key(), None);
    assert!(!last.flags.contains(BindingUpdateFlags::TLV_HEADER));
}

#[test]
fn a_restart_with_state_keeps_the_keys() {
    let mut world = world(gre_anchor(), gre_gateway(2));
    world.all_up();
    world.run_until_idle(SECOND);
    let (before, tables) = (keys_of(&world), world.lma_tables.clone());
    let text = serde_json::to_string(&world.lma.snapshot()).unwrap();
    let snapshot: LmaSnapshot = serde_json::from_str(&text).unwrap();
    assert_eq!(world.resume_lma(gre_anchor(), &snapshot, 1), []);
    assert_eq!(keys_of(&world), before);
    assert_eq!(world.lma_tables, tables);
    world.run_until(Instant::from_secs(2 * 3600));
    assert_eq!(keys_of(&world), before);
}

/// A snapshot of version 1 has no keys.
#[test]
fn an_older_snapshot_is_read() {
    let world = registered(2);
    let mut text = serde_json::to_value(world.lma.snapshot()).unwrap();
    text["version"] = 1.into();
    for session in text["sessions"].as_array_mut().unwrap() {
        assert!(session.as_object_mut().unwrap().remove("gre").is_some());
    }
    let snapshot: LmaSnapshot = serde_json::from_value(text).unwrap();
    let clock = ClockAnchor {
        instant: Instant::ZERO,
        unix: UNIX_START,
    };
    let restored = Lma::restore(lma_config(), &snapshot, [8; 32], clock, world.now).unwrap();
    assert_eq!(restored.1, []);
    assert_eq!(restored.0.bindings(world.now).count(), 1);
}

/// Changes alone lead to the same state as a snapshot.
#[test]
fn a_new_key_is_a_change_record() {
    let mut bench = Bench::new(gre_anchor());
    let mut mirror = bench.lma.snapshot();
    bench.lma.record_changes(true);
    for (sequence, key) in [(1, 7), (2, 8)] {
        bench.send(&pbu(sequence).handoff(5).with(with_key(key)));
        while let Some(change) = bench.lma.poll_change() {
            mirror.apply(change);
        }
        assert_eq!(mirror, bench.lma.snapshot());
        let session = mirror.sessions().next().unwrap();
        assert_eq!(session.gre[0].downlink, Some(key));
    }
}
